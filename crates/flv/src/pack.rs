use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{BufMut, Bytes, BytesMut};
use levada_codec::video_params;
use levada_media::{
    AudioCodec, AudioParams, CodecParams, DataCodec, Frame, MediaEvent, RandomAccess, Rounding,
    Ticks, Timescale, Track, TrackId, VideoCodec, VideoParams,
};

use crate::colour::ColourInfo;
use crate::format::{LEGACY_AAC, LEGACY_AVC, LEGACY_MP3, audio_fourcc, video_fourcc};
use crate::packet::{
    AUDIO_MULTITRACK, CHANNEL_LAYOUT, CODED_FRAMES, CODED_FRAMES_X, METADATA, MOD_EX, SEQUENCE_END,
    SEQUENCE_START, VIDEO_MULTITRACK,
};
use crate::{ChannelLayout, FlvError, FlvTag, FourCc, Metadata, TagKind};

/// How a [`Packer`] writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PackerConfig {
    /// Write H.264, AAC and MP3 of track 0 as FLV 10.1 does, which everybody understands. On by default. Off, they
    /// are written with a FourCC like all others.
    pub legacy: bool,
    /// Write what a millisecond cannot say as a ModEx nanosecond offset. Off by default: few receivers know it.
    pub nano_offsets: bool,
}

impl Default for PackerConfig {
    fn default() -> Self {
        Self { legacy: true, nano_offsets: false }
    }
}

/// Makes tag bodies, which are also RTMP message bodies, of media events. The way back from
/// [`Unpacker`](crate::Unpacker).
///
/// - H.264, AAC and MP3 of track 0 are written in legacy form, all else in the form of Enhanced RTMP.
/// - Tracks with other numbers are written as one multitrack message each (`OneTrack`): receivers that know
///   multitrack at all know this.
/// - Times are rounded to milliseconds.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{Packer, TagKind, Unpacked, Unpacker};
///
/// let mut unpacker = Unpacker::default();
/// let mut packer = Packer::default();
/// let header = Bytes::from_static(b"\xaf\x00\x12\x10");
/// unpacker.push(TagKind::Audio, 0, header.clone());
/// while let Some(unpacked) = unpacker.next() {
///     let Unpacked::Event(event) = unpacked else { continue };
///     for tag in packer.pack(&event)? {
///         assert_eq!(tag.body(), header);
///     }
/// }
/// # Ok::<(), levada_flv::FlvError>(())
/// ```
#[derive(Debug, Default)]
pub struct Packer {
    config: PackerConfig,
    tracks: Vec<PackedTrack>,
    /// The time of the latest frame: configuration records have none of their own.
    clock: u32,
    tags: VecDeque<PackedTag>,
}

#[derive(Debug)]
struct PackedTrack {
    id: TrackId,
    timescale: Timescale,
    params: Arc<CodecParams>,
    /// What a Metadata packet said last.
    colour: ColourInfo,
}

/// A tag whose header and payload are not joined, so that the payload need not be copied.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PackedTag {
    /// What the body is.
    pub kind: TagKind,
    /// Milliseconds, the low 32 bits of them.
    pub timestamp: u32,
    head: Head,
    /// What stands behind the header.
    pub data: Bytes,
}

impl PackedTag {
    /// The header of the body.
    pub fn head(&self) -> &[u8] {
        self.head.bytes.get(..usize::from(self.head.len)).unwrap_or_default()
    }

    /// The length of the body.
    #[expect(clippy::len_without_is_empty, reason = "a body is never empty")]
    pub fn len(&self) -> usize {
        usize::from(self.head.len) + self.data.len()
    }

    /// The whole body, joined by copying. RTMP chunks want it so.
    pub fn body(&self) -> Bytes {
        if self.head.len == 0 {
            return self.data.clone();
        }
        let mut body = BytesMut::with_capacity(self.len());
        body.put_slice(self.head());
        body.put_slice(&self.data);
        body.freeze()
    }
}

impl From<PackedTag> for FlvTag {
    fn from(tag: PackedTag) -> Self {
        Self::new(tag.kind, tag.timestamp, tag.body())
    }
}

/// Bytes of the longest header: first byte, ModEx 5, multitrack 1, FourCC 4, track 1, composition time 3, and the
/// four that FLAC puts before its configuration.
const MAX_HEAD: usize = 19;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Head {
    bytes: [u8; MAX_HEAD],
    len: u8,
}

impl Head {
    fn put(&mut self, more: &[u8]) {
        let from = usize::from(self.len);
        if let Some(room) = self.bytes.get_mut(from..from + more.len()) {
            room.copy_from_slice(more);
            self.len = u8::try_from(from + more.len()).unwrap_or(u8::MAX);
        }
    }
}

impl Packer {
    /// A packer without tracks.
    pub fn new(config: PackerConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Makes the tags of one event. Most events make one, some none.
    ///
    /// # Errors
    ///
    /// [`FlvError::Unsupported`] for a track that FLV cannot carry, [`FlvError::Misuse`] for frames of a track that
    /// was not announced. The packer goes on after either.
    pub fn pack(
        &mut self,
        event: &MediaEvent,
    ) -> Result<impl Iterator<Item = PackedTag> + use<'_>, FlvError> {
        self.tags.clear();
        match event {
            MediaEvent::Track(track) => self.pack_track(track)?,
            MediaEvent::Frame(frame) => self.pack_frame(frame)?,
            MediaEvent::End(id) => self.pack_end(*id),
        }
        Ok(self.tags.drain(..))
    }

    /// Makes the tag that says what a stream is.
    ///
    /// # Errors
    ///
    /// [`FlvError::Unsupported`] if the metadata holds values that cannot be written.
    pub fn pack_metadata(&self, metadata: &Metadata) -> Result<PackedTag, FlvError> {
        let data =
            metadata.encode().map_err(|_| FlvError::Unsupported { what: "this metadata" })?;
        Ok(PackedTag { kind: TagKind::Script, timestamp: self.clock, head: Head::default(), data })
    }

    /// Makes the tag that says which loudspeakers the channels of a track are for.
    ///
    /// # Errors
    ///
    /// [`FlvError::Misuse`] if no such audio track was announced.
    pub fn pack_channels(
        &self,
        id: TrackId,
        layout: &ChannelLayout,
    ) -> Result<PackedTag, FlvError> {
        let track = self.tracks.iter().find(|it| it.id == id);
        let fourcc = track
            .and_then(|it| audio_fourcc(it.params.audio()?.codec))
            .ok_or(FlvError::Misuse { what: "channels of a track that was not announced" })?;
        let mut head = Head::default();
        enhanced_audio(&mut head, CHANNEL_LAYOUT, fourcc, id.number, None);
        let (kind, data) = (TagKind::Audio, layout.encode());
        Ok(PackedTag { kind, timestamp: self.clock, head, data })
    }

    /// Writes what is new: a record that differs from the one before, colours that do.
    fn pack_track(&mut self, track: &Track) -> Result<(), FlvError> {
        let known = self.tracks.iter().position(|it| it.id == track.id);
        let known = known.map(|at| self.tracks.swap_remove(at));
        let is_repeat = known.as_ref().is_some_and(|it| has_same_record(&it.params, &track.params));
        let mut colour = ColourInfo::default();
        match &*track.params {
            CodecParams::Video(video) => {
                // Colours that the record does not say go before it, so that the track is announced with them.
                let base = video_params(video.codec, video.config.clone());
                colour = base.map(|base| ColourInfo::difference(&base, video)).unwrap_or_default();
                let old_colour = known.map(|it| it.colour).unwrap_or_default();
                self.start_video(
                    track.id.number,
                    video,
                    is_repeat,
                    (colour != old_colour).then_some(colour),
                )?;
            }
            CodecParams::Audio(audio) => self.start_audio(track.id.number, audio, is_repeat)?,
            CodecParams::Data(DataCodec::Script) => {}
            CodecParams::Data(_) => {
                return Err(FlvError::Unsupported { what: "this kind of data" });
            }
        }
        let (id, timescale) = (track.id, track.timescale);
        self.tracks.push(PackedTrack { id, timescale, params: track.params.clone(), colour });
        Ok(())
    }

    fn start_video(
        &mut self,
        number: u8,
        video: &VideoParams,
        is_repeat: bool,
        new_colour: Option<ColourInfo>,
    ) -> Result<(), FlvError> {
        let fourcc =
            video_fourcc(video.codec).ok_or(FlvError::Unsupported { what: "this video codec" })?;
        if let Some(colour) = new_colour {
            let mut head = Head::default();
            // FFmpeg's reader wants a frame type of 5 here. In front of Multitrack that would be a command.
            let first = if number == 0 { 0xD0 } else { 0x80 };
            enhanced(&mut head, first, VIDEO_MULTITRACK, METADATA, fourcc, number, None);
            self.tag(TagKind::Video, self.clock, head, colour.encode());
        }
        if is_repeat {
            return Ok(());
        }
        let mut head = Head::default();
        if self.is_legacy_video(number, video.codec) {
            head.put(&[0x10 | LEGACY_AVC, SEQUENCE_START, 0, 0, 0]);
        } else {
            enhanced_video(&mut head, Key::Yes, SEQUENCE_START, fourcc, number, None);
        }
        self.tag(TagKind::Video, self.clock, head, video.config.clone());
        Ok(())
    }

    fn start_audio(
        &mut self,
        number: u8,
        audio: &AudioParams,
        is_repeat: bool,
    ) -> Result<(), FlvError> {
        let fourcc =
            audio_fourcc(audio.codec).ok_or(FlvError::Unsupported { what: "this audio codec" })?;
        // MP3, AC-3 and E-AC-3 frames say all that a configuration record could.
        if is_repeat || matches!(audio.codec, AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3)
        {
            return Ok(());
        }
        let mut head = Head::default();
        if self.is_legacy_audio(number, audio.codec) {
            head.put(&[LEGACY_AAC << 4 | 0x0F, SEQUENCE_START]);
        } else {
            enhanced_audio(&mut head, SEQUENCE_START, fourcc, number, None);
        }
        if audio.codec == AudioCodec::Flac {
            head.put(b"fLaC");
        }
        self.tag(TagKind::Audio, self.clock, head, audio.config.clone());
        Ok(())
    }

    fn pack_frame(&mut self, frame: &Frame) -> Result<(), FlvError> {
        let track = self
            .tracks
            .iter()
            .find(|it| it.id == frame.track)
            .ok_or(FlvError::Misuse { what: "a frame of a track that was not announced" })?;
        let time = self.time(frame, track.timescale);
        let number = frame.track.number;
        let mut head = Head::default();
        let (kind, timestamp) = match &*track.params {
            CodecParams::Video(video) => {
                let key = Key::of(frame);
                let fourcc = video_fourcc(video.codec).unwrap_or(FourCc::AVC);
                if self.is_legacy_video(number, video.codec) {
                    head.put(&[key.id() << 4 | LEGACY_AVC, CODED_FRAMES]);
                    head.put(&composition_bytes(time.composition));
                    (TagKind::Video, time.decode)
                } else if !fourcc.has_composition_time() {
                    enhanced_video(&mut head, key, CODED_FRAMES, fourcc, number, time.nanos);
                    (TagKind::Video, time.present())
                } else if time.composition == 0 {
                    enhanced_video(&mut head, key, CODED_FRAMES_X, fourcc, number, time.nanos);
                    (TagKind::Video, time.decode)
                } else {
                    enhanced_video(&mut head, key, CODED_FRAMES, fourcc, number, time.nanos);
                    head.put(&composition_bytes(time.composition));
                    (TagKind::Video, time.decode)
                }
            }
            CodecParams::Audio(audio) => {
                if self.is_legacy_audio(number, audio.codec) {
                    if audio.codec == AudioCodec::Aac {
                        head.put(&[LEGACY_AAC << 4 | 0x0F, CODED_FRAMES]);
                    } else {
                        head.put(&[mp3_header(audio)]);
                    }
                } else {
                    let fourcc = audio_fourcc(audio.codec).unwrap_or(FourCc::AAC);
                    enhanced_audio(&mut head, CODED_FRAMES, fourcc, number, time.nanos);
                }
                (TagKind::Audio, time.present())
            }
            CodecParams::Data(_) => (TagKind::Script, time.present()),
        };
        self.clock = timestamp;
        self.tag(kind, timestamp, head, frame.data.clone());
        Ok(())
    }

    fn pack_end(&mut self, id: TrackId) {
        let Some(at) = self.tracks.iter().position(|it| it.id == id) else { return };
        let track = self.tracks.swap_remove(at);
        let mut head = Head::default();
        let kind = match &*track.params {
            CodecParams::Video(video) => {
                if self.is_legacy_video(id.number, video.codec) {
                    head.put(&[0x10 | LEGACY_AVC, SEQUENCE_END, 0, 0, 0]);
                } else {
                    let fourcc = video_fourcc(video.codec).unwrap_or(FourCc::AVC);
                    enhanced_video(&mut head, Key::Yes, SEQUENCE_END, fourcc, id.number, None);
                }
                TagKind::Video
            }
            CodecParams::Audio(audio) if !self.is_legacy_audio(id.number, audio.codec) => {
                let fourcc = audio_fourcc(audio.codec).unwrap_or(FourCc::AAC);
                enhanced_audio(&mut head, SEQUENCE_END, fourcc, id.number, None);
                TagKind::Audio
            }
            // FLV 10.1 knows no end of an audio sequence.
            CodecParams::Audio(_) | CodecParams::Data(_) => return,
        };
        self.tag(kind, self.clock, head, Bytes::new());
    }

    fn tag(&mut self, kind: TagKind, timestamp: u32, head: Head, data: Bytes) {
        self.tags.push_back(PackedTag { kind, timestamp, head, data });
    }

    fn is_legacy_video(&self, number: u8, codec: VideoCodec) -> bool {
        self.config.legacy && number == 0 && codec == VideoCodec::Avc
    }

    fn is_legacy_audio(&self, number: u8, codec: AudioCodec) -> bool {
        self.config.legacy && number == 0 && matches!(codec, AudioCodec::Aac | AudioCodec::Mp3)
    }

    fn time(&self, frame: &Frame, scale: Timescale) -> WireTime {
        let rounding = if self.config.nano_offsets { Rounding::Down } else { Rounding::Nearest };
        let millis = |ticks| scale.rescale(ticks, Timescale::MILLIS, rounding).0;
        let (decode, present) = (millis(frame.dts), millis(frame.pts()));
        let nanos = self.config.nano_offsets.then(|| {
            let start = Timescale::MILLIS.rescale(Ticks(present), NANOS, Rounding::Nearest);
            (scale.rescale(frame.pts(), NANOS, Rounding::Down) - start).0
        });
        WireTime {
            decode: u32::try_from(decode & 0xFFFF_FFFF).unwrap_or_default(),
            composition: i32::try_from(present.saturating_sub(decode))
                .unwrap_or(i32::MAX)
                .clamp(-0x80_0000, 0x7F_FFFF),
            nanos: nanos.and_then(|nanos| u32::try_from(nanos).ok()).filter(|nanos| *nanos > 0),
        }
    }
}

fn has_same_record(one: &CodecParams, other: &CodecParams) -> bool {
    match (one, other) {
        (CodecParams::Video(one), CodecParams::Video(other)) => {
            (one.codec, &one.config) == (other.codec, &other.config)
        }
        (CodecParams::Audio(one), CodecParams::Audio(other)) => {
            (one.codec, &one.config) == (other.codec, &other.config)
        }
        _ => false,
    }
}

const NANOS: Timescale = match Timescale::new(1_000_000_000) {
    Some(scale) => scale,
    None => Timescale::MICROS,
};

/// The time of a frame as FLV says it.
struct WireTime {
    decode: u32,
    composition: i32,
    nanos: Option<u32>,
}

impl WireTime {
    /// For codecs whose messages have no composition time.
    fn present(&self) -> u32 {
        self.decode.wrapping_add_signed(self.composition)
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Key {
    Yes,
    No,
}

impl Key {
    fn of(frame: &Frame) -> Self {
        let key = frame.facts.marked_key || frame.facts.random_access == RandomAccess::Instant;
        if key { Self::Yes } else { Self::No }
    }

    /// The frame type of FLV 10.1 §E.4.3.1.
    fn id(self) -> u8 {
        match self {
            Self::Yes => 1,
            Self::No => 2,
        }
    }
}

/// E-RTMP §Enhanced Video.
fn enhanced_video(
    head: &mut Head,
    key: Key,
    packet_type: u8,
    codec: FourCc,
    number: u8,
    nanos: Option<u32>,
) {
    enhanced(head, 0x80 | key.id() << 4, VIDEO_MULTITRACK, packet_type, codec, number, nanos);
}

/// E-RTMP §Enhanced Audio.
fn enhanced_audio(head: &mut Head, packet_type: u8, codec: FourCc, number: u8, nanos: Option<u32>) {
    enhanced(
        head,
        crate::audio::ENHANCED << 4,
        AUDIO_MULTITRACK,
        packet_type,
        codec,
        number,
        nanos,
    );
}

fn enhanced(
    head: &mut Head,
    first: u8,
    multitrack: u8,
    packet_type: u8,
    codec: FourCc,
    number: u8,
    nanos: Option<u32>,
) {
    let outer = if number == 0 { packet_type } else { multitrack };
    if let Some(nanos) = nanos {
        // One ModEx unit of three bytes, of kind 0.
        let [_, n2, n1, n0] = nanos.to_be_bytes();
        head.put(&[first | MOD_EX, 2, n2, n1, n0, outer]);
    } else {
        head.put(&[first | outer]);
    }
    if number == 0 {
        head.put(&codec.0);
    } else {
        head.put(&[packet_type]);
        head.put(&codec.0);
        head.put(&[number]);
    }
}

fn composition_bytes(composition: i32) -> [u8; 3] {
    let [_, c2, c1, c0] = composition.to_be_bytes();
    [c2, c1, c0]
}

/// FLV 10.1 §E.4.2.1. Rates without a code get the next one: frames say it themselves.
fn mp3_header(audio: &AudioParams) -> u8 {
    let rate = match audio.sample_rate {
        8000 => return 0xE2 | u8::from(audio.channels > 1),
        1..=8_268 => 0,
        8_269..=16_536 => 1,
        16_537..=30_000 => 2,
        _ => 3,
    };
    LEGACY_MP3 << 4 | rate << 2 | 0x02 | u8::from(audio.channels != 1)
}
