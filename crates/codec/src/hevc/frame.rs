use bytes::Bytes;
use levada_media::{FrameFacts, Hdr, Leading, RandomAccess, Slices};

use super::order::OrderCounter;
use super::sets::ParameterSets;
use super::slice::SliceReader;
use super::{Config, unit_type};
use crate::bits::Overrun;
use crate::{Defect, Defects, nal, sei};

/// Reads the headers of one track's frames.
#[derive(Debug)]
pub(crate) struct FrameReader {
    length_size: u8,
    sets: ParameterSets,
    /// Whether frames brought parameter sets that the configuration record does not have.
    changed: bool,
    order: OrderCounter,
    /// Whether the next picture begins a coded sequence: at the start, and behind an end of sequence.
    restarts: bool,
    hdr: Option<Hdr>,
    defects: Defects,
}

/// What the units of one frame have said so far.
#[derive(Debug, Default)]
struct Seen {
    facts: FrameFacts,
    /// The type of the slices, once there was one.
    unit_type: Option<u8>,
    recovery: Option<u16>,
}

impl FrameReader {
    pub(crate) fn new(config: &[u8]) -> Self {
        let mut defects = Defects::default();
        let mut length_size = 4;
        let mut sets = ParameterSets::empty();
        let mut hdr = None;
        // Without a record the frames bring what is needed.
        if !config.is_empty() {
            match Config::parse(config) {
                Ok(config) => {
                    defects.extend(config.defects);
                    length_size = config.length_size;
                    sets = ParameterSets::of(&config, &mut defects);
                    hdr = config.hdr();
                }
                Err(_) => defects.insert(Defect::UnreadableConfig),
            }
        }
        let order = OrderCounter::default();
        Self { length_size, sets, changed: false, order, restarts: true, hdr, defects }
    }

    pub(crate) fn inspect(&mut self, data: &[u8]) -> FrameFacts {
        let mut seen = Seen::default();
        nal::units_or_defects(data, self.length_size, |it| match it {
            Ok(unit) => self.unit(unit, &mut seen),
            Err(defect) => self.defects.insert(defect),
        });
        if seen.unit_type.is_none() {
            self.defects.insert(Defect::NoPicture);
        }
        seen.facts()
    }

    pub(crate) fn defects(&self) -> Defects {
        self.defects
    }

    pub(crate) fn hdr(&self) -> Option<Hdr> {
        self.hdr
    }

    pub(crate) fn take_config(&mut self) -> Option<Bytes> {
        if core::mem::take(&mut self.changed) { self.sets.config() } else { None }
    }

    fn unit(&mut self, unit: &[u8], seen: &mut Seen) {
        match unit_type(unit) {
            Some(kind @ (0..=9 | 16..=23)) => {
                self.slice(unit, kind, seen)
                    .unwrap_or_else(|_| self.defects.insert(Defect::UnreadableSlice));
            }
            Some(32..=34) => {
                seen.facts.parameter_sets = true;
                self.changed |= self.sets.put(unit, &mut self.defects);
            }
            Some(36 | 37) => self.restarts = true,
            Some(39 | 40) => self.messages(unit, seen),
            // Other layers are none of ours, broken units are.
            None if !is_other_layer(unit) => self.defects.insert(Defect::InvalidUnit),
            _ => {}
        }
    }

    fn slice(&mut self, unit: &[u8], kind: u8, seen: &mut Seen) -> Result<(), Overrun> {
        let begins = seen.unit_type.is_none();
        seen.unit_type.get_or_insert(kind);
        let reader = SliceReader::new(unit, kind);
        let head = reader.head()?;
        let Some((pps, sps)) = self.sets.of_slice(head.pps_id) else {
            self.defects.insert(Defect::MissingParameterSet);
            return Ok(());
        };
        let slice = reader.header(pps, sps)?;
        seen.facts.slices = crate::avc::joined(seen.facts.slices, slice.kind);
        if !head.first && !begins {
            return Ok(());
        }
        let temporal_id = unit.get(1).map_or(0, |it| (it & 7).saturating_sub(1));
        let sub_layer_reference = !matches!(kind, 0..=14 if kind.is_multiple_of(2));
        // Pictures that others do not refer to are those of the highest sub-layer only.
        seen.facts.disposable = !sub_layer_reference && temporal_id + 1 >= sps.sub_layers;
        let restarts = matches!(kind, 16..=23) && core::mem::take(&mut self.restarts)
            || matches!(kind, 16..=20);
        let counts = temporal_id == 0 && sub_layer_reference && !matches!(kind, 6..=9);
        let order = self.order.next(kind, slice.order_bits, sps.order_bits, restarts, counts);
        seen.facts.order = Some(order);
        Ok(())
    }

    fn messages(&mut self, unit: &[u8], seen: &mut Seen) {
        let rbsp = nal::unescape(unit.get(2..).unwrap_or_default());
        for message in sei::messages(&rbsp) {
            let Ok(message) = message else { return self.defects.insert(Defect::CutMessage) };
            match message.kind {
                sei::REGISTERED => {
                    seen.facts.captions |= sei::captions(message.payload).any(|it| it.valid);
                }
                sei::RECOVERY_POINT => {
                    if let Ok(point) = sei::RecoveryPoint::parse_hevc(message.payload) {
                        seen.recovery =
                            Some(u16::try_from(point.frames.max(0)).unwrap_or(u16::MAX));
                    }
                }
                sei::MASTERING_DISPLAY | sei::CONTENT_LIGHT => {
                    sei::read_hdr(message, self.hdr.get_or_insert_default());
                }
                _ => {}
            }
        }
    }
}

impl Seen {
    fn facts(mut self) -> FrameFacts {
        let Some(unit_type) = self.unit_type else { return self.facts };
        self.facts.leading = match unit_type {
            6 | 7 => Leading::Decodable,
            8 | 9 => Leading::Undecodable,
            _ => Leading::No,
        };
        self.facts.random_access = match (unit_type, self.recovery) {
            // BLA and IDR, then CRA and what is reserved for the like (table 7-1).
            (16..=20, _) => RandomAccess::Instant,
            (21..=23, _) => RandomAccess::Recovery(0),
            (_, Some(frames)) => RandomAccess::Recovery(frames),
            _ if self.facts.slices == Slices::I => RandomAccess::Intra,
            _ => RandomAccess::No,
        };
        self.facts
    }
}

fn is_other_layer(unit: &[u8]) -> bool {
    matches!(unit, [first, second, ..] if first & 0x80 == 0 && (first & 1 != 0 || second & 0xF8 != 0))
}
