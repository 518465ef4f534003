use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use super::traits::{Kind, Traits};
use super::{Array, Object, Value, marker};
use crate::{AmfError, AmfString, Limit, MAX_DEPTH, Misuse};

/// The largest length, count or index (28 bits beside the flag).
const MAX_LENGTH: u32 = (1 << 28) - 1;

/// Appends one value to `out`, or nothing when that fails.
pub fn encode(value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
    Encoder::new().encode(value, out)
}

/// Appends values that share their tables to `out`, or nothing when that fails.
pub fn encode_all(values: &[Value], out: &mut BytesMut) -> Result<(), AmfError> {
    let start = out.len();
    let mut encoder = Encoder::new();
    let result = values.iter().try_for_each(|value| encoder.encode(value, out));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Writes values that share their tables: strings and classes once, then by reference.
///
/// ```
/// use bytes::BytesMut;
/// use levada_amf::amf3::{Encoder, Value};
///
/// let mut out = BytesMut::new();
/// let mut encoder = Encoder::new();
/// encoder.encode(&Value::from("abc"), &mut out)?;
/// encoder.encode(&Value::from("abc"), &mut out)?;
/// assert_eq!(out[..], *b"\x06\x07abc\x06\0");
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    strings: BTreeMap<AmfString, u32>,
    traits: BTreeMap<Arc<Traits>, u32>,
    /// The markers of all objects begun.
    objects: Vec<u8>,
    /// Nothing is looked up in the tables any more: see [`amf0::Encoder`](crate::amf0::Encoder).
    plain: bool,
    failed: Option<AmfError>,
}

impl Encoder {
    /// With empty tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a value to `out`, or nothing when that fails. After an error: the same error again.
    pub fn encode(&mut self, value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        let start = out.len();
        let result = if value.depth() > MAX_DEPTH {
            Err(AmfError::Limit { offset: start, which: Limit::Depth, limit: MAX_DEPTH })
        } else {
            self.value(value, out)
        };
        if let Err(why) = result {
            self.failed = Some(why);
            out.truncate(start);
        }
        result
    }

    pub(crate) fn value(&mut self, value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
        match value {
            Value::Undefined => out.put_u8(marker::UNDEFINED),
            Value::Null => out.put_u8(marker::NULL),
            Value::Boolean(false) => out.put_u8(marker::FALSE),
            Value::Boolean(true) => out.put_u8(marker::TRUE),
            Value::Integer(integer) => put_integer(*integer, out),
            Value::Double(double) => put_double(*double, out),
            Value::String(text) => {
                out.put_u8(marker::STRING);
                self.string(text, out)?;
            }
            Value::XmlDocument(text) => self.blob(marker::XML_DOCUMENT, text.as_bytes(), out)?,
            Value::Xml(text) => self.blob(marker::XML, text.as_bytes(), out)?,
            Value::ByteArray(bytes) => self.blob(marker::BYTE_ARRAY, bytes, out)?,
            Value::Date(millis) => {
                self.begin(marker::DATE, 0, out)?;
                out.put_f64(*millis);
            }
            Value::Array(array) => self.array(array, out)?,
            Value::Object(object) => self.object(object, out)?,
            Value::Externalizable(wrapper) => {
                self.begin_object(wrapper.traits(), out)?;
                self.value(wrapper.body(), out)?;
            }
            Value::VectorInt { items, fixed } => {
                self.begin(marker::VECTOR_INT, items.len(), out)?;
                out.put_u8((*fixed).into());
                items.iter().for_each(|item| out.put_i32(*item));
            }
            Value::VectorUint { items, fixed } => {
                self.begin(marker::VECTOR_UINT, items.len(), out)?;
                out.put_u8((*fixed).into());
                items.iter().for_each(|item| out.put_u32(*item));
            }
            Value::VectorDouble { items, fixed } => {
                self.begin(marker::VECTOR_DOUBLE, items.len(), out)?;
                out.put_u8((*fixed).into());
                items.iter().for_each(|item| out.put_f64(*item));
            }
            Value::VectorObject(vector) => {
                self.begin(marker::VECTOR_OBJECT, vector.items().len(), out)?;
                out.put_u8(vector.is_fixed().into());
                self.string(vector.class(), out)?;
                vector.items().iter().try_for_each(|item| self.value(item, out))?;
            }
            Value::Dictionary(dictionary) => {
                self.begin(marker::DICTIONARY, dictionary.entries().len(), out)?;
                out.put_u8(dictionary.is_weak().into());
                for (key, value) in dictionary.entries() {
                    self.value(key, out)?;
                    self.value(value, out)?;
                }
            }
            Value::Reference(index) => self.reference(*index, out)?,
        }
        Ok(())
    }

    /// From the first value that used a table on, later ones neither use nor fill them.
    pub(crate) fn stop_referring(&mut self) {
        self.plain |=
            !(self.strings.is_empty() && self.traits.is_empty() && self.objects.is_empty());
    }

    /// The marker and header of a complex value, which takes its index now.
    fn begin(&mut self, marker: u8, length: usize, out: &mut BytesMut) -> Result<(), AmfError> {
        self.objects.push(marker);
        out.put_u8(marker);
        put_length(length, Limit::Count, out)
    }

    fn blob(&mut self, marker: u8, bytes: &[u8], out: &mut BytesMut) -> Result<(), AmfError> {
        self.objects.push(marker);
        out.put_u8(marker);
        put_length(bytes.len(), Limit::String, out)?;
        out.put_slice(bytes);
        Ok(())
    }

    fn reference(&self, index: u32, out: &mut BytesMut) -> Result<(), AmfError> {
        let begun = usize::try_from(index).ok().and_then(|it| self.objects.get(it));
        let Some(marker) = begun.filter(|_| index <= MAX_LENGTH) else {
            return Err(AmfError::Misuse(Misuse::DanglingReference));
        };
        out.put_u8(*marker);
        put_u29(index << 1, out);
        Ok(())
    }

    fn array(&mut self, array: &Array, out: &mut BytesMut) -> Result<(), AmfError> {
        self.begin(marker::ARRAY, array.items().len(), out)?;
        for (name, value) in array.members() {
            self.member(name, value, out)?;
        }
        self.string(&AmfString::default(), out)?;
        array.items().iter().try_for_each(|item| self.value(item, out))
    }

    fn object(&mut self, object: &Object, out: &mut BytesMut) -> Result<(), AmfError> {
        self.begin_object(object.traits(), out)?;
        object.sealed().try_for_each(|(_, value)| self.value(value, out))?;
        if object.is_dynamic() {
            object.dynamic().try_for_each(|(name, value)| self.member(name, value, out))?;
            self.string(&AmfString::default(), out)?;
        }
        Ok(())
    }

    /// The header of an object: see `Tables::object` of the decoder.
    fn begin_object(&mut self, traits: &Arc<Traits>, out: &mut BytesMut) -> Result<(), AmfError> {
        self.objects.push(marker::OBJECT);
        out.put_u8(marker::OBJECT);
        if let Some(index) = self.traits.get(traits) {
            put_u29(index << 2 | 0b01, out);
            return Ok(());
        }
        let sealed = match u32::try_from(traits.sealed.len()) {
            Ok(sealed) if sealed < 1 << 25 => sealed,
            _ => return Err(limit(Limit::Count, (1 << 25) - 1, out)),
        };
        match traits.kind {
            Kind::Sealed => put_u29(sealed << 4 | 0b0011, out),
            Kind::Dynamic => put_u29(sealed << 4 | 0b1011, out),
            Kind::Externalizable => put_u29(0b0111, out),
        }
        self.string(&traits.class, out)?;
        traits.sealed.iter().try_for_each(|name| self.string(name, out))?;
        if let Some(index) = next_index(self.traits.len(), 27).filter(|_| !self.plain) {
            self.traits.insert(Arc::clone(traits), index);
        }
        Ok(())
    }

    fn member(
        &mut self,
        name: &AmfString,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<(), AmfError> {
        if name.is_empty() {
            return Err(AmfError::Misuse(Misuse::EmptyName));
        }
        self.string(name, out)?;
        self.value(value, out)
    }

    /// AMF3 §1.3.2: a string or a reference to one. The empty string is never in the table.
    fn string(&mut self, text: &AmfString, out: &mut BytesMut) -> Result<(), AmfError> {
        if !self.plain && !text.is_empty() {
            if let Some(index) = self.strings.get(text) {
                put_u29(index << 1, out);
                return Ok(());
            }
            if let Some(index) = next_index(self.strings.len(), 28) {
                self.strings.insert(text.clone(), index);
            }
        }
        put_length(text.len(), Limit::String, out)?;
        out.put_slice(text.as_bytes());
        Ok(())
    }
}

/// The index of what comes next into a table, if so many bits can say it.
fn next_index(length: usize, bits: u32) -> Option<u32> {
    u32::try_from(length).ok().filter(|it| it >> bits == 0)
}

/// AMF3 §3.6: what does not fit into 29 bits is sent as a double.
fn put_integer(integer: i32, out: &mut BytesMut) {
    if (integer << 3) >> 3 == integer {
        out.put_u8(marker::INTEGER);
        put_u29(integer.cast_unsigned() & 0x1FFF_FFFF, out);
    } else {
        put_double(integer.into(), out);
    }
}

fn put_double(double: f64, out: &mut BytesMut) {
    out.put_u8(marker::DOUBLE);
    out.put_f64(double);
}

/// The header of what is there and not a reference.
fn put_length(length: usize, which: Limit, out: &mut BytesMut) -> Result<(), AmfError> {
    match u32::try_from(length) {
        Ok(length) if length <= MAX_LENGTH => {
            put_u29(length << 1 | 1, out);
            Ok(())
        }
        _ => Err(limit(which, MAX_LENGTH as usize, out)),
    }
}

fn limit(which: Limit, limit: usize, out: &BytesMut) -> AmfError {
    AmfError::Limit { offset: out.len(), which, limit }
}

/// AMF3 §1.3.1, in as few bytes as possible.
fn put_u29(value: u32, out: &mut BytesMut) {
    if value < 1 << 7 {
        out.put_u8(low7(value));
    } else if value < 1 << 14 {
        out.put_slice(&[0x80 | low7(value >> 7), low7(value)]);
    } else if value < 1 << 21 {
        out.put_slice(&[0x80 | low7(value >> 14), 0x80 | low7(value >> 7), low7(value)]);
    } else {
        let [.., last] = value.to_be_bytes();
        out.put_slice(&[
            0x80 | low7(value >> 22),
            0x80 | low7(value >> 15),
            0x80 | low7(value >> 8),
            last,
        ]);
    }
}

fn low7(value: u32) -> u8 {
    let [.., last] = value.to_be_bytes();
    last & 0x7F
}
