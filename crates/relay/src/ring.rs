use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use crate::cursor::{Handing, Place};
use crate::shelf::{Header, Shelf};
use crate::{Cursor, HeaderRefused, Lag, Next, RingLimits};

/// The newest items of one stream, for any number of readers.
pub struct Ring<T> {
    limits: RingLimits,
    /// Invariant: within `limits.items`, its bytes within `limits.bytes`.
    entries: VecDeque<Entry<T>>,
    /// The place of the oldest entry.
    oldest: Place,
    /// The place after the newest entry. Invariant: `oldest` + `entries`.
    end: Place,
    /// Numbers of the GOP starts in the ring. Invariant: ascending, all in the ring.
    gops: VecDeque<u64>,
    /// One for each slot in use, by slot. Invariant: within `limits.headers`.
    shelves: Vec<Shelf<T>>,
}

struct Entry<T> {
    item: T,
    /// Where it is. (The number could be computed; the byte could not.)
    at: Place,
    /// The slot, if it is a header.
    header: Option<u8>,
}

impl<T> Ring<T> {
    /// An empty ring.
    pub fn new(limits: RingLimits) -> Self {
        let start = Place { item: 0, byte: 0 };
        Self {
            limits,
            entries: VecDeque::new(),
            oldest: start,
            end: start,
            gops: VecDeque::new(),
            shelves: Vec::new(),
        }
    }

    /// Adds an item of `size` bytes; the oldest ones go where the limits ask for it.
    ///
    /// `starts_gop` says that a reader can start here.
    pub fn push(&mut self, item: T, size: usize, starts_gop: bool) {
        if starts_gop {
            self.gops.push_back(self.end.item);
        }
        self.append(item, size, None);
    }

    /// Adds an item that later readers need too, wherever they start: metadata, a sequence header.
    ///
    /// Readers that are there get it as an item in its place. For the others it is kept, as long as no newer
    /// header of the same slot is in force.
    ///
    /// # Errors
    ///
    /// Where the limits on headers forbid it. They protect against a publisher, so the caller should not push such
    /// an item as an ordinary one.
    pub fn push_header(&mut self, slot: u8, item: T, size: usize) -> Result<(), HeaderRefused> {
        let limit = self.limits.header_bytes;
        if size > limit {
            return Err(HeaderRefused::TooLarge { size, limit });
        }
        let number = self.end.item;
        match self.shelves.binary_search_by_key(&slot, |it| it.slot) {
            Err(_) if self.shelves.len() >= self.limits.headers => {
                return Err(HeaderRefused::TooMany { limit: self.limits.headers });
            }
            Err(index) => self.shelves.insert(index, Shelf::new(slot)),
            Ok(_) => {}
        }
        if let Some(shelf) = self.shelf(slot) {
            shelf.push(number);
        }
        self.append(item, size, Some(slot));
        Ok(())
    }

    /// A new reader. It gets all headers, then everything from the newest GOP start on. If there is none, it
    /// waits for one.
    pub fn join(&self) -> Cursor {
        Cursor { at: self.end, started: false, headers: None }
    }

    /// A new reader that wants all there is: it gets the headers, then everything that the ring still holds,
    /// whether or not it begins with a GOP start. For readers that are there from the beginning, and for recorders.
    pub fn join_oldest(&self) -> Cursor {
        Cursor { at: self.oldest, started: true, headers: Some(Handing { since: 0, slot: 0 }) }
    }

    /// The next thing for this reader.
    pub fn next<'a>(&'a self, cursor: &mut Cursor) -> Next<'a, T> {
        if !cursor.started {
            if self.move_to_newest_gop(cursor).is_none() {
                return Next::Empty;
            }
        } else if cursor.at.item < self.oldest.item {
            return match self.move_to_newest_gop(cursor) {
                Some(Lag { items, bytes }) => Next::Skipped { lost: items, bytes },
                // The GOP outgrew the ring. The cursor stays, so that what goes by until the next one counts.
                None => Next::Empty,
            };
        }
        if let Some(header) = self.next_header(cursor) {
            return Next::Header(header);
        }
        let Some(entry) = self.entry(cursor.at.item) else { return Next::Empty };
        cursor.at = self.entry(entry.at.item.saturating_add(1)).map_or(self.end, |next| next.at);
        Next::Item(&entry.item)
    }

    /// Moves a reader to the newest GOP start if it is behind that, and says what it lost thereby. For readers
    /// that must stay near the live edge.
    pub fn skip(&self, cursor: &mut Cursor) -> Option<Lag> {
        let newest = *self.gops.back()?;
        (cursor.started && cursor.at.item < newest)
            .then(|| self.move_to_newest_gop(cursor))
            .flatten()
    }

    /// How far a reader is behind. One that waits for its first GOP start is not.
    pub fn lag(&self, cursor: &Cursor) -> Lag {
        if !cursor.started {
            return Lag { items: 0, bytes: 0 };
        }
        self.end.since(cursor.at)
    }

    /// Lets the oldest items go for as long as they are `old`, but nothing of the newest GOP: readers join there.
    ///
    /// For owners whose readers are all near the live edge, and who need not keep what the limits allow.
    pub fn expire(&mut self, mut old: impl FnMut(&T) -> bool) {
        let Some(newest) = self.gops.back().copied() else { return };
        while self.oldest.item < newest && self.entries.front().is_some_and(|it| old(&it.item)) {
            self.evict();
        }
    }

    /// How many items it holds, without headers whose place is gone.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The sizes of the items it holds, added up.
    pub fn bytes(&self) -> u64 {
        self.end.since(self.oldest).bytes
    }

    fn append(&mut self, item: T, size: usize, header: Option<u8>) {
        self.entries.push_back(Entry { item, at: self.end, header });
        // 2^64 items or bytes: a gigabyte a second for 500 years.
        self.end.item = self.end.item.saturating_add(1);
        self.end.byte = self.end.byte.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        let max_bytes = u64::try_from(self.limits.bytes).unwrap_or(u64::MAX);
        while self.entries.len() > self.limits.items || self.bytes() > max_bytes {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(Entry { item, at, header }) = self.entries.pop_front() else { return };
        self.oldest = self.entries.front().map_or(self.end, |it| it.at);
        if self.gops.front() == Some(&at.item) {
            self.gops.pop_front();
        }
        if let Some(shelf) = header.and_then(|slot| self.shelf(slot)) {
            shelf.evict(at.item, item);
        }
    }

    /// Moves a cursor, and says over how much. `None` if there is nowhere to go.
    fn move_to_newest_gop(&self, cursor: &mut Cursor) -> Option<Lag> {
        let to = self.entry(*self.gops.back()?)?.at;
        let lost = to.since(cursor.at);
        let since = match (cursor.started, cursor.headers) {
            (false, _) => 0,
            (true, None) => cursor.at.item,
            (true, Some(handing)) => handing.since,
        };
        *cursor = Cursor { at: to, started: true, headers: Some(Handing { since, slot: 0 }) };
        Some(lost)
    }

    fn next_header(&self, cursor: &mut Cursor) -> Option<&T> {
        let Handing { since, slot } = cursor.headers?;
        let first = self.shelves.partition_point(|it| u16::from(it.slot) < slot);
        for shelf in self.shelves.iter().skip(first) {
            let item = match shelf.in_force(cursor.at.item, since) {
                Some(Header::Kept(item)) => Some(item),
                Some(Header::InRing(number)) => self.entry(number).map(|it| &it.item),
                None => None,
            };
            if item.is_some() {
                let slot = u16::from(shelf.slot) + 1;
                cursor.headers = Some(Handing { since, slot });
                return item;
            }
        }
        cursor.headers = None;
        None
    }

    fn entry(&self, number: u64) -> Option<&Entry<T>> {
        let index = number.checked_sub(self.oldest.item)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    fn shelf(&mut self, slot: u8) -> Option<&mut Shelf<T>> {
        let index = self.shelves.binary_search_by_key(&slot, |it| it.slot).ok()?;
        self.shelves.get_mut(index)
    }

    /// Panics if one of the invariants above does not hold. For tests and fuzzing.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        let Lag { items, bytes } = self.end.since(self.oldest);
        assert_eq!(u64::try_from(self.entries.len()), Ok(items));
        assert!(self.entries.len() <= self.limits.items);
        assert!(bytes <= u64::try_from(self.limits.bytes).unwrap_or(u64::MAX));
        assert!(self.shelves.len() <= self.limits.headers);
        assert!(self.shelves.is_sorted_by_key(|it| it.slot));
        assert!(self.gops.iter().is_sorted());
        assert!(self.gops.iter().all(|&it| self.entry(it).is_some_and(|it| it.header.is_none())));
        for (number, entry) in (self.oldest.item..).zip(&self.entries) {
            assert_eq!(entry.at.item, number);
        }
        for shelf in &self.shelves {
            assert!(shelf.numbers().is_sorted());
            let in_ring = shelf.numbers().filter(|&it| it >= self.oldest.item);
            let headers = self.entries.iter().filter(|it| it.header == Some(shelf.slot));
            assert!(in_ring.eq(headers.map(|it| it.at.item)));
        }
    }
}

impl Place {
    fn since(self, earlier: Self) -> Lag {
        Lag {
            items: self.item.saturating_sub(earlier.item),
            bytes: self.byte.saturating_sub(earlier.byte),
        }
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("limits", &self.limits)
            .field("items", &self.entries.len())
            .field("bytes", &self.bytes())
            .field("gops", &self.gops.len())
            .field("headers", &self.shelves.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
