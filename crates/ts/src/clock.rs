//! The two clocks of a transport stream: 90 kHz timestamps and the 27 MHz programme clock, both 33 bits of 90 kHz.

/// Bits of a timestamp on the wire: it wraps after 26 hours and a half.
pub(crate) const TIMESTAMP_BITS: u32 = 33;

/// Ticks a second.
pub(crate) const SECOND: i64 = 90_000;

/// The five bytes of a PTS or DTS (ISO/IEC 13818-1 §2.4.3.7).
///
/// ```text
/// prefix:4 t[32..30]:3 1  t[29..15]:15 1  t[14..0]:15 1
/// ```
pub(crate) fn encode_timestamp(prefix: u8, ticks: i64) -> [u8; 5] {
    let ticks = ticks.cast_unsigned();
    let word = u64::from(prefix) << 36
        | (ticks >> 30 & 7) << 33
        | (ticks >> 15 & 0x7FFF) << 17
        | (ticks & 0x7FFF) << 1
        | 0x1_0001_0001;
    let [_, _, _, bytes @ ..] = word.to_be_bytes();
    bytes
}

/// The ticks of a PTS or DTS. Prefix and marker bits are not looked at: some writers leave them out.
pub(crate) fn parse_timestamp(bytes: [u8; 5]) -> u64 {
    let word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    (word >> 33 & 7) << 30 | (word >> 17 & 0x7FFF) << 15 | word >> 1 & 0x7FFF
}

/// The six bytes of a programme clock reference that falls on a 90 kHz tick (ISO/IEC 13818-1 §2.4.3.5).
///
/// ```text
/// base:33 reserved:6 (ones) extension:9 (0)
/// ```
pub(crate) fn encode_pcr(ticks: i64) -> [u8; 6] {
    let base = ticks.cast_unsigned() & ((1 << TIMESTAMP_BITS) - 1);
    let [_, _, bytes @ ..] = (base << 15 | 0x3F << 9).to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests {
    use levada_test::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_of_known_streams() {
        assert_eq!(encode_timestamp(3, 907_200)[..], hex("310037af81"));
        assert_eq!(encode_timestamp(1, 900_000)[..], hex("1100377741"));
        assert_eq!(encode_timestamp(2, 900_000)[..], hex("2100377741"));
        assert_eq!(encode_timestamp(2, 126_000)[..], hex("210007d861"));
    }

    #[test]
    fn clock_of_a_known_stream() {
        assert_eq!(encode_pcr(891_000)[..], hex("0006cc3c7e00"));
    }

    #[test]
    fn timestamps_wrap_at_33_bits() {
        assert_eq!(encode_timestamp(2, 1 << 33), encode_timestamp(2, 0));
        assert_eq!(encode_timestamp(2, -1), encode_timestamp(2, (1 << 33) - 1));
        assert_eq!(encode_pcr((1 << 33) + 5), encode_pcr(5));
        assert_eq!(encode_pcr(-1), [0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0x00]);
    }

    #[test]
    fn wrong_marker_bits_are_not_looked_at() {
        let [a, b, c, d, e] = encode_timestamp(3, 0x1_2345_6789);
        assert_eq!(parse_timestamp([a & 0x0E, b, c & 0xFE, d, e & 0xFE]), 0x1_2345_6789);
    }

    proptest! {
        #[test]
        fn timestamps_round_trip(prefix in 0_u8..16, ticks in 0_u64..1 << 33) {
            let bytes = encode_timestamp(prefix, ticks.cast_signed());
            prop_assert_eq!(bytes[0] >> 4, prefix);
            prop_assert_eq!(parse_timestamp(bytes), ticks);
        }
    }
}
