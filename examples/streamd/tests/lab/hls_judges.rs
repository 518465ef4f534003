//! Playlists and boxes before strict judges; players that are no browsers.

use std::time::Duration;

use crate::browsers::{live, node_modules};
use crate::media;
use crate::packaging::{drawn_stream, pictures, stretches};
use crate::server::listening;
use crate::tool::{free_port, left_out, result, run, start, version, work};
use crate::viewers::vlc;

const LIMIT: Duration = Duration::from_secs(60);

pub fn judge(what: &str, files: &str) {
    node_modules();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/judge.mjs");
    run(&format!("node '{script}' {what} {files}"), LIMIT).silent();
}

/// Streams with the peculiarities that show in playlists.
fn sources() -> Vec<(String, String)> {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/flv/testdata/media");
    let names = [
        "h264_main_b2_aac48s",
        "res_change_newseqhdr",
        "h264_irregular_gop",
        "aac48s_only",
        "h264_vfr",
        "h264_gop12s",
    ];
    let mut sources: Vec<_> =
        names.iter().map(|it| ((*it).to_owned(), format!("{vectors}/{it}.flv"))).collect();
    sources.extend((0..5).map(|it| (format!("drawn-{it}"), drawn_stream(it))));
    sources
}

#[test]
fn playlists_and_boxes_of_package() {
    if left_out("judge", &["node", "npm", "ffmpeg", "curl"]) {
        return;
    }
    let sources = sources();
    let (mut playlists, mut boxes) = (String::new(), String::new());
    for (name, file) in &sources {
        for flag in ["", "--ts"] {
            let out = work(&format!("judge-{name}{flag}"));
            run(&format!("package {file} {out} {flag} --segment 2"), LIMIT).ok();
            playlists.push_str(&format!("{out}/index.m3u8 "));
            if flag.is_empty() {
                boxes.push_str(&stretches(&out).join(" "));
                boxes.push(' ');
            }
        }
    }
    judge("playlist", &playlists);
    result(
        "judge",
        "hls-parser 0.16.1 strict, m3u8-parser 7.2.0",
        &format!("ok: {} playlists of package", sources.len() * 2),
    );
    judge("boxes", &boxes);
    result(
        "judge",
        "codem-isoboxer 0.3.10, mp4box.js 2.4.1",
        &format!("ok: {} fMP4 streams", sources.len()),
    );
}

#[test]
fn live_playlists_of_streamd() {
    if left_out("judge", &["node", "npm", "ffmpeg", "curl"]) {
        return;
    }
    let (server, _publisher) = live(&media::low_latency_clip(60));
    let out = work("judge-live");
    let mut files = String::new();
    for number in 0..12 {
        for playlist in ["index", "main"] {
            let file = format!("{out}/{playlist}-{number}.m3u8");
            let url = server.hls("it").replace("index", playlist);
            run(&format!("curl -s -S -f -o {file} {url}"), LIMIT).silent();
            files.push_str(&format!("{file} "));
        }
        // Not in step with parts and segments.
        std::thread::sleep(Duration::from_millis(370));
    }
    judge("playlist", &files);
    result(
        "judge",
        "hls-parser 0.16.1 strict, m3u8-parser 7.2.0",
        "ok: 24 live playlists of streamd, LL-HLS",
    );
}

#[test]
fn players_of_live_hls() {
    if left_out("HLS player", &["ffmpeg", "curl"]) {
        return;
    }
    let (server, _publisher) = live(&media::clip(60));
    let url = server.hls("it");
    for (tool, who, line) in [
        ("ffmpeg", "ffmpeg", "ffmpeg -v error -xerror -i URL -t 4 -f null -"),
        ("ffmpeg9", "ffmpeg", "ffmpeg9 -v error -xerror -i URL -t 4 -f null -"),
        ("mpv", "mpv", "mpv --no-config --really-quiet --vo=null --ao=null --length=3 URL"),
    ] {
        if left_out("HLS player", &[tool]) {
            continue;
        }
        run(&line.replace("URL", &url), LIMIT).silent();
        result(
            "HLS player, live fMP4 from streamd",
            &format!("{who} {}", version(tool)),
            "ok: no error",
        );
    }
}

#[test]
fn gstreamer_plays_vod() {
    if left_out("HLS player", &["gst-launch-1.0", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    for (flag, what) in [("--ts", "TS"), ("", "fMP4")] {
        let out = work(&format!("gst-vod{flag}"));
        run(&format!("package {clip} {out} {flag} --segment 2"), LIMIT).ok();
        let port = free_port();
        let _vod = start(&format!("vod {out} --listen 127.0.0.1:{port}"));
        listening(port);
        let line = format!(
            "gst-launch-1.0 -q playbin3 uri=http://127.0.0.1:{port}/index.m3u8 \
             'video-sink=fakesink sync=false' 'audio-sink=fakesink sync=false'"
        );
        run(&line, LIMIT).ok();
        let who = format!("GStreamer playbin3 {}", version("gst-launch-1.0"));
        result(&format!("HLS player, VOD {what}"), &who, "ok: to its end");
    }
}

/// When VLC joins a live playlist with fewer segments, it runs dry ("PCR is called too late") and throws away what its
/// decoder was about to get ("unref short failure"). That is its own doing: so it loses pictures of ffmpeg's HLS, fMP4
/// and TS, from a server of plain files.
const SEGMENTS_FOR_VLC: usize = 6;

#[test]
fn vlc_plays() {
    if left_out("HLS player", &["vlc", "ffmpeg", "curl"]) {
        return;
    }
    let clip = media::clip(5);
    let sent = pictures("ffmpeg", &clip);
    for (flag, what) in [("--ts", "HLS player, VOD TS"), ("", "HLS player, VOD fMP4")] {
        let out = work(&format!("vlc-vod{flag}"));
        run(&format!("package {clip} {out} {flag} --segment 2"), LIMIT).ok();
        let port = free_port();
        let _vod = start(&format!("vod {out} --listen 127.0.0.1:{port}"));
        listening(port);
        let seen = vlc(what, &format!("http://127.0.0.1:{port}/index.m3u8"), 20, &sent);
        assert!((sent.len() - 5..=sent.len()).contains(&seen), "{seen} of {}", sent.len());
    }
    let clip = media::clip(60);
    let (server, _publisher) = live(&clip);
    for number in 0..SEGMENTS_FOR_VLC {
        let playlist = server.hls("it").replace("index", "main");
        let blocking = format!("{playlist}?_HLS_msn={number}");
        run(&format!("curl -s -S -f -o /dev/null {blocking}"), LIMIT).silent();
    }
    let what = "HLS player, live fMP4 from streamd";
    let seen = vlc(what, &server.hls("it"), 12, &pictures("ffmpeg", &clip));
    assert!(seen > 90, "{seen} pictures until second 12");
}
