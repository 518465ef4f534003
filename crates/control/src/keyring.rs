//! The only place that holds secrets. Machines, actions, notices, snapshots and journals name a key by its [`KeyRef`].

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{Entropy, HookId, InputId, OutputId};

/// Which secret is meant.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum KeyRef {
    /// What may publish to an input.
    Publish(InputId),
    /// What may play it over RTMP.
    Play(InputId),
    /// The URLs that an input is pulled from, which may hold passwords.
    Pull(InputId),
    /// The stream name at an output's target.
    Output(OutputId),
    /// What a hook's bodies are signed with.
    Hook(HookId),
}

/// What a [`Keyring`] has to do. Give every [`Action::Keys`](crate::Action::Keys) to [`Keyring::apply`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum KeyChange {
    /// Draw a new secret; an old one is gone at once.
    Mint(KeyRef),
    /// Forget it.
    Forget(KeyRef),
}

/// A text that is neither printed nor logged: `Debug` shows its last four characters.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Handle with care.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four characters, for people to tell keys apart. Nothing of one shorter than 12.
    pub fn hint(&self) -> String {
        let count = self.0.chars().count();
        if count < 12 {
            return "…".into();
        }
        core::iter::once('…').chain(self.0.chars().skip(count - 4)).collect()
    }

    /// Compares in a time that depends on the lengths only.
    pub fn matches(&self, text: &str) -> bool {
        same(self.0.as_bytes(), text.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

/// Equality that looks at every byte whatever the first ones say.
fn same(ours: &[u8], theirs: &[u8]) -> bool {
    let differing = ours
        .iter()
        .zip(theirs.iter().chain(core::iter::repeat(&0)))
        .fold(0, |differing, (a, b)| differing | core::hint::black_box(a ^ b));
    core::hint::black_box(differing) == 0 && ours.len() == theirs.len()
}

/// The first characters of a minted key, by which it is found. What follows is compared in constant time.
const SELECTOR: usize = 8;

/// All secrets of a server.
///
/// A minted key is 32 characters of `A–Z a–z 0–9 - _`: eight to find it by, and 144 bits that are compared in
/// constant time. Looking one up among a million takes the same time whether it is there or not.
///
/// ```
/// # use levada_control::{Entropy, InputId, KeyChange, KeyRef, Keyring};
/// # struct Zeros;
/// # impl Entropy for Zeros { fn fill(&mut self, buffer: &mut [u8]) { buffer.fill(0) } }
/// # let (input, mut entropy) = (InputId::from_bytes([7; 16]), Zeros);
/// let mut keys = Keyring::default();
/// keys.apply(KeyChange::Mint(KeyRef::Publish(input)), &mut entropy);
///
/// let key = keys.secret(KeyRef::Publish(input)).expect("just minted").reveal().to_owned();
/// assert_eq!(keys.publish_key(&key), Some(input));
/// assert_eq!(keys.play_key(&key), None);
/// ```
#[derive(Clone, Default)]
pub struct Keyring {
    secrets: BTreeMap<KeyRef, Secret>,
    /// Selector to the keys that begin with it. Eight characters are 48 bits: hardly ever more than one.
    found_by: BTreeMap<String, Vec<KeyRef>>,
}

impl Keyring {
    /// Does what a plane asks for.
    pub fn apply(&mut self, change: KeyChange, entropy: &mut dyn Entropy) {
        match change {
            KeyChange::Mint(key) => self.put(key, mint(entropy)),
            KeyChange::Forget(key) => self.forget(key),
        }
    }

    /// Keeps a secret that came from elsewhere: an output's key, a pull's URLs, a stored key after a restart.
    pub fn put(&mut self, key: KeyRef, secret: Secret) {
        self.forget(key);
        if let (Some(selector), true) = (selector(secret.reveal()), is_looked_up(key)) {
            self.found_by.entry(selector.into()).or_default().push(key);
        }
        self.secrets.insert(key, secret);
    }

    fn forget(&mut self, key: KeyRef) {
        let Some(secret) = self.secrets.remove(&key) else { return };
        let Some(selector) = selector(secret.reveal()) else { return };
        if let Some(keys) = self.found_by.get_mut(selector) {
            keys.retain(|it| *it != key);
            if keys.is_empty() {
                self.found_by.remove(selector);
            }
        }
    }

    /// A secret, to be used or stored.
    pub fn secret(&self, key: KeyRef) -> Option<&Secret> {
        self.secrets.get(&key)
    }

    /// All of them, to be stored where secrets are stored.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRef, &Secret)> {
        self.secrets.iter().map(|(key, secret)| (*key, secret))
    }

    /// Whether a text is this key, in constant time. A key that does not exist takes as long.
    pub fn matches(&self, key: KeyRef, text: &str) -> bool {
        match self.secrets.get(&key) {
            Some(secret) => secret.matches(text),
            None => {
                // The work of a comparison, so that nobody can tell which inputs exist.
                same(&[0; 32], text.as_bytes());
                false
            }
        }
    }

    /// The input that this text may publish to.
    pub fn publish_key(&self, text: &str) -> Option<InputId> {
        self.look_up(text).find_map(|key| match key {
            KeyRef::Publish(input) => Some(input),
            _ => None,
        })
    }

    /// The input that this text may play.
    pub fn play_key(&self, text: &str) -> Option<InputId> {
        self.look_up(text).find_map(|key| match key {
            KeyRef::Play(input) => Some(input),
            _ => None,
        })
    }

    fn look_up<'a>(&'a self, text: &'a str) -> impl Iterator<Item = KeyRef> + 'a {
        let candidates = selector(text).and_then(|it| self.found_by.get(it));
        if candidates.is_none() {
            same(&[0; 32], text.as_bytes());
        }
        candidates.into_iter().flatten().copied().filter(move |key| self.matches(*key, text))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.secrets).finish()
    }
}

/// Only these are presented by strangers.
fn is_looked_up(key: KeyRef) -> bool {
    matches!(key, KeyRef::Publish(_) | KeyRef::Play(_))
}

fn selector(text: &str) -> Option<&str> {
    text.get(..SELECTOR)
}

fn mint(entropy: &mut dyn Entropy) -> Secret {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    let letters = bytes.iter().filter_map(|it| LETTERS.get(usize::from(it & 63)).copied());
    Secret(letters.map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;
    use crate::tests::Dice;

    fn ring() -> (Keyring, InputId, String, String) {
        let (mut keys, mut dice) = (Keyring::default(), Dice::new(3));
        let input = InputId::draw(&mut dice);
        for key in [KeyRef::Publish(input), KeyRef::Play(input)] {
            keys.apply(KeyChange::Mint(key), &mut dice);
        }
        let text = |key| keys.secret(key).unwrap().reveal().to_string();
        let (publish, play) = (text(KeyRef::Publish(input)), text(KeyRef::Play(input)));
        (keys, input, publish, play)
    }

    #[test]
    fn c24_a_publish_key_never_plays_and_a_play_key_never_publishes() {
        let (keys, input, publish, play) = ring();
        assert_ne!(publish, play);
        assert_eq!(publish.len(), 32);
        assert!(publish.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_'));
        assert_eq!((keys.publish_key(&publish), keys.publish_key(&play)), (Some(input), None));
        assert_eq!((keys.play_key(&play), keys.play_key(&publish)), (Some(input), None));
    }

    #[test]
    fn api_02_a_key_that_differs_in_its_first_or_last_byte_is_another() {
        let (keys, _, publish, _) = ring();
        for at in [0, SELECTOR - 1, SELECTOR, 31] {
            let mut wrong = publish.clone().into_bytes();
            wrong[at] ^= 1;
            assert_eq!(keys.publish_key(core::str::from_utf8(&wrong).unwrap()), None, "{at}");
        }
        for wrong in ["", "short", &publish[..31], &format!("{publish}A"), &format!("{publish}\0")]
        {
            assert_eq!(keys.publish_key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn g22_a_rotated_key_is_gone_at_once() {
        let (mut keys, input, publish, _) = ring();
        keys.apply(KeyChange::Mint(KeyRef::Publish(input)), &mut Dice::new(9));
        assert_eq!(keys.publish_key(&publish), None);
        let new = keys.secret(KeyRef::Publish(input)).unwrap().reveal().to_string();
        assert_eq!(keys.publish_key(&new), Some(input));
        keys.apply(KeyChange::Forget(KeyRef::Publish(input)), &mut Dice::new(9));
        assert_eq!(keys.publish_key(&new), None);
        assert!(!keys.matches(KeyRef::Publish(input), &new));
    }

    #[test]
    fn log_02_a_secret_shows_its_last_four_characters_and_a_short_one_nothing() {
        let secret = Secret::new("canary-key-0123456789");
        assert_eq!(format!("{secret:?}"), "…6789");
        assert_eq!(Secret::new("hunter2").hint(), "…");
        let (keys, _, publish, play) = ring();
        let shown = format!("{keys:?}");
        assert!(!shown.contains(&publish) && !shown.contains(&play));
    }

    #[test]
    fn two_keys_that_begin_alike_are_told_apart() {
        let mut keys = Keyring::default();
        let inputs = [1, 2].map(|it| InputId::from_bytes([it; 16]));
        for (input, text) in inputs.iter().zip(["selector-one", "selector-two"]) {
            keys.put(KeyRef::Publish(*input), Secret::new(text));
        }
        assert_eq!(keys.publish_key("selector-one"), Some(inputs[0]));
        assert_eq!(keys.publish_key("selector-two"), Some(inputs[1]));
        keys.forget(KeyRef::Publish(inputs[0]));
        assert_eq!(keys.publish_key("selector-one"), None);
        assert_eq!(keys.publish_key("selector-two"), Some(inputs[1]));
    }
}
