//! The RTMP handshake, plain and with digest, for both roles: bytes in, bytes out, no IO.
//!
//! ```text
//!  ClientHandshake                    ServerHandshake
//!       │ ── C0 (version) ─────────────────► │
//!       │ ── C1 (1536 bytes) ──────────────► │
//!       │ ◄─ S0 S1 S2 ────────────────────── │   S2 answers C1
//!       │ ── C2 (answers S1) ──────────────► │
//!     Done                                  Done   what follows is the chunk stream
//! ```
//!
//! Each block of 1536 bytes is time, four bytes and 1528 random ones, and its answer repeats it. That is the
//! *plain* handshake. In the *digest* one the first blocks carry an HMAC that shows which product sent them, and
//! the second blocks a signature over that. Everything needed for it is public, so it proves nothing; but Flash
//! Player plays H.264 only after it, and some old servers insist on it.
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use levada_buf::Outbox;
//! use levada_handshake::{ClientHandshake, Entropy, Flavor, Progress, ServerHandshake};
//!
//! let mut client = ClientHandshake::new(Entropy::new([7; 1528])); // draw them, they should differ
//! let mut server = ServerHandshake::new(Entropy::new([9; 1528]));
//! let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
//! let mut out = Outbox::new();
//! loop {
//!     let done = client.advance(&mut down, &mut out)?;
//!     up.extend_from_slice(&out.copy_to_bytes(out.remaining()));
//!     let met = server.advance(&mut up, &mut out)?;
//!     down.extend_from_slice(&out.copy_to_bytes(out.remaining()));
//!     if (done, met) == (Progress::Done(Flavor::Plain), Progress::Done(Flavor::Plain)) {
//!         break;
//!     }
//! }
//! # Ok::<(), levada_handshake::HandshakeError>(())
//! ```
//!
//! # Limits
//!
//! 3073 bytes each way, and not one more is taken: what follows stays in `input` and is the first of the chunk
//! stream. The input never needs to hold more than one block. How long it may take is the caller's to bound.
//!
//! # What is not here
//!
//! RTMPE (versions 6, 8 and 9): its key exchange authenticates nobody and its cipher is RC4. It is refused by
//! name. SWF verification: obsolete, and no server of today asks for it.
//!
//! # Spec
//!
//! Adobe, *Real-Time Messaging Protocol* 1.0 (2012), §5.2; Thornburgh, *RTMP Errata and Addenda* (2024), §3. The
//! digest handshake is in no public specification: it is known from what products send.
#![cfg_attr(not(test), no_std)]

mod client;
#[cfg_attr(not(feature = "digest"), path = "no_digest.rs")]
mod digest;
mod error;
mod packet;
mod server;

pub use client::ClientHandshake;
pub use error::HandshakeError;
pub use server::ServerHandshake;

/// Chance, drawn by the caller: the 1528 bytes that fill a first block. RTMP 1.0 §5.2.3.
///
/// They need only be different enough from the peer's. Nothing secret depends on them.
#[derive(Clone)]
pub struct Entropy([u8; 1528]);

impl Entropy {
    /// Takes bytes that the caller drew.
    pub const fn new(bytes: [u8; 1528]) -> Self {
        Self(bytes)
    }

    /// The bytes again.
    pub fn bytes(&self) -> &[u8; 1528] {
        &self.0
    }
}

impl core::fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Entropy(1528 bytes)")
    }
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a handshake goes on or is over")]
pub enum Progress {
    /// So many more bytes are needed, neither fewer nor more: a blocking driver can read exactly these.
    NeedMore(usize),
    /// The handshake is over. The next byte of the input is the first of the chunk stream.
    Done(Flavor),
}

/// Which handshake it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Flavor {
    /// RTMP 1.0 §5.2.
    Plain,
    /// Both first blocks carried a digest.
    Digest,
}

/// What a peer did against the text, and was forgiven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HandshakeQuirk {
    /// Its answer does not repeat our block, or is signed wrongly: FFmpeg after a digest handshake, many others.
    /// RTMP Errata §3 says not to insist.
    WrongEcho,
    /// Its first block shows a product version where the plain handshake has zeros, but no digest that fits (none
    /// does without the feature `digest`): it is taken as plain. RTMP 1.0 §5.2.3.
    VersionWithoutDigest,
}

/// The deviations of one peer: at most one of each kind.
#[derive(Debug, Default)]
struct Quirks {
    wrong_echo: bool,
    version_without_digest: bool,
}

impl Quirks {
    fn take(&mut self) -> Option<HandshakeQuirk> {
        if core::mem::take(&mut self.version_without_digest) {
            Some(HandshakeQuirk::VersionWithoutDigest)
        } else if core::mem::take(&mut self.wrong_echo) {
            Some(HandshakeQuirk::WrongEcho)
        } else {
            None
        }
    }
}
