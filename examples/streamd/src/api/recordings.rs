//! `/v1/recordings`: what was recorded, and its files.

use std::path::Path;
use std::time::Duration;

use levada_control::{
    InputId, Plane, Recording, RecordingError, RecordingGap, RecordingId, Rendition, Reply, Request,
};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{COUNT, Field, Kind, MAYBE_COUNT, MAYBE_TIME, TEXT, may, must};
use super::read::{Fields, nothing, ok, page, time, time_or_null};
use super::route::{Answer, Call, PAGE, Route};
use crate::record;
use crate::server::Server;
use crate::store::Extras;

/// How long an answer waits for a keyframe that a recording can begin with.
const KEYFRAME: Duration = Duration::from_secs(2);

const NAME: Kind = Kind::Text(1, 256);
const ORIGINS: Kind = Kind::List(&Kind::Text(1, 261), 100);

const BODY: &[Field] = &[
    may("name", NAME),
    may("require_signed", Kind::Flag),
    may("allowed_origins", ORIGINS),
    may("strict_origin", Kind::Flag),
];

const FILE: Kind = Kind::Object(&[must("file", TEXT), must("url", TEXT), must("bytes", COUNT)]);

pub const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("number", COUNT),
    must("slug", Kind::Text(16, 16)),
    must("name", Kind::Maybe(&NAME)),
    must("input", Kind::Object(&[must("id", Kind::Id(32)), must("name", Kind::Text(1, 1024))])),
    must("state", Kind::Word(&["recording", "pending", "viewable", "ready", "error"])),
    must("error", Kind::Maybe(&Kind::Word(&["storage_full", "io"]))),
    must("started", Kind::Time),
    must("ended", MAYBE_TIME),
    must("duration_ms", COUNT),
    must("size", COUNT),
    must("parts", COUNT),
    must("codecs", Kind::List(&TEXT, 16)),
    must("width", MAYBE_COUNT),
    must("height", MAYBE_COUNT),
    must("continues", Kind::Maybe(&Kind::Id(32))),
    must("truncated", Kind::Flag),
    must(
        "gaps",
        Kind::List(
            &Kind::Object(&[must("at_ms", COUNT), must("missing_ms", COUNT), must("reason", TEXT)]),
            1000,
        ),
    ),
    must(
        "renditions",
        Kind::List(
            &Kind::Object(&[
                must("name", TEXT),
                must("height", COUNT),
                must("status", Kind::Word(&["processing", "complete", "error"])),
                must("progress", COUNT),
            ]),
            16,
        ),
    ),
    must("require_signed", Kind::Flag),
    must("allowed_origins", ORIGINS),
    must("strict_origin", Kind::Flag),
    must("delete_after_days", MAYBE_COUNT),
    must("scheduled_deletion", MAYBE_TIME),
    must("hls", TEXT),
    must("mp4", TEXT),
    must("flv", TEXT),
    must("files", Kind::List(&FILE, 100_000)),
    // Where a recording was started: whether the space for it is nearly used up.
    may("storage_low", Kind::Flag),
];

const OF_INPUT: &[Field] = &[PAGE[0], PAGE[1], may("input", Kind::Id(32))];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/recordings", |it| Box::pin(list(it)))
        .about("All recordings, or those of an input.")
        .asks(OF_INPUT)
        .gives(&[must("recordings", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::get("/v1/recordings/{recording}", |it| Box::pin(one(it)))
        .about("A recording.")
        .gives(VIEW),
    Route::patch("/v1/recordings/{recording}", |it| Box::pin(update(it)))
        .about("Name a recording, or say who may watch it.")
        .takes(BODY)
        .gives(VIEW),
    Route::delete("/v1/recordings/{recording}", |it| Box::pin(remove(it)))
        .about("Delete a recording with its files. Clips that are kept stay."),
    Route::post("/v1/inputs/{input}/recording/start", |it| Box::pin(start(it)))
        .about("Record a live input from its next keyframe on. Again is fine. If that takes longer than two seconds, nothing is answered.")
        .gives_maybe(VIEW),
    Route::post("/v1/inputs/{input}/recording/stop", |it| Box::pin(stop(it)))
        .about("Stop recording. If nothing is being recorded, nothing is answered.")
        .gives_maybe(VIEW),
];

async fn list(call: Call) -> Answer {
    let input = call.query("input").and_then(|it| it.parse::<InputId>().ok());
    let all = call.server.control.read(|plane, _, extras| {
        let of_it = |it: &&Recording| input.is_none_or(|input| it.facts().input == input);
        let all = plane.recordings().filter(of_it).map(Recording::facts);
        let page = page(&call, all.map(|it| (it.started, it.number, it.id)))?;
        let found = page.into_iter().filter_map(|it| plane.recording(it));
        Ok::<_, ApiError>(found.map(|it| view(it, extras)).collect::<Vec<_>>())
    })?;
    let root = call.server.config().data.join("recordings");
    let all = sized(all, &root).await;
    ok(&json!({ "recordings": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("recording")?).await?)
}

async fn shown(server: &Server, id: RecordingId) -> Result<Value, ApiError> {
    let value = server.control.read(|plane, _, extras| Some(view(plane.recording(id)?, extras)));
    let value = value.ok_or_else(|| ApiError::not_found("recording"))?;
    let root = server.config().data.join("recordings");
    sized(vec![value], &root).await.pop().ok_or_else(|| ApiError::not_found("recording"))
}

/// With the sizes of the files, which only the disk knows. What is not there any more is not shown.
async fn sized(mut all: Vec<Value>, root: &Path) -> Vec<Value> {
    let root = root.to_owned();
    let look = tokio::task::spawn_blocking(move || {
        for recording in &mut all {
            let paths = recording["files"].as_array().cloned().unwrap_or_default();
            let files = paths.iter().filter_map(|it| file(&root, Path::new(it.as_str()?)));
            recording["files"] = files.collect();
        }
        all
    });
    look.await.unwrap_or_default()
}

fn file(root: &Path, path: &Path) -> Option<Value> {
    let name = path.strip_prefix(root).ok()?.to_str()?;
    let bytes = std::fs::metadata(path).ok()?.len();
    Some(json!({ "file": name, "url": format!("/recordings/{name}"), "bytes": bytes }))
}

fn view(it: &Recording, extras: &Extras) -> Value {
    let (facts, media) = (it.facts(), &it.facts().media);
    let id = facts.id;
    let gap = |it: &RecordingGap| json!({ "at_ms": it.at_ms, "missing_ms": it.missing_ms, "reason": it.reason.code() });
    let gaps: Vec<Value> = facts.gaps.iter().map(gap).collect();
    let rendition = |it: &Rendition| {
        let done = if it.progress == 100 { "complete" } else { "processing" };
        let status = if it.failed { "error" } else { done };
        json!({ "name": it.name, "height": it.height, "status": status, "progress": it.progress })
    };
    let renditions: Vec<Value> = media.renditions.iter().map(rendition).collect();
    json!({
        "id": id.to_string(), "number": facts.number, "slug": facts.slug, "name": facts.name,
        "input": { "id": facts.input.to_string(), "name": facts.input_name },
        "state": it.state().as_str(),
        "error": facts.error.map(|it| match it {
            RecordingError::StorageFull => "storage_full",
            _ => "io",
        }),
        "started": time(facts.started), "ended": time_or_null(facts.ended),
        "duration_ms": media.duration_ms, "size": media.size, "parts": media.parts,
        "codecs": media.codecs, "width": media.dimensions.map(|it| it.0),
        "height": media.dimensions.map(|it| it.1),
        "continues": facts.continues.map(|it| it.to_string()), "truncated": facts.truncated,
        "gaps": gaps, "renditions": renditions,
        "require_signed": facts.access.require_signed,
        "allowed_origins": facts.access.allowed_origins,
        "strict_origin": facts.access.strict_origin,
        "delete_after_days": facts.delete_after_days,
        "scheduled_deletion": time_or_null(facts.scheduled_deletion),
        "hls": format!("/{id}/manifest/video.m3u8"),
        "mp4": format!("/v1/recordings/{id}/media.mp4"),
        "flv": format!("/v1/recordings/{id}/media.flv"),
        "files": record::names(extras, id),
    })
}

async fn update(call: Call) -> Answer {
    let id: RecordingId = call.id("recording")?;
    let body = Fields(&call.body);
    let control = &call.server.control;
    if let Some(name) = body.text("name") {
        control.request(Request::RenameRecording(id, name.into())).await?;
    }
    if call.body.keys().any(|it| it != "name") {
        let change = control.change(|plane, _, _| {
            let mut access = recording(plane, id)?.facts().access.clone();
            if let Some(origins) = body.texts("allowed_origins") {
                access.allowed_origins = origins;
            }
            access.require_signed = body.flag("require_signed").unwrap_or(access.require_signed);
            access.strict_origin = body.flag("strict_origin").unwrap_or(access.strict_origin);
            Ok::<_, ApiError>(Request::SetRecordingAccess(id, access).into())
        });
        change.await?;
    }
    ok(&shown(&call.server, id).await?)
}

fn recording(plane: &Plane, id: RecordingId) -> Result<&Recording, ApiError> {
    plane.recording(id).ok_or_else(|| ApiError::not_found("recording"))
}

async fn remove(call: Call) -> Answer {
    call.server.control.request(Request::DeleteRecording(call.id("recording")?)).await?;
    nothing()
}

async fn start(call: Call) -> Answer {
    let input: InputId = call.id("input")?;
    let control = &call.server.control;
    let reply = control.request(Request::StartRecording(input)).await?;
    let runs = |plane: &Plane| plane.input(input)?.recorder.state().recording();
    control.until(KEYFRAME, |plane| runs(plane).is_some()).await;
    let Some(id) = control.read(|plane, _, _| runs(plane)) else { return nothing() };
    let mut value = shown(&call.server, id).await?;
    if let Reply::RecordingStarts { storage_low } = reply {
        value["storage_low"] = storage_low.into();
    }
    ok(&value)
}

async fn stop(call: Call) -> Answer {
    let reply = call.server.control.request(Request::StopRecording(call.id("input")?)).await?;
    match reply {
        Reply::RecordingStopped(Some(id)) => ok(&shown(&call.server, id).await?),
        _ => nothing(),
    }
}
