/// What a peer does against the text, or at its edge, and is forgiven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChunkQuirk {
    /// A chunk stream opened with a type 1 header: its time counts from 0, its message stream is 0. librtmp's
    /// answer to the first ping, cameras.
    OpenedWithDelta,
    /// Type 3 chunks go without the extended timestamp, as the text of 2009 had it: old librtmp, OBS before
    /// 2024, some devices. RTMP Errata §5.1.
    ExtendedTimestampOmitted,
    /// A header cut off an unfinished message, which was dropped. Only with [`Tolerance::restarts`].
    MessageCutOff,
    /// A chunk stream opened with a type 2 or 3 header and took what it lacks from the last one on the
    /// connection. Only with [`Tolerance::orphans`].
    OpenedWithoutHeader,
}

/// Which deviations a [`ChunkReader`](crate::ChunkReader) takes. Those it takes it reports as [`ChunkQuirk`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tolerance {
    /// Tell the two dialects of extended timestamps apart by looking at the bytes. On by default: both are in
    /// use. Off, the field is taken to be there.
    pub omitted_extended_timestamp: bool,
    /// Let a new header cut off an unfinished message. Off by default: it is what a lost byte looks like.
    pub restarts: bool,
    /// Let a chunk stream open with a header that says nothing. Off by default, for the same reason.
    pub orphans: bool,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { omitted_extended_timestamp: true, restarts: false, orphans: false }
    }
}

/// The deviations of one peer, in the order in which they showed first. Each kind is told once.
#[derive(Debug, Default)]
pub(crate) struct Quirks {
    seen: [Option<ChunkQuirk>; 4],
    told: usize,
    /// Looked at for every message, unlike the list.
    untold: usize,
}

impl Quirks {
    pub(crate) fn note(&mut self, quirk: ChunkQuirk) {
        let mut slots = self.seen.iter_mut();
        if let Some(slot) = slots.find(|it| it.is_none_or(|it| it == quirk)) {
            self.untold += usize::from(slot.is_none());
            *slot = Some(quirk);
        }
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<ChunkQuirk> {
        if self.untold == 0 { None } else { self.take_one() }
    }

    #[cold]
    fn take_one(&mut self) -> Option<ChunkQuirk> {
        let quirk = self.seen.get(self.told).copied().flatten()?;
        self.told += 1;
        self.untold -= 1;
        Some(quirk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_in_the_order_in_which_they_showed() {
        use ChunkQuirk::{
            ExtendedTimestampOmitted, MessageCutOff, OpenedWithDelta, OpenedWithoutHeader,
        };
        let order = [MessageCutOff, OpenedWithDelta, OpenedWithoutHeader, ExtendedTimestampOmitted];
        let mut quirks = Quirks::default();
        order.into_iter().for_each(|it| quirks.note(it));
        for quirk in order {
            assert_eq!(quirks.take(), Some(quirk));
            quirks.note(quirk);
        }
        assert_eq!(quirks.take(), None);
    }
}
