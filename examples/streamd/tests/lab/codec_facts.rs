//! What our libraries say of every frame, against ffprobe: sizes, key frames, kinds of pictures, dimensions, rates.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use bytes::BytesMut;
use levada_flv::{FlvItem, FlvReader, Unpacked, Unpacker};
use levada_media::{CodecParams, Frame, MediaEvent, MediaKind, RandomAccess, Slices};
use serde_json::Value;

use crate::media;
use crate::packaging::{drawn_stream, draws, files};
use crate::probe::{Probed, parse};
use crate::tool::{folder, left_out, result, run};

const LIMIT: Duration = Duration::from_secs(60);

/// A file as we read it.
struct Ours {
    video: Vec<Frame>,
    audio: Vec<Frame>,
    params: BTreeMap<&'static str, Vec<CodecParams>>,
    findings: Vec<String>,
}

fn read(path: &str) -> Ours {
    let mut input = BytesMut::from(&*fs::read(folder().join(path)).expect("a file"));
    let (mut reader, mut unpacker) = (FlvReader::new(), Unpacker::default());
    let mut ours = Ours { video: vec![], audio: vec![], params: BTreeMap::new(), findings: vec![] };
    while let Some(item) = reader.read(&mut input).expect("a file that can be read") {
        match item {
            FlvItem::Tag(tag) => unpacker.push_tag(&tag),
            FlvItem::Finding(finding) => ours.findings.push(format!("{finding:?}")),
            FlvItem::Header(_) => {}
        }
        while let Some(unpacked) = unpacker.next() {
            match unpacked {
                Unpacked::Event(MediaEvent::Frame(frame)) => match frame.track.kind {
                    MediaKind::Video => ours.video.push(frame),
                    _ => ours.audio.push(frame),
                },
                Unpacked::Event(MediaEvent::Track(track)) => {
                    let kind = if track.id.kind == MediaKind::Video { "video" } else { "audio" };
                    ours.params.entry(kind).or_default().push((*track.params).clone());
                }
                Unpacked::Finding(finding) => ours.findings.push(format!("{finding}")),
                _ => {}
            }
        }
    }
    ours
}

/// ffprobe's packets, and the kinds of pictures by the place of their packet in the file.
fn theirs(ffprobe: &str, path: &str) -> (Probed, BTreeMap<u64, char>) {
    let line = format!(
        "{ffprobe} -v quiet -show_streams -show_packets -show_frames -show_data_hash md5 -of json {path}"
    );
    let text = run(&line, LIMIT).ok().stdout;
    let json: Value = serde_json::from_str(&text).expect("JSON of ffprobe");
    // With both, it calls the list of both `packets_and_frames`.
    let both = json["packets_and_frames"].as_array().cloned().unwrap_or_default();
    let of = |kind: &str| -> Vec<Value> {
        both.iter().filter(|it| it["type"] == kind).cloned().collect()
    };
    let pictures = of("frame").into_iter().filter_map(|it| {
        let position = it["pkt_pos"].as_str()?.parse().ok()?;
        Some((position, it["pict_type"].as_str()?.chars().next()?))
    });
    let packets = serde_json::json!({ "streams": json["streams"], "packets": of("packet") });
    (parse(&packets.to_string()), pictures.collect())
}

/// Compares a file; returns how many pictures it was.
#[track_caller]
fn agree(ffprobe: &str, path: &str) -> usize {
    let (ours, (theirs, pictures)) = (read(path), theirs(ffprobe, path));
    for (kind, frames) in [("video", &ours.video), ("audio", &ours.audio)] {
        let packets = theirs.of(kind);
        assert_eq!(frames.len(), packets.len(), "{path}: {kind} frames; {:?}", ours.findings);
        for (at, (frame, packet)) in frames.iter().zip(&packets).enumerate() {
            assert_eq!(frame.data.len(), packet.size, "{path}: size of {kind} frame {at}");
            let same = |ours: i64, theirs: Option<i64>| theirs.is_none_or(|it| it == ours * 1000);
            assert!(
                same(frame.dts.0, packet.dts) && same(frame.pts().0, packet.pts),
                "{path}: times of {kind} frame {at}: {frame:?}, {packet:?}"
            );
        }
    }
    let mut judged = 0;
    for (at, (frame, packet)) in ours.video.iter().zip(theirs.of("video")).enumerate() {
        assert_eq!(
            frame.facts.marked_key, packet.key,
            "{path}: what the container says of frame {at}"
        );
        if matches!(theirs.codec("video"), "av1" | "vp9") {
            let key = frame.facts.random_access == RandomAccess::Instant;
            assert_eq!(key, packet.key, "{path}: random access at frame {at}: {:?}", frame.facts);
            judged += 1;
            continue;
        }
        let Some(&picture) = packet.position.and_then(|it| pictures.get(&it)) else { continue };
        let ours = match frame.facts.slices {
            Slices::I => 'I',
            Slices::P => 'P',
            Slices::B => 'B',
            Slices::Unknown => continue,
        };
        assert_eq!(ours, picture, "{path}: the kind of frame {at}: {:?}", frame.facts);
        if frame.facts.random_access == RandomAccess::Instant {
            assert_eq!(picture, 'I', "{path}: random access at frame {at}");
        }
        judged += 1;
    }
    parameters(path, &ours, &theirs);
    judged
}

fn parameters(path: &str, ours: &Ours, theirs: &Probed) {
    let stream = |kind: &str| theirs.streams.iter().find(|it| it["codec_type"] == kind);
    let number = |it: &Value| it.as_u64().or_else(|| it.as_str()?.parse().ok()).unwrap_or_default();
    if let (Some(stream), Some(params)) = (stream("video"), ours.params.get("video")) {
        let facts: Vec<_> = params.iter().filter_map(CodecParams::video).collect();
        // Of a stream that changes its size, ffprobe shows one of them.
        let seen = (number(&stream["width"]), number(&stream["height"]));
        assert!(
            facts.iter().any(|it| (u64::from(it.width), u64::from(it.height)) == seen),
            "{path}: dimensions {seen:?}: {facts:?}"
        );
        if let Some((numerator, denominator)) = facts[0].frame_rate.filter(|_| facts.len() == 1) {
            let rate = stream["r_frame_rate"].as_str().unwrap_or_default();
            let (one, other) = rate.split_once('/').expect("a rate");
            let rate =
                one.parse::<f64>().expect("a number") / other.parse::<f64>().expect("a number");
            let stated = f64::from(numerator) / f64::from(denominator);
            // Guessed from whole milliseconds by ffprobe, and for interlaced pictures in fields.
            let near = |it: f64| (rate - it).abs() < it * 0.03;
            if !path.contains("vfr") {
                assert!(near(stated) || near(stated * 2.0), "{path}: rate {stated}, not {rate}");
            }
        }
    }
    if let (Some(stream), Some(params)) = (stream("audio"), ours.params.get("audio")) {
        let facts: Vec<_> = params.iter().filter_map(CodecParams::audio).collect();
        // SBR doubles the rate, PS the channels; where nothing but the frames says so, no header reader knows.
        // Of six channels in FLV ffprobe 8.1.2 shows the 44.1 kHz of the tag's flags, 5.1 the 48 kHz of the record.
        let rate = number(&stream["sample_rate"]);
        let flags = number(&stream["channels"]) > 2 && path.ends_with(".flv");
        assert!(
            facts.iter().any(|it| {
                let ours = u64::from(it.sample_rate);
                flags || ours == rate || ours * 2 == rate || rate * 2 == ours
            }),
            "{path}: {rate} Hz: {facts:?}"
        );
    }
}

#[test]
fn every_flv_vector() {
    if left_out("codec facts", &["ffmpeg"]) {
        return;
    }
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/flv/testdata/media");
    let (mut count, mut pictures) = (0, 0);
    for name in files(vectors, "flv") {
        pictures += agree("ffprobe", &format!("{vectors}/{name}.flv"));
        count += 1;
    }
    assert!(count > 30, "{count} vectors");
    result(
        "codec facts",
        "ffprobe, FLV vectors",
        &format!("ok: {count} files, {pictures} pictures"),
    );
}

/// The raw streams of the codec crate, given times and put into FLV by ffmpeg.
#[test]
fn every_codec_vector() {
    if left_out("codec facts", &["ffmpeg9", "ffprobe8"]) {
        return;
    }
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/codec/testdata");
    for (kind, extensions) in [
        ("h264", &["h264"][..]),
        ("hevc", &["h265"]),
        ("av1", &["obu"]),
        ("vp9", &["ivf"]),
        ("audio", &["aac", "mp3", "ac3", "eac3", "flac"]),
    ] {
        let (mut count, mut pictures) = (0, 0);
        for extension in extensions {
            for name in files(&format!("{vectors}/{kind}"), extension) {
                // Raw streams have no times: decoding time is counted, and shown with the delay that none exceeds.
                let times = match kind {
                    "h264" => "-bsf:v setts=dts=N*40:pts=N*40:time_base=1/1000",
                    "hevc" => "-bsf:v setts=dts=N*40:pts=N*40:time_base=1/1000",
                    _ => "",
                };
                let file = media::make(
                    &format!("vector-{name}-{extension}.flv"),
                    &format!(
                        "ffmpeg9 -v error -y -i {vectors}/{kind}/{name}.{extension} -map 0 -c copy {times} -f flv"
                    ),
                );
                pictures += agree("ffprobe8", &file);
                count += 1;
            }
        }
        assert!(count > 0, "no vectors of {kind}");
        result(
            "codec facts",
            &format!("ffprobe, {kind} vectors"),
            &format!("ok: {count} files, {pictures} pictures"),
        );
    }
}

#[test]
fn random_encoder_settings() {
    if left_out("codec facts", &["ffmpeg"]) {
        return;
    }
    let pictures: usize = (0..draws()).map(|number| agree("ffprobe", &drawn_stream(number))).sum();
    result(
        "codec facts",
        "x264 with random settings",
        &format!("ok: {} files, {pictures} pictures", draws()),
    );
}

#[test]
fn codecs_of_enhanced_rtmp() {
    if left_out("codec facts", &["ffmpeg9", "ffprobe8"]) {
        return;
    }
    for name in ["hevc-aac", "av1-opus", "vp9-flac", "h264-ac3", "h264-eac3"] {
        let file = media::enhanced(name);
        let pictures = agree("ffprobe8", &file);
        let findings = read(&file).findings;
        assert!(findings.is_empty(), "{name}: {findings:?}");
        result("codec facts", name, &format!("ok: {pictures} pictures, no finding"));
    }
}
