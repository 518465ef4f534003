//! The dashboard, clicked through in headless Chromium.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::browsers::{TOOLS, node_modules, one_at_a_time};
use crate::media;
use crate::server::{streamd, streamd_with};
use crate::tool::{folder, left_out, result, run, version, work};

const TOKEN: &str = "lab-token-0123456789";

/// Everything that the page is for, with a publisher, a target for pushes and an API that asks for a token.
#[test]
fn from_making_an_input_to_deleting_it() {
    if left_out("browser", TOOLS) {
        return;
    }
    node_modules();
    let _guard = one_at_a_time();
    let case = work("dashboard");
    let tokens = format!("[[token]]\ntoken = \"{TOKEN}\"\n");
    fs::write(folder().join(&case).join("tokens.toml"), tokens).expect("target/lab");
    let server = streamd_with(&format!("--private-targets --tokens {case}/tokens.toml"));
    let target = streamd();
    let clip = media::clip(20);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/dashboard.mjs");
    let url = format!("http://127.0.0.1:{}/", server.http);
    let sink = format!("rtmp://127.0.0.1:{}/live", target.rtmp);
    let line = format!("node '{script}' {url} {TOKEN} {clip} {sink} {case}");
    let ended = run(&line, Duration::from_secs(240)).ok();
    let seen: Value =
        serde_json::from_str(ended.stdout.trim()).unwrap_or_else(|_| panic!("{}", ended.told()));
    assert!(seen["error"].is_null(), "{seen:#}");
    assert_eq!(seen["console"], Value::Array(vec![]), "{seen:#}");
    let steps = seen["steps"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names.last(), Some(&"token forgotten"), "{seen:#}");
    let push = steps.iter().find(|it| it["name"] == "push").expect("a push");
    result(
        "browser, dashboard",
        &format!("Chromium {}", version("chromium")),
        &format!("ok: {}; {} bytes acknowledged", names.join(", "), push["second"]),
    );
}
