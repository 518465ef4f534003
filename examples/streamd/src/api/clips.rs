//! `/v1/clips`: stretches of recordings, with names of their own.

use levada_control::{
    ClipId, ClipOrder, ClipView, Error, InputId, Plane, RecordingId, Reply, Request,
};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{COUNT, Field, Kind, MAYBE_TIME, TEXT, may, must};
use super::read::{Fields, made, nothing, ok, page, time, time_or_null};
use super::route::{Answer, Call, PAGE, Route};
use crate::clips;
use crate::server::Server;
use crate::store::Extras;

/// A day: no recording that is cut is longer than what it is cut out of anyway.
const LONGEST_MS: i64 = 7 * 86_400_000;

const BODY: &[Field] = &[
    must("source", Kind::Id(32)),
    must("start_ms", Kind::Whole(0, LONGEST_MS)),
    must("duration_ms", Kind::Whole(1, LONGEST_MS)),
    may("keep", Kind::Flag),
    may("expires_after_s", Kind::Whole(60, 14_400)),
];

const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("recording", Kind::Id(32)),
    must("start_ms", COUNT),
    must("duration_ms", COUNT),
    must("keep", Kind::Flag),
    must("state", Kind::Word(&["pending", "ready", "failed"])),
    // Whether it is in that state: older than the others.
    must("ready", Kind::Flag),
    must("error", Kind::Maybe(&Kind::Word(clips::FAILURES))),
    must("require_signed", Kind::Flag),
    must("hls", TEXT),
    must("mp4", TEXT),
    must("expires", MAYBE_TIME),
    must("created", Kind::Time),
];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/clips", |it| Box::pin(list(it)))
        .about("All clips.")
        .asks(PAGE)
        .gives(&[must("clips", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/clips", |it| Box::pin(create(it)))
        .about("Cut a clip out of a recording, or out of what an input is being recorded into.")
        .takes(BODY)
        .makes(VIEW),
    Route::get("/v1/clips/{clip}", |it| Box::pin(one(it))).about("A clip.").gives(VIEW),
    Route::delete("/v1/clips/{clip}", |it| Box::pin(remove(it))).about("Delete a clip."),
];

async fn list(call: Call) -> Answer {
    let (ids, all) = call.server.control.read(|plane, _, extras| {
        let page = page(&call, plane.clips().map(|it| (it.created, 0, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.clip(it));
        Ok::<_, ApiError>(views.map(|it| (it.id, view(&it, plane, extras))).unzip())
    })?;
    let all = looked_up(&call.server, ids, all).await;
    ok(&json!({ "clips": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("clip")?).await?)
}

async fn shown(server: &Server, id: ClipId) -> Result<Value, ApiError> {
    let found = server.control.read(|plane, _, extras| Some(view(&plane.clip(id)?, plane, extras)));
    let value = found.ok_or_else(|| ApiError::not_found("clip"))?;
    looked_up(server, vec![id], vec![value]).await.pop().ok_or_else(|| ApiError::not_found("clip"))
}

/// With what only the disk knows: which of them have been cut.
async fn looked_up(server: &Server, ids: Vec<ClipId>, mut all: Vec<Value>) -> Vec<Value> {
    let files: Vec<_> = ids.into_iter().map(|it| clips::file(server, it)).collect();
    let look = tokio::task::spawn_blocking(move || {
        for (clip, file) in all.iter_mut().zip(files) {
            let ready = file.is_file();
            let state = match &clip["error"] {
                _ if ready => "ready",
                Value::Null => "pending",
                _ => "failed",
            };
            (clip["state"], clip["ready"]) = (state.into(), ready.into());
        }
        all
    });
    look.await.unwrap_or_default()
}

fn view(it: &ClipView<'_>, plane: &Plane, extras: &Extras) -> Value {
    let id = it.id;
    // Its own rules are kept a moment after it is there.
    let of_source = || Some(plane.recording(it.recording)?.facts().access.clone());
    let rules = clips::access(extras, id).or_else(of_source);
    json!({
        "id": id.to_string(), "recording": it.recording.to_string(),
        "start_ms": it.order.start_ms, "duration_ms": it.order.duration_ms, "keep": it.order.keep,
        "error": clips::failure(extras, id),
        "require_signed": rules.is_none_or(|it| it.require_signed),
        "hls": format!("/{id}/manifest/video.m3u8"), "mp4": format!("/v1/clips/{id}/media.mp4"),
        "expires": time_or_null(it.expires), "created": time(it.created),
    })
}

async fn create(call: Call) -> Answer {
    let body = Fields(&call.body);
    let source = body.text("source").unwrap_or_default();
    let order = ClipOrder {
        start_ms: body.whole("start_ms").unwrap_or(0),
        duration_ms: body.whole("duration_ms").unwrap_or(0),
        keep: body.flag("keep").unwrap_or(false),
        expires_after_s: body.whole("expires_after_s"),
    };
    let change = call.server.control.change(|plane, _, _| {
        let recording: RecordingId = source.parse()?;
        let runs = || plane.input(source.parse::<InputId>().ok()?)?.recorder.state().recording();
        let recording = plane.recording(recording).map(|_| recording).or_else(runs);
        let recording = recording.ok_or(ApiError::invalid("source", "names no recording"))?;
        Ok::<_, ApiError>(Request::CreateClip(recording, order).into())
    });
    let Reply::Clip(id) = change.await.map_err(in_our_words)? else {
        return Err(ApiError::not_found("clip"));
    };
    made(&shown(&call.server, id).await?)
}

/// The plane calls the fields by their short names.
fn in_our_words(why: ApiError) -> ApiError {
    let ours = match why.field.as_deref() {
        Some("start") => "start_ms",
        Some("duration") => "duration_ms",
        Some("expiration") => "expires_after_s",
        _ => return why,
    };
    let short = why.field.clone().unwrap_or_default();
    let message = why.message.replacen(&short, ours, 1);
    ApiError { field: Some(ours.into()), message, ..why }
}

async fn remove(call: Call) -> Answer {
    let id = call.id("clip")?;
    call.server.control.change(|_, _, _| Ok::<_, Error>(Request::DeleteClip(id).into())).await?;
    nothing()
}
