use alloc::collections::VecDeque;
use alloc::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use levada_codec::{Defects, Inspector, audio_params, video_params};
use levada_media::{
    AudioCodec, CodecParams, Frame, MediaEvent, MediaKind, Ticks, Timescale, Track, TrackId,
    VideoCodec, unwrap,
};

use crate::unpack::Message;
use crate::{CodecId, Finding, FindingKind, Packet, PacketKind, Unpacked, UnpackerConfig};

/// What an unpacker remembers of one track.
#[derive(Debug)]
pub(crate) struct TrackState {
    id: TrackId,
    sub_millisecond: bool,
    /// Unwrapped milliseconds of the latest message.
    clock: i64,
    current: Option<Current>,
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
        let sub_millisecond = config.sub_millisecond;
        Self { id, sub_millisecond, clock, current: None, told: Told::default() }
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
        let mut sink = Sink { id: self.id, timestamp: message.timestamp, ready };
        let Some(label) = Label::of(self.id.kind, packet.codec) else {
            if self.told.unsupported != Some(packet.codec) {
                self.told.unsupported = Some(packet.codec);
                sink.find(FindingKind::UnsupportedCodec(packet.codec));
            }
            return self.clock;
        };
        match packet.kind {
            PacketKind::SequenceStart => self.start(label, packet.data, &mut sink),
            PacketKind::Frame { composition } => {
                self.frame(label, composition, message, packet.data, &mut sink);
            }
            PacketKind::SequenceEnd => {
                if self.current.take().is_some() {
                    sink.event(MediaEvent::End(self.id));
                }
            }
            PacketKind::Metadata
            | PacketKind::TransportSequenceStart
            | PacketKind::ChannelLayout => {}
        }
        self.clock
    }

    fn start(&mut self, label: Label, record: Bytes, sink: &mut Sink<'_>) {
        if let Some(current) = &self.current
            && current.label == label
            && current.record == record
        {
            return;
        }
        // What is kept longer than its message is copied, so that it does not pin an input block.
        let record = Bytes::copy_from_slice(&record);
        let params = match label {
            Label::Video(codec) => video_params(codec, record.clone()).map(CodecParams::Video),
            Label::Audio(codec) => audio_params(codec, record.clone()).map(CodecParams::Audio),
        };
        match params {
            Ok(params) => self.announce(label, record, params, sink),
            Err(why) => sink.find(FindingKind::Configuration(why)),
        }
    }

    fn announce(&mut self, label: Label, record: Bytes, params: CodecParams, sink: &mut Sink<'_>) {
        let inspector = Inspector::new(&params);
        let track = Track::new(self.id, self.timescale(), params);
        self.current = Some(Current {
            label,
            record,
            params: track.params.clone(),
            inspector,
            defects: Defects::default(),
        });
        self.told = Told::default();
        sink.event(MediaEvent::Track(track));
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
            return sink.find(FindingKind::EmptyFrame);
        }
        let Some(current) = self.current.as_mut().filter(|it| it.label == label) else {
            return sink.find_once(&mut self.told.not_configured, FindingKind::NotConfigured);
        };
        let facts = current.inspector.inspect(&data);
        let mut frame = Frame::new(self.id, Ticks(self.clock), data);
        frame.cts = composition;
        frame.facts = facts;
        frame.facts.marked_key = message.marked_key;
        sink.event(MediaEvent::Frame(frame));
    }

    fn timescale(&self) -> Timescale {
        if self.sub_millisecond { Timescale::MICROS } else { Timescale::MILLIS }
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
}
