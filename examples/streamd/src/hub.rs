//! Which streams are live.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::stream::Stream;

/// All streams by their path: `live/name`.
#[derive(Debug, Default)]
pub struct Hub {
    streams: Mutex<HashMap<String, Arc<Stream>>>,
}

impl Hub {
    /// Begins a stream. `None` if somebody publishes it already.
    pub fn publish(&self, path: &str) -> Option<Arc<Stream>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.get(path).is_some_and(|it| it.is_live()) {
            return None;
        }
        let stream = Arc::new(Stream::new());
        streams.insert(path.to_owned(), stream.clone());
        Some(stream)
    }

    /// A stream that somebody publishes, or did lately.
    pub fn find(&self, path: &str) -> Option<Arc<Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}
