//! One message stream's life, as a table.
//!
//! ```text
//!                     publish            accept
//!        ┌──► Idle ─────────► PublishAsked ─────► Publishing
//!        │     │ ▲                 │ refuse, stop      │ stop
//!        │     │ └─────────────────┴───────────────────┘
//! create │     │ play              accept        pause
//!        │     └─────► PlayAsked ────────► Playing ─────► Paused
//!        │      ▲ ▲       │ refuse, stop    │ ▲ │ resume  │ │
//!        │      │ └───────┼── play ─────────┘ └─┼─────────┘ │
//!        │      │         ▼                     ▼ stop      │ stop
//!        │      │       Idle                  Idle ◄────────┘
//!        └── delete from everywhere: the stream is gone
//! ```
//!
//! The table does not know which role we play: at a server `Publish` is a command that came and `Accept` the
//! application's answer; at a client `Publish` is a command that went out and `Accept` the server's `Publish.Start`.

/// Where a message stream is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamState {
    Idle,
    PublishAsked,
    Publishing,
    PlayAsked,
    Playing,
    Paused,
    Gone,
}

/// What can happen to a message stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamInput {
    Publish,
    Play,
    Accept,
    Refuse,
    Pause,
    Resume,
    Stop,
    Delete,
}

impl StreamState {
    /// The state after `input`, or `None` when that input has no place in this state.
    pub(crate) const fn next(self, input: StreamInput) -> Option<Self> {
        use StreamInput as In;
        Some(match (self, input) {
            (Self::Gone, _) => return None,
            (_, In::Delete) => Self::Gone,
            (_, In::Stop) => Self::Idle,
            (Self::Idle, In::Publish) => Self::PublishAsked,
            (Self::PublishAsked, In::Accept) => Self::Publishing,
            (Self::Idle | Self::Playing | Self::Paused, In::Play) => Self::PlayAsked,
            (Self::PlayAsked, In::Accept) => Self::Playing,
            (Self::PublishAsked | Self::PlayAsked, In::Refuse) => Self::Idle,
            (Self::Playing, In::Pause) => Self::Paused,
            (Self::Paused, In::Resume) => Self::Playing,
            _ => return None,
        })
    }

    /// Whether an answer is to come.
    pub(crate) const fn is_asked(self) -> bool {
        matches!(self, Self::PublishAsked | Self::PlayAsked)
    }

    /// Whether media goes over the stream, in either direction.
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Publishing | Self::Playing | Self::Paused)
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Write;

    use super::{StreamInput as In, StreamState as State};

    const STATES: [State; 7] = [
        State::Idle,
        State::PublishAsked,
        State::Publishing,
        State::PlayAsked,
        State::Playing,
        State::Paused,
        State::Gone,
    ];
    const INPUTS: [In; 8] = [
        In::Publish,
        In::Play,
        In::Accept,
        In::Refuse,
        In::Pause,
        In::Resume,
        In::Stop,
        In::Delete,
    ];

    #[test]
    fn the_table() {
        let mut table = String::new();
        for state in STATES {
            write!(table, "{:13}", format!("{state:?}")).unwrap();
            for input in INPUTS {
                let next = state.next(input).map_or_else(|| "-".to_owned(), |it| format!("{it:?}"));
                write!(table, " {next:12}").unwrap();
            }
            table.truncate(table.trim_end().len());
            table.push('\n');
        }
        let snapshot = "\
             publish      play         accept       refuse       pause        resume       stop         delete
Idle          PublishAsked PlayAsked    -            -            -            -            Idle         Gone
PublishAsked  -            -            Publishing   Idle         -            -            Idle         Gone
Publishing    -            -            -            -            -            -            Idle         Gone
PlayAsked     -            -            Playing      Idle         -            -            Idle         Gone
Playing       -            PlayAsked    -            -            Paused       -            Idle         Gone
Paused        -            PlayAsked    -            -            -            Playing      Idle         Gone
Gone          -            -            -            -            -            -            -            -
";
        let rows = snapshot.split_once('\n').map_or("", |(_, rows)| rows);
        assert_eq!(table, rows);
    }
}
