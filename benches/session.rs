//! What a server session costs beyond its chunks: 60 s of 6 Mbit/s video and 128 kbit/s audio from a publisher that was
//! let in before, to messages.
//!
//! ```sh
//! cargo bench -p levada-benches --bench session --features peers
//! ```
//!
//! Throughput is in bytes of the chunk stream, and includes the copy into the input that stands for the socket's
//! read.

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use levada_benches::{Case, Work, bench, ingest, memcpy_case, wire};
use levada_buf::Endpoint;
use levada_chunk::{ChunkReader, ChunkSize, Control};
use levada_session::ServerSession;

const CHUNK_SIZES: [u32; 3] = [128, 4096, 65_536];

fn main() {
    let sizes = CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap());
    bench(sizes.into_iter().flat_map(cases));
}

fn cases(size: ChunkSize) -> Vec<Case> {
    let mut cases = vec![
        case(size, "levada", ingest, levada),
        case(size, "levada, chunks only", reader, chunks_only),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers::cases(size));
    cases.push(memcpy_case(&group(size), read(size), move || wire(size)));
    cases
}

fn group(size: ChunkSize) -> String {
    format!("session ingest {}", size.bytes())
}

/// What is read at once: a large chunk in one piece, as such peers are read.
fn read(size: ChunkSize) -> usize {
    if size.bytes() == 65_536 { 64 * 1024 } else { 16 * 1024 }
}

/// What a session that is ready for media makes of them, in messages.
fn case<Session: 'static>(
    size: ChunkSize,
    name: &str,
    session: fn(ChunkSize) -> Session,
    messages: fn(&mut Session, &[u8], usize) -> usize,
) -> Case {
    Case::new(format!("{}/{name}", group(size)), move || {
        let wire = wire(size);
        assert_eq!(
            messages(&mut session(size), &wire, read(size)),
            levada_benches::messages().len()
        );
        Work::with(
            wire.len(),
            move || session(size),
            move |session| messages(session, &wire, read(size)),
        )
    })
}

/// Feeds reads to `next` until it gives nothing more, and counts what it gave.
fn feed<T>(wire: &[u8], read: usize, mut next: impl FnMut(&mut BytesMut) -> Option<T>) -> usize {
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut messages = 0;
    for bytes in wire.chunks(read) {
        if input.capacity() - input.len() < read {
            input.reserve(64 * 1024);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = next(&mut input) {
            black_box(&message);
            messages += 1;
        }
    }
    messages
}

fn levada(session: &mut ServerSession, wire: &[u8], read: usize) -> usize {
    let now = Instant::now();
    feed(wire, read, |input| session.next_event(input, now).unwrap())
}

/// A chunk reader that was told the size of chunks.
fn reader(size: ChunkSize) -> ChunkReader {
    let mut reader = ChunkReader::default();
    let mut announced = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
    announced.extend_from_slice(&Control::SetChunkSize(size).message().payload);
    reader.read(&mut announced).unwrap();
    reader
}

fn chunks_only(reader: &mut ChunkReader, wire: &[u8], read: usize) -> usize {
    feed(wire, read, |input| reader.read(input).unwrap())
}

#[cfg(feature = "peers")]
mod peers {
    use bytes::{Buf, Bytes};
    use levada_amf::{Object, Value};
    use levada_buf::Outbox;
    use levada_chunk::{ChunkWriter, Message, MessageStreamId, MessageType};
    use levada_session::Command;

    use super::*;

    /// rtmpx 3.1.1 asks for Rust 1.97. shiguredo_rtmp has no public way past its own sessions' sockets.
    pub fn cases(size: ChunkSize) -> [Case; 2] {
        [
            case(size, "rml_rtmp 0.8.0", rml, rml_ingest),
            case(size, "rtmp-runtime 0.8.0", rtmp_runtime, rtmp_runtime_ingest),
        ]
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

    fn rml(chunk_size: ChunkSize) -> rml_rtmp::sessions::ServerSession {
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
        session
    }

    fn rml_ingest(
        session: &mut rml_rtmp::sessions::ServerSession,
        wire: &[u8],
        read: usize,
    ) -> usize {
        use rml_rtmp::sessions::ServerSessionResult;
        let mut media = 0;
        for bytes in wire.chunks(read) {
            for result in black_box(session.handle_input(bytes).unwrap()) {
                media += usize::from(matches!(result, ServerSessionResult::RaisedEvent(_)));
            }
        }
        media
    }

    fn rtmp_runtime(chunk_size: ChunkSize) -> rtmp_runtime::server::ServerSession {
        let mut session = rtmp_runtime::server::ServerSession::with_defaults();
        session.handle_data(&[&[3][..], &[0; 3072]].concat()).unwrap();
        session.handle_data(&preamble(chunk_size)).unwrap();
        session
    }

    fn rtmp_runtime_ingest(
        session: &mut rtmp_runtime::server::ServerSession,
        wire: &[u8],
        read: usize,
    ) -> usize {
        use rtmp_runtime::server::ServerEvent;
        let mut media = 0;
        for bytes in wire.chunks(read) {
            let (_, events) = black_box(session.handle_data(bytes).unwrap());
            media += events.iter().filter(|it| matches!(it, ServerEvent::Media { .. })).count();
        }
        media
    }
}
