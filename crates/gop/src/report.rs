use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use levada_media::{Ticks, TrackId};

use crate::validator::{GopValidator, TrackParams, TrackState, frame_rate};
use crate::verdict::{Findings, Mark, Verdict};
use crate::video::{FrameBar, GopBar, Video};
use crate::{GopKind, GopPolicy, Measure, Severity};

/// What has been seen of a stream. It is as large for a day as for a minute.
///
/// [`Display`](fmt::Display) writes it for people, [`to_json`](Self::to_json) for programs, and
/// [`to_svg`](Self::to_svg) draws it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GopReport {
    /// What it was held against.
    pub policy: GopPolicy,
    /// From the first decoding time to the last, in microseconds.
    pub duration: Ticks,
    /// Payload of all tracks.
    pub bytes: u64,
    /// The highest bit rate of a second or more.
    pub peak_bitrate: u64,
    /// The tracks.
    pub tracks: Vec<TrackReport>,
    /// What is not as the policy wants it: errors first, in the order in which they were found.
    pub verdicts: Vec<Verdict>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) gops: Vec<GopBar>,
    pub(crate) frames: Vec<FrameBar>,
}

/// What has been seen of a track.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrackReport {
    /// Its name.
    pub id: TrackId,
    /// RFC 6381 name of its codec.
    pub codec: String,
    /// How many frames came.
    pub frames: u64,
    /// And how many bytes.
    pub bytes: u64,
    /// From the first decoding time to the last, in microseconds.
    pub duration: Ticks,
    /// Bits a second.
    pub bitrate: u64,
    /// If it is video.
    pub video: Option<VideoReport>,
    /// Samples a second and channels, if it is audio.
    pub audio: Option<(u32, u8)>,
}

/// What has been seen of a video track.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VideoReport {
    /// Width and height.
    pub size: (u32, u32),
    /// What can be relied on between keyframes.
    pub kind: GopKind,
    /// How many frames a decoder can start at, with nothing behind that looks back.
    pub keyframes: u64,
    /// The intervals between them, if there were two.
    pub interval: Option<Intervals>,
    /// Frames in 1000 seconds, as they came.
    pub frame_rate: Option<u64>,
    /// Frames in 1000 seconds, as the headers promise.
    pub promised_frame_rate: Option<u64>,
    /// How many frames are predicted from two directions.
    pub b_frames: u64,
    /// The most of them in a row.
    pub longest_b_run: u32,
    /// How many frames can come before another in decoding order and after it in output order.
    pub reorder: u32,
}

/// Keyframe intervals in microseconds, in order of output. The last one is not among them: its end is not seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Intervals {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min: i64,
    /// The longest.
    pub max: i64,
    /// Their mean.
    pub mean: i64,
    /// Their standard deviation.
    pub deviation: i64,
}

impl GopReport {
    pub(crate) fn of(validator: &GopValidator, policy: &GopPolicy, findings: &Findings) -> Self {
        let tracks = &validator.tracks;
        let video = tracks.iter().find_map(|it| match &it.params {
            TrackParams::Video(_, video) => Some(video),
            _ => None,
        });
        let mut verdicts = findings.verdicts.clone();
        verdicts.sort_by_key(|it| core::cmp::Reverse(it.severity));
        let gops = video.map(|it| it.gops.items().iter().copied().chain(it.open_bar()).collect());
        Self {
            policy: policy.clone(),
            duration: Ticks(validator.newest),
            bytes: tracks.iter().map(|it| it.bytes).sum(),
            peak_bitrate: validator.rate.highest,
            tracks: tracks.iter().map(TrackReport::of).collect(),
            verdicts,
            marks: findings.marks.clone(),
            gops: gops.unwrap_or_default(),
            frames: video.map_or_else(Vec::new, |it| it.frames.items().to_vec()),
        }
    }

    /// Whether the policy would take the stream, as far as it was seen.
    pub fn is_accepted(&self) -> bool {
        self.verdicts.iter().all(|it| it.severity < Severity::Error)
    }

    /// The worst GOPs of all video tracks.
    pub fn kind(&self) -> GopKind {
        let kinds = self.tracks.iter().filter_map(|it| it.video.as_ref()).map(|it| it.kind);
        kinds.max().unwrap_or_default()
    }

    /// Bits a second of all tracks together.
    pub fn bitrate(&self) -> u64 {
        bitrate(self.bytes, self.duration.0)
    }
}

impl TrackReport {
    fn of(track: &TrackState) -> Self {
        let duration = track.last_at.saturating_sub(track.first_at);
        let (codec, video, audio) = match &track.params {
            TrackParams::Video(params, video) => {
                let size = (params.width, params.height);
                let promised = params.frame_rate.and_then(frame_rate);
                let report = VideoReport::of(video, size, track.frame_rate(), promised);
                (params.rfc6381.clone(), Some(report), None)
            }
            TrackParams::Audio(params) => {
                (params.rfc6381.clone(), None, Some((params.sample_rate, params.channels)))
            }
            TrackParams::Data => (String::new(), None, None),
        };
        Self {
            id: track.id,
            codec,
            frames: track.frames,
            bytes: track.bytes,
            duration: Ticks(duration),
            bitrate: bitrate(track.bytes, duration),
            video,
            audio,
        }
    }
}

impl VideoReport {
    fn of(
        video: &Video,
        size: (u32, u32),
        frame_rate: Option<u64>,
        promised_frame_rate: Option<u64>,
    ) -> Self {
        let stats = &video.intervals;
        let interval = (stats.count > 0).then(|| Intervals {
            count: stats.count,
            min: stats.min,
            max: stats.max,
            mean: stats.mean(),
            deviation: stats.deviation(),
        });
        Self {
            size,
            kind: video.kind,
            keyframes: video.keyframes,
            interval,
            frame_rate,
            promised_frame_rate,
            b_frames: video.b_frames,
            longest_b_run: video.longest_b_run,
            reorder: video.reorder,
        }
    }
}

/// What people call so many channels.
pub(crate) fn channel_name(channels: u8) -> String {
    match channels {
        1 => String::from("mono"),
        2 => String::from("stereo"),
        count => format!("{count} channels"),
    }
}

/// Bits a second.
fn bitrate(bytes: u64, micros: i64) -> u64 {
    let span = u128::from(micros.max(0).unsigned_abs());
    let rate = (u128::from(bytes) * 8_000_000).checked_div(span).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

impl fmt::Display for GopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_accepted() { "accepted" } else { "not accepted" };
        let policy = if self.policy.name.is_empty() { "no policy" } else { &self.policy.name };
        writeln!(f, "{policy}: {verdict}")?;
        let (duration, rate) = (Measure::Time(self.duration.0), Measure::Bitrate(self.bitrate()));
        let peak = Measure::Bitrate(self.peak_bitrate);
        writeln!(f, "  {duration}, {rate} (peak {peak})")?;
        for track in &self.tracks {
            writeln!(f, "  {track}")?;
        }
        for verdict in &self.verdicts {
            writeln!(f, "  {verdict}")?;
            writeln!(f, "      {}", verdict.rule.hint())?;
        }
        Ok(())
    }
}

impl fmt::Display for TrackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.codec)?;
        if let Some(video) = &self.video {
            write!(f, " {}", Measure::Size(video.size.0, video.size.1))?;
            if let Some(rate) = video.frame_rate {
                write!(f, ", {}", Measure::FrameRate(rate))?;
            }
        }
        if let Some((rate, channels)) = self.audio {
            write!(f, " {}, {}", Measure::SampleRate(rate), channel_name(channels))?;
        }
        write!(f, ", {} frames, {}", self.frames, Measure::Bitrate(self.bitrate))?;
        let Some(video) = &self.video else { return Ok(()) };
        write!(f, ", GOPs {}, {} keyframes", video.kind, video.keyframes)?;
        if let Some(it) = video.interval {
            let [min, mean, max, deviation] =
                [it.min, it.mean, it.max, it.deviation].map(Measure::Time);
            write!(f, " every {mean} ({min} to {max}, deviation {deviation})")?;
        }
        if video.longest_b_run > 0 {
            write!(f, ", up to {} B-frames", video.longest_b_run)?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, self.rule)?;
        if let Some(track) = self.track {
            write!(f, " ({track})")?;
        }
        write!(f, ": {}", self.worst)?;
        if let Some(limit) = &self.limit {
            write!(f, ", limit {limit}")?;
        }
        let first = Measure::Time(self.first.0);
        match self.count {
            1 => write!(f, ", at {first}"),
            count => write!(f, ", {count} times from {first} to {}", Measure::Time(self.last.0)),
        }
    }
}
