//! Admission: from a claim to a session, or to the reason why not.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Action, InputConfig, InputEntry, Plane, Reply, Role, Session};
use crate::{
    Claim, Entropy, Error, Health, Input, InputEvent, InputId, KeyRef, Keyring, ListenerEvent,
    ListenerId, ListenerPolicy, ListenerState, Loss, Machine, Now, Output, Profile, ProfileKind,
    Pull, PullEvent, PullFailure, Recorder, Refusal, SessionId, Slot, StreamName, Use,
};

/// The most bytes of a stream name on an open listener.
const OPEN_NAME: usize = 256;

impl Plane {
    /// Finds out what a stream name proves. Nothing changes, and nothing of the text is kept: only names on open
    /// listeners, which are public, are in a claim.
    ///
    /// `app` and `text` are as the client gave them; a token written as `name?token` arrives within the name.
    pub fn claim(
        &self,
        listener: ListenerId,
        used_to: Use,
        app: &str,
        text: &str,
        keys: &Keyring,
    ) -> Claim {
        let name = StreamName::parse(text);
        if name.name().is_empty() {
            return Claim::Empty;
        }
        let Some(policy) = self.listeners.get(&listener).map(|it| &it.machine.config().policy)
        else {
            return Claim::UnknownApp;
        };
        match policy {
            ListenerPolicy::Keyed => self.keyed_claim(used_to, app, &name, keys),
            ListenerPolicy::Open | ListenerPolicy::AllowList { .. } => {
                // A right key is a key everywhere: nobody means a name by it.
                let keyed = self.keyed_claim(used_to, app, &name, keys);
                if matches!(keyed, Claim::Input { .. }) {
                    return keyed;
                }
                if name.name().len() > OPEN_NAME || app.len() > OPEN_NAME {
                    return Claim::Unknown;
                }
                Claim::Open { app: app.into(), name: name.name().into() }
            }
        }
    }

    fn keyed_claim(&self, used_to: Use, app: &str, name: &StreamName<'_>, keys: &Keyring) -> Claim {
        let apps = &self.config.apps;
        let key_of = |input| match used_to {
            Use::Publish => KeyRef::Publish(input),
            Use::Play => KeyRef::Play(input),
        };
        let proven = |input: Option<InputId>, slot, rendition: Option<&str>| {
            // An input that does not exist costs the same comparison as one that does.
            let candidate = input.unwrap_or(InputId::from_bytes([0; 16]));
            let right = keys.matches(key_of(candidate), name.token().unwrap_or(""));
            match input.filter(|_| right) {
                Some(input) => Claim::Input { input, slot, rendition: rendition.map(String::from) },
                None => Claim::Unknown,
            }
        };
        let numbered = |number| self.numbers.get(&number).copied();
        if app == apps.numbers {
            let (number, slot) = name.number().unwrap_or((-1, Slot::Primary));
            return proven(numbered(number), slot, None);
        }
        if app == apps.renditions && used_to == Use::Play {
            let (number, quality) = name.rendition().unwrap_or((-1, ""));
            return proven(numbered(number), Slot::Primary, Some(quality));
        }
        if apps.calls.as_deref() == Some(app) {
            let alias =
                name.name().split_once('/').map(|(kind, id)| alloc::format!("call:{kind}:{id}"));
            let input = alias.and_then(|it| self.aliases.get(&it).copied());
            return proven(input, Slot::Primary, None);
        }
        if !apps.keys.iter().any(|it| it == app) {
            return Claim::UnknownApp;
        }
        let found = match used_to {
            Use::Publish => keys.publish_key(name.name()),
            Use::Play => keys.play_key(name.name()),
        };
        let slot =
            if name.parameter("slot") == Some("backup") { Slot::Backup } else { Slot::Primary };
        match found.filter(|it| self.inputs.contains_key(it)) {
            Some(input) => Claim::Input { input, slot, rendition: None },
            None => Claim::Unknown,
        }
    }

    fn check_listener(&self, id: ListenerId) -> Result<&ListenerPolicy, Refusal> {
        let entry = self.listeners.get(&id).ok_or(Refusal::ListenerStopping)?;
        if entry.machine.state() != ListenerState::Listening {
            return Err(Refusal::ListenerStopping);
        }
        Ok(&entry.machine.config().policy)
    }

    /// The place of a name on an open listener, and the input that is there.
    fn open_place(
        &self,
        listener: ListenerId,
        claim: &Claim,
        address: IpAddr,
    ) -> Result<Option<(String, Option<InputId>)>, Refusal> {
        let policy = self.check_listener(listener)?;
        let Claim::Open { app, name } = claim else { return Ok(None) };
        if let ListenerPolicy::AllowList { names, addresses } = policy {
            let named = names.is_empty() || names.contains(name);
            let known = addresses.is_empty() || addresses.contains(&address);
            if !(named && known) {
                return Err(Refusal::UnknownKey);
            }
        }
        let place = alloc::format!("{listener}/{app}/{name}");
        let input = self.ephemeral.get(&place).copied();
        Ok(Some((place, input)))
    }

    pub(super) fn publish(
        &mut self,
        now: Now,
        listener: ListenerId,
        claim: &Claim,
        address: IpAddr,
        template: Option<InputConfig>,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        // Only counting attempts comes before a refusal: the one thing that refused publishers leave behind.
        let open = self.open_place(listener, claim, address);
        let (input, slot) = match (claim, &open) {
            (Claim::UnknownApp, _) => return Err(Refusal::UnknownApp.into()),
            (Claim::Empty, Ok(_)) => return Err(Refusal::EmptyName.into()),
            (Claim::Input { input, slot, .. }, _) => (Some(*input), *slot),
            (_, Ok(Some((_, input)))) => (*input, Slot::Primary),
            _ => (None, Slot::Primary),
        };
        let place = match open {
            Err(Refusal::ListenerStopping) => return Err(Refusal::ListenerStopping.into()),
            other => other.map(|it| it.map(|(place, _)| place)),
        };
        let profile = input.and_then(|it| self.inputs.get(&it)).map(|it| &it.config.profile);
        let limit = profile.map_or((10, core::time::Duration::from_secs(60)), |it| {
            (it.attempts, it.attempts_within)
        });
        let key = match (&input, &place) {
            (Some(input), _) => input.to_string(),
            (None, Ok(Some(place))) => place.clone(),
            _ => String::new(),
        };
        if !self.attempts.count(now, &key, address, limit) {
            return Err(Refusal::RateLimited.into());
        }
        let place = place?;
        self.check_publish(now, input, slot, place.is_some())?;
        let input = match (input, place) {
            (Some(input), _) => input,
            (None, Some(place)) => self.create_ephemeral(now, place, claim, template, entropy),
            (None, None) => return Err(Refusal::UnknownKey.into()),
        };
        let session = SessionId::draw(entropy);
        let role = Role::Publisher(slot);
        self.sessions
            .insert(session, Session { listener: Some(listener), input, role, since: now.unix_ms });
        self.input_event(now, input, InputEvent::Publish { session, slot });
        Ok(Reply::Publishing { session, input, slot })
    }

    fn check_publish(
        &self,
        now: Now,
        input: Option<InputId>,
        slot: Slot,
        open: bool,
    ) -> Result<(), Error> {
        let limits = &self.config.limits;
        let quota_reached = self.active_inputs >= limits.active_inputs;
        let entry = input.and_then(|it| self.inputs.get(&it));
        let Some(entry) = entry else {
            let full = quota_reached || self.inputs.len() >= limits.inputs;
            return match (open, full) {
                (false, _) => Err(Refusal::UnknownKey.into()),
                (true, true) => Err(Refusal::Quota.into()),
                (true, false) => Ok(()),
            };
        };
        if !entry.config.enabled {
            return Err(Refusal::Disabled.into());
        }
        if entry.config.pull.is_some() {
            return Err(Refusal::InputIsPull.into());
        }
        if quota_reached && !entry.machine.phase().is_active() {
            return Err(Refusal::Quota.into());
        }
        entry.machine.admits(now, slot)?;
        Ok(())
    }

    fn create_ephemeral(
        &mut self,
        now: Now,
        place: String,
        claim: &Claim,
        template: Option<InputConfig>,
        entropy: &mut dyn Entropy,
    ) -> InputId {
        let id = InputId::draw(entropy);
        let mut config =
            template.unwrap_or_else(|| InputConfig::new("", Profile::of(ProfileKind::Servers)));
        config.name = match claim {
            Claim::Open { name, .. } => name.chars().take(128).collect(),
            _ => String::new(),
        };
        let number = self.draw_number();
        let mut entry = new_input(now, config, number);
        entry.ephemeral = Some(place.clone());
        self.ephemeral.insert(place, id);
        self.inputs.insert(id, entry);
        self.numbers.insert(number, id);
        id
    }

    pub(super) fn play(
        &mut self,
        now: Now,
        listener: ListenerId,
        claim: Claim,
        address: IpAddr,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        let open = self.open_place(listener, &claim, address)?;
        let (input, rendition) = match claim {
            Claim::UnknownApp => return Err(Refusal::UnknownApp.into()),
            Claim::Input { input, rendition, .. } => (Some(input), rendition),
            Claim::Open { .. } => (open.and_then(|(_, input)| input), None),
            // Whoever asks for nothing gets nothing.
            Claim::Empty | Claim::Unknown => (None, None),
        };
        let Some((input, entry)) =
            input.and_then(|it| self.inputs.get_mut(&it).map(|entry| (it, entry)))
        else {
            return Err(Refusal::NotFound.into());
        };
        if !entry.machine.phase().is_active() {
            let wait = self.config.limits.play_wait.min(core::time::Duration::from_secs(10));
            return if wait.is_zero() || !entry.config.enabled {
                Err(Refusal::NotFound.into())
            } else {
                Ok(Reply::PlayLater { input, wait })
            };
        }
        if self.players >= self.config.limits.players {
            return Err(Refusal::TooManyPlayers.into());
        }
        self.players = self.players.saturating_add(1);
        entry.players = entry.players.saturating_add(1);
        let session = SessionId::draw(entropy);
        let role = Role::Player;
        self.sessions
            .insert(session, Session { listener: Some(listener), input, role, since: now.unix_ms });
        Ok(Reply::Playing { session, input, rendition })
    }

    /// An input's own source got through.
    pub(super) fn pull_connected(
        &mut self,
        now: Now,
        id: InputId,
        attempt: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        let Some(entry) = self.inputs.get_mut(&id) else {
            return Err(Error::NotFound { what: "input" });
        };
        let present = entry.pull.attempt() == attempt && entry.pull.is_trying();
        if !present || entry.pulled.is_some() {
            return Err(Error::NotFound { what: "attempt" });
        }
        if entry.machine.admits(now, Slot::Primary).is_err() {
            return Err(Refusal::AlreadyPublishing.into());
        }
        let session = SessionId::draw(entropy);
        entry.pulled = Some(session);
        let role = Role::Pull(attempt);
        self.sessions
            .insert(session, Session { listener: None, input: id, role, since: now.unix_ms });
        self.pull_event(now, id, PullEvent::Connected { attempt });
        self.input_event(now, id, InputEvent::Pulled { session });
        Ok(Reply::Publishing { session, input: id, slot: Slot::Primary })
    }

    /// The process began anew.
    pub(super) fn restarted(&mut self, now: Now) {
        // What nobody did before is not done twice; what is still to be done, the machines say again.
        self.actions.retain(|it| {
            matches!(
                it,
                Action::Notice(_)
                    | Action::Keys(_)
                    | Action::RecordingDelete(_)
                    | Action::ClipMake { .. }
                    | Action::ClipDelete(_)
            )
        });
        for id in self.hooks.keys().copied().collect::<Vec<_>>() {
            self.with_hook(id, |it| it.restart(now));
        }
        for id in self.outputs.keys().copied().collect::<Vec<_>>() {
            self.with_output(now, id, Output::restart);
        }
        for listener in self.listeners.values_mut() {
            listener.machine.restart();
        }
        for id in self.listeners.keys().copied().collect::<Vec<_>>() {
            // One that had failed because another has its port fails again, without being tried.
            let Some(config) = self.listeners.get(&id).map(|it| it.machine.config()) else {
                continue;
            };
            if config.active && self.port_owner(config.port).is_none() {
                self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Start));
            }
        }
        // Who is used goes last: there is nobody left to switch to.
        let is_used = |id: &SessionId| {
            let input = self.sessions.get(id).and_then(|it| self.inputs.get(&it.input));
            input.is_some_and(|it| it.machine.used() == Some(*id))
        };
        let (used, unused): (Vec<_>, Vec<_>) = self.sessions.keys().copied().partition(is_used);
        for session in unused.into_iter().chain(used) {
            self.lose_session(now, session, Loss::Restarted);
        }
        for id in self.inputs.keys().copied().collect::<Vec<_>>() {
            let Some(entry) = self.inputs.get_mut(&id) else { continue };
            let attempt = entry.pull.attempt();
            // An attempt that was on its way, and gave no session yet.
            self.pull_event(now, id, PullEvent::Failed { attempt, why: PullFailure::Closed });
        }
        self.repeat_recordings();
    }

    /// Orders for recordings that may not have been carried out.
    fn repeat_recordings(&mut self) {
        let pending: Vec<_> = (self.recordings.iter())
            .filter(|(_, it)| {
                matches!(
                    it.state(),
                    crate::RecordingState::Pending | crate::RecordingState::Viewable
                )
            })
            .map(|(id, _)| *id)
            .collect();
        for id in pending {
            self.act(Action::RecordingFinish(id));
        }
    }
}

pub(super) fn new_input(now: Now, config: InputConfig, number: i64) -> InputEntry {
    let mut profile = config.profile.clone();
    if let Some(window) = config.recording.window {
        profile.reconnect_window = window;
    }
    InputEntry {
        number,
        created: now.unix_ms,
        modified: now.unix_ms,
        keys_rotated: None,
        machine: Input::new(&profile),
        pull: Pull::new(profile.pull.clone(), config.pull.as_ref().map_or(0, Vec::len)),
        pulled: None,
        recorder: Recorder::new(config.recording.mode, profile.recording),
        health: Health::new(profile.policy, config.low_latency),
        outputs: Vec::new(),
        shows: Vec::new(),
        players: 0,
        seq: 0,
        told_live: false,
        ephemeral: None,
        deactivated: false,
        active: false,
        config,
    }
}
