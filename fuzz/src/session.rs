use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use levada_amf::{AmfLimits, AmfString};
use levada_buf::Endpoint;
use levada_chunk::{Message, MessageType};
use levada_handshake::Entropy;
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, Command, PlayStart, PublishKind, Rejection, RtmpUrl,
    ServerConfig, ServerEvent, ServerSession, SessionError,
};

/// More than the replies of a session may take, with what one read can ask for on top.
const MAX_OUTPUT: usize = 64 * 1024 + 4096;

/// How data is used: the first byte chooses what the application does, the second says how many bytes after it are
/// the sizes of the pieces that the rest comes in.
struct Script<'a> {
    flags: u8,
    sizes: &'a [u8],
    wire: Vec<u8>,
}

impl<'a> Script<'a> {
    fn new(data: &'a [u8]) -> Option<Self> {
        let [flags, count, rest @ ..] = data else { return None };
        let (sizes, wire) = rest.split_at(usize::from(count % 16).min(rest.len()));
        // Few inputs would get through the 3073 bytes of a handshake.
        let hello = if flags & 1 == 0 { [&[3][..], &[0; 3072]].concat() } else { Vec::new() };
        Some(Self { flags: *flags, sizes, wire: [&hello, wire].concat() })
    }
}

/// What a session did: its events in order, how it ended, what was left of the input.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<String>,
    error: Option<SessionError>,
    left: usize,
    /// Whether it ends by itself when nothing more comes.
    ended: bool,
}

/// Feeds a session in pieces and checks what every endpoint promises.
fn drive<E: Endpoint<Error = SessionError>>(
    mut end: E,
    wire: &[u8],
    sizes: &[u8],
    mut on_event: impl FnMut(&mut E, E::Event) -> String,
) -> Seen {
    // Time stands still: what is under test here is bytes.
    let now = Instant::now();
    let mut seen = Seen { events: Vec::new(), error: None, left: 0, ended: true };
    let mut input = BytesMut::new();
    let (mut rest, mut step) = (wire, 0);
    loop {
        let size =
            sizes.get(step % sizes.len().max(1)).map_or(wire.len(), |it| usize::from(*it) + 1);
        let (piece, later) = rest.split_at(size.min(rest.len()));
        input.extend_from_slice(piece);
        (rest, step) = (later, step + 1);
        loop {
            match end.next_event(&mut input, now) {
                Ok(Some(event)) => seen.events.push(on_event(&mut end, event)),
                Ok(None) => break,
                Err(why) => {
                    assert!(end.next_event(&mut input, now).is_err_and(|it| it == why));
                    assert!(end.deadline().is_none());
                    seen.error = Some(why);
                    return seen;
                }
            }
        }
        assert!(end.next_event(&mut input, now).is_ok_and(|it| it.is_none()));
        assert!(end.deadline().is_some(), "everything has an end");
        let out = end.output();
        assert!(out.remaining() <= MAX_OUTPUT, "{}", out.remaining());
        out.advance(out.remaining());
        if rest.is_empty() {
            break;
        }
    }
    seen.left = input.len();
    // However long nothing more comes, the timers do not spin.
    let mut later = now;
    for _ in 0..100 {
        let Some(due) = end.deadline() else { break };
        later = due.max(later);
        end.handle_timeout(later);
        assert!(end.deadline().is_none_or(|it| it > later));
        let out = end.output();
        out.advance(out.remaining());
        while let Ok(Some(event)) = end.next_event(&mut input, later) {
            drop(event);
        }
    }
    seen.ended = end.deadline().is_none();
    seen
}

fn media(message: &Message) -> String {
    format!("{message:?}")
}

/// A server session takes any bytes: the same events however they are cut, bounded answers, an end in any case.
pub fn server_session(data: &[u8]) {
    let Some(script) = Script::new(data) else { return };
    let serve = |sizes: &[u8]| {
        let config = Arc::new(ServerConfig::default());
        let end = ServerSession::new(config, Entropy::new([7; 1528]), Instant::now());
        let mut asked = 0;
        drive(end, &script.wire, sizes, |end, event| {
            let said = match &event {
                ServerEvent::Media { message, .. } => media(message),
                other => format!("{other:?}"),
            };
            asked += 1;
            let refuses = script.flags & 2 != 0 && asked % 3 == 0;
            let why = Rejection::denied("no");
            match event {
                ServerEvent::Connect(it) if refuses => end.reject(it, &why),
                ServerEvent::Publish(it) if refuses => end.reject(it, &why),
                ServerEvent::Play(it) if refuses => end.reject(it, &why),
                // Some are not answered at all.
                ServerEvent::Play(_) if script.flags & 4 != 0 => {}
                ServerEvent::Connect(it) => end.accept_connect(it),
                ServerEvent::Publish(it) => {
                    end.accept_publish(it);
                }
                ServerEvent::Play(it) if script.flags & 8 != 0 => {
                    end.accept_recording(it);
                }
                ServerEvent::Play(it) => {
                    end.accept_play(it);
                }
                _ => {}
            }
            said
        })
    };
    let whole = serve(&[]);
    assert!(whole.ended);
    assert_eq!(serve(script.sizes), whole);
    assert_eq!(serve(&[0]), whole);
}

/// A client session takes any bytes in the same way.
pub fn client_session(data: &[u8]) {
    let Some(script) = Script::new(data) else { return };
    // A server that knows the password may say it.
    let told = data.windows(6).any(|it| it == b"secret");
    let attend = |sizes: &[u8]| {
        let url = RtmpUrl::parse("rtmp://user:secret@host.example/live").expect("a URL");
        let config = ClientConfig::new(url);
        let mut end = ClientSession::new(config, Entropy::new([7; 1528]), Instant::now());
        if script.flags & 2 == 0 {
            end.publish("key", PublishKind::Live).expect("room");
        }
        if script.flags & 4 == 0 {
            end.play("key", PlayStart::Any, None).expect("room");
        }
        drive(end, &script.wire, sizes, |_, event| match &event {
            ClientEvent::Media { message, .. } => media(message),
            other => {
                let said = format!("{other:?}");
                assert!(told || !said.contains("secret"));
                said
            }
        })
    };
    let whole = attend(&[]);
    assert_eq!(attend(script.sizes), whole);
    assert_eq!(attend(&[0]), whole);
}

/// Whatever decodes as a command encodes, and what was encoded decodes to the same.
pub fn command_decode(data: &[u8]) {
    let [kind, payload @ ..] = data else { return };
    let kind = if kind & 1 == 0 { MessageType::COMMAND_AMF0 } else { MessageType::COMMAND_AMF3 };
    let parse = |kind, payload: Bytes| Command::parse(kind, payload, AmfLimits::default());
    let Ok(command) = parse(kind, Bytes::copy_from_slice(payload)) else { return };
    let Ok(encoded) = command.encode() else { return };
    let again = parse(MessageType::COMMAND_AMF0, encoded.clone()).expect("what we wrote");
    assert_eq!(again.cut, None);
    assert_eq!(again.encode().expect("the same"), encoded);
    let name: &AmfString = &command.name;
    assert_eq!((&again.name, again.values.len()), (name, command.values.len()));
}
