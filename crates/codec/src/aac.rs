//! AAC: the `AudioSpecificConfig` of ISO/IEC 14496-3 §1.6.2, with every way of announcing SBR and PS.
//!
//! ```text
//! object type 5 (31: + 6) │ frequency index 4 (15: + 24) │ channel configuration 4     the core
//!   first type 5 or 29: its index is the core's, then    │ extension frequency index 4 (15: + 24)
//!                                                        │ object type 5 of the core
//! GASpecificConfig, or what else the object type has
//! behind it, where 16 bits are left:  0x2B7 11 │ 5 5 │ SBR 1 │ extension frequency index 4 (15: + 24)
//!                                     0x548 11 │ PS 1
//! ```
//!
//! ADTS, which carries the core's three values in each frame, is in [`adts`](crate::adts).

mod program;
mod specific;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;
use crate::bit_writer::BitWriter;
use crate::bits::{Bits, Overrun};

pub use program::{Element, Program};
use specific::Specific;

const SPEC: &str = "ISO/IEC 14496-3 §1.6.2.1";

/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18). 13 and 14 are reserved, 15 is an escape.
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

const AAC_LC: u8 = 2;
const SBR: u8 = 5;
const PS: u8 = 29;
const ER_LD: u8 = 23;
const BSAC: u8 = 22;
const ELD: u8 = 39;
const USAC: u8 = 42;

/// An `AudioSpecificConfig`.
///
/// ```
/// use levada_codec::aac::Config;
///
/// let config = Config::parse(&[0x2B, 0x92, 0x08, 0x00])?;
/// assert_eq!((config.object_type(), config.core_rate()), (2, 22_050));
/// assert_eq!((config.sample_rate(), config.channels()), (44_100, 2));
/// assert_eq!(config.samples_per_frame(), Some(2048));
/// assert_eq!(config.rfc6381(), "mp4a.40.5");
/// # Ok::<(), levada_codec::CodecError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    object_type: u8,
    rate: Rate,
    channel_configuration: u8,
    extension: Extension,
    specific: Specific,
}

/// What a configuration says of SBR (HE-AAC) and PS (HE-AAC v2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// Nothing. Both may be in the frames all the same, and double the rate.
    Implicit,
    /// It says so behind the configuration of the core, where old decoders don't look.
    Compatible {
        /// SBR, and the rate after it. `None`: there is no SBR.
        sbr: Option<Rate>,
        /// Whether there is PS, if it says.
        ps: Option<bool>,
    },
    /// It says so first, as the object type. Apple asks for this form in fMP4.
    Hierarchical {
        /// The rate after SBR.
        sbr: Rate,
        /// Whether there is PS.
        ps: bool,
        /// Only if the core is BSAC: the channel configuration after the extension.
        channels: Option<u8>,
    },
}

/// A sampling frequency, as it is written: an index into a table, or 24 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    index: u8,
    hertz: u32,
}

impl Config {
    /// One of few words: no extension is announced, frames have their usual length.
    ///
    /// # Errors
    ///
    /// For object types other than 1 to 4 (Main, LC, SSR, LTP), rates of 0 or beyond 24 bits, and channel
    /// configurations that are reserved, or 0, which needs a program config element.
    pub fn new(
        object_type: u8,
        sample_rate: u32,
        channel_configuration: u8,
    ) -> Result<Self, CodecError> {
        let misuse = |what| Err(CodecError::Misuse { what });
        if !(1..=4).contains(&object_type) {
            return misuse("an AAC object type other than 1 to 4");
        }
        let Some(rate) = Rate::new(sample_rate) else {
            return misuse("an AAC sampling frequency of 0 or over 24 bits");
        };
        if channels_of(channel_configuration).is_none() {
            return misuse("a reserved AAC channel configuration");
        }
        Ok(Self {
            object_type,
            rate,
            channel_configuration,
            extension: Extension::Implicit,
            specific: Specific::default(),
        })
    }

    /// Parses an `AudioSpecificConfig`. What follows it is padding and is not looked at.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits::new(data);
        let mut object_type = object_type(&mut bits)?;
        let rate = Rate::parse(&mut bits)?;
        let channel_configuration = nibble(&mut bits)?;
        if matches!(channel_configuration, 8..=10 | 15) {
            return Err(CodecError::Unsupported { what: "a reserved AAC channel configuration" });
        }

        let mut extension = Extension::Implicit;
        if object_type == SBR || object_type == PS {
            let ps = object_type == PS;
            let sbr = Rate::parse(&mut bits)?;
            object_type = self::object_type(&mut bits)?;
            if object_type == SBR || object_type == PS {
                return Err(malformed(&bits, "SBR inside of SBR"));
            }
            let channels = if object_type == BSAC { Some(nibble(&mut bits)?) } else { None };
            extension = Extension::Hierarchical { sbr, ps, channels };
        }

        let specific = Specific::parse(&mut bits, object_type, channel_configuration)?;
        if extension == Extension::Implicit {
            // An extension that is cut says nothing. §1.6.5.3 has decoders look for it only where it fits.
            extension = compatible_extension(bits).unwrap_or(Extension::Implicit);
        }
        Ok(Self { object_type, rate, channel_configuration, extension, specific })
    }

    /// The configuration in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = BitWriter::default();
        let put_core = |out: &mut BitWriter| {
            self.rate.encode(out);
            out.u(self.channel_configuration.into(), 4);
        };
        match self.extension {
            Extension::Hierarchical { sbr, ps, channels } => {
                put_object_type(&mut out, if ps { PS } else { SBR });
                put_core(&mut out);
                sbr.encode(&mut out);
                put_object_type(&mut out, self.object_type);
                if let Some(channels) = channels {
                    out.u(channels.into(), 4);
                }
                self.specific.encode(&mut out, self.object_type);
            }
            Extension::Implicit | Extension::Compatible { .. } => {
                put_object_type(&mut out, self.object_type);
                put_core(&mut out);
                self.specific.encode(&mut out, self.object_type);
            }
        }
        if let Extension::Compatible { sbr, ps } = self.extension {
            out.u(0x2B7, 11);
            put_object_type(&mut out, SBR);
            out.flag(sbr.is_some());
            if let Some(rate) = sbr {
                rate.encode(&mut out);
                if let Some(ps) = ps {
                    out.u(0x548, 11);
                    out.flag(ps);
                }
            }
        }
        out.finish()
    }

    /// The core's audio object type: 2 is AAC LC, also inside of HE-AAC.
    pub fn object_type(&self) -> u8 {
        self.object_type
    }

    /// Samples a second before SBR. 1024 of these are a frame, and what RTMP timestamps follow.
    pub fn core_rate(&self) -> u32 {
        self.rate.hertz
    }

    /// The core's channel configuration. 0: see [`program`](Self::program).
    pub fn channel_configuration(&self) -> u8 {
        self.channel_configuration
    }

    /// What it says of SBR and PS.
    pub fn extension(&self) -> Extension {
        self.extension
    }

    /// The program config element, which says what channels there are where `channel_configuration` is 0.
    pub fn program(&self) -> Option<&Program> {
        self.specific.program()
    }

    /// The rate after SBR, if SBR is announced.
    pub fn sbr(&self) -> Option<u32> {
        match self.extension {
            Extension::Hierarchical { sbr, .. } => Some(sbr.hertz),
            Extension::Compatible { sbr, .. } => sbr.map(|it| it.hertz),
            Extension::Implicit => None,
        }
    }

    /// Whether PS is announced.
    pub fn ps(&self) -> bool {
        match self.extension {
            Extension::Hierarchical { ps, .. } => ps,
            Extension::Compatible { ps, .. } => ps == Some(true),
            Extension::Implicit => false,
        }
    }

    /// Whether SBR, of which nothing is said, is probably in the frames: below 32 kHz it mostly is.
    pub fn may_hide_sbr(&self) -> bool {
        self.extension == Extension::Implicit
            && self.object_type == AAC_LC
            && self.rate.hertz <= 24_000
    }

    /// Output samples a second.
    pub fn sample_rate(&self) -> u32 {
        match self.sbr() {
            Some(rate) => rate,
            None if self.specific.dual_rate() => self.rate.hertz.saturating_mul(2),
            None => self.rate.hertz,
        }
    }

    /// Output channels. 0 if only the frames say.
    pub fn channels(&self) -> u8 {
        let core = match self.specific.channels() {
            Some(channels) => channels,
            None => channels_of(self.channel_configuration).unwrap_or(0),
        };
        if self.ps() && core == 1 { 2 } else { core }
    }

    /// Output samples of a frame, where all frames are of one length.
    pub fn samples_per_frame(&self) -> Option<u32> {
        let core = self.specific.frame_length(self.object_type)?;
        // Down-sampled SBR leaves the rate, and so the number of samples, as it is.
        Some(if self.sample_rate() > self.rate.hertz { 2 * core } else { core })
    }

    /// The codec's name in playlists, e.g. `mp4a.40.2`.
    pub fn rfc6381(&self) -> String {
        let object_type = match self.sbr() {
            _ if self.ps() => PS,
            Some(_) => SBR,
            None => self.object_type,
        };
        format!("mp4a.40.{object_type}")
    }

    /// The same with the extension announced first, as fMP4 for Apple needs it.
    #[must_use]
    pub fn hierarchical(&self) -> Self {
        let mut config = self.clone();
        if let Extension::Compatible { sbr: Some(sbr), ps } = self.extension {
            let ps = ps == Some(true);
            config.extension = Extension::Hierarchical { sbr, ps, channels: None };
        }
        config
    }

    /// Whether frames have 1024 samples, as ADTS takes for granted.
    pub(crate) fn has_long_frames(&self) -> bool {
        self.specific.frame_length(self.object_type) == Some(1024)
    }

    /// The index that ADTS needs, if the core's rate has one.
    pub(crate) fn frequency_index(&self) -> Option<u8> {
        // An escaped frequency may be in the table all the same.
        Rate::new(self.rate.hertz).map(|it| it.index).filter(|&it| it != Rate::ESCAPE)
    }

    /// What ADTS says.
    pub(crate) fn from_adts(
        object_type: u8,
        frequency_index: u8,
        channel_configuration: u8,
        program: Option<Program>,
    ) -> Option<Self> {
        Some(Self {
            object_type,
            rate: Rate::of_index(frequency_index)?,
            channel_configuration,
            extension: Extension::Implicit,
            specific: Specific::with_program(program),
        })
    }
}

impl Rate {
    const ESCAPE: u8 = 15;

    /// `None` for 0 and for what needs more than 24 bits.
    pub fn new(hertz: u32) -> Option<Self> {
        let index = SAMPLE_RATES.iter().position(|&it| it == hertz);
        let index = index.and_then(|it| u8::try_from(it).ok()).unwrap_or(Self::ESCAPE);
        (hertz > 0 && hertz < 1 << 24).then_some(Self { index, hertz })
    }

    /// Samples a second.
    pub fn hertz(self) -> u32 {
        self.hertz
    }

    pub(crate) fn of_index(index: u8) -> Option<Self> {
        let hertz = *SAMPLE_RATES.get(usize::from(index))?;
        Some(Self { index, hertz })
    }

    fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let index = nibble(bits)?;
        let rate = if index == Self::ESCAPE {
            let hertz = bits.u(24).map_err(cut)?;
            (hertz > 0).then_some(Self { index, hertz })
        } else {
            Self::of_index(index)
        };
        rate.ok_or_else(|| malformed(bits, "a reserved sampling frequency"))
    }

    fn encode(self, out: &mut BitWriter) {
        out.u(self.index.into(), 4);
        if self.index == Self::ESCAPE {
            out.u(self.hertz, 24);
        }
    }
}

/// All that an AAC track's configuration says.
pub(crate) fn params(config: &Bytes) -> Result<AudioParams, CodecError> {
    let parsed = Config::parse(config)?;
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::copy_from_slice(config));
    params.rfc6381 = parsed.rfc6381();
    params.sample_rate = parsed.sample_rate();
    params.channels = parsed.channels();
    params.samples_per_frame = parsed.samples_per_frame();
    Ok(params)
}

/// Channels of a channel configuration (ISO/IEC 14496-3 table 1.19). `None` for 0 and what is reserved.
fn channels_of(configuration: u8) -> Option<u8> {
    match configuration {
        1..=6 => Some(configuration),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        13 => Some(24),
        _ => None,
    }
}

/// The extension behind the core's configuration (§1.6.2.1, `syncExtensionType`).
fn compatible_extension(mut bits: Bits<'_>) -> Option<Extension> {
    if bits.remaining() < 16 || bits.u(11) != Ok(0x2B7) || object_type(&mut bits) != Ok(SBR) {
        return None;
    }
    if !bits.flag().ok()? {
        return Some(Extension::Compatible { sbr: None, ps: None });
    }
    let sbr = Some(Rate::parse(&mut bits).ok()?);
    let has_ps = bits.remaining() >= 12 && bits.u(11) == Ok(0x548);
    let ps = if has_ps { bits.flag().ok() } else { None };
    Some(Extension::Compatible { sbr, ps })
}

/// `GetAudioObjectType`.
fn object_type(bits: &mut Bits<'_>) -> Result<u8, CodecError> {
    let short = bits.u(5).map_err(cut)?;
    let object_type = if short == 31 { 32 + bits.u(6).map_err(cut)? } else { short };
    match u8::try_from(object_type) {
        Ok(0) | Err(_) => Err(malformed(bits, "no audio object type")),
        Ok(object_type) => Ok(object_type),
    }
}

fn put_object_type(out: &mut BitWriter, object_type: u8) {
    if let Some(long) = object_type.checked_sub(32) {
        out.u(31, 5);
        out.u(long.into(), 6);
    } else {
        out.u(object_type.into(), 5);
    }
}

fn nibble(bits: &mut Bits<'_>) -> Result<u8, CodecError> {
    Ok(bits.u(4).map_err(cut)?.to_le_bytes()[0])
}

fn malformed(bits: &Bits<'_>, what: &'static str) -> CodecError {
    CodecError::Malformed { offset: bits.position() / 8, what, spec: SPEC }
}

fn cut(overrun: Overrun) -> CodecError {
    CodecError::from(overrun).of(SPEC)
}

#[cfg(test)]
mod tests;
