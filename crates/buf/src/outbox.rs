use alloc::collections::VecDeque;
#[cfg(feature = "std")]
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::copied::Copied;
use crate::segment::Segment;

/// Payloads of at least this many bytes are shared, smaller ones copied.
///
/// Copying a small payload is cheaper than another reference count and another slice for `writev`. The crossing
/// point is measured by `cargo bench -p levada-benches --bench outbox`.
pub const SHARE_FROM: usize = 2048;

/// The budget of [`Outbox::new`]: enough for some seconds of video at usual rates.
const DEFAULT_BUDGET: usize = 8 * 1024 * 1024;

/// Bytes on their way out: small writes are copied, large payloads are shared.
///
/// Invariants, checked by the tests after every operation:
/// - `len` is the sum of the segments' lengths, the length of what was copied the sum of the runs'.
/// - No segment is empty, and no two runs stand side by side.
///
/// ```
/// use bytes::{Buf, Bytes};
/// use levada_buf::Outbox;
///
/// let mut out = Outbox::new();
/// out.put(&[1, 2, 3]);
/// out.share(Bytes::from_static(b"small enough to be copied"));
/// assert_eq!(out.remaining(), 28);
/// assert_eq!(out.chunk().len(), 28); // one run
/// ```
#[derive(Debug)]
pub struct Outbox {
    segments: VecDeque<Segment>,
    copied: Copied,
    len: usize,
    budget: usize,
    taken: u64,
}

impl Outbox {
    /// An empty outbox with a budget of 8 MiB.
    pub fn new() -> Self {
        Self::with_budget(DEFAULT_BUDGET)
    }

    /// An empty outbox that reports no [`room`](Self::room) once it holds `budget` bytes.
    ///
    /// Worst-case memory of shared payloads is what they pin, which their owner usually holds anyway.
    pub fn with_budget(budget: usize) -> Self {
        Self { segments: VecDeque::new(), copied: Copied::default(), len: 0, budget, taken: 0 }
    }

    /// Copies `bytes` behind what is there.
    pub fn put(&mut self, bytes: &[u8]) {
        self.put_with(bytes.len(), |place| place.copy_from_slice(bytes));
    }

    /// Lets `fill` write this many bytes behind what is there, for those that are made piece by piece. What it leaves
    /// out is whatever was there before.
    pub fn put_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) {
        fill(self.copied.append(len));
        self.len += len;
        match self.segments.back_mut() {
            Some(Segment::Run(run)) => *run += len,
            _ if len > 0 => self.segments.push_back(Segment::Run(len)),
            _ => {}
        }
    }

    /// Puts a payload behind what is there: shared from [`SHARE_FROM`] bytes on, else copied.
    pub fn share(&mut self, bytes: Bytes) {
        if bytes.len() < SHARE_FROM {
            self.put(&bytes);
        } else {
            self.len += bytes.len();
            self.segments.push_back(Segment::Shared(bytes));
        }
    }

    /// How many bytes fit in the budget. 0 when it is reached or passed.
    pub fn room(&self) -> usize {
        self.budget.saturating_sub(self.len)
    }

    /// How many bytes left so far. Whoever waits for a peer to take some sees here whether it does.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Lends the waiting bytes as slices for one vectored write and returns how many slices it filled.
    ///
    /// The same as [`Buf::chunks_vectored`], which does not compile on the `&mut Outbox` that
    /// [`Endpoint::output`](crate::Endpoint::output) lends: there the blanket impl for `&mut T` is picked, and
    /// ties the slices to a temporary.
    #[cfg(feature = "std")]
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut copied = self.copied.waiting();
        let mut filled = 0;
        for (slot, segment) in slices.iter_mut().zip(&self.segments) {
            *slot = IoSlice::new(match segment {
                Segment::Run(len) => {
                    let (run, rest) = copied.split_at(*len);
                    copied = rest;
                    run
                }
                Segment::Shared(bytes) => bytes,
            });
            filled += 1;
        }
        filled
    }

    /// Drops everything that waits, for a connection that is given up.
    pub fn clear(&mut self) {
        // One or two nearly always: quicker than to clear.
        while self.segments.pop_front().is_some() {}
        self.copied.clear();
        self.len = 0;
    }

    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        let runs: usize =
            self.segments.iter().map(|it| if let Segment::Run(len) = it { *len } else { 0 }).sum();
        assert_eq!(self.copied.waiting().len(), runs);
        assert_eq!(self.len, self.segments.iter().map(Segment::len).sum::<usize>());
        assert!(self.segments.iter().all(|it| it.len() > 0));
        let mut pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        assert!(!pairs.any(|pair| matches!(pair, (Segment::Run(_), Segment::Run(_)))));
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Buf for Outbox {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        match self.segments.front() {
            None => &[],
            Some(Segment::Run(len)) => self.copied.waiting().get(..*len).unwrap_or_default(),
            Some(Segment::Shared(bytes)) => bytes,
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.slices(slices)
    }

    /// # Panics
    ///
    /// When `count` is more than [`remaining`](Self::remaining): the caller claims to have written what was
    /// never there.
    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "cannot advance by {count}, only {} bytes wait", self.len);
        self.taken += count as u64;
        if count == self.len {
            // The usual case, and it leaves the copy buffer whole.
            return self.clear();
        }
        self.len -= count;
        while let Some(front) = self.segments.front_mut() {
            let taken = count.min(front.len());
            let whole = taken == front.len();
            match front {
                Segment::Run(len) => {
                    *len -= taken;
                    self.copied.take(taken);
                }
                Segment::Shared(bytes) => bytes.advance(taken),
            }
            if !whole {
                break;
            }
            count -= taken;
            self.segments.pop_front();
            if count == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
