//! What a server session costs beyond its chunks: 60 s of 6 Mbit/s video and 128 kbit/s audio from a publisher that was
//! let in before, to messages.
//!
//! ```sh
//! cargo bench -p levada-benches --bench session --features peers
//! ```
//!
//! Throughput is in bytes of the chunk stream, and includes the copy into the input that stands for the socket's
//! read. `benches/instructions.sh session` counts instructions.

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use levada_benches::{ingest, memcpy, wire};
use levada_buf::Endpoint;
use levada_chunk::{ChunkReader, ChunkSize, Control};

const CHUNK_SIZES: [u32; 3] = [128, 4096, 65_536];
const READ: usize = 16 * 1024;

fn session_ingest(criterion: &mut Criterion) {
    for chunk_size in CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap()) {
        let wire = wire(chunk_size);
        let mut group = criterion.benchmark_group("session ingest");
        group.throughput(Throughput::Bytes(wire.len() as u64));
        let id = |name: &str| BenchmarkId::new(name, chunk_size.bytes());
        group.bench_function(id("levada"), |bencher| bencher.iter(|| levada(chunk_size, &wire)));
        group.bench_function(id("levada, chunks only"), |bencher| {
            bencher.iter(|| chunks_only(chunk_size, &wire));
        });
        #[cfg(feature = "peers")]
        peers::ingest(&mut group, chunk_size, &wire);
        let mut block = Vec::with_capacity(64 * 1024);
        group.bench_function(id("memcpy"), |bencher| {
            bencher.iter(|| wire.chunks(READ).for_each(|it| memcpy(it, &mut block)));
        });
        group.finish();
    }
}

/// Feeds reads to `next` until it gives nothing more, and counts what it gave.
fn feed<T>(wire: &[u8], mut next: impl FnMut(&mut BytesMut) -> Option<T>) -> usize {
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut messages = 0;
    for bytes in wire.chunks(READ) {
        if input.capacity() - input.len() < READ {
            input.reserve(64 * 1024);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = next(&mut input) {
            black_box(message);
            messages += 1;
        }
    }
    messages
}

fn levada(chunk_size: ChunkSize, wire: &[u8]) -> usize {
    let mut session = ingest(chunk_size);
    let now = Instant::now();
    feed(wire, |input| session.next_event(input, now).unwrap())
}

fn chunks_only(chunk_size: ChunkSize, wire: &[u8]) -> usize {
    let mut reader = ChunkReader::default();
    let mut announced = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
    announced.extend_from_slice(&Control::SetChunkSize(chunk_size).message().payload);
    reader.read(&mut announced).unwrap();
    feed(wire, |input| reader.read(input).unwrap())
}

#[cfg(feature = "peers")]
mod peers {
    use bytes::{Buf, Bytes};
    use criterion::BenchmarkGroup;
    use criterion::measurement::WallTime;
    use levada_amf::{Object, Value};
    use levada_buf::Outbox;
    use levada_chunk::{ChunkWriter, Message, MessageStreamId, MessageType};
    use levada_session::Command;

    use super::*;

    pub fn ingest(group: &mut BenchmarkGroup<'_, WallTime>, chunk_size: ChunkSize, wire: &[u8]) {
        let media = levada(chunk_size, wire);
        let mut run = |name: &str, work: &dyn Fn() -> usize| {
            assert_eq!(work(), media, "{name}");
            let id = BenchmarkId::new(name, chunk_size.bytes());
            group.bench_function(id, |bencher| bencher.iter(work));
        };
        // rtmpx 3.1.1 asks for Rust 1.97. shiguredo_rtmp has no public way past its own sessions' sockets.
        run("rml_rtmp 0.8.0", &|| rml(chunk_size, wire));
        run("rtmp-runtime 0.8.0", &|| rtmp_runtime(chunk_size, wire));
    }

    /// What a publisher says after the handshake and before its media.
    fn preamble(chunk_size: ChunkSize) -> Bytes {
        let mut out = Outbox::new();
        let mut writer = ChunkWriter::new();
        let object = Object::new().with("app", "live").with("tcUrl", "rtmp://host.example/live");
        let publish = [Value::Null, "key".into(), "live".into()];
        for (stream, name, transaction, values) in [
            (0, "connect", 1.0, &[object.into()][..]),
            (0, "createStream", 2.0, &[Value::Null]),
            (1, "publish", 3.0, &publish),
        ] {
            let mut command = Command::new(name, transaction);
            command.values = values.to_vec();
            let kind = MessageType::COMMAND_AMF0;
            let payload = command.encode().unwrap();
            let message = Message::new(kind, MessageStreamId(stream), 0, payload);
            writer.write(&message, &mut out).unwrap();
        }
        writer.set_chunk_size(chunk_size, &mut out);
        out.copy_to_bytes(out.remaining())
    }

    fn rml(chunk_size: ChunkSize, wire: &[u8]) -> usize {
        use rml_rtmp::sessions::{
            ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult,
        };
        let (mut session, _) = ServerSession::new(ServerSessionConfig::new()).unwrap();
        // It asks the application after each read, so the commands come one by one.
        for piece in preamble(chunk_size).chunks(1) {
            for result in session.handle_input(piece).unwrap() {
                if let ServerSessionResult::RaisedEvent(
                    ServerSessionEvent::ConnectionRequested { request_id, .. }
                    | ServerSessionEvent::PublishStreamRequested { request_id, .. },
                ) = result
                {
                    session.accept_request(request_id).unwrap();
                }
            }
        }
        let mut media = 0;
        for bytes in wire.chunks(READ) {
            for result in black_box(session.handle_input(bytes).unwrap()) {
                media += usize::from(matches!(result, ServerSessionResult::RaisedEvent(_)));
            }
        }
        media
    }

    fn rtmp_runtime(chunk_size: ChunkSize, wire: &[u8]) -> usize {
        use rtmp_runtime::server::{ServerEvent, ServerSession};
        let mut session = ServerSession::with_defaults();
        session.handle_data(&[&[3][..], &[0; 3072]].concat()).unwrap();
        session.handle_data(&preamble(chunk_size)).unwrap();
        let mut media = 0;
        for bytes in wire.chunks(READ) {
            let (_, events) = black_box(session.handle_data(bytes).unwrap());
            media += events.iter().filter(|it| matches!(it, ServerEvent::Media { .. })).count();
        }
        media
    }
}

criterion_group!(benches, session_ingest);
criterion_main!(benches);
