use core::fmt;

/// Why bytes could not be read, or a value not be written. Offsets count from the start of the message body.
///
/// ```
/// use bytes::Bytes;
/// use levada_amf::{AmfError, AmfLimits, Fault, amf0};
///
/// let cut = amf0::decode_all(Bytes::from_static(&[0x02, 0, 5, b'h', b'e']), AmfLimits::default());
/// let why = cut.unwrap_err();
/// assert!(matches!(why, AmfError::Malformed { offset: 3, what: Fault::Truncated, .. }));
/// assert_eq!(why.to_string(), "malformed at byte 3: more bytes announced than the message has (AMF0 §2)");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AmfError {
    /// The peer broke the grammar.
    #[error("malformed at byte {offset}: {what} ({section})")]
    Malformed {
        /// Where.
        offset: usize,
        /// The rule it broke.
        what: Fault,
        /// Where the rule stands.
        section: &'static str,
    },
    /// The peer used something that nobody can read without further agreement.
    #[error("unsupported at byte {offset}: {what} ({section})")]
    Unsupported {
        /// Where.
        offset: usize,
        /// What it used.
        what: Unsupported,
        /// Where it is described, or left open.
        section: &'static str,
    },
    /// A limit was passed: of [`AmfLimits`](crate::AmfLimits) when reading, of the format when writing.
    #[error("at byte {offset}: more than {limit} {which}")]
    Limit {
        /// Where.
        offset: usize,
        /// Which limit.
        which: Limit,
        /// Its value.
        limit: usize,
    },
    /// The caller asked to write what no reader could understand. Nothing was written.
    #[error("cannot encode: {0}")]
    Misuse(Misuse),
}

/// The rule that a peer broke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The message ends inside a value, or announces more than it holds.
    Truncated,
    /// An object-end marker (`09`) where no object is open.
    UnexpectedEnd,
    /// A reference to something that the message has not begun yet.
    InvalidReference,
    /// The first byte of an AMF3-capable message selects no known format.
    Selector,
}

/// What a peer used that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unsupported {
    /// A marker that is reserved or was never assigned.
    Marker(u8),
    /// An object that serialises itself, of a class that is not known here: its length cannot be known either.
    Externalizable,
}

/// The names of the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// [`AmfLimits::depth`](crate::AmfLimits::depth), or [`MAX_DEPTH`](crate::MAX_DEPTH) of a value to encode.
    Depth,
    /// [`AmfLimits::values`](crate::AmfLimits::values)
    Values,
    /// [`AmfLimits::bytes`](crate::AmfLimits::bytes)
    Bytes,
    /// [`AmfLimits::string`](crate::AmfLimits::string), or what a length field can say.
    String,
    /// [`AmfLimits::name`](crate::AmfLimits::name), or the 65,535 bytes of a name to encode.
    Name,
    /// What a count field can say.
    Count,
}

/// What a caller did wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Misuse {
    /// A reference to a value that this encoder has not begun to write.
    DanglingReference,
    /// A dynamic or associative member of AMF3 with an empty name: that is what ends the list of members.
    EmptyName,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Truncated => "more bytes announced than the message has",
            Self::UnexpectedEnd => "an end marker without an object",
            Self::InvalidReference => "a reference to nothing",
            Self::Selector => "no such format",
        })
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marker(marker) => write!(out, "marker 0x{marker:02x}"),
            Self::Externalizable => out.write_str("an externalizable object of an unknown class"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Depth => "levels of nesting",
            Self::Values => "values",
            Self::Bytes => "bytes of text and data",
            Self::String => "bytes in a string",
            Self::Name => "bytes in a name",
            Self::Count => "members",
        })
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::DanglingReference => "a reference to a value that was not written before",
            Self::EmptyName => "an empty name among the dynamic members of an AMF3 value",
        })
    }
}
