//! The tables in `tables/`: what each machine does in each state, found by asking it. They are part of the docs, and
//! a change of behaviour shows in them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{at, drain, tell};
use crate::*;

/// The time at which every cell is asked, after a state was reached at 0.
const LATER: u64 = 500;

/// An event made for the machine that it is told to: some need its attempt's number.
type Maker<'a, M> = &'a dyn Fn(&M) -> <M as Machine>::Event;

/// One row per state, one line per event that does anything.
fn table<M: Machine + Clone + PartialEq, S: Fn(&M) -> String>(
    states: Vec<M>,
    events: &[(&str, Maker<'_, M>)],
    state: S,
) -> String
where
    M::Action: core::fmt::Debug,
{
    let mut text = String::from("\n| in | when | then | does |\n|---|---|---|---|\n");
    for machine in states {
        let before = state(&machine);
        for (name, event) in events {
            let mut after = machine.clone();
            let result = after.handle(at(LATER), event(&machine));
            let actions: Vec<String> =
                drain(&mut after).iter().map(|it| short(&format!("{it:?}"))).collect();
            let done = match result {
                Err(error) => format!("refused: {}", error.code()),
                Ok(()) if after == machine => continue,
                Ok(()) => actions.join(", "),
            };
            text.push_str(&format!("| {before} | {name} | {} | {done} |\n", state(&after)));
        }
        if let Some(deadline) = machine.next_deadline() {
            let mut after = machine.clone();
            after.tick(Now::new(deadline, 0));
            let actions: Vec<String> =
                drain(&mut after).iter().map(|it| short(&format!("{it:?}"))).collect();
            let actions = actions.join(", ");
            text.push_str(&format!(
                "| {before} | *{deadline:?}* | {} | {actions} |\n",
                state(&after)
            ));
        }
    }
    text
}

/// The name of an action or state without what is in it.
fn short(text: &str) -> String {
    text.split([' ', '(', '{']).next().unwrap_or(text).into()
}

fn check(name: &str, written: &str, found: &str) {
    assert!(
        written == found,
        "tables/{name}.md is not what the machine does:\n<<<{name}\n{found}>>>"
    );
}

fn after<M: Machine>(mut machine: M, events: impl IntoIterator<Item = M::Event>) -> M {
    for event in events {
        tell(&mut machine, 0, event);
    }
    machine
}

#[test]
fn output() {
    let new = || Output::new(OutputRules::default(), 7);
    let live = || OutputEvent::Source(Source::Live);
    let lost = |attempt, why| OutputEvent::Lost { attempt, why, remote: None };
    let connecting = || after(new(), [OutputEvent::Enable, live()]);
    let published = || after(connecting(), [OutputEvent::Published { attempt: 1 }]);
    let states = Vec::from([
        new(),
        after(new(), [OutputEvent::Enable]),
        connecting(),
        after(connecting(), [OutputEvent::Resolved { attempt: 1 }]),
        after(connecting(), [OutputEvent::Connected { attempt: 1 }]),
        published(),
        after(published(), [lost(1, OutputError::RemoteClosed)]),
        after(connecting(), [lost(1, OutputError::TargetForbidden)]),
        after(published(), [OutputEvent::Stop]),
    ]);
    let attempt = Output::attempt;
    let found = table(
        states,
        &[
            ("enable", &|_| OutputEvent::Enable),
            ("disable", &|_| OutputEvent::Disable),
            ("stop", &|_| OutputEvent::Stop),
            ("source live", &|_| live()),
            ("source off", &|_| OutputEvent::Source(Source::Off)),
            ("resolved", &|it| OutputEvent::Resolved { attempt: attempt(it) }),
            ("connected", &|it| OutputEvent::Connected { attempt: attempt(it) }),
            ("published", &|it| OutputEvent::Published { attempt: attempt(it) }),
            ("lost", &|it| lost(attempt(it), OutputError::RemoteClosed)),
            ("closed", &|it| OutputEvent::Closed { attempt: attempt(it) }),
        ],
        |it| it.state().as_str().into(),
    );
    check("output", include_str!("../../tables/output.md"), &found);
}

#[test]
fn input() {
    let [primary, backup, other] = [1, 2, 3].map(|n| SessionId::from_bytes([n; 8]));
    let new = || Input::new(&Profile::default());
    let publish = |session, slot| InputEvent::Publish { session, slot };
    let media = |session| InputEvent::Media { session };
    let lost = |session| InputEvent::Lost { session, reason: Loss::Closed };
    let connecting = || after(new(), [publish(primary, Slot::Primary)]);
    let live = || after(connecting(), [media(primary)]);
    let both = || after(live(), [publish(backup, Slot::Backup), media(backup)]);
    let on_backup = || {
        let mut input = after(both(), [lost(primary)]);
        tell(&mut input, 3_000, InputEvent::Bytes { session: backup });
        input
    };
    let states = Vec::from([
        after(new(), [InputEvent::Disable]),
        new(),
        connecting(),
        live(),
        both(),
        after(both(), [lost(primary)]),
        after(live(), [lost(primary)]),
        after(after(live(), [lost(primary)]), [publish(other, Slot::Primary)]),
    ]);
    assert_eq!(on_backup().phase(), Phase::Live { slot: Slot::Backup });
    let found = table(
        states,
        &[
            ("publish, primary", &|_| publish(other, Slot::Primary)),
            ("publish, backup", &|_| publish(other, Slot::Backup)),
            ("media, primary", &|it| media(it.publisher(Slot::Primary).unwrap_or(other))),
            ("primary lost", &|it| lost(it.publisher(Slot::Primary).unwrap_or(other))),
            ("backup lost", &|it| lost(it.publisher(Slot::Backup).unwrap_or(other))),
            ("segment ready", &|_| InputEvent::Ready),
            ("enable", &|_| InputEvent::Enable),
            ("disable", &|_| InputEvent::Disable),
            ("keys rotated", &|_| InputEvent::Drop(Loss::KeyRotated)),
            ("deleted", &|_| InputEvent::End(Loss::Deleted)),
        ],
        |it| {
            let slots = [Slot::Primary, Slot::Backup].map(|slot| {
                match (it.publisher(slot), it.has_media(slot)) {
                    (None, _) => "–",
                    (Some(_), false) => "connected",
                    (Some(_), true) => "media",
                }
            });
            format!("{} ({}, {})", it.phase().as_str(), slots[0], slots[1])
        },
    );
    check("input", include_str!("../../tables/input.md"), &found);
}

#[test]
fn pull() {
    let new = || Pull::new(PullRules::default(), 2);
    let failed = |attempt| PullEvent::Failed { attempt, why: PullFailure::Connect };
    let started = || after(new(), [PullEvent::Start]);
    let mut deactivated = after(started(), [failed(1)]);
    deactivated.tick(at(86_400_000));
    drain(&mut deactivated);
    let states = Vec::from([
        new(),
        started(),
        after(started(), [PullEvent::Connected { attempt: 1 }]),
        after(started(), [failed(1)]),
    ]);
    let found = table(
        states,
        &[
            ("start", &|_| PullEvent::Start),
            ("stop", &|_| PullEvent::Stop),
            ("other URLs", &|_| PullEvent::SetUrls(3)),
            ("connected", &|it| PullEvent::Connected { attempt: it.attempt() }),
            ("keyframe", &|it| PullEvent::Video { attempt: it.attempt(), key: true }),
            ("failed", &|it| failed(it.attempt())),
        ],
        |it| short(&format!("{:?}", it.state())).to_lowercase(),
    );
    assert_eq!(deactivated.state(), PullState::Deactivated);
    check("pull", include_str!("../../tables/pull.md"), &found);
}

#[test]
fn recorder() {
    let new = |mode| Recorder::new(mode, RecordingRules::default());
    let fresh = RecordingId::from_bytes([1; 16]);
    let keyframe = || RecorderEvent::Keyframe { position_ms: 0, fresh };
    let armed = || after(new(RecordingMode::Automatic), [RecorderEvent::Live]);
    let recording = || after(armed(), [keyframe()]);
    let states = Vec::from([
        new(RecordingMode::Automatic),
        after(new(RecordingMode::Manual), [RecorderEvent::Live]),
        armed(),
        recording(),
        after(recording(), [RecorderEvent::Suspended]),
    ]);
    let found = table(
        states,
        &[
            ("live", &|_| RecorderEvent::Live),
            ("suspended", &|_| RecorderEvent::Suspended),
            ("ended", &|_| RecorderEvent::Ended),
            ("keyframe", &|_| keyframe()),
            ("start", &|_| RecorderEvent::Start),
            ("stop", &|_| RecorderEvent::Stop),
            ("mode off", &|_| RecorderEvent::SetMode(RecordingMode::Off)),
            ("failed", &|_| RecorderEvent::Failed),
        ],
        |it| {
            format!("{} ({:?})", short(&format!("{:?}", it.state())).to_lowercase(), it.mode())
                .to_lowercase()
        },
    );
    check("recorder", include_str!("../../tables/recorder.md"), &found);
}

#[test]
fn recording() {
    let id = RecordingId::from_bytes([1; 16]);
    let facts = RecordingFacts::new(at(0), id, InputId::from_bytes([2; 16]), "cam".into());
    let new =
        || Recording::new(RecordingFacts { delete_after_days: Some(30), ..facts.clone() }, 10);
    let finish = || RecordingEvent::Finish { truncated: false };
    let pending = || after(new(), [finish()]);
    let states = Vec::from([
        new(),
        pending(),
        after(pending(), [RecordingEvent::Viewable]),
        after(pending(), [RecordingEvent::Ready]),
        after(pending(), [RecordingEvent::Failed(RecordingError::Io)]),
    ]);
    let found = table(
        states,
        &[
            ("finish", &|_| finish()),
            ("viewable", &|_| RecordingEvent::Viewable),
            ("ready", &|_| RecordingEvent::Ready),
            ("failed", &|_| RecordingEvent::Failed(RecordingError::Io)),
        ],
        |it| it.state().as_str().into(),
    );
    check("recording", include_str!("../../tables/recording.md"), &found);
}

#[test]
fn listener() {
    let new = || Listener::new(ListenerConfig::new("one", 1935)).unwrap();
    let binding = || after(new(), [ListenerEvent::Start]);
    let listening = || after(binding(), [ListenerEvent::Bound]);
    let update = |port| ListenerEvent::Update(ListenerConfig::new("one", port));
    let states = Vec::from([
        new(),
        binding(),
        listening(),
        after(listening(), [update(1936)]),
        after(listening(), [ListenerEvent::Stop]),
        after(binding(), [ListenerEvent::BindFailed]),
    ]);
    let found = table(
        states,
        &[
            ("start", &|_| ListenerEvent::Start),
            ("stop", &|_| ListenerEvent::Stop),
            ("update, same port", &|_| update(1935)),
            ("update, other port", &|_| update(1937)),
            ("bound", &|_| ListenerEvent::Bound),
            ("bind failed", &|_| ListenerEvent::BindFailed),
            ("drained", &|_| ListenerEvent::Drained),
        ],
        |it| format!("{} {}", short(&format!("{:?}", it.state())).to_lowercase(), it.config().port),
    );
    check("listener", include_str!("../../tables/listener.md"), &found);
}

#[test]
fn show() {
    let new = || Show::new(Some(core::time::Duration::from_secs(30)), Messages::default());
    let set = |status| ShowEvent::Set(status);
    let states = Vec::from([
        new(),
        after(new(), [set(ShowStatus::Live)]),
        after(new(), [ShowEvent::Source { live: true }, set(ShowStatus::Live)]),
        after(new(), [set(ShowStatus::Finished)]),
    ]);
    let found = table(
        states,
        &[
            ("set pending", &|_| set(ShowStatus::Pending)),
            ("set live", &|_| set(ShowStatus::Live)),
            ("set paused", &|_| set(ShowStatus::Paused)),
            ("set finished", &|_| set(ShowStatus::Finished)),
            ("an input is live", &|_| ShowEvent::Source { live: true }),
            ("none is live", &|_| ShowEvent::Source { live: false }),
        ],
        |it| it.status().as_str().into(),
    );
    check("show", include_str!("../../tables/show.md"), &found);
}

#[test]
fn hook() {
    let new = || Hook::new(HookRules::default());
    let push = || HookEvent::Push { body: "a".into() };
    let answered = |status| {
        let answer = HookAnswer::Status { status, retry_after: None };
        HookEvent::Answered { delivery: 1, attempt: 1, answer }
    };
    let in_flight = || after(new(), [push()]);
    let states = Vec::from([new(), in_flight(), after(in_flight(), [answered(500)])]);
    let found = table(
        states,
        &[
            ("push", &|_| push()),
            ("answered 200", &|_| answered(200)),
            ("answered 500", &|_| answered(500)),
        ],
        |it| format!("{} waiting, {} failed", it.waiting(), it.failed()),
    );
    check("hook", include_str!("../../tables/hook.md"), &found);
}
