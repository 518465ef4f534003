use bytes::Bytes;

use super::{Config, Pps, Sps, unit_type};
use crate::bits::Bits;
use crate::sets::Table;
use crate::{Defect, Defects, nal};

/// The parameter sets of a stream: those of its configuration record, and what its frames put in their place.
#[derive(Debug)]
pub(super) struct ParameterSets {
    sps: Table<Sps>,
    /// `None` if it cannot be understood with the sequence parameter sets at hand.
    pps: Table<Option<Pps>>,
    length_size: u8,
}

impl ParameterSets {
    /// None yet. As many of each as a configuration record can count: 31 and 255, with at most 4 KiB each.
    pub(super) fn empty() -> Self {
        Self { sps: Table::new(31), pps: Table::new(255), length_size: 4 }
    }

    pub(super) fn of(config: &Config, defects: &mut Defects) -> Self {
        let mut sets = Self { length_size: config.length_size, ..Self::empty() };
        for unit in config.sps.iter().chain(&config.pps) {
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
        if self.sps.has(unit) || self.pps.has(unit) {
            return false;
        }
        let put = match unit_type(unit) {
            Some(7) => self.put_sps(unit, defects),
            Some(8) => self.put_pps(unit, defects),
            _ => None,
        };
        put.unwrap_or_else(|| {
            defects.insert(Defect::UnreadableParameterSet);
            false
        })
    }

    fn put_sps(&mut self, unit: &[u8], defects: &mut Defects) -> Option<bool> {
        let sps = Sps::parse(unit).ok()?;
        defects.extend(sps.defects);
        let changed = self.sps.put(sps.id, unit, sps);
        // What a picture parameter set means depends on the set that it names.
        let Self { sps, pps, .. } = self;
        pps.iter_mut().for_each(|it| it.set = parse_pps(&it.unit, sps));
        Some(changed)
    }

    fn put_pps(&mut self, unit: &[u8], defects: &mut Defects) -> Option<bool> {
        if unit.len() > super::MAX_PPS {
            return None;
        }
        let (id, _) = pps_ids(unit)?;
        let pps = parse_pps(unit, &self.sps);
        if cfg!(feature = "avc") && pps.is_none() {
            defects.insert(Defect::UnreadableParameterSet);
        }
        Some(self.pps.put(id, unit, pps))
    }

    /// The sets that a slice with this `pic_parameter_set_id` needs.
    pub(super) fn of_slice(&self, pps_id: u32) -> Option<(&Pps, &Sps)> {
        let pps = self.pps.get(u8::try_from(pps_id).ok()?)?.as_ref()?;
        Some((pps, self.sps.get(pps.sps_id)?))
    }

    /// The configuration record with the sets as they are now.
    pub(super) fn config(&self) -> Option<Bytes> {
        let mut config = Config::from_units(self.sps.units().chain(self.pps.units())).ok()?;
        config.length_size = self.length_size;
        config.encode().ok()
    }
}

/// Its own id and that of its sequence parameter set.
fn pps_ids(unit: &[u8]) -> Option<(u8, u8)> {
    let mut head = [0; 16];
    let (len, _) = nal::unescape_into(unit, &mut head);
    let mut bits = Bits::padded(&head, len);
    bits.skip(8).ok()?;
    let mut id =
        |most| bits.ue().ok().filter(|&it| it <= most).and_then(|it| u8::try_from(it).ok());
    Some((id(255)?, id(31)?))
}

#[cfg(feature = "avc")]
fn parse_pps(unit: &[u8], sps: &Table<Sps>) -> Option<Pps> {
    let (_, sps_id) = pps_ids(unit)?;
    Pps::parse(unit, sps.get(sps_id)?).ok()
}

#[cfg(not(feature = "avc"))]
fn parse_pps(_: &[u8], _: &Table<Sps>) -> Option<Pps> {
    None
}
