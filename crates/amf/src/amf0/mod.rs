//! AMF0, the format of RTMP commands and of FLV script data.
//!
//! A message body is a run of values without a count. [`Decoder`] reads them one by one, [`decode_all`] all of
//! them, [`decode`] takes one off the front of bytes that hold more than values. [`Encoder`] and [`encode_all`],
//! [`encode`] do the reverse.

mod array;
mod decode;
mod encode;
mod object;
mod resolve;
mod value;

pub use array::Array;
pub use decode::{Decoder, decode, decode_all};
pub use encode::{Encoder, encode, encode_all};
pub use object::Object;
pub use resolve::resolve;
pub use value::{TypedObject, Value};

/// AMF0 §2.1. `04` (movie clip) and `0E` (record set) are reserved, the rest is not assigned.
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const REFERENCE: u8 = 0x07;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0A;
    pub(super) const DATE: u8 = 0x0B;
    pub(super) const LONG_STRING: u8 = 0x0C;
    pub(super) const UNSUPPORTED: u8 = 0x0D;
    pub(super) const XML: u8 = 0x0F;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AMF3: u8 = 0x11;
}
