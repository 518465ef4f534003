use bytes::Bytes;

use crate::format::LEGACY_AVC;
use crate::packet::{METADATA, Media, skip_mod_ex, take, take_composition};
use crate::{BodyError, CodecId, Packet, PacketKind, Packets};

/// The body of a video tag or message, header apart from data.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{FrameType, PacketKind, VideoBody};
///
/// let body = Bytes::from_static(b"\x91hvc1\x00\x00\x50\x00\x00\x00\x02\x26\x01");
/// let mut video = VideoBody::parse(body)?;
/// assert_eq!(video.frame_type, FrameType::Key);
/// let packet = video.packets.next().unwrap();
/// assert_eq!(packet.kind, PacketKind::Frame { composition: 80 });
/// assert_eq!(&packet.data[..], b"\x00\x00\x00\x02\x26\x01");
/// # Ok::<(), levada_flv::BodyError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VideoBody {
    /// What the encoder calls the frame. It holds for all tracks of the message.
    pub frame_type: FrameType,
    /// Nanoseconds to add to the presentation time. Up to 999,999 they make sense.
    pub offset_nanos: Option<u32>,
    /// Set if the body is a command. It has no packets then.
    pub command: Option<SeekCommand>,
    /// What it says about each of its tracks.
    pub packets: Packets,
}

/// What the encoder calls a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the last variant holds whatever else comes")]
pub enum FrameType {
    /// 1: seekable.
    Key,
    /// 2: not seekable.
    Inter,
    /// 3: not seekable, and nothing refers to it (H.263).
    Disposable,
    /// 4: a key frame that a server made.
    GeneratedKey,
    /// 5: no frame but a command.
    Command,
    /// 0, 6, 7 and, in legacy bodies, nothing higher.
    Reserved(u8),
}

impl FrameType {
    const fn from_id(id: u8) -> Self {
        match id {
            1 => Self::Key,
            2 => Self::Inter,
            3 => Self::Disposable,
            4 => Self::GeneratedKey,
            5 => Self::Command,
            other => Self::Reserved(other),
        }
    }

    /// Whether the encoder says that decoding can start here.
    pub const fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::GeneratedKey)
    }
}

/// What a server tells a player about a seek.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the two that are defined")]
pub enum SeekCommand {
    /// Frames that follow are for decoding, not for showing.
    Start,
    /// Frames that follow are shown again.
    End,
}

impl VideoBody {
    /// Parses the headers of a body. The data stays where it is.
    ///
    /// # Errors
    ///
    /// If the headers cannot be read to their end. A codec that nobody knows is no error.
    pub fn parse(mut body: Bytes) -> Result<Self, BodyError> {
        let [first] = take(&mut body)?;
        if first & 0x80 == 0 {
            Self::parse_legacy(first, body)
        } else {
            Self::parse_enhanced(first, body)
        }
    }

    /// FLV 10.1 §E.4.3: frame type and codec, and for AVC packet type and composition time.
    fn parse_legacy(first: u8, mut body: Bytes) -> Result<Self, BodyError> {
        let frame_type = FrameType::from_id(first >> 4);
        let codec = CodecId::Legacy(first & 0x0F);
        if frame_type == FrameType::Command {
            // FLV 10.1 puts the AVC header before the command, FLV 10 and E-RTMP do not: the length tells.
            if codec == CodecId::Legacy(LEGACY_AVC) && body.len() >= 5 {
                let _avc_header: [u8; 4] = take(&mut body)?;
            }
            return Self::command(None, &mut body);
        }
        if let FrameType::Reserved(id) = frame_type {
            return Err(BodyError::FrameType(id));
        }
        let kind = if codec.is_laid_out_as_avc() {
            let [packet_type] = take(&mut body)?;
            let composition = take_composition(&mut body)?;
            match packet_type {
                0 => PacketKind::SequenceStart,
                1 => PacketKind::Frame { composition },
                2 => PacketKind::SequenceEnd,
                other => return Err(BodyError::PacketType(other)),
            }
        } else {
            PacketKind::Frame { composition: 0 }
        };
        let packets = Packets::one(Packet::new(codec, kind, body));
        Ok(Self { frame_type, offset_nanos: None, command: None, packets })
    }

    /// E-RTMP §Enhanced Video.
    fn parse_enhanced(first: u8, mut body: Bytes) -> Result<Self, BodyError> {
        let frame_type = FrameType::from_id(first >> 4 & 0x07);
        let ex = skip_mod_ex(first & 0x0F, &mut body)?;
        // A command has no FourCC. Metadata does, whatever its frame type: FFmpeg writes 5, OBS 0.
        if frame_type == FrameType::Command && ex.packet_type != METADATA {
            return Self::command(ex.offset_nanos, &mut body);
        }
        let packets = Packets::parse(Media::Video, ex.packet_type, body)?;
        if let FrameType::Reserved(id) = frame_type
            && packets.are_frames()
        {
            return Err(BodyError::FrameType(id));
        }
        Ok(Self { frame_type, offset_nanos: ex.offset_nanos, command: None, packets })
    }

    fn command(offset_nanos: Option<u32>, body: &mut Bytes) -> Result<Self, BodyError> {
        let command = match take(body)? {
            [0] => SeekCommand::Start,
            [1] => SeekCommand::End,
            [other] => return Err(BodyError::Command(other)),
        };
        let packets = Packets::NONE;
        Ok(Self { frame_type: FrameType::Command, offset_nanos, command: Some(command), packets })
    }
}
