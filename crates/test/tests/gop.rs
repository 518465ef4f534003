//! The verdicts on real streams: H.264 and H.265 byte streams and FLV files, against every profile of `gop.json`.
#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use levada_codec::{Inspector, avc, hevc, nal, video_params};
use levada_flv::{FlvItem, FlvReader, Unpacked, Unpacker, UnpackerConfig};
use levada_gop::{Bounds, GopKind, GopPolicy, GopReport, GopValidator, Rule};
use levada_media::{CodecParams, Frame, MediaEvent, Ticks, Timescale, Track, TrackId, VideoCodec};
use serde_json::Value;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn table() -> Value {
    let text = std::fs::read(crates().join("gop/testdata/gop.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The events of a stream of the table, whatever it is in.
fn events(row: &Value) -> Vec<MediaEvent> {
    let source = row["source"].as_str().unwrap();
    let (kind, file) = source.split_once('/').unwrap();
    let read = |dir: &str| std::fs::read(crates().join(dir).join(file)).unwrap();
    match kind {
        "flv" => flv(&read("flv/testdata/media")),
        "h264" => {
            byte_stream(VideoCodec::Avc, &read("codec/testdata/h264"), row["fps"].as_i64().unwrap())
        }
        _ => byte_stream(VideoCodec::Hevc, &read("codec/testdata/hevc"), 25),
    }
}

fn flv(file: &[u8]) -> Vec<MediaEvent> {
    let mut input = BytesMut::from(file);
    let (mut reader, mut unpacker) = (FlvReader::new(), Unpacker::new(UnpackerConfig::for_files()));
    let mut events = vec![];
    while let Some(item) = reader.read(&mut input).unwrap() {
        let FlvItem::Tag(tag) = item else { continue };
        unpacker.push_tag(&tag);
        while let Some(unpacked) = unpacker.next() {
            if let Unpacked::Event(event) = unpacked {
                events.push(event);
            }
        }
    }
    events
}

/// A byte stream has no times: frames are decoded one after the other, and shown in the order that they say.
fn byte_stream(codec: VideoCodec, bytes: &[u8], fps: i64) -> Vec<MediaEvent> {
    let hevc = codec == VideoCodec::Hevc;
    let kind = |unit: &[u8]| if hevc { unit[0] >> 1 & 0x3F } else { unit[0] & 0x1F };
    let is_slice = |unit: &[u8]| if hevc { kind(unit) < 32 } else { matches!(kind(unit), 1 | 5) };
    // The first slice of a picture begins with a 1: first_slice_segment_in_pic_flag, or first_mb_in_slice of 0.
    let is_first = |unit: &[u8]| unit[if hevc { 2 } else { 1 }] & 0x80 != 0;
    let units: Vec<&[u8]> = nal::annex_b_units(bytes).collect();
    let config = if hevc {
        hevc::Config::from_units(units.iter().copied()).unwrap().encode().unwrap()
    } else {
        avc::Config::from_units(units.iter().copied()).unwrap().encode().unwrap()
    };
    let params = CodecParams::Video(video_params(codec, config).unwrap());
    let mut pictures: Vec<BytesMut> = vec![];
    let mut before = BytesMut::new();
    for unit in units {
        let keeps = if hevc { hevc::is_sample_unit(unit) } else { avc::is_sample_unit(unit) };
        if !keeps {
            continue;
        }
        // Two fields are one frame, in the stream that has them.
        if !is_slice(unit) {
            nal::put_length_prefixed(unit, &mut before);
        } else if is_first(unit) {
            pictures.push(core::mem::take(&mut before));
            nal::put_length_prefixed(unit, pictures.last_mut().unwrap());
        } else {
            nal::put_length_prefixed(unit, pictures.last_mut().unwrap());
        }
    }
    let mut inspector = Inspector::new(&params);
    let scale = Timescale::new(u32::try_from(fps).unwrap()).unwrap();
    let mut frames: Vec<Frame> = pictures
        .into_iter()
        .zip(0..)
        .map(|(data, index)| {
            let mut frame = Frame::new(TrackId::video(0), Ticks(index), data.freeze());
            frame.facts = inspector.inspect(&frame.data);
            frame
        })
        .collect();
    let mut sequence = 0;
    let mut order: Vec<(i64, i32, usize)> = frames
        .iter()
        .enumerate()
        .map(|(index, frame)| {
            sequence += i64::from(frame.is_key());
            (sequence, frame.facts.order.unwrap_or_default(), index)
        })
        .collect();
    order.sort_unstable();
    for (shown, (_, _, index)) in order.into_iter().enumerate() {
        // A constant delay keeps every frame behind its decoding time.
        let delay = 16 + i64::try_from(shown).unwrap() - frames[index].dts.0;
        frames[index].cts = i32::try_from(delay).unwrap();
    }
    let track = MediaEvent::Track(Track::new(TrackId::video(0), scale, params));
    [track].into_iter().chain(frames.into_iter().map(MediaEvent::Frame)).collect()
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_f64().map(|it| (it * 1e6) as i64)
}

/// A profile of the table: users bring their own policies in this way.
fn policy(name: &str, profile: &Value) -> GopPolicy {
    let mut policy = GopPolicy::named(name);
    policy.interval = Bounds { min: seconds(&profile["min"]), max: seconds(&profile["max"]) };
    policy.tolerance = seconds(&profile["tol"]).unwrap_or(0);
    policy.closed = profile["closed"] == true;
    policy.b_frames = profile["bframes"].as_u64().map(|it| u32::try_from(it).unwrap());
    if profile["profile"] == "baseline" {
        policy.avc_profiles = vec![66];
    }
    policy
}

fn report(policy: GopPolicy, events: &[MediaEvent]) -> GopReport {
    let mut validator = GopValidator::new(policy);
    for event in events {
        validator.observe(event);
    }
    validator.finish();
    validator.report()
}

#[test]
fn every_kind_of_gop_is_told_from_its_headers() {
    for row in table()["streams"].as_array().unwrap() {
        let source = row["source"].as_str().unwrap();
        let kind = report(GopPolicy::default(), &events(row)).kind();
        assert_eq!(kind.id(), row["kind"].as_str().unwrap(), "{source}");
    }
}

#[test]
fn keyframes_and_their_intervals_are_those_of_the_table() {
    for row in table()["streams"].as_array().unwrap() {
        let source = row["source"].as_str().unwrap();
        let Some(intervals) = row["idr_intervals_s"].as_array() else { continue };
        let report = report(GopPolicy::default(), &events(row));
        let video = report.tracks.iter().find_map(|it| it.video.as_ref()).unwrap();
        assert_eq!(video.keyframes, intervals.len() as u64 + 1, "{source}");
        let longest = row["max_consecutive_b"].as_u64().unwrap();
        assert_eq!(u64::from(video.longest_b_run), longest, "{source}");
        let irregular = report.verdicts.iter().any(|it| it.rule == Rule::IntervalRegular);
        assert_eq!(!irregular, row["regular"], "{source}");
        let micros: Vec<i64> = intervals.iter().filter_map(seconds).collect();
        let Some(found) = video.interval else {
            assert!(micros.is_empty(), "{source}");
            continue;
        };
        for (found, listed) in [
            (found.min, micros.iter().min().unwrap()),
            (found.max, micros.iter().max().unwrap()),
            (found.mean, &(micros.iter().sum::<i64>() / micros.len() as i64)),
        ] {
            assert!((found - listed).abs() <= 1500, "{source}: {found} {listed}");
        }
    }
}

/// The rules that the table judges, in its words without the figures.
fn in_words(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::ClosedGop => "not closed",
        Rule::IntervalMin => "interval",
        Rule::IntervalMax => "since the last IDR",
        Rule::BFrames => "B pictures present",
        Rule::VideoProfile => "profile is not Baseline",
        _ => return None,
    })
}

#[test]
fn every_verdict_of_every_profile_is_that_of_the_table() {
    let table = table();
    let mut judged = 0;
    for row in table["streams"].as_array().unwrap() {
        let source = row["source"].as_str().unwrap();
        let Some(verdicts) = row["violations"].as_object() else { continue };
        let events = events(row);
        for (profile, violations) in verdicts {
            let report = report(policy(profile, &table["profiles"][profile]), &events);
            let found: BTreeSet<&str> =
                report.verdicts.iter().filter_map(|it| in_words(it.rule)).collect();
            let listed: BTreeSet<&str> = violations
                .as_array()
                .unwrap()
                .iter()
                .map(|it| {
                    let text = it.as_str().unwrap();
                    let words = [
                        "not closed",
                        "since the last IDR",
                        "B pictures present",
                        "profile is not Baseline",
                        "interval",
                    ];
                    words.into_iter().find(|it| text.contains(it)).unwrap()
                })
                .collect();
            assert_eq!(found, listed, "{source} for {profile}");
            judged += 1;
        }
    }
    assert!(judged > 300, "{judged}");
}

#[test]
fn a_marked_key_that_is_none_is_told() {
    for (file, marked) in [("h264_open_gop_aac44m.flv", 1), ("h264_intra_refresh.flv", 2)] {
        let events = flv(&std::fs::read(crates().join("flv/testdata/media").join(file)).unwrap());
        let report = report(GopPolicy::known("cloudflare").unwrap(), &events);
        let verdict = report.verdicts.iter().find(|it| it.rule == Rule::IdrRequired).unwrap();
        assert_eq!(verdict.count, marked, "{file}");
    }
}

#[test]
fn streams_with_broken_times_are_told_what_is_broken() {
    let rules = |file: &str| {
        let events = flv(&std::fs::read(crates().join("flv/testdata/media").join(file)).unwrap());
        let report = report(GopPolicy::default(), &events);
        report.verdicts.iter().map(|it| it.rule.id()).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(rules("h264_main_b2_aac48s.flv"), none);
    assert_eq!(rules("ts_wrap_32bit.flv"), none);
    assert_eq!(rules("ts_cross_ffffff.flv"), none);
    assert_eq!(rules("ts_backwards.flv"), ["timestamps.jump", "timestamps.jump"]);
    assert_eq!(rules("ts_gap_5s.flv"), ["timestamps.jump", "timestamps.jump"]);
    assert_eq!(rules("h264_vfr.flv"), ["video.vfr"]);
    assert_eq!(rules("starts_mid_gop.flv"), ["video.start"]);
    assert_eq!(rules("res_change_newseqhdr.flv"), ["track.params_changed"]);
    assert_eq!(rules("aac_cfg_change.flv"), ["track.params_changed"]);
}

#[test]
fn a_gop_kind_is_never_better_with_more_of_a_stream() {
    for row in table()["streams"].as_array().unwrap() {
        let mut validator = GopValidator::new(GopPolicy::default());
        let mut worst = GopKind::Unknown;
        for event in events(row) {
            validator.observe(&event);
            let kind = validator.report().kind();
            assert!(kind >= worst);
            worst = kind;
        }
    }
}
