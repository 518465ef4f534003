use levada_fmp4::Fmp4Error;
use levada_media::TrackId;
use levada_ts::TsError;
use thiserror::Error;

/// Why an event could not be put into segments. The segmenter goes on without it.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SegmentError {
    /// A frame of a track that no [`MediaEvent::Track`](levada_media::MediaEvent::Track) introduced.
    #[error("{0} was never introduced: push its Track event first")]
    UnknownTrack(TrackId),
    /// The tracks cannot be put into fMP4.
    #[error(transparent)]
    Fmp4(#[from] Fmp4Error),
    /// The tracks cannot be put into MPEG-TS.
    #[error(transparent)]
    Ts(#[from] TsError),
    /// Parts and AES-128 do not go together: the draft says nothing of a part's padding, and players differ.
    #[error("a stream with parts cannot be encrypted: set `part` to None")]
    KeyWithParts,
    /// The segmenter was finished.
    #[error("the stream was finished: make a new segmenter")]
    Finished,
}
