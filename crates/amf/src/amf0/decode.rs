use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::{Array, Object, TypedObject, Value, marker};
use crate::source::{Format, Source};
use crate::{AmfError, AmfLimits, Deviation, Fault, Finding, Unsupported, amf3};

/// Takes one value off the front of `input`, and leaves `input` as it is when that fails.
///
/// For structures that hold AMF values among other things. References inside the value are relative to it.
///
/// ```
/// use bytes::Bytes;
/// use levada_amf::{AmfLimits, Value, amf0};
///
/// let mut input = Bytes::from_static(&[0x01, 1, 0xFF]);
/// assert_eq!(amf0::decode(&mut input, AmfLimits::default()), Ok(Value::Boolean(true)));
/// assert_eq!(input[..], [0xFF]);
/// ```
pub fn decode(input: &mut Bytes, limits: AmfLimits) -> Result<Value, AmfError> {
    let mut decoder = Decoder::new(input.clone(), limits);
    let value = decoder.value(0)?;
    input.advance(decoder.position());
    Ok(value)
}

/// All values of a message body.
pub fn decode_all(body: Bytes, limits: AmfLimits) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder::new(body, limits);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

/// Reads the values of one message body, in which references and limits count.
///
/// ```
/// use bytes::Bytes;
/// use levada_amf::{AmfLimits, amf0::Decoder};
///
/// let body = Bytes::from_static(b"\x02\0\x0ccreateStream\0\x40\0\0\0\0\0\0\0\x05");
/// let mut decoder = Decoder::new(body, AmfLimits::default());
/// let name = decoder.next_value()?.unwrap();
/// let transaction = decoder.next_value()?.unwrap();
/// assert_eq!((name.as_str(), transaction.as_number()), (Some("createStream"), Some(2.0)));
/// // What a command has beyond the arguments that its reader knows needs no look.
/// assert_eq!(decoder.remaining()[..], [0x05]);
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    source: Source,
    amf3: amf3::Tables,
    /// Objects and arrays begun so far: what a reference can mean.
    begun: usize,
    dialect: Dialect,
    failed: Option<AmfError>,
}

/// As many properties as the objects in commands have, of which none announces its number.
const USUAL_COUNT: usize = 8;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    Strict,
    /// Forgives a missing and a stray end of object at the end of the message.
    Lenient,
    /// Every value is AMF3, without the marker that says so.
    Amf3,
}

impl Decoder {
    /// For the body of a command or data message (types 20 and 18).
    pub fn new(body: Bytes, limits: AmfLimits) -> Self {
        Self::of(Dialect::Strict, body, limits)
    }

    /// For script data in files: a message may end where an object is open, or with an end marker too many.
    /// [`findings`](Self::findings) tell.
    pub fn lenient(body: Bytes, limits: AmfLimits) -> Self {
        Self::of(Dialect::Lenient, body, limits)
    }

    /// For the body of an AMF3-capable message (types 17, 15 and 16), whose first byte selects the format.
    ///
    /// `00` is what all software in the field sends: AMF0, with AMF3 behind marker `11`. `03` means AMF3
    /// throughout: every value comes as [`Value::Amf3`]. When the selector is missing and the body begins with a
    /// string, as it should, that is a [finding](Deviation::MissingSelector).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use levada_amf::{AmfLimits, Value, amf0::Decoder};
    ///
    /// let body = Bytes::from_static(&[0x00, 0x02, 0x00, 0x01, b'x', 0x11, 0x04, 0x05]);
    /// let mut decoder = Decoder::with_selector(body, AmfLimits::default())?;
    /// assert_eq!(decoder.next_value()?, Some(Value::from("x")));
    /// assert_eq!(decoder.next_value()?.unwrap().as_number(), Some(5.0));
    /// # Ok::<(), levada_amf::AmfError>(())
    /// ```
    pub fn with_selector(body: Bytes, limits: AmfLimits) -> Result<Self, AmfError> {
        let mut decoder = Self::new(body, limits);
        match decoder.source.rest().first() {
            Some(&marker::STRING) => {
                decoder.source.tolerate(0, Deviation::MissingSelector);
                return Ok(decoder);
            }
            Some(0) => {}
            Some(3) => {
                decoder.dialect = Dialect::Amf3;
                decoder.source.set_format(Format::Amf3);
            }
            Some(_) => return Err(decoder.source.malformed(0, Fault::Selector)),
            None => {}
        }
        decoder.source.u8()?;
        Ok(decoder)
    }

    /// The next value; `None` at the end of the message. After an error: the same error again.
    pub fn next_value(&mut self) -> Result<Option<Value>, AmfError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        if self.source.is_empty() || self.is_stray_end() {
            return Ok(None);
        }
        let result = match self.dialect {
            Dialect::Amf3 => self.amf3_value(0),
            _ => self.value(0),
        };
        self.failed = result.as_ref().err().copied();
        result.map(Some)
    }

    /// What was accepted although it is wrong, in the order it was met. The first 16 are kept.
    pub fn findings(&self) -> &[Finding] {
        self.source.findings()
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.source.position()
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> Bytes {
        self.source.rest_bytes()
    }

    fn of(dialect: Dialect, body: Bytes, limits: AmfLimits) -> Self {
        Self {
            source: Source::new(body, limits, Format::Amf0),
            amf3: amf3::Tables::default(),
            begun: 0,
            dialect,
            failed: None,
        }
    }

    fn is_stray_end(&mut self) -> bool {
        let stray = self.dialect == Dialect::Lenient
            && matches!(self.source.rest(), [marker::OBJECT_END] | [0, 0, marker::OBJECT_END]);
        if stray {
            self.source.tolerate(self.position(), Deviation::StrayEnd);
            self.source.skip(self.source.rest().len());
        }
        stray
    }

    /// One value inside `depth` containers.
    #[inline(always)]
    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        self.source.count_value()?;
        let at = self.position();
        // What real messages consist of comes first, and is inlined where lists are read.
        match self.source.u8()? {
            marker::NUMBER => Ok(Value::Number(self.source.f64()?)),
            marker::BOOLEAN => Ok(Value::Boolean(self.boolean()?)),
            marker::STRING => {
                let length = self.source.u16()?;
                Ok(Value::String(self.source.string(length.into())?))
            }
            other => self.unusual_value(other, at, depth),
        }
    }

    fn unusual_value(&mut self, marker: u8, at: usize, depth: usize) -> Result<Value, AmfError> {
        Ok(match marker {
            marker::OBJECT => Value::Object(self.properties(USUAL_COUNT, depth + 1)?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::REFERENCE => self.reference(at)?,
            marker::ECMA_ARRAY => self.ecma_array(at, depth + 1)?,
            marker::STRICT_ARRAY => Value::StrictArray(self.strict_array(depth + 1)?),
            marker::DATE => {
                let millis = self.source.f64()?;
                let zone = self.source.u16()?.cast_signed();
                Value::Date { millis, zone }
            }
            marker::LONG_STRING => Value::LongString(self.source.long_string()?),
            marker::UNSUPPORTED => Value::Unsupported,
            marker::XML => Value::Xml(self.source.long_string()?),
            marker::TYPED_OBJECT => self.typed_object(depth + 1)?,
            marker::AMF3 => {
                self.source.set_format(Format::Amf3);
                let value = self.amf3_value(depth)?;
                self.source.set_format(Format::Amf0);
                value
            }
            marker::OBJECT_END => return Err(self.source.malformed(at, Fault::UnexpectedEnd)),
            other => return Err(self.source.unsupported(at, Unsupported::Marker(other))),
        })
    }

    fn amf3_value(&mut self, depth: usize) -> Result<Value, AmfError> {
        Ok(Value::Amf3(Box::new(self.amf3.value(&mut self.source, depth)?)))
    }

    fn boolean(&mut self) -> Result<bool, AmfError> {
        let at = self.position();
        let byte = self.source.u8()?;
        if byte > 1 {
            self.source.tolerate(at, Deviation::BooleanByte(byte));
        }
        Ok(byte != 0)
    }

    fn reference(&mut self, at: usize) -> Result<Value, AmfError> {
        let index = self.source.u16()?;
        if usize::from(index) >= self.begun {
            return Err(self.source.malformed(at, Fault::InvalidReference));
        }
        Ok(Value::Reference(index))
    }

    fn ecma_array(&mut self, at: usize, depth: usize) -> Result<Value, AmfError> {
        let count = self.source.u32()?;
        let properties = self.properties(count as usize, depth)?;
        let actual = u32::try_from(properties.len()).unwrap_or(u32::MAX);
        if count != actual {
            self.source.tolerate(at, Deviation::EcmaCount { announced: count, actual });
        }
        Ok(Value::EcmaArray { count, properties })
    }

    fn strict_array(&mut self, depth: usize) -> Result<Array, AmfError> {
        self.begin(depth)?;
        let count = self.source.u32()? as usize;
        // A value has at least its marker.
        self.source.check_room(count)?;
        let mut items = Array::with_capacity(self.source.allocate_ahead(count));
        for _ in 0..count {
            items.push(self.value(depth)?);
        }
        Ok(items)
    }

    fn typed_object(&mut self, depth: usize) -> Result<Value, AmfError> {
        let length = self.source.u16()?;
        let class = self.source.name(length.into())?;
        let properties = self.properties(USUAL_COUNT, depth)?;
        Ok(TypedObject { class, properties }.into())
    }

    /// AMF0 §2.5: name, value, name, value, …, an empty name and the end marker.
    fn properties(&mut self, count: usize, depth: usize) -> Result<Object, AmfError> {
        self.begin(depth)?;
        let mut properties = Object::with_capacity(self.source.allocate_ahead(count));
        loop {
            // The length of a name, and what follows an empty one: a name that is empty before anything else
            // than the end marker is the name of a property.
            match self.source.rest().first_chunk() {
                Some([0, 0, marker::OBJECT_END]) => {
                    self.source.skip(3);
                    return Ok(properties);
                }
                Some(&[high, low, _]) => {
                    self.source.skip(2);
                    let name = self.source.name(u16::from_be_bytes([high, low]).into())?;
                    properties.push(name, self.value(depth)?);
                }
                None => {
                    self.missing_end()?;
                    return Ok(properties);
                }
            }
        }
    }

    /// The message ends where a property or the end of its object should begin.
    fn missing_end(&mut self) -> Result<(), AmfError> {
        if self.dialect == Dialect::Lenient && matches!(self.source.rest(), [] | [0] | [0, 0]) {
            self.source.tolerate(self.position(), Deviation::MissingEnd);
            self.source.skip(self.source.rest().len());
            return Ok(());
        }
        self.source.check_room(3)
    }

    /// AMF0 §2.9: a complex value takes its index before its members are read.
    fn begin(&mut self, depth: usize) -> Result<(), AmfError> {
        self.begun += 1;
        self.source.check_depth(depth)
    }
}
