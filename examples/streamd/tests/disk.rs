//! What is on disk after whatever happens.

mod support;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use levada_flv::{FlvTag, TagKind};
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_media::MediaKind;
use support::{Client, Folder, Server, clip, film, is_header, tags};

/// The items of an MP4 file, which has to be without fault.
fn items(file: &[u8]) -> Vec<Fmp4Item> {
    let (mut reader, mut input, mut all) =
        (Fmp4Reader::new(ReadLimits::default()), BytesMut::from(file), Vec::new());
    while let Some(item) = reader.read(&mut input).unwrap() {
        all.push(item);
    }
    assert!(input.is_empty(), "{} bytes of a box that is not whole", input.len());
    all
}

#[test]
fn out_13_sigkill_leaves_every_whole_tag_and_fragment() {
    for format in ["flv", "fmp4"] {
        for wait in [0, 3, 11, 40] {
            let folder = Folder::new(&format!("kill-{format}-{wait}"));
            let server = Server::start(&folder, &["--record", format]);
            let clip = clip();
            let mut publisher = Client::publish(server.rtmp, "live/a");
            publisher.send_all(&clip);
            let ending = if format == "flv" { ".flv" } else { ".mp4" };
            server.until("a recording", |_| folder.files(ending).first().map(drop));
            std::thread::sleep(Duration::from_millis(wait));
            server.signal("KILL");
            assert_eq!(server.end(), None);
            let file = std::fs::read(&folder.files(ending)[0]).unwrap();
            if format == "flv" {
                let recorded = tags(&file);
                let same = recorded.iter().zip(&clip).all(|(a, b)| a.body == b.body);
                assert!(same, "what is there is what was sent");
                let whole: usize = 13 + recorded.iter().map(|it| 15 + it.body.len()).sum::<usize>();
                assert_eq!(whole, file.len(), "nothing but whole tags");
            } else {
                items(&file);
            }
        }
    }
}

#[test]
fn after_a_restart_hls_goes_on_above_the_last_number() {
    let folder = Folder::new("restart");
    let numbers = |playlist: &str, tag: &str| -> u64 {
        let line = playlist.lines().find_map(|it| it.strip_prefix(tag)).unwrap_or("0");
        line.parse().unwrap()
    };
    let playlist = |server: &Server| {
        server.until("a playlist", |it| {
            let (status, _, body) = it.ask("/live/a/main.m3u8", "");
            let text = String::from_utf8(body).unwrap();
            (status == 200 && text.contains("#EXTINF")).then_some(text)
        })
    };
    let server = Server::start(&folder, &[]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let before = playlist(&server);
    let last =
        numbers(&before, "#EXT-X-MEDIA-SEQUENCE:") + before.matches("#EXTINF").count() as u64 - 1;
    server.until("the file", |_| folder.files(".next").first().map(drop));
    server.signal("KILL");
    server.end();
    publisher.leave();

    let server = Server::start(&folder, &[]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let after = playlist(&server);
    assert!(numbers(&after, "#EXT-X-MEDIA-SEQUENCE:") > last, "{before}\n{after}");
    let discontinuities = after.matches("#EXT-X-DISCONTINUITY\n").count() as u64;
    assert_eq!(numbers(&after, "#EXT-X-DISCONTINUITY-SEQUENCE:") + discontinuities, 1, "{after}");
}

#[test]
fn recordings_are_listed_and_become_plain_mp4() {
    for format in ["flv", "fmp4"] {
        let folder = Folder::new(&format!("plain-{format}"));
        let server = Server::start(&folder, &["--record", format, "--reconnect", "0"]);
        let mut publisher = Client::publish(server.rtmp, "live/a");
        publisher.send_all(&clip());
        publisher.leave();
        let list = server.until("it is recorded", |it| {
            let list = it.json("/v1/recordings");
            (list["recordings"][0]["state"] == "ready").then_some(list)
        });
        let recording = &list["recordings"][0];
        let file = recording["files"][0]["file"].as_str().unwrap();
        assert_eq!(recording["input"]["name"], "a");
        let plain = server.get(&format!("/recordings/{file}?as=mp4"));
        assert_eq!(&plain[4..8], b"ftyp");
        let boxes = |name: &[u8]| plain.windows(4).filter(|it| *it == name).count();
        assert_eq!((boxes(b"moov"), boxes(b"moof")), (1, 0));
        let (status, head, part) =
            server.ask(&format!("/recordings/{file}?as=mp4"), "range: bytes=4-7\r\n");
        assert_eq!((status, part.as_slice()), (206, b"ftyp".as_slice()), "{head}");
        assert!(folder.files(".tmp").is_empty());
        assert_eq!(server.ask(&format!("/recordings/{file}"), "range: bytes=99999999-\r\n").0, 416);
    }
}

#[test]
#[cfg(unix)]
fn out_11_a_full_disk_ends_a_recording_with_its_last_whole_unit() {
    for format in ["flv", "fmp4"] {
        let folder = Folder::new(&format!("full-{format}"));
        // Room for the database, which begins with a megabyte, and for little more than a megabyte of recording.
        let server = Server::cramped(&folder, &["--record", format], 2_200);
        let clip = clip();
        let mut publisher = Client::publish(server.rtmp, "live/a");
        publisher.send_all(&clip);
        let mut begin = 0;
        server.until("it is told", |it| {
            begin += 10_000;
            for tag in &clip {
                publisher.send(tag, tag.timestamp + begin);
            }
            publisher.send_all(&[]);
            it.said().contains("the recording ends here").then_some(())
        });
        // Live goes on.
        let mut player = Client::play(server.rtmp, "live/a");
        player.until(|it| it.media().len() > 20);
        let ending = if format == "flv" { ".flv" } else { ".mp4" };
        let file = std::fs::read(&folder.files(ending)[0]).unwrap();
        assert!((1_000_000..=1_126_400).contains(&file.len()), "{}", file.len());
        if format == "flv" {
            let recorded = tags(&file);
            let whole: usize = 13 + recorded.iter().map(|it| 15 + it.body.len()).sum::<usize>();
            assert_eq!(whole, file.len(), "nothing but whole tags");
        } else {
            items(&file);
        }
        // And so does the recording, in another file.
        let mut round = 1;
        server.until("another recording", |_| {
            for tag in clip.iter().take(100) {
                publisher.send(tag, tag.timestamp + begin + round * 10_000);
            }
            publisher.send_all(&[]);
            round += 1;
            (folder.files(ending).len() > 1).then_some(())
        });
    }
}

#[test]
#[cfg(target_os = "linux")]
fn out_12_live_goes_on_when_nothing_can_be_recorded() {
    let folder = Folder::new("nodisk");
    // A file stands where the folder of the recordings should be.
    std::fs::write(folder.0.join("recordings"), "").unwrap();
    let server = Server::start(&folder, &["--record", "flv"]);
    let clip = clip();
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip[..100]);
    server.until("it is told", |it| it.said().contains("the recording ends here").then_some(()));
    let mut player = Client::play(server.rtmp, "live/a");
    publisher.send_all(&clip[100..]);
    player.until(|it| it.media().len() > 20);
    assert!(!server.text("/metrics").contains("streamd_recording_errors_total 0"));
    // It is tried again, and then there is room.
    std::fs::remove_file(folder.0.join("recordings")).unwrap();
    let mut at = 10_000;
    server.until("a recording", |_| {
        publisher.send(clip.iter().find(|it| it.body[..2] == [0x17, 1]).unwrap(), at);
        publisher.step();
        at += 40;
        let files = folder.files(".flv");
        let file = std::fs::read(files.first()?).unwrap();
        (tags(&file).iter().any(|it| it.body[..2] == [0x17, 0])).then_some(())
    });
}

/// What is in the frames of a file: of pictures, and of sound.
fn frames(file: &[u8]) -> [Vec<Bytes>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for item in items(file) {
        let Fmp4Item::Frame(frame) = item else { continue };
        all[usize::from(frame.track.kind == MediaKind::Audio)].push(frame.data);
    }
    all
}

/// The same of tags.
fn bodies(tags: &[FlvTag]) -> [Vec<Bytes>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for FlvTag { kind, body, .. } in tags.iter().filter(|it| !is_header(it)) {
        let head = if *kind == TagKind::Video { 5 } else { 2 };
        all[usize::from(*kind == TagKind::Audio)].push(body.slice(head..));
    }
    all
}

#[test]
fn t30_parts_hold_every_frame_once_however_fast_it_came() {
    let film = film(20);
    let sent = bodies(&film);
    for format in ["flv", "fmp4"] {
        let folder = Folder::new(&format!("burst-{format}"));
        let options = ["--record", format, "--record-part", "5", "--reconnect", "1"];
        let server = Server::start(&folder, &options);
        Client::publish(server.rtmp, "live/a").send_all(&film);
        let parts = server.until("four parts are complete", |it| {
            let all = it.json("/v1/recordings")["recordings"].as_array()?.clone();
            (all.len() == 4 && all.iter().all(|it| it["state"] == "ready")).then_some(all)
        });
        let mut recorded = [Vec::new(), Vec::new()];
        for part in parts.iter().rev() {
            let file = server.get(part["files"][0]["url"].as_str().unwrap());
            let part = if format == "flv" { bodies(&tags(&file)) } else { frames(&file) };
            assert!((120..=126).contains(&part[0].len()), "{format}: {}", part[0].len());
            recorded.iter_mut().zip(part).for_each(|(all, it)| all.extend(it));
        }
        // Sound from before the first picture is in no fragment.
        let late = usize::from(format == "fmp4");
        assert!(recorded[0] == sent[0], "{format}: other pictures");
        assert!(recorded[1] == sent[1][late..], "{format}: other sound");
    }
}
