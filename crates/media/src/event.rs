use crate::{Frame, Track, TrackId};

/// What a reader of media makes and a writer of media takes, in order.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a fourth kind would change every stage")]
pub enum MediaEvent {
    /// A track begins, or goes on with other parameters. Frames of a track follow its first `Track` event.
    Track(Track),
    /// One frame, in decoding order within its track.
    Frame(Frame),
    /// A track ends. Its id may begin again.
    End(TrackId),
}

impl MediaEvent {
    /// The track that this is about.
    pub fn track(&self) -> TrackId {
        match self {
            Self::Track(track) => track.id,
            Self::Frame(frame) => frame.track,
            Self::End(id) => *id,
        }
    }
}
