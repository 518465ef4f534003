//! The time of a chunk stream. RTMP 1.0 §5.3.1.2 and §5.3.1.3, RTMP Errata §5.1.
//!
//! | header that starts a message | timestamp           | step afterwards |
//! |------------------------------|---------------------|-----------------|
//! | type 0 with value v          | v                   | v               |
//! | type 1 or 2 with value v     | + v, modulo 2³²     | v               |
//! | type 3                       | + step, modulo 2³²  | as before       |
//!
//! A value of 24 ones stands for the 32 bits behind the header: the *extended timestamp*. The mark decides, not the
//! value, which may be small. While the last header of types 0 to 2 had it, type 3 headers have the 32 bits too,
//! said the text of 2012; said the text of 2009, they don't. Both are sent.

use crate::header::EXTENDED;

/// What a chunk stream remembers of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// Of the latest message.
    pub(crate) timestamp: u32,
    step: u32,
    /// The 32 bits of the last header of types 0 to 2, if it was marked.
    extended: Option<u32>,
    dialect: Dialect,
}

/// Whether type 3 headers repeat the extended timestamp. It stays with what it showed first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Dialect {
    #[default]
    Unknown,
    Repeats,
    Omits,
}

/// The value of a time field, and whether it was extended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    value: u32,
    extended: bool,
}

impl Time {
    /// `behind` is what follows the header. `None`: not enough of it.
    pub(crate) fn parse(field: u32, behind: &[u8]) -> Option<Self> {
        if field == EXTENDED {
            Some(Self { value: parse_extended(behind)?, extended: true })
        } else {
            Some(Self { value: field, extended: false })
        }
    }

    /// How many bytes behind the header it takes.
    pub(crate) fn length(self) -> usize {
        if self.extended { 4 } else { 0 }
    }
}

impl Clock {
    /// A message starts with a type 0 header.
    pub(crate) fn set(&mut self, time: Time) {
        self.timestamp = time.value;
        self.remember(time);
    }

    /// A message starts with a type 1 or 2 header.
    pub(crate) fn advance(&mut self, step: Time) {
        self.timestamp = self.timestamp.wrapping_add(step.value);
        self.remember(step);
    }

    /// A message starts with a type 3 header. Says how many bytes behind it belong to it.
    ///
    /// An extended step is taken from the wire: FFmpeg can send another one than before.
    pub(crate) fn repeat(&mut self, behind: &[u8]) -> Option<usize> {
        let length = if self.extended.is_some() && self.dialect != Dialect::Omits {
            self.step = parse_extended(behind)?;
            self.extended = Some(self.step);
            4
        } else {
            0
        };
        self.timestamp = self.timestamp.wrapping_add(self.step);
        Some(length)
    }

    /// A message goes on with a type 3 header. Says how many bytes behind it belong to it.
    ///
    /// In the first such header the four bytes behind it tell the dialect: they are the extended timestamp again, or
    /// they are payload. One payload in 2³² is mistaken.
    pub(crate) fn carry_on(&mut self, behind: &[u8], may_omit: bool) -> Option<usize> {
        let Some(expected) = self.extended else { return Some(0) };
        let found = match self.dialect {
            Dialect::Omits => return Some(0),
            Dialect::Repeats | Dialect::Unknown => parse_extended(behind)?,
        };
        if self.dialect == Dialect::Unknown && may_omit {
            self.dialect = if found == expected { Dialect::Repeats } else { Dialect::Omits };
        }
        Some(if self.dialect == Dialect::Omits { 0 } else { 4 })
    }

    /// Whether type 3 headers are more than their one byte, or may be.
    pub(crate) fn is_extended(&self) -> bool {
        self.extended.is_some()
    }

    pub(crate) fn omits_extended(&self) -> bool {
        self.dialect == Dialect::Omits
    }

    fn remember(&mut self, time: Time) {
        self.step = time.value;
        self.extended = time.extended.then_some(time.value);
    }
}

fn parse_extended(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from_be_bytes(*it))
}
