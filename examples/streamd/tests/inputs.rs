//! Inputs of a real server: who publishes, what is used, and what is said of it. By the ids of the acceptance checks.

mod support;

use std::time::{Duration, Instant};

use levada_flv::TagKind;
use serde_json::{Value, json};
use support::{Client, Folder, Server, clip, text};

fn at(input: &Value) -> String {
    format!("/v1/inputs/{}", text(&input["id"]))
}

/// `app/name` of a URL that an input shows.
fn place(url: &Value) -> String {
    text(url).split('/').skip(3).collect::<Vec<_>>().join("/")
}

fn status(server: &Server, input: &Value) -> Value {
    server.json(&at(input))["status"].clone()
}

/// Sends the clip again and again at about its own pace, a second of it per call.
struct Loop {
    publisher: Client,
    second: u32,
}

impl Loop {
    fn new(server: &Server, path: &str) -> Self {
        let publisher = Client::publish(server.rtmp, path);
        assert_eq!(publisher.rejected, None, "{path}");
        Self { publisher, second: 0 }
    }

    /// The next second of media.
    fn send_second(&mut self) {
        let (round, begin) = (self.second / 9, self.second % 9 * 1000);
        for tag in clip() {
            let header = support::is_header(&tag) && tag.timestamp == 0;
            let in_time = (begin..begin + 1000).contains(&tag.timestamp) && !header;
            if in_time || header && self.second == 0 {
                self.publisher.send(&tag, tag.timestamp + round * 9_000);
            }
        }
        self.publisher.send_all(&[]);
        self.second += 1;
    }
}

#[test]
fn g03_g04_g07_the_backup_stands_in_when_the_primary_is_lost() {
    let folder = Folder::new("backup");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam", "profile": "streams" }));
    let (primary, backup) =
        (place(&input["ingest"]["primary_url"]), place(&input["ingest"]["backup_url"]));
    assert!(primary.starts_with("in/") && backup.contains("b?"), "{primary} {backup}");
    let mut first = Loop::new(&server, &primary);
    first.send_second();
    server.until("it is live", |it| (status(it, &input)["state"] == "live").then_some(()));
    let mut second = Loop::new(&server, &backup);
    (0..3).for_each(|_| second.send_second());
    server
        .until("there is a backup", |it| (status(it, &input)["backup_live"] == true).then_some(()));
    let play = format!("live/{}", text(&input["playback"]["rtmp"]["key"]));
    let mut player = Client::play(server.rtmp, &play);
    first.send_second();
    player.until(|it| it.media().len() > 20);
    let lost = Instant::now();
    first.publisher.reset();
    let switched = server.until("the backup is used", |it| {
        second.send_second();
        (status(it, &input)["slot"] == "backup").then(Instant::now)
    });
    let took = switched - lost;
    assert!((2..6).contains(&took.as_secs()), "held for three seconds, then switched: {took:?}");
    let before = player.media().len();
    second.send_second();
    player.until(|it| it.media().len() > before + 20);
    let times: Vec<u32> =
        (player.media().iter().filter(|it| it.0 == levada_chunk::MessageType::VIDEO))
            .map(|it| it.1)
            .collect();
    assert!(times.is_sorted(), "one line of time: {times:?}");
    assert!(!player.over);
}

#[test]
fn g19_g21_a_busy_input_refuses_and_a_silent_publisher_is_dropped() {
    let folder = Folder::new("idle");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam", "profile": "streams" }));
    let primary = place(&input["ingest"]["primary_url"]);
    let mut first = Loop::new(&server, &primary);
    first.send_second();
    server.until("it is live", |it| (status(it, &input)["state"] == "live").then_some(()));
    let refused = Client::publish(server.rtmp, &primary);
    assert_eq!(refused.rejected.as_deref(), Some("NetStream.Publish.BadName"));
    assert_eq!(
        server.json(&format!("{}/sessions", at(&input)))["sessions"].as_array().unwrap().len(),
        1
    );
    // Three seconds of silence are the limit of this profile.
    let silent = Instant::now();
    first.publisher.until(|it| it.over);
    assert!((2..6).contains(&silent.elapsed().as_secs()), "{:?}", silent.elapsed());
    let seen = status(&server, &input);
    assert_eq!(
        (text(&seen["state"]), text(&seen["last_disconnect"]["reason"])),
        ("suspended", "idle")
    );
}

#[test]
fn t27_c05_one_recording_across_a_short_absence_and_two_across_a_long_one() {
    let folder = Folder::new("absence");
    let server = Server::start(&folder, &[]);
    let make = |name: &str| {
        let recording = json!({ "mode": "automatic", "reconnect_window_s": 2 });
        server.post("/v1/inputs", &json!({ "name": name, "recording": recording }))
    };
    let recordings = |server: &Server, input: &Value| {
        let all = server.json("/v1/recordings")["recordings"].clone();
        let mine = all.as_array().unwrap().iter().filter(|it| it["input"]["id"] == input["id"]);
        mine.cloned().collect::<Vec<_>>()
    };
    let publish = |input: &Value| {
        let mut publisher = Loop::new(&server, &place(&input["ingest"]["primary_url"]));
        (0..2).for_each(|_| publisher.send_second());
        server.until("it is live", |it| (status(it, input)["state"] == "live").then_some(()));
        publisher
    };
    let short = make("short");
    publish(&short).publisher.reset();
    server.until("it is written", |it| {
        (status(it, &short)["state"] == "suspended").then_some(())?;
        (recordings(it, &short)[0]["duration_ms"].as_u64()? > 1_500).then_some(())
    });
    drop(publish(&short));
    server.until("it is ready", |it| {
        let all = recordings(it, &short);
        (all.len() == 1 && all[0]["state"] == "ready").then_some(())
    });
    let one = &recordings(&server, &short)[0];
    let gaps = one["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{one}");
    assert!((1_500..2_500).contains(&gaps[0]["at_ms"].as_u64().unwrap()), "{one}");
    assert!((3_000..9_000).contains(&one["duration_ms"].as_u64().unwrap()), "{one}");

    let long = make("long");
    publish(&long).publisher.reset();
    server.until("it ended", |it| (status(it, &long)["state"] == "idle").then_some(()));
    drop(publish(&long));
    server.until("both are ready", |it| {
        let all = recordings(it, &long);
        (all.len() == 2 && all.iter().all(|it| it["state"] == "ready")).then_some(())
    });
}

#[test]
fn c12_c14_g02_health_names_what_is_wrong_with_the_media() {
    let folder = Folder::new("health");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam", "profile": "live-inputs" }));
    let mut publisher = Loop::new(&server, &place(&input["ingest"]["primary_url"]));
    (0..8).for_each(|_| publisher.send_second());
    let health = |server: &Server| server.json(&format!("{}/health", at(&input)));
    let report = server.until("short GOPs are found", |it| {
        let report = health(it);
        let issues = report["issues"].as_array()?.clone();
        issues.iter().any(|it| it["code"] == "gop_too_short").then_some(report)
    });
    assert_eq!(report["grade"], "bad");
    assert_eq!(report["video"]["width"], 640);
    assert!(text(&report["video"]["codec"]).starts_with("avc1."), "{report}");
    assert_eq!(report["audio"]["codec"], "mp4a.40.2");
    let issues = report["issues"].as_array().unwrap();
    let issue = issues.iter().find(|it| it["code"] == "gop_too_short").unwrap();
    assert_eq!(issue["compat"], "ERR_GOP_OUT_OF_RANGE");
    assert!(!text(&issue["hint"]).is_empty());

    let strange = server.post("/v1/inputs", &json!({ "name": "old", "profile": "live-inputs" }));
    let mut publisher = Loop::new(&server, &place(&strange["ingest"]["primary_url"]));
    for (number, time) in (0..50).map(|it| (it, it * 40)) {
        // Sorenson H.263, a keyframe now and then.
        let mut tag = clip()[0].clone();
        tag.kind = TagKind::Video;
        tag.body =
            bytes::Bytes::from_static(if number % 10 == 0 { b"\x12data" } else { b"\x22data" });
        publisher.publisher.send(&tag, time);
    }
    publisher.publisher.send_all(&[]);
    let begin = Instant::now();
    server.until("the codec is named", |it| {
        let report = it.json(&format!("{}/health", at(&strange)));
        let issues = report["issues"].as_array()?.clone();
        issues.iter().any(|it| it["code"] == "video_codec_unsupported").then_some(())
    });
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn health_tells_how_long_nothing_came() {
    let folder = Folder::new("idle");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let idle = || server.json(&format!("{}/health", at(&input)))["transport"]["idle_ms"].as_u64();
    assert_eq!(idle(), None, "nothing ever came");
    let begin = Instant::now();
    let mut publisher = Loop::new(&server, &place(&input["ingest"]["primary_url"]));
    publisher.send_second();
    let silent = server.until("it is silent", |_| idle().filter(|it| *it >= 300));
    assert!(u128::from(silent) <= begin.elapsed().as_millis(), "{silent}");
    let asked = Instant::now();
    publisher.send_second();
    server.until("something came", |_| {
        idle().filter(|it| u128::from(*it) <= asked.elapsed().as_millis())
    });
}

#[test]
fn c13_an_open_gop_is_flagged_and_closed_ones_are_not() {
    let folder = Folder::new("open");
    let server = Server::start(&folder, &[]);
    let issues = |input: &Value| {
        let report = server.json(&format!("{}/health", at(input)));
        let codes =
            report["issues"].as_array().unwrap().iter().map(|it| text(&it["code"]).to_owned());
        (report["video"]["keyframe_ms"]["last"].as_u64().unwrap_or(0), codes.collect::<Vec<_>>())
    };
    let open = server.post("/v1/inputs", &json!({ "name": "open", "profile": "live-inputs" }));
    let file = include_bytes!("../../../crates/flv/testdata/media/h264_open_gop_aac44m.flv");
    let mut publisher = Client::publish(server.rtmp, &place(&open["ingest"]["primary_url"]));
    let media = |it: &levada_flv::FlvTag| matches!(it.kind, TagKind::Audio | TagKind::Video);
    publisher.send_all(&support::tags(file).into_iter().filter(media).collect::<Vec<_>>());
    server.until("it is flagged", |_| issues(&open).1.contains(&"gop_open".into()).then_some(()));

    let closed = server.post("/v1/inputs", &json!({ "name": "closed", "profile": "live-inputs" }));
    let mut publisher = Loop::new(&server, &place(&closed["ingest"]["primary_url"]));
    (0..8).for_each(|_| publisher.send_second());
    server.until("it has GOPs", |_| (issues(&closed).0 > 0).then_some(()));
    assert!(!issues(&closed).1.contains(&"gop_open".into()));
}

#[test]
fn g12_the_url_field_of_a_pull_has_255_characters_and_no_more() {
    let folder = Folder::new("urls");
    let server = Server::start(&folder, &["--private-targets"]);
    let url = |length: usize| format!("rtmp://127.0.0.1:9/live/{}", "a".repeat(length - 24));
    let make = |urls: Value| {
        server.call(
            "POST",
            "/v1/inputs",
            &json!({ "name": "p", "mode": "pull", "pull": { "urls": urls } }),
        )
    };
    assert_eq!(url(255).len(), 255);
    assert_eq!(make(json!([url(255)])).0, 201);
    let (status, why) = make(json!([url(256)]));
    assert_eq!((status, text(&why["error"]["field"])), (400, "pull.urls[0]"));
    // The field as a whole, with the spaces between.
    let (status, why) = make(json!([url(128), url(127)]));
    assert_eq!((status, text(&why["error"]["field"])), (400, "pull.urls"), "{why}");
    assert_eq!(make(json!([url(127), url(127)])).0, 201);
    assert_eq!(make(json!(["file:///etc/passwd"])).0, 400);
}
