//! Random operations and faults on a whole plane, beside a small model of what must hold whatever happens.
//!
//! The seed is in every message: `run(SEED, STEPS)` does it again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::std_instead_of_core,
    reason = "a test that panics has failed"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use levada_control::*;
use world::{World, at};

/// What the outside knows of a plane, from its actions alone.
#[derive(Default)]
struct Model {
    /// Connections that were asked for and not closed, by output.
    outputs: BTreeMap<OutputId, Connections>,
    pulls: BTreeMap<InputId, Option<u64>>,
    /// Inputs that are live in the eyes of the world.
    live: BTreeSet<InputId>,
    /// Outputs that were started and neither stopped nor failed.
    started: BTreeSet<OutputId>,
    recordings: BTreeMap<RecordingId, Vec<&'static str>>,
    shows: BTreeMap<ShowId, ShowStatus>,
    /// The last notice's number by input.
    numbers: BTreeMap<InputId, u64>,
    deleted: BTreeSet<InputId>,
    deleted_outputs: BTreeSet<OutputId>,
    deleted_recordings: BTreeSet<RecordingId>,
    /// Publishers that were let in and not sent away.
    sessions: BTreeMap<SessionId, InputId>,
    /// Posts in flight by hook.
    posts: BTreeMap<HookId, (u64, u32)>,
    last_delivery: BTreeMap<HookId, u64>,
    ports: BTreeMap<ListenerId, u16>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Connections {
    open: Option<u64>,
    closing: Option<u64>,
}

impl Model {
    fn observe(&mut self, action: &Action) {
        match action {
            Action::OutputConnect { output, attempt } => {
                let it = self.outputs.entry(*output).or_default();
                assert!(it.open.is_none() && it.closing.is_none(), "two connections: {it:?}");
                it.open = Some(*attempt);
            }
            Action::OutputClose { output, attempt } => {
                let it = self.outputs.entry(*output).or_default();
                assert_eq!(it.open.take(), Some(*attempt), "only what is open is closed");
                it.closing = Some(*attempt);
            }
            Action::OutputAbort { output, attempt } => {
                // The driver may have reported it lost at the same moment.
                let it = self.outputs.entry(*output).or_default();
                it.open.take_if(|it| it == attempt);
                it.closing.take_if(|it| it == attempt);
            }
            Action::OutputFeed { output, attempt } | Action::OutputDrop { output, attempt } => {
                assert_eq!(self.outputs[output].open, Some(*attempt));
            }
            Action::PullConnect { input, attempt, .. } => {
                let before = self.pulls.insert(*input, Some(*attempt)).flatten();
                assert_eq!(before, None, "one attempt at a time");
            }
            Action::PullClose { input, attempt } => {
                let open = self.pulls.entry(*input).or_default();
                if *open == Some(*attempt) {
                    *open = None;
                }
            }
            Action::CloseSession { session, .. } => {
                self.sessions.remove(session);
            }
            Action::Use { input, session, .. } => {
                assert!(!self.deleted.contains(input));
                assert!(
                    self.sessions.get(session).is_some_and(|it| it == input),
                    "a session that is there"
                );
            }
            Action::RecordingBegin { recording, .. } => {
                assert!(self.recordings.insert(*recording, vec!["open"]).is_none());
            }
            Action::RecordingFinish(recording) => {
                assert!(!self.deleted_recordings.contains(recording))
            }
            Action::RecordingDelete(recording) => {
                assert!(self.deleted_recordings.insert(*recording), "deleted once");
            }
            Action::HookPost { hook, delivery, attempt, body, .. } => {
                assert!(self.posts.insert(*hook, (*delivery, *attempt)).is_none(), "one in flight");
                let last = self.last_delivery.entry(*hook).or_default();
                assert!(*delivery >= *last, "in order");
                *last = *delivery;
                serde_json::from_str::<serde_json::Value>(body).expect("JSON");
            }
            Action::HookAbort { hook, .. } => {
                self.posts.remove(hook);
            }
            Action::Bind { listener, port, .. } => {
                assert!(self.ports.values().all(|it| it != port), "a port has one owner");
                self.ports.insert(*listener, *port);
            }
            Action::Release { listener, port, .. } if self.ports.get(listener) == Some(port) => {
                self.ports.remove(listener);
            }
            Action::Notice(notice) => self.notice(notice),
            _ => {}
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if let Some(subject) = &notice.input {
            assert!(
                !self.deleted.contains(&subject.id),
                "nothing after deletion: {:?}",
                notice.kind
            );
            let last = self.numbers.entry(subject.id).or_default();
            assert_eq!(notice.seq, *last + 1, "numbers without a break");
            *last = notice.seq;
        }
        let input = || notice.input.as_ref().expect("an input").id;
        match &notice.kind {
            NoticeKind::InputLive { .. } | NoticeKind::InputResumed { .. } => {
                assert!(self.live.insert(input()), "live twice");
            }
            NoticeKind::InputSuspended { .. } => {
                assert!(self.live.remove(&input()), "suspended, and was not live")
            }
            NoticeKind::InputEnded { announced, .. } => {
                assert_eq!(self.live.remove(&input()), !announced, "a loss is told once");
            }
            NoticeKind::InputDeleted => {
                assert!(!self.live.contains(&input()));
                self.deleted.insert(input());
            }
            NoticeKind::OutputStarted { output, .. } => {
                assert!(!self.deleted_outputs.contains(output));
                assert!(self.started.insert(*output), "started twice");
            }
            NoticeKind::OutputStopped { output, .. } | NoticeKind::OutputFailed { output, .. } => {
                self.started.remove(output);
            }
            NoticeKind::RecordingState { recording, state } => {
                let seen = self.recordings.get_mut(recording).expect("it began");
                let next = match state {
                    RecordingState::Pending | RecordingState::Error => "open",
                    RecordingState::Viewable => "pending",
                    RecordingState::Ready => "viewable",
                    _ => panic!("{state:?}"),
                };
                let last = *seen.last().unwrap();
                assert!(
                    last == next || (*state == RecordingState::Error && last == "pending"),
                    "{seen:?} {state:?}"
                );
                seen.push(state.as_str());
            }
            NoticeKind::ShowChanged { show, status } => {
                let before = self.shows.insert(*show, *status).unwrap_or_default();
                assert_ne!(before, *status, "a change is a change");
            }
            _ => {}
        }
    }

    /// What must be so between any two steps.
    fn check(&self, plane: &Plane) {
        let mut active = 0;
        for input in plane.inputs() {
            let phase = input.machine.phase();
            active += usize::from(phase.is_active());
            let is_live = matches!(phase, Phase::Live { .. });
            assert_eq!(self.live.contains(&input.id), is_live, "{phase:?}");
            assert!(input.outputs.len() <= input.config.profile.outputs);
            if let Phase::Live { .. } = phase {
                let slots = [Slot::Primary, Slot::Backup];
                assert!(
                    slots.into_iter().any(|it| input.machine.publisher(it).is_some()),
                    "live without anybody"
                );
            }
            if input.recorder.state().recording().is_some() {
                assert!(matches!(phase, Phase::Live { .. } | Phase::Suspended { .. }));
            }
            for output in input.outputs {
                let state = plane.output(*output).expect("an output").machine.state();
                if !matches!(phase, Phase::Live { .. } | Phase::Suspended { .. }) {
                    assert!(!state.is_active(), "{state:?} while {phase:?}");
                }
            }
        }
        assert_eq!(plane.active_inputs(), active);
        for hook in plane.hooks() {
            assert!(hook.machine.waiting() <= plane.config().limits.hook_queue);
        }
        for recording in plane.recordings() {
            assert!(recording.facts().gaps.len() <= plane.config().limits.gaps);
        }
        assert!(plane.waiting() == 0, "everything was taken");
    }
}

struct Run {
    world: World,
    model: Model,
    seed: u64,
    listeners: Vec<ListenerId>,
    inputs: Vec<InputId>,
    outputs: Vec<OutputId>,
    sessions: Vec<SessionId>,
    shows: Vec<ShowId>,
    hooks: Vec<HookId>,
    posted: Vec<(HookId, u64, u32)>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut config = PlaneConfig::default();
        config.limits.hook_queue = 5;
        config.limits.gaps = 3;
        config.limits.active_inputs = 4;
        config.limits.inputs = 8;
        let mut world = World::new(config);
        world.dice = world::Dice::new(seed);
        let (model, sessions, shows, hooks) =
            (Model::default(), Vec::new(), Vec::new(), Vec::new());
        let (listeners, inputs, outputs, posted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { world, model, seed, listeners, inputs, outputs, sessions, shows, hooks, posted }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let n = self.world.dice.below(from.len());
        from.get(n).copied()
    }

    fn input(&mut self) -> InputId {
        let inputs = self.inputs.clone();
        self.pick(&inputs).unwrap_or(InputId::from_bytes([0; 16]))
    }

    fn output(&mut self) -> OutputId {
        let outputs = self.outputs.clone();
        self.pick(&outputs).unwrap_or(OutputId::from_bytes([0; 16]))
    }

    fn session(&mut self) -> SessionId {
        let sessions = self.sessions.clone();
        self.pick(&sessions).unwrap_or(SessionId::from_bytes([0; 8]))
    }

    fn listener(&mut self) -> ListenerId {
        let listeners = self.listeners.clone();
        self.pick(&listeners).unwrap_or(ListenerId::from_bytes([0; 12]))
    }

    fn step(&mut self, step: impl Into<Step>) {
        let step = step.into();
        let before = self.world.plane.clone();
        let answer = self.world.step(step.clone());
        let actions = self.world.take();
        match answer {
            Ok(reply) => self.learn(&reply, &step),
            Err(why) => {
                // Time and the count of attempts are all that a refusal may have changed.
                let is_publish = matches!(step, Step::Fact(Fact::Publish { .. }));
                if actions.is_empty()
                    && !is_publish
                    && before.next_deadline() == self.world.plane.next_deadline()
                {
                    let mut ticked = before;
                    let ticked_ok = ticked.tick(at(self.world.ms));
                    assert_eq!(ticked_ok, Ok(()));
                    assert!(ticked == self.world.plane, "{why} changed something: {step:?}");
                }
            }
        }
        for action in &actions {
            if let Action::HookPost { hook, delivery, attempt, .. } = action {
                self.posted.push((*hook, *delivery, *attempt));
            }
            self.model.observe(action);
        }
        let deadline = self.world.plane.next_deadline();
        assert!(deadline.is_none_or(|it| it > at(self.world.ms).mono), "nothing spins");
        self.model.check(&self.world.plane);
    }

    /// Before the actions of the step are looked at: who came in by it.
    fn learn(&mut self, reply: &Reply, step: &Step) {
        match reply {
            Reply::Listener(id) => self.listeners.push(*id),
            Reply::Input(id) => self.inputs.push(*id),
            Reply::Outputs(ids) => self.outputs.extend(ids),
            Reply::Show(id) => self.shows.push(*id),
            Reply::Hook(id) => self.hooks.push(*id),
            Reply::Publishing { session, input, .. } => {
                self.model.sessions.insert(*session, *input);
                self.sessions.push(*session);
                if !self.inputs.contains(input) {
                    self.inputs.push(*input);
                }
            }
            Reply::Playing { session, .. } => self.sessions.push(*session),
            _ => {}
        }
        match step {
            Step::Fact(Fact::Output(
                id,
                OutputEvent::Lost { attempt, .. } | OutputEvent::Closed { attempt },
            )) => {
                if let Some(it) = self.model.outputs.get_mut(id) {
                    it.open.take_if(|it| it == attempt);
                    it.closing.take_if(|it| it == attempt);
                }
            }
            Step::Fact(Fact::PullFailed { input, attempt, .. }) => {
                if let Some(open) = self.model.pulls.get_mut(input) {
                    open.take_if(|it| it == attempt);
                }
            }
            Step::Fact(Fact::Delivered { hook, delivery, attempt, .. })
                if self.model.posts.get(hook) == Some(&(*delivery, *attempt)) =>
            {
                self.model.posts.remove(hook);
            }
            Step::Fact(Fact::Gone { session, .. }) => {
                // A pull's session ends with its attempt.
                if let Some(input) = self.model.sessions.remove(session) {
                    self.model.pulls.remove(&input);
                }
            }
            Step::Request(Request::DeleteOutput(id)) => {
                self.model.deleted_outputs.insert(*id);
            }
            Step::Request(Request::DeleteHook(id)) => {
                self.model.posts.remove(id);
            }
            Step::Fact(Fact::BindFailed(id)) => {
                self.model.ports.remove(id);
            }
            Step::Fact(Fact::Restarted) => {
                self.model.outputs.clear();
                self.model.pulls.clear();
                self.model.posts.clear();
                self.model.ports.clear();
                self.model.sessions.clear();
            }
            _ => {}
        }
    }

    fn config(&mut self) -> InputConfig {
        let kinds = [
            ProfileKind::Default,
            ProfileKind::LiveInputs,
            ProfileKind::Streams,
            ProfileKind::Servers,
        ];
        let kind = self.pick(&kinds).unwrap_or_default();
        let mut config =
            InputConfig::new(format!("n{}", self.world.dice.below(100)), Profile::of(kind));
        let modes = [RecordingMode::Off, RecordingMode::Automatic, RecordingMode::Manual];
        config.recording.mode = self.pick(&modes).unwrap_or_default();
        config.enabled = !self.world.dice.one_in(5);
        if self.world.dice.one_in(4) {
            config.pull = Some(
                parse_pull_list(
                    "rtmp://a.example/x/y rtmp://b.example/x/y",
                    &TargetRules::default(),
                )
                .unwrap(),
            );
        }
        if self.world.dice.one_in(8) {
            config.alias = Some(format!("call:a:{}", self.world.dice.below(3)));
        }
        config.recording.delete_after_days = self.world.dice.one_in(3).then_some(30);
        config
    }

    fn operate(&mut self) {
        let statuses =
            [ShowStatus::Pending, ShowStatus::Live, ShowStatus::Paused, ShowStatus::Finished];
        let ports = [1935, 1936, 1937];
        let request = match self.world.dice.below(24) {
            0 | 1 => Request::CreateInput(self.config()),
            2 | 3 => Request::UpdateInput(self.input(), self.config()),
            4 if self.world.dice.one_in(3) => Request::DeleteInput(self.input()),
            5 if self.world.dice.one_in(4) => Request::RestartPull(self.input()),
            5 => Request::RotateKeys(self.input()),
            6 => Request::Disconnect(self.input()),
            7 => Request::StartRecording(self.input()),
            8 => Request::StopRecording(self.input()),
            9..=11 => {
                let rules = TargetRules::default();
                let (target, _) =
                    Target::parse("rtmp://t.example/app", Some("key"), &rules).unwrap();
                let name = format!("o{}", self.world.dice.below(5));
                Request::CreateOutputs(self.input(), vec![OutputConfig::new(name, target)])
            }
            12 if self.world.dice.one_in(3) => {
                let (target, _) =
                    Target::parse("rtmp://u.example/b", Some("k"), &TargetRules::default())
                        .unwrap();
                let name = format!("o{}", self.world.dice.below(5));
                Request::UpdateOutput(self.output(), OutputConfig::new(name, target))
            }
            12 => Request::EnableOutput(self.output(), self.world.dice.one_in(2)),
            13 => Request::StopOutput(self.output()),
            14 => Request::DeleteOutput(self.output()),
            15 => {
                let mut config = ListenerConfig::new(format!("l{}", self.world.dice.below(4)), 1);
                config.port = self.pick(&ports).unwrap_or(1);
                if self.world.dice.one_in(2) {
                    config.policy = ListenerPolicy::Open;
                }
                Request::CreateListener(config)
            }
            16 => {
                let mut config = ListenerConfig::new(format!("l{}", self.world.dice.below(4)), 1);
                config.port = self.pick(&ports).unwrap_or(1);
                config.active = !self.world.dice.one_in(3);
                Request::UpdateListener(self.listener(), config)
            }
            17 => Request::StartListener(self.listener()),
            18 => Request::StopListener(self.listener()),
            19 => {
                let mut config = ShowConfig::default();
                config.name = "show".into();
                config.inputs = vec![self.input()];
                config.auto_pause = Some(std::time::Duration::from_secs(30));
                Request::CreateShow(config)
            }
            20 => {
                let shows = self.shows.clone();
                let status = self.pick(&statuses).unwrap_or_default();
                Request::SetShow(self.pick(&shows).unwrap_or(ShowId::from_bytes([0; 16])), status)
            }
            21 => {
                let formats = [
                    HookFormat::Native,
                    HookFormat::LiveInputs,
                    HookFormat::Streams,
                    HookFormat::Calls,
                ];
                Request::CreateHook(HookConfig::new(
                    "https://h.example/",
                    self.pick(&formats).unwrap_or_default(),
                ))
            }
            22 => {
                let hooks = self.hooks.clone();
                Request::DeleteHook(self.pick(&hooks).unwrap_or(HookId::from_bytes([0; 16])))
            }
            _ => {
                let recordings: Vec<_> =
                    self.world.plane.recordings().map(|it| it.facts().id).collect();
                Request::DeleteRecording(
                    self.pick(&recordings).unwrap_or(RecordingId::from_bytes([0; 16])),
                )
            }
        };
        self.step(request);
    }

    fn report(&mut self) {
        let position_ms = self.world.ms;
        let fact = match self.world.dice.below(25) {
            0..=4 => return self.publish(),
            5..=7 => Fact::Media { session: self.session(), position_ms, video: true },
            8..=10 => Fact::Keyframe { session: self.session(), position_ms },
            11 => {
                let reasons = [Loss::Closed, Loss::Unpublished, Loss::Idle, Loss::ProtocolError];
                Fact::Gone {
                    session: self.session(),
                    reason: self.pick(&reasons).unwrap_or(Loss::Closed),
                }
            }
            12 => Fact::SegmentReady(self.input()),
            13 | 14 => return self.pull(),
            15..=18 => return self.push(),
            19 => Fact::Bound(self.listener()),
            20 => self
                .world
                .dice
                .one_in(3)
                .then(|| self.listener())
                .map_or(Fact::Storage(1), Fact::BindFailed),
            21 => Fact::Drained(self.listener()),
            22 => {
                let recordings: Vec<_> =
                    self.world.plane.recordings().map(|it| it.facts().id).collect();
                let Some(id) = self.pick(&recordings) else { return };
                match self.world.dice.below(4) {
                    0 => Fact::RecordingViewable(id),
                    1 => Fact::RecordingFailed(id, RecordingError::Io),
                    _ => Fact::RecordingReady(id),
                }
            }
            _ => {
                let posted = self.posted.clone();
                let Some((hook, delivery, attempt)) = self.pick(&posted) else { return };
                let status = if self.world.dice.one_in(3) { 500 } else { 200 };
                let answer = HookAnswer::Status { status, retry_after: None };
                Fact::Delivered { hook, delivery, attempt, answer }
            }
        };
        self.step(fact);
    }

    fn publish(&mut self) {
        let (listener, input) = (self.listener(), self.input());
        let suffix = if self.world.dice.one_in(3) { "?slot=backup" } else { "" };
        let name = match self.world.keys.secret(KeyRef::Publish(input)) {
            Some(key) if !self.world.dice.one_in(6) => format!("{}{suffix}", key.reveal()),
            _ => format!("name{}", self.world.dice.below(3)),
        };
        let address = [10, 0, 0, self.world.dice.below(255) as u8].into();
        let (plane, keys) = (&self.world.plane, &self.world.keys);
        if self.world.dice.one_in(6) {
            let claim = plane.claim(listener, Use::Play, "live", &name, keys);
            return self.step(Fact::Play { listener, claim, address });
        }
        let claim = plane.claim(listener, Use::Publish, "live", &name, keys);
        self.step(Fact::Publish { listener, claim, address, template: None });
    }

    fn pull(&mut self) {
        let input = self.input();
        let attempt = self.world.plane.input(input).map_or(0, |it| it.pull.attempt());
        // Sometimes an answer that comes too late.
        let attempt = attempt.saturating_sub(u64::from(self.world.dice.one_in(5)));
        if self.world.dice.one_in(2) {
            return self.step(Fact::PullFailed { input, attempt, why: PullFailure::Closed });
        }
        self.step(Fact::PullConnected { input, attempt });
    }

    fn push(&mut self) {
        let output = self.output();
        let attempt = self.world.plane.output(output).map_or(0, |it| it.machine.attempt());
        let attempt = attempt.saturating_sub(u64::from(self.world.dice.one_in(5)));
        let whys = [
            OutputError::Dns,
            OutputError::Tls,
            OutputError::PublishRejected,
            OutputError::RemoteClosed,
        ];
        let event = match self.world.dice.below(8) {
            0 => OutputEvent::Resolved { attempt },
            1 => OutputEvent::Connected { attempt },
            2 | 3 => OutputEvent::Published { attempt },
            4 => {
                let sent = self.world.ms;
                let queue_ms = self.world.dice.below(8000) as u64;
                OutputEvent::Progress {
                    attempt,
                    progress: Progress { sent, queue_ms, ..Progress::default() },
                }
            }
            5 => OutputEvent::Closed { attempt },
            _ => OutputEvent::Lost {
                attempt,
                why: self.pick(&whys).unwrap_or(OutputError::Dns),
                remote: None,
            },
        };
        self.step(Fact::Output(output, event));
    }

    fn pass(&mut self) {
        let span = match self.world.dice.below(20) {
            0 => 86_400_000,
            1..=3 => 60_000,
            4..=8 => 10_000,
            _ => 1_000,
        };
        let mut left = self.world.dice.below(span) as u64 + 1;
        // Those who publish keep sending, mostly.
        let sends = !self.world.dice.one_in(4);
        for _ in 0..40 {
            if left == 0 {
                break;
            }
            let piece = left.min(if sends { 2_500 } else { 86_400_000 });
            let end = self.world.ms + piece;
            while let Some(next) = self.world.plane.next_deadline().filter(|it| *it <= at(end).mono)
            {
                self.world.ms = self.world.ms.max(next.as_nanos().div_ceil(1_000_000) as u64);
                self.step(Step::Tick);
            }
            self.world.ms = end;
            left -= piece;
            for session in self.sessions.clone().into_iter().rev().take(6) {
                if sends {
                    self.step(Fact::Bytes { session, video: true });
                }
            }
        }
    }

    fn restart(&mut self) {
        let text = serde_json::to_string(&self.world.plane.snapshot()).unwrap();
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        assert!(snapshot == self.world.plane.snapshot(), "as text and back");
        let now = at(self.world.ms);
        let restored = Plane::restore(snapshot, now);
        let mut same = restored.clone();
        // Left alone, it does what the other would have done.
        let mut other = self.world.plane.clone();
        for ms in [1_000, 10_000, 600_000, 86_400_000] {
            let later = at(self.world.ms + ms);
            assert_eq!(same.tick(later), other.tick(later));
            let actions =
                |plane: &mut Plane| std::iter::from_fn(|| plane.poll()).collect::<Vec<_>>();
            assert_eq!(actions(&mut same), actions(&mut other));
        }
        self.world.plane = restored;
        self.world.journal.clear();
        self.begin_again();
        self.step(Fact::Restarted);
    }

    fn begin_again(&mut self) {
        // What the model knows of connections goes before the actions of the restart are seen.
        self.learn(&Reply::Done, &Step::Fact(Fact::Restarted));
    }
}

fn run(seed: u64, steps: usize) {
    let result = std::panic::catch_unwind(|| {
        let mut run = Run::new(seed);
        let begin = run.world.plane.snapshot();
        for _ in 0..steps {
            match run.world.dice.below(10) {
                0..=2 => run.operate(),
                3..=7 => run.report(),
                _ => run.pass(),
            }
        }
        let journal = std::mem::take(&mut run.world.journal);
        let text: Vec<String> =
            journal.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
        let read: Vec<Entry> = text.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        let mut again = Plane::restore(begin, at(0));
        assert!(
            replay(&mut again, &read).is_ok_and(|count| count == journal.len()),
            "a journal tells all"
        );
        assert!(again == run.world.plane, "and ends where it ended");
        run.restart();
        for _ in 0..steps / 4 {
            if run.world.dice.one_in(2) { run.report() } else { run.pass() }
        }
        run.seed
    });
    assert!(result.is_ok(), "seed {seed}");
}

#[test]
fn random_operations_and_faults_keep_every_promise() {
    for seed in 0..100 {
        run(seed, 250);
    }
}

#[test]
fn a_journal_that_was_changed_shows_the_first_difference() {
    let mut run = Run::new(7);
    let begin = run.world.plane.snapshot();
    for _ in 0..60 {
        run.operate();
    }
    let mut journal = run.world.journal.clone();
    let index = journal.iter().position(|it| it.actions.len() > 1).unwrap();
    journal[index].actions.pop();
    let difference = replay(&mut Plane::restore(begin, at(0)), &journal).unwrap_err();
    assert_eq!(difference.index, index);
    assert_ne!(difference.written.actions, difference.found.actions);
}

#[test]
fn a_journal_that_begins_in_the_middle_replays() {
    let mut run = Run::new(8);
    for _ in 0..30 {
        run.operate();
    }
    let (begin, before) = (run.world.plane.snapshot(), run.world.journal.len());
    for _ in 0..30 {
        run.operate();
    }
    let rest = &run.world.journal[before..];
    let mut again = Plane::rewind(begin);
    assert_eq!(replay(&mut again, rest), Ok(rest.len()));
    assert_eq!(again, run.world.plane);
}
