use bytes::{BufMut, Bytes, BytesMut};

use crate::TagKind;
use crate::packet::{CODED_FRAMES, MOD_EX, Media, Packet, PacketKind, Packets, skip_mod_ex};

/// The body for a receiver that knows neither multitrack nor ModEx: track 0 alone in the plain layout.
///
/// `None` if there is nothing for it in there. A body that is plain already is passed on as it is; the others are rare,
/// and copied. What a receiver knows, it says in `capsEx` when it connects (E-RTMP §Enhancing NetConnection connect).
///
/// ```
/// use bytes::Bytes;
/// use levada_flv::{TagKind, plain};
///
/// let one = |body: &'static [u8]| plain(TagKind::Video, &Bytes::from_static(body));
/// assert_eq!(one(b"\x17\x01\0\0\0data").unwrap(), b"\x17\x01\0\0\0data"[..]);
/// assert_eq!(one(b"\x96\x03av01\x00data").unwrap(), b"\x93av01data"[..]); // track 0
/// assert_eq!(one(b"\x96\x03av01\x01data"), None); // track 1
/// ```
pub fn plain(kind: TagKind, body: &Bytes) -> Option<Bytes> {
    let first = *body.first()?;
    let media = match kind {
        TagKind::Video if first & 0x80 != 0 => Media::Video,
        TagKind::Audio if first >> 4 == crate::audio::ENHANCED => Media::Audio,
        _ => return Some(body.clone()),
    };
    let outer = first & 0x0F;
    if outer != MOD_EX && outer != media.multitrack() {
        return Some(body.clone());
    }
    let mut rest = body.slice(1..);
    let packet_type = skip_mod_ex(outer, &mut rest).ok()?.packet_type;
    let head = first & 0xF0;
    let mut out = BytesMut::with_capacity(body.len());
    if packet_type != media.multitrack() {
        out.put_u8(head | packet_type);
        out.put(rest);
        return Some(out.freeze());
    }
    // The same for all tracks of the message; checked by `parse`.
    let inner = *rest.first()? & 0x0F;
    let packet = Packets::parse(media, packet_type, rest).ok()?.find(|it| it.track == 0)?;
    out.put_u8(head | inner);
    put(&packet, media, inner, &mut out)?;
    Some(out.freeze())
}

/// A packet as it stands behind the first byte of a plain body.
fn put(packet: &Packet, media: Media, packet_type: u8, out: &mut BytesMut) -> Option<()> {
    let crate::CodecId::FourCc(codec) = packet.codec else { return None };
    out.put_slice(&codec.0);
    if let PacketKind::Frame { composition } = packet.kind
        && media == Media::Video
        && packet_type == CODED_FRAMES
        && codec.has_composition_time()
    {
        out.put_int(composition.into(), 3);
    }
    out.put_slice(&packet.data);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ert_07_receivers_that_know_no_multitrack_get_track_0_only() {
        use TagKind::{Audio, Video};
        for (kind, body, expected) in [
            // Legacy and plain bodies are what they were.
            (Video, &b"\x27\x01\0\0\x05data"[..], Some(&b"\x27\x01\0\0\x05data"[..])),
            (Video, b"\x93hvc1data", Some(b"\x93hvc1data")),
            (Audio, b"\xaf\x01data", Some(b"\xaf\x01data")),
            (Audio, b"\x91Opusdata", Some(b"\x91Opusdata")),
            // A nanosecond offset goes, the rest stays.
            (Video, b"\x97\x02\0\0\x05\x01hvc1\0\0\x07data", Some(b"\x91hvc1\0\0\x07data")),
            // One track, with a composition time and without.
            (Video, b"\x96\x01avc1\0\xff\xff\xfddata", Some(b"\x91avc1\xff\xff\xfddata")),
            (Video, b"\xa6\x03av01\0data", Some(b"\xa3av01data")),
            (Video, b"\x96\x00avc1\x02record", None),
            (Audio, b"\x95\x01Opus\0data", Some(b"\x91Opusdata")),
            (Audio, b"\x95\x01Opus\x01data", None),
            // Many tracks of one codec, and of many.
            (Audio, b"\x95\x11Opus\x01\0\0\x01a\0\0\0\x02bc", Some(b"\x91Opusbc")),
            (Audio, b"\x95\x21Opus\x01\0\0\x01afLaC\0\0\0\x02bc", Some(b"\x91fLaCbc")),
            // ModEx before multitrack.
            (Video, b"\x97\x02\0\0\x05\x06\x03av01\0data", Some(b"\x93av01data")),
            // Broken ones are for nobody.
            (Video, b"\x96", None),
            (Video, b"\x96\x01avc1\0", None),
            (Video, b"", None),
        ] {
            let plain = plain(kind, &Bytes::from_static(body));
            assert_eq!(plain.as_deref(), expected, "{kind:?} {body:02x?}");
        }
    }
}
