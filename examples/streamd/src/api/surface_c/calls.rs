//! `/video/call/{type}/{id}`.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    Error, InputConfig, InputId, InputView, KeyRef, Keyring, OutputView, Plane, Profile,
    ProfileKind, Reply, Request, Scope,
};
use serde_json::{Value, json};

use super::settings::{changed, of_type, whole, word};
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::base::with_key;
use crate::api::fields::Fields;
use crate::api::outcome::{Answer, Outcome};
use crate::config::CALLS;
use crate::store::Extras;
use crate::stream::unix_ms;

/// A call's name.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: String,
    pub id: String,
}

impl Call {
    pub fn named(path: (String, String)) -> Result<Self, ApiError> {
        word(&path.0)?;
        word(&path.1)?;
        Ok(Self { kind: path.0, id: path.1 })
    }

    fn alias(&self) -> String {
        format!("call:{}:{}", self.kind, self.id)
    }

    pub fn find(&self, plane: &Plane) -> Result<InputId, ApiError> {
        plane.input_by_alias(&self.alias()).ok_or_else(|| ApiError::not_found("call"))
    }

    /// What its type and its own settings come to.
    pub fn settings(&self, extras: &Extras, id: InputId) -> Value {
        whole(&[&of_type(extras, &self.kind), &kept(extras, id)["settings_override"]])
    }

    /// Changes what is kept of it, unless that goes wrong.
    pub async fn try_keep(
        &self,
        asked: &Asked,
        change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let change = |plane: &Plane, extras: &mut Extras| {
            let id = self.find(plane)?;
            let mut kept = kept(extras, id);
            change(&mut kept)?;
            kept["updated"] = unix_ms().into();
            extras.insert(place(id), kept);
            Ok(())
        };
        asked.server.control.keep(change).await
    }

    /// Changes what is kept of it.
    pub async fn keep(
        &self,
        asked: &Asked,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), ApiError> {
        let change = |kept: &mut Value| {
            change(kept);
            Ok(())
        };
        self.try_keep(asked, change).await
    }
}

/// Where it is kept what the plane has no word for: settings of a call's own, backstage, HLS, its end.
fn place(id: InputId) -> String {
    format!("input/{id}/call")
}

pub fn kept(extras: &Extras, id: InputId) -> Value {
    extras.get(&place(id)).cloned().unwrap_or_else(|| json!({}))
}

/// Moments are whole nanoseconds here.
pub fn nanoseconds(unix_ms: i64) -> i64 {
    unix_ms.saturating_mul(1_000_000)
}

/// A push that runs or will run again by itself.
fn pushed(it: &OutputView<'_>, keys: &Keyring, reveal: bool) -> Value {
    let mut push = json!({
        "name": it.config.name,
        "started_at": nanoseconds(it.created),
        "stream_url": it.config.target.url(),
    });
    if let Some(key) = keys.secret(KeyRef::Output(it.id)).filter(|_| reveal) {
        push["stream_key"] = key.reveal().into();
    }
    push
}

fn shown(
    asked: &Asked,
    call: &Call,
    it: &InputView<'_>,
    plane: &Plane,
    keys: &Keyring,
    extras: &Extras,
) -> Value {
    let kept = kept(extras, it.id);
    let outputs = it.outputs.iter().filter_map(|it| plane.output(*it));
    let active = outputs.filter(|it| it.machine.state().is_active());
    let reveal = asked.caller.has(Scope::RevealKeys);
    let rtmps: Vec<Value> = active.map(|it| pushed(&it, keys, reveal)).collect();
    let hls = kept["hls"] == true;
    let mut egress = json!({ "broadcasting": hls || !rtmps.is_empty(), "rtmps": rtmps });
    if hls {
        let status = if it.machine.is_ready() { "running" } else { "starting" };
        egress["hls"] = json!({ "playlist_url": asked.base.playlist(it.id), "status": status });
    }
    let key = keys.secret(KeyRef::Publish(it.id)).filter(|_| reveal);
    let address = asked.base.rtmp(&format!("{CALLS}/{}/{}", call.kind, call.id));
    let updated = kept["updated"].as_i64().unwrap_or(it.created).max(it.modified);
    let mut shown = json!({
        "cid": format!("{}:{}", call.kind, call.id),
        "type": call.kind,
        "id": call.id,
        "created_at": nanoseconds(it.created),
        "updated_at": nanoseconds(updated),
        "backstage": kept["backstage"] == true,
        "recording": it.recorder.state().recording().is_some(),
        "egress": egress,
        "ingress": { "rtmp": { "address": key.map_or(address.clone(), |it| with_key(&address, Some(it))) } },
        "settings": call.settings(extras, it.id),
        "custom": kept.get("custom").cloned().unwrap_or_else(|| json!({})),
        "created_by": { "id": kept["created_by"] },
        "blocked_user_ids": [],
    });
    if let Some(ended) = kept["ended"].as_i64() {
        shown["ended_at"] = nanoseconds(ended).into();
    }
    shown
}

/// The call, beside who is in it: nobody.
pub fn show(asked: &Asked, call: &Call) -> Result<Value, ApiError> {
    asked.server.control.read(|plane, keys, extras| {
        let input = plane.input(call.find(plane)?).ok_or_else(|| ApiError::not_found("call"))?;
        let call = shown(asked, call, &input, plane, keys, extras);
        Ok(json!({ "call": call, "members": [], "own_capabilities": [] }))
    })
}

/// What a body says of a call: some put it into `data`.
struct Said {
    settings: Value,
    custom: Option<Value>,
}

fn said(fields: Fields<'_>, before: Value) -> Result<Said, ApiError> {
    let fields = if fields.has("data") { fields.inner("data")? } else { fields };
    fields.inner("custom")?;
    let custom = fields.given("custom").filter(|it| !it.is_null()).cloned();
    if custom.as_ref().is_some_and(|it| it.to_string().len() > 4096) {
        return Err(ApiError::invalid("custom", "must have at most 4096 bytes"));
    }
    Ok(Said { settings: changed(fields, "settings_override", before)?, custom })
}

impl Said {
    fn keep(self, kept: &mut Value) {
        kept["settings_override"] = self.settings;
        if let Some(custom) = self.custom {
            kept["custom"] = custom;
        }
    }
}

/// Makes a call, or finds it.
pub async fn create(Path(path): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let call = Call::named(path)?;
    let said = said(asked.fields()?, json!({}))?;
    let name = format!("{}:{}", call.kind, call.id);
    let mut config = InputConfig::new(name, Profile::of(ProfileKind::Default));
    config.alias = Some(call.alias());
    let user = asked.caller.user.clone();
    let keep = |id: InputId, extras: &mut Extras| {
        let of_type = of_type(extras, &call.kind);
        let backstage = whole(&[&of_type, &said.settings])["backstage"]["enabled"] == true;
        let mut kept = json!({ "created_by": user, "backstage": backstage, "updated": unix_ms() });
        said.keep(&mut kept);
        extras.insert(place(id), kept);
    };
    let request = Request::CreateInput(config);
    let made = asked.server.control.request_with(request, |reply, _, extras| {
        if let Reply::Input(id) = reply {
            keep(*id, extras);
        }
    });
    let created = match made.await {
        Ok(Reply::Input(_)) => true,
        // It is there already, and stays as it is.
        Err(Error::Taken { field: "alias" }) => false,
        Ok(_) => return Err(ApiError::not_found("call")),
        Err(why) => return Err(why.into()),
    };
    let mut answer = show(&asked, &call)?;
    answer["created"] = created.into();
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Answer { status, body: Some(answer) })
}

pub async fn one(Path(path): Path<(String, String)>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, &Call::named(path)?).map(Answer::of)
}

pub async fn update(Path(path): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let call = Call::named(path)?;
    let fields = asked.fields()?;
    let change = |kept: &mut Value| {
        let before = kept["settings_override"].take();
        let before = if before.is_null() { json!({}) } else { before };
        said(fields, before)?.keep(kept);
        Ok(())
    };
    call.try_keep(&asked, change).await?;
    show(&asked, &call).map(Answer::of)
}

pub async fn go_live(Path(path): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let call = Call::named(path)?;
    call.keep(&asked, |kept| kept["backstage"] = false.into()).await?;
    show(&asked, &call).map(Answer::of)
}

pub async fn stop_live(Path(path): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let call = Call::named(path)?;
    stop(&asked, &call).await?;
    call.keep(&asked, |kept| {
        kept["backstage"] = true.into();
        kept["hls"] = false.into();
    })
    .await?;
    show(&asked, &call).map(Answer::of)
}

pub async fn end(Path(path): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let call = Call::named(path)?;
    stop(&asked, &call).await?;
    call.keep(&asked, |kept| {
        kept["hls"] = false.into();
        kept["ended"] = unix_ms().into();
    })
    .await?;
    Ok(Answer::of(json!({})))
}

/// Stops everything that goes out.
async fn stop(asked: &Asked, call: &Call) -> Result<(), ApiError> {
    let id = asked.server.control.read(|plane, _, _| call.find(plane))?;
    asked.server.control.request(Request::StopOutputs(id)).await?;
    Ok(())
}
