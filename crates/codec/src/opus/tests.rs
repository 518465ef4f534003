use std::string::ToString;

use levada_test::hex;
use proptest::prelude::*;

use super::*;
use crate::testdata::json;

#[test]
fn vectors() {
    let vectors = json("audio/opus.json");
    for name in ["opus_s.opus", "opus_51.opus"] {
        let vector = &vectors[name];
        let bytes = |key: &str| hex(vector[key].as_str().unwrap());
        let head = Head::parse(&bytes("OpusHead")).unwrap();
        assert_eq!(Head::parse_dops(&bytes("dOps")), Ok(head.clone()));
        assert_eq!(head.encode(), bytes("OpusHead"));
        assert_eq!(head.encode_dops(), bytes("dOps"));
        assert_eq!(vector["channels"], head.channels);
        assert_eq!(vector["pre_skip"], head.pre_skip);
        assert_eq!(vector["input_rate"], head.input_rate);
        assert_eq!(vector["gain"], head.gain);
        assert_eq!(vector["mapping_family"] == 0, head.mapping == Mapping::Simple);
    }
    for example in vectors["toc_examples"].as_array().unwrap() {
        let packet = hex(example["first_bytes"].as_str().unwrap());
        let expected = example["samples"].as_u64().filter(|&it| it > 0);
        assert_eq!(packet_samples(&packet).ok().map(u64::from), expected, "{packet:02x?}");
    }
}

#[test]
fn every_configuration_of_a_packet() {
    // RFC 6716 table 2, in tenths of a millisecond.
    let silk = [100, 200, 400, 600].repeat(3);
    let hybrid = [100, 200].repeat(2);
    let celt = [25, 50, 100, 200].repeat(4);
    let expected = silk.into_iter().chain(hybrid).chain(celt);
    for (configuration, tenths) in (0..32_u8).zip(expected) {
        assert_eq!(packet_samples(&[configuration << 3]), Ok(tenths * 48 / 10), "{configuration}");
        assert_eq!(packet_samples(&[configuration << 3 | 5]), Ok(2 * tenths * 48 / 10));
    }
    // 48 frames of 2.5 ms are 120 ms, and 49 too much; so are three of 60.
    assert_eq!(packet_samples(&[0x83, 48]), Ok(5760));
    for wrong in [&[][..], &[0x83], &[0x83, 0], &[0x83, 49], &[0x1B, 3]] {
        assert!(packet_samples(wrong).is_err(), "{wrong:02x?}");
    }
    assert_eq!(packet_samples(&[0x1B, 2]), Ok(5760));
}

#[test]
fn hostile_aac_06_cut_heads_and_wrong_mappings() {
    let whole = hex("4f707573486561640106380180bb00000000010402000401020305");
    for len in 0..whole.len() {
        assert!(matches!(Head::parse(&whole[..len]), Err(CodecError::Malformed { .. })), "{len}");
    }
    let dops = Head::parse(&whole).unwrap().encode_dops();
    for len in 0..dops.len() {
        assert!(Head::parse_dops(&dops[..len]).is_err(), "{len}");
    }
    for (at, value, what) in [
        (9, 0, "no channels"),
        (9, 9, "more than eight channels in Vorbis order"),
        (18, 0, "more than two channels without a mapping"),
        (19, 0, "an impossible number of streams"),
        (20, 5, "an impossible number of streams"),
        (26, 6, "a mapping to a channel that is not there"),
        (0, b'o', "no OpusHead"),
    ] {
        let mut wrong = whole.clone();
        wrong[at] = value;
        let error = Head::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    let mut silent = whole.clone();
    silent[26] = 255;
    assert!(Head::parse(&silent).is_ok());
    let mut streams = whole.clone();
    (streams[19], streams[20]) = (128, 128);
    assert!(Head::parse(&streams).is_err(), "256 decoded channels");
    let mut version = whole.clone();
    version[8] = 15;
    assert!(Head::parse(&version).is_ok());
    version[8] = 16;
    assert!(matches!(Head::parse(&version), Err(CodecError::Unsupported { .. })));
}

#[test]
fn track_parameters() {
    let record = Bytes::from(hex("4f707573486561640102380180bb0000000000"));
    let params = params(&record).unwrap();
    assert_eq!(params.config, record);
    assert_eq!((params.sample_rate, params.channels, params.priming), (48_000, 2, 312));
    assert_eq!((params.samples_per_frame, &*params.rfc6381), (None, "Opus"));
    // Enhanced RTMP: the header may be empty, and then it is stereo.
    let params = super::params(&Bytes::new()).unwrap();
    assert_eq!(Head::parse(&params.config).unwrap(), Head::new(2));
    assert_eq!((params.sample_rate, params.channels, params.priming), (48_000, 2, 0));
}

proptest! {
    #[test]
    fn parse_encode_parse(tail in proptest::collection::vec(any::<u8>(), 10..40)) {
        for head in [
            Head::parse(&[&b"OpusHead\x01"[..], &tail].concat()),
            Head::parse_dops(&[&[0], &tail[..]].concat()),
        ].into_iter().flatten() {
            prop_assert_eq!(Head::parse(&head.encode()), Ok(head.clone()));
            prop_assert_eq!(Head::parse_dops(&head.encode_dops()), Ok(head));
        }
    }

    #[test]
    fn packets_last_up_to_120_ms(packet in proptest::collection::vec(any::<u8>(), 0..4)) {
        if let Ok(samples) = packet_samples(&packet) {
            prop_assert!((120..=MAX_PACKET_SAMPLES).contains(&samples));
        }
    }
}
