//! What holds on every surface, and between them and the native API.

use std::sync::Barrier;

use redb::ReadableDatabase;
use serde_json::{Value, json};

use crate::caller::{self, ANN, Caller, Surface, free_port};
use crate::support::{Client, Folder, clip, text};

const CALL: &str = "/video/call/livestream/one";
const HOOK: &str = "/accounts/one/stream/webhook";

/// All surfaces take this header.
struct All;

impl Surface for All {
    fn header() -> String {
        format!("x-access-token: {ANN}")
    }
}

type Stage = caller::Stage<All>;

impl Stage {
    /// One object of each kind that surfaces make.
    fn made(&self) -> Made {
        let ann = self.ann();
        let input = ann.post("/accounts/one/stream/live_inputs", json!({}))["result"].clone();
        let stream = ann.post("/streaming/streams", json!({ "name": "s" }));
        let broadcast = json!({ "broadcast": { "name": "b", "status": "pending" } });
        let broadcast = ann.post("/streaming/broadcasts", broadcast);
        let restream = json!({ "name": "r", "uri": "rtmp://127.0.0.1:9/app/key", "stream_id": stream["id"], "active": false });
        let restream = ann.post("/streaming/restreams", restream);
        ann.call("POST", CALL, json!({})).json(201);
        let server = json!({
            "server_name": "d", "server_type": "SERVER_TYPE_RTMP", "server_port": free_port(),
            "server_active": false,
        });
        let server = ann.post("/api/rtmp-servers/create", server);
        Made { input, stream, broadcast, restream, server }
    }
}

struct Made {
    input: Value,
    stream: Value,
    broadcast: Value,
    restream: Value,
    server: Value,
}

/// A change of one object, by two callers at once: each names another field.
struct Race {
    method: &'static str,
    path: String,
    one: fn(i64) -> Value,
    other: fn(i64) -> Value,
    /// Both fields of the object.
    fields: fn(&Value) -> [Value; 2],
}

impl Race {
    fn run(&self, ann: &Caller<'_>) {
        for round in 1..=50 {
            let start = Barrier::new(2);
            let call = |body: Value| {
                start.wait();
                let answer = ann.call(self.method, &self.path, body);
                assert_eq!(answer.status, 200, "{}: {}", self.path, answer.text);
            };
            std::thread::scope(|threads| {
                threads.spawn(|| call((self.one)(round)));
                call((self.other)(round));
            });
            let seen = (self.fields)(&ann.get(&self.path));
            assert_eq!(seen, [json!(format!("a {round}")), json!(round)], "{}", self.path);
        }
    }
}

fn races(made: &Made) -> [Race; 6] {
    let name: fn(i64) -> Value = |it| json!({ "name": format!("a {it}") });
    [
        Race {
            method: "PUT",
            path: format!("/accounts/one/stream/live_inputs/{}", text(&made.input["uid"])),
            one: |it| json!({ "defaultCreator": format!("a {it}") }),
            other: |it| json!({ "recording": { "timeoutSeconds": it } }),
            fields: |it| {
                let it = &it["result"];
                [it["defaultCreator"].clone(), it["recording"]["timeoutSeconds"].clone()]
            },
        },
        Race {
            method: "PATCH",
            path: format!("/streaming/streams/{}", made.stream["id"]),
            one: name,
            other: |it| json!({ "stream": { "cdn_id": it } }),
            fields: |it| [it["name"].clone(), it["cdn_id"].clone()],
        },
        Race {
            method: "PATCH",
            path: format!("/streaming/broadcasts/{}", made.broadcast["id"]),
            one: name,
            other: |it| json!({ "broadcast": { "ad_id": it } }),
            fields: |it| [it["name"].clone(), it["ad_id"].clone()],
        },
        Race {
            method: "PATCH",
            path: format!("/streaming/restreams/{}", made.restream["id"]),
            one: name,
            other: |it| json!({ "restream": { "client_user_id": it } }),
            fields: |it| [it["name"].clone(), it["client_user_id"].clone()],
        },
        Race {
            method: "PATCH",
            path: CALL.into(),
            one: |it| json!({ "settings_override": { "one": format!("a {it}") } }),
            other: |it| json!({ "settings_override": { "other": it } }),
            fields: |it| {
                let it = &it["call"]["settings"];
                [it["one"].clone(), it["other"].clone()]
            },
        },
        Race {
            method: "PUT",
            path: "/video/calltypes/livestream".into(),
            one: |it| json!({ "settings": { "one": format!("a {it}") } }),
            other: |it| json!({ "settings": { "other": it } }),
            fields: |it| [it["settings"]["one"].clone(), it["settings"]["other"].clone()],
        },
    ]
}

/// Whether an error looks as on the surface that told it.
type Form = fn(&Value) -> bool;

#[test]
fn api_01_a_method_that_a_path_does_not_take_is_told_to_callers_only() {
    let stage = Stage::new("method");
    let ann = stage.ann();
    let nobody = Caller { header: String::new(), ..stage.ann() };
    let bob = Caller { header: "x-access-token: canary-token-of-bobby".into(), ..stage.ann() };
    let cases: [(&str, &str, Form); 6] = [
        ("DELETE", "/accounts/one/stream/live_inputs", |it| {
            it["success"] == false && it["result"].is_null() && it["errors"][0]["code"].is_u64()
        }),
        ("PATCH", "/client/v4/accounts/one/stream/webhook", |it| {
            it["success"] == false && it["errors"][0]["message"].is_string()
        }),
        ("PUT", "/streaming/streams/1", |it| it["status"].is_u64() && it["error"].is_string()),
        ("DELETE", "/video/call/livestream/one", |it| {
            it["code"].is_i64() && it["StatusCode"].is_u64() && it["duration"].is_string()
        }),
        ("PUT", "/api/v2/video/call/livestream/one/go_live", |it| it["StatusCode"].is_u64()),
        ("GET", "/api/rtmp-servers/create", |it| {
            it["success"] == false && it["error"]["code"].is_string()
        }),
    ];
    for (method, path, fits) in cases {
        for stranger in [&nobody, &bob] {
            let answer = stranger.call(method, path, Value::Null);
            let refused = answer.json(401);
            assert!(fits(&refused), "{method} {path}: {refused}");
            let asked = stranger.call("OPTIONS", path, Value::Null);
            assert_eq!((answer.header("allow"), asked.header("allow")), (None, None), "{path}");
        }
        let answer = ann.call(method, path, Value::Null);
        let told = answer.json(405);
        assert!(fits(&told), "{method} {path}: {told}");
        let allowed = answer.header("allow").expect("the methods that it takes");
        assert!(!allowed.is_empty() && !allowed.contains(method), "{method} {path}: {allowed}");
    }
}

#[test]
fn names_of_what_the_command_line_makes_are_given_by_nobody_else() {
    let stage = Stage::new("reserved");
    let (ann, made) = (stage.ann(), stage.made());
    let input = format!("/v1/inputs/{}", text(&made.input["uid"]));
    let output = json!({ "name": "o", "url": "rtmp://127.0.0.1:9/app/key", "enabled": false });
    let output = ann.call("POST", &format!("{input}/outputs"), output).json(201);
    let output = format!("{input}/outputs/{}", text(&output["id"]));
    let named = |name: &str| json!({ "name": name, "url": "rtmp://127.0.0.1:9/app/key" });
    let pulled = |alias: &str| json!({ "name": "p", "alias": alias, "pull": { "urls": ["rtmp://127.0.0.1:9/a/b"] } });
    for name in ["--push 1", "--pull live/a"] {
        for (method, path, body, field) in [
            ("POST", format!("{input}/outputs"), named(name), "name"),
            ("PATCH", output.clone(), json!({ "name": name }), "name"),
            ("POST", "/v1/inputs".into(), pulled(name), "alias"),
            ("PATCH", input.clone(), json!({ "alias": name }), "alias"),
        ] {
            let why = ann.call(method, &path, body).json(400)["error"].clone();
            assert_eq!((&why["code"], &why["field"]), (&json!("invalid"), &json!(field)), "{path}");
            assert!(text(&why["message"]).contains("must not begin with"), "{why}");
        }
        let restream = json!({ "name": name, "uri": "rtmp://127.0.0.1:9/app/key", "stream_id": made.stream["id"] });
        let change = format!("/streaming/restreams/{}", made.restream["id"]);
        for (method, path) in [("POST", "/streaming/restreams"), ("PATCH", &change)] {
            let why = ann.call(method, path, restream.clone()).json(422);
            assert!(text(&why["errors"]["name"][0]).contains("must not begin with"), "{why}");
        }
        let push =
            json!({ "broadcasts": [{ "name": name, "stream_url": "rtmp://127.0.0.1:9/app" }] });
        let why = ann.call("POST", "/video/call/livestream/one/rtmp_broadcasts", push).json(400);
        assert!(text(&why["message"]).starts_with("name: must not begin with"), "{why}");
    }
    // Whatever only looks alike is a name like any other.
    ann.call("POST", &format!("{input}/outputs"), named("--pushed 1")).json(201);
    ann.call("POST", "/v1/inputs", pulled("pull --pull ")).json(201);
}

#[test]
fn two_who_change_different_fields_at_once_both_hold() {
    let stage = Stage::new("both");
    let (ann, made) = (stage.ann(), stage.made());
    races(&made).iter().for_each(|it| it.run(&ann));
    // Surface D names the object in the body.
    for round in 1..=50 {
        let start = Barrier::new(2);
        let call = |field: &str, value: String| {
            let body = json!({ "id": made.server["id"], field: value });
            start.wait();
            ann.post("/api/rtmp-servers/update", body);
        };
        std::thread::scope(|threads| {
            threads.spawn(|| call("server_name", format!("a {round}")));
            call("server_buflen", round.to_string());
        });
        let path = format!("/api/rtmp-servers/getById?id={}", text(&made.server["id"]));
        let seen = ann.get(&path);
        assert_eq!(seen["server_name"], format!("a {round}"));
        assert_eq!(seen["server_buflen"], round.to_string());
    }
}

/// What the database of a server that ended holds beside the plane and its keys.
fn kept(folder: &Folder) -> Value {
    let database = redb::Database::open(folder.0.join("control.redb")).unwrap();
    let read = database.begin_read().unwrap();
    let table = redb::TableDefinition::<'_, &str, &[u8]>::new("state");
    let extras = read.open_table(table).unwrap().get("extras").unwrap().unwrap();
    serde_json::from_slice(extras.value()).unwrap()
}

impl Stage {
    /// Lets surfaces keep something beside each object that they made.
    fn say_more(&self, made: &Made) {
        let ann = self.ann();
        let input = format!("/accounts/one/stream/live_inputs/{}", text(&made.input["uid"]));
        ann.call("PUT", &input, json!({ "defaultCreator": "c" })).json(200);
        let native = format!("/v1/inputs/{}", text(&made.input["uid"]));
        ann.call("PATCH", &native, json!({ "region": "eu" })).json(200);
        let output = json!({ "name": "o", "url": "rtmp://127.0.0.1:9/app/key", "enabled": false, "quality": "720p" });
        ann.call("POST", &format!("{native}/outputs"), output).json(201);
        let stream = format!("/streaming/streams/{}", made.stream["id"]);
        ann.call("PATCH", &stream, json!({ "cdn_id": 7 })).json(200);
        ann.call("PUT", &format!("{stream}/dvr_cleanup"), Value::Null).json(204);
        let broadcast = format!("/streaming/broadcasts/{}", made.broadcast["id"]);
        ann.call("PATCH", &broadcast, json!({ "ad_id": 7 })).json(200);
        let restream = format!("/streaming/restreams/{}", made.restream["id"]);
        ann.call("PATCH", &restream, json!({ "client_user_id": "u" })).json(200);
        ann.call("PATCH", CALL, json!({ "custom": { "a": 1 } })).json(200);
        ann.call("POST", &format!("{CALL}/mark_ended"), json!({})).json(200);
        let hook = json!({ "notificationUrl": "http://127.0.0.1:9/" });
        ann.call("PUT", HOOK, hook).json(200);
        let listener =
            json!({ "name": "l", "bind": "127.0.0.1", "port": free_port(), "active": false });
        ann.call("POST", "/v1/listeners", listener).json(201);
    }

    /// A recording that surface A keeps something beside.
    fn record(&self) {
        let ann = self.ann();
        let input = json!({ "recording": { "mode": "automatic", "timeoutSeconds": 1 } });
        let input = ann.post("/accounts/one/stream/live_inputs", input)["result"].clone();
        let key = text(&input["rtmps"]["streamKey"]);
        let mut publisher = Client::publish(self.server.rtmp, &format!("live/{key}"));
        publisher.send_all(&clip());
        let id = self.server.until("a recording", |_| {
            let all = ann.get("/v1/recordings");
            Some(text(all["recordings"].get(0)?.get("id")?).to_owned())
        });
        drop(publisher);
        let video = format!("/accounts/one/stream/{id}");
        self.server.until("it is ready", |_| {
            (ann.get(&video)["result"]["status"]["state"] == "ready").then_some(())
        });
        ann.post(&video, json!({ "meta": { "a": 1 } }));
    }

    /// Deletes everything that the native API lists of a kind.
    fn delete_all(&self, kind: &str) {
        let ann = self.ann();
        let all = ann.get(&format!("/v1/{kind}"));
        for one in all[kind].as_array().unwrap().iter().filter(|it| it["name"] != "rtmp") {
            ann.call("DELETE", &format!("/v1/{kind}/{}", text(&one["id"])), Value::Null).json(204);
        }
    }
}

#[test]
fn what_a_surface_keeps_goes_with_the_object_whoever_deletes_it() {
    let stage = Stage::new("extras");
    let (ann, made) = (stage.ann(), stage.made());
    stage.say_more(&made);
    stage.record();
    for kind in ["inputs", "shows", "listeners", "hooks", "recordings"] {
        stage.delete_all(kind);
    }
    ann.call("GET", HOOK, Value::Null).json(404);
    assert_eq!(ann.get("/api/rtmp-servers/getCount"), json!({ "count": 0 }));
    // A new one by the same name has nothing of the old one.
    let alias = json!({ "name": "new", "alias": "call:livestream:one" });
    let new = ann.call("POST", "/v1/inputs", alias).json(201);
    let call = ann.get(CALL)["call"].clone();
    assert_eq!((&call["custom"], &call["backstage"]), (&json!({}), &json!(false)));
    assert_eq!(call.get("ended_at"), None);
    ann.call("DELETE", &format!("/v1/inputs/{}", text(&new["id"])), Value::Null).json(204);
    assert_eq!(kept(&stage.end()), json!({}));
}
