//! Streams that are not as they should be: what is lost, and that the rest is not.
#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use bytes::{Bytes, BytesMut};
use common::{Demuxed, aac, avc, frame, mux, picture, read};
use levada_codec::audio_params;
use levada_media::{
    AudioCodec, CodecParams, DataCodec, MediaEvent, Ticks, Timescale, Track, TrackId,
};
use levada_test::{cuts, hex, same_at_every_cut};
use levada_ts::{DemuxConfig, Finding, MuxConfig, TsDemuxer};
use proptest::prelude::*;

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

/// A second of video and audio, from our own muxer. Every picture is a key, so that each can be read alone.
fn good() -> Vec<u8> {
    let mut events = vec![MediaEvent::Track(avc()), MediaEvent::Track(aac())];
    for index in 0..25 {
        events.push(MediaEvent::Frame(picture(VIDEO, index * 3600, true, 500)));
        events.push(MediaEvent::Frame(frame(AUDIO, index * 1920, &[7; 100])));
    }
    mux(MuxConfig::default(), events).to_vec()
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1F, packet[2]])
}

fn counts(demuxed: &Demuxed) -> (usize, usize) {
    (demuxed.frames(VIDEO).len(), demuxed.frames(AUDIO).len())
}

fn findings(demuxed: &Demuxed) -> Vec<Finding> {
    demuxed.findings.iter().map(|(_, it)| *it).collect()
}

#[test]
fn what_the_muxer_writes_is_read_without_a_finding() {
    let demuxed = Demuxed::of(&good());
    assert_eq!((counts(&demuxed), &demuxed.findings[..]), ((25, 25), &[][..]));
    let video = demuxed.frames(VIDEO);
    assert_eq!((video[3].dts, video[3].cts), (Ticks(126_000 + 3 * 3600), 0));
    assert_eq!(video[3].data, picture(VIDEO, 0, true, 500).data);
    assert_eq!(demuxed.frames(AUDIO)[4].dts, Ticks(126_000 + 4 * 1920));
}

#[test]
fn packets_with_time_in_front_or_parity_behind() {
    let good = good();
    let plain = Demuxed::of(&good);
    let with_time: Vec<u8> =
        good.chunks(188).flat_map(|it| [&[0x47, 1, 2, 3], it].concat()).collect();
    let with_parity: Vec<u8> = good.chunks(188).flat_map(|it| [it, &[0x47; 16]].concat()).collect();
    for bytes in [with_time, with_parity] {
        let demuxed = Demuxed::of(&bytes);
        assert_eq!(demuxed.events, plain.events);
        assert_eq!(demuxed.findings, []);
    }
}

#[test]
fn bytes_in_front_and_in_between_are_skipped_and_told() {
    let good = good();
    let junk: Vec<u8> = (0..=255).filter(|it| *it != 0x47).collect();
    let (head, tail) = good.split_at(20 * 188);
    let bytes = [&junk[..], head, &junk[..100], tail].concat();
    let demuxed = Demuxed::of(&bytes);
    assert_eq!(
        demuxed.findings,
        [
            (0, Finding::LostSync { skipped: 255 }),
            (255 + 20 * 188, Finding::LostSync { skipped: 100 }),
        ]
    );
    assert_eq!(demuxed.events, Demuxed::of(&good).events);
    same_at_every_cut(&bytes, Demuxed::of_pieces);
}

#[test]
fn endless_junk_is_told_every_64_kib_and_holds_no_memory() {
    let bytes = vec![0x46; 200_000];
    let skipped: Vec<(u64, Finding)> =
        [(0, 65_536), (65_536, 65_536), (131_072, 65_536), (196_608, 3392)]
            .map(|(at, skipped)| (at, Finding::LostSync { skipped }))
            .to_vec();
    assert_eq!(Demuxed::of(&bytes).findings, skipped);
    assert_eq!(Demuxed::of_pieces(&bytes.chunks(1000).collect::<Vec<_>>()).findings, skipped);
}

#[test]
fn a_cut_packet_at_the_end_is_told() {
    let good = good();
    let demuxed = Demuxed::of(&good[..good.len() - 1]);
    assert_eq!(demuxed.findings.last().unwrap().1, Finding::LostSync { skipped: 187 });
    for len in [0, 1, 187] {
        let findings = Demuxed::of(&good[..len]).findings;
        assert_eq!(findings.len(), len.min(1), "{len}");
    }
}

#[test]
fn two_packets_are_enough_to_begin_at_the_end() {
    let good = good();
    assert_eq!(Demuxed::of(&good[..2 * 188]).findings, []);
}

#[test]
fn a_lost_packet_costs_the_frame_that_it_was_of() {
    let good = good();
    let packets: Vec<&[u8]> = good.chunks(188).collect();
    for lost in 0..packets.len() {
        let rest: Vec<u8> = packets
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != lost)
            .flat_map(|(_, it)| it.to_vec())
            .collect();
        let demuxed = Demuxed::of(&rest);
        let (video, audio) = counts(&demuxed);
        let first_tables = lost < 2;
        if first_tables {
            assert!(audio >= 11, "the tables come again after half a second: {video} {audio}");
        } else {
            let of = pid(packets[lost]);
            assert!(video >= 23 && audio >= 22, "packet {lost}: {video} {audio}");
            assert!(of != 0x100 || audio == 25);
            assert!(of != 0x101 || video == 25);
            // The first and the last packet have no neighbour that shows it.
            let is_alone = |rest: &[&[u8]]| rest.iter().all(|it| pid(it) != of);
            let shows = !is_alone(&packets[..lost]) && !is_alone(&packets[lost + 1..]);
            let told = |it: &Finding| matches!(it, Finding::MissingPackets { pid, .. } | Finding::BadPes { pid } if *pid == of);
            assert_eq!(findings(&demuxed).iter().any(told), shows, "packet {lost}");
        }
    }
}

#[test]
fn a_repeated_packet_is_read_once() {
    let good = good();
    let doubled: Vec<u8> = good.chunks(188).flat_map(|it| [it, it].concat()).collect();
    let demuxed = Demuxed::of(&doubled);
    assert_eq!(demuxed.events, Demuxed::of(&good).events);
    assert_eq!(demuxed.findings, []);
}

#[test]
fn damaged_scrambled_and_empty_packets_are_dropped() {
    let good = good();
    for (change, finding) in [
        ((1, 0x80, 0x00), Finding::DamagedPacket { pid: 0x100 }),
        ((3, 0x00, 0x30), Finding::DamagedPacket { pid: 0x100 }),
        ((3, 0xC0, 0x00), Finding::Scrambled { pid: 0x100 }),
    ] {
        let (at, set, clear) = change;
        let mut bytes = good.clone();
        let packet = bytes.chunks_mut(188).filter(|it| pid(it) == 0x100).nth(4).unwrap();
        packet[at] = packet[at] & !clear | set;
        let demuxed = Demuxed::of(&bytes);
        assert!(findings(&demuxed).contains(&finding), "{:?}", demuxed.findings);
        assert!(counts(&demuxed).0 >= 23);
        assert_eq!(counts(&demuxed).1, 25);
    }
    let null = [&[0x47, 0x9F, 0xFF, 0x10][..], &[0; 184]].concat();
    let padded: Vec<u8> = good.chunks(188).flat_map(|it| [it, &null].concat()).collect();
    assert_eq!(Demuxed::of(&padded), Demuxed { findings: vec![], ..Demuxed::of(&good) });
}

#[test]
fn a_broken_table_leaves_the_one_before_it() {
    let mut bytes = good();
    let tables: Vec<&mut [u8]> =
        bytes.chunks_mut(188).filter(|it| matches!(pid(it), 0 | 0x1000)).collect();
    assert_eq!(tables.len(), 4);
    for table in tables.into_iter().skip(2) {
        table[20] ^= 1;
    }
    let demuxed = Demuxed::of(&bytes);
    assert_eq!(
        findings(&demuxed),
        [Finding::BadTable { pid: 0 }, Finding::BadTable { pid: 0x1000 }]
    );
    assert_eq!(counts(&demuxed), (25, 25));
}

#[test]
fn a_changed_map_ends_tracks_and_begins_others() {
    let mut second = avc();
    second.id = TrackId::video(1);
    let events = [
        MediaEvent::Track(avc()),
        MediaEvent::Track(aac()),
        MediaEvent::Frame(picture(VIDEO, 0, true, 9)),
        MediaEvent::Frame(frame(AUDIO, 0, &[0; 9])),
        MediaEvent::End(AUDIO),
        MediaEvent::Frame(picture(VIDEO, 3600, false, 9)),
        MediaEvent::Track(second),
        MediaEvent::Frame(picture(TrackId::video(1), 3600, true, 9)),
        MediaEvent::Frame(picture(VIDEO, 7200, false, 9)),
    ];
    let demuxed = Demuxed::of(&mux(MuxConfig::default(), events));
    let kinds: Vec<String> = demuxed
        .events
        .iter()
        .map(|event| match event {
            MediaEvent::Track(track) => format!("begin {}", track.id),
            MediaEvent::Frame(frame) => format!("{}", frame.track),
            MediaEvent::End(id) => format!("end {id}"),
        })
        .collect();
    // Video has no end of its own: it comes when the next frame begins, or nothing more.
    let expected = [
        "begin audio 0",
        "audio 0",
        "end audio 0",
        "begin video 0",
        "video 0",
        "video 0",
        "video 0",
        "begin video 1",
        "video 1",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_new_parameter_set_is_a_new_track_and_a_repeat_is_none() {
    let track = avc();
    let config = &track.params.video().unwrap().config;
    let (sps, pps) = (&config[8..31], &config[34..]);
    assert_eq!((sps[0], pps[0]), (0x67, 0x68));
    let mut other = pps.to_vec();
    *other.last_mut().unwrap() ^= 0x40;
    let unit = |unit: &[u8]| [&(unit.len() as u32).to_be_bytes(), unit].concat();
    let key = unit(&hex("65 88 84 00 11 22 33"));
    let events = [
        MediaEvent::Track(avc()),
        MediaEvent::Frame(frame(VIDEO, 0, &key)),
        MediaEvent::Frame(frame(VIDEO, 3600, &[unit(sps), unit(pps), key.clone()].concat())),
        MediaEvent::Frame(frame(VIDEO, 7200, &[unit(sps), unit(&other), key.clone()].concat())),
    ];
    let demuxed = Demuxed::of(&mux(MuxConfig::default(), events));
    let order: Vec<bool> =
        demuxed.events.iter().map(|it| matches!(it, MediaEvent::Track(_))).collect();
    assert_eq!(order, [true, false, false, true, false]);
    assert!(demuxed.frames(VIDEO).iter().all(|it| it.data == key));
    assert_eq!(demuxed.tracks()[1].params.video().unwrap().config[34..], other);
}

#[test]
fn frames_before_parameter_sets_are_dropped_and_told() {
    let events = [MediaEvent::Track(avc())]
        .into_iter()
        .chain((0..60).map(|it| MediaEvent::Frame(picture(VIDEO, it * 3600, it == 50, 9))));
    let demuxed = Demuxed::of(&mux(MuxConfig::default(), events));
    assert_eq!(demuxed.frames(VIDEO).len(), 10);
    assert_eq!(findings(&demuxed), vec![Finding::BeforeParameters(VIDEO); 50]);
}

/// PES packets of one PID behind the tables of a stream, each in packets of its own.
fn around(tables: &[u8], pid: u16, pes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = tables.to_vec();
    let mut counter = 0;
    for pes in pes {
        for (index, piece) in pes.chunks(184).enumerate() {
            let [high, low] = pid.to_be_bytes();
            let start = if index == 0 { 0x40 } else { 0 };
            let room = 184 - piece.len();
            bytes.extend([0x47, high | start, low, if room > 0 { 0x30 } else { 0x10 } | counter]);
            bytes.extend((0..room).map(|it| match it {
                0 => (room - 1) as u8,
                1 => 0,
                _ => 0xFF,
            }));
            bytes.extend(piece);
            counter = (counter + 1) % 16;
        }
    }
    bytes
}

/// The tables of a stream with these tracks.
fn tables(tracks: &[Track]) -> Vec<u8> {
    let id = tracks[0].id;
    let events = tracks.iter().cloned().map(MediaEvent::Track);
    let data = hex("00000002 6588");
    let out = mux(MuxConfig::default(), events.chain([MediaEvent::Frame(frame(id, 0, &data))]));
    out[..2 * 188].to_vec()
}

/// A PES packet of a given length with a PTS.
fn pes(stream_id: u8, pts: &str, payload: &[u8]) -> Vec<u8> {
    let header = if pts.is_empty() { hex("800000") } else { hex(&format!("808005 {pts}")) };
    let length = (header.len() + payload.len()) as u16;
    [&[0, 0, 1, stream_id], &length.to_be_bytes()[..], &header, payload].concat()
}

/// 90,000, 180,000 ticks.
const SECONDS: [&str; 2] = ["210005bf21", "21000b7e41"];

#[test]
fn audio_frames_may_be_cut_by_pes_packets() {
    let stream = read("aac_only.ts");
    let whole = Demuxed::of(&stream);
    let adts: Vec<u8> = whole
        .frames(AUDIO)
        .iter()
        .flat_map(|it| {
            let len = (it.data.len() + 7) as u16;
            let [high, low] = (len << 5).to_be_bytes();
            let mut head = hex("fff14c80001ffc");
            head[3] |= (len >> 11) as u8;
            (head[4], head[5]) = (high, head[5] | low);
            [&head, &it.data[..]].concat()
        })
        .collect();
    // The first begins in the first packet, the third in the second: that one has the second's time.
    let lens: Vec<usize> = whole.frames(AUDIO).iter().map(|it| it.data.len() + 7).collect();
    let cut = lens[0] + lens[1] / 2;
    let pes = [pes(0xC0, SECONDS[0], &adts[..cut]), pes(0xC0, SECONDS[1], &adts[cut..])];
    let demuxed = Demuxed::of(&around(&tables(&[aac()]), 0x100, &pes));
    let frames = demuxed.frames(AUDIO);
    let times: Vec<i64> = frames.iter().take(4).map(|it| it.dts.0).collect();
    assert_eq!(times, [90_000, 91_920, 180_000, 181_920]);
    let datas = |frames: &[&levada_media::Frame]| {
        frames.iter().map(|it| it.data.clone()).collect::<Vec<Bytes>>()
    };
    assert_eq!(datas(&frames), datas(&whole.frames(AUDIO)));
    assert_eq!(demuxed.findings, []);
}

#[test]
fn bytes_between_audio_frames_are_told() {
    let frame = hex("fff14c80017ffc 01020304");
    let payload = [&frame[..], b"junk", &frame, &frame].concat();
    let stream = around(&tables(&[aac()]), 0x100, &[pes(0xC0, SECONDS[0], &payload)]);
    let demuxed = Demuxed::of(&stream);
    assert_eq!(findings(&demuxed), [Finding::BytesBetweenFrames { track: AUDIO, skipped: 4 }]);
    assert_eq!(demuxed.frames(AUDIO).len(), 3);
}

#[test]
fn a_frame_without_a_time_follows_the_one_before() {
    let adts = hex("fff14c80017ffc 01020304");
    let audio = [pes(0xC0, SECONDS[0], &adts), pes(0xC0, "", &adts)];
    let demuxed = Demuxed::of(&around(&tables(&[aac()]), 0x100, &audio));
    let times: Vec<i64> = demuxed.frames(AUDIO).iter().map(|it| it.dts.0).collect();
    assert_eq!(
        (times, findings(&demuxed)),
        (vec![90_000, 91_920], vec![Finding::NoTimestamp(AUDIO)])
    );
}

#[test]
fn several_access_units_in_a_packet_are_several_frames() {
    let config = avc().params.video().unwrap().config.clone();
    let sets = [&[0, 0, 0, 1], &config[8..31], &[0, 0, 0, 1], &config[34..]].concat();
    let payload = [
        &hex("00000001 09f0")[..],
        &sets,
        &hex("000001 6588840011 00000001 09f0 000001 419a11 00000001 09f0 000001 419a22 000000"),
    ]
    .concat();
    let video = [pes(0xE0, SECONDS[0], &payload), pes(0xE0, SECONDS[1], &hex("000001 419a33"))];
    let demuxed = Demuxed::of(&around(&tables(&[avc()]), 0x100, &video));
    let frames = demuxed.frames(VIDEO);
    let times: Vec<i64> = frames.iter().map(|it| it.dts.0).collect();
    assert_eq!(times, [90_000, 90_001, 90_002, 180_000]);
    assert_eq!(frames[2].data, hex("00000003 419a22"));
    assert_eq!(findings(&demuxed), [Finding::NoTimestamp(VIDEO); 2]);
}

#[test]
fn id3_tags_in_pieces_and_behind_a_cell_header() {
    let id3 = Track::new(TrackId::data(0), Timescale::MPEG, CodecParams::Data(DataCodec::Id3));
    let tag = [&hex("49443304000000000120")[..], &[b'x'; 0xA0]].concat();
    let pieces = [
        pes(0xBD, SECONDS[0], &tag[..60]),
        pes(0xBD, "", &tag[60..]),
        pes(0xBD, SECONDS[1], &[&hex("00000f00aa"), &tag[..]].concat()),
        pes(0xBD, SECONDS[1], b"no tag at all"),
        pes(0xBD, SECONDS[1], &tag[..60]),
        pes(0xBD, SECONDS[1], &tag),
    ];
    let demuxed = Demuxed::of(&around(&tables(&[id3]), 0x100, &pieces));
    let frames = demuxed.frames(TrackId::data(0));
    assert_eq!(frames.iter().map(|it| it.dts.0).collect::<Vec<_>>(), [90_000, 180_000, 180_000]);
    assert!(frames.iter().all(|it| it.data == tag));
    assert_eq!(findings(&demuxed), [Finding::BadFrame(TrackId::data(0)); 2]);
}

#[test]
fn opus_comes_back_with_its_channels() {
    for channels in 1..=8 {
        let mut head = hex("4f707573486561640102000080bb0000000000");
        head[9] = channels.min(2);
        let mut params = audio_params(AudioCodec::Opus, head.into()).unwrap();
        params.channels = channels;
        let track = Track::new(AUDIO, Timescale::MPEG, CodecParams::Audio(params));
        let sizes = [1, 254, 255, 256, 700];
        let frames = sizes
            .iter()
            .enumerate()
            .map(|(at, len)| MediaEvent::Frame(frame(AUDIO, at as i64 * 1800, &vec![0xFC; *len])));
        let demuxed = Demuxed::of(&mux(
            MuxConfig::default(),
            [MediaEvent::Track(track)].into_iter().chain(frames),
        ));
        let got: Vec<usize> = demuxed.frames(AUDIO).iter().map(|it| it.data.len()).collect();
        assert_eq!(got, sizes);
        assert_eq!(demuxed.tracks()[0].params.audio().unwrap().channels, channels);
        assert_eq!(demuxed.findings, []);
    }
}

#[test]
fn opus_trims_and_extensions_are_skipped() {
    let head = hex("4f707573486561640102000080bb0000000000");
    let params = audio_params(AudioCodec::Opus, head.into()).unwrap();
    let track = Track::new(AUDIO, Timescale::MPEG, CodecParams::Audio(params));
    let payload = hex("7ffc 02 0138 0100 03aabbcc fc11  7fe0 01 fc  0000 7fe0 02 fc22");
    let stream = around(&tables(&[track]), 0x100, &[pes(0xBD, SECONDS[0], &payload)]);
    let demuxed = Demuxed::of(&stream);
    let datas: Vec<&[u8]> = demuxed.frames(AUDIO).iter().map(|it| &it.data[..]).collect();
    assert_eq!(datas, [&hex("fc11")[..], &hex("fc"), &hex("fc22")]);
    assert_eq!(findings(&demuxed), [Finding::BytesBetweenFrames { track: AUDIO, skipped: 2 }]);
}

#[test]
fn a_language_comes_back() {
    let mut track = aac();
    track.language = Some("deu".into());
    let events = [MediaEvent::Track(track), MediaEvent::Frame(frame(AUDIO, 0, &[1; 9]))];
    let demuxed = Demuxed::of(&mux(MuxConfig::default(), events));
    assert_eq!(demuxed.tracks()[0].language.as_deref(), Some("deu"));
}

#[test]
fn the_programme_that_is_asked_for() {
    let mut bytes = good();
    // The PAT lists the network table, another programme, and ours.
    let section = hex("00b015 0001 c1 00 00 0000e010 0007e777 0001f000");
    let crc = section.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 }
        })
    });
    for table in bytes.chunks_mut(188).filter(|it| pid(it) == 0) {
        table[5..5 + section.len()].copy_from_slice(&section);
        table[5 + section.len()..][..4].copy_from_slice(&crc.to_be_bytes());
    }
    for (program, frames) in [(None, 0), (Some(7), 0), (Some(1), 25), (Some(2), 0)] {
        let mut config = DemuxConfig::default();
        config.program = program;
        let mut demuxer = TsDemuxer::new(config);
        let mut all = Demuxed::default();
        all.drain(&mut demuxer, &mut BytesMut::from(&bytes[..]));
        demuxer.end();
        all.drain(&mut demuxer, &mut BytesMut::new());
        assert_eq!(all.frames(VIDEO).len(), frames, "{program:?}");
    }
}

#[test]
fn segments_with_restarted_counters_go_on_behind_a_mark() {
    let mut demuxer = TsDemuxer::new(DemuxConfig::default());
    let mut all = Demuxed::default();
    for _ in 0..2 {
        all.drain(&mut demuxer, &mut BytesMut::from(&good()[..]));
        demuxer.mark_discontinuity();
    }
    demuxer.end();
    all.drain(&mut demuxer, &mut BytesMut::new());
    assert_eq!((counts(&all), all.findings), ((50, 50), vec![]));
}

#[test]
fn frames_at_the_size_limit_and_one_beyond() {
    let stream = |len| {
        let events = [
            MediaEvent::Track(avc()),
            MediaEvent::Frame(picture(VIDEO, 0, true, 9)),
            MediaEvent::Frame(picture(VIDEO, 3600, false, len)),
            MediaEvent::Frame(picture(VIDEO, 7200, false, 9)),
        ];
        mux(MuxConfig::default(), events)
    };
    // 14 bytes of header, 6 of delimiter, 3 of start code, 1 of the unit's own header.
    for (max_pes, max_pending) in [(10_000, 1 << 20), (1 << 20, 10_000)] {
        for (len, frames, found) in
            [(10_000 - 24, 3, vec![]), (10_000 - 23, 2, vec![Finding::TooLarge { pid: 0x100 }])]
        {
            let mut config = DemuxConfig::default();
            (config.max_pes, config.max_pending) = (max_pes, max_pending);
            let mut demuxer = TsDemuxer::new(config);
            let mut all = Demuxed::default();
            all.drain(&mut demuxer, &mut BytesMut::from(&stream(len)[..]));
            demuxer.end();
            all.drain(&mut demuxer, &mut BytesMut::new());
            assert_eq!((all.frames(VIDEO).len(), findings(&all)), (frames, found), "{len}");
        }
    }
}

#[test]
fn frames_in_a_pes_packet_at_the_limit_and_one_beyond() {
    let adts = hex("fff14c80011ffc 11");
    for (count, found) in [(1024, 0), (1025, 1)] {
        let payload = adts.repeat(count);
        let stream = around(&tables(&[aac()]), 0x100, &[pes(0xC0, SECONDS[0], &payload)]);
        let demuxed = Demuxed::of(&stream);
        assert_eq!((demuxed.frames(AUDIO).len(), demuxed.findings.len()), (1024, found));
    }
}

#[test]
fn pictures_in_a_pes_packet_at_the_limit_and_one_beyond() {
    let config = avc().params.video().unwrap().config.clone();
    let sets = [&[0, 0, 0, 1], &config[8..31], &[0, 0, 0, 1], &config[34..]].concat();
    let picture = hex("00000001 09f0 000001 419a11");
    for (count, beyond) in [(64, false), (65, true)] {
        let payload = [&sets[..], &picture.repeat(count)].concat();
        let video = [pes(0xE0, SECONDS[0], &payload)];
        let demuxed = Demuxed::of(&around(&tables(&[avc()]), 0x100, &video));
        assert_eq!(demuxed.frames(VIDEO).len(), 64);
        assert_eq!(findings(&demuxed).contains(&Finding::BadFrame(VIDEO)), beyond);
    }
}

#[test]
fn id3_tags_at_the_limit_and_one_beyond() {
    let id3 = Track::new(TrackId::data(0), Timescale::MPEG, CodecParams::Data(DataCodec::Id3));
    for (len, count) in [(262_144, 1), (262_145, 0)] {
        let size = len - 10;
        let digits =
            [size >> 21, size >> 14 & 0x7F, size >> 7 & 0x7F, size & 0x7F].map(|it| it as u8);
        let tag = [b"ID3\x04\0\0", &digits[..], &vec![1; size]].concat();
        let events =
            [MediaEvent::Track(id3.clone()), MediaEvent::Frame(frame(TrackId::data(0), 0, &tag))];
        let demuxed = Demuxed::of(&mux(MuxConfig::default(), events));
        assert_eq!(demuxed.frames(TrackId::data(0)).len(), count);
        assert_eq!(findings(&demuxed).is_empty(), count == 1);
    }
}

#[test]
fn an_audio_frame_without_an_end_is_given_up_at_64_kib() {
    // E-AC-3 whose access unit never ends: the streams of one programme, again and again.
    let eac3 = read("eac3_head.ts");
    let unit = Demuxed::of(&eac3).frames(AUDIO)[0].data.clone();
    let track = Demuxed::of(&eac3).tracks()[0].clone();
    let mut dependent = unit.to_vec();
    dependent[2] = dependent[2] & 0x3F | 0x40; // strmtyp 1
    let payload = [&unit[..], &dependent.repeat(100)].concat();
    let pieces: Vec<Vec<u8>> =
        payload.chunks(10_000).map(|piece| pes(0xBD, SECONDS[0], piece)).collect();
    let demuxed = Demuxed::of(&around(&tables(&[track]), 0x100, &pieces));
    let skipped: Vec<u64> = findings(&demuxed)
        .iter()
        .map(|it| if let Finding::BytesBetweenFrames { skipped, .. } = it { *skipped } else { 0 })
        .collect();
    assert!((64 * 1024..64 * 1024 + 10_000).contains(&skipped[0]), "{skipped:?}");
    assert_eq!(demuxed.frames(AUDIO).len(), 0);
}

#[test]
fn streams_of_unknown_kinds_and_more_than_the_limit_are_told() {
    let mut events = vec![];
    for number in 0..16 {
        let mut track = aac();
        track.id = TrackId::audio(number);
        events.push(MediaEvent::Track(track));
    }
    events.push(MediaEvent::Frame(frame(AUDIO, 0, &[0; 9])));
    let mut bytes = mux(MuxConfig::default(), events).to_vec();
    assert_eq!(Demuxed::of(&bytes).findings, []);
    // One of them becomes something else, and the section's checksum is made right again.
    let pmt = bytes.chunks_mut(188).find(|it| pid(it) == 0x1000).unwrap();
    let end = 5 + 3 + usize::from(u16::from_be_bytes([pmt[6] & 0x0F, pmt[7]])) - 4;
    pmt[5 + 12 + 5 * 3] = 0x86;
    let crc = pmt[5..end].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 }
        })
    });
    pmt[end..end + 4].copy_from_slice(&crc.to_be_bytes());
    let finding = Finding::UnknownStream { pid: 0x103, stream_type: 0x86 };
    assert_eq!(findings(&Demuxed::of(&bytes)), [finding]);
}

proptest! {
    #[test]
    fn any_change_of_a_good_stream_is_survived(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        sizes in cuts(),
    ) {
        let mut bytes = good();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let whole = Demuxed::of(&bytes);
        let mut pieces = vec![];
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        prop_assert_eq!(Demuxed::of_pieces(&pieces), whole);
    }

    #[test]
    fn frames_come_back_as_they_went_in(
        steps in proptest::collection::vec((1_i64..9000, 0_i32..4, 1_usize..2000, any::<bool>()), 1..60),
        start in 0_i64..1 << 40,
    ) {
        let mut events = vec![MediaEvent::Track(avc()), MediaEvent::Track(aac())];
        let (mut dts, mut frames) = (start, vec![]);
        for (index, (step, cts, len, is_video)) in steps.into_iter().enumerate() {
            dts += step;
            let mut made = if is_video {
                picture(VIDEO, dts, index == 0, len)
            } else {
                frame(AUDIO, dts, &vec![index as u8; len])
            };
            made.cts = if is_video { cts * 3600 } else { 0 };
            frames.push(made.clone());
            events.push(MediaEvent::Frame(made));
        }
        // A key first, so that every frame can be read.
        events.insert(2, MediaEvent::Frame(picture(VIDEO, start, true, 9)));
        let mut config = MuxConfig::default();
        config.audio_hold = core::time::Duration::ZERO;
        let demuxed = Demuxed::of(&mux(config, events));
        prop_assert_eq!(&demuxed.findings, &[]);
        let base = demuxed.frames(VIDEO)[0].dts.0 - start;
        for (id, skip) in [(VIDEO, 1), (AUDIO, 0)] {
            let got: Vec<_> = demuxed.frames(id).iter().skip(skip)
                .map(|it| (it.dts.0 - base, it.cts, it.data.clone())).collect();
            let sent: Vec<_> = frames.iter().filter(|it| it.track == id)
                .map(|it| (it.dts.0, it.cts, it.data.clone())).collect();
            prop_assert_eq!(got, sent);
        }
    }
}

// ---- hostile ------------------------------------------------------------------------------------------------

/// Received bytes drive memory, announced lengths never do.
#[test]
fn memory_follows_what_was_received() {
    // A PES packet that announces 64 KiB and brings nothing, again and again.
    let mut start = pes(0xC0, SECONDS[0], &[0xFF; 20]);
    (start[4], start[5]) = (0xFF, 0xFF);
    let stream = around(&tables(&[aac()]), 0x100, &vec![start; 1000]);
    let counted = levada_test::allocations(|| {
        let mut demuxer = TsDemuxer::new(DemuxConfig::default());
        let mut input = BytesMut::from(&stream[..]);
        while demuxer.next_event(&mut input).is_some() {}
    });
    assert!(counted.peak_bytes < 2 * stream.len() as u64 + 20_000, "{counted:?}");
}
