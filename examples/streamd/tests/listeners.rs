//! Listeners over the native API, by the ids of the acceptance checks of RTMP servers.

mod support;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Folder, Server, clip};

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn body(name: &str, port: u16) -> Value {
    json!({ "name": name, "port": port, "bind": "127.0.0.1", "policy": "open" })
}

fn at(listener: &Value) -> String {
    format!("/v1/listeners/{}", listener["id"].as_str().unwrap())
}

/// Code and field of an error.
fn error(answer: (u16, Value)) -> (u16, String, String) {
    let (status, body) = answer;
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("field"))
}

fn wrong(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.into(), field.into())
}

/// Publishes a little, and sees that a player gets it.
fn plays(port: u16, name: &str) -> (Client, Client) {
    let mut publisher = Client::publish(address(port), name);
    assert_eq!((publisher.rejected.as_deref(), publisher.over), (None, false));
    publisher.send_all(&clip()[..80]);
    let mut player = Client::play(address(port), name);
    publisher.send_all(&clip()[80..160]);
    player.until(|it| !it.media().is_empty());
    (publisher, player)
}

#[test]
fn k02_k03_k08_k16_a_listener_publishes_and_plays_at_its_port() {
    let folder = Folder::new("k03");
    let server = Server::start(&folder, &[]);
    let port = free_port();
    let made = server.post("/v1/listeners", &body("one", port));
    assert_eq!(made["id"].as_str().unwrap().len(), 24);
    let shown = ["name", "port", "bind", "tls", "buffer_s", "active", "policy", "state", "error"];
    let expected = json!(["one", port, "127.0.0.1", false, 5, true, "open", "listening", null]);
    assert_eq!(shown.map(|it| made[it].clone()).to_vec(), *expected.as_array().unwrap());
    let clients = plays(port, "live/a");
    let seen = server.json(&at(&made));
    assert_eq!(seen["connections"], 2);
    // The same name elsewhere is another stream.
    let other = server.post("/v1/listeners", &body("two", free_port()));
    let other_port = u16::try_from(other["port"].as_u64().unwrap()).unwrap();
    assert_eq!(Client::publish(address(other_port), "live/a").rejected, None);
    let used = server.json(&format!("/v1/ports/{port}"));
    assert_eq!((&used["free"], &used["used_by"]["id"]), (&json!(false), &made["id"]));
    let all = server.json("/v1/ports");
    let ports: Vec<_> = all["ports"].as_array().unwrap().iter().map(|it| &it["port"]).collect();
    for port in [port, other_port, server.rtmp.port(), server.http.port()] {
        assert!(ports.contains(&&json!(port)), "{port} of {ports:?}");
    }
    let free = free_port();
    assert_eq!(
        server.json(&format!("/v1/ports/{free}")),
        json!({ "port": free, "free": true, "used_by": null })
    );
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let foreign = server.json(&format!("/v1/ports/{}", foreign.local_addr().unwrap().port()));
    assert_eq!((&foreign["free"], &foreign["used_by"]), (&json!(false), &Value::Null));
    drop(clients);
}

#[test]
fn k04_k05_k06_k07_what_is_wrong_is_named() {
    let folder = Folder::new("k07");
    let server = Server::start(&folder, &[]);
    let listener = server.post("/v1/listeners", &body("one", free_port()));
    let create = |body: &Value| error(server.call("POST", "/v1/listeners", body));
    assert_eq!(create(&body("one", free_port())), wrong(409, "taken", "name"));
    for port in
        [json!(0), json!(65_536), json!(-1), json!(1.5), json!("abc"), json!("1935"), Value::Null]
    {
        assert_eq!(
            create(&json!({ "name": "p", "port": port })),
            wrong(400, "invalid", "port"),
            "{port}"
        );
    }
    for port in [1, 65_535] {
        let idle = json!({ "name": format!("p{port}"), "port": port, "active": false });
        assert_eq!(server.post("/v1/listeners", &idle)["state"], "stopped");
    }
    for (field, value) in [
        ("policy", json!("sometimes")),
        ("buffer_s", json!(0)),
        ("bind", json!("localhost")),
        ("name", json!("")),
        ("colour", json!("red")),
        ("allow", json!({ "names": ["a"] })),
    ] {
        let mut body = body("x", free_port());
        body[field] = value;
        assert_eq!(create(&body), wrong(400, "invalid", field));
        let change = json!({ field: body[field] });
        assert_eq!(
            error(server.call("PATCH", &at(&listener), &change)),
            wrong(400, "invalid", field)
        );
    }
    for port in ["0", "65536", "-1", "1.5", "abc"] {
        let answer = server.call("GET", &format!("/v1/ports/{port}"), &Value::Null);
        assert_eq!(error(answer), wrong(400, "invalid", "port"), "{port}");
    }
    assert_eq!(server.json(&at(&listener)), listener, "nothing of it changed anything");
    assert_eq!(server.json("/v1/listeners")["listeners"].as_array().unwrap().len(), 4);
}

#[test]
fn k09_k10_k11_stopping_and_starting_take_a_second_at_most() {
    let folder = Folder::new("k09");
    let server = Server::start(&folder, &[]);
    let port = free_port();
    let listener = server.post("/v1/listeners", &body("one", port));
    let (mut publisher, mut player) = plays(port, "live/a");
    for _ in 0..2 {
        let begin = Instant::now();
        let stopped = server.post(&format!("{}/stop", at(&listener)), &Value::Null);
        assert_eq!((&stopped["state"], &stopped["active"]), (&json!("stopped"), &json!(false)));
        server.until("the port is free", |_| TcpListener::bind(address(port)).ok().map(drop));
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    }
    publisher.until(|it| it.over);
    player.until(|it| it.over);
    for _ in 0..2 {
        let begin = Instant::now();
        let started = server.post(&format!("{}/start", at(&listener)), &Value::Null);
        assert_eq!((&started["state"], &started["active"]), (&json!("listening"), &json!(true)));
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    }
    plays(port, "live/b");
    server.delete(&at(&listener));
    server.until("the port is free", |_| TcpListener::bind(address(port)).ok().map(drop));
    server.post("/v1/listeners", &body("one", port));
}

#[test]
fn k12_k19_an_update_drops_everybody_or_changes_nothing() {
    let folder = Folder::new("k12");
    let server = Server::start(&folder, &[]);
    let (port, other) = (free_port(), free_port());
    let listener = server.post("/v1/listeners", &body("one", port));
    let at = at(&listener);
    let (mut publisher, _) = plays(port, "live/a");
    // To a port that somebody else has.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let change = json!({ "port": taken.local_addr().unwrap().port() });
    assert_eq!(error(server.call("PATCH", &at, &change)), wrong(409, "port_in_use", "port"));
    let change = json!({ "port": server.rtmp.port() });
    assert_eq!(error(server.call("PATCH", &at, &change)), wrong(409, "port_in_use", "port"));
    let seen = server.json(&at);
    assert_eq!((&seen["port"], &seen["state"]), (&json!(port), &json!("listening")));
    publisher.send_all(&clip()[160..180]);
    publisher.step();
    assert!(!publisher.over, "the old one serves on");
    // To one that is free: everybody goes.
    let moved = server.patch(&at, &json!({ "port": other }));
    assert_eq!(
        (&moved["port"], &moved["state"], &moved["error"]),
        (&json!(other), &json!("listening"), &Value::Null)
    );
    assert!(moved["modified"].is_string());
    publisher.until(|it| it.over);
    server.until("the port is free", |_| TcpListener::bind(address(port)).ok().map(drop));
    let (mut publisher, _) = plays(other, "live/a");
    let longer = server.patch(&at, &json!({ "buffer_s": 7 }));
    assert_eq!((&longer["buffer_s"], &longer["state"]), (&json!(7), &json!("listening")));
    publisher.until(|it| it.over);
    plays(other, "live/c");
    // One that can't begin is not there.
    let answer =
        server.call("POST", "/v1/listeners", &body("three", taken.local_addr().unwrap().port()));
    assert_eq!(error(answer), wrong(409, "port_in_use", "port"));
    let names = server.json("/v1/listeners");
    assert!(names["listeners"].as_array().unwrap().iter().all(|it| it["name"] != "three"));
}

#[test]
fn g08_g22_a_keyed_listener_takes_keys_and_nothing_else() {
    let folder = Folder::new("keyed");
    let server = Server::start(&folder, &[]);
    let port = free_port();
    let listener = json!({ "name": "keyed", "port": port, "bind": "127.0.0.1" });
    assert_eq!(server.post("/v1/listeners", &listener)["policy"], "keyed");
    let input = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let input_at = format!("/v1/inputs/{}", input["id"].as_str().unwrap());
    let (key, play) = (&input["ingest"]["rtmp"]["key"], &input["playback"]["rtmp"]["key"]);
    let name = |key: &Value| format!("live/{}", key.as_str().unwrap());
    let refused = |path: &str| Client::publish(address(port), path).rejected;
    let bad = Some("NetStream.Publish.BadName".to_owned());
    assert_eq!(refused("live/anything"), bad);
    assert_eq!(refused(&name(play)), bad, "a play key never publishes");
    assert_eq!(server.json(&format!("{input_at}/sessions"))["sessions"], json!([]));
    let mut publisher = Client::publish(address(port), &name(key));
    publisher.send_all(&clip()[..80]);
    server
        .until("it is live", |it| (it.json(&input_at)["status"]["state"] == "live").then_some(()));
    let sessions = server.json(&format!("{input_at}/sessions"));
    let one = &sessions["sessions"][0];
    assert_eq!(
        (&one["role"], &one["slot"], &one["used"]),
        (&json!("publisher"), &json!("primary"), &json!(true))
    );
    let new = server.post(&format!("{input_at}/rotate-keys"), &Value::Null);
    assert!(new["keys_rotated_at"].is_string());
    publisher.until(|it| it.over);
    assert_eq!(refused(&name(key)), bad, "the old key");
    let mut publisher = Client::publish(address(port), &name(&new["ingest"]["rtmp"]["key"]));
    publisher.send_all(&clip()[..80]);
    server.until("it is back", |it| {
        (it.json(&input_at)["status"]["word"] == "reconnected").then_some(())
    });
    assert_eq!(
        server.post(&format!("{input_at}/disconnect"), &Value::Null),
        json!({ "closed": 1 })
    );
    publisher.until(|it| it.over);
    let timeline = server.json(&format!("{input_at}/timeline"));
    let events: Vec<_> = timeline["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    let expected = [
        "input.connected",
        "input.live",
        "input.keys_rotated",
        "input.suspended",
        "input.resumed",
        "input.suspended",
    ];
    let told: Vec<_> = events.into_iter().filter(|it| expected.contains(it)).collect();
    assert!(
        told.starts_with(&[
            "input.connected",
            "input.live",
            "input.keys_rotated",
            "input.suspended"
        ]),
        "{told:?}"
    );
    assert!(told.ends_with(&["input.resumed", "input.suspended"]), "{told:?}");
}

#[test]
fn k17_a_page_of_this_machine_may_ask_and_one_of_elsewhere_may_not() {
    let folder = Folder::new("k17");
    let server = Server::start(&folder, &[]);
    let ask = |origin: &str| {
        let headers = format!(
            "origin: {origin}\r\naccess-control-request-method: PATCH\r\naccess-control-request-headers: authorization,x-access-token,content-type\r\n"
        );
        server.send("OPTIONS", "/v1/inputs", &headers, b"")
    };
    let (status, head, _) = ask("http://localhost:3000");
    assert_eq!(status, 200, "{head}");
    for line in [
        "access-control-allow-origin: http://localhost:3000",
        "access-control-allow-headers: authorization,x-access-token,content-type",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert!(head.contains("PATCH"), "{head}");
    let (_, head, _) = ask("http://evil.example");
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    // What needs no leave of a browser is not done either.
    let headers = "origin: http://evil.example\r\ncontent-type: text/plain\r\n";
    let (status, _, body) = server.send("POST", "/v1/inputs", headers, br#"{"name":"x"}"#);
    assert_eq!(status, 403, "API-10: {}", String::from_utf8_lossy(&body));
    let socket = std::net::TcpStream::connect(server.http).unwrap();
    let mut both = (&socket, &socket);
    std::io::Write::write_all(
        &mut both.0,
        b"GET /v1/inputs HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n",
    )
    .unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut both.1, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "API-10: {answer}");
    assert_eq!(server.json("/v1/inputs"), json!({ "inputs": [] }));
}
