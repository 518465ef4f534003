use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::Value;
use super::traits::{Kind, Traits};
use crate::AmfString;
use crate::depth::Below;

/// An object of AMF3: sealed members, which its class declares, then dynamic ones, which it has for itself.
///
/// ```
/// use levada_amf::amf3::Object;
///
/// // What an AMF0 object is: no class, everything dynamic.
/// let plain = Object::new().with("app", "live");
/// assert_eq!(plain.get("app").unwrap().as_str(), Some("live"));
///
/// let point = Object::of_class("example.P").with_sealed("x", 1).with_sealed("y", 2);
/// assert_eq!(point.class(), &"example.P");
/// assert_eq!(point.iter().map(|(name, _)| name.to_string()).collect::<String>(), "xy");
/// ```
#[derive(Clone, PartialEq)]
pub struct Object {
    traits: Arc<Traits>,
    /// Invariant: as many as `traits` names.
    sealed: Vec<Value>,
    /// Invariant: empty unless `traits` are dynamic.
    dynamic: Vec<(AmfString, Value)>,
    below: Below,
}

/// An object that serialises itself, of one of the classes whose bytes are known to be one value:
/// `flex.messaging.io.ArrayCollection`, `…ArrayList`, `…ObjectProxy`.
#[derive(Clone, PartialEq)]
pub struct Externalizable {
    traits: Arc<Traits>,
    body: Value,
    below: Below,
}

impl Object {
    /// An anonymous dynamic object without members.
    pub fn new() -> Self {
        Self::of(Traits { kind: Kind::Dynamic, ..Traits::default() }.into())
    }

    /// An object of a class without members. It becomes dynamic with its first dynamic member.
    pub fn of_class(class: impl Into<AmfString>) -> Self {
        Self::of(Traits { class: class.into(), ..Traits::default() }.into())
    }

    /// The object with one more dynamic member.
    ///
    /// Its name must not be empty, or the object cannot be encoded. A value that is [too deep](crate::MAX_DEPTH)
    /// is dropped, and the object cannot be encoded any more.
    #[must_use]
    pub fn with(mut self, name: impl Into<AmfString>, value: impl Into<Value>) -> Self {
        if self.traits.kind != Kind::Dynamic {
            Arc::make_mut(&mut self.traits).kind = Kind::Dynamic;
        }
        self.push_dynamic(name.into(), value.into());
        self
    }

    /// The object with one more sealed member.
    ///
    /// A value that is [too deep](crate::MAX_DEPTH) is dropped, and the object cannot be encoded any more.
    #[must_use]
    pub fn with_sealed(mut self, name: impl Into<AmfString>, value: impl Into<Value>) -> Self {
        if self.push_sealed(value.into()) {
            Arc::make_mut(&mut self.traits).sealed.push(name.into());
        }
        self
    }

    /// The name of its class, empty for an anonymous one. Nothing is looked up by it.
    pub fn class(&self) -> &AmfString {
        &self.traits.class
    }

    /// Whether it can have dynamic members.
    pub fn is_dynamic(&self) -> bool {
        self.traits.kind == Kind::Dynamic
    }

    /// The last member of this name, dynamic ones first.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().filter(|(own, _)| *own == name).last().map(|(_, value)| value)
    }

    /// All members: the [sealed](Self::sealed) ones, then the [dynamic](Self::dynamic) ones.
    pub fn iter(&self) -> impl Iterator<Item = (&AmfString, &Value)> {
        self.sealed().chain(self.dynamic())
    }

    /// The members that its class declares.
    pub fn sealed(&self) -> impl Iterator<Item = (&AmfString, &Value)> {
        self.traits.sealed.iter().zip(&self.sealed)
    }

    /// The members that it has for itself.
    pub fn dynamic(&self) -> impl Iterator<Item = (&AmfString, &Value)> {
        self.dynamic.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn of(traits: Arc<Traits>) -> Self {
        Self { traits, sealed: Vec::new(), dynamic: Vec::new(), below: Below::ZERO }
    }

    pub(super) fn push_sealed(&mut self, value: Value) -> bool {
        let admitted = self.below.admit(value.depth());
        if admitted {
            self.sealed.push(value);
        }
        admitted
    }

    pub(super) fn push_dynamic(&mut self, name: AmfString, value: Value) {
        if self.below.admit(value.depth()) {
            self.dynamic.push((name, value));
        }
    }

    pub(super) fn traits(&self) -> &Arc<Traits> {
        &self.traits
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }

    pub(super) fn into_members(self) -> impl Iterator<Item = (AmfString, Value)> {
        let names: Vec<AmfString> = self.traits.sealed.clone();
        names.into_iter().zip(self.sealed).chain(self.dynamic)
    }

    pub(super) fn detach(&mut self) {
        detach_traits(&mut self.traits);
        self.sealed.iter_mut().for_each(Value::detach);
        for (name, value) in &mut self.dynamic {
            name.detach();
            value.detach();
        }
    }
}

fn detach_traits(traits: &mut Arc<Traits>) {
    let traits = Arc::make_mut(traits);
    traits.class.detach();
    traits.sealed.iter_mut().for_each(AmfString::detach);
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.class().is_empty() {
            write!(out, "{:?} ", self.class())?;
        }
        out.debug_map().entries(self.iter()).finish()
    }
}

impl Externalizable {
    /// The class names whose bytes are one value.
    const KNOWN: [&'static str; 3] = [
        "flex.messaging.io.ArrayCollection",
        "flex.messaging.io.ArrayList",
        "flex.messaging.io.ObjectProxy",
    ];

    /// An `ArrayCollection`, which wraps an array.
    ///
    /// A body that is [too deep](crate::MAX_DEPTH) is dropped, and the object cannot be encoded.
    pub fn array_collection(body: impl Into<Value>) -> Self {
        let class = AmfString::from_static("flex.messaging.io.ArrayCollection");
        let traits = Traits { class, kind: Kind::Externalizable, sealed: Vec::new() };
        Self::of(traits.into(), body.into())
    }

    /// The name of its class.
    pub fn class(&self) -> &AmfString {
        &self.traits.class
    }

    /// The value that it writes for itself.
    pub fn body(&self) -> &Value {
        &self.body
    }

    pub(super) fn of(traits: Arc<Traits>, body: Value) -> Self {
        let mut below = Below::ZERO;
        let body = if below.admit(body.depth()) { body } else { Value::Undefined };
        Self { traits, body, below }
    }

    pub(super) fn is_known(traits: &Traits) -> bool {
        Self::KNOWN.iter().any(|known| traits.class == *known)
    }

    pub(super) fn traits(&self) -> &Arc<Traits> {
        &self.traits
    }

    pub(super) fn into_body(self) -> Value {
        self.body
    }

    pub(super) fn depth(&self) -> usize {
        self.below.depth()
    }

    pub(super) fn detach(&mut self) {
        detach_traits(&mut self.traits);
        self.body.detach();
    }
}

impl fmt::Debug for Externalizable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} ", self.class())?;
        self.body.fmt(out)
    }
}
