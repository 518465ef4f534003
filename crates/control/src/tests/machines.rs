//! Every rule of time: at the boundary, one step before it and one after.

use alloc::vec::Vec;

use super::{Dice, at, drain, pass, tell};
use crate::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn session(n: u8) -> SessionId {
    SessionId::from_bytes([n; 8])
}

/// An input with a publisher in each slot that is named, live since 0.
fn live(profile: &Profile, slots: &[Slot]) -> Input {
    let mut input = Input::new(profile);
    for slot in slots {
        let session = session(*slot as u8);
        tell(&mut input, 0, InputEvent::Publish { session, slot: *slot });
        tell(&mut input, 0, InputEvent::Media { session });
    }
    input
}

const PRIMARY: SessionId = SessionId::from_bytes([0; 8]);
const BACKUP: SessionId = SessionId::from_bytes([1; 8]);

/// Keeps publishers from being idle while time passes in steps.
fn feed(input: &mut Input, from: u64, to: u64, sessions: &[SessionId]) -> Vec<InputAction> {
    let mut actions = Vec::new();
    for ms in (from..=to).step_by(1000) {
        for session in sessions {
            actions.extend(tell(input, ms, InputEvent::Bytes { session: *session }));
        }
    }
    actions
}

// The input.

#[test]
fn c05_a_publisher_may_stay_away_for_ten_seconds_and_not_a_step_longer() {
    for (back, resumed) in [(9_999, true), (10_000, false), (10_001, false)] {
        let mut input = live(&Profile::default(), &[Slot::Primary]);
        let lost = InputEvent::Lost { session: PRIMARY, reason: Loss::Closed };
        let until = at(10_000).mono;
        assert_eq!(
            tell(&mut input, 0, lost),
            [InputAction::Suspended { reason: Loss::Closed, until }]
        );
        let new = session(9);
        let mut seen =
            tell(&mut input, back, InputEvent::Publish { session: new, slot: Slot::Primary });
        seen.extend(tell(&mut input, back, InputEvent::Media { session: new }));
        let resumes = seen.contains(&InputAction::Resumed { missing_ms: back });
        let ends = seen.contains(&InputAction::Ended { reason: Loss::Closed });
        assert_eq!((resumes, ends), (resumed, !resumed), "{back}");
    }
}

#[test]
fn c05_a_publisher_without_a_keyframe_at_the_end_of_the_window_begins_anew() {
    let mut input = live(&Profile::default(), &[Slot::Primary]);
    tell(&mut input, 0, InputEvent::Lost { session: PRIMARY, reason: Loss::Closed });
    let new = session(9);
    assert_eq!(
        tell(&mut input, 9_000, InputEvent::Publish { session: new, slot: Slot::Primary }),
        []
    );
    let ended = InputAction::Ended { reason: Loss::Closed };
    assert_eq!(pass(&mut input, 10_000), [ended, InputAction::Connected]);
    assert_eq!(input.phase(), Phase::Connecting);
    let used = InputAction::Use { session: new, slot: Slot::Primary };
    assert_eq!(
        tell(&mut input, 10_100, InputEvent::Media { session: new }),
        [used, InputAction::Live { slot: Slot::Primary }]
    );
}

#[test]
fn g21_a_silent_publisher_is_dropped_at_the_limit() {
    for (kind, limit) in [(ProfileKind::Default, 10_000), (ProfileKind::Streams, 3_000)] {
        let mut input = live(&Profile::of(kind), &[Slot::Primary]);
        assert_eq!(pass(&mut input, limit - 1), []);
        let close = InputAction::Close { session: PRIMARY, reason: Loss::Idle };
        assert_eq!(pass(&mut input, limit).first(), Some(&close));
        let mut input = live(&Profile::of(kind), &[Slot::Primary]);
        tell(&mut input, limit - 1, InputEvent::Bytes { session: PRIMARY });
        assert_eq!(pass(&mut input, limit), [], "a byte one step before the limit");
        assert_eq!(pass(&mut input, 2 * limit - 2), []);
        assert_eq!(pass(&mut input, 2 * limit - 1).first(), Some(&close));
    }
}

#[test]
fn bytes_that_cannot_be_played_do_not_count_as_media() {
    let mut input = Input::new(&Profile::default());
    let connected =
        tell(&mut input, 0, InputEvent::Publish { session: PRIMARY, slot: Slot::Primary });
    assert_eq!(connected, [InputAction::Connected]);
    assert_eq!(feed(&mut input, 1_000, 9_000, &[PRIMARY]), []);
    assert_eq!(pass(&mut input, 9_999), []);
    let close = InputAction::Close { session: PRIMARY, reason: Loss::NoMedia };
    assert_eq!(pass(&mut input, 10_000), [close, InputAction::Errored { reason: Loss::NoMedia }]);
    assert_eq!((input.phase(), input.word()), (Phase::Idle, Some(Word::FailedToConnect)));
}

#[test]
fn g19_a_second_publisher_takes_over_from_a_silent_one_only() {
    for (silent, taken) in [(2_999, false), (3_000, true), (3_001, true)] {
        let mut input = live(&Profile::default(), &[Slot::Primary]);
        let before = input.clone();
        let result = input
            .handle(at(silent), InputEvent::Publish { session: session(9), slot: Slot::Primary });
        if taken {
            let close = InputAction::Close { session: PRIMARY, reason: Loss::Replaced };
            assert_eq!(drain(&mut input).first(), Some(&close), "{silent}");
            assert_eq!(input.publisher(Slot::Primary), Some(session(9)));
        } else {
            assert_eq!(result, Err(Error::Refused(Refusal::AlreadyPublishing)), "{silent}");
            assert_eq!(input, before, "a refusal changes nothing");
        }
    }
    // Surface B never lets go.
    let mut input = live(&Profile::of(ProfileKind::Streams), &[Slot::Primary]);
    tell(&mut input, 0, InputEvent::Bytes { session: PRIMARY });
    let refused = input.admits(at(2_999), Slot::Primary);
    assert_eq!(refused, Err(Refusal::AlreadyPublishing));
}

#[test]
fn g04_the_backup_is_used_three_seconds_after_the_primary_is_lost() {
    let mut input = live(&Profile::default(), &[Slot::Primary, Slot::Backup]);
    let lost = InputEvent::Lost { session: PRIMARY, reason: Loss::Closed };
    assert_eq!(tell(&mut input, 0, lost), []);
    assert_eq!(pass(&mut input, 2_999), []);
    assert_eq!(
        pass(&mut input, 3_000),
        [
            InputAction::Use { session: BACKUP, slot: Slot::Backup },
            InputAction::Switched { slot: Slot::Backup, missing_ms: 3_000 },
        ]
    );
    assert_eq!(input.phase(), Phase::Live { slot: Slot::Backup });
}

#[test]
fn a_primary_that_is_back_before_the_hold_ends_goes_on() {
    let mut input = live(&Profile::default(), &[Slot::Primary, Slot::Backup]);
    tell(&mut input, 0, InputEvent::Lost { session: PRIMARY, reason: Loss::Closed });
    let new = session(9);
    tell(&mut input, 1_000, InputEvent::Publish { session: new, slot: Slot::Primary });
    // Lost and back once more: the hold is not put off.
    tell(&mut input, 2_000, InputEvent::Lost { session: new, reason: Loss::Closed });
    tell(&mut input, 2_100, InputEvent::Publish { session: session(8), slot: Slot::Primary });
    let used = InputAction::Use { session: session(8), slot: Slot::Primary };
    assert_eq!(tell(&mut input, 2_999, InputEvent::Media { session: session(8) }), [used]);
    assert_eq!(pass(&mut input, 3_001), []);
    assert_eq!(input.phase(), Phase::Live { slot: Slot::Primary });
}

#[test]
fn g05_the_primary_is_used_again_after_sixty_seconds_without_a_break() {
    let returns = |drop_at: Option<u64>, keyframe_at: u64| {
        let mut input = live(&Profile::default(), &[Slot::Backup]);
        tell(&mut input, 0, InputEvent::Publish { session: PRIMARY, slot: Slot::Primary });
        tell(&mut input, 0, InputEvent::Media { session: PRIMARY });
        let mut primary = PRIMARY;
        for ms in (0..keyframe_at).step_by(1000) {
            tell(&mut input, ms, InputEvent::Bytes { session: BACKUP });
            tell(&mut input, ms, InputEvent::Keyframe { session: primary });
            if drop_at == Some(ms) {
                tell(&mut input, ms, InputEvent::Lost { session: primary, reason: Loss::Closed });
                primary = session(9);
                tell(&mut input, ms, InputEvent::Publish { session: primary, slot: Slot::Primary });
                tell(&mut input, ms, InputEvent::Media { session: primary });
            }
        }
        tell(&mut input, keyframe_at, InputEvent::Keyframe { session: primary });
        input.phase() == Phase::Live { slot: Slot::Primary }
    };
    assert!(!returns(None, 59_900));
    assert!(!returns(None, 59_999));
    assert!(returns(None, 60_000));
    assert!(returns(None, 60_001));
    assert!(!returns(Some(59_000), 60_000), "a drop at 59 s begins again");
    assert!(!returns(Some(59_000), 118_999));
    assert!(returns(Some(59_000), 119_000));
}

#[test]
fn a_backup_that_is_lost_while_used_is_left_at_once() {
    let mut input = live(&Profile::default(), &[Slot::Backup, Slot::Primary]);
    assert_eq!(input.phase(), Phase::Live { slot: Slot::Backup }, "used at once when it is alone");
    let lost = InputEvent::Lost { session: BACKUP, reason: Loss::Closed };
    assert_eq!(
        tell(&mut input, 500, lost),
        [
            InputAction::Use { session: PRIMARY, slot: Slot::Primary },
            InputAction::Switched { slot: Slot::Primary, missing_ms: 0 },
        ]
    );
}

#[test]
fn both_publishers_lost_is_a_suspension() {
    let mut input = live(&Profile::default(), &[Slot::Primary, Slot::Backup]);
    tell(&mut input, 0, InputEvent::Lost { session: PRIMARY, reason: Loss::Closed });
    let seen = tell(&mut input, 1_000, InputEvent::Lost { session: BACKUP, reason: Loss::Idle });
    let until = at(11_000).mono;
    assert_eq!(seen, [InputAction::Suspended { reason: Loss::Closed, until }]);
}

#[test]
fn c35_the_words_of_surface_a() {
    let mut input = Input::new(&Profile::of(ProfileKind::LiveInputs));
    let mut words = Vec::from([input.word()]);
    let mut step = |input: &mut Input, ms, event| {
        tell(input, ms, event);
        words.push(input.word());
    };
    let publish = |n| InputEvent::Publish { session: session(n), slot: Slot::Primary };
    let media = |n| InputEvent::Media { session: session(n) };
    let lost = |n, reason| InputEvent::Lost { session: session(n), reason };
    step(&mut input, 0, publish(1));
    step(&mut input, 0, media(1));
    step(&mut input, 1_000, InputEvent::Changed);
    step(&mut input, 1_000, lost(1, Loss::Closed));
    step(&mut input, 2_000, publish(2));
    step(&mut input, 2_000, media(2));
    step(&mut input, 3_000, lost(2, Loss::Unpublished));
    step(&mut input, 13_000, InputEvent::Enable); // the window is over
    step(&mut input, 14_000, publish(3));
    step(&mut input, 14_000, media(3));
    step(&mut input, 15_000, lost(3, Loss::Closed));
    step(&mut input, 25_000, InputEvent::Enable);
    step(&mut input, 26_000, publish(4));
    step(&mut input, 27_000, lost(4, Loss::Closed));
    step(&mut input, 28_000, publish(5));
    step(&mut input, 28_000, media(5));
    step(&mut input, 29_000, InputEvent::TtlExceeded);
    step(&mut input, 30_000, InputEvent::End(Loss::Disconnected));
    let words: Vec<_> = words.into_iter().map(|it| it.map_or("null", Word::as_str)).collect();
    assert_eq!(
        words,
        [
            "null",
            "null",
            "connected",
            "new_configuration_accepted",
            "reconnecting",
            "reconnecting",
            "reconnected",
            "reconnecting",
            "client_disconnect",
            "client_disconnect",
            "connected",
            "reconnecting",
            "failed_to_reconnect",
            "failed_to_reconnect",
            "failed_to_connect",
            "failed_to_connect",
            "connected",
            "ttl_exceeded",
            "ttl_exceeded",
        ]
    );
}

#[test]
fn c26_a_disabled_input_ends_at_once_and_takes_nobody() {
    let mut input = live(&Profile::default(), &[Slot::Primary]);
    assert_eq!(
        tell(&mut input, 1_000, InputEvent::Disable),
        [
            InputAction::Close { session: PRIMARY, reason: Loss::Disabled },
            InputAction::Ended { reason: Loss::Disabled },
        ]
    );
    assert_eq!(input.admits(at(1_000), Slot::Primary), Err(Refusal::Disabled));
    tell(&mut input, 2_000, InputEvent::Enable);
    assert_eq!(input.admits(at(2_000), Slot::Primary), Ok(None));
}

#[test]
fn an_orderly_stop_may_end_at_once_and_a_window_of_zero_always_does() {
    let ends = |profile: &Profile, reason| {
        let mut input = live(profile, &[Slot::Primary]);
        tell(&mut input, 1, InputEvent::Lost { session: PRIMARY, reason });
        input.phase() == Phase::Idle
    };
    let at_once = Profile { end_on_unpublish: true, ..Profile::default() };
    assert!(!ends(&Profile::default(), Loss::Unpublished));
    assert!(ends(&at_once, Loss::Unpublished));
    assert!(!ends(&at_once, Loss::Closed));
    assert!(ends(&Profile::of(ProfileKind::Servers), Loss::Closed));
}

// The pull.

fn pull(rules: PullRules, urls: usize) -> Pull {
    let mut pull = Pull::new(rules, urls);
    tell(&mut pull, 0, PullEvent::Start);
    pull
}

fn fail(pull: &mut Pull, ms: u64) {
    let attempt = pull.attempt();
    tell(pull, ms, PullEvent::Failed { attempt, why: PullFailure::Connect });
}

/// When attempts happen if all of them fail at once.
fn attempts(pull: &mut Pull, count: usize) -> Vec<u64> {
    let mut times = Vec::new();
    let mut now = 0;
    for _ in 0..count {
        fail(pull, now);
        let next = pull.retry_at().unwrap();
        now = u64::try_from(next.as_millis()).unwrap();
        assert_eq!(pass(pull, now - 1), [], "one step before {now}");
        let seen = pass(pull, now);
        assert!(matches!(seen[..], [PullAction::Connect { .. }]), "at {now}: {seen:?}");
        times.push(now / 1000);
    }
    times
}

#[test]
fn g15_attempts_at_10_40_100_400_1000_and_1600_seconds() {
    let mut source = pull(PullRules::default(), 1);
    assert_eq!(attempts(&mut source, 7), [10, 40, 100, 400, 1000, 1600, 2200]);
    assert_eq!(attempts(&mut pull(PullRules::fast(), 1), 4), [3, 6, 9, 12]);
}

#[test]
fn g15_a_keyframe_begins_the_ladder_again() {
    let mut source = pull(PullRules::default(), 1);
    attempts(&mut source, 3);
    let attempt = source.attempt();
    tell(&mut source, 100_500, PullEvent::Video { attempt, key: false });
    fail(&mut source, 101_000);
    assert_eq!(
        source.state(),
        PullState::Waiting { until: at(401_000).mono },
        "no keyframe, no reset"
    );
    pass(&mut source, 401_000);
    let attempt = source.attempt();
    tell(&mut source, 401_000, PullEvent::Video { attempt, key: true });
    fail(&mut source, 402_000);
    assert_eq!(source.state(), PullState::Waiting { until: at(412_000).mono });
}

#[test]
fn g13_urls_in_turn() {
    let order = |rules: PullRules, count| {
        let mut source = Pull::new(rules, 3);
        let mut seen = tell(&mut source, 0, PullEvent::Start);
        let mut now = 0;
        for _ in 0..count {
            fail(&mut source, now);
            if let Some(at) = source.retry_at() {
                now = u64::try_from(at.as_millis()).unwrap();
                seen.extend(pass(&mut source, now));
            } else {
                seen.push(PullAction::Connect { attempt: source.attempt(), url: source.url() });
            }
        }
        let url = |it: &PullAction| match it {
            PullAction::Connect { url, .. } => Some((*url + 1, now)),
            _ => None,
        };
        seen.iter().filter_map(url).map(|(url, _)| url).collect::<Vec<_>>()
    };
    assert_eq!(order(PullRules::default(), 3), [1, 2, 3, 1]);
    let rounds = PullRules { by_rounds: true, ..PullRules::default() };
    assert_eq!(order(rounds.clone(), 3), [1, 2, 3, 1]);
    // By rounds, the three come at once and the wait after them.
    let mut source = pull(rounds, 3);
    fail(&mut source, 0);
    fail(&mut source, 0);
    assert_eq!((source.attempt(), source.state()), (3, PullState::Connecting));
    fail(&mut source, 0);
    assert_eq!(source.state(), PullState::Waiting { until: at(10_000).mono });
}

#[test]
fn g14_thirty_seconds_without_video_and_audio_counts_as_none() {
    let close = |attempt| PullAction::Close { attempt };
    let mut source = pull(PullRules::default(), 1);
    tell(&mut source, 0, PullEvent::Connected { attempt: 1 });
    assert_eq!(pass(&mut source, 29_900), []);
    assert_eq!(pass(&mut source, 29_999), []);
    let seen = pass(&mut source, 30_000);
    assert_eq!(
        seen,
        [close(1), PullAction::Lost { attempt: 1, url: 0, why: PullFailure::NoVideo }]
    );

    let mut source = pull(PullRules::default(), 1);
    tell(&mut source, 29_999, PullEvent::Video { attempt: 1, key: false });
    assert_eq!(pass(&mut source, 30_000), []);
    assert_eq!(pass(&mut source, 59_998), []);
    assert_eq!(pass(&mut source, 59_999).first(), Some(&close(1)));

    let mut source = pull(PullRules::fast(), 1);
    assert_eq!(pass(&mut source, 2_999), []);
    assert_eq!(pass(&mut source, 3_000).first(), Some(&close(1)));
}

#[test]
fn g16_a_day_without_data_switches_it_off_and_only_a_start_on_again() {
    let until = |rules: PullRules, day: u64, video_at: Option<u64>| {
        let mut source = pull(rules, 1);
        if let Some(ms) = video_at {
            // It may have failed before, but this attempt is the one at hand.
            let attempt = source.attempt();
            tell(&mut source, ms, PullEvent::Video { attempt, key: true });
        }
        let begin = video_at.unwrap_or(0);
        let mut deactivated = None;
        while let Some(next) = source.next_deadline() {
            let ms = u64::try_from(next.as_millis()).unwrap();
            let seen = pass(&mut source, ms);
            if seen.contains(&PullAction::Deactivated) {
                deactivated = Some(ms);
            }
            assert!(ms <= begin + day);
        }
        assert_eq!(source.state(), PullState::Deactivated);
        fail(&mut source, begin + day + 1);
        assert_eq!(source.state(), PullState::Deactivated, "a late result is ignored");
        let begin_again = tell(&mut source, begin + day + 2, PullEvent::Start);
        assert!(matches!(begin_again[..], [PullAction::Connect { url: 0, .. }]));
        deactivated.unwrap() - begin
    };
    assert_eq!(until(PullRules::default(), DAY, None), DAY);
    assert_eq!(until(PullRules::default(), DAY, Some(20_000)), DAY);
    assert_eq!(until(PullRules::fast(), 2 * HOUR, None), 2 * HOUR);
    // One step before.
    let mut source = pull(PullRules::default(), 1);
    source.tick(at(DAY - 1));
    assert_ne!(source.state(), PullState::Deactivated);
    source.tick(at(DAY));
    assert_eq!(source.state(), PullState::Deactivated);
}

#[test]
fn g17_any_http_status_but_200_is_a_failure() {
    let mut source = pull(PullRules::default(), 1);
    tell(&mut source, 0, PullEvent::Connected { attempt: 1 });
    let why = PullFailure::Http(404);
    let seen = tell(&mut source, 5_000, PullEvent::Failed { attempt: 1, why });
    assert_eq!(seen, [PullAction::Lost { attempt: 1, url: 0, why }]);
    assert_eq!(source.state(), PullState::Waiting { until: at(15_000).mono });
    assert_eq!(tell(&mut source, 6_000, PullEvent::Failed { attempt: 1, why }), [], "told once");
}

#[test]
fn other_urls_begin_anew_and_a_running_attempt_ends() {
    let mut source = pull(PullRules::default(), 2);
    attempts(&mut source, 3);
    let seen = tell(&mut source, 120_000, PullEvent::SetUrls(3));
    assert_eq!(
        seen,
        [PullAction::Close { attempt: 4 }, PullAction::Connect { attempt: 5, url: 0 }]
    );
    fail(&mut source, 120_000);
    assert_eq!(
        source.state(),
        PullState::Waiting { until: at(130_000).mono },
        "and from the first wait"
    );
}

// The output.

fn output() -> Output {
    let mut output = Output::new(OutputRules::default(), 7);
    tell(&mut output, 0, OutputEvent::Enable);
    tell(&mut output, 0, OutputEvent::Source(Source::Live));
    output
}

fn live_output() -> Output {
    let mut output = output();
    tell(&mut output, 0, OutputEvent::Published { attempt: 1 });
    output
}

fn lost(attempt: u64, why: OutputError) -> OutputEvent {
    OutputEvent::Lost { attempt, why, remote: None }
}

fn moved(attempt: u64, sent: u64) -> OutputEvent {
    OutputEvent::Progress { attempt, progress: Progress { sent, ..Progress::default() } }
}

fn millis_of(at: core::time::Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap()
}

#[test]
fn cli_08_waits_of_1_2_4_8_16_and_30_seconds_with_a_fifth_of_jitter() {
    let mut waits: Vec<Vec<u64>> = Vec::new();
    for seed in 0..50 {
        let mut output = Output::new(OutputRules::default(), seed);
        tell(&mut output, 0, OutputEvent::Enable);
        tell(&mut output, 0, OutputEvent::Source(Source::Live));
        let (mut now, mut row) = (0, Vec::new());
        for _ in 0..8 {
            let attempt = output.attempt();
            tell(&mut output, now, lost(attempt, OutputError::ConnectRefused));
            let OutputState::Backoff { until } = output.state() else {
                panic!("{:?}", output.state())
            };
            row.push(millis_of(until) - now);
            now = millis_of(until);
            assert_eq!(pass(&mut output, now - 1), []);
            assert_eq!(pass(&mut output, now), [OutputAction::Connect { attempt: attempt + 1 }]);
        }
        waits.push(row);
    }
    for (step, seconds) in [1, 2, 4, 8, 16, 30, 30, 30].into_iter().enumerate() {
        let all: Vec<u64> = waits.iter().map(|row| row[step]).collect();
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*least >= seconds * 800 && *most <= seconds * 1200, "{seconds}: {least} to {most}");
        assert!(most - least > seconds * 200, "they are spread: {least} to {most}");
    }
}

#[test]
fn c4_a_minute_live_begins_the_waits_again() {
    let wait_after = |live_for: u64| {
        let mut output = output();
        let mut now = 0;
        for _ in 0..4 {
            let attempt = output.attempt();
            tell(&mut output, now, lost(attempt, OutputError::ConnectRefused));
            now = millis_of(output.next_deadline().unwrap());
            pass(&mut output, now);
        }
        let attempt = output.attempt();
        tell(&mut output, now, OutputEvent::Published { attempt });
        for (n, ms) in (0..=live_for).step_by(1000).chain([live_for]).enumerate() {
            tell(&mut output, now + ms, moved(attempt, n as u64 + 1));
        }
        now += live_for;
        tell(&mut output, now, lost(attempt, OutputError::RemoteClosed));
        millis_of(output.next_deadline().unwrap()) - now
    };
    assert!(wait_after(59_999) >= 12_800);
    assert!(wait_after(60_000) <= 1_200);
}

#[test]
fn c4_a_target_that_takes_nothing_for_ten_seconds_has_stalled() {
    let mut output = live_output();
    tell(&mut output, 5_000, moved(1, 1000));
    tell(&mut output, 14_000, moved(1, 1000));
    assert_eq!(pass(&mut output, 14_999), []);
    let seen = pass(&mut output, 15_000);
    assert_eq!(seen[0], OutputAction::Abort { attempt: 1 });
    assert!(matches!(seen[1], OutputAction::Retrying { why: OutputError::Stalled, .. }));
}

#[test]
fn c4_a_target_that_stops_acknowledging_has_stalled_after_three_windows() {
    let told = |sent, acknowledged| OutputEvent::Progress {
        attempt: 1,
        progress: Progress { sent, acknowledged, window: 1000, ..Progress::default() },
    };
    let mut output = live_output();
    tell(&mut output, 1_000, told(1500, 1000));
    assert_eq!(tell(&mut output, 2_000, told(4499, 1000)), []);
    let seen = tell(&mut output, 3_000, told(4500, 1000));
    assert_eq!(seen.first(), Some(&OutputAction::Abort { attempt: 1 }));
    // S11: one that never acknowledged anything stays.
    let mut output = live_output();
    assert_eq!(tell(&mut output, 1_000, told(1_000_000, 0)), []);
    assert_eq!(output.state(), OutputState::Live);
}

#[test]
fn connecting_takes_ten_seconds_at_each_step() {
    let mut output = output();
    assert_eq!(pass(&mut output, 9_999), []);
    tell(&mut output, 9_999, OutputEvent::Resolved { attempt: 1 });
    tell(&mut output, 19_998, OutputEvent::Connected { attempt: 1 });
    assert_eq!(pass(&mut output, 29_997), []);
    let seen = pass(&mut output, 29_998);
    assert_eq!(seen[0], OutputAction::Abort { attempt: 1 });
    assert!(matches!(seen[1], OutputAction::Retrying { why: OutputError::ConnectTimeout, .. }));
}

#[test]
fn s10_three_refusals_in_a_row_fail_once_and_for_good() {
    let mut output = output();
    let mut seen = Vec::new();
    let mut now = 0;
    for _ in 0..3 {
        let attempt = output.attempt();
        seen.extend(tell(&mut output, now, lost(attempt, OutputError::PublishRejected)));
        now = output.next_deadline().map_or(now, millis_of);
        seen.extend(pass(&mut output, now));
    }
    let failed = OutputAction::Failed { why: OutputError::PublishRejected };
    assert_eq!(seen.iter().filter(|it| **it == failed).count(), 1);
    assert_eq!((output.state(), output.next_deadline()), (OutputState::Failed, None));
    assert_eq!(tell(&mut output, now, OutputEvent::Source(Source::Live)), []);
    let again = tell(&mut output, now, OutputEvent::Enable);
    assert_eq!(again, [OutputAction::Connect { attempt: 4 }]);
    // Another failure in between begins the count again.
    for why in [OutputError::PublishRejected, OutputError::Tls, OutputError::PublishRejected] {
        let attempt = output.attempt();
        tell(&mut output, now, lost(attempt, why));
        now = millis_of(output.next_deadline().unwrap());
        pass(&mut output, now);
    }
    assert_ne!(output.state(), OutputState::Failed);
    let attempt = output.attempt();
    tell(&mut output, now, lost(attempt, OutputError::TargetForbidden));
    assert_eq!(output.state(), OutputState::Failed, "a forbidden target is not tried again");
}

#[test]
fn s03_a_bad_certificate_is_called_tls() {
    let mut output = output();
    tell(&mut output, 100, lost(1, OutputError::Tls));
    assert_eq!(output.figures().last_error.map(OutputError::code), Some("tls"));
}

#[test]
fn s06_a_stop_says_farewell_for_two_seconds_and_never_two_connections_are_open() {
    let mut output = live_output();
    assert_eq!(
        tell(&mut output, 100, OutputEvent::Stop),
        [OutputAction::Close { attempt: 1 }, OutputAction::Stopped]
    );
    assert_eq!(tell(&mut output, 200, OutputEvent::Enable), [], "the first is still closing");
    assert_eq!(pass(&mut output, 2_099), []);
    assert_eq!(
        pass(&mut output, 2_100),
        [OutputAction::Abort { attempt: 1 }, OutputAction::Connect { attempt: 2 }]
    );
    // And if the farewell was heard, at once.
    tell(&mut output, 3_000, OutputEvent::Stop);
    tell(&mut output, 3_000, OutputEvent::Enable);
    assert_eq!(
        tell(&mut output, 3_001, OutputEvent::Closed { attempt: 2 }),
        [OutputAction::Connect { attempt: 3 }]
    );
    assert_eq!(
        tell(&mut output, 3_002, OutputEvent::Published { attempt: 2 }),
        [],
        "a late result is ignored"
    );
}

#[test]
fn c3_a_suspended_input_keeps_its_connections() {
    let mut output = live_output();
    assert_eq!(tell(&mut output, 1_000, OutputEvent::Source(Source::Suspended)), []);
    assert_eq!(pass(&mut output, 60_000), [], "nothing to send is no stall");
    assert_eq!(tell(&mut output, 60_000, OutputEvent::Source(Source::Live)), []);
    assert_eq!(pass(&mut output, 69_999), []);
    assert!(!pass(&mut output, 70_000).is_empty(), "but then it is");
    let mut output = live_output();
    tell(&mut output, 1_000, OutputEvent::Source(Source::Suspended));
    let ended = tell(&mut output, 11_000, OutputEvent::Source(Source::Off));
    assert_eq!(ended, [OutputAction::Close { attempt: 1 }, OutputAction::Stopped]);
}

#[test]
fn cli_04_a_slow_target_drops_video_up_to_the_next_keyframe() {
    let told = |queue_ms| OutputEvent::Progress {
        attempt: 1,
        progress: Progress { sent: queue_ms, queue_ms, ..Progress::default() },
    };
    let mut output = live_output();
    assert_eq!(tell(&mut output, 1_000, told(5_000)), []);
    assert_eq!(
        tell(&mut output, 2_000, told(5_001)),
        [OutputAction::DropToKeyframe { attempt: 1 }]
    );
}

#[test]
fn t35_an_output_gives_up_after_an_hour_without_a_source() {
    let rules = OutputRules {
        give_up: Some(core::time::Duration::from_secs(3600)),
        ..OutputRules::default()
    };
    let mut output = Output::new(rules, 1);
    tell(&mut output, 0, OutputEvent::Enable);
    assert_eq!(pass(&mut output, HOUR - 1), []);
    assert_eq!(output.state(), OutputState::Waiting);
    pass(&mut output, HOUR);
    assert_eq!(output.state(), OutputState::Stopped);
    // A source in between begins the hour again.
    tell(&mut output, HOUR, OutputEvent::Enable);
    tell(&mut output, HOUR + 1, OutputEvent::Source(Source::Live));
    tell(&mut output, 2 * HOUR - 1, OutputEvent::Source(Source::Off));
    pass(&mut output, 3 * HOUR - 2);
    assert_eq!(output.state(), OutputState::Waiting);
    pass(&mut output, 3 * HOUR - 1);
    assert_eq!(output.state(), OutputState::Stopped);
}

#[test]
fn s09_figures_count_bytes_and_rates() {
    let mut output = live_output();
    for second in 1..=20 {
        tell(&mut output, second * 1000, moved(1, second * 125_000));
    }
    let figures = output.figures();
    assert_eq!(
        (figures.bytes_sent, figures.connects, figures.bitrate),
        (2_500_000, 1, (1_000_000, 1_000_000))
    );
    assert_eq!(figures.unacknowledged(), 2_500_000);
}

// Recorder and recording.

fn recorder(mode: RecordingMode, kind: ProfileKind) -> Recorder {
    Recorder::new(mode, Profile::of(kind).recording)
}

fn id(n: u8) -> RecordingId {
    RecordingId::from_bytes([n; 16])
}

#[test]
fn t30_a_part_is_cut_at_the_first_keyframe_at_or_after_four_hours() {
    let mut it = recorder(RecordingMode::Automatic, ProfileKind::Streams);
    tell(&mut it, 0, RecorderEvent::Live);
    let keyframe = |position_ms, n| RecorderEvent::Keyframe { position_ms, fresh: id(n) };
    let first = RecorderAction::Begin { recording: id(1), continues: None };
    assert_eq!(tell(&mut it, 0, keyframe(500, 1)), [first]);
    assert!(!it.begins_at(500 + 4 * HOUR - 1));
    assert_eq!(tell(&mut it, 4 * HOUR, keyframe(500 + 4 * HOUR - 1, 2)), []);
    assert!(it.begins_at(500 + 4 * HOUR));
    assert_eq!(
        tell(&mut it, 4 * HOUR, keyframe(500 + 4 * HOUR, 3)),
        [
            RecorderAction::Finish { recording: id(1), truncated: false },
            RecorderAction::Begin { recording: id(3), continues: Some(id(1)) },
        ]
    );
}

#[test]
fn c17_a_recording_ends_after_seven_days_truncated_and_live_goes_on() {
    let mut it = recorder(RecordingMode::Automatic, ProfileKind::LiveInputs);
    tell(&mut it, 0, RecorderEvent::Live);
    tell(&mut it, 1_000, RecorderEvent::Keyframe { position_ms: 0, fresh: id(1) });
    assert_eq!(pass(&mut it, 7 * DAY + 999), []);
    assert_eq!(
        pass(&mut it, 7 * DAY + 1_000),
        [
            RecorderAction::Finish { recording: id(1), truncated: true },
            RecorderAction::LimitReached
        ]
    );
    let later = RecorderEvent::Keyframe { position_ms: 9, fresh: id(2) };
    assert_eq!(tell(&mut it, 7 * DAY + 2_000, later), [], "once a broadcast");
    tell(&mut it, 8 * DAY, RecorderEvent::Ended);
    tell(&mut it, 8 * DAY, RecorderEvent::Live);
    assert_eq!(tell(&mut it, 8 * DAY, later).len(), 1, "and again in the next");
}

#[test]
fn t10_t26_manual_recordings_start_once_and_stop_once() {
    let mut it = recorder(RecordingMode::Manual, ProfileKind::Default);
    assert_eq!(it.handle(at(0), RecorderEvent::Start), Err(Error::NotLive));
    tell(&mut it, 0, RecorderEvent::Live);
    assert_eq!(it.state(), RecorderState::None, "nobody started it");
    let mut begun = Vec::new();
    for n in 1..=2 {
        tell(&mut it, 1, RecorderEvent::Start);
        tell(&mut it, 2, RecorderEvent::Start);
        begun.extend(tell(&mut it, 3, RecorderEvent::Keyframe { position_ms: 3, fresh: id(n) }));
        assert_eq!(tell(&mut it, 4, RecorderEvent::Start), []);
        begun.extend(tell(&mut it, 5, RecorderEvent::Stop));
        assert_eq!(tell(&mut it, 6, RecorderEvent::Stop), []);
    }
    assert_eq!(
        begun,
        [
            RecorderAction::Begin { recording: id(1), continues: None },
            RecorderAction::Finish { recording: id(1), truncated: false },
            RecorderAction::Begin { recording: id(2), continues: None },
            RecorderAction::Finish { recording: id(2), truncated: false },
        ]
    );
}

#[test]
fn c03_c04_modes_decide_what_is_recorded() {
    for (mode, records) in [
        (RecordingMode::Automatic, true),
        (RecordingMode::Off, false),
        (RecordingMode::Manual, false),
    ] {
        let mut it = recorder(mode, ProfileKind::Default);
        tell(&mut it, 0, RecorderEvent::Live);
        assert_eq!(it.begins_at(0), records, "{mode:?}");
    }
    // Switching on waits for the next broadcast, switching off ends what runs.
    let mut it = recorder(RecordingMode::Off, ProfileKind::Default);
    tell(&mut it, 0, RecorderEvent::Live);
    tell(&mut it, 1, RecorderEvent::SetMode(RecordingMode::Automatic));
    tell(&mut it, 1, RecorderEvent::Live);
    assert!(!it.begins_at(1));
    tell(&mut it, 2, RecorderEvent::Ended);
    tell(&mut it, 3, RecorderEvent::Live);
    tell(&mut it, 3, RecorderEvent::Keyframe { position_ms: 0, fresh: id(1) });
    let off = tell(&mut it, 4, RecorderEvent::SetMode(RecordingMode::Off));
    assert_eq!(off, [RecorderAction::Finish { recording: id(1), truncated: false }]);
}

fn recording(days: Option<u16>) -> Recording {
    let facts = RecordingFacts::new(at(0), id(1), InputId::from_bytes([2; 16]), "cam".into());
    Recording::new(RecordingFacts { delete_after_days: days, ..facts }, 2)
}

#[test]
fn t18_a_recording_enters_each_state_once_and_in_order() {
    let mut it = recording(None);
    let entered = |it: Vec<RecordingAction>| {
        it.into_iter()
            .map(|it| match it {
                RecordingAction::Entered(state) => state.as_str(),
                RecordingAction::Delete => "delete",
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        entered(tell(&mut it, 0, RecordingEvent::Ready)),
        Vec::<&str>::new(),
        "not before it ended"
    );
    assert_eq!(
        entered(tell(&mut it, 5_000, RecordingEvent::Finish { truncated: false })),
        ["pending"]
    );
    assert_eq!(it.facts().name.as_deref(), Some("Stream Record: cam, 2026-01-01 00:00:05 +0000"));
    assert_eq!(
        entered(tell(&mut it, 6_000, RecordingEvent::Finish { truncated: false })),
        Vec::<&str>::new()
    );
    assert_eq!(entered(tell(&mut it, 7_000, RecordingEvent::Ready)), ["viewable", "ready"]);
    assert_eq!(entered(tell(&mut it, 8_000, RecordingEvent::Viewable)), Vec::<&str>::new());
    assert_eq!(
        entered(tell(&mut it, 8_000, RecordingEvent::Failed(RecordingError::Io))),
        Vec::<&str>::new()
    );
}

#[test]
fn c28_a_recording_is_deleted_days_after_it_was_ready() {
    let mut it = recording(Some(30));
    tell(&mut it, 0, RecordingEvent::Finish { truncated: false });
    assert_eq!(it.next_deadline(), None);
    tell(&mut it, 1_000, RecordingEvent::Ready);
    assert_eq!(it.facts().scheduled_deletion, Some(at(30 * DAY + 1_000).unix_ms));
    assert_eq!(pass(&mut it, 30 * DAY + 999), []);
    assert_eq!(pass(&mut it, 30 * DAY + 1_000), [RecordingAction::Delete]);
}

#[test]
fn gaps_are_kept_up_to_their_limit_and_then_added_up() {
    let mut it = recording(None);
    for n in 1..=4 {
        let gap = RecordingGap { at_ms: n, missing_ms: 10, reason: Loss::Closed };
        tell(&mut it, n, RecordingEvent::Gap(gap));
    }
    let gaps: Vec<_> = it.facts().gaps.iter().map(|it| (it.at_ms, it.missing_ms)).collect();
    assert_eq!(gaps, [(1, 10), (2, 30)]);
}

// The listener.

fn listener(port: u16) -> Listener {
    Listener::new(ListenerConfig::new("one", port)).unwrap()
}

fn listening(port: u16) -> Listener {
    let mut it = listener(port);
    tell(&mut it, 0, ListenerEvent::Start);
    tell(&mut it, 0, ListenerEvent::Bound);
    it
}

#[test]
fn k07_ports() {
    for good in ["1", "1935", "65535"] {
        assert!(parse_port(good).is_ok(), "{good}");
    }
    for bad in ["0", "65536", "-1", "1.5", "abc", "", "+1", " 1", "99999999999"] {
        let error = parse_port(bad).unwrap_err();
        assert_eq!(error.field(), Some("port"), "{bad}");
    }
    assert_eq!(ListenerConfig::new("a", 0).check().unwrap_err().field(), Some("port"));
    for (name, ok) in
        [("", false), ("a", true), (&"é".repeat(128), true), (&"é".repeat(129), false)]
    {
        assert_eq!(ListenerConfig::new(name, 1).check().is_ok(), ok, "{name}");
    }
    for (buffer_s, ok) in [(0, false), (1, true), (3600, true), (3601, false)] {
        assert_eq!(ListenerConfig { buffer_s, ..ListenerConfig::new("a", 1) }.check().is_ok(), ok);
    }
}

#[test]
fn k09_k12_a_stopped_listener_gives_its_port_up_within_a_second() {
    let mut it = listening(1935);
    assert_eq!(tell(&mut it, 0, ListenerEvent::Stop), [ListenerAction::CloseConnections]);
    assert_eq!(tell(&mut it, 1, ListenerEvent::Stop), [], "again is fine");
    assert_eq!(pass(&mut it, 899), []);
    let release = ListenerAction::Release { bind: [0, 0, 0, 0].into(), port: 1935 };
    assert_eq!(pass(&mut it, 900), [release.clone(), ListenerAction::Stopped]);
    // At once if all connections are closed.
    let mut it = listening(1935);
    tell(&mut it, 0, ListenerEvent::Stop);
    assert_eq!(tell(&mut it, 10, ListenerEvent::Drained), [release, ListenerAction::Stopped]);
    let bind = tell(&mut it, 11, ListenerEvent::Start);
    assert!(matches!(bind[..], [ListenerAction::Bind { port: 1935, .. }]));
    assert_eq!(tell(&mut it, 12, ListenerEvent::Start), [], "again is fine");
    assert_eq!(tell(&mut it, 13, ListenerEvent::Bound), [ListenerAction::Started]);
    assert_eq!(tell(&mut it, 14, ListenerEvent::Start), []);
}

#[test]
fn k19_a_change_to_a_taken_port_keeps_the_old_one() {
    let mut it = listening(1935);
    let new = ListenerConfig::new("two", 1936);
    let seen = tell(&mut it, 0, ListenerEvent::Update(new.clone()));
    assert!(matches!(seen[..], [ListenerAction::Bind { port: 1936, .. }]), "the new one first");
    assert_eq!(tell(&mut it, 1, ListenerEvent::BindFailed), [ListenerAction::Failed]);
    assert_eq!(
        (it.state(), it.config().port, it.bind_failed()),
        (ListenerState::Listening, 1935, true)
    );
    tell(&mut it, 2, ListenerEvent::Update(new));
    let release = ListenerAction::Release { bind: [0, 0, 0, 0].into(), port: 1935 };
    assert_eq!(
        tell(&mut it, 3, ListenerEvent::Bound),
        [ListenerAction::CloseConnections, release, ListenerAction::Started]
    );
    assert_eq!(
        (it.config().port, it.config().name.as_str(), it.bind_failed()),
        (1936, "two", false)
    );
}

#[test]
fn an_update_that_stops_releases_the_old_port() {
    let mut it = listening(1935);
    let off = ListenerConfig { active: false, ..ListenerConfig::new("one", 2000) };
    let seen = tell(&mut it, 0, ListenerEvent::Update(off));
    assert!(seen.contains(&ListenerAction::Release { bind: [0, 0, 0, 0].into(), port: 1935 }));
    assert_eq!((it.state(), it.config().port), (ListenerState::Stopped, 2000));
}

// The show.

#[test]
fn t07_t09_one_change_per_status_and_none_for_none() {
    let mut it = Show::new(None, Messages::default());
    assert_eq!(tell(&mut it, 0, ShowEvent::Set(ShowStatus::Pending)), []);
    for status in [ShowStatus::Live, ShowStatus::Paused, ShowStatus::Finished, ShowStatus::Pending]
    {
        assert_eq!(tell(&mut it, 0, ShowEvent::Set(status)), [ShowAction::Changed(status)]);
        assert_eq!(tell(&mut it, 0, ShowEvent::Set(status)), []);
        assert_eq!(it.message(), status.message());
    }
}

#[test]
fn t24_a_show_pauses_by_itself_and_goes_on_by_itself() {
    let mut it = Show::new(Some(core::time::Duration::from_secs(30)), Messages::default());
    tell(&mut it, 0, ShowEvent::Source { live: true });
    tell(&mut it, 0, ShowEvent::Set(ShowStatus::Live));
    assert_eq!(it.next_deadline(), None);
    tell(&mut it, 1_000, ShowEvent::Source { live: false });
    assert_eq!(pass(&mut it, 30_999), []);
    assert_eq!(pass(&mut it, 31_000), [ShowAction::Changed(ShowStatus::Paused)]);
    let resumed = tell(&mut it, 60_000, ShowEvent::Source { live: true });
    assert_eq!(resumed, [ShowAction::Changed(ShowStatus::Live)]);
    // What the operator paused stays paused.
    tell(&mut it, 61_000, ShowEvent::Set(ShowStatus::Paused));
    tell(&mut it, 62_000, ShowEvent::Source { live: false });
    assert_eq!(tell(&mut it, 63_000, ShowEvent::Source { live: true }), []);
}

// The hook.

const OK: HookAnswer = HookAnswer::Status { status: 200, retry_after: None };

fn push(hook: &mut Hook, ms: u64, body: &str) -> Vec<HookAction> {
    tell(hook, ms, HookEvent::Push { body: body.into() })
}

fn answer(
    hook: &mut Hook,
    ms: u64,
    (delivery, attempt): (u64, u32),
    answer: HookAnswer,
) -> Vec<HookAction> {
    tell(hook, ms, HookEvent::Answered { delivery, attempt, answer })
}

fn post(delivery: u64, attempt: u32, body: &str) -> HookAction {
    HookAction::Post { delivery, attempt, body: body.into() }
}

#[test]
fn whk_05_deliveries_keep_their_order_and_one_is_in_flight() {
    let mut it = Hook::new(HookRules::default());
    assert_eq!(push(&mut it, 0, "a"), [post(1, 1, "a")]);
    assert_eq!(push(&mut it, 0, "b"), []);
    assert_eq!(answer(&mut it, 1, (1, 1), HookAnswer::Unreachable), []);
    assert_eq!(pass(&mut it, 1_000), []);
    assert_eq!(
        pass(&mut it, 1_001),
        [post(1, 2, "a")],
        "the second attempt, before anything later"
    );
    assert_eq!(answer(&mut it, 1_002, (1, 1), OK), [], "an older attempt has nothing to say");
    assert_eq!(answer(&mut it, 1_002, (1, 2), OK), [post(2, 1, "b")]);
    answer(&mut it, 1_003, (2, 1), OK);
    let log: Vec<_> = it.log().map(|it| (it.delivery, it.attempts, it.success)).collect();
    assert_eq!(log, [(1, 2, true), (2, 1, true)]);
}

#[test]
fn whk_01_the_ladder_of_a_hook_that_never_answers() {
    let mut it = Hook::new(HookRules::default());
    push(&mut it, 0, "a");
    let (mut now, mut waits) = (0, Vec::new());
    while it.waiting() > 0 {
        assert_eq!(pass(&mut it, now + 4_999), [], "5 s to answer");
        now += 5_000;
        assert!(matches!(pass(&mut it, now)[..], [HookAction::Abort { .. }]));
        let Some(next) = it.next_deadline() else { break };
        waits.push((millis_of(next) - now) / 1000);
        assert_eq!(pass(&mut it, millis_of(next) - 1), []);
        now = millis_of(next);
        assert!(matches!(pass(&mut it, now)[..], [HookAction::Post { .. }]));
    }
    assert_eq!(waits, [1, 5, 30, 120, 600, 1800, 3600]);
    let last = it.log().next().unwrap();
    assert_eq!(
        (last.attempts, last.success, last.answer, it.failed()),
        (8, false, HookAnswer::TimedOut, 1)
    );
}

#[test]
fn whk_03_whk_06_redirects_are_failures_and_retry_after_is_capped() {
    let told = |status, seconds| HookAnswer::Status {
        status,
        retry_after: Some(core::time::Duration::from_secs(seconds)),
    };
    let wait = |with| {
        let mut it = Hook::new(HookRules::default());
        push(&mut it, 0, "a");
        answer(&mut it, 0, (1, 1), with);
        it.next_deadline().map(millis_of)
    };
    assert_eq!(wait(HookAnswer::Status { status: 302, retry_after: None }), Some(1_000));
    assert_eq!(wait(HookAnswer::Status { status: 299, retry_after: None }), None);
    assert!((10_000..=11_000).contains(&wait(told(429, 10)).unwrap()));
    assert!((3_600_000..=3_960_000).contains(&wait(told(503, 1_000_000_000)).unwrap()));
    let mut once = Hook::new(HookRules::once());
    push(&mut once, 0, "a");
    answer(&mut once, 0, (1, 1), HookAnswer::Unreachable);
    assert_eq!((once.waiting(), once.failed()), (0, 1), "without retries it is sent once");
}

#[test]
fn whk_05_a_full_queue_drops_the_oldest_and_counts_it() {
    let mut it = Hook::new(HookRules { queue: 3, ..HookRules::default() });
    for body in ["a", "b", "c"] {
        push(&mut it, 0, body);
    }
    assert_eq!((it.waiting(), it.dropped()), (3, 0));
    let seen = push(&mut it, 1, "d");
    assert_eq!(seen, [HookAction::Abort { delivery: 1, attempt: 1 }, post(2, 1, "b")]);
    assert_eq!((it.waiting(), it.dropped()), (3, 1));
    assert_eq!(answer(&mut it, 2, (1, 1), OK), [], "what was dropped has nothing to say");
}

#[test]
fn c21_whk_07_what_is_signed_and_how_the_header_reads() {
    assert_eq!(signed_text(1_767_225_600, "{}"), "1767225600.{}");
    let header = signature_header(1_767_225_600, &[0xab; 32]);
    assert_eq!(header, alloc::format!("time=1767225600,sig1={}", "ab".repeat(32)));
}

// All of them.

#[test]
fn a_machine_left_alone_never_spins() {
    let mut dice = Dice::new(5);
    for _ in 0..200 {
        let mut now = dice.below(100_000);
        let mut output = output();
        let mut source = pull(PullRules { waits: Vec::new(), ..PullRules::default() }, 2);
        for _ in 0..50 {
            now += dice.below(40_000);
            let attempt = output.attempt();
            output.handle(at(now), lost(attempt, OutputError::ConnectRefused)).unwrap();
            let attempt = source.attempt();
            source.handle(at(now), PullEvent::Failed { attempt, why: PullFailure::Dns }).unwrap();
            pass(&mut output, now);
            pass(&mut source, now);
        }
    }
}
