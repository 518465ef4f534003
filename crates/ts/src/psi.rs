//! The tables that say what is in a stream: PAT and PMT, in sections (ISO/IEC 13818-1 §2.4.4).
//!
//! ```text
//! table_id:8  1 0 11 length:12  id:16  11 version:5 current:1  section:8  last_section:8   body …   CRC:32
//!
//! PAT body:  (program_number:16  111 PID:13)*
//! PMT body:  111 PCR_PID:13  1111 length:12 descriptor*  (stream_type:8  111 PID:13  1111 length:12 descriptor*)*
//! ```

use alloc::vec::Vec;

use bytes::BufMut;
use nom::bytes::complete::take;
use nom::multi::many0;
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};

/// `table_id` of the programme association table.
pub(crate) const PAT: u8 = 0x00;

/// `table_id` of a programme map table.
pub(crate) const PMT: u8 = 0x02;

/// `length` of these tables is at most this (§2.4.4.5, §2.4.4.8).
pub(crate) const MAX_LENGTH: usize = 1021;

/// Bytes up to the length field and with it.
const PREFIX: usize = 3;

/// Bytes from behind the length field to the body.
const HEAD: usize = 5;

/// Bytes of the checksum.
const CRC: usize = 4;

/// The checksum of a section (annex A). It is 0 over a section with its checksum.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        let [high, ..] = crc.to_be_bytes();
        crc << 8 ^ CRC_TABLE.get(usize::from(high ^ byte)).copied().unwrap_or_default()
    })
}

/// What each byte does to a checksum.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let (mut index, mut high) = (0, 0_u32);
    while index < table.len() {
        let mut crc = high;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "the compiler has checked a constant")]
        {
            table[index] = crc;
        }
        index += 1;
        high = high.wrapping_add(1 << 24);
    }
    table
};

/// A whole section around `body`, which is at most [`MAX_LENGTH`] − 9 bytes.
pub(crate) fn encode_section(table_id: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = HEAD + body.len() + CRC;
    let mut bytes = Vec::with_capacity(PREFIX + length);
    bytes.put_u8(table_id);
    bytes.put_u16(0xB000 | u16::try_from(length).unwrap_or(0) & 0x0FFF);
    bytes.put_u16(id);
    bytes.put_u8(0xC1 | (version & 0x1F) << 1);
    bytes.put_slice(&[0, 0]);
    bytes.put_slice(body);
    let crc = crc32(&bytes);
    bytes.put_u32(crc);
    bytes
}

/// A section that has been read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Section<'a> {
    pub(crate) table_id: u8,
    /// `transport_stream_id` or `program_number`.
    pub(crate) id: u16,
    /// Whether it holds from now on, or is sent ahead.
    pub(crate) current: bool,
    pub(crate) body: &'a [u8],
}

impl<'a> Section<'a> {
    /// `bytes` is one whole section. `None` if its checksum is wrong or it is too short to be one.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.get(..bytes.len().checked_sub(CRC)?)?;
        let ([table_id, _, _, id_high, id_low, version, _, _], body) = rest.split_first_chunk()?;
        (crc32(bytes) == 0).then_some(Self {
            table_id: *table_id,
            id: u16::from_be_bytes([*id_high, *id_low]),
            current: version & 1 == 1,
            body,
        })
    }
}

/// The programmes of a PAT body with the PIDs of their maps. Number 0, the network's own table, is left out.
pub(crate) fn parse_pat(body: &[u8]) -> impl Iterator<Item = (u16, u16)> {
    body.chunks_exact(4).filter_map(|it| {
        let [number_high, number_low, pid_high, pid_low] = it.first_chunk()?;
        let number = u16::from_be_bytes([*number_high, *number_low]);
        (number != 0).then_some((number, u16::from_be_bytes([*pid_high, *pid_low]) & 0x1FFF))
    })
}

/// One stream of a programme.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StreamEntry<'a> {
    pub(crate) stream_type: u8,
    pub(crate) pid: u16,
    pub(crate) descriptors: &'a [u8],
}

/// The PCR's PID and the streams of a PMT body. What is cut at the end is left out.
pub(crate) fn parse_pmt(body: &[u8]) -> Option<(u16, Vec<StreamEntry<'_>>)> {
    let (streams, (pcr_pid, _descriptors)) = (pid, counted).parse(body).ok()?;
    let (_, streams) = many0(stream).parse(streams).ok()?;
    Some((pcr_pid, streams))
}

fn stream(input: &[u8]) -> IResult<&[u8], StreamEntry<'_>> {
    let (rest, (stream_type, pid, descriptors)) = (be_u8, pid, counted).parse(input)?;
    Ok((rest, StreamEntry { stream_type, pid, descriptors }))
}

fn pid(input: &[u8]) -> IResult<&[u8], u16> {
    be_u16.map(|it| it & 0x1FFF).parse(input)
}

fn counted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (rest, length) = be_u16(input)?;
    take(length & 0x0FFF).parse(rest)
}

/// The descriptors of a loop, by tag. What is cut at the end is left out.
pub(crate) fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let ([tag, length], rest) = bytes.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(usize::from(*length))?;
        bytes = rest;
        Some((*tag, content))
    })
}

/// Gathers the sections of one PID from its packets.
///
/// Invariant: `bytes` is shorter than the longest section, so one PID holds at most 1024 bytes.
#[derive(Debug, Default)]
pub(crate) struct SectionReader {
    /// The beginning of a section; empty between sections.
    bytes: Vec<u8>,
    /// Whether the next packet may go on with `bytes`.
    inside: bool,
}

impl SectionReader {
    /// Takes a packet's payload and lends every section that it completes.
    pub(crate) fn push(&mut self, start: bool, payload: &[u8], mut on_section: impl FnMut(&[u8])) {
        if !start {
            if self.inside {
                self.append(payload, &mut on_section);
            }
            return;
        }
        // §2.4.4.2: pointer_field says where the first new section begins.
        let Some((pointer, rest)) = payload.split_first() else { return };
        let Some((tail, head)) = rest.split_at_checked(usize::from(*pointer)) else {
            self.reset();
            return;
        };
        if self.inside {
            self.append(tail, &mut on_section);
        }
        self.reset();
        self.inside = true;
        self.append(head, &mut on_section);
    }

    /// Forgets a section of which a packet was lost.
    pub(crate) fn reset(&mut self) {
        self.bytes.clear();
        self.inside = false;
    }

    fn append(&mut self, mut bytes: &[u8], on_section: &mut impl FnMut(&[u8])) {
        while self.inside && !bytes.is_empty() {
            // §2.4.4: a table_id of FF is stuffing up to the end of the packet.
            if self.bytes.is_empty() && bytes.first() == Some(&0xFF) {
                return self.reset();
            }
            let wanted = match self.bytes.first_chunk::<PREFIX>() {
                None => PREFIX,
                Some([_, high, low]) => {
                    let length = usize::from(u16::from_be_bytes([high & 0x0F, *low]));
                    if !(HEAD + CRC..=MAX_LENGTH).contains(&length) {
                        return self.reset();
                    }
                    PREFIX + length
                }
            };
            let missing = wanted.saturating_sub(self.bytes.len());
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.bytes.extend_from_slice(taken);
            bytes = rest;
            if wanted > PREFIX && self.bytes.len() == wanted {
                on_section(&self.bytes);
                self.bytes.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests;
