//! `/streaming/restreams`: outputs.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    KeyRef, Keyring, OutputConfig, OutputId, OutputState, OutputView, Plane, Reply, Request,
    Secret, Target,
};
use serde_json::{Value, json};

use super::{Echoed, number_of, unwrapped};
use crate::api::ApiError;
use crate::api::asked::{Asked, May, Read, StartOutput, StopOutput};
use crate::api::fields::{Fields, free, needed};
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;

const ECHOED: &[&str] = &["client_user_id"];

fn place(id: OutputId) -> String {
    format!("output/{id}/surface-b")
}

fn target(plane: &Plane, uri: &str) -> Result<(Target, Secret), ApiError> {
    Ok(Target::parse(uri, None, &plane.config().targets)?)
}

fn shown(it: &OutputView<'_>, plane: &Plane, keys: &Keyring, extras: &Extras) -> Value {
    let key = keys.secret(KeyRef::Output(it.id)).map(Secret::reveal);
    let mut restream = json!({
        "id": it.number,
        "name": it.config.name,
        "active": it.config.enabled,
        "uri": format!("{}/{}", it.config.target.url(), key.unwrap_or_default()),
        "stream_id": plane.input(it.input).map(|it| it.number),
        "live": it.machine.state() == OutputState::Live,
    });
    Echoed::of(extras, &place(it.id)).show(ECHOED, &mut restream);
    restream
}

fn show(asked: &Asked, id: OutputId) -> Outcome {
    asked.server.control.read(|plane, keys, extras| {
        let output = plane.output(id).ok_or_else(|| ApiError::not_found("restream"))?;
        Ok(Answer::of(shown(&output, plane, keys, extras)))
    })
}

fn find(asked: &Asked, id: &str) -> Result<OutputId, ApiError> {
    let number = number_of(id, "restream")?;
    asked.server.control.read(|plane, _, _| {
        let found = plane.outputs().find(|it| it.number == number).map(|it| it.id);
        found.ok_or_else(|| ApiError::not_found("restream"))
    })
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    let mut all: Vec<(i64, Value)> = asked.server.control.read(|plane, keys, extras| {
        plane.outputs().map(|it| (it.number, shown(&it, plane, keys, extras))).collect()
    });
    all.sort_by_key(|it| std::cmp::Reverse(it.0));
    Ok(Answer::of(all.into_iter().map(|it| it.1).collect()))
}

pub async fn create(May(asked, _): May<StartOutput>) -> Outcome {
    let fields = unwrapped(&asked, "restream")?;
    let name = free("name", needed("name", fields.text("name")?)?)?;
    let uri = needed("uri", fields.text("uri")?)?;
    let stream = needed("stream_id", fields.whole("stream_id")?)?;
    let active = fields.flag("active")?.unwrap_or(true);
    let echoed = Echoed::default().with(fields, ECHOED)?;
    let change = asked.server.control.change(|plane, _, _| {
        let (target, secret) = target(plane, uri)?;
        let unknown = || ApiError::invalid("stream_id", "must name a stream");
        let input = plane.input_by_number(stream).ok_or_else(unknown)?;
        let mut config = OutputConfig::new(name, target);
        config.enabled = active;
        let change = Change::from(Request::CreateOutputs(input, vec![config]));
        Ok::<_, ApiError>(change.with(move |reply, keys, extras| {
            let Reply::Outputs(made) = reply else { return };
            for id in made {
                keys.put(KeyRef::Output(*id), secret.clone());
                extras.insert(place(*id), echoed.0.clone().into());
            }
        }))
    });
    match change.await? {
        Reply::Outputs(made) if !made.is_empty() => show(&asked, made[0]),
        _ => Err(ApiError::not_found("restream")),
    }
}

pub async fn one(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, find(&asked, &id)?)
}

/// What a body makes of a restream: what it does not say stays. With another target comes its secret.
fn changed(
    plane: &Plane,
    before: &OutputView<'_>,
    fields: Fields<'_>,
) -> Result<(OutputConfig, Option<Secret>), ApiError> {
    let stream = plane.input(before.input).map(|it| it.number);
    if fields.whole("stream_id")?.is_some_and(|it| Some(it) != stream) {
        return Err(ApiError::invalid("stream_id", "can't be changed"));
    }
    let mut config = before.config.clone();
    if let Some(name) = fields.text("name")?.filter(|it| *it != config.name) {
        config.name = free("name", name)?.to_owned();
    }
    if let Some(active) = fields.flag("active")? {
        config.enabled = active;
    }
    let Some(uri) = fields.text("uri")? else { return Ok((config, None)) };
    let (target, secret) = target(plane, uri)?;
    config.target = target;
    Ok((config, Some(secret)))
}

pub async fn update(Path(id): Path<String>, May(asked, _): May<StartOutput>) -> Outcome {
    let id = find(&asked, &id)?;
    let fields = unwrapped(&asked, "restream")?;
    let change = asked.server.control.change(|plane, _, extras| {
        let output = plane.output(id).ok_or_else(|| ApiError::not_found("restream"))?;
        let (config, secret) = changed(plane, &output, fields)?;
        let echoed = Echoed::of(extras, &place(id)).with(fields, ECHOED)?;
        let change = Change::from(Request::UpdateOutput(id, config));
        Ok::<_, ApiError>(change.with(move |_, keys, extras| {
            if let Some(secret) = secret {
                keys.put(KeyRef::Output(id), secret);
            }
            extras.insert(place(id), echoed.0.into());
        }))
    });
    change.await?;
    show(&asked, id)
}

pub async fn remove(Path(id): Path<String>, May(asked, _): May<StopOutput>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.request(Request::DeleteOutput(id)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
