//! Publishers that do what publishers do, for simulated days, against a model that remembers all that was published.
//!
//! After every step each playlist is fetched as a player would and checked against what was seen before: whatever was
//! said once has to stay true. `LEVADA_MODEL_MINUTES` makes the streams longer, `LEVADA_MODEL_SEEDS` makes more of them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use levada_hls::{
    Answer, Container, DateRange, HintKind, Origin, OriginConfig, ReadDateRange, ReadMedia,
    ReadPart, ReadPlaylist, ReadSegment, Request, Variables, Waiter, Window, read_playlist,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, MediaKind, RandomAccess, Ticks,
    Timescale, Track, TrackId, VideoCodec, VideoParams,
};

const NOON: i64 = 1_772_366_400_000;

/// SplitMix64: the same stream for the same seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        (self.next() % end as u64) as i64
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as i64) as usize]
    }
}

/// How a publisher sends.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Microseconds from picture to picture.
    picture: i64,
    /// Pictures from keyframe to keyframe.
    gop: i64,
    /// Whether the distance of pictures varies.
    uneven: bool,
    /// A track that sends nothing.
    mute: Option<TrackId>,
}

const ORDER: Manner = Manner { picture: 200_000, gop: 10, uneven: false, mute: None };

struct Publisher {
    chance: Chance,
    origin: Origin,
    tracks: Vec<TrackId>,
    levels: BTreeMap<TrackId, u8>,
    manner: Manner,
    /// The source's clock and the wall clock, in microseconds.
    at: i64,
    wall: i64,
    sound_at: i64,
    pictures: i64,
    /// Wall-clock time of the last thing that was not a plain stream, in milliseconds.
    disturbed: i64,
}

fn track(id: TrackId, level: u8) -> Track {
    let params = if id.kind == MediaKind::Video {
        let config = [
            1, 66, 0xC0, level, 0xFF, 0xE1, 0, 8, 0x67, 66, 0xC0, level, 0xDA, 2, 0x80, 0xBF, 1, 0,
            4, 0x68, 0xCE, 0x3C, 0x80,
        ];
        let mut params = VideoParams::new(VideoCodec::Avc, Bytes::copy_from_slice(&config));
        (params.width, params.height) = (1280 >> id.number, 720 >> id.number);
        params.rfc6381 = format!("avc1.42c0{level:02x}");
        CodecParams::Video(params)
    } else {
        let (config, channels): (&'static [u8], _) =
            if level.is_multiple_of(2) { (&[0x11, 0x90], 2) } else { (&[0x11, 0x88], 1) };
        let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(config));
        (params.sample_rate, params.channels) = (48_000, channels);
        params.samples_per_frame = Some(1024);
        params.rfc6381 = "mp4a.40.2".into();
        CodecParams::Audio(params)
    };
    Track::new(id, Timescale::MILLIS, params)
}

impl Publisher {
    fn new(seed: u64, config: OriginConfig, videos: u8, audios: u8) -> Self {
        let tracks = (0..videos).map(TrackId::video).chain((0..audios).map(TrackId::audio));
        let mut publisher = Self {
            chance: Chance(seed),
            origin: Origin::new(config),
            tracks: tracks.collect(),
            levels: BTreeMap::new(),
            manner: ORDER,
            at: 5_000_000,
            wall: NOON * 1000,
            sound_at: 5_000_000,
            pictures: 0,
            disturbed: NOON,
        };
        publisher.announce(0);
        publisher
    }

    fn push(&mut self, event: MediaEvent) {
        // A refused event is the publisher's loss.
        let _ = self.origin.push(event, self.wall / 1000);
    }

    fn announce(&mut self, change: u8) {
        for id in self.tracks.clone() {
            self.change(id, change);
        }
    }

    fn change(&mut self, id: TrackId, by: u8) {
        let level = self.levels.entry(id).or_insert(30);
        *level = if *level >= 40 { 30 } else { *level + by };
        let event = MediaEvent::Track(track(id, *level));
        self.push(event);
    }

    fn frame(&mut self, id: TrackId, at: i64, key: bool) {
        if self.manner.mute == Some(id) {
            return;
        }
        let payload = Bytes::from_static(&[0, 0, 0, 4, 0x65, 1, 2, 3]);
        let mut frame = Frame::new(id, Ticks((at + 500) / 1000), payload);
        if key {
            frame.facts.random_access = RandomAccess::Instant;
        }
        self.push(MediaEvent::Frame(frame));
    }

    /// One picture of every track, and the sound up to there.
    fn step(&mut self) {
        let (sounds, pictures): (Vec<TrackId>, Vec<TrackId>) =
            self.tracks.iter().partition(|it| it.kind == MediaKind::Audio);
        while self.sound_at <= self.at {
            sounds.iter().for_each(|id| self.frame(*id, self.sound_at, false));
            self.sound_at += 21_333;
        }
        let key = self.pictures % self.manner.gop == 0;
        pictures.iter().for_each(|id| self.frame(*id, self.at, key));
        let mut step = self.manner.picture;
        if self.manner.uneven {
            step = step / 2 + self.chance.below(step);
        }
        self.pictures += 1;
        self.at += step;
        self.wall += step;
    }

    /// Something that publishers do.
    fn misbehave(&mut self) -> &'static str {
        self.disturbed = self.wall / 1000;
        match self.chance.below(14) {
            0 => {
                let by = (self.chance.below(200_000) - 100_000) * 1000;
                self.at = (self.at + by).max(0);
                self.sound_at = self.at;
                "a jump"
            }
            1 => {
                (self.at, self.sound_at, self.pictures) = (0, 0, 0);
                self.wall += self.chance.below(20) * 1_000_000;
                self.announce(0);
                "a restart"
            }
            2 => {
                self.announce(1);
                self.pictures = 0;
                "other codecs"
            }
            3 => {
                let id = self.chance.of(&self.tracks);
                self.change(id, 1);
                "another codec of one track"
            }
            4 => {
                let span = self.chance.below(40) * 1_000_000;
                self.at += span;
                self.sound_at = self.at;
                self.wall += span;
                "silence"
            }
            5 => {
                self.wall += self.chance.below(10_000_000);
                "a slow network"
            }
            6 => {
                self.manner.gop = self.chance.of(&[200, 500, 2000]);
                "long groups of pictures"
            }
            7 => {
                self.manner.uneven = !self.manner.uneven;
                "another rhythm"
            }
            8 => {
                let rates = [1_000_000, 500_000, 200_000, 100_000, 40_000, 33_333];
                self.manner.picture = self.chance.of(&rates);
                "another rate"
            }
            9 => {
                let id = self.chance.of(&self.tracks);
                self.manner.mute = self.manner.mute.is_none().then_some(id);
                "a track pauses or goes on"
            }
            10 => {
                self.sound_at = (self.at - self.chance.below(3_000_000)).max(0);
                "sound out of step"
            }
            11 | 12 => {
                let id = self.chance.below(20).to_string();
                let mut range = DateRange::new(&id, self.wall / 1000);
                let seconds = self.chance.below(60) as u64;
                range.planned_duration = Some(Duration::from_secs(seconds));
                self.origin.set_date_range(range);
                "a date range"
            }
            _ => {
                self.manner = ORDER;
                "order"
            }
        }
    }
}

/// What was ever said of one playlist.
#[derive(Default)]
struct Model {
    /// Segments and their lengths in bytes.
    known: BTreeMap<u64, (ReadSegment, usize)>,
    parts: BTreeMap<(u64, usize), ReadPart>,
    targets: Option<(u64, Option<Duration>)>,
    before: Option<ReadMedia>,
    hint: Option<String>,
    /// The date ranges that a player has that asks for delta updates, by their ids.
    date_ranges: BTreeMap<String, ReadDateRange>,
    /// Everything that complete segments lasted.
    total: Duration,
    /// Whether another rendition says where segments begin: after a hole this one joins there.
    follows: bool,
}

/// The status, 0 for a request that has to wait, and the length.
fn status(origin: &mut Origin, name: &str) -> (u16, usize) {
    match origin.get(&Request::new(name)) {
        Answer::Ready(reply) => (reply.status, reply.body.len()),
        Answer::Wait(waiter) => {
            let _ = origin.give_up(waiter);
            (0, 0)
        }
    }
}

fn request<'a>(name: &'a str, query: &'a str) -> Request<'a> {
    let mut request = Request::new(name);
    request.query = query;
    request
}

fn media(origin: &mut Origin, name: &str, query: &str) -> Option<ReadMedia> {
    match origin.get(&request(name, query)) {
        Answer::Ready(reply) if reply.status == 200 => {
            let text = String::from_utf8(reply.body.join().to_vec()).unwrap();
            let Ok(ReadPlaylist::Media(list)) = read_playlist(&text, &Variables::default()) else {
                panic!("{text}")
            };
            assert_eq!(list.violations, [], "{text}");
            Some(list)
        }
        Answer::Ready(_) => None,
        Answer::Wait(waiter) => {
            let _ = origin.give_up(waiter);
            None
        }
    }
}

fn end_of(list: &ReadMedia) -> u64 {
    list.media_sequence + list.segments.len() as u64
}

impl Model {
    fn check(&mut self, origin: &mut Origin, name: &str, config: &OriginConfig) {
        let Some(list) = media(origin, name, "") else {
            assert!(self.before.is_none(), "{name} was there and is gone");
            return;
        };
        // §4.4.3.1, §4.4.3.7: constant for ever.
        let targets = (list.target_duration, list.part_target);
        assert_eq!(*self.targets.get_or_insert(targets), targets, "targets changed");
        for segment in &list.segments {
            self.check_segment(origin, segment, &list);
        }
        for part in &list.open_parts {
            assert_eq!(status(origin, &part.uri).0, 200, "{}", part.uri);
        }
        self.note_parts(end_of(&list), &list.open_parts);
        let target = list.target_duration;
        list.segments.windows(2).for_each(|it| check_dates(&it[0], &it[1], target, self.follows));
        if let Some(before) = &self.before {
            check_update(before, &list);
        }
        self.check_window(&list, config);
        self.check_hint(origin, &list);
        self.check_delta(origin, name, &list);
        self.check_date_ranges(origin, name, &list);
        // What comes next cannot be had yet, what is long gone not any more.
        let ts = config.segmenter.container == Container::Ts;
        let extension = if ts { "ts" } else { "m4s" };
        let prefix = name.strip_suffix(".m3u8").unwrap();
        let open = end_of(&list);
        assert_eq!(status(origin, &format!("{prefix}-{open}.{extension}")).0, 404);
        if let Some(old) = list.media_sequence.checked_sub(200) {
            assert_eq!(status(origin, &format!("{prefix}-{old}.{extension}")).0, 404);
        }
        while self.known.len() > 600 {
            self.known.pop_first();
        }
        while self.parts.len() > 600 {
            self.parts.pop_first();
        }
        self.before = Some(list);
    }

    fn check_segment(&mut self, origin: &mut Origin, segment: &ReadSegment, list: &ReadMedia) {
        let sequence = segment.sequence;
        let new = !self.known.contains_key(&sequence);
        let edge = sequence + 2 >= end_of(list) || sequence < list.media_sequence + 2;
        let mut bytes = self.known.get(&sequence).map_or(0, |it| it.1);
        if new || edge {
            let (code, len) = status(origin, &segment.uri);
            assert_eq!(code, if segment.gap { 404 } else { 200 }, "{}", segment.uri);
            assert!(new || len == bytes, "{} changed", segment.uri);
            bytes = len;
            if let Some(map) = &segment.map {
                assert_eq!(status(origin, &map.uri).0, 200, "{}", map.uri);
            }
            let parts: Vec<_> = segment.parts.iter().map(|it| status(origin, &it.uri)).collect();
            assert!(parts.iter().all(|it| it.0 == 200), "{:?}", segment.parts);
            let sum: usize = parts.iter().map(|it| it.1).sum();
            assert!(parts.is_empty() || sum == bytes, "a segment is its parts");
        }
        self.note_parts(sequence, &segment.parts);
        assert!(segment.program_date_time.is_some());
        let (was, _) = self.known.entry(sequence).or_insert_with(|| (segment.clone(), bytes));
        let said = |it: &ReadSegment| {
            let numbers = (it.discontinuity, it.program_date_time, it.duration, it.gap);
            (it.uri.clone(), it.map.clone(), numbers)
        };
        assert_eq!(said(was), said(segment), "what was said of a segment stays true");
        if new {
            self.total += segment.duration;
            let parts: Duration = segment.parts.iter().map(|it| it.duration).sum();
            let target = list.part_target.unwrap_or_default();
            // Pictures that are too far apart for the rules of parts are told as close to them as the rules allow.
            let count = segment.parts.len() as u32;
            let possible = segment.duration.clamp(target * count * 85 / 100, target * count);
            assert!(
                parts.abs_diff(possible) <= target,
                "parts of {parts:?} in {:?}",
                segment.duration
            );
        }
    }

    fn note_parts(&mut self, sequence: u64, parts: &[ReadPart]) {
        let said = |it: &ReadPart| (it.uri.clone(), it.duration, it.independent);
        for (index, part) in parts.iter().enumerate() {
            let known = self.parts.entry((sequence, index)).or_insert_with(|| part.clone());
            assert_eq!(said(known), said(part), "what was said of a part stays true");
        }
    }

    /// §6.2.2: never less than three target durations, once there were as many.
    fn check_window(&self, list: &ReadMedia, config: &OriginConfig) {
        let span: Duration = list.segments.iter().map(|it| it.duration).sum();
        let target = Duration::from_secs(list.target_duration);
        let Window::Sliding(window) = config.window else {
            assert_eq!(span, self.total);
            return;
        };
        let least = window.max(target * 3);
        assert!(span >= least.min(self.total), "{span:?} of {:?}", self.total);
        assert!(span <= least + target * 4, "{span:?} for a window of {least:?}");
    }

    /// A hint comes true as soon as anything more is said, or its segment is a gap.
    fn check_hint(&mut self, origin: &mut Origin, list: &ReadMedia) {
        let known = |uri: &str| {
            self.parts.values().any(|it| it.uri == uri) || list.hints.iter().any(|it| it.uri == uri)
        };
        if let Some(hint) = self.hint.take() {
            let of = |it: &ReadSegment| it.gap && hint.starts_with(it.uri.trim_end_matches("m4s"));
            // Parts that came and whose tags left between two steps were not seen.
            let unseen = self.before.as_ref().is_some_and(|it| end_of(it) + 1 < end_of(list));
            assert!(known(&hint) || unseen || list.segments.iter().any(of), "{hint} was announced");
        }
        let (maps, parts): (Vec<_>, Vec<_>) =
            list.hints.iter().partition(|it| it.kind == HintKind::Map);
        assert!(maps.len() <= 1 && maps.iter().all(|it| status(origin, &it.uri).0 == 200));
        assert_eq!(parts.len(), usize::from(list.part_target.is_some()));
        if let Some(hint) = parts.first() {
            assert_eq!(status(origin, &hint.uri).0, 0, "what is announced is waited for");
            self.hint = Some(hint.uri.clone());
        }
    }

    fn check_delta(&self, origin: &mut Origin, name: &str, list: &ReadMedia) {
        let delta = media(origin, name, "_HLS_skip=YES").unwrap();
        let skipped = delta.skip.as_ref().map_or(0, |it| it.segments) as usize;
        assert_eq!(skipped + delta.segments.len(), list.segments.len());
        assert_eq!(delta.open_parts.len(), list.open_parts.len());
        let said = |it: &ReadSegment| (it.sequence, it.uri.clone(), it.duration);
        for (whole, part) in list.segments[skipped..].iter().zip(&delta.segments) {
            assert_eq!(said(whole), said(part));
        }
        let kept: Duration = delta.segments.iter().map(|it| it.duration).sum();
        assert!(skipped == 0 || kept >= Duration::from_secs(6 * list.target_duration));
    }

    /// Delta updates without old date ranges, one after the other, make the whole.
    fn check_date_ranges(&mut self, origin: &mut Origin, name: &str, list: &ReadMedia) {
        let delta = media(origin, name, "_HLS_skip=v2").unwrap();
        let has = self.before.as_ref().map_or(0, end_of);
        let update = match delta.skip {
            // A player that does not know all segments that are left out asks for all again.
            Some(skip) if list.media_sequence + skip.segments <= has => {
                assert_eq!(delta.version, 10);
                skip.removed_date_ranges.iter().for_each(|id| drop(self.date_ranges.remove(id)));
                delta.date_ranges
            }
            _ => {
                self.date_ranges.clear();
                list.date_ranges.clone()
            }
        };
        let told = |it: &ReadDateRange| {
            let mut range = it.clone();
            range.line = 0;
            (it.id.clone(), range)
        };
        self.date_ranges.extend(update.iter().map(told));
        assert_eq!(self.date_ranges, list.date_ranges.iter().map(told).collect());
        let control = &list.server_control;
        let ever = !self.date_ranges.is_empty() && control.can_skip_until.is_some();
        assert!(control.can_skip_date_ranges || !ever);
    }
}

fn check_update(before: &ReadMedia, list: &ReadMedia) {
    assert!(list.media_sequence >= before.media_sequence);
    assert!(list.discontinuity_sequence >= before.discontinuity_sequence);
    let (was, is) = (end_of(before), end_of(list));
    assert!(is >= was, "segments were taken back");
    assert!(is > was || list.open_parts.len() >= before.open_parts.len(), "parts were taken back");
}

/// §4.4.4.6: dates never go back, and within a timeline they follow from the durations.
fn check_dates(first: &ReadSegment, second: &ReadSegment, target: u64, follows: bool) {
    let (from, to) = (first.program_date_time.unwrap(), second.program_date_time.unwrap());
    let off = to - from - first.duration.as_millis() as i64;
    let breaks = second.discontinuity > first.discontinuity;
    // A picture that lasts longer than a segment may is told as long as a segment may be.
    let limit = target as i64 * 1000 + 500;
    let longest = first.duration.as_millis() as i64 >= limit - 100;
    // A rendition that follows lacks the rest of a segment in which it stopped, which ends with a picture of the leading
    // one: those are up to a second and a half long.
    let lacks = follows && (0..limit + 1500).contains(&off);
    assert!(
        off.abs() <= 2 || (breaks || longest) && off > 0 || lacks,
        "{off} ms between {first:?} and {second:?}"
    );
}

/// A player that always waits for what comes next.
#[derive(Default)]
struct Player {
    waiting: Option<(Waiter, i64, u64, usize)>,
    generation: u64,
}

impl Player {
    fn play(&mut self, publisher: &mut Publisher, name: &str) {
        let now = publisher.wall / 1000;
        let Some((waiter, since, sequence, part)) = self.waiting.take() else {
            return self.ask(&mut publisher.origin, name, now);
        };
        if publisher.origin.generation() == self.generation {
            let manner = publisher.manner;
            let plain = manner.gop * manner.picture < 10_000_000 && manner.mute.is_none();
            let undisturbed = plain && since > publisher.disturbed + 30_000;
            let patience = waiter.patience().as_millis() as i64;
            assert!(!undisturbed || now - since <= patience, "{waiter:?}: {} ms", now - since);
            self.waiting = Some((waiter, since, sequence, part));
            return;
        }
        self.generation = publisher.origin.generation();
        match publisher.origin.retry(waiter) {
            Answer::Wait(waiter) => self.waiting = Some((waiter, since, sequence, part)),
            Answer::Ready(reply) => {
                assert_eq!(reply.status, 200);
                let list = media(&mut publisher.origin, name, "").unwrap();
                let open = end_of(&list);
                assert!(open > sequence || open == sequence && list.open_parts.len() > part);
            }
        }
    }

    fn ask(&mut self, origin: &mut Origin, name: &str, now: i64) {
        if self.generation == origin.generation() {
            return;
        }
        let list = media(origin, name, "").filter(|it| it.part_target.is_some());
        let Some(list) = list else { return };
        let (open, part) = (end_of(&list), list.open_parts.len());
        self.generation = origin.generation();
        match origin.get(&request(name, &format!("_HLS_msn={open}&_HLS_part={part}"))) {
            Answer::Wait(waiter) => self.waiting = Some((waiter, now, open, part)),
            Answer::Ready(_) => panic!("{open}.{part} is not there yet"),
        }
    }
}

/// In a ladder the same number is the same time on the same timeline.
fn check_ladder(models: &[Model]) {
    let Some((lead, others)) = models.split_first() else { return };
    for other in others {
        let targets = |it: &Model| it.targets;
        assert!(targets(lead) == targets(other) || targets(other).is_none());
        for (sequence, (segment, _)) in &other.known {
            let Some((of_lead, _)) = lead.known.get(sequence) else { continue };
            assert_eq!(of_lead.discontinuity, segment.discontinuity, "{of_lead:?} and {segment:?}");
            let date = |it: &ReadSegment| it.program_date_time.unwrap();
            assert!(date(of_lead).abs_diff(date(segment)) < 5000, "{of_lead:?} and {segment:?}");
        }
    }
}

fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// `orderly`: how many steps there are, on average, from one misbehaviour to the next.
fn run(seed: u64, config: OriginConfig, tracks: (u8, u8), names: &[&str], orderly: i64) {
    let mut publisher = Publisher::new(seed, config, tracks.0, tracks.1);
    let mut models: Vec<Model> =
        (0..names.len()).map(|it| Model { follows: it > 0, ..Model::default() }).collect();
    let (mut player, mut log) = (Player::default(), vec![]);
    let end = publisher.wall + setting("LEVADA_MODEL_MINUTES", 10) * 60_000_000;
    // What went wrong is of use only with what led to it.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        while publisher.wall < end {
            let until = publisher.wall + 1_500_000;
            while publisher.wall < until {
                publisher.step();
                player.play(&mut publisher, names[0]);
            }
            for (name, model) in names.iter().zip(&mut models) {
                model.check(&mut publisher.origin, name, &config);
            }
            check_ladder(&models);
            if publisher.chance.below(orderly) == 0 {
                let what = publisher.misbehave();
                log.push((publisher.wall / 1000 - NOON, what));
            }
        }
        publisher.origin.finish().unwrap();
        for name in names {
            let list = media(&mut publisher.origin, name, "").unwrap();
            assert!(list.ended && list.hints.is_empty() && list.open_parts.is_empty());
            for segment in list.segments.iter().filter(|it| !it.gap) {
                assert_eq!(status(&mut publisher.origin, &segment.uri).0, 200);
            }
        }
    }));
    if let Err(panic) = outcome {
        let last = &log[log.len().saturating_sub(6)..];
        let at = publisher.wall / 1000 - NOON;
        println!("seed {seed} at {at} ms, {:?}, after {last:?}", publisher.manner);
        std::panic::resume_unwind(panic);
    }
}

fn config(container: Container, parts: bool) -> OriginConfig {
    let mut config = OriginConfig::default();
    config.segmenter.container = container;
    config.segmenter.part = parts.then_some(Duration::from_millis(500));
    config
}

fn seeds() -> std::ops::Range<u64> {
    0..setting("LEVADA_MODEL_SEEDS", 2) as u64
}

#[test]
fn a_picture_and_a_sound() {
    for seed in seeds() {
        run(seed, config(Container::Fmp4, true), (1, 1), &["main.m3u8"], 20);
        run(seed, config(Container::Fmp4, false), (1, 1), &["main.m3u8"], 5);
        run(seed, config(Container::Ts, true), (1, 1), &["main.m3u8"], 10);
        run(seed, config(Container::Ts, false), (1, 1), &["main.m3u8"], 40);
    }
}

#[test]
fn pictures_or_sound_alone() {
    for seed in seeds() {
        run(seed, config(Container::Fmp4, true), (1, 0), &["main.m3u8"], 10);
        run(seed, config(Container::Fmp4, true), (0, 1), &["main.m3u8"], 10);
        run(seed, config(Container::Ts, false), (1, 0), &["main.m3u8"], 10);
        run(seed, config(Container::Ts, false), (0, 1), &["main.m3u8"], 10);
    }
}

#[test]
fn a_ladder() {
    let names = ["v0.m3u8", "v1.m3u8", "a0.m3u8"];
    for seed in seeds() {
        run(seed, config(Container::Fmp4, true), (2, 1), &names, 10);
        run(seed, config(Container::Ts, false), (2, 1), &names, 20);
        run(seed, config(Container::Fmp4, false), (1, 2), &["v0.m3u8", "a0.m3u8", "a1.m3u8"], 5);
    }
}
