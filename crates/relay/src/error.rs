use core::fmt;

/// Why a header was not taken. The ring is as it was, and goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderRefused {
    /// It is larger than [`RingLimits::header_bytes`](crate::RingLimits::header_bytes).
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Its slot is new, and [`RingLimits::headers`](crate::RingLimits::headers) are in use.
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for HeaderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => {
                write!(f, "header of {size} bytes, the limit is {limit}")
            }
            Self::TooMany { limit } => write!(f, "more than {limit} header slots"),
        }
    }
}

impl core::error::Error for HeaderRefused {}
