use levada_buf::Outbox;

use crate::header::{FILE_HEAD, FileHead};
use crate::tag::{BACK_POINTER, MAX_BODY, TagHead, whole_size};
use crate::{FlvError, FlvHeader, FlvTag, PackedTag, TagKind};

/// Writes a file, or the body of an HTTP-FLV response.
///
/// Large bodies are shared, not copied.
///
/// ```
/// use bytes::{Buf, Bytes};
/// use levada_buf::Outbox;
/// use levada_flv::{FlvHeader, FlvTag, FlvWriter, TagKind};
///
/// let mut out = Outbox::new();
/// let mut writer = FlvWriter::new();
/// writer.header(&FlvHeader::new(true, false), &mut out);
/// writer.tag(&FlvTag::new(TagKind::Audio, 0, Bytes::from_static(b"\xaf\x00\x12\x10")), &mut out)?;
/// assert_eq!(out.remaining(), 9 + 4 + 11 + 4 + 4);
/// assert_eq!(writer.offset(), 32);
/// # Ok::<(), levada_flv::FlvError>(())
/// ```
#[derive(Debug, Default)]
pub struct FlvWriter {
    offset: u64,
}

impl FlvWriter {
    /// A writer at the start of a file.
    pub const fn new() -> Self {
        Self { offset: 0 }
    }

    /// A writer that goes on at the end of a file of this size.
    pub const fn at(offset: u64) -> Self {
        Self { offset }
    }

    /// Writes the header and the size of the tag that is not before it.
    pub fn header(&mut self, header: &FlvHeader, out: &mut Outbox) {
        let size = FILE_HEAD + header.extension.len();
        let head = FileHead {
            version: header.version,
            flags: if header.audio { 0x04 } else { 0 } | if header.video { 0x01 } else { 0 },
            data_offset: u32::try_from(size).unwrap_or(u32::MAX),
        };
        out.put(&head.encode());
        out.put(&header.extension);
        out.put(&[0; BACK_POINTER]);
        self.offset += (size + BACK_POINTER) as u64;
    }

    /// Writes a tag and the size of it.
    ///
    /// # Errors
    ///
    /// [`FlvError::Misuse`] if the body has 16 MiB or more. Nothing is written then.
    pub fn tag(&mut self, tag: &FlvTag, out: &mut Outbox) -> Result<(), FlvError> {
        let size = self.head(tag.kind, tag.filtered, tag.timestamp, tag.body.len(), out)?;
        out.share(tag.body.clone());
        self.back_pointer(size, out);
        Ok(())
    }

    /// Writes a tag made by a [`Packer`](crate::Packer), whose header and payload are not joined.
    ///
    /// # Errors
    ///
    /// As [`tag`](Self::tag).
    pub fn packed(&mut self, tag: &PackedTag, out: &mut Outbox) -> Result<(), FlvError> {
        let size = self.head(tag.kind, false, tag.timestamp, tag.len(), out)?;
        out.put(tag.head());
        out.share(tag.data.clone());
        self.back_pointer(size, out);
        Ok(())
    }

    /// How many bytes were written so far: where the next tag will begin.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn head(
        &self,
        kind: TagKind,
        filtered: bool,
        timestamp: u32,
        len: usize,
        out: &mut Outbox,
    ) -> Result<u32, FlvError> {
        let size = u32::try_from(len)
            .ok()
            .filter(|size| *size <= MAX_BODY)
            .ok_or(FlvError::Misuse { what: "a tag body has less than 16 MiB" })?;
        out.put(&TagHead::encode(kind, filtered, size, timestamp));
        Ok(size)
    }

    fn back_pointer(&mut self, size: u32, out: &mut Outbox) {
        let size = whole_size(size);
        out.put(&size.to_be_bytes());
        self.offset += u64::from(size) + BACK_POINTER as u64;
    }
}
