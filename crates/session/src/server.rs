//! The server's end of a connection.

mod answer;
mod command;
mod play;

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{Message, MessageStreamId, MessageType, SharedMessage};
use levada_handshake::{Entropy, ServerHandshake};

use crate::data::{self, Data};
use crate::link::{Handshake, Incoming, Link, Phase, Turn};
use crate::request::Serial;
use crate::stream::{StreamInput, StreamState};
use crate::{
    Capabilities, CloseReason, ConnectRequest, PlayRequest, PublishKind, PublishRequest, Quirk,
    Rejection, SendError, ServerConfig, SessionError, Statistics, Status, Timer,
};

/// What metadata that came before its stream may take: real metadata has some hundred bytes.
const MAX_EARLY: usize = 64 * 1024;

/// The server's end of an RTMP connection.
///
/// ```text
///  handshake ─► Connecting ── connect ─► asked ── accept ─► Open ── publish, play, … ─► streams
///                                          └─── reject ─┐    │ close, `close`, refusal
///                                                       ▼    ▼
///                                                    Closing ── linger ─► Closed
/// ```
///
/// While a request is unanswered the session reads no further: what follows a `publish` waits in the input until the
/// application has said yes. So a driver stops reading when its input holds 64 KiB, answers in time (an
/// unanswered request is refused after [`Timeouts::answer`](crate::Timeouts::answer)), and calls
/// [`next_event`](Endpoint::next_event) after each answer, because there may be input left.
#[derive(Debug)]
pub struct ServerSession {
    config: Arc<ServerConfig>,
    link: Link,
    app: String,
    peer: Capabilities,
    streams: Vec<Stream>,
    last_stream: u32,
    asked: Option<Asked>,
    last_serial: Serial,
    /// Metadata that came before its stream was accepted.
    early: Option<Message>,
    /// A publisher was accepted and has sent no media yet.
    awaits_media: bool,
    /// The timers no longer fit the state: they are set at the next look at the clock.
    changed: bool,
}

/// One message stream.
#[derive(Debug)]
struct Stream {
    id: MessageStreamId,
    state: StreamState,
    /// The name as the client wrote it.
    name: Vec<u8>,
    kind: PublishKind,
    recorded: bool,
    /// What a player wants to get.
    audio: bool,
    video: bool,
}

/// A request that waits for the application's answer, and what is needed to give it.
#[derive(Debug)]
struct Asked {
    serial: Serial,
    what: What,
}

#[derive(Debug)]
enum What {
    Connect { transaction: f64, encoding: f64 },
    Publish { stream: MessageStreamId },
    Play { stream: MessageStreamId, reset: bool, switch: bool, name: Vec<u8> },
}

/// What a [`ServerSession`] tells.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A client wants to connect. Requests are long and boxed, so that events are short.
    Connect(Box<ConnectRequest>),
    /// A client wants to publish.
    Publish(Box<PublishRequest>),
    /// A client wants to play.
    Play(Box<PlayRequest>),
    /// A publisher sent audio, video or data, ready to be sent to players as it is: `@setDataFrame` is taken off.
    Media {
        /// The publisher's message stream.
        stream: MessageStreamId,
        /// What it sent.
        message: Message,
    },
    /// A publisher wants the metadata forgotten that it sent before.
    MetadataCleared {
        /// The publisher's message stream.
        stream: MessageStreamId,
    },
    /// A player wants less, or more again. The session obeys by itself: what is sent all the same is left out.
    Flow {
        /// The player's message stream.
        stream: MessageStreamId,
        /// What it wants.
        flow: Flow,
    },
    /// A publisher or player ended a stream.
    StreamClosed(MessageStreamId),
    /// The peer did something against the text that is accepted.
    Tolerated(Quirk),
    /// The session is over. Every later call gives [`SessionError::Closed`].
    Closed(CloseReason),
}

/// How a player wants to be sent to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Flow {
    /// Nothing for now.
    Pause,
    /// Again. Begin at a keyframe.
    Resume,
    /// Audio or none.
    Audio(bool),
    /// Video or none. If so, begin at a keyframe.
    Video(bool),
    /// Go on from there. Only of recordings.
    Seek {
        /// Milliseconds from the beginning.
        to_ms: u32,
    },
}

impl ServerSession {
    /// A session for a connection that was just accepted. `entropy` are random bytes for the handshake.
    pub fn new(config: Arc<ServerConfig>, entropy: Entropy, now: Instant) -> Self {
        let handshake = Handshake::Server(ServerHandshake::new(entropy));
        let link = Link::new(handshake, config.limits, config.timeouts, config.tolerance, now);
        Self {
            config,
            link,
            app: String::new(),
            peer: Capabilities::default(),
            streams: Vec::new(),
            last_stream: 0,
            asked: None,
            last_serial: 0,
            early: None,
            awaits_media: false,
            changed: false,
        }
    }

    /// What the client declared of Enhanced RTMP.
    pub fn peer(&self) -> &Capabilities {
        &self.peer
    }

    /// What was counted so far.
    pub fn statistics(&self) -> Statistics {
        self.link.statistics()
    }

    /// Sends audio, video or data to a player.
    ///
    /// What the player does not want at the moment ([`ServerEvent::Flow`]) is left out.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] when the player does not read fast enough; nothing is sent then.
    pub fn send(&mut self, to: MessageStreamId, message: &SharedMessage) -> Result<(), SendError> {
        if self.link.phase != Phase::Open {
            return Err(SendError::Closed);
        }
        let stream = self.streams.iter().find(|it| it.id == to).ok_or(SendError::NoSuchStream)?;
        let wanted = match stream.state {
            StreamState::Playing => stream.wants(message),
            StreamState::Paused => false,
            _ => return Err(SendError::NoSuchStream),
        };
        if wanted { self.link.send(to, message) } else { Ok(()) }
    }

    /// Says goodbye: ends the streams, tells the peer, and closes when the peer does or has had time to.
    pub fn close(&mut self, now: Instant) {
        self.finish(CloseReason::Local);
        self.arm(now);
    }

    #[cold]
    fn greeted(&mut self, now: Instant) {
        self.link.timers.set(Timer::Ping, now, self.config.timeouts.ping);
        self.changed = true;
    }

    /// Everything but media, out of the way of what is hot.
    #[cold]
    fn handle_message(
        &mut self,
        message: Message,
        now: Instant,
    ) -> Result<Option<ServerEvent>, SessionError> {
        match message.kind {
            // Without a payload, or it would not have come here.
            MessageType::AUDIO | MessageType::VIDEO => Ok(None),
            MessageType::DATA_AMF0 | MessageType::DATA_AMF3 => Ok(self.handle_data(message)),
            MessageType::COMMAND_AMF0 | MessageType::COMMAND_AMF3 => {
                self.handle_command(message, now)
            }
            _ => {
                self.refuse_shared_object(&message, now)?;
                Ok(None)
            }
        }
    }

    /// The stream that media on `id` belongs to, if somebody publishes there.
    #[inline]
    fn admit(&mut self, id: MessageStreamId) -> Option<MessageStreamId> {
        let stream = self.publisher(id);
        if stream.is_none() {
            self.link.drop_message();
        } else if self.awaits_media {
            self.awaits_media = false;
            self.link.timers.stop(Timer::FirstMedia);
        }
        stream
    }

    fn handle_data(&mut self, message: Message) -> Option<ServerEvent> {
        let (mut message, numbers_skipped) = match data::unwrap(message) {
            Data::Forward { message, numbers_skipped } => (message, numbers_skipped),
            Data::Clear => {
                self.early = None;
                let stream = self.streams.iter().find(|it| it.state == StreamState::Publishing)?;
                return Some(ServerEvent::MetadataCleared { stream: stream.id });
            }
            Data::Nothing => {
                self.link.drop_message();
                return None;
            }
        };
        self.link.quirks.note_if(numbers_skipped, Quirk::NumbersBeforeData);
        if let Some(stream) = self.publisher(message.stream) {
            message.stream = stream;
            return Some(ServerEvent::Media { stream, message });
        }
        if self.link.phase == Phase::Open && message.payload.len() <= MAX_EARLY {
            message.payload = bytes::Bytes::copy_from_slice(&message.payload);
            self.early = Some(message);
        } else {
            self.link.drop_message();
        }
        None
    }

    /// Metadata that came before the stream it belongs to, now that this is there.
    #[cold]
    fn take_early(&mut self) -> Option<ServerEvent> {
        let stream = self.publisher(self.early.as_ref()?.stream)?;
        let message = self.early.take()?;
        self.link.quirks.note(Quirk::EarlyMetadata);
        Some(ServerEvent::Media { stream, message: Message { stream, ..message } })
    }

    #[inline]
    fn publisher(&mut self, id: MessageStreamId) -> Option<MessageStreamId> {
        if self.streams.iter().any(|it| it.id == id && it.state == StreamState::Publishing) {
            return Some(id);
        }
        if id == MessageStreamId::CONTROL { self.only_publisher() } else { None }
    }

    #[cold]
    fn only_publisher(&mut self) -> Option<MessageStreamId> {
        // Some encoders publish on a stream and send on 0. With two publishers nobody could tell whose it is.
        let publishes = |it: &&Stream| it.state == StreamState::Publishing;
        let mut publishers = self.streams.iter().filter(publishes);
        let (Some(only), None) = (publishers.next(), publishers.next()) else { return None };
        let id = only.id;
        self.link.quirks.note(Quirk::MediaOnStreamZero);
        Some(id)
    }

    fn stream(&mut self, id: MessageStreamId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|it| it.id == id)
    }

    /// Begins to close. What was said to the peer until now is the farewell.
    fn finish(&mut self, reason: CloseReason) {
        if self.link.is_closing() {
            return;
        }
        if self.link.is_open() {
            for index in 0..self.streams.len() {
                self.end_stream(index, StreamInput::Stop);
            }
        }
        self.streams.clear();
        self.asked = None;
        self.early = None;
        self.link.finish(reason);
        self.changed = true;
    }

    /// Sets the timers that the state asks for.
    fn arm(&mut self, now: Instant) {
        if !core::mem::take(&mut self.changed) || self.link.has_failed() {
            return;
        }
        let timeouts = &self.config.timeouts;
        let live = self.streams.iter().any(|it| it.state.is_live());
        let waits = self.asked.is_none();
        let is_open = self.link.phase == Phase::Open && waits;
        let wanted: [(Timer, bool, Duration); 6] = [
            (Timer::Answer, !waits, timeouts.answer),
            (Timer::Connect, self.link.phase == Phase::Connecting && waits, timeouts.connect),
            (Timer::Stream, is_open && !live, timeouts.stream),
            (Timer::Idle, is_open, self.silence()),
            (Timer::FirstMedia, is_open && self.awaits_media, timeouts.first_media),
            (Timer::Linger, matches!(self.link.phase, Phase::Closing(_)), timeouts.linger),
        ];
        self.link.arm(&wanted, now);
    }

    /// How long the peer may say nothing.
    fn silence(&self) -> Duration {
        let publishes = self.streams.iter().any(|it| it.state == StreamState::Publishing);
        if publishes { self.config.timeouts.publisher } else { self.config.timeouts.quiet }
    }

    fn handle_due(&mut self, timer: Timer, now: Instant) {
        let Some(timer) = self.link.handle_timer(timer, now) else { return };
        match timer {
            Timer::Answer => {
                if let Some(asked) = self.asked.take() {
                    self.refuse(&asked.what, &Rejection::unavailable("no answer in time"));
                }
            }
            Timer::Idle if !self.link.is_idle(self.silence(), now) => {}
            overdue => {
                let status = match overdue {
                    Timer::Idle | Timer::FirstMedia | Timer::Stream => Status::ConnectIdleTimeout,
                    _ => Status::ConnectClosed,
                };
                if self.link.phase == Phase::Open {
                    self.status(MessageStreamId::CONTROL, status, overdue.to_string());
                }
                self.link.fail(SessionError::Timeout(overdue));
            }
        }
    }
}

impl Endpoint for ServerSession {
    type Event = ServerEvent;
    type Error = SessionError;

    fn next_event(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Option<ServerEvent>, SessionError> {
        loop {
            if self.changed {
                self.arm(now);
            }
            match self.link.turn(input) {
                Turn::Tolerated(quirk) => return Ok(Some(ServerEvent::Tolerated(quirk))),
                Turn::Closed(reason) => return Ok(Some(ServerEvent::Closed(reason))),
                Turn::Failed(why) => return Err(why),
                Turn::Wait => return Ok(None),
                Turn::Go if self.asked.is_some() => return Ok(None),
                Turn::Go => {}
            }
            if !self.link.is_open() {
                match self.link.shake_hands(input, now) {
                    Ok(true) => {
                        self.greeted(now);
                        continue;
                    }
                    Ok(false) => return Ok(None),
                    Err(why) => return Err(self.link.fail(why)),
                }
            }
            if self.early.is_some()
                && let Some(event) = self.take_early()
            {
                return Ok(Some(event));
            }
            let mut message = match self.link.read(input, now) {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(None),
                Err(why) => return Err(self.link.fail(why)),
            };
            // The one path that is hot.
            if matches!(message.kind, MessageType::AUDIO | MessageType::VIDEO)
                && !message.payload.is_empty()
            {
                let Some(stream) = self.admit(message.stream) else { continue };
                message.stream = stream;
                return Ok(Some(ServerEvent::Media { stream, message }));
            }
            let event = match self.link.sort(message, now) {
                Ok(Incoming::Message(message)) => self.handle_message(message, now),
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
            self.handle_due(timer, now);
        }
        self.arm(now);
    }
}

impl Stream {
    fn wants(&self, message: &SharedMessage) -> bool {
        match message.kind() {
            MessageType::AUDIO => self.audio,
            MessageType::VIDEO => self.video,
            // FFmpeg makes an empty data message a stream of its own.
            _ => !message.payload().is_empty(),
        }
    }

    /// Moves in the table of [`StreamState`]. False, and no move, if it has no such one.
    fn step(&mut self, input: StreamInput) -> bool {
        let next = self.state.next(input);
        self.state = next.unwrap_or(self.state);
        next.is_some()
    }
}
