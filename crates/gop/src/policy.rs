use alloc::string::String;
use alloc::vec::Vec;

use levada_media::{AudioCodec, VideoCodec};

/// What a receiver takes. All times are in microseconds, all rates in bits a second.
///
/// The default refuses what no receiver can use, and nothing else: times that run backwards, frames without parameter
/// sets. A rule that is `None` or empty is not applied.
///
/// ```
/// use levada_gop::{Bounds, GopPolicy};
///
/// let mut policy = GopPolicy::named("our studio");
/// policy.interval = Bounds::between(1_000_000, 4_000_000);
/// policy.closed = true;
///
/// let known = GopPolicy::known("twitch").unwrap();
/// assert_eq!(known.interval.max, Some(2_000_000));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GopPolicy {
    /// A short name, for people and for [`known`](Self::known).
    pub name: String,
    /// The keyframe interval. Only frames that a decoder can start at, with nothing after them that refers to what
    /// was before, are keyframes here.
    pub interval: Bounds,
    /// The recommended keyframe interval: a warning outside.
    pub preferred: Bounds,
    /// By how much an interval may miss its bounds.
    pub tolerance: i64,
    /// Whether every GOP must be closed, and every keyframe an IDR frame.
    pub closed: bool,
    /// The most B-frames in a row.
    pub b_frames: Option<u32>,
    /// Which video codecs are taken.
    pub video_codecs: Vec<VideoCodec>,
    /// Which H.264 profiles are taken, as `profile_idc`.
    pub avc_profiles: Vec<u8>,
    /// The highest H.264 level that is taken, as `level_idc`.
    pub avc_level: Option<u8>,
    /// The longer and the shorter side of a picture.
    pub size: Option<(u32, u32)>,
    /// Frames in 1000 seconds.
    pub frame_rate: Bounds,
    /// Whether pictures must be progressive.
    pub progressive: bool,
    /// Which audio codecs are taken.
    pub audio_codecs: Vec<AudioCodec>,
    /// Which sampling frequencies are taken.
    pub sample_rates: Vec<u32>,
    /// The most audio channels.
    pub channels: Option<u8>,
    /// The most bits a second of one audio track.
    pub audio_bitrate: Option<u64>,
    /// Bits a second of all tracks.
    pub bitrate: Bounds,
    /// Whether the bit rate must be constant: a warning otherwise.
    pub constant_bitrate: bool,
    /// Whether there must be pictures.
    pub video_required: bool,
    /// Whether there must be sound.
    pub audio_required: bool,
    /// How long a stream may last.
    pub duration: Option<i64>,
}

/// A range of which each end may be open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a range has two ends")]
pub struct Bounds {
    /// The least that is allowed.
    pub min: Option<i64>,
    /// The most that is allowed.
    pub max: Option<i64>,
}

impl Bounds {
    /// Everything from `min` to `max`, both included.
    pub const fn between(min: i64, max: i64) -> Self {
        Self { min: Some(min), max: Some(max) }
    }

    /// Everything up to `max`.
    pub const fn up_to(max: i64) -> Self {
        Self { min: None, max: Some(max) }
    }

    /// The bound that a value misses by more than `tolerance`.
    pub(crate) fn missed_by(self, value: i64, tolerance: i64) -> Option<i64> {
        let below = |min: &i64| value < min.saturating_sub(tolerance);
        let above = |max: &i64| value > max.saturating_add(tolerance);
        self.min.filter(below).or_else(|| self.max.filter(above))
    }
}

impl GopPolicy {
    /// A policy with a name and no rules of its own.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
