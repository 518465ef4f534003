use core::fmt;

/// The number of a chunk stream: 2 to 65599. RTMP 1.0 §5.3.1.1.
///
/// It carries no meaning: only a message's type and message stream do. Some receivers know only small ones, so a
/// sender stays below 32 ([`MessageType::chunk_stream`] does).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChunkStreamId(u32);

impl ChunkStreamId {
    /// Protocol control and user control. RTMP 1.0 §5.4.
    pub const CONTROL: Self = Self(2);
    /// Commands of the connection: connect, createStream and their answers.
    pub const CONNECTION: Self = Self(3);
    /// Audio.
    pub const AUDIO: Self = Self(4);
    /// Commands of a message stream, status messages, data, shared objects.
    pub const STREAM: Self = Self(5);
    /// Video and aggregates.
    pub const VIDEO: Self = Self(6);

    /// The chunk stream of that number, if there is one.
    pub const fn new(id: u32) -> Option<Self> {
        if id >= 2 && id <= 65_599 { Some(Self(id)) } else { None }
    }

    /// The reader's way: `id` comes from a basic header, which can't show others.
    pub(crate) const fn from_wire(id: u32) -> Self {
        debug_assert!(Self::new(id).is_some());
        Self(id)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The number of a message stream. 0 is the connection's own.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a number, whatever it is")]
pub struct MessageStreamId(pub u32);

impl MessageStreamId {
    /// The stream of control messages and of the connection's commands.
    pub const CONTROL: Self = Self(0);
}

/// What a message is. RTMP 1.0 §5.4, §7.1.
///
/// ```
/// use levada_chunk::MessageType;
///
/// let kind = MessageType(9);
/// assert_eq!(kind, MessageType::VIDEO);
/// assert_eq!(format!("{kind} and {}", MessageType(99)), "video and type 99");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a number, known or not")]
pub struct MessageType(pub u8);

impl MessageType {
    /// How long the sender's chunks are from now on. §5.4.1.
    pub const SET_CHUNK_SIZE: Self = Self(1);
    /// The rest of a message will not come. §5.4.2.
    pub const ABORT: Self = Self(2);
    /// So many bytes were received. §5.4.3.
    pub const ACKNOWLEDGEMENT: Self = Self(3);
    /// An event, see [`UserControl`](crate::UserControl). §6.2.
    pub const USER_CONTROL: Self = Self(4);
    /// How often to acknowledge. §5.4.4.
    pub const WINDOW_ACK_SIZE: Self = Self(5);
    /// How much to send unacknowledged. §5.4.5.
    pub const SET_PEER_BANDWIDTH: Self = Self(6);
    /// The body of an FLV audio tag. §7.1.4.
    pub const AUDIO: Self = Self(8);
    /// The body of an FLV video tag. §7.1.5.
    pub const VIDEO: Self = Self(9);
    /// Metadata, with AMF3 allowed. §7.1.2.
    pub const DATA_AMF3: Self = Self(15);
    /// A shared object's events, with AMF3 allowed. §7.1.3.
    pub const SHARED_OBJECT_AMF3: Self = Self(16);
    /// A command, with AMF3 allowed. §7.1.1.
    pub const COMMAND_AMF3: Self = Self(17);
    /// Metadata in AMF0. §7.1.2.
    pub const DATA_AMF0: Self = Self(18);
    /// A shared object's events in AMF0. §7.1.3.
    pub const SHARED_OBJECT_AMF0: Self = Self(19);
    /// A command in AMF0. §7.1.1.
    pub const COMMAND_AMF0: Self = Self(20);
    /// Several messages in one, see [`Aggregate`](crate::Aggregate). §7.1.6.
    pub const AGGREGATE: Self = Self(22);

    /// Whether it is one of types 1 to 6, which steer the connection: see [`Control`](crate::Control).
    pub const fn is_control(self) -> bool {
        matches!(self.0, 1..=6)
    }

    /// The chunk stream on which we send this kind: small, and one for each kind of media.
    pub const fn chunk_stream(self) -> ChunkStreamId {
        match self {
            Self::AUDIO => ChunkStreamId::AUDIO,
            Self::VIDEO | Self::AGGREGATE => ChunkStreamId::VIDEO,
            _ if self.is_control() => ChunkStreamId::CONTROL,
            _ => ChunkStreamId::STREAM,
        }
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::SET_CHUNK_SIZE => "Set Chunk Size",
            Self::ABORT => "Abort",
            Self::ACKNOWLEDGEMENT => "Acknowledgement",
            Self::USER_CONTROL => "User Control",
            Self::WINDOW_ACK_SIZE => "Window Acknowledgement Size",
            Self::SET_PEER_BANDWIDTH => "Set Peer Bandwidth",
            Self::AUDIO => "audio",
            Self::VIDEO => "video",
            Self::DATA_AMF3 => "AMF3 data",
            Self::SHARED_OBJECT_AMF3 => "AMF3 shared object",
            Self::COMMAND_AMF3 => "AMF3 command",
            Self::DATA_AMF0 => "AMF0 data",
            Self::SHARED_OBJECT_AMF0 => "AMF0 shared object",
            Self::COMMAND_AMF0 => "AMF0 command",
            Self::AGGREGATE => "aggregate",
            _ => return None,
        })
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "type {}", self.0),
        }
    }
}

/// How long the payload of a chunk is at most: 1 to 2³¹ − 1 bytes. RTMP 1.0 §5.4.1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChunkSize(u32);

impl ChunkSize {
    /// What each direction starts with.
    pub const DEFAULT: Self = Self(128);

    /// That size, unless it is 0 or has the top bit set.
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes >= 1 && bytes <= 0x7FFF_FFFF { Some(Self(bytes)) } else { None }
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

impl Default for ChunkSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}
