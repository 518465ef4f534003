//! What the muxer writes, taken apart by a reader of its own.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{Demuxed, Stream, aac, avc, frame, mux, picture, read};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, DataCodec, Frame, MediaEvent, RandomAccess, Timescale,
    Track, TrackId, VideoCodec, VideoParams,
};
use levada_test::hex;
use levada_ts::{MAX_TRACKS, MuxConfig, TsError, TsMuxer, Written};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

/// 27 MHz.
const MILLISECOND: u64 = 27_000;

fn id3() -> Track {
    Track::new(TrackId::data(0), Timescale::MPEG, CodecParams::Data(DataCodec::Id3))
}

fn audio_of(codec: AudioCodec, config: &[u8], sample_rate: u32, channels: u8) -> Track {
    let mut params = AudioParams::new(codec, Bytes::copy_from_slice(config));
    (params.sample_rate, params.channels) = (sample_rate, channels);
    Track::new(AUDIO, Timescale::MPEG, CodecParams::Audio(params))
}

/// Video at `step` ticks a frame for ten seconds, a key every second frame of 50.
fn pictures(step: i64) -> impl Iterator<Item = MediaEvent> {
    let frames = (0..900_000 / step)
        .map(move |index| MediaEvent::Frame(picture(VIDEO, index * step, index % 50 == 0, 700)));
    [MediaEvent::Track(avc())].into_iter().chain(frames)
}

/// AAC for `seconds`, from `start` on.
fn sounds(start: i64, seconds: i64) -> impl Iterator<Item = MediaEvent> {
    (0..seconds * 48_000 / 1024)
        .map(move |index| MediaEvent::Frame(frame(AUDIO, start + index * 1920, &[index as u8; 90])))
}

/// Two tracks in the order of their decoding times.
fn interleaved(events: impl IntoIterator<Item = MediaEvent>) -> Vec<MediaEvent> {
    let mut events: Vec<MediaEvent> = events.into_iter().collect();
    events.sort_by_key(|event| match event {
        MediaEvent::Frame(frame) => (1, frame.dts.0, frame.track.kind),
        other => (0, 0, other.track().kind),
    });
    events
}

fn gaps(pcrs: &[u64]) -> impl Iterator<Item = u64> {
    pcrs.windows(2).map(|pair| pair[1].checked_sub(pair[0]).expect("the clock goes forward"))
}

#[test]
fn the_clock_ticks_every_40_ms_at_any_frame_rate() {
    for step in [1500, 3000, 3600, 3750, 9000, 45_000] {
        let stream = Stream::of(&mux(MuxConfig::default(), pictures(step)));
        let pcrs = stream.pcrs();
        assert!(gaps(&pcrs).all(|gap| gap > 0 && gap <= 40 * MILLISECOND), "{step}");
        let span = pcrs.last().unwrap() - pcrs[0];
        assert_eq!(span, 300 * (900_000 / step - 1).cast_unsigned() * step.cast_unsigned());
    }
}

#[test]
fn the_clock_leads_decoding_by_what_is_asked_for() {
    let mut config = MuxConfig::default();
    config.clock_lead = Duration::from_millis(250);
    let stream = Stream::of(&mux(config, pictures(3600)));
    for (packet, pes) in
        stream.packets.iter().filter(|it| it.pid == 0x100 && it.start).zip(&stream.pes)
    {
        let dts = pes.dts.or(pes.pts).unwrap();
        assert_eq!(packet.pcr, Some((dts - 22_500) * 300));
    }
}

#[test]
fn audio_alone_carries_the_clock_every_100_ms() {
    let events = [MediaEvent::Track(aac())].into_iter().chain(sounds(0, 10));
    let stream = Stream::of(&mux(MuxConfig::default(), events));
    assert!(gaps(&stream.pcrs()).all(|gap| gap <= 100 * MILLISECOND));
    // Three frames share a packet: none is there for the clock alone.
    assert!(stream.packets.iter().all(|it| it.payload.is_some()));
    assert_eq!(stream.pmts[0].1[..2], hex("e100"));
}

#[test]
fn audio_drives_the_clock_while_video_is_silent() {
    let late = (0..25).map(|it| MediaEvent::Frame(picture(VIDEO, 720_000 + it * 3600, it == 0, 9)));
    let events =
        pictures(3600).take(26).chain([MediaEvent::Track(aac())]).chain(sounds(0, 9)).chain(late);
    let stream = Stream::of(&mux(MuxConfig::default(), interleaved(events)));
    assert!(gaps(&stream.pcrs()).all(|gap| gap <= 40 * MILLISECOND));
    // No clock has passed the decoding time of what comes behind it.
    let mut clock = 0;
    let mut frames = stream.pes_of(0x100).into_iter();
    for packet in &stream.packets {
        clock = packet.pcr.unwrap_or(clock);
        if packet.pid == 0x100 && packet.start {
            let pes = frames.next().unwrap();
            assert!(clock < 300 * pes.dts.or(pes.pts).unwrap());
        }
    }
    assert!(stream.packets.iter().all(|it| !it.discontinuity));
}

#[test]
fn keys_are_marked_and_bring_their_parameter_sets() {
    let stream = Stream::of(&mux(MuxConfig::default(), pictures(3600).take(60)));
    let sets = hex("00000001 674d400beca146fc9808800000030080000019078a14cb 00000001 68ebe0412c80");
    for (index, pes) in stream.pes.iter().enumerate() {
        let key = index % 50 == 0;
        assert_eq!(pes.random_access, key);
        assert!(pes.aligned);
        let rest = pes.payload.strip_prefix(&hex("00000001 09f0")[..]).expect("a delimiter first");
        let units = if key { rest.strip_prefix(&sets[..]).expect("parameter sets") } else { rest };
        assert_eq!(units[..4], if key { [0, 0, 1, 0x65] } else { [0, 0, 1, 0x41] });
        assert_eq!(units.len(), 704);
    }
}

#[test]
fn parameter_sets_and_delimiters_in_a_frame_are_not_doubled() {
    let data =
        hex("00000002 09f0 00000003 67aabb 00000002 68cc 00000002 65dd 00000000 00000002 0910");
    let events = [MediaEvent::Track(avc()), MediaEvent::Frame(frame(VIDEO, 0, &data))];
    let stream = Stream::of(&mux(MuxConfig::default(), events));
    let expected = hex("00000001 09f0 00000001 67aabb 00000001 68cc 000001 65dd");
    assert_eq!(stream.pes[0].payload, expected);
}

#[test]
fn a_claim_to_be_a_key_gets_parameter_sets_and_no_mark() {
    let mut claim = picture(VIDEO, 0, false, 5);
    claim.facts.marked_key = true;
    let mut open = picture(VIDEO, 3600, false, 5);
    open.facts.random_access = RandomAccess::Recovery(0);
    let mut refresh = picture(VIDEO, 7200, false, 5);
    refresh.facts.random_access = RandomAccess::Recovery(8);
    let events = [claim, open, refresh, picture(VIDEO, 10_800, false, 5)].map(MediaEvent::Frame);
    let events = [MediaEvent::Track(avc())].into_iter().chain(events);
    let stream = Stream::of(&mux(MuxConfig::default(), events));
    let got: Vec<(bool, bool)> =
        stream.pes.iter().map(|it| (it.random_access, it.payload.len() > 40)).collect();
    assert_eq!(got, [(false, true), (true, true), (false, true), (false, false)]);
}

#[test]
fn tables_start_a_segment_and_come_again() {
    let mut config = MuxConfig::default();
    for (interval, count) in [(None, 2), (Some(Duration::from_millis(500)), 20)] {
        config.table_interval = interval;
        let mut muxer = TsMuxer::new(config);
        let mut segments = [BytesMut::new(), BytesMut::new()];
        for event in pictures(3600) {
            let second = matches!(&event, MediaEvent::Frame(it) if it.dts.0 >= 360_000);
            if matches!(&event, MediaEvent::Frame(it) if it.dts.0 == 360_000) {
                muxer.flush(&mut segments[0]);
                muxer.start_segment();
            }
            muxer.push(&event, &mut segments[usize::from(second)]).unwrap();
        }
        for segment in &segments {
            let stream = Stream::of(segment);
            let pids: Vec<u16> = stream.packets.iter().take(3).map(|it| it.pid).collect();
            assert_eq!(pids, [0, 0x1000, 0x100]);
            assert!(stream.packets[2].random_access && stream.packets[2].pcr.is_some());
        }
        // Counters and times go on: together they are one stream.
        let whole = Stream::of(&[&segments[0][..], &segments[1]].concat());
        assert_eq!(whole.pmts.len(), count);
        assert!(whole.pmts.iter().all(|it| *it == whole.pmts[0]));
        assert!(gaps(&whole.pcrs()).all(|gap| gap <= 40 * MILLISECOND));
    }
}

#[test]
fn a_new_track_is_a_new_version_of_the_map() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    let mut push = |event| muxer.push(&event, &mut out).unwrap();
    push(MediaEvent::Track(avc()));
    push(MediaEvent::Frame(picture(VIDEO, 0, true, 9)));
    push(MediaEvent::Track(avc())); // the same again
    push(MediaEvent::Frame(picture(VIDEO, 3600, false, 9)));
    push(MediaEvent::Track(aac()));
    push(MediaEvent::Track(id3()));
    push(MediaEvent::Frame(picture(VIDEO, 7200, false, 9)));
    push(MediaEvent::End(AUDIO));
    push(MediaEvent::Frame(picture(VIDEO, 10_800, false, 9)));
    muxer.flush(&mut out);
    let stream = Stream::of(&out);
    let video = "1be100f000";
    let id3 = "15e102f00f 260dffff49443320ff49443320000f";
    let pointer = "250fffff49443320ff49443320001f0001";
    assert_eq!(
        stream.pmts,
        [
            (0, hex(&format!("e100f000 {video}"))),
            (1, hex(&format!("e100f011 {pointer} {video} 0fe101f000 {id3}"))),
            (2, hex(&format!("e100f011 {pointer} {video} {id3}"))),
        ]
    );
}

#[test]
fn a_track_keeps_its_pid_and_counter_when_it_comes_again() {
    let events = [
        MediaEvent::Track(aac()),
        MediaEvent::Frame(frame(AUDIO, 0, &[1; 20])),
        MediaEvent::End(AUDIO),
        MediaEvent::Track(aac()),
        MediaEvent::Frame(frame(AUDIO, 1920, &[2; 20])),
    ];
    let stream = Stream::of(&mux(MuxConfig::default(), events));
    let counters: Vec<u8> =
        stream.packets.iter().filter(|it| it.pid == 0x100).map(|it| it.counter).collect();
    assert_eq!(counters, [0, 1]);
}

#[test]
fn every_codec_has_its_entry_in_the_map() {
    let hevc = Demuxed::of(&read("hevc.ts")).tracks()[0].clone();
    let head = hex("4f707573486561640106380180bb0000000000");
    for (track, entry) in [
        (hevc, "24e100f006 050448455643"),
        (audio_of(AudioCodec::Mp3, b"", 44_100, 2), "03e100f000"),
        (audio_of(AudioCodec::Mp3, b"", 0, 2), "03e100f000"),
        (audio_of(AudioCodec::Mp3, b"", 22_050, 1), "04e100f000"),
        (audio_of(AudioCodec::Ac3, b"\x10\x3d\xc0", 48_000, 6), "81e100f006 050441432d33"),
        (audio_of(AudioCodec::Eac3, b"", 48_000, 6), "87e100f006 050445414333"),
        (audio_of(AudioCodec::Opus, &head, 48_000, 6), "06e100f00a 05044f707573 7f028006"),
    ] {
        let data = hex("00000002 4001");
        let event = MediaEvent::Frame(frame(track.id, 0, &data));
        let stream = Stream::of(&mux(MuxConfig::default(), [MediaEvent::Track(track), event]));
        assert_eq!(stream.pmts[0].1, [hex("e100f000"), hex(entry)].concat());
    }
}

#[test]
fn a_language_of_three_letters_is_in_the_map() {
    for (language, descriptor) in [("deu", "f006 0a0464657500"), ("de", "f000")] {
        let mut track = aac();
        track.language = Some(language.into());
        let events = [MediaEvent::Track(track), MediaEvent::Frame(frame(AUDIO, 0, &[0]))];
        let stream = Stream::of(&mux(MuxConfig::default(), events));
        assert_eq!(stream.pmts[0].1[7..], hex(descriptor));
    }
}

#[test]
fn audio_frames_that_follow_each_other_share_a_packet() {
    let times = |hold, dts: &[i64]| {
        let mut config = MuxConfig::default();
        config.audio_hold = Duration::from_millis(hold);
        config.start = Duration::ZERO;
        let frames = dts.iter().map(|dts| MediaEvent::Frame(frame(AUDIO, *dts, &[0; 50])));
        let stream = Stream::of(&mux(config, [MediaEvent::Track(aac())].into_iter().chain(frames)));
        let pes = stream.pes_of(0x100);
        pes.iter().map(|it| (it.pts.unwrap(), it.payload.len() / 57)).collect::<Vec<_>>()
    };
    let dts = [0, 1920, 3840, 5760, 7680];
    assert_eq!(times(60, &dts), [(0, 3), (5760, 2)]);
    assert_eq!(times(0, &dts), [(0, 1), (1920, 1), (3840, 1), (5760, 1), (7680, 1)]);
    // Rounded to milliseconds they still follow each other; behind a gap they don't.
    assert_eq!(times(60, &[0, 1890, 3870, 5760]), [(0, 3), (5760, 1)]);
    assert_eq!(times(60, &[0, 1920, 9000, 10_920]), [(0, 2), (9000, 2)]);
}

#[test]
fn held_audio_waits_no_longer_for_video() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    for event in [
        MediaEvent::Track(avc()),
        MediaEvent::Track(aac()),
        MediaEvent::Frame(frame(AUDIO, 0, &[0; 50])),
        MediaEvent::Frame(picture(VIDEO, 5399, true, 9)),
    ] {
        muxer.push(&event, &mut out).unwrap();
    }
    assert_eq!(Stream::of(&out).pes_of(0x101).len(), 0);
    muxer.push(&MediaEvent::Frame(picture(VIDEO, 5400, false, 9)), &mut out).unwrap();
    assert_eq!(Stream::of(&out).pes_of(0x101).len(), 1);
}

#[test]
fn opus_packets_stand_behind_a_control_header() {
    let head = hex("4f707573486561640102380180bb0000000000");
    for (len, header) in
        [(3, "7fe0 03"), (254, "7fe0 fe"), (255, "7fe0 ff00"), (600, "7fe0 ffff5a")]
    {
        let track = audio_of(AudioCodec::Opus, &head, 48_000, 2);
        let event = MediaEvent::Frame(frame(AUDIO, 0, &vec![0xFC; len]));
        let stream = Stream::of(&mux(MuxConfig::default(), [MediaEvent::Track(track), event]));
        let [pes] = &stream.pes[..] else { panic!("one packet") };
        assert_eq!(pes.stream_id, 0xBD);
        assert_eq!(pes.payload, [hex(header), vec![0xFC; len]].concat());
    }
}

#[test]
fn what_has_no_form_is_refused_and_the_rest_goes_on() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    let av1 = VideoParams::new(VideoCodec::Av1, Bytes::new());
    for track in [
        Track::new(VIDEO, Timescale::MPEG, CodecParams::Video(av1)),
        audio_of(AudioCodec::Flac, b"", 48_000, 2),
        Track::new(TrackId::data(0), Timescale::MPEG, CodecParams::Data(DataCodec::Script)),
        audio_of(AudioCodec::Aac, &hex("f94a2000"), 48_000, 2), // xHE-AAC
    ] {
        let refused = muxer.push(&MediaEvent::Track(track), &mut out);
        assert!(matches!(refused, Err(TsError::Unsupported { .. })), "{refused:?}");
    }
    let broken = VideoParams::new(VideoCodec::Avc, Bytes::from_static(&[1, 2]));
    let broken = Track::new(VIDEO, Timescale::MPEG, CodecParams::Video(broken));
    let refused = muxer.push(&MediaEvent::Track(broken), &mut out);
    assert!(matches!(refused, Err(TsError::Malformed { track: VIDEO, .. })), "{refused:?}");
    let unknown = muxer.push(&MediaEvent::Frame(frame(VIDEO, 0, &[1])), &mut out);
    assert_eq!(unknown, Err(TsError::UnknownTrack(VIDEO)));

    muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
    let cut = frame(VIDEO, 0, &hex("00000003 6501"));
    assert!(matches!(
        muxer.push(&MediaEvent::Frame(cut), &mut out),
        Err(TsError::Malformed { .. })
    ));
    assert!(out.is_empty());
    muxer.push(&MediaEvent::Frame(picture(VIDEO, 0, true, 9)), &mut out).unwrap();
    assert_eq!(Stream::of(&out).pes.len(), 1);
}

#[test]
fn quirk_76_frames_without_a_unit_are_left_out() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
    muxer.push(&MediaEvent::Track(aac()), &mut out).unwrap();
    for empty in [
        frame(VIDEO, 0, b""),
        frame(VIDEO, 0, &hex("00000000 00000000")),
        frame(VIDEO, 0, &hex("00000002 09f0")),
        frame(AUDIO, 0, b""),
    ] {
        let written = muxer.push(&MediaEvent::Frame(empty), &mut out).unwrap();
        assert!(written.empty);
    }
    assert!(out.is_empty());
}

#[test]
fn as_many_tracks_as_the_limit_and_one_more() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    let track = |number| {
        let mut track = aac();
        track.id = TrackId::audio(number);
        track.language = Some("eng".into());
        MediaEvent::Track(track)
    };
    for number in 0..MAX_TRACKS as u8 {
        muxer.push(&track(number), &mut out).unwrap();
    }
    let refused = muxer.push(&track(99), &mut out);
    let limit = MAX_TRACKS as u64;
    let id = TrackId::audio(99);
    assert_eq!(refused, Err(TsError::Limit { track: id, which: "tracks", limit }));
    // A place is free once one of them has ended.
    muxer.push(&MediaEvent::End(TrackId::audio(3)), &mut out).unwrap();
    muxer.push(&track(99), &mut out).unwrap();
    for number in [0, 99] {
        let data = frame(TrackId::audio(number), 0, &[0; 9]);
        muxer.push(&MediaEvent::Frame(data), &mut out).unwrap();
    }
    muxer.flush(&mut out);
    let pids: Vec<u16> =
        out.chunks(188).map(|it| u16::from_be_bytes([it[1] & 0x1F, it[2]])).collect();
    assert_eq!(pids, [0, 0x1000, 0x1000, 0x100, 0x103], "the map takes two packets");
}

#[test]
fn signed_composition_offsets_move_decoding_forward() {
    // I P B B as a file with signed offsets has them.
    let mut events = vec![MediaEvent::Track(avc())];
    for (dts, cts) in [(0, 0), (1, 2), (2, -1), (3, -1), (4, 2), (5, -1), (6, -1)] {
        let mut frame = picture(VIDEO, dts * 3600, dts == 0, 9);
        frame.cts = cts * 3600;
        events.push(MediaEvent::Frame(frame));
    }
    let mut config = MuxConfig::default();
    config.start = Duration::from_secs(1);
    let stream = Stream::of(&mux(config, events));
    let times: Vec<(u64, u64)> =
        stream.pes.iter().map(|it| (it.pts.unwrap(), it.dts.or(it.pts).unwrap())).collect();
    let at = |frames: u64| 90_000 + 3600 * frames;
    assert_eq!(
        times,
        [
            (at(0), at(0)),
            (at(3), at(1)),
            (at(1) + 1, at(1) + 1),
            (at(2), at(2)),
            (at(6), at(3)),
            (at(4), at(4)),
            (at(5), at(5)),
        ]
    );
}

#[test]
fn a_marked_discontinuity_is_told_once_by_every_track() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    let mut push = |muxer: &mut TsMuxer, event| muxer.push(&event, &mut out).unwrap();
    push(&mut muxer, MediaEvent::Track(avc()));
    push(&mut muxer, MediaEvent::Track(aac()));
    push(&mut muxer, MediaEvent::Frame(picture(VIDEO, 900_000, true, 9)));
    push(&mut muxer, MediaEvent::Frame(frame(AUDIO, 900_000, &[0; 9])));
    muxer.mark_discontinuity();
    for dts in [0, 9000] {
        // Audio comes first: the clock starts anew before it.
        push(&mut muxer, MediaEvent::Frame(frame(AUDIO, dts, &[1; 9])));
        let written = push(&mut muxer, MediaEvent::Frame(picture(VIDEO, dts, true, 9)));
        assert_eq!(written, Written::default());
    }
    muxer.flush(&mut out);
    let stream = Stream::of(&out);
    let marked: Vec<(u16, bool)> = stream
        .packets
        .iter()
        .filter(|it| it.discontinuity)
        .map(|it| (it.pid, it.pcr.is_some()))
        .collect();
    assert_eq!(marked, [(0x100, true), (0x101, false)]);
}

#[test]
fn frames_fit_at_every_length_around_a_packet() {
    for len in 1..600 {
        let events = [
            MediaEvent::Track(avc()),
            MediaEvent::Frame(picture(VIDEO, 0, false, len)),
            MediaEvent::Frame(picture(VIDEO, 3600, false, 1)),
        ];
        let stream = Stream::of(&mux(MuxConfig::default(), events));
        assert_eq!(stream.pes[0].payload.len(), 6 + 3 + 1 + len);
        let head = hex("00000001 09f0 000001 41");
        assert_eq!(stream.pes[0].payload, [head, vec![0xAB; len]].concat());
    }
}

#[test]
fn nothing_is_allocated_once_the_buffers_have_grown() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::with_capacity(1 << 20);
    muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
    muxer.push(&MediaEvent::Track(aac()), &mut out).unwrap();
    let events: Vec<MediaEvent> = interleaved(pictures(3600).skip(1).take(50).chain(sounds(0, 2)));
    let (warm, measured) = events.split_at(20);
    let mut push = |events: &[MediaEvent]| {
        for event in events {
            muxer.push(event, &mut out).unwrap();
        }
    };
    push(warm);
    let counted = levada_test::allocations(|| push(measured));
    // The tables, twice a second: their sections are made anew.
    assert!(counted.count <= 4 * 2, "{counted:?}");
}

// ---- hostile ------------------------------------------------------------------------------------------------

fn times(stream: &Stream, pid: u16) -> Vec<u64> {
    stream.pes_of(pid).iter().map(|it| it.dts.or(it.pts).unwrap()).collect()
}

#[test]
fn hostile_out_01_times_that_stand_or_step_back_come_out_rising() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
    let mut moved = vec![];
    for dts in [3600, 3600, 7200, 3000, 7200, 10_800] {
        let written = muxer.push(&MediaEvent::Frame(picture(VIDEO, dts, false, 9)), &mut out);
        moved.push(written.unwrap().dts_moved);
    }
    let stream = Stream::of(&out);
    let start = 126_000;
    let expected = [3600, 3601, 7200, 7201, 7202, 10_800].map(|it| start + it);
    assert_eq!(times(&stream, 0x100), expected);
    assert_eq!(moved, [0, 1, 0, 4201, 2, 0]);
    assert!(stream.pes.iter().all(|it| it.dts.is_none_or(|dts| dts <= it.pts.unwrap())));
    assert!(gaps(&stream.pcrs()).all(|gap| gap > 0));
}

#[test]
fn hostile_out_01_times_that_jump_are_marked() {
    for (jump, marked) in [
        (-45_001, true),
        (-44_999, false),
        (900_000, false),
        (64_000_000, true),
        (-i64::from(u32::MAX) * 90, true),
        (i64::MAX / 2, true),
    ] {
        let mut muxer = TsMuxer::new(MuxConfig::default());
        let mut out = BytesMut::new();
        muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
        let base = 9_000_000;
        for dts in [base, base + jump, base + jump + 3600] {
            let event = MediaEvent::Frame(picture(VIDEO, dts, true, 9));
            let written = muxer.push(&event, &mut out).unwrap();
            assert_eq!(written.discontinuity, marked && dts == base + jump, "{jump}");
        }
        let stream = Stream::of(&out);
        let told = stream.packets.iter().filter(|it| it.discontinuity && it.pcr.is_some());
        assert_eq!(told.count(), usize::from(marked), "{jump}");
        assert!(out.len() < 400 * 188, "{jump}: the clock is not wound through the gap");
    }
}

#[test]
fn data_far_ahead_or_late_leaves_the_clock_alone() {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
    muxer.push(&MediaEvent::Track(id3()), &mut out).unwrap();
    let tag = |dts| frame(TrackId::data(0), dts, b"ID3");
    for frame in
        [tag(90_000_000), picture(VIDEO, 0, true, 9), tag(0), picture(VIDEO, 3600, false, 9)]
    {
        let written = muxer.push(&MediaEvent::Frame(frame), &mut out).unwrap();
        assert!(!written.discontinuity);
    }
    let clock = 300 * (126_000 - 63_000);
    assert_eq!(Stream::of(&out).pcrs(), [clock, clock + 40 * MILLISECOND]);
}

#[test]
fn hostile_out_01_times_wrap_at_33_bits_and_not_at_32_milliseconds() {
    // RTMP's milliseconds reach 2^32 after 49.7 days, the stream's ticks wrap once in 26.5 hours.
    for base in [(1_i64 << 32) * 90, (1 << 33) - 126_000] {
        let events =
            (-50..50).map(|it| MediaEvent::Frame(picture(VIDEO, base + it * 3600, it == -50, 9)));
        let stream = Stream::of(&mux(
            MuxConfig::default(),
            [MediaEvent::Track(avc())].into_iter().chain(events),
        ));
        for pair in times(&stream, 0x100).windows(2) {
            assert_eq!(pair[1].wrapping_sub(pair[0]) & ((1 << 33) - 1), 3600);
        }
        for pair in stream.pcrs().windows(2) {
            let circle = (1_u64 << 33) * 300;
            assert_eq!((pair[1] + circle - pair[0]) % circle, 40 * MILLISECOND);
        }
        assert!(stream.packets.iter().all(|it| !it.discontinuity));
    }
}

#[test]
fn hostile_out_02_large_video_has_no_length_and_large_audio_is_split() {
    for len in [65_000, 65_521, 65_522, 65_523, 65_527, 65_528, 1_000_000] {
        let events = [MediaEvent::Track(avc()), MediaEvent::Frame(picture(VIDEO, 0, true, len))];
        let stream = Stream::of(&mux(MuxConfig::default(), events));
        assert_eq!((stream.pes.len(), stream.pes[0].length), (1, 0));

        let track = audio_of(AudioCodec::Eac3, b"", 48_000, 2);
        let sound: Vec<u8> = (0..len).map(|it| (it % 251) as u8).collect();
        let events = [MediaEvent::Track(track), MediaEvent::Frame(frame(AUDIO, 0, &sound))];
        let stream = Stream::of(&mux(MuxConfig::default(), events));
        assert_eq!(stream.pes.len(), len.div_ceil(65_527));
        assert_eq!(stream.pes.iter().flat_map(|it| it.payload.clone()).collect::<Vec<_>>(), sound);
        assert!(stream.pes.iter().skip(1).all(|it| it.pts.is_none() && !it.aligned));
        assert_eq!(stream.pes[0].pts, Some(126_000));
    }
    // AAC has no more than 13 bits for a frame's length.
    for (len, fits) in [(8184, true), (8185, false)] {
        let mut muxer = TsMuxer::new(MuxConfig::default());
        let mut out = BytesMut::new();
        muxer.push(&MediaEvent::Track(aac()), &mut out).unwrap();
        let written = muxer.push(&MediaEvent::Frame(frame(AUDIO, 0, &vec![0; len])), &mut out);
        assert_eq!(written.is_ok(), fits, "{written:?}");
    }
}

#[test]
fn hostile_out_04_ten_thousand_tiny_frames_a_second_are_written_at_once() {
    let events = (0..10_000).map(|it| MediaEvent::Frame(picture(VIDEO, it * 9, it == 0, 1)));
    let out = mux(MuxConfig::default(), [MediaEvent::Track(avc())].into_iter().chain(events));
    assert_eq!(Stream::of(&out).pes.len(), 10_000);
    let tiny = (0..10_000).map(|it| MediaEvent::Frame(frame(AUDIO, it * 9, &[0])));
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    muxer.push(&MediaEvent::Track(aac()), &mut out).unwrap();
    for event in tiny {
        let before = out.len();
        muxer.push(&event, &mut out).unwrap();
        assert!(out.len() <= before + 10 * 188);
    }
    assert!(Stream::of(&out).pes.len() >= 9999, "they overlap, so none can share a packet");
}

#[test]
fn hostile_out_05_a_track_that_never_comes_holds_nothing_up() {
    let events =
        [MediaEvent::Track(avc()), MediaEvent::Track(aac())].into_iter().chain(sounds(0, 5));
    let stream = Stream::of(&mux(MuxConfig::default(), events));
    assert_eq!(stream.pes_of(0x101).len(), 78);
    // The clock is the video's by right, and ticks all the same.
    let pcrs = stream.pcrs();
    assert!(pcrs.len() > 100 && gaps(&pcrs).all(|gap| gap <= 40 * MILLISECOND));
}

#[test]
fn hostile_out_06_composition_offsets_out_of_range_are_refused() {
    for (cts, fits) in [
        (900_000, true),
        (900_001, false),
        (-900_000, true),
        (-900_001, false),
        (i32::MIN, false),
        (i32::MAX, false),
    ] {
        let mut muxer = TsMuxer::new(MuxConfig::default());
        let mut out = BytesMut::new();
        muxer.push(&MediaEvent::Track(avc()), &mut out).unwrap();
        let mut frame: Frame = picture(VIDEO, 9_000_000, true, 9);
        frame.cts = cts;
        let written = muxer.push(&MediaEvent::Frame(frame), &mut out);
        assert_eq!(written.is_ok(), fits, "{cts}");
        assert_eq!(out.is_empty(), !fits);
    }
}
