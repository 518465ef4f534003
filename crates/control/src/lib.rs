//! What a live server decides: inputs, pulls, recordings, outputs, shows, listeners, playback, health and webhooks, as
//! state machines without a socket, a clock or a secret.
//!
//! ```text
//!   operators ── Request ─┐                        ┌─ Action ─► sockets, files, HTTP, TLS
//!   drivers ──── Fact ────┼─► Plane ───────────────┼─ Notice ─► event streams
//!   time ─────── Now ─────┤     │ owns, routes     └─ HookPost ► webhooks
//!   chance ───── Entropy ─┘     │
//!                               ├─ Listener   a port
//!      Keyring                  ├─ Input      who publishes; live, suspended, ended; primary and backup
//!      (all secrets, outside)   │   ├─ Pull      an input that fetches its media itself
//!                               │   ├─ Recorder  when it is recorded ──► Recording, until it is deleted
//!                               │   └─ Health    what is wrong with its media
//!                               ├─ Output     a push to another server
//!                               ├─ Show       what an audience may see
//!                               └─ Hook       deliveries, in order, again and again
//! ```
//!
//! Facts go in ("publish requested", "keyframe seen", "socket took 4096 bytes"), actions come out ("connect this
//! output", "close that session"). The driver does them and reports what came of it under the same id; what is reported
//! too late is passed over.
//!
//! ```
//! use levada_control::*;
//! # struct Dice(u8);
//! # impl Entropy for Dice {
//! #     fn fill(&mut self, buffer: &mut [u8]) { for it in buffer { self.0 = self.0.wrapping_mul(5).wrapping_add(7); *it = self.0 } }
//! # }
//! # let (mut entropy, now, address) = (Dice(1), Now::default(), [192, 0, 2, 1].into());
//! let mut plane = Plane::new(PlaneConfig::default());
//! let mut keys = Keyring::default();
//!
//! // An operator makes a listener and an input. The driver binds the port; the keyring draws the input's keys.
//! let Reply::Listener(listener) =
//!     plane.handle(now, Request::CreateListener(ListenerConfig::new("main", 1935)), &mut entropy)?
//! else { unreachable!() };
//! plane.handle(now, Fact::Bound(listener), &mut entropy)?;
//! let config = InputConfig::new("stage", Profile::default());
//! let Reply::Input(input) = plane.handle(now, Request::CreateInput(config), &mut entropy)? else { unreachable!() };
//! while let Some(action) = plane.poll() {
//!     if let Action::Keys(change) = action {
//!         keys.apply(change, &mut entropy);
//!     }
//! }
//!
//! // An encoder publishes `live/{key}`. The text is looked at once, here, and goes no further.
//! let text = keys.secret(KeyRef::Publish(input)).expect("minted").reveal().to_owned();
//! let claim = plane.claim(listener, Use::Publish, "live", &text, &keys);
//! let reply = plane.handle(now, Fact::Publish { listener, claim, address, template: None }, &mut entropy)?;
//! let Reply::Publishing { session, .. } = reply else { unreachable!() };
//! plane.handle(now, Fact::Media { session, position_ms: 0, video: true }, &mut entropy)?;
//! assert_eq!(plane.input(input).expect("there").machine.phase(), Phase::Live { slot: Slot::Primary });
//! # Ok::<(), Error>(())
//! ```
//!
//! # Parts
//!
//! Every machine works alone: embed an [`Output`], a [`Pull`] or a [`Hook`] in a program of your own and leave the rest.
//! All are [`Machine`]s with four methods. Their documentation holds their state tables, which tests hold against the
//! code. Beside them stand functions: [`decide`] for playback, [`Target::parse`] and [`parse_pull_list`] for addresses,
//! [`hook_body`] for bodies, [`Timeline`] for one clock over many publishers, [`PlaylistRequest`] for DVR and clips.
//!
//! # Promises
//!
//! - **The same calls give the same actions**, byte for byte. [`record`] writes them down, [`replay`] finds the first
//!   difference.
//! - **A refused call changes nothing**, except that time has passed and an attempt was counted.
//! - **Nothing spins**: after a tick the next deadline lies ahead.
//! - **At most one** publisher per slot, connection per output, attempt per pull, post per hook.
//! - **A restart loses nothing but sessions**: [`Plane::snapshot`] and [`Plane::restore`], then [`Fact::Restarted`];
//!   what was live is suspended, what was scheduled stays scheduled by the calendar.
//! - **No secret is in it.** Keys, output names and pull URLs are in the [`Keyring`] only. Actions, notices, snapshots,
//!   journals and `Debug` name them by [`KeyRef`].
//!
//! # Limits
//!
//! All in [`Limits`], with what they cost. The queue of actions refuses calls when it is full and loses nothing; the
//! queue of a hook drops its oldest and counts. Rules of time are in [`Profile`], [`OutputRules`] and [`HookRules`]: no
//! machine has a number of its own.
//!
//! # What is not here
//!
//! - No bytes of media: facts about frames come from `levada-gop` and whoever parses them.
//! - No cryptography. Tokens come as [`Claims`] that the caller has verified with the key and algorithm of
//!   [`Plane::signing_key`]; hook signatures are made by the caller over [`signed_text`].
//! - No HTTP, JSON framework or database. With the feature `serde` everything that is worth storing is a serde value.
//! - No name resolution: check what a name resolved to with [`TargetRules::allows`], then connect to that address.
//!
//! # Spec
//!
//! None: no standard says how a live server behaves. The acceptance checks and their tests are in the README.
#![no_std]

extern crate alloc;

mod access;
mod admission;
mod body;
mod calendar;
mod call;
mod error;
mod health;
mod hook;
mod id;
mod input;
mod journal;
mod json;
mod keyring;
mod limits;
mod listener;
mod machine;
mod notice;
mod now;
mod output;
mod plane;
mod playlist;
mod profile;
mod pull;
mod recorder;
mod recording;
mod show;
mod target;
mod timeline;
mod timers;

pub use access::{
    AccessRule, AccessRules, Algorithm, Allowed, Claims, Denied, LONGEST_TOKEN_S, MAX_RULES,
    Network, RuleAction, Token, Viewer, Who, decide, origin_matches, parse_seconds,
};
pub use admission::{Apps, CLOSE_AFTER_REFUSAL, Claim, Refusal, Slot, StreamName, Use};
pub use body::{BodyFacts, HookFormat, StreamFacts, hook_body, video};
pub use calendar::rfc3339;
pub use call::{BroadcastSettings, NotAllowed, Quality, Scope};
pub use error::Error;
pub use health::{
    GopStart, Grade, Health, HealthAction, HealthFigures, Intervals, Issue, IssueCode, Observation,
    Second,
};
pub use hook::{
    Delivered, HOOK_ANSWER, Hook, HookAction, HookAnswer, HookEvent, HookRules, signature_header,
    signed_text,
};
pub use id::{
    ClipId, Entropy, HookId, InputId, ListenerId, OutputId, RecordingId, SessionId, ShowId,
    SigningKeyId,
};
pub use input::{Input, InputAction, InputEvent, Loss, Phase, Word};
pub use journal::{Difference, Entry, record, replay};
pub use keyring::{KeyChange, KeyRef, Keyring, Secret};
pub use limits::Limits;
pub use listener::{
    Listener, ListenerAction, ListenerConfig, ListenerEvent, ListenerPolicy, ListenerState,
    parse_port,
};
pub use machine::Machine;
pub use notice::{Notice, NoticeKind, Subject};
pub use now::Now;
pub use output::{
    Output, OutputAction, OutputError, OutputEvent, OutputFigures, OutputRules, OutputState,
    Progress, Source,
};
pub use plane::{
    Action, ClipView, Fact, HookConfig, HookView, InputConfig, InputView, ListenerView,
    OutputConfig, OutputView, Plane, PlaneConfig, Playback, RecordingConfig, Reply, Request,
    SessionView, ShowConfig, ShowView, Snapshot, Step,
};
pub use playlist::{ClipOrder, LONGEST_CLIP, LONGEST_PREVIEW, NoPlaylist, PlaylistRequest};
pub use profile::{
    AudioCodec, BackupRules, OnViolation, Policy, Profile, ProfileKind, PullRules, RecordingRules,
    Severity, VideoCodec,
};
pub use pull::{Pull, PullAction, PullEvent, PullFailure, PullState};
pub use recorder::{Recorder, RecorderAction, RecorderEvent, RecorderState, RecordingMode};
pub use recording::{
    RecordedMedia, Recording, RecordingAction, RecordingError, RecordingEvent, RecordingFacts,
    RecordingGap, RecordingState, Rendition,
};
pub use show::{Messages, Show, ShowAction, ShowEvent, ShowStatus};
pub use target::{PULL_FIELD, Place, Scheme, Target, TargetRules, is_private, parse_pull_list};
pub use timeline::{Correction, Corrections, Discontinuity, Gap, JoinReason, Mapped, Timeline};

use id::slug;

#[cfg(test)]
mod tests;
