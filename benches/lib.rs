//! What several benches share: the workload that all figures of this workspace are about.
//!
//! Run all of them with `cargo bench -p levada-benches`, and with `--features peers` to see the published crates
//! of this field in the same tables. Every table has a `memcpy` line: the same bytes copied once.
//!
//! Seconds on a shared machine are noisy, instructions are not: `benches/instructions.sh` counts them. So most benches
//! are lists of [`Case`]s, which can be timed and counted.

mod case;

use std::hint::black_box;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType};
use levada_handshake::Entropy;
use levada_session::{
    ClientConfig, ClientSession, PublishKind, RtmpUrl, ServerConfig, ServerEvent, ServerSession,
};

pub use case::{Case, Work, bench};

/// The workload: 60 s of H.264 at 6 Mbit/s and 30 fps, a key frame every 2 s, and of AAC at 128 kbit/s and 44.1 kHz.
pub const SECONDS: u32 = 60;

/// A frame of the workload, as the body of an FLV tag or an RTMP message.
#[derive(Clone, Debug)]
pub struct Body {
    /// Video or audio.
    pub video: bool,
    /// In milliseconds.
    pub timestamp: u32,
    /// With the FLV tag header: 5 bytes for video, 2 for audio.
    pub bytes: Bytes,
}

/// All frames of the workload, in the order of their times. The same in every run.
pub fn workload() -> Vec<Body> {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut bodies = Vec::new();
    for frame in 0..SECONDS * 30 {
        // 60 frames of a GOP share 1.5 MB, its key frame takes as much as five others.
        let key = frame % 60 == 0;
        let size = 1_500_000 / 64 * if key { 5 } else { 1 };
        let head = [if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        let bytes = noise.body(&head, size);
        bodies.push(Body { video: true, timestamp: frame * 1000 / 30, bytes });
    }
    for frame in 0..SECONDS * 44_100 / 1024 {
        // 128 kbit/s in frames of 1024 samples.
        let bytes = noise.body(&[0xAF, 1], 372);
        let timestamp = (u64::from(frame) * 1_024_000 / 44_100) as u32;
        bodies.push(Body { video: false, timestamp, bytes });
    }
    bodies.sort_by_key(|it| it.timestamp);
    bodies
}

/// The workload as RTMP messages.
pub fn messages() -> Vec<Message> {
    let message = |it: Body| {
        let kind = if it.video { MessageType::VIDEO } else { MessageType::AUDIO };
        Message::new(kind, MessageStreamId(1), it.timestamp, it.bytes)
    };
    workload().into_iter().map(message).collect()
}

/// The workload in chunks, without the message that announces their size.
pub fn wire(chunk_size: ChunkSize) -> Bytes {
    let mut out = Outbox::new();
    let mut writer = ChunkWriter::new();
    writer.set_chunk_size(chunk_size, &mut out);
    out.advance(out.remaining());
    for message in messages() {
        writer.write(&message, &mut out).expect("short enough");
    }
    out.copy_to_bytes(out.remaining())
}

/// A server session that takes a publisher's media on message stream 1, and is told the size of its chunks.
pub fn ingest(chunk_size: ChunkSize) -> ServerSession {
    let now = Instant::now();
    let (url, entropy) = (RtmpUrl::parse("rtmp://host.example/live").expect("a URL"), |seed| {
        Entropy::new([seed; 1528])
    });
    let mut config = ClientConfig::new(url);
    config.chunk_size = chunk_size;
    let mut client = ClientSession::new(config, entropy(1), now);
    client.publish("key", PublishKind::Live).expect("room");
    let mut server = ServerSession::new(Arc::new(ServerConfig::default()), entropy(2), now);
    let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
    loop {
        let out = client.output();
        up.put(out.copy_to_bytes(out.remaining()));
        while let Some(event) = server.next_event(&mut up, now).expect("a session") {
            match event {
                ServerEvent::Connect(request) => server.accept_connect(request),
                ServerEvent::Publish(request) => {
                    server.accept_publish(request);
                    let out = server.output();
                    out.advance(out.remaining());
                    return server;
                }
                _ => {}
            }
        }
        let out = server.output();
        down.put(out.copy_to_bytes(out.remaining()));
        while client.next_event(&mut down, now).expect("a session").is_some() {}
    }
}

/// Empties the outbox as vectored writes do, into a sink that counts.
pub fn flush(out: &mut Outbox) {
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = out.slices(&mut slices);
        let written = black_box(&slices[..filled]).iter().map(|it| it.len()).sum();
        out.advance(written);
    }
}

/// A case that copies all of `input` in blocks of at most `block` bytes.
pub fn memcpy_case(group: &str, block: usize, input: impl FnOnce() -> Bytes + 'static) -> Case {
    Case::new(format!("{group}/memcpy"), move || {
        let (input, mut scratch) = (input(), Vec::with_capacity(block.min(1 << 27)));
        Work::on(input.len(), move || input.chunks(block).for_each(|it| memcpy(it, &mut scratch)))
    })
}

/// A small generator of bytes that do not compress.
struct Noise(u64);

impl Noise {
    fn body(&mut self, head: &[u8], size: usize) -> Bytes {
        let mut body = BytesMut::with_capacity(size + 8);
        body.put_slice(head);
        while body.len() < size {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            body.put_u64(self.0);
        }
        body.truncate(size);
        body.freeze()
    }
}

/// Copies `input` once, the limit that every figure is compared with.
pub fn memcpy(input: &[u8], scratch: &mut Vec<u8>) {
    scratch.clear();
    scratch.extend_from_slice(black_box(input));
    black_box(scratch);
}
