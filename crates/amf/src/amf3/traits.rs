use alloc::vec::Vec;

use crate::AmfString;

/// What the objects of one class have in common. Sent once in a message, then by reference.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Traits {
    pub(crate) class: AmfString,
    pub(crate) kind: Kind,
    /// The names of the members that every object of the class has, in the order of their values.
    pub(crate) sealed: Vec<AmfString>,
}

/// What follows the sealed members.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    #[default]
    Sealed,
    /// More members, with their names.
    Dynamic,
    /// Instead of members: bytes that the class alone understands.
    Externalizable,
}

impl Traits {
    /// The bytes of its text.
    pub(crate) fn text_len(&self) -> usize {
        self.sealed.iter().fold(self.class.len(), |sum, name| sum.saturating_add(name.len()))
    }
}
