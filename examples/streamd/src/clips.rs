//! Clips: stretches of recordings in files of their own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use levada_control::{AccessRules, ClipId, Recording, RecordingId, RecordingState};
use serde_json::json;
use tracing::{info, warn};

use crate::server::Server;
use crate::store::Extras;
use crate::{finalise, record};

/// How long a clip waits for media that was received and is not on the disk yet, and how often it looks.
const WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// Where a clip is, if it was made.
pub fn file(server: &Server, clip: ClipId) -> PathBuf {
    server.config().data.join("clips").join(format!("{clip}.mp4"))
}

/// Where a clip's rules are kept: its recording may go.
fn place_of(clip: ClipId) -> String {
    format!("clip/{clip}")
}

/// Who may watch a clip: as the recording had it when it was made.
pub fn access(extras: &Extras, clip: ClipId) -> Option<AccessRules> {
    serde_json::from_value(extras.get(&place_of(clip))?["access"].clone()).ok()
}

/// Codecs, width and height.
pub type Looks = (Vec<String>, Option<(u32, u32)>);

/// What players choose a recording by.
pub fn looks_of(recording: &Recording) -> Looks {
    let media = &recording.facts().media;
    (media.codecs.clone(), media.dimensions)
}

/// The same of a clip: as its recording had it.
pub fn looks(extras: &Extras, clip: ClipId) -> Looks {
    let looks = extras.get(&place_of(clip)).map(|it| it["looks"].clone());
    looks.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default()
}

/// Cuts a clip.
pub fn make(server: &Arc<Server>, clip: ClipId, recording: RecordingId, start: u64, duration: u64) {
    let server = server.clone();
    tokio::spawn(async move {
        let kept = server.control.read(|plane, _, _| {
            let source = plane.recording(recording);
            source.map(|it| json!({ "access": it.facts().access, "looks": looks_of(it) }))
        });
        let Some(kept) = kept else { return };
        server.control.keep(|_, extras| extras.insert(place_of(clip), kept)).await;
        let end = start.saturating_add(duration);
        until_written(&server, recording, end).await;
        let (files, into) = (record::files(&server, recording), file(&server, clip));
        let made = tokio::task::spawn_blocking(move || {
            into.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            finalise::cut(&files, start, end, &into)
        });
        match made.await {
            Ok(Ok(())) => info!(%clip, "a clip is ready"),
            Ok(Err(why)) => warn!(%clip, why = format!("{why:#}"), "cannot make a clip"),
            Err(why) => warn!(%clip, %why, "cannot make a clip"),
        }
        // It may have been deleted meanwhile.
        if server.control.read(|plane, _, _| plane.clip(clip).is_none()) {
            remove(&server, clip).await;
        }
    });
}

/// Waits until a recording is on the disk up to a time, or has come to its end.
async fn until_written(server: &Server, recording: RecordingId, end: u64) {
    let begin = tokio::time::Instant::now();
    while begin.elapsed() < WAIT {
        let grows = server.control.read(|plane, _, _| {
            plane.recording(recording).is_some_and(|it| {
                matches!(it.state(), RecordingState::Open | RecordingState::Pending)
            })
        });
        if !grows || record::written(server, recording).is_none_or(|it| it >= end) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Deletes a clip and what was made of it.
pub fn delete(server: &Arc<Server>, clip: ClipId) {
    let server = server.clone();
    tokio::spawn(async move {
        remove(&server, clip).await;
        server.control.keep(|_, extras| extras.remove(&place_of(clip))).await;
    });
}

async fn remove(server: &Server, clip: ClipId) {
    let file = file(server, clip);
    for file in finalise::made_of(&file).chain([file.clone()]) {
        let _ = tokio::fs::remove_file(file).await;
    }
}
