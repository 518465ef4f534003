//! The language of a track: ISO 639-2/T letters in `mdhd` (ISO/IEC 14496-12 §8.4.2).

/// Three letters in 15 bits, `und` for tags that do not begin with a language of two or three letters.
pub(crate) fn pack(tag: &str) -> u16 {
    let primary = tag.split('-').next().unwrap_or_default();
    let letters: [u8; 3] = primary.as_bytes().try_into().unwrap_or(*b"und");
    let letters = if letters.iter().all(u8::is_ascii_alphabetic) { letters } else { *b"und" };
    letters.iter().fold(0, |packed, letter| packed << 5 | u16::from(letter & 0x1F))
}
