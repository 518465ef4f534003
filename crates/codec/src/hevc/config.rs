use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_media::{Hdr, VideoCodec, VideoParams};
use nom::bytes::complete::take;
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};

use super::{Pps, ProfileTierLevel, Sps, unit_type};
use crate::{CodecError, Defect, Defects, nal, sei};

/// Parameter sets and messages in a configuration record: one for each id there is (16, 16 and 64), and some messages.
pub const MAX_CONFIG_UNITS: usize = 128;

const SPEC: &str = "ISO/IEC 14496-15 §8.3.3.1";

/// `HEVCDecoderConfigurationRecord`, the content of an `hvcC` box and of an Enhanced RTMP sequence start.
///
/// ```text
/// 01 │ 12 bytes profile, tier, level │ 1111 u12 segmentation │ 111111 parallelism │ 111111 chroma
///    │ 11111 luma depth-8 │ 11111 chroma depth-8 │ u16 frame rate │ 2 constant, 3 layers, 1 nested, 2 length size-1
///    │ count │ (1 complete, 0, 6 type │ u16 count │ (u16 length │ unit)…)…
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// `min_spatial_segmentation_idc`, up to 4095.
    pub min_spatial_segmentation: u16,
    /// `parallelismType`: 0 unknown or mixed, 1 slices, 2 tiles, 3 wavefronts.
    pub parallelism: u8,
    /// `chroma_format_idc`.
    pub chroma_format: u8,
    /// Bits a luma sample.
    pub bit_depth_luma: u8,
    /// Bits a chroma sample.
    pub bit_depth_chroma: u8,
    /// `avgFrameRate`: frames in 256 seconds, 0 if unknown.
    pub average_frame_rate: u16,
    /// `constantFrameRate`.
    pub constant_frame_rate: u8,
    /// `numTemporalLayers`, 0 if unknown.
    pub sub_layers: u8,
    /// `temporalIdNested`.
    pub nested: bool,
    /// Bytes of the length before each unit: 1, 2 or 4.
    pub length_size: u8,
    /// Parameter sets and messages by their kind.
    pub arrays: Vec<Array>,
    /// What had to be tolerated.
    pub defects: Defects,
}

/// The units of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Array {
    /// Whether frames hold no others of this kind.
    pub complete: bool,
    /// `nal_unit_type`: 32 to 34 for VPS, SPS and PPS, 39 and 40 for messages.
    pub kind: u8,
    /// The units.
    pub units: Vec<Bytes>,
}

impl Config {
    /// Parses a record. A byte stream with parameter sets in its place is tolerated.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        if nal::has_start_code(data) {
            let mut config = Self::from_units(nal::annex_b_units(data))?;
            config.defects.insert(Defect::StartCodeInConfig);
            return Ok(config);
        }
        let cut = |_| malformed(data.len(), "the record is cut");
        let (mut rest, (version, head)) = fixed(data).map_err(cut)?;
        if version != 1 {
            return Err(malformed(0, "configurationVersion is not 1"));
        }
        let mut config = Self::of_head(head)?;
        let [.., arrays] = *head;
        let mut room = MAX_CONFIG_UNITS;
        for _ in 0..arrays {
            let (after, (kind, count)) =
                (be_u8::<_, nom::error::Error<_>>, be_u16).parse(rest).map_err(cut)?;
            rest = after;
            room = room.checked_sub(count.into()).ok_or(CodecError::Limit {
                which: "units in a configuration record",
                limit: MAX_CONFIG_UNITS,
            })?;
            for _ in 0..count {
                let (after, unit) = unit(rest).map_err(cut)?;
                rest = after;
                config.put_entry(unit, kind & 0x80 != 0);
            }
        }
        if !rest.is_empty() {
            config.defects.insert(Defect::JunkAfterConfig);
        }
        let sps = config.units(33).next().ok_or(NO_SPS)?;
        // Its bytes 3 to 14 are the same, but for emulation prevention.
        let mut bytes = [0; 24];
        nal::unescape_into(sps, &mut bytes);
        if bytes.get(3..15) != Some(&config.profile.to_bytes()) {
            config.defects.insert(Defect::ConfigContradictsParameterSet);
        }
        Ok(config)
    }

    /// Makes the record for these parameter sets, all of them complete (`hvc1`). Other units are ignored.
    pub fn from_units<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CodecError> {
        let mut config = Self {
            profile: ProfileTierLevel::default(),
            min_spatial_segmentation: 0,
            parallelism: 0,
            chroma_format: 1,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            average_frame_rate: 0,
            constant_frame_rate: 0,
            sub_layers: 0,
            nested: false,
            length_size: 4,
            arrays: Vec::new(),
            defects: Defects::default(),
        };
        for unit in units {
            match unit_type(unit) {
                Some(kind @ 32..=34) if !config.units(kind).any(|it| it == unit) => {
                    config.put(unit, true);
                }
                _ => {}
            }
        }
        config.arrays.sort_by_key(|it| it.kind);
        let sps = Sps::parse(config.units(33).next().ok_or(NO_SPS)?)?;
        config.profile = sps.profile;
        config.min_spatial_segmentation = sps.vui.map_or(0, |it| it.min_spatial_segmentation);
        config.parallelism = config.parallelism_of();
        config.chroma_format = sps.chroma_format;
        config.bit_depth_luma = sps.bit_depth_luma;
        config.bit_depth_chroma = sps.bit_depth_chroma;
        config.sub_layers = sps.sub_layers;
        config.nested = sps.nested;
        Ok(config)
    }

    /// The record.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        let size = match self.length_size {
            1 | 2 | 4 => self.length_size - 1,
            _ => return misuse("lengths of NAL units have 1, 2 or 4 bytes"),
        };
        let depths = self.bit_depth_luma.checked_sub(8).zip(self.bit_depth_chroma.checked_sub(8));
        let (Some((luma @ 0..8, chroma @ 0..8)), 0..4) = (depths, self.chroma_format) else {
            return misuse("chroma formats are 0 to 3 and bit depths 8 to 15");
        };
        let Ok(arrays) = u8::try_from(self.arrays.len()) else {
            return misuse("more arrays than a configuration record can count");
        };
        let mut out = BytesMut::with_capacity(128);
        out.extend_from_slice(&[1]);
        out.extend_from_slice(&self.profile.to_bytes());
        out.extend_from_slice(&(0xF000 | self.min_spatial_segmentation).to_be_bytes());
        out.extend_from_slice(&[0xFC | self.parallelism, 0xFC | self.chroma_format]);
        out.extend_from_slice(&[0xF8 | luma, 0xF8 | chroma]);
        out.extend_from_slice(&self.average_frame_rate.to_be_bytes());
        let nested = u8::from(self.nested) << 2;
        let rate = self.constant_frame_rate << 6;
        out.extend_from_slice(&[rate | (self.sub_layers & 7) << 3 | nested | size, arrays]);
        self.arrays.iter().try_for_each(|it| it.encode(&mut out))?;
        Ok(out.freeze())
    }

    /// The units of one kind: 32 VPS, 33 SPS, 34 PPS, 39 messages.
    pub fn units(&self, kind: u8) -> impl Iterator<Item = &[u8]> {
        let arrays = self.arrays.iter().filter(move |it| it.kind == kind);
        arrays.flat_map(|it| it.units.iter().map(|unit| &unit[..]))
    }

    /// What the messages of the record say about HDR.
    pub fn hdr(&self) -> Option<Hdr> {
        let mut hdr = None;
        for unit in self.units(39) {
            let rbsp = nal::unescape(unit.get(2..).unwrap_or_default());
            for message in sei::messages(&rbsp).map_while(Result::ok) {
                let mut new = hdr.unwrap_or_default();
                if sei::read_hdr(message, &mut new) {
                    hdr = Some(new);
                }
            }
        }
        hdr
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
        let sets = [32, 33, 34].into_iter().filter(|_| key).flat_map(|kind| self.units(kind));
        // pic_type 2: any slices (§7.4.3.5).
        let units = || nal::units(frame, self.length_size);
        nal::put_access_unit(units, &[0x46, 0x01, 0x50], is(35), is(33), sets, out)
    }

    /// Everything before the arrays.
    fn of_head(head: &[u8; 22]) -> Result<Self, CodecError> {
        let Some((&profile, &[a, b, parallelism, chroma, luma, depth, c, d, last, _])) =
            head.split_first_chunk::<12>()
        else {
            return Err(malformed(0, "the record is cut"));
        };
        if last & 3 == 2 {
            return Err(malformed(21, "lengths of three bytes"));
        }
        let mut defects = Defects::default();
        let reserved =
            [(a, 0xF0), (parallelism, 0xFC), (chroma, 0xFC), (luma, 0xF8), (depth, 0xF8)];
        if reserved.iter().any(|(byte, mask)| byte & mask != *mask) {
            defects.insert(Defect::ReservedBits);
        }
        Ok(Self {
            profile: ProfileTierLevel::from_bytes(profile),
            min_spatial_segmentation: u16::from_be_bytes([a & 0x0F, b]),
            parallelism: parallelism & 3,
            chroma_format: chroma & 3,
            bit_depth_luma: 8 + (luma & 7),
            bit_depth_chroma: 8 + (depth & 7),
            average_frame_rate: u16::from_be_bytes([c, d]),
            constant_frame_rate: last >> 6,
            sub_layers: last >> 3 & 7,
            nested: last & 4 != 0,
            length_size: (last & 3) + 1,
            arrays: Vec::new(),
            defects,
        })
    }

    fn put_entry(&mut self, entry: &[u8], complete: bool) {
        if entry.is_empty() {
            self.defects.insert(Defect::EmptyUnit);
        }
        let units = nal::entry_units(entry, &mut self.defects);
        units.for_each(|unit| self.put(unit, complete));
    }

    fn put(&mut self, unit: &[u8], complete: bool) {
        let Some(kind @ (32..=34 | 39 | 40)) = unit_type(unit) else { return };
        let unit = Bytes::copy_from_slice(unit);
        match self.arrays.iter_mut().find(|it| (it.kind, it.complete) == (kind, complete)) {
            Some(array) => array.units.push(unit),
            None => self.arrays.push(Array { complete, kind, units: alloc::vec![unit] }),
        }
    }

    /// How slices can be decoded side by side. Only of interest where the stream says how much it is cut up.
    fn parallelism_of(&self) -> u8 {
        let pps = self.units(34).next().and_then(|unit| Pps::parse(unit).ok());
        match pps {
            Some(pps) if self.min_spatial_segmentation > 0 => match (pps.tiles, pps.wavefronts) {
                (true, true) => 0,
                (true, false) => 2,
                (false, true) => 3,
                (false, false) => 1,
            },
            _ => 0,
        }
    }
}

impl Array {
    fn encode(&self, out: &mut BytesMut) -> Result<(), CodecError> {
        let Ok(count) = u16::try_from(self.units.len()) else {
            return misuse("more units than a configuration record can count");
        };
        out.extend_from_slice(&[u8::from(self.complete) << 7 | self.kind & 0x3F]);
        out.extend_from_slice(&count.to_be_bytes());
        for unit in &self.units {
            let Ok(length) = u16::try_from(unit.len()) else {
                return misuse("a unit longer than a configuration record can hold");
            };
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(unit);
        }
        Ok(())
    }
}

/// All that a track's configuration record says.
pub(crate) fn params(data: &Bytes) -> Result<VideoParams, CodecError> {
    let config = Config::parse(data)?;
    let sps = Sps::parse(config.units(33).next().ok_or(NO_SPS)?)?;
    let mut params = VideoParams::new(VideoCodec::Hevc, canonical(data, &config)?);
    params.rfc6381 = sps.profile.rfc6381("hvc1");
    (params.width, params.height) = (sps.width(), sps.height());
    let vui = sps.vui.unwrap_or_default();
    params.pixel_aspect = vui.pixel_aspect.map(|(x, y)| (x.into(), y.into()));
    params.frame_rate = sps.frame_rate().or_else(|| config.vps_frame_rate());
    (params.profile, params.level) = (sps.profile.profile, sps.profile.level);
    params.bit_depth = sps.bit_depth_luma;
    params.interlaced = vui.fields || sps.profile.interlaced();
    params.reorder = Some(sps.reorder);
    params.colour = vui.colour;
    params.hdr = config.hdr();
    Ok(params)
}

impl Config {
    fn vps_frame_rate(&self) -> Option<(u32, u32)> {
        let timing = super::Vps::parse(self.units(32).next()?).ok()?.timing?;
        crate::vui::rate(timing.time_scale, timing.units_in_tick.into())
    }
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

/// The version and what comes before the arrays, with their number.
fn fixed(input: &[u8]) -> IResult<&[u8], (u8, &[u8; 22])> {
    let (rest, (version, head)) = (be_u8, take(22_usize)).parse(input)?;
    match head.try_into() {
        Ok(head) => Ok((rest, (version, head))),
        Err(_) => Err(nom::Err::Error(nom::error::make_error(input, nom::error::ErrorKind::Eof))),
    }
}

fn unit(input: &[u8]) -> IResult<&[u8], &[u8]> {
    length_data(be_u16).parse(input)
}

const NO_SPS: CodecError =
    CodecError::Malformed { offset: 22, what: "no sequence parameter set", spec: SPEC };

fn malformed(offset: usize, what: &'static str) -> CodecError {
    CodecError::Malformed { offset, what, spec: SPEC }
}

fn misuse<T>(what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Misuse { what })
}
