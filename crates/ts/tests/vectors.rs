//! Streams of ffmpeg, GStreamer and a reference muxer, PES packet by PES packet.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{Demuxed, read, rows};
use levada_media::{MediaEvent, MediaKind, TrackId};
use levada_test::{hex, same_at_every_cut};
use levada_ts::{Finding, MuxConfig, TsMuxer};
use serde_json::Value;

/// What kind of track a row's PID is.
fn kind(row: &Value, pid: u64) -> MediaKind {
    match row["streams"][format!("{pid:#x}")]["stream_type"].as_u64().unwrap() {
        0x1B | 0x24 => MediaKind::Video,
        0x15 => MediaKind::Data,
        _ => MediaKind::Audio,
    }
}

fn ids() -> [TrackId; 3] {
    [TrackId::video(0), TrackId::audio(0), TrackId::data(0)]
}

/// The rows that list their PES packets.
fn listed() -> Vec<Value> {
    rows().into_iter().filter(|row| row["streams"].is_object()).collect()
}

#[test]
fn frames_have_the_times_of_their_pes_packets() {
    for row in listed() {
        let file = row["file"].as_str().unwrap();
        let demuxed = Demuxed::of(&read(file));
        for id in ids() {
            let frames = demuxed.frames(id);
            let starts: Vec<(i64, i64)> = frames.iter().map(|it| (it.pts().0, it.dts.0)).collect();
            let listed: Vec<(i64, i64)> = row["pes"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|pes| kind(&row, pes["pid"].as_u64().unwrap()) == id.kind)
                .map(|pes| {
                    let pts = pes["pts"].as_i64().unwrap();
                    (pts, pes["dts"].as_i64().unwrap_or(pts))
                })
                .collect();
            if id.kind == MediaKind::Video {
                // A file that was cut behind a packet may end inside the last frame.
                let whole = listed.len() - usize::from(file == "gst_head.ts");
                assert_eq!(starts, listed[..whole], "{file} {id}");
            } else {
                let missing: Vec<_> = listed.iter().filter(|it| !starts.contains(it)).collect();
                assert!(missing.len() <= usize::from(file.contains("_head")), "{file} {missing:?}");
            }
        }
    }
}

#[test]
fn as_many_audio_frames_as_ffprobe_counts() {
    for row in listed() {
        let file = row["file"].as_str().unwrap();
        let counted: u64 =
            row["adts_frames"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        if counted > 0 {
            let frames = Demuxed::of(&read(file)).frames(TrackId::audio(0)).len();
            assert_eq!(frames as u64, counted, "{file}");
        }
    }
}

#[test]
fn tracks_are_what_they_were_encoded_as() {
    for (file, expected) in [
        ("seg0.ts", &["avc1.4d400b 160x90", "mp4a.40.2 48000/1"][..]),
        ("ref_av_id3.ts", &["", "avc1.4d400b 160x90", "mp4a.40.2 48000/2"]),
        ("gst_head.ts", &["avc1.4d400b 160x90", "mp4a.40.2 48000/2"]),
        ("hevc.ts", &["hvc1.1.6.L30.90 160x96"]),
        ("ac3_head.ts", &["ac-3 48000/6"]),
        ("eac3_head.ts", &["ec-3 48000/6"]),
        ("mp3_head.ts", &["mp4a.40.34 44100/2"]),
    ] {
        let demuxed = Demuxed::of(&read(file));
        let tracks: Vec<String> = demuxed
            .tracks()
            .iter()
            .map(|it| match (it.params.video(), it.params.audio()) {
                (Some(it), _) => format!("{} {}x{}", it.rfc6381, it.width, it.height),
                (_, Some(it)) => format!("{} {}/{}", it.rfc6381, it.sample_rate, it.channels),
                _ => String::new(),
            })
            .collect();
        assert_eq!(tracks, expected, "{file}");
    }
}

#[test]
fn whole_files_are_read_without_a_finding() {
    for row in rows() {
        let file = row["file"].as_str().unwrap();
        let findings = Demuxed::of(&read(file)).findings;
        // The first packets of longer files end inside a frame.
        let cut = file.contains("_head") && !file.starts_with("mp3") && !file.starts_with("ac3");
        assert_eq!(findings.len(), usize::from(cut), "{file}: {findings:?}");
        assert!(findings.iter().all(|(_, it)| matches!(it, Finding::BadPes { .. })));
    }
}

#[test]
fn any_cut_of_the_input_gives_the_same_events() {
    for row in rows() {
        let file = row["file"].as_str().unwrap();
        same_at_every_cut(&read(file), Demuxed::of_pieces);
    }
}

#[test]
fn timed_id3_is_one_tag_a_frame() {
    let demuxed = Demuxed::of(&read("ref_av_id3.ts"));
    let [tag] = demuxed.frames(TrackId::data(0))[..] else { panic!("one tag") };
    let expected = "494433 0400 00 00000038 54585858 0000000b 0000 03 6e6f7465 00 6669727374 \
                    50524956 00000019 0000 636f6d2e6578616d706c652e74657374 00 0001020304050607";
    assert_eq!((tag.pts().0, &tag.data[..]), (945_000, &hex(expected)[..]));
}

#[test]
fn keys_are_where_the_headers_say() {
    let demuxed = Demuxed::of(&read("seg0.ts"));
    let video = demuxed.frames(TrackId::video(0));
    let keys: Vec<bool> = video.iter().map(|it| it.is_key()).collect();
    assert_eq!(keys.iter().position(|it| *it), Some(0));
    assert_eq!(keys.iter().filter(|it| **it).count(), 1);
    assert!(video.iter().all(|it| it.is_key() == it.facts.marked_key));
}

/// The clock wraps half a second in: decoding times do not.
#[test]
fn times_go_on_behind_the_wrap() {
    let rows = rows();
    let row = rows.iter().find(|it| it["file"] == "ref_pts_wrap.ts").unwrap();
    let unwrapped = |raw: i64| if raw < 1 << 32 { raw + (1 << 33) } else { raw };
    let demuxed = Demuxed::of(&read("ref_pts_wrap.ts"));
    let video: Vec<(i64, i64)> =
        demuxed.frames(TrackId::video(0)).iter().map(|it| (it.pts().0, it.dts.0)).collect();
    let listed: Vec<(i64, i64)> = row["video_raw_pts_dts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (unwrapped(it[0].as_i64().unwrap()), unwrapped(it[1].as_i64().unwrap())))
        .collect();
    assert_eq!(video, listed);
    assert!(video.iter().any(|(_, dts)| *dts > 1 << 33));
    let audio = demuxed.frames(TrackId::audio(0));
    for raw in row["audio_raw_pts"].as_array().unwrap() {
        let pts = unwrapped(raw.as_i64().unwrap());
        assert!(audio.iter().any(|it| it.dts.0 == pts), "{pts}");
    }
}

/// What the reference muxer wrote comes out of ours byte by byte, when frames come in its order.
#[test]
fn writes_the_reference_streams_again() {
    for file in ["ref_av_id3.ts", "ref_pts_wrap.ts"] {
        let bytes = read(file);
        let demuxed = Demuxed::of(&bytes);
        let mut config = MuxConfig::default();
        config.start = Duration::ZERO;
        config.clock_lead = Duration::from_millis(100);
        config.table_interval = None;
        config.audio_hold = Duration::from_millis(128);
        let mut muxer = TsMuxer::new(config);
        let mut out = BytesMut::new();
        for id in ids() {
            let tracks = demuxed.tracks();
            let track = tracks.iter().find(|it| it.id == id).unwrap();
            muxer.push(&MediaEvent::Track((*track).clone()), &mut out).unwrap();
        }
        muxer.start_segment();
        // Six audio frames share a packet of the reference.
        let mut frames = ids().map(|id| demuxed.frames(id).into_iter());
        let row = rows().into_iter().find(|it| it["file"] == "ref_av_id3.ts").unwrap();
        for pes in row["pes"].as_array().unwrap() {
            let kind = kind(&row, pes["pid"].as_u64().unwrap());
            let index = ids().iter().position(|id| id.kind == kind).unwrap();
            let count = if kind == MediaKind::Audio { 6 } else { 1 };
            for frame in frames[index].by_ref().take(count) {
                muxer.push(&MediaEvent::Frame(frame.clone()), &mut out).unwrap();
            }
        }
        muxer.flush(&mut out);
        assert_eq!(out.len(), bytes.len(), "{file}");
        for (index, (ours, theirs)) in out.chunks(188).zip(bytes.chunks(188)).enumerate() {
            assert_eq!(ours, theirs, "{file}: packet {index}");
        }
    }
}
