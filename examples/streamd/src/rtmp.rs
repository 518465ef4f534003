//! RTMP and RTMPS connections: publishers and players.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::bail;
use levada_chunk::MessageStreamId;
use levada_handshake::Entropy;
use levada_session::{Flow, PublishRequest, Rejection, ServerConfig, ServerEvent, ServerSession};
use levada_tls::Tls;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{Instrument, debug, error, info, info_span, warn};

use crate::driver::{Application, drive};
use crate::hub::Publisher;
use crate::metrics::Refused;
use crate::reader::Reader;
use crate::server::Server;

/// What may wait for one player in its own outbox, beside what waits in the ring for all.
const SEND_BUDGET: u32 = 512 * 1024;

/// Accepts connections until the server stops.
pub async fn listen(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.stopping() => return,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(why) => {
                // Too many open files, most likely: it passes.
                warn!(%why, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let config = server.config();
        let Some(pass) =
            server.gate.enter(peer.ip(), config.max_connections, config.max_per_address)
        else {
            server.metrics.refuse(Refused::Connections);
            continue;
        };
        server.metrics.connections_rtmp.fetch_add(1, Relaxed);
        let (server, tls) = (server.clone(), tls.clone());
        let work = serve(socket, tls, server.clone()).instrument(info_span!("rtmp", %peer));
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            if work.await.is_err_and(|it| it.is_panic()) {
                error!("a connection ended by a bug");
                server.metrics.panics.fetch_add(1, Relaxed);
            }
            drop(pass);
        });
    }
}

async fn serve(socket: TcpStream, tls: Option<Arc<rustls::ServerConfig>>, server: Arc<Server>) {
    let _ = socket.set_nodelay(true);
    let mut random = [0; 1528];
    if getrandom::fill(&mut random).is_err() {
        return;
    }
    let mut config = ServerConfig::default();
    config.limits.send_budget = SEND_BUDGET;
    config.timeouts.write = server.config().stall;
    let mut session = ServerSession::new(Arc::new(config), Entropy::new(random), Instant::now());
    let stop_sign = server.stop_sign();
    let mut connection = Connection {
        server,
        publishing: Vec::new(),
        playing: Vec::new(),
        told_to_go: false,
        stop_sign,
    };
    let ended = match tls {
        Some(tls) => match Tls::server(tls, session) {
            Ok(mut tls) => drive(socket, &mut tls, &mut connection).await,
            Err(why) => Err(why.into()),
        },
        None => drive(socket, &mut session, &mut connection).await,
    };
    match ended {
        Ok(()) => debug!("closed"),
        Err(why) => debug!(%why, "ended"),
    }
}

struct Connection {
    server: Arc<Server>,
    publishing: Vec<(MessageStreamId, Publisher)>,
    playing: Vec<Playing>,
    stop_sign: watch::Receiver<bool>,
    told_to_go: bool,
}

struct Playing {
    to: MessageStreamId,
    reader: Reader,
    /// Skips that are counted already.
    skips: u64,
    paused: bool,
}

impl Connection {
    fn publish(&mut self, session: &mut ServerSession, request: Box<PublishRequest>) {
        if let Some(key) = &self.server.publish_key {
            let given = request.path.parameter("key").unwrap_or_default();
            if !same(given.as_bytes(), key.as_bytes()) {
                self.server.metrics.refuse(Refused::Key);
                info!(path = request.path.path(), "refused: no key, or a wrong one");
                let why =
                    Rejection::denied("the key is missing or wrong: append ?key=… to the name");
                return session.reject(request, &why);
            }
        }
        match Publisher::claim(&self.server, request.path.path()) {
            Ok(publisher) => {
                info!(path = request.path.path(), "publishing");
                let to = session.accept_publish(request);
                self.publishing.push((to, publisher));
            }
            Err(why) => {
                self.server.metrics.refuse(why);
                info!(path = request.path.path(), ?why, "refused");
                let why = match why {
                    Refused::Streams => Rejection::unavailable("too many streams"),
                    _ => Rejection::in_use("this stream is live already"),
                };
                session.reject(request, &why);
            }
        }
    }

    fn event(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        match event {
            ServerEvent::Connect(request) if self.server.is_stopping() => {
                session.reject(request, &Rejection::shutdown("the server goes down"));
            }
            ServerEvent::Connect(request) => session.accept_connect(request),
            ServerEvent::Publish(request) => self.publish(session, request),
            ServerEvent::Play(request) => match self.server.hub.find(request.path.path()) {
                Some(stream) if !stream.is_over() => {
                    info!(path = request.path.path(), "playing");
                    let reader = stream.player();
                    let to = session.accept_play(request);
                    self.playing.retain(|it| it.to != to);
                    self.playing.push(Playing { to, reader, skips: 0, paused: false });
                }
                _ => {
                    self.server.metrics.refuse(Refused::NotLive);
                    session.reject(request, &Rejection::not_found("nobody publishes this stream"));
                }
            },
            ServerEvent::Media { stream, message } => {
                let publisher = self.publishing.iter().find(|(it, _)| *it == stream);
                if publisher.is_some_and(|(_, it)| !it.push(message)) {
                    bail!("somebody else publishes this stream now");
                }
            }
            ServerEvent::Flow { stream, flow } => {
                let Some(playing) = self.playing.iter_mut().find(|it| it.to == stream) else {
                    return Ok(());
                };
                match flow {
                    Flow::Pause => playing.paused = true,
                    Flow::Resume => {
                        playing.paused = false;
                        playing.reader = playing.reader.stream().player();
                    }
                    _ => {}
                }
            }
            ServerEvent::StreamClosed(id) => {
                self.publishing.retain(|(it, _)| *it != id);
                self.playing.retain(|it| it.to != id);
            }
            other => debug!(event = ?other),
        }
        Ok(())
    }

    fn send(&mut self, session: &mut ServerSession) {
        if !self.told_to_go && *self.stop_sign.borrow() {
            self.told_to_go = true;
            let _ = session.request_reconnect(None, "the server goes down");
            if !self.publishing.is_empty() || self.playing.is_empty() {
                session.close(Instant::now());
            }
            self.publishing.clear();
        }
        for playing in &mut self.playing {
            if playing.paused || levada_buf::Endpoint::output(session).room() == 0 {
                continue;
            }
            let to = playing.to;
            playing.reader.read(|item| {
                session.send(to, &item.message).is_ok()
                    && levada_buf::Endpoint::output(session).room() > 0
            });
            let new =
                playing.reader.skips - std::mem::replace(&mut playing.skips, playing.reader.skips);
            if new > 0 {
                debug!(path = playing.reader.stream().path(), "a slow player skips to a keyframe");
                self.server.metrics.skips.fetch_add(new, Relaxed);
            }
        }
        self.playing.retain(|it| {
            let ended = !it.paused && it.reader.is_at_end();
            if ended {
                session.end_play(it.to);
            }
            !ended
        });
    }

    /// Resolves when a stream that is played has more, when somebody took over, or when it is time to go.
    async fn wake(&mut self) {
        let stopping = async {
            if self.told_to_go {
                std::future::pending().await
            } else {
                let _ = self.stop_sign.wait_for(|it| *it).await;
            }
        };
        // One stream a connection is what clients have; more of them are looked at ten times a second.
        let more = async {
            match self.playing.as_mut_slice() {
                [] => std::future::pending().await,
                [one] => one.reader.wake().await,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        let replaced = async {
            match self.publishing.first_mut() {
                Some((_, it)) => it.replaced().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopping => {}
            () = more => {}
            () = replaced => {}
        }
    }

    /// Whether the publisher of this connection was replaced.
    fn is_replaced(&self) -> bool {
        self.publishing.iter().any(|(_, it)| !it.is_current())
    }

    fn fill_all(&mut self, session: &mut ServerSession) {
        if self.is_replaced() {
            for (stream, _) in self.publishing.drain(..) {
                session
                    .revoke(stream, &Rejection::in_use("somebody else publishes this stream now"));
            }
            session.close(Instant::now());
        }
        self.send(session);
    }
}

/// Compares without telling by time where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

impl Application<ServerSession> for Connection {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        self.event(session, event)
    }

    fn fill(&mut self, session: &mut ServerSession) {
        self.fill_all(session);
    }

    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        self.wake()
    }
}

impl Application<Tls<ServerSession>> for Connection {
    fn handle(&mut self, tls: &mut Tls<ServerSession>, event: ServerEvent) -> anyhow::Result<()> {
        self.event(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ServerSession>) {
        self.fill_all(tls.inner_mut());
    }

    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        self.wake()
    }
}
