//! What the crate promises, asked through its public face.
//!
//! `testdata/`: `amf0.json`, `amf3.json` and `commands.json` are vectors worked out by hand from the
//! specifications and checked against other implementations; `captures.json` holds message bodies recorded from
//! the software that each names.
#![cfg(test)]

mod encoding;
mod hostile_amf0;
mod hostile_amf3;
mod limits;
mod memory;
mod notation;
mod properties;
mod quirks;
mod values;
mod vectors;

use bytes::{Bytes, BytesMut};
use levada_amf::{AmfError, AmfLimits, Value, amf0, amf3};

fn body(picture: &str) -> Bytes {
    levada_test::hex(picture).into()
}

fn decode(picture: &str) -> Result<Vec<Value>, AmfError> {
    amf0::decode_all(body(picture), AmfLimits::default())
}

fn decode3(picture: &str) -> Result<Vec<amf3::Value>, AmfError> {
    amf3::decode_all(body(picture), AmfLimits::default())
}

fn encode(values: &[Value]) -> Result<Bytes, AmfError> {
    let mut out = BytesMut::new();
    amf0::encode_all(values, &mut out).map(|()| out.freeze())
}

fn encode3(values: &[amf3::Value]) -> Result<Bytes, AmfError> {
    let mut out = BytesMut::new();
    amf3::encode_all(values, &mut out).map(|()| out.freeze())
}
