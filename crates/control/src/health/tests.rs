use super::*;
use crate::tests::{at, drain, tell};
use crate::{Profile, ProfileKind};

fn health(policy: Policy) -> Health {
    let mut health = Health::new(policy, false);
    tell(
        &mut health,
        0,
        Observation::Video {
            codec: VideoCodec::H264,
            dimensions: (640, 360),
            fps_milli: Some(25_000),
        },
    );
    tell(&mut health, 0, Observation::Audio { codec: AudioCodec::Aac, rate: 48_000, channels: 2 });
    health
}

/// Keyframes of this interval for a minute, with positions in between.
fn gops(policy: Policy, interval: u64, start: GopStart) -> Health {
    let mut health = health(policy);
    for position_ms in (0..=60_000).step_by(200) {
        if position_ms % interval == 0 {
            tell(&mut health, position_ms, Observation::Keyframe { position_ms, start });
        }
        tell(&mut health, position_ms, Observation::Position { position_ms });
    }
    health
}

fn codes(health: &Health) -> Vec<&'static str> {
    health.issues().iter().map(|it| it.code.as_str()).collect()
}

#[test]
fn c12_gops_of_50_and_300_frames_are_flagged_and_100_and_250_are_clean() {
    let policy = || Profile::of(ProfileKind::LiveInputs).policy;
    for (frames, issue) in
        [(50, Some("gop_too_short")), (100, None), (250, None), (300, Some("gop_too_long"))]
    {
        let found = gops(policy(), frames * 40, GopStart::Closed);
        assert_eq!(codes(&found).first().copied(), issue, "{frames} frames");
    }
    // 100 ms to either side are forgiven, and not one more.
    for (interval, ok) in [(3_800, false), (4_000, true), (10_000, true), (10_200, false)] {
        assert_eq!(codes(&gops(policy(), interval, GopStart::Closed)).is_empty(), ok, "{interval}");
    }
    let at_edge = |interval| {
        let mut health = health(policy());
        tell(&mut health, 0, Observation::Keyframe { position_ms: 0, start: GopStart::Closed });
        tell(
            &mut health,
            1,
            Observation::Keyframe { position_ms: interval, start: GopStart::Closed },
        );
        codes(&health).is_empty()
    };
    assert_eq!([3_899, 3_900, 10_100, 10_101].map(at_edge), [false, true, true, false]);
}

#[test]
fn c12_a_gop_that_is_too_long_is_told_when_the_limit_passes_and_once() {
    let mut health = health(Policy::default());
    tell(&mut health, 0, Observation::Keyframe { position_ms: 0, start: GopStart::Closed });
    assert_eq!(tell(&mut health, 10_100, Observation::Position { position_ms: 10_100 }), []);
    let seen = tell(&mut health, 10_101, Observation::Position { position_ms: 10_101 });
    let message = "Keyframe interval 10.1 s is above the limit of 10.0 s".into();
    assert_eq!(seen, [HealthAction::Errored { code: IssueCode::GopTooLong, message }]);
    assert_eq!(tell(&mut health, 12_000, Observation::Position { position_ms: 12_000 }), []);
    let issue = &health.issues()[0];
    assert_eq!(
        (issue.count, issue.measured, issue.limit, issue.first_ms),
        (1, 12_000, 10_000, 10_101)
    );
    // The next such GOP counts, without another event.
    tell(
        &mut health,
        12_000,
        Observation::Keyframe { position_ms: 12_000, start: GopStart::Closed },
    );
    assert_eq!(tell(&mut health, 23_000, Observation::Position { position_ms: 23_000 }), []);
    assert_eq!(health.issues()[0].count, 2);
}

#[test]
fn the_last_gop_is_not_judged() {
    let mut health = health(Policy::live_inputs());
    tell(&mut health, 0, Observation::Keyframe { position_ms: 0, start: GopStart::Closed });
    tell(&mut health, 1_000, Observation::End);
    tell(&mut health, 2_000, Observation::Keyframe { position_ms: 1_000, start: GopStart::Closed });
    assert_eq!(codes(&health), Vec::<&str>::new());
}

#[test]
fn a_break_between_publishers_is_no_gop() {
    let mut health = health(Policy::default());
    tell(&mut health, 0, Observation::Keyframe { position_ms: 0, start: GopStart::Closed });
    tell(&mut health, 2_000, Observation::Keyframe { position_ms: 2_000, start: GopStart::Closed });
    tell(&mut health, 3_000, Observation::End);
    tell(&mut health, 30_000, Observation::Position { position_ms: 30_000 });
    tell(
        &mut health,
        30_000,
        Observation::Keyframe { position_ms: 30_000, start: GopStart::Closed },
    );
    tell(
        &mut health,
        32_000,
        Observation::Keyframe { position_ms: 32_000, start: GopStart::Closed },
    );
    assert_eq!(codes(&health), Vec::<&str>::new());
    assert_eq!(health.figures().gops.max_ms, 2_000);
}

#[test]
fn a_keyframe_that_never_comes_is_missed() {
    let mut health = health(Policy::default());
    tell(&mut health, 0, Observation::Position { position_ms: 500 });
    tell(&mut health, 1, Observation::Position { position_ms: 10_601 });
    assert_eq!(codes(&health), ["no_keyframe"]);
}

#[test]
fn c13_open_gops_are_an_error_or_a_warning_by_profile() {
    let severity = |policy| {
        gops(policy, 4_000, GopStart::Open).issues().first().map(|it| (it.code, it.severity))
    };
    assert_eq!(severity(Policy::live_inputs()), Some((IssueCode::GopOpen, Severity::Error)));
    assert_eq!(severity(Policy::default()), Some((IssueCode::GopOpen, Severity::Warning)));
    assert_eq!(codes(&gops(Policy::live_inputs(), 4_000, GopStart::Closed)), Vec::<&str>::new());
}

#[test]
fn g02_c14_a_codec_that_cannot_be_packaged_is_named_at_once() {
    let mut health = Health::new(Policy::live_inputs(), false);
    let seen = tell(
        &mut health,
        0,
        Observation::Video { codec: VideoCodec::Other, dimensions: (1, 1), fps_milli: None },
    );
    let message = "Video codec is not supported".into();
    assert_eq!(seen, [HealthAction::Errored { code: IssueCode::VideoCodecUnsupported, message }]);
    assert!(!health.can_be_packaged());
    tell(&mut health, 0, Observation::Audio { codec: AudioCodec::Mp3, rate: 44_100, channels: 2 });
    assert_eq!(codes(&health), ["video_codec_unsupported", "audio_codec_unsupported"]);
    let compat = health.issues().iter().map(|it| it.code.live_inputs_code()).collect::<Vec<_>>();
    assert_eq!(compat, [Some("ERR_UNSUPPORTED_VIDEO_CODEC"), Some("ERR_UNSUPPORTED_AUDIO_CODEC")]);
}

#[test]
fn g02_with_reject_the_publisher_is_told_why() {
    let policy = Policy { on_violation: OnViolation::Reject, ..Policy::live_inputs() };
    let mut health = Health::new(policy.clone(), false);
    let seen = tell(
        &mut health,
        0,
        Observation::Video { codec: VideoCodec::Other, dimensions: (1, 1), fps_milli: None },
    );
    assert_eq!(seen[1], HealthAction::Reject(Refusal::CodecUnsupported));
    let mut health = self::health(policy);
    tell(&mut health, 0, Observation::Keyframe { position_ms: 0, start: GopStart::Closed });
    let seen =
        tell(&mut health, 0, Observation::Keyframe { position_ms: 1_000, start: GopStart::Closed });
    assert_eq!(seen[1], HealthAction::Reject(Refusal::GopOutOfRange));
}

#[test]
fn irregular_keyframes_are_a_warning() {
    let mut health = health(Policy::default());
    for (n, position_ms) in [0, 2000, 4000, 5500, 8000, 9500, 12_500].into_iter().enumerate() {
        tell(&mut health, n as u64, Observation::Keyframe { position_ms, start: GopStart::Closed });
    }
    assert_eq!(codes(&health), ["gop_irregular"]);
    assert_eq!(codes(&gops(Policy::default(), 2_000, GopStart::Closed)), Vec::<&str>::new());
}

fn second() -> Second {
    Second {
        media_ms: 1000,
        upload_ms: 300,
        video_frames: 25,
        video_bytes: 400_000,
        audio_frames: 47,
        audio_bytes: 16_000,
        av_skew_ms: 10,
        max_gap_ms: 40,
    }
}

#[test]
fn a_second_is_judged_at_its_limits() {
    let check = |second: Second| {
        let mut health = health(Policy::default());
        tell(&mut health, 1_000, Observation::Second(self::second()));
        tell(&mut health, 2_000, Observation::Second(second));
        codes(&health)
    };
    let none = Vec::<&str>::new();
    let base = second();
    assert_eq!(check(base), none);
    assert_eq!(check(Second { av_skew_ms: 200, ..base }), none);
    assert_eq!(check(Second { av_skew_ms: 201, ..base }), ["av_skew"]);
    assert_eq!(check(Second { upload_ms: 899, ..base }), none);
    assert_eq!(check(Second { upload_ms: 900, ..base }), ["upload_slow"]);
    assert_eq!(check(Second { video_bytes: 234_000, ..base }), none, "2 Mbit/s with the sound");
    assert_eq!(check(Second { video_bytes: 233_999, ..base }), ["bitrate_low"]);
    assert_eq!(check(Second { video_bytes: 816_000, ..base }), none, "twice the rate");
    assert_eq!(check(Second { video_bytes: 817_000, ..base }), ["bitrate_unstable"]);
    assert_eq!(check(Second { video_frames: 23, ..base }), none);
    assert_eq!(check(Second { video_frames: 22, ..base }), ["fps_mismatch"]);
    assert_eq!(check(Second { video_frames: 19, ..base }), ["fps_mismatch", "fps_unstable"]);
    let mut slow = health(Policy::default());
    tell(&mut slow, 0, Observation::Second(Second { upload_ms: 1000, ..base }));
    assert_eq!(slow.issues()[0].severity, Severity::Error);
    let mut high = health(Policy::default());
    tell(&mut high, 0, Observation::Second(Second { video_bytes: 1_734_001, ..base }));
    assert_eq!(codes(&high), ["bitrate_high"]);
}

#[test]
fn five_seconds_without_sound_or_pictures_are_told() {
    let mut health = health(Policy::default());
    let silent = Second { audio_frames: 0, audio_bytes: 0, ..second() };
    for n in 1..5 {
        tell(&mut health, n * 1000, Observation::Second(silent));
    }
    assert_eq!(codes(&health), Vec::<&str>::new());
    tell(&mut health, 5_000, Observation::Second(silent));
    assert_eq!(codes(&health), ["no_audio"]);
}

#[test]
fn an_issue_is_active_for_a_minute() {
    let mut health = health(Policy::default());
    assert_eq!(health.grade(at(0)), Grade::Good);
    tell(&mut health, 1_000, Observation::ParametersChanged);
    assert_eq!(
        (health.grade(at(1_000)), health.grade(at(60_999))),
        (Grade::Warning, Grade::Warning)
    );
    assert_eq!(health.grade(at(61_000)), Grade::Good);
    tell(&mut health, 70_000, Observation::StorageFull);
    assert_eq!((health.grade(at(129_999)), health.grade(at(130_000))), (Grade::Bad, Grade::Good));
    assert_eq!(health.issues().len(), 2, "the report keeps them");
}

#[test]
fn timestamps_that_were_put_right_are_warnings() {
    let mut health = health(Policy::default());
    for correction in
        [crate::Correction::Backward, crate::Correction::Jump, crate::Correction::Reset]
    {
        tell(&mut health, 0, Observation::Timestamp(correction));
    }
    tell(&mut health, 0, Observation::Stalled);
    assert_eq!(codes(&health), ["ts_backward", "ts_jump", "ts_reset", "ts_stalled"]);
    let counts = health.figures().corrections;
    assert_eq!((counts.backward, counts.jumps, counts.resets), (1, 1, 1));
}

#[test]
fn c29_b_frames_are_a_warning_with_low_latency_only() {
    let warns = |policy, low_latency| {
        let mut health = Health::new(policy, low_latency);
        tell(&mut health, 0, Observation::BFrames);
        drain(&mut health);
        codes(&health) == ["b_frames_with_low_latency"]
    };
    assert!(!warns(Policy::default(), false));
    assert!(warns(Policy::default(), true));
    assert!(warns(Policy::low_latency(), false));
}
