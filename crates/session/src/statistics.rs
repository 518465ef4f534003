use core::time::Duration;

/// What a session counted so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Bytes of the chunk stream that were read.
    pub received_bytes: u64,
    /// Bytes that left the outbox.
    pub sent_bytes: u64,
    /// What the peer says it received, modulo 2³². Many never say.
    pub acknowledged: u32,
    /// After how many bytes the peer was asked to say so. 0: not yet.
    pub window: u32,
    /// Messages that nothing could be done with.
    pub dropped: u64,
    /// How long the last ping took.
    pub round_trip: Option<Duration>,
}
