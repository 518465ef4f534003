#[cfg(feature = "avc")]
use h264_reader::{
    Context,
    nal::{pps::PicParameterSet, sps},
    rbsp::BitReader,
};

#[cfg(feature = "avc")]
use super::{OrderType, Sps};
#[cfg(feature = "avc")]
use crate::{CodecError, nal};

/// Bytes of a picture parameter set. Twelve scaling lists come to less; only maps of slice groups can be longer,
/// which no encoder of the last twenty years has sent.
pub const MAX_PPS: usize = 4096;

/// A picture parameter set, as far as headers need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pps {
    /// `pic_parameter_set_id`.
    pub id: u8,
    /// `seq_parameter_set_id`.
    pub sps_id: u8,
    /// Whether slices are coded with CABAC.
    pub cabac: bool,
    /// `bottom_field_pic_order_in_frame_present_flag`.
    pub bottom_field_order: bool,
    /// Reference pictures in each of the two lists, unless a slice says otherwise.
    pub references: [u8; 2],
    /// Whether P slices are predicted with explicit weights.
    pub weighted: bool,
    /// `weighted_bipred_idc`: 1 for explicit weights in B slices.
    pub weighted_bipred: u8,
    /// `pic_init_qp_minus26` + 26.
    pub initial_qp: i8,
    /// `redundant_pic_cnt_present_flag`.
    pub redundant_pictures: bool,
    /// `transform_8x8_mode_flag`.
    pub transform_8x8: bool,
}

#[cfg(feature = "avc")]
impl Pps {
    /// Parses a NAL unit, header included, that refers to this sequence parameter set.
    pub fn parse(unit: &[u8], sps: &Sps) -> Result<Self, CodecError> {
        if unit.len() > MAX_PPS {
            let which = "bytes in a picture parameter set";
            return Err(CodecError::Limit { which, limit: MAX_PPS });
        }
        let rbsp = nal::unescape(nal::trim_zeros(unit));
        match rbsp.split_first() {
            Some((header, rbsp)) if header & 0x9F == 8 => parse(rbsp, sps).ok_or(MALFORMED),
            _ => Err(MALFORMED),
        }
    }
}

#[cfg(feature = "avc")]
const MALFORMED: CodecError = CodecError::Malformed {
    offset: 0,
    what: "not a picture parameter set, or not one of this sequence parameter set",
    spec: "H.264 §7.3.2.2",
};

#[cfg(feature = "avc")]
fn parse(rbsp: &[u8], sps: &Sps) -> Option<Pps> {
    let mut context = Context::new();
    context.put_seq_param_set(foreign(sps)?);
    let pps = PicParameterSet::from_bits(&context, BitReader::new(rbsp)).ok()?;
    Some(Pps {
        id: pps.pic_parameter_set_id.id(),
        sps_id: pps.seq_parameter_set_id.id(),
        cabac: pps.entropy_coding_mode_flag,
        bottom_field_order: pps.bottom_field_pic_order_in_frame_present_flag,
        references: [
            u8::try_from(pps.num_ref_idx_l0_default_active_minus1).ok()?.checked_add(1)?,
            u8::try_from(pps.num_ref_idx_l1_default_active_minus1).ok()?.checked_add(1)?,
        ],
        weighted: pps.weighted_pred_flag,
        weighted_bipred: pps.weighted_bipred_idc,
        initial_qp: i8::try_from(pps.pic_init_qp_minus26.checked_add(26)?).ok()?,
        redundant_pictures: pps.redundant_pic_cnt_present_flag,
        transform_8x8: pps.extension.is_some_and(|it| it.transform_8x8_mode_flag),
    })
}

/// What `h264-reader` has to know of a sequence parameter set to read a picture parameter set: the id, the size and
/// the chroma format. Made from ours, so that a set which it would refuse is good enough.
#[cfg(feature = "avc")]
fn foreign(sps: &Sps) -> Option<sps::SeqParameterSet> {
    Some(sps::SeqParameterSet {
        profile_idc: sps.profile.into(),
        constraint_flags: sps.constraints.into(),
        level_idc: sps.level,
        seq_parameter_set_id: sps::SeqParamSetId::from_u32(sps.id.into()).ok()?,
        chroma_info: sps::ChromaInfo {
            chroma_format: match sps.chroma_format {
                0 => sps::ChromaFormat::Monochrome,
                2 => sps::ChromaFormat::YUV422,
                3 => sps::ChromaFormat::YUV444,
                _ => sps::ChromaFormat::YUV420,
            },
            separate_colour_plane_flag: sps.separate_planes,
            bit_depth_luma_minus8: sps.bit_depth_luma.saturating_sub(8),
            bit_depth_chroma_minus8: sps.bit_depth_chroma.saturating_sub(8),
            qpprime_y_zero_transform_bypass_flag: false,
            scaling_matrix: None,
        },
        log2_max_frame_num_minus4: sps.frame_num_bits.saturating_sub(4),
        pic_order_cnt: match sps.order {
            OrderType::Bits(bits) => sps::PicOrderCntType::TypeZero {
                log2_max_pic_order_cnt_lsb_minus4: bits.saturating_sub(4),
            },
            // What a cycle holds is of no interest to a picture parameter set.
            OrderType::Cycle { .. } | OrderType::Decoding => sps::PicOrderCntType::TypeTwo,
        },
        max_num_ref_frames: sps.max_ref_frames.into(),
        gaps_in_frame_num_value_allowed_flag: sps.gaps_allowed,
        pic_width_in_mbs_minus1: sps.width_mbs.saturating_sub(1),
        pic_height_in_map_units_minus1: sps.height_map_units.saturating_sub(1),
        frame_mbs_flags: if sps.frames_only {
            sps::FrameMbsFlags::Frames
        } else {
            sps::FrameMbsFlags::Fields { mb_adaptive_frame_field_flag: false }
        },
        direct_8x8_inference_flag: true,
        frame_cropping: None,
        vui_parameters: None,
    })
}
