//! Bytes into packets: headers, adaptation fields, stuffing, counters.

use bytes::{BufMut, BytesMut};

use crate::clock::encode_pcr;
use crate::packet::{PACKET, ROOM, SYNC};

/// The part of an adaptation field that says something, without its length byte (ISO/IEC 13818-1 §2.4.3.4).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Adaptation {
    pub(crate) discontinuity: bool,
    pub(crate) random_access: bool,
    /// Programme clock reference in 90 kHz ticks.
    pub(crate) pcr: Option<i64>,
}

impl Adaptation {
    /// How many bytes of its packet it takes, length byte included. 0 if there is nothing to say.
    fn len(self) -> usize {
        match self.pcr {
            Some(_) => 8,
            None if self.discontinuity || self.random_access => 2,
            None => 0,
        }
    }

    /// Writes a field of exactly `len` bytes, which is at least [`Self::len`], filled with stuffing.
    fn put(self, len: usize, out: &mut BytesMut) {
        let Some(length) = len.checked_sub(1) else { return };
        out.put_u8(u8::try_from(length).unwrap_or(u8::MAX));
        if length == 0 {
            return;
        }
        let flags = u8::from(self.discontinuity) << 7
            | u8::from(self.random_access) << 6
            | u8::from(self.pcr.is_some()) << 4;
        out.put_u8(flags);
        let mut written = 1;
        if let Some(pcr) = self.pcr {
            out.put_slice(&encode_pcr(pcr));
            written += 6;
        }
        out.put_bytes(0xFF, length.saturating_sub(written));
    }
}

/// Where the packets of one PID go.
#[derive(Debug)]
pub(crate) struct Lane {
    pid: u16,
    /// `continuity_counter` of the next packet with payload.
    counter: u8,
    /// Whether the next packet is the first behind a discontinuity.
    restarted: bool,
}

impl Lane {
    pub(crate) fn new(pid: u16) -> Self {
        Self { pid, counter: 0, restarted: false }
    }

    /// Has the next packet tell of a discontinuity.
    pub(crate) fn restart(&mut self) {
        self.restarted = true;
    }

    pub(crate) fn is_restarted(&self) -> bool {
        self.restarted
    }

    /// Whether the next packet has to tell of a discontinuity, for whoever makes that packet.
    pub(crate) fn take_restart(&mut self) -> bool {
        core::mem::take(&mut self.restarted)
    }

    /// A packet with a clock reference and no payload, which is not counted (§2.4.3.3).
    pub(crate) fn put_clock(&mut self, pcr: i64, out: &mut BytesMut) {
        let [high, low] = self.pid.to_be_bytes();
        out.put_slice(&[SYNC, high, low, 0x20 | self.counter.wrapping_sub(1) & 0x0F]);
        let adaptation =
            Adaptation { discontinuity: self.take_restart(), random_access: false, pcr: Some(pcr) };
        adaptation.put(ROOM, out);
    }

    /// Sections, filled up with FF to whole packets.
    pub(crate) fn put_section(&mut self, section: &[u8], out: &mut BytesMut) {
        let payload = 1 + section.len(); // pointer_field
        let packets = payload.div_ceil(ROOM);
        let mut writer = self.begin(Adaptation::default(), packets * ROOM, out);
        writer.put(&[0]);
        writer.put(section);
        let stuffing = [0xFF; ROOM];
        writer.put(stuffing.get(..writer.left).unwrap_or_default());
    }

    /// Begins a PES packet of `total` bytes, all of which the caller puts into the writer.
    pub(crate) fn begin<'a>(
        &'a mut self,
        adaptation: Adaptation,
        total: usize,
        out: &'a mut BytesMut,
    ) -> PacketWriter<'a> {
        out.reserve((total + adaptation.len()).div_ceil(ROOM).saturating_mul(PACKET));
        let mut writer = PacketWriter { lane: self, out, left: total, room: 0 };
        writer.open(0x40, adaptation);
        writer
    }
}

/// Spreads bytes over packets as they come.
///
/// Invariant: `room` bytes fit in the packet that is open, and `room` ≤ `left`. As `left` is known from the start,
/// the last packet's stuffing is written before its payload, where it belongs.
#[derive(Debug)]
pub(crate) struct PacketWriter<'a> {
    lane: &'a mut Lane,
    out: &'a mut BytesMut,
    left: usize,
    room: usize,
}

impl PacketWriter<'_> {
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let (head, mut bytes) = bytes.split_at(self.room.min(bytes.len()));
        self.out.put_slice(head);
        self.room -= head.len();
        self.left = self.left.saturating_sub(head.len());
        while let Some((payload, rest)) = bytes.split_first_chunk::<ROOM>() {
            let header = self.header(0, 0x10);
            self.out.put_slice(&header);
            self.out.put_slice(payload);
            self.left = self.left.saturating_sub(ROOM);
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.open(0, Adaptation::default());
            self.out.put_slice(bytes);
            self.room = self.room.saturating_sub(bytes.len());
            self.left = self.left.saturating_sub(bytes.len());
        }
    }

    /// Opens a packet and writes all of it that stands in front of the payload.
    fn open(&mut self, start: u8, adaptation: Adaptation) {
        let room = ROOM - adaptation.len();
        self.room = room.min(self.left);
        let field = ROOM - self.room;
        let header = self.header(start, if field == 0 { 0x10 } else { 0x30 });
        self.out.put_slice(&header);
        adaptation.put(field, self.out);
    }

    fn header(&mut self, start: u8, control: u8) -> [u8; 4] {
        let [high, low] = self.lane.pid.to_be_bytes();
        let counter = self.lane.counter;
        self.lane.counter = counter.wrapping_add(1) & 0x0F;
        [SYNC, high | start, low, control | counter]
    }
}
