//! Outputs and pulls over the API of a real server, by the ids of the acceptance checks.

mod support;
#[path = "support/target.rs"]
mod target;

use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use levada_chunk::MessageType;
use levada_minimal::sink::{Manners, Seen};
use serde_json::{Value, json};
use support::{Client, Folder, Server};
use target::{Camera, Target, until};

/// An input, and a camera that publishes to it.
fn live(server: &Server) -> (String, Camera) {
    let input = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let at = format!("/v1/inputs/{}", input["id"].as_str().unwrap());
    let key = input["ingest"]["rtmp"]["key"].as_str().unwrap().to_owned();
    let mut camera = Camera::new(server, &format!("live/{key}"));
    camera.until("it is live", || server.json(&at)["status"]["state"] == "live");
    (at, camera)
}

fn output(server: &Server, input: &str, name: &str, target: &Target) -> String {
    let key = format!("canary-{name}");
    let url = format!("rtmp://{}/live", target.address);
    let body = json!({ "name": name, "url": url, "key": key });
    let made = server.post(&format!("{input}/outputs"), &body);
    format!("{input}/outputs/{}", made["id"].as_str().unwrap())
}

fn state(server: &Server, output: &str) -> String {
    server.json(output)["state"].as_str().unwrap().to_owned()
}

/// Names of events as they come, with the names of the outputs that they are about.
fn events(server: &Server) -> Arc<Mutex<Vec<(String, String)>>> {
    let lines = server.events();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = seen.clone();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            assert!(!line.contains("canary"), "{line}");
            let Some(event) = line.strip_prefix("data:") else { continue };
            let event: Value = serde_json::from_str(event.trim()).unwrap();
            let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
            to.lock().unwrap().push((text(&event["type"]), text(&event["data"]["name"])));
        }
    });
    seen
}

fn unpublished(target: &Target) -> usize {
    target.count(|it| matches!(it, Seen::Unpublished))
}

#[test]
fn s04_s05_s06_s07_s08_s09_s10_outputs_start_and_stop_one_by_one_and_all_at_once() {
    let folder = Folder::new("s04");
    let server = Server::start(&folder, &["--private-targets"]);
    let events = events(&server);
    let (input, mut camera) = live(&server);
    let targets = [Target::good(), Target::good(), Target::good()];
    let bad = Target::new(Manners { reject: true, ..Manners::default() });
    let names = ["one", "two", "three"];
    let outputs: Vec<_> =
        names.iter().zip(&targets).map(|(name, it)| output(&server, &input, name, it)).collect();
    let refused = output(&server, &input, "bad", &bad);
    camera.until("all are live", || outputs.iter().all(|it| state(&server, it) == "live"));
    camera.until("media", || targets.iter().all(|it| it.media().len() > 50));
    // A name that is taken starts nothing.
    let body = json!({ "name": "one", "url": bad.url("k") });
    let (status, error) = server.call("POST", &format!("{input}/outputs"), &body);
    assert_eq!((status, &error["error"]["field"]), (409, &json!("name")));

    let mut one = Value::Null;
    camera.until("bytes are counted", || {
        one = server.json(&outputs[0]);
        one["bytes_sent"].as_u64().is_some_and(|it| it > 10_000)
    });
    assert_eq!((&one["state"], &one["last_error"]), (&json!("live"), &Value::Null));
    assert_eq!((one["connects"].as_u64(), one["retries"].as_u64()), (Some(1), Some(0)));
    assert!(one["started_at"].is_string() && one["bitrate_bps"].as_u64().is_some());
    camera.until("the round trip is known", || server.json(&outputs[0])["rtt_ms"].is_u64());
    let list = server.text(&format!("{input}/outputs"));
    assert!(list.contains("\"one\"") && !list.contains("canary"));

    camera.until("given up", || state(&server, &refused) == "failed");
    let error = server.json(&refused)["last_error"].clone();
    assert_eq!(error["code"], "publish_rejected");
    assert_eq!(error["remote"], "NetStream.Publish.BadName: this name is in use");

    let stop = format!("{input}/outputs/stop");
    let begin = Instant::now();
    server.post(&stop, &json!({ "name": "two" }));
    camera.until("one ends", || unpublished(&targets[1]) == 1);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(server.call("POST", &stop, &json!({ "name": "nobody" })).0, 404);
    let before = targets[0].media().len();
    camera.until("the others go on", || targets[0].media().len() > before + 20);
    server.post(&stop, &json!({}));
    camera.until("all end", || targets.iter().all(|it| unpublished(it) == 1));
    assert!(outputs.iter().all(|it| state(&server, it) == "stopped"));

    let count = |kind: &str, name: &str| {
        let events = events.lock().unwrap();
        events.iter().filter(|(it, of)| it == kind && of == name).count()
    };
    camera.until("the last event came", || count("output.stopped", "three") == 1);
    for name in names {
        assert_eq!((count("output.started", name), count("output.stopped", name)), (1, 1));
    }
    assert_eq!(
        ["started", "failed", "retrying"].map(|it| count(&format!("output.{it}"), "bad")),
        [0, 1, 2]
    );
    assert!(!server.said().contains("canary"));
}

#[test]
fn c18_outputs_come_and_go_while_it_is_live() {
    let folder = Folder::new("c18");
    let server = Server::start(&folder, &["--private-targets"]);
    let (input, mut camera) = live(&server);
    let target = Target::good();
    let at = output(&server, &input, "it", &target);
    for round in 1..=3 {
        let media = || target.media_of(u64::try_from(round).ok());
        camera.until("it flows", || media().len() > 30);
        let media = media();
        let pictures = media.iter().filter(|(_, it)| it.kind == MessageType::VIDEO);
        let first = pictures.map(|(_, it)| it).find(|it| it.payload[1] != 0);
        assert_eq!(first.unwrap().payload[0], 0x17, "the first frame is a keyframe");
        server.patch(&at, &json!({ "enabled": false }));
        camera.until("it ends", || target.count(|it| matches!(it, Seen::Closed)) == round);
        assert_eq!((unpublished(&target), state(&server, &at).as_str()), (round, "disabled"));
        server.patch(&at, &json!({ "enabled": true }));
        camera.until("it begins again", || target.connections() == round + 1);
    }
    camera.until("it is live", || state(&server, &at) == "live");
    server.delete(&at);
    camera.until("it ends", || target.count(|it| matches!(it, Seen::Closed)) == 4);
    assert_eq!(server.call("GET", &at, &Value::Null).0, 404);
    let outputs = format!("{input}/outputs");
    let body =
        |name: u32| json!({ "name": format!("n{name}"), "url": target.url("k"), "enabled": false });
    for number in 0..50 {
        server.post(&outputs, &body(number));
    }
    let (status, error) = server.call("POST", &outputs, &body(50));
    assert!((400..500).contains(&status), "{status} {error}");
    assert_eq!(error["error"]["code"], "limit");
}

#[test]
fn private_addresses_are_not_called_whatever_they_are_called() {
    let folder = Folder::new("forbidden");
    let server = Server::start(&folder, &[]);
    let (input, mut camera) = live(&server);
    let target = Target::good();
    let port = target.address.port();
    let body = |host: &str| json!({ "name": host, "url": format!("rtmp://{host}:{port}/live"), "key": "k" });
    for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.1"] {
        let (status, error) = server.call("POST", &format!("{input}/outputs"), &body(host));
        assert_eq!(
            (status / 100, &error["error"]["code"]),
            (4, &json!("target_forbidden")),
            "{host}"
        );
    }
    // This looks like a name, and means loopback to the system.
    let made = server.post(&format!("{input}/outputs"), &body("127.1"));
    let at = format!("{input}/outputs/{}", made["id"].as_str().unwrap());
    camera.until("it failed", || state(&server, &at) == "failed");
    assert_eq!(server.json(&at)["last_error"]["code"], "target_forbidden");
    let pull = json!({ "name": "p", "mode": "pull", "pull": { "urls": [format!("rtmp://127.1:{port}/live/k")] } });
    let made = server.post("/v1/inputs", &pull);
    let at = format!("/v1/inputs/{}", made["id"].as_str().unwrap());
    camera.until("it failed, too", || {
        server.json(&at)["pull"]["last_error"]["code"] == "target_forbidden"
    });
    assert_eq!(target.connections(), 0);
}

#[test]
fn g10_g11_an_input_that_pulls() {
    let (folder, other_folder) = (Folder::new("g10-api"), Folder::new("g10-api-source"));
    let source = Server::start(&other_folder, &[]);
    let mut camera = Camera::new(&source, "live/a");
    camera.until("it is live", || {
        source.json("/v1/streams")["streams"][0]["frames"].as_u64().is_some_and(|it| it > 10)
    });
    let server = Server::start(&folder, &["--private-targets"]);
    let url = format!("rtmp://{}/live/a", source.rtmp);
    let body = json!({ "name": "p", "mode": "pull", "pull": { "urls": [url] } });
    let input = server.post("/v1/inputs", &body);
    let at = format!("/v1/inputs/{}", input["id"].as_str().unwrap());
    let begin = Instant::now();
    camera.until("it is live here", || server.json(&at)["status"]["state"] == "live");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(server.json(&at)["pull"]["state"], "receiving");
    // It feeds outputs like any other input.
    let target = Target::good();
    output(&server, &at, "on", &target);
    camera.until("it goes on", || target.media().len() > 50);
    let key = input["ingest"]["rtmp"]["key"].as_str().unwrap();
    let refused = Client::publish(server.rtmp, &format!("live/{key}")).rejected;
    assert_eq!(refused.as_deref(), Some("NetStream.Publish.BadName"));
    // Off: the source is left, and the output ends.
    server.patch(&at, &json!({ "enabled": false }));
    camera.until("the output ends", || unpublished(&target) == 1);
    until("nobody plays the source", || {
        source.json("/v1/streams")["streams"][0]["players"].as_u64() == Some(0)
    });
}
