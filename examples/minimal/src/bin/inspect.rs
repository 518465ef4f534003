//! Says what is in a stream, how its keyframes lie, what is wrong with it, and who would take it.
//!
//! ```sh
//! cargo run -p levada-minimal --bin inspect -- film.flv --policy youtube
//! cargo run -p levada-minimal --bin inspect -- rtmp://127.0.0.1/live/film --seconds 30 --svg film.svg
//! cat film.flv | cargo run -p levada-minimal --bin inspect -- - --json
//! ```
//!
//! The exit code is 0 if the policy takes the stream, 1 if not, 2 if the stream could not be read.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_gop::{Declared, GopPolicy, GopValidator};
use levada_media::MediaEvent;
use levada_minimal::Progress;
use levada_minimal::source::read;

#[derive(Parser)]
struct Args {
    /// An FLV file, `-` for standard input, or an rtmp:// URL.
    from: String,
    /// Whom to hold it against; `all` asks everybody.
    #[arg(long, value_name = "NAME", default_value = "cloudflare")]
    policy: String,
    /// Stop after so many seconds of a live stream.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Draw it, too.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match inspect(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::from(2)
        }
    }
}

async fn inspect(args: Args) -> anyhow::Result<bool> {
    let mut inspector = Inspector {
        unpacker: Unpacker::default(),
        validators: policies(&args.policy)?.into_iter().map(GopValidator::new).collect(),
        progress: Progress::new(),
        last: 0,
    };
    read(&args.from, args.seconds, |kind, timestamp, body| {
        inspector.take(kind, timestamp, body);
        Ok(())
    })
    .await?;
    inspector.progress.finish(inspector.last);
    inspector.report(&args)
}

fn policies(name: &str) -> anyhow::Result<Vec<GopPolicy>> {
    if name == "all" {
        return Ok(GopPolicy::all());
    }
    let known = || GopPolicy::all().into_iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
    let policy = GopPolicy::known(name)
        .with_context(|| format!("no policy {name}; there are: {}, all", known()))?;
    Ok(vec![policy])
}

struct Inspector {
    unpacker: Unpacker,
    validators: Vec<GopValidator>,
    progress: Progress,
    last: u32,
}

impl Inspector {
    fn take(&mut self, kind: TagKind, timestamp: u32, body: bytes::Bytes) {
        self.last = timestamp;
        self.progress.count(body.len(), timestamp);
        self.unpacker.push(kind, timestamp, body);
        while let Some(unpacked) = self.unpacker.next() {
            match unpacked {
                Unpacked::Event(event) => self.observe(&event),
                Unpacked::Metadata(metadata) => {
                    let mut declared = Declared::default();
                    // Encoders that do not know write 0.
                    let bits = |kilobits: f64| (kilobits * 1000.0) as u64;
                    declared.video_bitrate =
                        metadata.video.data_rate.map(bits).filter(|it| *it > 0);
                    declared.audio_bitrate =
                        metadata.audio.data_rate.map(bits).filter(|it| *it > 0);
                    declared.frame_rate = metadata.video.frame_rate.map(|it| (it * 1000.0) as u64);
                    self.validators.iter_mut().for_each(|it| it.declare(declared));
                }
                Unpacked::Finding(finding) => eprintln!("{finding:?}"),
                _ => {}
            }
        }
    }

    fn observe(&mut self, event: &MediaEvent) {
        for validator in &mut self.validators {
            validator.observe(event);
        }
    }

    /// Prints what was found, and says whether everybody who was asked takes the stream.
    fn report(&mut self, args: &Args) -> anyhow::Result<bool> {
        let mut accepted = true;
        for validator in &mut self.validators {
            validator.finish();
            let report = validator.report();
            accepted &= report.is_accepted();
            if args.json {
                println!("{}", report.to_json());
            } else if args.policy == "all" {
                println!(
                    "{:22} {}",
                    report.policy.name,
                    if report.is_accepted() { "yes" } else { "no" }
                );
            } else {
                println!("{report}");
            }
            if let Some(path) = &args.svg {
                std::fs::write(path, report.to_svg())
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(accepted)
    }
}
