//! Media, made by ffmpeg when they are first needed and kept in `target/lab/media`.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use crate::tool::{folder, lock, run};

/// Makes a file with a command that ends with the name of its output, unless it is there.
pub fn make(name: &str, line: &str) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = lock(&ONE_AT_A_TIME);
    let path = format!("media/{name}");
    if !folder().join(&path).is_file() {
        fs::create_dir_all(folder().join("media")).expect("target/lab can be written");
        // Under another name until it is whole.
        let part = format!("media/part-{name}");
        run(&format!("{line} {part}"), Duration::from_secs(120)).ok();
        fs::rename(folder().join(part), folder().join(&path)).expect("a whole file");
    }
    path
}

const PICTURE: &str =
    "-f lavfi -i testsrc2=size=640x360:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000";
const H264: &str = "-c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p -b:v 800k -g 30 -keyint_min 30 -sc_threshold 0";
const AAC: &str = "-c:a aac -b:a 96k -ac 2";

/// H.264 with B frames, a closed GOP a second, AAC-LC 48 kHz stereo, 640x360 at 30 frames a second.
pub fn clip(seconds: u32) -> String {
    make(
        &format!("clip-{seconds}.flv"),
        &format!(
            "ffmpeg -v error -y {PICTURE} -t {seconds} {H264} {AAC} -flvflags no_duration_filesize -f flv"
        ),
    )
}

/// The same without B frames, its keyframes two seconds apart: for low latency.
pub fn low_latency_clip(seconds: u32) -> String {
    make(
        &format!("low-latency-{seconds}.flv"),
        &format!(
            "ffmpeg -v error -y {PICTURE} -t {seconds} -c:v libx264 -preset veryfast -tune zerolatency \
             -pix_fmt yuv420p -b:v 800k -g 60 -keyint_min 60 -sc_threshold 0 {AAC} \
             -flvflags no_duration_filesize -f flv"
        ),
    )
}

/// A pair of codecs of Enhanced RTMP, five seconds, written as FLV by the newest ffmpeg.
pub fn enhanced(name: &str) -> String {
    let encoders = match name {
        "hevc-aac" => {
            "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=30 -c:a aac"
        }
        "av1-opus" => "-c:v libsvtav1 -svtav1-params keyint=30:preset=12 -c:a libopus",
        "vp9-flac" => {
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30 -c:a flac -sample_fmt s16"
        }
        "h264-ac3" => "-c:v libx264 -preset ultrafast -g 30 -c:a ac3",
        "h264-eac3" => "-c:v libx264 -preset ultrafast -g 30 -c:a eac3",
        other => panic!("no enhanced media {other}"),
    };
    make(
        &format!("{name}.flv"),
        &format!(
            "ffmpeg9 -v error -y {PICTURE} -t 5 -pix_fmt yuv420p {encoders} -flvflags no_duration_filesize -f flv"
        ),
    )
}

/// Two tracks of H.264, the second smaller, and two of AAC, ten seconds, written as FLV by the newest ffmpeg.
pub fn multitrack() -> String {
    make(
        "multitrack.flv",
        &format!(
            "ffmpeg9 -v error -y {PICTURE} -f lavfi -i testsrc2=size=320x180:rate=30 \
             -f lavfi -i sine=frequency=880:sample_rate=48000 -t 10 -map 0 -map 2 -map 1 -map 3 \
             {H264} -b:v:1 300k {AAC} -flvflags no_duration_filesize -f flv"
        ),
    )
}
