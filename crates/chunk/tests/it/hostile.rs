//! Hostile chunk streams. Each test carries the id of its entry in the catalogue. What the session answers is
//! tested there.

use bytes::{BufMut, BytesMut};
use levada_chunk::{
    ChunkError, ChunkFault, ChunkLimit, ChunkLimits, ChunkReader, ChunkSize, ChunkWriter, Control,
    MessageStreamId, MessageType, Tolerance,
};
use levada_test::{allocations, hex};

use super::{
    Hex, Run, fault, id, message, messages, read, read_pieces, read_with, times, wire, write,
};

fn limits(change: impl FnOnce(&mut ChunkLimits)) -> ChunkLimits {
    let mut limits = ChunkLimits::default();
    change(&mut limits);
    limits
}

fn limit(offset: u64, which: ChunkLimit, limit: u64, actual: u64) -> Option<ChunkError> {
    Some(ChunkError::Limit { offset, which, limit, actual })
}

/// A full header and no payload.
fn header(id: u8, length: u32, kind: u8) -> Vec<u8> {
    [&[id, 0, 0, 0], &length.to_be_bytes()[1..], &[kind, 1, 0, 0, 0]].concat()
}

#[test]
fn hostile_chk_01_a_chunk_stream_opens_without_a_header() {
    for (wire, number) in [("83 000001 aa", 3), ("c3", 3), ("c0 00", 64), ("c1 ffff", 65_599)] {
        let seen = read(&hex(wire));
        let fault = ChunkFault::NoPreviousHeader { chunk_stream: id(number) };
        assert_eq!(seen.error, Some(ChunkError::Malformed { offset: 0, fault }));
    }
}

#[test]
fn hostile_chk_02_a_ping_with_type_1_opens_chunk_stream_2() {
    let seen = read(&hex("42 000000 000006 04 0006 00000d0f"));
    assert_eq!((seen.messages[0].stream, seen.error), (MessageStreamId(0), None));
}

#[test]
fn hostile_chk_03_every_form_of_basic_header() {
    let forms = [
        ("02", 2),
        ("3f", 63),
        ("00 00", 64),
        ("00 ff", 319),
        ("01 00 01", 320),
        ("01 ff ff", 65_599),
        ("01 00 00", 64),
        ("01 ff 00", 319),
    ];
    for (form, number) in forms {
        let wire = [hex(form), hex("000000 000001 08 01000000 aa")].concat();
        assert_eq!(messages(&wire)[0].chunk_stream, id(number), "{form}");
    }
    // The state belongs to the number.
    let wire = hex("0000 00000a 000001 08 01000000 aa  810000 000005 bb  c000 cc");
    assert_eq!(times(&messages(&wire)), [(10, 1), (15, 1), (20, 1)]);
}

#[test]
fn hostile_chk_04_one_chunk_stream_too_many() {
    let open = |count: u32| {
        let streams: Vec<_> =
            (0..count).map(|it| message(it + 3, MessageType::AUDIO, 0, &[1])).collect();
        write(&mut ChunkWriter::new(), &streams)
    };
    for most in [1, 2, 64] {
        let few = limits(|it| it.max_streams = most);
        let most = u64::from(most);
        let wire = open(u32::try_from(most).unwrap());
        let seen = read_with(&wire, few, Tolerance::default());
        assert_eq!((seen.messages.len() as u64, seen.error), (most, None));

        let wire = open(u32::try_from(most).unwrap() + 1);
        let offset = (wire.len() - if most == 64 { 15 - 1 } else { 13 }) as u64;
        let seen = read_with(&wire, few, Tolerance::default());
        assert_eq!(seen.error, limit(offset, ChunkLimit::Streams, most, most + 1));
    }
}

#[test]
fn hostile_chk_05_quirk_27_announced_lengths_on_every_chunk_stream() {
    let wire: Vec<u8> =
        (3..=63).flat_map(|id| [header(id, 8 << 20, 9), vec![0xA1; 128]].concat()).collect();
    let mut reader = ChunkReader::default();
    let mut input = BytesMut::from(&wire[..]);
    let counted = allocations(|| assert_eq!(reader.read(&mut input), Ok(None)));
    // G2: twice what came, and a constant.
    assert!(counted.peak_bytes < 2 * wire.len() as u64 + (64 + 16) * 1024, "{counted:?}");
}

#[test]
fn hostile_chk_05_pending_bytes_at_the_limit_and_one_beyond() {
    // Two messages of 200 bytes, of each of which 128 come.
    let wire: Vec<u8> =
        [5, 6].iter().flat_map(|id| [header(*id, 200, 9), vec![0xA1; 128]].concat()).collect();
    let seen = read_with(&wire, limits(|it| it.max_pending = 256), Tolerance::default());
    assert_eq!(seen.error, None);
    let seen = read_with(&wire, limits(|it| it.max_pending = 255), Tolerance::default());
    assert_eq!(seen.error, limit(140, ChunkLimit::Pending, 255, 256));

    // The same in the middle of a run of type 3 chunks.
    let wire =
        [header(5, 400, 9), vec![0xA1; 128], vec![0xC5; 1], vec![0xA1; 128], vec![0xC5; 129]];
    let seen = read_with(&wire.concat(), limits(|it| it.max_pending = 383), Tolerance::default());
    assert_eq!(seen.error, limit(269, ChunkLimit::Pending, 383, 384));
    let seen = read_with(&wire.concat(), limits(|it| it.max_pending = 384), Tolerance::default());
    assert_eq!(seen.error, None);
}

/// What was delivered, aborted or cut off is pending no more.
#[test]
fn hostile_chk_05_pending_bytes_are_given_back() {
    let few = limits(|it| it.max_pending = 256);
    let begun = [header(6, 200, 9), vec![0xA1; 128]].concat();
    let ended = [begun.clone(), vec![0xC6], vec![0xA1; 72]].concat();
    let aborted = [begun.clone(), hex("02 000000 000004 02 00000000 00000006")].concat();
    for (cycle, tolerance) in [
        (ended, Tolerance::default()),
        (aborted, Tolerance::default()),
        (begun, {
            let mut tolerance = Tolerance::default();
            tolerance.restarts = true;
            tolerance
        }),
    ] {
        let seen = read_with(&cycle.repeat(5), few, tolerance);
        assert_eq!(seen.error, None);
    }
}

#[test]
fn hostile_chk_06_the_length_of_each_kind() {
    let limits = ChunkLimits::default();
    let kinds = [
        (9, 8 << 20),
        (22, 8 << 20),
        (8, 256 << 10),
        (18, 256 << 10),
        (20, 256 << 10),
        (4, 256 << 10),
    ];
    for (kind, most) in kinds {
        assert_eq!(read(&header(5, most, kind)).error, None);
        let seen = read(&header(5, most + 1, kind));
        let which = ChunkLimit::MessageLength;
        assert_eq!(seen.error, limit(0, which, u64::from(most), u64::from(most) + 1));
        let seen = read_with(
            &header(5, 0x1_0001, kind),
            ChunkLimits::UNAUTHENTICATED,
            Tolerance::default(),
        );
        assert_eq!(seen.error, limit(0, which, 0x1_0000, 0x1_0001));
    }
    let mut reader = ChunkReader::new(ChunkLimits::UNAUTHENTICATED);
    reader.set_limits(limits);
    assert_eq!(read_pieces(reader, &[&header(5, 8 << 20, 9)]).error, None);
}

#[test]
fn hostile_chk_07_no_bytes() {
    for kind in (0..=255_u8).map(MessageType) {
        let seen = read(&header(5, 0, kind.0));
        if matches!(kind, MessageType::SET_CHUNK_SIZE | MessageType::ABORT) {
            assert_eq!(fault(&seen), Some(ChunkFault::ShortControl { kind, length: 0 }));
        } else {
            assert_eq!(times(&seen.messages), [(0, 0)]);
            let parsed = Control::parse(&seen.messages[0]);
            assert_eq!(parsed.is_err(), kind.is_control());
        }
    }
}

#[test]
fn hostile_chk_08_another_message_in_an_unfinished_one() {
    for next in
        ["06 000000 000005 09 01000000", "46 000000 000104 08", "46 000000 000105 09", "86 000000"]
    {
        let wire = [header(6, 260, 9), vec![0xA1; 128], hex(next)].concat();
        let fault = ChunkFault::MessageInterrupted { chunk_stream: id(6) };
        assert_eq!(read(&wire).error, Some(ChunkError::Malformed { offset: 140, fault }));
    }
}

#[test]
fn hostile_chk_09_type_3_after_an_abort() {
    let wire = wire(&[
        Hex("06 000064 000081 09 01000000"),
        Run(0xA1, 128),
        Hex("02 000000 000004 02 00000000 00000006  c6"),
        Run(0xB1, 128),
        Hex("c6 b1"),
    ]);
    let messages = messages(&wire);
    assert_eq!(times(&messages), [(0, 4), (200, 129)]);
    assert_eq!(messages[1].payload, vec![0xB1; 129]);
}

#[test]
fn hostile_chk_10_chunk_sizes_change_under_partial_messages() {
    let set = |size: u32| Control::SetChunkSize(ChunkSize::new(size).unwrap()).message();
    let control = |size| write(&mut ChunkWriter::new(), &[set(size)]);
    let parts = [
        header(5, 1000, 9),
        vec![0xA1; 128],
        header(6, 500, 9),
        vec![0xB1; 128],
        control(1),
        vec![0xC5, 0xA2, 0xC6, 0xB2],
        // The control message itself is longer than a chunk now.
        hex("02 000000 000004 01 00000000 00 c2 01 c2 00 c2 00"),
        vec![0xC5],
        vec![0xA3; 871],
        vec![0xC6],
        vec![0xB3; 371],
    ];
    let messages = messages(&parts.concat());
    assert_eq!(messages[2].payload, [vec![0xA1; 128], vec![0xA2], vec![0xA3; 871]].concat());
    assert_eq!(messages[3].payload, [vec![0xB1; 128], vec![0xB2], vec![0xB3; 371]].concat());
}

#[test]
fn hostile_chk_11_odd_chunk_sizes() {
    let set = |size: &str| [hex("02 000000 000004 01 00000000"), hex(size)].concat();
    for (size, value) in [("00000000", 0), ("80000000", 1 << 31)] {
        assert_eq!(fault(&read(&set(size))), Some(ChunkFault::BadChunkSize { size: value }));
    }
    let mut input = BytesMut::from(&[set("7fffffff"), header(5, 8 << 20, 9)].concat()[..]);
    let mut reader = ChunkReader::default();
    assert!(reader.read(&mut input).unwrap().is_some());
    let counted = allocations(|| assert_eq!(reader.read(&mut input), Ok(None)));
    assert!(counted.peak_bytes <= 72 * 1024, "{counted:?}");
}

#[test]
fn the_input_never_has_to_hold_more_than_64_kib() {
    for length in [65_535, 65_536, 65_537, 200_000] {
        let wire = [
            hex("02 000000 000004 01 00000000 7fffffff"),
            header(5, length, 9),
            vec![0xA1; usize::try_from(length).unwrap()],
        ];
        let mut reader = ChunkReader::default();
        let mut input = BytesMut::new();
        let mut messages = 0;
        let mut rest = &wire.concat()[..];
        while !rest.is_empty() {
            let room = 64 * 1024 - input.len();
            assert!(room > 0, "nothing is taken from a full block: {length}");
            let (now, later) = rest.split_at(room.min(rest.len()));
            input.put_slice(now);
            rest = later;
            while reader.read(&mut input).unwrap().is_some() {
                messages += 1;
            }
        }
        assert_eq!(messages, 2);
    }
}

#[test]
fn hostile_chk_12_both_dialects_of_extended_timestamps() {
    let body = [vec![0xA1; 128], vec![0xA2; 128], vec![0xA3; 44]];
    for between in [hex("c5 01020304"), hex("c5")] {
        let head = hex("05 ffffff 00012c 09 01000000 01020304");
        let wire = [&head, &body[0], &between, &body[1], &between, &body[2]];
        let wire: Vec<u8> = wire.into_iter().flatten().copied().collect();
        let seen = read(&[wire.clone(), wire].concat());
        assert_eq!(seen.error, None);
        for message in &seen.messages {
            assert_eq!(
                (message.timestamp, &message.payload[..]),
                (0x0102_0304, &body.concat()[..])
            );
        }
        assert_eq!(seen.messages.len(), 2);
    }
}

#[test]
fn hostile_chk_13_large_steps() {
    let wire = hex(
        "05 ffffff 000001 08 01000000 f0000000 aa  85 ffffff f0000000 bb  c5 f0000000 cc  c5 f0000000 dd",
    );
    let seen: Vec<u32> = messages(&wire).iter().map(|it| it.timestamp).collect();
    assert_eq!(seen, [0xF000_0000, 0xE000_0000, 0xD000_0000, 0xC000_0000]);
}

#[test]
fn hostile_chk_14_times_that_jump() {
    let wire = hex("05 0003e8 000001 08 01000000 aa  05 ffffff 000001 08 01000000 800003e8 aa \
         05 000000 000001 08 01000000 aa  05 ffffff 000001 08 01000000 7b98a000 aa");
    let seen: Vec<u32> = messages(&wire).iter().map(|it| it.timestamp).collect();
    assert_eq!(seen, [1000, 0x8000_03E8, 0, 2_073_600_000]);
}

#[test]
fn hostile_chk_15_messages_come_out_in_the_order_of_their_ends() {
    let chunk = |id: u8, byte: u8| [vec![0xC0 | id], vec![byte; 128]].concat();
    let parts = [
        header(5, 384, 9),
        vec![0x51; 128],
        header(6, 256, 9),
        vec![0x61; 128],
        header(7, 512, 8),
        vec![0x71; 128],
        chunk(7, 0x72),
        chunk(6, 0x62),
        chunk(5, 0x52),
        chunk(7, 0x73),
        chunk(5, 0x53),
        chunk(7, 0x74),
    ];
    let messages = messages(&parts.concat());
    let expected =
        |id: u8, count: u8| (1..=count).flat_map(|it| vec![id << 4 | it; 128]).collect::<Vec<u8>>();
    let seen: Vec<_> = messages.iter().map(|it| it.chunk_stream.number()).collect();
    assert_eq!(seen, [6, 5, 7]);
    assert_eq!(messages[0].payload, expected(6, 2));
    assert_eq!(messages[1].payload, expected(5, 3));
    assert_eq!(messages[2].payload, expected(7, 4));
}

#[test]
fn hostile_chk_16_a_header_cut_after_each_byte() {
    for header in ["01 ffff ffffff 000001 09 01000000 00000005", "05 000000 000001 09 01000000"] {
        let header = hex(header);
        for cut in 1..header.len() {
            let seen = read(&header[..cut]);
            assert_eq!((seen.messages, seen.error, seen.left), (vec![], None, cut));
        }
        // All of it, and no payload: a message has begun.
        let seen = read(&header);
        assert_eq!((seen.left, seen.oldest_partial), (0, Some(0)));
    }
}

#[test]
fn hostile_chk_17_any_message_stream() {
    let wire = hex("05 000000 000001 09 ffffffff aa  05 000000 000001 09 00000000 aa");
    let streams: Vec<u32> = messages(&wire).iter().map(|it| it.stream.0).collect();
    assert_eq!(streams, [u32::MAX, 0]);
}

#[test]
fn hostile_chk_18_unknown_types_pass() {
    for kind in [7, 10, 14, 21, 23, 255] {
        let wire = [header(5, 1, kind), vec![0xAA]].concat();
        assert_eq!(messages(&wire)[0].kind, MessageType(kind));
    }
}

/// As the documentation of `oldest_partial` says.
#[test]
fn hostile_chk_20_the_age_of_a_message_without_a_clock() {
    let mut reader = ChunkReader::default();
    let mut input = BytesMut::from(&[header(6, 300, 9), vec![0xA1; 128]].concat()[..]);
    assert_eq!(reader.read(&mut input), Ok(None));
    assert_eq!(reader.oldest_partial(), Some(0));

    // Half a minute of pings and of whole messages on other chunk streams.
    let noted = reader.consumed();
    for _ in 0..30 {
        input.extend_from_slice(&hex("02 000000 000006 04 00000000 0006 00000000"));
        assert!(reader.read(&mut input).unwrap().is_some());
    }
    assert!(reader.oldest_partial().is_some_and(|begun| begun < noted), "it is too old");

    // The rest comes after all. A message that waits in the input counts too.
    input.extend_from_slice(&[&[0xC6][..], &[0xA1; 128], &[0xC6], &[0xA1; 44]].concat());
    assert!(reader.read(&mut input).unwrap().is_some());
    assert_eq!(reader.oldest_partial(), None);
    let begun = reader.consumed();
    input.extend_from_slice(&header(5, 100, 9));
    input.extend_from_slice(&[0xA1; 99]);
    assert_eq!(reader.read(&mut input), Ok(None));
    assert_eq!(reader.oldest_partial(), Some(begun));
}

#[test]
fn hostile_chk_21_the_longest_message_in_chunks_of_one_byte() {
    let length = 8 << 20;
    let mut wire = hex("02 000000 000004 01 00000000 00000001");
    wire.extend(header(6, length, 9));
    wire.push(0xA1);
    wire.extend([0xC6, 0xA1].repeat(usize::try_from(length).unwrap() - 1));
    let mut reader = ChunkReader::default();
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut messages = vec![];
    let counted = allocations(|| {
        for piece in wire.chunks(64 * 1024) {
            input.extend_from_slice(piece);
            while let Some(message) = reader.read(&mut input).unwrap() {
                messages.push(message.payload.len());
            }
        }
    });
    assert_eq!(messages, [4, 8 << 20]);
    // Doubled from 64 KiB to 8 MiB: as if each byte had been moved twice. And the input's own block.
    assert!(counted.total_bytes <= (17 << 20) + (1 << 19), "{counted:?}");
}

#[test]
fn hostile_chk_22_random_bytes_end_soon() {
    let good = write(&mut ChunkWriter::new(), &[message(6, MessageType::VIDEO, 0, &[1; 300])]);
    for seed in 1..200_u64 {
        let mut noise = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut wire = good.clone();
        // One message limit of bytes, and the error tells where it was noticed.
        while wire.len() < 8 << 20 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            wire.put_u64(noise);
            if wire.len() % 4096 < 8
                && read_pieces(ChunkReader::default(), &[&wire]).error.is_some()
            {
                break;
            }
        }
        let seen = read_pieces(ChunkReader::default(), &[&wire]);
        let (ChunkError::Malformed { offset, .. } | ChunkError::Limit { offset, .. }) =
            seen.error.unwrap()
        else {
            panic!("{seed}");
        };
        assert!(offset >= good.len() as u64 && offset < wire.len() as u64);
        assert_eq!(seen.messages[0].payload.len(), 300);
    }
}

/// G5, G8: after an error nothing more comes, and what came before it stays.
#[test]
fn what_came_before_a_fault_is_kept() {
    let wire = hex("05 000000 000001 08 01000000 aa  85 000001 bb  c6  85 000001 cc");
    let seen = read(&wire);
    assert_eq!(times(&seen.messages), [(0, 1), (1, 1)]);
    let fault = ChunkFault::NoPreviousHeader { chunk_stream: id(6) };
    assert_eq!(seen.error, Some(ChunkError::Malformed { offset: 18, fault }));
    assert_eq!(
        seen.error.unwrap().to_string(),
        "at byte 18 of the chunk stream: chunk stream 6 begins without a full header (RTMP 1.0 §5.3.1.2.1)"
    );
}
