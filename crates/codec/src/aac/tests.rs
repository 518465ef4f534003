use alloc::string::String;
use alloc::vec::Vec;
use std::string::ToString;

use levada_test::hex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testdata::json;

fn parse(picture: &str) -> Config {
    Config::parse(&hex(picture)).unwrap()
}

/// The vectors' entries: made by the Fraunhofer encoder, and four by hand.
fn entries() -> Vec<(String, Vec<u8>, Value)> {
    let file = json("audio/asc.json");
    let lists = [&file["encoder"], &file["crafted"]];
    let entries = lists.into_iter().flat_map(|it| it.as_array().unwrap().clone());
    let text = |it: &Value| it.as_str().unwrap().to_string();
    entries.map(|it| (text(&it["name"]), hex(&text(&it["asc"])), it)).collect()
}

#[test]
fn vectors_of_the_fraunhofer_encoder() {
    for (name, bytes, entry) in entries() {
        let config = Config::parse(&bytes).unwrap();
        let parsed = &entry["parsed"];
        let number = |key: &str| parsed[key].as_u64();
        let object = number("object").or_else(|| number("aot")).unwrap();
        assert_eq!(u64::from(config.object_type()), object, "{name}");
        assert_eq!(Some(config.core_rate().into()), number("sampling_frequency"), "{name}");
        let channels = number("channel_configuration");
        assert_eq!(Some(config.channel_configuration().into()), channels, "{name}");
        if let Some(codec) = parsed["codec"].as_str() {
            assert_eq!(config.rfc6381(), codec, "{name}");
            assert_eq!(Some(config.sample_rate().into()), number("output_rate"), "{name}");
            let signalling = match config.extension() {
                Extension::Implicit => "none",
                Extension::Compatible { .. } => "explicit-backward-compatible",
                Extension::Hierarchical { .. } => "explicit-hierarchical",
            };
            assert_eq!(parsed["signaling"], signalling, "{name}");
            let sbr = number("ext_sampling_frequency");
            assert_eq!(config.sbr().map(u64::from), sbr, "{name}");
            assert_eq!(config.ps(), parsed["ps"] == 1, "{name}");
        }
        // What announces SBR and PS agrees with what ffprobe decodes. (It makes PS of all mono HE-AAC.)
        let announced = parsed["signaling"] != "none" && name != "he48m_hier";
        if let Some(channels) = entry["ffprobe"]["channels"].as_u64().filter(|_| announced) {
            assert_eq!(u64::from(config.channels()), channels, "{name}");
            let rate = entry["ffprobe"]["sample_rate"].as_str().unwrap();
            assert_eq!(config.sample_rate().to_string(), rate, "{name}");
        }
        assert_eq!(config.encode(), bytes, "{name}");
    }
}

#[test]
fn lengths_and_channels() {
    for (picture, channels, samples) in [
        ("1190", 2, Some(1024)),
        ("11b0", 6, Some(1024)),
        ("11f0", 8, Some(1024)),
        ("1194", 2, Some(960)),
        ("2b920800", 2, Some(2048)),
        ("eb8a0800", 2, Some(2048)),
        ("138856e5a54880", 2, Some(2048)),
        ("2b098800", 1, Some(2048)),
        // 512 at the core's rate, in ELD twice as many behind its SBR.
        ("b99100", 2, Some(512)),
        ("f8ec41bb609e00", 2, Some(1024)),
        ("1200050400002000", 2, Some(1024)),
        // Implicit SBR: what the configuration says, which is less than what there is.
        ("1388", 1, Some(1024)),
    ] {
        let config = parse(picture);
        assert_eq!(
            (config.channels(), config.samples_per_frame()),
            (channels, samples),
            "{picture}"
        );
    }
    assert_eq!(parse("f8ec41bb609e00").sample_rate(), 48_000);
    assert!(parse("1388").may_hide_sbr() && !parse("1190").may_hide_sbr());
    assert!(!parse("139056e5a0").may_hide_sbr());
}

#[test]
fn sbr_that_is_said_to_be_absent() {
    // ffmpeg's own encoder.
    for picture in ["119056e500", "118856e500"] {
        let config = parse(picture);
        assert_eq!(config.extension(), Extension::Compatible { sbr: None, ps: None });
        assert_eq!((config.rfc6381(), config.sample_rate()), ("mp4a.40.2".into(), 48_000));
        assert_eq!(config.samples_per_frame(), Some(1024));
        assert_eq!(config.encode(), hex(picture));
    }
}

#[test]
fn down_sampled_sbr_keeps_rate_and_length() {
    // 2b918800 with an extension frequency equal to the core's.
    let config = Config {
        extension: Extension::Hierarchical {
            sbr: Rate::new(48_000).unwrap(),
            ps: false,
            channels: None,
        },
        ..Config::new(2, 48_000, 2).unwrap()
    };
    let config = Config::parse(&config.encode()).unwrap();
    assert_eq!((config.sample_rate(), config.samples_per_frame()), (48_000, Some(1024)));
    assert_eq!(config.rfc6381(), "mp4a.40.5");
}

#[test]
fn the_hierarchical_form_that_apple_asks_for() {
    for (compatible, hierarchical) in
        [("139056e5a0", "2b920800"), ("131056e598", "2b118800"), ("138856e5a54880", "eb8a0800")]
    {
        assert_eq!(parse(compatible).hierarchical(), parse(hierarchical));
        assert_eq!(parse(compatible).hierarchical().encode(), hex(hierarchical));
    }
    for same in ["1190", "119056e500", "2b920800"] {
        assert_eq!(parse(same).hierarchical(), parse(same));
    }
}

#[test]
fn zeros_and_junk_behind_a_configuration() {
    for picture in ["11900000000000", "1190ff", "1190ffffffffff"] {
        assert_eq!(parse(picture), parse("1190"), "{picture}");
    }
    // An extension that is cut: as if it were not there.
    assert_eq!(parse("139056e5"), parse("1390"));
    assert!(!parse("138856e5a548").ps());
    assert_eq!(parse("138856e5a548").sbr(), Some(44_100));
}

#[test]
fn xhe_aac() {
    // Object type 42, 48 kHz, no channel configuration; behind it 48 kHz, 1024 with SBR to 2048, stereo.
    let mut bits = BitWriter::default();
    for (value, count) in [(31, 5), (10, 6), (3, 4), (0, 4), (3, 5), (3, 3), (2, 5)] {
        bits.u(value, count);
    }
    let bytes = bits.finish();
    let config = Config::parse(&bytes).unwrap();
    assert_eq!((config.sample_rate(), config.channels()), (48_000, 2));
    assert_eq!(config.samples_per_frame(), Some(2048));
    assert_eq!(config.rfc6381(), "mp4a.40.42");
    assert_eq!(config.encode(), bytes);
    // Cut behind the common fields: the codec is known, the length is not.
    assert_eq!(parse("f94640").samples_per_frame(), None);
}

#[test]
fn hostile_aac_01_short_and_reserved_values() {
    for (picture, offset, what) in [
        ("", 0, "the data ends too early"),
        ("11", 1, "the data ends too early"),
        // Object type 0, frequency index 13, 14, and 15 with 0 Hz.
        ("0190", 0, "no audio object type"),
        ("1690", 1, "a reserved sampling frequency"),
        ("1710", 1, "a reserved sampling frequency"),
        ("1780000010", 4, "a reserved sampling frequency"),
        ("17805d", 3, "the data ends too early"),
        // An escaped object type, cut.
        ("f8", 1, "the data ends too early"),
    ] {
        let spec = SPEC;
        let error = CodecError::Malformed { offset, what, spec };
        assert_eq!(Config::parse(&hex(picture)), Err(error), "{picture}");
    }
    assert_eq!(
        Config::new(2, 0, 2).unwrap_err().to_string(),
        "an AAC sampling frequency of 0 or over 24 bits"
    );
    assert!(Config::new(2, 1 << 24, 2).is_err());
    assert_eq!(Config::new(2, (1 << 24) - 1, 2).unwrap().core_rate(), 0xFF_FFFF);
    assert!(Config::new(5, 48_000, 2).is_err() && Config::new(0, 48_000, 2).is_err());
}

#[test]
fn hostile_aac_02_channel_configurations() {
    for configuration in 0..=15_u8 {
        let [high, low] = (0x1180_u16 | u16::from(configuration) << 3).to_be_bytes();
        let parsed = Config::parse(&[high, low]);
        match configuration {
            0 => assert!(matches!(parsed, Err(CodecError::Malformed { .. })), "no element follows"),
            8..=10 | 15 => assert!(matches!(parsed, Err(CodecError::Unsupported { .. }))),
            _ => assert!(parsed.unwrap().channels() > 0),
        }
    }
    // All 45 pairs, three low frequency channels, and a comment that is not there.
    let mut bits = BitWriter::default();
    for (value, count) in [(2, 5), (4, 4), (0, 4), (0, 3), (0, 10)] {
        bits.u(value, count);
    }
    for (value, count) in [(15, 4), (15, 4), (15, 4), (3, 2), (7, 3), (15, 4), (0, 3)] {
        bits.u(value, count);
    }
    for _ in 0..45 {
        bits.u(0b10000, 5);
    }
    for (value, count) in [(0, 3 * 4), (0, 7 * 4), (0, 30), (0, 30), (0, 15)] {
        bits.u(value, count);
    }
    bits.align();
    bits.u(255, 8);
    let mut bytes = bits.finish();
    assert!(Config::parse(&bytes).is_err());
    bytes.extend([b'x'; 255]);
    let config = Config::parse(&bytes).unwrap();
    assert_eq!(config.channels(), 93);
    assert_eq!(config.program().unwrap().front().len(), 15);
    assert_eq!(config.encode(), bytes);
}

#[test]
fn hostile_aac_03_sbr_inside_of_sbr() {
    for inner in [SBR, PS] {
        let mut bits = BitWriter::default();
        for (value, count) in [(5, 5), (7, 4), (2, 4), (4, 4), (inner.into(), 5), (0, 10)] {
            bits.u(value, count);
        }
        let error = Config::parse(&bits.finish()).unwrap_err();
        assert!(error.to_string().contains("SBR inside of SBR"), "{error}");
    }
}

#[test]
fn every_cut_of_a_configuration_is_an_error_or_says_less() {
    for (name, bytes, _) in entries() {
        for len in 0..bytes.len() {
            if let Ok(config) = Config::parse(&bytes[..len]) {
                assert_eq!(
                    config.core_rate(),
                    Config::parse(&bytes).unwrap().core_rate(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn track_parameters() {
    let record = Bytes::from(hex("2b920800"));
    let params = params(&record).unwrap();
    assert_eq!(params.config, record);
    assert_eq!((params.sample_rate, params.channels, params.priming), (44_100, 2, 0));
    assert_eq!((params.samples_per_frame, &*params.rfc6381), (Some(2048), "mp4a.40.5"));
    assert!(super::params(&Bytes::new()).is_err());
}

proptest! {
    /// Whatever is read is written so that it is read as the same.
    #[test]
    fn parse_encode_parse(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(config) = Config::parse(&bytes) {
            prop_assert_eq!(Config::parse(&config.encode()), Ok(config));
        }
    }

    #[test]
    fn new_configurations_survive(
        object_type in 1..5_u8, rate in 1..1_u32 << 24, channels in prop_oneof![1..8_u8, 11..15_u8]
    ) {
        let config = Config::new(object_type, rate, channels).unwrap();
        prop_assert_eq!(Config::parse(&config.encode()), Ok(config));
    }
}
