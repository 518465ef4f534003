//! Webhooks of a real server: what they say, in which order, and what becomes of them when an endpoint is bad.

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use levada_control::{Entry, Plane, Snapshot, replay};
use serde_json::{Value, json};
use support::sink::{Answer, Post, Sink};
use support::{Client, Folder, Server, clip};

const PRIVATE: &[&str] = &["--private-targets", "--reconnect", "1"];

/// Makes a webhook; gives its id and its secret.
fn hook(server: &Server, url: &str, format: &str) -> (String, String) {
    let hook = server.post("/v1/hooks", &json!({ "url": url, "format": format }));
    let text = |name: &str| hook[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

/// Publishes a clip, then leaves.
fn broadcast(server: &Server, path: &str) {
    let mut publisher = Client::publish(server.rtmp, path);
    publisher.send_all(&clip());
}

/// Whether an event is among the posts, as the native form calls it.
fn told(posts: &[Post], event: &str) -> bool {
    posts.iter().any(|it| it.json()["type"] == event)
}

/// Takes a field out of an object.
fn take(value: &mut Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name).unwrap_or_else(|| panic!("{name} in {value}"))
}

/// What a GET is answered with.
fn status_of(http: SocketAddr, path: &str) -> u16 {
    let mut socket = TcpStream::connect(http).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap();
    text.len() == 24 && text.starts_with("20") && text.ends_with('Z') && &text[10..11] == "T"
}

#[test]
fn t05_t18_t22_whk_07_the_native_form_is_signed_numbered_and_in_order() {
    let folder = Folder::new("hooks-native");
    let sink = Sink::start(|_| Answer::Status(204));
    let server = Server::start(&folder, &[PRIVATE, &["--record", "fmp4"]].concat());
    let (id, secret) = hook(&server, &sink.url("/native"), "native");
    broadcast(&server, "live/a");
    let posts =
        sink.until("/native", |it| told(it, "recording.ready") && told(it, "input.deleted"));
    let types: Vec<_> =
        posts.iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect();
    let place = |name: &str| {
        types.iter().position(|it| it == name).unwrap_or_else(|| panic!("{name}: {types:?}"))
    };
    let order = [
        "input.connected",
        "input.live",
        "recording.started",
        "input.suspended",
        "input.ended",
        "recording.pending",
        "recording.viewable",
        "recording.ready",
    ];
    assert!(order.windows(2).all(|it| place(it[0]) < place(it[1])), "{types:?}");
    for (at, post) in posts.iter().enumerate() {
        assert_eq!(post.id, format!("{id}-{}", at + 1), "each is delivered once, in order");
        assert_eq!(post.attempt, 1);
        assert!(post.is_signed_with(&secret) && !post.is_signed_with("another"));
    }
    let of_input: Vec<Value> =
        posts.iter().map(Post::json).filter(|it| it["input"].is_object()).collect();
    for (at, body) in of_input.iter().enumerate() {
        assert_eq!(body["seq"], at + 1, "numbers without a gap");
        assert_eq!(body["input"]["name"], "a");
        assert!(is_time(&body["at"]));
        let input = body["input"]["id"].as_str().unwrap();
        assert_eq!(body["id"], format!("{input}-{}", at + 1));
    }
    assert_eq!(of_input[1]["data"], json!({ "slot": "primary" }));
    assert!(sink.was_one_at_a_time());
}

#[test]
fn c20_c21_bodies_of_surface_a_and_their_signature() {
    let folder = Folder::new("hooks-a");
    let sink = Sink::start(|_| Answer::Status(200));
    let server = Server::start(&folder, &[PRIVATE, &["--record", "fmp4"]].concat());
    let (_, secret) = hook(&server, &sink.url("/a"), "A");
    broadcast(&server, "live/a");
    let posts = sink.until("/a", |it| it.len() >= 3);
    assert!(posts.iter().all(|it| it.is_signed_with(&secret)));
    let mut input = Value::Null;
    for (post, event) in posts.iter().zip(["connected", "disconnected"]) {
        let mut body = post.json();
        let mut data = take(&mut body, "data");
        input = take(&mut data, "input_id");
        let at = take(&mut data, "updated_at");
        assert!(is_time(&at) && input.as_str().unwrap().len() == 32);
        let event = format!("live_input.{event}");
        assert_eq!(data, json!({ "notification_name": "Stream Live Input", "event_type": event }));
        let ts = take(&mut body, "ts");
        assert!(ts.as_i64().unwrap() > 1_700_000_000);
        let text = format!(
            "Notification Name: Stream Live Input\nInput ID: {}\nEvent Type: {event}\nUpdated At: {}",
            input.as_str().unwrap(),
            at.as_str().unwrap(),
        );
        assert_eq!(body, json!({ "name": "Live Webhook", "text": text }));
    }
    let video = posts[2].json();
    assert_eq!(video["liveInput"], input);
    assert_eq!(
        video["status"],
        json!({ "state": "ready", "pctComplete": "100", "errorReasonCode": "", "errorReasonText": "" })
    );
    assert_eq!(
        (&video["readyToStream"], &video["requireSignedURLs"]),
        (&json!(true), &json!(false))
    );
    let name = video["meta"]["name"].as_str().unwrap();
    assert!(name.starts_with("Stream Record: a, ") && name.ends_with(" +0000"), "{name}");
    assert!(video["size"].as_u64().unwrap() > 10_000 && video["duration"].as_f64().unwrap() > 9.0);
    assert_eq!(video["input"], json!({ "width": 640, "height": 360 }));
}

#[test]
fn c20_an_input_without_media_is_errored_on_surface_a() {
    let folder = Folder::new("hooks-errored");
    let sink = Sink::start(|_| Answer::Status(200));
    let server = Server::start(&folder, PRIVATE);
    hook(&server, &sink.url("/a"), "A");
    drop(Client::publish(server.rtmp, "live/silent"));
    let posts = sink.until("/a", |it| it.len() >= 2);
    let data = &posts[1].json()["data"];
    assert_eq!(data["event_type"], "live_input.errored");
    let errored = &data["live_input_errored"];
    assert_eq!((&errored["video_codec"], &errored["audio_codec"]), (&json!(""), &json!("")));
    assert!(errored["error"]["code"].is_string() && errored["error"]["message"].is_string());
}

#[test]
fn t05_t06_t24_bodies_of_surface_b_and_the_interruption() {
    let folder = Folder::new("hooks-b");
    let server =
        Server::start(&folder, &["--private-targets", "--reconnect", "10", "--record", "fmp4"]);
    let http = server.http;
    // T06: when the hook says that it is ready, the playlist answers.
    let answers = Arc::new(AtomicBool::new(false));
    let playlist = answers.clone();
    let sink = Sink::start(move |post| {
        if post.json()["message"]["stream"]["transcoding"] == true {
            playlist.store(status_of(http, "/live/a/index.m3u8") == 200, Ordering::SeqCst);
        }
        Answer::Status(200)
    });
    hook(&server, &sink.url("/b"), "B");
    let mut first = Client::publish(server.rtmp, "live/a");
    first.send_all(&clip());
    sink.until("/b", |it| {
        it.iter().any(|it| it.json()["message"]["stream"]["transcoding"] == true)
    });
    assert!(answers.load(Ordering::SeqCst));
    drop(first);
    sink.until("/b", |it| {
        it.last().is_some_and(|it| it.json()["message"]["stream"]["live"] == false)
    });
    let mut second = Client::publish(server.rtmp, "live/a");
    second.send_all(&clip());
    let posts = sink.until("/b", |it| {
        it.last().is_some_and(|it| it.json()["message"]["stream"]["live"] == true)
    });
    let mut streams: Vec<Value> = posts
        .iter()
        .map(Post::json)
        .filter(|it| it["type"] == "stream")
        .map(|it| it["message"]["stream"].clone())
        .collect();
    for stream in &mut streams {
        assert!(take(stream, "id").as_i64().unwrap() > 0);
    }
    let stream = |live: bool, recording: bool, transcoding: bool| {
        json!({
            "live": live, "backup_live": false, "recording": recording, "transcoding": transcoding,
            "client_user_id": null, "client_entity_data": null, "pull": false, "uri": null,
            "stream_source_type": "push",
        })
    };
    assert_eq!(streams.first(), Some(&stream(true, false, false)));
    assert!(streams.contains(&stream(true, true, true)), "{streams:#?}");
    assert!(streams.contains(&stream(false, true, false)), "{streams:#?}");
    // Every `live: true` is followed by one `live: false`: it changes twice.
    let mut live: Vec<_> = streams.iter().map(|it| it["live"].as_bool().unwrap()).collect();
    live.dedup();
    assert_eq!(live, [true, false, true]);
}

#[test]
fn t18_to_t22_the_videos_of_surface_b_end_in_order() {
    let folder = Folder::new("hooks-videos");
    let sink = Sink::start(|_| Answer::Status(200));
    // For everybody, so that publishers come with the keys of inputs.
    let options = ["--rtmp", "0.0.0.0:0", "--record", "fmp4"];
    let server = Server::start(&folder, &[PRIVATE, &options].concat());
    hook(&server, &sink.url("/b"), "B");
    let input = json!({ "name": "cam", "recording": { "mode": "automatic" } });
    let input = server.post("/v1/inputs", &input);
    broadcast(&server, &format!("live/{}", input["ingest"]["rtmp"]["key"].as_str().unwrap()));
    let videos = |posts: &[Post]| -> Vec<Value> {
        let all = posts.iter().map(Post::json).filter(|it| it["type"] == "video");
        all.map(|it| it["message"]["video"].clone()).collect()
    };
    let posts = sink.until("/b", |it| videos(it).iter().any(|it| it["status"] == "ready"));
    let videos = videos(&posts);
    let states: Vec<_> = videos.iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["pending", "viewable", "ready"]);
    let mut ready = videos[2].clone();
    assert_eq!(take(&mut ready, "stream_id"), input["number"]);
    assert_eq!(take(&mut ready, "slug").as_str().unwrap().len(), 16);
    assert!(take(&mut ready, "id").as_i64().unwrap() > 0);
    assert!(take(&mut ready, "duration").as_i64().unwrap() > 9_000);
    let name = take(&mut ready, "name");
    assert!(name.as_str().unwrap().starts_with("Stream Record: cam, "), "{name}");
    assert_eq!(ready, json!({ "status": "ready", "converted_videos": [] }));
}

#[test]
fn s10_t35_started_stopped_and_failed_are_told_once_each_by_hooks_and_events() {
    let (folder, there) = (Folder::new("hooks-c"), Folder::new("hooks-c-target"));
    let target = Server::start(&there, &[]);
    let _holder = Client::publish(target.rtmp, "live/busy");
    let sink = Sink::start(|_| Answer::Status(200));
    let server = Server::start(&folder, &[PRIVATE, &["--rtmp", "0.0.0.0:0"]].concat());
    let (_, secret) = hook(&server, &sink.url("/c"), "C");
    hook(&server, &sink.url("/b"), "B");
    let mut events = TcpStream::connect(server.http).unwrap();
    let request = "GET /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
    events.write_all(request.as_bytes()).unwrap();
    events.read_exact(&mut [0; 12]).unwrap();

    let input =
        server.post("/v1/inputs", &json!({ "name": "call", "alias": "call:livestream:abc" }));
    let outputs = format!("/v1/inputs/{}/outputs", input["id"].as_str().unwrap());
    let output = |name: &str, key: &str| {
        let url = format!("rtmp://{}/live", target.rtmp);
        server.post(&outputs, &json!({ "name": name, "url": url, "key": key }))
    };
    let good = output("good", "good");
    let bad = output("bad", "busy");
    let key = input["ingest"]["rtmp"]["key"].as_str().unwrap();
    let mut publisher = Client::publish(server.rtmp, &format!("live/{key}"));
    publisher.send_all(&clip());
    // Refused three times in a row.
    sink.until("/c", |it| it.len() >= 2);
    server.delete(&format!("{outputs}/{}", good["id"].as_str().unwrap()));
    let posts = sink.until("/c", |it| it.len() >= 3);
    let body = |event: &str, name: &str| json!({ "type": format!("call.rtmp_broadcast_{event}"), "call_cid": "livestream:abc", "name": name });
    let mut failed = body("failed", "bad");
    failed["reason_code"] = json!("publish_rejected");
    failed["reason"] = json!("The target could not be reached or refused");
    let expected = [body("started", "good"), failed, body("stopped", "good")];
    for (post, expected) in posts.iter().zip(expected) {
        let mut body = post.json();
        assert!(is_time(&take(&mut body, "created_at")));
        assert_eq!(body, expected);
        assert!(post.is_signed_with(&secret));
    }
    // T35: the same on surface B.
    let is_restream = |it: &Value| it["type"] == "restream";
    let restreams = |it: &[Post]| it.iter().map(Post::json).filter(is_restream).collect::<Vec<_>>();
    let posts = sink.until("/b", |it| restreams(it).len() >= 3);
    let restream = |output: &Value, live: bool| {
        let (id, name, stream) = (&output["number"], &output["name"], &input["number"]);
        let restream = json!({ "id": id, "name": name, "stream_id": stream, "live": live });
        json!({ "type": "restream", "message": { "restream": restream } })
    };
    let expected = [restream(&good, true), restream(&bad, false), restream(&good, false)];
    assert_eq!(restreams(&posts), expected);
    server.signal("TERM");
    let mut told = String::new();
    events.read_to_string(&mut told).unwrap();
    drop(publisher);
    assert_eq!(server.end(), Some(0));
    for event in ["output.started", "output.stopped", "output.failed"] {
        assert_eq!(told.matches(&format!("event: {event}\n")).count(), 1, "{told}");
    }
    assert_eq!(sink.posts("/c").len(), 3);
}

#[test]
fn whk_02_failures_are_tried_again_in_order_and_endless_answers_are_cut() {
    let folder = Folder::new("hooks-retry");
    let sink = Sink::start(|post| match post.attempt {
        1 if post.id.ends_with("-1") => Answer::Status(500),
        1 if post.id.ends_with("-2") => Answer::With(503, "retry-after: 2".into()),
        _ => Answer::Endless,
    });
    let server = Server::start(&folder, PRIVATE);
    let (id, secret) = hook(&server, &sink.url("/x"), "native");
    let begin = Instant::now();
    broadcast(&server, "live/a");
    let posts = sink.until("/x", |it| it.len() >= 6);
    let tries: Vec<_> = posts.iter().map(|it| (it.id.clone(), it.attempt)).take(5).collect();
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
        .map(|(it, attempt)| (format!("{id}-{it}"), attempt));
    assert_eq!(tries, expected);
    assert!(posts.iter().all(|it| it.is_signed_with(&secret)));
    assert_eq!(
        (posts[0].body.clone(), posts[2].body.clone()),
        (posts[1].body.clone(), posts[3].body.clone())
    );
    let wait = |second: usize| posts[second].at - posts[second - 1].at;
    let about =
        |wait: Duration, seconds| (seconds - 0.2..seconds + 1.5).contains(&wait.as_secs_f64());
    assert!(about(wait(1), 1.0) && about(wait(3), 2.0), "{:?} {:?}", wait(1), wait(3));
    assert!(begin.elapsed() < Duration::from_secs(15), "an endless answer holds nothing up");
    server.until("the answers are cut", |_| (sink.taken().len() >= 3).then_some(()));
    // 64 KiB are read; the rest is what two sockets and loopback hold.
    assert!(sink.taken().iter().all(|it| *it < 16 << 20), "{:?}", sink.taken());
    let (_, log) = server.call("GET", &format!("/v1/hooks/{id}/deliveries"), &Value::Null);
    assert!(log.to_string().contains("\"attempts\":2"), "{log}");
}

#[test]
fn whk_01_an_endpoint_that_hangs_is_given_up_after_five_seconds_and_holds_up_nobody_else() {
    let folder = Folder::new("hooks-hang");
    let sink = Sink::start(|post| match (&*post.path, post.attempt) {
        ("/bad", 1) => Answer::Nothing,
        _ => Answer::Status(200),
    });
    let server = Server::start(&folder, PRIVATE);
    hook(&server, &sink.url("/bad"), "native");
    hook(&server, &sink.url("/good"), "native");
    let begin = Instant::now();
    broadcast(&server, "live/a");
    sink.until("/good", |it| told(it, "input.ended"));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(sink.posts("/bad").len(), 1);
    let posts = sink.until("/bad", |it| it.len() >= 2);
    let wait = (posts[1].at - posts[0].at).as_secs_f64();
    assert!((5.8..7.5).contains(&wait), "5 s for the answer, 1 s until the next try: {wait}");
    assert_eq!((posts[1].attempt, &posts[1].id), (2, &posts[0].id));
    sink.until("/bad", |it| told(it, "input.ended"));
    assert!(sink.was_one_at_a_time());
}

#[test]
fn whk_03_redirects_are_not_followed() {
    let folder = Folder::new("hooks-redirect");
    let inside = Sink::start(|_| Answer::Status(200));
    let to = format!("location: {}", inside.url("/secret"));
    let sink = Sink::start(move |post| match post.attempt {
        1 => Answer::With(302, to.clone()),
        _ => Answer::Status(200),
    });
    let server = Server::start(&folder, PRIVATE);
    let (id, _) = hook(&server, &sink.url("/x"), "native");
    server.call("POST", &format!("/v1/hooks/{id}/test"), &Value::Null);
    let posts = sink.until("/x", |it| it.len() >= 2);
    assert_eq!((posts[0].answered, posts[1].attempt), (302, 2), "a redirect is a failure");
    assert_eq!(posts[0].json()["type"], "hook.test");
    assert!(inside.posts("/secret").is_empty());
}

#[test]
fn whk_04_the_address_that_is_connected_to_is_the_one_that_is_checked() {
    let folder = Folder::new("hooks-private");
    let sink = Sink::start(|_| Answer::Status(200));
    let server = Server::start(&folder, &[]);
    let make = |host: &str| {
        let url = format!("http://{host}:{}/x", sink.address.port());
        server.call("POST", "/v1/hooks", &json!({ "url": url, "format": "native" }))
    };
    for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.1"] {
        let (status, error) = make(host);
        assert_eq!(
            (status / 100, &error["error"]["code"]),
            (4, &json!("target_forbidden")),
            "{host}"
        );
    }
    // No address by its looks, and resolved to 127.0.0.1.
    let (status, hook) = make("127.1");
    assert_eq!(status, 201, "{hook}");
    let hook = format!("/v1/hooks/{}", hook["id"].as_str().unwrap());
    server.call("POST", &format!("{hook}/test"), &Value::Null);
    server.until("it is refused", |it| it.said().contains("its address is private").then_some(()));
    assert!(sink.posts("/x").is_empty());
    let (_, view) = server.call("GET", &hook, &Value::Null);
    assert_eq!(view["waiting"], 1);
}

#[test]
fn hooks_go_over_tls_to_whom_the_roots_vouch_for() {
    let folder = Folder::new("hooks-tls");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = |file: &str| {
        let made = rcgen::generate_simple_self_signed(names.clone()).unwrap();
        std::fs::write(folder.0.join(file), made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        levada_tls::server_config(vec![made.cert.der().clone()], key.unwrap()).unwrap()
    };
    let good = Sink::start_tls(certificate("good.pem"), |_| Answer::Status(200));
    let bad = Sink::start_tls(certificate("bad.pem"), |_| Answer::Status(200));
    let roots = folder.0.join("good.pem");
    let server =
        Server::start(&folder, &[PRIVATE, &["--relay-ca", roots.to_str().unwrap()]].concat());
    for (sink, path) in [(&good, "/good"), (&bad, "/bad")] {
        let (id, secret) = hook(&server, &format!("https://{}{path}", sink.address), "native");
        server.call("POST", &format!("/v1/hooks/{id}/test"), &Value::Null);
        if path == "/good" {
            assert!(good.until(path, |it| it.len() == 1)[0].is_signed_with(&secret));
        }
    }
    server.until("the other is refused", |it| it.said().contains("TLS failed").then_some(()));
    assert!(bad.posts("/bad").is_empty());
}

/// A number is never given to two bodies, and what the endpoint saw once it gets until it takes it.
#[test]
fn whk_05_sigkill_loses_no_delivery() {
    let folder = Folder::new("hooks-kill");
    // Each delivery fails once while it is down: failed more often, it would wait for half a minute.
    let down = Arc::new(AtomicBool::new(true));
    let is_down = down.clone();
    let sink = Sink::start(move |post| {
        let fails = is_down.load(Ordering::SeqCst) && post.attempt == 1;
        Answer::Status(if fails { 503 } else { 200 })
    });
    let mut server = Server::start(&folder, PRIVATE);
    hook(&server, &sink.url("/x"), "native");
    for round in 0..6 {
        let mut publisher = Client::publish(server.rtmp, &format!("live/{round}"));
        publisher.send_all(&clip()[..40]);
        if round == 0 {
            sink.until("/x", |it| !it.is_empty());
        }
        std::thread::sleep(Duration::from_millis(37 * round));
        server.signal("KILL");
        server.end();
        // Other rounds take what comes, so that there are deliveries under way and new ones.
        down.store(round % 2 == 0, Ordering::SeqCst);
        server = Server::start(&folder, PRIVATE);
    }
    down.store(false, Ordering::SeqCst);
    let is_told = |posts: &[Post], round: usize, kind: &str| {
        let name = round.to_string();
        posts
            .iter()
            .filter(|it| it.answered == 200)
            .map(Post::json)
            .any(|it| it["type"] == kind && it["input"]["name"].as_str() == Some(&name))
    };
    // WHK-09: each publisher who was announced is told to be gone, though the server died under it.
    let posts = sink.until("/x", |it| {
        let is_even =
            |round| is_told(it, round, "input.connected") == is_told(it, round, "input.deleted");
        is_told(it, 0, "input.deleted") && (0..6).all(is_even)
    });
    let mut bodies = BTreeMap::new();
    for post in &posts {
        let body = bodies.entry(post.id.clone()).or_insert_with(|| post.body.clone());
        assert_eq!(*body, post.body, "{} was given twice", post.id);
    }
    for id in bodies.keys() {
        assert!(posts.iter().any(|it| it.id == *id && it.answered == 200), "{id} is lost");
    }
    let number = |post: &Post| post.id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    // What was taken just before the end may come again. Nothing new goes before something old.
    let taken = posts.iter().filter(|it| it.answered == 200).map(number);
    let news: Vec<u64> = taken
        .scan(0, |last, it| Some((it > *last).then(|| *last = it).map(|()| it)))
        .flatten()
        .collect();
    let in_order: Vec<u64> = (1..=news.len() as u64).collect();
    assert_eq!(news, in_order, "without a gap");
}

#[test]
fn the_journal_of_a_full_run_replays_to_identical_actions() {
    let folder = Folder::new("hooks-journal");
    let sink = Sink::start(|post| Answer::Status(if post.attempt == 1 { 500 } else { 200 }));
    let journal = folder.0.join("journal.jsonl");
    let options = ["--record", "fmp4", "--journal", journal.to_str().unwrap()];
    let server = Server::start(&folder, &[PRIVATE, &options].concat());
    let (_, secret) = hook(&server, &sink.url("/x"), "native");
    let canary = server.post("/v1/inputs", &json!({ "name": "canary" }));
    let key = canary["ingest"]["rtmp"]["key"].as_str().unwrap().to_owned();
    broadcast(&server, "live/a");
    let mut other = Client::publish(server.rtmp, "live/b");
    other.send_all(&clip());
    let along = std::thread::scope(|scope| {
        // One that begins in the middle, and ends with the server.
        let along = scope.spawn(|| server.get("/v1/journal"));
        broadcast(&server, "live/c");
        sink.until("/x", |it| it.iter().any(|it| it.answered == 200));
        server.until("the recordings are ready", |_| {
            let text = std::fs::read_to_string(&journal).unwrap();
            (text.matches("{\"RecordingReady\"").count() >= 2).then_some(())
        });
        server.signal("TERM");
        along.join().unwrap()
    });
    drop(other);
    let said = server.said();
    assert_eq!(server.end(), Some(0));
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(replayed(&text) > 50);
    let along = String::from_utf8(along).unwrap();
    assert!(replayed(&along) > 20);
    for (place, text) in [("journal", &text), ("log", &said), ("along", &along)] {
        assert!(!text.contains(&secret) && !text.contains(&key), "s20: a secret in the {place}");
    }
}

/// How many steps of a journal come out the same; panics at the first that does not.
fn replayed(journal: &str) -> usize {
    #[derive(serde::Deserialize)]
    struct Begin {
        snapshot: Snapshot,
    }
    let mut lines = journal.lines();
    let begin: Begin = serde_json::from_str(lines.next().unwrap()).unwrap();
    let entries: Vec<Entry> = lines.map(|it| serde_json::from_str(it).unwrap()).collect();
    replay(&mut Plane::rewind(begin.snapshot), &entries).unwrap()
}
