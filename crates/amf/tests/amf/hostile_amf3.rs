//! Group AM3 of the hostile inputs.

use bytes::Bytes;
use levada_amf::amf0::Decoder;
use levada_amf::amf3::{self, Value};
use levada_amf::{
    AmfError, AmfLimits, Deviation, Fault, Finding, Limit, MAX_DEPTH, Unsupported, amf0,
};
use levada_test::allocations;

use crate::{body, decode, decode3, encode3};

fn fault<T: core::fmt::Debug>(result: Result<T, AmfError>) -> Fault {
    match result.unwrap_err() {
        AmfError::Malformed { what, .. } => what,
        other => panic!("{other}"),
    }
}

fn limit<T: core::fmt::Debug>(result: Result<T, AmfError>) -> (Limit, usize) {
    match result.unwrap_err() {
        AmfError::Limit { which, limit, .. } => (which, limit),
        other => panic!("{other}"),
    }
}

#[test]
fn am3_01_variable_length_integers() {
    for cut in ["04", "04 80", "04 ffff", "04 ffffff"] {
        assert_eq!(fault(decode3(cut)), Fault::Truncated, "{cut}");
    }
    // All continuation bits set: the fourth byte is the last.
    assert_eq!(decode3("04 ffffffff 04 00").unwrap(), [Value::Integer(-1), Value::Integer(0)]);
}

#[test]
fn am3_02_integers_at_the_sign() {
    let cases = [
        ("04 bfffffff", 0x0FFF_FFFF),
        ("04 c0808000", -0x1000_0000),
        ("04 ffffffff", -1),
        ("04 ffff7f", 0x1F_FFFF),
        ("04 80c08000", 0x20_0000),
    ];
    for (picture, integer) in cases {
        assert_eq!(decode3(picture).unwrap(), [Value::Integer(integer)]);
        assert_eq!(encode3(&[Value::Integer(integer)]).unwrap(), body(picture));
    }
    // What does not fit is a double.
    for integer in [0x1000_0000, -0x1000_0001, i32::MAX, i32::MIN] {
        let bytes = encode3(&[Value::Integer(integer)]).unwrap();
        assert_eq!(bytes[0], 0x05);
        assert_eq!(bytes[1..], f64::from(integer).to_be_bytes());
    }
}

#[test]
fn am3_03_references_out_of_range() {
    let cases = [
        "06 00",
        "06 07616263 06 02",
        "0a 00",
        "08 00",
        "09 00",
        "0a 01",
        "0a 0b01 01 0a 05",
        "0a 0b 00",
        "10 03 00 00",
        "0c 02",
        "0a ffffffff",
        "06 fffffffe",
    ];
    for picture in cases {
        let result = decode3(picture);
        let wanted =
            if picture == "0a ffffffff" { Fault::Truncated } else { Fault::InvalidReference };
        assert_eq!(fault(result), wanted, "{picture}");
    }
}

#[test]
fn am3_04_cycles_are_numbers() {
    let picture = "0a 0b 01 09 73656c66 0a 00 01";
    let values = decode3(picture).unwrap();
    assert_eq!(values[0].as_object().unwrap().get("self"), Some(&Value::Reference(0)));
    assert_eq!(format!("{values:?}"), r#"[Object({"self": Reference(0)})]"#);
    assert_eq!(amf3::resolve(&values, 0), Some(&values[0]));
    assert_eq!(encode3(&values).unwrap(), body(picture));
}

#[test]
fn am3_05_and_07_counts_without_members() {
    let bombs = [
        "0a bffffff3 01",    // sealed names
        "0a fffffffb 01",    // sealed names, dynamic
        "09 ffffffff 01",    // array
        "0c ffffffff",       // byte array
        "0d ffffffff 00",    // int
        "0e ffffffff 00",    // uint
        "0f ffffffff 00",    // double
        "10 ffffffff 00 01", // object vector
        "11 ffffffff 00",    // dictionary
        "07 ffffffff",       // XML
        "0b ffffffff",
        "06 ffffffff",
        "0d 05 00 00000001 ffffff",
        "11 05 00 01 01 01",
    ];
    for picture in bombs {
        let bytes = body(picture);
        let counted = allocations(|| {
            assert_eq!(fault(amf3::decode_all(bytes, AmfLimits::default())), Fault::Truncated);
        });
        assert!(counted.peak_bytes < 1024, "{picture}: {counted:?}");
    }
}

/// What announces more than there can be is refused before its members are looked at.
#[test]
fn am3_05_and_07_counts_are_checked_first() {
    let heads: [&[u8]; 4] = [
        &[0x0A, 0xBF, 0xFF, 0xFF, 0xF3, 0x01],
        &[0x09, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x10, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x11, 0xC0, 0x80, 0xA0, 0x01],
    ];
    for head in heads {
        let bytes = Bytes::from([head, &[0x01; 3000]].concat());
        let counted = allocations(|| {
            let why = amf3::decode_all(bytes, AmfLimits::default()).unwrap_err();
            assert!(matches!(
                why,
                AmfError::Malformed { offset: 5 | 6, what: Fault::Truncated, .. }
            ));
        });
        assert!(counted.peak_bytes < 1024, "{head:x?}: {counted:?}");
    }
}

#[test]
fn am3_06_unknown_externalizable() {
    let why = decode3("0a 07 03 58 01").unwrap_err();
    let what = Unsupported::Externalizable;
    assert_eq!(why, AmfError::Unsupported { offset: 2, what, section: "AMF3 §3.12" });
    assert_eq!(
        why.to_string(),
        "unsupported at byte 2: an externalizable object of an unknown class (AMF3 §3.12)"
    );
}

#[test]
fn am3_08_xml_is_text() {
    let text = r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>"#;
    let xml = Value::Xml(text.into());
    let bytes = encode3(core::slice::from_ref(&xml)).unwrap();
    assert_eq!(bytes[..2], [0x0B, 0x81]);
    assert_eq!(amf3::decode_all(bytes, AmfLimits::default()).unwrap(), [xml]);
}

#[test]
fn am3_09_one_depth_for_both_formats() {
    // 20 AMF0 arrays around 12 AMF3 arrays, and around 13.
    let nested = |outer: usize, inner: usize| {
        let amf0 = [0x0A, 0, 0, 0, 1].repeat(outer);
        let bytes = [amf0, vec![0x11], [0x09, 0x03, 0x01].repeat(inner), vec![0x01]].concat();
        amf0::decode_all(bytes.into(), AmfLimits::default())
    };
    assert_eq!(nested(20, 12).unwrap()[0].depth(), 32);
    assert_eq!(limit(nested(20, 13)), (Limit::Depth, 32));
    assert_eq!(limit(nested(0, 33)), (Limit::Depth, 32));
    assert_eq!(limit(nested(0, 10_000)), (Limit::Depth, 32));
    // Inside AMF3 the switch is the marker of a dictionary.
    let inner = decode("11 09 03 01 11 01 00").unwrap();
    assert_eq!(inner[0].depth(), 2);
}

#[test]
fn am3_09_every_container_counts() {
    let open: [&[u8]; 5] = [
        &[0x09, 0x03, 0x01],             // array, dense
        &[0x0A, 0x0B, 0x01, 0x03, b'a'], // object, dynamic
        &[0x0A, 0x13, 0x01, 0x03, b'a'], // object, sealed
        &[0x10, 0x03, 0x00, 0x01],       // object vector
        &[0x11, 0x03, 0x00, 0x01],       // dictionary, value after a null
    ];
    for open in open {
        let nested = |levels| {
            amf3::decode_all(
                [open.repeat(levels), vec![0x01]].concat().into(),
                AmfLimits::default(),
            )
        };
        // Whoever is not closed is cut, but only when the depth was not too much.
        assert_eq!(limit(nested(33)), (Limit::Depth, 32));
        assert!(!matches!(nested(32), Err(AmfError::Limit { .. })));
    }
    let list = b"\x0a\x07\x43flex.messaging.io.ArrayCollection";
    let again = [0x0A, 0x01];
    let nested = |levels: usize| {
        let bytes = [&list[..], &again.repeat(levels - 1), &[0x01]].concat();
        amf3::decode_all(bytes.into(), AmfLimits::default())
    };
    assert_eq!(nested(32).unwrap()[0].depth(), 32);
    assert_eq!(limit(nested(33)), (Limit::Depth, 32));
}

#[test]
fn am3_09_no_hand_can_build_a_deeper_value() {
    use amf3::{Array, Dictionary, Externalizable, Object, VectorObject};
    let wraps: [fn(Value) -> Value; 7] = [
        |it| Array::new().with("a", it).into(),
        |it| Array::new().with_item(it).into(),
        |it| Object::new().with("a", it).into(),
        |it| Object::of_class("C").with_sealed("a", it).into(),
        |it| Externalizable::array_collection(it).into(),
        |it| VectorObject::new("", false).with_item(it).into(),
        |it| Dictionary::new(false).with_entry(it, 1).into(),
    ];
    let build = move || {
        for wrap in wraps {
            let mut value = Value::Null;
            for levels in 1..=100_000 {
                value = wrap(value);
                if levels == MAX_DEPTH {
                    assert_eq!(value.depth(), MAX_DEPTH);
                    assert!(encode3(core::slice::from_ref(&value)).is_ok());
                }
            }
            assert_eq!(value.depth(), MAX_DEPTH + 1);
            assert_eq!(value.clone(), value);
            assert_eq!(limit(encode3(&[value])), (Limit::Depth, MAX_DEPTH));
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(build).unwrap().join().unwrap();
}

#[test]
fn am3_10_selector_of_type_17() {
    let open = |picture| Decoder::with_selector(body(picture), AmfLimits::default());
    // 0: AMF0, with AMF3 behind the switch.
    let mut decoder = open("00 02 0003 666f6f 05 11 04 05").unwrap();
    assert_eq!(decoder.next_value(), Ok(Some("foo".into())));
    assert_eq!(decoder.next_value(), Ok(Some(amf0::Value::Null)));
    assert_eq!(decoder.next_value().unwrap().unwrap().as_number(), Some(5.0));
    assert_eq!(decoder.next_value(), Ok(None));
    assert_eq!(decoder.findings(), []);
    // 3: AMF3 throughout, one set of tables.
    let mut decoder = open("03 06 07666f6f 04 05 06 00").unwrap();
    assert_eq!(decoder.next_value().unwrap().unwrap().as_str(), Some("foo"));
    assert_eq!(decoder.next_value().unwrap().unwrap().as_number(), Some(5.0));
    assert_eq!(decoder.next_value().unwrap().unwrap().as_str(), Some("foo"));
    assert_eq!(decoder.next_value(), Ok(None));
    // Others, and none.
    for first in [1, 4, 0x11, 0xFF] {
        let why =
            Decoder::with_selector(vec![first, 0x05].into(), AmfLimits::default()).unwrap_err();
        assert_eq!(
            why,
            AmfError::Malformed { offset: 0, what: Fault::Selector, section: "RTMP 1.0 §7.1.1" }
        );
    }
    assert_eq!(fault(open("").map(|_| ())), Fault::Truncated);
    assert_eq!(open("00").unwrap().next_value(), Ok(None));
    // Forgotten, in a message that is AMF0.
    let mut decoder = open("02 0003 666f6f 05").unwrap();
    assert_eq!(decoder.next_value(), Ok(Some("foo".into())));
    let what = Deviation::MissingSelector;
    assert_eq!(decoder.findings(), [Finding { offset: 0, what }]);
}

#[test]
fn am3_11_a_long_string_referenced_often() {
    let text = "x".repeat(65_536);
    let mut bytes = encode3(&[text.into()]).unwrap().to_vec();
    bytes.extend([0x06, 0x00].repeat(10_000));
    let bytes = Bytes::from(bytes);
    // 16 times is all that fits into the limit: as much as it would be if it were written out.
    assert_eq!(
        limit(amf3::decode_all(bytes.clone(), AmfLimits::default())),
        (Limit::Bytes, 1 << 20)
    );
    let sixteen = bytes.slice(..bytes.len() - 2 * (10_000 - 15));
    assert_eq!(amf3::decode_all(sixteen, AmfLimits::default()).unwrap().len(), 16);
    // And it is shared, whatever the limits are.
    let limits = AmfLimits { values: 20_000, bytes: usize::MAX, ..AmfLimits::default() };
    let counted =
        allocations(|| assert_eq!(amf3::decode_all(bytes, limits).unwrap().len(), 10_001));
    assert!(counted.peak_bytes < 2_000_000, "{counted:?}");
}

/// The same with the text of classes: a few bytes for each object, a kilobyte when written out.
#[test]
fn am3_11_a_long_class_referenced_often() {
    let class = amf3::Object::of_class("c".repeat(1024));
    let objects = vec![Value::from(class); 3000];
    let bytes = encode3(&objects).unwrap();
    assert_eq!(bytes.len(), 1 + 1 + 2 + 1024 + 2999 * 2);
    assert_eq!(
        limit(amf3::decode_all(bytes.clone(), AmfLimits::default())),
        (Limit::Bytes, 1 << 20)
    );
    let limits = AmfLimits { bytes: usize::MAX, ..AmfLimits::default() };
    assert_eq!(amf3::decode_all(bytes, limits).unwrap(), objects);
}
