//! Reading playlists: our own, and what other packagers write.

mod media;
mod multivariant;
mod rules;
mod variables;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use thiserror::Error;

pub use media::{
    ByteRange, Hint, HintKind, Key, Map, PlaylistType, ReadDateRange, ReadMedia, ReadPart,
    ReadSegment, RenditionReport, ServerControl, Skip,
};
pub use multivariant::{ReadMultivariant, ReadRendition, ReadVariant};
pub(crate) use rules::rounded;
pub use rules::{Rule, Violation};
pub use variables::Variables;

/// The longest playlist that is read: two weeks of two-second segments with short URIs stay below it.
///
/// Worst-case memory is a small multiple of the text's length.
pub const MAX_PLAYLIST_BYTES: usize = 64 * 1024 * 1024;

/// A playlist that was read.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are two kinds of playlists")]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each request, and taken apart at once"
)]
pub enum ReadPlaylist {
    /// A list of segments.
    Media(ReadMedia),
    /// A list of playlists.
    Multivariant(ReadMultivariant),
}

/// Why a text is no playlist.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// The first line is not `#EXTM3U` (§4.3.1.1). An HTML error page looks like this.
    #[error("not a playlist: the first line is not #EXTM3U")]
    NotAPlaylist,
    /// It has tags of both kinds of playlists, or of none (§4.1).
    #[error("line {line}: tags of a media playlist and of a multivariant playlist in one")]
    Mixed {
        /// The line that does not fit those before it, from 1.
        line: usize,
    },
    /// A tag whose value cannot be guessed is broken.
    #[error("line {line}: {tag} has no usable value")]
    Tag {
        /// From 1.
        line: usize,
        /// The tag.
        tag: &'static str,
    },
    /// `{$name}` of a variable that nothing defines (§4.3.2.3).
    #[error("line {line}: a variable is used that is not defined")]
    Variable {
        /// From 1.
        line: usize,
    },
    /// Longer than [`MAX_PLAYLIST_BYTES`].
    #[error("the playlist has {bytes} bytes, the limit is {MAX_PLAYLIST_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// Reads a playlist of either kind.
///
/// Lenient where the meaning is clear: what breaks a rule is listed in `violations` and read all the same.
///
/// ```
/// use levada_hls::{ReadPlaylist, Variables, read_playlist};
///
/// let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n";
/// let ReadPlaylist::Media(playlist) = read_playlist(text, &Variables::default())? else { unreachable!() };
/// assert_eq!(playlist.segments[0].uri, "0.ts");
/// # Ok::<(), levada_hls::ReadError>(())
/// ```
pub fn read_playlist(text: &str, variables: &Variables) -> Result<ReadPlaylist, ReadError> {
    if text.len() > MAX_PLAYLIST_BYTES {
        return Err(ReadError::TooLong { bytes: text.len() });
    }
    let mut violations = Vec::new();
    let bare = text.strip_prefix('\u{feff}');
    if bare.is_some() {
        violations.push(Violation { line: 1, rule: Rule::ByteOrderMark });
    }
    let mut lines = Lines::new(bare.unwrap_or(text), variables);
    if lines.next_line()?.is_none_or(|line| line.text != "#EXTM3U") {
        return Err(ReadError::NotAPlaylist);
    }
    if is_multivariant(text) {
        multivariant::read(lines, violations).map(ReadPlaylist::Multivariant)
    } else {
        media::read(lines, violations).map(ReadPlaylist::Media)
    }
}

/// Whether the first tag that belongs to one kind only is a multivariant one.
fn is_multivariant(text: &str) -> bool {
    text.lines()
        .filter(|line| line.starts_with("#EXT"))
        .find_map(|line| {
            if multivariant::is_own_tag(line) {
                return Some(true);
            }
            media::is_own_tag(line).then_some(false)
        })
        .unwrap_or(false)
}

/// One line that says something.
struct Line<'a> {
    /// From 1.
    number: usize,
    /// Variables replaced, white space at the ends removed.
    text: Cow<'a, str>,
}

impl Line<'_> {
    /// The value behind `tag:`.
    fn value(&self, tag: &str) -> Option<&str> {
        self.text.strip_prefix(tag)?.strip_prefix(':')
    }
}

/// The lines of a playlist, with variables replaced as they are defined.
struct Lines<'a> {
    rest: core::str::Lines<'a>,
    number: usize,
    variables: Variables,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, variables: &Variables) -> Self {
        Self { rest: text.lines(), number: 0, variables: variables.clone() }
    }

    /// The next line that is neither empty nor a comment.
    fn next_line(&mut self) -> Result<Option<Line<'a>>, ReadError> {
        for line in self.rest.by_ref() {
            self.number += 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') && !line.starts_with("#EXT") {
                continue;
            }
            let number = self.number;
            let text = self.variables.replace(line).ok_or(ReadError::Variable { line: number })?;
            if text.trim().is_empty() {
                continue; // a variable without a value
            }
            if let Some(list) = text.strip_prefix("#EXT-X-DEFINE:") {
                self.variables
                    .define(list)
                    .ok_or(ReadError::Tag { line: number, tag: "EXT-X-DEFINE" })?;
                continue;
            }
            return Ok(Some(Line { number, text }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
