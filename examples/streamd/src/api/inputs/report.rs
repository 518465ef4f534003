//! What there is to see of an input: who is there, what is wrong with its media, what happened.

use std::time::Duration;

use levada_control::{
    AudioCodec, BodyFacts, Grade, HookFormat, InputId, InputView, Issue, Now, Severity, VideoCodec,
    hook_body,
};
use serde_json::{Value, json};

use super::super::ApiError;
use super::super::kind::{COUNT, Field, Kind, MAYBE_COUNT, MAYBE_TEXT, TEXT, must};
use super::super::read::{ok, time};
use super::super::route::{Answer, Call};
use super::view::{SLOT, slot};
use crate::server::Server;

pub const SESSIONS: &[Field] = &[must(
    "sessions",
    Kind::List(
        &Kind::Object(&[
            must("id", Kind::Id(16)),
            must("role", Kind::Word(&["publisher", "player"])),
            must("slot", SLOT),
            must("listener", Kind::Maybe(&Kind::Id(24))),
            must("used", Kind::Flag),
            must("since", Kind::Time),
        ]),
        1_000_000,
    ),
)];

/// Who publishes to it and who plays it over RTMP, the newest first.
pub async fn sessions(call: Call) -> Answer {
    let id = call.id("input")?;
    let all = call.server.control.read(|plane, _, _| {
        let used = plane.input(id)?.machine.used();
        let mut all: Vec<_> = plane.sessions(id).collect();
        all.sort_by_key(|it| std::cmp::Reverse((it.since, it.id)));
        let session = |it: levada_control::SessionView| {
            json!({
                "id": it.id.to_string(),
                "role": if it.slot.is_some() { "publisher" } else { "player" },
                "slot": it.slot.map(slot),
                "listener": it.listener.map(|it| it.to_string()),
                "used": used == Some(it.id),
                "since": time(it.since),
            })
        };
        Some(all.into_iter().map(session).collect::<Vec<_>>())
    });
    ok(&json!({ "sessions": all.ok_or_else(|| ApiError::not_found("input"))? }))
}

/// An event in the native form of webhooks.
pub const EVENT: Kind = Kind::Object(&[
    must("id", TEXT),
    must("type", TEXT),
    must("at", Kind::Time),
    must("seq", COUNT),
    must("input", Kind::Maybe(&Kind::Object(&[must("id", Kind::Id(32)), must("name", TEXT)]))),
    must("data", Kind::Map),
]);

pub const TIMELINE: &[Field] = &[must("events", Kind::List(&EVENT, 100))];

/// What happened to it, the oldest first.
pub async fn timeline(call: Call) -> Answer {
    let id: InputId = call.id("input")?;
    call.server.control.read(|plane, _, _| super::input(plane, id).map(|_| ()))?;
    let bodies = call.server.control.timelines.of(id);
    let bodies =
        bodies.iter().filter_map(|it| hook_body(HookFormat::Native, it, BodyFacts::default()));
    let events: Vec<Value> = bodies.filter_map(|it| serde_json::from_str(&it).ok()).collect();
    ok(&json!({ "events": events }))
}

const GOPS: Kind = Kind::Object(&[
    must("last", COUNT),
    must("min", COUNT),
    must("max", COUNT),
    must("mean", COUNT),
    must("stddev", COUNT),
]);
const RATE: Kind = Kind::Maybe(&Kind::Number);

pub const HEALTH: &[Field] = &[
    must("input", Kind::Id(32)),
    must("state", TEXT),
    must("grade", Kind::Word(&["good", "warning", "bad"])),
    must("uptime_ms", COUNT),
    must("media_ms", COUNT),
    must("realtime_factor", RATE),
    must("upload_to_duration", RATE),
    must(
        "video",
        Kind::Maybe(&Kind::Object(&[
            must("codec", TEXT),
            must("width", COUNT),
            must("height", COUNT),
            must("fps_declared", RATE),
            must("fps_measured", RATE),
            must("bitrate_bps", COUNT),
            must("keyframe_ms", GOPS),
            must("gops", COUNT),
            must("open_gops", COUNT),
            must("b_frames", COUNT),
            must("parameter_changes", COUNT),
        ])),
    ),
    must(
        "audio",
        Kind::Maybe(&Kind::Object(&[
            must("codec", TEXT),
            must("rate", COUNT),
            must("channels", COUNT),
            must("bitrate_bps", COUNT),
        ])),
    ),
    must(
        "timestamps",
        Kind::Object(&[
            must("backward", COUNT),
            must("jumps", COUNT),
            must("resets", COUNT),
            must("max_gap_ms", COUNT),
            must("av_skew_ms", COUNT),
        ]),
    ),
    must(
        "transport",
        Kind::Object(&[
            must("bytes", COUNT),
            must("reconnects", COUNT),
            must("idle_ms", MAYBE_COUNT),
        ]),
    ),
    must("issues", Kind::List(&ISSUE, 64)),
];

const ISSUE: Kind = Kind::Object(&[
    must("code", TEXT),
    must("severity", Kind::Word(&["info", "warning", "error"])),
    must("active", Kind::Flag),
    must("compat", MAYBE_TEXT),
    must("measured_ms", COUNT),
    must("limit_ms", COUNT),
    must("first_ms", COUNT),
    must("at_ms", COUNT),
    must("count", COUNT),
    must("message", TEXT),
    must("hint", TEXT),
]);

/// What is known of its media.
pub async fn health(call: Call) -> Answer {
    let id = call.id("input")?;
    let seen = seen(&call.server, id);
    let value = call
        .server
        .control
        .read(|plane, _, _| super::input(plane, id).map(|it| report(&it, plane.now(), &seen)))?;
    ok(&value)
}

/// What the stream itself knows: the names of its codecs, how often its publisher came back, and how long ago
/// something came.
#[derive(Default)]
struct Seen {
    codecs: Vec<String>,
    reconnects: u64,
    idle: Option<Duration>,
}

fn seen(server: &Server, id: InputId) -> Seen {
    let Some(stream) = server.hub.of_input(id) else { return Seen::default() };
    let (codecs, _) = stream.packaging().facts.codecs_and_size();
    Seen { codecs, reconnects: stream.counts().reconnects, idle: stream.idle() }
}

/// `a / b`, or nothing where there is nothing to divide by. Three digits behind the point are enough.
fn share(a: u64, b: u64) -> Option<f64> {
    let thousandths = a.saturating_mul(1000).checked_div(b)?;
    Some(thousandths as f64 / 1000.0)
}

fn millis(it: Duration) -> u64 {
    u64::try_from(it.as_millis()).unwrap_or(u64::MAX)
}

fn report(it: &InputView<'_>, now: Now, seen: &Seen) -> Value {
    let figures = it.health.figures();
    let second = figures.second;
    let active = it.machine.phase().is_active();
    let uptime = now.mono.saturating_sub(it.machine.since());
    let uptime = if active { millis(uptime) } else { 0 };
    let length = u64::from(second.media_ms);
    let issues: Vec<Value> = it.health.issues().iter().map(|one| issue(it, now, one)).collect();
    json!({
        "input": it.id.to_string(), "state": it.machine.phase().as_str(),
        "grade": match it.health.grade(now) {
            Grade::Bad => "bad",
            Grade::Warning => "warning",
            _ => "good",
        },
        "uptime_ms": uptime, "media_ms": figures.position_ms,
        "realtime_factor": share(figures.position_ms, uptime),
        "upload_to_duration": share(second.upload_ms.into(), length),
        "video": video(it, seen), "audio": audio(it, seen),
        "timestamps": {
            "backward": figures.corrections.backward, "jumps": figures.corrections.jumps,
            "resets": figures.corrections.resets, "max_gap_ms": second.max_gap_ms,
            "av_skew_ms": second.av_skew_ms,
        },
        "transport": {
            "bytes": figures.bytes, "reconnects": seen.reconnects,
            "idle_ms": seen.idle.map(millis),
        },
        "issues": issues,
    })
}

fn issue(it: &InputView<'_>, now: Now, one: &Issue) -> Value {
    json!({
        "code": one.code.as_str(),
        "severity": match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            _ => "info",
        },
        "active": it.health.is_active(now, one),
        "compat": one.code.live_inputs_code(), "measured_ms": one.measured, "limit_ms": one.limit,
        "first_ms": one.first_ms, "at_ms": one.last_ms, "count": one.count,
        "message": one.message(), "hint": one.code.hint(),
    })
}

fn video(it: &InputView<'_>, seen: &Seen) -> Option<Value> {
    let figures = it.health.figures();
    let (codec, (width, height), declared) = figures.video?;
    let (gops, length) = (figures.gops, u64::from(figures.second.media_ms));
    let plain = match codec {
        VideoCodec::H264 => "avc1",
        VideoCodec::Hevc => "hvc1",
        VideoCodec::Av1 => "av01",
        VideoCodec::Vp9 => "vp09",
        _ => "other",
    };
    let frames = u64::from(figures.second.video_frames);
    Some(json!({
        "codec": named(seen, plain, &["avc", "hvc", "hev", "av01", "vp0"]),
        "width": width, "height": height,
        "fps_declared": declared.and_then(|it| share(it.into(), 1000)),
        "fps_measured": share(frames.saturating_mul(1000), length),
        "bitrate_bps": figures.second.video_bytes.saturating_mul(8000).checked_div(length).unwrap_or(0),
        "keyframe_ms": {
            "last": gops.last_ms, "min": gops.min_ms, "max": gops.max_ms, "mean": gops.mean_ms(),
            "stddev": gops.deviation_ms(),
        },
        "gops": gops.count, "open_gops": gops.open,
        "b_frames": u8::from(figures.b_frames),
        "parameter_changes": figures.parameter_changes,
    }))
}

fn audio(it: &InputView<'_>, seen: &Seen) -> Option<Value> {
    let figures = it.health.figures();
    let (codec, rate, channels) = figures.audio?;
    let length = u64::from(figures.second.media_ms);
    let plain = match codec {
        AudioCodec::Aac => "mp4a.40.2",
        AudioCodec::Mp3 => "mp3",
        AudioCodec::Opus => "opus",
        AudioCodec::Flac => "fLaC",
        AudioCodec::Ac3 => "ac-3",
        _ => "other",
    };
    Some(json!({
        "codec": named(seen, plain, &["mp4a", "mp3", "opus", "fLaC", "ac-3", "ec-3"]),
        "rate": rate, "channels": channels,
        "bitrate_bps": figures.second.audio_bytes.saturating_mul(8000).checked_div(length).unwrap_or(0),
    }))
}

/// The full name of a codec if it is known, else the plain one.
fn named<'a>(seen: &'a Seen, plain: &'a str, beginnings: &[&str]) -> &'a str {
    let fits = |it: &&String| beginnings.iter().any(|begin| it.starts_with(begin));
    seen.codecs.iter().find(fits).map_or(plain, String::as_str)
}
