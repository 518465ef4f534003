//! What several benches share: the workload that all figures of this workspace are about.
//!
//! Run all of them with `cargo bench -p levada-benches`, and with `--features peers` to see the published crates
//! of this field in the same tables. Every table has a `memcpy` line: the same bytes copied once.

/// Copies `input` once, the limit that every figure is compared with.
pub fn memcpy(input: &[u8], scratch: &mut Vec<u8>) {
    scratch.clear();
    scratch.extend_from_slice(std::hint::black_box(input));
    std::hint::black_box(scratch);
}
