//! Deviations that a session accepts, each with the software that needs it.

use levada_chunk::ChunkQuirk;
use levada_handshake::HandshakeQuirk;

/// Something a peer did against the text that is accepted. Each is told once a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Quirk {
    /// Its answer in the handshake does not repeat our block: FFmpeg after a digest, FMS, many others.
    WrongEcho,
    /// Its first handshake block shows a product version, but no digest that fits: some cameras.
    VersionWithoutDigest,
    /// A chunk stream opened with a type 1 header: librtmp's first ping answer, cameras.
    OpenedWithDelta,
    /// Extended timestamps are not repeated on type 3 chunks: old librtmp, OBS before 2024.
    ExtendedTimestampOmitted,
    /// A header cut off an unfinished message: encoders on bad networks. Only if [allowed](levada_chunk::Tolerance).
    MessageCutOff,
    /// A chunk stream opened without a full header: DJI. Only if [allowed](levada_chunk::Tolerance).
    OpenedWithoutHeader,
    /// A control message came on another chunk or message stream than the text says: cameras.
    ControlElsewhere,
    /// An acknowledgement window below [`min_window`](crate::SessionLimits::min_window): broken encoders.
    SmallWindow,
    /// A message without a payload: FFmpeg.
    EmptyMessage,
    /// `connect` with another transaction than 1.
    ConnectTransaction,
    /// `connect` without `tcUrl`: rml_rtmp, some encoders.
    MissingTcUrl,
    /// `tcUrl` in apostrophes: Neko.
    QuotedTcUrl,
    /// A command that wants an answer, with transaction 0: GStreamer.
    ZeroTransaction,
    /// Bytes behind a command's arguments that are no value.
    BytesAfterCommand,
    /// `publish` without a type, which stands for `live`: some cameras.
    PublishWithoutType,
    /// No stream name, the application ends with it: OBS without a key, FFmpeg with a URL of one segment.
    NameInApp,
    /// The start of `play` in thousandths of a second: FFmpeg, librtmp.
    StartInThousandths,
    /// Live media asked for from 0, the form for recordings: GStreamer.
    StartAtZero,
    /// `deleteStream` with the name in place of the number: GStreamer.
    DeleteByName,
    /// Media on message stream 0 while one stream is published: some encoders.
    MediaOnStreamZero,
    /// Metadata before the stream it belongs to: FMLE plug-ins.
    EarlyMetadata,
    /// Numbers before the name of a data message: Uniview.
    NumbersBeforeData,
    /// An answer without the transaction of the request: nginx-rtmp, Reolink, SRS.
    AnswerWithoutTransaction,
    /// Media before the status that announces it: old servers.
    EarlyMedia,
    /// The status of a stream, on another message stream: old servers.
    StatusElsewhere,
}

impl From<ChunkQuirk> for Quirk {
    fn from(quirk: ChunkQuirk) -> Self {
        match quirk {
            ChunkQuirk::ExtendedTimestampOmitted => Self::ExtendedTimestampOmitted,
            ChunkQuirk::MessageCutOff => Self::MessageCutOff,
            ChunkQuirk::OpenedWithoutHeader => Self::OpenedWithoutHeader,
            _ => Self::OpenedWithDelta,
        }
    }
}

impl From<HandshakeQuirk> for Quirk {
    fn from(quirk: HandshakeQuirk) -> Self {
        match quirk {
            HandshakeQuirk::VersionWithoutDigest => Self::VersionWithoutDigest,
            _ => Self::WrongEcho,
        }
    }
}

impl Quirk {
    const ALL: [Self; 25] = [
        Self::WrongEcho,
        Self::VersionWithoutDigest,
        Self::OpenedWithDelta,
        Self::ExtendedTimestampOmitted,
        Self::MessageCutOff,
        Self::OpenedWithoutHeader,
        Self::ControlElsewhere,
        Self::SmallWindow,
        Self::EmptyMessage,
        Self::ConnectTransaction,
        Self::MissingTcUrl,
        Self::QuotedTcUrl,
        Self::ZeroTransaction,
        Self::BytesAfterCommand,
        Self::PublishWithoutType,
        Self::NameInApp,
        Self::StartInThousandths,
        Self::StartAtZero,
        Self::DeleteByName,
        Self::MediaOnStreamZero,
        Self::EarlyMetadata,
        Self::NumbersBeforeData,
        Self::AnswerWithoutTransaction,
        Self::EarlyMedia,
        Self::StatusElsewhere,
    ];
}

/// The quirks of one peer. A queue of events that cannot grow: a bit for each.
#[derive(Debug, Default)]
pub(crate) struct Quirks {
    seen: u32,
    untold: u32,
}

impl Quirks {
    pub(crate) fn note(&mut self, quirk: impl Into<Quirk>) {
        let bit = 1_u32 << quirk.into() as u32;
        self.untold |= bit & !self.seen;
        self.seen |= bit;
    }

    /// Notes it if `happened`.
    pub(crate) fn note_if(&mut self, happened: bool, quirk: Quirk) {
        if happened {
            self.note(quirk);
        }
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<Quirk> {
        if self.untold == 0 { None } else { self.take_one() }
    }

    #[cold]
    fn take_one(&mut self) -> Option<Quirk> {
        let quirk = Quirk::ALL.into_iter().find(|it| self.untold & 1 << *it as u32 != 0)?;
        self.untold &= !(1 << quirk as u32);
        Some(quirk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once() {
        let mut quirks = Quirks::default();
        for (index, quirk) in Quirk::ALL.into_iter().enumerate() {
            assert_eq!(quirk as usize, index);
            quirks.note(quirk);
        }
        assert_eq!(Quirk::StatusElsewhere as usize + 1, Quirk::ALL.len());
        for quirk in Quirk::ALL {
            assert_eq!(quirks.take(), Some(quirk));
            quirks.note(quirk);
        }
        assert_eq!(quirks.take(), None);
    }
}
