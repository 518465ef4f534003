//! From a publisher's messages and frames to what the plane's judge of media wants to know.

use std::time::{Duration, Instant};

use bytes::Bytes;
use levada_control::{self as control, Gap, GopStart, Now, Observation, Second, Timeline};
use levada_flv::TagKind;
use levada_media::{
    AudioCodec, CodecParams, Frame, MediaEvent, MediaKind, RandomAccess, Slices, Timescale, Track,
    TrackId, VideoCodec,
};

/// How often the plane hears where the media is.
const POSITION_MS: u64 = 250;
/// The length of a measured second.
const SECOND_MS: u64 = 1_000;
/// Messages that come closer together than this come as fast as the line allows.
const BUSY: Duration = Duration::from_millis(5);
/// Media time that stands still for this long has stalled, if bytes come.
const STALL: Duration = Duration::from_secs(2);
/// A timestamp that is further from the last one than this says nothing about gaps: that is a jump.
const GAP_MS: u32 = 10_000;

/// Looks at one stream, and forgets when another publisher comes.
#[derive(Debug)]
pub struct Observer {
    begin: Instant,
    timeline: Timeline,
    video: Line,
    audio: Line,
    /// The kinds of tags with codecs that we cannot take apart.
    strange: Vec<TagKind>,
    b_frames: bool,
    second: Second,
    /// Where the measured second began, and where the media was when the plane was last told.
    second_began: Option<u64>,
    told: u64,
    arrived: Option<Instant>,
    moved: Option<(u64, Instant)>,
}

/// One kind of track: the first of that kind is looked at.
#[derive(Debug, Default)]
struct Line {
    track: Option<Track>,
    last_dts_ms: Option<i64>,
}

impl Default for Observer {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            timeline: Timeline::new(Gap::WallTime),
            video: Line::default(),
            audio: Line::default(),
            strange: Vec::new(),
            b_frames: false,
            second: Second::default(),
            second_began: None,
            told: 0,
            arrived: None,
            moved: None,
        }
    }
}

impl Observer {
    /// A message came, whatever is in it.
    pub fn message(
        &mut self,
        kind: TagKind,
        position_ms: u64,
        body: &Bytes,
        out: &mut Vec<Observation>,
    ) {
        let now = Instant::now();
        if let Some(since) = self.arrived.replace(now).map(|it| now - it).filter(|it| *it < BUSY) {
            let whole = since.as_micros().div_ceil(1000);
            self.second.upload_ms += u32::try_from(whole).unwrap_or_default();
        }
        self.legacy(kind, body, out);
        match self.moved {
            Some((at, _)) if position_ms > at => self.moved = Some((position_ms, now)),
            Some((at, since)) if now - since >= STALL => {
                out.push(Observation::Stalled);
                self.moved = Some((at, now));
            }
            Some(_) => {}
            None => self.moved = Some((position_ms, now)),
        }
        if position_ms >= self.told + POSITION_MS {
            self.told = position_ms;
            out.push(Observation::Position { position_ms });
        }
        let began = *self.second_began.get_or_insert(position_ms);
        let media_ms = position_ms.saturating_sub(began);
        if media_ms >= SECOND_MS {
            self.second_began = Some(position_ms);
            out.push(Observation::Second(self.take_second(media_ms)));
        }
    }

    /// Codecs of FLV that nothing here takes apart: the plane has to know of them all the same.
    fn legacy(&mut self, kind: TagKind, body: &Bytes, out: &mut Vec<Observation>) {
        let Some(head) = body.first() else { return };
        // Not AVC, nor what some write for HEVC and AV1 (E.4.3.1). Not MP3, AAC, nor an enhanced header (E.4.2.1).
        let strange = match kind {
            TagKind::Video => head & 0x80 == 0 && matches!(head & 0x0F, 1..=6 | 8..=11),
            TagKind::Audio => matches!(head >> 4, 0 | 1 | 3..=8 | 11..=13 | 15),
            _ => false,
        };
        if !strange || self.strange.contains(&kind) {
            return;
        }
        self.strange.push(kind);
        out.push(if kind == TagKind::Video {
            let codec = control::VideoCodec::Other;
            Observation::Video { codec, dimensions: (0, 0), fps_milli: None }
        } else {
            Observation::Audio { codec: control::AudioCodec::Other, rate: 0, channels: 0 }
        });
    }

    /// The second that ends here.
    fn take_second(&mut self, media_ms: u64) -> Second {
        let mut second = std::mem::take(&mut self.second);
        second.media_ms = u32::try_from(media_ms).unwrap_or(u32::MAX);
        if let (Some(video), Some(audio)) = (self.video.last_dts_ms, self.audio.last_dts_ms) {
            second.av_skew_ms = u32::try_from(video.abs_diff(audio)).unwrap_or(u32::MAX);
        }
        second
    }

    /// A track or a frame was in it.
    pub fn event(&mut self, event: &MediaEvent, position_ms: u64, out: &mut Vec<Observation>) {
        match event {
            MediaEvent::Track(track) => self.track(track, out),
            MediaEvent::Frame(frame) => self.frame(frame, position_ms, out),
            MediaEvent::End(_) => {}
        }
    }

    fn line(&mut self, id: TrackId) -> Option<&mut Line> {
        match id {
            it if it == TrackId::video(0) => Some(&mut self.video),
            it if it == TrackId::audio(0) => Some(&mut self.audio),
            _ => None,
        }
    }

    fn track(&mut self, track: &Track, out: &mut Vec<Observation>) {
        let Some(line) = self.line(track.id) else { return };
        let before = line.track.replace(track.clone());
        if before.is_some_and(|it| it.params != track.params) {
            out.push(Observation::ParametersChanged);
        }
        out.extend(described(&track.params));
    }

    fn frame(&mut self, frame: &Frame, position_ms: u64, out: &mut Vec<Observation>) {
        let is_video = frame.track.kind == MediaKind::Video;
        let now = Now::new(self.begin.elapsed(), 0);
        let Some(line) = self.line(frame.track) else { return };
        let Some(scale) = line.track.as_ref().map(|it| it.timescale) else { return };
        let dts_ms = millis(scale, frame.dts.0);
        let gap = line.last_dts_ms.replace(dts_ms).map_or(0, |it| dts_ms - it);
        let gap = u32::try_from(gap).ok().filter(|it| *it < GAP_MS).unwrap_or_default();
        let mapped = self.timeline.map(now, u8::from(is_video), dts_ms, 1);
        out.extend(mapped.correction.map(Observation::Timestamp));
        let bytes = frame.data.len() as u64;
        let second = &mut self.second;
        second.max_gap_ms = second.max_gap_ms.max(gap);
        if is_video {
            second.video_frames += 1;
            second.video_bytes += bytes;
            self.picture(frame, position_ms, out);
        } else {
            second.audio_frames += 1;
            second.audio_bytes += bytes;
        }
    }

    fn picture(&mut self, frame: &Frame, position_ms: u64, out: &mut Vec<Observation>) {
        let start = match frame.facts.random_access {
            RandomAccess::Instant => Some(GopStart::Closed),
            RandomAccess::Recovery(_) => Some(GopStart::Open),
            // The container's mark is a claim: what it marks has to be a GOP start all the same.
            _ if frame.facts.marked_key => Some(GopStart::Open),
            _ => None,
        };
        out.extend(start.map(|start| Observation::Keyframe { position_ms, start }));
        if frame.facts.slices == Slices::B && !self.b_frames {
            self.b_frames = true;
            out.push(Observation::BFrames);
        }
    }
}

fn millis(scale: Timescale, ticks: i64) -> i64 {
    (scale.seconds(levada_media::Ticks(ticks)) * 1000.0).round() as i64
}

/// What headers say of a track.
fn described(params: &CodecParams) -> Option<Observation> {
    Some(match params {
        CodecParams::Video(it) => Observation::Video {
            codec: match it.codec {
                VideoCodec::Avc => control::VideoCodec::H264,
                VideoCodec::Hevc => control::VideoCodec::Hevc,
                VideoCodec::Av1 => control::VideoCodec::Av1,
                VideoCodec::Vp9 => control::VideoCodec::Vp9,
                _ => control::VideoCodec::Other,
            },
            dimensions: (it.width, it.height),
            fps_milli: it
                .frame_rate
                .and_then(|(n, d)| u32::try_from(u64::from(n) * 1000 / u64::from(d.max(1))).ok()),
        },
        CodecParams::Audio(it) => Observation::Audio {
            codec: match it.codec {
                AudioCodec::Aac => control::AudioCodec::Aac,
                AudioCodec::Opus => control::AudioCodec::Opus,
                AudioCodec::Mp3 => control::AudioCodec::Mp3,
                AudioCodec::Ac3 | AudioCodec::Eac3 => control::AudioCodec::Ac3,
                AudioCodec::Flac => control::AudioCodec::Flac,
                _ => control::AudioCodec::Other,
            },
            rate: it.sample_rate,
            channels: it.channels,
        },
        CodecParams::Data(_) => return None,
    })
}
