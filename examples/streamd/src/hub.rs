//! Which streams there are, and who may publish them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use levada_chunk::Message;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::SecondPublisher;
use crate::metrics::Refused;
use crate::server::Server;
use crate::stream::Stream;
use crate::{record, resume};

/// How long a stream that ended stays, for players of HLS that are behind.
const LINGER: Duration = Duration::from_secs(60);
/// How long a publisher sends nothing before it counts as stale.
const STALE: Duration = Duration::from_secs(3);

/// All streams by their path: `live/name`.
#[derive(Debug, Default)]
pub struct Hub {
    streams: Mutex<HashMap<String, Arc<Stream>>>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream that somebody publishes, or did lately.
    pub fn find(&self, path: &str) -> Option<Arc<Stream>> {
        self.lock().get(path).cloned()
    }

    /// All of them, by path.
    pub fn all(&self) -> Vec<Arc<Stream>> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_by(|a, b| a.path().cmp(b.path()));
        all
    }
}

/// The right to publish a stream, until it is dropped or somebody takes over.
#[derive(Debug)]
pub struct Publisher {
    server: Arc<Server>,
    stream: Arc<Stream>,
    owner: u64,
    owners: watch::Receiver<u64>,
}

impl Publisher {
    /// Begins a stream, or goes on with one that waits for its publisher.
    pub fn claim(server: &Arc<Server>, path: &str) -> Result<Self, Refused> {
        let config = server.config();
        let mut streams = server.hub.lock();
        if let Some(stream) = streams.get(path).filter(|it| !it.is_over()) {
            let may_take_over = match config.second_publisher {
                SecondPublisher::Reject => false,
                SecondPublisher::TakeOver => true,
                SecondPublisher::TakeOverIfStale => stream.quiet() >= STALE,
            };
            let owner = stream.claim(may_take_over).ok_or(Refused::SecondPublisher)?;
            info!(path, "the publisher is back, or another one took over");
            return Ok(Self::new(server, stream, owner));
        }
        if streams.values().filter(|it| !it.is_over()).count() >= config.max_streams {
            return Err(Refused::Streams);
        }
        let before = streams.get(path).and_then(|it| it.resume_at());
        let before = before.or_else(|| resume::read(&config.data, path));
        let stream = Arc::new(Stream::new(path, &config, before));
        streams.insert(path.to_owned(), stream.clone());
        drop(streams);
        info!(path, "a stream begins");
        record::start(server, &stream, config.record_of(path));
        tokio::spawn(resume::keep(config.data.clone(), stream.clone()));
        let owner = stream.claim(false).ok_or(Refused::SecondPublisher)?;
        Ok(Self::new(server, &stream, owner))
    }

    fn new(server: &Arc<Server>, stream: &Arc<Stream>, owner: u64) -> Self {
        let owners = stream.owners();
        Self { server: server.clone(), stream: stream.clone(), owner, owners }
    }

    /// Passes a message on. `false` when somebody else publishes by now.
    pub fn push(&self, message: Message) -> bool {
        self.stream.push(self.owner, message)
    }

    /// Whether nobody took over yet.
    pub fn is_current(&self) -> bool {
        self.stream.is_owner(self.owner)
    }

    /// Resolves when somebody took over.
    pub async fn replaced(&mut self) {
        let _ = self.owners.wait_for(|it| *it != self.owner).await;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if !self.stream.leave(self.owner) {
            return;
        }
        let (server, stream, owner) = (self.server.clone(), self.stream.clone(), self.owner);
        let window = if server.is_stopping() { Duration::ZERO } else { server.config().reconnect };
        info!(
            path = stream.path(),
            seconds = window.as_secs_f64(),
            "the publisher left; waiting for it"
        );
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(window) => {}
                () = server.stopping() => {}
            }
            if !stream.finish(owner) {
                return;
            }
            info!(path = stream.path(), "the stream ended");
            tokio::time::sleep(LINGER).await;
            let mut streams = server.hub.lock();
            if streams.get(stream.path()).is_some_and(|it| Arc::ptr_eq(it, &stream)) {
                streams.remove(stream.path());
            }
        });
    }
}

/// Ends all streams: what is recorded is written, what is played gets its end.
pub async fn finish_all(server: &Server, patience: Duration) {
    let all = server.hub.all();
    let done = async {
        for stream in &all {
            stream.settled().await;
        }
    };
    if tokio::time::timeout(patience, done).await.is_err() {
        warn!("some players or recordings did not end in time");
    }
}
