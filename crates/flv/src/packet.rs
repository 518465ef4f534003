use bytes::{Buf, Bytes};
use thiserror::Error;

use crate::{CodecId, FourCc};

/// What one message says about one track.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Packet {
    /// The track's number among those of its kind. 0 where the message names none.
    pub track: u8,
    /// Its codec.
    pub codec: CodecId,
    /// What the data is.
    pub kind: PacketKind,
    /// The data, a slice of the body.
    pub data: Bytes,
}

impl Packet {
    pub(crate) const fn new(codec: CodecId, kind: PacketKind, data: Bytes) -> Self {
        Self { track: 0, codec, kind, data }
    }
}

/// What the data of a [`Packet`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PacketKind {
    /// A configuration record.
    SequenceStart,
    /// A frame, or several of an audio codec.
    Frame {
        /// How many milliseconds after the timestamp the frame is shown.
        composition: i32,
    },
    /// Nothing: the sequence is over.
    SequenceEnd,
    /// Names and values in AMF: `colorInfo`.
    Metadata,
    /// An AV1 descriptor of MPEG-TS in place of a configuration record.
    TransportSequenceStart,
    /// A [`ChannelLayout`](crate::ChannelLayout).
    ChannelLayout,
}

/// Why a message body was dropped. The stream lives: the next body is judged for itself.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BodyError {
    /// The body ends inside a header.
    #[error("the body ends inside a header")]
    Short,
    /// The packet type is reserved.
    #[error("packet type {0} is reserved")]
    PacketType(u8),
    /// The frame type is reserved.
    #[error("frame type {0} is reserved")]
    FrameType(u8),
    /// The command is reserved.
    #[error("command {0} is reserved")]
    Command(u8),
    /// The multitrack type is reserved.
    #[error("multitrack type {0} is reserved")]
    MultitrackType(u8),
    /// Multitrack or ModEx inside Multitrack.
    #[error("Multitrack or ModEx inside Multitrack")]
    Nested,
    /// One message holds more tracks than [`MAX_TRACKS`].
    #[error("more than {MAX_TRACKS} tracks in one message")]
    Tracks,
    /// One message names a track twice.
    #[error("track {0} stands twice in one message")]
    DuplicateTrack(u8),
    /// One message holds more ModEx units than [`MAX_MOD_EX`].
    #[error("more than {MAX_MOD_EX} ModEx units in one message")]
    ModEx,
    /// A nanosecond offset has fewer than three bytes.
    #[error("a nanosecond offset has three bytes")]
    NanoOffset,
    /// Script data has no name.
    #[error("script data without a name")]
    Nameless,
    /// An encrypted body names a filter that nobody defined.
    #[error("an unknown filter")]
    Filter,
}

/// Tracks in one message, and tracks of one kind in a stream. Nobody sends more than six; a track costs its
/// [`Unpacker`](crate::Unpacker) its configuration record and about one KiB.
pub const MAX_TRACKS: usize = 16;

/// ModEx units in one message. One is defined.
pub const MAX_MOD_EX: usize = 8;

/// The packets of one message, one for each of its tracks.
#[derive(Clone, Debug)]
pub struct Packets(Layout);

#[derive(Clone, Debug)]
enum Layout {
    None,
    One(Packet),
    /// Checked: every track can be read.
    Many {
        media: Media,
        packet_type: u8,
        multitrack: u8,
        codec: Option<FourCc>,
        rest: Bytes,
    },
}

/// Packet types have other numbers in video than in audio.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Media {
    Video,
    Audio,
}

/// Multitrack types (E-RTMP §Multitrack Streaming).
const ONE_TRACK: u8 = 0;
// 1: ManyTracks.
const MANY_CODECS: u8 = 2;

/// Packet types that both media have.
pub(crate) const SEQUENCE_START: u8 = 0;
pub(crate) const CODED_FRAMES: u8 = 1;
pub(crate) const SEQUENCE_END: u8 = 2;
pub(crate) const CODED_FRAMES_X: u8 = 3;
pub(crate) const METADATA: u8 = 4;
pub(crate) const CHANNEL_LAYOUT: u8 = 4;
const TRANSPORT_SEQUENCE_START: u8 = 5;
pub(crate) const VIDEO_MULTITRACK: u8 = 6;
pub(crate) const AUDIO_MULTITRACK: u8 = 5;
pub(crate) const MOD_EX: u8 = 7;

impl Packets {
    pub(crate) const NONE: Self = Self(Layout::None);

    /// Whether they are frames. What they are holds for all of them.
    pub(crate) fn are_frames(&self) -> bool {
        match &self.0 {
            Layout::None => false,
            Layout::One(packet) => matches!(packet.kind, PacketKind::Frame { .. }),
            Layout::Many { packet_type, .. } => {
                matches!(*packet_type, CODED_FRAMES | CODED_FRAMES_X)
            }
        }
    }

    pub(crate) fn one(packet: Packet) -> Self {
        Self(Layout::One(packet))
    }

    /// Reads what stands behind the first byte and the ModEx units of an enhanced body.
    ///
    /// ```text
    /// plain              fourcc, data
    /// one track          0|type, fourcc, track, data
    /// many tracks        1|type, fourcc, (track, size 24, data)…
    /// many codecs        2|type, (fourcc, track, size 24, data)…
    /// ```
    pub(crate) fn parse(media: Media, packet_type: u8, mut body: Bytes) -> Result<Self, BodyError> {
        if packet_type != media.multitrack() {
            media.check(packet_type)?;
            let codec = FourCc(take(&mut body)?);
            let packet = resolve(media, packet_type, codec, 0, body)?;
            return Ok(Self::one(packet));
        }
        let [types] = take(&mut body)?;
        let (multitrack, packet_type) = (types >> 4, types & 0x0F);
        if multitrack > MANY_CODECS {
            return Err(BodyError::MultitrackType(multitrack));
        }
        if packet_type == media.multitrack() || packet_type == MOD_EX {
            return Err(BodyError::Nested);
        }
        media.check(packet_type)?;
        let codec = if multitrack == MANY_CODECS { None } else { Some(FourCc(take(&mut body)?)) };
        let mut seen = [false; 256];
        let mut rest = body.clone();
        for count in 0.. {
            if count == MAX_TRACKS {
                return Err(BodyError::Tracks);
            }
            let packet = next_track(media, packet_type, multitrack, codec, &mut rest)?;
            if let Some(seen) = seen.get_mut(usize::from(packet.track))
                && core::mem::replace(seen, true)
            {
                return Err(BodyError::DuplicateTrack(packet.track));
            }
            if rest.is_empty() {
                break;
            }
        }
        Ok(Self(Layout::Many { media, packet_type, multitrack, codec, rest: body }))
    }
}

impl Iterator for Packets {
    type Item = Packet;

    #[inline]
    fn fold<B, F: FnMut(B, Packet) -> B>(self, init: B, mut take: F) -> B {
        // Nearly all messages hold one packet, which need not be moved about.
        if let Layout::One(packet) = self.0 {
            return take(init, packet);
        }
        let mut folded = init;
        for packet in self {
            folded = take(folded, packet);
        }
        folded
    }

    fn next(&mut self) -> Option<Packet> {
        match core::mem::replace(&mut self.0, Layout::None) {
            Layout::None => None,
            Layout::One(packet) => Some(packet),
            Layout::Many { media, packet_type, multitrack, codec, mut rest } => {
                let packet = next_track(media, packet_type, multitrack, codec, &mut rest).ok()?;
                if !rest.is_empty() {
                    self.0 = Layout::Many { media, packet_type, multitrack, codec, rest };
                }
                Some(packet)
            }
        }
    }
}

impl Media {
    pub(crate) fn multitrack(self) -> u8 {
        match self {
            Self::Video => VIDEO_MULTITRACK,
            Self::Audio => AUDIO_MULTITRACK,
        }
    }

    fn check(self, packet_type: u8) -> Result<(), BodyError> {
        let known = match self {
            Self::Video => packet_type <= TRANSPORT_SEQUENCE_START,
            Self::Audio => packet_type <= SEQUENCE_END || packet_type == CHANNEL_LAYOUT,
        };
        if known { Ok(()) } else { Err(BodyError::PacketType(packet_type)) }
    }
}

fn next_track(
    media: Media,
    packet_type: u8,
    multitrack: u8,
    codec: Option<FourCc>,
    rest: &mut Bytes,
) -> Result<Packet, BodyError> {
    let codec = match codec {
        Some(codec) => codec,
        None => FourCc(take(rest)?),
    };
    let [track] = take(rest)?;
    let data = if multitrack == ONE_TRACK {
        core::mem::take(rest)
    } else {
        let [s2, s1, s0] = take(rest)?;
        let size = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        if size > rest.len() {
            return Err(BodyError::Short);
        }
        rest.split_to(size)
    };
    resolve(media, packet_type, codec, track, data)
}

/// What the packet type means for this codec (E-RTMP §Enhanced Video, §Enhanced Audio).
fn resolve(
    media: Media,
    packet_type: u8,
    codec: FourCc,
    track: u8,
    mut data: Bytes,
) -> Result<Packet, BodyError> {
    let kind = match (packet_type, media) {
        (SEQUENCE_START, _) => PacketKind::SequenceStart,
        (CODED_FRAMES, Media::Video) if codec.has_composition_time() => {
            PacketKind::Frame { composition: take_composition(&mut data)? }
        }
        (CODED_FRAMES | CODED_FRAMES_X, _) => PacketKind::Frame { composition: 0 },
        (SEQUENCE_END, _) => PacketKind::SequenceEnd,
        (METADATA, Media::Video) => PacketKind::Metadata,
        (CHANNEL_LAYOUT, Media::Audio) => PacketKind::ChannelLayout,
        (TRANSPORT_SEQUENCE_START, Media::Video) => PacketKind::TransportSequenceStart,
        (other, _) => return Err(BodyError::PacketType(other)),
    };
    Ok(Packet { track, codec: CodecId::FourCc(codec), kind, data })
}

/// Skips the ModEx units of a body and gives what they lead to (E-RTMP §ModEx).
///
/// ```text
/// size-1 (FF: 16 bits follow), data, kind|next type      and again while the next type is 7
/// ```
pub(crate) fn skip_mod_ex(mut packet_type: u8, body: &mut Bytes) -> Result<ModEx, BodyError> {
    let mut offset_nanos = None;
    let mut count = 0;
    while packet_type == MOD_EX {
        count += 1;
        if count > MAX_MOD_EX {
            return Err(BodyError::ModEx);
        }
        let [size] = take(body)?;
        let mut size = usize::from(size) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(take(body)?)) + 1;
        }
        if size > body.len() {
            return Err(BodyError::Short);
        }
        let data = body.split_to(size);
        let [types] = take(body)?;
        packet_type = types & 0x0F;
        // Kind 0 is TimestampOffsetNano, the others are reserved and skipped. The last one wins.
        if types >> 4 == 0 {
            let [n2, n1, n0] = *data.first_chunk().ok_or(BodyError::NanoOffset)?;
            offset_nanos = Some(u32::from_be_bytes([0, n2, n1, n0]));
        }
    }
    Ok(ModEx { packet_type, offset_nanos })
}

/// What stands behind the ModEx units, and what they said.
pub(crate) struct ModEx {
    pub(crate) packet_type: u8,
    pub(crate) offset_nanos: Option<u32>,
}

/// Takes a signed 24-bit composition time (ISO/IEC 14496-12 §8.6.1.3 in the width of FLV 10.1 §E.4.3.1).
pub(crate) fn take_composition(body: &mut Bytes) -> Result<i32, BodyError> {
    let [c2, c1, c0] = take(body)?;
    Ok(i32::from_be_bytes([c2, c1, c0, 0]) >> 8)
}

pub(crate) fn take<const N: usize>(body: &mut Bytes) -> Result<[u8; N], BodyError> {
    let taken = *body.first_chunk().ok_or(BodyError::Short)?;
    body.advance(N);
    Ok(taken)
}
