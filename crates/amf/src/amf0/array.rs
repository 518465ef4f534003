use alloc::vec::{self, Vec};
use core::ops::Deref;
use core::{fmt, slice};

use super::Value;
use crate::depth::Below;

/// Values in their order: a strict array. Read it as the slice it is.
///
/// ```
/// use levada_amf::amf0::Array;
///
/// let codecs: Array = ["av01", "hvc1"].into_iter().collect();
/// assert_eq!(codecs.len(), 2);
/// assert_eq!(codecs[1].as_str(), Some("hvc1"));
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Array {
    items: Vec<Value>,
    below: Below,
}

impl Array {
    /// One without values.
    pub const fn new() -> Self {
        Self { items: Vec::new(), below: Below::ZERO }
    }

    pub(super) fn with_capacity(count: usize) -> Self {
        Self { items: Vec::with_capacity(count), below: Below::ZERO }
    }

    /// Puts a value behind the others.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped, and the array cannot be encoded any more.
    pub fn push(&mut self, value: impl Into<Value>) {
        let value = value.into();
        if self.below.admit(value.depth()) {
            self.items.push(value);
        }
    }

    /// See [`Value::detach`].
    pub fn detach(&mut self) {
        self.items.iter_mut().for_each(Value::detach);
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

impl<V: Into<Value>> Extend<V> for Array {
    fn extend<I: IntoIterator<Item = V>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<V: Into<Value>> FromIterator<V> for Array {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        let mut array = Self::new();
        array.extend(items);
        array
    }
}

impl IntoIterator for Array {
    type Item = Value;
    type IntoIter = vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(out)
    }
}
