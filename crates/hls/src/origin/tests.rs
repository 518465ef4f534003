use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;

use bytes::Bytes;
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, RandomAccess, Ticks, VideoCodec, VideoParams,
};

use super::*;
use crate::{Container, ReadMedia, ReadMultivariant, ReadPlaylist, Variables, read_playlist};

const NOON: i64 = 1_772_366_400_000;
const AVCC: &[u8] = &[
    1, 66, 0xC0, 30, 0xFF, 0xE1, 0, 8, 0x67, 66, 0xC0, 30, 0xDA, 2, 0x80, 0xBF, 1, 0, 4, 0x68,
    0xCE, 0x3C, 0x80,
];

fn video(number: u8) -> Track {
    let mut params = VideoParams::new(VideoCodec::Avc, Bytes::from_static(AVCC));
    (params.width, params.height) = (1920 >> number, 1080 >> number);
    params.rfc6381 = "avc1.42c01e".to_owned();
    Track::new(TrackId::video(number), Timescale::MILLIS, CodecParams::Video(params))
}

fn audio(number: u8) -> Track {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
    params.rfc6381 = "mp4a.40.2".to_owned();
    Track::new(TrackId::audio(number), Timescale::MILLIS, CodecParams::Audio(params))
}

/// A publisher of 30 pictures a second, whose keyframes are two seconds apart, and of sound.
struct Live {
    origin: Origin,
    videos: u8,
    audios: u8,
    picture: i64,
    sound: i64,
    bytes: usize,
}

impl Live {
    fn new(config: OriginConfig, videos: u8, audios: u8) -> Self {
        let mut live =
            Self { origin: Origin::new(config), videos, audios, picture: 0, sound: 0, bytes: 1000 };
        for track in (0..videos).map(video).chain((0..audios).map(audio)) {
            live.origin.push(MediaEvent::Track(track), NOON).unwrap();
        }
        live
    }

    fn now(&self) -> i64 {
        (self.picture * 1000 + 15) / 30
    }

    /// One picture of every video track, and the sound before it.
    fn step(&mut self, from: i64) {
        let at = self.now();
        while (self.sound * 1024 + 24) / 48 <= at {
            for number in 0..self.audios {
                let dts = Ticks(from + (self.sound * 1024 + 24) / 48);
                let frame = Frame::new(TrackId::audio(number), dts, Bytes::from(vec![7; 300]));
                self.origin.push(MediaEvent::Frame(frame), NOON + at).unwrap();
            }
            self.sound += 1;
        }
        for number in 0..self.videos {
            let mut frame = Frame::new(
                TrackId::video(number),
                Ticks(from + at),
                Bytes::from(vec![number; self.bytes]),
            );
            if self.picture % 60 == 0 {
                frame.facts.random_access = RandomAccess::Instant;
            }
            self.origin.push(MediaEvent::Frame(frame), NOON + at).unwrap();
        }
        self.picture += 1;
    }

    fn run(&mut self, seconds: i64) {
        (0..seconds * 30).for_each(|_| self.step(0));
    }

    fn get(&mut self, name: &str, query: &str) -> Answer {
        self.origin.get(&Request { name, query, range: None })
    }

    fn ready(&mut self, name: &str) -> Reply {
        match self.get(name, "") {
            Answer::Ready(reply) => reply,
            Answer::Wait(waiter) => panic!("{name} has to wait: {waiter:?}"),
        }
    }

    fn text(&mut self, name: &str) -> String {
        let reply = self.ready(name);
        assert_eq!((reply.status, reply.content_type), (200, PLAYLIST_TYPE), "{name}");
        String::from_utf8(reply.body.join().to_vec()).unwrap()
    }

    fn media(&mut self, name: &str) -> ReadMedia {
        let text = self.text(name);
        match read_playlist(&text, &Variables::default()) {
            Ok(ReadPlaylist::Media(list)) => {
                assert_eq!(list.violations, [], "{text}");
                list
            }
            other => panic!("{other:?}"),
        }
    }

    fn index(&mut self) -> ReadMultivariant {
        let text = self.text(INDEX);
        match read_playlist(&text, &Variables::default()) {
            Ok(ReadPlaylist::Multivariant(list)) => {
                assert_eq!(list.violations, [], "{text}");
                list
            }
            other => panic!("{other:?}"),
        }
    }
}

fn status(answer: Answer) -> u16 {
    match answer {
        Answer::Ready(reply) => reply.status,
        Answer::Wait(_) => 0,
    }
}

/// Sound without a configuration record (MP3, AC-3) is announced by its first frame, behind pictures.
#[test]
fn a_track_that_comes_with_its_first_frame_is_in_the_first_segment() {
    for container in [Container::Fmp4, Container::Ts] {
        let mut config = OriginConfig::default();
        config.segmenter.container = container;
        let mut live = Live::new(config, 1, 0);
        (0..6).for_each(|_| live.step(0));
        live.origin.push(MediaEvent::Track(audio(0)), NOON + 200).unwrap();
        (live.audios, live.sound) = (1, 9);
        live.run(7);
        let index = live.index();
        assert_eq!(index.variants[0].codecs, "avc1.42c01e,mp4a.40.2");
        let list = live.media("main.m3u8");
        assert_eq!(list.segments.len(), 3);
        let first = &list.segments[0];
        assert!(list.segments.iter().all(|it| it.discontinuity == 0 && it.map == first.map));
    }
}

#[test]
fn a_stream_from_its_index_to_its_bytes() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(7);
    let index = live.index();
    let [variant] = &index.variants[..] else { panic!("{index:?}") };
    assert_eq!(
        (variant.uri.as_str(), variant.codecs.as_str()),
        ("main.m3u8", "avc1.42c01e,mp4a.40.2")
    );
    assert_eq!((variant.resolution, variant.frame_rate.as_str()), (Some((1920, 1080)), "30.000"));
    // 30 pictures of 1,000 bytes and 46.875 sounds of 300, and what the boxes cost.
    let payload = (30 * 1000 + 300 * 46) * 8;
    assert!((payload..payload * 11 / 10).contains(&variant.bandwidth), "{}", variant.bandwidth);

    let list = live.media("main.m3u8");
    assert_eq!((list.segments.len(), list.target_duration), (3, 2));
    let init = live.ready(&list.segments[0].map.as_ref().unwrap().uri);
    assert_eq!((init.content_type, &init.body.join()[4..8]), ("video/mp4", &b"ftyp"[..]));
    // The first begins 6.5 s before the end: its parts are not listed any more.
    assert_eq!(list.segments.iter().map(|it| it.parts.len()).collect::<Vec<_>>(), [0, 4, 4]);
    for segment in &list.segments[1..] {
        let whole = live.ready(&segment.uri).body.join();
        let parts: Vec<u8> =
            segment.parts.iter().flat_map(|it| live.ready(&it.uri).body.join().to_vec()).collect();
        assert!(whole == parts, "a segment is its parts");
    }
}

#[test]
fn every_listed_thing_can_be_had_and_what_left_is_gone_after_a_while() {
    let config = OriginConfig {
        window: Window::Sliding(Duration::from_secs(10)),
        hand_over: true,
        ..OriginConfig::default()
    };
    let mut live = Live::new(config, 1, 1);
    let mut handed = vec![];
    for second in 0..60 {
        live.run(1);
        while let Some(departed) = live.origin.next_departed() {
            handed.push(departed.segment.opening.sequence);
        }
        if second < 3 {
            continue;
        }
        let list = live.media("main.m3u8");
        for segment in &list.segments {
            assert_eq!(live.ready(&segment.uri).status, 200);
        }
        for part in list.segments.iter().flat_map(|it| &it.parts).chain(&list.open_parts) {
            assert_eq!(live.ready(&part.uri).status, 200);
        }
        // A segment that has just left can still be had, and then not.
        let first = list.media_sequence;
        assert!(first < 1 || live.ready(&format!("main-{}.m4s", first - 1)).status == 200);
        assert!(first < 4 || live.ready(&format!("main-{}.m4s", first - 4)).status == 404);
    }
    assert!(handed.len() >= 20 && handed.windows(2).all(|it| it[0] + 1 == it[1]), "{handed:?}");
}

/// The memory of a DVR window is that of its media, and at most 5 % more.
#[test]
fn an_hour_costs_its_media() {
    let config = OriginConfig {
        window: Window::Sliding(Duration::from_secs(3600)),
        ..OriginConfig::default()
    };
    let counted = |bytes: usize| {
        let mut frames = 0;
        let counted = levada_test::allocations(|| {
            let mut live = Live::new(config, 1, 1);
            live.bytes = bytes;
            live.run(3600);
            frames = live.picture;
            assert_eq!(live.media("main.m3u8").segments.len(), 1799);
        });
        (counted.peak_bytes, frames)
    };
    // 6 Mbit/s are 25,000 bytes a picture. The payload of one byte shows what an hour costs beside its media.
    let (overhead, frames) = counted(1);
    let media = u64::try_from(frames).unwrap() * 25_000;
    assert!(overhead * 20 <= media, "{overhead} bytes beside {media}");
}

#[test]
fn blocking_reload_waits_for_its_part() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(5);
    let list = live.media("main.m3u8");
    let open = list.media_sequence + list.segments.len() as u64;
    let next = list.open_parts.len();
    let query = format!("_HLS_msn={open}&_HLS_part={next}");
    let Answer::Wait(mut waiter) = live.get("main.m3u8", &query) else { panic!() };
    let hint = list.hints[0].uri.clone();
    let Answer::Wait(mut hinted) = live.get(&hint, "") else {
        panic!("a hinted part is waited for")
    };
    assert_eq!((live.origin.waiting(), waiter.patience()), (2, Duration::from_secs(6)));
    let mut generation = live.origin.generation();
    let mut steps = 0;
    loop {
        live.step(0);
        steps += 1;
        if live.origin.generation() == generation {
            continue;
        }
        generation = live.origin.generation();
        match live.origin.retry(hinted) {
            Answer::Ready(reply) => {
                assert_eq!(reply.status, 200);
                break;
            }
            Answer::Wait(again) => hinted = again,
        }
    }
    assert!(steps <= 16, "{steps} pictures until the part was there");
    loop {
        match live.origin.retry(waiter) {
            Answer::Ready(reply) => {
                let text = String::from_utf8(reply.body.join().to_vec()).unwrap();
                assert!(text.contains(&format!("URI=\"{hint}\"")), "{text}");
                assert_eq!(reply.max_age, Duration::from_secs(12));
                break;
            }
            Answer::Wait(again) => waiter = again,
        }
    }
    assert_eq!(live.origin.waiting(), 0);
}

#[test]
fn out_08_bad_directives_are_refused_at_once() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(5);
    for query in [
        "_HLS_msn=18446744073709551615",
        "_HLS_msn=-1",
        "_HLS_msn=abc",
        "_HLS_msn=1&_HLS_msn=1",
        "_HLS_part=0",
        "_HLS_msn=99&_HLS_part=0",
        "_HLS_msn=2&_HLS_part=99",
    ] {
        assert_eq!(status(live.get("main.m3u8", query)), 400, "{query}");
    }
    assert_eq!(live.origin.waiting(), 0);
}

#[test]
fn out_09_only_so_many_wait() {
    let mut live = Live::new(OriginConfig { waiting: 3, ..OriginConfig::default() }, 1, 1);
    live.run(5);
    let mut waiters = vec![];
    for _ in 0..3 {
        match live.get("main.m3u8", "_HLS_msn=3") {
            Answer::Wait(waiter) => waiters.push(waiter),
            Answer::Ready(reply) => panic!("{reply:?}"),
        }
    }
    assert_eq!(status(live.get("main.m3u8", "_HLS_msn=3")), 503);
    let reply = live.origin.give_up(waiters.pop().unwrap());
    assert_eq!((reply.status, reply.retry_after), (503, Some(Duration::from_secs(1))));
    assert_eq!(status(live.get("main.m3u8", "_HLS_msn=3")), 0);
}

#[test]
fn out_10_htp_02_what_was_never_made_is_not_found() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(5);
    for name in [
        "",
        ".m3u8",
        "other.m3u8",
        "main-99.m4s",
        "main-18446744073709551615.m4s",
        "main-0.99.m4s",
        "main-2.77.m4s",
        "main-init9.mp4",
        "../main.m3u8",
        "main-0.ts",
        "v0.m3u8",
    ] {
        assert_eq!(status(live.get(name, "")), 404, "{name}");
    }
    let ranged =
        live.origin.get(&Request { name: "main-0.m4s", query: "", range: Some("bytes=99999999-") });
    assert_eq!(status(ranged), 416);
}

#[test]
fn the_first_request_waits_for_the_first_segment() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    let Answer::Wait(mut index) = live.get(INDEX, "") else { panic!() };
    let Answer::Wait(playlist) = live.get("main.m3u8", "") else { panic!() };
    let mut at = 0;
    while let Answer::Wait(again) = live.origin.retry(index) {
        index = again;
        live.step(0);
        at = live.now();
    }
    assert!((2000..2100).contains(&at), "{at} ms");
    assert_eq!(status(live.origin.retry(playlist)), 200);
}

#[test]
fn the_end_releases_everybody() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(5);
    let Answer::Wait(waiter) = live.get("main.m3u8", "_HLS_msn=3") else { panic!() };
    let generation = live.origin.generation();
    live.origin.finish().unwrap();
    assert_ne!(live.origin.generation(), generation);
    let Answer::Ready(reply) = live.origin.retry(waiter) else { panic!() };
    assert!(reply.body.join().ends_with(b"#EXT-X-ENDLIST\n"));
    assert_eq!(status(live.get("main.m3u8", "_HLS_msn=77&_HLS_part=3")), 200);

    let mut never = Live::new(OriginConfig::default(), 1, 1);
    never.origin.finish().unwrap();
    assert_eq!(status(never.get(INDEX, "")), 404);
}

#[test]
fn numbers_go_on_after_a_restart() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(9);
    let (sequence, discontinuity) = live.origin.resume_at().unwrap();
    assert_eq!((sequence, discontinuity), (5, 0), "the open segment's number was published");
    let mut config = OriginConfig { first_discontinuity: discontinuity, ..OriginConfig::default() };
    (config.segmenter.first_sequence, config.segmenter.resumed) = (sequence, true);
    let mut live = Live::new(config, 1, 1);
    live.run(5);
    let list = live.media("main.m3u8");
    assert_eq!((list.media_sequence, list.discontinuity_sequence), (5, 0));
    assert_eq!(list.segments.iter().map(|it| it.discontinuity).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn several_tracks_become_a_ladder() {
    let mut live = Live::new(OriginConfig::default(), 2, 2);
    live.run(9);
    let index = live.index();
    let rows: Vec<_> = index
        .variants
        .iter()
        .map(|it| (it.uri.as_str(), it.codecs.as_str(), it.resolution))
        .collect();
    assert_eq!(
        rows,
        [
            ("v0.m3u8", "avc1.42c01e,mp4a.40.2", Some((1920, 1080))),
            ("v1.m3u8", "avc1.42c01e,mp4a.40.2", Some((960, 540))),
        ]
    );
    let sounds: Vec<_> =
        index.renditions.iter().map(|it| (it.uri.as_str(), it.name.as_str(), it.default)).collect();
    assert_eq!(sounds, [("a0.m3u8", "Audio 1", true), ("a1.m3u8", "Audio 2", false)]);
    let names = ["v0.m3u8", "v1.m3u8", "a0.m3u8", "a1.m3u8"];
    let lists: Vec<_> = names.iter().map(|it| live.media(it)).collect();
    for (name, list) in names.iter().zip(&lists) {
        assert_eq!(list.target_duration, 2);
        assert_eq!(list.segments.len(), 4, "{name}");
        for (segment, lead) in list.segments.iter().zip(&lists[0].segments) {
            assert_eq!(segment.sequence, lead.sequence);
            let apart = segment.duration.abs_diff(lead.duration);
            assert!(
                apart <= Duration::from_millis(22),
                "{name} {}: {:?}",
                segment.sequence,
                segment.duration
            );
            let dates = segment.program_date_time.unwrap() - lead.program_date_time.unwrap();
            assert!(dates.abs() <= 22, "{name}: {dates}");
        }
        // How far the others are is what they say themselves.
        let told: Vec<_> = list
            .reports
            .iter()
            .map(|it| (it.uri.as_str(), it.last_sequence.unwrap(), it.last_part.unwrap()))
            .collect();
        let others = names.iter().zip(&lists).filter(|(it, _)| *it != name);
        let expected: Vec<_> = others
            .map(|(name, list)| {
                (*name, list.segments.len() as u64, list.open_parts.len() as u64 - 1)
            })
            .collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn a_ladder_breaks_together() {
    let mut live = Live::new(OriginConfig::default(), 2, 1);
    live.run(5);
    live.picture = 0;
    live.sound = 0;
    (0..5 * 30).for_each(|_| live.step(500_000));
    live.origin.finish().unwrap();
    let lists: Vec<_> = ["v0.m3u8", "v1.m3u8", "a0.m3u8"].iter().map(|it| live.media(it)).collect();
    for list in &lists {
        let sequences: Vec<_> = list.segments.iter().map(|it| it.discontinuity).collect();
        assert_eq!(sequences, [0, 0, 0, 1, 1, 1]);
    }
}

#[test]
fn audio_tracks_alone_are_variants() {
    let mut live = Live::new(OriginConfig::default(), 0, 2);
    for _ in 0..300 {
        live.step(0);
    }
    let index = live.index();
    assert_eq!(
        index.variants.iter().map(|it| it.uri.as_str()).collect::<Vec<_>>(),
        ["a0.m3u8", "a1.m3u8"]
    );
    assert!(live.media("a0.m3u8").segments.len() >= 3);
}

#[test]
fn transport_streams_by_name_and_type() {
    let mut config = OriginConfig::default();
    (config.segmenter.container, config.segmenter.part) = (Container::Ts, None);
    let mut live = Live::new(config, 0, 1);
    for _ in 0..300 {
        live.step(0);
    }
    let list = live.media("main.m3u8");
    assert_eq!(list.version, 3);
    let reply = live.ready(&list.segments[0].uri);
    assert_eq!((reply.content_type, list.segments[0].uri.as_str()), ("video/mp2t", "main-0.ts"));
}

#[cfg(feature = "aes")]
#[test]
fn keys_rotate_and_init_sections_stay_plain() {
    for container in [Container::Fmp4, Container::Ts] {
        let mut config = OriginConfig {
            window: Window::Sliding(Duration::from_secs(10)),
            ..OriginConfig::default()
        };
        (config.segmenter.container, config.segmenter.part) = (container, None);
        let (videos, audios) = if container == Container::Ts { (0, 1) } else { (1, 1) };
        let mut live = Live::new(config, videos, audios);
        live.run(5);
        let mut keys = vec![];
        for number in 1_u8..12 {
            live.origin.set_key([number; 16]).unwrap();
            live.run(4);
            let list = live.media("main.m3u8");
            for segment in &list.segments {
                let body = live.ready(&segment.uri).body.join();
                let plain = match &segment.keys[..] {
                    [] => body,
                    [key] => {
                        let reply = live.ready(&key.uri);
                        assert_eq!(
                            (reply.content_type, reply.max_age),
                            ("application/octet-stream", Duration::ZERO)
                        );
                        let key: [u8; 16] = reply.body.join()[..].try_into().unwrap();
                        keys.push(key[0]);
                        crate::decrypt_segment(&body, &key, &crate::sequence_iv(segment.sequence))
                            .unwrap()
                    }
                    more => panic!("{more:?}"),
                };
                let expected: &[u8] =
                    if container == Container::Ts { &[0x47] } else { b"\0\0\0\x20styp" };
                assert!(plain.starts_with(expected), "{:?}", &plain[..12]);
                if let Some(map) = &segment.map {
                    assert_eq!(&live.ready(&map.uri).body.join()[4..8], b"ftyp");
                }
            }
        }
        keys.dedup();
        assert!(keys.contains(&1) && keys.contains(&11));
    }
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    assert_eq!(live.origin.set_key([0; 16]), Err(SegmentError::KeyWithParts));
}

#[test]
fn date_ranges_are_listed_in_every_rendition() {
    let mut live = Live::new(OriginConfig::default(), 2, 1);
    live.origin.set_date_range(DateRange::new("early", NOON + 1000));
    live.run(5);
    live.origin.set_date_range(DateRange::new("late", NOON + 4000));
    for name in ["v0.m3u8", "v1.m3u8", "a0.m3u8"] {
        let ids: Vec<_> = live.media(name).date_ranges.into_iter().map(|it| it.id).collect();
        assert_eq!(ids, ["early", "late"]);
    }
}

#[test]
fn a_rendition_that_ends_is_gaps_and_the_others_go_on() {
    let mut live = Live::new(OriginConfig::default(), 2, 1);
    live.run(4);
    live.videos = 1;
    live.run(16);
    let (lead, gone) = (live.media("v0.m3u8"), live.media("v1.m3u8"));
    assert!(gone.segments.len() + 3 >= lead.segments.len());
    for (ours, theirs) in gone.segments.iter().zip(&lead.segments) {
        assert_eq!(
            (ours.sequence, ours.discontinuity, ours.gap),
            (theirs.sequence, theirs.discontinuity, ours.sequence >= 2)
        );
        assert_eq!(live.ready(&ours.uri).status, if ours.gap { 404 } else { 200 });
    }
}

#[test]
fn another_codec_of_one_rendition_is_a_discontinuity_of_all() {
    let mut live = Live::new(OriginConfig::default(), 2, 1);
    live.run(6);
    let mut params = video(1).params.video().unwrap().clone();
    params.width = 320;
    let id = TrackId::video(1);
    let other = Track::new(id, Timescale::MILLIS, CodecParams::Video(params));
    live.origin.push(MediaEvent::Track(other), NOON).unwrap();
    live.run(8);
    live.origin.finish().unwrap();
    let lists: Vec<_> = ["v0.m3u8", "v1.m3u8", "a0.m3u8"].iter().map(|it| live.media(it)).collect();
    for list in &lists {
        let sequences: Vec<_> = list.segments.iter().map(|it| it.discontinuity).collect();
        assert_eq!(
            sequences,
            lists[0].segments.iter().map(|it| it.discontinuity).collect::<Vec<_>>()
        );
        assert_eq!(sequences.last(), Some(&1));
    }
}

/// Found by fuzzing: the target duration is that of the rendition that leads, however long others were by then.
#[test]
fn a_segment_of_before_the_target_duration_was_known_keeps_it() {
    let mut origin = Origin::new(OriginConfig::default());
    for track in [video(0), video(1), audio(0)] {
        origin.push(MediaEvent::Track(track), NOON).unwrap();
    }
    for (number, at) in [(0, 0), (1, 0), (1, 3000)] {
        let mut frame =
            Frame::new(TrackId::video(number), Ticks(at), Bytes::from_static(&[0, 0, 0, 1, 0x65]));
        frame.facts.random_access = RandomAccess::Instant;
        origin.push(MediaEvent::Frame(frame), NOON + at).unwrap();
    }
    origin.push(MediaEvent::End(TrackId::video(1)), NOON + 3000).unwrap();
    origin.finish().unwrap();
    let mut live = Live { origin, videos: 0, audios: 0, picture: 0, sound: 0, bytes: 0 };
    let list = live.media("v1.m3u8");
    let longest = list.segments.iter().map(|it| it.duration).max();
    assert_eq!((list.target_duration, longest), (2, Some(Duration::from_micros(2_499_999))));
}

/// §6.2.2. The shortest window, and segments shorter than the target duration: nothing is there for another reason.
#[test]
fn parts_can_be_had_for_three_target_durations_after_their_tags() {
    let mut config =
        OriginConfig { window: Window::Sliding(Duration::ZERO), ..OriginConfig::default() };
    config.segmenter.target_duration = Some(4);
    let mut live = Live::new(config, 1, 1);
    live.run(5);
    let (mut listed, mut gone) = (BTreeMap::new(), 0);
    for _ in 0..400 {
        (0..3).for_each(|_| live.step(0));
        let (now, list) = (live.now(), live.media("main.m3u8"));
        for part in list.segments.iter().flat_map(|it| &it.parts).chain(&list.open_parts) {
            listed.insert(part.uri.clone(), now);
        }
        for (uri, last) in &listed {
            let since = now - last;
            let is_there = live.ready(uri).status == 200;
            assert!(is_there || since > 12_000, "{uri} is gone after {since} ms");
            gone += usize::from(!is_there);
        }
        listed.retain(|_, last| now - *last < 24_000);
    }
    assert!(gone > 100, "nothing goes");
}

/// The last rows of the sheet's table: what was announced and does not come, and what is there when it ends.
#[test]
fn a_part_that_was_announced_and_never_comes_is_not_found() {
    let mut live = Live::new(OriginConfig::default(), 1, 1);
    live.run(5);
    live.origin.push(MediaEvent::End(TrackId::video(0)), NOON + 5000).unwrap();
    live.origin.push(MediaEvent::End(TrackId::audio(0)), NOON + 5000).unwrap();
    let list = live.media("main.m3u8");
    assert_eq!((list.segments.len(), list.hints[0].uri.as_str()), (3, "main-3.0.m4s"));
    let Answer::Wait(hinted) = live.get("main-3.0.m4s", "") else { panic!() };
    let Answer::Wait(blocked) = live.get("main.m3u8", "_HLS_msn=3&_HLS_part=0") else { panic!() };
    live.origin.finish().unwrap();
    let Answer::Ready(reply) = live.origin.retry(hinted) else { panic!() };
    assert_eq!((reply.status, reply.max_age), (404, Duration::from_secs(2)));
    assert_eq!(status(live.origin.retry(blocked)), 200);
    assert_eq!(live.origin.waiting(), 0);
}
