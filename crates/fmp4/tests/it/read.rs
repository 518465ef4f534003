//! The reader against files of other writers.

use bytes::Bytes;
use levada_fmp4::*;
use levada_media::*;

use crate::testdata::{boxes, file, frames_of, read_all, read_pieces, samples};

/// Every segment of the vectors, with the init segment that it needs in front.
fn whole_files() -> Vec<(String, Vec<u8>, usize)> {
    let alone = [
        "elst_v.mp4",
        "ff_cmaf_a.mp4",
        "ff_cmaf_v.mp4",
        "ff_global_sidx.mp4",
        "zoo_avc1.mp4",
        "zoo_avc3.mp4",
        "zoo_hvc1.mp4",
        "zoo_hev1.mp4",
        "zoo_av01.mp4",
        "zoo_vp09.mp4",
        "zoo_mp4a_lc.mp4",
        "zoo_mp4a_he.mp4",
        "zoo_mp4a_hev2.mp4",
        "zoo_mp4a_51.mp4",
        "zoo_Opus_opus_s.mp4",
        "zoo_Opus_opus_51.mp4",
        "zoo_fLaC.mp4",
        "zoo_ac-3.mp4",
        "zoo_ec-3.mp4",
    ];
    let mut out: Vec<_> = alone.iter().map(|name| (name.to_string(), file(name), 0)).collect();
    for (init, segment) in [
        ("ref_v_init.mp4", "ref_v_seg1.m4s"),
        ("ref_v_init.mp4", "ref_v_seg1.part0.m4s"),
        ("ref_a_init.mp4", "ref_a_seg1.m4s"),
        ("ff_hls_init_av.mp4", "ff_hls_seg_av0.m4s"),
        ("ff_dash_init_v.m4s", "ff_dash_v_1.m4s"),
    ] {
        let init = file(init);
        out.push((segment.into(), [init.clone(), file(segment)].concat(), init.len()));
    }
    out
}

#[test]
fn frames_are_those_of_the_vectors() {
    for (name, data, shift) in whole_files() {
        let items = read_all(&data);
        let frames = frames_of(&items);
        let mut expected: Vec<_> = samples(&boxes(&name)).into_iter().flatten().collect();
        expected.sort_by_key(|row| row.place.start);
        assert_eq!(frames.len(), expected.len(), "{name}");
        // What the edit lists say.
        let start = |id: TrackId| match (name.as_str(), id.kind) {
            ("elst_v.mp4", _) => -7200,
            ("ff_dash_v_1.m4s", _) => -1024,
            // 80 ms of nothing at 12,800 ticks a second, then from tick 1024 on
            ("ff_hls_seg_av0.m4s", MediaKind::Video) => 80 * 12_800 / 1000 - 1024,
            ("ff_hls_seg_av0.m4s", _) => 58 * 48,
            _ => 0,
        };
        for (frame, row) in frames.iter().zip(&expected) {
            let place = row.place.start + shift..row.place.end + shift;
            assert_eq!(frame.data, data[place], "{name}");
            assert_eq!(frame.dts.0, row.dts + start(frame.track), "{name}");
            assert_eq!(
                (frame.cts, frame.duration.map_or(0, u32::from)),
                (row.cts, row.duration),
                "{name}"
            );
            let is_video = frame.track.kind == MediaKind::Video;
            assert_eq!(frame.facts.marked_key, is_video && row.is_sync, "{name}");
        }
    }
}

#[test]
fn every_cut_gives_the_same_items() {
    for (_, data, _) in whole_files() {
        levada_test::same_at_every_cut(&data, read_pieces);
    }
}

#[test]
fn an_input_buffer_never_needs_to_be_longer_than_a_small_box() {
    // A frame of 300,000 bytes, read through 64 KiB at a time.
    let init = file("ref_v_init.mp4");
    let id = TrackId::video(0);
    let mut fragmenter = Fragmenter::new(&InitSegment::new(&[track_of(&init)]).unwrap());
    fragmenter.push(Frame::new(id, Ticks(0), vec![7; 300_000].into())).unwrap();
    let fragment = fragmenter.cut(&Preface::default()).unwrap().join();
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    let (mut input, mut longest, mut frames) = (bytes::BytesMut::new(), 0, 0);
    for byte in init.iter().chain(&fragment).copied().collect::<Vec<_>>().chunks(1000) {
        input.extend_from_slice(byte);
        while let Some(item) = reader.read(&mut input).unwrap() {
            frames +=
                usize::from(matches!(item, Fmp4Item::Frame(frame) if frame.data.len() == 300_000));
        }
        longest = longest.max(input.len());
    }
    assert_eq!(frames, 1);
    assert!(longest < 64 * 1024, "{longest} bytes waited in the input");
}

fn track_of(init: &[u8]) -> Track {
    match &read_all(init)[..] {
        [Fmp4Item::Track(track)] => track.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames_share_the_block_that_they_came_in() {
    let data = [file("ref_v_init.mp4"), file("ref_v_seg1.m4s")].concat();
    let mut input = bytes::BytesMut::from(&data[..]);
    let block = input.as_ptr_range();
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    while let Some(item) = reader.read(&mut input).unwrap() {
        if let Fmp4Item::Frame(frame) = item {
            assert!(block.contains(&frame.data.as_ptr()));
        }
    }
}

#[test]
fn events_and_producer_times_come_in_their_place() {
    let items = read_all(&[file("ref_v_init.mp4"), file("ref_v_seg1.m4s")].concat());
    let Fmp4Item::ProducerTime(time) = &items[1] else { panic!("{:?}", items[1]) };
    assert_eq!(
        (time.track, time.ntp, time.media_time, time.flags),
        (TrackId::video(0), 0xe9f2_a1c0_8000_0000, 0, 24)
    );
    let Fmp4Item::Event(id3) = &items[2] else { panic!("{:?}", items[2]) };
    assert_eq!((&*id3.scheme, &*id3.value, id3.time), (ID3_SCHEME, "", EventTime::At(45_000)));
    assert_eq!((id3.timescale, id3.duration, id3.id), (Timescale::MPEG, None, 7));
    assert_eq!(id3.data[..3], *b"ID3");
    let Fmp4Item::Event(splice) = &items[3] else { panic!("{:?}", items[3]) };
    assert_eq!((&*splice.scheme, &*splice.value), (SCTE35_SCHEME, "1001"));
    assert_eq!(
        (splice.time, splice.duration, splice.id),
        (EventTime::After(0), Some(2_700_000), 42)
    );
    assert_eq!(frames_of(&items[4..]).len(), 50);
}

#[test]
fn tracks_say_what_their_sample_entries_say() {
    let config = |hex: &str| Bytes::from(levada_test::hex(hex));
    let video = |name: &str| {
        let items = read_all(&file(name));
        let Fmp4Item::Track(track) = &items[0] else { panic!("{name}: {items:?}") };
        track.params.video().unwrap().clone()
    };
    let reference = video("ref_v_init.mp4");
    assert_eq!((reference.codec, reference.width, reference.height), (VideoCodec::Avc, 160, 90));
    assert_eq!(
        reference.config,
        config("014d400bffe10017674d400beca146fc9808800000030080000019078a14cb01000568ebe0e4b2")
    );
    for (name, codec) in [
        ("zoo_hvc1.mp4", VideoCodec::Hevc),
        ("zoo_hev1.mp4", VideoCodec::Hevc),
        ("zoo_av01.mp4", VideoCodec::Av1),
        ("zoo_vp09.mp4", VideoCodec::Vp9),
    ] {
        assert_eq!(video(name).codec, codec);
    }
    assert_eq!(video("zoo_vp09.mp4").config, config("020aa20910090000"));
    for (name, codec, record, rate, channels) in [
        ("ref_a_init.mp4", AudioCodec::Aac, "119056e500", 48_000, 2),
        ("ff_cmaf_a.mp4", AudioCodec::Aac, "118856e500", 48_000, 1),
        ("zoo_mp4a_he.mp4", AudioCodec::Aac, "2b920800", 44_100, 2),
        ("zoo_mp4a_51.mp4", AudioCodec::Aac, "11b0", 48_000, 6),
        (
            "zoo_Opus_opus_s.mp4",
            AudioCodec::Opus,
            "4f7075734865616401023801 80bb0000000000",
            48_000,
            2,
        ),
        (
            "zoo_Opus_opus_51.mp4",
            AudioCodec::Opus,
            "4f7075734865616401063801 80bb00000000010402000401020305",
            48_000,
            6,
        ),
        ("zoo_ac-3.mp4", AudioCodec::Ac3, "103dc0", 48_000, 6),
        ("zoo_ec-3.mp4", AudioCodec::Eac3, "0600200f00", 48_000, 6),
        (
            "zoo_fLaC.mp4",
            AudioCodec::Flac,
            "80000022120012000000c70005110bb802f000002580d9b81de011fef694f3e1d33694c8ae61",
            48_000,
            2,
        ),
    ] {
        let items = read_all(&file(name));
        let Fmp4Item::Track(track) = &items[0] else { panic!("{name}: {items:?}") };
        let params = track.params.audio().unwrap();
        assert_eq!((params.codec, &params.config), (codec, &config(record)), "{name}");
        assert_eq!(params.sample_rate, rate, "{name}");
        if name != "ff_cmaf_a.mp4" {
            assert_eq!(params.channels, channels, "{name}"); // ffmpeg writes 2 for its mono file
        }
    }
}

#[test]
fn a_repeated_init_segment_is_no_event() {
    let init = file("ref_v_init.mp4");
    let segment = file("ref_v_seg1.part1.m4s");
    let twice = [&init[..], &segment, &init, &segment].concat();
    let items = read_all(&twice);
    let tracks = items.iter().filter(|item| matches!(item, Fmp4Item::Track(_))).count();
    assert_eq!((tracks, frames_of(&items).len()), (1, 26));
    let other = [&init[..], &segment, &file("zoo_avc1.mp4")].concat();
    let items = read_all(&other);
    let tracks = items.iter().filter(|item| matches!(item, Fmp4Item::Track(_))).count();
    assert_eq!((tracks, frames_of(&items).len()), (2, 23));
}

#[test]
fn a_box_of_length_0_goes_up_to_the_end() {
    let mut data = file("zoo_avc1.mp4");
    let mdat = data.windows(4).position(|it| it == b"mdat").unwrap();
    data[mdat - 4..mdat].copy_from_slice(&[0; 4]);
    assert_eq!(frames_of(&read_all(&data)).len(), 10);
    data.extend([1; 1000]);
    assert_eq!(frames_of(&read_all(&data)).len(), 10);
    let (items, end) = read_pieces(&[&data[..data.len() - 1001]]);
    assert_eq!(frames_of(&items).len(), 9);
    assert!(end.is_err());
    assert_eq!(read_all(b"\0\0\0\0freeanything"), []);
}

#[test]
fn a_plain_file_is_read_as_ffprobe_reads_it() {
    let items = read_all(&file("ff_plain_av.mp4"));
    let [Fmp4Item::Track(video), Fmp4Item::Track(audio), ..] = &items[..] else {
        panic!("{items:?}")
    };
    assert_eq!((video.timescale.get(), video.language.as_deref()), (12_800, None));
    assert_eq!((audio.timescale.get(), audio.language.as_deref()), (44_100, Some("fr")));
    let listed = String::from_utf8(file("ff_plain_av.csv")).unwrap();
    let mut count = 0;
    for (stream, track) in [("0", TrackId::video(0)), ("1", TrackId::audio(0))] {
        let rows = listed.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let rows: Vec<_> = rows.filter(|row| row[0] == stream).collect();
        let frames = frames_of(&items);
        let frames: Vec<_> = frames.iter().filter(|it| it.track == track).collect();
        assert_eq!(frames.len(), rows.len());
        for (frame, row) in frames.iter().zip(&rows) {
            let number = |column: usize| row[column].parse::<i64>().unwrap();
            assert_eq!((frame.pts().0, frame.dts.0), (number(1), number(2)));
            assert_eq!(frame.duration.map_or(0, |it| i64::from(it.get())), number(3));
            assert_eq!(i64::try_from(frame.data.len()).unwrap(), number(4));
            let is_key = frame.facts.marked_key || track == TrackId::audio(0);
            assert_eq!(is_key, row[5].starts_with('K'));
            count += 1;
        }
    }
    assert_eq!(count, listed.lines().count());
    levada_test::same_at_every_cut(&file("ff_plain_av.mp4"), read_pieces);
}
