//! The rules that a writer must keep.

use core::num::NonZeroU32;

use bytes::Bytes;
use levada_fmp4::*;
use levada_media::*;

use crate::testdata::{file, frames_of, read_all};

pub(crate) const VIDEO: TrackId = TrackId::video(0);
pub(crate) const AUDIO: TrackId = TrackId::audio(0);
const DATA: TrackId = TrackId::data(0);

/// A video track of 160 x 90, in milliseconds as RTMP brings it unless told otherwise.
pub(crate) fn video_track(scale: Timescale) -> Track {
    let config = levada_test::hex(
        "014d400bffe10017674d400beca146fc9808800000030080000019078a14cb01000568ebe0e4b2",
    );
    let mut params = VideoParams::new(VideoCodec::Avc, config.into());
    (params.width, params.height) = (160, 90);
    Track::new(VIDEO, scale, CodecParams::Video(params))
}

pub(crate) fn audio_track() -> Track {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels) = (48_000, 2);
    params.samples_per_frame = Some(1024);
    Track::new(AUDIO, Timescale::new(48_000).unwrap(), CodecParams::Audio(params))
}

fn fragmenter(tracks: &[Track]) -> (Bytes, Fragmenter) {
    let init = InitSegment::new(tracks).unwrap();
    (init.bytes(), Fragmenter::new(&init))
}

fn frame(track: TrackId, dts: i64, size: usize) -> Frame {
    Frame::new(track, Ticks(dts), vec![0xA5; size].into())
}

/// The fields of the first box of a kind in a fragment, behind version and flags.
fn fields_of(head: &[u8], kind: &[u8; 4]) -> (u32, Vec<u32>) {
    let at = head.windows(4).position(|it| it == kind).unwrap();
    let size = u32::from_be_bytes(head[at - 4..at].try_into().unwrap());
    let end = at - 4 + usize::try_from(size).unwrap();
    let words: Vec<u32> =
        head[at + 4..end].chunks(4).map(|it| u32::from_be_bytes(it.try_into().unwrap())).collect();
    (words[0], words[1..].to_vec())
}

fn head_of(pieces: &Pieces) -> &[u8] {
    pieces.iter().next().unwrap()
}

#[test]
fn no_media_byte_is_copied() {
    let (_, mut fragmenter) = fragmenter(&[video_track(Timescale::MILLIS), audio_track()]);
    let mut payloads = Vec::new();
    for index in 0..60 {
        let video = frame(VIDEO, index * 33, 3000);
        let audio = frame(AUDIO, index * 1024, 300);
        payloads.push((video.data.as_ptr(), video.data.len()));
        payloads.insert(payloads.len() / 2, (audio.data.as_ptr(), audio.data.len()));
        fragmenter.push(video).unwrap();
        fragmenter.push(audio).unwrap();
    }
    let pieces = fragmenter.cut(&Preface::segment()).unwrap();
    let mut shared: Vec<_> = pieces.iter().skip(1).map(|it| (it.as_ptr(), it.len())).collect();
    shared.sort();
    payloads.sort();
    assert_eq!(shared, payloads);
    assert_eq!(pieces.len(), pieces.join().len());
}

#[test]
fn a_fragment_is_five_allocations_whatever_it_holds() {
    let (_, mut fragmenter) = fragmenter(&[video_track(Timescale::MILLIS)]);
    let payload = Bytes::from(vec![0; 100_000]);
    let fill = |fragmenter: &mut Fragmenter, start: i64| {
        for index in 0..200 {
            fragmenter.push(Frame::new(VIDEO, Ticks(start + index), payload.clone())).unwrap();
        }
    };
    fill(&mut fragmenter, 0);
    drop(fragmenter.cut(&Preface::default()));
    fill(&mut fragmenter, 200);
    let mut pieces = None;
    let counted = levada_test::allocations(|| pieces = fragmenter.cut(&Preface::default()));
    // The head, its reference count, the places of data_offset, the list of pieces and its reference count.
    assert!(counted.count <= 5, "{counted:?}");
    assert!(counted.total_bytes < 200 * (16 + 40) + 1000, "{counted:?}");
}

#[test]
fn an_hour_of_fragments_does_not_drift() {
    // 30 frames a second in whole milliseconds, a fragment every two seconds. Peers that add up rounded durations
    // are 29 ms late after a minute.
    let (init, mut fragmenter) = fragmenter(&[video_track(Timescale::MILLIS)]);
    let mut file = vec![init];
    for index in 0..30 * 3600 {
        if index % 60 == 0 && index > 0 {
            file.extend(fragmenter.cut(&Preface::default()).unwrap().iter().cloned());
        }
        fragmenter.push(frame(VIDEO, index * 1000 / 30, 1)).unwrap();
    }
    file.extend(fragmenter.cut(&Preface::default()).unwrap().iter().cloned());
    let frames = frames_of(&read_all(&file.concat()));
    assert_eq!(frames.len(), 30 * 3600);
    for (index, frame) in (0..).zip(&frames) {
        assert_eq!(frame.dts.0, index * 1000 / 30);
    }
    assert_eq!(frames[1799].dts, Ticks(59_966));
}

#[test]
fn the_last_frame_lasts_what_is_known_of_it() {
    let last_duration = |prepare: &dyn Fn(&mut Fragmenter)| {
        let (_, mut fragmenter) = fragmenter(&[video_track(Timescale::MILLIS)]);
        prepare(&mut fragmenter);
        let pieces = fragmenter.cut(&Preface::default()).unwrap();
        let (flags, words) = fields_of(head_of(&pieces), b"tfhd");
        assert_eq!(flags & 0x08, 0x08);
        words[1]
    };
    let one = |fragmenter: &mut Fragmenter| fragmenter.push(frame(VIDEO, 100, 9)).unwrap();
    assert_eq!(last_duration(&one), 0); // nothing is known
    assert_eq!(
        last_duration(&|it| {
            one(it);
            it.push(frame(VIDEO, 140, 9)).unwrap(); // as the one before it
        }),
        40
    );
    assert_eq!(
        last_duration(&|it| {
            let mut frame = frame(VIDEO, 100, 9);
            frame.duration = NonZeroU32::new(33); // as it says
            it.push(frame).unwrap();
        }),
        33
    );
    assert_eq!(
        last_duration(&|it| {
            one(it);
            it.continue_at(VIDEO, Ticks(117)); // as the caller says
        }),
        17
    );
    assert_eq!(
        last_duration(&|it| {
            one(it);
            it.continue_at(VIDEO, Ticks(110));
            it.cut(&Preface::default()).unwrap();
            it.push(frame(VIDEO, 110, 9)).unwrap(); // as the last one of the fragment before
        }),
        10
    );
    // As the headers promise: AAC frames are of one length.
    let (_, mut fragmenter) = fragmenter(&[audio_track()]);
    fragmenter.push(frame(AUDIO, 0, 9)).unwrap();
    let pieces = fragmenter.cut(&Preface::default()).unwrap();
    assert_eq!(fields_of(head_of(&pieces), b"tfhd").1[1], 1024);
}

#[test]
fn what_frames_have_in_common_stands_once() {
    let runs = |frames: &[(usize, i64, i32, bool)]| {
        let (_, mut fragmenter) = fragmenter(&[video_track(Timescale::MPEG)]);
        for (size, dts, cts, key) in frames {
            let mut frame = frame(VIDEO, *dts, *size);
            frame.cts = *cts;
            if *key {
                frame.facts.random_access = RandomAccess::Instant;
            }
            fragmenter.push(frame).unwrap();
        }
        fragmenter.continue_at(VIDEO, Ticks(frames.last().unwrap().1 + 10));
        let pieces = fragmenter.cut(&Preface::default()).unwrap();
        let head = head_of(&pieces);
        (fields_of(head, b"tfhd"), fields_of(head, b"trun"))
    };
    // Everything: no rows at all. Flags of a key frame that stands alone are the default.
    let (tfhd, trun) = runs(&[(7, 0, 0, true), (7, 10, 0, true)]);
    assert_eq!(tfhd, (0x02_0038, vec![1, 10, 7, 0x0200_0000]));
    assert_eq!((trun.0, trun.1.len()), (0x01, 2));
    // All but the first frame's flags.
    let (tfhd, trun) = runs(&[(7, 0, 0, true), (7, 10, 0, false), (7, 20, 0, false)]);
    assert_eq!(tfhd, (0x02_0038, vec![1, 10, 7, 0x0101_0000]));
    assert_eq!((trun.0, trun.1[2]), (0x05, 0x0200_0000));
    // Nothing: rows of duration, size, flags and signed offset.
    let (tfhd, trun) = runs(&[(7, 0, 0, false), (8, 10, -5, true), (9, 30, 0, false)]);
    assert_eq!(tfhd, (0x02_0000, vec![1]));
    assert_eq!(trun.0, 0x0100_0F01);
    assert_eq!(trun.1[2..6], [10, 7, 0x0101_0000, 0]);
    assert_eq!(trun.1[6..10], [20, 8, 0x0200_0000, (-5_i32).cast_unsigned()]);
    assert_eq!(trun.1[10..], [10, 9, 0x0101_0000, 0]);
    // Empty frames have rows, so that every frame is made of some byte.
    let (tfhd, trun) = runs(&[(0, 0, 0, true), (0, 10, 0, true)]);
    assert_eq!((tfhd.0, trun.0, &trun.1[2..]), (0x02_0028, 0x201, &[0, 0][..]));
}

#[test]
fn sample_flags_say_what_the_facts_say() {
    let flags = |params: CodecParams, facts: FrameFacts| {
        let track = Track::new(VIDEO, Timescale::MILLIS, params);
        let (_, mut fragmenter) = fragmenter(&[track]);
        let mut frame = frame(VIDEO, 0, 5);
        frame.facts = facts;
        fragmenter.push(frame).unwrap();
        let pieces = fragmenter.cut(&Preface::default()).unwrap();
        fields_of(head_of(&pieces), b"tfhd").1[3]
    };
    let params = |codec| CodecParams::Video(VideoParams::new(codec, Bytes::from_static(&[1])));
    let facts = |change: fn(&mut FrameFacts)| {
        let mut facts = FrameFacts::default();
        change(&mut facts);
        facts
    };
    for (codec, facts, expected) in [
        (VideoCodec::Avc, facts(|_| ()), 0x0101_0000),
        (VideoCodec::Avc, facts(|it| it.random_access = RandomAccess::Instant), 0x0200_0000),
        // A claim counts where nobody looked, and not where somebody did.
        (VideoCodec::Vp8, facts(|it| it.marked_key = true), 0x0200_0000),
        (VideoCodec::Avc, facts(|it| (it.marked_key, it.slices) = (true, Slices::P)), 0x0101_0000),
        (VideoCodec::Avc, facts(|it| it.slices = Slices::I), 0x0201_0000),
        (VideoCodec::Avc, facts(|it| it.random_access = RandomAccess::Intra), 0x0201_0000),
        (VideoCodec::Avc, facts(|it| (it.slices, it.disposable) = (Slices::B, true)), 0x0181_0000),
        // An open start is a sync sample of H.265 (ISO/IEC 14496-15 §8.4.3), and none of H.264 (§5.4.3).
        (VideoCodec::Hevc, facts(|it| it.random_access = RandomAccess::Recovery(0)), 0x0200_0000),
        (VideoCodec::Avc, facts(|it| it.random_access = RandomAccess::Recovery(0)), 0x0101_0000),
        (VideoCodec::Hevc, facts(|it| it.random_access = RandomAccess::Recovery(5)), 0x0101_0000),
        (VideoCodec::Hevc, facts(|it| it.leading = Leading::Undecodable), 0x0501_0000),
        (VideoCodec::Hevc, facts(|it| it.leading = Leading::No), 0x0901_0000),
        (VideoCodec::Hevc, facts(|it| it.leading = Leading::Decodable), 0x0D01_0000),
    ] {
        assert_eq!(flags(params(codec), facts), expected, "{codec:?} {facts:?}");
    }
}

#[test]
fn data_offsets_of_several_tracks_point_at_their_data() {
    let (init, mut fragmenter) = fragmenter(&[video_track(Timescale::MILLIS), audio_track()]);
    for index in 0_u8..5 {
        let video = Bytes::from(vec![index; 100 + usize::from(index)]);
        fragmenter.push(Frame::new(VIDEO, Ticks(i64::from(index) * 40), video)).unwrap();
        let audio = Bytes::from(vec![0x80 | index; 50 - usize::from(index)]);
        fragmenter.push(Frame::new(AUDIO, Ticks(i64::from(index) * 1024), audio)).unwrap();
    }
    let segment = fragmenter.cut(&Preface::segment().index()).unwrap().join();
    let frames = frames_of(&read_all(&[init, segment].concat()));
    for index in 0_u8..5 {
        let of =
            |track| frames.iter().filter(move |it| it.track == track).nth(index.into()).unwrap();
        assert_eq!(of(VIDEO).data, vec![index; 100 + usize::from(index)]);
        assert_eq!(of(AUDIO).data, vec![0x80 | index; 50 - usize::from(index)]);
    }
}

#[test]
fn an_index_spans_the_fragment() {
    let (_, mut fragmenter) = fragmenter(&[video_track(Timescale::MPEG)]);
    let mut key = frame(VIDEO, 90_000, 4000);
    key.cts = 7200;
    key.facts.random_access = RandomAccess::Instant;
    fragmenter.push(key).unwrap();
    fragmenter.push(frame(VIDEO, 93_600, 400)).unwrap();
    let pieces = fragmenter.cut(&Preface::default().index()).unwrap();
    let (version, words) = fields_of(head_of(&pieces), b"sidx");
    let rest = u32::try_from(pieces.len() - 52).unwrap();
    assert_eq!(version, 0x0100_0000);
    // track, timescale, the second frame is shown first, no gap, one reference
    assert_eq!(words, [1, 90_000, 0, 93_600, 0, 0, 1, rest, 7200, 0x9000_0000]);
}

#[test]
fn a_composition_delay_moves_no_picture() {
    let (init, mut fragmenter) = fragmenter(&[video_track(Timescale::MPEG)]);
    fragmenter.set_composition_delay(VIDEO, 7200);
    let offsets = [7200, 14_400, 3600, 3600];
    for (index, cts) in (0..).zip(offsets) {
        let mut frame = frame(VIDEO, index * 3600, 10);
        frame.cts = cts;
        fragmenter.push(frame).unwrap();
    }
    let pieces = fragmenter.cut(&Preface::default()).unwrap();
    let frames = frames_of(&read_all(&[init, pieces.join()].concat()));
    let times: Vec<_> = frames.iter().map(|it| (it.dts.0, it.cts, it.pts().0)).collect();
    assert_eq!(
        times,
        [(7200, 0, 7200), (10_800, 7200, 18_000), (14_400, -3600, 10_800), (18_000, -3600, 14_400)]
    );
}

#[test]
fn id3_frames_become_event_messages() {
    let data = |codec| Track::new(DATA, Timescale::MILLIS, CodecParams::Data(codec));
    let (init, mut fragmenter) =
        fragmenter(&[data(DataCodec::Id3), video_track(Timescale::MILLIS)]);
    fragmenter.push(Frame::new(DATA, Ticks(1500), Bytes::from_static(b"ID3 one"))).unwrap();
    assert!(fragmenter.cut(&Preface::default()).is_none()); // they wait for a fragment
    fragmenter.push(frame(VIDEO, 2000, 10)).unwrap();
    fragmenter.push(Frame::new(DATA, Ticks(2500), Bytes::from_static(b"ID3 two"))).unwrap();
    let pieces = fragmenter.cut(&Preface::default()).unwrap();
    let items = read_all(&[init, pieces.join()].concat());
    let events: Vec<_> = items
        .iter()
        .filter_map(|item| if let Fmp4Item::Event(event) = item { Some(event) } else { None })
        .map(|it| (it.time, it.id, it.timescale, it.data.clone()))
        .collect();
    assert_eq!(
        events,
        [
            (EventTime::At(1500), 0, Timescale::MILLIS, Bytes::from_static(b"ID3 one")),
            (EventTime::At(2500), 1, Timescale::MILLIS, Bytes::from_static(b"ID3 two")),
        ]
    );
    // What RTMP calls data has no place in a file.
    let (_, mut fragmenter) =
        self::fragmenter(&[data(DataCodec::Script), video_track(Timescale::MILLIS)]);
    fragmenter.push(Frame::new(DATA, Ticks(0), Bytes::from_static(b"\x02onMetaData"))).unwrap();
    assert!(fragmenter.is_empty());
}

#[test]
fn init_segments_read_back() {
    let mut video = video_track(Timescale::MPEG);
    video.language = Some("de".into());
    let CodecParams::Video(params) = &*video.params else { panic!() };
    let mut params = params.clone();
    params.pixel_aspect = Some((4, 3));
    params.colour = Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true });
    params.hdr = Some(Hdr {
        mastering_primaries: Some([
            (34_000, 16_000),
            (13_250, 34_500),
            (7500, 3000),
            (15_635, 16_450),
        ]),
        mastering_luminance: Some((10_000_000, 50)),
        content_light: Some((1000, 400)),
    });
    video.params = CodecParams::Video(params.clone()).into();
    let mut audio = audio_track();
    audio.language = Some("en-GB".into());
    let mut config = InitConfig::default();
    config.edits =
        vec![(VIDEO, Edit { delay: 500, skip: 7200 }), (AUDIO, Edit { delay: 0, skip: 1024 })];
    config.bit_rates = vec![(VIDEO, BitRate { max: 2_000_000, average: 1_000_000 })];
    let init = InitSegment::with_config(&[video, audio], &config).unwrap();
    assert_eq!(
        (init.number(VIDEO), init.number(AUDIO), init.number(DATA)),
        (Some(1), Some(2), None)
    );
    let bytes = init.bytes();
    // ISO/IEC 14496-12 §12.1.6: green, blue, red, white, then luminance; §12.1.7.
    let hdr = levada_test::hex("6d646376 33c286c4 1d4c0bb8 84d03e80 3d134042 00989680 00000032");
    assert!(bytes.windows(hdr.len()).any(|it| it == hdr));
    assert!(bytes.windows(8).any(|it| it == levada_test::hex("636c6c69 03e80190")));
    assert!(
        bytes.windows(16).any(|it| it == levada_test::hex("62747274 00000000 001e8480 000f4240"))
    );

    let mut fragmenter = Fragmenter::new(&init);
    fragmenter.push(frame(VIDEO, 0, 3)).unwrap();
    fragmenter.push(frame(AUDIO, 0, 3)).unwrap();
    let fragment = fragmenter.cut(&Preface::default()).unwrap().join();
    let items = read_all(&[bytes, fragment].concat());
    let (Fmp4Item::Track(video), Fmp4Item::Track(audio)) = (&items[0], &items[1]) else { panic!() };
    assert_eq!((video.language.as_deref(), audio.language.as_deref()), (Some("de"), Some("en-GB")));
    assert_eq!((video.timescale, audio.timescale.get()), (Timescale::MPEG, 48_000));
    let read = video.params.video().unwrap();
    assert_eq!((&read.config, read.codec), (&params.config, params.codec));
    let frames = frames_of(&items);
    assert_eq!((frames[0].dts, frames[1].dts), (Ticks(45_000 - 7200), Ticks(-1024)));
}

#[test]
fn parameters_that_make_no_sample_entry_are_refused() {
    let refused = |track: Track| InitSegment::new(&[track]).unwrap_err();
    let with = |change: fn(&mut VideoParams)| {
        let mut track = video_track(Timescale::MILLIS);
        let mut params = track.params.video().unwrap().clone();
        change(&mut params);
        track.params = CodecParams::Video(params).into();
        track
    };
    for track in [
        with(|it| it.config = Bytes::new()),
        with(|it| it.width = 65_536),
        with(|it| it.height = 65_536),
    ] {
        assert!(matches!(refused(track), Fmp4Error::Parameters { track: VIDEO, .. }));
    }
    assert!(InitSegment::new(&[with(|it| it.width = 65_535)]).is_ok());
    for (codec, config) in [
        (AudioCodec::Aac, &b""[..]),
        (AudioCodec::Opus, b"OpusHead\x01\x02"),
        (AudioCodec::Opus, b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\0\0\x01\x04\x02"),
        (AudioCodec::Opus, b"\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"),
    ] {
        let params = AudioParams::new(codec, Bytes::from_static(config));
        let track = Track::new(AUDIO, Timescale::MILLIS, CodecParams::Audio(params));
        assert!(matches!(refused(track), Fmp4Error::Parameters { track: AUDIO, .. }), "{config:?}");
    }
    let mut mp3 = AudioParams::new(AudioCodec::Mp3, Bytes::new());
    for (rate, object_type) in [(44_100, 0x6B), (22_050, 0x69)] {
        mp3.sample_rate = rate;
        let track = Track::new(AUDIO, Timescale::MILLIS, CodecParams::Audio(mp3.clone()));
        let bytes = InitSegment::new(&[track]).unwrap().bytes();
        let stream = [0x04, 13, object_type, 0x15];
        assert!(bytes.windows(4).any(|it| it == stream));
    }
}

#[test]
fn a_rate_that_does_not_fit_is_left_to_the_codec() {
    let mut flac = AudioParams::new(AudioCodec::Flac, file("zoo_fLaC.mp4")[..0].to_vec().into());
    flac.config = levada_test::hex("80000022120012000000c70005110bb802f0").into();
    (flac.sample_rate, flac.channels) = (96_000, 2);
    let track = Track::new(AUDIO, Timescale::new(96_000).unwrap(), CodecParams::Audio(flac));
    let bytes = InitSegment::new(&[track]).unwrap().bytes();
    let at = bytes.windows(4).position(|it| it == b"fLaC").unwrap();
    // channels, sample size, zero, rate
    assert_eq!(bytes[at + 20..at + 32], levada_test::hex("0002 0010 00000000 0000 0000")[..]);
}
