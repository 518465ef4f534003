//! Fragmented MP4 and CMAF.
#![no_std]

extern crate alloc;

mod entry;
mod error;
mod event;
mod fields;
mod finalise;
mod fragment;
mod fragment_head;
mod init;
mod language;
mod limits;
mod moov;
mod movie;
mod pieces;
mod reader;
mod samples;
mod table;
mod writer;

pub use entry::BitRate;
pub use error::Fmp4Error;
pub use event::{
    EventMessage, EventTime, ID3_SCHEME, ProducerTime, Reference, SCTE35_SCHEME, SegmentIndex, ntp,
};
pub use finalise::{Finaliser, Progress, Step};
pub use fragment::{FragmentLimits, Fragmenter, Preface};
pub use init::{Edit, InitConfig, InitSegment};
pub use limits::ReadLimits;
pub use pieces::{Pieces, PiecesBuf};
pub use reader::{Fmp4Item, Fmp4Reader, Quirk};
