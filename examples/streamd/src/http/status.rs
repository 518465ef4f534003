//! What the page, monitors and people ask for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use levada_control::Scope;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::server::Server;
use crate::stream::Stream;
use crate::{metrics, relay};

pub async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::text(&server))
}

/// Whether a caller may look at everything: others see the streams whose names are public.
fn may_read(server: &Server, headers: &HeaderMap) -> bool {
    server.tokens.caller(headers).is_ok_and(|it| it.has(Scope::Read))
}

pub async fn streams(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let all = may_read(&server, &headers);
    let shown = server.hub.all().into_iter().filter(|it| all || it.is_public());
    let all: Vec<Value> = shown.map(|it| facts(&it)).collect();
    answer(&json!({ "streams": all, "rtmp": server.config().rtmp.to_string() }))
}

/// One stream. Whoever knows the id of an input may look at it: the page that plays it does.
pub async fn stream(State(server): State<Arc<Server>>, Path(path): Path<String>) -> Response {
    let Some(stream) = server.hub.find(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let mut value = facts(&stream);
    value["timeline"] = stream.packaging().facts.timeline();
    answer(&value)
}

pub async fn relays(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    if !may_read(&server, &headers) {
        return ApiError::unauthorized().into_response();
    }
    answer(&json!({ "relays": relay::status(&server) }))
}

/// JSON that no browser takes for anything else, and no cache keeps.
pub fn answer(value: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, value.to_string()).into_response()
}

fn facts(stream: &Arc<Stream>) -> Value {
    let counts = stream.counts();
    let packaging = stream.packaging();
    let facts = &packaging.facts;
    json!({
        "path": stream.path(),
        "input": stream.input().to_string(),
        "state": if counts.live { "live" } else if stream.is_over() { "ended" } else { "waiting" },
        "uptime_s": stream.uptime().as_secs(),
        "bit_rate": facts.bit_rate(),
        "bytes": counts.bytes,
        "frames": counts.frames,
        "players": counts.players,
        "hls_viewers": counts.hls_viewers,
        "reconnects": counts.reconnects,
        "gop_ms": counts.gop_ms,
        "codecs": facts.codecs(),
        "encoder": facts.encoder,
        "tracks": facts.tracks(),
        "health": facts.health(),
    })
}
