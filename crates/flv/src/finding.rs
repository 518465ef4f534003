use core::fmt;

use levada_amf::{AmfError, Deviation};
use levada_codec::{CodecError, Defect};
use levada_media::TrackId;

use crate::{BodyError, CodecId};

/// A fault of a file that its reader went on after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileFinding {
    /// The size behind a tag is not the size of that tag. Known from writers that count without the eleven bytes
    /// of the head, or always write 0.
    WrongTagSize {
        /// Where it stands in the file.
        offset: u64,
        /// What it should be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// A tag has a stream id, which is always 0.
    StreamId {
        /// Where the tag begins.
        offset: u64,
        /// What it says.
        found: u32,
    },
    /// No tag began where one should. What lies between was skipped.
    Resynchronised {
        /// Where it should have begun.
        offset: u64,
        /// How many bytes were skipped.
        skipped: u64,
    },
}

/// What an [`Unpacker`](crate::Unpacker) had to drop or to put right.
///
/// Faults of a whole track are told once, until something changes. Faults of one message are told for each.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// When, as it stands on the wire.
    pub timestamp: u32,
    /// Where, if that is known.
    pub track: Option<TrackId>,
    /// What.
    pub kind: FindingKind,
}

/// Kinds of [`Finding`]s.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindingKind {
    /// Dropped: the headers of a body cannot be read.
    Body(BodyError),
    /// Dropped, told once a track and codec: nothing here knows the codec.
    UnsupportedCodec(CodecId),
    /// Dropped, told once: the stream has more tracks than [`MAX_TRACKS`](crate::MAX_TRACKS) of one kind.
    TooManyTracks,
    /// Dropped, told once until the track is configured: frames before a configuration record, or of another codec.
    NotConfigured,
    /// Dropped: the configuration record cannot be read. An earlier one stays in force.
    Configuration(CodecError),
    /// Dropped: a frame without a byte of media. DJI cameras send them.
    EmptyFrame,
    /// Dropped: a channel layout that contradicts itself.
    ChannelLayout,
    /// Dropped: script data or a Metadata packet that cannot be read.
    Script(AmfError),
    /// Dropped: a tag that is encrypted.
    Encrypted,
    /// Dropped: a message that is neither media nor script data.
    UnknownKind(u8),
    /// Ignored: a nanosecond offset of a millisecond or more.
    NanoOffset(u32),
    /// Ignored, told once a track: nanosecond offsets, while milliseconds are
    /// [wanted](crate::UnpackerConfig::sub_millisecond).
    NanoOffsetUnused,
    /// Put right: H.265 that is labelled as H.264. Old OBS plugins send it.
    HevcAsAvc,
    /// Put right, told once a track: NAL units behind start codes. These frames are copied.
    AnnexB,
    /// Put right, told once a track: AAC with ADTS headers.
    Adts,
    /// Put right: what the writer of script data gets wrong.
    ScriptDeviation(Deviation),
    /// Passed on, told once a track: what the codec's headers had to be forgiven.
    Defect(Defect),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms: ", self.timestamp)?;
        if let Some(track) = self.track {
            write!(f, "{track}: ")?;
        }
        match &self.kind {
            FindingKind::Body(why) => write!(f, "dropped a message: {why}"),
            FindingKind::UnsupportedCodec(codec) => write!(f, "skipping codec {codec}"),
            FindingKind::TooManyTracks => f.write_str("skipping tracks over the limit"),
            FindingKind::NotConfigured => f.write_str("dropping frames until they are configured"),
            FindingKind::Configuration(why) => write!(f, "dropped a configuration record: {why}"),
            FindingKind::EmptyFrame => f.write_str("dropped an empty frame"),
            FindingKind::ChannelLayout => f.write_str("dropped a channel layout"),
            FindingKind::Script(why) => write!(f, "dropped script data: {why}"),
            FindingKind::ScriptDeviation(what) => write!(f, "script data: {what:?}"),
            FindingKind::Encrypted => f.write_str("dropped an encrypted tag"),
            FindingKind::UnknownKind(id) => write!(f, "dropped a message of type {id}"),
            FindingKind::NanoOffset(nanos) => write!(f, "ignored an offset of {nanos} ns"),
            FindingKind::NanoOffsetUnused => f.write_str("ignoring nanosecond offsets"),
            FindingKind::HevcAsAvc => f.write_str("H.265 is labelled as H.264"),
            FindingKind::AnnexB => f.write_str("NAL units stand behind start codes"),
            FindingKind::Adts => f.write_str("AAC frames have ADTS headers"),
            FindingKind::Defect(defect) => write!(f, "{defect:?}"),
        }
    }
}
