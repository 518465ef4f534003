//! What machines want done becomes actions, notices, and events of other machines.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Action, Owner, Plane, Role};
use crate::slug;
use crate::{
    BodyFacts, HealthAction, Hook, HookAction, HookEvent, HookId, InputAction, InputEvent, InputId,
    KeyChange, KeyRef, Listener, ListenerAction, ListenerId, Loss, Machine, Notice, NoticeKind,
    Now, Output, OutputAction, OutputEvent, OutputId, Phase, PullAction, PullEvent, PullFailure,
    Recorder, RecorderAction, RecorderEvent, Recording, RecordingAction, RecordingEvent,
    RecordingFacts, RecordingGap, RecordingId, RecordingState, SessionId, Show, ShowAction,
    ShowEvent, ShowId, Source, StreamFacts, Subject, hook_body,
};

impl Plane {
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Machines take events that can't fail here; what can was checked before.
    pub(super) fn with_listener(
        &mut self,
        now: Now,
        id: ListenerId,
        f: impl FnOnce(&mut Listener),
    ) {
        let Some(entry) = self.listeners.get_mut(&id) else { return };
        f(&mut entry.machine);
        while let Some(action) = self.listeners.get_mut(&id).and_then(|it| it.machine.poll()) {
            match action {
                ListenerAction::Bind { bind, port, tls } => {
                    self.act(Action::Bind { listener: id, bind, port, tls });
                }
                ListenerAction::CloseConnections => {
                    self.act(Action::CloseConnections(id));
                    self.lose_listener(now, id);
                }
                ListenerAction::Release { bind, port } => {
                    self.act(Action::Release { listener: id, bind, port });
                }
                ListenerAction::Started => {
                    self.tell(now, None, NoticeKind::ListenerStarted { listener: id })
                }
                ListenerAction::Stopped => {
                    self.tell(now, None, NoticeKind::ListenerStopped { listener: id })
                }
                ListenerAction::Failed => {
                    self.tell(now, None, NoticeKind::ListenerFailed { listener: id })
                }
            }
        }
        self.set_timer(Owner::Listener(id));
    }

    fn lose_listener(&mut self, now: Now, id: ListenerId) {
        let of_it = |it: &super::Session| it.listener == Some(id);
        let lost: Vec<SessionId> =
            self.sessions.iter().filter(|(_, it)| of_it(it)).map(|(session, _)| *session).collect();
        for session in lost {
            self.lose_session(now, session, Loss::ListenerStopped);
        }
    }

    /// A session is gone, closed by the other side or by its listener.
    pub(super) fn lose_session(&mut self, now: Now, id: SessionId, reason: Loss) {
        let Some(session) = self.sessions.remove(&id) else { return };
        match session.role {
            Role::Player => self.lose_player(session.input),
            Role::Publisher(_) | Role::Pull(_) => {
                self.input_event(now, session.input, InputEvent::Lost { session: id, reason });
            }
        }
    }

    pub(super) fn lose_player(&mut self, input: InputId) {
        self.players = self.players.saturating_sub(1);
        if let Some(entry) = self.inputs.get_mut(&input) {
            entry.players = entry.players.saturating_sub(1);
        }
    }

    /// Gives an event to an input and does all that follows from it.
    pub(super) fn input_event(&mut self, now: Now, id: InputId, event: InputEvent) {
        let Some(entry) = self.inputs.get_mut(&id) else { return };
        // Only `Publish` can be refused, and `admits` was asked before.
        let _ = entry.machine.handle(now, event);
        self.settle_input(now, id);
    }

    pub(super) fn pull_event(&mut self, now: Now, id: InputId, event: PullEvent) {
        if let Some(entry) = self.inputs.get_mut(&id) {
            let _ = entry.pull.handle(now, event);
        }
        self.settle_input(now, id);
    }

    /// Drains an input's machines until none wants anything.
    pub(super) fn settle_input(&mut self, now: Now, id: InputId) {
        loop {
            let Some(entry) = self.inputs.get_mut(&id) else { return };
            if let Some(action) = entry.machine.poll() {
                self.do_input(now, id, action);
            } else if let Some(action) = entry.pull.poll() {
                self.do_pull(now, id, action);
            } else if let Some(action) = entry.recorder.poll() {
                self.do_recorder(now, id, action);
            } else if let Some(action) = entry.health.poll() {
                self.do_health(now, id, action);
            } else {
                break;
            }
        }
        let Some(entry) = self.inputs.get_mut(&id) else { return };
        let is_active = entry.machine.phase().is_active();
        let was_active = core::mem::replace(&mut entry.active, is_active);
        self.active_inputs = self
            .active_inputs
            .saturating_add(usize::from(is_active))
            .saturating_sub(usize::from(was_active));
        // An input of an open listener goes with its last publisher.
        if entry.ephemeral.is_some() && !is_active {
            self.forget_input(now, id);
        }
        self.set_timer(Owner::Input(id));
    }

    fn do_input(&mut self, now: Now, id: InputId, action: InputAction) {
        match action {
            InputAction::Close { session, reason } => self.close_session(now, id, session, reason),
            InputAction::Use { session, slot } => {
                self.act(Action::Use { input: id, session, slot })
            }
            InputAction::Connected => {
                if let Some(entry) = self.inputs.get_mut(&id) {
                    let policy = entry.config.profile.policy.clone();
                    entry.health = crate::Health::new(policy, entry.config.low_latency);
                }
                self.tell(now, Some(id), NoticeKind::InputConnected);
            }
            InputAction::Live { slot } => {
                self.tell(now, Some(id), NoticeKind::InputLive { slot });
                self.source_changed(now, id, Source::Live);
            }
            InputAction::Ready => self.tell(now, Some(id), NoticeKind::InputReady),
            InputAction::Switched { slot, missing_ms } => {
                self.end_of_stretch(now, id);
                self.gap(now, id, missing_ms);
                self.tell(now, Some(id), NoticeKind::InputSwitched { slot, missing_ms });
            }
            InputAction::Suspended { reason, until } => {
                self.end_of_stretch(now, id);
                let resume_until = now.unix_at(until);
                self.tell(now, Some(id), NoticeKind::InputSuspended { reason, resume_until });
                self.source_changed(now, id, Source::Suspended);
            }
            InputAction::Resumed { missing_ms } => {
                self.gap(now, id, missing_ms);
                self.tell(now, Some(id), NoticeKind::InputResumed { missing_ms });
                self.source_changed(now, id, Source::Live);
            }
            InputAction::Ended { reason } => {
                let announced = self.inputs.get(&id).is_some_and(|it| !it.told_live);
                self.source_changed(now, id, Source::Off);
                self.act(Action::EndPlaylist(id));
                self.tell(now, Some(id), NoticeKind::InputEnded { reason, announced });
            }
            InputAction::Errored { reason } => {
                self.tell(now, Some(id), NoticeKind::InputErrored { reason })
            }
        }
    }

    /// Another publisher begins where this one ended: nobody's keyframe interval spans both.
    fn end_of_stretch(&mut self, now: Now, id: InputId) {
        if let Some(entry) = self.inputs.get_mut(&id) {
            let _ = entry.health.handle(now, crate::Observation::End);
        }
    }

    /// The input's machine wants a session closed and holds it no more.
    fn close_session(&mut self, now: Now, id: InputId, session: SessionId, reason: Loss) {
        let Some(Role::Pull(attempt)) = self.sessions.remove(&session).map(|it| it.role) else {
            self.act(Action::CloseSession { session, reason });
            return;
        };
        if let Some(entry) = self.inputs.get_mut(&id) {
            entry.pulled = None;
        }
        self.act(Action::PullClose { input: id, attempt });
        let failed = PullEvent::Failed { attempt, why: PullFailure::Closed };
        self.pull_event(now, id, failed);
    }

    fn do_pull(&mut self, now: Now, id: InputId, action: PullAction) {
        match action {
            PullAction::Connect { attempt, url } => {
                self.act(Action::PullConnect { input: id, attempt, url })
            }
            PullAction::Close { attempt } => {
                self.act(Action::PullClose { input: id, attempt });
                self.lose_pulled(now, id);
            }
            PullAction::Lost { .. } => self.lose_pulled(now, id),
            PullAction::Deactivated => {
                if let Some(entry) = self.inputs.get_mut(&id) {
                    entry.config.enabled = false;
                    entry.deactivated = true;
                }
                self.input_event(now, id, InputEvent::Disable);
                self.tell(now, Some(id), NoticeKind::InputDeactivated);
            }
        }
    }

    fn lose_pulled(&mut self, now: Now, id: InputId) {
        if let Some(session) = self.inputs.get_mut(&id).and_then(|it| it.pulled.take()) {
            self.lose_session(now, session, Loss::Closed);
        }
    }

    fn do_recorder(&mut self, now: Now, id: InputId, action: RecorderAction) {
        match action {
            RecorderAction::Begin { recording, continues } => {
                self.begin_recording(now, id, recording, continues);
            }
            RecorderAction::Finish { recording, truncated } => {
                self.act(Action::RecordingFinish(recording));
                self.tell(now, Some(id), NoticeKind::RecordingStopped { recording });
                let finish = RecordingEvent::Finish { truncated };
                self.recording_event(now, recording, finish);
            }
            RecorderAction::LimitReached => {
                if let Some(entry) = self.inputs.get_mut(&id) {
                    let _ = entry.machine.handle(now, InputEvent::TtlExceeded);
                }
            }
        }
    }

    fn begin_recording(
        &mut self,
        now: Now,
        input: InputId,
        id: RecordingId,
        continues: Option<RecordingId>,
    ) {
        let number = self.draw_number();
        let Some(entry) = self.inputs.get(&input) else { return };
        let settings = &entry.config.recording;
        let facts = RecordingFacts {
            number,
            slug: slug(&id),
            continues,
            access: settings.access.clone(),
            delete_after_days: settings.delete_after_days,
            ..RecordingFacts::new(now, id, input, entry.config.name.clone())
        };
        self.recordings.insert(id, Recording::new(facts, self.config.limits.gaps));
        self.act(Action::RecordingBegin { recording: id, input, continues });
        self.tell(now, Some(input), NoticeKind::RecordingStarted { recording: id });
    }

    pub(super) fn draw_number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }

    fn do_health(&mut self, now: Now, id: InputId, action: HealthAction) {
        match action {
            HealthAction::Errored { code, message } => {
                self.tell(now, Some(id), NoticeKind::InputIssue { code, message });
            }
            HealthAction::Reject(why) => {
                let used = self.inputs.get(&id).and_then(|it| {
                    it.machine.used().or_else(|| it.machine.publisher(crate::Slot::Primary))
                });
                if let Some(session) = used {
                    self.act(Action::Reject { session, why });
                }
            }
        }
    }

    /// The source of an input's recorder, outputs and shows.
    fn source_changed(&mut self, now: Now, id: InputId, source: Source) {
        let Some(entry) = self.inputs.get_mut(&id) else { return };
        let event = match source {
            Source::Live => RecorderEvent::Live,
            Source::Suspended => RecorderEvent::Suspended,
            Source::Off => RecorderEvent::Ended,
        };
        let _ = entry.recorder.handle(now, event);
        let (outputs, shows) = (entry.outputs.clone(), entry.shows.clone());
        for output in outputs {
            self.output_event(now, output, OutputEvent::Source(source));
        }
        for show in shows {
            self.show_source(now, show);
        }
    }

    /// Whether any of a show's inputs is live by now.
    pub(super) fn show_source(&mut self, now: Now, id: ShowId) {
        let Some(entry) = self.shows.get(&id) else { return };
        let live = entry.config.inputs.iter().any(|it| self.is_live(*it));
        self.with_show(now, id, |it| _ = it.handle(now, ShowEvent::Source { live }));
    }

    pub(super) fn is_live(&self, id: InputId) -> bool {
        self.inputs.get(&id).is_some_and(|it| matches!(it.machine.phase(), Phase::Live { .. }))
    }

    fn gap(&mut self, now: Now, id: InputId, missing_ms: u64) {
        let Some(entry) = self.inputs.get(&id) else { return };
        let Some(recording) = entry.recorder.state().recording() else { return };
        let Some(at_ms) = self.recordings.get(&recording).map(|it| it.facts().media.duration_ms)
        else {
            return;
        };
        let reason = entry.machine.last_loss().map_or(Loss::Closed, |(reason, _)| reason);
        if missing_ms > 0 {
            self.recording_event(
                now,
                recording,
                RecordingEvent::Gap(RecordingGap { at_ms, missing_ms, reason }),
            );
        }
    }

    pub(super) fn recorder_event(
        &mut self,
        now: Now,
        id: InputId,
        event: RecorderEvent,
    ) -> Result<(), crate::Error> {
        let Some(entry) = self.inputs.get_mut(&id) else { return Ok(()) };
        let result = Recorder::handle(&mut entry.recorder, now, event);
        self.settle_input(now, id);
        result
    }

    pub(super) fn output_event(&mut self, now: Now, id: OutputId, event: OutputEvent) {
        self.with_output(now, id, |it| _ = it.handle(now, event));
    }

    pub(super) fn with_output(&mut self, now: Now, id: OutputId, f: impl FnOnce(&mut Output)) {
        let Some(entry) = self.outputs.get_mut(&id) else { return };
        f(&mut entry.machine);
        let (input, name) = (entry.input, entry.config.name.clone());
        while let Some(action) = self.outputs.get_mut(&id).and_then(|it| it.machine.poll()) {
            let (output, name) = (id, name.clone());
            match action {
                OutputAction::Connect { attempt } => {
                    self.act(Action::OutputConnect { output, attempt })
                }
                OutputAction::Feed { attempt } => self.act(Action::OutputFeed { output, attempt }),
                OutputAction::DropToKeyframe { attempt } => {
                    self.act(Action::OutputDrop { output, attempt })
                }
                OutputAction::Close { attempt } => {
                    self.act(Action::OutputClose { output, attempt })
                }
                OutputAction::Abort { attempt } => {
                    self.act(Action::OutputAbort { output, attempt })
                }
                OutputAction::Started => {
                    self.tell(now, Some(input), NoticeKind::OutputStarted { output, name })
                }
                OutputAction::Stopped => {
                    self.tell(now, Some(input), NoticeKind::OutputStopped { output, name })
                }
                OutputAction::Failed { why } => {
                    self.tell(now, Some(input), NoticeKind::OutputFailed { output, name, why });
                }
                OutputAction::Retrying { why, at } => {
                    let next_attempt_at = now.unix_at(at);
                    self.tell(
                        now,
                        Some(input),
                        NoticeKind::OutputRetrying { output, name, why, next_attempt_at },
                    );
                }
            }
        }
        self.set_timer(Owner::Output(id));
    }

    pub(super) fn recording_event(&mut self, now: Now, id: RecordingId, event: RecordingEvent) {
        self.with_recording(now, id, |it| _ = it.handle(now, event));
    }

    pub(super) fn with_recording(
        &mut self,
        now: Now,
        id: RecordingId,
        f: impl FnOnce(&mut Recording),
    ) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        f(recording);
        let input = recording.facts().input;
        while let Some(action) = self.recordings.get_mut(&id).and_then(Machine::poll) {
            match action {
                RecordingAction::Entered(state) => {
                    self.tell(
                        now,
                        Some(input),
                        NoticeKind::RecordingState { recording: id, state },
                    );
                }
                RecordingAction::Delete => self.forget_recording(now, id),
            }
        }
        self.set_timer(Owner::Recording(id));
    }

    pub(super) fn with_show(&mut self, now: Now, id: ShowId, f: impl FnOnce(&mut Show)) {
        let Some(entry) = self.shows.get_mut(&id) else { return };
        f(&mut entry.machine);
        while let Some(ShowAction::Changed(status)) =
            self.shows.get_mut(&id).and_then(|it| it.machine.poll())
        {
            self.tell(now, None, NoticeKind::ShowChanged { show: id, status });
        }
        self.set_timer(Owner::Show(id));
    }

    pub(super) fn with_hook(&mut self, id: HookId, f: impl FnOnce(&mut Hook)) {
        let Some(entry) = self.hooks.get_mut(&id) else { return };
        f(&mut entry.machine);
        let url = entry.config.url.clone();
        while let Some(action) = self.hooks.get_mut(&id).and_then(|it| it.machine.poll()) {
            let action = match action {
                HookAction::Post { delivery, attempt, body } => {
                    Action::HookPost { hook: id, delivery, attempt, url: url.clone(), body }
                }
                HookAction::Abort { delivery, attempt } => {
                    Action::HookAbort { hook: id, delivery, attempt }
                }
            };
            self.act(action);
        }
        self.set_timer(Owner::Hook(id));
    }

    /// Tells the world, in order.
    pub(super) fn tell(&mut self, now: Now, input: Option<InputId>, kind: NoticeKind) {
        let subject = input.and_then(|id| {
            let entry = self.inputs.get_mut(&id)?;
            entry.seq = entry.seq.saturating_add(1);
            match kind {
                NoticeKind::InputLive { .. } | NoticeKind::InputResumed { .. } => {
                    entry.told_live = true
                }
                NoticeKind::InputSuspended { .. } | NoticeKind::InputEnded { .. } => {
                    entry.told_live = false
                }
                _ => {}
            }
            Some((Subject { id, name: entry.config.name.clone() }, entry.seq))
        });
        let (input, seq) = match subject {
            Some((subject, seq)) => (Some(subject), seq),
            None => {
                self.seq = self.seq.saturating_add(1);
                (None, self.seq)
            }
        };
        let notice = Notice { at: now.unix_ms, seq, input, kind };
        self.tell_hooks(now, &notice);
        self.act(Action::Notice(notice));
    }

    fn tell_hooks(&mut self, now: Now, notice: &Notice) {
        let wants = |it: &super::HookConfig| {
            let name = notice.kind.name();
            let of_input = notice.input.as_ref().is_none_or(|it_is| it.inputs.contains(&it_is.id));
            let named = |event: &String| {
                event == name || (event.ends_with('.') && name.starts_with(event.as_str()))
            };
            (it.inputs.is_empty() || of_input)
                && (it.events.is_empty() || it.events.iter().any(named))
        };
        let interested: Vec<(HookId, crate::HookFormat)> = self
            .hooks
            .iter()
            .filter(|(_, it)| wants(&it.config))
            .map(|(id, it)| (*id, it.config.format))
            .collect();
        for (id, format) in interested {
            self.tell_hook(now, id, format, notice);
        }
    }

    pub(super) fn tell_hook(
        &mut self,
        now: Now,
        id: HookId,
        format: crate::HookFormat,
        notice: &Notice,
    ) {
        let stream = notice.input.as_ref().and_then(|it| self.stream_facts(it.id));
        let recording = match notice.kind {
            NoticeKind::RecordingState { recording, .. }
            | NoticeKind::RecordingDeleted { recording } => {
                self.recordings.get(&recording).map(|it| (it.facts(), it.state()))
            }
            _ => None,
        };
        let number = match &notice.kind {
            NoticeKind::OutputStarted { output, .. }
            | NoticeKind::OutputStopped { output, .. }
            | NoticeKind::OutputFailed { output, .. } => {
                self.outputs.get(output).map(|it| it.number)
            }
            NoticeKind::ShowChanged { show, .. } => self.shows.get(show).map(|it| it.number),
            _ => None,
        };
        let facts = BodyFacts {
            stream: stream.as_ref(),
            recording,
            number: number.unwrap_or(0),
            public_base: &self.config.public_base,
        };
        if let Some(body) = hook_body(format, notice, facts) {
            self.with_hook(id, |it| _ = it.handle(now, HookEvent::Push { body }));
        }
    }

    fn stream_facts(&self, id: InputId) -> Option<StreamFacts> {
        let entry = self.inputs.get(&id)?;
        let call = entry.config.alias.as_deref().and_then(|it| it.strip_prefix("call:"));
        Some(StreamFacts {
            number: entry.number,
            call: call.map(String::from),
            live: entry.told_live,
            backup_live: entry.machine.has_media(crate::Slot::Backup),
            recording: entry.recorder.state().recording().is_some(),
            ready: entry.machine.is_ready(),
            pull: entry.config.pull.is_some(),
            client_user_id: entry.config.client_user_id.clone(),
            client_entity_data: entry.config.client_entity_data.clone(),
            video_codec: entry.health.figures().video.map(|(codec, ..)| codec),
            audio_codec: entry.health.figures().audio.map(|(codec, ..)| codec),
        })
    }

    /// Forgets an input that has ended, with all that is its own.
    pub(super) fn forget_input(&mut self, now: Now, id: InputId) {
        let Some(entry) = self.inputs.get(&id) else { return };
        let (outputs, has_players) = (entry.outputs.clone(), entry.players > 0);
        for output in outputs {
            self.forget_output(now, output);
        }
        let players: Vec<SessionId> = (self.sessions.iter())
            .filter(|(_, it)| has_players && it.input == id)
            .map(|(session, _)| *session)
            .collect();
        for session in players {
            self.sessions.remove(&session);
            self.lose_player(id);
            self.act(Action::CloseSession { session, reason: Loss::Deleted });
        }
        self.tell(now, Some(id), NoticeKind::InputDeleted);
        let Some(entry) = self.inputs.remove(&id) else { return };
        self.numbers.remove(&entry.number);
        if let Some(alias) = &entry.config.alias {
            self.aliases.remove(alias);
        }
        match entry.ephemeral {
            Some(place) => {
                self.ephemeral.remove(&place);
            }
            None => {
                for key in [KeyRef::Publish(id), KeyRef::Play(id), KeyRef::Pull(id)] {
                    self.act(Action::Keys(KeyChange::Forget(key)));
                }
            }
        }
        for show in entry.shows {
            if let Some(show) = self.shows.get_mut(&show) {
                show.config.inputs.retain(|it| *it != id);
            }
            self.show_source(now, show);
        }
        self.timers.set(Owner::Input(id), None);
    }

    pub(super) fn forget_output(&mut self, now: Now, id: OutputId) {
        self.output_event(now, id, OutputEvent::Stop);
        let Some(entry) = self.outputs.remove(&id) else { return };
        if let Some(input) = self.inputs.get_mut(&entry.input) {
            input.outputs.retain(|it| *it != id);
        }
        self.act(Action::Keys(KeyChange::Forget(KeyRef::Output(id))));
        self.timers.set(Owner::Output(id), None);
    }

    pub(super) fn forget_recording(&mut self, now: Now, id: RecordingId) {
        let Some(recording) = self.recordings.get(&id) else { return };
        let input = recording.facts().input;
        let is_over = !matches!(recording.state(), RecordingState::Open);
        debug_assert!(is_over, "an open one was stopped before");
        let clips: Vec<_> = (self.clips.iter())
            .filter(|(_, it)| it.recording == id && !it.order.keep)
            .map(|(clip, _)| *clip)
            .collect();
        for clip in clips {
            self.remove_clip(clip);
        }
        self.act(Action::RecordingDelete(id));
        self.tell(now, Some(input), NoticeKind::RecordingDeleted { recording: id });
        self.recordings.remove(&id);
        self.timers.set(Owner::Recording(id), None);
    }

    pub(super) fn remove_clip(&mut self, id: crate::ClipId) {
        if self.clips.remove(&id).is_some() {
            self.act(Action::ClipDelete(id));
        }
        self.timers.set(Owner::Clip(id), None);
    }
}
