//! Every recorded connection is read to its last byte, in both directions and however it is cut.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use bytes::BytesMut;
use levada_buf::Outbox;
use levada_chunk::{ChunkError, ChunkReader, Message};
use levada_handshake::{ClientHandshake, Entropy, HandshakeError, Progress, ServerHandshake};
use levada_test::{Vector, vectors};

/// The end that we play.
enum End {
    Server(ServerHandshake),
    Client(ClientHandshake),
}

impl End {
    /// The one to which `capture` was sent.
    fn of(capture: &str) -> Self {
        let entropy = Entropy::new([7; 1528]);
        if capture.ends_with(".c2s") {
            Self::Server(ServerHandshake::new(entropy))
        } else {
            Self::Client(ClientHandshake::new(entropy))
        }
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Progress, HandshakeError> {
        let mut out = Outbox::new();
        match self {
            Self::Server(handshake) => handshake.advance(input, &mut out),
            Self::Client(handshake) => handshake.advance(input, &mut out),
        }
    }
}

#[derive(Default)]
struct Seen {
    messages: usize,
    kinds: std::collections::BTreeMap<u8, (usize, usize)>,
    fnv: u64,
}

impl Seen {
    fn push(&mut self, message: &Message) {
        self.messages += 1;
        let kind = self.kinds.entry(message.kind.0).or_default();
        kind.0 += 1;
        kind.1 += message.payload.len();
        for bytes in [
            &message.chunk_stream.number().to_be_bytes()[..],
            &[message.kind.0],
            &message.stream.0.to_be_bytes(),
            &message.timestamp.to_be_bytes(),
            &message.payload,
        ] {
            for byte in bytes {
                self.fnv = (self.fnv ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
}

fn read(name: &str, wire: &[u8], piece: usize) -> Result<(Seen, ChunkReader), ChunkError> {
    let mut end = End::of(name);
    let mut reader = ChunkReader::default();
    let mut seen = Seen { fnv: 0xcbf2_9ce4_8422_2325, ..Seen::default() };
    let mut input = BytesMut::new();
    for bytes in wire.chunks(piece) {
        input.extend_from_slice(bytes);
        if let Progress::NeedMore(_) = end.advance(&mut input).unwrap() {
            continue;
        }
        while let Some(message) = reader.read(&mut input)? {
            seen.push(&message);
        }
        assert!(input.len() <= 64 * 1024, "{name}: {} bytes wait", input.len());
    }
    assert!(input.is_empty(), "{name}: {} bytes are left", input.len());
    assert_eq!(reader.take_quirk(), None, "{name}");
    Ok((seen, reader))
}

fn check(vector: &Vector, piece: usize) {
    let name = vector["name"].as_str().unwrap();
    let path = format!("{}/testdata/captures/{name}", env!("CARGO_MANIFEST_DIR"));
    let wire = std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let (seen, reader) = read(name, &wire, piece).unwrap_or_else(|why| panic!("{name}: {why}"));
    assert_eq!(seen.messages as u64, vector["messages"].as_u64().unwrap(), "{name}");
    for (kind, counts) in vector["kinds"].as_object().unwrap() {
        let (count, bytes) = seen.kinds[&kind.parse().unwrap()];
        assert_eq!(serde_json::json!([count, bytes]), *counts, "{name}: type {kind}");
    }
    assert_eq!(format!("{:016x}", seen.fnv), vector["fnv"], "{name}");
    assert_eq!(reader.consumed(), wire.len() as u64 - 3073, "{name}");
    assert_eq!(reader.oldest_partial().is_some(), vector["open"], "{name}");
}

#[test]
fn every_capture_is_read_to_its_last_byte() {
    let captures = vectors(env!("CARGO_MANIFEST_DIR"), "captures.json");
    assert_eq!(captures.len(), 40);
    for vector in captures {
        for piece in [usize::MAX, 64 * 1024, 4096, 1460, 127, 1] {
            check(&vector, piece);
        }
    }
}
