use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use core::time::Duration;

use serde_json::Value;

use super::*;

fn corpus() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/playlists.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all["playlists"].as_array().unwrap().clone()
}

fn text_of(name: &str) -> String {
    let all = corpus();
    all.iter().find(|it| it["name"] == name).unwrap()["text"].as_str().unwrap().to_owned()
}

fn read(text: &str) -> Result<ReadPlaylist, ReadError> {
    read_playlist(text, &Variables::default())
}

fn media(text: &str) -> ReadMedia {
    match read(text) {
        Ok(ReadPlaylist::Media(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn numbers(value: &Value) -> Option<Vec<u64>> {
    value.as_array().map(|it| it.iter().map(|it| it.as_u64().unwrap()).collect())
}

#[test]
fn every_valid_playlist_reads_as_expected() {
    for vector in corpus().iter().filter(|it| it["valid"] == true && it["level"] == "media") {
        let name = &vector["name"];
        let list = media(vector["text"].as_str().unwrap());
        assert_eq!(list.violations, [], "{name}");
        let expect = &vector["expect"];
        let segments = expect["segments"].as_u64().or(expect["segments_after_skip"].as_u64());
        assert_eq!(Some(list.segments.len() as u64), segments, "{name}");
        if let Some(msn) = expect["msn"].as_u64() {
            assert_eq!(list.media_sequence, msn, "{name}");
        }
        if let Some(end) = expect["end"].as_bool() {
            assert_eq!(list.ended, end, "{name}");
        }
        if let Some(durations) = expect["durations"].as_array() {
            let seconds: Vec<_> =
                list.segments.iter().map(|it| it.duration.as_secs_f64()).collect();
            assert_eq!(
                seconds,
                durations.iter().map(|it| it.as_f64().unwrap()).collect::<Vec<_>>()
            );
        }
        if let Some(sequences) = numbers(&expect["segment_disc_sequence"]) {
            assert_eq!(
                list.segments.iter().map(|it| it.discontinuity).collect::<Vec<_>>(),
                sequences
            );
            assert_eq!(
                Some(list.discontinuity_sequence),
                expect["discontinuity_sequence"].as_u64()
            );
        }
        if let Some(skipped) = expect["skipped"].as_u64() {
            assert_eq!(list.skip.as_ref().unwrap().segments, skipped);
            assert_eq!(list.segments[0].sequence, list.media_sequence + skipped);
            assert_eq!(Some(list.version), expect["version"].as_u64());
        }
        if let Some(gaps) = numbers(&expect["gaps"]) {
            assert_eq!(list.segments.iter().map(|it| u64::from(it.gap)).collect::<Vec<_>>(), gaps);
        }
        if let Some(maps) = expect["maps"].as_array() {
            let uris: Vec<_> =
                list.segments.iter().map(|it| it.map.as_ref().unwrap().uri.as_str()).collect();
            assert_eq!(uris, maps.iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>());
            assert_eq!(Some(list.independent_segments), expect["independent"].as_bool());
        }
        if let Some(ranges) = expect["byteranges"].as_array() {
            let got: Vec<_> = list.segments.iter().filter_map(|it| it.byte_range).collect();
            let want: Vec<_> = ranges.iter().map(|it| range(&numbers(it).unwrap())).collect();
            assert_eq!(got, want);
        }
    }
}

fn range(pair: &[u64]) -> ByteRange {
    ByteRange { len: pair[0], offset: pair[1] }
}

#[test]
fn dates_of_segments() {
    // The last date follows from the one before and the durations: only two are written.
    let list = media(&text_of("live_window_0"));
    let dates: Vec<_> = list.segments.iter().map(|it| it.program_date_time).collect();
    assert_eq!(dates, [Some(1_772_366_400_000), None, Some(1_772_366_409_500), None]);
}

#[test]
fn low_latency_parts_hints_and_reports() {
    let list = media(&text_of("llhls_full"));
    assert_eq!(list.part_target, Some(Duration::from_secs(1)));
    let parts =
        list.segments.iter().map(|it| it.parts.len()).sum::<usize>() + list.open_parts.len();
    assert_eq!(parts, 14);
    assert_eq!(list.open_parts.len(), 2);
    assert!(list.open_parts[0].independent && !list.open_parts[1].independent);
    assert_eq!(list.segments.last().unwrap().sequence + 1, 106);
    assert_eq!((list.hints[0].kind, list.hints[0].uri.as_str()), (HintKind::Part, "s106.2.m4s"));
    assert_eq!(list.reports[0].uri, "../audio/p.m3u8");
    assert_eq!((list.reports[0].last_sequence, list.reports[0].last_part), (Some(106), Some(1)));
    assert!(list.server_control.can_block_reload);
    assert_eq!(list.server_control.can_skip_until, Some(Duration::from_secs(24)));

    let list = media(&text_of("llhls_byterange_parts"));
    let ranges: Vec<_> = list.open_parts.iter().filter_map(|it| it.byte_range).collect();
    assert_eq!(ranges, [range(&[9000, 0]), range(&[4000, 9000])]);
    assert_eq!(list.hints[0].offset, 13_000);
}

#[test]
fn keys_and_date_ranges() {
    let list = media(&text_of("aes128"));
    let keys: Vec<_> = list.segments.iter().map(|it| it.keys[0].clone()).collect();
    let iv = 0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF_u128.to_be_bytes();
    assert_eq!((keys[0].method.as_str(), keys[0].iv), ("AES-128", Some(iv)));
    assert_eq!(
        (keys[1].uri.as_str(), keys[1].iv, list.segments[1].sequence),
        ("key.bin", None, 7794)
    );

    let list = media(&text_of("daterange_scte35"));
    let [range] = &list.date_ranges[..] else { panic!("{:?}", list.date_ranges) };
    assert_eq!(range.id, "1207959695-1");
    assert_eq!(
        (range.duration, range.planned_duration),
        (Some(Duration::from_secs(30)), Some(Duration::from_secs(30)))
    );
    assert_eq!(
        range.attributes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["SCTE35-OUT", "SCTE35-IN"]
    );
}

#[test]
fn multivariant() {
    let Ok(ReadPlaylist::Multivariant(list)) = read(&text_of("multivariant")) else { panic!() };
    assert_eq!(list.violations, []);
    assert_eq!(
        (list.variants.len(), list.i_frame_variants.len(), list.renditions.len()),
        (2, 1, 3)
    );
    let first = &list.variants[0];
    assert_eq!((first.bandwidth, first.average_bandwidth), (6_500_000, Some(6_000_000)));
    assert_eq!(
        (first.codecs.as_str(), first.resolution),
        ("avc1.64002a,mp4a.40.2", Some((1920, 1080)))
    );
    assert_eq!(
        (first.frame_rate.as_str(), first.audio.as_str(), first.uri.as_str()),
        ("60.000", "aud", "v/1080.m3u8")
    );
    let audio = &list.renditions[0];
    assert_eq!(
        (audio.kind.as_str(), audio.name.as_str(), audio.default),
        ("AUDIO", "English", true)
    );
}

#[test]
fn every_broken_rule_is_told() {
    let second = Duration::from_secs(1);
    let half = Duration::from_millis(500);
    let expected = |name: &str| -> Result<Vec<Rule>, ReadError> {
        Ok(match name {
            "missing_extm3u" => return Err(ReadError::NotAPlaylist),
            "mixed_master_media" => return Err(ReadError::Mixed { line: 3 }),
            "missing_targetduration" => vec![
                Rule::Version { what: "a fraction in EXTINF", needed: 3, version: 1 },
                Rule::NoTargetDuration,
            ],
            "extinf_rounds_up" => {
                vec![Rule::SegmentTooLong { duration: Duration::from_millis(6501), target: 6 }]
            }
            "float_extinf_v1" => {
                vec![Rule::Version { what: "a fraction in EXTINF", needed: 3, version: 1 }]
            }
            "two_versions" => vec![Rule::Repeated("EXT-X-VERSION")],
            "type_in_live_sliding" => vec![Rule::RemovedFromFixed],
            "map_version" => vec![Rule::Version { what: "EXT-X-MAP", needed: 6, version: 5 }],
            "iv_version" => vec![Rule::Version { what: "IV of EXT-X-KEY", needed: 2, version: 1 }],
            "daterange_without_pdt" => vec![Rule::DateRangeWithoutDate],
            "discseq_after_segment" => vec![Rule::AfterSegment("EXT-X-DISCONTINUITY-SEQUENCE")],
            "part_too_long" => {
                vec![Rule::PartTooLong { duration: Duration::from_millis(1200), target: second }]
            }
            "part_too_short" => vec![Rule::PartTooShort { duration: half, target: second }],
            "part_hold_back_missing" => vec![Rule::NoPartHoldBack],
            "part_hold_back_small" => vec![Rule::PartHoldBackTooSmall],
            "hold_back_small" => vec![Rule::HoldBackTooSmall],
            "skip_until_small" => vec![Rule::SkipUntilTooSmall],
            "hint_with_endlist" => vec![Rule::HintAfterEnd],
            "bom" => vec![Rule::ByteOrderMark],
            other => panic!("{other} has no expectation"),
        })
    };
    let mut seen = 0;
    for vector in corpus().iter().filter(|it| it["valid"] == false) {
        let name = vector["name"].as_str().unwrap();
        let got = read(vector["text"].as_str().unwrap()).map(|it| match it {
            ReadPlaylist::Media(list) => list.violations.into_iter().map(|it| it.rule).collect(),
            ReadPlaylist::Multivariant(list) => {
                list.violations.into_iter().map(|it| it.rule).collect::<Vec<_>>()
            }
        });
        assert_eq!(got, expected(name), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 19);
}

#[test]
fn duration_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/duration_rules.json");
    let rules: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for case in rules["target_duration"].as_array().unwrap() {
        let text = alloc::format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXTINF:{},\na.ts\n",
            case["target"],
            case["extinf"]
        );
        assert_eq!(media(&text).violations.is_empty(), case["ok"].as_bool().unwrap(), "{case}");
    }
    for case in rules["part"].as_array().unwrap() {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n\
            #EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0\n#EXT-X-PART-INF:PART-TARGET=1.0\n"
            .to_string();
        for (index, duration) in case["durations"].as_array().unwrap().iter().enumerate() {
            text += &alloc::format!("#EXT-X-PART:DURATION={duration},URI=\"{index}\"");
            text += if case["independent"][index] == 1 { ",INDEPENDENT=YES" } else { "" };
            text += if case["gap"][index] == 1 { ",GAP=YES\n" } else { "\n" };
        }
        text += "#EXTINF:3.0,\nx.m4s\n";
        let list = media(&text);
        let broken: Vec<_> = list.violations.iter().map(|it| (it.line - 6) as u64).collect();
        assert_eq!(Some(broken), numbers(&case["violations"]), "{case}: {:?}", list.violations);
    }
}

#[test]
fn variables_are_replaced() {
    let variables = Variables {
        imported: [("host".to_owned(), "h.example".to_owned())].into(),
        query: "a=1&token=T".to_owned(),
        ..Variables::default()
    };
    let text = "#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-TARGETDURATION:1\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"x\"\n\
        #EXT-X-DEFINE:IMPORT=\"host\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXTINF:1,\nhttp://{$host}/{$v}?{$token}\n";
    let Ok(ReadPlaylist::Media(list)) = read_playlist(text, &variables) else { panic!() };
    assert_eq!(list.segments[0].uri, "http://h.example/x?T");
    assert_eq!(
        read(&text.replace("NAME", "QUERYPARAM")),
        Err(ReadError::Tag { line: 4, tag: "EXT-X-DEFINE" })
    );
    assert_eq!(read("#EXTM3U\n#EXTINF:1,\n{$x}\n"), Err(ReadError::Variable { line: 3 }));
}

#[test]
fn a_variable_without_a_value_is_no_uri() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"\"\n#EXTINF:1,\n{$v}\nb.ts\n";
    assert_eq!(media(text).segments.iter().map(|it| it.uri.as_str()).collect::<Vec<_>>(), ["b.ts"]);
}

#[test]
fn what_is_no_playlist() {
    for text in ["", "\n", "<html>", "#EXTM3U8\n", " #EXTINF:1,\na"] {
        assert_eq!(read(text), Err(ReadError::NotAPlaylist), "{text:?}");
    }
    assert_eq!(read("#EXTM3U\n#EXTINF:x,\na\n"), Err(ReadError::Tag { line: 2, tag: "EXTINF" }));
    let long = "#EXTM3U\n".to_string() + &" ".repeat(MAX_PLAYLIST_BYTES);
    assert_eq!(read(&long), Err(ReadError::TooLong { bytes: long.len() }));
}

proptest::proptest! {
    #[test]
    fn any_damage_is_survived(pick in 0_usize..32, at in 0_usize..3000, with in ".{0,12}") {
        let all = corpus();
        let mut text = all[pick % all.len()]["text"].as_str().unwrap().to_owned();
        let at = (0..=at.min(text.len())).rev().find(|&it| text.is_char_boundary(it)).unwrap();
        text.insert_str(at, &with);
        let _ = read(&text);
    }
}

#[test]
fn the_date_of_an_open_segment_counts() {
    let list = media(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=1\n\
         #EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3\n#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"1970-01-01T00:00:00.300Z\"\n\
         #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.020Z\n#EXT-X-PART:DURATION=0.5,URI=\"0.0.m4s\"\n",
    );
    assert_eq!((list.violations, list.open_date_time), (vec![], Some(20)));
}
