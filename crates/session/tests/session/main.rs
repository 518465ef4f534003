//! Sessions from the outside: against each other, against recordings, against the hostile.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod captures;
mod common;
mod dialogues;
mod hostile;
mod pair;
mod quirks;
mod vectors;
