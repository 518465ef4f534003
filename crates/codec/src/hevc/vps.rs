use super::ProfileTierLevel;
use super::vui::Timing;
use crate::bits::Bits;
use crate::{CodecError, nal};

const SPEC: &str = "H.265 §7.3.2.1";

/// A video parameter set, as far as one layer goes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Vps {
    /// `vps_video_parameter_set_id`.
    pub id: u8,
    /// Temporal sub-layers, 1 to 7.
    pub sub_layers: u8,
    /// `vps_temporal_id_nesting_flag`.
    pub nested: bool,
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// The clock of the pictures.
    pub timing: Option<Timing>,
}

impl Vps {
    /// Parses a NAL unit, header included. Offsets in errors count its bytes without emulation prevention.
    pub fn parse(unit: &[u8]) -> Result<Self, CodecError> {
        if super::unit_type(unit) != Some(32) {
            let what = "not a video parameter set";
            return Err(CodecError::Malformed { offset: 0, what, spec: SPEC });
        }
        // The flags of the layer sets can be longer; a packager does not need what follows them.
        let head = unit.get(..super::MAX_SPS).unwrap_or(unit);
        parse(&mut Bits::new(&nal::unescape(head))).map_err(|error| error.of(SPEC))
    }
}

fn parse(bits: &mut Bits<'_>) -> Result<Vps, CodecError> {
    bits.skip(16)?;
    let id = bits.small(4)?;
    bits.skip(2 + 6)?; // base layer flags, vps_max_layers_minus1
    let sub_layers = super::sps::sub_layers(bits)?;
    let nested = bits.flag()?;
    bits.skip(16)?; // vps_reserved_0xffff_16bits
    let profile = ProfileTierLevel::read(bits, sub_layers)?;
    let described = if bits.flag()? { sub_layers } else { 1 };
    for _ in 0..described {
        bits.skip_codes(3)?;
    }
    let layers = bits.small(6)?;
    let layer_sets = bits.ue()?;
    if layer_sets > 1023 {
        let what = "vps_num_layer_sets_minus1 is over 1023";
        return Err(CodecError::Malformed { offset: bits.position() / 8, what, spec: SPEC });
    }
    for _ in 0..layer_sets {
        bits.skip(usize::from(layers) + 1)?;
    }
    let timing = Timing::read(bits)?;
    Ok(Vps { id, sub_layers, nested, profile, timing })
}
