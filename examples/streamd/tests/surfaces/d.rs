//! RTMP servers.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::{self, ANN, BOB, Caller, Surface, free_port, request};
use crate::support::{Client, clip};

struct D;

impl Surface for D {
    const PREFIX: &'static str = "/api";

    fn header() -> String {
        format!("x-access-token: {ANN}")
    }
}

type Stage = caller::Stage<D>;

fn wanted(name: &str, port: u16) -> Value {
    json!({ "server_name": name, "server_type": "SERVER_TYPE_RTMP", "server_port": port })
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Whether a port can be had within a second.
fn is_free_soon(port: u16) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        if TcpListener::bind(at(port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Publishes the beginning of the clip, and plays it there.
fn plays(port: u16, name: &str) -> (Client, Client) {
    let clip = clip();
    let mut publisher = Client::publish(at(port), &format!("live/{name}"));
    publisher.send_all(&clip[..60]);
    let mut player = Client::play(at(port), &format!("live/{name}"));
    player.until(|it| it.media().len() > 20);
    (publisher, player)
}

#[test]
fn k01_every_call_needs_a_token_and_its_scope() {
    let stage = Stage::new("k01");
    let port = free_port();
    let body = wanted("one", port);
    let nobody = Caller { header: String::new(), ..stage.ann() };
    let wrong = Caller { header: "x-access-token: canary-token-of-anna".into(), ..stage.ann() };
    let bob = Caller { header: format!("x-access-token: {BOB}"), ..stage.ann() };
    for (method, path) in [
        ("POST", "/rtmp-servers/create"),
        ("POST", "/rtmp-servers/update"),
        ("POST", "/rtmp-servers/start"),
        ("POST", "/rtmp-servers/stop"),
        ("DELETE", "/rtmp-servers/remove"),
        ("POST", "/rtmp-servers/getAll"),
        ("GET", "/rtmp-servers/getAll"),
        ("POST", "/rtmp-servers/getById"),
        ("POST", "/rtmp-servers/getCount"),
        ("GET", "/ports/getAll"),
    ] {
        let refused = nobody.call(method, path, body.clone()).json(401);
        assert_eq!(
            (&refused["success"], &refused["error"]["code"]),
            (&json!(false), &json!("unauthorized"))
        );
        assert_eq!(wrong.call(method, path, body.clone()).json(401), refused, "the same words");
        let bob = bob.call(method, path, body.clone());
        assert_eq!(bob.status == 403, !path.contains("get"), "{path}: {}", bob.text);
    }
    assert_eq!(
        stage.ann().get("/rtmp-servers/getCount"),
        json!({ "count": 0 }),
        "nothing was made"
    );
    assert!(!stage.server.said().contains("canary-token"));
}

#[test]
fn k02_k04_k05_k07_what_is_created_and_what_is_not() {
    let stage = Stage::new("k02");
    let ann = stage.ann();
    let (port, second) = (free_port(), free_port());
    let made = ann.post("/rtmp-servers/create", wanted("one", port));
    let id = made["id"].as_str().unwrap();
    assert!(
        id.len() == 24 && id.bytes().all(|it| it.is_ascii_hexdigit() && !it.is_ascii_uppercase())
    );
    let created = made["server_created"].as_str().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
    let expected = json!({
        "id": id, "server_name": "one", "server_type": "SERVER_TYPE_RTMP", "server_buflen": "5",
        "server_port": port.to_string(), "server_active": true, "server_user_id": "ann",
        "server_created": created,
    });
    assert_eq!(made, expected);

    let text = json!({
        "server_name": "two", "server_type": "SERVER_TYPE_RTMP", "server_port": second.to_string(),
        "server_buflen": "7", "server_active": false, "unknown": {},
    });
    let made = ann.post("/rtmp-servers/create", text);
    assert_eq!((&made["server_buflen"], &made["server_active"]), (&json!("7"), &json!(false)));
    assert_eq!(made["server_port"], second.to_string());
    assert!(is_free_soon(second), "it is not active");

    let refused = |body: Value, status: u16, field: &str| {
        let why = ann.call("POST", "/rtmp-servers/create", body).json(status);
        assert_eq!((&why["success"], &why["error"]["field"]), (&json!(false), &json!(field)));
        assert!(why["error"]["message"].is_string() && why["error"]["code"].is_string());
    };
    refused(wanted("one", free_port()), 409, "server_name");
    refused(wanted("three", port), 409, "server_port");
    let elsewhere = TcpListener::bind(at(0)).unwrap();
    refused(wanted("three", elsewhere.local_addr().unwrap().port()), 409, "server_port");
    for bad in [json!(0), json!(65536), json!(-1), json!(1.5), json!("abc"), json!(""), json!([])] {
        let mut body = wanted("three", 1);
        body["server_port"] = bad;
        refused(body, 400, "server_port");
    }
    for (field, bad) in [
        ("server_type", json!("SERVER_TYPE_SRT")),
        ("server_name", json!("")),
        ("server_name", json!(7)),
        ("server_buflen", json!(0)),
        ("server_buflen", json!("a")),
        ("server_active", json!("yes")),
    ] {
        let mut body = wanted("three", free_port());
        body[field] = bad;
        refused(body, 400, field);
    }
    for field in ["server_name", "server_type", "server_port"] {
        let mut body = wanted("three", free_port());
        body.as_object_mut().unwrap().remove(field);
        refused(body, 400, field);
    }
    assert_eq!(
        ann.get("/rtmp-servers/getCount"),
        json!({ "count": 2 }),
        "what failed left nothing"
    );
    assert_eq!(ann.send("POST", "/rtmp-servers/create", "{").status, 400);
}

#[test]
fn k03_k16_anybody_publishes_and_plays_and_names_are_of_one_server() {
    let stage = Stage::new("k03");
    let (one, two) = (free_port(), free_port());
    stage.ann().post("/rtmp-servers/create", wanted("one", one));
    stage.ann().post("/rtmp-servers/create", wanted("two", two));
    let (mut publisher, _player) = plays(one, "x");
    let refused = Client::play(at(two), "live/x");
    assert!(refused.rejected.unwrap().contains("StreamNotFound"), "nobody publishes it there");
    let _others = plays(two, "x");
    publisher.step();
    assert!(!publisher.over, "the second of that name is another stream");
}

#[test]
fn k06_a_player_is_behind_by_no_more_than_the_buffer() {
    let stage = Stage::new("k06");
    let port = free_port();
    let mut body = wanted("one", port);
    body["server_buflen"] = "1".into();
    stage.ann().post("/rtmp-servers/create", body);
    let (mut publisher, mut player) = plays(port, "x");
    // Twenty seconds of large pictures while nobody reads, a keyframe each second.
    let picture =
        |key: u8| bytes::Bytes::from([&[key, 1, 0, 0, 0], vec![0; 60_000].as_slice()].concat());
    let (key, other) = (picture(0x17), picture(0x27));
    let mut tag = clip().into_iter().find(|it| it.kind == levada_flv::TagKind::Video).unwrap();
    for number in 0..500_u32 {
        tag.body = if number % 25 == 0 { key.clone() } else { other.clone() };
        publisher.send(&tag, 10_000 + number * 40);
        if number % 25 == 24 {
            publisher.send_all(&[]);
        }
    }
    player.until(|it| it.media().last().is_some_and(|it| it.1 >= 10_000 + 499 * 40));
    let pictures: Vec<_> = player.media().into_iter().filter(|it| it.2.len() == 60_005).collect();
    let jumps: Vec<_> =
        pictures.windows(2).filter(|it| it[1].1 > it[0].1 + 40).map(|it| it[1].2[0]).collect();
    assert!(!jumps.is_empty(), "{} of 500 pictures came", pictures.len());
    assert!(jumps.iter().all(|it| *it == 0x17), "it goes on with keyframes: {jumps:02x?}");
}

#[test]
fn k08_ports_in_use_and_their_owners() {
    let stage = Stage::new("k08");
    let port = free_port();
    let made = stage.ann().post("/rtmp-servers/create", wanted("one", port));
    let find = |port: u16| {
        let all = stage.ann().get("/ports/getAll");
        all.as_array().unwrap().iter().find(|it| it["port"] == port).cloned()
    };
    let expected = json!({ "port": port, "protocol": "tcp", "module": "rtmp-servers", "id": made["id"], "name": "one" });
    assert_eq!(find(port), Some(expected));
    assert_eq!(find(stage.server.rtmp.port()).unwrap()["name"], "rtmp", "our own, too");
    stage.ann().post("/rtmp-servers/stop", json!({ "id": made["id"] }));
    assert_eq!(find(port), None);
}

#[test]
fn k09_k10_k11_stop_frees_the_port_and_start_takes_it_again() {
    let stage = Stage::new("k09");
    let ann = stage.ann();
    let port = free_port();
    let id = json!({ "id": ann.post("/rtmp-servers/create", wanted("one", port))["id"] });
    let (mut publisher, mut player) = plays(port, "x");
    let success = json!({ "success": true });
    assert_eq!(ann.post("/rtmp-servers/stop", id.clone()), success);
    publisher.until(|it| it.over);
    player.until(|it| it.over);
    assert!(is_free_soon(port));
    assert_eq!(ann.post("/rtmp-servers/stop", id.clone()), success, "again is fine");
    assert_eq!(ann.post("/rtmp-servers/getById", id.clone())["server_active"], false);

    assert_eq!(ann.post("/rtmp-servers/start", id.clone()), success);
    plays(port, "x");
    assert_eq!(ann.post("/rtmp-servers/start", id.clone()), success, "again is fine");
    assert_eq!(ann.post("/rtmp-servers/getById", id.clone())["server_active"], true);

    ann.post("/rtmp-servers/stop", id.clone());
    assert!(is_free_soon(port));
    let taken = TcpListener::bind(at(port)).unwrap();
    let why = ann.call("POST", "/rtmp-servers/start", id.clone()).json(409);
    assert_eq!(
        (&why["error"]["code"], &why["error"]["field"]),
        (&json!("port_in_use"), &json!("server_port"))
    );
    drop(taken);
    assert_eq!(ann.post("/rtmp-servers/start", id), success);
    plays(port, "x");
}

#[test]
fn k12_k19_an_update_restarts_and_a_taken_port_changes_nothing() {
    let stage = Stage::new("k12");
    let ann = stage.ann();
    let (port, other) = (free_port(), free_port());
    let made = ann.post("/rtmp-servers/create", wanted("one", port));
    let id = &made["id"];
    let (mut publisher, _player) = plays(port, "x");
    let changed = ann.post(
        "/rtmp-servers/update",
        json!({ "id": id, "server_name": "new", "server_buflen": 9 }),
    );
    publisher.until(|it| it.over);
    assert_eq!((&changed["server_name"], &changed["server_buflen"]), (&json!("new"), &json!("9")));
    assert_eq!(changed["server_created"], made["server_created"]);
    assert!(changed["server_modified"].as_str() >= made["server_created"].as_str());
    let (mut publisher, _player) = plays(port, "x");
    let moved = ann.post("/rtmp-servers/update", json!({ "id": id, "server_port": other }));
    publisher.until(|it| it.over);
    assert_eq!(moved["server_port"], other.to_string());
    assert!(is_free_soon(port));
    let (mut publisher, _player) = plays(other, "x");

    let taken = TcpListener::bind(at(0)).unwrap();
    let body = json!({ "id": id, "server_port": taken.local_addr().unwrap().port() });
    let why = ann.call("POST", "/rtmp-servers/update", body).json(409);
    assert_eq!(why["error"]["code"], "port_in_use");
    publisher.step();
    assert!(!publisher.over, "it goes on");
    assert_eq!(
        ann.post("/rtmp-servers/getById", json!({ "id": id }))["server_port"],
        other.to_string()
    );
}

#[test]
fn k13_k14_k15_lists_one_and_removal_with_a_body() {
    let stage = Stage::new("k13");
    let ann = stage.ann();
    assert_eq!(ann.get("/rtmp-servers/getAll"), json!([]), "our own listener is none of them");
    let made: Vec<Value> =
        ["one", "two"].map(|it| ann.post("/rtmp-servers/create", wanted(it, free_port()))).into();
    let all = ann.post("/rtmp-servers/getAll", json!({}));
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2);
    for one in all {
        let mut with = made.iter().find(|it| it["id"] == one["id"]).unwrap().clone();
        with.as_object_mut().unwrap().remove("server_user_id");
        assert_eq!(*one, with);
    }
    assert_eq!(ann.post("/rtmp-servers/getById", json!({ "id": made[0]["id"] })), made[0]);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "id": 7 }), 400),
        (json!({ "id": "0".repeat(24) }), 404),
        (json!({ "id": "../x" }), 404),
    ] {
        for (method, path) in
            [("POST", "getById"), ("POST", "update"), ("POST", "stop"), ("DELETE", "remove")]
        {
            let why = ann.call(method, &format!("/rtmp-servers/{path}"), body.clone()).json(status);
            assert_eq!(why["success"], false);
        }
    }
    let port: u16 = made[0]["server_port"].as_str().unwrap().parse().unwrap();
    let (mut publisher, _player) = plays(port, "x");
    let id = json!({ "id": made[0]["id"] });
    assert_eq!(
        ann.call("DELETE", "/rtmp-servers/remove", id.clone()).json(200),
        json!({ "success": true })
    );
    publisher.until(|it| it.over);
    assert!(is_free_soon(port));
    assert_eq!(ann.call("DELETE", "/rtmp-servers/remove", id).status, 404);
    assert_eq!(ann.post("/rtmp-servers/getCount", json!({})), json!({ "count": 1 }));
    ann.post("/rtmp-servers/create", wanted("one", port));
}

#[test]
fn k17_browsers_may_call() {
    let stage = Stage::new("k17");
    let ask = "origin: https://app.example\r\naccess-control-request-method: DELETE\r\naccess-control-request-headers: x-access-token, content-type";
    let preflight = request(stage.server.http, "OPTIONS", "/api/rtmp-servers/remove", ask, "");
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("DELETE"));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("x-access-token"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    let header = format!("origin: https://app.example\r\nx-access-token: {ANN}");
    let answer = request(stage.server.http, "GET", "/api/rtmp-servers/getAll", &header, "");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
}
