use levada_media::Colour;

use crate::CodecError;
use crate::bits::Bits;

const SPEC: &str = "VP9 §6.2";

/// The beginning of a frame's uncompressed header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// 0 to 3: whether it has more than 4:2:0 (1), more than eight bits (2).
    pub profile: u8,
    /// Whether it is shown.
    pub shown: bool,
    /// Whether it has no picture of its own, but shows an earlier one.
    pub shows_existing: bool,
    /// What a key frame says.
    pub key_frame: Option<KeyFrame>,
    /// Whether it needs no other frame, and is no key frame.
    pub intra_only: bool,
    /// Which of the eight references it replaces, if it has a picture.
    pub refresh: Option<u8>,
}

/// What a VP9 key frame says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyFrame {
    /// In luma samples.
    pub width: u16,
    /// In luma samples. 0 means 65,536, as for the width.
    pub height: u16,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// 0 to 7 (§7.2.2): 2 is BT.709, 5 is BT.2020, 7 is RGB.
    pub colour_space: u8,
    /// Whether samples use all code values.
    pub full_range: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
}

impl Header {
    /// Parses the header at the beginning of a frame, which must not be a superframe.
    pub fn parse(frame: &[u8]) -> Result<Self, CodecError> {
        Self::fields(&mut Bits::new(frame)).map_err(|it| it.of(SPEC))
    }

    fn fields(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        if bits.u(2)? != 2 {
            return malformed(bits, "no VP9 frame marker");
        }
        let [low, high] = [bits.flag()?, bits.flag()?];
        let profile = u8::from(high) << 1 | u8::from(low);
        if profile == 3 && bits.flag()? {
            return Err(CodecError::Unsupported { what: "a VP9 profile beyond 3" });
        }
        let mut header = Self {
            profile,
            shown: true,
            shows_existing: bits.flag()?,
            key_frame: None,
            intra_only: false,
            refresh: None,
        };
        if header.shows_existing {
            bits.skip(3)?;
            return Ok(header);
        }
        let is_key = !bits.flag()?;
        header.shown = bits.flag()?;
        let resilient = bits.flag()?;
        if is_key {
            sync_code(bits)?;
            header.key_frame = Some(KeyFrame::parse(bits, profile)?);
            header.refresh = Some(0xFF);
            return Ok(header);
        }
        header.intra_only = !header.shown && bits.flag()?;
        if !resilient {
            // reset_frame_context.
            bits.skip(2)?;
        }
        if header.intra_only {
            sync_code(bits)?;
            if profile > 0 {
                ColourConfig::parse(bits, profile)?;
            }
        }
        header.refresh = Some(bits.u8()?);
        Ok(header)
    }

    /// Whether it needs no other frame.
    pub(super) fn is_intra(&self) -> bool {
        self.key_frame.is_some() || self.intra_only
    }
}

impl KeyFrame {
    fn parse(bits: &mut Bits<'_>, profile: u8) -> Result<Self, CodecError> {
        let colour = ColourConfig::parse(bits, profile)?;
        let [width, height] = [bits.u16()?, bits.u16()?];
        Ok(Self {
            width: width.wrapping_add(1),
            height: height.wrapping_add(1),
            bit_depth: colour.bit_depth,
            colour_space: colour.space,
            full_range: colour.full_range,
            subsampling_x: colour.subsampling_x,
            subsampling_y: colour.subsampling_y,
        })
    }

    /// The colour space in the words of H.273. It says the matrix; primaries and transfer are those that usually
    /// go with it, where there is one.
    pub fn colour(&self) -> Colour {
        let (primaries, transfer, matrix) = match self.colour_space {
            1 => (5, 6, 5),
            2 => (1, 1, 1),
            3 => (6, 6, 6),
            4 => (7, 7, 7),
            // HDR or not: it does not say.
            5 => (9, 2, 9),
            7 => (1, 13, 0),
            _ => (2, 2, 2),
        };
        Colour { primaries, transfer, matrix, full_range: self.full_range }
    }
}

/// `color_config`.
struct ColourConfig {
    bit_depth: u8,
    space: u8,
    full_range: bool,
    subsampling_x: bool,
    subsampling_y: bool,
}

impl ColourConfig {
    fn parse(bits: &mut Bits<'_>, profile: u8) -> Result<Self, CodecError> {
        let bit_depth = match (profile >= 2, profile >= 2 && bits.flag()?) {
            (false, _) => 8,
            (true, false) => 10,
            (true, true) => 12,
        };
        let space = bits.u(3)?.to_le_bytes()[0];
        let odd_profile = profile & 1 == 1;
        let (full_range, subsampling_x, subsampling_y) = if space == 7 {
            if !odd_profile {
                return malformed(bits, "RGB in a profile without it");
            }
            (true, false, false)
        } else {
            let full_range = bits.flag()?;
            let (x, y) = if odd_profile { (bits.flag()?, bits.flag()?) } else { (true, true) };
            (full_range, x, y)
        };
        if odd_profile && bits.flag()? {
            return malformed(bits, "a reserved bit");
        }
        Ok(Self { bit_depth, space, full_range, subsampling_x, subsampling_y })
    }
}

/// What a VP8 key frame says (RFC 6386 §9.1).
///
/// ```text
/// not key 1, … 24 │ 9D 01 2A │ width 14, scale 2, little endian │ height 14, scale 2
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Vp8KeyFrame {
    /// In luma samples.
    pub width: u16,
    /// In luma samples.
    pub height: u16,
}

impl Vp8KeyFrame {
    /// Parses the header at the beginning of a key frame.
    pub fn parse(frame: &[u8]) -> Result<Self, CodecError> {
        let malformed =
            |offset, what| Err(CodecError::Malformed { offset, what, spec: "RFC 6386 §9.1" });
        let Some(&[tag, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1]) = frame.first_chunk() else {
            return malformed(frame.len().min(3), "no VP8 key frame");
        };
        if tag & 1 == 1 {
            return malformed(0, "no VP8 key frame");
        }
        let [width, height] = [[w0, w1], [h0, h1]].map(|it| u16::from_le_bytes(it) & 0x3FFF);
        if width == 0 || height == 0 {
            return malformed(6, "a picture without extent");
        }
        Ok(Self { width, height })
    }
}

fn sync_code(bits: &mut Bits<'_>) -> Result<(), CodecError> {
    if bits.u(24)? == 0x49_83_42 { Ok(()) } else { malformed(bits, "no VP9 sync code") }
}

fn malformed<T>(bits: &Bits<'_>, what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Malformed { offset: bits.position() / 8, what, spec: "" })
}
