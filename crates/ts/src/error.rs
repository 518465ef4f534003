use levada_codec::CodecError;
use levada_media::TrackId;
use thiserror::Error;

/// Why a track or a frame cannot be written.
///
/// Nothing of it was written, and the muxer goes on with the next one.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TsError {
    /// A frame or a configuration record breaks its codec's format.
    #[error("{track}: {why}")]
    Malformed {
        /// Whose it is.
        track: TrackId,
        /// What is wrong with it.
        why: CodecError,
    },
    /// The codec, or this use of it, has no form in a transport stream that players know.
    #[error("{track}: {what} has no form in MPEG-TS")]
    Unsupported {
        /// Whose it is.
        track: TrackId,
        /// What it is.
        what: &'static str,
    },
    /// More than fits.
    #[error("{track}: {which} beyond {limit}")]
    Limit {
        /// Whose it is.
        track: TrackId,
        /// What there is too much of.
        which: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// A frame of a track that was not announced.
    #[error("{0} was not announced")]
    UnknownTrack(TrackId),
}

impl TsError {
    /// What a codec's error means for a track.
    pub(crate) fn of(track: TrackId, why: CodecError) -> Self {
        match why {
            CodecError::Unsupported { what } => Self::Unsupported { track, what },
            CodecError::Limit { which, limit } => {
                Self::Limit { track, which, limit: limit.try_into().unwrap_or(u64::MAX) }
            }
            why => Self::Malformed { track, why },
        }
    }
}
