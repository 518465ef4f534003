//! `/v1/shows`: what an audience may see, and when.

use std::time::Duration;

use axum::http::StatusCode;
use levada_control::{
    Messages, NoticeKind, Playback, Reply, Request, ShowConfig, ShowId, ShowStatus, ShowView,
};
use serde_json::{Value, json};

use super::ApiError;
use super::events::stream_of;
use super::kind::{COUNT, Field, Kind, MAYBE_TEXT, NAME, TEXT, may, must};
use super::read::{Fields, answer, made, nothing, ok, page, time};
use super::route::{Answer, Call, PAGE, Route};
use crate::server::Server;

const STATUS: Kind = Kind::Word(&["pending", "live", "paused", "finished"]);
const MESSAGE: Kind = Kind::Maybe(&Kind::Text(1, 1000));
const MESSAGES: Kind = Kind::Object(&[
    may("pending", MESSAGE),
    may("live", MESSAGE),
    may("paused", MESSAGE),
    may("finished", MESSAGE),
]);
const INPUTS: Kind = Kind::List(&Kind::Id(32), 16);
const PAUSE: Kind = Kind::Maybe(&Kind::Whole(1, 86_400));

const BODY: &[Field] = &[
    must("name", NAME),
    must("inputs", INPUTS),
    may("status", STATUS),
    may("messages", MESSAGES),
    may("replay_after_finish", Kind::Flag),
    may("auto_pause_after_s", PAUSE),
];

const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("number", COUNT),
    must("name", NAME),
    must("inputs", INPUTS),
    must("status", STATUS),
    must("messages", MESSAGES),
    must("replay_after_finish", Kind::Flag),
    must("auto_pause_after_s", PAUSE),
    must("created", Kind::Time),
];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/shows", |it| Box::pin(list(it)))
        .about("All shows.")
        .asks(PAGE)
        .gives(&[must("shows", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/shows", |it| Box::pin(create(it)))
        .about("Make a show.")
        .takes(BODY)
        .makes(VIEW),
    Route::get("/v1/shows/{show}", |it| Box::pin(one(it))).about("A show.").gives(VIEW),
    Route::patch("/v1/shows/{show}", |it| Box::pin(update(it)))
        .about("Change a show. Any status may follow any other.")
        .takes(BODY)
        .gives(VIEW),
    Route::delete("/v1/shows/{show}", |it| Box::pin(remove(it))).about("Delete a show."),
    Route::get("/v1/shows/{show}/playback", |it| Box::pin(playback(it)))
        .about("What its audience gets: a playlist, or with 404 a status and a message.")
        .for_everybody()
        .gives(&[
            must("status", STATUS),
            must("input", Kind::Maybe(&Kind::Id(32))),
            must("recording", Kind::Maybe(&Kind::Id(32))),
            must("hls", MAYBE_TEXT),
            must("message", TEXT),
        ])
        .else_gives(&[must("status", STATUS), must("message", TEXT)]),
    Route::get("/v1/shows/{show}/events", |it| Box::pin(events(it)))
        .about("Changes of its status, as server-sent events.")
        .for_everybody()
        .gives_other("text/event-stream"),
];

async fn list(call: Call) -> Answer {
    let all = call.server.control.read(|plane, _, _| {
        let page = page(&call, plane.shows().map(|it| (it.created, it.number, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.show(it));
        Ok::<_, ApiError>(views.map(|it| view(&it)).collect::<Vec<_>>())
    })?;
    ok(&json!({ "shows": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("show")?)?)
}

fn shown(server: &Server, id: ShowId) -> Result<Value, ApiError> {
    let value = server.control.read(|plane, _, _| Some(view(&plane.show(id)?)));
    value.ok_or_else(|| ApiError::not_found("show"))
}

fn view(it: &ShowView<'_>) -> Value {
    let config = it.config;
    let Messages { pending, live, paused, finished, .. } = &config.messages;
    let inputs: Vec<String> = config.inputs.iter().map(ToString::to_string).collect();
    json!({
        "id": it.id.to_string(), "number": it.number, "name": config.name, "inputs": inputs,
        "status": it.machine.status().as_str(),
        "messages": { "pending": pending, "live": live, "paused": paused, "finished": finished },
        "replay_after_finish": config.replay_after_finish,
        "auto_pause_after_s": config.auto_pause.map(|it| it.as_secs()),
        "created": time(it.created),
    })
}

fn status(body: Fields<'_>) -> Option<ShowStatus> {
    Some(match body.text("status")? {
        "live" => ShowStatus::Live,
        "paused" => ShowStatus::Paused,
        "finished" => ShowStatus::Finished,
        _ => ShowStatus::Pending,
    })
}

/// Lays a body over what is there, except for the status.
fn apply(config: &mut ShowConfig, body: Fields<'_>) {
    if let Some(name) = body.text("name") {
        config.name = name.into();
    }
    if let Some(inputs) = body.parsed("inputs") {
        config.inputs = inputs;
    }
    if let Some(messages) = body.object("messages") {
        let own = &mut config.messages;
        let all = [
            ("pending", &mut own.pending),
            ("live", &mut own.live),
            ("paused", &mut own.paused),
            ("finished", &mut own.finished),
        ];
        for (name, text) in all.into_iter().filter(|it| messages.has(it.0)) {
            *text = messages.text(name).map(str::to_owned);
        }
    }
    config.replay_after_finish =
        body.flag("replay_after_finish").unwrap_or(config.replay_after_finish);
    if body.has("auto_pause_after_s") {
        config.auto_pause = body.whole("auto_pause_after_s").map(Duration::from_secs);
    }
}

async fn create(call: Call) -> Answer {
    let body = Fields(&call.body);
    let mut config = ShowConfig::default();
    apply(&mut config, body);
    config.status = status(body).unwrap_or_default();
    let Reply::Show(id) = call.server.control.request(Request::CreateShow(config)).await? else {
        return Err(ApiError::not_found("show"));
    };
    made(&shown(&call.server, id)?)
}

async fn update(call: Call) -> Answer {
    let id = call.id("show")?;
    let body = Fields(&call.body);
    let change = call.server.control.change(|plane, _, _| {
        let mut config = plane.show(id).ok_or(ApiError::not_found("show"))?.config.clone();
        apply(&mut config, body);
        Ok::<_, ApiError>(Request::UpdateShow(id, config).into())
    });
    change.await?;
    if let Some(status) = status(body) {
        call.server.control.request(Request::SetShow(id, status)).await?;
    }
    ok(&shown(&call.server, id)?)
}

async fn remove(call: Call) -> Answer {
    call.server.control.request(Request::DeleteShow(call.id("show")?)).await?;
    nothing()
}

async fn playback(call: Call) -> Answer {
    let id = call.id("show")?;
    let (code, value) = call
        .server
        .control
        .read(|plane, _, _| {
            let status = plane.show(id)?.machine.status().as_str();
            let message = plane.show(id)?.machine.message();
            let playlist = |id: &str| format!("/{id}/manifest/video.m3u8");
            let (input, recording) = match plane.playback(id)? {
                Playback::Live(input) => (Some(input), None),
                Playback::Replay(recording @ Some(_), _) => (None, recording),
                Playback::Replay(None, input @ Some(_)) => (input, None),
                _ => {
                    let why = json!({ "status": status, "message": message });
                    return Some((StatusCode::NOT_FOUND, why));
                }
            };
            let (input, recording) =
                (input.map(|it| it.to_string()), recording.map(|it| it.to_string()));
            let hls = input.as_deref().or(recording.as_deref()).map(playlist);
            let found = json!({
                "status": status, "input": input, "recording": recording, "hls": hls,
                "message": message,
            });
            Some((StatusCode::OK, found))
        })
        .ok_or_else(|| ApiError::not_found("show"))?;
    answer(code, &value)
}

async fn events(call: Call) -> Answer {
    let id: ShowId = call.id("show")?;
    shown(&call.server, id)?;
    Ok(stream_of(
        call.server,
        move |notice| matches!(&notice.kind, NoticeKind::ShowChanged { show, .. } if *show == id),
    ))
}
