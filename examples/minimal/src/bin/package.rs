//! Packages an FLV file or a live RTMP stream as HLS on disk.
//!
//! ```sh
//! cargo run -p levada-minimal --bin package -- film.flv film/
//! cargo run -p levada-minimal --bin package -- rtmp://127.0.0.1/live/film film/ --ts --segment 4
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Parser;
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_hls::{
    Container, Output, Playlist, PlaylistConfig, Segment, Segmenter, SegmenterConfig, Window,
};
use levada_minimal::Progress;
use levada_minimal::connect::{Client, run};
use levada_minimal::file::{read_tags, replace};
use levada_minimal::hub::tag_kind;
use levada_session::{ClientEvent, ClientSession, PlayStart, RtmpUrl};

#[derive(Parser)]
struct Args {
    /// An FLV file, or an rtmp:// URL.
    from: String,
    /// The folder to write to: index.m3u8, segments and init sections.
    folder: PathBuf,
    /// MPEG-TS instead of fMP4.
    #[arg(long)]
    ts: bool,
    /// Seconds a segment.
    #[arg(long, value_name = "N", default_value_t = 4)]
    segment: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("cannot make the folder {}", args.folder.display()))?;
    let mut packager = Packager::new(&args);
    if args.from.contains("://") {
        let url =
            RtmpUrl::parse(&args.from).context("that is no RTMP URL: rtmp://HOST/APP/NAME")?;
        packager.name.clone_from(&url.stream);
        let ended = run(url, None, &mut packager).await;
        packager.finish()?;
        return ended;
    }
    read_tags(Path::new(&args.from), |tag| packager.push(tag.kind, tag.timestamp, tag.body))
        .await?;
    packager.finish()
}

struct Packager {
    name: String,
    folder: PathBuf,
    unpacker: Unpacker,
    segmenter: Segmenter,
    playlist: Option<Playlist>,
    extension: &'static str,
    progress: Progress,
    last: u32,
}

impl Packager {
    fn new(args: &Args) -> Self {
        let mut config = SegmenterConfig::default();
        config.container = if args.ts { Container::Ts } else { Container::Fmp4 };
        (config.segment, config.part) = (Duration::from_secs(args.segment), None);
        Self {
            name: String::new(),
            folder: args.folder.clone(),
            unpacker: Unpacker::default(),
            segmenter: Segmenter::new(config),
            playlist: None,
            extension: if args.ts { "ts" } else { "m4s" },
            progress: Progress::new(),
            last: 0,
        }
    }

    fn push(&mut self, kind: TagKind, timestamp: u32, body: bytes::Bytes) -> anyhow::Result<()> {
        self.last = timestamp;
        self.progress.count(body.len(), timestamp);
        self.unpacker.push(kind, timestamp, body);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        while let Some(unpacked) = self.unpacker.next() {
            match unpacked {
                Unpacked::Event(event) => {
                    self.segmenter.push(event, i64::try_from(now.as_millis())?)?
                }
                Unpacked::Finding(finding) => eprintln!("{finding:?}"),
                _ => {}
            }
        }
        self.write()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.segmenter.finish()?;
        self.write()?;
        self.progress.finish(self.last);
        let Some(playlist) = &mut self.playlist else {
            anyhow::bail!("there was nothing to package")
        };
        playlist.finish();
        self.publish()
    }

    fn write(&mut self) -> anyhow::Result<()> {
        while let Some(output) = self.segmenter.next_output() {
            match output {
                Output::Init(it) => replace(
                    &self.folder.join(format!("main-init{}.mp4", it.number)),
                    &it.data.into(),
                )?,
                Output::Segment(segment) => self.segment(&segment)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment) -> anyhow::Result<()> {
        let name = format!("main-{}.{}", segment.opening.sequence, self.extension);
        replace(&self.folder.join(name), &segment.body())?;
        let mut config = PlaylistConfig::new(self.segmenter.target_duration().unwrap_or(1), "main");
        (config.window, config.extension) = (Window::Event, self.extension);
        let playlist = self.playlist.get_or_insert_with(|| Playlist::new(config));
        playlist.open(segment.opening);
        playlist.push_segment(segment);
        self.publish()
    }

    fn publish(&self) -> anyhow::Result<()> {
        let Some(playlist) = &self.playlist else { return Ok(()) };
        replace(&self.folder.join("index.m3u8"), &playlist.write(false))
    }
}

impl Client for Packager {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.name, PlayStart::Any, None)?)
    }

    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Media { message, .. } => {
                self.push(tag_kind(message.kind), message.timestamp, message.payload)?;
            }
            ClientEvent::EndOfStream(_) => session.close(std::time::Instant::now()),
            _ => {}
        }
        Ok(())
    }
}
