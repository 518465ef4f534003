//! Recordings into plain MP4, when somebody asks for one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::{Bytes, BytesMut};
use levada_flv::{FlvItem, FlvReader};
use levada_fmp4::{Finaliser, ReadLimits, Step};
use levada_hls::Output;
use tokio::sync::Mutex;

use crate::packager::Packager;

/// What the names of plain files end with.
pub const ENDING: &str = ".plain.mp4";

/// One at a time: it is work for the disk.
static TURN: Mutex<()> = Mutex::const_new(());

/// The plain MP4 beside a recording. It is made if it is not there, or older than the recording.
pub async fn plain(recording: PathBuf) -> anyhow::Result<PathBuf> {
    let _turn = TURN.lock().await;
    tokio::task::spawn_blocking(move || make(&recording)).await?
}

/// Where the plain MP4 of a recording is, if it was made.
pub fn made_of(recording: &Path) -> PathBuf {
    let name = recording.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    recording.with_file_name(format!("{name}{ENDING}"))
}

fn make(recording: &Path) -> anyhow::Result<PathBuf> {
    let name = recording.file_name().and_then(|it| it.to_str()).context("no file")?;
    let plain = made_of(recording);
    let changed = |file: &Path| file.metadata().and_then(|it| it.modified());
    if changed(&plain).is_ok_and(|made| changed(recording).is_ok_and(|it| it <= made)) {
        return Ok(plain);
    }
    let unfinished = recording.with_file_name(format!("{name}.tmp"));
    let made = if name.ends_with(".flv") {
        let fragments = recording.with_file_name(format!("{name}.fragments.tmp"));
        let made = fragment(recording, &fragments).and_then(|()| finalise(&fragments, &unfinished));
        let _ = std::fs::remove_file(fragments);
        made
    } else {
        finalise(recording, &unfinished)
    };
    if let Err(why) = made {
        let _ = std::fs::remove_file(&unfinished);
        return Err(why);
    }
    std::fs::rename(unfinished, &plain)?;
    Ok(plain)
}

/// An FLV file as fragmented MP4.
fn fragment(flv: &Path, to: &Path) -> anyhow::Result<()> {
    let (mut from, mut to) = (File::open(flv)?, io::BufWriter::new(File::create(to)?));
    let (mut reader, mut input) = (FlvReader::new(), BytesMut::new());
    let mut packager = Packager::new(Duration::from_secs(1));
    let mut block = vec![0; 64 * 1024];
    let mut inits = 0;
    loop {
        let count = from.read(&mut block)?;
        input.extend_from_slice(block.get(..count).unwrap_or_default());
        while let Some(item) = reader.read(&mut input)? {
            if let FlvItem::Tag(tag) = item {
                packager.push_tag(tag.kind, tag.timestamp, tag.body);
            }
        }
        if count == 0 {
            packager.finish();
        }
        while let Some(output) = packager.next() {
            match output {
                Output::Init(init) => {
                    inits += 1;
                    if inits > 1 {
                        bail!("its codecs change on the way");
                    }
                    to.write_all(&init.data)?;
                }
                Output::Part(part) => {
                    for piece in &part.body {
                        to.write_all(piece)?;
                    }
                }
                _ => {}
            }
        }
        if count == 0 {
            return Ok(to.flush()?);
        }
    }
}

/// A fragmented MP4 as a plain one.
fn finalise(fragmented: &Path, to: &Path) -> anyhow::Result<()> {
    let (mut from, mut to) = (File::open(fragmented)?, io::BufWriter::new(File::create(to)?));
    let mut finaliser = Finaliser::new(from.metadata()?.len(), ReadLimits::default());
    loop {
        match finaliser.next_step()? {
            Step::Read(range) => {
                let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
                from.seek(SeekFrom::Start(range.start))?;
                from.read_exact(&mut bytes)?;
                finaliser.supply(Bytes::from(bytes));
            }
            Step::Write(bytes) => to.write_all(&bytes)?,
            Step::Copy(range) => {
                from.seek(SeekFrom::Start(range.start))?;
                io::copy(&mut (&mut from).take(range.end - range.start), &mut to)?;
            }
            Step::Done => {
                to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                return Ok(());
            }
        }
    }
}
