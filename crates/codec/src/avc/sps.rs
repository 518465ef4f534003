use alloc::string::String;
use alloc::vec::Vec;

use levada_media::Colour;

use super::level;
use super::vui::{self, Vui};
use crate::bits::Bits;
use crate::vui::rate;
use crate::{CodecError, Defect, Defects, nal};

/// Bytes of a sequence parameter set. All its lists at their longest come to less.
pub const MAX_SPS: usize = 4096;

/// Macroblocks in a frame, and along each of its sides: those of level 6.2, the highest there is (table A-1).
pub const MAX_FRAME: u32 = 139_264;
const MAX_SIDE: u32 = 1055;

const SPEC: &str = "H.264 §7.3.2.1.1";

/// A sequence parameter set.
///
/// This is a parser of our own beside `h264-reader`, for three reasons: cameras send sets with junk or a cut behind
/// what matters, which `h264-reader` refuses as a whole; it works without `std`; and it is several times as fast.
/// Tests hold the two against each other.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sps {
    /// `seq_parameter_set_id`.
    pub id: u8,
    /// `profile_idc`.
    pub profile: u8,
    /// The byte with the six constraint flags, flag 0 in its highest bit.
    pub constraints: u8,
    /// `level_idc`.
    pub level: u8,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Whether the three colour planes of 4:4:4 are coded apart.
    pub separate_planes: bool,
    /// Bits a luma sample.
    pub bit_depth_luma: u8,
    /// Bits a chroma sample.
    pub bit_depth_chroma: u8,
    /// Bits of `frame_num`.
    pub frame_num_bits: u8,
    /// How pictures tell their output order.
    pub order: OrderType,
    /// `max_num_ref_frames`.
    pub max_ref_frames: u8,
    /// Whether `frame_num` may jump.
    pub gaps_allowed: bool,
    /// Width in macroblocks.
    pub width_mbs: u32,
    /// Height in map units: macroblocks, or pairs of them if pictures may be fields.
    pub height_map_units: u32,
    /// `frame_mbs_only_flag`: no fields.
    pub frames_only: bool,
    /// Cropping at the left, right, top and bottom, in crop units.
    pub crop: [u32; 4],
    /// Video usability information, as far as it can be read.
    pub vui: Option<Vui>,
    /// What had to be tolerated.
    pub defects: Defects,
}

/// How pictures tell their output order (`pic_order_cnt_type`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum OrderType {
    /// By some low bits of it.
    Bits(u8),
    /// By the difference from a cycle.
    Cycle {
        /// `delta_pic_order_always_zero_flag`.
        always_zero: bool,
        /// `offset_for_non_ref_pic`.
        non_reference: i32,
        /// `offset_for_top_to_bottom_field`.
        top_to_bottom: i32,
        /// `offset_for_ref_frame`.
        offsets: Vec<i32>,
    },
    /// It is the decoding order.
    Decoding,
}

impl Sps {
    /// Parses a NAL unit, header included. Offsets in errors count its bytes without emulation prevention.
    ///
    /// Defects behind the size of the picture are tolerated and told in [`defects`](Self::defects).
    pub fn parse(unit: &[u8]) -> Result<Self, CodecError> {
        let mut defects = Defects::default();
        let mut sps = nal::read_parameter_set(unit, MAX_SPS, &mut defects, parse);
        match &mut sps {
            Ok(sps) => sps.defects.extend(defects),
            Err(error) => *error = error.of(SPEC),
        }
        sps
    }

    /// Visible width in luma samples.
    pub fn width(&self) -> u32 {
        let [left, right, ..] = self.crop;
        self.width_mbs * 16 - self.crop_unit().0 * (left + right)
    }

    /// Visible height in luma samples.
    pub fn height(&self) -> u32 {
        let [.., top, bottom] = self.crop;
        self.height_mbs() * 16 - self.crop_unit().1 * (top + bottom)
    }

    /// Frames a second as a fraction, if the set promises a fixed rate.
    pub fn frame_rate(&self) -> Option<(u32, u32)> {
        let timing = self.vui.as_ref()?.timing?;
        // A tick is a field (§E.2.1).
        let rate = rate(timing.time_scale, 2 * u64::from(timing.units_in_tick))?;
        timing.fixed.then_some(rate)
    }

    /// Frames that can come before another in decoding order and after it in output order (§E.2.1,
    /// `max_num_reorder_frames` and what it is inferred to be). `None` for unknown levels.
    pub fn reorder(&self) -> Option<u8> {
        if self.order == OrderType::Decoding {
            return Some(0);
        }
        if let Some(restriction) = self.vui.as_ref().and_then(|vui| vui.restriction) {
            return Some(restriction.reorder);
        }
        let intra_only =
            matches!(self.profile, 44 | 86 | 100 | 110 | 122 | 244) && self.constraints & 0x10 != 0;
        if intra_only {
            return Some(0);
        }
        let frames = level::of(self)?.dpb_mbs / (self.width_mbs * self.height_mbs());
        u8::try_from(frames.min(16)).ok()
    }

    /// The colour description.
    pub fn colour(&self) -> Option<Colour> {
        self.vui.as_ref()?.colour
    }

    /// The RFC 6381 name, which begins with `avc1` if parameter sets are out of band and with `avc3` if not.
    pub fn rfc6381(&self, sample_entry: &str) -> String {
        let Self { profile, constraints, level, .. } = self;
        alloc::format!("{sample_entry}.{profile:02x}{constraints:02x}{level:02x}")
    }

    pub(crate) fn height_mbs(&self) -> u32 {
        self.height_map_units * if self.frames_only { 1 } else { 2 }
    }

    /// `CropUnitX` and `CropUnitY` (§7.4.2.1.1).
    fn crop_unit(&self) -> (u32, u32) {
        let (x, y) = match self.chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        (x, if self.frames_only { y } else { 2 * y })
    }

    /// Refuses sizes that no level allows, and cropping that leaves nothing.
    fn check_size(&mut self) -> Result<(), &'static str> {
        let (unit_x, unit_y) = self.crop_unit();
        let [left, right, top, bottom] = self.crop.map(u64::from);
        if u64::from(unit_x) * (left + right) >= u64::from(self.width_mbs) * 16 {
            return Err("cropping leaves no width");
        }
        if u64::from(unit_y) * (top + bottom) >= u64::from(self.height_mbs()) * 16 {
            return Err("cropping leaves no height");
        }
        if level::of(self).is_none_or(|it| self.width_mbs * self.height_mbs() > it.frame_mbs) {
            self.defects.insert(Defect::BeyondLevel);
        }
        Ok(())
    }
}

fn parse(bits: &mut Bits<'_>) -> Result<Sps, CodecError> {
    // forbidden_zero_bit and nal_unit_type (§7.3.1)
    let [header, profile, constraints, level] = bits.u(32)?.to_be_bytes();
    match header {
        0x80.. => return bad(bits, "forbidden_zero_bit is set"),
        _ if header & 0x1F != 7 => return bad(bits, "not a sequence parameter set"),
        _ => {}
    }
    let id = bounded(bits, 31, "seq_parameter_set_id is over 31")?;
    let chroma = if has_chroma(profile) { chroma(bits)? } else { Chroma::default() };
    let frame_num_bits = 4 + bounded(bits, 12, "log2_max_frame_num_minus4 is over 12")?;
    let order = order_type(bits)?;
    let max_ref_frames = u8::try_from(bits.ue()?).unwrap_or(u8::MAX);
    let gaps_allowed = bits.flag()?;
    let (width_mbs, height_map_units) = (side(bits)?, side(bits)?);
    let frames_only = bits.flag()?;
    if !frames_only {
        bits.skip(1)?; // mb_adaptive_frame_field_flag
    }
    bits.skip(1)?; // direct_8x8_inference_flag
    let crop = if bits.flag()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
    let mut sps = Sps {
        id,
        profile,
        constraints,
        level,
        chroma_format: chroma.format,
        separate_planes: chroma.separate_planes,
        bit_depth_luma: chroma.bit_depth_luma,
        bit_depth_chroma: chroma.bit_depth_chroma,
        frame_num_bits,
        order,
        max_ref_frames,
        gaps_allowed,
        width_mbs,
        height_map_units,
        frames_only,
        crop,
        vui: None,
        defects: Defects::default(),
    };
    let height_mbs = sps.height_mbs();
    if width_mbs * height_mbs > MAX_FRAME || height_mbs > MAX_SIDE {
        return Err(too_large());
    }
    if let Err(what) = sps.check_size() {
        return bad(bits, what);
    }
    // Whatever is wrong from here on cannot change the picture: it is told and tolerated.
    let present = bits.flag().unwrap_or_else(|_| {
        sps.defects.insert(Defect::CutParameterSet);
        false
    });
    if present {
        sps.vui = Some(vui::read(bits, &mut sps.defects));
    }
    if !sps.defects.contains(Defect::CutParameterSet) && !bits.at_trailing_bits() {
        sps.defects.insert(Defect::JunkAfterParameterSet);
    }
    Ok(sps)
}

/// Profiles whose sets tell the chroma format (§7.3.2.1.1).
fn has_chroma(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

struct Chroma {
    format: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl Default for Chroma {
    fn default() -> Self {
        Self { format: 1, separate_planes: false, bit_depth_luma: 8, bit_depth_chroma: 8 }
    }
}

fn chroma(bits: &mut Bits<'_>) -> Result<Chroma, CodecError> {
    let format = bounded(bits, 3, "chroma_format_idc is over 3")?;
    let separate_planes = format == 3 && bits.flag()?;
    let bit_depth_luma = 8 + bounded(bits, 6, "bit_depth_luma_minus8 is over 6")?;
    let bit_depth_chroma = 8 + bounded(bits, 6, "bit_depth_chroma_minus8 is over 6")?;
    bits.skip(1)?; // qpprime_y_zero_transform_bypass_flag
    if bits.flag()? {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.flag()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(Chroma { format, separate_planes, bit_depth_luma, bit_depth_chroma })
}

/// §7.3.2.1.1.1. Only the length of the list matters here.
fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Result<(), CodecError> {
    let mut last = 8_i32;
    for _ in 0..size {
        // delta_scale is within a byte (§7.4.2.1.1.1); modulo 256, so is everything else.
        last = last.wrapping_add(bits.se()?) & 0xFF;
        if last == 0 {
            break;
        }
    }
    Ok(())
}

fn order_type(bits: &mut Bits<'_>) -> Result<OrderType, CodecError> {
    match bits.ue()? {
        0 => {
            let what = "log2_max_pic_order_cnt_lsb_minus4 is over 12";
            Ok(OrderType::Bits(4 + bounded(bits, 12, what)?))
        }
        1 => {
            let always_zero = bits.flag()?;
            let (non_reference, top_to_bottom) = (bits.se()?, bits.se()?);
            let what = "num_ref_frames_in_pic_order_cnt_cycle is over 255";
            let count = bounded(bits, 255, what)?;
            let offsets = (0..count).map(|_| bits.se()).collect::<Result<_, _>>()?;
            Ok(OrderType::Cycle { always_zero, non_reference, top_to_bottom, offsets })
        }
        2 => Ok(OrderType::Decoding),
        _ => bad(bits, "pic_order_cnt_type is over 2"),
    }
}

/// A width or height in macroblocks, coded as one less.
fn side(bits: &mut Bits<'_>) -> Result<u32, CodecError> {
    let side = bits.ue()?.saturating_add(1);
    if side > MAX_SIDE { Err(too_large()) } else { Ok(side) }
}

fn bounded(bits: &mut Bits<'_>, most: u8, what: &'static str) -> Result<u8, CodecError> {
    match u8::try_from(bits.ue()?) {
        Ok(value) if value <= most => Ok(value),
        _ => bad(bits, what),
    }
}

#[cold]
fn bad<T>(bits: &Bits<'_>, what: &'static str) -> Result<T, CodecError> {
    Err(CodecError::Malformed { offset: bits.position() / 8, what, spec: SPEC })
}

#[cold]
fn too_large() -> CodecError {
    CodecError::Limit { which: "macroblocks in a frame", limit: MAX_FRAME as usize }
}
