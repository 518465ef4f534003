//! One clock for consumers, whatever publishers do with theirs.

use alloc::vec::Vec;
use core::time::Duration;

use crate::Now;

/// What a join leaves between the last frame before it and the first after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Gap {
    /// Nothing: recordings, where a break has no length.
    None,
    /// The time that was lost: live playlists.
    WallTime,
}

/// Why two stretches of media were joined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum JoinReason {
    /// The publisher came back.
    Resumed,
    /// Another slot took over.
    Switched,
}

/// A seam: `EXT-X-DISCONTINUITY`, a new map if parameters changed, new sequence headers to outputs and players.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Discontinuity {
    /// Why.
    pub reason: JoinReason,
    /// Time without media.
    pub missing_ms: u64,
    /// Whether codecs or their configuration differ.
    pub parameters_changed: bool,
}

/// What was wrong with a timestamp that has been put right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Correction {
    /// It stepped back a little, or repeated.
    Backward,
    /// It leapt ahead of the time that passed.
    Jump,
    /// It began anew.
    Reset,
}

/// A frame's place on the consumers' clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Mapped {
    /// In milliseconds. Within a track it rises with every frame.
    pub dts_ms: i64,
    /// The first frame after a join says so.
    pub discontinuity: Option<Discontinuity>,
    /// What had to be put right.
    pub correction: Option<Correction>,
}

/// Steps back below this are corrected frame by frame; larger ones are a new clock.
const STEP_MS: i64 = 1000;

/// Maps publishers' timestamps onto one line that never goes back.
///
/// At a join the first frame lands at `last + one frame + gap`. Within a session, a clock that jumps or begins anew is
/// carried on the same way, for all tracks alike so that sound stays with pictures.
///
/// ```
/// use levada_control::{Gap, JoinReason, Now, Timeline};
///
/// let mut timeline = Timeline::new(Gap::None);
/// let now = Now::default();
/// assert_eq!(timeline.map(now, 0, 5_000, 40).dts_ms, 5_000);
///
/// timeline.join(now, JoinReason::Resumed, false);
/// let mapped = timeline.map(now, 0, 0, 40);
/// assert_eq!(mapped.dts_ms, 5_040);
/// assert!(mapped.discontinuity.is_some());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timeline {
    gap: Gap,
    tracks: Vec<TrackLine>,
    /// The latest point of all tracks, and when it was reached.
    last: Option<(i64, Duration)>,
    /// The offset that the next clock change should try first, so that tracks stay together.
    offset: i64,
    join: Option<(JoinReason, bool)>,
    counts: Corrections,
}

/// How often timestamps were put right.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Corrections {
    /// Small steps back and repeats.
    pub backward: u64,
    /// Leaps ahead.
    pub jumps: u64,
    /// New beginnings.
    pub resets: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct TrackLine {
    track: u8,
    offset: i64,
    last_in: i64,
    last_out: i64,
    at: Duration,
}

impl Timeline {
    /// An empty line.
    pub fn new(gap: Gap) -> Self {
        let counts = Corrections::default();
        Self { gap, tracks: Vec::new(), last: None, offset: 0, join: None, counts }
    }

    /// The next frame belongs to another stretch.
    pub fn join(&mut self, _now: Now, reason: JoinReason, parameters_changed: bool) {
        if self.last.is_some() {
            self.join = Some((reason, parameters_changed));
        }
    }

    /// How often timestamps were put right.
    pub fn corrections(&self) -> Corrections {
        self.counts
    }

    /// Places a frame of a track, with the length of one frame.
    pub fn map(&mut self, now: Now, track: u8, dts_ms: i64, frame_ms: u32) -> Mapped {
        let frame = i64::from(frame_ms.max(1));
        let discontinuity = self
            .join
            .take()
            .zip(self.last)
            .map(|(join, last)| self.begin_stretch(now, dts_ms, frame, last, join));
        let known = self.tracks.iter().find(|it| it.track == track).copied();
        let (offset, correction) = match known {
            Some(line) => self.correct(now, line, dts_ms, frame),
            None => (self.offset, None),
        };
        let floor = known.map_or(i64::MIN, |it| it.last_out.saturating_add(1));
        let out = dts_ms.saturating_add(offset).max(floor);
        // Small steps back leave the offset alone: the clock comes back by itself.
        let line = TrackLine { track, offset, last_in: dts_ms, last_out: out, at: now.mono };
        match self.tracks.iter_mut().find(|it| it.track == track) {
            Some(place) => *place = line,
            None => self.tracks.push(line),
        }
        self.last = Some(self.last.map_or((out, now.mono), |(last, _)| (last.max(out), now.mono)));
        Mapped { dts_ms: out, discontinuity, correction }
    }

    fn begin_stretch(
        &mut self,
        now: Now,
        first_in: i64,
        frame: i64,
        (last_out, at): (i64, Duration),
        (reason, parameters_changed): (JoinReason, bool),
    ) -> Discontinuity {
        let lost = crate::now::signed_millis(now.mono.saturating_sub(at));
        let gap = match self.gap {
            Gap::None => 0,
            // Of the time that passed, one frame is none lost.
            Gap::WallTime => lost.saturating_sub(frame).max(0),
        };
        self.offset = last_out.saturating_add(frame).saturating_add(gap).saturating_sub(first_in);
        for line in &mut self.tracks {
            line.offset = self.offset;
            // Nothing of the old clock counts in the new one.
            (line.last_in, line.at) = (first_in, now.mono);
        }
        let missing_ms = u64::try_from(lost).unwrap_or(0);
        Discontinuity { reason, missing_ms, parameters_changed }
    }

    /// The offset to use for a frame, and what was wrong with it.
    fn correct(
        &mut self,
        now: Now,
        line: TrackLine,
        dts: i64,
        frame: i64,
    ) -> (i64, Option<Correction>) {
        let step = dts.saturating_sub(line.last_in);
        let passed = crate::now::signed_millis(now.mono.saturating_sub(line.at));
        let correction = if step < -STEP_MS {
            Correction::Reset
        } else if step > STEP_MS.saturating_add(passed) {
            Correction::Jump
        } else {
            let lies_back = dts.saturating_add(line.offset) <= line.last_out;
            let backward = (lies_back && step <= 0).then_some(Correction::Backward);
            self.counts.backward += u64::from(backward.is_some());
            return (line.offset, backward);
        };
        // Another track of this publisher may have changed its clock already: go with it if that fits.
        let shared = dts.saturating_add(self.offset).saturating_sub(line.last_out);
        if self.offset == line.offset || !(1..=STEP_MS.saturating_add(passed)).contains(&shared) {
            let next = line.last_out.saturating_add(frame);
            self.offset = next.saturating_sub(dts);
        }
        match correction {
            Correction::Jump => self.counts.jumps += 1,
            _ => self.counts.resets += 1,
        }
        (self.offset, Some(correction))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::at;

    #[test]
    fn t27_a_resume_inside_the_window_goes_on_with_rising_timestamps() {
        let mut timeline = Timeline::new(Gap::WallTime);
        assert_eq!(timeline.map(at(0), 0, 1_000, 40).dts_ms, 1_000);
        assert_eq!(timeline.map(at(40), 0, 1_040, 40).dts_ms, 1_040);
        timeline.join(at(40), JoinReason::Resumed, true);
        let mapped = timeline.map(at(5_040), 0, 0, 40);
        assert_eq!(mapped.dts_ms, 1_040 + 5_000, "the wall time that was lost");
        let Some(seam) = mapped.discontinuity else { panic!("a seam") };
        assert_eq!((seam.missing_ms, seam.parameters_changed), (5_000, true));
        let audio = timeline.map(at(5_041), 1, 3, 23);
        assert_eq!((audio.dts_ms, audio.discontinuity), (6_043, None), "one seam, one offset");
        assert_eq!(timeline.corrections(), Corrections::default());
    }

    #[test]
    fn recordings_leave_no_gap() {
        let mut timeline = Timeline::new(Gap::None);
        timeline.map(at(0), 0, 1_000, 40);
        timeline.join(at(0), JoinReason::Switched, false);
        assert_eq!(timeline.map(at(9_000), 0, 70_000, 40).dts_ms, 1_040);
    }

    #[test]
    fn clocks_that_go_back_jump_or_begin_anew_are_carried_on() {
        let mut timeline = Timeline::new(Gap::None);
        let outs = [
            (0, 0, 0, None),
            (40, 40, 40, None),
            (80, 30, 41, Some(Correction::Backward)),
            (120, 30, 42, Some(Correction::Backward)),
            (160, 160, 160, None),
            (200, 900_000, 200, Some(Correction::Jump)),
            (240, 900_040, 240, None),
            (280, 0, 280, Some(Correction::Reset)),
            (5_280, 5_000, 5_280, None),
        ];
        for (wall, dts, out, correction) in outs {
            let mapped = timeline.map(at(wall), 0, dts, 40);
            assert_eq!((mapped.dts_ms, mapped.correction), (out, correction), "{wall}");
        }
        assert_eq!(timeline.corrections(), Corrections { backward: 2, jumps: 1, resets: 1 });
    }

    #[test]
    fn tracks_that_begin_anew_together_stay_together() {
        let mut timeline = Timeline::new(Gap::None);
        timeline.map(at(10_000), 0, 10_000, 40);
        timeline.map(at(10_010), 1, 10_010, 23);
        assert_eq!(timeline.map(at(10_040), 0, 0, 40).dts_ms, 10_040);
        assert_eq!(timeline.map(at(10_050), 1, 10, 23).dts_ms, 10_050);
    }

    proptest! {
        #[test]
        fn a_track_rises_whatever_comes(
            steps in proptest::collection::vec((0..3_u8, any::<i64>(), 0..5_000_u64, any::<bool>(), any::<u32>()), 1..60)
        ) {
            let mut timeline = Timeline::new(Gap::WallTime);
            let mut last: [Option<i64>; 3] = [None; 3];
            let mut wall = 0;
            for (track, dts, passed, join, frame) in steps {
                wall += passed;
                if join {
                    timeline.join(at(wall), JoinReason::Resumed, false);
                }
                let dts = dts % 1_000_000_000_000;
                let out = timeline.map(at(wall), track, dts, frame % 100_000).dts_ms;
                let last = &mut last[usize::from(track)];
                prop_assert!(last.is_none_or(|it| it < out));
                *last = Some(out);
            }
        }
    }
}
