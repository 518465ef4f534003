//! From bodies to what an input is.

use std::time::Duration;

use levada_control::{
    InputConfig, InputId, KeyChange, KeyRef, Keyring, OnViolation, PULL_FIELD, Profile,
    ProfileKind, PullRules, RecordingMode, TargetRules, parse_pull_list,
};

use super::super::ApiError;
use super::super::fields::free;
use super::super::kind::{Field, Kind, NAME, may, must};
use super::super::read::Fields;
use crate::control::Chance;

pub const PROFILE: Kind = Kind::Word(&["default", "live-inputs", "streams", "servers"]);
pub const MODE: Kind = Kind::Word(&["push", "pull"]);
pub const RECORDING_MODE: Kind = Kind::Word(&["off", "automatic", "manual"]);
pub const ON_VIOLATION: Kind = Kind::Word(&["report", "reject"]);
pub const ADVANCE: Kind = Kind::Word(&["url", "round"]);
pub const ORIGINS: Kind = Kind::List(&Kind::Text(1, 261), 100);
pub const DAYS: Kind = Kind::Maybe(&Kind::Whole(1, 65_535));

pub const BODY: &[Field] = &[
    must("name", NAME),
    may("alias", Kind::Maybe(&NAME)),
    may("meta", Kind::Map),
    may("enabled", Kind::Flag),
    may("mode", MODE),
    may(
        "pull",
        Kind::Object(&[
            may("urls", Kind::List(&Kind::Text(1, PULL_FIELD), PULL_FIELD)),
            may("fast", Kind::Flag),
            may("advance", ADVANCE),
        ]),
    ),
    may("region", Kind::Maybe(&Kind::Text(1, 64))),
    may(
        "recording",
        Kind::Object(&[
            may("mode", RECORDING_MODE),
            may("reconnect_window_s", Kind::Whole(0, 86_400)),
            may("require_signed", Kind::Flag),
            may("allowed_origins", ORIGINS),
            may("strict_origin", Kind::Flag),
            may("delete_after_days", DAYS),
        ]),
    ),
    may("low_latency", Kind::Flag),
    may(
        "dvr",
        Kind::Object(&[may("enabled", Kind::Flag), may("window_s", Kind::Whole(30, 14_400))]),
    ),
    may("profile", PROFILE),
    may("on_violation", ON_VIOLATION),
    may("end_on_unpublish", Kind::Flag),
];

/// DVR, unless another length is asked for.
pub const DVR_S: u32 = 3600;

/// What becomes of the URLs that an input is pulled from. They may hold passwords.
pub enum Pulled {
    From(String),
    Nothing,
    AsBefore,
}

/// Lays a body over what is there.
pub fn apply(
    config: &mut InputConfig,
    body: Fields<'_>,
    targets: &TargetRules,
) -> Result<Pulled, ApiError> {
    if let Some(name) = body.text("name") {
        config.name = name.into();
    }
    if body.has("alias") && body.text("alias") != config.alias.as_deref() {
        let alias = body.text("alias").map(|it| free("alias", it)).transpose()?;
        config.alias = alias.map(str::to_owned);
    }
    if let Some(meta) = body.0.get("meta") {
        config.meta = meta.to_string();
    }
    config.enabled = body.flag("enabled").unwrap_or(config.enabled);
    config.low_latency = body.flag("low_latency").unwrap_or(config.low_latency);
    if let Some(recording) = body.object("recording") {
        apply_recording(config, recording);
    }
    if let Some(dvr) = body.object("dvr") {
        let enabled = dvr.flag("enabled").unwrap_or(config.dvr_window_s.is_some());
        let window = dvr.whole("window_s").or(config.dvr_window_s).unwrap_or(DVR_S);
        config.dvr_window_s = enabled.then_some(window);
    }
    apply_profile(&mut config.profile, body);
    apply_pull(config, body, targets)
}

fn apply_recording(config: &mut InputConfig, body: Fields<'_>) {
    let recording = &mut config.recording;
    recording.mode = match body.text("mode") {
        Some("automatic") => RecordingMode::Automatic,
        Some("manual") => RecordingMode::Manual,
        Some(_) => RecordingMode::Off,
        None => recording.mode,
    };
    if let Some(seconds) = body.whole("reconnect_window_s") {
        recording.window = Some(Duration::from_secs(seconds));
    }
    if let Some(origins) = body.texts("allowed_origins") {
        recording.access.allowed_origins = origins;
    }
    let access = &mut recording.access;
    access.require_signed = body.flag("require_signed").unwrap_or(access.require_signed);
    access.strict_origin = body.flag("strict_origin").unwrap_or(access.strict_origin);
    if body.has("delete_after_days") {
        recording.delete_after_days = body.whole("delete_after_days");
    }
}

/// Another profile brings all its numbers; what the body says of single ones is laid over them.
fn apply_profile(profile: &mut Profile, body: Fields<'_>) {
    let kind = body.text("profile").map(|it| match it {
        "live-inputs" => ProfileKind::LiveInputs,
        "streams" => ProfileKind::Streams,
        "servers" => ProfileKind::Servers,
        _ => ProfileKind::Default,
    });
    if let Some(kind) = kind {
        *profile = Profile::of(kind);
    }
    match body.text("on_violation") {
        Some("reject") => profile.policy.on_violation = OnViolation::Reject,
        Some(_) => profile.policy.on_violation = OnViolation::Report,
        None => {}
    }
    profile.end_on_unpublish = body.flag("end_on_unpublish").unwrap_or(profile.end_on_unpublish);
    let Some(pull) = body.object("pull") else { return };
    let by_rounds = profile.pull.by_rounds;
    match pull.flag("fast") {
        Some(true) => profile.pull = PullRules::fast(),
        Some(false) => profile.pull = PullRules::default(),
        None => {}
    }
    profile.pull.by_rounds = pull.text("advance").map_or(by_rounds, |it| it == "round");
}

/// Pull and push exclude each other: URLs without a mode mean pull, and the mode push forgets them.
fn apply_pull(
    config: &mut InputConfig,
    body: Fields<'_>,
    targets: &TargetRules,
) -> Result<Pulled, ApiError> {
    let urls = body.object("pull").and_then(|it| it.texts("urls"));
    if body.text("mode") == Some("push") {
        if urls.is_some_and(|it| !it.is_empty()) {
            return Err(ApiError::invalid("pull.urls", "needs the mode pull"));
        }
        config.pull = None;
        return Ok(Pulled::Nothing);
    }
    match urls {
        Some(urls) => {
            if urls.iter().any(|it| it.contains(' ')) {
                return Err(ApiError::invalid("pull.urls", "must not hold blanks"));
            }
            let field = urls.join(" ");
            config.pull = Some(parse_pull_list(&field, targets)?);
            Ok(Pulled::From(field))
        }
        None if body.text("mode") == Some("pull") && config.pull.is_none() => {
            Err(ApiError::invalid("pull.urls", "is needed in the mode pull"))
        }
        None => Ok(Pulled::AsBefore),
    }
}

pub fn forget_urls(keys: &mut Keyring, id: InputId) {
    keys.apply(KeyChange::Forget(KeyRef::Pull(id)), &mut Chance);
}
