//! What stands in front of the media in the new file: `ftyp`, and a `moov` with tables for all samples.

use alloc::vec::Vec;

use bytes::BufMut;
use levada_media::{Rounding, Ticks, Timescale};

use super::Part;
use super::track::{OutTrack, Table};
use crate::Fmp4Error;
use crate::event::write_brands;
use crate::fields::{Fields, length};
use crate::moov::{put_sized, version_for};
use crate::movie::{Movie, TrackBoxes};
use crate::writer::{write_box, write_full_box};

/// The head as parts that the finaliser writes, the last one first, and its length in bytes.
pub(super) struct Head {
    pub(super) parts: Vec<Part>,
    pub(super) length: u64,
}

pub(super) fn write(
    moov: &[u8],
    movie: &Movie<'_>,
    tracks: &[OutTrack],
    media: u64,
) -> Result<Head, Fmp4Error> {
    let narrow = write_with(moov, movie, tracks, media, false)?;
    if u32::try_from(narrow.length.saturating_add(media)).is_ok() {
        return Ok(narrow);
    }
    write_with(moov, movie, tracks, media, true)
}

fn write_with(
    moov: &[u8],
    movie: &Movie<'_>,
    tracks: &[OutTrack],
    media: u64,
    wide: bool,
) -> Result<Head, Fmp4Error> {
    let timeline = Timeline::of(tracks);
    let mut parts = Vec::new();
    let mut children = 0;
    let mut last = Vec::new();
    let mut rest = Fields::new(moov, 0);
    let mut boxes = movie.tracks.iter().zip(tracks).enumerate();
    while let Some(child) = rest.child()? {
        match &child.kind {
            b"mvhd" => {
                let timescale = timeline.scale.get();
                let header =
                    rewrite_header(child.body, b"mvhd", Some(timescale), timeline.duration)?;
                children += length(&header);
                parts.push(Part::Bytes(header));
            }
            b"trak" => {
                let Some((lane, (boxes, track))) = boxes.next() else { continue };
                if track.counts.samples > 0 {
                    children += write_track(&mut parts, (lane, boxes, track), &timeline, wide)?;
                }
            }
            b"mvex" => {}
            _ => last.extend_from_slice(child.whole),
        }
    }
    children += length(&last);
    parts.push(Part::Bytes(last));

    let mut first = Vec::new();
    write_brands(&mut first, b"ftyp", b"isom", &[*b"isom", *b"iso6", *b"mp41", *b"mp42"]);
    put_head(&mut first, b"moov", children)?;
    let mut mdat = Vec::new();
    match u32::try_from(media.saturating_add(8)) {
        Ok(size) => {
            mdat.put_u32(size);
            mdat.put_slice(b"mdat");
        }
        Err(_) => {
            mdat.put_u32(1);
            mdat.put_slice(b"mdat");
            mdat.put_u64(media.saturating_add(16));
        }
    }
    let length = length(&first) + children + length(&mdat);
    parts.push(Part::Bytes(mdat));
    parts.push(Part::Media);
    parts.insert(0, Part::Bytes(first));
    parts.reverse();
    Ok(Head { parts, length })
}

/// Adds a `trak`, and says how long it is.
fn write_track(
    parts: &mut Vec<Part>,
    (lane, boxes, track): (usize, &TrackBoxes<'_>, &OutTrack),
    timeline: &Timeline,
    wide: bool,
) -> Result<u64, Fmp4Error> {
    let tables = tables(track, wide);
    let tables_length =
        tables.iter().map(|(table, head)| table_length(track, *table, head)).sum::<u64>();
    let stsd = boxes.tables.find_child(b"stsd")?.map_or(&[][..], |stsd| stsd.whole);
    let edit = timeline.edit(track);

    let minf = boxes.media.find(b"minf")?.unwrap_or(boxes.media);
    let minf_others = others(minf, &[b"stbl"])?;
    let media_header = boxes.media.find(b"mdhd")?.unwrap_or(boxes.media);
    let media_duration = (track.counts.end - track.counts.first_dts).max(0).cast_unsigned();
    let media_header = rewrite_header(media_header, b"mdhd", None, media_duration)?;
    let media_others = others(boxes.media, &[b"mdhd", b"minf"])?;
    let track_header = rewrite_track_header(boxes.track_header, edit.length())?;
    let mut edits = Vec::new();
    edit.write(&mut edits);
    let track_others = others(boxes.trak, &[b"tkhd", b"edts", b"mdia"])?;

    let stbl_body = length(stsd) + tables_length;
    let minf_body = length(&minf_others) + 8 + stbl_body;
    let mdia_body = length(&media_header) + length(&media_others) + 8 + minf_body;
    let trak_body = length(&track_header) + length(&edits) + length(&track_others) + 8 + mdia_body;

    let mut out = Vec::new();
    put_head(&mut out, b"trak", trak_body)?;
    out.extend(track_header);
    out.extend(edits);
    out.extend(track_others);
    put_head(&mut out, b"mdia", mdia_body)?;
    out.extend(media_header);
    out.extend(media_others);
    put_head(&mut out, b"minf", minf_body)?;
    out.extend(minf_others);
    put_head(&mut out, b"stbl", stbl_body)?;
    out.extend_from_slice(stsd);
    for (table, head) in tables {
        let body = table_length(track, table, &head) - 8;
        put_head(&mut out, table.kind(), body)?;
        out.extend(head);
        if has_rows(track, table) {
            parts.push(Part::Bytes(core::mem::take(&mut out)));
            parts.push(Part::Table(lane, table));
        }
    }
    parts.push(Part::Bytes(out));
    Ok(trak_body + 8)
}

/// The tables of a track in the order of the file, and what each has in front of its rows.
fn tables(track: &OutTrack, wide: bool) -> Vec<(Table, Vec<u8>)> {
    let counts = &track.counts;
    let mut tables = Vec::from([Table::Durations]);
    tables.extend(counts.has_offsets.then_some(Table::Offsets));
    tables.extend((counts.sync < counts.samples).then_some(Table::Sync));
    tables.extend([Table::ChunkRuns, Table::Sizes, Table::Chunks { wide }]);
    let with_head = |table: Table| {
        let mut head = Vec::new();
        let signed = table == Table::Offsets && counts.has_negative_offsets;
        head.put_u32(u32::from(signed) << 24);
        if table == Table::Sizes {
            head.put_u32(counts.size.unwrap_or(0));
        }
        head.put_u32(track.rows(table));
        (table, head)
    };
    tables.into_iter().map(with_head).collect()
}

fn has_rows(track: &OutTrack, table: Table) -> bool {
    table != Table::Sizes || track.counts.size.is_none()
}

fn table_length(track: &OutTrack, table: Table, head: &[u8]) -> u64 {
    let rows = if has_rows(track, table) { u64::from(track.rows(table)) } else { 0 };
    8 + length(head) + rows * table.width()
}

impl Table {
    fn kind(self) -> &'static [u8; 4] {
        match self {
            Self::Durations => b"stts",
            Self::Offsets => b"ctts",
            Self::Sync => b"stss",
            Self::Sizes => b"stsz",
            Self::ChunkRuns => b"stsc",
            Self::Chunks { wide: false } => b"stco",
            Self::Chunks { wide: true } => b"co64",
        }
    }

    fn width(self) -> u64 {
        match self {
            Self::Sync | Self::Sizes | Self::Chunks { wide: false } => 4,
            Self::Durations | Self::Offsets | Self::Chunks { wide: true } => 8,
            Self::ChunkRuns => 12,
        }
    }
}

/// How the tracks lie to each other.
struct Timeline {
    /// The finest of the tracks, so that edit lists lose as little as they can.
    scale: Timescale,
    /// When the first track begins, in `scale`.
    origin: Ticks,
    duration: u64,
}

/// A track's place on the timeline, in the timeline's ticks.
struct OutEdit {
    delay: u64,
    duration: u64,
    /// Where in its media it starts, in its own ticks.
    start: u64,
}

impl Timeline {
    fn of(tracks: &[OutTrack]) -> Self {
        let used = || tracks.iter().filter(|track| track.counts.samples > 0);
        let scale = used().map(|track| track.timescale).max_by_key(|it| it.get());
        let scale = scale.unwrap_or(Timescale::MILLIS);
        let origin = used().map(|track| begin(track, scale).1).min().unwrap_or_default();
        let mut timeline = Self { scale, origin, duration: 0 };
        timeline.duration = used().map(|track| timeline.edit(track).length()).max().unwrap_or(0);
        timeline
    }

    fn edit(&self, track: &OutTrack) -> OutEdit {
        let (start, begin) = begin(track, self.scale);
        let rest = Ticks(track.counts.end_pts.saturating_sub(start));
        let duration = track.timescale.rescale(rest, self.scale, Rounding::Nearest);
        let positive = |ticks: i64| ticks.max(0).cast_unsigned();
        OutEdit {
            delay: positive((begin - self.origin).0),
            duration: positive(duration.0),
            start: positive(start.saturating_sub(track.counts.first_dts)),
        }
    }
}

/// What is shown first: its time in the recording's media, and when that is, in another scale.
fn begin(track: &OutTrack, scale: Timescale) -> (i64, Ticks) {
    let first = track.counts.first_pts.unwrap_or(track.counts.first_dts);
    let start = track.edits.start.map_or(first, |start| start.max(first));
    let shown = Ticks(start.saturating_add(track.edits.shift));
    (start, track.timescale.rescale(shown, scale, Rounding::Nearest))
}

impl OutEdit {
    fn length(&self) -> u64 {
        self.delay.saturating_add(self.duration)
    }

    /// Writes `edts`, unless the track begins with everything else and with its first sample.
    fn write(&self, out: &mut Vec<u8>) {
        if self.delay == 0 && self.start == 0 {
            return;
        }
        let version = version_for(self.length().max(self.start.saturating_mul(2)));
        write_box(out, b"edts", |out| {
            write_full_box(out, b"elst", version, 0, |out| {
                out.put_u32(1 + u32::from(self.delay > 0));
                if self.delay > 0 {
                    put_sized(out, version, self.delay);
                    put_sized(out, version, if version == 0 { u32::MAX.into() } else { u64::MAX }); // -1
                    out.put_u32(0x0001_0000);
                }
                put_sized(out, version, self.duration);
                put_sized(out, version, self.start);
                out.put_u32(0x0001_0000);
            });
        });
    }
}

/// `mvhd` and `mdhd` with another duration: times, timescale, duration, and what differs.
fn rewrite_header(
    mut header: Fields<'_>,
    kind: &[u8; 4],
    timescale: Option<u32>,
    duration: u64,
) -> Result<Vec<u8>, Fmp4Error> {
    let (old, flags) = header.version()?;
    let (created, changed, scale) = (header.sized(old)?, header.sized(old)?, header.u32()?);
    header.sized(old)?;
    let mut out = Vec::new();
    let version = version_for(duration.max(created).max(changed));
    write_full_box(&mut out, kind, version, flags, |out| {
        put_sized(out, version, created);
        put_sized(out, version, changed);
        out.put_u32(timescale.unwrap_or(scale));
        put_sized(out, version, duration);
        out.put_slice(header.rest());
    });
    Ok(out)
}

/// `tkhd` with another duration.
fn rewrite_track_header(mut header: Fields<'_>, duration: u64) -> Result<Vec<u8>, Fmp4Error> {
    let (old, flags) = header.version()?;
    let (created, changed) = (header.sized(old)?, header.sized(old)?);
    let (number, reserved) = (header.u32()?, header.u32()?);
    header.sized(old)?;
    let mut out = Vec::new();
    let version = version_for(duration.max(created).max(changed));
    write_full_box(&mut out, b"tkhd", version, flags, |out| {
        put_sized(out, version, created);
        put_sized(out, version, changed);
        out.put_u32(number);
        out.put_u32(reserved);
        put_sized(out, version, duration);
        out.put_slice(header.rest());
    });
    Ok(out)
}

/// All boxes inside another but some.
fn others(mut boxes: Fields<'_>, without: &[&[u8; 4]]) -> Result<Vec<u8>, Fmp4Error> {
    let mut out = Vec::new();
    while let Some(child) = boxes.child()? {
        if !without.contains(&&child.kind) {
            out.extend_from_slice(child.whole);
        }
    }
    Ok(out)
}

/// Size and type of a box whose body is `length` long.
fn put_head(out: &mut Vec<u8>, kind: &[u8; 4], length: u64) -> Result<(), Fmp4Error> {
    let size = u32::try_from(length.saturating_add(8));
    let too_long = |_| Fmp4Error::Limit { which: "moov that is written", limit: u32::MAX.into() };
    out.put_u32(size.map_err(too_long)?);
    out.put_slice(kind);
    Ok(())
}
