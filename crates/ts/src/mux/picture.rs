//! Frames of H.264 and H.265: from lengths to start codes, with what a decoder needs to begin in front.

use alloc::vec::Vec;

use bytes::Bytes;
use levada_codec::{CodecError, avc, hevc, nal};
use levada_media::{Frame, RandomAccess, VideoCodec, VideoParams};

use crate::packetize::PacketWriter;

/// In front of the first unit, and of parameter sets (H.264 annex B.1.2).
const LONG_START: &[u8] = &[0, 0, 0, 1];

/// In front of others.
const SHORT_START: &[u8] = &[0, 0, 1];

/// What one track's frames have in common.
#[derive(Debug)]
pub(crate) struct PictureWriter {
    kind: VideoCodec,
    length_size: u8,
    /// Parameter sets behind start codes.
    parameter_sets: Vec<u8>,
}

/// A frame that has been looked through: what it becomes, and how long that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    pub(crate) len: usize,
    pub(crate) random_access: bool,
    with_parameter_sets: bool,
}

/// What a NAL unit is to us.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Unit {
    /// An access unit delimiter. We write our own.
    Delimiter,
    SequenceParameterSet,
    OtherParameterSet,
    RandomAccess,
    Other,
}

impl PictureWriter {
    pub(crate) fn new(params: &VideoParams) -> Result<Self, CodecError> {
        let (length_size, sets) = parameter_sets(params)?;
        let parameter_sets =
            sets.iter().flat_map(|set| [LONG_START, &set[..]]).flatten().copied().collect();
        Ok(Self { kind: params.codec, length_size, parameter_sets })
    }

    /// `None` for a frame without a unit.
    pub(crate) fn plan(&self, frame: &Frame) -> Result<Option<Picture>, CodecError> {
        let mut units_len = 0;
        let mut has_sequence = false;
        let mut random_access =
            matches!(frame.facts.random_access, RandomAccess::Instant | RandomAccess::Recovery(0));
        for unit in nal::units(&frame.data, self.length_size) {
            let unit = unit?;
            let kind = self.kind_of(unit);
            if kind != Unit::Delimiter {
                units_len += start_code(kind).len() + unit.len();
            }
            has_sequence |= kind == Unit::SequenceParameterSet;
            random_access |= kind == Unit::RandomAccess;
        }
        if units_len == 0 {
            return Ok(None);
        }
        // A frame that claims to be a key gets what a decoder needs to try, and no promise that it can.
        let may_begin = random_access
            || frame.facts.marked_key
            || frame.facts.random_access != RandomAccess::No;
        let with_parameter_sets = may_begin && !has_sequence;
        let sets_len = if with_parameter_sets { self.parameter_sets.len() } else { 0 };
        let len = self.delimiter().len() + sets_len + units_len;
        Ok(Some(Picture { len, random_access, with_parameter_sets }))
    }

    /// Writes what [`plan`](Self::plan) has found in the same frame.
    pub(crate) fn put(&self, picture: Picture, data: &[u8], out: &mut PacketWriter<'_>) {
        out.put(self.delimiter());
        if picture.with_parameter_sets {
            out.put(&self.parameter_sets);
        }
        for unit in nal::units(data, self.length_size).flatten() {
            let kind = self.kind_of(unit);
            if kind != Unit::Delimiter {
                out.put(start_code(kind));
                out.put(unit);
            }
        }
    }

    /// An access unit delimiter that allows all kinds of slices (H.264 §7.3.2.4, H.265 §7.3.2.5). Apple's players
    /// want one in front of every frame.
    fn delimiter(&self) -> &'static [u8] {
        match self.kind {
            VideoCodec::Hevc => &[0, 0, 0, 1, 0x46, 0x01, 0x50],
            _ => &[0, 0, 0, 1, 0x09, 0xF0],
        }
    }

    fn kind_of(&self, unit: &[u8]) -> Unit {
        let first = unit.first().copied().unwrap_or_default();
        match self.kind {
            // H.265 table 7-1
            VideoCodec::Hevc => match first >> 1 & 0x3F {
                16..=21 => Unit::RandomAccess,
                33 => Unit::SequenceParameterSet,
                32 | 34 => Unit::OtherParameterSet,
                35 => Unit::Delimiter,
                _ => Unit::Other,
            },
            // H.264 table 7-1
            _ => match first & 0x1F {
                5 => Unit::RandomAccess,
                7 => Unit::SequenceParameterSet,
                8 => Unit::OtherParameterSet,
                9 => Unit::Delimiter,
                _ => Unit::Other,
            },
        }
    }
}

fn start_code(kind: Unit) -> &'static [u8] {
    match kind {
        Unit::SequenceParameterSet | Unit::OtherParameterSet => LONG_START,
        _ => SHORT_START,
    }
}

/// The length of lengths, and the parameter sets of a configuration record.
fn parameter_sets(params: &VideoParams) -> Result<(u8, Vec<Bytes>), CodecError> {
    if params.codec == VideoCodec::Hevc {
        let config = hevc::Config::parse(&params.config)?;
        // All but suffix messages, which would stand in front of what they are about.
        let sets = config.arrays.into_iter().filter(|it| it.kind != 40).flat_map(|it| it.units);
        return Ok((config.length_size, sets.collect()));
    }
    let config = avc::Config::parse(&params.config)?;
    let extensions = config.extension.into_iter().flat_map(|it| it.sps_extensions);
    Ok((config.length_size, config.sps.into_iter().chain(extensions).chain(config.pps).collect()))
}
