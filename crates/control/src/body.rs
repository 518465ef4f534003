//! Bodies of webhooks, in four forms.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::calendar::rfc3339;
use crate::json::Object;
use crate::{
    AudioCodec, InputId, Loss, Notice, NoticeKind, RecordingError, RecordingFacts, RecordingState,
    VideoCodec,
};

/// Whose form a hook's bodies have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HookFormat {
    /// The notice itself.
    #[default]
    Native,
    /// Surface A.
    LiveInputs,
    /// Surface B.
    Streams,
    /// Surface C.
    Calls,
}

/// What bodies say about an input beside the notice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a row of facts")]
pub struct StreamFacts {
    /// Its number.
    pub number: i64,
    /// `{type}:{id}` of surface C.
    pub call: Option<String>,
    /// Whether there is media.
    pub live: bool,
    /// Whether the backup publisher sends media.
    pub backup_live: bool,
    /// Whether it is being recorded.
    pub recording: bool,
    /// Whether it can be played.
    pub ready: bool,
    /// Whether it fetches its media itself.
    pub pull: bool,
    /// Echoed.
    pub client_user_id: Option<String>,
    /// Echoed.
    pub client_entity_data: Option<String>,
    /// What its video is coded with, once that was seen.
    pub video_codec: Option<VideoCodec>,
    /// What its audio is coded with, once that was seen.
    pub audio_codec: Option<AudioCodec>,
}

/// What a body may speak of.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a row of facts")]
pub struct BodyFacts<'a> {
    /// The notice's input.
    pub stream: Option<&'a StreamFacts>,
    /// The notice's recording, and where it stands.
    pub recording: Option<(&'a RecordingFacts, RecordingState)>,
    /// The number of the notice's output or show.
    pub number: i64,
    /// Where players find us, such as `https://live.example.org`.
    pub public_base: &'a str,
}

/// The body of a notice in a form, or none if that form does not tell it.
///
/// | notice | A | B | C |
/// |---|---|---|---|
/// | `input.connected` | `connected` | – | – |
/// | `input.live` | – | `live: true` | – |
/// | `input.resumed` | `connected` | `live: true` | – |
/// | `input.ready` | – | `transcoding: true` | – |
/// | `input.suspended` | `disconnected` | `live: false` | – |
/// | `input.ended`, if the loss was not told before | `disconnected` | `live: false` | – |
/// | `input.errored` | `errored` | – | – |
/// | `recording.started`, `stopped` | – | `recording` | – |
/// | `recording.pending`, `viewable` | – | `video` | – |
/// | `recording.ready`, `error` | the video | `video` | – |
/// | `recording.deleted` | – | `video_delete` | – |
/// | `show.changed` | – | `broadcast` | – |
/// | `output.started`, `stopped`, `failed` | – | `restream` | `call.rtmp_broadcast_…` |
/// | `hook.test` | `connected` | as native | as native |
///
/// Every body is valid JSON, whatever names hold.
pub fn hook_body(format: HookFormat, notice: &Notice, facts: BodyFacts<'_>) -> Option<String> {
    let body = match format {
        HookFormat::Native => None,
        HookFormat::LiveInputs => live_inputs(notice, facts),
        HookFormat::Streams => streams(notice, facts),
        HookFormat::Calls => calls(notice, facts),
    };
    let is_native = format == HookFormat::Native || notice.kind == NoticeKind::HookTest;
    body.or_else(|| is_native.then(|| native(notice)))
}

/// A notice's id: the same whenever and wherever it is told.
fn notice_id(notice: &Notice) -> String {
    match &notice.input {
        Some(input) => alloc::format!("{}-{}", input.id, notice.seq),
        None => alloc::format!("server-{}", notice.seq),
    }
}

fn native(notice: &Notice) -> String {
    let mut body = Object::new()
        .text("id", &notice_id(notice))
        .text("type", notice.kind.name())
        .text("at", &rfc3339(notice.at))
        .bare("seq", notice.seq);
    if let Some(input) = &notice.input {
        body =
            body.raw("input", &Object::new().shown("id", input.id).text("name", &input.name).end());
    }
    body.raw("data", &data(&notice.kind)).end()
}

fn data(kind: &NoticeKind) -> String {
    let data = Object::new();
    match kind {
        NoticeKind::InputLive { slot } => data.text("slot", slot_name(*slot)),
        NoticeKind::InputSuspended { reason, resume_until } => {
            data.text("reason", reason.code()).text("resume_until", &rfc3339(*resume_until))
        }
        NoticeKind::InputResumed { missing_ms } => data.bare("missing_ms", missing_ms),
        NoticeKind::InputEnded { reason, .. } | NoticeKind::InputErrored { reason } => {
            data.text("reason", reason.code())
        }
        NoticeKind::InputIssue { code, message } => {
            data.text("reason", code.as_str()).text("message", message)
        }
        NoticeKind::InputSwitched { slot, missing_ms } => {
            data.text("slot", slot_name(*slot)).bare("missing_ms", missing_ms)
        }
        NoticeKind::RecordingStarted { recording }
        | NoticeKind::RecordingStopped { recording }
        | NoticeKind::RecordingState { recording, .. }
        | NoticeKind::RecordingDeleted { recording } => data.shown("recording", recording),
        NoticeKind::OutputStarted { output, name } | NoticeKind::OutputStopped { output, name } => {
            data.shown("output", output).text("name", name)
        }
        NoticeKind::OutputRetrying { output, name, why, next_attempt_at } => data
            .shown("output", output)
            .text("name", name)
            .text("error", why.code())
            .text("next_attempt_at", &rfc3339(*next_attempt_at)),
        NoticeKind::OutputFailed { output, name, why } => {
            data.shown("output", output).text("name", name).text("error", why.code())
        }
        NoticeKind::ShowChanged { show, status } => {
            data.shown("show", show).text("status", status.as_str())
        }
        NoticeKind::ListenerStarted { listener }
        | NoticeKind::ListenerStopped { listener }
        | NoticeKind::ListenerFailed { listener } => data.shown("listener", listener),
        NoticeKind::InputConnected
        | NoticeKind::InputReady
        | NoticeKind::InputDeactivated
        | NoticeKind::InputKeysRotated
        | NoticeKind::InputDeleted
        | NoticeKind::HookTest => data,
    }
    .end()
}

fn slot_name(slot: crate::Slot) -> &'static str {
    match slot {
        crate::Slot::Primary => "primary",
        crate::Slot::Backup => "backup",
    }
}

fn live_inputs(notice: &Notice, facts: BodyFacts<'_>) -> Option<String> {
    if let NoticeKind::RecordingState {
        state: RecordingState::Ready | RecordingState::Error, ..
    } = notice.kind
    {
        return facts.recording.map(|(it, state)| video(it, state, facts.public_base));
    }
    let (event, error) = match &notice.kind {
        NoticeKind::InputConnected | NoticeKind::InputResumed { .. } => ("connected", None),
        NoticeKind::InputSuspended { .. } | NoticeKind::InputEnded { announced: false, .. } => {
            ("disconnected", None)
        }
        NoticeKind::InputErrored { reason } => {
            ("errored", Some((reason.code(), no_media(*reason))))
        }
        NoticeKind::InputIssue { code, message } => {
            ("errored", Some((code.live_inputs_code().unwrap_or(code.as_str()), message.as_str())))
        }
        NoticeKind::HookTest => ("connected", None),
        _ => return None,
    };
    let input = notice.input.as_ref().map(|it| it.id.to_string()).unwrap_or_default();
    let event = alloc::format!("live_input.{event}");
    let at = rfc3339(notice.at);
    let mut data = Object::new()
        .text("notification_name", "Stream Live Input")
        .text("input_id", &input)
        .text("event_type", &event)
        .text("updated_at", &at);
    let mut lines = alloc::format!(
        "Notification Name: Stream Live Input\nInput ID: {input}\nEvent Type: {event}\nUpdated At: {at}"
    );
    if let Some((code, message)) = error {
        let video = facts.stream.and_then(|it| it.video_codec).map_or("", VideoCodec::as_str);
        let audio = facts.stream.and_then(|it| it.audio_codec).map_or("", AudioCodec::as_str);
        let errored = Object::new()
            .raw("error", &Object::new().text("code", code).text("message", message).end())
            .text("video_codec", video)
            .text("audio_codec", audio)
            .end();
        data = data.raw("live_input_errored", &errored);
        lines.push_str(&alloc::format!("\nError Code: {code}\nError Message: {message}"));
    }
    let body = Object::new()
        .text("name", "Live Webhook")
        .text("text", &lines)
        .raw("data", &data.end())
        .bare("ts", notice.at.div_euclid(1000));
    Some(body.end())
}

fn no_media(reason: Loss) -> &'static str {
    match reason {
        Loss::NoMedia | Loss::Idle => "No playable media arrived in time",
        _ => "The connection ended before playable media arrived",
    }
}

/// The video object of surface A.
pub fn video(facts: &RecordingFacts, state: RecordingState, public_base: &str) -> String {
    let (word, done) = match state {
        RecordingState::Open | RecordingState::Pending | RecordingState::Viewable => {
            ("live-inprogress", 0)
        }
        RecordingState::Ready => ("ready", 100),
        RecordingState::Error => ("error", 0),
    };
    let (code, text) = match facts.error {
        Some(RecordingError::StorageFull) => ("ERR_STORAGE_QUOTA_EXHAUSTED", "The storage is full"),
        Some(RecordingError::Io) => ("ERR_UNKNOWN", "The recording could not be written"),
        None => ("", ""),
    };
    let status = Object::new()
        .text("state", word)
        .text("pctComplete", &done.to_string())
        .text("errorReasonCode", code)
        .text("errorReasonText", text)
        .end();
    let name = facts.name.as_deref().unwrap_or(&facts.input_name);
    let origins: Vec<String> = facts
        .access
        .allowed_origins
        .iter()
        .map(|it| {
            let quoted = Object::new().text("", it).end();
            // `{"":"…"}` without what makes it an object.
            quoted.get(4..quoted.len().saturating_sub(1)).unwrap_or("\"\"").to_string()
        })
        .collect();
    let (width, height) = facts.media.dimensions.unwrap_or((0, 0));
    let seconds = facts.media.duration_ms;
    let playable = facts.error.is_none() && state != RecordingState::Pending;
    Object::new()
        .shown("uid", facts.id)
        .raw("status", &status)
        .raw("meta", &Object::new().text("name", name).end())
        .text("created", &rfc3339(facts.started))
        .text("modified", &rfc3339(facts.ended.unwrap_or(facts.started)))
        .bare("size", facts.media.size)
        .raw("duration", &alloc::format!("{}.{:03}", seconds / 1000, seconds % 1000))
        .bare("readyToStream", playable)
        .bare("requireSignedURLs", facts.access.require_signed)
        .raw("allowedOrigins", &alloc::format!("[{}]", origins.join(",")))
        .raw("input", &Object::new().bare("width", width).bare("height", height).end())
        .raw(
            "playback",
            &Object::new()
                .text("hls", &manifest(public_base, &facts.id.to_string()))
                .raw("dash", "null")
                .end(),
        )
        .text("preview", &alloc::format!("{public_base}/{}/watch", facts.id))
        .optional("scheduledDeletion", facts.scheduled_deletion.map(rfc3339))
        .shown("liveInput", facts.input)
        .end()
}

fn manifest(base: &str, id: &str) -> String {
    alloc::format!("{base}/{id}/manifest/video.m3u8")
}

fn streams(notice: &Notice, facts: BodyFacts<'_>) -> Option<String> {
    let (kind, field, message) = match &notice.kind {
        NoticeKind::InputLive { .. }
        | NoticeKind::InputResumed { .. }
        | NoticeKind::InputReady
        | NoticeKind::InputSuspended { .. }
        | NoticeKind::InputEnded { announced: false, .. }
        | NoticeKind::RecordingStarted { .. }
        | NoticeKind::RecordingStopped { .. } => {
            ("stream", "stream", stream(notice, facts.stream?))
        }
        NoticeKind::RecordingState { state, .. } => {
            ("video", "video", stream_video(facts.recording?.0, *state, facts.stream, None))
        }
        NoticeKind::RecordingDeleted { .. } => {
            let (recording, state) = facts.recording?;
            let video = stream_video(recording, state, facts.stream, Some(notice.at));
            ("video_delete", "video", video)
        }
        NoticeKind::ShowChanged { status, .. } => {
            let show = Object::new().bare("id", facts.number).text("status", status.as_str()).end();
            ("broadcast", "broadcast", show)
        }
        NoticeKind::OutputStarted { name, .. }
        | NoticeKind::OutputStopped { name, .. }
        | NoticeKind::OutputFailed { name, .. } => {
            let live = matches!(notice.kind, NoticeKind::OutputStarted { .. });
            let restream = Object::new()
                .bare("id", facts.number)
                .text("name", name)
                .bare("stream_id", facts.stream.map_or(0, |it| it.number))
                .bare("live", live)
                .end();
            ("restream", "restream", restream)
        }
        _ => return None,
    };
    Some(
        Object::new()
            .text("type", kind)
            .raw("message", &Object::new().raw(field, &message).end())
            .end(),
    )
}

fn stream(notice: &Notice, facts: &StreamFacts) -> String {
    // What the notice says goes before what is so by now.
    let live = match notice.kind {
        NoticeKind::InputLive { .. } | NoticeKind::InputResumed { .. } | NoticeKind::InputReady => {
            true
        }
        NoticeKind::InputSuspended { .. } | NoticeKind::InputEnded { .. } => false,
        _ => facts.live,
    };
    Object::new()
        .bare("id", facts.number)
        .bare("live", live)
        .bare("backup_live", facts.backup_live)
        .bare("recording", facts.recording)
        .bare("transcoding", live && facts.ready)
        .optional("client_user_id", facts.client_user_id.as_ref())
        .optional("client_entity_data", facts.client_entity_data.as_ref())
        .bare("pull", facts.pull)
        // URLs of sources may hold passwords.
        .raw("uri", "null")
        .text("stream_source_type", if facts.pull { "pull" } else { "push" })
        .end()
}

fn stream_video(
    facts: &RecordingFacts,
    state: RecordingState,
    stream: Option<&StreamFacts>,
    deleted_at: Option<i64>,
) -> String {
    let forms = facts.media.renditions.iter().map(|it| {
        let status = match (it.failed, it.progress) {
            (true, _) => "error",
            (false, 100..) => "complete",
            (false, _) => "processing",
        };
        Object::new().text("name", &it.name).text("status", status).end()
    });
    let forms = alloc::format!("[{}]", forms.collect::<Vec<_>>().join(","));
    let body = Object::new()
        .bare("id", facts.number)
        .text("slug", &facts.slug)
        .text("name", facts.name.as_deref().unwrap_or(&facts.input_name))
        .bare("duration", facts.media.duration_ms)
        .raw("stream_id", &stream.map_or_else(|| "null".into(), |it| it.number.to_string()))
        .text("status", state.as_str())
        .raw("converted_videos", &forms);
    match deleted_at {
        Some(at) => body.text("deleted_at", &rfc3339(at)).end(),
        None => body.end(),
    }
}

fn calls(notice: &Notice, facts: BodyFacts<'_>) -> Option<String> {
    let (event, name, why) = match &notice.kind {
        NoticeKind::OutputStarted { name, .. } => ("started", name, None),
        NoticeKind::OutputStopped { name, .. } => ("stopped", name, None),
        NoticeKind::OutputFailed { name, why, .. } => ("failed", name, Some(*why)),
        _ => return None,
    };
    let call = facts.stream.and_then(|it| it.call.clone());
    let fallback =
        || notice.input.as_ref().map(|it: &crate::Subject| native_call(it.id)).unwrap_or_default();
    let body = Object::new()
        .text("type", &alloc::format!("call.rtmp_broadcast_{event}"))
        .text("call_cid", &call.unwrap_or_else(fallback))
        .text("created_at", &rfc3339(notice.at))
        .text("name", name);
    let body = match why {
        Some(why) => body
            .text("reason_code", why.code())
            .text("reason", "The target could not be reached or refused"),
        None => body,
    };
    Some(body.end())
}

fn native_call(input: InputId) -> String {
    alloc::format!("input:{input}")
}

#[cfg(test)]
mod tests;
