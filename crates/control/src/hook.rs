//! Delivery of notices to one webhook: in order, one at a time, again and again, within a bound.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::machine::{Queue, due, earliest};
use crate::output::spread;
use crate::{Error, Machine, Now};

/// The most of an answer that a driver should read: 64 KiB. Nothing in it matters beside the status.
pub const HOOK_ANSWER: usize = 64 * 1024;

/// How a hook is delivered to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HookRules {
    /// How long an answer may take: 5 s.
    pub answer_limit: Duration,
    /// The waits before attempts two, three and so on: 1, 5, 30, 120, 600, 1800, 3600 s. Empty: each is sent once.
    pub waits: Vec<Duration>,
    /// Bodies that wait. The oldest goes when another comes.
    pub queue: usize,
    /// Finished deliveries that are remembered.
    pub log: usize,
}

impl Default for HookRules {
    fn default() -> Self {
        let waits = [1, 5, 30, 120, 600, 1800, 3600].map(Duration::from_secs);
        Self {
            answer_limit: Duration::from_secs(5),
            waits: Vec::from(waits),
            queue: 1000,
            log: 100,
        }
    }
}

impl HookRules {
    /// Without retries.
    pub fn once() -> Self {
        Self { waits: vec![], ..Self::default() }
    }
}

/// How a delivery went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HookAnswer {
    /// An HTTP status. Redirects are not followed: a 302 is a failure.
    Status {
        /// The status.
        status: u16,
        /// What `Retry-After` said.
        retry_after: Option<Duration>,
    },
    /// No connection, or none to an allowed address.
    Unreachable,
    /// No answer in time.
    TimedOut,
}

impl HookAnswer {
    const fn is_success(self) -> bool {
        matches!(self, Self::Status { status: 200..=299, .. })
    }
}

/// What happens to a [`Hook`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HookEvent {
    /// Another body to deliver.
    Push {
        /// The body.
        body: String,
    },
    /// An attempt is over.
    Answered {
        /// Of which delivery.
        delivery: u64,
        /// Which attempt.
        attempt: u32,
        /// How it went.
        answer: HookAnswer,
    },
}

/// What a [`Hook`] wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HookAction {
    /// POST the body with `Webhook-Id: {hook}-{delivery}`, `Webhook-Attempt: {attempt}` and a signature over
    /// [`signed_text`]. Say [`HookEvent::Answered`].
    ///
    /// Deliveries are numbered by each hook for itself, so the id names both. Store the snapshot first: what was
    /// posted and forgotten would give its number to another.
    Post {
        /// The delivery's number, the same over all attempts.
        delivery: u64,
        /// The attempt, from 1.
        attempt: u32,
        /// The body.
        body: String,
    },
    /// Drop the connection: the answer took too long.
    Abort {
        /// The delivery's number.
        delivery: u64,
        /// The attempt.
        attempt: u32,
    },
}

/// A finished delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Delivered {
    /// Its number.
    pub delivery: u64,
    /// How many attempts it took.
    pub attempts: u32,
    /// The last answer.
    pub answer: HookAnswer,
    /// Whether it arrived.
    pub success: bool,
    /// When, on the calendar.
    pub at: i64,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Waiting {
    delivery: u64,
    attempt: u32,
    body: String,
}

/// One webhook's line of deliveries.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/hook.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hook {
    rules: HookRules,
    queue: Queue<Waiting>,
    /// Until when the first of the queue may be answered.
    in_flight: Option<Duration>,
    /// When the first of the queue is tried again.
    retry: Option<Duration>,
    next_delivery: u64,
    log: Queue<Delivered>,
    failed: u64,
    actions: Queue<HookAction>,
}

impl Hook {
    /// One with nothing to deliver.
    pub fn new(rules: HookRules) -> Self {
        let (queue, log) = (Queue::new(rules.queue.max(1)), Queue::new(rules.log.max(1)));
        Self {
            rules,
            queue,
            in_flight: None,
            retry: None,
            next_delivery: 1,
            log,
            failed: 0,
            actions: Queue::actions(),
        }
    }

    /// Other numbers from the next attempt on.
    pub(crate) fn configure(&mut self, rules: HookRules) {
        self.rules = rules;
    }

    /// Deliveries that wait, with the one in flight.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Deliveries that went because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Deliveries that were given up after the last attempt.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Finished deliveries, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Delivered> {
        self.log.iter()
    }

    /// The process began anew: what was in flight is sent again. It arrives at least once.
    pub(crate) fn restart(&mut self, now: Now) {
        self.actions.clear();
        if self.in_flight.take().is_some() {
            // An attempt that nobody heard the end of does not count.
            if let Some(first) = self.queue.front_mut() {
                first.attempt = first.attempt.saturating_sub(1);
            }
        }
        self.send(now);
    }

    /// Sends the first of the queue, if nothing is in flight and no wait is on.
    fn send(&mut self, now: Now) {
        if self.in_flight.is_some() || self.retry.is_some() {
            return;
        }
        let Some(first) = self.queue.front_mut() else { return };
        first.attempt = first.attempt.saturating_add(1);
        let Waiting { delivery, attempt, body } = first.clone();
        self.in_flight = Some(now.mono.saturating_add(self.rules.answer_limit));
        self.actions.push(HookAction::Post { delivery, attempt, body });
    }

    fn push(&mut self, now: Now, body: String) {
        if self.queue.is_full() && self.queue.front().is_some_and(|it| it.attempt > 0) {
            // The first of the queue goes: its attempts and waits with it.
            if let (Some(first), true) = (self.queue.front(), self.in_flight.is_some()) {
                self.actions
                    .push(HookAction::Abort { delivery: first.delivery, attempt: first.attempt });
            }
            (self.in_flight, self.retry) = (None, None);
        }
        self.queue.push(Waiting { delivery: self.next_delivery, attempt: 0, body });
        self.next_delivery = self.next_delivery.saturating_add(1);
        self.send(now);
    }

    fn answered(&mut self, now: Now, answer: HookAnswer) {
        self.in_flight = None;
        let Some(first) = self.queue.front() else { return };
        let (delivery, attempts) = (first.delivery, first.attempt);
        let retries = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.rules.waits.get(retries).copied().filter(|_| !answer.is_success());
        if let Some(wait) = wait {
            let wait = wait.max(self.asked_wait(answer, delivery)).max(Duration::from_millis(1));
            self.retry = Some(now.mono.saturating_add(wait));
            return;
        }
        let success = answer.is_success();
        self.failed = self.failed.saturating_add(u64::from(!success));
        self.log.push(Delivered { delivery, attempts, answer, success, at: now.unix_ms });
        self.queue.pop();
        self.send(now);
    }

    /// What `Retry-After` asks for, but never longer than our own longest wait, and spread a little: an endpoint that
    /// asks everybody to come back at once would be hit by everybody at once.
    fn asked_wait(&self, answer: HookAnswer, delivery: u64) -> Duration {
        let HookAnswer::Status { retry_after: Some(asked), .. } = answer else {
            return Duration::ZERO;
        };
        let longest = self.rules.waits.iter().max().copied().unwrap_or(Duration::ZERO);
        let percent = u32::try_from(spread(delivery, 1) % 11).unwrap_or(0);
        let asked = asked.min(longest);
        asked.saturating_add(asked / 100 * percent)
    }
}

impl Machine for Hook {
    type Event = HookEvent;
    type Action = HookAction;

    fn handle(&mut self, now: Now, event: HookEvent) -> Result<(), Error> {
        self.tick(now);
        match event {
            HookEvent::Push { body } => self.push(now, body),
            HookEvent::Answered { delivery, attempt, answer } => {
                let first = self.queue.front().map(|it| (it.delivery, it.attempt));
                if first == Some((delivery, attempt)) && self.in_flight.is_some() {
                    self.answered(now, answer);
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.in_flight, now) {
            if let Some(first) = self.queue.front() {
                self.actions
                    .push(HookAction::Abort { delivery: first.delivery, attempt: first.attempt });
            }
            self.answered(now, HookAnswer::TimedOut);
        }
        if due(self.retry, now) {
            self.retry = None;
            self.send(now);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        earliest([self.in_flight, self.retry])
    }

    fn poll(&mut self) -> Option<HookAction> {
        self.actions.pop()
    }
}

/// What HMAC-SHA256 is taken of with the hook's secret: `{time}.{body}`.
pub fn signed_text(unix_seconds: i64, body: &str) -> String {
    alloc::format!("{unix_seconds}.{body}")
}

/// The value of `Webhook-Signature`: `time={time},sig1={hex}`.
pub fn signature_header(unix_seconds: i64, hmac: &[u8; 32]) -> String {
    use core::fmt::Write as _;
    let mut header = alloc::format!("time={unix_seconds},sig1=");
    for byte in hmac {
        // Writing into a String can't fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}
