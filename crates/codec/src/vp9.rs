//! VP9: frame headers, superframes, `vpcC`. And VP8, as far as a key frame says its size.
//!
//! ```text
//! frame (VP9 §6.2):   10 2 │ profile low 1, high 1 │ [0 1 in profile 3] │ show existing 1: slot 3
//!                     not key 1 │ show 1 │ error resilient 1 │
//!                     key: 498342 24 │ colour │ width - 1 16 │ height - 1 16 │ …
//! superframe (annex B):  frame │ frame │ … │ marker │ sizes, little endian │ marker
//!                        marker: 110 3 │ bytes of a size - 1 2 │ frames - 1 3
//! vpcC (VP-ISOBMFF):  profile │ level │ depth 4, chroma 3, full range 1 │ primaries │ transfer │ matrix │ 0 16
//! ```

mod config;
mod header;

use levada_media::{FrameFacts, Leading, RandomAccess, Slices, VideoCodec};

use crate::{Defect, Defects};

pub use config::Config;
pub(crate) use config::{params, with_key_frame};
pub use header::{Header, KeyFrame, Vp8KeyFrame};

/// The frames of a sample: those of a superframe, or the one that it is.
///
/// All but one are hidden. What does not add up is taken as one frame, as decoders do.
///
/// ```
/// use levada_codec::vp9::frames;
///
/// let superframe = [0x82, 0x83, 0x84, 0xC1, 2, 1, 0xC1];
/// assert!(frames(&superframe).eq([&[0x82, 0x83][..], &[0x84]]));
/// ```
pub fn frames(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (sizes, width) = index(data).unwrap_or((&[], 1));
    let plain = sizes.is_empty().then_some(data).filter(|it| !it.is_empty());
    let mut rest = data;
    let split = sizes.chunks_exact(width).filter_map(move |size| {
        let (frame, behind) = rest.split_at_checked(little_endian(size))?;
        rest = behind;
        (!frame.is_empty()).then_some(frame)
    });
    plain.into_iter().chain(split)
}

/// The sizes in the index of a superframe, and the width of each.
fn index(data: &[u8]) -> Option<(&[u8], usize)> {
    let &marker = data.last()?;
    if marker >> 5 != 0b110 {
        return None;
    }
    let width = usize::from(marker >> 3 & 3) + 1;
    let count = usize::from(marker & 7) + 1;
    let at = data.len().checked_sub(2 + width * count)?;
    let [first, sizes @ .., _] = data.get(at..)? else { return None };
    let total: usize = sizes.chunks_exact(width).map(little_endian).sum();
    (*first == marker && total <= at).then_some((sizes, width))
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// What one track's frames need to be understood: nothing.
#[derive(Debug)]
pub(crate) struct FrameReader {
    codec: VideoCodec,
    defects: Defects,
}

impl FrameReader {
    pub(crate) fn new(codec: VideoCodec) -> Self {
        Self { codec, defects: Defects::default() }
    }

    pub(crate) fn inspect(&mut self, data: &[u8]) -> FrameFacts {
        let mut facts = FrameFacts::default();
        let whole = if self.codec == VideoCodec::Vp8 {
            vp8_facts(data, &mut facts)
        } else {
            vp9_facts(data, &mut facts)
        };
        if whole.is_none() {
            self.defects.insert(Defect::CutFrame);
        }
        facts
    }

    pub(crate) fn defects(&self) -> Defects {
        self.defects
    }
}

/// `None` if a header cannot be read. What was found before it stands.
fn vp9_facts(data: &[u8], facts: &mut FrameFacts) -> Option<()> {
    let mut frames = frames(data).map(|it| Header::parse(it).ok());
    let first = frames.next()??;
    // A key frame renews all references, so what is behind it in the same sample needs nothing before it.
    if first.key_frame.is_some() {
        facts.random_access = RandomAccess::Instant;
        facts.parameter_sets = true;
    }
    facts.leading = Leading::No;
    let (mut all_intra, mut all_unused) = (first.is_intra(), first.refresh == Some(0));
    for header in frames {
        let header = header?;
        all_intra &= header.is_intra();
        all_unused &= header.refresh == Some(0);
    }
    facts.disposable = all_unused;
    if all_intra {
        facts.slices = Slices::I;
    }
    Some(())
}

/// As [`vp9_facts`].
fn vp8_facts(data: &[u8], facts: &mut FrameFacts) -> Option<()> {
    // RFC 6386 §9.1: the lowest bit.
    if data.first()? & 1 == 0 {
        Vp8KeyFrame::parse(data).ok()?;
        facts.random_access = RandomAccess::Instant;
        facts.parameter_sets = true;
        facts.slices = Slices::I;
    }
    facts.leading = Leading::No;
    Some(())
}

#[cfg(test)]
mod tests;
