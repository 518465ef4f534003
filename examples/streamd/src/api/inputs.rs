//! `/v1/inputs`: what publishers publish to, or what is pulled.

mod report;
mod settings;
mod view;

use levada_control::{
    InputConfig, InputId, KeyRef, Keyring, Plane, Profile, Reply, Request, Secret,
};
use serde_json::{Value, json};

use super::ApiError;
use super::base::Base;
use super::kind::{COUNT, Kind, must};
use super::read::{Fields, made, nothing, ok, page};
use super::route::{Answer, Call, PAGE, Route};
use crate::control::Change;
use crate::store::Extras;
use settings::{BODY, Pulled};
use view::{Places, VIEW};

pub const ROUTES: &[Route] = &[
    Route::get("/v1/inputs", |it| Box::pin(list(it)))
        .about("All inputs, without keys.")
        .asks(PAGE)
        .gives(&[must("inputs", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/inputs", |it| Box::pin(create(it)))
        .about("Make an input. Its keys are shown this once.")
        .takes(BODY)
        .makes(VIEW),
    Route::get("/v1/inputs/{input}", |it| Box::pin(one(it))).about("An input.").gives(VIEW),
    Route::patch("/v1/inputs/{input}", |it| Box::pin(update(it)))
        .about("Change an input. What is not named stays.")
        .takes(BODY)
        .gives(VIEW),
    Route::delete("/v1/inputs/{input}", |it| Box::pin(remove(it)))
        .about("Delete an input with its outputs and keys. Its recordings stay."),
    Route::post("/v1/inputs/{input}/rotate-keys", |it| Box::pin(rotate(it)))
        .about("Replace both keys at once, and send away who came with the old ones. The new ones are shown this once.")
        .gives(VIEW),
    Route::post("/v1/inputs/{input}/disconnect", |it| Box::pin(disconnect(it)))
        .about("Send its publishers away. They may come back.")
        .gives(&[must("closed", COUNT)]),
    Route::get("/v1/inputs/{input}/sessions", |it| Box::pin(report::sessions(it)))
        .about("Who publishes to it and who plays it over RTMP, the newest first.")
        .gives(report::SESSIONS),
    Route::get("/v1/inputs/{input}/timeline", |it| Box::pin(report::timeline(it)))
        .about("What happened to it, as far as the server's memory goes, the oldest first.")
        .gives(report::TIMELINE),
    Route::get("/v1/inputs/{input}/health", |it| Box::pin(report::health(it)))
        .about("What is known of its media, and what is wrong with it.")
        .gives(report::HEALTH),
];

/// Where the region of an input is kept: the plane does not care, only the addresses that are shown depend on it.
pub fn region_of(id: InputId) -> String {
    format!("input/{id}/region")
}

async fn list(call: Call) -> Answer {
    let (base, config) = (Base::of(&call.server, &call.head.headers), call.server.config());
    let all = call.server.control.read(|plane, keys, extras| {
        let places = Places { base: &base, regions: &config.region, apps: &plane.config().apps };
        let page = page(&call, plane.inputs().map(|it| (it.created, it.number, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.input(it));
        let views = views.map(|it| view::view(&it, plane.now(), &places, keys, extras, false));
        Ok::<_, ApiError>(views.collect::<Vec<_>>())
    })?;
    ok(&json!({ "inputs": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call, call.id("input")?, call.reveals())?)
}

fn shown(call: &Call, id: InputId, reveal: bool) -> Result<Value, ApiError> {
    let (base, config) = (Base::of(&call.server, &call.head.headers), call.server.config());
    let value = call.server.control.read(|plane, keys, extras| {
        let places = Places { base: &base, regions: &config.region, apps: &plane.config().apps };
        Some(view::view(&plane.input(id)?, plane.now(), &places, keys, extras, reveal))
    });
    value.ok_or_else(|| ApiError::not_found("input"))
}

async fn create(call: Call) -> Answer {
    let body = Fields(&call.body);
    let region = body.0.get("region").cloned();
    let change = call.server.control.change(|plane, _, _| {
        let mut config = InputConfig::new("", Profile::default());
        let pulled = settings::apply(&mut config, body, &plane.config().targets)?;
        let change = Change::from(Request::CreateInput(config));
        Ok::<_, ApiError>(change.with(move |reply, keys, extras| {
            if let Reply::Input(id) = reply {
                keep(*id, pulled, region, keys, extras);
            }
        }))
    });
    let Reply::Input(id) = change.await? else { return Err(ApiError::not_found("input")) };
    made(&shown(&call, id, true)?)
}

async fn update(call: Call) -> Answer {
    let id = call.id("input")?;
    let body = Fields(&call.body);
    let region = body.0.get("region").cloned();
    let control = &call.server.control;
    let mut other_paths = false;
    let change = control.change(|plane, keys, _| {
        let before = input(plane, id)?.config;
        let mut config = before.clone();
        let pulled = settings::apply(&mut config, body, &plane.config().targets)?;
        // The plane sees places only.
        if let (Pulled::From(urls), true) = (&pulled, config.pull == before.pull) {
            other_paths = keys.secret(KeyRef::Pull(id)).is_some_and(|it| it.reveal() != urls);
        }
        let change = Change::from(Request::UpdateInput(id, config));
        Ok::<_, ApiError>(
            change.with(move |_, keys, extras| keep(id, pulled, region, keys, extras)),
        )
    });
    change.await?;
    if other_paths {
        control.request(Request::RestartPull(id)).await?;
    }
    ok(&shown(&call, id, call.reveals())?)
}

fn input(plane: &Plane, id: InputId) -> Result<levada_control::InputView<'_>, ApiError> {
    plane.input(id).ok_or_else(|| ApiError::not_found("input"))
}

/// Keeps what the plane does not.
fn keep(
    id: InputId,
    pulled: Pulled,
    region: Option<Value>,
    keys: &mut Keyring,
    extras: &mut Extras,
) {
    match pulled {
        Pulled::From(urls) => keys.put(KeyRef::Pull(id), Secret::new(urls)),
        Pulled::Nothing => settings::forget_urls(keys, id),
        Pulled::AsBefore => {}
    }
    match region {
        Some(Value::Null) => _ = extras.remove(&region_of(id)),
        Some(region) => _ = extras.insert(region_of(id), region),
        None => {}
    }
}

async fn remove(call: Call) -> Answer {
    call.server.control.request(Request::DeleteInput(call.id("input")?)).await?;
    nothing()
}

async fn rotate(call: Call) -> Answer {
    let id = call.id("input")?;
    call.server.control.request(Request::RotateKeys(id)).await?;
    ok(&shown(&call, id, true)?)
}

async fn disconnect(call: Call) -> Answer {
    let reply = call.server.control.request(Request::Disconnect(call.id("input")?)).await?;
    let Reply::Closed(closed) = reply else { return Err(ApiError::not_found("input")) };
    ok(&json!({ "closed": closed }))
}
