//! Calls and their broadcasts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::caller::{self, Answer, Caller, Feed, SECRET, Surface};
use crate::support::Client;

const CALL: &str = "/video/call/livestream/one";

struct C;

impl Surface for C {
    const PREFIX: &'static str = "/api/v2";

    fn header() -> String {
        bearing(&json!({ "user_id": "ann" }))
    }
}

type Stage = caller::Stage<C>;

/// A token as back ends sign it for themselves and for their users.
fn signed(claims: &Value) -> String {
    let encode = |it: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(it);
    let header = encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{header}.{}", encode(claims.to_string().as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", encode(&mac.finalize().into_bytes()))
}

fn bearing(claims: &Value) -> String {
    format!("stream-auth-type: jwt\r\nauthorization: {}", signed(claims))
}

impl Stage {
    fn by(&self, claims: &Value) -> Caller<'_> {
        Caller { header: bearing(claims), ..self.ann() }
    }

    fn make(&self) -> Value {
        let made = self.ann().call("POST", CALL, json!({})).json(201);
        assert_eq!(made["created"], true);
        made["call"].clone()
    }

    fn post(&self, what: &str, body: Value) -> Answer {
        self.ann().call("POST", &format!("{CALL}/{what}"), body)
    }

    fn target(&self, name: &str) -> Value {
        let url = format!("rtmp://{}/live", self.server.rtmp);
        json!({ "name": name, "stream_url": url, "stream_key": format!("copy-{name}") })
    }

    fn egress(&self) -> Value {
        self.ann().get(CALL)["call"]["egress"].clone()
    }

    /// The names of what goes out.
    fn names(&self) -> Vec<String> {
        let egress = self.egress();
        let all = egress["rtmps"].as_array().unwrap().iter();
        let names: Vec<String> = all.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(egress["broadcasting"], !names.is_empty());
        names
    }

    fn until_names(&self, names: &[&str]) {
        self.server.until("names", |_| (self.names() == names).then_some(()));
    }

    /// Publishes to the call until it is dropped.
    fn feed(&self, call: &Value) -> Feed {
        let address = call["ingress"]["rtmp"]["address"].as_str().unwrap();
        let name = address.splitn(4, '/').nth(3).unwrap();
        Feed::begin(self.server.rtmp, name)
    }
}

/// An error as all of them are.
fn wrong(answer: &Answer, status: u16) -> Value {
    let why = answer.json(status);
    assert_eq!(
        (&why["StatusCode"], &why["more_info"], &why["details"]),
        (&json!(status), &json!(""), &json!([]))
    );
    assert!(why["code"].is_i64() && why["message"].is_string());
    assert!(why["duration"].as_str().unwrap().ends_with("ms"));
    why
}

#[test]
fn s04_the_shape_of_a_call_that_is_made_once() {
    let stage = Stage::new("s04");
    let ann = stage.ann();
    wrong(&ann.call("GET", CALL, Value::Null), 404);
    let call = stage.make();
    assert_eq!(
        (&call["cid"], &call["type"], &call["id"]),
        (&json!("livestream:one"), &json!("livestream"), &json!("one"))
    );
    assert!(call["created_at"].as_i64().unwrap() > 1_700_000_000_000_000_000, "nanoseconds");
    assert_eq!(call["egress"], json!({ "broadcasting": false, "rtmps": [] }));
    assert_eq!((&call["backstage"], &call["recording"]), (&json!(false), &json!(false)));
    assert!(call["ingress"]["rtmp"]["address"].as_str().unwrap().starts_with("rtmp://127.0.0.1:"));
    let again = ann.call("POST", &format!("{CALL}?api_key=abc"), json!({ "data": {} })).json(200);
    assert_eq!((&again["created"], &again["call"]), (&json!(false), &call));
    let seen = ann.get(CALL);
    assert_eq!(
        (&seen["call"], &seen["members"], &seen["own_capabilities"]),
        (&call, &json!([]), &json!([]))
    );
    let duration = seen["duration"].as_str().unwrap().strip_suffix("ms").unwrap();
    assert!(duration.parse::<f64>().unwrap() < 1000.0 && duration.contains('.'));
    let without = Caller { prefix: "", ..stage.ann() };
    assert_eq!(without.get(CALL)["call"], call);
    for path in ["/video/call/a:b/c", "/video/call/default/%2e%2e", "/video/call/default/a%20b"] {
        wrong(&ann.call("POST", path, json!({})), 400);
    }
    assert_eq!(stage.post("go_live", json!({})).json(200)["call"]["backstage"], false);
    assert_eq!(stage.post("stop_live", json!({})).json(200)["call"]["backstage"], true);
    let ended = stage.post("mark_ended", Value::Null).json(200);
    assert_eq!(ended.as_object().unwrap().keys().collect::<Vec<_>>(), ["duration"]);
    assert!(ann.get(CALL)["call"]["ended_at"].is_i64());
    wrong(&stage.post("rtmp_broadcasts", json!({ "broadcasts": [stage.target("a")] })), 403);
}

#[test]
fn s04_s05_s06_s07_s08_s09_broadcasts_start_together_and_stop_by_name() {
    let stage = Stage::new("s05");
    let call = stage.make();
    let _feed = stage.feed(&call);
    let (a, b, c) = (stage.target("a"), stage.target("b"), stage.target("c"));
    let started = stage.post("rtmp_broadcasts", json!({ "broadcasts": [a, b] }));
    assert!(started.json(201)["duration"].is_string());
    stage.until_names(&["a", "b"]);
    let push = stage.egress()["rtmps"][0].clone();
    assert_eq!((&push["stream_url"], &push["stream_key"]), (&a["stream_url"], &a["stream_key"]));
    assert!(push["started_at"].is_i64());
    let mut player = Client::play(stage.server.rtmp, "live/copy-a");
    player.until(|it| it.media().len() > 20);

    // Names are of one: a list with one of them starts nothing.
    wrong(&stage.post("rtmp_broadcasts", json!({ "broadcasts": [c, b] })), 409);
    wrong(&stage.post("rtmp_broadcasts", json!({ "broadcasts": [c, c] })), 409);
    assert_eq!(stage.names(), ["a", "b"]);
    for (broadcasts, field) in [
        (json!([]), "broadcasts"),
        (json!([c, { "name": "d" }]), "stream_url"),
        (json!([c, { "stream_url": "rtmp://a.example/x", "stream_key": "k" }]), "name"),
        (
            json!([c, { "name": "d", "stream_url": "http://a.example/x", "stream_key": "k" }]),
            "stream_url",
        ),
        (
            json!([c, { "name": "d", "stream_url": "rtmp://a.example/x", "stream_key": "k\n" }]),
            "stream_key",
        ),
        (
            json!([c, { "name": "d", "stream_url": "rtmp://a.example/x/k", "quality": "721p" }]),
            "quality",
        ),
    ] {
        let why = wrong(&stage.post("rtmp_broadcasts", json!({ "broadcasts": broadcasts })), 400);
        assert!(why["message"].as_str().unwrap().starts_with(field), "{why}");
    }
    assert_eq!(stage.names(), ["a", "b"], "all or nothing");

    assert_eq!(stage.post("rtmp_broadcasts/a/stop", json!({})).status, 200);
    stage.until_names(&["b"]);
    player.until(|it| it.over);
    wrong(&stage.post("rtmp_broadcasts/nobody/stop", json!({})), 404);
    let c = json!({ "name": "c", "stream_url": c["stream_url"], "stream_key": "k3", "quality": "portrait-720x1280", "layout": { "name": "grid" } });
    stage.post("rtmp_broadcasts", json!({ "broadcasts": [a, c] })).json(201);
    stage.server.until("three", |_| (stage.names().len() == 3).then_some(()));
    assert_eq!(stage.post("rtmp_broadcasts/stop", json!({})).status, 200);
    stage.until_names(&[]);
    assert_eq!(stage.post("rtmp_broadcasts/stop", json!({})).status, 200, "again is fine");

    // A target that is not there is in back-off, which is on the list until it is stopped.
    let nowhere =
        json!({ "name": "x", "stream_url": "rtmp://127.0.0.1:1/live", "stream_key": "k" });
    stage.post("rtmp_broadcasts", json!({ "broadcasts": [nowhere, a] })).json(201);
    stage.server.until("both", |_| (stage.names().len() == 2).then_some(()));
    assert_eq!(stage.post("mark_ended", json!({})).status, 200);
    stage.until_names(&[]);
}

#[test]
fn s08_hls_is_switched_on_and_off() {
    let stage = Stage::new("s08");
    let call = stage.make();
    let started = stage.post("start_broadcasting", Value::Null).json(200);
    let egress = stage.egress();
    assert_eq!((&egress["broadcasting"], &egress["rtmps"]), (&json!(true), &json!([])));
    assert_eq!(
        egress["hls"],
        json!({ "playlist_url": started["playlist_url"], "status": "starting" })
    );
    assert!(started["playlist_url"].as_str().unwrap().ends_with("/manifest/video.m3u8"));
    let _feed = stage.feed(&call);
    stage.server.until("it runs", |_| (stage.egress()["hls"]["status"] == "running").then_some(()));
    assert_eq!(stage.post("stop_broadcasting", Value::Null).status, 200);
    assert_eq!(stage.egress(), json!({ "broadcasting": false, "rtmps": [] }));
}

#[test]
fn s12_s13_settings_of_the_type_the_call_and_the_request() {
    let stage = Stage::new("s12");
    let ann = stage.ann();
    let kind = "/video/calltypes/livestream";
    let broadcasting = |it: &Value| it["settings"]["broadcasting"].clone();
    let usual = broadcasting(&ann.get(kind));
    assert_eq!(
        (&usual["enabled"], &usual["rtmp"]["enabled"], &usual["hls"]["enabled"]),
        (&json!(true), &json!(true), &json!(true))
    );
    let wanted = json!({ "settings": { "broadcasting": { "rtmp": { "quality": "720p", "layout": { "name": "grid" } } }, "audio": { "opus": true } } });
    let set = ann.call("PUT", kind, wanted).json(200);
    assert_eq!(
        broadcasting(&set)["rtmp"],
        json!({ "enabled": true, "quality": "720p", "layout": { "name": "grid" } })
    );
    assert_eq!(set["settings"]["audio"]["opus"], true, "what is only stored comes back");
    let off = json!({ "settings": { "broadcasting": { "hls": { "enabled": false }, "rtmp": { "quality": null } } } });
    let set = ann.call("PUT", kind, off).json(200);
    assert_eq!(broadcasting(&set)["rtmp"]["quality"], "720p", "null leaves it");
    assert_eq!(ann.get(kind)["settings"], set["settings"]);
    wrong(
        &ann.call(
            "PUT",
            kind,
            json!({ "settings": { "broadcasting": { "rtmp": { "quality": "huge" } } } }),
        ),
        400,
    );
    wrong(&ann.call("PUT", kind, json!({ "settings": { "x": "x".repeat(20_000) } })), 400);

    let call = stage.make();
    assert_eq!(broadcasting(&call)["hls"]["enabled"], false);
    wrong(&stage.post("start_broadcasting", Value::Null), 403);
    let patch = |settings: Value| {
        ann.call("PATCH", CALL, json!({ "settings_override": { "broadcasting": settings } }))
            .json(200)
    };
    let patched = patch(json!({ "hls": { "enabled": true }, "rtmp": { "enabled": false } }));
    assert_eq!(broadcasting(&patched["call"])["rtmp"]["quality"], "720p");
    assert_eq!(
        stage.post("start_broadcasting", Value::Null).status,
        200,
        "the call goes before its type"
    );
    let one = json!({ "broadcasts": [stage.target("a")] });
    wrong(&stage.post("rtmp_broadcasts", one.clone()), 403);
    patch(json!({ "rtmp": { "enabled": true } }));
    assert_eq!(stage.post("rtmp_broadcasts", one.clone()).status, 201);
    patch(json!({ "enabled": false }));
    wrong(&stage.post("rtmp_broadcasts", json!({ "broadcasts": [stage.target("b")] })), 403);
    wrong(&stage.post("start_broadcasting", Value::Null), 403);
}

#[test]
fn s14_who_lacks_the_scope_starts_and_stops_nothing() {
    let stage = Stage::new("s14");
    stage.make();
    let one = json!({ "broadcasts": [stage.target("a")] });
    for claims in [json!({ "user_id": "bob" }), json!({ "user_id": "guest" })] {
        let caller = stage.by(&claims);
        for (path, body) in [
            (format!("{CALL}/rtmp_broadcasts"), one.clone()),
            (format!("{CALL}/rtmp_broadcasts/a/stop"), json!({})),
            (format!("{CALL}/rtmp_broadcasts/stop"), json!({})),
            (format!("{CALL}/start_broadcasting"), json!({})),
            (format!("{CALL}/stop_broadcasting"), json!({})),
            (format!("{CALL}/go_live"), json!({})),
            (format!("{CALL}/mark_ended"), json!({})),
            (CALL.to_owned(), json!({})),
        ] {
            assert_eq!(wrong(&caller.call("POST", &path, body), 403)["code"], 17, "{path}");
        }
        let seen = caller.get(CALL);
        assert!(
            !seen["call"]["ingress"]["rtmp"]["address"].as_str().unwrap().contains('?'),
            "no key"
        );
    }
    let server = stage.by(&json!({}));
    assert_eq!(
        server.call("POST", &format!("{CALL}/rtmp_broadcasts"), one).status,
        201,
        "a back end may all"
    );
    for header in [
        String::new(),
        format!("authorization: {}", signed(&json!({}))),
        format!("stream-auth-type: jwt\r\nauthorization: {}", signed(&json!({ "exp": 1 }))),
        "stream-auth-type: jwt\r\nauthorization: a.b.c".into(),
    ] {
        let nobody = Caller { header, ..stage.ann() };
        wrong(&nobody.call("GET", CALL, Value::Null), 401);
        wrong(
            &nobody.call("GET", &format!("{CALL}?api_key={}", signed(&json!({}))), Value::Null),
            401,
        );
    }
}
