//! Fan-out without queues: a publisher pushes into one bounded [`Ring`], each reader holds a [`Cursor`] into it.
//!
//! ```text
//!                 oldest                                          newest
//!  evicted ◄──  [ p  b  p │ K  p  b  p  p │ H  K  p  b  p ]  ◄── push, push_header
//!     │                     ▲                   ▲     ▲
//!     ▼                     │                   │     └─ a reader that keeps up
//!  kept headers             │                   └─ newest GOP start: where readers join, and where
//!  (newest of each slot)    └─ a slow reader       slow ones go when the ring has moved past them
//! ```
//!
//! - Publishing costs the same whatever the audience: nothing is queued, woken or copied for a reader. Readers pull.
//! - A reader that joins gets the headers first (metadata, sequence headers), as they were at the place where it
//!   starts, then everything from the newest GOP start on. Before there is one, it waits for one.
//! - A reader that falls out of the ring goes on at the newest GOP start, is told how much it lost, and gets the
//!   headers that changed in between.
//! - Memory is bounded by bytes and by count, see [`RingLimits`].
//!
//! The ring knows nothing of media. What a GOP start is, the caller says: a keyframe where there is video,
//! otherwise any item that makes sense by itself.
//!
//! ```
//! use levada_relay::{Next, Ring, RingLimits};
//!
//! let mut ring = Ring::new(RingLimits::default());
//! ring.push_header(0, "sequence header", 15)?;
//! ring.push("keyframe", 8, true);
//! ring.push("frame", 5, false);
//!
//! let mut cursor = ring.join();
//! assert_eq!(ring.next(&mut cursor), Next::Header(&"sequence header"));
//! assert_eq!(ring.next(&mut cursor), Next::Item(&"keyframe"));
//! assert_eq!(ring.next(&mut cursor), Next::Item(&"frame"));
//! assert_eq!(ring.next(&mut cursor), Next::Empty);
//! # Ok::<(), levada_relay::HeaderRefused>(())
//! ```
//!
//! # Limits
//!
//! All in [`RingLimits`]. A cursor is 48 bytes and owns nothing.
//!
//! # What is not here
//!
//! No locks, no wake-ups, no threads: how a ring is shared and how a reader learns that there is more is the
//! driver's affair. No timestamps are rewritten.
//!
//! # Spec
//!
//! None: no protocol says how a server holds its streams.
#![no_std]

extern crate alloc;

mod cursor;
mod error;
mod limits;
mod ring;
mod shelf;

pub use cursor::{Cursor, Lag, Next};
pub use error::HeaderRefused;
pub use limits::RingLimits;
pub use ring::Ring;
