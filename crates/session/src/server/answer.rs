//! What the application tells a client.

use levada_amf::{Object, Value};
use levada_chunk::{BandwidthLimit, Control, MessageStreamId, MessageType, UserControl};

use super::{ServerSession, What};
use crate::command::info;
use crate::link::Phase;
use crate::request::{Purpose, Serial};
use crate::stream::{StreamInput, StreamState};
use crate::{
    CloseReason, Command, ConnectRequest, Extensions, PlayRequest, PublishKind, PublishRequest,
    Rejection, Request, SendError, Status, data,
};

impl ServerSession {
    /// Lets a client use the application. RTMP 1.0 §7.2.1.1.
    ///
    /// An answer that comes too late, after [`Timeouts::answer`](crate::Timeouts::answer), does nothing.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up by its answer")]
    pub fn accept_connect(&mut self, request: Box<ConnectRequest>) {
        let Some(What::Connect { transaction, encoding }) = self.take_asked(request.serial) else {
            return;
        };
        self.link.phase = Phase::Open;
        let window = self.config.window;
        self.link.announce_window(window);
        let limit = BandwidthLimit::Dynamic;
        self.link.control(Control::SetPeerBandwidth { window, limit });
        self.link.user(UserControl::StreamBegin(MessageStreamId::CONTROL));
        self.link.announce_chunk_size(self.config.chunk_size);
        let mut properties = Object::new()
            .with("fmsVer", self.config.version.clone())
            .with("capabilities", 31)
            .with("mode", 1);
        // The text leaves open which object they belong in. Clients read both, or this one.
        self.config.capabilities.write(&mut properties);
        let info = info(Status::ConnectSuccess, "Connection succeeded.")
            .with("objectEncoding", if encoding == 3.0 { 3 } else { 0 });
        let result = Command::new("_result", transaction).with(properties).with(info);
        self.link.command(MessageStreamId::CONTROL, &result);
    }

    /// Lets a client publish. Its media comes on the returned stream. RTMP 1.0 §7.2.2.6.
    ///
    /// An answer that comes too late, after [`Timeouts::answer`](crate::Timeouts::answer), does nothing.
    #[expect(
        clippy::boxed_local,
        clippy::needless_pass_by_value,
        reason = "a ticket is used up by its answer"
    )]
    pub fn accept_publish(&mut self, request: Box<PublishRequest>) -> MessageStreamId {
        let id = request.stream;
        let Some(What::Publish { .. }) = self.take_asked(request.serial) else { return id };
        let Some(stream) = self.stream(id) else { return id };
        stream.step(StreamInput::Accept);
        let (kind, name) = (stream.kind, stream.name.clone());
        self.awaits_media = true;
        self.link.allow_media();
        self.link.user(UserControl::StreamBegin(id));
        self.status_about(id, Status::PublishStart, "Started publishing stream.", &name);
        if kind != PublishKind::Live {
            self.status(id, Status::RecordStart, "Recording started.");
        }
        id
    }

    /// Lets a client play what is live, now or later. [`send`](Self::send) it the stream that is returned.
    ///
    /// An answer that comes too late, after [`Timeouts::answer`](crate::Timeouts::answer), does nothing.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up by its answer")]
    pub fn accept_play(&mut self, request: Box<PlayRequest>) -> MessageStreamId {
        self.accept_player(&request, false)
    }

    /// Lets a client play a recording, in which it can seek.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up by its answer")]
    pub fn accept_recording(&mut self, request: Box<PlayRequest>) -> MessageStreamId {
        self.accept_player(&request, true)
    }

    fn accept_player(&mut self, request: &PlayRequest, recorded: bool) -> MessageStreamId {
        let id = request.stream;
        let Some(What::Play { reset, switch, name, .. }) = self.take_asked(request.serial) else {
            return id;
        };
        let Some(stream) = self.stream(id) else { return id };
        stream.recorded = recorded;
        stream.name.clone_from(&name);
        if switch {
            self.confirm_switch(id, &name);
            return id;
        }
        stream.step(StreamInput::Accept);
        if recorded {
            self.link.user(UserControl::StreamIsRecorded(id));
        }
        self.link.user(UserControl::StreamBegin(id));
        if reset {
            let description = "Playing and resetting stream.";
            self.status_about(id, Status::PlayReset, description, &name);
        }
        self.status_about(id, Status::PlayStart, "Started playing stream.", &name);
        self.link.reply(MessageType::DATA_AMF0, id, data::SAMPLE_ACCESS);
        self.data_status(id, "onStatus", Object::new().with("code", Status::DataStart.code()));
        id
    }

    /// AS3, NetStatusEvent: the switch is decided, and reaches the media with the next message.
    fn confirm_switch(&mut self, id: MessageStreamId, name: &[u8]) {
        let info = info(Status::PlayTransition, "Switching stream.")
            .with("reason", "NetStream.Transition.Success")
            .with("details", Value::String(name.into()));
        self.inform(id, info);
        let status = Status::PlayTransitionComplete;
        let done = Object::new()
            .with("level", status.level().as_str())
            .with("code", status.code())
            .with("details", Value::String(name.into()));
        self.data_status(id, "onPlayStatus", done);
    }

    /// Refuses a request. The person at the encoder gets to read the reason, then the connection is closed: at once
    /// for a `connect`, and unless another stream of it lives for the others (see
    /// [`ServerConfig::close_after_refusal`](crate::ServerConfig::close_after_refusal)).
    pub fn reject(&mut self, request: impl Into<Request>, why: &Rejection) {
        let serial = request.into().serial();
        if let Some(what) = self.take_asked(serial) {
            self.refuse(&what, why);
        }
    }

    /// Ends a stream that was accepted: a publisher that another one replaces, a player whose time is over.
    ///
    /// The client gets to read the reason as if it had been refused.
    pub fn revoke(&mut self, stream: MessageStreamId, why: &Rejection) {
        let Some(own) = self.stream(stream) else { return };
        let purpose = match own.state {
            StreamState::Publishing => Purpose::Publish,
            StreamState::Playing | StreamState::Paused => Purpose::Play,
            _ => return,
        };
        own.step(StreamInput::Stop);
        self.changed = true;
        self.refuse_stream(purpose, stream, why);
    }

    /// Tells a waiting player that somebody publishes its stream now.
    pub fn announce_publish(&mut self, stream: MessageStreamId) {
        if self.is_playing(stream) {
            self.link.user(UserControl::StreamBegin(stream));
            self.status(stream, Status::PlayPublishNotify, "Started publishing.");
        }
    }

    /// Tells a player that its stream has no publisher now. It may go on later.
    pub fn announce_unpublish(&mut self, stream: MessageStreamId) {
        if self.is_playing(stream) {
            self.status(stream, Status::PlayUnpublishNotify, "Stopped publishing.");
            self.link.user(UserControl::StreamEof(stream));
        }
    }

    /// Tells a player that this was all. The stream is free for another `play`.
    pub fn end_play(&mut self, id: MessageStreamId) {
        let Some(index) = self.streams.iter().position(|it| it.id == id && it.state.is_live())
        else {
            return;
        };
        if self.streams.get(index).is_some_and(|it| it.recorded) {
            let status = Status::PlayComplete;
            let complete =
                Object::new().with("level", status.level().as_str()).with("code", status.code());
            self.data_status(id, "onPlayStatus", complete);
        }
        if self.is_playing(id) {
            self.end_stream(index, StreamInput::Stop);
        }
    }

    /// Asks the client to connect to another URL, or to this one again, and to go on there. It keeps this connection
    /// until it has done so. Enhanced RTMP v2, "Reconnect Request".
    ///
    /// # Errors
    ///
    /// [`SendError::Unsupported`] when the client did not declare that it understands this.
    pub fn request_reconnect(
        &mut self,
        url: Option<&str>,
        description: &str,
    ) -> Result<(), SendError> {
        if self.link.phase != Phase::Open {
            return Err(SendError::Closed);
        }
        if !self.peer.extensions.has(Extensions::RECONNECT) {
            return Err(SendError::Unsupported);
        }
        let mut info = info(Status::ConnectReconnectRequest, description.to_owned());
        if let Some(url) = url {
            info.push("tcUrl", url.to_owned());
        }
        self.inform(MessageStreamId::CONTROL, info);
        Ok(())
    }

    fn take_asked(&mut self, serial: Serial) -> Option<What> {
        let asked = self.asked.take_if(|it| it.serial == serial)?;
        self.changed = true;
        Some(asked.what)
    }

    pub(super) fn refuse(&mut self, what: &What, why: &Rejection) {
        match what {
            What::Connect { transaction, .. } => {
                let mut info = info(why.status(Purpose::Connect), why.description.clone());
                if let Some(url) = &why.redirect {
                    let redirect = Object::new().with("code", 302).with("redirect", url.clone());
                    info.push("ex", redirect);
                }
                let error = Command::status("_error", *transaction, info);
                self.link.command(MessageStreamId::CONTROL, &error);
                self.link.command(
                    MessageStreamId::CONTROL,
                    &Command::new("close", 0.0).with(Value::Null),
                );
                self.finish(CloseReason::Refused);
            }
            What::Publish { stream } | What::Play { stream, .. } => {
                self.refuse_stream(what.purpose(), *stream, why);
            }
        }
    }

    /// The stream is free again after it, except that a refused switch leaves alone what plays.
    pub(super) fn refuse_stream(&mut self, purpose: Purpose, id: MessageStreamId, why: &Rejection) {
        if let Some(stream) = self.stream(id) {
            stream.step(StreamInput::Refuse);
        }
        self.status(id, why.status(purpose), why.description.clone());
        let lives = self.streams.iter().any(|it| it.state.is_live());
        if self.config.close_after_refusal && !lives {
            self.finish(CloseReason::Refused);
        }
    }

    fn is_playing(&self, id: MessageStreamId) -> bool {
        let playing = |it: StreamState| matches!(it, StreamState::Playing | StreamState::Paused);
        self.streams.iter().any(|it| it.id == id && playing(it.state))
    }

    fn status_about(
        &mut self,
        stream: MessageStreamId,
        status: Status,
        description: &'static str,
        name: &[u8],
    ) {
        self.inform(stream, info(status, description).with("details", Value::String(name.into())));
    }

    /// A data message with a status: no transaction, no null.
    fn data_status(&mut self, stream: MessageStreamId, name: &'static str, info: Object) {
        let mut payload = bytes::BytesMut::new();
        let values = [Value::from(name), info.into()];
        if levada_amf::amf0::encode_all(&values, &mut payload).is_ok() {
            self.link.reply(MessageType::DATA_AMF0, stream, payload.freeze());
        }
    }
}

impl What {
    pub(super) const fn purpose(&self) -> Purpose {
        match self {
            Self::Connect { .. } => Purpose::Connect,
            Self::Publish { .. } => Purpose::Publish,
            Self::Play { .. } => Purpose::Play,
        }
    }
}
