//! Client sessions over TCP and TLS, wherever the server sends us.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use levada_buf::Endpoint;
use levada_session::{ClientConfig, ClientEvent, ClientSession, CloseReason, Moved, RtmpUrl};
use levada_tls::Tls;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;

use crate::driver::{Application, drive};
use crate::entropy;

/// What a program does with its session: the same over TCP and TLS.
pub trait Client {
    /// Asks for what the program is about: called once for each connection.
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()>;

    /// Something happened.
    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()>;

    /// The outbox may have room.
    fn fill(&mut self, _session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(())
    }

    /// Resolves when [`fill`](Self::fill) has something new to send.
    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Connects to a URL and lets the program work until the connection ends in order.
pub async fn run(
    url: RtmpUrl,
    ca: Option<PathBuf>,
    client: &mut (impl Client + Send),
) -> anyhow::Result<()> {
    let mut config = ClientConfig::new(url);
    loop {
        let mut following = Following { client: &mut *client, moved: None, over: false };
        let ended = connect(config.clone(), ca.as_ref(), &mut following).await;
        match following.moved {
            Some(moved) => config = moved.config,
            // An orderly end is told as an event, and as an error of whoever calls a session again.
            None if following.over => return Ok(()),
            None => return ended,
        }
    }
}

async fn connect<C: Client>(
    config: ClientConfig,
    ca: Option<&PathBuf>,
    application: &mut Following<'_, C>,
) -> anyhow::Result<()> {
    let (host, port, secure) = (config.url.host.clone(), config.url.port, config.url.secure);
    let socket = TcpStream::connect((host.as_str(), port))
        .await
        .with_context(|| format!("cannot connect to {host}:{port}: is the server running?"))?;
    socket.set_nodelay(true)?;
    let mut session = ClientSession::new(config, entropy(), Instant::now());
    application.client.begin(&mut session)?;
    if !secure {
        return drive(socket, &mut session, application).await;
    }
    let mut session = Tls::client(levada_tls::client_config(roots(ca)?)?, &host, session)?;
    drive(socket, &mut session, application).await
}

/// The certificates of a file, or those that browsers trust.
fn roots(ca: Option<&PathBuf>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let certificates = CertificateDer::pem_file_iter(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        for certificate in certificates {
            roots.add(certificate?)?;
        }
    }
    Ok(roots)
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
            ClientEvent::Rejected { info, .. } => {
                bail!("the server refuses: {} {}", info.code, info.description)
            }
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

    fn fill(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        self.client.fill(session)
    }

    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        self.client.wake()
    }
}

impl<C: Client> Application<Tls<ClientSession>> for Following<'_, C> {
    fn handle(&mut self, tls: &mut Tls<ClientSession>, event: ClientEvent) -> anyhow::Result<()> {
        self.event(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ClientSession>) -> anyhow::Result<()> {
        self.client.fill(tls.inner_mut())
    }

    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        self.client.wake()
    }
}

/// How much an outbox may hold before a program stops filling it: what a slow network takes in a second or so.
pub const AHEAD: usize = 1024 * 1024;

/// Whether a program should send on.
pub fn has_room(session: &mut ClientSession) -> bool {
    bytes::Buf::remaining(session.output()) < AHEAD
}
