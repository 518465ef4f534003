//! Work to be counted by callgrind, one piece a run: see `instructions.sh`.
//!
//! `instructions` lists the pieces, `instructions PIECE` does one of them and prints by what its count is to be
//! divided: bytes of input, or receivers.

use std::hint::black_box;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use levada_benches::{flush, ingest, messages, wire};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{
    ChunkReader, ChunkSize, ChunkWriter, Control, Message, MessageStreamId, MessageType,
    SharedMessage,
};

/// One piece of work: its name, and what prepares it, does it and says the divisor.
type Piece = (&'static str, fn() -> usize);

const PIECES: &[Piece] = &[
    ("memcpy", copy),
    ("chunk-read-128-by-4096", || chunk_read(128, 4096)),
    ("chunk-read-128-by-16384", || chunk_read(128, 16 * 1024)),
    ("chunk-read-4096-by-16384", || chunk_read(4096, 16 * 1024)),
    ("chunk-read-65536-by-16384", || chunk_read(65_536, 16 * 1024)),
    ("chunk-read-65536-by-65536", || chunk_read(65_536, 65_536)),
    ("session-ingest-128-by-16384", || session_ingest(128, 16 * 1024)),
    ("session-ingest-4096-by-16384", || session_ingest(4096, 16 * 1024)),
    ("session-ingest-65536-by-65536", || session_ingest(65_536, 65_536)),
    ("chunk-write-128", || chunk_write(128)),
    ("chunk-write-4096", || chunk_write(4096)),
    ("chunk-write-65536", || chunk_write(65_536)),
    ("fanout-400-of-4096", || fanout(400, 4096)),
    ("fanout-8000-of-4096", || fanout(8000, 4096)),
    ("fanout-100000-of-4096", || fanout(100_000, 4096)),
    ("fanout-100000-of-65536", || fanout(100_000, 65_536)),
];

/// What callgrind counts: everything below this function, and nothing else.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}

fn main() {
    let wanted = std::env::args().nth(1);
    for (name, work) in PIECES {
        match &wanted {
            None => println!("{name}"),
            Some(wanted) if wanted == name => println!("{}", work()),
            Some(_) => {}
        }
    }
}

fn size(chunk_size: u32) -> ChunkSize {
    ChunkSize::new(chunk_size).unwrap()
}

/// A Set Chunk Size message as it is on the wire.
fn announcement(chunk_size: ChunkSize) -> Vec<u8> {
    let payload = Control::SetChunkSize(chunk_size).message().payload;
    [&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &payload].concat()
}

fn copy() -> usize {
    let wire = wire(size(65_536));
    let mut block = Vec::with_capacity(65_536);
    measured(|| wire.chunks(65_536).for_each(|it| levada_benches::memcpy(it, &mut block)));
    wire.len()
}

/// Includes the copy into the input block that stands for the socket's read.
fn chunk_read(chunk_size: u32, read: usize) -> usize {
    let wire = wire(size(chunk_size));
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut reader = ChunkReader::default();
    input.extend_from_slice(&announcement(size(chunk_size)));
    reader.read(&mut input).unwrap();
    measured(|| {
        for bytes in wire.chunks(read) {
            if input.capacity() - input.len() < read {
                input.reserve(64 * 1024);
            }
            input.extend_from_slice(bytes);
            while let Some(message) = reader.read(&mut input).unwrap() {
                black_box(message);
            }
        }
    });
    assert!(input.is_empty() && reader.oldest_partial().is_none());
    wire.len()
}

/// The same work as [`chunk_read`], with a server session around it.
fn session_ingest(chunk_size: u32, read: usize) -> usize {
    let wire = wire(size(chunk_size));
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut session = ingest(size(chunk_size));
    let now = Instant::now();
    measured(|| {
        for bytes in wire.chunks(read) {
            if input.capacity() - input.len() < read {
                input.reserve(64 * 1024);
            }
            input.extend_from_slice(bytes);
            while let Some(event) = session.next_event(&mut input, now).unwrap() {
                black_box(event);
            }
        }
    });
    assert!(input.is_empty() && session.output().remaining() < 1000);
    wire.len()
}

fn chunk_write(chunk_size: u32) -> usize {
    let messages = messages();
    let mut out = Outbox::new();
    let mut writer = ChunkWriter::new();
    writer.set_chunk_size(size(chunk_size), &mut out);
    flush(&mut out);
    measured(|| {
        for message in &messages {
            writer.write(message, &mut out).unwrap();
            flush(&mut out);
        }
    });
    messages.iter().map(|it| it.payload.len()).sum()
}

/// One message prepared once and written to each of 1000 receivers, each with an outbox that was used before.
fn fanout(length: usize, chunk_size: u32) -> usize {
    let chunk_size = size(chunk_size);
    let message = |time| {
        let payload = Bytes::from(vec![7; length]);
        Message::new(MessageType::VIDEO, MessageStreamId(1), time, payload)
    };
    let mut receivers: Vec<(ChunkWriter, Outbox)> = Vec::new();
    receivers.resize_with(1000, || (ChunkWriter::new(), Outbox::new()));
    let warm_up = SharedMessage::new(message(0), chunk_size).unwrap();
    for (writer, out) in &mut receivers {
        writer.set_chunk_size(chunk_size, out);
        writer.write_shared(&warm_up, MessageStreamId(1), out);
        flush(out);
    }
    let message = message(33);
    measured(|| {
        let shared = SharedMessage::new(message, chunk_size).unwrap();
        for (writer, out) in &mut receivers {
            writer.write_shared(&shared, MessageStreamId(1), out);
            flush(out);
        }
    });
    receivers.len()
}
