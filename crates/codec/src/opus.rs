//! Opus: the identification header of Ogg and RTMP, the `dOps` box, and how long a packet lasts.
//!
//! ```text
//! OpusHead (RFC 7845 §5.1, little endian)               dOps (Opus in ISOBMFF §4.3.2, big endian)
//! "OpusHead" │ 1 │ channels │ pre-skip 16 │             0 │ channels │ pre-skip 16 │
//! input rate 32 │ gain 16 │ family │                    input rate 32 │ gain 16 │ family │
//! family ≠ 0: streams │ coupled │ mapping × channels    the same
//!
//! packet (RFC 6716 §3.1):  configuration 5 │ stereo 1 │ code 2 │ …
//! ```

use alloc::vec::Vec;

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;

const SPEC: &str = "RFC 7845 §5.1";
const MAGIC: &[u8; 8] = b"OpusHead";

/// Opus decodes to this rate whatever went in. Pre-skip and packet durations count in it.
pub const SAMPLE_RATE: u32 = 48_000;

/// No packet is longer (RFC 6716 §3.2.5): 120 ms.
pub const MAX_PACKET_SAMPLES: u32 = 5760;

/// What stands before a stream.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// Output channels, at least 1.
    pub channels: u8,
    /// Samples at 48 kHz to drop at the start.
    pub pre_skip: u16,
    /// Samples a second of what was encoded, for show. 0 if not known.
    pub input_rate: u32,
    /// To be applied by the player, in 1/256 dB.
    pub gain: i16,
    /// How channels go with streams.
    pub mapping: Mapping,
}

/// How the channels of a stream are coded (RFC 7845 §5.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mapping {
    /// Family 0: one stream, mono or stereo.
    Simple,
    /// Several streams.
    Table {
        /// 1: speakers in Vorbis order. 255: not defined. Others are for Ambisonics.
        family: u8,
        /// How many streams are in a packet, at least 1.
        streams: u8,
        /// How many of them, the first ones, are stereo.
        coupled: u8,
        /// For each output channel, which decoded channel it is, or 255 for silence.
        channels: Vec<u8>,
    },
}

impl Head {
    /// Mono or stereo, for streams of which nothing else is known: Enhanced RTMP lets the header be empty.
    pub fn new(channels: u8) -> Self {
        Self {
            channels: channels.clamp(1, 2),
            pre_skip: 0,
            input_rate: SAMPLE_RATE,
            gain: 0,
            mapping: Mapping::Simple,
        }
    }

    /// Parses an identification header, from `OpusHead` on.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let Some((&version, fields)) = data.strip_prefix(MAGIC).and_then(<[u8]>::split_first)
        else {
            return malformed(0, "no OpusHead");
        };
        // Versions 0 to 15 are to be read as this one.
        if version > 15 {
            return Err(CodecError::Unsupported { what: "a version of OpusHead beyond 15" });
        }
        Self::fields(fields, u16::from_le_bytes, u32::from_le_bytes)
            .map_err(|it| it.shifted(MAGIC.len() + 1))
    }

    /// Parses the content of a `dOps` box.
    pub fn parse_dops(data: &[u8]) -> Result<Self, CodecError> {
        let Some((0, fields)) = data.split_first() else {
            return malformed(0, "no dOps of version 0");
        };
        Self::fields(fields, u16::from_be_bytes, u32::from_be_bytes).map_err(|it| it.shifted(1))
    }

    /// The identification header.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::from(MAGIC);
        out.extend_from_slice(&[1, self.channels]);
        out.extend_from_slice(&self.pre_skip.to_le_bytes());
        out.extend_from_slice(&self.input_rate.to_le_bytes());
        out.extend_from_slice(&self.gain.to_le_bytes());
        self.mapping.encode(&mut out);
        out
    }

    /// The content of a `dOps` box.
    pub fn encode_dops(&self) -> Vec<u8> {
        let mut out = Vec::from([0, self.channels]);
        out.extend_from_slice(&self.pre_skip.to_be_bytes());
        out.extend_from_slice(&self.input_rate.to_be_bytes());
        out.extend_from_slice(&self.gain.to_be_bytes());
        self.mapping.encode(&mut out);
        out
    }

    fn fields(
        data: &[u8],
        u16_of: fn([u8; 2]) -> u16,
        u32_of: fn([u8; 4]) -> u32,
    ) -> Result<Self, CodecError> {
        let Some((&[channels, p0, p1, r0, r1, r2, r3, g0, g1, family], table)) =
            data.split_first_chunk()
        else {
            return malformed(data.len(), "a cut Opus header");
        };
        if channels == 0 {
            return malformed(0, "no channels");
        }
        Ok(Self {
            channels,
            pre_skip: u16_of([p0, p1]),
            input_rate: u32_of([r0, r1, r2, r3]),
            gain: u16_of([g0, g1]).cast_signed(),
            mapping: Mapping::parse(channels, family, table).map_err(|it| it.shifted(10))?,
        })
    }
}

impl Mapping {
    fn parse(channels: u8, family: u8, table: &[u8]) -> Result<Self, CodecError> {
        if family == 0 {
            return if channels <= 2 {
                Ok(Self::Simple)
            } else {
                malformed(0, "more than two channels without a mapping")
            };
        }
        if family == 1 && channels > 8 {
            return malformed(0, "more than eight channels in Vorbis order");
        }
        let Some((&[streams, coupled], table)) = table.split_first_chunk() else {
            return malformed(table.len(), "a cut channel mapping");
        };
        let decoded = u16::from(streams) + u16::from(coupled);
        if streams == 0 || coupled > streams || decoded > 255 {
            return malformed(0, "an impossible number of streams");
        }
        let Some(table) = table.get(..channels.into()) else {
            return malformed(table.len(), "a cut channel mapping");
        };
        if table.iter().any(|&it| it != 255 && u16::from(it) >= decoded) {
            return malformed(2, "a mapping to a channel that is not there");
        }
        Ok(Self::Table { family, streams, coupled, channels: table.into() })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple => out.push(0),
            Self::Table { family, streams, coupled, channels } => {
                out.extend_from_slice(&[*family, *streams, *coupled]);
                out.extend_from_slice(channels);
            }
        }
    }
}

/// How many samples at 48 kHz a packet holds (RFC 6716 §3.1, §3.2). Of several streams in one packet all last
/// as long.
///
/// ```
/// assert_eq!(levada_codec::opus::packet_samples(&[0xFC, 0xB4, 0x06]), Ok(960));
/// ```
pub fn packet_samples(packet: &[u8]) -> Result<u32, CodecError> {
    const SPEC: &str = "RFC 6716 §3.2";
    let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: SPEC });
    let Some((&toc, rest)) = packet.split_first() else {
        return malformed(0, "an empty Opus packet");
    };
    let frames = match (toc & 3, rest.first()) {
        (0, _) => 1,
        (1 | 2, _) => 2,
        (_, None) => return malformed(1, "a cut Opus packet"),
        (_, Some(count)) => u32::from(count & 0x3F),
    };
    let samples = frames * frame_samples(toc >> 3);
    if samples == 0 || samples > MAX_PACKET_SAMPLES {
        return malformed(1, "an Opus packet of no or more than 120 ms");
    }
    Ok(samples)
}

/// Samples of a frame by the packet's configuration (RFC 6716 table 2).
fn frame_samples(configuration: u8) -> u32 {
    match (configuration, configuration & 3) {
        // SILK: 10, 20, 40, 60 ms.
        (0..=11, 0) => 480,
        (0..=11, 1) => 960,
        (0..=11, 2) => 1920,
        (0..=11, _) => 2880,
        // Hybrid: 10, 20 ms.
        (12..=15, 0 | 2) => 480,
        (12..=15, _) => 960,
        // CELT: 2.5, 5, 10, 20 ms.
        (_, 0) => 120,
        (_, 1) => 240,
        (_, 2) => 480,
        (_, _) => 960,
    }
}

/// All that an Opus track's header says. One that is empty means stereo (Enhanced RTMP, audio sequence start).
pub(crate) fn params(config: &Bytes) -> Result<AudioParams, CodecError> {
    let head = if config.is_empty() { Head::new(2) } else { Head::parse(config)? };
    let mut params = AudioParams::new(AudioCodec::Opus, head.encode().into());
    params.rfc6381 = "Opus".into();
    params.sample_rate = SAMPLE_RATE;
    params.channels = head.channels;
    params.priming = head.pre_skip.into();
    Ok(params)
}

fn malformed<T>(offset: usize, what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Malformed { offset, what, spec: SPEC })
}

#[cfg(test)]
mod tests;
