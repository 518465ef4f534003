//! Calls, whose picture goes out to RTMP targets and as HLS. A call is an input with the alias `call:TYPE:ID`; what it
//! may do stands in the settings of its type and its own.

mod broadcasts;
mod calls;
mod settings;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use levada_control::NotAllowed;
use serde_json::json;

use super::ApiError;
use super::asked::wrong_method;
use super::outcome::{Answer, dressed, written};
use crate::server::Server;

/// With and without the prefix that the hosted service has.
pub fn router() -> Router<Arc<Server>> {
    let routes = video();
    Router::new()
        .nest("/api/v2/video", routes.clone())
        .nest("/video", routes)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(dress))
}

fn video() -> Router<Arc<Server>> {
    let one = "/call/{type}/{id}";
    let of = |what: &str| format!("{one}/{what}");
    Router::new()
        .route("/calltypes/{name}", get(settings::show).put(settings::set))
        .route(one, get(calls::one).post(calls::create).patch(calls::update))
        .route(&of("go_live"), post(calls::go_live))
        .route(&of("stop_live"), post(calls::stop_live))
        .route(&of("mark_ended"), post(calls::end))
        .route(&of("start_broadcasting"), post(broadcasts::start_hls))
        .route(&of("stop_broadcasting"), post(broadcasts::stop_hls))
        .route(&of("rtmp_broadcasts"), post(broadcasts::start))
        .route(&of("rtmp_broadcasts/stop"), post(broadcasts::stop_all))
        .route(&of("rtmp_broadcasts/{name}/stop"), post(broadcasts::stop))
}

/// Every answer says how long it took.
async fn dress(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let response = next.run(request).await;
    let duration = format!("{:.2}ms", begin.elapsed().as_secs_f64() * 1000.0);
    dressed(response, |outcome| match outcome {
        Ok(Answer { status, body }) => {
            let mut body = body.unwrap_or_else(|| json!({}));
            body["duration"] = duration.into();
            written(status, &body)
        }
        Err(why) => {
            let body = json!({
                "code": number_of(why.status),
                "message": why.message,
                "StatusCode": why.status.as_u16(),
                "duration": duration,
                "more_info": "",
                "details": [],
            });
            written(why.status, &body)
        }
    })
}

/// Codes are numbers here.
fn number_of(status: StatusCode) -> i32 {
    match status {
        StatusCode::UNAUTHORIZED => 5,
        StatusCode::FORBIDDEN => 17,
        StatusCode::NOT_FOUND => 16,
        StatusCode::TOO_MANY_REQUESTS => 9,
        status if status.is_client_error() => 4,
        _ => -1,
    }
}

impl From<NotAllowed> for ApiError {
    fn from(why: NotAllowed) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", why.to_string())
    }
}
