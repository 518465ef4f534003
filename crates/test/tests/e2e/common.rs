//! What several tests share: sessions, made-up streams.

use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use levada_chunk::{ChunkSize, Message, MessageStreamId, MessageType, SharedMessage};
use levada_flv::{FlvItem, FlvReader, FlvTag, TagKind, Unpacked, Unpacker};
use levada_handshake::Entropy;
use levada_media::MediaEvent;
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, PublishKind, RtmpUrl, ServerConfig, ServerEvent,
    ServerSession,
};
use levada_test::{Chance, Clock, Pair, PairEvent, Pipe};

pub(crate) type Both = Pair<ClientSession, ServerSession>;

pub(crate) fn chunk_size() -> ChunkSize {
    ServerConfig::default().chunk_size
}

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig::new(RtmpUrl::with_key("rtmp://host.example/live", "").unwrap())
}

pub(crate) fn pair(clock: Clock, client: ClientConfig, server: Arc<ServerConfig>) -> Both {
    let client = ClientSession::new(client, Entropy::new([1; 1528]), clock.now());
    let server = ServerSession::new(server, Entropy::new([2; 1528]), clock.now());
    Pair::new(clock, client, server)
}

/// A message as its sender knows it: what has to arrive.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Sent {
    pub(crate) kind: MessageType,
    pub(crate) timestamp: u32,
    pub(crate) payload: Bytes,
}

impl Sent {
    pub(crate) fn of(message: &Message) -> Self {
        let Message { kind, timestamp, payload, .. } = message;
        Self { kind: *kind, timestamp: *timestamp, payload: payload.clone() }
    }

    pub(crate) fn shared(&self, size: ChunkSize) -> SharedMessage {
        let Self { kind, timestamp, payload } = self.clone();
        let message = Message::new(kind, MessageStreamId(0), timestamp, payload);
        SharedMessage::new(message, size).unwrap()
    }
}

impl core::fmt::Debug for Sent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { kind, timestamp, payload } = self;
        let head = &payload[..payload.len().min(12)];
        write!(f, "{kind} at {timestamp}: {} bytes {head:02x?}", payload.len())
    }
}

/// A made-up stream: metadata, configurations, then groups of pictures with sound between them. Every message is
/// unlike all others.
pub(crate) struct Source {
    chance: Chance,
    timestamp: u32,
    count: u32,
    /// Frames to the next keyframe.
    to_key: usize,
    /// How large a picture may be.
    largest: usize,
}

impl Source {
    pub(crate) fn new(mut chance: Chance, largest: usize) -> Self {
        // Some begin near a place where time is written in another way.
        let starts = [0, 1, 0x00FF_FFFE - 400, 0x7FFF_FF00, 0xFFFF_FF00];
        let timestamp = *chance.pick(&starts);
        Self { chance, timestamp, count: 0, to_key: 0, largest }
    }

    /// What is sent in the next moment, in order.
    pub(crate) fn next(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        if self.count == 0 {
            sent.push(self.metadata());
            sent.push(self.message(MessageType::VIDEO, b"\x17\x00\0\0\0", 40));
            sent.push(self.message(MessageType::AUDIO, b"\xaf\x00", 5));
        }
        if self.to_key == 0 {
            if self.chance.one_in(4) {
                let header = self.message(MessageType::VIDEO, b"\x17\x00\0\0\0", 40);
                sent.push(header);
            }
            self.to_key = self.chance.within(5..30);
            let size = self.chance.within(self.largest / 4..self.largest);
            sent.push(self.message(MessageType::VIDEO, b"\x17\x01\0\0\0", size));
        } else {
            self.to_key -= 1;
            let size = self.chance.within(0..self.largest / 4);
            sent.push(self.message(MessageType::VIDEO, b"\x27\x01\0\0\0", size));
        }
        if self.chance.one_in(50) {
            sent.push(self.metadata());
        }
        for _ in 0..self.chance.within(0..4) {
            let size = self.chance.within(0..700);
            sent.push(self.message(MessageType::AUDIO, b"\xaf\x01", size));
        }
        self.timestamp = self.timestamp.wrapping_add(40);
        sent
    }

    fn message(&mut self, kind: MessageType, head: &[u8], size: usize) -> Sent {
        let mut payload = BytesMut::from(head);
        payload.put_u32(self.count);
        payload.put_slice(&self.chance.bytes(size));
        self.count += 1;
        Sent { kind, timestamp: self.timestamp, payload: payload.freeze() }
    }

    fn metadata(&mut self) -> Sent {
        let mut payload = BytesMut::from(&b"\x02\0\x0aonMetaData\x08\0\0\0\x01\0\x01n\0"[..]);
        payload.put_f64(f64::from(self.count));
        payload.put_slice(&[0, 0, 9]);
        self.count += 1;
        Sent { kind: MessageType::DATA_AMF0, timestamp: self.timestamp, payload: payload.freeze() }
    }
}

/// The tags of a file of `levada-flv`'s test data, as what a publisher sends.
pub(crate) fn flv(name: &str) -> Vec<Sent> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flv/testdata").join(name);
    let mut input = BytesMut::from(&std::fs::read(path).unwrap()[..]);
    let (mut reader, mut sent) = (FlvReader::new(), Vec::new());
    while let Some(item) = reader.read(&mut input).unwrap() {
        if let FlvItem::Tag(FlvTag { kind, timestamp, mut body, .. }) = item {
            // Files that were written from an encoder's connection as it was.
            let prefix = b"\x02\0\x0d@setDataFrame";
            if body.starts_with(prefix) {
                body.advance(prefix.len());
            }
            sent.push(Sent { kind: MessageType(kind.id()), timestamp, payload: body });
        }
    }
    sent
}

/// What an unpacker makes of messages.
pub(crate) fn unpack(messages: &[Sent]) -> Vec<MediaEvent> {
    let (mut unpacker, mut events) = (Unpacker::default(), Vec::new());
    for Sent { kind, timestamp, payload } in messages {
        unpacker.push(TagKind::from_id(kind.0), *timestamp, payload.clone());
        while let Some(unpacked) = unpacker.next() {
            if let Unpacked::Event(event) = unpacked {
                events.push(event);
            }
        }
    }
    events
}

/// Publishes messages over a network of chance, and says what a server's application gets of them.
pub(crate) fn publish(messages: &[Sent], chance: &mut Chance) -> Vec<Sent> {
    let clock = Clock::new();
    let mut pair = pair(clock, client_config(), Arc::new(ServerConfig::default()));
    pair.up = Pipe::new().with_cuts(&chance.cuts()).with_capacity(chance.within(2000..200_000));
    pair.down = Pipe::new().with_cuts(&chance.cuts());
    pair.client.end.publish("key", PublishKind::Live).unwrap();
    let (mut publishing, mut got) = (None, Vec::new());
    let mut left = messages.iter();
    loop {
        let events = pair.settle(|_, server, event| match event {
            PairEvent::Client(ClientEvent::Publishing(id)) => publishing = Some(id),
            PairEvent::Server(ServerEvent::Connect(it)) => server.accept_connect(it),
            PairEvent::Server(ServerEvent::Publish(it)) => drop(server.accept_publish(it)),
            PairEvent::Server(ServerEvent::Media { message, .. }) => got.push(Sent::of(&message)),
            PairEvent::Server(ServerEvent::Tolerated(it)) => panic!("{it:?}"),
            _ => {}
        });
        let Some(id) = publishing else {
            assert!(events > 0, "nothing moves");
            continue;
        };
        let Some(next) = left.next() else { return got };
        pair.client.end.send(id, &next.shared(chunk_size())).unwrap();
    }
}
