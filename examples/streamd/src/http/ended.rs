//! Playlists over what is there already: recordings, clips, previews, and the past of a live stream.

use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

use levada_hls::{ByteRange, ReadMedia};

/// A resource, or a part of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    pub uri: String,
    pub range: Option<Range<u64>>,
}

/// A segment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the beginning of the recording, or of the broadcast.
    pub start: Duration,
    pub duration: Duration,
    pub init: Option<Place>,
    pub media: Place,
    /// Whether it does not go on where the one before it ended.
    pub discontinuity: bool,
}

impl Entry {
    fn end(&self) -> Duration {
        self.start + self.duration
    }
}

/// Where the entries begin and end, in milliseconds.
pub fn bounds(entries: &[Entry]) -> (u64, u64) {
    let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    let first = entries.first().map_or(Duration::ZERO, |it| it.start);
    (ms(first), ms(entries.last().map_or(first, Entry::end)))
}

/// The entries that a stretch lies in.
pub fn stretch(entries: &[Entry], (from, to): (u64, u64)) -> &[Entry] {
    let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
    let first = entries.partition_point(|it| it.end() <= from);
    let end = entries.partition_point(|it| it.start < to);
    entries.get(first..end).unwrap_or_default()
}

/// The entries of a live playlist. `begin` is when the broadcast began, in milliseconds since 1970.
pub fn of_live(playlist: &ReadMedia, begin: i64) -> Vec<Entry> {
    let (mut at, mut discontinuity) = (None, playlist.discontinuity_sequence);
    let mut entries = Vec::new();
    for segment in playlist.segments.iter().filter(|it| !it.gap) {
        let start = *at.get_or_insert_with(|| {
            let since = segment.program_date_time.map_or(0, |it| it.saturating_sub(begin));
            Duration::from_millis(u64::try_from(since).unwrap_or(0))
        });
        at = Some(start + segment.duration);
        let place = |uri: &str, range: Option<&ByteRange>| Place {
            uri: uri.to_owned(),
            range: range.map(|it| it.offset..it.offset + it.len),
        };
        entries.push(Entry {
            start,
            duration: segment.duration,
            init: segment.map.as_ref().map(|it| place(&it.uri, it.byte_range.as_ref())),
            media: place(&segment.uri, segment.byte_range.as_ref()),
            discontinuity: segment.discontinuity
                != std::mem::replace(&mut discontinuity, segment.discontinuity),
        });
    }
    entries
}

/// The text of a playlist. One that has not ended may be added to.
pub fn write(entries: &[Entry], has_ended: bool) -> String {
    let mut text = String::with_capacity(256 + entries.len() * 96);
    let _ = write_all(&mut text, entries, has_ended);
    text
}

fn write_all(text: &mut String, entries: &[Entry], has_ended: bool) -> std::fmt::Result {
    let longest = entries.iter().map(|it| it.duration.as_millis().div_ceil(1000)).max();
    let kind = if has_ended { "VOD" } else { "EVENT" };
    writeln!(text, "#EXTM3U\n#EXT-X-VERSION:6")?;
    writeln!(text, "#EXT-X-TARGETDURATION:{}", longest.unwrap_or(1).max(1))?;
    writeln!(text, "#EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-INDEPENDENT-SEGMENTS")?;
    let mut init = None;
    for (number, entry) in entries.iter().enumerate() {
        if entry.discontinuity && number > 0 {
            writeln!(text, "#EXT-X-DISCONTINUITY")?;
        }
        if let Some(place) = entry.init.as_ref().filter(|it| init != Some(*it)) {
            write!(text, "#EXT-X-MAP:URI=\"{}\"", place.uri)?;
            if let Some(range) = &place.range {
                write!(text, ",BYTERANGE=\"{}@{}\"", range.end - range.start, range.start)?;
            }
            writeln!(text)?;
            init = Some(place);
        }
        let duration = entry.duration;
        writeln!(text, "#EXTINF:{}.{:06},", duration.as_secs(), duration.subsec_micros())?;
        if let Some(range) = &entry.media.range {
            writeln!(text, "#EXT-X-BYTERANGE:{}@{}", range.end - range.start, range.start)?;
        }
        writeln!(text, "{}", entry.media.uri)?;
    }
    if has_ended {
        writeln!(text, "#EXT-X-ENDLIST")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use levada_hls::{ReadPlaylist, Variables, read_playlist};

    use super::*;

    fn entries() -> Vec<Entry> {
        (0..5_u32)
            .map(|n| Entry {
                start: Duration::from_secs(2) * n,
                duration: Duration::from_secs(2),
                init: Some(Place { uri: format!("{}.mp4", n / 3), range: Some(0..700) }),
                media: Place { uri: format!("{}.mp4", n / 3), range: Some(700..900) },
                discontinuity: n == 3,
            })
            .collect()
    }

    #[test]
    fn c31_a_stretch_is_all_segments_that_it_lies_in() {
        let entries = entries();
        let starts = |from, to| -> Vec<u64> {
            stretch(&entries, (from, to)).iter().map(|it| it.start.as_secs()).collect()
        };
        assert_eq!(starts(0, 10_000), [0, 2, 4, 6, 8]);
        assert_eq!(starts(2000, 4000), [2]);
        assert_eq!(starts(1999, 4001), [0, 2, 4]);
        assert_eq!(starts(9999, 99_999), [8]);
        assert_eq!(starts(10_000, 99_999), [0; 0]);
        assert_eq!(bounds(&entries[1..3]), (2000, 6000));
    }

    #[test]
    fn what_is_written_breaks_no_rule() {
        for has_ended in [true, false] {
            let text = write(&entries(), has_ended);
            let Ok(ReadPlaylist::Media(read)) = read_playlist(&text, &Variables::default()) else {
                panic!("{text}")
            };
            assert_eq!((read.violations.as_slice(), read.ended), (&[][..], has_ended), "{text}");
            assert_eq!((read.segments.len(), text.matches("#EXT-X-MAP").count()), (5, 2));
            let again = of_live(&read, 0);
            let same = again.iter().zip(&entries()).all(|(a, b)| {
                a.media == b.media && a.init == b.init && a.discontinuity == b.discontinuity
            });
            assert!(same, "{text}");
        }
    }
}
