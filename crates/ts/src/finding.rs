use core::fmt;

use levada_media::TrackId;

/// What a [`TsDemuxer`](crate::TsDemuxer) came across and passed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Bytes that are no packets, or a packet that is cut at the end.
    LostSync {
        /// How many.
        skipped: u64,
    },
    /// A packet that a receiver before us has marked as damaged, or whose header makes no sense. It was dropped.
    DamagedPacket {
        /// The PID it names.
        pid: u16,
    },
    /// Packets are missing, as the counter shows. What they were part of was dropped.
    MissingPackets {
        /// Of which PID.
        pid: u16,
        /// The counter that should have come.
        expected: u8,
        /// The counter that came.
        got: u8,
    },
    /// The stream says itself that its clock or counter starts anew.
    Discontinuity {
        /// In which PID it says so.
        pid: u16,
    },
    /// A table that is broken. The one before it stays valid.
    BadTable {
        /// The PID it came in.
        pid: u16,
    },
    /// A stream of a kind that is not read. It is passed over.
    UnknownStream {
        /// Its PID.
        pid: u16,
        /// Its kind as the PMT names it.
        stream_type: u8,
    },
    /// More streams than are read.
    TooManyStreams {
        /// The first that is left out.
        pid: u16,
    },
    /// A PES packet that begins with no start code, or is cut. It was dropped.
    BadPes {
        /// Its PID.
        pid: u16,
    },
    /// A frame is larger than the limit. It was dropped.
    TooLarge {
        /// The PID it came in.
        pid: u16,
    },
    /// It is encrypted. It was dropped.
    Scrambled {
        /// Its PID.
        pid: u16,
    },
    /// A frame came without a timestamp. It got one from those before it.
    NoTimestamp(TrackId),
    /// A frame came before the parameters that it needs. It was dropped.
    BeforeParameters(TrackId),
    /// Parameters that cannot be used. The ones before them stay valid.
    BadParameters(TrackId),
    /// Bytes between frames that belong to none.
    BytesBetweenFrames {
        /// In which track.
        track: TrackId,
        /// How many.
        skipped: u64,
    },
    /// A frame that is broken or of a form that is not read. It was dropped.
    BadFrame(TrackId),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LostSync { skipped } => write!(f, "{skipped} bytes are no packets"),
            Self::DamagedPacket { pid } => write!(f, "a packet of PID {pid:#x} is damaged"),
            Self::MissingPackets { pid, expected, got } => {
                write!(
                    f,
                    "packets of PID {pid:#x} are missing: counter {got} instead of {expected}"
                )
            }
            Self::Discontinuity { pid } => write!(f, "PID {pid:#x} starts anew"),
            Self::BadTable { pid } => write!(f, "the table in PID {pid:#x} is broken"),
            Self::UnknownStream { pid, stream_type } => {
                write!(f, "PID {pid:#x} has a stream of unknown type {stream_type:#04x}")
            }
            Self::TooManyStreams { pid } => write!(f, "PID {pid:#x} is one stream too many"),
            Self::BadPes { pid } => write!(f, "a PES packet of PID {pid:#x} is broken"),
            Self::TooLarge { pid } => write!(f, "a frame of PID {pid:#x} is too large"),
            Self::Scrambled { pid } => write!(f, "PID {pid:#x} is scrambled"),
            Self::NoTimestamp(track) => write!(f, "{track}: a frame without a timestamp"),
            Self::BeforeParameters(track) => write!(f, "{track}: a frame before its parameters"),
            Self::BadParameters(track) => write!(f, "{track}: parameters that cannot be used"),
            Self::BytesBetweenFrames { track, skipped } => {
                write!(f, "{track}: {skipped} bytes between frames")
            }
            Self::BadFrame(track) => write!(f, "{track}: a broken frame"),
        }
    }
}
