//! What a rendition really takes: bits and frames a second.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::BitRates;

/// The most segments that are looked at together.
const TOGETHER: usize = 64;

/// Measures the bit rates of a rendition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    bytes: u64,
    micros: u128,
    peak: u64,
    /// Bytes and microseconds of the newest segments.
    recent: VecDeque<(u64, u128)>,
}

impl Meter {
    /// Counts a segment.
    pub(crate) fn count(&mut self, bytes: usize, duration: Duration, target: Duration) {
        let (bytes, micros) = (bytes as u64, duration.as_micros().max(1));
        self.bytes = self.bytes.saturating_add(bytes);
        self.micros += micros;
        self.recent.push_back((bytes, micros));
        if self.recent.len() > TOGETHER {
            self.recent.pop_front();
        }
        self.peak = self.peak.max(self.newest_peak(target));
    }

    /// The largest rate of segments in a row, up to the newest, that last between half a target duration and one and a
    /// half, and half a second for rounding (§4.1).
    fn newest_peak(&self, target: Duration) -> u64 {
        let least = target.as_micros() / 2;
        let most = least * 3 + 500_000;
        let sums = self.recent.iter().rev().scan((0_u64, 0), |sum, (bytes, micros)| {
            *sum = (sum.0.saturating_add(*bytes), sum.1 + micros);
            (sum.1 <= most).then_some(*sum)
        });
        let long_enough = sums.filter(|it| it.1 >= least);
        long_enough.map(|(bytes, micros)| per_second(bytes, micros)).max().unwrap_or(0)
    }

    pub(crate) fn rates(&self) -> BitRates {
        let average = per_second(self.bytes, self.micros.max(1));
        BitRates { peak: self.peak.max(average), average }
    }
}

fn per_second(bytes: u64, micros: u128) -> u64 {
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

/// Measures frames a second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FrameMeter {
    first: Option<i64>,
    last: i64,
    frames: i64,
}

impl FrameMeter {
    /// Counts a frame at a time in microseconds. Starts anew where time jumps.
    pub(crate) fn count(&mut self, at: i64) {
        match self.first {
            Some(_) if at >= self.last && at - self.last < 2_000_000 => self.frames += 1,
            _ => (self.first, self.frames) = (Some(at), 0),
        }
        self.last = at;
    }

    /// Thousandths of frames a second, on the usual rate if one is within half a percent.
    pub(crate) fn rate(&self) -> Option<u32> {
        let span = self.last - self.first?;
        if span <= 0 || self.frames == 0 {
            return None;
        }
        let rate = u32::try_from(self.frames * 1_000_000_000 / span).ok()?;
        let usual = [
            10_000, 12_000, 12_500, 15_000, 20_000, 23_976, 24_000, 25_000, 29_970, 30_000, 48_000,
            50_000, 59_940, 60_000, 90_000, 100_000, 119_880, 120_000,
        ];
        let nearest = usual.into_iter().min_by_key(|it| rate.abs_diff(*it))?;
        Some(if rate.abs_diff(nearest) * 200 <= nearest { nearest } else { rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_measured() {
        let mut meter = Meter::default();
        let second = Duration::from_secs(1);
        let mut count = |bytes, duration| {
            meter.count(bytes, duration, second);
            (meter.rates().peak, meter.rates().average)
        };
        assert_eq!(count(100_000, second / 4), (3_200_000, 3_200_000)); // too short: the average
        assert_eq!(count(250_000, second), (2_240_000, 2_240_000));
        assert_eq!(count(500_000, second), (4_000_000, 3_022_222));
        // With the one before it, a second and a quarter.
        assert_eq!(count(300_000, second / 4), (5_120_000, 3_680_000));
        assert_eq!(count(0, second), (5_120_000, 2_628_571));
        // Three quarters of a second together.
        assert_eq!(count(300_000, second / 4), (5_120_000, 3_093_333));
        assert_eq!(count(300_000, second / 4), (9_600_000, 3_500_000));
    }

    #[test]
    fn frame_rates_are_measured_from_rounded_times() {
        for (rate, expected) in [
            (30_000, 30_000),
            (29_970, 29_970),
            (23_976, 23_976),
            (60_000, 60_000),
            (17_000, 17_000),
        ] {
            let mut meter = FrameMeter::default();
            for n in 0..200_i64 {
                meter.count((n * 1_000_000 + rate / 2) / rate * 1000);
            }
            let got = meter.rate().unwrap();
            assert!(got.abs_diff(expected) <= 5, "{got} for {expected}");
        }
    }
}
