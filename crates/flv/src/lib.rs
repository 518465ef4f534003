//! FLV files, and the bodies of RTMP audio, video and data messages, Enhanced RTMP v1 and v2 included.
//!
//! ```text
//!  file ──FlvReader──► FlvTag ─┐                                      ┌─ FlvTag ──FlvWriter──► file, HTTP-FLV
//!                              ├─Unpacker─► MediaEvent ─Timeline─► Packer
//!  RTMP ───────────► message ──┘            Metadata, Finding …       └─ message ───────────► RTMP
//! ```
//!
//! A tag of a file and a message of RTMP have the same body. So there are two layers, and each is of use without the
//! other: [`FlvReader`] and [`FlvWriter`] know files and open no body; [`Unpacker`] and [`Packer`] know bodies,
//! wherever they come from.
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use levada_buf::Outbox;
//! use levada_flv::{
//!     FlvHeader, FlvItem, FlvReader, FlvWriter, Packer, Timeline, TimelineConfig, Unpacked, Unpacker,
//! };
//!
//! # fn main() -> Result<(), levada_flv::FlvError> {
//! # let file = b"FLV\x01\x04\0\0\0\x09\0\0\0\0\
//! #     \x08\0\0\x04\0\0\x64\0\0\0\0\xaf\x00\x11\x90\0\0\0\x0f\
//! #     \x08\0\0\x04\0\0\x64\0\0\0\0\xaf\x01\x21\x10\0\0\0\x0f";
//! let mut input = BytesMut::from(&file[..]); // as much as was read so far
//! let (mut reader, mut unpacker) = (FlvReader::new(), Unpacker::default());
//! let mut timeline = Timeline::new(TimelineConfig::default());
//! let (mut packer, mut writer, mut out) = (Packer::default(), FlvWriter::new(), Outbox::new());
//!
//! writer.header(&FlvHeader::new(true, true), &mut out);
//! while let Some(item) = reader.read(&mut input)? {
//!     let FlvItem::Tag(tag) = item else { continue };
//!     unpacker.push_tag(&tag);
//!     while let Some(unpacked) = unpacker.next() {
//!         match unpacked {
//!             Unpacked::Event(event) => {
//!                 for tag in packer.pack(&timeline.push(event))? {
//!                     writer.packed(&tag, &mut out)?;
//!                 }
//!             }
//!             Unpacked::Finding(finding) => println!("{finding}"),
//!             _ => {}
//!         }
//!     }
//! }
//! // The same audio, from 0 ms on.
//! assert_eq!(out.copy_to_bytes(out.remaining())[13 + 11 + 4 + 4..][..8], *b"\x08\0\0\x04\0\0\0\0");
//! # Ok(())
//! # }
//! ```
//!
//! - **No media byte is copied** on the way in: a frame is a slice of its body. On the way out a [`PackedTag`] keeps
//!   header and payload apart, and [`FlvWriter::packed`] shares the payload.
//! - **Nothing in a body ends a stream.** What cannot be understood is dropped and told as a [`Finding`]; what real
//!   encoders get wrong is put right and told as well.
//! - **Configuration is an event**: a record that differs from the one in force is a new
//!   [`Track`](levada_media::MediaEvent::Track), a repeat is nothing.
//! - **Times are unwrapped** and else as they came. To repair them is a stage of its own, [`Timeline`].
//! - [`VideoBody`] and [`AudioBody`] are the headers of a body for whoever wants no more than that.
//!
//! # Codecs
//!
//! | codec | unpacked from | packed to |
//! |---|---|---|
//! | H.264 | id 7, `avc1` | id 7 (track 0), `avc1` |
//! | H.265 | `hvc1`, id 12, H.265 labelled as id 7 | `hvc1` |
//! | AV1 | `av01`, id 13 | `av01` |
//! | VP8, VP9 | `vp08`, `vp09` | `vp08`, `vp09` |
//! | AAC | format 10, `mp4a`, with ADTS headers | format 10 (track 0), `mp4a` |
//! | MP3 | formats 2 and 14, `.mp3` | formats 2 and 14 (track 0), `.mp3` |
//! | Opus, FLAC, AC-3, E-AC-3 | `Opus`, `fLaC`, `ac-3`, `ec-3` | the same |
//!
//! All others (H.263, VP6, Screen Video, Speex, Nellymoser, G.711, PCM, H.266) have their headers parsed, and are
//! reported and skipped.
//!
//! Tracks count milliseconds. The nanosecond offsets of Enhanced RTMP are used where
//! [`UnpackerConfig::sub_millisecond`] asks for microseconds, and told and ignored where not.
//!
//! # Limits
//!
//! | what | limit | why |
//! |---|---|---|
//! | a tag's body | [`FlvLimits::max_body`], 8 MiB | a keyframe of a 100 Mbit/s stream |
//! | a file's header | [`FlvLimits::max_header`], 4 KiB | real ones have nine bytes |
//! | tracks of a kind, and in a message | [`MAX_TRACKS`], 16 | each keeps its configuration record |
//! | ModEx units in a message | [`MAX_MOD_EX`], 8 | one is defined |
//! | script data | [`UnpackerConfig::script_limits`] | see [`AmfLimits`](levada_amf::AmfLimits) |
//!
//! Memory follows what arrived, never what was announced. A reader needs no more than 64 KiB of input at a time.
//!
//! # What is not here
//!
//! Sockets and files; RTMP itself (`levada-chunk`, `levada-session`); what is inside of frames (`levada-codec`); keys
//! for encrypted files, of which [`FilteredBody`] shows the parts.
//!
//! # Spec
//!
//! Adobe, *Flash Video File Format Specification 10.1*, annexes E and F, cited as `FLV 10.1 §…`; Veovera, *Enhanced
//! RTMP* v2-2026-01-31-r2, cited as `E-RTMP §…`.
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

mod plain;
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
pub use plain::plain;
pub use reader::{FlvItem, FlvLimits, FlvReader};
pub use role::{Role, role};
pub use script::Script;
pub use tag::{FlvTag, TagKind};
pub use timeline::{TimeFinding, TimeFindingKind, Timeline, TimelineConfig};
pub use unpack::{Unpacked, Unpacker, UnpackerConfig};
pub use video::{FrameType, SeekCommand, VideoBody};
pub use writer::FlvWriter;
