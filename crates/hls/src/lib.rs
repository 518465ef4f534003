//! HLS.
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
mod multivariant;
mod names;
mod origin;
mod package;
mod playlist;
mod read;
mod reply;
mod segment;
mod segmenter;

pub use blocking::{BadDirective, BlockRequest, Readiness};
pub use config::{Container, SegmentLimits, SegmenterConfig};
#[cfg(feature = "aes")]
pub use crypt::{NotDecrypted, decrypt_segment, encrypt_segment, sequence_iv};
pub use error::SegmentError;
pub use multivariant::{AudioRendition, BitRates, Multivariant, Variant};
pub use origin::{Answer, Departed, INDEX, Origin, OriginConfig, Request, Waiter};
pub use playlist::{
    Attribute, DateRange, MAX_DATE_RANGES, Playlist, PlaylistConfig, Report, Window,
};
pub use read::{
    ByteRange, Hint, HintKind, Key, MAX_PLAYLIST_BYTES, Map, PlaylistType, ReadDateRange,
    ReadError, ReadMedia, ReadMultivariant, ReadPart, ReadPlaylist, ReadRendition, ReadSegment,
    ReadVariant, RenditionReport, Rule, ServerControl, Skip, Variables, Violation, read_playlist,
};
pub use reply::Reply;
pub use segment::{Init, Opening, Output, Part, Segment};
pub use segmenter::Segmenter;
