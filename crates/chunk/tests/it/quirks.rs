//! What real peers do. The numbers are those of the list of quirks; the handshake's and the session's are theirs.

use levada_chunk::{
    ChunkFault, ChunkLimits, ChunkQuirk, ChunkSize, ChunkWriter, Control, MessageStreamId,
    MessageType, Tolerance, UserControl,
};
use levada_test::hex;

use super::{
    Hex, Part, Run, Seen, fault, id, message, messages, read, read_with, times, wire, write,
};

fn read_tolerantly(wire: &[u8], change: impl FnOnce(&mut Tolerance)) -> Seen {
    let mut tolerance = Tolerance::default();
    change(&mut tolerance);
    read_with(wire, ChunkLimits::default(), tolerance)
}

#[test]
fn quirk_09_fresh_csid_fmt1() {
    let seen = read(&hex("42 000000 000006 04 0006 00000d0f  42 000005 000006 04 0006 00000d10"));
    let ping = Control::User(UserControl::PingRequest { time: 0xD0F });
    assert_eq!(Control::parse(&seen.messages[0]), Ok(Some(ping)));
    assert_eq!(times(&seen.messages), [(0, 6), (5, 6)]);
    assert_eq!(seen.quirks, [ChunkQuirk::OpenedWithDelta]);
}

#[test]
fn quirk_10_fresh_csid_fmt2_and_fmt3() {
    for opening in ["84 000014 bb", "c4 bb"] {
        let wire = [hex("03 000005 000001 08 01000000 aa"), hex(opening)].concat();
        let fault = fault(&read(&wire));
        assert_eq!(fault, Some(ChunkFault::NoPreviousHeader { chunk_stream: id(4) }));

        // Tolerantly: what is missing is as in the last header on the connection.
        let seen = read_tolerantly(&wire, |it| it.orphans = true);
        assert_eq!(seen.error, None);
        assert_eq!(seen.messages[1].kind, MessageType::AUDIO);
        assert_eq!(seen.messages[1].stream, MessageStreamId(1));
        assert_eq!(seen.messages[1].payload[..], [0xBB]);
        assert_eq!(seen.quirks, [ChunkQuirk::OpenedWithoutHeader]);
    }
    // With no header before it there is nothing to go by.
    let seen = read_tolerantly(&hex("c4 bb"), |it| it.orphans = true);
    assert_eq!(fault(&seen), Some(ChunkFault::NoPreviousHeader { chunk_stream: id(4) }));
}

#[test]
fn quirk_11_type_3_begins_a_message() {
    let acks = hex("02 000000 000004 03 00000000 00000005  c2 0007a171");
    let messages = messages(&acks);
    assert_eq!(
        Control::parse(&messages[1]),
        Ok(Some(Control::Acknowledgement { received: 0x7A171 }))
    );
}

const CUT_OFF: [(Part, usize); 3] = [
    (Hex("06 000028 000001 09 01000000 bb"), 40),
    (Hex("46 000005 000001 09 bb"), 105),
    (Hex("86 000005"), 105),
];

#[test]
fn quirk_12_quirk_13_a_header_cuts_off_an_unfinished_message() {
    for (header, time) in CUT_OFF {
        let mut wire = wire(&[Hex("06 000064 000084 09 01000000"), Run(0xA1, 128), header]);
        let shaped = wire[140] != 0x86;
        if !shaped {
            wire.extend([[0xB1; 128].as_slice(), &hex("c6 b1b1b1b1")].concat());
        }
        let fault = fault(&read(&wire));
        assert_eq!(fault, Some(ChunkFault::MessageInterrupted { chunk_stream: id(6) }));
        let seen = read_tolerantly(&wire, |it| it.restarts = true);
        let length = if shaped { 1 } else { 132 };
        assert_eq!(times(&seen.messages), [(u32::try_from(time).unwrap(), length)]);
        assert_eq!((seen.error, seen.quirks), (None, vec![ChunkQuirk::MessageCutOff]));
    }
}

/// Three chunks at 0x01000000 ms, with or without the field on type 3.
fn extended(continuation: &'static str) -> Vec<u8> {
    wire(&[
        Hex("04 ffffff 000102 09 01000000 01000000"),
        Run(0xA1, 128),
        Hex(continuation),
        Run(0xA2, 128),
        Hex(continuation),
        Run(0xA3, 2),
    ])
}

#[test]
fn quirk_14_extended_timestamp_on_type_3() {
    let seen = read(&extended("c4 01000000"));
    assert_eq!((times(&seen.messages), seen.quirks), (vec![(0x100_0000, 258)], vec![]));
}

#[test]
fn quirk_15_no_extended_timestamp_on_type_3() {
    // The last chunk has 2 bytes: what follows is needed to see that they are not the field.
    let mut wire = extended("c4");
    let seen = read(&wire);
    assert_eq!(times(&seen.messages), [(0x100_0000, 258)]);
    assert_eq!(seen.quirks, [ChunkQuirk::ExtendedTimestampOmitted]);

    wire.extend(hex("04 ffffff 000082 09 01000000 01000010"));
    wire.extend([0xB1; 128]);
    wire.extend(hex("c4 b2b2"));
    assert_eq!(times(&read(&wire).messages), [(0x100_0000, 258), (0x100_0010, 130)]);
}

#[test]
fn quirk_15_a_last_chunk_of_two_bytes_waits_for_what_follows() {
    let mut wire =
        wire(&[Hex("04 ffffff 000082 09 01000000 01000000"), Run(0xA1, 128), Hex("c4 a2a2")]);
    let seen = read(&wire);
    assert_eq!((times(&seen.messages), seen.left), (vec![], 3));
    wire.extend(hex("05 000000 000001 08 01000000 bb"));
    assert_eq!(times(&read(&wire).messages), [(0x100_0000, 130), (0, 1)]);
}

#[test]
fn quirk_15_a_peer_that_repeats_is_not_doubted_again() {
    // Its second message has another field on type 3 than in its header: nobody knows why, but it is a field.
    let wire = [
        extended("c4 01000000"),
        wire(&[
            Hex("04 ffffff 000082 09 01000000 01000010"),
            Run(0xB1, 128),
            Hex("c4 01000011 b2b2"),
        ]),
    ];
    assert_eq!(times(&messages(&wire.concat())), [(0x100_0000, 258), (0x100_0010, 130)]);
}

#[test]
fn quirk_15_a_message_that_starts_with_type_3_goes_by_the_dialect() {
    let wire =
        [extended("c4"), vec![0xC4], vec![0xB1; 128], vec![0xC4], vec![0xB2; 128], hex("c4 b3b3")];
    let seen = read(&wire.concat());
    assert_eq!(times(&seen.messages), [(0x100_0000, 258), (0x200_0000, 258)]);
}

#[test]
fn quirk_16_we_repeat_the_extended_timestamp() {
    let mut writer = ChunkWriter::new();
    let wire = write(&mut writer, &[message(4, MessageType::VIDEO, 0x100_0000, &[0xA1; 258])]);
    assert_eq!(wire[16 + 128..][..5], hex("c4 01000000"));
    assert_eq!(wire[16 + 128 + 5 + 128..][..5], hex("c4 01000000"));
}

#[test]
fn quirk_17_an_extended_step_is_a_step() {
    let wire = wire(&[
        Hex("04 002af8 000080 09 01000000"),
        Run(0xA1, 128),
        Hex("44 ffffff 000080 09 00fffc18"),
        Run(0xB1, 128),
    ]);
    assert_eq!(times(&messages(&wire)), [(11_000, 128), (11_000 + 16_776_216, 128)]);
}

#[test]
fn quirk_18_times_above_31_bits() {
    let wire = hex(
        "04 ffffff 000001 08 01000000 80000005 aa  84 00000a bb  04 ffffff 000001 08 01000000 ffffffff cc  84 000002 dd",
    );
    let times: Vec<u32> = messages(&wire).iter().map(|it| it.timestamp).collect();
    assert_eq!(times, [0x8000_0005, 0x8000_000F, 0xFFFF_FFFF, 1]);
}

#[test]
fn quirk_19_a_negative_extended_step() {
    let wire = hex("04 0003e8 000001 08 01000000 aa  84 ffffff ffffffec bb");
    assert_eq!(times(&messages(&wire)), [(1000, 1), (980, 1)]);
}

#[test]
fn quirk_20_times_that_go_back_on_one_chunk_stream() {
    let wire = hex("04 0003e8 000001 09 01000000 aa  04 0003d4 000001 08 01000000 bb");
    assert_eq!(times(&messages(&wire)), [(1000, 1), (980, 1)]);
}

#[test]
fn quirk_21_time_is_kept_for_each_chunk_stream() {
    let wire = hex(
        "04 0003e8 000001 08 01000000 aa  06 000064 000001 09 01000000 bb  84 000017 cc  86 000021 dd",
    );
    assert_eq!(times(&messages(&wire)), [(1000, 1), (100, 1), (1023, 1), (133, 1)]);
}

#[test]
fn quirk_22_chunk_sizes_above_64_kib() {
    for size in ["00010001", "00ffffff", "01000000", "7fffffff"] {
        let mut wire = [hex("02 000000 000004 01 00000000"), hex(size)].concat();
        wire.extend(hex("06 000000 010001 09 01000000"));
        wire.extend(vec![0xA1; 0x1_0001]);
        assert_eq!(times(&messages(&wire)[1..]), [(0, 0x1_0001)]);
    }
}

#[test]
fn quirk_23_odd_chunk_sizes() {
    let set = |size: &str| [hex("02 000000 000004 01 00000000"), hex(size)].concat();
    for (wire, size) in
        [(set("00000000"), 0), (set("80000000"), 0x8000_0000), (set("ffffffff"), u32::MAX)]
    {
        assert_eq!(fault(&read(&wire)), Some(ChunkFault::BadChunkSize { size }));
    }
    for size in [1, 2, 127] {
        let mut writer = ChunkWriter::new();
        let announced = Control::SetChunkSize(ChunkSize::new(size).unwrap()).message();
        let video = message(6, MessageType::VIDEO, 0, &[0xA1; 300]);
        let wire = write(&mut writer, &[announced, video.clone()]);
        assert_eq!(messages(&wire)[1], video);
    }
    let short = hex("02 000000 000002 01 00000000 0010");
    let kind = MessageType::SET_CHUNK_SIZE;
    assert_eq!(fault(&read(&short)), Some(ChunkFault::ShortControl { kind, length: 2 }));
}

#[test]
fn quirk_24_a_new_chunk_size_between_media_messages() {
    let wire = wire(&[
        Hex("06 000000 000081 09 01000000"),
        Run(0xA1, 128),
        Hex("c6 a1"),
        Hex("02 000000 000004 01 00000000 00001000"),
        Hex("46 000021 000081 09"),
        Run(0xB1, 129),
    ]);
    assert_eq!(times(&messages(&wire)), [(0, 129), (0, 4), (33, 129)]);
}

#[test]
fn quirk_25_control_on_any_stream() {
    let wire = hex("06 000000 000004 01 01000000 00000001  04 000000 000002 09 01000000 a1 c4 a2");
    assert_eq!(messages(&wire)[1].payload.len(), 2);
}

#[test]
fn quirk_26_large_chunk_stream_ids() {
    for number in [64, 319, 320, 65_599] {
        let video = message(number, MessageType::VIDEO, 7, &[0xA1; 300]);
        let wire = write(&mut ChunkWriter::new(), core::slice::from_ref(&video));
        assert_eq!(messages(&wire), [video]);
    }
}

#[test]
fn quirk_28_messages_of_no_bytes() {
    for kind in (0..=255).filter(|it| !matches!(it, 1 | 2)) {
        let wire =
            [hex("05 000000 000000"), vec![kind], hex("01000000 05 000001 000001 08 01000000 aa")];
        assert_eq!(times(&messages(&wire.concat())), [(0, 0), (1, 1)]);
    }
}

#[test]
fn quirk_30_abort_in_the_middle_of_a_message() {
    let wire = wire(&[
        Hex("06 000064 000104 09 01000000"),
        Run(0xA1, 128),
        Hex("02 000000 000004 02 00000000 00000006"),
        Hex("06 000065 000001 09 01000000 bb"),
    ]);
    assert_eq!(times(&messages(&wire)), [(0, 4), (101, 1)]);
}

#[test]
fn quirk_35_every_connection_begins_with_128() {
    let wire = wire(&[Hex("06 000000 000081 09 01000000"), Run(0xA1, 128), Hex("c6 a1")]);
    assert_eq!(messages(&wire).len(), 1);
    assert_eq!(ChunkWriter::new().chunk_size(), ChunkSize::DEFAULT);
}

#[test]
fn quirk_36_what_follows_a_message_is_the_next_one() {
    let seen = read(&hex("06 000000 000001 09 01000000 aa  46 000021"));
    assert_eq!((times(&seen.messages), seen.left), (vec![(0, 1)], 4));
}
