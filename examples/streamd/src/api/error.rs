//! What is answered when something is wrong.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use levada_control::{Error, Scope};
use serde_json::json;

use super::outcome::written;

/// An error of the API. Each surface has its own form for it; this is what they are made of.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    /// The word for programs.
    pub code: &'static str,
    /// The sentence for people.
    pub message: String,
    /// The field that is to blame.
    pub field: Option<String>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// A field holds what it can't.
    pub fn invalid(field: impl Into<String>, why: &str) -> Self {
        let field = field.into();
        let message = format!("{field}: {why}");
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, "invalid", message) }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }

    pub fn unauthorized() -> Self {
        let message = "a token is needed: send it as `Authorization: Bearer …`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// A page of another site asks, through a browser that is on this machine.
    pub fn foreign() -> Self {
        let message = "without tokens only this machine may call, by address or as localhost";
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", message)
    }

    pub fn forbidden(scope: Scope) -> Self {
        let scope = serde_json::to_value(scope).unwrap_or_default();
        let message = format!("this token lacks the scope {}", scope.as_str().unwrap_or_default());
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }
}

impl From<Error> for ApiError {
    fn from(why: Error) -> Self {
        let status = match why {
            Error::Invalid { .. } | Error::TargetForbidden { .. } => StatusCode::BAD_REQUEST,
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Taken { .. } | Error::NotLive | Error::Limit { .. } => StatusCode::CONFLICT,
            Error::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Error::Refused(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let field = why.field().map(str::to_owned);
        Self { field, ..Self::new(status, why.code(), why.to_string()) }
    }
}

/// The native form.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "code": self.code, "message": self.message, "field": self.field });
        let mut response = written(self.status, &json!({ "error": error }));
        // Surfaces write it down in their own form.
        response.extensions_mut().insert(self);
        response
    }
}
