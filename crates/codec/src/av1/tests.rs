use std::string::ToString;
use std::vec;
use std::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_media::{CodecParams, Hdr, RandomAccess, Slices, VideoCodec};
use levada_test::hex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testdata::{file, json};
use crate::{CodecError, Defect, Inspector, complete, video_params};

fn streams() -> Vec<(Value, Vec<u8>)> {
    let streams = json("av1/av1.json")["streams"].as_object().unwrap().clone();
    let with_file = |it: Value| {
        let data = file(&std::format!("av1/{}", it["file"].as_str().unwrap()));
        (it, data)
    };
    streams.into_iter().map(|(_, it)| with_file(it)).collect()
}

fn record(stream: &Value) -> Bytes {
    hex(stream["av1C_from_ffmpeg"].as_str().unwrap()).into()
}

#[test]
fn sequence_headers_and_records() {
    for (stream, data) in streams() {
        let name = &stream["file"];
        let expected = &stream["expect_sequence_header"];
        let bytes = hex(stream["sequence_header_obu"].as_str().unwrap());
        let obu = obus(&bytes).next().unwrap().unwrap();
        let header = SequenceHeader::parse(obu.payload).unwrap();
        assert_eq!(expected["seq_profile"], header.profile, "{name}");
        assert_eq!(expected["width"], header.max_width, "{name}");
        assert_eq!(expected["height"], header.max_height, "{name}");
        assert_eq!(expected["bit_depth"], header.bit_depth, "{name}");
        assert_eq!(expected["mono"], u8::from(header.monochrome), "{name}");
        assert_eq!(expected["ssx"], u8::from(header.subsampling_x), "{name}");
        assert_eq!(expected["ssy"], u8::from(header.subsampling_y), "{name}");
        assert_eq!(expected["csp"], header.chroma_position, "{name}");
        assert_eq!(expected["cp"], header.colour.primaries, "{name}");
        assert_eq!(expected["tc"], header.colour.transfer, "{name}");
        assert_eq!(expected["mc"], header.colour.matrix, "{name}");
        assert_eq!(expected["range"], u8::from(header.colour.full_range), "{name}");
        assert_eq!(expected["film_grain"], u8::from(header.film_grain), "{name}");
        assert_eq!(expected["oh"], header.tools.order_hint_bits, "{name}");
        assert_eq!(expected["ops"][0]["level"], header.operating_points[0].level, "{name}");
        assert_eq!(header.operating_points.len(), 1);

        // The record that ffmpeg wrote, and ours of the first temporal unit. SVT-AV1's differ in the sequence
        // header: ffmpeg wrote the one that the encoder announced, and the stream has another.
        let config = Config::parse(&record(&stream)).unwrap();
        assert_eq!(config.encode(), record(&stream), "{name}");
        let made = Config::of_temporal_unit(&data).unwrap();
        assert_eq!(made.encode()[..4], record(&stream)[..4], "{name}");
        assert_eq!(made.obus, bytes, "{name}");
        if *name != "svt.obu" {
            assert_eq!(made, config, "{name}");
        }
        assert_eq!(stream["codec_full"], made.rfc6381_full(Some(header.colour)), "{name}");
    }
}

#[test]
fn track_parameters() {
    let names = [
        "av01.1.00M.08.0.000.01.01.01.0",
        "av01.0.00M.10.0.110.09.16.09.0",
        "av01.0.00M.08",
        "av01.0.00M.08.1.110.01.01.01.1",
        "av01.0.00M.08",
    ];
    for ((stream, data), name) in streams().into_iter().zip(names) {
        let params = video_params(VideoCodec::Av1, record(&stream)).unwrap();
        assert_eq!(params.rfc6381, name);
        // What reference tools print is the same, or the first part of it.
        assert!(params.rfc6381.starts_with(stream["codec"].as_str().unwrap()));
        let expected = &stream["expect_sequence_header"];
        assert_eq!(
            (&expected["width"], &expected["height"]),
            (&params.width.into(), &params.height.into())
        );
        assert_eq!(expected["bit_depth"], params.bit_depth);
        assert_eq!((params.reorder, params.config), (Some(0), record(&stream)));
        // A record without sequence header is completed by the first temporal unit.
        let bare = video_params(VideoCodec::Av1, record(&stream).slice(..4)).unwrap();
        assert_eq!((bare.width, bare.bit_depth), (0, params.bit_depth));
        let completed = complete(&CodecParams::Video(bare), &data).unwrap();
        assert_eq!(completed.rfc6381(), name);
        assert_eq!(completed.video().unwrap().width, params.width);
        assert_eq!(complete(&completed, &data), None);
    }
}

#[test]
fn temporal_units_and_their_facts() {
    for (stream, data) in streams() {
        let name = &stream["file"];
        let params = video_params(VideoCodec::Av1, record(&stream)).unwrap();
        let mut inspector = Inspector::new(&CodecParams::Video(params));
        let expected = stream["temporal_units"].as_array().unwrap();
        let units: Vec<_> = temporal_units(&data).map(Result::unwrap).collect();
        assert_eq!(units.len(), expected.len(), "{name}");
        let mut orders = vec![];
        for (index, (unit, expected)) in units.iter().zip(expected).enumerate() {
            assert_eq!(expected[0], unit.len(), "{name} {index}");
            let kinds: Vec<_> = obus(unit).map(|it| it.unwrap().kind.get()).collect();
            assert_eq!(expected[1], serde_json::json!(kinds), "{name} {index}");
            let sample = without_delimiters(&Bytes::copy_from_slice(unit)).unwrap();
            assert_eq!(sample, unit[2..], "{name} {index}: a delimiter of two bytes");
            let facts = inspector.inspect(&sample);
            let key = expected[2] == 1;
            assert_eq!(facts.random_access == RandomAccess::Instant, key, "{name} {index}");
            assert_eq!(facts.parameter_sets, key, "{name} {index}");
            assert_eq!(facts.slices == Slices::I, key, "{name} {index}");
            if key {
                orders.clear();
            }
            orders.push(facts.order.unwrap());
            // Temporal units are in output order, so hints count up from that of the key frame.
            let since_key = i32::try_from(orders.len() - 1).unwrap();
            assert_eq!(facts.order, Some(orders[0] + since_key), "{name} {index}");
        }
        assert!(inspector.defects().is_empty(), "{name} {:?}", inspector.defects());
    }
}

#[test]
fn a_key_frame_without_sequence_header_is_told() {
    let (stream, data) = streams().remove(2);
    let params = video_params(VideoCodec::Av1, record(&stream)).unwrap();
    let mut inspector = Inspector::new(&CodecParams::Video(params));
    let unit = temporal_units(&data).next().unwrap().unwrap();
    let frame = obus(unit).map(Result::unwrap).find(|it| it.kind == ObuKind::FRAME).unwrap();
    let facts = inspector.inspect(frame.data);
    assert_eq!((facts.random_access, facts.parameter_sets), (RandomAccess::Instant, false));
    assert!(inspector.defects().contains(Defect::KeyWithoutSequenceHeader));
}

/// A frame header for the sequence header of `main8.obu`, in an OBU of its own.
fn frame_header(kind: u32, shown: bool, hint: u32, refresh: u32, layer: Option<u8>) -> Vec<u8> {
    let mut bits = crate::bit_writer::BitWriter::default();
    // show_existing_frame, frame_type, show_frame, then showable_frame or nothing.
    bits.u(kind, 3);
    bits.flag(shown);
    if !shown {
        bits.u(1, 1);
    }
    // error_resilient_mode, where it is not implied.
    if kind != 3 && !(kind == 0 && shown) {
        bits.u(1, 1);
    }
    // disable_cdf_update, allow_screen_content_tools; frame_size_override_flag, but for a switch frame.
    bits.u(0, 2);
    if kind != 3 {
        bits.u(0, 1);
    }
    bits.u(hint, 7);
    if kind != 3 && !(kind == 0 && shown) {
        bits.u(refresh, 8);
    }
    let payload = bits.finish();
    let extension = layer.map(|it| it << 5).into_iter();
    let head = 3 << 3 | u8::from(layer.is_some()) << 2 | 2;
    let size = u8::try_from(payload.len()).unwrap();
    [head].into_iter().chain(extension).chain([size]).chain(payload).collect()
}

#[test]
fn what_is_no_random_access_point() {
    let (stream, _) = streams().into_iter().find(|it| it.0["file"] == "main8.obu").unwrap();
    let params = CodecParams::Video(video_params(VideoCodec::Av1, record(&stream)).unwrap());
    let mut inspector = Inspector::new(&params);
    let sequence = hex(stream["sequence_header_obu"].as_str().unwrap());
    let unit = |obus: &[&[u8]]| [&sequence[..], &obus.concat()].concat();

    let key = inspector.inspect(&unit(&[&frame_header(0, true, 5, 0, None)]));
    assert_eq!((key.random_access, key.order), (RandomAccess::Instant, Some(5)));
    assert_eq!((key.slices, key.disposable), (Slices::I, false));
    // A forward key frame: hidden with a frame, shown later by its slot.
    let hidden = frame_header(0, false, 9, 0b100, None);
    let inter = frame_header(1, true, 6, 0, None);
    let forward = inspector.inspect(&unit(&[&hidden, &inter]));
    assert_eq!((forward.random_access, forward.order), (RandomAccess::No, Some(6)));
    assert_eq!((forward.slices, forward.disposable), (Slices::Unknown, false));
    let unused = inspector.inspect(&frame_header(1, true, 7, 0, None));
    assert_eq!((unused.order, unused.disposable), (Some(7), true));
    // show_existing_frame, slot 2.
    let shown = inspector.inspect(&hex("1a01a8"));
    assert_eq!((shown.random_access, shown.order), (RandomAccess::No, Some(9)));
    assert_eq!(shown.slices, Slices::Unknown);
    // That was a key frame, so it is in every slot now.
    assert_eq!(inspector.inspect(&hex("1a01f8")).order, Some(9));
    for (kind, slices) in [(2, Slices::I), (3, Slices::Unknown)] {
        let facts = inspector.inspect(&unit(&[&frame_header(kind, true, 10, 1, None)]));
        assert_eq!((facts.random_access, facts.slices), (RandomAccess::No, slices), "{kind}");
    }
    // Hints have seven bits, and go on counting.
    for hint in 11..300 {
        let facts = inspector.inspect(&frame_header(1, true, hint % 128, 1, None));
        assert_eq!(facts.order, hint.try_into().ok());
    }
    // All layers are taken, as the operating point is for all.
    let layered = inspector.inspect(&unit(&[&frame_header(0, true, 3, 0, Some(1))]));
    assert_eq!(layered.random_access, RandomAccess::Instant);
    assert!(inspector.defects().is_empty());
}

#[test]
fn annex_b_and_back() {
    for (_, data) in streams() {
        for unit in temporal_units(&data).map(Result::unwrap) {
            let (mut delimited, mut back) = (BytesMut::new(), BytesMut::new());
            low_overhead_to_annex_b(unit, &mut delimited).unwrap();
            annex_b_to_low_overhead(&delimited, &mut back).unwrap();
            assert_eq!(back, unit);
            for len in 1..delimited.len().min(40) {
                assert!(annex_b_to_low_overhead(&delimited[..len], &mut BytesMut::new()).is_err());
            }
        }
    }
    // §7.5, annex B: two frame units, an OBU with a size and one with a layer.
    let mut out = BytesMut::new();
    annex_b_to_low_overhead(&hex("0d 07 01 10 04 1a 02 aa bb 04 03 34 08 cc"), &mut out).unwrap();
    assert_eq!(out[..], hex("1200 1a02aabb 360801cc"));
}

#[test]
fn delimiters_amid_a_sample_are_left_out() {
    let cases = [
        ("1200 0a01aa 3201bb", "0a01aa 3201bb"),
        ("0a01aa 1200 3201bb 7a0100", "0a01aa 3201bb"),
        ("1200 7a00", ""),
        ("3003", "3003"),
        ("", ""),
    ];
    for (unit, sample) in cases {
        let got = without_delimiters(&hex(unit).into()).unwrap();
        assert_eq!(got, hex(sample), "{unit}");
    }
    let unit = Bytes::from(hex("1200 0a01aa 3201bb"));
    assert_eq!(without_delimiters(&unit).unwrap().as_ptr(), unit[2..].as_ptr(), "not copied");
}

#[test]
fn hostile_av1_01_wrong_records() {
    for (picture, what) in [
        ("", "a cut av1C"),
        ("81000c", "a cut av1C"),
        ("01000c00", "no marker bit"),
        ("82000c00", "a version of av1C"),
        ("81600c00", "a reserved profile"),
        ("81000c00 ff", "a forbidden bit"),
        ("81000c00 0a05aa", "longer"),
        ("81000c00 2a00 0a0a00000003b4fd936be401", "not the first"),
        ("81000c00 0a0400000003", "too early"),
        ("81000c00 0a00", "too early"),
    ] {
        let error = Config::parse(&hex(picture)).unwrap_err().to_string();
        assert!(error.contains(what), "{picture}: {error}");
        // A track with such a record is inspected all the same.
        let mut params = levada_media::VideoParams::new(VideoCodec::Av1, hex(picture).into());
        params.width = 1;
        let inspector = Inspector::new(&CodecParams::Video(params));
        assert!(inspector.defects().contains(Defect::UnreadableConfig), "{picture}");
    }
    // No OBUs are fine.
    assert_eq!(Config::parse(&hex("81000c00")).unwrap().sequence_header(), Ok(None));
    assert_eq!(Config::parse(&hex("81000c1f")).unwrap().presentation_delay, Some(16));
}

#[test]
fn hostile_av1_02_wrong_sizes() {
    let first = |picture: &str| obus(&hex(picture)).next().unwrap().map(|it| it.data.len());
    let malformed = |offset, what, spec| Err(CodecError::Malformed { offset, what, spec });
    let leb = "AV1 §4.10.5";
    // Eight bytes, of which the last ones are needless, and nine.
    assert_eq!(first("32 818080808080 8000 aa"), Ok(10));
    assert_eq!(
        first("32 8180808080808080 00 aa"),
        malformed(9, "a size of more than eight bytes", leb)
    );
    assert_eq!(first("32 ffffffff1f"), malformed(1, "a size over 32 bits", leb));
    assert_eq!(first("32 8080"), malformed(3, "a cut size", leb));
    assert_eq!(first("32"), malformed(1, "a cut size", leb));
    assert_eq!(first("32 ffffffff0f aa"), malformed(6, "an OBU longer than its unit", "AV1 §5.3"));
    assert_eq!(first("34"), malformed(1, "a cut OBU header", "AV1 §5.3"));
    // Without a size it goes to the end.
    assert_eq!(first("30 aabbcc"), Ok(4));
    // A frame with such a thing in it says what it can.
    let (stream, data) = streams().remove(2);
    let params = video_params(VideoCodec::Av1, record(&stream)).unwrap();
    let mut inspector = Inspector::new(&CodecParams::Video(params));
    let unit = temporal_units(&data).next().unwrap().unwrap();
    let facts = inspector.inspect(&[unit, &hex("32 ffffffff1f")].concat());
    assert_eq!(facts.random_access, RandomAccess::Instant);
    assert!(inspector.defects().contains(Defect::CutFrame));
}

#[test]
fn hostile_av1_03_tiles_are_never_looked_at() {
    let (stream, data) = streams().remove(2);
    let unit = temporal_units(&data).next().unwrap().unwrap();
    let frame = obus(unit).map(Result::unwrap).find(|it| it.kind == ObuKind::FRAME).unwrap();
    // Whatever follows the beginning of the frame header, a thousand tiles or nothing.
    for tail in [&[][..], &[0xFF; 300]] {
        let payload = [&frame.payload[..3], tail].concat();
        let mut inspector = Inspector::new(&CodecParams::Video(
            video_params(VideoCodec::Av1, record(&stream)).unwrap(),
        ));
        let facts = inspector.inspect(&[&[0x30][..], &payload].concat());
        assert_eq!((facts.random_access, facts.slices), (RandomAccess::Instant, Slices::I));
        assert!(!inspector.defects().contains(Defect::CutFrame));
    }
}

#[test]
fn every_cut_of_a_sequence_header() {
    for (stream, _) in streams() {
        let bytes = hex(stream["sequence_header_obu"].as_str().unwrap());
        let payload = &bytes[2..];
        for len in 0..payload.len() - 1 {
            assert!(SequenceHeader::parse(&payload[..len]).is_err(), "{len}");
        }
    }
}

#[test]
fn timing_and_operating_points() {
    let mut bits = crate::bit_writer::BitWriter::default();
    // Main; timing 1001 / 60000, a picture each two ticks (uvlc 1: 010); a decoder model with 10, 11 and 12 bits.
    for (value, count) in [(0, 3), (0, 2), (1, 1), (1001, 32), (60_000, 32), (1, 1), (0b010, 3)] {
        bits.u(value, count);
    }
    for (value, count) in [(1, 1), (9, 5), (1, 32), (10, 5), (11, 5), (1, 1), (1, 5)] {
        bits.u(value, count);
    }
    // Two operating points: all layers at 5.1 High with model and delay, the base layer at 3.0.
    for (value, count) in
        [(0x103, 12), (13, 5), (1, 1), (1, 1), (5, 10), (6, 10), (0, 1), (1, 1), (9, 4)]
    {
        bits.u(value, count);
    }
    for (value, count) in [(0x101, 12), (4, 5), (0, 1), (0, 1)] {
        bits.u(value, count);
    }
    // 1920 x 1080, frame ids of 7 + 3 bits.
    for (value, count) in [(10, 4), (10, 4), (1919, 11), (1079, 11), (1, 1), (5, 4), (2, 3), (0, 3)]
    {
        bits.u(value, count);
    }
    // No inter tools but order hints of 7 bits; screen content never.
    for (value, count) in [(0, 4), (1, 1), (0, 2), (0, 2), (6, 3), (0, 3)] {
        bits.u(value, count);
    }
    // 4:2:0 in eight bits, BT.709 in full range; no film grain.
    for (value, count) in
        [(0, 1), (0, 1), (1, 1), (1, 8), (1, 8), (1, 8), (1, 1), (2, 2), (0, 1), (0, 1)]
    {
        bits.u(value, count);
    }
    let payload = bits.finish();
    let header = SequenceHeader::parse(&payload).unwrap();
    assert_eq!(header.frame_rate, Some((60_000, 2002)));
    let [all, base] = &header.operating_points[..] else { panic!() };
    assert_eq!(
        (all.layers, all.level, all.high_tier, all.display_delay),
        (0x103, 13, true, Some(10))
    );
    assert_eq!(
        (base.layers, base.level, base.high_tier, base.display_delay),
        (0x101, 4, false, None)
    );
    assert!(all.has_decoder_model && !base.has_decoder_model);
    assert_eq!((header.max_width, header.max_height), (1920, 1080));
    assert_eq!(header.tools.removal_time_bits, Some(11));
    assert_eq!(header.tools.presentation_time_bits, 0, "pictures are at equal intervals");
    assert_eq!((header.tools.frame_id_bits, header.tools.order_hint_bits), (10, 7));
    assert_eq!(header.tools.screen_content, Some(false));
    assert!(header.colour.full_range && header.chroma_position == 2);

    let obu = [&[0x0A, u8::try_from(payload.len()).unwrap()][..], &payload].concat();
    let config = Config::of_temporal_unit(&obu).unwrap();
    assert_eq!(config.rfc6381(Some(header.colour)), "av01.0.13H.08.0.112.01.01.01.1");
}

#[test]
fn static_hdr_metadata_of_a_record() {
    // Content light 1000 and 400; BT.2020 primaries, D65, 1000 and 0.0001 cd/m².
    let light = "2a 05 01 03e8 0190";
    let mut mastering = hex("2a 19 02");
    for value in [0xB53F_u16, 0x4AC1, 0x2B85, 0xCC08, 0x2189, 0x0BC7, 0x500D, 0x5439] {
        mastering.extend(value.to_be_bytes());
    }
    mastering.extend(256_000_u32.to_be_bytes());
    mastering.extend(2_u32.to_be_bytes());
    let record = [&hex("81004c00")[..], &hex(light), &mastering].concat();
    let params = video_params(VideoCodec::Av1, record.into()).unwrap();
    let expected = Hdr {
        mastering_primaries: Some([
            (35_400, 14_600),
            (8500, 39_850),
            (6550, 2300),
            (15_635, 16_450),
        ]),
        mastering_luminance: Some((10_000_000, 1)),
        content_light: Some((1000, 400)),
    };
    assert_eq!(params.hdr, Some(expected));
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let lens: usize = obus(&data).filter_map(Result::ok).map(|it| it.data.len()).sum();
        prop_assert!(lens <= data.len());
        prop_assert!(temporal_units(&data).filter_map(Result::ok).all(|it| !it.is_empty()));
        let _ = SequenceHeader::parse(&data);
        FrameReader::new(&data).inspect(&data);
        let _ = annex_b_to_low_overhead(&data, &mut BytesMut::new());
        if let Ok(config) = Config::parse(&data) {
            prop_assert_eq!(Config::parse(&config.encode()), Ok(config));
        }
    }

    /// A sequence header, then frames with any header.
    #[test]
    fn any_frame_headers(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..20)) {
        let mut reader = FrameReader::new(&hex("81000c000a0a00000003b4fd936be401"));
        for frame in frames {
            let unit = [&[0x32, u8::try_from(frame.len()).unwrap()][..], &frame].concat();
            reader.inspect(&unit);
        }
    }

    #[test]
    fn annex_b_of_any_obus(payloads in proptest::collection::vec((0..16_u8, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut unit = BytesMut::new();
        for (kind, layered, payload) in &payloads {
            unit.extend_from_slice(&[kind << 3 | 2 | u8::from(*layered) << 2]);
            if *layered {
                unit.extend_from_slice(&[0x28]);
            }
            obu::put_leb128(payload.len(), &mut unit);
            unit.extend_from_slice(payload);
        }
        let (mut delimited, mut back) = (BytesMut::new(), BytesMut::new());
        low_overhead_to_annex_b(&unit, &mut delimited).unwrap();
        annex_b_to_low_overhead(&delimited, &mut back).unwrap();
        prop_assert_eq!(back, unit);
    }
}
