//! How an input looks.

use levada_control::{
    Apps, InputView, KeyRef, Keyring, Now, OnViolation, Phase, Place, ProfileKind, PullState,
    RecordingMode, Secret, Slot,
};
use serde_json::{Value, json};

use super::super::base::{Base, with_key};
use super::super::kind::{COUNT, Field, Kind, MAYBE_TEXT, MAYBE_TIME, NAME, TEXT, may, must};
use super::super::read::{deadline, hint, key, time, time_or_null};
use super::settings::{ADVANCE, DAYS, DVR_S, MODE, ON_VIOLATION, ORIGINS, PROFILE, RECORDING_MODE};
use crate::store::Extras;

const DOOR: Kind = Kind::Maybe(&Kind::Object(&[
    must("url", TEXT),
    must("key", MAYBE_TEXT),
    must("key_hint", MAYBE_TEXT),
]));
pub const SLOT: Kind = Kind::Maybe(&Kind::Word(&["primary", "backup"]));

pub const VIEW: &[Field] = &[
    must("id", Kind::Id(32)),
    must("number", COUNT),
    must("name", Kind::Text(1, 1024)),
    must("alias", Kind::Maybe(&NAME)),
    must("meta", Kind::Map),
    must("enabled", Kind::Flag),
    must("mode", MODE),
    must("region", Kind::Maybe(&Kind::Text(1, 64))),
    must(
        "ingest",
        Kind::Object(&[
            must("rtmp", DOOR),
            must("rtmps", DOOR),
            must("primary_url", MAYBE_TEXT),
            must("backup_url", MAYBE_TEXT),
        ]),
    ),
    must("playback", Kind::Object(&[must("hls", TEXT), must("rtmp", DOOR), must("flv", TEXT)])),
    must(
        "pull",
        Kind::Object(&[
            must("urls", Kind::List(&Kind::Text(1, 1024), 255)),
            must("fast", Kind::Flag),
            must("advance", ADVANCE),
            must(
                "state",
                Kind::Word(&["off", "connecting", "receiving", "waiting", "deactivated"]),
            ),
            must("attempt", COUNT),
            must("next_attempt_at", MAYBE_TIME),
            must(
                "last_error",
                Kind::Maybe(&Kind::Object(&[
                    must("code", TEXT),
                    must("url_index", COUNT),
                    may("status", COUNT),
                ])),
            ),
        ]),
    ),
    must(
        "recording",
        Kind::Object(&[
            must("mode", RECORDING_MODE),
            must("reconnect_window_s", COUNT),
            must("require_signed", Kind::Flag),
            must("allowed_origins", ORIGINS),
            must("strict_origin", Kind::Flag),
            must("delete_after_days", DAYS),
            must("active", Kind::Flag),
            must("current", Kind::Maybe(&Kind::Id(32))),
        ]),
    ),
    must("low_latency", Kind::Flag),
    must(
        "dvr",
        Kind::Object(&[must("enabled", Kind::Flag), must("window_s", Kind::Whole(30, 14_400))]),
    ),
    must("profile", PROFILE),
    must("on_violation", ON_VIOLATION),
    must("end_on_unpublish", Kind::Flag),
    must(
        "status",
        Kind::Object(&[
            must("state", Kind::Word(&["disabled", "idle", "connecting", "live", "suspended"])),
            must("word", MAYBE_TEXT),
            must("slot", SLOT),
            must("backup_live", Kind::Flag),
            must("since", Kind::Time),
            must("resume_until", MAYBE_TIME),
            must("ready", Kind::Flag),
            must("deactivated", Kind::Flag),
            must("players", COUNT),
            must(
                "last_disconnect",
                Kind::Maybe(&Kind::Object(&[must("reason", TEXT), must("at", Kind::Time)])),
            ),
        ]),
    ),
    must("outputs", COUNT),
    must("ephemeral", Kind::Flag),
    must("created", Kind::Time),
    must("modified", Kind::Time),
    must("keys_rotated_at", MAYBE_TIME),
];

/// Where encoders and players find this server, in which regions, and by which applications.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    pub base: &'a Base,
    pub regions: &'a [(String, String)],
    pub apps: &'a Apps,
}

impl Places<'_> {
    /// The application whose names are keys.
    fn keyed(&self) -> &str {
        self.apps.keys.first().map_or("live", String::as_str)
    }

    /// A URL with its token in it, for those who may see it.
    fn numbered(&self, name: &str, token: Option<&Secret>) -> Value {
        let url = || self.base.rtmp(&format!("{}/{name}", self.apps.numbers));
        token.map_or(Value::Null, |it| with_key(&url(), Some(it)).into())
    }
}

fn door(url: Option<String>, keys: &Keyring, which: KeyRef, reveal: bool) -> Value {
    let Some(url) = url else { return Value::Null };
    json!({ "url": url, "key": key(keys, which, reveal), "key_hint": hint(keys, which) })
}

pub fn view(
    it: &InputView<'_>,
    now: Now,
    places: &Places<'_>,
    keys: &Keyring,
    extras: &Extras,
    reveal: bool,
) -> Value {
    let (config, id) = (it.config, it.id);
    let (publish, play) = (KeyRef::Publish(id), KeyRef::Play(id));
    let token = keys.secret(publish).filter(|_| reveal);
    let region = extras.get(&super::region_of(id));
    let base = places.base.in_region(region, places.regions);
    let places = Places { base: &base, ..*places };
    let meta: Value = serde_json::from_str(&config.meta).unwrap_or_else(|_| json!({}));
    json!({
        "id": id.to_string(), "number": it.number, "name": config.name, "alias": config.alias,
        "meta": meta, "enabled": config.enabled,
        "mode": if config.pull.is_some() { "pull" } else { "push" },
        "region": region,
        "ingest": {
            "rtmp": door(Some(places.base.rtmp(places.keyed())), keys, publish, reveal),
            "rtmps": door(places.base.rtmps(places.keyed()), keys, publish, reveal),
            "primary_url": places.numbered(&it.number.to_string(), token),
            "backup_url": places.numbered(&format!("{}b", it.number), token),
        },
        "playback": {
            "hls": format!("/{id}/manifest/video.m3u8"),
            "rtmp": door(Some(places.base.rtmp(places.keyed())), keys, play, reveal),
            "flv": format!("/{id}/live.flv"),
        },
        "pull": pull(it, now, keys, reveal),
        "recording": recording(it),
        "low_latency": config.low_latency,
        "dvr": {
            "enabled": config.dvr_window_s.is_some(),
            "window_s": config.dvr_window_s.unwrap_or(DVR_S),
        },
        "profile": match config.profile.kind {
            ProfileKind::LiveInputs => "live-inputs",
            ProfileKind::Streams => "streams",
            ProfileKind::Servers => "servers",
            _ => "default",
        },
        "on_violation": match config.profile.policy.on_violation {
            OnViolation::Reject => "reject",
            _ => "report",
        },
        "end_on_unpublish": config.profile.end_on_unpublish,
        "status": status(it, now), "outputs": it.outputs.len(), "ephemeral": it.ephemeral,
        "created": time(it.created), "modified": time(it.modified),
        "keys_rotated_at": time_or_null(it.keys_rotated),
    })
}

fn pull(it: &InputView<'_>, now: Now, keys: &Keyring, reveal: bool) -> Value {
    // The URLs themselves may hold passwords: others see where they lead.
    let text = keys.secret(KeyRef::Pull(it.id)).filter(|_| reveal).map(|it| it.reveal());
    let urls: Vec<String> = match text {
        Some(text) => text.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        None => it.config.pull.iter().flatten().map(place).collect(),
    };
    let rules = &it.config.profile.pull;
    let last_error =
        it.pull.last_failure().map(|why| json!({ "code": why.code(), "url_index": it.pull.url() }));
    json!({
        "urls": urls,
        "fast": rules.waits == levada_control::PullRules::fast().waits,
        "advance": if rules.by_rounds { "round" } else { "url" },
        "state": match it.pull.state() {
            PullState::Connecting => "connecting",
            PullState::Receiving => "receiving",
            PullState::Waiting { .. } => "waiting",
            PullState::Deactivated => "deactivated",
            _ => "off",
        },
        "attempt": it.pull.attempt(),
        "next_attempt_at": deadline(now, it.pull.retry_at()),
        "last_error": last_error,
    })
}

fn place(it: &Place) -> String {
    let (open, close) = if it.host.contains(':') { ("[", "]") } else { ("", "") };
    format!("{}://{open}{}{close}:{}", it.scheme.as_str(), it.host, it.port)
}

fn recording(it: &InputView<'_>) -> Value {
    let recording = &it.config.recording;
    let window = recording.window.unwrap_or(it.config.profile.reconnect_window);
    let current = it.recorder.state().recording();
    json!({
        "mode": match recording.mode {
            RecordingMode::Automatic => "automatic",
            RecordingMode::Manual => "manual",
            _ => "off",
        },
        "reconnect_window_s": window.as_secs(),
        "require_signed": recording.access.require_signed,
        "allowed_origins": recording.access.allowed_origins,
        "strict_origin": recording.access.strict_origin,
        "delete_after_days": recording.delete_after_days,
        "active": current.is_some(),
        "current": current.map(|it| it.to_string()),
    })
}

pub fn slot(slot: Slot) -> &'static str {
    if slot == Slot::Backup { "backup" } else { "primary" }
}

fn status(it: &InputView<'_>, now: Now) -> Value {
    let phase = it.machine.phase();
    let (used, resume_until) = match phase {
        Phase::Live { slot } => (Some(slot), None),
        Phase::Suspended { until } => (None, Some(until)),
        _ => (None, None),
    };
    let lost = it.machine.last_loss();
    json!({
        "state": phase.as_str(),
        "word": it.machine.word().map(|it| it.as_str()),
        "slot": used.map(slot),
        "backup_live": it.machine.has_media(Slot::Backup),
        // One that nothing happened to is what it is since it was made.
        "since": time(now.unix_at(it.machine.since()).max(it.created)),
        "resume_until": deadline(now, resume_until),
        "ready": it.machine.is_ready(),
        "deactivated": it.deactivated,
        "players": it.players,
        "last_disconnect": lost.map(|(why, at)| json!({ "reason": why.code(), "at": time(at) })),
    })
}
