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
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::store::Extras;

const ECHOED: &[&str] = &["client_user_id"];

fn place(id: OutputId) -> String {
    format!("surface-b/restream/{id}")
}

fn target(asked: &Asked, uri: &str) -> Result<(Target, Secret), ApiError> {
    let parsed =
        asked.server.control.read(|plane, _, _| Target::parse(uri, None, &plane.config().targets));
    Ok(parsed?)
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
    let name = needed("name", fields.text("name")?)?;
    let (target, secret) = target(&asked, needed("uri", fields.text("uri")?)?)?;
    let stream = needed("stream_id", fields.whole("stream_id")?)?;
    let input = asked.server.control.read(|plane, _, _| plane.input_by_number(stream));
    let input = input.ok_or_else(|| ApiError::invalid("stream_id", "must name a stream"))?;
    let mut config = OutputConfig::new(name, target);
    config.enabled = fields.flag("active")?.unwrap_or(true);
    let echoed = Echoed::default().with(fields, ECHOED)?;
    let keep = |reply: &Reply, keys: &mut Keyring, extras: &mut Extras| {
        if let Reply::Outputs(made) = reply {
            for id in made {
                keys.put(KeyRef::Output(*id), secret.clone());
                extras.insert(place(*id), echoed.0.clone().into());
            }
        }
    };
    let request = Request::CreateOutputs(input, vec![config]);
    match asked.server.control.request_with(request, keep).await? {
        Reply::Outputs(made) if !made.is_empty() => show(&asked, made[0]),
        _ => Err(ApiError::not_found("restream")),
    }
}

pub async fn one(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, find(&asked, &id)?)
}

pub async fn update(Path(id): Path<String>, May(asked, _): May<StartOutput>) -> Outcome {
    let id = find(&asked, &id)?;
    let fields = unwrapped(&asked, "restream")?;
    let (mut config, stream, echoed) = asked.server.control.read(|plane, _, extras| {
        let output = plane.output(id).ok_or_else(|| ApiError::not_found("restream"))?;
        let stream = plane.input(output.input).map(|it| it.number);
        Ok::<_, ApiError>((output.config.clone(), stream, Echoed::of(extras, &place(id))))
    })?;
    if fields.whole("stream_id")?.is_some_and(|it| Some(it) != stream) {
        return Err(ApiError::invalid("stream_id", "can't be changed"));
    }
    if let Some(name) = fields.text("name")? {
        config.name = name.to_owned();
    }
    let uri = fields.text("uri")?.map(|it| target(&asked, it)).transpose()?;
    if let Some((target, _)) = &uri {
        config.target = target.clone();
    }
    if let Some(active) = fields.flag("active")? {
        config.enabled = active;
    }
    let echoed = echoed.with(fields, ECHOED)?;
    let keep = |keys: &mut Keyring, extras: &mut Extras| {
        if let Some((_, secret)) = uri {
            keys.put(KeyRef::Output(id), secret);
        }
        extras.insert(place(id), echoed.0.into());
    };
    let request = Request::UpdateOutput(id, config);
    asked.server.control.request_with(request, |_, keys, extras| keep(keys, extras)).await?;
    show(&asked, id)
}

pub async fn remove(Path(id): Path<String>, May(asked, _): May<StopOutput>) -> Outcome {
    let id = find(&asked, &id)?;
    let forget = |extras: &mut Extras| _ = extras.remove(&place(id));
    let request = Request::DeleteOutput(id);
    asked.server.control.request_with(request, |_, _, extras| forget(extras)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
