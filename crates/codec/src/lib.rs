//! What the headers of audio and video codecs say, without decoding.
//!
//! ```text
//! configuration record ──► video_params / audio_params ──► VideoParams, AudioParams   (once a track)
//! frame ─────────────────► Inspector::inspect ───────────► FrameFacts                 (once a frame)
//! ```
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "avc"))]
extern crate std;

mod bit_writer;
mod bits;
mod complete;
mod defect;
mod error;
mod inspect;
mod params;
mod sets;
mod sync;
#[cfg(test)]
mod testdata;
mod vui;

pub mod nal;

pub mod avc;
pub mod hevc;
pub mod sei;

pub mod av1;
pub mod vp9;

pub mod aac;
pub mod ac3;
pub mod adts;
pub mod flac;
pub mod mp3;
pub mod opus;

pub mod rfc6381;

pub use complete::complete;
pub use defect::{Defect, Defects};
pub use error::CodecError;
pub use inspect::Inspector;
pub use params::{audio_params, video_params};
pub use sync::{Splitter, SyncFrame, SyncHeader};
