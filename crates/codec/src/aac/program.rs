use alloc::vec::Vec;

use super::cut;
use crate::CodecError;
use crate::bit_writer::BitWriter;
use crate::bits::Bits;

/// A `program_config_element`: which channels there are, for layouts without a number
/// (ISO/IEC 14496-3 §4.4.1.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Program {
    tag: u8,
    object_type: u8,
    frequency_index: u8,
    front: Vec<Element>,
    side: Vec<Element>,
    back: Vec<Element>,
    low_frequency: Vec<u8>,
    associated: Vec<u8>,
    coupling: Vec<Element>,
    mono_mixdown: Option<u8>,
    stereo_mixdown: Option<u8>,
    /// Index and pseudo surround flag.
    matrix_mixdown: Option<u8>,
    comment: Vec<u8>,
}

/// One element of a [`Program`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Element {
    /// Whether it is a pair of channels. (Of a coupling element: whether it is switched independently.)
    pub pair: bool,
    /// Its number in the frames.
    pub tag: u8,
}

impl Program {
    /// Elements in front of the listener.
    pub fn front(&self) -> &[Element] {
        &self.front
    }

    /// Elements at the sides.
    pub fn side(&self) -> &[Element] {
        &self.side
    }

    /// Elements behind.
    pub fn back(&self) -> &[Element] {
        &self.back
    }

    /// How many channels there are, low frequency ones included.
    pub fn channels(&self) -> u8 {
        let elements = self.front.iter().chain(&self.side).chain(&self.back);
        let channels = elements.map(|it| 1 + usize::from(it.pair)).sum::<usize>();
        // At most 3 × 15 pairs and 3: the counts have four and two bits.
        u8::try_from(channels + self.low_frequency.len()).unwrap_or(u8::MAX)
    }

    pub(crate) fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let mut program = Self {
            tag: small(bits, 4)?,
            object_type: small(bits, 2)?,
            frequency_index: small(bits, 4)?,
            ..Self::default()
        };
        let [front, side, back] = [small(bits, 4)?, small(bits, 4)?, small(bits, 4)?];
        let [low_frequency, associated] = [small(bits, 2)?, small(bits, 3)?];
        let coupling = small(bits, 4)?;
        program.mono_mixdown = optional(bits, 4)?;
        program.stereo_mixdown = optional(bits, 4)?;
        program.matrix_mixdown = optional(bits, 3)?;
        program.front = elements(bits, front)?;
        program.side = elements(bits, side)?;
        program.back = elements(bits, back)?;
        program.low_frequency = list(bits, low_frequency, 4)?;
        program.associated = list(bits, associated, 4)?;
        program.coupling = elements(bits, coupling)?;
        bits.align();
        let comment = small(bits, 8)?;
        program.comment = list(bits, comment, 8)?;
        Ok(program)
    }

    /// Appends the element. Its alignment counts from the beginning of `out`.
    pub(crate) fn encode(&self, out: &mut BitWriter) {
        let count = |list: usize| u32::try_from(list).unwrap_or(0);
        out.u(self.tag.into(), 4);
        out.u(self.object_type.into(), 2);
        out.u(self.frequency_index.into(), 4);
        for list in [&self.front, &self.side, &self.back] {
            out.u(count(list.len()), 4);
        }
        out.u(count(self.low_frequency.len()), 2);
        out.u(count(self.associated.len()), 3);
        out.u(count(self.coupling.len()), 4);
        let mixdowns = [(self.mono_mixdown, 4), (self.stereo_mixdown, 4), (self.matrix_mixdown, 3)];
        for (mixdown, bits) in mixdowns {
            out.flag(mixdown.is_some());
            if let Some(value) = mixdown {
                out.u(value.into(), bits);
            }
        }
        let put_elements = |out: &mut BitWriter, list: &[Element]| {
            for element in list {
                out.flag(element.pair);
                out.u(element.tag.into(), 4);
            }
        };
        for list in [&self.front, &self.side, &self.back] {
            put_elements(out, list);
        }
        for tag in self.low_frequency.iter().chain(&self.associated) {
            out.u((*tag).into(), 4);
        }
        put_elements(out, &self.coupling);
        out.align();
        out.u(count(self.comment.len()), 8);
        for byte in &self.comment {
            out.u((*byte).into(), 8);
        }
    }
}

fn small(bits: &mut Bits<'_>, count: u32) -> Result<u8, CodecError> {
    Ok(bits.u(count).map_err(cut)?.to_le_bytes()[0])
}

fn optional(bits: &mut Bits<'_>, count: u32) -> Result<Option<u8>, CodecError> {
    if small(bits, 1)? == 1 { small(bits, count).map(Some) } else { Ok(None) }
}

fn list(bits: &mut Bits<'_>, len: u8, count: u32) -> Result<Vec<u8>, CodecError> {
    (0..len).map(|_| small(bits, count)).collect()
}

fn elements(bits: &mut Bits<'_>, len: u8) -> Result<Vec<Element>, CodecError> {
    (0..len).map(|_| Ok(Element { pair: small(bits, 1)? == 1, tag: small(bits, 4)? })).collect()
}
