use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::time::Duration;

use super::Seconds;
use crate::date::Date;

/// The most date ranges that a playlist lists. Worst-case memory is this many of the caller's own ranges.
pub const MAX_DATE_RANGES: usize = 256;

/// Metadata that holds for a span of time: `EXT-X-DATERANGE` (rfc8216bis §4.4.5.1).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DateRange {
    /// Names it for ever: an id is never used again for something else.
    pub id: String,
    /// What kind of range it is.
    pub class: Option<String>,
    /// When it begins, in milliseconds since 1970.
    pub start: i64,
    /// How long it is, once that is known.
    pub duration: Option<Duration>,
    /// How long it is meant to be.
    pub planned_duration: Option<Duration>,
    /// Further attributes: `SCTE35-OUT`, `X-…`.
    pub attributes: Vec<(String, Attribute)>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what §4.4.5.1 allows")]
pub enum Attribute {
    /// Text. Quotes and line breaks are left out.
    Text(String),
    /// Bytes, written as a hexadecimal sequence: a `splice_info_section`.
    Bytes(Vec<u8>),
    /// A number in thousandths.
    Thousandths(i64),
}

impl DateRange {
    /// A range of unknown length.
    pub fn new(id: &str, start: i64) -> Self {
        Self { id: id.into(), start, ..Self::default() }
    }

    /// When it ends, if it is known. In milliseconds since 1970.
    pub(super) fn end(&self) -> Option<i64> {
        let length = self.duration.or(self.planned_duration)?;
        Some(self.start.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
    }

    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "#EXT-X-DATERANGE:ID=\"{}\"", Quotable(&self.id))?;
        if let Some(class) = &self.class {
            write!(out, ",CLASS=\"{}\"", Quotable(class))?;
        }
        write!(out, ",START-DATE=\"{}\"", Date(self.start))?;
        if let Some(duration) = self.duration {
            write!(out, ",DURATION={}", Seconds(duration))?;
        }
        if let Some(planned) = self.planned_duration {
            write!(out, ",PLANNED-DURATION={}", Seconds(planned))?;
        }
        for (name, value) in &self.attributes {
            write!(out, ",{}=", Name(name))?;
            match value {
                Attribute::Text(text) => write!(out, "\"{}\"", Quotable(text))?,
                Attribute::Bytes(bytes) => {
                    out.write_str("0x")?;
                    bytes.iter().try_for_each(|it| write!(out, "{it:02X}"))?;
                }
                Attribute::Thousandths(number) => {
                    let sign = if *number < 0 { "-" } else { "" };
                    write!(
                        out,
                        "{sign}{}.{:03}",
                        number.unsigned_abs() / 1000,
                        number.unsigned_abs() % 1000
                    )?;
                }
            }
        }
        writeln!(out)
    }
}

/// Text inside quotes: without what would end them (hostile case OUT-07).
pub(super) struct Quotable<'a>(pub(super) &'a str);

impl fmt::Display for Quotable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = self.0.chars().filter(|it| *it != '"' && !it.is_control());
        safe.take(1024).try_for_each(|it| f.write_char(it))
    }
}

/// An attribute name: `A–Z`, digits and hyphens (§4.2).
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upper = self.0.chars().map(|it| it.to_ascii_uppercase());
        let safe = upper.filter(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || *it == '-');
        safe.take(128).try_for_each(|it| f.write_char(it))
    }
}
