//! `…/keys`: keys for playback tokens. `…/{uid}/token`: tokens that the server signs itself.

use axum::extract::Path;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use levada_control::{Algorithm, Claims, SigningKeyId, rfc3339};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::api::asked::{Manage, May, Read};
use crate::api::keys::{HOUR, failed};
use crate::api::outcome::{Answer, Outcome};
use crate::http::access::Subject;
use crate::signing;

fn shown(id: SigningKeyId, created: i64) -> Value {
    json!({ "id": id.to_string(), "created": rfc3339(created) })
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    let mut all: Vec<_> = asked.server.control.read(|plane, _, _| plane.signing_keys().collect());
    all.sort_by_key(|it| std::cmp::Reverse(it.2));
    Ok(Answer::of(all.into_iter().map(|(id, _, created)| shown(id, created)).collect()))
}

/// The private part is in this answer, and nowhere else.
pub async fn create(May(asked, _): May<Manage>) -> Outcome {
    let control = &asked.server.control;
    let key = signing::create(control, Algorithm::Rs256).await.map_err(failed)?;
    let created = control
        .read(|plane, _, _| plane.signing_keys().find(|it| it.0 == key.id).map_or(0, |it| it.2));
    let mut answer = shown(key.id, created);
    answer["pem"] = BASE64_STANDARD.encode(key.pem.unwrap_or_default()).into();
    answer["jwk"] = BASE64_STANDARD.encode(key.jwk.to_string()).into();
    Ok(Answer::of(answer))
}

pub async fn remove(Path((_, key)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    signing::delete(&asked.server.control, key.parse()?).await?;
    Ok(Answer::of("Revoked".into()))
}

pub async fn token(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let (control, fields) = (&asked.server.control, asked.fields()?);
    if control.read(|plane, _, _| Subject::of(plane, &uid)).is_none() {
        return Err(ApiError::not_found("video or live input"));
    }
    let now = control.now();
    let rules = fields.list("accessRules")?.cloned().unwrap_or_default();
    let rules = rules.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    let wrong = |_| ApiError::invalid("accessRules", "must each have a type and an action");
    let claims = Claims {
        sub: uid,
        exp: Some(fields.whole("exp")?.unwrap_or(now.unix_ms / 1000 + HOUR)),
        nbf: fields.whole("nbf")?,
        downloadable: fields.flag("downloadable")?.unwrap_or(false),
        rules: rules.map_err(wrong)?,
    };
    claims.check(now)?;
    let token = signing::token(control, &claims).await.map_err(failed)?;
    Ok(Answer::of(json!({ "token": token })))
}
