//! Clips: stretches of recordings in files of their own.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use levada_control::{AccessRules, ClipId, Plane, Recording, RecordingId, RecordingState};
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::finalise::Unfit;
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

/// Why a clip could not be cut, if so: one of [`FAILURES`].
pub fn failure(extras: &Extras, clip: ClipId) -> Option<&str> {
    extras.get(&place_of(clip))?["failure"].as_str()
}

/// Its recording is gone; nothing of it lies in that stretch; its codecs change there; the disk is full, or fails.
pub const FAILURES: &[&str] = &["source_gone", "no_media", "codec_change", "storage_full", "io"];

fn word_for(why: &anyhow::Error) -> &'static str {
    use io::ErrorKind::{FileTooLarge, NotFound, QuotaExceeded, StorageFull};
    match (why.downcast_ref(), why.downcast_ref().map(io::Error::kind)) {
        (Some(Unfit::NoMedia), _) => "no_media",
        (Some(Unfit::CodecChange), _) => "codec_change",
        (_, Some(NotFound)) => "source_gone",
        (_, Some(StorageFull | QuotaExceeded | FileTooLarge)) => "storage_full",
        _ => "io",
    }
}

/// Cuts the clips that an earlier process was asked for and did not come to.
pub fn go_on(server: &Arc<Server>) {
    let all: Vec<_> = server.control.read(|plane, _, extras| {
        let open = plane.clips().filter(|it| failure(extras, it.id).is_none());
        open.map(|it| (it.id, it.recording, it.order.start_ms, it.order.duration_ms)).collect()
    });
    for (clip, recording, start, duration) in all {
        if !file(server, clip).is_file() {
            make(server, clip, recording, start, duration);
        }
    }
}

/// Cuts a clip, or says why not.
pub fn make(server: &Arc<Server>, clip: ClipId, recording: RecordingId, start: u64, duration: u64) {
    let server = server.clone();
    tokio::spawn(async move {
        let stretch = start..start.saturating_add(duration);
        match cut(&server, clip, recording, stretch).await {
            Ok(()) => info!(%clip, "a clip is ready"),
            Err(why) => {
                warn!(%clip, why = format!("{why:#}"), "cannot make a clip");
                note(&server, clip, |it| it["failure"] = word_for(&why).into()).await;
            }
        }
        // It may have been deleted meanwhile.
        if server.control.read(|plane, _, _| plane.clip(clip).is_none()) {
            remove(&server, clip).await;
        }
    });
}

async fn cut(
    server: &Arc<Server>,
    clip: ClipId,
    recording: RecordingId,
    stretch: Range<u64>,
) -> anyhow::Result<()> {
    let rules = server.control.read(|plane, _, _| {
        let source = plane.recording(recording)?;
        Some(json!({ "access": source.facts().access, "looks": looks_of(source) }))
    });
    let rules = rules.ok_or(io::Error::new(io::ErrorKind::NotFound, "its recording is gone"))?;
    // An earlier process may have kept them.
    let keep = |it: &mut Value| {
        if it.is_null() {
            *it = rules;
        }
    };
    note(server, clip, keep).await;
    until_written(server, recording, stretch.end).await;
    record::room(server)?;
    let (files, into) = (record::files(server, recording), file(server, clip));
    tokio::task::spawn_blocking(move || {
        into.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        finalise::cut(&files, stretch.start, stretch.end, &into)
    })
    .await?
}

/// Changes what is kept beside a clip, as long as there is one.
async fn note(server: &Server, clip: ClipId, change: impl FnOnce(&mut Value)) {
    let change = |plane: &Plane, extras: &mut Extras| {
        if plane.clip(clip).is_some() {
            change(extras.entry(place_of(clip)).or_default());
        }
    };
    server.control.keep(change).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_word() {
        let of_disk = |kind: io::ErrorKind| anyhow::Error::from(io::Error::from(kind));
        let words = [
            of_disk(io::ErrorKind::NotFound),
            Unfit::NoMedia.into(),
            Unfit::CodecChange.into(),
            of_disk(io::ErrorKind::StorageFull),
            of_disk(io::ErrorKind::PermissionDenied),
        ];
        assert_eq!(words.each_ref().map(word_for), FAILURES);
    }
}
