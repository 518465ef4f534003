//! Ports that RTMP clients come in by. The plane says which are open.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use levada_control::{Fact, ListenerId, ListenerState, Notice, NoticeKind, Plane};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::bell::{Bell, Listener};
use crate::lock::lock;
use crate::server::Server;
use crate::{rtmp, tls};

/// How long a port may take to open or close.
const PATIENCE: Duration = Duration::from_secs(5);

/// All doors.
#[derive(Debug, Default)]
pub struct Doors {
    /// Sockets that were bound before the plane asked for them.
    bound: Mutex<HashMap<SocketAddr, TcpListener>>,
    open: Mutex<HashMap<SocketAddr, Open>>,
    /// Ports that were closed a moment ago, until their sockets are.
    closing: Mutex<HashMap<SocketAddr, JoinHandle<()>>>,
    /// Ring when a listener's connections are sent away.
    emptied: Mutex<HashMap<ListenerId, Arc<Bell>>>,
}

#[derive(Debug)]
struct Open {
    shut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What a connection came in by.
#[derive(Debug)]
pub struct Door {
    pub listener: ListenerId,
    /// Rings when everybody has to go.
    pub emptied: Listener,
}

impl Doors {
    /// A socket for when the plane asks for it.
    pub fn bring(&self, socket: TcpListener) -> std::io::Result<()> {
        let address = socket.local_addr()?;
        lock(&self.bound).insert(address, socket);
        Ok(())
    }

    fn take(&self, address: SocketAddr) -> Option<TcpListener> {
        lock(&self.bound).remove(&address)
    }

    /// For a connection that comes in now.
    pub fn door(&self, listener: ListenerId) -> Door {
        let mut emptied = lock(&self.emptied);
        let emptied = emptied.entry(listener).or_default().listen();
        Door { listener, emptied }
    }

    /// Takes nobody in any more.
    pub fn close(&self, address: SocketAddr) {
        let door = lock(&self.open).remove(&address);
        if let Some(Open { shut, task }) = door {
            info!(%address, "closed a port");
            shut.send_replace(true);
            lock(&self.closing).insert(address, task);
        }
    }

    /// Waits until nobody listens there any more.
    async fn is_free(&self, address: SocketAddr) {
        let task = lock(&self.closing).remove(&address);
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// Binds a port, and tells the plane.
pub fn open(server: &Arc<Server>, listener: ListenerId, address: SocketAddr, with_tls: bool) {
    let server = server.clone();
    tokio::spawn(async move {
        server.doors.is_free(address).await;
        let bound = match server.doors.take(address) {
            Some(socket) => Ok(socket),
            None => TcpListener::bind(address).await,
        };
        let tls = if with_tls { tls::server(&server.config()).map(Some) } else { Ok(None) };
        let fact = match (bound, tls) {
            (Ok(socket), Ok(tls)) => {
                info!(%address, "opened a port");
                let shut = watch::Sender::new(false);
                let told = shut.subscribe();
                let task = tokio::spawn(serve(server.clone(), listener, socket, tls, told));
                let mut open = lock(&server.doors.open);
                open.insert(address, Open { shut, task });
                drop(open);
                Fact::Bound(listener)
            }
            (Err(why), _) => {
                warn!(%address, %why, "cannot open a port");
                Fact::BindFailed(listener)
            }
            (_, Err(why)) => {
                warn!(%address, why = format!("{why:#}"), "cannot open a port with TLS");
                Fact::BindFailed(listener)
            }
        };
        let _ = server.control.fact(fact);
    });
}

async fn serve(
    server: Arc<Server>,
    listener: ListenerId,
    socket: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    mut shut: watch::Receiver<bool>,
) {
    tokio::select! {
        () = rtmp::listen(socket, tls, server, listener) => {}
        _ = shut.wait_for(|it| *it) => {}
    }
}

/// Sends everybody of a listener away.
pub fn empty(server: &Arc<Server>, listener: ListenerId) {
    let emptied = lock(&server.doors.emptied).get(&listener).cloned();
    if let Some(bell) = emptied {
        bell.ring();
    }
    let _ = server.control.fact(Fact::Drained(listener));
}

/// Whether a listener takes connections.
pub fn is_open(plane: &Plane, id: ListenerId) -> bool {
    plane.listener(id).is_some_and(|it| it.machine.state() == ListenerState::Listening)
}

/// Waits until a change opened a listener's port, or found it taken. The notices are those since before the change.
pub async fn opened(
    server: &Server,
    notices: &mut broadcast::Receiver<Arc<Notice>>,
    id: ListenerId,
) -> Result<(), ()> {
    loop {
        match next(notices).await.as_deref().map(|it| &it.kind) {
            Some(NoticeKind::ListenerStarted { listener }) if *listener == id => return Ok(()),
            Some(NoticeKind::ListenerFailed { listener }) if *listener == id => return Err(()),
            Some(_) => {}
            // Something was missed: it is as it is now.
            None if server.control.read(|plane, _, _| is_open(plane, id)) => return Ok(()),
            None => return Err(()),
        }
    }
}

/// Waits until a listener's port is closed.
pub async fn closed(
    server: &Server,
    notices: &mut broadcast::Receiver<Arc<Notice>>,
    id: ListenerId,
) {
    let state = || {
        server.control.read(|plane, _, _| {
            plane.listener(id).map(|it| (it.machine.state(), it.machine.config().clone()))
        })
    };
    while let Some((ListenerState::Listening | ListenerState::Draining { .. }, _)) = state() {
        if next(notices).await.is_none() {
            return;
        }
    }
    if let Some((_, config)) = state() {
        server.doors.is_free((config.bind, config.port).into()).await;
    }
}

/// The next notice. None if it takes too long, or one was missed.
async fn next(notices: &mut broadcast::Receiver<Arc<Notice>>) -> Option<Arc<Notice>> {
    tokio::time::timeout(PATIENCE, notices.recv()).await.ok()?.ok()
}
