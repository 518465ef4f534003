use std::vec::Vec;

use bytes::Bytes;
use levada_media::{AudioCodec, CodecParams};
use levada_test::{hex, same_at_every_cut};
use proptest::prelude::*;

use super::*;
use crate::sync::tests::split;
use crate::testdata::{file, json};
use crate::{Splitter, complete};

#[test]
fn vectors() {
    let vectors = json("audio/ac3.json");
    for vector in vectors["ac3"].as_array().unwrap() {
        let name = vector["file"].as_str().unwrap();
        let data = file(&std::format!("audio/{name}"));
        let header = Header::parse(&data).unwrap();
        let expected = &vector["header"];
        assert_eq!(data[..12], hex(vector["first_bytes"].as_str().unwrap()));
        assert_eq!(expected["fscod"], header.fscod, "{name}");
        assert_eq!(expected["bsid"], header.bsid, "{name}");
        assert_eq!(expected["acmod"], header.acmod, "{name}");
        assert_eq!(expected["lfeon"], u8::from(header.lfe), "{name}");
        assert_eq!(expected["size"], header.frame_len, "{name}");
        assert_eq!(expected["rate"], header.sample_rate, "{name}");
        assert_eq!(expected["blocks"], header.blocks, "{name}");
        assert_eq!(expected["channels"], header.channels(), "{name}");
        assert_eq!(header.samples(), 1536, "{name}");

        let mut splitter = Splitter::<Header>::new();
        let mut rest = &data[..];
        let lengths = vector["frame_sizes"].as_array().unwrap();
        let mut frames = 0;
        while let Some(frame) = splitter.next(&mut rest) {
            assert_eq!(lengths[frames], frame.data.len(), "{name}");
            frames += 1;
        }
        assert_eq!(vector["frames_in_file"], frames);
        assert_eq!((rest.len(), splitter.skipped()), (0, 0));
        assert_eq!(access_unit_len(&data), Ok(Some(header.frame_len())));

        // The box that ffmpeg wrote, and the one that we make of the first frame.
        let box_content = hex(vector["config_box_payload"].as_str().unwrap());
        let (codec, made, read) = if header.enhanced {
            assert_eq!(header.stream, Stream::Independent(0));
            let read = Eac3Config::parse(&box_content).unwrap();
            (AudioCodec::Eac3, Eac3Config::of(&data).unwrap().encode(), read.encode())
        } else {
            assert_eq!(expected["kbps"], u32::from(BITRATES[usize::from(header.bit_rate_code)]));
            let read = Ac3Config::parse(&box_content).unwrap();
            assert_eq!(
                read.bitrate(),
                u32::from(BITRATES[usize::from(header.bit_rate_code)]) * 1000
            );
            let made = Ac3Config::of(&header).unwrap();
            (AudioCodec::Ac3, made.encode().to_vec(), read.encode().to_vec())
        };
        assert_eq!((&made, &read), (&box_content, &box_content), "{name}");

        // The same facts, whether the box was sent or has to be made.
        let sent = crate::audio_params(codec, box_content.into()).unwrap();
        let empty = CodecParams::Audio(crate::audio_params(codec, Bytes::new()).unwrap());
        assert_eq!(complete(&empty, &data), Some(CodecParams::Audio(sent.clone())));
        assert_eq!(complete(&CodecParams::Audio(sent.clone()), &data), None);
        assert_eq!((sent.sample_rate, sent.channels), (header.sample_rate, header.channels()));
        assert_eq!(sent.samples_per_frame, Some(1536));
        assert_eq!(sent.rfc6381, if header.enhanced { "ec-3" } else { "ac-3" });
    }
}

#[test]
fn frames_are_the_same_at_every_cut() {
    for name in ["ac3_44m.ac3", "eac3_s.eac3"] {
        let data = file(&std::format!("audio/{name}"));
        same_at_every_cut(&data, split::<Header>);
        let from_inside = [&data[5..], &data].concat();
        same_at_every_cut(&from_inside, split::<Header>);
        assert!(!split::<Header>(&[&from_inside]).frames.is_empty());
    }
}

#[test]
fn frame_sizes_of_44_100_hz() {
    // ETSI TS 102 366 table 4.13, in words: the first, two of the middle, the last.
    for (code, words) in [(0, 69), (1, 70), (14, 243), (15, 244), (36, 1393), (37, 1394)] {
        let header = Header::parse(&[0x0B, 0x77, 0, 0, 0x40 | code, 0x40, 0x40, 0]).unwrap();
        assert_eq!(header.frame_len, 2 * words, "{code}");
    }
    for (fscod, words) in [(0, 1280), (2, 1920)] {
        let header = Header::parse(&[0x0B, 0x77, 0, 0, fscod << 6 | 36, 0x40, 0x40, 0]).unwrap();
        assert_eq!(header.frame_len, 2 * words);
    }
    // Versions 9 and 10.
    let header = Header::parse(&[0x0B, 0x77, 0, 0, 0, 10 << 3, 0x40, 0]).unwrap();
    assert_eq!(header.sample_rate, 12_000);
}

#[test]
fn hostile_aac_06_wrong_headers() {
    for picture in [
        "",
        "0b77",
        "0b7738900c",
        "0b783890 0c4043",
        "770b3890 0c4043",
        // Frequency and size that are reserved, and a header that is cut.
        "0b773890 cc4043",
        "0b773890 264043",
        "0b773890 0c40",
        // E-AC-3: stream type, both frequency codes, a frame of two bytes.
        "0b77c17f 3f87c000 20f82000",
        "0b77017f ff87c000 20f82000",
        "0b770000 3f87c000 20f82000",
        "0b77017f 3f87",
        "0b770000 3fff",
    ] {
        assert!(Header::parse(&hex(picture)).is_err(), "{picture}");
    }
    let beyond = Header::parse(&hex("0b77017f 3f8f"));
    assert_eq!(beyond, Err(CodecError::Unsupported { what: "a version of AC-3 beyond 16" }));
    for wrong in ["", "1010", "d010c0", "1610c0", "1012 60"] {
        assert!(Ac3Config::parse(&hex(wrong)).is_err(), "{wrong}");
    }
    for wrong in ["", "0600", "0600200f", "060010 0f00", "0607200f00"] {
        assert!(Eac3Config::parse(&hex(wrong)).is_err(), "{wrong}");
    }
}

/// An E-AC-3 frame of 16 bytes.
fn frame(kind: u32, id: u32, blocks: u32, acmod: u32, map: Option<u32>) -> Vec<u8> {
    let mut out = crate::bit_writer::BitWriter::default();
    for (value, count) in [
        (0x0B77, 16),
        (kind, 2),
        (id, 3),
        (7, 11),
        (0, 2),
        (blocks, 2),
        (acmod, 3),
        (0, 1),
        (16, 5),
        (27, 5),
        (0, 1),
    ] {
        out.u(value, count);
    }
    if kind == 1 {
        out.u(u32::from(map.is_some()), 1);
        out.u(map.unwrap_or(0), 16);
    }
    let mut frame = out.finish();
    frame.resize(16, 0);
    frame
}

#[test]
fn access_units_of_several_streams_and_short_frames() {
    // 7.1: 5.1 and a dependent stream with the rear pair.
    let main = frame(0, 0, 3, 7, None);
    let rear = frame(1, 0, 3, 2, Some(0x0200));
    let unit = [&main[..], &rear].concat();
    assert_eq!(access_unit_len(&[&unit[..], &unit].concat()), Ok(Some(32)));
    assert_eq!(access_unit_len(&unit), Ok(Some(32)));
    assert_eq!(access_unit_len(&unit[..31]), Ok(None));
    assert_eq!(access_unit_len(&unit[..16]), Ok(Some(16)), "nothing says that more comes");
    let config = Eac3Config::of(&unit).unwrap();
    let Substream { dependents, locations, .. } = config.substreams[0];
    assert_eq!((dependents, locations, config.channels()), (1, 0b10, 7));
    assert_eq!(Eac3Config::parse(&config.encode()), Ok(config));

    // A second programme, and blocks one by one.
    let second = frame(0, 1, 0, 2, None);
    let first = frame(0, 0, 0, 2, None);
    let pair = [&first[..], &second].concat();
    let unit = pair.repeat(6);
    assert_eq!(access_unit_len(&[&unit[..], &pair].concat()), Ok(Some(192)));
    assert_eq!(access_unit_len(&pair.repeat(5)), Ok(None));
    let config = Eac3Config::of(&unit).unwrap();
    assert_eq!((config.substreams.len(), config.channels()), (2, 2));
    // 192 bytes for 32 ms.
    assert_eq!(config.data_rate, 48);
    assert!(access_unit_len(&rear).is_err() && Eac3Config::of(&pair).is_err());

    // All places beyond 5.1: of the map the bits 5 to 12 and 14.
    let all = [&main[..], &frame(1, 0, 3, 2, Some(0x07FA))].concat();
    let config = Eac3Config::of(&all).unwrap();
    assert_eq!((config.substreams[0].locations, config.channels()), (0x1FF, 5 + 14));
}

#[test]
fn a_box_with_objects() {
    // Atmos: the tail of ETSI TS 103 420.
    let config = Eac3Config::parse(&hex("0600200f000110")).unwrap();
    assert_eq!(config.objects, Some(16));
    assert_eq!(config.encode(), hex("0600200f000110"));
}

proptest! {
    #[test]
    fn boxes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(config) = Ac3Config::parse(&bytes) {
            prop_assert_eq!(Ac3Config::parse(&config.encode()), Ok(config));
        }
        if let Ok(config) = Eac3Config::parse(&bytes) {
            prop_assert_eq!(Eac3Config::parse(&config.encode()), Ok(config));
        }
    }

    #[test]
    fn any_header(tail in proptest::collection::vec(any::<u8>(), 0..20)) {
        let data = [&[0x0B, 0x77][..], &tail].concat();
        if let Ok(header) = Header::parse(&data) {
            prop_assert!((Header::LEN..=4096).contains(&header.frame_len()));
            prop_assert!(header.sample_rate > 0 && header.blocks > 0);
        }
        let _ = access_unit_len(&data);
    }
}
