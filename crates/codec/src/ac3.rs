//! AC-3 and E-AC-3 (ATSC A/52, ETSI TS 102 366): frame headers, access units, the `dac3` and `dec3` boxes.
//!
//! ```text
//! AC-3 (§4.4.1)     0B77 16 │ CRC 16 │ fscod 2 │ frmsizecod 6 │ bsid 5 │ bsmod 3 │ acmod 3 │
//!                   [cmixlev 2] │ [surmixlev 2] │ [dsurmod 2] │ lfeon 1 │ …
//! E-AC-3 (§E.1.2)   0B77 16 │ strmtyp 2 │ substreamid 3 │ frmsiz 11 │ fscod 2 │ numblkscod or fscod2 2 │
//!                   acmod 3 │ lfeon 1 │ bsid 5 │ dialnorm 5 │ [compr 1 + 8] │ … │ [chanmap 1 + 16]
//! ```
//!
//! `bsid` is at the same place in both, and tells them apart.

mod config;

use crate::CodecError;
use crate::bits::Bits;
use crate::sync::{SyncHeader, sealed};

pub use config::{Ac3Config, Eac3Config, Substream};
pub(crate) use config::{params, with_frame};

const SPEC: &str = "ETSI TS 102 366 §4.4";
const ENHANCED_SPEC: &str = "ETSI TS 102 366 §E.1.2";

/// Audio blocks of an access unit. Each has 256 samples.
const BLOCKS: u8 = 6;

/// Samples of an AC-3 frame, and of an E-AC-3 access unit.
pub const SAMPLES: u32 = 1536;

/// Thousands of bits a second by `frmsizecod` / 2.
const BITRATES: [u16; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

/// The header of a synchronisation frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Which stream within the stream it belongs to.
    pub stream: Stream,
    /// Whether it is E-AC-3.
    pub enhanced: bool,
    /// Length of the frame in bytes.
    pub frame_len: u16,
    /// Code of the sampling frequency.
    pub fscod: u8,
    /// Samples a second.
    pub sample_rate: u32,
    /// Audio blocks in the frame, 256 samples each.
    pub blocks: u8,
    /// Version of the bit stream, up to 10 AC-3, above E-AC-3.
    pub bsid: u8,
    /// Kind of service: 0 is the main one. (AC-3 only; E-AC-3 has it too far back.)
    pub bsmod: u8,
    /// Channels in front and behind.
    pub acmod: u8,
    /// Whether there is a low frequency channel.
    pub lfe: bool,
    /// `frmsizecod` / 2 (AC-3 only).
    pub bit_rate_code: u8,
    /// Which channels a dependent stream brings, if it says.
    pub channel_map: Option<u16>,
}

/// Which of the streams that share one byte stream a frame belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "strmtyp has no other values")]
pub enum Stream {
    /// A programme by itself. 0 is the one to play, and all there is in AC-3.
    Independent(u8),
    /// More channels for the independent one before it.
    Dependent(u8),
}

impl Header {
    /// Parses the header at the beginning of a frame.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: SPEC });
        let Some(&[sync0, sync1, _, _, _, version]) = data.first_chunk() else {
            return malformed(data.len(), "a cut AC-3 header");
        };
        if [sync0, sync1] != [0x0B, 0x77] {
            return malformed(0, "no AC-3 sync word");
        }
        match version >> 3 {
            0..=10 => Self::parse_ac3(data).map_err(|it| it.of(SPEC)),
            11..=16 => Self::parse_eac3(data).map_err(|it| it.of(ENHANCED_SPEC)),
            _ => Err(CodecError::Unsupported { what: "a version of AC-3 beyond 16" }),
        }
    }

    fn parse_ac3(data: &[u8]) -> Result<Self, CodecError> {
        let bits = &mut Bits::new(data);
        bits.skip(32)?;
        let [fscod, frame_size_code] = [small(bits, 2)?, small(bits, 6)?];
        let [bsid, bsmod, acmod] = [small(bits, 5)?, small(bits, 3)?, small(bits, 3)?];
        // cmixlev, surmixlev, dsurmod: each where the channels that it mixes are.
        let has = |it: bool| if it { 2 } else { 0 };
        bits.skip(has(acmod & 1 != 0 && acmod != 1) + has(acmod & 4 != 0) + has(acmod == 2))?;
        let lfe = bits.flag()?;
        let bit_rate_code = frame_size_code >> 1;
        let Some(&bitrate) = BITRATES.get(usize::from(bit_rate_code)) else {
            return malformed(4, "a reserved frame size");
        };
        let (full_rate, words) = match fscod {
            0 => (48_000, 2 * bitrate),
            // 44.1 kHz does not divide: every other frame has a word more.
            1 => {
                let words = u32::from(bitrate) * 320 / 147 + u32::from(frame_size_code & 1);
                (44_100, u16::try_from(words).unwrap_or(u16::MAX))
            }
            2 => (32_000, 3 * bitrate),
            _ => return malformed(4, "a reserved sampling frequency"),
        };
        Ok(Self {
            stream: Stream::Independent(0),
            enhanced: false,
            frame_len: 2 * words,
            fscod,
            // Versions 9 and 10: half and a quarter of the rate.
            sample_rate: full_rate >> bsid.saturating_sub(8),
            blocks: BLOCKS,
            bsid,
            bsmod,
            acmod,
            lfe,
            bit_rate_code,
            channel_map: None,
        })
    }

    fn parse_eac3(data: &[u8]) -> Result<Self, CodecError> {
        let bits = &mut Bits::new(data);
        bits.skip(16)?;
        let [kind, id] = [small(bits, 2)?, small(bits, 3)?];
        let stream = match kind {
            // 2 was AC-3 before, and is a programme by itself too.
            0 | 2 => Stream::Independent(id),
            1 => Stream::Dependent(id),
            _ => return malformed(2, "a reserved stream type"),
        };
        let [_, _, high, low] = bits.u(11)?.to_be_bytes();
        let frame_len = 2 * (u16::from_be_bytes([high, low]) + 1);
        let [fscod, code] = [small(bits, 2)?, small(bits, 2)?];
        let (sample_rate, blocks) = match (fscod, code) {
            (0, code) => (48_000, code),
            (1, code) => (44_100, code),
            (2, code) => (32_000, code),
            (_, 0) => (24_000, 3),
            (_, 1) => (22_050, 3),
            (_, 2) => (16_000, 3),
            _ => return malformed(4, "a reserved sampling frequency"),
        };
        let blocks = [1, 2, 3, BLOCKS].get(usize::from(blocks)).copied().unwrap_or(BLOCKS);
        let [acmod, lfe, bsid] = [small(bits, 3)?, small(bits, 1)?, small(bits, 5)?];
        // Of two mono programmes each has its volume.
        for _ in 0..if acmod == 0 { 2 } else { 1 } {
            // dialnorm, compr.
            bits.skip(5)?;
            if bits.flag()? {
                bits.skip(8)?;
            }
        }
        let has_map = kind == 1 && bits.flag()?;
        let channel_map = if has_map { Some(bits.u16()?) } else { None };
        if usize::from(frame_len) < Self::LEN {
            return malformed(2, "a frame shorter than its header");
        }
        Ok(Self {
            stream,
            enhanced: true,
            frame_len,
            fscod,
            sample_rate,
            blocks,
            bsid,
            bsmod: 0,
            acmod,
            lfe: lfe == 1,
            bit_rate_code: 0,
            channel_map,
        })
    }

    /// Samples of the frame.
    pub fn samples(&self) -> u32 {
        256 * u32::from(self.blocks)
    }

    /// Channels of the frame.
    pub fn channels(&self) -> u8 {
        channels(self.acmod, self.lfe)
    }

    /// Bits a second, were all frames like this one.
    pub fn bitrate(&self) -> u32 {
        u32::from(self.frame_len) * 8 * self.sample_rate / self.samples()
    }

    /// Whether an access unit begins with it.
    fn leads(&self) -> bool {
        self.stream == Stream::Independent(0)
    }
}

impl sealed::Sealed for Header {}

impl SyncHeader for Header {
    const LEN: usize = 12;

    fn read(data: &[u8]) -> Option<Self> {
        Self::parse(data).ok()
    }

    fn frame_len(&self) -> usize {
        self.frame_len.into()
    }

    fn follows(&self, other: &Self) -> bool {
        (self.enhanced, self.sample_rate) == (other.enhanced, other.sample_rate)
    }
}

/// The length of the access unit that `data` begins with: what fMP4 stores as one sample, and [`SAMPLES`] long.
///
/// In AC-3 that is a frame. In E-AC-3 it is the frames of all streams for six blocks, so its end shows only where the
/// next one begins, or where `data` ends with a frame. `None`: it is not all there.
pub fn access_unit_len(data: &[u8]) -> Result<Option<usize>, CodecError> {
    let mut len = 0;
    let mut blocks = 0_u8;
    loop {
        let rest = data.get(len..).unwrap_or_default();
        if blocks >= BLOCKS && rest.is_empty() {
            return Ok(Some(len));
        }
        if rest.len() < Header::LEN {
            return Ok(None);
        }
        let header = match Header::parse(rest) {
            // Whatever follows, it is not of this unit.
            Err(_) if blocks >= BLOCKS => return Ok(Some(len)),
            header => header.map_err(|it| it.shifted(len))?,
        };
        if header.leads() {
            if blocks >= BLOCKS {
                return Ok(Some(len));
            }
            blocks += header.blocks;
        } else if blocks == 0 {
            return malformed(len, "an access unit that begins with another stream")
                .map_err(of_spec);
        }
        if header.frame_len() > rest.len() {
            return Ok(None);
        }
        len += header.frame_len();
    }
}

/// Channels by `acmod`, of which 0 means two that have nothing to do with each other.
fn channels(acmod: u8, lfe: bool) -> u8 {
    let full = [2, 1, 2, 3, 3, 4, 4, 5].get(usize::from(acmod)).copied().unwrap_or(0);
    full + u8::from(lfe)
}

fn small(bits: &mut Bits<'_>, count: u32) -> Result<u8, CodecError> {
    Ok(bits.u(count)?.to_le_bytes()[0])
}

fn malformed<T>(offset: usize, what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Malformed { offset, what, spec: "" })
}

fn of_spec(error: CodecError) -> CodecError {
    error.of(ENHANCED_SPEC)
}

#[cfg(test)]
mod tests;
