use thiserror::Error;

/// Why a file cannot be read on, or a tag not be written. Sticky in a reader: later calls give the same error.
///
/// What is wrong inside one tag body is no error of the file: see [`BodyError`](crate::BodyError).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FlvError {
    /// The file breaks the format.
    #[error("{what} at byte {offset} ({spec})")]
    Malformed {
        /// Where, counted from the start of the file.
        offset: u64,
        /// What is wrong.
        what: &'static str,
        /// Where the format says so.
        spec: &'static str,
    },
    /// The file asks for more than we give.
    #[error("{which} of {actual} bytes at byte {offset}, accepted are {limit}")]
    Limit {
        /// Where, counted from the start of the file.
        offset: u64,
        /// What is too large.
        which: &'static str,
        /// How large it would be.
        actual: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The caller asks for a stream that FLV cannot carry.
    #[error("FLV cannot carry {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// The caller broke a rule of this library.
    #[error("{what}")]
    Misuse {
        /// Which.
        what: &'static str,
    },
}
