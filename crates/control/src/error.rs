use thiserror::Error;

use crate::Refusal;

/// Why a call was not carried out. Whatever it was, it changed nothing.
///
/// [`code`](Self::code) and [`field`](Self::field) are for programs, the text is for people.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A field holds what it can't.
    #[error("{field}: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is asked of it.
        why: &'static str,
    },
    /// There is no such thing, or no more.
    #[error("no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// Somebody else has it.
    #[error("{field} is taken")]
    Taken {
        /// What: a name, an alias, a port.
        field: &'static str,
    },
    /// There are as many as may be.
    #[error("no more than {limit} {which}")]
    Limit {
        /// Of what.
        which: &'static str,
        /// How many.
        limit: u64,
    },
    /// This needs a live input.
    #[error("the input is not live")]
    NotLive,
    /// The recordings' space is used up.
    #[error("the storage is full")]
    StorageFull,
    /// An address that this server does not call: its own, a private one, a scheme that is not on the list.
    #[error("{field}: this target is not allowed")]
    TargetForbidden {
        /// Where it stood.
        field: &'static str,
    },
    /// A publisher or player was turned away.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `mono` went back. The caller's clock is broken.
    #[error("time went back")]
    TimeWentBack,
    /// The queue of actions is full: drain it and call again.
    #[error("actions are waiting to be taken")]
    Full,
}

impl Error {
    /// The word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::NotFound { .. } => "not_found",
            Self::Taken { field } => match field.as_bytes() {
                b"port" => "port_in_use",
                _ => "taken",
            },
            Self::Limit { .. } => "limit",
            Self::NotLive => "not_live",
            Self::StorageFull => "storage_full",
            Self::TargetForbidden { .. } => "target_forbidden",
            Self::Refused(refusal) => refusal.code(),
            Self::TimeWentBack => "time_went_back",
            Self::Full => "busy",
        }
    }

    /// The field that is to blame.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. }
            | Self::Taken { field }
            | Self::TargetForbidden { field } => Some(field),
            _ => None,
        }
    }
}

/// Checks a text's length in characters.
pub(crate) fn check_length(
    field: &'static str,
    text: &str,
    most: usize,
    why: &'static str,
) -> Result<(), Error> {
    // Bytes first: a peer's megabyte is not counted character by character.
    if text.is_empty() || text.len() > most * 4 || text.chars().count() > most {
        return Err(Error::Invalid { field, why });
    }
    Ok(())
}
