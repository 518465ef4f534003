use alloc::vec::Vec;

use bytes::Bytes;
use levada_buf::{Outbox, SHARE_FROM};

use crate::header::{EXTENDED, Encoded, Fields, MAX_LENGTH, Shape};
use crate::shared::{self, SharedMessage};
use crate::{ChunkError, ChunkSize, ChunkStreamId, Control, Message, MessageStreamId};

/// Cuts messages into chunks. One for each connection.
///
/// Headers are as short as is safe. A message never begins with a type 3 header unless
/// [asked](Self::with_type_3_starts), because receivers disagree about its time. Nothing is kept of payloads:
/// small ones are copied into the outbox, large ones shared with it.
///
/// ```
/// use bytes::{Buf, Bytes};
/// use levada_buf::Outbox;
/// use levada_chunk::{ChunkWriter, Message, MessageStreamId, MessageType};
///
/// let mut writer = ChunkWriter::new();
/// let mut out = Outbox::new();
/// let audio = |time| Message::new(MessageType::AUDIO, MessageStreamId(1), time, Bytes::from_static(&[0xAF]));
/// writer.write(&audio(1000), &mut out)?; // a full header: 12 bytes and the payload
/// writer.write(&audio(1023), &mut out)?; // only the step: 4 bytes and the payload
/// assert_eq!(out.remaining(), 13 + 5);
/// # Ok::<(), levada_chunk::ChunkError>(())
/// ```
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_size: ChunkSize,
    type_3_starts: bool,
    sent: Vec<Sent>,
}

/// The last header sent on a chunk stream.
#[derive(Clone, Copy, Debug)]
struct Sent {
    id: ChunkStreamId,
    stream: MessageStreamId,
    shape: Shape,
    timestamp: u32,
    /// The step of type 1 and 2 headers. After a type 0 header receivers disagree, so there is none.
    step: Option<u32>,
}

impl ChunkWriter {
    /// A writer for a connection whose handshake is over.
    pub fn new() -> Self {
        Self { chunk_size: ChunkSize::DEFAULT, type_3_starts: false, sent: Vec::new() }
    }

    /// Lets a message begin with a type 3 header if nothing but the time differs, and that by the same step. It
    /// saves 3 bytes a message; some receivers then keep the old time.
    #[must_use]
    pub fn with_type_3_starts(mut self) -> Self {
        self.type_3_starts = true;
        self
    }

    /// The size of the chunks that are written.
    pub fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// Announces another chunk size and uses it from the next chunk on.
    pub fn set_chunk_size(&mut self, size: ChunkSize, out: &mut Outbox) {
        self.write_control(&Control::SetChunkSize(size), out);
    }

    /// Writes a control message, and obeys it as the reader at the other end does.
    pub fn write_control(&mut self, control: &Control, out: &mut Outbox) {
        let payload = Bytes::copy_from_slice(control.payload().bytes());
        let shape = Shape { length: shared::length_of(&payload), kind: control.kind() };
        let id = ChunkStreamId::CONTROL;
        self.write_full(id, shape, MessageStreamId::CONTROL, 0, out);
        self.write_payload(&payload, id, None, out);
        self.obey(control);
    }

    /// Writes a message on its chunk stream.
    ///
    /// # Errors
    ///
    /// [`ChunkError::TooLong`]: nothing is written then.
    pub fn write(&mut self, message: &Message, out: &mut Outbox) -> Result<(), ChunkError> {
        if message.payload.len() > MAX_LENGTH {
            return Err(ChunkError::TooLong { length: message.payload.len() });
        }
        let Message { chunk_stream, kind, stream, timestamp, ref payload } = *message;
        let shape = Shape { length: shared::length_of(payload), kind };
        let extended = self.write_header(chunk_stream, shape, stream, timestamp, out);
        self.write_payload(payload, chunk_stream, extended, out);
        if let Ok(Some(control)) = Control::parse(message) {
            self.obey(&control);
        }
        Ok(())
    }

    /// Writes a message to one of its many receivers: a header of its own before the shared body.
    pub fn write_shared(&mut self, message: &SharedMessage, to: MessageStreamId, out: &mut Outbox) {
        self.write_shared_at(message, to, message.timestamp(), out);
    }

    /// The same for a receiver with another zero point of time.
    ///
    /// The body is still shared, unless the timestamp is one of those above 4.66 hours that each chunk repeats.
    pub fn write_shared_at(
        &mut self,
        message: &SharedMessage,
        to: MessageStreamId,
        timestamp: u32,
        out: &mut Outbox,
    ) {
        let id = message.chunk_stream();
        let extended = self.write_full(id, message.shape(), to, timestamp, out);
        match message.body(timestamp, self.chunk_size) {
            Some(body) if body.len() < SHARE_FROM => out.put(body),
            Some(body) => out.share(body.clone()),
            None => self.write_payload(message.payload(), id, extended, out),
        }
    }

    /// Writes the shortest header that is safe. Says what the type 3 headers behind it repeat.
    fn write_header(
        &mut self,
        id: ChunkStreamId,
        shape: Shape,
        stream: MessageStreamId,
        timestamp: u32,
        out: &mut Outbox,
    ) -> Option<u32> {
        let type_3_starts = self.type_3_starts;
        let Some(sent) = self.sent.iter_mut().find(|it| it.id == id) else {
            return self.write_full(id, shape, stream, timestamp, out);
        };
        // A step back is one of more than 2³¹ here.
        let step = timestamp.wrapping_sub(sent.timestamp);
        if sent.stream != stream || step >= EXTENDED || id == ChunkStreamId::CONTROL {
            return self.write_full(id, shape, stream, timestamp, out);
        }
        let fields = if sent.shape != shape {
            Fields::SameStream { step, shape }
        } else if type_3_starts && sent.step == Some(step) {
            Fields::Same
        } else {
            Fields::SameShape { step }
        };
        *sent = Sent { shape, timestamp, step: Some(step), ..*sent };
        out.put(Encoded::new(id, fields, None).bytes());
        None
    }

    /// Writes a type 0 header. Says what the type 3 headers behind it repeat.
    fn write_full(
        &mut self,
        id: ChunkStreamId,
        shape: Shape,
        stream: MessageStreamId,
        timestamp: u32,
        out: &mut Outbox,
    ) -> Option<u32> {
        let sent = Sent { id, stream, shape, timestamp, step: None };
        match self.sent.iter_mut().find(|it| it.id == id) {
            Some(last) => *last = sent,
            None => self.sent.push(sent),
        }
        let extended = shared::extended(timestamp);
        let fields = Fields::Full { time: timestamp.min(EXTENDED), shape, stream };
        out.put(Encoded::new(id, fields, extended).bytes());
        extended
    }

    /// Writes a payload with type 3 headers between its chunks.
    fn write_payload(
        &self,
        payload: &Bytes,
        id: ChunkStreamId,
        extended: Option<u32>,
        out: &mut Outbox,
    ) {
        let size = usize::try_from(self.chunk_size.bytes()).unwrap_or(usize::MAX);
        if payload.len() <= size {
            return out.share(payload.clone());
        }
        let between = Encoded::new(id, Fields::Same, extended);
        if size < SHARE_FROM {
            let (len, between) = (shared::cut_len(payload, size, between.bytes()), between.bytes());
            return out.put_with(len, |place| shared::cut(payload, size, between, place));
        }
        let mut rest = payload.clone();
        while rest.len() > size {
            out.share(rest.split_to(size));
            out.put(between.bytes());
        }
        out.share(rest);
    }

    fn obey(&mut self, control: &Control) {
        match control {
            Control::SetChunkSize(size) => self.chunk_size = *size,
            // The receiver keeps the header of what was given up, but few have tested that.
            Control::Abort { chunk_stream } => {
                self.sent.retain(|it| it.id.number() != *chunk_stream);
            }
            _ => {}
        }
    }
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self::new()
    }
}
