use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use levada_media::{MediaKind, Rounding, Ticks, Timescale};

use crate::fields::Fields;
use crate::fragment_head::{FragmentHead, PlacedRun};
use crate::movie::{Extends, Movie};
use crate::scan::{Found, Scanner};
use crate::{Fmp4Error, ReadLimits};

/// What a driver of an [`Index`] does next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to do every step")]
pub enum IndexStep {
    /// Read these bytes of the file, all of them, and hand them to [`Index::supply`].
    Read(Range<u64>),
    /// The next fragment.
    Entry(IndexEntry),
    /// There are no more whole fragments. If the file grows: [`Index::grow`].
    End,
}

/// Where a fragment is, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// Its bytes, from its `moof` on.
    pub range: Range<u64>,
    /// When its first frame is decoded. The file's first fragment need not begin at 0.
    pub start: Duration,
    /// How long the frames of its leading track last: the first video track, or the first track. Zero if it has none.
    pub duration: Duration,
    /// Whether decoding can start with it.
    pub independent: bool,
}

/// Finds the fragments of a fragmented MP4 without reading its media, also while the file is being written: what a
/// playlist with byte ranges is made of.
///
/// ```
/// use bytes::Bytes;
/// use levada_fmp4::{Index, IndexStep, ReadLimits};
///
/// fn entries(file: &[u8]) -> Result<usize, levada_fmp4::Fmp4Error> {
///     let (mut index, mut entries) = (Index::new(ReadLimits::default()), 0);
///     index.grow(file.len() as u64);
///     loop {
///         match index.next_step()? {
///             IndexStep::Read(range) => {
///                 let part = &file[range.start as usize..range.end as usize];
///                 index.supply(Bytes::copy_from_slice(part));
///             }
///             IndexStep::Entry(_) => entries += 1,
///             IndexStep::End => return Ok(entries),
///         }
///     }
/// }
/// # assert_eq!(entries(include_bytes!("../testdata/ff_cmaf_v.mp4")), Ok(2));
/// ```
#[derive(Debug)]
pub struct Index {
    scanner: Scanner,
    limits: ReadLimits,
    movie: Bytes,
    init: Option<Range<u64>>,
    lanes: Vec<Lane>,
    /// The lane whose frames count.
    leader: usize,
    /// Where the leading track's last fragment ended, in its ticks.
    reached: i64,
}

#[derive(Debug)]
struct Lane {
    number: u32,
    timescale: Timescale,
    defaults: Extends,
    shift: i64,
}

impl Index {
    /// An index of a file of which nothing is known yet.
    pub fn new(limits: ReadLimits) -> Self {
        Self {
            scanner: Scanner::new(0, limits),
            limits,
            movie: Bytes::new(),
            init: None,
            lanes: Vec::new(),
            leader: 0,
            reached: 0,
        }
    }

    /// The file is this long now. What was found stays.
    pub fn grow(&mut self, length: u64) {
        self.scanner.grow(length);
    }

    /// Where the init section is, once a fragment was found.
    pub fn init(&self) -> Option<Range<u64>> {
        self.init.clone()
    }

    /// What to do next. After [`IndexStep::Read`] the answer is needed: without it, the same step comes again.
    pub fn next_step(&mut self) -> Result<IndexStep, Fmp4Error> {
        loop {
            let lanes = &self.lanes;
            let defaults = |number| {
                let lane = lanes.iter().position(|it| it.number == number)?;
                lanes.get(lane).map(|it| (lane, it.defaults))
            };
            match self.scanner.next(defaults)? {
                Found::Need(range) => return Ok(IndexStep::Read(range)),
                Found::Movie { body, offset } => self.begin(body, offset)?,
                Found::Fragment(fragment) => {
                    let range = fragment.begin..fragment.payload.end;
                    return Ok(IndexStep::Entry(self.entry(range, &fragment.head)));
                }
                Found::End => return Ok(IndexStep::End),
            }
        }
    }

    /// Takes the bytes that [`IndexStep::Read`] asked for. Fewer than those are an error of the next step.
    pub fn supply(&mut self, bytes: Bytes) {
        self.scanner.supply(bytes);
    }

    /// Takes the `moov`. A repetition of it changes nothing.
    fn begin(&mut self, body: Bytes, offset: u64) -> Result<(), Fmp4Error> {
        if self.movie == body {
            return Ok(());
        }
        if !self.movie.is_empty() {
            let what = "a file whose tracks change";
            return Err(Fmp4Error::Unsupported { offset, what });
        }
        let movie = Movie::parse(Fields::new(&body, offset), self.limits.tracks)?;
        let lane = |it: &crate::movie::TrackBoxes<'_>| Lane {
            number: it.number,
            timescale: it.timescale,
            defaults: movie.extends(it.number),
            shift: it.edits.shift,
        };
        self.lanes = movie.tracks.iter().map(lane).collect();
        let is_video = |it: &crate::movie::TrackBoxes<'_>| it.kind == Some(MediaKind::Video);
        self.leader = movie.tracks.iter().position(is_video).unwrap_or(0);
        self.init = Some(0..self.scanner.position());
        self.movie = body;
        Ok(())
    }

    fn entry(&mut self, range: Range<u64>, head: &FragmentHead) -> IndexEntry {
        let lane = self.lanes.get(self.leader);
        let (scale, shift) = lane.map_or((Timescale::MICROS, 0), |it| (it.timescale, it.shift));
        let leads = |it: &&PlacedRun| it.lane == self.leader;
        let mut runs = head.runs.iter().filter(leads).peekable();
        let first = runs.peek();
        let begin = first.and_then(|it| it.decode_time).unwrap_or(self.reached);
        let independent = first.and_then(|it| it.run.sample()).is_some_and(|it| it.is_sync());
        let lasts = runs.fold(0_u64, |sum, it| sum.saturating_add(it.totals.duration));
        self.reached = begin.saturating_add_unsigned(lasts);
        let at = |ticks: i64| {
            let micros = scale.rescale(Ticks(ticks), Timescale::MICROS, Rounding::Nearest).0;
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        };
        let start = at(begin.saturating_add(shift));
        let end = at(self.reached.saturating_add(shift));
        IndexEntry { range, start, duration: end.saturating_sub(start), independent }
    }
}
