//! Data messages: what a publisher wraps for the server is unwrapped, so that it can go to players as it is.
//!
//! ```text
//!  type 15   00 │ 02 000d "@setDataFrame" │ 02 000a "onMetaData" │ 08 …
//!  type 18        02 000d "@setDataFrame" │ 02 000a "onMetaData" │ 08 …
//!                                           └── what players get ──────
//! ```

use bytes::{Buf, Bytes};
use levada_amf::{AmfLimits, amf0};
use levada_chunk::{Message, MessageType};

use crate::StatusInfo;

const SET: &[u8] = b"\x02\0\x0d@setDataFrame";
const CLEAR: &[u8] = b"\x02\0\x0f@clearDataFrame";
const META: &[u8] = b"\x02\0\x0aonMetaData";

/// A number of AMF0: its marker and 8 bytes.
const NUMBER: usize = 9;

/// What a data message wants of us.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Data {
    /// To be passed on. Nothing of it was copied.
    Forward { message: Message, numbers_skipped: bool },
    /// What was set before is to be forgotten.
    Clear,
    /// Nothing that anybody could use.
    Nothing,
}

/// Unwraps a data message of a publisher. FMS developer guide, "Handling metadata in live streams".
pub(crate) fn unwrap(mut message: Message) -> Data {
    if message.kind == MessageType::DATA_AMF3 {
        // The selector of AMF0, which is what everybody sends; AMF3 values stand behind their own marker.
        if message.payload.first() != Some(&0) {
            return Data::Nothing;
        }
        message.payload.advance(1);
        message.kind = MessageType::DATA_AMF0;
    }
    let before = message.payload.len();
    while message.payload.first() == Some(&0) && message.payload.len() > NUMBER {
        message.payload.advance(NUMBER);
    }
    let numbers_skipped = message.payload.len() < before;
    if message.payload.starts_with(CLEAR) {
        return Data::Clear;
    }
    if message.payload.starts_with(SET) {
        message.payload.advance(SET.len());
    }
    // Nothing but a string can name who is to handle the rest.
    match message.payload.first() {
        Some(2 | 0x0c) => Data::Forward { message, numbers_skipped },
        _ => Data::Nothing,
    }
}

/// The reverse, for a publisher of ours: metadata is wrapped, everything else goes as it is.
pub(crate) fn wrap(payload: &Bytes) -> Option<Bytes> {
    payload.starts_with(META).then(|| [SET, payload].concat().into())
}

/// The name at the front of a data message, of those that have a short one.
pub(crate) fn name(payload: &[u8]) -> &[u8] {
    let Some((&[2, high, low], rest)) = payload.split_first_chunk() else { return &[] };
    rest.get(..usize::from(u16::from_be_bytes([high, low]))).unwrap_or_default()
}

/// The information object of an `onPlayStatus`.
pub(crate) fn status(payload: &Bytes, limits: AmfLimits) -> Option<StatusInfo> {
    let values = amf0::decode_all(payload.clone(), limits).ok()?;
    values.iter().find(|it| it.as_object().is_some()).map(StatusInfo::parse)
}

/// `|RtmpSampleAccess` true true, before the first media to a player. FMS: whether a script may see raw samples.
pub(crate) const SAMPLE_ACCESS: Bytes =
    Bytes::from_static(b"\x02\0\x11|RtmpSampleAccess\x01\x01\x01\x01");

#[cfg(test)]
mod tests {
    use levada_chunk::MessageStreamId;

    use super::*;

    fn data(kind: MessageType, payload: &[u8]) -> Message {
        Message::new(kind, MessageStreamId(1), 7, Bytes::copy_from_slice(payload))
    }

    fn unwrapped(kind: MessageType, payload: &[u8]) -> Option<(Message, bool)> {
        match unwrap(data(kind, payload)) {
            Data::Forward { message, numbers_skipped } => Some((message, numbers_skipped)),
            _ => None,
        }
    }

    #[test]
    fn metadata_loses_its_wrapping_and_gets_it_again() {
        let plain = data(MessageType::DATA_AMF0, b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09");
        let wrapped = wrap(&plain.payload).unwrap();
        assert!(wrapped.starts_with(b"\x02\0\x0d@setDataFrame\x02\0\x0aonMetaData"));
        for (kind, payload) in [
            (MessageType::DATA_AMF0, wrapped.to_vec()),
            (MessageType::DATA_AMF0, plain.payload.to_vec()),
            (MessageType::DATA_AMF3, [&[0], &wrapped[..]].concat()),
        ] {
            assert_eq!(unwrapped(kind, &payload), Some((plain.clone(), false)));
        }
        assert_eq!(wrap(&Bytes::from_static(b"\x02\0\x01a")), None);
    }

    #[test]
    fn quirk_68_am0_17_numbers_before_the_handler() {
        let plain = b"\x02\0\x0aonMetaData\x05";
        let numbers = [&[0; 18][..], SET, plain].concat();
        let (message, skipped) = unwrapped(MessageType::DATA_AMF0, &numbers).unwrap();
        assert_eq!((&message.payload[..], skipped), (&plain[..], true));
    }

    #[test]
    fn quirk_61_what_names_no_handler_is_nothing() {
        for payload in [&b""[..], &[0; 9], &[0; 20], b"\x05", SET, b"\x03\0\0\x09", &[0, 1]] {
            assert_eq!(unwrapped(MessageType::DATA_AMF0, payload), None, "{payload:?}");
        }
        for payload in [&b""[..], b"\x03\x06\x03a", b"\0"] {
            assert_eq!(unwrapped(MessageType::DATA_AMF3, payload), None, "{payload:?}");
        }
    }

    #[test]
    fn clearing_is_no_data() {
        let payload = b"\x02\0\x0f@clearDataFrame\x02\0\x0aonMetaData";
        assert_eq!(unwrap(data(MessageType::DATA_AMF0, payload)), Data::Clear);
    }
}
