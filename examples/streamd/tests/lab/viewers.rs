//! What players show that play from `streamd`: picture by picture what was sent, bit by bit.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::media;
use crate::packaging::pictures;
use crate::probe::probe;
use crate::rtmp_players::{RECORDERS, recorder};
use crate::server::streamd_with;
use crate::tool::{Ended, folder, left_out, result, run, start, version, work};

const LIMIT: Duration = Duration::from_secs(60);

/// A picture as the filter `showinfo` of FFmpeg tells it.
struct Shown {
    milliseconds: i64,
    /// Of each plane.
    checksums: String,
}

/// Every picture that a program told of.
fn shown(ended: &Ended) -> Vec<Shown> {
    let told = format!("{}{}", ended.stdout, ended.stderr);
    let behind =
        |line: &str, name: &str| line.split_once(name).map(|it| it.1.trim_start().to_owned());
    let pictures = told.lines().filter_map(|line| {
        let seconds = behind(line, " pts_time:")?;
        let seconds: f64 = seconds.split_whitespace().next()?.parse().ok()?;
        let checksums = behind(line, " plane_checksum:[")?.split(']').next()?.to_owned();
        Some(Shown { milliseconds: (seconds * 1000.0).round() as i64, checksums })
    });
    pictures.collect()
}

/// Those whose `showinfo` says what they show: tool, command line.
const TELLERS: &[(&str, &str)] = &[
    (
        "ffplay",
        "env SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy \
         ffplay -hide_banner -nostats -autoexit -noframedrop -vf showinfo URL",
    ),
    (
        "mpv",
        "mpv --no-config --vo=null --ao=null --length=4 --framedrop=no \
         --msg-level=all=error,ffmpeg=v --vf=lavfi=[showinfo] URL",
    ),
];

/// Has a player tell of what it shows: a run of the pictures sent, with their distances in time.
fn tells(what: &str, tool: &str, line: &str, sent: &[Shown]) {
    let ended = run(line, LIMIT).ok();
    let (seen, told) = (shown(&ended), ended.told());
    let first = seen.first().unwrap_or_else(|| panic!("no picture\n{told}"));
    let begin = sent.iter().position(|it| it.checksums == first.checksums);
    let sent = &sent[begin.unwrap_or_else(|| panic!("not a picture of ours\n{told}"))..];
    for (at, (one, other)) in sent.iter().zip(&seen).enumerate() {
        assert_eq!(one.checksums, other.checksums, "picture {at}\n{told}");
        let (sent, seen) =
            (one.milliseconds - sent[0].milliseconds, other.milliseconds - first.milliseconds);
        // mpv counts in seconds with a fraction.
        assert!(sent.abs_diff(seen) <= 1, "picture {at} at {seen} ms, not {sent}\n{told}");
    }
    let least = if tool == "ffplay" { sent.len() } else { 60 };
    assert!((least.max(60)..=sent.len()).contains(&seen.len()), "{} pictures\n{told}", seen.len());
    let who = format!("{tool} {}", version(tool));
    result(what, &who, &format!("ok: {} pictures, bit by bit, at their times", seen.len()));
}

/// Has GStreamer write the pictures that it decodes. Direct rendering would pad them, which `y4menc` writes along.
fn gstreamer(what: &str, source: &str, url: &str, sent: &[String]) {
    let file = format!("{}/seen.y4m", work(&format!("gst-{source}")));
    let line = format!(
        "timeout -s INT 6 gst-launch-1.0 -q -e {source} location={url} ! flvdemux name=d \
         d.video ! queue ! h264parse ! avdec_h264 direct-rendering=false ! y4menc ! filesink location={file} \
         d.audio ! queue ! aacparse ! avdec_aac ! fakesink"
    );
    let told = run(&line, LIMIT).told();
    let same = same_pictures(&file, sent, &told);
    assert!(same >= 60, "{same} pictures\n{told}");
    let who = format!("GStreamer {source} {}", version("gst-launch-1.0"));
    result(what, &who, &format!("ok: {same} pictures, bit by bit"));
}

/// Has VLC play until that second of the stream, and says how many pictures it shows: a run of those sent.
pub fn vlc(what: &str, url: &str, seconds: u32, sent: &[String]) -> usize {
    // Not as root, and not into a folder that only root may enter.
    let root = run("id -u", LIMIT).ok().stdout.trim() == "0";
    let user = if root { "setpriv --reuid=65534 --regid=65534 --clear-groups " } else { "" };
    let case = what.replace([' ', ','], "-");
    let out = std::env::temp_dir().join(format!("levada-lab-vlc-{}-{case}", std::process::id()));
    let _ = fs::remove_dir_all(&out);
    fs::create_dir(&out).expect("the folder for temporary files can be written");
    fs::set_permissions(&out, Permissions::from_mode(0o777)).expect("our own folder");
    let path = out.display();
    let line = format!(
        "{user}env HOME={path} vlc -I dummy --no-dbus --no-video-title-show --no-osd --no-spu --aout=dummy \
         --no-drop-late-frames --no-skip-frames --vout=yuv --yuv-file={path}/seen --yuv-chroma=I420 \
         --run-time={seconds} {url} vlc://quit"
    );
    let told = run(&line, LIMIT).ok().told();
    let seen = fs::read(out.join("seen")).unwrap_or_default();
    let _ = fs::remove_dir_all(&out);
    // What it writes is Y4M but for its first word.
    let seen = [b"YUV4MPEG2", seen.strip_prefix(b"I420").unwrap_or(&seen)].concat();
    let file = format!("{}/seen.y4m", work(&format!("vlc-{case}")));
    fs::write(folder().join(&file), seen).expect("target/lab can be written");
    let same = same_pictures(&file, sent, &told);
    let who = format!("VLC {}", version(&format!("{user}vlc")));
    result(what, &who, &format!("ok: {same} pictures, bit by bit"));
    same
}

/// How many pictures a player wrote: a run of those sent, bit by bit. The file is removed.
fn same_pictures(file: &str, sent: &[String], told: &str) -> usize {
    let seen = pictures("ffmpeg", file);
    fs::remove_file(folder().join(file)).expect("our own file");
    let begin = sent.iter().position(|it| seen.first() == Some(it));
    let begin = begin.unwrap_or_else(|| panic!("not a picture of ours\n{told}"));
    let pairs = seen.iter().zip(sent.iter().cycle().skip(begin));
    let same = pairs.take_while(|(one, other)| one == other).count();
    // When VLC stops it leaves out pictures that wait to be shown.
    assert!(same + 3 >= seen.len(), "picture {same} of {} differs\n{told}", seen.len());
    same
}

/// ffplay stays to the end of the stream and ends by itself; the others leave before.
#[test]
fn over_rtmp_and_http_flv() {
    if left_out("viewer", &["ffmpeg"]) {
        return;
    }
    let clip = media::clip(10);
    let hashes = pictures("ffmpeg", &clip);
    let told = shown(
        &run(&format!("ffmpeg -hide_banner -nostats -i {clip} -vf showinfo -f null -"), LIMIT).ok(),
    );
    let packets = probe("ffprobe", &clip);
    let (hashes, told, packets) = (&hashes, &told, &packets);
    // Nobody comes back, so nobody waits.
    let server = streamd_with("--reconnect 1");
    let urls = [
        ("viewer, RTMP from streamd", server.url("it"), "rtmp2src"),
        ("viewer, HTTP-FLV from streamd", server.flv("it"), "souphttpsrc"),
    ];
    let _publisher = start(&format!("publish {clip} {}", server.url("it")));
    sleep(Duration::from_millis(1500));
    scope(|scope| {
        for (what, url, source) in &urls {
            for (tool, line) in TELLERS.iter().filter(|it| !left_out(what, &[it.0])) {
                scope.spawn(move || tells(what, tool, &line.replace("URL", url), told));
            }
            if !left_out(what, &["gst-launch-1.0"]) {
                scope.spawn(move || gstreamer(what, source, url, hashes));
            }
            if !left_out(what, &["vlc"]) {
                scope.spawn(move || {
                    let seen = vlc(what, url, 6, hashes);
                    assert!(seen >= 60, "{what}: VLC shows {seen} pictures");
                });
            }
        }
        for &(tool, who, line) in RECORDERS.iter().filter(|it| it.0.starts_with("ffmpeg")) {
            if !left_out("player", &[tool]) {
                let who = format!("{who} {} over HTTP-FLV from streamd", version(tool));
                let url = &urls[1].1;
                scope.spawn(move || recorder(tool, &who, line, url, packets));
            }
        }
    });
}
