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
