//! RTMP and RTMPS connections: publishers and players.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Instant;

use levada_chunk::MessageStreamId;
use levada_control::{self as control, ListenerId, Loss, Refusal};
use levada_handshake::Entropy;
use levada_session::{
    Extensions, Flow, PlayRequest, PublishRequest, Rejection, SendError, ServerConfig, ServerEvent,
    ServerSession, StreamPath,
};
use levada_tls::Tls;
use tokio::net::{TcpListener, TcpStream};
use tracing::{Span, debug, info, info_span};

use crate::bell::Listener;
use crate::config::Config;
use crate::control::Order;
use crate::doors::Door;
use crate::driver::{Application, drive};
use crate::gate::Pass;
use crate::hub::{self, Knock, Publisher, Session};
use crate::proxy;
use crate::reader::{Reader, Taken};
use crate::server::Server;

/// What may wait for one player in its own outbox, beside what waits in the ring for all.
const SEND_BUDGET: u32 = 128 * 1024;

/// Accepts connections until the server stops.
pub async fn listen(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
    id: ListenerId,
) {
    while let Some((socket, peer)) = server.accept(&listener).await {
        let config = server.config();
        let trusted = proxy::is_trusted(peer.ip(), &config.trust_proxy);
        // A balancer's clients are counted by their own addresses, once it has told them.
        let pass = if trusted { None } else { server.let_in(peer.ip()) };
        if pass.is_none() && !trusted {
            continue;
        }
        let door = server.doors.door(id);
        let span = info_span!("rtmp", %peer);
        server.spawn(welcome(socket, peer.ip(), span, pass, tls.clone(), server.clone(), door));
    }
}

/// Finds out where a client is, and serves it if there is room.
async fn welcome(
    mut socket: TcpStream,
    peer: IpAddr,
    span: Span,
    pass: Option<Pass>,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
    door: Door,
) {
    let (address, _pass) = match pass {
        Some(pass) => (peer, pass),
        None => match proxy::client(&mut socket).await {
            Ok(told) => {
                let address = told.unwrap_or(peer);
                let Some(pass) = server.let_in(address) else { return };
                (address, pass)
            }
            Err(why) => return span.in_scope(|| debug!(%why, "closed")),
        },
    };
    server.metrics.connections_rtmp.fetch_add(1, Relaxed);
    serve(socket, address, span, tls, server, door).await;
}

async fn serve(
    socket: TcpStream,
    address: IpAddr,
    span: Span,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
    door: Door,
) {
    let _ = socket.set_nodelay(true);
    let Some(mut session) = session(&server) else { return };
    let stop_sign = server.stop_sign();
    let mut connection = Connection {
        server,
        address,
        span,
        door,
        publishing: Vec::new(),
        playing: Vec::new(),
        told_to_go: false,
        knows_tracks: false,
        stop_sign,
        emptied: false,
        called: true,
    };
    let ended = match tls {
        // Not in the future of all who come without.
        Some(tls) => Box::pin(drive_secured(socket, tls, session, &mut connection)).await,
        None => drive(socket, &mut session, &mut connection).await,
    };
    connection.span.clone().in_scope(|| {
        match ended {
            Ok(()) => debug!("closed"),
            Err(why) => debug!(%why, "ended"),
        }
        drop(connection);
    });
}

async fn drive_secured(
    socket: TcpStream,
    tls: Arc<rustls::ServerConfig>,
    session: ServerSession,
    connection: &mut Connection,
) -> anyhow::Result<()> {
    drive(socket, &mut Tls::server(tls, session)?, connection).await
}

/// A session that waits for its client. Nothing without chance.
fn session(server: &Server) -> Option<ServerSession> {
    let mut random = [0; 1528];
    getrandom::fill(&mut random).ok()?;
    Some(ServerSession::new(server.session_config(), Entropy::new(random), Instant::now()))
}

/// What these settings say about sessions.
pub fn session_config(config: &Config) -> ServerConfig {
    let mut sessions = ServerConfig::default();
    sessions.limits.send_budget = SEND_BUDGET;
    sessions.timeouts.write = config.stall;
    sessions
}

struct Connection {
    server: Arc<Server>,
    address: IpAddr,
    /// Entered for events: to enter it for all that a player gets would cost more than to send it.
    span: Span,
    door: Door,
    publishing: Vec<(MessageStreamId, Publisher)>,
    playing: Vec<Playing>,
    stop_sign: Listener,
    told_to_go: bool,
    /// Everybody has to leave by its door.
    emptied: bool,
    /// Whether the client knows multitrack and modifiers: others get the first tracks only.
    knows_tracks: bool,
    /// Something was said that has yet to be looked at, or may have been before anybody listened.
    called: bool,
}

struct Playing {
    to: MessageStreamId,
    player: Session,
    reader: Reader,
    /// Skips that are counted already.
    skips: u64,
    paused: bool,
}

impl Connection {
    fn knock<'a>(&self, path: &'a StreamPath) -> Knock<'a> {
        Knock { listener: self.door.listener, path, address: self.address }
    }

    fn publish(&mut self, session: &mut ServerSession, request: Box<PublishRequest>) {
        match hub::publish(&self.server, self.knock(&request.path)) {
            Ok(publisher) => {
                info!(path = publisher.stream().path(), "publishing");
                let to = session.accept_publish(request);
                self.publishing.push((to, publisher));
                self.called = true;
            }
            Err(why) => {
                self.server.metrics.refuse(&why);
                info!(why = why.code(), "refused to publish");
                session.reject(request, &rejection(&why));
            }
        }
    }

    fn play(&mut self, session: &mut ServerSession, request: Box<PlayRequest>) {
        match hub::play(&self.server, self.knock(&request.path)) {
            Ok((stream, player)) => {
                info!(path = stream.path(), "playing");
                let reader = stream.player().patient(self.server.buffer_of(self.door.listener));
                let to = session.accept_play(request);
                self.playing.retain(|it| it.to != to);
                // One is all that most play.
                self.playing.reserve_exact(1);
                self.playing.push(Playing { to, player, reader, skips: 0, paused: false });
                self.called = true;
            }
            Err(why) => {
                self.server.metrics.refuse(&why);
                session.reject(request, &rejection(&why));
            }
        }
    }

    fn event(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        let span = self.span.clone();
        let _entered = span.enter();
        match event {
            ServerEvent::Connect(request) if self.server.is_stopping() => {
                session.reject(request, &Rejection::shutdown("the server goes down"));
            }
            ServerEvent::Connect(request) => {
                let knows = request.capabilities.extensions;
                self.knows_tracks =
                    knows.has(Extensions::MULTITRACK) && knows.has(Extensions::MOD_EX);
                session.accept_connect(request);
            }
            ServerEvent::Publish(request) => self.publish(session, request),
            ServerEvent::Play(request) => self.play(session, request),
            ServerEvent::Media { stream, message } => {
                if let Some((_, it)) = self.publishing.iter_mut().find(|(it, _)| *it == stream) {
                    it.push(message);
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
                        let buffer = self.server.buffer_of(self.door.listener);
                        playing.reader = playing.reader.stream().player().patient(buffer);
                    }
                    _ => {}
                }
            }
            ServerEvent::StreamClosed(id) => {
                let ended = self.publishing.extract_if(.., |(it, _)| *it == id);
                ended.for_each(|(_, publisher)| publisher.leave(Loss::Unpublished));
                self.playing.retain(|it| it.to != id);
            }
            other => debug!(event = ?other),
        }
        Ok(())
    }

    /// Sends what players may get. Says whether one of them has got its last.
    fn send(&mut self, session: &mut ServerSession) -> bool {
        for playing in &mut self.playing {
            if playing.paused || levada_buf::Endpoint::output(session).room() == 0 {
                continue;
            }
            let to = playing.to;
            let all_tracks = self.knows_tracks;
            playing.reader.read(|item| {
                let message = if all_tracks { Some(&item.message) } else { item.plain() };
                match message.map(|it| session.send(to, it)) {
                    Some(Err(SendError::Full)) => Taken::Not,
                    _ => Taken::unless(levada_buf::Endpoint::output(session).room() == 0),
                }
            });
            let new =
                playing.reader.skips - std::mem::replace(&mut playing.skips, playing.reader.skips);
            if new > 0 {
                debug!(path = playing.reader.stream().path(), "a slow player skips to a keyframe");
                self.server.metrics.skips.fetch_add(new, Relaxed);
            }
        }
        let mut any_ended = false;
        self.playing.retain(|it| {
            let ended = !it.paused && it.reader.is_at_end();
            if ended {
                session.end_play(it.to);
            }
            any_ended |= ended;
            !ended
        });
        any_ended
    }

    /// Ready when a stream that is played has more, or when something was said.
    fn poll_wake(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut woken = false;
        for playing in &mut self.playing {
            woken |= playing.reader.poll_wake(context).is_ready();
            self.called |= playing.player.poll_order(context).is_ready();
        }
        for (_, publisher) in &mut self.publishing {
            self.called |= publisher.poll_order(context).is_ready();
        }
        self.emptied |= self.door.emptied.poll(context).is_ready();
        self.called |= self.emptied | self.stop_sign.poll(context).is_ready();
        if woken | self.called { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Does what the plane said about the publishers and players of this connection, and about all of them.
    fn obey(&mut self, session: &mut ServerSession) {
        for (to, publisher) in self.publishing.extract_if(.., |(_, it)| it.ordered().is_some()) {
            session.revoke(to, &farewell(publisher.ordered()));
            session.close(Instant::now());
        }
        for playing in self.playing.extract_if(.., |it| it.player.ordered().is_some()) {
            session.revoke(playing.to, &farewell(playing.player.ordered()));
            session.close(Instant::now());
        }
        if std::mem::take(&mut self.emptied) {
            for (to, publisher) in self.publishing.drain(..) {
                publisher.leave(Loss::ListenerStopped);
                session.revoke(to, &Rejection::shutdown("this listener was stopped"));
            }
            session.close(Instant::now());
        }
        if !self.told_to_go && self.server.is_stopping() {
            self.told_to_go = true;
            let _ = session.request_reconnect(None, "the server goes down");
            if !self.publishing.is_empty() || self.playing.is_empty() {
                session.close(Instant::now());
            }
            self.publishing.clear();
        }
    }

    fn fill_all(&mut self, session: &mut ServerSession) -> bool {
        let called = std::mem::take(&mut self.called);
        if called {
            self.obey(session);
        }
        self.send(session) | called
    }
}

/// Why somebody was turned away, in words for the person at the encoder.
fn rejection(why: &control::Error) -> Rejection {
    match why {
        control::Error::Refused(Refusal::ListenerStopping) => Rejection::shutdown(why.to_string()),
        control::Error::Refused(Refusal::NotFound | Refusal::TooManyPlayers) => {
            Rejection::not_found(why.to_string())
        }
        // The code that makes encoders stop and show the text.
        control::Error::Refused(_) => Rejection::in_use(why.to_string()),
        _ => Rejection::unavailable(why.to_string()),
    }
}

/// Why somebody who was let in has to go.
fn farewell(order: Option<Order>) -> Rejection {
    match order {
        Some(Order::Reject(why)) => Rejection::unsupported(why.to_string()),
        Some(Order::Close(Loss::Replaced)) => {
            Rejection::in_use("somebody else publishes this stream now")
        }
        Some(Order::Close(why)) => Rejection::unavailable(format!("closed: {}", why.code())),
        None => Rejection::unavailable("closed"),
    }
}

impl Application<ServerSession> for Connection {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        self.event(session, event)
    }

    fn fill(&mut self, session: &mut ServerSession) -> bool {
        self.fill_all(session)
    }

    fn poll_woken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_wake(context)
    }
}

impl Application<Tls<ServerSession>> for Connection {
    fn handle(&mut self, tls: &mut Tls<ServerSession>, event: ServerEvent) -> anyhow::Result<()> {
        self.event(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ServerSession>) -> bool {
        self.fill_all(tls.inner_mut())
    }

    fn poll_woken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_wake(context)
    }
}
