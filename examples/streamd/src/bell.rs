//! Wakes all who wait for the same.

use std::future::poll_fn;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::lock::lock;

/// Rings for hundreds of tasks that listen again at once.
///
/// A channel has each of them take its place in a list anew for every message. Here a task sits down once, and all
/// that it does for a message is to compare two numbers.
#[derive(Debug, Default)]
pub struct Bell {
    rings: AtomicU64,
    seats: Mutex<Vec<Option<Waker>>>,
}

/// One who listens, from now on.
#[derive(Debug)]
pub struct Listener {
    bell: Arc<Bell>,
    seat: usize,
    /// Whom the seat wakes.
    waker: Waker,
    /// How often it had rung when that was last looked at.
    heard: u64,
}

impl Bell {
    fn seats(&self) -> MutexGuard<'_, Vec<Option<Waker>>> {
        lock(&self.seats)
    }

    pub fn ring(&self) {
        // First: who takes a seat after this was done for all seats sees the number.
        self.rings.fetch_add(1, Release);
        self.seats().iter().flatten().for_each(Waker::wake_by_ref);
    }

    pub fn listen(self: &Arc<Self>) -> Listener {
        let waker = Waker::noop().clone();
        let mut seats = self.seats();
        let free = seats.iter().position(Option::is_none);
        let seat = free.unwrap_or(seats.len());
        if free.is_none() {
            seats.push(None);
        }
        seats[seat] = Some(waker.clone());
        drop(seats);
        let heard = self.rings.load(Acquire);
        Listener { bell: self.clone(), seat, waker, heard }
    }
}

impl Listener {
    /// Whatever rang until now is heard.
    pub fn hear(&mut self) {
        self.heard = self.bell.rings.load(Acquire);
    }

    /// Ready once after any number of rings.
    pub fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if !self.waker.will_wake(context.waker()) {
            self.waker = context.waker().clone();
            self.bell.seats()[self.seat] = Some(self.waker.clone());
        }
        let heard = self.heard;
        self.hear();
        if self.heard == heard { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Resolves after any number of rings.
    pub async fn ring(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.bell.seats()[self.seat] = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn each_ring_wakes_and_is_heard_once() {
        let bell = Arc::new(Bell::default());
        bell.ring();
        let (count, mut listener) = (Arc::new(Count::default()), bell.listen());
        let waker = Waker::from(count.clone());
        let context = Context::from_waker(&waker);
        assert!(listener.poll(&context).is_pending(), "what rang before is not heard");
        bell.ring();
        bell.ring();
        assert_eq!(count.0.load(SeqCst), 2);
        assert!(listener.poll(&context).is_ready());
        assert!(listener.poll(&context).is_pending());
        bell.ring();
        listener.hear();
        assert!(listener.poll(&context).is_pending());
    }

    #[test]
    fn seats_are_used_again() {
        let bell = Arc::new(Bell::default());
        let first = bell.listen();
        let _second = bell.listen();
        drop(first);
        let _third = bell.listen();
        assert_eq!(bell.seats().len(), 2);
        bell.ring();
    }
}
