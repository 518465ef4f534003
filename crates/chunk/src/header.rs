//! The header of a chunk, both ways. RTMP 1.0 §5.3.1.
//!
//! ```text
//!  0 1 2 … 7                                        n = 2 … 63: the chunk stream
//! ┌───┬─────┬─────────┬──────────┬──────┬────────┬──────────┐ n = 0: + 1 byte, 64 … 319
//! │fmt│  n  │ time 3  │ length 3 │ kind │ stream │ extended │ n = 1: + 2 bytes (little-endian), 64 … 65599
//! └───┴─────┴─────────┴──────────┴──────┴────────┴──────────┘
//!  fmt 0     absolute   ✓          ✓      ✓ (LE)   if time is FFFFFF
//!  fmt 1     step       ✓          ✓      –        if time is FFFFFF
//!  fmt 2     step       –          –      –        if time is FFFFFF
//!  fmt 3     –          –          –      –        see `clock`
//! ```

use byteorder::{BigEndian, ByteOrder, LittleEndian};
use nom::number::complete::{be_u8, be_u24, le_u16, le_u32};
use nom::{IResult, Parser};

use crate::{ChunkStreamId, MessageStreamId, MessageType};

/// In place of a time: the real one follows in 32 bits. §5.3.1.3.
pub(crate) const EXTENDED: u32 = 0xFF_FFFF;

/// The longest message, by the 24 bits of its length. §6.1.1.
pub(crate) const MAX_LENGTH: usize = 0xFF_FFFF;

/// What the basic and the message header say, without the extended timestamp.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) id: ChunkStreamId,
    pub(crate) fields: Fields,
}

/// The message header: each type leaves out a little more. §5.3.1.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fields {
    /// Type 0. The time is absolute.
    Full { time: u32, shape: Shape, stream: MessageStreamId },
    /// Type 1. The time is a step, as in type 2.
    SameStream { step: u32, shape: Shape },
    /// Type 2.
    SameShape { step: u32 },
    /// Type 3: everything as before.
    Same,
}

/// How long a message is, and what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shape {
    pub(crate) length: u32,
    pub(crate) kind: MessageType,
}

impl Header {
    /// Parses the header at the front of `bytes` and returns what follows. `None`: not all of it is there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        header(bytes).ok().map(|(behind, header)| (header, behind))
    }
}

fn header(input: &[u8]) -> IResult<&[u8], Header> {
    let (input, first) = be_u8(input)?;
    let (input, id) = match first & 0x3F {
        0 => be_u8.map(|it| u32::from(it) + 64).parse(input)?,
        1 => le_u16.map(|it| u32::from(it) + 64).parse(input)?,
        id => (input, u32::from(id)),
    };
    let (input, fields) = match first >> 6 {
        0 => (be_u24, shape, le_u32)
            .map(|(time, shape, stream)| Fields::Full {
                time,
                shape,
                stream: MessageStreamId(stream),
            })
            .parse(input)?,
        1 => {
            (be_u24, shape).map(|(step, shape)| Fields::SameStream { step, shape }).parse(input)?
        }
        2 => be_u24.map(|step| Fields::SameShape { step }).parse(input)?,
        _ => (input, Fields::Same),
    };
    Ok((input, Header { id: ChunkStreamId::from_wire(id), fields }))
}

fn shape(input: &[u8]) -> IResult<&[u8], Shape> {
    (be_u24, be_u8).map(|(length, kind)| Shape { length, kind: MessageType(kind) }).parse(input)
}

/// A header ready to be sent, with its extended timestamp: at most 3 + 11 + 4 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    bytes: [u8; 18],
    length: usize,
}

impl Encoded {
    /// `extended` goes behind the fields, which must then hold [`EXTENDED`] or be [`Fields::Same`].
    #[inline]
    pub(crate) fn new(id: ChunkStreamId, fields: Fields, extended: Option<u32>) -> Self {
        let mut encoded = Self { bytes: [0; 18], length: 0 };
        let format = match fields {
            Fields::Full { .. } => 0,
            Fields::SameStream { .. } => 1,
            Fields::SameShape { .. } => 2,
            Fields::Same => 3,
        };
        encoded.basic(format << 6, id.number());
        match fields {
            Fields::Full { time, shape, stream } => {
                encoded.u24(time);
                encoded.shape(shape);
                LittleEndian::write_u32(encoded.room(4), stream.0);
            }
            Fields::SameStream { step, shape } => {
                encoded.u24(step);
                encoded.shape(shape);
            }
            Fields::SameShape { step } => encoded.u24(step),
            Fields::Same => {}
        }
        if let Some(value) = extended {
            BigEndian::write_u32(encoded.room(4), value);
        }
        encoded
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// In the shortest of the three forms. §5.3.1.1.
    #[expect(clippy::cast_possible_truncation, reason = "each arm knows the range of its number")]
    fn basic(&mut self, format: u8, id: u32) {
        match id {
            0..=63 => self.put(&[format | id as u8]),
            64..=319 => self.put(&[format, (id - 64) as u8]),
            _ => {
                self.put(&[format | 1]);
                LittleEndian::write_u16(self.room(2), (id - 64) as u16);
            }
        }
    }

    fn shape(&mut self, shape: Shape) {
        self.u24(shape.length);
        self.put(&[shape.kind.0]);
    }

    fn u24(&mut self, value: u32) {
        BigEndian::write_u24(self.room(3), value);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    #[expect(clippy::indexing_slicing, reason = "3 + 11 + 4 is the most that `new` asks for")]
    fn room(&mut self, count: usize) -> &mut [u8] {
        let start = self.length;
        self.length += count;
        &mut self.bytes[start..self.length]
    }
}
