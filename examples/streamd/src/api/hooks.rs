//! `/v1/hooks`: who is told of what happens.

use levada_control::{
    HookAnswer, HookConfig, HookFormat, HookId, HookView, InputId, KeyRef, Keyring, Reply, Request,
};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{COUNT, Field, Kind, MAYBE_COUNT, MAYBE_TEXT, may, must};
use super::read::{Fields, hint, key, made, nothing, ok, page, time};
use super::route::{Answer, Call, PAGE, Route};
use crate::server::Server;

/// What can happen. A word with a dot at its end stands for all that begin with it.
const EVENTS: &[&str] = &[
    "hook.",
    "hook.test",
    "input.",
    "input.connected",
    "input.deactivated",
    "input.deleted",
    "input.ended",
    "input.errored",
    "input.keys_rotated",
    "input.live",
    "input.ready",
    "input.resumed",
    "input.slot_switched",
    "input.suspended",
    "listener.",
    "listener.failed",
    "listener.started",
    "listener.stopped",
    "output.",
    "output.failed",
    "output.retrying",
    "output.started",
    "output.stopped",
    "recording.",
    "recording.deleted",
    "recording.error",
    "recording.pending",
    "recording.ready",
    "recording.started",
    "recording.stopped",
    "recording.viewable",
    "show.",
    "show.changed",
];

const URL: Kind = Kind::Text(1, 2048);
const FORMAT: Kind = Kind::Word(&["native", "A", "B", "C"]);
const EVENT_LIST: Kind = Kind::List(&Kind::Word(EVENTS), 64);
const INPUT_LIST: Kind = Kind::List(&Kind::Id(32), 1000);

const BODY: &[Field] = &[
    must("url", URL),
    must("format", FORMAT),
    may("events", EVENT_LIST),
    may("inputs", INPUT_LIST),
    may("retry", Kind::Flag),
];

const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("url", URL),
    must("format", FORMAT),
    must("events", EVENT_LIST),
    must("inputs", INPUT_LIST),
    must("retry", Kind::Flag),
    must("secret", MAYBE_TEXT),
    must("secret_hint", MAYBE_TEXT),
    must("waiting", COUNT),
    must("dropped", COUNT),
    must("failed", COUNT),
    must("created", Kind::Time),
];

const DELIVERY: Kind = Kind::Object(&[
    must("id", COUNT),
    must("attempts", COUNT),
    must("success", Kind::Flag),
    must("status", MAYBE_COUNT),
    must("error", Kind::Maybe(&Kind::Word(&["unreachable", "timeout"]))),
    must("at", Kind::Time),
]);

pub const ROUTES: &[Route] = &[
    Route::get("/v1/hooks", |it| Box::pin(list(it)))
        .about("All webhooks.")
        .asks(PAGE)
        .gives(&[must("hooks", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/hooks", |it| Box::pin(create(it)))
        .about("Make a webhook. Its secret is shown this once.")
        .takes(BODY)
        .makes(VIEW),
    Route::get("/v1/hooks/{hook}", |it| Box::pin(one(it))).about("A webhook.").gives(VIEW),
    Route::patch("/v1/hooks/{hook}", |it| Box::pin(update(it)))
        .about("Change a webhook. What waits is still delivered.")
        .takes(BODY)
        .gives(VIEW),
    Route::delete("/v1/hooks/{hook}", |it| Box::pin(remove(it)))
        .about("Delete a webhook and what waits at it."),
    Route::post("/v1/hooks/{hook}/test", |it| Box::pin(test(it)))
        .about("Deliver `hook.test` to a webhook."),
    Route::get("/v1/hooks/{hook}/deliveries", |it| Box::pin(deliveries(it)))
        .about("The last deliveries that ended, the newest first.")
        .gives(&[must("deliveries", Kind::List(&DELIVERY, 1000))]),
];

async fn list(call: Call) -> Answer {
    let all = call.server.control.read(|plane, keys, _| {
        let page = page(&call, plane.hooks().map(|it| (it.created, 0, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.hook(it));
        Ok::<_, ApiError>(views.map(|it| view(&it, keys, false)).collect::<Vec<_>>())
    })?;
    ok(&json!({ "hooks": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("hook")?, call.reveals())?)
}

fn shown(server: &Server, id: HookId, reveal: bool) -> Result<Value, ApiError> {
    let value = server.control.read(|plane, keys, _| Some(view(&plane.hook(id)?, keys, reveal)));
    value.ok_or_else(|| ApiError::not_found("hook"))
}

fn view(it: &HookView<'_>, keys: &Keyring, reveal: bool) -> Value {
    let config = it.config;
    let format = match config.format {
        HookFormat::LiveInputs => "A",
        HookFormat::Streams => "B",
        HookFormat::Calls => "C",
        _ => "native",
    };
    let inputs: Vec<String> = config.inputs.iter().map(InputId::to_string).collect();
    let secret = KeyRef::Hook(it.id);
    json!({
        "id": it.id.to_string(), "url": config.url, "format": format, "events": config.events,
        "inputs": inputs, "retry": config.retry, "secret": key(keys, secret, reveal),
        "secret_hint": hint(keys, secret), "waiting": it.machine.waiting(),
        "dropped": it.machine.dropped(), "failed": it.machine.failed(), "created": time(it.created),
    })
}

/// Lays a body over what is there.
fn apply(config: &mut HookConfig, body: Fields<'_>) {
    if let Some(url) = body.text("url") {
        config.url = url.into();
    }
    match body.text("format") {
        Some("A") => config.format = HookFormat::LiveInputs,
        Some("B") => config.format = HookFormat::Streams,
        Some("C") => config.format = HookFormat::Calls,
        Some(_) => config.format = HookFormat::Native,
        None => {}
    }
    if let Some(events) = body.texts("events") {
        config.events = events;
    }
    if let Some(inputs) = body.parsed("inputs") {
        config.inputs = inputs;
    }
    config.retry = body.flag("retry").unwrap_or(config.retry);
}

async fn create(call: Call) -> Answer {
    let mut config = HookConfig::new("", HookFormat::Native);
    apply(&mut config, Fields(&call.body));
    let Reply::Hook(id) = call.server.control.request(Request::CreateHook(config)).await? else {
        return Err(ApiError::not_found("hook"));
    };
    made(&shown(&call.server, id, true)?)
}

async fn update(call: Call) -> Answer {
    let id = call.id("hook")?;
    let change = call.server.control.change(|plane, _, _| {
        let mut config = plane.hook(id).ok_or(ApiError::not_found("hook"))?.config.clone();
        apply(&mut config, Fields(&call.body));
        Ok::<_, ApiError>(Request::UpdateHook(id, config).into())
    });
    change.await?;
    ok(&shown(&call.server, id, call.reveals())?)
}

async fn remove(call: Call) -> Answer {
    call.server.control.request(Request::DeleteHook(call.id("hook")?)).await?;
    nothing()
}

async fn test(call: Call) -> Answer {
    call.server.control.request(Request::TestHook(call.id("hook")?)).await?;
    nothing()
}

async fn deliveries(call: Call) -> Answer {
    let id = call.id("hook")?;
    let log = call.server.control.read(|plane, _, _| {
        let mut log: Vec<_> = plane.hook(id)?.machine.log().copied().collect();
        log.reverse();
        Some(log)
    });
    let log = log.ok_or_else(|| ApiError::not_found("hook"))?;
    let delivery = |it: levada_control::Delivered| {
        let (status, error) = match it.answer {
            HookAnswer::Status { status, .. } => (Some(status), None),
            HookAnswer::TimedOut => (None, Some("timeout")),
            _ => (None, Some("unreachable")),
        };
        json!({
            "id": it.delivery, "attempts": it.attempts, "success": it.success, "status": status,
            "error": error, "at": time(it.at),
        })
    };
    ok(&json!({ "deliveries": log.into_iter().map(delivery).collect::<Vec<_>>() }))
}
