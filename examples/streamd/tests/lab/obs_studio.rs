//! OBS Studio on a screen that nobody sees, set up by files only: it publishes to `streamd`, is refused, comes back by
//! itself, and publishes over TLS.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browsers::one_at_a_time;
use crate::media;
use crate::packaging::pictures;
use crate::probe::{decodes, probe};
use crate::server::{Server, certificate, listening, streamd, streamd_with};
use crate::tool::{Running, folder, free_port, left_out, result, run, start, until, version, work};

const LIMIT: Duration = Duration::from_secs(40);
const TOOLS: &[&str] = &["obs", "Xvfb", "ffmpeg", "curl"];

/// Nothing to ask or to tell at the start or at the end.
const GLOBAL: &str = "\
[General]
FirstRun=true
LastVersion=486539266
ConfirmOnExit=false
[Basic]
Profile=Lab
ProfileDir=Lab
SceneCollection=Lab
SceneCollectionFile=Lab
[OBSWebSocket]
FirstLoad=false
ServerEnabled=false
";

/// x264 at 500 kbit/s and AAC at 96 kbit/s; after a loss it tries again each second.
const PROFILE: &str = "\
[General]
Name=Lab
[Output]
Mode=Simple
Reconnect=true
RetryDelay=1
MaxRetries=25
[SimpleOutput]
StreamEncoder=x264
VBitrate=500
ABitrate=96
UseAdvanced=true
Preset=ultrafast
x264Settings=keyint=KEYFRAMES
[Video]
BaseCX=640
BaseCY=360
OutputCX=640
OutputCY=360
FPSType=0
FPSCommon=30
[Audio]
SampleRate=48000
ChannelSetup=Stereo
";

/// OBS Studio and its screen.
struct Studio {
    obs: Running,
    _screen: Running,
}

impl Studio {
    /// Starts it, streaming to a server with a key.
    fn start(case: &str, server: &str, key: &str) -> Self {
        Self::start_in(case, "", 60, server, key)
    }

    /// The same behind another command, with a keyframe in so many pictures.
    fn start_in(case: &str, within: &str, keyframes: u32, server: &str, key: &str) -> Self {
        let home = folder().join(work(&format!("obs-{case}")));
        configure(&home.join("obs-studio"), keyframes, server, key);
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&home, private).expect("our own folder");
        let (screen, display) = screen();
        let home = home.display();
        let obs = start(&format!(
            "{within} env 'HOME={home}' 'XDG_CONFIG_HOME={home}' 'XDG_RUNTIME_DIR={home}' DISPLAY={display} \
             QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 obs --multi --profile Lab --collection Lab --scene Scene \
             --startstreaming --minimize-to-tray --disable-updater --disable-missing-files-check"
        ));
        Self { obs, _screen: screen }
    }

    /// Waits until its log has a line so many times.
    fn says(&self, text: &str, times: usize) {
        let told = || self.obs.told();
        until(&format!("OBS says {text:?}, {times} times"), LIMIT, || {
            told().matches(text).count() >= times
        });
    }

    /// Closes it as a person does, and returns its log. Once in a while it crashes at its very end, which is no matter
    /// of ours.
    fn close(self) -> String {
        self.obs.signal("INT");
        let said = self.obs.wait(LIMIT).stdout;
        assert!(said.contains("==== Shutting down ===="), "{said}");
        said
    }
}

/// What its settings dialog would write: a custom server, and a scene that plays a clip with its sound again and again.
fn configure(folder_of_obs: &Path, keyframes: u32, server: &str, key: &str) {
    let clip = folder().join(media::clip(20));
    let service = json!({
        "type": "rtmp_custom",
        "settings": { "server": server, "key": key, "use_auth": false }
    });
    let scene = json!({
        "name": "Lab",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{ "name": "Scene" }],
        "sources": [
            { "id": "scene", "name": "Scene", "settings": { "items": [
                { "id": 1, "name": "Clip", "visible": true, "scale": { "x": 1.0, "y": 1.0 } },
            ] } },
            { "id": "ffmpeg_source", "name": "Clip", "mixers": 255, "volume": 1.0, "settings":
                { "is_local_file": true, "local_file": clip, "looping": true, "hw_decode": false } },
        ],
    });
    let profile = PROFILE.replace("KEYFRAMES", &keyframes.to_string());
    for (name, text) in [
        ("global.ini", GLOBAL),
        ("basic/profiles/Lab/basic.ini", &profile),
        ("basic/profiles/Lab/service.json", &service.to_string()),
        ("basic/scenes/Lab.json", &scene.to_string()),
    ] {
        let path = folder_of_obs.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("target/lab can be written");
        fs::write(path, text).expect("target/lab can be written");
    }
}

/// A screen without a device, and its name.
fn screen() -> (Running, String) {
    let screen = start("Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp");
    until("the screen is there", LIMIT, || screen.stdout().ends_with('\n'));
    let display = format!(":{}", screen.stdout().trim());
    (screen, display)
}

fn who() -> String {
    format!("OBS Studio {}", version("obs"))
}

/// What the API says of a stream, once it says what is asked for.
fn told(server: &Server, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let line = format!("curl -s -f http://127.0.0.1:{}/v1/streams/{path}", server.http);
    let mut stream = Value::Null;
    until(&format!("{path} is as awaited"), LIMIT, || {
        stream = serde_json::from_str(&run(&line, LIMIT).stdout).unwrap_or_default();
        if let Some(stream) = stream.as_object_mut() {
            stream.remove("timeline");
        }
        ready(&stream)
    });
    stream
}

fn is_live(stream: &Value) -> bool {
    stream["state"] == "live"
}

/// What streamd has to know of what [`PROFILE`] makes.
fn as_configured(stream: &Value) {
    let encoder = stream["encoder"].as_str().unwrap_or_default();
    assert!(encoder.starts_with("obs-output module (libobs version "), "{stream:#}");
    let video = json!({ "id": "video 0", "kind": "video", "codec": "avc1.42c01e", "width": 640, "height": 360, "frame_rate": 30.0 });
    let audio = json!({ "id": "audio 0", "kind": "audio", "codec": "mp4a.40.2", "sample_rate": 48000, "channels": 2 });
    assert_eq!(stream["tracks"], json!([video, audio]), "{stream:#}");
}

/// Four seconds of what viewers get: it decodes, moves and sounds, with a keyframe every two seconds. Returns how many
/// pictures it has.
fn plays(url: &str, file: &str) -> usize {
    run(&format!("ffmpeg -v error -xerror -y -i {url} -t 4 -c copy -f flv {file}"), LIMIT).silent();
    decodes("ffmpeg", file);
    let got = probe("ffprobe", file);
    let (video, audio) = (got.of("video"), got.of("audio"));
    assert!(video.len() >= 100 && audio.len() >= 160, "{} and {}", video.len(), audio.len());
    let keys: Vec<_> = video.iter().enumerate().filter(|(_, it)| it.key).map(|it| it.0).collect();
    assert!(keys.len() > 1 && keys.windows(2).all(|it| it[1] - it[0] == 60), "{keys:?}");
    let all = pictures("ffmpeg", file);
    let different = all.iter().collect::<HashSet<_>>().len();
    assert!(different * 2 > all.len(), "{different} of {} pictures differ", all.len());
    let heard =
        run(&format!("ffmpeg -v info -i {file} -vn -af volumedetect -f null -"), LIMIT).ok();
    let volume = heard.stderr.split("mean_volume: ").nth(1).and_then(|it| it.split(' ').next());
    let volume: f64 = volume.and_then(|it| it.parse().ok()).expect("a volume");
    assert!(volume > -40.0, "{volume} dB is silence");
    video.len()
}

#[test]
fn publishes() {
    if left_out("publisher", TOOLS) {
        return;
    }
    let _guard = one_at_a_time();
    // A platform whose rules it keeps: keyframes every two seconds, CBR, AAC.
    let server = streamd_with("--health twitch");
    let to = format!("rtmp://127.0.0.1:{}/live", server.rtmp);
    let studio = Studio::start("publishes", &to, "it");
    let stream = told(&server, "live/it", |it| it["gop_ms"].as_u64() > Some(0));
    as_configured(&stream);
    assert_eq!(stream["gop_ms"], 2000);
    let out = work("obs-publishes-out");
    let rtmp = plays(&server.url("it"), &format!("{out}/rtmp.flv"));
    let hls = plays(&server.hls("it"), &format!("{out}/hls.flv"));
    let stream = told(&server, "live/it", is_live);
    assert_eq!(stream["health"], json!([]), "it keeps the rules of twitch");
    let said = studio.close();
    assert!(said.contains(&format!("Connection to {to} successful")), "{said}");
    assert!(said.contains("Output 'simple_stream': Total frames output: "), "{said}");
    assert!(!said.contains("Number of dropped frames"), "{said}");
    told(&server, "live/it", |it| it["state"] == "waiting");
    let outcome = format!("ok: {rtmp} pictures over RTMP, {hls} over HLS, none dropped");
    result("publisher", &format!("{} to streamd", who()), &outcome);
}

/// The reason of a refusal reaches the log of OBS, which tells the person there to check the key; the right one is taken.
#[test]
fn is_told_why_it_is_refused() {
    if left_out("publisher refused", TOOLS) {
        return;
    }
    let _guard = one_at_a_time();
    let server = streamd();
    let port = free_port();
    let post = |what: &str, body: Value| -> Value {
        let line = format!("curl -s -S -f -d '{body}' http://127.0.0.1:{}/v1/{what}", server.http);
        serde_json::from_str(&run(&line, LIMIT).silent().stdout).expect("JSON")
    };
    let keyed = json!({ "name": "keyed", "port": port, "bind": "127.0.0.1", "policy": "keyed" });
    post("listeners", keyed);
    let input = post("inputs", json!({ "name": "stage" }));
    let key = input["ingest"]["rtmp"]["key"].as_str().expect("its key");
    let to = format!("rtmp://127.0.0.1:{port}/live");
    // It is not closed as a person does: with its dialog just opening, it crashes.
    let refused = |key: &str, reason: &str| {
        let studio = Studio::start("refused", &to, key);
        studio.says(&format!("{to}:\nNetStream.Publish.BadName ({reason})"), 1);
        studio.says(&format!("Connection to {to} failed: -3"), 1);
    };
    refused("not-a-key-of-ours", "unknown stream key");
    let studio = Studio::start("right-key", &to, key);
    as_configured(&told(&server, input["id"].as_str().expect("its id"), is_live));
    refused(key, "somebody is publishing to this input");
    let log = server.told();
    assert!(log.contains("unknown_key") && log.contains("already_publishing"), "{log}");
    assert!(!log.contains("not-a-key-of-ours") && !log.contains(key), "a key is in the log");
    assert!(studio.close().contains(&format!("Connection to {to} successful")));
    let outcome = "ok: its log has the reason";
    result("publisher refused", &who(), outcome);
}

/// It comes back by itself when the server was killed, and when the server was told to stop.
#[test]
fn comes_back() {
    if left_out("publisher, server restarted", TOOLS) {
        return;
    }
    let _guard = one_at_a_time();
    let mut server = streamd();
    let to = format!("rtmp://127.0.0.1:{}/live", server.rtmp);
    let studio = Studio::start("comes-back", &to, "it");
    told(&server, "live/it", is_live);
    let out = work("obs-comes-back-out");
    let mut shown = Vec::new();
    for (number, signal) in ["KILL", "TERM"].into_iter().enumerate() {
        server.restart(signal);
        studio.says(&format!("Connection to {to} successful"), number + 2);
        as_configured(&told(&server, "live/it", |it| it["gop_ms"] == 2000));
        shown.push(plays(&server.url("it"), &format!("{out}/after-{signal}.flv")));
    }
    let said = studio.close();
    for text in ["Disconnected from ", "Reconnecting in 1.00 seconds"] {
        assert_eq!(said.matches(text).count(), 2, "{text}\n{said}");
    }
    let outcome = format!("ok: SIGKILL and SIGTERM, {shown:?} pictures after them");
    result("publisher, server restarted", &who(), &outcome);
}

/// OBS trusts what is in /etc/ssl/certs and nothing else. So it gets a view of the file system with our certificate
/// there, which other processes do not see. Keyframes every five seconds are found to be too far apart.
#[test]
fn publishes_over_tls() {
    if left_out("RTMPS publisher", &[TOOLS, &["openssl"]].concat()) {
        return;
    }
    let _guard = one_at_a_time();
    let root = run("id -u", LIMIT).ok().stdout.trim() == "0";
    let unshare = if root { "unshare --mount" } else { "unshare --map-root-user --mount" };
    if !run(&format!("{unshare} true"), LIMIT).status.success() {
        result("RTMPS publisher", &who(), "SKIPPED: no mount namespaces here");
        return;
    }
    let (cert, key) = certificate("obs-certificate");
    let trusted = folder().join(work("obs-trusted"));
    fs::copy(folder().join(&cert), trusted.join("cert.pem")).expect("target/lab can be written");
    let port = free_port();
    let server = streamd_with(&format!("--rtmps 127.0.0.1:{port} --cert {cert} --key {key}"));
    listening(port);
    let to = format!("rtmps://localhost:{port}/live");
    let within = format!(
        "{unshare} sh -c 'mount --bind \"$0\" /etc/ssl/certs && exec \"$@\"' '{}'",
        trusted.display()
    );
    let studio = Studio::start_in("tls", &within, 150, &to, "it");
    let stream = told(&server, "live/it", |it| it["gop_ms"].as_u64() > Some(0));
    as_configured(&stream);
    assert_eq!(stream["gop_ms"], 5000);
    let finding = stream["health"][0]["text"].as_str().unwrap_or_default();
    assert!(finding.contains("5 s, limit 4 s"), "{stream:#}");
    let file = format!("{}/got.flv", work("obs-tls-out"));
    let line =
        format!("ffmpeg -v error -xerror -y -i {} -t 4 -c copy -f flv {file}", server.url("it"));
    run(&line, LIMIT).silent();
    decodes("ffmpeg", &file);
    let count = probe("ffprobe", &file).of("video").len();
    assert!(count >= 100, "{count} pictures");
    let said = studio.close();
    assert!(said.contains(&format!("Connection to {to} successful")), "{said}");
    assert!(!said.contains("Number of dropped frames"), "{said}");
    result("RTMPS publisher", &who(), &format!("ok: {count} pictures, none dropped"));
}
