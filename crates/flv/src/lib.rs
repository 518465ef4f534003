//! FLV files, and the bodies of RTMP audio, video and data messages, Enhanced RTMP included.
#![no_std]

extern crate alloc;

mod header;
mod tag;

mod reader;
mod writer;

mod format;
mod packet;

mod audio;
mod channels;
mod colour;
mod filter;
mod video;

mod keyframes;
mod metadata;
mod script;

mod index;

mod track;
mod unpack;

mod pack;

mod role;

mod timeline;

mod error;
mod finding;

pub use audio::{AudioBody, Sound};
pub use channels::ChannelLayout;
pub use error::FlvError;
pub use filter::{Filter, FilteredBody};
pub use finding::{FileFinding, Finding, FindingKind};
pub use format::{CodecId, FourCc};
pub use header::FlvHeader;
pub use index::{Indexer, Patch};
pub use keyframes::{Keyframe, KeyframeIndex};
pub use metadata::{AudioMetadata, Metadata, VideoMetadata};
pub use pack::{PackedTag, Packer, PackerConfig};
pub use packet::{BodyError, MAX_MOD_EX, MAX_TRACKS, Packet, PacketKind, Packets};
pub use reader::{FlvItem, FlvLimits, FlvReader};
pub use role::{Role, role};
pub use script::Script;
pub use tag::{FlvTag, TagKind};
pub use timeline::{TimeFinding, TimeFindingKind, Timeline, TimelineConfig};
pub use unpack::{Unpacked, Unpacker, UnpackerConfig};
pub use video::{FrameType, SeekCommand, VideoBody};
pub use writer::FlvWriter;
