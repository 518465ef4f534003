//! AMF0: the two messages that every publisher sends, `connect` and `onMetaData`, as OBS 32.2.2 sends them.
//!
//! ```sh
//! cargo bench -p levada-benches --bench amf --features peers
//! ```
//!
//! Reading means from the message body to values and to their end (all memory is given back), writing from values
//! to a new buffer.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use levada_amf::{AmfLimits, amf0};
use levada_benches::{Case, Work, bench, memcpy_case};

fn main() {
    let messages = [("connect", connect()), ("onMetaData", on_meta_data())];
    bench(messages.into_iter().flat_map(|(message, body)| cases(message, &body)));
}

fn cases(message: &str, body: &Bytes) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(codec("levada", message, body, decode, |it| encode(it)));
    #[cfg(feature = "peers")]
    cases.extend(peers::cases(message, body));
    for direction in ["decode", "encode"] {
        let body = body.clone();
        cases.push(memcpy_case(&format!("{direction} {message}"), usize::MAX, || body));
    }
    cases
}

/// What one crate does with a message, in both directions.
fn codec<Values: 'static, Out: 'static>(
    name: &str,
    message: &str,
    body: &Bytes,
    decode: impl Fn(&Bytes) -> Values + Copy + 'static,
    encode: impl Fn(&Values) -> Out + 'static,
) -> [Case; 2] {
    let (read, written, bytes) = (body.clone(), body.clone(), body.len());
    [
        Case::new(format!("decode {message}/{name}"), move || {
            Work::on(bytes, move || decode(black_box(&read)))
        }),
        Case::new(format!("encode {message}/{name}"), move || {
            let values = decode(&written);
            Work::on(bytes, move || encode(black_box(&values)))
        }),
    ]
}

fn decode(body: &Bytes) -> Vec<amf0::Value> {
    amf0::decode_all(body.clone(), AmfLimits::default()).unwrap()
}

fn encode(values: &[amf0::Value]) -> Bytes {
    let mut out = BytesMut::new();
    amf0::encode_all(values, &mut out).unwrap();
    out.freeze()
}

/// `connect` of OBS 32.2.2.
fn connect() -> Bytes {
    let arguments = amf0::Object::new()
        .with("app", "live")
        .with("type", "nonprivate")
        .with("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)")
        .with("swfUrl", "rtmp://127.0.0.1:19350/live")
        .with("tcUrl", "rtmp://127.0.0.1:19350/live");
    encode(&["connect".into(), 1.into(), arguments.into()])
}

/// `onMetaData` of OBS 32.2.2, as its server sends it on.
fn on_meta_data() -> Bytes {
    let properties = amf0::Object::new()
        .with("duration", 0)
        .with("fileSize", 0)
        .with("width", 1280)
        .with("height", 720)
        .with("videocodecid", 7)
        .with("videodatarate", 2500)
        .with("framerate", 30)
        .with("audiocodecid", 10)
        .with("audiodatarate", 160)
        .with("audiosamplerate", 48000)
        .with("audiosamplesize", 16)
        .with("audiochannels", 2)
        .with("stereo", true)
        .with("2.1", false)
        .with("3.1", false)
        .with("4.0", false)
        .with("4.1", false)
        .with("5.1", false)
        .with("7.1", false)
        .with("encoder", "obs-output module (libobs version 32.2.2+ds-1+b2)");
    encode(&["onMetaData".into(), amf0::Value::ecma_array(properties)])
}

#[cfg(feature = "peers")]
mod peers {
    use super::{Bytes, Case, codec};

    pub fn cases(message: &str, body: &Bytes) -> Vec<Case> {
        [
            rtmp_runtime(message, body),
            rtmp_rs(message, body),
            rml(message, body),
            scuffle(message, body),
            amf(message, body),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn rtmp_runtime(message: &str, body: &Bytes) -> [Case; 2] {
        use broadcast_common::{Parse, Serialize};
        use rtmp_runtime::amf0::Amf0Value;

        // As its own `Command::parse` and `Command::to_body` do it.
        let decode = |body: &Bytes| {
            let (mut rest, mut values) = (&body[..], Vec::new());
            while !rest.is_empty() {
                let value = Amf0Value::parse(rest).unwrap();
                rest = &rest[value.serialized_len()..];
                values.push(value);
            }
            values
        };
        let encode = |values: &Vec<Amf0Value>| {
            let mut out = Vec::new();
            for value in values {
                out.extend(value.try_to_bytes().unwrap());
            }
            out
        };
        codec("rtmp-runtime", message, body, decode, encode)
    }

    fn rtmp_rs(message: &str, body: &Bytes) -> [Case; 2] {
        use rtmp_rs::amf::amf0;

        let decode = |body: &Bytes| amf0::Amf0Decoder::new().decode_all(&mut body.clone()).unwrap();
        codec("rtmp-rs", message, body, decode, |values: &Vec<_>| amf0::encode_all(values))
    }

    fn rml(message: &str, body: &Bytes) -> [Case; 2] {
        let decode = |body: &Bytes| rml_amf0::deserialize(&mut &body[..]).unwrap();
        let encode = |values: &Vec<_>| rml_amf0::serialize(values).unwrap();
        codec("rml_amf0", message, body, decode, encode)
    }

    fn scuffle(message: &str, body: &Bytes) -> [Case; 2] {
        use scuffle_amf0::{Amf0Decoder, Amf0Encoder, Amf0Value};

        // It cannot read on behind an ECMA array with the usual end: three values are all there are.
        let decode = |body: &Bytes| {
            let mut decoder = Amf0Decoder::from_buf(body.clone());
            let mut values = Vec::new();
            while values.len() < 3
                && let Ok(true) = decoder.has_remaining()
                && let Ok(value) = decoder.decode_value()
            {
                values.push(value);
            }
            values
        };
        let encode = |values: &Vec<Amf0Value<'static>>| {
            let mut out = Vec::new();
            let mut encoder = Amf0Encoder::new(&mut out);
            for value in values {
                value.encode(&mut encoder).unwrap();
            }
            out
        };
        codec("scuffle-amf0", message, body, decode, encode)
    }

    fn amf(message: &str, body: &Bytes) -> [Case; 2] {
        use amf::amf0::Value;

        let decode = |body: &Bytes| {
            let (mut rest, mut values) = (&body[..], Vec::new());
            while !rest.is_empty() {
                values.push(Value::read_from(&mut rest).unwrap());
            }
            values
        };
        let encode = |values: &Vec<Value>| {
            let mut out = Vec::new();
            for value in values {
                value.write_to(&mut out).unwrap();
            }
            out
        };
        codec("amf", message, body, decode, encode)
    }
}
