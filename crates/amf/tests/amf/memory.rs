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

/// The figure in the documentation of `AmfLimits`: each value a list with one entry, in chains of the greatest
/// depth.
#[test]
fn the_worst_case_is_what_the_limits_say() {
    let chains = |open: &[u8], last: u8, close: &[u8]| {
        [open.repeat(32), vec![last], close.repeat(32)].concat().repeat(4096 / 33)
    };
    // Objects with an empty name.
    let bytes = shared(&chains(&[0x03, 0, 0], 0x05, &[0, 0, 9]));
    let amf0 = allocations(|| drop(amf0::decode_all(bytes, AmfLimits::default()).unwrap()));
    assert!((1_100_000..2_000_000).contains(&amf0.peak_bytes), "{amf0:?}");
    // Objects with a class of their own and one dynamic member.
    let bytes = shared(&chains(&[0x0A, 0x0B, 0x01, 0x03, b'a'], 0x01, &[0x01]));
    let amf3 = allocations(|| drop(amf3::decode_all(bytes, AmfLimits::default()).unwrap()));
    assert!((1_100_000..2_000_000).contains(&amf3.peak_bytes), "{amf3:?}");
}
