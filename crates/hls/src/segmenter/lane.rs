use levada_media::Track;

use crate::clock::Clock;

/// A track and its time.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) track: Track,
    pub(super) clock: Clock,
    /// Whether the package has it. A track that came late is put in where a segment begins.
    pub(super) packaged: bool,
    /// Whether others went on without it, so that it does not lead.
    pub(super) silent: bool,
}

impl Lane {
    pub(super) fn new(track: Track) -> Self {
        Self { clock: Clock::new(&track), track, packaged: false, silent: false }
    }

    /// The track as the package sees it: in the timescale of the segments.
    pub(super) fn packed_track(&self) -> Track {
        let mut track = self.track.clone();
        track.timescale = self.clock.out;
        track
    }
}
