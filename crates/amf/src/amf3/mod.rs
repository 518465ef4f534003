//! AMF3, the format of Flash from 2006 on. On RTMP connections it appears as single values inside AMF0
//! ([`amf0::Value::Amf3`](crate::amf0::Value::Amf3)), with tables of strings, objects and classes that live for a
//! whole message.
//!
//! Strings and classes that are sent by reference are put in place while reading, at the cost of a reference
//! count, and are written by reference again. References to *objects* stay [`Value::Reference`]: they can mean
//! the object that they are in.

mod array;
mod decode;
mod encode;
mod object;
mod resolve;
mod traits;
mod value;
mod vector;

pub use array::Array;
pub use decode::{Decoder, decode, decode_all};
pub use encode::{Encoder, encode, encode_all};
pub use object::{Externalizable, Object};
pub use resolve::resolve;
pub use value::Value;
pub use vector::{Dictionary, VectorObject};

pub(crate) use decode::Tables;

/// AMF3 §3.1. The rest is not assigned.
mod marker {
    pub(super) const UNDEFINED: u8 = 0x00;
    pub(super) const NULL: u8 = 0x01;
    pub(super) const FALSE: u8 = 0x02;
    pub(super) const TRUE: u8 = 0x03;
    pub(super) const INTEGER: u8 = 0x04;
    pub(super) const DOUBLE: u8 = 0x05;
    pub(super) const STRING: u8 = 0x06;
    pub(super) const XML_DOCUMENT: u8 = 0x07;
    pub(super) const DATE: u8 = 0x08;
    pub(super) const ARRAY: u8 = 0x09;
    pub(super) const OBJECT: u8 = 0x0A;
    pub(super) const XML: u8 = 0x0B;
    pub(super) const BYTE_ARRAY: u8 = 0x0C;
    pub(super) const VECTOR_INT: u8 = 0x0D;
    pub(super) const VECTOR_UINT: u8 = 0x0E;
    pub(super) const VECTOR_DOUBLE: u8 = 0x0F;
    pub(super) const VECTOR_OBJECT: u8 = 0x10;
    pub(super) const DICTIONARY: u8 = 0x11;
}
