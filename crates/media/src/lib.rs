//! The vocabulary between media layers: a stream of [`MediaEvent`]s, which are [`Track`]s and [`Frame`]s.
//!
//! ```text
//! FLV, RTMP ─┐                                        ┌─► HLS segments
//! MPEG-TS ───┼─► Track(params) Frame Frame … End(id) ─┼─► GOP validation
//! fMP4 ──────┘                                        └─► FLV, RTMP, MPEG-TS
//! ```
//!
//! Whoever reads a container makes events, whoever writes one takes them, and neither knows the other.
//!
//! - A frame's payload is what an ISO base media file stores as a sample: NAL units behind their lengths, raw AAC,
//!   OBUs without temporal delimiters, bare Opus packets. RTMP and FLV carry the same, so a frame can go from a
//!   socket into a segment without one media byte being copied.
//! - Time is counted in the ticks of the track's [`Timescale`], as `i64`. Clocks of 32 or 33 bits are
//!   [unwrapped](unwrap) at the edge where they are read, and nowhere else.
//! - What a codec's headers say is in the track's [`CodecParams`] and the frame's [`FrameFacts`], put there by
//!   whoever could parse them. Later stages look at no payload.
//! - New parameters are a new [`Track`] event with the same id. A repeat of the same ones is no event.
//!
//! ```
//! use bytes::Bytes;
//! use levada_media::{Frame, RandomAccess, Ticks, Timescale, TrackId};
//!
//! let mut frame = Frame::new(TrackId::video(0), Ticks(40), Bytes::from_static(&[0, 0, 0, 1, 0x65]));
//! frame.facts.random_access = RandomAccess::Instant;
//! frame.cts = 80;
//!
//! assert_eq!(Timescale::MILLIS.seconds(frame.pts()), 0.12);
//! assert!(frame.is_key());
//! ```
//!
//! # What is not here
//!
//! No codec knowledge and no container: see `levada-codec`, `levada-flv`, `levada-ts`, `levada-fmp4`.
#![no_std]

extern crate alloc;

mod event;
mod frame;
mod params;
mod time;
mod track;
mod unwrap;

pub use event::MediaEvent;
pub use frame::{Frame, FrameFacts, Leading, RandomAccess, Slices};
pub use params::{
    AudioCodec, AudioParams, CodecParams, Colour, DataCodec, Hdr, VideoCodec, VideoParams,
};
pub use time::{Rounding, Ticks, Timescale};
pub use track::{MediaKind, Track, TrackId};
pub use unwrap::unwrap;
