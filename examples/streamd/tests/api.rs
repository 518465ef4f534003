//! The native API of a real server, by the ids of the acceptance checks and of the catalogue of hostile inputs.

mod support;

use serde_json::{Value, json};
use support::{Client, Folder, Server, clip, text};

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
    // The main listener is open: the old key is a name like any other there, and no way into the input.
    let stranger = Client::publish(server.rtmp, &format!("live/{key}"));
    assert_eq!(stranger.rejected, None);
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
    if let Some(any) = schema["anyOf"].as_array().filter(|_| schema["type"].is_null()) {
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

/// What can be done on the page can be done over the API: it asks for what is described, and for `/v1/streams`.
#[test]
fn the_page_asks_for_nothing_else() {
    let folder = Folder::new("page");
    let server = Server::start(&folder, &[]);
    let document = server.json("/v1/openapi.json");
    let described: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    let page = server.text("/");
    let asked: Vec<_> = page
        .match_indices(['\'', '`'])
        .filter_map(|(at, _)| page[at + 1..].strip_prefix("/v1/")?.split(['\'', '`']).next())
        .collect();
    assert!(asked.len() > 15, "{asked:?}");
    for path in asked {
        let words: Vec<_> = path.split('?').next().unwrap().split('/').collect();
        // A word that is filled in is empty at the end of a text, and holds braces in a template.
        let same = |a: &str, b: &str| a == b || a.is_empty() || a.ends_with('}');
        let fits = |path: &&&String| {
            let wanted: Vec<_> = path.split('/').skip(2).collect();
            words.len() == wanted.len() && words.iter().zip(wanted).all(|(a, b)| same(a, b))
        };
        assert!(words[0] == "streams" || described.iter().any(|it| fits(&it)), "{path}");
    }
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
    let recording = text(&recordings["recordings"][0]["id"]);
    let wanted = json!({ "source": recording, "start_ms": 0, "duration_ms": 500 });
    let clip = server.until("half a second is recorded", |it| {
        Some(it.call("POST", "/v1/clips", &wanted)).filter(|it| it.0 == 201).map(|it| it.1)
    });
    check_answer(&document, "post", "/v1/clips", &clip);
    let show_at = format!("/v1/shows/{}", text(&show["id"]));
    assert_eq!(
        server.call("GET", &format!("{show_at}/playback"), &Value::Null),
        (404, json!({ "status": "pending", "message": "The broadcast has not begun yet" }))
    );
    server.patch(&show_at, &json!({ "status": "live" }));
    let words = [
        ("{input}", text(&input["id"])),
        ("{output}", text(&output["id"])),
        ("{hook}", text(&hook["id"])),
        ("{show}", text(&show["id"])),
        ("{listener}", text(&listener["id"])),
        ("{recording}", recording),
        ("{clip}", text(&clip["id"])),
        ("{port}", "1"),
    ];
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let kinds = &operations["get"]["responses"]["200"]["content"];
        if kinds["application/json"]["schema"].is_null() {
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
        let public = ["/playback", "/openapi.json", "/media.mp4", "/media.flv"];
        let public = public.iter().any(|it| path.ends_with(it)) || !path.starts_with("/v1/");
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
        assert_eq!(server.send("GET", &with_query, "", b"").0, 401, "a token in a query: {path}");
    }
    assert!(!server.said().contains("canary-token"), "LOG-02");
}

#[test]
fn api_03_where_others_can_call_nobody_calls_without_a_token() {
    let folder = Folder::new("reachable");
    let server = Server::start(&folder, &["--http", "0.0.0.0:0"]);
    assert_eq!(server.call("GET", "/v1/inputs", &Value::Null).0, 401);
    let token = std::fs::read_to_string(folder.0.join("api.token")).unwrap();
    let header = format!("authorization: Bearer {}\r\n", token.trim());
    assert_eq!(server.call_as(&header, "GET", "/v1/inputs", &Value::Null).0, 200);
    assert!(!server.said().contains(token.trim()));
    // A token that could be guessed is none.
    let weak = support::program()
        .args(["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(folder.0.join("other"))
        .env("STREAMD_TOKEN", "secret")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&weak.stderr).into_owned();
    assert!(!weak.status.success() && said.contains("at least 16 characters"), "{said}");
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

#[test]
fn c10_a_deleted_input_leaves_its_recordings() {
    let folder = Folder::new("leaves");
    let server = Server::start(&folder, &[]);
    let body = json!({ "name": "cam", "recording": { "mode": "manual" } });
    let input = server.post("/v1/inputs", &body);
    let at = at(&input);
    let start = format!("{at}/recording/start");
    let (status, why) = server.call("POST", &start, &Value::Null);
    assert_eq!((status, text(&why["error"]["code"])), (409, "not_live"));
    let mut publisher = go_live(&server, &input);
    assert_eq!(
        server.call("POST", &format!("{at}/recording/stop"), &Value::Null),
        (204, Value::Null)
    );
    let started = server.call("POST", &start, &Value::Null);
    for tag in clip() {
        publisher.send(&tag, tag.timestamp + 4000);
    }
    publisher.send_all(&[]);
    let recording = server.until("it is recorded", |it| {
        let (_, again) = it.call("POST", &start, &Value::Null);
        (again["state"] == "recording").then_some(again)
    });
    assert!(started.0 == 204 || started.1["id"] == recording["id"], "again is the same");
    assert_eq!(recording["storage_low"], false);
    server.delete(&at);
    publisher.until(|it| it.over);
    let one = format!("/v1/recordings/{}", text(&recording["id"]));
    let kept = server.until("it is ready", |it| {
        let seen = it.json(&one);
        (seen["state"] == "ready").then_some(seen)
    });
    assert_eq!((&kept["input"]["id"], &kept["input"]["name"]), (&input["id"], &json!("cam")));
    let named = server.patch(&one, &json!({ "name": "Sunday", "require_signed": true }));
    assert_eq!(
        (&named["name"], &named["require_signed"], &named["allowed_origins"]),
        (&json!("Sunday"), &json!(true), &json!([]))
    );
    let of_input = format!("/v1/recordings?input={}", text(&input["id"]));
    assert_eq!(server.json(&of_input)["recordings"].as_array().unwrap().len(), 1);
    server.delete(&one);
    server.until("its files are gone", |_| {
        (folder.files(".mp4").is_empty() && folder.files(".flv").is_empty()).then_some(())
    });
    assert_eq!(server.json("/v1/recordings"), json!({ "recordings": [] }));
}

#[test]
fn c09_a_change_leaves_what_it_does_not_name() {
    let folder = Folder::new("merge");
    let server = Server::start(&folder, &["--private-targets"]);
    let body = json!({
        "name": "cam", "alias": "call:livestream:a", "meta": { "deep": { "a": "$(reboot); `x`" } },
        "recording": { "mode": "automatic", "reconnect_window_s": 0, "allowed_origins": ["a.example"], "delete_after_days": 40 },
        "dvr": { "enabled": true, "window_s": 60 }, "profile": "live-inputs", "on_violation": "reject", "low_latency": true,
    });
    let input = server.post("/v1/inputs", &body);
    let at = at(&input);
    for (field, value) in body.as_object().unwrap() {
        let inside = value.as_object().filter(|_| field != "meta");
        match inside {
            Some(fields) => fields
                .iter()
                .for_each(|(name, value)| assert_eq!(&input[field][name], value, "{name}")),
            None => assert_eq!(&input[field], value, "API-11: {field}"),
        }
    }
    let mut expected = input.clone();
    let mut changed = |change: Value, pointer: &str| {
        let answer = server.patch(&at, &change);
        let new = change.pointer(pointer).unwrap().clone();
        *expected.pointer_mut(pointer).unwrap() = new;
        for other in ["modified", "status"] {
            expected[other] = answer[other].clone();
        }
        assert_eq!(answer, expected, "{change}");
    };
    changed(json!({ "recording": { "delete_after_days": null } }), "/recording/delete_after_days");
    changed(json!({ "dvr": { "window_s": 90 } }), "/dvr/window_s");
    changed(json!({ "alias": null }), "/alias");
    changed(json!({ "meta": {} }), "/meta");
    changed(json!({ "name": "b" }), "/name");
    let (status, why) =
        server.call("PATCH", &at, &json!({ "recording": { "delete_after_days": 5 } }));
    assert_eq!((status, text(&why["error"]["field"])), (400, "recording.delete_after_days"), "C28");
    // G12: the whole list has 255 characters, blanks between them included.
    let url = |length: usize| format!("rtmp://127.0.0.1:9/app/{}", "k".repeat(length - 23));
    let pull = |urls: Value| server.call("PATCH", &at, &json!({ "pull": { "urls": urls } }));
    assert_eq!(pull(json!([url(127), url(128)])).0, 400);
    let (status, pulled) = pull(json!([url(127), url(127)]));
    assert_eq!(
        (status, &pulled["mode"], &pulled["pull"]["urls"][0]),
        (200, &json!("pull"), &json!(url(127)))
    );
    assert_eq!(
        server.json("/v1/inputs")["inputs"][0]["pull"]["urls"][0],
        "rtmp://127.0.0.1:9",
        "API-12"
    );
    let (status, why) =
        server.call("PATCH", &at, &json!({ "mode": "push", "pull": { "urls": [url(30)] } }));
    assert_eq!((status, text(&why["error"]["field"])), (400, "pull.urls"));
    let pushed = server.patch(&at, &json!({ "mode": "push" }));
    assert_eq!(
        (&pushed["mode"], &pushed["pull"]["urls"], &pushed["pull"]["state"]),
        (&json!("push"), &json!([]), &json!("off"))
    );
    assert_eq!(server.call("PATCH", &at, &json!({ "mode": "pull" })).0, 400);
}

#[test]
fn t23_a_region_names_the_host_that_is_shown_and_nothing_else() {
    let folder = Folder::new("region");
    let server = Server::start(&folder, &["--region", "eu=eu.example.org"]);
    let plain = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let there = server.patch(&at(&plain), &json!({ "region": "eu" }));
    assert_eq!(there["region"], "eu");
    for url in
        ["/ingest/rtmp/url", "/ingest/primary_url", "/ingest/backup_url", "/playback/rtmp/url"]
    {
        let here = text(plain.pointer(url).unwrap()).to_owned();
        let host = here.split(['/', ':']).nth(3).unwrap();
        let expected = here.replacen(host, "eu.example.org", 1);
        assert_eq!(there.pointer(url).unwrap(), &json!(expected), "{url}");
    }
    let listed = server.json("/v1/inputs")["inputs"][0]["ingest"]["rtmp"]["url"].clone();
    assert_eq!(listed, there["ingest"]["rtmp"]["url"]);
    // Where nobody named a host it is as without one, and null takes it away.
    for region in [json!("moon"), Value::Null] {
        let back = server.patch(&at(&plain), &json!({ "region": region }));
        assert_eq!((&back["region"], &back["ingest"]), (&region, &plain["ingest"]));
    }
}

#[test]
fn c18_the_51st_output_is_refused() {
    let folder = Folder::new("c18");
    let server = Server::start(&folder, &[]);
    let input = server.post("/v1/inputs", &json!({ "name": "cam" }));
    let outputs = format!("{}/outputs", at(&input));
    let body = |name: &str| json!({ "name": name, "url": "rtmp://target.example/app", "key": "canary-key-of-the-output" });
    for n in 0..50 {
        server.post(&outputs, &body(&n.to_string()));
    }
    let (status, why) = server.call("POST", &outputs, &body("50"));
    assert_eq!((status, text(&why["error"]["code"])), (409, "limit"));
    let (status, why) = server.call("POST", &outputs, &body("7"));
    assert_eq!(status, 409, "{why}");
    let all = server.json(&format!("{outputs}?limit=1000"));
    let all = all["outputs"].as_array().unwrap();
    assert_eq!(
        (all.len(), &all[0]["name"], &all[49]["name"]),
        (50, &json!("49"), &json!("0")),
        "newest first"
    );
    assert!(all.iter().all(|it| it["key"].is_null() && it["key_hint"] == "…tput"));
}

#[test]
fn api_05_06_07_09_bodies_pages_ids_and_targets_of_strangers() {
    let folder = Folder::new("strangers");
    let server = Server::start(&folder, &[]);
    let post = |body: &[u8]| {
        let (status, _, answer) = server.send("POST", "/v1/inputs", "", body);
        (
            status,
            serde_json::from_slice::<Value>(&answer).unwrap()["error"]["code"]
                .as_str()
                .unwrap_or("")
                .to_owned(),
        )
    };
    let nested =
        format!(r#"{{"name":"a","meta":{{"a":{}{}}}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for bad in
        [nested.as_bytes(), br#"{"name":"a","name":"b"}"#, br#"{"name":NaN}"#, b"{", b"\xff\xfe"]
    {
        assert_eq!(post(bad), (400, "invalid_json".to_owned()));
    }
    for bad in
        [&b"[]"[..], b"7", br#"{"name":7}"#, br#"{"name":{}}"#, br#"{"name":"a","meta":[]}"#, b""]
    {
        assert_eq!(post(bad), (400, "invalid".to_owned()), "{}", String::from_utf8_lossy(bad));
    }
    assert_eq!(post(&vec![b' '; 1024 * 1024 + 1]), (413, "body_too_large".to_owned()));
    let big = format!(r#"{{"name":"a","meta":{{"a":"{}"}}}}"#, "x".repeat(5000));
    assert_eq!(post(big.as_bytes()), (400, "invalid".to_owned()));
    // Pages.
    for name in ["a", "b", "c", "d", "e"] {
        server.post("/v1/inputs", &json!({ "name": name }));
    }
    for limit in ["0", "-1", "1001", "9223372036854775808", "x", ""] {
        let (status, why) = server.call("GET", &format!("/v1/inputs?limit={limit}"), &Value::Null);
        assert_eq!((status, text(&why["error"]["field"])), (400, "limit"), "{limit}");
    }
    let mut names = String::new();
    let mut after = String::new();
    loop {
        let page = server.json(&format!("/v1/inputs?limit=2{after}"));
        let page = page["inputs"].as_array().unwrap().clone();
        names.extend(page.iter().map(|it| text(&it["name"])));
        let Some(last) = page.last() else { break };
        after = format!("&after={}", text(&last["id"]));
    }
    assert_eq!(names, "edcba");
    assert_eq!(
        server.call("GET", "/v1/inputs?after=00000000000000000000000000000000", &Value::Null).0,
        404
    );
    // Ids that are none.
    std::fs::write(folder.0.join("cam1.mp4"), "x").unwrap();
    for id in [
        "..",
        "%2e%2e",
        "..%2fcam1",
        "group%2f..%2fcam1",
        "%00",
        "%ff",
        "A0000000000000000000000000000000",
    ] {
        for method in ["GET", "DELETE"] {
            let (status, ..) = server.send(method, &format!("/v1/recordings/{id}"), "", b"");
            assert_eq!(status, 404, "{method} {id}");
        }
    }
    assert!(folder.0.join("cam1.mp4").exists());
    // Targets.
    let input = server.json("/v1/inputs")["inputs"][0].clone();
    for (url, code) in [
        ("rtmp://127.0.0.1/app/key", "target_forbidden"),
        ("rtmp://localhost/app/key", "target_forbidden"),
        ("rtmp://10.0.0.1/app/key", "target_forbidden"),
        ("rtmp://169.254.169.254/app/key", "target_forbidden"),
        ("rtmp://[::1]/app/key", "target_forbidden"),
        ("file:///etc/passwd", "invalid"),
        ("http://example.org/app/key", "invalid"),
    ] {
        let (status, why) = server.call(
            "POST",
            &format!("{}/outputs", at(&input)),
            &json!({ "name": "o", "url": url }),
        );
        assert_eq!(
            (status, text(&why["error"]["code"]), text(&why["error"]["field"])),
            (400, code, "url"),
            "{url}"
        );
        let (status, why) =
            server.call("POST", "/v1/inputs", &json!({ "name": "p", "pull": { "urls": [url] } }));
        if !url.starts_with("http") {
            assert_eq!(
                (status, text(&why["error"]["code"]), text(&why["error"]["field"])),
                (400, code, "pull.urls"),
                "{url}"
            );
        }
        let hook = url.replacen("rtmp", "http", 1);
        if hook != "http://example.org/app/key" {
            let (status, why) =
                server.call("POST", "/v1/hooks", &json!({ "url": hook, "format": "native" }));
            assert_eq!((status, text(&why["error"]["field"])), (400, "url"), "{hook}: {why}");
        }
    }
    let (status, why) = server.call(
        "POST",
        "/v1/hooks",
        &json!({ "url": "https://a.example/", "format": "native", "events": ["input.lively"] }),
    );
    assert_eq!((status, text(&why["error"]["field"])), (400, "events[0]"));
}

#[test]
fn api_08_ids_that_go_away_meanwhile_are_404() {
    let folder = Folder::new("race");
    let server = Server::start(&folder, &[]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let all = server.json("/v1/inputs");
                    let Some(first) = all["inputs"].get(0) else {
                        server.post("/v1/inputs", &json!({ "name": "a" }));
                        continue;
                    };
                    let at = at(first);
                    for (method, path) in [
                        ("POST", format!("{at}/disconnect")),
                        ("PATCH", at.clone()),
                        ("DELETE", at.clone()),
                        ("GET", format!("{at}/health")),
                    ] {
                        let (status, answer) = server.call(method, &path, &Value::Null);
                        assert!(
                            matches!(status, 200 | 204 | 404),
                            "{method} {path}: {status} {answer}"
                        );
                    }
                }
            });
        }
    });
    assert!(server.text("/metrics").contains("streamd_panics_total 0"));
}

#[test]
fn events_of_one_input_are_of_no_other() {
    let folder = Folder::new("events");
    let server = Server::start(&folder, &[]);
    let inputs = ["a", "b"].map(|it| server.post("/v1/inputs", &json!({ "name": it })));
    let path = format!("/v1/events?input={}", text(&inputs[0]["id"]));
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| server.beginning(&path, 100));
        while !reader.is_finished() {
            for input in [&inputs[1], &inputs[0]] {
                server.post(&format!("{}/rotate-keys", at(input)), &Value::Null);
            }
        }
        String::from_utf8(reader.join().unwrap()).unwrap()
    });
    let lines: Vec<&str> = seen.lines().take(2).collect();
    assert_eq!(lines[0], "event: input.keys_rotated");
    let event: Value = serde_json::from_str(lines[1].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&event["input"]["id"], &event["input"]["name"]), (&inputs[0]["id"], &json!("a")));
    assert!(!seen.contains(text(&inputs[1]["id"])), "{seen}");
}
