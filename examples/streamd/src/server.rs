//! What all connections share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::config::Config;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::relay::Relays;

/// The server: its settings, its streams, its counters.
#[derive(Debug)]
pub struct Server {
    config: Mutex<Arc<Config>>,
    pub hub: Hub,
    pub gate: Arc<Gate>,
    pub metrics: Metrics,
    pub relays: Relays,
    pub begin: Instant,
    /// What publishers have to know, unless everybody may publish.
    pub publish_key: Option<String>,
    stopping: watch::Sender<bool>,
}

impl Server {
    pub fn new(config: Config, publish_key: Option<String>) -> Self {
        Self {
            config: Mutex::new(Arc::new(config)),
            hub: Hub::default(),
            gate: Arc::default(),
            metrics: Metrics::default(),
            relays: Relays::default(),
            begin: Instant::now(),
            publish_key,
            stopping: watch::Sender::new(false),
        }
    }

    /// The settings in force.
    pub fn config(&self) -> Arc<Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other settings from now on.
    pub fn set_config(&self, config: Config) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Tells everybody that it is time to go.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Resolves when it is time to go.
    pub async fn stopping(&self) {
        let _ = self.stop_sign().wait_for(|it| *it).await;
    }

    /// Turns to `true` when it is time to go.
    pub fn stop_sign(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
