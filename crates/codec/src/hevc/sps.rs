use levada_media::Colour;

use super::ProfileTierLevel;
use super::references::skip_sets;
use super::vui::{self, Vui};
use crate::bits::{Bits, Overrun};
use crate::vui::rate;
use crate::{CodecError, Defect, Defects, nal};

/// Bytes of a sequence parameter set. All its lists at their longest come to less.
pub const MAX_SPS: usize = 8192;

/// Luma samples in a picture, and along each of its sides: those of level 6.2 (§A.4.1).
pub const MAX_FRAME: u32 = 35_651_584;
const MAX_SIDE: u32 = 16_888;

const SPEC: &str = "H.265 §7.3.2.2.1";

/// A sequence parameter set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sps {
    /// `sps_seq_parameter_set_id`.
    pub id: u8,
    /// `sps_video_parameter_set_id`.
    pub vps_id: u8,
    /// Temporal sub-layers, 1 to 7.
    pub sub_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub nested: bool,
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Whether the three colour planes of 4:4:4 are coded apart.
    pub separate_planes: bool,
    /// Width and height of coded pictures in luma samples.
    pub coded: (u32, u32),
    /// Conformance window: what is cut off at the left, right, top and bottom, in chroma samples.
    pub window: [u32; 4],
    /// Bits a luma sample.
    pub bit_depth_luma: u8,
    /// Bits a chroma sample.
    pub bit_depth_chroma: u8,
    /// Bits of `slice_pic_order_cnt_lsb`.
    pub order_bits: u8,
    /// `sps_max_num_reorder_pics` of the highest sub-layer.
    pub reorder: u8,
    /// `sps_max_dec_pic_buffering_minus1` of the highest sub-layer, plus 1.
    pub buffering: u8,
    /// Side of a coding tree block, as a power of two.
    pub block_bits: u8,
    /// Video usability information, as far as it can be read.
    pub vui: Option<Vui>,
    /// What had to be tolerated.
    pub defects: Defects,
}

impl Sps {
    /// Parses a NAL unit, header included. Offsets in errors count its bytes without emulation prevention.
    ///
    /// Defects behind what slices need are tolerated and told in [`defects`](Self::defects).
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
        let [left, right, ..] = self.window;
        self.coded.0 - self.window_unit().0 * (left + right)
    }

    /// Visible height in luma samples.
    pub fn height(&self) -> u32 {
        let [.., top, bottom] = self.window;
        self.coded.1 - self.window_unit().1 * (top + bottom)
    }

    /// Pictures a second as a fraction, where the set tells it.
    pub fn frame_rate(&self) -> Option<(u32, u32)> {
        let timing = self.vui.as_ref()?.timing?;
        rate(timing.time_scale, timing.units_in_tick.into())
    }

    /// The colour description.
    pub fn colour(&self) -> Option<Colour> {
        self.vui.as_ref()?.colour
    }

    /// Bits of a slice's address.
    pub(super) fn address_bits(&self) -> u32 {
        let blocks = |side: u32| (u64::from(side) + (1 << self.block_bits) - 1) >> self.block_bits;
        // Ceil(Log2(PicSizeInCtbsY)) (§7.4.7.1)
        let last = (blocks(self.coded.0) * blocks(self.coded.1)).saturating_sub(1);
        u64::BITS - last.leading_zeros()
    }

    /// `SubWidthC` and `SubHeightC` (table 6-1).
    fn window_unit(&self) -> (u32, u32) {
        match self.chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        }
    }

    fn check_window(&self) -> bool {
        let [left, right, top, bottom] = self.window.map(u64::from);
        let (x, y) = self.window_unit();
        u64::from(x) * (left + right) < self.coded.0.into()
            && u64::from(y) * (top + bottom) < self.coded.1.into()
    }
}

fn parse(bits: &mut Bits<'_>) -> Result<Sps, CodecError> {
    // forbidden_zero_bit 0, nal_unit_type 33, nuh_layer_id 0 (§7.3.1.2)
    if bits.u(13)? != 33 << 6 {
        return bad(bits, "not a sequence parameter set");
    }
    bits.skip(3)?; // nuh_temporal_id_plus1
    let vps_id = bits.small(4)?;
    let sub_layers = sub_layers(bits)?;
    let nested = bits.flag()?;
    let profile = ProfileTierLevel::read(bits, sub_layers)?;
    let id = bounded(bits, 15, "sps_seq_parameter_set_id is over 15")?;
    let chroma_format = bounded(bits, 3, "chroma_format_idc is over 3")?;
    let separate_planes = chroma_format == 3 && bits.flag()?;
    let coded = (side(bits)?, side(bits)?);
    if coded.0 * coded.1 > MAX_FRAME {
        return Err(too_large());
    }
    let window =
        if bits.flag()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
    let bit_depth_luma = 8 + bounded(bits, 8, "bit_depth_luma_minus8 is over 8")?;
    let bit_depth_chroma = 8 + bounded(bits, 8, "bit_depth_chroma_minus8 is over 8")?;
    let what = "log2_max_pic_order_cnt_lsb_minus4 is over 12";
    let order_bits = 4 + bounded(bits, 12, what)?;
    let described = if bits.flag()? { sub_layers } else { 1 };
    let (mut buffering, mut reorder) = (0, 0);
    for _ in 0..described {
        buffering = 1 + bounded(bits, 15, "sps_max_dec_pic_buffering_minus1 is over 15")?;
        reorder = bounded(bits, 15, "sps_max_num_reorder_pics is over 15")?;
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    let min_bits = 3 + bounded(bits, 3, "log2_min_luma_coding_block_size_minus3 is over 3")?;
    let block_bits =
        min_bits + bounded(bits, 3, "log2_diff_max_min_luma_coding_block_size is over 3")?;
    let mut sps = Sps {
        id,
        vps_id,
        sub_layers,
        nested,
        profile,
        chroma_format,
        separate_planes,
        coded,
        window,
        bit_depth_luma,
        bit_depth_chroma,
        order_bits,
        reorder,
        buffering,
        block_bits,
        vui: None,
        defects: Defects::default(),
    };
    if !sps.check_window() {
        return bad(bits, "the conformance window leaves no picture");
    }
    // What follows does not change how slices are read. A set that is cut here is told and tolerated.
    match tail(bits, &mut sps) {
        Ok(()) if bits.at_trailing_bits() => {}
        Ok(()) => sps.defects.insert(Defect::JunkAfterParameterSet),
        Err(Fault::Cut) => sps.defects.insert(Defect::CutParameterSet),
        Err(Fault::Bad(what)) => return bad(bits, what),
    }
    Ok(sps)
}

/// Why the end of a set cannot be read.
enum Fault {
    Cut,
    Bad(&'static str),
}

impl From<Overrun> for Fault {
    fn from(_: Overrun) -> Self {
        Self::Cut
    }
}

/// From the transform block sizes on.
fn tail(bits: &mut Bits<'_>, sps: &mut Sps) -> Result<(), Fault> {
    bits.skip_codes(4)?;
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag()? {
        bits.skip(4 + 4)?;
        bits.skip_codes(2)?;
        bits.skip(1)?;
    }
    let sets = bits.ue()?;
    if sets > 64 {
        return Err(Fault::Bad("num_short_term_ref_pic_sets is over 64"));
    }
    if skip_sets(bits, sets)?.is_none() {
        return Err(Fault::Bad("a reference picture set names more than 16 pictures"));
    }
    if bits.flag()? {
        let long_term = bits.ue()?;
        if long_term > 32 {
            return Err(Fault::Bad("num_long_term_ref_pics_sps is over 32"));
        }
        for _ in 0..long_term {
            bits.skip(usize::from(sps.order_bits) + 1)?;
        }
    }
    bits.skip(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.flag()? {
        let vui = sps.vui.get_or_insert_default();
        if !vui::fill(vui, bits, sps.sub_layers)? {
            return Err(Fault::Bad("cpb_cnt_minus1 is over 31"));
        }
    }
    if bits.flag()? {
        // Extensions: nothing here needs them, and nothing follows them.
        bits.skip(bits.remaining().saturating_sub(8))?;
        while !bits.at_trailing_bits() {
            bits.skip(1)?;
        }
    }
    Ok(())
}

/// `scaling_list_data` (§7.3.4).
fn skip_scaling_lists(bits: &mut Bits<'_>) -> Result<(), Overrun> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.ue()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            bits.skip_codes(64.min(1 << (4 + 2 * size)) + usize::from(size > 1))?;
        }
    }
    Ok(())
}

/// A field of three bits, `max_sub_layers_minus1`.
pub(super) fn sub_layers(bits: &mut Bits<'_>) -> Result<u8, CodecError> {
    match bits.small(3)? {
        7 => bad(bits, "max_sub_layers_minus1 is 7"),
        less => Ok(less + 1),
    }
}

/// A width or height in luma samples.
fn side(bits: &mut Bits<'_>) -> Result<u32, CodecError> {
    match bits.ue()? {
        0 => bad(bits, "a side of a picture is 0"),
        side if side > MAX_SIDE => Err(too_large()),
        side => Ok(side),
    }
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
    CodecError::Limit { which: "luma samples in a picture", limit: MAX_FRAME as usize }
}
