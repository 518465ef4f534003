//! All crates of Levada under one name: sans-IO protocol libraries for live streaming over RTMP and HLS.
//!
//! ```text
//!  bytes in ─► tls ─► session ─► messages ─► relay ─► players       (untouched, shared)
//!                                   │
//!                                   ▼
//!                                  flv ─► frames ─► hls ─► replies  (fMP4: no media byte copied)
//! ```
//!
//! Each crate stands alone and does one thing; this one holds nothing but their names. What a publisher sends
//! becomes HLS in three steps:
//!
//! ```
//! use bytes::Bytes;
//! use levada::flv::{TagKind, Unpacked, Unpacker};
//! use levada::hls::{Answer, Origin, OriginConfig, Request};
//!
//! let mut unpacker = Unpacker::default();
//! let mut origin = Origin::new(OriginConfig::default());
//!
//! // 1. Media messages come out of `session`, or tags out of a file.
//! let messages = [(0, "af001190")].into_iter().chain((0..500).map(|n| (n * 1024 / 48, "af01211004")));
//! for (timestamp, hex) in messages {
//!     let body: Bytes = hex.as_bytes().chunks(2).map(|it| u8::from_str_radix(str::from_utf8(it).unwrap(), 16).unwrap()).collect();
//!     // 2. They are unpacked into tracks and frames …
//!     unpacker.push(TagKind::Audio, timestamp, body);
//!     while let Some(unpacked) = unpacker.next() {
//!         if let Unpacked::Event(event) = unpacked {
//!             // 3. … which become segments and playlists.
//!             origin.push(event, 1_772_366_400_000)?;
//!         }
//!     }
//! }
//! let Answer::Ready(reply) = origin.get(&Request::new("main.m3u8")) else { panic!() };
//! assert!(reply.body.join().starts_with(b"#EXTM3U"));
//! # Ok::<(), levada::hls::SegmentError>(())
//! ```
//!
//! Where to go from here:
//!
//! - [`session`] for RTMP servers and clients; its front page is a whole conversation, and says what a driver does.
//! - [`hls`] for the way to browsers.
//! - [`flv`], [`fmp4`], [`ts`] for files and containers, [`codec`] for what is inside.
//! - [`gop`] to tell a publisher what is wrong.
//! - [`relay`] for one publisher and many players.
//!
//! # What is not here
//!
//! No sockets, no runtime, no clock: see the programs in `examples/`.
#![no_std]

#[cfg(feature = "amf")]
pub use levada_amf as amf;
pub use levada_buf as buf;
#[cfg(feature = "chunk")]
pub use levada_chunk as chunk;
#[cfg(feature = "codec")]
pub use levada_codec as codec;
#[cfg(feature = "flv")]
pub use levada_flv as flv;
#[cfg(feature = "fmp4")]
pub use levada_fmp4 as fmp4;
#[cfg(feature = "gop")]
pub use levada_gop as gop;
#[cfg(feature = "handshake")]
pub use levada_handshake as handshake;
#[cfg(feature = "hls")]
pub use levada_hls as hls;
pub use levada_media as media;
#[cfg(feature = "relay")]
pub use levada_relay as relay;
#[cfg(feature = "session")]
pub use levada_session as session;
#[cfg(feature = "tls")]
pub use levada_tls as tls;
#[cfg(feature = "ts")]
pub use levada_ts as ts;
