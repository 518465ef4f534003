//! Writing bits, most significant first.

use alloc::vec::Vec;

/// Bytes in the making.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits free in the last byte, 0 to 7.
    free: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`, at most 32.
    pub(crate) fn u(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32);
        for bit in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> bit & 1 == 1) << self.free;
            }
        }
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.u(u32::from(value), 1);
    }

    /// To the next multiple of eight bits, with zeros.
    pub(crate) fn align(&mut self) {
        self.free = 0;
    }

    /// The bytes, the last one filled up with zeros.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
