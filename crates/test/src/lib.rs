//! The test harness of the workspace. Not published.
//!
//! - [`same_at_every_cut`]: any way of cutting the input gives the same events (rule 2).
//! - [`Pair`]: a client and a server joined by [`Pipe`]s, with the [`Clock`] in the test's hand.
//! - [`allocations`]: what a piece of code allocates (rule 4, and every claim of "no allocation").
//! - [`hex`], [`vectors`]: bytes with their meaning, from a crate's `testdata/`.
//! - [`Chance`], [`seeds`]: repeatable chance for simulations.
//! - [`cuts`]: proptest strategies that more than one crate needs.
//!
//! # Simulations
//!
//! `tests/e2e` runs whole sessions against each other, a few seeds of each scenario. `LEVADA_SEEDS=100000 cargo test
//! --release -p levada-test --test e2e` runs as many as wanted, `LEVADA_SEEDS=517..518` the one that failed.
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
mod chance;
mod clock;
mod cut;
mod fixture;
mod pair;
mod pipe;

pub use alloc::{Allocations, allocations};
pub use chance::{Chance, seeds};
pub use clock::Clock;
pub use cut::{cuts, same_at_every_cut};
pub use fixture::{Vector, hex, vectors};
pub use pair::{Pair, PairEvent, Side};
pub use pipe::Pipe;
