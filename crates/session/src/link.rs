//! The half of a session that does not know which role it plays: handshake, chunks, windows, pings, timers.

use core::time::Duration;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_chunk::{
    Aggregate, ChunkReader, ChunkSize, ChunkStreamId, ChunkWriter, Control, Message,
    MessageStreamId, MessageType, SharedMessage, Tolerance, UserControl,
};
use levada_handshake::{ClientHandshake, Progress, ServerHandshake};

use crate::quirk::Quirks;
use crate::rate::Rate;
use crate::timer::Timers;
use crate::{
    Command, Quirk, SendError, SessionError, SessionLimit, SessionLimits, Statistics, Timeouts,
    Timer,
};

/// Either handshake, until it is over.
#[derive(Debug)]
pub(crate) enum Handshake {
    Client(ClientHandshake),
    Server(ServerHandshake),
}

/// Where the connection is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Connecting,
    Open,
    /// The farewell is in the outbox, the peer's input is thrown away.
    Closing(CloseReason),
    /// Everything is said.
    Closed(CloseReason),
    /// It ended, and `Link::failure` says why.
    Failed,
}

/// Why a session ended in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// We wanted it.
    Local,
    /// The peer said `close`.
    Peer,
    /// A request of the peer was refused, or one of ours was.
    Refused,
}

/// Whose turn it is before the input is looked at.
#[derive(Debug)]
pub(crate) enum Turn {
    Tolerated(Quirk),
    Closed(CloseReason),
    Failed(SessionError),
    /// Nothing more is read.
    Wait,
    Go,
}

/// What the link passes up: everything that is not about the link itself.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Media, data, a command or a shared object.
    Message(Message),
    /// An event about a message stream.
    User(UserControl),
    /// A message that the link dealt with itself.
    Handled,
}

#[derive(Debug)]
pub(crate) struct Link {
    handshake: Option<Box<Handshake>>,
    pub(crate) phase: Phase,
    reader: ChunkReader,
    writer: ChunkWriter,
    aggregate: Option<Box<Aggregate>>,
    pub(crate) out: Outbox,
    pub(crate) timers: Timers,
    pub(crate) quirks: Quirks,
    pub(crate) limits: SessionLimits,
    pub(crate) timeouts: Timeouts,
    /// Bytes after which to acknowledge: half of what the peer asked for, so that it never waits.
    ack_after: u64,
    acked: u64,
    /// Bytes of the chunk stream that came, read or not.
    arrived: u64,
    /// The last window that we announced.
    window: u32,
    pings: Rate,
    commands: Rate,
    unknown: u32,
    /// How much of `out` may be replies. Never less than what really is.
    owed: usize,
    started: Instant,
    received_at: Instant,
    /// If something waited in `out` when that was last looked at: what had left it by then. And how often in a row
    /// that has not changed.
    waiting: Option<u64>,
    stalls: u32,
    /// Where the input was when partial messages were last looked at.
    partial_mark: Option<u64>,
    statistics: Statistics,
    failure: SessionError,
}

impl Link {
    pub(crate) fn new(
        handshake: Handshake,
        limits: SessionLimits,
        timeouts: Timeouts,
        tolerance: Tolerance,
        now: Instant,
    ) -> Self {
        let budget = usize::try_from(limits.send_budget).unwrap_or(usize::MAX);
        let mut timers = Timers::default();
        timers.set(Timer::Handshake, now, timeouts.handshake);
        timers.set(Timer::Write, now, timeouts.write / 2);
        Self {
            handshake: Some(Box::new(handshake)),
            phase: Phase::Connecting,
            reader: ChunkReader::new(limits.chunks_before_publish).with_tolerance(tolerance),
            writer: ChunkWriter::new(),
            aggregate: None,
            out: Outbox::with_budget(budget),
            timers,
            quirks: Quirks::default(),
            limits,
            timeouts,
            ack_after: u64::MAX,
            acked: 0,
            arrived: 0,
            window: 0,
            pings: Rate::new(limits.pings_per_second, limits.pings_per_second, now),
            commands: Rate::new(limits.commands_per_second, limits.command_burst, now),
            unknown: 0,
            owed: 0,
            started: now,
            received_at: now,
            waiting: None,
            stalls: 0,
            partial_mark: None,
            statistics: Statistics::default(),
            failure: SessionError::Closed,
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    /// Ends the link. The first reason counts.
    #[cold]
    pub(crate) fn fail(&mut self, why: SessionError) -> SessionError {
        if !self.has_failed() {
            self.timers.stop_all();
            self.aggregate = None;
            self.phase = Phase::Failed;
            self.failure = why;
        }
        self.failure
    }

    pub(crate) fn is_open(&self) -> bool {
        self.handshake.is_none()
    }

    pub(crate) fn is_closing(&self) -> bool {
        !matches!(self.phase, Phase::Connecting | Phase::Open)
    }

    /// Begins to close. What was said to the peer until now is the farewell.
    pub(crate) fn finish(&mut self, reason: CloseReason) {
        self.phase = if self.is_open() && reason != CloseReason::Peer {
            Phase::Closing(reason)
        } else {
            Phase::Closed(reason)
        };
    }

    /// What goes before the next message.
    #[inline(always)]
    pub(crate) fn turn(&mut self, input: &mut BytesMut) -> Turn {
        match self.phase {
            Phase::Connecting | Phase::Open => match self.quirks.take() {
                Some(quirk) => Turn::Tolerated(quirk),
                None => Turn::Go,
            },
            _ => self.end_turn(input),
        }
    }

    #[cold]
    fn end_turn(&mut self, input: &mut BytesMut) -> Turn {
        match self.phase {
            Phase::Closed(reason) => {
                self.fail(SessionError::Closed);
                Turn::Closed(reason)
            }
            Phase::Failed => Turn::Failed(self.failure),
            _ => {
                input.clear();
                Turn::Wait
            }
        }
    }

    /// Lets a client speak first: it has nothing to wait for.
    pub(crate) fn open_handshake(&mut self) {
        if let Some(Handshake::Client(handshake)) = self.handshake.as_deref_mut() {
            // Nothing can fail before the server has said something.
            let _ = handshake.advance(&mut BytesMut::new(), &mut self.out);
        }
    }

    /// Goes on with the handshake. True once, when it is over.
    #[cold]
    pub(crate) fn shake_hands(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<bool, SessionError> {
        let Some(handshake) = &mut self.handshake else { return Ok(false) };
        let progress = match &mut **handshake {
            Handshake::Client(it) => it.advance(input, &mut self.out)?,
            Handshake::Server(it) => it.advance(input, &mut self.out)?,
        };
        if matches!(progress, Progress::NeedMore(_)) {
            return Ok(false);
        }
        while let Some(quirk) = match &mut **handshake {
            Handshake::Client(it) => it.take_quirk(),
            Handshake::Server(it) => it.take_quirk(),
        } {
            self.quirks.note(quirk);
        }
        self.handshake = None;
        self.received_at = now;
        self.timers.stop(Timer::Handshake);
        self.timers.set(Timer::Partial, now, self.timeouts.message);
        Ok(true)
    }

    /// The next message that the input completes, of whatever kind.
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Option<Message>, SessionError> {
        if self.aggregate.is_some()
            && let Some(message) = self.next_aggregated()
        {
            return Ok(Some(message));
        }
        let arrived = self.reader.consumed() + u64::try_from(input.len()).unwrap_or_default();
        if arrived != self.arrived {
            self.arrived = arrived;
            self.received_at = now;
            if arrived.saturating_sub(self.acked) >= self.ack_after {
                self.acknowledge(arrived);
            }
        }
        match self.reader.read(input) {
            Ok(Some(message)) => {
                // Told with the message they came before, so that cuts in the input do not change the order of events.
                while let Some(quirk) = self.reader.take_quirk() {
                    self.quirks.note(quirk);
                }
                Ok(Some(message))
            }
            Ok(None) => Ok(None),
            Err(why) => Err(why.into()),
        }
    }

    /// Deals with what is about the link itself, and says what the rest is.
    #[cold]
    pub(crate) fn sort(
        &mut self,
        message: Message,
        now: Instant,
    ) -> Result<Incoming, SessionError> {
        let kind = message.kind;
        if kind.is_control() {
            return self.handle_control(&message, now);
        }
        match kind {
            _ if message.payload.is_empty() => {
                self.quirks.note(Quirk::EmptyMessage);
                Ok(self.drop_message())
            }
            MessageType::AUDIO
            | MessageType::VIDEO
            | MessageType::DATA_AMF0
            | MessageType::DATA_AMF3
            | MessageType::COMMAND_AMF0
            | MessageType::COMMAND_AMF3
            | MessageType::SHARED_OBJECT_AMF0
            | MessageType::SHARED_OBJECT_AMF3 => Ok(Incoming::Message(message)),
            MessageType::AGGREGATE => {
                self.aggregate = Some(Box::new(Aggregate::new(message, &self.limits.chunks)));
                Ok(Incoming::Handled)
            }
            _ => self.count_unknown(),
        }
    }

    /// A message of a type that nobody knows, or a command without a name.
    pub(crate) fn count_unknown(&mut self) -> Result<Incoming, SessionError> {
        self.unknown += 1;
        if self.unknown > self.limits.max_unknown {
            let limit = u64::from(self.limits.max_unknown);
            return Err(self.limit(SessionLimit::UnknownMessages, limit));
        }
        Ok(self.drop_message())
    }

    /// Counts a message that nothing is done with.
    #[cold]
    pub(crate) fn drop_message(&mut self) -> Incoming {
        self.statistics.dropped += 1;
        Incoming::Handled
    }

    #[cold]
    fn next_aggregated(&mut self) -> Option<Message> {
        match self.aggregate.as_mut()?.next() {
            Some(Ok(message)) => return Some(message),
            // What came before the fault counts, the rest is dropped (RTMP 1.0 §7.1.6).
            Some(Err(_)) => self.statistics.dropped += 1,
            None => {}
        }
        self.aggregate = None;
        None
    }

    /// RTMP 1.0 §5.4 and §6.2. Set Chunk Size and Abort are the reader's.
    fn handle_control(
        &mut self,
        message: &Message,
        now: Instant,
    ) -> Result<Incoming, SessionError> {
        let elsewhere = message.chunk_stream != ChunkStreamId::CONTROL
            || message.stream != MessageStreamId::CONTROL;
        self.quirks.note_if(elsewhere, Quirk::ControlElsewhere);
        match Control::parse(message)? {
            Some(Control::Acknowledgement { received }) => self.statistics.acknowledged = received,
            Some(Control::WindowAckSize(window)) => {
                self.quirks.note_if(window < self.limits.min_window, Quirk::SmallWindow);
                self.ack_after = u64::from(window.max(self.limits.min_window) / 2);
            }
            // What peers want for an answer is a window like theirs (RTMP 1.0 §5.4.5).
            Some(Control::SetPeerBandwidth { window, .. })
                if window != self.window && window > 0 =>
            {
                self.announce_window(window);
            }
            Some(Control::User(event)) => return Ok(self.handle_event(event, now)),
            _ => {}
        }
        Ok(Incoming::Handled)
    }

    fn handle_event(&mut self, event: UserControl, now: Instant) -> Incoming {
        match event {
            UserControl::PingRequest { time } => {
                if self.pings.take(now) {
                    self.control(Control::User(UserControl::PingResponse { time }));
                }
            }
            UserControl::PingResponse { time } => {
                let trip = self.clock(now).wrapping_sub(time);
                // What answers no ping of ours would look like days.
                if trip <= 60_000 {
                    self.statistics.round_trip = Some(Duration::from_millis(u64::from(trip)));
                }
            }
            _ => return Incoming::User(event),
        }
        Incoming::Handled
    }

    #[cold]
    fn acknowledge(&mut self, arrived: u64) {
        self.acked = arrived;
        // Modulo 2³² is what the text wants (RTMP 1.0 §5.4.3).
        let received = u32::try_from(arrived & 0xFFFF_FFFF).unwrap_or_default();
        self.control(Control::Acknowledgement { received });
    }

    /// Takes one of the commands that the peer may give us, or fails.
    pub(crate) fn take_command(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.commands.take(now) {
            return Ok(());
        }
        let limit = u64::from(self.limits.commands_per_second);
        Err(self.limit(SessionLimit::Commands, limit))
    }

    #[cold]
    pub(crate) fn limit(&self, which: SessionLimit, limit: u64) -> SessionError {
        SessionError::Limit { offset: self.offset(), which, limit }
    }

    /// Where the last message ended.
    pub(crate) fn offset(&self) -> u64 {
        self.reader.consumed()
    }

    /// Lets the peer send messages as large as media needs.
    pub(crate) fn allow_media(&mut self) {
        self.reader.set_limits(self.limits.chunks);
    }

    // What goes out.

    pub(crate) fn announce_window(&mut self, window: u32) {
        self.window = window;
        self.control(Control::WindowAckSize(window));
    }

    pub(crate) fn announce_chunk_size(&mut self, size: ChunkSize) {
        self.control(Control::SetChunkSize(size));
    }

    /// Asks for an answer, whose time will be in the statistics.
    pub(crate) fn ping(&mut self, now: Instant) {
        let time = self.clock(now);
        self.user(UserControl::PingRequest { time });
    }

    pub(crate) fn control(&mut self, control: Control) {
        self.owe(|writer, out| writer.write_control(&control, out));
    }

    pub(crate) fn user(&mut self, event: UserControl) {
        self.control(Control::User(event));
    }

    /// Sends a command: on the connection's chunk stream, or on that of streams.
    pub(crate) fn command(&mut self, stream: MessageStreamId, command: &Command) {
        // Ours are flat and short: encoding cannot fail but for a text of the application's that passes 4 GiB.
        if let Ok(payload) = command.encode() {
            self.reply(MessageType::COMMAND_AMF0, stream, payload);
        }
    }

    pub(crate) fn reply(&mut self, kind: MessageType, stream: MessageStreamId, payload: Bytes) {
        let chunk_stream = if stream == MessageStreamId::CONTROL {
            ChunkStreamId::CONNECTION
        } else {
            ChunkStreamId::STREAM
        };
        let message = Message { chunk_stream, kind, stream, timestamp: 0, payload };
        self.owe(|writer, out| {
            // Too long for a message: only a text of the application's could be.
            let _ = writer.write(&message, out);
        });
    }

    /// Writes replies, and counts them: a peer that asks and does not read must not fill our memory.
    fn owe(&mut self, write: impl FnOnce(&mut ChunkWriter, &mut Outbox)) {
        if self.has_failed() {
            return;
        }
        let before = self.out.remaining();
        write(&mut self.writer, &mut self.out);
        self.owed = self.owed.min(before) + self.out.remaining() - before;
        if self.owed > usize::try_from(self.limits.max_replies).unwrap_or(usize::MAX) {
            let limit = u64::from(self.limits.max_replies);
            self.fail(self.limit(SessionLimit::Replies, limit));
        }
    }

    /// Sends media if there is room for it. One message always fits an empty outbox.
    pub(crate) fn send(
        &mut self,
        to: MessageStreamId,
        message: &SharedMessage,
    ) -> Result<(), SendError> {
        self.check_room(message.payload().len())?;
        self.writer.write_shared(message, to, &mut self.out);
        Ok(())
    }

    /// The same for a message that only this peer gets.
    pub(crate) fn send_own(&mut self, message: &Message) -> Result<(), SendError> {
        self.check_room(message.payload.len())?;
        self.writer.write(message, &mut self.out).map_err(|_| SendError::Unsupported)
    }

    fn check_room(&self, length: usize) -> Result<(), SendError> {
        if self.has_failed() {
            return Err(SendError::Closed);
        }
        if self.out.has_remaining() && self.out.room() < length {
            return Err(SendError::Full);
        }
        Ok(())
    }

    // Time.

    /// Milliseconds since the beginning, which wrap.
    fn clock(&self, now: Instant) -> u32 {
        let millis = now.saturating_duration_since(self.started).as_millis();
        u32::try_from(millis & 0xFFFF_FFFF).unwrap_or_default()
    }

    /// Starts the timers that are wanted and do not run, and stops those that are not wanted.
    pub(crate) fn arm(&mut self, wanted: &[(Timer, bool, Duration)], now: Instant) {
        self.timers.stop(Timer::Idle); // its span depends on the state
        for (timer, wanted, span) in wanted {
            if !wanted {
                self.timers.stop(*timer);
            } else if !self.timers.is_set(*timer) {
                self.timers.set(*timer, now, *span);
            }
        }
        // What the peer could not send while it was not read from is no silence.
        self.received_at = now;
    }

    /// Keeps the deadline that moves with each byte of the peer, without a look at it for each byte: true if it
    /// has passed, else it is set again.
    pub(crate) fn is_idle(&mut self, limit: Duration, now: Instant) -> bool {
        let quiet = now.saturating_duration_since(self.received_at);
        if quiet < limit {
            self.timers.set(Timer::Idle, self.received_at, limit);
        }
        quiet >= limit
    }

    /// Deals with the timers that are the same for both roles. `Some`: with this one it does not.
    pub(crate) fn handle_timer(&mut self, timer: Timer, now: Instant) -> Option<Timer> {
        match timer {
            Timer::Ping => {
                let (quiet, span) =
                    (now.saturating_duration_since(self.received_at), self.timeouts.ping);
                if quiet < span {
                    self.timers.set(Timer::Ping, self.received_at, span);
                } else {
                    self.ping(now);
                    self.timers.set(Timer::Ping, now, span);
                }
            }
            Timer::Write => {
                let waiting = self.out.has_remaining().then(|| self.out.taken());
                let stalled = waiting.is_some() && waiting == self.waiting;
                self.stalls = if stalled { self.stalls + 1 } else { 0 };
                self.waiting = waiting;
                if self.stalls >= 2 {
                    return Some(Timer::Write);
                }
                self.timers.set(Timer::Write, now, self.timeouts.write / 2);
            }
            Timer::Partial => {
                let (mark, oldest) = (self.partial_mark, self.reader.oldest_partial());
                if mark.zip(oldest).is_some_and(|(mark, oldest)| oldest < mark) {
                    return Some(Timer::Partial);
                }
                self.partial_mark = Some(self.reader.consumed());
                self.timers.set(Timer::Partial, now, self.timeouts.message);
            }
            Timer::Linger => {
                if let Phase::Closing(reason) = self.phase {
                    self.phase = Phase::Closed(reason);
                }
            }
            other => return Some(other),
        }
        None
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            received_bytes: self.reader.consumed(),
            sent_bytes: self.out.taken(),
            window: self.window,
            ..self.statistics.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use levada_handshake::Entropy;
    use levada_test::Clock;

    use super::*;

    fn link(now: Instant) -> Link {
        let handshake = Handshake::Server(ServerHandshake::new(Entropy::new([0; 1528])));
        let (limits, timeouts) = (SessionLimits::default(), Timeouts::default());
        Link::new(handshake, limits, timeouts, Tolerance::default(), now)
    }

    #[test]
    fn quirk_32_ctl_08_acknowledgements_wrap() {
        let mut link = link(Clock::new().now());
        link.acknowledge(4_294_967_312);
        let mut sent = link.out.copy_to_bytes(link.out.remaining());
        assert_eq!(sent.split_off(12)[..], [0, 0, 0, 16]);
        assert_eq!(link.acked, 4_294_967_312, "the distance to the next one does not wrap");
    }

    #[test]
    fn replies_count_until_they_are_taken() {
        let mut link = link(Clock::new().now());
        for _ in 0..3 {
            while !link.has_failed() && link.owed < 60_000 {
                link.user(UserControl::StreamBegin(MessageStreamId(1)));
            }
            assert!(!link.has_failed());
            link.out.advance(link.out.remaining());
            link.user(UserControl::StreamBegin(MessageStreamId(1)));
            assert_eq!(link.owed, 18);
        }
        // Media cannot be told apart from replies: these count for as long as that much waits.
        link.owed = 65_536;
        link.out.put(&[0; 65_536]);
        link.user(UserControl::StreamBegin(MessageStreamId(1)));
        assert!(link.has_failed());
    }
}
