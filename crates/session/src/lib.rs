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

mod request;
mod server;

pub use auth::Credentials;
pub use command::{Command, StatusInfo};
pub use config::{ServerConfig, SessionLimits, Timeouts};
pub use enhanced::{Capabilities, CodecFlags, Codecs, Extensions, FourCc};
pub use error::{SendError, SessionError, SessionLimit, Unexpected};
pub use path::{NameError, NameRules, StreamPath};
pub use quirk::Quirk;
pub use request::{
    ConnectRequest, PlayRequest, PlayStart, PublishKind, PublishRequest, Rejection, Request,
};
pub use server::{CloseReason, Flow, ServerEvent, ServerSession};
pub use statistics::Statistics;
pub use status::{Level, Status};
pub use timer::Timer;
pub use url::{RtmpUrl, UrlError};
