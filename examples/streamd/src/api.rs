//! The HTTP API: who may do what, how bodies are read, and how errors look. The native routes and the four surfaces
//! stand on this.

pub mod asked;
pub mod auth;
pub mod base;
pub mod body;
mod clips;
pub mod cors;
mod downloads;
mod dvr;
pub mod error;
mod events;
pub mod fields;
mod hooks;
mod inputs;
pub mod jwt;
mod keys;
mod kind;
mod listeners;
mod openapi;
pub mod outcome;
mod outputs;
mod ports;
mod read;
mod recordings;
mod route;
mod shows;
pub mod surface_a;
pub mod surface_b;
pub mod surface_c;
pub mod surface_d;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;

use crate::server::Server;

pub use auth::Caller;
pub use error::ApiError;
use route::Route;

/// All native routes but downloads.
fn routes() -> impl Iterator<Item = &'static Route> {
    let all = [
        listeners::ROUTES,
        inputs::ROUTES,
        dvr::ROUTES,
        outputs::ROUTES,
        recordings::ROUTES,
        clips::ROUTES,
        shows::ROUTES,
        hooks::ROUTES,
        ports::ROUTES,
        events::ROUTES,
        keys::ROUTES,
        openapi::ROUTES,
    ];
    all.into_iter().flatten()
}

/// Files. What pages of other sites may read of them is up to each file's own rules.
pub fn downloads() -> Router<Arc<Server>> {
    route::router(downloads::ROUTES.iter())
}

/// The native API.
pub fn router() -> Router<Arc<Server>> {
    route::router(routes())
        .route("/v1", any(nothing_there))
        .route("/v1/", any(nothing_there))
        .route("/v1/{*path}", any(nothing_there))
}

/// Nobody without a token learns which routes there are.
async fn nothing_there(State(server): State<Arc<Server>>, request: Request) -> ApiError {
    match server.tokens.caller(request.headers()) {
        Ok(_) => ApiError::not_found("route"),
        Err(why) => why,
    }
}
