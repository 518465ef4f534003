//! When an input is recorded.

use core::time::Duration;

use crate::machine::{Queue, due};
use crate::{Error, Machine, Now, RecordingId, RecordingRules};

/// Who decides that an input is recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecordingMode {
    /// Nobody.
    #[default]
    Off,
    /// Everything is.
    Automatic,
    /// The operator, by start and stop.
    Manual,
}

/// Where a recorder stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecorderState {
    /// Nothing is recorded.
    None,
    /// Recording begins at the next keyframe.
    Armed,
    /// Media is being written.
    Recording {
        /// Into this.
        recording: RecordingId,
    },
    /// The input is suspended; the recording stays open.
    Suspended {
        /// This one.
        recording: RecordingId,
    },
}

impl RecorderState {
    /// The recording that is open.
    pub const fn recording(self) -> Option<RecordingId> {
        match self {
            Self::Recording { recording } | Self::Suspended { recording } => Some(recording),
            Self::None | Self::Armed => None,
        }
    }
}

/// What happens to a [`Recorder`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecorderEvent {
    /// The input is live, for the first time or again.
    Live,
    /// The input is suspended.
    Suspended,
    /// The broadcast is over.
    Ended,
    /// A keyframe, or any frame of sound where there is no video.
    Keyframe {
        /// Its place on the input's timeline.
        position_ms: u64,
        /// What a recording that begins here would be called.
        fresh: RecordingId,
    },
    /// The operator starts.
    Start,
    /// The operator stops.
    Stop,
    /// Another mode. Switching off ends what runs, switching on waits for the next broadcast.
    SetMode(RecordingMode),
    /// Writing failed, as on a full disk.
    Failed,
}

/// What a [`Recorder`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RecorderAction {
    /// Write from this keyframe on.
    Begin {
        /// Into this.
        recording: RecordingId,
        /// The part before it.
        continues: Option<RecordingId>,
    },
    /// Close it after the last complete frame.
    Finish {
        /// Which.
        recording: RecordingId,
        /// Whether more would have come.
        truncated: bool,
    },
    /// The total limit is reached.
    LimitReached,
}

/// One input's recorder.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/recorder.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recorder {
    mode: RecordingMode,
    rules: RecordingRules,
    state: RecorderState,
    live: bool,
    /// Where the present part began.
    part_began_ms: u64,
    /// When the broadcast's first part began.
    began: Option<Duration>,
    actions: Queue<RecorderAction>,
}

impl Recorder {
    /// One that records nothing yet.
    pub fn new(mode: RecordingMode, rules: RecordingRules) -> Self {
        Self {
            mode,
            rules,
            state: RecorderState::None,
            live: false,
            part_began_ms: 0,
            began: None,
            actions: Queue::actions(),
        }
    }

    /// Other limits from the next part on.
    pub(crate) fn configure(&mut self, rules: RecordingRules) {
        self.rules = rules;
    }

    /// Where it stands.
    pub fn state(&self) -> RecorderState {
        self.state
    }

    /// Who decides.
    pub fn mode(&self) -> RecordingMode {
        self.mode
    }

    /// Whether a keyframe here begins a recording, which then needs a name.
    pub fn begins_at(&self, position_ms: u64) -> bool {
        match self.state {
            RecorderState::Armed => self.live,
            RecorderState::Recording { .. } => self.part_is_full(position_ms),
            RecorderState::None | RecorderState::Suspended { .. } => false,
        }
    }

    fn part_is_full(&self, position_ms: u64) -> bool {
        let length = Duration::from_millis(position_ms.saturating_sub(self.part_began_ms));
        self.rules.part_limit.is_some_and(|limit| length >= limit)
    }

    fn begin(&mut self, position_ms: u64, recording: RecordingId, continues: Option<RecordingId>) {
        self.part_began_ms = position_ms;
        self.state = RecorderState::Recording { recording };
        self.actions.push(RecorderAction::Begin { recording, continues });
    }

    fn finish(&mut self, truncated: bool) {
        if let Some(recording) = self.state.recording() {
            self.actions.push(RecorderAction::Finish { recording, truncated });
        }
        self.state = RecorderState::None;
    }

    fn keyframe(&mut self, now: Now, position_ms: u64, fresh: RecordingId) {
        match self.state {
            RecorderState::Armed if self.live => {
                self.began.get_or_insert(now.mono);
                self.begin(position_ms, fresh, None);
            }
            RecorderState::Recording { recording } if self.part_is_full(position_ms) => {
                self.actions.push(RecorderAction::Finish { recording, truncated: false });
                self.begin(position_ms, fresh, Some(recording));
            }
            _ => {}
        }
    }

    fn total_limit(&self) -> Option<Duration> {
        self.state.recording()?;
        Some(self.began?.saturating_add(self.rules.total_limit?))
    }
}

impl Machine for Recorder {
    type Event = RecorderEvent;
    type Action = RecorderAction;

    fn handle(&mut self, now: Now, event: RecorderEvent) -> Result<(), Error> {
        self.tick(now);
        match event {
            RecorderEvent::Live => {
                let first = !core::mem::replace(&mut self.live, true);
                match self.state {
                    RecorderState::Suspended { recording } => {
                        self.state = RecorderState::Recording { recording };
                    }
                    RecorderState::None if first && self.mode == RecordingMode::Automatic => {
                        self.state = RecorderState::Armed;
                    }
                    _ => {}
                }
            }
            RecorderEvent::Suspended => {
                if let RecorderState::Recording { recording } = self.state {
                    self.state = RecorderState::Suspended { recording };
                }
            }
            RecorderEvent::Ended => {
                self.finish(false);
                (self.live, self.began) = (false, None);
            }
            RecorderEvent::Keyframe { position_ms, fresh } => {
                self.keyframe(now, position_ms, fresh)
            }
            RecorderEvent::Start => {
                if !self.live {
                    return Err(Error::NotLive);
                }
                if self.state == RecorderState::None {
                    (self.state, self.began) = (RecorderState::Armed, None);
                }
            }
            RecorderEvent::Stop => self.finish(false),
            RecorderEvent::SetMode(mode) => {
                self.mode = mode;
                if mode == RecordingMode::Off {
                    self.finish(false);
                }
            }
            // verification.md promise 9: it goes on into a new file when there is room again.
            RecorderEvent::Failed => {
                let was_open = self.state.recording().is_some();
                self.finish(true);
                if was_open && self.live && self.mode == RecordingMode::Automatic {
                    self.state = RecorderState::Armed;
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.total_limit(), now) {
            self.finish(true);
            self.actions.push(RecorderAction::LimitReached);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.total_limit()
    }

    fn poll(&mut self) -> Option<RecorderAction> {
        self.actions.pop()
    }
}
