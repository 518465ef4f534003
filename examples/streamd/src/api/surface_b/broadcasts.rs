//! `/streaming/broadcasts`: shows.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{Plane, Reply, Request, ShowConfig, ShowId, ShowStatus, ShowView};
use serde_json::{Value, json};

use super::{Echoed, inputs_of, number_of, unwrapped};
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::fields::{Fields, needed};
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;

const ECHOED: &[&str] = &["share_url", "custom_iframe_url", "ad_id", "player_id", "poster"];

fn place(id: ShowId) -> String {
    format!("show/{id}/surface-b")
}

fn status(fields: Fields<'_>) -> Result<Option<ShowStatus>, ApiError> {
    let all = [ShowStatus::Pending, ShowStatus::Live, ShowStatus::Paused, ShowStatus::Finished];
    let unknown = || ApiError::invalid("status", "must be pending, live, paused or finished");
    let find = |text: &str| all.into_iter().find(|it| it.as_str() == text).ok_or_else(unknown);
    fields.text("status")?.map(find).transpose()
}

/// What a body makes of a broadcast: what it does not say stays.
fn configured(
    plane: &Plane,
    fields: Fields<'_>,
    config: ShowConfig,
) -> Result<ShowConfig, ApiError> {
    let mut config = config;
    if let Some(name) = fields.text("name")? {
        config.name = name.to_owned();
    }
    if let Some(numbers) = fields.wholes("stream_ids")? {
        config.inputs = inputs_of(plane, &numbers, "stream_ids")?;
    }
    if fields.given("pending_message").is_some() {
        let message = fields.text("pending_message")?.filter(|it| !it.is_empty());
        config.messages.pending = message.map(str::to_owned);
    }
    if let Some(replay) = fields.flag("show_dvr_after_finish")? {
        config.replay_after_finish = replay;
    }
    Ok(config)
}

fn shown(it: &ShowView<'_>, plane: &Plane, extras: &Extras) -> Value {
    let inputs = it.config.inputs.iter().filter_map(|it| plane.input(*it));
    let mut broadcast = json!({
        "id": it.number,
        "name": it.config.name,
        "status": it.machine.status().as_str(),
        "stream_ids": inputs.map(|it| it.number).collect::<Vec<_>>(),
        "pending_message": it.config.messages.pending,
        "show_dvr_after_finish": it.config.replay_after_finish,
    });
    Echoed::of(extras, &place(it.id)).show(ECHOED, &mut broadcast);
    broadcast
}

fn show(asked: &Asked, id: ShowId) -> Outcome {
    asked.server.control.read(|plane, _, extras| {
        let show = plane.show(id).ok_or_else(|| ApiError::not_found("broadcast"))?;
        Ok(Answer::of(shown(&show, plane, extras)))
    })
}

fn find(asked: &Asked, id: &str) -> Result<ShowId, ApiError> {
    let number = number_of(id, "broadcast")?;
    asked.server.control.read(|plane, _, _| {
        let found = plane.shows().find(|it| it.number == number).map(|it| it.id);
        found.ok_or_else(|| ApiError::not_found("broadcast"))
    })
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    let mut all: Vec<(i64, Value)> = asked.server.control.read(|plane, _, extras| {
        plane.shows().map(|it| (it.number, shown(&it, plane, extras))).collect()
    });
    all.sort_by_key(|it| std::cmp::Reverse(it.0));
    Ok(Answer::of(all.into_iter().map(|it| it.1).collect()))
}

pub async fn create(May(asked, _): May<Manage>) -> Outcome {
    let fields = unwrapped(&asked, "broadcast")?;
    needed("name", fields.text("name")?)?;
    let mut begin = ShowConfig::default();
    begin.status = needed("status", status(fields)?)?;
    let echoed = Echoed::default().with(fields, ECHOED)?;
    let change = asked.server.control.change(|plane, _, _| {
        let change = Change::from(Request::CreateShow(configured(plane, fields, begin)?));
        Ok::<_, ApiError>(change.with(|reply, _, extras| {
            if let Reply::Show(id) = reply {
                extras.insert(place(*id), echoed.0.into());
            }
        }))
    });
    match change.await? {
        Reply::Show(id) => show(&asked, id),
        _ => Err(ApiError::not_found("broadcast")),
    }
}

pub async fn one(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    show(&asked, find(&asked, &id)?)
}

pub async fn update(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    let fields = unwrapped(&asked, "broadcast")?;
    let status = status(fields)?;
    let control = &asked.server.control;
    let change = control.change(|plane, _, extras| {
        let show = plane.show(id).ok_or_else(|| ApiError::not_found("broadcast"))?;
        let config = configured(plane, fields, show.config.clone())?;
        let echoed = Echoed::of(extras, &place(id)).with(fields, ECHOED)?;
        let change = Change::from(Request::UpdateShow(id, config));
        Ok::<_, ApiError>(
            change.with(move |_, _, extras| _ = extras.insert(place(id), echoed.0.into())),
        )
    });
    change.await?;
    if let Some(status) = status {
        control.request(Request::SetShow(id, status)).await?;
    }
    show(&asked, id)
}

pub async fn remove(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.request(Request::DeleteShow(id)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub async fn spectators(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    let id = find(&asked, &id)?;
    let inputs = asked
        .server
        .control
        .read(|plane, _, _| plane.show(id).map(|it| it.config.inputs.clone()).unwrap_or_default());
    let streams = inputs.into_iter().filter_map(|it| asked.server.hub.of_input(it));
    let count: u64 = streams.map(|it| it.counts()).map(|it| it.players + it.hls_viewers).sum();
    Ok(Answer::of(json!({ "spectators_count": count })))
}
