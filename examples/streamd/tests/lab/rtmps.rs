//! Over TLS: encoders publish to `ingest --cert --key`, players play from it.

use std::thread::sleep;
use std::time::Duration;

use crate::media;
use crate::probe::{Probed, decodes, probe, same_run};
use crate::server::{certificate, listening};
use crate::tool::{free_port, left_out, result, run, start, version, work};

const LIMIT: Duration = Duration::from_secs(40);

/// Tool, who it is, how it publishes. Debian's ffmpeg verifies no certificate unless told; 9 does.
const PUBLISHERS: &[(&str, &str, &str)] = &[
    ("ffmpeg", "ffmpeg", "ffmpeg -v error -re -i CLIP -c copy -f flv URL"),
    (
        "ffmpeg",
        "ffmpeg -tls_verify 1",
        "ffmpeg -v error -re -i CLIP -c copy -f flv -ca_file CERT -tls_verify 1 URL",
    ),
    ("ffmpeg9", "ffmpeg", "ffmpeg9 -v error -re -i CLIP -c copy -f flv -ca_file CERT URL"),
    (
        "gst-launch-1.0",
        "GStreamer rtmp2sink",
        "gst-launch-1.0 -q filesrc location=CLIP ! flvdemux name=d flvmux name=mux streamable=true \
         ! rtmp2sink location=URL tls-validation-flags=0 d.video ! queue ! h264parse ! identity sync=true ! mux. \
         d.audio ! queue ! aacparse ! identity sync=true ! mux.",
    ),
    ("publish", "publish", "publish CLIP URL --ca CERT"),
];

/// Tool, who it is, how it plays into a file.
const PLAYERS: &[(&str, &str, &str)] = &[
    ("ffmpeg", "ffmpeg", "ffmpeg -v error -y -i URL -t 4 -c copy -f flv FILE"),
    ("ffmpeg9", "ffmpeg", "ffmpeg9 -v error -y -ca_file CERT -i URL -t 4 -c copy -f flv FILE"),
    (
        "gst-launch-1.0",
        "GStreamer rtmp2src",
        "timeout -s INT 5 gst-launch-1.0 -q -e rtmp2src location=URL tls-validation-flags=0 ! flvdemux name=d \
         flvmux name=m ! filesink location=FILE d.video ! queue ! h264parse ! m. d.audio ! queue ! aacparse ! m.",
    ),
    ("play", "play", "play URL FILE --seconds 4 --ca CERT"),
];

fn ingest(case: &str) -> (crate::tool::Running, String, String) {
    let (cert, key) = certificate(case);
    let port = free_port();
    let server = start(&format!("ingest --listen 127.0.0.1:{port} --cert {cert} --key {key}"));
    listening(port);
    (server, format!("rtmps://127.0.0.1:{port}/live/it"), cert)
}

fn tool_version(tool: &str) -> String {
    if matches!(tool, "publish" | "play") { String::new() } else { version(tool) }
}

#[test]
fn publishers() {
    if left_out("RTMPS publisher", &["openssl", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let sent = probe("ffprobe", &clip);
    for (number, (tool, who, line)) in PUBLISHERS.iter().enumerate() {
        if left_out("RTMPS publisher", &[tool]) {
            continue;
        }
        let case = format!("rtmps-publisher-{number}");
        let (_server, url, cert) = ingest(&case);
        let file = format!("work/{case}/got.flv");
        let player = start(&format!("play {url} {file} --seconds 30 --ca {cert}"));
        sleep(Duration::from_millis(500));
        let line = line.replace("CLIP", &clip).replace("URL", &url).replace("CERT", &cert);
        run(&line, LIMIT).ok();
        sleep(Duration::from_millis(700));
        drop(player);
        decodes("ffmpeg", &file);
        let got = probe("ffprobe", &file);
        let all = (sent.of("video").len(), sent.of("audio").len());
        let came = (got.of("video").len(), got.of("audio").len());
        if who.starts_with("GStreamer") {
            // Its muxer gives new times, and may send the first sound before the first picture, with which players begin.
            let bytes = |it: &Probed, kind| {
                it.of(kind).iter().map(|it| it.hash.clone()).collect::<Vec<_>>()
            };
            let (sounds, came) = (bytes(&sent, "audio"), bytes(&got, "audio"));
            assert_eq!(bytes(&got, "video"), bytes(&sent, "video"), "{who}: pictures");
            assert!(came == sounds || came == sounds[1..], "{who}: {came:?} of {sounds:?}");
        } else {
            assert_eq!(same_run(&sent, &got), all, "{who}: all packets");
        }
        let who = format!("{who} {}", tool_version(tool));
        result("RTMPS publisher", who.trim(), &format!("ok: {} and {} packets", came.0, came.1));
    }
}

#[test]
fn players() {
    if left_out("RTMPS player", &["openssl", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(20);
    let sent = probe("ffprobe", &clip);
    let (_server, url, cert) = ingest("rtmps-players");
    let _publisher = start(&format!("publish {clip} {url} --ca {cert} --repeat"));
    sleep(Duration::from_millis(1500));
    let sent = &sent;
    std::thread::scope(|scope| {
        for (number, (tool, who, line)) in PLAYERS.iter().enumerate() {
            if left_out("RTMPS player", &[tool]) {
                continue;
            }
            let file = format!("{}/got.flv", work(&format!("rtmps-player-{number}")));
            let line = line.replace("URL", &url).replace("FILE", &file).replace("CERT", &cert);
            scope.spawn(move || {
                let ended = run(&line, LIMIT);
                if !line.starts_with("timeout") {
                    ended.ok();
                }
                decodes("ffmpeg", &file);
                let got = probe("ffprobe", &file);
                let came = if who.starts_with("GStreamer") {
                    (got.of("video").len(), got.of("audio").len())
                } else {
                    same_run(sent, &got)
                };
                assert!(came.0 >= 60 && came.1 >= 90, "{who}: {came:?} only");
                let who = format!("{who} {}", tool_version(tool));
                result(
                    "RTMPS player",
                    who.trim(),
                    &format!("ok: {} and {} packets", came.0, came.1),
                );
            });
        }
    });
}
