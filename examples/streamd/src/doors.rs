//! Ports that RTMP clients come in by. The plane says which are open.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use levada_control::{Fact, ListenerId};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::server::Server;
use crate::{rtmp, tls};

/// All doors.
#[derive(Debug, Default)]
pub struct Doors {
    /// Sockets that were bound before the plane asked for them.
    bound: Mutex<HashMap<SocketAddr, TcpListener>>,
    open: Mutex<HashMap<SocketAddr, Arc<watch::Sender<bool>>>>,
    /// Counts how often a listener's connections were sent away.
    emptied: Mutex<HashMap<ListenerId, watch::Sender<u64>>>,
}

/// What a connection came in by.
#[derive(Clone, Debug)]
pub struct Door {
    pub listener: ListenerId,
    /// Changes when everybody has to go.
    pub emptied: watch::Receiver<u64>,
}

impl Doors {
    /// A socket for when the plane asks for it.
    pub fn bring(&self, socket: TcpListener) -> std::io::Result<()> {
        let address = socket.local_addr()?;
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).insert(address, socket);
        Ok(())
    }

    fn take(&self, address: SocketAddr) -> Option<TcpListener> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).remove(&address)
    }

    /// For a connection that comes in now.
    pub fn door(&self, listener: ListenerId) -> Door {
        let mut emptied = self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
        let emptied = emptied.entry(listener).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Door { listener, emptied }
    }

    /// Takes nobody in any more.
    pub fn close(&self, address: SocketAddr) {
        let door = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        if let Some(door) = door {
            info!(%address, "closed a port");
            door.send_replace(true);
        }
    }
}

/// Binds a port, and tells the plane.
pub fn open(server: &Arc<Server>, listener: ListenerId, address: SocketAddr, with_tls: bool) {
    let server = server.clone();
    tokio::spawn(async move {
        let bound = match server.doors.take(address) {
            Some(socket) => Ok(socket),
            None => TcpListener::bind(address).await,
        };
        let tls = if with_tls { tls::server(&server.config()).map(Some) } else { Ok(None) };
        let fact = match (bound, tls) {
            (Ok(socket), Ok(tls)) => {
                info!(%address, "opened a port");
                let shut = Arc::new(watch::Sender::new(false));
                let mut open = server.doors.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.insert(address, shut.clone());
                drop(open);
                tokio::spawn(serve(server.clone(), listener, socket, tls, shut));
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
    shut: Arc<watch::Sender<bool>>,
) {
    let mut shut = shut.subscribe();
    tokio::select! {
        () = rtmp::listen(socket, tls, server, listener) => {}
        _ = shut.wait_for(|it| *it) => {}
    }
}

/// Sends everybody of a listener away.
pub fn empty(server: &Arc<Server>, listener: ListenerId) {
    let emptied = server.doors.emptied.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(emptied) = emptied.get(&listener) {
        emptied.send_modify(|it| *it += 1);
    }
    drop(emptied);
    let _ = server.control.fact(Fact::Drained(listener));
}
