//! A stream of ours to another server.

use std::sync::Arc;
use std::time::Duration;

use levada_buf::Endpoint;
use levada_chunk::MessageStreamId;
use levada_session::{ClientEvent, ClientSession, PublishKind, RtmpUrl};

use super::{BackOff, Status};
use crate::connect::{self, Client};
use crate::reader::Reader;
use crate::server::Server;
use crate::stream::Stream;

/// What may wait for the network, in the outbox.
const AHEAD: usize = 512 * 1024;

pub async fn run(
    server: Arc<Server>,
    path: Option<String>,
    url: RtmpUrl,
    tls: Arc<rustls::ClientConfig>,
    status: Arc<Status>,
) {
    let mut back_off = BackOff::new();
    loop {
        let stream = find(&server, path.as_deref()).await;
        back_off.begin(&status);
        status.change(|it| it.path = Some(stream.path().to_owned()));
        let mut target = Target {
            key: url.stream.clone(),
            reader: stream.player(),
            to: None,
            ending: false,
            status: &status,
            before: (0, 0),
            acknowledged: 0,
        };
        let ended = connect::run(url.clone(), Some(tls.clone()), &mut target).await;
        back_off.wait(&status, ended).await;
    }
}

/// Waits for a stream to be live: that one, or any.
async fn find(server: &Server, path: Option<&str>) -> Arc<Stream> {
    loop {
        let stream = match path {
            Some(path) => server.hub.find(path).filter(|it| it.is_live()),
            None => server.hub.all().into_iter().find(|it| it.is_live()),
        };
        match stream {
            Some(stream) => return stream,
            None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

struct Target<'a> {
    key: String,
    reader: Reader,
    to: Option<MessageStreamId>,
    ending: bool,
    status: &'a Status,
    /// What earlier connections had sent, and what was acknowledged there.
    before: (u64, u64),
    /// What is acknowledged on this one. The wire counts modulo 2^32.
    acknowledged: u64,
}

impl Target<'_> {
    fn tell(&mut self, session: &ClientSession) {
        let statistics = session.statistics();
        let news = statistics.acknowledged.wrapping_sub(self.acknowledged as u32);
        self.acknowledged += u64::from(news);
        let (sent, acknowledged) = (statistics.sent_bytes, self.acknowledged);
        let (sent_before, acknowledged_before) = self.before;
        self.status.change(|it| {
            it.sent = sent_before + sent;
            it.confirmed = acknowledged_before + acknowledged;
        });
    }
}

impl Client for Target<'_> {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        self.status.change(|it| self.before = (it.sent, it.confirmed));
        (self.acknowledged, self.to) = (0, None);
        Ok(session.publish(&self.key, PublishKind::Live)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        if let ClientEvent::Publishing(stream) = event {
            self.to = Some(stream);
            self.status.change(|it| (it.what, it.error) = ("live", None));
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) {
        let Some(to) = self.to else { return };
        let has_room =
            |session: &mut ClientSession| bytes::Buf::remaining(session.output()) < AHEAD;
        if has_room(session) {
            self.reader.read(|item| session.send(to, &item.message).is_ok() && has_room(session));
        }
        self.tell(session);
        if self.reader.is_at_end() && !self.ending {
            self.ending = true;
            session.stop(to);
            session.close(std::time::Instant::now());
        }
    }

    async fn wake(&mut self) {
        match self.to {
            Some(_) if !self.ending => self.reader.wake().await,
            _ => std::future::pending().await,
        }
    }
}
