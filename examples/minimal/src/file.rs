//! FLV files.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use bytes::BytesMut;
use levada_flv::{FlvItem, FlvReader, FlvTag};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Reads a file and hands out its tags one by one. Faults that the reader can go on after are told.
pub async fn read_tags(
    path: &Path,
    mut each: impl FnMut(FlvTag) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut file =
        File::open(path).await.with_context(|| format!("cannot open {}", path.display()))?;
    let (mut reader, mut input) = (FlvReader::new(), BytesMut::with_capacity(64 * 1024));
    while file.read_buf(&mut input).await? > 0 {
        let whose = || format!("{} is no FLV file that can be read", path.display());
        while let Some(item) = reader.read(&mut input).with_context(whose)? {
            match item {
                FlvItem::Tag(tag) => each(tag)?,
                FlvItem::Finding(finding) => eprintln!("{}: {finding:?}", path.display()),
                FlvItem::Header(_) => {}
            }
        }
        input.reserve(64 * 1024);
    }
    Ok(())
}

/// Writes a file so that whoever reads it sees all of it or what was there before.
pub fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let mut file =
        std::fs::File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    file.write_all(bytes)?;
    Ok(std::fs::rename(part, path)?)
}
