//! Encoders publish to `ingest` and to `streamd`. `play` records what comes out: it has to be what went in, packet by
//! packet.

use std::time::Duration;

use crate::probe::{decodes, probe, same_run};
use crate::server::{Server, ingest, streamd};
use crate::tool::{left_out, result, run, start, version, work};
use crate::media;

const LIMIT: Duration = Duration::from_secs(40);

/// Publishes a file with a command line and compares what a player got.
fn copies(who: &str, server: &Server, line: &str, file: &str, prober: &str) {
    let sent = probe(prober, file);
    let (video, audio) = same_run(&sent, &recorded(who, server, line, prober));
    assert_eq!(video, sent.of("video").len(), "{who}: all video packets");
    assert_eq!(audio, sent.of("audio").len(), "{who}: all audio packets");
    let codecs = (sent.codec("video"), sent.codec("audio"));
    result("publisher", who, &format!("ok: {video} {} and {audio} {} packets", codecs.0, codecs.1));
}

fn recorded(who: &str, server: &Server, line: &str, prober: &str) -> crate::probe::Probed {
    let folder = work(&format!("publisher {who}").replace([' ', '/', ':'], "-"));
    let (url, file) = (server.url("it"), format!("{folder}/got.flv"));
    let mut player = start(&format!("play {url} {file} --seconds 30"));
    player.wait_for("", LIMIT);
    std::thread::sleep(Duration::from_millis(300));
    run(&line.replace("URL", &url), LIMIT).silent();
    // Everything was acknowledged on the loopback; the player has to write it.
    std::thread::sleep(Duration::from_millis(700));
    drop(player);
    if prober == "ffprobe" {
        decodes("ffmpeg", &file);
    }
    probe(prober, &file)
}

#[test]
fn ffmpeg_of_debian() {
    if left_out("publisher", &["ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let who = format!("ffmpeg {}", version("ffmpeg"));
    let line = format!("ffmpeg -v error -re -i {clip} -c copy -f flv URL");
    copies(&format!("{who} to ingest"), &ingest(), &line, &clip, "ffprobe");
}

#[test]
fn ffmpeg_newest() {
    if left_out("publisher", &["ffmpeg9"]) {
        return;
    }
    let clip = media::clip(5);
    let who = format!("ffmpeg {}", version("ffmpeg9"));
    let line = format!("ffmpeg9 -v error -re -i {clip} -c copy -f flv URL");
    copies(&format!("{who} to ingest"), &ingest(), &line, &clip, "ffprobe");
}

#[test]
fn our_publish() {
    let clip = media::clip(5);
    let (server, folder) = (ingest(), work("publish-to-ingest"));
    let (url, file) = (server.url("it"), format!("{folder}/got.flv"));
    let player = start(&format!("play {url} {file} --seconds 30"));
    std::thread::sleep(Duration::from_millis(300));
    run(&format!("publish {clip} {url}"), LIMIT).ok();
    std::thread::sleep(Duration::from_millis(700));
    drop(player);
    let (sent, got) = (probe("ffprobe", &clip), probe("ffprobe", &file));
    let (video, audio) = same_run(&sent, &got);
    assert_eq!((video, audio), (sent.of("video").len(), sent.of("audio").len()));
    result("publisher", "publish to ingest", &format!("ok: {video} and {audio} packets"));
}
