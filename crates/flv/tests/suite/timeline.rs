//! Times that are put right, and times that are left alone.

use core::time::Duration;

use bytes::Bytes;
use levada_flv::*;
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, MediaKind, Ticks, Timescale, Track,
    TrackId, VideoCodec, VideoParams,
};
use proptest::prelude::*;

use crate::common::*;

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

fn frame(track: TrackId, dts: i64) -> MediaEvent {
    MediaEvent::Frame(Frame::new(track, Ticks(dts), Bytes::from_static(b"frame")))
}

fn dts(event: MediaEvent) -> i64 {
    let MediaEvent::Frame(frame) = event else { panic!("{event:?}") };
    frame.dts.0
}

/// The times that come out, and everything that was found.
fn run(config: TimelineConfig, frames: &[(TrackId, i64)]) -> (Vec<i64>, Vec<TimeFindingKind>) {
    let mut timeline = Timeline::new(config);
    let mut found = Vec::new();
    let times = frames.iter().map(|(track, at)| {
        let out = dts(timeline.push(frame(*track, *at)));
        found.extend(timeline.findings().iter().map(|it| it.kind));
        out
    });
    (times.collect(), found)
}

fn all_off_but(change: impl Fn(&mut TimelineConfig)) -> TimelineConfig {
    let mut config = TimelineConfig::OFF;
    change(&mut config);
    config
}

#[test]
fn rebasing_moves_all_tracks_alike() {
    let config = all_off_but(|it| it.start = Some(Duration::from_secs(1)));
    let (times, found) = run(config, &[(VIDEO, 5000), (AUDIO, 4990), (VIDEO, 5040)]);
    assert_eq!(times, [1000, 990, 1040]);
    assert_eq!(found, [TimeFindingKind::Rebased { by: -4_000_000 }]);
}

/// Quirk C6, hostile FLV-10: DJI cameras count audio and video from different beginnings.
#[test]
fn quirk_c6_two_time_bases_are_brought_together() {
    let (times, found) = run(
        TimelineConfig::default(),
        &[(VIDEO, 0), (VIDEO, 40), (AUDIO, 36_000_000), (AUDIO, 36_000_021), (VIDEO, 80)],
    );
    assert_eq!(times, [0, 40, 40, 61, 80]);
    assert_eq!(found, [TimeFindingKind::OwnTimeBase { by: -35_999_960_000 }]);
}

#[test]
fn a_jump_moves_both_tracks_by_the_same() {
    // Video and audio 20 ms apart; the encoder is started anew.
    let (times, found) = run(
        TimelineConfig::default(),
        &[
            (VIDEO, 100_000),
            (AUDIO, 100_020),
            (VIDEO, 100_040),
            (AUDIO, 100_060),
            (VIDEO, 0),
            (AUDIO, 20),
            (VIDEO, 40),
            (AUDIO, 60),
        ],
    );
    assert_eq!(times, [0, 20, 40, 60, 80, 100, 120, 140]);
    let jump = |from: i64, to: i64| TimeFindingKind::Jump { step: (to - from) * 1000 };
    assert_eq!(
        found,
        [TimeFindingKind::Rebased { by: -100_000_000 }, jump(40, -100_000), jump(60, -99_980)]
    );
}

#[test]
fn the_second_track_follows_the_first_in_a_jump() {
    // After the restart audio begins 5 ms after video, whatever its usual step is.
    let (times, _) = run(
        TimelineConfig::default(),
        &[
            (VIDEO, 100_000),
            (AUDIO, 100_000),
            (VIDEO, 100_040),
            (AUDIO, 100_040),
            (VIDEO, 0),
            (AUDIO, 5),
        ],
    );
    assert_eq!(times, [0, 0, 40, 40, 80, 85]);
}

#[test]
fn the_rest_of_the_old_time_is_not_torn_apart() {
    // Audio from before the restart comes behind video from after it.
    let (times, _) = run(
        TimelineConfig::default(),
        &[
            (VIDEO, 100_000),
            (AUDIO, 100_000),
            (VIDEO, 100_040),
            (VIDEO, 0),
            (AUDIO, 100_040),
            (VIDEO, 40),
            (AUDIO, 0),
        ],
    );
    assert_eq!(times, [0, 0, 40, 80, 40, 120, 80]);
}

#[test]
fn long_gaps_are_closed_and_short_ones_told() {
    let (times, found) = run(
        TimelineConfig::default(),
        &[(VIDEO, 0), (VIDEO, 40), (VIDEO, 5040), (VIDEO, 20_040), (VIDEO, 20_080)],
    );
    assert_eq!(times, [0, 40, 5040, 5080, 5120]);
    assert_eq!(
        found,
        [TimeFindingKind::Gap { step: 5_000_000 }, TimeFindingKind::Jump { step: 15_000_000 }]
    );
}

#[test]
fn at_the_limits() {
    let config = all_off_but(|it| {
        it.close_gaps = Some(Duration::from_secs(10));
        it.report_gaps = Some(Duration::from_secs(1));
        it.forward = Some(Duration::from_secs(1));
    });
    for (step, out, found) in [
        (1000, 1000, None),
        (1001, 1001, Some(TimeFindingKind::Gap { step: 1_001_000 })),
        (10_000, 10_000, Some(TimeFindingKind::Gap { step: 10_000_000 })),
        (10_001, 0, Some(TimeFindingKind::Jump { step: 10_001_000 })),
        (0, 0, None),
        (-1, 0, Some(TimeFindingKind::Backward { step: -1000 })),
        (-1000, 0, Some(TimeFindingKind::Backward { step: -1_000_000 })),
        (-1001, 0, Some(TimeFindingKind::Jump { step: -1_001_000 })),
    ] {
        let (times, kinds) = run(config, &[(VIDEO, 50_000), (VIDEO, 50_000 + step)]);
        assert_eq!(times, [50_000, 50_000 + out], "{step}");
        assert_eq!(kinds, found.into_iter().collect::<Vec<_>>(), "{step}");
    }
}

#[test]
fn a_held_frame_is_shown_when_it_would_have_been() {
    let mut timeline = Timeline::new(TimelineConfig::default());
    timeline.push(frame(VIDEO, 1000));
    let mut late = Frame::new(VIDEO, Ticks(990), Bytes::from_static(b"frame"));
    late.cts = 60;
    let MediaEvent::Frame(out) = timeline.push(MediaEvent::Frame(late)) else { panic!() };
    assert_eq!((out.dts.0, out.cts, out.pts().0), (0, 50, 50));
}

fn audio_track(codec: AudioCodec, sample_rate: u32, samples: Option<u32>) -> MediaEvent {
    let mut audio = AudioParams::new(codec, Bytes::new());
    (audio.sample_rate, audio.samples_per_frame) = (sample_rate, samples);
    MediaEvent::Track(Track::new(AUDIO, Timescale::MILLIS, CodecParams::Audio(audio)))
}

#[test]
fn audio_is_counted_in_samples() {
    let mut timeline = Timeline::new(TimelineConfig::default());
    let MediaEvent::Track(track) = timeline.push(audio_track(AudioCodec::Aac, 44_100, Some(1024)))
    else {
        panic!()
    };
    assert_eq!(track.timescale, Timescale::new(44_100).unwrap());
    // Milliseconds as they are written for 1024 samples at 44.1 kHz: 23.22 ms each.
    for count in 0..10_000_i64 {
        let millis = count * 1024 * 1000 / 44_100;
        let MediaEvent::Frame(out) = timeline.push(frame(AUDIO, millis)) else { panic!() };
        assert_eq!((out.dts.0, out.duration.unwrap().get()), (count * 1024, 1024));
    }
    assert_eq!(timeline.findings(), []);
}

#[test]
fn a_drifting_clock_starts_anew_and_never_goes_back() {
    // The encoder says 48 kHz and delivers one part in a hundred less, then one more.
    for (rate, sign, expected) in [(47_520, 1, 5..=8), (48_480, -1, 20..=30)] {
        let mut timeline = Timeline::new(TimelineConfig::default());
        timeline.push(audio_track(AudioCodec::Aac, 48_000, Some(1024)));
        let (mut last, mut resets) = (-1, Vec::new());
        for count in 0..3000_i64 {
            let millis = count * 1024 * 1000 / rate;
            let out = dts(timeline.push(frame(AUDIO, millis)));
            assert!(out >= last, "{out} behind {last}");
            assert!(
                (out - millis * 48).abs() <= 4800 + 48 + 1024,
                "within the tolerance of the wire"
            );
            last = out;
            resets.extend(timeline.findings().iter().map(|it| it.kind));
        }
        assert!(expected.contains(&resets.len()), "{resets:?}");
        for reset in resets {
            let TimeFindingKind::SamplesOff { by } = reset else { panic!("{reset:?}") };
            assert!(by * sign > 100_000 && by * sign < 125_000, "{by}");
        }
    }
}

#[test]
fn frames_of_opus_say_their_length() {
    let mut timeline = Timeline::new(TimelineConfig::default());
    timeline.push(audio_track(AudioCodec::Opus, 48_000, None));
    // 20 ms, 10 ms, 20 ms of CELT.
    let times: Vec<_> = [(0, 0xF8_u8), (20, 0xF0), (30, 0xF8), (50, 0xF8)]
        .map(|(at, toc)| {
            let frame = Frame::new(AUDIO, Ticks(at), Bytes::copy_from_slice(&[toc, 0]));
            dts(timeline.push(MediaEvent::Frame(frame)))
        })
        .to_vec();
    assert_eq!(times, [0, 960, 1440, 2400]);
}

/// The files whose times are odd: after repair they are those of the file without fault.
#[test]
fn quirk_c6_files_with_odd_times_come_out_even() {
    for (name, jumps) in [
        ("ts_start_large.flv", 0),
        ("ts_cross_ffffff.flv", 0),
        ("ts_cross_7fffffff.flv", 0),
        ("ts_wrap_32bit.flv", 0),
        ("ts_backwards.flv", 2),
        ("ts_gap_5s.flv", 2),
    ] {
        let mut config = TimelineConfig::default();
        config.close_gaps = Some(Duration::from_secs(3));
        let mut timeline = Timeline::new(config);
        let mut found = Vec::new();
        let mut video = Vec::new();
        let mut audio = Vec::new();
        for event in events(&unpack(&tags(&data(&format!("media/{name}"))))) {
            let kind = event.track().kind;
            if let MediaEvent::Frame(frame) = timeline.push(event) {
                let list = if kind == MediaKind::Video { &mut video } else { &mut audio };
                list.push(frame.dts.0);
            }
            found.extend(timeline.findings().iter().map(|it| it.kind));
        }
        let expected: Vec<i64> = (0..50).map(|at| at * 40).collect();
        assert_eq!(video, expected, "{name}: {found:?}");
        // Audio frames follow each other without a hole.
        assert_eq!(audio.len(), 91, "{name}");
        let off = audio.windows(2).filter(|it| it[1] - it[0] != 1024).count();
        assert_eq!(off, 0, "{name}: {audio:?}");
        let jumped = found.iter().filter(|it| matches!(it, TimeFindingKind::Jump { .. })).count();
        assert_eq!(jumped, jumps, "{name}: {found:?}");
    }
}

#[test]
fn switched_off_it_changes_not_a_byte() {
    for name in ["ts_backwards.flv", "ts_gap_5s.flv", "ts_wrap_32bit.flv", "h264_5994_aac.flv"] {
        let (mut unpacker, mut packer) = (Unpacker::default(), Packer::default());
        let mut timeline = Timeline::new(TimelineConfig::OFF);
        for tag in tags(&data(&format!("media/{name}"))) {
            unpacker.push_tag(&tag);
            for event in events(&drain(&mut unpacker)) {
                let is_frame = matches!(event, MediaEvent::Frame(_));
                let event = timeline.push(event);
                assert_eq!(timeline.findings(), []);
                for packed in packer.pack(&event).unwrap() {
                    assert_eq!(packed.body(), tag.body, "{name}");
                    assert!(!is_frame || packed.timestamp == tag.timestamp, "{name}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn off_is_the_identity(times in proptest::collection::vec((any::<bool>(), any::<i64>(), any::<i32>()), 0..50)) {
        let mut timeline = Timeline::new(TimelineConfig::OFF);
        for (is_video, at, cts) in times {
            let mut frame = Frame::new(if is_video { VIDEO } else { AUDIO }, Ticks(at), Bytes::new());
            frame.cts = cts;
            let event = MediaEvent::Frame(frame);
            prop_assert_eq!(timeline.push(event.clone()), event);
            prop_assert_eq!(timeline.findings(), &[]);
        }
    }

    #[test]
    fn whatever_comes_time_goes_forward(
        times in proptest::collection::vec((0_u8..3, any::<u32>()), 0..200),
        scale in prop_oneof![Just(1000_u32), Just(90_000), Just(1_000_000)],
    ) {
        let scale = Timescale::new(scale).unwrap();
        let mut timeline = Timeline::new(TimelineConfig::default());
        for number in 0..3 {
            let params = CodecParams::Video(VideoParams::new(VideoCodec::Avc, Bytes::new()));
            timeline.push(MediaEvent::Track(Track::new(TrackId::video(number), scale, params)));
        }
        let mut last = [i64::MIN; 3];
        for (number, at) in times {
            let frame = Frame::new(TrackId::video(number), Ticks(at.into()), Bytes::new());
            let out = dts(timeline.push(MediaEvent::Frame(frame)));
            let last = &mut last[usize::from(number)];
            prop_assert!(out >= *last, "{} behind {}", out, last);
            *last = out;
        }
    }
}
