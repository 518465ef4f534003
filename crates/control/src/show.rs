//! What an audience may see.

use alloc::string::String;
use core::time::Duration;

use crate::machine::{Queue, due};
use crate::{Error, Machine, Now};

/// What a show's audience gets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ShowStatus {
    /// A message that it will begin.
    #[default]
    Pending,
    /// The first live input.
    Live,
    /// A message that it goes on soon.
    Paused,
    /// A message that it is over, or the replay.
    Finished,
}

impl ShowStatus {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Finished => "finished",
        }
    }

    /// What viewers are told if nothing else was said.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Pending => "The broadcast has not begun yet",
            Self::Live => "The broadcast is live",
            Self::Paused => "The broadcast goes on soon",
            Self::Finished => "The broadcast is over",
        }
    }
}

/// A text for each status, to replace the default ones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Messages {
    /// Before.
    pub pending: Option<String>,
    /// When it should be live and no input is.
    pub live: Option<String>,
    /// In between.
    pub paused: Option<String>,
    /// After.
    pub finished: Option<String>,
}

/// What happens to a [`Show`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ShowEvent {
    /// The operator sets a status.
    Set(ShowStatus),
    /// Whether any of its inputs is live.
    Source {
        /// Whether one is.
        live: bool,
    },
}

/// What a [`Show`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ShowAction {
    /// Tell everybody the new status. Never twice the same.
    Changed(ShowStatus),
}

/// One show: any status may follow any other, and each change is told once.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/show.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Show {
    status: ShowStatus,
    auto_pause: Option<Duration>,
    messages: Messages,
    source_live: bool,
    /// When it pauses by itself.
    pause_at: Option<Duration>,
    /// Whether it paused by itself, and so goes on by itself.
    paused_itself: bool,
    actions: Queue<ShowAction>,
}

impl Show {
    /// A pending one. With `auto_pause` it pauses when no input was live for so long, and goes on when one is.
    pub fn new(auto_pause: Option<Duration>, messages: Messages) -> Self {
        Self {
            status: ShowStatus::Pending,
            auto_pause: auto_pause.map(|it| it.max(Duration::from_millis(1))),
            messages,
            source_live: false,
            pause_at: None,
            paused_itself: false,
            actions: Queue::actions(),
        }
    }

    /// What the audience gets.
    pub fn status(&self) -> ShowStatus {
        self.status
    }

    /// What the audience is told when there is nothing to see.
    pub fn message(&self) -> &str {
        let own = match self.status {
            ShowStatus::Pending => &self.messages.pending,
            ShowStatus::Live => &self.messages.live,
            ShowStatus::Paused => &self.messages.paused,
            ShowStatus::Finished => &self.messages.finished,
        };
        own.as_deref().unwrap_or_else(|| self.status.message())
    }

    /// Other texts and another pause from now on.
    pub(crate) fn configure(&mut self, now: Now, auto_pause: Option<Duration>, messages: Messages) {
        self.auto_pause = auto_pause.map(|it| it.max(Duration::from_millis(1)));
        self.messages = messages;
        self.plan_pause(now);
    }

    fn set(&mut self, status: ShowStatus) {
        if self.status != status {
            self.status = status;
            self.actions.push(ShowAction::Changed(status));
        }
    }

    fn plan_pause(&mut self, now: Now) {
        let waits = self.status == ShowStatus::Live && !self.source_live;
        self.pause_at = self.auto_pause.filter(|_| waits).map(|it| now.mono.saturating_add(it));
    }
}

impl Machine for Show {
    type Event = ShowEvent;
    type Action = ShowAction;

    fn handle(&mut self, now: Now, event: ShowEvent) -> Result<(), Error> {
        self.tick(now);
        match event {
            ShowEvent::Set(status) => {
                self.paused_itself = false;
                self.set(status);
                self.plan_pause(now);
            }
            ShowEvent::Source { live } if live != self.source_live => {
                self.source_live = live;
                if live && core::mem::take(&mut self.paused_itself) {
                    self.set(ShowStatus::Live);
                }
                self.plan_pause(now);
            }
            ShowEvent::Source { .. } => {}
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.pause_at, now) {
            self.pause_at = None;
            self.paused_itself = true;
            self.set(ShowStatus::Paused);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.pause_at
    }

    fn poll(&mut self) -> Option<ShowAction> {
        self.actions.pop()
    }
}
