//! AV1: OBUs, the sequence header, `av1C`, and what the frame headers of a temporal unit say.
//!
//! ```text
//! OBU (§5.3):   0 1 │ type 4 │ extension 1 │ has size 1 │ 0 1 │ [temporal 3 │ spatial 2 │ 0 3] │ [leb128 size] │ …
//! av1C:         1 1 │ version 7 = 1 │ profile 3 │ level 5 │ tier 1 │ high bit depth 1 │ twelve bit 1 │
//!               monochrome 1 │ subsampling x 1, y 1, position 2 │ 0 3 │ delay present 1 │ delay - 1 4 │ OBUs
//! ```
//!
//! Sections are those of the AV1 Bitstream & Decoding Process Specification. No tile is looked at.

mod config;
mod frame;
mod obu;
mod sequence;

pub use config::Config;
pub(crate) use config::{params, with_sequence_header};
pub(crate) use frame::FrameReader;
pub use obu::{
    Obu, ObuKind, Obus, TemporalUnits, annex_b_to_low_overhead, low_overhead_to_annex_b, obus,
    temporal_units, without_delimiters,
};
pub use sequence::{OperatingPoint, SequenceHeader};

#[cfg(test)]
mod tests;
