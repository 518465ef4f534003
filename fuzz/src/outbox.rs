use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use levada_buf::{Outbox, SHARE_FROM};

/// Any order of puts, shares and advances is one queue of bytes.
pub fn outbox(script: &[u8]) {
    let mut out = Outbox::new();
    let mut model = VecDeque::new();
    for (step, op) in script.iter().enumerate() {
        let size = usize::from(op >> 2) * 67;
        match op & 3 {
            0 => {
                let bytes = vec![step as u8; size];
                model.extend(&bytes);
                out.put(&bytes);
            }
            1 => {
                let bytes = vec![step as u8; size + SHARE_FROM / 2];
                model.extend(&bytes);
                out.share(Bytes::from(bytes));
            }
            _ => {
                let count = size.min(model.len());
                let expected: Vec<u8> = model.drain(..count).collect();
                assert_eq!(&out.copy_to_bytes(count)[..], &expected[..]);
            }
        }
        assert_eq!(out.remaining(), model.len());
        assert_eq!(out.has_remaining(), !out.chunk().is_empty());
    }
}
