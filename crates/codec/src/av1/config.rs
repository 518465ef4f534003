use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_media::{Colour, Hdr, VideoCodec, VideoParams};

use super::obu::{leb128, put_with_size};
use super::{Obu, ObuKind, SequenceHeader, obus};
use crate::CodecError;
use crate::bits::Bits;

const SPEC: &str = "AV1-ISOBMFF §2.3";

/// An `AV1CodecConfigurationRecord`, the content of an `av1C` box.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// Level index of the first operating point.
    pub level: u8,
    /// Whether that is of the High tier.
    pub high_tier: bool,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Whether there is no chroma.
    pub monochrome: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
    /// Where chroma samples are: 0 unknown, 1 vertical, 2 colocated.
    pub chroma_position: u8,
    /// Samples to decode before the first is shown, 1 to 16, if it says.
    pub presentation_delay: Option<u8>,
    /// OBUs that stand before all samples: a sequence header first, if any.
    pub obus: Vec<u8>,
}

impl Config {
    /// Parses a record.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| Err(CodecError::Malformed { offset, what, spec: SPEC });
        let Some((&[version, profile, bits, delay], units)) = data.split_first_chunk() else {
            return malformed(data.len(), "a cut av1C");
        };
        if version & 0x80 == 0 {
            return malformed(0, "no marker bit");
        }
        if version & 0x7F != 1 {
            return Err(CodecError::Unsupported { what: "a version of av1C other than 1" });
        }
        if profile >> 5 > 2 {
            return malformed(1, "a reserved profile");
        }
        for (index, obu) in obus(units).enumerate() {
            let obu = obu.map_err(|it| it.shifted(4))?;
            if obu.kind == ObuKind::SEQUENCE_HEADER && index > 0 {
                return malformed(4, "a sequence header that is not the first OBU");
            }
        }
        let config = Self {
            profile: profile >> 5,
            level: profile & 0x1F,
            high_tier: bits & 0x80 != 0,
            bit_depth: match bits >> 5 & 3 {
                0b10 => 10,
                0b11 => 12,
                _ => 8,
            },
            monochrome: bits & 0x10 != 0,
            subsampling_x: bits & 0x08 != 0,
            subsampling_y: bits & 0x04 != 0,
            chroma_position: bits & 0x03,
            presentation_delay: (delay & 0x10 != 0).then_some((delay & 0x0F) + 1),
            obus: units.into(),
        };
        config.sequence_header().map_err(|it| it.shifted(4))?;
        Ok(config)
    }

    /// The record for a stream whose sequence header is this OBU.
    ///
    /// # Errors
    ///
    /// If it is none, or a wrong one.
    pub fn new(sequence_header: &Obu<'_>) -> Result<Self, CodecError> {
        if sequence_header.kind != ObuKind::SEQUENCE_HEADER {
            return Err(CodecError::Misuse { what: "av1C of another OBU than a sequence header" });
        }
        let header = SequenceHeader::parse(sequence_header.payload)?;
        let point = header.operating_points.first();
        let mut units = BytesMut::with_capacity(sequence_header.data.len() + 8);
        put_with_size(sequence_header, &mut units);
        Ok(Self {
            profile: header.profile,
            level: point.map_or(31, |it| it.level),
            high_tier: point.is_some_and(|it| it.high_tier),
            bit_depth: header.bit_depth,
            monochrome: header.monochrome,
            subsampling_x: header.subsampling_x,
            subsampling_y: header.subsampling_y,
            chroma_position: header.chroma_position,
            presentation_delay: None,
            obus: units.into(),
        })
    }

    /// The record of a stream that has sent none, from a temporal unit with a sequence header in it.
    pub fn of_temporal_unit(unit: &[u8]) -> Option<Self> {
        let obu =
            obus(unit).map_while(Result::ok).find(|it| it.kind == ObuKind::SEQUENCE_HEADER)?;
        Self::new(&obu).ok()
    }

    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        let bits = u8::from(self.high_tier) << 7
            | u8::from(self.bit_depth > 8) << 6
            | u8::from(self.bit_depth > 10) << 5
            | u8::from(self.monochrome) << 4
            | u8::from(self.subsampling_x) << 3
            | u8::from(self.subsampling_y) << 2
            | self.chroma_position & 3;
        let delay = self.presentation_delay.map_or(0, |it| 0x10 | it.wrapping_sub(1) & 0x0F);
        let mut out = Vec::from([0x81, self.profile << 5 | self.level & 0x1F, bits, delay]);
        out.extend_from_slice(&self.obus);
        out
    }

    /// Its sequence header, if it has one.
    pub fn sequence_header(&self) -> Result<Option<SequenceHeader>, CodecError> {
        match obus(&self.obus).next() {
            Some(Ok(obu)) if obu.kind == ObuKind::SEQUENCE_HEADER => {
                SequenceHeader::parse(obu.payload).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The codec's name in playlists (AV1-ISOBMFF §5): `av01.0.04M.08`, and the rest if it is not the usual.
    pub fn rfc6381(&self, colour: Option<Colour>) -> String {
        let full = self.rfc6381_full(colour);
        match full.strip_suffix(".0.110.01.01.01.0") {
            Some(short) => short.into(),
            None => full,
        }
    }

    /// The same with all fields. Unspecified colours are named as those of BT.709, which is what leaving them out
    /// means.
    pub fn rfc6381_full(&self, colour: Option<Colour>) -> String {
        let usual = Colour { primaries: 2, transfer: 2, matrix: 2, full_range: false };
        let Colour { primaries, transfer, matrix, full_range } = colour.unwrap_or(usual);
        let [primaries, transfer, matrix] =
            [primaries, transfer, matrix].map(|it| if it == 2 { 1 } else { it });
        let position = match (self.subsampling_x, self.subsampling_y) {
            (true, true) => self.chroma_position,
            _ => 0,
        };
        format!(
            "av01.{}.{:02}{}.{:02}.{}.{}{}{}.{:02}.{:02}.{:02}.{}",
            self.profile,
            self.level,
            if self.high_tier { 'H' } else { 'M' },
            self.bit_depth,
            u8::from(self.monochrome),
            u8::from(self.subsampling_x),
            u8::from(self.subsampling_y),
            position,
            primaries,
            transfer,
            matrix,
            u8::from(full_range),
        )
    }
}

/// All that an AV1 track's record says.
pub(crate) fn params(record: &Bytes) -> Result<VideoParams, CodecError> {
    let config = Config::parse(record)?;
    let mut params = VideoParams::new(VideoCodec::Av1, Bytes::copy_from_slice(record));
    params.profile = config.profile;
    params.level = config.level;
    params.bit_depth = config.bit_depth;
    // A temporal unit is what is shown at one time: nothing is out of order.
    params.reorder = Some(0);
    params.hdr = hdr(&config.obus);
    if let Some(header) = config.sequence_header()? {
        params.width = header.max_width;
        params.height = header.max_height;
        params.frame_rate = header.frame_rate;
        let Colour { primaries, transfer, matrix, full_range } = header.colour;
        let says_something = (primaries, transfer, matrix, full_range) != (2, 2, 2, false);
        params.colour = says_something.then_some(header.colour);
    }
    params.rfc6381 = config.rfc6381(params.colour);
    Ok(params)
}

/// Static HDR metadata among the OBUs of a record (§5.8.3, §5.8.4).
fn hdr(units: &[u8]) -> Option<Hdr> {
    let mut hdr = Hdr::default();
    for obu in obus(units).map_while(Result::ok).filter(|it| it.kind == ObuKind::METADATA) {
        let Ok((kind, len)) = leb128(obu.payload) else { continue };
        let bits = &mut Bits::new(obu.payload.get(len..).unwrap_or_default());
        match kind {
            1 => hdr.content_light = content_light(bits).or(hdr.content_light),
            2 => hdr = mastering_display(bits, hdr).unwrap_or(hdr),
            _ => {}
        }
    }
    (hdr != Hdr::default()).then_some(hdr)
}

fn content_light(bits: &mut Bits<'_>) -> Option<(u16, u16)> {
    Some((bits.u16().ok()?, bits.u16().ok()?))
}

/// Here chromaticity is in 1/65536, luminance in 1/256 and 1/16384. H.265, whose units ours are, has 0.00002 and 0.0001.
fn mastering_display(bits: &mut Bits<'_>, hdr: Hdr) -> Option<Hdr> {
    let scaled = |value: u32, to: u64, from: u64| {
        u32::try_from((u64::from(value) * to + from / 2) / from).unwrap_or(u32::MAX)
    };
    let mut primaries = [(0, 0); 4];
    for (x, y) in &mut primaries {
        for place in [x, y] {
            let value = scaled(bits.u(16).ok()?, 50_000, 65_536);
            *place = u16::try_from(value).unwrap_or(u16::MAX);
        }
    }
    let most = scaled(bits.u(32).ok()?, 10_000, 256);
    let least = scaled(bits.u(32).ok()?, 10_000, 16_384);
    let mastering_luminance = Some((most, least));
    Some(Hdr { mastering_primaries: Some(primaries), mastering_luminance, ..hdr })
}

/// The same parameters with what a temporal unit's sequence header says, if the record has none.
pub(crate) fn with_sequence_header(known: &VideoParams, unit: &[u8]) -> Option<VideoParams> {
    if known.width != 0 {
        return None;
    }
    let record = Config::of_temporal_unit(unit)?.encode();
    let mut completed = params(&record.into()).ok()?;
    completed.pixel_aspect = known.pixel_aspect;
    completed.frame_rate = known.frame_rate.or(completed.frame_rate);
    completed.hdr = known.hdr.or(completed.hdr);
    completed.colour = known.colour.or(completed.colour);
    Some(completed)
}
