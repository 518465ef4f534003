//! The segment that is being made, and its end.

use alloc::vec::Vec;

use levada_media::Ticks;

use super::{Segmenter, micros, span};
use crate::read::rounded;
use crate::segment::{Opening, Output, Part, Segment};

/// The open segment and its open part. Times are microseconds of the timeline.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) start: i64,
    pub(super) part_start: i64,
    pub(super) frames: usize,
    pub(super) bytes: usize,
    /// Whether the open part holds a keyframe.
    pub(super) part_key: bool,
    pub(super) independent: bool,
    pub(super) discontinuity: bool,
    pub(super) parts: Vec<Part>,
}

impl Segmenter {
    /// Ends the open part at `end`.
    pub(super) fn end_part(&mut self, end: i64, last: bool) {
        let Some(package) = &mut self.package else { return };
        let next = self.lanes.iter().map(|it| (it.track.id, Ticks(it.clock.expected)));
        let body = package.cut(next);
        let actual = (end - self.open.part_start).max(1);
        let duration = match (self.config.part.map(micros), last) {
            (None, _) => actual,
            (Some(target), false) => self.declared.part(actual, target),
            (Some(target), true) => self.declared.last(actual, target),
        };
        if self.open.parts.is_empty() {
            self.outputs.push_back(Output::Open(self.opening()));
        }
        let part = Part {
            sequence: self.sequence,
            index: u32::try_from(self.open.parts.len()).unwrap_or(u32::MAX),
            duration: span(duration),
            independent: core::mem::take(&mut self.open.part_key),
            body,
        };
        self.open.part_start = end;
        self.open.frames = 0;
        if self.config.part.is_some() {
            self.outputs.push_back(Output::Part(part.clone()));
        }
        self.open.parts.push(part);
    }

    /// Ends the open segment where its leading track will go on.
    pub(super) fn end_segment(&mut self) {
        self.end_segment_at(self.expected_end());
    }

    /// Where the leading track will go on.
    pub(super) fn expected_end(&self) -> i64 {
        let leader = self.leader();
        let lane = self.lanes.iter().find(|it| Some(it.track.id) == leader);
        lane.map_or(self.open.start, |it| it.clock.micros(it.clock.expected))
    }

    pub(super) fn end_segment_at(&mut self, end: i64) {
        let end = end.max(self.open.start); // The timeline never goes back.
        if self.open.frames > 0 {
            self.end_part(end, true);
        }
        if self.open.parts.is_empty() {
            return;
        }
        let limit = self.rules().limit;
        let duration = span((end - self.open.start).clamp(1, limit));
        let least = rounded(self.config.segment).max(1);
        if self.follow.is_none() {
            self.target.get_or_insert_with(|| rounded(duration).max(least));
        }
        debug_assert!(self.target.is_none_or(|it| rounded(duration) <= it));
        if let Some(package) = &mut self.package {
            package.start_segment();
        }
        let opening = self.opening();
        (self.open.discontinuity, self.open.independent) = (false, false);
        let parts = core::mem::take(&mut self.open.parts);
        self.outputs.push_back(Output::Segment(Segment { opening, duration, parts }));
        (self.open.start, self.open.part_start, self.open.bytes) = (end, end, 0);
        self.sequence += 1;
    }

    /// A segment without frames, from where the last one ended.
    pub(super) fn gap(&mut self, until: i64, discontinuity: bool) {
        let duration = (until - self.open.start).clamp(1, self.rules().limit);
        self.open.discontinuity = discontinuity;
        let opening = Opening { independent: true, ..self.opening() };
        self.outputs.push_back(Output::Segment(Segment {
            opening,
            duration: span(duration),
            parts: Vec::new(),
        }));
        let start = self.open.start.max(until);
        self.open = Open { start, part_start: start, ..Open::default() };
        self.sequence += 1;
    }

    fn opening(&self) -> Opening {
        Opening {
            sequence: self.sequence,
            program_date_time: self.timeline.date.unwrap_or(0) + self.open.start / 1000,
            discontinuity: self.open.discontinuity,
            independent: self.open.independent,
            init: self.inits.checked_sub(1),
            key: None,
        }
    }
}
