use levada_media::{Ticks, TrackId};

/// What went wrong, and whose fault it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fmp4Error {
    /// The input breaks the format.
    #[error("{what} at byte {offset} (ISO/IEC 14496-12 §{section})")]
    Malformed {
        /// Where in the input, counted from its first byte: the box that is broken.
        offset: u64,
        /// What is wrong.
        what: &'static str,
        /// The clause that says how it should be.
        section: &'static str,
    },
    /// The input is right, or may be, and this crate does not do it.
    #[error("{what} is not supported, at byte {offset}")]
    Unsupported {
        /// Where in the input, counted from its first byte.
        offset: u64,
        /// What it asks for.
        what: &'static str,
    },
    /// A limit of [`ReadLimits`](crate::ReadLimits) or [`FragmentLimits`](crate::FragmentLimits) is passed.
    #[error("{which} is limited to {limit}")]
    Limit {
        /// The name of the limit: the field's.
        which: &'static str,
        /// Its value.
        limit: u64,
    },
    /// The caller's: there is no such track in the init segment.
    #[error("there is no track {0}")]
    UnknownTrack(TrackId),
    /// The caller's: the parameters of a track do not make a sample entry.
    #[error("{track}: {what}")]
    Parameters {
        /// The track.
        track: TrackId,
        /// What is missing or too large.
        what: &'static str,
    },
    /// The caller's, or that of the caller's source: a frame would be decoded before the one in front of it.
    #[error("{track}: decode time {dts} does not follow {after}", dts = dts.0, after = after.0)]
    OutOfOrder {
        /// The track.
        track: TrackId,
        /// The time that has been reached. The first frame's is at least 0.
        after: Ticks,
        /// The frame's time.
        dts: Ticks,
    },
}
