//! MPEG transport streams: frames to packets, and back.
//!
//! ```text
//! MediaEvents ──► TsMuxer ────► packets of 188 bytes ──► HLS segments, files, UDP
//! MediaEvents ◄── TsDemuxer ◄── bytes, whole or not ◄─── HLS segments, files, UDP
//!                    └─► findings: what was broken, and passed over
//! ```
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
