//! Web players in headless Chromium. Their `currentTime` has to advance and nothing may be reported.

use std::sync::{Mutex, MutexGuard};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::media;
use crate::server::{Server, ingest, listening, streamd, streamd_with};
use crate::tool::{
    Running, folder, free_port, full, left_out, lock, result, run, start, until, version, work,
};

const LIMIT: Duration = Duration::from_secs(120);
pub const TOOLS: &[&str] = &["chromium", "node", "npm", "curl", "ffmpeg"];

/// What a player is held to.
struct Expected {
    seconds: u32,
    /// Of the distance behind live, in seconds, once it has settled.
    latency: Option<f64>,
    /// Whether it may stop since the stream ends.
    ends: bool,
}

/// One browser at a time: two cores do not decode two pictures without loss.
pub fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    lock(&ONE_AT_A_TIME)
}

/// What a player did, and the same in words. It may report no error. `steps` are those of `browser.mjs`.
fn watched(player: &str, what: &str, url: &str, seconds: u32, steps: &str) -> (Value, String) {
    let _guard = one_at_a_time();
    let case = work(&format!("browser-{player}-{}", what.replace([' ', ','], "-")));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/browser.mjs");
    let line = format!("node '{script}' {player} {url} {seconds} {case}/picture.png {steps}");
    let ended = run(&line, LIMIT).ok();
    let seen: Value =
        serde_json::from_str(ended.stdout.trim()).unwrap_or_else(|_| panic!("{}", ended.told()));
    let told = format!("{player}, {what}: {seen:#}");
    assert_eq!(seen["errors"], Value::Array(vec![]), "{told}");
    (seen, told)
}

/// Plays and judges.
fn plays(player: &str, what: &str, url: &str, expected: &Expected) {
    let seconds = expected.seconds;
    let (seen, told) = watched(player, what, url, seconds, "");
    let samples = seen["samples"].as_array().expect("samples");
    let time = |at: usize| samples[at]["time"].as_f64().unwrap_or_default();
    let last = samples.len() - 1;
    // It starts within four seconds, and from then on plays at the speed of time.
    let from = 4.min(last);
    let advanced = time(last) - time(from);
    let stalled = samples[from..].windows(2).filter(|it| it[0]["time"] == it[1]["time"]).count();
    if expected.ends {
        assert!(time(last) > 3.0, "{told}");
    } else {
        let real = f64::from(u32::try_from(last - from).expect("seconds"));
        assert!(
            (advanced - real).abs() < real * 0.15 + 0.5,
            "{advanced} s of {real} s played; {told}"
        );
        assert_eq!(stalled, 0, "stalled; {told}");
    }
    assert!(samples[last]["width"].as_u64() > Some(0), "no picture; {told}");
    let colours = seen["colours"].as_i64().unwrap_or_default();
    assert!(colours > 8 || colours == -1, "{colours} colours are no picture; {told}");
    let latency = samples[last]["latency"].as_f64();
    // A busy machine starts late: hls.js may play 10 % faster until it is where it wants to be.
    let worst = samples[samples.len() / 2..]
        .iter()
        .filter_map(|it| it["latency"].as_f64())
        .fold(0.0, f64::max);
    if let Some(most) = expected.latency {
        assert!(latency.is_some() && worst <= most, "latency up to {worst} s; {told}");
    }
    let frames = samples[last]["frames"].as_u64().unwrap_or_default();
    let dropped = samples[last]["dropped"].as_u64().unwrap_or_default();
    let latency =
        latency.map_or(String::new(), |it| format!(", {it:.2} s behind (at most {worst:.2})"));
    result(
        &format!("browser, {what}"),
        &format!("{} in Chromium {}", name(player), version("chromium")),
        &format!("ok: {seconds} s, {frames} frames, {dropped} dropped{latency}"),
    );
}

fn name(player: &str) -> String {
    let package = match player {
        "hls" => "hls.js",
        "shaka" => "shaka-player",
        "videojs" => "video.js",
        "mpegts" => "mpegts.js",
        other => return other.to_owned(),
    };
    let manifest =
        std::fs::read_to_string(folder().join(format!("node_modules/{package}/package.json")));
    let manifest: Value = serde_json::from_str(&manifest.unwrap_or_default()).unwrap_or_default();
    format!("{package} {}", manifest["version"].as_str().unwrap_or("of unknown version"))
}

/// Installs the npm packages of `package.json`, once.
pub fn node_modules() {
    static DONE: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    DONE.get_or_init(|| {
        let wanted = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/package.json");
        let wanted = std::fs::read(wanted).expect("tests/lab/package.json");
        let installed = folder().join("package.json");
        if std::fs::read(&installed).is_ok_and(|it| it == wanted)
            && folder().join("node_modules").is_dir()
        {
            return;
        }
        std::fs::create_dir_all(folder()).expect("target/lab can be written");
        std::fs::write(&installed, wanted).expect("target/lab can be written");
        run("npm install --no-audit --no-fund --no-package-lock", Duration::from_secs(300)).ok();
    });
}

/// A server with a live stream that goes on for ever.
pub fn live(clip: &str) -> (Server, Running) {
    let server = streamd();
    let publisher = start(&format!("publish {clip} {} --repeat", server.url("it")));
    until("the playlist is there", LIMIT, || {
        let path = format!("curl -s -f -o /dev/null {}", server.hls("it"));
        run(&path, LIMIT).status.success()
    });
    sleep(Duration::from_secs(2));
    (server, publisher)
}

/// The parts of streamd are half a second long: low latency is within three of them and half a second.
const LOW: f64 = 3.0 * 0.5 + 0.5;

#[test]
fn low_latency_fmp4_from_streamd() {
    if left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    let (server, _publisher) = live(&media::low_latency_clip(60));
    let (url, seconds) = (server.hls("it"), if full() { 60 } else { 15 });
    let what = "live LL-HLS, fMP4, from streamd";
    plays("hls", what, &url, &Expected { seconds, latency: Some(LOW), ends: false });
    let expected = Expected { seconds: 12, latency: None, ends: false };
    plays("shaka", what, &url, &expected);
    if full() {
        plays("videojs", what, &url, &expected);
        plays("native", what, &url, &expected);
    }
}

/// A player of HTTP-FLV gets the group of pictures that runs at once, so it is behind by what had come of that.
const GROUP: f64 = 2.0 + 0.5;

#[test]
fn http_flv_from_streamd() {
    if left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    let (server, _publisher) = live(&media::low_latency_clip(60));
    let expected =
        Expected { seconds: if full() { 60 } else { 15 }, latency: Some(GROUP), ends: false };
    plays("mpegts", "live HTTP-FLV from streamd", &server.flv("it"), &expected);
}

/// `ingest`, `package` and `vod` make a live stream of files.
#[test]
fn live_of_files() {
    if left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    let clip = media::clip(60);
    let server = ingest();
    let url = server.url("it");
    let _publisher = start(&format!("publish {clip} {url} --repeat"));
    sleep(Duration::from_millis(500));
    let (ts, fmp4) = (work("browser-live-ts"), work("browser-live-fmp4"));
    let _packagers = [
        start(&format!("package {url} {ts} --ts --segment 2")),
        start(&format!("package {url} {fmp4} --segment 2")),
    ];
    for (folder_of, what) in
        [(&ts, "live HLS, TS, from package"), (&fmp4, "live HLS, fMP4, from package")]
    {
        let port = free_port();
        let _vod = start(&format!("vod {folder_of} --listen 127.0.0.1:{port}"));
        listening(port);
        until("three segments are listed", LIMIT, || {
            let playlist =
                std::fs::read_to_string(folder().join(format!("{folder_of}/index.m3u8")));
            playlist.is_ok_and(|it| it.matches("#EXTINF").count() >= 3)
        });
        let expected = Expected { seconds: 12, latency: None, ends: false };
        for player in ["hls", "shaka"] {
            plays(player, what, &format!("http://127.0.0.1:{port}/index.m3u8"), &expected);
        }
    }
}

/// A live stream whose past can be seen: the viewer goes back to the beginning of the window and to live again.
#[test]
fn dvr_from_streamd() {
    if !full() || left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    for (options, what) in [("", "DVR, fMP4"), ("--hls ts", "DVR, TS")] {
        let server = streamd_with(options);
        let input = r#"{"name": "it", "alias": "it", "dvr": {"enabled": true, "window_s": 60}}"#;
        let api = format!("http://127.0.0.1:{}/v1/inputs", server.http);
        run(&format!("curl -s -f -H 'content-type: application/json' -d '{input}' {api}"), LIMIT)
            .ok();
        let _publisher =
            start(&format!("publish {} {} --repeat", media::clip(60), server.url("it")));
        let playlist = server.hls("it").replace("index.m3u8", "main.m3u8");
        until("there is a past of 24 seconds", LIMIT, || {
            let seen = run(&format!("curl -s {playlist}"), LIMIT).stdout;
            let seconds =
                seen.lines().filter_map(|it| it.strip_prefix("#EXTINF:")?.split(',').next());
            seconds.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() >= 24.0
        });
        for player in ["hls", "shaka"] {
            looks_back(player, what, &server.hls("it"));
        }
    }
}

/// Back after four seconds, live again after nine.
fn looks_back(player: &str, what: &str, url: &str) {
    let (seen, told) = watched(player, what, url, 14, "4 9");
    let time = |at: usize| seen["samples"][at]["time"].as_f64().expect("a time");
    assert!(time(3) - time(4) > 12.0, "it did not go back; {told}");
    assert!((2.0..4.5).contains(&(time(8) - time(5))), "the past does not play; {told}");
    assert!(time(9) > time(3), "it did not come back to live; {told}");
    assert!((2.0..4.5).contains(&(time(13) - time(10))), "live does not play; {told}");
    assert!(seen["colours"].as_i64() > Some(8), "no picture; {told}");
    result(
        &format!("browser, {what}, from streamd"),
        &format!("{} in Chromium {}", name(player), version("chromium")),
        &format!("ok: {:.0} s back and to live again", time(3) - time(4)),
    );
}

#[test]
fn vod() {
    if left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    let clip = media::clip(5);
    for (flag, what) in [("--ts", "VOD, TS"), ("", "VOD, fMP4")] {
        let out = work(&format!("browser-vod{flag}"));
        run(&format!("package {clip} {out} {flag} --segment 2"), LIMIT).ok();
        let port = free_port();
        let _vod = start(&format!("vod {out} --listen 127.0.0.1:{port}"));
        listening(port);
        let expected = Expected { seconds: 6, latency: None, ends: true };
        let players: &[&str] =
            if full() { &["hls", "shaka", "videojs", "native"] } else { &["hls", "shaka"] };
        for player in players {
            plays(player, what, &format!("http://127.0.0.1:{port}/index.m3u8"), &expected);
        }
    }
}
