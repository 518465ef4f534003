use bytes::Bytes;

use crate::format::LEGACY_AAC;
use crate::packet::{Media, skip_mod_ex, take};
use crate::{BodyError, CodecId, Packet, PacketKind, Packets};

/// The body of an audio tag or message, header apart from data.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{AudioBody, PacketKind};
///
/// let mut audio = AudioBody::parse(Bytes::from_static(b"\xaf\x00\x12\x10"))?;
/// let packet = audio.packets.next().unwrap();
/// assert_eq!(packet.kind, PacketKind::SequenceStart);
/// assert_eq!(&packet.data[..], b"\x12\x10");
/// # Ok::<(), levada_flv::BodyError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AudioBody {
    /// What a legacy header says of the sound. The codec's own headers know better.
    pub sound: Option<Sound>,
    /// Nanoseconds to add to the presentation time. Up to 999,999 they make sense.
    pub offset_nanos: Option<u32>,
    /// What it says about each of its tracks. None at all: silence.
    pub packets: Packets,
}

/// The lower half of a legacy audio header (FLV 10.1 §E.4.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sound {
    /// 0 to 3: 5.5, 11, 22, 44.1 kHz. AAC always says 3, 48 kHz has no code.
    pub rate: u8,
    /// Whether samples have 16 bits. All compressed formats say so.
    pub wide: bool,
    /// Whether there are two channels. AAC always says so.
    pub stereo: bool,
}

/// The upper half of the first byte of an enhanced audio body.
pub(crate) const ENHANCED: u8 = 9;

impl AudioBody {
    /// Parses the headers of a body. The data stays where it is.
    ///
    /// # Errors
    ///
    /// If the headers cannot be read to their end. A codec that nobody knows is no error.
    pub fn parse(mut body: Bytes) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Ok(Self { sound: None, offset_nanos: None, packets: Packets::NONE });
        }
        let [first] = take(&mut body)?;
        if first >> 4 == ENHANCED {
            let ex = skip_mod_ex(first & 0x0F, &mut body)?;
            let packets = Packets::parse(Media::Audio, ex.packet_type, body)?;
            return Ok(Self { sound: None, offset_nanos: ex.offset_nanos, packets });
        }
        let sound =
            Sound { rate: first >> 2 & 0x03, wide: first & 0x02 != 0, stereo: first & 0x01 != 0 };
        let kind = if first >> 4 == LEGACY_AAC {
            match take(&mut body)? {
                [0] => PacketKind::SequenceStart,
                [1] => PacketKind::Frame { composition: 0 },
                [other] => return Err(BodyError::PacketType(other)),
            }
        } else {
            PacketKind::Frame { composition: 0 }
        };
        let packets = Packets::one(Packet::new(CodecId::Legacy(first >> 4), kind, body));
        Ok(Self { sound: Some(sound), offset_nanos: None, packets })
    }
}
