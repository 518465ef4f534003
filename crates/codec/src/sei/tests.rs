use std::vec::Vec;

use levada_test::hex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::nal;

fn vectors() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../testdata/h264/h264_sei.json")).unwrap();
    file["sei"].as_array().unwrap().clone()
}

#[test]
fn vectors_message_by_message() {
    for vector in vectors() {
        let name = &vector["name"];
        let unit = hex(vector["nal"].as_str().unwrap());
        let rbsp = nal::unescape(&unit[1..]);
        let got: Vec<Message<'_>> = messages(&rbsp).collect::<Result<_, _>>().unwrap();
        let expect = vector["messages"].as_array().unwrap();
        assert_eq!(got.len(), expect.len(), "{name}");
        for (message, expect) in got.iter().zip(expect) {
            assert_eq!(u64::from(message.kind), expect["payload_type"], "{name}");
            if let Some(size) = expect["payload_size"].as_u64() {
                assert_eq!(message.payload.len() as u64, size, "{name}");
            }
            if let Some(payload) = expect["payload"].as_str() {
                assert_eq!(message.payload, hex(payload), "{name}");
            }
            check(*message, expect);
        }
    }
}

fn check(message: Message<'_>, expect: &Value) {
    let decoded = &expect["decoded"];
    match message.kind {
        RECOVERY_POINT if !decoded.is_null() => {
            let point = RecoveryPoint::parse_avc(message.payload).unwrap();
            assert_eq!(decoded["recovery_frame_cnt"], point.frames);
            assert_eq!(decoded["exact_match"], u8::from(point.exact));
            assert_eq!(decoded["broken_link"], u8::from(point.broken_link));
        }
        UNREGISTERED if !decoded.is_null() => {
            let data = Unregistered::parse(message.payload).unwrap();
            assert_eq!(data.uuid, *hex(decoded["uuid"].as_str().unwrap()));
            let text = decoded["text"].as_str().unwrap().trim_end_matches("...");
            assert!(data.data.starts_with(text.as_bytes()));
        }
        REGISTERED => {
            let data = Registered::parse(message.payload).unwrap();
            assert_eq!(expect["country_code"], data.country);
            assert_eq!(expect["provider_code"], data.provider);
            let want: Vec<CaptionTriplet> = expect["triplets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| {
                    let of = |value: &Value| u8::try_from(value.as_u64().unwrap()).unwrap();
                    let data = [of(&it["cc_data"][0]), of(&it["cc_data"][1])];
                    CaptionTriplet {
                        valid: of(&it["cc_valid"]) == 1,
                        kind: of(&it["cc_type"]),
                        data,
                    }
                })
                .collect();
            assert_eq!(captions(message.payload).collect::<Vec<_>>(), want);
            assert_eq!(want.len(), 24);
        }
        _ => {}
    }
}

/// The pairs of CEA-608 in field 1 of the whole stream, in the order of decoding, which is that of showing here.
#[test]
fn captions_of_a_stream() {
    let file: Value =
        serde_json::from_str(include_str!("../../testdata/h264/h264_sei.json")).unwrap();
    let want: Vec<Vec<u8>> = file["cea608_cc1"]["field1_pairs_hex"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| hex(it.as_str().unwrap()))
        .collect();
    let data = include_bytes!("../../testdata/h264/cea_captions.h264");
    let mut got = Vec::new();
    for unit in nal::annex_b_units(data).filter(|it| it[0] & 0x1F == 6) {
        let rbsp = nal::unescape(&unit[1..]);
        for message in messages(&rbsp).map(Result::unwrap).filter(|it| it.kind == REGISTERED) {
            let pairs = captions(message.payload).filter(|it| it.valid && it.kind == 0);
            got.extend(pairs.map(|it| it.data.to_vec()));
        }
    }
    assert_eq!(got.len(), 50, "one pair a picture");
    assert_eq!(got[..want.len()], want);
}

#[test]
fn what_is_no_caption() {
    let good = hex("b500314741393403c1fffc9420ff");
    assert_eq!(captions(&good).count(), 1);
    for other in [
        "",
        "b500314741393403",              // cut
        "b50031474139340381fffc9420ff",  // process_cc_data_flag is 0
        "b500314741393406c1fffc9420ff",  // bar data
        "b5003144544731 03c1fffc9420ff", // DTG1
        "b5002f4741393403c1fffc9420ff",  // DirecTV
        "26000447413934 03c1fffc9420ff", // another country
    ] {
        assert_eq!(captions(&hex(other)).count(), 0, "{other}");
    }
    assert_eq!(
        captions(&hex("b500314741393403dffffc9420fc94")).count(),
        1,
        "31 promised, one there"
    );
}

#[test]
fn hdr_messages() {
    // From an H.265 stream by x265 with --hdr10.
    let unit = hex("4e01891833c286c41d4c0bb884d03e803d13404200989680000003000180");
    let mut hdr = Hdr::default();
    let rbsp = nal::unescape(&unit[2..]);
    assert!(read_hdr(messages(&rbsp).next().unwrap().unwrap(), &mut hdr));
    let primaries = [(34_000, 16_000), (13_250, 34_500), (7_500, 3_000), (15_635, 16_450)];
    assert_eq!(hdr.mastering_primaries, Some(primaries), "red, green, blue, white");
    assert_eq!(hdr.mastering_luminance, Some((10_000_000, 1)));
    assert!(read_hdr(Message { kind: CONTENT_LIGHT, payload: &hex("03e80190") }, &mut hdr));
    assert_eq!(hdr.content_light, Some((1000, 400)));
    for kind in [MASTERING_DISPLAY, CONTENT_LIGHT, RECOVERY_POINT] {
        assert!(!read_hdr(Message { kind, payload: &[1, 2, 3] }, &mut hdr));
    }
}

#[test]
fn hostile_avc_13_sizes() {
    let malformed = |offset| {
        let what = "a supplemental message reaches beyond its unit";
        Err(CodecError::Malformed { offset, what, spec: SPEC })
    };
    let mut ones = messages(&[0xFF; 1_000_000]);
    assert_eq!(ones.next(), Some(malformed(0)));
    assert_eq!(ones.next(), None);
    let mut second = messages(&[6, 1, 0xC4, 4, 200, 1]);
    assert_eq!(second.next(), Some(Ok(Message { kind: 6, payload: &[0xC4] })));
    assert_eq!((second.next(), second.next()), (Some(malformed(3)), None));
}

proptest! {
    #[test]
    fn messages_round_trip(list in proptest::collection::vec((0_u32..2000, proptest::collection::vec(any::<u8>(), 0..600)), 0..5)) {
        let mut rbsp = Vec::new();
        for (kind, payload) in &list {
            for mut number in [*kind as usize, payload.len()] {
                while number >= 255 {
                    rbsp.push(255);
                    number -= 255;
                }
                rbsp.push(u8::try_from(number).unwrap());
            }
            rbsp.extend_from_slice(payload);
        }
        rbsp.push(0x80);
        let got: Vec<_> = messages(&rbsp).map(|it| it.map(|it| (it.kind, it.payload.to_vec()))).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(got, list);
    }
}
