use std::vec::Vec;

use bytes::Bytes;
use levada_media::{CodecParams, Colour};
use levada_test::hex;
use proptest::prelude::*;

use super::*;
use crate::testdata::{file, json};
use crate::{CodecError, Inspector, complete, video_params};

/// The packets of an IVF file.
fn packets(name: &str) -> Vec<Vec<u8>> {
    let data = file(&std::format!("vp9/{name}.ivf"));
    let mut rest = &data[32..];
    let mut packets = Vec::new();
    while let Some((head, body)) = rest.split_first_chunk::<12>() {
        let size = little_endian(&head[..4]);
        packets.push(body[..size].into());
        rest = &body[size..];
    }
    packets
}

#[test]
fn vectors() {
    let vectors = json("vp9/vp9.json");
    for (name, vector) in vectors["streams"].as_object().unwrap() {
        let empty = video_params(VideoCodec::Vp9, Bytes::new()).unwrap();
        let mut inspector = Inspector::new(&CodecParams::Video(empty));
        let packets = packets(name);
        let expected = vector["packets"].as_array().unwrap();
        assert_eq!(packets.len(), expected.len(), "{name}");
        for (index, (packet, expected)) in packets.iter().zip(expected).enumerate() {
            assert_eq!(expected["bytes"], packet.len());
            let wanted = expected["frames"].as_array().unwrap();
            assert_eq!(frames(packet).count(), wanted.len());
            for (frame, wanted) in frames(packet).zip(wanted) {
                let header = Header::parse(frame).unwrap();
                assert_eq!(wanted["len"], frame.len(), "{name} {index}");
                assert_eq!(wanted["show_existing_frame"], u8::from(header.shows_existing));
                if !header.shows_existing {
                    assert_eq!(wanted["frame_type"] == 0, header.key_frame.is_some());
                    assert_eq!(wanted["show_frame"], u8::from(header.shown));
                    assert_eq!(wanted["intra_only"], u8::from(header.intra_only));
                    assert_eq!(wanted["refresh"], header.refresh.unwrap());
                }
            }
            let facts = inspector.inspect(packet);
            assert_eq!(facts.random_access == RandomAccess::Instant, wanted[0]["frame_type"] == 0);
            assert_eq!(facts.slices == Slices::I, wanted[0]["frame_type"] == 0);
        }
        assert!(inspector.defects().is_empty());
        key_frame_of(vector, &packets[0], name);
    }
}

fn key_frame_of(vector: &serde_json::Value, packet: &[u8], name: &str) {
    let header = Header::parse(packet).unwrap();
    let key = header.key_frame.unwrap();
    let expected = &vector["expect_first_header"];
    assert_eq!(expected["profile"], header.profile);
    assert_eq!(expected["bit_depth"], key.bit_depth);
    assert_eq!(expected["color_space"], key.colour_space);
    assert_eq!(expected["range"], u8::from(key.full_range));
    assert_eq!(expected["ssx"], u8::from(key.subsampling_x));
    assert_eq!(expected["ssy"], u8::from(key.subsampling_y));
    assert_eq!((&expected["w"], &expected["h"]), (&key.width.into(), &key.height.into()));

    let Some(record) = vector["vpcC_from_ffmpeg"].as_str().map(hex) else { return };
    let config = Config::parse(&record).unwrap();
    assert_eq!(Config::parse(&record[4..]), Ok(config), "with and without the box's header");
    assert_eq!(config.encode(), record[4..], "{name}");
    let made = Config::of_key_frame(packet).unwrap();
    // The stream does not say the transfer, which ffmpeg knew from elsewhere.
    let Colour { transfer, .. } = config.colour;
    assert_eq!(Config { colour: Colour { transfer, ..made.colour }, ..made }, config, "{name}");
}

#[test]
fn hidden_frames_of_a_superframe() {
    let packets = packets("altref");
    let sizes: Vec<_> = frames(&packets[1]).map(<[u8]>::len).collect();
    assert_eq!(sizes, [1352, 113]);
    let shown: Vec<_> = frames(&packets[1]).map(|it| Header::parse(it).unwrap().shown).collect();
    assert_eq!(shown, [false, true]);
}

#[test]
fn what_is_no_superframe_is_one_frame() {
    let one = |bytes: &[u8]| frames(bytes).eq([bytes]);
    // A marker that is not repeated, an index longer than the data, sizes beyond the frames.
    assert!(one(&[0x82, 0, 0, 1, 0xC0]) && one(&[0xC7]) && one(&[0x82, 0xC0, 2, 0xC0]));
    assert!(one(&[0x82, 0xD8, 0xFF, 0xFF, 0xFF, 0xFF, 0xD8]));
    assert_eq!(frames(&[]).count(), 0);
    // An empty frame is none.
    assert!(frames(&[0x82, 0xC1, 1, 0, 0xC1]).eq([&[0x82]]));
}

#[test]
fn names() {
    let name = |picture: &str, codec| Config::parse(&hex(picture)).unwrap().rfc6381(codec);
    assert_eq!(name("01000000000a820202020000", VideoCodec::Vp9), "vp09.00.10.08");
    assert_eq!(name("01000000010a860202020000", VideoCodec::Vp9), "vp09.01.10.08.03.01.01.01.00");
    assert_eq!(name("01000000020ba20910090000", VideoCodec::Vp9), "vp09.02.11.10.01.09.16.09.00");
    assert_eq!(name("000a800202020000", VideoCodec::Vp8), "vp08.00.10.08.00.01.01.01.00");
    // ffmpeg 9 over RTMP: full range 4:4:4.
    assert_eq!(name("01000000010a870202000000", VideoCodec::Vp9), "vp09.01.10.08.03.01.01.00.01");
}

#[test]
fn levels_by_size() {
    let key = |width: u16, height: u16| {
        let mut frame = hex("8249834200");
        let sides = u64::from(width - 1) << 44 | u64::from(height - 1) << 28;
        // Five bits of colour are in the fifth byte: the sizes begin in its lower half.
        frame[4] |= (sides >> 56) as u8;
        frame.extend(&(sides << 8).to_be_bytes()[..5]);
        frame
    };
    for (width, height, level) in [
        (256, 144, 10),
        (257, 144, 11),
        (1280, 720, 31),
        (1920, 1080, 40),
        (3840, 2160, 50),
        (7680, 4320, 60),
    ] {
        let config = Config::of_key_frame(&key(width, height)).unwrap();
        assert_eq!(config.level, level, "{width}x{height}");
    }
}

#[test]
fn a_track_without_record_is_completed_by_its_first_key_frame() {
    let packets = packets("p2");
    let empty = CodecParams::Video(video_params(VideoCodec::Vp9, Bytes::new()).unwrap());
    assert_eq!(complete(&empty, &packets[1]), None, "no key frame");
    let params = complete(&empty, &packets[0]).unwrap();
    let video = params.video().unwrap();
    assert_eq!((video.width, video.height, video.bit_depth), (320, 180, 10));
    assert_eq!(video.rfc6381, "vp09.02.11.10.01.09.01.09.00");
    assert_eq!(complete(&params, &packets[0]), None, "complete");
    // A record that was sent is kept: the key frame only adds the size.
    let record = Bytes::from(hex("020ba20910090000"));
    let sent = CodecParams::Video(video_params(VideoCodec::Vp9, record.clone()).unwrap());
    let params = complete(&sent, &packets[0]).unwrap();
    assert_eq!((&params.video().unwrap().config, params.video().unwrap().width), (&record, 320));
    assert_eq!(params.rfc6381(), "vp09.02.11.10.01.09.16.09.00");
}

#[test]
fn vp8() {
    let key = hex("10 0000 9d012a 4001 b440 00");
    let params = CodecParams::Video(video_params(VideoCodec::Vp8, Bytes::new()).unwrap());
    let completed = complete(&params, &key).unwrap();
    let video = completed.video().unwrap();
    assert_eq!((video.width, video.height), (320, 180));
    assert_eq!(video.rfc6381, "vp08.00.00.08.00.01.01.01.00");
    let mut inspector = Inspector::new(&completed);
    assert_eq!(inspector.inspect(&key).random_access, RandomAccess::Instant);
    assert_eq!(inspector.inspect(&hex("31 0000")).random_access, RandomAccess::No);
    assert!(inspector.defects().is_empty());
    assert_eq!(complete(&params, &hex("10 0000 9d012a 4001 0040 00")), None, "no height");
    inspector.inspect(&hex("10 0000 9d012b"));
    assert!(inspector.defects().contains(Defect::CutFrame));
}

#[test]
fn wrong_records_and_headers() {
    for wrong in ["", "000a8202020200", "040a820202020000", "000a720202020000", "000a8a0202020000"]
    {
        assert!(Config::parse(&hex(wrong)).is_err(), "{wrong}");
    }
    for wrong in ["", "42498342", "8249834100", "824983", "82498342e0", "a2498342f0", "b8"] {
        assert!(Header::parse(&hex(wrong)).is_err(), "{wrong}");
    }
    let error = Header::parse(&hex("b8")).unwrap_err();
    assert!(matches!(error, CodecError::Unsupported { .. }), "{error}");
}

proptest! {
    #[test]
    fn records_survive(bytes in proptest::collection::vec(any::<u8>(), 8..14)) {
        if let Ok(config) = Config::parse(&bytes) {
            prop_assert_eq!(Config::parse(&config.encode()), Ok(config));
        }
    }

    #[test]
    fn frames_are_in_order_and_within(bytes in proptest::collection::vec(prop_oneof![0xC0..=0xDF_u8, 0..5_u8], 0..60)) {
        let total: usize = frames(&bytes).map(<[u8]>::len).sum();
        prop_assert!(total <= bytes.len());
        prop_assert!(frames(&bytes).all(|it| !it.is_empty()) && frames(&bytes).count() <= 8);
        let mut reader = FrameReader::new(VideoCodec::Vp9);
        reader.inspect(&bytes);
    }
}
