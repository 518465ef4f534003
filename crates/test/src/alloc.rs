/// What a piece of code allocated on this thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Allocations {
    /// How many times memory was asked for (a growing reallocation counts).
    pub count: u64,
    /// How many bytes in all.
    pub total_bytes: u64,
    /// The most that was held at one moment.
    pub peak_bytes: u64,
    /// How much more was held at the end than at the beginning.
    pub kept_bytes: i64,
}

/// Runs `work` and says what it allocated.
///
/// ```
/// let counted = levada_test::allocations(|| drop(vec![0_u8; 100]));
/// assert_eq!((counted.count, counted.peak_bytes), (1, 100));
/// ```
pub fn allocations(work: impl FnOnce()) -> Allocations {
    let info = allocation_counter::measure(work);
    Allocations {
        count: info.count_total,
        total_bytes: info.bytes_total,
        peak_bytes: info.bytes_max,
        kept_bytes: info.bytes_current,
    }
}
