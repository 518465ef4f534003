//! What the video usability information of H.264 (annex E) and H.265 (annex E) has in common.

use levada_media::Colour;

use crate::bits::{Bits, Overrun};

/// Sample aspect ratios by `aspect_ratio_idc` (H.264 table E-1, H.265 table E.1).
const ASPECTS: [(u16, u16); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// `aspect_ratio_info_present_flag` and what follows it.
#[inline]
pub(crate) fn aspect(bits: &mut Bits<'_>) -> Result<Option<(u16, u16)>, Overrun> {
    if !bits.flag()? {
        return Ok(None);
    }
    let ratio = match bits.u8()? {
        255 => (bits.u16()?, bits.u16()?),
        idc => ASPECTS.get(usize::from(idc)).copied().unwrap_or_default(),
    };
    Ok((ratio.0 != 0 && ratio.1 != 0).then_some(ratio))
}

/// `overscan_info_present_flag` and what follows it.
#[inline]
pub(crate) fn overscan(bits: &mut Bits<'_>) -> Result<Option<bool>, Overrun> {
    if bits.flag()? { bits.flag().map(Some) } else { Ok(None) }
}

/// `video_signal_type_present_flag` and what follows it.
#[inline]
pub(crate) fn video_signal(bits: &mut Bits<'_>) -> Result<Option<Colour>, Overrun> {
    if !bits.flag()? {
        return Ok(None);
    }
    bits.skip(3)?; // video_format: PAL, NTSC …, of interest to nobody today.
    let full_range = bits.flag()?;
    let mut colour = Colour { primaries: 2, transfer: 2, matrix: 2, full_range };
    if bits.flag()? {
        colour.primaries = bits.u8()?;
        colour.transfer = bits.u8()?;
        colour.matrix = bits.u8()?;
    }
    Ok(Some(colour))
}

/// `chroma_loc_info_present_flag` and what follows it: the kinds for the top and the bottom field.
#[inline]
pub(crate) fn chroma_location(bits: &mut Bits<'_>) -> Result<Option<(u32, u32)>, Overrun> {
    if bits.flag()? { Ok(Some((bits.ue()?, bits.ue()?))) } else { Ok(None) }
}

/// A fraction in its lowest terms; `None` if it has no meaning as a rate.
pub(crate) fn rate(numerator: u32, denominator: u64) -> Option<(u32, u32)> {
    if numerator == 0 || denominator == 0 {
        return None;
    }
    let (mut a, mut b) = (u64::from(numerator), denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let lowest = |it: u64| u32::try_from(it / a).ok();
    Some((lowest(numerator.into())?, lowest(denominator)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_in_lowest_terms() {
        assert_eq!(rate(50, 2), Some((25, 1)));
        assert_eq!(rate(60_000, 2002), Some((30_000, 1001)));
        assert_eq!(rate(u32::MAX, 2 * u64::from(u32::MAX)), Some((1, 2)));
        assert_eq!(rate(1, 2 * u64::from(u32::MAX)), None);
        assert_eq!((rate(0, 1), rate(1, 0)), (None, None));
    }
}
