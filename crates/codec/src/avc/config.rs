use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_media::{VideoCodec, VideoParams};
use nom::multi::{count, length_data};
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};

use super::{Sps, unit_type};
use crate::{CodecError, Defect, Defects, nal};

const SPEC: &str = "ISO/IEC 14496-15 §5.3.3.1";

/// `AVCDecoderConfigurationRecord`, the content of an `avcC` box and of an RTMP sequence header.
///
/// ```text
/// 01 │ profile │ constraints │ level │ 111111 length size-1 │ 111 count │ (u16 length │ SPS)… │ count │ (u16 length │ PPS)…
///    │ 111111 chroma │ 11111 luma depth-8 │ 11111 chroma depth-8 │ count │ (u16 length │ SPS extension)…    high profiles
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// `AVCProfileIndication`.
    pub profile: u8,
    /// `profile_compatibility`.
    pub constraints: u8,
    /// `AVCLevelIndication`.
    pub level: u8,
    /// Bytes of the length before each unit: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, 1 to 31.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, up to 255.
    pub pps: Vec<Bytes>,
    /// What records of the high profiles end with.
    pub extension: Option<Extension>,
    /// What had to be tolerated.
    pub defects: Defects,
}

/// What configuration records of the high profiles end with.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Extension {
    /// `chroma_format_idc`.
    pub chroma_format: u8,
    /// Bits a luma sample.
    pub bit_depth_luma: u8,
    /// Bits a chroma sample.
    pub bit_depth_chroma: u8,
    /// Sequence parameter set extensions (alpha), up to 255.
    pub sps_extensions: Vec<Bytes>,
}

impl Config {
    /// Parses a record. A byte stream with parameter sets in its place is tolerated.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        if nal::has_start_code(data) {
            let mut config = Self::from_units(nal::annex_b_units(data))?;
            config.defects.insert(Defect::StartCodeInConfig);
            return Ok(config);
        }
        let (rest, record) =
            record(data).map_err(|_| malformed(data.len(), "the record is cut"))?;
        record.check(data, rest)
    }

    /// Makes the record for these parameter sets, in the order of their first occurrence. Other units are ignored.
    pub fn from_units<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CodecError> {
        let mut sets = Sets::default();
        for unit in units {
            let known = sets.sps.iter().chain(&sets.pps).chain(&sets.sps_extensions);
            if !known.into_iter().any(|it| it == unit) {
                sets.put(unit);
            }
        }
        let first = sets.sps.first().ok_or(NO_SPS)?;
        let sps = Sps::parse(first)?;
        Ok(Self {
            profile: sps.profile,
            constraints: sps.constraints,
            level: sps.level,
            length_size: 4,
            extension: has_extension(sps.profile).then(|| Extension {
                chroma_format: sps.chroma_format,
                bit_depth_luma: sps.bit_depth_luma,
                bit_depth_chroma: sps.bit_depth_chroma,
                sps_extensions: sets.sps_extensions,
            }),
            sps: sets.sps,
            pps: sets.pps,
            defects: sets.defects,
        })
    }

    /// The record.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        let size = match self.length_size {
            1 | 2 | 4 => self.length_size - 1,
            _ => return misuse("lengths of NAL units have 1, 2 or 4 bytes"),
        };
        let mut out = BytesMut::with_capacity(64);
        out.extend_from_slice(&[1, self.profile, self.constraints, self.level, 0xFC | size]);
        put_sets(&self.sps, 31, 0xE0, &mut out)?;
        put_sets(&self.pps, 255, 0, &mut out)?;
        if let Some(it) = &self.extension {
            let depths = it.bit_depth_luma.checked_sub(8).zip(it.bit_depth_chroma.checked_sub(8));
            let (Some((luma @ 0..8, chroma @ 0..8)), 0..4) = (depths, it.chroma_format) else {
                return misuse("chroma formats are 0 to 3 and bit depths 8 to 15");
            };
            out.extend_from_slice(&[0xFC | it.chroma_format, 0xF8 | luma, 0xF8 | chroma]);
            put_sets(&it.sps_extensions, 255, 0, &mut out)?;
        }
        Ok(out.freeze())
    }

    /// Appends a frame to `out` as an access unit of a byte stream, as MPEG-TS wants it: a delimiter first, before
    /// a key frame the parameter sets, unless the frame brings its own.
    pub fn to_annex_b(
        &self,
        frame: &[u8],
        key: bool,
        out: &mut BytesMut,
    ) -> Result<(), CodecError> {
        let is = |kind| move |unit: &[u8]| unit_type(unit) == Some(kind);
        let sets = self.sps.iter().chain(&self.pps).filter(|_| key).map(|it| &it[..]);
        // primary_pic_type 7: any slices (§7.4.2.4).
        let units = || nal::units(frame, self.length_size);
        nal::put_access_unit(units, &[0x09, 0xF0], is(9), is(7), sets, out)
    }
}

/// All that a track's configuration record says.
pub(crate) fn params(data: &Bytes) -> Result<VideoParams, CodecError> {
    let config = Config::parse(data)?;
    let sps = Sps::parse(config.sps.first().ok_or(NO_SPS)?)?;
    let mut params = VideoParams::new(VideoCodec::Avc, canonical(data, &config)?);
    params.rfc6381 = sps.rfc6381("avc1");
    (params.width, params.height) = (sps.width(), sps.height());
    let vui = sps.vui.unwrap_or_default();
    params.pixel_aspect = vui.pixel_aspect.map(|(x, y)| (x.into(), y.into()));
    params.frame_rate = sps.frame_rate();
    (params.profile, params.level) = (sps.profile, sps.level);
    params.bit_depth = sps.bit_depth_luma;
    params.interlaced = !sps.frames_only;
    params.reorder = sps.reorder();
    params.colour = vui.colour;
    Ok(params)
}

/// The record as the format wants it, in memory of its own.
fn canonical(data: &[u8], config: &Config) -> Result<Bytes, CodecError> {
    let start_codes = [Defect::StartCodeInConfig, Defect::StartCodeInParameterSet];
    if start_codes.into_iter().any(|it| config.defects.contains(it)) {
        config.encode()
    } else {
        Ok(Bytes::copy_from_slice(data))
    }
}

/// Profiles whose records have the extension. The text names 100, 110, 122 and 144; writers give it to all that
/// can differ from 8 bits 4:2:0.
fn has_extension(profile: u8) -> bool {
    !matches!(profile, 66 | 77 | 88)
}

/// A record in slices.
struct Record<'a> {
    version: u8,
    profile: u8,
    constraints: u8,
    level: u8,
    lengths: u8,
    sps_count: u8,
    sps: Vec<&'a [u8]>,
    pps: Vec<&'a [u8]>,
}

fn record(input: &[u8]) -> IResult<&[u8], Record<'_>> {
    let (input, (version, profile, constraints, level, lengths)) =
        (be_u8, be_u8, be_u8, be_u8, be_u8).parse(input)?;
    let (input, sps_count) = be_u8(input)?;
    let (input, sps) = sets(input, sps_count & 0x1F)?;
    let (input, pps_count) = be_u8(input)?;
    let (input, pps) = sets(input, pps_count)?;
    Ok((input, Record { version, profile, constraints, level, lengths, sps_count, sps, pps }))
}

fn sets(input: &[u8], number: u8) -> IResult<&[u8], Vec<&[u8]>> {
    count(length_data(be_u16), number.into()).parse(input)
}

impl Record<'_> {
    fn check(self, data: &[u8], rest: &[u8]) -> Result<Config, CodecError> {
        if self.version != 1 {
            return Err(malformed(0, "configurationVersion is not 1"));
        }
        if self.lengths & 3 == 2 {
            return Err(malformed(4, "lengths of three bytes"));
        }
        let mut kept = Sets::default();
        if self.lengths & 0xFC != 0xFC || self.sps_count & 0xE0 != 0xE0 {
            kept.defects.insert(Defect::ReservedBits);
        }
        self.sps.iter().chain(&self.pps).for_each(|unit| kept.put_entry(unit));
        if kept.sps.is_empty() {
            return Err(NO_SPS);
        }
        let same = kept.sps.iter().any(|sps| {
            matches!(sps[..], [_, profile, _, level, ..] if (profile, level) == (self.profile, self.level))
        });
        if !same {
            kept.defects.insert(Defect::ConfigContradictsParameterSet);
        }
        let extension = self.extension(data, rest, &mut kept.defects)?;
        Ok(Config {
            profile: self.profile,
            constraints: self.constraints,
            level: self.level,
            length_size: (self.lengths & 3) + 1,
            sps: kept.sps,
            pps: kept.pps,
            extension,
            defects: kept.defects,
        })
    }

    /// Its absence is common and tolerated.
    fn extension(
        &self,
        data: &[u8],
        rest: &[u8],
        defects: &mut Defects,
    ) -> Result<Option<Extension>, CodecError> {
        if rest.is_empty() {
            return Ok(None);
        }
        if !has_extension(self.profile) {
            defects.insert(Defect::JunkAfterConfig);
            return Ok(None);
        }
        let cut = |_| malformed(data.len(), "the record is cut");
        let (rest, (chroma, luma, depth, number)) =
            (be_u8::<_, nom::error::Error<_>>, be_u8, be_u8, be_u8).parse(rest).map_err(cut)?;
        let (rest, units) = sets(rest, number).map_err(cut)?;
        if chroma & 0xFC != 0xFC || luma & 0xF8 != 0xF8 || depth & 0xF8 != 0xF8 {
            defects.insert(Defect::ReservedBits);
        }
        if !rest.is_empty() {
            defects.insert(Defect::JunkAfterConfig);
        }
        Ok(Some(Extension {
            chroma_format: chroma & 3,
            bit_depth_luma: 8 + (luma & 7),
            bit_depth_chroma: 8 + (depth & 7),
            sps_extensions: units.into_iter().map(Bytes::copy_from_slice).collect(),
        }))
    }
}

/// Parameter sets by their kind.
#[derive(Default)]
struct Sets {
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
    sps_extensions: Vec<Bytes>,
    defects: Defects,
}

impl Sets {
    fn put_entry(&mut self, entry: &[u8]) {
        if entry.is_empty() {
            self.defects.insert(Defect::EmptyUnit);
        }
        nal::entry_units(entry, &mut self.defects).for_each(|unit| self.put(unit));
    }

    fn put(&mut self, unit: &[u8]) {
        let kind = match unit_type(unit) {
            Some(7) => &mut self.sps,
            Some(8) => &mut self.pps,
            Some(13) => &mut self.sps_extensions,
            _ => return,
        };
        kind.push(Bytes::copy_from_slice(unit));
    }
}

/// A count with its reserved bits, then each set behind its length.
fn put_sets(
    sets: &[Bytes],
    most: usize,
    reserved: u8,
    out: &mut BytesMut,
) -> Result<(), CodecError> {
    let Some(number) = u8::try_from(sets.len()).ok().filter(|_| sets.len() <= most) else {
        return misuse("more parameter sets than a configuration record can count");
    };
    out.extend_from_slice(&[reserved | number]);
    for set in sets {
        let Ok(length) = u16::try_from(set.len()) else {
            return misuse("a parameter set longer than a configuration record can hold");
        };
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(set);
    }
    Ok(())
}

const NO_SPS: CodecError =
    CodecError::Malformed { offset: 5, what: "no sequence parameter set", spec: SPEC };

fn malformed(offset: usize, what: &'static str) -> CodecError {
    CodecError::Malformed { offset, what, spec: SPEC }
}

fn misuse<T>(what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Misuse { what })
}
