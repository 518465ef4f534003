//! What a client says, and what a server's commands mean. RTMP 1.0 §7.2.

use std::time::Instant;

use levada_amf::{AmfError, Object, Value};
use levada_chunk::{Message, MessageStreamId, UserControl};

use super::{ClientEvent, ClientSession, Stream, What, Wish};
use crate::link::Phase;
use crate::stream::{StreamInput, StreamState};
use crate::{
    Capabilities, CloseReason, Command, Level, PlayStart, Purpose, Quirk, SendError, SessionError,
    Status, StatusInfo,
};

impl ClientSession {
    /// RTMP 1.0 §7.2.1.1.
    pub(super) fn connect(&mut self) {
        let config = &self.config;
        let publishes = self.wishes.iter().any(|it| matches!(it.what, What::Publish(_)));
        let version = config.flash_version.clone().unwrap_or_else(|| {
            let version = if publishes { "FMLE/3.0 (compatible; Levada)" } else { "LNX 9,0,124,2" };
            version.to_owned()
        });
        let own = &config.capabilities;
        let mut object = Object::new()
            .with("app", config.url.app.clone())
            .with("type", "nonprivate")
            .with("flashVer", version)
            .with("tcUrl", config.url.tc_url())
            .with("fpad", false)
            .with("capabilities", 15)
            .with("audioCodecs", own.audio_codecs)
            .with("videoCodecs", own.video_codecs)
            .with("videoFunction", own.video_function)
            .with("objectEncoding", 0);
        own.write(&mut object);
        let mut command = Command::new("connect", self.next_transaction()).with(object);
        command.values.extend(self.config.arguments.iter().cloned());
        self.link.command(MessageStreamId::CONTROL, &command);
        self.changed = true;
    }

    /// Asks for a stream for each wish, once that is possible.
    pub(super) fn ask_for_wishes(&mut self) {
        if self.link.phase != Phase::Open {
            return;
        }
        while let Some(wish) = self.wishes.pop_front() {
            let name = Value::from(wish.name.clone());
            match wish.what {
                // Servers of the FMS family forget a dead publisher of that name, and find the right machine for it.
                What::Publish(_) => {
                    self.call("releaseStream", name.clone());
                    self.call("FCPublish", name);
                }
                What::Play { .. } if self.config.subscribe => {
                    self.call("FCSubscribe", name);
                }
                What::Play { .. } => {}
            }
            let transaction = self.next_transaction();
            let command = Command::new("createStream", transaction).with(Value::Null);
            self.link.command(MessageStreamId::CONTROL, &command);
            self.creating.push_back((transaction, wish));
            self.changed = true;
        }
    }

    /// Publishes or plays on a stream that the server created.
    fn begin(&mut self, id: MessageStreamId, wish: Wish) {
        let Wish { name, what } = wish;
        let transaction = self.next_transaction();
        let (purpose, state) = match what {
            What::Publish(kind) => {
                // YouTube takes no other type than the literal "live".
                let command = Command::new("publish", transaction)
                    .with(Value::Null)
                    .with(name.clone())
                    .with(kind.as_str());
                self.link.command(id, &command);
                (Purpose::Publish, StreamState::PublishAsked)
            }
            What::Play { start, duration_ms } => {
                let millis = self.config.buffer_ms;
                self.link.user(UserControl::SetBufferLength { stream: id, millis });
                let mut command = Command::new("play", transaction)
                    .with(Value::Null)
                    .with(name.clone())
                    .with(start_argument(start));
                command.values.extend(duration_ms.map(Value::from));
                self.link.command(id, &command);
                (Purpose::Play, StreamState::PlayAsked)
            }
        };
        self.streams.push(Stream { id, state, name, purpose });
        self.changed = true;
    }

    /// Asks to stop sending for a while, or to go on. Live streams go on at the present.
    ///
    /// # Errors
    ///
    /// [`SendError::NoSuchStream`] when nothing plays there, or it is so already.
    pub fn pause(
        &mut self,
        stream: MessageStreamId,
        pause: bool,
        at_ms: u32,
    ) -> Result<(), SendError> {
        let input = if pause { StreamInput::Pause } else { StreamInput::Resume };
        let own = self.streams.iter_mut().find(|it| it.id == stream);
        if !own.ok_or(SendError::NoSuchStream)?.step(input) {
            return Err(SendError::NoSuchStream);
        }
        let command = Command::new("pause", 0.0).with(Value::Null).with(pause).with(at_ms);
        self.link.command(stream, &command);
        Ok(())
    }

    /// Asks to go on from another place of a recording.
    ///
    /// # Errors
    ///
    /// [`SendError::NoSuchStream`] when nothing plays there.
    pub fn seek(&mut self, stream: MessageStreamId, to_ms: u32) -> Result<(), SendError> {
        let plays = |it: &Stream| it.id == stream && it.state == StreamState::Playing;
        if !self.streams.iter().any(plays) {
            return Err(SendError::NoSuchStream);
        }
        let command = Command::new("seek", 0.0).with(Value::Null).with(to_ms);
        self.link.command(stream, &command);
        Ok(())
    }

    pub(super) fn end_stream(&mut self, stream: &Stream) {
        if stream.purpose == Purpose::Publish {
            self.call("FCUnpublish", stream.name.clone().into());
        }
        self.call("deleteStream", stream.id.0.into());
    }

    /// A command of the connection with one argument, whose answer nobody waits for.
    fn call(&mut self, name: &'static str, argument: Value) {
        let command = Command::new(name, self.next_transaction()).with(Value::Null).with(argument);
        self.link.command(MessageStreamId::CONTROL, &command);
    }

    fn next_transaction(&mut self) -> f64 {
        self.last_transaction += 1;
        self.last_transaction.into()
    }

    // What comes back.

    pub(super) fn handle_command(
        &mut self,
        message: Message,
        now: Instant,
    ) -> Result<Option<ClientEvent>, SessionError> {
        self.link.take_command(now)?;
        let Message { kind, stream, payload, .. } = message;
        let command = match Command::parse(kind, payload, self.link.limits.amf) {
            Ok(command) => command,
            Err(why @ AmfError::Limit { .. }) => {
                return Err(SessionError::Command { offset: self.link.offset(), why });
            }
            Err(_) => {
                self.link.count_unknown()?;
                return Ok(None);
            }
        };
        self.link.quirks.note_if(command.cut.is_some(), Quirk::BytesAfterCommand);
        Ok(match command.name.as_bytes() {
            b"_result" => self.handle_result(&command),
            b"_error" => self.handle_error(&command),
            b"onStatus" => self.handle_status(stream, &command),
            b"onBWDone" => {
                let check = Command::new("_checkbw", self.next_transaction()).with(Value::Null);
                self.link.command(MessageStreamId::CONTROL, &check);
                None
            }
            b"_onbwcheck" => {
                let result = Command::new("_result", command.transaction).with(Value::Null);
                self.link.command(MessageStreamId::CONTROL, &result.with(0));
                None
            }
            b"ping" => {
                let pong = Command::new("pong", command.transaction).with(Value::Null);
                self.link.command(MessageStreamId::CONTROL, &pong);
                None
            }
            b"close" => {
                self.finish(CloseReason::Peer);
                None
            }
            b"" => {
                self.link.count_unknown()?;
                None
            }
            // onFCPublish and its like, _onbwdone, methods of applications that we do not have.
            _ => None,
        })
    }

    fn handle_result(&mut self, command: &Command) -> Option<ClientEvent> {
        if self.link.phase == Phase::Connecting {
            return answers_connect(command).then(|| self.connected(command));
        }
        let created = command.value(1).to_u32().filter(|it| *it > 0).map(MessageStreamId);
        let id = created.filter(|id| self.streams.iter().all(|it| it.id != *id))?;
        let wish = self.take_created(command.transaction)?;
        self.begin(id, wish);
        None
    }

    /// The wish that a stream was created for. nginx-rtmp, SRS and Reolink forget the transaction now and then: then
    /// it is the oldest one.
    fn take_created(&mut self, transaction: f64) -> Option<Wish> {
        let index = self.creating.iter().position(|(own, _)| *own == transaction);
        if index.is_none() && transaction != 0.0 {
            return None;
        }
        let (_, wish) = self.creating.remove(index.unwrap_or_default())?;
        self.link.quirks.note_if(index.is_none(), Quirk::AnswerWithoutTransaction);
        Some(wish)
    }

    fn connected(&mut self, command: &Command) -> ClientEvent {
        if command.transaction != 1.0 {
            self.link.quirks.note(Quirk::AnswerWithoutTransaction);
        }
        if StatusInfo::parse(command.value(1)).level == Level::Error {
            return self.connect_refused(command.value(1));
        }
        let mut capabilities = Capabilities::default();
        for object in [command.value(0), command.value(1)].into_iter().filter_map(Value::as_object)
        {
            capabilities.read(object);
        }
        self.server = capabilities.clone();
        let version = command.value(0).as_object().and_then(|it| it.str("fmsVer"));
        let version = version.unwrap_or_default().to_owned();
        self.link.phase = Phase::Open;
        self.link.announce_window(self.config.window);
        self.link.announce_chunk_size(self.config.chunk_size);
        self.ask_for_wishes();
        self.changed = true;
        ClientEvent::Connected { version, capabilities }
    }

    fn handle_error(&mut self, command: &Command) -> Option<ClientEvent> {
        let info = if command.value(1).as_object().is_some() {
            command.value(1)
        } else {
            command.value(0)
        };
        if self.link.phase == Phase::Connecting {
            return answers_connect(command).then(|| self.connect_refused(info));
        }
        // Of releaseStream, FCPublish and _checkbw nobody needs the answer.
        let (own, _) = self.creating.front()?;
        let transaction = command.transaction;
        if transaction != *own && self.creating.iter().all(|(own, _)| *own != transaction) {
            return None;
        }
        let wish = self.take_created(transaction)?;
        self.changed = true;
        let info = StatusInfo::parse(info);
        Some(ClientEvent::Rejected { purpose: wish.purpose(), stream: None, info })
    }

    fn handle_status(&mut self, stream: MessageStreamId, command: &Command) -> Option<ClientEvent> {
        let value = command.value(1);
        let info = StatusInfo::parse(value);
        let status = info.status();
        if status == Some(Status::ConnectReconnectRequest) {
            return self.reconnect_requested(value);
        }
        if self.link.phase == Phase::Connecting && info.level == Level::Error {
            return Some(self.connect_refused(value));
        }
        let Some(id) = self.stream_of(stream) else {
            return Some(ClientEvent::Status { stream, info });
        };
        let own = self.streams.iter_mut().find(|it| it.id == id)?;
        if info.level == Level::Error {
            let purpose = own.purpose;
            if !own.step(StreamInput::Refuse) {
                own.step(StreamInput::Stop);
            }
            self.changed = true;
            return Some(ClientEvent::Rejected { purpose, stream: Some(id), info });
        }
        match (own.purpose, status) {
            (Purpose::Publish, Some(Status::PublishStart))
            | (Purpose::Play, Some(Status::PlayStart)) => {}
            _ => return Some(ClientEvent::Status { stream: id, info }),
        }
        let started = self.start(id);
        started.or(Some(ClientEvent::Status { stream: id, info }))
    }

    /// The stream that a status is about: the one it came on, or else the only one that waits for an answer.
    fn stream_of(&mut self, id: MessageStreamId) -> Option<MessageStreamId> {
        if self.streams.iter().any(|it| it.id == id) {
            return Some(id);
        }
        let mut asked = self.streams.iter().filter(|it| it.state.is_asked());
        let (Some(only), None) = (asked.next(), asked.next()) else { return None };
        let id = only.id;
        self.link.quirks.note(Quirk::StatusElsewhere);
        Some(id)
    }
}

/// Whether it answers `connect`, and not a `_checkbw` before it. Some servers leave out the transaction.
fn answers_connect(command: &Command) -> bool {
    let about_connect =
        StatusInfo::parse(command.value(1)).code.starts_with("NetConnection.Connect.");
    matches!(command.transaction, 0.0 | 1.0) || about_connect
}

impl Wish {
    fn purpose(&self) -> Purpose {
        match self.what {
            What::Publish(_) => Purpose::Publish,
            What::Play { .. } => Purpose::Play,
        }
    }
}

/// Thousandths of a second, as FFmpeg and librtmp send them: servers are used to these.
fn start_argument(start: PlayStart) -> Value {
    match start {
        PlayStart::Any => Value::Number(-2000.0),
        PlayStart::Live => Value::Number(-1000.0),
        PlayStart::Recording { from_ms } => from_ms.into(),
    }
}
