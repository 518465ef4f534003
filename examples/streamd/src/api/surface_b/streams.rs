//! `/streaming/streams`.

use axum::extract::Path;
use axum::http::StatusCode;
use levada_control::{
    Error, InputConfig, InputId, InputView, KeyRef, Keyring, Plane, Profile, ProfileKind,
    RecordingMode, Reply, Request, Secret, ShowId, Slot, parse_pull_list, rfc3339,
};
use serde_json::{Value, json};

use super::{CLIENT, Echoed, input_of, unwrapped, videos};
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::base::{Base, with_key};
use crate::api::fields::{Fields, needed};
use crate::api::inputs::region_of;
use crate::api::outcome::{Answer, Outcome};
use crate::config::Config;
use crate::control::Change;
use crate::store::Extras;
use crate::stream::unix_ms;

/// What is only given back.
const ECHOED: &[&str] = &[
    "client_user_id",
    "record_type",
    "dvr_duration",
    "hls_mpegts_endlist_tag",
    "webrtc",
    "cdn_id",
    "projection",
    "quality_set_id",
    "html_overlay",
];
/// What servers of that kind have, and this one does not.
const ABSENT: &[&str] =
    &["push_url_srt", "backup_push_url_srt", "push_url_whip", "dash_url", "screenshot"];
const DVR_S: u32 = 3600;

fn place(id: InputId) -> String {
    format!("input/{id}/surface-b")
}

/// Where it is kept from when on there is something to rewind to.
pub fn dvr_begin(id: InputId) -> String {
    format!("input/{id}/dvr-begin")
}

/// What a body makes of a stream.
struct Wanted {
    config: InputConfig,
    /// The places that it is pulled from, if the body names some.
    uri: Option<Secret>,
    echoed: Echoed,
    /// Its region, if the body says something of it.
    region: Option<Value>,
}

impl Wanted {
    /// What the body does not say stays.
    fn read(
        plane: &Plane,
        fields: Fields<'_>,
        config: InputConfig,
        before: Echoed,
        had_uri: bool,
    ) -> Result<Self, ApiError> {
        let mut config = config;
        let echoed = before.with(fields, ECHOED)?;
        let region = fields.text("transcoding_region")?.map(Value::from);
        let region = fields.given("transcoding_region").map(|_| region.unwrap_or_default());
        if let Some(name) = fields.text("name")? {
            config.name = name.to_owned();
        }
        if let Some(active) = fields.flag("active")? {
            config.enabled = active;
        }
        if let Some(auto) = fields.flag("auto_record")? {
            config.recording.mode =
                if auto { RecordingMode::Automatic } else { RecordingMode::Manual };
        }
        if fields.given("client_user_id").is_some() {
            let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
            let user = fields.given("client_user_id").filter(|it| !it.is_null());
            config.client_user_id = user.map(text);
        }
        if fields.given("client_entity_data").is_some() {
            config.client_entity_data = fields.text("client_entity_data")?.map(str::to_owned);
        }
        let dvr = fields.flag("dvr_enabled")?.unwrap_or(config.dvr_window_s.is_some());
        let kept = echoed.0.get("dvr_duration").and_then(Value::as_u64);
        let seconds = match fields.count("dvr_duration")? {
            Some(seconds) => seconds,
            None => kept.and_then(|it| u32::try_from(it).ok()).unwrap_or(DVR_S),
        };
        config.dvr_window_s = dvr.then_some(seconds);
        let (uri, places) = pulled(plane, fields)?;
        let pull = fields.flag("pull")?.unwrap_or(config.pull.is_some());
        config.pull = match (pull, places, config.pull.take()) {
            (false, ..) => None,
            (true, Some(places), _) | (true, None, Some(places)) => Some(places),
            (true, None, None) if had_uri => None,
            (true, None, None) => return Err(ApiError::invalid("uri", "can't be blank")),
        };
        Ok(Self { config, uri, echoed, region })
    }

    fn keep(self, id: InputId, keys: &mut Keyring, extras: &mut Extras) {
        if let Some(uri) = self.uri {
            keys.put(KeyRef::Pull(id), uri);
        }
        match self.region {
            Some(Value::Null) => _ = extras.remove(&region_of(id)),
            Some(region) => _ = extras.insert(region_of(id), region),
            None => {}
        }
        extras.insert(place(id), self.echoed.0.into());
    }
}

/// The list of URLs, which may hold passwords, and the places that it names.
fn pulled(
    plane: &Plane,
    fields: Fields<'_>,
) -> Result<(Option<Secret>, Option<Vec<levada_control::Place>>), ApiError> {
    let Some(uri) = fields.text("uri")?.filter(|it| !it.is_empty()) else {
        return Ok((None, None));
    };
    let places = parse_pull_list(uri, &plane.config().targets)?;
    Ok((Some(Secret::new(uri)), Some(places)))
}

/// The broadcasts that a body names, if it names any.
fn shows(plane: &Plane, fields: Fields<'_>) -> Result<Option<Vec<ShowId>>, ApiError> {
    let Some(numbers) = fields.wholes("broadcast_ids")? else { return Ok(None) };
    let missing = || ApiError::invalid("broadcast_ids", "must name broadcasts that exist");
    let find = |number: &i64| plane.shows().find(|it| it.number == *number).map(|it| it.id);
    numbers.iter().map(|it| find(it).ok_or_else(missing)).collect::<Result<_, _>>().map(Some)
}

/// Makes a stream part of these broadcasts, and of no others.
async fn link(asked: &Asked, id: InputId, wanted: &[ShowId]) -> Result<(), ApiError> {
    let control = &asked.server.control;
    let others: Vec<ShowId> = control.read(|plane, _, _| {
        let is = |it: &levada_control::ShowView<'_>| it.config.inputs.contains(&id);
        let others = plane.shows().filter(|it| wanted.contains(&it.id) != is(it));
        others.map(|it| it.id).collect()
    });
    for show in others {
        let change = control.change(|plane, _, _| {
            let gone = || ApiError::not_found("broadcast");
            let mut config = plane.show(show).ok_or_else(gone)?.config.clone();
            config.inputs.retain(|it| *it != id);
            if wanted.contains(&show) {
                config.inputs.push(id);
            }
            Ok::<_, ApiError>(Request::UpdateShow(show, config).into())
        });
        change.await?;
    }
    Ok(())
}

fn shown(
    it: &InputView<'_>,
    plane: &Plane,
    keys: &Keyring,
    extras: &Extras,
    base: &Base,
    config: &Config,
) -> Value {
    let echoed = Echoed::of(extras, &place(it.id));
    let region = extras.get(&region_of(it.id));
    let base = base.in_region(region, &config.region);
    let live = it.machine.phase().as_str() == "live";
    let since = |slot| {
        let publisher = it.machine.publisher(slot).filter(|_| it.machine.has_media(slot))?;
        plane.session(publisher).map(|it| rfc3339(it.1))
    };
    let recording = it.recorder.state().recording();
    let recorded = recording.and_then(|it| plane.recording(it));
    let video = it.health.figures().video.filter(|_| live);
    let size = video.map(|it| it.1).filter(|it| it.0 > 0);
    let shows = plane.shows().filter(|show| show.config.inputs.contains(&it.id));
    let mut stream = json!({
        "id": it.number,
        "name": it.config.name,
        "token": keys.secret(KeyRef::Publish(it.id)).map(|it| it.reveal()),
        "active": it.config.enabled,
        "live": live,
        "backup_live": it.machine.has_media(Slot::Backup),
        "recording": recording.is_some(),
        "recording_duration": recorded.map(|it| it.facts().media.duration_ms / 1000),
        "pull": it.config.pull.is_some(),
        "uri": keys.secret(KeyRef::Pull(it.id)).map(|it| it.reveal()),
        "hls_mpegts_url": base.playlist(it.id),
        "hls_cmaf_url": base.playlist(it.id),
        "iframe_url": base.watch(it.id),
        "transcoded_qualities": [],
        "transcoding_region": region,
        "transcoding_speed": null,
        "transcoding_enabled": live && it.machine.is_ready(),
        "stream_source_type": if it.config.pull.is_some() { "pull" } else { "push" },
        "frame_rate": video.and_then(|it| it.2).map(|it| f64::from(it) / 1000.0),
        "video_width": size.map(|it| it.0),
        "video_height": size.map(|it| it.1),
        "started_at_primary": since(Slot::Primary),
        "started_at_backup": since(Slot::Backup),
        "finished_at_primary": it.machine.last_loss().map(|it| rfc3339(it.1)),
        "created_at": rfc3339(it.created),
        "broadcast_ids": shows.map(|it| it.number).collect::<Vec<_>>(),
        "client_entity_data": it.config.client_entity_data,
        "auto_record": it.config.recording.mode == RecordingMode::Automatic,
        "dvr_enabled": it.config.dvr_window_s.is_some(),
    });
    show_urls(&mut stream, it, keys, &base);
    echoed.show(ECHOED, &mut stream);
    stream["dvr_duration"] =
        it.config.dvr_window_s.map_or_else(|| stream["dvr_duration"].clone(), Value::from);
    if stream["dvr_duration"].is_null() {
        stream["dvr_duration"] = DVR_S.into();
    }
    stream
}

/// Where to publish and play.
fn show_urls(stream: &mut Value, it: &InputView<'_>, keys: &Keyring, base: &Base) {
    let (number, publish) = (it.number, keys.secret(KeyRef::Publish(it.id)));
    let play = keys.secret(KeyRef::Play(it.id));
    stream["push_url"] = with_key(&base.rtmp(&format!("in/{number}")), publish).into();
    stream["backup_push_url"] = with_key(&base.rtmp(&format!("in/{number}b")), publish).into();
    let whole = with_key(&base.rtmp(&format!("in/{number}")), play);
    let source = with_key(&base.rtmp(&format!("out/{CLIENT}_{number}_source")), play);
    stream["rtmp_play_url"] = json!([whole, source]);
    for absent in ABSENT {
        stream[*absent] = Value::Null;
    }
}

fn show(asked: &Asked, id: InputId) -> Result<Value, ApiError> {
    let config = asked.server.config();
    asked.server.control.read(|plane, keys, extras| {
        let input = plane.input(id).ok_or_else(|| ApiError::not_found("stream"))?;
        Ok(shown(&input, plane, keys, extras, &asked.base, &config))
    })
}

/// The stream that the path names.
fn find(asked: &Asked, id: &str) -> Result<InputId, ApiError> {
    asked.server.control.read(|plane, _, _| input_of(plane, id))
}

pub async fn list(May(asked, _): May<Read>) -> Outcome {
    let config = asked.server.config();
    let mut all: Vec<(i64, Value)> = asked.server.control.read(|plane, keys, extras| {
        let kept = plane.inputs().filter(|it| !it.ephemeral);
        kept.map(|it| (it.number, shown(&it, plane, keys, extras, &asked.base, &config))).collect()
    });
    all.sort_by_key(|it| std::cmp::Reverse(it.0));
    Ok(Answer::of(all.into_iter().map(|it| it.1).collect()))
}

pub async fn create(May(asked, _): May<Manage>) -> Outcome {
    let fields = unwrapped(&asked, "stream")?;
    let name = needed("name", fields.text("name")?)?;
    let mut config = InputConfig::new(name, Profile::of(ProfileKind::Streams));
    config.enabled = false;
    config.recording.mode = RecordingMode::Manual;
    let mut broadcasts = None;
    let change = asked.server.control.change(|plane, _, _| {
        let wanted = Wanted::read(plane, fields, config, Echoed::default(), false)?;
        broadcasts = shows(plane, fields)?;
        let change = Change::from(Request::CreateInput(wanted.config.clone()));
        Ok::<_, ApiError>(change.with(move |reply, keys, extras| {
            if let Reply::Input(id) = reply {
                wanted.keep(*id, keys, extras);
            }
        }))
    });
    let Reply::Input(id) = change.await? else { return Err(ApiError::not_found("stream")) };
    link(&asked, id, &broadcasts.unwrap_or_default()).await?;
    show(&asked, id).map(Answer::of)
}

pub async fn one(Path(id): Path<String>, May(asked, _): May<Read>) -> Outcome {
    let id = find(&asked, &id)?;
    show(&asked, id).map(Answer::of)
}

pub async fn update(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    let fields = unwrapped(&asked, "stream")?;
    let mut broadcasts = None;
    let change = asked.server.control.change(|plane, keys, extras| {
        let input = plane.input(id).ok_or_else(|| ApiError::not_found("stream"))?;
        let (uri, echoed) = (keys.secret(KeyRef::Pull(id)), Echoed::of(extras, &place(id)));
        let config = input.config.clone();
        let mut wanted = Wanted::read(plane, fields, config, echoed, uri.is_some())?;
        // Switched to pull again: the places are those of before.
        if let (Some(uri), None, Some(true)) = (uri, &wanted.config.pull, fields.flag("pull")?) {
            wanted.config.pull = Some(parse_pull_list(uri.reveal(), &plane.config().targets)?);
        }
        broadcasts = shows(plane, fields)?;
        let change = Change::from(Request::UpdateInput(id, wanted.config.clone()));
        Ok::<_, ApiError>(change.with(move |_, keys, extras| wanted.keep(id, keys, extras)))
    });
    change.await?;
    if let Some(broadcasts) = broadcasts {
        link(&asked, id, &broadcasts).await?;
    }
    show(&asked, id).map(Answer::of)
}

pub async fn remove(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.request(Request::DeleteInput(id)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub async fn start_recording(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    match asked.server.control.request(Request::StartRecording(id)).await? {
        Reply::RecordingStarts { storage_low: true } => {
            let warning = json!({
                "key": "client_storage_almost_exceeded",
                "message": Error::StorageFull.to_string().replace("full", "almost full"),
            });
            Ok(Answer::of(
                json!({ "data": show(&asked, id)?, "warnings": [warning], "errors": [] }),
            ))
        }
        _ => Ok(Answer::empty(StatusCode::NO_CONTENT)),
    }
}

pub async fn stop_recording(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    match asked.server.control.request(Request::StopRecording(id)).await? {
        Reply::RecordingStopped(Some(recording)) => videos::show(&asked, recording),
        _ => Ok(Answer::empty(StatusCode::OK)),
    }
}

pub async fn reset_token(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.request(Request::RotateKeys(id)).await?;
    show(&asked, id).map(Answer::of)
}

/// Forgets what could be rewound to.
pub async fn clean_up(Path(id): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let id = find(&asked, &id)?;
    asked.server.control.keep(|_, extras| extras.insert(dvr_begin(id), unix_ms().into())).await;
    if let Some(stream) = asked.server.hub.of_input(id) {
        stream.forget_past();
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
