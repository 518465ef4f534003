//! `_HLS_msn`, `_HLS_part` and `_HLS_skip`: may a playlist request be answered now (rfc8216bis §6.2.5.2)?

use core::time::Duration;

use crate::attributes::integer;

/// Delivery directives of a playlist request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BlockRequest {
    /// `_HLS_msn`: the segment that is waited for.
    pub sequence: Option<u64>,
    /// `_HLS_part`: the part of it that is waited for.
    pub part: Option<u64>,
    /// `_HLS_skip`: what a delta update may leave out.
    pub skip: SkipRequest,
}

/// What a client has and need not be told again. Whatever else `_HLS_skip` says is nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the values of §6.2.5.1")]
pub enum SkipRequest {
    /// Nothing.
    #[default]
    Nothing,
    /// `YES`: old segments.
    Segments,
    /// `v2`: old segments and old date ranges.
    SegmentsAndDateRanges,
}

/// A directive that cannot be understood: answer 400.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct BadDirective;

impl BlockRequest {
    /// Reads the directives from a query, without its question mark. Other parameters are passed over.
    ///
    /// ```
    /// use levada_hls::BlockRequest;
    ///
    /// let request = BlockRequest::parse("token=x&_HLS_msn=7&_HLS_part=2").unwrap();
    /// assert_eq!((request.sequence, request.part), (Some(7), Some(2)));
    /// assert!(BlockRequest::parse("_HLS_part=2").is_err());
    /// ```
    pub fn parse(query: &str) -> Result<Self, BadDirective> {
        let mut request = Self::default();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let number = || integer(value).ok_or(BadDirective);
            let before = match name {
                "_HLS_msn" => request.sequence.replace(number()?),
                "_HLS_part" => request.part.replace(number()?),
                "_HLS_skip" => {
                    request.skip = match value {
                        "YES" => SkipRequest::Segments,
                        "v2" => SkipRequest::SegmentsAndDateRanges,
                        _ => SkipRequest::Nothing,
                    };
                    None
                }
                _ => None,
            };
            if before.is_some() {
                return Err(BadDirective); // given twice
            }
        }
        if request.part.is_some() && request.sequence.is_none() {
            return Err(BadDirective);
        }
        Ok(request)
    }
}

/// Whether a playlist request may be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "yes, not yet, no")]
pub enum Readiness {
    /// Now, with the playlist as it is.
    Ready,
    /// When the playlist has changed: ask again then.
    Wait,
    /// Never: answer 400.
    TooFarAhead,
}

/// How far a playlist is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Progress {
    /// Sequence number of the open segment: one more than the last complete one.
    pub(crate) open: u64,
    /// Parts of the last complete segment, if it is known.
    pub(crate) last_parts: u64,
    /// Parts of the open segment.
    pub(crate) open_parts: u64,
    pub(crate) part_target: Option<Duration>,
    pub(crate) ended: bool,
}

impl Progress {
    pub(crate) fn readiness(&self, request: &BlockRequest) -> Readiness {
        let Some(wanted) = request.sequence.filter(|_| !self.ended) else {
            return Readiness::Ready;
        };
        let Some(part_target) = self.part_target else { return Readiness::Ready };
        // At most two beyond the last complete segment.
        if wanted > self.open.saturating_add(1) {
            return Readiness::TooFarAhead;
        }
        let Some(part) = request.part else {
            return if wanted < self.open { Readiness::Ready } else { Readiness::Wait };
        };
        if wanted < self.open {
            // A part behind the last one of a complete segment is the first one of the next.
            let listed = wanted + 1 < self.open || part < self.last_parts || self.open_parts > 0;
            return if listed { Readiness::Ready } else { Readiness::Wait };
        }
        let listed = if wanted == self.open { self.open_parts } else { 0 };
        if part < listed {
            return Readiness::Ready;
        }
        // `part - (listed - 1)` parts beyond the last one that is listed.
        if part + 1 - listed > advance_limit(part_target) {
            Readiness::TooFarAhead
        } else {
            Readiness::Wait
        }
    }
}

/// How many parts ahead may be asked for: three, or three seconds of parts that are shorter than one.
fn advance_limit(part_target: Duration) -> u64 {
    let target = part_target.as_nanos().clamp(1, 1_000_000_000);
    u64::try_from(3_000_000_000 / target).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn cases() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/llhls_cases.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// The state of the table: segments to 105 with four parts each, two parts of 106.
    fn progress() -> Progress {
        let part_target = Some(Duration::from_secs(1));
        Progress { open: 106, last_parts: 4, open_parts: 2, part_target, ended: false }
    }

    fn status(progress: &Progress, query: &str) -> (u64, bool) {
        match BlockRequest::parse(query).map(|it| progress.readiness(&it)) {
            Ok(Readiness::Ready) => (200, true),
            Ok(Readiness::Wait) => (200, false),
            Ok(Readiness::TooFarAhead) | Err(BadDirective) => (400, true),
        }
    }

    #[test]
    fn the_table_of_delivery_directives() {
        let mut seen = 0;
        for case in cases()["cases"].as_array().unwrap() {
            let now = case["respond"].as_str().unwrap().starts_with("now");
            let expected = (case["status"].as_u64().unwrap(), now);
            assert_eq!(status(&progress(), case["query"].as_str().unwrap()), expected, "{case}");
            seen += 1;
        }
        assert_eq!(seen, 30);
    }

    #[test]
    fn a_part_behind_the_last_waits_for_the_next_segment() {
        let closed = Progress { open: 107, last_parts: 4, open_parts: 0, ..progress() };
        assert_eq!(status(&closed, "_HLS_msn=106&_HLS_part=4"), (200, false));
        let next = Progress { open_parts: 1, ..closed };
        assert_eq!(status(&next, "_HLS_msn=106&_HLS_part=4"), (200, true));
    }

    #[test]
    fn an_ended_playlist_ignores_directives() {
        let ended = Progress { ended: true, ..progress() };
        for query in ["_HLS_msn=999", "_HLS_msn=106&_HLS_part=9", "_HLS_skip=YES"] {
            assert_eq!(status(&ended, query), (200, true));
        }
    }

    #[test]
    fn the_advance_limit_follows_the_part_target() {
        for row in cases()["hint_advance"].as_array().unwrap() {
            let target = Duration::from_secs_f64(row["part_target"].as_f64().unwrap());
            assert_eq!(advance_limit(target), row["limit"].as_f64().unwrap() as u64, "{row}");
        }
        assert_eq!(advance_limit(Duration::ZERO), 3_000_000_000);
    }
}
