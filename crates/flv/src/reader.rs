use bytes::{Buf, Bytes, BytesMut};

use crate::header::{FILE_HEAD, FileHead};
use crate::tag::{BACK_POINTER, TAG_HEAD, TagHead, whole_size};
use crate::{FileFinding, FlvError, FlvHeader, FlvTag, TagKind};

/// Bodies up to this size are left in the input until they are whole, and are then slices of it. Larger ones are
/// gathered as they arrive. With this bound one block of 64 KiB is enough input memory for any file.
const SLICE_UP_TO: usize = 64 * 1024 - BACK_POINTER - TAG_HEAD;

/// A gathered body grows by at least this much.
const GATHER_STEP: usize = 64 * 1024;

/// What a file may ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlvLimits {
    /// The largest tag body. 8 MiB by default: a keyframe of a 100 Mbit/s stream. Worst-case memory of a reader is
    /// twice this, and only for bytes that really arrived.
    pub max_body: u32,
    /// The largest file header. 4 KiB by default: real ones have nine bytes.
    pub max_header: u32,
}

impl Default for FlvLimits {
    fn default() -> Self {
        Self { max_body: 8 * 1024 * 1024, max_header: 4096 }
    }
}

/// One thing read from a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a file is a header and tags")]
pub enum FlvItem {
    /// The header, once, first.
    Header(FlvHeader),
    /// A tag.
    Tag(FlvTag),
    /// A fault that the reader went on after. It stands before the tag that follows it.
    Finding(FileFinding),
}

/// Cuts a file into tags.
///
/// ```
/// use bytes::BytesMut;
/// use levada_flv::{FlvItem, FlvReader, TagKind};
///
/// let file = b"FLV\x01\x04\0\0\0\x09\0\0\0\0\x08\0\0\x02\0\0\0\0\0\0\0\x2f\xff\0\0\0\x0d";
/// let mut input = BytesMut::from(&file[..]);
/// let mut reader = FlvReader::new();
/// let mut kinds = Vec::new();
/// while let Some(item) = reader.read(&mut input)? {
///     if let FlvItem::Tag(tag) = item {
///         kinds.push(tag.kind);
///     }
/// }
/// reader.end(&input)?;
/// assert_eq!(kinds, [TagKind::Audio]);
/// # Ok::<(), levada_flv::FlvError>(())
/// ```
#[derive(Debug)]
pub struct FlvReader {
    limits: FlvLimits,
    state: State,
    /// How much of the file was taken.
    offset: u64,
    /// Where the last tag began.
    tag_offset: u64,
    /// Whether the last size behind a tag was wrong: what follows is then looked at with suspicion.
    suspicious: bool,
    /// Where a stream id that is not 0 was reported. 0 is no place for one.
    odd_stream_at: u64,
    failed: Option<FlvError>,
}

/// ```text
/// Header ──► BackPointer ◄──► Tag ◄──► Gather
///                 ▲            │ no tag begins here
///                 └── Search ◄─┘
/// ```
#[derive(Debug)]
enum State {
    /// Before the file header.
    Header,
    /// Before the size of what was read last, which should be this.
    BackPointer(u32),
    /// Before the head of a tag.
    Tag,
    /// Inside a large body.
    Gather(TagHead, BytesMut),
    /// Lost, since this offset.
    Search(u64),
}

impl FlvReader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        Self::with_limits(FlvLimits::default())
    }

    /// A reader at the start of a file.
    pub fn with_limits(limits: FlvLimits) -> Self {
        let state = State::Header;
        Self {
            limits,
            state,
            offset: 0,
            tag_offset: 0,
            suspicious: false,
            odd_stream_at: 0,
            failed: None,
        }
    }

    /// A reader in the middle of a file, where a tag begins: after a seek to a position from a
    /// [`KeyframeIndex`](crate::KeyframeIndex).
    pub fn at(offset: u64, limits: FlvLimits) -> Self {
        Self { state: State::Tag, offset, ..Self::with_limits(limits) }
    }

    /// Takes the next item off the front of `input`. `None` asks for more bytes.
    ///
    /// # Errors
    ///
    /// [`FlvError::Malformed`] if this is no FLV file, [`FlvError::Limit`] if a tag is larger than allowed. Both
    /// are final. Everything else the reader gets over is a [`FlvItem::Finding`].
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<FlvItem>, FlvError> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        self.next_item(input).inspect_err(|why| self.failed = Some(*why))
    }

    /// Says that the file ends behind `rest`, which is what [`read`](Self::read) left.
    ///
    /// # Errors
    ///
    /// [`FlvError::Malformed`] if the end is inside a header or a tag. A missing size behind the last tag is
    /// what a killed writer leaves, and is none.
    pub fn end(&self, rest: &[u8]) -> Result<(), FlvError> {
        let what = match &self.state {
            State::BackPointer(_) => return Ok(()),
            State::Tag | State::Search(_) if rest.is_empty() => return Ok(()),
            State::Header => "the file ends in its header",
            _ => "the file ends in a tag",
        };
        let offset = self.offset.saturating_add(rest.len() as u64);
        Err(self.failed.unwrap_or(FlvError::Malformed { offset, what, spec: "FLV 10.1 §E.3" }))
    }

    /// How many bytes of the file were taken so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where in the file the last tag began that [`read`](Self::read) gave.
    pub fn tag_offset(&self) -> u64 {
        self.tag_offset
    }

    fn next_item(&mut self, input: &mut BytesMut) -> Result<Option<FlvItem>, FlvError> {
        loop {
            match &mut self.state {
                State::BackPointer(expected) => {
                    let expected = *expected;
                    if let Some(tag) = self.whole_tag(expected, input) {
                        return Ok(Some(tag));
                    }
                    let Some(found) = input.first_chunk().copied().map(u32::from_be_bytes) else {
                        return Ok(None);
                    };
                    self.take(input, BACK_POINTER);
                    self.state = State::Tag;
                    self.suspicious = found != expected;
                    if self.suspicious {
                        let offset = self.offset - BACK_POINTER as u64;
                        let finding = FileFinding::WrongTagSize { offset, expected, found };
                        return Ok(Some(FlvItem::Finding(finding)));
                    }
                }
                State::Tag => {
                    let Some(head) = input.first_chunk().map(TagHead::parse) else {
                        return Ok(None);
                    };
                    if !self.begins_a_tag(&head) {
                        self.state = State::Search(self.offset);
                        continue;
                    }
                    if head.stream != 0 && self.odd_stream_at != self.offset {
                        self.odd_stream_at = self.offset;
                        let finding =
                            FileFinding::StreamId { offset: self.offset, found: head.stream };
                        return Ok(Some(FlvItem::Finding(finding)));
                    }
                    return self.read_tag(head, input);
                }
                State::Gather(head, body) => {
                    let size = head.size as usize;
                    let count = input.len().min(size - body.len());
                    if body.capacity() - body.len() < count {
                        body.reserve(
                            (size - body.len()).min(count.max(body.len()).max(GATHER_STEP)),
                        );
                    }
                    body.extend_from_slice(input.get(..count).unwrap_or_default());
                    let whole =
                        (body.len() == size).then(|| (*head, core::mem::take(body).freeze()));
                    self.take(input, count);
                    let Some((head, body)) = whole else { return Ok(None) };
                    return Ok(Some(self.tag(&head, body)));
                }
                State::Search(since) => {
                    let since = *since;
                    if !self.search(input) {
                        return Ok(None);
                    }
                    self.state = State::Tag;
                    let finding =
                        FileFinding::Resynchronised { offset: since, skipped: self.offset - since };
                    return Ok(Some(FlvItem::Finding(finding)));
                }
                State::Header => return self.read_header(input),
            }
        }
    }

    /// The usual case in one step: a size that is right, a tag without oddities, and all of its body.
    #[inline]
    fn whole_tag(&mut self, expected: u32, input: &mut BytesMut) -> Option<FlvItem> {
        const HEADS: usize = BACK_POINTER + TAG_HEAD;
        let heads = input.first_chunk::<HEADS>()?;
        let head = TagHead::parse(heads.last_chunk()?);
        let whole = HEADS + head.size as usize;
        let usual = heads.first_chunk() == Some(&expected.to_be_bytes())
            && head.reserved == 0
            && head.stream == 0
            && head.size <= self.limits.max_body;
        if !usual || input.len() < whole {
            return None;
        }
        self.tag_offset = self.offset + BACK_POINTER as u64;
        self.offset += whole as u64;
        let mut body = input.split_to(whole).freeze();
        body.advance(HEADS);
        Some(self.tag(&head, body))
    }

    fn read_tag(
        &mut self,
        head: TagHead,
        input: &mut BytesMut,
    ) -> Result<Option<FlvItem>, FlvError> {
        if head.size > self.limits.max_body {
            return Err(FlvError::Limit {
                offset: self.offset,
                which: "tag body",
                actual: head.size.into(),
                limit: self.limits.max_body.into(),
            });
        }
        let size = head.size as usize;
        if input.len() < TAG_HEAD + size {
            if size > SLICE_UP_TO {
                self.tag_offset = self.offset;
                self.take(input, TAG_HEAD);
                self.state = State::Gather(head, BytesMut::new());
                return self.next_item(input);
            }
            return Ok(None);
        }
        self.tag_offset = self.offset;
        self.take(input, TAG_HEAD);
        self.offset += size as u64;
        let body = input.split_to(size).freeze();
        Ok(Some(self.tag(&head, body)))
    }

    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<FlvItem>, FlvError> {
        let malformed = |offset, what| FlvError::Malformed { offset, what, spec: "FLV 10.1 §E.2" };
        let Some(head) = input.first_chunk::<FILE_HEAD>() else { return Ok(None) };
        let head = FileHead::parse(head).ok_or_else(|| malformed(0, "no FLV signature"))?;
        if (head.data_offset as usize) < FILE_HEAD {
            return Err(malformed(5, "the header is said to be shorter than it is"));
        }
        if head.data_offset > self.limits.max_header {
            return Err(FlvError::Limit {
                offset: 5,
                which: "file header",
                actual: head.data_offset.into(),
                limit: self.limits.max_header.into(),
            });
        }
        if input.len() < head.data_offset as usize {
            return Ok(None);
        }
        let extension = input.get(FILE_HEAD..head.data_offset as usize).unwrap_or_default();
        let header = FlvHeader {
            version: head.version,
            audio: head.flags & 0x04 != 0,
            video: head.flags & 0x01 != 0,
            extension: Bytes::copy_from_slice(extension),
        };
        self.take(input, head.data_offset as usize);
        self.state = State::BackPointer(0);
        Ok(Some(FlvItem::Header(header)))
    }

    fn tag(&mut self, head: &TagHead, body: Bytes) -> FlvItem {
        self.state = State::BackPointer(whole_size(head.size));
        FlvItem::Tag(FlvTag {
            kind: head.kind,
            filtered: head.filtered,
            timestamp: head.timestamp,
            body,
        })
    }

    /// Whether the reader is still where tags begin. A kind or a stream id that nobody uses is skipped or ignored
    /// as long as the sizes were right; together with a wrong size they say that the place is lost.
    fn begins_a_tag(&self, head: &TagHead) -> bool {
        let odd = matches!(head.kind, TagKind::Other(_))
            || head.stream != 0
            || head.size > self.limits.max_body;
        head.reserved == 0 && !(odd && self.suspicious)
    }

    /// Moves to where a tag begins behind a believable size of the one before it. Says whether it found one.
    ///
    /// Only heads are looked at, so that nothing needs to be kept. A head has 48 bits that must fit.
    fn search(&mut self, input: &mut BytesMut) -> bool {
        let found = input.windows(BACK_POINTER + TAG_HEAD).position(|window| {
            let (Some((size, _)), Some(head)) =
                (window.split_first_chunk(), window.last_chunk().map(TagHead::parse))
            else {
                return false;
            };
            let before = u32::from_be_bytes(*size);
            (whole_size(1)..=whole_size(self.limits.max_body)).contains(&before)
                && (1..=self.limits.max_body).contains(&head.size)
                && head.reserved == 0
                && head.stream == 0
                && !head.filtered
                && !matches!(head.kind, TagKind::Other(_))
        });
        let passed = match found {
            Some(at) => at + BACK_POINTER,
            None => input.len().saturating_sub(BACK_POINTER + TAG_HEAD - 1),
        };
        self.take(input, passed);
        self.suspicious = false;
        found.is_some()
    }

    fn take(&mut self, input: &mut BytesMut, count: usize) {
        input.advance(count);
        self.offset += count as u64;
    }
}

impl Default for FlvReader {
    fn default() -> Self {
        Self::new()
    }
}
