use bytes::Bytes;
use levada_media::{FrameFacts, Hdr, RandomAccess, Slices};

use super::order::OrderCounter;
use super::sets::ParameterSets;
use super::slice::Opening;
use super::{Config, unit_type};
use crate::{Defect, Defects, nal, sei};

/// Reads the headers of one track's frames.
#[derive(Debug)]
pub(crate) struct FrameReader {
    length_size: u8,
    sets: ParameterSets,
    /// Whether frames brought parameter sets that the configuration record does not have.
    changed: bool,
    order: OrderCounter,
    hdr: Option<Hdr>,
    defects: Defects,
}

/// What the units of one frame have said so far.
#[derive(Debug, Default)]
struct Seen {
    facts: FrameFacts,
    slices: u32,
    idr: bool,
    recovery: Option<u16>,
    /// Whether a unit was one that others refer to.
    reference: bool,
}

impl FrameReader {
    pub(crate) fn new(config: &[u8]) -> Self {
        let mut defects = Defects::default();
        let mut length_size = 4;
        let mut sets = ParameterSets::empty();
        // Without a record the frames bring what is needed.
        if !config.is_empty() {
            match Config::parse(config) {
                Ok(config) => {
                    defects.extend(config.defects);
                    length_size = config.length_size;
                    sets = ParameterSets::of(&config, &mut defects);
                }
                Err(_) => defects.insert(Defect::UnreadableConfig),
            }
        }
        Self {
            length_size,
            sets,
            changed: false,
            order: OrderCounter::default(),
            hdr: None,
            defects,
        }
    }

    pub(crate) fn inspect(&mut self, data: &[u8]) -> FrameFacts {
        let mut seen = Seen::default();
        nal::units_or_defects(data, self.length_size, |it| match it {
            Ok(unit) => self.unit(unit, &mut seen),
            Err(defect) => self.defects.insert(defect),
        });
        if seen.slices == 0 {
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
            Some(1 | 2 | 5) => self.slice(unit, seen),
            Some(6) => self.messages(unit, seen),
            Some(7 | 8) => {
                seen.facts.parameter_sets = true;
                self.changed |= self.sets.put(unit, &mut self.defects);
            }
            None | Some(0 | 24..) => self.defects.insert(Defect::InvalidUnit),
            _ => {}
        }
    }

    fn slice(&mut self, unit: &[u8], seen: &mut Seen) {
        let opening = Opening::of(unit);
        let Some(head) = opening.head() else {
            return self.defects.insert(Defect::UnreadableSlice);
        };
        let begins = head.first || seen.slices == 0;
        seen.slices += 1;
        if seen.slices == 1 {
            seen.idr = unit_type(unit) == Some(5);
        }
        seen.reference |= unit.first().is_some_and(|it| it & 0x60 != 0);
        seen.facts.slices = joined(seen.facts.slices, head.kind);
        if !begins {
            return;
        }
        let Some((pps, sps)) = self.sets.of_slice(head.pps_id) else {
            if cfg!(feature = "avc") {
                self.defects.insert(Defect::MissingParameterSet);
            }
            return;
        };
        match opening.header(unit, pps, sps) {
            Some(slice) if slice.redundant => {}
            Some(slice) => {
                let order = self.order.next(&slice, sps);
                // Of two fields the one that is shown first.
                seen.facts.order = Some(seen.facts.order.map_or(order, |it| it.min(order)));
            }
            None => self.defects.insert(Defect::UnreadableSlice),
        }
    }

    fn messages(&mut self, unit: &[u8], seen: &mut Seen) {
        let rbsp = nal::unescape(unit.get(1..).unwrap_or_default());
        for message in sei::messages(&rbsp) {
            let Ok(message) = message else { return self.defects.insert(Defect::CutMessage) };
            match message.kind {
                sei::REGISTERED => {
                    seen.facts.captions |= sei::captions(message.payload).any(|it| it.valid);
                }
                sei::RECOVERY_POINT => {
                    if let Ok(point) = sei::RecoveryPoint::parse_avc(message.payload) {
                        seen.recovery = Some(u16::try_from(point.frames).unwrap_or(u16::MAX));
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
        self.facts.disposable = self.slices > 0 && !self.reference;
        self.facts.random_access = match self.recovery {
            _ if self.idr => RandomAccess::Instant,
            Some(frames) if self.slices > 0 => RandomAccess::Recovery(frames),
            _ if self.facts.slices == Slices::I => RandomAccess::Intra,
            _ => RandomAccess::No,
        };
        self.facts
    }
}

/// The kind of a picture that has slices of both kinds.
pub(crate) fn joined(a: Slices, b: Slices) -> Slices {
    match (a, b) {
        (Slices::B, _) | (_, Slices::B) => Slices::B,
        (Slices::P, _) | (_, Slices::P) => Slices::P,
        (Slices::I, _) | (_, Slices::I) => Slices::I,
        _ => Slices::Unknown,
    }
}
