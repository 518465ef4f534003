//! Several tracks of pictures and of sound over Enhanced RTMP: variants and alternate audio in HLS.

use std::fs;
use std::time::Duration;

use crate::browsers::node_modules;
use crate::hls_judges::judge;
use crate::media;
use crate::probe::{Packet, Probed, probe};
use crate::server::{Server, streamd_with};
use crate::tool::{folder, left_out, result, run, start, until, version, work};

const LIMIT: Duration = Duration::from_secs(60);

/// The packets of each track of a kind, in the order of the tracks.
fn tracks<'a>(probed: &'a Probed, kind: &str) -> Vec<Vec<&'a Packet>> {
    let streams = probed.streams.iter().filter(|it| it["codec_type"] == kind);
    let packets = streams.map(|stream| {
        let of = probed.packets.iter().filter(|it| stream["index"] == it.stream && it.size > 0);
        of.collect()
    });
    packets.collect()
}

/// Every packet of two tracks of a kind has to be there, byte by byte, at its time. What all of them are later is
/// kept in `shift`.
fn same_tracks(kind: &str, sent: &Probed, got: &Probed, shift: &mut Option<i64>) -> [usize; 2] {
    let (sent, got) = (tracks(sent, kind), tracks(got, kind));
    assert_eq!((sent.len(), got.len()), (2, 2), "tracks of {kind}");
    for (track, (sent, got)) in sent.iter().zip(&got).enumerate() {
        assert_eq!(sent.len(), got.len(), "packets of {kind} {track}");
        for (at, (one, other)) in sent.iter().zip(got).enumerate() {
            assert_eq!(one.hash, other.hash, "packet {at} of {kind} {track}");
            let later = other.pts.expect("a time") - one.pts.expect("a time");
            let expected = *shift.get_or_insert(later);
            // FLV counts in milliseconds.
            assert!(
                later.abs_diff(expected) <= 1000,
                "packet {at} of {kind} {track} is {later} us late, others {expected}"
            );
        }
    }
    [got[0].len(), got[1].len()]
}

/// Two variants with their own size, each with the same two choices of sound. Returns the names of all playlists.
fn variants_and_sounds(index: &str) -> [&'static str; 5] {
    let lines: Vec<&str> = index.lines().collect();
    for (name, resolution) in [("v0", "RESOLUTION=640x360"), ("v1", "RESOLUTION=320x180")] {
        let uri = format!("{name}.m3u8");
        let at = lines.iter().position(|it| *it == uri).unwrap_or_else(|| panic!("{index}"));
        let variant = lines[at - 1];
        assert!(variant.starts_with("#EXT-X-STREAM-INF:"), "{index}");
        assert!(variant.contains(resolution) && variant.contains("AUDIO=\"audio\""), "{index}");
        assert!(variant.contains("CODECS=\"avc1.") && variant.contains(",mp4a.40.2\""), "{index}");
    }
    let sounds: Vec<_> = lines.iter().filter(|it| it.starts_with("#EXT-X-MEDIA:")).collect();
    for (sound, uri) in sounds.iter().zip(["a0.m3u8", "a1.m3u8"]) {
        assert!(sound.contains("TYPE=AUDIO,GROUP-ID=\"audio\""), "{index}");
        assert!(sound.ends_with(&format!("URI=\"{uri}\"")), "{index}");
    }
    let variants = index.matches("#EXT-X-STREAM-INF:").count();
    assert_eq!((variants, sounds.len()), (2, 2), "{index}");
    ["index", "v0", "v1", "a0", "a1"]
}

/// Judges the playlists while the stream runs.
fn playlists(server: &Server, case: &str) {
    let url = server.hls("it");
    let fetch = |name: &str| {
        let file = format!("{case}/{name}.m3u8");
        let url = url.replace("index", name);
        run(&format!("curl -s -S -f -o {file} {url}"), LIMIT).silent();
        file
    };
    let index = fs::read_to_string(folder().join(fetch("index"))).expect("what curl wrote");
    let files = variants_and_sounds(&index).map(fetch);
    judge("playlist", &files.join(" "));
}

#[test]
fn ffmpeg_newest_to_hls() {
    let what = "multitrack";
    if left_out(what, &["ffmpeg9", "ffprobe8", "ffmpeg", "curl", "node", "npm"]) {
        return;
    }
    node_modules();
    let (clip, case) = (media::multitrack(), work("multitrack"));
    let sent = probe("ffprobe8", &clip);
    // Nobody comes back, so nobody waits.
    let server = streamd_with("--reconnect 1");
    let url = server.url("it");
    let encoder = start(&format!("ffmpeg9 -v error -re -i {clip} -map 0 -c copy -f flv {url}"));
    let hls = server.hls("it");
    until("the playlist is there", LIMIT, || {
        run(&format!("curl -s -f -o /dev/null {hls}"), LIMIT).status.success()
    });
    let players = ["ffmpeg", "ffmpeg9"].map(|tool| {
        let file = format!("{case}/{tool}.mp4");
        let line = format!("{tool} -v error -live_start_index 0 -i {hls} -map 0 -c copy {file}");
        (tool, file, start(&line))
    });
    playlists(&server, &case);
    encoder.wait(LIMIT).silent();
    for (tool, file, player) in players {
        player.wait(LIMIT).silent();
        run(&format!("{tool} -v error -xerror -i {file} -map 0 -f null -"), LIMIT).silent();
        let (got, mut shift) = (probe("ffprobe8", &file), None);
        let [video, audio] = ["video", "audio"].map(|it| same_tracks(it, &sent, &got, &mut shift));
        result(
            what,
            &format!("ffmpeg {} to streamd, HLS to ffmpeg {}", version("ffmpeg9"), version(tool)),
            &format!(
                "ok: {video:?} and {audio:?} packets, byte by byte, at their times, all decode"
            ),
        );
    }
}
