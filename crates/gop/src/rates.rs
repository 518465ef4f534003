//! How many bits a second there are, and how evenly they come.

use crate::verdict::{Teller, Told};
use crate::{Measure, Rule};

/// The shortest window: one is closed by the first keyframe behind it, so that every window has its share of them.
const SHORTEST: i64 = 1_000_000;

/// The longest window, for streams without keyframes.
const LONGEST: i64 = 10_000_000;

/// How far a window may be from the mean of those before it, and a rate from the one that was declared.
const DEVIATION: u64 = 25;

/// Windows that make up the mean before it is trusted.
const WARM_UP: u64 = 2;

/// Measures windows of one track or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateMeter {
    start: Option<i64>,
    bytes: u64,
    windows: u64,
    /// Of the last windows, each worth a quarter.
    mean: u64,
    pub(crate) highest: u64,
}

impl RateMeter {
    /// Adds a frame, and gives the rate of the window that ends before it, if one does.
    pub(crate) fn push(&mut self, at: i64, bytes: u64, key: bool) -> Option<Window> {
        let start = *self.start.get_or_insert(at);
        let span = at.saturating_sub(start);
        let closes = span >= LONGEST || (key && span >= SHORTEST);
        let window = (closes || span < 0).then(|| self.close(span, at)).flatten();
        self.bytes = self.bytes.saturating_add(bytes);
        window
    }

    fn close(&mut self, span: i64, at: i64) -> Option<Window> {
        let bytes = core::mem::take(&mut self.bytes);
        self.start = Some(at);
        let span = u128::try_from(span).ok().filter(|span| *span > 0)?;
        let rate = u128::from(bytes) * 8_000_000 / span;
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let mean = (self.windows >= WARM_UP).then_some(self.mean);
        self.mean = if self.windows == 0 { rate } else { self.mean / 4 * 3 + rate / 4 };
        self.windows += 1;
        self.highest = self.highest.max(rate);
        Some(Window { rate, mean })
    }
}

/// A window that was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    pub(crate) rate: u64,
    /// Of the windows before it, if there were enough.
    mean: Option<u64>,
}

impl Window {
    /// Holds the rate of all tracks against the policy.
    pub(crate) fn check(self, told: &mut Told, teller: &mut Teller<'_>) {
        let policy = teller.policy;
        let measured = Measure::Bitrate(self.rate);
        let rate = i64::try_from(self.rate).unwrap_or(i64::MAX);
        if let Some(missed) = policy.bitrate.missed_by(rate, 0) {
            let limit = Some(Measure::Bitrate(missed.unsigned_abs()));
            if rate > missed {
                teller.error(Rule::BitrateMax, measured, limit);
            } else {
                teller.warning(Rule::BitrateMin, measured, limit);
            }
        }
        if let Some(mean) = self.mean.filter(|_| policy.constant_bitrate) {
            let apart = percent_apart(self.rate, mean);
            if apart > DEVIATION && told.first(Rule::BitrateConstant) {
                let limit = Some(Measure::Percent(DEVIATION));
                teller.warning(Rule::BitrateConstant, Measure::Percent(apart), limit);
            } else if apart > DEVIATION {
                teller.worsen(Rule::BitrateConstant, &Measure::Percent(apart));
            }
        }
    }

    /// Holds it against what was declared.
    pub(crate) fn check_declared(self, declared: u64, told: &mut Told, teller: &mut Teller<'_>) {
        if percent_apart(self.rate, declared) > DEVIATION && told.first(Rule::BitrateDeclared) {
            let limit = Some(Measure::Bitrate(declared));
            teller.warning(Rule::BitrateDeclared, Measure::Bitrate(self.rate), limit);
        }
    }
}

/// By how many hundredths of the second value the first is away from it.
pub(crate) fn percent_apart(value: u64, from: u64) -> u64 {
    let percent = u128::from(value.abs_diff(from)) * 100 / u128::from(from.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_at_keyframes_behind_a_second_or_after_ten() {
        let mut meter = RateMeter::default();
        assert_eq!(meter.push(0, 1000, true), None);
        assert_eq!(meter.push(900_000, 1000, true), None);
        assert_eq!(meter.push(1_500_000, 5000, false), None);
        let window = meter.push(2_000_000, 1, true).unwrap();
        assert_eq!(window, Window { rate: 7000 * 8 / 2, mean: None });
        assert_eq!(meter.push(11_999_999, 1, false), None);
        assert_eq!(meter.push(12_000_000, 1, false).unwrap().rate, 1);
    }

    #[test]
    fn a_step_back_begins_anew() {
        let mut meter = RateMeter::default();
        meter.push(5_000_000, 1000, true);
        assert_eq!(meter.push(0, 500, true), None);
        assert_eq!(meter.push(1_000_000, 0, true).unwrap().rate, 4000);
    }
}
