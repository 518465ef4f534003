use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write};

use bytes::Bytes;

/// A string as it was sent: bytes that ought to be UTF-8.
///
/// Titles in Latin-1 and texts cut in the middle of a letter are out there, and no reason to lose a message. So
/// the bytes are kept, [`as_str`](Self::as_str) says whether they are text, and printing replaces what is not.
///
/// A decoded string is a slice of the message it came in, and keeps that whole message in memory:
/// [`detach`](Self::detach) it to keep it for longer.
///
/// ```
/// use levada_amf::AmfString;
///
/// let title = AmfString::from(&b"caf\xe9"[..]);
/// assert_eq!(title.as_str(), None);
/// assert_eq!(title.to_string(), "caf\u{fffd}");
/// assert_eq!(AmfString::from("live"), "live");
/// ```
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AmfString(Bytes);

impl AmfString {
    /// A string of static text: no copy, no allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// The text with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Copies the bytes out of the message that they are a slice of, which can be freed then.
    pub fn detach(&mut self) {
        self.0 = Bytes::copy_from_slice(&self.0);
    }
}

impl From<&'static str> for AmfString {
    fn from(text: &'static str) -> Self {
        Self::from_static(text)
    }
}

impl From<String> for AmfString {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Bytes> for AmfString {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for AmfString {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl PartialEq<str> for AmfString {
    fn eq(&self, text: &str) -> bool {
        *self.0 == *text.as_bytes()
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
            None => fmt::Debug::fmt(&self.0, out),
        }
    }
}

impl fmt::Display for AmfString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            out.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                out.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}
