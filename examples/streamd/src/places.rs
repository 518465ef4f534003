//! How far the readers of a stream are: what all of them have taken need not be kept.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, Weak};

use crate::lock::lock;

/// The places of all readers.
#[derive(Debug, Default)]
pub struct Places(Mutex<Vec<(Kind, Weak<AtomicU64>)>>);

/// A reader's place, for as long as it reads.
#[derive(Debug)]
pub struct Place {
    /// The number of the item that it takes next. The highest there is for one that begins with the newest keyframe.
    next: Arc<AtomicU64>,
    kind: Kind,
}

/// What a reader may miss.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A player that is too late skips.
    Player,
    /// It wants everything.
    Follower,
}

impl Places {
    /// A place before the item of that number. Nothing for one that begins with the newest keyframe.
    pub fn take(&self, next: Option<u64>, kind: Kind) -> Place {
        let next = Arc::new(AtomicU64::new(next.unwrap_or(u64::MAX)));
        lock(&self.0).push((kind, Arc::downgrade(&next)));
        Place { next, kind }
    }

    /// The number of the first item that a reader of this kind has not taken.
    pub fn slowest(&self, kind: Kind) -> u64 {
        let mut slowest = u64::MAX;
        lock(&self.0).retain(|(of, next)| {
            let next = next.upgrade();
            if let Some(next) = next.as_ref().filter(|_| *of == kind) {
                slowest = slowest.min(next.load(Relaxed));
            }
            next.is_some()
        });
        slowest
    }
}

impl Place {
    pub fn is_player(&self) -> bool {
        self.kind == Kind::Player
    }

    /// Everything before that number is taken.
    pub fn set(&self, next: u64) {
        self.next.store(next, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_those_who_are_there_counts() {
        let places = Places::default();
        assert_eq!(places.slowest(Kind::Player), u64::MAX);
        let (new, slow) = (places.take(None, Kind::Player), places.take(Some(3), Kind::Player));
        let follower = places.take(Some(1), Kind::Follower);
        new.set(9);
        assert_eq!((places.slowest(Kind::Player), places.slowest(Kind::Follower)), (3, 1));
        slow.set(7);
        assert_eq!(places.slowest(Kind::Player), 7);
        drop((slow, follower));
        assert_eq!((places.slowest(Kind::Player), places.slowest(Kind::Follower)), (9, u64::MAX));
    }
}
