//! Live inputs.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::caller::{self, ANN, BOB, Caller, Feed, Surface};
use crate::support::{Client, clip, text};

const ALL: &str = "/accounts/one/stream/live_inputs";

struct A;

impl Surface for A {
    const PREFIX: &'static str = "/client/v4";

    fn header() -> String {
        format!("authorization: Bearer {ANN}")
    }
}

type Stage = caller::Stage<A>;

impl Stage {
    /// The result of an answer within its envelope.
    #[track_caller]
    fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ann().call(method, path, body).json(200);
        assert_eq!(
            (&answer["success"], &answer["errors"], &answer["messages"]),
            (&json!(true), &json!([]), &json!([]))
        );
        answer["result"].clone()
    }

    #[track_caller]
    fn make(&self, body: Value) -> (String, Value) {
        let input = self.ok("POST", ALL, body);
        (format!("{ALL}/{}", text(&input["uid"])), input)
    }

    #[track_caller]
    fn refused(&self, method: &str, path: &str, body: Value, status: u16) -> String {
        let answer = self.ann().call(method, path, body).json(status);
        assert_eq!((&answer["success"], &answer["result"]), (&json!(false), &Value::Null));
        assert!(answer["errors"][0]["code"].is_u64());
        text(&answer["errors"][0]["message"]).to_owned()
    }

    /// Publishes the clip with an input's key, as an encoder does.
    fn publish(&self, input: &Value) -> Client {
        let url = text(&input["rtmps"]["url"]);
        assert_eq!(url, format!("rtmp://127.0.0.1:{}/live", self.server.rtmp.port()));
        let mut publisher = Client::publish(
            self.server.rtmp,
            &format!("live/{}", text(&input["rtmps"]["streamKey"])),
        );
        if publisher.rejected.is_none() {
            publisher.send_all(&clip());
        }
        publisher
    }

    fn until_status(&self, path: &str, word: &str) {
        self.server
            .until(word, |_| (self.ok("GET", path, Value::Null)["status"] == word).then_some(()));
    }

    fn videos(&self, path: &str) -> Vec<Value> {
        self.ok("GET", &format!("{path}/videos"), Value::Null).as_array().unwrap().clone()
    }

    /// Waits for so many recordings that are ready.
    fn until_ready(&self, path: &str, count: usize) -> Vec<Value> {
        self.server.until("recordings", |_| {
            let all = self.videos(path);
            let ready = all.iter().filter(|it| it["status"]["state"] == "ready").count();
            (ready == count && all.len() == count).then_some(all)
        })
    }
}

fn is_time(value: &Value) -> bool {
    text(value).len() == 24 && text(value).ends_with('Z')
}

/// How a recording of an automatic input goes on for a second only.
fn automatic() -> Value {
    json!({ "meta": { "name": "cam" }, "recording": { "mode": "automatic", "timeoutSeconds": 1 } })
}

#[test]
fn c01_the_shape_of_an_input_with_and_without_prefix_and_envelope() {
    let stage = Stage::new("c01");
    let (path, made) = stage.make(
        json!({ "meta": { "name": "cam", "shelf": 7 }, "defaultCreator": "ann", "unknown": 1 }),
    );
    let uid = text(&made["uid"]);
    assert!(uid.len() == 32 && uid.bytes().all(|it| b"0123456789abcdef".contains(&it)));
    assert!(is_time(&made["created"]) && is_time(&made["modified"]));
    let (publish, play) =
        (text(&made["rtmps"]["streamKey"]), text(&made["rtmpsPlayback"]["streamKey"]));
    assert!(publish.len() >= 22 && play.len() >= 22 && publish != play);
    let url = format!("rtmp://127.0.0.1:{}/live", stage.server.rtmp.port());
    let expected = json!({
        "uid": uid, "created": made["created"], "modified": made["modified"], "status": null, "enabled": true,
        "meta": { "name": "cam", "shelf": 7 }, "defaultCreator": "ann",
        "rtmps": { "url": url, "streamKey": publish }, "rtmpsPlayback": { "url": url, "streamKey": play },
        "srt": null, "srtPlayback": null, "webRTC": null, "webRTCPlayback": null,
        "recording": {
            "mode": "off", "timeoutSeconds": 0, "requireSignedURLs": false, "allowedOrigins": [],
            "hideLiveViewerCount": false,
        },
        "deleteRecordingAfterDays": null, "preferLowLatency": false,
        "playback": { "hls": format!("http://{}/{uid}/manifest/video.m3u8", stage.server.http), "dash": null },
    });
    assert_eq!(made, expected);
    assert_eq!(stage.ok("GET", &path, Value::Null), made);
    let without = Caller { prefix: "", ..stage.ann() };
    assert_eq!(without.get(&path)["result"], made);

    let (_, second) = stage.make(Value::Null);
    let list = stage.ok("GET", &format!("{ALL}?include_counts=true"), Value::Null);
    assert_eq!((&list["range"], &list["total"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&list["liveInputs"][0]["uid"], &list["liveInputs"][1]["uid"]),
        (&second["uid"], &made["uid"])
    );
    assert_eq!(list["liveInputs"][1]["meta"]["name"], "cam");
    assert!(
        !list.to_string().contains(publish) && !list.to_string().contains(play),
        "no keys in lists"
    );

    for (method, path, status) in [
        ("GET", format!("{ALL}/{}", "0".repeat(32)), 404),
        ("DELETE", format!("{ALL}/..%2f"), 404),
        ("PUT", format!("{ALL}/{}", "A".repeat(32)), 404),
    ] {
        stage.refused(method, &path, json!({}), status);
    }
    for (body, field) in [
        (json!({ "recording": { "mode": "manual" } }), "recording.mode"),
        (json!({ "recording": { "timeoutSeconds": -1 } }), "timeoutSeconds"),
        (json!({ "recording": { "allowedOrigins": "a" } }), "allowedOrigins"),
        (json!({ "enabled": "yes" }), "enabled"),
        (json!({ "meta": { "long": "x".repeat(5000) } }), "meta"),
    ] {
        assert!(stage.refused("POST", ALL, body, 400).starts_with(field));
    }
    let nobody = Caller { header: String::new(), ..stage.ann() };
    assert_eq!(nobody.call("GET", ALL, Value::Null).json(401)["errors"][0]["code"], 10_000);
    let bob = Caller { header: format!("authorization: Bearer {BOB}"), ..stage.ann() };
    let seen = bob.get(&path);
    assert_eq!(seen["result"]["rtmps"]["streamKey"], Value::Null, "who may only look sees no keys");
    assert_eq!(bob.call("POST", ALL, Value::Null).status, 403);
    let said = stage.server.said();
    assert!(!said.contains(publish) && !said.contains(ANN));
    drop(stage);

    let bare = Stage::with("c01-bare", &["--bare", "--public", "https://live.example.org/"]);
    let made = bare.ann().post(ALL, Value::Null);
    assert!(text(&made["playback"]["hls"]).starts_with("https://live.example.org/"));
    assert!(text(&made["rtmps"]["url"]).starts_with("rtmp://live.example.org:"));
}

#[test]
fn c02_c32_the_key_publishes_and_the_other_key_plays() {
    let stage = Stage::new("c02");
    let (path, input) = stage.make(Value::Null);
    let (publish, play) =
        (text(&input["rtmps"]["streamKey"]), text(&input["rtmpsPlayback"]["streamKey"]));
    let _publisher = stage.publish(&input);
    stage.until_status(&path, "connected");
    let mut player = Client::play(stage.server.rtmp, &format!("live/{play}"));
    player.until(|it| it.media().len() > 20);
    let refused = Client::play(stage.server.rtmp, &format!("live/{publish}"));
    assert!(
        refused.rejected.unwrap().contains("StreamNotFound"),
        "the key to publish does not play"
    );
}

#[test]
fn c03_c10_c23_a_recording_becomes_a_video_and_outlives_its_input() {
    let stage = Stage::new("c03");
    let (path, input) = stage.make(automatic());
    let publisher = stage.publish(&input);
    let live = stage.server.until("it is recorded", |_| stage.videos(&path).first().cloned());
    assert_eq!(
        (&live["status"]["state"], &live["liveInput"]),
        (&json!("live-inprogress"), &input["uid"])
    );
    drop(publisher);
    let ready = stage.until_ready(&path, 1).remove(0);
    assert_eq!(ready["uid"], live["uid"], "the same one");
    assert_eq!(
        ready["status"],
        json!({ "state": "ready", "pctComplete": "100", "errorReasonCode": "", "errorReasonText": "" })
    );
    let name = text(&ready["meta"]["name"]);
    assert!(name.starts_with("Stream Record: cam, ") && name.ends_with(" +0000"), "{name}");
    assert_eq!(
        (&ready["readyToStream"], &ready["input"]),
        (&json!(true), &json!({ "width": 640, "height": 360 }))
    );
    let seconds = ready["duration"].as_f64().unwrap();
    assert!((9.0..10.5).contains(&seconds), "{seconds}");
    assert!(ready["size"].as_u64().unwrap() > 10_000 && is_time(&ready["created"]));
    assert_eq!(
        (&ready["scheduledDeletion"], &ready["playback"]["dash"]),
        (&Value::Null, &Value::Null)
    );

    let video = format!("/accounts/one/stream/{}", text(&ready["uid"]));
    assert_eq!(stage.ok("GET", &video, Value::Null), ready);
    let changed = json!({ "requireSignedURLs": true, "allowedOrigins": ["a.example"], "meta": { "name": "new", "n": 1 } });
    let changed = stage.ok("POST", &video, changed);
    assert_eq!(
        (&changed["requireSignedURLs"], &changed["allowedOrigins"], &changed["meta"]),
        (&json!(true), &json!(["a.example"]), &json!({ "name": "new", "n": 1 }))
    );
    assert_eq!(stage.ann().call("DELETE", &path, Value::Null).text, "", "an empty answer");
    stage.refused("GET", &path, Value::Null, 404);
    assert_eq!(stage.videos(&path).len(), 1, "its recordings stay");
    assert_eq!(stage.ok("GET", &video, Value::Null)["meta"]["name"], "new");
    assert_eq!(stage.ann().call("DELETE", &video, Value::Null).status, 200);
    stage.refused("GET", &video, Value::Null, 404);
}

#[test]
fn c04_c05_off_records_nothing_and_a_long_gap_makes_two() {
    let stage = Stage::new("c04");
    let (off, input) = stage.make(json!({}));
    let publisher = stage.publish(&input);
    stage.until_status(&off, "connected");
    drop(publisher);
    let (path, input) = stage.make(automatic());
    let publisher = stage.publish(&input);
    stage.server.until("it is recorded", |_| stage.videos(&path).first().map(drop));
    drop(publisher);
    stage.until_status(&path, "reconnecting");
    let publisher = stage.publish(&input);
    stage.until_status(&path, "reconnected");
    assert_eq!(stage.videos(&path).len(), 1, "within the window it goes on");
    drop(publisher);
    stage.until_status(&path, "failed_to_reconnect");
    stage.until_ready(&path, 1);
    drop(stage.publish(&input));
    stage.until_ready(&path, 2);
    assert_eq!(stage.videos(&off).len(), 0);
}

#[test]
fn c09_c28_a_change_leaves_what_it_does_not_name() {
    let stage = Stage::new("c09");
    let (path, made) = stage.make(json!({
        "meta": { "name": "cam" }, "deleteRecordingAfterDays": 45, "defaultCreator": "ann", "preferLowLatency": true,
        "recording": { "mode": "automatic", "timeoutSeconds": 30, "allowedOrigins": ["*.example.com"], "hideLiveViewerCount": true },
    }));
    let changed = stage.ok("PUT", &path, json!({ "recording": { "requireSignedURLs": true } }));
    let mut expected = made.clone();
    expected["recording"]["requireSignedURLs"] = true.into();
    expected["modified"] = changed["modified"].clone();
    assert_eq!(changed, expected);
    assert_eq!(
        stage.ok("PUT", &path, json!({ "timeoutSeconds": 0 }))["recording"]["timeoutSeconds"],
        0
    );
    for days in [30.0, 1096.0] {
        assert_eq!(
            stage.ok("PUT", &path, json!({ "deleteRecordingAfterDays": days }))["deleteRecordingAfterDays"],
            days as u64
        );
    }
    for days in [json!(29), json!(1097), json!(0), json!(70_000), json!(30.5), json!("soon")] {
        stage.refused("PUT", &path, json!({ "deleteRecordingAfterDays": days }), 400);
    }
    let none = stage.ok(
        "PUT",
        &path,
        json!({ "deleteRecordingAfterDays": null, "recording": { "allowedOrigins": null } }),
    );
    assert_eq!(
        (&none["deleteRecordingAfterDays"], &none["recording"]["allowedOrigins"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(none["recording"]["mode"], "automatic");

    let (path, input) = stage.make(automatic());
    stage.ok("PUT", &path, json!({ "deleteRecordingAfterDays": 30 }));
    drop(stage.publish(&input));
    let ready = stage.until_ready(&path, 1).remove(0);
    assert!(
        is_time(&ready["scheduledDeletion"])
            && text(&ready["scheduledDeletion"]) > text(&ready["modified"])
    );
}

#[test]
fn c26_c27_disabled_inputs_and_old_keys_let_nobody_in() {
    let stage = Stage::new("c26");
    let (path, input) = stage.make(json!({}));
    let mut publisher = stage.publish(&input);
    stage.until_status(&path, "connected");
    assert_eq!(input["keysRotatedAt"], Value::Null);
    let rotated = stage.ok("POST", &format!("{path}/rotate_keys"), Value::Null);
    assert!(is_time(&rotated["keysRotatedAt"]));
    for door in ["rtmps", "rtmpsPlayback"] {
        assert_ne!(rotated[door]["streamKey"], input[door]["streamKey"]);
    }
    publisher.until(|it| it.over);
    let mut publisher = stage.publish(&rotated);
    stage.until_status(&path, "reconnected");
    assert_eq!(stage.ok("PUT", &path, json!({ "enabled": false }))["enabled"], false);
    publisher.until(|it| it.over);
    assert_eq!(stage.publish(&rotated).rejected.as_deref(), Some("NetStream.Publish.BadName"));
    stage.ok("PUT", &path, json!({ "enabled": true }));
    assert_eq!(stage.publish(&rotated).rejected, None);
}

#[test]
fn c18_outputs_are_made_switched_and_removed() {
    let stage = Stage::new("c18");
    let (path, _) = stage.make(json!({}));
    let all = format!("{path}/outputs");
    let made = stage.ok(
        "POST",
        &all,
        json!({ "url": "rtmps://a.example/app/", "streamKey": "canary-key?x=1" }),
    );
    let one = format!("{all}/{}", text(&made["uid"]));
    let expected = json!({ "uid": made["uid"], "url": "rtmps://a.example/app", "streamKey": "canary-key?x=1", "enabled": true });
    assert_eq!(made, expected);
    assert_eq!(stage.ok("GET", &all, Value::Null), json!([expected]));
    let off = stage.ok("PUT", &one, json!({ "enabled": false, "url": "rtmp://other.example/a" }));
    assert_eq!(
        (&off["enabled"], &off["url"]),
        (&json!(false), &made["url"]),
        "only that can be changed"
    );
    let (other, _) = stage.make(json!({}));
    stage.refused(
        "PUT",
        &format!("{other}/outputs/{}", text(&made["uid"])),
        json!({ "enabled": true }),
        404,
    );
    for (body, field) in [
        (json!({ "streamKey": "k" }), "url"),
        (json!({ "url": "http://a.example/app", "streamKey": "k" }), "url"),
        (json!({ "url": "rtmp://a.example/app", "streamKey": "k\n" }), "streamKey"),
        (json!({ "url": "rtmp://a.example/app", "streamKey": 7 }), "streamKey"),
    ] {
        assert!(stage.refused("POST", &all, body, 400).starts_with(field));
    }
    assert_eq!(stage.ann().call("DELETE", &one, Value::Null).status, 200);
    assert_eq!(stage.ok("GET", &all, Value::Null), json!([]));
    for _ in 0..50 {
        stage.ok(
            "POST",
            &all,
            json!({ "url": "rtmp://a.example/app", "streamKey": "k", "enabled": false }),
        );
    }
    let why = stage.refused(
        "POST",
        &all,
        json!({ "url": "rtmp://a.example/app", "streamKey": "k" }),
        409,
    );
    assert_eq!(why, "no more than 50 outputs");
    assert!(!stage.server.said().contains("canary"));
}

#[test]
fn c20_one_webhook_with_its_secret() {
    let stage = Stage::new("c20");
    let path = "/accounts/one/stream/webhook";
    stage.refused("GET", path, Value::Null, 404);
    for bad in ["ftp://a.example", "a", "rtmp://a.example/x"] {
        let why = stage.refused("PUT", path, json!({ "notificationUrl": bad }), 400);
        assert!(why.starts_with("notificationUrl"), "{why}");
    }
    let made = stage.ok("PUT", path, json!({ "notificationUrl": "https://a.example/hook" }));
    assert_eq!(made["notificationUrl"], "https://a.example/hook");
    assert!(is_time(&made["modified"]) && text(&made["secret"]).len() >= 32);
    let changed = stage.ok("PUT", path, json!({ "notificationUrl": "http://b.example/" }));
    assert_eq!(
        (&changed["notificationUrl"], &changed["secret"]),
        (&json!("http://b.example/"), &made["secret"])
    );
    assert_eq!(stage.ok("GET", path, Value::Null), changed);
    assert_eq!(stage.ok("DELETE", path, Value::Null), "");
    stage.refused("DELETE", path, Value::Null, 404);
}

#[test]
fn c06_c22_c24_c25_c33_keys_tokens_and_what_an_input_plays() {
    let stage = Stage::new("c24");
    let (_, input) = stage.make(json!({ "recording": { "requireSignedURLs": true } }));
    let uid = text(&input["uid"]);
    let keys = "/accounts/one/stream/keys";
    let made = stage.ok("POST", keys, Value::Null);
    let decoded = |field: &str| {
        let bytes = BASE64_STANDARD.decode(text(&made[field])).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert!(decoded("pem").starts_with("-----BEGIN"));
    let jwk: Value = serde_json::from_str(&decoded("jwk")).unwrap();
    assert_eq!((&jwk["kid"], &jwk["kty"]), (&made["id"], &json!("RSA")));
    let listed = json!([{ "id": made["id"], "created": made["created"] }]);
    assert_eq!(stage.ok("GET", keys, Value::Null), listed, "the private part is shown once");
    let one = format!("{keys}/{}", text(&made["id"]));
    assert_eq!(stage.ok("DELETE", &one, Value::Null), "Revoked");
    stage.refused("DELETE", &one, Value::Null, 404);

    let for_it = format!("/accounts/one/stream/{uid}/token");
    let token = stage.ok("POST", &for_it, Value::Null);
    let token = text(&token["token"]);
    let playlist = |name: &str| stage.server.ask(&format!("/{name}/manifest/video.m3u8"), "").0;
    assert_eq!((playlist(uid), playlist(token)), (401, 204), "nothing is live");
    let _feed =
        Feed::begin(stage.server.rtmp, &format!("live/{}", text(&input["rtmps"]["streamKey"])));
    stage.server.until("it plays", |_| (playlist(token) == 200).then_some(()));
    assert_eq!(playlist(uid), 401);
    let life = stage.server.json(&format!("/{token}/lifecycle"));
    assert_eq!((&life["isInput"], &life["live"]), (&json!(true), &json!(true)));
    let (other, _) = stage.make(Value::Null);
    let other = other.rsplit('/').next().unwrap();
    let second = stage.ok(
        "POST",
        &format!("/accounts/one/stream/{other}/token"),
        json!({ "downloadable": true }),
    );
    assert_ne!(second["token"], token);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let rule = json!([{ "type": "ip.src", "action": "block", "ip": ["127.0.0.0/8"] }]);
    let blocked =
        stage.ok("POST", &for_it, json!({ "exp": now + 60, "nbf": now - 60, "accessRules": rule }));
    assert_eq!(playlist(text(&blocked["token"])), 403);
    for (body, field) in [
        (json!({ "exp": now + 90_000 }), "exp"),
        (json!({ "accessRules": [{ "type": "any" }] }), "accessRules"),
        (json!({ "downloadable": 1 }), "downloadable"),
    ] {
        assert!(stage.refused("POST", &for_it, body, 400).starts_with(field));
    }
    stage.refused(
        "POST",
        &format!("/accounts/one/stream/{}/token", "0".repeat(32)),
        Value::Null,
        404,
    );
}
