//! What is wrong with a publisher's media, said while it happens.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::machine::Queue;
use crate::now::millis;
use crate::{AudioCodec, Error, Machine, Now, OnViolation, Policy, Refusal, Severity, VideoCodec};

/// How long an issue counts after it last happened.
const ACTIVE: Duration = Duration::from_secs(60);
/// Sound and pictures may lie this far apart.
const MAX_SKEW_MS: u32 = 200;
/// Bit rates outside of these, in bits a second, are worth a word.
const BITRATE: (u64, u64) = (2_000_000, 14_000_000);
/// Shares of real time that an upload may take: warning and error, in thousandths.
const UPLOAD: (u32, u32) = (900, 1000);

/// What can be wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is its own name; see `IssueCode::hint` for what to do")]
pub enum IssueCode {
    GopTooLong,
    GopTooShort,
    NoKeyframe,
    GopIrregular,
    GopOpen,
    VideoCodecUnsupported,
    AudioCodecUnsupported,
    StorageFull,
    NoVideo,
    NoAudio,
    FpsUnstable,
    FpsMismatch,
    BitrateLow,
    BitrateHigh,
    BitrateUnstable,
    UploadSlow,
    TsBackward,
    TsJump,
    TsReset,
    TsStalled,
    AvSkew,
    ParamsChanged,
    BFramesWithLowLatency,
}

impl IssueCode {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GopTooLong => "gop_too_long",
            Self::GopTooShort => "gop_too_short",
            Self::NoKeyframe => "no_keyframe",
            Self::GopIrregular => "gop_irregular",
            Self::GopOpen => "gop_open",
            Self::VideoCodecUnsupported => "video_codec_unsupported",
            Self::AudioCodecUnsupported => "audio_codec_unsupported",
            Self::StorageFull => "storage_full",
            Self::NoVideo => "no_video",
            Self::NoAudio => "no_audio",
            Self::FpsUnstable => "fps_unstable",
            Self::FpsMismatch => "fps_mismatch",
            Self::BitrateLow => "bitrate_low",
            Self::BitrateHigh => "bitrate_high",
            Self::BitrateUnstable => "bitrate_unstable",
            Self::UploadSlow => "upload_slow",
            Self::TsBackward => "ts_backward",
            Self::TsJump => "ts_jump",
            Self::TsReset => "ts_reset",
            Self::TsStalled => "ts_stalled",
            Self::AvSkew => "av_skew",
            Self::ParamsChanged => "params_changed",
            Self::BFramesWithLowLatency => "b_frames_with_low_latency",
        }
    }

    /// The code that surface A has for it.
    pub const fn live_inputs_code(self) -> Option<&'static str> {
        match self {
            Self::GopTooLong | Self::GopTooShort | Self::NoKeyframe | Self::GopOpen => {
                Some("ERR_GOP_OUT_OF_RANGE")
            }
            Self::VideoCodecUnsupported => Some("ERR_UNSUPPORTED_VIDEO_CODEC"),
            Self::AudioCodecUnsupported => Some("ERR_UNSUPPORTED_AUDIO_CODEC"),
            Self::StorageFull => Some("ERR_STORAGE_QUOTA_EXHAUSTED"),
            _ => None,
        }
    }

    /// What to do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::GopTooLong | Self::GopTooShort | Self::NoKeyframe => {
                "Set the encoder's keyframe interval to a fixed value inside the range"
            }
            Self::GopIrregular => "Switch off scene-cut keyframes",
            Self::GopOpen => "Switch off open GOPs",
            Self::VideoCodecUnsupported => "Choose H.264 in the encoder",
            Self::AudioCodecUnsupported => "Choose AAC in the encoder",
            Self::StorageFull => "Delete recordings or make room",
            Self::NoVideo => "Check the encoder's video source",
            Self::NoAudio => "Check the encoder's audio source",
            Self::FpsUnstable | Self::FpsMismatch => "Check the encoder's frame rate and load",
            Self::BitrateLow | Self::BitrateHigh => "Check the encoder's bit rate",
            Self::BitrateUnstable => "Choose a constant bit rate",
            Self::UploadSlow => "Lower the bit rate or use a faster connection",
            Self::TsBackward | Self::TsJump | Self::TsReset | Self::TsStalled => {
                "Check the encoder's clock and load"
            }
            Self::AvSkew => "Check the encoder's audio delay",
            Self::ParamsChanged => "Do not change settings while live",
            Self::BFramesWithLowLatency => "Switch off B frames",
        }
    }

    fn unit(self) -> (&'static str, &'static str) {
        match self {
            Self::GopTooLong | Self::GopTooShort | Self::NoKeyframe => ("Keyframe interval", "s"),
            Self::GopIrregular => ("Deviation of the keyframe interval", "s"),
            Self::GopOpen => ("Pictures that need the GOP before", ""),
            Self::VideoCodecUnsupported => ("Video codec", ""),
            Self::AudioCodecUnsupported => ("Audio codec", ""),
            Self::StorageFull => ("Storage", ""),
            Self::NoVideo => ("Time without video", "s"),
            Self::NoAudio => ("Time without audio", "s"),
            Self::FpsUnstable | Self::FpsMismatch => ("Frame rate", "/s"),
            Self::BitrateLow | Self::BitrateHigh | Self::BitrateUnstable => ("Bit rate", "kbit/s"),
            Self::UploadSlow => ("Share of real time that the upload takes", ""),
            Self::TsBackward | Self::TsJump | Self::TsReset | Self::TsStalled => {
                ("Timestamp step", "s")
            }
            Self::AvSkew => ("Distance of sound and pictures", "s"),
            Self::ParamsChanged => ("Codec parameters", ""),
            Self::BFramesWithLowLatency => ("B frames", ""),
        }
    }
}

/// How a GOP begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum GopStart {
    /// With a picture that nothing after it looks behind: IDR, or CRA without leading pictures.
    Closed,
    /// Pictures after it need the GOP before, whatever the container says of keyframes.
    Open,
}

/// What a driver saw. Positions are media time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Observation {
    /// The video track's codec and size, and the frame rate that it declares in thousandths.
    Video {
        /// The codec.
        codec: VideoCodec,
        /// Width and height.
        dimensions: (u32, u32),
        /// Frames in 1000 s, if declared.
        fps_milli: Option<u32>,
    },
    /// The audio track's codec.
    Audio {
        /// The codec.
        codec: AudioCodec,
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u8,
    },
    /// A keyframe.
    Keyframe {
        /// Where.
        position_ms: u64,
        /// Of which sort.
        start: GopStart,
    },
    /// The newest media. Tell it a few times a second: a keyframe that does not come is reported by it.
    Position {
        /// Where.
        position_ms: u64,
    },
    /// About a second of media.
    Second(Second),
    /// A timestamp had to be put right.
    Timestamp(crate::Correction),
    /// Media time stands still while bytes come.
    Stalled,
    /// Codec parameters changed.
    ParametersChanged,
    /// There are B frames.
    BFrames,
    /// Recording stopped for want of space.
    StorageFull,
    /// The publisher is gone. The last GOP is not judged, and the time until the next publisher is nobody's fault.
    End,
}

/// About a second of media in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "filled in by drivers")]
pub struct Second {
    /// Its length in media time.
    pub media_ms: u32,
    /// How long it took to arrive, without pauses between frames.
    pub upload_ms: u32,
    /// Frames of video.
    pub video_frames: u32,
    /// Bytes of video.
    pub video_bytes: u64,
    /// Frames of audio.
    pub audio_frames: u32,
    /// Bytes of audio.
    pub audio_bytes: u64,
    /// How far apart sound and pictures are.
    pub av_skew_ms: u32,
    /// The longest time between two frames.
    pub max_gap_ms: u32,
}

/// Something that is or was wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Issue {
    /// What.
    pub code: IssueCode,
    /// How bad.
    pub severity: Severity,
    /// The media position where it first happened.
    pub first_ms: u64,
    /// And last.
    pub last_ms: u64,
    /// How often.
    pub count: u64,
    /// What was measured, in milliseconds, kbit/s or thousandths, as the code has it.
    pub measured: u64,
    /// What the limit is.
    pub limit: u64,
    /// When it last happened.
    last: Duration,
}

impl Issue {
    /// One sentence with both numbers.
    pub fn message(&self) -> String {
        let (what, unit) = self.code.unit();
        let number = |it: u64| match unit {
            "s" | "/s" => alloc::format!("{}.{} {unit}", it / 1000, it % 1000 / 100),
            "kbit/s" => alloc::format!("{it} {unit}"),
            _ => alloc::format!("{}.{:02}", it / 1000, it % 1000 / 10),
        };
        let side = if self.measured < self.limit { "below" } else { "above" };
        match self.code {
            IssueCode::VideoCodecUnsupported | IssueCode::AudioCodecUnsupported => {
                alloc::format!("{what} is not supported")
            }
            IssueCode::StorageFull => alloc::format!("{what} is full"),
            IssueCode::ParamsChanged => alloc::format!("{what} changed while live"),
            IssueCode::GopOpen | IssueCode::BFramesWithLowLatency => {
                alloc::format!("{what} were found")
            }
            _ => alloc::format!(
                "{what} {} is {side} the limit of {}",
                number(self.measured),
                number(self.limit)
            ),
        }
    }
}

/// All in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Grade {
    /// Nothing is wrong.
    Good,
    /// A warning is active.
    Warning,
    /// An error is active.
    Bad,
}

/// What [`Health`] wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HealthAction {
    /// Tell the first error of its kind in this session.
    Errored {
        /// Which.
        code: IssueCode,
        /// A sentence.
        message: String,
    },
    /// The policy closes such publishers.
    Reject(Refusal),
}

/// Numbers of keyframe intervals.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Intervals {
    /// How many.
    pub count: u64,
    /// Of them open.
    pub open: u64,
    /// The last one.
    pub last_ms: u64,
    /// The shortest.
    pub min_ms: u64,
    /// The longest.
    pub max_ms: u64,
    sum: u64,
    squares: u128,
}

impl Intervals {
    fn add(&mut self, interval: u64) {
        self.min_ms = if self.count == 0 { interval } else { self.min_ms.min(interval) };
        self.count = self.count.saturating_add(1);
        (self.last_ms, self.max_ms) = (interval, self.max_ms.max(interval));
        self.sum = self.sum.saturating_add(interval);
        self.squares = self.squares.saturating_add(u128::from(interval).saturating_pow(2));
    }

    /// The mean of all.
    pub fn mean_ms(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }

    /// Their standard deviation.
    pub fn deviation_ms(&self) -> u64 {
        let count = u128::from(self.count.max(1));
        let mean = u128::from(self.sum) / count;
        let variance = (self.squares / count).saturating_sub(mean.saturating_mul(mean));
        u64::try_from(variance.isqrt()).unwrap_or(u64::MAX)
    }
}

/// What was measured, beside the issues.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HealthFigures {
    /// Keyframe intervals.
    pub gops: Intervals,
    /// The newest media.
    pub position_ms: u64,
    /// The last second.
    pub second: Second,
    /// Video: codec, dimensions, declared frame rate.
    pub video: Option<(VideoCodec, (u32, u32), Option<u32>)>,
    /// Audio: codec, rate, channels.
    pub audio: Option<(AudioCodec, u32, u8)>,
    /// Steps back, leaps and new beginnings of the clock.
    pub corrections: crate::Corrections,
    /// Changes of codec parameters.
    pub parameter_changes: u64,
    /// Whether there are B frames.
    pub b_frames: bool,
    /// Bytes of media.
    pub bytes: u64,
}

/// The judge of one session's media.
///
/// It looks at no payload: facts come from whoever parsed it. It never stops anything by itself, unless the policy
/// says [`OnViolation::Reject`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Health {
    policy: Policy,
    low_latency: bool,
    figures: HealthFigures,
    issues: Vec<Issue>,
    /// Where the present GOP began.
    gop_began: Option<u64>,
    /// Whether it was already said that it is too long.
    gop_reported: bool,
    began: Option<u64>,
    /// Seconds in a row without video and without audio.
    without: (u64, u64),
    actions: Queue<HealthAction>,
}

impl Health {
    /// For a session that begins.
    pub fn new(policy: Policy, low_latency: bool) -> Self {
        Self {
            policy,
            low_latency,
            figures: HealthFigures::default(),
            issues: Vec::new(),
            gop_began: None,
            gop_reported: false,
            began: None,
            without: (0, 0),
            actions: Queue::actions(),
        }
    }

    /// What was measured.
    pub fn figures(&self) -> &HealthFigures {
        &self.figures
    }

    /// What was wrong at any time of the session, in the order in which it first was.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// Whether an issue counts at the moment.
    pub fn is_active(&self, now: Now, issue: &Issue) -> bool {
        now.mono.saturating_sub(issue.last) < ACTIVE
    }

    /// All in one word: what is wrong within the last minute.
    pub fn grade(&self, now: Now) -> Grade {
        let active = self.issues.iter().filter(|it| self.is_active(now, it));
        match active.map(|it| it.severity).max() {
            Some(Severity::Error) => Grade::Bad,
            Some(Severity::Warning) => Grade::Warning,
            _ => Grade::Good,
        }
    }

    /// Whether this media can be packaged and recorded. Outputs go on in any case.
    pub fn can_be_packaged(&self) -> bool {
        let has = |code| self.issues.iter().any(|it| it.code == code);
        !has(IssueCode::VideoCodecUnsupported) && !has(IssueCode::AudioCodecUnsupported)
    }

    fn raise(&mut self, now: Now, code: IssueCode, severity: Severity, measured: u64, limit: u64) {
        let position = self.figures.position_ms;
        if let Some(issue) = self.issues.iter_mut().find(|it| it.code == code) {
            issue.count = issue.count.saturating_add(1);
            issue.severity = issue.severity.max(severity);
            (issue.last_ms, issue.last, issue.measured, issue.limit) =
                (position, now.mono, measured, limit);
            return;
        }
        // As many issues as there are codes, never more.
        let (first_ms, last_ms, last) = (position, position, now.mono);
        let issue = Issue { code, severity, first_ms, last_ms, count: 1, measured, limit, last };
        if severity == Severity::Error {
            self.actions.push(HealthAction::Errored { code, message: issue.message() });
            if self.policy.on_violation == OnViolation::Reject {
                let why = match code {
                    IssueCode::VideoCodecUnsupported | IssueCode::AudioCodecUnsupported => {
                        Some(Refusal::CodecUnsupported)
                    }
                    IssueCode::GopTooLong
                    | IssueCode::GopTooShort
                    | IssueCode::NoKeyframe
                    | IssueCode::GopOpen => Some(Refusal::GopOutOfRange),
                    _ => None,
                };
                if let Some(why) = why {
                    self.actions.push(HealthAction::Reject(why));
                }
            }
        }
        self.issues.push(issue);
    }

    fn warn(&mut self, now: Now, code: IssueCode, measured: u64, limit: u64) {
        self.raise(now, code, Severity::Warning, measured, limit);
    }

    fn longest_gop(&self) -> u64 {
        millis(self.policy.gop.1.saturating_add(self.policy.gop_tolerance))
    }

    fn keyframe(&mut self, now: Now, position: u64, start: GopStart) {
        self.position(now, position);
        if let Some(began) = self.gop_began {
            let interval = position.saturating_sub(began);
            self.figures.gops.add(interval);
            let shortest = millis(self.policy.gop.0.saturating_sub(self.policy.gop_tolerance));
            if interval < shortest {
                let limit = millis(self.policy.gop.0);
                self.raise(now, IssueCode::GopTooShort, self.policy.gop_severity, interval, limit);
            }
            let gops = self.figures.gops;
            if gops.count >= 5 && gops.deviation_ms() * 10 > gops.mean_ms() {
                self.warn(now, IssueCode::GopIrregular, gops.deviation_ms(), gops.mean_ms() / 10);
            }
        }
        if start == GopStart::Open {
            self.figures.gops.open = self.figures.gops.open.saturating_add(1);
            self.raise(now, IssueCode::GopOpen, self.policy.open_gop, 1, 0);
        }
        (self.gop_began, self.gop_reported) = (Some(position), false);
    }

    /// A GOP that is too long is told when the limit passes, not when it ends.
    fn position(&mut self, now: Now, position: u64) {
        self.figures.position_ms = self.figures.position_ms.max(position);
        let began = *self.began.get_or_insert(position);
        let has_video = self.figures.video.is_some();
        let (since, code) = match self.gop_began {
            Some(since) => (since, IssueCode::GopTooLong),
            None => (began, IssueCode::NoKeyframe),
        };
        let length = self.figures.position_ms.saturating_sub(since);
        if has_video && length > self.longest_gop() {
            if !core::mem::replace(&mut self.gop_reported, true) {
                let limit = millis(self.policy.gop.1);
                self.raise(now, code, self.policy.gop_severity, length, limit);
            } else if let Some(issue) = self.issues.iter_mut().find(|it| it.code == code) {
                // Still the same one, and still going on.
                (issue.measured, issue.last, issue.last_ms) =
                    (length, now.mono, self.figures.position_ms);
            }
        }
    }

    fn codecs(&mut self, now: Now) {
        let video = self.figures.video.is_some_and(|(codec, ..)| !self.policy.takes_video(codec));
        if video {
            self.raise(now, IssueCode::VideoCodecUnsupported, Severity::Error, 1, 0);
        }
        let audio = self.figures.audio.is_some_and(|(codec, ..)| !self.policy.takes_audio(codec));
        if audio {
            self.raise(now, IssueCode::AudioCodecUnsupported, Severity::Error, 1, 0);
        }
    }

    fn second(&mut self, now: Now, second: Second) {
        let before = core::mem::replace(&mut self.figures.second, second);
        let length = u64::from(second.media_ms.max(1));
        let bytes = second.video_bytes.saturating_add(second.audio_bytes);
        self.figures.bytes = self.figures.bytes.saturating_add(bytes);
        self.presence(now, second, length);
        if self.figures.video.is_some() && second.video_frames > 0 {
            self.frame_rate(now, before, second, length);
            self.bit_rate(now, before, bytes, length);
        }
        let share = u64::from(second.upload_ms).saturating_mul(1000) / length;
        let (slow, too_slow) = (u64::from(UPLOAD.0), u64::from(UPLOAD.1));
        if share >= too_slow {
            self.raise(now, IssueCode::UploadSlow, Severity::Error, share, too_slow);
        } else if share >= slow {
            self.warn(now, IssueCode::UploadSlow, share, slow);
        }
        if second.av_skew_ms > MAX_SKEW_MS {
            self.warn(now, IssueCode::AvSkew, u64::from(second.av_skew_ms), u64::from(MAX_SKEW_MS));
        }
    }

    fn presence(&mut self, now: Now, second: Second, length: u64) {
        let missing =
            |so_far: u64, frames| if frames == 0 { so_far.saturating_add(length) } else { 0 };
        self.without = (
            missing(self.without.0, second.video_frames),
            missing(self.without.1, second.audio_frames),
        );
        if self.without.0 >= 5000 {
            self.warn(now, IssueCode::NoVideo, self.without.0, 5000);
        }
        if self.without.1 >= 5000 {
            self.warn(now, IssueCode::NoAudio, self.without.1, 5000);
        }
    }

    fn frame_rate(&mut self, now: Now, before: Second, second: Second, length: u64) {
        let rate =
            |frames: u32, length: u64| u64::from(frames).saturating_mul(1_000_000) / length.max(1);
        let measured = rate(second.video_frames, length);
        let far = |a: u64, b: u64| a.abs_diff(b).saturating_mul(10) > b;
        if let Some((_, _, Some(declared))) = self.figures.video
            && far(measured, u64::from(declared))
        {
            self.warn(now, IssueCode::FpsMismatch, measured, u64::from(declared));
        }
        let last = rate(before.video_frames, u64::from(before.media_ms));
        if before.video_frames > 0 && measured.abs_diff(last).saturating_mul(5) > last {
            self.warn(now, IssueCode::FpsUnstable, measured, last);
        }
    }

    fn bit_rate(&mut self, now: Now, before: Second, bytes: u64, length: u64) {
        let rate = bytes.saturating_mul(8000) / length;
        if rate < BITRATE.0 {
            self.raise(now, IssueCode::BitrateLow, Severity::Info, rate / 1000, BITRATE.0 / 1000);
        }
        if rate > BITRATE.1 {
            self.warn(now, IssueCode::BitrateHigh, rate / 1000, BITRATE.1 / 1000);
        }
        let then = before.video_bytes.saturating_add(before.audio_bytes);
        let last = then.saturating_mul(8000) / u64::from(before.media_ms.max(1));
        // Keyframes make single seconds large: only more than twice as much, or less than half, is unstable.
        if last > 0 && (rate > last.saturating_mul(2) || rate < last / 2) {
            self.warn(now, IssueCode::BitrateUnstable, rate / 1000, last / 1000);
        }
    }

    fn timestamp(&mut self, now: Now, correction: crate::Correction) {
        let counts = &mut self.figures.corrections;
        let (count, code) = match correction {
            crate::Correction::Backward => (&mut counts.backward, IssueCode::TsBackward),
            crate::Correction::Jump => (&mut counts.jumps, IssueCode::TsJump),
            crate::Correction::Reset => (&mut counts.resets, IssueCode::TsReset),
        };
        *count = count.saturating_add(1);
        self.warn(now, code, 0, 0);
    }
}

impl Machine for Health {
    type Event = Observation;
    type Action = HealthAction;

    fn handle(&mut self, now: Now, event: Observation) -> Result<(), Error> {
        match event {
            Observation::Video { codec, dimensions, fps_milli } => {
                self.figures.video = Some((codec, dimensions, fps_milli));
                self.codecs(now);
            }
            Observation::Audio { codec, rate, channels } => {
                self.figures.audio = Some((codec, rate, channels));
                self.codecs(now);
            }
            Observation::Keyframe { position_ms, start } => self.keyframe(now, position_ms, start),
            Observation::Position { position_ms } => self.position(now, position_ms),
            Observation::Second(second) => self.second(now, second),
            Observation::Timestamp(correction) => self.timestamp(now, correction),
            Observation::Stalled => self.warn(now, IssueCode::TsStalled, 0, 0),
            Observation::ParametersChanged => {
                self.figures.parameter_changes = self.figures.parameter_changes.saturating_add(1);
                self.warn(now, IssueCode::ParamsChanged, 1, 0);
            }
            Observation::BFrames => {
                self.figures.b_frames = true;
                if self.low_latency || self.policy.b_frames_warned {
                    self.warn(now, IssueCode::BFramesWithLowLatency, 1, 0);
                }
            }
            Observation::StorageFull => {
                self.raise(now, IssueCode::StorageFull, Severity::Error, 1, 1)
            }
            Observation::End => {
                (self.gop_began, self.began, self.gop_reported, self.without) =
                    (None, None, false, (0, 0));
            }
        }
        Ok(())
    }

    /// Nothing comes due: media time drives it.
    fn tick(&mut self, _now: Now) {}

    fn next_deadline(&self) -> Option<Duration> {
        None
    }

    fn poll(&mut self) -> Option<HealthAction> {
        self.actions.pop()
    }
}

#[cfg(test)]
mod tests;
