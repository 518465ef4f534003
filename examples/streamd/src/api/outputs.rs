//! `/v1/inputs/{input}/outputs`: pushes of an input to other servers.

use levada_control::{
    InputId, KeyRef, Keyring, Now, OutputConfig, OutputId, OutputState, OutputView, Plane, Reply,
    Request, Scope, Target, TargetRules,
};
use serde_json::{Value, json};

use super::ApiError;
use super::fields::free;
use super::kind::{COUNT, Field, Kind, MAYBE_COUNT, MAYBE_TEXT, MAYBE_TIME, NAME, TEXT, may, must};
use super::read::{Fields, deadline, hint, key, made, nothing, ok, page, time};
use super::route::{Answer, Call, PAGE, Route};
use crate::control::Change;
use crate::store::Extras;

const URL: Kind = Kind::Text(1, 2048);
const DELAY: Kind = Kind::Whole(100, 60_000);
const QUALITY: Kind = Kind::Maybe(&Kind::Word(&[
    "source",
    "360p",
    "480p",
    "720p",
    "1080p",
    "1440p",
    "portrait-360x640",
    "portrait-480x854",
    "portrait-720x1280",
    "portrait-1080x1920",
    "portrait-1440x2560",
]));

const BODY: &[Field] = &[
    must("name", NAME),
    must("url", URL),
    may("key", Kind::Text(0, 1024)),
    may("enabled", Kind::Flag),
    may("quality", QUALITY),
    may("max_delay_ms", DELAY),
];

const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("number", COUNT),
    must("input", Kind::Id(32)),
    must("name", NAME),
    must("url", URL),
    must("key", MAYBE_TEXT),
    must("key_hint", MAYBE_TEXT),
    must("enabled", Kind::Flag),
    must("quality", QUALITY),
    must("sends", Kind::Word(&["source"])),
    must("max_delay_ms", DELAY),
    must(
        "state",
        Kind::Word(&[
            "disabled",
            "waiting",
            "resolving",
            "connecting",
            "publishing",
            "live",
            "backoff",
            "failed",
            "stopped",
        ]),
    ),
    must("started_at", MAYBE_TIME),
    must("bytes_sent", COUNT),
    must("bitrate_bps", COUNT),
    must("bitrate_10s_bps", COUNT),
    must("queue_ms", COUNT),
    must("unacked_bytes", COUNT),
    must("rtt_ms", MAYBE_COUNT),
    must("dropped_video_frames", COUNT),
    must("connects", COUNT),
    must("retries", COUNT),
    must("next_attempt_at", MAYBE_TIME),
    must(
        "last_error",
        Kind::Maybe(&Kind::Object(&[must("code", TEXT), must("remote", MAYBE_TEXT)])),
    ),
    must("created", Kind::Time),
];

const ALL: &str = "/v1/inputs/{input}/outputs";
const ONE: &str = "/v1/inputs/{input}/outputs/{output}";

pub const ROUTES: &[Route] = &[
    Route::get(ALL, |it| Box::pin(list(it)))
        .about("The outputs of an input, without keys.")
        .asks(PAGE)
        .gives(&[must("outputs", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post(ALL, |it| Box::pin(create(it)))
        .about("Make an output. It starts when the input is live.")
        .needs(Scope::StartOutput)
        .takes(BODY)
        .makes(VIEW),
    Route::get(ONE, |it| Box::pin(one(it))).about("An output.").gives(VIEW),
    Route::patch(ONE, |it| Box::pin(update(it)))
        .about("Change an output. Its connection stays if only its state is asked for.")
        .needs(Scope::Read)
        .takes(BODY)
        .gives(VIEW),
    Route::delete(ONE, |it| Box::pin(remove(it)))
        .about("Stop an output and forget it.")
        .needs(Scope::StopOutput),
    Route::post("/v1/inputs/{input}/outputs/stop", |it| Box::pin(stop(it)))
        .about("Stop all outputs of an input, or the one with that name.")
        .needs(Scope::StopOutput)
        .takes(&[may("name", NAME)]),
];

/// Where the quality that was asked for is kept. Without a transcoder it is only given back: the source goes out as it
/// is, and `sends` says so.
pub fn quality_of(id: OutputId) -> String {
    format!("output/{id}/quality")
}

async fn list(call: Call) -> Answer {
    let input: InputId = call.id("input")?;
    let all = call.server.control.read(|plane, keys, extras| {
        let of_it = plane.input(input).ok_or(ApiError::not_found("input"))?.outputs;
        let outputs = of_it.iter().filter_map(|it| plane.output(*it));
        let page = page(&call, outputs.map(|it| (it.created, it.number, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.output(it));
        let views = views.map(|it| view(&it, plane.now(), keys, extras, false));
        Ok::<_, ApiError>(views.collect::<Vec<_>>())
    })?;
    ok(&json!({ "outputs": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call, call.id("output")?, call.reveals())?)
}

/// An output of the input that the path names.
fn find<'a>(call: &Call, plane: &'a Plane, id: OutputId) -> Result<OutputView<'a>, ApiError> {
    let input = call.id("input")?;
    let found = plane.output(id).filter(|it| it.input == input);
    found.ok_or_else(|| ApiError::not_found("output"))
}

fn shown(call: &Call, id: OutputId, reveal: bool) -> Result<Value, ApiError> {
    call.server.control.read(|plane, keys, extras| {
        Ok(view(&find(call, plane, id)?, plane.now(), keys, extras, reveal))
    })
}

fn view(it: &OutputView<'_>, now: Now, keys: &Keyring, extras: &Extras, reveal: bool) -> Value {
    let (config, machine, which) = (it.config, it.machine, KeyRef::Output(it.id));
    let figures = machine.figures();
    let retry = match machine.state() {
        OutputState::Backoff { until } => Some(until),
        _ => None,
    };
    let last_error =
        figures.last_error.map(|it| json!({ "code": it.code(), "remote": figures.last_remote }));
    json!({
        "id": it.id.to_string(), "number": it.number, "input": it.input.to_string(),
        "name": config.name, "url": config.target.url(), "key": key(keys, which, reveal),
        "key_hint": hint(keys, which), "enabled": config.enabled,
        "quality": extras.get(&quality_of(it.id)), "sends": "source",
        "max_delay_ms": config.max_delay_ms, "state": machine.state().as_str(),
        "started_at": deadline(now, machine.live_since()), "bytes_sent": figures.bytes_sent,
        "bitrate_bps": figures.bitrate.0, "bitrate_10s_bps": figures.bitrate.1,
        "queue_ms": figures.progress.queue_ms, "unacked_bytes": figures.unacknowledged(),
        "rtt_ms": figures.progress.rtt_ms, "dropped_video_frames": figures.progress.dropped_frames,
        "connects": figures.connects, "retries": figures.retries,
        "next_attempt_at": deadline(now, retry), "last_error": last_error,
        "created": time(it.created),
    })
}

fn config(
    body: Fields<'_>,
    rules: &TargetRules,
) -> Result<(OutputConfig, levada_control::Secret), ApiError> {
    let url = body.text("url").unwrap_or_default();
    let (target, secret) = Target::parse(url, body.text("key"), rules)?;
    let mut config =
        OutputConfig::new(free("name", body.text("name").unwrap_or_default())?, target);
    config.enabled = body.flag("enabled").unwrap_or(true);
    config.max_delay_ms = body.whole("max_delay_ms").unwrap_or(config.max_delay_ms);
    Ok((config, secret))
}

async fn create(call: Call) -> Answer {
    let input: InputId = call.id("input")?;
    let body = Fields(&call.body);
    let quality = body.0.get("quality").cloned();
    let change = call.server.control.change(|plane, _, _| {
        let (config, secret) = config(body, &plane.config().targets)?;
        let change = Change::from(Request::CreateOutputs(input, vec![config]));
        Ok::<_, ApiError>(change.with(move |reply, keys, extras| {
            let Reply::Outputs(made) = reply else { return };
            let Some(id) = made.first() else { return };
            keys.put(KeyRef::Output(*id), secret);
            if let Some(quality) = quality {
                extras.insert(quality_of(*id), quality);
            }
        }))
    });
    let id = match change.await? {
        Reply::Outputs(all) => all.first().copied(),
        _ => None,
    };
    made(&shown(&call, id.ok_or_else(|| ApiError::not_found("output"))?, true)?)
}

/// Lays a body over what is there. With another target or key comes the new secret.
fn apply(
    config: &mut OutputConfig,
    body: Fields<'_>,
    before: &str,
    rules: &TargetRules,
) -> Result<Option<levada_control::Secret>, ApiError> {
    if let Some(name) = body.text("name").filter(|it| *it != config.name) {
        config.name = free("name", name)?.into();
    }
    config.enabled = body.flag("enabled").unwrap_or(config.enabled);
    config.max_delay_ms = body.whole("max_delay_ms").unwrap_or(config.max_delay_ms);
    if !body.has("url") && !body.has("key") {
        return Ok(None);
    }
    let own = config.target.url();
    let key = if body.has("url") { body.text("key") } else { body.text("key").or(Some(before)) };
    let (target, secret) = Target::parse(body.text("url").unwrap_or(&own), key, rules)?;
    config.target = target;
    Ok(Some(secret))
}

/// Starting and stopping have scopes of their own; everything else is to manage.
fn may_change(call: &Call) -> Result<(), ApiError> {
    match call.body.get("enabled").and_then(Value::as_bool) {
        Some(true) => call.caller.need(Scope::StartOutput)?,
        Some(false) => call.caller.need(Scope::StopOutput)?,
        None => {}
    }
    let more = call.body.keys().any(|it| it != "enabled");
    if more { call.caller.need(Scope::Manage) } else { Ok(()) }
}

async fn update(call: Call) -> Answer {
    may_change(&call)?;
    let id: OutputId = call.id("output")?;
    let body = Fields(&call.body);
    let quality = body.0.get("quality").cloned();
    let control = &call.server.control;
    let mut enable_again = false;
    let change = control.change(|plane, keys, _| {
        let mut config = find(&call, plane, id)?.config.clone();
        if let (Some(enabled), 1) = (body.flag("enabled"), call.body.len()) {
            return Ok(Request::EnableOutput(id, enabled).into());
        }
        let before = keys.secret(KeyRef::Output(id)).map_or("", |it| it.reveal());
        let secret = apply(&mut config, body, before, &plane.config().targets)?;
        // Another target needs another connection: it is switched off here, and on again below.
        enable_again = secret.is_some() && config.enabled;
        config.enabled &= !enable_again;
        let change = Change::from(Request::UpdateOutput(id, config));
        Ok::<_, ApiError>(change.with(move |_, keys, extras| {
            if let Some(secret) = secret {
                keys.put(KeyRef::Output(id), secret);
            }
            if let Some(quality) = quality {
                extras.insert(quality_of(id), quality);
            }
        }))
    });
    change.await?;
    if enable_again {
        control.request(Request::EnableOutput(id, true)).await?;
    }
    ok(&shown(&call, id, call.reveals())?)
}

async fn remove(call: Call) -> Answer {
    let id: OutputId = call.id("output")?;
    let change = call.server.control.change(|plane, _, _| {
        find(&call, plane, id)?;
        Ok::<_, ApiError>(Request::DeleteOutput(id).into())
    });
    change.await?;
    nothing()
}

async fn stop(call: Call) -> Answer {
    let input: InputId = call.id("input")?;
    let request = match Fields(&call.body).text("name") {
        Some(name) => Request::StopOutputNamed(input, name.into()),
        None => Request::StopOutputs(input),
    };
    call.server.control.request(request).await?;
    nothing()
}
