//! HTTP Live Streaming, with low latency: from frames to what a browser plays, without HTTP.
//!
//! ```text
//!  MediaEvent ─► Origin ─────────────────────────────────────────► Reply or Waiter ─► any HTTP server
//!                │  ┌ rendition ─────────────────────────────┐  ▲
//!                ├─►│ Segmenter ─► Part, Segment ─► Playlist │  └ get(path, query, range)
//!                │  └────────────────────────────────────────┘
//!                └─► one for each track, if there are several: the ladder
//! ```
//!
//! [`Origin`] is the whole of it, [`Puller`] the way back: playlists and segments in, frames out. Its parts serve alone, too: a [`Segmenter`] for files on disk, a [`Playlist`] for
//! segments made elsewhere, [`read_playlist`] for what other packagers write.
//!
//! ```
//! use bytes::Bytes;
//! use levada_hls::{Answer, Origin, OriginConfig, Request};
//! use levada_media::{AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, Ticks, Timescale, Track, TrackId};
//!
//! let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
//! (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
//! params.rfc6381 = "mp4a.40.2".into();
//! let track = Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params));
//!
//! let mut origin = Origin::new(OriginConfig::default());
//! let unix_ms = 1_772_366_400_000;
//! origin.push(MediaEvent::Track(track), unix_ms)?;
//! for n in 0..500 {
//!     let frame = Frame::new(TrackId::audio(0), Ticks(n * 1024 / 48), Bytes::from_static(&[0x21, 0x10, 0x04]));
//!     origin.push(MediaEvent::Frame(frame), unix_ms)?;
//! }
//!
//! let Answer::Ready(reply) = origin.get(&Request::new("index.m3u8")) else { panic!("nothing yet") };
//! assert!(reply.body.join().ends_with(b"main.m3u8\n"));
//! # Ok::<(), levada_hls::SegmentError>(())
//! ```
//!
//! # Low latency
//!
//! Segments are published in parts of half a second. A player asks for the next part before it exists and gets it
//! the moment it does: [`Origin::get`] answers with a [`Waiter`], and the server asks again whenever
//! [`Origin::generation`] has changed. Old players see an ordinary playlist.
//!
//! What is promised to players holds by construction. The target duration is that of the first segment and never
//! changes: when a publisher's keyframes come later than that, a segment ends without one. No part is longer than
//! `PART-TARGET`, none but the last of a segment shorter than 85 % of it, whatever the frame rate does. A
//! discontinuity is told only where codec bytes or the timeline really change.
//!
//! # Limits
//!
//! [`SegmenterConfig::limits`], [`OriginConfig::window`] and [`OriginConfig::waiting`] bound memory: that of the window's media,
//! a segment in the making, and a few hundred bytes a waiting request. [`MAX_PLAYLIST_BYTES`] bounds what is read.
//!
//! # What is not here
//!
//! No HTTP, no clock, no files: `examples/` shows servers. No encoding. No subtitles. No DASH.
//!
//! # Spec
//!
//! RFC 8216 and draft-pantos-hls-rfc8216bis-22 (protocol version 13). Section numbers are those of the draft.
#![no_std]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::or_fun_call,
        reason = "a test that casts wrong fails"
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod attributes;
mod blocking;
mod clock;
mod config;
#[cfg(feature = "aes")]
mod crypt;
mod cut;
mod date;
mod error;
mod meter;
mod multivariant;
mod names;
mod origin;
mod package;
mod playlist;
mod pull;
mod read;
mod reply;
mod segment;
mod segmenter;
mod url;

pub use blocking::{BadDirective, BlockRequest, Readiness, SkipRequest};
pub use config::{Container, SegmentLimits, SegmenterConfig};
#[cfg(feature = "aes")]
pub use crypt::{NotDecrypted, decrypt_segment, encrypt_segment, sequence_iv};
pub use error::SegmentError;
pub use multivariant::{AudioRendition, BitRates, Multivariant, Variant};
pub use origin::{Answer, Departed, INDEX, Origin, OriginConfig, Request, Waiter};
pub use playlist::{
    Attribute, DateRange, MAX_DATE_RANGES, Playlist, PlaylistConfig, Report, Window,
};
pub use pull::{Fetch, Fetched, PullError, PullEvent, PullFinding, Puller, PullerConfig};
pub use read::{
    ByteRange, Hint, HintKind, Key, MAX_PLAYLIST_BYTES, Map, PlaylistType, ReadDateRange,
    ReadError, ReadMedia, ReadMultivariant, ReadPart, ReadPlaylist, ReadRendition, ReadSegment,
    ReadVariant, RenditionReport, Rule, ServerControl, Skip, Variables, Violation, read_playlist,
};
pub use reply::Reply;
pub use segment::{Init, Opening, Output, Part, Segment};
pub use segmenter::Segmenter;
