//! The native API of a real server, by the ids of the acceptance checks and of the catalogue of hostile inputs.

mod support;

use serde_json::{Value, json};
use support::{Client, Folder, Server, clip};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Where an input is.
fn at(input: &Value) -> String {
    format!("/v1/inputs/{}", text(&input["id"]))
}

fn state(server: &Server, input: &Value) -> String {
    text(&server.json(&at(input))["status"]["state"]).to_owned()
}

/// Publishes with an input's key, and sees that it is live.
fn go_live(server: &Server, input: &Value) -> Client {
    let key = text(&input["ingest"]["rtmp"]["key"]);
    let mut publisher = Client::publish(server.rtmp, &format!("live/{key}"));
    assert_eq!(publisher.rejected, None);
    publisher.send_all(&clip()[..80]);
    server.until("it is live", |it| (state(it, input) == "live").then_some(()));
    publisher
}

#[test]
fn g22_c24_c26_an_input_from_its_making_to_its_end() {
    let folder = Folder::new("life");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let at = at(&input);
    assert_eq!(text(&input["id"]).len(), 32);
    let key = text(&input["ingest"]["rtmp"]["key"]).to_owned();
    let publisher = go_live(&server, &input);
    let seen = server.json(&at);
    assert_eq!(
        (&seen["status"]["word"], &seen["status"]["slot"]),
        (&json!("connected"), &json!("primary"))
    );
    // Other keys: who came with the old one goes, and does not come back.
    let rotated = server.post(&format!("{at}/rotate-keys"), &Value::Null);
    let new = text(&rotated["ingest"]["rtmp"]["key"]).to_owned();
    assert_ne!(new, key);
    let mut publisher = publisher;
    publisher.until(|it| it.over);
    let refused = Client::publish(server.rtmp, &format!("live/{key}"));
    // The main listener is open here: an old key is a name like any other there, and no way into the input.
    drop(refused);
    assert_eq!(state(&server, &input), "suspended");
    let mut publisher = go_live(&server, &rotated);
    assert_eq!(server.json(&at)["status"]["word"], "reconnected");
    // Off: at once, and the key opens nothing.
    let off = server.patch(&at, &json!({ "enabled": false }));
    assert_eq!((&off["enabled"], &off["status"]["state"]), (&json!(false), &json!("disabled")));
    publisher.until(|it| it.over);
    let refused = Client::publish(server.rtmp, &format!("live/{new}"));
    assert_eq!(refused.rejected.as_deref(), Some("NetStream.Publish.BadName"));
    server.patch(&at, &json!({ "enabled": true }));
    go_live(&server, &rotated);
    server.delete(&at);
    assert_eq!(server.call("GET", &at, &Value::Null).0, 404);
}

/// Whether a value is what a schema asks for: as much of JSON Schema as the description uses.
fn check(schema: &Value, value: &Value, at: &str) {
    if let Some(any) = schema["anyOf"].as_array() {
        return if value.is_null() {
            assert_eq!(any[1]["type"], "null", "{at}")
        } else {
            check(&any[0], value, at)
        };
    }
    match schema["type"].as_str() {
        Some("object") => {
            let object = value.as_object().unwrap_or_else(|| panic!("{at}: {value}"));
            let Some(fields) = schema["properties"].as_object() else { return };
            for name in schema["required"].as_array().unwrap() {
                assert!(object.contains_key(text(name)), "{at}.{name} is missing");
            }
            for (name, value) in object {
                let field =
                    fields.get(name).unwrap_or_else(|| panic!("{at}.{name} is undescribed"));
                check(field, value, &format!("{at}.{name}"));
            }
        }
        Some("array") => {
            for item in value.as_array().unwrap_or_else(|| panic!("{at}: {value}")) {
                check(&schema["items"], item, &format!("{at}[]"));
            }
        }
        Some("string") => {
            let it = value.as_str().unwrap_or_else(|| panic!("{at}: {value}"));
            let words = schema["enum"].as_array();
            assert!(words.is_none_or(|words| words.contains(value)), "{at}: {it}");
        }
        Some("integer") => assert!(value.is_u64() || value.is_i64(), "{at}: {value}"),
        Some("number") => assert!(value.is_number(), "{at}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{at}: {value}"),
        other => panic!("{at}: {other:?}"),
    }
}

/// Checks a good answer against the description.
fn check_answer(document: &Value, method: &str, path: &str, answer: &Value) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let responses = operation["responses"].as_object().unwrap();
    let good = responses.iter().find(|it| it.0.starts_with('2')).expect("a good answer").1;
    check(&good["content"]["application/json"]["schema"], answer, path);
}

#[test]
fn every_answer_is_as_it_is_described() {
    let folder = Folder::new("described");
    let server = Server::start(&folder, &["--private-targets"]);
    let document = server.json("/v1/openapi.json");
    let rotating = json!({ "name": "cam", "meta": { "a": [1, "ä"] }, "recording": { "mode": "automatic" },
        "dvr": { "enabled": true }, "region": "eu" });
    let input = server.post("/v1/inputs", &rotating);
    check_answer(&document, "post", "/v1/inputs", &input);
    let pulled = server.post(
        "/v1/inputs",
        &json!({ "name": "p", "pull": { "urls": ["rtmp://127.0.0.1:9/a/b"] } }),
    );
    check_answer(&document, "post", "/v1/inputs", &pulled);
    let at = at(&input);
    let body = json!({ "name": "out", "url": "rtmp://127.0.0.1:9/app", "key": "canary-output-key", "quality": "720p" });
    let output = server.post(&format!("{at}/outputs"), &body);
    check_answer(&document, "post", "/v1/inputs/{input}/outputs", &output);
    let hook =
        server.post("/v1/hooks", &json!({ "url": "http://127.0.0.1:9/", "format": "native" }));
    check_answer(&document, "post", "/v1/hooks", &hook);
    let show = server.post(
        "/v1/shows",
        &json!({ "name": "s", "inputs": [input["id"]], "messages": { "paused": "tea" } }),
    );
    check_answer(&document, "post", "/v1/shows", &show);
    let listener = server.post(
        "/v1/listeners",
        &json!({ "name": "l", "port": 1, "active": false, "bind": "127.0.0.1" }),
    );
    check_answer(&document, "post", "/v1/listeners", &listener);
    let publisher = go_live(&server, &input);
    server.until("it has tried", |it| {
        (it.json(&format!("{at}/outputs"))["outputs"][0]["last_error"] != Value::Null).then_some(())
    });
    let recordings = server.until("a recording", |it| {
        let all = it.json("/v1/recordings");
        (!all["recordings"].as_array().unwrap().is_empty()).then_some(all)
    });
    let show_at = format!("/v1/shows/{}", text(&show["id"]));
    assert_eq!(
        server.call("GET", &format!("{show_at}/playback"), &Value::Null),
        (404, json!({ "status": "pending", "message": "The broadcast has not begun yet" }))
    );
    server.patch(&show_at, &json!({ "status": "live" }));
    let recording = text(&recordings["recordings"][0]["id"]);
    let words = [
        ("{input}", text(&input["id"])),
        ("{output}", text(&output["id"])),
        ("{hook}", text(&hook["id"])),
        ("{show}", text(&show["id"])),
        ("{listener}", text(&listener["id"])),
        ("{recording}", recording),
        ("{port}", "1"),
    ];
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let kinds = &operations["get"]["responses"]["200"]["content"];
        if kinds["application/json"]["schema"].is_null() || path.contains("{clip}") {
            continue;
        }
        let real = words.iter().fold(path.clone(), |path, (name, id)| path.replace(name, id));
        check_answer(&document, "get", path, &server.json(&real));
        asked += 1;
    }
    assert!(asked >= 20, "{asked}");
    drop(publisher);
    // C18 and LOG-02: what was given as a key is nowhere to be seen.
    let lists = [
        "/v1/inputs",
        "/v1/hooks",
        &format!("{at}/outputs"),
        &format!("{at}/timeline"),
        "/metrics",
        "/v1/streams",
    ];
    for path in lists {
        let shown = server.text(path);
        for key in [
            &input["ingest"]["rtmp"]["key"],
            &input["playback"]["rtmp"]["key"],
            &hook["secret"],
            &output["key"],
        ] {
            assert!(!shown.contains(text(key)), "API-12: {path}");
        }
    }
    assert!(!server.said().contains("canary-output-key"), "S20");
}

/// A server with tokens of several scopes.
fn with_tokens(folder: &Folder) -> Server {
    let file = folder.0.join("tokens.toml");
    let rows: String = [
        ("all", ""),
        ("read", r#""read""#),
        ("manage", r#""read", "manage""#),
        ("start", r#""read", "start-output""#),
        ("stop", r#""read", "stop-output""#),
    ]
    .iter()
    .map(|(name, scopes)| {
        let scopes =
            if scopes.is_empty() { String::new() } else { format!("scopes = [{scopes}]\n") };
        format!("[[token]]\ntoken = \"canary-token-{name}\"\nuser = \"{name}\"\n{scopes}")
    })
    .collect();
    std::fs::write(&file, rows).unwrap();
    Server::start(folder, &["--tokens", file.to_str().unwrap()])
}

fn token(name: &str) -> String {
    format!("authorization: Bearer canary-token-{name}\r\n")
}

#[test]
fn api_01_04_without_a_token_every_route_says_the_same() {
    let folder = Folder::new("tokens");
    let server = with_tokens(&folder);
    let document = server.json("/v1/openapi.json");
    let expected = server.send("GET", "/v1/inputs", "", b"").2;
    assert!(String::from_utf8_lossy(&expected).contains("unauthorized"));
    let mut paths: Vec<String> = vec![
        "/v1".into(),
        "/v1/".into(),
        "/v1/nothing".into(),
        "/v1/inputs/".into(),
        "/v1/Inputs".into(),
    ];
    for path in document["paths"].as_object().unwrap().keys() {
        let public = ["/playback", "/openapi.json"].iter().any(|it| path.ends_with(it));
        if !public && !path.starts_with("/v1/shows/{show}/events") {
            paths.push(path.replace(['{', '}'], ""));
        }
    }
    for path in &paths {
        for method in ["GET", "POST", "PATCH", "DELETE", "PUT", "TRACE"] {
            for headers in [
                "",
                "authorization: Bearer \r\n",
                "authorization: Bearer canary-token-al\r\n",
                "x-access-token: canary-token-alm\r\n",
            ] {
                let (status, _, body) = server.send(method, path, headers, b"");
                assert_eq!((status, &body), (401, &expected), "{method} {path} {headers}");
            }
        }
        let (status, _, body) = server.send("HEAD", path, "", b"");
        assert_eq!((status, body.len()), (401, 0), "{path}");
        let with_query = format!("{path}?token=canary-token-all");
        let (status, ..) = if path.ends_with("/events") {
            (401, 0, 0)
        } else {
            let it = server.send("GET", &with_query, "", b"");
            (it.0, 0, 0)
        };
        assert_eq!(status, 401, "a token in a query: {path}");
    }
    // But for event streams of browsers.
    assert_eq!(server.send("GET", "/v1/events?token=canary-token-none", "", b"").0, 401);
    let begin = server.beginning("/v1/events?token=canary-token-all", 0);
    assert!(begin.is_empty());
    assert!(!server.said().contains("canary-token"), "LOG-02");
}

#[test]
fn s14_scopes_are_checked_and_keys_are_revealed_to_those_who_may() {
    let folder = Folder::new("scopes");
    let server = with_tokens(&folder);
    let call = |name: &str, method: &str, path: &str, body: Value| {
        server.call_as(&token(name), method, path, &body)
    };
    let body = json!({ "name": "cam" });
    let (status, why) = call("read", "POST", "/v1/inputs", body.clone());
    assert_eq!((status, text(&why["error"]["code"])), (403, "forbidden"));
    let (status, input) = call("manage", "POST", "/v1/inputs", body);
    assert_eq!(status, 201);
    let at = at(&input);
    let key = &input["ingest"]["rtmp"]["key"];
    assert!(key.is_string(), "shown once");
    let (_, seen) = call("manage", "GET", &at, Value::Null);
    assert_eq!(seen["ingest"]["rtmp"]["key"], Value::Null);
    let hint = text(&seen["ingest"]["rtmp"]["key_hint"]);
    assert!(text(key).ends_with(hint.trim_start_matches('…')) && hint.chars().count() == 5);
    assert_eq!(seen["ingest"]["primary_url"], Value::Null);
    let (_, seen) = call("all", "GET", &at, Value::Null);
    assert_eq!(&seen["ingest"]["rtmp"]["key"], key, "reveal-keys");
    let outputs = format!("{at}/outputs");
    let body = json!({ "name": "a", "url": "rtmp://target.example/app/key-of-the-target" });
    assert_eq!(call("manage", "POST", &outputs, body.clone()).0, 403);
    assert_eq!(call("stop", "POST", &outputs, body.clone()).0, 403);
    let (status, output) = call("start", "POST", &outputs, body);
    assert_eq!(
        (status, text(&output["url"]), text(&output["key"])),
        (201, "rtmp://target.example/app", "key-of-the-target")
    );
    let one = format!("{outputs}/{}", text(&output["id"]));
    assert_eq!(call("start", "PATCH", &one, json!({ "enabled": false })).0, 403);
    assert_eq!(call("stop", "PATCH", &one, json!({ "enabled": false })).0, 200);
    assert_eq!(call("stop", "PATCH", &one, json!({ "enabled": true })).0, 403);
    assert_eq!(call("start", "PATCH", &one, json!({ "name": "b" })).0, 403);
    assert_eq!(call("manage", "PATCH", &one, json!({ "name": "b", "max_delay_ms": 200 })).0, 200);
    assert_eq!(call("start", "POST", &format!("{outputs}/stop"), Value::Null).0, 403);
    assert_eq!(call("stop", "POST", &format!("{outputs}/stop"), Value::Null).0, 204);
    assert_eq!(call("start", "DELETE", &one, Value::Null).0, 403);
    assert_eq!(call("stop", "DELETE", &one, Value::Null).0, 204);
    assert_eq!(server.call_as(&token("all"), "GET", &one, &Value::Null).0, 404);
}
