use levada_media::Colour;

use crate::bits::{Bits, Overrun};
use crate::vui::{aspect, chroma_location, overscan, video_signal};
use crate::{Defect, Defects};

/// Video usability information (annex E), as far as it could be read: a set that ends too early keeps what came
/// before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Vui {
    /// Width and height of a sample.
    pub pixel_aspect: Option<(u16, u16)>,
    /// Colour description.
    pub colour: Option<Colour>,
    /// The clock of the pictures.
    pub timing: Option<Timing>,
    /// The buffer model for the byte stream.
    pub nal_hrd: Option<Hrd>,
    /// The buffer model for the slices alone.
    pub vcl_hrd: Option<Hrd>,
    /// Whether picture timing messages tell how fields are to be shown.
    pub picture_structure: bool,
    /// What the encoder promises about its stream.
    pub restriction: Option<Restriction>,
}

/// The clock of the pictures. A tick is half a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// `num_units_in_tick`.
    pub units_in_tick: u32,
    /// `time_scale`.
    pub time_scale: u32,
    /// Whether all frames last two ticks.
    pub fixed: bool,
}

/// A hypothetical reference decoder (§E.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hrd {
    /// Of the first buffer, in bits a second.
    pub bit_rate: u64,
    /// Of the first buffer, in bits.
    pub buffer_size: u64,
    /// Whether the first buffer is filled at a constant rate.
    pub constant_rate: bool,
    /// Bits of `cpb_removal_delay`.
    pub removal_delay_bits: u8,
    /// Bits of `dpb_output_delay`.
    pub output_delay_bits: u8,
    /// Bits of `time_offset`.
    pub time_offset_bits: u8,
}

/// What the encoder promises about its stream (`bitstream_restriction_flag`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Restriction {
    /// `max_num_reorder_frames`.
    pub reorder: u8,
    /// `max_dec_frame_buffering`.
    pub buffering: u8,
}

pub(super) fn read(bits: &mut Bits<'_>, defects: &mut Defects) -> Vui {
    let mut vui = Vui::default();
    if fill(&mut vui, bits, defects).is_err() {
        defects.insert(Defect::CutParameterSet);
    }
    vui
}

fn fill(vui: &mut Vui, bits: &mut Bits<'_>, defects: &mut Defects) -> Result<(), Overrun> {
    vui.pixel_aspect = aspect(bits)?;
    overscan(bits)?;
    vui.colour = video_signal(bits)?;
    chroma_location(bits)?;
    if bits.flag()? {
        let (units_in_tick, time_scale) = (bits.u(32)?, bits.u(32)?);
        vui.timing = Some(Timing { units_in_tick, time_scale, fixed: bits.flag()? });
    }
    vui.nal_hrd = hrd(bits)?;
    vui.vcl_hrd = hrd(bits)?;
    if vui.nal_hrd.is_some() || vui.vcl_hrd.is_some() {
        bits.skip(1)?; // low_delay_hrd_flag
    }
    vui.picture_structure = bits.flag()?;
    if bits.flag()? {
        bits.skip(1)?; // motion_vectors_over_pic_boundaries_flag
        bits.skip_codes(4)?; // max_bytes_per_pic_denom to log2_max_mv_length_vertical
        // Over 16 there are no frames to reorder (§E.2.1, §A.3.1): the promise means nothing.
        match (u8::try_from(bits.ue()?), u8::try_from(bits.ue()?)) {
            (Ok(reorder), Ok(buffering)) if reorder <= buffering && buffering <= 16 => {
                vui.restriction = Some(Restriction { reorder, buffering });
            }
            _ => defects.insert(Defect::OutOfRange),
        }
    }
    Ok(())
}

/// A presence flag and what follows it.
fn hrd(bits: &mut Bits<'_>) -> Result<Option<Hrd>, Overrun> {
    if !bits.flag()? {
        return Ok(None);
    }
    let count = bits.ue()?;
    if count > 31 {
        return Err(bits.overrun()); // cpb_cnt_minus1 (§E.2.2): what follows cannot be found.
    }
    let scales = bits.u8()?;
    let bit_rate = (u64::from(bits.ue()?) + 1) << (6 + (scales >> 4));
    let buffer_size = (u64::from(bits.ue()?) + 1) << (4 + (scales & 15));
    let constant_rate = bits.flag()?;
    for _ in 0..count {
        bits.skip_codes(2)?;
        bits.skip(1)?;
    }
    bits.skip(5)?; // initial_cpb_removal_delay_length_minus1
    Ok(Some(Hrd {
        bit_rate,
        buffer_size,
        constant_rate,
        removal_delay_bits: bits.small(5)? + 1,
        output_delay_bits: bits.small(5)? + 1,
        time_offset_bits: bits.small(5)?,
    }))
}
