use bytes::Bytes;

use crate::{ChunkStreamId, MessageStreamId, MessageType};

/// A message: what chunks are cut from and put together to. RTMP 1.0 §6.1.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the fields of the wire, which are not going to change"
)]
pub struct Message {
    /// On which chunk stream it came or is to go.
    pub chunk_stream: ChunkStreamId,
    /// What it is.
    pub kind: MessageType,
    /// Which message stream it belongs to.
    pub stream: MessageStreamId,
    /// In milliseconds, from anywhere. It wraps after 49.7 days: compare with serial arithmetic.
    pub timestamp: u32,
    /// What it carries.
    ///
    /// Of a received message it may be a slice of the input block. Copy out what is to be kept for long, or the
    /// whole block is kept with it.
    pub payload: Bytes,
}

impl Message {
    /// A message on the chunk stream that we use for its kind.
    pub fn new(kind: MessageType, stream: MessageStreamId, timestamp: u32, payload: Bytes) -> Self {
        Self { chunk_stream: kind.chunk_stream(), kind, stream, timestamp, payload }
    }
}
