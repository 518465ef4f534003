use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_chunk::{
    Aggregate, ChunkError, ChunkLimits, ChunkQuirk, ChunkReader, ChunkSize, ChunkStreamId,
    ChunkWriter, Control, Message, MessageStreamId, MessageType, SharedMessage, Tolerance,
};

/// Any bytes, however they are cut, give the same messages, deviations and error; every limit holds.
///
/// The first byte chooses what is forgiven and the limits, the second says how many bytes after it are the sizes
/// of the pieces.
pub fn chunk_read(data: &[u8]) {
    let [flags, count, rest @ ..] = data else { return };
    let (sizes, wire) = rest.split_at(usize::from(count % 16).min(rest.len()));
    let whole = read(*flags, wire, &[]);
    assert_eq!(read(*flags, wire, sizes), whole);
    assert_eq!(read(*flags, wire, &[0]), whole);
    for message in whole.messages {
        let _ = Control::parse(&message);
        let length = message.payload.len();
        let parts = Aggregate::new(message, &ChunkLimits::default());
        let inside: usize = parts.flatten().map(|it| 11 + it.payload.len()).sum();
        assert!(inside <= length);
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    messages: Vec<Message>,
    quirks: Vec<ChunkQuirk>,
    end: Result<(usize, u64), ChunkError>,
}

fn read(flags: u8, wire: &[u8], sizes: &[u8]) -> Seen {
    let mut limits = ChunkLimits::default();
    if flags & 8 != 0 {
        (limits.max_video, limits.max_pending, limits.max_streams) = (2000, 1000, 3);
    }
    let mut tolerance = Tolerance::default();
    tolerance.omitted_extended_timestamp = flags & 1 == 0;
    tolerance.restarts = flags & 2 != 0;
    tolerance.orphans = flags & 4 != 0;
    let mut reader = ChunkReader::new(limits).with_tolerance(tolerance);
    let mut seen = Seen { messages: vec![], quirks: vec![], end: Ok((0, 0)) };
    let mut input = BytesMut::new();
    let (mut rest, mut step) = (wire, 0);
    loop {
        let size =
            sizes.get(step % sizes.len().max(1)).map_or(wire.len(), |it| usize::from(*it) + 1);
        let (piece, later) = rest.split_at(size.min(rest.len()));
        input.extend_from_slice(piece);
        (rest, step) = (later, step + 1);
        loop {
            match reader.read(&mut input) {
                Ok(Some(message)) => {
                    assert!(message.payload.len() <= limits.max_message(message.kind) as usize);
                    seen.messages.push(message);
                }
                Ok(None) => break,
                Err(why) => {
                    assert_eq!(reader.read(&mut input), Err(why));
                    seen.quirks.extend(std::iter::from_fn(|| reader.take_quirk()));
                    seen.end = Err(why);
                    return seen;
                }
            }
        }
        assert_eq!(reader.read(&mut input), Ok(None));
        assert!(input.len() < 64 * 1024);
        seen.quirks.extend(std::iter::from_fn(|| reader.take_quirk()));
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(reader.consumed() + input.len() as u64, wire.len() as u64);
    assert!(reader.oldest_partial().is_none_or(|it| it < reader.consumed()));
    seen.end = Ok((input.len(), reader.consumed()));
    seen
}

/// Any script of messages, sizes and shared messages is read again as it was written.
///
/// Six bytes a step: what to do, chunk stream, time (2), length, size of the next piece.
pub fn chunk_write_read(script: &[u8]) {
    let mut writer = ChunkWriter::new();
    if script.len() & 1 == 1 {
        writer = writer.with_type_3_starts();
    }
    let (mut out, mut input) = (Outbox::new(), BytesMut::new());
    let mut reader = ChunkReader::default();
    let mut time = 0_u32;
    let mut expected = std::collections::VecDeque::new();
    let mut check = |input: &mut BytesMut, expected: &mut std::collections::VecDeque<Message>| {
        while let Some(message) = reader.read(input).expect("we write no faults") {
            assert_eq!(Some(message), expected.pop_front());
        }
        assert_eq!(reader.take_quirk(), None);
    };
    for step in script.chunks_exact(6) {
        let &[op, id, t1, t0, length, piece] = step else { continue };
        // Small steps, large ones, and ones back.
        let step = u32::from_be_bytes([0, 0, t1, t0]);
        time = match op >> 6 {
            0 | 1 => time.wrapping_add(step & 0xFF),
            2 => time.wrapping_add(step << 12),
            _ => time.wrapping_sub(step),
        };
        let payload: Bytes = (0..usize::from(length) * 37).map(|it| it as u8 ^ id).collect();
        let chunk_stream = ChunkStreamId::new(u32::from(id % 61) * u32::from(id % 7 + 1) + 3)
            .expect("at most 423");
        let kind = MessageType([8, 9, 18, 20, 15][usize::from(op >> 3) % 5]);
        let stream = MessageStreamId(u32::from(op >> 5 & 1));
        let message = Message { chunk_stream, kind, stream, timestamp: time, payload };
        let size = ChunkSize::new(u32::from(t1) * u32::from(t0) + 1).expect("at most 65026");
        match op & 7 {
            0 => {
                writer.set_chunk_size(size, &mut out);
                expected.push_back(Control::SetChunkSize(size).message());
            }
            1 | 2 => {
                let size = if op & 7 == 1 { size } else { writer.chunk_size() };
                let shared = SharedMessage::new(message.clone(), size).expect("short enough");
                writer.write_shared(&shared, stream, &mut out);
                expected.push_back(Message { chunk_stream: kind.chunk_stream(), ..message });
            }
            _ => {
                writer.write(&message, &mut out).expect("short enough");
                expected.push_back(message);
            }
        }
        let piece = out.remaining().min(usize::from(piece) * 13);
        input.extend_from_slice(&out.copy_to_bytes(piece));
        check(&mut input, &mut expected);
    }
    input.extend_from_slice(&out.copy_to_bytes(out.remaining()));
    check(&mut input, &mut expected);
    assert!(expected.is_empty() && input.is_empty());
}
