//! RTMP connections: publishers and players.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use levada_buf::Endpoint;
use levada_chunk::MessageStreamId;
use levada_handshake::Entropy;
use levada_relay::{Cursor, Next};
use levada_session::{Rejection, SendError, ServerConfig, ServerEvent, ServerSession};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{Instrument, debug, info, info_span, warn};

use crate::driver::{Application, drive};
use crate::hub::Hub;
use crate::stream::Stream;

/// Accepts connections for ever.
pub async fn listen(listener: TcpListener, hub: Arc<Hub>) -> anyhow::Result<()> {
    let config = Arc::new(ServerConfig::default());
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(why) => {
                warn!(%why, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let span = info_span!("rtmp", %peer);
        tokio::spawn(serve(socket, peer, config.clone(), hub.clone()).instrument(span));
    }
}

async fn serve(socket: TcpStream, _peer: SocketAddr, config: Arc<ServerConfig>, hub: Arc<Hub>) {
    let _ = socket.set_nodelay(true);
    let mut random = [0; 1528];
    if getrandom::fill(&mut random).is_err() {
        return;
    }
    let mut session = ServerSession::new(config, Entropy::new(random), Instant::now());
    let mut connection = Connection { hub, publishing: None, playing: None };
    match drive(socket, &mut session, &mut connection).await {
        Ok(()) => debug!("closed"),
        Err(why) => debug!(%why, "lost"),
    }
    connection.unpublish();
}

struct Connection {
    hub: Arc<Hub>,
    publishing: Option<Arc<Stream>>,
    playing: Option<Playing>,
}

struct Playing {
    to: MessageStreamId,
    stream: Arc<Stream>,
    cursor: Cursor,
    changed: watch::Receiver<u64>,
}

impl Connection {
    fn unpublish(&mut self) {
        if let Some(stream) = self.publishing.take() {
            stream.finish();
            info!("publishing ended");
        }
    }
}

impl Application<ServerSession> for Connection {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent, _now: Instant) {
        match event {
            ServerEvent::Connect(request) => session.accept_connect(request),
            ServerEvent::Publish(request) => match self.hub.publish(request.path.path()) {
                Some(stream) => {
                    info!(path = request.path.path(), "publishing");
                    self.publishing = Some(stream);
                    session.accept_publish(request);
                }
                None => session.reject(request, &Rejection::in_use("this stream is live already")),
            },
            ServerEvent::Play(request) => match self.hub.find(request.path.path()) {
                Some(stream) => {
                    let cursor = stream.lock().ring.join();
                    let changed = stream.watch();
                    let to = session.accept_play(request);
                    self.playing = Some(Playing { to, stream, cursor, changed });
                }
                None => {
                    session.reject(request, &Rejection::not_found("nobody publishes this stream"))
                }
            },
            ServerEvent::Media { message, .. } => {
                if let Some(stream) = &self.publishing {
                    stream.push(message);
                }
            }
            ServerEvent::StreamClosed(_) => {
                self.unpublish();
                self.playing = None;
            }
            other => debug!(event = ?other),
        }
    }

    fn fill(&mut self, session: &mut ServerSession, _now: Instant) {
        let Some(playing) = &mut self.playing else { return };
        playing.changed.borrow_and_update();
        let state = playing.stream.lock();
        while session.output().room() > 0 {
            let sent = match state.ring.next(&mut playing.cursor) {
                Next::Header(message) | Next::Item(message) => session.send(playing.to, message),
                Next::Skipped { .. } => Ok(()),
                Next::Empty => break,
            };
            if matches!(sent, Err(SendError::Full | SendError::Closed | SendError::NoSuchStream)) {
                break;
            }
        }
    }

    async fn woken(&mut self) {
        match &mut self.playing {
            Some(playing) => {
                if playing.changed.changed().await.is_err() {
                    std::future::pending().await
                }
            }
            None => std::future::pending().await,
        }
    }
}
