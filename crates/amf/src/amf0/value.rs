use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Array, Object};
use crate::{AmfString, amf3};

/// A value of AMF0, as it was sent or is to be sent.
///
/// Every variant is one marker of the format, so nothing is lost between reading and writing: an ECMA array stays
/// one, with the count it announced; a reference stays a reference.
///
/// Two families of questions can be asked:
/// - `as_…` answers when the value *is* of that kind, whichever marker carries it (a long string is a string, an
///   ECMA array is an object, an AMF3 integer is a number).
/// - `to_…` also converts, for software that sends numbers as strings or booleans as numbers.
///
/// ```
/// use levada_amf::Value;
///
/// assert_eq!(Value::from("live").as_str(), Some("live"));
/// assert_eq!(Value::from("30").as_number(), None);
/// assert_eq!(Value::from("30").to_number(), Some(30.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the format is closed: one variant per marker")]
pub enum Value {
    /// `00`: the only numeric type.
    Number(f64),
    /// `01`
    Boolean(bool),
    /// `02`: written as `0C` when it has more than 65,535 bytes.
    String(AmfString),
    /// `03`: an anonymous object.
    Object(Object),
    /// `05`
    Null,
    /// `06`
    Undefined,
    /// `07`: the object or array with this index, counted in the message from 0 in the order in which they
    /// begin. See [`resolve`](super::resolve).
    Reference(u16),
    /// `08`: see [`ecma_array`](Self::ecma_array).
    EcmaArray {
        /// The number of properties that the sender announced. Often wrong, never needed.
        count: u32,
        /// Its members.
        properties: Object,
    },
    /// `0A`
    StrictArray(Array),
    /// `0B`
    Date {
        /// Since 1970-01-01T00:00Z.
        millis: f64,
        /// Reserved: 0, but some write minutes. Nobody relies on it.
        zone: i16,
    },
    /// `0C`: a string behind a 32-bit length, whatever its length is.
    LongString(AmfString),
    /// `0D`: the place of something that the sender could not express.
    Unsupported,
    /// `0F`: text that is not parsed.
    Xml(AmfString),
    /// `10`
    TypedObject(Box<TypedObject>),
    /// `11`: one value in the other format.
    Amf3(Box<amf3::Value>),
}

/// An object with the name of its class.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the format is closed")]
pub struct TypedObject {
    /// The name. It means nothing here, and nothing is looked up by it.
    pub class: AmfString,
    /// Its members.
    pub properties: Object,
}

impl Value {
    /// An ECMA array, which announces the number of its properties.
    ///
    /// ```
    /// use levada_amf::{Object, Value};
    ///
    /// let metadata = Value::ecma_array(Object::new().with("width", 1920).with("height", 1080));
    /// assert!(matches!(metadata, Value::EcmaArray { count: 2, .. }));
    /// ```
    pub fn ecma_array(properties: Object) -> Self {
        Self::EcmaArray { count: u32::try_from(properties.len()).unwrap_or(u32::MAX), properties }
    }

    /// Whether it stands for nothing: null, undefined or unsupported.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Undefined | Self::Unsupported => true,
            Self::Amf3(value) => matches!(**value, amf3::Value::Null | amf3::Value::Undefined),
            _ => false,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Amf3(value) => value.as_number(),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            Self::Amf3(value) => value.as_bool(),
            _ => None,
        }
    }

    /// The string, if it is one, or XML.
    pub fn as_string(&self) -> Option<&AmfString> {
        match self {
            Self::String(string) | Self::LongString(string) | Self::Xml(string) => Some(string),
            Self::Amf3(value) => value.as_string(),
            _ => None,
        }
    }

    /// The text of the [string](Self::as_string), if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_string()?.as_str()
    }

    /// The properties of an object, a typed object or an ECMA array.
    ///
    /// Not those of an AMF3 object, which are of another type: see [`into_amf0`](Self::into_amf0).
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(properties) | Self::EcmaArray { properties, .. } => Some(properties),
            Self::TypedObject(typed) => Some(&typed.properties),
            _ => None,
        }
    }

    /// The items of a strict array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::StrictArray(items) => Some(items),
            _ => None,
        }
    }

    /// The number that this value means: also a date's milliseconds, a string with a number in it, a boolean as
    /// 0 or 1.
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Date { millis, .. } => Some(*millis),
            _ => self
                .as_number()
                .or_else(|| self.as_bool().map(|it| u8::from(it).into()))
                .or_else(|| self.as_str()?.trim().parse().ok()),
        }
    }

    /// The boolean that this value means: also a number other than 0, "true" and "1".
    pub fn to_bool(&self) -> Option<bool> {
        self.as_bool()
            .or_else(|| self.as_number().map(|it| it != 0.0))
            .or_else(|| self.as_str().map(|it| matches!(it, "true" | "1")))
    }

    /// The number that this value [means](Self::to_number) as an integer, for ids, sizes and bits.
    ///
    /// `None` unless it is finite, whole and fits: nothing is rounded, wrapped or saturated.
    ///
    /// ```
    /// use levada_amf::Value;
    ///
    /// assert_eq!(Value::Number(4294967295.0).to_u32(), Some(u32::MAX));
    /// for wrong in [f64::NAN, f64::INFINITY, -1.0, 0.5, 4294967296.0, 1e308] {
    ///     assert_eq!(Value::Number(wrong).to_u32(), None);
    /// }
    /// ```
    pub fn to_u32(&self) -> Option<u32> {
        let number = self.to_number()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the comparison refuses what did not survive the cast"
        )]
        let integer = number as u32;
        (f64::from(integer) == number).then_some(integer)
    }

    /// The strings of a list. Some software sends lists as objects with the names "0", "1", …: the names are not
    /// looked at. Items that are no text are left out.
    pub fn to_strings(&self) -> impl Iterator<Item = &str> {
        let items = self.as_array().unwrap_or_default().iter();
        let members = self.as_object().into_iter().flatten().map(|(_, value)| value);
        items.chain(members).filter_map(Self::as_str)
    }

    /// This value with every AMF3 value in it replaced by what comes closest to it in AMF0, so that a reader need
    /// not know which of the two a peer prefers. See [`amf3::Value::into_amf0`].
    ///
    /// ```
    /// use levada_amf::{Value, amf3};
    ///
    /// let info = Value::from(amf3::Object::new().with("app", "live"));
    /// assert_eq!(info.into_amf0().as_object().unwrap().str("app"), Some("live"));
    /// ```
    #[must_use]
    pub fn into_amf0(self) -> Self {
        let convert = |properties: Object| {
            properties.into_iter().map(|(name, value)| (name, value.into_amf0())).collect()
        };
        match self {
            Self::Amf3(value) => value.into_amf0(),
            Self::Object(properties) => Self::Object(convert(properties)),
            Self::EcmaArray { count, properties } => {
                Self::EcmaArray { count, properties: convert(properties) }
            }
            Self::TypedObject(mut typed) => {
                typed.properties = convert(typed.properties);
                Self::TypedObject(typed)
            }
            Self::StrictArray(items) => {
                items.into_iter().map(Self::into_amf0).collect::<Array>().into()
            }
            flat => flat,
        }
    }

    /// Copies all text out of the message that it was decoded from, which this value else keeps in memory.
    pub fn detach(&mut self) {
        match self {
            Self::String(text) | Self::LongString(text) | Self::Xml(text) => text.detach(),
            Self::Object(properties) | Self::EcmaArray { properties, .. } => properties.detach(),
            Self::TypedObject(typed) => {
                typed.class.detach();
                typed.properties.detach();
            }
            Self::StrictArray(items) => items.detach(),
            Self::Amf3(value) => value.detach(),
            _ => {}
        }
    }

    /// How many containers are inside one another here: 0 for a number or a string.
    pub fn depth(&self) -> usize {
        match self {
            Self::Object(properties) | Self::EcmaArray { properties, .. } => properties.depth(),
            Self::TypedObject(typed) => typed.properties.depth(),
            Self::StrictArray(items) => items.depth(),
            Self::Amf3(value) => value.depth(),
            _ => 0,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<AmfString> for Value {
    fn from(string: AmfString) -> Self {
        Self::String(string)
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

impl From<Object> for Value {
    fn from(properties: Object) -> Self {
        Self::Object(properties)
    }
}

impl From<TypedObject> for Value {
    fn from(typed: TypedObject) -> Self {
        Self::TypedObject(Box::new(typed))
    }
}

impl From<Array> for Value {
    fn from(items: Array) -> Self {
        Self::StrictArray(items)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::StrictArray(items.into_iter().collect())
    }
}

impl From<amf3::Value> for Value {
    fn from(value: amf3::Value) -> Self {
        Self::Amf3(Box::new(value))
    }
}

impl From<amf3::Object> for Value {
    fn from(object: amf3::Object) -> Self {
        amf3::Value::from(object).into()
    }
}
