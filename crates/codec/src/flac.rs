//! FLAC: the `STREAMINFO` block, and how long a frame lasts (RFC 9639).
//!
//! ```text
//! block (§8.1):       last 1 │ type 7 │ length 24 │ content
//! STREAMINFO (§8.2):  min block 16 │ max block 16 │ min frame 24 │ max frame 24 │
//!                     rate 20 │ channels - 1 3 │ bits - 1 5 │ samples 36 │ MD5 128
//! frame (§9.1):       sync 15 = 7FFC │ variable 1 │ block size 4 │ rate 4 │ channels 4 │ bits 3 │ 0 1 │
//!                     number, like UTF-8 │ [block size - 1 8 or 16] │ [rate 8 or 16] │ CRC-8
//! ```

use alloc::vec::Vec;

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;
use crate::bit_writer::BitWriter;
use crate::bits::Bits;

const SPEC: &str = "RFC 9639 §8";
const MAGIC: &[u8; 4] = b"fLaC";
const STREAMINFO_LEN: u8 = 34;

/// The `STREAMINFO` block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Samples of the shortest frame but the last.
    pub min_block: u16,
    /// Samples of the longest frame.
    pub max_block: u16,
    /// Bytes of the smallest frame, 0 if not known.
    pub min_frame: u32,
    /// Bytes of the largest frame, 0 if not known.
    pub max_frame: u32,
    /// Samples a second, 20 bits.
    pub sample_rate: u32,
    /// 1 to 8.
    pub channels: u8,
    /// Bits a sample, 4 to 32.
    pub bits: u8,
    /// Samples in all, 0 if not known, 36 bits.
    pub total_samples: u64,
    /// Of the decoded samples, 0 if not known.
    pub md5: [u8; 16],
}

impl StreamInfo {
    /// Parses what containers hold: the 34 bytes, or those behind their block header, or that behind `fLaC`, with or
    /// without blocks behind it.
    ///
    /// Enhanced RTMP asks for the last form; ffmpeg to 9.0 sends the first.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let content = content(data)?;
        let skipped = data.len() - content.len();
        Self::fields(content).map_err(|it| it.of(SPEC).shifted(skipped))
    }

    fn fields(content: &[u8]) -> Result<Self, CodecError> {
        let bits = &mut Bits::new(content);
        let info = Self {
            min_block: bits.u16()?,
            max_block: bits.u16()?,
            min_frame: bits.u(24)?,
            max_frame: bits.u(24)?,
            sample_rate: bits.u(20)?,
            channels: bits.u(3)?.to_le_bytes()[0] + 1,
            bits: bits.u(5)?.to_le_bytes()[0] + 1,
            total_samples: u64::from(bits.u(4)?) << 32 | u64::from(bits.u(32)?),
            md5: content.get(18..).and_then(|it| it.first_chunk()).copied().unwrap_or_default(),
        };
        // §8.2: blocks of less than 16 samples, and less than four bits, are not FLAC.
        if info.min_block < 16 || info.max_block < info.min_block {
            return malformed(0, "impossible block sizes");
        }
        if info.sample_rate == 0 {
            return malformed(10, "a sampling frequency of 0");
        }
        if info.bits < 4 {
            return malformed(12, "less than four bits a sample");
        }
        Ok(info)
    }

    /// The 34 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = BitWriter::default();
        let [.., high, b3, b2, b1, b0] = self.total_samples.to_be_bytes();
        out.u(self.min_block.into(), 16);
        out.u(self.max_block.into(), 16);
        out.u(self.min_frame, 24);
        out.u(self.max_frame, 24);
        out.u(self.sample_rate, 20);
        out.u(u32::from(self.channels.wrapping_sub(1)), 3);
        out.u(u32::from(self.bits.wrapping_sub(1)), 5);
        out.u(high.into(), 4);
        out.u(u32::from_be_bytes([b3, b2, b1, b0]), 32);
        let mut out = out.finish();
        out.extend_from_slice(&self.md5);
        out
    }

    /// The same behind a block header that says that no other block follows: what `dfLa` holds behind its version
    /// and flags.
    pub fn encode_block(&self) -> Vec<u8> {
        let mut out = Vec::from([0x80, 0, 0, STREAMINFO_LEN]);
        out.extend_from_slice(&self.encode());
        out
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FrameHeader {
    /// Samples of the frame.
    pub samples: u32,
    /// Samples a second, if it is not left to `STREAMINFO`.
    pub sample_rate: Option<u32>,
    /// 1 to 8.
    pub channels: u8,
    /// The number of the frame, or of its first sample if blocks are of several sizes.
    pub number: u64,
    /// Whether blocks are of several sizes.
    pub variable: bool,
}

impl FrameHeader {
    /// Parses the header at the beginning of a frame, and checks its checksum.
    pub fn parse(frame: &[u8]) -> Result<Self, CodecError> {
        let bits = &mut Bits::new(frame);
        Self::fields(bits, frame).map_err(|it| it.of("RFC 9639 §9.1"))
    }

    fn fields(bits: &mut Bits<'_>, frame: &[u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: "" });
        if bits.u(15)? != 0x7FFC {
            return malformed(0, "no FLAC sync code");
        }
        let variable = bits.flag()?;
        let [block_code, rate_code, channel_code] = [bits.u(4)?, bits.u(4)?, bits.u(4)?];
        // Bits a sample and a reserved bit.
        bits.skip(4)?;
        let number = coded_number(bits)?;
        let samples = match block_code {
            0 => return malformed(2, "a reserved block size"),
            1 => 192,
            2..=5 => 144 << block_code,
            6 => bits.u(8)? + 1,
            7 => bits.u(16)? + 1,
            _ => 1 << block_code,
        };
        let sample_rate = match rate_code {
            0 => None,
            12 => Some(bits.u(8)? * 1000),
            13 => Some(bits.u(16)?),
            14 => Some(bits.u(16)? * 10),
            15 => return malformed(2, "a reserved sampling frequency"),
            _ => usize::try_from(rate_code).ok().and_then(|it| SAMPLE_RATES.get(it)).copied(),
        };
        let channels = match channel_code {
            0..=7 => channel_code.to_le_bytes()[0] + 1,
            8..=10 => 2,
            _ => return malformed(3, "a reserved channel assignment"),
        };
        let len = bits.position() / 8;
        let head = frame.get(..len).unwrap_or_default();
        if bits.u8()? != crc8(head) {
            return malformed(len, "a wrong checksum");
        }
        Ok(Self { samples, sample_rate, channels, number, variable })
    }
}

/// By the code in the frame header. 0 and 12 to 14 are taken from elsewhere.
const SAMPLE_RATES: [u32; 12] =
    [0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];

/// Up to 36 bits in the manner of UTF-8 (§9.1.5).
fn coded_number(bits: &mut Bits<'_>) -> Result<u64, CodecError> {
    let offset = bits.position() / 8;
    let malformed = CodecError::Malformed { offset, what: "a wrongly coded number", spec: "" };
    let first = bits.u8()?;
    let following = match first.leading_ones() {
        0 => return Ok(first.into()),
        1 | 8 => return Err(malformed),
        ones => ones - 1,
    };
    let mut number = u64::from(first & (0x3F >> following));
    for _ in 0..following {
        let byte = bits.u8()?;
        if byte >> 6 != 0b10 {
            return Err(malformed);
        }
        number = number << 6 | u64::from(byte & 0x3F);
    }
    Ok(number)
}

/// x⁸ + x² + x + 1 (§9.1.8).
fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

/// The 34 bytes of `STREAMINFO`, and what is behind them.
fn content(data: &[u8]) -> Result<&[u8], CodecError> {
    let block = data.strip_prefix(MAGIC).unwrap_or(data);
    if block.len() == usize::from(STREAMINFO_LEN) {
        return Ok(block);
    }
    match block {
        [kind, 0, 0, STREAMINFO_LEN, content @ ..]
            if kind & 0x7F == 0 && content.len() >= usize::from(STREAMINFO_LEN) =>
        {
            Ok(content)
        }
        _ => malformed(data.len() - block.len(), "no STREAMINFO block"),
    }
}

/// All that a FLAC track's configuration says. The blocks behind `STREAMINFO` (tags, pictures) are left out.
pub(crate) fn params(config: &Bytes) -> Result<AudioParams, CodecError> {
    let info = StreamInfo::parse(config)?;
    let mut params = AudioParams::new(AudioCodec::Flac, info.encode_block().into());
    params.rfc6381 = "fLaC".into();
    params.sample_rate = info.sample_rate;
    params.channels = info.channels;
    // The last frame may be shorter.
    params.samples_per_frame = (info.min_block == info.max_block).then_some(info.max_block.into());
    Ok(params)
}

fn malformed<T>(offset: usize, what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Malformed { offset, what, spec: SPEC })
}

#[cfg(test)]
mod tests;
