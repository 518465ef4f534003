//! Players of RTMP play from `ingest` and from `streamd`, all at the same time.

use std::fs;
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::media;
use crate::probe::{Probed, decodes, probe, same_run};
use crate::server::{Server, ingest, streamd};
use crate::tool::{folder, left_out, result, run, start, version, work};

const LIMIT: Duration = Duration::from_secs(30);

/// Those that write what they get, so that it can be compared: tool, who it is, command line, and whether its end
/// is a signal and so its file may be cut in the last tag.
pub const RECORDERS: &[(&str, &str, &str)] = &[
    ("ffmpeg", "ffmpeg", "ffmpeg -v error -y -i URL -t 4 -c copy -f flv FILE"),
    ("ffmpeg8", "ffmpeg", "ffmpeg8 -v error -y -i URL -t 4 -c copy -f flv FILE"),
    ("ffmpeg9", "ffmpeg", "ffmpeg9 -v error -y -i URL -t 4 -c copy -f flv FILE"),
    ("rtmpdump", "rtmpdump", "timeout -s INT 5 rtmpdump -q -v -r URL -o FILE"),
    (
        "gst-launch-1.0",
        "GStreamer rtmpsrc (librtmp)",
        // To stop, it frees what its other thread reads with, and now and then dies of that: not to wait for a debugger.
        "timeout -s INT 5 gst-launch-1.0 -q --no-fault rtmpsrc location=URL ! filesink location=FILE",
    ),
    (
        "gst-launch-1.0",
        "GStreamer rtmp2src",
        "timeout -s INT 5 gst-launch-1.0 -q rtmp2src location=URL ! filesink location=FILE",
    ),
];

/// Those that show what they get, and say so with their exit code.
const VIEWERS: &[(&str, &str, &str)] = &[
    ("mpv", "mpv", "mpv --no-config --really-quiet --vo=null --ao=null --length=3 URL"),
    ("ffmpeg", "ffmpeg decoding", "ffmpeg -v error -xerror -i URL -t 3 -f null -"),
];

#[test]
fn from_ingest() {
    all(&ingest(), "ingest");
}

#[test]
fn from_streamd() {
    all(&streamd(), "streamd");
}

fn all(server: &Server, name: &str) {
    if left_out("player", &["ffmpeg"]) {
        return;
    }
    let clip = media::clip(20);
    let url = server.url("it");
    let publisher = start(&format!("publish {clip} {url}"));
    sleep(Duration::from_millis(1500));
    let sent = probe("ffprobe", &clip);
    let sent = &sent;
    let url = url.as_str();
    scope(|scope| {
        for &(tool, who, line) in RECORDERS {
            if !left_out("player", &[tool]) {
                scope.spawn(move || {
                    recorder(tool, &format!("{who} {} from {name}", version(tool)), line, url, sent)
                });
            }
        }
        for &(tool, who, line) in VIEWERS {
            if !left_out("player", &[tool]) {
                scope.spawn(move || {
                    viewer(&format!("{who} {} from {name}", version(tool)), line, url)
                });
            }
        }
        let file = format!("{}/got.flv", work(&format!("player-play-{name}")));
        scope.spawn(move || {
            run(&format!("play {url} {file} --seconds 4"), LIMIT).ok();
            compare(&format!("play from {name}"), sent, &file);
        });
    });
    drop(publisher);
}

pub fn recorder(tool: &str, who: &str, line: &str, url: &str, sent: &Probed) {
    let file = format!("{}/got.flv", work(&format!("player {who}").replace([' ', '(', ')'], "-")));
    let ended = run(&line.replace("URL", url).replace("FILE", &file), LIMIT);
    if tool.starts_with("ffmpeg") {
        ended.silent();
    } else {
        whole_tags(&file);
    }
    compare(who, sent, &file);
}

fn compare(who: &str, sent: &Probed, file: &str) {
    decodes("ffmpeg", file);
    let (video, audio) = same_run(sent, &probe("ffprobe", file));
    assert!(video >= 60 && audio >= 90, "{who}: {video} pictures and {audio} frames of sound only");
    result("player", who, &format!("ok: {video} and {audio} packets, byte by byte, all decode"));
}

fn viewer(who: &str, line: &str, url: &str) {
    run(&line.replace("URL", url), LIMIT).silent();
    result("player", who, "ok: no error");
}

/// Cuts a file behind its last whole tag: players that are stopped by a signal stop in the midst of one.
fn whole_tags(file: &str) {
    let path = folder().join(Path::new(file));
    let bytes = fs::read(&path).unwrap_or_else(|why| panic!("{file}: {why}"));
    let mut end = 13;
    while let Some(size) = bytes.get(end + 1..end + 4) {
        let next = end
            + 15
            + (usize::from(size[0]) << 16 | usize::from(size[1]) << 8 | usize::from(size[2]));
        if next > bytes.len() {
            break;
        }
        end = next;
    }
    fs::write(&path, &bytes[..end.min(bytes.len())]).expect("target/lab can be written");
}
