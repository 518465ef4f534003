//! Puts what comes in segments into one line, and hands it out at its time.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use levada_media::{MediaEvent, Rounding, Timescale, TrackId};

/// Where the line begins, in milliseconds: a track that begins earlier than the first one has room before that.
const BEGIN: i64 = 1_000;
/// A larger step is another timeline.
const STEP: u64 = 10_000;
/// What lies between two timelines: about a frame.
const SEAM: i64 = 40;
/// The most that is waited for: who is ahead of the clock by more has another clock.
const AHEAD: i64 = 60_000;

#[derive(Debug, Default)]
pub struct Line {
    waiting: BTreeMap<(i64, u64), MediaEvent>,
    tracks: HashMap<TrackId, Track>,
    /// What is taken from the times of the newest timeline.
    shift: Option<i64>,
    /// The latest place on the line.
    end: i64,
    count: u64,
    /// When something was handed out, and its place: the clock.
    clock: Option<(Instant, i64)>,
}

#[derive(Debug)]
struct Track {
    timescale: Timescale,
    shift: Option<i64>,
    last: i64,
}

impl Line {
    pub fn put(&mut self, event: MediaEvent) {
        let place = match &event {
            MediaEvent::Track(it) => {
                let new = Track { timescale: it.timescale, shift: None, last: self.end };
                let track = self.tracks.entry(it.id).or_insert(new);
                track.timescale = it.timescale;
                track.last
            }
            MediaEvent::Frame(it) => {
                let Some(track) = self.tracks.get_mut(&it.track) else { return };
                let time = track.timescale.rescale(it.dts, Timescale::MILLIS, Rounding::Down).0;
                let place = |shift: i64| time.saturating_sub(shift);
                let near = |shift: &i64| place(*shift).abs_diff(track.last) <= STEP;
                let known = [track.shift, self.shift].into_iter().flatten().find(near);
                let shift = known.unwrap_or_else(|| {
                    // Neither the track's timeline nor the newest of another track: a new one.
                    let behind = if self.end == 0 { BEGIN } else { self.end + SEAM };
                    let shift = time.saturating_sub(behind);
                    self.shift = Some(shift);
                    shift
                });
                track.shift = Some(shift);
                track.last = place(shift).max(0);
                track.last
            }
            MediaEvent::End(id) => self.tracks.get(id).map_or(self.end, |it| it.last),
        };
        self.end = self.end.max(place);
        self.count += 1;
        self.waiting.insert((place, self.count), event);
    }

    /// What is due, with its time in milliseconds.
    pub fn next_due(&mut self, now: Instant) -> Option<(u32, MediaEvent)> {
        if self.deadline().is_some_and(|it| it > now) {
            return None;
        }
        let ((place, _), event) = self.waiting.pop_first()?;
        let is_frame = matches!(event, MediaEvent::Frame(_));
        if is_frame && (self.clock.is_none() || self.end - place > AHEAD) {
            self.clock = Some((now, place));
        }
        Some((u32::try_from(place & 0xffff_ffff).unwrap_or_default(), event))
    }

    /// When the next is due, if not at once. The first frame starts the clock.
    pub fn deadline(&self) -> Option<Instant> {
        let ((place, _), _) = self.waiting.first_key_value()?;
        let (at, zero) = self.clock?;
        let passed = u64::try_from(place - zero).unwrap_or_default();
        Some(at + Duration::from_millis(passed))
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use levada_media::{AudioCodec, AudioParams, CodecParams, Frame, Ticks};

    use super::*;

    fn line(tracks: &[TrackId]) -> Line {
        let mut line = Line::default();
        for id in tracks {
            let params = CodecParams::Audio(AudioParams::new(AudioCodec::Aac, Bytes::new()));
            line.put(MediaEvent::Track(levada_media::Track::new(*id, Timescale::MILLIS, params)));
        }
        line
    }

    fn put(line: &mut Line, track: TrackId, times: impl IntoIterator<Item = i64>) {
        for time in times {
            line.put(MediaEvent::Frame(Frame::new(track, Ticks(time), Bytes::new())));
        }
    }

    fn times(line: &Line) -> Vec<i64> {
        let frames = line.waiting.iter().filter(|(_, it)| matches!(it, MediaEvent::Frame(_)));
        frames.map(|((place, _), _)| *place).collect()
    }

    #[test]
    fn tracks_are_woven_together() {
        let (video, audio) = (TrackId::video(0), TrackId::audio(0));
        let mut line = line(&[video, audio]);
        put(&mut line, video, [90_000, 90_040, 90_080]);
        put(&mut line, audio, [89_990, 90_013, 90_036]);
        assert_eq!(times(&line), [990, 1000, 1013, 1036, 1040, 1080]);
    }

    #[test]
    fn another_timeline_goes_on_a_frame_later_on_all_tracks() {
        let (video, audio) = (TrackId::video(0), TrackId::audio(0));
        let mut line = line(&[video, audio]);
        put(&mut line, video, [50_000, 50_040]);
        put(&mut line, audio, [50_010]);
        put(&mut line, video, [200, 240]);
        put(&mut line, audio, [50_030, 190, 210]);
        assert_eq!(times(&line), [1000, 1010, 1030, 1040, 1070, 1080, 1090, 1120]);
    }

    #[test]
    fn what_comes_at_once_is_handed_out_in_its_time() {
        let video = TrackId::video(0);
        let mut line = line(&[video]);
        put(&mut line, video, [0, 40, 80]);
        let now = Instant::now();
        assert!(matches!(line.next_due(now), Some((0, MediaEvent::Track(_)))));
        assert_eq!(line.next_due(now).map(|it| it.0), Some(1000));
        assert_eq!(line.next_due(now + Duration::from_millis(39)), None);
        assert_eq!(line.next_due(now + Duration::from_millis(40)).map(|it| it.0), Some(1040));
        assert_eq!(line.deadline(), Some(now + Duration::from_millis(80)));
    }
}
