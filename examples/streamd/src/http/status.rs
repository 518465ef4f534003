//! What the page, monitors and people ask for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::Server;
use crate::stream::Stream;
use crate::{metrics, relay};

pub async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::text(&server))
}

pub async fn streams(State(server): State<Arc<Server>>) -> Response {
    let all: Vec<Value> = server.hub.all().iter().map(facts).collect();
    answer(&json!({ "streams": all, "rtmp": server.config().rtmp.to_string() }))
}

pub async fn stream(State(server): State<Arc<Server>>, Path(path): Path<String>) -> Response {
    let Some(stream) = server.hub.find(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let mut value = facts(&stream);
    value["timeline"] = stream.packaging().facts.timeline();
    answer(&value)
}

pub async fn relays(State(server): State<Arc<Server>>) -> Response {
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
        "tracks": facts.tracks(),
        "health": facts.health(),
    })
}
