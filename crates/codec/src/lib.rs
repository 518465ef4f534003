//! What the headers of audio and video codecs say, without decoding.
//!
//! ```text
//! configuration record ──► video_params, audio_params ──► VideoParams, AudioParams     once a track
//!                                                              │
//!                                              Inspector::new ◄┘
//! frame ─────────────────► Inspector::inspect ──► FrameFacts                           once a frame
//!                                   ├───────────► take_config: parameters changed in band
//!                                   └───────────► defects: what had to be tolerated
//! ```
//!
//! Each codec has a module with its configuration record, read and written, and its headers:
//! [`avc`] (H.264), [`hevc`] (H.265), [`av1`], [`vp9`] (and VP8), [`aac`], [`opus`], [`mp3`], [`ac3`] (and E-AC-3),
//! [`flac`]. What they share: [`nal`] walks and converts NAL units, [`sei`] reads supplemental messages, [`adts`] and
//! [`Splitter`] cut byte streams into audio frames, [`rfc6381`] lists codec names.
//!
//! ```
//! use bytes::Bytes;
//! use levada_codec::{Inspector, video_params};
//! use levada_media::{CodecParams, RandomAccess, Slices, VideoCodec};
//!
//! // The record in an RTMP sequence header, from x264 at 160x90.
//! let record = Bytes::from_static(&[
//!     0x01, 0x42, 0xC0, 0x0B, 0xFF, 0xE1, 0x00, 0x09, 0x67, 0x42, 0xC0, 0x0B, 0xD9, 0x02, 0x8D, 0xF9, 0x10, 0x01, 0x00,
//!     0x05, 0x68, 0xCB, 0x83, 0xCB, 0x20,
//! ]);
//! let params = video_params(VideoCodec::Avc, record)?;
//! assert_eq!((params.width, params.height, &*params.rfc6381), (160, 90, "avc1.42c00b"));
//!
//! let mut inspector = Inspector::new(&CodecParams::Video(params));
//! let facts = inspector.inspect(&[0, 0, 0, 4, 0x65, 0x88, 0x84, 0x0A]);
//! assert_eq!((facts.random_access, facts.slices), (RandomAccess::Instant, Slices::I));
//! assert!(inspector.defects().is_empty());
//! # Ok::<(), levada_codec::CodecError>(())
//! ```
//!
//! # Tolerance
//!
//! Cameras and encoders bend the formats. What can be understood is, and each deviation is told as a [`Defect`]: junk
//! behind a sequence parameter set, a set that is cut in its usability information, start codes where lengths
//! belong, reserved bits. What cannot be understood is a [`CodecError`] in a record. In a frame it leaves facts
//! unknown, and the frames after it are read as if nothing had been.
//!
//! # Limits
//!
//! All work is linear in the bytes given, and no announced number allocates.
//!
//! | what | limit | why |
//! |---|---|---|
//! | NAL units in a frame | [`nal::MAX_UNITS`] | the highest level allows 600 slices |
//! | bytes of a parameter set | [`avc::MAX_SPS`], [`avc::MAX_PPS`], [`hevc::MAX_SPS`] | all lists at their longest |
//! | size of a picture | [`avc::MAX_FRAME`], [`hevc::MAX_FRAME`] | level 6.2 |
//! | units in an H.265 record | [`hevc::MAX_CONFIG_UNITS`] | one for every id |
//!
//! An inspector keeps the parameter sets of its track: 31 and 255 of at most 4 KiB in H.264 (1.1 MiB at worst), 16, 16
//! and 64 of at most 8 KiB in H.265 (0.8 MiB). One set of each is what encoders send.
//!
//! # Features
//!
//! `avc` (default) reads H.264 picture parameter sets with `h264-reader`, which needs `std`; without it, H.264 frames
//! have no order. Sequence parameter sets and the beginnings of slice headers are read here, as [`avc::Sps`] explains.
//!
//! # What is not here
//!
//! No decoding: nothing behind a slice header is looked at. No container: see `levada-flv`, `levada-ts`,
//! `levada-fmp4`. No second layer of scalable or multiview streams.
//!
//! # Spec
//!
//! ITU-T H.264 and H.265; ISO/IEC 14496-15; the AV1 and VP9 bitstream specifications and their file bindings;
//! ISO/IEC 14496-3; RFC 6716, 7845 and 9639; ISO/IEC 11172-3 and 13818-3; ETSI TS 102 366; RFC 6381. Sections are
//! cited where they apply.
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
