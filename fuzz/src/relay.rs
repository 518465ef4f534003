use levada_relay::{Cursor, Next, Ring, RingLimits};

/// A reader, and the number of the item that it gets next, if it knows.
type Reader = (Cursor, Option<u64>);

/// Whatever is pushed and read: the ring keeps its invariants, a reader gets items in order, and what it does not
/// get is counted to the last one.
pub fn relay(script: &[u8]) {
    let mut limits = RingLimits::default();
    (limits.items, limits.bytes, limits.headers, limits.header_bytes) = (24, 300, 3, 40);
    let mut ring = Ring::new(limits);
    let mut pushed = 0_u64;
    let mut readers: Vec<Reader> = Vec::new();
    for op in script {
        let size = usize::from(op >> 3);
        match op & 7 {
            0 | 1 => {
                ring.push(pushed, 2 * size, false);
                pushed += 1;
            }
            2 => {
                ring.push(pushed, 2 * size, true);
                pushed += 1;
            }
            3 => {
                if ring.push_header(op >> 6, pushed, 2 * size).is_ok() {
                    pushed += 1;
                }
            }
            4 if readers.len() < 8 => readers.push((ring.join(), None)),
            5 => {
                let reader = size % readers.len().max(1);
                if let Some((cursor, next)) = readers.get_mut(reader)
                    && let Some(lag) = ring.skip(cursor)
                {
                    *next = next.map(|it| it + lag.items);
                }
            }
            _ => {
                let reader = size % readers.len().max(1);
                if let Some(reader) = readers.get_mut(reader) {
                    read(&ring, reader, pushed);
                }
            }
        }
        ring.check_invariants();
    }
}

fn read(ring: &Ring<u64>, (cursor, next): &mut Reader, pushed: u64) {
    let mut slots = 0;
    for _ in 0..4 {
        let lag = ring.lag(cursor).items;
        match ring.next(cursor) {
            Next::Header(header) => {
                slots += 1;
                assert!(slots <= 3 && next.is_none_or(|next| *header < next));
            }
            Next::Item(item) => {
                assert!(next.is_none_or(|next| next == *item));
                *next = Some(item + 1);
                assert_eq!(ring.lag(cursor).items, pushed - item - 1);
            }
            Next::Skipped { lost, .. } => {
                assert!(lost > 0 && lost <= lag);
                *next = next.map(|it| it + lost);
            }
            Next::Empty => return,
        }
    }
}
