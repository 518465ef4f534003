use alloc::vec;

use bytes::Bytes;
use levada_media::{
    AudioCodec, AudioParams, CodecParams, RandomAccess, Timescale, VideoCodec, VideoParams,
};
use proptest::prelude::*;

use super::*;
use crate::Container;
use crate::read::rounded;
use crate::segment::{Opening, Part, Segment};

const NOON: i64 = 1_772_366_400_000;

/// Feeds a segmenter and keeps what it makes.
struct Publisher {
    segmenter: Segmenter,
    unix_ms: i64,
    inits: Vec<Init>,
    parts: Vec<Part>,
    openings: Vec<Opening>,
    segments: Vec<Segment>,
    sent: u64,
}

fn video(config: &'static [u8]) -> Track {
    let mut params = VideoParams::new(VideoCodec::Avc, Bytes::from_static(config));
    (params.width, params.height) = (640, 360);
    Track::new(TrackId::video(0), Timescale::MILLIS, CodecParams::Video(params))
}

fn audio() -> Track {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
    Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params))
}

/// An `AVCDecoderConfigurationRecord` with one SPS and one PPS.
const AVCC: &[u8] = &[
    1, 66, 0xC0, 30, 0xFF, 0xE1, 0, 8, 0x67, 66, 0xC0, 30, 0xDA, 2, 0x80, 0xBF, 1, 0, 4, 0x68,
    0xCE, 0x3C, 0x80,
];
const OTHER_AVCC: &[u8] = &[
    1, 66, 0xC0, 31, 0xFF, 0xE1, 0, 8, 0x67, 66, 0xC0, 31, 0xDA, 2, 0x80, 0xBF, 1, 0, 4, 0x68,
    0xCE, 0x3C, 0x80,
];

impl Publisher {
    fn new(config: SegmenterConfig) -> Self {
        Self {
            segmenter: Segmenter::new(config),
            unix_ms: NOON,
            inits: vec![],
            parts: vec![],
            openings: vec![],
            segments: vec![],
            sent: 0,
        }
    }

    fn push(&mut self, event: MediaEvent) {
        self.segmenter.push(event, self.unix_ms).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.segmenter.next_output() {
            match output {
                Output::Init(it) => self.inits.push(it),
                Output::Open(it) => self.openings.push(it),
                Output::Part(it) => self.parts.push(it),
                Output::Segment(it) => self.segments.push(it),
            }
        }
    }

    fn video(&mut self, ms: i64, key: bool) {
        let mut frame = Frame::new(TrackId::video(0), Ticks(ms), self.payload());
        if key {
            frame.facts.random_access = RandomAccess::Instant;
        }
        self.push(MediaEvent::Frame(frame));
    }

    fn audio(&mut self, ms: i64) {
        let frame = Frame::new(TrackId::audio(0), Ticks(ms), self.payload());
        self.push(MediaEvent::Frame(frame));
    }

    fn payload(&mut self) -> Bytes {
        self.sent += 1;
        let number = self.sent.to_be_bytes();
        // One NAL unit, a slice that nothing refers to.
        Bytes::from([&[0, 0, 0, 9, 1], &number[..]].concat())
    }

    /// `seconds` of 30 frames a second with a keyframe every `gop` frames, and sound if there is a track for it.
    fn stream(&mut self, from_ms: i64, seconds: i64, gop: i64) {
        let has_audio = self.segmenter.lanes.iter().any(|it| it.track.id.kind == MediaKind::Audio);
        let mut sound = 0;
        for n in 0..seconds * 30 {
            let at = (n * 1000 + 15) / 30;
            while has_audio && (sound * 1024 + 24) / 48 <= at {
                self.audio(from_ms + (sound * 1024 + 24) / 48);
                sound += 1;
            }
            self.unix_ms = NOON + at;
            self.video(from_ms + at, n % gop == 0);
        }
    }

    fn finish(&mut self) {
        self.segmenter.finish().unwrap();
        self.drain();
    }

    fn durations(&self) -> Vec<u128> {
        self.segments.iter().map(|it| it.duration.as_millis()).collect()
    }

    /// The numbers of the frames in the segments, sorted.
    fn published(&self) -> Vec<u64> {
        let pieces = self.segments.iter().map(Segment::body);
        let mut numbers: Vec<u64> = pieces
            .flat_map(|it| it.iter().filter(|it| it.len() == 13).cloned().collect::<Vec<_>>())
            .map(|it| u64::from_be_bytes(it[5..].try_into().unwrap()))
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

fn publish(config: SegmenterConfig, tracks: &[Track]) -> Publisher {
    let mut publisher = Publisher::new(config);
    tracks.iter().for_each(|it| publisher.push(MediaEvent::Track(it.clone())));
    publisher
}

#[test]
fn a_regular_stream() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    publisher.stream(5000, 9, 60);
    publisher.finish();
    assert_eq!(publisher.durations(), [2000, 2000, 2000, 2000, 1001]);
    assert_eq!(publisher.segmenter.target_duration(), Some(2));
    assert_eq!(publisher.inits.len(), 1);
    assert!(publisher.segments.iter().all(|it| it.opening.independent
        && !it.opening.discontinuity
        && it.opening.init == Some(0)));
    assert_eq!(
        publisher.segments.iter().map(|it| it.opening.sequence).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    let dates: Vec<_> =
        publisher.segments.iter().map(|it| it.opening.program_date_time - NOON).collect();
    assert_eq!(dates, [0, 2000, 4000, 6000, 8000]);
    assert_eq!(publisher.published(), (1..=publisher.sent).collect::<Vec<_>>(), "every frame once");
}

#[test]
fn parts_add_up_to_their_segment_and_keep_the_rules() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    publisher.stream(0, 8, 60);
    publisher.finish();
    // How long the very last frame lasts is a guess.
    for segment in &publisher.segments[..3] {
        let parts = &segment.parts;
        assert_eq!(parts.iter().map(|it| it.duration).sum::<Duration>(), segment.duration);
        assert_eq!(
            parts.iter().map(|it| it.independent).collect::<Vec<_>>(),
            [true, false, false, false, false][..parts.len()]
        );
        assert!(parts.iter().all(|it| it.duration <= Duration::from_millis(500)));
        assert!(parts.iter().rev().skip(1).all(|it| it.duration >= Duration::from_millis(425)));
        let listed = publisher.parts.iter().filter(|it| it.sequence == segment.opening.sequence);
        assert_eq!(
            listed.map(|it| it.index).collect::<Vec<_>>(),
            (0..parts.len() as u32).collect::<Vec<_>>()
        );
    }
}

#[test]
fn keyframes_set_the_length_of_segments() {
    for (gop, expected, target) in [
        (30, vec![2000, 2000, 2000, 2000, 2000, 2001], 2),
        (90, vec![3000, 3000, 3000, 3001], 3),
        (48, vec![3200, 3200, 3200, 2401], 3),
    ] {
        let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC)]);
        publisher.stream(0, 12, gop);
        publisher.finish();
        assert_eq!(publisher.durations(), expected, "every {gop} frames");
        assert_eq!(publisher.segmenter.target_duration(), Some(target));
    }
}

#[test]
fn no_keyframe_for_a_while_breaks_no_promise() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC)]);
    publisher.stream(0, 4, 60);
    for n in 1..600 {
        publisher.video(4000 + (n * 1000 + 15) / 30 - 33, false);
    }
    publisher.video(24_000, true);
    publisher.finish();
    let longest = publisher.durations().into_iter().max().unwrap();
    assert!((2400..2500).contains(&longest), "{longest}");
    assert_eq!(publisher.segmenter.target_duration(), Some(2));
    assert!(publisher.segments.iter().any(|it| !it.opening.independent));
    assert_eq!(publisher.published().len(), 120 + 600);
}

#[test]
fn a_stream_without_sound_starts_when_it_waited_long_enough() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    for n in 0..30 {
        publisher.video(n * 33, n == 0);
    }
    assert!(publisher.inits.is_empty());
    publisher.unix_ms += 1000;
    publisher.video(990, false);
    assert_eq!(publisher.inits.len(), 1);
}

#[test]
fn audio_only() {
    let mut publisher = publish(SegmenterConfig::default(), &[audio()]);
    for n in 0..470 {
        publisher.audio(70_000 + (n * 1024 + 24) / 48);
    }
    publisher.finish();
    let durations = publisher.durations();
    assert!(durations[..4].iter().all(|it| (1980..2020).contains(it)), "{durations:?}");
    let total: Duration = publisher.segments.iter().map(|it| it.duration).sum();
    assert_eq!(total.as_micros(), (470 * 1024 * 1000 + 24) / 48);
    assert_eq!(publisher.published().len(), 470);
}

#[test]
fn a_restarted_encoder_is_one_discontinuity() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    publisher.stream(90_000, 5, 60);
    publisher.push(MediaEvent::Track(video(AVCC)));
    publisher.push(MediaEvent::Track(audio()));
    publisher.stream(0, 4, 60);
    publisher.finish();
    let marks: Vec<_> = publisher.segments.iter().map(|it| it.opening.discontinuity).collect();
    assert_eq!(marks, [false, false, false, true, false]);
    assert_eq!(publisher.durations(), [2000, 2000, 1001, 2000, 2001]);
    let dates: Vec<_> =
        publisher.segments.iter().map(|it| it.opening.program_date_time - NOON).collect();
    assert_eq!(
        dates,
        [0, 2000, 4000, 5001, 7001],
        "dates go on, although the wall clock went back"
    );
}

#[test]
fn of_sound_only_what_was_before_the_first_picture_is_left_out() {
    let config = SegmenterConfig { part: None, ..SegmenterConfig::default() };
    let mut publisher = Publisher::new(config);
    publisher.push(MediaEvent::Track(video(AVCC)));
    publisher.push(MediaEvent::Track(audio()));
    let first = 0x1234_5678_0000_0001; // A payload that stands in no box.
    publisher.sent = first - 1;
    publisher.audio(0);
    publisher.video(23, true);
    for frame in 1..20 {
        publisher.audio((frame * 1024 + 24) / 48);
        publisher.video(23 + frame * 33, false);
    }
    publisher.segmenter.finish().unwrap();
    publisher.drain();
    let body = publisher.segments[0].body().join();
    let has = |number: u64| body.windows(8).any(|it| it == number.to_be_bytes());
    let missing: Vec<u64> = (first..=publisher.sent).filter(|&it| !has(it)).collect();
    assert_eq!(missing, [first, first + 2], "sound of 0 and 21 ms");
}

#[test]
fn another_codec_is_a_new_init_section_and_a_discontinuity() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    publisher.stream(0, 4, 60);
    publisher.push(MediaEvent::Track(video(OTHER_AVCC)));
    publisher.stream(4000, 4, 60);
    publisher.finish();
    let facts: Vec<_> =
        publisher.segments.iter().map(|it| (it.opening.init, it.opening.discontinuity)).collect();
    assert_eq!(facts, [(Some(0), false), (Some(0), false), (Some(1), true), (Some(1), false)]);
    assert_eq!(publisher.inits.len(), 2);
}

#[test]
fn a_late_track_joins_where_a_segment_begins() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC)]);
    publisher.stream(0, 5, 60);
    publisher.push(MediaEvent::Track(audio()));
    publisher.stream(5000, 5, 60);
    publisher.finish();
    let facts: Vec<_> =
        publisher.segments.iter().map(|it| (it.opening.init, it.opening.discontinuity)).collect();
    assert_eq!(facts[..4], [(Some(0), false), (Some(0), false), (Some(0), false), (Some(1), true)]);
    assert_eq!(publisher.inits.len(), 2);
}

#[test]
fn sound_goes_on_when_the_picture_stops() {
    let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC), audio()]);
    publisher.stream(0, 4, 60);
    for n in 0..470 {
        publisher.audio(4011 + (n * 1024 + 24) / 48);
    }
    assert!(publisher.segments.len() >= 5, "{:?}", publisher.durations());
    publisher.stream(14_035, 4, 60);
    publisher.finish();
    assert!(
        publisher.segments.iter().all(|it| rounded(it.duration) <= 2),
        "{:?}",
        publisher.durations()
    );
}

#[test]
fn transport_streams_have_no_init_section() {
    let config = SegmenterConfig { container: Container::Ts, ..SegmenterConfig::default() };
    let mut publisher = publish(config, &[video(AVCC), audio()]);
    publisher.stream(0, 4, 60);
    publisher.finish();
    assert_eq!(publisher.durations(), [2000, 2001]);
    assert!(publisher.inits.is_empty());
    for segment in &publisher.segments {
        let body = segment.body().join();
        assert_eq!((body.len() % 188, segment.opening.init), (0, None));
        assert_eq!(
            (body[0], u16::from_be_bytes([body[1], body[2]]) & 0x1FFF),
            (0x47, 0),
            "the PAT comes first"
        );
    }
}

#[test]
fn out_03_a_segment_is_cut_at_its_limit_of_bytes() {
    let mut config = SegmenterConfig::default();
    config.limits.bytes = 1000;
    let mut publisher = publish(config, &[video(AVCC)]);
    publisher.stream(0, 8, 10_000);
    publisher.finish();
    assert!(publisher.segments.iter().all(|it| {
        it.parts.iter().flat_map(|it| it.body.iter()).filter(|it| it.len() == 13).count() <= 125
    }));
    assert_eq!(publisher.published().len(), 240);
}

#[derive(Clone, Debug)]
enum Act {
    Stream { seconds: i64, gop: i64 },
    Jump(i64),
    Codec,
    Freeze(i64),
    Slow(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1_i64..9, 1_i64..200).prop_map(|(seconds, gop)| Act::Stream { seconds, gop }),
        1 => (-100_000_i64..100_000).prop_map(Act::Jump),
        1 => Just(Act::Codec),
        1 => (0_i64..20_000).prop_map(Act::Freeze),
        1 => (30_i64..900).prop_map(Act::Slow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_published_keeps_every_promise(acts in proptest::collection::vec(act(), 1..12), with_audio: bool) {
        let mut publisher = publish(SegmenterConfig::default(), &[video(AVCC)]);
        if with_audio {
            publisher.push(MediaEvent::Track(audio()));
        }
        let (mut at, mut other) = (1_000_000, false);
        for act in acts {
            match act {
                Act::Stream { seconds, gop } => {
                    publisher.stream(at, seconds, gop);
                    at += seconds * 1000;
                }
                Act::Jump(by) => at = (at + by).max(0),
                Act::Codec => {
                    other = !other;
                    publisher.push(MediaEvent::Track(video(if other { OTHER_AVCC } else { AVCC })));
                }
                Act::Freeze(by) => at += by,
                Act::Slow(step) => for n in 0..20 {
                    publisher.video(at, n % 5 == 0);
                    at += step;
                },
            }
        }
        publisher.finish();
        let Some(target) = publisher.segmenter.target_duration() else { return Ok(()) };
        let part_target = Duration::from_millis(500);
        let mut date = 0;
        for (index, segment) in publisher.segments.iter().enumerate() {
            prop_assert_eq!(segment.opening.sequence, index as u64);
            prop_assert!(rounded(segment.duration) <= target, "{:?} against {}", segment.duration, target);
            prop_assert!(segment.opening.program_date_time >= date, "dates go back");
            date = segment.opening.program_date_time;
            prop_assert!(!segment.is_empty());
            let (last, rest) = segment.parts.split_last().unwrap();
            prop_assert!(last.duration <= part_target);
            for part in rest {
                prop_assert!(part.duration <= part_target);
                prop_assert!(part.duration * 100 >= part_target * 85, "{:?}", part.duration);
            }
        }
        let published = publisher.published();
        let openings: Vec<_> = publisher.segments.iter().map(|it| it.opening).collect();
        prop_assert_eq!(&publisher.openings, &openings, "what was said at the beginning holds at the end");
        prop_assert!(published.windows(2).all(|pair| pair[0] < pair[1]), "no frame twice");
    }
}
