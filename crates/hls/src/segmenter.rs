mod follow;
mod lane;
mod open;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::time::Duration;

use levada_media::{Frame, MediaEvent, MediaKind, Ticks, Track, TrackId};

use crate::clock::{Epoch, Reading};
use crate::cut::{Candidate, Cut, Declared, Rules, decide};
use crate::package::Package;
use crate::segment::{Init, Output};
use crate::{SegmentError, SegmenterConfig};
use follow::Begun;
use lane::Lane;
use open::Open;

/// How many frames of other tracks are held while a keyframe is awaited: a second of sound.
const HELD: usize = 64;

/// A track does not begin further than this behind where the open segment began, in microseconds: that would be what is
/// left of another timeline.
const FAR: i64 = 15_000_000;

/// Cuts the frames of one rendition into segments and parts.
///
/// The *leading* track decides where: the first video track, or the first audio track while there is no video. A
/// segment begins with a keyframe of it. [`push`](Self::push) events in the order in which they arrive, then drain
/// [`next_output`](Self::next_output).
///
/// ```text
///             both kinds of tracks, or waited long enough
///   Waiting ────────────────────────────────────────────► Seeking ◄──────────────┐
///   (frames are kept)                     (frames are dropped)│                  │ a jump of time, another
///                                          a leading keyframe ▼                  │ codec, a track that ends
///                                                           Running ─────────────┘
/// ```
#[derive(Debug)]
pub struct Segmenter {
    config: SegmenterConfig,
    /// In the order of their ids: video first.
    lanes: Vec<Lane>,
    state: State,
    timeline: Timeline,
    package: Option<Package>,
    /// How many init sections there were.
    inits: u32,
    /// `EXT-X-TARGETDURATION`, once it is fixed.
    target: Option<u64>,
    sequence: u64,
    open: Open,
    declared: Declared,
    /// Where the segments of the rendition that this one follows begin: those that have not begun here.
    follow: Option<VecDeque<Begun>>,
    /// Where the newest of them begins.
    lead_at: Option<i64>,
    /// Segments that began, until somebody asks.
    begun: VecDeque<Begun>,
    /// Whether a segment may only begin with a discontinuity, which the rendition that leads has to tell first.
    needs_break: bool,
    /// Whether the next segment is a discontinuity for the sake of a rendition that follows.
    break_next: bool,
    /// The newest keyframe of the leading track, and its distance from the one before.
    last_key: Option<i64>,
    keys_apart: i64,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum State {
    /// Frames and their wall-clock times wait until the tracks are known. `since` is when the first came.
    Waiting { frames: VecDeque<(Frame, i64)>, since: Option<(i64, i64)> },
    /// A segment may begin with the next keyframe of the leading track. The newest frames of other tracks are held:
    /// sound may arrive before the picture that it belongs to.
    Seeking { held: VecDeque<Frame> },
    /// Segments are made.
    Running,
    /// Nothing more comes.
    Finished,
}

/// How the source's time maps onto that of the segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timeline {
    epoch: Epoch,
    /// Whether the next keyframe starts an epoch.
    broken: bool,
    /// Where the epoch began, in microseconds.
    begin: i64,
    /// Wall-clock time of the timeline's 0, in milliseconds since 1970.
    date: Option<i64>,
}

impl Segmenter {
    /// A segmenter without tracks.
    pub fn new(config: SegmenterConfig) -> Self {
        Self {
            config,
            lanes: Vec::new(),
            state: State::Waiting { frames: VecDeque::new(), since: None },
            timeline: Timeline { broken: true, ..Timeline::default() },
            package: None,
            inits: 0,
            target: config.target_duration,
            sequence: config.first_sequence,
            open: Open { discontinuity: config.resumed, ..Open::default() },
            declared: Declared::default(),
            follow: None,
            lead_at: None,
            begun: VecDeque::new(),
            needs_break: false,
            break_next: false,
            last_key: None,
            keys_apart: 0,
            outputs: VecDeque::new(),
        }
    }

    /// `EXT-X-TARGETDURATION` in seconds. `None` before the first segment is complete, unless it is configured.
    pub fn target_duration(&self) -> Option<u64> {
        self.target
    }

    /// Takes an event. `unix_ms` is the wall-clock time, which dates the first frame of each timeline.
    ///
    /// An error refuses this event only.
    pub fn push(&mut self, event: MediaEvent, unix_ms: i64) -> Result<(), SegmentError> {
        if matches!(self.state, State::Finished) {
            return Err(SegmentError::Finished);
        }
        match event {
            MediaEvent::Track(track) => self.track(track),
            MediaEvent::Frame(frame) => self.frame(frame, unix_ms)?,
            MediaEvent::End(id) => self.end_track(id),
        }
        Ok(())
    }

    /// What can be published next.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Ends the last segment. Later events are refused.
    pub fn finish(&mut self) -> Result<(), SegmentError> {
        let started = self.start();
        self.end_segment();
        self.state = State::Finished;
        started
    }

    fn track(&mut self, track: Track) {
        let lane = Lane::new(track);
        let Some(index) = self.lanes.iter().position(|it| it.track.id == lane.track.id) else {
            self.lanes.push(lane);
            return self.lanes.sort_by_key(|it| it.track.id);
        };
        if self.lanes.get(index).is_none_or(|it| it.track == lane.track) {
            return; // Told again.
        }
        if self.leader() == Some(lane.track.id) {
            // Its keyframe follows. Another track's frames are left out until a segment begins.
            self.seek();
            self.needs_break = self.sequence > self.config.first_sequence;
        }
        if let Some(old) = self.lanes.get_mut(index) {
            *old = lane;
        }
    }

    fn end_track(&mut self, id: TrackId) {
        if self.lanes.iter().any(|it| it.track.id == id && it.packaged) {
            self.seek();
        }
        self.lanes.retain(|it| it.track.id != id);
    }

    /// The track that decides.
    fn leader(&self) -> Option<TrackId> {
        let ids = || self.lanes.iter().filter(|it| it.track.id.kind != MediaKind::Data);
        ids().find(|it| !it.silent).or_else(|| ids().next()).map(|it| it.track.id)
    }

    fn frame(&mut self, frame: Frame, unix_ms: i64) -> Result<(), SegmentError> {
        let lane = self.lanes.iter().find(|it| it.track.id == frame.track);
        let lane = lane.ok_or(SegmentError::UnknownTrack(frame.track))?;
        let State::Waiting { frames, since } = &mut self.state else {
            return self.take(frame, unix_ms);
        };
        let at = lane.clock.source_micros(frame.dts);
        let (first, wall) = *since.get_or_insert((at, unix_ms));
        frames.push_back((frame, unix_ms));
        let seen = |kind| frames.iter().any(|(frame, _)| frame.track.kind == kind);
        let wait = micros(self.config.track_wait);
        let waited = (at - first).abs() >= wait || (unix_ms - wall).abs() >= wait / 1000;
        let complete = seen(MediaKind::Video) && seen(MediaKind::Audio) || self.follow.is_some();
        if complete || waited || frames.len() >= self.config.limits.waiting {
            return self.start();
        }
        Ok(())
    }

    /// Begins with the frames that waited.
    fn start(&mut self) -> Result<(), SegmentError> {
        if !matches!(self.state, State::Waiting { .. }) {
            return Ok(());
        }
        let seeking = State::Seeking { held: VecDeque::new() };
        let State::Waiting { frames, .. } = core::mem::replace(&mut self.state, seeking) else {
            return Ok(());
        };
        frames.into_iter().try_for_each(|(frame, unix_ms)| self.take(frame, unix_ms))
    }

    fn take(&mut self, frame: Frame, unix_ms: i64) -> Result<(), SegmentError> {
        let leads = self.leader() == Some(frame.track);
        let key = frame.is_key() || frame.track.kind != MediaKind::Video;
        let mut behind = VecDeque::new();
        if let State::Seeking { held } = &mut self.state {
            if !(leads && key) {
                hold(held, frame, leads);
                return Ok(());
            }
            behind = core::mem::take(held);
            if self.follow.is_some() && !self.adopt(&frame) {
                return Ok(());
            }
            self.begin(&frame, unix_ms)?;
        }
        self.add(frame, leads, key, unix_ms)?;
        behind.into_iter().try_for_each(|it| self.add(it, false, true, unix_ms))
    }

    /// Finds the time of a frame, cuts before it if it is time, and puts it into the open segment.
    fn add(
        &mut self,
        mut frame: Frame,
        leads: bool,
        key: bool,
        unix_ms: i64,
    ) -> Result<(), SegmentError> {
        if key && self.fits_newer(&frame) {
            self.rest();
            return self.take(frame, unix_ms);
        }
        let Some(at) = self.place(&mut frame) else {
            if self.follow.is_some() {
                return Ok(()); // One that fits may come.
            }
            if !leads
                && self.lanes.iter().any(|it| it.track.id == frame.track && !it.clock.is_running())
            {
                return Ok(());
            }
            // It fits nowhere: a new timeline begins with the next keyframe, which may be this frame.
            self.seek();
            self.timeline.broken = true;
            return if leads && key { self.take(frame, unix_ms) } else { Ok(()) };
        };
        let Some(lane) = self.lanes.iter_mut().find(|it| it.track.id == frame.track) else {
            return Ok(());
        };
        if at < self.timeline.begin {
            lane.clock.took(frame.dts.0);
            return Ok(()); // Sound from before the first picture.
        }
        lane.silent &= !key;
        let packaged = lane.packaged;
        if leads {
            let lasts = lane.clock.micros(lane.clock.lasted);
            lane.clock.expected = frame.dts.0;
            self.cut_before(at, lasts, key, &frame, unix_ms)?;
        } else {
            self.notice_silence(at);
        }
        if self.open.bytes + frame.data.len() > self.config.limits.bytes
            || self.open.frames >= self.config.limits.frames
        {
            self.end_segment();
            if self.follow.is_some() {
                self.rest();
            }
        }
        let packaged = packaged && matches!(self.state, State::Running);
        if packaged { self.put(frame, at, leads && key) } else { Ok(()) }
    }

    /// Moves a frame onto the timeline and says where it is, in microseconds.
    fn place(&mut self, frame: &mut Frame) -> Option<i64> {
        let id = frame.track;
        let (epoch, jump) = (self.timeline.epoch, micros(self.config.jump));
        let others = self.lanes.iter().filter(|it| it.track.id != id && it.packaged);
        let reached = others.map(|it| it.clock.micros(it.clock.expected)).max();
        let mut near = reached.map(|it| (it - jump, it + jump));
        if let Some(lead) = self.lead_at.filter(|_| self.follow.is_some()) {
            near = Some((i64::MIN, lead + self.rules().limit + jump));
        }
        let clock = &mut self.lanes.iter_mut().find(|it| it.track.id == id)?.clock;
        let begins = !clock.is_running();
        let Reading::At(at) = clock.read(frame.dts, epoch, jump, near) else { return None };
        if begins && clock.micros(at) - self.open.start > FAR {
            clock.forget(); // A leftover of another timeline.
            return None;
        }
        frame.cts = i32::try_from(clock.convert(frame.cts.into())).unwrap_or(0);
        let duration = frame.duration.map_or(0, |it| clock.convert(it.get().into()));
        frame.duration = u32::try_from(duration).ok().and_then(NonZeroU32::new);
        frame.dts = Ticks(at);
        Some(clock.micros(at))
    }

    /// A leading track that others have left far behind does not lead any more.
    fn notice_silence(&mut self, at: i64) {
        let jump = micros(self.config.jump);
        let leader = self.leader();
        if let Some(lane) = self.lanes.iter_mut().find(|it| Some(it.track.id) == leader) {
            lane.silent = at - lane.clock.micros(lane.clock.expected) > jump;
        }
        let next = self.leader();
        if self.lanes.iter().any(|it| Some(it.track.id) == next && !it.packaged) {
            self.seek(); // Who leads now is not in the package yet.
        }
    }

    fn cut_before(
        &mut self,
        at: i64,
        lasts: i64,
        key: bool,
        frame: &Frame,
        unix_ms: i64,
    ) -> Result<(), SegmentError> {
        if self.open.frames == 0 && self.open.parts.is_empty() {
            return Ok(());
        }
        let candidate = Candidate {
            into_segment: at - self.open.start,
            into_part: at - self.open.part_start,
            lasts,
            key,
            keys_apart: self.keys_apart,
        };
        let mut due = None;
        let cut = if self.follow.is_some() {
            let rules = Rules { segment: i64::MAX / 2, ..self.rules() };
            let cut = decide(&rules, &Candidate { keys_apart: 0, ..candidate });
            due = self.due(at, key || cut == Cut::Segment);
            if due.is_none() && cut == Cut::Segment {
                self.rest(); // It is ahead of the rendition that leads, which begins all segments.
                return Ok(());
            }
            if due.is_some() { Cut::Segment } else { cut }
        } else {
            decide(&self.rules(), &candidate)
        };
        if key {
            self.keys_apart = self.last_key.map_or(0, |last| (at - last).max(0));
            self.last_key = Some(at);
        }
        match cut {
            Cut::No => {}
            Cut::Part => self.end_part(at, false),
            Cut::Segment => {
                match due {
                    Some(due) => self.end_segments(due, at),
                    None => self.end_segment(),
                }
                self.open.independent = key;
                self.open.discontinuity |= self.take_break();
                let late = |it: &Lane| !it.packaged;
                if key && self.lanes.iter().any(late) {
                    self.open.discontinuity = true;
                    self.package = None;
                    return self.begin(frame, unix_ms);
                }
            }
        }
        Ok(())
    }

    fn source(&self, frame: &Frame) -> i64 {
        let lane = self.lanes.iter().find(|it| it.track.id == frame.track);
        lane.map_or(0, |it| it.clock.source_micros(frame.dts))
    }

    /// Ends the open segment and waits for a keyframe that fits. Codecs stay as they are.
    fn rest(&mut self) {
        if matches!(self.state, State::Running) {
            self.end_segment();
            self.state = State::Seeking { held: VecDeque::new() };
        }
    }

    fn rules(&self) -> Rules {
        // Below the target duration and a half it rounds to the target duration.
        let fixed =
            self.target.and_then(|it| i64::try_from(it).ok()).map(|it| it * 1_000_000 + 499_999);
        Rules {
            segment: micros(self.config.segment),
            limit: fixed.unwrap_or_else(|| micros(self.config.longest)),
            part: self.config.part.map(micros),
        }
    }

    /// Begins a package with all tracks that are known, at a keyframe of the leading track.
    fn begin(&mut self, frame: &Frame, unix_ms: i64) -> Result<(), SegmentError> {
        let tracks: Vec<Track> = self.lanes.iter().map(Lane::packed_track).collect();
        let package = match self.package.take() {
            Some(package) => package, // After a rest.
            None => self.new_package(&tracks)?,
        };
        if self.follow.is_none() && (self.timeline.broken || self.is_elsewhere(frame)) {
            self.start_epoch(frame, unix_ms);
        }
        for lane in &mut self.lanes {
            lane.packaged = true;
            if !matches!(self.state, State::Running) {
                lane.clock.forget();
            }
        }
        self.package = Some(package);
        self.state = State::Running;
        self.open.independent = true;
        self.open.discontinuity |= self.take_break();
        Ok(())
    }

    fn new_package(&mut self, tracks: &[Track]) -> Result<Package, SegmentError> {
        let package = Package::new(self.config.container, tracks)?;
        if let Some(data) = package.init() {
            self.outputs.push_back(Output::Init(Init { number: self.inits, data }));
            self.inits += 1;
        }
        Ok(package)
    }

    /// Whether the epoch puts a frame in front of where the timeline ended, or far behind.
    fn is_elsewhere(&self, frame: &Frame) -> bool {
        let lane = self.lanes.iter().find(|it| it.track.id == frame.track);
        let at = lane.map_or(0, |it| it.clock.source_micros(frame.dts) + self.timeline.epoch.shift);
        let fits = self.open.start - 1000..=self.open.start + FAR;
        matches!(self.state, State::Seeking { .. }) && !fits.contains(&at)
    }

    /// Has this frame be where the timeline ended.
    fn start_epoch(&mut self, frame: &Frame, unix_ms: i64) {
        let Some(lane) = self.lanes.iter().find(|it| it.track.id == frame.track) else { return };
        let begin = self.open.start;
        self.open.discontinuity |= self.timeline.epoch.number > 0;
        let epoch = Epoch {
            number: self.timeline.epoch.number + 1,
            shift: begin - lane.clock.source_micros(frame.dts),
        };
        let now = unix_ms - begin / 1000;
        // Dates never go back, whatever the wall clock does.
        let date = self.timeline.date.map_or(now, |last| last.max(now));
        self.timeline = Timeline { epoch, broken: false, begin, date: Some(date) };
        self.last_key = None;
    }

    fn put(&mut self, frame: Frame, at: i64, key: bool) -> Result<(), SegmentError> {
        let (id, len, dts) = (frame.track, frame.data.len(), frame.dts.0);
        let Some(package) = &mut self.package else { return Ok(()) };
        package.push(frame)?;
        if let Some(lane) = self.lanes.iter_mut().find(|it| it.track.id == id) {
            lane.clock.took(dts);
        }
        if self.open.frames == 0 && self.open.parts.is_empty() {
            if self.follow.is_none() {
                // A late start: what lies between belongs to nobody.
                self.open.start = self.open.start.max(at);
                let (sequence, discontinuity) = (self.sequence, self.open.discontinuity);
                let (at, timeline) = (self.open.start, self.timeline);
                self.begun.push_back(Begun { sequence, at, timeline, discontinuity });
            }
            self.open.part_start = self.open.start;
        }
        self.open.frames += 1;
        self.open.bytes += len;
        self.open.part_key |= key;
        Ok(())
    }

    /// Ends the open segment and waits for a keyframe.
    fn seek(&mut self) {
        if matches!(self.state, State::Running) {
            self.end_segment();
            self.package = None;
            self.open.discontinuity |= self.follow.is_none();
            self.state = State::Seeking { held: VecDeque::new() };
        }
    }
}

/// Keeps the newest frames of tracks that do not lead.
fn hold(held: &mut VecDeque<Frame>, frame: Frame, leads: bool) {
    if leads || frame.track.kind == MediaKind::Video {
        return;
    }
    if held.len() >= HELD {
        held.pop_front();
    }
    held.push_back(frame);
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests;
