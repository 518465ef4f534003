//! The groups FLV and ERT of the catalogue of hostile inputs, by id. What is about players, playlists and recordings
//! belongs to those who have them.

use bytes::{Bytes, BytesMut};
use levada_flv::*;
use levada_media::{MediaEvent, TrackId};
use levada_test::{allocations, hex, same_at_every_cut};

use crate::common::*;

/// What one body on a fresh stream gives: nothing but this fault.
fn dropped(kind: TagKind, body: &str) -> BodyError {
    let unpacked = unpack_bodies(kind, &[body]);
    match &findings(&unpacked)[..] {
        [FindingKind::Body(why)] if unpacked.len() == 1 => *why,
        other => panic!("{body}: {other:?}"),
    }
}

fn dropped_video(body: &str) -> BodyError {
    dropped(TagKind::Video, body)
}

fn dropped_audio(body: &str) -> BodyError {
    dropped(TagKind::Audio, body)
}

#[test]
fn flv_01_bodies_of_no_and_few_bytes() {
    assert_eq!(dropped_video(""), BodyError::Short);
    for codec in 0..16_u8 {
        for len in 0..4 {
            let body = format!("1{codec:x}{}", "00".repeat(len));
            let unpacked = unpack_bodies(TagKind::Video, &[&body]);
            assert!(events(&unpacked).is_empty());
            // Codecs with the header of AVC need five bytes.
            if matches!(codec, 7 | 12 | 13 | 14) {
                assert_eq!(findings(&unpacked), [FindingKind::Body(BodyError::Short)], "{body}");
            } else {
                assert_eq!(unpacked.len(), 1, "{body}");
            }
            let body = format!("{codec:x}f{}", "00".repeat(len));
            let unpacked = unpack_bodies(TagKind::Audio, &[&body]);
            assert!(events(&unpacked).is_empty());
            assert_eq!(unpacked.len(), 1, "{body}");
        }
    }
    assert_eq!(dropped_audio("af"), BodyError::Short);
    assert_eq!(dropped_audio("91"), BodyError::Short);
}

#[test]
fn flv_02_unknown_codecs_are_told_once() {
    let unpacked = unpack_bodies(TagKind::Video, &["14 0001", "24 0001", "15 0001", "25 0002"]);
    assert_eq!(
        findings(&unpacked),
        [
            FindingKind::UnsupportedCodec(CodecId::Legacy(4)),
            FindingKind::UnsupportedCodec(CodecId::Legacy(5)),
        ]
    );
    let unpacked = unpack_bodies(TagKind::Audio, &["b6 1d", "b6 1d", "df 00", "ff 00", "ff 00"]);
    assert_eq!(
        findings(&unpacked),
        [11, 13, 15].map(|id| { FindingKind::UnsupportedCodec(CodecId::Legacy(id)) })
    );
}

#[test]
fn flv_03_packet_and_frame_types_that_nobody_knows() {
    for packet_type in 3..=255_u8 {
        let body = format!("17 {packet_type:02x} 000000 00000002 6588");
        assert_eq!(dropped_video(&body), BodyError::PacketType(packet_type));
    }
    for packet_type in 2..=255_u8 {
        assert_eq!(
            dropped_audio(&format!("af {packet_type:02x} 21")),
            BodyError::PacketType(packet_type)
        );
    }
    for frame_type in [0, 6, 7] {
        let body = format!("{frame_type:x}7 01 000000 00000002 6588");
        assert_eq!(dropped_video(&body), BodyError::FrameType(frame_type));
        let body = format!("{:x}1 68766331 000000 00000002 2601", 8 | frame_type);
        assert_eq!(dropped_video(&body), BodyError::FrameType(frame_type));
    }
    assert_eq!(dropped_video("57 02"), BodyError::Command(2));
    assert_eq!(dropped_video("d1 02"), BodyError::Command(2));
}

#[test]
fn flv_04_composition_times_at_the_ends() {
    let body = |time: &str| format!("27 01 {time} 00000002 419a");
    let bodies = [AVC_START, &body("7fffff"), &body("800000"), &body("ffffff"), &body("800001")];
    let unpacked = unpack_bodies(TagKind::Video, &bodies);
    let frames = frames(&unpacked);
    let times: Vec<_> = frames.iter().map(|it| (it.dts.0, it.cts, it.pts().0)).collect();
    assert_eq!(
        times,
        [
            (10, 8_388_607, 8_388_617),
            (20, -8_388_608, -8_388_588),
            (30, -1, 29),
            (40, -8_388_607, -8_388_567),
        ]
    );
}

#[test]
fn flv_05_files_with_broken_frames() {
    let malformed = |file: &[u8]| match read(&[file]) {
        (items, _, Err(FlvError::Malformed { offset, .. })) => (items.len(), offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(malformed(b"FLX\x01\x05\0\0\0\x09\0\0\0\0"), (0, 0));
    assert_eq!(malformed(b"KDK\x01\x05\0\0\0\x09\0\0\0\0"), (0, 0));
    assert_eq!(malformed(b"FLV\x01\x05\0\0\0\x08\0\0\0\0"), (0, 5));
    // The header is said to go on behind the end.
    assert_eq!(malformed(b"FLV\x01\x05\0\0\0\x0a"), (0, 9));
    let limit = FlvError::Limit { offset: 5, which: "file header", actual: 4097, limit: 4096 };
    assert_eq!(read(&[b"FLV\x01\x05\0\0\x10\x01\0\0\0\0"]).2, Err(limit));

    // A tag of the largest size: the whole ones before it come out.
    let whole = file_of(&[(8, 0, &hex("af001190")), (8, 23, &hex("af0121"))]);
    let mut file = whole.clone();
    file.extend(hex("09 ffffff 000000 00 000000 17"));
    let (items, _, end) = read(&[&file]);
    assert_eq!(items.len(), 3);
    let offset = whole.len() as u64;
    let limit = FlvError::Limit { offset, which: "tag body", actual: 0xFF_FFFF, limit: 8 << 20 };
    assert_eq!(end, Err(limit));

    // A stream id.
    let mut file = whole.clone();
    file[13 + 10] = 7;
    let (items, _, end) = read(&[&file]);
    assert_eq!(items[1], FlvItem::Finding(FileFinding::StreamId { offset: 13, found: 7 }));
    assert_eq!((items.len(), end), (4, Ok(())));

    // The end in the middle of a tag: at every byte of it.
    for cut in 1..whole.len() {
        let (items, _, end) = read(&[&whole[..cut]]);
        let (first, second) = (13 + 15, 13 + 15 + 4 + 14);
        let expected = match cut {
            ..9 => 0,
            9.. if cut < first => 1,
            _ if cut < second => 2,
            _ => 3,
        };
        assert_eq!(items.len(), expected, "{cut}");
        let boundary = matches!(cut, 9..=13) || (first..=first + 4).contains(&cut) || cut >= second;
        assert_eq!(end.is_ok(), boundary, "{cut}: {end:?}");
    }
}

#[test]
fn flv_05_errors_stay_and_cuts_change_nothing() {
    let mut reader = FlvReader::new();
    let mut input = BytesMut::from(&b"FLV\x01\x05\0\0\0\x08\0\0\0\0"[..]);
    let why = reader.read(&mut input).unwrap_err();
    input.extend_from_slice(&file_of(&[]));
    let left = input.len();
    assert_eq!((reader.read(&mut input), input.len()), (Err(why), left));

    let mut file =
        file_of(&[(8, 0, &hex("af001190")), (9, 0, &hex(AVC_KEY)), (8, 23, &hex("af0121"))]);
    file[13 + 11 + 4 + 3] ^= 0x40;
    same_at_every_cut(&file, read);
    file.extend(hex("09 ffffff 000000 00 000000 17"));
    same_at_every_cut(&file, read);
}

#[test]
fn flv_06_script_data_at_the_limits_of_amf() {
    let script = |body: Vec<u8>| {
        let mut unpacker = Unpacker::default();
        let counted = allocations(|| {
            unpacker.push(TagKind::Script, 0, body.clone().into());
        });
        assert!(counted.peak_bytes < 2 << 20, "{counted:?}");
        let unpacked = drain(&mut unpacker);
        match &findings(&unpacked)[..] {
            [FindingKind::Script(why)] if unpacked.len() == 1 => *why,
            other => panic!("{other:?}"),
        }
    };
    let deep = [hex("02000a6f6e4d65746144617461"), hex("03000161").repeat(5000)].concat();
    assert!(matches!(
        script(deep),
        levada_amf::AmfError::Limit { which: levada_amf::Limit::Depth, .. }
    ));
    let mut many = hex("02000a6f6e4d65746144617461 0a00020000");
    many.extend([5; 0x2_0000]);
    assert!(matches!(
        script(many),
        levada_amf::AmfError::Limit { which: levada_amf::Limit::Values, .. }
    ));

    // A long name is a name, a name twice is there twice.
    let mut long = hex("02ffff");
    long.extend([b'n'; 0xFFFF]);
    let mut unpacker = Unpacker::default();
    unpacker.push(TagKind::Script, 0, long.into());
    assert_eq!(frames(&drain(&mut unpacker)).len(), 1);
    let twice = hex(
        "02000a6f6e4d65746144617461 03 000577696474680040900000000000000005776964746800409e000000000000000009",
    );
    unpacker.push(TagKind::Script, 0, twice.into());
    let [Unpacked::Metadata(metadata)] = &drain(&mut unpacker)[..] else { panic!() };
    assert_eq!(metadata.video.width, Some(1920.0), "the last one counts");

    for nameless in ["", "00 4059000000000000", "05"] {
        assert_eq!(dropped(TagKind::Script, nameless), BodyError::Nameless);
    }
}

#[test]
fn flv_07_frames_before_the_sequence_header() {
    let unpacked = unpack_bodies(TagKind::Video, &[AVC_KEY, AVC_INTER, AVC_START, AVC_KEY]);
    assert_eq!(findings(&unpacked)[..1], [FindingKind::NotConfigured]);
    assert_eq!((tracks(&unpacked).len(), frames(&unpacked).len()), (1, 1));
    let unpacked = unpack_bodies(TagKind::Audio, &[AAC_FRAME, AAC_FRAME]);
    assert_eq!(findings(&unpacked), [FindingKind::NotConfigured]);
    assert_eq!(events(&unpacked), []);
}

#[test]
fn flv_09_a_different_sequence_header_with_every_frame() {
    // Each is a track of its own right: how many are too many is for whoever makes init segments.
    let mut unpacker = Unpacker::default();
    for count in 0..1000_u32 {
        let config = if count % 2 == 0 { "af 00 1190" } else { "af 00 1210" };
        unpacker.push(TagKind::Audio, count, body(config));
        unpacker.push(TagKind::Audio, count, body(AAC_FRAME));
        let unpacked = drain(&mut unpacker);
        assert_eq!((tracks(&unpacked).len(), frames(&unpacked).len()), (1, 1));
    }
}

#[test]
fn flv_10_timestamps_far_apart() {
    let mut unpacker = Unpacker::default();
    unpacker.push(TagKind::Video, 0, body(AVC_START));
    unpacker.push(TagKind::Audio, 36_000_000, body(AAC_START));
    unpacker.push(TagKind::Video, 40, body(AVC_KEY));
    unpacker.push(TagKind::Audio, 36_000_040, body(AAC_FRAME));
    let times: Vec<_> = frames(&drain(&mut unpacker)).iter().map(|it| it.dts.0).collect();
    assert_eq!(times, [40, 36_000_040]);
}

#[test]
fn ert_01_a_header_cut_inside_the_fourcc() {
    for whole in ["91 68766331", "95 61763031", "97 02000001 01 61763031", "96 01 61763031 02"] {
        let whole = hex(whole);
        for len in 1..whole.len() {
            let mut unpacker = Unpacker::default();
            unpacker.push(TagKind::Video, 0, Bytes::copy_from_slice(&whole[..len]));
            assert_eq!(
                findings(&drain(&mut unpacker)),
                [FindingKind::Body(BodyError::Short)],
                "{len} of {whole:02x?}"
            );
        }
    }
    assert_eq!(dropped_audio("91 4f70"), BodyError::Short);
}

#[test]
fn ert_02_unknown_fourcc_and_packet_types() {
    let unpacked = unpack_bodies(TagKind::Video, &["91 58585858 00", "a1 58585858 00", AVC_START]);
    assert_eq!(
        findings(&unpacked),
        [FindingKind::UnsupportedCodec(CodecId::FourCc(FourCc(*b"XXXX")))]
    );
    assert_eq!(tracks(&unpacked).len(), 1, "the connection is kept");
    for packet_type in 8..16_u8 {
        let body = format!("9{packet_type:x} 68766331 00");
        assert_eq!(dropped_video(&body), BodyError::PacketType(packet_type));
        assert_eq!(dropped_audio(&body), BodyError::PacketType(packet_type));
        // And inside of Multitrack.
        let body = format!("96 0{packet_type:x} 68766331 00");
        assert_eq!(dropped_video(&body), BodyError::PacketType(packet_type));
    }
    for packet_type in [3, 6] {
        let body = format!("9{packet_type} 4f707573 00");
        assert_eq!(dropped_audio(&body), BodyError::PacketType(packet_type));
    }
}

#[test]
fn ert_03_many_mod_ex_and_long_ones() {
    let chain =
        |units: usize| format!("97 {} 00 ee 11 61763031 1200", "00 ee 17".repeat(units - 1));
    assert_eq!(MAX_MOD_EX, 8);
    for units in [1, 7, 8] {
        assert!(VideoBody::parse(body(&chain(units))).is_ok(), "{units}");
    }
    assert_eq!(dropped_video(&chain(9)), BodyError::ModEx);
    assert_eq!(dropped_video(&chain(1000)), BodyError::ModEx);
    assert_eq!(dropped_video("97 ff 00ff 11"), BodyError::Short);
    assert_eq!(dropped_audio("97 ff 00"), BodyError::Short);
    assert_eq!(dropped_audio("97 ff"), BodyError::Short);
}

#[test]
fn ert_04_nanoseconds_of_few_bytes_and_too_many() {
    assert_eq!(dropped_video("97 01 0001 01 61763031 12"), BodyError::NanoOffset);
    let start = "90 4f707573";
    let unpacked = unpack_bodies(TagKind::Audio, &[start, "97 02 0f4240 01 4f707573 fc"]);
    assert_eq!(findings(&unpacked), [FindingKind::NanoOffset(1_000_000)]);
    assert_eq!(frames(&unpacked)[0].dts.0, 10);
    let unpacked = unpack_bodies(TagKind::Audio, &[start, "97 02 0f423f 01 4f707573 fc"]);
    assert_eq!(findings(&unpacked), [FindingKind::NanoOffsetUnused]);
}

#[test]
fn ert_05_multitrack_in_multitrack() {
    assert_eq!(dropped_video("96 06 61763031 00 12"), BodyError::Nested);
    assert_eq!(dropped_video("96 07 61763031 00 12"), BodyError::Nested);
    assert_eq!(dropped_audio("95 05 4f707573 00 fc"), BodyError::Nested);
    assert_eq!(dropped_audio("95 07 4f707573 00 fc"), BodyError::Nested);
    for multitrack in 3..16_u8 {
        let body = format!("96 {multitrack:x}1 61763031 00 12");
        assert_eq!(dropped_video(&body), BodyError::MultitrackType(multitrack));
    }
}

#[test]
fn ert_06_track_sizes_and_numbers() {
    let start = "90 4f707573";
    // A track without a byte is legal and a frame of nothing.
    let unpacked = unpack_bodies(TagKind::Audio, &[start, "95 11 4f707573 00 000000"]);
    assert_eq!(findings(&unpacked), [FindingKind::EmptyFrame]);
    assert_eq!(dropped_audio("95 11 4f707573 00 000002 fc"), BodyError::Short);
    assert_eq!(dropped_audio("95 11 4f707573 00 000001 fc 01 0000"), BodyError::Short);
    assert_eq!(
        dropped_video("96 11 68766331 00 000002 0000"),
        BodyError::Short,
        "no room for a time"
    );
    // Of a message with a fault nothing comes out, not even the track before it.
    let bodies = [start, "95 11 4f707573 00 000001 fc 01 000009 fc"];
    let unpacked = unpack_bodies(TagKind::Audio, &bodies);
    assert_eq!(findings(&unpacked), [FindingKind::Body(BodyError::Short)]);
    assert_eq!(frames(&unpacked), []);
    assert_eq!(
        dropped_audio("95 11 4f707573 03 000001 fc 03 000001 fc"),
        BodyError::DuplicateTrack(3)
    );

    let many = |tracks: u8| {
        let tracks: String = (0..tracks).map(|number| format!("{number:02x} 000001 fc")).collect();
        format!("95 11 4f707573 {tracks}")
    };
    assert_eq!(MAX_TRACKS, 16);
    for tracks in [15, 16] {
        assert_eq!(
            AudioBody::parse(body(&many(tracks))).unwrap().packets.count(),
            usize::from(tracks)
        );
    }
    assert_eq!(dropped_audio(&many(17)), BodyError::Tracks);
    assert_eq!(dropped_audio(&many(255)), BodyError::Tracks);
}

#[test]
fn ert_06_tracks_of_many_messages() {
    let mut unpacker = Unpacker::default();
    for number in 0..=255_u8 {
        unpacker.push(TagKind::Audio, 0, body(&format!("95 00 4f707573 {number:02x}")));
        unpacker.push(TagKind::Video, 0, body(&format!("96 01 58585858 {number:02x}")));
    }
    let unpacked = drain(&mut unpacker);
    assert_eq!(tracks(&unpacked).len(), 16);
    let too_many =
        findings(&unpacked).iter().filter(|it| **it == FindingKind::TooManyTracks).count();
    assert_eq!(too_many, 1);
    // The first ones go on.
    unpacker.push(TagKind::Audio, 0, body("95 01 4f707573 0f fc"));
    assert_eq!(frames(&drain(&mut unpacker))[0].track, TrackId::audio(15));
}

#[test]
fn ert_08_frames_before_the_start_and_behind_the_end() {
    let (start, frame, end) = ("90 4f707573", "91 4f707573 fc", "92 4f707573");
    let unpacked =
        unpack_bodies(TagKind::Audio, &[frame, end, start, frame, end, end, frame, start, frame]);
    assert_eq!(findings(&unpacked), [FindingKind::NotConfigured, FindingKind::NotConfigured]);
    let kinds: String = events(&unpacked)
        .iter()
        .map(|it| match it {
            MediaEvent::Track(_) => 'T',
            MediaEvent::Frame(_) => 'F',
            MediaEvent::End(_) => 'E',
        })
        .collect();
    assert_eq!(kinds, "TFETF");
}

#[test]
fn ert_09_channel_layouts_that_contradict_themselves() {
    for layout in
        ["00 00", "01 00 00000000", "00 ff", "00 41", "02 04 0001", "03 02", "01 06 00003f", "01"]
    {
        let unpacked = unpack_bodies(TagKind::Audio, &[&format!("94 4f707573 {layout}")]);
        assert_eq!(findings(&unpacked), [FindingKind::ChannelLayout], "{layout}");
        assert_eq!(unpacked.len(), 1);
    }
    // A mask that does not fit its count: the count is right.
    assert_eq!(
        ChannelLayout::parse(&hex("01 02 0000003f")),
        Some(ChannelLayout::Unspecified { channels: 2 })
    );
    assert!(ChannelLayout::parse(&hex("00 40")).is_some());
}

#[test]
fn ert_10_metadata_with_broken_amf_and_a_cut_av1_descriptor() {
    for broken in ["0200", "02000163 0a", "ff", "020009636f6c6f72496e666f 04"] {
        let unpacked = unpack_bodies(TagKind::Video, &[&format!("d4 68766331 {broken}")]);
        assert!(matches!(findings(&unpacked)[..], [FindingKind::Script(_)]), "{broken}");
    }
    for cut in ["", "80", "8004", "80040000", "800481", "8103810000"] {
        let unpacked = unpack_bodies(TagKind::Video, &[&format!("95 61763031 {cut}")]);
        assert!(matches!(findings(&unpacked)[..], [FindingKind::Configuration(_)]), "{cut}");
        assert_eq!(events(&unpacked), []);
    }
    let unpacked = unpack_bodies(TagKind::Video, &["95 61763031 8004 81000c00"]);
    assert_eq!(findings(&unpacked), []);
    assert_eq!(tracks(&unpacked)[0].params.video().unwrap().config, hex("81000c00"));
}

#[test]
fn memory_follows_what_arrived() {
    // A body of 8 MiB is announced, 100 KiB come.
    let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x09\x80\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(vec![0; 100 << 10]);
    let counted = allocations(|| {
        let (mut reader, mut input) = (FlvReader::new(), BytesMut::with_capacity(4096));
        for piece in file.chunks(4096) {
            input.extend_from_slice(piece);
            while let Ok(Some(_)) = reader.read(&mut input) {}
            assert!(input.is_empty(), "large bodies are taken as they arrive");
        }
    });
    assert!(counted.peak_bytes < 2 * (100 << 10) + (128 << 10), "{counted:?}");
}

#[test]
fn one_block_of_64_kib_is_enough() {
    for size in [65_520, 65_521, 65_522, 100_000, 8 << 20] {
        let payload = vec![7; size];
        let file = file_of(&[(8, 0, &payload), (8, 1, &[0x2F])]);
        let (mut reader, mut input, mut sizes) = (FlvReader::new(), BytesMut::new(), Vec::new());
        let mut rest = &file[..];
        while !rest.is_empty() {
            let room = (64 << 10) - input.len();
            assert!(room > 0, "{size}: the block is full and nothing comes out");
            let (read, left) = rest.split_at(room.min(rest.len()));
            input.extend_from_slice(read);
            rest = left;
            while let Some(item) = reader.read(&mut input).unwrap() {
                if let FlvItem::Tag(tag) = item {
                    sizes.push(tag.body.len());
                }
            }
        }
        assert_eq!(sizes, [size, 1]);
    }
}
