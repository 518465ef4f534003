//! schemathesis asks everything that the description of the native API allows, and much that it does not.

use std::time::Duration;

use crate::server::streamd_with;
use crate::tool::{folder, full, left_out, result, run, version, work};

#[test]
fn the_native_api_is_as_it_describes_itself() {
    if left_out("native API", &["schemathesis"]) {
        return;
    }
    let file = format!("{}/tokens.toml", work("openapi"));
    let tokens = "[[token]]\ntoken = \"a-token-of-the-lab\"\n";
    std::fs::write(folder().join(&file), tokens).expect("target/lab can be written");
    let server = streamd_with(&format!("--tokens {file}"));
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/schemathesis.toml");
    let examples = if full() { 200 } else { 20 };
    // Streams of events never end.
    let line = format!(
        "schemathesis --config-file {config} run http://127.0.0.1:{}/v1/openapi.json \
         --exclude-path-regex '(events|journal)$' -n {examples} --no-color",
        server.http
    );
    run(&line, Duration::from_secs(if full() { 1200 } else { 240 })).ok();
    let who = format!("schemathesis {}", version("schemathesis"));
    result("native API as described", &who, "ok");
}
