use alloc::vec::Vec;

use super::{BSAC, ELD, ER_LD, Program, USAC, channels_of, cut};
use crate::CodecError;
use crate::bit_writer::BitWriter;
use crate::bits::Bits;

/// What follows the common fields and depends on the object type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Specific {
    General(General),
    Eld(LowDelay),
    Usac(Usac),
    /// Not known here. The rest of the configuration, to be written as it came.
    Other(Rest),
}

/// `GASpecificConfig` (ISO/IEC 14496-3 §4.4.1) and, for the error resilient types, `epConfig`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct General {
    /// Frames of 960 samples instead of 1024, or 480 instead of 512.
    short: bool,
    core_coder_delay: Option<u16>,
    program: Option<Program>,
    layer: u8,
    /// What `extensionFlag` brings, `extension_bits` wide.
    extension: Option<u32>,
    error_protection: u8,
}

/// `ELDSpecificConfig` (§4.6.20.2.1), as far as it changes rate and length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct LowDelay {
    short: bool,
    dual_rate: bool,
    rest: Rest,
}

/// `UsacConfig` (ISO/IEC 23003-3 §5.2), as far as it changes channels and length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Usac {
    frame_length: Option<u32>,
    channels: Option<u8>,
    rest: Rest,
}

/// Bits as they came, eight in each byte and `last` in the last one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    last: u32,
}

impl Default for Specific {
    fn default() -> Self {
        Self::General(General::default())
    }
}

impl Specific {
    pub(super) fn with_program(program: Option<Program>) -> Self {
        Self::General(General { program, ..General::default() })
    }

    pub(super) fn parse(
        bits: &mut Bits<'_>,
        object_type: u8,
        channel_configuration: u8,
    ) -> Result<Self, CodecError> {
        match object_type {
            1..=4 | 6 | 7 | 17 | 19..=23 => {
                General::parse(bits, object_type, channel_configuration).map(Self::General)
            }
            ELD => LowDelay::parse(bits).map(Self::Eld),
            USAC => Usac::parse(bits, channel_configuration).map(Self::Usac),
            _ => Rest::parse(bits).map(Self::Other),
        }
    }

    pub(super) fn encode(&self, out: &mut BitWriter, object_type: u8) {
        match self {
            Self::General(general) => general.encode(out, object_type),
            Self::Eld(LowDelay { rest, .. })
            | Self::Usac(Usac { rest, .. })
            | Self::Other(rest) => rest.encode(out),
        }
    }

    pub(super) fn program(&self) -> Option<&Program> {
        if let Self::General(general) = self { general.program.as_ref() } else { None }
    }

    /// Channels, where the channel configuration does not say.
    pub(super) fn channels(&self) -> Option<u8> {
        if let Self::Usac(usac) = self {
            usac.channels
        } else {
            self.program().map(Program::channels)
        }
    }

    /// Whether the output has twice the core's rate (SBR inside of ELD).
    pub(super) fn dual_rate(&self) -> bool {
        matches!(self, Self::Eld(LowDelay { dual_rate: true, .. }))
    }

    /// Samples of a frame at the core's rate.
    pub(super) fn frame_length(&self, object_type: u8) -> Option<u32> {
        let (short, low_delay) = match self {
            Self::General(general) => (general.short, object_type == ER_LD),
            Self::Eld(eld) => (eld.short, true),
            Self::Usac(usac) => return usac.frame_length,
            Self::Other(_) => return mpeg_layer_frame_length(object_type),
        };
        Some(match (low_delay, short) {
            (false, false) => 1024,
            (false, true) => 960,
            (true, false) => 512,
            (true, true) => 480,
        })
    }
}

/// MPEG audio as an MPEG-4 object type. Layer III has two lengths.
fn mpeg_layer_frame_length(object_type: u8) -> Option<u32> {
    match object_type {
        32 => Some(384),
        33 => Some(1152),
        _ => None,
    }
}

impl General {
    fn parse(
        bits: &mut Bits<'_>,
        object_type: u8,
        channel_configuration: u8,
    ) -> Result<Self, CodecError> {
        let short = bits.flag().map_err(cut)?;
        let depends_on_core_coder = bits.flag().map_err(cut)?;
        let core_coder_delay = if depends_on_core_coder {
            let [low, high, ..] = bits.u(14).map_err(cut)?.to_le_bytes();
            Some(u16::from_le_bytes([low, high]))
        } else {
            None
        };
        let has_extension = bits.flag().map_err(cut)?;
        let program = if channel_configuration == 0 { Some(Program::parse(bits)?) } else { None };
        let layer = bits.u(layer_bits(object_type)).map_err(cut)?.to_le_bytes()[0];
        let extension = if has_extension {
            Some(bits.u(extension_bits(object_type)).map_err(cut)?)
        } else {
            None
        };
        let error_protection =
            bits.u(error_protection_bits(object_type)).map_err(cut)?.to_le_bytes()[0];
        if error_protection > 1 {
            return Err(CodecError::Unsupported { what: "AAC with error protection" });
        }
        Ok(Self { short, core_coder_delay, program, layer, extension, error_protection })
    }

    fn encode(&self, out: &mut BitWriter, object_type: u8) {
        out.flag(self.short);
        out.flag(self.core_coder_delay.is_some());
        if let Some(delay) = self.core_coder_delay {
            out.u(delay.into(), 14);
        }
        out.flag(self.extension.is_some());
        if let Some(program) = &self.program {
            program.encode(out);
        }
        out.u(self.layer.into(), layer_bits(object_type));
        if let Some(extension) = self.extension {
            out.u(extension, extension_bits(object_type));
        }
        out.u(self.error_protection.into(), error_protection_bits(object_type));
    }
}

/// `layerNr`, in the scalable types.
fn layer_bits(object_type: u8) -> u32 {
    if matches!(object_type, 6 | 20) { 3 } else { 0 }
}

/// BSAC: `numOfSubFrame` 5, `layer_length` 11. Error resilient types: three flags. Then `extensionFlag3` 1.
fn extension_bits(object_type: u8) -> u32 {
    match object_type {
        BSAC => 5 + 11 + 1,
        17 | 19 | 20 | ER_LD => 3 + 1,
        _ => 1,
    }
}

/// `epConfig`. 2 and 3 mean that a protection layer lies between us and AAC.
fn error_protection_bits(object_type: u8) -> u32 {
    if matches!(object_type, 17 | 19..=27) { 2 } else { 0 }
}

impl LowDelay {
    fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let mut look = *bits;
        let rest = Rest::parse(bits)?;
        let short = look.flag().map_err(cut)?;
        // Three resilience flags.
        look.skip(3).map_err(cut)?;
        let has_sbr = look.flag().map_err(cut)?;
        let dual_rate = has_sbr && look.flag().map_err(cut)?;
        Ok(Self { short, dual_rate, rest })
    }
}

impl Usac {
    fn parse(bits: &mut Bits<'_>, channel_configuration: u8) -> Result<Self, CodecError> {
        let mut look = *bits;
        let rest = Rest::parse(bits)?;
        let mut usac = Self { frame_length: None, channels: None, rest };
        // What the common fields say is enough to name the codec, so a cut one is no error.
        let Ok(index) = look.u(5) else { return Ok(usac) };
        if index == 31 && look.skip(24).is_err() {
            return Ok(usac);
        }
        // ISO/IEC 23003-3 table 70, coreSbrFrameLengthIndex: output samples.
        usac.frame_length = match look.u(3) {
            Ok(0) => Some(768),
            Ok(1) => Some(1024),
            Ok(2 | 3) => Some(2048),
            Ok(4) => Some(4096),
            _ => None,
        };
        if channel_configuration == 0 {
            usac.channels = match look.u(5) {
                // Two channels that have nothing to do with each other, 2/1 and 2/2.
                Ok(8) => Some(2),
                Ok(9) => Some(3),
                Ok(10) => Some(4),
                Ok(index) => u8::try_from(index).ok().and_then(channels_of),
                Err(_) => None,
            };
        }
        Ok(usac)
    }
}

impl Rest {
    fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let mut rest = Self { bytes: Vec::new(), last: 8 };
        while bits.remaining() > 0 {
            rest.last = u32::try_from(bits.remaining()).unwrap_or(8).min(8);
            rest.bytes.push(bits.u(rest.last).map_err(cut)?.to_le_bytes()[0]);
        }
        Ok(rest)
    }

    fn encode(&self, out: &mut BitWriter) {
        let Some((last, bytes)) = self.bytes.split_last() else { return };
        for byte in bytes {
            out.u((*byte).into(), 8);
        }
        out.u((*last).into(), self.last);
    }
}
