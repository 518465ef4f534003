//! One elementary stream: packets gathered to PES packets, and what is made of them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};
use levada_media::{TrackId, VideoCodec, unwrap};

use super::audio::AudioReader;
use super::counter::{Counter, Step};
use super::cutter::Cutter;
use super::id3::Id3Reader;
use super::sink::Sink;
use super::video::VideoReader;
use crate::carriage::{self, Carriage};
use crate::clock::TIMESTAMP_BITS;
use crate::packet::Packet;
use crate::pes::{self, Pes, Times, WireTimes};
use crate::psi::StreamEntry;
use crate::{DemuxConfig, Finding};

/// What all streams share.
///
/// Invariant: `pending` is the sum of the lengths of all streams' `bytes`.
#[derive(Debug)]
pub(crate) struct Shared {
    max_pes: usize,
    max_pending: usize,
    pending: usize,
    /// The newest decoding time of all streams, on a line instead of a circle.
    newest: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) pid: u16,
    pub(crate) id: TrackId,
    stream_type: u8,
    descriptors: Vec<u8>,
    counter: Counter,
    gathering: Gathering,
    random_access: bool,
    bytes: BytesMut,
    reader: Reader,
}

/// What is done with the packets that come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gathering {
    /// They are passed over up to the next beginning.
    Nothing,
    /// They belong to a PES packet whose length is not known yet, or not given.
    ToNext,
    /// They belong to a PES packet of so many bytes.
    To(usize),
}

#[derive(Debug)]
enum Reader {
    Video(VideoReader),
    Audio(AudioReader),
    Id3(Id3Reader),
}

impl Shared {
    pub(crate) fn new(config: &DemuxConfig) -> Self {
        Self { max_pes: config.max_pes, max_pending: config.max_pending, pending: 0, newest: None }
    }

    /// Wire times on the line, at the place that is nearest to the newest time of all streams.
    fn unwrap(&self, wire: WireTimes) -> Times {
        let newest = self.newest.unwrap_or_else(|| wire.dts.cast_signed());
        let dts = unwrap(newest, wire.dts, TIMESTAMP_BITS);
        Times { pts: unwrap(dts, wire.pts, TIMESTAMP_BITS), dts }
    }
}

impl Stream {
    pub(crate) fn new(id: TrackId, carriage: Carriage, entry: &StreamEntry<'_>) -> Self {
        let language = carriage::language(entry.descriptors).map(Arc::from);
        let channels = carriage::opus_channels(entry.descriptors);
        let reader = match (carriage, Cutter::new(carriage, channels)) {
            (_, Some(cutter)) => Reader::Audio(AudioReader::new(id, language, cutter)),
            (Carriage::Hevc, _) => Reader::Video(VideoReader::new(id, VideoCodec::Hevc)),
            (Carriage::Avc, _) => Reader::Video(VideoReader::new(id, VideoCodec::Avc)),
            (_, None) => Reader::Id3(Id3Reader::new(id, language)),
        };
        Self {
            pid: entry.pid,
            id,
            stream_type: entry.stream_type,
            descriptors: entry.descriptors.to_vec(),
            counter: Counter::default(),
            gathering: Gathering::Nothing,
            random_access: false,
            bytes: BytesMut::new(),
            reader,
        }
    }

    /// Whether it is the stream that a PMT lists.
    pub(crate) fn is(&self, entry: &StreamEntry<'_>) -> bool {
        (self.pid, self.stream_type, &self.descriptors[..])
            == (entry.pid, entry.stream_type, entry.descriptors)
    }

    /// Whether its track was announced.
    pub(crate) fn is_announced(&self) -> bool {
        match &self.reader {
            Reader::Video(reader) => reader.is_announced(),
            Reader::Audio(reader) => reader.is_announced(),
            Reader::Id3(reader) => reader.is_announced(),
        }
    }

    pub(crate) fn packet(&mut self, packet: &Packet<'_>, shared: &mut Shared, sink: &mut Sink<'_>) {
        match self.counter.step(packet, sink) {
            Step::Next => {}
            Step::Repeated => return,
            Step::Broken => self.drop_gathered(shared),
        }
        let Some(payload) = packet.payload else { return };
        if packet.scrambled {
            self.drop_gathered(shared);
            return sink.found(Finding::Scrambled { pid: self.pid });
        }
        if packet.start {
            self.complete(shared, sink);
            self.gathering = Gathering::ToNext;
            self.random_access = packet.random_access;
        }
        if self.gathering == Gathering::Nothing {
            return;
        }
        let len = self.bytes.len() + payload.len();
        if len > shared.max_pes || shared.pending + payload.len() > shared.max_pending {
            self.drop_gathered(shared);
            return sink.found(Finding::TooLarge { pid: self.pid });
        }
        self.bytes.put_slice(payload);
        shared.pending += payload.len();
        if self.gathering == Gathering::ToNext && len >= pes::PREFIX {
            match pes::declared_length(&self.bytes) {
                None => {
                    self.drop_gathered(shared);
                    return sink.found(Finding::BadPes { pid: self.pid });
                }
                Some(None) => {}
                Some(Some(length)) => self.gathering = Gathering::To(length),
            }
        }
        if matches!(self.gathering, Gathering::To(length) if length <= len) {
            self.complete(shared, sink);
        }
    }

    /// Makes frames of what was gathered, if it is whole.
    pub(crate) fn complete(&mut self, shared: &mut Shared, sink: &mut Sink<'_>) {
        let gathering = core::mem::replace(&mut self.gathering, Gathering::Nothing);
        let mut bytes = core::mem::take(&mut self.bytes);
        shared.pending -= bytes.len();
        let pes = match gathering {
            Gathering::Nothing => return,
            Gathering::ToNext => Pes::parse(&bytes),
            Gathering::To(length) => bytes.get(..length).and_then(Pes::parse),
        };
        match pes {
            None => sink.found(Finding::BadPes { pid: self.pid }),
            Some(Pes { scrambled: true, .. }) => {
                sink.found(Finding::Scrambled { pid: self.pid });
            }
            Some(pes) => self.reader.read(&pes, self.random_access, shared, sink),
        }
        bytes.clear();
        self.bytes = bytes;
    }

    /// Has the counter begin anew.
    pub(crate) fn restart(&mut self) {
        self.counter = Counter::default();
    }

    fn drop_gathered(&mut self, shared: &mut Shared) {
        shared.pending -= self.bytes.len();
        self.bytes.clear();
        self.gathering = Gathering::Nothing;
        match &mut self.reader {
            Reader::Video(_) => {}
            Reader::Audio(reader) => reader.reset(),
            Reader::Id3(reader) => reader.reset(),
        }
    }
}

impl Reader {
    fn read(
        &mut self,
        pes: &Pes<'_>,
        random_access: bool,
        shared: &mut Shared,
        sink: &mut Sink<'_>,
    ) {
        let times = pes.times.map(|wire| shared.unwrap(wire));
        if let Some(times) = times
            && !matches!(self, Self::Id3(_))
        {
            shared.newest = Some(times.dts);
        }
        match self {
            Self::Video(reader) => reader.read(times, random_access, pes.payload, sink),
            Self::Audio(reader) => reader.read(times.map(|it| it.pts), pes.payload, sink),
            Self::Id3(reader) => reader.read(times.map(|it| it.pts), pes.payload, sink),
        }
    }
}
