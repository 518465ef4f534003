mod head;
mod track;

use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use bytes::Bytes;

use crate::fields::{Fields, length_of};
use crate::movie::Movie;
use crate::scan::{Found, Fragment, Scanner};
use crate::{Fmp4Error, ReadLimits};

use track::{OutTrack, Table};

/// Bytes of sample tables that are collected before they are written.
const WRITE_SIZE: usize = 64 * 1024;

/// What a driver of a [`Finaliser`] does next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to do every step")]
pub enum Step {
    /// Read these bytes of the recording, all of them, and hand them to [`Finaliser::supply`].
    Read(Range<u64>),
    /// Append these bytes to the new file.
    Write(Bytes),
    /// Append these bytes of the recording to the new file. They may be many: copy them in pieces, or let the system
    /// do it.
    Copy(Range<u64>),
    /// The new file is complete.
    Done,
}

/// How far a [`Finaliser`] has come, in bytes that are gone through and written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a fraction")]
pub struct Progress {
    /// So much is done.
    pub done: u64,
    /// Of so much: an estimate until the recording has been gone through once.
    pub total: u64,
}

/// Makes a plain, seekable MP4 whose `moov` stands in front out of a fragmented recording.
///
/// ```text
/// recording   ftyp moov moof mdat moof mdat … moof mda|            (its end may be missing)
///                       └─┬┘ └─┬┘
/// new file    ftyp moov(sample tables) mdat(all media, copied)
/// ```
///
/// It holds one `moof` at a time. To write tables of any length in constant memory it goes through the fragments'
/// heads, which are a hundredth of the file, once to count and once for each table. It opens no file: a driver does
/// what [`next_step`](Self::next_step) says.
///
/// ```
/// use bytes::Bytes;
/// use levada_fmp4::{Finaliser, ReadLimits, Step};
///
/// fn finalise(recording: &[u8]) -> Result<Vec<u8>, levada_fmp4::Fmp4Error> {
///     let part = |range: std::ops::Range<u64>| &recording[range.start as usize..range.end as usize];
///     let mut file = Vec::new();
///     let mut finaliser = Finaliser::new(recording.len() as u64, ReadLimits::default());
///     loop {
///         match finaliser.next_step()? {
///             Step::Read(range) => finaliser.supply(Bytes::copy_from_slice(part(range))),
///             Step::Write(bytes) => file.extend_from_slice(&bytes),
///             Step::Copy(range) => file.extend_from_slice(part(range)),
///             Step::Done => return Ok(file),
///         }
///     }
/// }
/// # let file = finalise(include_bytes!("../../testdata/ff_cmaf_v.mp4")).unwrap();
/// # assert_eq!(file[4..8], *b"ftyp");
/// ```
///
/// Tracks keep their relation in time: what the recording says of edit lists and decode times ends up in edit lists
/// of the new file. Gaps become frames that last longer.
#[derive(Debug)]
pub struct Finaliser {
    scanner: Scanner,
    /// The `moov` of the recording: its body, and where that begins.
    movie: Bytes,
    movie_offset: u64,
    tracks: Vec<OutTrack>,
    /// What is left to do, last part first. Counting is the first.
    plan: Vec<Part>,
    /// What is to be written in front of anything else.
    out: Vec<u8>,
    written: u64,
    /// What stands in front of the media in the new file.
    head: u64,
    /// Bytes of media in all fragments, and in those in front of the current one.
    media: u64,
    passed: u64,
    limits: ReadLimits,
    failed: Option<Fmp4Error>,
}

/// A part of the work. All but `Bytes` go through the recording.
#[derive(Debug)]
enum Part {
    Count,
    Bytes(Vec<u8>),
    /// The rows of a table of a track.
    Table(usize, Table),
    Media,
}

impl Finaliser {
    /// A finaliser for a recording of `length` bytes.
    pub fn new(length: u64, limits: ReadLimits) -> Self {
        Self {
            scanner: Scanner::new(length, limits),
            movie: Bytes::new(),
            movie_offset: 0,
            tracks: Vec::new(),
            plan: Vec::from([Part::Count]),
            out: Vec::new(),
            written: 0,
            head: 0,
            media: 0,
            passed: 0,
            limits,
            failed: None,
        }
    }

    /// What to do next. After [`Step::Read`] the answer is needed: without it, the same step comes again.
    ///
    /// Errors stay: every later call returns the same one.
    pub fn next_step(&mut self) -> Result<Step, Fmp4Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.step().inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Takes the bytes that [`Step::Read`] asked for. Fewer than those are an error of the next step.
    pub fn supply(&mut self, bytes: Bytes) {
        self.scanner.supply(bytes);
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let length = self.scanner.length();
        match self.plan.last() {
            Some(Part::Count) => Progress { done: self.scanner.position(), total: 2 * length },
            _ => Progress { done: length + self.written, total: length + self.head + self.media },
        }
    }

    /// How many bytes at the end of the recording are left out, because the fragment that they begin is not whole.
    pub fn left_out(&self) -> u64 {
        self.scanner.left_out()
    }

    fn step(&mut self) -> Result<Step, Fmp4Error> {
        loop {
            if self.out.len() >= WRITE_SIZE {
                return Ok(self.flush());
            }
            match self.plan.last_mut() {
                Some(Part::Bytes(bytes)) => {
                    self.out.append(bytes);
                    self.plan.pop();
                    continue;
                }
                Some(Part::Media) | None if !self.out.is_empty() => return Ok(self.flush()),
                Some(Part::Media) if self.written < self.head => return Err(self.changed()),
                None => return Ok(Step::Done),
                Some(_) => {}
            }
            let tracks = &self.tracks;
            let defaults = |number| {
                let lane = tracks.iter().position(|track| track.number() == number)?;
                tracks.get(lane).map(|track| (lane, track.defaults()))
            };
            match self.scanner.next(defaults)? {
                Found::Need(range) => return Ok(Step::Read(range)),
                Found::Movie { body, offset } => self.begin(body, offset)?,
                Found::Fragment(fragment) => {
                    if let Some(step) = self.pass(&fragment) {
                        return Ok(step);
                    }
                }
                Found::End => self.end_pass()?,
            }
        }
    }

    /// Takes the `moov`. A repetition of it changes nothing.
    fn begin(&mut self, body: Bytes, offset: u64) -> Result<(), Fmp4Error> {
        if self.movie == body {
            return Ok(());
        }
        if !self.movie.is_empty() {
            let what = "a recording whose tracks change";
            return Err(Fmp4Error::Unsupported { offset, what });
        }
        let movie = Movie::parse(Fields::new(&body, offset), self.limits.tracks)?;
        if movie.extends.is_empty() {
            let what = "a file that is not fragmented";
            return Err(Fmp4Error::Unsupported { offset, what });
        }
        self.tracks =
            movie.tracks.iter().map(|it| OutTrack::new(it, movie.extends(it.number))).collect();
        (self.movie, self.movie_offset) = (body, offset);
        Ok(())
    }

    /// Does the current part's work for one fragment.
    fn pass(&mut self, fragment: &Fragment) -> Option<Step> {
        let length = fragment.payload.end - fragment.payload.start;
        let start = self.head + self.passed;
        self.passed += length;
        match self.plan.last() {
            Some(Part::Count) => {
                self.media += length;
                for (lane, track) in self.tracks.iter_mut().enumerate() {
                    track.count(lane, fragment);
                }
            }
            Some(Part::Table(lane, table)) => {
                if let Some(track) = self.tracks.get_mut(*lane) {
                    track.write_rows(*table, *lane, fragment, start, &mut self.out);
                }
            }
            Some(Part::Media) if length > 0 => {
                self.written += length;
                return Some(Step::Copy(fragment.payload.clone()));
            }
            _ => {}
        }
        None
    }

    /// Goes back to the beginning for the next part.
    fn end_pass(&mut self) -> Result<(), Fmp4Error> {
        match self.plan.pop() {
            Some(Part::Count) => self.make_plan()?,
            Some(Part::Table(lane, table)) => {
                if let Some(track) = self.tracks.get_mut(lane) {
                    track.finish_rows(table, &mut self.out);
                }
            }
            Some(Part::Media) if self.passed != self.media => return Err(self.changed()),
            _ => {}
        }
        self.scanner.restart();
        self.passed = 0;
        self.tracks.iter_mut().for_each(OutTrack::restart);
        Ok(())
    }

    fn make_plan(&mut self) -> Result<(), Fmp4Error> {
        if self.movie.is_empty() {
            let what = "a recording without a moov";
            return Err(Fmp4Error::Malformed { offset: 0, what, section: "8.2.1" });
        }
        let movie = Movie::parse(Fields::new(&self.movie, self.movie_offset), self.limits.tracks)?;
        let head = head::write(&self.movie, &movie, &self.tracks, self.media)?;
        (self.plan, self.head) = (head.parts, head.length);
        Ok(())
    }

    fn flush(&mut self) -> Step {
        self.written += length_of(self.out.len());
        Step::Write(mem::take(&mut self.out).into())
    }

    fn changed(&self) -> Fmp4Error {
        let what = "the recording has changed while it was read";
        Fmp4Error::Malformed { offset: self.scanner.position(), what, section: "4.2" }
    }
}
