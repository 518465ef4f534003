use bytes::Bytes;
use levada_amf::amf0::Decoder;
use levada_amf::{AmfError, AmfLimits, Fault, Value, amf0, amf3};
use levada_test::{Vector, hex, vectors};
use serde_json::Value as Json;

use crate::{encode, encode3, notation};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn amf0_vectors_both_ways() {
    // The one vector that is not canonical: a boolean that is neither 0 nor 1.
    check("amf0.json", 51, |bytes| {
        let values = amf0::decode_all(bytes.clone(), AmfLimits::default())?;
        if bytes[..] != [0x01, 0x7F] {
            assert_eq!(encode(&values).unwrap(), bytes);
        }
        Ok(values.iter().map(notation::amf0).collect())
    });
}

#[test]
fn amf3_vectors_both_ways() {
    let overlong = [hex("04 8000"), hex("04 80808005")];
    check("amf3.json", 61, |bytes| {
        let values = amf3::decode_all(bytes.clone(), AmfLimits::default())?;
        if !overlong.contains(&bytes.to_vec()) {
            assert_eq!(encode3(&values).unwrap(), bytes);
        }
        Ok(values.iter().map(notation::amf3).collect())
    });
}

/// The same vectors behind AMF0's switch: one value after another, tables shared.
#[test]
fn amf3_vectors_inside_amf0() {
    for vector in vectors(HERE, "amf3.json").iter().filter(|it| it.contains_key("expect")) {
        let values = amf3::decode_all(bytes_of(vector), AmfLimits::default()).unwrap();
        let values: Vec<Value> = values.into_iter().map(Value::from).collect();
        let bytes = encode(&values).unwrap();
        assert_eq!(bytes[0], 0x11, "{}", name(vector));
        assert_eq!(
            amf0::decode_all(bytes, AmfLimits::default()).unwrap(),
            values,
            "{}",
            name(vector)
        );
    }
}

#[test]
fn command_vectors_both_ways() {
    let all = vectors(HERE, "commands.json");
    assert_eq!(all.len(), 68);
    for vector in &all {
        let bytes = bytes_of(vector);
        let result = match vector["kind"].as_str().unwrap() {
            "amf0" => collect(Decoder::new(bytes.clone(), AmfLimits::default())),
            _ => Decoder::with_selector(bytes.clone(), AmfLimits::default()).and_then(collect),
        };
        let Ok(values) = check_one(vector, result.as_deref().map_err(|why| *why)) else { continue };
        let selector = usize::from(vector["kind"] == "amf0_ext");
        assert_eq!(encode(values).unwrap(), bytes[selector..], "{}", name(vector));
    }
}

/// OBS 29 and 32, FFmpeg 2018 to 9.0, GStreamer 1.22 and 1.28, rtmpdump; nginx-rtmp and FFmpeg as servers.
#[test]
fn captures_come_back_as_the_same_bytes_without_a_finding() {
    let all = vectors(HERE, "captures.json");
    assert_eq!(all.len(), 48);
    for vector in &all {
        let bytes = bytes_of(vector);
        let mut decoder = Decoder::new(bytes.clone(), AmfLimits::default());
        let mut values = Vec::new();
        while let Some(value) = decoder.next_value().unwrap() {
            values.push(value);
        }
        check_one(vector, Ok(&values)).unwrap();
        assert_eq!(encode(&values).unwrap(), bytes, "{}", name(vector));
        assert_eq!(decoder.findings(), [], "{}", name(vector));
    }
}

fn check(file: &str, count: usize, decode: impl Fn(Bytes) -> Result<Json, AmfError>) {
    let all = vectors(HERE, file);
    assert_eq!(all.len(), count);
    for vector in &all {
        compare(vector, decode(bytes_of(vector)));
    }
}

fn check_one<'a>(
    vector: &Vector,
    result: Result<&'a [Value], AmfError>,
) -> Result<&'a [Value], AmfError> {
    compare(vector, result.map(|values| values.iter().map(notation::amf0).collect()));
    result
}

fn compare(vector: &Vector, result: Result<Json, AmfError>) {
    match result {
        Ok(values) => assert_eq!(values, notation::expected(&vector["expect"]), "{}", name(vector)),
        Err(why) => {
            let truncated = matches!(why, AmfError::Malformed { what: Fault::Truncated, .. });
            let kind = if truncated { "short" } else { "bad" };
            assert_eq!(vector.get("expect_error"), Some(&kind.into()), "{}: {why}", name(vector));
        }
    }
}

fn collect(mut decoder: Decoder) -> Result<Vec<Value>, AmfError> {
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

fn bytes_of(vector: &Vector) -> Bytes {
    hex(vector["hex"].as_str().unwrap()).into()
}

fn name(vector: &Vector) -> &Json {
    &vector["name"]
}
