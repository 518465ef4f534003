//! Writing by hand. Reading back what was read is in the vectors.

use bytes::BytesMut;
use levada_amf::amf3::{self, Encoder};
use levada_amf::{AmfError, Misuse, Object, Value, amf0};

use crate::{body, decode, decode3, encode, encode3};

#[test]
fn references_must_have_been_begun() {
    let object = Value::from(Object::new().with("self", Value::Reference(0)));
    assert_eq!(encode(&[object]).unwrap(), body("03 0004 73656c66 07 0000 000009"));
    let dangling = Err(AmfError::Misuse(Misuse::DanglingReference));
    assert_eq!(encode(&[1.into(), Value::Reference(0)]), dangling);
    assert_eq!(encode(&[Object::new().into(), Value::Reference(1)]), dangling);
    assert_eq!(encode3(&["x".into(), amf3::Value::Reference(0)]).map(|_| ()), dangling.map(|_| ()));
}

#[test]
fn amf3_member_names_must_not_be_empty() {
    let wrong =
        [amf3::Value::from(amf3::Object::new().with("", 1)), amf3::Array::new().with("", 1).into()];
    for value in wrong {
        assert_eq!(encode3(&[value]), Err(AmfError::Misuse(Misuse::EmptyName)));
    }
    // A class may declare one: its names are counted.
    let sealed = amf3::Value::from(amf3::Object::of_class("").with_sealed("", 1));
    assert_eq!(encode3(core::slice::from_ref(&sealed)).unwrap(), body("0a 13 01 01 04 01"));
    assert_eq!(decode3("0a 13 01 01 04 01").unwrap(), [sealed]);
}

/// Software disagrees on whether tables outlive one value: only the first that uses them may refer to them.
#[test]
fn amf3_strings_are_referred_to_in_the_first_value_only() {
    let pair = || Value::from(amf3::Value::from(amf3::Array::from_iter(["ab", "ab"])));
    let once = "11 09 05 01 06 05 6162 06 00";
    let in_full = "11 09 05 01 06 05 6162 06 05 6162";
    assert_eq!(encode(&[pair(), pair()]).unwrap(), body(&format!("{once}{in_full}")));
    // Values that use no table do not count.
    let bytes = encode(&[amf3::Value::from(1).into(), 2.into(), pair()]).unwrap();
    assert_eq!(bytes, body(&format!("11 04 01 00 4000000000000000 {once}")));
    // A byte array does: it is in the table of objects.
    let blob = amf3::Value::ByteArray(bytes::Bytes::new());
    assert_eq!(encode(&[blob.into(), pair()]).unwrap(), body(&format!("11 0c 01 {in_full}")));
    assert_eq!(decode(&format!("{once}{in_full}")).unwrap(), [pair(), pair()]);
}

#[test]
fn amf3_classes_are_referred_to_in_the_first_value_only() {
    let object = || amf3::Value::from(amf3::Object::of_class("P").with_sealed("x", 1));
    let pair = || Value::from(amf3::Value::from(amf3::Array::from_iter([object(), object()])));
    let once = "11 09 05 01 0a 13 03 50 03 78 04 01 0a 01 04 01";
    let in_full = "11 09 05 01 0a 13 03 50 03 78 04 01 0a 13 03 50 03 78 04 01";
    // The first value that uses a table may be one that has no class.
    let first: Value = amf3::Value::from("s").into();
    let bytes = encode(&[first.clone(), pair()]).unwrap();
    assert_eq!(bytes, body(&format!("11 06 03 73 {in_full}")));
    assert_eq!(encode(&[pair(), pair()]).unwrap()[..16], body(once)[..]);
    let bytes = encode(&[first.clone(), pair(), pair()]).unwrap();
    assert_eq!(bytes, body(&format!("11 06 03 73 {in_full} {in_full}")));
}

/// The reader keeps the tables of the message, as the software that relies on it does.
#[test]
fn amf3_tables_live_as_long_as_the_message() {
    let values = decode("11 06 05 6162 05 11 06 00 11 09 01 01 11 09 00").unwrap();
    assert_eq!(values[0], values[2]);
    assert_eq!(values[4], amf3::Value::Reference(0).into());
    let classes = decode("11 0a 13 01 03 61 04 01 11 0a 01 04 02").unwrap();
    assert_eq!(
        classes[1],
        amf3::Value::from(amf3::Object::of_class("").with_sealed("a", 2)).into()
    );
}

#[test]
fn amf3_references_are_written_with_the_marker_of_what_they_mean() {
    // A date, then a reference to it that claims to be an object.
    let mut decoder = amf3::Decoder::new(body("08 01 0000000000000000 0a 00"), Default::default());
    assert_eq!(decoder.next_value(), Ok(Some(amf3::Value::Date(0.0))));
    assert_eq!(decoder.next_value(), Ok(Some(amf3::Value::Reference(0))));
    let what = levada_amf::Deviation::ReferenceMarker(0x0A);
    assert_eq!(decoder.findings(), [levada_amf::Finding { offset: 10, what }]);
    let values = [amf3::Value::Date(0.0), amf3::Value::Reference(0)];
    assert_eq!(encode3(&values).unwrap(), body("08 01 0000000000000000 08 00"));
}

#[test]
fn amf3_integers_in_too_many_bytes_are_a_finding() {
    for (picture, count) in [("04 8000", 1), ("04 80808005", 1), ("04 8100", 0), ("04 80c08000", 0)]
    {
        let mut decoder = amf3::Decoder::new(body(picture), Default::default());
        decoder.next_value().unwrap();
        assert_eq!(decoder.findings().len(), count, "{picture}");
    }
}

#[test]
fn nothing_is_written_when_something_fails() {
    let mut out = BytesMut::from(&b"kept"[..]);
    let values = [Value::from("written"), Object::new().with("a", Value::Reference(7)).into()];
    assert!(amf0::encode_all(&values, &mut out).is_err());
    assert_eq!(out[..], b"kept"[..]);
    let mut encoder = amf0::Encoder::new();
    encoder.encode(&values[0], &mut out).unwrap();
    let length = out.len();
    assert!(encoder.encode(&values[1], &mut out).is_err());
    assert_eq!(out.len(), length);
    let values = [amf3::Value::from("written"), amf3::Object::new().with("", 1).into()];
    assert!(amf3::encode_all(&values, &mut out).is_err());
    assert_eq!(out.len(), length);
}

#[test]
fn classes_are_written_once() {
    let point = |x| amf3::Value::from(amf3::Object::of_class("P").with_sealed("x", x));
    let mut out = BytesMut::new();
    let mut encoder = Encoder::new();
    for value in [point(1), point(2)] {
        encoder.encode(&value, &mut out).unwrap();
    }
    assert_eq!(out, body("0a 13 03 50 03 78 04 01  0a 01 04 02"));
    // Another kind of the same class is another class.
    encoder.encode(&amf3::Object::of_class("P").with("x", 3).into(), &mut out).unwrap();
    assert_eq!(out[12..], body("0a 0b 00 02 04 03 01"));
}
