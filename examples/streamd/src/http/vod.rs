//! Recordings and clips as segments: stretches of their files, from keyframe to keyframe.

use std::fmt::Write;
use std::path::PathBuf;

use levada_control::{ClipId, RecordingId, RecordingState};

use super::access::Subject;
use super::ended::{Entry, Place};
use crate::finalise::{self, Form};
use crate::lock::lock;
use crate::server::Server;
use crate::{clips, record};

/// Something with files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Title {
    Recording(RecordingId),
    Clip(ClipId),
}

/// What a name below `manifest/` means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resource {
    Playlist(Title),
    /// One of its files.
    File(Title, usize),
}

impl Title {
    /// The recording or clip of an id.
    fn of(server: &Server, id: &str) -> Option<Self> {
        match server.control.read(|plane, _, _| Subject::of(plane, id))? {
            Subject::Recording(id) => Some(Self::Recording(id)),
            Subject::Clip(id) => Some(Self::Clip(id)),
            Subject::Input(_) => None,
        }
    }

    pub fn id(self) -> String {
        match self {
            Self::Recording(id) => id.to_string(),
            Self::Clip(id) => id.to_string(),
        }
    }

    /// Whether more may be written.
    pub fn grows(self, server: &Server) -> bool {
        let Self::Recording(id) = self else { return false };
        server.control.read(|plane, _, _| {
            let state = plane.recording(id).map(levada_control::Recording::state);
            matches!(state, Some(RecordingState::Open | RecordingState::Pending))
        })
    }

    /// Its files in order, as they were written.
    pub fn files(self, server: &Server) -> Vec<PathBuf> {
        match self {
            Self::Recording(id) => record::files(server, id),
            Self::Clip(id) => vec![clips::file(server, id)],
        }
    }

    /// A file as fragmented MP4. `None` as long as it can't be had: a FLV that is being written.
    pub async fn film(self, server: &Server, number: usize) -> Option<PathBuf> {
        let file = self.files(server).into_iter().nth(number)?;
        let is_flv = file.extension().is_some_and(|it| it == "flv");
        if is_flv && self.grows(server) {
            return None;
        }
        match finalise::made(vec![file], Form::Fragmented).await {
            Ok(film) => Some(film),
            Err(why) => {
                tracing::warn!(why = format!("{why:#}"), "a recording cannot be played");
                None
            }
        }
    }

    /// All its segments so far. What is open at the end of a file that grows is none yet.
    pub async fn entries(self, server: &Server) -> Vec<Entry> {
        let (mut entries, grows) = (Vec::<Entry>::new(), self.grows(server));
        let count = self.files(server).len();
        for number in 0..count {
            let Some(path) = self.film(server, number).await else { break };
            let film = tokio::task::block_in_place(|| server.shelf.film(&path));
            let Ok(film) = film else { continue };
            let film = lock(&film);
            let uri = format!("{}-{number}.mp4", self.id());
            let begin = entries.last().map(|it| it.start + it.duration).unwrap_or_default();
            let init = film.init().map(|it| Place { uri: uri.clone(), range: Some(it) });
            let open = usize::from(grows && number + 1 == count);
            let whole = film.stretches().len().saturating_sub(open);
            entries.extend(film.stretches().iter().take(whole).enumerate().map(|(n, it)| Entry {
                start: begin + it.start,
                duration: it.duration,
                init: init.clone(),
                media: Place { uri: uri.clone(), range: Some(it.range.clone()) },
                discontinuity: n == 0 && number > 0,
            }));
        }
        entries
    }

    /// The playlist that names its playlist, with what players choose by.
    pub fn multivariant(self, server: &Server, entries: &[Entry]) -> String {
        let bits = |it: &Entry| {
            let range = it.media.range.as_ref();
            range.map_or(0, |it| it.end.saturating_sub(it.start)).saturating_mul(8)
        };
        let rate = |it: &Entry| bits(it) as f64 / it.duration.as_secs_f64().max(0.001);
        let peak = entries.iter().map(rate).fold(1.0, f64::max);
        let (codecs, dimensions) = self.looks(server);
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={peak:.0}");
        if !codecs.is_empty() {
            let _ = write!(text, ",CODECS=\"{}\"", codecs.join(","));
        }
        if let Some((width, height)) = dimensions {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        let _ = writeln!(text, "\n{}.m3u8", self.id());
        text
    }

    /// Codecs, width and height.
    fn looks(self, server: &Server) -> clips::Looks {
        server.control.read(|plane, _, extras| match self {
            Self::Recording(id) => plane.recording(id).map(clips::looks_of).unwrap_or_default(),
            Self::Clip(id) => clips::looks(extras, id),
        })
    }
}

/// What a name means: `ID.m3u8`, or `ID-0.mp4`.
pub fn resource(server: &Server, name: &str) -> Option<Resource> {
    if let Some(id) = name.strip_suffix(".m3u8") {
        return Title::of(server, id).map(Resource::Playlist);
    }
    let (id, number) = name.strip_suffix(".mp4")?.split_once('-')?;
    Some(Resource::File(Title::of(server, id)?, number.parse().ok()?))
}
