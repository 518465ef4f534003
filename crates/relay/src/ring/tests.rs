use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn ring(items: usize, bytes: usize) -> Ring<u32> {
    Ring::new(RingLimits { items, bytes, headers: 3, header_bytes: 50 })
}

/// Everything there is for a reader, with how it came.
fn drain(ring: &Ring<u32>, cursor: &mut Cursor) -> Vec<(char, u64)> {
    let mut out = vec![];
    loop {
        out.push(match ring.next(cursor) {
            Next::Header(it) => ('h', (*it).into()),
            Next::Item(it) => ('i', (*it).into()),
            Next::Skipped { lost, .. } => ('s', lost),
            Next::Empty => return out,
        });
    }
}

#[test]
fn a_reader_joins_at_the_newest_gop_start_with_the_headers_in_force_there() {
    let mut ring = ring(100, 1000);
    ring.push_header(1, 10, 1).unwrap();
    ring.push_header(0, 20, 1).unwrap();
    ring.push(1, 1, true);
    ring.push(2, 1, false);
    ring.push_header(1, 11, 1).unwrap();
    ring.push(3, 1, true);
    ring.push_header(1, 12, 1).unwrap();
    ring.push(4, 1, false);
    // In the order of slots; header 12 comes in its place.
    let expected = [('h', 20), ('h', 11), ('i', 3), ('i', 12), ('i', 4)];
    assert_eq!(drain(&ring, &mut ring.join()), expected);
}

#[test]
fn a_reader_of_everything_begins_with_the_oldest_item() {
    let mut ring = ring(3, 1000);
    let mut early = ring.join_oldest();
    assert_eq!(drain(&ring, &mut early), []);
    ring.push_header(0, 20, 1).unwrap();
    ring.push(1, 1, false);
    ring.push(2, 1, true);
    assert_eq!(drain(&ring, &mut early), [('i', 20), ('i', 1), ('i', 2)]);
    ring.push(3, 1, false);
    assert_eq!(drain(&ring, &mut ring.join_oldest()), [('h', 20), ('i', 1), ('i', 2), ('i', 3)]);
    assert_eq!(drain(&ring, &mut early), [('i', 3)]);
}

#[test]
fn a_reader_waits_for_the_first_gop_start_and_loses_nothing_by_it() {
    let mut ring = ring(100, 1000);
    ring.push(1, 1, false);
    let mut cursor = ring.join();
    assert_eq!(drain(&ring, &mut cursor), []);
    ring.push(2, 1, false);
    ring.push_header(0, 20, 1).unwrap();
    assert_eq!(drain(&ring, &mut cursor), []);
    assert_eq!(ring.lag(&cursor), Lag { items: 0, bytes: 0 });
    ring.push(3, 7, true);
    assert_eq!(ring.next(&mut cursor), Next::Header(&20));
    assert_eq!(ring.lag(&cursor), Lag { items: 1, bytes: 7 });
    assert_eq!(drain(&ring, &mut cursor), [('i', 3)]);
}

#[test]
fn a_slow_reader_skips_to_the_newest_gop_start_and_gets_what_changed() {
    let mut ring = ring(4, 1000);
    ring.push_header(0, 20, 5).unwrap();
    ring.push_header(1, 10, 5).unwrap();
    ring.push(1, 10, true);
    let mut cursor = ring.join();
    assert_eq!(drain(&ring, &mut cursor), [('h', 20), ('h', 10), ('i', 1)]);
    ring.push(2, 100, false);
    ring.push_header(1, 11, 5).unwrap();
    ring.push_header(1, 12, 5).unwrap();
    for item in 3..8 {
        ring.push(item, 100, item == 5);
    }
    // Lost: 2, 11, 12, 3, 4. Header 12 comes after all; 20 is known.
    assert_eq!(ring.next(&mut cursor), Next::Skipped { lost: 5, bytes: 310 });
    assert_eq!(drain(&ring, &mut cursor), [('h', 12), ('i', 5), ('i', 6), ('i', 7)]);
    assert_eq!(drain(&ring, &mut ring.join())[..3], [('h', 20), ('h', 12), ('i', 5)]);
}

#[test]
fn a_reader_that_is_skipped_amid_its_headers_gets_them_all_anew() {
    let mut ring = ring(3, 1000);
    for slot in 0..3 {
        ring.push_header(slot, u32::from(slot), 1).unwrap();
    }
    ring.push(10, 1, true);
    let mut cursor = ring.join();
    assert_eq!(ring.next(&mut cursor), Next::Header(&0));
    for item in 11..15 {
        ring.push(item, 1, item == 13);
    }
    let expected = [('s', 3), ('h', 0), ('h', 1), ('h', 2), ('i', 13), ('i', 14)];
    assert_eq!(drain(&ring, &mut cursor), expected);
}

#[test]
fn a_gop_larger_than_the_ring_is_waited_out() {
    let mut ring = ring(3, 1000);
    ring.push(1, 1, true);
    let mut cursor = ring.join();
    assert_eq!(drain(&ring, &mut cursor), [('i', 1)]);
    for item in 2..7 {
        ring.push(item, 1, false);
    }
    assert_eq!(drain(&ring, &mut cursor), []);
    assert_eq!(drain(&ring, &mut ring.join()), []);
    ring.push(7, 1, true);
    assert_eq!(drain(&ring, &mut cursor), [('s', 5), ('i', 7)]);
}

#[test]
fn skipping_on_purpose() {
    let mut ring = ring(100, 1000);
    ring.push(1, 10, true);
    let mut cursor = ring.join();
    assert_eq!(ring.skip(&mut cursor), None);
    assert_eq!(drain(&ring, &mut cursor), [('i', 1)]);
    ring.push(2, 10, false);
    assert_eq!(ring.skip(&mut cursor), None, "no newer GOP start");
    ring.push(3, 10, true);
    assert_eq!(ring.lag(&cursor), Lag { items: 2, bytes: 20 });
    assert_eq!(ring.skip(&mut cursor), Some(Lag { items: 1, bytes: 10 }));
    assert_eq!(ring.skip(&mut cursor), None);
    assert_eq!(drain(&ring, &mut cursor), [('i', 3)]);
}

#[test]
fn what_is_old_goes_but_not_the_newest_gop() {
    let mut ring = ring(100, 1000);
    ring.push(1, 1, false);
    ring.expire(|_| true);
    assert_eq!(ring.len(), 1, "without a GOP nothing is known to be of no use");
    ring.push_header(0, 20, 1).unwrap();
    for (item, key) in [(2, true), (3, false), (4, true), (5, false)] {
        ring.push(item, 1, key);
    }
    let mut slow = ring.join_oldest();
    ring.expire(|it| *it < 3);
    ring.check_invariants();
    assert_eq!(drain(&ring, &mut ring.join_oldest())[..2], [('i', 20), ('i', 2)]);
    ring.expire(|_| true);
    ring.check_invariants();
    assert_eq!(drain(&ring, &mut ring.join_oldest()), [('h', 20), ('i', 4), ('i', 5)]);
    assert_eq!(drain(&ring, &mut slow), [('s', 4), ('h', 20), ('i', 4), ('i', 5)]);
}

#[test]
fn limits_on_items_and_bytes() {
    let mut by_items = ring(3, 1000);
    let mut by_bytes = ring(100, 30);
    for item in 0..3 {
        by_items.push(item, 0, false);
        by_bytes.push(item, 10, false);
    }
    assert_eq!((by_items.len(), by_bytes.len(), by_bytes.bytes()), (3, 3, 30));
    by_items.push(3, 0, false);
    by_bytes.push(3, 1, false);
    assert_eq!((by_items.len(), by_bytes.len(), by_bytes.bytes()), (3, 3, 21));
    by_bytes.push(4, 30, true);
    assert_eq!(by_bytes.len(), 1);
    by_bytes.push(5, 31, true);
    assert!(by_bytes.is_empty(), "larger than the ring");
    by_bytes.check_invariants();
}

#[test]
fn limits_on_headers() {
    let mut ring = ring(10, 1000);
    for slot in [7, 255, 0] {
        ring.push_header(slot, 1, 50).unwrap();
    }
    let too_many = Err(HeaderRefused::TooMany { limit: 3 });
    assert_eq!(ring.push_header(1, 1, 1), too_many);
    let too_large = Err(HeaderRefused::TooLarge { size: 51, limit: 50 });
    assert_eq!(ring.push_header(7, 1, 51), too_large);
    assert_eq!(ring.push_header(255, 2, 1), Ok(()));
    assert_eq!(ring.len(), 4);
}

#[test]
fn a_cursor_of_another_ring_gets_nothing_and_breaks_nothing() {
    let mut first = ring(10, 1000);
    for item in 0..9 {
        first.push(item, 1, true);
    }
    let mut cursor = first.join();
    drain(&first, &mut cursor);
    assert_eq!(ring(10, 1000).next(&mut cursor), Next::Empty);
}

/// What may happen to a ring.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push { size: usize, gop: bool },
    Header { slot: u8, size: usize },
    Join,
    Next { reader: usize, times: usize },
    Skip { reader: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..40_usize, prop::bool::weighted(0.2)).prop_map(|(size, gop)| Step::Push { size, gop }),
        2 => (0..5_u8, 0..55_usize).prop_map(|(slot, size)| Step::Header { slot, size }),
        1 => Just(Step::Join),
        4 => (any::<usize>(), 1..9_usize).prop_map(|(reader, times)| Step::Next { reader, times }),
        1 => any::<usize>().prop_map(|reader| Step::Skip { reader }),
    ]
}

/// The same ring, by brute force: it remembers everything and searches it.
struct Model {
    limits: RingLimits,
    history: Vec<(usize, Kind)>,
    /// By slot, whether it is in use.
    slots: [bool; 256],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Gop,
    Header(u8),
}

#[derive(Default)]
struct Reader {
    at: usize,
    started: bool,
    since: usize,
    handed: Vec<u8>,
    handing: bool,
}

impl Model {
    fn bytes(&self, from: usize, to: usize) -> u64 {
        self.history[from..to].iter().map(|(size, _)| *size as u64).sum()
    }

    /// The ring only ever forgets, so the oldest item is the one that fits with every state since.
    fn oldest(&self) -> usize {
        let fits = |from: usize, to: usize| {
            to - from <= self.limits.items && self.bytes(from, to) <= self.limits.bytes as u64
        };
        let mut oldest = 0;
        for end in 0..=self.history.len() {
            while !fits(oldest, end) {
                oldest += 1;
            }
        }
        oldest
    }

    fn newest_gop(&self) -> Option<usize> {
        (self.oldest()..self.history.len()).rev().find(|&it| self.history[it].1 == Kind::Gop)
    }

    fn go_to(&self, reader: &mut Reader, to: usize) -> (u64, u64) {
        let from = reader.at.min(to);
        let lost = ((to - from) as u64, self.bytes(from, to));
        if !reader.started {
            reader.since = 0;
        } else if !reader.handing {
            reader.since = reader.at;
        }
        (reader.at, reader.started, reader.handing) = (to, true, true);
        reader.handed.clear();
        lost
    }

    fn next(&self, reader: &mut Reader) -> (char, u64) {
        if !reader.started || reader.at < self.oldest() {
            let Some(to) = self.newest_gop() else { return ('e', 0) };
            let was_started = reader.started;
            let lost = self.go_to(reader, to);
            if was_started {
                return ('s', lost.0 * 1000 + lost.1);
            }
        }
        if reader.handing {
            for slot in 0..=255 {
                let in_force =
                    (0..reader.at).rev().find(|&it| self.history[it].1 == Kind::Header(slot));
                match in_force {
                    Some(it) if it >= reader.since && !reader.handed.contains(&slot) => {
                        reader.handed.push(slot);
                        return ('h', it as u64);
                    }
                    _ => {}
                }
            }
            reader.handing = false;
        }
        if reader.at == self.history.len() {
            return ('e', 0);
        }
        reader.at += 1;
        ('i', reader.at as u64 - 1)
    }
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        items in 1..12_usize, bytes in 1..200_usize, steps in proptest::collection::vec(step(), 0..150)
    ) {
        let limits = RingLimits { items, bytes, headers: 3, header_bytes: 50 };
        let mut ring = Ring::new(limits);
        let mut model = Model { limits, history: vec![], slots: [false; 256] };
        let mut readers: Vec<(Cursor, Reader)> = vec![];
        for step in steps {
            let number = model.history.len();
            match step {
                Step::Push { size, gop } => {
                    ring.push(number as u64, size, gop);
                    model.history.push((size, if gop { Kind::Gop } else { Kind::Plain }));
                }
                Step::Header { slot, size } => {
                    let room = model.slots[usize::from(slot)]
                        || model.slots.iter().filter(|it| **it).count() < 3;
                    let taken = ring.push_header(slot, number as u64, size);
                    prop_assert_eq!(taken.is_ok(), room && size <= 50);
                    if taken.is_ok() {
                        model.slots[usize::from(slot)] = true;
                        model.history.push((size, Kind::Header(slot)));
                    }
                }
                Step::Join => {
                    readers.push((ring.join(), Reader { at: number, ..Reader::default() }));
                }
                Step::Next { reader, times } => {
                    let index = reader % readers.len().max(1);
                    let Some((cursor, reader)) = readers.get_mut(index) else { continue };
                    for _ in 0..times {
                        let got = match ring.next(cursor) {
                            Next::Header(it) => ('h', *it),
                            Next::Item(it) => ('i', *it),
                            Next::Skipped { lost, bytes } => ('s', lost * 1000 + bytes),
                            Next::Empty => ('e', 0),
                        };
                        prop_assert_eq!(got, model.next(reader));
                    }
                    let lag = if reader.started {
                        ((model.history.len() - reader.at) as u64, model.bytes(reader.at, model.history.len()))
                    } else {
                        (0, 0)
                    };
                    let got = ring.lag(cursor);
                    prop_assert_eq!((got.items, got.bytes), lag);
                }
                Step::Skip { reader } => {
                    let index = reader % readers.len().max(1);
                    let Some((cursor, reader)) = readers.get_mut(index) else { continue };
                    let to = model.newest_gop().filter(|&to| reader.started && reader.at < to);
                    let expected = to.map(|to| model.go_to(reader, to));
                    prop_assert_eq!(ring.skip(cursor).map(|it| (it.items, it.bytes)), expected);
                }
            }
            ring.check_invariants();
            prop_assert_eq!(ring.len(), model.history.len() - model.oldest());
        }
    }
}
