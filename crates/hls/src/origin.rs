//! The HTTP behaviour of a live stream, without HTTP.

mod layout;
mod rendition;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use levada_fmp4::Pieces;
use levada_media::{MediaEvent, MediaKind, Rounding, Timescale, Track, TrackId};

use crate::multivariant::{AudioRendition, Multivariant, Variant};
use crate::names::Resource;
use crate::playlist::Window;
use crate::reply::Reply;
use crate::segment::Segment;
use crate::{
    BlockRequest, Container, DateRange, MAX_DATE_RANGES, Readiness, SegmentError, SegmenterConfig,
};
use layout::{Layout, layout};
use rendition::{Found, Rendition};

/// The name of the multivariant playlist.
pub const INDEX: &str = "index.m3u8";

/// A step of the leading track's time that is a new timeline, in microseconds.
const JUMP_BACK: i64 = 2_000_000;

/// How long the rendition that leads may send nothing before the others go on without it: milliseconds, and events of
/// the others where no wall clock tells.
const SILENT_MS: i64 = 4000;
const SILENT_EVENTS: usize = 1000;

/// Up to how much the others may be ahead for that, in microseconds. What is further away is another timeline.
const LONGEST_SILENCE: i64 = 60_000_000;

/// How an [`Origin`] packages and what it keeps.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OriginConfig {
    /// How segments are cut.
    pub segmenter: SegmenterConfig,
    /// Which segments stay in the playlist. Memory is that of their media. Default one minute.
    pub window: Window,
    /// Discontinuity sequence number to begin with. After a restart: that of the last segment published.
    pub first_discontinuity: u64,
    /// Requests that may wait at once. The next one is answered 503. Default 1,000.
    pub waiting: usize,
    /// Whether segments that left are handed to the caller: see [`Origin::next_departed`]. Default no.
    pub hand_over: bool,
}

impl Default for OriginConfig {
    fn default() -> Self {
        Self {
            segmenter: SegmenterConfig::default(),
            window: Window::Sliding(Duration::from_secs(60)),
            first_discontinuity: 0,
            waiting: 1000,
            hand_over: false,
        }
    }
}

/// A live stream as HTTP resources: frames in, answers out.
///
/// The stream's own name is the caller's: a [`Request`] names a resource below it. `index.m3u8` is where players
/// begin; it names the rest.
///
/// | tracks | renditions |
/// |---|---|
/// | one of pictures, one of sound, or one of both | `main` |
/// | several (Enhanced RTMP multitrack) | `v0`, `v1` … are variants; `a0`, `a1` … go with each of them |
///
/// Several renditions begin their segments together, where the first video track has its keyframes, and give them the
/// same numbers. What one of them lacks is a gap in its playlist. When the first one sends nothing for seconds, the
/// others go on. A discontinuity of one, such as another codec, is a discontinuity of all.
///
/// ```
/// use levada_hls::{Answer, Origin, OriginConfig, Request};
///
/// let mut origin = Origin::new(OriginConfig::default());
/// // origin.push(event, unix_ms) for each event …
/// match origin.get(&Request::new("index.m3u8")) {
///     Answer::Ready(reply) => assert_eq!(reply.status, 200),
///     Answer::Wait(waiter) => {
///         // Keep it. Whenever `origin.generation()` has changed: origin.retry(waiter).
///         // After `waiter.patience()`, or when the client is gone: origin.give_up(waiter).
///         let reply = origin.give_up(waiter);
///         assert_eq!(reply.status, 503);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Origin {
    config: OriginConfig,
    stage: Stage,
    renditions: Vec<Rendition>,
    /// How far the rendition that leads is, in microseconds of the source.
    reached: i64,
    /// Wall-clock time of its newest frame, and how many events of others came since.
    lead: (i64, usize),
    generation: u64,
    waiting: usize,
    departed: VecDeque<Departed>,
    finished: bool,
    /// Date ranges that wait for the playlists.
    date_ranges: Vec<DateRange>,
    #[cfg(feature = "aes")]
    key: Option<[u8; 16]>,
}

#[derive(Debug)]
enum Stage {
    /// Events and their wall-clock times wait until it is known which renditions there are.
    Waiting {
        events: VecDeque<(MediaEvent, i64)>,
        since: Option<(i64, i64)>,
    },
    Running,
}

/// A segment that left the playlist and cannot be asked for any more.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Departed {
    /// The name of its rendition.
    pub rendition: String,
    /// The segment with its bytes.
    pub segment: Segment,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The name of the resource below the stream.
    pub name: &'a str,
    /// The query, without its question mark.
    pub query: &'a str,
    /// The `Range` header.
    pub range: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without query and range.
    pub fn new(name: &'a str) -> Self {
        Self { name, ..Self::default() }
    }
}

/// What a request gets.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "now, or later")]
pub enum Answer {
    /// This, now.
    Ready(Reply),
    /// Something, later.
    Wait(Waiter),
}

/// A request that waits. Give it back with [`Origin::retry`] or [`Origin::give_up`].
#[derive(Debug)]
#[must_use = "a waiting request counts against the limit until it is given back"]
pub struct Waiter {
    name: String,
    query: String,
    range: Option<String>,
    patience: Duration,
}

impl Waiter {
    /// How long after its beginning a request is given up: three target durations (§6.2.5.2).
    pub fn patience(&self) -> Duration {
        self.patience
    }
}

impl Origin {
    /// An origin of a stream that has not begun.
    pub fn new(config: OriginConfig) -> Self {
        Self {
            config,
            stage: Stage::Waiting { events: VecDeque::new(), since: None },
            renditions: Vec::new(),
            reached: i64::MIN,
            lead: (i64::MAX, 0),
            generation: 0,
            waiting: 0,
            departed: VecDeque::new(),
            finished: false,
            date_ranges: Vec::new(),
            #[cfg(feature = "aes")]
            key: None,
        }
    }

    /// Takes an event of the stream. `unix_ms` is the wall-clock time.
    ///
    /// An error refuses this event only.
    pub fn push(&mut self, event: MediaEvent, unix_ms: i64) -> Result<(), SegmentError> {
        let result = match &mut self.stage {
            Stage::Running => self.route(event, unix_ms),
            Stage::Waiting { .. } => self.wait(event, unix_ms),
        };
        self.publish();
        result
    }

    /// Ends the stream. What was published stays.
    pub fn finish(&mut self) -> Result<(), SegmentError> {
        let started = self.start();
        self.release(i64::MAX, i64::MAX)?;
        // A stream of one segment learns its target duration only here: all have that of the first.
        let mut target = None;
        for rendition in &mut self.renditions {
            rendition.segmenter.share_target(target);
            rendition.segmenter.finish()?;
            target = target.or_else(|| rendition.segmenter.target_duration());
        }
        self.publish();
        self.renditions.iter_mut().for_each(Rendition::finish);
        self.finished = true;
        self.generation += 1;
        started
    }

    /// Has all segments that begin from now on encrypted with this key (AES-128). Call it again to rotate keys.
    ///
    /// The origin serves keys as `…-key0.bin` and so on, with `Cache-Control: no-store`: who may have them is the
    /// caller's decision, made before it passes the request on.
    #[cfg(feature = "aes")]
    pub fn set_key(&mut self, key: [u8; 16]) -> Result<(), SegmentError> {
        if self.config.segmenter.part.is_some() {
            return Err(SegmentError::KeyWithParts);
        }
        self.key = Some(key);
        self.renditions.iter_mut().for_each(|it| it.set_key(key));
        Ok(())
    }

    /// Lists a date range in all playlists, or completes the one of the same id: see [`Playlist::set_date_range`].
    ///
    /// [`Playlist::set_date_range`]: crate::Playlist::set_date_range
    pub fn set_date_range(&mut self, range: DateRange) {
        if self.date_ranges.len() < MAX_DATE_RANGES {
            self.date_ranges.push(range);
        }
        self.list_date_ranges();
        self.generation += 1;
    }

    /// Gives the date ranges that wait to the playlists, once all are there.
    fn list_date_ranges(&mut self) {
        if self.renditions.is_empty() || self.renditions.iter().any(|it| it.playlist.is_none()) {
            return;
        }
        for range in core::mem::take(&mut self.date_ranges) {
            for playlist in self.renditions.iter_mut().filter_map(|it| it.playlist.as_mut()) {
                playlist.set_date_range(range.clone());
            }
        }
    }

    /// Changes whenever a waiting request might be answered.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// A segment that left, if the configuration asks for them. At most 16 are kept for the caller.
    pub fn next_departed(&mut self) -> Option<Departed> {
        self.departed.pop_front()
    }

    /// Forgets the past, but for this span before the end: see [`Playlist::trim`](crate::Playlist::trim).
    pub fn trim(&mut self, keep: Duration) {
        for rendition in &mut self.renditions {
            rendition.trim(keep, &self.config, &mut self.departed);
        }
        self.generation += 1;
    }

    /// What to begin with after a restart, so that numbers go on: media sequence and discontinuity sequence.
    pub fn resume_at(&self) -> Option<(u64, u64)> {
        let playlists = self.renditions.iter().filter_map(|it| it.playlist.as_ref());
        playlists.map(|it| (it.report().last_sequence + 1, it.last_discontinuity())).max()
    }

    /// Answers a request, or has it wait.
    pub fn get(&mut self, request: &Request<'_>) -> Answer {
        match self.look(request) {
            Looked::Reply(reply) => Answer::Ready(reply),
            Looked::NotYet(_) if self.waiting >= self.config.waiting => {
                Answer::Ready(Reply::error(503, Duration::ZERO))
            }
            Looked::NotYet(patience) => {
                self.waiting += 1;
                Answer::Wait(Waiter {
                    name: request.name.into(),
                    query: request.query.into(),
                    range: request.range.map(String::from),
                    patience,
                })
            }
        }
    }

    /// Looks again after [`generation`](Self::generation) has changed.
    pub fn retry(&mut self, waiter: Waiter) -> Answer {
        let request =
            Request { name: &waiter.name, query: &waiter.query, range: waiter.range.as_deref() };
        match self.look(&request) {
            Looked::Reply(reply) => {
                self.waiting = self.waiting.saturating_sub(1);
                Answer::Ready(reply)
            }
            Looked::NotYet(_) => Answer::Wait(waiter),
        }
    }

    /// What a request gets that waited too long. Also for a client that is gone, to have its place back.
    pub fn give_up(&mut self, waiter: Waiter) -> Reply {
        drop(waiter);
        self.waiting = self.waiting.saturating_sub(1);
        Reply::error(503, Duration::ZERO)
    }

    /// Keeps an event until the renditions are known.
    fn wait(&mut self, event: MediaEvent, unix_ms: i64) -> Result<(), SegmentError> {
        let Stage::Waiting { events, since } = &mut self.stage else { return Ok(()) };
        let mut waited = false;
        if let MediaEvent::Frame(frame) = &event {
            let at = millis_of(events, frame.track, frame.dts.0);
            let (first, wall) = *since.get_or_insert((at, unix_ms));
            let wait =
                i64::try_from(self.config.segmenter.track_wait.as_millis()).unwrap_or(i64::MAX);
            waited = (at - first).abs() >= wait || (unix_ms - wall).abs() >= wait;
        }
        events.push_back((event, unix_ms));
        if waited
            || every_track_has_a_frame(events)
            || events.len() >= self.config.segmenter.limits.waiting
        {
            return self.start();
        }
        Ok(())
    }

    /// Decides which renditions there are, and begins.
    fn start(&mut self) -> Result<(), SegmentError> {
        let Stage::Waiting { events, .. } = &mut self.stage else { return Ok(()) };
        let events = core::mem::take(events);
        let mut tracks: Vec<Track> = Vec::new();
        for (event, _) in &events {
            if let MediaEvent::Track(track) = event {
                tracks.retain(|it| it.id != track.id);
                tracks.push(track.clone());
            }
        }
        let Layout { mut renditions } = layout(&tracks);
        // A track that sends nothing cannot lead.
        let sends = |id: Option<TrackId>| {
            let frames = |it: &(MediaEvent, i64)| matches!(&it.0, MediaEvent::Frame(frame) if Some(frame.track) == id);
            events.iter().any(frames)
        };
        if let Some(first) = renditions.iter().position(|it| sends(it.only)) {
            let lead = renditions.remove(first);
            renditions.insert(0, lead);
        }
        let plan = renditions.into_iter().enumerate();
        self.renditions =
            plan.map(|(index, it)| Rendition::new(it, index > 0, &self.config)).collect();
        self.stage = Stage::Running;
        #[cfg(feature = "aes")]
        if let Some(key) = self.key {
            self.renditions.iter_mut().for_each(|it| it.set_key(key));
        }
        // Sound without a configuration record is announced by its first frame, behind pictures: it is in the first
        // segment all the same.
        let mut known = Vec::new();
        let (announced, rest): (Vec<_>, Vec<_>) = events.into_iter().partition(|(event, _)| {
            let is_new = matches!(event, MediaEvent::Track(it) if !known.contains(&it.id));
            known.extend(is_new.then(|| event.track()));
            is_new
        });
        let mut events = announced.into_iter().chain(rest);
        events.try_for_each(|(event, unix_ms)| self.route(event, unix_ms))
    }

    /// Gives an event to its rendition. Frames of those that follow wait until the first one got as far.
    fn route(&mut self, event: MediaEvent, unix_ms: i64) -> Result<(), SegmentError> {
        let id = event.track();
        let Some(index) = self.renditions.iter().position(|it| it.takes(id)) else {
            // A track that came after the renditions were published has no place in them.
            return Err(SegmentError::UnknownTrack(id));
        };
        if let Some(rendition) = self.renditions.get_mut(index) {
            rendition.note(&event);
        }
        let reached = match (&event, self.renditions.get_mut(index)) {
            (MediaEvent::Frame(frame), Some(rendition)) => rendition.reach(frame),
            _ => None,
        };
        if index > 0 {
            if let Some(rendition) = self.renditions.get_mut(index) {
                rendition.hold(event, reached, unix_ms);
            }
            self.lead.1 += 1;
            self.pass_a_silent_lead(reached, unix_ms);
            return self.release(self.reached, unix_ms);
        }
        if reached.is_some_and(|at| at < self.reached.saturating_sub(JUMP_BACK)) {
            // What waits for later times of the old timeline need not wait any more.
            self.release(i64::MAX, unix_ms)?;
        }
        let Some(lead) = self.renditions.first_mut() else { return Ok(()) };
        lead.segmenter.push(event, unix_ms)?;
        self.tell_followers();
        reached.map_or(Ok(()), |at| {
            (self.reached, self.lead) = (at, (unix_ms, 0));
            self.release(at, unix_ms)
        })
    }

    /// Tells the renditions that follow where segments began.
    fn tell_followers(&mut self) {
        let Some((lead, others)) = self.renditions.split_first_mut() else { return };
        while let Some(begun) = lead.segmenter.next_begun() {
            let target = lead.segmenter.target_duration();
            others.iter_mut().for_each(|it| it.segmenter.follow(begun, target));
        }
    }

    /// When the rendition that leads has been silent for long, the others go on without it.
    fn pass_a_silent_lead(&mut self, reached: Option<i64>, unix_ms: i64) {
        let silent = unix_ms.saturating_sub(self.lead.0) > SILENT_MS || self.lead.1 > SILENT_EVENTS;
        let Some(at) = reached.filter(|_| silent) else { return };
        let ahead = at.saturating_sub(self.reached);
        if !(0..=LONGEST_SILENCE).contains(&ahead) {
            return;
        }
        if let Some(lead) = self.renditions.first_mut() {
            lead.segmenter.pass(at);
            self.reached = at;
        }
        self.tell_followers();
    }

    /// Lets renditions that follow go on up to a time of the source, in microseconds.
    fn release(&mut self, until: i64, unix_ms: i64) -> Result<(), SegmentError> {
        let Some((lead, others)) = self.renditions.split_first_mut() else { return Ok(()) };
        others.iter_mut().try_for_each(|it| {
            let released = it.release(until, unix_ms);
            if it.segmenter.needs_break() {
                lead.segmenter.break_next();
            }
            released
        })
    }

    /// Makes public what the segmenters made.
    fn publish(&mut self) {
        let mut changed = false;
        for rendition in &mut self.renditions {
            changed |= rendition.publish(&self.config, &mut self.departed);
        }
        if changed {
            self.generation += 1;
            self.exchange_reports();
            self.list_date_ranges();
        }
        while self.departed.len() > 16 {
            self.departed.pop_front();
        }
    }

    /// Tells every playlist how far the others are.
    fn exchange_reports(&mut self) {
        if self.renditions.len() < 2 {
            return;
        }
        let reports: Vec<_> = self
            .renditions
            .iter()
            .map(|it| it.playlist.as_ref().map(crate::Playlist::report))
            .collect();
        for (index, rendition) in self.renditions.iter_mut().enumerate() {
            let others = reports.iter().enumerate().filter(|(other, _)| *other != index);
            let others = others.filter_map(|(_, report)| report.clone()).collect();
            if let Some(playlist) = &mut rendition.playlist {
                playlist.set_reports(others);
            }
        }
    }

    fn look(&self, request: &Request<'_>) -> Looked {
        if request.name == INDEX {
            return self.look_at_index();
        }
        let found = self.renditions.iter().find_map(|it| Some((it, it.names.read(request.name)?)));
        let Some((rendition, resource)) = found else {
            return match self.stage {
                // Which renditions there will be is not known yet.
                Stage::Waiting { .. } if !self.finished && request.name.ends_with(".m3u8") => {
                    Looked::NotYet(self.first_patience())
                }
                _ => Looked::Reply(Reply::error(404, Duration::from_secs(1))),
            };
        };
        match resource {
            Resource::Playlist => self.look_at_playlist(rendition, request.query),
            _ => self.look_at_media(rendition, resource, request.range),
        }
    }

    fn look_at_index(&self) -> Looked {
        let ready =
            self.renditions.iter().all(|it| it.playlist.as_ref().is_some_and(|it| !it.is_empty()));
        if self.renditions.is_empty() || !ready {
            if self.finished {
                return Looked::Reply(Reply::error(404, Duration::from_secs(1)));
            }
            return Looked::NotYet(self.first_patience());
        }
        let text = self.multivariant().write();
        Looked::Reply(Reply::new(
            PLAYLIST_TYPE,
            Duration::from_secs(1),
            Pieces::from(bytes::Bytes::from(text)),
        ))
    }

    /// What there is to choose from, with the rates measured so far.
    fn multivariant(&self) -> Multivariant {
        let mut list = Multivariant { independent: true, ..Multivariant::default() };
        for rendition in &self.renditions {
            let (uri, rate) = (rendition.names.write(Resource::Playlist), rendition.meter.rates());
            match &rendition.audio_only_of_many {
                Some(track) => list.audio.push(AudioRendition::new(uri, track, rate)),
                None => list.variants.push(Variant::new(
                    uri,
                    &rendition.tracks,
                    rate,
                    rendition.frames.rate(),
                )),
            }
            list.independent &=
                rendition.playlist.as_ref().is_none_or(crate::Playlist::is_independent);
        }
        list
    }

    fn look_at_playlist(&self, rendition: &Rendition, query: &str) -> Looked {
        let Ok(request) = BlockRequest::parse(query) else {
            return Looked::Reply(Reply::error(400, Duration::from_secs(1)));
        };
        let Some(playlist) = rendition.playlist.as_ref().filter(|it| !it.is_empty()) else {
            return Looked::NotYet(self.first_patience());
        };
        let target = playlist.target_duration();
        match playlist.readiness(&request) {
            Readiness::TooFarAhead => Looked::Reply(Reply::error(400, target)),
            Readiness::Wait => Looked::NotYet(target * 3),
            Readiness::Ready => {
                // rfc8216bis appendix B.1.
                let max_age = if request.sequence.is_some() { target * 6 } else { target / 2 };
                Looked::Reply(Reply::new(PLAYLIST_TYPE, max_age, playlist.answer(&request)))
            }
        }
    }

    fn look_at_media(
        &self,
        rendition: &Rendition,
        resource: Resource,
        range: Option<&str>,
    ) -> Looked {
        let target = rendition
            .playlist
            .as_ref()
            .map_or(Duration::from_secs(1), crate::Playlist::target_duration);
        match rendition.find(resource) {
            Found::Body(body) => {
                let kind = content_type(self.config.segmenter.container, resource, rendition);
                // Who may have a key may change: no cache may answer for us.
                let key = matches!(resource, Resource::Key(_));
                let reply = Reply::new(kind, if key { Duration::ZERO } else { target * 6 }, body);
                Looked::Reply(match range {
                    Some(range) => reply.ranged(range),
                    None => reply,
                })
            }
            Found::Soon => Looked::NotYet(target * 3),
            Found::Nothing => Looked::Reply(Reply::error(404, target)),
        }
    }

    /// How long the first playlist may take: the longest first segment, and what the tracks were waited for.
    fn first_patience(&self) -> Duration {
        self.config.segmenter.longest + self.config.segmenter.track_wait
    }
}

enum Looked {
    Reply(Reply),
    /// Wait at most that long.
    NotYet(Duration),
}

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

fn content_type(container: Container, resource: Resource, rendition: &Rendition) -> &'static str {
    let sound = rendition.tracks.iter().all(|it| it.id.kind != MediaKind::Video);
    match (container, resource) {
        (_, Resource::Playlist) => PLAYLIST_TYPE,
        (_, Resource::Key(_)) => "application/octet-stream",
        (Container::Ts, _) => "video/mp2t",
        (Container::Fmp4, Resource::Init(_)) if sound => "audio/mp4",
        (Container::Fmp4, Resource::Init(_)) => "video/mp4",
        (Container::Fmp4, _) => "video/iso.segment",
    }
}

fn timescale_of(events: &VecDeque<(MediaEvent, i64)>, id: TrackId) -> Option<Timescale> {
    events.iter().rev().find_map(|(event, _)| match event {
        MediaEvent::Track(track) if track.id == id => Some(track.timescale),
        _ => None,
    })
}

fn millis_of(events: &VecDeque<(MediaEvent, i64)>, id: TrackId, dts: i64) -> i64 {
    let scale = timescale_of(events, id).unwrap_or(Timescale::MILLIS);
    scale.rescale(levada_media::Ticks(dts), Timescale::MILLIS, Rounding::Down).0
}

/// Whether pictures and sound have begun, in every track that was announced.
fn every_track_has_a_frame(events: &VecDeque<(MediaEvent, i64)>) -> bool {
    let announced = |kind: MediaKind| {
        events.iter().filter_map(move |(event, _)| match event {
            MediaEvent::Track(track) if track.id.kind == kind => Some(track.id),
            _ => None,
        })
    };
    let begun = |id: TrackId| {
        events
            .iter()
            .any(|(event, _)| matches!(event, MediaEvent::Frame(frame) if frame.track == id))
    };
    [MediaKind::Video, MediaKind::Audio]
        .into_iter()
        .all(|kind| announced(kind).next().is_some() && announced(kind).all(begun))
}

#[cfg(test)]
mod tests;
