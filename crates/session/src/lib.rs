//! RTMP sessions without IO: both ends of a connection, from its first byte to the media on it and back.
//!
//! ```text
//!             ┌────────────────────────── ServerSession, ClientSession ──────────────────────────┐
//!  bytes in ─►│ handshake ─► chunks ─► link: windows, pings, timers ─► commands, streams, media  │─► events
//! bytes out ◄─│ Outbox    ◄─ chunks ◄────────────────────────────────── answers, send()          │◄─ the application
//!             └──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A session has the four methods of an [`Endpoint`](levada_buf::Endpoint) for its driver, which owns the socket and
//! the clock, and a few more for the application, which decides. What a peer asks for comes as an event with a
//! ticket that is used up by the answer: [`ConnectRequest`], [`PublishRequest`], [`PlayRequest`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use bytes::{Buf, BytesMut};
//! use levada_buf::Endpoint;
//! use levada_handshake::Entropy;
//! use levada_session::{
//!     ClientConfig, ClientEvent, ClientSession, PublishKind, RtmpUrl, ServerConfig, ServerEvent,
//!     ServerSession, SessionError,
//! };
//!
//! // Drivers read clocks and draw random bytes, sessions do not.
//! let now = Instant::now();
//! let url = RtmpUrl::parse("rtmp://live.example/app/key").unwrap();
//! let key = url.stream.clone();
//! let mut client = ClientSession::new(ClientConfig::new(url), Entropy::new([1; 1528]), now);
//! client.publish(&key, PublishKind::Live).unwrap();
//! let mut server =
//!     ServerSession::new(Arc::new(ServerConfig::default()), Entropy::new([2; 1528]), now);
//!
//! // In place of a network: what one puts out is what the other gets.
//! let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
//! let published = loop {
//!     let out = client.output();
//!     up.extend_from_slice(&out.copy_to_bytes(out.remaining()));
//!     while let Some(event) = server.next_event(&mut up, now)? {
//!         match event {
//!             ServerEvent::Connect(request) => server.accept_connect(request),
//!             ServerEvent::Publish(request) => {
//!                 assert_eq!(request.path.path(), "app/key");
//!                 server.accept_publish(request);
//!             }
//!             _ => {}
//!         }
//!     }
//!     let out = server.output();
//!     down.extend_from_slice(&out.copy_to_bytes(out.remaining()));
//!     let mut published = None;
//!     while let Some(event) = client.next_event(&mut down, now)? {
//!         if let ClientEvent::Publishing(stream) = event {
//!             published = Some(stream); // send(stream, …) from here on
//!         }
//!     }
//!     if let Some(stream) = published {
//!         break stream;
//!     }
//! };
//! assert_eq!(published.0, 1);
//! # Ok::<(), SessionError>(())
//! ```
//!
//! # What a driver and an application have to do
//!
//! - Call `next_event` until it gives `None`, after each read *and* after each answer or time-out.
//! - Read no more while the input holds 64 KiB: a session that waits for an answer leaves its input alone.
//! - Write what `output` holds as soon as the socket takes it, in as few writes as it takes.
//! - After an error write what is left of `output` and close. An orderly end is an error too,
//!   [`SessionError::Closed`], and comes after the event `Closed`.
//! - Answer requests at once or within [`Timeouts::answer`].
//! - Send to many by one [`SharedMessage`](levada_chunk::SharedMessage), cut to [`ServerConfig::chunk_size`].
//!
//! # Message streams
//!
//! A connection carries several streams. Each goes through the states of this table, at a server by what the client
//! says and the application answers, at a client by what the application says and the server answers:
//!
//! ```text
//!               publish      play        accept      refuse   pause    resume   stop   delete
//! Idle          PublishAsked PlayAsked   –           –        –        –        Idle   Gone
//! PublishAsked  –            –           Publishing  Idle     –        –        Idle   Gone
//! Publishing    –            –           –           –        –        –        Idle   Gone
//! PlayAsked     –            –           Playing     Idle     –        –        Idle   Gone
//! Playing       –            PlayAsked   –           –        Paused   –        Idle   Gone
//! Paused        –            PlayAsked   –           –        –        Playing  Idle   Gone
//! ```
//!
//! # Limits
//!
//! [`SessionLimits`] bounds what a peer can make a session keep and do, our own answers included, and [`Timeouts`]
//! how long anything may take. Media is refused ([`SendError::Full`]) when the peer does not read; answers never
//! are, but a peer that keeps asking without reading is cut off.
//!
//! What is accepted against the text is told, once each, as a [`Quirk`].
//!
//! # What is not here
//!
//! No media: a message is passed on unopened, see `levada-flv` for what is in it. No queue to players: see
//! `levada-relay`. No TLS: see `levada-tls`, which wraps any endpoint. No shared objects and no methods of the
//! application: who asks for them is refused.
//!
//! # Spec
//!
//! Adobe, *Real-Time Messaging Protocol* 1.0 (2012), §7; Thornburgh, *RTMP Errata and Addenda* and *RTMP Family URI
//! Schemes* (2024); Veovera, *Enhanced RTMP* v2 (negotiation and reconnect request). Adobe authentication, the FC
//! commands and `@setDataFrame` are known from what products send.

mod config;
mod error;

mod command;
mod enhanced;
mod path;
mod status;
mod url;

mod auth;
mod data;
mod shared_object;

mod quirk;
mod rate;
mod statistics;
mod stream;
mod timer;

mod link;

mod client;
mod request;
mod server;

pub use auth::Credentials;
pub use client::{ClientEvent, ClientSession, MoveReason, Moved};
pub use command::{Command, StatusInfo};
pub use config::{ClientConfig, ServerConfig, SessionLimits, Timeouts};
pub use enhanced::{Capabilities, CodecFlags, Codecs, Extensions, FourCc};
pub use error::{SendError, SessionError, SessionLimit, Unexpected};
pub use link::CloseReason;
pub use path::{NameError, NameRules, StreamPath};
pub use quirk::Quirk;
pub use request::{
    ConnectRequest, PlayRequest, PlayStart, PublishKind, PublishRequest, Purpose, Rejection,
    Request,
};
pub use server::{Flow, ServerEvent, ServerSession};
pub use statistics::Statistics;
pub use status::{Level, Status};
pub use timer::Timer;
pub use url::{RtmpUrl, UrlError};
