//! What the tests share, and the tests that look at several machines.

use core::time::Duration;

use crate::{Entropy, Machine, Now};

mod machines;
mod tables;

/// A random number generator that always throws the same.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        crate::output::spread(self.0, 0x1eaf)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

impl Entropy for Dice {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.next().to_be_bytes()[0];
        }
    }
}

/// So many milliseconds after the beginning, which was on 2026-01-01.
pub(crate) fn at(ms: u64) -> Now {
    let unix_ms = 1_767_225_600_000_i64.saturating_add(i64::try_from(ms).unwrap());
    Now::new(Duration::from_millis(ms), unix_ms)
}

/// Everything a machine wants done.
pub(crate) fn drain<M: Machine>(machine: &mut M) -> alloc::vec::Vec<M::Action> {
    core::iter::from_fn(|| machine.poll()).collect()
}

/// Tells a machine something and drains it.
pub(crate) fn tell<M: Machine>(
    machine: &mut M,
    ms: u64,
    event: M::Event,
) -> alloc::vec::Vec<M::Action> {
    machine.handle(at(ms), event).unwrap();
    drain(machine)
}

/// Lets time pass and drains it.
pub(crate) fn pass<M: Machine>(machine: &mut M, ms: u64) -> alloc::vec::Vec<M::Action> {
    machine.tick(at(ms));
    assert!(machine.next_deadline().is_none_or(|it| it > at(ms).mono), "nothing spins");
    drain(machine)
}

/// Every test that the README names exists.
#[test]
fn the_table_of_checks_names_tests_that_exist() {
    let sources = [
        include_str!("../tests/plane.rs"),
        include_str!("../tests/model.rs"),
        include_str!("tests/machines.rs"),
        include_str!("tests/tables.rs"),
        include_str!("access/tests.rs"),
        include_str!("body/tests.rs"),
        include_str!("health/tests.rs"),
        include_str!("admission.rs"),
        include_str!("call.rs"),
        include_str!("keyring.rs"),
        include_str!("playlist.rs"),
        include_str!("profile.rs"),
        include_str!("target.rs"),
        include_str!("timeline.rs"),
    ];
    let readme = include_str!("../README.md");
    let rows = readme.lines().filter(|it| it.starts_with("| ")).skip(1);
    let mut named = 0;
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap_or("");
        for test in tests.split('`').skip(1).step_by(2) {
            let function = alloc::format!("fn {test}(");
            assert!(sources.iter().any(|it| it.contains(&function)), "{test}");
            named += 1;
        }
    }
    assert!(named > 80, "{named}");
}
