/// Picture order count (§8.3.1): the place of each picture in output order, within its coded sequence.
///
/// A CRA picture that begins to count anew, as it does behind an end of sequence, stands behind all before it: only
/// IDR and BLA pictures let the order begin again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderCounter {
    /// Of the last picture that counts.
    high: i64,
    low: i64,
    /// What the count begins with.
    base: i64,
    /// The highest place given so far.
    highest: i64,
}

impl OrderCounter {
    /// The place of the next picture. `restarts` if it begins a coded sequence, `counts` if others count from it.
    pub(super) fn next(
        &mut self,
        unit_type: u8,
        low: u32,
        bits: u8,
        restarts: bool,
        counts: bool,
    ) -> i32 {
        let circle = 1_i64 << bits.min(16);
        let low = i64::from(low);
        if matches!(unit_type, 16..=20) {
            *self = Self::default();
        } else if restarts && self.highest > 0 {
            // Its leading pictures go below it by up to half a turn.
            let base = self.highest.saturating_add(circle);
            *self = Self { base, highest: base, ..Self::default() };
        }
        let high = if restarts {
            0
        } else if low < self.low && self.low - low >= circle / 2 {
            self.high.saturating_add(circle)
        } else if low > self.low && low - self.low > circle / 2 {
            self.high.saturating_sub(circle)
        } else {
            self.high
        };
        if counts {
            (self.high, self.low) = (high, low);
        }
        let place = high.saturating_add(low).saturating_add(self.base);
        self.highest = self.highest.max(place);
        i32::try_from(place).unwrap_or(if place < 0 { i32::MIN } else { i32::MAX })
    }
}
