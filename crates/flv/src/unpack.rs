use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use levada_amf::AmfLimits;
use levada_media::{
    CodecParams, DataCodec, Frame, MediaEvent, MediaKind, Rounding, Ticks, Timescale, Track,
    TrackId, unwrap,
};

use crate::track::{TrackState, timescale};
use crate::{
    AudioBody, BodyError, ChannelLayout, Finding, FindingKind, FlvTag, MAX_TRACKS, Metadata,
    Packet, Script, SeekCommand, TagKind, VideoBody,
};

/// How an [`Unpacker`] reads.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnpackerConfig {
    /// Count microseconds, so that ModEx nanosecond offsets are used (to the nearest microsecond). Off by default:
    /// tracks count milliseconds, as the wire does, and offsets are ignored with a finding.
    ///
    /// An offset moves the presentation time only: it is added to the composition time of H.264 and H.265. All other
    /// codecs are decoded when they are presented, so for them it is added to the decoding time as well.
    pub sub_millisecond: bool,
    /// What script data may cost. The default suits live streams. The keyframe index of a long file has more
    /// values: see [`for_files`](Self::for_files).
    pub script_limits: AmfLimits,
}

impl UnpackerConfig {
    /// For files of one's own choosing: up to 65,536 values in script data, a keyframe a second for nine hours. They
    /// take up to 10 MB while they are read.
    pub fn for_files() -> Self {
        let script_limits = AmfLimits { values: 1 << 16, ..AmfLimits::default() };
        Self { script_limits, ..Self::default() }
    }
}

/// What came out of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unpacked {
    /// A track, a frame, an end.
    Event(MediaEvent),
    /// A zero-length audio message: play what is buffered, then run on without sound (E-RTMP §Enhanced Audio).
    Silence(Ticks),
    /// A server tells its player about a seek.
    Seek(SeekCommand),
    /// `onMetaData`.
    Metadata(Box<Metadata>),
    /// Which loudspeakers the channels of a track are for.
    Channels {
        /// The track.
        track: TrackId,
        /// The loudspeakers.
        layout: ChannelLayout,
    },
    /// Something was dropped or put right.
    Finding(Finding),
}

/// Makes media events of tag bodies, which are also RTMP message bodies.
///
/// Push a message, then pull until there is nothing more. Media is sliced out of the body, never copied.
///
/// - The first configuration record of a track, and every different one, is a [`MediaEvent::Track`]. A repeat of
///   the same is nothing.
/// - A codec that nobody here knows is reported and skipped, whatever track it is on. Nothing that a body holds
///   stops the unpacker.
/// - Timestamps are unwrapped: a stream may run for longer than 49 days.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{TagKind, Unpacked, Unpacker};
/// use levada_media::MediaEvent;
///
/// let mut unpacker = Unpacker::default();
/// unpacker.push(TagKind::Audio, 0, Bytes::from_static(b"\xaf\x00\x12\x10"));
/// unpacker.push(TagKind::Audio, 23, Bytes::from_static(b"\xaf\x01\x21\x10\x04"));
///
/// let Some(Unpacked::Event(MediaEvent::Track(track))) = unpacker.next() else { panic!() };
/// assert_eq!(track.params.rfc6381(), "mp4a.40.2");
/// let Some(Unpacked::Event(MediaEvent::Frame(frame))) = unpacker.next() else { panic!() };
/// assert_eq!((frame.dts.0, &frame.data[..]), (23, &b"\x21\x10\x04"[..]));
/// assert_eq!(unpacker.next(), None);
/// ```
#[derive(Debug, Default)]
pub struct Unpacker {
    config: UnpackerConfig,
    tracks: Vec<TrackState>,
    /// The time of the latest message, unwrapped: the first message of a track is taken as near to it.
    clock: i64,
    /// Whether tracks over the limit were reported.
    too_many: bool,
    has_script_track: bool,
    ready: VecDeque<Unpacked>,
}

impl Unpacker {
    /// An unpacker at the start of a stream.
    pub fn new(config: UnpackerConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Takes one message: an RTMP message of type 8, 9, 15 or 18, or a tag.
    ///
    /// What it holds waits to be pulled by [`next`](Self::next): a few things, and as many frames as the message has.
    pub fn push(&mut self, kind: TagKind, timestamp: u32, body: Bytes) {
        let pushed = match kind {
            TagKind::Video => self.push_video(timestamp, body),
            TagKind::Audio => self.push_audio(timestamp, body),
            TagKind::Script | TagKind::ScriptAmf3 => self.push_script(kind, timestamp, body),
            TagKind::Other(id) => {
                self.find(timestamp, None, FindingKind::UnknownKind(id));
                Ok(())
            }
        };
        if let Err(why) = pushed {
            self.find(timestamp, None, FindingKind::Body(why));
        }
    }

    /// Takes one tag of a file. An encrypted one is dropped with a finding.
    pub fn push_tag(&mut self, tag: &FlvTag) {
        if tag.filtered {
            self.find(tag.timestamp, None, FindingKind::Encrypted);
        } else {
            self.push(tag.kind, tag.timestamp, tag.body.clone());
        }
    }

    /// The next thing that the messages pushed so far hold.
    #[expect(clippy::should_implement_trait, reason = "an iterator that goes on after None")]
    pub fn next(&mut self) -> Option<Unpacked> {
        self.ready.pop_front()
    }

    fn push_video(&mut self, timestamp: u32, body: Bytes) -> Result<(), BodyError> {
        let video = VideoBody::parse(body)?;
        if let Some(command) = video.command {
            self.ready.push_back(Unpacked::Seek(command));
        }
        let message = Message {
            timestamp,
            offset_nanos: video.offset_nanos,
            marked_key: video.frame_type.is_key(),
        };
        video.packets.for_each(|packet| self.push_packet(MediaKind::Video, message, packet));
        Ok(())
    }

    fn push_audio(&mut self, timestamp: u32, body: Bytes) -> Result<(), BodyError> {
        if body.is_empty() {
            self.clock = unwrap(self.clock, timestamp.into(), 32);
            self.ready.push_back(Unpacked::Silence(self.now()));
            return Ok(());
        }
        let audio = AudioBody::parse(body)?;
        let message = Message { timestamp, offset_nanos: audio.offset_nanos, marked_key: false };
        audio.packets.for_each(|packet| self.push_packet(MediaKind::Audio, message, packet));
        Ok(())
    }

    /// `onMetaData` is told as what it says, all else is a frame of a data track.
    fn push_script(&mut self, kind: TagKind, timestamp: u32, body: Bytes) -> Result<(), BodyError> {
        let script = match Script::parse(kind, body, self.config.script_limits) {
            Ok(script) => script,
            Err(why) => {
                self.find(timestamp, None, FindingKind::Script(why));
                return Ok(());
            }
        };
        for finding in &script.findings {
            self.find(timestamp, None, FindingKind::ScriptDeviation(finding.what));
        }
        if let Some(metadata) = Metadata::from_script(&script) {
            self.ready.push_back(Unpacked::Metadata(Box::new(metadata)));
            return Ok(());
        }
        if script.name.is_empty() {
            return Err(BodyError::Nameless);
        }
        let track = TrackId::data(0);
        let scale = timescale(&self.config);
        if !core::mem::replace(&mut self.has_script_track, true) {
            let params = CodecParams::Data(DataCodec::Script);
            let event = MediaEvent::Track(Track::new(track, scale, params));
            self.ready.push_back(Unpacked::Event(event));
        }
        self.clock = unwrap(self.clock, timestamp.into(), 32);
        let frame = Frame::new(track, self.now(), script.data);
        self.ready.push_back(Unpacked::Event(MediaEvent::Frame(frame)));
        Ok(())
    }

    /// The time of the latest message.
    fn now(&self) -> Ticks {
        Timescale::MILLIS.rescale(Ticks(self.clock), timescale(&self.config), Rounding::Nearest)
    }

    fn push_packet(&mut self, kind: MediaKind, message: Message, packet: Packet) {
        let id = match kind {
            MediaKind::Video => TrackId::video(packet.track),
            MediaKind::Audio => TrackId::audio(packet.track),
            MediaKind::Data => TrackId::data(packet.track),
        };
        let Some(track) = track_state(&mut self.tracks, id, self.config, self.clock) else {
            if !core::mem::replace(&mut self.too_many, true) {
                self.find(message.timestamp, Some(id), FindingKind::TooManyTracks);
            }
            return;
        };
        self.clock = track.push(&message, packet, &mut self.ready);
    }

    fn find(&mut self, timestamp: u32, track: Option<TrackId>, kind: FindingKind) {
        self.ready.push_back(Unpacked::Finding(Finding { timestamp, track, kind }));
    }
}

/// What holds for all packets of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) timestamp: u32,
    pub(crate) offset_nanos: Option<u32>,
    pub(crate) marked_key: bool,
}

/// The state of a track, made at its first message. `None` if there are too many of its kind.
fn track_state(
    tracks: &mut Vec<TrackState>,
    id: TrackId,
    config: UnpackerConfig,
    clock: i64,
) -> Option<&mut TrackState> {
    if let Some(at) = tracks.iter().position(|it| it.id() == id) {
        return tracks.get_mut(at);
    }
    if tracks.iter().filter(|it| it.id().kind == id.kind).count() >= MAX_TRACKS {
        return None;
    }
    tracks.push(TrackState::new(id, config, clock));
    tracks.last_mut()
}
