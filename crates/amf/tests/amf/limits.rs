//! Every limit at its value and one beyond. Depth is in the hostile inputs.

use levada_amf::{AmfError, AmfLimits, Limit, amf0, amf3};

use crate::{body, encode};

const NONE: AmfLimits = AmfLimits { depth: 32, values: 0, bytes: 0, string: 0, name: 0 };

#[track_caller]
fn check(picture: &str, exact: AmfLimits, short: AmfLimits, which: Limit, value: usize) {
    assert!(amf0::decode_all(body(picture), exact).is_ok());
    let why = amf0::decode_all(body(picture), short).unwrap_err();
    assert!(
        matches!(why, AmfError::Limit { which: own, limit, .. } if (own, limit) == (which, value))
    );
}

#[test]
fn defaults() {
    let limits = AmfLimits::default();
    assert_eq!((limits.depth, limits.values, limits.bytes), (32, 4096, 1024 * 1024));
    assert_eq!((limits.string, limits.name), (256 * 1024, 1024));
}

#[test]
fn values() {
    // An array of two is three values.
    let three = AmfLimits { values: 3, ..NONE };
    check("0a 00000002 05 06", three, AmfLimits { values: 2, ..NONE }, Limit::Values, 2);
    // AMF3 values and the one of AMF0 around them.
    check("11 09 05 01 00 00", AmfLimits { values: 4, ..NONE }, three, Limit::Values, 3);
    // A member that a class declares counts once more.
    let five = AmfLimits { values: 5, name: 1, bytes: 1, ..NONE };
    let four = AmfLimits { values: 4, ..five };
    check("05 11 0a 13 01 03 61 00", five, four, Limit::Values, 4);
    // Over all values of the message.
    check("05 05 05 05", AmfLimits { values: 4, ..NONE }, three, Limit::Values, 3);
}

#[test]
fn bytes() {
    let text = "02 0003 616263 03 0002 6465 05 000009";
    let exact = AmfLimits { values: 3, bytes: 5, string: 3, name: 2, ..NONE };
    check(text, exact, AmfLimits { bytes: 4, ..exact }, Limit::Bytes, 4);
    // What is sent once and used twice counts twice; elements of vectors count with their size.
    let amf3 = "11 09 05 01 06 07 616263 06 00 11 0d 03 00 00000000";
    let exact = AmfLimits { values: 6, bytes: 10, string: 3, ..NONE };
    check(amf3, exact, AmfLimits { bytes: 9, ..exact }, Limit::Bytes, 9);
}

#[test]
fn string() {
    let exact = AmfLimits { values: 2, bytes: 9, string: 3, ..NONE };
    let short = AmfLimits { string: 2, ..exact };
    let strings = [
        "02 0003 616263",
        "0c 00000003 616263",
        "0f 00000003 616263",
        "11 06 07 616263",
        "11 07 07 616263",
        "11 0b 07 616263",
        "11 0c 07 616263",
    ];
    for picture in strings {
        check(picture, exact, short, Limit::String, 2);
    }
}

#[test]
fn name() {
    let exact = AmfLimits { values: 4, bytes: 9, string: 0, name: 3, ..NONE };
    let short = AmfLimits { name: 2, ..exact };
    let names = [
        "03 0003 616263 05 000009",
        "08 00000001 0003 616263 05 000009",
        "10 0003 616263 000009",
        "11 0a 0b 01 07 616263 01 01",
        "11 0a 13 01 07 616263 01",
        "11 0a 03 07 616263",
        "11 09 01 07 616263 01 01",
        "11 10 01 00 07 616263",
    ];
    for picture in names {
        check(picture, exact, short, Limit::Name, 2);
    }
}

#[test]
fn a_failed_decoder_stays_failed() {
    let limits = AmfLimits { values: 1, ..AmfLimits::default() };
    let mut decoder = amf0::Decoder::new(body("05 05"), limits);
    assert!(decoder.next_value().is_ok());
    let why = decoder.next_value().unwrap_err();
    assert_eq!(why.to_string(), "at byte 1: more than 1 values");
    assert_eq!(decoder.next_value(), Err(why));
    let mut decoder = amf3::Decoder::new(body("01 01"), limits);
    assert!(decoder.next_value().is_ok());
    assert_eq!(decoder.next_value(), Err(why));
    assert_eq!(decoder.next_value(), Err(why));
}

#[test]
fn a_failed_encoder_stays_failed() {
    let mut out = bytes::BytesMut::from(&b"kept"[..]);
    let mut encoder = amf0::Encoder::new();
    let why = encoder.encode(&amf0::Value::Reference(0), &mut out).unwrap_err();
    assert_eq!(encoder.encode(&1.into(), &mut out), Err(why));
    let mut encoder = amf3::Encoder::new();
    assert_eq!(encoder.encode(&amf3::Value::Reference(0), &mut out), Err(why));
    assert_eq!(encoder.encode(&1.into(), &mut out), Err(why));
    assert_eq!(out[..], b"kept"[..]);
    assert!(encode(&[amf0::Value::Null]).is_ok());
}
