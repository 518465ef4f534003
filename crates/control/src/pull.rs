//! An input that fetches its media itself.

use core::time::Duration;

use crate::machine::{Queue, due, earliest};
use crate::{Error, Machine, Now, PullRules};

/// Where a pull stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PullState {
    /// Not asked to run.
    Off,
    /// A URL is being tried.
    Connecting,
    /// The source answered.
    Receiving,
    /// The last attempt failed; the next one comes.
    Waiting {
        /// When.
        until: Duration,
    },
    /// Switched off because nothing came for long. Only [`PullEvent::Start`] starts it again.
    Deactivated,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PullFailure {
    /// The name was not resolved.
    Dns,
    /// The connection was refused, or took too long.
    Connect,
    /// The address is not one that this server calls.
    Forbidden,
    /// TLS failed.
    Tls,
    /// The handshake failed.
    Handshake,
    /// `connect` or `play` was refused.
    Refused,
    /// An HTTP status other than 200, on whichever request.
    Http(u16),
    /// The source closed.
    Closed,
    /// No video for too long. Audio alone does not count.
    NoVideo,
}

impl PullFailure {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect_refused",
            Self::Forbidden => "target_forbidden",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Refused => "connect_rejected",
            Self::Http(_) => "http_status",
            Self::Closed => "remote_closed",
            Self::NoVideo => "no_video",
        }
    }
}

/// What happens to a [`Pull`]. What belongs to an attempt carries its number; results of an older one are ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PullEvent {
    /// Run, from the first URL and the first wait.
    Start,
    /// Stop.
    Stop,
    /// There are this many URLs now, none of which has been tried.
    SetUrls(usize),
    /// The source agreed to send.
    Connected {
        /// Which attempt.
        attempt: u64,
    },
    /// A video frame came.
    Video {
        /// Which attempt.
        attempt: u64,
        /// Whether it is a keyframe.
        key: bool,
    },
    /// The attempt is over.
    Failed {
        /// Which attempt.
        attempt: u64,
        /// Why.
        why: PullFailure,
    },
}

/// What a [`Pull`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PullAction {
    /// Connect to this URL of the list.
    Connect {
        /// The attempt's number.
        attempt: u64,
        /// Which URL, from 0.
        url: usize,
    },
    /// Drop this attempt's connection at once. No answer is waited for.
    Close {
        /// The attempt's number.
        attempt: u64,
    },
    /// The source is lost, or was never there.
    Lost {
        /// The attempt's number.
        attempt: u64,
        /// Which URL.
        url: usize,
        /// Why.
        why: PullFailure,
    },
    /// Nothing came for so long that the pull switched itself off.
    Deactivated,
}

/// One pull: at most one attempt at a time, URLs in turn, a wait after each failure.
///
/// ```
/// use core::time::Duration;
/// use levada_control::{Machine, Now, Pull, PullAction, PullEvent, PullFailure, PullRules};
///
/// let mut pull = Pull::new(PullRules::default(), 2);
/// let now = Now::default();
/// pull.handle(now, PullEvent::Start)?;
/// assert_eq!(pull.poll(), Some(PullAction::Connect { attempt: 1, url: 0 }));
///
/// pull.handle(now, PullEvent::Failed { attempt: 1, why: PullFailure::Dns })?;
/// assert_eq!(pull.next_deadline(), Some(Duration::from_secs(10)));
/// # Ok::<(), levada_control::Error>(())
/// ```
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/pull.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pull {
    rules: PullRules,
    urls: usize,
    state: PullState,
    /// Rises with every attempt for the life of the pull.
    attempt: u64,
    /// Attempts since it was started: chooses the URL.
    turn: usize,
    /// Failures since the last keyframe: chooses the wait.
    step: usize,
    /// The attempt's begin, then its last video.
    last_video: Duration,
    /// The start, then the last video of any attempt.
    last_data: Duration,
    last_failure: Option<PullFailure>,
    actions: Queue<PullAction>,
}

impl Pull {
    /// One that is off.
    pub fn new(rules: PullRules, urls: usize) -> Self {
        Self {
            rules,
            urls,
            state: PullState::Off,
            attempt: 0,
            turn: 0,
            step: 0,
            last_video: Duration::ZERO,
            last_data: Duration::ZERO,
            last_failure: None,
            actions: Queue::actions(),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> PullState {
        self.state
    }

    /// The number of the last attempt.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Which URL the last attempt used.
    pub fn url(&self) -> usize {
        self.turn.saturating_sub(1).checked_rem(self.urls).unwrap_or(0)
    }

    /// Why the last attempt failed.
    pub fn last_failure(&self) -> Option<PullFailure> {
        self.last_failure
    }

    pub(crate) fn is_trying(&self) -> bool {
        matches!(self.state, PullState::Connecting | PullState::Receiving)
    }

    fn start(&mut self, now: Now) {
        if matches!(self.state, PullState::Off | PullState::Deactivated) && self.urls > 0 {
            (self.turn, self.step, self.last_data, self.last_failure) = (0, 0, now.mono, None);
            self.connect(now);
        }
    }

    fn stop(&mut self) {
        if self.is_trying() {
            self.actions.push(PullAction::Close { attempt: self.attempt });
        }
        self.state = PullState::Off;
    }

    fn connect(&mut self, now: Now) {
        self.attempt = self.attempt.saturating_add(1);
        self.turn = self.turn.wrapping_add(1);
        self.last_video = now.mono;
        self.state = PullState::Connecting;
        self.actions.push(PullAction::Connect { attempt: self.attempt, url: self.url() });
    }

    fn fail(&mut self, now: Now, why: PullFailure) {
        self.last_failure = Some(why);
        self.actions.push(PullAction::Lost { attempt: self.attempt, url: self.url(), why });
        let round_is_over = self.turn.checked_rem(self.urls).unwrap_or(0) == 0;
        if self.rules.by_rounds && !round_is_over {
            return self.connect(now);
        }
        let last = self.rules.waits.len().saturating_sub(1);
        // An empty ladder must not spin.
        let wait = self.rules.waits.get(self.step.min(last)).copied();
        let wait = wait.unwrap_or(Duration::from_secs(10)).max(Duration::from_millis(1));
        self.step = self.step.saturating_add(1);
        self.state = PullState::Waiting { until: now.mono.saturating_add(wait) };
    }

    fn video(&mut self, now: Now, key: bool) {
        (self.last_video, self.last_data, self.state) = (now.mono, now.mono, PullState::Receiving);
        if key {
            self.step = 0;
        }
    }

    /// When it is switched off, if it runs.
    fn deactivation(&self) -> Option<Duration> {
        let runs = !matches!(self.state, PullState::Off | PullState::Deactivated);
        runs.then(|| self.last_data.saturating_add(self.rules.deactivate_after))
    }

    fn no_video(&self) -> Option<Duration> {
        self.is_trying().then(|| self.last_video.saturating_add(self.rules.no_video))
    }

    /// When the next attempt comes, if one is waited for.
    pub fn retry_at(&self) -> Option<Duration> {
        match self.state {
            PullState::Waiting { until } => Some(until),
            _ => None,
        }
    }
}

impl Machine for Pull {
    type Event = PullEvent;
    type Action = PullAction;

    fn handle(&mut self, now: Now, event: PullEvent) -> Result<(), Error> {
        self.tick(now);
        let is_present = |attempt| attempt == self.attempt && self.is_trying();
        match event {
            PullEvent::Start => self.start(now),
            PullEvent::Stop => self.stop(),
            PullEvent::SetUrls(urls) => {
                let runs = self.deactivation().is_some();
                if runs {
                    self.stop();
                }
                self.urls = urls;
                if runs {
                    self.start(now);
                }
            }
            PullEvent::Connected { attempt } if is_present(attempt) => {
                self.state = PullState::Receiving
            }
            PullEvent::Video { attempt, key } if is_present(attempt) => self.video(now, key),
            PullEvent::Failed { attempt, why } if is_present(attempt) => self.fail(now, why),
            PullEvent::Connected { .. } | PullEvent::Video { .. } | PullEvent::Failed { .. } => {}
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.deactivation(), now) {
            self.stop();
            self.state = PullState::Deactivated;
            self.actions.push(PullAction::Deactivated);
        }
        if due(self.no_video(), now) {
            self.actions.push(PullAction::Close { attempt: self.attempt });
            self.fail(now, PullFailure::NoVideo);
        }
        if due(self.retry_at(), now) {
            self.connect(now);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        earliest([self.deactivation(), self.no_video(), self.retry_at()])
    }

    fn poll(&mut self) -> Option<PullAction> {
        self.actions.pop()
    }
}
