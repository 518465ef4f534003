//! The journal: the plane as it is, `{"snapshot": …}`, then a line of JSON for everything that it is told and decides.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use levada_control::{Entry, Plane};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast;
use tracing::warn;

/// Lines that a slow reader may be behind before it misses some.
const AHEAD: usize = 1024;

/// Where the journal goes: into a file, and to whoever reads along.
#[derive(Debug)]
pub struct Journal {
    file: Option<BufWriter<File>>,
    readers: broadcast::Sender<Bytes>,
}

impl Journal {
    /// Begins a new file, if one is wanted.
    pub fn begin(file: Option<&Path>, plane: &Plane) -> anyhow::Result<Self> {
        let begin = |path: &Path| {
            let mut file = BufWriter::new(File::create(path)?);
            file.write_all(&first(plane)?).and_then(|()| file.flush())?;
            anyhow::Ok(file)
        };
        let why = |path: &Path| format!("cannot write the journal {}", path.display());
        let file = file.map(|it| begin(it).with_context(|| why(it))).transpose()?;
        Ok(Self { file, readers: broadcast::Sender::new(AHEAD) })
    }

    /// Writes a step down.
    pub fn write(&mut self, entry: &Entry) {
        if self.file.is_none() && self.readers.receiver_count() == 0 {
            return;
        }
        let Ok(line) = line(entry) else { return };
        if let Some(file) = &mut self.file
            && let Err(why) = file.write_all(&line).and_then(|()| file.flush())
        {
            warn!(%why, "the journal ends here");
            self.file = None;
        }
        let _ = self.readers.send(line);
    }

    /// The first line as of now, and all that follow.
    pub fn read(&self, plane: &Plane) -> anyhow::Result<(Bytes, broadcast::Receiver<Bytes>)> {
        Ok((first(plane)?, self.readers.subscribe()))
    }
}

fn first(plane: &Plane) -> serde_json::Result<Bytes> {
    line(&json!({ "snapshot": plane.snapshot() }))
}

fn line(it: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut line = serde_json::to_vec(it)?;
    line.push(b'\n');
    Ok(line.into())
}
