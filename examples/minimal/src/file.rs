//! FLV files.

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::path::Path;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use levada_flv::{FlvItem, FlvReader, FlvTag};
use levada_fmp4::Pieces;

/// How much is read at once.
const BLOCK: usize = 256 * 1024;

/// Reads a file and hands out its tags one by one. Faults that the reader can go on after are told.
pub async fn read_tags(
    path: &Path,
    mut each: impl FnMut(FlvTag) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = FlvReader::new();
    read_blocks(path, |input, _| {
        let whose = || format!("{} is no FLV file that can be read", path.display());
        while let Some(item) = reader.read(input).with_context(whose)? {
            match item {
                FlvItem::Tag(tag) => each(tag)?,
                FlvItem::Finding(finding) => eprintln!("{}: {finding:?}", path.display()),
                FlvItem::Header(_) => {}
            }
        }
        Ok(())
    })
}

/// Reads a file block by block. What `each` leaves in the input is there again with the next one; with the last one,
/// which brings nothing, it is told that no more will come.
pub fn read_blocks(
    path: &Path,
    mut each: impl FnMut(&mut BytesMut, bool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut input = BytesMut::new();
    loop {
        let mut block = Vec::with_capacity(input.len() + BLOCK);
        block.extend_from_slice(&input);
        let ended = (&file).take(BLOCK as u64).read_to_end(&mut block)? == 0;
        input = BytesMut::from(Bytes::from(block));
        each(&mut input, ended)?;
        if ended {
            return Ok(());
        }
    }
}

/// Writes a file so that whoever reads it sees all of it or what was there before.
pub fn replace(path: &Path, pieces: &Pieces) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let mut file =
        File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    write_pieces(&mut file, pieces)?;
    Ok(std::fs::rename(part, path)?)
}

/// Writes all blocks as they are, many at once.
pub fn write_pieces(file: &mut File, pieces: &Pieces) -> std::io::Result<()> {
    let mut slices: Vec<_> = pieces.iter().map(|it| IoSlice::new(it)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match file.write_vectored(rest)? {
            0 => return Err(std::io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut rest, written),
        }
    }
    Ok(())
}
