use alloc::collections::VecDeque;

/// The headers of one slot: where they are in the ring, and the newest that has left it.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    pub(crate) slot: u8,
    /// The newest header of this slot that was evicted, with its number.
    kept: Option<(u64, T)>,
    /// Numbers of this slot's items in the ring. Invariant: ascending, all above that of `kept`.
    in_ring: VecDeque<u64>,
}

/// Where a header is.
pub(crate) enum Header<'a, T> {
    Kept(&'a T),
    InRing(u64),
}

impl<T> Shelf<T> {
    pub(crate) fn new(slot: u8) -> Self {
        Self { slot, kept: None, in_ring: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, number: u64) {
        self.in_ring.push_back(number);
    }

    /// The oldest of this slot left the ring.
    pub(crate) fn evict(&mut self, number: u64, item: T) {
        self.in_ring.pop_front();
        self.kept = Some((number, item));
    }

    /// The header in force at item `at`, if it was pushed at `since` or later.
    pub(crate) fn in_force(&self, at: u64, since: u64) -> Option<Header<'_, T>> {
        let before = self.in_ring.partition_point(|&number| number < at);
        let newest = before.checked_sub(1).and_then(|index| self.in_ring.get(index));
        match (newest, &self.kept) {
            (Some(&number), _) => (number >= since).then_some(Header::InRing(number)),
            (None, Some((number, item))) => (*number >= since).then_some(Header::Kept(item)),
            (None, None) => None,
        }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.kept.iter().map(|(number, _)| *number).chain(self.in_ring.iter().copied())
    }
}
