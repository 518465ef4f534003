//! Webhooks: what the plane wants posted, signed, and what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use hmac::{Hmac, KeyInit, Mac};
use levada_control::{
    Fact, HOOK_ANSWER, HookAnswer, HookId, KeyRef, Secret, signature_header, signed_text,
};
use sha2::Sha256;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::warn;

use crate::http_client::{Answer, NoAnswer};
use crate::lock::lock;
use crate::server::Server;
use crate::stream::unix_ms;

/// How long a post waits for the disk: on a full one it goes without, as it may be about that.
const DISK: Duration = Duration::from_secs(1);
/// How long a post may take, if the plane does not end it before.
const LIMIT: Duration = Duration::from_secs(5);

/// One try to deliver.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    pub hook: HookId,
    pub delivery: u64,
    pub attempt: u32,
}

/// The posts under way: one a hook.
#[derive(Debug, Default)]
pub struct Hooks(Mutex<HashMap<HookId, (Attempt, AbortHandle)>>);

impl Hooks {
    fn lock(&self) -> MutexGuard<'_, HashMap<HookId, (Attempt, AbortHandle)>> {
        lock(&self.0)
    }

    /// Ends a post, if it is still under way.
    pub fn abort(&self, attempt: Attempt) {
        let mut posts = self.lock();
        if posts.get(&attempt.hook).is_some_and(|(it, _)| *it == attempt)
            && let Some((_, task)) = posts.remove(&attempt.hook)
        {
            task.abort();
        }
    }
}

/// Posts a body and reports how that went.
pub fn post(server: &Arc<Server>, attempt: Attempt, url: String, body: String) {
    let mut posts = server.hooks.lock();
    let work = {
        let server = server.clone();
        async move {
            let answer = deliver(&server, attempt, &url, body).await;
            server.hooks.lock().retain(|_, (it, _)| *it != attempt);
            let Attempt { hook, delivery, attempt } = attempt;
            let _ = server.control.fact(Fact::Delivered { hook, delivery, attempt, answer });
        }
    };
    posts.insert(attempt.hook, (attempt, tokio::spawn(work).abort_handle()));
}

async fn deliver(server: &Server, attempt: Attempt, url: &str, body: String) -> HookAnswer {
    // What was posted once must not be forgotten, or its number would be another's after a restart.
    let _ = timeout(DISK, server.control.told_on_disk()).await;
    let sent = timeout(LIMIT, send(server, attempt, url, body)).await;
    let why = match sent.unwrap_or(Err(NoAnswer::TimedOut)) {
        Ok(answer) => return judge(answer),
        Err(why) => why,
    };
    let Attempt { hook, delivery, attempt } = attempt;
    // The URL may hold a secret.
    warn!(%hook, delivery, attempt, %why, "a webhook was not delivered");
    match why {
        NoAnswer::TimedOut => HookAnswer::TimedOut,
        _ => HookAnswer::Unreachable,
    }
}

async fn send(
    server: &Server,
    attempt: Attempt,
    url: &str,
    body: String,
) -> Result<Answer, NoAnswer> {
    let secret = server.control.read(|_, keys, _| keys.secret(KeyRef::Hook(attempt.hook)).cloned());
    // Without a secret there is no hook any more, and nobody waits for the answer.
    let secret = secret.ok_or(NoAnswer::Url)?;
    let headers = headers(attempt, &secret, &body).ok_or(NoAnswer::Url)?;
    let allowed = |host: &str, port, address| server.may_call(host, port, address);
    server.client.post(url, headers, body, allowed).await
}

fn headers(attempt: Attempt, secret: &Secret, body: &str) -> Option<HeaderMap> {
    let now = unix_ms().div_euclid(1000);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).ok()?;
    mac.update(signed_text(now, body).as_bytes());
    let signature = signature_header(now, &mac.finalize().into_bytes().into());
    let text = |it: String| HeaderValue::from_str(&it).ok();
    // Numbers are of one hook only: several may post to the same place.
    let id = format!("{}-{}", attempt.hook, attempt.delivery);
    Some(HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), text(id)?),
        (HeaderName::from_static("webhook-attempt"), text(attempt.attempt.to_string())?),
        (HeaderName::from_static("webhook-signature"), text(signature)?),
    ]))
}

/// The status decides. The rest of the answer is read for politeness, and not much of it.
fn judge(answer: Answer) -> HookAnswer {
    let status = answer.status.as_u16();
    let seconds =
        answer.headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
    let retry_after = seconds.map(Duration::from_secs);
    tokio::spawn(timeout(LIMIT, read_out(answer)));
    HookAnswer::Status { status, retry_after }
}

async fn read_out(mut answer: Answer) {
    let mut read = 0;
    while let (true, Ok(Some(piece))) = (read < HOOK_ANSWER, answer.chunk().await) {
        read += piece.len();
    }
}
