//! MPEG transport streams: frames to packets, and packets to frames.
//!
//! ```text
//! MediaEvents ──► TsMuxer ────► packets of 188 bytes ──► HLS segments, files, UDP
//! MediaEvents ◄── TsDemuxer ◄── bytes, cut anywhere ◄─── HLS segments, files, UDP
//!                     └──► findings: what was broken, and passed over
//!
//! packet 0     packet 1     packet 2                       packet 3 …
//! ┌────┬─────┐ ┌────┬─────┐ ┌────┬──────────┬────────────┐ ┌────┬──────────────┐
//! │ 47 │ PAT │ │ 47 │ PMT │ │ 47 │ clock    │ PES header │ │ 47 │ … frame …    │
//! └────┴─────┘ └────┴─────┘ └────┴──────────┴────────────┘ └────┴──────────────┘
//! ```
//!
//! The muxer writes one programme: H.264 and H.265 as byte streams with a delimiter in front of every frame and
//! parameter sets in front of every key frame, AAC with ADTS headers, MP3, AC-3, E-AC-3, Opus, timed ID3. The
//! demuxer reads the same, makes configuration records of what it finds in band, and gives frames in the form that
//! all of Levada uses.
//!
//! ```
//! use bytes::BytesMut;
//! use levada_media::{AudioCodec, CodecParams, Frame, MediaEvent, Ticks, Timescale, Track, TrackId};
//! use levada_ts::{DemuxConfig, MuxConfig, TsDemuxer, TsEvent, TsMuxer};
//!
//! let aac = levada_codec::audio_params(AudioCodec::Aac, vec![0x11, 0x90].into())?;
//! let track = Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(aac));
//! let frame = Frame::new(track.id, Ticks(0), vec![0x21; 300].into());
//!
//! let mut muxer = TsMuxer::new(MuxConfig::default());
//! let mut stream = BytesMut::new();
//! muxer.push(&MediaEvent::Track(track), &mut stream)?;
//! muxer.push(&MediaEvent::Frame(frame.clone()), &mut stream)?;
//! muxer.flush(&mut stream);
//!
//! let mut demuxer = TsDemuxer::new(DemuxConfig::default());
//! demuxer.end(); // `stream` is all there is
//! assert!(matches!(demuxer.next_event(&mut stream), Some(TsEvent::Media(MediaEvent::Track(_)))));
//! let Some(TsEvent::Media(MediaEvent::Frame(read))) = demuxer.next_event(&mut stream) else { panic!() };
//! assert_eq!(read.data, frame.data);
//! assert_eq!(read.dts, Ticks(126_000)); // the stream starts at 1.4 s, in 90 kHz ticks
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Times
//!
//! The muxer writes the times it is given, in 90 kHz ticks, and repairs what a transport stream cannot say: decoding
//! times that do not rise, and frames that would be shown before they are decoded. [`Written`] tells. It does not
//! smooth audio whose times were rounded to milliseconds: that is the work of whoever knows where they come from.
//!
//! # Limits
//!
//! - Muxer: [`MAX_TRACKS`] tracks; 10 s between a frame's decoding and its showing; a gap of more than 10 s, or a
//!   step back of half a second, restarts the stream's clock. It holds back at most [`MuxConfig::audio_hold`] of
//!   each audio track, and no more than 64 KiB.
//! - Demuxer: [`MAX_TRACKS`] streams; [`DemuxConfig::max_pes`] and [`DemuxConfig::max_pending`] bytes of frames that
//!   are not complete; 1024 bytes a table; 64 pictures, or 1024 audio frames, in one PES packet; ID3 tags of 256 KiB.
//!
//! # What is not here
//!
//! No segmenting: `levada-hls` decides where segments begin. No decryption, and no AAC in LATM, MPEG-2 video, AV1 or
//! subtitles: such streams are told and passed over. No constant bit rate.
//!
//! # Spec
//!
//! ISO/IEC 13818-1 (ITU-T H.222.0); RFC 8216 §3.2 and draft-pantos-hls-rfc8216bis §3.1.1 for HLS; "Encapsulation of
//! Opus packets in MPEG-TS"; Apple "Timed Metadata for HTTP Live Streaming".
#![no_std]

extern crate alloc;

mod clock;
mod packet;
mod pes;
mod psi;

mod carriage;
mod packetize;

mod config;
mod demux;
mod mux;

mod error;
mod finding;

pub use config::{DemuxConfig, MuxConfig};
pub use demux::{TsDemuxer, TsEvent};
pub use error::TsError;
pub use finding::Finding;
pub use mux::{MAX_TRACKS, TsMuxer, Written};
