//! What caught the published readers and writers. The numbers are those of the comparison from which they come.

use bytes::{BufMut, Bytes, BytesMut};
use levada_chunk::{
    ChunkError, ChunkFault, ChunkLimits, ChunkQuirk, ChunkReader, ChunkSize, ChunkWriter, Control,
    Message, MessageStreamId, MessageType, Tolerance,
};
use levada_test::{allocations, hex};

use super::{Hex, Run, fault, id, message, messages, read, read_with, times, wire, write};

#[test]
fn trap_03_type_3_repeats_the_step() {
    let wire = hex("04 000064 000002 09 01000000 aaaa 44 000028 000002 09 bbbb c4 cccc c4 dddd");
    assert_eq!(times(&messages(&wire)), [(100, 2), (140, 2), (180, 2), (220, 2)]);
}

#[test]
fn trap_04_type_3_after_type_0_adds_its_time() {
    let wire = hex("04 00001a 000002 08 01000000 aabb c4 ccdd");
    assert_eq!(times(&messages(&wire)), [(26, 2), (52, 2)]);
}

#[test]
fn trap_05_a_message_of_no_bytes_is_written() {
    let mut writer = ChunkWriter::new();
    let wire = write(&mut writer, &[message(4, MessageType::AUDIO, 5, &[])]);
    assert_eq!(wire, hex("04 000005 000000 08 01000000"));
    assert_eq!(times(&messages(&wire)), [(5, 0)]);
}

#[test]
fn trap_06_three_byte_ids_are_written_little_endian() {
    let wire = write(&mut ChunkWriter::new(), &[message(365, MessageType::AUDIO, 0, &[0xAA])]);
    assert_eq!(wire, hex("01 2d01 000000 000001 08 01000000 aa"));
}

#[test]
fn trap_07_type_3_without_the_extended_timestamp() {
    // Two messages of three chunks, at 4 h 39 min 37.216 s, and a last one in one chunk.
    let wire = wire(&[
        Hex("04 ffffff 000102 09 01000000 01000000"),
        Run(0xA1, 128),
        Hex("c4"),
        Run(0xA2, 128),
        Hex("c4 a3a3"),
        Hex("04 ffffff 000102 09 01000000 01000021"),
        Run(0xB1, 128),
        Hex("c4"),
        Run(0xB2, 128),
        Hex("c4 b3b3"),
        Hex("44 000021 000001 09 cc"),
    ]);
    let seen = read(&wire);
    assert_eq!(seen.error, None);
    assert_eq!(times(&seen.messages), [(0x100_0000, 258), (0x100_0021, 258), (0x100_0042, 1)]);
    assert_eq!(seen.messages[0].payload[126..130], [0xA1, 0xA1, 0xA2, 0xA2]);
    assert_eq!(seen.messages[1].payload[254..], [0xB2, 0xB2, 0xB3, 0xB3]);
    assert_eq!(seen.quirks, [ChunkQuirk::ExtendedTimestampOmitted]);
}

#[test]
fn trap_07_writers_do_not_start_with_type_3_after_type_0() {
    for writer in [ChunkWriter::new(), ChunkWriter::new().with_type_3_starts()] {
        let mut writer = writer;
        let audio = |time| message(4, MessageType::AUDIO, time, &[1]);
        let wire = write(&mut writer, &[audio(20), audio(40)]);
        assert_eq!(wire, hex("04 000014 000001 08 01000000 01  84 000014 01"));
    }
}

#[test]
fn trap_09_type_3_after_type_2() {
    let wire = hex("04 000000 000001 08 01000000 aa 84 000017 bb c4 cc c4 dd");
    assert_eq!(times(&messages(&wire)), [(0, 1), (23, 1), (46, 1), (69, 1)]);
}

#[test]
fn trap_11_the_mark_decides_not_the_value() {
    let wire = wire(&[
        Hex("04 ffffff 000082 09 01000000 00000005"),
        Run(0xA1, 128),
        Hex("c4 00000005 a2a2"),
        Hex("44 ffffff 000082 09 00000007"),
        Run(0xB1, 128),
        Hex("c4 00000007 b2b2"),
    ]);
    let messages = messages(&wire);
    assert_eq!(times(&messages), [(5, 130), (12, 130)]);
    assert_eq!(messages[1].payload[126..], [0xB1, 0xB1, 0xB2, 0xB2]);
}

#[test]
fn trap_12_a_step_over_the_edge_of_32_bits() {
    let wire = hex("04 ffffff 000001 08 01000000 fffffff0 aa  84 000020 bb");
    assert_eq!(times(&messages(&wire)), [(0xFFFF_FFF0, 1), (0x10, 1)]);
}

#[test]
fn trap_13_two_chunk_streams_in_turn() {
    let wire = wire(&[
        Hex("06 000000 000104 09 01000000"),
        Run(0xA1, 128),
        Hex("04 000000 000083 08 01000000"),
        Run(0xB1, 128),
        Hex("c6"),
        Run(0xA2, 128),
        Hex("c4 b2b2b2"),
        Hex("c6 a3a3a3a3"),
    ]);
    let messages = messages(&wire);
    assert_eq!(times(&messages), [(0, 131), (0, 260)]);
    let expected = [vec![0xB1; 128], vec![0xB2; 3]].concat();
    assert_eq!(messages[0].payload, expected);
    let expected = [vec![0xA1; 128], vec![0xA2; 128], vec![0xA3; 4]].concat();
    assert_eq!(messages[1].payload, expected);
}

#[test]
fn trap_14_a_control_message_in_the_middle_of_a_message() {
    let wire = wire(&[
        Hex("06 000000 000082 09 01000000"),
        Run(0xA1, 128),
        Hex("02 000000 000004 01 00000000 00000001"),
        Hex("c6 a2 c6 a3"),
    ]);
    let messages = messages(&wire);
    assert_eq!(messages[0].kind, MessageType::SET_CHUNK_SIZE);
    assert_eq!(messages[1].payload[127..], [0xA1, 0xA2, 0xA3]);
}

#[test]
fn trap_16_a_three_byte_id_that_comes_in_pieces() {
    // `read` cuts it at every byte.
    let wire =
        wire(&[Hex("01 ffff 000000 000082 09 01000000"), Run(0xA1, 128), Hex("c1 ffff a2a2")]);
    let messages = messages(&wire);
    assert_eq!(messages[0].chunk_stream, id(65_599));
    assert_eq!(messages[0].payload[127..], [0xA1, 0xA2, 0xA2]);
}

#[test]
fn trap_18_abort() {
    let wire = wire(&[
        Hex("06 000064 000104 09 01000000"),
        Run(0xA1, 128),
        Hex("02 000000 000004 02 00000000 00000006"),
        Hex("46 00000a 000001 09 bb"),
    ]);
    assert_eq!(times(&messages(&wire)), [(0, 4), (110, 1)]);
}

#[test]
fn trap_20_chunk_size_1() {
    let wire =
        hex("02 000000 000004 01 00000000 00000001  04 000000 000003 09 01000000 a1 c4 a2 c4 a3");
    assert_eq!(messages(&wire)[1].payload[..], [0xA1, 0xA2, 0xA3]);
}

#[test]
fn trap_21_a_type_0_header_in_an_unfinished_message() {
    let wire = wire(&[
        Hex("06 000000 000104 09 01000000"),
        Run(0xA1, 128),
        Hex("06 000021 000001 09 01000000 bb"),
    ]);
    let seen = read(&wire);
    assert_eq!(
        seen.error,
        Some(ChunkError::Malformed {
            offset: 140,
            fault: ChunkFault::MessageInterrupted { chunk_stream: id(6) },
        })
    );
    assert_eq!(seen.messages, []);
}

#[test]
fn trap_22_a_type_1_header_in_an_unfinished_message() {
    let wire =
        wire(&[Hex("06 000000 000104 09 01000000"), Run(0xA1, 128), Hex("46 000021 000001 09 bb")]);
    assert_eq!(fault(&read(&wire)), Some(ChunkFault::MessageInterrupted { chunk_stream: id(6) }));
}

#[test]
fn trap_23_type_1_opens_a_chunk_stream() {
    let seen = read(&hex("44 000021 000001 09 bb"));
    assert_eq!(times(&seen.messages), [(0x21, 1)]);
    assert_eq!(seen.messages[0].stream, MessageStreamId(0));
    assert_eq!((seen.error, seen.quirks), (None, vec![ChunkQuirk::OpenedWithDelta]));
}

#[test]
fn trap_24_type_3_opens_a_chunk_stream() {
    let seen = read(&hex("c4 aa"));
    assert_eq!(seen.messages, []);
    assert_eq!(fault(&seen), Some(ChunkFault::NoPreviousHeader { chunk_stream: id(4) }));
}

#[test]
fn trap_25_chunk_size_0() {
    let seen = read(&hex("02 000000 000004 01 00000000 00000000"));
    assert_eq!(fault(&seen), Some(ChunkFault::BadChunkSize { size: 0 }));
}

#[test]
fn trap_27_aggregates_and_unknown_types_pass() {
    let wire = hex(
        "04 000000 000001 16 01000000 aa  04 000000 000001 13 01000000 bb  04 000000 000001 ff 01000000 cc",
    );
    let kinds: Vec<MessageType> = messages(&wire).iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [MessageType::AGGREGATE, MessageType::SHARED_OBJECT_AMF0, MessageType(255)]);
}

#[test]
fn trap_28_what_is_announced_is_not_allocated() {
    let mut limits = ChunkLimits::default();
    limits.max_video = 0xFF_FFFF;
    limits.max_pending = u32::MAX;
    let mut wire = BytesMut::new();
    for id in 3..63 {
        wire.put_slice(&[id]);
        wire.put_slice(&hex("000000 ffffff 09 01000000"));
        wire.put_bytes(0xA1, 128);
    }
    let mut reader = ChunkReader::new(limits);
    let counted = allocations(|| assert_eq!(reader.read(&mut wire), Ok(None)));
    assert!(counted.total_bytes < 2 * 60 * 128 + 64 * 1024 + 16 * 1024, "{counted:?}");
}

#[test]
fn trap_29_many_partial_messages_up_to_the_limit_of_chunk_streams() {
    let mut wire = Vec::new();
    for id in 3..=63_u8 {
        wire.extend([&[id][..], &hex("000000 000082 09 01000000"), &[0xA1; 128]].concat());
    }
    for id in 3..=63_u8 {
        wire.extend([0xC0 | id, 0xA2, 0xA2]);
    }
    assert_eq!(messages(&wire).len(), 61);
}

#[test]
fn trap_29_twenty_thousand_chunk_streams() {
    let streams: Vec<_> = (3..20_003).map(|it| message(it, MessageType::AUDIO, 0, &[1])).collect();
    let mut input = BytesMut::from(&write(&mut ChunkWriter::new(), &streams)[..]);
    let mut reader = ChunkReader::default();
    let mut count = 0;
    let error = loop {
        match reader.read(&mut input) {
            Ok(message) => count += usize::from(message.is_some()),
            Err(why) => break why,
        }
    };
    assert_eq!(count, 64);
    let which = levada_chunk::ChunkLimit::Streams;
    assert!(
        matches!(error, ChunkError::Limit { which: it, limit: 64, actual: 65, .. } if it == which)
    );
}

#[test]
fn trap_32_type_3_start_after_a_message_of_many_chunks() {
    let wire = wire(&[
        Hex("04 00000a 000082 09 01000000"),
        Run(0xA1, 128),
        Hex("c4 a2a2"),
        Hex("44 000028 000082 09"),
        Run(0xB1, 128),
        Hex("c4 b2b2 c4"),
        Run(0xC1, 128),
        Hex("c4 c2c2"),
    ]);
    assert_eq!(times(&messages(&wire)), [(10, 130), (50, 130), (90, 130)]);
}

#[test]
fn trap_33_the_largest_chunk_size() {
    let wire = wire(&[
        Hex("02 000000 000004 01 00000000 7fffffff"),
        Hex("04 000000 030000 09 01000000"),
        Run(0xA1, 0x3_0000),
        Hex("04 000000 000001 09 01000000 bb"),
    ]);
    assert_eq!(times(&messages(&wire)[1..]), [(0, 0x3_0000), (0, 1)]);
}

#[test]
fn writers_look_at_the_step_not_at_the_time_for_the_extended_field() {
    let video = |time| message(6, MessageType::VIDEO, time, &[1]);
    let wire = write(&mut ChunkWriter::new(), &[video(0xFF_FFF0), video(0x100_0010)]);
    assert_eq!(wire, hex("06 fffff0 000001 09 01000000 01  86 000020 01"));
}

#[test]
fn writers_go_back_in_time_by_a_type_0_header() {
    let video = |time| message(6, MessageType::VIDEO, time, &[1]);
    let wire = write(&mut ChunkWriter::new(), &[video(1000), video(990)]);
    assert_eq!(wire, hex("06 0003e8 000001 09 01000000 01  06 0003de 000001 09 01000000 01"));
}

#[test]
fn writers_take_a_large_step_by_a_type_0_header() {
    let video = |time| message(6, MessageType::VIDEO, time, &[1]);
    let wire = write(&mut ChunkWriter::new(), &[video(0), video(0xFF_FFFE), video(0x1FF_FFFD)]);
    assert_eq!(
        wire,
        hex(
            "06 000000 000001 09 01000000 01  86 fffffe 01  06 ffffff 000001 09 01000000 01fffffd 01"
        )
    );
}

#[test]
fn writers_repeat_the_extended_timestamp() {
    let mut writer = ChunkWriter::new();
    let wire = write(&mut writer, &[message(6, MessageType::VIDEO, 0xFF_FFFF, &[1; 129])]);
    assert_eq!(wire[..16], hex("06 ffffff 000081 09 01000000 00ffffff"));
    assert_eq!(wire[16 + 128..], hex("c6 00ffffff 01"));
}

#[test]
fn writers_send_control_messages_with_full_headers() {
    let mut writer = ChunkWriter::new();
    let ack = |received| Control::Acknowledgement { received }.message();
    let wire = write(&mut writer, &[ack(1), ack(2)]);
    assert_eq!(
        wire,
        hex("02 000000 000004 03 00000000 00000001  02 000000 000004 03 00000000 00000002")
    );
}

#[test]
fn writers_refuse_what_has_no_24_bit_length() {
    let mut out = levada_buf::Outbox::new();
    let payload = Bytes::from(vec![0; 0x100_0000]);
    let long = Message::new(MessageType::VIDEO, MessageStreamId(1), 0, payload.clone());
    let error = ChunkError::TooLong { length: 0x100_0000 };
    assert_eq!(ChunkWriter::new().write(&long, &mut out), Err(error));
    assert_eq!(levada_chunk::SharedMessage::new(long, ChunkSize::DEFAULT).unwrap_err(), error);
    let longest = Message::new(MessageType::VIDEO, MessageStreamId(1), 0, payload.slice(1..));
    assert_eq!(ChunkWriter::new().write(&longest, &mut out), Ok(()));
}

#[test]
fn writers_obey_what_they_announce() {
    let mut writer = ChunkWriter::new();
    let size = Control::SetChunkSize(ChunkSize::new(2).unwrap()).message();
    let wire = write(&mut writer, &[size, message(6, MessageType::VIDEO, 0, &[1, 2, 3])]);
    assert_eq!(wire[16..], hex("06 000000 000003 09 01000000 0102 c6 03"));
    assert_eq!(writer.chunk_size(), ChunkSize::new(2).unwrap());
    let abort = Control::Abort { chunk_stream: 6 }.message();
    let wire = write(&mut writer, &[abort, message(6, MessageType::VIDEO, 0, &[4])]);
    assert_eq!(wire[wire.len() - 13..], hex("06 000000 000001 09 01000000 04"));
}

#[test]
fn a_strict_reader_takes_the_extended_timestamp_to_be_there() {
    let mut strict = Tolerance::default();
    strict.omitted_extended_timestamp = false;
    let wire = wire(&[
        Hex("04 ffffff 000088 09 01000000 01000000"),
        Run(0xA1, 128),
        Hex("c4 0badf00d a2a2a2a2a2a2a2a2"),
    ]);
    let seen = read_with(&wire, ChunkLimits::default(), strict);
    assert_eq!((seen.error, seen.quirks), (None, vec![]));
    assert_eq!(seen.messages[0].payload[128..], [0xA2; 8]);
}
