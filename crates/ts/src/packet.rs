//! One packet: its header and adaptation field (ISO/IEC 13818-1 §2.4.3).

/// Bytes of a packet.
pub(crate) const PACKET: usize = 188;

/// Bytes of a packet behind its header.
pub(crate) const ROOM: usize = PACKET - 4;

/// The first byte of every packet.
pub(crate) const SYNC: u8 = 0x47;

/// The programme association table.
pub(crate) const PAT_PID: u16 = 0x0000;

/// Packets without content.
pub(crate) const NULL_PID: u16 = 0x1FFF;

/// What a packet says.
///
/// ```text
/// 47  error:1 start:1 priority:1 PID:13  scrambling:2 adaptation:1 payload:1 counter:4
/// [length  discontinuity:1 random_access:1 priority:1 PCR:1 OPCR:1 splice:1 private:1 extension:1  …]  [payload]
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Packet<'a> {
    pub(crate) pid: u16,
    /// `payload_unit_start_indicator`: a PES packet begins here, or a section does.
    pub(crate) start: bool,
    /// `transport_error_indicator`: a receiver before us could not repair it.
    pub(crate) damaged: bool,
    pub(crate) scrambled: bool,
    pub(crate) discontinuity: bool,
    pub(crate) random_access: bool,
    pub(crate) counter: u8,
    /// `None` if the packet has an adaptation field only.
    pub(crate) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// `None` if the adaptation field does not fit, or the packet says that it has neither of the two.
    pub(crate) fn parse(bytes: &'a [u8; PACKET]) -> Option<Self> {
        let [_sync, pid_high, pid_low, control, rest @ ..] = bytes;
        let (adaptation, payload) = match control >> 4 & 3 {
            1 => (&[][..], Some(&rest[..])),
            2 => (split_adaptation(rest)?.0, None),
            3 => split_adaptation(rest).map(|(field, payload)| (field, Some(payload)))?,
            _ => return None,
        };
        let flags = adaptation.first().copied().unwrap_or_default();
        Some(Self {
            pid: u16::from_be_bytes([pid_high & 0x1F, *pid_low]),
            start: pid_high & 0x40 != 0,
            damaged: pid_high & 0x80 != 0,
            scrambled: control & 0xC0 != 0,
            discontinuity: flags & 0x80 != 0,
            random_access: flags & 0x40 != 0,
            counter: control & 0x0F,
            payload,
        })
    }
}

/// The adaptation field from its flags on, and what follows it.
fn split_adaptation(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(head: &[u8]) -> [u8; PACKET] {
        let mut bytes = [0xAA; PACKET];
        bytes[..head.len()].copy_from_slice(head);
        bytes
    }

    #[test]
    fn payload_only() {
        let bytes = packet(&[0x47, 0x41, 0x02, 0x17]);
        let parsed = Packet::parse(&bytes).unwrap();
        assert_eq!((parsed.pid, parsed.start, parsed.counter), (0x102, true, 7));
        assert_eq!(parsed.payload.unwrap().len(), 184);
        assert!(!parsed.damaged && !parsed.scrambled && !parsed.discontinuity);
    }

    #[test]
    fn adaptation_field_in_front_of_the_payload() {
        let bytes = packet(&[0x47, 0x01, 0x00, 0x30, 1, 0x80]);
        let parsed = Packet::parse(&bytes).unwrap();
        assert!(parsed.discontinuity);
        assert_eq!(parsed.payload.unwrap().len(), 182);
    }

    #[test]
    fn an_empty_adaptation_field_is_one_byte() {
        let bytes = packet(&[0x47, 0x01, 0x00, 0x30, 0]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload.unwrap().len(), 183);
    }

    #[test]
    fn adaptation_field_alone_has_no_payload() {
        let bytes = packet(&[0x47, 0x01, 0x00, 0x20, 183, 0x10]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload, None);
    }

    #[test]
    fn what_does_not_fit_is_no_packet() {
        for head in [[0x47, 0x01, 0x00, 0x30, 184], [0x47, 0x01, 0x00, 0x20, 255]] {
            assert_eq!(Packet::parse(&packet(&head)), None, "{head:?}");
        }
        assert_eq!(Packet::parse(&packet(&[0x47, 0x01, 0x00, 0x00])), None);
    }
}
