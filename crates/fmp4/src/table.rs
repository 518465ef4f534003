use bytes::{Buf, Bytes};

use crate::Fmp4Error;
use crate::fields::Fields;
use crate::samples::Sample;

/// The sample tables of a track in a plain file, walked in step (ISO/IEC 14496-12 §8.6.1, §8.6.2, §8.7.3 to §8.7.5).
///
/// ```text
/// stco  chunk 1 ─────────────┐ chunk 2 ────── …     where in the file
/// stsc  3 samples a chunk    │ …                    how many
/// stsz  size │ size │ size   │ size │ …
/// stts  duration, ctts offset, stss is it in there
/// ```
#[derive(Debug)]
pub(crate) struct Table {
    sizes: Bytes,
    uniform_size: u32,
    /// The next sample from 0, and how many there are.
    index: u32,
    count: u32,
    durations: RunLength,
    offsets: RunLength,
    /// `None` if all are sync samples.
    sync: Option<Bytes>,
    chunk_offsets: Bytes,
    wide: bool,
    /// How many chunks have begun, and how many samples of the current one are left.
    chunks: u32,
    left_in_chunk: u32,
    chunk_runs: Bytes,
    samples_a_chunk: u32,
}

impl Table {
    /// The tables inside an `stbl`, and where the first sample lies. `None` if there are no samples.
    pub(crate) fn parse(stbl: Fields<'_>, moov: &Bytes) -> Result<Option<(Self, u64)>, Fmp4Error> {
        let rows = |kind: &[u8; 4], width: usize| -> Result<Bytes, Fmp4Error> {
            let Some(table) = stbl.find(kind)? else {
                return Ok(Bytes::new());
            };
            let mut table = table.of("8.6");
            table.version()?;
            let count = table.u32()?;
            Ok(moov.slice_ref(table.rows(count, width)?))
        };
        let Some(sizes) = stbl.find(b"stsz")? else {
            return Ok(None);
        };
        let mut sizes = sizes.of("8.7.3");
        sizes.version()?;
        let (uniform_size, count) = (sizes.u32()?, sizes.u32()?);
        let sizes = if uniform_size == 0 { sizes.rows(count, 4)? } else { &[] };
        let wide = stbl.find(b"co64")?.is_some();
        let mut table = Self {
            sizes: moov.slice_ref(sizes),
            uniform_size,
            index: 0,
            count,
            durations: RunLength::new(rows(b"stts", 8)?),
            offsets: RunLength::new(rows(b"ctts", 8)?),
            sync: if stbl.find(b"stss")?.is_some() { Some(rows(b"stss", 4)?) } else { None },
            chunk_offsets: if wide { rows(b"co64", 8)? } else { rows(b"stco", 4)? },
            wide,
            chunks: 0,
            left_in_chunk: 0,
            chunk_runs: rows(b"stsc", 12)?,
            samples_a_chunk: 0,
        };
        Ok(table.next_chunk().map(|offset| (table, offset)))
    }

    pub(crate) fn sample(&self) -> Option<Sample> {
        if self.index >= self.count || self.left_in_chunk == 0 {
            return None;
        }
        let size = match self.uniform_size {
            0 => u32_at(&self.sizes, self.index)?,
            size => size,
        };
        let number = self.index.saturating_add(1);
        let is_sync = self.sync.as_ref().is_none_or(|sync| u32_at(sync, 0) == Some(number));
        Some(Sample {
            size,
            duration: self.durations.value(),
            cts: self.offsets.value().cast_signed(),
            flags: if is_sync { 0 } else { Sample::NON_SYNC },
        })
    }

    /// Goes to the next sample. Says where it lies if it does not lie behind the last one.
    pub(crate) fn advance(&mut self) -> Option<u64> {
        self.index = self.index.saturating_add(1);
        self.durations.advance();
        self.offsets.advance();
        if let Some(sync) = &mut self.sync
            && u32_at(sync, 0).is_some_and(|number| number <= self.index)
        {
            sync.advance(4.min(sync.len()));
        }
        self.left_in_chunk = self.left_in_chunk.saturating_sub(1);
        if self.left_in_chunk == 0 && self.index < self.count { self.next_chunk() } else { None }
    }

    /// Begins the next chunk that has samples.
    fn next_chunk(&mut self) -> Option<u64> {
        while self.left_in_chunk == 0 {
            let offset = if self.wide {
                let high = u32_at(&self.chunk_offsets, self.chunks.checked_mul(2)?)?;
                let low = u32_at(&self.chunk_offsets, self.chunks.checked_mul(2)?.checked_add(1)?)?;
                u64::from(high) << 32 | u64::from(low)
            } else {
                u32_at(&self.chunk_offsets, self.chunks)?.into()
            };
            self.chunks = self.chunks.checked_add(1)?;
            // A row of stsc: the first chunk that it holds for, samples a chunk, sample description.
            while u32_at(&self.chunk_runs, 0).is_some_and(|first| first <= self.chunks) {
                self.samples_a_chunk = u32_at(&self.chunk_runs, 1)?;
                self.chunk_runs.advance(12);
            }
            self.left_in_chunk = self.samples_a_chunk;
            if self.left_in_chunk > 0 {
                return Some(offset);
            }
        }
        None
    }
}

/// `stts` and `ctts`: rows of how many samples, and what holds for each.
#[derive(Debug)]
struct RunLength {
    rows: Bytes,
    /// Samples of the first row that are behind us.
    done: u32,
}

impl RunLength {
    fn new(rows: Bytes) -> Self {
        let mut it = Self { rows, done: 0 };
        it.skip_finished();
        it
    }

    /// 0 behind the last row, or without a table.
    fn value(&self) -> u32 {
        u32_at(&self.rows, 1).unwrap_or(0)
    }

    fn advance(&mut self) {
        self.done = self.done.saturating_add(1);
        self.skip_finished();
    }

    fn skip_finished(&mut self) {
        while u32_at(&self.rows, 0).is_some_and(|count| count <= self.done) {
            self.rows.advance(8.min(self.rows.len()));
            self.done = 0;
        }
    }
}

/// The field at an index of a table of 32-bit fields.
fn u32_at(table: &[u8], index: u32) -> Option<u32> {
    let start = usize::try_from(index).ok()?.checked_mul(4)?;
    let field = table.get(start..)?.first_chunk()?;
    Some(u32::from_be_bytes(*field))
}
