//! Plays one RTMP URL and publishes it to many others, message by message, without looking inside.
//!
//! ```sh
//! cargo run -p levada-minimal --bin restream -- rtmp://127.0.0.1/live/film rtmp://a.example/live/key rtmps://b.example/app/key
//! ```

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use levada_chunk::{ChunkSize, MessageStreamId};
use levada_minimal::Progress;
use levada_minimal::connect::{Client, has_room, run};
use levada_minimal::hub::{Fan, Reader};
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, PlayStart, PublishKind, RtmpUrl, SendError,
};

#[derive(Parser)]
struct Args {
    /// What to play.
    from: String,
    /// Where to publish it.
    #[arg(required = true)]
    to: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let parse = |url: &str| RtmpUrl::parse(url).with_context(|| format!("{url} is no RTMP URL"));
    let from = parse(&args.from)?;
    let fan = Fan::default();
    for to in &args.to {
        tokio::spawn(push(parse(to)?, fan.clone()));
    }
    let chunk_size = ClientConfig::new(from.clone()).chunk_size;
    let name = from.stream.clone();
    run(from, None, &mut Source { name, fan, chunk_size, progress: Progress::new() }).await
}

/// Publishes to one target, again and again: 1 s, 2 s, 4 s … up to a minute after each failure.
async fn push(url: RtmpUrl, fan: Fan) {
    let mut wait = Duration::from_secs(1);
    loop {
        let begin = Instant::now();
        let mut target = Target { key: url.stream.clone(), reader: fan.join(), to: None };
        let ended = run(url.clone(), None, &mut target).await;
        eprintln!(
            "{}: {}",
            url.host,
            ended.map_or_else(|why| why.to_string(), |()| "closed".into())
        );
        if begin.elapsed() > Duration::from_secs(60) {
            wait = Duration::from_secs(1);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(60));
    }
}

struct Source {
    name: String,
    fan: Fan,
    chunk_size: ChunkSize,
    progress: Progress,
}

impl Client for Source {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.name, PlayStart::Any, None)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        if let ClientEvent::Media { message, .. } = event {
            self.progress.count(message.payload.len(), message.timestamp);
            self.fan.push(message, self.chunk_size)?;
        }
        Ok(())
    }
}

struct Target {
    key: String,
    reader: Reader,
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
        while has_room(session) {
            let Some(message) = self.reader.next_message() else { break };
            match session.send(to, &message) {
                Ok(()) | Err(SendError::Full) => {}
                Err(why) => return Err(why.into()),
            }
        }
        Ok(())
    }

    async fn wake(&mut self) {
        match self.to {
            Some(_) => self.reader.wake().await,
            None => std::future::pending().await,
        }
    }
}
