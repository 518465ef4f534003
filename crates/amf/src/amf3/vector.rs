use alloc::vec::Vec;

use super::Value;
use crate::AmfString;
use crate::depth::Below;

/// A typed list of values.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorObject {
    fixed: bool,
    class: AmfString,
    items: Vec<Value>,
    below: Below,
}

/// Pairs of values in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary {
    weak: bool,
    entries: Vec<(Value, Value)>,
    below: Below,
}

impl VectorObject {
    /// One without items. The class of its items is empty or `*` when they can be anything.
    pub fn new(class: impl Into<AmfString>, fixed: bool) -> Self {
        Self { fixed, class: class.into(), items: Vec::new(), below: Below::ZERO }
    }

    /// The vector with one more item.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped, and the vector cannot be encoded any more.
    #[must_use]
    pub fn with_item(mut self, item: impl Into<Value>) -> Self {
        self.push(item.into());
        self
    }

    /// Whether its length cannot change in the player.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// The class of its items.
    pub fn class(&self) -> &AmfString {
        &self.class
    }

    /// Its items.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    pub(super) fn push(&mut self, item: Value) {
        if self.below.admit(item.depth()) {
            self.items.push(item);
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }

    pub(super) fn into_items(self) -> Vec<Value> {
        self.items
    }

    pub(super) fn detach(&mut self) {
        self.class.detach();
        self.items.iter_mut().for_each(Value::detach);
    }
}

impl Dictionary {
    /// One without entries.
    pub const fn new(weak: bool) -> Self {
        Self { weak, entries: Vec::new(), below: Below::ZERO }
    }

    /// The dictionary with one more entry.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped with its entry, and the dictionary cannot be
    /// encoded any more.
    #[must_use]
    pub fn with_entry(mut self, key: impl Into<Value>, value: impl Into<Value>) -> Self {
        self.push(key.into(), value.into());
        self
    }

    /// Whether it holds its keys only as long as something else does.
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// Its entries.
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    pub(super) fn push(&mut self, key: Value, value: Value) {
        if self.below.admit(key.depth().max(value.depth())) {
            self.entries.push((key, value));
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }

    pub(super) fn detach(&mut self) {
        for (key, value) in &mut self.entries {
            key.detach();
            value.detach();
        }
    }
}
