//! The media playlist of one rendition, as it is published.

mod date_range;
mod date_ranges;
mod text;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use levada_fmp4::Pieces;

use crate::blocking::Progress;
use crate::date::Date;
use crate::names::{Names, Resource};
use crate::segment::{Opening, Part, Segment};
use crate::{BlockRequest, Readiness, SkipRequest};
pub use date_range::{Attribute, DateRange, MAX_DATE_RANGES};
use date_ranges::DateRanges;
use text::Text;

/// A playlist that slides does not get shorter than this many target durations (§6.2.2).
const SHORTEST: u32 = 3;

/// Parts are listed in segments that begin less than this many target durations from the end (§6.2.2).
const PARTS_WITHIN: u32 = 3;

/// Segments that end further than this many target durations from the end may be skipped (§4.4.3.8).
const SKIP_FROM: u32 = 6;

/// Which segments stay in a playlist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "slide, or keep all: what §4.4.3.5 allows")]
pub enum Window {
    /// Those of this span before the end, and never less than three target durations. Hours are fine.
    Sliding(Duration),
    /// All: `EXT-X-PLAYLIST-TYPE:EVENT`.
    Event,
}

/// What a [`Playlist`] promises for all of its life.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlaylistConfig {
    /// `EXT-X-TARGETDURATION` in seconds, at least 1.
    pub target_duration: u64,
    /// `PART-TARGET`. With parts come blocking reload and delta updates.
    pub part_target: Option<Duration>,
    /// Which segments stay.
    pub window: Window,
    /// What every URI begins with: the name of the rendition.
    pub prefix: String,
    /// The ending of segment names, without its dot.
    pub extension: &'static str,
    /// Media sequence number of the first segment.
    pub first_sequence: u64,
    /// Discontinuity sequence number before the first segment.
    pub first_discontinuity: u64,
}

impl PlaylistConfig {
    /// A sliding window of a minute, without parts.
    pub fn new(target_duration: u64, prefix: &str) -> Self {
        Self {
            target_duration: target_duration.max(1),
            part_target: None,
            window: Window::Sliding(Duration::from_secs(60)),
            prefix: prefix.into(),
            extension: "m4s",
            first_sequence: 0,
            first_discontinuity: 0,
        }
    }
}

/// A media playlist that grows at its end and, if it slides, shrinks at its start.
///
/// The promises of the specification about changes are kept by construction: the target duration never changes, both
/// sequence numbers count what left, a listed segment keeps its name, and the init section in force at the start is
/// named again when the segment that brought it is gone.
///
/// Text that will not change any more is kept as shared blocks: a week of two-second segments is written out in the
/// time of its newest lines.
///
/// ```
/// use levada_hls::{Playlist, PlaylistConfig};
///
/// let playlist = Playlist::new(PlaylistConfig::new(6, "main"));
/// let text = playlist.write(false).join();
/// assert!(text.starts_with(b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n"));
/// ```
#[derive(Debug)]
pub struct Playlist {
    config: PlaylistConfig,
    names: Names,
    /// Old segments, whose text is written. An event playlist forgets those that can be skipped: its start never
    /// moves.
    settled: VecDeque<Settled>,
    /// Segments near the end, whose parts are listed.
    recent: VecDeque<Listed>,
    text: Text,
    /// The open segment, from its first part on.
    open: Option<Listed>,
    /// The init section of the next part, if it was made and is not listed yet.
    next_init: Option<u32>,
    /// Sequence number of the first listed segment.
    first: u64,
    /// Where the text of the first listed segment begins.
    first_at: u64,
    /// What is in force before the first listed segment.
    before_first: InForce,
    /// What is in force before the first recent segment.
    before_recent: InForce,
    discontinuities: u64,
    /// The same of the last complete segment.
    last_discontinuity: u64,
    /// Of all listed segments.
    span: Duration,
    /// Of `recent`.
    recent_span: Duration,
    /// Whether every segment so far began with a keyframe.
    independent: bool,
    reports: Vec<Report>,
    date_ranges: DateRanges,
    ended: bool,
}

/// A segment whose text is written and stays.
#[derive(Clone, Copy, Debug)]
struct Settled {
    at: u64,
    duration: Duration,
    discontinuity: bool,
    uses: InForce,
}

/// Tags that hold until others of their kind come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct InForce {
    init: Option<u32>,
    key: Option<u32>,
}

impl InForce {
    fn of(opening: &Opening) -> Self {
        Self { init: opening.init, key: opening.key }
    }
}

/// A segment whose parts are listed, with its lines in the order of §4.4.4.
#[derive(Clone, Debug, Default)]
struct Listed {
    opening: Opening,
    /// While it is open, that of its parts.
    duration: Duration,
    parts: u32,
    /// What stands before its parts.
    head: String,
    part_lines: String,
    /// What stands behind them.
    end: String,
}

/// What a delta update leaves out.
#[derive(Clone, Copy, Debug)]
struct Skipped {
    /// How many segments.
    count: u64,
    /// The settled segment that comes next, as an index.
    next: usize,
    date_ranges: bool,
}

/// How far another rendition of the same presentation is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Its playlist.
    pub uri: String,
    /// The media sequence number of its last part, or of its last segment if it has no parts.
    pub last_sequence: u64,
    /// The index of its last part.
    pub last_part: Option<u64>,
}

impl Playlist {
    /// An empty playlist. Publish it once it [has](Self::is_empty) a segment or a part.
    pub fn new(config: PlaylistConfig) -> Self {
        Self {
            names: Names::new(&config.prefix, config.extension),
            settled: VecDeque::new(),
            recent: VecDeque::new(),
            text: Text::default(),
            open: None,
            next_init: None,
            first: config.first_sequence,
            first_at: 0,
            before_first: InForce::default(),
            before_recent: InForce::default(),
            discontinuities: config.first_discontinuity,
            last_discontinuity: config.first_discontinuity,
            span: Duration::ZERO,
            recent_span: Duration::ZERO,
            independent: true,
            reports: Vec::new(),
            date_ranges: DateRanges::default(),
            ended: false,
            config,
        }
    }

    /// Says which init section the next segment has, so that players fetch it before its first part is there.
    pub fn announce_init(&mut self, number: u32) {
        self.next_init = Some(number);
    }

    /// Begins a segment.
    pub fn open(&mut self, opening: Opening) {
        self.next_init = None;
        let mut head = String::with_capacity(160);
        let _ = self.write_opening(&mut head, &opening);
        self.open = Some(Listed { opening, head, ..Listed::default() });
    }

    /// Lists a part of the segment that was opened.
    pub fn push_part(&mut self, part: &Part) {
        let Some(open) = self.open.as_mut().filter(|_| self.config.part_target.is_some()) else {
            return;
        };
        let uri = self.names.write(Resource::Part(open.opening.sequence, open.parts));
        let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
        let duration = Seconds(part.duration);
        let _ =
            writeln!(open.part_lines, "#EXT-X-PART:DURATION={duration},URI=\"{uri}\"{independent}");
        open.parts += 1;
        open.duration += part.duration;
        self.settle();
    }

    /// Completes the segment that was opened, and says which segments left the playlist by that. A segment
    /// without bytes is listed as a gap.
    pub fn push_segment(&mut self, segment: &Segment) -> Range<u64> {
        let (opening, duration) = (segment.opening, segment.duration);
        if self.open.as_ref().is_none_or(|it| it.opening != opening) {
            self.open(opening);
        }
        let mut listed = self.open.take().unwrap_or_default();
        let gap = if segment.is_empty() { "#EXT-X-GAP\n" } else { "" };
        let uri = self.names.write(Resource::Segment(opening.sequence));
        let _ = writeln!(listed.end, "{gap}#EXTINF:{},\n{uri}", Seconds(duration));
        listed.duration = duration;
        self.recent.push_back(listed);
        self.span += duration;
        self.recent_span += duration;
        self.independent &= opening.independent;
        self.last_discontinuity += u64::from(opening.discontinuity);
        self.settle();
        let left = self.slide();
        if !left.is_empty() {
            self.drop_date_ranges();
        }
        left
    }

    /// Drops all segments but those of this span before the end, once, and says which left. An event playlist keeps all
    /// of them, and no playlist gets shorter than three target durations.
    pub fn trim(&mut self, keep: Duration) -> Range<u64> {
        let begin = self.first;
        if let Window::Sliding(_) = self.config.window {
            self.keep(keep);
        }
        if begin < self.first {
            self.drop_date_ranges();
        }
        begin..self.first
    }

    /// Ends the playlist. An open segment that was not completed is dropped.
    pub fn finish(&mut self) {
        self.open = None;
        self.ended = true;
    }

    /// Lists a date range, or completes the one of the same id. It leaves when no listed segment lies in it any more;
    /// the oldest one leaves when there are more than [`MAX_DATE_RANGES`].
    pub fn set_date_range(&mut self, range: DateRange) {
        let open = self.open_sequence();
        self.date_ranges.set(range, open);
    }

    /// Says how far the other renditions are, for `EXT-X-RENDITION-REPORT`.
    pub fn set_reports(&mut self, reports: Vec<Report>) {
        self.reports = reports;
    }

    /// How far this playlist is, for the reports of others.
    pub fn report(&self) -> Report {
        let open = self.open.as_ref().filter(|it| it.parts > 0);
        let (last_sequence, parts) = match open {
            Some(open) => (self.open_sequence(), open.parts),
            None => {
                let parts = self.recent.back().map_or(0, |it| it.parts);
                (self.open_sequence().saturating_sub(1), parts)
            }
        };
        let last_part = self.config.part_target.and_then(|_| (parts as u64).checked_sub(1));
        Report { uri: self.names.write(Resource::Playlist), last_sequence, last_part }
    }

    /// Whether there is nothing to publish yet.
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
            && self.settled.is_empty()
            && self.open.as_ref().is_none_or(|it| it.parts == 0)
    }

    /// Whether it is complete.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// `EXT-X-TARGETDURATION`.
    pub fn target_duration(&self) -> Duration {
        Duration::from_secs(self.config.target_duration)
    }

    /// Whether every segment so far began with a keyframe.
    pub fn is_independent(&self) -> bool {
        self.independent
    }

    /// Discontinuity sequence number of the last complete segment.
    pub fn last_discontinuity(&self) -> u64 {
        self.last_discontinuity
    }

    /// How long all listed segments are together.
    pub fn span(&self) -> Duration {
        self.span
    }

    /// Discontinuity sequence number of the first listed segment, its own tag not counted.
    pub fn discontinuity_sequence(&self) -> u64 {
        self.discontinuities
    }

    /// Whether a request with these directives may be answered with the playlist as it is.
    pub fn readiness(&self, request: &BlockRequest) -> Readiness {
        let progress = Progress {
            open: self.open_sequence(),
            last_parts: self.recent.back().map_or(0, |it| u64::from(it.parts)),
            open_parts: self.open.as_ref().map_or(0, |it| u64::from(it.parts)),
            part_target: self.config.part_target,
            ended: self.ended,
        };
        progress.readiness(request)
    }

    /// The part that `EXT-X-PRELOAD-HINT` names: sequence number and index.
    pub fn hint(&self) -> Option<(u64, u32)> {
        self.config.part_target.filter(|_| !self.ended)?;
        let parts = self.open.as_ref().map_or(0, |it| it.parts);
        Some((self.open_sequence(), parts))
    }

    /// The text. With `skip` a delta update, if that leaves anything out.
    pub fn write(&self, skip: bool) -> Pieces {
        self.text(if skip { SkipRequest::Segments } else { SkipRequest::Nothing })
    }

    /// The text for a request that [may be answered](Self::readiness): a delta update where it asks for one.
    pub fn answer(&self, request: &BlockRequest) -> Pieces {
        self.text(request.skip)
    }

    fn text(&self, skip: SkipRequest) -> Pieces {
        let skipped = self.skippable(skip);
        let mut head = String::with_capacity(512);
        let _ = self.write_head(&mut head, skipped);
        let (next, before) = match skipped {
            Some(it) => (it.next, self.before(it.next)),
            None => (0, self.before_first),
        };
        let settled = self.settled.get(next);
        let end = self.text.end();
        let from = skipped.map_or(self.first_at, |_| settled.map_or(end, |it| it.at));
        let first = settled.map(|it| it.uses);
        let first = first.or_else(|| self.recent.front().map(|it| InForce::of(&it.opening)));
        // A segment that brings its own needs no reminder.
        let _ =
            self.write_in_force(&mut head, first.filter(|it| *it == before).unwrap_or_default());
        let mut tail = String::with_capacity(4096);
        let _ = self.write_tail(&mut tail);
        let mut pieces = Vec::from([Bytes::from(head)]);
        pieces.extend(self.text.since(from));
        pieces.push(Bytes::from(tail));
        Pieces::from(pieces)
    }

    /// Sequence number of the segment that comes after the last complete one.
    fn open_sequence(&self) -> u64 {
        match self.recent.back() {
            Some(last) => last.opening.sequence + 1,
            None => self.open.as_ref().map_or(self.first, |it| it.opening.sequence),
        }
    }

    fn targets(&self, count: u32) -> Duration {
        self.target_duration().saturating_mul(count)
    }

    /// Writes down the text of segments whose parts are not listed any more. One always stays: its parts are asked
    /// for by number.
    fn settle(&mut self) {
        let within = self.config.part_target.map_or(Duration::ZERO, |_| self.targets(PARTS_WITHIN));
        let open = self.open.as_ref().map_or(Duration::ZERO, |it| it.duration);
        while self.recent.len() > 1 && self.recent_span + open >= within {
            let Some(listed) = self.recent.pop_front() else { return };
            self.recent_span = self.recent_span.saturating_sub(listed.duration);
            let opening = listed.opening;
            let at = self.text.end();
            self.settled.push_back(Settled {
                at,
                duration: listed.duration,
                discontinuity: opening.discontinuity,
                uses: InForce::of(&opening),
            });
            self.text.push(&listed.head);
            self.text.push(&listed.end);
            self.before_recent = InForce::of(&opening);
        }
    }

    /// Drops segments that are too old to be listed.
    fn slide(&mut self) -> Range<u64> {
        let begin = self.first;
        match self.config.window {
            Window::Sliding(window) => self.keep(window),
            Window::Event => {
                let keep = self.targets(SKIP_FROM + 1);
                let mut behind =
                    self.recent_span + self.settled.iter().map(|it| it.duration).sum::<Duration>();
                while self
                    .settled
                    .front()
                    .is_some_and(|it| behind.saturating_sub(it.duration) > keep)
                {
                    behind = behind.saturating_sub(
                        self.settled.pop_front().map_or(Duration::ZERO, |it| it.duration),
                    );
                }
            }
        }
        begin..self.first
    }

    fn keep(&mut self, span: Duration) {
        let keep = span.max(self.targets(SHORTEST));
        while self.settled.front().is_some_and(|it| self.span.saturating_sub(it.duration) >= keep) {
            self.drop_first();
        }
        self.first_at = self.settled.front().map_or_else(|| self.text.end(), |it| it.at);
        self.text.trim(self.first_at);
    }

    /// Drops the date ranges that ended before the first listed segment begins.
    fn drop_date_ranges(&mut self) {
        let Some(last) = self.recent.back() else { return };
        let behind =
            i64::try_from(self.span.saturating_sub(last.duration).as_millis()).unwrap_or(0);
        let first = last.opening.program_date_time.saturating_sub(behind);
        self.date_ranges.slide(first, last.opening.sequence, self.first);
    }

    fn drop_first(&mut self) {
        if let Some(gone) = self.settled.pop_front() {
            self.first += 1;
            self.span = self.span.saturating_sub(gone.duration);
            self.discontinuities += u64::from(gone.discontinuity);
            self.before_first = gone.uses;
        }
    }

    /// What may be left out, if there is anything.
    fn skippable(&self, skip: SkipRequest) -> Option<Skipped> {
        self.config.part_target.filter(|_| !self.ended && skip != SkipRequest::Nothing)?;
        let boundary = self.targets(SKIP_FROM);
        // A segment is left out when even its end is further away (the draft does not say which of its ends counts).
        let mut behind = self.recent_span;
        let mut next = self.settled.len();
        while let Some(segment) = next.checked_sub(1).and_then(|it| self.settled.get(it)) {
            if behind > boundary {
                break;
            }
            behind += segment.duration;
            next -= 1;
        }
        let recent = self.recent.front().map_or(self.first, |it| it.opening.sequence);
        let count = recent - (self.settled.len() - next) as u64 - self.first;
        let date_ranges = skip == SkipRequest::SegmentsAndDateRanges;
        (count > 0).then_some(Skipped { count, next, date_ranges })
    }

    /// What is in force before a settled segment.
    fn before(&self, index: usize) -> InForce {
        let before = index.checked_sub(1).and_then(|it| self.settled.get(it)).map(|it| it.uses);
        before.unwrap_or(self.before_first)
    }

    fn write_head(&self, out: &mut String, skipped: Option<Skipped>) -> core::fmt::Result {
        writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{}", self.version(skipped))?;
        writeln!(out, "#EXT-X-TARGETDURATION:{}", self.config.target_duration)?;
        if self.config.window == Window::Event {
            writeln!(out, "#EXT-X-PLAYLIST-TYPE:EVENT")?;
        }
        if let Some(part_target) = self.config.part_target {
            let dates =
                if self.date_ranges.can_be_skipped() { ",CAN-SKIP-DATERANGES=YES" } else { "" };
            writeln!(
                out,
                "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={},CAN-SKIP-UNTIL={}.0{dates}",
                Seconds(part_target * 3),
                self.targets(SKIP_FROM).as_secs(),
            )?;
            writeln!(out, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(part_target))?;
        }
        writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", self.first)?;
        writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuities)?;
        if self.independent {
            writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
        }
        let Some(skipped) = skipped else { return self.date_ranges.write(out, 0) };
        // A date range of the time of a segment that is left out is as old as that.
        let from = if skipped.date_ranges { self.first + skipped.count } else { 0 };
        self.date_ranges.write(out, from)?;
        write!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", skipped.count)?;
        if skipped.date_ranges {
            out.push_str(",RECENTLY-REMOVED-DATERANGES=\"");
            self.date_ranges.write_removed(out, from)?;
            out.push('"');
        }
        writeln!(out)
    }

    /// What has to be understood (§8).
    fn version(&self, skipped: Option<Skipped>) -> u32 {
        let has_init = || self.recent.iter().chain(&self.open).any(|it| it.opening.init.is_some());
        match skipped {
            Some(Skipped { date_ranges: true, .. }) => 10,
            Some(_) => 9,
            None if has_init() => 6,
            None => 3,
        }
    }

    fn write_tail(&self, out: &mut String) -> core::fmt::Result {
        for segment in self.recent.iter().chain(self.open.as_ref().filter(|it| it.parts > 0)) {
            out.push_str(&segment.head);
            out.push_str(&segment.part_lines);
            out.push_str(&segment.end);
        }
        if let Some((sequence, part)) = self.hint() {
            if let Some(number) = self.next_init {
                let uri = self.names.write(Resource::Init(number));
                writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"{uri}\"")?;
            }
            let uri = self.names.write(Resource::Part(sequence, part));
            writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\"")?;
        }
        for report in self.reports.iter().filter(|_| !self.ended) {
            write!(
                out,
                "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}",
                report.uri, report.last_sequence
            )?;
            match report.last_part {
                Some(part) => writeln!(out, ",LAST-PART={part}")?,
                None => writeln!(out)?,
            }
        }
        if self.ended {
            writeln!(out, "#EXT-X-ENDLIST")?;
        }
        Ok(())
    }

    /// What stands in front of a segment that comes after those that are there.
    fn write_opening(&self, out: &mut String, opening: &Opening) -> core::fmt::Result {
        let before = self.recent.back().map_or(self.before_recent, |it| InForce::of(&it.opening));
        if opening.discontinuity {
            writeln!(out, "#EXT-X-DISCONTINUITY")?;
        }
        let uses = InForce::of(opening);
        if uses.init != before.init && before.key.is_some() {
            // The key would hold for the init section, which is not encrypted (§4.4.4.5).
            writeln!(out, "#EXT-X-KEY:METHOD=NONE")?;
        }
        if uses.init != before.init {
            self.write_in_force(out, uses)?;
        } else if uses.key != before.key {
            match uses.key {
                Some(_) => self.write_in_force(out, InForce { init: None, ..uses })?,
                None => writeln!(out, "#EXT-X-KEY:METHOD=NONE")?,
            }
        }
        writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", Date(opening.program_date_time))
    }

    /// Names an init section and a key, the init section first: it is not encrypted.
    fn write_in_force(&self, out: &mut String, uses: InForce) -> core::fmt::Result {
        if let Some(number) = uses.init {
            writeln!(out, "#EXT-X-MAP:URI=\"{}\"", self.names.write(Resource::Init(number)))?;
        }
        if let Some(number) = uses.key {
            writeln!(
                out,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"",
                self.names.write(Resource::Key(number))
            )?;
        }
        Ok(())
    }
}

/// A duration in microseconds, which is what durations here are made of: nothing is rounded, so no sum drifts.
struct Seconds(Duration);

impl core::fmt::Display for Seconds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

#[cfg(test)]
mod tests;
