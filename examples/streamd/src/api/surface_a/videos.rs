//! Recordings, as videos.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{AccessRules, InputId, Recording, RecordingId, Request, video};
use serde_json::Value;

use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::fields::Fields;
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;

/// Where metadata are kept that are only given back.
fn place(id: RecordingId) -> String {
    format!("recording/{id}/surface-a")
}

fn shown(asked: &Asked, it: &Recording, extras: &Extras) -> Value {
    let text = video(it.facts(), it.state(), &asked.base.http);
    let mut video: Value = serde_json::from_str(&text).unwrap_or_default();
    let meta = extras.get(&place(it.facts().id)).and_then(Value::as_object);
    for (name, value) in meta.into_iter().flatten().filter(|it| it.0 != "name") {
        video["meta"][name] = value.clone();
    }
    video
}

fn show(asked: &Asked, id: RecordingId) -> Outcome {
    asked.server.control.read(|plane, _, extras| {
        let recording = plane.recording(id).ok_or_else(|| ApiError::not_found("video"))?;
        Ok(Answer::of(shown(asked, recording, extras)))
    })
}

pub async fn of_input(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Read>) -> Outcome {
    let id: InputId = uid.parse()?;
    asked.server.control.read(|plane, _, extras| {
        let mut all: Vec<_> = plane.recordings().filter(|it| it.facts().input == id).collect();
        if all.is_empty() && plane.input(id).is_none() {
            return Err(ApiError::not_found("live input"));
        }
        all.sort_by_key(|it| std::cmp::Reverse(it.facts().number));
        let all: Vec<Value> = all.into_iter().map(|it| shown(&asked, it, extras)).collect();
        Ok(Answer::of(all.into()))
    })
}

pub async fn one(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, uid.parse()?)
}

/// What a body makes of who may watch: what it does not say stays.
fn allowed(fields: Fields<'_>, access: AccessRules) -> Result<AccessRules, ApiError> {
    let mut access = access;
    if let Some(signed) = fields.flag("requireSignedURLs")? {
        access.require_signed = signed;
    }
    if fields.given("allowedOrigins").is_some() {
        access.allowed_origins = fields.texts("allowedOrigins")?.unwrap_or_default();
    }
    Ok(access)
}

pub async fn update(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let (id, fields): (RecordingId, _) = (uid.parse()?, asked.fields()?);
    let name = fields.inner("meta")?.text("name")?;
    let meta = fields.given("meta").filter(|it| it.is_object());
    if meta.is_some_and(|it| it.to_string().len() > 4096) {
        return Err(ApiError::invalid("meta", "must have at most 4096 bytes"));
    }
    let control = &asked.server.control;
    let change = control.change(|plane, _, _| {
        let recording = plane.recording(id).ok_or_else(|| ApiError::not_found("video"))?;
        let access = allowed(fields, recording.facts().access.clone())?;
        let change = Change::from(Request::SetRecordingAccess(id, access));
        Ok::<_, ApiError>(change.with(move |_, _, extras| {
            if let Some(meta) = meta {
                extras.insert(place(id), meta.clone());
            }
        }))
    });
    change.await?;
    if let Some(name) = name {
        control.request(Request::RenameRecording(id, name.to_owned())).await?;
    }
    show(&asked, id)
}

pub async fn remove(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    asked.server.control.request(Request::DeleteRecording(uid.parse()?)).await?;
    Ok(Answer::empty(StatusCode::OK))
}
