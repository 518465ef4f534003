use core::time::Duration;
use std::time::Instant;

/// A clock that goes only where the test puts it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    now: Instant,
}

impl Clock {
    /// A clock at its beginning.
    #[expect(
        clippy::disallowed_methods,
        clippy::new_without_default,
        reason = "the one real reading: an Instant has no other origin"
    )]
    pub fn new() -> Self {
        let start = Instant::now();
        Self { start, now: start }
    }

    /// The moment it shows.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How far it is from its beginning.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Moves it forward.
    pub fn advance(&mut self, by: Duration) -> Instant {
        self.now += by;
        self.now
    }

    /// Moves it forward to `then`. Never back.
    pub fn advance_to(&mut self, then: Instant) -> Instant {
        self.now = self.now.max(then);
        self.now
    }
}
