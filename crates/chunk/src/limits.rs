use crate::MessageType;

/// What a peer can make a [`ChunkReader`](crate::ChunkReader) keep.
///
/// Worst-case memory of a reader: twice `max_pending`, plus 64 KiB or the longest message so far, plus about 100
/// bytes for each chunk stream. That is 327 KiB before a peer is let in and 32 MiB after, all of it earned by bytes that it
/// really sent, but for the 64 KiB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ChunkLimits {
    /// The longest video or aggregate message. 8 MiB: a 4K key frame at a high rate is 1 or 2.
    pub max_video: u32,
    /// The longest audio message. 256 KiB: some seconds of PCM.
    pub max_audio: u32,
    /// The longest message of any other kind. 256 KiB: metadata with cover art fits, a bomb does not.
    pub max_other: u32,
    /// The payload bytes of all half-received messages together. 12 MiB: one of the longest and another half.
    pub max_pending: u32,
    /// How many chunk streams are remembered, at about 100 bytes each. 64: no real peer uses more than 10.
    pub max_streams: u16,
    /// How many messages an aggregate may hold. 4096: hours of audio.
    pub max_aggregated: u16,
}

impl ChunkLimits {
    /// For a peer that nobody has let in yet: 64 KiB a message, 128 KiB in all.
    pub const UNAUTHENTICATED: Self = Self {
        max_video: 64 * 1024,
        max_audio: 64 * 1024,
        max_other: 64 * 1024,
        max_pending: 128 * 1024,
        ..Self::DEFAULT
    };

    const DEFAULT: Self = Self {
        max_video: 8 * 1024 * 1024,
        max_audio: 256 * 1024,
        max_other: 256 * 1024,
        max_pending: 12 * 1024 * 1024,
        max_streams: 64,
        max_aggregated: 4096,
    };

    /// The longest message of a kind.
    pub const fn max_message(&self, kind: MessageType) -> u32 {
        match kind {
            MessageType::VIDEO | MessageType::AGGREGATE => self.max_video,
            MessageType::AUDIO => self.max_audio,
            _ => self.max_other,
        }
    }
}

impl Default for ChunkLimits {
    /// For a peer that may publish.
    fn default() -> Self {
        Self::DEFAULT
    }
}
