//! Every rule, at its limit and one beyond.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use bytes::Bytes;
use levada_gop::{
    Bounds, Declared, Finding, GopKind, GopPolicy, GopReport, GopValidator, Measure, Rule, Severity,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, Leading, MediaEvent, RandomAccess, Slices, Ticks,
    Timescale, Track, TrackId, VideoCodec, VideoParams,
};
use proptest::prelude::*;

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);
const SECOND: i64 = 1_000_000;

fn video() -> VideoParams {
    let mut params = VideoParams::new(VideoCodec::Avc, Bytes::from_static(&[1]));
    (params.width, params.height, params.profile, params.level) = (1280, 720, 77, 31);
    params.rfc6381 = "avc1.4d401f".into();
    params
}

fn audio() -> AudioParams {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
    params
}

fn track(id: TrackId, params: CodecParams) -> MediaEvent {
    MediaEvent::Track(Track::new(id, Timescale::MILLIS, params))
}

fn frame(id: TrackId, millis: i64, access: RandomAccess, slices: Slices) -> Frame {
    let mut frame = Frame::new(id, Ticks(millis), Bytes::from_static(&[0; 1000]));
    frame.facts.random_access = access;
    frame.facts.slices = slices;
    frame
}

fn key(millis: i64) -> Frame {
    frame(VIDEO, millis, RandomAccess::Instant, Slices::I)
}

fn inter(millis: i64) -> Frame {
    frame(VIDEO, millis, RandomAccess::No, Slices::P)
}

fn sound(millis: i64) -> Frame {
    frame(AUDIO, millis, RandomAccess::Instant, Slices::Unknown)
}

/// What is found in frames of the usual tracks.
fn check(policy: GopPolicy, frames: impl IntoIterator<Item = Frame>) -> (Vec<Finding>, GopReport) {
    let mut validator = GopValidator::new(policy);
    let frames: Vec<Frame> = frames.into_iter().collect();
    let mut found = vec![];
    found.extend_from_slice(validator.observe(&track(VIDEO, CodecParams::Video(video()))));
    if frames.is_empty() || frames.iter().any(|it| it.track == AUDIO) {
        found.extend_from_slice(validator.observe(&track(AUDIO, CodecParams::Audio(audio()))));
    }
    for frame in frames {
        found.extend_from_slice(validator.observe(&MediaEvent::Frame(frame)));
    }
    found.extend_from_slice(validator.finish());
    (found, validator.report())
}

fn rules(found: &[Finding]) -> Vec<Rule> {
    found.iter().map(|it| it.rule).collect()
}

/// 25 frames a second, keys where they are asked for.
fn pictures(count: i64, is_key: impl Fn(i64) -> bool) -> impl Iterator<Item = Frame> {
    (0..count).map(move |index| if is_key(index) { key(index * 40) } else { inter(index * 40) })
}

fn policy(change: impl FnOnce(&mut GopPolicy)) -> GopPolicy {
    let mut policy = GopPolicy::named("test");
    change(&mut policy);
    policy
}

#[test]
fn a_clean_stream_has_no_finding() {
    let mut policies = GopPolicy::all();
    policies.retain(|it| {
        !["twitch", "ivs", "ivs-real-time", "apple-hls", "youtube", "facebook"]
            .contains(&&it.name[..])
    });
    for policy in policies {
        let name = policy.name.clone();
        let step = if name == "cloudflare-low-latency" { 75 } else { 100 };
        let mut frames: Vec<Frame> = pictures(1000, |it| it % step == 0).collect();
        // 10 kB a frame are 2 Mbit/s, and a little more.
        frames.iter_mut().for_each(|it| it.data = vec![0; 12_000].into());
        frames.extend((0..1875).map(|it| sound(it * 64 / 3)));
        frames.sort_by_key(|it| it.dts);
        let (found, report) = check(policy, frames);
        assert_eq!(found, [], "{name}");
        assert!(report.is_accepted());
        assert_eq!(report.kind(), GopKind::Closed);
    }
}

#[test]
fn too_long_is_told_as_soon_as_it_is() {
    let policy = policy(|it| it.interval = Bounds::up_to(10 * SECOND));
    let (found, report) = check(policy, pictures(400, |it| it == 0));
    // The frame that is shown from 10.00 s to 10.04 s is the first beyond, and nothing is told twice.
    let at = |it: &Finding| (it.rule, it.at, it.measured.clone());
    let expected = (Rule::IntervalMax, Ticks(10_000_000), Measure::Time(10_040_000));
    assert_eq!(found.iter().map(at).collect::<Vec<_>>(), [expected]);
    // The verdict knows how long it became.
    assert_eq!(report.verdicts[0].worst, Measure::Time(16_000_000));
    assert!(!report.is_accepted());
}

#[test]
fn intervals_at_their_bounds_and_a_frame_beyond() {
    for (frames, expected) in
        [(49, vec![Rule::IntervalMin]), (50, vec![]), (100, vec![]), (101, vec![Rule::IntervalMax])]
    {
        let policy = policy(|it| it.interval = Bounds::between(2 * SECOND, 4 * SECOND));
        let (found, _) = check(policy, pictures(frames + 1, |it| it % frames == 0));
        assert_eq!(rules(&found), expected, "{frames}");
    }
    // With a tolerance of two frames.
    for (frames, count) in [(47, 1), (48, 0), (102, 0), (103, 1)] {
        let policy = policy(|it| {
            it.interval = Bounds::between(2 * SECOND, 4 * SECOND);
            it.tolerance = 80_000;
        });
        assert_eq!(check(policy, pictures(frames + 1, |it| it % frames == 0)).0.len(), count);
    }
}

#[test]
fn a_keyframe_behind_a_hole_is_late_all_the_same() {
    let policy = policy(|it| it.interval = Bounds::up_to(4 * SECOND));
    let (found, _) = check(policy, [key(0), inter(40), key(5000)]);
    assert_eq!(rules(&found), [Rule::TimeJump, Rule::IntervalMax]);
}

#[test]
fn the_recommended_range_is_a_warning() {
    let policy = policy(|it| {
        it.interval = Bounds::between(2 * SECOND, 10 * SECOND);
        it.preferred = Bounds::between(4 * SECOND, 8 * SECOND);
    });
    let (found, report) = check(policy, pictures(51, |it| it % 50 == 0));
    assert_eq!((found[0].rule, found[0].severity), (Rule::IntervalPreferred, Severity::Warning));
    assert_eq!(found[0].limit, Some(Measure::Time(4 * SECOND)));
    assert!(report.is_accepted());
}

#[test]
fn intervals_that_differ_by_more_than_a_frame() {
    for (last, count) in [(100, 0), (101, 0), (102, 1)] {
        let (found, _) =
            check(GopPolicy::default(), pictures(200, |it| [0, 50, last].contains(&it)));
        assert_eq!(found.len(), count, "{last}");
    }
    let irregular = pictures(1000, |it| it % 50 == 0 || it % 70 == 0);
    let (found, report) = check(GopPolicy::default(), irregular);
    assert_eq!(rules(&found), [Rule::IntervalRegular], "told once");
    assert_eq!(report.verdicts[0].worst, Measure::Time(1_600_000), "and kept up to date");
}

/// What the frames behind a recovery point make of it.
#[test]
fn gops_are_open_when_frames_look_behind() {
    let closed = || policy(|it| it.closed = true);
    let recovery = |millis| frame(VIDEO, millis, RandomAccess::Recovery(0), Slices::I);
    let leading = |millis, leading| {
        let mut frame = frame(VIDEO, millis, RandomAccess::No, Slices::B);
        frame.facts.leading = leading;
        frame
    };
    let shown = |mut frame: Frame, cts| {
        frame.cts = cts;
        frame
    };
    for (behind, kind) in [
        // H.265 says it.
        (vec![leading(80, Leading::Undecodable)], GopKind::Open),
        (
            vec![leading(80, Leading::Decodable), shown(inter(120), 200)],
            GopKind::OpenWithoutLeading,
        ),
        (vec![leading(80, Leading::No)], GopKind::OpenWithoutLeading),
        // H.264 shows it: a frame that is decoded behind and shown before.
        (vec![shown(leading(80, Leading::Unknown), 0)], GopKind::Open),
        (vec![shown(inter(80), 200)], GopKind::OpenWithoutLeading),
        // At the very end nothing comes behind.
        (vec![], GopKind::OpenWithoutLeading),
    ] {
        let mut frames = vec![key(0), shown(recovery(40), 160)];
        frames.extend(behind);
        let (found, report) = check(closed(), frames);
        let found: Vec<_> = found.iter().filter(|it| it.rule == Rule::ClosedGop).collect();
        assert_eq!((found.len(), report.kind()), (1, kind));
        assert_eq!(found[0].measured, Measure::Name(kind.id().into()));
        assert_eq!(found[0].severity, Severity::Error);
    }
    // Where closed GOPs are not asked for, it is no finding.
    let (found, report) =
        check(GopPolicy::default(), [key(0), recovery(40), leading(80, Leading::Undecodable)]);
    assert_eq!((found, report.kind()), (vec![], GopKind::Open));
}

#[test]
fn leading_frames_of_an_idr_frame_leave_it_closed() {
    let mut idr = key(960);
    idr.cts = 200;
    let mut radl = inter(1000);
    radl.facts.leading = Leading::Decodable;
    let (found, report) = check(policy(|it| it.closed = true), [key(0), idr, radl, inter(1200)]);
    assert_eq!((rules(&found), report.kind()), (vec![], GopKind::Closed));
}

#[test]
fn other_points_have_their_kinds() {
    let refresh = frame(VIDEO, 40, RandomAccess::Recovery(8), Slices::P);
    let (found, report) = check(policy(|it| it.closed = true), [key(0), refresh]);
    assert_eq!((rules(&found), report.kind()), (vec![Rule::ClosedGop], GopKind::GradualRefresh));

    let intra = frame(VIDEO, 40, RandomAccess::Intra, Slices::I);
    let (found, report) = check(policy(|it| it.closed = true), [key(0), intra]);
    assert_eq!((rules(&found), report.kind()), (vec![], GopKind::ClosedWithExtraIntra));

    // Nobody has read the headers: the mark is all there is.
    let mut marked = frame(VIDEO, 0, RandomAccess::No, Slices::Unknown);
    marked.facts.marked_key = true;
    let (found, report) = check(policy(|it| it.closed = true), [marked]);
    assert_eq!((rules(&found), report.kind()), (vec![], GopKind::Unproven));
}

#[test]
fn a_mark_is_no_proof() {
    for (access, closed, severity) in [
        (RandomAccess::Recovery(0), true, Severity::Error),
        (RandomAccess::Intra, true, Severity::Error),
        (RandomAccess::No, false, Severity::Warning),
    ] {
        let mut marked = frame(VIDEO, 40, access, Slices::I);
        marked.facts.marked_key = true;
        let (found, _) = check(policy(|it| it.closed = closed), [key(0), marked]);
        assert_eq!((found[0].rule, found[0].severity), (Rule::IdrRequired, severity));
    }
}

#[test]
fn b_frames_at_the_limit_and_one_more() {
    let b = |millis| frame(VIDEO, millis, RandomAccess::No, Slices::B);
    for (limit, count) in [(0, 1), (1, 1), (2, 0)] {
        let policy = policy(|it| it.b_frames = Some(limit));
        let frames = [key(0), b(40), b(80), inter(120), b(160), b(200)];
        let (found, report) = check(policy, frames);
        assert_eq!(found.len(), count, "{limit}");
        assert_eq!(report.tracks[0].video.as_ref().unwrap().longest_b_run, 2);
    }
}

#[test]
fn parameters_are_held_against_the_policy() {
    let cases: Vec<(GopPolicy, Vec<Rule>)> = vec![
        (policy(|it| it.video_codecs = vec![VideoCodec::Hevc]), vec![Rule::VideoCodec]),
        (policy(|it| it.video_codecs = vec![VideoCodec::Hevc, VideoCodec::Avc]), vec![]),
        (policy(|it| it.avc_profiles = vec![66]), vec![Rule::VideoProfile]),
        (policy(|it| it.avc_profiles = vec![66, 77]), vec![]),
        (policy(|it| it.avc_level = Some(30)), vec![Rule::VideoLevel]),
        (policy(|it| it.avc_level = Some(31)), vec![]),
        (policy(|it| it.size = Some((1280, 719))), vec![Rule::VideoSize]),
        (policy(|it| it.size = Some((1279, 720))), vec![Rule::VideoSize]),
        (policy(|it| it.size = Some((1280, 720))), vec![]),
        (policy(|it| it.audio_codecs = vec![AudioCodec::Opus]), vec![Rule::AudioCodec]),
        (policy(|it| it.sample_rates = vec![44_100]), vec![Rule::AudioRate]),
        (policy(|it| it.channels = Some(1)), vec![Rule::AudioChannels]),
        (policy(|it| it.channels = Some(2)), vec![]),
    ];
    for (policy, expected) in cases {
        let (found, _) = check(policy, []);
        assert_eq!(rules(&found), expected);
        assert!(found.iter().all(|it| it.severity == Severity::Error && it.limit.is_some()));
    }
    // Upright pictures are measured by their sides.
    let mut upright = video();
    (upright.width, upright.height) = (720, 1280);
    let mut validator = GopValidator::new(policy(|it| it.size = Some((1280, 720))));
    assert_eq!(validator.observe(&track(VIDEO, CodecParams::Video(upright))), []);
}

#[test]
fn fields_are_told() {
    let mut params = video();
    params.interlaced = true;
    for (progressive, severity) in [(true, Severity::Error), (false, Severity::Warning)] {
        let mut validator = GopValidator::new(policy(|it| it.progressive = progressive));
        let found = validator.observe(&track(VIDEO, CodecParams::Video(params.clone())));
        assert_eq!((found[0].rule, found[0].severity), (Rule::Interlaced, severity));
    }
}

#[test]
fn changed_parameters_need_a_keyframe() {
    let mut smaller = video();
    smaller.config = Bytes::from_static(&[2]);
    (smaller.width, smaller.height) = (640, 360);
    let mut same_size = video();
    same_size.config = Bytes::from_static(&[3]);
    for (params, next, expected) in [
        (smaller.clone(), key(40), vec![Rule::ParametersChanged]),
        (smaller, inter(40), vec![Rule::ParametersChanged, Rule::ParameterSets]),
        (same_size.clone(), key(40), vec![]),
        (same_size, inter(40), vec![Rule::ParameterSets]),
        (video(), inter(40), vec![]),
    ] {
        let mut validator = GopValidator::new(GopPolicy::default());
        let mut found = vec![];
        for event in [
            track(VIDEO, CodecParams::Video(video())),
            MediaEvent::Frame(key(0)),
            track(VIDEO, CodecParams::Video(params)),
            MediaEvent::Frame(next),
        ] {
            found.extend(rules(validator.observe(&event)));
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn frames_without_parameter_sets() {
    let mut bare = video();
    bare.config = Bytes::new();
    for (in_band, count) in [(false, 1), (true, 0)] {
        let mut validator = GopValidator::new(GopPolicy::default());
        validator.observe(&track(VIDEO, CodecParams::Video(bare.clone())));
        let mut first = key(0);
        first.facts.parameter_sets = in_band;
        assert_eq!(validator.observe(&MediaEvent::Frame(first)).len(), count);
    }
}

#[test]
fn a_start_without_a_keyframe() {
    let (found, _) = check(GopPolicy::default(), [inter(0), inter(40), key(80), inter(120)]);
    assert_eq!(rules(&found), [Rule::StartWithoutKey]);
    // It does not count as an interval.
    let policy = policy(|it| it.interval = Bounds::between(SECOND, 2 * SECOND));
    let (found, _) = check(policy, [inter(0), key(80)]);
    assert_eq!(rules(&found), [Rule::StartWithoutKey]);
}

#[test]
fn times_that_do_not_rise() {
    let (found, _) =
        check(GopPolicy::default(), [key(0), inter(40), inter(40), inter(30), inter(80)]);
    assert_eq!(rules(&found), [Rule::TimeOrder, Rule::TimeOrder]);
    let mut early = inter(40);
    early.cts = -1;
    let (found, _) = check(GopPolicy::default(), [key(0), early]);
    assert_eq!((found[0].rule, &found[0].measured), (Rule::TimeComposition, &Measure::Time(-1000)));
}

#[test]
fn times_that_leap() {
    for (next, expected) in [
        (1040, vec![]),
        (1041, vec![Rule::TimeJump]),
        (-460, vec![Rule::TimeJump]),
        (-459, vec![Rule::TimeOrder]),
    ] {
        let (found, _) = check(GopPolicy::default(), [key(0), inter(40), inter(next)]);
        assert_eq!(rules(&found), expected, "{next}");
    }
    // A slideshow of a frame every two seconds leaps once, and then that is its pace.
    let slides = (0..20).map(|it| key(it * 2000));
    assert_eq!(rules(&check(GopPolicy::default(), slides).0), [Rule::TimeJump]);
}

#[test]
fn a_restarted_source_goes_on_behind_itself() {
    let again = pictures(100, |it| it % 50 == 0);
    let (found, report) =
        check(GopPolicy::default(), pictures(100, |it| it % 50 == 0).chain(again));
    assert_eq!(rules(&found), [Rule::TimeJump]);
    assert_eq!(found[0].measured, Measure::Time(-3_960_000));
    assert_eq!(report.duration, Ticks(199 * 40_000));
    let video = report.tracks[0].video.as_ref().unwrap();
    assert_eq!(video.interval.unwrap().max, 2 * SECOND, "no interval across the restart");
}

#[test]
fn times_count_from_the_first_frame() {
    let hour = 3_600_000;
    let (found, report) =
        check(GopPolicy::default(), [key(hour), inter(hour + 40), inter(hour + 40)]);
    assert_eq!(found[0].at, Ticks(40_000));
    assert_eq!(report.duration, Ticks(40_000));
}

#[test]
fn frame_rates_in_and_out_of_bounds() {
    for (bounds, expected) in [
        (Bounds::between(24_000, 26_000), vec![]),
        (Bounds::between(30_000, 60_000), vec![Rule::FrameRate]),
        (Bounds::up_to(24_000), vec![Rule::FrameRate]),
    ] {
        let (found, _) =
            check(policy(|it| it.frame_rate = bounds), pictures(300, |it| it % 50 == 0));
        assert_eq!(rules(&found), expected);
    }
}

#[test]
fn what_was_declared_is_held_against_what_comes() {
    let mut validator = GopValidator::new(GopPolicy::default());
    let mut declared = Declared::default();
    declared.frame_rate = Some(30_000);
    declared.video_bitrate = Some(400_000); // 25 frames of 1000 bytes are half of it
    declared.audio_bitrate = Some(375_000); // 46.875 frames of 1000 bytes
    validator.declare(declared);
    validator.observe(&track(VIDEO, CodecParams::Video(video())));
    validator.observe(&track(AUDIO, CodecParams::Audio(audio())));
    let mut frames: Vec<Frame> = pictures(300, |it| it % 50 == 0).collect();
    frames.extend((0..500).map(|it| sound(it * 64 / 3)));
    frames.sort_by_key(|it| it.dts);
    let mut found = vec![];
    for frame in frames {
        found.extend(rules(validator.observe(&MediaEvent::Frame(frame))));
    }
    assert_eq!(found, [Rule::BitrateDeclared, Rule::FrameRateDeclared]);
}

#[test]
fn frames_that_are_not_evenly_spaced() {
    // Milliseconds of 60000/1001 frames a second alternate between 16 and 17.
    let even = (0..600).map(|it| if it == 0 { key(0) } else { inter(it * 1001 / 60) });
    assert_eq!(rules(&check(GopPolicy::default(), even).0), []);
    // A few lost frames are no variable rate.
    let lost = (0..600).filter(|it| it % 200 != 199).map(|it| inter(it * 40));
    assert_eq!(rules(&check(GopPolicy::default(), [key(-40)].into_iter().chain(lost)).0), []);
    let uneven = (0..100).map(|it| if it == 0 { key(0) } else { inter(it * 40 + it % 2 * 25) });
    assert_eq!(rules(&check(GopPolicy::default(), uneven).0), [Rule::FrameRateVariable]);
}

#[test]
fn reordering_beyond_what_the_headers_promise() {
    for (promised, count) in [(Some(1), 1), (Some(2), 0), (None, 0)] {
        let mut params = video();
        params.reorder = promised;
        let mut validator = GopValidator::new(GopPolicy::default());
        validator.observe(&track(VIDEO, CodecParams::Video(params)));
        let mut found = vec![];
        for (dts, cts) in [(0, 80), (40, 240), (80, 120), (120, 0), (160, 80)] {
            let mut frame = if dts == 0 { key(0) } else { inter(dts) };
            frame.cts = cts;
            found.extend(rules(validator.observe(&MediaEvent::Frame(frame))));
        }
        assert_eq!(found, vec![Rule::Reorder; count]);
        assert_eq!(validator.report().tracks[0].video.as_ref().unwrap().reorder, 2);
    }
}

#[test]
fn tracks_that_come_apart() {
    // Sound that is 1.1 s behind, for eleven frames.
    let mut frames: Vec<Frame> = pictures(100, |it| it == 0).collect();
    frames.extend((0..100).map(|it| sound(it * 20)));
    let arrival = |it: &Frame| it.dts.0 + if it.track == AUDIO { 1100 } else { 0 };
    frames.sort_by_key(arrival);
    let (found, _) = check(GopPolicy::default(), frames);
    assert_eq!(rules(&found), [Rule::Skew]);
    assert_eq!(found[0].track, Some(AUDIO));
}

#[test]
fn a_track_that_falls_silent() {
    let mut frames: Vec<Frame> = pictures(250, |it| it % 50 == 0).collect();
    frames.extend((0..50).map(|it| sound(it * 20)));
    frames.sort_by_key(|it| it.dts);
    let (found, report) = check(GopPolicy::default(), frames);
    assert_eq!((found[0].rule, found[0].track), (Rule::Silence, Some(AUDIO)));
    assert_eq!(found[0].at, Ticks(4_000_000), "three seconds behind the last sound");
    assert_eq!(found.len(), 1);
    assert!(matches!(report.verdicts[0].worst, Measure::Time(it) if it > 8 * SECOND));
}

#[test]
fn an_ended_track_is_not_silent() {
    let mut validator = GopValidator::new(GopPolicy::default());
    validator.observe(&track(VIDEO, CodecParams::Video(video())));
    validator.observe(&track(AUDIO, CodecParams::Audio(audio())));
    validator.observe(&MediaEvent::Frame(sound(0)));
    validator.observe(&MediaEvent::End(AUDIO));
    for frame in pictures(250, |it| it % 50 == 0) {
        assert_eq!(validator.observe(&MediaEvent::Frame(frame)), []);
    }
}

#[test]
fn tracks_that_must_be_there() {
    let need = policy(|it| (it.video_required, it.audio_required) = (true, true));
    let (found, _) = check(need.clone(), pictures(10, |it| it == 0));
    assert_eq!(rules(&found), [Rule::AudioMissing], "at the end");
    let (found, _) = check(need.clone(), pictures(250, |it| it % 50 == 0));
    let missing = found.iter().find(|it| it.rule == Rule::AudioMissing).unwrap();
    assert_eq!(missing.at, Ticks(5_040_000), "or after five seconds");
    let (found, _) = check(need, (0..10).map(|it| sound(it * 20)));
    assert_eq!(rules(&found), [Rule::VideoMissing]);
}

#[test]
fn bit_rates_in_and_out_of_bounds() {
    // 25 frames of 1000 bytes are 200 kbit/s.
    for (bounds, expected) in [
        (Bounds::between(200_000, 200_000), vec![]),
        (Bounds::up_to(199_999), vec![(Rule::BitrateMax, Severity::Error)]),
        (Bounds { min: Some(200_001), max: None }, vec![(Rule::BitrateMin, Severity::Warning)]),
    ] {
        let (found, report) =
            check(policy(|it| it.bitrate = bounds), pictures(51, |it| it % 50 == 0));
        let found: Vec<_> = found.iter().map(|it| (it.rule, it.severity)).collect();
        assert_eq!((found, report.peak_bitrate), (expected, 200_000));
    }
    let policy = policy(|it| it.audio_bitrate = Some(100_000));
    let (found, _) = check(policy, (0..100).map(|it| sound(it * 20)));
    assert_eq!(rules(&found), [Rule::AudioBitrate]);
}

#[test]
fn a_bit_rate_that_is_not_constant() {
    let constant = || policy(|it| it.constant_bitrate = true);
    assert_eq!(rules(&check(constant(), pictures(500, |it| it % 50 == 0)).0), []);
    let bursts = pictures(500, |it| it % 50 == 0).map(|mut it| {
        if it.dts.0 >= 10_000 {
            it.data = vec![0; 1500].into();
        }
        it
    });
    let (found, _) = check(constant(), bursts);
    assert_eq!(
        (rules(&found), &found[0].measured),
        (vec![Rule::BitrateConstant], &Measure::Percent(50))
    );
}

#[test]
fn a_stream_that_lasts_too_long() {
    for (limit, count) in [(9_960_000, 0), (9_959_999, 1)] {
        let (found, _) =
            check(policy(|it| it.duration = Some(limit)), pictures(250, |it| it % 50 == 0));
        assert_eq!(found.len(), count);
    }
}

#[test]
fn frames_of_unknown_tracks_and_too_many_tracks_are_left_alone() {
    let mut validator = GopValidator::new(GopPolicy::default());
    assert_eq!(validator.observe(&MediaEvent::Frame(key(0))), []);
    for number in 0..=255 {
        let id = TrackId::video(number);
        validator.observe(&track(id, CodecParams::Video(video())));
    }
    assert_eq!(validator.report().tracks.len(), 32);
}

#[test]
fn a_report_for_people() {
    let policy = policy(|it| it.interval = Bounds::up_to(SECOND));
    let (_, report) = check(policy, pictures(101, |it| it % 50 == 0));
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "test: not accepted",
            "  4 s, 202 kbit/s (peak 200 kbit/s)",
            "  video 0: avc1.4d401f 1280x720, 25 fps, 101 frames, 202 kbit/s, GOPs closed, 3 keyframes \
             every 2 s (2 s to 2 s, deviation 0 s)",
            "  error video.interval.max (video 0): 2 s, limit 1 s, 2 times from 1 s to 3 s",
            "      Set the keyframe interval to a fixed number of seconds within the limits; 0 or \"auto\" \
             lets the encoder choose up to 250 frames.",
        ]
    );
}

#[test]
fn a_report_for_programs() {
    let policy = policy(|it| it.interval = Bounds::up_to(SECOND));
    let (_, report) = check(policy, pictures(101, |it| it % 50 == 0));
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["accepted"], false);
    assert_eq!(json["gop"], "closed");
    assert_eq!(json["tracks"][0]["interval"]["mean"], 2.0);
    assert_eq!(json["tracks"][0]["codec"], "avc1.4d401f");
    let verdict = &json["verdicts"][0];
    assert_eq!(
        (&verdict["rule"], &verdict["measured"]),
        (&"video.interval.max".into(), &2.0.into())
    );
    assert_eq!((&verdict["limit"], &verdict["last"]), (&1.0.into(), &3.0.into()));
    assert!(verdict["hint"].as_str().unwrap().contains("keyframe interval"));
}

/// The tags of a picture, each closed where it should be. There are no others than those that we write.
fn assert_well_formed(svg: &str) {
    let mut open = vec![];
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(
            ["svg", "title", "style", "rect", "text", "line", "path", "circle", "g"]
                .contains(&name),
            "{name}"
        );
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "a number that is none");
}

#[test]
fn pictures_are_well_formed() {
    assert_well_formed(&GopValidator::new(GopPolicy::default()).report().to_svg());
    for policy in GopPolicy::all() {
        let irregular = pictures(1000, |it| it % 50 == 0 || it % 70 == 0);
        let svg = check(policy, irregular).1.to_svg();
        assert_well_formed(&svg);
        assert!(svg.len() < 60_000, "{}", svg.len());
    }
}

#[test]
fn hostile_out_07_text_stays_text() {
    let name = "\"><script>alert(1)</script>\r\n#EXT \u{0} \u{2028}\\";
    let (_, report) = check(GopPolicy::named(name), pictures(10, |it| it == 0));
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["policy"], name);
    assert!(!report.to_json().contains("</script>"));
    let svg = report.to_svg();
    assert!(!svg.contains("<script>"));
    assert_well_formed(&svg);
}

#[test]
fn memory_does_not_grow_with_the_days() {
    let run = |frames: i64| {
        let mut size = 0;
        let counted = levada_test::allocations(|| {
            let mut validator = GopValidator::new(GopPolicy::known("cloudflare").unwrap());
            validator.observe(&track(VIDEO, CodecParams::Video(video())));
            for index in 0..frames {
                // An hour in a hundred frames, everything wrong with them.
                let mut frame =
                    if index % 7 == 0 { key(index * 36_000) } else { inter(index * 36_000) };
                frame.facts.marked_key = index % 3 == 0;
                frame.cts = (index % 5) as i32 - 2;
                frame.data = Bytes::from_static(&[0; 100]);
                validator.observe(&MediaEvent::Frame(frame));
            }
            size = validator.report().to_svg().len();
        });
        (counted.peak_bytes, size)
    };
    // Ten days, and two hundred.
    let (short, long) = (run(24_000), run(480_000));
    assert!(long.0 <= short.0 + 100_000, "{short:?} {long:?}");
    assert!(long.1 < 300_000, "{long:?}");
}

#[test]
fn every_rule_and_policy_has_a_name_of_its_own() {
    let unique = |names: Vec<String>| {
        let count = names.len();
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>().len(), count);
    };
    unique(Rule::ALL.iter().map(|it| it.id().to_owned()).collect());
    unique(GopPolicy::all().into_iter().map(|it| it.name).collect());
    for rule in Rule::ALL {
        // One line of the picture.
        assert!((20..150).contains(&rule.hint().len()), "{rule}");
        assert!(rule.hint().ends_with('.'), "{rule}");
    }
    for policy in GopPolicy::all() {
        assert_eq!(GopPolicy::known(&policy.name), Some(policy));
    }
    assert_eq!(GopPolicy::known("nobody"), None);
}

fn any_event() -> impl Strategy<Value = MediaEvent> {
    let id = prop_oneof![Just(VIDEO), Just(AUDIO), Just(TrackId::data(0)), Just(TrackId::video(1))];
    let params = prop_oneof![
        Just(CodecParams::Video(video())),
        Just(CodecParams::Audio(audio())),
        any::<(u32, u32, u32, u32, u8)>().prop_map(|(width, height, rate, scale, reorder)| {
            let mut params = video();
            (params.width, params.height) = (width, height);
            params.frame_rate = Some((rate, scale));
            params.reorder = Some(reorder);
            CodecParams::Video(params)
        }),
    ];
    let times = prop_oneof![0_i64..100_000, any::<i64>()];
    let facts = (0_u8..5, 0_u8..4, 0_u8..4, any::<bool>(), any::<bool>());
    prop_oneof![
        1 => (id.clone(), params, 1_u32..).prop_map(|(id, params, scale)| {
            MediaEvent::Track(Track::new(id, Timescale::new(scale).unwrap(), params))
        }),
        1 => id.clone().prop_map(MediaEvent::End),
        20 => (id, times, any::<i32>(), facts, 0_usize..3000, any::<Option<u32>>()).prop_map(
            |(id, dts, cts, (access, slices, leading, key, sets), len, duration)| {
                let mut frame = Frame::new(id, Ticks(dts), vec![0; len].into());
                frame.cts = cts;
                frame.duration = duration.and_then(core::num::NonZeroU32::new);
                frame.facts.random_access = match access {
                    0 => RandomAccess::Instant,
                    1 => RandomAccess::Recovery(0),
                    2 => RandomAccess::Recovery(9),
                    3 => RandomAccess::Intra,
                    _ => RandomAccess::No,
                };
                frame.facts.slices = [Slices::Unknown, Slices::I, Slices::P, Slices::B][usize::from(slices)];
                frame.facts.leading =
                    [Leading::Unknown, Leading::No, Leading::Decodable, Leading::Undecodable][usize::from(leading)];
                frame.facts.marked_key = key;
                frame.facts.parameter_sets = sets;
                MediaEvent::Frame(frame)
            }
        ),
    ]
}

proptest! {
    #[test]
    fn any_events_are_survived_and_add_up(events in proptest::collection::vec(any_event(), 0..200), policy in 0_usize..9) {
        let mut validator = GopValidator::new(GopPolicy::all()[policy].clone());
        let mut told = 0;
        let mut errors = false;
        for event in &events {
            let found = validator.observe(event);
            prop_assert!(found.len() <= 16, "{found:?}");
            told += found.len() as u64;
            errors |= found.iter().any(|it| it.severity == Severity::Error);
        }
        let found = validator.finish();
        told += found.len() as u64;
        errors |= found.iter().any(|it| it.severity == Severity::Error);
        let report = validator.report();
        prop_assert_eq!(report.verdicts.iter().map(|it| it.count).sum::<u64>(), told);
        prop_assert_eq!(report.is_accepted(), !errors);
        serde_json::from_str::<serde_json::Value>(&report.to_json()).unwrap();
        assert_well_formed(&report.to_svg());
        prop_assert!(!report.to_string().is_empty());
    }
}
