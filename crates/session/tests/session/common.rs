//! What several tests share.

use std::sync::Arc;

use bytes::Bytes;
use levada_chunk::{ChunkSize, Message, MessageStreamId, MessageType, SharedMessage};
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
pub(crate) fn answer(server: &mut ServerSession, event: ServerEvent, log: &mut Vec<String>) {
    match event {
        ServerEvent::Connect(request) => {
            log.push(format!("connect {}", request.app));
            server.accept_connect(request);
        }
        ServerEvent::Publish(request) => {
            log.push(format!("publish {}", request.path.path()));
            server.accept_publish(request);
        }
        ServerEvent::Play(request) => {
            log.push(format!("play {}", request.path.path()));
            server.accept_play(request);
        }
        ServerEvent::Media { stream, message } => {
            let Message { kind, timestamp, payload, .. } = message;
            log.push(format!("{} {kind} {timestamp} {}", stream.0, payload.len()));
        }
        other => log.push(format!("{other:?}")),
    }
}
