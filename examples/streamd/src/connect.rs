//! Client sessions over TCP and TLS, wherever the server sends us.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use levada_handshake::Entropy;
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, CloseReason, Moved, Purpose, RtmpUrl, SessionError,
    StatusInfo, Timer,
};
use levada_tls::{Tls, TlsError};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::driver::{Application, drive};

/// How long a name may take, and how long a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection, or none any more.
#[derive(Debug)]
pub enum Lost {
    /// The name was not resolved.
    Dns,
    /// All its addresses are such as we do not call.
    Forbidden,
    Refused,
    TooSlow,
    Tls,
    Handshake,
    /// The server said no to this.
    Rejected(Purpose, StatusInfo),
    /// The server closed, or broke the protocol.
    Closed,
    /// The server takes nothing any more.
    Stalled,
    /// We could not, or did not want to go on.
    Own(anyhow::Error),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns => out.write_str("the name was not resolved"),
            Self::Forbidden => out.write_str("this address is not called"),
            Self::Refused => out.write_str("the connection was refused"),
            Self::TooSlow => out.write_str("it took too long"),
            Self::Tls => out.write_str("TLS failed: is the certificate good?"),
            Self::Handshake => out.write_str("the handshake failed"),
            // The description may repeat the name, which may be a key.
            Self::Rejected(_, info) => write!(out, "refused: {}", info.code.escape_debug()),
            Self::Closed => out.write_str("the server closed the connection"),
            Self::Stalled => out.write_str("the server takes nothing any more"),
            Self::Own(why) => write!(out, "{why:#}"),
        }
    }
}

impl std::error::Error for Lost {}

/// What is done with a session: the same over TCP and TLS.
pub trait Client {
    /// Whether an address that this name resolved to may be called.
    fn may_call(&self, _host: &str, _port: u16, _address: IpAddr) -> bool {
        true
    }

    /// There is an address to call.
    fn resolved(&mut self) {}

    /// Asks for what it is about: called once for each connection.
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()>;

    /// Something happened.
    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()>;

    /// The outbox may have room.
    fn fill(&mut self, _session: &mut ClientSession) {}

    /// Ready when [`fill`](Self::fill) has something new to send.
    fn poll_wake(&mut self, _context: &mut task::Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Connects to a URL and lets the client work until the connection ends. `Ok`: we ended it.
pub async fn run(
    url: RtmpUrl,
    tls: &Arc<rustls::ClientConfig>,
    client: &mut (impl Client + Send),
) -> Result<(), Lost> {
    let mut config = ClientConfig::new(url);
    loop {
        let mut following = Following { client, moved: None, over: false, connected: false };
        let ended = connect(config.clone(), tls, &mut following).await;
        match following.moved {
            Some(moved) => config = moved.config,
            None if following.over => return Ok(()),
            None => return ended,
        }
    }
}

async fn connect<C: Client + Send>(
    config: ClientConfig,
    tls: &Arc<rustls::ClientConfig>,
    application: &mut Following<'_, C>,
) -> Result<(), Lost> {
    let (host, port, secure) = (config.url.host.clone(), config.url.port, config.url.secure);
    let allowed = |it| application.client.may_call(&host, port, it);
    let addresses = resolve(&host, port, allowed).await?;
    application.client.resolved();
    let socket = call(&addresses).await?;
    let own = |why: anyhow::Error| Lost::Own(why);
    let mut random = [0; 1528];
    getrandom::fill(&mut random).map_err(|it| own(it.into()))?;
    let mut session = ClientSession::new(config, Entropy::new(random), Instant::now());
    application.client.begin(&mut session).map_err(own)?;
    let ended = if secure {
        match Tls::client(tls.clone(), &host, session) {
            Ok(mut tls) => drive(socket, &mut tls, application).await,
            Err(_) => return Err(Lost::Tls),
        }
    } else {
        drive(socket, &mut session, application).await
    };
    // A connection that ends before the server said anything never was one.
    let closed = match (application.connected, secure) {
        (true, _) => Lost::Closed,
        (false, true) => Lost::Tls,
        (false, false) => Lost::Handshake,
    };
    Err(match ended {
        Ok(()) => closed,
        Err(why) => reason(why, closed),
    })
}

/// The addresses of a name that may be called.
pub async fn resolve(
    host: &str,
    port: u16,
    allowed: impl Fn(IpAddr) -> bool,
) -> Result<Vec<SocketAddr>, Lost> {
    let found = timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    let found: Vec<_> = found.ok().and_then(Result::ok).ok_or(Lost::Dns)?.collect();
    if found.is_empty() {
        return Err(Lost::Dns);
    }
    let found: Vec<_> = found.into_iter().filter(|it| allowed(it.ip())).collect();
    if found.is_empty() { Err(Lost::Forbidden) } else { Ok(found) }
}

/// A connection to the first of these that answers.
pub async fn call(addresses: &[SocketAddr]) -> Result<TcpStream, Lost> {
    match timeout(PATIENCE, TcpStream::connect(addresses)).await {
        Ok(Ok(socket)) => {
            let _ = socket.set_nodelay(true);
            Ok(socket)
        }
        Ok(Err(why)) if why.kind() == io::ErrorKind::TimedOut => Err(Lost::TooSlow),
        Ok(Err(_)) => Err(Lost::Refused),
        Err(_) => Err(Lost::TooSlow),
    }
}

/// What an error of the driver means.
fn reason(why: anyhow::Error, closed: Lost) -> Lost {
    let why = match why.downcast::<Lost>() {
        Ok(lost) => return lost,
        Err(why) => why,
    };
    let session = why.downcast_ref::<SessionError>();
    let tls = why.downcast_ref::<TlsError<SessionError>>();
    match (session, tls) {
        (_, Some(TlsError::Tls(_))) => Lost::Tls,
        (_, Some(TlsError::Closed)) => closed,
        (Some(session), _) | (_, Some(TlsError::Inner(session))) => match session {
            SessionError::Handshake(_) => Lost::Handshake,
            SessionError::Timeout(Timer::Write) => Lost::Stalled,
            SessionError::Timeout(Timer::Handshake | Timer::Connect | Timer::Stream) => {
                Lost::TooSlow
            }
            _ => Lost::Closed,
        },
        _ if why.is::<io::Error>() => closed,
        _ => Lost::Own(why),
    }
}

/// Takes note when the server sends us elsewhere, and hands on everything else.
struct Following<'a, C> {
    client: &'a mut C,
    moved: Option<Box<Moved>>,
    over: bool,
    connected: bool,
}

impl<C: Client> Following<'_, C> {
    fn event(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Moved(moved) => {
                self.moved = Some(moved);
                session.close(Instant::now());
                Ok(())
            }
            ClientEvent::Rejected { purpose, info, .. } => {
                Err(Lost::Rejected(purpose, info).into())
            }
            ClientEvent::Closed(reason) => {
                self.over = reason == CloseReason::Local;
                if self.over || self.moved.is_some() { Ok(()) } else { Err(Lost::Closed.into()) }
            }
            event => {
                self.connected |= matches!(event, ClientEvent::Connected { .. });
                self.client.handle(session, event)
            }
        }
    }
}

impl<C: Client> Application<ClientSession> for Following<'_, C> {
    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        self.event(session, event)
    }

    fn fill(&mut self, session: &mut ClientSession) -> bool {
        self.client.fill(session);
        true
    }

    fn poll_woken(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        self.client.poll_wake(context)
    }
}

impl<C: Client> Application<Tls<ClientSession>> for Following<'_, C> {
    fn handle(&mut self, tls: &mut Tls<ClientSession>, event: ClientEvent) -> anyhow::Result<()> {
        self.event(tls.inner_mut(), event)
    }

    fn fill(&mut self, tls: &mut Tls<ClientSession>) -> bool {
        self.client.fill(tls.inner_mut());
        true
    }

    fn poll_woken(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        self.client.poll_wake(context)
    }
}
