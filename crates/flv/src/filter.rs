use bytes::Bytes;

use crate::packet::take;
use crate::{BodyError, TagKind};

/// The parts of an encrypted tag body (FLV 10.1 annex F). Keys and decryption are not in here.
///
/// ```text
/// header of the media, in clear │ 01 │ name 00 │ size 24 │ parameters │ data
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FilteredBody {
    /// The header of the media: with a decrypted payload behind it, it is an ordinary body again. Empty for script
    /// data.
    pub header: Bytes,
    /// Which of the two filters it is.
    pub filter: Filter,
    /// The initialisation vector, if the data is encrypted. It is not in clear tags of an encrypted file.
    pub iv: Option<[u8; 16]>,
    /// The payload: AES-128-CBC with PKCS#7 padding if there is an initialisation vector, else in clear.
    pub data: Bytes,
}

/// How a tag is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the format is closed")]
pub enum Filter {
    /// "Encryption": every tag is.
    Whole,
    /// "SE": selected ones are.
    Selective,
}

impl FilteredBody {
    /// Takes the body of a tag apart whose filter bit is set.
    ///
    /// # Errors
    ///
    /// If it does not have the parts that it should.
    pub fn parse(kind: TagKind, mut body: Bytes) -> Result<Self, BodyError> {
        let first = body.first().copied();
        let header = match (kind, first) {
            (TagKind::Audio, Some(first)) => {
                1 + usize::from(first >> 4 == crate::format::LEGACY_AAC)
            }
            (TagKind::Video, Some(first)) => {
                let avc = first & 0x0F == crate::format::LEGACY_AVC;
                if avc { 5 } else { 1 }
            }
            _ => 0,
        };
        if header > body.len() {
            return Err(BodyError::Short);
        }
        let header = body.split_to(header);
        let [filters] = take(&mut body)?;
        let filter = if body.starts_with(b"SE\0") {
            let _name: [u8; 3] = take(&mut body)?;
            Filter::Selective
        } else if body.starts_with(b"Encryption\0") {
            let _name: [u8; 11] = take(&mut body)?;
            Filter::Whole
        } else {
            return Err(BodyError::Filter);
        };
        if filters != 1 {
            return Err(BodyError::Filter);
        }
        let [s2, s1, s0] = take(&mut body)?;
        let size = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        if size > body.len() {
            return Err(BodyError::Short);
        }
        let mut parameters = body.split_to(size);
        let encrypted = match filter {
            Filter::Whole => true,
            Filter::Selective => {
                let [flags] = take(&mut parameters)?;
                flags & 0x80 != 0
            }
        };
        let iv = if encrypted { Some(take(&mut parameters)?) } else { None };
        Ok(Self { header, filter, iv, data: body })
    }
}
