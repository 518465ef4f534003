use std::time::Instant;

use bytes::BytesMut;

use crate::Outbox;

/// One end of a connection, without the connection.
///
/// A driver owns the socket, the clock and the input buffer, and does the same four things for every protocol:
///
/// 1. Reads bytes to the end of `input`, then calls [`next_event`](Self::next_event) until it gives `None`.
/// 2. Writes what [`output`](Self::output) holds whenever the socket takes it.
/// 3. Sleeps no longer than [`deadline`](Self::deadline), then calls [`handle_timeout`](Self::handle_timeout).
/// 4. After an error flushes `output` once more (it may hold a farewell) and closes.
///
/// Not reading is how back-pressure is applied to the peer: an endpoint makes at most one event a call and keeps
/// no queue of them.
pub trait Endpoint {
    /// What the endpoint tells its owner.
    type Event;
    /// Why the endpoint ended. Sticky: once returned, every later call returns it again.
    type Error;

    /// Takes what it can use off the front of `input` and returns at most one event.
    ///
    /// `Ok(None)` means that every usable byte is used: calling again without new bytes gives `None` again.
    fn next_event(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Option<Self::Event>, Self::Error>;

    /// The bytes that wait to be written.
    fn output(&mut self) -> &mut Outbox;

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if nothing else happens before.
    fn deadline(&self) -> Option<Instant>;

    /// Does what was due. Calling it early or twice is harmless. What it decides is told by the next
    /// [`next_event`](Self::next_event).
    fn handle_timeout(&mut self, now: Instant);
}
