use alloc::vec::Vec;

use super::Sps;
use crate::CodecError;
use crate::bits::{Bits, Overrun};

/// A picture timing message (§D.1.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PictureTiming {
    /// `cpb_removal_delay` and `dpb_output_delay`, if the stream has a buffer model.
    pub delays: Option<(u32, u32)>,
    /// `pic_struct`: 0 a frame, 1 and 2 a field, 3 to 6 its fields in order, 7 and 8 the frame twice and thrice.
    pub structure: Option<u8>,
    /// The time codes of the fields or frames.
    pub timestamps: Vec<ClockTimestamp>,
}

/// A time code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClockTimestamp {
    /// `counting_type`: 4 is drop-frame counting.
    pub counting: u8,
    /// `discontinuity_flag`.
    pub discontinuity: bool,
    /// `cnt_dropped_flag`.
    pub dropped: bool,
    /// `n_frames`.
    pub frames: u8,
    /// Seconds, if told. What is not told is as before.
    pub seconds: Option<u8>,
    /// Minutes, if told.
    pub minutes: Option<u8>,
    /// Hours, if told.
    pub hours: Option<u8>,
}

impl PictureTiming {
    /// Parses the payload of a [`PICTURE_TIMING`](crate::sei::PICTURE_TIMING) message.
    pub fn parse(payload: &[u8], sps: &Sps) -> Result<Self, CodecError> {
        let mut bits = Bits::new(payload);
        read(&mut bits, sps).map_err(|it| CodecError::from(it).of("H.264 §D.1.3"))
    }
}

fn read(bits: &mut Bits<'_>, sps: &Sps) -> Result<PictureTiming, Overrun> {
    let vui = sps.vui.unwrap_or_default();
    let hrd = vui.nal_hrd.or(vui.vcl_hrd);
    let delays = match hrd {
        Some(hrd) => {
            Some((bits.u(hrd.removal_delay_bits.into())?, bits.u(hrd.output_delay_bits.into())?))
        }
        None => None,
    };
    let mut timing = PictureTiming { delays, structure: None, timestamps: Vec::new() };
    if vui.picture_structure {
        let structure = bits.u(4)?;
        timing.structure = u8::try_from(structure).ok();
        // NumClockTS (table D-1)
        let clocks = match structure {
            0..=2 => 1,
            3 | 4 | 7 => 2,
            5 | 6 | 8 => 3,
            _ => 0,
        };
        // Without a buffer model the offset has 24 bits (§E.2.2).
        let offset_bits = hrd.map_or(24, |it| it.time_offset_bits);
        for _ in 0..clocks {
            if bits.flag()? {
                timing.timestamps.push(clock(bits, offset_bits)?);
            }
        }
    }
    Ok(timing)
}

fn clock(bits: &mut Bits<'_>, offset_bits: u8) -> Result<ClockTimestamp, Overrun> {
    bits.skip(3)?; // ct_type, nuit_field_based_flag
    let counting = bits.small(5)?;
    let full = bits.flag()?;
    let discontinuity = bits.flag()?;
    let dropped = bits.flag()?;
    let frames = bits.u8()?;
    // Either all three, or each behind a flag that asks for the next.
    let mut next = |more: bool, count| {
        if more && (full || bits.flag()?) { bits.small(count).map(Some) } else { Ok(None) }
    };
    let seconds = next(true, 6)?;
    let minutes = next(seconds.is_some(), 6)?;
    let hours = next(minutes.is_some(), 5)?;
    bits.skip(offset_bits.into())?;
    Ok(ClockTimestamp { counting, discontinuity, dropped, frames, seconds, minutes, hours })
}
