//! Who may publish and play: from the text after the application's name to an input, or to the reason why not.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use thiserror::Error;

use crate::{InputId, Now};

/// Why a publisher or a player was turned away. Holds nothing of what they sent.
///
/// The order is that of the decision: the first that holds is the answer.
#[derive(Clone, Copy, Debug, Eq, Error, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Refusal {
    /// The listener is closing.
    #[error("this listener is closing")]
    ListenerStopping,
    /// No such application.
    #[error("no such application")]
    UnknownApp,
    /// No stream name.
    #[error("the stream name is empty")]
    EmptyName,
    /// Too many attempts with this key from this address.
    #[error("too many attempts, try again in a minute")]
    RateLimited,
    /// No such key, or the wrong token: nobody is told which.
    #[error("unknown stream key")]
    UnknownKey,
    /// The input is switched off.
    #[error("this input is disabled")]
    Disabled,
    /// The input fetches its media itself.
    #[error("this input pulls its source")]
    InputIsPull,
    /// As many inputs are active as may be.
    #[error("too many active inputs")]
    Quota,
    /// Somebody publishes there.
    #[error("somebody is publishing to this input")]
    AlreadyPublishing,
    /// Nothing to play by that name.
    #[error("no such stream")]
    NotFound,
    /// As many players are there as may be.
    #[error("too many players")]
    TooManyPlayers,
    /// A codec that the policy does not allow.
    #[error("this codec is not supported")]
    CodecUnsupported,
    /// A keyframe interval that the policy does not allow.
    #[error("the keyframe interval is out of range")]
    GopOutOfRange,
}

impl Refusal {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ListenerStopping => "listener_stopping",
            Self::UnknownApp => "unknown_app",
            Self::EmptyName => "empty_name",
            Self::RateLimited => "rate_limited",
            Self::UnknownKey => "unknown_key",
            Self::Disabled => "disabled",
            Self::InputIsPull => "input_is_pull",
            Self::Quota => "quota",
            Self::AlreadyPublishing => "already_publishing",
            Self::NotFound => "not_found",
            Self::TooManyPlayers => "too_many_players",
            Self::CodecUnsupported => "codec_unsupported",
            Self::GopOutOfRange => "gop_out_of_range",
        }
    }

    /// The status code of the RTMP answer. Put the refusal's text into its `description`: encoders print it.
    /// Close the connection once that is flushed, after [`CLOSE_AFTER_REFUSAL`] at the latest.
    pub const fn rtmp_code(self) -> &'static str {
        match self {
            Self::ListenerStopping => "NetConnection.Connect.Rejected",
            Self::UnknownApp => "NetConnection.Connect.InvalidApp",
            Self::NotFound | Self::TooManyPlayers => "NetStream.Play.StreamNotFound",
            Self::CodecUnsupported | Self::GopOutOfRange => "NetStream.Publish.Rejected",
            _ => "NetStream.Publish.BadName",
        }
    }
}

/// How long a refused connection may stay to read its answer. Some encoders wait for ever if it is kept.
pub const CLOSE_AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// What a name is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Use {
    /// To send media.
    Publish,
    /// To get media.
    Play,
}

/// Which of an input's two places a publisher takes.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Slot {
    /// The one that is used when it can be.
    #[default]
    Primary,
    /// The one that stands in.
    Backup,
}

impl Slot {
    /// The other place.
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Backup,
            Self::Backup => Self::Primary,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// The text after the application's name, taken apart: `name?token` or `name?key=…&slot=backup`.
///
/// It is split at each `?`. The first part without `=` is the token, the others are queries, in which `key`, `token`
/// and `auth` are tokens too. Parts that mean nothing, such as `vhost=out`, are passed over.
///
/// ```
/// use levada_control::StreamName;
///
/// let name = StreamName::parse("320423?Zm9vYmFy?vhost=out");
/// assert_eq!((name.name(), name.token()), ("320423", Some("Zm9vYmFy")));
/// assert_eq!(StreamName::parse("key?slot=backup").parameter("slot"), Some("backup"));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct StreamName<'a> {
    name: &'a str,
    token: Option<&'a str>,
    queries: &'a str,
}

impl<'a> StreamName<'a> {
    /// Takes a text apart. There is none that can't be.
    pub fn parse(text: &'a str) -> Self {
        let (name, queries) = text.split_once('?').unwrap_or((text, ""));
        let bare = queries.split('?').find(|it| !it.is_empty() && !it.contains('='));
        let parsed = Self { name, token: None, queries };
        let named = || ["key", "token", "auth"].into_iter().find_map(|it| parsed.parameter(it));
        Self { token: bare.or_else(named), ..parsed }
    }

    /// What stands before the first `?`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&'a str> {
        self.token
    }

    /// A value of the queries.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.queries
            .split(['?', '&'])
            .filter_map(|it| it.split_once('='))
            .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
    }

    /// `{number}` or `{number}b`.
    pub(crate) fn number(&self) -> Option<(i64, Slot)> {
        let (digits, slot) = match self.name.strip_suffix('b') {
            Some(digits) => (digits, Slot::Backup),
            None => (self.name, Slot::Primary),
        };
        // `parse` would take a sign.
        let is_number = digits.bytes().all(|it| it.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number).map(|number| (number, slot))
    }

    /// `{client}_{number}_{quality}`.
    pub(crate) fn rendition(&self) -> Option<(i64, &'a str)> {
        let (head, quality) = self.name.rsplit_once('_')?;
        let (_, number) = head.rsplit_once('_')?;
        let is_number = number.bytes().all(|it| it.is_ascii_digit());
        number.parse().ok().filter(|_| is_number).map(|number| (number, quality))
    }
}

/// Shows nothing that could be a key.
impl fmt::Debug for StreamName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamName")
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

/// The applications of a keyed listener.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Apps {
    /// Where names are `{number}?{token}`: `in`.
    pub numbers: String,
    /// Where players ask for `{client}_{number}_{quality}?{play key}`: `out`.
    pub renditions: String,
    /// Where names are keys: `live`.
    pub keys: Vec<String>,
    /// Where names are `{type}/{id}?{token}`, an input's alias without its first word.
    pub calls: Option<String>,
}

impl Default for Apps {
    fn default() -> Self {
        Self {
            numbers: "in".into(),
            renditions: "out".into(),
            keys: Vec::from(["live".to_string()]),
            calls: None,
        }
    }
}

/// What the text of a stream name proved, without the text. Made by [`Plane::claim`](crate::Plane::claim).
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Claim {
    /// The right key or token of an input.
    Input {
        /// Which.
        input: InputId,
        /// Where to publish.
        slot: Slot,
        /// The quality to play, if one was asked for.
        rendition: Option<String>,
    },
    /// A name on an open listener. These are public.
    Open {
        /// The application.
        app: String,
        /// The name.
        name: String,
    },
    /// No name.
    Empty,
    /// An application that is not served.
    UnknownApp,
    /// Everything else.
    Unknown,
}

/// Counts attempts by what they ask for and where they come from.
///
/// Refused ones are not counted again: whoever keeps trying gets through as often as the limit says, no less.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Attempts {
    recent: BTreeMap<String, VecDeque<Duration>>,
    /// Every counted attempt in order, so that forgetting the oldest needs no search.
    order: VecDeque<(Duration, String)>,
    cap: usize,
}

impl Attempts {
    pub(crate) fn new(cap: usize) -> Self {
        Self { recent: BTreeMap::new(), order: VecDeque::new(), cap }
    }

    fn forget(&mut self, now: Now, within: Duration) {
        while let Some((at, _)) = self.order.front() {
            if at.saturating_add(within) > now.mono && self.order.len() <= self.cap {
                return;
            }
            let Some((_, name)) = self.order.pop_front() else { return };
            let Some(times) = self.recent.get_mut(&name) else { continue };
            times.pop_front();
            if times.is_empty() {
                self.recent.remove(&name);
            }
        }
    }

    /// Counts an attempt, or says that there were too many.
    /// `key` is what was asked for; wrong keys are one and the same, so that guessing many is no way around it.
    pub(crate) fn count(
        &mut self,
        now: Now,
        key: &str,
        address: IpAddr,
        (most, within): (u32, Duration),
    ) -> bool {
        self.forget(now, within);
        let name = alloc::format!("{address} {key}");
        let times = self.recent.entry(name.clone()).or_default();
        let recent = times.iter().filter(|it| it.saturating_add(within) > now.mono).count();
        if u32::try_from(recent).is_ok_and(|it| it >= most) {
            return false;
        }
        times.push_back(now.mono);
        self.order.push_back((now.mono, name));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::at;

    #[test]
    fn g03_g07_push_names_and_their_backups() {
        let name = StreamName::parse("320423?tok");
        assert_eq!((name.number(), name.token()), (Some((320_423, Slot::Primary)), Some("tok")));
        let name = StreamName::parse("320423b?tok");
        assert_eq!((name.number(), name.token()), (Some((320_423, Slot::Backup)), Some("tok")));
        for bad in ["", "b", "-1", "+1", "1bb", "12345678901234567890", "x1"] {
            assert_eq!(StreamName::parse(bad).number(), None, "{bad}");
        }
    }

    #[test]
    fn tokens_stand_bare_or_in_a_query() {
        for (text, token) in [
            ("n", None),
            ("n?", None),
            ("n?abc", Some("abc")),
            ("n?abc?vhost=out", Some("abc")),
            ("n?vhost=out?abc", Some("abc")),
            ("n?key=abc", Some("abc")),
            ("n?a=1&token=abc", Some("abc")),
            ("n?auth=abc", Some("abc")),
            ("n?key=", None),
            ("n?vhost=out", None),
            ("n??abc", Some("abc")),
        ] {
            let name = StreamName::parse(text);
            assert_eq!((name.name(), name.token()), ("n", token), "{text}");
        }
        assert_eq!(StreamName::parse("?abc").name(), "");
    }

    #[test]
    fn renditions_name_client_number_and_quality() {
        assert_eq!(StreamName::parse("7_320423_720p?k").rendition(), Some((320_423, "720p")));
        assert_eq!(StreamName::parse("a_b_1_hd").rendition(), Some((1, "hd")));
        for bad in ["1_720p", "7_x_720p", "", "7__720p"] {
            assert_eq!(StreamName::parse(bad).rendition(), None, "{bad}");
        }
    }

    #[test]
    fn log_02_a_stream_name_is_never_printed() {
        let shown = alloc::format!("{:?}", StreamName::parse("canary?token"));
        assert_eq!(shown, "StreamName { has_token: true, .. }");
    }

    #[test]
    fn g20_ten_attempts_in_sixty_seconds_and_again_after_them() {
        let (mut attempts, limit) = (Attempts::new(100), (10, Duration::from_secs(60)));
        let address = IpAddr::from([192, 0, 2, 1]);
        for attempt in 0..10 {
            assert!(attempts.count(at(attempt), "", address, limit), "{attempt}");
        }
        assert!(!attempts.count(at(10_000), "", address, limit), "the eleventh");
        assert!(attempts.count(at(10_000), "k", address, limit), "another key");
        assert!(
            attempts.count(at(10_000), "", IpAddr::from([192, 0, 2, 2]), limit),
            "another address"
        );
        assert!(!attempts.count(at(59_999), "", address, limit), "one step before");
        assert!(attempts.count(at(60_000), "", address, limit), "the first is 60 s old");
        assert!(attempts.count(at(60_001), "", address, limit), "and the second");
        assert!(attempts.count(at(60_002), "", address, limit));
    }

    #[test]
    fn attempts_of_many_addresses_stay_within_their_limit() {
        let mut attempts = Attempts::new(100);
        for n in 0..1000_u32 {
            let address = IpAddr::from(n.to_be_bytes());
            assert!(attempts.count(at(1), "", address, (10, Duration::from_secs(60))));
            assert!(attempts.order.len() <= 101 && attempts.recent.len() <= 101);
        }
    }
}
