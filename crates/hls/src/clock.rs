//! From the timestamps of a source to the timeline of the segments.
//!
//! The timeline starts at 0 with the first frame and never goes back. A jump of the source starts a new *epoch*: the
//! timeline goes on where it was, and the segment that begins there is marked as a discontinuity.
//!
//! Timestamps in milliseconds are too coarse for audio: at 44.1 kHz a frame lasts 23.22 ms. So audio time is counted
//! in samples, and the timestamps only steer: of what they differ by more than rounding explains, 1/32 is made up for
//! with each frame. A clock that drifts is followed.

use levada_media::{Rounding, Ticks, Timescale, Track};

/// How strongly timestamps steer the sample clock.
const STEER: i64 = 32;

/// A longer step from frame to frame is a hole, in microseconds.
const HOLE: i64 = 2_000_000;

/// The clock of one track.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    source: Timescale,
    /// The timescale of the segments.
    pub(crate) out: Timescale,
    /// Output ticks of every frame, where they are all the same.
    step: Option<i64>,
    /// Which epoch it follows, and what that adds, in output ticks.
    epoch: Option<(u32, i64)>,
    /// When the next frame should come, in output ticks.
    pub(crate) expected: i64,
    /// How long the last frame lasted, in output ticks.
    pub(crate) lasted: i64,
    /// Where the last frame of this epoch is, in output ticks.
    last: Option<i64>,
}

/// A stretch of the source's time that maps onto the timeline by one sum.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    /// Microseconds to add to the source's time.
    pub(crate) shift: i64,
}

/// What a timestamp means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reading {
    /// This time of the timeline, in output ticks.
    At(i64),
    /// A jump: it fits no epoch.
    Jump,
}

impl Clock {
    pub(crate) fn new(track: &Track) -> Self {
        let audio = track.params.audio().filter(|it| it.sample_rate > 0);
        let step = audio.and_then(|it| it.samples_per_frame);
        let rate = audio.filter(|_| step.is_some()).and_then(|it| Timescale::new(it.sample_rate));
        let exact =
            if track.timescale == Timescale::MILLIS { Timescale::MPEG } else { track.timescale };
        Self {
            source: track.timescale,
            out: rate.unwrap_or(exact),
            step: step.map(i64::from),
            epoch: None,
            expected: 0,
            lasted: step.map_or(0, i64::from),
            last: None,
        }
    }

    /// Microseconds of a time in the source's ticks.
    pub(crate) fn source_micros(&self, dts: Ticks) -> i64 {
        self.source.rescale(dts, Timescale::MICROS, Rounding::Nearest).0
    }

    /// Microseconds of a time in output ticks.
    pub(crate) fn micros(&self, out: i64) -> i64 {
        self.out.rescale(Ticks(out), Timescale::MICROS, Rounding::Nearest).0
    }

    /// Ticks of the source as output ticks.
    pub(crate) fn convert(&self, ticks: i64) -> i64 {
        self.source.rescale(Ticks(ticks), self.out, Rounding::Nearest).0
    }

    /// Forgets where it was: the next frame may be anywhere in the newest epoch.
    pub(crate) fn forget(&mut self) {
        self.epoch = None;
        self.last = None;
    }

    /// Whether it took a frame since it began or was told to forget.
    pub(crate) fn is_running(&self) -> bool {
        self.epoch.is_some()
    }

    /// What `dts` means: in the epoch that this track follows, else in the newest. `near` is a span, in
    /// microseconds, that another track has reached: there it may be, too, however long this one was silent.
    pub(crate) fn read(
        &mut self,
        dts: Ticks,
        newest: Epoch,
        jump: i64,
        near: Option<(i64, i64)>,
    ) -> Reading {
        let followed = self.epoch.map(|(_, shift)| self.convert(dts.0).saturating_add(shift));
        if let Some(at) = followed.filter(|&at| self.fits(at, jump, near)) {
            return Reading::At(self.steer(at));
        }
        if self.epoch.is_none_or(|(number, _)| number != newest.number) {
            let shift =
                Timescale::MICROS.rescale(Ticks(newest.shift), self.out, Rounding::Nearest).0;
            let at = self.convert(dts.0).saturating_add(shift);
            if self.epoch.is_none() || self.fits(at, jump, near) {
                self.epoch = Some((newest.number, shift));
                self.expected = at;
                return Reading::At(at);
            }
        }
        Reading::Jump
    }

    /// Notes that a frame was taken at `at`.
    pub(crate) fn took(&mut self, at: i64) {
        let step = self.last.map(|last| (at - last).max(1));
        // A hole is no frame that lasts that long.
        if let Some(step) = step.filter(|it| self.step.is_none() && self.micros(*it) <= HOLE) {
            self.lasted = step;
        }
        self.last = Some(at);
        self.expected = at + self.lasted;
    }

    fn fits(&self, at: i64, jump: i64, near: Option<(i64, i64)>) -> bool {
        let off = self.micros(at.saturating_sub(self.expected));
        // Back is back, but a frame may be early by as much as a frame lasts.
        let early = jump.min(self.micros(self.lasted).max(100_000));
        let beside =
            near.is_some_and(|(from, to)| off > 0 && (from..=to).contains(&self.micros(at)));
        (-early..=jump).contains(&off) || beside
    }

    /// The time that a frame gets: behind the last one, and on the grid of samples where there is one.
    fn steer(&self, at: i64) -> i64 {
        let at = self.last.map_or(at, |last| at.max(last + 1));
        if self.step.is_none() {
            return at;
        }
        let off = at - self.expected;
        if self.micros(off).abs() > 250_000 {
            return at.max(self.expected);
        }
        let rounding = self.convert(1);
        self.expected + (off - off.clamp(-rounding, rounding)) / STEER
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;
    use levada_media::{AudioCodec, AudioParams, CodecParams, TrackId, VideoCodec, VideoParams};

    use super::*;

    const FIRST: Epoch = Epoch { number: 0, shift: 0 };
    const JUMP: i64 = 2_000_000;

    fn audio(rate: u32) -> Clock {
        let mut params = AudioParams::new(AudioCodec::Aac, Bytes::new());
        params.sample_rate = rate;
        params.samples_per_frame = Some(1024);
        Clock::new(&Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params)))
    }

    fn video() -> Clock {
        let params = CodecParams::Video(VideoParams::new(VideoCodec::Avc, Bytes::new()));
        Clock::new(&Track::new(TrackId::video(0), Timescale::MILLIS, params))
    }

    fn take(clock: &mut Clock, dts: i64) -> Option<i64> {
        let Reading::At(at) = clock.read(Ticks(dts), FIRST, JUMP, None) else { return None };
        clock.took(at);
        Some(at)
    }

    #[test]
    fn rounded_audio_times_become_samples_again() {
        for rate in [44_100, 48_000, 22_050] {
            let mut clock = audio(rate);
            for n in 0..100_000_i64 {
                let dts = (n * 1024 * 1000 + i64::from(rate) / 2) / i64::from(rate);
                assert_eq!(take(&mut clock, dts), Some(n * 1024), "{rate} Hz, frame {n}");
            }
        }
    }

    #[test]
    fn a_drifting_audio_clock_is_followed() {
        let mut clock = audio(48_000);
        let mut worst = 0;
        for n in 0..200_000_i64 {
            // 0.1 % slow: after an hour and more it would be 4 s off.
            let dts = n * 1024 * 1001 / 48_000;
            let at = take(&mut clock, dts).unwrap();
            worst = worst.max((at - dts * 48).abs());
        }
        assert!(worst < 4800, "{worst} samples off");
    }

    #[test]
    fn video_times_are_taken_as_they_are() {
        let mut clock = video();
        for (dts, at) in [(0, 0), (33, 2970), (67, 6030), (100, 9000), (1500, 135_000)] {
            assert_eq!(take(&mut clock, dts), Some(at));
        }
    }

    #[test]
    fn jumps_are_told() {
        for (to, fits) in
            [(1040 + 2000, true), (1040 + 2001, false), (941, true), (900, false), (0, false)]
        {
            let mut clock = video();
            for n in 0..=25 {
                take(&mut clock, n * 40).unwrap();
            }
            assert_eq!(take(&mut clock, to).is_some(), fits, "{to}");
        }
    }

    #[test]
    fn a_track_that_was_silent_joins_another() {
        let mut clock = video();
        take(&mut clock, 0).unwrap();
        assert_eq!(clock.read(Ticks(9000), FIRST, JUMP, None), Reading::Jump);
        assert_eq!(
            clock.read(Ticks(9000), FIRST, JUMP, Some((6_500_000, 10_500_000))),
            Reading::At(810_000)
        );
    }

    #[test]
    fn times_that_stand_still_or_step_back_go_on_by_a_tick() {
        let mut clock = video();
        let got: Vec<_> =
            [0, 40, 80, 80, 75, 120].iter().map(|&dts| take(&mut clock, dts)).collect();
        assert_eq!(got, [0, 3600, 7200, 7201, 7202, 10_800].map(Some));
    }

    #[test]
    fn a_track_follows_into_a_new_epoch_and_may_be_late() {
        let mut clock = audio(48_000);
        for n in 0..100_i64 {
            take(&mut clock, n * 64 / 3).unwrap();
        }
        let newest = Epoch { number: 1, shift: 2_133_333 - 50_000_000 };
        // Still the old epoch, although a new one has begun elsewhere.
        assert_eq!(clock.read(Ticks(100 * 64 / 3), newest, JUMP, None), Reading::At(102_400));
        clock.took(102_400);
        assert_eq!(clock.read(Ticks(50_021), newest, JUMP, None), Reading::At(103_408));
        assert_eq!(clock.read(Ticks(90_000_000), newest, JUMP, None), Reading::Jump);
    }
}
