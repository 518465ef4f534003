use alloc::vec;

use bytes::Bytes;

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
            let mut body = vec![0; cut_len(&payload, size, between.bytes())];
            cut(&payload, size, between.bytes(), &mut body);
            body.into()
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

/// How long `payload` is with a header between each two chunks.
pub(crate) fn cut_len(payload: &[u8], chunk_size: usize, between: &[u8]) -> usize {
    payload.len() + payload.len().saturating_sub(1) / chunk_size * between.len()
}

/// Writes that to a place of just this length.
pub(crate) fn cut(payload: &[u8], chunk_size: usize, between: &[u8], to: &mut [u8]) {
    if let (DEFAULT_SIZE, &[between]) = (chunk_size, between) {
        return cut_default(payload, between, to);
    }
    let places = to.chunks_mut(chunk_size + between.len());
    for (place, chunk) in places.zip(payload.chunks(chunk_size)) {
        let (place, header) = place.split_at_mut(chunk.len());
        place.copy_from_slice(chunk);
        // None behind the last.
        header.iter_mut().zip(between).for_each(|(to, from)| *to = *from);
    }
}

/// The same in half the instructions, since the compiler knows all lengths.
fn cut_default(payload: &[u8], between: u8, to: &mut [u8]) {
    let (places, last) = to.as_chunks_mut::<{ DEFAULT_SIZE + 1 }>();
    let (chunks, rest) = payload.split_at(payload.len() - last.len());
    for ([place @ .., header], chunk) in places.iter_mut().zip(chunks.as_chunks().0) {
        *place = *chunk;
        *header = between;
    }
    last.copy_from_slice(rest);
}

/// The extended timestamp of an absolute time, which the type 3 headers behind it repeat.
pub(crate) fn extended(timestamp: u32) -> Option<u32> {
    (timestamp >= EXTENDED).then_some(timestamp)
}

/// Of a payload that was checked to be no longer than [`MAX_LENGTH`].
pub(crate) fn length_of(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}
