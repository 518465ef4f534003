use core::num::NonZeroU32;

use bytes::Bytes;

use crate::{Ticks, TrackId};

/// One frame: a sample in the words of ISO base media files, an access unit in those of MPEG.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// The track it belongs to.
    pub track: TrackId,
    /// When it is decoded, in the track's ticks.
    pub dts: Ticks,
    /// How much later it is shown. Negative only where a container can say so.
    pub cts: i32,
    /// How long it lasts, where the source says it.
    pub duration: Option<NonZeroU32>,
    /// What its headers say.
    pub facts: FrameFacts,
    /// The payload in the form that the track's codec prescribes.
    pub data: Bytes,
}

impl Frame {
    /// A frame shown when it is decoded, of which nothing more is known.
    pub fn new(track: TrackId, dts: Ticks, data: Bytes) -> Self {
        Self { track, dts, cts: 0, duration: None, facts: FrameFacts::default(), data }
    }

    /// When it is shown, in the track's ticks.
    pub fn pts(&self) -> Ticks {
        Ticks(self.dts.0.saturating_add(self.cts.into()))
    }

    /// Whether decoding can start here with a picture that nothing before it touches.
    pub fn is_key(&self) -> bool {
        self.facts.random_access == RandomAccess::Instant
    }
}

/// What the headers of a frame say. The default knows nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FrameFacts {
    /// Whether decoding can start here.
    pub random_access: RandomAccess,
    /// The kinds of its slices.
    pub slices: Slices,
    /// Whether it is shown before the random access point that it follows.
    pub leading: Leading,
    /// Whether no other frame refers to it.
    pub disposable: bool,
    /// Whether it brings parameter sets in band.
    pub parameter_sets: bool,
    /// Whether it holds captions (A/53 in SEI).
    pub captions: bool,
    /// Output order within the coded sequence (picture order count, AV1 order hint unwrapped), if parsed.
    pub order: Option<i32>,
    /// Whether the container marks it as a keyframe, which is a claim and no proof.
    pub marked_key: bool,
}

/// What a decoder gets when it starts at a frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the stream access point types of ISO/IEC 14496-12 annex I"
)]
pub enum RandomAccess {
    /// Nothing to rely on.
    #[default]
    No,
    /// A correct picture at once, and no later frame refers to an earlier one: IDR, BLA, AV1 and VP9 key frames,
    /// audio.
    Instant,
    /// Correct pictures once this many frames are decoded: a recovery point, or an H.265 CRA (0: at once, but
    /// leading frames after it may need what came before).
    Recovery(u16),
    /// All slices are intra, but the stream does not promise that later frames stay on this side of it.
    Intra,
}

/// The kinds of slices in a frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum Slices {
    /// Not parsed.
    #[default]
    Unknown,
    /// Intra only.
    I,
    /// At least one predicted from one direction, none from two.
    P,
    /// At least one predicted from two directions.
    B,
}

/// Whether a frame is shown before the random access point that it follows in decoding order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what H.265 tells apart")]
pub enum Leading {
    /// Its headers do not say; H.264 frames are told by their order.
    #[default]
    Unknown,
    /// It is not.
    No,
    /// It is, and can be decoded from that point on (RADL).
    Decodable,
    /// It is, and refers to frames before that point (RASL).
    Undecodable,
}
