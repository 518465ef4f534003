use core::fmt;

use thiserror::Error;

use crate::{ChunkStreamId, MessageType};

/// Why chunks cannot be read, or a message not be written.
///
/// A reader that failed stays failed: it gives the same error again.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ChunkError {
    /// The peer broke a rule.
    #[error("at byte {offset} of the chunk stream: {fault}")]
    Malformed {
        /// Where the chunk began, counted from the end of the handshake. Of a [`Control`](crate::Control) or an
        /// [`Aggregate`](crate::Aggregate), where in its payload.
        offset: u64,
        /// Which rule.
        fault: ChunkFault,
    },
    /// The peer asked for more than we give.
    #[error("at byte {offset} of the chunk stream: {actual} is over the limit of {limit} {which}")]
    Limit {
        /// As in [`Malformed`](Self::Malformed).
        offset: u64,
        /// Of what.
        which: ChunkLimit,
        /// What the limit is.
        limit: u64,
        /// What was asked for.
        actual: u64,
    },
    /// The caller's payload does not fit a message, whose length has 24 bits. RTMP 1.0 §6.1.1.
    #[error("a payload of {length} bytes is too long to send, a message has at most 16777215")]
    TooLong {
        /// How long it is.
        length: usize,
    },
}

/// How a peer broke the rules of the chunk stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChunkFault {
    /// A chunk stream began with a header that leaves out what only an earlier one could tell.
    NoPreviousHeader {
        /// Which.
        chunk_stream: ChunkStreamId,
    },
    /// A header began a message while another one on its chunk stream was unfinished.
    MessageInterrupted {
        /// Which.
        chunk_stream: ChunkStreamId,
    },
    /// A chunk size of 0 or of more than 31 bits.
    BadChunkSize {
        /// What was announced.
        size: u32,
    },
    /// A control message shorter than its fields.
    ShortControl {
        /// Which.
        kind: MessageType,
        /// How long it was.
        length: usize,
    },
    /// A message inside an aggregate that is longer than the rest of it.
    ShortAggregate,
    /// An aggregate inside an aggregate.
    NestedAggregate,
}

impl fmt::Display for ChunkFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPreviousHeader { chunk_stream } => write!(
                formatter,
                "chunk stream {} begins without a full header (RTMP 1.0 §5.3.1.2.1)",
                chunk_stream.number()
            ),
            Self::MessageInterrupted { chunk_stream } => write!(
                formatter,
                "a new header inside an unfinished message on chunk stream {} (RTMP 1.0 §5.3.1.2.4)",
                chunk_stream.number()
            ),
            Self::BadChunkSize { size } => {
                write!(formatter, "chunk size {size:#x} (RTMP 1.0 §5.4.1)")
            }
            Self::ShortControl { kind, length } => {
                write!(formatter, "{kind} of only {length} bytes (RTMP 1.0 §5.4, §6.2)")
            }
            Self::ShortAggregate => {
                formatter.write_str("an aggregate ends inside a message (RTMP 1.0 §7.1.6)")
            }
            Self::NestedAggregate => {
                formatter.write_str("an aggregate inside an aggregate (RTMP 1.0 §7.1.6)")
            }
        }
    }
}

/// What a [`ChunkError::Limit`] is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChunkLimit {
    /// [`ChunkLimits::max_message`](crate::ChunkLimits::max_message).
    MessageLength,
    /// [`ChunkLimits::max_pending`](crate::ChunkLimits::max_pending).
    Pending,
    /// [`ChunkLimits::max_streams`](crate::ChunkLimits::max_streams).
    Streams,
    /// [`ChunkLimits::max_aggregated`](crate::ChunkLimits::max_aggregated).
    Aggregated,
}

impl fmt::Display for ChunkLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::MessageLength => "bytes a message",
            Self::Pending => "bytes of half-received messages",
            Self::Streams => "chunk streams",
            Self::Aggregated => "messages an aggregate",
        })
    }
}
