//! `/v1/clips`: stretches of recordings, with names of their own.

use levada_control::{ClipId, ClipOrder, ClipView, Error, InputId, RecordingId, Reply, Request};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{COUNT, Field, Kind, MAYBE_TIME, TEXT, may, must};
use super::read::{Fields, made, nothing, ok, page, time, time_or_null};
use super::route::{Answer, Call, PAGE, Route};
use crate::server::Server;

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
    let all = call.server.control.read(|plane, _, _| {
        let page = page(&call, plane.clips().map(|it| (it.created, 0, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.clip(it));
        Ok::<_, ApiError>(views.map(|it| view(&it)).collect::<Vec<_>>())
    })?;
    ok(&json!({ "clips": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("clip")?)?)
}

fn shown(server: &Server, id: ClipId) -> Result<Value, ApiError> {
    let value = server.control.read(|plane, _, _| Some(view(&plane.clip(id)?)));
    value.ok_or_else(|| ApiError::not_found("clip"))
}

fn view(it: &ClipView<'_>) -> Value {
    let id = it.id;
    json!({
        "id": id.to_string(), "recording": it.recording.to_string(),
        "start_ms": it.order.start_ms, "duration_ms": it.order.duration_ms, "keep": it.order.keep,
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
    made(&shown(&call.server, id)?)
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
