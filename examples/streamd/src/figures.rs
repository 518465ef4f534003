//! What streams were like, minute by minute, for the last four hours.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use levada_control::{InputId, Second};
use tracing::warn;

use crate::control::Control;
use crate::lock::lock;
use crate::server::{Server, work};

const MINUTES: usize = 240;
/// Inputs of which that is known. Whoever was live longest ago goes first.
const INPUTS: usize = 1000;
/// How often what is new is written down: the minutes that a crash may take, and two rows of each live input.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// The figures of all inputs.
#[derive(Debug, Default)]
pub struct Figures(Mutex<Minutes>);

#[derive(Debug, Default)]
struct Minutes {
    of: HashMap<InputId, VecDeque<Stretch>>,
    /// The first minute of each input that the disk does not have as it is here.
    unsaved: HashMap<InputId, i64>,
}

/// What the disk has to have of an input.
#[derive(Debug, Eq, PartialEq)]
pub struct Unsaved {
    pub input: InputId,
    /// The first minute that is known. Earlier ones are forgotten.
    pub first: i64,
    /// What changed since this minute.
    pub since: i64,
    pub minutes: Vec<Stretch>,
}

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

impl Minutes {
    /// Adds to an input's minutes.
    fn add(&mut self, input: InputId, minute: Stretch) {
        if !self.of.contains_key(&input) && self.of.len() >= INPUTS {
            let last = |it: &VecDeque<Stretch>| it.back().map(|it| it.at);
            let oldest = self.of.iter().min_by_key(|it| last(it.1)).map(|it| *it.0);
            if let Some(oldest) = oldest {
                self.of.remove(&oldest);
                self.mark(oldest, i64::MAX);
            }
        }
        let minutes = self.of.entry(input).or_default();
        append(minutes, minute);
        if minutes.len() > MINUTES {
            minutes.pop_front();
        }
    }

    fn mark(&mut self, input: InputId, since: i64) {
        let first = self.unsaved.entry(input).or_insert(since);
        *first = since.min(*first);
    }
}

impl Figures {
    fn lock(&self) -> MutexGuard<'_, Minutes> {
        lock(&self.0)
    }

    /// Counts a second of an input.
    pub fn count(&self, input: InputId, second: Stretch) {
        let at = second.at - second.at.rem_euclid(60);
        let mut all = self.lock();
        all.add(input, Stretch { at, ..second });
        all.mark(input, at);
    }

    /// Goes on with what the disk has.
    pub fn load(&self, control: &Control) -> anyhow::Result<()> {
        let mut all = self.lock();
        for (input, minute) in control.store.read_figures()? {
            all.add(input, minute);
        }
        Ok(())
    }

    /// Writes what is new, and forgets inputs that are gone.
    pub fn save(&self, control: &Control) -> anyhow::Result<()> {
        let unsaved = control.read(|plane, _, _| self.take_unsaved(|it| plane.input(it).is_some()));
        if unsaved.is_empty() {
            return Ok(());
        }
        let saved = control.store.write_figures(&unsaved);
        if saved.is_err() {
            let mut all = self.lock();
            unsaved.iter().for_each(|it| all.mark(it.input, it.since));
        }
        saved
    }

    fn take_unsaved(&self, is_there: impl Fn(InputId) -> bool) -> Vec<Unsaved> {
        let mut all = self.lock();
        let gone: Vec<_> = all.of.keys().copied().filter(|it| !is_there(*it)).collect();
        for input in gone {
            all.of.remove(&input);
            all.mark(input, i64::MAX);
        }
        let Minutes { of, unsaved } = &mut *all;
        let new = unsaved.drain().map(|(input, since)| {
            let minutes = of.get(&input).into_iter().flatten();
            let first = minutes.clone().next().map_or(i64::MAX, |it| it.at);
            let minutes = minutes.filter(|it| it.at >= since).copied().collect();
            Unsaved { input, first, since, minutes }
        });
        new.collect()
    }

    /// What there is from a moment up to another, in stretches of so many seconds.
    pub fn between(&self, input: InputId, from: i64, to: i64, width: i64) -> VecDeque<Stretch> {
        let all = self.lock();
        let mut stretches = VecDeque::new();
        let minutes = all.of.get(&input).into_iter().flatten();
        for minute in minutes.filter(|it| (from..to).contains(&it.at)) {
            let at = minute.at - minute.at.rem_euclid(width.max(1));
            append(&mut stretches, Stretch { at, ..*minute });
        }
        stretches
    }
}

/// Writes what is new now and then. Runs as long as the server.
pub async fn keep_saved(server: Arc<Server>) {
    loop {
        tokio::time::sleep(SAVE_EVERY).await;
        if let Err(why) = work(&server, |it| it.figures.save(&it.control)).await {
            warn!(why = format!("{why:#}"), "cannot write the figures of streams");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(at: i64) -> Stretch {
        Stretch { at, media_ms: 1000, bytes: 1, frames: 25, ..Stretch::default() }
    }

    #[test]
    fn t38_no_more_is_written_than_what_changed() {
        let (figures, input) = (Figures::default(), InputId::from_bytes([1; 16]));
        let all = |_| true;
        assert_eq!(figures.take_unsaved(all), []);
        for at in [0, 61, 62, 119] {
            figures.count(input, minute(at));
        }
        let second = Stretch { media_ms: 3000, bytes: 3, frames: 75, ..minute(60) };
        let minutes = vec![minute(0), second];
        assert_eq!(figures.take_unsaved(all), [Unsaved { input, first: 0, since: 0, minutes }]);
        assert_eq!(figures.take_unsaved(all), [], "once is enough");
        figures.count(input, minute(120));
        let third = Unsaved { input, first: 0, since: 120, minutes: vec![minute(120)] };
        assert_eq!(figures.take_unsaved(all), [third], "and what was written before stays");
        for at in 0..i64::try_from(MINUTES).unwrap() {
            figures.count(input, minute(180 + 60 * at));
        }
        assert_eq!(figures.take_unsaved(all)[0].first, 180, "what is too old goes");
        let gone = Unsaved { input, first: i64::MAX, since: i64::MAX, minutes: vec![] };
        assert_eq!(figures.take_unsaved(|_| false), [gone], "and everything with the input");
        assert_eq!(figures.between(input, 0, i64::MAX, 60).len(), 0);
    }

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
