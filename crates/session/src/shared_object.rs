//! Shared objects, as far as it takes to refuse them.
//!
//! ```text
//!  [selector 00 in type 16] │ name length (2) │ name │ version (4) │ flags (8) │ events: type (1) length (4) data
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use levada_chunk::{Message, MessageType};

const USE: u8 = 1;
const STATUS: u8 = 7;

/// The most bytes of a name that is repeated in the answer.
const MAX_NAME: usize = 256;

/// The answer to a client that wants to use a shared object: `SharedObject.NoReadAccess`. Other events get none.
pub(crate) fn refuse(message: &Message) -> Option<Bytes> {
    let mut body = &message.payload[..];
    if message.kind == MessageType::SHARED_OBJECT_AMF3 {
        body = body.strip_prefix(&[0])?;
    }
    let (length, rest) = body.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (name, rest) = rest.split_at_checked(length.min(MAX_NAME))?;
    let (_version, rest) = rest.split_first_chunk::<4>()?;
    let (flags, events) = rest.split_first_chunk::<8>()?;
    if events.first() != Some(&USE) {
        return None;
    }
    let mut answer = BytesMut::new();
    put_text(&mut answer, name);
    answer.put_u32(0);
    answer.put_slice(flags);
    let mut status = BytesMut::new();
    put_text(&mut status, b"SharedObject.NoReadAccess");
    put_text(&mut status, b"error");
    answer.put_u8(STATUS);
    answer.put_u32(u32::try_from(status.len()).unwrap_or_default());
    answer.put_slice(&status);
    Some(answer.freeze())
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_u16(u16::try_from(text.len()).unwrap_or_default());
    out.put_slice(text);
}

#[cfg(test)]
mod tests {
    use levada_chunk::MessageStreamId;
    use levada_test::hex;

    use super::*;

    fn refusal(kind: MessageType, payload: &[u8]) -> Option<Bytes> {
        let payload = Bytes::copy_from_slice(payload);
        refuse(&Message::new(kind, MessageStreamId::CONTROL, 0, payload))
    }

    #[test]
    fn who_wants_to_use_one_is_told_so() {
        let vectors = levada_test::vectors(env!("CARGO_MANIFEST_DIR"), "control.json");
        let of = |name: &str| {
            let vector = vectors.iter().find(|it| it["name"] == name).unwrap();
            hex(vector["hex"].as_str().unwrap())
        };
        // The vector's flags and code, under the name that was asked for.
        let expected = of("so_status");
        assert_eq!(refusal(MessageType::SHARED_OBJECT_AMF0, &of("so_use")).unwrap(), expected);
        assert_eq!(
            refusal(MessageType::SHARED_OBJECT_AMF3, &of("so_amf3_prefix")).unwrap(),
            expected
        );
        for other in ["so_request_change", "so_send_message", "so_release"] {
            assert_eq!(refusal(MessageType::SHARED_OBJECT_AMF0, &of(other)), None);
        }
    }

    #[test]
    fn cmd_20_shared_objects_cut_at_every_byte() {
        let whole = hex("0004 63686174 00000000 00000000 00000000 01 00000000");
        for end in 0..whole.len() {
            let answered = refusal(MessageType::SHARED_OBJECT_AMF0, &whole[..end]).is_some();
            assert_eq!(answered, end > 18);
        }
    }
}
