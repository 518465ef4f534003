use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn collect(data: &[u8], length_size: u8) -> Result<Vec<Vec<u8>>, CodecError> {
    units(data, length_size).map(|it| it.map(<[u8]>::to_vec)).collect()
}

#[test]
fn conversion_vectors() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/h264/h264_avcc.json")).unwrap();
    for vector in file["conversion"].as_array().unwrap() {
        let bytes = |name: &str| levada_test::hex(vector[name].as_str().unwrap());
        let size = u8::try_from(vector["length_size"].as_u64().unwrap()).unwrap();
        let nals: Vec<Vec<u8>> = vector["nals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| levada_test::hex(it.as_str().unwrap()))
            .collect();
        assert_eq!(collect(&bytes("avcc"), size).unwrap(), nals, "{}", vector["name"]);
        let drops = vector.get("dropped_types").is_some();
        let kept: Vec<&[u8]> =
            annex_b_units(levada_test::hex(vector["annexb"].as_str().unwrap()).leak())
                .filter(|it| !drops || crate::avc::is_sample_unit(it))
                .collect();
        assert_eq!(kept, nals, "{}", vector["name"]);
        if size == 4 {
            let mut out = BytesMut::new();
            kept.iter().for_each(|it| put_length_prefixed(it, &mut out));
            assert_eq!(out, bytes("avcc"), "{}", vector["name"]);
        }
    }
    for vector in file["malformed"].as_array().unwrap() {
        let data = levada_test::hex(vector["avcc"].as_str().unwrap());
        let got = collect(&data, 4);
        match vector["name"].as_str().unwrap() {
            "zero length NAL" => assert_eq!(got, Ok(vec![vec![0x09, 0xF0]])),
            "trailing partial length" => {
                let what = "a NAL unit reaches beyond its frame";
                assert_eq!(got, Err(CodecError::Malformed { offset: 6, what, spec: SPEC }));
            }
            _ => assert!(matches!(got, Err(CodecError::Malformed { offset: 0, .. }))),
        }
    }
}

#[test]
fn hostile_avc_02_lengths() {
    assert_eq!(collect(&[0, 0, 0, 0], 4), Ok(vec![]));
    for data in [&[0xFF; 4][..], &[0xFF; 9], &[0, 0, 0, 2, 0x65], &[0, 0, 0], &[1], &[0, 0, 0, 1]] {
        let mut units = units(data, 4);
        assert!(matches!(units.next(), Some(Err(CodecError::Malformed { offset: 0, .. }))));
        assert_eq!(units.next(), None, "nothing follows an error");
    }
    for length_size in [0, 5, 255] {
        assert!(collect(&[0; 64], length_size).is_err());
    }
}

#[test]
fn hostile_avc_03_a_million_empty_units() {
    let mut units = units(&[0; 4_000_000], 4);
    let limit = CodecError::Limit { which: "NAL units in a frame", limit: MAX_UNITS };
    assert_eq!(units.next(), Some(Err(limit)));
    assert_eq!((units.next(), units.empty()), (None, MAX_UNITS));
    for (count, ok) in [(MAX_UNITS - 1, true), (MAX_UNITS, true), (MAX_UNITS + 1, false)] {
        assert_eq!(collect(&[1, 0x65].repeat(count), 1).is_ok(), ok, "{count}");
    }
}

#[test]
fn hostile_avc_04_start_codes_where_lengths_are_expected() {
    let annex_b = [0, 0, 0, 1, 0x65, 0x88, 0x84, 0, 0, 1, 0x65, 0x11, 0x22, 0x33];
    assert!(is_annex_b(&annex_b, 4));
    assert!(is_annex_b(&annex_b[1..], 4));
    // A unit of one byte behind its length is no start code: the lengths add up.
    assert!(!is_annex_b(&[0, 0, 0, 1, 0x09], 4));
    // The reverse: lengths where start codes are expected hold no unit.
    assert_eq!(annex_b_units(&[0, 0, 0, 3, 0x65, 0x88, 0x84]).next(), None);
}

/// One place after the other.
fn reference(data: &[u8], from: usize) -> Option<usize> {
    (from..data.len().saturating_sub(2)).find(|&at| data[at..at + 3] == [0, 0, 1])
}

#[test]
fn start_codes_at_every_place_of_a_block() {
    for len in 0..300_usize {
        let mut data = vec![0xAA; len];
        assert_eq!(start_code(&data, 0), None);
        for at in 0..len.saturating_sub(2) {
            data[at..at + 3].copy_from_slice(&[0, 0, 1]);
            for from in [0, at.saturating_sub(1), at, at + 1, len] {
                assert_eq!(start_code(&data, from), reference(&data, from), "{at} of {len}");
            }
            data[at..at + 3].fill(0xAA);
        }
    }
    assert_eq!(start_code(&[0, 0, 1], 4), None);
}

proptest! {
    #[test]
    fn start_codes_are_found(data in proptest::collection::vec(0_u8..3, 0..400), from in 0_usize..410) {
        prop_assert_eq!(start_code(&data, from), reference(&data, from));
    }

    #[test]
    fn round_trip(units in proptest::collection::vec(unit(), 0..20)) {
        let mut annex_b = BytesMut::new();
        let mut lengths = BytesMut::new();
        for (index, unit) in units.iter().enumerate() {
            annex_b.extend_from_slice(&[0, 0, 0, 1][index % 2..]);
            annex_b.extend_from_slice(unit);
            annex_b.extend_from_slice(&[0, 0][..index % 3]);
            put_length_prefixed(unit, &mut lengths);
        }
        let mut out = BytesMut::new();
        annex_b_to_length_prefixed(&annex_b, &mut out);
        prop_assert_eq!(&out, &lengths);
        prop_assert_eq!(&collect(&out, 4).unwrap(), &units);

        let mut back = BytesMut::new();
        length_prefixed_to_annex_b(&lengths, 4, &mut back).unwrap();
        prop_assert!(annex_b_units(&back).eq(units.iter().map(Vec::as_slice)));
    }

    #[test]
    fn two_zeros_are_found_wherever_they_are(
        data in proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(128), Just(255)], 0..60),
        from in 0_usize..70,
    ) {
        let behind = data.get(from..).unwrap_or_default();
        let expected = behind.windows(2).position(|it| it == [0, 0]).map(|it| from + it);
        prop_assert_eq!(two_zeros(&data, from), expected);
    }

    #[test]
    fn unescaping_undoes_escaping(rbsp in proptest::collection::vec(0_u8..5, 0..200)) {
        let unit = escape(&rbsp);
        prop_assert_eq!(start_code(&unit, 0), None);
        prop_assert_eq!(&*unescape(&unit), &rbsp[..]);
        let mut buffer = [0; 300];
        let (len, broken) = unescape_into(&unit, &mut buffer);
        prop_assert!(!broken);
        prop_assert_eq!(&buffer[..len], &rbsp[..]);
        let (len, _) = unescape_into(&unit, &mut buffer[..10]);
        prop_assert!(len <= 10 && rbsp.starts_with(&buffer[..len]));
    }
}

/// A unit as it can stand in annex B: escaped, and without a zero at its end.
fn unit() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => 0_u8..4, 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..150).prop_map(|mut rbsp| {
        rbsp.push(0x80);
        escape(&rbsp)
    })
}

/// H.264 §7.4.1.1, the writing side.
pub(crate) fn escape(rbsp: &[u8]) -> Vec<u8> {
    let mut unit = Vec::new();
    let mut zeros = 0;
    for &byte in rbsp {
        if zeros == 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    unit
}
