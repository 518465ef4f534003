use levada_media::{FrameFacts, Leading, RandomAccess, Slices};

use super::{Config, Obu, ObuKind, OperatingPoint, SequenceHeader, obus};
use crate::bits::{Bits, Overrun};
use crate::{Defect, Defects};

const KEY: u32 = 0;
const INTRA_ONLY: u32 = 2;
const SWITCH: u32 = 3;
/// `allFrames`: every reference slot.
const ALL: u8 = 0xFF;

/// What one track's frames need to be understood.
#[derive(Debug)]
pub(crate) struct FrameReader {
    sequence: Option<SequenceHeader>,
    /// What is in the reference slots.
    slots: [Slot; 8],
    /// The order of the last frame, for unwrapping the next hint.
    last_order: i32,
    defects: Defects,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    order: Option<i32>,
    key: bool,
}

/// What the header of one frame says, as far as it is of use.
struct Header {
    /// `show_existing_frame`: the slot that is shown.
    shows: Option<usize>,
    frame_type: u32,
    shown: bool,
    order_hint: u32,
    refresh: u8,
}

impl FrameReader {
    pub(crate) fn new(config: &[u8]) -> Self {
        let mut defects = Defects::default();
        let sequence = match Config::parse(config).and_then(|it| it.sequence_header()) {
            Ok(sequence) => sequence,
            Err(_) => {
                defects.insert(Defect::UnreadableConfig);
                None
            }
        };
        Self { sequence, slots: [Slot::default(); 8], last_order: 0, defects }
    }

    /// What a temporal unit says.
    pub(crate) fn inspect(&mut self, data: &[u8]) -> FrameFacts {
        let mut facts = FrameFacts::default();
        let mut first = true;
        let mut all_intra = true;
        let mut all_unused = true;
        for obu in obus(data) {
            let Ok(obu) = obu else {
                self.defects.insert(Defect::CutFrame);
                break;
            };
            match obu.kind {
                ObuKind::SEQUENCE_HEADER => {
                    match SequenceHeader::parse(obu.payload) {
                        Ok(sequence) => self.sequence = Some(sequence),
                        Err(_) => self.defects.insert(Defect::CutFrame),
                    }
                    facts.parameter_sets = true;
                }
                ObuKind::FRAME_HEADER | ObuKind::FRAME => {
                    let Some(header) = self.header(&obu) else { continue };
                    let is_key = header.shows.is_none() && header.frame_type == KEY;
                    if first && is_key && header.shown {
                        facts.random_access = RandomAccess::Instant;
                    }
                    first = false;
                    all_intra &=
                        header.shows.is_none() && (is_key || header.frame_type == INTRA_ONLY);
                    let order = self.refresh(&header);
                    if header.shown {
                        facts.order = order;
                    }
                    all_unused &= header.refresh == 0 && header.shows.is_none();
                }
                _ => {}
            }
        }
        if !first {
            facts.leading = Leading::No;
            facts.disposable = all_unused;
            if all_intra {
                facts.slices = Slices::I;
            }
        }
        if facts.random_access == RandomAccess::Instant && !facts.parameter_sets {
            self.defects.insert(Defect::KeyWithoutSequenceHeader);
        }
        facts
    }

    pub(crate) fn defects(&self) -> Defects {
        self.defects
    }

    fn header(&mut self, obu: &Obu<'_>) -> Option<Header> {
        let sequence = self.sequence.as_ref()?;
        // A layer that the first operating point does not take is not part of the picture (§7.18).
        let point = sequence.operating_points.first()?;
        if let Some(layer) = obu.layer
            && !takes(point, layer)
        {
            return None;
        }
        match Header::parse(&mut Bits::new(obu.payload), sequence, obu.layer.unwrap_or((0, 0))) {
            Ok(header) => Some(header),
            Err(Overrun(_)) => {
                self.defects.insert(Defect::CutFrame);
                None
            }
        }
    }

    /// Keeps up with the reference slots (§7.20, §7.21), and says which place in output order the frame has.
    fn refresh(&mut self, header: &Header) -> Option<i32> {
        if let Some(slot) = header.shows.and_then(|it| self.slots.get(it).copied()) {
            if slot.key {
                self.slots = [slot; 8];
            }
            return slot.order;
        }
        let hint_bits = self.sequence.as_ref().map_or(0, |it| it.tools.order_hint_bits);
        let is_key = header.frame_type == KEY;
        let order = (hint_bits > 0).then(|| {
            if is_key && header.shown {
                // A new beginning.
                header.order_hint.cast_signed()
            } else {
                let unwrapped = levada_media::unwrap(
                    self.last_order.into(),
                    header.order_hint.into(),
                    hint_bits,
                );
                i32::try_from(unwrapped).unwrap_or(0)
            }
        });
        self.last_order = order.unwrap_or(0);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if header.refresh >> index & 1 == 1 {
                *slot = Slot { order, key: is_key };
            }
        }
        order
    }
}

/// Whether an operating point takes this layer (§5.9.2, `inTemporalLayer`, `inSpatialLayer`).
fn takes(point: &OperatingPoint, (temporal, spatial): (u8, u8)) -> bool {
    let has = |bit: u8| point.layers >> bit & 1 == 1;
    point.layers == 0 || has(temporal) && has(spatial + 8)
}

impl Header {
    /// The beginning of `uncompressed_header` (§5.9.2).
    fn parse(
        bits: &mut Bits<'_>,
        sequence: &SequenceHeader,
        layer: (u8, u8),
    ) -> Result<Self, Overrun> {
        let tools = &sequence.tools;
        let (mut frame_type, mut shown, mut resilient) = (KEY, true, true);
        if !sequence.reduced_still_picture {
            if bits.flag()? {
                let slot = usize::try_from(bits.u(3)?).unwrap_or(0);
                let shows = Some(slot);
                return Ok(Self { shows, frame_type, shown, order_hint: 0, refresh: 0 });
            }
            frame_type = bits.u(2)?;
            shown = bits.flag()?;
            if shown {
                bits.u(tools.presentation_time_bits)?;
            } else {
                // showable_frame.
                bits.skip(1)?;
            }
            let always_resilient = frame_type == SWITCH || (frame_type == KEY && shown);
            resilient = always_resilient || bits.flag()?;
        }
        // disable_cdf_update.
        bits.skip(1)?;
        let screen_content = match tools.screen_content {
            Some(fixed) => fixed,
            None => bits.flag()?,
        };
        if screen_content && tools.integer_mv.is_none() {
            bits.skip(1)?;
        }
        bits.u(tools.frame_id_bits)?;
        if frame_type != SWITCH && !sequence.reduced_still_picture {
            // frame_size_override_flag.
            bits.skip(1)?;
        }
        let order_hint = bits.u(tools.order_hint_bits)?;
        if !(resilient || matches!(frame_type, KEY | INTRA_ONLY)) {
            // primary_ref_frame.
            bits.skip(3)?;
        }
        if let Some(time_bits) = tools.removal_time_bits
            && bits.flag()?
        {
            let points = sequence.operating_points.iter();
            for _ in points.filter(|it| it.has_decoder_model && takes(it, layer)) {
                bits.u(time_bits)?;
            }
        }
        let refreshes_all = frame_type == SWITCH || (frame_type == KEY && shown);
        let refresh = if refreshes_all { ALL } else { bits.u8()? };
        Ok(Self { shows: None, frame_type, shown, order_hint, refresh })
    }
}
