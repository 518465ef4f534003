//! Moves frames from one container to another as they are: FLV, MPEG-TS, fragmented MP4, plain MP4.
//!
//! ```sh
//! cargo run -p levada-minimal --bin remux -- film.flv film.mp4
//! cargo run -p levada-minimal --bin remux -- film.ts film.flv
//! cargo run -p levada-minimal --bin remux -- film.flv film.m4s
//! ```
//!
//! `.mp4` is plain, with its index in front, so it is written twice: as fragments, and from these as it should be.
//! `.m4s` is what comes of the first half. Memory is that of a group of pictures, whatever the length of the film.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write, copy};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use clap::Parser;
use levada_fmp4::{Finaliser, ReadLimits, Step};
use levada_media::MediaEvent;
use levada_minimal::Progress;
use levada_minimal::container::{Sink, ending, source};
use levada_minimal::file::read_blocks;

#[derive(Parser)]
struct Args {
    /// A .flv, .ts, .mp4 or .m4s file.
    from: PathBuf,
    /// The file to write. Its ending says what it will be.
    to: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut source = source(&args.from)?;
    let plain = ending(&args.to) == "mp4";
    let part = if plain { args.to.with_extension("part") } else { args.to.clone() };
    let mut sink = Sink::new(&part, ending(&args.to))?;
    let (mut progress, mut last, mut scales) = (Progress::new(), 0, HashMap::new());
    read_blocks(&args.from, |input| {
        let whose = || format!("{} cannot be read", args.from.display());
        while let Some(event) = source(input).with_context(whose)? {
            match &event {
                MediaEvent::Track(track) => {
                    scales.insert(track.id, track.timescale);
                }
                MediaEvent::Frame(frame) => {
                    let seconds = scales.get(&frame.track).map_or(0.0, |it| it.seconds(frame.dts));
                    last = (seconds * 1000.0) as u32;
                    progress.count(frame.data.len(), last);
                }
                MediaEvent::End(_) => {}
            }
            sink.push(event)?;
        }
        Ok(())
    })?;
    sink.finish()?;
    progress.finish(last);
    if plain {
        finalise(&part, &args.to)?;
        std::fs::remove_file(part)?;
    }
    Ok(())
}

/// Makes a plain file of a fragmented one.
fn finalise(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut from = File::open(from)?;
    let mut to = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    let mut finaliser = Finaliser::new(from.metadata()?.len(), ReadLimits::default());
    loop {
        match finaliser.next_step()? {
            Step::Read(range) => {
                from.seek(SeekFrom::Start(range.start))?;
                let mut block = Vec::new();
                (&from).take(range.end - range.start).read_to_end(&mut block)?;
                finaliser.supply(Bytes::from(block));
            }
            Step::Write(bytes) => to.write_all(&bytes)?,
            Step::Copy(range) => {
                from.seek(SeekFrom::Start(range.start))?;
                // The system copies: on Linux without a byte coming here.
                copy(&mut (&from).take(range.end - range.start), &mut to)?;
            }
            Step::Done => return Ok(()),
        }
    }
}
