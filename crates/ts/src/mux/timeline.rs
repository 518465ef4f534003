//! Where a track's frames are on the stream's timeline.

use levada_media::{Frame, Rounding, Timescale};

use crate::clock::SECOND;
use crate::pes::Times;

/// The most that may lie between a frame's decoding and its showing: H.264 and H.265 allow 10 s in a transport
/// stream (ISO/IEC 13818-1 §2.14.3.1).
pub(crate) const MAX_COMPOSITION: i64 = 10 * SECOND;

/// A step back that is no jitter: the source has restarted.
const RESTART: i64 = SECOND / 2;

#[derive(Debug)]
pub(crate) struct Timeline {
    timescale: Timescale,
    /// When the last frame is decoded.
    last: Option<i64>,
    /// How much earlier than they say frames are decoded, as they are shown before. Sources with signed
    /// composition offsets do that.
    shift: i64,
}

impl Timeline {
    pub(crate) fn new(timescale: Timescale) -> Self {
        Self { timescale, last: None, shift: 0 }
    }

    /// Goes on behind what was written in the same place.
    pub(crate) fn follow(&mut self, before: &Self) {
        self.last = before.last;
    }

    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// A frame's own times in 90 kHz ticks. `None` if they lie too far apart.
    pub(crate) fn times(&self, frame: &Frame, start: i64) -> Option<Times> {
        let at = |ticks| {
            let ticks = self.timescale.rescale(ticks, Timescale::MPEG, Rounding::Nearest);
            ticks.0.saturating_add(start)
        };
        let times = Times { pts: at(frame.pts()), dts: at(frame.dts) };
        let apart = times.pts.saturating_sub(times.dts);
        (-MAX_COMPOSITION..=MAX_COMPOSITION).contains(&apart).then_some(times)
    }

    /// Whether a frame is so far behind the last one that the clock cannot go on.
    pub(crate) fn is_restarted_by(&self, times: Times) -> bool {
        self.last.is_some_and(|last| last.saturating_sub(times.dts) >= RESTART + self.shift)
    }

    /// The times at which a frame can be written: decoded after the one before it, and not shown before that.
    pub(crate) fn put_in_order(&mut self, times: Times) -> Times {
        self.shift = self.shift.max(times.dts.saturating_sub(times.pts));
        let dts = times.dts.saturating_sub(self.shift);
        let dts = self.last.map_or(dts, |last| dts.max(last.saturating_add(1)));
        self.last = Some(dts);
        Times { pts: times.pts.max(dts), dts }
    }
}
