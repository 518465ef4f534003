use alloc::collections::VecDeque;
use alloc::sync::Arc;

use bytes::{Bytes, BytesMut};
use levada_codec::{
    CodecError, Defects, Inspector, ac3, adts, audio_params, av1, flac, mp3, nal, opus,
    video_params, vp9,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, MediaKind, Rounding, Ticks, Timescale,
    Track, TrackId, VideoCodec, VideoParams, unwrap,
};

use crate::colour::ColourInfo;
use crate::unpack::Message;
use crate::{
    ChannelLayout, CodecId, Finding, FindingKind, Packet, PacketKind, Unpacked, UnpackerConfig,
};

/// What an unpacker remembers of one track.
#[derive(Debug)]
pub(crate) struct TrackState {
    id: TrackId,
    config: UnpackerConfig,
    /// Unwrapped milliseconds of the latest message.
    clock: i64,
    current: Option<Current>,
    /// What a Metadata packet said, and of which codec: FFmpeg sends those of all tracks as if for track 0.
    colour: Option<(Label, ColourInfo)>,
    layout: Option<ChannelLayout>,
    /// What was told already, and is not told again until something changes.
    told: Told,
}

/// The configuration in force.
#[derive(Debug)]
struct Current {
    /// As the messages label it. The codec proper is in `params`.
    label: Label,
    /// As it came, to know a repeat.
    record: Bytes,
    params: Arc<CodecParams>,
    inspector: Inspector,
    defects: Defects,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    Video(VideoCodec),
    Audio(AudioCodec),
}

#[derive(Debug, Default)]
struct Told {
    unsupported: Option<CodecId>,
    not_configured: bool,
    nano_offset: bool,
    annex_b: bool,
    adts: bool,
}

/// Where the things that a message holds are put.
struct Sink<'a> {
    id: TrackId,
    timestamp: u32,
    ready: &'a mut VecDeque<Unpacked>,
}

impl Sink<'_> {
    fn event(&mut self, event: MediaEvent) {
        self.ready.push_back(Unpacked::Event(event));
    }

    fn find(&mut self, kind: FindingKind) {
        let finding = Finding { timestamp: self.timestamp, track: Some(self.id), kind };
        self.ready.push_back(Unpacked::Finding(finding));
    }

    fn find_once(&mut self, told: &mut bool, kind: FindingKind) {
        if !core::mem::replace(told, true) {
            self.find(kind);
        }
    }
}

impl TrackState {
    pub(crate) fn new(id: TrackId, config: UnpackerConfig, clock: i64) -> Self {
        Self { id, config, clock, current: None, colour: None, layout: None, told: Told::default() }
    }

    pub(crate) fn id(&self) -> TrackId {
        self.id
    }

    /// Takes one packet and returns its time in unwrapped milliseconds.
    pub(crate) fn push(
        &mut self,
        message: &Message,
        packet: Packet,
        ready: &mut VecDeque<Unpacked>,
    ) -> i64 {
        self.clock = unwrap(self.clock, message.timestamp.into(), 32);
        let sink = &mut Sink { id: self.id, timestamp: message.timestamp, ready };
        let Some(label) = Label::of(self.id.kind, packet.codec) else {
            if self.told.unsupported.replace(packet.codec) != Some(packet.codec) {
                sink.find(FindingKind::UnsupportedCodec(packet.codec));
            }
            return self.clock;
        };
        match packet.kind {
            PacketKind::SequenceStart => self.start(label, &packet.data, sink),
            PacketKind::TransportSequenceStart => match av1_record(&packet.data) {
                Some(record) => self.start(label, &record, sink),
                None => sink.find(FindingKind::Configuration(CodecError::Unsupported {
                    what: "this AV1 descriptor",
                })),
            },
            PacketKind::Frame { composition } => {
                self.frame(label, composition, message, packet.data, sink);
            }
            PacketKind::SequenceEnd => self.end(sink),
            PacketKind::Metadata => self.metadata(label, packet.data, sink),
            PacketKind::ChannelLayout => self.channel_layout(label, &packet.data, sink),
        }
        self.clock
    }

    /// A configuration record. The one in force again is nothing new.
    fn start(&mut self, label: Label, record: &[u8], sink: &mut Sink<'_>) {
        if label.describes_itself()
            || self.current.as_ref().is_some_and(|it| it.is_repeated_by(label, record))
        {
            return;
        }
        // What is kept for longer than its message is copied, so that it does not pin an input block.
        let record = Bytes::copy_from_slice(record);
        if label == Label::Video(VideoCodec::Avc) && is_hevc_record(&record) {
            sink.find(FindingKind::HevcAsAvc);
        }
        match self.params(label, &record) {
            Ok(params) => self.announce(label, record, params, sink),
            Err(why) => sink.find(FindingKind::Configuration(why)),
        }
    }

    /// What a record says, and what was said beside it.
    fn params(&self, label: Label, record: &Bytes) -> Result<CodecParams, CodecError> {
        match label {
            Label::Video(VideoCodec::Avc) if is_hevc_record(record) => {
                video_params(VideoCodec::Hevc, record.clone()).map(CodecParams::Video)
            }
            Label::Video(codec) => {
                let video = video_params(codec, record.clone())?;
                Ok(CodecParams::Video(self.coloured(label, video)))
            }
            // E-RTMP §Enhanced Audio: an empty record, then as many channels as a layout says, or two.
            Label::Audio(AudioCodec::Opus) if record.is_empty() => {
                let channels = self.layout.as_ref().map_or(2, ChannelLayout::channels);
                let head = opus::Head::new(channels).encode();
                audio_params(AudioCodec::Opus, head.into()).map(CodecParams::Audio)
            }
            Label::Audio(codec) => audio_params(codec, record.clone()).map(CodecParams::Audio),
        }
    }

    fn coloured(&self, label: Label, mut video: VideoParams) -> VideoParams {
        if let Some((_, colour)) = self.colour.filter(|(of, _)| *of == label) {
            colour.apply(&mut video);
        }
        video
    }

    fn announce(&mut self, label: Label, record: Bytes, params: CodecParams, sink: &mut Sink<'_>) {
        let inspector = Inspector::new(&params);
        let track = Track::new(self.id, self.timescale(), params);
        let params = track.params.clone();
        sink.event(MediaEvent::Track(track));
        self.told = Told::default();
        let current = self.current.insert(Current {
            label,
            record,
            params,
            inspector,
            defects: Defects::default(),
        });
        current.tell_defects(sink);
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        if self.current.take().is_some() {
            sink.event(MediaEvent::End(self.id));
        }
        self.colour = None;
        self.layout = None;
    }

    fn frame(
        &mut self,
        label: Label,
        composition: i32,
        message: &Message,
        data: Bytes,
        sink: &mut Sink<'_>,
    ) {
        if data.is_empty() {
            // FFmpeg ends FLAC with a packet of no frames, which says nothing and breaks nothing.
            if label != Label::Audio(AudioCodec::Flac) {
                sink.find(FindingKind::EmptyFrame);
            }
            return;
        }
        let time = self.time(label, composition, message, sink);
        match label {
            Label::Video(_) => self.video_frame(label, time, message.marked_key, data, sink),
            Label::Audio(AudioCodec::Aac) if is_adts(&data) => self.adts(time, data, sink),
            Label::Audio(codec) => {
                if label.describes_itself() {
                    self.follow(codec, &data, sink);
                }
                self.deliver(label, time, false, data, sink);
            }
        }
    }

    fn video_frame(
        &mut self,
        label: Label,
        time: Time,
        marked_key: bool,
        mut data: Bytes,
        sink: &mut Sink<'_>,
    ) {
        if let Some(size) = self.current.as_ref().and_then(Current::length_size) {
            // DJI cameras send frames that are no more than a length of 0.
            if data.first_chunk() == Some(&[0; 2]) && data.iter().all(|it| *it == 0) {
                return sink.find(FindingKind::EmptyFrame);
            }
            if size == 4 && nal::is_annex_b(&data, size) {
                sink.find_once(&mut self.told.annex_b, FindingKind::AnnexB);
                let mut converted = BytesMut::new();
                nal::annex_b_to_length_prefixed(&data, &mut converted);
                data = converted.freeze();
            }
        }
        if marked_key {
            self.refine(label, &data, sink);
        }
        self.deliver(label, time, marked_key, data, sink);
    }

    /// Records of VP8 and VP9 do not say the size of the picture, and those of AV1 need not: a keyframe does.
    fn refine(&mut self, label: Label, data: &[u8], sink: &mut Sink<'_>) {
        let Some(current) = self.current.as_ref().filter(|it| it.label == label) else { return };
        let Some(mut video) = current.params.video().cloned() else { return };
        match video.codec {
            VideoCodec::Vp8 | VideoCodec::Vp9 => {
                let Some((width, height)) = picture_size(video.codec, data) else { return };
                (video.width, video.height) = (width, height);
            }
            VideoCodec::Av1 if video.width == 0 => {
                let record = av1::Config::of_temporal_unit(data).map(|it| it.encode());
                let Some(Ok(refined)) = record.map(|it| video_params(video.codec, it.into()))
                else {
                    return;
                };
                video = self.coloured(label, refined);
            }
            _ => return,
        }
        self.replace(CodecParams::Video(video), sink);
    }

    /// Announces the track again if its parameters are no longer the same.
    fn replace(&mut self, params: CodecParams, sink: &mut Sink<'_>) {
        if let Some(current) = self.current.as_mut().filter(|it| *it.params != params) {
            let track = Track::new(self.id, timescale(&self.config), params);
            current.params = track.params.clone();
            sink.event(MediaEvent::Track(track));
        }
    }

    fn deliver(
        &mut self,
        label: Label,
        time: Time,
        marked_key: bool,
        data: Bytes,
        sink: &mut Sink<'_>,
    ) {
        // Nothing may be left where headers or start codes were taken away.
        if data.is_empty() {
            return sink.find(FindingKind::EmptyFrame);
        }
        let Some(current) = self.current.as_mut().filter(|it| it.label == label) else {
            return sink.find_once(&mut self.told.not_configured, FindingKind::NotConfigured);
        };
        let facts = current.inspector.inspect(&data);
        let mut frame = Frame::new(self.id, time.dts, data);
        frame.cts = time.cts;
        frame.facts = facts;
        frame.facts.marked_key = marked_key;
        current.tell_defects(sink);
        sink.event(MediaEvent::Frame(frame));
    }

    /// Frames of these codecs say all that a record would. A change in them is a change of the track.
    fn follow(&mut self, codec: AudioCodec, data: &Bytes, sink: &mut Sink<'_>) {
        let label = Label::Audio(codec);
        let Some(sound) = Sound::of(codec, data) else { return };
        if self.current.as_ref().is_some_and(|it| it.label == label && it.sounds_like(sound)) {
            return;
        }
        match params_of_frame(codec, data) {
            Ok(audio) => self.announce(label, Bytes::new(), CodecParams::Audio(audio), sink),
            Err(why) => sink.find(FindingKind::Configuration(why)),
        }
    }

    /// One or more AAC frames with ADTS headers, as some encoders send them: the headers are cut off, and stand in
    /// for a configuration record if there is none.
    fn adts(&mut self, time: Time, mut data: Bytes, sink: &mut Sink<'_>) {
        let label = Label::Audio(AudioCodec::Aac);
        let mut samples = 0_i64;
        while let Ok(header) = adts::Header::parse(&data) {
            let len = usize::from(header.frame_len);
            if len < header.header_len() || len > data.len() {
                break;
            }
            let mut raw = data.split_to(len);
            if self.current.as_ref().is_none_or(|it| it.label != label)
                && let Ok(config) = header.config(&raw)
            {
                self.start(label, &config.encode(), sink);
            }
            sink.find_once(&mut self.told.adts, FindingKind::Adts);
            let raw = raw.split_off(header.header_len());
            let rate = self.current.as_ref().map_or(0, Current::core_rate);
            let shift = Timescale::new(rate).map_or(Ticks(0), |rate| {
                rate.rescale(Ticks(samples), self.timescale(), Rounding::Nearest)
            });
            let time = Time { dts: time.dts + shift, ..time };
            self.deliver(label, time, false, raw, sink);
            samples += i64::from(header.samples());
        }
    }

    fn metadata(&mut self, label: Label, data: Bytes, sink: &mut Sink<'_>) {
        match ColourInfo::parse(data, self.config.script_limits) {
            Ok(Some(colour)) => self.colour = Some((label, colour)),
            Ok(None) => return,
            Err(why) => return sink.find(FindingKind::Script(why)),
        }
        self.renew(label, sink);
    }

    fn channel_layout(&mut self, label: Label, data: &[u8], sink: &mut Sink<'_>) {
        let Some(layout) = ChannelLayout::parse(data) else {
            return sink.find(FindingKind::ChannelLayout);
        };
        if self.layout.as_ref() == Some(&layout) {
            return;
        }
        self.layout = Some(layout.clone());
        sink.ready.push_back(Unpacked::Channels { track: self.id, layout });
        self.renew(label, sink);
    }

    /// Announces the track again if something beside the record has changed its parameters.
    fn renew(&mut self, label: Label, sink: &mut Sink<'_>) {
        let Some(current) = self.current.as_ref().filter(|it| it.label == label) else { return };
        if label.describes_itself() {
            return;
        }
        let Ok(mut params) = self.params(label, &current.record) else { return };
        // What a keyframe said stays true.
        if let (CodecParams::Video(video), Some(known)) = (&mut params, current.params.video())
            && video.width == 0
        {
            (video.width, video.height) = (known.width, known.height);
        }
        self.replace(params, sink);
    }

    /// When a frame is decoded, and how much later it is shown.
    fn time(
        &mut self,
        label: Label,
        composition: i32,
        message: &Message,
        sink: &mut Sink<'_>,
    ) -> Time {
        let mut nanos = message.offset_nanos.unwrap_or(0);
        if nanos > 999_999 {
            sink.find(FindingKind::NanoOffset(nanos));
            nanos = 0;
        }
        if !self.config.sub_millisecond {
            if nanos > 0 {
                sink.find_once(&mut self.told.nano_offset, FindingKind::NanoOffsetUnused);
            }
            return Time { dts: Ticks(self.clock), cts: composition };
        }
        let micros = nanos.saturating_add(500) / 1000;
        let dts = Ticks(self.clock.saturating_mul(1000));
        let cts = composition.saturating_mul(1000);
        if label.is_reordered() {
            Time { dts, cts: cts.saturating_add_unsigned(micros) }
        } else {
            Time { dts: dts + Ticks(micros.into()), cts }
        }
    }

    fn timescale(&self) -> Timescale {
        timescale(&self.config)
    }
}

#[derive(Clone, Copy, Debug)]
struct Time {
    dts: Ticks,
    cts: i32,
}

pub(crate) fn timescale(config: &UnpackerConfig) -> Timescale {
    if config.sub_millisecond { Timescale::MICROS } else { Timescale::MILLIS }
}

impl Current {
    /// Whether a record says again what is in force.
    fn is_repeated_by(&self, label: Label, record: &[u8]) -> bool {
        self.label == label
            && (self.record == record
                || label == Label::Audio(AudioCodec::Flac) && is_same_flac(&self.record, record))
    }

    fn tell_defects(&mut self, sink: &mut Sink<'_>) {
        let defects = self.inspector.defects();
        if defects == self.defects {
            return;
        }
        for defect in defects.iter().filter(|it| !self.defects.contains(*it)) {
            sink.find(FindingKind::Defect(defect));
        }
        self.defects = defects;
    }

    /// Bytes of the length before each NAL unit, for the codecs that have NAL units.
    fn length_size(&self) -> Option<u8> {
        let video = self.params.video()?;
        // ISO/IEC 14496-15 §5.3.3.1.2 and §8.3.3.1.2: lengthSizeMinusOne.
        let at = match video.codec {
            VideoCodec::Avc => 4,
            VideoCodec::Hevc => 21,
            _ => return None,
        };
        // Not of the record as it came: one with start codes has been put right, and its frames will be.
        Some(video.config.get(at).map_or(4, |it| (it & 0x03) + 1))
    }

    fn sounds_like(&self, sound: Sound) -> bool {
        self.params
            .audio()
            .is_some_and(|it| it.sample_rate == sound.sample_rate && it.channels == sound.channels)
    }

    /// Samples a second of the coded frames, before extensions double them.
    fn core_rate(&self) -> u32 {
        levada_codec::aac::Config::parse(&self.record).map_or(0, |it| it.core_rate())
    }
}

impl Label {
    fn of(kind: MediaKind, codec: CodecId) -> Option<Self> {
        match kind {
            MediaKind::Video => codec.video().map(Self::Video),
            MediaKind::Audio => codec.audio().map(Self::Audio),
            MediaKind::Data => None,
        }
    }

    /// Whether frames can be understood without a configuration record, and no record says anything.
    fn describes_itself(self) -> bool {
        matches!(self, Self::Audio(AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3))
    }

    /// Whether decoding and presentation differ in time.
    fn is_reordered(self) -> bool {
        matches!(self, Self::Video(VideoCodec::Avc | VideoCodec::Hevc))
    }
}

/// What a frame header says that must not change within a track.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sound {
    sample_rate: u32,
    channels: u8,
}

impl Sound {
    fn of(codec: AudioCodec, frame: &[u8]) -> Option<Self> {
        match codec {
            AudioCodec::Mp3 => {
                let header = mp3::Header::parse(frame).ok()?;
                Some(Self { sample_rate: header.sample_rate(), channels: header.channels() })
            }
            AudioCodec::Ac3 => {
                let header = ac3::Header::parse(frame).ok()?;
                Some(Self { sample_rate: header.sample_rate, channels: header.channels() })
            }
            // Dependent streams add channels, so the whole access unit must be looked at.
            _ => params_of_frame(codec, frame)
                .ok()
                .map(|it| Self { sample_rate: it.sample_rate, channels: it.channels }),
        }
    }
}

fn params_of_frame(codec: AudioCodec, frame: &[u8]) -> Result<AudioParams, CodecError> {
    match codec {
        AudioCodec::Mp3 => mp3::Header::parse(frame)?.params(),
        AudioCodec::Ac3 => {
            let config = ac3::Ac3Config::of(&ac3::Header::parse(frame)?)?;
            audio_params(codec, Bytes::copy_from_slice(&config.encode()))
        }
        _ => audio_params(codec, ac3::Eac3Config::of(frame)?.encode().into()),
    }
}

/// Whether two records are of the same sound. FFmpeg sends a second one at the end, with the number of samples and
/// their checksum.
fn is_same_flac(one: &[u8], other: &[u8]) -> bool {
    let sound = |record| {
        let info = flac::StreamInfo::parse(record).ok()?;
        Some((info.min_block, info.max_block, info.sample_rate, info.channels, info.bits))
    };
    sound(one).is_some_and(|it| Some(it) == sound(other))
}

fn picture_size(codec: VideoCodec, data: &[u8]) -> Option<(u32, u32)> {
    if codec == VideoCodec::Vp8 {
        let key = vp9::Vp8KeyFrame::parse(data).ok()?;
        return Some((key.width.into(), key.height.into()));
    }
    let key = vp9::Header::parse(vp9::frames(data).next()?).ok()?.key_frame?;
    Some((key.width.into(), key.height.into()))
}

/// ISO/IEC 13818-7 §6.2: twelve bits of sync and a layer of 0. No raw AAC frame begins so.
fn is_adts(data: &[u8]) -> bool {
    matches!(data, [0xFF, second, ..] if second & 0xF6 == 0xF0)
}

/// Whether what is labelled as an H.264 record is one of H.265: its reserved bits are, and no sequence parameter set
/// of H.264 stands where one would (ISO/IEC 14496-15 §8.3.3.1.2, §5.3.3.1.2).
fn is_hevc_record(record: &[u8]) -> bool {
    let has = |at: usize, bits: u8| record.get(at).is_some_and(|it| it & bits == bits);
    let avc_sps = record.get(8).is_some_and(|it| it & 0x1F == 7);
    !avc_sps && has(13, 0xF0) && has(15, 0xFC) && has(16, 0xFC) && has(17, 0xF8) && has(18, 0xF8)
}

/// The configuration record that says what an AV1 video descriptor says (AV1 in MPEG-2 TS §2.1). The two bits for
/// HDR have no place in it.
fn av1_record(descriptor: &[u8]) -> Option<[u8; 4]> {
    let [0x80, 4, version, profile, chroma, delay, ..] = *descriptor else { return None };
    Some([version, profile, chroma, delay & 0x1F])
}
