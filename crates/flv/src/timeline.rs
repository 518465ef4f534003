use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::time::Duration;

use levada_codec::{flac, opus};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, Rounding, Ticks, Timescale, Track,
    TrackId,
};

/// What a [`Timeline`] puts right. Each part can be switched off by `None`.
///
/// The default is for live streams that come from anywhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimelineConfig {
    /// The stream begins at this time, whatever its first timestamp is. Tracks that then turn out to have time
    /// bases of their own are brought together. Default: 0.
    pub start: Option<Duration>,
    /// A step forward by more than this is closed: what follows is moved to where it would have gone on. Default:
    /// 10 s.
    pub close_gaps: Option<Duration>,
    /// A step forward by more than this is told. Default: 1 s.
    pub report_gaps: Option<Duration>,
    /// Time goes forward only. A step back by up to this is held at the time before, and the time of presentation
    /// is kept. After a longer one what follows is moved to where it would have gone on. Default: 200 ms, as of frames
    /// that overtook each other; a source that begins anew goes further back.
    pub forward: Option<Duration>,
    /// The times of audio frames are counted from their samples, in ticks of one sample, because milliseconds are too
    /// coarse for them. Where that is off by more than this, it starts anew: later in one step, earlier by the length of
    /// a frame at a time, as no frame comes before another. Default: 100 ms.
    pub count_samples: Option<Duration>,
}

impl TimelineConfig {
    /// Nothing is changed: events leave as they came.
    pub const OFF: Self = Self {
        start: None,
        close_gaps: None,
        report_gaps: None,
        forward: None,
        count_samples: None,
    };
}

impl Default for TimelineConfig {
    fn default() -> Self {
        Self {
            start: Some(Duration::ZERO),
            close_gaps: Some(Duration::from_secs(10)),
            report_gaps: Some(Duration::from_secs(1)),
            forward: Some(Duration::from_millis(200)),
            count_samples: Some(Duration::from_millis(100)),
        }
    }
}

/// Something about the times of a track that a [`Timeline`] changed, or found worth telling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeFinding {
    /// The track.
    pub track: TrackId,
    /// The time at which the frame left, in microseconds.
    pub micros: i64,
    /// What.
    pub kind: TimeFindingKind,
}

/// Kinds of [`TimeFinding`]s. Spans are in microseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeFindingKind {
    /// The stream was moved by so much, so that it begins where it should. Told once.
    Rebased {
        /// What was added to its times.
        by: i64,
    },
    /// The track's times have nothing to do with those of the others. It was moved to where they are.
    OwnTimeBase {
        /// What is added to its times.
        by: i64,
    },
    /// The time jumped. What follows was moved, so that it goes on.
    Jump {
        /// The step, as it came.
        step: i64,
    },
    /// A step forward that was kept.
    Gap {
        /// The step.
        step: i64,
    },
    /// A step back that was held.
    Backward {
        /// The step, as it came: less than 0.
        step: i64,
    },
    /// The samples of an audio track do not fill its time: counting them started anew.
    SamplesOff {
        /// What the timestamps say, less what the samples do.
        by: i64,
    },
}

/// Puts the times of a stream right, as a stage between an [`Unpacker`](crate::Unpacker) and whoever needs times to
/// be right.
///
/// One event in, one event out. What it changed is told by [`findings`](Self::findings). With
/// [`TimelineConfig::OFF`] nothing is changed.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{Timeline, TimelineConfig};
/// use levada_media::{Frame, MediaEvent, Ticks, TrackId};
///
/// let mut timeline = Timeline::new(TimelineConfig::default());
/// let mut time_of = |dts| {
///     let frame = Frame::new(TrackId::video(0), Ticks(dts), Bytes::from_static(b"frame"));
///     match timeline.push(MediaEvent::Frame(frame)) {
///         MediaEvent::Frame(frame) => frame.dts.0,
///         _ => unreachable!(),
///     }
/// };
/// // The encoder begins anywhere, and is started anew.
/// assert_eq!([5000, 5040, 5080, 0, 40].map(&mut time_of), [0, 40, 80, 120, 160]);
/// ```
#[derive(Debug)]
pub struct Timeline {
    config: TimelineConfig,
    tracks: Vec<TrackClock>,
    /// The latest time that any frame left with, in microseconds.
    now: Option<i64>,
    findings: Vec<TimeFinding>,
}

/// The time of one track. All times here are in microseconds, so that tracks can be compared. A microsecond is exact
/// for the milliseconds of FLV; times of finer scales are only ever moved, so that they stay exact.
#[derive(Debug)]
struct TrackClock {
    id: TrackId,
    scale: Timescale,
    /// What is added to the times that come.
    offset: i64,
    /// The time that left last, and the last usual step.
    last: Option<i64>,
    /// The same in ticks, in which it left.
    last_dts: Option<Ticks>,
    step: i64,
    samples: Option<SampleClock>,
}

/// Time counted in samples.
#[derive(Debug)]
struct SampleClock {
    codec: AudioCodec,
    samples_per_frame: Option<u32>,
    scale: Timescale,
    /// When the next frame begins, in samples. `None` before the first.
    next: Option<i64>,
}

/// A step that says nothing of how frames follow each other.
const USUAL_STEP: i64 = 1_000_000;

impl Timeline {
    /// A stage at the start of a stream.
    pub fn new(config: TimelineConfig) -> Self {
        Self { config, tracks: Vec::new(), now: None, findings: Vec::new() }
    }

    /// Puts one event right.
    pub fn push(&mut self, event: MediaEvent) -> MediaEvent {
        self.findings.clear();
        match event {
            MediaEvent::Track(track) => MediaEvent::Track(self.track(track)),
            MediaEvent::Frame(frame) => MediaEvent::Frame(self.frame(frame)),
            MediaEvent::End(id) => MediaEvent::End(id),
        }
    }

    /// What the last event showed.
    pub fn findings(&self) -> &[TimeFinding] {
        &self.findings
    }

    fn track(&mut self, mut track: Track) -> Track {
        let samples = match &*track.params {
            CodecParams::Audio(audio) if self.config.count_samples.is_some() => {
                SampleClock::new(audio)
            }
            _ => None,
        };
        let clock = self.clock(track.id);
        if clock.scale != track.timescale {
            clock.scale = track.timescale;
            clock.last_dts = None;
        }
        if let Some(samples) = &samples {
            track.timescale = samples.scale;
        }
        clock.samples = samples;
        track
    }

    fn frame(&mut self, mut frame: Frame) -> Frame {
        let id = frame.track;
        let clock = self.clock(id);
        let scale = clock.scale;
        let (first, offset, last, step) =
            (clock.last.is_none(), clock.offset, clock.last, clock.step);
        let came = micros(scale, frame.dts);
        let offset = if first { self.first_offset(id, came) } else { offset };
        let (offset, out) = match last {
            None => (offset, came.saturating_add(offset)),
            Some(last) => self.follow(id, came, offset, last, step),
        };
        // A frame that is held is shown when it would have been.
        let moved = came.saturating_add(offset);
        let ticks = |span: i64| Timescale::MICROS.rescale(Ticks(span), scale, Rounding::Nearest);
        frame.dts = frame.dts + ticks(out.saturating_sub(came));
        let held = ticks(moved.saturating_sub(out)).0;
        frame.cts = frame.cts.saturating_add(i32::try_from(held).unwrap_or(i32::MIN));
        self.now = Some(self.now.map_or(out, |now| now.max(out)));
        let is_forward_only = self.config.forward.is_some();
        let clock = self.clock(id);
        clock.offset = offset;
        clock.last = Some(out);
        // Microseconds round finer ticks, and saturate where milliseconds of half a million years do not.
        if is_forward_only {
            frame.dts = clock.last_dts.map_or(frame.dts, |last| last.max(frame.dts));
        }
        clock.last_dts = Some(frame.dts);
        if let Some(last) = last
            && (1..=USUAL_STEP).contains(&out.saturating_sub(last))
        {
            clock.step = out - last;
        }
        self.count_samples(id, out, &mut frame);
        frame
    }

    /// What to add to the times of a track that begins.
    fn first_offset(&mut self, id: TrackId, came: i64) -> i64 {
        let (Some(now), Some(_), Some(near)) =
            (self.now, self.config.start, self.config.close_gaps)
        else {
            let by = match self.config.start {
                Some(start) if self.now.is_none() => span(start).saturating_sub(came),
                _ => self.tracks.iter().find(|it| it.last.is_some()).map_or(0, |it| it.offset),
            };
            if by != 0 && self.now.is_none() {
                self.tell(id, came.saturating_add(by), TimeFindingKind::Rebased { by });
            }
            return by;
        };
        // Tracks of one stream share a clock, unless that would put this one far away.
        let is_near = |offset: i64| {
            came.saturating_add(offset).saturating_sub(now).saturating_abs() <= span(near)
        };
        let running = self.tracks.iter().filter(|it| it.last.is_some()).map(|it| it.offset);
        if let Some(offset) = running.clone().find(|it| is_near(*it)) {
            return offset;
        }
        let by = now.saturating_sub(came);
        self.tell(id, now, TimeFindingKind::OwnTimeBase { by });
        by
    }

    /// The offset and the time of a frame that follows another one.
    fn follow(&mut self, id: TrackId, came: i64, offset: i64, last: i64, usual: i64) -> (i64, i64) {
        let out = came.saturating_add(offset);
        let step = out.saturating_sub(last);
        let over = |limit: Option<Duration>, step: i64| limit.is_some_and(|it| step > span(it));
        if over(self.config.close_gaps, step) || over(self.config.forward, step.saturating_neg()) {
            // Another track may have jumped before: the same move keeps the two together.
            let near = self.config.close_gaps.map_or(i64::MAX, span);
            let fits = |offset: i64| {
                (0..=near).contains(&came.saturating_add(offset).saturating_sub(last))
            };
            let others = self.tracks.iter().filter(|it| it.id != id && it.last.is_some());
            let offset = others
                .map(|it| it.offset)
                .find(|it| fits(*it))
                .unwrap_or_else(|| last.saturating_add(usual).saturating_sub(came));
            let out = came.saturating_add(offset);
            self.tell(id, out, TimeFindingKind::Jump { step });
            return (offset, out);
        }
        if step < 0 && self.config.forward.is_some() {
            self.tell(id, last, TimeFindingKind::Backward { step });
            return (offset, last);
        }
        if over(self.config.report_gaps, step) {
            self.tell(id, out, TimeFindingKind::Gap { step });
        }
        (offset, out)
    }

    /// Puts the count of samples in the place of the time, as long as the two agree.
    fn count_samples(&mut self, id: TrackId, out: i64, frame: &mut Frame) {
        let Some(tolerance) = self.config.count_samples else { return };
        let clock = self.clock(id);
        let scale = clock.scale;
        let Some(samples) = &mut clock.samples else { return };
        let wire = scale.rescale(frame.dts, samples.scale, Rounding::Nearest).0;
        let counted = samples.next.unwrap_or(wire);
        let by = micros(samples.scale, Ticks(wire.saturating_sub(counted)));
        let agrees = by.saturating_abs() <= span(tolerance);
        // Never back: what was said of the frame before stays true.
        let begin = if agrees { counted } else { wire.max(samples.previous(counted)) };
        let count = samples.of(&frame.data);
        frame.dts = Ticks(begin);
        frame.duration = count.and_then(NonZeroU32::new);
        frame.cts = i32::try_from(
            scale.rescale(Ticks(frame.cts.into()), samples.scale, Rounding::Nearest).0,
        )
        .unwrap_or(0);
        // A frame of unknown length leaves the next one to its timestamp.
        samples.next = count.map(|it| begin.saturating_add(it.into()));
        if !agrees {
            self.tell(id, out, TimeFindingKind::SamplesOff { by });
        }
    }

    fn clock(&mut self, id: TrackId) -> &mut TrackClock {
        let at = self.tracks.iter().position(|it| it.id == id).unwrap_or_else(|| {
            self.tracks.push(TrackClock {
                id,
                scale: Timescale::MILLIS,
                offset: 0,
                last: None,
                last_dts: None,
                step: 0,
                samples: None,
            });
            self.tracks.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.tracks[at]
    }

    fn tell(&mut self, track: TrackId, micros: i64, kind: TimeFindingKind) {
        self.findings.push(TimeFinding { track, micros, kind });
    }
}

impl SampleClock {
    /// `None` if the track does not say how fast its samples go.
    fn new(audio: &AudioParams) -> Option<Self> {
        let scale = Timescale::new(audio.sample_rate)?;
        let samples_per_frame = audio.samples_per_frame;
        Some(Self { codec: audio.codec, samples_per_frame, scale, next: None })
    }

    /// How many samples a frame has.
    fn of(&self, frame: &[u8]) -> Option<u32> {
        match (self.samples_per_frame, self.codec) {
            (Some(samples), _) => Some(samples),
            (None, AudioCodec::Opus) => opus::packet_samples(frame).ok(),
            (None, AudioCodec::Flac) => flac::FrameHeader::parse(frame).ok().map(|it| it.samples),
            (None, _) => None,
        }
    }

    fn previous(&self, counted: i64) -> i64 {
        counted.saturating_sub(self.samples_per_frame.unwrap_or(0).into())
    }
}

fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn micros(scale: Timescale, ticks: Ticks) -> i64 {
    scale.rescale(ticks, Timescale::MICROS, Rounding::Nearest).0
}
