//! What a handler came to. A surface writes it down in its own form, on the way out.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::ApiError;

/// What is answered when all is well.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// Nothing: an empty body.
    pub body: Option<Value>,
}

/// What the handlers of surfaces give back.
pub type Outcome = Result<Answer, ApiError>;

impl Answer {
    pub fn of(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body) }
    }

    pub fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body: Some(body) }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self { status, body: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match &self.body {
            Some(body) => written(self.status, body),
            None => self.status.into_response(),
        };
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes down what the handler meant. A response that is none of ours stays as it is.
pub fn dressed(mut response: Response, write: impl FnOnce(Outcome) -> Response) -> Response {
    let extensions = response.extensions_mut();
    let why = extensions.remove::<ApiError>().map(Err);
    match why.or_else(|| extensions.remove::<Answer>().map(Ok)) {
        Some(outcome) => write(outcome),
        None => response,
    }
}

/// JSON that no browser takes for anything else, and no cache keeps.
pub fn written(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.to_string()).into_response()
}
