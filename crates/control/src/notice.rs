//! What is told to the world: one numbered line of notices per input.

use alloc::string::String;

use crate::health::IssueCode;
use crate::{
    InputId, ListenerId, Loss, OutputError, OutputId, RecordingId, RecordingState, ShowId,
    ShowStatus, Slot,
};

/// Something happened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Notice {
    /// When, on the calendar.
    pub at: i64,
    /// Its number: rises by one per input, and by one among notices without an input.
    pub seq: u64,
    /// Whose.
    pub input: Option<Subject>,
    /// What.
    pub kind: NoticeKind,
}

/// The input that a notice is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Subject {
    /// Its id.
    pub id: InputId,
    /// Its name at the time.
    pub name: String,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NoticeKind {
    /// A publisher was accepted.
    InputConnected,
    /// There is media.
    InputLive {
        /// Of this slot.
        slot: Slot,
    },
    /// It can be played.
    InputReady,
    /// The publisher is away and may come back.
    InputSuspended {
        /// Why.
        reason: Loss,
        /// Until when, on the calendar.
        resume_until: i64,
    },
    /// It is back.
    InputResumed {
        /// Time without media.
        missing_ms: u64,
    },
    /// The broadcast is over.
    InputEnded {
        /// Why.
        reason: Loss,
        /// Whether the loss was told before, as a suspension.
        announced: bool,
    },
    /// Nothing that can be played came.
    InputErrored {
        /// Why.
        reason: Loss,
    },
    /// The media has a fault: the first of its kind in this session.
    InputIssue {
        /// Which.
        code: IssueCode,
        /// A sentence for people.
        message: String,
    },
    /// Another slot is used.
    InputSwitched {
        /// Which.
        slot: Slot,
        /// Time without media.
        missing_ms: u64,
    },
    /// A pull without data switched itself off.
    InputDeactivated,
    /// Its keys are new.
    InputKeysRotated,
    /// It was deleted. Nothing follows.
    InputDeleted,
    /// A recording began.
    RecordingStarted {
        /// Which.
        recording: RecordingId,
    },
    /// It ended.
    RecordingStopped {
        /// Which.
        recording: RecordingId,
    },
    /// It is on its way to being ready.
    RecordingState {
        /// Which.
        recording: RecordingId,
        /// Where it stands.
        state: RecordingState,
    },
    /// It was deleted. Nothing follows.
    RecordingDeleted {
        /// Which.
        recording: RecordingId,
    },
    /// A target accepted.
    OutputStarted {
        /// Which.
        output: OutputId,
        /// Its name.
        name: String,
    },
    /// A target is tried again.
    OutputRetrying {
        /// Which.
        output: OutputId,
        /// Its name.
        name: String,
        /// Why.
        why: OutputError,
        /// When, on the calendar.
        next_attempt_at: i64,
    },
    /// It stopped.
    OutputStopped {
        /// Which.
        output: OutputId,
        /// Its name.
        name: String,
    },
    /// It is not tried any more.
    OutputFailed {
        /// Which.
        output: OutputId,
        /// Its name.
        name: String,
        /// Why.
        why: OutputError,
    },
    /// A show has another status.
    ShowChanged {
        /// Which.
        show: ShowId,
        /// Which status.
        status: ShowStatus,
    },
    /// A listener runs.
    ListenerStarted {
        /// Which.
        listener: ListenerId,
    },
    /// A listener does not run any more.
    ListenerStopped {
        /// Which.
        listener: ListenerId,
    },
    /// A listener could not be started or changed.
    ListenerFailed {
        /// Which.
        listener: ListenerId,
    },
    /// The operator tries a hook.
    HookTest,
}

impl NoticeKind {
    /// The word for programs, by which hooks choose.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InputConnected => "input.connected",
            Self::InputLive { .. } => "input.live",
            Self::InputReady => "input.ready",
            Self::InputSuspended { .. } => "input.suspended",
            Self::InputResumed { .. } => "input.resumed",
            Self::InputEnded { .. } => "input.ended",
            Self::InputErrored { .. } | Self::InputIssue { .. } => "input.errored",
            Self::InputSwitched { .. } => "input.slot_switched",
            Self::InputDeactivated => "input.deactivated",
            Self::InputKeysRotated => "input.keys_rotated",
            Self::InputDeleted => "input.deleted",
            Self::RecordingStarted { .. } => "recording.started",
            Self::RecordingStopped { .. } => "recording.stopped",
            Self::RecordingState { state, .. } => match state {
                RecordingState::Open => "recording.open",
                RecordingState::Pending => "recording.pending",
                RecordingState::Viewable => "recording.viewable",
                RecordingState::Ready => "recording.ready",
                RecordingState::Error => "recording.error",
            },
            Self::RecordingDeleted { .. } => "recording.deleted",
            Self::OutputStarted { .. } => "output.started",
            Self::OutputRetrying { .. } => "output.retrying",
            Self::OutputStopped { .. } => "output.stopped",
            Self::OutputFailed { .. } => "output.failed",
            Self::ShowChanged { .. } => "show.changed",
            Self::ListenerStarted { .. } => "listener.started",
            Self::ListenerStopped { .. } => "listener.stopped",
            Self::ListenerFailed { .. } => "listener.failed",
            Self::HookTest => "hook.test",
        }
    }
}
