//! `…/live_inputs/{uid}/outputs`.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    Entropy, Error, InputId, KeyRef, Keyring, OutputConfig, OutputId, OutputView, Reply, Request,
    Target,
};
use serde_json::{Value, json};

use super::reveals;
use crate::api::ApiError;
use crate::api::asked::{Asked, May, Read, StartOutput, StopOutput};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::control::Chance;

fn shown(it: &OutputView<'_>, keys: &Keyring, reveal: bool) -> Value {
    let key = keys.secret(KeyRef::Output(it.id)).filter(|_| reveal).map(|it| it.reveal());
    json!({
        "uid": it.id.to_string(),
        "url": it.config.target.url(),
        "streamKey": key,
        "enabled": it.config.enabled,
    })
}

fn show(asked: &Asked, id: OutputId) -> Outcome {
    asked.server.control.read(|plane, keys, _| {
        let output = plane.output(id).ok_or_else(|| ApiError::not_found("output"))?;
        Ok(Answer::of(shown(&output, keys, reveals(asked))))
    })
}

/// The output that the path names, of the input that it names.
fn find(asked: &Asked, uid: &str, output: &str) -> Result<OutputId, ApiError> {
    let (input, id): (InputId, OutputId) = (uid.parse()?, output.parse()?);
    let of_it = asked
        .server
        .control
        .read(|plane, _, _| plane.output(id).is_some_and(|it| it.input == input));
    if of_it { Ok(id) } else { Err(ApiError::not_found("output")) }
}

/// Names are not asked for here, and there has to be one.
fn name() -> String {
    let mut bytes = [0; 4];
    Chance.fill(&mut bytes);
    format!("output-{:08x}", u32::from_be_bytes(bytes))
}

fn renamed(why: Error) -> ApiError {
    let mut why = ApiError::from(why);
    if why.field.as_deref() == Some("key") {
        why.field = Some("streamKey".into());
        why.message = why.message.replacen("key", "streamKey", 1);
    }
    why
}

pub async fn list(Path((_, uid)): Path<(String, String)>, May(asked, _): May<Read>) -> Outcome {
    let id: InputId = uid.parse()?;
    asked.server.control.read(|plane, keys, _| {
        let input = plane.input(id).ok_or_else(|| ApiError::not_found("live input"))?;
        let outputs = input.outputs.iter().filter_map(|it| plane.output(*it));
        let all: Vec<Value> = outputs.map(|it| shown(&it, keys, reveals(&asked))).collect();
        Ok(Answer::of(all.into()))
    })
}

pub async fn create(
    Path((_, uid)): Path<(String, String)>,
    May(asked, _): May<StartOutput>,
) -> Outcome {
    let (id, fields): (InputId, _) = (uid.parse()?, asked.fields()?);
    let (url, key) = (needed("url", fields.text("url")?)?, fields.text("streamKey")?);
    let parsed =
        asked.server.control.read(|plane, _, _| Target::parse(url, key, &plane.config().targets));
    let (target, secret) = parsed.map_err(renamed)?;
    let mut config = OutputConfig::new(name(), target);
    config.enabled = fields.flag("enabled")?.unwrap_or(true);
    let keep = |reply: &Reply, keys: &mut Keyring| {
        if let Reply::Outputs(made) = reply {
            made.iter().for_each(|it| keys.put(KeyRef::Output(*it), secret.clone()));
        }
    };
    let request = Request::CreateOutputs(id, vec![config]);
    let reply = asked.server.control.request_with(request, |reply, keys, _| keep(reply, keys));
    match reply.await? {
        Reply::Outputs(made) if !made.is_empty() => show(&asked, made[0]),
        _ => Err(ApiError::not_found("output")),
    }
}

pub async fn one(
    Path((_, uid, output)): Path<(String, String, String)>,
    May(asked, _): May<Read>,
) -> Outcome {
    show(&asked, find(&asked, &uid, &output)?)
}

pub async fn update(
    Path((_, uid, output)): Path<(String, String, String)>,
    May(asked, _): May<StartOutput>,
) -> Outcome {
    let id = find(&asked, &uid, &output)?;
    if let Some(enabled) = asked.fields()?.flag("enabled")? {
        asked.server.control.request(Request::EnableOutput(id, enabled)).await?;
    }
    show(&asked, id)
}

pub async fn remove(
    Path((_, uid, output)): Path<(String, String, String)>,
    May(asked, _): May<StopOutput>,
) -> Outcome {
    let id = find(&asked, &uid, &output)?;
    asked.server.control.request(Request::DeleteOutput(id)).await?;
    Ok(Answer::empty(StatusCode::OK))
}
