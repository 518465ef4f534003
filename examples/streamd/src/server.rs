//! What all connections share.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use levada_control::{
    Error, InputConfig, ListenerConfig, ListenerId, ListenerPolicy, Plane, Profile, ProfileKind,
    Reply, Request, Secret,
};
use levada_session::ServerConfig;
use rustls::ClientConfig;
use tokio::net::{TcpListener, TcpStream};
use tracing::{error, warn};

use crate::api::auth::Tokens;
use crate::api::surface_d;
use crate::bell::{Bell, Listener};
use crate::config::Config;
use crate::control::Control;
use crate::countries::Countries;
use crate::doors::Doors;
use crate::figures::Figures;
use crate::gate::{Gate, Pass};
use crate::hooks::Hooks;
use crate::http_client::HttpClient;
use crate::hub::Hub;
use crate::lock::lock;
use crate::metrics::Metrics;
use crate::outputs::Outputs;
use crate::pulls::Pulls;
use crate::reader::BEHIND;
use crate::record::Recorders;
use crate::rtmp;
use crate::shelf::Shelf;

/// The name of the listener of `--rtmp`.
const MAIN: &str = "rtmp";

/// The listener of `--rtmp`, if there was one before.
pub fn main_of(plane: &Plane) -> Option<ListenerId> {
    plane.listeners().find(|it| it.machine.config().name == MAIN).map(|it| it.id)
}

/// The server: its settings, its streams, its counters.
#[derive(Debug)]
pub struct Server {
    config: Mutex<Arc<Config>>,
    /// What that says about sessions: one for all of them.
    sessions: Mutex<Arc<ServerConfig>>,
    pub hub: Hub,
    pub gate: Arc<Gate>,
    pub metrics: Metrics,
    pub outputs: Outputs,
    pub pulls: Pulls,
    pub begin: Instant,
    /// What publishers have to know, unless everybody may publish.
    pub publish_key: Option<Secret>,
    pub tokens: Tokens,
    pub control: Control,
    /// How other servers are spoken to behind TLS.
    pub tls: Arc<ClientConfig>,
    pub client: HttpClient,
    pub hooks: Hooks,
    pub doors: Doors,
    pub recorders: Recorders,
    pub figures: Figures,
    countries: Mutex<Arc<Countries>>,
    pub shelf: Shelf,
    /// The listener of `--rtmp` and `--rtmps`: streams are called by their names there.
    main: OnceLock<ListenerId>,
    /// The port of `--rtmps`, once it is open.
    pub rtmps: OnceLock<u16>,
    /// The port of `--http`.
    pub http: OnceLock<u16>,
    stopping: AtomicBool,
    stops: Arc<Bell>,
}

impl Server {
    pub fn new(
        config: Config,
        publish_key: Option<String>,
        tokens: Tokens,
        control: Control,
        tls: Arc<ClientConfig>,
    ) -> Self {
        Self {
            sessions: Mutex::new(Arc::new(rtmp::session_config(&config))),
            config: Mutex::new(Arc::new(config)),
            hub: Hub::default(),
            gate: Arc::default(),
            metrics: Metrics::default(),
            outputs: Outputs::default(),
            pulls: Pulls::default(),
            begin: Instant::now(),
            publish_key: publish_key.map(Secret::new),
            tokens,
            control,
            client: HttpClient::new(tls.clone()),
            tls,
            hooks: Hooks::default(),
            doors: Doors::default(),
            recorders: Recorders::default(),
            figures: Figures::default(),
            countries: Mutex::default(),
            shelf: Shelf::default(),
            main: OnceLock::new(),
            rtmps: OnceLock::new(),
            http: OnceLock::new(),
            stopping: AtomicBool::default(),
            stops: Arc::default(),
        }
    }

    /// Opens `--rtmp` under the plane's eyes, and says which listener that is.
    pub async fn open_main(&self, address: SocketAddr) -> anyhow::Result<ListenerId> {
        let mut wanted = ListenerConfig::new(MAIN, address.port());
        wanted.bind = address.ip();
        wanted.buffer_s = BEHIND / 1_000;
        if self.publish_key.is_none() {
            wanted.policy = ListenerPolicy::Open;
        }
        let Some(id) = self.control.read(|plane, _, _| main_of(plane)) else {
            // Known before the first client comes in.
            let remember = |reply: &Reply| {
                if let Reply::Listener(id) = reply {
                    let _ = self.main.set(*id);
                }
            };
            let request = Request::CreateListener(wanted);
            self.control.request_with(request, |reply, _, _| remember(reply)).await?;
            return Ok(self.main()?);
        };
        let _ = self.main.set(id);
        self.control.request(Request::UpdateListener(id, wanted)).await?;
        Ok(id)
    }

    /// The listener of `--rtmp`.
    pub fn main(&self) -> Result<ListenerId, Error> {
        self.main.get().copied().ok_or(Error::NotFound { what: "listener" })
    }

    /// Counts a connection from an address, if there may be one more.
    pub fn let_in(&self, address: IpAddr) -> Option<Pass> {
        let config = self.config();
        let pass = self.gate.enter(address, config.max_connections, config.max_per_address);
        if pass.is_none() {
            self.metrics.refuse_connection();
        }
        pass
    }

    /// The ports of `--rtmp` and `--rtmps`.
    pub fn ports(&self) -> (u16, Option<u16>) {
        let main = self.main.get().and_then(|id| {
            self.control.read(|plane, _, _| Some(plane.listener(*id)?.machine.config().port))
        });
        (main.unwrap_or(self.config().rtmp.port()), self.rtmps.get().copied())
    }

    /// What the input of an openly published name is. Listeners that surface D made have its profile.
    pub fn open_input(&self, listener: ListenerId, path: &str) -> InputConfig {
        let mut input = self.config().open_input(path);
        let servers = surface_d::place(listener);
        if self.control.read(|_, _, extras| extras.contains_key(&servers)) {
            input.profile = Profile::of(ProfileKind::Servers);
        }
        input
    }

    /// The next connection to a port. None when it is time to go.
    pub async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopping() => return None,
            };
            match accepted {
                Ok(accepted) => return Some(accepted),
                Err(why) => {
                    // Too many open files, most likely: it passes.
                    warn!(%why, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Serves a connection in a task of its own. A bug ends that one, and is counted.
    pub fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let witness = Witness(self.clone());
        // Not in an async block: it would have room for the work twice.
        tokio::spawn(work.map(|()| drop(witness)));
    }

    /// Seconds of media that a listener queues per player.
    pub fn buffer_of(&self, listener: ListenerId) -> u32 {
        let of = |it: levada_control::ListenerView<'_>| it.machine.config().buffer_s;
        self.control.read(|plane, _, _| plane.listener(listener).map_or(u32::MAX, of))
    }

    /// What a stream is called by whose name is public: on the main listener as it was published, elsewhere with the
    /// listener before it.
    pub fn path_of(&self, listener: ListenerId, path: &str) -> String {
        if self.main.get() == Some(&listener) {
            path.to_owned()
        } else {
            format!("{listener}/{path}")
        }
    }

    /// Whether an address that a name resolved to may be called.
    pub fn may_call(&self, host: &str, port: u16, address: IpAddr) -> bool {
        self.control.read(|plane, _, _| plane.config().targets.allows_at(host, port, address))
    }

    /// The settings in force.
    pub fn config(&self) -> Arc<Config> {
        lock(&self.config).clone()
    }

    /// The settings of sessions that begin now.
    pub fn session_config(&self) -> Arc<ServerConfig> {
        lock(&self.sessions).clone()
    }

    /// Other settings from now on.
    pub fn set_config(&self, config: Config) {
        *lock(&self.sessions) = Arc::new(rtmp::session_config(&config));
        *lock(&self.config) = Arc::new(config);
    }

    /// Which country viewers are in.
    pub fn countries(&self) -> Arc<Countries> {
        lock(&self.countries).clone()
    }

    /// Other countries from now on.
    pub fn set_countries(&self, countries: Countries) {
        *lock(&self.countries) = Arc::new(countries);
    }

    /// Tells everybody that it is time to go.
    pub fn stop(&self) {
        self.stopping.store(true, Release);
        self.stops.ring();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Acquire)
    }

    /// Resolves when it is time to go.
    pub async fn stopping(&self) {
        let mut stop = self.stop_sign();
        while !self.is_stopping() {
            stop.ring().await;
        }
    }

    /// Rings when it is time to go.
    pub fn stop_sign(&self) -> Listener {
        self.stops.listen()
    }
}

/// Does what waits for the disk beside the threads that move media.
pub async fn work<T: Send + 'static>(
    server: &Arc<Server>,
    what: impl FnOnce(&Server) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let server = server.clone();
    tokio::task::spawn_blocking(move || what(&server)).await?
}

/// Sees it when a connection ends by a bug.
struct Witness(Arc<Server>);

impl Drop for Witness {
    fn drop(&mut self) {
        if thread::panicking() {
            error!("a connection ended by a bug");
            self.0.metrics.panics.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[tokio::test]
    async fn a_bug_ends_one_connection_and_is_counted() {
        let folder = std::env::temp_dir().join(format!("streamd-bug-{}", std::process::id()));
        let config = Config::parse_from(["streamd", "--data", &folder.display().to_string()]);
        let (control, _effects) = Control::open(config.plane(), &config.data, None).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let tokens = Tokens::load(None, &config.data, address).unwrap();
        let tls = levada_tls::client_config(rustls::RootCertStore::empty()).unwrap();
        let server = Arc::new(Server::new(config, None, tokens, control, tls));
        let (done, is_done) = tokio::sync::oneshot::channel();
        server.spawn(async { panic!("a bug") });
        server.spawn(async { done.send(()).unwrap() });
        is_done.await.unwrap();
        assert_eq!(server.metrics.panics.load(Relaxed), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
