//! PAT and PMT of the one programme that we write.

use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use levada_media::Track;

use super::multiplex::Heading;
use crate::carriage::{Carriage, ID3_POINTER};
use crate::packet::{NULL_PID, PAT_PID};
use crate::packetize::Lane;
use crate::pes::Times;
use crate::psi;

/// The only programme's number, and the stream's.
const PROGRAM: u16 = 1;

/// Where its map is.
const PMT_PID: u16 = 0x1000;

/// One stream as the PMT lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) carriage: Carriage,
    stream_type: u8,
    descriptors: Vec<u8>,
}

impl Entry {
    pub(crate) fn new(carriage: Carriage, track: &Track) -> Self {
        Self {
            carriage,
            stream_type: carriage.stream_type(track),
            descriptors: carriage.descriptors(track),
        }
    }

    pub(crate) fn heading(&self, index: usize, times: Times, random_access: bool) -> Heading {
        Heading {
            index,
            stream_id: self.carriage.stream_id(),
            times,
            random_access,
            moves_clock: self.carriage != Carriage::Id3,
        }
    }

    pub(crate) fn is_video(&self) -> bool {
        matches!(self.carriage, Carriage::Avc | Carriage::Hevc)
    }
}

/// The tables, and whether the reader has their newest version.
#[derive(Debug)]
pub(crate) struct Program {
    pat: Lane,
    pmt: Lane,
    pat_section: Vec<u8>,
    pmt_body: Vec<u8>,
    version: u8,
    /// The body that the reader knows.
    written: Option<Vec<u8>>,
}

impl Program {
    pub(crate) fn new() -> Self {
        let [high, low] = (0xE000 | PMT_PID).to_be_bytes();
        Self {
            pat: Lane::new(PAT_PID),
            pmt: Lane::new(PMT_PID),
            pat_section: psi::encode_section(psi::PAT, PROGRAM, 0, &[0, 1, high, low]),
            pmt_body: Vec::new(),
            version: 0,
            written: None,
        }
    }

    /// What the programme consists of from now on.
    pub(crate) fn set<'a>(
        &mut self,
        clock_pid: Option<u16>,
        entries: impl Iterator<Item = (u16, &'a Entry)> + Clone,
    ) {
        let mut body = Vec::new();
        body.put_u16(0xE000 | clock_pid.unwrap_or(NULL_PID));
        let has_id3 = entries.clone().any(|(_, entry)| entry.carriage == Carriage::Id3);
        put_counted(if has_id3 { ID3_POINTER } else { &[] }, &mut body);
        for (pid, entry) in entries {
            body.put_u8(entry.stream_type);
            body.put_u16(0xE000 | pid);
            put_counted(&entry.descriptors, &mut body);
        }
        self.pmt_body = body;
    }

    /// Whether the reader does not know what the programme consists of.
    pub(crate) fn is_news(&self) -> bool {
        self.written.as_ref() != Some(&self.pmt_body)
    }

    /// Writes both tables. The map's version goes up if it is news to a reader who knows another.
    pub(crate) fn put(&mut self, out: &mut BytesMut) {
        if self.is_news() && self.written.replace(self.pmt_body.clone()).is_some() {
            self.version = self.version.wrapping_add(1) & 0x1F;
        }
        self.pat.put_section(&self.pat_section, out);
        let pmt = psi::encode_section(psi::PMT, PROGRAM, self.version, &self.pmt_body);
        self.pmt.put_section(&pmt, out);
    }
}

fn put_counted(descriptors: &[u8], body: &mut Vec<u8>) {
    body.put_u16(0xF000 | u16::try_from(descriptors.len()).unwrap_or(0));
    body.put_slice(descriptors);
}
