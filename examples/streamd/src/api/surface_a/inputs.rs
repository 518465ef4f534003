//! `…/live_inputs`.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    InputConfig, InputId, InputView, KeyRef, Keyring, Profile, ProfileKind, RecordingMode, Reply,
    Request, rfc3339,
};
use serde_json::{Value, json};

use super::{null_or, reveals};
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::base::Base;
use crate::api::fields::Fields;
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;

/// The name of an input whose metadata have none.
const UNNAMED: &str = "live input";

/// Where fields are kept that are only given back.
fn place(id: InputId) -> String {
    format!("input/{id}/surface-a")
}

/// What is only given back, as the body says or as it was.
#[derive(Clone, Debug, Default)]
struct Echoed(serde_json::Map<String, Value>);

impl Echoed {
    fn of(extras: &Extras, id: InputId) -> Self {
        Self(extras.get(&place(id)).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    fn with(mut self, fields: Fields<'_>) -> Result<Self, ApiError> {
        if let Some(creator) = fields.text("defaultCreator")? {
            self.0.insert("defaultCreator".into(), creator.into());
        }
        if let Some(hidden) = fields.inner("recording")?.flag("hideLiveViewerCount")? {
            self.0.insert("hideLiveViewerCount".into(), hidden.into());
        }
        Ok(self)
    }

    fn keep(self, extras: &mut Extras, id: InputId) {
        if !self.0.is_empty() {
            extras.insert(place(id), self.0.into());
        }
    }
}

/// What a body makes of an input: what it does not say stays.
fn configured(fields: Fields<'_>, config: InputConfig) -> Result<InputConfig, ApiError> {
    let mut config = config;
    if let Some(meta) = fields.given("meta") {
        config.meta = if meta.is_null() { String::new() } else { meta.to_string() };
        let name = meta["name"].as_str().filter(|it| !it.is_empty()).unwrap_or(UNNAMED);
        config.name = name.chars().take(128).collect();
    }
    if let Some(enabled) = fields.flag("enabled")? {
        config.enabled = enabled;
    }
    if let Some(low_latency) = fields.flag("preferLowLatency")? {
        config.low_latency = low_latency;
    }
    if fields.given("deleteRecordingAfterDays").is_some() {
        let days = fields.count("deleteRecordingAfterDays")?;
        // What no input can have is refused by the plane.
        config.recording.delete_after_days = days.map(|it| u16::try_from(it).unwrap_or(u16::MAX));
    }
    let recording = fields.inner("recording")?;
    match recording.text("mode")? {
        Some("automatic") => config.recording.mode = RecordingMode::Automatic,
        Some("off") => config.recording.mode = RecordingMode::Off,
        Some(_) => return Err(ApiError::invalid("recording.mode", "must be off or automatic")),
        None => {}
    }
    let window = match recording.count("timeoutSeconds")? {
        None => fields.count("timeoutSeconds")?,
        window => window,
    };
    if let Some(seconds) = window {
        config.recording.window = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    }
    if let Some(signed) = recording.flag("requireSignedURLs")? {
        config.recording.access.require_signed = signed;
    }
    if recording.given("allowedOrigins").is_some() {
        let origins = recording.texts("allowedOrigins")?;
        config.recording.access.allowed_origins = origins.unwrap_or_default();
    }
    Ok(config)
}

fn shown(it: &InputView<'_>, extras: &Extras) -> Value {
    let (config, echoed) = (it.config, Echoed::of(extras, it.id).0);
    let meta = serde_json::from_str(&config.meta).unwrap_or_else(|_| json!({}));
    let mode = if config.recording.mode == RecordingMode::Automatic { "automatic" } else { "off" };
    let mut input = json!({
        "uid": it.id.to_string(),
        "created": rfc3339(it.created),
        "modified": rfc3339(it.modified),
        "meta": meta,
        "status": null_or(it.machine.word().map(|it| it.as_str())),
        "enabled": config.enabled,
        "recording": {
            "mode": mode,
            "timeoutSeconds": config.recording.window.unwrap_or_default().as_secs(),
            "requireSignedURLs": config.recording.access.require_signed,
            "allowedOrigins": config.recording.access.allowed_origins,
            "hideLiveViewerCount": echoed.get("hideLiveViewerCount").unwrap_or(&false.into()),
        },
        "deleteRecordingAfterDays": config.recording.delete_after_days,
        "preferLowLatency": config.low_latency,
    });
    if let Some(creator) = echoed.get("defaultCreator") {
        input["defaultCreator"] = creator.clone();
    }
    if let Some(rotated) = it.keys_rotated {
        input["keysRotatedAt"] = rfc3339(rotated).into();
    }
    input
}

/// With where to publish and play. Without TLS the plain URL stands for it.
fn whole(it: &InputView<'_>, keys: &Keyring, extras: &Extras, base: &Base, reveal: bool) -> Value {
    let url = base.rtmps("live").unwrap_or_else(|| base.rtmp("live"));
    let door = |key| {
        let key = keys.secret(key).filter(|_| reveal).map(|it| it.reveal());
        json!({ "url": url, "streamKey": key })
    };
    let mut input = shown(it, extras);
    input["rtmps"] = door(KeyRef::Publish(it.id));
    input["rtmpsPlayback"] = door(KeyRef::Play(it.id));
    for absent in ["srt", "srtPlayback", "webRTC", "webRTCPlayback"] {
        input[absent] = Value::Null;
    }
    input["playback"] = json!({ "hls": base.playlist(it.id), "dash": null });
    input
}

fn show(asked: &Asked, id: InputId) -> Outcome {
    asked.server.control.read(|plane, keys, extras| {
        let input = plane.input(id).ok_or_else(|| ApiError::not_found("live input"))?;
        Ok(Answer::of(whole(&input, keys, extras, &asked.base, reveals(asked))))
    })
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    let mut all: Vec<(i64, Value)> = asked.server.control.read(|plane, _, extras| {
        // Names that somebody publishes openly come and go by themselves.
        let kept = plane.inputs().filter(|it| !it.ephemeral);
        kept.map(|it| (it.number, shown(&it, extras))).collect()
    });
    all.sort_by_key(|it| std::cmp::Reverse(it.0));
    let all: Vec<Value> = all.into_iter().map(|it| it.1).collect();
    let count = all.len();
    Ok(Answer::of(json!({ "liveInputs": all, "range": count, "total": count })))
}

pub async fn create(May(asked, _): May<Manage>) -> Outcome {
    let fields = asked.fields()?;
    let profile = Profile::of(ProfileKind::LiveInputs);
    let config = configured(fields, InputConfig::new(UNNAMED, profile))?;
    let echoed = Echoed::default().with(fields)?;
    let keep = |reply: &Reply, extras: &mut Extras| {
        if let Reply::Input(id) = reply {
            echoed.keep(extras, *id);
        }
    };
    let request = Request::CreateInput(config);
    let reply = asked.server.control.request_with(request, |reply, _, extras| keep(reply, extras));
    let Reply::Input(id) = reply.await? else { return Err(ApiError::not_found("live input")) };
    show(&asked, id)
}

pub async fn one(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, uid.parse()?)
}

pub async fn update(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let (id, fields): (InputId, _) = (uid.parse()?, asked.fields()?);
    let change = asked.server.control.change(|plane, _, extras| {
        let input = plane.input(id).ok_or_else(|| ApiError::not_found("live input"))?;
        let config = configured(fields, input.config.clone())?;
        let echoed = Echoed::of(extras, id).with(fields)?;
        let change = Change::from(Request::UpdateInput(id, config));
        Ok::<_, ApiError>(change.with(move |_, _, extras| echoed.keep(extras, id)))
    });
    change.await?;
    show(&asked, id)
}

pub async fn remove(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    asked.server.control.request(Request::DeleteInput(uid.parse()?)).await?;
    Ok(Answer::empty(StatusCode::OK))
}

pub async fn rotate(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Manage>) -> Outcome {
    let id: InputId = uid.parse()?;
    asked.server.control.request(Request::RotateKeys(id)).await?;
    show(&asked, id)
}
