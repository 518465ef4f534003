//! The payloads of types 1 to 6. RTMP 1.0 §5.4 and §6.2.

use bytes::Bytes;

use crate::{
    ChunkError, ChunkFault, ChunkSize, ChunkStreamId, Message, MessageStreamId, MessageType,
};

/// A message that steers the connection, types 1 to 6.
///
/// [`ChunkReader`](crate::ChunkReader) and [`ChunkWriter`](crate::ChunkWriter) obey types 1 and 2 themselves. The others are for the session.
///
/// ```
/// use levada_chunk::{Control, UserControl};
///
/// let ping = Control::User(UserControl::PingRequest { time: 12345 });
/// assert_eq!(ping.message().payload[..], [0, 6, 0, 0, 0x30, 0x39]);
/// assert_eq!(Control::parse(&ping.message()), Ok(Some(ping)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "types 1 to 6 are all there are")]
pub enum Control {
    /// How long the sender's chunks are from the next one on. §5.4.1.
    SetChunkSize(ChunkSize),
    /// The rest of the message on this chunk stream will not come. §5.4.2.
    Abort {
        /// The number as it came. It need not name a chunk stream.
        chunk_stream: u32,
    },
    /// So many bytes were received in all, modulo 2³². §5.4.3.
    Acknowledgement {
        /// Some peers count the handshake, some begin again before the wrap: take any value.
        received: u32,
    },
    /// An event. §6.2.
    User(UserControl),
    /// Acknowledge after at most so many bytes. §5.4.4.
    WindowAckSize(u32),
    /// Send at most so many bytes unacknowledged. §5.4.5. Peers want a [`WindowAckSize`](Self::WindowAckSize) for an answer.
    SetPeerBandwidth {
        /// The number of bytes.
        window: u32,
        /// How it combines with an earlier one.
        limit: BandwidthLimit,
    },
}

/// How a [`Control::SetPeerBandwidth`] combines with what was in force. RTMP 1.0 §5.4.5.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "`Other` takes the rest")]
pub enum BandwidthLimit {
    /// It replaces it.
    Hard,
    /// The smaller one counts.
    Soft,
    /// As `Hard` if the last one was, else nothing.
    Dynamic,
    /// A value the text does not know.
    Other(u8),
}

/// An event. RTMP 1.0 §6.2, §7.1.7.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UserControl {
    /// The stream can be used. With 0 after connect.
    StreamBegin(MessageStreamId),
    /// Playback is over.
    StreamEof(MessageStreamId),
    /// Nothing has come for a while.
    StreamDry(MessageStreamId),
    /// The client buffers so much.
    SetBufferLength {
        /// Of which stream.
        stream: MessageStreamId,
        /// How much.
        millis: u32,
    },
    /// The stream comes from a file.
    StreamIsRecorded(MessageStreamId),
    /// To be answered at once with the same time.
    PingRequest {
        /// The sender's time.
        time: u32,
    },
    /// The answer.
    PingResponse {
        /// The time of the request.
        time: u32,
    },
    /// The server wants to know which player asks. In no text; it can be ignored.
    SwfVerifyRequest,
    /// A paused live stream's buffer ran out. In no text: Flash Media Server.
    BufferEmpty(MessageStreamId),
    /// It is full again. In no text: Flash Media Server.
    BufferReady(MessageStreamId),
    /// Any other event, to be ignored.
    Other(u16),
}

impl Control {
    /// What a message of types 1 to 6 says. `None` for other types.
    ///
    /// Bytes behind the fields are ignored, and so are events that nobody knows.
    ///
    /// # Errors
    ///
    /// [`ChunkFault::ShortControl`], and [`ChunkFault::BadChunkSize`].
    pub fn parse(message: &Message) -> Result<Option<Self>, ChunkError> {
        if !message.kind.is_control() {
            return Ok(None);
        }
        let control = Self::fields(message.kind, &message.payload)
            .map_err(|fault| ChunkError::Malformed { offset: 0, fault })?;
        Ok(Some(control))
    }

    /// The same for a type that is known to be one of 1 to 6.
    pub(crate) fn fields(kind: MessageType, payload: &[u8]) -> Result<Self, ChunkFault> {
        let short = ChunkFault::ShortControl { kind, length: payload.len() };
        if kind == MessageType::USER_CONTROL {
            return UserControl::fields(payload).map(Self::User).ok_or(short);
        }
        let (value, rest) = split_u32(payload).ok_or(short)?;
        Ok(match kind {
            MessageType::SET_CHUNK_SIZE => Self::SetChunkSize(
                ChunkSize::new(value).ok_or(ChunkFault::BadChunkSize { size: value })?,
            ),
            MessageType::ABORT => Self::Abort { chunk_stream: value },
            MessageType::ACKNOWLEDGEMENT => Self::Acknowledgement { received: value },
            MessageType::WINDOW_ACK_SIZE => Self::WindowAckSize(value),
            _ => Self::SetPeerBandwidth {
                window: value,
                limit: BandwidthLimit::from_wire(*rest.first().ok_or(short)?),
            },
        })
    }

    /// The message that says it: on chunk stream 2 and message stream 0, at time 0.
    pub fn message(&self) -> Message {
        let payload = Bytes::copy_from_slice(self.payload().bytes());
        Message {
            chunk_stream: ChunkStreamId::CONTROL,
            kind: self.kind(),
            stream: MessageStreamId::CONTROL,
            timestamp: 0,
            payload,
        }
    }

    /// The type of the message.
    pub const fn kind(&self) -> MessageType {
        match self {
            Self::SetChunkSize(_) => MessageType::SET_CHUNK_SIZE,
            Self::Abort { .. } => MessageType::ABORT,
            Self::Acknowledgement { .. } => MessageType::ACKNOWLEDGEMENT,
            Self::User(_) => MessageType::USER_CONTROL,
            Self::WindowAckSize(_) => MessageType::WINDOW_ACK_SIZE,
            Self::SetPeerBandwidth { .. } => MessageType::SET_PEER_BANDWIDTH,
        }
    }

    pub(crate) fn payload(&self) -> Payload {
        let mut payload = Payload::default();
        match *self {
            Self::SetChunkSize(size) => payload.u32(size.bytes()),
            Self::Abort { chunk_stream: value }
            | Self::Acknowledgement { received: value }
            | Self::WindowAckSize(value) => payload.u32(value),
            Self::SetPeerBandwidth { window, limit } => {
                payload.u32(window);
                payload.put(&[limit.wire()]);
            }
            Self::User(event) => event.encode(&mut payload),
        }
        payload
    }
}

impl BandwidthLimit {
    const fn from_wire(value: u8) -> Self {
        match value {
            0 => Self::Hard,
            1 => Self::Soft,
            2 => Self::Dynamic,
            other => Self::Other(other),
        }
    }

    const fn wire(self) -> u8 {
        match self {
            Self::Hard => 0,
            Self::Soft => 1,
            Self::Dynamic => 2,
            Self::Other(value) => value,
        }
    }
}

impl UserControl {
    fn fields(payload: &[u8]) -> Option<Self> {
        let (event, rest) = payload.split_first_chunk()?;
        let event = u16::from_be_bytes(*event);
        let value = || split_u32(rest).map(|(value, _)| value);
        let stream = || value().map(MessageStreamId);
        Some(match event {
            0 => Self::StreamBegin(stream()?),
            1 => Self::StreamEof(stream()?),
            2 => Self::StreamDry(stream()?),
            3 => {
                let (stream, rest) = split_u32(rest)?;
                let (millis, _) = split_u32(rest)?;
                Self::SetBufferLength { stream: MessageStreamId(stream), millis }
            }
            4 => Self::StreamIsRecorded(stream()?),
            6 => Self::PingRequest { time: value()? },
            7 => Self::PingResponse { time: value()? },
            26 => Self::SwfVerifyRequest,
            31 => Self::BufferEmpty(stream()?),
            32 => Self::BufferReady(stream()?),
            other => Self::Other(other),
        })
    }

    fn encode(self, payload: &mut Payload) {
        let event: u16 = match self {
            Self::StreamBegin(_) => 0,
            Self::StreamEof(_) => 1,
            Self::StreamDry(_) => 2,
            Self::SetBufferLength { .. } => 3,
            Self::StreamIsRecorded(_) => 4,
            Self::PingRequest { .. } => 6,
            Self::PingResponse { .. } => 7,
            Self::SwfVerifyRequest => 26,
            Self::BufferEmpty(_) => 31,
            Self::BufferReady(_) => 32,
            Self::Other(event) => event,
        };
        payload.put(&event.to_be_bytes());
        match self {
            Self::StreamBegin(stream)
            | Self::StreamEof(stream)
            | Self::StreamDry(stream)
            | Self::StreamIsRecorded(stream)
            | Self::BufferEmpty(stream)
            | Self::BufferReady(stream) => payload.u32(stream.0),
            Self::SetBufferLength { stream, millis } => {
                payload.u32(stream.0);
                payload.u32(millis);
            }
            Self::PingRequest { time } | Self::PingResponse { time } => payload.u32(time),
            Self::SwfVerifyRequest => payload.put(&[1]),
            Self::Other(_) => {}
        }
    }
}

/// At most 10 bytes: the longest is Set Buffer Length.
#[derive(Default)]
pub(crate) struct Payload {
    bytes: [u8; 10],
    length: usize,
}

impl Payload {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }
}

fn split_u32(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = payload.split_first_chunk()?;
    Some((u32::from_be_bytes(*value), rest))
}
