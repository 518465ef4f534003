//! Moves frames from one container to another as they are: FLV, MPEG-TS, fragmented MP4, plain MP4.
//!
//! ```sh
//! cargo run -p levada-minimal --bin remux -- film.flv film.mp4
//! cargo run -p levada-minimal --bin remux -- film.ts film.flv
//! cargo run -p levada-minimal --bin remux -- film.flv film.m4s
//! ```
//!
//! `.mp4` is plain, with its index in front, so the input is read twice: for the index, and for the media. `.m4s` is
//! fragmented. Memory is that of a group of pictures, whatever the length of the film.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use clap::Parser;
use levada_fmp4::{Finaliser, ReadLimits, Step};
use levada_media::MediaEvent;
use levada_minimal::Progress;
use levada_minimal::container::{Keep, Sink, ending, source};
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
    if ending(&args.to) != "mp4" {
        remux(&args.from, create(&args.to)?, ending(&args.to), Keep::All)?;
        return Ok(());
    }
    // First all but the media, with holes for it, where the finaliser finds what it has to know.
    let heads = args.to.with_extension("part");
    let expected = remux(&args.from, create(&heads)?, "mp4", Keep::Heads)?;
    let mut file = create(&args.to)?;
    let mut finaliser = finaliser(&heads)?;
    let (mut media, mut copied) = (None, 0);
    while let Some(count) = step(&mut finaliser, &mut file)? {
        if count > 0 && media.is_none() {
            media = Some(remux(&args.from, file.try_clone()?, "mp4", Keep::Media)?);
        }
        copied += count;
    }
    let same = media.unwrap_or(0) == expected && copied == expected;
    anyhow::ensure!(same, "{} changed meanwhile", args.from.display());
    Ok(std::fs::remove_file(heads)?)
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a whole file, and says how many bytes of media there were.
fn remux(from: &Path, to: File, ending: &str, keep: Keep) -> anyhow::Result<u64> {
    let (mut source, mut sink) = (source(from)?, Sink::new(to, ending, keep)?);
    let (mut progress, mut last, mut scales) = (Progress::new(), 0, HashMap::new());
    read_blocks(from, |input, ended| {
        let whose = || format!("{} cannot be read", from.display());
        while let Some(event) = source(input, ended).with_context(whose)? {
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
    progress.finish(last);
    sink.finish()
}

/// Reads the heads of the fragments.
fn finaliser(heads: &Path) -> anyhow::Result<(Finaliser, File)> {
    let file = File::open(heads)?;
    Ok((Finaliser::new(file.metadata()?.len(), ReadLimits::default()), file))
}

/// Does a step, and says how many bytes of media have to come next.
fn step((finaliser, heads): &mut (Finaliser, File), to: &mut File) -> anyhow::Result<Option<u64>> {
    match finaliser.next_step()? {
        Step::Read(range) => {
            heads.seek(SeekFrom::Start(range.start))?;
            let mut block = Vec::new();
            (&*heads).take(range.end - range.start).read_to_end(&mut block)?;
            finaliser.supply(Bytes::from(block));
        }
        Step::Write(bytes) => to.write_all(&bytes)?,
        Step::Copy(range) => return Ok(Some(range.end - range.start)),
        Step::Done => return Ok(None),
    }
    Ok(Some(0))
}
