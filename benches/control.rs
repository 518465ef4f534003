//! The control plane: steps through a plane with 1,000 inputs of 10 outputs each, deadlines among 100,000 timers,
//! admission among 1,000,000 keys, hook bodies.

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use levada_control::{
    Action, BodyFacts, Entropy, Fact, HookFormat, InputConfig, InputId, KeyRef, Keyring,
    ListenerConfig, ListenerId, Loss, Now, OutputConfig, Plane, PlaneConfig, Profile, Reply,
    Request, Secret, SessionId, StreamFacts, Target, TargetRules, Use, hook_body,
};

struct Dice(u64);

impl Entropy for Dice {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

fn drain(plane: &mut Plane, keys: &mut Keyring, dice: &mut Dice) {
    while let Some(action) = plane.poll() {
        if let Action::Keys(change) = action {
            keys.apply(change, dice);
        }
    }
}

/// A plane with this many live inputs of ten outputs each.
fn busy(inputs: usize) -> (Plane, Keyring, Dice, Vec<SessionId>, ListenerId) {
    let mut config = PlaneConfig::default();
    config.limits.active_inputs = inputs;
    config.limits.inputs = inputs;
    let (mut plane, mut keys, mut dice) = (Plane::new(config), Keyring::default(), Dice(1));
    let now = Now::default();
    let Ok(Reply::Listener(listener)) =
        plane.handle(now, Request::CreateListener(ListenerConfig::new("a", 1935)), &mut dice)
    else {
        panic!("a listener")
    };
    plane.handle(now, Fact::Bound(listener), &mut dice).expect("bound");
    let mut sessions = Vec::new();
    for n in 0..inputs {
        let config = InputConfig::new(format!("i{n}"), Profile::default());
        let Ok(Reply::Input(input)) = plane.handle(now, Request::CreateInput(config), &mut dice)
        else {
            panic!("an input")
        };
        let outputs = (0..10).map(|n| {
            let (target, _) =
                Target::parse("rtmp://t.example/app", Some("key"), &TargetRules::default())
                    .expect("a target");
            OutputConfig::new(format!("o{n}"), target)
        });
        plane
            .handle(now, Request::CreateOutputs(input, outputs.collect()), &mut dice)
            .expect("outputs");
        drain(&mut plane, &mut keys, &mut dice);
        let key = keys.secret(KeyRef::Publish(input)).expect("a key").reveal().to_owned();
        let claim = plane.claim(listener, Use::Publish, "live", &key, &keys);
        let address = [10, 0, 0, 1].into();
        let Ok(Reply::Publishing { session, .. }) = plane.handle(
            now,
            Fact::Publish { listener, claim, address, template: None },
            &mut dice,
        ) else {
            panic!("a publisher")
        };
        plane
            .handle(now, Fact::Media { session, position_ms: 0, video: true }, &mut dice)
            .expect("media");
        drain(&mut plane, &mut keys, &mut dice);
        sessions.push(session);
    }
    (plane, keys, dice, sessions, listener)
}

fn steps(c: &mut Criterion) {
    let (mut plane, mut keys, mut dice, sessions, _) = busy(1000);
    let mut group = c.benchmark_group("control");
    let (mut at, mut n) = (Duration::ZERO, 0_usize);
    group.throughput(Throughput::Elements(1));
    group.bench_function("step of 1,000 inputs × 10 outputs", |b| {
        b.iter(|| {
            // Each input reports once a second of its own time.
            at += Duration::from_micros(1000);
            n = (n + 1) % sessions.len();
            let now = Now { mono: at, unix_ms: 0 };
            plane
                .handle(now, Fact::Bytes { session: sessions[n], video: true }, &mut dice)
                .expect("a step");
            drain(&mut plane, &mut keys, &mut dice);
        });
    });
    let (plane, ..) = busy(9_000);
    assert!(plane.outputs().count() == 90_000);
    group.bench_function("next deadline of 99,000 machines", |b| {
        b.iter(|| black_box(&plane).next_deadline())
    });
    group.finish();
}

fn admission(c: &mut Criterion) {
    let (mut keys, mut dice) = (Keyring::default(), Dice(3));
    let mut last = String::new();
    for _ in 0..1_000_000 {
        let input = InputId::draw(&mut dice);
        keys.apply(levada_control::KeyChange::Mint(KeyRef::Publish(input)), &mut dice);
        keys.secret(KeyRef::Publish(input))
            .map(Secret::reveal)
            .expect("a key")
            .clone_into(&mut last);
    }
    let mut group = c.benchmark_group("control");
    group.throughput(Throughput::Elements(1));
    group
        .bench_function("a key among 1,000,000", |b| b.iter(|| keys.publish_key(black_box(&last))));
    let wrong = format!("{}x", &last[..31]);
    group.bench_function("a wrong key among 1,000,000", |b| {
        b.iter(|| keys.publish_key(black_box(&wrong)))
    });
    group.finish();
}

fn bodies(c: &mut Criterion) {
    let (mut plane, _, mut dice, sessions, _) = busy(1);
    let gone = Fact::Gone { session: sessions[0], reason: Loss::Closed };
    plane.handle(Now::default(), gone, &mut dice).expect("a step");
    let notice = core::iter::from_fn(|| plane.poll()).find_map(|it| match it {
        Action::Notice(notice) => Some(notice),
        _ => None,
    });
    let (notice, stream) = (notice.expect("a suspension"), StreamFacts::default());
    let facts = BodyFacts { stream: Some(&stream), ..BodyFacts::default() };
    let mut group = c.benchmark_group("control");
    group.throughput(Throughput::Elements(1));
    for format in [HookFormat::Native, HookFormat::LiveInputs, HookFormat::Streams] {
        group.bench_function(format!("hook body, {format:?}"), |b| {
            b.iter(|| hook_body(format, black_box(&notice), facts).expect("a body"));
        });
    }
    group.finish();
}

criterion_group!(benches, steps, admission, bodies);
criterion_main!(benches);
