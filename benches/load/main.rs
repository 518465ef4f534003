//! Loads a live server with publishers and players of its own, and says what that costs the server.
//!
//! ```sh
//! cargo run --release -p levada-benches --bin load -- \
//!     --url rtmp://127.0.0.1:1935/live/load --pid $(pgrep -x streamd) --players 100 --seconds 20
//! ```

mod crowd;
mod flv;
mod player;
mod publisher;
mod server;
mod source;
mod tally;
mod target;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;

use crowd::Crowd;
use publisher::{Publisher, Shared};
use tally::Tally;
use target::Target;

/// Loads a live server with publishers and players of its own, and says what that costs the server.
///
/// It publishes streams of pictures (H.264, 30 a second, a keyframe every two seconds) and sound (AAC) that say when
/// they were sent, plays them many times, and lets late players join while it measures. Works with any server:
///
///   load --url rtmp://127.0.0.1:1935/live/load --pid $(pgrep -x streamd)
///   load --url http://127.0.0.1:8080/live/load.flv --publish rtmp://127.0.0.1/live/load --pid $(pgrep -x streamd)
///   load --url rtmp://127.0.0.1:1936/live/load --pid $(pgrep -d, -x nginx)
///
/// With the server on the same machine run it under `chrt --batch 0`: then its players take no processor from the
/// server when something comes for them, as those elsewhere do not.
#[derive(Parser)]
#[command(verbatim_doc_comment)]
struct Args {
    /// What to play: rtmp://HOST:PORT/APP/NAME, or http://HOST:PORT/…NAME.flv
    #[arg(long)]
    url: String,
    /// Where to publish it, if that is not the same URL: rtmp://HOST:PORT/APP/NAME
    #[arg(long, value_name = "URL")]
    publish: Option<String>,
    /// The server's processes, for their processor time and memory: all of them, with commas between
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pid: Vec<u32>,
    /// Players that are there all the time
    #[arg(long, value_name = "N", default_value_t = 100)]
    players: usize,
    /// Publishers; players are dealt out to their streams, NAME, NAME-2, NAME-3 …
    #[arg(long, value_name = "N", default_value_t = 1)]
    publishers: usize,
    /// Players that join one after the other while it is measured, each until it has a picture
    #[arg(long, value_name = "N", default_value_t = 20)]
    late: usize,
    /// How long to measure
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
    /// The pictures of each publisher, in kbit/s
    #[arg(long, value_name = "N", default_value_t = 4000)]
    kbit: u32,
    /// Print one line with tabs between, for scripts: s per Gbit, MB, latency median and p99 in ms, first picture median and p99 in ms, gaps and losses, Gbit, own s per Gbit
    #[arg(long)]
    tsv: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("load: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let target = Target::parse(&args.url)?;
    let publish = match (&args.publish, &target) {
        (Some(url), _) => target::rtmp(url)?,
        (None, Target::Rtmp(url)) => url.clone(),
        _ => {
            bail!("say where to publish what is played there: --publish rtmp://HOST:PORT/APP/NAME")
        }
    };
    if args.publishers == 0 || args.seconds == 0 || args.kbit == 0 {
        bail!("--publishers, --seconds and --kbit are at least 1");
    }
    server::cpu(&args.pid)?;

    let (epoch, shared) = (Instant::now(), Arc::new(Shared::default()));
    eprintln!("publishing {} × {} kbit/s", args.publishers, args.kbit);
    let publishers = (0..args.publishers).map(|index| {
        // Their pictures are not all due at the same time.
        let shift = Duration::from_millis((index as u64 * 7) % 33);
        let begin = Instant::now() + Duration::from_millis(100) + shift;
        Publisher::connect(&target::numbered(&publish, index), args.kbit, begin)
    });
    let publishers: Vec<_> = publishers.collect::<Result<_, _>>().context("cannot publish")?;
    let publishing = {
        let shared = shared.clone();
        thread::spawn(move || publisher::run(publishers, epoch, &shared))
    };
    thread::sleep(Duration::from_millis(500));

    let targets = (0..args.publishers).map(|index| target.numbered(index)).collect();
    let mut crowd = Crowd::new(targets, epoch, shared.clone())?;
    let gathered = crowd.gather(args.players);
    if publishing.is_finished() || gathered.is_err() {
        shared.stop.store(true, Relaxed);
        stopped(publishing)?;
        return gathered;
    }
    shared.late.store(0, Relaxed);
    let (begin, cpu, own) = (Instant::now(), server::cpu(&args.pid)?, server::own_cpu()?);
    let tally = crowd.measure(Duration::from_secs(args.seconds), args.late)?;
    let report = Report {
        seconds: begin.elapsed().as_secs_f64(),
        cpu: server::cpu(&args.pid)? - cpu,
        own_cpu: server::own_cpu()? - own,
        memory: server::peak_memory(&args.pid)?,
        late_frames: shared.late.load(Relaxed),
        tally,
    };
    shared.stop.store(true, Relaxed);
    stopped(publishing)?;
    report.print(args);
    Ok(())
}

fn stopped(publishing: thread::JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    publishing.join().unwrap_or_else(|_| bail!("the publishers ended by a bug"))
}

struct Report {
    seconds: f64,
    cpu: f64,
    own_cpu: f64,
    memory: f64,
    late_frames: u64,
    tally: Tally,
}

impl Report {
    fn print(mut self, args: &Args) {
        let tally = &mut self.tally;
        let gbit = tally.bytes as f64 * 8.0 / 1e9;
        let [median, p99] = [0.5, 0.99].map(|it| tally.latency.quantile(it).unwrap_or(f64::NAN));
        let joined = tally.joins.len();
        let [join, join_p99] = [0.5, 0.99].map(|it| tally.joins.quantile(it).unwrap_or(f64::NAN));
        let per_gbit = self.cpu / gbit;
        let (missing, misplaced, lost) = (tally.missing, tally.misplaced, tally.lost);
        if args.tsv {
            println!(
                "{per_gbit:.4}\t{:.1}\t{median:.2}\t{p99:.2}\t{join:.1}\t{join_p99:.1}\t{}\t{gbit:.2}\t{:.4}",
                self.memory,
                missing + misplaced + lost,
                self.own_cpu / gbit
            );
            return;
        }
        println!(
            "{} players of {} stream(s) for {:.0} s: {gbit:.2} Gbit, {} frames",
            args.players, args.publishers, self.seconds, tally.frames
        );
        if args.pid.is_empty() {
            println!("server          not measured: name its processes with --pid");
        } else {
            let percent = self.cpu / self.seconds * 100.0;
            println!(
                "processor       {per_gbit:.4} s per delivered Gbit ({:.2} s, {percent:.1} % of a core)",
                self.cpu
            );
            println!("peak memory     {:.1} MB", self.memory);
        }
        println!("added latency   {median:.2} ms median, {p99:.2} ms p99");
        println!(
            "first picture   {join:.1} ms median, {join_p99:.1} ms p99, of {joined} late joiners; {} got none",
            tally.pictureless
        );
        println!("gaps            {missing} frames missing, {misplaced} out of place");
        let why = tally.first_loss.take().map(|it| format!(" ({it})")).unwrap_or_default();
        println!("players lost    {lost}{why}");
        println!(
            "this program    {:.4} s per Gbit, {} frames left more than 5 ms late; load {}",
            self.own_cpu / gbit,
            self.late_frames,
            server::load()
        );
    }
}
