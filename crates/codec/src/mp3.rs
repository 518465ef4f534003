//! MPEG audio, layers I to III, MPEG-1, MPEG-2 and 2.5 (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3).
//!
//! ```text
//! 7FF 11 │ version 2 │ layer 2 │ no CRC 1 │ bitrate 4 │ frequency 2 │ padding 1 │ private 1 │
//! mode 2 │ mode extension 2 │ copyright 1 │ original 1 │ emphasis 2
//! ```
//!
//! There is no configuration: every frame says it all, and [`Header::params`] is how a track begins.

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;
use crate::sync::{SyncHeader, sealed};

const SPEC: &str = "ISO/IEC 11172-3 §2.4.1.3";

/// What HLS calls MP3, in any container. (Elsewhere `mp4a.6B` and `mp4a.69`, by version.)
const RFC6381: &str = "mp4a.40.34";

/// The header of a frame: four bytes that were found to be valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header(u32);

/// The standard that a frame follows, which decides about its rates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "two bits, one value reserved")]
pub enum Version {
    /// 32 to 48 kHz.
    Mpeg1,
    /// 16 to 24 kHz.
    Mpeg2,
    /// 8 to 12 kHz, by Fraunhofer.
    Mpeg25,
}

impl Header {
    /// Parses the header at the beginning of a frame.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: SPEC });
        let Some(&word) = data.first_chunk() else {
            return malformed(data.len(), "a cut MPEG audio header");
        };
        let header = Self(u32::from_be_bytes(word));
        if header.field(21, 0x7FF) != 0x7FF {
            return malformed(0, "no MPEG audio sync word");
        }
        if header.field(19, 3) == 1 {
            return malformed(1, "a reserved version");
        }
        if header.field(17, 3) == 0 {
            return malformed(1, "a reserved layer");
        }
        match header.field(12, 15) {
            0 => return Err(CodecError::Unsupported { what: "MPEG audio of free bitrate" }),
            15 => return malformed(2, "a reserved bitrate"),
            _ => {}
        }
        if header.field(10, 3) == 3 {
            return malformed(2, "a reserved sampling frequency");
        }
        Ok(header)
    }

    /// The four bytes.
    pub fn encode(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Which standard it follows.
    pub fn version(self) -> Version {
        match self.field(19, 3) {
            3 => Version::Mpeg1,
            2 => Version::Mpeg2,
            _ => Version::Mpeg25,
        }
    }

    /// 1, 2 or 3.
    pub fn layer(self) -> u8 {
        match self.field(17, 3) {
            3 => 1,
            2 => 2,
            _ => 3,
        }
    }

    /// Thousands of bits a second.
    pub fn bitrate(self) -> u32 {
        // By version and layer, index 1 to 14.
        let table: [u16; 14] = match (self.version(), self.layer()) {
            (Version::Mpeg1, 1) => {
                [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]
            }
            (Version::Mpeg1, 2) => [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            (Version::Mpeg1, _) => [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            (_, 1) => [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
            (_, _) => [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        };
        let index = self.field(12, 15).wrapping_sub(1);
        usize::try_from(index).ok().and_then(|it| table.get(it)).copied().unwrap_or(0).into()
    }

    /// Samples a second.
    pub fn sample_rate(self) -> u32 {
        let full = match self.field(10, 3) {
            0 => 44_100,
            1 => 48_000,
            _ => 32_000,
        };
        match self.version() {
            Version::Mpeg1 => full,
            Version::Mpeg2 => full / 2,
            Version::Mpeg25 => full / 4,
        }
    }

    /// 1 or 2.
    pub fn channels(self) -> u8 {
        if self.field(6, 3) == 3 { 1 } else { 2 }
    }

    /// Samples of the frame.
    pub fn samples(self) -> u32 {
        match (self.layer(), self.version()) {
            (1, _) => 384,
            (3, Version::Mpeg2 | Version::Mpeg25) => 576,
            _ => 1152,
        }
    }

    /// Whether the frame carries no sound but what encoders have to say: `Xing`, `Info` (behind the side
    /// information) or `VBRI`. Such a frame is the first of a file, and has no place in a stream.
    pub fn is_info(self, frame: &[u8]) -> bool {
        let side_information = match (self.version(), self.channels()) {
            (Version::Mpeg1, 2) => 32,
            (Version::Mpeg1, _) | (_, 2) => 17,
            _ => 9,
        };
        let tag = |at: usize| frame.get(at..).and_then(|it| it.first_chunk::<4>());
        self.layer() == 3
            && (matches!(tag(4 + side_information), Some(b"Xing" | b"Info"))
                || tag(36) == Some(b"VBRI"))
    }

    /// The parameters of a track of such frames.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](CodecError::Unsupported) for layers I and II.
    pub fn params(self) -> Result<AudioParams, CodecError> {
        if self.layer() != 3 {
            return Err(CodecError::Unsupported { what: "MPEG audio of layer I or II" });
        }
        let mut params = params(&Bytes::new())?;
        params.sample_rate = self.sample_rate();
        params.channels = self.channels();
        params.samples_per_frame = Some(self.samples());
        Ok(params)
    }

    fn field(self, shift: u32, mask: u32) -> u32 {
        self.0 >> shift & mask
    }
}

impl sealed::Sealed for Header {}

impl SyncHeader for Header {
    const LEN: usize = 4;

    fn read(data: &[u8]) -> Option<Self> {
        Self::parse(data).ok()
    }

    fn frame_len(&self) -> usize {
        let bits = self.bitrate() * 1000;
        let padding = self.field(9, 1);
        // A slot is four bytes in layer I, else one. The division leaves out what padding makes up for.
        let len = match self.layer() {
            1 => (12 * bits / self.sample_rate() + padding) * 4,
            _ => self.samples() / 8 * bits / self.sample_rate() + padding,
        };
        // At most 2881: layer II, 384 kbit/s, 32 kHz... and at least 24.
        usize::try_from(len).unwrap_or(usize::MAX)
    }

    fn follows(&self, other: &Self) -> bool {
        // Version, layer and sampling frequency stay; bitrate, padding and mode may change.
        const KEPT: u32 = 0x3 << 19 | 0x3 << 17 | 0x3 << 10;
        self.0 & KEPT == other.0 & KEPT
    }
}

/// What is known of an MP3 track before its first frame.
#[expect(clippy::unnecessary_wraps, reason = "as for every other codec")]
pub(crate) fn params(_config: &Bytes) -> Result<AudioParams, CodecError> {
    let mut params = AudioParams::new(AudioCodec::Mp3, Bytes::new());
    params.rfc6381 = RFC6381.into();
    Ok(params)
}

/// The length of the `ID3v2` tag that `data` begins with, which may be longer than `data` (id3.org, ID3v2.4 §3.1).
///
/// ```
/// let tag = [b'I', b'D', b'3', 4, 0, 0, 0, 0, 1, 0x23];
/// assert_eq!(levada_codec::mp3::id3v2_len(&tag), Some(10 + 0xA3));
/// ```
pub fn id3v2_len(data: &[u8]) -> Option<usize> {
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = data.first_chunk::<10>()? else {
        return None;
    };
    if size.iter().any(|&it| it > 0x7F) {
        return None;
    }
    let size = size.iter().fold(0_usize, |sum, &it| sum << 7 | usize::from(it));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    Some(10 + size + footer)
}

#[cfg(test)]
mod tests;
