//! Publishers and players of a real process.

mod support;

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use levada_chunk::MessageType;
use levada_flv::{FlvTag, TagKind};
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_media::TrackId;
use serde_json::{Value, json};
use support::{Client, Folder, Server, clip, is_header, tags};

/// Video frames of a fragmented MP4.
fn frames(file: &[u8]) -> usize {
    let (mut reader, mut input, mut count) =
        (Fmp4Reader::new(ReadLimits::default()), BytesMut::from(file), 0);
    while let Some(item) = reader.read(&mut input).unwrap() {
        count +=
            usize::from(matches!(item, Fmp4Item::Frame(frame) if frame.track == TrackId::video(0)));
    }
    count
}

#[test]
fn what_is_published_is_played_byte_by_byte() {
    let folder = Folder::new("play");
    let server = Server::start(&folder, &[]);
    let clip = clip();
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip[..100]);
    server.until("it is live", |it| {
        (it.json("/v1/streams")["streams"][0]["frames"].as_u64()? > 10).then_some(())
    });
    let mut player = Client::play(server.rtmp, "live/a");
    publisher.send_all(&clip[100..]);
    let last = clip.last().unwrap();
    player.until(|it| it.media().last().is_some_and(|it| it.2 == last.body));
    let media = player.media();
    // Headers first, then everything from the newest keyframe on.
    let key = media.iter().position(|it| it.0 == MessageType::VIDEO && it.2[1] == 1).unwrap();
    assert_eq!(media[key].2[0], 0x17, "the first picture is a keyframe");
    assert!(media[..key].iter().all(|it| it.2[1] == 0) && key == 2, "behind the two headers");
    let begin = clip.iter().position(|it| it.body == media[key].2).unwrap();
    let expected: Vec<_> = clip[begin..].iter().map(|it| (it.timestamp, it.body.clone())).collect();
    let got: Vec<_> = media[key..].iter().map(|it| (it.1, it.2.clone())).collect();
    assert!(got == expected);
    assert!(Client::play(server.rtmp, "live/nobody").rejected.unwrap().contains("StreamNotFound"));
}

#[test]
fn hls_flv_and_mp4_over_http() {
    let folder = Folder::new("http");
    let server = Server::start(&folder, &[]);
    let clip = clip();
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip);
    let playlist = server.until("a playlist", |it| {
        let (status, _, body) = it.ask("/live/a/main.m3u8", "");
        let text = String::from_utf8(body).unwrap();
        (status == 200 && text.contains("main-2.m4s")).then_some(text)
    });
    assert!(
        server
            .text("/live/a/index.m3u8")
            .contains("CODECS=\"avc1.4d401f,mp4a.40.2\",RESOLUTION=640x360")
    );
    assert!(playlist.contains("#EXT-X-PART:") && playlist.contains("CAN-BLOCK-RELOAD=YES"));
    let mut file = server.get("/live/a/main-init0.mp4");
    file.extend(server.get("/live/a/main-0.m4s"));
    assert_eq!(frames(&file), 50, "two seconds of 25 pictures");

    let flv = tags(&server.beginning("/live/a.flv", 8_000));
    assert!(is_header(&flv[0]) && is_header(&flv[1]));
    assert_eq!(flv[2].body[..2], [0x17, 1], "a keyframe at once");
    assert!(frames(&server.beginning("/live/a.mp4", 8_000)) > 0);

    for path in ["/", "/watch/live/a", "/healthz", "/metrics"] {
        server.get(path);
    }
    assert!(
        server.text("/metrics").contains("streamd_stream_keyframes_total{stream=\"live/a\"} 10")
    );
    let live = &server.json("/v1/streams/live/a");
    assert_eq!((live["state"].as_str(), live["gop_ms"].as_u64()), (Some("live"), Some(1000)));
}

#[test]
fn without_hls_everything_else_is_there() {
    let folder = Folder::new("no-hls");
    let server = Server::start(&folder, &["--hls", "off"]);
    let events = server.events();
    events.get_ref().set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut events = events.lines().map(Result::unwrap);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    assert!(events.any(|it| it.contains("input.ready")), "who plays need not wait for a playlist");
    for path in ["/live/a/index.m3u8", "/live/a/main.m3u8", "/live/a/main-0.m4s"] {
        let (status, _, body) = server.ask(path, "");
        assert_eq!(status, 404, "{path}");
        assert!(String::from_utf8(body).unwrap().contains("--hls off"));
    }
    assert_eq!(tags(&server.beginning("/live/a.flv", 8_000))[2].body[..2], [0x17, 1]);
    assert!(frames(&server.beginning("/live/a.mp4", 8_000)) > 0);
}

#[test]
fn the_software_of_the_publisher_is_told() {
    let folder = Folder::new("encoder");
    let server = Server::start(&folder, &[]);
    let told = |it: &Server| it.json("/v1/streams/live/a")["encoder"].clone();
    let mut publisher = Client::publish(server.rtmp, "live/a");
    assert_eq!(told(&server), Value::Null);
    let (long, cut) = ("é".repeat(5_000), "é".repeat(200));
    for (name, said, expected) in [
        ("encoder", "<b>it</b> 1.0", json!("<b>it</b> 1.0")),
        ("title", "the newest metadata stand", Value::Null),
        ("encoder", &long, json!(cut)),
    ] {
        publisher.send_metadata(name, said);
        publisher.send_all(&clip()[..20]);
        server.until("what it says", |it| (told(it) == expected).then_some(()));
    }
    let state = |it: &Server| it.json("/v1/streams/live/a")["state"].clone();
    // Who comes back without a word is not taken for the one before.
    for expected in [Value::Null, json!("another")] {
        drop(publisher);
        server.until("its end", |it| (state(it) == "waiting").then_some(()));
        publisher = Client::publish(server.rtmp, "live/a");
        if let Some(said) = expected.as_str() {
            publisher.send_metadata("encoder", said);
        }
        publisher.send_all(&clip()[..20]);
        server.until("life", |it| (state(it) == "live").then_some(()));
        server.until("what it says", |it| (told(it) == expected).then_some(()));
    }
}

#[test]
fn htp_01_02_odd_paths_are_not_found() {
    let folder = Folder::new("paths");
    let server = Server::start(&folder, &[]);
    for path in [
        "/live/../../etc/passwd",
        "/live/%2e%2e/%2e%2e/etc/passwd",
        "/live/..%5c..%5cetc",
        "/live/%00",
        "//",
        "/live",
        "/live/",
        "/a/b/c/d.ts",
        "/.m3u8",
        "/.flv",
        "/live/a.mp4",
        "/recordings/../../etc/passwd",
        "/recordings/%2e%2e/x.flv",
    ] {
        assert_eq!(server.ask(path, "").0, 404, "{path}");
    }
    assert!(matches!(server.ask(&format!("/{}", "a".repeat(70_000)), "").0, 400 | 414 | 431));
}

#[test]
fn htp_04_a_head_that_never_ends_is_closed_at_the_deadline() {
    let folder = Folder::new("slowhead");
    let server = Server::start(&folder, &[]);
    let mut socket = TcpStream::connect(server.http).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let begin = Instant::now();
    // A byte now and then does not put it off.
    let mut answer = [0; 1024];
    while begin.elapsed() < Duration::from_secs(20) {
        if socket.write_all(b"x").is_err() || socket.read(&mut answer).is_ok_and(|it| it == 0) {
            break;
        }
    }
    assert!((8..16).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[test]
fn net_07_what_is_no_rtmp_is_closed_at_once() {
    let folder = Folder::new("notrtmp");
    let server = Server::start(&folder, &[]);
    for first in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        b"\x16\x03\x01\0\x05",
        b"SSH-2.0-x\r\n",
        b"\0",
        b"\xff",
    ] {
        let mut socket = TcpStream::connect(server.rtmp).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        socket.write_all(first).unwrap();
        let mut answer = Vec::new();
        // A reset says it as well.
        let _ = socket
            .read_to_end(&mut answer)
            .map_err(|it| assert_ne!(it.kind(), std::io::ErrorKind::WouldBlock));
        assert_eq!(answer, b"");
    }
}

#[test]
fn a_second_publisher_is_refused_and_changes_nothing() {
    let folder = Folder::new("second");
    let server = Server::start(&folder, &["--record", "flv"]);
    let clip = clip();
    let mut first = Client::publish(server.rtmp, "live/a");
    first.send_all(&clip[..50]);
    let second = Client::publish(server.rtmp, "live/a");
    assert_eq!(second.rejected.as_deref(), Some("NetStream.Publish.BadName"));
    first.send_all(&clip[50..100]);
    assert!(!first.over);
    server.until("all is recorded", |_| {
        let files = folder.files(".flv");
        (files.len() == 1 && tags(&std::fs::read(&files[0]).unwrap()).len() == 100).then_some(())
    });
    assert!(
        server.text("/metrics").contains("streamd_refused_total{reason=\"already_publishing\"} 1")
    );
}

#[test]
fn a_second_publisher_takes_over_where_that_is_wanted() {
    let folder = Folder::new("over");
    let server = Server::start(&folder, &["--second-publisher", "take-over"]);
    let clip = clip();
    let mut first = Client::publish(server.rtmp, "live/a");
    first.send_all(&clip[..50]);
    let mut player = Client::play(server.rtmp, "live/a");
    let mut second = Client::publish(server.rtmp, "live/a");
    second.send_all(&clip[..50]);
    first.until(|it| it.over);
    player.until(|it| it.media().len() > 60);
    assert!(!second.over && !player.over);
}

#[test]
fn a_publisher_that_comes_back_goes_on_in_the_same_stream_and_recording() {
    for format in ["flv", "fmp4"] {
        let folder = Folder::new(&format!("back-{format}"));
        let server = Server::start(&folder, &["--record", format, "--reconnect", "10"]);
        let clip = clip();
        let mut publisher = Client::publish(server.rtmp, "live/a");
        publisher.send_all(&clip);
        let mut player = Client::play(server.rtmp, "live/a");
        player.until(|it| it.media().len() > 10);
        // The network is gone: no word of farewell.
        drop(publisher);
        server.until("the loss is seen", |it| {
            (it.json("/v1/streams/live/a")["state"] == "waiting").then_some(())
        });
        let mut publisher = Client::publish(server.rtmp, "live/a");
        publisher.send_all(&clip);
        let last = &clip.last().unwrap().body;
        player.until(|it| it.media().iter().filter(|it| it.2 == *last).count() == 2);
        assert!(!player.over);
        let times: Vec<u32> = player.media().iter().map(|it| it.1).collect();
        // Audio and video alternate: a step back is at most a frame.
        assert!(
            times[2..].windows(2).all(|it| it[1] + 50 > it[0]),
            "time goes on for players: {times:?}"
        );

        let playlist = server.text("/live/a/main.m3u8");
        assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{playlist}");
        drop(publisher);
        server.signal("TERM");
        assert_eq!(server.end(), Some(0));
        let files = folder.files(if format == "flv" { ".flv" } else { ".mp4" });
        assert_eq!(files.len(), 1);
        let file = std::fs::read(&files[0]).unwrap();
        if format == "flv" {
            assert_eq!(tags(&file).len(), 2 * clip.len());
        } else {
            // No GOP is lost.
            assert_eq!(
                frames(&file),
                2 * clip.iter().filter(|it| it.kind == TagKind::Video && !is_header(it)).count()
            );
        }
    }
}

#[test]
fn a_stream_ends_when_its_publisher_stays_away() {
    let folder = Folder::new("away");
    let server = Server::start(&folder, &["--reconnect", "0.3"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let mut player = Client::play(server.rtmp, "live/a");
    player.until(|it| !it.received.is_empty());
    drop(publisher);
    player.until(|it| it.over);
    server.until("the playlist ends", |it| {
        it.text("/live/a/main.m3u8").contains("#EXT-X-ENDLIST").then_some(())
    });
}

#[test]
fn out_19_a_player_that_never_reads_is_closed_and_the_publisher_never_waits() {
    let folder = Folder::new("slow");
    let server = Server::start(&folder, &["--stall", "1"]);
    let clip = clip();
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip);
    let mut rtmp = Client::play(server.rtmp, "live/a");
    let mut http = TcpStream::connect(server.http).unwrap();
    http.write_all(b"GET /live/a.flv HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut block = [0; 1024];
    http.read_exact(&mut block).unwrap();
    server.until("two players", |it| (it.json("/v1/streams/live/a")["players"] == 2).then_some(()));
    // Large pictures, until both are gone.
    let picture = |key: u8| [&[key, 1, 0, 0, 0], vec![0; 50_000].as_slice()].concat();
    let (key, other) = (picture(0x17), picture(0x27));
    let begin = Instant::now();
    for second in 10.. {
        let tag = |n: u32| {
            let body = if n == 0 { &key } else { &other };
            FlvTag::new(TagKind::Video, second * 1000 + n * 40, body.clone().into())
        };
        let sent = Instant::now();
        publisher.send_all(&(0..25).map(tag).collect::<Vec<_>>());
        assert!(sent.elapsed() < Duration::from_secs(5), "the publisher waits for players");
        publisher.step();
        if server.json("/v1/streams/live/a")["players"] == 0 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "they are still there");
    }
    assert!(!publisher.over);
    rtmp.until(|it| it.over);
}

#[test]
fn keys_are_asked_for_beyond_loopback_and_never_told() {
    let folder = Folder::new("key");
    let server = Server::start(&folder, &["--rtmp", "0.0.0.0:0"]);
    let key = std::fs::read_to_string(folder.0.join("publish.key")).unwrap().trim().to_owned();
    assert_eq!(key.len(), 32);
    for wrong in ["live/a", "live/a?key=", "live/a?key=canary1234", "canary1234/a?key=canary1234"] {
        let refused = Client::publish(server.rtmp, wrong);
        assert!(refused.stream.is_none(), "{wrong}");
    }
    let mut publisher = Client::publish(server.rtmp, &format!("live/a?key={key}"));
    publisher.send_all(&clip()[..20]);
    server.until("it is live", |it| {
        (it.json("/v1/streams")["streams"][0]["state"] == "live").then_some(())
    });
    for path in ["/metrics", "/v1/streams", "/", "/v1/relays"] {
        assert!(!server.text(path).contains(&key), "{path}");
    }
    let said = server.said();
    assert!(!said.contains(&key) && !said.contains("key=canary"), "{said}");
}
