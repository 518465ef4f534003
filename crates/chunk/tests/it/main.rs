//! What the chunk stream does, seen from outside: against the vectors, the traps that caught other readers and
//! writers, the quirks of real peers, and hostile ones.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod allocations;
mod control;
mod hostile;
mod quirks;
mod round_trip;
mod traps;
mod vectors;

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_chunk::{
    ChunkError, ChunkFault, ChunkLimits, ChunkQuirk, ChunkReader, ChunkStreamId, ChunkWriter,
    Message, MessageStreamId, MessageType, Tolerance,
};
use levada_test::{hex, same_at_every_cut};

/// Everything that can be seen of a reader.
#[derive(Debug, PartialEq)]
struct Seen {
    messages: Vec<Message>,
    quirks: Vec<ChunkQuirk>,
    error: Option<ChunkError>,
    /// Bytes that wait in the input, if there was no error.
    left: usize,
    oldest_partial: Option<u64>,
}

/// Reads a wire that was cut into pieces.
fn read_pieces(mut reader: ChunkReader, pieces: &[&[u8]]) -> Seen {
    let mut seen =
        Seen { messages: vec![], quirks: vec![], error: None, left: 0, oldest_partial: None };
    let mut input = BytesMut::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(message)) => seen.messages.push(message),
                Ok(None) => break,
                Err(why) => {
                    // It stays failed, and says nothing more.
                    assert_eq!(reader.read(&mut input), Err(why));
                    assert_eq!(reader.read(&mut BytesMut::from(&[2; 99][..])), Err(why));
                    seen.error = Some(why);
                    break;
                }
            }
        }
        assert!(seen.error.is_some() || reader.read(&mut input) == Ok(None), "None, then some");
        seen.quirks.extend(core::iter::from_fn(|| reader.take_quirk()));
    }
    if seen.error.is_none() {
        seen.left = input.len();
        seen.oldest_partial = reader.oldest_partial();
        let fed: usize = pieces.iter().map(|it| it.len()).sum();
        assert_eq!(reader.consumed(), (fed - input.len()) as u64);
    }
    seen
}

fn read_with(wire: &[u8], limits: ChunkLimits, tolerance: Tolerance) -> Seen {
    let reader = || ChunkReader::new(limits).with_tolerance(tolerance);
    same_at_every_cut(wire, |pieces| read_pieces(reader(), pieces));
    read_pieces(reader(), &[wire])
}

/// Reads a wire, however it is cut.
fn read(wire: &[u8]) -> Seen {
    read_with(wire, ChunkLimits::default(), Tolerance::default())
}

/// The messages of a wire on which nothing is wrong.
fn messages(wire: &[u8]) -> Vec<Message> {
    let seen = read(wire);
    assert_eq!((seen.error, seen.quirks, seen.left), (None, vec![], 0));
    seen.messages
}

fn fault(seen: &Seen) -> Option<ChunkFault> {
    match seen.error {
        Some(ChunkError::Malformed { fault, .. }) => Some(fault),
        _ => None,
    }
}

fn id(number: u32) -> ChunkStreamId {
    ChunkStreamId::new(number).unwrap()
}

fn message(chunk_stream: u32, kind: MessageType, timestamp: u32, payload: &[u8]) -> Message {
    Message {
        chunk_stream: id(chunk_stream),
        kind,
        stream: MessageStreamId(1),
        timestamp,
        payload: Bytes::copy_from_slice(payload),
    }
}

/// The times of messages, and how long they are.
fn times(messages: &[Message]) -> Vec<(u32, usize)> {
    messages.iter().map(|it| (it.timestamp, it.payload.len())).collect()
}

/// The bytes of some messages as a writer cuts them.
fn write(writer: &mut ChunkWriter, messages: &[Message]) -> Vec<u8> {
    let mut out = Outbox::new();
    messages.iter().for_each(|it| writer.write(it, &mut out).unwrap());
    out.copy_to_bytes(out.remaining()).to_vec()
}

/// A wire from pictures of bytes and runs of one byte.
fn wire(parts: &[Part]) -> Vec<u8> {
    let mut wire = Vec::new();
    for part in parts {
        match part {
            Hex(picture) => wire.extend(hex(picture)),
            Run(byte, count) => wire.extend(vec![*byte; *count]),
        }
    }
    wire
}

enum Part {
    Hex(&'static str),
    Run(u8, usize),
}
use Part::{Hex, Run};
