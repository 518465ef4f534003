//! `/v1/openapi.json`: the description of this API, made of its routes.

use axum::http::{Method, StatusCode};
use levada_control::Scope;
use serde_json::{Map, Value, json};

use super::kind::{Field, Kind, must};
use super::read::ok;
use super::route::{Answer, Call, Gives, Route};

pub const ROUTES: &[Route] = &[Route::get("/v1/openapi.json", |it| Box::pin(one(it)))
    .about("This description.")
    .for_everybody()
    .gives_other("application/json")];

async fn one(_: Call) -> Answer {
    ok(&document(super::routes()))
}

/// OpenAPI 3.1 of some routes.
pub fn document(routes: impl Iterator<Item = &'static Route>) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path =
            paths.entry(route.path).or_insert_with(|| json!({ "parameters": words(route.path) }));
        path[route.method.as_str().to_lowercase()] = operation(route);
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
            _ => Kind::Id(32).schema(true),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    names.map(word).collect()
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({ "summary": route.about, "responses": responses(route) });
    let query = route.query.iter().map(|it| {
        json!({ "name": it.name, "in": "query", "required": it.needed, "schema": it.kind.schema(true) })
    });
    operation["parameters"] = query.collect();
    if let Some(kind) = &route.takes {
        let schema = kind.schema(!route.is_change());
        let required = route.method == Method::POST && needs_something(kind);
        operation["requestBody"] = json!({ "required": required, "content": { "application/json": { "schema": schema } } });
    }
    operation["security"] = match route.needs {
        Some(_) => json!([{ "bearer": [] }, { "header": [] }]),
        None => json!([]),
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
        Gives::Other(kind) => (StatusCode::OK, json!({ "content": { kind: {} } })),
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
        let document = document(super::super::routes());
        let mut seen = BTreeSet::new();
        for route in super::super::routes() {
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
