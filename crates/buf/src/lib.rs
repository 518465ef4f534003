//! The two ends of a sans-IO protocol: [`Outbox`], the bytes on their way out, and [`Endpoint`], the four
//! methods that a driver calls.
//!
//! ```text
//!             the caller's                       the library's
//!  socket ──read──► BytesMut ──► Endpoint::next_event ──► event
//!  socket ◄─writev── Outbox ◄─── put (copied) / share (counted)
//! ```
//!
//! An outbox holds two kinds of bytes in one order. Headers are small and made on the spot: they are copied
//! into one reused buffer. Payloads are large and wanted by many receivers: they are kept as the [`Bytes`]
//! they are, and cost a reference count. Both leave through [`Buf`], so any writer that knows vectored IO can
//! send them without joining them first.
//!
//! ```
//! use bytes::{Buf, Bytes};
//! use levada_buf::Outbox;
//! use std::io::{IoSlice, Write};
//!
//! let mut out = Outbox::new();
//! out.put(b"header");
//! out.share(Bytes::from(vec![7; 4096])); // a reference count, not a copy
//!
//! let mut socket = Vec::new();
//! while out.has_remaining() {
//!     let mut slices = [IoSlice::new(&[]); 64];
//!     let filled = out.slices(&mut slices);
//!     let written = socket.write_vectored(&slices[..filled])?;
//!     out.advance(written);
//! }
//! assert_eq!(socket.len(), 6 + 4096);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Limits
//!
//! An outbox does not refuse bytes. It knows its *budget*, and [`Outbox::room`] says what is left of it: whoever
//! fills it with media asks first, whoever answers the protocol bounds the number of its own answers.
//!
//! # What is not here
//!
//! No socket and no runtime: `examples/` shows drivers for tokio and for plain threads.
//!
//! [`Bytes`]: bytes::Bytes
//! [`Buf`]: bytes::Buf

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod copied;
#[cfg(feature = "std")]
mod endpoint;
mod outbox;
mod segment;

#[cfg(feature = "std")]
pub use endpoint::Endpoint;
pub use outbox::{Outbox, SHARE_FROM};
