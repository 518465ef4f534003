//! ADTS: AAC frames that each say how to decode them (ISO/IEC 13818-7 §6.2, ISO/IEC 14496-3 §1.A.2.2).
//!
//! ```text
//!  byte 0    1          2                3                4        5                6
//!  FFF 12 │ ID 1 │ layer 2 = 0 │ no CRC 1 │ object type - 1 2 │ frequency index 4 │ private 1 │
//!  channel configuration 3 │ 4 flags │ frame length 13 │ fullness 11 │ blocks - 1 2 │ [CRC 16]
//! ```
//!
//! It knows neither SBR nor PS: HE-AAC in ADTS is always implicit.

use alloc::vec::Vec;

use crate::CodecError;
use crate::aac::{Config, Program};
use crate::bit_writer::BitWriter;
use crate::bits::Bits;
use crate::sync::{SyncHeader, sealed};

const SPEC: &str = "ISO/IEC 13818-7 §6.2";

/// The length of a header without a checksum.
pub const HEADER_LEN: usize = 7;

/// The longest raw frame that fits: the frame length has 13 bits.
pub const MAX_PAYLOAD: usize = 0x1FFF - HEADER_LEN;

/// The element id of a program config element in a raw data block.
const ID_PCE: u32 = 5;

/// An ADTS header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Whether it says MPEG-2 and not MPEG-4. The frames are the same.
    pub mpeg2: bool,
    /// Audio object type, 1 to 4: Main, LC, SSR, LTP.
    pub object_type: u8,
    /// Index of the core's sampling frequency, at most 12.
    pub frequency_index: u8,
    /// 0: a program config element comes in the frames.
    pub channel_configuration: u8,
    /// Length of the frame, header included.
    pub frame_len: u16,
    /// Raw data blocks in the frame, 1 to 4, each of 1024 samples.
    pub blocks: u8,
    /// Whether a checksum follows the seven bytes.
    pub crc: bool,
}

impl Header {
    /// Parses the header at the beginning of a frame.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: SPEC });
        let Some(&[b0, b1, b2, b3, b4, b5, b6]) = data.first_chunk() else {
            return malformed(data.len(), "a cut ADTS header");
        };
        // Sync word and layer.
        if b0 != 0xFF || b1 & 0xF6 != 0xF0 {
            return malformed(0, "no ADTS sync word");
        }
        let header = Self {
            mpeg2: b1 & 0x08 != 0,
            object_type: (b2 >> 6) + 1,
            frequency_index: b2 >> 2 & 0x0F,
            channel_configuration: (b2 & 0x01) << 2 | b3 >> 6,
            frame_len: u16::from(b3 & 0x03) << 11 | u16::from(b4) << 3 | u16::from(b5) >> 5,
            blocks: (b6 & 0x03) + 1,
            crc: b1 & 0x01 == 0,
        };
        if header.frequency_index > 12 {
            return malformed(2, "a reserved sampling frequency");
        }
        if usize::from(header.frame_len) < header.header_len() {
            return malformed(3, "a frame shorter than its header");
        }
        Ok(header)
    }

    /// Where the raw data begins: 7, or 9 with a checksum. (With several blocks and a checksum, their places
    /// come in between.)
    pub fn header_len(&self) -> usize {
        match (self.crc, self.blocks) {
            (false, _) => HEADER_LEN,
            (true, blocks) => HEADER_LEN + 2 * usize::from(blocks),
        }
    }

    /// Samples of the frame at the core's rate.
    pub fn samples(&self) -> u32 {
        1024 * u32::from(self.blocks)
    }

    /// The configuration that says the same. `frame` is the whole frame: it is needed where the channel
    /// configuration is 0, as then the first element of the frame says which channels there are.
    pub fn config(&self, frame: &[u8]) -> Result<Config, CodecError> {
        let program = match (self.channel_configuration, frame.get(self.header_len()..)) {
            (0, Some(raw)) => Some(program(raw).map_err(|it| it.shifted(self.header_len()))?),
            _ => None,
        };
        Config::from_adts(
            self.object_type,
            self.frequency_index,
            self.channel_configuration,
            program,
        )
        .ok_or(CodecError::Misuse { what: "an ADTS header that was never parsed" })
    }
}

/// The program config element at the beginning of a raw data block.
fn program(raw: &[u8]) -> Result<Program, CodecError> {
    let mut bits = Bits::new(raw);
    if bits.u(3) != Ok(ID_PCE) {
        return Err(CodecError::Unsupported {
            what: "AAC that does not say which channels it has",
        });
    }
    Program::parse(&mut bits)
}

impl sealed::Sealed for Header {}

impl SyncHeader for Header {
    const LEN: usize = HEADER_LEN;

    fn read(data: &[u8]) -> Option<Self> {
        Self::parse(data).ok()
    }

    fn frame_len(&self) -> usize {
        self.frame_len.into()
    }

    fn follows(&self, other: &Self) -> bool {
        (self.object_type, self.frequency_index, self.channel_configuration)
            == (other.object_type, other.frequency_index, other.channel_configuration)
    }
}

/// Makes the headers of one track's frames.
///
/// ```
/// use levada_codec::{aac, adts::Framer};
///
/// let mut framer = Framer::new(&aac::Config::parse(&[0x11, 0x90])?)?;
/// assert_eq!(framer.head(228)?, [0xFF, 0xF1, 0x4C, 0x80, 0x1D, 0x7F, 0xFC]);
/// # Ok::<(), levada_codec::CodecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Framer {
    /// A header with a frame length of 0, and the program config element, if the channels need one.
    head: Vec<u8>,
}

impl Framer {
    /// For frames with this configuration. SBR and PS become implicit.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](CodecError::Unsupported) where ADTS has no words for it: other object types than 1 to 4, other
    /// sampling frequencies than those of the table, channel configurations above 7, frames of 960 samples.
    pub fn new(config: &Config) -> Result<Self, CodecError> {
        let what = "in ADTS: this AAC configuration";
        let unsupported = CodecError::Unsupported { what };
        let object_type = config.object_type();
        let channels = config.channel_configuration();
        let fits = (1..=4).contains(&object_type) && channels <= 7 && config.has_long_frames();
        let Some(index) = config.frequency_index().filter(|_| fits) else {
            return Err(unsupported);
        };
        let mut out = BitWriter::default();
        out.u(0xFFF, 12);
        // MPEG-4, layer 0, no checksum.
        out.u(0b0001, 4);
        out.u(u32::from(object_type) - 1, 2);
        out.u(index.into(), 4);
        out.u(0, 1);
        out.u(channels.into(), 3);
        // Four flags and the frame length.
        out.u(0, 4 + 13);
        // Variable bit rate, one block.
        out.u(0x7FF, 11);
        out.u(0, 2);
        let mut head = out.finish();
        if let Some(program) = config.program() {
            // Ends on a byte, so the frame can follow as it is.
            let mut element = BitWriter::default();
            element.u(ID_PCE, 3);
            program.encode(&mut element);
            head.extend_from_slice(&element.finish());
        }
        Ok(Self { head })
    }

    /// What stands before a raw frame of `payload` bytes.
    ///
    /// # Errors
    ///
    /// [`Limit`](CodecError::Limit) if the frame is too long for a length of 13 bits.
    pub fn head(&mut self, payload: usize) -> Result<&[u8], CodecError> {
        let limit = 0x1FFF_usize.saturating_sub(self.head.len());
        let len = u16::try_from(self.head.len().saturating_add(payload));
        let (Ok(len), [_, _, _, b3, b4, b5, ..]) = (len, &mut self.head[..]) else {
            return Err(CodecError::Limit { which: "bytes of a raw frame in ADTS", limit });
        };
        if payload > limit {
            return Err(CodecError::Limit { which: "bytes of a raw frame in ADTS", limit });
        }
        let [high, low] = (len << 5).to_be_bytes();
        *b3 = *b3 & 0xFC | (len >> 11).to_le_bytes()[0];
        *b4 = high;
        *b5 = *b5 & 0x1F | low & 0xE0;
        Ok(&self.head)
    }
}

#[cfg(test)]
mod tests;
