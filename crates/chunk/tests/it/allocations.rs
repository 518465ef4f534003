//! Steady state allocates nothing for framing, and at most one buffer for a message of several chunks.

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_chunk::{
    ChunkReader, ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType, SharedMessage,
};
use levada_test::allocations;

/// Two seconds of audio and video in the shape of an encoder's: 30 frames of 25 kB and 43 of 372 bytes a second.
fn second(writer: &mut ChunkWriter, out: &mut Outbox) -> Vec<Message> {
    let of = |kind, length, count: u32| {
        (0..count).map(move |it| {
            let payload = Bytes::from(vec![it as u8; length]);
            Message::new(kind, MessageStreamId(1), it * 1000 / count, payload)
        })
    };
    let mut messages: Vec<Message> =
        of(MessageType::VIDEO, 25_000, 30).chain(of(MessageType::AUDIO, 372, 43)).collect();
    messages.sort_by_key(|it| it.timestamp);
    messages.iter().for_each(|it| writer.write(it, out).unwrap());
    messages
}

fn wire(chunk_size: u32) -> (Bytes, usize) {
    let mut out = Outbox::new();
    let mut writer = ChunkWriter::new();
    writer.set_chunk_size(ChunkSize::new(chunk_size).unwrap(), &mut out);
    let mut gathered = 0;
    for _ in 0..3 {
        let messages = second(&mut writer, &mut out);
        let size = usize::try_from(chunk_size).unwrap();
        gathered += messages.iter().filter(|it| it.payload.len() > size).count();
    }
    (out.copy_to_bytes(out.remaining()), gathered)
}

/// Reads as a driver with one block of 64 KiB does, and drops the messages.
fn read(reader: &mut ChunkReader, input: &mut BytesMut, wire: &[u8], piece: usize) -> usize {
    let mut messages = 0;
    for bytes in wire.chunks(piece) {
        if input.capacity() - input.len() < piece {
            input.reserve(64 * 1024);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = reader.read(input).unwrap() {
            messages += 1;
            drop(message);
        }
    }
    messages
}

#[test]
fn one_allocation_for_each_gathered_message_and_none_for_others() {
    for (chunk_size, piece) in
        [(128, 1460), (128, 16 * 1024), (4096, 4096), (4096, 16 * 1024), (65_536, 16 * 1024)]
    {
        let (wire, gathered) = wire(chunk_size);
        let mut reader = ChunkReader::default();
        let mut input = BytesMut::with_capacity(64 * 1024);
        // The first time it makes its table, and the block is promoted to a shared one.
        read(&mut reader, &mut input, &wire, piece);
        let counted = allocations(|| {
            assert_eq!(read(&mut reader, &mut input, &wire, piece), 3 * 73 + 1);
        });
        assert_eq!(counted.count, gathered as u64, "{chunk_size} by {piece}: {counted:?}");
    }
}

#[test]
fn a_message_in_one_chunk_is_a_slice_of_the_input() {
    let (wire, _) = wire(65_536);
    let mut input = BytesMut::from(&wire[..]);
    let block = input.as_ptr_range();
    let mut reader = ChunkReader::default();
    while let Some(message) = reader.read(&mut input).unwrap() {
        assert!(block.contains(&message.payload.as_ptr()));
    }
}

#[test]
fn a_growing_message_is_copied_at_most_once_more() {
    // 4 MiB, the first message of the connection, so nothing is known of it: 64 KiB, then doubling.
    let mut out = Outbox::new();
    let payload = Bytes::from(vec![7; 4 << 20]);
    let video = Message::new(MessageType::VIDEO, MessageStreamId(1), 0, payload);
    ChunkWriter::new().write(&video, &mut out).unwrap();
    let wire = out.copy_to_bytes(out.remaining());
    for times in [7, 1] {
        // The second of its kind fits at once.
        let mut reader = ChunkReader::default();
        let mut input = BytesMut::with_capacity(64 * 1024);
        let before = if times == 1 { 1 } else { 0 };
        for _ in 0..before {
            read(&mut reader, &mut input, &wire, 4096);
        }
        let counted = allocations(|| {
            assert_eq!(read(&mut reader, &mut input, &wire, 4096), 1);
        });
        // And the table of chunk streams.
        let table = u64::from(before == 0);
        assert_eq!(counted.count, times + table, "{counted:?}");
        assert!(counted.total_bytes < (8 << 20) + 4096, "{counted:?}");
    }
}

#[test]
fn writing_to_a_receiver_of_a_shared_message_allocates_nothing() {
    let payload = Bytes::from(vec![7; 100_000]);
    let video = Message::new(MessageType::VIDEO, MessageStreamId(1), 40, payload);
    let shared = SharedMessage::new(video, ChunkSize::DEFAULT).unwrap();
    let mut writer = ChunkWriter::new();
    let mut out = Outbox::new();
    let mut send = || {
        writer.write_shared(&shared, MessageStreamId(1), &mut out);
        out.advance(out.remaining());
    };
    send();
    assert_eq!(allocations(send).count, 0);
}
