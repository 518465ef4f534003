use core::time::Duration;

/// The time of a call. Both halves come from the caller: this crate reads no clock.
///
/// Deadlines are in `mono`, which never jumps. What people read (created, expires, deleted on) is in `unix_ms`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "two clocks, and there is no third")]
pub struct Now {
    /// Since any fixed moment, such as the start of the process. Never goes back.
    pub mono: Duration,
    /// Milliseconds since 1970 in UTC. May jump.
    pub unix_ms: i64,
}

impl Now {
    /// Both clocks at a given moment.
    pub const fn new(mono: Duration, unix_ms: i64) -> Self {
        Self { mono, unix_ms }
    }

    /// What the calendar will say at `mono`, as far as this moment can tell.
    pub fn unix_at(&self, mono: Duration) -> i64 {
        let ahead = signed_millis(mono.saturating_sub(self.mono));
        let behind = signed_millis(self.mono.saturating_sub(mono));
        self.unix_ms.saturating_add(ahead).saturating_sub(behind)
    }
}

/// Whole milliseconds, as many as fit.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole milliseconds for the arithmetic of calendars.
pub(crate) fn signed_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
