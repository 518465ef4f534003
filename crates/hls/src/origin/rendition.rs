use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use levada_fmp4::Pieces;
use levada_media::{Frame, MediaEvent, MediaKind, Rounding, Timescale, Track, TrackId};

use super::layout::Plan;
use super::{Departed, OriginConfig};
use crate::meter::{FrameMeter, Meter};
use crate::names::{Names, Resource};
use crate::segment::{Init, Output, Part, Segment};
use crate::{Container, Playlist, PlaylistConfig, SegmentError, Segmenter, SegmenterConfig};

/// The most events of a rendition that wait for the one that leads. When that stays behind they go on without it.
const HELD: usize = 2000;

/// The longest that they wait, in milliseconds.
const HELD_MS: i64 = 6000;

/// One media playlist and everything in it.
#[derive(Debug)]
pub(super) struct Rendition {
    name: String,
    only: Option<TrackId>,
    pub(super) names: Names,
    pub(super) segmenter: Segmenter,
    /// `None` until the target duration is known.
    pub(super) playlist: Option<Playlist>,
    pub(super) tracks: Vec<Track>,
    /// The track, if this goes with variants.
    pub(super) audio_only_of_many: Option<Track>,
    accompanies: bool,
    pub(super) meter: Meter,
    pub(super) frames: FrameMeter,
    /// What was made before there was a playlist.
    early: Vec<Output>,
    inits: VecDeque<Init>,
    segments: VecDeque<Segment>,
    open: Vec<Part>,
    /// Keys and their numbers, as long as a segment needs them.
    keys: VecDeque<(u32, [u8; 16])>,
    /// How many of `segments` are not listed any more.
    unlisted: usize,
    /// Events, the times of frames in microseconds, wall-clock times.
    held: VecDeque<(MediaEvent, Option<i64>, i64)>,
}

/// What a resource is right now.
pub(super) enum Found {
    Body(Pieces),
    /// It was announced.
    Soon,
    Nothing,
}

impl Rendition {
    pub(super) fn new(plan: Plan, follows: bool, config: &OriginConfig) -> Self {
        let extension = extension(config);
        // The origin has waited for the tracks already.
        let cut = SegmenterConfig { track_wait: Duration::ZERO, ..config.segmenter };
        let segmenter = if follows { Segmenter::following(cut) } else { Segmenter::new(cut) };
        Self {
            names: Names::new(&plan.name, extension),
            name: plan.name,
            only: plan.only,
            segmenter,
            playlist: None,
            tracks: Vec::new(),
            audio_only_of_many: None,
            accompanies: plan.accompanies,
            meter: Meter::default(),
            frames: FrameMeter::default(),
            early: Vec::new(),
            inits: VecDeque::new(),
            segments: VecDeque::new(),
            open: Vec::new(),
            keys: VecDeque::new(),
            unlisted: 0,
            held: VecDeque::new(),
        }
    }

    pub(super) fn takes(&self, id: TrackId) -> bool {
        self.only.is_none_or(|only| only == id)
    }

    /// Notes a frame and says its time in microseconds of the source.
    pub(super) fn reach(&mut self, frame: &Frame) -> Option<i64> {
        let track = self.tracks.iter().find(|it| it.id == frame.track)?;
        let at = track.timescale.rescale(frame.dts, Timescale::MICROS, Rounding::Down).0;
        if frame.track.kind == MediaKind::Video {
            self.frames.count(at);
        }
        Some(at)
    }

    /// Remembers the parameters of a track.
    pub(super) fn note(&mut self, event: &MediaEvent) {
        if let MediaEvent::Track(track) = event {
            self.tracks.retain(|it| it.id != track.id);
            self.tracks.push(track.clone());
            self.tracks.sort_by_key(|it| it.id);
            if self.accompanies {
                self.audio_only_of_many = Some(track.clone());
            }
        }
    }

    pub(super) fn hold(&mut self, event: MediaEvent, at: Option<i64>, unix_ms: i64) {
        self.held.push_back((event, at, unix_ms));
    }

    /// Goes on up to a time of the source.
    pub(super) fn release(&mut self, until: i64, now: i64) -> Result<(), SegmentError> {
        let full = self.held.len() > HELD;
        let goes = |(_, at, since): &(MediaEvent, Option<i64>, i64)| {
            full || at.is_none_or(|it| it <= until) || now.saturating_sub(*since) > HELD_MS
        };
        while self.held.front().is_some_and(goes) {
            let Some((event, _, unix_ms)) = self.held.pop_front() else { break };
            self.segmenter.push(event, unix_ms)?;
        }
        Ok(())
    }

    /// Makes public what the segmenter made, and says whether there was anything.
    pub(super) fn publish(
        &mut self,
        config: &OriginConfig,
        departed: &mut VecDeque<Departed>,
    ) -> bool {
        let mut changed = false;
        while let Some(output) = self.segmenter.next_output() {
            changed = true;
            self.early.push(output);
            if self.playlist.is_none() {
                self.playlist =
                    self.segmenter.target_duration().map(|it| self.new_playlist(it, config));
            }
            if self.playlist.is_some() {
                for output in core::mem::take(&mut self.early) {
                    self.record(output, config, departed);
                }
            }
        }
        changed
    }

    fn new_playlist(&self, target: u64, config: &OriginConfig) -> Playlist {
        let mut new = PlaylistConfig::new(target, &self.name);
        new.part_target = config.segmenter.part;
        new.window = config.window;
        new.extension = extension(config);
        new.first_sequence = config.segmenter.first_sequence;
        new.first_discontinuity = config.first_discontinuity;
        Playlist::new(new)
    }

    #[cfg(feature = "aes")]
    pub(super) fn set_key(&mut self, key: [u8; 16]) {
        let number = self.keys.back().map_or(0, |(number, _)| number + 1);
        self.keys.push_back((number, key));
    }

    /// Encrypts a segment with the newest key, if there is one.
    #[cfg(feature = "aes")]
    fn encrypted(&self, mut segment: Segment) -> Segment {
        let Some((number, key)) = self.keys.back().filter(|_| !segment.is_empty()) else {
            return segment;
        };
        let iv = crate::sequence_iv(segment.opening.sequence);
        let body = crate::encrypt_segment(&segment.body().join(), key, &iv);
        segment.opening.key = Some(*number);
        segment.parts.truncate(1);
        segment.parts.iter_mut().for_each(|it| it.body = body.clone().into());
        segment
    }

    #[cfg(not(feature = "aes"))]
    fn encrypted(&self, segment: Segment) -> Segment {
        segment
    }

    fn record(&mut self, output: Output, config: &OriginConfig, departed: &mut VecDeque<Departed>) {
        let output = match output {
            Output::Segment(segment) => Output::Segment(self.encrypted(segment)),
            other => other,
        };
        let Some(playlist) = &mut self.playlist else { return };
        match output {
            Output::Init(init) => {
                playlist.announce_init(init.number);
                self.inits.push_back(init);
            }
            Output::Open(opening) => playlist.open(opening),
            Output::Part(part) => {
                playlist.push_part(&part);
                self.open.push(part);
            }
            Output::Segment(mut segment) => {
                // One that ended before the rendition that leads said how long segments may be.
                segment.duration = segment.duration.min(longest(playlist.target_duration()));
                self.meter.count(segment.len(), segment.duration, playlist.target_duration());
                let left = playlist.push_segment(&segment);
                self.open.clear();
                self.segments.push_back(segment);
                self.unlisted += usize::try_from(left.end - left.start).unwrap_or(0);
                self.forget(config, departed);
            }
        }
    }

    /// Lists nothing any more that is further from the end.
    pub(super) fn trim(
        &mut self,
        keep: Duration,
        config: &OriginConfig,
        departed: &mut VecDeque<Departed>,
    ) {
        let Some(playlist) = &mut self.playlist else { return };
        let left = playlist.trim(keep);
        self.unlisted += usize::try_from(left.end - left.start).unwrap_or(0);
        self.forget(config, departed);
    }

    /// Drops segments that nobody may ask for any more. §6.2.2 has those that left the playlist stay for as long as they
    /// last, and parts for three target durations after their tags.
    fn forget(&mut self, config: &OriginConfig, departed: &mut VecDeque<Departed>) {
        let grace = self.playlist.as_ref().map_or(Duration::ZERO, |it| it.target_duration() * 3);
        let mut unlisted: Duration =
            self.segments.iter().take(self.unlisted).map(|it| it.duration).sum();
        while self.unlisted > 0 {
            let Some(first) = self.segments.front() else { return };
            unlisted = unlisted.saturating_sub(first.duration);
            if unlisted < grace {
                return;
            }
            self.unlisted -= 1;
            let Some(segment) = self.segments.pop_front() else { return };
            let needed = self.segments.front().and_then(|it| it.opening.init);
            while self.inits.len() > 1
                && self.inits.front().is_some_and(|it| Some(it.number) < needed)
            {
                self.inits.pop_front();
            }
            let needed = self.segments.front().and_then(|it| it.opening.key);
            while self.keys.len() > 1
                && self.keys.front().is_some_and(|(number, _)| Some(*number) < needed)
            {
                self.keys.pop_front();
            }
            if config.hand_over {
                departed.push_back(Departed { rendition: self.name.clone(), segment });
            }
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(playlist) = &mut self.playlist {
            playlist.finish();
        }
    }

    pub(super) fn find(&self, resource: Resource) -> Found {
        match resource {
            Resource::Init(number) => {
                let init = self.inits.iter().find(|it| it.number == number);
                init.map_or(Found::Nothing, |it| Found::Body(it.data.clone().into()))
            }
            Resource::Segment(sequence) => {
                let segment = self.segment(sequence).filter(|it| !it.is_empty());
                segment.map_or(Found::Nothing, |it| Found::Body(it.body()))
            }
            Resource::Part(sequence, index) => self.find_part(sequence, index),
            Resource::Key(number) => {
                let key = self.keys.iter().find(|it| it.0 == number);
                key.map_or(Found::Nothing, |(_, key)| {
                    Found::Body(bytes::Bytes::copy_from_slice(key).into())
                })
            }
            Resource::Playlist => Found::Nothing,
        }
    }

    fn find_part(&self, sequence: u64, index: u32) -> Found {
        let parts = self.segment(sequence).map_or(&self.open, |it| &it.parts);
        let part = parts.iter().find(|it| it.sequence == sequence && it.index == index);
        if let Some(part) = part {
            return Found::Body(part.body.clone());
        }
        let hint = self.playlist.as_ref().and_then(Playlist::hint);
        if hint == Some((sequence, index)) { Found::Soon } else { Found::Nothing }
    }

    fn segment(&self, sequence: u64) -> Option<&Segment> {
        let first = self.segments.front()?.opening.sequence;
        self.segments.get(usize::try_from(sequence.checked_sub(first)?).ok()?)
    }
}

/// The longest that rounds to a target duration.
fn longest(target: Duration) -> Duration {
    target + Duration::from_micros(499_999)
}

fn extension(config: &OriginConfig) -> &'static str {
    match config.segmenter.container {
        Container::Fmp4 => "m4s",
        Container::Ts => "ts",
    }
}
