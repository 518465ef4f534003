//! What a `moov` says, for the reader and the finaliser (ISO/IEC 14496-12 §8.2 to §8.8).

use alloc::string::String;
use alloc::vec::Vec;

use levada_media::{MediaKind, Rounding, Ticks, Timescale};

use crate::Fmp4Error;
use crate::fields::Fields;
use crate::language;

/// A `moov` in which every track has the boxes that it must have.
#[derive(Debug)]
pub(crate) struct Movie<'a> {
    pub(crate) tracks: Vec<TrackBoxes<'a>>,
    pub(crate) extends: Vec<Extends>,
}

/// A `trak`.
#[derive(Debug)]
pub(crate) struct TrackBoxes<'a> {
    pub(crate) number: u32,
    /// `None` for kinds of tracks that we do not know.
    pub(crate) kind: Option<MediaKind>,
    pub(crate) timescale: Timescale,
    pub(crate) language: Option<String>,
    pub(crate) edits: Edits,
    /// The sample descriptions, behind version and flags.
    pub(crate) stsd_version: u8,
    pub(crate) entries: Fields<'a>,
    pub(crate) tables: Fields<'a>,
    pub(crate) trak: Fields<'a>,
    pub(crate) track_header: Fields<'a>,
    pub(crate) media: Fields<'a>,
}

/// The defaults of a track's fragments: `trex` (§8.8.3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extends {
    pub(crate) number: u32,
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

/// An edit list as far as it is understood: the track starts after a while, and somewhere in its media.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edits {
    /// What to add to a media time for a time of the presentation, in the track's ticks.
    pub(crate) shift: i64,
    /// Where in its media the track starts, if it is said.
    pub(crate) start: Option<i64>,
    /// Whether the list says more than that.
    pub(crate) is_partial: bool,
}

impl<'a> Movie<'a> {
    pub(crate) fn parse(mut moov: Fields<'a>, max_tracks: usize) -> Result<Self, Fmp4Error> {
        let mut movie = Self { tracks: Vec::new(), extends: Vec::new() };
        let mut movie_scale = Timescale::MILLIS;
        if let Some(header) = moov.find(b"mvhd")? {
            movie_scale = read_timescale(header.of("8.2.2"))?;
        }
        while let Some(child) = moov.child()? {
            match &child.kind {
                b"trak" if movie.tracks.len() == max_tracks => {
                    let limit = u64::try_from(max_tracks).unwrap_or(u64::MAX);
                    return Err(Fmp4Error::Limit { which: "tracks", limit });
                }
                b"trak" => movie.tracks.push(TrackBoxes::parse(child.body, movie_scale)?),
                b"mvex" => movie.read_extends(child.body, max_tracks)?,
                _ => {}
            }
        }
        Ok(movie)
    }

    /// The defaults of a track, which are 0 where no `trex` says otherwise.
    pub(crate) fn extends(&self, number: u32) -> Extends {
        let found = self.extends.iter().find(|it| it.number == number);
        found.copied().unwrap_or_default()
    }

    fn read_extends(&mut self, mut mvex: Fields<'_>, max_tracks: usize) -> Result<(), Fmp4Error> {
        while let Some(child) = mvex.child()? {
            if child.kind == *b"trex" && self.extends.len() < max_tracks {
                let mut trex = child.body.of("8.8.3");
                trex.version()?;
                let number = trex.u32()?;
                trex.skip(4)?; // sample description
                let (duration, size, flags) = (trex.u32()?, trex.u32()?, trex.u32()?);
                self.extends.push(Extends { number, duration, size, flags });
            }
        }
        Ok(())
    }
}

impl<'a> TrackBoxes<'a> {
    fn parse(trak: Fields<'a>, movie_scale: Timescale) -> Result<Self, Fmp4Error> {
        let required = |found: Option<Fields<'a>>| {
            found.ok_or_else(|| trak.of("8.3.1").malformed("a track without one of its boxes"))
        };
        let track_header = required(trak.find(b"tkhd")?)?;
        let media = required(trak.find(b"mdia")?)?;
        let tables = required(required(media.find(b"minf")?)?.find(b"stbl")?)?;
        let mut stsd = required(tables.find(b"stsd")?)?.of("8.5.2");
        let (stsd_version, _) = stsd.version()?;
        stsd.skip(4)?; // how many: they are counted as they come

        let header = required(media.find(b"mdhd")?)?.of("8.4.2");
        let timescale = read_timescale(header)?;
        let language = match media.find(b"elng")? {
            Some(mut tag) => {
                tag.version()?;
                String::from_utf8(tag.text()?.into()).ok()
            }
            None => read_language(header)?,
        };
        let edits = match trak.find(b"edts")? {
            Some(edts) => match edts.find(b"elst")? {
                Some(list) => Edits::parse(list.of("8.6.6"), movie_scale, timescale)?,
                None => Edits::default(),
            },
            None => Edits::default(),
        };
        Ok(Self {
            number: read_number(track_header.of("8.3.2"))?,
            kind: read_kind(required(media.find(b"hdlr")?)?.of("8.4.3"))?,
            timescale,
            language,
            edits,
            stsd_version,
            entries: stsd,
            tables,
            trak,
            track_header,
            media,
        })
    }
}

impl Edits {
    fn parse(mut list: Fields<'_>, movie: Timescale, media: Timescale) -> Result<Self, Fmp4Error> {
        let (version, _) = list.version()?;
        let count = list.u32()?;
        let width = if version == 0 { 12 } else { 20 };
        let mut rows = list;
        rows.rows(count, width)?;
        let (mut empty, mut start) = (0_u64, None);
        let mut edits = Self::default();
        for _ in 0..count {
            let duration = list.sized(version)?;
            let time = if version == 0 {
                i64::from(list.u32()?.cast_signed())
            } else {
                list.u64()?.cast_signed()
            };
            let rate = list.u32()?;
            match (time, start) {
                (-1, None) => empty = empty.saturating_add(duration),
                (0.., None) if rate == 0x0001_0000 => start = Some(time),
                _ => edits.is_partial = true,
            }
        }
        let empty = Ticks(i64::try_from(empty).unwrap_or(i64::MAX));
        let delay = movie.rescale(empty, media, Rounding::Nearest);
        edits.shift = (delay - Ticks(start.unwrap_or(0))).0;
        edits.start = start;
        Ok(edits)
    }
}

/// The timescale of `mvhd` and `mdhd`, which begin alike.
fn read_timescale(mut header: Fields<'_>) -> Result<Timescale, Fmp4Error> {
    let (version, _) = header.version()?;
    header.skip(if version == 0 { 8 } else { 16 })?;
    let ticks = header.u32()?;
    Timescale::new(ticks).ok_or_else(|| header.malformed("a timescale of 0"))
}

/// The language of `mdhd`.
fn read_language(mut header: Fields<'_>) -> Result<Option<String>, Fmp4Error> {
    let (version, _) = header.version()?;
    header.skip(if version == 0 { 16 } else { 28 })?;
    Ok(language::unpack(header.u16()?))
}

/// The number of a track in `tkhd`.
fn read_number(mut header: Fields<'_>) -> Result<u32, Fmp4Error> {
    let (version, _) = header.version()?;
    header.skip(if version == 0 { 8 } else { 16 })?;
    header.u32()
}

fn read_kind(mut handler: Fields<'_>) -> Result<Option<MediaKind>, Fmp4Error> {
    handler.version()?;
    handler.skip(4)?;
    Ok(match &handler.take()? {
        b"vide" => Some(MediaKind::Video),
        b"soun" => Some(MediaKind::Audio),
        _ => None,
    })
}
