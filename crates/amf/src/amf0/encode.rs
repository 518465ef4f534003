use alloc::boxed::Box;

use bytes::{BufMut, BytesMut};

use super::{Object, Value, marker};
use crate::{AmfError, Limit, MAX_DEPTH, Misuse, amf3};

/// Appends one value to `out`, or nothing when that fails.
///
/// ```
/// use bytes::BytesMut;
/// use levada_amf::{Value, amf0};
///
/// let mut out = BytesMut::new();
/// amf0::encode(&Value::Number(1.0), &mut out)?;
/// assert_eq!(out[..], [0x00, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]);
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
pub fn encode(value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
    Encoder::new().encode(value, out)
}

/// Appends all values of a message body to `out`, or nothing when that fails.
///
/// ```
/// use bytes::BytesMut;
/// use levada_amf::{Object, amf0};
///
/// let mut body = BytesMut::new();
/// let arguments = Object::new().with("app", "live").with("tcUrl", "rtmp://host.example/live");
/// amf0::encode_all(&["connect".into(), 1.into(), arguments.into()], &mut body)?;
/// assert_eq!(body.len(), 69);
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
pub fn encode_all(values: &[Value], out: &mut BytesMut) -> Result<(), AmfError> {
    let start = out.len();
    out.reserve(USUAL_SIZE);
    let mut encoder = Encoder::new();
    let result = values.iter().try_for_each(|value| encoder.value(value, out));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// What nearly every command and metadata fits in.
const USUAL_SIZE: usize = 512;

/// Writes the values of one message body, in which references count.
///
/// AMF3 strings and classes are written once and referred to afterwards only inside the first AMF3 value that has
/// any: software disagrees on whether the tables live for one value or for the whole message, and this way both
/// understand.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    /// There from the first AMF3 value on.
    amf3: Option<Box<amf3::Encoder>>,
    /// Objects and arrays begun so far: what a reference can mean.
    begun: usize,
    failed: Option<AmfError>,
}

impl Encoder {
    /// For a new message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a value to `out`, or nothing when that fails. After an error: the same error again.
    pub fn encode(&mut self, value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        let start = out.len();
        let result = self.value(value, out);
        if let Err(why) = result {
            self.failed = Some(why);
            out.truncate(start);
        }
        result
    }

    #[inline(always)]
    fn value(&mut self, value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
        // What real messages consist of comes first, and is inlined where lists are written.
        match value {
            Value::Number(number) => {
                let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
                out.put_slice(&[marker::NUMBER, a, b, c, d, e, f, g, h]);
                Ok(())
            }
            Value::Boolean(boolean) => {
                out.put_slice(&[marker::BOOLEAN, u8::from(*boolean)]);
                Ok(())
            }
            Value::String(text) => string(text.as_bytes(), out),
            unusual => self.unusual_value(unusual, out),
        }
    }

    fn unusual_value(&mut self, value: &Value, out: &mut BytesMut) -> Result<(), AmfError> {
        match value {
            Value::Number(_) | Value::Boolean(_) | Value::String(_) => self.value(value, out)?,
            Value::Object(members) => {
                self.begin(value, out)?;
                out.put_u8(marker::OBJECT);
                self.properties(members, out)?;
            }
            Value::Null => out.put_u8(marker::NULL),
            Value::Undefined => out.put_u8(marker::UNDEFINED),
            Value::Reference(index) => {
                if usize::from(*index) >= self.begun {
                    return Err(AmfError::Misuse(Misuse::DanglingReference));
                }
                out.put_u8(marker::REFERENCE);
                out.put_u16(*index);
            }
            Value::EcmaArray { count, properties } => {
                self.begin(value, out)?;
                put_marker_u32(marker::ECMA_ARRAY, *count, out);
                self.properties(properties, out)?;
            }
            Value::StrictArray(items) => {
                self.begin(value, out)?;
                let count = length_u32(items.len(), Limit::Count, out)?;
                put_marker_u32(marker::STRICT_ARRAY, count, out);
                items.iter().try_for_each(|item| self.value(item, out))?;
            }
            Value::Date { millis, zone } => {
                out.put_u8(marker::DATE);
                out.put_f64(*millis);
                out.put_i16(*zone);
            }
            Value::LongString(text) => long_text(marker::LONG_STRING, text.as_bytes(), out)?,
            Value::Unsupported => out.put_u8(marker::UNSUPPORTED),
            Value::Xml(text) => long_text(marker::XML, text.as_bytes(), out)?,
            Value::TypedObject(typed) => {
                self.begin(value, out)?;
                out.put_u8(marker::TYPED_OBJECT);
                name(typed.class.as_bytes(), out)?;
                self.properties(&typed.properties, out)?;
            }
            Value::Amf3(amf3) => {
                check_depth(value, out)?;
                out.put_u8(marker::AMF3);
                let encoder = self.amf3.get_or_insert_default();
                encoder.value(amf3, out)?;
                encoder.stop_referring();
            }
        }
        Ok(())
    }

    /// AMF0 §2.9: a complex value takes its index before its members are written.
    fn begin(&mut self, value: &Value, out: &BytesMut) -> Result<(), AmfError> {
        self.begun += 1;
        check_depth(value, out)
    }

    /// AMF0 §2.5: name, value, name, value, …, an empty name and the end marker.
    fn properties(&mut self, properties: &Object, out: &mut BytesMut) -> Result<(), AmfError> {
        for (own, value) in properties {
            name(own.as_bytes(), out)?;
            self.value(value, out)?;
        }
        out.put_slice(&[0, 0, marker::OBJECT_END]);
        Ok(())
    }
}

fn check_depth(value: &Value, out: &BytesMut) -> Result<(), AmfError> {
    if value.depth() > MAX_DEPTH {
        let (offset, limit) = (out.len(), MAX_DEPTH);
        return Err(AmfError::Limit { offset, which: Limit::Depth, limit });
    }
    Ok(())
}

/// AMF0 §2.14: the long form is for what the short one cannot hold.
fn string(text: &[u8], out: &mut BytesMut) -> Result<(), AmfError> {
    let Ok(length) = u16::try_from(text.len()) else {
        return long_text(marker::LONG_STRING, text, out);
    };
    let [high, low] = length.to_be_bytes();
    out.put_slice(&[marker::STRING, high, low]);
    out.put_slice(text);
    Ok(())
}

fn long_text(marker: u8, text: &[u8], out: &mut BytesMut) -> Result<(), AmfError> {
    put_marker_u32(marker, length_u32(text.len(), Limit::String, out)?, out);
    out.put_slice(text);
    Ok(())
}

/// A name has no long form.
fn name(name: &[u8], out: &mut BytesMut) -> Result<(), AmfError> {
    let Ok(length) = u16::try_from(name.len()) else {
        let limit = u16::MAX.into();
        return Err(AmfError::Limit { offset: out.len(), which: Limit::Name, limit });
    };
    out.put_u16(length);
    out.put_slice(name);
    Ok(())
}

fn put_marker_u32(marker: u8, number: u32, out: &mut BytesMut) {
    let [a, b, c, d] = number.to_be_bytes();
    out.put_slice(&[marker, a, b, c, d]);
}

fn length_u32(length: usize, which: Limit, out: &BytesMut) -> Result<u32, AmfError> {
    let limit = u32::MAX as usize;
    u32::try_from(length).map_err(|_| AmfError::Limit { offset: out.len(), which, limit })
}
