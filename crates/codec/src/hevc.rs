//! H.265: the configuration record, parameter sets, and what a frame's headers say.
//!
//! ```
//! use levada_codec::hevc::Sps;
//!
//! let sps = Sps::parse(&[
//!     0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1E, 0xA0,
//!     0x14, 0x20, 0x61, 0x65, 0x95, 0x96, 0x49, 0x32, 0xBC, 0x04, 0x04, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
//!     0x00, 0x64, 0x20,
//! ])?;
//! assert_eq!((sps.width(), sps.height(), sps.frame_rate()), (160, 96, Some((25, 1))));
//! assert_eq!(sps.profile.rfc6381("hvc1"), "hvc1.1.6.L30.90");
//! # Ok::<(), levada_codec::CodecError>(())
//! ```

mod config;
mod frame;
mod order;
mod pps;
mod profile;
mod references;
mod sets;
mod slice;
mod sps;
mod vps;
mod vui;

pub(crate) use config::params;
pub use config::{Array, Config, MAX_CONFIG_UNITS};
pub(crate) use frame::FrameReader;
pub use pps::Pps;
pub use profile::ProfileTierLevel;
pub use sps::{MAX_FRAME, MAX_SPS, Sps};
pub use vps::Vps;
pub use vui::{Timing, Vui};

/// `nal_unit_type` (table 7-1) of a unit of the base layer.
pub(crate) fn unit_type(unit: &[u8]) -> Option<u8> {
    // forbidden_zero_bit 1, type 6, nuh_layer_id 6, nuh_temporal_id_plus1 3 (§7.3.1.2)
    match unit {
        [first, second, ..] if first & 0x81 == 0 && second & 0xF8 == 0 && second & 7 != 0 => {
            Some(first >> 1)
        }
        _ => None,
    }
}

/// Whether a unit of a byte stream belongs into a sample whose parameter sets are in the configuration record
/// (`hvc1`): slices and supplemental messages do, with Dolby Vision's units; delimiters, parameter sets, fillers and
/// other layers do not (ISO/IEC 14496-15 §8.3.2).
pub fn is_sample_unit(unit: &[u8]) -> bool {
    matches!(unit_type(unit), Some(0..=31 | 39 | 40 | 62 | 63))
}

#[cfg(test)]
mod tests;
