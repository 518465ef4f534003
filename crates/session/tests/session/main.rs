//! Sessions from the outside: against each other, against recordings, against the hostile.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;
mod pair;
