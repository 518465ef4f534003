//! RTMP sessions without IO.

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

mod link;
mod quirk;
mod rate;
mod statistics;
mod stream;
mod timer;

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
