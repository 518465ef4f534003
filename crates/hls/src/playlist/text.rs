use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

/// Text is frozen in blocks of this size, so that what is long published is shared and never copied again.
const BLOCK: usize = 16 * 1024;

/// Text that grows at its end and is trimmed at its start, addressed by how much was written before.
///
/// A playlist of a week is some thousand shared blocks and one that is copied: writing it out costs what changed.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Where the first block begins, and the blocks. None is empty.
    start: u64,
    blocks: VecDeque<Bytes>,
    frozen: u64,
    open: BytesMut,
}

impl Text {
    /// How much was written so far.
    pub(super) fn end(&self) -> u64 {
        self.frozen + self.open.len() as u64
    }

    pub(super) fn push(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
        if self.open.len() >= BLOCK {
            let block = self.open.split().freeze();
            self.frozen += block.len() as u64;
            self.blocks.push_back(block);
        }
    }

    /// Drops what lies before `offset`.
    pub(super) fn trim(&mut self, offset: u64) {
        while let Some(block) = self.blocks.front() {
            let end = self.start + block.len() as u64;
            if end > offset {
                break;
            }
            self.start = end;
            self.blocks.pop_front();
        }
    }

    /// What was written from `offset` on. Blocks are shared, the newest text is copied.
    pub(super) fn since(&self, offset: u64) -> Vec<Bytes> {
        let mut at = self.start;
        let mut pieces = Vec::with_capacity(self.blocks.len() + 1);
        for block in &self.blocks {
            let end = at + block.len() as u64;
            if end > offset {
                pieces.push(block.slice(within(offset, at, block.len())..));
            }
            at = end;
        }
        let open = self.open.get(within(offset, at, self.open.len())..).unwrap_or_default();
        pieces.push(Bytes::copy_from_slice(open));
        pieces
    }
}

/// Where `offset` lies in a block that begins at `at`.
fn within(offset: u64, at: u64, len: usize) -> usize {
    usize::try_from(offset.saturating_sub(at)).map_or(len, |it| it.min(len))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    fn joined(pieces: &[Bytes]) -> String {
        String::from_utf8(pieces.concat()).unwrap()
    }

    proptest! {
        #[test]
        fn is_one_string(lens in proptest::collection::vec(1_usize..5000, 1..40), trim in 0.0..1.0_f64, from in 0.0..1.0_f64) {
            let (mut text, mut all) = (Text::default(), String::new());
            for (n, len) in lens.iter().enumerate() {
                let piece: String = format!("{n},").chars().cycle().take(*len).collect();
                text.push(&piece);
                all += &piece;
                prop_assert_eq!(text.end(), all.len() as u64);
            }
            let trimmed = (all.len() as f64 * trim) as usize;
            text.trim(trimmed as u64);
            let from = trimmed + ((all.len() - trimmed) as f64 * from) as usize;
            prop_assert_eq!(joined(&text.since(from as u64)), &all[from..]);
            // What is trimmed is dropped by whole blocks.
            prop_assert!(text.blocks.iter().map(Bytes::len).sum::<usize>() <= all.len() - trimmed + 2 * BLOCK);
        }
    }
}
