//! The published packages of the hosted services whose APIs `streamd` has, pointed at it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::browsers::node_modules;
use crate::media;
use crate::server::{Server, streamd_with};
use crate::tool::{folder, left_out, result, run, work};

const LIMIT: Duration = Duration::from_secs(60);
const TOKEN: &str = "token-of-the-lab-0123456789";
const SECRET: &str = "secret-of-the-lab-01234567890123456789";

/// A server that knows the token and the secret.
fn server(case: &str) -> Server {
    let file = format!("{}/tokens.toml", work(case));
    let text = format!("jwt_secret = \"{SECRET}\"\n[[token]]\ntoken = \"{TOKEN}\"\n");
    fs::write(folder().join(&file), text).expect("target/lab can be written");
    streamd_with(&format!("--tokens {file} --private-targets"))
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lab/sdks").join(name)
}

/// Runs a script against a new server. It prints the version of its package when all was well.
fn works(package: &str, interpreter: &str, name: &str, arguments: &str) {
    let case = format!("sdk-{}", name.replace('.', "-"));
    let server = server(&case);
    let (script, base) = (script(name), format!("http://127.0.0.1:{}", server.http));
    let line = format!("{interpreter} '{}' {base} {arguments}", script.display());
    let ended = run(&line, LIMIT).ok();
    result("SDK", &format!("{package} {}", ended.stdout.trim()), "ok");
}

#[test]
fn live_inputs_with_the_python_package() {
    if left_out("SDK", &["sdks", "ffmpeg"]) {
        return;
    }
    let clip = folder().join(media::clip(5));
    works(
        "cloudflare (PyPI)",
        "python",
        "live_inputs.py",
        &format!("{TOKEN} '{}'", clip.display()),
    );
}

#[test]
fn live_inputs_with_the_npm_package() {
    if left_out("SDK", &["node", "npm"]) {
        return;
    }
    node_modules();
    works("cloudflare (npm)", "node", "live_inputs.mjs", TOKEN);
}

#[test]
fn calls_with_the_python_package() {
    if left_out("SDK", &["sdks"]) {
        return;
    }
    works("getstream (PyPI)", "python -W ignore", "calls.py", SECRET);
}

#[test]
fn calls_with_the_npm_package() {
    if left_out("SDK", &["node", "npm"]) {
        return;
    }
    node_modules();
    works("@stream-io/node-sdk (npm)", "node", "calls.mjs", SECRET);
}
