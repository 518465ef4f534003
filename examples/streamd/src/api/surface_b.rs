//! Streams, what of them is broadcast to an audience, where they are sent on to, and the videos that are left of them.
//! Everything is called by its number.

mod broadcasts;
mod clips;
mod restreams;
mod statistics;
mod streams;
mod videos;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use levada_control::{InputId, Plane};
use serde_json::{Map, Value, json};

use super::asked::{Asked, wrong_method};
use super::fields::Fields;
use super::outcome::{Answer, dressed, written};
use super::{ApiError, outcome};
use crate::server::Server;
use crate::store::Extras;

/// The only customer.
const CLIENT: i64 = 1;

pub fn router() -> Router<Arc<Server>> {
    let one = "/streaming/streams/{id}";
    let of = |what: &str| format!("{one}/{what}");
    Router::new()
        .route("/streaming/streams", get(streams::list).post(streams::create))
        .route(one, get(streams::one).patch(streams::update).delete(streams::remove))
        .route(&of("start_recording"), put(streams::start_recording))
        .route(&of("stop_recording"), put(streams::stop_recording))
        .route(&of("dvr_cleanup"), put(streams::clean_up))
        .route(&of("reset_push_token"), post(streams::reset_token))
        .route(&of("clip_recording"), get(clips::list).put(clips::create))
        .route("/streaming/broadcasts", get(broadcasts::list).post(broadcasts::create))
        .route(
            "/streaming/broadcasts/{id}",
            get(broadcasts::one).patch(broadcasts::update).delete(broadcasts::remove),
        )
        .route("/streaming/broadcasts/{id}/spectators", get(broadcasts::spectators))
        .route("/streaming/restreams", get(restreams::list).post(restreams::create))
        .route(
            "/streaming/restreams/{id}",
            get(restreams::one).patch(restreams::update).delete(restreams::remove),
        )
        .route("/streaming/videos", get(videos::list))
        .route(
            "/streaming/videos/{id}",
            get(videos::one).patch(videos::update).delete(videos::remove),
        )
        .route("/streaming/statistics/ffprobe", get(statistics::ffprobe))
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(dress))
}

/// What a field is to blame for is a 422 that says so; everything else has a status and a text.
async fn dress(response: Response) -> Response {
    dressed(response, |outcome| match outcome {
        Ok(Answer { status, body: Some(body) }) => written(status, &body),
        Ok(Answer { status, body: None }) => status.into_response(),
        Err(why) => failure(&why),
    })
}

fn failure(why: &ApiError) -> Response {
    let conflict = [StatusCode::CONFLICT, StatusCode::INSUFFICIENT_STORAGE].contains(&why.status);
    let field = match &why.field {
        Some(field) => renamed(field),
        None if conflict => "base",
        None => {
            let body = json!({ "status": why.status.as_u16(), "error": why.message });
            return outcome::written(why.status, &body);
        }
    };
    let text = why.message.split_once(": ").map_or(why.message.as_str(), |it| it.1);
    written(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "errors": { field: [text] } }))
}

/// Fields as they are called here.
fn renamed(field: &str) -> &str {
    match field {
        "pull.urls" | "url" | "key" => "uri",
        "dvr.window_s" => "dvr_duration",
        "inputs" => "stream_ids",
        "messages" => "pending_message",
        field => field,
    }
}

/// The fields of a body, which may be wrapped into one with this name.
fn unwrapped<'a>(asked: &'a Asked, name: &str) -> Result<Fields<'a>, ApiError> {
    let fields = asked.fields()?;
    if fields.has(name) { fields.inner(name) } else { Ok(fields) }
}

fn number_of(id: &str, what: &str) -> Result<i64, ApiError> {
    id.parse().map_err(|_| ApiError::not_found(what))
}

fn input_of(plane: &Plane, id: &str) -> Result<InputId, ApiError> {
    let found = plane.input_by_number(number_of(id, "stream")?);
    found.ok_or_else(|| ApiError::not_found("stream"))
}

/// The streams that a body names by their numbers.
fn inputs_of(plane: &Plane, numbers: &[i64], field: &str) -> Result<Vec<InputId>, ApiError> {
    let missing = || ApiError::invalid(field, "must name streams that exist");
    numbers.iter().map(|it| plane.input_by_number(*it).ok_or_else(missing)).collect()
}

/// Fields that are only given back: as a body has them, or as they were.
#[derive(Clone, Debug, Default)]
struct Echoed(Map<String, Value>);

impl Echoed {
    fn of(extras: &Extras, place: &str) -> Self {
        Self(extras.get(place).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    fn with(mut self, fields: Fields<'_>, names: &[&str]) -> Result<Self, ApiError> {
        for name in names {
            if let Some(value) = fields.given(name) {
                if value.to_string().len() > 4096 {
                    return Err(ApiError::invalid(*name, "must have at most 4096 bytes"));
                }
                self.0.insert((*name).to_owned(), value.clone());
            }
        }
        Ok(self)
    }

    /// All of these names, with null for what was never given.
    fn show(&self, names: &[&str], on: &mut Value) {
        for name in names {
            on[*name] = self.0.get(*name).cloned().unwrap_or_default();
        }
    }
}
