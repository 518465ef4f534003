use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use levada_buf::Outbox;

/// One direction of a connection: takes bytes from an [`Outbox`], gives them out late and in pieces.
#[derive(Debug)]
pub struct Pipe {
    delay: Duration,
    sizes: Vec<usize>,
    delivered: usize,
    capacity: usize,
    held: usize,
    flying: VecDeque<(Instant, Vec<u8>)>,
    cut_after: Option<u64>,
    carried: u64,
}

impl Pipe {
    /// A pipe that delivers what it got at once and in one piece.
    pub fn new() -> Self {
        Self {
            delay: Duration::ZERO,
            sizes: vec![usize::MAX],
            delivered: 0,
            capacity: usize::MAX,
            held: 0,
            flying: VecDeque::new(),
            cut_after: None,
            carried: 0,
        }
    }

    /// Every byte is that late.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Deliveries have these sizes, used in a circle.
    #[must_use]
    pub fn with_cuts(mut self, sizes: &[usize]) -> Self {
        assert!(
            sizes.iter().all(|&it| it > 0) && !sizes.is_empty(),
            "a delivery has at least a byte"
        );
        self.sizes = sizes.to_vec();
        self
    }

    /// Holds at most this many bytes; the rest waits in the outbox, as behind a full socket buffer.
    #[must_use]
    pub fn with_capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Breaks the connection after so many bytes.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Takes from `out` what there is room for.
    pub fn fill(&mut self, out: &mut Outbox, now: Instant) {
        let room = self.capacity.saturating_sub(self.held);
        let left = self.cut_after.map_or(u64::MAX, |cut| cut - self.carried);
        let count = out.remaining().min(room).min(usize::try_from(left).unwrap_or(usize::MAX));
        if count > 0 {
            self.flying.push_back((now + self.delay, out.copy_to_bytes(count).to_vec()));
            self.held += count;
            self.carried += count as u64;
        }
    }

    /// Appends the next delivery to `input` if one has arrived by `now`, and says whether it did.
    pub fn deliver(&mut self, input: &mut BytesMut, now: Instant) -> bool {
        let size = self.sizes[self.delivered % self.sizes.len()];
        let Some((at, bytes)) = self.flying.front_mut() else { return false };
        if *at > now {
            return false;
        }
        let count = size.min(bytes.len());
        input.extend_from_slice(&bytes[..count]);
        bytes.drain(..count);
        if bytes.is_empty() {
            self.flying.pop_front();
        }
        self.held -= count;
        self.delivered += 1;
        true
    }

    /// When the next bytes arrive.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.flying.front().map(|(at, _)| *at)
    }

    /// Whether the cut has been reached and everything before it delivered.
    pub fn is_cut(&self) -> bool {
        self.flying.is_empty() && self.cut_after == Some(self.carried)
    }

    /// Bytes taken in so far.
    pub fn carried(&self) -> u64 {
        self.carried
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}
