use core::fmt;

use levada_amf::AmfError;
use levada_chunk::ChunkError;
use levada_handshake::HandshakeError;
use thiserror::Error;

use crate::Timer;

/// Why a session ended. Sticky: later calls return the same again.
///
/// None of them holds anything that the peer sent, so that they can be logged.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer speaks something else.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer broke the chunk stream, or a limit of it.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The peer sent a command that passes a limit of [`AmfLimits`](levada_amf::AmfLimits).
    #[error("in a command before byte {offset} of the chunk stream: {why}")]
    Command {
        /// Where the message ended.
        offset: u64,
        /// What it was, with the place inside the message.
        why: AmfError,
    },
    /// The peer sent what has no place in the conversation at that point.
    #[error("before byte {offset} of the chunk stream: {what}")]
    Unexpected {
        /// Where the message ended.
        offset: u64,
        /// What it was.
        what: Unexpected,
    },
    /// The peer did too much of something.
    #[error("before byte {offset} of the chunk stream: more than {limit} {which}")]
    Limit {
        /// Where the message ended that was too much.
        offset: u64,
        /// Of what.
        which: SessionLimit,
        /// The limit.
        limit: u64,
    },
    /// Something did not happen in time.
    #[error("took too long: {0}")]
    Timeout(Timer),
    /// The session ended in order, and [`Closed`](crate::ServerEvent::Closed) was told.
    #[error("the session is closed")]
    Closed,
}

/// What a peer sent at the wrong time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unexpected {
    /// A command before `connect`. RTMP 1.0 §7.2.1.
    CommandBeforeConnect,
    /// A second `connect`.
    SecondConnect,
}

/// The limits that a session keeps itself, beside those of chunks and of AMF.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SessionLimit {
    /// [`SessionLimits::max_streams`](crate::SessionLimits::max_streams).
    Streams,
    /// [`SessionLimits::commands_per_second`](crate::SessionLimits::commands_per_second).
    Commands,
    /// [`SessionLimits::max_unknown`](crate::SessionLimits::max_unknown).
    UnknownMessages,
    /// [`SessionLimits::max_replies`](crate::SessionLimits::max_replies).
    Replies,
}

impl fmt::Display for Unexpected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CommandBeforeConnect => "a command before connect (RTMP 1.0 §7.2.1)",
            Self::SecondConnect => "a second connect (RTMP 1.0 §7.2.1.1)",
        })
    }
}

impl fmt::Display for SessionLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Streams => "message streams",
            Self::Commands => "commands a second",
            Self::UnknownMessages => "messages of unknown types",
            Self::Replies => "bytes of replies that the peer does not read",
        })
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Handshake => "the handshake",
            Self::Connect => "connect",
            Self::Answer => "the application's answer to a request",
            Self::Stream => "publish or play after connect",
            Self::FirstMedia => "the first media after publish",
            Self::Idle => "the next byte from the peer",
            Self::Ping => "the next ping",
            Self::Write => "the peer's taking of what waits for it",
            Self::Partial => "the end of a message",
            Self::Linger => "the peer's closing",
        })
    }
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// The peer reads more slowly than it is sent to. Media only: send less, or skip to the next keyframe.
    #[error("the peer does not take it fast enough")]
    Full,
    /// There is no such stream, or nothing can be sent on it in its state.
    #[error("the stream is not there, or not ready")]
    NoSuchStream,
    /// The peer did not declare that it understands this.
    #[error("the peer does not understand this")]
    Unsupported,
    /// The session is closing or closed.
    #[error("the session is closed")]
    Closed,
}
