//! Names of things: random bytes, written as lower-case hex.

use core::fmt;
use core::str::FromStr;

use crate::Error;

/// Where chance comes from: the caller's random number generator.
///
/// Ids and keys are drawn from it, so it must be one made for secrets. A journal can stand in for it on replay.
pub trait Entropy {
    /// Fills the whole buffer.
    fn fill(&mut self, buffer: &mut [u8]);
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(bytes)
}

// Six types that differ in name and length only, so that an output's id can't be taken for an input's.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name([u8; $len]);

        impl $name {
            /// An id that exists already.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// A new one.
            pub fn draw(entropy: &mut dyn Entropy) -> Self {
                let mut bytes = [0; $len];
                entropy.fill(&mut bytes);
                Self(bytes)
            }

            /// A number with the id's randomness, for spreading timers.
            #[allow(dead_code, reason = "not every kind of id spreads timers")]
            pub(crate) fn seed(&self) -> u64 {
                self.0.iter().fold(0, |seed: u64, byte| seed.rotate_left(8) ^ u64::from(*byte))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                parse_hex(text).map(Self).ok_or(Error::NotFound { what: $what })
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An RTMP listener: 24 hex digits.
    ListenerId, 12, "listener"
);
id!(
    /// A live input: 32 hex digits.
    InputId, 16, "input"
);
id!(
    /// One publisher's or player's stay: 16 hex digits.
    SessionId, 8, "session"
);
id!(
    /// A push to another server: 32 hex digits.
    OutputId, 16, "output"
);
id!(
    /// A recording: 32 hex digits.
    RecordingId, 16, "recording"
);
id!(
    /// An audience show: 32 hex digits.
    ShowId, 16, "show"
);
id!(
    /// A clip: 32 hex digits.
    ClipId, 16, "clip"
);
id!(
    /// A webhook: 32 hex digits.
    HookId, 16, "hook"
);
id!(
    /// A key that playback tokens are signed with: 32 hex digits.
    SigningKeyId, 16, "signing key"
);

/// A second name of a recording in URLs: 16 letters and digits, made of its id.
pub(crate) fn slug(id: &RecordingId) -> alloc::string::String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letters = id.0.iter().filter_map(|it| LETTERS.get(usize::from(*it) % 62).copied());
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::tests::Dice;

    #[test]
    fn ids_are_lower_hex_of_their_length_and_nothing_else_parses() {
        let mut dice = Dice::new(1);
        let id = InputId::draw(&mut dice);
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse::<InputId>(), Ok(id));
        assert_eq!(ListenerId::draw(&mut dice).to_string().len(), 24);
        assert_eq!(SessionId::draw(&mut dice).to_string().len(), 16);
        for bad in ["", "00", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), "group/../cam1"] {
            assert_eq!(bad.parse::<InputId>(), Err(Error::NotFound { what: "input" }), "{bad}");
        }
    }

    #[test]
    fn a_slug_is_16_letters_and_digits() {
        let slug = slug(&RecordingId::draw(&mut Dice::new(2)));
        assert_eq!(slug.len(), 16);
        assert!(slug.bytes().all(|it| it.is_ascii_alphanumeric()));
    }
}
