use proptest::prelude::*;

use super::*;
use crate::copied::{KEPT, SMALL_TURNS};

fn drain(out: &mut Outbox) -> Vec<u8> {
    let bytes = out.copy_to_bytes(out.remaining()).to_vec();
    out.check_invariants();
    bytes
}

#[test]
fn small_writes_merge_into_one_run() {
    let mut out = Outbox::new();
    out.put(b"ab");
    out.put(b"");
    out.share(Bytes::from_static(b"cd"));
    assert_eq!(out.chunk(), b"abcd");
    assert_eq!(out.segments.len(), 1);
    assert_eq!(drain(&mut out), b"abcd");
}

#[test]
fn the_threshold_decides_between_copy_and_share() {
    for (len, shared) in [(SHARE_FROM - 1, false), (SHARE_FROM, true), (SHARE_FROM + 1, true)] {
        let payload = Bytes::from(vec![5; len]);
        let mut out = Outbox::new();
        out.share(payload.clone());
        assert_eq!(out.chunk().as_ptr() == payload.as_ptr(), shared, "{len} bytes");
        assert_eq!(out.chunk().len(), len);
    }
}

#[test]
fn slices_come_in_order_and_stop_at_the_slots_given() {
    let payload = Bytes::from(vec![9; 4096]);
    let mut out = Outbox::new();
    for header in [b"a", b"b", b"c"] {
        out.put(header);
        out.share(payload.clone());
    }
    let mut slices = [IoSlice::new(&[]); 8];
    assert_eq!(out.slices(&mut slices), 6);
    assert_eq!(&*slices[2], b"b");
    assert_eq!(slices[3].as_ptr(), payload.as_ptr());
    let mut few = [IoSlice::new(&[]); 3];
    assert_eq!(out.slices(&mut few), 3);
    out.advance(1 + 4096 + 1 + 96);
    out.check_invariants();
    let mut rest = [IoSlice::new(&[]); 8];
    assert_eq!(out.slices(&mut rest), 3);
    assert_eq!((rest[0].len(), rest[1].len(), rest[2].len()), (4000, 1, 4096));
}

#[test]
fn room_is_what_the_budget_leaves() {
    let mut out = Outbox::with_budget(10);
    assert_eq!(out.room(), 10);
    out.put(&[0; 9]);
    assert_eq!(out.room(), 1);
    out.put(&[0; 2]);
    assert_eq!(out.room(), 0);
    out.advance(5);
    assert_eq!(out.room(), 4);
    out.clear();
    out.check_invariants();
    assert_eq!((out.room(), out.remaining()), (10, 0));
}

#[test]
#[should_panic(expected = "cannot advance by 3, only 2 bytes wait")]
fn advancing_too_far_is_the_callers_bug() {
    let mut out = Outbox::new();
    out.put(b"ab");
    out.advance(3);
}

#[test]
fn steady_state_allocates_nothing() {
    let payload = Bytes::from(vec![1; 30_000]);
    let mut out = Outbox::new();
    let round = |out: &mut Outbox| {
        for _ in 0..32 {
            out.put(&[0; 12]);
            out.share(payload.clone());
            out.put(&[0; 400]);
        }
        // A socket that takes odd amounts: the copy buffer never becomes empty in between.
        while out.remaining() > 1000 {
            let taken = out.remaining().min(7_777);
            out.advance(taken - taken % 3);
        }
    };
    round(&mut out);
    round(&mut out);
    let counted = levada_test::allocations(|| (0..50).for_each(|_| round(&mut out)));
    assert_eq!(counted.count, 0);
}

#[test]
fn what_a_burst_needed_is_let_go_later() {
    let mut out = Outbox::new();
    let turn = |out: &mut Outbox, bytes: usize| {
        out.put(&vec![0; bytes]);
        out.advance(bytes);
        out.copied.capacity()
    };
    assert!(turn(&mut out, 40_000) >= 40_000);
    for _ in 1..SMALL_TURNS {
        assert!(turn(&mut out, 400) >= 40_000, "the next burst may come soon");
    }
    assert!(turn(&mut out, 400) <= KEPT);
    for _ in 0..3 * SMALL_TURNS {
        assert!(turn(&mut out, 400) >= 400, "small buffers stay");
        assert!(turn(&mut out, 10_000) >= 10_000, "and those that are needed now and then");
    }
    let counted = levada_test::allocations(|| assert!(turn(&mut out, 10_000) >= 10_000));
    assert_eq!(counted.count, 1, "the test's own");
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>),
    Share(Vec<u8>),
    Advance(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Step::Put),
        proptest::collection::vec(any::<u8>(), 0..2 * SHARE_FROM).prop_map(Step::Share),
        (0_usize..3 * SHARE_FROM).prop_map(Step::Advance),
    ]
}

proptest! {
    #[test]
    fn behaves_as_one_queue_of_bytes(steps in proptest::collection::vec(step(), 0..60)) {
        let mut out = Outbox::new();
        let mut model = VecDeque::new();
        for step in steps {
            match step {
                Step::Put(bytes) => { model.extend(&bytes); out.put(&bytes); }
                Step::Share(bytes) => { model.extend(&bytes); out.share(Bytes::from(bytes)); }
                Step::Advance(count) => {
                    let count = count.min(model.len());
                    let expected: Vec<u8> = model.drain(..count).collect();
                    let before = out.taken();
                    prop_assert_eq!(&out.copy_to_bytes(count)[..], &expected[..]);
                    prop_assert_eq!(out.taken() - before, count as u64);
                }
            }
            out.check_invariants();
            prop_assert_eq!(out.remaining(), model.len());
        }
        prop_assert_eq!(drain(&mut out), Vec::from(model));
    }
}
