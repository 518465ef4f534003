use core::num::NonZeroU32;
use core::ops::{Add, Sub};

/// A point in time or a span of it, counted in the ticks of a [`Timescale`] that stands beside it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a number with a meaning")]
pub struct Ticks(pub i64);

impl Add for Ticks {
    type Output = Self;

    /// Saturates: 292 million years of microseconds are an error of the source, not of ours.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Ticks {
    type Output = Self;

    /// Saturates.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// How a time that falls between two ticks is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum Rounding {
    /// The earlier tick.
    Down,
    /// The nearer tick, the later one in the middle.
    Nearest,
    /// The later tick.
    Up,
}

/// Ticks a second.
///
/// ```
/// use levada_media::{Rounding, Ticks, Timescale};
///
/// let tick = Timescale::MILLIS.rescale(Ticks(1001), Timescale::MPEG, Rounding::Nearest);
/// assert_eq!(tick, Ticks(90_090));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// 1000: RTMP and FLV.
    pub const MILLIS: Self = Self(NonZeroU32::new(1000).unwrap());
    /// 90,000: MPEG-TS.
    pub const MPEG: Self = Self(NonZeroU32::new(90_000).unwrap());
    /// 1,000,000.
    pub const MICROS: Self = Self(NonZeroU32::new(1_000_000).unwrap());

    /// `None` for 0.
    pub const fn new(ticks_per_second: u32) -> Option<Self> {
        match NonZeroU32::new(ticks_per_second) {
            Some(ticks) => Some(Self(ticks)),
            None => None,
        }
    }

    /// Ticks a second.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The same time in another scale. Exact in 128 bits, then rounded as told; saturates at the ends of `i64`.
    pub fn rescale(self, ticks: Ticks, to: Self, rounding: Rounding) -> Ticks {
        if self == to {
            return ticks;
        }
        let from = i128::from(self.get());
        let scaled = i128::from(ticks.0) * i128::from(to.get());
        let whole = match rounding {
            Rounding::Down => scaled.div_euclid(from),
            Rounding::Nearest => (2 * scaled + from).div_euclid(2 * from),
            Rounding::Up => -(-scaled).div_euclid(from),
        };
        let end = if whole < 0 { i64::MIN } else { i64::MAX };
        Ticks(i64::try_from(whole).unwrap_or(end))
    }

    /// Seconds, for showing to people.
    pub fn seconds(self, ticks: Ticks) -> f64 {
        ticks.0 as f64 / f64::from(self.get())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounding_between_two_ticks() {
        let from = Timescale::new(3).unwrap();
        let to = Timescale::new(2).unwrap();
        for (ticks, down, nearest, up) in [
            (0, 0, 0, 0),
            (1, 0, 1, 1),
            (2, 1, 1, 2),
            (3, 2, 2, 2),
            (-1, -1, -1, 0),
            (-2, -2, -1, -1),
        ] {
            let at = |rounding| from.rescale(Ticks(ticks), to, rounding).0;
            assert_eq!(
                (at(Rounding::Down), at(Rounding::Nearest), at(Rounding::Up)),
                (down, nearest, up),
                "{ticks} thirds in halves"
            );
        }
    }

    #[test]
    fn halves_go_up() {
        let from = Timescale::new(2).unwrap();
        let to = Timescale::new(1).unwrap();
        let nearest = |ticks| from.rescale(Ticks(ticks), to, Rounding::Nearest).0;
        assert_eq!((nearest(1), nearest(3), nearest(-1), nearest(-3)), (1, 2, 0, -1));
    }

    #[test]
    fn saturates_at_the_ends() {
        let up =
            |ticks| Timescale::MILLIS.rescale(Ticks(ticks), Timescale::MPEG, Rounding::Nearest);
        assert_eq!((up(i64::MAX), up(i64::MIN)), (Ticks(i64::MAX), Ticks(i64::MIN)));
        assert_eq!(Ticks(i64::MAX) + Ticks(1), Ticks(i64::MAX));
        assert_eq!(Ticks(i64::MIN) - Ticks(1), Ticks(i64::MIN));
    }

    proptest! {
        #[test]
        fn rescale_is_within_a_tick(ticks in -(1_i64 << 50)..1 << 50, from in 1_u32.., to in 1_u32..) {
            let (from, to) = (Timescale::new(from).unwrap(), Timescale::new(to).unwrap());
            let exact = |out: Ticks| {
                i128::from(out.0) * i128::from(from.get()) - i128::from(ticks) * i128::from(to.get())
            };
            let one = i128::from(from.get());
            let low = i128::from(ticks) * i128::from(to.get()) / one;
            prop_assume!(low.abs() < i128::from(i64::MAX));
            let down = exact(from.rescale(Ticks(ticks), to, Rounding::Down));
            let nearest = exact(from.rescale(Ticks(ticks), to, Rounding::Nearest));
            let up = exact(from.rescale(Ticks(ticks), to, Rounding::Up));
            prop_assert!(-one < down && down <= 0);
            prop_assert!(-one <= 2 * nearest && 2 * nearest <= one);
            prop_assert!(0 <= up && up < one);
        }
    }
}
