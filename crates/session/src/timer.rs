//! Deadlines in a table, one place for each thing that can take too long.

use core::time::Duration;
use std::time::Instant;

/// What a session waits for, each for a bounded time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Timer {
    /// The whole handshake.
    Handshake,
    /// The `connect` command after the handshake, or its answer.
    Connect,
    /// The application's answer to a request.
    Answer,
    /// A `publish` or `play` after `connect`, or the answers to ours.
    Stream,
    /// The first media after a `publish` was accepted.
    FirstMedia,
    /// Any byte from a peer that should be sending.
    Idle,
    /// When a quiet peer is pinged next. Never ends a session.
    Ping,
    /// Bytes of ours that the peer takes.
    Write,
    /// The end of a partial message, which small chunks must not put off for ever.
    Partial,
    /// The peer's own close, after our farewell.
    Linger,
}

const COUNT: usize = Timer::Linger as usize + 1;

/// A deadline or none for each [`Timer`]. No heap: the next one is found by looking at all ten.
#[derive(Debug, Default)]
pub(crate) struct Timers([Option<Instant>; COUNT]);

impl Timers {
    const ALL: [Timer; COUNT] = [
        Timer::Handshake,
        Timer::Connect,
        Timer::Answer,
        Timer::Stream,
        Timer::FirstMedia,
        Timer::Idle,
        Timer::Ping,
        Timer::Write,
        Timer::Partial,
        Timer::Linger,
    ];

    /// Starts a timer, or starts it anew. A span without end, `Duration::MAX`, is none.
    pub(crate) fn set(&mut self, timer: Timer, now: Instant, span: Duration) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = now.checked_add(span);
        }
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = None;
        }
    }

    pub(crate) fn stop_all(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.0.get(timer as usize).copied().flatten().is_some()
    }

    /// When the first of them is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one that is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        Self::ALL
            .into_iter()
            .zip(&mut self.0)
            .find_map(|(timer, slot)| slot.take_if(|at| *at <= now).map(|_| timer))
    }
}

#[cfg(test)]
mod tests {
    use levada_test::Clock;

    use super::*;

    #[test]
    fn the_earliest_is_next_and_each_is_taken_once() {
        let mut clock = Clock::new();
        let mut timers = Timers::default();
        assert_eq!((timers.next(), timers.take_due(clock.now())), (None, None));
        for (index, timer) in Timers::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, index);
            timers.set(timer, clock.now(), Duration::from_secs(20 - index as u64));
        }
        assert_eq!(timers.next(), Some(clock.now() + Duration::from_secs(11)));
        clock.advance(Duration::from_secs(12));
        assert_eq!(timers.take_due(clock.now()), Some(Timer::Partial));
        assert_eq!(timers.take_due(clock.now()), Some(Timer::Linger));
        assert_eq!(timers.take_due(clock.now()), None);
        timers.set(Timer::Idle, clock.now(), Duration::MAX);
        assert!(!timers.is_set(Timer::Idle));
        timers.stop(Timer::Write);
        assert!(!timers.is_set(Timer::Write) && timers.is_set(Timer::Ping));
        timers.stop_all();
        assert_eq!(timers.next(), None);
    }
}
