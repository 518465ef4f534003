//! One recording, from its first frame to its deletion.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::machine::{Queue, due};
use crate::{AccessRules, Error, InputId, Machine, Now, RecordingId};

/// Where a recording stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecordingState {
    /// Media is being written, or may be again.
    Open,
    /// The last frame is written; the files are being closed.
    Pending,
    /// It can be watched.
    Viewable,
    /// It can be downloaded.
    Ready,
    /// It is lost, or not complete.
    Error,
}

impl RecordingState {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "recording",
            Self::Pending => "pending",
            Self::Viewable => "viewable",
            Self::Ready => "ready",
            Self::Error => "error",
        }
    }
}

/// Why a recording failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecordingError {
    /// The disk is full.
    StorageFull,
    /// Writing or closing failed otherwise.
    Io,
}

/// A stretch without media in a recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordingGap {
    /// Where in the recording.
    pub at_ms: u64,
    /// How much is missing.
    pub missing_ms: u64,
    /// Why.
    pub reason: crate::Loss,
}

/// A stored form of a recording.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Rendition {
    /// Such as `source` or `720p`.
    pub name: String,
    /// Its height in pixels.
    pub height: u32,
    /// How much of it is done, in percent.
    pub progress: u8,
    /// Whether it failed.
    pub failed: bool,
}

/// What is known of the media in a recording.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "filled in by drivers")]
pub struct RecordedMedia {
    /// Media time: the sum over all parts.
    pub duration_ms: u64,
    /// Bytes on disk.
    pub size: u64,
    /// Files.
    pub parts: u32,
    /// Codec strings.
    pub codecs: Vec<String>,
    /// Width and height.
    pub dimensions: Option<(u32, u32)>,
    /// Stored forms.
    pub renditions: Vec<Rendition>,
}

/// Everything about a recording that is not its state.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordingFacts {
    /// Its id.
    pub id: RecordingId,
    /// Its number.
    pub number: i64,
    /// Its second name in URLs.
    pub slug: String,
    /// The input, which may be gone.
    pub input: InputId,
    /// The input's name when it began.
    pub input_name: String,
    /// Its name, set or made when it ended.
    pub name: Option<String>,
    /// The part before it.
    pub continues: Option<RecordingId>,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Whether more would have come.
    pub truncated: bool,
    /// Stretches without media.
    pub gaps: Vec<RecordingGap>,
    /// Who may watch it: a copy of the input's rules when it began.
    pub access: AccessRules,
    /// When it is deleted, in days after it is ready.
    pub delete_after_days: Option<u16>,
    /// When it is deleted.
    pub scheduled_deletion: Option<i64>,
    /// Why it failed.
    pub error: Option<RecordingError>,
    /// What is in it.
    pub media: RecordedMedia,
}

impl RecordingFacts {
    /// Of one that begins now.
    pub fn new(now: Now, id: RecordingId, input: InputId, input_name: String) -> Self {
        Self {
            id,
            number: 0,
            slug: String::new(),
            input,
            input_name,
            name: None,
            continues: None,
            started: now.unix_ms,
            ended: None,
            truncated: false,
            gaps: Vec::new(),
            access: AccessRules::default(),
            delete_after_days: None,
            scheduled_deletion: None,
            error: None,
            media: RecordedMedia::default(),
        }
    }
}

/// What happens to a [`Recording`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecordingEvent {
    /// More was written.
    Wrote(RecordedMedia),
    /// The publisher is back after a break.
    Gap(RecordingGap),
    /// No more comes.
    Finish {
        /// Whether more would have come.
        truncated: bool,
    },
    /// Its playlist answers.
    Viewable,
    /// Its files are complete.
    Ready,
    /// It failed.
    Failed(RecordingError),
}

/// What a [`Recording`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecordingAction {
    /// The state is another one: each is told once, and in order.
    Entered(RecordingState),
    /// Delete its files.
    Delete,
}

/// One recording.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/recording.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recording {
    facts: RecordingFacts,
    state: RecordingState,
    /// When it is deleted.
    delete_at: Option<Duration>,
    max_gaps: usize,
    actions: Queue<RecordingAction>,
}

impl Recording {
    /// One that begins.
    pub fn new(facts: RecordingFacts, max_gaps: usize) -> Self {
        Self {
            facts,
            state: RecordingState::Open,
            delete_at: None,
            max_gaps,
            actions: Queue::actions(),
        }
    }

    /// What is known of it.
    pub fn facts(&self) -> &RecordingFacts {
        &self.facts
    }

    /// Where it stands.
    pub fn state(&self) -> RecordingState {
        self.state
    }

    /// Whether a playlist can be had.
    pub fn can_be_watched(&self) -> bool {
        matches!(
            self.state,
            RecordingState::Open | RecordingState::Viewable | RecordingState::Ready
        )
    }

    /// Gives it a name.
    pub(crate) fn rename(&mut self, name: String) {
        self.facts.name = Some(name);
    }

    /// Other rules for who may watch it.
    pub(crate) fn set_access(&mut self, access: AccessRules) {
        self.facts.access = access;
    }

    fn enter(&mut self, state: RecordingState) {
        self.state = state;
        self.actions.push(RecordingAction::Entered(state));
    }

    fn gap(&mut self, gap: RecordingGap) {
        if self.facts.gaps.len() < self.max_gaps {
            self.facts.gaps.push(gap);
        } else if let Some(last) = self.facts.gaps.last_mut() {
            last.missing_ms = last.missing_ms.saturating_add(gap.missing_ms);
        }
    }

    fn finish(&mut self, now: Now, truncated: bool) {
        self.facts.ended = Some(now.unix_ms);
        self.facts.truncated = truncated;
        if self.facts.name.is_none() {
            let end = crate::calendar::plain_utc(now.unix_ms);
            self.facts.name =
                Some(alloc::format!("Stream Record: {}, {end}", self.facts.input_name));
        }
        self.enter(RecordingState::Pending);
    }

    fn ready(&mut self, now: Now) {
        self.enter(RecordingState::Ready);
        if let Some(days) = self.facts.delete_after_days {
            let wait = Duration::from_secs(u64::from(days) * 86_400);
            let at = now.mono.saturating_add(wait);
            self.delete_at = Some(at);
            self.facts.scheduled_deletion = Some(now.unix_at(at));
        }
    }
}

impl Machine for Recording {
    type Event = RecordingEvent;
    type Action = RecordingAction;

    fn handle(&mut self, now: Now, event: RecordingEvent) -> Result<(), Error> {
        self.tick(now);
        match (self.state, event) {
            (RecordingState::Error, _) => {}
            (_, RecordingEvent::Wrote(media)) => self.facts.media = media,
            (RecordingState::Open, RecordingEvent::Gap(gap)) => self.gap(gap),
            (RecordingState::Open, RecordingEvent::Finish { truncated }) => {
                self.finish(now, truncated)
            }
            (RecordingState::Pending, RecordingEvent::Viewable) => {
                self.enter(RecordingState::Viewable)
            }
            (RecordingState::Pending, RecordingEvent::Ready) => {
                self.enter(RecordingState::Viewable);
                self.ready(now);
            }
            (RecordingState::Viewable, RecordingEvent::Ready) => self.ready(now),
            (RecordingState::Open | RecordingState::Pending, RecordingEvent::Failed(error)) => {
                self.facts.error = Some(error);
                self.facts.ended.get_or_insert(now.unix_ms);
                self.enter(RecordingState::Error);
            }
            _ => {}
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.delete_at, now) {
            self.delete_at = None;
            self.actions.push(RecordingAction::Delete);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.delete_at
    }

    fn poll(&mut self) -> Option<RecordingAction> {
        self.actions.pop()
    }
}
