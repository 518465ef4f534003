//! Fragmented MP4 and CMAF.
#![no_std]

extern crate alloc;

mod entry;
mod error;
mod event;
mod fragment;
mod init;
mod language;
mod moov;
mod pieces;
mod writer;

pub use entry::BitRate;
pub use error::Fmp4Error;
pub use event::{
    EventMessage, EventTime, ID3_SCHEME, ProducerTime, Reference, SCTE35_SCHEME, SegmentIndex, ntp,
};
pub use fragment::{FragmentLimits, Fragmenter, Preface};
pub use init::{Edit, InitConfig, InitSegment};
pub use pieces::{Pieces, PiecesBuf};
