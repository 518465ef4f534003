//! `publish` and `play` against nginx-rtmp.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::media;
use crate::probe::{decodes, probe, same_run};
use crate::server::listening;
use crate::tool::{Running, folder, free_port, left_out, result, run, start, until, version, work};

const LIMIT: Duration = Duration::from_secs(40);

/// nginx with the application `live`, which records all in `rec`.
fn nginx(case: &str) -> (Running, u16, String) {
    let out = work(case);
    let (port, path) = (free_port(), folder().join(&out));
    fs::create_dir_all(path.join("rec")).expect("target/lab can be written");
    let at = path.display();
    let config = format!(
        "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
         user root; daemon off; master_process off; worker_processes 1;\n\
         pid {at}/pid; error_log {at}/error.log info;\n\
         events {{ worker_connections 64; }}\n\
         rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; access_log off;\n\
           application live {{ live on; record all; record_path {at}/rec; }} }} }}\n"
    );
    fs::write(path.join("nginx.conf"), config).expect("target/lab can be written");
    let server = start(&format!("nginx -e {at}/error.log -c {at}/nginx.conf"));
    listening(port);
    (server, port, out)
}

#[test]
fn publish_to_it() {
    if left_out("publish", &["nginx", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let (_server, port, out) = nginx("publish-to-nginx");
    run(&format!("publish {clip} rtmp://127.0.0.1:{port}/live/it"), LIMIT).ok();
    let recording = format!("{out}/rec/it.flv");
    until("nginx wrote its recording", LIMIT, || {
        fs::metadata(folder().join(&recording)).is_ok_and(|it| it.len() > 100_000)
    });
    sleep(Duration::from_millis(500));
    decodes("ffmpeg", &recording);
    let sent = probe("ffprobe", &clip);
    let (video, audio) = same_run(&sent, &probe("ffprobe", &recording));
    assert_eq!((video, audio), (sent.of("video").len(), sent.of("audio").len()));
    let who = format!("nginx {} + libnginx-mod-rtmp", version("nginx"));
    result("publish to", &who, &format!("ok: {video} and {audio} packets in its recording"));
}

#[test]
fn play_from_it() {
    if left_out("play", &["nginx", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(20);
    let (_server, port, out) = nginx("play-from-nginx");
    let url = format!("rtmp://127.0.0.1:{port}/live/it");
    let _publisher = start(&format!("ffmpeg -v error -re -i {clip} -c copy -f flv {url}"));
    sleep(Duration::from_millis(1500));
    let file = format!("{out}/got.flv");
    run(&format!("play {url} {file} --seconds 6"), LIMIT).ok();
    // It hands out what comes, keyframe or not.
    let (video, audio) = same_run(&probe("ffprobe", &clip), &probe("ffprobe", &file));
    assert!(video > 120 && audio > 180, "{video} and {audio} packets");
    let who = format!("nginx {} + libnginx-mod-rtmp", version("nginx"));
    result("play from", &who, &format!("ok: {video} and {audio} packets, byte by byte"));
}

/// Through it: `publish` at one side, `play` at the other.
#[test]
fn restream_to_it() {
    if left_out("restream", &["nginx", "ffmpeg"]) {
        return;
    }
    let clip = media::clip(5);
    let (_from, from, _) = nginx("restream-from-nginx");
    let (_to, to, out) = nginx("restream-to-nginx");
    let (source, target) =
        (format!("rtmp://127.0.0.1:{from}/live/it"), format!("rtmp://127.0.0.1:{to}/live/it"));
    let relay = start(&format!("restream {source} {target}"));
    sleep(Duration::from_millis(500));
    run(&format!("publish {clip} {source}"), LIMIT).ok();
    sleep(Duration::from_millis(1000));
    drop(relay);
    sleep(Duration::from_millis(500));
    let sent = probe("ffprobe", &clip);
    let (video, audio) = same_run(&sent, &probe("ffprobe", &format!("{out}/rec/it.flv")));
    assert!(video > 120 && audio > 180, "{video} and {audio} packets");
    result("restream", "nginx to nginx", &format!("ok: {video} and {audio} packets, byte by byte"));
}
