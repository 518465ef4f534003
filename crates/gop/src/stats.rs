/// Running extremes, mean and deviation of spans in microseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stats {
    pub(crate) count: u64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    sum: i128,
    squares: i128,
}

impl Stats {
    pub(crate) fn push(&mut self, value: i64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count += 1;
        let value = i128::from(value);
        self.sum = self.sum.saturating_add(value);
        self.squares = self.squares.saturating_add(value.saturating_mul(value));
    }

    pub(crate) fn mean(&self) -> i64 {
        let mean = self.sum / i128::from(self.count.max(1));
        i64::try_from(mean).unwrap_or(i64::MAX)
    }

    pub(crate) fn deviation(&self) -> i64 {
        let count = i128::from(self.count.max(1));
        let mean = self.sum / count;
        let variance = (self.squares / count).saturating_sub(mean.saturating_mul(mean)).max(0);
        i64::try_from(variance.isqrt()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_known_values() {
        let mut stats = Stats::default();
        assert_eq!((stats.mean(), stats.deviation()), (0, 0));
        [520, 1080, 280, 1720].into_iter().for_each(|it| stats.push(it * 1000));
        assert_eq!((stats.min, stats.max, stats.mean()), (280_000, 1_720_000, 900_000));
        assert_eq!(stats.deviation(), 555_337);
    }

    #[test]
    fn extreme_values_saturate() {
        let mut stats = Stats::default();
        [i64::MIN, i64::MAX, i64::MAX].into_iter().for_each(|it| stats.push(it));
        assert_eq!((stats.min, stats.max), (i64::MIN, i64::MAX));
        stats.deviation();
    }
}
