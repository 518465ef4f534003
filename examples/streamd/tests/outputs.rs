//! Outputs of a real process, into targets that are as bad as targets are.

mod support;
#[path = "support/target.rs"]
mod target;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use levada_chunk::{Message, MessageType};
use levada_flv::{FlvTag, TagKind};
use levada_minimal::sink::{Manners, Seen};
use support::{Client, Folder, PATIENCE, Server, clip};
use target::{Camera, Target, until};

fn relay(server: &Server, number: usize) -> serde_json::Value {
    server.json("/v1/relays")["relays"][number].clone()
}

fn error(server: &Server, number: usize) -> String {
    relay(server, number)["error"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn s15_what_is_pushed_is_what_was_published_from_a_keyframe_on() {
    let (folder, target) = (Folder::new("s15"), Target::good());
    let server = Server::start(&folder, &["--push", &format!("live/a={}", target.url("key"))]);
    let mut camera = Camera::new(&server, "live/a");
    camera.until("three seconds came", || target.media().len() > 200);
    let rest = camera.clip[camera.next..].to_vec();
    camera.client.send_all(&rest);
    let last = camera.clip.last().unwrap().clone();
    until("the last frame came", || target.has(&last.body));
    let media: Vec<_> = target.media().into_iter().map(|(_, it)| it).collect();
    let headers = media.iter().take_while(|it| it.payload[1] == 0).count();
    assert_eq!(headers, 2, "headers first");
    let first = media.iter().find(|it| it.kind == MessageType::VIDEO && it.payload[1] != 0);
    assert_eq!(first.unwrap().payload[0], 0x17, "the first picture is a keyframe");
    let begin = camera.clip.iter().position(|it| it.body == media[headers].payload).unwrap();
    let sent = camera.clip[begin..].iter().map(|it| (it.timestamp, &it.body));
    assert!(media[headers..].iter().map(|it| (it.timestamp, &it.payload)).eq(sent));
    assert_eq!(target.connections(), 1);
}

#[test]
fn s17_an_output_adds_next_to_no_delay() {
    let (folder, target) = (Folder::new("s17"), Target::good());
    let server = Server::start(&folder, &["--push", &format!("live/a={}", target.url("key"))]);
    let mut client = Client::publish(server.rtmp, "live/a");
    let header = clip().into_iter().find(|it| it.kind == TagKind::Video).unwrap();
    client.send_all(&[header]);
    // 25 frames of 25 kB a second: 5 Mbit/s.
    let (begin, mut sent) = (Instant::now(), Vec::new());
    for number in 0..200_u32 {
        while begin.elapsed() < Duration::from_millis((number * 40).into()) {
            client.step();
        }
        let key = number % 25 == 0;
        let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0, 0, 0, 0x61, 0x9f];
        body.resize(25_000, if key { 0x65 } else { 0x41 });
        let tag = FlvTag::new(TagKind::Video, number * 40, body.into());
        sent.push(Instant::now());
        client.send_all(&[tag]);
    }
    until("the last frame came", || target.media().last().is_some_and(|it| it.1.timestamp == 7960));
    let frames = target.media().into_iter().filter(|(_, it)| it.payload.len() == 25_000);
    let delay = |(at, it): (Instant, Message)| {
        at.saturating_duration_since(sent[usize::try_from(it.timestamp / 40).unwrap()])
    };
    // The first second is the beginning: what waited for the connection.
    let mut delays: Vec<_> = frames.map(delay).skip(25).collect();
    delays.sort();
    let (median, p99) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
    println!("added delay: median {median:?}, p99 {p99:?}");
    assert!(median < Duration::from_millis(50), "{median:?}");
    assert!(p99 < Duration::from_millis(200), "{p99:?}");
}

#[test]
fn s20_no_key_is_in_the_log_the_journal_or_an_answer() {
    let folder = Folder::new("s20");
    let (good, bad) = (Target::good(), Target::new(Manners { reject: true, ..Manners::default() }));
    let journal = folder.0.join("journal");
    let pushes = [good.url("canary-key-1?token=canary-2"), bad.url("canary-key-3")];
    let pull = format!("live/p=rtmp://canary-user:canary-pass@{}/live/canary-key-4", bad.address);
    let options = [
        "--push",
        &format!("live/a={}", pushes[0]),
        "--push",
        &format!("live/a={}", pushes[1]),
        "--pull",
        &pull,
        "--journal",
        journal.to_str().unwrap(),
    ];
    let server = Server::start(&folder, &options);
    let mut camera = Camera::new(&server, "live/a");
    camera.until("one is live and one was refused", || {
        !good.media().is_empty() && error(&server, 1) == "publish_rejected"
    });
    assert_eq!(
        good.count(
            |it| matches!(it, Seen::Asked(name) if name == "live/canary-key-1?token=canary-2")
        ),
        1
    );
    for text in
        [server.said(), server.text("/v1/relays"), std::fs::read_to_string(journal).unwrap()]
    {
        assert!(!text.is_empty() && !text.contains("canary"), "{text}");
    }
}

#[test]
fn s01_s11_three_targets_at_once_and_their_farewell() {
    let (folder, targets) = (Folder::new("s01"), [Target::good(), Target::good(), Target::good()]);
    let pushes: Vec<_> = targets.iter().map(|it| format!("live/a={}", it.url("key"))).collect();
    let options: Vec<_> = pushes.iter().flat_map(|it| ["--push", it]).collect();
    let server = Server::start(&folder, &[&options[..], &["--reconnect", "1"]].concat());
    let mut camera = Camera::new(&server, "live/a");
    camera.until("all get media", || targets.iter().all(|it| it.media().len() > 50));
    for number in 0..3 {
        assert_eq!(relay(&server, number)["state"], "live");
    }
    // The publisher goes, and does not come back in time.
    drop(camera);
    for target in &targets {
        until("an end in order", || target.count(|it| matches!(it, Seen::Unpublished)) == 1);
        until("it hangs up", || target.count(|it| matches!(it, Seen::Closed)) == 1);
        assert_eq!(target.connections(), 1);
    }
    // The next broadcast finds them again.
    let mut camera = Camera::new(&server, "live/a");
    camera.until("all get media again", || targets.iter().all(|it| it.connections() == 2));
    camera.until("media", || relay(&server, 2)["state"] == "live");
    server.signal("TERM");
    for target in &targets {
        camera.until("an end in order", || target.count(|it| matches!(it, Seen::Unpublished)) == 2);
    }
}

#[test]
fn a_publisher_that_is_away_for_five_seconds_is_one_connection_to_the_target() {
    let (folder, target) = (Folder::new("away"), Target::good());
    let server = Server::start(&folder, &["--push", &format!("live/a={}", target.url("key"))]);
    let mut camera = Camera::new(&server, "live/a");
    camera.until("it flows", || target.media().len() > 100);
    drop(camera);
    std::thread::sleep(Duration::from_secs(5));
    let before = target.media().len();
    let mut camera = Camera::new(&server, "live/a");
    camera.until("it flows again", || target.media().len() > before + 100);
    let times: Vec<_> = target.media().iter().map(|(_, it)| it.timestamp).collect();
    assert!(times.is_sorted(), "{times:?}");
    let gap = times.windows(2).map(|it| it[1] - it[0]).max().unwrap();
    assert!((4_500..9_000).contains(&gap), "{gap} ms");
    let after = &target.media()[before..];
    let picture = after.iter().find(|(_, it)| it.kind == MessageType::VIDEO && it.payload[1] != 0);
    assert_eq!(picture.unwrap().1.payload[0], 0x17, "it goes on with a keyframe");
    assert_eq!((target.connections(), target.count(|it| matches!(it, Seen::Unpublished))), (1, 0));
}

#[test]
fn every_way_to_fail_has_its_code() {
    let (folder, other_folder) = (Folder::new("codes"), Folder::new("codes-tls"));
    let refuse = Target::new(Manners { refuse: true, ..Manners::default() });
    let reject = Target::new(Manners { reject: true, ..Manners::default() });
    let close = Target::new(Manners { close_after: Some(20), ..Manners::default() });
    let tls = Server::start(&other_folder, &["--rtmps", "127.0.0.1:0"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (refuse.url("k"), "connect_rejected"),
        (reject.url("k"), "publish_rejected"),
        (close.url("k"), "remote_closed"),
        (format!("rtmp://{nobody}/live/k"), "connect_refused"),
        (format!("rtmps://{}/live/k", tls.rtmps.unwrap()), "tls"),
        (format!("rtmp://{}/live/k", tls.http), "handshake"),
        ("rtmp://no-such-name.invalid/live/k".to_owned(), "dns"),
    ];
    let pushes: Vec<_> = cases.iter().map(|(url, _)| format!("live/a={url}")).collect();
    let options: Vec<_> = pushes.iter().flat_map(|it| ["--push", it]).collect();
    let server = Server::start(&folder, &options);
    let mut camera = Camera::new(&server, "live/a");
    for (number, (_, code)) in cases.iter().enumerate() {
        camera.until(code, || error(&server, number) == *code);
    }
    // Three refusals in a row, and no more.
    for number in [0, 1] {
        camera.until("given up", || relay(&server, number)["state"] == "failed");
    }
    camera.run(Duration::from_secs(2));
    assert_eq!((refuse.connections(), reject.connections()), (3, 3));
    assert!(close.connections() > 1, "tried again");
}

#[test]
fn s03_a_target_behind_tls() {
    let (folder, other_folder) = (Folder::new("s03"), Folder::new("s03-target"));
    let other = Server::start(&other_folder, &["--rtmps", "127.0.0.1:0"]);
    let cert = other_folder.0.join("self-signed.pem");
    let url = other.rtmps.unwrap().to_string().replace("127.0.0.1", "localhost");
    let push = format!("live/a=rtmps://{url}/live/b");
    let server = Server::start(&folder, &["--push", &push, "--relay-ca", cert.to_str().unwrap()]);
    let mut camera = Camera::new(&server, "live/a");
    camera.until("it is there", || {
        other.json("/v1/streams")["streams"][0]["frames"].as_u64().is_some_and(|it| it > 50)
    });
    assert_eq!(relay(&server, 0)["state"], "live");
}

#[test]
fn a_target_that_stops_reading_hurts_nobody_else() {
    let (folder, good) = (Folder::new("stall"), Target::good());
    let bad = Target::new(Manners { stall_after: Some(30), ..Manners::default() });
    let pushes = [format!("live/a={}", bad.url("k")), format!("live/a={}", good.url("k"))];
    let server = Server::start(&folder, &["--push", &pushes[0], "--push", &pushes[1]]);
    let mut client = Client::publish(server.rtmp, "live/a");
    let clip = clip();
    // Faster than real time, so that the network's own buffers are soon full.
    let (begin, mut round, mut longest) = (Instant::now(), 0, Duration::ZERO);
    let mut dropped = 0;
    while error(&server, 0) != "stalled" {
        let before = Instant::now();
        let tags = clip.iter().filter(|it| round == 0 || !support::is_header(it));
        let tags: Vec<_> = tags
            .map(|it| FlvTag::new(it.kind, it.timestamp + round * 9_900, it.body.clone()))
            .collect();
        client.send_all(&tags);
        longest = longest.max(before.elapsed());
        dropped = dropped.max(relay(&server, 0)["dropped_frames"].as_u64().unwrap());
        round += 1;
        assert!(begin.elapsed() < Duration::from_secs(40), "{}", relay(&server, 0));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(longest < Duration::from_secs(2), "the publisher waited {longest:?}");
    let last = round * 9_900 - 1_000;
    until("the other has everything", || {
        good.media().last().is_some_and(|(_, it)| it.timestamp > last)
    });
    let pictures = good.media().into_iter().map(|(_, it)| it);
    let pictures = pictures.filter(|it| it.kind == MessageType::VIDEO && it.payload[1] != 0);
    let times: Vec<_> = pictures.map(|it| it.timestamp).collect();
    assert!(times[0] < last && times.windows(2).all(|it| it[1] - it[0] <= 60), "a hole");
    assert!(dropped > 0, "drops are counted");
    assert_eq!((good.connections(), relay(&server, 1)["state"].as_str()), (1, Some("live")));
}

#[test]
fn c15_codecs_that_nothing_here_knows_are_sent_on() {
    let (folder, target) = (Folder::new("c15"), Target::good());
    let server = Server::start(&folder, &["--push", &format!("live/a={}", target.url("key"))]);
    let mut client = Client::publish(server.rtmp, "live/a");
    // Sorenson H.263 and Speex.
    let (begin, mut number) = (Instant::now(), 0_u32);
    while target.media().len() < 100 {
        let first = if number.is_multiple_of(10) { 0x12 } else { 0x22 };
        let picture = FlvTag::new(TagKind::Video, number * 40, vec![first, 0, 0, 0x84].into());
        let sound = FlvTag::new(TagKind::Audio, number * 40, vec![0xb2, 1, 2, 3].into());
        client.send_all(&[picture, sound]);
        number += 1;
        assert!(begin.elapsed() < PATIENCE, "{}", relay(&server, 0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let media = target.media();
    assert_eq!(media[0].1.payload[..], [0x12, 0, 0, 0x84]);
    assert!(media.iter().any(|(_, it)| it.payload[..] == [0xb2, 1, 2, 3]));
}

#[test]
fn a_push_without_a_path_takes_the_first_stream() {
    let (folder, target) = (Folder::new("first"), Target::good());
    let server = Server::start(&folder, &["--push", &target.url("key"), "--reconnect", "0"]);
    let mut first = Camera::new(&server, "live/first");
    first.until("it flows", || !target.media().is_empty());
    let mut second = Camera::new(&server, "live/second");
    second.run(Duration::from_secs(1));
    assert_eq!(relay(&server, 0)["stream"], "live/first");
    assert_eq!(target.connections(), 1);
    drop(first);
    second.until("the other one takes its place", || target.connections() == 2);
    second.until("it flows", || relay(&server, 0)["stream"] == "live/second");
}

#[test]
fn g10_g11_a_pulled_stream_goes_live_plays_and_takes_no_publisher() {
    let (folder, other_folder) = (Folder::new("g10"), Folder::new("g10-source"));
    let source = Server::start(&other_folder, &[]);
    let mut camera = Camera::new(&source, "live/a");
    camera.until("it is live", || {
        source.json("/v1/streams")["streams"][0]["frames"].as_u64().is_some_and(|it| it > 10)
    });
    let pull = format!("live/pulled=rtmp://{}/live/a", source.rtmp);
    let server = Server::start(&folder, &["--pull", &pull]);
    let begin = Instant::now();
    camera.until("it is live here", || server.json("/v1/streams")["streams"][0]["state"] == "live");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(relay(&server, 0)["state"], "live");
    assert_eq!(server.json("/v1/streams")["streams"][0]["path"], "live/pulled");
    let rejected = Client::publish(server.rtmp, "live/pulled").rejected;
    assert_eq!(rejected.as_deref(), Some("NetStream.Publish.BadName"));
    let mut player = Client::play(server.rtmp, "live/pulled");
    camera.until("it is played", || {
        player.step();
        player.media().len() > 100
    });
}

/// Pulls a stream of this server from another one, and plays it there.
fn pulled(name: &str, url: impl Fn(&Server) -> String, codec: &str) -> Vec<Message> {
    let (folder, other_folder) = (Folder::new(name), Folder::new(&format!("{name}-source")));
    let source = Server::start(&other_folder, &[]);
    let mut camera = Camera::new(&source, "live/a");
    camera.until("there are segments", || {
        source.json("/v1/streams")["streams"][0]["frames"].as_u64().is_some_and(|it| it > 110)
    });
    let server = Server::start(&folder, &["--pull", &format!("live/b={}", url(&source))]);
    camera.until("it is live here", || server.json("/v1/streams")["streams"][0]["state"] == "live");
    let mut player = Client::play(server.rtmp, "live/b");
    camera.until("it is played", || {
        player.step();
        player.media().len() > 150
    });
    let codecs = server.json("/v1/streams/live/b")["codecs"].to_string();
    assert!(codecs.contains(codec), "{codecs}");
    assert_eq!(relay(&server, 0)["error"], serde_json::Value::Null);
    // Nothing pulls what is not there any more.
    drop(camera);
    drop(source);
    until("it is told", || {
        error(&server, 0) == "remote_closed" || error(&server, 0) == "connect_refused"
    });
    player.received
}

#[test]
fn flv_is_pulled_over_http_as_it_is() {
    let received = pulled("pull-flv", |it| format!("http://{}/live/a.flv", it.http), "avc1");
    let clip = clip();
    let media = received.iter().filter(|it| it.kind != MessageType::DATA_AMF0);
    assert!(media.into_iter().all(|it| clip.iter().any(|tag| tag.body == it.payload)));
}

#[test]
fn hls_is_pulled_frame_by_frame_in_its_time() {
    let url = |it: &Server| format!("http://{}/live/a/index.m3u8", it.http);
    let received = pulled("pull-hls", url, "mp4a");
    let is_frame = |it: &&Message| it.kind == MessageType::VIDEO && it.payload[1] == 1;
    let frames: Vec<_> = received.iter().filter(is_frame).collect();
    let clip = clip();
    let place = |it: &Message| clip.iter().position(|tag| tag.body == it.payload).unwrap();
    assert_eq!(frames[0].payload[0], 0x17);
    for pair in frames.windows(2) {
        assert!(place(pair[1]) > place(pair[0]) || place(pair[1]) == 2, "in order");
        assert!((30..=50).contains(&(pair[1].timestamp - pair[0].timestamp)));
    }
}

#[test]
fn g17_one_404_is_a_failure() {
    let folder = Folder::new("g17");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for connection in socket.incoming() {
            let mut connection = connection.unwrap();
            let mut head = [0; 2048];
            let count = std::io::Read::read(&mut connection, &mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n";
            let answer = if path.ends_with("m3u8") {
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            } else {
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()
            };
            let _ = std::io::Write::write_all(&mut connection, answer.as_bytes());
            log.lock().unwrap().push(path);
        }
    });
    let pull = format!("live/b=http://{address}/index.m3u8");
    let server = Server::start(&folder, &["--pull", &pull]);
    until("it failed", || error(&server, 0) == "http_status");
    assert_eq!(asked.lock().unwrap()[..], ["/index.m3u8", "/a.ts"]);
    let state = relay(&server, 0);
    assert_eq!((state["state"].as_str(), state["tries"].as_u64()), (Some("waiting"), Some(1)));
}
