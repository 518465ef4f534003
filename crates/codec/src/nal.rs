//! NAL units, behind their lengths or behind start codes.

use bytes::BytesMut;

use crate::CodecError;

/// The NAL units of a frame in which each stands behind its length of `length_size` bytes (1, 2, 3 or 4).
///
/// Empty units are skipped. After an error there are no more.
pub fn units(data: &[u8], length_size: u8) -> Units<'_> {
    Units { data, offset: 0, length_size: usize::from(length_size) }
}

/// See [`units`].
#[derive(Clone, Debug)]
pub struct Units<'a> {
    /// What is left.
    data: &'a [u8],
    /// Where that begins in the frame.
    offset: usize,
    length_size: usize,
}

impl<'a> Iterator for Units<'a> {
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.data.is_empty() {
                return None;
            }
            let Some((unit, rest)) = split(self.data, self.length_size) else {
                self.data = &[];
                return Some(Err(CodecError::Malformed {
                    offset: self.offset,
                    what: "a NAL unit longer than the rest of its frame",
                    spec: "ISO/IEC 14496-15 §5.3.3",
                }));
            };
            self.offset += self.data.len() - rest.len();
            self.data = rest;
            if !unit.is_empty() {
                return Some(Ok(unit));
            }
        }
    }
}

fn split(data: &[u8], length_size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_at_checked(length_size)?;
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The NAL units of a byte stream with start codes (H.264 and H.265 annex B).
pub fn annex_b_units(data: &[u8]) -> AnnexBUnits<'_> {
    AnnexBUnits { rest: after_start_code(data) }
}

/// See [`annex_b_units`].
#[derive(Clone, Debug)]
pub struct AnnexBUnits<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for AnnexBUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let data = self.rest?;
            let end = data.windows(3).position(|it| it == [0, 0, 1]);
            self.rest = end.and_then(|at| data.get(at + 3..));
            let mut unit = data.get(..end.unwrap_or(data.len()))?;
            while let [rest @ .., 0] = unit {
                unit = rest;
            }
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    }
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    let at = data.windows(3).position(|it| it == [0, 0, 1])?;
    data.get(at + 3..)
}

/// Appends a byte stream's units to `out`, each behind its length of four bytes.
pub fn annex_b_to_length_prefixed(data: &[u8], out: &mut BytesMut) {
    for unit in annex_b_units(data) {
        put_unit(unit, out);
    }
}

/// Appends a unit to `out` behind its length of four bytes.
pub fn put_unit(unit: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(&u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(unit);
}

/// Appends a frame's units to `out`, each behind a start code of four bytes.
pub fn length_prefixed_to_annex_b(
    data: &[u8],
    length_size: u8,
    out: &mut BytesMut,
) -> Result<(), CodecError> {
    for unit in units(data, length_size) {
        let unit = unit?;
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(unit);
    }
    Ok(())
}
