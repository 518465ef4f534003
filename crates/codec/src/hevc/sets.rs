use bytes::Bytes;

use super::{Config, Pps, Sps, unit_type};
use crate::sets::Table;
use crate::{Defect, Defects, nal};

/// The parameter sets of a stream: those of its configuration record, and what its frames put in their place.
#[derive(Debug)]
pub(super) struct ParameterSets {
    /// Only their bytes are needed.
    vps: Table<()>,
    sps: Table<Sps>,
    pps: Table<Pps>,
    length_size: u8,
}

/// Bytes of a video or picture parameter set that are kept.
const MAX_SET: usize = super::MAX_SPS;

impl ParameterSets {
    /// None yet. As many of each as there are ids: 16, 16 and 64, with at most 8 KiB each.
    pub(super) fn empty() -> Self {
        Self { vps: Table::new(16), sps: Table::new(16), pps: Table::new(64), length_size: 4 }
    }

    pub(super) fn of(config: &Config, defects: &mut Defects) -> Self {
        let mut sets = Self { length_size: config.length_size, ..Self::empty() };
        for unit in [32, 33, 34].into_iter().flat_map(|kind| config.units(kind)) {
            sets.put(unit, defects);
        }
        sets
    }

    /// Takes a parameter set. Says whether this changes anything.
    pub(super) fn put(&mut self, entry: &[u8], defects: &mut Defects) -> bool {
        let units = nal::entry_units(entry, defects);
        units.fold(false, |changed, unit| self.put_unit(unit, defects) | changed)
    }

    fn put_unit(&mut self, unit: &[u8], defects: &mut Defects) -> bool {
        if self.vps.has(unit) || self.sps.has(unit) || self.pps.has(unit) {
            return false;
        }
        let put = match unit_type(unit) {
            _ if unit.len() > MAX_SET => None,
            // vps_video_parameter_set_id (§7.3.2.1)
            Some(32) => unit.get(2).map(|byte| self.vps.put(byte >> 4, unit, ())),
            Some(33) => Sps::parse(unit).ok().map(|sps| {
                defects.extend(sps.defects);
                self.sps.put(sps.id, unit, sps)
            }),
            Some(34) => Pps::parse(unit).ok().map(|pps| self.pps.put(pps.id, unit, pps)),
            _ => None,
        };
        put.unwrap_or_else(|| {
            defects.insert(Defect::UnreadableParameterSet);
            false
        })
    }

    /// The sets that a slice with this `slice_pic_parameter_set_id` needs.
    pub(super) fn of_slice(&self, pps_id: u32) -> Option<(&Pps, &Sps)> {
        let pps = self.pps.get(u8::try_from(pps_id).ok()?)?;
        Some((pps, self.sps.get(pps.sps_id)?))
    }

    /// The configuration record with the sets as they are now.
    pub(super) fn config(&self) -> Option<Bytes> {
        let units = self.vps.units().chain(self.sps.units()).chain(self.pps.units());
        let mut config = Config::from_units(units).ok()?;
        config.length_size = self.length_size;
        config.encode().ok()
    }
}
