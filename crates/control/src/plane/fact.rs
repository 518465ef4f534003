//! What drivers report to a plane, and what it wants them to do.

use alloc::string::String;
use core::net::IpAddr;

use crate::{
    Claim, ClipId, HookAnswer, HookId, InputConfig, InputId, KeyChange, ListenerId, Loss, Notice,
    Observation, OutputEvent, OutputId, PullFailure, RecordedMedia, RecordingError, RecordingId,
    Refusal, Request, SessionId, Slot,
};

/// What a driver reports. Whatever belongs to something that is gone is passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "moved once per step")]
pub enum Fact {
    /// A port is bound.
    Bound(ListenerId),
    /// A port could not be bound.
    BindFailed(ListenerId),
    /// A listener's connections are closed.
    Drained(ListenerId),
    /// Somebody wants to publish. Answered by [`Reply::Publishing`](crate::Reply::Publishing) or a [`Refusal`].
    Publish {
        /// Where they came in.
        listener: ListenerId,
        /// What their stream name proved.
        claim: Claim,
        /// Where they are.
        address: IpAddr,
        /// What an input is made from if the claim is a name that nobody publishes yet. Without one: as surface D
        /// has them.
        template: Option<InputConfig>,
    },
    /// Somebody wants to play. Answered by [`Reply::Playing`](crate::Reply::Playing),
    /// [`Reply::PlayLater`](crate::Reply::PlayLater) or a [`Refusal`].
    Play {
        /// Where they came in.
        listener: ListenerId,
        /// What their stream name proved.
        claim: Claim,
        /// Where they are.
        address: IpAddr,
    },
    /// Bytes came from a publisher or a pull. Report it about once a second.
    Bytes {
        /// From whom.
        session: SessionId,
        /// Whether a video frame was among them.
        video: bool,
    },
    /// Codec data and a first keyframe came, or sound alone.
    Media {
        /// From whom.
        session: SessionId,
        /// The frame's place on the input's [`Timeline`](crate::Timeline).
        position_ms: u64,
        /// Whether there is video.
        video: bool,
    },
    /// Another keyframe came.
    Keyframe {
        /// From whom.
        session: SessionId,
        /// Its place on the input's [`Timeline`](crate::Timeline).
        position_ms: u64,
    },
    /// The judge of media saw something.
    Observed(SessionId, Observation),
    /// The first segment of a broadcast can be played.
    SegmentReady(InputId),
    /// A publisher or player is gone.
    Gone {
        /// Who.
        session: SessionId,
        /// Why.
        reason: Loss,
    },
    /// A source agreed to send. Answered by [`Reply::Publishing`](crate::Reply::Publishing).
    PullConnected {
        /// Whose source.
        input: InputId,
        /// Which attempt.
        attempt: u64,
    },
    /// An attempt to pull is over.
    PullFailed {
        /// Whose source.
        input: InputId,
        /// Which attempt.
        attempt: u64,
        /// Why.
        why: PullFailure,
    },
    /// Something of an output: all of [`OutputEvent`] but what operators and inputs decide.
    Output(OutputId, OutputEvent),
    /// More of a recording is on disk.
    Recorded(RecordingId, RecordedMedia),
    /// A recording's playlist answers.
    RecordingViewable(RecordingId),
    /// A recording's files are complete.
    RecordingReady(RecordingId),
    /// A recording failed.
    RecordingFailed(RecordingId, RecordingError),
    /// So many bytes of recordings are on disk.
    Storage(u64),
    /// A delivery was answered.
    Delivered {
        /// Whose.
        hook: HookId,
        /// Which delivery.
        delivery: u64,
        /// Which attempt.
        attempt: u32,
        /// How.
        answer: HookAnswer,
    },
    /// The process began anew: no session, socket or connection is left. Report it right after
    /// [`Plane::restore`](crate::Plane::restore).
    Restarted,
}

/// What a plane wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Action {
    /// Give it to the [`Keyring`](crate::Keyring).
    Keys(KeyChange),
    /// Tell it to whoever listens.
    Notice(Notice),
    /// Bind a port and report it.
    Bind {
        /// For whom.
        listener: ListenerId,
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// Close a listener's connections and report it.
    CloseConnections(ListenerId),
    /// Give up a port, with every connection that is left.
    Release {
        /// Whose.
        listener: ListenerId,
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
    },
    /// Close a publisher or player.
    CloseSession {
        /// Who.
        session: SessionId,
        /// Why.
        reason: Loss,
    },
    /// Tell a publisher that the policy does not allow what it sends, then close it.
    Reject {
        /// Who.
        session: SessionId,
        /// Why.
        why: Refusal,
    },
    /// Take an input's media from this session, from its newest keyframe on, as a new stretch of its timeline.
    Use {
        /// Which input.
        input: InputId,
        /// Which session.
        session: SessionId,
        /// Its slot.
        slot: Slot,
    },
    /// An input's broadcast is over: end its playlist.
    EndPlaylist(InputId),
    /// Connect to a source.
    PullConnect {
        /// Whose.
        input: InputId,
        /// The attempt.
        attempt: u64,
        /// Which URL of the list.
        url: usize,
    },
    /// Drop an attempt's connection.
    PullClose {
        /// Whose.
        input: InputId,
        /// The attempt.
        attempt: u64,
    },
    /// Connect an output: resolve, check the address against [`TargetRules`](crate::TargetRules), connect, publish.
    OutputConnect {
        /// Which.
        output: OutputId,
        /// The attempt.
        attempt: u64,
    },
    /// Send it headers, then everything from the newest cached keyframe on.
    OutputFeed {
        /// Which.
        output: OutputId,
        /// The attempt.
        attempt: u64,
    },
    /// Drop its queued video up to the next keyframe.
    OutputDrop {
        /// Which.
        output: OutputId,
        /// The attempt.
        attempt: u64,
    },
    /// Say farewell within two seconds, and close.
    OutputClose {
        /// Which.
        output: OutputId,
        /// The attempt.
        attempt: u64,
    },
    /// Close at once.
    OutputAbort {
        /// Which.
        output: OutputId,
        /// The attempt.
        attempt: u64,
    },
    /// Write an input's media from this keyframe on.
    RecordingBegin {
        /// Into this.
        recording: RecordingId,
        /// From this.
        input: InputId,
        /// The part before it.
        continues: Option<RecordingId>,
    },
    /// Close a recording after its last complete frame, make it playable, then complete.
    RecordingFinish(RecordingId),
    /// Delete a recording's files.
    RecordingDelete(RecordingId),
    /// Cut a clip.
    ClipMake {
        /// The clip.
        clip: ClipId,
        /// From this.
        recording: RecordingId,
        /// Where it begins.
        start_ms: u64,
        /// How long it is.
        duration_ms: u64,
    },
    /// Delete a clip's files.
    ClipDelete(ClipId),
    /// Post a body, signed with [`KeyRef::Hook`](crate::KeyRef::Hook). Read at most
    /// [`HOOK_ANSWER`](crate::HOOK_ANSWER) of the answer, follow no redirect.
    HookPost {
        /// Whose.
        hook: HookId,
        /// The delivery: `Webhook-Id` is `{hook}-{delivery}`.
        delivery: u64,
        /// The attempt: `Webhook-Attempt`.
        attempt: u32,
        /// Where to.
        url: String,
        /// The body.
        body: String,
    },
    /// Drop a post.
    HookAbort {
        /// Whose.
        hook: HookId,
        /// The delivery.
        delivery: u64,
        /// The attempt.
        attempt: u32,
    },
}

/// One step of a plane: all that can happen to it beside time.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Step {
    /// An operator asks.
    Request(Request),
    /// A driver reports.
    Fact(Fact),
    /// Nothing but time.
    Tick,
}

impl From<Request> for Step {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Fact> for Step {
    fn from(fact: Fact) -> Self {
        Self::Fact(fact)
    }
}
