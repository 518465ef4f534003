/// A reader's place in a [`Ring`](crate::Ring). It belongs to the ring whose [`join`](crate::Ring::join) made it.
///
/// A clone is a second reader at the same place.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Where it is.
    pub(crate) at: Place,
    /// Whether it has found a GOP start. Before, what passes by is not lost: it was never wanted.
    pub(crate) started: bool,
    /// The headers that it has yet to get before the item at `at`.
    pub(crate) headers: Option<Handing>,
}

/// A place in everything that was ever pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// How many items came before.
    pub(crate) item: u64,
    /// How many bytes they had.
    pub(crate) byte: u64,
}

/// The handing out of headers, one slot after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handing {
    /// Headers pushed before this item are known to the reader.
    pub(crate) since: u64,
    /// Slots below this are done. (`u16`: one beyond the last slot.)
    pub(crate) slot: u16,
}

/// What [`Ring::next`](crate::Ring::next) has for a reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a reader must know what to do in each case")]
#[must_use]
pub enum Next<'a, T> {
    /// A header out of its place: the newest of its slot from before the item that comes next.
    Header(&'a T),
    /// The next item in order. A header that comes in its place is one too.
    Item(&'a T),
    /// The reader was too slow. This much is lost to it; headers that changed and a GOP start come next.
    Skipped {
        /// Items that it did not get.
        lost: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Nothing until more is pushed.
    Empty,
}

/// How far a reader is behind the newest item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Lag {
    /// Items pushed that it did not get yet.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}
