use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Array, Dictionary, Externalizable, Object, VectorObject};
use crate::{AmfString, amf0};

/// A value of AMF3, as it was sent or is to be sent. Every variant is one marker, or two for booleans.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the format is closed: one variant per marker")]
pub enum Value {
    /// `00`
    Undefined,
    /// `01`
    Null,
    /// `02` or `03`
    Boolean(bool),
    /// `04`: written as a double outside −2²⁸ … 2²⁸−1.
    Integer(i32),
    /// `05`
    Double(f64),
    /// `06`
    String(AmfString),
    /// `07`: text that is not parsed.
    XmlDocument(AmfString),
    /// `08`: milliseconds since 1970-01-01T00:00Z.
    Date(f64),
    /// `09`
    Array(Box<Array>),
    /// `0A`: an object with members.
    Object(Box<Object>),
    /// `0A`: an object that serialises itself.
    Externalizable(Box<Externalizable>),
    /// `0B`: text that is not parsed.
    Xml(AmfString),
    /// `0C`
    ByteArray(Bytes),
    /// `0D`
    VectorInt {
        /// Its items.
        items: Vec<i32>,
        /// Whether its length cannot change in the player.
        fixed: bool,
    },
    /// `0E`
    VectorUint {
        /// Its items.
        items: Vec<u32>,
        /// Whether its length cannot change in the player.
        fixed: bool,
    },
    /// `0F`
    VectorDouble {
        /// Its items.
        items: Vec<f64>,
        /// Whether its length cannot change in the player.
        fixed: bool,
    },
    /// `10`
    VectorObject(Box<VectorObject>),
    /// `11`
    Dictionary(Dictionary),
    /// Any marker from `07` on: the value with this index, counted in the message from 0 in the order in which
    /// they begin. XML, dates and byte arrays count as well. See [`resolve`](super::resolve).
    Reference(u32),
}

impl Value {
    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some((*integer).into()),
            Self::Double(double) => Some(*double),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Boolean(boolean) = self { Some(*boolean) } else { None }
    }

    /// The string, if it is one, or XML.
    pub fn as_string(&self) -> Option<&AmfString> {
        match self {
            Self::String(text) | Self::XmlDocument(text) | Self::Xml(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the [string](Self::as_string), if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_string()?.as_str()
    }

    /// The object, if it is one with members.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The array, if it is one, bare or wrapped in an [`Externalizable`].
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            Self::Externalizable(wrapper) => wrapper.body().as_array(),
            _ => None,
        }
    }

    /// What comes closest to it in AMF0.
    ///
    /// Numbers, text, dates and objects keep their meaning. Arrays with names become ECMA arrays in which the
    /// items are named "0", "1", …; vectors become strict arrays, the known externalizable objects what they
    /// wrap. Byte arrays, dictionaries and references become [`Unsupported`](amf0::Value::Unsupported).
    #[must_use]
    pub fn into_amf0(self) -> amf0::Value {
        match self {
            Self::Undefined => amf0::Value::Undefined,
            Self::Null => amf0::Value::Null,
            Self::Boolean(boolean) => boolean.into(),
            Self::Integer(integer) => integer.into(),
            Self::Double(double) => double.into(),
            Self::String(text) => text.into(),
            Self::XmlDocument(text) | Self::Xml(text) => amf0::Value::Xml(text),
            Self::Date(millis) => amf0::Value::Date { millis, zone: 0 },
            Self::Array(array) => array_into_amf0(*array),
            Self::Object(object) => object_into_amf0(*object),
            Self::Externalizable(wrapper) => wrapper.into_body().into_amf0(),
            Self::VectorInt { items, .. } => items.into_iter().collect::<amf0::Array>().into(),
            Self::VectorUint { items, .. } => items.into_iter().collect::<amf0::Array>().into(),
            Self::VectorDouble { items, .. } => items.into_iter().collect::<amf0::Array>().into(),
            Self::VectorObject(vector) => items_into_amf0(vector.into_items()),
            Self::ByteArray(_) | Self::Dictionary(_) | Self::Reference(_) => {
                amf0::Value::Unsupported
            }
        }
    }

    /// Copies all text and data out of the message that it was decoded from, which this value else keeps in
    /// memory.
    pub fn detach(&mut self) {
        match self {
            Self::String(text) | Self::XmlDocument(text) | Self::Xml(text) => text.detach(),
            Self::Array(array) => array.detach(),
            Self::Object(object) => object.detach(),
            Self::Externalizable(wrapper) => wrapper.detach(),
            Self::ByteArray(bytes) => *bytes = Bytes::copy_from_slice(bytes),
            Self::VectorObject(vector) => vector.detach(),
            Self::Dictionary(dictionary) => dictionary.detach(),
            _ => {}
        }
    }

    /// How many containers are inside one another here: 0 for a number or a string.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(array) => array.depth(),
            Self::Object(object) => object.depth(),
            Self::Externalizable(wrapper) => wrapper.depth(),
            Self::VectorObject(vector) => vector.depth(),
            Self::Dictionary(dictionary) => dictionary.depth(),
            _ => 0,
        }
    }
}

fn array_into_amf0(array: Array) -> amf0::Value {
    let (members, items) = array.into_parts();
    if members.is_empty() {
        return items_into_amf0(items);
    }
    let members = members.into_iter();
    let items = (0_u32..).zip(items).map(|(index, item)| (index.to_string().into(), item));
    let named = members.chain(items).map(|(name, value)| (name, value.into_amf0()));
    amf0::Value::ecma_array(named.collect())
}

fn object_into_amf0(object: Object) -> amf0::Value {
    let class = object.class().clone();
    let members = object.into_members().map(|(name, value)| (name, value.into_amf0()));
    let properties = members.collect::<amf0::Object>();
    if class.is_empty() {
        properties.into()
    } else {
        amf0::TypedObject { class, properties }.into()
    }
}

fn items_into_amf0(items: Vec<Value>) -> amf0::Value {
    items.into_iter().map(Value::into_amf0).collect::<amf0::Array>().into()
}

impl From<f64> for Value {
    fn from(double: f64) -> Self {
        Self::Double(double)
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<AmfString> for Value {
    fn from(text: AmfString) -> Self {
        Self::String(text)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::ByteArray(bytes)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(Box::new(array))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(Box::new(object))
    }
}

impl From<Externalizable> for Value {
    fn from(wrapper: Externalizable) -> Self {
        Self::Externalizable(Box::new(wrapper))
    }
}

impl From<VectorObject> for Value {
    fn from(vector: VectorObject) -> Self {
        Self::VectorObject(Box::new(vector))
    }
}

impl From<Dictionary> for Value {
    fn from(dictionary: Dictionary) -> Self {
        Self::Dictionary(dictionary)
    }
}
