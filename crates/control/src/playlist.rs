//! What a request for a playlist asks for, and whether it can be had.

use core::time::Duration;

use thiserror::Error;

use crate::{Error, Now, Profile};

/// The longest preview.
pub const LONGEST_PREVIEW: Duration = Duration::from_secs(300);
/// The longest clip by query.
pub const LONGEST_CLIP: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PlaylistRequest {
    /// What runs.
    Live,
    /// `?dvrEnabled=true`: everything since the broadcast began.
    Dvr,
    /// `?duration=30s`: the last stretch, as a playlist that has ended.
    Preview {
        /// How long: at most 5 min.
        duration: Duration,
    },
    /// `clip.m3u8?time=600s&duration=30s`: a stretch, cut outward at keyframes.
    Clip {
        /// Where it begins.
        time: Duration,
        /// How long it is: at most 60 s.
        duration: Duration,
    },
}

/// Why there is no playlist.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NoPlaylist {
    /// The query is wrong.
    #[error("the query is wrong")]
    BadQuery,
    /// The id names nothing.
    #[error("bad id")]
    BadId,
    /// The recording is not ready.
    #[error("not ready")]
    NotReady,
    /// Nothing was ever there to play.
    #[error("no source")]
    NoSource,
    /// The input exists and nothing is live.
    #[error("nothing is live")]
    NotLive,
    /// The media will exist, but does not yet.
    #[error("too early")]
    TooEarly,
}

impl NoPlaylist {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadQuery => 400,
            Self::NotLive => 204,
            Self::TooEarly => 425,
            Self::BadId | Self::NotReady | Self::NoSource => 404,
        }
    }

    /// The header `X-Err-Code`, of a 404.
    pub const fn err_code(self) -> Option<u16> {
        match self {
            Self::NoSource => Some(1000),
            Self::BadId => Some(2000),
            Self::NotReady => Some(3000),
            _ => None,
        }
    }
}

/// Seconds and minutes as queries have them: `30s`, `5m`, `30`.
fn parse_span(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.as_bytes().last()? {
        b's' => (text.strip_suffix('s')?, 1),
        b'm' => (text.strip_suffix('m')?, 60),
        _ => (text, 1),
    };
    let all_digits = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    let number = digits.parse::<u32>().ok().filter(|_| all_digits)?;
    Some(Duration::from_secs(u64::from(number) * unit))
}

impl PlaylistRequest {
    /// Reads a query of `video.m3u8`, or of `clip.m3u8`. Parameters that mean nothing here are left to others.
    ///
    /// ```
    /// use core::time::Duration;
    /// use levada_control::{NoPlaylist, PlaylistRequest};
    ///
    /// let preview = PlaylistRequest::Preview { duration: Duration::from_secs(300) };
    /// assert_eq!(PlaylistRequest::parse("duration=5m", false), Ok(preview));
    /// assert_eq!(PlaylistRequest::parse("duration=301s", false), Err(NoPlaylist::BadQuery));
    /// ```
    pub fn parse(query: &str, is_clip: bool) -> Result<Self, NoPlaylist> {
        let value = |name: &str| {
            query
                .split('&')
                .filter_map(|it| it.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        let span = |name| match value(name).map(parse_span) {
            Some(None) => Err(NoPlaylist::BadQuery),
            Some(span) => Ok(span),
            None => Ok(None),
        };
        let (time, duration) = (span("time")?, span("duration")?);
        let within =
            |limit: Duration| {
                duration
                    .map(|it| {
                        if it.is_zero() || it > limit { Err(NoPlaylist::BadQuery) } else { Ok(it) }
                    })
                    .transpose()
            };
        if is_clip {
            let duration = within(LONGEST_CLIP)?.ok_or(NoPlaylist::BadQuery)?;
            let time = time.ok_or(NoPlaylist::BadQuery)?;
            return Ok(Self::Clip { time, duration });
        }
        match (within(LONGEST_PREVIEW)?, value("dvrEnabled")) {
            (Some(duration), _) => Ok(Self::Preview { duration }),
            (None, Some("true")) => Ok(Self::Dvr),
            (None, None | Some("false")) => Ok(Self::Live),
            (None, Some(_)) => Err(NoPlaylist::BadQuery),
        }
    }

    /// Where to cut, given what media there is: from `first_ms` up to `last_ms`, growing if `live`.
    pub fn range(&self, first_ms: u64, last_ms: u64, live: bool) -> Result<(u64, u64), NoPlaylist> {
        let ms = crate::now::millis;
        match *self {
            Self::Live | Self::Dvr => Ok((first_ms, last_ms)),
            Self::Preview { duration } => {
                Ok((last_ms.saturating_sub(ms(duration)).max(first_ms), last_ms))
            }
            Self::Clip { time, duration } => {
                let (from, to) = (ms(time), ms(time).saturating_add(ms(duration)));
                if from < first_ms {
                    return Err(NoPlaylist::NoSource);
                }
                match (to <= last_ms, live) {
                    (true, _) => Ok((from, to)),
                    (false, true) => Err(NoPlaylist::TooEarly),
                    (false, false) if from < last_ms => Ok((from, last_ms)),
                    (false, false) => Err(NoPlaylist::NoSource),
                }
            }
        }
    }
}

/// A clip's life after its end: 60 s to 4 h.
const CLIP_EXPIRY_S: (u32, u32) = (60, 14_400);

/// A stretch of a recording or a DVR window, with a name of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "an order by an operator")]
pub struct ClipOrder {
    /// Where it begins in the source.
    pub start_ms: u64,
    /// How long it is.
    pub duration_ms: u64,
    /// Whether it is kept when its source goes.
    pub keep: bool,
    /// How long it may be fetched, unless it is kept. Default: 1 h.
    pub expires_after_s: Option<u32>,
}

impl ClipOrder {
    /// Says what is wrong with it, for a source whose media is from `first_ms` to `last_ms`.
    pub fn check(&self, first_ms: u64, last_ms: u64) -> Result<(), Error> {
        let invalid = |field, why| Err(Error::Invalid { field, why });
        if self.duration_ms == 0 {
            return invalid("duration", "must be positive");
        }
        let end = self.start_ms.checked_add(self.duration_ms);
        if self.start_ms < first_ms || end.is_none_or(|it| it > last_ms) {
            return invalid("start", "must lie with the whole clip inside the recorded window");
        }
        let (least, most) = CLIP_EXPIRY_S;
        if self.expires_after_s.is_some_and(|it| !(least..=most).contains(&it)) {
            return invalid("expiration", "must be 60 to 14400 seconds after the end");
        }
        Ok(())
    }

    /// Until when it may be fetched, unless it is kept.
    pub(crate) fn expiry(&self, now: Now) -> Option<Duration> {
        let seconds = u64::from(self.expires_after_s.unwrap_or(3600));
        (!self.keep).then(|| now.mono.saturating_add(Duration::from_secs(seconds)))
    }
}

/// Whether a DVR window may be asked for.
pub(crate) fn check_dvr_window(profile: &Profile, seconds: u32) -> Result<(), Error> {
    let (least, most) = profile.dvr_window_s;
    if (least..=most).contains(&seconds) {
        return Ok(());
    }
    Err(Error::Invalid { field: "dvr.window_s", why: "must be 30 to 14400" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn c30_previews_and_dvr() {
        let parse = |query| PlaylistRequest::parse(query, false);
        assert_eq!(parse(""), Ok(PlaylistRequest::Live));
        assert_eq!(parse("_HLS_msn=5&_HLS_part=1"), Ok(PlaylistRequest::Live));
        assert_eq!(parse("dvrEnabled=true"), Ok(PlaylistRequest::Dvr));
        assert_eq!(parse("duration=30s"), Ok(PlaylistRequest::Preview { duration: seconds(30) }));
        assert_eq!(parse("duration=300s"), Ok(PlaylistRequest::Preview { duration: seconds(300) }));
        for bad in [
            "duration=301s",
            "duration=6m",
            "duration=0s",
            "duration=-1s",
            "duration=",
            "duration=1h",
            "duration=99999999999s",
            "duration=+5s",
            "dvrEnabled=maybe",
        ] {
            assert_eq!(parse(bad), Err(NoPlaylist::BadQuery), "{bad}");
        }
        let preview = PlaylistRequest::Preview { duration: seconds(30) };
        assert_eq!(preview.range(0, 100_000, true), Ok((70_000, 100_000)));
        assert_eq!(preview.range(90_000, 100_000, true), Ok((90_000, 100_000)));
    }

    #[test]
    fn c31_t36_clips_by_query() {
        let parse = |query| PlaylistRequest::parse(query, true);
        let clip = PlaylistRequest::Clip { time: seconds(600), duration: seconds(30) };
        assert_eq!(parse("time=600s&duration=30s"), Ok(clip));
        assert!(parse("time=0s&duration=60s").is_ok());
        for bad in ["time=0s&duration=61s", "time=0s", "duration=30s", "", "time=x&duration=1s"] {
            assert_eq!(parse(bad).map_err(NoPlaylist::status), Err(400), "{bad}");
        }
        assert_eq!(clip.range(0, 630_000, true), Ok((600_000, 630_000)));
        assert_eq!(clip.range(0, 629_999, true).map_err(NoPlaylist::status), Err(425));
        assert_eq!(clip.range(0, 610_000, false), Ok((600_000, 610_000)));
        assert_eq!(clip.range(0, 600_000, false), Err(NoPlaylist::NoSource));
        assert_eq!(clip.range(600_001, 700_000, true), Err(NoPlaylist::NoSource));
    }

    #[test]
    fn t36_clips_by_order_lie_in_the_window_and_expire_within_four_hours() {
        let order = |start_ms, duration_ms, expires_after_s| ClipOrder {
            start_ms,
            duration_ms,
            keep: false,
            expires_after_s,
        };
        let check = |order: ClipOrder| order.check(1000, 61_000).map_err(|it| it.field());
        assert_eq!(check(order(1000, 60_000, None)), Ok(()));
        assert_eq!(check(order(999, 1000, None)), Err(Some("start")));
        assert_eq!(check(order(1000, 60_001, None)), Err(Some("start")));
        assert_eq!(check(order(u64::MAX, 1, None)), Err(Some("start")));
        assert_eq!(check(order(1000, 0, None)), Err(Some("duration")));
        for (expiry, ok) in [(59, false), (60, true), (14_400, true), (14_401, false)] {
            assert_eq!(check(order(1000, 1, Some(expiry))).is_ok(), ok, "{expiry}");
        }
    }

    #[test]
    fn c33_statuses_and_codes() {
        assert_eq!(NoPlaylist::NotLive.status(), 204);
        let codes = [NoPlaylist::NoSource, NoPlaylist::BadId, NoPlaylist::NotReady];
        assert_eq!(
            codes.map(|it| (it.status(), it.err_code())),
            [(404, Some(1000)), (404, Some(2000)), (404, Some(3000)),]
        );
    }
}
