//! What several tests share.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use levada_amf::{AmfLimits, Value, amf0};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{
    ChunkReader, ChunkSize, ChunkStreamId, ChunkWriter, Control, Message, MessageStreamId,
    MessageType, SharedMessage, UserControl,
};
use levada_handshake::Entropy;
use levada_session::*;
use levada_test::{Clock, Pair};

pub(crate) type Both = Pair<ClientSession, ServerSession>;

pub(crate) fn entropy(seed: u8) -> Entropy {
    Entropy::new([seed; 1528])
}

pub(crate) fn pair() -> Both {
    pair_with(client_config(), ServerConfig::default())
}

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig::new(RtmpUrl::with_key("rtmp://host.example/live", "").unwrap())
}

pub(crate) fn pair_with(client: ClientConfig, server: ServerConfig) -> Both {
    let clock = Clock::new();
    let client = ClientSession::new(client, entropy(1), clock.now());
    let server = ServerSession::new(Arc::new(server), entropy(2), clock.now());
    Pair::new(clock, client, server)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn message(kind: MessageType, timestamp: u32, payload: Vec<u8>) -> SharedMessage {
    let size = ChunkSize::new(65_536).unwrap();
    let payload = Bytes::from(payload);
    SharedMessage::new(Message::new(kind, MessageStreamId(0), timestamp, payload), size).unwrap()
}

pub(crate) fn video(timestamp: u32, length: usize) -> SharedMessage {
    message(MessageType::VIDEO, timestamp, vec![0x17; length])
}

pub(crate) fn audio(timestamp: u32, length: usize) -> SharedMessage {
    message(MessageType::AUDIO, timestamp, vec![0xAF; length])
}

pub(crate) fn metadata(timestamp: u32) -> SharedMessage {
    let payload = b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09".to_vec();
    message(MessageType::DATA_AMF0, timestamp, payload)
}

/// An application that allows everything.
pub(crate) fn accept(server: &mut ServerSession, event: ServerEvent) -> String {
    match event {
        ServerEvent::Connect(request) => {
            let app = request.app.clone();
            server.accept_connect(request);
            format!("connect {app}")
        }
        ServerEvent::Publish(request) => {
            let said = format!("publish {} {:?}", request.path.path(), request.kind);
            server.accept_publish(request);
            said
        }
        ServerEvent::Play(request) => {
            let said = format!("play {} {:?}", request.path.path(), request.start);
            server.accept_play(request);
            said
        }
        ServerEvent::Media { stream, message } => media(stream, &message),
        other => format!("{other:?}"),
    }
}

pub(crate) fn media(stream: MessageStreamId, message: &Message) -> String {
    let Message { kind, timestamp, payload, .. } = message;
    format!("{}: {kind} {timestamp} {}", stream.0, payload.len())
}

/// A hand-made peer of a session: it says what the test wants, and reads what comes back.
pub(crate) struct Talk<E: Endpoint> {
    pub(crate) end: E,
    pub(crate) clock: Clock,
    pub(crate) input: BytesMut,
    writer: ChunkWriter,
    reader: ChunkReader,
    heard: BytesMut,
}

pub(crate) type Server = Talk<ServerSession>;
pub(crate) type Client = Talk<ClientSession>;

impl<E: Endpoint<Error: Debug, Event: Debug>> Talk<E> {
    pub(crate) fn over(end: E, clock: Clock) -> Self {
        Self {
            end,
            clock,
            input: BytesMut::new(),
            writer: ChunkWriter::new(),
            reader: ChunkReader::default(),
            heard: BytesMut::new(),
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    pub(crate) fn message(&mut self, message: &Message) {
        let mut out = Outbox::new();
        self.writer.write(message, &mut out).unwrap();
        self.raw(&out.copy_to_bytes(out.remaining()));
    }

    pub(crate) fn media(&mut self, stream: u32, kind: MessageType, timestamp: u32, payload: &[u8]) {
        let payload = Bytes::copy_from_slice(payload);
        self.message(&Message::new(kind, MessageStreamId(stream), timestamp, payload));
    }

    pub(crate) fn control(&mut self, control: &Control) {
        self.message(&control.message());
    }

    pub(crate) fn command(
        &mut self,
        stream: u32,
        name: &'static str,
        transaction: f64,
        values: &[Value],
    ) {
        let mut command = Command::new(name, transaction);
        command.values = values.to_vec();
        self.values(stream, MessageType::COMMAND_AMF0, command.encode().unwrap());
    }

    pub(crate) fn values(&mut self, stream: u32, kind: MessageType, payload: Bytes) {
        let chunk_stream = ChunkStreamId::CONNECTION;
        let stream = MessageStreamId(stream);
        self.message(&Message { chunk_stream, kind, stream, timestamp: 0, payload });
    }

    pub(crate) fn next(&mut self) -> Result<Option<E::Event>, E::Error> {
        self.end.next_event(&mut self.input, self.clock.now())
    }

    pub(crate) fn event(&mut self) -> E::Event {
        self.next().unwrap().expect("an event")
    }

    /// No event, and every byte used.
    pub(crate) fn quiet(&mut self) {
        let event = self.next().unwrap();
        assert!(event.is_none(), "{event:?}");
        assert_eq!(self.input.len(), 0);
    }

    /// No event, and only the beginning of a header left.
    pub(crate) fn quiet_but_one_byte(&mut self) {
        assert!(self.next().unwrap().is_none());
        assert_eq!(self.input.len(), 1);
    }

    pub(crate) fn error(&mut self) -> E::Error {
        self.next().expect_err("an error")
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        while let Some(due) = self.end.deadline().filter(|it| *it <= end) {
            let now = self.clock.advance_to(due);
            self.end.handle_timeout(now);
            assert!(self.end.deadline().is_none_or(|it| it > now), "a driver would spin");
        }
        self.clock.advance_to(end);
    }

    /// Takes all that waits to be sent.
    pub(crate) fn listen(&mut self) -> Vec<Message> {
        let out = self.end.output();
        self.heard.extend_from_slice(&out.copy_to_bytes(out.remaining()));
        let mut messages = Vec::new();
        while let Some(message) = self.reader.read(&mut self.heard).unwrap() {
            messages.push(message);
        }
        messages
    }

    /// The same, in words.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        self.listen().iter().map(in_words).collect()
    }

    /// Leaves out all but commands.
    pub(crate) fn commands(&mut self) -> Vec<String> {
        let is_command = |it: &Message| it.kind == MessageType::COMMAND_AMF0;
        self.listen().iter().filter(|it| is_command(it)).map(in_words).collect()
    }
}

/// A message of ours: `1: onStatus NetStream.Publish.Start`, `0: _result 1`, `WindowAckSize(2500000)`.
pub(crate) fn in_words(message: &Message) -> String {
    if let Some(control) = Control::parse(message).unwrap() {
        return match control {
            Control::User(event) => format!("{event:?}"),
            other => format!("{other:?}"),
        };
    }
    let stream = message.stream.0;
    if !matches!(message.kind, MessageType::COMMAND_AMF0 | MessageType::DATA_AMF0) {
        return media(message.stream, message);
    }
    let values = amf0::decode_all(message.payload.clone(), AmfLimits::default()).unwrap();
    let words = values.iter().filter_map(|it| match it {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Boolean(boolean) => Some(boolean.to_string()),
        Value::Object(object) => object.str("code").map(str::to_owned),
        _ => None,
    });
    let data = if message.kind == MessageType::DATA_AMF0 { "data " } else { "" };
    format!("{stream}: {data}{}", words.collect::<Vec<_>>().join(" "))
}

impl Server {
    /// A session that has just got its connection.
    pub(crate) fn fresh(config: ServerConfig) -> Self {
        let clock = Clock::new();
        Self::over(ServerSession::new(Arc::new(config), entropy(2), clock.now()), clock)
    }

    /// One whose handshake is over.
    pub(crate) fn greeted(config: ServerConfig) -> Self {
        let mut talk = Self::fresh(config);
        talk.raw(&hello());
        talk.quiet();
        let out = talk.end.output();
        assert_eq!(out.remaining(), 3073);
        let answer = out.copy_to_bytes(3073);
        talk.raw(&answer[1..1537]);
        talk.quiet();
        talk
    }

    /// One that let the client connect to `live`.
    pub(crate) fn connected(config: ServerConfig) -> Self {
        let mut talk = Self::greeted(config);
        talk.command(0, "connect", 1.0, &[connect_object()]);
        let ServerEvent::Connect(request) = talk.event() else { panic!("no connect") };
        talk.end.accept_connect(request);
        talk.quiet();
        talk.listen();
        talk
    }

    /// One with a message stream, 1.
    pub(crate) fn with_stream(config: ServerConfig) -> Self {
        let mut talk = Self::connected(config);
        talk.command(0, "createStream", 2.0, &[Value::Null]);
        talk.quiet();
        assert_eq!(talk.heard(), ["0: _result 2 1"]);
        talk
    }

    /// One that takes `live/key` on stream 1.
    pub(crate) fn publishing(config: ServerConfig) -> Self {
        let mut talk = Self::with_stream(config);
        talk.publish(1, "key");
        talk.listen();
        talk
    }

    /// One that sends `live/key` on stream 1.
    pub(crate) fn playing(config: ServerConfig) -> Self {
        let mut talk = Self::with_stream(config);
        talk.command(1, "play", 0.0, &[Value::Null, "key".into(), (-2).into()]);
        let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
        talk.end.accept_play(request);
        talk.quiet();
        talk.listen();
        talk
    }

    pub(crate) fn publish(&mut self, stream: u32, name: &'static str) {
        self.command(stream, "publish", 0.0, &[Value::Null, name.into(), "live".into()]);
        let ServerEvent::Publish(request) = self.event() else { panic!("no publish") };
        self.end.accept_publish(request);
        self.quiet();
    }

    /// Everything until nothing more comes, with everything allowed.
    pub(crate) fn accept_all(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Ok(Some(event)) = self.next() {
            said.push(accept(&mut self.end, event));
        }
        said
    }
}

impl Client {
    /// A session whose handshake is over. The `connect` that it then sends is not heard yet.
    pub(crate) fn greeted(config: ClientConfig, wish: impl FnOnce(&mut ClientSession)) -> Self {
        let clock = Clock::new();
        let mut end = ClientSession::new(config, entropy(1), clock.now());
        wish(&mut end);
        let mut talk = Self::over(end, clock);
        let out = talk.end.output();
        assert_eq!(out.remaining(), 1537);
        let first = out.copy_to_bytes(1537);
        talk.raw(&hello());
        talk.raw(&first[1..]);
        talk.quiet();
        talk.end.output().advance(1536);
        talk
    }

    /// One that the server let in.
    pub(crate) fn connected(wish: impl FnOnce(&mut ClientSession)) -> Self {
        let mut talk = Self::greeted(client_config(), wish);
        talk.listen();
        talk.command(0, "_result", 1.0, &[Value::Null, status("NetConnection.Connect.Success")]);
        let ClientEvent::Connected { .. } = talk.event() else { panic!("not connected") };
        talk.quiet();
        talk
    }
}

/// C0 and C1, or S0 and S1, of the plain handshake.
pub(crate) fn hello() -> Vec<u8> {
    let mut hello = vec![3, 0, 0, 0, 7, 0, 0, 0, 0];
    hello.resize(1537, 0x55);
    hello
}

pub(crate) fn connect_object() -> Value {
    levada_amf::Object::new().with("app", "live").with("tcUrl", "rtmp://host.example/live").into()
}

pub(crate) fn status(code: &'static str) -> Value {
    let level = Status::parse(code).map_or("status", |it| it.level().as_str());
    levada_amf::Object::new()
        .with("level", level)
        .with("code", code)
        .with("description", "why")
        .into()
}

pub(crate) fn ping(time: u32) -> Control {
    Control::User(UserControl::PingRequest { time })
}
