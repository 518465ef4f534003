//! Fragmented MP4 and CMAF: frames to init segments and fragments, and back, and recordings to plain files.
//!
//! ```text
//!  Tracks ──► InitSegment ──► ftyp moov                                     once
//!                 │
//!                 ▼
//!  Frames ──► Fragmenter ──► Pieces: [styp prft emsg sidx] moof mdat │ payload │ payload │ …
//!                                    └── made here, some hundred bytes ┘└─ the frames' own bytes ─┘
//!
//!  bytes, whole or not ──► Fmp4Reader ──► Track, Frame, EventMessage, ProducerTime
//!
//!  recording ──► Finaliser ──► Read │ Write │ Copy ──► plain MP4, moov in front
//!  recording ──► Index ──► Read │ Entry: where a fragment is, and when ──► byte ranges of a playlist
//! ```
//!
//! A frame's payload is what a sample is, so a fragment is a head of some hundred bytes and the payloads as they are:
//! [`Pieces`], which any number of HTTP responses share.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use levada_fmp4::{Fmp4Item, Fmp4Reader, Fragmenter, InitSegment, Pieces, Preface, ReadLimits};
//! use levada_media::{AudioCodec, AudioParams, CodecParams, Frame, Ticks, Timescale, Track, TrackId};
//!
//! let mut aac = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
//! (aac.sample_rate, aac.channels, aac.samples_per_frame) = (48_000, 2, Some(1024));
//! let scale = Timescale::new(48_000).unwrap();
//! let track = Track::new(TrackId::audio(0), scale, CodecParams::Audio(aac));
//!
//! let init = InitSegment::new(&[track])?;
//! let mut fragmenter = Fragmenter::new(&init);
//! let mut file = Pieces::from(init.bytes());
//! for second in 0..3 {
//!     for frame in 0..47 {
//!         let dts = Ticks((second * 47 + frame) * 1024);
//!         fragmenter.push(Frame::new(TrackId::audio(0), dts, Bytes::from_static(b"raw AAC")))?;
//!     }
//!     file.extend(&fragmenter.cut(&Preface::segment()));
//! }
//!
//! let mut input = BytesMut::from(&file.join()[..]);
//! let mut reader = Fmp4Reader::new(ReadLimits::default());
//! let mut frames = 0;
//! while let Some(item) = reader.read(&mut input)? {
//!     frames += usize::from(matches!(item, Fmp4Item::Frame(_)));
//! }
//! assert_eq!(frames, 3 * 47);
//! # Ok::<(), levada_fmp4::Fmp4Error>(())
//! ```
//!
//! Timestamps go through unchanged, in the ticks of each track: whoever makes the tracks chooses the timescale, 90,000
//! for video and the sample rate for audio by custom. Configuration records are written as they are: HE-AAC for
//! Apple's players should come with the hierarchical signalling that `levada-codec` can make.
//!
//! # Limits
//!
//! [`ReadLimits`] bound what a file can make a [`Fmp4Reader`] or a [`Finaliser`] hold, [`FragmentLimits`] what waits
//! in a [`Fragmenter`]. Boxes are never descended but where the format says, so depth needs no limit. No length is
//! believed before its bytes are there, and no sample comes out that neither a row nor a byte of media stands for.
//!
//! # What is not here
//!
//! Where to cut, and what a playlist says of it: `levada-hls`. No encryption: encrypted tracks are left out by the
//! reader, and told. No plain file whose `moov` stands at the end can be read in one pass: that needs a seek, which
//! is nothing for a stream. Subtitles and other tracks without one of our codecs are left out, and told.
//!
//! # Spec
//!
//! ISO/IEC 14496-12 (the boxes), 14496-14 (`esds`), 14496-15 (`avcC`, `hvcC`), 23000-19 (CMAF), 23009-1 (`emsg`); the
//! bindings of AV1, VP9, Opus and FLAC by their authors; ETSI TS 102 366 annex F (`dac3`, `dec3`); QuickTime's sound
//! descriptions, read only.
#![no_std]

extern crate alloc;

mod error;
mod limits;

mod pieces;

mod fields;
mod language;
mod writer;

mod entry;
mod event;
mod moov;

mod fragment;
mod init;

mod fragment_head;
mod index;
mod movie;
mod reader;
mod samples;
mod scan;
mod table;

mod finalise;

pub use entry::BitRate;
pub use error::Fmp4Error;
pub use event::{
    EventMessage, EventTime, ID3_SCHEME, ProducerTime, Reference, SCTE35_SCHEME, SegmentIndex, ntp,
};
pub use finalise::{Finaliser, Progress, Step};
pub use fragment::{FragmentLimits, Fragmenter, Preface};
pub use index::{Index, IndexEntry, IndexStep};
pub use init::{Edit, InitConfig, InitSegment};
pub use limits::ReadLimits;
pub use pieces::{Pieces, PiecesBuf};
pub use reader::{Fmp4Item, Fmp4Reader, Quirk};
