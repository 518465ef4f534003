//! Reading bits, most significant first, and Exp-Golomb codes.

/// A read beyond the end of the data, which is this many bytes long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overrun(pub(crate) usize);

/// A position in bits.
///
/// ```text
///                ┌ window, `valid` bits of it ┐
/// data: ────────┼────────────────────────────┼── rest ──┬ padding
///               position                                 end
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits<'a> {
    /// The next bits, the first in the highest place. Below the valid ones stand zeros or the bits that follow them.
    window: u64,
    valid: u32,
    /// What the window was not filled from yet, with its padding.
    rest: &'a [u8],
    /// Bytes of `rest` before the padding.
    left: usize,
    /// All bytes before the padding.
    len: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self::padded(data, data.len())
    }

    /// The first `len` bytes of `data`. What lies behind them is never part of a value: eight bytes of it spare a
    /// slower way of reading the last eight.
    #[inline]
    pub(crate) fn padded(data: &'a [u8], len: usize) -> Self {
        let len = len.min(data.len());
        Self { window: 0, valid: 0, rest: data, left: len, len }
    }

    /// The next `count` bits, at most 32, as a number.
    #[inline]
    pub(crate) fn u(&mut self, count: u32) -> Result<u32, Overrun> {
        debug_assert!(count <= 32);
        if count > self.valid {
            self.refill();
            if count > self.valid {
                return Err(self.overrun());
            }
        }
        // Two steps, as a shift by 64 is none.
        let value = (self.window >> 1) >> (63 - count.min(32));
        self.take(count);
        Ok(low(value))
    }

    /// The next bit.
    #[inline]
    pub(crate) fn flag(&mut self) -> Result<bool, Overrun> {
        if self.valid == 0 {
            self.refill();
            if self.valid == 0 {
                return Err(self.overrun());
            }
        }
        let flag = self.window.cast_signed() < 0;
        self.take(1);
        Ok(flag)
    }

    /// The next `count` bits, at most 8.
    #[inline]
    pub(crate) fn small(&mut self, count: u32) -> Result<u8, Overrun> {
        Ok(self.u(count.min(8))?.to_le_bytes()[0])
    }

    /// The next eight bits.
    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Overrun> {
        self.small(8)
    }

    /// The next sixteen bits.
    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Overrun> {
        let [low, high, ..] = self.u(16)?.to_le_bytes();
        Ok(u16::from_le_bytes([low, high]))
    }

    /// An unsigned Exp-Golomb code (H.264 and H.265 §9.2). A code of more than 32 leading zeros is no number
    /// and is taken as the end of meaningful data.
    #[inline]
    pub(crate) fn ue(&mut self) -> Result<u32, Overrun> {
        let zeros = self.window.leading_zeros();
        let count = 2 * zeros + 1;
        if count > self.valid {
            return self.far_ue();
        }
        let value = self.window >> (64 - count);
        self.take(count);
        Ok(low(value - 1))
    }

    /// A code that reaches beyond the window.
    #[cold]
    fn far_ue(&mut self) -> Result<u32, Overrun> {
        self.refill();
        let zeros = self.window.leading_zeros();
        if 2 * zeros < self.valid {
            return self.ue();
        }
        // At most 32 zeros, then a one, then as many bits as there were zeros.
        if zeros > 32 || zeros >= self.valid {
            return Err(self.overrun());
        }
        self.take(zeros + 1);
        let rest = u64::from(self.u(zeros)?);
        Ok(u32::try_from((1_u64 << zeros) - 1 + rest).unwrap_or(u32::MAX))
    }

    /// Skips some Exp-Golomb codes, signed or not.
    #[inline]
    pub(crate) fn skip_codes(&mut self, count: usize) -> Result<(), Overrun> {
        for _ in 0..count {
            self.ue()?;
        }
        Ok(())
    }

    /// A signed Exp-Golomb code (H.264 and H.265 §9.2.2).
    #[inline]
    pub(crate) fn se(&mut self) -> Result<i32, Overrun> {
        let code = self.ue()?;
        let half = (code >> 1).cast_signed();
        Ok(if code & 1 == 1 { half.wrapping_add(1) } else { half.wrapping_neg() })
    }

    #[inline]
    pub(crate) fn skip(&mut self, bits: usize) -> Result<(), Overrun> {
        match u32::try_from(bits) {
            Ok(count @ ..64) if count <= self.valid => {
                self.take(count);
                Ok(())
            }
            _ => self.far_skip(bits),
        }
    }

    /// Beyond the window.
    #[cold]
    fn far_skip(&mut self, bits: usize) -> Result<(), Overrun> {
        if bits > self.remaining() {
            return Err(self.overrun());
        }
        let behind = bits.saturating_sub(self.valid as usize);
        self.window = 0;
        self.valid = 0;
        self.rest = self.rest.get(behind / 8..).unwrap_or_default();
        self.left = self.left.saturating_sub(behind / 8);
        self.u(low(behind as u64 % 8)).map(drop)
    }

    /// To the next multiple of eight bits.
    pub(crate) fn align(&mut self) {
        self.take(self.valid % 8);
    }

    /// Bits read so far.
    pub(crate) fn position(&self) -> usize {
        self.len.saturating_mul(8).saturating_sub(self.remaining())
    }

    /// Bits left.
    pub(crate) fn remaining(&self) -> usize {
        self.left.saturating_mul(8).saturating_add(self.valid as usize)
    }

    /// Whether what is left is one set bit and zeros to the end of its byte (`rbsp_trailing_bits`, H.264 and H.265
    /// §7.3.2.11).
    pub(crate) fn at_trailing_bits(mut self) -> bool {
        match u32::try_from(self.remaining()) {
            Ok(left @ 1..=8) => self.u(left) == Ok(1 << (left - 1)),
            _ => false,
        }
    }

    pub(crate) fn overrun(&self) -> Overrun {
        Overrun(self.len)
    }

    /// Drops bits that are in the window, fewer than 64.
    #[inline]
    fn take(&mut self, count: u32) {
        self.window <<= count;
        self.valid -= count;
    }

    /// Fills the window with whole bytes, up to at least 57 bits unless the end comes first.
    #[cold]
    fn refill(&mut self) {
        match self.rest.first_chunk() {
            Some(&bytes) => self.fill(u64::from_be_bytes(bytes)),
            None => self.refill_at_end(),
        }
    }

    /// From fewer than eight bytes. Apart from the usual way, which then needs no stack.
    #[inline(never)]
    fn refill_at_end(&mut self) {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(self.rest).for_each(|(to, from)| *to = *from);
        self.fill(u64::from_be_bytes(bytes));
    }

    #[inline]
    fn fill(&mut self, word: u64) {
        let bytes = ((64 - self.valid) as usize / 8).min(self.left);
        self.window |= word.checked_shr(self.valid).unwrap_or_default();
        self.valid += low(bytes as u64) * 8;
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.left -= bytes;
    }
}

/// The lower half of a number that has no other.
#[inline]
fn low(number: u64) -> u32 {
    (number & 0xFFFF_FFFF) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes() {
        // H.264 table 9-2 and 9-3.
        for (picture, unsigned, signed) in [
            (0b1000_0000, 0, 0),
            (0b0100_0000, 1, 1),
            (0b0110_0000, 2, -1),
            (0b0010_0000, 3, 2),
            (0b0010_1000, 4, -2),
            (0b0011_0000, 5, 3),
            (0b0011_1000, 6, -3),
            (0b0001_0000, 7, 4),
        ] {
            assert_eq!(Bits::new(&[picture]).ue(), Ok(unsigned));
            assert_eq!(Bits::new(&[picture]).se(), Ok(signed));
        }
    }

    #[test]
    fn the_largest_exp_golomb_codes() {
        let code = |zeros: usize, rest: u64| {
            let mut bytes = [0; 10];
            let all = (1_u128 << zeros | u128::from(rest)) << (80 - 2 * zeros - 1);
            bytes.copy_from_slice(&all.to_be_bytes()[6..]);
            bytes
        };
        assert_eq!(Bits::new(&code(31, 0)).ue(), Ok((1 << 31) - 1));
        assert_eq!(Bits::new(&code(31, (1 << 31) - 1)).ue(), Ok(u32::MAX - 1));
        assert_eq!(Bits::new(&code(32, 0)).ue(), Ok(u32::MAX));
        assert_eq!(Bits::new(&[0; 10]).ue(), Err(Overrun(10)));
    }

    #[test]
    fn reads_to_the_last_bit_and_not_beyond() {
        let data = [0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 0x0F];
        for len in 0..=data.len() {
            for mut bits in [Bits::new(&data[..len]), Bits::padded(&data, len)] {
                let mut read = 0;
                while let Ok(value) = bits.u(4) {
                    let byte = data[read / 2];
                    assert_eq!(value, u32::from(if read % 2 == 0 { byte >> 4 } else { byte & 15 }));
                    read += 1;
                }
                assert_eq!((read, bits.remaining()), (2 * len, 0));
                assert_eq!(bits.u(1), Err(Overrun(len)));
                assert_eq!(bits.u(0), Ok(0));
            }
        }
        assert_eq!(Bits::new(&data).u(32), Ok(0x1234_5678));
    }
}
