//! The status codes of `onStatus`, `_result` and `_error`, as values.

use core::fmt;

/// How grave a status is. Most encoders stop on `Error` and on nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol knows these three")]
pub enum Level {
    /// Things go as asked.
    #[default]
    Status,
    /// Things go, but not well.
    Warning,
    /// What was asked for does not happen.
    Error,
}

impl Level {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of a word on the wire. Unknown words say nothing bad.
    pub fn parse(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warning" => Self::Warning,
            _ => Self::Status,
        }
    }
}

/// A status code, with the level that the ActionScript 3 reference and Enhanced RTMP give it.
///
/// These are the codes that servers send and clients act on; what a peer sends beside them stays readable as text in
/// [`StatusInfo`](crate::StatusInfo).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "a variant is named like the code it stands for")]
pub enum Status {
    CallBadVersion,
    CallFailed,
    CallProhibited,
    ConnectAppShutdown,
    ConnectClosed,
    ConnectFailed,
    ConnectIdleTimeout,
    ConnectInvalidApp,
    ConnectReconnectRequest,
    ConnectRejected,
    ConnectSuccess,
    ProxyNotResponding,
    BufferEmpty,
    BufferFull,
    BufferFlush,
    StreamConnectClosed,
    StreamConnectFailed,
    StreamConnectRejected,
    StreamConnectSuccess,
    DataStart,
    StreamFailed,
    InvalidArg,
    PauseNotify,
    UnpauseNotify,
    PlayComplete,
    PlayFailed,
    PlayFileStructureInvalid,
    PlayInsufficientBandwidth,
    PlayNoSupportedTrackFound,
    PlayPublishNotify,
    PlayReset,
    PlayStart,
    PlayStop,
    PlayStreamNotFound,
    PlaySwitch,
    PlayTransition,
    PlayTransitionComplete,
    PlayUnpublishNotify,
    PublishBadName,
    PublishDenied,
    PublishIdle,
    PublishRejected,
    PublishStart,
    UnpublishSuccess,
    RecordAlreadyExists,
    RecordFailed,
    RecordNoAccess,
    RecordStart,
    RecordStop,
    SeekFailed,
    SeekInvalidTime,
    SeekNotify,
    StepNotify,
}

impl Status {
    /// Every code that this type knows.
    pub const ALL: [Self; 53] = [
        Self::CallBadVersion,
        Self::CallFailed,
        Self::CallProhibited,
        Self::ConnectAppShutdown,
        Self::ConnectClosed,
        Self::ConnectFailed,
        Self::ConnectIdleTimeout,
        Self::ConnectInvalidApp,
        Self::ConnectReconnectRequest,
        Self::ConnectRejected,
        Self::ConnectSuccess,
        Self::ProxyNotResponding,
        Self::BufferEmpty,
        Self::BufferFull,
        Self::BufferFlush,
        Self::StreamConnectClosed,
        Self::StreamConnectFailed,
        Self::StreamConnectRejected,
        Self::StreamConnectSuccess,
        Self::DataStart,
        Self::StreamFailed,
        Self::InvalidArg,
        Self::PauseNotify,
        Self::UnpauseNotify,
        Self::PlayComplete,
        Self::PlayFailed,
        Self::PlayFileStructureInvalid,
        Self::PlayInsufficientBandwidth,
        Self::PlayNoSupportedTrackFound,
        Self::PlayPublishNotify,
        Self::PlayReset,
        Self::PlayStart,
        Self::PlayStop,
        Self::PlayStreamNotFound,
        Self::PlaySwitch,
        Self::PlayTransition,
        Self::PlayTransitionComplete,
        Self::PlayUnpublishNotify,
        Self::PublishBadName,
        Self::PublishDenied,
        Self::PublishIdle,
        Self::PublishRejected,
        Self::PublishStart,
        Self::UnpublishSuccess,
        Self::RecordAlreadyExists,
        Self::RecordFailed,
        Self::RecordNoAccess,
        Self::RecordStart,
        Self::RecordStop,
        Self::SeekFailed,
        Self::SeekInvalidTime,
        Self::SeekNotify,
        Self::StepNotify,
    ];

    /// The text on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CallBadVersion => "NetConnection.Call.BadVersion",
            Self::CallFailed => "NetConnection.Call.Failed",
            Self::CallProhibited => "NetConnection.Call.Prohibited",
            Self::ConnectAppShutdown => "NetConnection.Connect.AppShutdown",
            Self::ConnectClosed => "NetConnection.Connect.Closed",
            Self::ConnectFailed => "NetConnection.Connect.Failed",
            Self::ConnectIdleTimeout => "NetConnection.Connect.IdleTimeout",
            Self::ConnectInvalidApp => "NetConnection.Connect.InvalidApp",
            Self::ConnectReconnectRequest => "NetConnection.Connect.ReconnectRequest",
            Self::ConnectRejected => "NetConnection.Connect.Rejected",
            Self::ConnectSuccess => "NetConnection.Connect.Success",
            Self::ProxyNotResponding => "NetConnection.Proxy.NotResponding",
            Self::BufferEmpty => "NetStream.Buffer.Empty",
            Self::BufferFull => "NetStream.Buffer.Full",
            Self::BufferFlush => "NetStream.Buffer.Flush",
            Self::StreamConnectClosed => "NetStream.Connect.Closed",
            Self::StreamConnectFailed => "NetStream.Connect.Failed",
            Self::StreamConnectRejected => "NetStream.Connect.Rejected",
            Self::StreamConnectSuccess => "NetStream.Connect.Success",
            Self::DataStart => "NetStream.Data.Start",
            Self::StreamFailed => "NetStream.Failed",
            Self::InvalidArg => "NetStream.InvalidArg",
            Self::PauseNotify => "NetStream.Pause.Notify",
            Self::UnpauseNotify => "NetStream.Unpause.Notify",
            Self::PlayComplete => "NetStream.Play.Complete",
            Self::PlayFailed => "NetStream.Play.Failed",
            Self::PlayFileStructureInvalid => "NetStream.Play.FileStructureInvalid",
            Self::PlayInsufficientBandwidth => "NetStream.Play.InsufficientBW",
            Self::PlayNoSupportedTrackFound => "NetStream.Play.NoSupportedTrackFound",
            Self::PlayPublishNotify => "NetStream.Play.PublishNotify",
            Self::PlayReset => "NetStream.Play.Reset",
            Self::PlayStart => "NetStream.Play.Start",
            Self::PlayStop => "NetStream.Play.Stop",
            Self::PlayStreamNotFound => "NetStream.Play.StreamNotFound",
            Self::PlaySwitch => "NetStream.Play.Switch",
            Self::PlayTransition => "NetStream.Play.Transition",
            Self::PlayTransitionComplete => "NetStream.Play.TransitionComplete",
            Self::PlayUnpublishNotify => "NetStream.Play.UnpublishNotify",
            Self::PublishBadName => "NetStream.Publish.BadName",
            Self::PublishDenied => "NetStream.Publish.Denied",
            Self::PublishIdle => "NetStream.Publish.Idle",
            Self::PublishRejected => "NetStream.Publish.Rejected",
            Self::PublishStart => "NetStream.Publish.Start",
            Self::UnpublishSuccess => "NetStream.Unpublish.Success",
            Self::RecordAlreadyExists => "NetStream.Record.AlreadyExists",
            Self::RecordFailed => "NetStream.Record.Failed",
            Self::RecordNoAccess => "NetStream.Record.NoAccess",
            Self::RecordStart => "NetStream.Record.Start",
            Self::RecordStop => "NetStream.Record.Stop",
            Self::SeekFailed => "NetStream.Seek.Failed",
            Self::SeekInvalidTime => "NetStream.Seek.InvalidTime",
            Self::SeekNotify => "NetStream.Seek.Notify",
            Self::StepNotify => "NetStream.Step.Notify",
        }
    }

    /// The level that goes with the code.
    pub const fn level(self) -> Level {
        match self {
            Self::CallBadVersion
            | Self::CallFailed
            | Self::CallProhibited
            | Self::ConnectAppShutdown
            | Self::ConnectFailed
            | Self::ConnectInvalidApp
            | Self::ConnectRejected
            | Self::ProxyNotResponding
            | Self::StreamConnectFailed
            | Self::StreamConnectRejected
            | Self::StreamFailed
            | Self::InvalidArg
            | Self::PlayFailed
            | Self::PlayFileStructureInvalid
            | Self::PlayNoSupportedTrackFound
            | Self::PlayStreamNotFound
            | Self::PublishBadName
            | Self::PublishDenied
            | Self::PublishRejected
            | Self::RecordFailed
            | Self::RecordNoAccess
            | Self::SeekFailed
            | Self::SeekInvalidTime => Level::Error,
            Self::PlayInsufficientBandwidth => Level::Warning,
            _ => Level::Status,
        }
    }

    /// The code of a text on the wire, if it is one of [`ALL`](Self::ALL).
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_list_once_and_comes_back_from_its_text() {
        for (index, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, index);
            assert_eq!(Status::parse(status.code()), Some(status));
        }
        assert_eq!(Status::StepNotify as usize + 1, Status::ALL.len());
        assert_eq!(Status::parse("NetStream.Nothing"), None);
    }

    #[test]
    fn levels_are_those_of_the_reference() {
        assert_eq!(Status::PublishBadName.level(), Level::Error);
        assert_eq!(Status::PlayUnpublishNotify.level(), Level::Status);
        assert_eq!(Status::PlayInsufficientBandwidth.level(), Level::Warning);
        for level in [Level::Status, Level::Warning, Level::Error] {
            assert_eq!(Level::parse(level.as_str()), level);
        }
    }
}
