use core::fmt;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "a stream is refused, frowned upon, or neither")]
pub enum Severity {
    /// It may hurt, or another receiver would refuse it.
    Warning,
    /// The policy refuses it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What can be broken.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// Pictures in a codec that is not taken.
    VideoCodec,
    /// No pictures.
    VideoMissing,
    /// Frames that refer across a keyframe, or keyframes that do not promise that none does.
    ClosedGop,
    /// A frame that is marked as a keyframe and is none that a decoder can start at.
    IdrRequired,
    /// Too long without a keyframe.
    IntervalMax,
    /// Keyframes too close to each other.
    IntervalMin,
    /// A keyframe interval that is allowed and not recommended.
    IntervalPreferred,
    /// Keyframe intervals that differ.
    IntervalRegular,
    /// More B-frames in a row than are taken.
    BFrames,
    /// Frames are reordered further than their headers promise.
    Reorder,
    /// A profile that is not taken.
    VideoProfile,
    /// A level above the limit.
    VideoLevel,
    /// Pictures larger than the limit.
    VideoSize,
    /// A frame rate out of the limits.
    FrameRate,
    /// Another frame rate than the headers promise.
    FrameRateDeclared,
    /// Pictures may be fields.
    Interlaced,
    /// Frames are not evenly spaced.
    FrameRateVariable,
    /// Frames without the parameter sets that they need, or new ones away from a keyframe.
    ParameterSets,
    /// Size or codec change in the middle.
    ParametersChanged,
    /// The stream begins without a keyframe.
    StartWithoutKey,
    /// A decoding time that is not behind the one before it.
    TimeOrder,
    /// A frame that would be shown before it is decoded.
    TimeComposition,
    /// A hole in the times, or a leap.
    TimeJump,
    /// Sound in a codec that is not taken.
    AudioCodec,
    /// No sound.
    AudioMissing,
    /// A sampling frequency that is not taken.
    AudioRate,
    /// More channels than are taken.
    AudioChannels,
    /// More bits a second of sound than are taken.
    AudioBitrate,
    /// More bits a second than are taken.
    BitrateMax,
    /// Fewer bits a second than are taken.
    BitrateMin,
    /// A bit rate that is not constant.
    BitrateConstant,
    /// Another bit rate than was declared.
    BitrateDeclared,
    /// Sound and pictures that should be together arrive apart.
    Skew,
    /// One track has stopped while the others go on.
    Silence,
    /// A longer stream than is taken.
    Duration,
}

impl Rule {
    /// All of them, in the order of reports.
    pub const ALL: &[Self] = &[
        Self::VideoCodec,
        Self::VideoMissing,
        Self::ClosedGop,
        Self::IdrRequired,
        Self::IntervalMax,
        Self::IntervalMin,
        Self::IntervalPreferred,
        Self::IntervalRegular,
        Self::BFrames,
        Self::Reorder,
        Self::VideoProfile,
        Self::VideoLevel,
        Self::VideoSize,
        Self::FrameRate,
        Self::FrameRateDeclared,
        Self::Interlaced,
        Self::FrameRateVariable,
        Self::ParameterSets,
        Self::ParametersChanged,
        Self::StartWithoutKey,
        Self::TimeOrder,
        Self::TimeComposition,
        Self::TimeJump,
        Self::AudioCodec,
        Self::AudioMissing,
        Self::AudioRate,
        Self::AudioChannels,
        Self::AudioBitrate,
        Self::BitrateMax,
        Self::BitrateMin,
        Self::BitrateConstant,
        Self::BitrateDeclared,
        Self::Skew,
        Self::Silence,
        Self::Duration,
    ];

    /// Its name in reports, which does not change.
    pub fn id(self) -> &'static str {
        match self {
            Self::VideoCodec => "video.codec",
            Self::VideoMissing => "video.missing",
            Self::ClosedGop => "video.closed_gop",
            Self::IdrRequired => "video.idr_required",
            Self::IntervalMax => "video.interval.max",
            Self::IntervalMin => "video.interval.min",
            Self::IntervalPreferred => "video.interval.preferred",
            Self::IntervalRegular => "video.interval.regular",
            Self::BFrames => "video.bframes",
            Self::Reorder => "video.reorder_vui",
            Self::VideoProfile => "video.profile",
            Self::VideoLevel => "video.level",
            Self::VideoSize => "video.size",
            Self::FrameRate => "video.fps",
            Self::FrameRateDeclared => "video.fps.declared",
            Self::Interlaced => "video.interlaced",
            Self::FrameRateVariable => "video.vfr",
            Self::ParameterSets => "video.paramsets",
            Self::ParametersChanged => "track.params_changed",
            Self::StartWithoutKey => "video.start",
            Self::TimeOrder => "timestamps.order",
            Self::TimeComposition => "timestamps.composition",
            Self::TimeJump => "timestamps.jump",
            Self::AudioCodec => "audio.codec",
            Self::AudioMissing => "audio.missing",
            Self::AudioRate => "audio.rate",
            Self::AudioChannels => "audio.channels",
            Self::AudioBitrate => "audio.bitrate",
            Self::BitrateMax => "bitrate.max",
            Self::BitrateMin => "bitrate.min",
            Self::BitrateConstant => "bitrate.cbr",
            Self::BitrateDeclared => "bitrate.declared",
            Self::Skew => "av.skew",
            Self::Silence => "av.silence",
            Self::Duration => "stream.duration",
        }
    }

    /// What a person at an encoder can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::VideoCodec => {
                "Choose another video encoder in the settings: H.264 is taken everywhere."
            }
            Self::VideoMissing => {
                "Add a camera or screen to the scene: a stream of sound alone is not taken."
            }
            Self::ClosedGop => {
                "Turn open GOPs and intra refresh off: x264 \"open-gop=0:intra-refresh=0\", x265 \"no-open-gop=1\"."
            }
            Self::IdrRequired => {
                "Let every keyframe be an IDR frame: open GOPs and intra refresh off, \"forced-idr=1\" on hardware encoders."
            }
            Self::IntervalMax => {
                "Set the keyframe interval to a fixed number of seconds within the limits; 0 or \"auto\" lets the encoder choose up to 250 frames."
            }
            Self::IntervalMin => {
                "Set a longer keyframe interval, and switch off keyframes at scene cuts (x264 \"scenecut=0\", NVENC \"no adaptive I-frames\")."
            }
            Self::IntervalPreferred => {
                "Set the keyframe interval to a value within the recommended range."
            }
            Self::IntervalRegular => {
                "Fix the interval: x264 \"keyint=N:min-keyint=N:scenecut=0\", NVENC without adaptive I-frames, and a constant frame rate."
            }
            Self::BFrames => {
                "Set the number of B-frames to what is allowed (x264 \"bframes=N\", or tune \"zerolatency\" for none)."
            }
            Self::Reorder => {
                "The encoder writes a wrong num_reorder_frames; update it, or use fewer B-frames."
            }
            Self::VideoProfile => "Choose another profile in the encoder's settings.",
            Self::VideoLevel => "Lower the size or the frame rate, or set the level by hand.",
            Self::VideoSize => "Lower the output size (OBS: Settings, Video, Output resolution).",
            Self::FrameRate => "Set a frame rate within the limits (OBS: Settings, Video, FPS).",
            Self::FrameRateDeclared => {
                "Frames are lost before the encoder, or it runs at another rate than it was set to: look for dropped or skipped frames."
            }
            Self::Interlaced => "Deinterlace the source, and encode progressive frames.",
            Self::FrameRateVariable => {
                "Choose a constant frame rate in the source and the encoder (ffmpeg \"-fps_mode cfr\")."
            }
            Self::ParameterSets => {
                "The encoder must send its headers (SPS and PPS) before the first frame, and new ones only with a keyframe."
            }
            Self::ParametersChanged => {
                "Keep size, profile and codec as they are for the whole stream; reconnect to change them."
            }
            Self::StartWithoutKey => {
                "Viewers see nothing up to the first keyframe: let the encoder begin with one on connecting."
            }
            Self::TimeOrder => {
                "The encoder's clock runs backwards: restart it, and give each track rising timestamps."
            }
            Self::TimeComposition => {
                "A frame is to be shown before it is decoded: the muxer's B-frame delay is wrong."
            }
            Self::TimeJump => {
                "Frames are missing or the source was restarted: look at the network and at dropped frames."
            }
            Self::AudioCodec => "Choose AAC as audio encoder.",
            Self::AudioMissing => "Add an audio track, silent if need be.",
            Self::AudioRate => "Set the sample rate to 44.1 or 48 kHz (OBS: Settings, Audio).",
            Self::AudioChannels => "Set the channels to stereo (OBS: Settings, Audio).",
            Self::AudioBitrate => "Lower the audio bit rate.",
            Self::BitrateMax => {
                "Lower the video bit rate, or use CBR with a buffer of one to two seconds."
            }
            Self::BitrateMin => "Raise the video bit rate.",
            Self::BitrateConstant => {
                "Set rate control to CBR, and the buffer size to the bit rate."
            }
            Self::BitrateDeclared => {
                "What is sent is not what was announced: look at rate control, and at dropped frames."
            }
            Self::Skew => {
                "Sound and pictures come out of step: look at sync offsets and at buffering of the capture device."
            }
            Self::Silence => "One track has stopped: look at its source and at the encoder's load.",
            Self::Duration => "Stop and start the stream before it reaches the limit.",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
