use levada_media::Slices;

use super::{OrderType, Pps, Sps};
use crate::bits::{Bits, Overrun};
use crate::nal;

/// Bytes of a slice in which its header ends, long lists of weights included: 64 references with three weights and
/// offsets of 9 bits each are 700 bytes.
const MAX_HEADER: usize = 1024;

/// What every slice header begins with, whatever the parameter sets say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Whether it begins a picture (if slices come in order).
    pub(super) first: bool,
    pub(super) kind: Slices,
    pub(super) pps_id: u32,
}

/// A slice header (§7.3.3), as far as order and marking go.
///
/// `h264-reader` reads whole headers. This stops where the facts end: behind that are only values for decoders, which
/// a stream may bend without harm to us, and on some of which `h264-reader` 0.9 overflows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct SliceHeader {
    pub(super) idr: bool,
    /// Whether other pictures may refer to it.
    pub(super) reference: bool,
    pub(super) frame_num: u32,
    pub(super) field: Field,
    /// `pic_order_cnt_lsb`.
    pub(super) order_bits: u32,
    /// `delta_pic_order_cnt_bottom`.
    pub(super) order_bottom: i32,
    /// `delta_pic_order_cnt`.
    pub(super) order_delta: [i32; 2],
    /// Whether it repeats a picture for the case that the first one is lost.
    pub(super) redundant: bool,
    /// Whether it forgets all references and begins to count anew: `memory_management_control_operation` 5.
    pub(super) resets: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Field {
    #[default]
    Frame,
    Top,
    Bottom,
}

/// The beginning of a slice without its escapes, and with eight bytes to spare for reading in whole words.
pub(super) struct Opening {
    bytes: [u8; 72],
    len: usize,
}

impl Opening {
    pub(super) fn of(unit: &[u8]) -> Self {
        let mut bytes = [0; 72];
        let (len, _) = nal::unescape_into(unit, &mut bytes);
        Self { bytes, len: len.min(64) }
    }

    fn bits(&self) -> Bits<'_> {
        Bits::padded(&self.bytes, self.len)
    }

    pub(super) fn head(&self) -> Option<Head> {
        let mut bits = self.bits();
        bits.skip(8).ok()?;
        Head::read(&mut bits).ok()?
    }

    /// The whole header of this unit: nearly all end within 64 bytes.
    pub(super) fn header(&self, unit: &[u8], pps: &Pps, sps: &Sps) -> Option<SliceHeader> {
        if let Ok(header) = read(&mut self.bits(), pps, sps) {
            return header;
        }
        let head = unit.get(..MAX_HEADER).unwrap_or(unit);
        read(&mut Bits::new(&nal::unescape(head)), pps, sps).ok()?
    }
}

impl Head {
    fn read(bits: &mut Bits<'_>) -> Result<Option<Self>, Overrun> {
        let first = bits.ue()? == 0;
        let kind = match bits.ue()? {
            0 | 5 | 3 | 8 => Slices::P,
            1 | 6 => Slices::B,
            2 | 7 | 4 | 9 => Slices::I,
            _ => return Ok(None),
        };
        Ok(Some(Self { first, kind, pps_id: bits.ue()? }))
    }
}

fn read(bits: &mut Bits<'_>, pps: &Pps, sps: &Sps) -> Result<Option<SliceHeader>, Overrun> {
    let unit_header = bits.u8()?;
    let Some(Head { kind, .. }) = Head::read(bits)? else { return Ok(None) };
    let mut slice = SliceHeader {
        idr: unit_header & 0x1F == 5,
        reference: unit_header & 0x60 != 0,
        ..SliceHeader::default()
    };
    if sps.separate_planes {
        bits.skip(2)?; // colour_plane_id
    }
    slice.frame_num = bits.u(sps.frame_num_bits.into())?;
    if !sps.frames_only && bits.flag()? {
        slice.field = if bits.flag()? { Field::Bottom } else { Field::Top };
    }
    if slice.idr {
        bits.ue()?; // idr_pic_id
    }
    let bottom = pps.bottom_field_order && slice.field == Field::Frame;
    match sps.order {
        OrderType::Bits(count) => {
            slice.order_bits = bits.u(count.into())?;
            if bottom {
                slice.order_bottom = bits.se()?;
            }
        }
        OrderType::Cycle { always_zero: false, .. } => {
            slice.order_delta = [bits.se()?, if bottom { bits.se()? } else { 0 }];
        }
        OrderType::Cycle { .. } | OrderType::Decoding => {}
    }
    slice.redundant = pps.redundant_pictures && bits.ue()? > 0;
    if slice.reference && !slice.idr {
        let lists = reference_lists(bits, pps, kind)?;
        if !skip_list_changes(bits, kind)? {
            return Ok(None);
        }
        let weights = match kind {
            Slices::P => pps.weighted,
            _ => pps.weighted_bipred == 1,
        };
        if weights {
            let has_chroma = sps.chroma_format != 0 && !sps.separate_planes;
            skip_weights(bits, lists, has_chroma)?;
        }
        match resets(bits)? {
            Some(resets) => slice.resets = resets,
            None => return Ok(None),
        }
    }
    Ok(Some(slice))
}

/// How many references each of the two lists has.
fn reference_lists(bits: &mut Bits<'_>, pps: &Pps, kind: Slices) -> Result<[u32; 2], Overrun> {
    let lists = match kind {
        Slices::P => 1,
        Slices::B => 2,
        _ => return Ok([0, 0]),
    };
    if kind == Slices::B {
        bits.skip(1)?; // direct_spatial_mv_pred_flag
    }
    let mut counts = pps.references.map(u32::from);
    let changed = bits.flag()?; // num_ref_idx_active_override_flag
    for (index, count) in counts.iter_mut().enumerate() {
        if index >= lists {
            *count = 0;
        } else if changed {
            *count = bits.ue()?.saturating_add(1);
        }
    }
    Ok(counts)
}

/// `ref_pic_list_modification` (§7.3.3.1). False if it is not one.
fn skip_list_changes(bits: &mut Bits<'_>, kind: Slices) -> Result<bool, Overrun> {
    let lists = match kind {
        Slices::P => 1,
        Slices::B => 2,
        _ => 0,
    };
    for _ in 0..lists {
        if !bits.flag()? {
            continue;
        }
        loop {
            match bits.ue()? {
                0..=2 => bits.ue()?,
                3 => break,
                _ => return Ok(false),
            };
        }
    }
    Ok(true)
}

/// `pred_weight_table` (§7.3.3.2).
fn skip_weights(bits: &mut Bits<'_>, lists: [u32; 2], has_chroma: bool) -> Result<(), Overrun> {
    bits.ue()?; // luma_log2_weight_denom
    if has_chroma {
        bits.ue()?; // chroma_log2_weight_denom
    }
    for count in lists {
        // Each takes a bit at least: the end of the data ends this loop.
        for _ in 0..count {
            let luma = if bits.flag()? { 2 } else { 0 };
            bits.skip_codes(luma)?;
            let chroma = if has_chroma && bits.flag()? { 4 } else { 0 };
            bits.skip_codes(chroma)?;
        }
    }
    Ok(())
}

/// `dec_ref_pic_marking` (§7.3.3.3) of a picture that is not IDR: whether it forgets all references. `None` if it is
/// not one.
fn resets(bits: &mut Bits<'_>) -> Result<Option<bool>, Overrun> {
    if !bits.flag()? {
        return Ok(Some(false));
    }
    let mut resets = false;
    loop {
        match bits.ue()? {
            0 => return Ok(Some(resets)),
            3 => bits.skip_codes(2)?,
            1 | 2 | 4 | 6 => bits.skip_codes(1)?,
            5 => resets = true,
            _ => return Ok(None),
        }
    }
}
