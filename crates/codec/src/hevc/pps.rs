use crate::bits::Bits;
use crate::{CodecError, nal};

const SPEC: &str = "H.265 §7.3.2.3.1";

/// Bytes of a picture parameter set up to the flags that matter here.
const HEAD: usize = 64;

/// A picture parameter set, as far as headers need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pps {
    /// `pps_pic_parameter_set_id`.
    pub id: u8,
    /// `pps_seq_parameter_set_id`.
    pub sps_id: u8,
    /// `dependent_slice_segments_enabled_flag`.
    pub dependent_slices: bool,
    /// `output_flag_present_flag`.
    pub output_flag: bool,
    /// `num_extra_slice_header_bits`.
    pub extra_bits: u8,
    /// `tiles_enabled_flag`.
    pub tiles: bool,
    /// `entropy_coding_sync_enabled_flag`: wavefronts.
    pub wavefronts: bool,
}

impl Pps {
    /// Parses a NAL unit, header included. Offsets in errors count its bytes without emulation prevention.
    pub fn parse(unit: &[u8]) -> Result<Self, CodecError> {
        if super::unit_type(unit) != Some(34) {
            let what = "not a picture parameter set";
            return Err(CodecError::Malformed { offset: 0, what, spec: SPEC });
        }
        let mut head = [0; HEAD + 8];
        let (len, _) = nal::unescape_into(unit, &mut head);
        parse(&mut Bits::padded(&head, len.min(HEAD))).map_err(|error| error.of(SPEC))
    }
}

fn parse(bits: &mut Bits<'_>) -> Result<Pps, CodecError> {
    bits.skip(16)?;
    let id = bounded(bits, 63, "pps_pic_parameter_set_id is over 63")?;
    let sps_id = bounded(bits, 15, "pps_seq_parameter_set_id is over 15")?;
    let dependent_slices = bits.flag()?;
    let output_flag = bits.flag()?;
    let extra_bits = bits.small(3)?;
    bits.skip(2)?; // sign_data_hiding_enabled_flag, cabac_init_present_flag
    bits.skip_codes(3)?; // reference counts, init_qp_minus26
    bits.skip(2)?; // constrained_intra_pred_flag, transform_skip_enabled_flag
    if bits.flag()? {
        bits.ue()?; // diff_cu_qp_delta_depth
    }
    bits.skip_codes(2)?; // pps_cb_qp_offset, pps_cr_qp_offset
    // pps_slice_chroma_qp_offsets_present_flag, weighted_pred_flag, weighted_bipred_flag,
    // transquant_bypass_enabled_flag
    bits.skip(4)?;
    let tiles = bits.flag()?;
    let wavefronts = bits.flag()?;
    Ok(Pps { id, sps_id, dependent_slices, output_flag, extra_bits, tiles, wavefronts })
}

fn bounded(bits: &mut Bits<'_>, most: u8, what: &'static str) -> Result<u8, CodecError> {
    match u8::try_from(bits.ue()?) {
        Ok(value) if value <= most => Ok(value),
        _ => Err(CodecError::Malformed { offset: bits.position() / 8, what, spec: SPEC }),
    }
}
