//! The programme clock: which packets carry a reference, and to when.

use core::time::Duration;

use crate::MuxConfig;
use crate::clock::SECOND;

/// The shortest time between references that can be asked for, so that a gap costs a bounded number of packets.
const SHORTEST_INTERVAL: i64 = SECOND / 100;

/// ISO/IEC 13818-1 §2.7.2: references are at most 100 ms apart.
const LONGEST_INTERVAL: i64 = SECOND / 10;

/// How far other tracks run ahead of a silent one before they drive its clock.
const SILENCE: i64 = SECOND / 2;

/// A gap that is not bridged by references: the clock starts anew behind it.
const GAP: i64 = 10 * SECOND;

/// A span in 90 kHz ticks.
pub(crate) fn ticks(span: Duration) -> i64 {
    i64::try_from(span.as_micros().saturating_mul(9) / 100).unwrap_or(i64::MAX)
}

/// The programme clock, which lags [`MuxConfig::clock_lead`] behind decoding times.
///
/// It only goes forward, until it is restarted.
#[derive(Debug)]
pub(crate) struct Clock {
    lead: i64,
    video_interval: i64,
    interval: i64,
    /// The last reference since the start or restart.
    last: Option<i64>,
    /// Where the clock would be if it had begun with the first frame of another track.
    idle: Option<i64>,
}

impl Clock {
    pub(crate) fn new(config: &MuxConfig) -> Self {
        let interval = ticks(config.clock_interval).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let lead = ticks(config.clock_lead).min(GAP);
        Self { lead, video_interval: interval, interval, last: None, idle: None }
    }

    /// References may be further apart where there is no video.
    pub(crate) fn set_video(&mut self, video: bool) {
        self.interval = if video { self.video_interval } else { LONGEST_INTERVAL };
    }

    /// Whether a frame is too far ahead to be reached by ticking.
    pub(crate) fn is_passed_by(&self, dts: i64) -> bool {
        self.last.is_some_and(|last| dts.saturating_sub(self.lead).saturating_sub(last) > GAP)
    }

    /// Takes the next reference on the way to a frame of the track that carries the clock, if one is due before.
    pub(crate) fn next_before(&mut self, dts: i64) -> Option<i64> {
        let next = self.last?.saturating_add(self.interval);
        (next < dts.saturating_sub(self.lead)).then(|| *self.last.insert(next))
    }

    /// The same on the way to a frame of another track: only once the one with the clock is silent, or late.
    pub(crate) fn next_in_silence(&mut self, dts: i64) -> Option<i64> {
        let arrival = dts.saturating_sub(self.lead);
        let last = self.last.unwrap_or_else(|| *self.idle.get_or_insert(arrival));
        let next = last.saturating_add(self.interval);
        (next < arrival.saturating_sub(SILENCE)).then(|| *self.last.insert(next))
    }

    /// The reference that goes with a frame itself.
    pub(crate) fn at(&mut self, dts: i64) -> i64 {
        let arrival = dts.saturating_sub(self.lead);
        *self.last.insert(match self.last {
            Some(last) => arrival.max(last.saturating_add(1)),
            None => arrival,
        })
    }

    /// Whether no reference was given since the start or restart.
    pub(crate) fn is_unset(&self) -> bool {
        self.last.is_none()
    }

    pub(crate) fn restart(&mut self) {
        (self.last, self.idle) = (None, None);
    }
}
