use alloc::sync::Arc;
use core::fmt;

use crate::{CodecParams, Timescale};

/// What a track carries.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "every container knows these three")]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Timed metadata and captions.
    Data,
}

/// Names a track within one stream: its kind, and its number among those of that kind.
///
/// This is how RTMP numbers them. Number 0 is the default track.
///
/// ```
/// use levada_media::TrackId;
/// assert_eq!(TrackId::audio(1).to_string(), "audio 1");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct TrackId {
    /// What it carries.
    pub kind: MediaKind,
    /// Its number among those of its kind.
    pub number: u8,
}

impl TrackId {
    /// A video track.
    pub const fn video(number: u8) -> Self {
        Self { kind: MediaKind::Video, number }
    }

    /// An audio track.
    pub const fn audio(number: u8) -> Self {
        Self { kind: MediaKind::Audio, number }
    }

    /// A data track.
    pub const fn data(number: u8) -> Self {
        Self { kind: MediaKind::Data, number }
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            MediaKind::Video => "video",
            MediaKind::Audio => "audio",
            MediaKind::Data => "data",
        };
        write!(f, "{kind} {}", self.number)
    }
}

/// A track with its parameters. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Track {
    /// Its name within the stream.
    pub id: TrackId,
    /// What a tick of its frames is.
    pub timescale: Timescale,
    /// How to decode it, and what its headers say.
    pub params: Arc<CodecParams>,
    /// RFC 5646 language tag, if the source names one.
    pub language: Option<Arc<str>>,
}

impl Track {
    /// A track without a language.
    pub fn new(id: TrackId, timescale: Timescale, params: CodecParams) -> Self {
        Self { id, timescale, params: Arc::new(params), language: None }
    }
}
