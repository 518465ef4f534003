//! What operators ask for. Everything is checked before anything is changed.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::publish::new_input;
use super::{
    Action, ClipEntry, HookConfig, HookEntry, InputConfig, ListenerEntry, OutputConfig,
    OutputEntry, Owner, Plane, Reply, Request, ShowConfig, ShowEntry,
};
use crate::error::check_length;
use crate::playlist::check_dvr_window;
use crate::{
    ClipId, ClipOrder, Entropy, Error, Hook, HookId, HookRules, InputEvent, InputId, KeyChange,
    KeyRef, Listener, ListenerConfig, ListenerEvent, ListenerId, Loss, Machine, Now, Output,
    OutputEvent, OutputId, OutputRules, Place, PullEvent, RecorderEvent, RecordingEvent,
    RecordingId, RecordingState, Show, ShowEvent, ShowId, SigningKeyId, Slot, Target,
};

const NAME: &str = "must have 1 to 128 characters";

fn not_found<T>(found: Option<T>, what: &'static str) -> Result<T, Error> {
    found.ok_or(Error::NotFound { what })
}

fn check_room(have: usize, limit: usize, which: &'static str) -> Result<(), Error> {
    if have < limit {
        return Ok(());
    }
    Err(Error::Limit { which, limit: u64::try_from(limit).unwrap_or(u64::MAX) })
}

impl Plane {
    pub(super) fn operate(
        &mut self,
        now: Now,
        request: Request,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        match request {
            Request::CreateListener(config) => self.create_listener(now, config, entropy),
            Request::UpdateListener(id, config) => self.update_listener(now, id, config),
            Request::StartListener(id) => self.start_listener(now, id),
            Request::StopListener(id) => self.stop_listener(now, id),
            Request::RemoveListener(id) => self.remove_listener(now, id),
            Request::CreateInput(config) => self.create_input(now, config, entropy),
            Request::UpdateInput(id, config) => self.update_input(now, id, config),
            Request::RestartPull(id) => {
                let urls = not_found(self.inputs.get(&id), "input")?.config.pull.as_ref();
                let urls = not_found(urls, "pull")?.len();
                self.pull_event(now, id, PullEvent::SetUrls(urls));
                Ok(Reply::Done)
            }
            Request::DeleteInput(id) => self.delete_input(now, id),
            Request::RotateKeys(id) => self.rotate_keys(now, id),
            Request::Disconnect(id) => self.disconnect(now, id),
            Request::StartRecording(id) => self.start_recording(now, id),
            Request::StopRecording(id) => self.stop_recording(now, id),
            Request::CreateOutputs(id, configs) => self.create_outputs(now, id, configs, entropy),
            Request::UpdateOutput(id, config) => self.update_output(now, id, config),
            Request::EnableOutput(id, enabled) => self.enable_output(now, id, enabled),
            Request::StopOutput(id) => self.stop_output(now, id),
            Request::StopOutputNamed(input, name) => self.stop_output_named(now, input, &name),
            Request::StopOutputs(input) => self.stop_outputs(now, input),
            Request::DeleteOutput(id) => {
                not_found(self.outputs.get(&id), "output")?;
                self.forget_output(now, id);
                Ok(Reply::Done)
            }
            Request::RenameRecording(id, name) => {
                check_length("name", &name, 256, "must have 1 to 256 characters")?;
                not_found(self.recordings.get_mut(&id), "recording")?.rename(name);
                Ok(Reply::Done)
            }
            Request::SetRecordingAccess(id, access) => {
                check_origins(&access.allowed_origins)?;
                not_found(self.recordings.get_mut(&id), "recording")?.set_access(access);
                Ok(Reply::Done)
            }
            Request::DeleteRecording(id) => self.delete_recording(now, id),
            Request::CreateClip(id, order) => self.create_clip(now, id, order, entropy),
            Request::DeleteClip(id) => {
                not_found(self.clips.get(&id), "clip")?;
                self.remove_clip(id);
                Ok(Reply::Done)
            }
            Request::CreateShow(config) => self.create_show(now, config, entropy),
            Request::UpdateShow(id, config) => self.update_show(now, id, config),
            Request::SetShow(id, status) => {
                not_found(self.shows.get(&id), "show")?;
                self.with_show(now, id, |it| _ = it.handle(now, ShowEvent::Set(status)));
                Ok(Reply::Done)
            }
            Request::DeleteShow(id) => self.delete_show(id),
            Request::CreateHook(config) => self.create_hook(now, config, entropy),
            Request::UpdateHook(id, config) => self.update_hook(id, config),
            Request::DeleteHook(id) => self.delete_hook(id),
            Request::TestHook(id) => self.test_hook(now, id),
            Request::AddSigningKey(algorithm) => {
                check_room(
                    self.signing_keys.len(),
                    self.config.limits.signing_keys,
                    "signing keys",
                )?;
                let id = SigningKeyId::draw(entropy);
                self.signing_keys.insert(id, (algorithm, now.unix_ms));
                Ok(Reply::SigningKey(id))
            }
            Request::DeleteSigningKey(id) => {
                not_found(self.signing_keys.remove(&id), "signing key")?;
                Ok(Reply::Done)
            }
        }
    }

    // Listeners.

    fn check_listener_config(
        &self,
        config: &ListenerConfig,
        except: Option<ListenerId>,
    ) -> Result<(), Error> {
        config.check()?;
        let others = || {
            self.listeners.iter().filter(|(id, _)| Some(**id) != except).map(|(_, it)| &it.machine)
        };
        if others().any(|it| it.config().name == config.name) {
            return Err(Error::Taken { field: "name" });
        }
        if config.active && others().any(|it| it.uses_port(config.port)) {
            return Err(Error::Taken { field: "port" });
        }
        Ok(())
    }

    fn create_listener(
        &mut self,
        now: Now,
        config: ListenerConfig,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        check_room(self.listeners.len(), self.config.limits.listeners, "listeners")?;
        self.check_listener_config(&config, None)?;
        let active = config.active;
        let (machine, id) = (Listener::new(config)?, ListenerId::draw(entropy));
        self.listeners.insert(id, ListenerEntry { machine, created: now.unix_ms, modified: None });
        if active {
            self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Start));
        }
        Ok(Reply::Listener(id))
    }

    fn update_listener(
        &mut self,
        now: Now,
        id: ListenerId,
        config: ListenerConfig,
    ) -> Result<Reply, Error> {
        not_found(self.listeners.get(&id), "listener")?;
        self.check_listener_config(&config, Some(id))?;
        if let Some(entry) = self.listeners.get_mut(&id) {
            entry.modified = Some(now.unix_ms);
        }
        self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Update(config)));
        Ok(Reply::Done)
    }

    fn start_listener(&mut self, now: Now, id: ListenerId) -> Result<Reply, Error> {
        let entry = not_found(self.listeners.get(&id), "listener")?;
        let config = ListenerConfig { active: true, ..entry.machine.config().clone() };
        self.check_listener_config(&config, Some(id))?;
        self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Start));
        Ok(Reply::Done)
    }

    fn stop_listener(&mut self, now: Now, id: ListenerId) -> Result<Reply, Error> {
        not_found(self.listeners.get(&id), "listener")?;
        self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Stop));
        Ok(Reply::Done)
    }

    fn remove_listener(&mut self, now: Now, id: ListenerId) -> Result<Reply, Error> {
        self.stop_listener(now, id)?;
        // What is still draining is cut off: nobody is left to wait for it.
        self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Drained));
        self.listeners.remove(&id);
        self.timers.set(Owner::Listener(id), None);
        Ok(Reply::Done)
    }

    // Inputs.

    fn check_input(&self, config: &InputConfig, except: Option<InputId>) -> Result<(), Error> {
        check_length("name", &config.name, 128, NAME)?;
        check_echoed("meta", &config.meta)?;
        check_echoed("client_user_id", config.client_user_id.as_deref().unwrap_or(""))?;
        check_echoed("client_entity_data", config.client_entity_data.as_deref().unwrap_or(""))?;
        if let Some(alias) = &config.alias {
            check_length("alias", alias, 128, NAME)?;
            if self.aliases.get(alias).is_some_and(|it| Some(*it) != except) {
                return Err(Error::Taken { field: "alias" });
            }
        }
        if let Some(days) = config.recording.delete_after_days
            && !config.profile.may_delete_after(days)
        {
            return Err(Error::Invalid {
                field: "recording.delete_after_days",
                why: "is out of range",
            });
        }
        if config.recording.window.is_some_and(|it| it > Duration::from_secs(86_400)) {
            return Err(Error::Invalid {
                field: "recording.reconnect_window_s",
                why: "must be at most a day",
            });
        }
        check_origins(&config.recording.access.allowed_origins)?;
        if let Some(seconds) = config.dvr_window_s {
            check_dvr_window(&config.profile, seconds)?;
        }
        if config.pull.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::Invalid { field: "pull.urls", why: "must hold a URL" });
        }
        config.pull.iter().flatten().try_for_each(|it| self.check_place("pull.urls", it))
    }

    fn check_place(&self, field: &'static str, place: &Place) -> Result<(), Error> {
        self.config.targets.check(field, place)
    }

    fn create_input(
        &mut self,
        now: Now,
        config: InputConfig,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        check_room(self.inputs.len(), self.config.limits.inputs, "inputs")?;
        self.check_input(&config, None)?;
        let id = InputId::draw(entropy);
        let number = self.draw_number();
        if let Some(alias) = &config.alias {
            self.aliases.insert(alias.clone(), id);
        }
        self.numbers.insert(number, id);
        let (enabled, pulls) = (config.enabled, config.pull.is_some());
        self.inputs.insert(id, new_input(now, config, number));
        self.act(Action::Keys(KeyChange::Mint(KeyRef::Publish(id))));
        self.act(Action::Keys(KeyChange::Mint(KeyRef::Play(id))));
        if !enabled {
            self.input_event(now, id, InputEvent::Disable);
        } else if pulls {
            self.pull_event(now, id, PullEvent::Start);
        }
        Ok(Reply::Input(id))
    }

    fn update_input(&mut self, now: Now, id: InputId, config: InputConfig) -> Result<Reply, Error> {
        not_found(self.inputs.get(&id), "input")?;
        self.check_input(&config, Some(id))?;
        let Some(entry) = self.inputs.get_mut(&id) else { return Ok(Reply::Done) };
        let old = core::mem::replace(&mut entry.config, config);
        let new = entry.config.clone();
        entry.modified = now.unix_ms;
        let mut profile = new.profile.clone();
        if let Some(window) = new.recording.window {
            profile.reconnect_window = window;
        }
        entry.machine.configure(&profile);
        entry.recorder.configure(profile.recording);
        if let Some(alias) = &old.alias {
            self.aliases.remove(alias);
        }
        if let Some(alias) = &new.alias {
            self.aliases.insert(alias.clone(), id);
        }
        self.recorder_event(now, id, RecorderEvent::SetMode(new.recording.mode))?;
        self.update_pull(now, id, &old, &new);
        self.input_event(now, id, InputEvent::Changed);
        Ok(Reply::Done)
    }

    /// Pull and push exclude each other, and a disabled input does neither.
    fn update_pull(&mut self, now: Now, id: InputId, old: &InputConfig, new: &InputConfig) {
        if old.pull.is_some() != new.pull.is_some() {
            self.pull_event(now, id, PullEvent::Stop);
            let reason = if new.pull.is_some() { Loss::PullOn } else { Loss::Disconnected };
            self.input_event(now, id, InputEvent::End(reason));
        }
        if !new.enabled {
            self.pull_event(now, id, PullEvent::Stop);
            if old.enabled {
                self.input_event(now, id, InputEvent::Disable);
            }
        }
        if old.pull != new.pull {
            let urls = new.pull.as_ref().map_or(0, Vec::len);
            self.pull_event(now, id, PullEvent::SetUrls(urls));
        }
        if new.enabled {
            if let Some(entry) = self.inputs.get_mut(&id) {
                entry.deactivated = false;
            }
            self.input_event(now, id, InputEvent::Enable);
            if new.pull.is_some() {
                self.pull_event(now, id, PullEvent::Start);
            }
        }
    }

    fn delete_input(&mut self, now: Now, id: InputId) -> Result<Reply, Error> {
        not_found(self.inputs.get(&id), "input")?;
        self.pull_event(now, id, PullEvent::Stop);
        self.input_event(now, id, InputEvent::End(Loss::Deleted));
        self.forget_input(now, id);
        Ok(Reply::Done)
    }

    fn rotate_keys(&mut self, now: Now, id: InputId) -> Result<Reply, Error> {
        let entry = not_found(self.inputs.get_mut(&id), "input")?;
        if entry.ephemeral.is_some() {
            return Err(Error::NotFound { what: "key" });
        }
        entry.keys_rotated = Some(now.unix_ms);
        let pulls = entry.config.pull.is_some();
        self.act(Action::Keys(KeyChange::Mint(KeyRef::Publish(id))));
        self.act(Action::Keys(KeyChange::Mint(KeyRef::Play(id))));
        self.tell(now, Some(id), crate::NoticeKind::InputKeysRotated);
        if !pulls {
            self.input_event(now, id, InputEvent::Drop(Loss::KeyRotated));
        }
        self.close_players(id, Loss::KeyRotated);
        Ok(Reply::Done)
    }

    fn close_players(&mut self, input: InputId, reason: Loss) {
        let players: Vec<_> = (self.sessions.iter())
            .filter(|(_, it)| it.input == input && it.role == super::Role::Player)
            .map(|(id, _)| *id)
            .collect();
        for session in players {
            self.sessions.remove(&session);
            self.lose_player(input);
            self.act(Action::CloseSession { session, reason });
        }
    }

    fn disconnect(&mut self, now: Now, id: InputId) -> Result<Reply, Error> {
        let entry = not_found(self.inputs.get(&id), "input")?;
        let slots = [Slot::Primary, Slot::Backup];
        let closed = slots.into_iter().filter(|it| entry.machine.publisher(*it).is_some()).count();
        self.input_event(now, id, InputEvent::Drop(Loss::Disconnected));
        Ok(Reply::Closed(closed))
    }

    // Recordings.

    fn start_recording(&mut self, now: Now, id: InputId) -> Result<Reply, Error> {
        not_found(self.inputs.get(&id), "input")?;
        let limit = self.config.limits.storage.unwrap_or(u64::MAX);
        if self.storage_used >= limit || self.recordings.len() >= self.config.limits.recordings {
            return Err(Error::StorageFull);
        }
        self.recorder_event(now, id, RecorderEvent::Start)?;
        Ok(Reply::RecordingStarts { storage_low: self.storage_used > limit / 10 * 9 })
    }

    fn stop_recording(&mut self, now: Now, id: InputId) -> Result<Reply, Error> {
        let entry = not_found(self.inputs.get(&id), "input")?;
        let recording = entry.recorder.state().recording();
        self.recorder_event(now, id, RecorderEvent::Stop)?;
        Ok(Reply::RecordingStopped(recording))
    }

    fn delete_recording(&mut self, now: Now, id: RecordingId) -> Result<Reply, Error> {
        let recording = not_found(self.recordings.get(&id), "recording")?;
        let input = recording.facts().input;
        if recording.state() == RecordingState::Open {
            let is_its = self
                .inputs
                .get(&input)
                .is_some_and(|it| it.recorder.state().recording() == Some(id));
            if is_its {
                self.recorder_event(now, input, RecorderEvent::Stop)?;
            }
            self.recording_event(now, id, RecordingEvent::Finish { truncated: false });
        }
        self.forget_recording(now, id);
        Ok(Reply::Done)
    }

    fn create_clip(
        &mut self,
        now: Now,
        recording: RecordingId,
        order: ClipOrder,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        check_room(self.clips.len(), self.config.limits.clips, "clips")?;
        let source = not_found(self.recordings.get(&recording), "recording")?;
        order.check(0, source.facts().media.duration_ms)?;
        let clip = ClipId::draw(entropy);
        let (start_ms, duration_ms) = (order.start_ms, order.duration_ms);
        let expires = order.expiry(now);
        self.clips.insert(clip, ClipEntry { order, recording, created: now.unix_ms, expires });
        self.act(Action::ClipMake { clip, recording, start_ms, duration_ms });
        self.set_timer(Owner::Clip(clip));
        Ok(Reply::Clip(clip))
    }

    // Outputs.

    fn create_outputs(
        &mut self,
        now: Now,
        input: InputId,
        configs: Vec<OutputConfig>,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        let entry = not_found(self.inputs.get(&input), "input")?;
        let limit = entry.config.profile.outputs;
        if entry.outputs.len().saturating_add(configs.len()) > limit {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(Error::Limit { which: "outputs", limit });
        }
        let mut names: Vec<&str> = entry
            .outputs
            .iter()
            .filter_map(|it| self.outputs.get(it))
            .map(|it| it.config.name.as_str())
            .collect();
        for config in &configs {
            self.check_output(config)?;
            if names.contains(&config.name.as_str()) {
                return Err(Error::Taken { field: "name" });
            }
            names.push(&config.name);
        }
        let ids =
            configs.into_iter().map(|it| self.create_output(now, input, it, entropy)).collect();
        Ok(Reply::Outputs(ids))
    }

    fn check_output(&self, config: &OutputConfig) -> Result<(), Error> {
        check_length("name", &config.name, 128, NAME)?;
        if !(100..=60_000).contains(&config.max_delay_ms) {
            return Err(Error::Invalid { field: "max_delay_ms", why: "must be 100 to 60000" });
        }
        let Target { place, .. } = &config.target;
        self.check_place("url", place)
    }

    fn create_output(
        &mut self,
        now: Now,
        input: InputId,
        config: OutputConfig,
        entropy: &mut dyn Entropy,
    ) -> OutputId {
        let id = OutputId::draw(entropy);
        let number = self.draw_number();
        let give_up = self.inputs.get(&input).and_then(|it| it.config.profile.output_give_up);
        let max_delay = Duration::from_millis(config.max_delay_ms.into());
        let rules = OutputRules { max_delay, give_up, ..OutputRules::default() };
        let (machine, enabled) = (Output::new(rules, id.seed()), config.enabled);
        self.outputs
            .insert(id, OutputEntry { config, input, number, created: now.unix_ms, machine });
        let source = self.source_of(input);
        if let Some(entry) = self.inputs.get_mut(&input) {
            entry.outputs.push(id);
        }
        self.output_event(now, id, OutputEvent::Source(source));
        if enabled {
            self.output_event(now, id, OutputEvent::Enable);
        }
        id
    }

    fn source_of(&self, input: InputId) -> crate::Source {
        match self.inputs.get(&input).map(|it| it.machine.phase()) {
            Some(crate::Phase::Live { .. }) => crate::Source::Live,
            Some(crate::Phase::Suspended { .. }) => crate::Source::Suspended,
            _ => crate::Source::Off,
        }
    }

    fn update_output(
        &mut self,
        now: Now,
        id: OutputId,
        config: OutputConfig,
    ) -> Result<Reply, Error> {
        let input = not_found(self.outputs.get(&id), "output")?.input;
        self.check_output(&config)?;
        let is_other = |it: &super::OutputView<'_>| it.input == input && it.id != id;
        if self.outputs().filter(is_other).any(|it| it.config.name == config.name) {
            return Err(Error::Taken { field: "name" });
        }
        let Some(entry) = self.outputs.get_mut(&id) else { return Ok(Reply::Done) };
        let (was, is) = (entry.config.enabled, config.enabled);
        entry.machine.configure(Duration::from_millis(config.max_delay_ms.into()));
        entry.config = config;
        if was == is { Ok(Reply::Done) } else { self.enable_output(now, id, is) }
    }

    fn enable_output(&mut self, now: Now, id: OutputId, enabled: bool) -> Result<Reply, Error> {
        not_found(self.outputs.get_mut(&id), "output")?.config.enabled = enabled;
        let event = if enabled { OutputEvent::Enable } else { OutputEvent::Disable };
        self.output_event(now, id, event);
        Ok(Reply::Done)
    }

    fn stop_output(&mut self, now: Now, id: OutputId) -> Result<Reply, Error> {
        not_found(self.outputs.get_mut(&id), "output")?.config.enabled = false;
        self.output_event(now, id, OutputEvent::Stop);
        Ok(Reply::Done)
    }

    fn stop_output_named(&mut self, now: Now, input: InputId, name: &str) -> Result<Reply, Error> {
        let entry = not_found(self.inputs.get(&input), "input")?;
        let named = |id: &&OutputId| self.outputs.get(*id).is_some_and(|it| it.config.name == name);
        let id = not_found(entry.outputs.iter().find(named).copied(), "output")?;
        self.stop_output(now, id)
    }

    fn stop_outputs(&mut self, now: Now, input: InputId) -> Result<Reply, Error> {
        let outputs = not_found(self.inputs.get(&input), "input")?.outputs.clone();
        for id in outputs {
            self.stop_output(now, id)?;
        }
        Ok(Reply::Done)
    }

    // Shows.

    fn check_show(&self, config: &ShowConfig) -> Result<(), Error> {
        check_length("name", &config.name, 128, NAME)?;
        if config.inputs.len() > self.config.limits.show_inputs {
            return Err(Error::Invalid { field: "inputs", why: "are too many" });
        }
        if config.inputs.iter().any(|it| !self.inputs.contains_key(it)) {
            return Err(Error::Invalid { field: "inputs", why: "must exist" });
        }
        let messages = &config.messages;
        [&messages.pending, &messages.live, &messages.paused, &messages.finished]
            .into_iter()
            .flatten()
            .try_for_each(|it| check_length("messages", it, 1000, "must have 1 to 1000 characters"))
    }

    fn create_show(
        &mut self,
        now: Now,
        config: ShowConfig,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        check_room(self.shows.len(), self.config.limits.shows, "shows")?;
        self.check_show(&config)?;
        let (id, number) = (ShowId::draw(entropy), self.draw_number());
        let (status, inputs) = (config.status, config.inputs.clone());
        let machine = Show::new(config.auto_pause, config.messages.clone());
        self.shows.insert(id, ShowEntry { config, number, created: now.unix_ms, machine });
        self.link_show(id, &inputs);
        self.show_source(now, id);
        self.with_show(now, id, |it| _ = it.handle(now, ShowEvent::Set(status)));
        Ok(Reply::Show(id))
    }

    fn link_show(&mut self, id: ShowId, inputs: &[InputId]) {
        for input in inputs {
            if let Some(entry) = self.inputs.get_mut(input)
                && !entry.shows.contains(&id)
            {
                entry.shows.push(id);
            }
        }
    }

    fn unlink_show(&mut self, id: ShowId, inputs: &[InputId]) {
        for input in inputs {
            if let Some(entry) = self.inputs.get_mut(input) {
                entry.shows.retain(|it| *it != id);
            }
        }
    }

    fn update_show(&mut self, now: Now, id: ShowId, config: ShowConfig) -> Result<Reply, Error> {
        not_found(self.shows.get(&id), "show")?;
        self.check_show(&config)?;
        let Some(entry) = self.shows.get_mut(&id) else { return Ok(Reply::Done) };
        entry.machine.configure(now, config.auto_pause, config.messages.clone());
        let inputs = config.inputs.clone();
        let old = core::mem::replace(&mut entry.config, config);
        self.unlink_show(id, &old.inputs);
        self.link_show(id, &inputs);
        self.show_source(now, id);
        Ok(Reply::Done)
    }

    fn delete_show(&mut self, id: ShowId) -> Result<Reply, Error> {
        let entry = not_found(self.shows.remove(&id), "show")?;
        self.unlink_show(id, &entry.config.inputs);
        self.timers.set(Owner::Show(id), None);
        Ok(Reply::Done)
    }

    // Hooks.

    fn check_hook(&self, config: &HookConfig) -> Result<(), Error> {
        self.config.targets.hook(&config.url)?;
        let too_many = config.events.len() > 64 || config.inputs.len() > 1000;
        let too_long = |it: &String| it.is_empty() || it.len() > 64;
        if too_many || config.events.iter().any(too_long) {
            return Err(Error::Invalid { field: "events", why: "must be at most 64 names" });
        }
        Ok(())
    }

    fn hook_rules(&self, config: &HookConfig) -> HookRules {
        let limits = &self.config.limits;
        let rules = if config.retry { HookRules::default() } else { HookRules::once() };
        HookRules { queue: limits.hook_queue, log: limits.hook_log, ..rules }
    }

    fn create_hook(
        &mut self,
        now: Now,
        config: HookConfig,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        check_room(self.hooks.len(), self.config.limits.hooks, "hooks")?;
        self.check_hook(&config)?;
        let id = HookId::draw(entropy);
        let machine = Hook::new(self.hook_rules(&config));
        self.hooks.insert(id, HookEntry { config, created: now.unix_ms, machine });
        self.act(Action::Keys(KeyChange::Mint(KeyRef::Hook(id))));
        Ok(Reply::Hook(id))
    }

    fn update_hook(&mut self, id: HookId, config: HookConfig) -> Result<Reply, Error> {
        not_found(self.hooks.get(&id), "hook")?;
        self.check_hook(&config)?;
        let rules = self.hook_rules(&config);
        if let Some(entry) = self.hooks.get_mut(&id) {
            entry.machine.configure(rules);
            entry.config = config;
        }
        Ok(Reply::Done)
    }

    fn delete_hook(&mut self, id: HookId) -> Result<Reply, Error> {
        not_found(self.hooks.remove(&id), "hook")?;
        self.act(Action::Keys(KeyChange::Forget(KeyRef::Hook(id))));
        self.timers.set(Owner::Hook(id), None);
        Ok(Reply::Done)
    }

    fn test_hook(&mut self, now: Now, id: HookId) -> Result<Reply, Error> {
        let format = not_found(self.hooks.get(&id), "hook")?.config.format;
        self.seq = self.seq.saturating_add(1);
        let kind = crate::NoticeKind::HookTest;
        let notice = crate::Notice { at: now.unix_ms, seq: self.seq, input: None, kind };
        self.tell_hook(now, id, format, &notice);
        Ok(Reply::Done)
    }
}

/// Texts that are kept for their owner and given back.
fn check_echoed(field: &'static str, text: &str) -> Result<(), Error> {
    if text.len() > 4096 {
        return Err(Error::Invalid { field, why: "must have at most 4096 bytes" });
    }
    Ok(())
}

fn check_origins(origins: &[String]) -> Result<(), Error> {
    if origins.len() > 100 || origins.iter().any(|it| it.is_empty() || it.len() > 261) {
        return Err(Error::Invalid { field: "allowed_origins", why: "must be at most 100 hosts" });
    }
    Ok(())
}
