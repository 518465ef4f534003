//! A place in a stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use levada_relay::{Cursor, Next};

use crate::bell::Listener;
use crate::config::Join;
use crate::lock::read;
use crate::places::{Kind, Place};
use crate::stream::{Item, Stream};

/// How far a player may be behind before it skips to the newest keyframe, in milliseconds, at the most.
pub const BEHIND: u32 = 6_000;

/// Reads a stream at its own pace.
#[derive(Debug)]
pub struct Reader {
    stream: Arc<Stream>,
    cursor: Cursor,
    place: Place,
    bell: Listener,
    /// How far this one may be behind.
    patience: u32,
    /// Where a player begins that wants no old pictures: with the first keyframe from that number on.
    from: Option<u64>,
    /// Times that it skipped.
    pub skips: u64,
    /// Times that it fell out of the ring: what it has is not whole.
    pub holes: u64,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It was taken, and the next one may come.
    More,
    /// It was taken, and that is enough for now.
    Enough,
    /// There was no room for it: it comes again.
    Not,
}

impl Taken {
    pub fn unless(enough: bool) -> Self {
        if enough { Self::Enough } else { Self::More }
    }
}

impl Reader {
    pub fn player(stream: Arc<Stream>, join: Join) -> Self {
        stream.players.fetch_add(1, Relaxed);
        let mut reader = Self::new(stream, None, Kind::Player);
        if join == Join::Next {
            reader.from = Some(reader.end());
        }
        reader
    }

    /// Lets a player fall behind no further than its listener allows.
    #[must_use]
    pub fn patient(mut self, seconds: u32) -> Self {
        self.patience = BEHIND.min(seconds.saturating_mul(1_000));
        self
    }

    pub fn follower(stream: Arc<Stream>) -> Self {
        Self::new(stream, None, Kind::Follower)
    }

    /// The same from a place on, before the item of that number.
    pub fn recorder(stream: Arc<Stream>, number: u64, cursor: Cursor) -> Self {
        let mut reader = Self::new(stream, Some(number), Kind::Follower);
        reader.cursor = cursor;
        reader
    }

    fn new(stream: Arc<Stream>, next: Option<u64>, kind: Kind) -> Self {
        stream.readers.fetch_add(1, Relaxed);
        let place = stream.places.take(next, kind);
        let bell = stream.changed.listen();
        let cursor = read(&stream.ring).join();
        Self { stream, cursor, place, bell, patience: BEHIND, from: None, skips: 0, holes: 0 }
    }

    /// The number after the newest item.
    fn end(&self) -> u64 {
        let ring = read(&self.stream.ring);
        let mut cursor = ring.join();
        let mut end = 0;
        loop {
            match ring.next(&mut cursor) {
                Next::Item(item) => end = item.number + 1,
                Next::Empty => return end,
                Next::Header(_) | Next::Skipped { .. } => {}
            }
        }
    }

    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Reads on until `take` wants no more.
    ///
    /// The ring is looked at once for all of them, so that a player that wakes up writes all that waits at once.
    pub fn read(&mut self, mut take: impl FnMut(&Item) -> Taken) {
        self.bell.hear();
        let player = self.place.is_player();
        let newest = if player { self.stream.newest() } else { 0 };
        let ring = read(&self.stream.ring);
        loop {
            let place = self.cursor.clone();
            let (item, in_order) = match ring.next(&mut self.cursor) {
                Next::Header(item) => (item, false),
                Next::Item(item) => (item, true),
                Next::Skipped { .. } => {
                    self.skips += 1;
                    self.holes += 1;
                    continue;
                }
                Next::Empty => return,
            };
            let begins = self.from.is_none_or(|from| item.key && item.number >= from);
            if in_order && !begins && !item.header {
                self.place.set(item.number + 1);
                continue;
            }
            match take(item) {
                Taken::Not => {
                    self.cursor = place;
                    return;
                }
                taken => {
                    if in_order {
                        self.place.set(item.number + 1);
                    }
                    if item.key {
                        self.from = None;
                    }
                    if taken == Taken::Enough {
                        return;
                    }
                }
            }
            let behind = newest.wrapping_sub(item.message.timestamp());
            let late = in_order && player && behind > self.patience && behind < u32::MAX / 2;
            if late && ring.skip(&mut self.cursor).is_some() {
                self.skips += 1;
            }
        }
    }

    /// All that waits, at most so many bytes and one item more.
    pub fn read_some(&mut self, bytes: usize) -> VecDeque<Item> {
        self.read_while(bytes, |_| true)
    }

    /// The same up to the first that may not be read.
    pub fn read_while(&mut self, bytes: usize, may: impl Fn(&Item) -> bool) -> VecDeque<Item> {
        let (mut items, mut sum) = (VecDeque::new(), 0);
        self.read(|item| {
            if !may(item) {
                return Taken::Not;
            }
            sum += item.message.payload().len();
            items.push_back(item.clone());
            Taken::unless(sum >= bytes)
        });
        items
    }

    /// What comes next. `None` at the end of the stream. Can be dropped at any time without loss.
    pub async fn next_some(&mut self, bytes: usize) -> Option<VecDeque<Item>> {
        loop {
            // Asked first: what comes before the end is read below.
            let over = self.stream.is_over();
            let items = self.read_some(bytes);
            if !items.is_empty() {
                return Some(items);
            }
            if over {
                return None;
            }
            self.wake().await;
        }
    }

    /// Whether the stream ended, and this is all of it.
    pub fn is_at_end(&self) -> bool {
        if !self.stream.is_over() {
            return false;
        }
        let ring = read(&self.stream.ring);
        matches!(ring.next(&mut self.cursor.clone()), Next::Empty)
    }

    /// Ready when there may be more.
    pub fn poll_wake(&mut self, context: &Context<'_>) -> Poll<()> {
        self.bell.poll(context)
    }

    /// Resolves when there may be more.
    pub async fn wake(&mut self) {
        self.bell.ring().await;
    }
}

/// One player more, for as long as it lives.
#[derive(Debug)]
pub struct Counted(Arc<Stream>);

impl Counted {
    pub fn new(stream: Arc<Stream>) -> Self {
        stream.players.fetch_add(1, Relaxed);
        Self(stream)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.players.fetch_sub(1, Relaxed);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stream.readers.fetch_sub(1, Relaxed);
        if self.place.is_player() {
            self.stream.players.fetch_sub(1, Relaxed);
        }
    }
}
