use alloc::vec::Vec;
use core::mem;

use bytes::{Buf, Bytes, BytesMut};

use crate::clock::{Clock, Time};
use crate::header::{Fields, Header, MAX_LENGTH, Shape};
use crate::quirk::Quirks;
use crate::{
    ChunkError, ChunkFault, ChunkLimit, ChunkLimits, ChunkQuirk, ChunkStreamId, Control, Message,
    MessageStreamId, MessageType, Tolerance,
};

/// The longest message that is waited for in the input and then sliced from it. So the input never has to be
/// longer than this, whatever a peer announces.
const BLOCK: usize = 64 * 1024;

/// Takes chunks off the front of an input and puts messages together. One for each connection.
///
/// - A message that came in one chunk of at most 64 KiB is a slice of the input: no byte is copied.
/// - Any other is gathered into a buffer of its own, which grows with the bytes received.
/// - Set Chunk Size and Abort are obeyed before they are returned, the other control messages just returned.
///
/// ```
/// use bytes::BytesMut;
/// use levada_chunk::{ChunkReader, MessageType};
///
/// let mut reader = ChunkReader::default();
/// let mut input = BytesMut::from(&[4, 0, 3, 0xE8, 0, 0, 2, 9, 1, 0, 0, 0, 0xAA][..]);
/// assert_eq!(reader.read(&mut input)?, None); // a byte of the payload is missing
///
/// input.extend_from_slice(&[0xBB]);
/// let message = reader.read(&mut input)?.unwrap();
/// assert_eq!((message.kind, message.timestamp), (MessageType::VIDEO, 1000));
/// assert_eq!(message.payload[..], [0xAA, 0xBB]);
/// # Ok::<(), levada_chunk::ChunkError>(())
/// ```
#[derive(Debug)]
pub struct ChunkReader {
    limits: ChunkLimits,
    tolerance: Tolerance,
    chunk_size: usize,
    streams: Vec<ChunkStream>,
    /// The stream of the latest chunk.
    current: usize,
    /// How much of its payload is to come. 0: the next byte is that of a header.
    chunk_left: usize,
    consumed: u64,
    memory: Memory,
    quirks: Quirks,
    failed: Option<ChunkError>,
}

/// What is remembered of a chunk stream.
#[derive(Debug)]
struct ChunkStream {
    id: ChunkStreamId,
    state: State,
    /// Whether a message has begun and not ended.
    open: bool,
    /// Where it began.
    begun: u64,
    /// What was gathered of it.
    gathered: Vec<u8>,
}

/// What all chunk streams together hold of half-received messages.
#[derive(Debug, Default)]
struct Memory {
    /// Their bytes.
    pending: usize,
    /// The room of the buffers for them.
    reserved: usize,
    /// The longest message gathered so far.
    longest: usize,
}

/// What the next header on a chunk stream may leave out.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    shape: Shape,
    stream: MessageStreamId,
    clock: Clock,
}

impl ChunkReader {
    /// A reader for a connection whose handshake is over.
    pub fn new(limits: ChunkLimits) -> Self {
        Self {
            limits,
            tolerance: Tolerance::default(),
            chunk_size: 128,
            streams: Vec::new(),
            current: 0,
            chunk_left: 0,
            consumed: 0,
            memory: Memory::default(),
            quirks: Quirks::default(),
            failed: None,
        }
    }

    /// The same reader with other ideas of what may be forgiven.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets the limits from the next chunk on: a peer that was let in may send more.
    pub fn set_limits(&mut self, limits: ChunkLimits) {
        self.limits = limits;
    }

    /// Takes what it can use off the front of `input` and returns the next message completed by it.
    ///
    /// `None` means that every usable byte is used. An input that can hold 64 KiB is always enough.
    ///
    /// # Errors
    ///
    /// When the peer breaks a rule or passes a limit. Later calls give the same error.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ChunkError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        let result = self.read_message(input);
        if let Err(why) = &result {
            self.failed = Some(*why);
        }
        result
    }

    /// How many bytes were taken so far. For an acknowledgement add what waits in the input.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Where the oldest half-received message began, as [`consumed`](Self::consumed) counts.
    ///
    /// This is how to bound the age of messages without a clock in here: note `consumed()` now and then, and
    /// if the oldest message began before the note of half a minute ago, it is older than that.
    pub fn oldest_partial(&self) -> Option<u64> {
        self.streams.iter().filter(|it| it.open).map(|it| it.begun).min()
    }

    /// What the peer did against the text since the last call. Each kind is told once.
    #[inline]
    pub fn take_quirk(&mut self) -> Option<ChunkQuirk> {
        self.quirks.take()
    }

    fn read_message(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ChunkError> {
        let Some(payload) = self.read_payload(input)? else { return Ok(None) };
        if let Some(stream) = self.streams.get(self.current)
            && matches!(stream.state.shape.kind, MessageType::SET_CHUNK_SIZE | MessageType::ABORT)
        {
            self.obey(&payload)?;
        }
        let stream = self.streams.get_mut(self.current);
        Ok(stream.map(|it| it.close(payload)))
    }

    /// The payload of the next message, which is that of the current stream.
    fn read_payload(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, ChunkError> {
        let mut rest = &input[..];
        let payload = loop {
            if self.chunk_left == 0 {
                let offset = self.consumed + to_u64(input.len() - rest.len());
                let Some(behind) = self.begin_chunk(rest, offset)? else { break None };
                rest = behind;
            }
            let Some(stream) = self.streams.get_mut(self.current) else { break None };
            let length = stream.length();
            if self.chunk_left == length && length <= BLOCK {
                if rest.len() < length {
                    break None;
                }
                self.chunk_left = 0;
                let header = input.len() - rest.len();
                self.consumed += to_u64(header + length);
                let mut payload = input.split_to(header + length).freeze();
                payload.advance(header);
                return Ok(Some(payload));
            }
            stream.make_room(self.chunk_left.min(rest.len()), &mut self.memory);
            let room = to_usize(self.limits.max_pending).saturating_sub(self.memory.pending);
            let before = stream.gathered.len();
            (rest, self.chunk_left) = stream.gather(rest, self.chunk_left, self.chunk_size, room);
            self.memory.pending += stream.gathered.len() - before;
            if stream.gathered.len() == length {
                break Some(Bytes::from(stream.take_gathered(&mut self.memory)));
            }
            if rest.is_empty() {
                break None;
            }
        };
        let used = input.len() - rest.len();
        input.advance(used);
        self.consumed += to_u64(used);
        Ok(payload)
    }

    /// Parses the header at the front of `bytes`, makes its stream the current one, and returns what follows.
    /// `None`: not all of it is there, and nothing has changed.
    fn begin_chunk<'a>(
        &mut self,
        bytes: &'a [u8],
        offset: u64,
    ) -> Result<Option<&'a [u8]>, ChunkError> {
        let Some((header, behind)) = Header::parse(bytes) else { return Ok(None) };
        let index = self.stream_of(header, offset)?;
        let Some(stream) = self.streams.get_mut(index) else { return Ok(None) };
        let goes_on = stream.open && header.fields == Fields::Same;
        if stream.open && !goes_on && !self.tolerance.restarts {
            let fault = ChunkFault::MessageInterrupted { chunk_stream: header.id };
            return Err(ChunkError::Malformed { offset, fault });
        }
        let extended = if goes_on {
            stream.state.clock.carry_on(behind, self.tolerance.omitted_extended_timestamp)
        } else {
            stream.state.start(header.fields, behind)
        };
        let Some(extended) = extended else { return Ok(None) };
        if stream.state.clock.omits_extended() {
            self.quirks.note(ChunkQuirk::ExtendedTimestampOmitted);
        }
        if !goes_on {
            if stream.open {
                self.quirks.note(ChunkQuirk::MessageCutOff);
                stream.take_gathered(&mut self.memory);
            }
            stream.open = true;
            stream.begun = offset;
            let limit = to_usize(self.limits.max_message(stream.state.shape.kind));
            check(ChunkLimit::MessageLength, offset, limit, stream.length())?;
        }
        self.current = index;
        self.chunk_left = self.chunk_size.min(stream.length() - stream.gathered.len());
        let limit = to_usize(self.limits.max_pending);
        check(ChunkLimit::Pending, offset, limit, self.memory.pending + self.chunk_left)?;
        Ok(behind.get(extended..))
    }

    /// The place of a header's stream, which is made if the header is one to begin with.
    fn stream_of(&mut self, header: Header, offset: u64) -> Result<usize, ChunkError> {
        if let Some(index) = self.streams.iter().position(|it| it.id == header.id) {
            return Ok(index);
        }
        let mut state = State::default();
        match header.fields {
            Fields::Full { .. } => {}
            Fields::SameStream { .. } => self.quirks.note(ChunkQuirk::OpenedWithDelta),
            Fields::SameShape { .. } | Fields::Same => match self.streams.get(self.current) {
                Some(last) if self.tolerance.orphans => {
                    state = last.state;
                    self.quirks.note(ChunkQuirk::OpenedWithoutHeader);
                }
                _ => {
                    let fault = ChunkFault::NoPreviousHeader { chunk_stream: header.id };
                    return Err(ChunkError::Malformed { offset, fault });
                }
            },
        }
        let limit = usize::from(self.limits.max_streams);
        check(ChunkLimit::Streams, offset, limit, self.streams.len() + 1)?;
        self.streams.push(ChunkStream::new(header.id, state));
        Ok(self.streams.len() - 1)
    }

    /// Types 1 and 2 are for this layer. RTMP 1.0 §5.4.1, §5.4.2.
    #[cold]
    fn obey(&mut self, payload: &[u8]) -> Result<(), ChunkError> {
        let Some(stream) = self.streams.get(self.current) else { return Ok(()) };
        let offset = stream.begun;
        let control = Control::fields(stream.state.shape.kind, payload)
            .map_err(|fault| ChunkError::Malformed { offset, fault })?;
        match control {
            // Above the longest message all sizes are alike.
            Control::SetChunkSize(size) => {
                self.chunk_size = to_usize(size.bytes()).min(MAX_LENGTH);
            }
            Control::Abort { chunk_stream } => {
                let mut streams = self.streams.iter_mut();
                if let Some(stream) = streams.find(|it| it.id.number() == chunk_stream) {
                    stream.open = false;
                    stream.take_gathered(&mut self.memory);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl ChunkStream {
    fn new(id: ChunkStreamId, state: State) -> Self {
        Self { id, state, open: false, begun: 0, gathered: Vec::new() }
    }

    /// Of its message.
    fn length(&self) -> usize {
        to_usize(self.state.shape.length)
    }

    /// Takes the payload of a chunk, and chunk after chunk as long as they plainly go on with the message: most
    /// chunks do. Returns what follows, and how much of a chunk is still to come.
    ///
    /// It stops before a chunk that would make more than `most` bytes of it, and when the buffer is full.
    fn gather<'a>(
        &mut self,
        bytes: &'a [u8],
        mut chunk_left: usize,
        chunk_size: usize,
        most: usize,
    ) -> (&'a [u8], usize) {
        let plain = self.plain_header();
        let mut missing = self.length() - self.gathered.len();
        let least = missing.saturating_sub(most);
        let mut rest = bytes;
        loop {
            let (piece, behind) = rest.split_at(chunk_left.min(rest.len()));
            if self.room() < piece.len() {
                return (rest, chunk_left);
            }
            self.gathered.extend_from_slice(piece);
            rest = behind;
            missing -= piece.len();
            chunk_left -= piece.len();
            if chunk_left > 0 || missing == 0 {
                return (rest, chunk_left);
            }
            let next = chunk_size.min(missing);
            match rest.split_first() {
                Some((first, behind)) if u32::from(*first) == plain && missing - next >= least => {
                    rest = behind;
                    chunk_left = next;
                }
                _ => return (rest, 0),
            }
        }
    }

    /// Makes room to gather so many bytes.
    ///
    /// Memory follows the bytes received: a buffer at most doubles, and what all of them have room for beyond that
    /// is at most 64 KiB or as much as the longest message that this peer really sent. So a message like those
    /// before it is gathered into one allocation.
    fn make_room(&mut self, needed: usize, memory: &mut Memory) {
        if self.room() >= needed {
            return;
        }
        let idle = memory.reserved - memory.pending;
        let earned = memory.longest.max(BLOCK).saturating_sub(idle);
        let gathered = self.gathered.len();
        let room = needed.max(earned).max(gathered).min(self.length() - gathered);
        memory.reserved -= self.gathered.capacity();
        self.gathered.reserve_exact(room);
        memory.reserved += self.gathered.capacity();
    }

    /// How much more fits into its buffer as it is.
    fn room(&self) -> usize {
        self.gathered.capacity() - self.gathered.len()
    }

    /// What was gathered, which is then no more its own.
    fn take_gathered(&mut self, memory: &mut Memory) -> Vec<u8> {
        let gathered = mem::take(&mut self.gathered);
        memory.pending -= gathered.len();
        memory.reserved -= gathered.capacity();
        memory.longest = memory.longest.max(gathered.len());
        gathered
    }

    /// Its message is over.
    fn close(&mut self, payload: Bytes) -> Message {
        self.open = false;
        let State { shape, stream, clock } = self.state;
        Message {
            chunk_stream: self.id,
            kind: shape.kind,
            stream,
            timestamp: clock.timestamp,
            payload,
        }
    }

    /// The type 3 header that is a single byte, or a number that is no byte.
    fn plain_header(&self) -> u32 {
        if self.state.clock.is_extended() { u32::MAX } else { 0xC0 + self.id.number() }
    }
}

impl State {
    /// A header starts a message. Says how many bytes behind it belong to it, unless they are not there yet.
    fn start(&mut self, fields: Fields, behind: &[u8]) -> Option<usize> {
        let time = match fields {
            Fields::Full { time, shape, stream } => {
                let time = Time::parse(time, behind)?;
                *self = Self { shape, stream, ..*self };
                self.clock.set(time);
                time
            }
            Fields::SameStream { step, shape } => {
                let step = Time::parse(step, behind)?;
                self.shape = shape;
                self.clock.advance(step);
                step
            }
            Fields::SameShape { step } => {
                let step = Time::parse(step, behind)?;
                self.clock.advance(step);
                step
            }
            Fields::Same => return self.clock.repeat(behind),
        };
        Some(time.length())
    }
}

fn check(which: ChunkLimit, offset: u64, limit: usize, actual: usize) -> Result<(), ChunkError> {
    if actual <= limit {
        return Ok(());
    }
    Err(ChunkError::Limit { offset, which, limit: to_u64(limit), actual: to_u64(actual) })
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self::new(ChunkLimits::default())
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
