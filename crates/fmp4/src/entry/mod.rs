//! Sample entries: what the frames of a track are and how to decode them.
//!
//! ```text
//! avc1/avc3 avcC   hvc1/hev1 hvcC   av01 av1C   vp09/vp08 vpcC          ISO/IEC 14496-15, AV1 and VP bindings
//! mp4a esds        Opus dOps        ac-3 dac3   ec-3 dec3   fLaC dfLa   ISO/IEC 14496-14, TS 102 366 annex F
//! ```

mod read;
mod write;

pub(crate) use read::read_entry;
pub use write::BitRate;
pub(crate) use write::write_entry;
