//! Whatever is written is read again, whatever cuts it on the way.

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_chunk::{
    ChunkReader, ChunkSize, ChunkWriter, Control, Message, MessageStreamId, MessageType,
    SharedMessage,
};
use levada_test::cuts;
use proptest::prelude::*;

use super::{id, message, messages, read_pieces};

fn any_message() -> impl Strategy<Value = Message> {
    let time = prop_oneof![
        6 => 0_u32..100_000,
        1 => 0xFF_FFF0_u32..0x100_0010,
        1 => any::<u32>(),
    ];
    let length = prop_oneof![4 => 0_usize..400, 2 => 400_usize..10_000, 1 => 60_000_usize..70_000];
    let id_number =
        prop_oneof![6 => 3_u32..9, 1 => 60_u32..70, 1 => 315_u32..325, 1 => Just(65_599)];
    (id_number, 7_u8..=255, 0_u32..4, time, length, any::<u8>()).prop_map(
        |(number, kind, stream, timestamp, length, seed)| Message {
            chunk_stream: id(number),
            kind: if kind > 25 { MessageType::VIDEO } else { MessageType(kind) },
            stream: MessageStreamId(stream),
            timestamp,
            payload: (0..length).map(|it| (it as u8).wrapping_mul(31) ^ seed).collect(),
        },
    )
}

fn any_chunk_size() -> impl Strategy<Value = ChunkSize> {
    prop_oneof![Just(128), 1_u32..20, 100_u32..5000, 60_000_u32..70_000, Just(0x7FFF_FFFF)]
        .prop_map(|it| ChunkSize::new(it).unwrap())
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        script in proptest::collection::vec((any_message(), proptest::option::weighted(0.1, any_chunk_size())), 1..20),
        type_3_starts in any::<bool>(),
        cuts in cuts(),
    ) {
        let mut writer = ChunkWriter::new();
        if type_3_starts {
            writer = writer.with_type_3_starts();
        }
        let mut out = Outbox::new();
        let mut expected = Vec::new();
        for (message, size) in script {
            if let Some(size) = size {
                writer.set_chunk_size(size, &mut out);
                expected.push(Control::SetChunkSize(size).message());
            }
            writer.write(&message, &mut out).unwrap();
            expected.push(message);
        }
        let wire = out.copy_to_bytes(out.remaining());
        let mut pieces = vec![];
        let (mut rest, mut sizes) = (&wire[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(sizes.next().unwrap().min(&rest.len()).to_owned());
            pieces.push(piece);
            rest = later;
        }
        let seen = read_pieces(ChunkReader::default(), &pieces);
        prop_assert_eq!((seen.error, seen.quirks, seen.left), (None, vec![], 0));
        prop_assert!(seen.messages == expected);
        prop_assert_eq!(seen.oldest_partial, None);
    }

    #[test]
    fn a_shared_message_is_the_message(
        original in any_message(),
        cut_for in any_chunk_size(),
        announced in any_chunk_size(),
        to in 0_u32..4,
        at in proptest::option::of(prop_oneof![0xFF_FFFC_u32..0x100_0004, any::<u32>()]),
    ) {
        let shared = SharedMessage::new(original.clone(), cut_for).unwrap();
        let (mut writer, mut out) = (ChunkWriter::new(), Outbox::new());
        writer.set_chunk_size(announced, &mut out);
        let to = MessageStreamId(to);
        let timestamp = at.unwrap_or(original.timestamp);
        match at {
            None => writer.write_shared(&shared, to, &mut out),
            Some(at) => writer.write_shared_at(&shared, to, at, &mut out),
        }
        // A message that is not shared follows it on the same chunk stream.
        let chunk_stream = original.kind.chunk_stream();
        let next = Message { chunk_stream, stream: to, timestamp: timestamp.wrapping_add(7), ..original.clone() };
        writer.write(&next, &mut out).unwrap();
        let wire = out.copy_to_bytes(out.remaining());
        let seen = read_pieces(ChunkReader::default(), &[&wire]);
        let expected = Message { chunk_stream, stream: to, timestamp, ..original };
        prop_assert_eq!((seen.error, seen.quirks), (None, vec![]));
        prop_assert!(seen.messages[1..] == [expected, next]);
    }

    #[test]
    fn the_reader_survives_anything(bytes in proptest::collection::vec(any::<u8>(), 0..600), cuts in cuts()) {
        let whole = read_pieces(ChunkReader::default(), &[&bytes]);
        let mut pieces = vec![];
        let (mut rest, mut sizes) = (&bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        prop_assert!(read_pieces(ChunkReader::default(), &pieces) == whole || pieces.is_empty());
    }
}

#[test]
fn a_shared_body_is_cut_once_and_shared() {
    let payload = Bytes::from(vec![7; 10_000]);
    let video = Message::new(MessageType::VIDEO, MessageStreamId(1), 40, payload);
    let shared = SharedMessage::new(video.clone(), ChunkSize::new(4096).unwrap()).unwrap();
    let mut bodies = vec![];
    for stream in [1, 2] {
        let (mut writer, mut out) = (ChunkWriter::new(), Outbox::new());
        writer.set_chunk_size(ChunkSize::new(4096).unwrap(), &mut out);
        writer.write_shared(&shared, MessageStreamId(stream), &mut out);
        out.advance(16);
        assert_eq!(out.chunk().len(), 12, "one copied header");
        out.advance(12);
        assert_eq!(out.chunk().len(), 10_000 + 2, "one shared body");
        bodies.push(out.chunk().as_ptr());
    }
    assert_eq!(bodies[0], bodies[1]);

    // In one chunk the body is the payload itself.
    let shared = SharedMessage::new(video.clone(), ChunkSize::new(65_536).unwrap()).unwrap();
    let (mut writer, mut out) = (ChunkWriter::new(), Outbox::new());
    writer.set_chunk_size(ChunkSize::new(65_536).unwrap(), &mut out);
    writer.write_shared(&shared, MessageStreamId(1), &mut out);
    out.advance(16 + 12);
    assert_eq!(out.chunk().as_ptr(), video.payload.as_ptr());
    assert_eq!(shared.payload().as_ptr(), video.payload.as_ptr());
}

/// Only from 0xFFFFFF on does the body depend on the time.
#[test]
fn a_shared_body_at_the_edge_of_the_extended_timestamp() {
    for (cut_at, sent_at, is_shared) in [
        (0xFF_FFFE, 5, true),
        (5, 0xFF_FFFE, true),
        (0xFF_FFFE, 0xFF_FFFF, false),
        (0xFF_FFFF, 0xFF_FFFE, false),
        (0xFF_FFFF, 0xFF_FFFF, true),
        (0xFF_FFFF, 0x100_0000, false),
        (0x100_0000, 0x100_0000, true),
    ] {
        let video = Message::new(
            MessageType::VIDEO,
            MessageStreamId(1),
            cut_at,
            Bytes::from(vec![7; 5000]),
        );
        let shared = SharedMessage::new(video.clone(), ChunkSize::DEFAULT).unwrap();
        let (mut writer, mut out) = (ChunkWriter::new(), Outbox::new());
        writer.write_shared_at(&shared, MessageStreamId(1), sent_at, &mut out);
        let header = if sent_at >= 0xFF_FFFF { 16 } else { 12 };
        let first = out.chunk().len();
        let mut wire = BytesMut::new();
        wire.extend_from_slice(&out.copy_to_bytes(out.remaining()));
        assert_eq!(messages(&wire), [Message { timestamp: sent_at, ..video }]);
        // A body that is not shared is cut anew.
        let again = message(6, MessageType::VIDEO, sent_at, &[7; 5000]);
        assert_eq!(super::write(&mut ChunkWriter::new(), &[again]), wire);
        assert_eq!(first == header, is_shared, "{cut_at:#x} sent at {sent_at:#x}");
    }
}
