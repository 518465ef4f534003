//! Where samples are and what is said of them: the runs of a fragment, and the tables of a plain file.

use core::cmp::Ordering;

use bytes::{Buf, Bytes};

use crate::Fmp4Error;
use crate::fields::Fields;
use crate::movie::Extends;
use crate::table::Table;

/// One sample.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sample {
    pub(crate) size: u32,
    pub(crate) duration: u32,
    pub(crate) cts: i32,
    /// As in `trun` (§8.8.3.1).
    pub(crate) flags: u32,
}

impl Sample {
    /// The bit of `flags` for samples at which decoding cannot start.
    pub(crate) const NON_SYNC: u32 = 0x0001_0000;

    pub(crate) fn is_sync(&self) -> bool {
        self.flags & Self::NON_SYNC == 0
    }
}

/// Samples of one track that lie in a row, in front of others of the same source.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// Where the next sample lies in the input.
    pub(crate) offset: u64,
    /// Its track, by index.
    pub(crate) lane: usize,
    /// Its decode time, on the timeline of the media.
    pub(crate) dts: i64,
    pub(crate) samples: Samples,
}

/// Where a cursor's samples are described.
#[derive(Debug)]
pub(crate) enum Samples {
    Run(Run),
    Table(Table),
}

impl Cursor {
    /// The next sample. `None` at the end.
    pub(crate) fn sample(&self) -> Option<Sample> {
        match &self.samples {
            Samples::Run(run) => run.sample(),
            Samples::Table(table) => table.sample(),
        }
    }

    /// Goes behind a sample, which [`sample`](Self::sample) returned.
    pub(crate) fn advance(&mut self, sample: Sample) {
        self.offset = self.offset.saturating_add(sample.size.into());
        self.dts = self.dts.saturating_add(sample.duration.into());
        match &mut self.samples {
            Samples::Run(run) => run.advance(),
            Samples::Table(table) => {
                if let Some(chunk) = table.advance() {
                    self.offset = chunk;
                }
            }
        }
    }
}

/// Ordered by the place of the next sample, the first being the greatest: for a heap. Of two at one place the empty
/// one is the first, else it would be behind us once the other is read.
impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |cursor: &Self| cursor.sample().map_or(0, |sample| sample.size);
        let places = other.offset.cmp(&self.offset);
        places.then_with(|| size(other).cmp(&size(self))).then(other.lane.cmp(&self.lane))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cursor {}

/// A `trun` with the defaults that hold for it (§8.8.8).
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Rows that are left; each with the fields of `columns`.
    rows: Bytes,
    left: u32,
    /// The flags of the box: which fields a row has.
    columns: u32,
    defaults: Extends,
    first_flags: Option<u32>,
}

/// What a run needs and holds, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunTotals {
    pub(crate) bytes: u64,
    pub(crate) duration: u64,
}

impl Run {
    const DURATION: u32 = 0x100;
    const SIZE: u32 = 0x200;
    const FLAGS: u32 = 0x400;
    const OFFSET: u32 = 0x800;

    /// Parses a `trun` inside `moof`, which it shares. Also says its `data_offset`, and whether offsets above 2^31
    /// had to be taken for negative ones.
    pub(crate) fn parse(
        mut trun: Fields<'_>,
        defaults: Extends,
        moof: &Bytes,
    ) -> Result<(Self, Option<i32>), Fmp4Error> {
        let (_, flags) = trun.version()?;
        let left = trun.u32()?;
        let data_offset = if flags & 0x01 != 0 { Some(trun.u32()?.cast_signed()) } else { None };
        let first_flags = if flags & 0x04 != 0 { Some(trun.u32()?) } else { None };
        let columns = flags & (Self::DURATION | Self::SIZE | Self::FLAGS | Self::OFFSET);
        // Then samples would come out of nothing, as many as 32 bits can count.
        if columns == 0 && defaults.size == 0 && left > 0 {
            return Err(trun.malformed("samples without size"));
        }
        let width = usize::try_from(4 * columns.count_ones()).unwrap_or(0);
        let rows = moof.slice_ref(trun.rows(left, width)?);
        Ok((Self { rows, left, columns, defaults, first_flags }, data_offset))
    }

    /// Sums up the run. Linear in its rows.
    pub(crate) fn totals(&self) -> RunTotals {
        let left = u64::from(self.left);
        let mut totals = RunTotals {
            bytes: left.saturating_mul(self.defaults.size.into()),
            duration: left.saturating_mul(self.defaults.duration.into()),
        };
        if self.columns & (Self::SIZE | Self::DURATION) != 0 {
            totals = RunTotals::default();
            let mut run = self.clone();
            while let Some(sample) = run.sample() {
                totals.bytes = totals.bytes.saturating_add(sample.size.into());
                totals.duration = totals.duration.saturating_add(sample.duration.into());
                run.advance();
            }
        }
        totals
    }

    /// How many samples are left.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    pub(crate) fn sample(&self) -> Option<Sample> {
        if self.left == 0 {
            return None;
        }
        let mut fields = Fields::new(&self.rows, 0);
        let mut field = |column: u32, default: u32| {
            if self.columns & column != 0 { fields.u32().unwrap_or(default) } else { default }
        };
        let duration = field(Self::DURATION, self.defaults.duration);
        let size = field(Self::SIZE, self.defaults.size);
        let flags = field(Self::FLAGS, self.defaults.flags);
        // Version 0 has no sign, and no writer has offsets that need the 32nd bit for anything but one.
        let cts = field(Self::OFFSET, 0).cast_signed();
        Some(Sample { size, duration, cts, flags: self.first_flags.unwrap_or(flags) })
    }

    pub(crate) fn advance(&mut self) {
        let width = usize::try_from(4 * self.columns.count_ones()).unwrap_or(0);
        self.rows.advance(width.min(self.rows.len()));
        self.left = self.left.saturating_sub(1);
        self.first_flags = None;
    }
}

/// Adds a signed offset, if the sum is a place.
pub(crate) fn offset_by(base: u64, offset: i32) -> Option<u64> {
    base.checked_add_signed(offset.into())
}
