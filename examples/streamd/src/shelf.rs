//! Where the keyframes of recorded files are, so that playlists can point into them. Files may still be growing.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use levada_fmp4::{Index, IndexEntry, IndexStep, ReadLimits};

use crate::lock::lock;

/// Films that are remembered. Hours of media are some hundred kilobytes each.
const MAX_FILMS: usize = 64;

/// The films that were looked at last.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<HashMap<PathBuf, Arc<Mutex<Film>>>>);

/// Fragments from one keyframe to the next.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub range: Range<u64>,
    /// Since the beginning of the file.
    pub start: Duration,
    pub duration: Duration,
}

impl Stretch {
    pub fn end(&self) -> Duration {
        self.start + self.duration
    }
}

/// A fragmented MP4.
#[derive(Debug)]
pub struct Film {
    index: Index,
    length: u64,
    stretches: Vec<Stretch>,
    /// The time that its first fragment begins with.
    zero: Option<Duration>,
}

impl Shelf {
    /// A file as it is now.
    pub fn film(&self, path: &Path) -> anyhow::Result<Arc<Mutex<Film>>> {
        let film = {
            let mut films = lock(&self.0);
            if films.len() >= MAX_FILMS && !films.contains_key(path) {
                // Any of them: who wants it again looks at it again.
                let any = films.keys().next().cloned();
                any.and_then(|it| films.remove(&it));
            }
            films.entry(path.to_owned()).or_default().clone()
        };
        let done = lock(&film).go_on(path);
        if let Err(why) = done {
            lock(&self.0).remove(path);
            return Err(why);
        }
        Ok(film)
    }
}

impl Default for Film {
    fn default() -> Self {
        let index = Index::new(ReadLimits::default());
        Self { index, length: 0, stretches: Vec::new(), zero: None }
    }
}

impl Film {
    /// A file that nobody remembers.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let mut film = Self::default();
        film.go_on(path)?;
        Ok(film)
    }

    /// Takes in what was added to the file.
    fn go_on(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length < self.length {
            *self = Self::default(); // Another file.
        }
        if length == self.length {
            return Ok(());
        }
        self.length = length;
        self.index.grow(length);
        loop {
            match self.index.next_step()? {
                IndexStep::Read(range) => self.index.supply(read(&mut file, range)?),
                IndexStep::Entry(entry) => self.add(entry),
                IndexStep::End => return Ok(()),
            }
        }
    }

    fn add(&mut self, entry: IndexEntry) {
        let zero = *self.zero.get_or_insert(entry.start);
        let start = entry.start.saturating_sub(zero);
        match self.stretches.last_mut().filter(|_| !entry.independent) {
            Some(last) => {
                last.range.end = entry.range.end;
                last.duration = (start + entry.duration).saturating_sub(last.start);
            }
            None => {
                let duration = entry.duration;
                self.stretches.push(Stretch { range: entry.range, start, duration });
            }
        }
    }

    pub fn init(&self) -> Option<Range<u64>> {
        self.index.init()
    }

    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The time in the file that is its beginning, in milliseconds.
    pub fn zero(&self) -> Option<i64> {
        self.zero.map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX))
    }

    pub fn duration_ms(&self) -> u64 {
        let end = self.stretches.last().map_or(Duration::ZERO, Stretch::end);
        u64::try_from(end.as_millis()).unwrap_or(u64::MAX)
    }

    /// Where the last stretch begins that begins no later than this.
    pub fn offset_before(&self, ms: u64) -> u64 {
        let at = Duration::from_millis(ms);
        let before = self.stretches.partition_point(|it| it.start <= at).saturating_sub(1);
        self.stretches.get(before).map_or(self.length, |it| it.range.start)
    }
}

fn read(file: &mut File, range: Range<u64>) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    // Less than was asked for is told by the index.
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}
