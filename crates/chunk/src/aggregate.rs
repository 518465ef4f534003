use bytes::Buf;

use crate::{ChunkError, ChunkFault, ChunkLimit, ChunkLimits, Message, MessageType};

/// The messages inside an aggregate, one after the other. RTMP 1.0 §7.1.6, laid out as FLV tags.
///
/// ```text
///  type (1)  length (3)  timestamp (3, then its upper 8 bits)  stream (3)  payload  back pointer (4)
/// ```
///
/// They belong to the aggregate's message stream, and their times are moved by the difference between its
/// timestamp and the first one inside. Payloads are slices, nothing is copied. Back pointers are not looked at, and
/// the last one may be missing: senders write 0 or leave it out.
///
/// After an error there are no more: what came before it counts, the rest is to be dropped.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What is left of it.
    whole: Message,
    length: usize,
    /// The time of the first message inside. The others are counted from it.
    first: Option<u32>,
    left: u16,
    limit: u16,
}

/// Type, length, timestamp and stream of a message inside.
const HEAD: usize = 11;

/// The length of the message before it, at the end of each.
const BACK_POINTER: usize = 4;

impl Aggregate {
    /// Splits a message of type [`MessageType::AGGREGATE`].
    pub fn new(message: Message, limits: &ChunkLimits) -> Self {
        let (length, limit) = (message.payload.len(), limits.max_aggregated);
        Self { whole: message, length, first: None, left: limit, limit }
    }

    fn read(&mut self) -> Result<Message, ChunkError> {
        let rest = &mut self.whole.payload;
        let offset = u64::try_from(self.length - rest.len()).unwrap_or(u64::MAX);
        let malformed = |fault| ChunkError::Malformed { offset, fault };
        if self.left == 0 {
            let limit = u64::from(self.limit);
            let which = ChunkLimit::Aggregated;
            return Err(ChunkError::Limit { offset, which, limit, actual: limit + 1 });
        }
        self.left -= 1;
        let head = rest.first_chunk::<HEAD>();
        let Some(&[kind, l2, l1, l0, t2, t1, t0, t3, ..]) = head else {
            return Err(malformed(ChunkFault::ShortAggregate));
        };
        let kind = MessageType(kind);
        if kind == MessageType::AGGREGATE {
            return Err(malformed(ChunkFault::NestedAggregate));
        }
        let length = u32::from_be_bytes([0, l2, l1, l0]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if rest.len() - HEAD < length {
            return Err(malformed(ChunkFault::ShortAggregate));
        }
        rest.advance(HEAD);
        let payload = rest.split_to(length);
        rest.advance(BACK_POINTER.min(rest.len()));
        let time = u32::from_be_bytes([t3, t2, t1, t0]);
        let Message { chunk_stream, stream, timestamp, .. } = self.whole;
        let since_first = time.wrapping_sub(*self.first.get_or_insert(time));
        let timestamp = timestamp.wrapping_add(since_first);
        Ok(Message { chunk_stream, kind, stream, timestamp, payload })
    }
}

impl Iterator for Aggregate {
    type Item = Result<Message, ChunkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.whole.payload.is_empty() {
            return None;
        }
        let message = self.read();
        if message.is_err() {
            self.whole.payload.clear();
        }
        Some(message)
    }
}
