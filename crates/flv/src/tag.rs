use bytes::Bytes;

/// What a tag carries. The numbers are also those of RTMP message types.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the last variant holds whatever else comes")]
pub enum TagKind {
    /// 8: sound.
    Audio,
    /// 9: pictures.
    Video,
    /// 18: names and values in AMF0.
    Script,
    /// 15: the same behind a selector byte, with AMF3 allowed (Enhanced RTMP).
    ScriptAmf3,
    /// Any other number. Readers skip these.
    Other(u8),
}

impl TagKind {
    /// The kind that has this number.
    pub const fn from_id(id: u8) -> Self {
        match id {
            8 => Self::Audio,
            9 => Self::Video,
            15 => Self::ScriptAmf3,
            18 => Self::Script,
            other => Self::Other(other),
        }
    }

    /// The number: the tag type in a file, the message type in RTMP.
    pub const fn id(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::ScriptAmf3 => 15,
            Self::Script => 18,
            Self::Other(id) => id,
        }
    }
}

/// One tag of a file, or one RTMP message: the body is the same.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlvTag {
    /// What the body is.
    pub kind: TagKind,
    /// Whether the body is preprocessed, which means encrypted: see [`FilteredBody`](crate::FilteredBody).
    pub filtered: bool,
    /// Milliseconds, the low 32 bits of them.
    pub timestamp: u32,
    /// Headers and payload, as they are on the wire.
    pub body: Bytes,
}

impl FlvTag {
    /// A tag that is not encrypted.
    pub const fn new(kind: TagKind, timestamp: u32, body: Bytes) -> Self {
        Self { kind, filtered: false, timestamp, body }
    }
}

/// Bytes of a tag before its body: type, size, timestamp, stream id.
pub(crate) const TAG_HEAD: usize = 11;

/// The size that stands behind a tag with a body of `size` bytes (FLV 10.1 §E.3).
pub(crate) const fn whole_size(size: u32) -> u32 {
    size + 11
}

/// Bytes of a size field behind a tag.
pub(crate) const BACK_POINTER: usize = 4;

/// The largest body that the 24-bit size field can say.
pub(crate) const MAX_BODY: u32 = 0xFF_FFFF;

/// The first eleven bytes of a tag (FLV 10.1 §E.4.1).
///
/// ```text
///  0        1            4            7     8            11
/// ┌────────┬────────────┬────────────┬─────┬────────────┐
/// │00 f kkkkk│ body size │ time 23..0 │31..24│ stream id 0│   f: filter, k: kind
/// └────────┴────────────┴────────────┴─────┴────────────┘
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TagHead {
    pub(crate) kind: TagKind,
    pub(crate) filtered: bool,
    pub(crate) reserved: u8,
    pub(crate) size: u32,
    pub(crate) timestamp: u32,
    pub(crate) stream: u32,
}

impl TagHead {
    pub(crate) fn parse(bytes: &[u8; TAG_HEAD]) -> Self {
        let [first, s2, s1, s0, t2, t1, t0, t3, i2, i1, i0] = *bytes;
        Self {
            kind: TagKind::from_id(first & 0x1F),
            filtered: first & 0x20 != 0,
            reserved: first >> 6,
            size: u32::from_be_bytes([0, s2, s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            stream: u32::from_be_bytes([0, i2, i1, i0]),
        }
    }

    pub(crate) fn encode(
        kind: TagKind,
        filtered: bool,
        size: u32,
        timestamp: u32,
    ) -> [u8; TAG_HEAD] {
        let first = kind.id() & 0x1F | if filtered { 0x20 } else { 0 };
        let [_, s2, s1, s0] = size.to_be_bytes();
        let [t3, t2, t1, t0] = timestamp.to_be_bytes();
        [first, s2, s1, s0, t2, t1, t0, t3, 0, 0, 0]
    }
}
