//! `/v1/openapi.json`: the description of this API, made of its routes.

use axum::http::{Method, StatusCode};
use levada_control::Scope;
use serde_json::{Map, Value, json};

use super::downloads;
use super::kind::{Field, Kind, may, must};
use super::read::ok;
use super::route::{Answer, Call, Gives, Route};

pub const ROUTES: &[Route] = &[Route::get("/v1/openapi.json", |it| Box::pin(one(it)))
    .about("This description.")
    .for_everybody()
    .gives_other("application/json")];

async fn one(_: Call) -> Answer {
    ok(&document(all()))
}

fn all() -> impl Iterator<Item = &'static Route> {
    super::routes().chain(downloads::ROUTES)
}

/// What playback answers that URLs of the API lead to.
struct Played {
    path: &'static str,
    about: &'static str,
    query: &'static [Field],
    gives: &'static [&'static str],
}

const SPAN: Kind = Kind::Text(1, 16);
const PLAYLIST: &[&str] = &["application/vnd.apple.mpegurl"];
const PLAYED: &[Played] = &[
    Played {
        path: "/{subject}/manifest/video.m3u8",
        about: "The playlist of an input, a recording or a clip. With dvrEnabled it goes back to the beginning, with a duration (30s, 5m) it is the last part. 204: nothing is live.",
        query: &[may("dvrEnabled", Kind::Word(&["true", "false"])), may("duration", SPAN)],
        gives: PLAYLIST,
    },
    Played {
        path: "/{subject}/manifest/clip.m3u8",
        about: "A part of it from a time on, as long as the duration, at most 60s.",
        query: &[must("time", SPAN), must("duration", SPAN)],
        gives: PLAYLIST,
    },
    Played {
        path: "/{subject}/live.flv",
        about: "A live input as FLV that never ends.",
        query: &[],
        gives: &["video/x-flv"],
    },
    Played {
        path: "/recordings/{path}",
        about: "A file of a recording as it was written, or with as=mp4 plain MP4 of it. The path holds slashes as they are.",
        query: &[may("as", Kind::Word(&["mp4"]))],
        gives: &["video/mp4", "video/x-flv"],
    },
];

/// OpenAPI 3.1 of some routes.
pub fn document(routes: impl Iterator<Item = &'static Route>) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path =
            paths.entry(route.path).or_insert_with(|| json!({ "parameters": words(route.path) }));
        path[route.method.as_str().to_lowercase()] = operation(route);
    }
    for played in PLAYED {
        paths.insert(
            played.path.into(),
            json!({ "parameters": words(played.path), "get": played.operation() }),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "streamd", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "schemas": { "error": Kind::Object(ERROR).schema(true) },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "header": { "type": "apiKey", "in": "header", "name": "x-access-token" },
            },
        },
    })
}

const ERROR: &[Field] = &[must(
    "error",
    Kind::Object(&[
        must("code", Kind::Text(1, 64)),
        must("message", Kind::Text(1, 4096)),
        must("field", Kind::Maybe(&Kind::Text(0, 256))),
    ]),
)];

/// What stands in braces.
fn words(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    let word = |name: &str| {
        let schema = match name {
            "port" => json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
            "listener" => Kind::Id(24).schema(true),
            "path" => json!({ "type": "string" }),
            "subject" => id_or_token(),
            _ if path.contains("/media.") => id_or_token(),
            _ => Kind::Id(32).schema(true),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    names.map(word).collect()
}

/// An id, or a token that names one.
fn id_or_token() -> Value {
    let part = "[A-Za-z0-9_-]+";
    let pattern = format!("^([0-9a-f]{{32}}|{part}\\.{part}\\.{part})$");
    json!({ "type": "string", "pattern": pattern })
}

fn parameters(query: &[Field]) -> Value {
    let parameter = |it: &Field| json!({ "name": it.name, "in": "query", "required": it.needed, "schema": it.kind.schema(true) });
    query.iter().map(parameter).collect()
}

/// Callers bring a token of the API in a header; viewers bring theirs in the path, or none.
fn security(needs_token: bool) -> Value {
    let tokens = json!([{ "bearer": [] }, { "header": [] }]);
    if needs_token { tokens } else { json!([{}, { "bearer": [] }, { "header": [] }]) }
}

impl Played {
    fn operation(&self) -> Value {
        let kinds: Map<String, Value> =
            self.gives.iter().map(|it| ((*it).to_owned(), json!({}))).collect();
        json!({
            "summary": self.about,
            "parameters": parameters(self.query),
            "security": security(false),
            "responses": {
                "200": { "description": "It is this.", "content": kinds },
                "206": { "description": "The range of it that was asked for.", "content": kinds },
                "204": { "description": "There is nothing to show." },
                // Players are told in text or JSON, and some in the status alone.
                "default": { "description": "It can't be had." },
            },
        })
    }
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({ "summary": route.about, "responses": responses(route) });
    operation["parameters"] = parameters(route.query);
    if let Some(kind) = &route.takes {
        let schema = kind.schema(!route.is_change());
        let required = route.method == Method::POST && needs_something(kind);
        operation["requestBody"] = json!({ "required": required, "content": { "application/json": { "schema": schema } } });
    }
    operation["security"] = match (route.needs, route.gives) {
        (Some(_), _) => security(true),
        (None, Gives::File(_)) => security(false),
        (None, _) => json!([]),
    };
    if let Some(scope) = route.needs {
        operation["description"] = format!("Needs the scope `{}`.", name(scope)).into();
    }
    operation
}

fn needs_something(kind: &Kind) -> bool {
    matches!(kind, Kind::Object(fields) if fields.iter().any(|it| it.needed))
}

fn name(scope: Scope) -> String {
    let word = serde_json::to_value(scope).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// What every route can answer when something is wrong is one entry: OpenAPI has a word for it.
fn responses(route: &Route) -> Value {
    let json = |schema: Value| json!({ "application/json": { "schema": schema } });
    let (status, mut response) = match route.gives {
        Gives::Json(status, kind) => (status, json!({ "content": json(kind.schema(true)) })),
        Gives::Maybe(kind) => (StatusCode::OK, json!({ "content": json(kind.schema(true)) })),
        Gives::Nothing => (StatusCode::NO_CONTENT, json!({})),
        Gives::Other(kind) | Gives::File(kind) => {
            (StatusCode::OK, json!({ "content": { kind: {} } }))
        }
    };
    response["description"] = "It is done.".into();
    let error = json!({ "$ref": "#/components/schemas/error" });
    let mut all = json!({
        status.as_str(): response,
        "default": { "description": "It is not; the error says why.", "content": json(error.clone()) },
    });
    if let Some(kind) = &route.else_gives {
        let either = json(json!({ "anyOf": [kind.schema(true), error] }));
        all["404"] =
            json!({ "description": "There is none, or nothing to see.", "content": either });
    }
    if let Gives::File(kind) = route.gives {
        all["206"] = json!({ "description": "The range of it that was asked for.", "content": { kind: {} } });
        all["416"] = json!({ "description": "It has no such range." });
    }
    if matches!(route.gives, Gives::Maybe(_)) {
        all["204"] = json!({ "description": "There is nothing to show." });
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_once() {
        let document = document(all());
        let mut seen = BTreeSet::new();
        for route in all() {
            assert!(route.path.starts_with("/v1/"), "{}", route.path);
            assert!(seen.insert((route.path, route.method.as_str())), "{} twice", route.path);
            let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            assert!(
                operation["summary"].as_str().is_some_and(|it| it.ends_with('.')),
                "{}",
                route.path
            );
            assert_eq!(operation.get("requestBody").is_some(), route.takes.is_some());
            assert_eq!(words(route.path).len(), route.path.matches('{').count(), "{}", route.path);
            // What changes something is nobody's without a token.
            assert!(route.needs.is_some() || route.method == Method::GET, "{}", route.path);
        }
        let public: Vec<_> =
            super::super::routes().filter(|it| it.needs.is_none()).map(|it| it.path).collect();
        let expected = ["/v1/shows/{show}/playback", "/v1/shows/{show}/events", "/v1/openapi.json"];
        assert_eq!(public, expected, "for an audience, and nothing else");
    }
}
