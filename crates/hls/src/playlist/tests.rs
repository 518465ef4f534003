use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::{HintKind, ReadMedia, ReadPlaylist, ReadSegment, Variables, read_playlist};

const NOON: i64 = 1_772_366_400_000;

fn text(playlist: &Playlist, skip: bool) -> String {
    String::from_utf8(playlist.write(skip).join().to_vec()).unwrap()
}

fn read(text: &str) -> ReadMedia {
    match read_playlist(text, &Variables::default()) {
        Ok(ReadPlaylist::Media(list)) => list,
        other => panic!("{other:?}\n{text}"),
    }
}

/// Something that makes segments in order.
struct Maker {
    sequence: u64,
    date: i64,
    init: Option<u32>,
}

impl Maker {
    fn opening(&self, discontinuity: bool) -> Opening {
        let (sequence, program_date_time, init) = (self.sequence, self.date, self.init);
        Opening { sequence, program_date_time, discontinuity, independent: true, init, key: None }
    }

    fn part(&self, index: u32, millis: u64) -> Part {
        let body = Pieces::from(Bytes::from_static(b"x"));
        let duration = Duration::from_millis(millis);
        Part { sequence: self.sequence, index, duration, independent: index == 0, body }
    }

    /// Opens and completes a segment with parts of these lengths.
    fn segment(
        &mut self,
        playlist: &mut Playlist,
        parts: &[u64],
        discontinuity: bool,
    ) -> Range<u64> {
        let opening = self.opening(discontinuity);
        playlist.open(opening);
        let parts: Vec<_> =
            (0..).zip(parts).map(|(index, millis)| self.part(index, *millis)).collect();
        parts.iter().for_each(|it| playlist.push_part(it));
        let duration: Duration = parts.iter().map(|it| it.duration).sum();
        self.sequence += 1;
        self.date += i64::try_from(duration.as_millis()).unwrap();
        playlist.push_segment(&Segment { opening, duration, parts })
    }
}

fn low_latency(window: Window) -> (Maker, Playlist) {
    let mut config = PlaylistConfig::new(4, "s");
    config.part_target = Some(Duration::from_secs(1));
    config.window = window;
    config.first_sequence = 90;
    (Maker { sequence: 90, date: NOON, init: Some(0) }, Playlist::new(config))
}

/// The playlist of the vectors `live_window_0`, `live_disc_tag_on_first_segment` and `live_window_1_slid_by_3`.
#[test]
fn sequences_count_what_left() {
    let mut config = PlaylistConfig::new(4, "seg");
    config.window = Window::Sliding(Duration::from_secs(12));
    (config.first_sequence, config.first_discontinuity, config.extension) = (100, 7, "ts");
    let mut playlist = Playlist::new(config);
    let mut maker = Maker { sequence: 100, date: NOON, init: None };
    let mut seen = vec![];
    for (millis, discontinuity) in
        [(4000, false), (4000, false), (3984, true), (4000, false), (4000, false), (4000, false)]
    {
        maker.segment(&mut playlist, &[millis], discontinuity);
        let list = read(&text(&playlist, false));
        assert_eq!(list.violations, []);
        let sequences: Vec<_> = list.segments.iter().map(|it| it.discontinuity).collect();
        seen.push((list.media_sequence, list.discontinuity_sequence, sequences));
    }
    assert_eq!(
        seen,
        [
            (100, 7, vec![7]),
            (100, 7, vec![7, 7]),
            (100, 7, vec![7, 7, 8]),
            (100, 7, vec![7, 7, 8, 8]), // 11.984 s without the first
            (101, 7, vec![7, 8, 8, 8]),
            (103, 8, vec![8, 8, 8]),
        ]
    );
}

#[test]
fn the_text_of_a_plain_playlist() {
    let mut config = PlaylistConfig::new(4, "main");
    config.extension = "ts";
    let mut playlist = Playlist::new(config);
    let mut maker = Maker { sequence: 0, date: NOON, init: None };
    maker.segment(&mut playlist, &[4000], false);
    maker.segment(&mut playlist, &[3984], true);
    playlist.finish();
    assert_eq!(
        text(&playlist, false),
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n#EXTINF:4.000000,\nmain-0.ts\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:04.000Z\n#EXTINF:3.984000,\nmain-1.ts\n\
         #EXT-X-ENDLIST\n"
    );
}

/// The state of the vector `llhls_full`: segments 90 to 105 of four seconds, two parts of 106.
#[test]
fn a_low_latency_playlist_is_that_of_the_vectors() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(64)));
    for _ in 90..=105 {
        assert!(maker.segment(&mut playlist, &[1000; 4], false).is_empty());
    }
    playlist.open(maker.opening(false));
    playlist.push_part(&maker.part(0, 1000));
    playlist.push_part(&maker.part(1, 1000));

    let corpus: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/playlists.json"))
            .unwrap(),
    )
    .unwrap();
    let vector = |name: &str| {
        let all = corpus["playlists"].as_array().unwrap();
        read(all.iter().find(|it| it["name"] == name).unwrap()["text"].as_str().unwrap())
    };
    for (name, skip) in [("llhls_full", false), ("llhls_delta", true)] {
        let (ours, theirs) = (read(&text(&playlist, skip)), vector(name));
        assert_eq!(ours.violations, []);
        assert_eq!(ours.version, theirs.version);
        assert_eq!(ours.media_sequence, theirs.media_sequence);
        assert_eq!(ours.server_control, theirs.server_control);
        assert_eq!(ours.skip, theirs.skip, "{name}");
        // The vector lists the parts of 103, too, which begins 14 s before the end: that is more than three target
        // durations, after which §6.2.2 has them go.
        let rows = |list: &ReadMedia| -> Vec<_> {
            let parts = |it: &ReadSegment| if it.sequence > 103 { it.parts.len() } else { 0 };
            list.segments.iter().map(|it| (it.sequence, it.duration, parts(it))).collect()
        };
        assert_eq!(rows(&ours), rows(&theirs), "{name}");
        assert!(ours.segments.iter().all(|it| it.parts.is_empty() == (it.sequence <= 103)));
        assert_eq!(ours.open_parts.len(), theirs.open_parts.len());
        assert_eq!(ours.hints[0].uri, "s-106.2.m4s");
        assert!(!skip || ours.segments[0].map.is_some(), "the map in force is repeated");
    }
    assert_eq!(
        playlist.report(),
        Report { uri: "s.m3u8".to_owned(), last_sequence: 106, last_part: Some(1) }
    );
}

/// §6.2.2: parts go when they are three target durations from the end, with all others of their segment.
#[test]
fn parts_are_listed_near_the_end() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(64)));
    let listed = |playlist: &Playlist| -> Vec<_> {
        let list = read(&text(playlist, false));
        let segments = list.segments.iter().filter(|it| !it.parts.is_empty());
        segments.map(|it| (it.sequence, it.parts.len())).collect()
    };
    for _ in 90..=92 {
        maker.segment(&mut playlist, &[1000; 4], false);
    }
    playlist.open(maker.opening(false));
    assert_eq!(listed(&playlist), [(91, 4), (92, 4)]); // 90 begins at twelve seconds
    for part in 0..3 {
        playlist.push_part(&maker.part(part, 1000));
        assert_eq!(listed(&playlist), [(91, 4), (92, 4)]);
    }
    playlist.push_part(&maker.part(3, 1000));
    assert_eq!(listed(&playlist), [(92, 4)]);
    assert_eq!(read(&text(&playlist, false)).open_parts.len(), 4);
}

#[test]
fn another_init_section_is_announced() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(64)));
    maker.segment(&mut playlist, &[1000; 4], false);
    let hints = |playlist: &Playlist| -> Vec<_> {
        read(&text(playlist, false)).hints.into_iter().map(|it| (it.kind, it.uri)).collect()
    };
    let part = |uri: &str| (HintKind::Part, uri.to_owned());
    assert_eq!(hints(&playlist), [part("s-91.0.m4s")]);
    playlist.announce_init(1);
    assert_eq!(hints(&playlist), [(HintKind::Map, "s-init1.mp4".to_owned()), part("s-91.0.m4s")]);
    maker.init = Some(1);
    playlist.open(maker.opening(true));
    playlist.push_part(&maker.part(0, 1000));
    assert_eq!(hints(&playlist), [part("s-91.1.m4s")]);
}

#[test]
fn the_map_in_force_is_named_when_its_segment_left() {
    let mut config = PlaylistConfig::new(2, "v");
    config.window = Window::Sliding(Duration::from_secs(6));
    let mut playlist = Playlist::new(config);
    let mut maker = Maker { sequence: 0, date: NOON, init: Some(0) };
    for n in 0..40 {
        if n == 20 {
            maker.init = Some(1);
        }
        maker.segment(&mut playlist, &[2000], n == 20);
        for segment in read(&text(&playlist, false)).segments {
            let expected = if segment.sequence < 20 { "v-init0.mp4" } else { "v-init1.mp4" };
            assert_eq!(segment.map.unwrap().uri, expected, "{n}: {}", segment.sequence);
        }
        let maps = text(&playlist, false).matches("EXT-X-MAP").count();
        assert!(maps == 1 || (20..23).contains(&n) && maps == 2, "{n}: {maps}");
    }
}

#[test]
fn an_ended_playlist_has_no_hint_and_no_delta() {
    let mut config = PlaylistConfig::new(4, "s");
    (config.part_target, config.window) = (Some(Duration::from_secs(1)), Window::Event);
    let (mut maker, mut playlist) =
        (Maker { sequence: 0, date: NOON, init: Some(0) }, Playlist::new(config));
    for _ in 0..20 {
        maker.segment(&mut playlist, &[1000; 4], false);
    }
    assert!(text(&playlist, true).contains("#EXT-X-SKIP"));
    playlist.finish();
    let list = read(&text(&playlist, true));
    assert!(list.skip.is_none() && list.hints.is_empty() && list.ended);
    assert_eq!((list.segments.len(), list.violations.len()), (20, 0));
}

/// The text of a week costs what changed: the blocks of old segments are shared.
#[test]
fn a_week_is_written_in_the_time_of_its_newest_lines() {
    let mut config = PlaylistConfig::new(2, "w");
    config.window = Window::Event;
    let mut playlist = Playlist::new(config);
    let mut maker = Maker { sequence: 0, date: NOON, init: Some(0) };
    let mut copied = vec![];
    for n in 1..=302_400_u32 {
        maker.segment(&mut playlist, &[2000], false);
        if n == 1000 || n == 302_400 {
            let mut out = None;
            let counted = levada_test::allocations(|| out = Some(playlist.write(false)));
            let out = out.unwrap();
            let own: usize = out.iter().filter(|it| it.len() < 16 * 1024).map(Bytes::len).sum();
            copied.push((own < 32 * 1024, counted.total_bytes < 400 * 1024));
        }
    }
    assert_eq!(copied, [(true, true); 2]);
    assert!(playlist.settled.len() < 20);
    let list = read(&text(&playlist, false));
    assert_eq!((list.segments.len(), list.violations.len()), (302_400, 0));
}

/// A DVR window of half a day slides at the price of one of a minute.
#[test]
fn hours_slide_at_the_price_of_minutes() {
    let slide = |window: u64| {
        let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(window)));
        for n in 0..window / 4 + 5000 {
            maker.segment(&mut playlist, &[1000; 4], n % 100 == 50);
        }
        let updates = levada_test::allocations(|| {
            for n in 0..1000 {
                maker.segment(&mut playlist, &[1000; 4], n == 500);
                drop(playlist.write(true));
            }
        });
        let list = read(&text(&playlist, false));
        assert_eq!((list.segments.len() as u64, list.violations.len()), (window / 4, 0));
        assert_eq!(list.media_sequence + window / 4, maker.sequence);
        assert_eq!(list.segments.last().unwrap().discontinuity, playlist.last_discontinuity());
        updates.total_bytes
    };
    let (minutes, hours) = (slide(120), slide(12 * 3600));
    assert!(hours < minutes * 2, "{hours} bytes beside {minutes}");
}

#[derive(Clone, Debug)]
enum Act {
    Segment { parts: Vec<u64>, discontinuity: bool },
    Part,
    Init,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (proptest::collection::vec(850_u64..=1000, 0..3), 1_u64..1000, any::<bool>()).prop_map(|(mut parts, last, it)| {
            parts.push(last);
            Act::Segment { parts, discontinuity: it && last < 200 }
        }),
        2 => Just(Act::Part),
        1 => Just(Act::Init),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Against a model that keeps everything: what is listed, in which order, under which numbers.
    #[test]
    fn every_update_keeps_every_promise(acts in proptest::collection::vec(act(), 1..200), window in 0_u64..60) {
        let window_span = Duration::from_secs(window);
        let (mut maker, mut playlist) = low_latency(Window::Sliding(window_span));
        let mut all: Vec<(u64, Duration, bool, Option<u32>)> = vec![];
        let mut open = 0;
        let mut before: Option<ReadMedia> = None;
        for act in acts {
            match act {
                Act::Init => maker.init = maker.init.map(|it| it + u32::from(open == 0)),
                Act::Part => {
                    if open == 0 {
                        playlist.open(maker.opening(false));
                    }
                    if open < 3 {
                        playlist.push_part(&maker.part(open, 900));
                        open += 1;
                    }
                }
                Act::Segment { mut parts, discontinuity } => {
                    if open > 0 {
                        parts = vec![900; open as usize];
                    }
                    let discontinuity = discontinuity && open == 0;
                    open = 0;
                    all.push((maker.sequence, Duration::from_millis(parts.iter().sum()), discontinuity, maker.init));
                    maker.segment(&mut playlist, &parts, discontinuity);
                }
            }
            let full = text(&playlist, false);
            let list = read(&full);
            prop_assert_eq!(&list.violations, &vec![], "{}", full);
            prop_assert_eq!(list.target_duration, 4);

            // The shortest tail that covers the window, or everything.
            let keep = window_span.max(Duration::from_secs(12));
            let mut covered = Duration::ZERO;
            let expected: Vec<_> = all.iter().rev().take_while(|it| { let more = covered < keep; covered += it.1; more }).collect();
            let got: Vec<_> = list.segments.iter().rev().map(|it| (it.sequence, it.duration)).collect();
            // Segments whose parts are listed never leave, and one segment is always listed.
            prop_assert!(got.len() >= expected.len());
            prop_assert!(got.iter().zip(all.iter().rev()).all(|(a, b)| *a == (b.0, b.1)));
            for segment in &list.segments {
                let row = all.iter().find(|it| it.0 == segment.sequence).unwrap();
                let count = all.iter().filter(|it| it.0 <= segment.sequence && it.2).count() as u64;
                prop_assert_eq!(segment.discontinuity, count);
                let map = format!("s-init{}.mp4", row.3.unwrap());
                prop_assert_eq!(segment.map.as_ref().map(|it| it.uri.as_str()), Some(map.as_str()));
            }
            // Rules about changes.
            if let Some(before) = &before {
                prop_assert!(list.media_sequence >= before.media_sequence);
                prop_assert!(list.discontinuity_sequence >= before.discontinuity_sequence);
                for old in &before.segments {
                    let kept = list.segments.iter().find(|it| it.sequence == old.sequence);
                    prop_assert!(kept.is_none_or(|it| it.uri == old.uri && it.duration == old.duration));
                }
            }
            // A delta update and what was there before make the whole.
            let delta = read(&text(&playlist, true));
            prop_assert_eq!(&delta.violations, &vec![]);
            let skipped = delta.skip.map_or(0, |it| it.segments) as usize;
            prop_assert_eq!(list.segments.len(), skipped + delta.segments.len());
            for (whole, part) in list.segments[skipped..].iter().zip(&delta.segments) {
                prop_assert_eq!((whole.sequence, &whole.uri, whole.duration), (part.sequence, &part.uri, part.duration));
            }
            let behind: Duration = list.segments[skipped..].iter().map(|it| it.duration).sum();
            prop_assert!(skipped == 0 || behind >= Duration::from_secs(24));
            before = Some(list);
        }
    }
}

#[test]
fn date_ranges_stay_as_long_as_their_segments() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(12)));
    let mut range = DateRange::new("ad \"1\"\n#EXT-X-ENDLIST", NOON + 6000);
    range.planned_duration = Some(Duration::from_secs(10));
    range.attributes.push(("scte35-out".to_owned(), Attribute::Bytes(vec![0xFC, 0x30])));
    range.attributes.push(("X-SCORE".to_owned(), Attribute::Thousandths(-1500)));
    playlist.set_date_range(range.clone());
    range.duration = Some(Duration::from_millis(8500));
    for step in 0..10 {
        maker.segment(&mut playlist, &[1000; 4], false);
        if step == 2 {
            playlist.set_date_range(range.clone());
        }
        let list = read(&text(&playlist, false));
        assert_eq!(list.violations, []);
        // Until the segment with its end, 14.5 s after noon, has left.
        let first = list.segments[0].program_date_time.unwrap();
        assert_eq!(list.date_ranges.len(), usize::from(first < NOON + 14_500), "step {step}");
        if let [range] = &list.date_ranges[..] {
            assert_eq!((range.id.as_str(), range.start), ("ad 1#EXT-X-ENDLIST", Some(NOON + 6000)));
            assert_eq!(range.duration.is_some(), step >= 2);
            assert_eq!(range.attributes[0], ("SCTE35-OUT".to_owned(), "0xFC30".to_owned()));
            assert_eq!(range.attributes[1], ("X-SCORE".to_owned(), "-1.500".to_owned()));
        }
    }
}

/// §6.2.5.1: `v2` leaves out the date ranges that are older than the segments left out, and tells those that went.
#[test]
fn a_delta_update_leaves_out_old_date_ranges() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(64)));
    let answer = |playlist: &Playlist, query: &str| {
        let request = BlockRequest::parse(query).unwrap();
        read(core::str::from_utf8(&playlist.answer(&request).join()).unwrap())
    };
    let told = |list: &ReadMedia| {
        let ids: Vec<_> = list.date_ranges.iter().map(|it| it.id.clone()).collect();
        let skip = list.skip.clone().unwrap_or_default();
        (list.version, skip.segments, ids.join(" "), skip.removed_date_ranges.join(" "))
    };
    let tell = |version, skipped, ids: &str, gone: &str| {
        (version, skipped, ids.to_owned(), gone.to_owned())
    };
    let range = |id: &str, start: i64, seconds: u64| {
        let mut range = DateRange::new(id, NOON + start);
        range.planned_duration = Some(Duration::from_secs(seconds));
        range
    };
    let run = |maker: &mut Maker, playlist: &mut Playlist, segments: u64| {
        for _ in 0..segments {
            maker.segment(playlist, &[1000; 4], false);
        }
    };
    assert!(!answer(&playlist, "").server_control.can_skip_date_ranges);
    playlist.set_date_range(range("short", 0, 20));
    playlist.set_date_range(range("brief", 0, 21));
    playlist.set_date_range(range("long", 0, 600));
    run(&mut maker, &mut playlist, 7);
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(6, 0, "short brief long", ""));
    // Segment 90 ended 28 s before the end. What came while it was open is as old as that.
    run(&mut maker, &mut playlist, 1);
    playlist.set_date_range(range("new", 30_000, 600));
    for (query, expected) in [
        ("", tell(6, 0, "short brief long new", "")),
        ("_HLS_skip=YES", tell(9, 1, "short brief long new", "")),
        ("_HLS_skip=v2", tell(10, 1, "new", "")),
        ("_HLS_skip=NO", tell(6, 0, "short brief long new", "")),
    ] {
        let list = answer(&playlist, query);
        assert_eq!((told(&list), &list.violations[..]), (expected, &[][..]), "{query}");
        assert!(list.server_control.can_skip_date_ranges);
    }
    // A range that is completed is told again, once.
    playlist.set_date_range(range("long", 0, 601));
    playlist.set_date_range(range("new", 30_000, 600));
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 1, "long new", ""));
    // The segments that they are in leave with 110 and 111, the newest one.
    run(&mut maker, &mut playlist, 14);
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 9, "", "short brief"));
    run(&mut maker, &mut playlist, 5);
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 9, "", "short brief"));
    run(&mut maker, &mut playlist, 1);
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 9, "", "brief"));
    run(&mut maker, &mut playlist, 1);
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 9, "", ""));
    assert_eq!(told(&answer(&playlist, "")), tell(6, 0, "long new", ""));
    // What comes back is not gone.
    playlist.set_date_range(range("short", 200_000, 20));
    assert_eq!(told(&answer(&playlist, "_HLS_skip=v2")), tell(10, 9, "short", ""));
}

#[test]
fn removed_date_ranges_are_bounded() {
    let (mut maker, mut playlist) = low_latency(Window::Sliding(Duration::from_secs(80)));
    for _ in 0..20 {
        maker.segment(&mut playlist, &[1000; 4], false);
    }
    for n in 0..1000 {
        playlist.set_date_range(DateRange::new(&format!("id \t\"{n}"), NOON));
    }
    let request = BlockRequest::parse("_HLS_skip=v2").unwrap();
    let list = read(core::str::from_utf8(&playlist.answer(&request).join()).unwrap());
    assert_eq!((list.violations.len(), list.date_ranges.len()), (0, MAX_DATE_RANGES));
    let removed = list.skip.unwrap().removed_date_ranges;
    assert_eq!((removed.len(), removed[0].as_str()), (MAX_DATE_RANGES, "id 488"));
}

#[test]
fn a_segment_without_bytes_is_a_gap() {
    let mut playlist = Playlist::new(PlaylistConfig::new(4, "v"));
    let mut maker = Maker { sequence: 0, date: NOON, init: Some(0) };
    maker.segment(&mut playlist, &[4000], false);
    let opening = maker.opening(false);
    playlist.open(opening);
    playlist.push_segment(&Segment { opening, duration: Duration::from_secs(3), parts: vec![] });
    let list = read(&text(&playlist, false));
    assert_eq!(list.segments.iter().map(|it| it.gap).collect::<Vec<_>>(), [false, true]);
    assert_eq!(list.violations, []);
}

#[test]
fn an_event_counts_the_discontinuities_that_it_forgot() {
    let (mut maker, mut playlist) = low_latency(Window::Event);
    for n in 0..100 {
        maker.segment(&mut playlist, &[1000, 1000, 1000, 1000], n % 10 == 5);
    }
    assert!(playlist.settled.len() < 50);
    assert_eq!((playlist.discontinuity_sequence(), playlist.last_discontinuity()), (0, 10));
}

#[test]
fn t32_a_playlist_is_trimmed_down_to_three_targets_and_no_further() {
    let mut config = PlaylistConfig::new(2, "v0");
    (config.window, config.first_sequence) = (Window::Sliding(Duration::from_secs(3600)), 5);
    let mut playlist = Playlist::new(config);
    let mut maker = Maker { sequence: 5, date: NOON, init: Some(0) };
    for n in 0..20 {
        maker.segment(&mut playlist, &[2000], n == 3);
    }
    assert_eq!(playlist.trim(Duration::from_secs(20)), 5..15);
    assert_eq!(playlist.trim(Duration::from_secs(30)), 15..15, "what is gone is gone");
    let trimmed = read(&text(&playlist, false));
    assert_eq!((trimmed.media_sequence, trimmed.segments.len()), (15, 10));
    assert_eq!((trimmed.discontinuity_sequence, trimmed.violations.len()), (1, 0));
    assert_eq!(playlist.trim(Duration::ZERO), 15..22);
    assert_eq!(playlist.span(), Duration::from_secs(6));
    // It grows to its window again.
    for _ in 0..20 {
        maker.segment(&mut playlist, &[2000], false);
    }
    assert_eq!(read(&text(&playlist, false)).segments.len(), 23);
    let mut event = PlaylistConfig::new(2, "v0");
    event.window = Window::Event;
    let mut event = Playlist::new(event);
    let mut maker = Maker { sequence: 0, date: NOON, init: None };
    for _ in 0..9 {
        maker.segment(&mut event, &[2000], false);
    }
    assert_eq!(event.trim(Duration::ZERO), 0..0);
}
