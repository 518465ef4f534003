//! Takes webhooks, checks their signatures, and prints each as a line of JSON. Fails, stalls or redirects when told to.
//!
//! ```sh
//! HOOK_SECRET=… cargo run -p levada-minimal --bin hook-sink
//! cargo run -p levada-minimal --bin hook-sink -- --status 500 --fail 2   # the first two are refused
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clap::Parser;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

/// How old a signature may be: who copied a request can't send it again next week.
const FRESH: u64 = 300;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// What bodies are signed with. Better in HOOK_SECRET: others on this machine can see arguments.
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// What is answered.
    #[arg(long, value_name = "STATUS", default_value_t = 204)]
    status: u16,
    /// Answer so only the first N times, then 204.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    fail: u64,
    /// Wait so long before each answer that --fail counts.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    stall: u64,
    /// Send whom --fail counts elsewhere, with a 302.
    #[arg(long, value_name = "URL")]
    redirect: Option<HeaderValue>,
    /// Answer with so many bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    size: usize,
}

struct Sink {
    args: Args,
    secret: Option<String>,
    count: AtomicU64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", args.listen)
    })?;
    println!("{}", json!({ "listening": listener.local_addr()?.to_string() }));
    let secret = args.secret.clone().or_else(|| std::env::var("HOOK_SECRET").ok());
    let sink = Arc::new(Sink { args, secret, count: AtomicU64::new(0) });
    axum::serve(listener, Router::new().fallback(take).with_state(sink)).await?;
    Ok(())
}

async fn take(State(sink): State<Arc<Sink>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let signature = match (&sink.secret, text("webhook-signature")) {
        (None, _) => "unchecked",
        (Some(_), None) => "missing",
        (Some(secret), Some(it)) => judge(secret, it, &body, now()),
    };
    let counts = sink.count.fetch_add(1, Ordering::Relaxed) < sink.args.fail;
    let answer = sink.answer(counts, signature);
    let line = json!({
        "id": text("webhook-id"),
        "attempt": text("webhook-attempt").and_then(|it| it.parse::<u32>().ok()),
        "signature": signature,
        "answered": answer.as_u16(),
        "body": serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body))),
    });
    println!("{line}");
    if counts {
        tokio::time::sleep(Duration::from_secs(sink.args.stall)).await;
    }
    let mut response = (answer, vec![b' '; sink.args.size]).into_response();
    if let (Some(to), StatusCode::FOUND) = (&sink.args.redirect, answer) {
        response.headers_mut().insert(header::LOCATION, to.clone());
    }
    response
}

impl Sink {
    fn answer(&self, counts: bool, signature: &str) -> StatusCode {
        if matches!(signature, "bad" | "old" | "missing") {
            return StatusCode::UNAUTHORIZED;
        }
        if !counts {
            return StatusCode::NO_CONTENT;
        }
        match self.args.redirect {
            Some(_) => StatusCode::FOUND,
            None => StatusCode::from_u16(self.args.status).unwrap_or(StatusCode::NO_CONTENT),
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

/// Judges `time=<unix>,sig1=<hex>`: an HMAC-SHA256 of `<unix>.<body>`.
fn judge(secret: &str, header: &str, body: &[u8], now: u64) -> &'static str {
    let field = |name| header.split(',').find_map(|it| it.trim().strip_prefix(name));
    let (Some(time), Some(sum)) = (field("time="), field("sig1=").and_then(bytes)) else {
        return "bad";
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return "bad" };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    // Compares in constant time.
    match (mac.verify_slice(&sum), time.parse::<u64>()) {
        (Ok(()), Ok(time)) if time.abs_diff(now) <= FRESH => "good",
        (Ok(()), Ok(_)) => "old",
        _ => "bad",
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let nibble = |it: &u8| char::from(*it).to_digit(16);
    hex.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(nibble(high)? << 4 | nibble(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whk_07_a_signature_is_good_for_its_body_its_secret_and_five_minutes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let sum = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        let header = format!("time=1700000000,sig1={sum}");
        let judge = |secret, body: &str, now| judge(secret, &header, body.as_bytes(), now);
        assert_eq!(judge("secret", r#"{"a":1}"#, 1_700_000_000), "good");
        assert_eq!(judge("secret", r#"{"a":1}"#, 1_700_000_300), "good");
        assert_eq!(judge("secret", r#"{"a":1}"#, 1_700_000_301), "old");
        assert_eq!(judge("secret", r#"{"a":2}"#, 1_700_000_000), "bad");
        assert_eq!(judge("other", r#"{"a":1}"#, 1_700_000_000), "bad");
        for header in ["", "time=1700000000", "sig1=00", "time=x,sig1=zz", "time=1,sig1=0"] {
            assert_eq!(super::judge("secret", header, b"", 1), "bad", "{header}");
        }
    }
}
