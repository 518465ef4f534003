//! Parameter sets by their id, in the order of their arrival.

use alloc::vec::Vec;

use bytes::Bytes;

/// A parameter set as it came and as it is understood.
#[derive(Debug)]
pub(crate) struct Stored<T> {
    pub(crate) id: u8,
    pub(crate) unit: Bytes,
    pub(crate) set: T,
}

/// The parameter sets of one kind.
#[derive(Debug)]
pub(crate) struct Table<T> {
    entries: Vec<Stored<T>>,
    /// How many are kept.
    most: usize,
}

impl<T> Table<T> {
    pub(crate) const fn new(most: usize) -> Self {
        Self { entries: Vec::new(), most }
    }

    /// Whether this very unit is in force.
    pub(crate) fn has(&self, unit: &[u8]) -> bool {
        self.entries.iter().any(|it| it.unit == unit)
    }

    pub(crate) fn get(&self, id: u8) -> Option<&T> {
        self.entries.iter().find(|it| it.id == id).map(|it| &it.set)
    }

    /// In place of the set with the same id, or behind the others. False if there is no room for it.
    pub(crate) fn put(&mut self, id: u8, unit: &[u8], set: T) -> bool {
        let new = Stored { id, unit: Bytes::copy_from_slice(unit), set };
        if let Some(old) = self.entries.iter_mut().find(|it| it.id == id) {
            *old = new;
            return true;
        }
        let room = self.entries.len() < self.most;
        if room {
            self.entries.push(new);
        }
        room
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stored<T>> {
        self.entries.iter_mut()
    }

    pub(crate) fn units(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|it| &it.unit[..])
    }
}
