use alloc::collections::VecDeque;
use core::time::Duration;

use crate::{Error, Now};

/// What every state machine here can do.
///
/// - `handle` tells it what happened. Whatever has come due by then is done first. On an error nothing else changes.
/// - `tick` does what has come due. Afterwards the next deadline lies in the future: no loop can spin.
/// - `poll` hands out what the caller has to do, oldest first. Drain it after every `handle` and `tick`.
pub trait Machine {
    /// What can happen to it.
    type Event;
    /// What it wants done.
    type Action;

    /// Tells what happened.
    fn handle(&mut self, now: Now, event: Self::Event) -> Result<(), Error>;

    /// Does what has come due.
    fn tick(&mut self, now: Now);

    /// When to call [`tick`](Self::tick) next, in [`Now::mono`].
    fn next_deadline(&self) -> Option<Duration>;

    /// The next thing to do.
    fn poll(&mut self) -> Option<Self::Action>;
}

/// A queue with an end: when it is full the oldest item goes, and is counted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Queue<T> {
    items: VecDeque<T>,
    cap: usize,
    dropped: u64,
}

impl<T> Queue<T> {
    /// For the actions of one machine. One call makes at most a handful, and the owner drains after every call.
    pub(crate) fn actions() -> Self {
        Self::new(64)
    }

    pub(crate) fn new(cap: usize) -> Self {
        Self { items: VecDeque::new(), cap, dropped: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.items.len() >= self.cap {
            self.items.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.items.push_back(item);
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut T> {
        self.items.front_mut()
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.items.front()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.cap
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }
}

/// The earliest of some deadlines.
pub(crate) fn earliest<const N: usize>(deadlines: [Option<Duration>; N]) -> Option<Duration> {
    deadlines.into_iter().flatten().min()
}

/// Whether a deadline has come due.
pub(crate) fn due(deadline: Option<Duration>, now: Now) -> bool {
    deadline.is_some_and(|it| it <= now.mono)
}
