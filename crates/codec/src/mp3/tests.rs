use std::vec::Vec;

use levada_test::{hex, same_at_every_cut};
use proptest::prelude::*;

use super::*;
use crate::sync::tests::{Split, split};
use crate::testdata::{file, json};

#[test]
fn vectors() {
    let vectors = json("audio/mp3.json");
    for vector in vectors["mp3"].as_array().unwrap() {
        let name = vector["file"].as_str().unwrap();
        let data = file(&std::format!("audio/{name}"));
        let tag = id3v2_len(&data).unwrap_or(0);
        assert_eq!(vector["id3_size"], tag, "{name}");
        let Split { frames, skipped, .. } = split::<Header>(&[&data[tag..]]);
        let lengths: Vec<_> = frames.iter().map(|it| it.1.len()).collect();
        assert_eq!(serde_json::json!(lengths), vector["frame_bytes"], "{name}");
        assert_eq!(skipped, 0, "{name}");

        let header = frames[0].0;
        let first = &vector["first"];
        assert_eq!(header.encode()[..], hex(vector["first_header"].as_str().unwrap()));
        let version = if header.version() == Version::Mpeg1 { "1" } else { "2" };
        assert_eq!(first["version"], version);
        assert_eq!(first["layer"], header.layer());
        assert_eq!(first["bitrate_kbps"], header.bitrate());
        assert_eq!(first["sample_rate"], header.sample_rate());
        assert_eq!(first["channels"], header.channels());
        assert_eq!(first["samples_per_frame"], header.samples());

        // ffprobe counts the frames with sound.
        let sound = frames.iter().filter(|(header, frame)| !header.is_info(frame)).count();
        let facts = std::format!("{},{},{sound}", header.sample_rate(), header.channels());
        assert_eq!(vector["ffprobe"], facts, "{name}");
    }
}

#[test]
fn frames_are_the_same_at_every_cut() {
    for name in ["mp3_44s.mp3", "mp3_vbr_xing_id3.mp3"] {
        let data = file(&std::format!("audio/{name}"));
        same_at_every_cut(&data[..2500], split::<Header>);
    }
    let data = file("audio/mp3_44s.mp3");
    let from_inside = &data[100..3000];
    same_at_every_cut(from_inside, split::<Header>);
    assert_eq!(split::<Header>(&[from_inside]).skipped, 317, "the rest of the first frame");
}

#[test]
fn every_version_and_layer() {
    // Versions, layers, bitrate index 1 and 14, 44.1, 22.05, 11.025 kHz: kbit/s and bytes.
    for (word, samples, low, high) in [
        (0xFFFF_0000_u32, 384, (32, 32), (448, 484)),
        (0xFFFD_0000, 1152, (32, 104), (384, 1253)),
        (0xFFFB_0000, 1152, (32, 104), (320, 1044)),
        (0xFFF7_0000, 384, (32, 68), (256, 556)),
        (0xFFF5_0000, 1152, (8, 52), (160, 1044)),
        (0xFFF3_0000, 576, (8, 26), (160, 522)),
        (0xFFE7_0000, 384, (32, 136), (256, 1112)),
        (0xFFE5_0000, 1152, (8, 104), (160, 2089)),
        (0xFFE3_0000, 576, (8, 52), (160, 1044)),
    ] {
        for (index, expected) in [(1, low), (14, high)] {
            let header = Header::parse(&(word | index << 12).to_be_bytes()).unwrap();
            assert_eq!(header.samples(), samples);
            assert_eq!((header.bitrate(), header.frame_len()), expected, "{word:x}");
        }
    }
    // Padding: a slot more.
    assert_eq!(Header::parse(&hex("fffb9264")).unwrap().frame_len(), 418);
    assert_eq!(Header::parse(&hex("ffff1200")).unwrap().frame_len(), 36);
}

#[test]
fn wrong_headers() {
    for (picture, offset, what) in [
        ("fffb90", 3, "a cut MPEG audio header"),
        ("ffdb9064", 0, "no MPEG audio sync word"),
        ("ffeb9064", 1, "a reserved version"),
        ("fff99064", 1, "a reserved layer"),
        ("fffbf064", 2, "a reserved bitrate"),
        ("fffb9c64", 2, "a reserved sampling frequency"),
    ] {
        let error = CodecError::Malformed { offset, what, spec: SPEC };
        assert_eq!(Header::parse(&hex(picture)), Err(error), "{picture}");
    }
    let free = Header::parse(&hex("fffb0064"));
    assert_eq!(free, Err(CodecError::Unsupported { what: "MPEG audio of free bitrate" }));
}

#[test]
fn tags_of_files() {
    assert_eq!(id3v2_len(b"ID3\x04\x00\x10\x00\x00\x02\x01"), Some(10 + 257 + 10));
    assert_eq!(id3v2_len(b"ID3\x04\x00\x00\x00\x00\x80\x01"), None, "no such digit");
    assert_eq!(id3v2_len(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), Some(10 + (1 << 28) - 1));
    assert_eq!((id3v2_len(b"ID3\x04"), id3v2_len(b"TAG0123456789")), (None, None));
    let frame = |word: &str, at: usize, tag: &[u8; 4]| {
        let mut frame = hex(word);
        frame.resize(at, 0);
        frame.extend(tag);
        Header::parse(&frame).unwrap().is_info(&frame)
    };
    assert!(frame("fffb9064", 36, b"Xing") && frame("fffb9064", 36, b"Info"));
    assert!(frame("fffb90c4", 21, b"Info") && frame("fff34064", 21, b"Xing"));
    assert!(frame("fff340c4", 13, b"Xing") && frame("fffb90c4", 36, b"VBRI"));
    assert!(!frame("fffb90c4", 36, b"Xing") && !frame("fffd9064", 36, b"Xing"));
}

#[test]
fn track_parameters() {
    let params = Header::parse(&hex("fff340c4")).unwrap().params().unwrap();
    assert_eq!((params.sample_rate, params.channels), (22_050, 1));
    assert_eq!((params.samples_per_frame, &*params.rfc6381), (Some(576), "mp4a.40.34"));
    assert!(Header::parse(&hex("fffd9064")).unwrap().params().is_err());
}

proptest! {
    #[test]
    fn any_word(word: u32) {
        if let Ok(header) = Header::parse(&(word | 0xFFE0_0000).to_be_bytes()) {
            prop_assert_eq!(header.encode(), (word | 0xFFE0_0000).to_be_bytes());
            prop_assert!((24..=2881).contains(&header.frame_len()), "{}", header.frame_len());
        }
    }

    #[test]
    fn any_bytes_at_any_cut(wire in proptest::collection::vec(prop_oneof![Just(0xFF), Just(0xFB), any::<u8>()], 0..400), at in any::<prop::sample::Index>()) {
        let at = at.index(wire.len() + 1);
        prop_assert_eq!(split::<Header>(&[&wire]), split::<Header>(&[&wire[..at], &wire[at..]]));
    }
}
