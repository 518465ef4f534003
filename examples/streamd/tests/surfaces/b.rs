//! Streams, broadcasts, restreams and videos.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use redb::{ReadableDatabase, ReadableTable};
use serde_json::{Value, json};

use crate::caller::{self, ANN, BOB, Caller, Feed, Surface};
use crate::support::{Client, Folder, PATIENCE, clip, text};

const STREAMS: &str = "/streaming/streams";

struct B;

impl Surface for B {
    fn header() -> String {
        format!("authorization: APIKey {ANN}")
    }
}

type Stage = caller::Stage<B>;

impl Stage {
    fn stream(&self, body: Value) -> (String, Value) {
        let made = self.ann().post(STREAMS, json!({ "stream": body }));
        (format!("{STREAMS}/{}", made["id"]), made)
    }

    /// An active one whose publisher is there.
    fn live(&self, body: Value) -> (String, Value, Client) {
        let mut body = body;
        body["name"] = "cam".into();
        body["active"] = true.into();
        let (path, made) = self.stream(body);
        let publisher = self.publish(text(&made["push_url"]));
        self.until_live(&path, true);
        (path, made, publisher)
    }

    fn publish(&self, url: &str) -> Client {
        let path = url.split_once("://").unwrap().1.split_once('/').unwrap().1;
        let mut publisher = Client::publish(self.server.rtmp, path);
        if publisher.rejected.is_none() {
            publisher.send_all(&clip());
        }
        publisher
    }

    /// The clip from its beginning to its end.
    fn broadcast(&self, path: &str, made: &Value) {
        let publisher = self.publish(text(&made["push_url"]));
        self.until_live(path, true);
        drop(publisher);
        self.until_live(path, false);
    }

    fn feed(&self, made: &Value) -> Feed {
        Feed::begin(self.server.rtmp, &format!("in/{}?{}", made["id"], text(&made["token"])))
    }

    fn until_live(&self, path: &str, live: bool) {
        self.server.until("live or not", |_| (self.ann().get(path)["live"] == live).then_some(()));
    }

    fn refused(&self, method: &str, path: &str, body: Value, field: &str) {
        let why = self.ann().call(method, path, body).json(422);
        let errors = why["errors"].as_object().unwrap();
        assert_eq!(errors.keys().collect::<Vec<_>>(), [field]);
        assert!(errors[field][0].is_string(), "{why}");
    }

    fn missing(&self, method: &str, path: &str) {
        let why = self.ann().call(method, path, json!({})).json(404);
        assert_eq!(why["status"], 404);
        assert!(why["error"].is_string());
    }

    /// The types of what happens from now on, with their data.
    fn events(&self) -> Receiver<(String, Value)> {
        let mut socket = TcpStream::connect(self.server.http).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "GET /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {ANN}\r\n\r\n",
            self.server.http
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(socket).lines();
        assert!(lines.next().unwrap().unwrap().contains("200"));
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut kind = String::new();
            while let Some(Ok(line)) = lines.next() {
                if let Some(name) = line.strip_prefix("event: ") {
                    kind = name.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let data = serde_json::from_str(data).unwrap();
                    if sender.send((kind.clone(), data)).is_err() {
                        return;
                    }
                }
            }
        });
        receiver
    }
}

#[test]
fn t01_t04_the_shape_of_a_stream_made_wrapped_or_bare() {
    let stage = Stage::new("t01");
    let body = json!({
        "name": "cam", "client_user_id": 7, "client_entity_data": "shelf", "projection": "regular",
        "cdn_id": 3, "webrtc": false, "unknown": {},
    });
    let made = stage.ann().post(STREAMS, body.clone());
    let id = made["id"].as_i64().unwrap();
    let token = text(&made["token"]);
    let (rtmp, http) =
        (format!("rtmp://{}", stage.server.rtmp), format!("http://{}", stage.server.http));
    assert_eq!(made["push_url"], format!("{rtmp}/in/{id}?{token}"));
    assert_eq!(made["backup_push_url"], format!("{rtmp}/in/{id}b?{token}"));
    let play = made["rtmp_play_url"].as_array().unwrap();
    let key = text(&play[0]).split_once('?').unwrap().1;
    assert_ne!(key, token, "what publishes does not play");
    assert_eq!(play[0], format!("{rtmp}/in/{id}?{key}"));
    assert_eq!(play[1], format!("{rtmp}/out/1_{id}_source?{key}"));
    let hls = text(&made["hls_cmaf_url"]);
    assert!(hls.starts_with(&http) && hls.ends_with("/manifest/video.m3u8"), "{hls}");
    for (field, value) in [
        ("name", json!("cam")),
        ("active", json!(false)),
        ("live", json!(false)),
        ("backup_live", json!(false)),
        ("recording", json!(false)),
        ("pull", json!(false)),
        ("uri", Value::Null),
        ("auto_record", json!(false)),
        ("dvr_enabled", json!(false)),
        ("dvr_duration", json!(3600)),
        ("client_user_id", json!(7)),
        ("client_entity_data", json!("shelf")),
        ("projection", json!("regular")),
        ("cdn_id", json!(3)),
        ("webrtc", json!(false)),
        ("html_overlay", Value::Null),
        ("stream_source_type", json!("push")),
        ("transcoded_qualities", json!([])),
        ("transcoding_enabled", json!(false)),
        ("broadcast_ids", json!([])),
        ("started_at_primary", Value::Null),
        ("video_width", Value::Null),
        ("dash_url", Value::Null),
        ("push_url_srt", Value::Null),
        ("backup_push_url_srt", Value::Null),
        ("push_url_whip", Value::Null),
    ] {
        assert_eq!(made.get(field), Some(&value), "{field}");
    }
    let (path, wrapped) = stage.stream(body);
    assert_eq!((&wrapped["name"], &wrapped["client_user_id"]), (&json!("cam"), &json!(7)));
    assert_eq!(stage.ann().get(&path), wrapped);
    let all = stage.ann().get(STREAMS);
    assert_eq!((&all[0]["id"], &all[1]["id"]), (&wrapped["id"], &made["id"]), "the newest first");

    let patched = stage.ann().call(
        "PATCH",
        &path,
        json!({ "stream": { "active": true, "dvr_enabled": true, "dvr_duration": 60 } }),
    );
    let mut expected = wrapped;
    for (field, value) in
        [("active", json!(true)), ("dvr_enabled", json!(true)), ("dvr_duration", json!(60))]
    {
        expected[field] = value;
    }
    assert_eq!(patched.json(200), expected, "the rest stays");
    let (path, pulled) = stage.stream(json!({ "name": "far", "pull": true, "uri": "rtmp://a.example/app/x rtmp://b.example/y/z" }));
    assert_eq!((&pulled["pull"], &pulled["stream_source_type"]), (&json!(true), &json!("pull")));
    assert_eq!(pulled["uri"], "rtmp://a.example/app/x rtmp://b.example/y/z");
    let pushed = stage.ann().call("PATCH", &path, json!({ "pull": false })).json(200);
    assert_eq!((&pushed["pull"], &pushed["uri"]), (&json!(false), &pulled["uri"]));
    assert_eq!(
        stage.ann().call("PATCH", &path, json!({ "pull": true })).json(200)["pull"],
        true,
        "from there again"
    );

    for (body, field) in [
        (json!({}), "name"),
        (json!({ "stream": { "active": true } }), "name"),
        (json!({ "stream": 7 }), "stream"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "a", "active": "yes" }), "active"),
        (json!({ "name": "a", "pull": true }), "uri"),
        (json!({ "name": "a", "pull": true, "uri": "file:///etc/passwd" }), "uri"),
        (
            json!({ "name": "a", "pull": true, "uri": format!("rtmp://a.example/{}", "a".repeat(239)) }),
            "uri",
        ),
        (json!({ "name": "a", "dvr_enabled": true, "dvr_duration": 29 }), "dvr_duration"),
        (json!({ "name": "a", "dvr_enabled": true, "dvr_duration": 14_401 }), "dvr_duration"),
        (json!({ "name": "a", "broadcast_ids": [9999] }), "broadcast_ids"),
        (json!({ "name": "a", "client_entity_data": "x".repeat(5000) }), "client_entity_data"),
    ] {
        stage.refused("POST", STREAMS, body, field);
    }
    let longest = json!({ "name": "a", "pull": true, "uri": format!("rtmp://a.example/{}", "a".repeat(238)) });
    stage.ann().post(STREAMS, longest);
    for path in ["/streaming/streams/99999", "/streaming/streams/x", "/streaming/streams/-1"] {
        stage.missing("GET", path);
        stage.missing("PATCH", path);
        stage.missing("DELETE", path);
    }
    let nobody = Caller { header: String::new(), ..stage.ann() };
    assert_eq!(nobody.call("GET", STREAMS, Value::Null).json(401)["status"], 401);
    let bob = Caller { header: format!("authorization: APIKey {BOB}"), ..stage.ann() };
    assert_eq!(bob.call("POST", STREAMS, json!({ "name": "a" })).status, 403);
    assert!(!stage.server.said().contains(token));
}

#[test]
fn t02_as_many_streams_are_live_as_may_be() {
    let stage = Stage::with("t02", &["--max-streams", "1"]);
    let (_, _, _publisher) = stage.live(json!({}));
    let (_, second) = stage.stream(json!({ "name": "two", "active": true }));
    assert_eq!(
        stage.publish(text(&second["push_url"])).rejected.as_deref(),
        Some("NetStream.Publish.BadName")
    );
}

#[test]
fn t03_t07_t08_t09_broadcasts_and_their_changes() {
    let stage = Stage::new("t03");
    let ann = stage.ann();
    let (path, stream) = stage.stream(json!({ "name": "cam" }));
    let all = "/streaming/broadcasts";
    let body = json!({
        "name": "show", "status": "pending", "stream_ids": [stream["id"]], "pending_message": "soon",
        "share_url": "https://a.example", "poster": "https://a.example/p.jpg",
    });
    let made = ann.post(all, json!({ "broadcast": body }));
    let expected = json!({
        "id": made["id"], "name": "show", "status": "pending", "stream_ids": [stream["id"]],
        "pending_message": "soon", "show_dvr_after_finish": false, "share_url": "https://a.example",
        "custom_iframe_url": null, "ad_id": null, "player_id": null, "poster": "https://a.example/p.jpg",
    });
    assert_eq!(made, expected);
    let one = format!("{all}/{}", made["id"]);
    assert_eq!(ann.get(&one), made);
    assert_eq!(ann.get(&path)["broadcast_ids"], json!([made["id"]]));
    assert_eq!(ann.get(&format!("{one}/spectators")), json!({ "spectators_count": 0 }));

    let events = stage.events();
    let mut told = Vec::new();
    for status in ["live", "live", "paused", "live", "finished", "finished"] {
        let begin = Instant::now();
        let changed =
            ann.call("PATCH", &one, json!({ "broadcast": { "status": status } })).json(200);
        assert_eq!(changed["status"], status);
        while let Ok((kind, data)) = events.recv_timeout(Duration::from_millis(300)) {
            assert_eq!(kind, "show.changed");
            assert!(begin.elapsed() < Duration::from_secs(1));
            told.push(text(&data["data"]["status"]).to_owned());
        }
    }
    assert_eq!(told, ["live", "paused", "live", "finished"], "one of each change, none of none");

    let renamed =
        ann.call("PATCH", &one, json!({ "name": "new", "show_dvr_after_finish": true })).json(200);
    assert_eq!(
        (&renamed["name"], &renamed["status"], &renamed["pending_message"]),
        (&json!("new"), &json!("finished"), &json!("soon"))
    );
    let (second, _) = stage.stream(json!({ "name": "two", "broadcast_ids": [made["id"]] }));
    assert_eq!(ann.get(&one)["stream_ids"].as_array().unwrap().len(), 2);
    ann.call("PATCH", &second, json!({ "broadcast_ids": [] })).json(200);
    assert_eq!(ann.get(&one)["stream_ids"], json!([stream["id"]]));
    for (body, field) in [
        (json!({ "status": "live" }), "name"),
        (json!({ "name": "a" }), "status"),
        (json!({ "name": "a", "status": "on" }), "status"),
        (json!({ "name": "a", "status": "live", "stream_ids": [9999] }), "stream_ids"),
    ] {
        stage.refused("POST", all, json!({ "broadcast": body }), field);
    }
    assert_eq!(ann.call("DELETE", &one, Value::Null).status, 204);
    stage.missing("GET", &one);
    stage.missing("GET", &format!("{one}/spectators"));
    assert_eq!(ann.get(all), json!([]));
    assert_eq!(ann.get(&path)["broadcast_ids"], json!([]));
}

#[test]
fn t29_what_is_to_be_recorded_by_itself_is() {
    let stage = Stage::new("t29");
    let (_, made, publisher) = stage.live(json!({ "auto_record": true }));
    drop(publisher);
    let video = stage.server.until("a video", |_| {
        let all = stage.ann().get("/streaming/videos");
        all.as_array()?.iter().find(|it| it["status"] == "ready").cloned()
    });
    assert_eq!(video["stream_id"], made["id"]);
}

#[test]
fn t10_to_t14_a_recording_is_started_stopped_and_named() {
    let stage = Stage::new("t10");
    let ann = stage.ann();
    let (path, _) = stage.stream(json!({ "name": "cam", "active": true }));
    stage.refused("PUT", &format!("{path}/start_recording"), Value::Null, "base");
    stage.missing("PUT", "/streaming/streams/99999/start_recording");
    stage.missing("PUT", "/streaming/streams/99999/stop_recording");
    let (path, made) = stage.stream(json!({ "name": "cam", "active": true }));
    let _feed = stage.feed(&made);
    stage.until_live(&path, true);
    let stopped = ann.call("PUT", &format!("{path}/stop_recording"), Value::Null);
    assert_eq!((stopped.status, stopped.text.as_str()), (200, ""), "nothing was being recorded");
    for _ in 0..2 {
        assert_eq!(ann.call("PUT", &format!("{path}/start_recording"), Value::Null).status, 204);
    }
    stage.server.until("it is recorded", |_| {
        let seen = ann.get(&path);
        (seen["recording"] == true && seen["recording_duration"].as_u64()? >= 1).then_some(())
    });
    assert_eq!(ann.get("/streaming/videos"), json!([]), "what grows is no video");
    let video = ann.call("PUT", &format!("{path}/stop_recording"), Value::Null).json(200);
    let name = text(&video["name"]);
    assert!(name.starts_with("Stream Record: cam, ") && name.ends_with(" +0000"), "{name}");
    assert_eq!((&video["stream_id"], &video["client_id"]), (&made["id"], &json!(1)));
    assert_eq!(text(&video["slug"]).len(), 16);
    assert_eq!(ann.get(&path)["recording"], false);
    let one = format!("/streaming/videos/{}", video["id"]);
    let ready =
        stage.server.until("ready", |_| Some(ann.get(&one)).filter(|it| it["status"] == "ready"));
    let duration = ready["duration"].as_u64().unwrap();
    assert!((1_000..10_000).contains(&duration), "{duration} ms");
    let source = &ready["converted_videos"][0];
    assert_eq!(
        (&source["name"], &source["status"], &source["progress"], &source["height"]),
        (&json!("source"), &json!("complete"), &json!(100), &json!(360))
    );
    assert!(text(&ready["hls_url"]).ends_with("/manifest/video.m3u8"));
    assert_eq!(ann.get("/streaming/videos"), json!([ready]));
    let renamed = ann.call("PATCH", &one, json!({ "video": { "name": "kept" } })).json(200);
    assert_eq!(renamed["name"], "kept");
}

#[test]
fn t16_t17_switched_off_it_ends_and_its_push_token_never_plays() {
    let stage = Stage::new("t16");
    let (path, made, mut publisher) = stage.live(json!({}));
    let seen = stage.ann().get(&path);
    assert_eq!((&seen["video_width"], &seen["video_height"]), (&json!(640), &json!(360)));
    assert!(text(&seen["started_at_primary"]).ends_with('Z'));
    for url in made["rtmp_play_url"].as_array().unwrap() {
        let name = text(url).splitn(4, '/').nth(3).unwrap();
        let mut player = Client::play(stage.server.rtmp, name);
        player.until(|it| it.media().len() > 20);
        let wrong = name.replace(name.split_once('?').unwrap().1, text(&made["token"]));
        assert!(Client::play(stage.server.rtmp, &wrong).rejected.is_some());
    }
    let off = stage.ann().call("PATCH", &path, json!({ "active": false })).json(200);
    assert_eq!((&off["active"], &off["live"]), (&json!(false), &json!(false)));
    publisher.until(|it| it.over);
    assert_eq!(
        stage.publish(text(&made["push_url"])).rejected.as_deref(),
        Some("NetStream.Publish.BadName")
    );
}

#[test]
fn t23_a_region_changes_the_host_and_nothing_else() {
    let stage = Stage::with("t23", &["--region", "eu=eu.example.org"]);
    let (path, plain) = stage.stream(json!({ "name": "cam" }));
    let there = stage.ann().call("PATCH", &path, json!({ "transcoding_region": "eu" })).json(200);
    assert_eq!(there["transcoding_region"], "eu");
    let push = format!(
        "rtmp://eu.example.org:{}/in/{}?{}",
        stage.server.rtmp.port(),
        plain["id"],
        text(&plain["token"])
    );
    assert_eq!(there["push_url"], push);
    for (field, value) in plain.as_object().unwrap() {
        if !field.contains("url") && field != "transcoding_region" {
            assert_eq!(there[field], *value, "{field}");
        }
    }
    let nowhere =
        stage.ann().call("PATCH", &path, json!({ "transcoding_region": "moon" })).json(200);
    assert_eq!(nowhere["push_url"], plain["push_url"]);
}

#[test]
fn t26_t28_stop_and_start_make_two_and_deleting_a_stream_keeps_them() {
    let stage = Stage::new("t26");
    let ann = stage.ann();
    let (path, made) = stage.stream(json!({ "name": "cam", "active": true, "auto_record": true }));
    let _feed = stage.feed(&made);
    stage.server.until("recording", |_| (ann.get(&path)["recording"] == true).then_some(()));
    ann.call("PUT", &format!("{path}/stop_recording"), Value::Null).json(200);
    assert_eq!(ann.call("PUT", &format!("{path}/start_recording"), Value::Null).status, 204);
    stage.server.until("again", |_| (ann.get(&path)["recording"] == true).then_some(()));
    assert_eq!(ann.call("DELETE", &path, Value::Null).status, 204);
    stage.missing("GET", &path);
    let two = stage.server.until("two videos", |_| {
        let all = ann.get("/streaming/videos");
        let ready = all.as_array().unwrap().iter().filter(|it| it["status"] == "ready").count();
        (ready == 2).then_some(all)
    });
    assert_eq!(two[0]["stream_id"], Value::Null, "it is gone");
    let one = format!("/streaming/videos/{}", two[0]["id"]);
    assert_eq!(ann.call("DELETE", &one, Value::Null).status, 204);
    stage.missing("GET", &one);
    stage.missing("DELETE", &one);
    assert_eq!(ann.get("/streaming/videos").as_array().unwrap().len(), 1);
}

#[test]
fn g22_a_reset_token_ends_the_session() {
    let stage = Stage::new("g22b");
    let (path, made, mut publisher) = stage.live(json!({}));
    let reset = stage.ann().post(&format!("{path}/reset_push_token"), json!({}));
    assert_ne!(reset["token"], made["token"]);
    publisher.until(|it| it.over);
    assert_eq!(stage.publish(text(&reset["push_url"])).rejected, None);
}

#[test]
fn t35_a_restream_sends_on() {
    let stage = Stage::new("t35");
    let ann = stage.ann();
    let (_, made, _publisher) = stage.live(json!({}));
    let all = "/streaming/restreams";
    let to = format!("rtmp://{}/live/canary-copy", stage.server.rtmp);
    let body = json!({ "name": "copy", "active": false, "uri": to, "stream_id": made["id"], "client_user_id": 9 });
    let restream = ann.post(all, json!({ "restream": body }));
    let expected = json!({
        "id": restream["id"], "name": "copy", "active": false, "uri": to, "stream_id": made["id"], "live": false,
        "client_user_id": 9,
    });
    assert_eq!(restream, expected);
    let one = format!("{all}/{}", restream["id"]);
    assert_eq!(
        ann.call("PATCH", &one, json!({ "restream": { "active": true, "name": "new" } })).json(200)
            ["name"],
        "new"
    );
    stage.server.until("it is live", |_| (ann.get(&one)["live"] == true).then_some(()));
    let mut player = Client::play(stage.server.rtmp, "live/canary-copy");
    player.until(|it| it.media().len() > 20);
    assert_eq!(ann.get(all).as_array().unwrap().len(), 1);
    for (change, field) in [
        (json!({ "uri": "http://a.example/x" }), "uri"),
        (json!({ "stream_id": 9999 }), "stream_id"),
        (json!({ "name": "" }), "name"),
    ] {
        stage.refused("PATCH", &one, change, field);
    }
    for field in ["name", "uri", "stream_id"] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(field);
        stage.refused("POST", all, body, field);
    }
    assert_eq!(ann.call("DELETE", &one, Value::Null).status, 204);
    stage.missing("GET", &one);
    player.until(|it| it.over);
}

#[test]
fn t36_clips_of_what_is_recorded() {
    let stage = Stage::new("t36");
    let ann = stage.ann();
    let (without, _, _first) = stage.live(json!({ "auto_record": true }));
    stage.refused(
        "PUT",
        &format!("{without}/clip_recording"),
        json!({ "duration": 2 }),
        "dvr_enabled",
    );
    let wanted = json!({ "name": "cam", "active": true, "auto_record": true, "dvr_enabled": true });
    let (path, made) = stage.stream(wanted);
    let _feed = stage.feed(&made);
    let clips = format!("{path}/clip_recording");
    let recorded = stage.server.until("some of it", |_| {
        ann.get(&path)["recording_duration"].as_u64().filter(|it| *it >= 4)
    });
    let made = ann.call("PUT", &clips, json!({ "duration": 2, "vod_required": false })).json(200);
    assert_eq!((text(&made["id"]).len(), &made["duration"]), (32, &json!(2)));
    assert!(text(&made["hls_master"]).contains(text(&made["id"])));
    let start = made["start"].as_i64().unwrap();
    let expiration = start + 2 + 100;
    let second = ann
        .call("PUT", &clips, json!({ "duration": 2, "start": start, "expiration": expiration }))
        .json(200);
    let expires = second["expiration"].as_i64().unwrap();
    assert!((expires - expiration).abs() <= 2, "{expires} is about {expiration}");
    stage.refused("PUT", &clips, json!({}), "duration");
    stage.refused(
        "PUT",
        &clips,
        json!({ "duration": 2, "start": start, "expiration": start + 60 }),
        "expiration",
    );
    stage.refused(
        "PUT",
        &clips,
        json!({ "duration": 2, "start": start, "expiration": start + 14_403 }),
        "expiration",
    );
    stage.refused("PUT", &clips, json!({ "duration": 2, "start": 1 }), "start");
    let later = start + i64::try_from(recorded).unwrap() + 60;
    assert_eq!(ann.call("PUT", &clips, json!({ "duration": 2, "start": later })).status, 425);
    assert_eq!(ann.get(&clips).as_array().unwrap().len(), 2);
    assert_eq!(ann.call("PUT", &format!("{path}/dvr_cleanup"), Value::Null).status, 204);
    stage.refused("PUT", &clips, json!({ "duration": 2, "start": start }), "start");
    stage.missing("PUT", "/streaming/streams/9999/clip_recording");
}

#[test]
fn t38_figures_are_there_after_a_restart() {
    let stage = Stage::new("t38-again");
    let (path, made) = stage.stream(json!({ "name": "cam", "active": true }));
    stage.broadcast(&path, &made);
    let (gone_path, gone) = stage.stream(json!({ "name": "gone", "active": true }));
    stage.broadcast(&gone_path, &gone);
    stage.ann().call("DELETE", &gone_path, Value::Null).json(204);
    let figures = format!("/streaming/statistics/ffprobe?stream_id={}", made["id"]);
    let before = stage.ann().get(&figures);
    assert!(!before["data"].as_array().unwrap().is_empty());
    let folder = stage.end();
    assert_eq!(inputs_with_figures(&folder), 1, "what was deleted is not kept");
    let stage = Stage::again(folder);
    assert_eq!(stage.ann().get(&figures), before);
}

type Row = (u64, u64, u64, u32, u32, u64);

/// Of how many inputs the database of a server that ended holds figures.
fn inputs_with_figures(folder: &Folder) -> usize {
    let database = redb::Database::open(folder.0.join("control.redb")).unwrap();
    let read = database.begin_read().unwrap();
    let table = redb::TableDefinition::<'_, (&str, i64), Row>::new("figures");
    let rows = read.open_table(table).unwrap();
    let inputs = rows.iter().unwrap().map(|it| it.unwrap().0.value().0.to_owned());
    inputs.collect::<BTreeSet<_>>().len()
}

#[test]
fn t38_figures_of_a_stream() {
    let stage = Stage::new("t38");
    let ann = stage.ann();
    let (path, made) = stage.stream(json!({ "name": "cam", "active": true }));
    let figures = format!("/streaming/statistics/ffprobe?stream_id={}", made["id"]);
    assert_eq!(ann.get(&figures), json!({ "data": [] }));
    stage.broadcast(&path, &made);
    let of_a_day = ann.get(&format!("{figures}&date_from=2020-01-01&interval=1&units=day"));
    let row = &of_a_day["data"][0];
    assert_eq!((&row["max_height"], &row["max_keyframe_interval"]), (&json!(360), &json!(1)));
    let (frames, fps) = (row["sum_frames"].as_u64().unwrap(), row["max_fps"].as_u64().unwrap());
    assert!((200..=250).contains(&frames) && (24..=26).contains(&fps), "{row}");
    assert!(row["avg_bitrate"].as_u64().unwrap() > 10_000);
    assert!(text(&row["time"]).ends_with("T00:00:00.000Z"), "{row}");
    let before = ann.get(&format!("{figures}&date_to=2020-01-01T00:00:00Z"));
    assert_eq!(before, json!({ "data": [] }));
    for (query, field) in
        [("interval=0", "interval"), ("units=week", "units"), ("date_from=now", "date_from")]
    {
        stage.refused("GET", &format!("{figures}&{query}"), Value::Null, field);
    }
    stage.refused("GET", "/streaming/statistics/ffprobe", Value::Null, "stream_id");
    stage.missing("GET", "/streaming/statistics/ffprobe?stream_id=9999");
}
