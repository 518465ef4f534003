//! PES packets: what carries a frame and its times (ISO/IEC 13818-1 §2.4.3.6).
//!
//! ```text
//! 00 00 01  stream_id:8  length:16 (of what follows; 0: video of any length)
//! 10 scrambling:2 priority:1 aligned:1 00   PTS:1 DTS:1 000000   header_data_length:8   [PTS:40 [DTS:40]] …
//! ```

use bytes::BufMut;

use crate::clock::{encode_timestamp, parse_timestamp};

/// `stream_id` of the first video stream.
pub(crate) const VIDEO: u8 = 0xE0;

/// `stream_id` of the first stream of MPEG audio or AAC.
pub(crate) const AUDIO: u8 = 0xC0;

/// `stream_id` of what has none of its own: AC-3, Opus, ID3.
pub(crate) const PRIVATE_1: u8 = 0xBD;

/// Bytes up to the length field and with it.
pub(crate) const PREFIX: usize = 6;

/// Bytes of the shortest header.
const SHORTEST: usize = 9;

/// The most payload behind a header with a PTS, in a packet whose length field counts it.
pub(crate) const MAX_PAYLOAD: usize = 0xFFFF - (14 - PREFIX);

/// When what begins in a PES packet is shown and decoded, in 90 kHz ticks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Times {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
}

/// The header of a PES packet on its way out.
#[derive(Debug)]
pub(crate) struct HeaderBytes {
    bytes: [u8; 19],
    len: usize,
}

impl HeaderBytes {
    /// A header in front of `payload` bytes, or of any number for `None`, which only video may be.
    ///
    /// Without times the packet goes on with what the one before it began.
    pub(crate) fn encode(stream_id: u8, payload: Option<usize>, times: Option<Times>) -> Self {
        let (flags, data_length, aligned) = match times {
            None => (0x00, 0_u8, 0x80),
            Some(times) if times.pts == times.dts => (0x80, 5, 0x84),
            Some(_) => (0xC0, 10, 0x84),
        };
        let len = SHORTEST + usize::from(data_length);
        let length = payload.map_or(0, |payload| payload + len - PREFIX);

        let mut bytes = [0; 19];
        let mut rest = &mut bytes[..];
        rest.put_slice(&[0, 0, 1, stream_id]);
        rest.put_u16(u16::try_from(length).unwrap_or(0));
        rest.put_slice(&[aligned, flags, data_length]);
        if let Some(Times { pts, dts }) = times {
            rest.put_slice(&encode_timestamp(flags >> 6, pts));
            if pts != dts {
                rest.put_slice(&encode_timestamp(1, dts));
            }
        }
        Self { bytes, len }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// How long a PES packet is as its first bytes say, header included. `Some(None)` if it ends where the next begins,
/// `None` if these are not the first bytes of one, or fewer than [`PREFIX`].
pub(crate) fn declared_length(bytes: &[u8]) -> Option<Option<usize>> {
    let [0, 0, 1, _, high, low] = bytes.first_chunk()? else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    Some((length > 0).then_some(PREFIX + length))
}

/// A whole PES packet, read.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Pes<'a> {
    /// On the wire's circle. A lone PTS is both.
    pub(crate) times: Option<WireTimes>,
    pub(crate) scrambled: bool,
    pub(crate) payload: &'a [u8],
}

/// PTS and DTS as they are on the wire, 33 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WireTimes {
    pub(crate) pts: u64,
    pub(crate) dts: u64,
}

impl<'a> Pes<'a> {
    /// `None` if it is cut inside its header, or its header is none.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ([0, 0, 1, _stream_id, _, _, control, flags, data_length], rest) =
            bytes.split_first_chunk::<SHORTEST>()?
        else {
            return None;
        };
        if control >> 6 != 2 {
            return None; // MPEG-1 system streams
        }
        let (fields, payload) = rest.split_at_checked(usize::from(*data_length))?;
        let pts = fields.first_chunk().filter(|_| flags & 0x80 != 0);
        let dts = fields.get(5..).and_then(<[u8]>::first_chunk).filter(|_| flags & 0x40 != 0);
        let times = pts.map(|pts| {
            let pts = parse_timestamp(*pts);
            WireTimes { pts, dts: dts.map_or(pts, |dts| parse_timestamp(*dts)) }
        });
        Some(Self { times, scrambled: control & 0x30 != 0, payload })
    }
}

#[cfg(test)]
mod tests {
    use levada_test::hex;

    use super::*;

    #[test]
    fn headers_of_a_known_stream() {
        let video = HeaderBytes::encode(VIDEO, None, Some(Times { pts: 907_200, dts: 900_000 }));
        assert_eq!(video.as_slice(), hex("000001e0000084c00a310037af811100377741"));
        let audio =
            HeaderBytes::encode(AUDIO, Some(892), Some(Times { pts: 900_000, dts: 900_000 }));
        assert_eq!(audio.as_slice(), hex("000001c003848480052100377741"));
        let id3 =
            HeaderBytes::encode(PRIVATE_1, Some(66), Some(Times { pts: 945_000, dts: 945_000 }));
        assert_eq!(id3.as_slice(), hex("000001bd004a848005210039d6d1"));
    }

    #[test]
    fn a_continuation_is_not_aligned_and_has_no_times() {
        let more = HeaderBytes::encode(PRIVATE_1, Some(100), None);
        assert_eq!(more.as_slice(), hex("000001bd0067800000"));
    }

    #[test]
    fn the_longest_payload_fits() {
        let times = Some(Times { pts: 0, dts: 0 });
        let longest = HeaderBytes::encode(AUDIO, Some(MAX_PAYLOAD), times);
        assert_eq!(longest.as_slice()[4..6], [0xFF, 0xFF]);
    }

    #[test]
    fn reads_what_it_writes() {
        for (pts, dts) in [(5, 5), (0x1_FFFF_FFFF, 7)] {
            let header = HeaderBytes::encode(VIDEO, Some(3), Some(Times { pts, dts }));
            let bytes = [header.as_slice(), b"abc"].concat();
            assert_eq!(declared_length(&bytes), Some(Some(bytes.len())));
            let pes = Pes::parse(&bytes).unwrap();
            let times = WireTimes { pts: pts.cast_unsigned(), dts: dts.cast_unsigned() };
            assert_eq!(pes, Pes { times: Some(times), scrambled: false, payload: b"abc" });
        }
    }

    #[test]
    fn a_flag_without_its_field_is_no_timestamp() {
        let bytes = hex("000001e0 0000 80c003 310037 abcd");
        assert_eq!(Pes::parse(&bytes).unwrap().times, None);
        let pts_only = hex("000001e0 0000 80c005 310037af81 abcd");
        let times = WireTimes { pts: 907_200, dts: 907_200 };
        assert_eq!(Pes::parse(&pts_only).unwrap().times, Some(times));
    }

    #[test]
    fn what_is_cut_or_has_no_start_code_is_none() {
        let whole = hex("000001e0000084c00a310037af811100377741");
        assert_eq!(Pes::parse(&whole).unwrap().payload, b"");
        for cut in 0..whole.len() {
            assert_eq!(Pes::parse(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(Pes::parse(&hex("000002e000008480052100377741")), None);
        assert_eq!(Pes::parse(&hex("000001e000000f80052100377741")), None);
        assert_eq!(declared_length(&hex("000001e000")), None);
        assert_eq!(declared_length(&hex("000001e00000")), Some(None));
    }
}
