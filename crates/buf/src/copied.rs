use alloc::vec;
use alloc::vec::Vec;

/// A block of this size is always kept for reuse.
pub(crate) const KEPT: usize = 4 * 1024;
/// A larger one is let go when this many times in a row a quarter of it was enough: what a burst once needed does not
/// stay in the memory of each of thousands of receivers.
pub(crate) const SMALL_TURNS: u8 = 16;

/// Bytes of our own that wait: a queue in one block.
///
/// The block is initialised to its end, so what is appended is lent as a slice of it: whoever puts many small pieces
/// together writes them there without asking for room for each.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes appended since the queue was last cleared.
    needed: usize,
    /// How often in a row most of the block was of no use.
    small_turns: u8,
}

impl Copied {
    pub(crate) fn waiting(&self) -> &[u8] {
        self.block.get(self.start..self.end).unwrap_or_default()
    }

    /// Lends the place of this many bytes behind what waits.
    pub(crate) fn append(&mut self, len: usize) -> &mut [u8] {
        if self.block.len() - self.end < len {
            self.make_room(len);
        }
        let at = self.end;
        self.end += len;
        self.needed = self.needed.saturating_add(len);
        self.block.get_mut(at..at + len).unwrap_or_default()
    }

    /// Drops bytes at the front. The caller has seen that they are there.
    pub(crate) fn take(&mut self, count: usize) {
        self.start += count;
    }

    /// Drops everything. The block stays, unless it is too large for what is needed.
    pub(crate) fn clear(&mut self) {
        let needed = core::mem::take(&mut self.needed);
        (self.start, self.end) = (0, 0);
        let roomy = self.block.len() > KEPT.max(needed.saturating_mul(4));
        self.small_turns = if roomy { self.small_turns + 1 } else { 0 };
        if self.small_turns == SMALL_TURNS {
            *self = Self::default();
        }
    }

    /// Moves what waits to the front if that frees as much as it moves, else into a larger block: every byte is moved
    /// a bounded number of times.
    #[cold]
    fn make_room(&mut self, len: usize) {
        let waiting = self.end - self.start;
        if self.start >= waiting && self.block.len() - waiting >= len {
            self.block.copy_within(self.start..self.end, 0);
        } else {
            let mut block = vec![0; (waiting + len).max(2 * self.block.len()).max(64)];
            if let Some(place) = block.get_mut(..waiting) {
                place.copy_from_slice(self.waiting());
            }
            self.block = block;
        }
        (self.start, self.end) = (0, waiting);
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.block.len()
    }
}
