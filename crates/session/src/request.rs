//! What a peer asks for: tickets that the application answers once.

use core::fmt;

use levada_amf::{Object, Value};
use levada_chunk::MessageStreamId;

use crate::{Capabilities, Status, StreamPath};

/// Which request an answer is for.
pub(crate) type Serial = u32;

/// A client wants to connect to an application.
///
/// Answer it with [`accept_connect`](crate::ServerSession::accept_connect) or [`reject`](crate::ServerSession::reject).
#[derive(PartialEq)]
#[must_use = "a client waits for the answer"]
#[non_exhaustive]
pub struct ConnectRequest {
    pub(crate) serial: Serial,
    /// The application, without its query: `live`. May be empty.
    pub app: String,
    /// The query behind the application.
    pub query: String,
    /// The URL that the client says it connected to: its host name is what it knows us by. Empty if it tells none.
    pub tc_url: String,
    /// What software it says it is.
    pub flash_version: String,
    /// What it declares of Enhanced RTMP.
    pub capabilities: Capabilities,
    /// The whole of the command object.
    pub object: Object,
    /// What else it sent along: user names, tokens.
    pub arguments: Vec<Value>,
}

/// A client wants to publish a stream.
///
/// Answer it with [`accept_publish`](crate::ServerSession::accept_publish) or [`reject`](crate::ServerSession::reject).
#[derive(PartialEq)]
#[must_use = "a client waits for the answer"]
#[non_exhaustive]
pub struct PublishRequest {
    pub(crate) serial: Serial,
    /// The message stream that its media will come on.
    pub stream: MessageStreamId,
    /// Which stream, in the one form that all ways of writing it come to.
    pub path: StreamPath,
    /// Whether it is to be recorded.
    pub kind: PublishKind,
}

/// A client wants to play a stream.
///
/// Answer it with [`accept_play`](crate::ServerSession::accept_play),
/// [`accept_recording`](crate::ServerSession::accept_recording) or [`reject`](crate::ServerSession::reject).
#[derive(PartialEq)]
#[must_use = "a client waits for the answer"]
#[non_exhaustive]
pub struct PlayRequest {
    pub(crate) serial: Serial,
    /// The message stream that its media will go out on.
    pub stream: MessageStreamId,
    /// Which stream, in the one form that all ways of writing it come to.
    pub path: StreamPath,
    /// From where.
    pub start: PlayStart,
    /// For how many milliseconds. `None`: to the end.
    pub duration_ms: Option<u32>,
    /// Whether it is to take the place of what plays on that message stream, without a break (`play2`).
    pub switch: bool,
}

/// What a publisher wants done with its stream beside passing it on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows these three")]
pub enum PublishKind {
    /// Nothing.
    Live,
    /// To record it, in place of an older recording.
    Record,
    /// To record it behind an older recording.
    Append,
}

impl PublishKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Record => "record",
            Self::Append => "append",
        }
    }
}

/// From where a player wants to play.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows these three")]
pub enum PlayStart {
    /// The live stream if there is one, else the recording.
    Any,
    /// The live stream only.
    Live,
    /// The recording, from so many milliseconds.
    Recording {
        /// How many.
        from_ms: u32,
    },
}

/// Any of the three, for [`reject`](crate::ServerSession::reject).
#[derive(Debug, PartialEq)]
#[must_use = "a client waits for the answer"]
#[expect(clippy::exhaustive_enums, reason = "these are what a peer can ask for")]
pub enum Request {
    /// To connect.
    Connect(Box<ConnectRequest>),
    /// To publish.
    Publish(Box<PublishRequest>),
    /// To play.
    Play(Box<PlayRequest>),
}

impl Request {
    pub(crate) fn serial(&self) -> Serial {
        match self {
            Self::Connect(request) => request.serial,
            Self::Publish(request) => request.serial,
            Self::Play(request) => request.serial,
        }
    }
}

impl From<Box<ConnectRequest>> for Request {
    fn from(request: Box<ConnectRequest>) -> Self {
        Self::Connect(request)
    }
}

impl From<Box<PublishRequest>> for Request {
    fn from(request: Box<PublishRequest>) -> Self {
        Self::Publish(request)
    }
}

impl From<Box<PlayRequest>> for Request {
    fn from(request: Box<PlayRequest>) -> Self {
        Self::Play(request)
    }
}

/// Only the application and the software are shown: the rest holds tokens.
impl fmt::Debug for ConnectRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ConnectRequest({:?}, {:?}, …)", self.app, self.flash_version)
    }
}

impl fmt::Debug for PublishRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublishRequest({}, {:?}, {:?})", self.stream.0, self.path, self.kind)
    }
}

impl fmt::Debug for PlayRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PlayRequest({}, {:?}, {:?})", self.stream.0, self.path, self.start)
    }
}

/// Why a request is refused: a reason that becomes the status code which clients act on, and words for the person
/// at the encoder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) description: String,
    pub(crate) redirect: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    Denied,
    NotFound,
    InUse,
    BadName,
    Unsupported,
    Unavailable,
    Shutdown,
}

/// What a request was for. The same reason has another code for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "these are what a peer can ask for")]
pub enum Purpose {
    /// To connect.
    Connect,
    /// To publish.
    Publish,
    /// To play.
    Play,
}

impl Rejection {
    /// Not allowed: wrong key, wrong password, wrong address.
    pub fn denied(description: impl Into<String>) -> Self {
        Self::new(Reason::Denied, description)
    }

    /// No such application or stream.
    pub fn not_found(description: impl Into<String>) -> Self {
        Self::new(Reason::NotFound, description)
    }

    /// Somebody else publishes under that name.
    pub fn in_use(description: impl Into<String>) -> Self {
        Self::new(Reason::InUse, description)
    }

    /// The client could not make use of it, or we not of what it sends.
    pub fn unsupported(description: impl Into<String>) -> Self {
        Self::new(Reason::Unsupported, description)
    }

    /// Not now.
    pub fn unavailable(description: impl Into<String>) -> Self {
        Self::new(Reason::Unavailable, description)
    }

    /// The server goes down.
    pub fn shutdown(description: impl Into<String>) -> Self {
        Self::new(Reason::Shutdown, description)
    }

    /// Connect to this URL in place of ours. Only a `connect` can be redirected; see
    /// [`request_reconnect`](crate::ServerSession::request_reconnect) for later.
    pub fn redirect(url: impl Into<String>) -> Self {
        Self { redirect: Some(url.into()), ..Self::new(Reason::Denied, "redirected") }
    }

    pub(crate) fn bad_name(description: impl Into<String>) -> Self {
        Self::new(Reason::BadName, description)
    }

    fn new(reason: Reason, description: impl Into<String>) -> Self {
        Self { reason, description: description.into(), redirect: None }
    }

    /// The code that clients understand best. rtmp-session: OBS and librtmp stop on `BadName`, `Denied` and `Failed`,
    /// FFmpeg on every error.
    pub(crate) const fn status(&self, purpose: Purpose) -> Status {
        match (purpose, self.reason) {
            (Purpose::Connect, Reason::NotFound | Reason::BadName) => Status::ConnectInvalidApp,
            (Purpose::Connect, Reason::Unavailable) => Status::ConnectFailed,
            (Purpose::Connect, Reason::Shutdown) => Status::ConnectAppShutdown,
            (Purpose::Connect, _) => Status::ConnectRejected,
            (Purpose::Publish, Reason::Denied) => Status::PublishDenied,
            (Purpose::Publish, Reason::Unsupported) => Status::PublishRejected,
            (_, Reason::Unavailable | Reason::Shutdown) => Status::StreamFailed,
            (Purpose::Publish, _) => Status::PublishBadName,
            (Purpose::Play, Reason::NotFound | Reason::BadName) => Status::PlayStreamNotFound,
            (Purpose::Play, Reason::Unsupported) => Status::PlayNoSupportedTrackFound,
            (Purpose::Play, _) => Status::PlayFailed,
        }
    }
}
