//! `/streaming/videos`: recordings that are over.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    Plane, Recording, RecordingError, RecordingId, RecordingState, Request, rfc3339,
};
use serde_json::{Value, json};

use super::{CLIENT, number_of, unwrapped};
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::base::Base;
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};

fn shown(it: &Recording, plane: &Plane, base: &Base) -> Value {
    let (facts, state) = (it.facts(), it.state());
    let error = facts.error.map(|it| match it {
        RecordingError::StorageFull => "the storage is full",
        _ => "it could not be written",
    });
    let is_there = matches!(state, RecordingState::Viewable | RecordingState::Ready);
    let playlist = is_there.then(|| base.playlist(facts.id));
    let file = format!("{}/v1/recordings/{}/media.mp4", base.http, facts.id);
    let file = (state == RecordingState::Ready).then_some(file);
    // What was received, as it was: nothing is transcoded.
    let source = json!({
        "id": facts.number,
        "name": "source",
        "status": match state {
            RecordingState::Ready => "complete",
            RecordingState::Error => "error",
            _ => "processing",
        },
        "progress": if state == RecordingState::Ready { 100 } else { 0 },
        "height": facts.media.dimensions.map(|it| it.1),
        "mp4_url": file,
        "error": error,
    });
    json!({
        "id": facts.number,
        "slug": facts.slug,
        "name": facts.name.as_deref().unwrap_or(&facts.input_name),
        "status": state.as_str(),
        "duration": facts.media.duration_ms,
        "client_id": CLIENT,
        "stream_id": plane.input(facts.input).map(|it| it.number),
        "recording_started_at": rfc3339(facts.started),
        "created_at": rfc3339(facts.ended.unwrap_or(facts.started)),
        "converted_videos": [source],
        "hls_url": playlist,
        "hls_cmaf_url": playlist,
        "origin_url": file,
        "sprite": null,
        "screenshot": null,
        "error": error,
    })
}

/// What still grows is no video yet.
fn is_over(it: &Recording) -> bool {
    it.state() != RecordingState::Open
}

pub fn show(asked: &Asked, id: RecordingId) -> Outcome {
    asked.server.control.read(|plane, _, _| {
        let recording = plane.recording(id).ok_or_else(|| ApiError::not_found("video"))?;
        Ok(Answer::of(shown(recording, plane, &asked.base)))
    })
}

fn find(asked: &Asked, id: &str) -> Result<RecordingId, ApiError> {
    let number = number_of(id, "video")?;
    asked.server.control.read(|plane, _, _| {
        let mut all = plane.recordings().filter(|it| is_over(it));
        let found = all.find(|it| it.facts().number == number).map(|it| it.facts().id);
        found.ok_or_else(|| ApiError::not_found("video"))
    })
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    asked.server.control.read(|plane, _, _| {
        let mut all: Vec<_> = plane.recordings().filter(|it| is_over(it)).collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.facts().number));
        Ok(Answer::of(all.into_iter().map(|it| shown(it, plane, &asked.base)).collect()))
    })
}

pub async fn one(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, find(&asked, &id)?)
}

pub async fn update(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    let name = needed("name", unwrapped(&asked, "video")?.text("name")?)?;
    asked.server.control.request(Request::RenameRecording(id, name.to_owned())).await?;
    show(&asked, id)
}

pub async fn remove(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.request(Request::DeleteRecording(id)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
