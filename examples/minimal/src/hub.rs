//! Messages of a publisher for any number of players.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use levada_chunk::{ChunkSize, Message, MessageType, SharedMessage};
use levada_flv::{Role, TagKind, role};
use levada_relay::{Cursor, Next, Ring, RingLimits};
use tokio::sync::watch;

/// What kind of tag a message of RTMP is.
pub fn tag_kind(kind: MessageType) -> TagKind {
    match kind {
        MessageType::AUDIO => TagKind::Audio,
        MessageType::VIDEO => TagKind::Video,
        MessageType::DATA_AMF3 => TagKind::ScriptAmf3,
        _ => TagKind::Script,
    }
}

/// The streams of a server by their paths.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Mutex<HashMap<String, Fan>>>);

impl Hub {
    /// The stream of that path. It begins when somebody asks for it: players may come first.
    pub fn stream(&self, path: &str) -> Fan {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(path.to_owned())
            .or_default()
            .clone()
    }
}

/// One stream: a ring of messages, and a bell.
#[derive(Clone, Debug)]
pub struct Fan {
    ring: Arc<Mutex<Ring<SharedMessage>>>,
    changed: watch::Sender<()>,
}

impl Default for Fan {
    fn default() -> Self {
        Self {
            ring: Arc::new(Mutex::new(Ring::new(RingLimits::default()))),
            changed: watch::Sender::new(()),
        }
    }
}

impl Fan {
    fn lock(&self) -> MutexGuard<'_, Ring<SharedMessage>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the publisher. Players get it in chunks of this size.
    pub fn push(&self, message: Message, chunk_size: ChunkSize) -> anyhow::Result<()> {
        let size = message.payload.len();
        let role = role(tag_kind(message.kind), &message.payload);
        let shared = SharedMessage::new(message, chunk_size)?;
        match role {
            Role::Header(slot) => self.lock().push_header(slot, shared, size)?,
            role => self.lock().push(shared, size, role == Role::Key),
        }
        self.changed.send_replace(());
        Ok(())
    }

    /// A place at the newest group of pictures.
    pub fn join(&self) -> Reader {
        Reader { fan: self.clone(), cursor: self.lock().join(), changed: self.changed.subscribe() }
    }
}

/// A player's place in a stream.
#[derive(Debug)]
pub struct Reader {
    fan: Fan,
    cursor: Cursor,
    changed: watch::Receiver<()>,
}

impl Reader {
    /// The next message. A player that was too slow goes on at a keyframe.
    pub fn next_message(&mut self) -> Option<SharedMessage> {
        self.changed.borrow_and_update();
        let ring = self.fan.lock();
        loop {
            match ring.next(&mut self.cursor) {
                Next::Header(message) | Next::Item(message) => return Some(message.clone()),
                Next::Skipped { lost, .. } => eprintln!("too slow: {lost} messages skipped"),
                Next::Empty => return None,
            }
        }
    }

    /// Resolves when there may be a next message.
    pub async fn wake(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
