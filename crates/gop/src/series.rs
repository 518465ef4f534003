use alloc::vec::Vec;

/// The most items that a series holds.
pub(crate) const MAX_ITEMS: usize = 1024;

/// What can be drawn as one bar with its neighbour.
pub(crate) trait Merge {
    /// Takes in the item that comes next.
    fn merge(&mut self, next: Self);
}

/// Items in the order of their times, of which neighbours are merged as they become many: a day of frames takes no
/// more memory than a minute, and less of it can be told apart.
///
/// Invariant: at most [`MAX_ITEMS`] items, each but the last made of `per_item` of those that were pushed.
#[derive(Clone, Debug)]
pub(crate) struct Series<T> {
    items: Vec<T>,
    per_item: u64,
    in_last: u64,
}

impl<T: Merge> Series<T> {
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), per_item: 1, in_last: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        match self.items.last_mut() {
            Some(last) if self.in_last < self.per_item => {
                last.merge(item);
                self.in_last += 1;
            }
            _ => {
                if self.items.len() >= MAX_ITEMS {
                    self.halve();
                    return self.push(item);
                }
                self.items.push(item);
                self.in_last = 1;
            }
        }
    }

    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    fn halve(&mut self) {
        let mut merged: Vec<T> = Vec::with_capacity(MAX_ITEMS);
        for (index, item) in self.items.drain(..).enumerate() {
            match merged.last_mut() {
                Some(last) if index % 2 == 1 => last.merge(item),
                _ => merged.push(item),
            }
        }
        // There is an even number of them, and all are full.
        self.items = merged;
        self.per_item = self.per_item.saturating_mul(2);
        self.in_last = self.per_item;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Merge for u64 {
        fn merge(&mut self, next: Self) {
            *self += next;
        }
    }

    #[test]
    fn items_are_kept_up_to_the_limit_and_then_merged() {
        let mut series = Series::new();
        (0..MAX_ITEMS).for_each(|_| series.push(1));
        assert_eq!(series.items(), [1; MAX_ITEMS]);
        series.push(1);
        assert_eq!(series.items().len(), MAX_ITEMS / 2 + 1);
        assert_eq!(series.items()[0], 2);
        series.push(1);
        assert_eq!(series.items()[MAX_ITEMS / 2..], [2]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_memory_is_bounded(count in 0_usize..20_000) {
            let mut series = Series::new();
            (0..count).for_each(|_| series.push(1));
            prop_assert!(series.items().len() <= MAX_ITEMS);
            prop_assert_eq!(series.items().iter().sum::<u64>(), count as u64);
            let full = series.items().split_last().map_or(&[][..], |(_, rest)| rest);
            prop_assert!(full.iter().all(|it| *it == series.per_item));
        }
    }
}
