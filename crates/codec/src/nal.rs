//! NAL units, behind their lengths or behind start codes, and from one to the other.
//!
//! ```text
//! sample in a file, RTMP:   length ┃ unit ┃ length ┃ unit …          length: 1, 2 or 4 bytes, big endian
//! annex B, MPEG-TS:         00 00 00 01 ┃ unit ┃ 00 00 01 ┃ unit …   zeros around a unit belong to none
//! ```
//!
//! A unit is the same bytes in both, with its header and its emulation prevention bytes.
//!
//! ```
//! use bytes::BytesMut;
//! use levada_codec::nal;
//!
//! let mut sample = BytesMut::new();
//! nal::annex_b_to_length_prefixed(&[0, 0, 0, 1, 0x65, 0x88, 0, 0, 1, 0x65, 0x99], &mut sample);
//!
//! let units: Result<Vec<&[u8]>, _> = nal::units(&sample, 4).collect();
//! assert_eq!(units?, [[0x65, 0x88], [0x65, 0x99]]);
//! # Ok::<(), levada_codec::CodecError>(())
//! ```

use alloc::borrow::Cow;
use alloc::vec;

use bytes::BytesMut;

use crate::bits::Bits;
use crate::{CodecError, Defect, Defects};

/// Units in one frame, empty ones counted. One picture of the highest level has at most 600 slices (H.264 table
/// A-1); what costs us is the visit to each.
pub const MAX_UNITS: usize = 1024;

const SPEC: &str = "ISO/IEC 14496-15 §5.3.3";

/// The NAL units of a frame in which each stands behind its length of `length_size` bytes (1 to 4).
///
/// Empty units are skipped and [counted](Units::empty). A length beyond the end and more than [`MAX_UNITS`] are
/// errors, after which there are no more units.
pub fn units(data: &[u8], length_size: u8) -> Units<'_> {
    Units { data, offset: 0, length_size: usize::from(length_size), seen: 0, empty: 0 }
}

/// See [`units`].
#[derive(Clone, Debug)]
pub struct Units<'a> {
    /// What is left.
    data: &'a [u8],
    /// Where that begins in the frame.
    offset: usize,
    length_size: usize,
    seen: usize,
    empty: usize,
}

impl Units<'_> {
    /// Empty units that were skipped so far.
    pub fn empty(&self) -> usize {
        self.empty
    }

    fn fail(&mut self, error: CodecError) -> CodecError {
        self.data = &[];
        error
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = Result<&'a [u8], CodecError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.data.is_empty() {
            self.seen += 1;
            if self.seen > MAX_UNITS {
                let limit = CodecError::Limit { which: "NAL units in a frame", limit: MAX_UNITS };
                return Some(Err(self.fail(limit)));
            }
            let Some((unit, rest)) = split(self.data, self.length_size) else {
                let offset = self.offset;
                let what = "a NAL unit reaches beyond its frame";
                return Some(Err(self.fail(CodecError::Malformed { offset, what, spec: SPEC })));
            };
            self.offset += self.data.len() - rest.len();
            self.data = rest;
            if !unit.is_empty() {
                return Some(Ok(unit));
            }
            self.empty += 1;
        }
        None
    }
}

/// The first unit and what follows it.
#[inline]
fn split(data: &[u8], length_size: usize) -> Option<(&[u8], &[u8])> {
    if length_size == 4 {
        let (length, rest) = data.split_first_chunk()?;
        return rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?);
    }
    if !(1..=3).contains(&length_size) {
        return None;
    }
    let (length, rest) = data.split_at_checked(length_size)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// The NAL units of a byte stream with start codes (H.264 and H.265 annex B). What stands before the first start
/// code is skipped.
pub fn annex_b_units(data: &[u8]) -> AnnexBUnits<'_> {
    AnnexBUnits { data, start: start_code(data, 0).map(|at| at + 3) }
}

/// See [`annex_b_units`].
#[derive(Clone, Debug)]
pub struct AnnexBUnits<'a> {
    data: &'a [u8],
    /// Where the next unit begins, if there is one.
    start: Option<usize>,
}

impl<'a> Iterator for AnnexBUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let start = self.start?;
            let next = start_code(self.data, start);
            self.start = next.map(|at| at + 3);
            let unit = self.data.get(start..next.unwrap_or(self.data.len()))?;
            let unit = trim_zeros(unit);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    }
}

/// Whether a frame that should hold lengths of `length_size` bytes holds start codes.
///
/// The one rule: it begins with a start code of three or four bytes, and its lengths do not add up.
pub fn is_annex_b(data: &[u8], length_size: u8) -> bool {
    has_start_code(data) && units(data, length_size).any(|it| it.is_err())
}

/// Visits the units of a frame, whichever of the two forms it came in, and says what is wrong with it.
pub(crate) fn units_or_defects(
    data: &[u8],
    length_size: u8,
    mut visit: impl FnMut(Result<&[u8], Defect>),
) {
    if is_annex_b(data, length_size) {
        visit(Err(Defect::StartCodeInFrame));
        return annex_b_units(data).take(MAX_UNITS).for_each(|it| visit(Ok(it)));
    }
    let mut units = units(data, length_size);
    for unit in units.by_ref() {
        visit(unit.map_err(|why| match why {
            CodecError::Limit { .. } => Defect::TooManyUnits,
            _ => Defect::CutFrame,
        }));
    }
    if units.empty() > 0 {
        visit(Err(Defect::EmptyUnit));
    }
}

/// Appends the units of a byte stream to `out`, each behind its length of four bytes.
pub fn annex_b_to_length_prefixed(data: &[u8], out: &mut BytesMut) {
    // A start code of three bytes becomes a length of four: one byte more for each, at worst a third.
    out.reserve(data.len().saturating_add(16));
    annex_b_units(data).for_each(|unit| put_length_prefixed(unit, out));
}

/// Appends the units of a frame to `out`, each behind a start code of four bytes.
pub fn length_prefixed_to_annex_b(
    data: &[u8],
    length_size: u8,
    out: &mut BytesMut,
) -> Result<(), CodecError> {
    out.reserve(data.len().saturating_add(16));
    units(data, length_size).try_for_each(|unit| {
        put_annex_b(unit?, out);
        Ok(())
    })
}

/// Appends one unit behind its length of four bytes.
#[inline]
pub fn put_length_prefixed(unit: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(&u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(unit);
}

/// Appends one unit behind a start code of four bytes.
#[inline]
pub fn put_annex_b(unit: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(unit);
}

/// Appends an access unit of a byte stream: the delimiter of the frame or the given one, the parameter sets unless
/// the frame brings its own, the frame's other units.
pub(crate) fn put_access_unit<'a, U, S>(
    units: impl Fn() -> U,
    delimiter: &[u8],
    is_delimiter: impl Fn(&[u8]) -> bool,
    is_sps: impl Fn(&[u8]) -> bool,
    sets: S,
    out: &mut BytesMut,
) -> Result<(), CodecError>
where
    U: Iterator<Item = Result<&'a [u8], CodecError>>,
    S: Iterator<Item = &'a [u8]>,
{
    // Nothing is written of a frame that is cut.
    let mut own_sets = false;
    let mut own_delimiter = None;
    for unit in units() {
        let unit = unit?;
        own_sets |= is_sps(unit);
        if own_delimiter.is_none() && is_delimiter(unit) {
            own_delimiter = Some(unit);
        }
    }
    put_annex_b(own_delimiter.unwrap_or(delimiter), out);
    sets.filter(|_| !own_sets).for_each(|set| put_annex_b(set, out));
    for unit in units() {
        let unit = unit?;
        if !is_delimiter(unit) {
            put_annex_b(unit, out);
        }
    }
    Ok(())
}

/// A unit without its emulation prevention bytes (H.264 §7.3.1, H.265 §7.3.1.1). Copied only if it has any.
pub fn unescape(unit: &[u8]) -> Cow<'_, [u8]> {
    if !unit.windows(3).any(|it| it == [0, 0, 3]) {
        return Cow::Borrowed(unit);
    }
    let mut bytes = vec![0; unit.len()];
    let (len, _) = unescape_into(unit, &mut bytes);
    bytes.truncate(len);
    Cow::Owned(bytes)
}

/// Unescapes the beginning of a unit into `buffer`, as much as fits, and gives the number of bytes. The second value
/// says whether it holds what no unit can: two zeros and a byte below 3.
pub(crate) fn unescape_into(unit: &[u8], buffer: &mut [u8]) -> (usize, bool) {
    let unit = unit.get(..buffer.len()).unwrap_or(unit);
    let mut broken = false;
    let mut len = 0;
    // What is not copied yet begins here.
    let mut start = 0;
    let mut at = 0;
    while let Some(zeros) = two_zeros(unit, at) {
        match unit.get(zeros + 2) {
            Some(3) => {
                len = copy(unit.get(start..zeros + 2), buffer, len);
                start = zeros + 3;
                at = start;
            }
            third => {
                broken |= third.is_some_and(|&it| it < 3);
                at = zeros + 1;
            }
        }
    }
    (copy(unit.get(start..), buffer, len), broken)
}

/// Where the first two zeros side by side are, from a place on.
fn two_zeros(data: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut at = from;
    // Eight places at once: a byte that is zero in both words begins two zeros, and the lowest such is found rightly.
    while let Some(&[first, ref rest @ ..]) = data.get(at..)?.first_chunk::<9>() {
        let second = u64::from_le_bytes(*rest);
        let both = second | second << 8 | u64::from(first);
        let zeros = both.wrapping_sub(ONES) & !both & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let found = data.get(at..)?.windows(2).position(|it| it == [0; 2])?;
    Some(at + found)
}

/// Copies to this place and gives the one behind it.
fn copy(from: Option<&[u8]>, to: &mut [u8], at: usize) -> usize {
    let from = from.unwrap_or_default();
    let end = at + from.len();
    if let Some(to) = to.get_mut(at..end) {
        to.copy_from_slice(from);
    }
    end
}

/// Reads a parameter set of at most `most` bytes, telling what is wrong with its unit.
#[inline]
pub(crate) fn read_parameter_set<T>(
    unit: &[u8],
    most: usize,
    defects: &mut Defects,
    read: impl Fn(&mut Bits<'_>) -> Result<T, CodecError>,
) -> Result<T, CodecError> {
    // Nearly all fit here, with eight bytes to spare for reading in whole words.
    let mut buffer = [0; 128];
    if unit.len() <= buffer.len() - 8 && unit.last() != Some(&0) {
        let (len, broken) = unescape_into(unit, &mut buffer);
        if !broken {
            return read(&mut Bits::padded(&buffer, len));
        }
    }
    let unit = parameter_set(unit, defects);
    if unit.len() > most {
        return Err(CodecError::Limit { which: "bytes in a parameter set", limit: most });
    }
    read(&mut Bits::new(&unescape(unit)))
}

/// A parameter set without what does not belong to its unit: start codes before it, zeros and other units behind it.
fn parameter_set<'a>(unit: &'a [u8], defects: &mut Defects) -> &'a [u8] {
    if has_start_code(unit) {
        defects.insert(Defect::StartCodeInParameterSet);
        return annex_b_units(unit).next().unwrap_or_default();
    }
    if let Some(end) = start_code(unit, 0) {
        defects.insert(Defect::StartCodeInParameterSet);
        return trim_zeros(unit.get(..end).unwrap_or_default());
    }
    let trimmed = trim_zeros(unit);
    if trimmed.len() < unit.len() {
        defects.insert(Defect::ZerosAfterParameterSet);
    }
    trimmed
}

/// Whether the data begins with a start code of three or four bytes.
pub(crate) fn has_start_code(data: &[u8]) -> bool {
    matches!(data, [0, 0, 1, ..] | [0, 0, 0, 1, ..])
}

/// The unit in an entry, or its units, told as a defect: some writers put a byte stream there.
pub(crate) fn entry_units<'a>(
    entry: &'a [u8],
    defects: &mut Defects,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let (unit, stream) = match start_code(entry, 0) {
        None => (entry, None),
        Some(start) => {
            defects.insert(Defect::StartCodeInParameterSet);
            (trim_zeros(entry.get(..start).unwrap_or_default()), Some(annex_b_units(entry)))
        }
    };
    core::iter::once(unit).chain(stream.into_iter().flatten())
}

pub(crate) fn trim_zeros(mut data: &[u8]) -> &[u8] {
    while let [rest @ .., 0] = data {
        data = rest;
    }
    data
}

/// Where the next `00 00 01` stands at or behind `from`.
///
/// Looks for two zeros at 128 places at once, in a loop without branches, which compiles to vector instructions.
/// Coded pictures hold two zeros only where a start code or an emulation prevention byte follows, so that the
/// places are looked at one by one next to never.
pub(crate) fn start_code(data: &[u8], from: usize) -> Option<usize> {
    const BLOCK: usize = 128;
    let mut rest = data.get(from..)?;
    let mut at = from;
    while let Some(window) = rest.first_chunk::<{ BLOCK + 2 }>() {
        let ([first @ .., _, _], [_, second @ .., _]) = (window, window);
        if first.iter().zip(second).fold(false, |hit, (first, second)| hit | (first | second == 0))
            && let Some(hit) = plain_start_code(window)
        {
            return Some(at + hit);
        }
        rest = rest.get(BLOCK..)?;
        at += BLOCK;
    }
    plain_start_code(rest).map(|hit| at + hit)
}

fn plain_start_code(data: &[u8]) -> Option<usize> {
    data.windows(3).position(|it| it == [0, 0, 1])
}

#[cfg(test)]
pub(crate) mod tests;
