use core::time::Duration;

/// How much a [`Plane`](crate::Plane) holds.
///
/// Everything here is small: an idle input is about 1.5 KiB, an output 0.6 KiB, a recording 1 KiB, a waiting
/// delivery its body of one to four KiB. With the defaults and everything full, hooks hold the most:
/// `hooks` × `hook_queue` bodies, 256 MiB at 4 KiB each. The rest stays below 64 MiB.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Limits {
    /// Listeners: 64. Each is an open port.
    pub listeners: usize,
    /// Inputs that exist: 10,000.
    pub inputs: usize,
    /// Inputs that are live, suspended or connecting at once: 1,000. One more publisher is told `quota`.
    pub active_inputs: usize,
    /// Players of all inputs together: 100,000.
    pub players: usize,
    /// Recordings that are remembered: 20,000.
    pub recordings: usize,
    /// Clips that are remembered: 10,000. Kept ones stay until they are deleted.
    pub clips: usize,
    /// Shows: 1,000.
    pub shows: usize,
    /// Inputs of one show: 16.
    pub show_inputs: usize,
    /// Webhooks: 64.
    pub hooks: usize,
    /// Deliveries that wait at one hook: 1,000. The oldest goes when another comes, and is counted.
    pub hook_queue: usize,
    /// Finished deliveries remembered per hook: 100.
    pub hook_log: usize,
    /// Signing keys: 1,000.
    pub signing_keys: usize,
    /// Actions that wait for the caller: 65,536. Beyond it calls are refused until some are taken; none is lost.
    pub actions: usize,
    /// Connection attempts remembered for the rate limit, by key and address: 65,536. The oldest goes.
    pub attempts: usize,
    /// Gaps remembered of one recording: 1,000. Later ones are added to the last.
    pub gaps: usize,
    /// Bytes that recordings may take, or as many as the disk has. At 90 % a start is warned, at 100 % refused.
    pub storage: Option<u64>,
    /// How long a player may wait for a publisher: 0, at most 10 s.
    pub play_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            listeners: 64,
            inputs: 10_000,
            active_inputs: 1_000,
            players: 100_000,
            recordings: 20_000,
            clips: 10_000,
            shows: 1_000,
            show_inputs: 16,
            hooks: 64,
            hook_queue: 1_000,
            hook_log: 100,
            signing_keys: 1_000,
            actions: 65_536,
            attempts: 65_536,
            gaps: 1_000,
            storage: None,
            play_wait: Duration::ZERO,
        }
    }
}
