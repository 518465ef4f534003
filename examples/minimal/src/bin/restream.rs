//! Plays one RTMP URL and publishes it to many others, message by message, without looking inside.
//!
//! ```sh
//! cargo run -p levada-minimal --bin restream -- rtmp://127.0.0.1/live/film rtmp://a.example/live/key rtmps://b.example/app/key
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use levada_chunk::{MessageStreamId, MessageType, SharedMessage};
use levada_flv::{Role, TagKind, role};
use levada_minimal::Progress;
use levada_minimal::connect::{Client, has_room, run};
use levada_relay::{Cursor, Next, Ring, RingLimits};
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, PlayStart, PublishKind, RtmpUrl, SendError,
};
use tokio::sync::watch;

#[derive(Parser)]
struct Args {
    /// What to play.
    from: String,
    /// Where to publish it.
    #[arg(required = true)]
    to: Vec<String>,
}

type Shared = Arc<Mutex<Ring<SharedMessage>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let parse = |url: &str| RtmpUrl::parse(url).with_context(|| format!("{url} is no RTMP URL"));
    let from = parse(&args.from)?;
    let ring: Shared = Arc::new(Mutex::new(Ring::new(RingLimits::default())));
    let changed = watch::Sender::new(());
    for to in &args.to {
        tokio::spawn(push(parse(to)?, ring.clone(), changed.subscribe()));
    }
    let chunk_size = ClientConfig::new(from.clone()).chunk_size;
    let name = from.stream.clone();
    run(from, None, &mut Source { name, ring, changed, chunk_size, progress: Progress::new() })
        .await
}

/// Publishes to one target, again and again: 1 s, 2 s, 4 s … up to a minute after each failure.
async fn push(url: RtmpUrl, ring: Shared, changed: watch::Receiver<()>) {
    let (host, key) = (url.host.clone(), url.stream.clone());
    let mut wait = Duration::from_secs(1);
    loop {
        let begin = Instant::now();
        let cursor = lock(&ring).join();
        let mut target = Target {
            key: key.clone(),
            ring: ring.clone(),
            changed: changed.clone(),
            cursor,
            to: None,
        };
        let ended = run(url.clone(), None, &mut target).await;
        eprintln!("{host}: {}", ended.map_or_else(|why| why.to_string(), |()| "closed".into()));
        if begin.elapsed() > Duration::from_secs(60) {
            wait = Duration::from_secs(1);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(60));
    }
}

fn lock(ring: &Shared) -> std::sync::MutexGuard<'_, Ring<SharedMessage>> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kind(kind: MessageType) -> TagKind {
    match kind {
        MessageType::AUDIO => TagKind::Audio,
        MessageType::VIDEO => TagKind::Video,
        _ => TagKind::Script,
    }
}

struct Source {
    name: String,
    ring: Shared,
    changed: watch::Sender<()>,
    chunk_size: levada_chunk::ChunkSize,
    progress: Progress,
}

impl Client for Source {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.name, PlayStart::Any, None)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        let ClientEvent::Media { message, .. } = event else { return Ok(()) };
        self.progress.count(message.payload.len(), message.timestamp);
        let (size, role) = (message.payload.len(), role(kind(message.kind), &message.payload));
        let shared = SharedMessage::new(message, self.chunk_size)?;
        match role {
            Role::Header(slot) => lock(&self.ring).push_header(slot, shared, size)?,
            role => lock(&self.ring).push(shared, size, role == Role::Key),
        }
        self.changed.send_replace(());
        Ok(())
    }
}

struct Target {
    key: String,
    ring: Shared,
    changed: watch::Receiver<()>,
    cursor: Cursor,
    to: Option<MessageStreamId>,
}

impl Client for Target {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.publish(&self.key, PublishKind::Live)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        if let ClientEvent::Publishing(stream) = event {
            self.to = Some(stream);
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        let Some(to) = self.to else { return Ok(()) };
        self.changed.borrow_and_update();
        let ring = lock(&self.ring);
        while has_room(session) {
            match ring.next(&mut self.cursor) {
                Next::Header(message) | Next::Item(message) => match session.send(to, message) {
                    Ok(()) | Err(SendError::Full) => {}
                    Err(why) => return Err(why.into()),
                },
                Next::Skipped { lost, .. } => eprintln!("too slow: {lost} messages skipped"),
                Next::Empty => break,
            }
        }
        Ok(())
    }

    async fn wake(&mut self) {
        if self.to.is_none() || self.changed.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
