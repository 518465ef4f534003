//! Whole systems out of the workspace's crates, without a socket: see each file.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests and their helpers fail by panicking"
)]

mod common;
mod hub;

mod hostile;
mod publish_to_hls;
mod publish_to_play;
mod restream;
mod soak;
