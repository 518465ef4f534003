//! What all tracks share: the tables, the clock, and the order of packets.

use alloc::vec::Vec;

use bytes::BytesMut;

use super::clock::{Clock, ticks};
use super::program::{Entry, Program};
use crate::MuxConfig;
use crate::packetize::{Adaptation, Lane, PacketWriter};
use crate::pes::{HeaderBytes, MAX_PAYLOAD, Times};

/// PID of the first track; the others follow.
pub(crate) const FIRST_PID: u16 = 0x100;

/// What is said of a PES packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heading {
    /// Which track it is of.
    pub(crate) index: usize,
    pub(crate) stream_id: u8,
    pub(crate) times: Times,
    pub(crate) random_access: bool,
    /// Whether it moves the clock. Data does not: it may lie far ahead.
    pub(crate) moves_clock: bool,
}

#[derive(Debug)]
pub(crate) struct Multiplex {
    /// One for each track, by its index.
    lanes: Vec<Lane>,
    program: Program,
    table_interval: Option<i64>,
    /// When the tables were last written. `None` if they come next.
    tables_at: Option<i64>,
    clock: Clock,
    /// The track that carries the clock.
    clock_track: Option<usize>,
}

impl Multiplex {
    pub(crate) fn new(config: &MuxConfig) -> Self {
        Self {
            lanes: Vec::new(),
            program: Program::new(),
            table_interval: config.table_interval.map(ticks),
            tables_at: None,
            clock: Clock::new(config),
            clock_track: None,
        }
    }

    /// What there is from now on: each track's index and entry, and which of them carries the clock.
    pub(crate) fn set_program<'a>(
        &mut self,
        clock_track: Option<usize>,
        entries: impl Iterator<Item = (usize, &'a Entry)> + Clone,
    ) {
        self.clock_track = clock_track;
        let clock_entry = entries.clone().find(|(index, _)| Some(*index) == clock_track);
        self.clock.set_video(clock_entry.is_some_and(|(_, entry)| entry.is_video()));
        while self.lanes.len() <= entries.clone().map(|(index, _)| index).max().unwrap_or(0) {
            self.lanes.push(Lane::new(pid(self.lanes.len())));
        }
        self.program.set(clock_track.map(pid), entries.map(|(index, entry)| (pid(index), entry)));
    }

    pub(crate) fn start_segment(&mut self) {
        self.tables_at = None;
    }

    pub(crate) fn restart(&mut self) {
        self.tables_at = None;
        self.clock.restart();
        for lane in &mut self.lanes {
            lane.restart();
        }
    }

    /// Whether a frame is too far ahead for the clock to go on.
    pub(crate) fn is_passed_by(&self, dts: i64) -> bool {
        self.clock.is_passed_by(dts)
    }

    /// Writes one PES packet whose payload of `len` bytes `put` writes. Only video may be of any length.
    pub(crate) fn write_picture(
        &mut self,
        heading: Heading,
        len: usize,
        put: impl FnOnce(&mut PacketWriter<'_>),
        out: &mut BytesMut,
    ) {
        let header = HeaderBytes::encode(heading.stream_id, None, Some(heading.times));
        let Some((lane, adaptation)) = self.begin(heading, out) else { return };
        let mut writer = lane.begin(adaptation, header.as_slice().len() + len, out);
        writer.put(header.as_slice());
        put(&mut writer);
    }

    /// Writes bytes in as many PES packets as they need: one, up to 64 KiB.
    pub(crate) fn write_bytes(&mut self, heading: Heading, payload: &[u8], out: &mut BytesMut) {
        let Some((lane, mut adaptation)) = self.begin(heading, out) else { return };
        let mut times = Some(heading.times);
        for piece in payload.chunks(MAX_PAYLOAD) {
            let header = HeaderBytes::encode(heading.stream_id, Some(piece.len()), times.take());
            let mut writer = lane.begin(adaptation, header.as_slice().len() + piece.len(), out);
            writer.put(header.as_slice());
            writer.put(piece);
            adaptation = Adaptation::default();
        }
    }

    /// Writes what is due before a frame, and says where and behind what its first packet goes.
    fn begin(&mut self, heading: Heading, out: &mut BytesMut) -> Option<(&mut Lane, Adaptation)> {
        let dts = heading.times.dts;
        let due = self.table_interval.is_some_and(|interval| {
            heading.moves_clock
                && self.tables_at.is_some_and(|at| dts.saturating_sub(at) >= interval)
        });
        if due || self.tables_at.is_none() || self.program.is_news() {
            self.program.put(out);
            self.tables_at = Some(dts);
        }
        let carries_clock = self.clock_track == Some(heading.index);
        if let Some(index) = self.clock_track.filter(|_| heading.moves_clock)
            && let Some(lane) = self.lanes.get_mut(index)
        {
            if carries_clock {
                while let Some(pcr) = self.clock.next_before(dts) {
                    lane.put_clock(pcr, out);
                }
            } else {
                if self.clock.is_unset() && lane.is_restarted() {
                    lane.put_clock(self.clock.at(dts), out);
                }
                while let Some(pcr) = self.clock.next_in_silence(dts) {
                    lane.put_clock(pcr, out);
                }
            }
        }
        let lane = self.lanes.get_mut(heading.index)?;
        let adaptation = Adaptation {
            discontinuity: lane.take_restart(),
            random_access: heading.random_access,
            pcr: carries_clock.then(|| self.clock.at(dts)),
        };
        Some((lane, adaptation))
    }
}

fn pid(index: usize) -> u16 {
    FIRST_PID + u16::try_from(index).unwrap_or_default()
}
