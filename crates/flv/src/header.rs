use bytes::Bytes;

/// The beginning of a file (FLV 10.1 §E.2).
///
/// ```text
///  0           3    4      5             9            n
/// ┌───────────┬────┬──────┬─────────────┬───────────┐
/// │ F   L   V │ 01 │ a0v  │ n, 9 or more │ extension │   a: 0x04, v: 0x01
/// └───────────┴────┴──────┴─────────────┴───────────┘
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlvHeader {
    /// 1 in every known file.
    pub version: u8,
    /// Whether audio tags may follow. A hint: live writers set it before they know.
    pub audio: bool,
    /// Whether video tags may follow. A hint.
    pub video: bool,
    /// What stands between the nine bytes of version 1 and the first tag. Empty but for odd files.
    pub extension: Bytes,
}

impl FlvHeader {
    /// A header without extension.
    pub const fn new(audio: bool, video: bool) -> Self {
        Self { version: 1, audio, video, extension: Bytes::new() }
    }
}

pub(crate) const FILE_HEAD: usize = 9;

/// The nine bytes that every header has.
pub(crate) struct FileHead {
    pub(crate) version: u8,
    pub(crate) flags: u8,
    pub(crate) data_offset: u32,
}

impl FileHead {
    /// `None` when it is no FLV file.
    pub(crate) fn parse(bytes: &[u8; FILE_HEAD]) -> Option<Self> {
        let [b'F', b'L', b'V', version, flags, o3, o2, o1, o0] = *bytes else { return None };
        Some(Self { version, flags, data_offset: u32::from_be_bytes([o3, o2, o1, o0]) })
    }

    pub(crate) fn encode(&self) -> [u8; FILE_HEAD] {
        let [o3, o2, o1, o0] = self.data_offset.to_be_bytes();
        [b'F', b'L', b'V', self.version, self.flags, o3, o2, o1, o0]
    }
}
