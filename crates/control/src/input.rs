//! One live input: who publishes, whether it is live, and which of two publishers is used.

use core::time::Duration;

use crate::machine::{Queue, due};
use crate::{Error, Machine, Now, Profile, Refusal, SessionId, Slot};

/// Why a publisher is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Loss {
    /// It said so.
    Unpublished,
    /// Its connection broke.
    Closed,
    /// It sent nothing for too long.
    Idle,
    /// It sent nothing that can be played.
    NoMedia,
    /// It broke the protocol.
    ProtocolError,
    /// The input was switched off.
    Disabled,
    /// Its key was replaced.
    KeyRotated,
    /// Its listener was stopped.
    ListenerStopped,
    /// Another publisher took its place.
    Replaced,
    /// The policy does not allow what it sent.
    Policy,
    /// The input was deleted.
    Deleted,
    /// The operator closed it.
    Disconnected,
    /// The input fetches its media itself from now on.
    PullOn,
    /// The server began anew.
    Restarted,
}

impl Loss {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unpublished => "unpublished",
            Self::Closed => "closed",
            Self::Idle => "idle",
            Self::NoMedia => "no_media",
            Self::ProtocolError => "protocol_error",
            Self::Disabled => "disabled",
            Self::KeyRotated => "key_rotated",
            Self::ListenerStopped => "listener_stopped",
            Self::Replaced => "replaced",
            Self::Policy => "policy",
            Self::Deleted => "deleted",
            Self::Disconnected => "disconnected",
            Self::PullOn => "pull_on",
            Self::Restarted => "restarted",
        }
    }
}

/// Where an input stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Phase {
    /// Switched off.
    Disabled,
    /// Nobody publishes.
    Idle,
    /// A publisher was accepted and has sent nothing that can be played.
    Connecting,
    /// There is media, of this slot.
    Live {
        /// Whose.
        slot: Slot,
    },
    /// The publisher is away and may come back.
    Suspended {
        /// Until when.
        until: Duration,
    },
}

impl Phase {
    /// The word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Live { .. } => "live",
            Self::Suspended { .. } => "suspended",
        }
    }

    /// Whether it counts against the quota of active inputs.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Disabled | Self::Idle)
    }
}

/// The status word of surface A.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Word {
    /// Live for the first time.
    Connected,
    /// Suspended.
    Reconnecting,
    /// Live again.
    Reconnected,
    /// Ended after an orderly stop.
    ClientDisconnect,
    /// Ended after a loss.
    FailedToReconnect,
    /// Never sent media.
    FailedToConnect,
    /// Ran into the total limit.
    TtlExceeded,
    /// Settings were changed while live.
    NewConfigurationAccepted,
}

impl Word {
    /// The word itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Reconnected => "reconnected",
            Self::ClientDisconnect => "client_disconnect",
            Self::FailedToReconnect => "failed_to_reconnect",
            Self::FailedToConnect => "failed_to_connect",
            Self::TtlExceeded => "ttl_exceeded",
            Self::NewConfigurationAccepted => "new_configuration_accepted",
        }
    }
}

/// What happens to an [`Input`]. A session that is not there any more has nothing to say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum InputEvent {
    /// Somebody may publish and wants to. Refused if the slot is busy.
    Publish {
        /// Who.
        session: SessionId,
        /// Where.
        slot: Slot,
    },
    /// The input's own pull got through. It takes the primary slot, and its silence is the pull's affair.
    Pulled {
        /// The session it is from now on.
        session: SessionId,
    },
    /// Bytes came. Tell it about once a second.
    Bytes {
        /// From whom.
        session: SessionId,
    },
    /// Codec data and the first keyframe are there, or sound alone.
    Media {
        /// From whom.
        session: SessionId,
    },
    /// Another keyframe.
    Keyframe {
        /// From whom.
        session: SessionId,
    },
    /// A publisher is gone.
    Lost {
        /// Who.
        session: SessionId,
        /// Why.
        reason: Loss,
    },
    /// The first segment can be played.
    Ready,
    /// It may be used.
    Enable,
    /// Close whoever publishes, end, and be switched off.
    Disable,
    /// Close whoever publishes, and end at once.
    End(Loss),
    /// Close whoever publishes, as lost: they may come back within the window.
    Drop(Loss),
    /// Other settings, for later sessions.
    Changed,
    /// The recording ran into its total limit.
    TtlExceeded,
}

/// What an [`Input`] wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum InputAction {
    /// Close a publisher's connection.
    Close {
        /// Whose.
        session: SessionId,
        /// Why.
        reason: Loss,
    },
    /// Take media from this session from its newest keyframe on. Whatever another sends is only cached.
    Use {
        /// Whose.
        session: SessionId,
        /// Its slot.
        slot: Slot,
    },
    /// A broadcast may begin.
    Connected,
    /// It began.
    Live {
        /// With this slot.
        slot: Slot,
    },
    /// It can be played.
    Ready,
    /// Another slot is used.
    Switched {
        /// Which.
        slot: Slot,
        /// Time without media.
        missing_ms: u64,
    },
    /// The publisher is away. Playlist, recording and outputs stay open.
    Suspended {
        /// Why.
        reason: Loss,
        /// Until when it may come back.
        until: Duration,
    },
    /// It is back.
    Resumed {
        /// Time without media.
        missing_ms: u64,
    },
    /// The broadcast is over: playlist, recording and outputs end.
    Ended {
        /// Why.
        reason: Loss,
    },
    /// Nothing that could be played ever came.
    Errored {
        /// Why.
        reason: Loss,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Publisher {
    session: SessionId,
    accepted: Duration,
    last_bytes: Duration,
    /// Since when there is media, without a break.
    media: Option<Duration>,
    /// Whether we fetched it ourselves.
    pulled: bool,
}

/// One input.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/input.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Input {
    rules: Rules,
    phase: Phase,
    slots: [Option<Publisher>; 2],
    /// The primary is away; the backup is used from then on.
    hold: Option<Duration>,
    /// When media stopped.
    lost_at: Duration,
    /// Why, while it is away.
    loss: Loss,
    since: Duration,
    ready: bool,
    word: Option<Word>,
    last_loss: Option<(Loss, i64)>,
    actions: Queue<InputAction>,
}

/// The numbers of a profile that this machine needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Rules {
    idle_limit: Duration,
    first_media_limit: Duration,
    window: Duration,
    end_on_unpublish: bool,
    backup: Option<crate::BackupRules>,
    takeover_after: Option<Duration>,
}

impl Rules {
    fn of(profile: &Profile) -> Self {
        Self {
            idle_limit: profile.idle_limit,
            first_media_limit: profile.first_media_limit,
            window: profile.reconnect_window,
            end_on_unpublish: profile.end_on_unpublish,
            backup: profile.backup,
            takeover_after: profile.takeover_after,
        }
    }
}

impl Input {
    /// An idle one.
    pub fn new(profile: &Profile) -> Self {
        Self {
            rules: Rules::of(profile),
            phase: Phase::Idle,
            slots: [None; 2],
            hold: None,
            lost_at: Duration::ZERO,
            loss: Loss::Closed,
            since: Duration::ZERO,
            ready: false,
            word: None,
            last_loss: None,
            actions: Queue::actions(),
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when it stands there.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// Whether the present broadcast can be played.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The status word of surface A; none before the first publisher.
    pub fn word(&self) -> Option<Word> {
        self.word
    }

    /// Why the last publisher went, and when.
    pub fn last_loss(&self) -> Option<(Loss, i64)> {
        self.last_loss
    }

    /// Who holds a slot.
    pub fn publisher(&self, slot: Slot) -> Option<SessionId> {
        self.slot(slot).map(|it| it.session)
    }

    /// Whether a slot's publisher sends media.
    pub fn has_media(&self, slot: Slot) -> bool {
        self.slot(slot).is_some_and(|it| it.media.is_some())
    }

    /// Whose media is used.
    pub fn used(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Live { slot } => self.publisher(slot),
            _ => None,
        }
    }

    /// Other numbers from the next session on.
    pub(crate) fn configure(&mut self, profile: &Profile) {
        self.rules = Rules::of(profile);
    }

    /// Whether this publisher would be taken, and whom it would replace.
    pub fn admits(&self, now: Now, slot: Slot) -> Result<Option<SessionId>, Refusal> {
        if self.phase == Phase::Disabled {
            return Err(Refusal::Disabled);
        }
        if slot == Slot::Backup && self.rules.backup.is_none() {
            return Err(Refusal::UnknownKey);
        }
        let Some(holder) = self.slot(slot) else { return Ok(None) };
        // quirks C1, C2: a dead connection must not lock its owner out, and nobody may kick a living one.
        let silent = now.mono.saturating_sub(holder.last_bytes);
        if self.rules.takeover_after.is_some_and(|after| silent >= after) {
            Ok(Some(holder.session))
        } else {
            Err(Refusal::AlreadyPublishing)
        }
    }

    fn slot(&self, slot: Slot) -> Option<&Publisher> {
        self.slots.get(slot.index())?.as_ref()
    }

    fn slot_mut(&mut self, slot: Slot) -> Option<&mut Option<Publisher>> {
        self.slots.get_mut(slot.index())
    }

    fn slot_of(&self, session: SessionId) -> Option<Slot> {
        [Slot::Primary, Slot::Backup].into_iter().find(|it| self.publisher(*it) == Some(session))
    }

    fn enter(&mut self, now: Now, phase: Phase) {
        (self.phase, self.since) = (phase, now.mono);
    }

    fn publish(
        &mut self,
        now: Now,
        session: SessionId,
        slot: Slot,
        pulled: bool,
    ) -> Result<(), Error> {
        if let Some(holder) = self.admits(now, slot)? {
            self.close(now, holder, Loss::Replaced);
        }
        let publisher =
            Publisher { session, accepted: now.mono, last_bytes: now.mono, media: None, pulled };
        if let Some(place) = self.slot_mut(slot) {
            *place = Some(publisher);
        }
        if self.phase == Phase::Idle {
            self.enter(now, Phase::Connecting);
            self.actions.push(InputAction::Connected);
        }
        Ok(())
    }

    fn media(&mut self, now: Now, slot: Slot) {
        let Some(publisher) = self.slot_mut(slot).and_then(Option::as_mut) else { return };
        publisher.last_bytes = now.mono;
        if publisher.media.is_some() {
            return;
        }
        publisher.media = Some(now.mono);
        let missing_ms = self.missing(now);
        match self.phase {
            Phase::Connecting => {
                self.go_live(now, slot, Word::Connected);
                self.actions.push(InputAction::Live { slot });
            }
            Phase::Suspended { .. } => {
                self.go_live(now, slot, Word::Reconnected);
                self.actions.push(InputAction::Resumed { missing_ms });
            }
            // Back before the backup was needed.
            Phase::Live { slot: used } if used == slot && self.hold.take().is_some() => {
                self.take(slot)
            }
            Phase::Live { .. } | Phase::Disabled | Phase::Idle => {}
        }
    }

    fn missing(&self, now: Now) -> u64 {
        crate::now::millis(now.mono.saturating_sub(self.lost_at))
    }

    fn take(&mut self, slot: Slot) {
        if let Some(session) = self.publisher(slot) {
            self.actions.push(InputAction::Use { session, slot });
        }
    }

    fn go_live(&mut self, now: Now, slot: Slot, word: Word) {
        self.enter(now, Phase::Live { slot });
        self.word = Some(word);
        self.take(slot);
    }

    fn switch(&mut self, slot: Slot, missing_ms: u64) {
        self.hold = None;
        self.phase = Phase::Live { slot };
        self.take(slot);
        self.actions.push(InputAction::Switched { slot, missing_ms });
    }

    fn keyframe(&mut self, now: Now, slot: Slot) {
        self.media(now, slot);
        // The primary is back: used again at a keyframe, once it has been there long enough without a break.
        let returns = self.rules.backup.map(|it| it.return_after);
        let since = self.slot(slot).and_then(|it| it.media);
        let (Phase::Live { slot: Slot::Backup }, Slot::Primary, Some(after), Some(since)) =
            (self.phase, slot, returns, since)
        else {
            return;
        };
        if now.mono.saturating_sub(since) >= after {
            self.switch(Slot::Primary, 0);
        }
    }

    fn close(&mut self, now: Now, session: SessionId, reason: Loss) {
        self.actions.push(InputAction::Close { session, reason });
        self.lose(now, session, reason);
    }

    /// A publisher is gone, whoever closed it.
    fn lose(&mut self, now: Now, session: SessionId, reason: Loss) {
        let Some(slot) = self.slot_of(session) else { return };
        if let Some(place) = self.slot_mut(slot) {
            *place = None;
        }
        self.last_loss = Some((reason, now.unix_ms));
        let other = slot.other();
        match self.phase {
            // Lost again before it sent media: the hold goes on.
            Phase::Live { slot: used } if used == slot && self.hold.is_some() => {}
            Phase::Live { slot: used } if used == slot => {
                self.lost_at = now.mono;
                self.loss = reason;
                match (self.has_media(other), self.rules.backup) {
                    (true, Some(rules)) if slot == Slot::Primary => {
                        self.hold = Some(now.mono.saturating_add(rules.hold));
                    }
                    (true, _) => self.switch(other, 0),
                    (false, _) => self.suspend(now),
                }
            }
            // The backup is gone too, before it was needed.
            Phase::Live { .. } if self.hold.take().is_some() => self.suspend(now),
            Phase::Connecting if self.slots.iter().all(Option::is_none) => {
                self.enter(now, Phase::Idle);
                self.word = Some(Word::FailedToConnect);
                self.actions.push(InputAction::Errored { reason });
            }
            _ => {}
        }
    }

    fn suspend(&mut self, now: Now) {
        let at_once = self.loss == Loss::Unpublished && self.rules.end_on_unpublish;
        if at_once || self.rules.window.is_zero() {
            return self.end(now, self.loss);
        }
        // Counted from the loss: a hold for the backup is part of the window, and takes none of it if it fails late.
        let until = now.mono.saturating_add(self.rules.window);
        self.enter(now, Phase::Suspended { until });
        self.word = Some(Word::Reconnecting);
        self.actions.push(InputAction::Suspended { reason: self.loss, until });
    }

    /// The broadcast is over. Publishers that are there begin the next one.
    fn end(&mut self, now: Now, reason: Loss) {
        self.hold = None;
        self.ready = false;
        self.actions.push(InputAction::Ended { reason });
        self.word = Some(match (self.word, reason) {
            (Some(Word::TtlExceeded), _) => Word::TtlExceeded,
            (_, Loss::Unpublished) => Word::ClientDisconnect,
            _ => Word::FailedToReconnect,
        });
        self.enter(now, Phase::Idle);
        if self.slots.iter().any(Option::is_some) {
            self.enter(now, Phase::Connecting);
            self.actions.push(InputAction::Connected);
        }
    }

    fn end_all(&mut self, now: Now, reason: Loss) {
        for slot in [Slot::Primary, Slot::Backup] {
            if let Some(publisher) = self.slot_mut(slot).and_then(Option::take) {
                self.actions.push(InputAction::Close { session: publisher.session, reason });
                self.last_loss = Some((reason, now.unix_ms));
            }
        }
        if self.phase.is_active() {
            self.end(now, reason);
        }
    }

    fn drop_all(&mut self, now: Now, reason: Loss) {
        // The one that is not used first, so that it is not switched to.
        let unused = match self.phase {
            Phase::Live { slot } => slot.other(),
            _ => Slot::Backup,
        };
        for slot in [unused, unused.other()] {
            if let Some(session) = self.publisher(slot) {
                self.close(now, session, reason);
            }
        }
    }

    /// Who has been silent for too long, and why that is too long.
    fn overdue(&self) -> Option<(Duration, SessionId, Loss)> {
        let deadline = |it: &Publisher| {
            let idle =
                (it.last_bytes.saturating_add(self.rules.idle_limit), it.session, Loss::Idle);
            let first = (
                it.accepted.saturating_add(self.rules.first_media_limit),
                it.session,
                Loss::NoMedia,
            );
            if it.media.is_none() && first.0 < idle.0 { first } else { idle }
        };
        self.slots.iter().flatten().filter(|it| !it.pulled).map(deadline).min_by_key(|(at, ..)| *at)
    }

    fn resume_limit(&self) -> Option<Duration> {
        match self.phase {
            Phase::Suspended { until } => Some(until),
            _ => None,
        }
    }
}

impl Machine for Input {
    type Event = InputEvent;
    type Action = InputAction;

    fn handle(&mut self, now: Now, event: InputEvent) -> Result<(), Error> {
        self.tick(now);
        match event {
            InputEvent::Publish { session, slot } => {
                return self.publish(now, session, slot, false);
            }
            InputEvent::Pulled { session } => {
                return self.publish(now, session, Slot::Primary, true);
            }
            InputEvent::Bytes { session } => {
                if let Some(publisher) =
                    self.slots.iter_mut().flatten().find(|it| it.session == session)
                {
                    publisher.last_bytes = now.mono;
                }
            }
            InputEvent::Media { session } => {
                if let Some(slot) = self.slot_of(session) {
                    self.media(now, slot);
                }
            }
            InputEvent::Keyframe { session } => {
                if let Some(slot) = self.slot_of(session) {
                    self.keyframe(now, slot);
                }
            }
            InputEvent::Lost { session, reason } => self.lose(now, session, reason),
            InputEvent::Ready => {
                if matches!(self.phase, Phase::Live { .. })
                    && !core::mem::replace(&mut self.ready, true)
                {
                    self.actions.push(InputAction::Ready);
                }
            }
            InputEvent::Enable => {
                if self.phase == Phase::Disabled {
                    self.enter(now, Phase::Idle);
                }
            }
            InputEvent::Disable => {
                self.end_all(now, Loss::Disabled);
                self.enter(now, Phase::Disabled);
            }
            InputEvent::End(reason) => self.end_all(now, reason),
            InputEvent::Drop(reason) => self.drop_all(now, reason),
            InputEvent::Changed => {
                if matches!(self.phase, Phase::Live { .. }) {
                    self.word = Some(Word::NewConfigurationAccepted);
                }
            }
            InputEvent::TtlExceeded => self.word = Some(Word::TtlExceeded),
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        // Two publishers at most, and each is lost once.
        while let Some((_, session, reason)) = self.overdue().filter(|(at, ..)| *at <= now.mono) {
            self.close(now, session, reason);
        }
        if due(self.hold, now) {
            let missing_ms = self.missing(now);
            self.switch(Slot::Backup, missing_ms);
        }
        if due(self.resume_limit(), now) {
            self.end(now, self.loss);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let overdue = self.overdue().map(|(at, ..)| at);
        crate::machine::earliest([overdue, self.hold, self.resume_limit()])
    }

    fn poll(&mut self) -> Option<InputAction> {
        self.actions.pop()
    }
}
