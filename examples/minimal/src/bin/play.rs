//! Plays an RTMP or RTMPS URL into an FLV file.
//!
//! ```sh
//! cargo run -p levada-minimal --bin play -- rtmp://127.0.0.1/live/film film.flv --seconds 10
//! ```

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bytes::Buf;
use clap::Parser;
use levada_buf::Outbox;
use levada_flv::{FlvHeader, FlvTag, FlvWriter, TagKind};
use levada_minimal::Progress;
use levada_minimal::connect::{Client, run};
use levada_minimal::hub::tag_kind;
use levada_session::{ClientEvent, ClientSession, PlayStart, RtmpUrl};
use tokio::time::{Instant, sleep_until};

#[derive(Parser)]
struct Args {
    /// What to play: rtmp://HOST/APP/NAME or rtmps://…
    url: String,
    /// The file to write.
    file: PathBuf,
    /// Stop after so many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Trust the certificates of this PEM file, too.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let url = RtmpUrl::parse(&args.url).context("that is no RTMP URL: rtmp://HOST/APP/NAME")?;
    let file = std::fs::File::create(&args.file)
        .with_context(|| format!("cannot create {}", args.file.display()))?;
    let mut player = Player {
        name: url.stream.clone(),
        file: std::io::BufWriter::new(file),
        writer: FlvWriter::default(),
        out: Outbox::new(),
        first: None,
        last: 0,
        until: args.seconds.map(|it| Instant::now() + Duration::from_secs(it)),
        progress: Progress::new(),
    };
    let header = FlvHeader::new(true, true);
    player.writer.header(&header, &mut player.out);
    let ended = run(url, args.ca, &mut player).await;
    player.flush()?;
    player.progress.finish(player.last);
    ended
}

struct Player {
    name: String,
    file: std::io::BufWriter<std::fs::File>,
    writer: FlvWriter,
    out: Outbox,
    /// The first timestamp: the file begins at 0.
    first: Option<u32>,
    last: u32,
    until: Option<Instant>,
    progress: Progress,
}

impl Player {
    fn flush(&mut self) -> anyhow::Result<()> {
        while self.out.has_remaining() {
            let count = self.file.write(self.out.chunk())?;
            self.out.advance(count);
        }
        Ok(self.file.flush()?)
    }
}

impl Client for Player {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.name, PlayStart::Any, None)?)
    }

    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Media { message, .. } => {
                let kind = tag_kind(message.kind);
                if kind != TagKind::Script {
                    let first = *self.first.get_or_insert(message.timestamp);
                    self.last = message.timestamp.saturating_sub(first);
                }
                let at = self.last;
                self.progress.count(message.payload.len(), at);
                self.writer.tag(&FlvTag::new(kind, at, message.payload), &mut self.out)?;
                self.flush()?;
            }
            ClientEvent::EndOfStream(_) => session.close(std::time::Instant::now()),
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        if self.until.is_some_and(|it| it <= Instant::now()) {
            self.until = None;
            session.close(std::time::Instant::now());
        }
        Ok(())
    }

    async fn wake(&mut self) {
        match self.until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}
