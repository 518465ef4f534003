//! The whole plane, one story a test, named by the acceptance check that it is the library's half of.
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

use levada_control::*;
use world::{HOME, World, at};

fn plain(name: &str) -> InputConfig {
    InputConfig::new(name, Profile::default())
}

fn recorded(name: &str) -> InputConfig {
    let mut config = plain(name);
    config.recording.mode = RecordingMode::Automatic;
    config
}

#[test]
fn c02_g08_the_right_key_publishes_and_a_wrong_one_leaves_nothing_behind() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    world.take();
    assert_eq!(
        world.publish_as("live", "no-such-key-at-all", HOME),
        Err("unknown stream key".into())
    );
    let number = world.plane.input(input).unwrap().number;
    assert_eq!(
        world.publish_as("in", &format!("{number}?wrong"), HOME),
        Err("unknown stream key".into())
    );
    assert_eq!(
        world.publish_as("in", &format!("{}?wrong", number + 1), HOME),
        Err("unknown stream key".into())
    );
    assert_eq!(world.publish_as("live", "", HOME), Err("the stream name is empty".into()));
    assert_eq!(world.publish_as("other", "x", HOME), Err("no such application".into()));
    assert_eq!(world.take(), [], "no session, no notice, no output");
    assert_eq!(world.plane.publishers(input).count(), 0);
    assert!(world.publish(input).is_ok());
    assert_eq!(world.told(), ["input.connected"]);
}

#[test]
fn g03_g07_push_urls_by_number_with_backup_and_by_key() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let (number, key) =
        (world.plane.input(input).unwrap().number, world.key(KeyRef::Publish(input)));
    world.publish_as("in", &format!("{number}?{key}"), HOME).unwrap();
    world.publish_as("in", &format!("{number}b?{key}?vhost=out"), HOME).unwrap();
    let publisher = |world: &World, slot| world.plane.input(input).unwrap().machine.publisher(slot);
    assert!(
        publisher(&world, Slot::Primary).is_some() && publisher(&world, Slot::Backup).is_some()
    );
    let other = world.input(plain("other"));
    let key = world.key(KeyRef::Publish(other));
    world.publish_as("live", &format!("{key}?slot=backup"), HOME).unwrap();
    assert!(world.plane.input(other).unwrap().machine.publisher(Slot::Backup).is_some());
    let mut aliased = plain("call");
    aliased.alias = Some("call:livestream:abc".into());
    let mut config = PlaneConfig::default();
    config.apps.calls = Some("call".into());
    let mut calls = World::listening_with(config);
    let input = calls.input(aliased);
    let key = calls.key(KeyRef::Publish(input));
    assert!(calls.publish_as("call", &format!("livestream/abc?{key}"), HOME).is_ok());
}

#[test]
fn c24_c32_t17_a_publish_key_never_plays_and_a_play_key_never_publishes() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    world.live(input);
    let listener = world.listener.unwrap();
    let (publish, play) = (world.key(KeyRef::Publish(input)), world.key(KeyRef::Play(input)));
    assert!(world.publish_as("live", &play, HOME).is_err());
    let mut play_as = |app: &str, name: &str| {
        let claim = world.plane.claim(listener, Use::Play, app, name, &world.keys);
        world.step(Fact::Play { listener, claim, address: HOME })
    };
    assert_eq!(play_as("live", &publish), Err("no such stream".into()));
    assert!(matches!(play_as("live", &play), Ok(Reply::Playing { .. })));
    let number = 2; // the listener has none, the input was first
    assert!(play_as("in", &format!("{number}?{play}")).is_err());
    assert!(matches!(play_as("in", &format!("1?{play}")), Ok(Reply::Playing { .. })));
    let Ok(Reply::Playing { rendition, .. }) = play_as("out", &format!("7_1_720p?{play}")) else {
        panic!()
    };
    assert_eq!(rendition.as_deref(), Some("720p"));
    assert!(play_as("out", &format!("7_1_720p?{publish}")).is_err());
}

#[test]
fn c34_players_are_counted_and_limited() {
    let mut config = PlaneConfig::default();
    config.limits.players = 2;
    let mut world = World::listening_with(config);
    let listener = world.listener.unwrap();
    let input = world.input(plain("cam"));
    world.live(input);
    let play = world.key(KeyRef::Play(input));
    let join = |world: &mut World| {
        let claim = world.plane.claim(listener, Use::Play, "live", &play, &world.keys);
        match world.step(Fact::Play { listener, claim, address: HOME }) {
            Ok(Reply::Playing { session, .. }) => Ok(session),
            other => Err(other),
        }
    };
    let first = join(&mut world).unwrap();
    join(&mut world).unwrap();
    assert_eq!(join(&mut world), Err(Err("too many players".into())));
    assert_eq!(world.plane.input(input).unwrap().players, 2);
    world.gone(first, Loss::Closed);
    assert_eq!(world.plane.input(input).unwrap().players, 1);
    assert!(join(&mut world).is_ok());
}

#[test]
fn g11_g12_an_input_that_pulls_takes_no_publisher() {
    let mut world = World::listening();
    let places =
        parse_pull_list("rtmp://a.example/x/y rtmp://b.example/x/y", &TargetRules::default())
            .unwrap();
    let mut config = plain("pull");
    config.pull = Some(places);
    let input = world.input(config);
    assert_eq!(world.publish(input), Err("this input pulls its source".into()));
    let connects: Vec<_> =
        world.take().into_iter().filter(|it| matches!(it, Action::PullConnect { .. })).collect();
    assert_eq!(connects, [Action::PullConnect { input, attempt: 1, url: 0 }]);
    // Other paths at the same places: from the first URL on.
    world.ok(Request::RestartPull(input));
    let told = world.take();
    assert!(told.contains(&Action::PullClose { input, attempt: 1 }), "{told:?}");
    assert!(told.contains(&Action::PullConnect { input, attempt: 2, url: 0 }), "{told:?}");
    let pushed = world.input(plain("push"));
    assert_eq!(world.step(Request::RestartPull(pushed)), Err("no such pull".into()));
}

#[test]
fn g10_a_pull_drives_its_input_like_a_publisher() {
    let mut world = World::listening();
    let mut config = recorded("pull");
    config.pull = Some(parse_pull_list("rtmp://a.example/x/y", &TargetRules::default()).unwrap());
    let input = world.input(config);
    let Reply::Publishing { session, .. } = world.ok(Fact::PullConnected { input, attempt: 1 })
    else {
        panic!()
    };
    world.media(session);
    assert_eq!(world.told(), ["input.connected", "input.live", "recording.started"]);
    // Sound alone for 30 s: the pull gives up, the input waits for it.
    for _ in 0..29 {
        world.pass(1_000);
        world.ok(Fact::Bytes { session, video: false });
    }
    world.take();
    world.pass(999);
    assert_eq!(world.take(), []);
    world.pass(1);
    assert_eq!(world.take()[0], Action::PullClose { input, attempt: 1 });
    assert!(matches!(world.state(input), Phase::Suspended { .. }));
    world.pass(10_000);
    let told = world.take();
    assert!(told.contains(&Action::PullConnect { input, attempt: 2, url: 0 }), "{told:?}");
    assert_eq!(
        world.step(Fact::PullConnected { input, attempt: 1 }),
        Err("no such attempt".into()),
        "late"
    );
}

#[test]
fn g16_a_pull_without_data_for_a_day_is_disabled_until_it_is_enabled() {
    let mut world = World::listening();
    let mut config = plain("pull");
    config.pull = Some(parse_pull_list("rtmp://a.example/x/y", &TargetRules::default()).unwrap());
    let input = world.input(config.clone());
    world.pass(86_400_000 - 1);
    assert!(world.plane.input(input).unwrap().config.enabled);
    world.take();
    world.pass(1);
    assert_eq!(world.told(), ["input.deactivated"]);
    let view = world.plane.input(input).unwrap();
    assert_eq!(
        (view.config.enabled, view.deactivated, view.machine.phase()),
        (false, true, Phase::Disabled)
    );
    world.pass(86_400_000);
    assert_eq!(world.take(), []);
    world.ok(Request::UpdateInput(input, config));
    assert!(matches!(world.take()[..], [Action::PullConnect { url: 0, .. }]));
}

#[test]
fn g19_c2_a_second_publisher_is_refused_and_changes_nothing() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let session = world.live(input);
    world.output(input, "yt");
    world.take();
    let before = (world.plane.outputs().count(), world.plane.recordings().count());
    world.pass(2_000);
    assert_eq!(world.publish(input), Err("somebody is publishing to this input".into()));
    assert_eq!(world.take(), []);
    assert_eq!((world.plane.outputs().count(), world.plane.recordings().count()), before);
    // C1: a dead connection gives way after three seconds.
    world.pass(1_000);
    let second = world.publish(input).unwrap();
    assert_eq!(world.take()[0], Action::CloseSession { session, reason: Loss::Replaced });
    world.media(second);
    assert_eq!(world.told(), ["input.resumed"]);
    assert_eq!(world.plane.recordings().count(), 1, "one recording");
}

#[test]
fn g20_attempts_are_limited_per_key_and_address() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    for _ in 0..10 {
        assert_eq!(
            world.publish_as("live", "wrong-wrong-wrong", HOME),
            Err("unknown stream key".into())
        );
    }
    let limited = Err("too many attempts, try again in a minute".into());
    assert_eq!(world.publish_as("live", "wrong-wrong-wrong", HOME), limited);
    assert_eq!(
        world.publish_as("live", "another-wrong-one", HOME),
        limited,
        "guessing others is no way around"
    );
    let key = world.key(KeyRef::Publish(input));
    assert!(world.publish_as("live", &key, HOME).is_ok(), "the owner of a key is not locked out");
    world.pass(60_000);
    assert_eq!(
        world.publish_as("live", "wrong-wrong-wrong", HOME),
        Err("unknown stream key".into())
    );
}

#[test]
fn g22_c27_rotated_keys_end_sessions_and_the_new_ones_resume() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let session = world.live(input);
    let old = world.key(KeyRef::Publish(input));
    world.take();
    world.ok(Request::RotateKeys(input));
    let actions = world.take();
    assert!(actions.contains(&Action::CloseSession { session, reason: Loss::KeyRotated }));
    assert_ne!(world.key(KeyRef::Publish(input)), old);
    assert_eq!(world.publish_as("live", &old, HOME), Err("unknown stream key".into()));
    assert!(world.plane.input(input).unwrap().keys_rotated.is_some());
    world.pass(5_000);
    world.live(input);
    assert_eq!(world.told(), ["input.resumed"]);
    assert_eq!(world.plane.recordings().count(), 1);
}

#[test]
fn t27_c3_back_inside_the_window_is_one_recording_with_one_gap() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let output = world.output(input, "yt");
    let session = world.live(input);
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    world.pass(5_000);
    world.take();
    world.gone(session, Loss::Closed);
    world.pass(5_000);
    world.live(input);
    let actions = world.take();
    assert!(
        !actions
            .iter()
            .any(|it| matches!(it, Action::OutputClose { .. } | Action::OutputConnect { .. }))
    );
    assert!(
        !actions.iter().any(|it| matches!(it, Action::EndPlaylist(_) | Action::RecordingFinish(_)))
    );
    let recording = world.plane.recordings().next().unwrap();
    let gaps: Vec<_> = recording.facts().gaps.iter().map(|it| (it.missing_ms, it.reason)).collect();
    assert_eq!((gaps, recording.state()), (vec![(5_000, Loss::Closed)], RecordingState::Open));
}

#[test]
fn c05_a_gap_of_five_seconds_is_one_recording_and_of_fifteen_two() {
    for (gap, recordings) in [(5_000, 1), (9_999, 1), (10_000, 2), (15_000, 2)] {
        let mut world = World::listening();
        let input = world.input(recorded("cam"));
        let session = world.live(input);
        world.gone(session, Loss::Closed);
        world.pass(gap);
        world.live(input);
        assert_eq!(world.plane.recordings().count(), recordings, "{gap}");
    }
}

#[test]
fn t18_t22_the_notices_of_a_whole_life_in_order() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let session = world.live(input);
    world.ok(Fact::SegmentReady(input));
    world.ok(Fact::SegmentReady(input));
    world.gone(session, Loss::Unpublished);
    world.pass(10_000);
    let recording = world.plane.recordings().next().unwrap().facts().id;
    world.ok(Fact::RecordingViewable(recording));
    world.ok(Fact::RecordingReady(recording));
    world.ok(Request::DeleteRecording(recording));
    assert_eq!(
        world.told(),
        [
            "input.connected",
            "input.live",
            "recording.started",
            "input.ready",
            "input.suspended",
            "input.ended",
            "recording.stopped",
            "recording.pending",
            "recording.viewable",
            "recording.ready",
            "recording.deleted",
        ]
    );
}

#[test]
fn notices_are_numbered_without_a_break_per_input() {
    let mut world = World::listening();
    let inputs = [world.input(plain("a")), world.input(plain("b"))];
    for input in inputs {
        let session = world.live(input);
        world.gone(session, Loss::Closed);
    }
    world.pass(60_000);
    let notices = world.take();
    for input in inputs {
        let numbers: Vec<u64> = notices
            .iter()
            .filter_map(|it| match it {
                Action::Notice(Notice { seq, input: Some(subject), .. }) if subject.id == input => {
                    Some(*seq)
                }
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }
}

#[test]
fn t10_to_t13_start_and_stop_of_recordings() {
    let mut config = PlaneConfig::default();
    config.limits.storage = Some(1_000);
    let mut world = World::listening_with(config);
    let input = world.input(plain("cam"));
    assert_eq!(world.step(Request::StartRecording(input)), Err("the input is not live".into()));
    let session = world.live(input);
    assert_eq!(
        world.ok(Request::StartRecording(input)),
        Reply::RecordingStarts { storage_low: false }
    );
    assert_eq!(
        world.ok(Request::StopRecording(input)),
        Reply::RecordingStopped(None),
        "no keyframe yet"
    );
    for (used, low) in [(900, false), (901, true), (999, true)] {
        world.ok(Fact::Storage(used));
        assert_eq!(
            world.ok(Request::StartRecording(input)),
            Reply::RecordingStarts { storage_low: low }
        );
    }
    world.ok(Fact::Keyframe { session, position_ms: 2_000 });
    world.ok(Fact::Storage(1_000));
    assert_eq!(world.step(Request::StartRecording(input)), Err("the storage is full".into()));
    let Reply::RecordingStopped(Some(id)) = world.ok(Request::StopRecording(input)) else {
        panic!()
    };
    assert_eq!(world.plane.recording(id).unwrap().state(), RecordingState::Pending);
    assert_eq!(world.ok(Request::StopRecording(input)), Reply::RecordingStopped(None));
    assert_eq!(
        world.step(Request::StartRecording(InputId::from_bytes([9; 16]))),
        Err("no such input".into())
    );
}

#[test]
fn promise_9_a_full_disk_ends_the_recording_and_not_the_broadcast() {
    let mut config = PlaneConfig::default();
    config.limits.storage = Some(1_000);
    let mut world = World::listening_with(config);
    let input = world.input(recorded("cam"));
    let session = world.live(input);
    let first = world.plane.recordings().next().unwrap().facts().id;
    world.ok(Fact::Storage(1_000));
    world.take();
    world.ok(Fact::RecordingFailed(first, RecordingError::StorageFull));
    world.ok(Fact::Keyframe { session, position_ms: 2_000 });
    assert_eq!(world.told(), ["recording.error", "recording.stopped", "input.errored"]);
    assert!(matches!(world.state(input), Phase::Live { .. }));
    world.ok(Fact::Storage(500));
    world.ok(Fact::Keyframe { session, position_ms: 4_000 });
    assert_eq!(world.told(), ["recording.started"], "into a new file");
    assert_eq!(world.plane.recordings().count(), 2);
}

#[test]
fn c14_c15_an_unsupported_codec_is_relayed_and_not_recorded() {
    let mut world = World::listening();
    let mut config = InputConfig::new("cam", Profile::of(ProfileKind::LiveInputs));
    config.recording.mode = RecordingMode::Automatic;
    let input = world.input(config);
    let output = world.output(input, "yt");
    let session = world.publish(input).unwrap();
    let codec =
        Observation::Video { codec: VideoCodec::Other, dimensions: (320, 240), fps_milli: None };
    world.ok(Fact::Observed(session, codec));
    world.media(session);
    assert_eq!(world.told(), ["input.connected", "input.errored", "input.live"]);
    assert_eq!(world.plane.recordings().count(), 0);
    assert_eq!(world.plane.output(output).unwrap().machine.state(), OutputState::Resolving);
    assert!(!world.plane.input(input).unwrap().health.can_be_packaged());
}

#[test]
fn g02_a_policy_that_rejects_names_the_session() {
    let mut world = World::listening();
    let mut profile = Profile::of(ProfileKind::LiveInputs);
    profile.policy.on_violation = OnViolation::Reject;
    let input = world.input(InputConfig::new("cam", profile));
    let session = world.publish(input).unwrap();
    let codec =
        Observation::Video { codec: VideoCodec::Other, dimensions: (320, 240), fps_milli: None };
    world.ok(Fact::Observed(session, codec));
    assert!(world.take().contains(&Action::Reject { session, why: Refusal::CodecUnsupported }));
}

#[test]
fn c12_a_publisher_that_was_away_is_not_blamed_for_a_long_gop() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let keyframe = |position_ms| Observation::Keyframe { position_ms, start: GopStart::Closed };
    let codec =
        Observation::Video { codec: VideoCodec::H264, dimensions: (640, 360), fps_milli: None };
    for begin in [0, 11_000] {
        world.pass(begin - world.ms);
        let session = world.live(input);
        world.ok(Fact::Observed(session, codec));
        for n in 0..3 {
            world.ok(Fact::Observed(session, keyframe(begin + n * 1_000)));
        }
        world.pass(2_000);
        world.gone(session, Loss::Closed);
    }
    assert!(world.plane.input(input).unwrap().health.issues().is_empty());
}

#[test]
fn c17_seven_days_truncate_the_recording_and_the_word_says_so() {
    let mut world = World::listening();
    let mut config = InputConfig::new("cam", Profile::of(ProfileKind::LiveInputs));
    config.recording.mode = RecordingMode::Automatic;
    let input = world.input(config);
    let session = world.live(input);
    let week = 7 * 86_400_000;
    while world.ms < week {
        world.ok(Fact::Bytes { session, video: true });
        assert!(!world.plane.recordings().any(|it| it.facts().truncated));
        world.pass(9_000.min(week - world.ms));
    }
    let recording = world.plane.recordings().next().unwrap();
    assert_eq!((recording.facts().truncated, recording.state()), (true, RecordingState::Pending));
    let view = world.plane.input(input).unwrap();
    assert_eq!(view.machine.word().map(Word::as_str), Some("ttl_exceeded"));
    assert!(matches!(view.machine.phase(), Phase::Live { .. }));
}

#[test]
fn s01_s04_to_s07_outputs_start_stop_by_name_and_all_at_once() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    world.live(input);
    let outputs = ["a", "b", "c"].map(|it| world.output(input, it));
    for output in outputs {
        world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    }
    let states = |world: &World| outputs.map(|it| world.plane.output(it).unwrap().machine.state());
    assert_eq!(states(&world), [OutputState::Live; 3]);
    // One name that is there already refuses all, as do two that are alike.
    let target = world.plane.output(outputs[0]).unwrap().config.target.clone();
    let named = |name: &str| OutputConfig::new(name, target.clone());
    let before = world.plane.clone();
    let taken = Err("name is taken".into());
    assert_eq!(world.step(Request::CreateOutputs(input, vec![named("d"), named("a")])), taken);
    assert_eq!(world.step(Request::CreateOutputs(input, vec![named("d"), named("d")])), taken);
    assert_eq!(world.plane, before, "a refused call changes nothing");
    world.take();
    world.ok(Request::StopOutputNamed(input, "b".into()));
    assert_eq!(
        world.step(Request::StopOutputNamed(input, "x".into())),
        Err("no such output".into())
    );
    assert_eq!(states(&world), [OutputState::Live, OutputState::Stopped, OutputState::Live]);
    world.ok(Request::StopOutputs(input));
    assert_eq!(states(&world), [OutputState::Stopped; 3]);
    assert_eq!(world.told(), ["output.stopped"; 3]);
    world.pass(60_000);
    world.live(input);
    assert_eq!(states(&world), [OutputState::Stopped; 3], "until they are enabled again");
}

#[test]
fn s11_ending_the_input_stops_its_outputs_and_c4_a_failing_target_says_so() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let session = world.live(input);
    let output = world.output(input, "a");
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    let lost = |attempt| {
        let why = OutputError::PublishRejected;
        Fact::Output(
            output,
            OutputEvent::Lost { attempt, why, remote: Some("NetStream.Publish.Denied".into()) },
        )
    };
    world.take();
    for attempt in 1..=3 {
        world.ok(lost(attempt));
        world.ok(Fact::Bytes { session, video: true });
        world.pass(3_000);
        world.ok(Fact::Bytes { session, video: true });
    }
    assert_eq!(world.told(), ["output.retrying", "output.retrying", "output.failed"]);
    let figures = world.plane.output(output).unwrap().machine.figures().clone();
    assert_eq!(figures.last_remote.as_deref(), Some("NetStream.Publish.Denied"));
    world.ok(Request::EnableOutput(output, true));
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 4 }));
    world.take();
    world.ok(Request::Disconnect(input));
    world.pass(10_000);
    assert_eq!(world.told(), ["input.suspended", "output.stopped", "input.ended"]);
}

#[test]
fn an_output_is_changed_and_keeps_its_connection() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    world.live(input);
    let (output, other) = (world.output(input, "a"), world.output(input, "b"));
    world.take();
    let mut config = world.plane.output(output).unwrap().config.clone();
    (config.name, config.max_delay_ms) = ("c".into(), 200);
    world.ok(Request::UpdateOutput(output, config.clone()));
    assert_eq!(world.take(), [], "nothing is done about a name");
    assert_eq!(world.plane.output(output).unwrap().config, &config);
    config.enabled = false;
    world.ok(Request::UpdateOutput(output, config.clone()));
    assert!(world.take().contains(&Action::OutputClose { output, attempt: 1 }));
    let taken = world.step(Request::UpdateOutput(other, config.clone()));
    assert_eq!(taken, Err("name is taken".into()));
    config.max_delay_ms = 99;
    let wrong = world.step(Request::UpdateOutput(output, config));
    assert_eq!(wrong, Err("max_delay_ms: must be 100 to 60000".into()));
}

#[test]
fn c18_outputs_come_and_go_while_live_and_the_51st_is_refused() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    world.live(input);
    for n in 0..50 {
        world.output(input, &n.to_string());
    }
    let target = world.plane.outputs().next().unwrap().config.target.clone();
    let refused = world.step(Request::CreateOutputs(input, vec![OutputConfig::new("x", target)]));
    assert_eq!(refused, Err("no more than 50 outputs".into()));
    let first = world.plane.input(input).unwrap().outputs[0];
    world.take();
    world.ok(Request::EnableOutput(first, false));
    world.ok(Request::EnableOutput(first, true));
    let actions = world.take();
    assert!(actions.contains(&Action::OutputClose { output: first, attempt: 1 }));
    assert!(
        !actions.iter().any(|it| matches!(it, Action::OutputConnect { .. })),
        "not while the first closes"
    );
    world.ok(Fact::Output(first, OutputEvent::Closed { attempt: 1 }));
    assert_eq!(world.take(), [Action::OutputConnect { output: first, attempt: 2 }]);
    world.ok(Fact::Output(first, OutputEvent::Published { attempt: 2 }));
    assert!(
        world.take().contains(&Action::OutputFeed { output: first, attempt: 2 }),
        "from a keyframe on"
    );
    world.ok(Request::DeleteOutput(first));
    assert_eq!(world.plane.outputs().count(), 49);
}

#[test]
fn s20_c4_no_secret_is_in_snapshots_journals_actions_or_debug() {
    let mut world = World::listening();
    let mut config = recorded("cam");
    config.pull = None;
    let input = world.input(config);
    world.ok(Request::CreateHook(HookConfig::new("https://hooks.example/", HookFormat::Native)));
    world.output(input, "yt");
    let session = world.live(input);
    let _ = world.publish_as("live", "canary-wrong-key-0000", HOME);
    let number = world.plane.input(input).unwrap().number;
    let _ = world.publish_as("in", &format!("{number}?canary-wrong-token"), HOME);
    world.gone(session, Loss::Closed);
    world.pass(60_000);
    let mut secrets: Vec<String> =
        world.keys.iter().map(|(_, it)| it.reveal().to_owned()).collect();
    assert_eq!(secrets.len(), 4, "publish, play, output, hook");
    secrets.extend(["canary-wrong-key-0000".into(), "canary-wrong-token".into()]);
    let shown = [
        serde_json::to_string(&world.plane.snapshot()).unwrap(),
        serde_json::to_string(&world.journal).unwrap(),
        format!("{:?}", world.plane),
        format!("{:?}", world.keys),
    ];
    for secret in &secrets {
        assert!(shown.iter().all(|it| !it.contains(secret)), "{secret}");
    }
}

#[test]
fn c10_deleting_an_input_keeps_its_recordings() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let output = world.output(input, "yt");
    let session = world.live(input);
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    world.take();
    world.ok(Request::DeleteInput(input));
    let actions = world.take();
    assert!(actions.contains(&Action::CloseSession { session, reason: Loss::Deleted }));
    assert!(actions.contains(&Action::OutputClose { output, attempt: 1 }));
    assert!(actions.contains(&Action::Keys(KeyChange::Forget(KeyRef::Publish(input)))));
    assert!(world.keys.secret(KeyRef::Publish(input)).is_none());
    assert!(world.plane.input(input).is_none() && world.plane.output(output).is_none());
    let recording = world.plane.recordings().next().unwrap();
    assert_eq!(
        (recording.state(), recording.facts().input_name.as_str()),
        (RecordingState::Pending, "cam")
    );
    let id = recording.facts().id;
    world.ok(Fact::RecordingReady(id));
    // API-08: whatever else comes is late.
    world.ok(Fact::Gone { session, reason: Loss::Closed });
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    assert_eq!(world.step(Request::DeleteInput(input)), Err("no such input".into()));
    assert_eq!(world.step(Request::EnableOutput(output, true)), Err("no such output".into()));
}

#[test]
fn c28_t28_recordings_go_after_their_days_and_kept_clips_stay() {
    let mut world = World::listening();
    let mut config = recorded("cam");
    config.recording.delete_after_days = Some(1);
    let input = world.input(config);
    let session = world.live(input);
    let id = world.plane.recordings().next().unwrap().facts().id;
    let media = RecordedMedia { duration_ms: 60_000, ..RecordedMedia::default() };
    world.ok(Fact::Recorded(id, media));
    let order =
        |keep| ClipOrder { start_ms: 0, duration_ms: 1_000, keep, expires_after_s: Some(14_400) };
    let Reply::Clip(kept) = world.ok(Request::CreateClip(id, order(true))) else { panic!() };
    let Reply::Clip(short) = world.ok(Request::CreateClip(id, order(false))) else { panic!() };
    world.gone(session, Loss::Unpublished);
    world.pass(10_000);
    world.ok(Fact::RecordingReady(id));
    world.take();
    world.pass(14_390_000 - 1);
    assert!(world.plane.clip(short).is_some());
    world.pass(1);
    assert_eq!(world.take(), [Action::ClipDelete(short)], "T36: expired");
    world.pass(86_400_000 - 14_390_000 - 1);
    assert!(world.plane.recording(id).is_some());
    world.pass(1);
    assert_eq!(world.take()[0], Action::RecordingDelete(id));
    assert!(world.plane.recording(id).is_none() && world.plane.clip(kept).is_some());
}

#[test]
fn c08_access_is_inherited_when_a_recording_begins() {
    let mut world = World::listening();
    let mut config = recorded("cam");
    config.recording.access.require_signed = true;
    let input = world.input(config.clone());
    world.live(input);
    let id = world.plane.recordings().next().unwrap().facts().id;
    config.recording.access.require_signed = false;
    world.ok(Request::UpdateInput(input, config));
    assert!(!world.plane.access_by_input(input).unwrap().require_signed);
    let (rules, opened_by) = world.plane.access_by_recording(id).unwrap();
    assert_eq!((rules.require_signed, opened_by), (true, Some(input)));
    world.ok(Request::StopRecording(input));
    assert_eq!(world.plane.access_by_recording(id).unwrap_err(), NoPlaylist::NotReady);
    world.ok(Fact::RecordingViewable(id));
    assert_eq!(
        world.plane.access_by_recording(id).unwrap().1,
        None,
        "a finished one has tokens of its own"
    );
}

#[test]
fn k03_k16_an_open_listener_takes_any_name_and_the_same_name_on_two_is_two_streams() {
    let mut world = World::new(PlaneConfig::default());
    let open = |name: &str, port| {
        let mut config = ListenerConfig::new(name, port);
        config.policy = ListenerPolicy::Open;
        Request::CreateListener(config)
    };
    let [a, b] = [("a", 1935), ("b", 1936)].map(|(name, port)| {
        let Reply::Listener(id) = world.ok(open(name, port)) else { panic!() };
        world.ok(Fact::Bound(id));
        id
    });
    world.listener = Some(a);
    let first = world.publish_as("live", "show", HOME).unwrap();
    world.listener = Some(b);
    let second = world.publish_as("live", "show", HOME).unwrap();
    let input_of = |world: &World, session| world.plane.session(session).unwrap().0;
    assert_ne!(input_of(&world, first), input_of(&world, second));
    assert!(world.publish_as("live", "show", HOME).is_err(), "it is taken");
    world.media(first);
    world.media(second);
    let claim = world.plane.claim(b, Use::Play, "live", "show", &world.keys);
    let Reply::Playing { input, .. } = world.ok(Fact::Play { listener: b, claim, address: HOME })
    else {
        panic!()
    };
    assert_eq!(input, input_of(&world, second));
    world.take();
    world.gone(second, Loss::Closed);
    assert!(world.plane.input(input).is_none(), "it goes with its publisher");
    let told = world.told();
    assert_eq!(told, ["input.ended", "input.deleted"]);
    assert_eq!(world.plane.inputs().count(), 1);
}

#[test]
fn an_allow_list_takes_its_names_and_addresses_only() {
    let mut world = World::new(PlaneConfig::default());
    let mut config = ListenerConfig::new("a", 1935);
    config.policy = ListenerPolicy::AllowList { names: vec!["show".into()], addresses: vec![HOME] };
    let Reply::Listener(id) = world.ok(Request::CreateListener(config)) else { panic!() };
    world.ok(Fact::Bound(id));
    world.listener = Some(id);
    assert!(world.publish_as("live", "other", HOME).is_err());
    assert!(world.publish_as("live", "show", [192, 0, 2, 2].into()).is_err());
    assert_eq!(world.plane.inputs().count(), 0);
    assert!(world.publish_as("live", "show", HOME).is_ok());
}

#[test]
fn k04_k08_to_k15_names_and_ports_are_unique_while_they_are_used() {
    let mut world = World::new(PlaneConfig::default());
    let create = |world: &mut World, name: &str, port, active| {
        let mut config = ListenerConfig::new(name, port);
        config.active = active;
        world.step(Request::CreateListener(config))
    };
    let Ok(Reply::Listener(a)) = create(&mut world, "a", 1935, true) else { panic!() };
    world.ok(Fact::Bound(a));
    assert_eq!(create(&mut world, "a", 1936, true), Err("name is taken".into()));
    assert_eq!(create(&mut world, "b", 1935, true), Err("port is taken".into()));
    let Ok(Reply::Listener(b)) = create(&mut world, "b", 1935, false) else {
        panic!("inactive ones may share")
    };
    assert_eq!(world.step(Request::StartListener(b)), Err("port is taken".into()));
    assert_eq!(world.plane.port_owner(1935), Some(a));
    world.take();
    world.ok(Request::StopListener(a));
    world.ok(Request::StopListener(a));
    assert_eq!(world.take(), [Action::CloseConnections(a)]);
    world.pass(1_000);
    assert_eq!(world.plane.port_owner(1935), None);
    world.ok(Request::StartListener(b));
    world.ok(Request::StartListener(b));
    world.ok(Fact::Bound(b));
    // K19: a change to a port that one of ours has fails at once, and nothing changes.
    let Ok(Reply::Listener(c)) = create(&mut world, "c", 1937, true) else { panic!() };
    world.ok(Fact::Bound(c));
    let before = world.plane.clone();
    let taken = world.step(Request::UpdateListener(c, ListenerConfig::new("c", 1935)));
    assert_eq!((taken, &world.plane), (Err("port is taken".into()), &before));
    // And to one that another process has, once that is known.
    world.ok(Request::UpdateListener(c, ListenerConfig::new("c", 2000)));
    world.ok(Fact::BindFailed(c));
    let view = world.plane.listener(c).unwrap();
    assert_eq!((view.machine.config().port, view.machine.bind_failed()), (1937, true));
    world.ok(Request::RemoveListener(c));
    assert!(world.plane.listener(c).is_none());
    assert!(create(&mut world, "c", 1937, true).is_ok(), "name and port are free again");
}

#[test]
fn k11_k12_a_stopped_listener_drops_its_publishers() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let session = world.live(input);
    let listener = world.listener.unwrap();
    world.take();
    world.ok(Request::StopListener(listener));
    assert_eq!(world.plane.session(session), None);
    assert_eq!(
        world.plane.input(input).unwrap().machine.last_loss().map(|it| it.0),
        Some(Loss::ListenerStopped)
    );
    let claim = world.plane.claim(
        listener,
        Use::Publish,
        "live",
        &world.key(KeyRef::Publish(input)),
        &world.keys,
    );
    let refused = world.step(Fact::Publish { listener, claim, address: HOME, template: None });
    assert_eq!(refused, Err("this listener is closing".into()));
}

#[test]
fn a_key_is_a_key_on_an_open_listener_too_and_a_name_there_is_made_as_the_driver_says() {
    let mut world = World::new(PlaneConfig::default());
    let mut config = ListenerConfig::new("a", 1935);
    config.policy = ListenerPolicy::Open;
    let Reply::Listener(listener) = world.ok(Request::CreateListener(config)) else { panic!() };
    world.ok(Fact::Bound(listener));
    world.listener = Some(listener);
    let input = world.input(plain("cam"));
    let session = world.publish(input).unwrap();
    assert_eq!(world.plane.session(session).unwrap().0, input);
    let claim = world.plane.claim(listener, Use::Publish, "live", "cam", &world.keys);
    let template = Some(recorded("template"));
    let reply = world.ok(Fact::Publish { listener, claim, address: HOME, template });
    let Reply::Publishing { input: made, .. } = reply else { panic!() };
    let made = world.plane.input(made).unwrap();
    assert!(made.ephemeral);
    assert_eq!(made.config.name, "cam");
    assert_eq!(made.config.recording, recorded("template").recording);
}

#[test]
fn t07_t09_shows_open_and_close_for_their_audience() {
    let mut world = World::listening();
    let inputs = [world.input(plain("a")), world.input(recorded("b"))];
    let mut config = ShowConfig::default();
    config.name = "gala".into();
    config.inputs = inputs.to_vec();
    config.replay_after_finish = true;
    let Reply::Show(show) = world.ok(Request::CreateShow(config)) else { panic!() };
    assert!(matches!(world.plane.playback(show), Some(Playback::Message(ShowStatus::Pending, _))));
    world.live(inputs[1]);
    assert!(matches!(world.plane.playback(show), Some(Playback::Message(ShowStatus::Pending, _))));
    world.take();
    world.ok(Request::SetShow(show, ShowStatus::Live));
    world.ok(Request::SetShow(show, ShowStatus::Live));
    assert_eq!(world.told(), ["show.changed"]);
    assert_eq!(world.plane.playback(show), Some(Playback::Live(inputs[1])));
    world.live(inputs[0]);
    assert_eq!(world.plane.playback(show), Some(Playback::Live(inputs[0])), "the first live one");
    world.ok(Request::SetShow(show, ShowStatus::Finished));
    let recording = world.plane.recordings().next().unwrap().facts().id;
    assert_eq!(
        world.plane.playback(show),
        Some(Playback::Replay(Some(recording), Some(inputs[0])))
    );
    world.ok(Request::DeleteInput(inputs[0]));
    assert_eq!(world.plane.show(show).unwrap().config.inputs, [inputs[1]]);
    world.ok(Request::DeleteShow(show));
    assert!(world.plane.show(show).is_none());
}

#[test]
fn t06_whk_05_hooks_get_what_they_asked_for_in_order() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let mut config = HookConfig::new("https://hooks.example/in", HookFormat::Native);
    config.events = vec!["input.live".into(), "output.".into()];
    let Reply::Hook(hook) = world.ok(Request::CreateHook(config)) else { panic!() };
    assert!(world.keys.secret(KeyRef::Hook(hook)).is_some());
    world.take();
    world.live(input);
    let output = world.output(input, "yt");
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    let posts = |world: &mut World| {
        let posts = world.take().into_iter().filter_map(|it| match it {
            Action::HookPost { delivery, attempt, body, .. } => {
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                Some((delivery, attempt, body["type"].as_str().unwrap().to_owned()))
            }
            _ => None,
        });
        posts.collect::<Vec<_>>()
    };
    assert_eq!(posts(&mut world), [(1, 1, "input.live".into())]);
    let answer = HookAnswer::Status { status: 200, retry_after: None };
    world.ok(Fact::Delivered { hook, delivery: 1, attempt: 1, answer });
    assert_eq!(posts(&mut world), [(2, 1, "output.started".into())]);
    // A restart in between: what was in flight is sent again, as the same attempt.
    let snapshot = serde_json::to_string(&world.plane.snapshot()).unwrap();
    world.plane = Plane::restore(serde_json::from_str(&snapshot).unwrap(), at(world.ms));
    world.ok(Fact::Restarted);
    assert!(posts(&mut world).contains(&(2, 1, "output.started".into())));
}

#[test]
fn whk_09_a_restart_shows_live_sessions_as_suspended_and_ends_them_once() {
    let mut world = World::listening();
    let input = world.input(recorded("cam"));
    let output = world.output(input, "yt");
    let session = world.live(input);
    world.ok(Fact::Output(output, OutputEvent::Published { attempt: 1 }));
    world.pass(5_000);
    let snapshot = serde_json::to_string(&world.plane.snapshot()).unwrap();
    // Another process, with another clock, 3 s later on the calendar.
    let (unix_ms, mono) =
        (world::START + world.ms as i64 + 3_000, std::time::Duration::from_millis(77));
    let now = Now { mono, unix_ms };
    let mut plane = Plane::restore(serde_json::from_str(&snapshot).unwrap(), now);
    let (_, entry) = record(&mut plane, now, Fact::Restarted, &mut world.dice);
    let told: Vec<_> = entry
        .actions
        .iter()
        .filter_map(|it| match it {
            Action::Notice(notice) => Some(notice.kind.name()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["input.suspended"]);
    assert!(
        entry.actions.iter().any(|it| matches!(it, Action::Bind { port: 1935, .. })),
        "and it listens again"
    );
    let view = plane.input(input).unwrap();
    assert!(matches!(view.machine.phase(), Phase::Suspended { .. }));
    assert_eq!(plane.session(session), None);
    assert_eq!(
        plane.next_deadline().map(|it| it.as_millis()),
        Some(77 + 10_000),
        "the window begins now"
    );
    let later = Now { mono: mono + std::time::Duration::from_secs(10), unix_ms: unix_ms + 10_000 };
    let (_, entry) = record(&mut plane, later, Step::Tick, &mut world.dice);
    let ended = entry.actions.iter().filter(|it| matches!(it, Action::EndPlaylist(_))).count();
    assert_eq!(ended, 1);
}

#[test]
fn schedules_survive_a_restart_by_the_calendar() {
    let mut world = World::listening();
    let mut config = recorded("cam");
    config.recording.delete_after_days = Some(2);
    let input = world.input(config);
    let session = world.live(input);
    world.gone(session, Loss::Unpublished);
    world.pass(10_000);
    let id = world.plane.recordings().next().unwrap().facts().id;
    world.ok(Fact::RecordingReady(id));
    let due = world.plane.recording(id).unwrap().facts().scheduled_deletion.unwrap();
    let day_later = Now { mono: std::time::Duration::ZERO, unix_ms: due - 86_400_000 };
    let mut plane = Plane::restore(world.plane.snapshot(), day_later);
    plane
        .tick(Now { mono: std::time::Duration::from_millis(86_400_000 - 1), unix_ms: due - 1 })
        .unwrap();
    assert!(plane.recording(id).is_some());
    plane.tick(Now { mono: std::time::Duration::from_millis(86_400_000), unix_ms: due }).unwrap();
    assert!(plane.recording(id).is_none());
}

#[test]
fn promise_8_the_calendar_may_jump_and_no_duration_does() {
    let mut world = World::listening();
    let input = world.input(plain("cam"));
    let session = world.live(input);
    world.gone(session, Loss::Closed);
    for (mono, jump) in [(1_000, -3_600_000), (5_000, 86_400_000), (9_999, 0)] {
        let mut now = at(mono);
        now.unix_ms += jump;
        world.plane.tick(now).unwrap();
        assert!(matches!(world.state(input), Phase::Suspended { .. }));
    }
    world.plane.tick(at(10_000)).unwrap();
    assert_eq!(world.state(input), Phase::Idle);
    assert_eq!(world.plane.tick(at(9_999)), Err(Error::TimeWentBack));
}

#[test]
fn quota_and_other_limits_say_which() {
    let mut config = PlaneConfig::default();
    (config.limits.active_inputs, config.limits.inputs, config.limits.hooks) = (1, 2, 0);
    let mut world = World::listening_with(config);
    let [a, b] = ["a", "b"].map(|it| world.input(plain(it)));
    assert_eq!(world.step(Request::CreateInput(plain("c"))), Err("no more than 2 inputs".into()));
    let hook = HookConfig::new("https://hooks.example/", HookFormat::Native);
    assert_eq!(world.step(Request::CreateHook(hook)), Err("no more than 0 hooks".into()));
    let session = world.live(a);
    assert_eq!(world.publish(b), Err("too many active inputs".into()));
    world.gone(session, Loss::Unpublished);
    assert!(world.publish(b).is_err(), "a suspended one counts");
    world.pass(10_000);
    assert!(world.publish(b).is_ok());
}

#[test]
fn a_full_queue_of_actions_refuses_and_loses_nothing() {
    let mut config = PlaneConfig::default();
    config.limits.actions = 4;
    let mut plane = Plane::new(config);
    let mut dice = world::Dice::new(1);
    let mut create = |plane: &mut Plane, n: usize| {
        plane.handle(at(0), Request::CreateInput(plain(&n.to_string())), &mut dice)
    };
    assert!(create(&mut plane, 1).is_ok() && create(&mut plane, 2).is_ok());
    assert_eq!(create(&mut plane, 3), Err(Error::Full));
    assert_eq!(plane.waiting(), 4);
    while plane.poll().is_some() {}
    assert!(create(&mut plane, 3).is_ok());
}

#[test]
fn api_09_cli_07_a_plane_checks_targets_itself() {
    let mut config = PlaneConfig::default();
    let mut open = TargetRules::default();
    open.private_allowed = true;
    config.targets = TargetRules::default();
    let mut world = World::new(config);
    let input = world.input(plain("cam"));
    let (target, _) = Target::parse("rtmp://127.0.0.1/app", Some("k"), &open).unwrap();
    let refused = world.step(Request::CreateOutputs(input, vec![OutputConfig::new("x", target)]));
    assert_eq!(refused, Err("url: this target is not allowed".into()));
    let mut pulls = plain("pull");
    pulls.pull = Some(parse_pull_list("rtmp://10.0.0.1/a/b", &open).unwrap());
    assert_eq!(
        world.step(Request::CreateInput(pulls)),
        Err("pull.urls: this target is not allowed".into())
    );
    let hook = HookConfig::new("http://169.254.169.254/latest", HookFormat::Native);
    assert_eq!(
        world.step(Request::CreateHook(hook)),
        Err("url: this target is not allowed".into())
    );
}
