//! Every number that differs between kinds of inputs, in one table of values.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

/// A set of values. Inputs carry one; no machine has a number of its own.
///
/// | value | default | live inputs | streams | servers |
/// |---|---|---|---|---|
/// | idle limit | 10 s | 10 s | 3 s | 10 s |
/// | reconnect window | 10 s | 10 s | 10 s | 0 |
/// | hold before backup / return after | 3 s / 60 s | – | 3 s / 60 s | – |
/// | take over a silent holder after | 3 s | 3 s | never | 3 s |
/// | keyframe interval | 1–10 s | 4–10 s | 1–2 s advised | 1–10 s |
/// | closed GOP | warning | error | warning | warning |
/// | recording | – | 7 days, 30–1096 days kept | parts of 4 h | – |
/// | output gives up | never | never | 60 min without a source | never |
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Profile {
    /// Which of the ready-made sets this is or began as.
    pub kind: ProfileKind,
    /// A publisher that sends nothing for this long is dropped.
    pub idle_limit: Duration,
    /// How soon after its publish was accepted a publisher must have sent codec data and a keyframe.
    pub first_media_limit: Duration,
    /// How long a lost publisher may stay away and go on in the same recording and playlist.
    pub reconnect_window: Duration,
    /// Whether an orderly stop ends the broadcast at once instead of opening the window.
    pub end_on_unpublish: bool,
    /// The second slot, or none.
    pub backup: Option<BackupRules>,
    /// A publisher may take a busy slot when its holder was silent for this long. `None`: never.
    pub takeover_after: Option<Duration>,
    /// Attempts per key and address within `attempts_within`.
    pub attempts: u32,
    /// The time in which `attempts` are counted.
    pub attempts_within: Duration,
    /// How pulls are tried.
    pub pull: PullRules,
    /// What media is looked at for, and what it means.
    pub policy: Policy,
    /// Where recordings are cut and how long they are kept.
    pub recording: RecordingRules,
    /// Seconds of DVR that an input may ask for.
    pub dvr_window_s: (u32, u32),
    /// Outputs of one input.
    pub outputs: usize,
    /// An output stops for good after this long without a source. `None`: it waits for ever.
    pub output_give_up: Option<Duration>,
    /// Media queued per player of an open listener.
    pub buffer: Duration,
}

/// The ready-made profiles.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ProfileKind {
    /// For what is made over the native API.
    #[default]
    Default,
    /// Surface A.
    LiveInputs,
    /// Surface B.
    Streams,
    /// Surface D.
    Servers,
}

/// When the backup publisher is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BackupRules {
    /// How long the primary may be away before the backup is used.
    pub hold: Duration,
    /// How long the primary must be back, without a break, before it is used again.
    pub return_after: Duration,
}

/// How a pull is tried.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PullRules {
    /// An attempt without video for this long has failed.
    pub no_video: Duration,
    /// The waits after failures in a row. The last repeats.
    pub waits: Vec<Duration>,
    /// A pull without video for this long is switched off.
    pub deactivate_after: Duration,
    /// Whether all URLs are tried back to back before each wait.
    pub by_rounds: bool,
}

/// Where a recording is cut, and how long it is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordingRules {
    /// The next recording begins at the first keyframe at or after this much media.
    pub part_limit: Option<Duration>,
    /// A broadcast's recording ends after this long, truncated.
    pub total_limit: Option<Duration>,
    /// The days that "delete after" may be set to, first and last.
    pub delete_after_days: Option<(u16, u16)>,
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Viewers may notice.
    Warning,
    /// Viewers do notice, or a rule is broken.
    Error,
}

/// What is done about media that the policy does not allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OnViolation {
    /// It is reported.
    Report,
    /// The publisher is told why and closed.
    Reject,
}

/// What is asked of media.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Policy {
    /// The shortest and longest keyframe interval.
    pub gop: (Duration, Duration),
    /// How bad a keyframe interval outside of it is.
    pub gop_severity: Severity,
    /// How much either end may be missed by.
    pub gop_tolerance: Duration,
    /// How bad an open GOP is.
    pub open_gop: Severity,
    /// Whether B frames are worth a warning.
    pub b_frames_warned: bool,
    /// Video codecs that can be packaged. Empty: all that are known.
    pub video: Vec<VideoCodec>,
    /// Audio codecs that can be packaged. Empty: all that are known.
    pub audio: Vec<AudioCodec>,
    /// What is done about it.
    pub on_violation: OnViolation,
}

/// The codec of a video track, as far as policy cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum VideoCodec {
    /// H.264.
    H264,
    /// H.265.
    Hevc,
    /// AV1.
    Av1,
    /// VP9.
    Vp9,
    /// Anything that can't be packaged, such as Sorenson H.263.
    Other,
}

impl VideoCodec {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
            Self::Vp9 => "vp9",
            Self::Other => "other",
        }
    }
}

/// The codec of an audio track, as far as policy cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AudioCodec {
    /// AAC.
    Aac,
    /// MP3.
    Mp3,
    /// Opus.
    Opus,
    /// FLAC.
    Flac,
    /// AC-3 and E-AC-3.
    Ac3,
    /// Anything that can't be packaged, such as Speex.
    Other,
}

impl AudioCodec {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Flac => "flac",
            Self::Ac3 => "ac3",
            Self::Other => "other",
        }
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const HOUR: Duration = seconds(3600);
const DAY: Duration = seconds(86_400);

impl Default for Profile {
    fn default() -> Self {
        Self {
            kind: ProfileKind::Default,
            idle_limit: seconds(10),
            first_media_limit: seconds(10),
            reconnect_window: seconds(10),
            end_on_unpublish: false,
            backup: Some(BackupRules::default()),
            takeover_after: Some(seconds(3)),
            attempts: 10,
            attempts_within: seconds(60),
            pull: PullRules::default(),
            policy: Policy::default(),
            recording: RecordingRules::default(),
            dvr_window_s: (30, 14_400),
            outputs: 50,
            output_give_up: None,
            buffer: seconds(5),
        }
    }
}

impl Profile {
    /// The ready-made set of a kind.
    pub fn of(kind: ProfileKind) -> Self {
        let base = Self { kind, ..Self::default() };
        match kind {
            ProfileKind::Default => base,
            ProfileKind::LiveInputs => Self {
                backup: None,
                policy: Policy::live_inputs(),
                recording: RecordingRules {
                    part_limit: None,
                    total_limit: Some(DAY * 7),
                    delete_after_days: Some((30, 1096)),
                },
                ..base
            },
            ProfileKind::Streams => Self {
                idle_limit: seconds(3),
                takeover_after: None,
                policy: Policy {
                    gop: (seconds(1), seconds(2)),
                    gop_severity: Severity::Warning,
                    ..Policy::h264_and_aac()
                },
                recording: RecordingRules {
                    part_limit: Some(HOUR * 4),
                    ..RecordingRules::default()
                },
                output_give_up: Some(HOUR),
                ..base
            },
            ProfileKind::Servers => Self { reconnect_window: Duration::ZERO, backup: None, ..base },
        }
    }

    /// Whether this many days may be asked for. Where nothing is said, any number of at least one.
    pub(crate) fn may_delete_after(&self, days: u16) -> bool {
        let (first, last) = self.recording.delete_after_days.unwrap_or((1, u16::MAX));
        RangeInclusive::new(first, last).contains(&days)
    }
}

impl Default for BackupRules {
    fn default() -> Self {
        Self { hold: seconds(3), return_after: seconds(60) }
    }
}

impl Default for PullRules {
    fn default() -> Self {
        Self {
            no_video: seconds(30),
            waits: vec![seconds(10), seconds(30), seconds(60), seconds(300), seconds(600)],
            deactivate_after: DAY,
            by_rounds: false,
        }
    }
}

impl PullRules {
    /// For sources that come and go: 3 s flat, off after 2 h.
    pub fn fast() -> Self {
        Self {
            no_video: seconds(3),
            waits: vec![seconds(3)],
            deactivate_after: HOUR * 2,
            by_rounds: false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            gop: (seconds(1), seconds(10)),
            gop_severity: Severity::Error,
            gop_tolerance: Duration::from_millis(100),
            open_gop: Severity::Warning,
            b_frames_warned: false,
            video: Vec::new(),
            audio: Vec::new(),
            on_violation: OnViolation::Report,
        }
    }
}

impl Policy {
    fn h264_and_aac() -> Self {
        Self { video: vec![VideoCodec::H264], audio: vec![AudioCodec::Aac], ..Self::default() }
    }

    /// Of surface A: closed GOPs of 4 to 10 s, H.264 and AAC.
    pub fn live_inputs() -> Self {
        Self { gop: (seconds(4), seconds(10)), open_gop: Severity::Error, ..Self::h264_and_aac() }
    }

    /// The newer text of surface A: 2 to 10 s.
    pub fn live_inputs_current() -> Self {
        Self { gop: (seconds(2), seconds(10)), ..Self::live_inputs() }
    }

    /// Low-Latency HLS: 2 to 4 s, no B frames.
    pub fn low_latency() -> Self {
        Self { gop: (seconds(2), seconds(4)), b_frames_warned: true, ..Self::default() }
    }

    /// YouTube: at most 4 s, 2 s advised.
    pub fn youtube() -> Self {
        Self { gop: (Duration::ZERO, seconds(4)), ..Self::default() }
    }

    /// Facebook: at most 4 s, 2 s advised.
    pub fn facebook() -> Self {
        Self::youtube()
    }

    /// Whether this video can be packaged.
    pub fn takes_video(&self, codec: VideoCodec) -> bool {
        codec != VideoCodec::Other && (self.video.is_empty() || self.video.contains(&codec))
    }

    /// Whether this audio can be packaged.
    pub fn takes_audio(&self, codec: AudioCodec) -> bool {
        codec != AudioCodec::Other && (self.audio.is_empty() || self.audio.contains(&codec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_differ_where_the_table_says() {
        let kinds = [
            ProfileKind::Default,
            ProfileKind::LiveInputs,
            ProfileKind::Streams,
            ProfileKind::Servers,
        ];
        let [default, live, streams, servers] = kinds.map(Profile::of);
        assert_eq!(
            [&default, &live, &streams, &servers].map(|it| it.idle_limit.as_secs()),
            [10, 10, 3, 10]
        );
        assert_eq!(
            [&default, &live, &streams, &servers].map(|it| it.reconnect_window.as_secs()),
            [10, 10, 10, 0]
        );
        assert_eq!(
            [&default, &live, &streams, &servers].map(|it| it.backup.is_some()),
            [true, false, true, false]
        );
        assert_eq!(streams.takeover_after, None);
        assert_eq!(streams.recording.part_limit, Some(seconds(14_400)));
        assert_eq!(live.recording.total_limit, Some(seconds(604_800)));
        assert_eq!(
            [29, 30, 1096, 1097].map(|it| live.may_delete_after(it)),
            [false, true, true, false]
        );
        assert_eq!([0, 1, 2000].map(|it| default.may_delete_after(it)), [false, true, true]);
    }

    #[test]
    fn c14_codecs_of_each_profile() {
        let live = Policy::live_inputs();
        assert!(live.takes_video(VideoCodec::H264) && !live.takes_video(VideoCodec::Hevc));
        assert!(live.takes_audio(AudioCodec::Aac) && !live.takes_audio(AudioCodec::Mp3));
        let default = Policy::default();
        assert!(default.takes_video(VideoCodec::Av1) && !default.takes_video(VideoCodec::Other));
        assert!(default.takes_audio(AudioCodec::Mp3) && !default.takes_audio(AudioCodec::Other));
    }
}
