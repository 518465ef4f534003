//! What the crate promises, by subject.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod common;

mod media;
mod real;
mod vectors;

mod hostile;
mod quirks;

mod metadata;
mod reader;
mod roundtrip;
mod timeline;
mod unpack;
