use alloc::vec::Vec;

use bytes::BufMut;
use levada_media::Timescale;

use crate::movie::{Edits, Extends, TrackBoxes};
use crate::samples::Sample;
use crate::scan::Fragment;

/// A table of samples or chunks (ISO/IEC 14496-12 §8.6.1, §8.6.2, §8.7.3 to §8.7.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Table {
    /// `stts`
    Durations,
    /// `ctts`
    Offsets,
    /// `stss`
    Sync,
    /// `stsz`
    Sizes,
    /// `stsc`
    ChunkRuns,
    /// `stco`, or `co64` if a place does not fit into 32 bits.
    Chunks { wide: bool },
}

/// A track of the new file: what is counted of it, and how far a pass has come.
#[derive(Debug)]
pub(super) struct OutTrack {
    number: u32,
    defaults: Extends,
    pub(super) timescale: Timescale,
    pub(super) edits: Edits,
    pub(super) counts: Counts,
    walk: Walk,
    /// The run that a table's pass is in.
    run: RunLength,
    /// Chunks in front of that run.
    chunks: u32,
}

/// What the first pass finds out.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) samples: u32,
    pub(super) chunks: u32,
    pub(super) sync: u32,
    /// The size of all samples, if it is one.
    pub(super) size: Option<u32>,
    pub(super) durations: RunLength,
    pub(super) offsets: RunLength,
    pub(super) chunk_runs: RunLength,
    pub(super) has_offsets: bool,
    pub(super) has_negative_offsets: bool,
    /// On the recording's timeline of the track.
    pub(super) first_dts: i64,
    pub(super) first_pts: Option<i64>,
    pub(super) end: i64,
    /// When the last picture is no longer shown.
    pub(super) end_pts: i64,
}

/// Turns the times of fragments into ones that never go back, and gives every frame the time up to the next.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    /// The decode time of the last sample, and how long the recording says that it lasts.
    last: Option<(i64, u32)>,
    /// Where a fragment without a decode time begins.
    next: i64,
    /// How many samples there were.
    samples: u32,
}

/// A sample as the new file has it.
struct OutSample {
    /// Its number, from 1.
    number: u32,
    /// The duration of the sample in front of it.
    last_duration: Option<u32>,
    dts: i64,
    sample: Sample,
}

impl OutTrack {
    pub(super) fn new(boxes: &TrackBoxes<'_>, defaults: Extends) -> Self {
        Self {
            number: boxes.number,
            defaults,
            timescale: boxes.timescale,
            edits: boxes.edits,
            counts: Counts::default(),
            walk: Walk::default(),
            run: RunLength::default(),
            chunks: 0,
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn defaults(&self) -> Extends {
        self.defaults
    }

    /// Goes back to the first fragment.
    pub(super) fn restart(&mut self) {
        (self.walk, self.run, self.chunks) = (Walk::default(), RunLength::default(), 0);
    }

    /// Counts what a fragment adds.
    pub(super) fn count(&mut self, lane: usize, fragment: &Fragment) {
        let counts = &mut self.counts;
        for (_, samples) in chunks(lane, fragment) {
            counts.chunks = counts.chunks.saturating_add(1);
            counts.chunk_runs.push(samples);
        }
        self.walk.samples(lane, fragment, |it| {
            let sample = it.sample;
            if it.number == 1 {
                (counts.first_dts, counts.size) = (it.dts, Some(sample.size));
            }
            counts.samples = it.number;
            counts.sync = counts.sync.saturating_add(sample.is_sync().into());
            // A size of 0 in the head of the table stands for "see below".
            counts.size = counts.size.filter(|size| *size == sample.size && *size > 0);
            if let Some(duration) = it.last_duration {
                counts.durations.push(duration);
            }
            counts.offsets.push(sample.cts.cast_unsigned());
            counts.has_offsets |= sample.cts != 0;
            counts.has_negative_offsets |= sample.cts < 0;
            let pts = it.dts.saturating_add(sample.cts.into());
            counts.end_pts = counts.end_pts.max(pts.saturating_add(sample.duration.into()));
            counts.first_pts = Some(counts.first_pts.map_or(pts, |first| first.min(pts)));
        });
        if let Some((dts, duration)) = self.walk.last {
            counts.end = dts.saturating_add(duration.into());
        }
    }

    /// How many rows a table has, once all fragments are counted.
    pub(super) fn rows(&self, table: Table) -> u32 {
        // The last run of a table is only closed by the end.
        let closed = |run: &RunLength| run.rows.saturating_add(u32::from(run.count > 0));
        match table {
            Table::Durations => {
                let mut durations = self.counts.durations;
                if let Some(duration) = self.last_duration() {
                    durations.push(duration);
                }
                closed(&durations)
            }
            Table::Offsets => closed(&self.counts.offsets),
            Table::ChunkRuns => closed(&self.counts.chunk_runs),
            Table::Sync => self.counts.sync,
            Table::Sizes => self.counts.samples,
            Table::Chunks { .. } => self.counts.chunks,
        }
    }

    /// Writes the rows that a fragment adds to a table. Its media begin at `start` of the new file.
    pub(super) fn write_rows(
        &mut self,
        table: Table,
        lane: usize,
        fragment: &Fragment,
        start: u64,
        out: &mut Vec<u8>,
    ) {
        let (run, first_chunk) = (&mut self.run, &mut self.chunks);
        match table {
            Table::Durations => self.walk.samples(lane, fragment, |it| {
                let row = it.last_duration.and_then(|duration| run.push(duration));
                write_row(row, out);
            }),
            Table::Offsets => self.walk.samples(lane, fragment, |it| {
                write_row(run.push(it.sample.cts.cast_unsigned()), out);
            }),
            Table::Sync => self.walk.samples(lane, fragment, |it| {
                if it.sample.is_sync() {
                    out.put_u32(it.number);
                }
            }),
            Table::Sizes => self.walk.samples(lane, fragment, |it| out.put_u32(it.sample.size)),
            Table::ChunkRuns => {
                for (_, samples) in chunks(lane, fragment) {
                    write_chunk_run(run.push(samples), first_chunk, out);
                }
            }
            Table::Chunks { wide } => {
                for (offset, _) in chunks(lane, fragment) {
                    // Runs lie in their fragment's payload: the scanner has checked it.
                    let place = start.saturating_add(offset - fragment.payload.start);
                    match u32::try_from(place) {
                        Ok(place) if !wide => out.put_u32(place),
                        _ => out.put_u64(place),
                    }
                }
            }
        }
    }

    /// Writes the row that only the end of the recording closes.
    pub(super) fn finish_rows(&mut self, table: Table, out: &mut Vec<u8>) {
        match table {
            Table::Durations => {
                let last = self.last_duration();
                write_row(last.and_then(|duration| self.run.push(duration)), out);
                write_row(self.run.close(), out);
            }
            Table::Offsets => write_row(self.run.close(), out),
            Table::ChunkRuns => write_chunk_run(self.run.close(), &mut self.chunks, out),
            Table::Sync | Table::Sizes | Table::Chunks { .. } => {}
        }
    }

    /// How long the last sample lasts.
    fn last_duration(&self) -> Option<u32> {
        self.walk.last.map(|(_, duration)| duration)
    }
}

impl Walk {
    fn samples(&mut self, lane: usize, fragment: &Fragment, mut each: impl FnMut(OutSample)) {
        for placed in fragment.head.runs.iter().filter(|run| run.lane == lane) {
            let mut time = placed.decode_time.unwrap_or(self.next);
            let mut run = placed.run.clone();
            while let Some(mut sample) = run.sample() {
                run.advance();
                let dts = self.last.map_or(time, |(last, _)| last.max(time));
                // The picture is shown when the recording says, whatever happens to its decode time.
                let late = i32::try_from(dts.saturating_sub(time)).unwrap_or(i32::MAX);
                sample.cts = sample.cts.saturating_sub(late);
                let gap = |(last, _): (i64, u32)| {
                    u32::try_from(dts.saturating_sub(last)).unwrap_or(u32::MAX)
                };
                self.samples = self.samples.saturating_add(1);
                each(OutSample {
                    number: self.samples,
                    last_duration: self.last.map(gap),
                    dts,
                    sample,
                });
                self.last = Some((dts, sample.duration));
                time = time.saturating_add(sample.duration.into());
            }
            self.next = time;
        }
    }
}

/// The chunks of a track in a fragment: where they lie in the recording, and how many samples they have.
fn chunks(lane: usize, fragment: &Fragment) -> impl Iterator<Item = (u64, u32)> {
    let runs = fragment.head.runs.iter();
    runs.filter(move |run| run.lane == lane && run.run.left() > 0)
        .map(|run| (run.offset, run.run.left()))
}

/// Equal values in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunLength {
    value: u32,
    count: u32,
    /// How many runs are closed.
    rows: u32,
}

impl RunLength {
    /// Takes the next value. Says the run that it closes: how many, and of what.
    fn push(&mut self, value: u32) -> Option<(u32, u32)> {
        let closed = if self.value == value { None } else { self.close() };
        (self.value, self.count) = (value, self.count.saturating_add(1));
        closed
    }

    fn close(&mut self) -> Option<(u32, u32)> {
        let row = (self.count, self.value);
        self.rows = self.rows.saturating_add(u32::from(self.count > 0));
        self.count = 0;
        (row.0 > 0).then_some(row)
    }
}

fn write_row(row: Option<(u32, u32)>, out: &mut Vec<u8>) {
    if let Some((count, value)) = row {
        out.put_u32(count);
        out.put_u32(value);
    }
}

/// First chunk, samples a chunk, sample description.
fn write_chunk_run(row: Option<(u32, u32)>, chunks: &mut u32, out: &mut Vec<u8>) {
    if let Some((count, samples)) = row {
        out.put_u32(chunks.saturating_add(1));
        out.put_u32(samples);
        out.put_u32(1);
        *chunks = chunks.saturating_add(count);
    }
}
