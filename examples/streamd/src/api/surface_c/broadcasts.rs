//! What goes out of a call: pushes by their names, and HLS.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    InputId, KeyRef, Keyring, OutputConfig, OutputId, OutputState, Quality, Reply, Request, Secret,
    Target, TargetRules,
};
use serde_json::{Value, json};

use super::calls::{Call, kept};
use super::settings::broadcasting;
use crate::api::ApiError;
use crate::api::asked::{Asked, May, StartOutput, StopOutput};
use crate::api::fields::{Fields, free, needed};
use crate::api::outcome::{Answer, Outcome};
use crate::api::outputs::quality_of;
use crate::store::Extras;

/// One that is asked for.
struct Wanted {
    config: OutputConfig,
    key: Secret,
    quality: Option<String>,
}

impl Wanted {
    fn read(body: &Value, rules: &TargetRules, usual: Option<&str>) -> Result<Self, ApiError> {
        let fields = Fields::of(body)?;
        let name = free("name", needed("name", fields.text("name")?)?)?;
        let url = needed("stream_url", fields.text("stream_url")?)?;
        let parsed = Target::parse(url, fields.text("stream_key")?, rules);
        let (target, key) = parsed.map_err(|why| {
            let mut why = ApiError::from(why);
            why.message = format!("stream_{}", why.message);
            why
        })?;
        fields.inner("layout")?.text("name")?;
        let quality = fields.text("quality")?;
        quality.map(Quality::parse).transpose()?;
        let quality = quality.or(usual).map(str::to_owned);
        Ok(Self { config: OutputConfig::new(name, target), key, quality })
    }
}

/// Starts all or none.
pub async fn start(Path(path): Path<(String, String)>, May(asked, _): May<StartOutput>) -> Outcome {
    let call = Call::named(path)?;
    let fields = asked.fields()?;
    let (input, wanted) = asked.server.control.read(|plane, _, extras| {
        let input = call.find(plane)?;
        let settings = allowed(&call, extras, input)?;
        broadcasting(&settings)?.may_start_rtmp(&asked.caller.scopes)?;
        let usual = settings["broadcasting"]["rtmp"]["quality"].as_str();
        let bodies = needed("broadcasts", fields.list("broadcasts")?.filter(|it| !it.is_empty()))?;
        let rules = &plane.config().targets;
        let wanted = bodies.iter().map(|it| Wanted::read(it, rules, usual));
        Ok::<_, ApiError>((input, wanted.collect::<Result<Vec<_>, ApiError>>()?))
    })?;
    for old in over(&asked, input, &wanted) {
        asked.server.control.request(Request::DeleteOutput(old)).await?;
    }
    let configs = wanted.iter().map(|it| it.config.clone()).collect();
    let keep = |reply: &Reply, keys: &mut Keyring, extras: &mut Extras| {
        let Reply::Outputs(made) = reply else { return };
        for (id, Wanted { key, quality, .. }) in made.iter().zip(wanted) {
            keys.put(KeyRef::Output(*id), key);
            if let Some(quality) = quality {
                extras.insert(quality_of(*id), quality.into());
            }
        }
    };
    asked.server.control.request_with(Request::CreateOutputs(input, configs), keep).await?;
    Ok(Answer::created(json!({})))
}

/// The settings of a call that goes on.
fn allowed(call: &Call, extras: &Extras, id: InputId) -> Result<Value, ApiError> {
    if kept(extras, id)["ended"].is_i64() {
        let message = "the call has ended";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "call_ended", message));
    }
    Ok(call.settings(extras, id))
}

/// Those of before that are over and whose names are asked for again.
fn over(asked: &Asked, input: InputId, wanted: &[Wanted]) -> Vec<OutputId> {
    asked.server.control.read(|plane, _, _| {
        let outputs = plane.input(input).into_iter().flat_map(|it| it.outputs);
        let outputs = outputs.filter_map(|it| plane.output(*it));
        let over = outputs.filter(|it| {
            let again = wanted.iter().any(|new| new.config.name == it.config.name);
            again && (!it.config.enabled || it.machine.state() == OutputState::Failed)
        });
        over.map(|it| it.id).collect()
    })
}

pub async fn stop(
    Path((kind, id, name)): Path<(String, String, String)>,
    May(asked, _): May<StopOutput>,
) -> Outcome {
    let call = Call::named((kind, id))?;
    let input = asked.server.control.read(|plane, _, _| call.find(plane))?;
    asked.server.control.request(Request::StopOutputNamed(input, name)).await?;
    Ok(Answer::of(json!({})))
}

pub async fn stop_all(
    Path(path): Path<(String, String)>,
    May(asked, _): May<StopOutput>,
) -> Outcome {
    let call = Call::named(path)?;
    let input = asked.server.control.read(|plane, _, _| call.find(plane))?;
    asked.server.control.request(Request::StopOutputs(input)).await?;
    Ok(Answer::of(json!({})))
}

pub async fn start_hls(
    Path(path): Path<(String, String)>,
    May(asked, _): May<StartOutput>,
) -> Outcome {
    let call = Call::named(path)?;
    let input = asked.server.control.read(|plane, _, extras| {
        let input = call.find(plane)?;
        let settings = allowed(&call, extras, input)?;
        broadcasting(&settings)?.may_start_hls(&asked.caller.scopes)?;
        Ok::<_, ApiError>(input)
    })?;
    call.keep(&asked, |kept| kept["hls"] = true.into()).await?;
    Ok(Answer::of(json!({ "playlist_url": asked.base.playlist(input) })))
}

pub async fn stop_hls(
    Path(path): Path<(String, String)>,
    May(asked, _): May<StopOutput>,
) -> Outcome {
    let call = Call::named(path)?;
    call.keep(&asked, |kept| kept["hls"] = false.into()).await?;
    Ok(Answer::of(json!({})))
}
