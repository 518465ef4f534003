//! Where to cut. Pure: numbers in, a decision out, so that every rule is a row of a table in the tests.
//!
//! All times are microseconds on the timeline of the leading track.

/// What timestamps in milliseconds can be off, both at the start and at the end of a part. Declared durations make up
/// for it: without this, 15 frames of a 30th of a second would often not fit half a second.
const ROUNDING: i64 = 2_000;

/// What the decision rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rules {
    /// A segment ends at the first keyframe from here on.
    pub(crate) segment: i64,
    /// A segment that reaches this is too long: it ends before, keyframe or not.
    pub(crate) limit: i64,
    /// A part is never longer.
    pub(crate) part: Option<i64>,
}

/// A frame that is about to join a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Candidate {
    /// How far into the open segment it is.
    pub(crate) into_segment: i64,
    /// How far into the open part it is.
    pub(crate) into_part: i64,
    /// How long it will probably last.
    pub(crate) lasts: i64,
    /// Whether decoding can start with it.
    pub(crate) key: bool,
    /// How far apart keyframes were lately; 0 if that is not known.
    pub(crate) keys_apart: i64,
}

/// What happens before the frame joins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// Nothing.
    No,
    /// The open part ends.
    Part,
    /// The open segment ends.
    Segment,
}

pub(crate) fn decide(rules: &Rules, frame: &Candidate) -> Cut {
    if frame.into_segment <= 0 {
        return Cut::No;
    }
    // Half a frame early is on time: timestamps are rounded, and 60 frames of 16.67 ms are a second.
    let long_enough = frame.into_segment + frame.lasts / 2 >= rules.segment;
    let last_chance = frame.into_segment + frame.keys_apart >= rules.limit;
    if frame.key && (long_enough || last_chance) || frame.into_segment + frame.lasts >= rules.limit
    {
        return Cut::Segment;
    }
    match rules.part {
        Some(part) if frame.into_part > 0 && frame.into_part + frame.lasts > part + ROUNDING => {
            Cut::Part
        }
        _ => Cut::No,
    }
}

/// Declares durations of parts so that the rules of `EXT-X-PART` hold whatever the frames are: none above the
/// target, none but the last of a segment below 85 % of it (rfc8216bis §4.4.4.9).
///
/// What a declaration differs from the truth is carried into the next part. With steady frame rates nothing does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Declared {
    carried: i64,
}

impl Declared {
    /// The duration to declare for a part of `actual`, of which more follow in its segment.
    pub(crate) fn part(&mut self, actual: i64, target: i64) -> i64 {
        let exact = actual + self.carried;
        let least = (target * 85 + 99) / 100;
        let declared = exact.clamp(least, target);
        self.carried = exact - declared;
        declared
    }

    /// The duration to declare for the last part of a segment.
    pub(crate) fn last(&mut self, actual: i64, target: i64) -> i64 {
        let exact = actual + core::mem::take(&mut self.carried);
        exact.clamp(1, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { segment: 2_000_000, limit: 4_499_999, part: Some(500_000) };

    fn at(into_segment: i64, into_part: i64, key: bool) -> Candidate {
        Candidate { into_segment, into_part, lasts: 33_333, key, keys_apart: 2_000_000 }
    }

    #[test]
    fn table_of_cuts() {
        for (frame, expected, why) in [
            (at(0, 0, true), Cut::No, "the first frame of a segment"),
            (at(2_000_000, 33_333, true), Cut::Segment, "a keyframe when it is time"),
            (at(1_990_000, 33_333, true), Cut::Segment, "half a frame early is on time"),
            (at(1_980_000, 33_333, true), Cut::No, "a keyframe too early"),
            (at(2_000_000, 33_333, false), Cut::No, "time, but no keyframe"),
            (at(3_000_000, 33_333, true), Cut::Segment, "a late keyframe"),
            (at(4_466_665, 33_333, false), Cut::No, "the last frame that fits"),
            (at(4_466_666, 33_333, false), Cut::Segment, "one more would be too long"),
            (
                at(468_667, 468_667, false),
                Cut::No,
                "the last frame that fits the part, but for rounding",
            ),
            (at(468_668, 468_668, false), Cut::Part, "one more would be too long for the part"),
            (at(900_000, 0, false), Cut::No, "a part is never empty"),
        ] {
            assert_eq!(decide(&RULES, &frame), expected, "{why}");
        }
    }

    #[test]
    fn a_keyframe_is_taken_early_when_the_next_would_come_too_late() {
        let frame = Candidate { keys_apart: 3_000_000, ..at(1_500_000, 0, true) };
        assert_eq!(decide(&RULES, &frame), Cut::Segment);
        assert_eq!(decide(&RULES, &Candidate { keys_apart: 2_900_000, ..frame }), Cut::No);
    }

    #[test]
    fn without_parts_no_part_is_cut() {
        let rules = Rules { part: None, ..RULES };
        assert_eq!(decide(&rules, &at(900_000, 900_000, false)), Cut::No);
    }

    #[test]
    fn declared_durations_keep_the_rules_and_the_sum() {
        let mut declared = Declared::default();
        assert_eq!(declared.part(480_000, 500_000), 480_000);
        assert_eq!(declared.part(400_000, 500_000), 425_000); // 85 %
        assert_eq!(declared.part(490_000, 500_000), 465_000); // what was too much
        assert_eq!(declared.part(700_000, 500_000), 500_000);
        assert_eq!(declared.part(450_000, 500_000), 500_000);
        assert_eq!(declared.last(100_000, 500_000), 250_000);
        assert_eq!(declared.last(10_000, 500_000), 10_000);
    }
}
