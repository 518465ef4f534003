//! What a handler is given: who asks, and what for.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use levada_control::Scope;
use serde_json::Value;

use super::base::Base;
use super::fields::Fields;
use super::{ApiError, Caller, body};
use crate::server::Server;

/// A request by somebody who may make it.
#[derive(Debug)]
pub struct Asked {
    pub server: Arc<Server>,
    pub caller: Caller,
    pub base: Base,
    pub query: BTreeMap<String, String>,
    pub body: Value,
}

impl Asked {
    /// The fields of the body.
    pub fn fields(&self) -> Result<Fields<'_>, ApiError> {
        Fields::of(&self.body)
    }
}

/// The scope that a handler needs: it gets its request as [`May`] of one of these, or not at all.
pub trait Right {
    const SCOPE: Scope;
}

macro_rules! rights {
    ($($name:ident)*) => {
        $(
            #[derive(Debug)]
            pub struct $name;

            impl Right for $name {
                const SCOPE: Scope = Scope::$name;
            }
        )*
    };
}

rights! { Read Manage StartOutput StopOutput }

/// For a path that is there with a method that it does not take. Who has no token is told that first, as everywhere.
pub async fn wrong_method(State(server): State<Arc<Server>>, headers: HeaderMap) -> ApiError {
    let wrong = |_| {
        let message = "this path does not take that method";
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    };
    server.tokens.caller(&headers).map_or_else(|why| why, wrong)
}

/// A request whose caller has the right that it takes.
#[derive(Debug)]
pub struct May<R: Right>(pub Asked, pub PhantomData<R>);

impl<R: Right> FromRequest<Arc<Server>> for May<R> {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let caller = server.tokens.caller(&head.headers)?;
        caller.need(R::SCOPE)?;
        let Query(query) = Query::try_from_uri(&head.uri)
            .map_err(|_| ApiError::invalid("query", "must be a query of names and values"))?;
        let base = Base::of(server, &head.headers);
        let body = body::json(body).await?;
        Ok(Self(Asked { server: server.clone(), caller, base, query, body }, PhantomData))
    }
}
