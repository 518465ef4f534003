//! `package` writes HLS as fMP4 and as TS, `remux` files of every kind. ffprobe has to find the frames of the input in
//! them, at their times, and ffmpeg has to decode all of them to the same pictures.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::media;
use crate::probe::{Packet, Probed, parse};
use crate::tool::{folder, full, left_out, result, run, work};

const LIMIT: Duration = Duration::from_secs(60);

/// Vectors of which a part has no place in HLS, and why.
const PARTIAL: &[(&str, &str)] = &[
    ("starts_mid_gop", "nothing can be decoded before its first keyframe"),
    ("ts_backwards", "time jumps, and no keyframe follows"),
    ("ts_gap_5s", "time jumps, and no keyframe follows"),
];

/// Vectors whose damage is in the pictures themselves, so that no decoder is silent.
const DAMAGED: &[&str] = &["cfg_change_same_res", "starts_mid_gop"];

#[test]
fn every_flv_vector() {
    if left_out("packaging", &["ffmpeg"]) {
        return;
    }
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/flv/testdata/media");
    let mut names: Vec<_> = files(vectors, "flv");
    names.sort();
    assert!(!names.is_empty(), "no vectors in {vectors}");
    for container in ["fmp4", "ts"] {
        for name in &names {
            packaged(&format!("{vectors}/{name}.flv"), name, container, 2);
        }
        result(
            "packaging",
            container,
            &format!("ok: {} FLV vectors, every packet and time", names.len()),
        );
    }
}

pub fn files(path: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let names = entries.filter_map(|it| it.file_name().into_string().ok());
    names.filter_map(|it| it.strip_suffix(&format!(".{extension}")).map(str::to_owned)).collect()
}

/// Settings of x264 and AAC that encoders out there have, drawn by number.
fn drawn(number: u32) -> String {
    // A fixed sequence, so that a failure comes again.
    let mut state = u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut draw = |count: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % count
    };
    let mut pick = |of: &[&str]| {
        let count = u64::try_from(of.len()).expect("a few");
        of[usize::try_from(draw(count)).expect("a few")].to_owned()
    };
    let rate =
        pick(&["24", "25", "30", "50", "60", "30000/1001", "24000/1001", "60000/1001", "12.5"]);
    let size = pick(&["320x180", "322x182", "640x360", "176x144", "426x240"]);
    let frames = pick(&["12", "25", "48", "60", "250"]);
    let b_frames = pick(&["0", "1", "2", "3", "5"]);
    let pyramid = pick(&["none", "strict", "normal"]);
    let open = pick(&["0", "1"]);
    let slices = pick(&["1", "1", "4"]);
    let refs = pick(&["1", "3", "5"]);
    let preset = pick(&["ultrafast", "veryfast", "medium"]);
    let refresh = pick(&["0", "0", "0", "1"]);
    let repeat = pick(&["0", "1"]);
    let sound = pick(&["48000 -ac 2", "44100 -ac 2", "44100 -ac 1", "32000 -ac 1", "22050 -ac 2"]);
    format!(
        "-f lavfi -i testsrc2=size={size}:rate={rate} -f lavfi -i sine -t 5 -pix_fmt yuv420p \
         -c:v libx264 -preset {preset} -g {frames} -bf {b_frames} -refs {refs} -x264-params \
         b-pyramid={pyramid}:open-gop={open}:slices={slices}:intra-refresh={refresh}:repeat-headers={repeat} \
         -c:a aac -ar {sound} -flvflags no_duration_filesize -f flv"
    )
}

/// A stream of [`drawn`] settings.
pub fn drawn_stream(number: u32) -> String {
    media::make(&format!("drawn-{number}.flv"), &format!("ffmpeg -v error -y {}", drawn(number)))
}

/// How many streams of random settings are tried.
pub fn draws() -> u32 {
    if full() { 60 } else { 20 }
}

#[test]
fn random_encoder_settings() {
    if left_out("packaging", &["ffmpeg"]) {
        return;
    }
    for number in 0..draws() {
        let file = drawn_stream(number);
        for container in ["fmp4", "ts"] {
            packaged(&file, &format!("drawn-{number}"), container, 2);
        }
    }
    result(
        "packaging",
        "x264 with random settings",
        &format!("ok: {} streams, fMP4 and TS", draws()),
    );
}

#[test]
fn codecs_of_enhanced_rtmp() {
    if left_out("packaging", &["ffmpeg9", "ffprobe8"]) {
        return;
    }
    for name in ["hevc-aac", "av1-opus", "vp9-flac", "h264-ac3", "h264-eac3"] {
        let file = media::enhanced(name);
        let containers: &[&str] = if name.starts_with("av1") || name.starts_with("vp9") {
            &["fmp4"]
        } else {
            &["fmp4", "ts"]
        };
        for container in containers {
            judge("ffmpeg9", "ffprobe8", &file, name, container, 2);
        }
        result("packaging", name, &format!("ok: {}", containers.join(" and ")));
    }
}

/// From every container into every other one.
#[test]
fn files_of_remux() {
    if left_out("packaging", &["ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let (input, sent) = (read("ffprobe", &clip), pictures("ffmpeg", &clip));
    let out = work("remux");
    let endings = ["flv", "ts", "m4s", "mp4"];
    for from in endings {
        let first = format!("{out}/{from}.{from}");
        run(&format!("remux {clip} {first}"), LIMIT).ok();
        for to in endings {
            let (name, second) = (format!("{from} to {to}"), format!("{out}/{from}-{to}.{to}"));
            run(&format!("remux {first} {second}"), LIMIT).ok();
            run(&format!("ffmpeg -v error -xerror -i {second} -map 0 -f null -"), LIMIT).silent();
            let output = read("ffprobe", &second);
            for kind in ["video", "audio"] {
                assert_eq!(output.of(kind).len(), input.of(kind).len(), "{kind} packets of {name}");
            }
            same_times("the clip", &name, &input, &output);
            assert!(pictures("ffmpeg", &second) == sent, "the pictures of {name}");
        }
    }
    result("packaging", "remux", "ok: FLV, TS, fMP4 and MP4, each into each");
}

fn packaged(file: &str, name: &str, container: &str, seconds: u32) {
    judge("ffmpeg", "ffprobe", file, name, container, seconds);
}

/// Packages a file and has ffmpeg judge what came out.
fn judge(ffmpeg: &str, ffprobe: &str, file: &str, name: &str, container: &str, seconds: u32) {
    let out = work(&format!("package-{name}-{container}"));
    let ts = if container == "ts" { "--ts" } else { "" };
    run(&format!("package {file} {out} {ts} --segment {seconds}"), LIMIT).ok();
    let input = read(ffprobe, file);
    let stretches = stretches(&out);
    let whole = PARTIAL.iter().all(|(it, _)| *it != name);
    let damaged = DAMAGED.contains(&name);
    let outputs: Vec<_> = stretches.iter().map(|it| read(ffprobe, it)).collect();
    for kind in ["video", "audio"] {
        let got: Vec<&Packet> = outputs.iter().flat_map(|it| it.of(kind)).collect();
        let sent = input.of(kind);
        // Sound from before the first picture has no place.
        let begin = input.of("video").first().and_then(|it| it.dts);
        let before =
            sent.iter().filter(|it| kind == "audio" && begin.is_some() && it.dts < begin).count();
        if whole {
            assert_eq!(got.len() + before, sent.len(), "{kind} packets of {name} as {container}");
        } else {
            assert!(!got.is_empty() || sent.is_empty(), "no {kind} of {name} as {container}");
        }
    }
    if let ([output], true) = (&outputs[..], whole) {
        same_times(name, container, &input, output);
    }
    if !damaged {
        for stretch in &stretches {
            run(&format!("{ffmpeg} -v error -xerror -i {stretch} -map 0 -fps_mode passthrough {} -f null -", own_times(ffmpeg)), LIMIT).silent();
        }
    }
    let seen = !input.of("video").is_empty();
    if let ([stretch], true, false, true) = (&stretches[..], whole, damaged, seen) {
        let (sent, got) = (pictures(ffmpeg, file), pictures(ffmpeg, stretch));
        let first = sent.iter().zip(&got).position(|(one, other)| one != other);
        assert_eq!(first, None, "the first picture of {name} that differs as {container}");
        assert_eq!(got.len(), sent.len(), "the number of pictures of {name} as {container}");
    }
}

/// Every frame is as far from the first picture as it was, up to the rounding of the two clocks.
fn same_times(name: &str, container: &str, input: &Probed, output: &Probed) {
    let first = |probed: &Probed| {
        let lead = if probed.of("video").is_empty() { "audio" } else { "video" };
        probed.of(lead).first().and_then(|it| it.dts).expect("a first packet with a time")
    };
    let (begin, shifted) = (first(input), first(output));
    for kind in ["video", "audio"] {
        let (sent, got) = (input.of(kind), output.of(kind));
        let skipped = sent.len() - got.len();
        // FLV counts whole milliseconds; sound is put on the grid of its samples.
        let rounding = if kind == "audio" { 1_100 } else { 12 };
        for (at, (one, other)) in sent.iter().skip(skipped).zip(&got).enumerate() {
            let near = |one: Option<i64>, other: Option<i64>| {
                one.zip(other).is_none_or(|(one, other)| {
                    ((other - shifted) - (one - begin)).abs() <= rounding
                })
            };
            assert!(
                near(one.dts, other.dts) && near(one.pts, other.pts),
                "the time of {kind} packet {at} of {name} as {container}: {one:?} became {other:?}, first {begin} and {shifted}"
            );
        }
    }
}

/// Keeps the times of the input: frame rates that vary do not fit the time base that an encoder would get.
fn own_times(ffmpeg: &str) -> &str {
    if ffmpeg == "ffmpeg" { "-enc_time_base:v -1" } else { "-enc_time_base:v demux" }
}

/// The decoded pictures, one hash each.
pub fn pictures(ffmpeg: &str, file: &str) -> Vec<String> {
    let times = own_times(ffmpeg);
    let line =
        format!("{ffmpeg} -v error -i {file} -map 0:v -fps_mode passthrough {times} -f framemd5 -");
    let text = run(&line, LIMIT).ok().stdout;
    let lines = text.lines().filter(|it| it.starts_with("0,"));
    lines.filter_map(|it| it.rsplit(',').next()).map(|it| it.trim().to_owned()).collect()
}

fn read(ffprobe: &str, file: &str) -> Probed {
    let line = format!(
        "{ffprobe} -v quiet -show_streams -show_packets -show_data_hash md5 -of json {file}"
    );
    parse(&run(&line, LIMIT).ok().stdout)
}

/// The segments from one discontinuity to the next, joined behind their init section: FFmpeg's reader of playlists does
/// not take a second init section. Paths, in the order of the playlist.
pub fn stretches(out: &str) -> Vec<String> {
    let path = folder().join(out);
    let playlist = fs::read_to_string(path.join("index.m3u8")).expect("a playlist");
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    let mut joined: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let (mut number, mut init) = (0, None);
    for line in playlist.lines() {
        if line == "#EXT-X-DISCONTINUITY" && !joined.is_empty() {
            number += 1;
        }
        if let Some(uri) =
            line.strip_prefix("#EXT-X-MAP:URI=\"").and_then(|it| it.split('"').next())
        {
            init = Some(fs::read(path.join(uri)).expect("an init section"));
        }
        if !line.starts_with('#') {
            let begin = init.clone().unwrap_or_default();
            let bytes = joined.entry(number).or_insert(begin);
            bytes.extend(fs::read(path.join(line)).expect("a segment"));
        }
    }
    joined
        .into_iter()
        .map(|(number, bytes)| {
            let name =
                format!("{out}/stretch-{number}.{}", if init.is_some() { "mp4" } else { "ts" });
            fs::write(folder().join(&name), bytes).expect("target/lab can be written");
            name
        })
        .collect()
}
