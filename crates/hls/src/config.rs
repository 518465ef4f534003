use core::time::Duration;

/// What segments are made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the two containers that HLS players share")]
pub enum Container {
    /// Fragmented MP4 (CMAF): every codec, and no media byte is copied.
    #[default]
    Fmp4,
    /// MPEG-TS: H.264, H.265, AAC, MP3, AC-3, for old players.
    Ts,
}

/// How a [`Segmenter`](crate::Segmenter) cuts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SegmenterConfig {
    /// What segments are made of.
    pub container: Container,
    /// How long a segment should be. It ends at the first keyframe from there on, so it lasts as long as the
    /// publisher's groups of pictures allow. Default 2 s.
    pub segment: Duration,
    /// How long a part is at most: `PART-TARGET`. `None` makes no parts. Default 0.5 s, which whole frames of all
    /// usual rates fill to the 85 % that are required.
    pub part: Option<Duration>,
    /// `EXT-X-TARGETDURATION` in seconds. `None` takes it from the first segment, and nothing is published before
    /// that is complete.
    pub target_duration: Option<u64>,
    /// How long the first segment may become while it waits for a keyframe. Default 10 s.
    pub longest: Duration,
    /// How long the first frame waits for further tracks. Default 1 s.
    pub track_wait: Duration,
    /// A step of time larger than this, or back, begins a new timeline: a discontinuity. Default 2 s.
    pub jump: Duration,
    /// Media sequence number of the first segment. After a restart: one more than the last one published.
    pub first_sequence: u64,
    /// Whether the first segment continues what was published before a restart.
    pub resumed: bool,
    /// What a segment holds at most.
    pub limits: SegmentLimits,
}

impl Default for SegmenterConfig {
    fn default() -> Self {
        Self {
            container: Container::Fmp4,
            segment: Duration::from_secs(2),
            part: Some(Duration::from_millis(500)),
            target_duration: None,
            longest: Duration::from_secs(10),
            track_wait: Duration::from_secs(1),
            jump: Duration::from_secs(2),
            first_sequence: 0,
            resumed: false,
            limits: SegmentLimits::default(),
        }
    }
}

/// What a segment holds at most: it is cut there, keyframe or not.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SegmentLimits {
    /// Bytes of a segment. Default 50 MiB. Worst-case memory of a segmenter is that and one frame.
    pub bytes: usize,
    /// Frames of a part, or of a segment without parts. Default 20,000: a fragment's tables cost 16 bytes for each.
    pub frames: usize,
    /// Frames that wait for further tracks at the start. Default 2,000.
    pub waiting: usize,
}

impl Default for SegmentLimits {
    fn default() -> Self {
        Self { bytes: 50 * 1024 * 1024, frames: 20_000, waiting: 2_000 }
    }
}
