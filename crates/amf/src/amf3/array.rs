use alloc::vec::Vec;

use super::Value;
use crate::AmfString;
use crate::depth::Below;

/// An array of AMF3: values by name, then values by position. Mostly one of the two lists is empty.
///
/// ```
/// use levada_amf::amf3::Array;
///
/// let array = Array::new().with("title", "two numbers").with_item(1).with_item(2.5);
/// assert_eq!(array.items()[1].as_number(), Some(2.5));
/// assert_eq!(array.get("title").unwrap().as_str(), Some("two numbers"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    members: Vec<(AmfString, Value)>,
    items: Vec<Value>,
    below: Below,
}

impl Array {
    /// One without values.
    pub const fn new() -> Self {
        Self { members: Vec::new(), items: Vec::new(), below: Below::ZERO }
    }

    /// The array with one more value by name.
    ///
    /// The name must not be empty, or the array cannot be encoded. A value that is [too deep](crate::MAX_DEPTH)
    /// is dropped, and the array cannot be encoded any more.
    #[must_use]
    pub fn with(mut self, name: impl Into<AmfString>, value: impl Into<Value>) -> Self {
        self.push_member(name.into(), value.into());
        self
    }

    /// The array with one more value by position.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped, and the array cannot be encoded any more.
    #[must_use]
    pub fn with_item(mut self, item: impl Into<Value>) -> Self {
        self.push(item.into());
        self
    }

    /// The last value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().rfind(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The values by name.
    pub fn members(&self) -> &[(AmfString, Value)] {
        &self.members
    }

    /// The values by position.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    pub(super) fn push_member(&mut self, name: AmfString, value: Value) {
        if self.below.admit(value.depth()) {
            self.members.push((name, value));
        }
    }

    pub(super) fn push(&mut self, item: Value) {
        if self.below.admit(item.depth()) {
            self.items.push(item);
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }

    pub(super) fn into_parts(self) -> (Vec<(AmfString, Value)>, Vec<Value>) {
        (self.members, self.items)
    }

    pub(super) fn detach(&mut self) {
        for (name, value) in &mut self.members {
            name.detach();
            value.detach();
        }
        self.items.iter_mut().for_each(Value::detach);
    }
}

impl<V: Into<Value>> FromIterator<V> for Array {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        items.into_iter().fold(Self::new(), Self::with_item)
    }
}
