//! Packets into frames.

mod audio;
mod counter;
mod cutter;
mod framing;
mod id3;
mod sink;
mod stream;
mod video;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::BytesMut;
use levada_media::{MediaEvent, MediaKind, TrackId};

use crate::carriage::Carriage;
use crate::packet::{NULL_PID, PACKET, PAT_PID, Packet};
use crate::psi::{self, Section, SectionReader, StreamEntry};
use crate::{DemuxConfig, Finding, MAX_TRACKS};
use counter::{Counter, Step};
use framing::{Framing, Front};
use sink::Sink;
use stream::{Shared, Stream};

/// What a [`TsDemuxer`] reads.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what is fine, and what is not")]
pub enum TsEvent {
    /// A track or a frame.
    Media(MediaEvent),
    /// Something that is not as it should be, and was passed over.
    Found {
        /// How many bytes of the stream came before the packet that showed it.
        offset: u64,
        /// What it is.
        finding: Finding,
    },
}

/// Reads an MPEG transport stream.
///
/// It does not fail: what is broken is passed over and told, and reading goes on behind it. All tracks count in
/// 90 kHz ticks on one line that begins where the first timestamp is.
///
/// ```
/// use bytes::BytesMut;
/// use levada_ts::{DemuxConfig, TsDemuxer, TsEvent};
///
/// let mut demuxer = TsDemuxer::new(DemuxConfig::default());
/// let mut input = BytesMut::from(&[0; 1000][..]); // what was read
/// demuxer.end();
/// while let Some(event) = demuxer.next_event(&mut input) {
///     if let TsEvent::Found { offset, finding } = event {
///         assert_eq!(finding.to_string(), "1000 bytes are no packets");
///     }
/// }
/// ```
#[derive(Debug)]
pub struct TsDemuxer {
    program_wanted: Option<u16>,
    framing: Framing,
    pat: Table,
    program: Option<Program>,
    streams: Vec<Stream>,
    shared: Shared,
    events: VecDeque<TsEvent>,
    ended: bool,
}

/// A PID with sections.
#[derive(Debug, Default)]
struct Table {
    counter: Counter,
    reader: SectionReader,
}

/// The programme that is read.
#[derive(Debug)]
struct Program {
    number: u16,
    pmt_pid: u16,
    pmt: Table,
    /// The PMT's body as it was read last.
    body: Vec<u8>,
}

impl TsDemuxer {
    /// A demuxer that knows nothing of the stream yet.
    pub fn new(config: DemuxConfig) -> Self {
        Self {
            program_wanted: config.program,
            framing: Framing::new(),
            pat: Table::default(),
            program: None,
            streams: Vec::new(),
            shared: Shared::new(&config),
            events: VecDeque::new(),
            ended: false,
        }
    }

    /// The next event that the bytes at hand complete; `None` asks for more.
    ///
    /// Takes whole packets off the front of `input`. What stays there is less than a packet, or up to 612 bytes
    /// while the beginning of a packet is looked for.
    pub fn next_event(&mut self, input: &mut BytesMut) -> Option<TsEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let offset = self.framing.offset();
            match self.framing.look(input) {
                Some(Front::Packet { lead, size }) => {
                    if let Some(packet) = input.get(lead..).and_then(<[u8]>::first_chunk) {
                        self.packet(packet, offset);
                    }
                    self.framing.pass(size, input);
                }
                Some(Front::Skipped(skipped)) => {
                    let offset = self.framing.offset() - skipped;
                    let finding = Finding::LostSync { skipped };
                    self.events.push_back(TsEvent::Found { offset, finding });
                }
                None if self.framing.is_ended() && !self.ended => {
                    self.ended = true;
                    self.complete(offset);
                }
                None => return None,
            }
        }
    }

    /// No more bytes will come. The last frames end here, and come out of [`next_event`](Self::next_event).
    pub fn end(&mut self) {
        self.framing.end();
    }

    /// The next bytes do not go on with those before: a discontinuity in a playlist, another source.
    ///
    /// The last frames end here. Tables and tracks stay until other ones come.
    pub fn mark_discontinuity(&mut self) {
        let offset = self.framing.offset();
        self.complete(offset);
        self.pat.reset();
        if let Some(program) = &mut self.program {
            program.pmt.reset();
        }
        self.streams.iter_mut().for_each(Stream::restart);
    }

    /// Ends what has no end of its own.
    fn complete(&mut self, offset: u64) {
        let mut sink = Sink { events: &mut self.events, offset };
        for stream in &mut self.streams {
            stream.complete(&mut self.shared, &mut sink);
        }
    }

    fn packet(&mut self, bytes: &[u8; PACKET], offset: u64) {
        let mut sink = Sink { events: &mut self.events, offset };
        let Some(packet) = Packet::parse(bytes).filter(|it| !it.damaged) else {
            let [_, high, low, ..] = *bytes;
            let pid = u16::from_be_bytes([high & 0x1F, low]);
            if pid != NULL_PID {
                sink.found(Finding::DamagedPacket { pid });
            }
            return;
        };
        if let Some(stream) = self.streams.iter_mut().find(|it| it.pid == packet.pid) {
            stream.packet(&packet, &mut self.shared, &mut sink);
        } else if packet.pid == PAT_PID {
            let sections = self.pat.push(&packet, &mut sink);
            sections.iter().for_each(|it| self.read_pat(it, offset));
        } else if let Some(program) =
            self.program.as_mut().filter(|program| program.pmt_pid == packet.pid)
        {
            let sections = program.pmt.push(&packet, &mut sink);
            sections.iter().for_each(|it| self.read_pmt(it, offset));
        }
    }

    fn read_pat(&mut self, section: &[u8], offset: u64) {
        let mut sink = Sink { events: &mut self.events, offset };
        let Some(section) = Section::parse(section) else {
            return sink.found(Finding::BadTable { pid: PAT_PID });
        };
        if section.table_id != psi::PAT || !section.current {
            return;
        }
        let wanted = self.program_wanted;
        let mut programs = psi::parse_pat(section.body);
        let program = programs.find(|(number, _)| wanted.is_none_or(|it| it == *number));
        if let Some((number, pmt_pid)) = program
            && self.program.as_ref().map(|it| (it.number, it.pmt_pid)) != Some((number, pmt_pid))
        {
            self.program =
                Some(Program { number, pmt_pid, pmt: Table::default(), body: Vec::new() });
        }
    }

    fn read_pmt(&mut self, section: &[u8], offset: u64) {
        let mut sink = Sink { events: &mut self.events, offset };
        let Some(program) = &mut self.program else { return };
        let Some(section) = Section::parse(section) else {
            return sink.found(Finding::BadTable { pid: program.pmt_pid });
        };
        let ours = (psi::PMT, program.number, true);
        if (section.table_id, section.id, section.current) != ours || section.body == program.body {
            return;
        }
        let Some((_, entries)) = psi::parse_pmt(section.body) else {
            return sink.found(Finding::BadTable { pid: program.pmt_pid });
        };
        program.body = section.body.to_vec();
        self.set_streams(&entries, offset);
    }

    /// Goes on with the streams that stay, ends those that are gone, begins those that are new.
    fn set_streams(&mut self, entries: &[StreamEntry<'_>], offset: u64) {
        let mut sink = Sink { events: &mut self.events, offset };
        let shared = &mut self.shared;
        self.streams.retain_mut(|stream| {
            let stays = entries.iter().any(|it| stream.is(it));
            if !stays {
                stream.complete(shared, &mut sink);
                if stream.is_announced() {
                    sink.media(MediaEvent::End(stream.id));
                }
            }
            stays
        });
        for entry in entries {
            if self.streams.iter().any(|it| it.is(entry)) {
                continue;
            }
            let &StreamEntry { stream_type, pid, descriptors } = entry;
            let Some(carriage) = Carriage::of_stream(stream_type, descriptors) else {
                sink.found(Finding::UnknownStream { pid, stream_type });
                continue;
            };
            if self.streams.len() >= MAX_TRACKS {
                return sink.found(Finding::TooManyStreams { pid });
            }
            let id = free_id(carriage.kind(), &self.streams);
            self.streams.push(Stream::new(id, carriage, entry));
        }
    }
}

/// The lowest number that no other track of its kind has.
fn free_id(kind: MediaKind, streams: &[Stream]) -> TrackId {
    let mut id = match kind {
        MediaKind::Video => TrackId::video(0),
        MediaKind::Audio => TrackId::audio(0),
        MediaKind::Data => TrackId::data(0),
    };
    while streams.iter().any(|it| it.id == id) {
        id.number = id.number.saturating_add(1);
    }
    id
}

impl Table {
    /// The sections that a packet completes.
    fn push(&mut self, packet: &Packet<'_>, sink: &mut Sink<'_>) -> Vec<Vec<u8>> {
        let mut sections = Vec::new();
        match self.counter.step(packet, sink) {
            Step::Repeated => return sections,
            Step::Broken => self.reader.reset(),
            Step::Next => {}
        }
        let payload = packet.payload.unwrap_or_default();
        self.reader.push(packet.start, payload, |section| sections.push(section.to_vec()));
        sections
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// How time between showing and decoding is said in a frame.
fn composition(times: crate::pes::Times) -> i32 {
    i32::try_from(times.pts.saturating_sub(times.dts)).unwrap_or(0)
}
