//! The test harness of the workspace. Not published.
//!
//! - [`same_at_every_cut`]: any way of cutting the input gives the same events (rule 2).
//! - [`Pair`]: a client and a server joined by [`Pipe`]s, with the [`Clock`] in the test's hand.
//! - [`allocations`]: what a piece of code allocates (rule 4, and every claim of "no allocation").
//! - [`hex`], [`vectors`]: bytes with their meaning, from a crate's `testdata/`.
//! - [`cuts`]: proptest strategies that more than one crate needs.
//!
//! The allocation counter is the crate `allocation-counter`: a global allocator needs `unsafe`, which this
//! workspace forbids itself.
#![expect(
    clippy::unwrap_used,
    clippy::exhaustive_enums,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness fails by panicking, and grows with its tests"
)]

mod alloc;
mod clock;
mod cut;
mod fixture;
mod pair;
mod pipe;

pub use alloc::{Allocations, allocations};
pub use clock::Clock;
pub use cut::{cuts, same_at_every_cut};
pub use fixture::{Vector, hex, vectors};
pub use pair::{Pair, PairEvent, Side};
pub use pipe::Pipe;
