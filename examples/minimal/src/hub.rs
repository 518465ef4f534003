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
    stream: Arc<Mutex<Stream>>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Stream {
    ring: Ring<SharedMessage>,
    has_video: bool,
}

impl Default for Fan {
    fn default() -> Self {
        let stream = Stream { ring: Ring::new(RingLimits::default()), has_video: false };
        Self { stream: Arc::new(Mutex::new(stream)), changed: watch::Sender::new(()) }
    }
}

impl Fan {
    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the publisher. Players get it in chunks of this size.
    pub fn push(&self, message: Message, chunk_size: ChunkSize) -> anyhow::Result<()> {
        let (kind, size) = (tag_kind(message.kind), message.payload.len());
        let role = role(kind, &message.payload);
        let shared = SharedMessage::new(message, chunk_size)?;
        let mut stream = self.lock();
        stream.has_video |= kind == TagKind::Video;
        // Where no pictures are announced, players begin with any sound.
        let begins = role == Role::Key || kind == TagKind::Audio && !stream.has_video;
        match role {
            Role::Header(slot) => stream.ring.push_header(slot, shared, size)?,
            _ => stream.ring.push(shared, size, begins),
        }
        drop(stream);
        self.changed.send_replace(());
        Ok(())
    }

    /// A place at the newest group of pictures.
    pub fn join(&self) -> Reader {
        Reader {
            fan: self.clone(),
            cursor: self.lock().ring.join(),
            changed: self.changed.subscribe(),
        }
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
        let stream = self.fan.lock();
        loop {
            match stream.ring.next(&mut self.cursor) {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use levada_chunk::MessageStreamId;

    use super::*;

    fn times(reader: &mut Reader) -> Vec<u32> {
        std::iter::from_fn(|| reader.next_message()).map(|it| it.timestamp()).collect()
    }

    /// Which of these messages a player gets that was there before them, and which one that comes behind.
    fn played(messages: &[(MessageType, &'static [u8])]) -> [Vec<u32>; 2] {
        let (fan, size) = (Fan::default(), ChunkSize::new(4096).unwrap());
        let (mut early, mut got) = (fan.join(), Vec::new());
        for (time, (kind, body)) in (0..).zip(messages) {
            let body = Bytes::from_static(body);
            fan.push(Message::new(*kind, MessageStreamId(1), time, body), size).unwrap();
            got.extend(times(&mut early));
        }
        [got, times(&mut fan.join())]
    }

    #[test]
    fn players_begin_with_a_keyframe_or_with_sound_where_there_is_nothing_else() {
        let sound = (MessageType::AUDIO, &b"\xaf\x01...."[..]);
        let key = (MessageType::VIDEO, &b"\x17\x01\0\0\0...."[..]);
        let other = (MessageType::VIDEO, &b"\x27\x01\0\0\0...."[..]);
        let all = [sound, key, sound, other, key, sound, other];
        assert_eq!(played(&all), [vec![0, 1, 2, 3, 4, 5, 6], vec![4, 5, 6]]);
        let header = (MessageType::VIDEO, &b"\x17\0\0\0\0...."[..]);
        assert_eq!(played(&[header, sound, key]), [[0, 2], [0, 2]]);
        assert_eq!(played(&[other, sound, key]), [[2], [2]]);
        assert_eq!(played(&[sound, sound, sound]), [vec![0, 1, 2], vec![2]]);
    }
}
