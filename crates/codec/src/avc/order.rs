use super::slice::{Field, SliceHeader};
use super::{OrderType, Sps};

/// Picture order count (§8.2.1): the place of each picture in output order, within its coded sequence.
///
/// A picture that resets the count in the middle of a sequence (memory management operation 5) begins behind all
/// before it, so that the order of one sequence stays one order. Sums saturate: only a broken stream goes that far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderCounter {
    /// Type 0: of the last reference picture.
    high: i64,
    low: i64,
    /// Types 1 and 2: of the last picture.
    frame_num: i64,
    frame_num_offset: i64,
    /// What the count begins with since the last reset.
    base: i64,
    /// The highest place given so far.
    highest: i64,
}

impl OrderCounter {
    /// The place of the next picture: the lower one of its fields.
    pub(super) fn next(&mut self, slice: &SliceHeader, sps: &Sps) -> i32 {
        if slice.idr {
            *self = Self::default();
        }
        let (top, bottom) = match &sps.order {
            OrderType::Bits(bits) => self.by_bits(slice, *bits),
            OrderType::Cycle { non_reference, top_to_bottom, offsets, .. } => {
                let non_reference = if slice.reference { 0 } else { i64::from(*non_reference) };
                let expected = self.in_cycle(slice, sps, offsets).saturating_add(non_reference);
                let [first, second] = slice.order_delta.map(i64::from);
                let top = expected.saturating_add(first);
                let bottom = match slice.field {
                    Field::Frame => top.saturating_add(second),
                    _ => top,
                };
                (top, bottom.saturating_add((*top_to_bottom).into()))
            }
            OrderType::Decoding => {
                let offset = self.frame_num_offset(slice, sps);
                let place = 2 * (offset + i64::from(slice.frame_num)) - i64::from(!slice.reference);
                let place = if slice.idr { 0 } else { place };
                (place, place)
            }
        };
        let mut place = match slice.field {
            Field::Frame => top.min(bottom),
            Field::Top => top,
            Field::Bottom => bottom,
        };
        if slice.resets {
            // §8.2.1, at its end: counted from itself, and for what follows it was number 0.
            let top = if slice.field == Field::Bottom { 0 } else { top.saturating_sub(place) };
            let base = self.highest.saturating_add(2);
            *self = Self { low: top, base, highest: base, ..Self::default() };
            place = 0;
        }
        place = place.saturating_add(self.base);
        self.highest = self.highest.max(place);
        i32::try_from(place).unwrap_or(if place < 0 { i32::MIN } else { i32::MAX })
    }

    /// §8.2.1.1
    fn by_bits(&mut self, slice: &SliceHeader, bits: u8) -> (i64, i64) {
        let circle = 1_i64 << bits.min(16);
        let low = i64::from(slice.order_bits);
        let high = if low < self.low && self.low - low >= circle / 2 {
            self.high.saturating_add(circle)
        } else if low > self.low && low - self.low > circle / 2 {
            self.high.saturating_sub(circle)
        } else {
            self.high
        };
        if slice.reference {
            (self.high, self.low) = (high, low);
        }
        let top = high.saturating_add(low);
        (top, top.saturating_add(slice.order_bottom.into()))
    }

    /// §8.2.1.2, up to what the slice itself adds.
    fn in_cycle(&mut self, slice: &SliceHeader, sps: &Sps, offsets: &[i32]) -> i64 {
        let offset = self.frame_num_offset(slice, sps);
        let Ok(length @ 1..) = i64::try_from(offsets.len()) else { return 0 };
        let number = offset + i64::from(slice.frame_num);
        let number = if !slice.reference && number > 0 { number - 1 } else { number };
        if number == 0 {
            return 0;
        }
        let sum = |offsets: &[i32]| offsets.iter().copied().map(i64::from).sum::<i64>();
        let cycles = (number - 1) / length;
        let within = usize::try_from((number - 1) % length).unwrap_or_default();
        let begun = offsets.get(..=within).unwrap_or(offsets);
        cycles.saturating_mul(sum(offsets)).saturating_add(sum(begun))
    }

    /// Counts the turns of `frame_num` (§8.2.1.2, §8.2.1.3).
    fn frame_num_offset(&mut self, slice: &SliceHeader, sps: &Sps) -> i64 {
        let frame_num = i64::from(slice.frame_num);
        if self.frame_num > frame_num {
            // Below 2^62: a turn takes a frame at least, and has at most 2^16 steps.
            self.frame_num_offset =
                self.frame_num_offset.saturating_add(1 << sps.frame_num_bits.min(16));
        }
        self.frame_num = frame_num;
        self.frame_num_offset
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use levada_test::hex;

    use super::*;

    fn slice(frame_num: u32, order_bits: u32) -> SliceHeader {
        SliceHeader { reference: true, frame_num, order_bits, ..SliceHeader::default() }
    }

    fn orders(sps: &Sps, slices: &[SliceHeader]) -> Vec<i32> {
        let mut counter = OrderCounter::default();
        slices.iter().map(|it| counter.next(it, sps)).collect()
    }

    #[test]
    fn type_1() {
        // Frame numbers of 4 bits, every reference frame 2 behind the last, others 1 (§8.2.1.2).
        let sps = Sps::parse(&hex("6742c00bd55108146fc880")).unwrap();
        let idr = SliceHeader { idr: true, ..slice(0, 0) };
        let other = SliceHeader { reference: false, ..slice(2, 0) };
        let late = SliceHeader { order_delta: [5, 0], ..slice(15, 0) };
        let slices = [idr, slice(1, 0), other, slice(2, 0), late, slice(0, 0), slice(1, 0)];
        // 2 · (FrameNumOffset + frame_num): the last two are one turn of 16 further.
        assert_eq!(orders(&sps, &slices), [0, 2, 3, 4, 35, 32, 34]);
    }

    #[test]
    fn type_1_with_a_cycle() {
        // A cycle of 2, 4, -6, others -5 from the last reference frame, bottom fields 1 later.
        let sps = Sps::parse(&hex("6742c00bd45a21040d2051bf22")).unwrap();
        let OrderType::Cycle { offsets, non_reference, .. } = &sps.order else { unreachable!() };
        assert_eq!((&offsets[..], *non_reference), (&[2, 4, -6][..], -5));
        let idr = SliceHeader { idr: true, ..slice(0, 0) };
        let other = SliceHeader { reference: false, ..slice(5, 0) };
        let slices = [idr, slice(1, 0), slice(2, 0), slice(3, 0), slice(4, 0), other];
        assert_eq!(orders(&sps, &slices), [0, 2, 6, 0, 2, -3]);
    }

    #[test]
    fn a_reset_begins_behind_all_before_it() {
        // Order bits of 6.
        let sps = Sps::parse(&hex("674d401eeca05017fcb80880000003008000001e478b16cb")).unwrap();
        let idr = SliceHeader { idr: true, ..slice(0, 0) };
        let reset = SliceHeader { resets: true, ..slice(2, 20) };
        let slices = [idr, slice(1, 8), reset, slice(1, 4), slice(2, 8), idr, slice(1, 2)];
        assert_eq!(orders(&sps, &slices), [0, 8, 10, 14, 18, 0, 2]);
    }

    #[test]
    fn fields_and_bottoms() {
        let sps = Sps::parse(&hex("674d0028ed80f0089fb4")).unwrap();
        let field = |field, order_bits| SliceHeader { field, ..slice(0, order_bits) };
        let idr = SliceHeader { idr: true, ..field(Field::Top, 0) };
        let earlier_bottom = SliceHeader { order_bottom: -1, ..slice(1, 4) };
        // A bottom field that resets: what follows counts from 0 (§8.2.1.1).
        let reset = SliceHeader { resets: true, ..field(Field::Bottom, 7) };
        let slices = [idr, field(Field::Bottom, 1), earlier_bottom, reset, field(Field::Top, 3)];
        assert_eq!(orders(&sps, &slices), [0, 1, 3, 5, 8]);
    }
}
