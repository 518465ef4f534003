//! What is counted, and how it is told.

use std::time::Duration;

/// What all players got while it was measured.
#[derive(Debug, Default)]
pub struct Tally {
    pub bytes: u64,
    pub frames: u64,
    /// Frames that never came, and frames that came twice or in the place of another.
    pub missing: u64,
    pub misplaced: u64,
    pub latency: Spread,
    /// From the call to connect until the first keyframe is there, of late joiners.
    pub joins: Spread,
    /// Late joiners that had no picture when the time was over.
    pub pictureless: u64,
    /// Players that lost their connection, or whose stream stopped, and why the first of them did.
    pub lost: u64,
    pub first_loss: Option<String>,
}

impl Tally {
    pub fn lose(&mut self, why: String) {
        self.lost += 1;
        self.first_loss.get_or_insert(why);
    }
}

/// Many times, of which the middle and the end are wanted.
#[derive(Debug, Default)]
pub struct Spread(Vec<u32>);

impl Spread {
    pub fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The time in milliseconds that this part of all is not above.
    pub fn quantile(&mut self, part: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let index = (part * last as f64).round() as usize;
        let (_, value, _) = self.0.select_nth_unstable(index.min(last));
        Some(f64::from(*value) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(0.5), None);
        for time in (0..=100).rev() {
            spread.add(Duration::from_millis(time));
        }
        let found = [0.0, 0.5, 0.99, 1.0].map(|part| spread.quantile(part));
        assert_eq!(found, [Some(0.0), Some(50.0), Some(99.0), Some(100.0)]);
    }
}
