//! `…/clip_recording`: stretches of what is being recorded.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{ClipId, ClipOrder, ClipView, Plane, RecordingId, Reply, Request};
use serde_json::{Value, json};

use super::input_of;
use super::streams::dvr_begin;
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::base::Base;
use crate::api::fields::{Fields, needed};
use crate::api::outcome::{Answer, Outcome};
use crate::store::Extras;
use crate::stream::unix_ms;

/// How far what is told of a recording is behind it.
const BEHIND_MS: i64 = 3000;

fn shown(it: &ClipView<'_>, plane: &Plane, base: &Base) -> Value {
    let source = plane.recording(it.recording).map(|it| it.facts());
    let start = source.map(|from| from.started.saturating_add_unsigned(it.order.start_ms));
    let file = format!("{}/v1/clips/{}/media.mp4", base.http, it.id);
    json!({
        "id": it.id.to_string(),
        "start": start.map(|it| it.div_euclid(1000)),
        "duration": it.order.duration_ms / 1000,
        "expiration": it.expires.map(|it| it.div_euclid(1000)),
        "hls_master": base.playlist(it.id),
        "mp4_master": file,
        "renditions": ["source"],
        "video_id": source.map(|it| it.number),
    })
}

fn show(asked: &Asked, id: ClipId) -> Outcome {
    asked.server.control.read(|plane, _, _| {
        let clip = plane.clip(id).ok_or_else(|| ApiError::not_found("clip"))?;
        Ok(Answer::of(shown(&clip, plane, &asked.base)))
    })
}

pub async fn list(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    asked.server.control.read(|plane, _, _| {
        let input = input_of(plane, &id)?;
        let of_it = |it: &ClipView<'_>| {
            plane.recording(it.recording).is_some_and(|it| it.facts().input == input)
        };
        let all = plane.clips().filter(of_it).map(|it| shown(&it, plane, &asked.base));
        Ok(Answer::of(all.collect()))
    })
}

pub async fn create(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let fields = asked.fields()?;
    let (recording, order) =
        asked.server.control.read(|plane, _, extras| ordered(plane, extras, &id, fields))?;
    match asked.server.control.request(Request::CreateClip(recording, order)).await? {
        Reply::Clip(id) => show(&asked, id),
        _ => Err(ApiError::not_found("clip")),
    }
}

/// What a body asks for, on the clock of the recording. All its times are seconds.
fn ordered(
    plane: &Plane,
    extras: &Extras,
    id: &str,
    fields: Fields<'_>,
) -> Result<(RecordingId, ClipOrder), ApiError> {
    let now = unix_ms();
    let input = plane.input(input_of(plane, id)?).ok_or_else(|| ApiError::not_found("stream"))?;
    let window = input.config.dvr_window_s.map(|it| i64::from(it) * 1000);
    let window =
        window.ok_or_else(|| ApiError::invalid("dvr_enabled", "must be true for clips"))?;
    let running = input.recorder.state().recording().and_then(|it| plane.recording(it));
    let none = || ApiError::new(StatusCode::CONFLICT, "not_live", "nothing is being recorded");
    let facts = running.ok_or_else(none)?.facts();
    let duration = i64::from(needed("duration", fields.count("duration")?)?) * 1000;
    let recorded = i64::try_from(facts.media.duration_ms).unwrap_or(i64::MAX);
    let start = match fields.whole("start")? {
        Some(start) => start.saturating_mul(1000).saturating_sub(facts.started),
        None => recorded.saturating_sub(duration),
    };
    let end = start.saturating_add(duration);
    if end > recorded {
        // It will be there, or will be known in a moment.
        let message = "this has not been recorded yet";
        return Err(ApiError::new(StatusCode::TOO_EARLY, "too_early", message));
    }
    let cleaned = extras.get(&dvr_begin(input.id)).and_then(Value::as_i64).unwrap_or(0);
    let oldest = now.saturating_sub(window).saturating_sub(BEHIND_MS).max(cleaned);
    if start < 0 || start.saturating_add(facts.started) < oldest {
        return Err(ApiError::invalid("start", "must lie within the DVR window"));
    }
    let expires_after_s = match fields.whole("expiration")? {
        None => None,
        Some(at) => {
            let after = at.saturating_sub(facts.started.saturating_add(end).div_euclid(1000));
            let wrong = || {
                ApiError::invalid("expiration", "must be 60 to 14400 seconds after the clip's end")
            };
            if !(60..=14_400).contains(&after) {
                return Err(wrong());
            }
            let from_now = at.saturating_sub(now.div_euclid(1000)).max(60);
            Some(u32::try_from(from_now).map_err(|_| wrong())?)
        }
    };
    let order = ClipOrder {
        start_ms: start.unsigned_abs(),
        duration_ms: duration.unsigned_abs(),
        keep: fields.flag("vod_required")?.unwrap_or(false),
        expires_after_s,
    };
    Ok((facts.id, order))
}
