//! Group AM0 of the hostile inputs.

use bytes::Bytes;
use levada_amf::amf0::{Array, Decoder};
use levada_amf::{
    AmfError, AmfLimits, AmfString, Deviation, Fault, Limit, MAX_DEPTH, Object, Unsupported, Value,
    amf0,
};
use levada_test::allocations;

use crate::{body, decode, encode};

fn fault(result: Result<Vec<Value>, AmfError>) -> Fault {
    match result.unwrap_err() {
        AmfError::Malformed { what, .. } => what,
        other => panic!("{other}"),
    }
}

fn limit(result: Result<Vec<Value>, AmfError>) -> (Limit, usize) {
    match result.unwrap_err() {
        AmfError::Limit { which, limit, .. } => (which, limit),
        other => panic!("{other}"),
    }
}

fn decode_bytes(bytes: Vec<u8>) -> Result<Vec<Value>, AmfError> {
    amf0::decode_all(bytes.into(), AmfLimits::default())
}

/// Runs where recursion that is not bounded ends the process.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn am0_01_depth_limit() {
    let nests: [(&[u8], &[u8]); 4] = [
        (&[0x0A, 0, 0, 0, 1], &[]),
        (&[0x03, 0, 1, b'a'], &[0, 0, 9]),
        (&[0x08, 0, 0, 0, 1, 0, 1, b'a'], &[0, 0, 9]),
        (&[0x10, 0, 1, b'c', 0, 1, b'a'], &[0, 0, 9]),
    ];
    for (open, close) in nests {
        let nested = |levels| [open.repeat(levels), vec![0x05], close.repeat(levels)].concat();
        let deep = decode_bytes(nested(32)).unwrap();
        assert_eq!(deep[0].depth(), 32);
        for levels in [33, 100_000] {
            assert_eq!(limit(decode_bytes(nested(levels))), (Limit::Depth, 32));
        }
        // No setting makes it deeper than what the rest of the crate can walk.
        let greedy = AmfLimits { depth: 1_000_000, ..AmfLimits::default() };
        assert!(amf0::decode_all(nested(MAX_DEPTH).into(), greedy).is_ok());
        let deeper = amf0::decode_all(nested(MAX_DEPTH + 1).into(), greedy);
        assert_eq!(limit(deeper), (Limit::Depth, MAX_DEPTH));
    }
}

#[test]
fn am0_01_the_deepest_value_can_be_cloned_compared_printed_encoded_and_dropped() {
    on_a_small_stack(|| {
        let bytes = [[0x0A, 0, 0, 0, 1].repeat(MAX_DEPTH), vec![0x05]].concat();
        let limits = AmfLimits { depth: MAX_DEPTH, ..AmfLimits::default() };
        let value = amf0::decode_all(bytes.clone().into(), limits).unwrap();
        let mut copy = value.clone();
        copy[0].detach();
        assert_eq!(copy, value);
        assert_eq!(format!("{value:?}").matches("StrictArray").count(), MAX_DEPTH);
        assert_eq!(encode(&value).unwrap(), bytes);
        assert_eq!(amf0::resolve(&value, 63).unwrap().depth(), 1);
        drop(copy.remove(0).into_amf0());
    });
}

#[test]
fn am0_01_no_hand_can_build_a_deeper_value() {
    on_a_small_stack(|| {
        let mut array = Array::new();
        let mut object = Object::new();
        for _ in 0..100_000 {
            array = [Value::from(array)].into_iter().collect();
            object = Object::new().with("a", object);
        }
        for value in [Value::from(array), Value::from(object)] {
            assert_eq!(value.depth(), MAX_DEPTH + 1);
            assert_eq!(value.clone(), value);
            let why = encode(&["kept out".into(), value]).unwrap_err();
            assert_eq!(why.to_string(), "at byte 11: more than 64 levels of nesting");
        }
    });
}

#[test]
fn am0_02_strict_array_count_bomb() {
    let bomb = Bytes::from_static(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF]);
    let counted = allocations(|| {
        assert_eq!(fault(amf0::decode_all(bomb, AmfLimits::default())), Fault::Truncated);
    });
    assert_eq!(counted.count, 0);
    assert_eq!(fault(decode("0a ffffffff 05")), Fault::Truncated);
    assert_eq!(fault(decode("0a 00000002 05")), Fault::Truncated);
}

#[test]
fn am0_03_ecma_count_is_a_hint() {
    for announced in [0, 2, 0xFF, u32::MAX] {
        let mut bytes = vec![0x08];
        bytes.extend(announced.to_be_bytes());
        bytes.extend([0, 1, b'x', 0x05, 0, 0, 9, 0x06]);
        let mut decoder = Decoder::new(bytes.clone().into(), AmfLimits::default());
        let array = decoder.next_value().unwrap().unwrap();
        assert_eq!(array.as_object().unwrap().len(), 1);
        assert_eq!(decoder.next_value(), Ok(Some(Value::Undefined)));
        let what = Deviation::EcmaCount { announced, actual: 1 };
        assert_eq!(
            decoder.findings().iter().map(|it| (it.offset, it.what)).collect::<Vec<_>>(),
            [(0, what)]
        );
        assert_eq!(encode(&[array, Value::Undefined]).unwrap(), bytes);
    }
    // A right count is no finding, and a wild one allocates no more than its fixed share.
    let mut decoder = Decoder::new(body("08 00000001 0001 78 05 000009"), AmfLimits::default());
    decoder.next_value().unwrap();
    assert_eq!(decoder.findings(), []);
    let bomb = Bytes::from_static(&[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 9]);
    let counted = allocations(|| drop(amf0::decode_all(bomb, AmfLimits::default())));
    assert!(counted.peak_bytes < 4096, "{counted:?}");
}

#[test]
fn am0_04_lengths_that_wrap() {
    for marker in ["0c", "0f"] {
        for length in ["ffffffff", "fffffffe", "80000000", "00000004"] {
            let bytes = body(&format!("{marker} {length} 616263"));
            let counted = allocations(|| {
                assert_eq!(fault(amf0::decode_all(bytes, AmfLimits::default())), Fault::Truncated);
            });
            assert_eq!(counted.count, 0);
        }
    }
}

#[test]
fn am0_05_object_cut_at_every_byte() {
    let whole = levada_test::hex("03 0001 61 003ff0000000000000 0001 62 03 0000 05 000009 000009");
    assert_eq!(decode_bytes(whole.clone()).unwrap().len(), 1);
    for at in 1..whole.len() {
        let mut decoder = Decoder::new(whole[..at].to_vec().into(), AmfLimits::default());
        let why = decoder.next_value().unwrap_err();
        assert_eq!(fault(Err(why)), Fault::Truncated, "at {at}");
        assert_eq!(decoder.next_value(), Err(why), "at {at}");
        assert!(decoder.findings().is_empty());
    }
}

#[test]
fn am0_06_empty_name_is_a_name() {
    let values = decode("03 0000 02 0001 78 000009").unwrap();
    assert_eq!(values, [Object::new().with("", "x").into()]);
    assert_eq!(encode(&values).unwrap(), body("03 0000 02 0001 78 000009"));
}

#[test]
fn am0_07_object_end_at_top_level() {
    assert_eq!(fault(decode("09")), Fault::UnexpectedEnd);
    assert_eq!(fault(decode("05 09")), Fault::UnexpectedEnd);
    assert_eq!(fault(decode("0a 00000001 09")), Fault::UnexpectedEnd);
    assert_eq!(fault(decode("03 0001 61 09")), Fault::UnexpectedEnd);
}

#[test]
fn am0_08_markers_nobody_reads() {
    for marker in [0x04, 0x0E].into_iter().chain(0x12..=0xFF) {
        let what = Unsupported::Marker(marker);
        let why = AmfError::Unsupported { offset: 1, what, section: "AMF0 §2.1" };
        assert_eq!(decode_bytes(vec![0x05, marker, 0, 0, 0, 0]), Err(why));
    }
    // `11` is the switch to AMF3, and holds for one value.
    assert_eq!(decode("11 04 05").unwrap()[0].as_number(), Some(5.0));
    let what = Unsupported::Marker(0x12);
    let why = |offset, section| Err(AmfError::Unsupported { offset, what, section });
    assert_eq!(decode("11 12"), why(1, "AMF3 §3.1"));
    assert_eq!(decode("11 04 05 12"), why(3, "AMF0 §2.1"));
}

#[test]
fn am0_09_references() {
    assert_eq!(fault(decode("07 0000")), Fault::InvalidReference);
    assert_eq!(fault(decode("03 000009 07 0001")), Fault::InvalidReference);
    assert_eq!(fault(decode("03 0001 61 07 0001 000009")), Fault::InvalidReference);
    // To the object that is being read: a number, not a cycle.
    let cycle = decode("03 0004 73656c66 07 0000 000009").unwrap();
    assert_eq!(cycle, [Object::new().with("self", Value::Reference(0)).into()]);
    assert_eq!(amf0::resolve(&cycle, 0), Some(&cycle[0]));
    // Each array holds the one before twice: 2^30 values if anybody followed.
    let mut bytes = vec![0x0A, 0, 0, 0, 0];
    for index in 0..30 {
        bytes.extend([0x0A, 0, 0, 0, 2, 0x07, 0, index, 0x07, 0, index]);
    }
    let values = decode_bytes(bytes.clone()).unwrap();
    assert_eq!(values.len(), 31);
    assert_eq!(encode(&values).unwrap(), bytes);
    assert!(format!("{values:?}").len() < 4096);
}

#[test]
fn am0_10_the_last_of_equal_names_is_meant_and_all_are_kept() {
    let picture = "03 0003 617070 02 0001 31 0003 617070 02 0001 32 000009";
    let values = decode(picture).unwrap();
    let object = values[0].as_object().unwrap();
    assert_eq!(object.str("app"), Some("2"));
    assert_eq!(object.len(), 2);
    assert_eq!(encode(&values).unwrap(), body(picture));
}

#[test]
fn am0_11_text_that_is_none() {
    let latin1 = &b"caf\xe9"[..];
    let overlong = &b"\xc0\xaf"[..];
    let nul = &b"a\0b"[..];
    for text in [latin1, overlong, nul, b"\xed\xa0\x80"] {
        let mut bytes = vec![0x03, 0, u8::try_from(text.len()).unwrap()];
        bytes.extend(text);
        bytes.extend([0x02, 0, u8::try_from(text.len()).unwrap()]);
        bytes.extend(text);
        bytes.extend([0, 0, 9]);
        let values = decode_bytes(bytes.clone()).unwrap();
        let (name, value) = values[0].as_object().unwrap().iter().next().unwrap();
        assert_eq!(name.as_bytes(), text);
        assert_eq!(value.as_string().unwrap().as_bytes(), text);
        assert_eq!(value.as_str(), if text == nul { Some("a\0b") } else { None });
        assert_eq!(encode(&values).unwrap(), bytes);
    }
    let title = AmfString::from(latin1);
    assert_eq!(
        (title.to_string(), title.to_str_lossy()),
        ("caf\u{FFFD}".into(), "caf\u{FFFD}".into())
    );
    assert_eq!(format!("{title:?}"), r#"b"caf\xe9""#);
}

#[test]
fn am0_12_numbers_that_are_no_ids() {
    let bits = |value: f64| decode_bytes([vec![0], value.to_be_bytes().to_vec()].concat()).unwrap();
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1.0, 0.5, 4_294_967_296.0] {
        let value = &bits(wrong)[0];
        assert_eq!(value.to_u32(), None, "{wrong}");
        assert_eq!(value.as_number().unwrap().to_bits(), wrong.to_bits());
    }
    for (right, id) in [(0.0, 0), (-0.0, 0), (1.0, 1), (4_294_967_295.0, u32::MAX)] {
        assert_eq!(bits(right)[0].to_u32(), Some(id));
    }
    // Echoed bit for bit.
    for number in [-0.0, 0.1, f64::from_bits(0x7FF8_0000_0000_0001)] {
        let values = bits(number);
        assert_eq!(encode(&values).unwrap()[1..], number.to_be_bytes());
    }
}

#[test]
fn am0_13_odd_booleans_wild_zones_long_class_names() {
    for byte in 2..=255 {
        let mut decoder = Decoder::new(vec![0x01, byte].into(), AmfLimits::default());
        assert_eq!(decoder.next_value(), Ok(Some(Value::Boolean(true))));
        assert_eq!(decoder.findings()[0].what, Deviation::BooleanByte(byte));
        assert_eq!(decoder.findings()[0].offset, 1);
    }
    let picture = "0b 4276f5e66e800000 8000";
    let date = decode(picture).unwrap();
    assert_eq!(date, [Value::Date { millis: 1_577_836_800_000.0, zone: i16::MIN }]);
    assert_eq!(encode(&date).unwrap(), body(picture));
    let class = |length: u16| {
        let name = vec![b'c'; length.into()];
        decode_bytes([vec![0x10], length.to_be_bytes().to_vec(), name, vec![0, 0, 9]].concat())
    };
    assert!(class(1024).is_ok());
    assert_eq!(limit(class(1025)), (Limit::Name, 1024));
    assert_eq!(limit(class(65_535)), (Limit::Name, 1024));
}

#[test]
fn am0_14_a_million_nulls() {
    let nulls = Bytes::from(vec![0x05; 1_000_000]);
    let counted = allocations(|| {
        let result = amf0::decode_all(nulls, AmfLimits::default());
        assert_eq!(limit(result), (Limit::Values, 4096));
    });
    assert!(counted.peak_bytes < 64 * 64 * 1024, "{counted:?}");
}

#[test]
fn am0_15_sixty_thousand_equal_names() {
    let mut bytes = vec![0x03];
    for _ in 0..60_000 {
        bytes.extend([0, 1, b'k', 0x05]);
    }
    bytes.extend([0, 0, 9]);
    assert_eq!(limit(decode_bytes(bytes.clone())), (Limit::Values, 4096));
    let limits = AmfLimits { values: 60_001, ..AmfLimits::default() };
    let values = amf0::decode_all(bytes.clone().into(), limits).unwrap();
    assert_eq!(values[0].as_object().unwrap().len(), 60_000);
    assert_eq!(encode(&values).unwrap(), bytes);
}

#[test]
fn am0_16_what_nobody_asks_for_is_not_read() {
    let mut decoder = Decoder::new(body("02 0001 61 05 ff ff"), AmfLimits::default());
    assert_eq!(decoder.next_value(), Ok(Some("a".into())));
    assert_eq!(decoder.next_value(), Ok(Some(Value::Null)));
    assert_eq!(decoder.remaining()[..], [0xFF, 0xFF]);
}

#[test]
fn am0_17_stray_numbers_before_the_name_are_values() {
    let picture = "00 0000000000000000 00 3ff0000000000000 02 000d 40736574446174614672616d65";
    let values = decode(picture).unwrap();
    let name = values.iter().find_map(Value::as_str);
    assert_eq!(name, Some("@setDataFrame"));
}

#[test]
fn am0_18_metadata_that_is_none() {
    for value in ["05", "02 0001 78", "0a 00000001 05", "06", "00 0000000000000000"] {
        let values = decode(&format!("02 000a 6f6e4d65746144617461 {value}")).unwrap();
        assert_eq!(values[0].as_str(), Some("onMetaData"));
        assert_eq!(values[1].as_object(), None);
    }
    assert_eq!(decode("02 000a 6f6e4d65746144617461").unwrap().get(1), None);
}

#[test]
fn am0_19_lengths_that_do_not_fit() {
    let text = |length| "x".repeat(length);
    let named = |length| encode(&[Object::new().with(text(length), Value::Null).into()]);
    assert_eq!(named(65_535).unwrap()[1..3], [0xFF, 0xFF]);
    assert_eq!(
        named(65_536),
        Err(AmfError::Limit { offset: 1, which: Limit::Name, limit: 65_535 })
    );
    let class = amf0::TypedObject { class: text(65_536).into(), properties: Object::new() };
    assert!(encode(&[class.into()]).is_err());
    assert_eq!(encode(&[text(65_535).into()]).unwrap()[..3], [0x02, 0xFF, 0xFF]);
    assert_eq!(encode(&[text(65_536).into()]).unwrap()[..5], [0x0C, 0, 1, 0, 0]);
}
