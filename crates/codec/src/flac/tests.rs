use std::string::ToString;

use levada_test::hex;
use proptest::prelude::*;

use super::*;
use crate::testdata::{file, json};

/// Where the frames of the file are, and how long they last, by ffprobe.
const FRAMES: [(usize, u32); 3] = [(8288, 4608), (9585, 4608), (10_870, 384)];

#[test]
fn vectors() {
    let vectors = json("audio/flac.json");
    for (name, vector) in vectors.as_object().unwrap() {
        let bare = hex(vector["streaminfo"].as_str().unwrap());
        let dfla = hex(vector["dfLa"].as_str().unwrap());
        let info = StreamInfo::parse(&bare).unwrap();
        for (key, value) in [
            ("min_block", info.min_block.into()),
            ("max_block", info.max_block.into()),
            ("min_frame", info.min_frame.into()),
            ("max_frame", info.max_frame.into()),
            ("sample_rate", info.sample_rate.into()),
            ("channels", info.channels.into()),
            ("bits", info.bits.into()),
            ("total_samples", info.total_samples),
        ] {
            assert_eq!(vector[key], value, "{name} {key}");
        }
        assert_eq!(info.md5[..], hex(vector["md5"].as_str().unwrap()));
        assert_eq!(info.encode(), bare);
        assert_eq!(info.encode_block(), dfla[4..]);
        // The forms of fMP4, Enhanced RTMP and ffmpeg's RTMP.
        for form in
            [dfla[4..].to_vec(), [b"fLaC", &dfla[4..]].concat(), [b"fLaC", &bare[..]].concat()]
        {
            assert_eq!(StreamInfo::parse(&form), Ok(info), "{name}");
        }
    }
}

#[test]
fn a_file_of_ffmpeg() {
    let data = file("audio/flac_s.flac");
    let info = StreamInfo::parse(&data).unwrap();
    assert_eq!((info.sample_rate, info.channels, info.total_samples), (48_000, 2, 9600));
    for (index, (at, samples)) in FRAMES.into_iter().enumerate() {
        let header = FrameHeader::parse(&data[at..]).unwrap();
        assert_eq!((header.samples, header.number), (samples, index as u64));
        assert_eq!((header.sample_rate, header.channels), (Some(48_000), 2));
        assert!(!header.variable);
        let mut wrong = data[at..at + 20].to_vec();
        wrong[2] ^= 0x10;
        assert!(FrameHeader::parse(&wrong).is_err(), "another block size, the same checksum");
    }
}

#[test]
fn track_parameters() {
    let data = Bytes::from(file("audio/flac_s.flac"));
    let params = params(&data).unwrap();
    assert_eq!(
        params.config,
        data[4..42]
            .iter()
            .enumerate()
            .map(|(index, &it)| if index == 0 { 0x80 } else { it })
            .collect::<Vec<_>>()
    );
    assert_eq!((params.sample_rate, params.channels, &*params.rfc6381), (48_000, 2, "fLaC"));
    assert_eq!(params.samples_per_frame, Some(4608));
}

#[test]
fn hostile_aac_06_cut_and_impossible_stream_information() {
    let block = hex("80000022120012000000c70005110bb802f000002580d9b81de011fef694f3e1d33694c8ae61");
    for len in (0..block.len()).filter(|&it| it != 34) {
        assert!(StreamInfo::parse(&block[..len]).is_err(), "{len}");
    }
    // 34 bytes are taken as bare, and this block's header makes no such thing.
    assert!(StreamInfo::parse(&block[..34]).is_err());
    for (at, with, what) in [
        (0, "04", "no STREAMINFO block"),
        (3, "21", "no STREAMINFO block"),
        (4, "000f", "impossible block sizes"),
        (6, "11ff", "impossible block sizes"),
        (14, "00000000", "a sampling frequency of 0"),
        (16, "0210", "less than four bits a sample"),
    ] {
        let mut wrong = block.clone();
        let with = hex(with);
        wrong[at..at + with.len()].copy_from_slice(&with);
        let error = StreamInfo::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// A frame header with these codes, a number and what follows it, and its checksum.
fn frame(codes: u16, number: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut header = Vec::from([0xFF, 0xF8]);
    header.extend(codes.to_be_bytes());
    header.extend(number);
    header.extend(rest);
    header.push(crc8(&header));
    header
}

#[test]
fn every_code_of_a_frame_header() {
    let samples = |code: u16, rest: &[u8]| {
        FrameHeader::parse(&frame(code << 12 | 0x0018, &[0], rest)).map(|it| it.samples).ok()
    };
    assert_eq!([0, 1, 2, 5].map(|it| samples(it, &[])), [None, Some(192), Some(576), Some(4608)]);
    assert_eq!([8, 12, 15].map(|it| samples(it, &[])), [Some(256), Some(4096), Some(32_768)]);
    assert_eq!((samples(6, &[0xFF]), samples(7, &[0xFF, 0xFF])), (Some(256), Some(65_536)));
    let rate = |code: u16, rest: &[u8]| {
        FrameHeader::parse(&frame(0x1018 | code << 8, &[0], rest)).map(|it| it.sample_rate)
    };
    assert_eq!(
        (rate(0, &[]), rate(1, &[]), rate(9, &[])),
        (Ok(None), Ok(Some(88_200)), Ok(Some(44_100)))
    );
    assert_eq!(rate(12, &[48]), Ok(Some(48_000)));
    assert_eq!(
        (rate(13, &[0xAC, 0x44]), rate(14, &[0x11, 0x3A])),
        (Ok(Some(44_100)), Ok(Some(44_100)))
    );
    assert!(rate(15, &[]).is_err());
    for (code, channels) in [(0, Some(1)), (7, Some(8)), (8, Some(2)), (10, Some(2)), (11, None)] {
        let parsed = FrameHeader::parse(&frame(0x1A08 | code << 4, &[0], &[]));
        assert_eq!(parsed.ok().map(|it| it.channels), channels, "{code}");
    }
}

#[test]
fn coded_numbers() {
    let number = |bytes: &[u8]| FrameHeader::parse(&frame(0x1A18, bytes, &[])).map(|it| it.number);
    assert_eq!(number(&[0x7F]), Ok(0x7F));
    assert_eq!(number(&[0xC2, 0x80]), Ok(0x80));
    assert_eq!(number(&[0xEF, 0xBF, 0xBF]), Ok(0xFFFF));
    assert_eq!(number(&[0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]), Ok((1 << 36) - 1));
    for wrong in [&[0x80][..], &[0xFF, 0xBF], &[0xC2, 0xC0], &[0xFE, 0xBF]] {
        assert!(number(wrong).is_err(), "{wrong:02x?}");
    }
}

proptest! {
    #[test]
    fn parse_encode(bytes in proptest::collection::vec(any::<u8>(), 34)) {
        if let Ok(info) = StreamInfo::parse(&bytes) {
            prop_assert_eq!(info.encode(), bytes);
        }
    }

    #[test]
    fn any_frame(codes: u16, number in proptest::collection::vec(any::<u8>(), 1..8)) {
        if let Ok(header) = FrameHeader::parse(&frame(codes, &number, &[1, 2, 3])) {
            prop_assert!((1..=65_536).contains(&header.samples));
        }
    }
}
