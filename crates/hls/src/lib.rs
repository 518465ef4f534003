//! HLS.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod attributes;
mod date;
mod read;

pub use read::{
    ByteRange, Hint, HintKind, Key, MAX_PLAYLIST_BYTES, Map, PlaylistType, ReadDateRange,
    ReadError, ReadMedia, ReadMultivariant, ReadPart, ReadPlaylist, ReadRendition, ReadSegment,
    ReadVariant, RenditionReport, Rule, ServerControl, Skip, Variables, Violation, read_playlist,
};
