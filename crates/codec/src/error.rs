use thiserror::Error;

use crate::bits::Overrun;

/// Why bytes are not what they should be. Offsets count from the start of the slice that was given.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CodecError {
    /// The sender broke the format.
    #[error("{what} at byte {offset} ({spec})")]
    Malformed {
        /// Where it was noticed, or the length of the input where the input ends too early.
        offset: usize,
        /// What is wrong.
        what: &'static str,
        /// Where the format says so.
        spec: &'static str,
    },
    /// The sender asks for something that is valid and not known here.
    #[error("not supported: {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// The sender asks for more than we give.
    #[error("more than {limit} {which}")]
    Limit {
        /// What there is too much of.
        which: &'static str,
        /// How much would be accepted.
        limit: usize,
    },
    /// The caller asks for bytes that the format cannot hold.
    #[error("{what}")]
    Misuse {
        /// What cannot be.
        what: &'static str,
    },
}

impl CodecError {
    /// The same error for a slice that begins `bytes` later than the one the caller gave.
    pub(crate) fn shifted(mut self, bytes: usize) -> Self {
        if let Self::Malformed { offset, .. } = &mut self {
            *offset = offset.saturating_add(bytes);
        }
        self
    }

    /// The same error with the place in the format, if it has none yet.
    pub(crate) fn of(mut self, section: &'static str) -> Self {
        if let Self::Malformed { spec, .. } = &mut self
            && spec.is_empty()
        {
            *spec = section;
        }
        self
    }
}

impl From<Overrun> for CodecError {
    fn from(overrun: Overrun) -> Self {
        Self::Malformed { offset: overrun.0, what: "the data ends too early", spec: "" }
    }
}
