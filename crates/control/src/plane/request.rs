//! What operators ask of a plane, and what it answers.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    AccessRules, Algorithm, ClipId, ClipOrder, HookFormat, HookId, InputId, ListenerConfig,
    ListenerId, Messages, OutputId, Place, Profile, RecordingId, RecordingMode, SessionId, ShowId,
    ShowStatus, SigningKeyId, Slot, Target,
};

/// What an operator asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Request {
    /// Make a listener, and start it if it is active.
    CreateListener(ListenerConfig),
    /// Change one. Its connections are closed.
    UpdateListener(ListenerId, ListenerConfig),
    /// Start one. Again is fine.
    StartListener(ListenerId),
    /// Stop one. Again is fine.
    StopListener(ListenerId),
    /// Stop and forget one.
    RemoveListener(ListenerId),
    /// Make an input. Its keys come as [`KeyChange::Mint`](crate::KeyChange::Mint).
    CreateInput(InputConfig),
    /// Change one.
    UpdateInput(InputId, InputConfig),
    /// Its URLs in the keyring are others, at the same places: fetch from the first one.
    RestartPull(InputId),
    /// Delete one with its outputs and keys. Its recordings stay.
    DeleteInput(InputId),
    /// Replace both keys at once and close who came with the old ones.
    RotateKeys(InputId),
    /// Close its publishers. They may come back.
    Disconnect(InputId),
    /// Start recording at the next keyframe.
    StartRecording(InputId),
    /// Stop recording.
    StopRecording(InputId),
    /// Make outputs: all or none.
    CreateOutputs(InputId, Vec<OutputConfig>),
    /// Change one. A connection that is there stays with the target that it was made to.
    UpdateOutput(OutputId, OutputConfig),
    /// Switch one on or off.
    EnableOutput(OutputId, bool),
    /// Stop one for good.
    StopOutput(OutputId),
    /// Stop one by its name.
    StopOutputNamed(InputId, String),
    /// Stop all of an input.
    StopOutputs(InputId),
    /// Stop and forget one.
    DeleteOutput(OutputId),
    /// Name a recording.
    RenameRecording(RecordingId, String),
    /// Say who may watch a recording.
    SetRecordingAccess(RecordingId, AccessRules),
    /// Delete a recording. Clips that are kept stay.
    DeleteRecording(RecordingId),
    /// Cut a stretch out of a recording.
    CreateClip(RecordingId, ClipOrder),
    /// Delete a clip.
    DeleteClip(ClipId),
    /// Make a show.
    CreateShow(ShowConfig),
    /// Change one. Its status stays.
    UpdateShow(ShowId, ShowConfig),
    /// Say what its audience gets.
    SetShow(ShowId, ShowStatus),
    /// Delete one.
    DeleteShow(ShowId),
    /// Make a webhook. Its secret comes as [`KeyChange::Mint`](crate::KeyChange::Mint).
    CreateHook(HookConfig),
    /// Change one. What waits is still delivered.
    UpdateHook(HookId, HookConfig),
    /// Delete one and what waits at it.
    DeleteHook(HookId),
    /// Send it a notice that it was tried.
    TestHook(HookId),
    /// Remember a key that the caller made, for checking tokens.
    AddSigningKey(Algorithm),
    /// Forget it: its tokens are worth nothing from now on.
    DeleteSigningKey(SigningKeyId),
}

/// What a plane answers.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Reply {
    /// It is done, or is under way.
    Done,
    /// A listener was made.
    Listener(ListenerId),
    /// An input was made.
    Input(InputId),
    /// Outputs were made, in order.
    Outputs(Vec<OutputId>),
    /// Recording begins at the next keyframe.
    RecordingStarts {
        /// Whether the storage is more than 90 % full.
        storage_low: bool,
    },
    /// Recording ended, or there was none.
    RecordingStopped(Option<RecordingId>),
    /// A clip was made.
    Clip(ClipId),
    /// A show was made.
    Show(ShowId),
    /// A hook was made.
    Hook(HookId),
    /// A signing key is known by this id: its tokens' `kid`.
    SigningKey(SigningKeyId),
    /// So many publishers were closed.
    Closed(usize),
    /// A publisher was taken.
    Publishing {
        /// Its session.
        session: SessionId,
        /// Its input.
        input: InputId,
        /// Its slot.
        slot: Slot,
    },
    /// A player was taken.
    Playing {
        /// Its session.
        session: SessionId,
        /// What it plays.
        input: InputId,
        /// The quality it asked for.
        rendition: Option<String>,
    },
    /// Nothing to play yet: ask again when the input is live, until then.
    PlayLater {
        /// Which input.
        input: InputId,
        /// For how long.
        wait: Duration,
    },
}

/// What an input is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct InputConfig {
    /// 1–128 characters.
    pub name: String,
    /// A second name, unique, such as `call:livestream:abc`.
    pub alias: Option<String>,
    /// The caller's own, echoed.
    pub meta: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// The places it is pulled from, in the order of the list in the keyring. `None`: publishers push to it.
    pub pull: Option<Vec<Place>>,
    /// How it is recorded.
    pub recording: RecordingConfig,
    /// Whether it is played with low latency.
    pub low_latency: bool,
    /// Seconds of DVR, or none.
    pub dvr_window_s: Option<u32>,
    /// All numbers.
    pub profile: Profile,
    /// Echoed to surface B.
    pub client_user_id: Option<String>,
    /// Echoed to surface B.
    pub client_entity_data: Option<String>,
}

impl InputConfig {
    /// An enabled one that publishers push to, not recorded.
    pub fn new(name: impl Into<String>, profile: Profile) -> Self {
        Self {
            name: name.into(),
            alias: None,
            meta: String::new(),
            enabled: true,
            pull: None,
            recording: RecordingConfig::default(),
            low_latency: false,
            dvr_window_s: None,
            profile,
            client_user_id: None,
            client_entity_data: None,
        }
    }
}

/// How an input is recorded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordingConfig {
    /// Who decides.
    pub mode: RecordingMode,
    /// How long a publisher may stay away and go on in the same recording. `None`: as the profile has it.
    pub window: Option<Duration>,
    /// Who may watch, live and later.
    pub access: AccessRules,
    /// When recordings are deleted, in days after they are ready.
    pub delete_after_days: Option<u16>,
}

/// What an output is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OutputConfig {
    /// 1–128 characters, unique within the input.
    pub name: String,
    /// Where to, from [`Target::parse`]. Put the secret into the keyring under the id that is answered.
    pub target: Target,
    /// Whether it should run.
    pub enabled: bool,
    /// The oldest that queued media may be: 100 ms to 60 s.
    pub max_delay_ms: u32,
}

impl OutputConfig {
    /// An enabled one.
    pub fn new(name: impl Into<String>, target: Target) -> Self {
        Self { name: name.into(), target, enabled: true, max_delay_ms: 5000 }
    }
}

/// What a show is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ShowConfig {
    /// 1–128 characters.
    pub name: String,
    /// What it shows: the first of these that is live.
    pub inputs: Vec<InputId>,
    /// What it begins as.
    pub status: ShowStatus,
    /// Texts for its audience.
    pub messages: Messages,
    /// Whether the finished show can be watched again.
    pub replay_after_finish: bool,
    /// Pause when nothing was live for this long.
    pub auto_pause: Option<Duration>,
}

/// What a webhook is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HookConfig {
    /// Where to, from [`TargetRules::hook`](crate::TargetRules::hook), which also checks it again here.
    pub url: String,
    /// Whose form.
    pub format: HookFormat,
    /// The names of notices, such as `input.live`, or `input.` for all of a kind. Empty: all.
    pub events: Vec<String>,
    /// Of these inputs. Empty: all.
    pub inputs: Vec<InputId>,
    /// Whether failures are tried again.
    pub retry: bool,
}

impl HookConfig {
    /// One that gets everything.
    pub fn new(url: impl Into<String>, format: HookFormat) -> Self {
        Self { url: url.into(), format, events: Vec::new(), inputs: Vec::new(), retry: true }
    }
}
