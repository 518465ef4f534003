//! Server sessions over TCP and TLS.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use levada_session::{ServerEvent, ServerSession};
use levada_tls::Tls;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;

use crate::driver::{Application, drive};

/// What a program does with a session: the same over TCP and TLS.
pub trait Server {
    /// Something happened.
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()>;

    /// The outbox may have room.
    fn fill(&mut self, _session: &mut ServerSession) -> anyhow::Result<()> {
        Ok(())
    }

    /// Resolves when [`fill`](Self::fill) has something new to send.
    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Serves one connection to its end.
pub async fn serve(
    socket: TcpStream,
    mut session: ServerSession,
    server: &mut (impl Server + Send),
    tls: Option<Arc<ServerConfig>>,
) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    match tls {
        Some(tls) => drive(socket, &mut Tls::server(tls, session)?, &mut Plain(server)).await,
        None => drive(socket, &mut session, &mut Plain(server)).await,
    }
}

/// What a server needs to speak TLS: a certificate chain and its key, in PEM.
pub fn tls(cert: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let why = |path: &Path| format!("cannot read {}", path.display());
    let chain = CertificateDer::pem_file_iter(cert).with_context(|| why(cert))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| why(key))?;
    Ok(levada_tls::server_config(chain.collect::<Result<_, _>>()?, key)?)
}

/// The session inside, whatever is around it.
struct Plain<'a, S>(&'a mut S);

impl<S: Server> Application<ServerSession> for Plain<'_, S> {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        self.0.handle(session, event)
    }

    fn fill(&mut self, session: &mut ServerSession) -> anyhow::Result<()> {
        self.0.fill(session)
    }

    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        self.0.wake()
    }
}

impl<S: Server> Application<Tls<ServerSession>> for Plain<'_, S> {
    fn handle(&mut self, tls: &mut Tls<ServerSession>, event: ServerEvent) -> anyhow::Result<()> {
        self.0.handle(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ServerSession>) -> anyhow::Result<()> {
        self.0.fill(tls.inner_mut())
    }

    fn wake(&mut self) -> impl Future<Output = ()> + Send {
        self.0.wake()
    }
}
