//! Where the numbers of HLS segments go on after a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use crate::stream::Stream;

/// The file is at most a second old: no more segments than this can have been published since.
const MARGIN: u64 = 8;

fn file(data: &Path, path: &str) -> PathBuf {
    data.join("hls").join(format!("{path}.next"))
}

/// The next media sequence number and the discontinuity sequence number, if the stream was published before.
pub fn read(data: &Path, path: &str) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(file(data, path)).ok()?;
    let (sequence, discontinuity) = text.trim().split_once(' ')?;
    Some((sequence.parse::<u64>().ok()?.checked_add(MARGIN)?, discontinuity.parse().ok()?))
}

/// Keeps the file up to date while the stream lives.
pub async fn keep(data: PathBuf, stream: Arc<Stream>) {
    let mut written = None;
    let mut warned = false;
    loop {
        let over = stream.is_over();
        let now = stream.resume_at();
        if let Some((sequence, discontinuity)) = now.filter(|_| now != written) {
            match replace(&file(&data, stream.path()), &format!("{sequence} {discontinuity}\n")) {
                Ok(()) => written = now,
                Err(why) if !warned => {
                    warn!(%why, "cannot write where HLS would go on after a restart");
                    warned = true;
                }
                Err(_) => {}
            }
        }
        stream.measure();
        if over {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Whoever reads finds the old text or the new one.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("tmp");
    std::fs::write(&new, text)?;
    std::fs::rename(new, file)
}
