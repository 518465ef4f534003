use bytes::Bytes;

use crate::{AudioBody, FrameType, Packet, PacketKind, TagKind, VideoBody};

/// What a message is to somebody who joins a stream late.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what a cache of messages tells apart")]
pub enum Role {
    /// It has to be known before anything that follows: metadata, configurations. The newest of each number counts.
    Header(u8),
    /// Video begins here, the publisher says.
    Key,
    /// Anything else.
    Other,
}

/// Metadata.
const METADATA: u8 = 0;
/// From here on, one for each of the tracks that a cache keeps headers of.
const VIDEO: u8 = 16;
const COLOURS: u8 = 32;
const AUDIO: u8 = 48;
const CHANNELS: u8 = 64;

/// Looks at the headers of an RTMP message body or tag body, and no further.
///
/// For relays, which pass messages on unopened but have to give late players what they missed.
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{Role, TagKind, role};
///
/// let body = Bytes::from_static(b"\xaf\x00\x12\x10"); // an AudioSpecificConfig
/// assert!(matches!(role(TagKind::Audio, &body), Role::Header(_)));
/// assert_eq!(role(TagKind::Video, &Bytes::from_static(b"\x17\x01\0\0\0")), Role::Key);
/// ```
pub fn role(kind: TagKind, body: &Bytes) -> Role {
    match kind {
        TagKind::Video => VideoBody::parse(body.clone()).map_or(Role::Other, |it| of_video(&it)),
        TagKind::Audio => AudioBody::parse(body.clone()).map_or(Role::Other, |it| of_audio(&it)),
        TagKind::Script if body.starts_with(b"\x02\x00\x0aonMetaData") => Role::Header(METADATA),
        TagKind::ScriptAmf3 if body.starts_with(b"\x00\x02\x00\x0aonMetaData") => {
            Role::Header(METADATA)
        }
        _ => Role::Other,
    }
}

fn of_video(body: &VideoBody) -> Role {
    let slot = |packet: Packet| match packet.kind {
        PacketKind::SequenceStart | PacketKind::TransportSequenceStart => slot_of(VIDEO, &packet),
        PacketKind::Metadata => slot_of(COLOURS, &packet),
        _ => None,
    };
    if let Some(slot) = body.packets.clone().find_map(slot) {
        return Role::Header(slot);
    }
    // Track 0 decides where players begin.
    let begins =
        |packet: Packet| packet.track == 0 && matches!(packet.kind, PacketKind::Frame { .. });
    if body.frame_type == FrameType::Key && body.packets.clone().any(begins) {
        Role::Key
    } else {
        Role::Other
    }
}

fn of_audio(body: &AudioBody) -> Role {
    let slot = |packet: Packet| match packet.kind {
        PacketKind::SequenceStart => slot_of(AUDIO, &packet),
        PacketKind::ChannelLayout => slot_of(CHANNELS, &packet),
        _ => None,
    };
    body.packets.clone().find_map(slot).map_or(Role::Other, Role::Header)
}

/// The number of a track's header. Tracks beyond those that anybody unpacks have none.
fn slot_of(first: u8, packet: &Packet) -> Option<u8> {
    (packet.track < 16).then_some(first + packet.track)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_legacy_and_enhanced_bodies() {
        use TagKind::{Audio, Script, Video};
        for (kind, body, expected) in [
            (Video, &b"\x17\x00\0\0\0\x01\x42"[..], Role::Header(VIDEO)),
            (Video, b"\x17\x01\0\0\0\0\0\0\x01\x65", Role::Key),
            (Video, b"\x27\x01\0\0\0\0\0\0\x01\x41", Role::Other),
            (Video, b"\x90hvc1\x01", Role::Header(VIDEO)),
            (Video, b"\x93hvc1\x01", Role::Key),
            (Video, b"\xa3hvc1\x01", Role::Other),
            (Video, b"\xd4av01\x02\0\x0acolorInfo\x05", Role::Header(COLOURS)),
            (Video, b"\x96\x00avc1\x02\x01", Role::Header(VIDEO + 2)), // one track: number 2
            (Video, b"\x96\x03avc1\x01\x65", Role::Other),             // a keyframe of track 1
            (Video, b"", Role::Other),
            (Audio, b"\xaf\x00\x12\x10", Role::Header(AUDIO)),
            (Audio, b"\xaf\x01\x21", Role::Other),
            (Audio, b"\x90OpusOpusHead", Role::Header(AUDIO)),
            (Audio, b"\x2f\xff\xfb", Role::Other),
            (Script, b"\x02\x00\x0aonMetaData\x08\0\0\0\0\0\0\x09", Role::Header(METADATA)),
            (Script, b"\x02\x00\x0aonCuePoint\x05", Role::Other),
        ] {
            assert_eq!(role(kind, &Bytes::from_static(body)), expected, "{kind:?} {body:02x?}");
        }
    }
}
