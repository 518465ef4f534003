use core::time::Duration;

use thiserror::Error;

use super::media::{PlaylistType, ReadMedia, ReadPart};

/// A rule that a playlist breaks, and where.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("line {line}: {rule}")]
#[non_exhaustive]
pub struct Violation {
    /// From 1. 0 for a rule about the whole.
    pub line: usize,
    /// What is broken.
    pub rule: Rule,
}

/// The rules that are checked while reading. Sections are those of rfc8216bis.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// §4.1
    #[error("a playlist must not begin with a byte order mark (§4.1)")]
    ByteOrderMark,
    /// §4.1
    #[error("{0} may stand only once (§4.1)")]
    Repeated(&'static str),
    /// §4.4.3.1
    #[error("EXT-X-TARGETDURATION is required (§4.4.3.1)")]
    NoTargetDuration,
    /// §4.4.3.1
    #[error(
        "a segment of {duration:?} rounds to more than the target duration of {target} s (§4.4.3.1)"
    )]
    SegmentTooLong {
        /// The segment's.
        duration: Duration,
        /// The playlist's, in seconds.
        target: u64,
    },
    /// §8
    #[error("{what} needs EXT-X-VERSION {needed}, the playlist says {version} (§8)")]
    Version {
        /// What was used.
        what: &'static str,
        /// From which version on it may be.
        needed: u64,
        /// The playlist's.
        version: u64,
    },
    /// §4.4.3.5
    #[error("segments were removed from a playlist of type EVENT or VOD (§4.4.3.5)")]
    RemovedFromFixed,
    /// §4.4.3.3
    #[error("{0} must stand before the first segment (§4.4.3)")]
    AfterSegment(&'static str),
    /// §4.4.5.1
    #[error("EXT-X-DATERANGE without any EXT-X-PROGRAM-DATE-TIME (§4.4.5.1)")]
    DateRangeWithoutDate,
    /// §4.4.4.9
    #[error("a part of {duration:?} is longer than PART-TARGET, {target:?} (§4.4.4.9)")]
    PartTooLong {
        /// The part's.
        duration: Duration,
        /// The playlist's.
        target: Duration,
    },
    /// §4.4.4.9
    #[error("a part of {duration:?} is shorter than 85 % of PART-TARGET, {target:?} (§4.4.4.9)")]
    PartTooShort {
        /// The part's.
        duration: Duration,
        /// The playlist's.
        target: Duration,
    },
    /// §4.4.3.7
    #[error("EXT-X-PART without EXT-X-PART-INF (§4.4.3.7)")]
    NoPartTarget,
    /// §4.4.3.8
    #[error("PART-HOLD-BACK is required with EXT-X-PART-INF (§4.4.3.8)")]
    NoPartHoldBack,
    /// §4.4.3.8
    #[error("PART-HOLD-BACK is less than twice PART-TARGET (§4.4.3.8)")]
    PartHoldBackTooSmall,
    /// §4.4.3.8
    #[error("HOLD-BACK is less than three target durations (§4.4.3.8)")]
    HoldBackTooSmall,
    /// §4.4.3.8
    #[error("CAN-SKIP-UNTIL is less than six target durations (§4.4.3.8)")]
    SkipUntilTooSmall,
    /// §4.4.5.3
    #[error("EXT-X-PRELOAD-HINT in a playlist that has ended (§4.4.5.3)")]
    HintAfterEnd,
    /// §4.4.4.1
    #[error("a URI without EXTINF (§4.4.4.1)")]
    NoDuration,
    /// §4.2
    #[error("{0} has an attribute that is missing or broken (§4.2)")]
    Attribute(&'static str),
}

/// The rules about a media playlist as a whole.
pub(super) fn check(playlist: &ReadMedia, mut broken: impl FnMut(usize, Rule)) {
    let target = playlist.target_duration;
    if target == 0 {
        broken(0, Rule::NoTargetDuration);
    }
    for segment in playlist.segments.iter().filter(|_| target > 0) {
        if rounded(segment.duration) > target {
            broken(segment.line, Rule::SegmentTooLong { duration: segment.duration, target });
        }
    }
    if playlist.media_sequence > 0 && playlist.playlist_type != PlaylistType::Live {
        broken(0, Rule::RemovedFromFixed);
    }
    if playlist.ended && !playlist.hints.is_empty() {
        broken(0, Rule::HintAfterEnd);
    }
    let dates = playlist.segments.iter().map(|it| it.program_date_time);
    if let Some(range) = playlist.date_ranges.first()
        && dates.chain([playlist.open_date_time]).all(|it| it.is_none())
    {
        broken(range.line, Rule::DateRangeWithoutDate);
    }
    check_parts(playlist, &mut broken);
    check_control(playlist, &mut broken);
}

/// Whole seconds, a half rounded up (§4.4.3.1).
pub(crate) fn rounded(duration: Duration) -> u64 {
    duration.saturating_add(Duration::from_millis(500)).as_secs()
}

fn check_parts(playlist: &ReadMedia, broken: &mut impl FnMut(usize, Rule)) {
    let lists = playlist.segments.iter().map(|it| &it.parts);
    for parts in lists.chain([&playlist.open_parts]) {
        let Some(target) = playlist.part_target else {
            if let Some(part) = parts.first() {
                broken(part.line, Rule::NoPartTarget);
            }
            continue;
        };
        for (index, part) in parts.iter().enumerate() {
            let duration = part.duration;
            if duration > target {
                broken(part.line, Rule::PartTooLong { duration, target });
            }
            if is_too_short(part, parts.get(index + 1), target) {
                broken(part.line, Rule::PartTooShort { duration, target });
            }
        }
    }
}

/// The 85 % rule and its exceptions. The last part of a segment is excused, and so is that of an open one, which
/// may turn out to be the last.
fn is_too_short(part: &ReadPart, next: Option<&ReadPart>, target: Duration) -> bool {
    let excused = part.independent || part.gap || next.is_none_or(|it| it.gap);
    !excused && part.duration.as_nanos() * 100 < target.as_nanos() * 85
}

fn check_control(playlist: &ReadMedia, broken: &mut impl FnMut(usize, Rule)) {
    let control = &playlist.server_control;
    if let Some(part_target) = playlist.part_target {
        match control.part_hold_back {
            None => broken(0, Rule::NoPartHoldBack),
            Some(back) if back < part_target * 2 => broken(0, Rule::PartHoldBackTooSmall),
            Some(_) => {}
        }
    }
    let target = Duration::from_secs(playlist.target_duration.min(u64::from(u32::MAX)));
    if control.hold_back.is_some_and(|it| it < target * 3) {
        broken(0, Rule::HoldBackTooSmall);
    }
    if control.can_skip_until.is_some_and(|it| it < target * 6) {
        broken(0, Rule::SkipUntilTooSmall);
    }
}
