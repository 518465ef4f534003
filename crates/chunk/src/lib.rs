//! The RTMP chunk stream: bytes to messages and back, without IO.
//!
//! ```text
//!  bytes   │ header │ payload… │ C6 │ …payload │ header │ payload │      chunks, of any chunk streams in turn
//!             └──────────┬────────────┘            └────┬────┘
//!  ChunkReader        Message                        Message
//!  ChunkWriter          └── kind, message stream, timestamp, payload
//! ```
//!
//! After the handshake each direction of an RTMP connection is a sequence of chunks. A message is cut into
//! chunks of at most the announced chunk size, so that audio can slip in between the chunks of a large video
//! frame; a chunk's header leaves out whatever is as before on its chunk stream. [`ChunkReader`] puts messages
//! together, [`ChunkWriter`] cuts them for one receiver, and [`SharedMessage`] is cut once for many.
//!
//! ```
//! use bytes::{Buf, Bytes, BytesMut};
//! use levada_buf::Outbox;
//! use levada_chunk::{ChunkReader, ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType};
//!
//! let mut out = Outbox::new();
//! let mut writer = ChunkWriter::new();
//! writer.set_chunk_size(ChunkSize::new(4096).unwrap(), &mut out);
//! let frame = Message::new(MessageType::VIDEO, MessageStreamId(1), 40, Bytes::from(vec![7; 10_000]));
//! writer.write(&frame, &mut out)?;
//!
//! let mut input = BytesMut::from(&out.copy_to_bytes(out.remaining())[..]);
//! let mut reader = ChunkReader::default();
//! assert_eq!(reader.read(&mut input)?.unwrap().kind, MessageType::SET_CHUNK_SIZE);
//! assert_eq!(reader.read(&mut input)?, Some(frame));
//! assert_eq!(reader.read(&mut input)?, None); // every byte is used
//! # Ok::<(), levada_chunk::ChunkError>(())
//! ```
//!
//! # Limits
//!
//! [`ChunkLimits`] bounds what a peer can make the reader keep. Memory follows the bytes received, never the
//! length announced, and the caller's input never has to hold more than 64 KiB.
//!
//! # What is not here
//!
//! No meaning: commands and media are payload. No windows and acknowledgements: [`Control`] says what the wire
//! says, the session acts. No clock: see [`ChunkReader::oldest_partial`].
//!
//! # Spec
//!
//! Adobe, *Real-Time Messaging Protocol* 1.0 (2012), §5.3, §5.4, §6, §7.1; Thornburgh, *RTMP Errata and Addenda*
//! (2024), §5. What is accepted beyond them is listed in [`ChunkQuirk`].
#![no_std]

extern crate alloc;

mod id;
mod message;

mod clock;
mod header;

mod aggregate;
mod control;

mod error;
mod limits;
mod quirk;

mod reader;
mod shared;
mod writer;

pub use aggregate::Aggregate;
pub use control::{BandwidthLimit, Control, UserControl};
pub use error::{ChunkError, ChunkFault, ChunkLimit};
pub use id::{ChunkSize, ChunkStreamId, MessageStreamId, MessageType};
pub use limits::ChunkLimits;
pub use message::Message;
pub use quirk::{ChunkQuirk, Tolerance};
pub use reader::ChunkReader;
pub use shared::SharedMessage;
pub use writer::ChunkWriter;
