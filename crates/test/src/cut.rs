use core::fmt::Debug;

use proptest::prelude::*;

/// Asserts that `decode` gives the same result however `wire` is cut into pieces.
///
/// `decode` gets the pieces in order, as if each had been one read. It is run with the whole, with single bytes,
/// with a cut at every position (at 200 of them in a long input) and with pieces of some odd sizes. What it
/// returns should hold everything that can be observed: the events, the error, what is left of the input.
///
/// ```
/// levada_test::same_at_every_cut(b"abc", |pieces| pieces.concat());
/// ```
pub fn same_at_every_cut<T: Debug + PartialEq>(wire: &[u8], decode: impl Fn(&[&[u8]]) -> T) {
    let whole = decode(&[wire]);
    let check = |pieces: &[&[u8]], cut: &dyn Debug| {
        let got = decode(pieces);
        assert!(got == whole, "cut {cut:?} changes the result:\n got {got:?}\nwant {whole:?}");
    };
    let step = (wire.len() / 200).max(1);
    for at in (0..=wire.len()).step_by(step) {
        let (head, tail) = wire.split_at(at);
        check(&[head, tail], &at);
    }
    for size in [1, 2, 3, 7, 127, 1460, 4096] {
        if size < wire.len() {
            check(&wire.chunks(size).collect::<Vec<_>>(), &format_args!("every {size}"));
        }
    }
}

/// Ways of cutting an input: sizes of pieces, to be used in a circle. None is 0.
///
/// ```
/// # use proptest::prelude::*;
/// proptest!(|(sizes in levada_test::cuts())| prop_assert!(sizes.iter().all(|&it| it > 0)));
/// ```
pub fn cuts() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(
        prop_oneof![4 => 1_usize..20, 2 => 20_usize..2000, 1 => 2000_usize..70_000],
        1..12,
    )
}
