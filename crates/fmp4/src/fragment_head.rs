//! What a `moof` says, for the reader and the finaliser (ISO/IEC 14496-12 §8.8.4 to §8.8.12).

use alloc::vec::Vec;

use bytes::Bytes;

use crate::Fmp4Error;
use crate::fields::Fields;
use crate::movie::Extends;
use crate::samples::{Run, RunTotals, offset_by};

/// A `moof`.
#[derive(Debug)]
pub(crate) struct FragmentHead {
    /// In the order of the box.
    pub(crate) runs: Vec<PlacedRun>,
    /// Whether a track was left out that nobody announced.
    pub(crate) has_unknown_track: bool,
}

/// A run of samples, and where and when its first one is.
#[derive(Debug)]
pub(crate) struct PlacedRun {
    /// Its track, by index.
    pub(crate) lane: usize,
    pub(crate) offset: u64,
    /// `None`: where the last one of the track ended.
    pub(crate) decode_time: Option<i64>,
    /// Whether it is the first of its `traf`.
    pub(crate) is_first: bool,
    pub(crate) run: Run,
    pub(crate) totals: RunTotals,
}

impl FragmentHead {
    /// Parses the body of a `moof` that begins at `start` of the input, the body at `offset`.
    ///
    /// `defaults` knows the index and the defaults of a track by its number.
    pub(crate) fn parse(
        moof: &Bytes,
        offset: u64,
        start: u64,
        max_runs: usize,
        defaults: impl Fn(u32) -> Option<(usize, Extends)>,
    ) -> Result<Self, Fmp4Error> {
        let mut head = Self { runs: Vec::new(), has_unknown_track: false };
        let mut boxes = Fields::new(moof, offset);
        // Where data begin that no box gives a place.
        let mut base = start;
        while let Some(child) = boxes.child()? {
            if child.kind == *b"traf" {
                base = head.read_track(child.body, moof, (start, base), max_runs, &defaults)?;
            }
        }
        Ok(head)
    }

    /// A `traf`. Returns where its data end.
    fn read_track(
        &mut self,
        mut traf: Fields<'_>,
        moof: &Bytes,
        (start, base): (u64, u64),
        max_runs: usize,
        defaults: impl Fn(u32) -> Option<(usize, Extends)>,
    ) -> Result<u64, Fmp4Error> {
        let missing = || traf.of("8.8.7").malformed("a traf without tfhd");
        let mut tfhd = traf.find(b"tfhd")?.ok_or_else(missing)?.of("8.8.7");
        let (_, flags) = tfhd.version()?;
        let known = defaults(tfhd.u32()?);
        self.has_unknown_track |= known.is_none();
        let (lane, mut extends) = known.unwrap_or_else(|| (usize::MAX, Extends::default()));
        let base = match (flags & 0x01 != 0, flags & 0x02_0000 != 0) {
            (true, _) => tfhd.u64()?,
            (false, true) => start,
            (false, false) => base,
        };
        let mut field = |bit: u32, into: &mut u32| {
            if flags & bit != 0 {
                *into = tfhd.u32()?;
            }
            Ok(())
        };
        field(0x02, &mut 0)?; // sample description
        field(0x08, &mut extends.duration)?;
        field(0x10, &mut extends.size)?;
        field(0x20, &mut extends.flags)?;

        let mut decode_time = match traf.find(b"tfdt")? {
            Some(tfdt) => Some(read_decode_time(tfdt.of("8.8.12"))?),
            None => None,
        };
        let (mut end, mut is_first) = (base, true);
        while let Some(child) = traf.child()? {
            if child.kind != *b"trun" {
                continue;
            }
            let trun = child.body.of("8.8.8");
            if self.runs.len() == max_runs {
                let limit = u64::try_from(max_runs).unwrap_or(u64::MAX);
                return Err(Fmp4Error::Limit { which: "runs", limit });
            }
            let (run, data_offset) = Run::parse(trun, extends, moof)?;
            let offset = match data_offset {
                Some(offset) => offset_by(base, offset)
                    .ok_or_else(|| trun.malformed("samples in front of the file"))?,
                None => end,
            };
            let totals = run.totals();
            end = offset.saturating_add(totals.bytes);
            if known.is_some() {
                self.runs.push(PlacedRun { lane, offset, decode_time, is_first, run, totals });
            }
            decode_time = decode_time.map(|it| it.saturating_add_unsigned(totals.duration));
            is_first = false;
        }
        Ok(end)
    }
}

fn read_decode_time(mut tfdt: Fields<'_>) -> Result<i64, Fmp4Error> {
    let (version, _) = tfdt.version()?;
    let time = tfdt.sized(version)?;
    i64::try_from(time).map_err(|_| tfdt.malformed("a decode time of more than 63 bits"))
}
