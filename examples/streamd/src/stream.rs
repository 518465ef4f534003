//! One live stream: what its players share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use levada_chunk::{ChunkSize, Message, MessageType, SharedMessage};
use levada_flv::{AudioBody, PacketKind, TagKind, Unpacked, Unpacker, VideoBody};
use levada_hls::{Origin, OriginConfig};
use levada_media::MediaEvent;
use levada_relay::{Ring, RingLimits};
use levada_session::ServerConfig;
use tokio::sync::watch;
use tracing::debug;

/// A stream, shared by its publisher and its players.
#[derive(Debug)]
pub struct Stream {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

/// What is behind the lock. It is held for as long as one message takes.
#[derive(Debug)]
pub struct State {
    /// Messages for RTMP and HTTP-FLV.
    pub ring: Ring<SharedMessage>,
    /// Segments for HLS.
    pub origin: Origin,
    unpacker: Unpacker,
    /// What players are told: see `ServerConfig::chunk_size`.
    chunk_size: ChunkSize,
    live: bool,
}

impl Stream {
    pub fn new() -> Self {
        let state = State {
            ring: Ring::new(RingLimits::default()),
            origin: Origin::new(OriginConfig::default()),
            unpacker: Unpacker::default(),
            chunk_size: ServerConfig::default().chunk_size,
            live: true,
        };
        Self { state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when there is something new.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub fn is_live(&self) -> bool {
        self.lock().live
    }

    /// Takes a message of the publisher.
    pub fn push(&self, message: Message) {
        self.lock().push(message);
        self.changed.send_modify(|it| *it += 1);
    }

    /// The publisher is gone.
    pub fn finish(&self) {
        {
            let mut state = self.lock();
            state.live = false;
            if let Err(why) = state.origin.finish() {
                debug!(%why, "the last segment is lost");
            }
        }
        self.changed.send_modify(|it| *it += 1);
    }
}

/// Header slots of the ring.
const METADATA: u8 = 0;
const VIDEO: u8 = 1;
const AUDIO: u8 = 2;

impl State {
    fn push(&mut self, message: Message) {
        let kind = match message.kind {
            MessageType::VIDEO => TagKind::Video,
            MessageType::AUDIO => TagKind::Audio,
            _ => TagKind::Script,
        };
        self.unpacker.push(kind, message.timestamp, message.payload.clone());
        let mut starts_gop = false;
        while let Some(unpacked) = self.unpacker.next() {
            match unpacked {
                Unpacked::Event(event) => {
                    starts_gop |= matches!(&event, MediaEvent::Frame(frame) if frame.is_key() && kind == TagKind::Video);
                    if let Err(why) = self.origin.push(event, unix_ms()) {
                        debug!(%why, "left out of HLS");
                    }
                }
                Unpacked::Finding(finding) => debug!(?finding),
                _ => {}
            }
        }
        let header = header_slot(kind, &message);
        let size = message.payload.len();
        let Ok(shared) = SharedMessage::new(message, self.chunk_size) else { return };
        match header {
            Some(slot) => {
                let _ = self.ring.push_header(slot, shared, size);
            }
            None => self.ring.push(shared, size, starts_gop),
        }
    }
}

/// Where a message is kept for those who join later.
fn header_slot(kind: TagKind, message: &Message) -> Option<u8> {
    let body = message.payload.clone();
    match kind {
        TagKind::Video => {
            let body = VideoBody::parse(body).ok()?;
            body.packets.clone().any(|it| it.kind == PacketKind::SequenceStart).then_some(VIDEO)
        }
        TagKind::Audio => {
            let body = AudioBody::parse(body).ok()?;
            body.packets.clone().any(|it| it.kind == PacketKind::SequenceStart).then_some(AUDIO)
        }
        _ => Some(METADATA),
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
