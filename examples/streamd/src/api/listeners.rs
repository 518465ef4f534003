//! `/v1/listeners`: ports that publishers and players connect to.

use std::time::Duration;

use levada_control::{
    Error, ListenerConfig, ListenerId, ListenerPolicy, ListenerState, ListenerView, Plane, Reply,
    Request,
};
use serde_json::{Value, json};

use super::ApiError;
use super::kind::{COUNT, Field, Kind, MAYBE_TIME, NAME, may, must};
use super::read::{Fields, made, nothing, ok, page, time, time_or_null};
use super::route::{Answer, Call, Route};
use crate::control::Change;
use crate::server::Server;
use crate::store::Extras;

/// How long a port may take to be bound or given up before the answer says where it stands.
const SETTLE: Duration = Duration::from_secs(2);

const POLICY: Kind = Kind::Word(&["keyed", "open", "allow-list"]);
const ALLOW: Kind = Kind::Object(&[
    may("names", Kind::List(&Kind::Text(1, 256), 1000)),
    may("addresses", Kind::List(&Kind::Address, 1000)),
]);

const BODY: &[Field] = &[
    must("name", NAME),
    may("bind", Kind::Address),
    must("port", Kind::Whole(1, 65_535)),
    may("tls", Kind::Flag),
    may("buffer_s", Kind::Whole(1, 3600)),
    may("active", Kind::Flag),
    may("policy", POLICY),
    may("allow", ALLOW),
];

const VIEW: &[Field] = &[
    must("id", Kind::Id(24)),
    must("name", NAME),
    must("bind", Kind::Address),
    must("port", Kind::Whole(1, 65_535)),
    must("tls", Kind::Flag),
    must("buffer_s", Kind::Whole(1, 3600)),
    must("active", Kind::Flag),
    must("policy", POLICY),
    must("allow", Kind::Maybe(&ALLOW)),
    must("state", Kind::Word(&["stopped", "binding", "listening", "draining", "failed"])),
    must("connections", COUNT),
    must("error", Kind::Maybe(&Kind::Object(&[must("code", Kind::Word(&["port_in_use"]))]))),
    must("created", Kind::Time),
    must("modified", MAYBE_TIME),
    must("owner", Kind::Text(0, 4096)),
];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/listeners", |it| Box::pin(list(it)))
        .about("All listeners.")
        .asks(&[may("limit", Kind::Whole(1, 1000)), may("after", Kind::Id(24))])
        .gives(&[must("listeners", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::post("/v1/listeners", |it| Box::pin(create(it)))
        .about("Make a listener. If it is active and its port can't be had, there is none: `port_in_use`.")
        .takes(BODY)
        .makes(VIEW),
    Route::get("/v1/listeners/{listener}", |it| Box::pin(one(it)))
        .about("A listener.")
        .gives(VIEW),
    Route::patch("/v1/listeners/{listener}", |it| Box::pin(update(it)))
        .about("Change a listener: everybody on it is sent away. If another port can't be had, all stays as it was.")
        .takes(BODY)
        .gives(VIEW),
    Route::delete("/v1/listeners/{listener}", |it| Box::pin(remove(it)))
        .about("Stop a listener and forget it."),
    Route::post("/v1/listeners/{listener}/start", |it| Box::pin(start(it)))
        .about("Start a listener. Again is fine.")
        .gives(VIEW),
    Route::post("/v1/listeners/{listener}/stop", |it| Box::pin(stop(it)))
        .about("Stop a listener, with everybody on it, and give its port up. Again is fine.")
        .gives(VIEW),
];

/// Who made a listener.
fn owner_of(id: ListenerId) -> String {
    format!("listener/{id}/owner")
}

async fn list(call: Call) -> Answer {
    let all = call.server.control.read(|plane, _, extras| {
        let page = page(&call, plane.listeners().map(|it| (it.created, 0, it.id)))?;
        let views = page.into_iter().filter_map(|it| plane.listener(it));
        Ok::<_, ApiError>(views.map(|it| view(&it, extras)).collect::<Vec<_>>())
    })?;
    ok(&json!({ "listeners": all }))
}

async fn one(call: Call) -> Answer {
    ok(&shown(&call.server, call.id("listener")?)?)
}

fn shown(server: &Server, id: ListenerId) -> Result<Value, ApiError> {
    let value = server.control.read(|plane, _, extras| Some(view(&plane.listener(id)?, extras)));
    value.ok_or_else(|| ApiError::not_found("listener"))
}

fn view(it: &ListenerView<'_>, extras: &Extras) -> Value {
    let config = it.machine.config();
    let (policy, allow) = match &config.policy {
        ListenerPolicy::Open => ("open", Value::Null),
        ListenerPolicy::AllowList { names, addresses } => {
            ("allow-list", json!({ "names": names, "addresses": addresses }))
        }
        _ => ("keyed", Value::Null),
    };
    let state = match it.machine.state() {
        ListenerState::Binding => "binding",
        ListenerState::Listening => "listening",
        ListenerState::Draining { .. } => "draining",
        ListenerState::Failed => "failed",
        _ => "stopped",
    };
    let error = it.machine.bind_failed().then(|| json!({ "code": "port_in_use" }));
    let owner = extras.get(&owner_of(it.id)).and_then(Value::as_str).unwrap_or_default();
    json!({
        "id": it.id.to_string(), "name": config.name, "bind": config.bind, "port": config.port,
        "tls": config.tls, "buffer_s": config.buffer_s, "active": config.active,
        "policy": policy, "allow": allow, "state": state, "connections": it.connections,
        "error": error, "created": time(it.created), "modified": time_or_null(it.modified),
        "owner": owner,
    })
}

/// Lays a body over what is there.
fn apply(config: &mut ListenerConfig, body: Fields<'_>) -> Result<(), ApiError> {
    if let Some(name) = body.text("name") {
        config.name = name.into();
    }
    if let Some(bind) = body.text("bind").and_then(|it| it.parse().ok()) {
        config.bind = bind;
    }
    config.port = body.whole("port").unwrap_or(config.port);
    config.tls = body.flag("tls").unwrap_or(config.tls);
    config.buffer_s = body.whole("buffer_s").unwrap_or(config.buffer_s);
    config.active = body.flag("active").unwrap_or(config.active);
    match body.text("policy") {
        Some("keyed") => config.policy = ListenerPolicy::Keyed,
        Some("open") => config.policy = ListenerPolicy::Open,
        Some(_) if !matches!(config.policy, ListenerPolicy::AllowList { .. }) => {
            config.policy = ListenerPolicy::AllowList { names: vec![], addresses: vec![] };
        }
        _ => {}
    }
    let Some(allow) = body.object("allow") else { return Ok(()) };
    let ListenerPolicy::AllowList { names, addresses } = &mut config.policy else {
        return Err(ApiError::invalid("allow", "needs the policy allow-list"));
    };
    if let Some(new) = allow.texts("names") {
        *names = new;
    }
    if let Some(new) = allow.parsed("addresses") {
        *addresses = new;
    }
    Ok(())
}

async fn create(call: Call) -> Answer {
    let mut config = ListenerConfig::new("", 0);
    apply(&mut config, Fields(&call.body))?;
    let owner = Value::from(call.caller.user.as_str());
    let change = Change::from(Request::CreateListener(config)).with(|reply, _, extras| {
        if let Reply::Listener(id) = reply {
            extras.insert(owner_of(*id), owner);
        }
    });
    let reply = call.server.control.change(|_, _, _| Ok::<_, Error>(change)).await?;
    let Reply::Listener(id) = reply else { return Err(ApiError::not_found("listener")) };
    if let Err(why) = settled(&call.server, id).await {
        // What was refused is not there.
        call.server.control.request(Request::RemoveListener(id)).await?;
        return Err(why);
    }
    made(&shown(&call.server, id)?)
}

async fn update(call: Call) -> Answer {
    let id = call.id("listener")?;
    let change = call.server.control.change(|plane, _, _| {
        let listener = plane.listener(id).ok_or(ApiError::not_found("listener"))?;
        let mut config = listener.machine.config().clone();
        apply(&mut config, Fields(&call.body))?;
        Ok::<_, ApiError>(Request::UpdateListener(id, config).into())
    });
    change.await?;
    settled(&call.server, id).await?;
    ok(&shown(&call.server, id)?)
}

async fn remove(call: Call) -> Answer {
    call.server.control.request(Request::RemoveListener(call.id("listener")?)).await?;
    nothing()
}

async fn start(call: Call) -> Answer {
    let id = call.id("listener")?;
    call.server.control.request(Request::StartListener(id)).await?;
    settled(&call.server, id).await?;
    ok(&shown(&call.server, id)?)
}

async fn stop(call: Call) -> Answer {
    let id = call.id("listener")?;
    call.server.control.request(Request::StopListener(id)).await?;
    settled(&call.server, id).await?;
    ok(&shown(&call.server, id)?)
}

/// Waits until a listener has its port, or has given it up, or could not have it.
async fn settled(server: &Server, id: ListenerId) -> Result<(), ApiError> {
    let is_settled = |plane: &Plane| plane.listener(id).is_none_or(|it| !it.machine.is_changing());
    server.control.until(SETTLE, is_settled).await;
    let failed = |plane: &Plane| plane.listener(id).is_some_and(|it| it.machine.bind_failed());
    if server.control.read(|plane, _, _| failed(plane)) {
        return Err(Error::Taken { field: "port" }.into());
    }
    Ok(())
}
