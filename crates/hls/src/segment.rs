use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use levada_fmp4::Pieces;

/// What a [`Segmenter`](crate::Segmenter) makes, in the order in which it may be published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// The init section of all segments that follow.
    Init(Init),
    /// A segment begins.
    Open(Opening),
    /// The next part of the open segment.
    Part(Part),
    /// The open segment is complete.
    Segment(Segment),
}

/// An init section.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Init {
    /// Counts from 0 within a stream.
    pub number: u32,
    /// `ftyp` and `moov`.
    pub data: Bytes,
}

/// A part of a segment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// Media sequence number of its segment.
    pub sequence: u64,
    /// Its place in the segment, from 0.
    pub index: u32,
    /// How long it is, for `EXT-X-PART`.
    pub duration: Duration,
    /// Whether it holds a keyframe.
    pub independent: bool,
    /// The bytes.
    pub body: Pieces,
}

/// What is known of a segment when it begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Opening {
    /// Media sequence number.
    pub sequence: u64,
    /// When its first frame was shown, in milliseconds since 1970.
    pub program_date_time: i64,
    /// Whether its timeline or its codecs do not go on where those of the one before ended.
    pub discontinuity: bool,
    /// Whether it begins with a keyframe.
    pub independent: bool,
    /// The number of its init section; `None` in MPEG-TS.
    pub init: Option<u32>,
    /// The number of the key that it is encrypted with.
    pub key: Option<u32>,
}

/// A complete segment. Its bytes are those of its parts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Segment {
    /// What was known when it began.
    pub opening: Opening,
    /// How long it is, for `EXTINF`.
    pub duration: Duration,
    /// Its parts. Without parts in the playlist there is one.
    pub parts: Vec<Part>,
}

impl Segment {
    /// All bytes in order.
    pub fn body(&self) -> Pieces {
        self.parts.iter().flat_map(|part| part.body.iter().cloned()).collect()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.body.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
