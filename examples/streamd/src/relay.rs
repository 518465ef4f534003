//! Streams sent on to other servers, and fetched from them.

mod pull;
mod push;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use levada_session::RtmpUrl;
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::config::Relay;
use crate::server::Server;

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(60);
/// What lasted this long was a success: the waiting begins anew.
const SUCCESS: Duration = Duration::from_secs(30);

/// All relays and how they are.
#[derive(Debug, Default)]
pub struct Relays(Mutex<Vec<Arc<Status>>>);

/// How one is. The URL's key is not in it.
#[derive(Debug)]
pub struct Status {
    kind: &'static str,
    host: String,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    what: &'static str,
    path: Option<String>,
    tries: u64,
    /// Bytes that the other side says it has, or that we have from it, over all connections.
    confirmed: u64,
    sent: u64,
    error: Option<String>,
}

impl Relays {
    fn add(&self, kind: &'static str, url: &RtmpUrl) -> Arc<Status> {
        let state = State { what: "waiting", ..State::default() };
        let host = format!("{}:{}", url.host, url.port);
        let status = Arc::new(Status { kind, host, state: Mutex::new(state) });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(status.clone());
        status
    }

    pub fn status(&self) -> Vec<Value> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|it| it.json()).collect()
    }
}

impl Status {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn json(&self) -> Value {
        let it = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bytes = if self.kind == "push" { "acknowledged_bytes" } else { "received_bytes" };
        json!({
            "kind": self.kind, "host": self.host, "state": it.what, "stream": it.path, "tries": it.tries,
            bytes: it.confirmed, "sent_bytes": it.sent, "error": it.error,
        })
    }
}

/// Starts all that the settings name.
pub fn start(server: &Arc<Server>) -> anyhow::Result<()> {
    let config = server.config();
    for Relay { path, url } in &config.push {
        let url = RtmpUrl::parse(url)?;
        let status = server.relays.add("push", &url);
        tokio::spawn(push::run(server.clone(), path.clone(), url, server.tls.clone(), status));
    }
    for Relay { path, url } in &config.pull {
        let url = RtmpUrl::parse(url)?;
        let name = url.stream.split('?').next().unwrap_or_default().to_owned();
        let path = path.clone().unwrap_or_else(|| format!("live/{name}"));
        let status = server.relays.add("pull", &url);
        tokio::spawn(pull::run(server.clone(), path, url, server.tls.clone(), status));
    }
    Ok(())
}

/// How long to wait after each failure: twice as long as before, and a random part of that.
#[derive(Debug)]
struct BackOff {
    next: Duration,
    began: Instant,
}

impl BackOff {
    fn new() -> Self {
        Self { next: Duration::from_secs(1), began: Instant::now() }
    }

    /// A try begins.
    fn begin(&mut self, status: &Status) {
        self.began = Instant::now();
        status.change(|it| {
            it.what = "connecting";
            it.tries += 1;
        });
    }

    /// A try ended: waits.
    async fn wait(&mut self, status: &Status, ended: anyhow::Result<()>) {
        match ended {
            Ok(()) => {
                info!(kind = status.kind, host = status.host, "a relay ended");
                status.change(|it| (it.what, it.error) = ("waiting", None));
            }
            Err(why) => {
                let why = format!("{why:#}");
                warn!(kind = status.kind, host = status.host, why, "a relay failed; trying again");
                status.change(|it| (it.what, it.error) = ("waiting", Some(why)));
            }
        }
        if self.began.elapsed() > SUCCESS {
            self.next = Duration::from_secs(1);
        }
        let mut random = [0];
        let _ = getrandom::fill(&mut random);
        // Between half and all of it, so that many relays do not come back at once.
        let wait = self.next.mul_f64(0.5 + f64::from(random[0]) / 512.0);
        self.next = (self.next * 2).min(LONGEST);
        tokio::time::sleep(wait).await;
    }
}
