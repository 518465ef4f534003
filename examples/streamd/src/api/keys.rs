//! `/v1/signing-keys`: keys for playback tokens; `/v1/tokens`: tokens that the server signs itself.

use axum::http::StatusCode;
use levada_control::{AccessRule, Algorithm, Claims, SigningKeyId};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{Field, Kind, may, must};
use super::read::{Fields, made, nothing, ok, page, time};
use super::route::{Answer, Call, PAGE, Route};
use crate::http::access::Subject;
use crate::signing;

/// How long a token is good for unless it is said, in seconds.
pub const HOUR: i64 = 3600;

const ALGORITHM: Kind = Kind::Word(&["RS256", "EdDSA", "HS256"]);
const SECONDS: Kind = Kind::Whole(0, i64::MAX);

const VIEW: &[Field] =
    &[must("id", Kind::Id(32)), must("alg", ALGORITHM), must("created", Kind::Time)];

const NEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("alg", ALGORITHM),
    must("created", Kind::Time),
    must("pem", Kind::Maybe(&Kind::Text(1, 8192))),
    must("jwk", Kind::Map),
];

const WANTED: &[Field] = &[
    must("sub", Kind::Id(32)),
    may("exp", SECONDS),
    may("nbf", SECONDS),
    may("downloadable", Kind::Flag),
    may("rules", Kind::List(&Kind::Map, 5)),
];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/signing-keys", |it| Box::pin(list(it)))
        .about("Keys that playback tokens are signed with, the newest first.")
        .asks(PAGE)
        .gives(&[must("signing_keys", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/signing-keys", |it| Box::pin(create(it)))
        .about("Make a key. Its private part is shown here and never again.")
        .takes(&[may("alg", ALGORITHM)])
        .makes(NEW),
    Route::delete("/v1/signing-keys/{key}", |it| Box::pin(delete(it)))
        .about("Forget a key: its tokens are worth nothing from now on."),
    Route::post("/v1/tokens", |it| Box::pin(token(it)))
        .about("A token for watching one input, recording or clip, for an hour unless it is said.")
        .takes(WANTED)
        .gives(&[must("token", Kind::Text(1, 8192))]),
];

/// What a key is called and what it is for.
fn view(id: SigningKeyId, algorithm: Algorithm, created: i64) -> Value {
    json!({ "id": id, "alg": algorithm.as_str(), "created": time(created) })
}

async fn list(call: Call) -> Answer {
    let keys = call.server.control.read(|plane, _, _| plane.signing_keys().collect::<Vec<_>>());
    let shown = page(&call, keys.iter().map(|(id, _, created)| (*created, 0, *id)))?;
    let found = |id: &SigningKeyId| keys.iter().find(|it| it.0 == *id);
    let all = shown.iter().filter_map(found).map(|(id, alg, at)| view(*id, *alg, *at));
    ok(&json!({ "signing_keys": all.collect::<Vec<_>>() }))
}

async fn create(call: Call) -> Answer {
    let algorithm = Fields(&call.body).text("alg").and_then(Algorithm::parse).unwrap_or_default();
    let control = &call.server.control;
    let key = signing::create(control, algorithm).await.map_err(failed)?;
    let created = control
        .read(|plane, _, _| plane.signing_keys().find(|it| it.0 == key.id).map_or(0, |it| it.2));
    let mut shown = view(key.id, algorithm, created);
    (shown["pem"], shown["jwk"]) = (json!(key.pem), key.jwk);
    made(&shown)
}

async fn delete(call: Call) -> Answer {
    signing::delete(&call.server.control, call.id("key")?).await?;
    nothing()
}

async fn token(call: Call) -> Answer {
    let (control, body) = (&call.server.control, Fields(&call.body));
    let sub = body.text("sub").unwrap_or_default().to_owned();
    if control.read(|plane, _, _| Subject::of(plane, &sub)).is_none() {
        return Err(ApiError::invalid("sub", "must be the id of an input, a recording or a clip"));
    }
    let rules = call.body.get("rules").cloned().unwrap_or_else(|| json!([]));
    let rules: Vec<AccessRule> = serde_json::from_value(rules).map_err(|_| {
        let why = "must each have a type (any, ip.src, ip.geoip.country), an action (allow, block) and what the type needs";
        ApiError::invalid("rules", why)
    })?;
    let now = control.now();
    let claims = Claims {
        sub,
        exp: Some(body.whole("exp").unwrap_or(now.unix_ms / 1000 + HOUR)),
        nbf: body.whole("nbf"),
        downloadable: body.flag("downloadable").unwrap_or(false),
        rules,
    };
    claims.check(now)?;
    let token = signing::token(control, &claims).await.map_err(failed)?;
    ok(&json!({ "token": token }))
}

pub fn failed(why: anyhow::Error) -> ApiError {
    match why.downcast::<levada_control::Error>() {
        Ok(why) => why.into(),
        Err(why) => {
            tracing::error!(why = format!("{why:#}"), "cannot make a key");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "no key could be made")
        }
    }
}
