//! Client sessions over TCP and TLS, wherever the server sends us.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use levada_handshake::Entropy;
use levada_session::{ClientConfig, ClientEvent, ClientSession, CloseReason, Moved, RtmpUrl};
use levada_tls::Tls;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::driver::{Application, drive};

/// What is done with a session: the same over TCP and TLS.
pub trait Client {
    /// Asks for what it is about: called once for each connection.
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()>;

    /// Something happened.
    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()>;

    /// The outbox may have room.
    fn fill(&mut self, _session: &mut ClientSession) {}

    /// Resolves when [`fill`](Self::fill) has something new to send.
    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Connects to a URL and lets the client work until the connection ends.
pub async fn run(
    url: RtmpUrl,
    tls: Option<Arc<rustls::ClientConfig>>,
    client: &mut (impl Client + Send),
) -> anyhow::Result<()> {
    let mut config = ClientConfig::new(url);
    loop {
        let mut following = Following { client: &mut *client, moved: None, over: false };
        let ended = connect(config.clone(), tls.clone(), &mut following).await;
        match following.moved {
            Some(moved) => config = moved.config,
            None if following.over => return Ok(()),
            None => return ended,
        }
    }
}

async fn connect<C: Client>(
    config: ClientConfig,
    tls: Option<Arc<rustls::ClientConfig>>,
    application: &mut Following<'_, C>,
) -> anyhow::Result<()> {
    let (host, port, secure) = (config.url.host.clone(), config.url.port, config.url.secure);
    let socket = timeout(Duration::from_secs(10), TcpStream::connect((host.as_str(), port))).await;
    let socket = socket.context("no connection within 10 s")?.context("cannot connect")?;
    socket.set_nodelay(true)?;
    let mut random = [0; 1528];
    getrandom::fill(&mut random).context("the system has no random bytes")?;
    let mut session = ClientSession::new(config, Entropy::new(random), Instant::now());
    application.client.begin(&mut session)?;
    match tls {
        Some(tls) if secure => {
            drive(socket, &mut Tls::client(tls, &host, session)?, application).await
        }
        _ if secure => bail!("there is no TLS here"),
        _ => drive(socket, &mut session, application).await,
    }
}

/// Takes note when the server sends us elsewhere, and hands on everything else.
struct Following<'a, C> {
    client: &'a mut C,
    moved: Option<Box<Moved>>,
    over: bool,
}

impl<C: Client> Following<'_, C> {
    fn event(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Moved(moved) => {
                self.moved = Some(moved);
                session.close(Instant::now());
                Ok(())
            }
            // The description may repeat the name, which may be a key.
            ClientEvent::Rejected { info, .. } => bail!("refused: {}", info.code.escape_debug()),
            ClientEvent::Closed(reason) if self.moved.is_none() && reason != CloseReason::Local => {
                bail!("the connection ended: {reason:?}")
            }
            ClientEvent::Closed(_) => {
                self.over = true;
                Ok(())
            }
            event => self.client.handle(session, event),
        }
    }
}

impl<C: Client> Application<ClientSession> for Following<'_, C> {
    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        self.event(session, event)
    }

    fn fill(&mut self, session: &mut ClientSession) {
        self.client.fill(session);
    }

    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        self.client.wake()
    }
}

impl<C: Client> Application<Tls<ClientSession>> for Following<'_, C> {
    fn handle(&mut self, tls: &mut Tls<ClientSession>, event: ClientEvent) -> anyhow::Result<()> {
        self.event(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ClientSession>) {
        self.client.fill(tls.inner_mut());
    }

    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        self.client.wake()
    }
}
