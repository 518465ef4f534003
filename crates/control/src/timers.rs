//! Who is due when: one entry per machine, found and moved in the logarithm of their number.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Timers<K> {
    due: BTreeSet<(Duration, K)>,
    at: BTreeMap<K, Duration>,
}

impl<K: Copy + Ord> Default for Timers<K> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), at: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Timers<K> {
    pub(crate) fn set(&mut self, key: K, at: Option<Duration>) {
        let before = match at {
            Some(at) => self.at.insert(key, at),
            None => self.at.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.due.remove(&(before, key));
        }
        if let Some(at) = at {
            self.due.insert((at, key));
        }
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The first that is due. It stays until it is set to another time.
    pub(crate) fn first_due(&self, now: Duration) -> Option<K> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_time_and_the_earliest_comes_first() {
        let mut timers = Timers::default();
        let ms = Duration::from_millis;
        timers.set('a', Some(ms(30)));
        timers.set('b', Some(ms(20)));
        timers.set('a', Some(ms(10)));
        assert_eq!((timers.next(), timers.first_due(ms(9))), (Some(ms(10)), None));
        assert_eq!(timers.first_due(ms(10)), Some('a'));
        timers.set('a', None);
        assert_eq!(timers.first_due(ms(100)), Some('b'));
        timers.set('b', None);
        assert_eq!((timers.next(), timers), (None, Timers::default()));
    }
}
