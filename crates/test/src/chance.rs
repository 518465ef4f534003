use core::ops::Range;

/// Repeatable chance: the same seed gives the same test.
///
/// ```
/// use levada_test::Chance;
///
/// let (mut one, mut other) = (Chance::new(7), Chance::new(7));
/// assert_eq!(one.bytes(20), other.bytes(20));
/// assert!((3..9).contains(&one.within(3..9)));
/// ```
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// What a seed leads to.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number (SplitMix64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of a range.
    pub fn within(&mut self, range: Range<usize>) -> usize {
        assert!(!range.is_empty(), "nothing to choose from");
        let span = (range.end - range.start) as u64;
        range.start + usize::try_from(self.number() % span).unwrap()
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.within(0..times) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.within(0..of.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// Sizes of pieces, as [`Pipe::with_cuts`](crate::Pipe::with_cuts) takes them.
    pub fn cuts(&mut self) -> Vec<usize> {
        let count = self.within(1..8);
        let mut size = || match self.within(0..8) {
            0 => self.within(1..4),
            1..4 => self.within(1..200),
            4..7 => self.within(200..3000),
            _ => self.within(3000..70_000),
        };
        (0..count).map(|_| size()).collect()
    }
}

/// The seeds that a simulation runs with: `LEVADA_SEEDS` of the environment if it is set, else the first `few`.
///
/// `LEVADA_SEEDS=1000` runs the first thousand, `LEVADA_SEEDS=517..518` only that one: a failing test names its seed.
///
/// ```
/// for seed in levada_test::seeds(2) {
///     let chance = levada_test::Chance::new(seed);
/// }
/// ```
#[expect(clippy::disallowed_methods, reason = "the only way to tell a test something")]
pub fn seeds(few: u64) -> Range<u64> {
    let Ok(wanted) = std::env::var("LEVADA_SEEDS") else { return 0..few };
    let number = |it: &str| -> u64 {
        it.parse().unwrap_or_else(|_| panic!("LEVADA_SEEDS={wanted}: want a number or a..b"))
    };
    match wanted.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&wanted),
    }
}
