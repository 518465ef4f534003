//! Encoders publish to `ingest` and to `streamd`. `play` records what comes out: it has to be what went in, packet by
//! packet.

use std::thread::sleep;
use std::time::Duration;

use crate::media;
use crate::probe::{Probed, decodes, probe, same_run};
use crate::server::{Server, ingest, streamd};
use crate::tool::{full, left_out, result, run, start, version, work};

const LIMIT: Duration = Duration::from_secs(40);

/// Runs an encoder's command line with `play` beside it, and returns what that got.
///
/// `streamd` refuses to play what nobody publishes, so there the player comes a moment later: what it gets begins at
/// a keyframe.
fn recorded(who: &str, server: &Server, early: bool, line: &str, prober: &str) -> Probed {
    let folder = work(&format!("publisher {who}").replace([' ', '/', ':'], "-"));
    let (url, file) = (server.url("it"), format!("{folder}/got.flv"));
    let play = format!("play {url} {file} --seconds 30");
    let mut player = early.then(|| start(&play));
    sleep(Duration::from_millis(300));
    let encoder = start(&line.replace("URL", &url));
    if player.is_none() {
        sleep(Duration::from_millis(1500));
        player = Some(start(&play));
    }
    encoder.wait(LIMIT).silent();
    // The encoder is done when its bytes are sent: they have to pass the server and the player.
    sleep(Duration::from_millis(700));
    drop(player);
    decodes(if prober == "ffprobe" { "ffmpeg" } else { "ffmpeg9" }, &file);
    probe(prober, &file)
}

/// Publishes a file and compares, packet by packet.
fn copies(who: &str, server: &Server, early: bool, line: &str, file: &str, prober: &str) {
    let (sent, got) = (probe(prober, file), recorded(who, server, early, line, prober));
    let (video, audio) = same_run(&sent, &got);
    let all = (sent.of("video").len(), sent.of("audio").len());
    if early {
        // Sound from before the first keyframe is no part of a group of pictures, so no player gets it.
        let begin = sent.of("video").first().and_then(|it| it.dts);
        let before = sent.of("audio").iter().filter(|it| it.dts < begin).count();
        assert!(video == all.0 && audio + before >= all.1, "{who}: {video} and {audio} of {all:?}");
    } else {
        assert!(video * 2 > all.0 && audio * 2 > all.1, "{who}: {video} and {audio} of {all:?}");
    }
    let (picture, sound) = (sent.codec("video"), sent.codec("audio"));
    result(
        "publisher",
        who,
        &format!("ok: {video} {picture} and {audio} {sound} packets, byte by byte"),
    );
}

/// An encoder that makes its own pictures: they are counted and decoded.
fn encodes(who: &str, server: &Server, early: bool, line: &str, frames: usize, sounds: usize) {
    let got = recorded(who, server, early, line, "ffprobe");
    let (video, audio) = (got.of("video").len(), got.of("audio").len());
    if early {
        assert_eq!(video, frames, "{who}: pictures");
        assert!(audio.abs_diff(sounds) <= 2, "{who}: {audio} of {sounds} frames of sound");
    } else {
        assert!(video * 2 > frames && audio * 2 > sounds, "{who}: {video} and {audio}");
    }
    result("publisher", who, &format!("ok: {video} h264 and {audio} aac packets, all decode"));
}

/// ffmpeg copies a file at its own pace.
fn ffmpeg(tool: &str) {
    if left_out("publisher", &[tool]) {
        return;
    }
    let (clip, version) = (media::clip(5), version(tool));
    let line = format!("{tool} -v error -re -i {clip} -c copy -f flv URL");
    copies(&format!("ffmpeg {version} to ingest"), &ingest(), true, &line, &clip, "ffprobe");
    copies(&format!("ffmpeg {version} to streamd"), &streamd(), false, &line, &clip, "ffprobe");
}

#[test]
fn ffmpeg_of_debian() {
    ffmpeg("ffmpeg");
}

#[test]
fn ffmpeg_8() {
    ffmpeg("ffmpeg8");
}

#[test]
fn ffmpeg_newest() {
    ffmpeg("ffmpeg9");
}

/// H.265, AV1, VP9, Opus, FLAC, AC-3 and E-AC-3 through Enhanced RTMP, announced in `fourCcList` or not.
#[test]
fn ffmpeg_newest_enhanced() {
    if left_out("publisher", &["ffmpeg9", "ffprobe8"]) {
        return;
    }
    let announce = "-rtmp_enhanced_codecs hvc1,av01,vp09,Opus,fLaC,ac-3,ec-3";
    for (name, option) in [
        ("hevc-aac", announce),
        ("av1-opus", announce),
        ("vp9-flac", announce),
        ("h264-ac3", ""),
        ("h264-eac3", ""),
    ] {
        let file = media::enhanced(name);
        let line = format!("ffmpeg9 -v error -re -i {file} -c copy -f flv {option} URL");
        let who = format!("ffmpeg {} {name}", version("ffmpeg9"));
        copies(&format!("{who} to streamd"), &streamd(), false, &line, &file, "ffprobe8");
        if full() {
            copies(&format!("{who} to ingest"), &ingest(), true, &line, &file, "ffprobe8");
        }
    }
}

const PICTURES: usize = 150;
const SOUNDS: usize = 234;

fn gstreamer(sink: &str) {
    if left_out("publisher", &["gst-launch-1.0"]) {
        return;
    }
    let line = format!(
        "gst-launch-1.0 -q flvmux name=mux streamable=true ! {sink} location=URL \
         videotestsrc is-live=true num-buffers={PICTURES} ! video/x-raw,width=640,height=360,framerate=30/1 \
         ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 \
         ! video/x-h264,profile=constrained-baseline ! h264parse ! mux. \
         audiotestsrc is-live=true num-buffers={SOUNDS} samplesperbuffer=1024 \
         ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux."
    );
    let who = format!("GStreamer {} {sink}", version("gst-launch-1.0"));
    encodes(&format!("{who} to ingest"), &ingest(), true, &line, PICTURES, SOUNDS);
    encodes(&format!("{who} to streamd"), &streamd(), false, &line, PICTURES, SOUNDS);
}

#[test]
fn gstreamer_rtmp2sink() {
    gstreamer("rtmp2sink");
}

/// librtmp inside.
#[test]
fn gstreamer_rtmpsink() {
    gstreamer("rtmpsink");
}

#[test]
fn our_publish() {
    if left_out("publisher", &["ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let (server, folder) = (ingest(), work("publish-to-ingest"));
    let (url, file) = (server.url("it"), format!("{folder}/got.flv"));
    let player = start(&format!("play {url} {file} --seconds 30"));
    sleep(Duration::from_millis(300));
    run(&format!("publish {clip} {url}"), LIMIT).ok();
    sleep(Duration::from_millis(700));
    drop(player);
    let (sent, got) = (probe("ffprobe", &clip), probe("ffprobe", &file));
    let (video, audio) = same_run(&sent, &got);
    assert_eq!((video, audio), (sent.of("video").len(), sent.of("audio").len()));
    result(
        "publisher",
        "publish to ingest",
        &format!("ok: {video} and {audio} packets, byte by byte"),
    );
}
