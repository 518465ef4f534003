use bytes::{BufMut, Bytes, BytesMut};

use crate::header::{EXTENDED, Encoded, Fields, MAX_LENGTH, Shape};
use crate::{ChunkError, ChunkSize, ChunkStreamId, Message, MessageType};

/// [`ChunkSize::DEFAULT`].
const DEFAULT_SIZE: usize = 128;

/// A message cut into chunks once, for any number of receivers. A clone is a reference count.
///
/// ```text
///  per receiver, copied            once, shared
/// ┌───────────────────────┐┌──────────────────────────────────────────────┐
/// │ type 0 header, 12–18  ││ payload │ C6 │ payload │ C6 │ … │ payload    │
/// └───────────────────────┘└──────────────────────────────────────────────┘
/// ```
///
/// It goes out on the [chunk stream that is ours for its kind](MessageType::chunk_stream), whichever it came on.
/// A message that fits one chunk is not copied at all.
#[derive(Clone, Debug)]
pub struct SharedMessage {
    kind: MessageType,
    timestamp: u32,
    chunk_size: ChunkSize,
    payload: Bytes,
    body: Bytes,
}

impl SharedMessage {
    /// Cuts `message` for receivers to whom chunks of `chunk_size` were announced.
    ///
    /// # Errors
    ///
    /// [`ChunkError::TooLong`].
    pub fn new(message: Message, chunk_size: ChunkSize) -> Result<Self, ChunkError> {
        let Message { kind, timestamp, payload, .. } = message;
        if payload.len() > MAX_LENGTH {
            return Err(ChunkError::TooLong { length: payload.len() });
        }
        let size = usize::try_from(chunk_size.bytes()).unwrap_or(usize::MAX);
        let body = if payload.len() <= size {
            payload.clone()
        } else {
            let between = Encoded::new(kind.chunk_stream(), Fields::Same, extended(timestamp));
            let mut body = BytesMut::new();
            cut(&payload, size, between.bytes(), &mut body);
            body.freeze()
        };
        Ok(Self { kind, timestamp, chunk_size, payload, body })
    }

    /// What it is.
    pub fn kind(&self) -> MessageType {
        self.kind
    }

    /// When it is.
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// What it carries, uncut.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub(crate) fn chunk_stream(&self) -> ChunkStreamId {
        self.kind.chunk_stream()
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { length: length_of(&self.payload), kind: self.kind }
    }

    /// Everything behind the first header, if it is right for these.
    pub(crate) fn body(&self, timestamp: u32, chunk_size: ChunkSize) -> Option<&Bytes> {
        let one_chunk =
            self.payload.len() <= usize::try_from(chunk_size.bytes()).unwrap_or(usize::MAX);
        if one_chunk {
            return Some(&self.payload);
        }
        let same = self.chunk_size == chunk_size && extended(self.timestamp) == extended(timestamp);
        same.then_some(&self.body)
    }
}

/// Appends `payload` with a header between each two chunks.
pub(crate) fn cut(payload: &[u8], chunk_size: usize, between: &[u8], to: &mut BytesMut) {
    let cuts = payload.len().saturating_sub(1) / chunk_size;
    to.reserve(payload.len() + cuts * between.len());
    let (first, rest) = payload.split_at(chunk_size.min(payload.len()));
    to.extend_from_slice(first);
    if chunk_size == DEFAULT_SIZE {
        // Chunks whose size the compiler knows are copied without a call, in half the instructions.
        let (chunks, last) = rest.as_chunks::<DEFAULT_SIZE>();
        append(to, between, chunks.iter());
        append(to, between, last.chunks(DEFAULT_SIZE));
    } else {
        append(to, between, rest.chunks(chunk_size));
    }
}

fn append(to: &mut BytesMut, between: &[u8], chunks: impl Iterator<Item: AsRef<[u8]>>) {
    for chunk in chunks {
        // One byte nearly always: not worth a call.
        between.iter().for_each(|it| to.put_u8(*it));
        to.extend_from_slice(chunk.as_ref());
    }
}

/// The extended timestamp of an absolute time, which the type 3 headers behind it repeat.
pub(crate) fn extended(timestamp: u32) -> Option<u32> {
    (timestamp >= EXTENDED).then_some(timestamp)
}

/// Of a payload that was checked to be no longer than [`MAX_LENGTH`].
pub(crate) fn length_of(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}
