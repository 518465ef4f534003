//! How often a peer may do what makes us work or answer.

use core::time::Duration;
use std::time::Instant;

/// A bucket of tokens: `burst` at once, `per_second` on the average.
///
/// Kept in thousandths, so that slow rates fill evenly however often it is asked.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    burst: u32,
    thousandths: u64,
    filled_at: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        Self { per_second, burst, thousandths: u64::from(burst) * 1000, filled_at: now }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let taken = self.thousandths.checked_sub(1000);
        self.thousandths = taken.unwrap_or(self.thousandths);
        taken.is_some()
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let more = elapsed_ms.saturating_mul(u64::from(self.per_second));
        self.thousandths = self.thousandths.saturating_add(more).min(u64::from(self.burst) * 1000);
        self.filled_at += Duration::from_millis(elapsed_ms);
    }
}

#[cfg(test)]
mod tests {
    use levada_test::Clock;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut clock = Clock::new();
        let mut rate = Rate::new(10, 3, clock.now());
        let mut taken = |by| (0..10).filter(|_| rate.take(clock.advance(by))).count();
        assert_eq!(taken(Duration::ZERO), 3);
        assert_eq!(taken(Duration::from_micros(500)), 0);
        assert_eq!(taken(Duration::from_millis(50)), 5);
        assert_eq!(taken(Duration::from_secs(3600)), 10);
        assert_eq!(taken(Duration::ZERO), 2);
    }
}
