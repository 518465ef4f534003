use bytes::{Bytes, BytesMut};

use crate::CodecError;

const SPEC: &str = "AV1 §5.3";

/// One open bitstream unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Obu<'a> {
    /// What it holds.
    pub kind: ObuKind,
    /// Its temporal and spatial layer, if it says.
    pub layer: Option<(u8, u8)>,
    /// What is behind its header, trailing bits included.
    pub payload: &'a [u8],
    /// All of it.
    pub data: &'a [u8],
}

/// The type of an [`Obu`] (§6.2.2). Others are reserved, and to be left as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ObuKind(u8);

#[expect(missing_docs, reason = "the names of the specification")]
impl ObuKind {
    pub const SEQUENCE_HEADER: Self = Self(1);
    pub const TEMPORAL_DELIMITER: Self = Self(2);
    pub const FRAME_HEADER: Self = Self(3);
    pub const TILE_GROUP: Self = Self(4);
    pub const METADATA: Self = Self(5);
    pub const FRAME: Self = Self(6);
    pub const REDUNDANT_FRAME_HEADER: Self = Self(7);
    pub const TILE_LIST: Self = Self(8);
    pub const PADDING: Self = Self(15);

    /// Its number.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Whether it has no place in a sample (AV1-ISOBMFF §2.4).
    fn is_left_out(self) -> bool {
        matches!(self, Self::TEMPORAL_DELIMITER | Self::TILE_LIST | Self::PADDING)
    }
}

impl<'a> Obu<'a> {
    /// The OBU at the beginning of `data`. One without a size goes to the end.
    pub fn parse(data: &'a [u8]) -> Result<Self, CodecError> {
        let malformed = |offset, what| CodecError::Malformed { offset, what, spec: SPEC };
        let cut = || malformed(data.len(), "a cut OBU header");
        let &first = data.first().ok_or_else(cut)?;
        if first & 0x80 != 0 {
            return Err(malformed(0, "a forbidden bit"));
        }
        let mut header = 1;
        let mut layer = None;
        if first & 0x04 != 0 {
            let &extension = data.get(1).ok_or_else(cut)?;
            layer = Some((extension >> 5, extension >> 3 & 3));
            header = 2;
        }
        let mut size = data.len() - header;
        if first & 0x02 != 0 {
            let (value, len) =
                leb128(data.get(header..).unwrap_or_default()).map_err(|it| it.shifted(header))?;
            size = usize::try_from(value).unwrap_or(usize::MAX);
            header += len;
        }
        let payload = data.get(header..).and_then(|it| it.get(..size));
        let payload = payload.ok_or_else(|| malformed(header, "an OBU longer than its unit"))?;
        let data = data.get(..header + size).unwrap_or_default();
        Ok(Self { kind: ObuKind(first >> 3 & 0x0F), layer, payload, data })
    }

    /// Whether its header says how long it is.
    fn has_size(&self) -> bool {
        self.data.first().is_some_and(|it| it & 0x02 != 0)
    }
}

/// The OBUs of a temporal unit in the low-overhead format (§5.2). After an error there are no more.
pub fn obus(data: &[u8]) -> Obus<'_> {
    Obus { data, offset: 0 }
}

/// See [`obus`].
#[derive(Clone, Debug)]
pub struct Obus<'a> {
    /// What is left.
    data: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>, CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.data.is_empty() {
            return None;
        }
        match Obu::parse(self.data) {
            Ok(obu) => {
                self.data = self.data.get(obu.data.len()..).unwrap_or_default();
                self.offset += obu.data.len();
                Some(Ok(obu))
            }
            Err(error) => {
                self.data = &[];
                Some(Err(error.shifted(self.offset)))
            }
        }
    }
}

/// The temporal units of a stream in the low-overhead format, an `.obu` file. Each but the first begins with its
/// temporal delimiter. After an error there are no more.
pub fn temporal_units(data: &[u8]) -> TemporalUnits<'_> {
    TemporalUnits { data, offset: 0 }
}

/// See [`temporal_units`].
#[derive(Clone, Debug)]
pub struct TemporalUnits<'a> {
    data: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for TemporalUnits<'a> {
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.data.is_empty() {
            return None;
        }
        let mut len = 0;
        for obu in obus(self.data) {
            match obu {
                Ok(obu) if obu.kind == ObuKind::TEMPORAL_DELIMITER && len > 0 => break,
                Ok(obu) => len += obu.data.len(),
                Err(error) => {
                    self.data = &[];
                    return Some(Err(error.shifted(self.offset)));
                }
            }
        }
        let (unit, rest) = self.data.split_at_checked(len)?;
        self.data = rest;
        self.offset += len;
        Some(Ok(unit))
    }
}

/// A temporal unit as a sample of MP4: temporal delimiters, tile lists and padding left out.
///
/// These mostly stand at the ends, and then nothing is copied.
pub fn without_delimiters(unit: &Bytes) -> Result<Bytes, CodecError> {
    let mut kept = 0..0;
    let mut at = 0;
    let mut gap = false;
    for obu in obus(unit) {
        let obu = obu?;
        let next = at + obu.data.len();
        if !obu.kind.is_left_out() {
            gap |= !kept.is_empty() && kept.end != at;
            let start = if kept.is_empty() { at } else { kept.start };
            kept = start..next;
        }
        at = next;
    }
    if !gap {
        return Ok(unit.slice(kept));
    }
    let mut out = BytesMut::with_capacity(kept.len());
    for obu in obus(unit).filter_map(Result::ok).filter(|it| !it.kind.is_left_out()) {
        out.extend_from_slice(obu.data);
    }
    Ok(out.freeze())
}

/// Appends a temporal unit in the length-delimited format (annex B) to `out` in the low-overhead format.
///
/// ```text
/// temporal unit:  size │ frame unit:  size │ length │ OBU │ length │ OBU │ …
/// ```
pub fn annex_b_to_low_overhead(unit: &[u8], out: &mut BytesMut) -> Result<(), CodecError> {
    let (mut frames, _) = delimited(unit)?;
    while !frames.is_empty() {
        let (mut frame, rest) = delimited(frames)?;
        frames = rest;
        while !frame.is_empty() {
            let (data, rest) = delimited(frame)?;
            frame = rest;
            put_with_size(&Obu::parse(data)?, out);
        }
    }
    Ok(())
}

/// Appends a temporal unit in the low-overhead format to `out` in the length-delimited format (annex B), as one
/// frame unit.
pub fn low_overhead_to_annex_b(unit: &[u8], out: &mut BytesMut) -> Result<(), CodecError> {
    let mut body = BytesMut::with_capacity(unit.len());
    for obu in obus(unit) {
        let obu = obu?;
        // The length outside makes the one inside needless.
        let header = if obu.layer.is_some() { 2 } else { 1 };
        put_leb128(header + obu.payload.len(), &mut body);
        put_header(&obu, 0x00, &mut body);
        body.extend_from_slice(obu.payload);
    }
    let mut frame = BytesMut::new();
    put_leb128(body.len(), &mut frame);
    put_leb128(frame.len() + body.len(), out);
    out.extend_from_slice(&frame);
    out.extend_from_slice(&body);
    Ok(())
}

/// Appends an OBU so that it says how long it is.
pub(super) fn put_with_size(obu: &Obu<'_>, out: &mut BytesMut) {
    if obu.has_size() {
        out.extend_from_slice(obu.data);
        return;
    }
    put_header(obu, 0x02, out);
    put_leb128(obu.payload.len(), out);
    out.extend_from_slice(obu.payload);
}

/// The header with another `obu_has_size_field`.
fn put_header(obu: &Obu<'_>, has_size: u8, out: &mut BytesMut) {
    let len = if obu.layer.is_some() { 2 } else { 1 };
    if let Some((first, extension)) = obu.data.get(..len).and_then(<[u8]>::split_first) {
        out.extend_from_slice(&[first & !0x02 | has_size]);
        out.extend_from_slice(extension);
    }
}

fn delimited(data: &[u8]) -> Result<(&[u8], &[u8]), CodecError> {
    let (size, len) = leb128(data)?;
    usize::try_from(size).ok().and_then(|size| data.get(len..)?.split_at_checked(size)).ok_or(
        CodecError::Malformed {
            offset: len,
            what: "a unit longer than what holds it",
            spec: "AV1 annex B",
        },
    )
}

/// A number of seven bits a byte, least significant first, and its length (§4.10.5).
pub(super) fn leb128(data: &[u8]) -> Result<(u32, usize), CodecError> {
    let malformed = |offset, what| CodecError::Malformed { offset, what, spec: "AV1 §4.10.5" };
    let mut value = 0_u64;
    for (index, byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| malformed(0, "a size over 32 bits"))?;
            return Ok((value, index + 1));
        }
    }
    let what = if data.len() < 8 { "a cut size" } else { "a size of more than eight bytes" };
    Err(malformed(data.len().min(8), what))
}

pub(super) fn put_leb128(value: usize, out: &mut BytesMut) {
    let mut value = value;
    while value >= 0x80 {
        out.extend_from_slice(&[value.to_le_bytes()[0] | 0x80]);
        value >>= 7;
    }
    out.extend_from_slice(&[value.to_le_bytes()[0]]);
}
