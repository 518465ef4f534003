//! What streams were like, minute by minute, for the last four hours.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use levada_control::{InputId, Second};

const MINUTES: usize = 240;
/// Inputs of which that is known. Whoever was live longest ago goes first.
const INPUTS: usize = 1000;

/// The figures of all inputs.
#[derive(Debug, Default)]
pub struct Figures(Mutex<HashMap<InputId, VecDeque<Stretch>>>);

/// What a stretch of a stream was like.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stretch {
    /// When it began, in Unix seconds.
    pub at: i64,
    pub media_ms: u64,
    pub bytes: u64,
    pub frames: u64,
    /// The most lines, frames a second, and milliseconds between keyframes.
    pub height: u32,
    pub fps: u32,
    pub keyframe_ms: u64,
}

impl Stretch {
    /// Of one second of media.
    pub fn of(at: i64, second: &Second, height: u32, keyframe_ms: u64) -> Self {
        let media_ms = second.media_ms.max(1);
        Self {
            at,
            media_ms: media_ms.into(),
            bytes: second.video_bytes + second.audio_bytes,
            frames: second.video_frames.into(),
            height,
            fps: (second.video_frames.saturating_mul(1000) + media_ms / 2) / media_ms,
            keyframe_ms,
        }
    }

    fn add(&mut self, other: &Self) {
        self.media_ms += other.media_ms;
        self.bytes += other.bytes;
        self.frames += other.frames;
        self.height = self.height.max(other.height);
        self.fps = self.fps.max(other.fps);
        self.keyframe_ms = self.keyframe_ms.max(other.keyframe_ms);
    }
}

/// Adds a stretch to the last one if that began at the same time.
fn append(all: &mut VecDeque<Stretch>, new: Stretch) {
    match all.back_mut().filter(|it| it.at == new.at) {
        Some(last) => last.add(&new),
        None => all.push_back(new),
    }
}

impl Figures {
    /// Counts a second of an input.
    pub fn count(&self, input: InputId, second: Stretch) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&input) && all.len() >= INPUTS {
            let last = |it: &VecDeque<Stretch>| it.back().map(|it| it.at);
            let oldest = all.iter().min_by_key(|it| last(it.1)).map(|it| *it.0);
            oldest.and_then(|it| all.remove(&it));
        }
        let minutes = all.entry(input).or_default();
        append(minutes, Stretch { at: second.at - second.at.rem_euclid(60), ..second });
        if minutes.len() > MINUTES {
            minutes.pop_front();
        }
    }

    /// What there is from a moment up to another, in stretches of so many seconds.
    pub fn between(&self, input: InputId, from: i64, to: i64, width: i64) -> VecDeque<Stretch> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stretches = VecDeque::new();
        let minutes = all.get(&input).into_iter().flatten();
        for minute in minutes.filter(|it| (from..to).contains(&it.at)) {
            let at = minute.at - minute.at.rem_euclid(width.max(1));
            append(&mut stretches, Stretch { at, ..*minute });
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t38_seconds_are_counted_by_minutes_and_shown_by_any_interval() {
        let (figures, input) = (Figures::default(), InputId::from_bytes([1; 16]));
        for at in 0..7200 {
            let fps = if at == 100 { 30 } else { 25 };
            let second = Second {
                media_ms: 1000,
                video_frames: fps,
                video_bytes: 900,
                audio_bytes: 100,
                ..Second::default()
            };
            figures.count(input, Stretch::of(at, &second, 360, 2000));
        }
        let hours = figures.between(input, 0, 7200, 3600);
        assert_eq!(hours.iter().map(|it| it.at).collect::<Vec<_>>(), [0, 3600]);
        let first = Stretch {
            at: 0,
            media_ms: 3_600_000,
            bytes: 3_600_000,
            frames: 90_005,
            height: 360,
            fps: 30,
            keyframe_ms: 2000,
        };
        assert_eq!((hours[0], hours[1].fps), (first, 25));
        assert_eq!(figures.between(input, 60, 180, 60).len(), 2);
        for at in 7200..20_000 {
            figures.count(input, Stretch::of(at, &Second::default(), 0, 0));
        }
        assert_eq!(figures.between(input, 0, i64::MAX, 60).len(), MINUTES);
        for other in 0..=u16::try_from(INPUTS).unwrap() {
            let [a, b] = other.to_be_bytes();
            let id = InputId::from_bytes([9, a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            figures.count(id, Stretch::of(1_000_000, &Second::default(), 0, 0));
        }
        assert_eq!(figures.between(input, 0, i64::MAX, 60).len(), 0, "the oldest went");
    }
}
