/// The time nearest to `previous` that a clock of `bits` bits shows as `wire`.
///
/// RTMP and FLV count milliseconds in 32 bits (49.7 days), MPEG-TS 90 kHz in 33 (26.5 hours). A step of at most
/// half the circle, forward or back, is taken as that step. In the middle it goes forward.
///
/// Bits of `wire` above `bits` are ignored. `bits` is at most 62, more is taken as 62.
///
/// ```
/// use levada_media::unwrap;
///
/// let mut last = unwrap(0, 0xFFFF_FFF0, 32);
/// assert_eq!(last, -16); // nearer to 0 than 49 days
/// last = unwrap(0xFFFF_FFF0, 0x10, 32);
/// assert_eq!(last, 0x1_0000_0010);
/// ```
pub fn unwrap(previous: i64, wire: u64, bits: u32) -> i64 {
    let circle = 1_i64 << bits.min(62);
    let step = wire.cast_signed().wrapping_sub(previous) & (circle - 1);
    let step = if step > circle / 2 { step - circle } else { step };
    previous.saturating_add(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of all times that show as `wire`, the nearest; the later of two.
    fn reference(previous: i64, wire: u64, bits: u32) -> i128 {
        let circle = 1_i128 << bits;
        let turns = (i128::from(previous)).div_euclid(circle);
        let shown = i128::from(wire) % circle;
        (turns - 2..=turns + 2)
            .map(|turn| turn * circle + shown)
            .min_by_key(|it| ((it - i128::from(previous)).abs(), -it))
            .unwrap()
    }

    #[test]
    fn at_the_edges_of_the_circle() {
        for bits in [32, 33] {
            let circle = 1_i64 << bits;
            let half = circle / 2;
            for (previous, wire, expected) in [
                (0, 0, 0),
                (circle - 1, 0, circle),
                (circle, circle - 1, circle - 1),
                (0, half - 1, half - 1),
                (0, half, half),
                (0, half + 1, 1 - half),
                (5 * circle + 7, 6, 5 * circle + 6),
            ] {
                assert_eq!(
                    unwrap(previous, wire.cast_unsigned(), bits),
                    expected,
                    "{previous} {wire} {bits}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_reference(
            previous in -(1_i64 << 60)..1 << 60, wire in any::<u64>(), bits in 1_u32..=60
        ) {
            prop_assert_eq!(i128::from(unwrap(previous, wire, bits)), reference(previous, wire, bits));
        }

        #[test]
        fn follows_any_walk_of_small_steps(start in 0_i64..1 << 40, steps in proptest::collection::vec(-1000_i64..100_000, 0..200)) {
            for bits in [32, 33] {
                let (mut time, mut last) = (start, start);
                for step in &steps {
                    time += step;
                    last = unwrap(last, time.cast_unsigned(), bits);
                    prop_assert_eq!(last, time);
                }
            }
        }
    }
}
