use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, MediaKind, Rounding, Ticks, Timescale,
    Track, TrackId, VideoCodec, VideoParams,
};

use crate::rates::{RateMeter, percent_apart};
use crate::verdict::{Findings, Teller, Told};
use crate::video::{Picture, Video};
use crate::{Finding, GopPolicy, GopReport, Measure, Rule, Severity};

/// The most tracks that are looked at; later ones are not.
pub(crate) const MAX_TRACKS: usize = 32;

/// A step in time that no frame rate explains.
const JUMP: i64 = 1_000_000;

/// A step back that is no jitter: the source has restarted.
const RESTART: i64 = 500_000;

/// How far sound and pictures may be apart when they arrive.
const SKEW: i64 = 1_000_000;

/// Frames in a row that must be apart before it counts: after a restart, tracks follow each other.
const SKEW_FRAMES: u32 = 10;

/// How long a track may be silent while another one goes on.
const SILENCE: i64 = 3_000_000;

/// How long a track that must be there may take to come.
const MISSING: i64 = 5_000_000;

/// How long the frame rate is measured before it is held against what is promised.
const RATE_SPAN: i64 = 2_000_000;

/// Says, frame by frame, where a stream breaks a policy.
///
/// It never fails and drops nothing: what to do about a finding is the caller's business. Its memory is bounded,
/// however long the stream.
///
/// ```
/// use levada_gop::{GopPolicy, GopValidator, Rule};
/// use levada_media::{CodecParams, Frame, MediaEvent, RandomAccess, Ticks, Timescale, Track};
/// use levada_media::{TrackId, VideoCodec, VideoParams};
///
/// let mut validator = GopValidator::new(GopPolicy::known("cloudflare").unwrap());
/// let params = CodecParams::Video(VideoParams::new(VideoCodec::Avc, vec![1].into()));
/// let track = Track::new(TrackId::video(0), Timescale::MILLIS, params);
/// validator.observe(&MediaEvent::Track(track));
///
/// // One keyframe, and then no other: told when ten seconds are over, not when the next one comes.
/// for index in 0..=250 {
///     let mut frame = Frame::new(TrackId::video(0), Ticks(index * 40), vec![0; 9000].into());
///     if index == 0 {
///         frame.facts.random_access = RandomAccess::Instant;
///     }
///     let findings = validator.observe(&MediaEvent::Frame(frame));
///     let too_long = findings.iter().any(|it| it.rule == Rule::IntervalMax);
///     assert_eq!(too_long, index == 250);
/// }
/// assert!(!validator.report().is_accepted());
/// ```
#[derive(Clone, Debug)]
pub struct GopValidator {
    policy: GopPolicy,
    declared: Declared,
    findings: Findings,
    pub(crate) tracks: Vec<TrackState>,
    /// The first decoding time of all, in microseconds.
    origin: Option<i64>,
    /// The newest time since the stream began.
    pub(crate) newest: i64,
    pub(crate) rate: RateMeter,
    told: Told,
}

/// What a publisher says of its stream, in `onMetaData` for example.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Declared {
    /// Bits a second of pictures.
    pub video_bitrate: Option<u64>,
    /// Bits a second of sound.
    pub audio_bitrate: Option<u64>,
    /// Frames in 1000 seconds.
    pub frame_rate: Option<u64>,
}

/// One track.
#[derive(Clone, Debug)]
pub(crate) struct TrackState {
    pub(crate) id: TrackId,
    pub(crate) params: TrackParams,
    timescale: Timescale,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) rate: RateMeter,
    /// Since the stream began.
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    last: Option<Last>,
    /// What is added to the track's times to get those since the stream began: leaps back are taken out.
    shift: i64,
    /// How long others have gone on without it.
    quiet: i64,
    /// Frames in a row that came too far behind those of other tracks.
    skewed: u32,
    ended: bool,
    told: Told,
}

#[derive(Clone, Debug)]
pub(crate) enum TrackParams {
    Video(VideoParams, Box<Video>),
    Audio(AudioParams),
    Data,
}

/// The last frame of a track.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// In the track's ticks.
    dts: Ticks,
    /// Since the stream began.
    at: i64,
    /// When it is shown, in microseconds, as its track says.
    shown: i64,
    /// How long after the one before it a frame was decoded last.
    step: i64,
}

impl GopValidator {
    /// A validator that has seen nothing.
    pub fn new(policy: GopPolicy) -> Self {
        Self {
            policy,
            declared: Declared::default(),
            findings: Findings::new(),
            tracks: Vec::new(),
            origin: None,
            newest: 0,
            rate: RateMeter::default(),
            told: Told::default(),
        }
    }

    /// Says what the publisher has declared, for the stream to be held against.
    pub fn declare(&mut self, declared: Declared) {
        self.declared = declared;
    }

    /// Looks at an event, and says what it reveals.
    pub fn observe(&mut self, event: &MediaEvent) -> &[Finding] {
        self.findings.fresh.clear();
        match event {
            MediaEvent::Track(track) => self.track(track),
            MediaEvent::Frame(frame) => self.frame(frame),
            MediaEvent::End(id) => self.end(*id),
        }
        &self.findings.fresh
    }

    /// Nothing more comes: says what only shows at the end.
    pub fn finish(&mut self) -> &[Finding] {
        self.findings.fresh.clear();
        let ids: Vec<TrackId> = self.tracks.iter().map(|it| it.id).collect();
        ids.into_iter().for_each(|id| self.end(id));
        self.check_missing();
        &self.findings.fresh
    }

    /// What has been seen so far.
    pub fn report(&self) -> GopReport {
        GopReport::of(self, &self.policy, &self.findings)
    }
}

impl GopValidator {
    fn track(&mut self, track: &Track) {
        let (index, change) = match self.tracks.iter_mut().position(|it| it.id == track.id) {
            Some(index) => (index, true),
            None if self.tracks.len() < MAX_TRACKS => {
                self.tracks.push(TrackState::new(track));
                (self.tracks.len() - 1, false)
            }
            None => return,
        };
        let Self { policy, findings, tracks, newest, .. } = self;
        let Some(state) = tracks.get_mut(index) else { return };
        let mut teller = Teller { findings, policy, track: Some(track.id), at: *newest };
        if change {
            state.change(track, &mut teller);
        }
        match &state.params {
            TrackParams::Video(params, _) => check_video(params, &mut teller),
            TrackParams::Audio(params) => check_audio(params, &mut teller),
            TrackParams::Data => {}
        }
    }

    fn frame(&mut self, frame: &Frame) {
        let id = frame.track;
        let Some(index) = self.tracks.iter().position(|it| it.id == id) else { return };
        let has_video = self.tracks.iter().any(|it| it.id.kind == MediaKind::Video);
        let Self { policy, declared, findings, tracks, origin, newest, rate, told } = self;
        let Some(track) = tracks.get_mut(index) else { return };
        let mut teller = Teller { findings, policy, track: Some(id), at: *newest };
        let (at, step) = track.place(frame, origin, &mut teller);
        teller.at = at;
        let bytes = frame.data.len() as u64;
        let key = frame.is_key() || frame.facts.marked_key;
        track.observe(frame, at, step, &mut teller);
        track.count(at, bytes, key, *declared, &mut teller);

        *newest = at.max(*newest);
        teller.track = None;
        let ends_window = !has_video || (key && id == TrackId::video(0));
        if let Some(window) = rate.push(*newest, bytes, ends_window) {
            window.check(told, &mut teller);
        }
        if let Some(limit) = policy.duration.filter(|limit| *newest > *limit)
            && told.first(Rule::Duration)
        {
            teller.error(Rule::Duration, Measure::Time(*newest), Some(Measure::Time(limit)));
        }
        if id.kind != MediaKind::Data {
            self.check_together(index, step);
        }
        if self.newest > MISSING {
            self.check_missing();
        }
    }

    fn end(&mut self, id: TrackId) {
        let Self { policy, findings, tracks, newest, .. } = self;
        let Some(track) = tracks.iter_mut().find(|it| it.id == id) else { return };
        track.ended = true;
        if let TrackParams::Video(_, video) = &mut track.params {
            video.finish(&mut Teller { findings, policy, track: Some(id), at: *newest });
        }
    }

    /// Whether sound and pictures go on together.
    fn check_together(&mut self, index: usize, step: Option<i64>) {
        let Self { policy, findings, tracks, newest, .. } = self;
        let Some((id, shown)) = tracks.get(index).and_then(|it| Some((it.id, it.last?.shown)))
        else {
            return;
        };
        let others = |it: &&TrackState| it.id.kind != id.kind && it.id.kind != MediaKind::Data;
        let ahead = tracks.iter().filter(others).filter_map(|it| Some(it.last?.shown)).max();
        let lag = ahead.map_or(0, |ahead| ahead.saturating_sub(shown));
        let step = step.unwrap_or(0).clamp(0, JUMP);
        for (other, track) in tracks.iter_mut().enumerate() {
            let mut teller = Teller { findings, policy, track: Some(track.id), at: *newest };
            if other == index {
                track.quiet = 0;
                track.skewed = if lag > SKEW { track.skewed.saturating_add(1) } else { 0 };
                if track.skewed == SKEW_FRAMES {
                    let limit = Some(Measure::Time(SKEW));
                    teller.warning(Rule::Skew, Measure::Time(lag), limit);
                }
            } else if id.number == 0 && !track.ended && others(&&*track) {
                let before = track.quiet;
                track.quiet = before.saturating_add(step);
                let measured = Measure::Time(track.quiet);
                if before <= SILENCE && track.quiet > SILENCE {
                    let limit = Some(Measure::Time(SILENCE));
                    teller.warning(Rule::Silence, measured, limit);
                } else if track.quiet > SILENCE {
                    teller.worsen(Rule::Silence, &measured);
                }
            }
        }
    }

    /// Whether there is what must be.
    fn check_missing(&mut self) {
        let Self { policy, findings, tracks, newest, told, .. } = self;
        let mut teller = Teller { findings, policy, track: None, at: *newest };
        for (required, kind, rule) in [
            (policy.video_required, MediaKind::Video, Rule::VideoMissing),
            (policy.audio_required, MediaKind::Audio, Rule::AudioMissing),
        ] {
            let there = tracks.iter().any(|it| it.id.kind == kind && it.frames > 0);
            if required && !there && told.first(rule) {
                teller.error(rule, Measure::name("none"), None);
            }
        }
    }
}

impl TrackState {
    fn new(track: &Track) -> Self {
        Self {
            id: track.id,
            params: TrackParams::of(&track.params),
            timescale: track.timescale,
            frames: 0,
            bytes: 0,
            rate: RateMeter::default(),
            first_at: 0,
            last_at: 0,
            last: None,
            shift: 0,
            quiet: 0,
            skewed: 0,
            ended: false,
            told: Told::default(),
        }
    }

    /// Goes on with other parameters.
    fn change(&mut self, track: &Track, teller: &mut Teller<'_>) {
        self.ended = false;
        self.told = Told::default();
        self.timescale = track.timescale;
        let params = TrackParams::of(&track.params);
        let changed = match (&mut self.params, &params) {
            (TrackParams::Video(old, video), TrackParams::Video(new, _)) => {
                video.change(new);
                let changed = (old.codec, old.width, old.height, old.profile)
                    != (new.codec, new.width, new.height, new.profile);
                *old = new.clone();
                changed
            }
            (TrackParams::Audio(old), TrackParams::Audio(new)) => {
                let changed = (old.codec, old.sample_rate, old.channels)
                    != (new.codec, new.sample_rate, new.channels);
                *old = new.clone();
                changed
            }
            _ => {
                self.params = params;
                true
            }
        };
        if changed && self.frames > 0 {
            let name = Measure::Name(String::from(track.params.rfc6381()).into());
            let measured = match &self.params {
                TrackParams::Video(it, _) if it.width > 0 => Measure::Size(it.width, it.height),
                _ => name,
            };
            teller.warning(Rule::ParametersChanged, measured, None);
        }
    }

    /// Where a frame is in the stream, and how long after the one before it. Tells of times that do not rise.
    fn place(
        &mut self,
        frame: &Frame,
        origin: &mut Option<i64>,
        teller: &mut Teller<'_>,
    ) -> (i64, Option<i64>) {
        let micros = |ticks| self.timescale.rescale(ticks, Timescale::MICROS, Rounding::Nearest).0;
        let (decoded, shown) = (micros(frame.dts), micros(frame.pts()));
        if shown < decoded {
            let measured = Measure::Time(shown.saturating_sub(decoded));
            teller.error(Rule::TimeComposition, measured, None);
        }
        let start = *origin.get_or_insert(decoded);
        let Some(last) = self.last else {
            self.shift = start.saturating_neg();
            let at = decoded.saturating_add(self.shift).max(0);
            self.first_at = at;
            self.last = Some(Last { dts: frame.dts, at, shown, step: 0 });
            return (at, None);
        };
        let mut at = decoded.saturating_add(self.shift);
        let step = at.saturating_sub(last.at);
        let is_data = matches!(self.params, TrackParams::Data);
        let limit = Some(Measure::Time(JUMP));
        if step <= -RESTART {
            teller.error(Rule::TimeJump, Measure::Time(step), limit);
            at = last.at.saturating_add(last.step);
            self.shift = at.saturating_sub(decoded);
            if let TrackParams::Video(_, video) = &mut self.params {
                video.restart();
            }
        } else if frame.dts <= last.dts {
            teller.error(Rule::TimeOrder, Measure::Time(step), None);
            at = last.at;
        } else if step > JUMP.max(last.step.saturating_mul(3)) && !is_data {
            teller.error(Rule::TimeJump, Measure::Time(step), limit);
        }
        let step = at.saturating_sub(last.at);
        let usual = match (step, last.step) {
            (..=0, usual) => usual,
            // A hole is no frame rate, and many of them are.
            (JUMP.., usual @ 1..) => usual.saturating_add(step.saturating_sub(usual) / 8),
            (step, _) => step,
        };
        self.last = Some(Last { dts: frame.dts, at, shown, step: usual });
        (at, (step > 0).then_some(step))
    }

    fn observe(&mut self, frame: &Frame, at: i64, step: Option<i64>, teller: &mut Teller<'_>) {
        let (usual, pts) = self.last.map_or((0, at), |it| (it.step, it.shown));
        let TrackParams::Video(params, video) = &mut self.params else { return };
        let told = frame.duration.map(|it| {
            let ticks = Ticks(it.get().into());
            self.timescale.rescale(ticks, Timescale::MICROS, Rounding::Nearest).0
        });
        let promised = || {
            let (frames, seconds) = params.frame_rate.filter(|it| it.0 > 0)?;
            Some(i64::from(seconds) * 1_000_000 / i64::from(frames))
        };
        let duration = match (told, usual) {
            (Some(told), _) => told,
            (None, 0) => promised().unwrap_or(0),
            (None, usual) => usual.min(step.unwrap_or(usual)).min(JUMP),
        };
        video.observe(Picture { frame, at, pts, duration, step }, teller);
    }

    /// Counts a frame, and holds the rates of its track against the policy.
    fn count(
        &mut self,
        at: i64,
        bytes: u64,
        key: bool,
        declared: Declared,
        teller: &mut Teller<'_>,
    ) {
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.last_at = at;
        let window = self.rate.push(at, bytes, key);
        match &self.params {
            TrackParams::Video(params, _) => {
                if let (Some(window), Some(declared)) = (window, declared.video_bitrate) {
                    window.check_declared(declared, &mut self.told, teller);
                }
                let promised = declared.frame_rate.or_else(|| frame_rate(params.frame_rate?));
                if key && at.saturating_sub(self.first_at) >= RATE_SPAN {
                    self.check_frame_rate(promised, teller);
                }
            }
            TrackParams::Audio(_) => {
                let Some(window) = window else { return };
                if let Some(declared) = declared.audio_bitrate {
                    window.check_declared(declared, &mut self.told, teller);
                }
                // A window may hold a frame more than its share.
                let limit = teller.policy.audio_bitrate;
                if let Some(limit) = limit.filter(|it| window.rate > it.saturating_add(it / 10))
                    && self.told.first(Rule::AudioBitrate)
                {
                    let measured = Measure::Bitrate(window.rate);
                    teller.error(Rule::AudioBitrate, measured, Some(Measure::Bitrate(limit)));
                }
            }
            TrackParams::Data => {}
        }
    }

    fn check_frame_rate(&mut self, promised: Option<u64>, teller: &mut Teller<'_>) {
        let Some(rate) = self.frame_rate() else { return };
        let measured = Measure::FrameRate(rate);
        let signed = i64::try_from(rate).unwrap_or(i64::MAX);
        if let Some(missed) = teller.policy.frame_rate.missed_by(signed, signed / 50)
            && self.told.first(Rule::FrameRate)
        {
            let limit = Some(Measure::FrameRate(missed.unsigned_abs()));
            teller.error(Rule::FrameRate, measured.clone(), limit);
        }
        if let Some(promised) = promised.filter(|it| *it > 0 && percent_apart(rate, *it) > 5)
            && self.told.first(Rule::FrameRateDeclared)
        {
            let limit = Some(Measure::FrameRate(promised));
            teller.warning(Rule::FrameRateDeclared, measured, limit);
        }
    }

    /// Frames in 1000 seconds, as they came.
    pub(crate) fn frame_rate(&self) -> Option<u64> {
        let span = u128::try_from(self.last_at.saturating_sub(self.first_at)).ok()?;
        let steps = u128::from(self.frames.saturating_sub(1));
        // To the nearest: times are rounded too.
        u64::try_from((steps * 1_000_000_000 + span / 2).checked_div(span)?).ok()
    }
}

impl TrackParams {
    fn of(params: &CodecParams) -> Self {
        match params {
            CodecParams::Video(it) => Self::Video(it.clone(), Box::new(Video::new(it))),
            CodecParams::Audio(it) => Self::Audio(it.clone()),
            CodecParams::Data(_) => Self::Data,
        }
    }
}

/// Frames in 1000 seconds.
pub(crate) fn frame_rate((frames, seconds): (u32, u32)) -> Option<u64> {
    (u64::from(frames) * 1000).checked_div(seconds.into())
}

fn check_video(params: &VideoParams, teller: &mut Teller<'_>) {
    let policy = teller.policy;
    let name = || Measure::Name(codec_name(params.codec).into());
    if !policy.video_codecs.is_empty() && !policy.video_codecs.contains(&params.codec) {
        let limit = policy.video_codecs.iter().map(|it| codec_name(*it)).collect::<Vec<_>>();
        let limit = Some(Measure::Name(limit.join(", ").into()));
        teller.error(Rule::VideoCodec, name(), limit);
    }
    let profiles = &policy.avc_profiles;
    if params.codec == VideoCodec::Avc
        && params.profile > 0
        && !profiles.is_empty()
        && !profiles.contains(&params.profile)
    {
        let limit = profiles.iter().map(|it| profile_name(*it)).collect::<Vec<_>>().join(", ");
        let measured = Measure::name(profile_name(params.profile));
        teller.error(Rule::VideoProfile, measured, Some(Measure::Name(limit.into())));
    }
    let level = policy.avc_level.filter(|_| params.codec == VideoCodec::Avc);
    if let Some(limit) = level.filter(|limit| params.level > *limit) {
        let measure = |level: u8| Measure::Count(level.into());
        teller.error(Rule::VideoLevel, measure(params.level), Some(measure(limit)));
    }
    if let Some((long, short)) = policy.size {
        let (width, height) = (params.width, params.height);
        if width.max(height) > long || width.min(height) > short {
            let measured = Measure::Size(width, height);
            teller.error(Rule::VideoSize, measured, Some(Measure::Size(long, short)));
        }
    }
    if params.interlaced {
        let severity = if policy.progressive { Severity::Error } else { Severity::Warning };
        teller.tell(severity, Rule::Interlaced, Measure::name("interlaced"), None);
    }
}

fn check_audio(params: &AudioParams, teller: &mut Teller<'_>) {
    let policy = teller.policy;
    if !policy.audio_codecs.is_empty() && !policy.audio_codecs.contains(&params.codec) {
        let limit = policy.audio_codecs.iter().map(|it| audio_name(*it)).collect::<Vec<_>>();
        let measured = Measure::name(audio_name(params.codec));
        teller.error(Rule::AudioCodec, measured, Some(Measure::Name(limit.join(", ").into())));
    }
    let rate = params.sample_rate;
    if rate > 0 && !policy.sample_rates.is_empty() && !policy.sample_rates.contains(&rate) {
        let limit = policy.sample_rates.iter().max().map(|it| Measure::SampleRate(*it));
        teller.error(Rule::AudioRate, Measure::SampleRate(rate), limit);
    }
    if let Some(limit) = policy.channels.filter(|limit| params.channels > *limit) {
        let measured = Measure::Count(params.channels.into());
        teller.error(Rule::AudioChannels, measured, Some(Measure::Count(limit.into())));
    }
}

/// What people call it.
fn codec_name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Avc => "H.264",
        VideoCodec::Hevc => "H.265",
        VideoCodec::Av1 => "AV1",
        VideoCodec::Vp9 => "VP9",
        VideoCodec::Vp8 => "VP8",
        _ => "another video codec",
    }
}

fn audio_name(codec: AudioCodec) -> &'static str {
    match codec {
        AudioCodec::Aac => "AAC",
        AudioCodec::Opus => "Opus",
        AudioCodec::Mp3 => "MP3",
        AudioCodec::Ac3 => "AC-3",
        AudioCodec::Eac3 => "E-AC-3",
        AudioCodec::Flac => "FLAC",
        _ => "another audio codec",
    }
}

/// Profiles of H.264 (annex A).
fn profile_name(profile: u8) -> &'static str {
    match profile {
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => "another profile",
    }
}
