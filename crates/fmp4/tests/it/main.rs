//! Proofs against the vectors, other writers' files and our own reader, through the public interface.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod finalise;
mod hostile;
mod index;
mod read;
mod round_trip;
mod testdata;
mod vectors;
mod write;
