//! The client's end of a connection.

mod command;
mod moved;

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{Message, MessageStreamId, MessageType, SharedMessage, UserControl};
use levada_handshake::{ClientHandshake, Entropy};

use crate::data::{self, Data};
use crate::link::{Handshake, Incoming, Link, Phase, Turn};
use crate::stream::{StreamInput, StreamState};
use crate::{
    Capabilities, ClientConfig, CloseReason, PlayStart, PublishKind, Purpose, Quirk, SendError,
    SessionError, Statistics, StatusInfo, Timer, auth,
};

pub use moved::{MoveReason, Moved};

/// The client's end of an RTMP connection: to publish, to play, or both.
///
/// ```text
///  handshake ─► Connecting ── _result ─► Open ── createStream, publish or play ─► streams
///                   └─ _error ─┐           │ close, `close`
///                              ▼           ▼
///                            Closing ── linger ─► Closed
/// ```
///
/// It connects by itself. What is to be published or played can be said at any time: it waits until the server has
/// answered.
///
/// A server may send a client elsewhere, and passwords take several connections: then the event
/// [`Moved`](ClientEvent::Moved) brings the configuration for the next session, over a new connection.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    link: Link,
    chance: String,
    server: Capabilities,
    /// What is wanted and was not asked for yet.
    wishes: VecDeque<Wish>,
    /// Streams being created, with the transactions that the answers will have.
    creating: VecDeque<(f64, Wish)>,
    streams: Vec<Stream>,
    last_transaction: u32,
    /// Media that came with the event before it.
    held: Option<Message>,
    /// The timers no longer fit the state: they are set at the next look at the clock.
    changed: bool,
}

/// What the application wants.
#[derive(Clone, Debug)]
struct Wish {
    name: String,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Publish(PublishKind),
    Play { start: PlayStart, duration_ms: Option<u32> },
}

#[derive(Debug)]
struct Stream {
    id: MessageStreamId,
    state: StreamState,
    name: String,
    purpose: Purpose,
}

/// What a [`ClientSession`] tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server lets us use the application.
    Connected {
        /// What it says it is.
        version: String,
        /// What it declares of Enhanced RTMP. Nothing does not mean that it refuses.
        capabilities: Capabilities,
    },
    /// The server takes what is sent on this stream.
    Publishing(MessageStreamId),
    /// The server sends on this stream.
    Playing(MessageStreamId),
    /// The server sent audio, video or data.
    Media {
        /// On which stream.
        stream: MessageStreamId,
        /// What.
        message: Message,
    },
    /// The server says something about a stream, or (0) about the connection.
    Status {
        /// Which.
        stream: MessageStreamId,
        /// What.
        info: StatusInfo,
    },
    /// The server has sent all there is, for now.
    EndOfStream(MessageStreamId),
    /// The server refuses, or takes back what it had allowed. After a refused connect the session closes.
    Rejected {
        /// What it refuses.
        purpose: Purpose,
        /// On which stream, if there is one.
        stream: Option<MessageStreamId>,
        /// Why.
        info: StatusInfo,
    },
    /// The server sends us elsewhere, or wants a password: open a new session.
    Moved(Box<Moved>),
    /// The server did something against the text that is accepted.
    Tolerated(Quirk),
    /// The session is over. Every later call gives [`SessionError::Closed`].
    Closed(CloseReason),
}

impl ClientSession {
    /// A session for a connection that was just made. `entropy` are random bytes for the handshake.
    pub fn new(config: ClientConfig, entropy: Entropy, now: Instant) -> Self {
        let chance = auth::chance(entropy.bytes());
        let handshake = if config.digest {
            ClientHandshake::with_digest(entropy)
        } else {
            ClientHandshake::new(entropy)
        };
        let handshake = Handshake::Client(handshake);
        let mut link = Link::new(handshake, config.limits, config.timeouts, config.tolerance, now);
        link.allow_media();
        link.open_handshake();
        Self {
            config,
            link,
            chance,
            server: Capabilities::default(),
            wishes: VecDeque::new(),
            creating: VecDeque::new(),
            streams: Vec::new(),
            last_transaction: 0,
            held: None,
            changed: false,
        }
    }

    /// What the server declared of Enhanced RTMP.
    pub fn server(&self) -> &Capabilities {
        &self.server
    }

    /// What was counted so far.
    pub fn statistics(&self) -> Statistics {
        self.link.statistics()
    }

    /// The name that a stream was asked for by.
    pub fn name(&self, stream: MessageStreamId) -> Option<&str> {
        self.streams.iter().find(|it| it.id == stream).map(|it| it.name.as_str())
    }

    /// Asks to publish under a name or key. [`Publishing`](ClientEvent::Publishing) or
    /// [`Rejected`](ClientEvent::Rejected) is the answer.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] when there are [`max_streams`](crate::SessionLimits::max_streams) already.
    pub fn publish(&mut self, name: &str, kind: PublishKind) -> Result<(), SendError> {
        self.wish(Wish { name: name.to_owned(), what: What::Publish(kind) })
    }

    /// Asks to play a stream. [`Playing`](ClientEvent::Playing) or [`Rejected`](ClientEvent::Rejected) is the answer.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] when there are [`max_streams`](crate::SessionLimits::max_streams) already.
    pub fn play(
        &mut self,
        name: &str,
        start: PlayStart,
        duration_ms: Option<u32>,
    ) -> Result<(), SendError> {
        self.wish(Wish { name: name.to_owned(), what: What::Play { start, duration_ms } })
    }

    /// Sends audio, video or data of a stream that we publish: the messages that a
    /// [`ServerSession`](crate::ServerSession) gives, with `@setDataFrame` put back before metadata.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] when the server does not read fast enough; nothing is sent then.
    pub fn send(&mut self, to: MessageStreamId, message: &SharedMessage) -> Result<(), SendError> {
        if self.link.phase != Phase::Open {
            return Err(SendError::Closed);
        }
        let publishes = |it: &Stream| it.id == to && it.state == StreamState::Publishing;
        if !self.streams.iter().any(publishes) {
            return Err(SendError::NoSuchStream);
        }
        if message.kind() == MessageType::DATA_AMF0
            && let Some(payload) = data::wrap(message.payload())
        {
            let own = Message::new(message.kind(), to, message.timestamp(), payload);
            return self.link.send_own(&own);
        }
        self.link.send(to, message)
    }

    /// Measures the [round trip](Statistics::round_trip). Servers that do not answer leave it as it is.
    pub fn ping(&mut self, now: Instant) {
        if self.link.phase == Phase::Open {
            self.link.ping(now);
        }
    }

    /// Ends a stream: what we publish, or what we play.
    pub fn stop(&mut self, stream: MessageStreamId) {
        if let Some(index) = self.streams.iter().position(|it| it.id == stream) {
            let stream = self.streams.remove(index);
            self.end_stream(&stream);
            self.changed = true;
        }
    }

    /// Says goodbye: ends the streams, and closes when the server does or has had time to.
    pub fn close(&mut self, now: Instant) {
        self.finish(CloseReason::Local);
        self.arm(now);
    }

    fn wish(&mut self, wish: Wish) -> Result<(), SendError> {
        if self.link.is_closing() {
            return Err(SendError::Closed);
        }
        let streams = self.streams.len() + self.creating.len() + self.wishes.len();
        if streams >= usize::from(self.link.limits.max_streams) {
            return Err(SendError::Full);
        }
        self.wishes.push_back(wish);
        self.ask_for_wishes();
        Ok(())
    }

    fn handle_message(
        &mut self,
        message: Message,
        now: Instant,
    ) -> Result<Option<ClientEvent>, SessionError> {
        match message.kind {
            MessageType::AUDIO | MessageType::VIDEO => Ok(self.handle_media(message)),
            MessageType::DATA_AMF0 | MessageType::DATA_AMF3 => Ok(self.handle_data(message)),
            MessageType::COMMAND_AMF0 | MessageType::COMMAND_AMF3 => {
                self.handle_command(message, now)
            }
            _ => {
                self.link.drop_message();
                Ok(None)
            }
        }
    }

    fn handle_media(&mut self, message: Message) -> Option<ClientEvent> {
        let id = message.stream;
        let stream = self.streams.iter_mut().find(|it| it.id == id);
        match stream.as_ref().map(|it| it.state) {
            Some(StreamState::Playing | StreamState::Paused) => {
                Some(ClientEvent::Media { stream: id, message })
            }
            Some(StreamState::PlayAsked) => {
                self.link.quirks.note(Quirk::EarlyMedia);
                self.held = Some(message);
                self.start(id)
            }
            _ => {
                self.link.drop_message();
                None
            }
        }
    }

    fn handle_data(&mut self, message: Message) -> Option<ClientEvent> {
        let Data::Forward { message, .. } = data::unwrap(message) else {
            self.link.drop_message();
            return None;
        };
        match data::name(&message.payload) {
            // For Flash: whether scripts may see samples, and that data comes now.
            b"|RtmpSampleAccess" | b"onStatus" => None,
            b"onPlayStatus" => {
                let info = data::status(&message.payload, self.link.limits.amf)?;
                Some(ClientEvent::Status { stream: message.stream, info })
            }
            _ => self.handle_media(message),
        }
    }

    fn end_of_stream(&self, stream: MessageStreamId) -> Option<ClientEvent> {
        let plays = |it: &Stream| it.id == stream && it.state == StreamState::Playing;
        self.streams.iter().any(plays).then_some(ClientEvent::EndOfStream(stream))
    }

    /// The server lets a stream begin.
    fn start(&mut self, id: MessageStreamId) -> Option<ClientEvent> {
        let stream = self.streams.iter_mut().find(|it| it.id == id)?;
        if !stream.step(StreamInput::Accept) {
            return None;
        }
        self.changed = true;
        Some(match stream.purpose {
            Purpose::Publish => ClientEvent::Publishing(id),
            _ => ClientEvent::Playing(id),
        })
    }

    /// Begins to close. What was said to the server until now is the farewell.
    fn finish(&mut self, reason: CloseReason) {
        if self.link.is_closing() {
            return;
        }
        for stream in core::mem::take(&mut self.streams) {
            self.end_stream(&stream);
        }
        self.wishes.clear();
        self.creating.clear();
        self.held = None;
        self.link.finish(reason);
        self.changed = true;
    }

    /// Sets the timers that the state asks for.
    fn arm(&mut self, now: Instant) {
        if !core::mem::take(&mut self.changed) || self.link.has_failed() {
            return;
        }
        let timeouts = &self.config.timeouts;
        let asks = !self.creating.is_empty() || self.streams.iter().any(|it| it.state.is_asked());
        let plays = self.streams.iter().any(|it| it.state == StreamState::Playing);
        let connecting = self.link.is_open() && self.link.phase == Phase::Connecting;
        let wanted: [(Timer, bool, Duration); 4] = [
            (Timer::Connect, connecting, timeouts.connect),
            (Timer::Stream, asks, timeouts.stream),
            (Timer::Idle, plays, timeouts.quiet),
            (Timer::Linger, matches!(self.link.phase, Phase::Closing(_)), timeouts.linger),
        ];
        self.link.arm(&wanted, now);
    }
}

impl Endpoint for ClientSession {
    type Event = ClientEvent;
    type Error = SessionError;

    fn next_event(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Option<ClientEvent>, SessionError> {
        loop {
            if self.changed {
                self.arm(now);
            }
            match self.link.turn(input) {
                Turn::Tolerated(quirk) => return Ok(Some(ClientEvent::Tolerated(quirk))),
                Turn::Closed(reason) => return Ok(Some(ClientEvent::Closed(reason))),
                Turn::Failed(why) => return Err(why),
                Turn::Wait => return Ok(None),
                Turn::Go => {}
            }
            if let Some(message) = self.held.take() {
                return Ok(Some(ClientEvent::Media { stream: message.stream, message }));
            }
            if !self.link.is_open() {
                match self.link.shake_hands(input, now) {
                    Ok(true) => self.connect(),
                    Ok(false) => return Ok(None),
                    Err(why) => return Err(self.link.fail(why)),
                }
                continue;
            }
            let message = match self.link.read(input, now) {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(None),
                Err(why) => return Err(self.link.fail(why)),
            };
            let event = match self.link.sort(message, now) {
                Ok(Incoming::Message(message)) => self.handle_message(message, now),
                Ok(Incoming::User(UserControl::StreamEof(id))) => Ok(self.end_of_stream(id)),
                Ok(_) => Ok(None),
                Err(why) => Err(why),
            };
            match event {
                Ok(None) => {}
                Ok(event) => {
                    self.arm(now);
                    return Ok(event);
                }
                Err(why) => return Err(self.link.fail(why)),
            }
        }
    }

    fn output(&mut self) -> &mut Outbox {
        &mut self.link.out
    }

    fn deadline(&self) -> Option<Instant> {
        self.link.timers.next()
    }

    fn handle_timeout(&mut self, now: Instant) {
        while !self.link.has_failed() {
            let Some(timer) = self.link.timers.take_due(now) else { break };
            let quiet = self.config.timeouts.quiet;
            match self.link.handle_timer(timer, now) {
                None => {}
                Some(Timer::Idle) if !self.link.is_idle(quiet, now) => {}
                Some(overdue) => {
                    self.link.fail(SessionError::Timeout(overdue));
                }
            }
        }
        self.arm(now);
    }
}

impl Stream {
    /// Moves in the table of [`StreamState`]. False, and no move, if it has no such one.
    fn step(&mut self, input: StreamInput) -> bool {
        let next = self.state.next(input);
        self.state = next.unwrap_or(self.state);
        next.is_some()
    }
}
