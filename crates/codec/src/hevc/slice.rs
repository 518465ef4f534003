use levada_media::Slices;

use super::{Pps, Sps};
use crate::bits::{Bits, Overrun};
use crate::nal;

/// What every slice segment header begins with, whatever the parameter sets say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Whether it begins a picture.
    pub(super) first: bool,
    pub(super) pps_id: u32,
}

/// A slice segment header (§7.3.6.1), as far as kind and order go.
#[derive(Clone, Copy, Debug)]
pub(super) struct SliceHeader {
    /// Unknown for segments that depend on the one before them.
    pub(super) kind: Slices,
    /// `slice_pic_order_cnt_lsb`.
    pub(super) order_bits: u32,
}

/// A slice segment header from the front, unescaped.
pub(super) struct SliceReader {
    head: [u8; 72],
    len: usize,
    unit_type: u8,
}

impl SliceReader {
    pub(super) fn new(unit: &[u8], unit_type: u8) -> Self {
        let mut head = [0; 72];
        // The part read here takes 24 bytes at most.
        let (len, _) = nal::unescape_into(unit, &mut head);
        Self { head, len: len.min(64), unit_type }
    }

    pub(super) fn head(&self) -> Result<Head, Overrun> {
        self.read_head(&mut Bits::padded(&self.head, self.len))
    }

    pub(super) fn header(&self, pps: &Pps, sps: &Sps) -> Result<SliceHeader, Overrun> {
        let bits = &mut Bits::padded(&self.head, self.len);
        let mut header = SliceHeader { kind: Slices::Unknown, order_bits: 0 };
        if !self.read_head(bits)?.first {
            let dependent = pps.dependent_slices && bits.flag()?;
            bits.u(sps.address_bits())?; // slice_segment_address
            if dependent {
                return Ok(header);
            }
        }
        bits.skip(pps.extra_bits.into())?;
        header.kind = match bits.ue()? {
            0 => Slices::B,
            1 => Slices::P,
            2 => Slices::I,
            _ => return Err(bits.overrun()),
        };
        if pps.output_flag {
            bits.skip(1)?;
        }
        if sps.separate_planes {
            bits.skip(2)?;
        }
        if !matches!(self.unit_type, 19 | 20) {
            header.order_bits = bits.u(sps.order_bits.into())?;
        }
        Ok(header)
    }

    fn read_head(&self, bits: &mut Bits<'_>) -> Result<Head, Overrun> {
        bits.skip(16)?;
        let first = bits.flag()?;
        if matches!(self.unit_type, 16..=23) {
            bits.skip(1)?; // no_output_of_prior_pics_flag
        }
        Ok(Head { first, pps_id: bits.ue()? })
    }
}
