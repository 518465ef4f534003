//! What drivers report.

use super::{Fact, Plane, Reply, Role};
use crate::{
    Entropy, Error, HookEvent, InputEvent, InputId, ListenerEvent, Loss, Machine, Now, Observation,
    OutputEvent, OutputId, PullEvent, RecorderEvent, RecordingError, RecordingEvent, RecordingId,
    SessionId,
};

impl Plane {
    pub(super) fn observe(
        &mut self,
        now: Now,
        fact: Fact,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        match fact {
            Fact::Publish { listener, claim, address, template } => {
                return self.publish(now, listener, &claim, address, template, entropy);
            }
            Fact::Play { listener, claim, address } => {
                return self.play(now, listener, claim, address, entropy);
            }
            Fact::PullConnected { input, attempt } => {
                return self.pull_connected(now, input, attempt, entropy);
            }
            Fact::Bound(id) => {
                self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Bound))
            }
            Fact::BindFailed(id) => {
                self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::BindFailed))
            }
            Fact::Drained(id) => {
                self.with_listener(now, id, |it| _ = it.handle(now, ListenerEvent::Drained))
            }
            Fact::Bytes { session, video } => self.bytes(now, session, video),
            Fact::Media { session, position_ms, video } => {
                self.media(now, session, position_ms, video, entropy)
            }
            Fact::Keyframe { session, position_ms } => {
                self.keyframe(now, session, position_ms, entropy)
            }
            Fact::Observed(session, observation) => self.observed(now, session, observation),
            Fact::SegmentReady(input) => self.input_event(now, input, InputEvent::Ready),
            Fact::Gone { session, reason } => self.gone(now, session, reason),
            Fact::PullFailed { input, attempt, why } => {
                self.pull_event(now, input, PullEvent::Failed { attempt, why });
            }
            Fact::Output(id, event) => self.output_fact(now, id, event),
            Fact::Recorded(id, media) => {
                self.recording_event(now, id, RecordingEvent::Wrote(media))
            }
            Fact::RecordingViewable(id) => self.recording_event(now, id, RecordingEvent::Viewable),
            Fact::RecordingReady(id) => self.recording_event(now, id, RecordingEvent::Ready),
            Fact::RecordingFailed(id, error) => self.recording_failed(now, id, error),
            Fact::Storage(used) => self.storage_used = used,
            Fact::Delivered { hook, delivery, attempt, answer } => {
                let event = HookEvent::Answered { delivery, attempt, answer };
                self.with_hook(hook, |it| _ = it.handle(now, event));
            }
            Fact::Restarted => self.restarted(now),
        }
        Ok(Reply::Done)
    }

    fn bytes(&mut self, now: Now, id: SessionId, video: bool) {
        let Some(session) = self.sessions.get(&id).copied() else { return };
        if let (Role::Pull(attempt), true) = (session.role, video) {
            self.pull_event(now, session.input, PullEvent::Video { attempt, key: false });
        }
        self.input_event(now, session.input, InputEvent::Bytes { session: id });
    }

    fn media(
        &mut self,
        now: Now,
        id: SessionId,
        position_ms: u64,
        video: bool,
        entropy: &mut dyn Entropy,
    ) {
        let Some(session) = self.sessions.get(&id).copied() else { return };
        if let (Role::Pull(attempt), true) = (session.role, video) {
            self.pull_event(now, session.input, PullEvent::Video { attempt, key: true });
        }
        self.input_event(now, session.input, InputEvent::Media { session: id });
        self.record_from(now, session.input, id, position_ms, entropy);
    }

    fn keyframe(&mut self, now: Now, id: SessionId, position_ms: u64, entropy: &mut dyn Entropy) {
        let Some(session) = self.sessions.get(&id).copied() else { return };
        if let Role::Pull(attempt) = session.role {
            self.pull_event(now, session.input, PullEvent::Video { attempt, key: true });
        }
        self.input_event(now, session.input, InputEvent::Keyframe { session: id });
        self.record_from(now, session.input, id, position_ms, entropy);
    }

    /// A recording, or its next part, may begin at this keyframe.
    fn record_from(
        &mut self,
        now: Now,
        input: InputId,
        session: SessionId,
        position_ms: u64,
        entropy: &mut dyn Entropy,
    ) {
        let Some(entry) = self.inputs.get(&input) else { return };
        let used = entry.machine.used() == Some(session);
        if !used || !entry.recorder.begins_at(position_ms) || !entry.health.can_be_packaged() {
            return;
        }
        let limits = &self.config.limits;
        let full = limits.storage.is_some_and(|it| self.storage_used >= it);
        if full || self.recordings.len() >= limits.recordings {
            return self.observed(now, session, Observation::StorageFull);
        }
        let fresh = RecordingId::draw(entropy);
        let event = RecorderEvent::Keyframe { position_ms, fresh };
        // Keyframes are never refused.
        let _ = self.recorder_event(now, input, event);
    }

    fn observed(&mut self, now: Now, id: SessionId, observation: Observation) {
        let Some(session) = self.sessions.get(&id).copied() else { return };
        let Some(entry) = self.inputs.get_mut(&session.input) else { return };
        // The backup is judged when it is used.
        let used = entry.machine.used().is_none_or(|it| it == id);
        if matches!(session.role, Role::Player) || !used {
            return;
        }
        let _ = entry.health.handle(now, observation);
        if !entry.health.can_be_packaged() && entry.recorder.state().recording().is_some() {
            let _ = entry.recorder.handle(now, RecorderEvent::Stop);
        }
        self.settle_input(now, session.input);
    }

    fn gone(&mut self, now: Now, id: SessionId, reason: Loss) {
        let Some(session) = self.sessions.get(&id).copied() else { return };
        match session.role {
            Role::Pull(attempt) => {
                let why = crate::PullFailure::Closed;
                self.pull_event(now, session.input, PullEvent::Failed { attempt, why });
            }
            Role::Publisher(_) | Role::Player => self.lose_session(now, id, reason),
        }
    }

    /// What operators and inputs decide is not for drivers to report.
    fn output_fact(&mut self, now: Now, id: OutputId, event: OutputEvent) {
        let reported = !matches!(
            event,
            OutputEvent::Enable | OutputEvent::Disable | OutputEvent::Stop | OutputEvent::Source(_)
        );
        if reported {
            self.output_event(now, id, event);
        }
    }

    fn recording_failed(&mut self, now: Now, id: RecordingId, error: RecordingError) {
        let Some(input) = self.recordings.get(&id).map(|it| it.facts().input) else { return };
        let is_open =
            self.inputs.get(&input).is_some_and(|it| it.recorder.state().recording() == Some(id));
        self.recording_event(now, id, RecordingEvent::Failed(error));
        if is_open {
            let _ = self.recorder_event(now, input, RecorderEvent::Failed);
        }
    }
}
