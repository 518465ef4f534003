use alloc::string::String;

use serde_json::{Value, json};

use super::*;
use crate::health::IssueCode;
use crate::{OutputError, OutputId, RecordingId, ShowId, ShowStatus, Slot, Subject};

const AT: i64 = 1_767_225_600_000;

fn notice(kind: NoticeKind) -> Notice {
    let input = Some(Subject { id: InputId::from_bytes([0xab; 16]), name: "cam \"1\"\n".into() });
    Notice { at: AT, seq: 7, input, kind }
}

fn stream_facts() -> StreamFacts {
    StreamFacts {
        number: 320_423,
        call: Some("livestream:abc".into()),
        live: true,
        client_user_id: Some("u".into()),
        video_codec: Some(VideoCodec::H264),
        ..StreamFacts::default()
    }
}

fn recording() -> RecordingFacts {
    let input = InputId::from_bytes([0xab; 16]);
    let id = RecordingId::from_bytes([1; 16]);
    let mut facts = RecordingFacts::new(crate::tests::at(0), id, input, "cam".into());
    facts.number = 9;
    facts.slug = "AbCdEfGh01234567".into();
    facts.media.duration_ms = 12_340;
    facts.media.dimensions = Some((640, 360));
    facts.access.allowed_origins = alloc::vec!["a.example".into(), "b\"c".into()];
    facts
}

fn body(format: HookFormat, kind: NoticeKind) -> Option<Value> {
    let (stream, recording) = (stream_facts(), recording());
    let state = match kind {
        NoticeKind::RecordingState { state, .. } => state,
        _ => RecordingState::Ready,
    };
    let facts = BodyFacts {
        stream: Some(&stream),
        recording: Some((&recording, state)),
        number: 5,
        public_base: "https://live.example",
    };
    hook_body(format, &notice(kind), facts).map(|it| serde_json::from_str(&it).expect("valid JSON"))
}

fn every_kind() -> Vec<NoticeKind> {
    let (output, recording, show) = (
        OutputId::from_bytes([2; 16]),
        RecordingId::from_bytes([1; 16]),
        ShowId::from_bytes([3; 16]),
    );
    let listener = crate::ListenerId::from_bytes([4; 12]);
    let name = || String::from("yt\u{0}\u{2028}<script>");
    alloc::vec![
        NoticeKind::InputConnected,
        NoticeKind::InputLive { slot: Slot::Primary },
        NoticeKind::InputReady,
        NoticeKind::InputSuspended { reason: Loss::Idle, resume_until: AT + 10_000 },
        NoticeKind::InputResumed { missing_ms: 5 },
        NoticeKind::InputEnded { reason: Loss::Unpublished, announced: false },
        NoticeKind::InputEnded { reason: Loss::Unpublished, announced: true },
        NoticeKind::InputErrored { reason: Loss::NoMedia },
        NoticeKind::InputIssue { code: IssueCode::GopTooLong, message: "m".into() },
        NoticeKind::InputSwitched { slot: Slot::Backup, missing_ms: 3000 },
        NoticeKind::InputDeactivated,
        NoticeKind::InputKeysRotated,
        NoticeKind::InputDeleted,
        NoticeKind::RecordingStarted { recording },
        NoticeKind::RecordingStopped { recording },
        NoticeKind::RecordingState { recording, state: RecordingState::Pending },
        NoticeKind::RecordingState { recording, state: RecordingState::Viewable },
        NoticeKind::RecordingState { recording, state: RecordingState::Ready },
        NoticeKind::RecordingState { recording, state: RecordingState::Error },
        NoticeKind::RecordingDeleted { recording },
        NoticeKind::OutputStarted { output, name: name() },
        NoticeKind::OutputRetrying {
            output,
            name: name(),
            why: OutputError::Tls,
            next_attempt_at: AT
        },
        NoticeKind::OutputStopped { output, name: name() },
        NoticeKind::OutputFailed { output, name: name(), why: OutputError::PublishRejected },
        NoticeKind::ShowChanged { show, status: ShowStatus::Live },
        NoticeKind::ListenerStarted { listener },
        NoticeKind::ListenerStopped { listener },
        NoticeKind::ListenerFailed { listener },
        NoticeKind::HookTest,
    ]
}

/// Which notices each form tells, as the table in the docs has it.
#[test]
fn every_form_tells_what_the_table_says() {
    let told = |format| {
        let told = every_kind().into_iter().filter(|it| body(format, it.clone()).is_some());
        told.map(|it| it.name()).collect::<Vec<_>>()
    };
    assert_eq!(told(HookFormat::Native).len(), every_kind().len());
    assert_eq!(
        told(HookFormat::LiveInputs),
        [
            "input.connected",
            "input.suspended",
            "input.resumed",
            "input.ended",
            "input.errored",
            "input.errored",
            "recording.ready",
            "recording.error",
            "hook.test",
        ]
    );
    assert_eq!(
        told(HookFormat::Streams),
        [
            "input.live",
            "input.ready",
            "input.suspended",
            "input.resumed",
            "input.ended",
            "recording.started",
            "recording.stopped",
            "recording.pending",
            "recording.viewable",
            "recording.ready",
            "recording.error",
            "recording.deleted",
            "output.started",
            "output.stopped",
            "output.failed",
            "show.changed",
            "hook.test",
        ]
    );
    assert_eq!(
        told(HookFormat::Calls),
        ["output.started", "output.stopped", "output.failed", "hook.test"]
    );
}

#[test]
fn native_bodies_are_the_notice() {
    let found = body(HookFormat::Native, NoticeKind::InputLive { slot: Slot::Primary }).unwrap();
    let id = "ab".repeat(16);
    assert_eq!(
        found,
        json!({
            "id": alloc::format!("{id}-7"), "type": "input.live", "at": "2026-01-01T00:00:00.000Z", "seq": 7,
            "input": {"id": id, "name": "cam \"1\"\n"}, "data": {"slot": "primary"},
        })
    );
}

#[test]
fn c20_bodies_of_surface_a() {
    let found = body(HookFormat::LiveInputs, NoticeKind::InputConnected).unwrap();
    let id = "ab".repeat(16);
    assert_eq!(
        found["data"],
        json!({
            "notification_name": "Stream Live Input", "input_id": id,
            "event_type": "live_input.connected", "updated_at": "2026-01-01T00:00:00.000Z",
        })
    );
    assert_eq!(found["ts"], json!(1_767_225_600));
    assert!(found["text"].as_str().unwrap().contains("Event Type: live_input.connected"));
    let issue = NoticeKind::InputIssue { code: IssueCode::GopTooLong, message: "too long".into() };
    let found = body(HookFormat::LiveInputs, issue).unwrap();
    assert_eq!(found["data"]["event_type"], "live_input.errored");
    let error = json!({
        "error": {"code": "ERR_GOP_OUT_OF_RANGE", "message": "too long"},
        "video_codec": "h264", "audio_codec": "",
    });
    assert_eq!(found["data"]["live_input_errored"], error);
}

#[test]
fn c23_the_video_of_surface_a() {
    let ready = NoticeKind::RecordingState {
        recording: RecordingId::from_bytes([1; 16]),
        state: RecordingState::Ready,
    };
    let found = body(HookFormat::LiveInputs, ready).unwrap();
    let id = "01".repeat(16);
    assert_eq!(found["uid"], json!(id));
    let status = json!({"state": "ready", "pctComplete": "100", "errorReasonCode": "", "errorReasonText": ""});
    assert_eq!(found["status"], status);
    assert_eq!(found["duration"], json!(12.34));
    assert_eq!(found["allowedOrigins"], json!(["a.example", "b\"c"]));
    assert_eq!(found["input"], json!({"width": 640, "height": 360}));
    let hls = alloc::format!("https://live.example/{id}/manifest/video.m3u8");
    assert_eq!(found["playback"], json!({"hls": hls, "dash": null}));
    assert_eq!(
        (&found["scheduledDeletion"], &found["liveInput"]),
        (&Value::Null, &json!("ab".repeat(16)))
    );
    for (state, word) in [
        (RecordingState::Open, "live-inprogress"),
        (RecordingState::Pending, "live-inprogress"),
        (RecordingState::Error, "error"),
    ] {
        let found: Value = serde_json::from_str(&video(&recording(), state, "")).unwrap();
        assert_eq!(found["status"]["state"], word);
    }
}

#[test]
fn t05_t24_live_and_interrupted_on_surface_b() {
    let message = |kind| body(HookFormat::Streams, kind).unwrap();
    let found = message(NoticeKind::InputLive { slot: Slot::Primary });
    assert_eq!(found["type"], "stream");
    assert_eq!(
        found["message"]["stream"],
        json!({
            "id": 320_423, "live": true, "backup_live": false, "recording": false, "transcoding": false,
            "client_user_id": "u", "client_entity_data": null, "pull": false, "uri": null,
            "stream_source_type": "push",
        })
    );
    let suspended = NoticeKind::InputSuspended { reason: Loss::Closed, resume_until: 0 };
    assert_eq!(message(suspended)["message"]["stream"]["live"], false);
    assert_eq!(
        message(NoticeKind::InputResumed { missing_ms: 1 })["message"]["stream"]["live"],
        true
    );
}

#[test]
fn t11_t18_videos_restreams_and_broadcasts_on_surface_b() {
    let recording = RecordingId::from_bytes([1; 16]);
    let found = body(
        HookFormat::Streams,
        NoticeKind::RecordingState { recording, state: RecordingState::Viewable },
    );
    let video = json!({
        "id": 9, "slug": "AbCdEfGh01234567", "name": "cam", "duration": 12_340, "stream_id": 320_423,
        "status": "viewable", "converted_videos": [],
    });
    assert_eq!(found.unwrap(), json!({"type": "video", "message": {"video": video}}));
    let found = body(HookFormat::Streams, NoticeKind::RecordingDeleted { recording }).unwrap();
    assert_eq!(
        (&found["type"], &found["message"]["video"]["deleted_at"]),
        (&json!("video_delete"), &json!("2026-01-01T00:00:00.000Z"),)
    );
    let (show, status) = (ShowId::from_bytes([3; 16]), ShowStatus::Paused);
    let found = body(HookFormat::Streams, NoticeKind::ShowChanged { show, status }).unwrap();
    assert_eq!(
        found,
        json!({"type": "broadcast", "message": {"broadcast": {"id": 5, "status": "paused"}}})
    );
    let (output, name) = (OutputId::from_bytes([2; 16]), String::from("yt"));
    let found = body(HookFormat::Streams, NoticeKind::OutputStarted { output, name }).unwrap();
    let restream = json!({"id": 5, "name": "yt", "stream_id": 320_423, "live": true});
    assert_eq!(found, json!({"type": "restream", "message": {"restream": restream}}));
}

#[test]
fn s10_started_stopped_and_failed_on_surface_c() {
    let (output, name) = (OutputId::from_bytes([2; 16]), String::from("yt"));
    let found = body(
        HookFormat::Calls,
        NoticeKind::OutputFailed { output, name, why: OutputError::PublishRejected },
    );
    let found = found.unwrap();
    assert_eq!(found["type"], "call.rtmp_broadcast_failed");
    assert_eq!((&found["call_cid"], &found["name"]), (&json!("livestream:abc"), &json!("yt")));
    assert_eq!(found["reason_code"], "publish_rejected");
}

#[test]
fn log_01_control_characters_are_escaped() {
    let kind = NoticeKind::OutputStarted {
        output: OutputId::from_bytes([2; 16]),
        name: "\u{1b}[31m\u{9b}\r\n<".into(),
    };
    let text = hook_body(HookFormat::Native, &notice(kind), BodyFacts::default()).unwrap();
    assert!(text.chars().all(|it| !it.is_control() && it != '<'), "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["data"]["name"], "\u{1b}[31m\u{9b}\r\n<");
}
