//! Live inputs: what encoders publish to with a key, its recordings as videos, its outputs, and a webhook for all.

mod inputs;
mod keys;
mod outputs;
mod videos;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use levada_control::Scope;
use serde_json::{Value, json};

use super::asked::{Asked, wrong_method};
use super::outcome::{Answer, dressed, written};
use crate::server::Server;

/// With and without the prefix that the hosted service has.
pub fn router(server: Arc<Server>) -> Router<Arc<Server>> {
    let routes = Router::new().nest("/accounts/{account}/stream", stream());
    Router::new()
        .nest("/client/v4", routes.clone())
        .merge(routes)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response_with_state(server, dress))
}

fn stream() -> Router<Arc<Server>> {
    Router::new()
        .route("/live_inputs", get(inputs::list).post(inputs::create))
        .route("/live_inputs/{uid}", get(inputs::one).put(inputs::update).delete(inputs::remove))
        .route("/live_inputs/{uid}/rotate_keys", post(inputs::rotate))
        .route("/live_inputs/{uid}/videos", get(videos::of_input))
        .route("/live_inputs/{uid}/outputs", get(outputs::list).post(outputs::create))
        .route(
            "/live_inputs/{uid}/outputs/{output}",
            get(outputs::one).put(outputs::update).delete(outputs::remove),
        )
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key}", delete(keys::remove))
        .route("/webhook", get(webhook::show).put(webhook::set).delete(webhook::remove))
        .route("/{uid}/token", post(keys::token))
        .route("/{uid}", get(videos::one).post(videos::update).delete(videos::remove))
}

/// Within the envelope, unless `--bare` takes it away. Errors are always within it.
async fn dress(State(server): State<Arc<Server>>, response: Response) -> Response {
    dressed(response, |outcome| match outcome {
        Ok(Answer { status, body: None }) => status.into_response(),
        Ok(Answer { status, body: Some(body) }) if server.config().bare => written(status, &body),
        Ok(Answer { status, body: Some(body) }) => {
            let body = json!({ "result": body, "success": true, "errors": [], "messages": [] });
            written(status, &body)
        }
        Err(why) => {
            let error = json!({ "code": number_of(why.status), "message": why.message });
            let body =
                json!({ "result": null, "success": false, "errors": [error], "messages": [] });
            written(why.status, &body)
        }
    })
}

/// Codes are numbers here.
fn number_of(status: StatusCode) -> u16 {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => 10_000,
        StatusCode::NOT_FOUND => 10_003,
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT => 10_005,
        StatusCode::PAYLOAD_TOO_LARGE => 10_006,
        StatusCode::INSUFFICIENT_STORAGE => 10_011,
        _ => 10_002,
    }
}

/// Whether answers may hold keys.
fn reveals(asked: &Asked) -> bool {
    asked.caller.has(Scope::RevealKeys) || asked.caller.has(Scope::Manage)
}

fn null_or(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::from)
}
