use alloc::vec::{self, Vec};
use core::{fmt, slice};

use super::Value;
use crate::AmfString;
use crate::depth::Below;

/// Named values in their order: what an object, a typed object and an ECMA array hold.
///
/// A name may occur twice, and may be empty. Both are kept. Whoever asks by name gets the *last* value of that
/// name, as in the players this format was made for.
///
/// ```
/// use levada_amf::Object;
///
/// let command = Object::new()
///     .with("app", "live")
///     .with("tcUrl", "rtmp://host.example/live")
///     .with("fpad", false)
///     .with("audioCodecs", 3191);
/// assert_eq!(command.str("app"), Some("live"));
/// assert_eq!(command.number("audioCodecs"), Some(3191.0));
/// assert_eq!(command.number("videoCodecs"), None);
/// ```
#[derive(Clone, Default)]
pub struct Object {
    properties: Vec<(AmfString, Value)>,
    /// At least the depth of the deepest property: it stays when that one is removed.
    below: Below,
}

impl Object {
    /// One without properties.
    pub const fn new() -> Self {
        Self { properties: Vec::new(), below: Below::ZERO }
    }

    pub(super) fn with_capacity(count: usize) -> Self {
        Self { properties: Vec::with_capacity(count), below: Below::ZERO }
    }

    /// The object with one more property.
    #[must_use]
    pub fn with(mut self, name: impl Into<AmfString>, value: impl Into<Value>) -> Self {
        self.push(name, value);
        self
    }

    /// Puts a property behind the others, whatever their names are.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped, and the object cannot be encoded any more.
    pub fn push(&mut self, name: impl Into<AmfString>, value: impl Into<Value>) {
        let value = value.into();
        if self.below.admit(value.depth()) {
            self.properties.push((name.into(), value));
        }
    }

    /// Takes out every property of this name.
    pub fn remove(&mut self, name: &str) {
        self.properties.retain(|(own, _)| own != name);
    }

    /// The last value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.properties.iter().rfind(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The text of this name: see [`Value::as_str`].
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The number of this name: see [`Value::as_number`].
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_number()
    }

    /// The boolean of this name: see [`Value::as_bool`].
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The object or array of this name: see [`Value::as_object`].
    pub fn object(&self, name: &str) -> Option<&Self> {
        self.get(name)?.as_object()
    }

    /// All properties in their order.
    pub fn iter(&self) -> slice::Iter<'_, (AmfString, Value)> {
        self.properties.iter()
    }

    /// The number of properties.
    pub fn len(&self) -> usize {
        self.properties.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }

    /// See [`Value::detach`].
    pub fn detach(&mut self) {
        for (name, value) in &mut self.properties {
            name.detach();
            value.detach();
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }
}

impl<N: Into<AmfString>, V: Into<Value>> Extend<(N, V)> for Object {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, properties: I) {
        properties.into_iter().for_each(|(name, value)| self.push(name, value));
    }
}

impl<N: Into<AmfString>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(properties: I) -> Self {
        let mut object = Self::new();
        object.extend(properties);
        object
    }
}

impl IntoIterator for Object {
    type Item = (AmfString, Value);
    type IntoIter = vec::IntoIter<(AmfString, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.properties.into_iter()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = &'a (AmfString, Value);
    type IntoIter = slice::Iter<'a, (AmfString, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.properties == other.properties
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter().map(|(name, value)| (name, value))).finish()
    }
}
