/// How much a [`Ring`](crate::Ring) holds.
///
/// Worst-case memory is `bytes`, plus `headers` × `header_bytes` for headers whose place in the ring is gone, plus
/// `items` × (the size of an item + 40 bytes). With the defaults that is 33 MiB and 16,384 small entries, whatever
/// a publisher sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RingLimits {
    /// Bytes of all items in the ring. A GOP that does not fit can't be joined: readers then wait for the next
    /// one. The default, 32 MiB, holds a GOP of 10 seconds at 25 Mbit/s. An item larger than this is held by nobody:
    /// it empties the ring and every reader skips it.
    pub bytes: usize,
    /// Items in the ring, so that a million empty ones are no way around `bytes`. The default, 16,384, is two and
    /// a half minutes of 60 pictures and 47 audio frames a second.
    pub items: usize,
    /// Header slots in use. The default, 32, is metadata and the configurations of 31 tracks.
    pub headers: usize,
    /// Bytes of one header. The default, 32 KiB, is far beyond any codec's configuration and leaves room for
    /// metadata with a keyframe index.
    pub header_bytes: usize,
}

impl Default for RingLimits {
    fn default() -> Self {
        Self { bytes: 32 << 20, items: 16_384, headers: 32, header_bytes: 32 << 10 }
    }
}
