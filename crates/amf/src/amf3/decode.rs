use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::traits::{Kind, Traits};
use super::{Array, Dictionary, Externalizable, Object, Value, VectorObject, marker};
use crate::source::{Format, Source};
use crate::{AmfError, AmfLimits, AmfString, Deviation, Fault, Finding, Unsupported};

/// Takes one value off the front of `input`, and leaves `input` as it is when that fails.
pub fn decode(input: &mut Bytes, limits: AmfLimits) -> Result<Value, AmfError> {
    let mut decoder = Decoder::new(input.clone(), limits);
    let value = decoder.tables.value(&mut decoder.source, 0)?;
    input.advance(decoder.source.position());
    Ok(value)
}

/// All values of a message body that is AMF3 throughout.
pub fn decode_all(body: Bytes, limits: AmfLimits) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder::new(body, limits);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

/// Reads values that share their tables, and limits.
///
/// ```
/// use bytes::Bytes;
/// use levada_amf::{AmfLimits, amf3::{Decoder, Value}};
///
/// // "abc", then string 0 again.
/// let mut decoder = Decoder::new(Bytes::from_static(b"\x06\x07abc\x06\0"), AmfLimits::default());
/// assert_eq!(decoder.next_value()?, Some(Value::from("abc")));
/// assert_eq!(decoder.next_value()?, Some(Value::from("abc")));
/// assert_eq!(decoder.next_value()?, None);
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    source: Source,
    tables: Tables,
    failed: Option<AmfError>,
}

impl Decoder {
    /// With empty tables.
    pub fn new(body: Bytes, limits: AmfLimits) -> Self {
        let source = Source::new(body, limits, Format::Amf3);
        Self { source, tables: Tables::default(), failed: None }
    }

    /// The next value; `None` at the end of the input. After an error: the same error again.
    pub fn next_value(&mut self) -> Result<Option<Value>, AmfError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        if self.source.is_empty() {
            return Ok(None);
        }
        let result = self.tables.value(&mut self.source, 0);
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
}

/// What references of a message can mean (AMF3 §2.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    strings: Vec<AmfString>,
    traits: Vec<Arc<Traits>>,
    /// The markers of all objects begun: their values stay where they are.
    objects: Vec<u8>,
}

impl Tables {
    /// One value inside `depth` containers.
    pub(crate) fn value(&mut self, source: &mut Source, depth: usize) -> Result<Value, AmfError> {
        source.count_value()?;
        let at = source.position();
        Ok(match source.u8()? {
            marker::UNDEFINED => Value::Undefined,
            marker::NULL => Value::Null,
            marker::FALSE => Value::Boolean(false),
            marker::TRUE => Value::Boolean(true),
            marker::INTEGER => Value::Integer(integer(source)?),
            marker::DOUBLE => Value::Double(source.f64()?),
            marker::STRING => Value::String(self.string(source, Source::string)?),
            complex @ marker::XML_DOCUMENT..=marker::DICTIONARY => {
                let header = u29(source)?;
                if header & 1 == 0 {
                    self.reference(source, at, complex, header >> 1)?
                } else {
                    self.objects.push(complex);
                    self.instance(source, complex, header >> 1, depth + 1)?
                }
            }
            other => return Err(source.unsupported(at, Unsupported::Marker(other))),
        })
    }

    /// AMF3 §2.2: all complex types share one table, whatever the marker says.
    fn reference(
        &self,
        source: &mut Source,
        at: usize,
        marker: u8,
        index: u32,
    ) -> Result<Value, AmfError> {
        let Some(begun) = usize::try_from(index).ok().and_then(|it| self.objects.get(it)) else {
            return Err(source.malformed(at, Fault::InvalidReference));
        };
        if *begun != marker {
            source.tolerate(at, Deviation::ReferenceMarker(marker));
        }
        Ok(Value::Reference(index))
    }

    /// What follows the header of a complex value. `rest` is the header without its lowest bit: mostly a length.
    fn instance(
        &mut self,
        source: &mut Source,
        marker: u8,
        rest: u32,
        depth: usize,
    ) -> Result<Value, AmfError> {
        let length = rest as usize;
        Ok(match marker {
            marker::XML_DOCUMENT => Value::XmlDocument(source.string(length)?),
            marker::XML => Value::Xml(source.string(length)?),
            marker::DATE => Value::Date(source.f64()?),
            marker::BYTE_ARRAY => Value::ByteArray(source.bytes(length)?),
            marker::ARRAY => self.array(source, length, depth)?.into(),
            marker::OBJECT => self.object(source, rest, depth)?,
            marker::VECTOR_INT => {
                let fixed = source.u8()? != 0;
                let items = numbers(source, length, i32::from_be_bytes)?;
                Value::VectorInt { items, fixed }
            }
            marker::VECTOR_UINT => {
                let fixed = source.u8()? != 0;
                let items = numbers(source, length, u32::from_be_bytes)?;
                Value::VectorUint { items, fixed }
            }
            marker::VECTOR_DOUBLE => {
                let fixed = source.u8()? != 0;
                let items = numbers(source, length, f64::from_be_bytes)?;
                Value::VectorDouble { items, fixed }
            }
            marker::VECTOR_OBJECT => self.vector(source, length, depth)?.into(),
            _ => self.dictionary(source, length, depth)?.into(),
        })
    }

    /// AMF3 §3.11: names and values up to the empty name, then values.
    fn array(
        &mut self,
        source: &mut Source,
        length: usize,
        depth: usize,
    ) -> Result<Array, AmfError> {
        source.check_depth(depth)?;
        source.check_room(length)?;
        let mut array = Array::new();
        while let Some((name, value)) = self.member(source, depth)? {
            array.push_member(name, value);
        }
        for _ in 0..length {
            array.push(self.value(source, depth)?);
        }
        Ok(array)
    }

    /// AMF3 §3.12. `header` is without its lowest bit:
    ///
    /// ```text
    /// … 0      traits by reference, index in the bits above
    /// … 0 0 1  sealed, their number in the bits above
    /// … 1 0 1  sealed and dynamic, their number in the bits above
    /// … . 1 1  externalizable
    /// ```
    fn object(
        &mut self,
        source: &mut Source,
        header: u32,
        depth: usize,
    ) -> Result<Value, AmfError> {
        source.check_depth(depth)?;
        let at = source.position();
        let traits = if header & 1 == 0 {
            let index = (header >> 1) as usize;
            let Some(traits) = self.traits.get(index) else {
                return Err(source.malformed(at, Fault::InvalidReference));
            };
            source.charge(traits.text_len())?;
            Arc::clone(traits)
        } else {
            let traits = Arc::new(self.read_traits(source, header >> 1)?);
            self.traits.push(Arc::clone(&traits));
            traits
        };
        if traits.kind == Kind::Externalizable {
            if !Externalizable::is_known(&traits) {
                return Err(source.unsupported(at, Unsupported::Externalizable));
            }
            let body = self.value(source, depth)?;
            return Ok(Externalizable::of(traits, body).into());
        }
        self.members(source, traits, depth).map(Value::from)
    }

    fn read_traits(&mut self, source: &mut Source, header: u32) -> Result<Traits, AmfError> {
        let (kind, sealed) = match header & 0b11 {
            0b00 => (Kind::Sealed, header >> 2),
            0b10 => (Kind::Dynamic, header >> 2),
            _ => (Kind::Externalizable, 0),
        };
        let class = self.string(source, Source::name)?;
        // A name has at least its length.
        source.check_room(sealed as usize)?;
        let mut names = Vec::new();
        for _ in 0..sealed {
            source.count_value()?;
            names.push(self.string(source, Source::name)?);
        }
        Ok(Traits { class, kind, sealed: names })
    }

    fn members(
        &mut self,
        source: &mut Source,
        traits: Arc<Traits>,
        depth: usize,
    ) -> Result<Object, AmfError> {
        let (sealed, kind) = (traits.sealed.len(), traits.kind);
        let mut object = Object::of(traits);
        for _ in 0..sealed {
            object.push_sealed(self.value(source, depth)?);
        }
        if kind == Kind::Dynamic {
            while let Some((name, value)) = self.member(source, depth)? {
                object.push_dynamic(name, value);
            }
        }
        Ok(object)
    }

    /// A name and its value, or the empty name that ends such a list.
    fn member(
        &mut self,
        source: &mut Source,
        depth: usize,
    ) -> Result<Option<(AmfString, Value)>, AmfError> {
        let name = self.string(source, Source::name)?;
        if name.is_empty() {
            return Ok(None);
        }
        Ok(Some((name, self.value(source, depth)?)))
    }

    /// AMF3 §3.15
    fn vector(
        &mut self,
        source: &mut Source,
        length: usize,
        depth: usize,
    ) -> Result<VectorObject, AmfError> {
        source.check_depth(depth)?;
        source.check_room(length)?;
        let fixed = source.u8()? != 0;
        let mut vector = VectorObject::new(self.string(source, Source::name)?, fixed);
        for _ in 0..length {
            vector.push(self.value(source, depth)?);
        }
        Ok(vector)
    }

    /// AMF3 §3.16
    fn dictionary(
        &mut self,
        source: &mut Source,
        length: usize,
        depth: usize,
    ) -> Result<Dictionary, AmfError> {
        source.check_depth(depth)?;
        source.check_room(length.saturating_mul(2))?;
        let mut dictionary = Dictionary::new(source.u8()? != 0);
        for _ in 0..length {
            let key = self.value(source, depth)?;
            dictionary.push(key, self.value(source, depth)?);
        }
        Ok(dictionary)
    }

    /// AMF3 §1.3.2: a string or a reference to one. The empty string is never in the table.
    fn string(
        &mut self,
        source: &mut Source,
        read: fn(&mut Source, usize) -> Result<AmfString, AmfError>,
    ) -> Result<AmfString, AmfError> {
        let at = source.position();
        let header = u29(source)?;
        let value = (header >> 1) as usize;
        if header & 1 == 0 {
            let Some(string) = self.strings.get(value) else {
                return Err(source.malformed(at, Fault::InvalidReference));
            };
            source.charge(string.len())?;
            return Ok(string.clone());
        }
        let string = read(source, value)?;
        if !string.is_empty() {
            self.strings.push(string.clone());
        }
        Ok(string)
    }
}

/// AMF3 §3.6: 29 bits, the highest is the sign.
fn integer(source: &mut Source) -> Result<i32, AmfError> {
    u29(source).map(|it| (it << 3).cast_signed() >> 3)
}

/// AMF3 §1.3.1: three times 7 bits with a flag for more, then 8 bits.
fn u29(source: &mut Source) -> Result<u32, AmfError> {
    let at = source.position();
    let mut value = 0;
    for length in 1..=3 {
        let byte = source.u8()?;
        value = value << 7 | u32::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            check_shortest(source, at, value, length);
            return Ok(value);
        }
    }
    value = value << 8 | u32::from(source.u8()?);
    check_shortest(source, at, value, 4);
    Ok(value)
}

fn check_shortest(source: &mut Source, at: usize, value: u32, length: u32) {
    if length > 1 && value >> (7 * (length - 1)) == 0 {
        source.tolerate(at, Deviation::LongInteger);
    }
}

/// The plain numbers of a vector (AMF3 §3.15).
fn numbers<T, const N: usize>(
    source: &mut Source,
    length: usize,
    read: fn([u8; N]) -> T,
) -> Result<Vec<T>, AmfError> {
    let size = length.saturating_mul(N);
    source.check_room(size)?;
    source.charge(size)?;
    (0..length).map(|_| source.array().map(read)).collect()
}
