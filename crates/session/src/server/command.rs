//! What a client's commands do. RTMP 1.0 §7.2; what is beyond it is what encoders and players send.

use std::time::Instant;

use levada_amf::{Object, Value};
use levada_chunk::{Message, MessageStreamId, MessageType};

use super::{Asked, ServerEvent, ServerSession, Stream, What};
use crate::command::info;
use crate::link::Phase;
use crate::path::StreamPath;
use crate::request::Purpose;
use crate::stream::{StreamInput, StreamState};
use crate::url::split_query;
use crate::{
    Capabilities, CloseReason, Command, ConnectRequest, PublishKind, PublishRequest, Quirk,
    Rejection, RtmpUrl, SessionError, SessionLimit, Status, Unexpected, shared_object,
};

impl ServerSession {
    pub(super) fn handle_command(
        &mut self,
        message: Message,
        now: Instant,
    ) -> Result<Option<ServerEvent>, SessionError> {
        self.link.take_command(now)?;
        let Message { kind, stream, payload, .. } = message;
        let command = match Command::parse(kind, payload, self.link.limits.amf) {
            Ok(command) if !command.name.is_empty() => command,
            Err(why @ levada_amf::AmfError::Limit { .. }) => {
                return Err(SessionError::Command { offset: self.link.offset(), why });
            }
            _ => {
                self.link.count_unknown()?;
                return Ok(None);
            }
        };
        self.link.quirks.note_if(command.cut.is_some(), Quirk::BytesAfterCommand);
        let name = command.name.as_bytes();
        if self.link.phase == Phase::Connecting {
            return match name {
                b"connect" => Ok(self.handle_connect(&command)),
                _ => Err(self.unexpected(Unexpected::CommandBeforeConnect)),
            };
        }
        Ok(match name {
            b"connect" => return Err(self.unexpected(Unexpected::SecondConnect)),
            b"createStream" => return self.create_stream(&command).map(|()| None),
            b"publish" => self.handle_publish(stream, &command),
            b"play" => self.handle_play(stream, &command),
            b"play2" => self.handle_play2(stream, &command),
            b"pause" | b"pauseRaw" => self.handle_pause(stream, &command),
            b"seek" => self.handle_seek(stream, &command),
            b"receiveAudio" => self.handle_receive(stream, MessageType::AUDIO, &command),
            b"receiveVideo" => self.handle_receive(stream, MessageType::VIDEO, &command),
            b"closeStream" => self.stop_stream(stream),
            b"deleteStream" => self.delete_stream(&command),
            b"FCUnpublish" => {
                self.answer_named(&command, "onFCUnpublish", Status::UnpublishSuccess);
                self.unpublish(command.value(1))
            }
            b"releaseStream" => {
                self.answer(&command, Value::Undefined);
                None
            }
            b"FCPublish" => {
                self.answer_named(&command, "onFCPublish", Status::PublishStart);
                None
            }
            b"FCSubscribe" => {
                self.answer_named(&command, "onFCSubscribe", Status::PlayStart);
                None
            }
            b"FCUnsubscribe" => {
                self.answer_named(&command, "onFCUnsubscribe", Status::PlayStop);
                None
            }
            b"getStreamLength" => {
                // The length of what is live is not known, and of a recording only the application could tell.
                self.answer(&command, 0.0.into());
                None
            }
            b"_checkbw" => {
                self.answer(&command, Value::Undefined);
                None
            }
            b"close" => {
                self.finish(CloseReason::Peer);
                None
            }
            // Answers to questions that we do not ask, and what wants none.
            b"_result" | b"_error" | b"onStatus" | b"secureTokenResponse" => None,
            _ => {
                self.refuse_call(&command);
                None
            }
        })
    }

    fn unexpected(&self, what: Unexpected) -> SessionError {
        SessionError::Unexpected { offset: self.link.offset(), what }
    }

    /// RTMP 1.0 §7.2.1.1.
    fn handle_connect(&mut self, command: &Command) -> Option<ServerEvent> {
        let mut object = command.value(0).as_object().cloned().unwrap_or_default();
        let mut arguments: Vec<Value> = command.values.iter().skip(1).cloned().collect();
        // Applications keep these for as long as a connection lives: they must not keep the input with them.
        object.detach();
        arguments.iter_mut().for_each(Value::detach);
        let quirks = &mut self.link.quirks;
        quirks.note_if(command.transaction != 1.0, Quirk::ConnectTransaction);
        let text = |name| {
            object.get(name).and_then(Value::as_string).map(|it| it.to_str_lossy().into_owned())
        };
        let tc_url = text("tcUrl").unwrap_or_default();
        quirks.note_if(tc_url.is_empty(), Quirk::MissingTcUrl);
        quirks.note_if(tc_url.starts_with('\''), Quirk::QuotedTcUrl);
        let tc_url = tc_url.trim().trim_matches(['\'', '"']).to_owned();
        // Without `app` the URL's path says the same.
        let whole = text("app")
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| RtmpUrl::with_key(&tc_url, "").map(|it| it.app).unwrap_or_default());
        let (app, query) = split_query(&whole);
        let mut capabilities = Capabilities::default();
        capabilities.read(&object);
        self.peer = capabilities.clone();
        let encoding = object.number("objectEncoding").unwrap_or_default();
        let what = What::Connect { transaction: command.transaction, encoding };
        if !app.trim_matches('/').is_empty()
            && let Err(why) = StreamPath::new(app, "", &self.config.names)
        {
            self.refuse(&what, &Rejection::bad_name(why.to_string()));
            return None;
        }
        let request = ConnectRequest {
            serial: self.ask(what),
            app: app.to_owned(),
            query: query.to_owned(),
            tc_url,
            flash_version: text("flashVer").unwrap_or_default(),
            capabilities,
            object,
            arguments,
        };
        self.app = whole;
        Some(ServerEvent::Connect(Box::new(request)))
    }

    /// RTMP 1.0 §7.2.1.3.
    fn create_stream(&mut self, command: &Command) -> Result<(), SessionError> {
        if self.streams.len() >= usize::from(self.link.limits.max_streams) {
            let failed = info(Status::StreamFailed, "no more streams");
            self.result("_error", command.transaction, failed.into());
            let limit = u64::from(self.link.limits.max_streams);
            return Err(self.link.limit(SessionLimit::Streams, limit));
        }
        self.last_stream += 1;
        let id = MessageStreamId(self.last_stream);
        self.streams.push(Stream::new(id));
        self.result("_result", command.transaction, self.last_stream.into());
        Ok(())
    }

    /// RTMP 1.0 §7.2.2.6.
    fn handle_publish(
        &mut self,
        stream: MessageStreamId,
        command: &Command,
    ) -> Option<ServerEvent> {
        if command.value(1).as_bool() == Some(false) {
            return self.stop_stream(stream); // how Flash stops publishing
        }
        let what = What::Publish { stream };
        let kind = match command.value(2).as_str() {
            Some("record") => PublishKind::Record,
            Some("append" | "appendWithGap") => PublishKind::Append,
            kind => {
                self.link.quirks.note_if(kind.is_none(), Quirk::PublishWithoutType);
                PublishKind::Live
            }
        };
        let path = self.path(Purpose::Publish, stream, command.value(1))?;
        let name = name_of(command.value(1));
        if !self.begin(&what, StreamInput::Publish) {
            return None;
        }
        let slot = self.stream(stream)?;
        (slot.name, slot.kind) = (name, kind);
        let serial = self.ask(what);
        Some(ServerEvent::Publish(Box::new(PublishRequest { serial, stream, path, kind })))
    }

    /// Application and name in one, or a refusal.
    pub(super) fn path(
        &mut self,
        purpose: Purpose,
        stream: MessageStreamId,
        name: &Value,
    ) -> Option<StreamPath> {
        let path = match name.as_str() {
            Some(name) => StreamPath::new(&self.app, name, &self.config.names),
            None => Err(crate::NameError::Empty),
        };
        match path {
            Ok(path) => {
                let named = name.as_str().is_some_and(|it| !split_query(it).0.is_empty());
                self.link.quirks.note_if(!named, Quirk::NameInApp);
                Some(path)
            }
            Err(why) => {
                self.refuse_stream(purpose, stream, &Rejection::bad_name(why.to_string()));
                None
            }
        }
    }

    /// Moves a stream towards what was asked, or refuses because the table has no such move.
    pub(super) fn begin(&mut self, what: &What, input: StreamInput) -> bool {
        let (What::Publish { stream } | What::Play { stream, .. }) = *what else { return false };
        let begun = self.stream(stream).map(|it| it.step(input));
        if begun != Some(true) {
            let why = match begun {
                None => "no such message stream",
                _ => "the message stream is in use",
            };
            self.refuse_stream(what.purpose(), stream, &Rejection::bad_name(why));
        }
        begun == Some(true)
    }

    pub(super) fn ask(&mut self, what: What) -> crate::request::Serial {
        self.last_serial = self.last_serial.wrapping_add(1);
        self.asked = Some(Asked { serial: self.last_serial, what });
        self.changed = true;
        self.last_serial
    }

    /// The end of what a stream does. Its number stays.
    fn stop_stream(&mut self, id: MessageStreamId) -> Option<ServerEvent> {
        let index = self.streams.iter().position(|it| it.id == id)?;
        let was_live = self.end_stream(index, StreamInput::Stop);
        was_live.then_some(ServerEvent::StreamClosed(id))
    }

    /// RTMP 1.0 §7.2.2.3, as a command of the connection (RTMP Errata §8.3).
    fn delete_stream(&mut self, command: &Command) -> Option<ServerEvent> {
        let index = match command.value(1) {
            Value::Number(number) => {
                self.streams.iter().position(|it| f64::from(it.id.0) == *number)?
            }
            _ if self.streams.len() == 1 => {
                self.link.quirks.note(Quirk::DeleteByName);
                0
            }
            _ => return None,
        };
        let was_live = self.end_stream(index, StreamInput::Delete);
        let stream = self.streams.remove(index);
        was_live.then_some(ServerEvent::StreamClosed(stream.id))
    }

    /// `FCUnpublish`: ends the stream that is published under that name.
    fn unpublish(&mut self, name: &Value) -> Option<ServerEvent> {
        let name = name_of(name);
        let publishes = |it: &Stream| it.state == StreamState::Publishing && it.name == name;
        let id = self.streams.iter().find(|it| publishes(it))?.id;
        self.stop_stream(id)
    }

    /// Tells the peer that a stream ended, if it was live.
    pub(super) fn end_stream(&mut self, index: usize, how: StreamInput) -> bool {
        let Some(stream) = self.streams.get_mut(index) else { return false };
        let (before, id, kind) = (stream.state, stream.id, stream.kind);
        stream.step(how);
        self.changed = true;
        match before {
            StreamState::Publishing => {
                self.awaits_media = false;
                if kind != PublishKind::Live {
                    self.status(id, Status::RecordStop, "Recording stopped.");
                }
                self.status(id, Status::UnpublishSuccess, "Stream is now unpublished.");
            }
            StreamState::Playing | StreamState::Paused => {
                self.link.user(levada_chunk::UserControl::StreamEof(id));
                self.status(id, Status::PlayStop, "Stopped playing stream.");
            }
            _ => return false,
        }
        true
    }

    // Answers.

    pub(super) fn status(
        &mut self,
        stream: MessageStreamId,
        status: Status,
        description: impl Into<String>,
    ) {
        self.inform(stream, info(status, description.into()));
    }

    pub(super) fn inform(&mut self, stream: MessageStreamId, info: Object) {
        self.link.command(stream, &Command::status("onStatus", 0.0, info));
    }

    /// FFmpeg takes the answer to createStream in this form only.
    fn result(&mut self, name: &'static str, transaction: f64, value: Value) {
        let command = Command::new(name, transaction).with(Value::Null).with(value);
        self.link.command(MessageStreamId::CONTROL, &command);
    }

    fn answer(&mut self, command: &Command, value: Value) {
        if command.transaction == 0.0 {
            self.link.quirks.note(Quirk::ZeroTransaction);
        } else {
            self.result("_result", command.transaction, value);
        }
    }

    /// What the FC commands want beside a result. Livestream Studio and hardware encoders wait for it.
    fn answer_named(&mut self, command: &Command, name: &'static str, status: Status) {
        let description = command.value(1).as_string().cloned().unwrap_or_default();
        let info = Object::new()
            .with("code", status.code())
            .with("description", Value::String(description));
        self.link.command(MessageStreamId::CONTROL, &Command::status(name, 0.0, info));
        self.answer(command, Value::Undefined);
    }

    fn refuse_call(&mut self, command: &Command) {
        if command.transaction != 0.0 {
            let failed = info(Status::CallFailed, "no such method");
            self.result("_error", command.transaction, failed.into());
        }
    }

    /// There are none here. Who asks to use one is told so.
    pub(super) fn refuse_shared_object(
        &mut self,
        message: &Message,
        now: Instant,
    ) -> Result<(), SessionError> {
        self.link.take_command(now)?;
        self.link.drop_message();
        if let Some(refusal) = shared_object::refuse(message) {
            self.link.reply(MessageType::SHARED_OBJECT_AMF0, message.stream, refusal);
        }
        Ok(())
    }
}

impl Stream {
    fn new(id: MessageStreamId) -> Self {
        Self {
            id,
            state: StreamState::Idle,
            name: Vec::new(),
            kind: PublishKind::Live,
            recorded: false,
            audio: true,
            video: true,
        }
    }
}

pub(super) fn name_of(name: &Value) -> Vec<u8> {
    name.as_string().map(|it| it.as_bytes().to_vec()).unwrap_or_default()
}
