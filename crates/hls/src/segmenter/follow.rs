//! Renditions that begin their segments where another one does, and what they are told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use levada_media::Frame;

use super::{Segmenter, State, Timeline, micros};
use crate::SegmenterConfig;

/// How much before its beginning elsewhere a segment may begin here, in microseconds: half a picture or sound.
const EARLY: i64 = 15_000;

/// Where a segment began, for renditions that follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(super) sequence: u64,
    /// Microseconds of the timeline.
    pub(super) at: i64,
    pub(super) timeline: Timeline,
    pub(super) discontinuity: bool,
}

impl Begun {
    /// Whether a time of the source may lie in this segment, or a little before it.
    fn holds(&self, source: i64, reach: i64) -> bool {
        (-EARLY..=reach).contains(&(source + self.timeline.epoch.shift - self.at))
    }
}

/// A rendition that leads.
impl Segmenter {
    /// Where a segment began since the last call.
    pub(crate) fn next_begun(&mut self) -> Option<Begun> {
        self.begun.pop_front()
    }

    /// Has the next segment be a discontinuity.
    pub(crate) fn break_next(&mut self) {
        self.break_next = true;
    }

    /// Whether the segment that begins is a discontinuity for the sake of others.
    pub(super) fn take_break(&mut self) -> bool {
        core::mem::take(&mut self.break_next)
    }

    /// Goes on without frames, up to a time of the source in microseconds: gaps, so that others can follow.
    pub(crate) fn pass(&mut self, source: i64) {
        let (at, segment) = (source + self.timeline.epoch.shift, micros(self.config.segment));
        let ended = match self.state {
            State::Running => self.expected_end(),
            State::Seeking { .. } => self.open.start,
            State::Waiting { .. } | State::Finished => return,
        };
        if self.timeline.broken || at - ended < segment {
            return;
        }
        self.rest();
        while self.target.is_some() && at - self.open.start >= segment {
            let (start, discontinuity) = (self.open.start, self.open.discontinuity);
            let (sequence, timeline) = (self.sequence, self.timeline);
            self.begun.push_back(Begun { sequence, at: start, timeline, discontinuity });
            self.gap(start + segment, discontinuity);
            self.break_next = true; // Where it comes back.
        }
    }
}

/// A rendition that follows.
impl Segmenter {
    /// A segmenter whose segments begin where those of another do, on the same timeline.
    pub(crate) fn following(config: SegmenterConfig) -> Self {
        Self { follow: Some(VecDeque::new()), ..Self::new(config) }
    }

    /// Takes over what the other one began. It must be told before frames from there on are pushed.
    pub(crate) fn follow(&mut self, begun: Begun, target: Option<u64>) {
        self.share_target(target);
        if let Some(follow) = &mut self.follow {
            follow.push_back(begun);
            self.lead_at = Some(begun.at);
        }
        self.catch_up();
    }

    /// Takes the target duration of the rendition that leads, unless it has it already.
    pub(crate) fn share_target(&mut self, target: Option<u64>) {
        self.target = self.target.or(target);
    }

    /// Whether the next segment of all renditions has to be a discontinuity, for the sake of this one.
    pub(crate) fn needs_break(&self) -> bool {
        self.needs_break
            && self.follow.as_ref().is_some_and(|it| it.iter().all(|it| !it.discontinuity))
    }

    /// How many segments have to begin before a frame. Without `now`, they wait for a
    /// Keyframe for a while.
    pub(super) fn due(&mut self, at: i64, now: bool) -> Option<usize> {
        let (sequence, epoch) = (self.sequence, self.timeline.epoch.number);
        let patience = if now { 0 } else { micros(self.config.segment) / 2 };
        let follow = self.follow.as_mut()?;
        while follow.front().is_some_and(|it| it.sequence <= sequence) {
            follow.pop_front();
        }
        let is_due = |it: &&Begun| it.timeline.epoch.number == epoch && at + EARLY >= it.at;
        let front = *follow.front().filter(is_due)?;
        let count = follow.iter().take_while(is_due).count();
        (at + EARLY >= front.at + patience).then_some(count)
    }

    /// Ends the open segment before a frame, and those that passed without a frame.
    pub(super) fn end_segments(&mut self, due: usize, at: i64) {
        let limit = self.rules().limit;
        let begun: Vec<Begun> =
            self.follow.iter_mut().flat_map(|it| it.drain(..due.min(it.len()))).collect();
        let Some(first) = begun.first() else { return };
        let within = at - self.open.start <= limit;
        if due == 1 && within || first.at <= self.open.start {
            self.end_segment_at(at.min(self.open.start + limit));
        } else {
            self.end_segment_at(first.at);
        }
        for pair in begun.windows(2) {
            if let [gone, next] = pair {
                self.gap(next.at, gone.discontinuity);
            }
        }
        self.open.discontinuity = begun.last().is_some_and(|it| it.discontinuity);
    }

    /// Before a keyframe: takes over the timeline, and fills up what passed without a
    /// Frame. Says whether a segment begins here.
    pub(super) fn adopt(&mut self, frame: &Frame) -> bool {
        let (reach, source) = (self.reach(), self.source(frame));
        let Some(follow) = &mut self.follow else { return true };
        let sequence = self.sequence;
        follow.retain(|it| it.sequence >= sequence);
        let fits = |it: &Begun| it.holds(source, reach);
        let Some(index) = follow.iter().rposition(fits) else { return false };
        if self.needs_break && !follow.iter().take(index + 1).any(|it| it.discontinuity) {
            return false;
        }
        let passed: Vec<Begun> = follow.drain(..=index).collect();
        if let Some(first) = passed.first() {
            self.fill_empty(first);
        }
        for pair in passed.windows(2) {
            if let [gone, next] = pair {
                self.fill(*gone, next.at);
            }
        }
        if let Some(begun) = passed.last() {
            self.timeline = begun.timeline;
            self.open.start = self.open.start.max(begun.at);
            self.open.discontinuity = begun.discontinuity;
        }
        self.needs_break = false;
        true
    }

    /// Whether a frame fits a timeline that began elsewhere, but not yet here.
    pub(super) fn fits_newer(&self, frame: &Frame) -> bool {
        let epoch = self.timeline.epoch.number;
        let Some(follow) = &self.follow else { return false };
        let mut newer = follow.iter().filter(|it| it.timeline.epoch.number > epoch);
        newer.any(|it| it.holds(self.source(frame), self.reach()))
    }

    /// How far behind its beginning elsewhere a segment may begin here.
    fn reach(&self) -> i64 {
        self.rules().limit + micros(self.config.jump)
    }

    /// Does not wait for frames of segments that are long over elsewhere.
    fn catch_up(&mut self) {
        let sequence = self.sequence;
        let Some(follow) = &mut self.follow else { return };
        let running = matches!(self.state, State::Running);
        follow.retain(|it| it.sequence > sequence || !running && it.sequence == sequence);
        if follow.len() < 4 {
            return;
        }
        if let Some(front) = follow.front().copied().filter(|_| running) {
            let same = front.timeline.epoch.number == self.timeline.epoch.number;
            if same && front.at > self.open.start {
                self.end_segment_at(front.at);
            }
            self.rest();
        }
        if let Some(front) = self.follow.as_ref().and_then(|it| it.front().copied()) {
            self.fill_empty(&front);
        }
        while let Some(follow) = self.follow.as_mut().filter(|it| it.len() > 2) {
            let (Some(gone), Some(next)) = (follow.pop_front(), follow.front()) else { return };
            let until = next.at;
            self.fill(gone, until);
        }
    }

    /// Has a segment that began here, and of which no frame could be taken, pass as a gap.
    fn fill_empty(&mut self, next: &Begun) {
        if self.sequence < next.sequence {
            self.gap(next.at, self.open.discontinuity);
        }
    }

    /// Has a segment that began elsewhere pass as a gap.
    fn fill(&mut self, gone: Begun, until: i64) {
        self.timeline = gone.timeline;
        self.open.start = self.open.start.max(gone.at);
        self.needs_break &= !gone.discontinuity;
        self.gap(until, gone.discontinuity);
    }
}
