//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// Counts connections as long as they hold their [`Pass`].
#[derive(Debug, Default)]
pub struct Gate {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Leave to be connected.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    address: IpAddr,
}

impl Gate {
    /// Lets one more in, if there is room: so many in all, so many from one address.
    pub fn enter(self: &Arc<Self>, address: IpAddr, all: usize, each: usize) -> Option<Pass> {
        let address = address.to_canonical();
        let mut counts = lock(&self.counts);
        if counts.all >= all || counts.by_address.get(&address).is_some_and(|it| *it >= each) {
            return None;
        }
        counts.all += 1;
        *counts.by_address.entry(address).or_default() += 1;
        Some(Pass { gate: self.clone(), address })
    }

    /// How many are connected.
    pub fn count(&self) -> usize {
        lock(&self.counts).all
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = lock(&self.gate.counts);
        counts.all -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_03_the_excess_stays_outside_and_leaving_makes_room() {
        let gate = Arc::new(Gate::default());
        let address = |it: u8| IpAddr::from([10, 0, 0, it]);
        let first = gate.enter(address(1), 3, 2).unwrap();
        let _second = gate.enter(address(1), 3, 2).unwrap();
        assert!(gate.enter(address(1), 3, 2).is_none(), "two from one address");
        let _third = gate.enter(address(2), 3, 2).unwrap();
        assert!(gate.enter(address(3), 3, 2).is_none(), "three in all");
        drop(first);
        assert!(gate.enter("::ffff:10.0.0.1".parse().unwrap(), 3, 2).is_some());
        assert_eq!(gate.count(), 2);
    }
}
