use std::string::ToString;

use levada_test::{hex, same_at_every_cut};
use proptest::prelude::*;

use super::*;
use crate::sync::tests::{Split, split};
use crate::testdata::{file, json};

const FILES: [&str; 5] = ["lc48s", "lc44m", "lc51", "he_adts", "he2_adts"];

#[test]
fn vectors() {
    let vectors = json("audio/adts.json");
    for (vector, name) in vectors["adts"].as_array().unwrap().iter().zip(FILES) {
        let data = file(&std::format!("audio/{name}.aac"));
        let Split { frames, skipped, rest } = split::<Header>(&[&data]);
        let lengths: Vec<_> = frames.iter().map(|it| it.1.len()).collect();
        assert_eq!(serde_json::json!(lengths), vector["frame_lengths"], "{name}");
        assert_eq!((skipped, rest.len()), (0, 0), "{name}");
        assert_eq!(
            frames.len().to_string(),
            vector["ffprobe"]["nb_read_packets"].as_str().unwrap()
        );

        let (header, frame) = &frames[0];
        assert_eq!(data[..7], hex(vector["first_header"].as_str().unwrap()));
        let first = &vector["first"];
        assert_eq!(first["profile"], header.object_type - 1);
        assert_eq!(first["sf_index"], header.frequency_index);
        assert_eq!(first["chan"], header.channel_configuration);
        assert_eq!(first["frame_length"], header.frame_len);
        assert_eq!(first["nblocks"], header.blocks);
        assert_eq!(first["header"], header.header_len());
        assert_eq!(header.mpeg2, first["id"] == 1);
        assert_eq!(header.samples(), 1024);

        let config = header.config(frame).unwrap();
        assert_eq!(config.encode(), hex(vector["asc_from_adts"].as_str().unwrap()), "{name}");
        // What we write before a frame is what was there, but for the buffer fullness.
        let mut framer = Framer::new(&config).unwrap();
        for (_, frame) in &frames {
            let mut expected: Vec<u8> = frame[..7].into();
            expected[5] |= 0x1F;
            expected[6] |= 0xFC;
            assert_eq!(framer.head(frame.len() - 7).unwrap(), expected);
        }
    }
}

#[test]
fn frames_are_the_same_at_every_cut() {
    let data = file("audio/lc48s.aac");
    let mut junk = data[..1500].to_vec();
    // A false sync word in the middle of nothing, then the stream from inside of a frame on.
    junk.extend(hex("00 fff14c801d7ffc 00ff fff1"));
    junk.extend(&data[1600..3500]);
    for wire in [&data[..4000], &junk] {
        same_at_every_cut(wire, split::<Header>);
    }
    let Split { frames, skipped, rest } = split::<Header>(&[&junk]);
    assert!(skipped > 0 && rest.len() < 2 * 8191);
    assert!(frames.iter().all(|it| it.0.frequency_index == 3), "{frames:?}");
}

#[test]
fn a_single_frame_after_junk_waits_for_its_successor() {
    let data = file("audio/lc48s.aac");
    let mut wire = hex("474747");
    wire.extend(&data[..235]);
    assert_eq!(split::<Header>(&[&wire]).frames.len(), 0);
    wire.extend(&data[235..242]);
    assert_eq!(split::<Header>(&[&wire]).frames.len(), 1);
}

#[test]
fn a_header_with_a_checksum() {
    let header = Header::parse(&hex("fff04c800fe000")).unwrap();
    assert_eq!((header.crc, header.header_len(), header.frame_len), (true, 9, 127));
    // Two blocks: a checksum and the place of the second.
    let header = Header::parse(&hex("fff04c800fe001")).unwrap();
    assert_eq!((header.blocks, header.header_len(), header.samples()), (2, 11, 2048));
    // MPEG-2, as old encoders write.
    assert!(Header::parse(&hex("fff94c801d7ffc")).unwrap().mpeg2);
}

#[test]
fn wrong_headers() {
    for (picture, offset, what) in [
        ("fff14c801d7f", 6, "a cut ADTS header"),
        ("ffe14c801d7ffc", 0, "no ADTS sync word"),
        ("fff34c801d7ffc", 0, "no ADTS sync word"),
        ("fff174801d7ffc", 2, "a reserved sampling frequency"),
        ("fff14c8000dffc", 3, "a frame shorter than its header"),
    ] {
        let error = CodecError::Malformed { offset, what, spec: SPEC };
        assert_eq!(Header::parse(&hex(picture)), Err(error), "{picture}");
    }
    assert_eq!(Header::parse(&hex("fff14c8000fffc")).unwrap().frame_len, 7, "empty");
}

#[test]
fn hostile_aac_04_a_frame_too_long_for_its_length() {
    let mut framer = Framer::new(&Config::new(2, 48_000, 2).unwrap()).unwrap();
    let header = Header::parse(framer.head(MAX_PAYLOAD).unwrap()).unwrap();
    assert_eq!((MAX_PAYLOAD, header.frame_len), (8184, 8191));
    for payload in [8185, 8192, 65_529, 65_536, usize::MAX] {
        let error = CodecError::Limit { which: "bytes of a raw frame in ADTS", limit: 8184 };
        assert_eq!(framer.head(payload), Err(error), "{payload}");
    }
}

#[test]
fn configurations_that_adts_cannot_say() {
    for picture in ["b99100", "f8ec41bb609e00", "11f0", "1194", "f94640", "178000640c10"] {
        let config = Config::parse(&hex(picture)).unwrap();
        assert!(matches!(Framer::new(&config), Err(CodecError::Unsupported { .. })), "{picture}");
    }
    // The escape is needless here.
    let config = Config::parse(&hex("17805dc010")).unwrap();
    assert_eq!(Framer::new(&config).unwrap().head(228).unwrap(), hex("fff14c801d7ffc"));
    // HE-AAC becomes implicit.
    let config = Config::parse(&hex("eb8a0800")).unwrap();
    let header = Header::parse(Framer::new(&config).unwrap().head(9).unwrap()).unwrap();
    assert_eq!(header.config(&[]).unwrap(), Config::parse(&hex("1388")).unwrap());
}

#[test]
fn a_program_config_element_goes_into_each_frame() {
    let config = Config::parse(&hex("1200050400002000")).unwrap();
    let mut framer = Framer::new(&config).unwrap();
    let mut frame = framer.head(3).unwrap().to_vec();
    assert!(frame.len() > HEADER_LEN);
    frame.extend([1, 2, 3]);
    let header = Header::parse(&frame).unwrap();
    assert_eq!((header.channel_configuration, usize::from(header.frame_len)), (0, frame.len()));
    assert_eq!(header.config(&frame), Ok(config));
    let limit = 8191 - framer.head(0).unwrap().len();
    assert!(framer.head(limit).is_ok() && framer.head(limit + 1).is_err());
    // A stereo pair where the element should be.
    let error = header.config(&[&frame[..7], &[0x20]].concat()).unwrap_err();
    assert!(matches!(error, CodecError::Unsupported { .. }), "{error}");
}

proptest! {
    #[test]
    fn what_is_framed_is_found(
        object_type in 1..5_u8, index in 0..13_u8, channels in 1..8_u8,
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..9)
    ) {
        let config = Config::from_adts(object_type, index, channels, None).unwrap();
        let mut framer = Framer::new(&config).unwrap();
        let mut wire = Vec::new();
        for payload in &payloads {
            wire.extend_from_slice(framer.head(payload.len()).unwrap());
            wire.extend_from_slice(payload);
        }
        let Split { frames, skipped, rest } = split::<Header>(&[&wire]);
        prop_assert_eq!((skipped, rest.len()), (0, 0));
        prop_assert_eq!(frames.len(), payloads.len());
        for ((header, frame), payload) in frames.iter().zip(&payloads) {
            prop_assert_eq!(&frame[header.header_len()..], &payload[..]);
            prop_assert_eq!(header.config(frame), Ok(config.clone()));
        }
    }

    #[test]
    fn any_bytes_at_any_cut(wire in proptest::collection::vec(prop_oneof![Just(0xFF), Just(0xF1), any::<u8>()], 0..300), at in any::<prop::sample::Index>()) {
        let at = at.index(wire.len() + 1);
        prop_assert_eq!(split::<Header>(&[&wire]), split::<Header>(&[&wire[..at], &wire[at..]]));
    }
}
