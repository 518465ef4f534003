//! RTMPS: TLS around any endpoint, without IO.
//!
//! ```text
//!                    ┌──────────────────── Tls<S> ────────────────────┐
//!  ciphertext in  ──►│ rustls ──► plaintext ──► S::next_event         │──► S's events
//!  ciphertext out ◄──│ Outbox ◄── rustls ◄── S's Outbox, slice by slice │
//!                    └────────────────────────────────────────────────┘
//! ```
//!
//! [`Tls<S>`] is an [`Endpoint`](levada_buf::Endpoint) if `S` is one, so the driver that moves RTMP moves RTMPS. TLS comes first, then
//! exactly the byte stream of RTMP, its handshake included. No protocol is negotiated by ALPN: none is registered.
//!
//! ```no_run
//! # fn session() -> levada_session::ServerSession { unimplemented!() }
//! # fn certificate() -> (Vec<rustls::pki_types::CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>) { unimplemented!() }
//! # use levada_tls::rustls;
//! let (chain, key) = certificate();
//! let config = levada_tls::server_config(chain, key)?; // once
//! let endpoint = levada_tls::Tls::server(config, session())?; // for each connection
//! # Ok::<(), rustls::Error>(())
//! ```
//!
//! # Limits
//!
//! At most [`AHEAD`] bytes are encrypted before the driver has written them, and as many decrypted before the inner
//! endpoint has used them: everything else waits where its budget is kept. rustls itself holds one record each way,
//! and 64 KiB while a handshake message is incomplete. How long the TLS handshake may take is bounded by the inner
//! endpoint's own handshake timer, which runs from its creation.
//!
//! # What is not here
//!
//! No certificates and no trust: bring a chain, or roots. Time and chance come with the configuration, as rustls has
//! it: this crate reads no clock, its cryptography provider draws random bytes.
//!
//! # Spec
//!
//! RFC 8446 and RFC 5246 as rustls implements them; Thornburgh, *RTMP Family URI Schemes* (2024), §3 for `rtmps`.

#[cfg(feature = "ring")]
mod config;
mod error;
mod tls;

#[cfg(feature = "ring")]
pub use config::{client_config, server_config};
pub use error::TlsError;
pub use rustls;
pub use tls::{AHEAD, Tls};
