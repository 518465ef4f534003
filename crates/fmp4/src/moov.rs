//! The boxes of a `moov` that are the same for every codec (ISO/IEC 14496-12 §8.2 to §8.8).

use alloc::vec::Vec;

use bytes::BufMut;
use levada_media::{MediaKind, Track};

use crate::Edit;
use crate::event::write_text;
use crate::language;
use crate::writer::{write_box, write_full_box};

/// Ticks a second of the presentation's timeline, which only edit lists and durations use.
pub(crate) const MOVIE_TIMESCALE: u32 = 1000;

/// No rotation: 16.16 in the first two columns, 2.30 in the third.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// Durations that pass 32 bits need version 1.
pub(crate) fn version_for(duration: u64) -> u8 {
    u8::from(u32::try_from(duration).is_err())
}

/// Writes a 32-bit field in version 0, a 64-bit field in version 1.
pub(crate) fn put_sized(out: &mut Vec<u8>, version: u8, value: u64) {
    match u32::try_from(value) {
        Ok(value) if version == 0 => out.put_u32(value),
        _ => out.put_u64(value),
    }
}

/// §8.2.2.
pub(crate) fn write_movie_header(
    out: &mut Vec<u8>,
    timescale: u32,
    duration: u64,
    next_track: u32,
) {
    let version = version_for(duration);
    write_full_box(out, b"mvhd", version, 0, |out| {
        put_sized(out, version, 0); // creation
        put_sized(out, version, 0); // modification
        out.put_u32(timescale);
        put_sized(out, version, duration);
        out.put_u32(0x0001_0000); // rate
        out.put_u16(0x0100); // volume
        out.put_bytes(0, 10);
        MATRIX.iter().for_each(|it| out.put_u32(*it));
        out.put_bytes(0, 24);
        out.put_u32(next_track);
    });
}

/// §8.3.2, with the size at which the pictures are shown, sample aspect ratio applied.
pub(crate) fn write_track_header(out: &mut Vec<u8>, number: u32, track: &Track) {
    let (width, height) = match track.params.video() {
        Some(params) => {
            let (horizontal, vertical) = params.pixel_aspect.unwrap_or((1, 1));
            let shown = u64::from(params.width) << 16;
            let shown =
                (shown * u64::from(horizontal)).checked_div(vertical.into()).unwrap_or(shown);
            (u32::try_from(shown).unwrap_or(u32::MAX), params.height.saturating_mul(1 << 16))
        }
        None => (0, 0),
    };
    // enabled, in the movie, in its preview
    write_full_box(out, b"tkhd", 0, 7, |out| {
        out.put_bytes(0, 8);
        out.put_u32(number);
        out.put_u32(0);
        out.put_u32(0); // duration
        out.put_bytes(0, 8);
        out.put_u16(0); // layer
        out.put_u16(0); // alternate group
        out.put_u16(if track.id.kind == MediaKind::Audio { 0x0100 } else { 0 }); // volume
        out.put_u16(0);
        MATRIX.iter().for_each(|it| out.put_u32(*it));
        out.put_u32(width);
        out.put_u32(height);
    });
}

/// §8.6.6: an empty edit for the delay, and an edit without end, as the media have none yet.
pub(crate) fn write_edits(out: &mut Vec<u8>, edit: Edit) {
    write_box(out, b"edts", |out| {
        write_full_box(out, b"elst", 0, 0, |out| {
            out.put_u32(1 + u32::from(edit.delay > 0));
            if edit.delay > 0 {
                out.put_u32(edit.delay);
                out.put_i32(-1);
                out.put_u32(0x0001_0000);
            }
            out.put_u32(0);
            out.put_u32(edit.skip.min(i32::MAX.cast_unsigned()));
            out.put_u32(0x0001_0000);
        });
    });
}

/// §8.4.2 and §8.4.6.
pub(crate) fn write_media_header(out: &mut Vec<u8>, track: &Track) {
    let tag = track.language.as_deref();
    write_full_box(out, b"mdhd", 0, 0, |out| {
        out.put_bytes(0, 8);
        out.put_u32(track.timescale.get());
        out.put_u32(0); // duration
        out.put_u16(language::pack(tag.unwrap_or("und")));
        out.put_u16(0);
    });
    if let Some(tag) = tag.filter(|tag| language::needs_tag(tag)) {
        write_full_box(out, b"elng", 0, 0, |out| write_text(out, tag));
    }
}

/// §8.4.3.
pub(crate) fn write_handler(out: &mut Vec<u8>, kind: MediaKind) {
    let (handler, name): (_, &[u8]) = match kind {
        MediaKind::Video => (b"vide", b"VideoHandler\0"),
        MediaKind::Audio => (b"soun", b"SoundHandler\0"),
        MediaKind::Data => (b"meta", b"MetaHandler\0"),
    };
    write_full_box(out, b"hdlr", 0, 0, |out| {
        out.put_u32(0);
        out.put_slice(handler);
        out.put_bytes(0, 12);
        out.put_slice(name);
    });
}

/// §12.1.2 and §12.2.2.
pub(crate) fn write_kind_header(out: &mut Vec<u8>, kind: MediaKind) {
    match kind {
        MediaKind::Video => write_full_box(out, b"vmhd", 0, 1, |out| out.put_bytes(0, 8)),
        MediaKind::Audio => write_full_box(out, b"smhd", 0, 0, |out| out.put_bytes(0, 4)),
        MediaKind::Data => write_full_box(out, b"nmhd", 0, 0, |_| ()),
    }
}

/// §8.7.2: all media are in this file.
pub(crate) fn write_data_references(out: &mut Vec<u8>) {
    write_box(out, b"dinf", |out| {
        write_full_box(out, b"dref", 0, 0, |out| {
            out.put_u32(1);
            write_full_box(out, b"url ", 0, 1, |_| ());
        });
    });
}

/// §8.6.1, §8.7.3 to §8.7.5: the samples come in fragments.
pub(crate) fn write_empty_tables(out: &mut Vec<u8>) {
    write_full_box(out, b"stts", 0, 0, |out| out.put_u32(0));
    write_full_box(out, b"stsc", 0, 0, |out| out.put_u32(0));
    write_full_box(out, b"stsz", 0, 0, |out| out.put_u64(0));
    write_full_box(out, b"stco", 0, 0, |out| out.put_u32(0));
}

/// §8.8.3: every fragment says its own defaults.
pub(crate) fn write_track_extends(out: &mut Vec<u8>, number: u32) {
    write_full_box(out, b"trex", 0, 0, |out| {
        out.put_u32(number);
        out.put_u32(1); // sample description
        out.put_bytes(0, 12);
    });
}
