use core::time::Duration;
use std::time::Instant;

use bytes::BytesMut;
use levada_buf::Endpoint;

use crate::{Clock, Pipe};

/// A client and a server joined by two pipes, with the clock in the test's hand.
///
/// The test reacts to events in the closure that it gives to [`run`](Self::run): that is where an application
/// accepts, sends and closes.
#[expect(missing_debug_implementations, reason = "its parts are public and tell more")]
pub struct Pair<C: Endpoint, S: Endpoint> {
    /// The time both ends see.
    pub clock: Clock,
    /// One end.
    pub client: Side<C>,
    /// The other end.
    pub server: Side<S>,
    /// The bytes of the client.
    pub up: Pipe,
    /// The bytes of the server.
    pub down: Pipe,
}

/// An endpoint, the input buffer that its driver would own, and how it ended.
#[expect(missing_debug_implementations, reason = "its parts are public and tell more")]
pub struct Side<E: Endpoint> {
    /// The endpoint.
    pub end: E,
    /// What arrived and was not used yet.
    pub input: BytesMut,
    /// The error that ended it.
    pub error: Option<E::Error>,
}

/// Who made an event.
#[derive(Debug)]
pub enum PairEvent<C, S> {
    /// The client's endpoint did.
    Client(C),
    /// The server's endpoint did.
    Server(S),
}

impl<E: Endpoint> Side<E> {
    fn new(end: E) -> Self {
        Self { end, input: BytesMut::with_capacity(64 * 1024), error: None }
    }

    fn next_event(&mut self, clock: &Clock) -> Option<E::Event> {
        if self.error.is_some() {
            return None;
        }
        match self.end.next_event(&mut self.input, clock.now()) {
            Ok(event) => event,
            Err(why) => {
                self.error = Some(why);
                None
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.end.deadline().filter(|_| self.error.is_none())
    }

    fn handle_timeout(&mut self, clock: &Clock) {
        let now = clock.now();
        if self.deadline().is_some_and(|due| due <= now) {
            self.end.handle_timeout(now);
            assert!(
                self.deadline().is_none_or(|due| due > now),
                "a deadline that stays due spins its driver"
            );
        }
    }
}

impl<C: Endpoint, S: Endpoint> Pair<C, S> {
    /// Joins two endpoints by undisturbed pipes.
    pub fn new(clock: Clock, client: C, server: S) -> Self {
        Self {
            clock,
            client: Side::new(client),
            server: Side::new(server),
            up: Pipe::new(),
            down: Pipe::new(),
        }
    }

    /// Moves bytes and events until nothing more happens without the clock, and says how many events there were.
    pub fn settle(
        &mut self,
        mut on_event: impl FnMut(&mut C, &mut S, PairEvent<C::Event, S::Event>),
    ) -> usize {
        let mut events = 0;
        loop {
            let before = (self.up.carried(), self.down.carried(), events);
            while let Some(event) = self.client.next_event(&self.clock) {
                events += 1;
                on_event(&mut self.client.end, &mut self.server.end, PairEvent::Client(event));
            }
            while let Some(event) = self.server.next_event(&self.clock) {
                events += 1;
                on_event(&mut self.client.end, &mut self.server.end, PairEvent::Server(event));
            }
            let now = self.clock.now();
            self.up.fill(self.client.end.output(), now);
            self.down.fill(self.server.end.output(), now);
            let moved = self.up.deliver(&mut self.server.input, now)
                | self.down.deliver(&mut self.client.input, now);
            if !moved && before == (self.up.carried(), self.down.carried(), events) {
                return events;
            }
        }
    }

    /// Runs both ends for `span` of virtual time: settles, jumps to the next arrival or deadline, and so on.
    pub fn run(
        &mut self,
        span: Duration,
        mut on_event: impl FnMut(&mut C, &mut S, PairEvent<C::Event, S::Event>),
    ) {
        let end = self.clock.now() + span;
        loop {
            self.settle(&mut on_event);
            let now = self.clock.now();
            let next = self.next_due().unwrap_or(end).max(now);
            if next > end || now == end {
                self.clock.advance_to(end);
                return;
            }
            self.clock.advance_to(next);
            self.handle_timeouts();
        }
    }

    /// When something happens next by itself: bytes arrive, or a deadline is due. For tests that move the clock of
    /// several pairs.
    pub fn next_due(&self) -> Option<Instant> {
        let due = [
            self.up.next_arrival(),
            self.down.next_arrival(),
            self.client.deadline(),
            self.server.deadline(),
        ];
        due.into_iter().flatten().min()
    }

    /// Does at both ends what is due.
    pub fn handle_timeouts(&mut self) {
        self.client.handle_timeout(&self.clock);
        self.server.handle_timeout(&self.clock);
    }
}
