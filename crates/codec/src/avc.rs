//! H.264: the configuration record, sequence and picture parameter sets, and what a frame's headers say.
//!
//! ```
//! use levada_codec::avc::{Config, Sps};
//! # let record = [
//! #     0x01, 0x42, 0xC0, 0x0B, 0xFF, 0xE1, 0x00, 0x09, 0x67, 0x42, 0xC0, 0x0B, 0xD9, 0x02, 0x8D, 0xF9, 0x10, 0x01,
//! #     0x00, 0x05, 0x68, 0xCB, 0x83, 0xCB, 0x20,
//! # ];
//!
//! let config = Config::parse(&record)?;
//! let sps = Sps::parse(&config.sps[0])?;
//! assert_eq!((sps.width(), sps.height()), (160, 90));
//! assert_eq!(sps.rfc6381("avc1"), "avc1.42c00b");
//! assert_eq!(config.encode()?, record[..]);
//! # Ok::<(), levada_codec::CodecError>(())
//! ```

mod config;
mod frame;
mod level;
mod order;
mod pps;
mod sets;
mod slice;
mod sps;
mod timing;
mod vui;

pub(crate) use config::params;
pub use config::{Config, Extension};
pub(crate) use frame::{FrameReader, joined};
pub use pps::{MAX_PPS, Pps};
pub use sps::{MAX_FRAME, MAX_SPS, OrderType, Sps};
pub use timing::{ClockTimestamp, PictureTiming};
pub use vui::{Hrd, Restriction, Timing, Vui};

/// `nal_unit_type` (table 7-1) of a unit.
pub(crate) fn unit_type(unit: &[u8]) -> Option<u8> {
    // A unit with its forbidden bit set says that it is broken (§7.4.1).
    unit.first().filter(|&&it| it & 0x80 == 0).map(|it| it & 0x1F)
}

/// Whether a unit of a byte stream belongs into a sample whose parameter sets are in the configuration record
/// (`avc1`): slices and supplemental messages do, delimiters, parameter sets, fillers and the layers of SVC and MVC
/// do not (ISO/IEC 14496-15 §5.3.2).
pub fn is_sample_unit(unit: &[u8]) -> bool {
    matches!(unit_type(unit), Some(1..=6 | 19))
}

#[cfg(test)]
mod tests;
