//! What a player's commands do. RTMP 1.0 §7.2.2.

use levada_amf::Value;
use levada_chunk::{MessageStreamId, MessageType, UserControl};

use super::command::name_of;
use super::{Flow, ServerEvent, ServerSession, What};
use crate::request::Purpose;
use crate::stream::{StreamInput, StreamState};
use crate::{Command, PlayRequest, PlayStart, Quirk, Rejection, Status};

impl ServerSession {
    /// §7.2.2.1.
    pub(super) fn handle_play(
        &mut self,
        stream: MessageStreamId,
        command: &Command,
    ) -> Option<ServerEvent> {
        let path = self.path(Purpose::Play, stream, command.value(1))?;
        let start = self.play_start(command.value(2));
        let duration_ms = command.value(3).to_number().and_then(to_millis);
        // A boolean, or a number of four bits of which the lowest says to clear the playlist. Missing: true.
        let reset = command.value(4).to_number().is_none_or(|it| it != 0.0);
        let name = name_of(command.value(1));
        let what = What::Play { stream, reset, switch: false, name };
        if !self.begin(&what, StreamInput::Play) {
            return None;
        }
        let serial = self.ask(what);
        let request = PlayRequest { serial, stream, path, start, duration_ms, switch: false };
        Some(ServerEvent::Play(Box::new(request)))
    }

    /// The text says seconds, −2 for any and −1 for live. FFmpeg and librtmp send thousandths of everything.
    fn play_start(&mut self, start: &Value) -> PlayStart {
        let Some(start) = start.to_number() else { return PlayStart::Any };
        self.link.quirks.note_if(start <= -1000.0, Quirk::StartInThousandths);
        if start == -1.0 || start == -1000.0 {
            PlayStart::Live
        } else if start >= 0.0 {
            self.link.quirks.note_if(start == 0.0, Quirk::StartAtZero);
            PlayStart::Recording { from_ms: to_millis(start).unwrap_or_default() }
        } else {
            PlayStart::Any
        }
    }

    /// §7.2.2.2, AS3 NetStreamPlayOptions: another stream in place of the one that plays.
    pub(super) fn handle_play2(
        &mut self,
        stream: MessageStreamId,
        command: &Command,
    ) -> Option<ServerEvent> {
        let options = command.value(1).as_object();
        let name = options.and_then(|it| it.get("streamName")).unwrap_or(&Value::Undefined);
        let playing = self.stream(stream).is_some_and(|it| it.state == StreamState::Playing);
        let name_text = name_of(name);
        let what = What::Play { stream, reset: false, switch: true, name: name_text };
        if !playing {
            self.refuse(&what, &Rejection::unavailable("nothing plays that could be switched"));
            return None;
        }
        let Ok(path) = crate::StreamPath::new(&self.app, name.as_str()?, &self.config.names) else {
            self.refuse(&what, &Rejection::bad_name("no such name"));
            return None;
        };
        let serial = self.ask(what);
        let start = PlayStart::Any;
        let request = PlayRequest { serial, stream, path, start, duration_ms: None, switch: true };
        Some(ServerEvent::Play(Box::new(request)))
    }

    /// §7.2.2.9.
    pub(super) fn handle_pause(
        &mut self,
        id: MessageStreamId,
        command: &Command,
    ) -> Option<ServerEvent> {
        let pause = command.value(1).to_bool()?;
        let input = if pause { StreamInput::Pause } else { StreamInput::Resume };
        let stream = self.stream(id)?;
        let recorded = stream.recorded;
        // Flash 10.1 sends `pauseRaw` and `pause`: the second of them finds no move.
        if !stream.step(input) {
            return None;
        }
        let flow = if pause {
            self.status(id, Status::PauseNotify, "Paused stream.");
            if recorded {
                self.link.user(UserControl::StreamEof(id));
            }
            Flow::Pause
        } else {
            self.link.user(UserControl::StreamBegin(id));
            self.status(id, Status::UnpauseNotify, "Unpaused stream.");
            Flow::Resume
        };
        Some(ServerEvent::Flow { stream: id, flow })
    }

    /// §7.2.2.8.
    pub(super) fn handle_seek(
        &mut self,
        id: MessageStreamId,
        command: &Command,
    ) -> Option<ServerEvent> {
        let stream = self.stream(id).filter(|it| it.state.is_live())?;
        if !stream.recorded {
            self.status(id, Status::SeekFailed, "The stream is live.");
            return None;
        }
        let Some(to_ms) = command.value(1).to_number().and_then(to_millis) else {
            self.status(id, Status::SeekInvalidTime, "No such time.");
            return None;
        };
        for event in
            [UserControl::StreamEof, UserControl::StreamIsRecorded, UserControl::StreamBegin]
        {
            self.link.user(event(id));
        }
        self.status(id, Status::SeekNotify, format!("Seeking {to_ms} (stream ID: {}).", id.0));
        self.status(id, Status::PlayStart, "Started playing stream.");
        Some(ServerEvent::Flow { stream: id, flow: Flow::Seek { to_ms } })
    }

    /// §7.2.2.4, §7.2.2.5.
    pub(super) fn handle_receive(
        &mut self,
        id: MessageStreamId,
        kind: MessageType,
        command: &Command,
    ) -> Option<ServerEvent> {
        let wanted = command.value(1).to_bool()?;
        let stream = self.stream(id)?;
        let (has, flow) = if kind == MessageType::AUDIO {
            (&mut stream.audio, Flow::Audio(wanted))
        } else {
            (&mut stream.video, Flow::Video(wanted))
        };
        let changed = core::mem::replace(has, wanted) != wanted;
        let live = stream.state.is_live();
        if wanted && live {
            self.status(id, Status::SeekNotify, "Seeking to the present.");
            self.status(id, Status::PlayStart, "Started playing stream.");
        }
        (changed && live).then_some(ServerEvent::Flow { stream: id, flow })
    }
}

/// A time in milliseconds, which is what clients send. Saturates; what is no time at all is none.
fn to_millis(number: f64) -> Option<u32> {
    if !(0.0..).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating is what is wanted"
    )]
    let millis = number as u32;
    Some(millis)
}
