//! What strangers send to a real server, by the ids of the catalogue of hostile inputs.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use support::{Client, Folder, Server, clip, tags};

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

/// Reads until the other side closes or resets.
fn closed(mut socket: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = socket
        .read_to_end(&mut all)
        .map_err(|it| assert_ne!(it.kind(), std::io::ErrorKind::WouldBlock, "it stays open"));
    all
}

#[test]
fn net_01_02_a_handshake_has_one_deadline_whatever_comes() {
    let folder = Folder::new("slowshake");
    let server = Server::start(&folder, &["--max-per-address", "2"]);
    let silent = connect(server.rtmp);
    let mut slow = connect(server.rtmp);
    slow.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let begin = Instant::now();
    let mut byte = [3];
    while slow.write_all(&byte).is_ok() && begin.elapsed() < Duration::from_secs(20) {
        byte = [0];
        if slow.read(&mut [0; 64]).is_ok_and(|it| it == 0) {
            break;
        }
    }
    assert!((8..15).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!(closed(silent), b"");
    // Their places are free again.
    server.until("a free place", |it| (!Client::publish(it.rtmp, "live/a").over).then_some(()));
}

#[test]
fn net_05_a_reset_is_a_loss_that_may_be_made_good() {
    let folder = Folder::new("reset");
    let server = Server::start(&folder, &["--reconnect", "1"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip()[..60]);
    let state = |it: &Server| it.json("/v1/streams/live/a")["state"].as_str().map(str::to_owned);
    server.until("it is live", |it| (state(it)? == "live").then_some(()));
    publisher.reset();
    server.until("it waits", |it| (state(it)? == "waiting").then_some(()));
    server.until("it ends", |it| (state(it)? == "ended").then_some(()));
}

#[test]
#[cfg(unix)]
fn net_13_without_free_descriptors_live_connections_go_on() {
    let folder = Folder::new("files");
    let server = Server::with_files(&folder, &[], 48);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    let many: Vec<_> = (0..80).map(|_| connect(server.rtmp)).collect();
    server.until("it is told", |it| it.said().contains("cannot accept").then_some(()));
    publisher.send_all(&clip());
    drop(many);
    let mut player = server.until("there is room again", |it| {
        let player = Client::play(it.rtmp, "live/a");
        (!player.over && player.rejected.is_none()).then_some(player)
    });
    player.until(|it| it.media().len() > 20);
}

#[test]
fn net_14_only_trusted_peers_tell_where_their_clients_are() {
    let line = b"PROXY TCP4 192.0.2.77 127.0.0.1 4000 1935\r\n";
    let folder = Folder::new("proxy");
    let server = Server::start(&folder, &[]);
    let mut stranger = connect(server.rtmp);
    stranger.write_all(line).unwrap();
    assert_eq!(closed(stranger), b"", "it is no RTMP");

    let folder = Folder::new("trusted");
    let options = ["--trust-proxy", "127.0.0.0/8", "--max-per-address", "1"];
    let server = Server::start(&folder, &options);
    let mut first = Client::publish_behind(server.rtmp, line, "live/a");
    assert!(first.rejected.is_none() && !first.over);
    first.send_all(&clip()[..20]);
    let second = Client::publish_behind(server.rtmp, line, "live/b");
    assert!(second.over, "one from that address is enough");
    let other = b"PROXY TCP4 192.0.2.78 127.0.0.1 4000 1935\r\n";
    assert!(!Client::publish_behind(server.rtmp, other, "live/b").over);
    for broken in [
        [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x21, 0x11, 0xFF, 0xFF]].concat(),
        [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x21, 0x11, 0, 3, 1, 2, 3]].concat(),
        [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat(),
    ] {
        let mut socket = connect(server.rtmp);
        socket.write_all(&broken).unwrap();
        assert_eq!(closed(socket), b"");
    }
}

#[test]
fn out_18_a_recording_is_cut_at_its_limit_and_ends_when_the_space_is_used_up() {
    let folder = Folder::new("parts");
    let server = Server::start(&folder, &["--record", "flv", "--record-part", "3"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    // No faster than it is recorded, as from a camera.
    for second in 0..9 {
        let now = second * 1_000..(second + 1) * 1_000;
        let tags = clip().into_iter().filter(|it| now.contains(&it.timestamp));
        publisher.send_all(&tags.collect::<Vec<_>>());
        server.until("it is recorded", |it| {
            let all = it.json("/v1/recordings")["recordings"].clone();
            let lengths = all.as_array()?.iter().map(|it| it["duration_ms"].as_u64());
            (lengths.sum::<Option<u64>>()? + 500 > u64::from(now.end)).then_some(())
        });
    }
    drop(publisher);
    server.until("parts", |_| (folder.files(".flv").len() >= 3).then_some(()));
    for file in folder.files(".flv") {
        let tags = tags(&std::fs::read(file).unwrap());
        let length = tags.last().unwrap().timestamp;
        assert!(length < 4_100, "{length}");
        let picture = tags.iter().find(|it| it.body.len() > 100 && it.body[0] & 0x0F == 7);
        assert_eq!(picture.unwrap().body[0], 0x17, "every part begins with a keyframe");
    }

    let folder = Folder::new("space");
    let server = Server::start(&folder, &["--record", "flv", "--record-space", "0"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let mut player = Client::play(server.rtmp, "live/a");
    player.until(|it| it.media().len() > 20);
    assert_eq!(folder.files(".flv").len(), 0, "live goes on, and nothing is recorded");
}

#[test]
fn out_14_leftovers_of_a_crash_are_in_nobodys_way() {
    let folder = Folder::new("leftovers");
    let place = folder.0.join("recordings/live/a");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::create_dir_all(folder.0.join("hls/live")).unwrap();
    std::fs::write(place.join("20260101T000000Z.flv.tmp"), "half").unwrap();
    std::fs::write(place.join("20260101T000000Z.flv"), "FLV").unwrap();
    std::fs::write(folder.0.join("hls/live/a.next"), "12").unwrap();
    let server = Server::start(&folder, &["--record", "flv"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    server.until("a playlist", |it| {
        let (status, _, body) = it.ask("/live/a/main.m3u8", "");
        (status == 200 && body.windows(7).any(|it| it == b"#EXTINF")).then_some(())
    });
    assert_eq!(std::fs::read(place.join("20260101T000000Z.flv")).unwrap(), b"FLV");
}

#[test]
fn out_16_names_that_look_alike_are_different_streams() {
    let folder = Folder::new("names");
    let server = Server::start(&folder, &["--record", "flv"]);
    let names = ["live/a_b", "live/a/b", "live/A_b", "live/a.b"];
    let publishers: Vec<_> = names
        .iter()
        .map(|name| {
            let mut publisher = Client::publish(server.rtmp, name);
            assert!(publisher.rejected.is_none(), "{name}");
            publisher.send_all(&clip()[..40]);
            publisher
        })
        .collect();
    server.until("all are recorded", |_| (folder.files(".flv").len() == 4).then_some(()));
    for name in names {
        assert_eq!(server.json(&format!("/v1/streams/{name}"))["path"], name);
        assert!(folder.0.join("recordings").join(name).is_dir());
    }
    drop(publishers);
}

#[test]
fn htp_03_06_07_08_09_10_odd_requests_over_http() {
    let folder = Folder::new("http");
    let server = Server::start(&folder, &[]);
    let ask = |request: &[u8]| {
        let mut socket = connect(server.http);
        let _ = socket.write_all(request);
        String::from_utf8_lossy(&closed(socket)).into_owned()
    };
    // 3: too long, too many.
    let query = format!("GET /healthz?{} HTTP/1.1\r\nhost: a\r\n\r\n", "a=1&".repeat(100_000));
    let headers = "x: y\r\n".repeat(1_000);
    let headers = format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
    for request in [query, headers] {
        let answer = ask(request.as_bytes());
        let status = answer.split(' ').nth(1).unwrap_or("closed").to_owned();
        assert!(["400", "414", "431", "closed"].contains(&&*status), "{status}");
    }
    // 6: lengths that contradict each other.
    for lengths in [
        "content-length: 3\r\ncontent-length: 4\r\n",
        "content-length: -1\r\n",
        "content-length: 99999999999999999999\r\n",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\n",
    ] {
        let answer =
            ask(format!("POST /v1/inputs HTTP/1.1\r\nhost: a\r\n{lengths}\r\n").as_bytes());
        assert!(!answer.starts_with("HTTP/1.1 2"), "{lengths}: {answer}");
    }
    // 7: many requests at once, each answered; and no HTTP/2.
    let request = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_000);
    let last = "GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_eq!(ask(format!("{request}{last}").as_bytes()).matches("200 OK").count(), 1_001);
    let answer = ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert!(!answer.contains("200"), "{answer}");
    // 8, 9: nothing of a request comes back, and JSON is never a script.
    let head = "host: canary.example\r\nx-forwarded-for: 192.0.2.99\r\n";
    let (status, answer, body) =
        server.ask("/v1/streams?callback=%3Cscript%3Ecanary()%3C/script%3E", head);
    assert_eq!(status, 200);
    assert!(answer.contains("content-type: application/json"));
    assert!(answer.contains("x-content-type-options: nosniff"));
    assert!(!answer.contains("canary") && !String::from_utf8_lossy(&body).contains("canary"));
    assert!(!server.said().contains("192.0.2.99"));
    // 10: media may be read from other pages, never with their visitors' cookies.
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let (_, answer, _) = server.until("a playlist", |it| {
        let answer = it.ask("/live/a/index.m3u8", "origin: https://evil.example\r\n");
        (answer.0 == 200).then_some(answer)
    });
    assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
    assert!(!answer.contains("access-control-allow-credentials"));
}

#[test]
fn htp_05_a_response_that_nobody_reads_is_given_up() {
    let folder = Folder::new("unread");
    let server = Server::start(&folder, &["--stall", "1"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let mut lazy = connect(server.http);
    lazy.write_all(b"GET /live/a.flv HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let players = |it: &Server| it.json("/v1/streams/live/a")["players"].as_u64();
    server.until("it plays", |it| (players(it)? == 1).then_some(()));
    let mut begin = 0;
    server.until("it is closed", |it| {
        begin += 10_000;
        for tag in clip() {
            publisher.send(&tag, tag.timestamp + begin);
        }
        publisher.send_all(&[]);
        (players(it)? == 0).then_some(())
    });
}

#[test]
fn ert_07_players_that_know_no_multitrack_get_the_first_track() {
    let folder = Folder::new("tracks");
    let server = Server::start(&folder, &[]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    let clip = clip();
    publisher.send_all(&clip[..20]);
    let mut able = Client::play(server.rtmp, "live/a");
    let mut simple = Client::play_simply(server.rtmp, "live/a");
    for body in [&b"\x96\x03av01\x01other"[..], b"\x96\x03av01\0first", b"\x27\x01\0\0\0last"] {
        let mut tag = clip[5].clone();
        (tag.kind, tag.body) = (levada_flv::TagKind::Video, bytes::Bytes::from_static(body));
        publisher.send(&tag, 10_000);
    }
    publisher.send_all(&[]);
    let bodies = |it: &Client| it.media().into_iter().map(|it| it.2).collect::<Vec<_>>();
    let ends = |it: &Client| bodies(it).last().is_some_and(|it| it.ends_with(b"last"));
    able.until(ends);
    simple.until(ends);
    let count = |it: &Client, body: &[u8]| bodies(it).iter().filter(|it| *it == body).count();
    assert_eq!(count(&able, b"\x96\x03av01\x01other"), 1);
    assert_eq!(count(&able, b"\x96\x03av01\0first"), 1);
    assert_eq!(count(&simple, b"\x93av01first"), 1);
    assert!(!bodies(&simple).iter().any(|it| it.starts_with(b"\x96")));
}

#[test]
fn log_01_04_nothing_that_strangers_send_reaches_logs_or_labels_as_it_is() {
    let folder = Folder::new("logs");
    let server = Server::start(&folder, &["--rtmp", "127.0.0.1:0"]);
    for number in 0..30 {
        let refused = Client::play(server.rtmp, &format!("live/canary{number}"));
        assert!(refused.rejected.is_some());
    }
    let metrics = server.text("/metrics");
    assert!(!metrics.contains("canary"), "{metrics}");
    assert!(metrics.contains("streamd_refused_total{reason=\"not_found\"} 30"), "{metrics}");
    server.ask("/live/%1b%5b31mred.flv", "user-agent: \u{1b}[31mred\r\n");
    assert!(!server.said().contains('\u{1b}'), "{}", server.said());
}

#[test]
fn cmd_11_of_two_publishers_at_the_same_moment_one_wins() {
    let folder = Folder::new("race");
    let server = Server::start(&folder, &[]);
    for round in 0..4 {
        let path = format!("live/race{round}");
        let (address, barrier) = (server.rtmp, std::sync::Barrier::new(2));
        let publishers: Vec<Client> = std::thread::scope(|scope| {
            let one = || {
                barrier.wait();
                Client::publish(address, &path)
            };
            let both = [scope.spawn(one), scope.spawn(one)];
            both.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let won = publishers.iter().filter(|it| it.stream.is_some()).count();
        let lost = publishers.iter().find_map(|it| it.rejected.as_deref());
        assert_eq!((won, lost), (1, Some("NetStream.Publish.BadName")), "round {round}");
    }
}

#[test]
fn g20_cmd_12_18_flapping_and_guessing_end_at_the_rate_limit() {
    let folder = Folder::new("flapping");
    let server = Server::start(&folder, &["--reconnect", "0"]);
    let mut refused = 0;
    for _ in 0..15 {
        let publisher = Client::publish(server.rtmp, "live/flap");
        refused += u32::from(publisher.rejected.is_some());
        drop(publisher);
    }
    assert!(refused >= 5, "ten in a minute are enough: {refused}");
    assert!(server.text("/metrics").contains("streamd_refused_total{reason=\"rate_limited\"}"));
    // Another name is not affected.
    assert!(Client::publish(server.rtmp, "live/calm").rejected.is_none());

    let folder = Folder::new("guessing");
    let server = Server::start(&folder, &["--rtmp", "0.0.0.0:0"]);
    let answers: Vec<_> = (0..30)
        .map(|guess| {
            let app = if guess % 2 == 0 { "live" } else { "other" };
            Client::publish(server.rtmp, &format!("{app}/a?key=guess{guess}")).rejected
        })
        .collect();
    assert!(answers.iter().all(|it| it == &answers[0] && it.is_some()), "{answers:?}");
    let metrics = server.text("/metrics");
    let limited = metrics.lines().find(|it| it.contains("reason=\"rate_limited\"")).unwrap();
    assert!(!limited.ends_with(" 0"), "{limited}");
}

#[test]
fn cmd_17_23_metadata_without_end_and_players_before_any_header() {
    let folder = Folder::new("headless");
    let server = Server::start(&folder, &[]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    let memory = |it: &Server| -> u64 {
        let text = it.text("/metrics");
        let line =
            text.lines().find(|it| it.starts_with("process_resident_memory_bytes ")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let before = memory(&server);
    for number in 0..400_u32 {
        publisher.send_metadata("title", &format!("{number:05}").repeat(12_000));
    }
    publisher.send_all(&[]);
    // A frame of sound without any configuration, then a player.
    let sound = clip().into_iter().find(|it| it.kind == levada_flv::TagKind::Audio).unwrap();
    publisher.send(&sound, 0);
    publisher.send_all(&[]);
    let mut player = Client::play(server.rtmp, "live/a");
    assert!(!player.over && player.rejected.is_none());
    publisher.send_all(&clip());
    player.until(|it| it.media().len() > 20);
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes for 24 MB of metadata");
}

#[test]
fn net_12_a_server_name_is_no_path_and_no_label() {
    let folder = Folder::new("sni");
    let server = Server::start(&folder, &["--rtmps", "127.0.0.1:0"]);
    let address = server.rtmps.unwrap();
    // A ClientHello of version 1.2 with a server name of nine bytes.
    let hello = |name: &[u8; 9]| {
        let mut extension = vec![0, 0, 0, 14, 0, 12, 0, 0, 9];
        extension.extend_from_slice(name);
        let mut body = vec![3, 3];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, 0, 2, 0xC0, 0x2F, 1, 0, 0, extension.len() as u8]);
        body.extend_from_slice(&extension);
        let mut record = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
        record.extend_from_slice(&body);
        record
    };
    for name in [b"../../etc", b"canary\0\r\n", b"a..b...c."] {
        let mut socket = connect(address);
        socket.write_all(&hello(name)).unwrap();
        // An alert, or nothing.
        assert!(closed(socket).len() < 64);
    }
    assert!(!server.text("/metrics").contains("canary") && !server.said().contains("canary"));
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip()[..20]);
    assert!(!publisher.over);
}
