use levada_media::Colour;

use crate::bits::{Bits, Overrun};
use crate::vui::{aspect, chroma_location, overscan, video_signal};

/// Video usability information (annex E), as far as it could be read: a set that ends too early keeps what came
/// before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Vui {
    /// Width and height of a sample.
    pub pixel_aspect: Option<(u16, u16)>,
    /// Colour description.
    pub colour: Option<Colour>,
    /// Whether each picture is a field.
    pub fields: bool,
    /// The clock of the pictures.
    pub timing: Option<Timing>,
    /// `min_spatial_segmentation_idc`.
    pub min_spatial_segmentation: u16,
}

/// The clock of the pictures. A tick is a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// `vui_num_units_in_tick`.
    pub units_in_tick: u32,
    /// `vui_time_scale`.
    pub time_scale: u32,
}

impl Timing {
    /// A presence flag and what follows it, up to the buffer model.
    pub(super) fn read(bits: &mut Bits<'_>) -> Result<Option<Self>, Overrun> {
        if !bits.flag()? {
            return Ok(None);
        }
        let timing = Self { units_in_tick: bits.u(32)?, time_scale: bits.u(32)? };
        if bits.flag()? {
            bits.ue()?; // num_ticks_poc_diff_one_minus1
        }
        Ok(Some(timing))
    }
}

/// Reads into `vui`. `Ok(false)` if what follows cannot be found.
pub(super) fn fill(vui: &mut Vui, bits: &mut Bits<'_>, sub_layers: u8) -> Result<bool, Overrun> {
    vui.pixel_aspect = aspect(bits)?;
    overscan(bits)?;
    vui.colour = video_signal(bits)?;
    chroma_location(bits)?;
    bits.skip(1)?; // neutral_chroma_indication_flag
    vui.fields = bits.flag()?;
    bits.skip(1)?; // frame_field_info_present_flag
    if bits.flag()? {
        bits.skip_codes(4)?; // default display window
    }
    vui.timing = Timing::read(bits)?;
    if vui.timing.is_some() && bits.flag()? && !skip_hrd(bits, sub_layers)? {
        return Ok(false);
    }
    if bits.flag()? {
        bits.skip(3)?; // tiles_fixed_structure_flag, motion_vectors_…, restricted_ref_pic_lists_flag
        // 4095 is the highest value (§E.3.1).
        vui.min_spatial_segmentation = u16::try_from(bits.ue()?).unwrap_or(4095).min(4095);
        bits.skip_codes(4)?;
    }
    Ok(true)
}

/// `hrd_parameters(1, sub_layers - 1)` (§E.2.2). `Ok(false)` if there are more buffers than can be.
fn skip_hrd(bits: &mut Bits<'_>, sub_layers: u8) -> Result<bool, Overrun> {
    let (nal, vcl) = (bits.flag()?, bits.flag()?);
    let mut sub_pictures = false;
    if nal || vcl {
        sub_pictures = bits.flag()?;
        bits.skip(if sub_pictures { 8 + 5 + 1 + 5 } else { 0 })?;
        bits.skip(4 + 4)?; // scales
        bits.skip(if sub_pictures { 4 } else { 0 })?;
        bits.skip(5 + 5 + 5)?; // lengths of delays
    }
    for _ in 0..sub_layers {
        // A rate that is fixed in general is fixed within the sequence.
        let fixed = bits.flag()? || bits.flag()?;
        let low_delay = if fixed { bits.ue().map(|_| false)? } else { bits.flag()? };
        let count = if low_delay { 0 } else { bits.ue()? };
        if count > 31 {
            return Ok(false);
        }
        for _ in 0..(u32::from(nal) + u32::from(vcl)) * (count + 1) {
            bits.skip_codes(if sub_pictures { 4 } else { 2 })?;
            bits.skip(1)?;
        }
    }
    Ok(true)
}
