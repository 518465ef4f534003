//! Publishes an FLV file to an RTMP or RTMPS URL at the pace of its timestamps.
//!
//! ```sh
//! cargo run -p levada-minimal --bin publish -- film.flv rtmp://127.0.0.1/live/film
//! ```

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use levada_chunk::{Message, MessageStreamId, MessageType, SharedMessage};
use levada_flv::{FlvTag, TagKind};
use levada_minimal::Progress;
use levada_minimal::connect::{Client, has_room, run};
use levada_minimal::file::read_tags;
use levada_session::{ClientConfig, ClientEvent, ClientSession, PublishKind, RtmpUrl};
use tokio::time::{Instant, sleep_until};

#[derive(Parser)]
struct Args {
    /// The file.
    file: PathBuf,
    /// Where to: rtmp://HOST/APP/KEY or rtmps://…
    url: String,
    /// Start again at its end, for ever.
    #[arg(long)]
    repeat: bool,
    /// Trust the certificates of this PEM file, too.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let url = RtmpUrl::parse(&args.url).context("that is no RTMP URL: rtmp://HOST/APP/KEY")?;
    // All of it in memory: a program for long films would read as it goes.
    let mut messages = Vec::new();
    read_tags(&args.file, |tag| {
        messages.push(message(&tag));
        Ok(())
    })
    .await?;
    anyhow::ensure!(!messages.is_empty(), "{} has no tags", args.file.display());
    let chunk_size = ClientConfig::new(url.clone()).chunk_size;
    let mut publisher = Publisher {
        key: url.stream.clone(),
        messages,
        chunk_size,
        next: 0,
        repeat: args.repeat,
        offset: 0,
        to: None,
        begin: Instant::now(),
        progress: Progress::new(),
    };
    run(url, args.ca, &mut publisher).await
}

fn message(tag: &FlvTag) -> Message {
    let kind = match tag.kind {
        TagKind::Audio => MessageType::AUDIO,
        TagKind::Video => MessageType::VIDEO,
        _ => MessageType::DATA_AMF0,
    };
    Message::new(kind, MessageStreamId(0), tag.timestamp, tag.body.clone())
}

struct Publisher {
    key: String,
    messages: Vec<Message>,
    chunk_size: levada_chunk::ChunkSize,
    next: usize,
    repeat: bool,
    /// Milliseconds of the rounds before this one.
    offset: u32,
    to: Option<MessageStreamId>,
    begin: Instant,
    progress: Progress,
}

impl Publisher {
    /// When the next message is due, and its timestamp.
    fn due(&self) -> Option<(Instant, u32)> {
        let first = self.messages.first()?.timestamp;
        let at =
            self.messages.get(self.next)?.timestamp.wrapping_sub(first).wrapping_add(self.offset);
        Some((self.begin + Duration::from_millis(at.into()), at))
    }
}

impl Client for Publisher {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.publish(&self.key, PublishKind::Live)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        if let ClientEvent::Publishing(stream) = event {
            (self.to, self.begin) = (Some(stream), Instant::now());
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        let Some(to) = self.to else { return Ok(()) };
        while let Some((_, at)) = self.due().filter(|(due, _)| *due <= Instant::now()) {
            if !has_room(session) {
                return Ok(());
            }
            let message = Message { timestamp: at, ..self.messages[self.next].clone() };
            self.progress.count(message.payload.len(), at);
            session.send(to, &SharedMessage::new(message, self.chunk_size)?)?;
            self.next += 1;
            if self.next == self.messages.len() {
                (self.next, self.offset) = if self.repeat { (0, at + 40) } else { (self.next, at) };
                self.progress.finish(at);
            }
        }
        if self.next == self.messages.len() {
            self.to = None;
            session.close(std::time::Instant::now());
        }
        Ok(())
    }

    async fn wake(&mut self) {
        match self.due().filter(|_| self.to.is_some()) {
            Some((due, _)) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}
