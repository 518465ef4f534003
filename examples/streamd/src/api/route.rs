//! One row per route: its path, what it needs, takes and gives, and who does it. The router, the checks, the OpenAPI
//! document and the tests are made of the rows.

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use levada_control::Scope;
use serde_json::{Map, Value};

use super::kind::{Field, Kind, may};
use super::{ApiError, Caller, body};
use crate::server::Server;

/// What comes of a call.
pub type Answer = Result<Response, ApiError>;
type Work = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// A sentence for people.
    pub about: &'static str,
    /// Nothing: everybody may, or [viewers](Gives::File).
    pub needs: Option<Scope>,
    pub takes: Option<Kind>,
    pub query: &'static [Field],
    pub gives: Gives,
    /// A 404 that is no error.
    pub else_gives: Option<Kind>,
    work: Work,
}

/// What is answered when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Gives {
    Json(StatusCode, Kind),
    /// 200 with that, or 204.
    Maybe(Kind),
    /// 204.
    Nothing,
    /// Something of this content type.
    Other(&'static str),
    /// A file of this content type, or a range of it, for those who may watch what it is of.
    File(&'static str),
}

/// What lists take.
pub const PAGE: &[Field] = &[may("limit", Kind::Whole(1, 1000)), may("after", Kind::Id(32))];

impl Route {
    const fn new(method: Method, needs: Scope, path: &'static str, work: Work) -> Self {
        let gives = Gives::Nothing;
        Self {
            method,
            path,
            about: "",
            needs: Some(needs),
            takes: None,
            query: &[],
            gives,
            else_gives: None,
            work,
        }
    }

    pub const fn get(path: &'static str, work: Work) -> Self {
        Self::new(Method::GET, Scope::Read, path, work)
    }

    pub const fn post(path: &'static str, work: Work) -> Self {
        Self::new(Method::POST, Scope::Manage, path, work)
    }

    pub const fn patch(path: &'static str, work: Work) -> Self {
        Self::new(Method::PATCH, Scope::Manage, path, work)
    }

    pub const fn delete(path: &'static str, work: Work) -> Self {
        Self::new(Method::DELETE, Scope::Manage, path, work)
    }

    pub const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    pub const fn needs(mut self, scope: Scope) -> Self {
        self.needs = Some(scope);
        self
    }

    /// For an audience, which has no token.
    pub const fn for_everybody(mut self) -> Self {
        self.needs = None;
        self
    }

    pub const fn takes(mut self, fields: &'static [Field]) -> Self {
        self.takes = Some(Kind::Object(fields));
        self
    }

    pub const fn asks(mut self, query: &'static [Field]) -> Self {
        self.query = query;
        self
    }

    pub const fn gives(mut self, fields: &'static [Field]) -> Self {
        self.gives = Gives::Json(StatusCode::OK, Kind::Object(fields));
        self
    }

    /// A new thing: 201.
    pub const fn makes(mut self, fields: &'static [Field]) -> Self {
        self.gives = Gives::Json(StatusCode::CREATED, Kind::Object(fields));
        self
    }

    /// That, or 204 if there is nothing to show.
    pub const fn gives_maybe(mut self, fields: &'static [Field]) -> Self {
        self.gives = Gives::Maybe(Kind::Object(fields));
        self
    }

    pub const fn else_gives(mut self, fields: &'static [Field]) -> Self {
        self.else_gives = Some(Kind::Object(fields));
        self
    }

    pub const fn gives_other(mut self, content_type: &'static str) -> Self {
        self.gives = Gives::Other(content_type);
        self
    }

    /// A file. Who may have it is found out with it: a viewer by its rules, or a caller who may read.
    pub const fn gives_file(mut self, content_type: &'static str) -> Self {
        self.gives = Gives::File(content_type);
        self.for_everybody()
    }

    /// A change leaves what it does not name.
    pub fn is_change(&self) -> bool {
        self.method == Method::PATCH
    }
}

/// A request that may be answered: who asks for what.
#[derive(Debug)]
pub struct Call {
    pub server: Arc<Server>,
    pub caller: Caller,
    pub head: Parts,
    /// Checked against what the route takes.
    pub body: Map<String, Value>,
    /// The words of the path that stand in braces.
    words: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Call {
    /// A word of the path.
    pub fn word(&self, name: &str) -> &str {
        self.words.iter().find(|it| it.0 == name).map_or("", |it| &it.1)
    }

    /// An id in the path. What is none names nothing.
    pub fn id<I: FromStr<Err = levada_control::Error>>(&self, name: &str) -> Result<I, ApiError> {
        Ok(self.word(name).parse::<I>()?)
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    /// Whether keys may be shown.
    pub fn reveals(&self) -> bool {
        self.caller.has(Scope::RevealKeys)
    }
}

/// The rows as a router. Several rows with one path are one route with several methods.
pub fn router(rows: impl Iterator<Item = &'static Route>) -> Router<Arc<Server>> {
    let mut by_path: Vec<(&str, Vec<&'static Route>)> = Vec::new();
    for row in rows {
        match by_path.iter_mut().find(|it| it.0 == row.path) {
            Some((_, rows)) => rows.push(row),
            None => by_path.push((row.path, vec![row])),
        }
    }
    let mut router = Router::new();
    for (path, rows) in by_path {
        let rows: Arc<[&'static Route]> = rows.into();
        let work = move |State(server), words: Result<RawPathParams, _>, request: Request| {
            let words = words.map_err(|_| ApiError::not_found("resource"));
            dispatch(rows.clone(), server, words, request)
        };
        router = router.route(path, any(work));
    }
    router
}

async fn dispatch(
    rows: Arc<[&'static Route]>,
    server: Arc<Server>,
    words: Result<RawPathParams, ApiError>,
    request: Request,
) -> Response {
    let method = request.method().clone();
    let asked = if method == Method::HEAD { Method::GET } else { method };
    let row = rows.iter().find(|it| it.method == asked);
    let answer = match row {
        Some(row) => answer(row, server, words, request).await,
        None => Err(match server.tokens.caller(request.headers()) {
            Ok(_) => return not_allowed(&rows),
            Err(why) => why,
        }),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    row: &Route,
    server: Arc<Server>,
    words: Result<RawPathParams, ApiError>,
    request: Request,
) -> Answer {
    // Nobody learns anything before it is known who asks.
    let caller = match row.needs {
        Some(scope) => {
            let caller = server.tokens.caller(request.headers())?;
            caller.need(scope)?;
            caller
        }
        None => Caller::nobody(),
    };
    let words = words?.iter().map(|(name, word)| (name.into(), word.into())).collect();
    let (head, sent) = request.into_parts();
    let query = Query::<Vec<(String, String)>>::try_from_uri(&head.uri)
        .map_err(|_| ApiError::invalid("query", "must be made of name=value"))?
        .0;
    check_query(row, &query)?;
    let mut body = Map::new();
    if let Some(kind) = &row.takes {
        let value = body::json(sent).await?;
        kind.check(&value, !row.is_change())?;
        if let Value::Object(fields) = value {
            body = fields;
        }
    }
    (row.work)(Call { server, caller, head, body, words, query }).await
}

fn check_query(row: &Route, query: &[(String, String)]) -> Result<(), ApiError> {
    for (name, text) in query {
        let Some(field) = row.query.iter().find(|it| it.name == name) else { continue };
        let value = match field.kind {
            Kind::Whole(..) => text.parse::<i64>().map_or(Value::Null, Value::from),
            _ => Value::from(text.as_str()),
        };
        field.kind.check(&value, true).map_err(|why| ApiError {
            message: why.message.replacen("body", name, 1),
            field: Some(name.clone()),
            ..why
        })?;
    }
    Ok(())
}

fn not_allowed(rows: &[&'static Route]) -> Response {
    let methods: Vec<_> = rows.iter().map(|it| it.method.as_str()).collect();
    let message = format!("this takes {}", methods.join(", "));
    let why = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
    let mut response = why.into_response();
    if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
