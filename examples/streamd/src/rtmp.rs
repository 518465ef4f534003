//! RTMP and RTMPS connections: publishers and players.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use levada_chunk::MessageStreamId;
use levada_control::{self as control, ListenerId, Loss, Refusal};
use levada_handshake::Entropy;
use levada_session::{
    Extensions, Flow, PlayRequest, PublishRequest, Rejection, ServerConfig, ServerEvent,
    ServerSession, StreamPath,
};
use levada_tls::Tls;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{Instrument, debug, error, info, info_span, warn};

use crate::control::Order;
use crate::doors::Door;
use crate::driver::{Application, drive};
use crate::gate::Pass;
use crate::hub::{self, Knock, Player, Publisher};
use crate::proxy;
use crate::reader::Reader;
use crate::server::Server;

/// What may wait for one player in its own outbox, beside what waits in the ring for all.
const SEND_BUDGET: u32 = 512 * 1024;

/// Accepts connections until the server stops.
pub async fn listen(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
    id: ListenerId,
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
        let trusted = proxy::is_trusted(peer.ip(), &config.trust_proxy);
        // A balancer's clients are counted by their own addresses, once it has told them.
        let pass = if trusted { None } else { server.let_in(peer.ip()) };
        if pass.is_none() && !trusted {
            continue;
        }
        let (server, tls) = (server.clone(), tls.clone());
        let door = server.doors.door(id);
        let work = welcome(socket, peer.ip(), pass, tls, server.clone(), door);
        let work = work.instrument(info_span!("rtmp", %peer));
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            if work.await.is_err_and(|it| it.is_panic()) {
                error!("a connection ended by a bug");
                server.metrics.panics.fetch_add(1, Relaxed);
            }
        });
    }
}

/// Finds out where a client is, and serves it if there is room.
async fn welcome(
    mut socket: TcpStream,
    peer: IpAddr,
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
            Err(why) => return debug!(%why, "closed"),
        },
    };
    server.metrics.connections_rtmp.fetch_add(1, Relaxed);
    serve(socket, address, tls, server, door).await;
}

async fn serve(
    socket: TcpStream,
    address: IpAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    server: Arc<Server>,
    door: Door,
) {
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
        address,
        door,
        publishing: Vec::new(),
        playing: Vec::new(),
        told_to_go: false,
        sent_away: false,
        knows_tracks: false,
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
    address: IpAddr,
    door: Door,
    publishing: Vec<(MessageStreamId, Publisher)>,
    playing: Vec<Playing>,
    stop_sign: watch::Receiver<bool>,
    told_to_go: bool,
    sent_away: bool,
    /// Whether the client knows multitrack and modifiers: others get the first tracks only.
    knows_tracks: bool,
}

struct Playing {
    to: MessageStreamId,
    player: Player,
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
                let reader = stream.player();
                let to = session.accept_play(request);
                self.playing.retain(|it| it.to != to);
                self.playing.push(Playing { to, player, reader, skips: 0, paused: false });
            }
            Err(why) => {
                self.server.metrics.refuse(&why);
                session.reject(request, &rejection(&why));
            }
        }
    }

    fn event(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
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
                        playing.reader = playing.reader.stream().player();
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
            let all_tracks = self.knows_tracks;
            playing.reader.read(|item| {
                let message = if all_tracks { Some(&item.message) } else { item.plain() };
                message.is_none_or(|it| session.send(to, it).is_ok())
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
        let (reader, player) = match self.playing.as_mut_slice() {
            [] => (None, None),
            [one] => (Some(&mut one.reader), Some(&mut one.player)),
            _ => return tokio::time::sleep(Duration::from_millis(100)).await,
        };
        let more = async {
            match reader {
                Some(it) => it.wake().await,
                None => std::future::pending().await,
            }
        };
        let publisher = async {
            match self.publishing.first_mut() {
                Some((_, it)) => it.order().await,
                None => std::future::pending().await,
            }
        };
        let player = async {
            match player {
                Some(it) => it.order().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopping => {}
            () = more => {}
            () = publisher => {}
            () = player => {}
            _ = self.door.emptied.changed() => self.sent_away = true,
        }
    }

    /// Does what the plane said about the publishers and players of this connection.
    fn obey(&mut self, session: &mut ServerSession) {
        for (to, publisher) in self.publishing.extract_if(.., |(_, it)| it.ordered().is_some()) {
            session.revoke(to, &farewell(publisher.ordered()));
            session.close(Instant::now());
        }
        for playing in self.playing.extract_if(.., |it| it.player.ordered().is_some()) {
            session.revoke(playing.to, &farewell(playing.player.ordered()));
            session.close(Instant::now());
        }
        if std::mem::take(&mut self.sent_away) {
            for (to, publisher) in self.publishing.drain(..) {
                publisher.leave(Loss::ListenerStopped);
                session.revoke(to, &Rejection::shutdown("this listener was stopped"));
            }
            session.close(Instant::now());
        }
    }

    fn fill_all(&mut self, session: &mut ServerSession) {
        self.obey(session);
        self.send(session);
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
