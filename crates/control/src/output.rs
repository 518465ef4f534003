//! A push of one input to another server.

use alloc::string::String;
use core::time::Duration;

use crate::machine::{Queue, due, earliest};
use crate::{Error, Machine, Now};

/// The numbers of an output.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OutputRules {
    /// The oldest that queued media may be: 5 s. Older video goes up to the next keyframe.
    pub max_delay: Duration,
    /// How long each of name, connection and answers may take: 10 s.
    pub connect_limit: Duration,
    /// A target that takes nothing for this long has stalled: 10 s.
    pub stall_limit: Duration,
    /// As many windows without an acknowledgement have stalled: 3.
    pub stall_windows: u32,
    /// How long an orderly farewell may take: 2 s.
    pub close_limit: Duration,
    /// The first wait after a failure: 1 s. It doubles.
    pub first_wait: Duration,
    /// The longest wait: 30 s.
    pub longest_wait: Duration,
    /// After this long live the waits begin anew: 60 s.
    pub calm_after: Duration,
    /// Refusals in a row that end it: 3.
    pub refusals: u32,
    /// It stops after this long without a source. `None`: never.
    pub give_up: Option<Duration>,
}

impl Default for OutputRules {
    fn default() -> Self {
        Self {
            max_delay: Duration::from_secs(5),
            connect_limit: Duration::from_secs(10),
            stall_limit: Duration::from_secs(10),
            stall_windows: 3,
            close_limit: Duration::from_secs(2),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            calm_after: Duration::from_secs(60),
            refusals: 3,
            give_up: None,
        }
    }
}

/// Where an output stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OutputState {
    /// Switched off.
    Disabled,
    /// Its input is not live, or the last connection is still closing.
    Waiting,
    /// The target's name is being resolved.
    Resolving,
    /// Connection, TLS, handshake, `connect`.
    Connecting,
    /// `publish` was sent.
    Publishing,
    /// The target takes media.
    Live,
    /// The next attempt comes.
    Backoff {
        /// When.
        until: Duration,
    },
    /// No more attempts until it is enabled again.
    Failed,
    /// Stopped by the operator, or without a source for too long.
    Stopped,
}

impl OutputState {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Waiting => "waiting",
            Self::Resolving => "resolving",
            Self::Connecting => "connecting",
            Self::Publishing => "publishing",
            Self::Live => "live",
            Self::Backoff { .. } => "backoff",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether it is on its way or there: what surface C lists.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Disabled | Self::Waiting | Self::Failed | Self::Stopped)
    }

    const fn is_connected(self) -> bool {
        matches!(self, Self::Resolving | Self::Connecting | Self::Publishing | Self::Live)
    }
}

/// Why an attempt or an output failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OutputError {
    /// The name was not resolved.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// Too slow.
    ConnectTimeout,
    /// The certificate is not good, or TLS failed otherwise. There is no falling back to plain.
    Tls,
    /// The handshake failed.
    Handshake,
    /// `connect` was refused.
    ConnectRejected,
    /// `publish` was refused.
    PublishRejected,
    /// The target closed.
    RemoteClosed,
    /// Nothing flows.
    Stalled,
    /// The target does not take this codec.
    CodecNotAccepted,
    /// The address is not one that this server calls.
    TargetForbidden,
    /// The input ended.
    InputEnded,
}

impl OutputError {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::ConnectRejected => "connect_rejected",
            Self::PublishRejected => "publish_rejected",
            Self::RemoteClosed => "remote_closed",
            Self::Stalled => "stalled",
            Self::CodecNotAccepted => "codec_not_accepted",
            Self::TargetForbidden => "target_forbidden",
            Self::InputEnded => "input_ended",
        }
    }

    const fn is_refusal(self) -> bool {
        matches!(self, Self::ConnectRejected | Self::PublishRejected | Self::CodecNotAccepted)
    }
}

/// What an output's input is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Source {
    /// There is media.
    Live,
    /// The publisher is away and may come back.
    Suspended,
    /// There is none.
    Off,
}

/// What a connection has moved, in bytes since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "filled in by drivers")]
pub struct Progress {
    /// Taken by the socket.
    pub sent: u64,
    /// Acknowledged by the target.
    pub acknowledged: u64,
    /// The window after which the target acknowledges. 0: it named none.
    pub window: u32,
    /// The age of the oldest media that waits.
    pub queue_ms: u64,
    /// Video frames dropped.
    pub dropped_frames: u64,
    /// The round trip, once measured.
    pub rtt_ms: Option<u32>,
}

/// What happens to an [`Output`]. What belongs to a connection carries its attempt's number; what an older one still
/// has to say is ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OutputEvent {
    /// Run whenever the input is live.
    Enable,
    /// Do not.
    Disable,
    /// Stop for good, until it is enabled again.
    Stop,
    /// The input changed.
    Source(Source),
    /// The name was resolved to an allowed address.
    Resolved {
        /// Which attempt.
        attempt: u64,
    },
    /// `connect` was accepted.
    Connected {
        /// Which attempt.
        attempt: u64,
    },
    /// `publish` was accepted.
    Published {
        /// Which attempt.
        attempt: u64,
    },
    /// Bytes moved. Tell it about once a second.
    Progress {
        /// Which attempt.
        attempt: u64,
        /// How many.
        progress: Progress,
    },
    /// The attempt failed or the connection is lost. Nothing of it is left.
    Lost {
        /// Which attempt.
        attempt: u64,
        /// Why.
        why: OutputError,
        /// The target's own status code, if it gave one.
        remote: Option<String>,
    },
    /// The farewell is said, nothing of the connection is left.
    Closed {
        /// Which attempt.
        attempt: u64,
    },
}

/// What an [`Output`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OutputAction {
    /// Resolve, check the address, connect, publish.
    Connect {
        /// The attempt's number.
        attempt: u64,
    },
    /// Send metadata and sequence headers, then everything from the newest cached keyframe on.
    Feed {
        /// The attempt's number.
        attempt: u64,
    },
    /// Drop queued video up to the next keyframe; keep audio and headers.
    DropToKeyframe {
        /// The attempt's number.
        attempt: u64,
    },
    /// FCUnpublish, deleteStream, close; then say [`OutputEvent::Closed`].
    Close {
        /// The attempt's number.
        attempt: u64,
    },
    /// Close the socket at once: there is no more time.
    Abort {
        /// The attempt's number.
        attempt: u64,
    },
    /// The target accepted. Followed by one `Stopped` or `Failed`.
    Started,
    /// Another attempt comes.
    Retrying {
        /// Why.
        why: OutputError,
        /// When.
        at: Duration,
    },
    /// It was stopped, or its input ended.
    Stopped,
    /// No more attempts come.
    Failed {
        /// Why.
        why: OutputError,
    },
}

/// What an output has done so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OutputFigures {
    /// Bytes of all connections.
    pub bytes_sent: u64,
    /// Of the present one.
    pub progress: Progress,
    /// Connections that got through to `publish`.
    pub connects: u64,
    /// Attempts after a failure.
    pub retries: u64,
    /// Why the last one failed.
    pub last_error: Option<OutputError>,
    /// What the target said to it.
    pub last_remote: Option<String>,
    /// Bits a second over the last second or so, and over the last ten.
    pub bitrate: (u64, u64),
}

impl OutputFigures {
    /// Bytes that the target has not acknowledged.
    pub fn unacknowledged(&self) -> u64 {
        self.progress.sent.saturating_sub(self.progress.acknowledged)
    }
}

/// One output: at most one connection, live only while bytes flow.
///
/// ```
/// use core::time::Duration;
/// use levada_control::{Machine, Now, Output, OutputAction, OutputEvent, OutputRules, OutputState, Source};
///
/// let mut output = Output::new(OutputRules::default(), 7);
/// let now = Now::default();
/// output.handle(now, OutputEvent::Enable)?;
/// output.handle(now, OutputEvent::Source(Source::Live))?;
/// assert_eq!(output.poll(), Some(OutputAction::Connect { attempt: 1 }));
///
/// output.handle(now, OutputEvent::Published { attempt: 1 })?;
/// assert_eq!(output.poll(), Some(OutputAction::Started));
/// assert_eq!(output.poll(), Some(OutputAction::Feed { attempt: 1 }));
///
/// // The socket takes nothing for ten seconds.
/// output.tick(Now { mono: Duration::from_secs(10), unix_ms: 0 });
/// assert!(matches!(output.state(), OutputState::Backoff { .. }));
/// # Ok::<(), levada_control::Error>(())
/// ```
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/output.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Output {
    rules: OutputRules,
    seed: u64,
    state: OutputState,
    source: Source,
    attempt: u64,
    /// When the present step began: connecting, publishing, live.
    since: Duration,
    /// When the socket last took bytes, or the source came back.
    last_sent: Duration,
    /// How many bytes were sent when the target last acknowledged some.
    sent_at_acknowledgement: u64,
    /// A connection that is saying farewell, and when it is cut off.
    closing: Option<(u64, Duration)>,
    /// Since when there has been no source.
    sourceless: Option<Duration>,
    failures: u32,
    refusals: u32,
    /// Whether `Started` is out and neither `Stopped` nor `Failed` followed.
    announced: bool,
    rate: Rate,
    figures: OutputFigures,
    actions: Queue<OutputAction>,
}

impl Output {
    /// A disabled one. The seed spreads its retries: outputs with different ones do not knock together.
    pub fn new(rules: OutputRules, seed: u64) -> Self {
        Self {
            rules,
            seed,
            state: OutputState::Disabled,
            source: Source::Off,
            attempt: 0,
            since: Duration::ZERO,
            last_sent: Duration::ZERO,
            sent_at_acknowledgement: 0,
            closing: None,
            sourceless: None,
            failures: 0,
            refusals: 0,
            announced: false,
            rate: Rate::default(),
            figures: OutputFigures::default(),
            actions: Queue::actions(),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> OutputState {
        self.state
    }

    /// Since when the target takes media.
    pub fn live_since(&self) -> Option<Duration> {
        (self.state == OutputState::Live).then_some(self.since)
    }

    /// The number of the last attempt.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// What it has done so far.
    pub fn figures(&self) -> &OutputFigures {
        &self.figures
    }

    /// Another age for queued media from now on.
    pub(crate) fn configure(&mut self, max_delay: Duration) {
        self.rules.max_delay = max_delay;
    }

    /// The process began anew: no connection is left, and no publisher either, who will bring it back.
    pub(crate) fn restart(&mut self) {
        self.closing = None;
        self.actions.clear();
        if self.state.is_connected() {
            self.state = OutputState::Waiting;
            self.figures.last_error = Some(OutputError::RemoteClosed);
        }
    }

    /// Connects if everything is there for it.
    fn advance(&mut self, now: Now) {
        if self.state == OutputState::Waiting
            && self.source == Source::Live
            && self.closing.is_none()
        {
            self.attempt = self.attempt.saturating_add(1);
            self.since = now.mono;
            self.state = OutputState::Resolving;
            self.figures.progress = Progress::default();
            self.figures.bitrate = (0, 0);
            self.rate = Rate::default();
            self.actions.push(OutputAction::Connect { attempt: self.attempt });
        }
    }

    /// Says farewell if there is anybody to say it to.
    fn close(&mut self, now: Now) {
        if self.state.is_connected() {
            self.actions.push(OutputAction::Close { attempt: self.attempt });
            self.closing = Some((self.attempt, now.mono.saturating_add(self.rules.close_limit)));
        }
    }

    fn enable(&mut self, now: Now) {
        if matches!(self.state, OutputState::Disabled | OutputState::Failed | OutputState::Stopped)
        {
            self.state = OutputState::Waiting;
            (self.failures, self.refusals) = (0, 0);
            self.sourceless = (self.source == Source::Off).then_some(now.mono);
            self.advance(now);
        }
    }

    fn leave(&mut self, now: Now, state: OutputState) {
        self.close(now);
        let tell = core::mem::take(&mut self.announced) || self.state.is_active();
        self.state = state;
        self.sourceless = None;
        if tell {
            self.actions.push(OutputAction::Stopped);
        }
    }

    fn set_source(&mut self, now: Now, source: Source) {
        let before = core::mem::replace(&mut self.source, source);
        match source {
            Source::Live => {
                self.sourceless = None;
                if before != Source::Live {
                    // The clock of stalls stood while there was nothing to send.
                    self.last_sent = now.mono;
                }
                self.advance(now);
            }
            Source::Suspended => {}
            Source::Off => {
                if self.state.is_active() {
                    self.close(now);
                    self.figures.last_error = Some(OutputError::InputEnded);
                    self.state = OutputState::Waiting;
                }
                if core::mem::take(&mut self.announced) {
                    self.actions.push(OutputAction::Stopped);
                }
                if self.state == OutputState::Waiting && self.sourceless.is_none() {
                    self.sourceless = Some(now.mono);
                }
            }
        }
    }

    fn published(&mut self, now: Now) {
        self.state = OutputState::Live;
        (self.since, self.last_sent) = (now.mono, now.mono);
        self.sent_at_acknowledgement = 0;
        self.refusals = 0;
        self.figures.connects = self.figures.connects.saturating_add(1);
        if !core::mem::replace(&mut self.announced, true) {
            self.actions.push(OutputAction::Started);
        }
        self.actions.push(OutputAction::Feed { attempt: self.attempt });
    }

    fn progress(&mut self, now: Now, progress: Progress) {
        let before = core::mem::replace(&mut self.figures.progress, progress);
        let grown = progress.sent.saturating_sub(before.sent);
        if grown > 0 {
            self.last_sent = now.mono;
            self.figures.bytes_sent = self.figures.bytes_sent.saturating_add(grown);
        }
        self.figures.bitrate = self.rate.observe(now, progress.sent);
        if progress.acknowledged > before.acknowledged {
            self.sent_at_acknowledgement = progress.sent;
        }
        if self.state != OutputState::Live {
            return;
        }
        // Many targets never acknowledge anything; only one that did and stopped has stalled.
        let allowed =
            u64::from(progress.window).saturating_mul(u64::from(self.rules.stall_windows));
        let silent = progress.sent.saturating_sub(self.sent_at_acknowledgement);
        if progress.acknowledged > 0 && allowed > 0 && silent >= allowed {
            return self.stalled(now);
        }
        if Duration::from_millis(progress.queue_ms) > self.rules.max_delay {
            self.actions.push(OutputAction::DropToKeyframe { attempt: self.attempt });
        }
    }

    fn stalled(&mut self, now: Now) {
        self.actions.push(OutputAction::Abort { attempt: self.attempt });
        self.fail(now, OutputError::Stalled);
    }

    fn fail(&mut self, now: Now, why: OutputError) {
        self.figures.last_error = Some(why);
        let calm = now.mono.saturating_sub(self.since) >= self.rules.calm_after;
        if self.state == OutputState::Live && calm {
            self.failures = 0;
        }
        self.refusals = if why.is_refusal() { self.refusals.saturating_add(1) } else { 0 };
        if why == OutputError::TargetForbidden || self.refusals >= self.rules.refusals {
            self.state = OutputState::Failed;
            self.announced = false;
            self.sourceless = None;
            self.actions.push(OutputAction::Failed { why });
            return;
        }
        let at = now.mono.saturating_add(self.wait());
        self.failures = self.failures.saturating_add(1);
        self.figures.retries = self.figures.retries.saturating_add(1);
        self.state = OutputState::Backoff { until: at };
        self.actions.push(OutputAction::Retrying { why, at });
    }

    /// Doubles with each failure, and lies up to a fifth beside that, differently for every output and attempt.
    fn wait(&self) -> Duration {
        let doubled = self.rules.first_wait.saturating_mul(1 << self.failures.min(16));
        let wait = doubled.min(self.rules.longest_wait);
        let percent = 80 + u32::try_from(spread(self.seed, self.attempt) % 41).unwrap_or(20);
        (wait.saturating_mul(percent) / 100).max(Duration::from_millis(1))
    }

    /// When the present step has taken too long.
    fn limit(&self) -> Option<Duration> {
        match self.state {
            OutputState::Resolving | OutputState::Connecting | OutputState::Publishing => {
                Some(self.since.saturating_add(self.rules.connect_limit))
            }
            OutputState::Live if self.source == Source::Live => {
                Some(self.last_sent.saturating_add(self.rules.stall_limit))
            }
            _ => None,
        }
    }

    fn retry(&self) -> Option<Duration> {
        match self.state {
            OutputState::Backoff { until } => Some(until),
            _ => None,
        }
    }

    fn give_up(&self) -> Option<Duration> {
        Some(self.sourceless?.saturating_add(self.rules.give_up?))
    }
}

impl Machine for Output {
    type Event = OutputEvent;
    type Action = OutputAction;

    fn handle(&mut self, now: Now, event: OutputEvent) -> Result<(), Error> {
        self.tick(now);
        let is_present = |attempt: u64| attempt == self.attempt && self.state.is_connected();
        match event {
            OutputEvent::Enable => self.enable(now),
            OutputEvent::Disable => self.leave(now, OutputState::Disabled),
            OutputEvent::Stop => self.leave(now, OutputState::Stopped),
            OutputEvent::Source(source) => self.set_source(now, source),
            OutputEvent::Resolved { attempt } if is_present(attempt) => {
                if self.state == OutputState::Resolving {
                    (self.state, self.since) = (OutputState::Connecting, now.mono);
                }
            }
            OutputEvent::Connected { attempt } if is_present(attempt) => {
                if matches!(self.state, OutputState::Resolving | OutputState::Connecting) {
                    (self.state, self.since) = (OutputState::Publishing, now.mono);
                }
            }
            OutputEvent::Published { attempt } if is_present(attempt) => {
                if self.state != OutputState::Live {
                    self.published(now);
                }
            }
            OutputEvent::Progress { attempt, progress } if is_present(attempt) => {
                self.progress(now, progress)
            }
            OutputEvent::Lost { attempt, why, remote } if is_present(attempt) => {
                self.figures.last_remote = remote.map(|it| clip(it, 256));
                self.fail(now, why);
            }
            // Nobody asked for it.
            OutputEvent::Closed { attempt } if is_present(attempt) => {
                self.fail(now, OutputError::RemoteClosed)
            }
            OutputEvent::Closed { attempt } | OutputEvent::Lost { attempt, .. } => {
                if self.closing.take_if(|(it, _)| *it == attempt).is_some() {
                    self.advance(now);
                }
            }
            OutputEvent::Resolved { .. }
            | OutputEvent::Connected { .. }
            | OutputEvent::Published { .. }
            | OutputEvent::Progress { .. } => {}
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if let Some((attempt, _)) = self.closing.take_if(|(_, until)| *until <= now.mono) {
            self.actions.push(OutputAction::Abort { attempt });
            self.advance(now);
        }
        if due(self.limit(), now) {
            if self.state == OutputState::Live {
                self.stalled(now);
            } else {
                self.actions.push(OutputAction::Abort { attempt: self.attempt });
                self.fail(now, OutputError::ConnectTimeout);
            }
        }
        if due(self.retry(), now) {
            self.state = OutputState::Waiting;
            self.advance(now);
        }
        if due(self.give_up(), now) {
            self.sourceless = None;
            self.state = OutputState::Stopped;
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        earliest([self.closing.map(|(_, until)| until), self.limit(), self.retry(), self.give_up()])
    }

    fn poll(&mut self) -> Option<OutputAction> {
        self.actions.pop()
    }
}

/// Evenly spread bits of two numbers, by the finaliser of SplitMix64.
pub(crate) fn spread(seed: u64, n: u64) -> u64 {
    let mut bits = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Cuts a stranger's text at a character's edge.
pub(crate) fn clip(mut text: String, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    text
}

/// Two sliding windows, of one second and of ten.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Rate {
    /// What was sent when, at most twelve of them, at least a second apart but for the last.
    marks: alloc::collections::VecDeque<(Duration, u64)>,
}

impl Rate {
    fn observe(&mut self, now: Now, sent: u64) -> (u64, u64) {
        if self
            .marks
            .back()
            .is_none_or(|(at, _)| now.mono.saturating_sub(*at) >= Duration::from_secs(1))
        {
            self.marks.push_back((now.mono, sent));
            if self.marks.len() > 12 {
                self.marks.pop_front();
            }
        }
        let over = |window: u64| {
            let begin = now.mono.saturating_sub(Duration::from_secs(window));
            // The youngest mark that is old enough, or else the oldest there is.
            let mark =
                self.marks.iter().rev().find(|(at, _)| *at <= begin).or_else(|| self.marks.front());
            let (at, then) = *mark?;
            let elapsed = crate::now::millis(now.mono.saturating_sub(at));
            sent.saturating_sub(then).saturating_mul(8000).checked_div(elapsed)
        };
        (over(1).unwrap_or(0), over(10).unwrap_or(0))
    }
}
