//! What reading and writing allocates.

use bytes::{Bytes, BytesMut};
use levada_amf::{AmfLimits, Object, Value, amf0, amf3};
use levada_test::{Allocations, allocations, hex, vectors};

fn capture(name: &str) -> Bytes {
    let all = vectors(env!("CARGO_MANIFEST_DIR"), "captures.json");
    let vector = all.iter().find(|it| it["name"] == name).unwrap();
    hex(vector["hex"].as_str().unwrap()).into()
}

/// Shared bytes, as they come out of a socket's buffer.
fn shared(bytes: &[u8]) -> Bytes {
    let mut buffer = BytesMut::from(bytes);
    buffer.split().freeze()
}

fn decoding(bytes: &[u8]) -> Allocations {
    let bytes = shared(bytes);
    allocations(|| drop(amf0::decode_all(bytes, AmfLimits::default())))
}

#[test]
fn usual_messages_allocate_their_lists_and_nothing_else() {
    // The list of values and the list of properties; no text, no growing.
    for name in ["obs-32.2.2-av1-aac: connect", "obs-32.2.2-h264-aac: @setDataFrame"] {
        assert_eq!(decoding(&capture(name)).count, 2, "{name}");
    }
    // The same and a list of codecs.
    assert_eq!(decoding(&capture("ffmpeg-9.0.2-av1-opus-ertmp: connect")).count, 3);
    assert_eq!(decoding(b"\x02\0\x0ccreateStream\0\x40\0\0\0\0\0\0\0\x05").count, 1);
}

#[test]
fn building_a_connect_allocates_the_list_and_what_is_not_static() {
    let counted = allocations(|| {
        let arguments = Object::new().with("app", "live").with("capsEx", 15).with("fpad", false);
        drop(Value::from(arguments));
    });
    assert_eq!(counted.count, 1);
}

#[test]
fn writing_allocates_the_output_once() {
    for name in ["obs-32.2.2-av1-aac: connect", "obs-32.2.2-h264-aac: @setDataFrame"] {
        let values = amf0::decode_all(capture(name), AmfLimits::default()).unwrap();
        let mut out = BytesMut::new();
        let first = allocations(|| amf0::encode_all(&values, &mut out).unwrap());
        assert_eq!(first.count, 1, "{name}");
        out.clear();
        let again = allocations(|| amf0::encode_all(&values, &mut out).unwrap());
        assert_eq!(again.count, 0, "{name}");
    }
}

#[test]
fn detached_values_let_the_message_go() {
    let message = shared(&capture("obs-32.2.2-h264-aac: @setDataFrame"));
    let mut values = amf0::decode_all(message.clone(), AmfLimits::default()).unwrap();
    assert!(!message.is_unique());
    let copy = values.clone();
    values.iter_mut().for_each(Value::detach);
    assert_eq!(values, copy);
    drop(copy);
    assert!(message.is_unique());
}

#[test]
fn detached_amf3_values_let_the_message_go() {
    let all = vectors(env!("CARGO_MANIFEST_DIR"), "amf3.json");
    for vector in all.iter().filter(|it| it.contains_key("expect")) {
        let message = shared(&hex(vector["hex"].as_str().unwrap()));
        let mut values = amf3::decode_all(message.clone(), AmfLimits::default()).unwrap();
        let copy = values.clone();
        values.iter_mut().for_each(amf3::Value::detach);
        assert_eq!(values, copy);
        drop(copy);
        assert!(message.is_unique(), "{}", vector["name"]);
    }
}

/// The figures in the documentation of `AmfLimits`.
#[test]
fn the_worst_case_is_what_the_limits_say() {
    // Each value a list with one entry, in chains of the greatest depth.
    let chain = [&[0x03, 0, 0][..]].concat().repeat(32);
    let amf0 = [chain, vec![0x05], [0, 0, 9].repeat(32)].concat().repeat(124);
    let counted = decoding(&amf0);
    assert!(amf0::decode_all(amf0.into(), AmfLimits::default()).is_ok());
    assert!((1_000_000..1_400_000).contains(&counted.peak_bytes), "{counted:?}");
    // Each value an object with a class of its own, which has one member.
    let chain = [0x0A, 0x13, 0x01, 0x01].repeat(32);
    let amf3 = [chain, vec![0x01]].concat().repeat(63);
    let bytes = shared(&amf3);
    let counted =
        allocations(|| drop(amf3::decode_all(bytes.clone(), AmfLimits::default()).unwrap()));
    assert!((500_000..1_400_000).contains(&counted.peak_bytes), "{counted:?}");
}
