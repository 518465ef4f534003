use alloc::borrow::Cow;
use alloc::string::String;
use core::cmp::Ordering;
use core::fmt::{self, Write};
use core::hash::{Hash, Hasher};
use core::ops::Range;

use bytes::Bytes;

/// A string as it was sent: bytes that ought to be UTF-8.
///
/// Titles in Latin-1 and texts cut in the middle of a letter are out there, and no reason to lose a message. So
/// the bytes are kept, [`as_str`](Self::as_str) says whether they are text, and printing replaces what is not.
///
/// A decoded string of more than 23 bytes is a slice of the message it came in, and keeps that whole message in
/// memory: [`detach`](Self::detach) it to keep it for longer. Shorter ones are copied into place, which costs less
/// than counting one more reference to the message.
///
/// ```
/// use levada_amf::AmfString;
///
/// let title = AmfString::from(&b"caf\xe9"[..]);
/// assert_eq!(title.as_str(), None);
/// assert_eq!(title.to_string(), "caf\u{fffd}");
/// assert_eq!(AmfString::from("live"), "live");
/// ```
#[derive(Clone)]
pub struct AmfString(Repr);

#[derive(Clone)]
enum Repr {
    /// Invariant: `length` is at most [`IN_PLACE`].
    InPlace {
        length: u8,
        bytes: [u8; IN_PLACE],
    },
    Shared(Bytes),
}

/// What fits without making the type larger than [`Bytes`] is.
const IN_PLACE: usize = 23;

impl AmfString {
    /// A string of static text: no copy, no allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Shared(Bytes::from_static(text.as_bytes())))
    }

    /// The text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_bytes()).ok()
    }

    /// The text with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::InPlace { length, bytes } => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The bytes, shared if they are.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::InPlace { .. } => Bytes::copy_from_slice(self.as_bytes()),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the bytes out of the message that they are a slice of, which can be freed then.
    pub fn detach(&mut self) {
        if let Repr::Shared(bytes) = &mut self.0 {
            *bytes = Bytes::copy_from_slice(bytes);
        }
    }

    /// What stands at `range` in a message. The caller knows that it is there.
    pub(crate) fn slice_of(message: &Bytes, range: Range<usize>) -> Self {
        let text = message.get(range.clone()).unwrap_or_default();
        let mut bytes = [0; IN_PLACE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(length)) => {
                start.copy_from_slice(text);
                Self(Repr::InPlace { length, bytes })
            }
            _ => Self(Repr::Shared(message.slice(range))),
        }
    }
}

impl Default for AmfString {
    fn default() -> Self {
        Self::from_static("")
    }
}

impl Eq for AmfString {}

impl PartialEq for AmfString {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Ord for AmfString {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for AmfString {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for AmfString {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl From<&'static str> for AmfString {
    fn from(text: &'static str) -> Self {
        Self::from_static(text)
    }
}

impl From<String> for AmfString {
    fn from(text: String) -> Self {
        Self(Repr::Shared(text.into()))
    }
}

impl From<Bytes> for AmfString {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Shared(bytes))
    }
}

impl From<&[u8]> for AmfString {
    fn from(bytes: &[u8]) -> Self {
        Self(Repr::Shared(Bytes::copy_from_slice(bytes)))
    }
}

impl PartialEq<str> for AmfString {
    fn eq(&self, text: &str) -> bool {
        self.as_bytes() == text.as_bytes()
    }
}

impl PartialEq<&str> for AmfString {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl fmt::Debug for AmfString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => fmt::Debug::fmt(text, out),
            None => write!(out, "b\"{}\"", self.as_bytes().escape_ascii()),
        }
    }
}

impl fmt::Display for AmfString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.as_bytes().utf8_chunks() {
            out.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                out.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}
