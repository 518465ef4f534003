//! Pulls: an input's media, fetched from elsewhere. The plane says when and from where; here it is done.

mod http;
mod line;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use levada_chunk::{Message, MessageStreamId, MessageType};
use levada_control::{Error, Fact, InputId, KeyRef, PullFailure, Secret};
use levada_flv::TagKind;
use levada_session::{ClientEvent, ClientSession, PlayStart, RtmpUrl};
use tokio::task::AbortHandle;
use tracing::{info, warn};

use crate::connect::{self, Client, Lost};
use crate::hub::{self, Publisher};
use crate::lock::lock;
use crate::server::Server;

/// The attempts under way: one an input.
#[derive(Debug, Default)]
pub struct Pulls(Mutex<HashMap<InputId, (u64, AbortHandle)>>);

impl Pulls {
    fn lock(&self) -> MutexGuard<'_, HashMap<InputId, (u64, AbortHandle)>> {
        lock(&self.0)
    }

    /// Drops an attempt's connection.
    pub fn close(&self, input: InputId, attempt: u64) {
        if let Some(task) = self.take(input, attempt) {
            task.abort();
        }
    }

    fn take(&self, input: InputId, attempt: u64) -> Option<AbortHandle> {
        let mut attempts = self.lock();
        attempts.get(&input).filter(|(it, _)| *it == attempt)?;
        attempts.remove(&input).map(|(_, task)| task)
    }
}

/// Connects an input to one of its URLs.
pub fn connect(server: &Arc<Server>, input: InputId, attempt: u64, url: usize) {
    let list = server.control.read(|_, keys, _| keys.secret(KeyRef::Pull(input)).cloned());
    let list = list.unwrap_or_else(|| Secret::new(""));
    let url = list.reveal().split(' ').filter(|it| !it.is_empty()).nth(url).unwrap_or_default();
    let source = Source { server: server.clone(), input, attempt, publisher: None };
    let mut attempts = server.pulls.lock();
    let task = tokio::spawn(run(Secret::new(url), source)).abort_handle();
    attempts.insert(input, (attempt, task));
}

async fn run(url: Secret, mut source: Source) {
    let (server, input, attempt) = (source.server.clone(), source.input, source.attempt);
    let is_http = url.reveal().get(..4).is_some_and(|it| it.eq_ignore_ascii_case("http"));
    let ended = async {
        if is_http {
            http::pull(url.reveal(), &mut source).await
        } else {
            play(url.reveal(), &mut source).await
        }
    };
    let why = tokio::select! {
        why = ended => why,
        () = server.stopping() => PullFailure::Closed,
    };
    info!(%input, code = why.code(), "a pull ended");
    server.pulls.take(input, attempt);
    if !server.is_stopping() {
        let _ = server.control.fact(Fact::PullFailed { input, attempt, why });
    }
}

/// What is pulled, on its way into the stream.
struct Source {
    server: Arc<Server>,
    input: InputId,
    attempt: u64,
    publisher: Option<Publisher>,
}

impl Source {
    /// The other side agreed to send.
    fn connected(&mut self) -> Result<(), Error> {
        if self.publisher.is_none() {
            let publisher = hub::publish_pulled(&self.server, self.input, self.attempt)?;
            info!(path = publisher.stream().path(), "pulling");
            self.publisher = Some(publisher);
        }
        Ok(())
    }

    fn push(&mut self, message: Message) {
        if let Some(publisher) = &mut self.publisher {
            publisher.push(message);
        }
    }
}

fn message(kind: TagKind, timestamp: u32, body: Bytes) -> Message {
    let kind = match kind {
        TagKind::Audio => MessageType::AUDIO,
        TagKind::Video => MessageType::VIDEO,
        TagKind::ScriptAmf3 => MessageType::DATA_AMF3,
        _ => MessageType::DATA_AMF0,
    };
    Message::new(kind, MessageStreamId(1), timestamp, body)
}

/// Plays a stream of RTMP to its end.
async fn play(url: &str, source: &mut Source) -> PullFailure {
    let server = source.server.clone();
    let Ok(url) = RtmpUrl::parse(url) else {
        warn!(input = %source.input, "a URL to pull from is none of RTMP");
        return PullFailure::Dns;
    };
    let name = Secret::new(&*url.stream);
    let mut player = Player { name, source };
    match connect::run(url, &server.tls, &mut player).await {
        Err(Lost::Dns) => PullFailure::Dns,
        Err(Lost::Forbidden) => PullFailure::Forbidden,
        Err(Lost::Refused | Lost::TooSlow) => PullFailure::Connect,
        Err(Lost::Tls) => PullFailure::Tls,
        Err(Lost::Handshake) => PullFailure::Handshake,
        Err(Lost::Rejected(..)) if source.publisher.is_none() => PullFailure::Refused,
        Ok(()) | Err(_) => PullFailure::Closed,
    }
}

/// Plays a stream of RTMP.
struct Player<'a> {
    name: Secret,
    source: &'a mut Source,
}

impl Client for Player<'_> {
    fn may_call(&self, host: &str, port: u16, address: IpAddr) -> bool {
        self.source.server.may_call(host, port, address)
    }

    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(self.name.reveal(), PlayStart::Any, None)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Playing(_) => self.source.connected()?,
            ClientEvent::Media { message, .. } => self.source.push(message),
            ClientEvent::EndOfStream(_) => return Err(Lost::Closed.into()),
            _ => {}
        }
        Ok(())
    }
}
