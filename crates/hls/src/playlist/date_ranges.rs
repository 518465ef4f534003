use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt::{self, Write};

use super::date_range::{DateRange, MAX_DATE_RANGES, Quotable};

/// The date ranges that a playlist lists, and those that left it lately.
///
/// There is no clock: when something happened is the number of a segment. Who knows that segment knows it, too.
#[derive(Debug, Default)]
pub(super) struct DateRanges {
    /// With the segment that was open when they were listed, or completed.
    listed: VecDeque<(u64, DateRange)>,
    /// Ids, with the segment with which they left.
    removed: VecDeque<(u64, String)>,
    /// Whether there ever was one.
    used: bool,
}

impl DateRanges {
    /// Lists a range, or completes the one of the same id, while segment `open` is open.
    pub(super) fn set(&mut self, range: DateRange, open: u64) {
        self.used = true;
        self.removed.retain(|(_, id)| *id != range.id);
        match self.listed.iter_mut().find(|(_, it)| it.id == range.id) {
            Some((_, known)) if *known == range => {}
            Some(known) => *known = (open, range),
            None => self.listed.push_back((open, range)),
        }
        if self.listed.len() > MAX_DATE_RANGES
            && let Some((_, oldest)) = self.listed.pop_front()
        {
            self.removed.push_back((open, oldest.id));
        }
        self.bound();
    }

    /// With segment `last`, drops those that ended until `date`, in milliseconds since 1970, and forgets what left
    /// before segment `first`.
    pub(super) fn slide(&mut self, date: i64, last: u64, first: u64) {
        let removed = &mut self.removed;
        self.listed.retain(|(_, it)| {
            let stays = it.end().is_none_or(|end| end > date);
            if !stays {
                removed.push_back((last, it.id.clone()));
            }
            stays
        });
        self.removed.retain(|(at, _)| *at >= first);
        self.bound();
    }

    fn bound(&mut self) {
        while self.removed.len() > MAX_DATE_RANGES {
            self.removed.pop_front();
        }
    }

    /// Whether a delta update may leave some out: not before there was one.
    pub(super) fn can_be_skipped(&self) -> bool {
        self.used
    }

    /// Those that were listed with segment `from` or later.
    pub(super) fn write(&self, out: &mut String, from: u64) -> fmt::Result {
        let new = self.listed.iter().filter(|(at, _)| *at >= from);
        new.map(|(_, it)| it).try_for_each(|it| it.write(out))
    }

    /// The ids of those that left with segment `from` or later, between tabs.
    pub(super) fn write_removed(&self, out: &mut String, from: u64) -> fmt::Result {
        let new = self.removed.iter().filter(|(at, _)| *at >= from);
        new.enumerate().try_for_each(|(index, (_, id))| {
            let tab = if index > 0 { "\t" } else { "" };
            write!(out, "{tab}{}", Quotable(id))
        })
    }
}
