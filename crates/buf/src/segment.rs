use bytes::Bytes;

/// A stretch of an outbox.
#[derive(Debug)]
pub(crate) enum Segment {
    /// This many bytes of the copy buffer, in order. Never 0.
    Run(usize),
    /// Somebody's payload. Never empty.
    Shared(Bytes),
}

impl Segment {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Run(len) => *len,
            Self::Shared(bytes) => bytes.len(),
        }
    }
}
