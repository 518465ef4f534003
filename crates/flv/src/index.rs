use alloc::vec::Vec;
use core::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use levada_amf::AmfLimits;
use levada_media::unwrap;

use crate::tag::{BACK_POINTER, MAX_BODY, TAG_HEAD, TagHead, whole_size};
use crate::{FlvError, FlvTag, Keyframe, Metadata, PacketKind, Script, TagKind, VideoBody};

/// Finds the keyframes of a file that is complete, and makes the `onMetaData` tag that says where they are.
///
/// It takes one pass over the file with an [`FlvReader`](crate::FlvReader), and a second one that copies it: the new
/// tag is longer than the old one.
///
/// ```
/// # use bytes::{Bytes, BytesMut};
/// # use levada_flv::{FlvError, FlvItem, FlvReader, Indexer};
/// fn with_index(file: &[u8]) -> Result<Vec<u8>, FlvError> {
///     let mut input = BytesMut::from(file);
///     let (mut reader, mut indexer) = (FlvReader::new(), Indexer::new());
///     while let Some(item) = reader.read(&mut input)? {
///         if let FlvItem::Tag(tag) = item {
///             indexer.observe(&tag, reader.tag_offset());
///         }
///     }
///     let patch = indexer.patch(file.len() as u64)?;
///     let (from, to) = (patch.replace.start as usize, patch.replace.end as usize);
///     Ok([&file[..from], &patch.tag, &file[to..]].concat())
/// }
/// # assert!(with_index(b"FLV\x01\x01\0\0\0\x09\0\0\0\0").is_ok());
/// ```
#[derive(Debug, Default)]
pub struct Indexer {
    keyframes: Vec<Position>,
    /// Unwrapped milliseconds of the latest tag.
    clock: i64,
    last_timestamp: i64,
    last_video_is_key: bool,
    /// Where the metadata stands, and what it says.
    metadata: Option<(Range<u64>, Metadata)>,
    first_tag: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    millis: i64,
    offset: u64,
}

/// What to change in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Patch {
    /// The bytes of the file to leave out. Empty if it has no metadata yet.
    pub replace: Range<u64>,
    /// What to put in their place: a tag and its size.
    pub tag: Bytes,
}

/// A number of `onMetaData` that is put in by name.
const FACTS: [&str; 6] = [
    "hasKeyframes",
    "canSeekToEnd",
    "lasttimestamp",
    "lastkeyframetimestamp",
    "lastkeyframelocation",
    "hasMetadata",
];

impl Indexer {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a tag, which begins at this offset of the file.
    pub fn observe(&mut self, tag: &FlvTag, offset: u64) {
        let end = offset + (TAG_HEAD + tag.body.len() + BACK_POINTER) as u64;
        self.first_tag.get_or_insert(offset);
        if tag.kind == TagKind::Script && self.metadata.is_none() && !tag.filtered {
            let script = Script::parse(
                tag.kind,
                tag.body.clone(),
                AmfLimits { values: 1 << 20, ..AmfLimits::default() },
            );
            let metadata = script.ok().and_then(|script| Metadata::from_script(&script));
            self.metadata = metadata.map(|metadata| (offset..end, metadata));
        }
        if !matches!(tag.kind, TagKind::Audio | TagKind::Video) {
            return;
        }
        self.clock = unwrap(self.clock, tag.timestamp.into(), 32);
        self.last_timestamp = self.last_timestamp.max(self.clock);
        if tag.kind == TagKind::Audio {
            return;
        }
        let Ok(video) = VideoBody::parse(tag.body.clone()) else { return };
        let is_frame = |kind| matches!(kind, PacketKind::Frame { .. });
        if video.packets.into_iter().any(|it| it.track == 0 && is_frame(it.kind)) {
            self.last_video_is_key = video.frame_type.is_key();
            if self.last_video_is_key {
                self.keyframes.push(Position { millis: self.clock, offset });
            }
        }
    }

    /// The change that puts the index into a file of this size.
    ///
    /// # Errors
    ///
    /// [`FlvError::Unsupported`] if the index is larger than a tag can be: some 900,000 keyframes.
    pub fn patch(&self, file_size: u64) -> Result<Patch, FlvError> {
        let (replace, metadata) = match &self.metadata {
            Some((range, metadata)) => (range.clone(), metadata.clone()),
            None => {
                let start = self.first_tag.unwrap_or(file_size);
                (start..start, Metadata::default())
            }
        };
        // All numbers have eight bytes, so a first writing with any positions has the final length.
        let grown = self.tag(&metadata, replace.start, 0, 0)?.len() as u64;
        let removed = replace.end - replace.start;
        let size = file_size.saturating_sub(removed) + grown;
        let tag =
            self.tag(&metadata, replace.end, grown.cast_signed() - removed.cast_signed(), size)?;
        Ok(Patch { replace, tag })
    }

    /// The metadata tag, if tags from `behind` on move by `shift`.
    fn tag(&self, old: &Metadata, behind: u64, shift: i64, size: u64) -> Result<Bytes, FlvError> {
        let moved = |offset: u64| {
            if offset >= behind { offset.saturating_add_signed(shift) } else { offset }
        };
        let seconds = |millis: i64| millis as f64 / 1000.0;
        let keyframes = self.keyframes.iter();
        let mut metadata = old.clone();
        metadata.keyframes = Some(
            keyframes
                .map(|it| Keyframe { seconds: seconds(it.millis), position: moved(it.offset) })
                .collect(),
        );
        metadata.duration = Some(seconds(self.last_timestamp));
        metadata.file_size = Some(size as f64);
        for fact in FACTS {
            metadata.other.remove(fact);
        }
        metadata.other.push("hasMetadata", true);
        metadata.other.push("hasKeyframes", !self.keyframes.is_empty());
        metadata.other.push("canSeekToEnd", self.last_video_is_key);
        metadata.other.push("lasttimestamp", seconds(self.last_timestamp));
        if let Some(last) = self.keyframes.last() {
            metadata.other.push("lastkeyframetimestamp", seconds(last.millis));
            metadata.other.push("lastkeyframelocation", moved(last.offset) as f64);
        }
        let too_large = FlvError::Unsupported { what: "so much metadata" };
        let body = metadata.encode().map_err(|_| too_large)?;
        let length =
            u32::try_from(body.len()).ok().filter(|it| *it <= MAX_BODY).ok_or(too_large)?;
        let mut tag = BytesMut::with_capacity(TAG_HEAD + body.len() + BACK_POINTER);
        tag.put_slice(&TagHead::encode(TagKind::Script, false, length, 0));
        tag.put_slice(&body);
        tag.put_u32(whole_size(length));
        Ok(tag.freeze())
    }
}
