//! Inputs that break readers and writers like these. Names with an id are cases of the catalogue of hostile inputs.

use bytes::{Bytes, BytesMut};
use levada_fmp4::*;
use levada_media::*;
use proptest::prelude::*;

use crate::testdata::{file, frames_of, read_all, read_pieces, read_with};
use crate::write::{AUDIO, VIDEO, audio_track, video_track};

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + body.len()).unwrap();
    [&size.to_be_bytes(), &kind[..], body].concat()
}

fn full(kind: &[u8; 4], flags: u32, words: &[u32]) -> Vec<u8> {
    let words: Vec<u8> =
        [&[flags], words].concat().iter().flat_map(|it| it.to_be_bytes()).collect();
    boxed(kind, &words)
}

/// `moof` with one `traf` of track 1 at time 0, with 3,600 ticks a sample.
fn moof(runs: &[Vec<u8>]) -> Vec<u8> {
    let head = full(b"tfhd", 0x02_0008, &[1, 3600]);
    let time = full(b"tfdt", 0x0100_0000, &[0, 0]);
    let traf = boxed(b"traf", &[head, time, runs.concat()].concat());
    boxed(b"moof", &[full(b"mfhd", 0, &[1]), traf].concat())
}

/// After an init segment, what does the reader say?
fn after_init(bytes: &[u8]) -> (Vec<Fmp4Item>, Result<(), Fmp4Error>) {
    let init = file("ref_v_init.mp4");
    let (items, end) = read_pieces(&[&init, bytes]);
    (items[1..].to_vec(), end)
}

fn what(end: &Result<(), Fmp4Error>) -> &'static str {
    match end {
        Err(Fmp4Error::Malformed { what, .. } | Fmp4Error::Unsupported { what, .. }) => what,
        Err(Fmp4Error::Limit { which, .. }) => which,
        other => panic!("{other:?}"),
    }
}

fn frame(track: TrackId, dts: i64) -> Frame {
    Frame::new(track, Ticks(dts), Bytes::from_static(b"frame"))
}

fn fragmenter() -> (Bytes, Fragmenter) {
    let init = InitSegment::new(&[video_track(Timescale::MILLIS), audio_track()]).unwrap();
    (init.bytes(), Fragmenter::new(&init))
}

#[test]
fn out_01_decode_times_that_go_back_stand_or_jump() {
    let (init, mut fragmenter) = fragmenter();
    let mut file = Pieces::from(init);
    let push = |fragmenter: &mut Fragmenter, dts| fragmenter.push(frame(VIDEO, dts));
    let refused = |after, dts| {
        Err(Fmp4Error::OutOfOrder { track: VIDEO, after: Ticks(after), dts: Ticks(dts) })
    };
    assert_eq!(push(&mut fragmenter, -1), refused(0, -1));
    let wrap = 1 << 32;
    for dts in [40, 80, 80, wrap - 1, wrap + 1] {
        assert_eq!(push(&mut fragmenter, dts), Ok(()));
    }
    assert_eq!(push(&mut fragmenter, 0), refused(wrap + 1, 0));
    assert_eq!(fragmenter.push(frame(AUDIO, 0)), Ok(())); // the other track is not concerned
    file.extend(&fragmenter.cut(&Preface::default()));
    assert_eq!(push(&mut fragmenter, wrap), refused(wrap + 1, wrap)); // nor does a cut help
    // A step that no sample duration can say needs a cut.
    assert_eq!(push(&mut fragmenter, wrap + 2), Ok(()));
    let limit = Err(Fmp4Error::Limit { which: "gap", limit: u32::MAX.into() });
    assert_eq!(push(&mut fragmenter, 2 * wrap + 2), limit);
    file.extend(&fragmenter.cut(&Preface::default()));
    assert_eq!(push(&mut fragmenter, 2 * wrap + 2), Ok(()));
    assert_eq!(push(&mut fragmenter, 3 * wrap + 1), Ok(())); // 2^32 - 1 ticks later
    file.extend(&fragmenter.cut(&Preface::default()));
    fragmenter.discontinuity();
    assert_eq!(push(&mut fragmenter, 5), Ok(()));
    file.extend(&fragmenter.cut(&Preface::default()));

    let frames = frames_of(&read_all(&file.join()));
    let times: Vec<_> = frames.iter().filter(|it| it.track == VIDEO).map(|it| it.dts.0).collect();
    assert_eq!(times, [40, 80, 80, wrap - 1, wrap + 1, wrap + 2, 2 * wrap + 2, 3 * wrap + 1, 5]);
}

#[test]
fn out_04_frames_of_a_fragment_are_bounded() {
    let init = InitSegment::new(&[video_track(Timescale::MILLIS)]).unwrap();
    let mut limits = FragmentLimits::default();
    (limits.frames, limits.bytes) = (3, 14);
    let mut fragmenter = Fragmenter::with_limits(&init, limits);
    let sized = |dts, size: usize| Frame::new(VIDEO, Ticks(dts), vec![0; size].into());
    for dts in 0..3 {
        assert_eq!(fragmenter.push(sized(dts, 1)), Ok(()));
    }
    let limit = |which, limit| Err(Fmp4Error::Limit { which, limit });
    assert_eq!(fragmenter.push(sized(3, 1)), limit("frames", 3));
    assert_eq!(fragmenter.cut(&Preface::default()).unwrap().iter().count(), 4);
    assert_eq!(fragmenter.push(sized(3, 13)), Ok(()));
    assert_eq!(fragmenter.push(sized(4, 2)), limit("bytes", 14));
    assert_eq!(fragmenter.push(sized(4, 1)), Ok(()));
    assert_eq!(fragmenter.bytes(), 14);
    // A limit above what data_offset can say is lowered.
    limits.bytes = usize::MAX;
    let limits = format!("{:?}", Fragmenter::with_limits(&init, limits));
    assert!(limits.contains("bytes: 1073741824"), "{limits}");
}

#[test]
fn out_04_event_messages_are_bounded() {
    let id3 = Track::new(TrackId::data(0), Timescale::MILLIS, CodecParams::Data(DataCodec::Id3));
    let init = InitSegment::new(&[video_track(Timescale::MILLIS), id3]).unwrap();
    let mut limits = FragmentLimits::default();
    limits.events = 2;
    let mut fragmenter = Fragmenter::with_limits(&init, limits);
    for dts in 0..2 {
        assert_eq!(fragmenter.push(frame(TrackId::data(0), dts)), Ok(()));
    }
    let limit = Err(Fmp4Error::Limit { which: "events", limit: 2 });
    assert_eq!(fragmenter.push(frame(TrackId::data(0), 2)), limit);
    (limits.events, limits.bytes) = (3, 10);
    let mut bytes = Fragmenter::with_limits(&init, limits);
    for dts in 0..2 {
        assert_eq!(bytes.push(frame(TrackId::data(0), dts)), Ok(()));
    }
    let limit = Err(Fmp4Error::Limit { which: "bytes", limit: 10 });
    assert_eq!(bytes.push(frame(TrackId::data(0), 2)), limit);
    fragmenter.push(frame(VIDEO, 0)).unwrap();
    fragmenter.cut(&Preface::default()).unwrap();
    assert_eq!(fragmenter.push(frame(TrackId::data(0), 2)), Ok(()));
}

#[test]
fn out_05_a_track_that_never_arrives_is_no_matter() {
    let (init, mut fragmenter) = fragmenter();
    fragmenter.push(frame(VIDEO, 0)).unwrap();
    let fragment = fragmenter.cut(&Preface::segment().index()).unwrap();
    assert_eq!(frames_of(&read_all(&[init, fragment.join()].concat())).len(), 1);
    let unknown = TrackId::audio(1);
    assert_eq!(fragmenter.push(frame(unknown, 0)), Err(Fmp4Error::UnknownTrack(unknown)));
}

#[test]
fn out_06_composition_offsets_are_signed_and_never_wrap() {
    let (init, mut fragmenter) = fragmenter();
    fragmenter.set_composition_delay(VIDEO, 100);
    for (dts, cts) in (0..).zip([i32::MIN, -1, 0, 100, i32::MAX]) {
        let mut frame = frame(VIDEO, dts);
        frame.cts = cts;
        fragmenter.push(frame).unwrap();
    }
    let fragment = fragmenter.cut(&Preface::default()).unwrap();
    let frames = frames_of(&read_all(&[init, fragment.join()].concat()));
    let offsets: Vec<_> = frames.iter().map(|it| it.cts).collect();
    assert_eq!(offsets, [i32::MIN, -101, -100, 0, i32::MAX - 100]);
}

#[test]
fn out_07_text_of_an_event_ends_at_its_first_zero() {
    let mut event =
        EventMessage::new("urn:a\0b", Timescale::MILLIS, EventTime::At(0), Bytes::new());
    event.value = "1\r\n#EXT\0".into();
    let items = read_all(&event.encode());
    let [Fmp4Item::Event(read)] = &items[..] else { panic!("{items:?}") };
    assert_eq!((&*read.scheme, &*read.value), ("urn:a", "1\r\n#EXT"));
    let broken =
        boxed(b"emsg", b"\x01\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0urn:without an end");
    assert_eq!(what(&read_pieces(&[&broken]).1), "text without an end");
}

#[test]
fn boxes_of_impossible_size() {
    for size in 2..8_u32 {
        let head = [&size.to_be_bytes(), &b"free"[..]].concat();
        assert_eq!(what(&read_pieces(&[&head]).1), "a box that is shorter than its head");
    }
    for size in 0..16_u64 {
        let head = [&1_u32.to_be_bytes(), &b"free"[..], &size.to_be_bytes()].concat();
        assert_eq!(what(&read_pieces(&[&head]).1), "a box that is shorter than its head");
    }
    let inner = "a box that is shorter than its head, or longer than the box around it";
    for size in [1, 7, 17, u32::MAX] {
        let child = [&size.to_be_bytes(), &b"mvhd"[..], &[0; 8]].concat();
        let (items, end) = read_pieces(&[&boxed(b"moov", &child)]);
        assert_eq!((items.len(), what(&end)), (0, inner), "{size}");
    }
    // The error says where: moov at 8, its first child at 16, the broken one at 24.
    let second = [&boxed(b"free", &[])[..], &99_u32.to_be_bytes(), b"trak"].concat();
    let (_, end) = read_pieces(&[&boxed(b"wide", &[]), &boxed(b"moov", &second)]);
    assert_eq!(end, Err(Fmp4Error::Malformed { offset: 24, what: inner, section: "4.2" }));
}

#[test]
fn ten_thousand_boxes_inside_each_other_are_not_descended() {
    let mut nested = Vec::new();
    for kind in [b"trak", b"udta"] {
        nested.clear();
        for depth in 1..=10_000_u32 {
            nested.splice(0..0, [(8 * depth).to_be_bytes(), *kind].concat());
        }
        let (items, end) = read_pieces(&[&boxed(b"moov", &nested)]);
        assert!(items.is_empty());
        assert_eq!(end.is_err(), kind == b"trak");
    }
}

#[test]
fn samples_that_are_not_there() {
    let mdat = |count: usize| boxed(b"mdat", &vec![9; count]);
    let run = |flags, words: &[u32]| moof(&[full(b"trun", flags, words)]);
    let offset = |moof: &[u8]| u32::try_from(moof.len() + 8).unwrap();

    // More rows than the box has, or than can be counted.
    for count in [3, 0x4000_0000, u32::MAX] {
        let (items, end) = after_init(&run(0x201, &[count, 0, 1, 1]));
        assert_eq!((items.len(), what(&end)), (0, "a table longer than its box"));
    }
    // 2^32 samples in twenty bytes: without size, and with one in tfhd.
    assert_eq!(what(&after_init(&run(0x01, &[u32::MAX, 0])).1), "samples without size");
    assert_eq!(after_init(&run(0x01, &[0, 0])).1, Ok(()));
    // Over the end of mdat; before it; in front of the file; never.
    let size = offset(&run(0x201, &[1, 0, 5]));
    let (items, end) = after_init(&[run(0x201, &[1, size, 5]), mdat(4)].concat());
    assert_eq!((items.len(), what(&end)), (0, "a sample that reaches over the end of its mdat"));
    let (_, end) = after_init(&[run(0x201, &[1, size - 1, 5]), mdat(5)].concat());
    assert_eq!(what(&end), "a sample that lies before another, or outside mdat");
    let (_, end) = after_init(&run(0x201, &[1, i32::MIN.cast_unsigned(), 5]));
    assert_eq!(what(&end), "samples in front of the file");
    let first = run(0x201, &[1, size, 5]);
    assert_eq!(what(&after_init(&first).1), "the input ends in front of samples");
    let (_, end) = after_init(&[first.clone(), first.clone()].concat());
    assert_eq!(what(&end), "a fragment in front of the last one's samples");
    // Two runs over the same bytes.
    let double =
        |size| moof(&[full(b"trun", 0x201, &[1, size, 5]), full(b"trun", 0x201, &[1, size, 5])]);
    let size = offset(&double(0));
    let (items, end) = after_init(&[double(size), mdat(10)].concat());
    assert_eq!(
        (items.len(), what(&end)),
        (1, "a sample that lies before another, or outside mdat")
    );
    // A hole in the mdat, and another mdat in between, are no fault.
    let holes = [run(0x201, &[1, offset(&first) + 3 + 12, 5]), mdat(3), mdat(20)].concat();
    assert_eq!(frames_of(&after_init(&holes).0).len(), 1);
}

#[test]
fn media_without_a_movie() {
    let (items, end) = read_pieces(&[&file("ref_v_seg1.part1.m4s")]);
    assert_eq!(items, [Fmp4Item::Tolerated(Quirk::NoMovie)]);
    assert_eq!(what(&end), "a file whose media stand in front of its moov");
}

#[test]
fn what_is_tolerated_is_told_once() {
    // No tfdt: the second fragment goes on where the first one ended.
    let head = full(b"tfhd", 0x02_0018, &[1, 3600, 2]);
    let bare = |track: u32| {
        let mut head = head.clone();
        head[12..16].copy_from_slice(&track.to_be_bytes());
        let traf = boxed(b"traf", &[head, full(b"trun", 0x01, &[2, 0x44])].concat());
        [
            boxed(b"moof", &[full(b"mfhd", 0, &[1])[..0].to_vec(), traf].concat()),
            boxed(b"mdat", &[0; 4]),
        ]
        .concat()
    };
    let (items, end) = after_init(&[bare(1), bare(1), bare(7), bare(7)].concat());
    assert_eq!(end, Ok(()));
    let times: Vec<_> = frames_of(&items).iter().map(|it| it.dts.0).collect();
    assert_eq!(times, [0, 3600, 7200, 10_800]);
    let quirks: Vec<_> = items
        .iter()
        .filter_map(|it| if let Fmp4Item::Tolerated(quirk) = it { Some(*quirk) } else { None })
        .collect();
    assert_eq!(quirks, [Quirk::NoDecodeTime, Quirk::UnknownTrack]);
}

#[test]
fn offsets_from_the_file_and_from_the_last_track() {
    // Writers of before 2008: no default-base-is-moof. The second track's data follow the first one's.
    let (init, mut fragmenter) = fragmenter();
    fragmenter.push(frame(VIDEO, 0)).unwrap();
    fragmenter.push(Frame::new(AUDIO, Ticks(0), Bytes::from_static(b"sound"))).unwrap();
    let mut old = fragmenter.cut(&Preface::default()).unwrap().join().to_vec();
    let places: Vec<_> =
        old.windows(4).enumerate().filter(|it| it.1 == b"tfhd").map(|it| it.0).collect();
    let runs: Vec<_> =
        old.windows(4).enumerate().filter(|it| it.1 == b"trun").map(|it| it.0).collect();
    places.iter().for_each(|place| old[place + 5] = 0);
    // Relative to the end of the first track's data now.
    old[runs[1] + 12..runs[1] + 16].copy_from_slice(&[0; 4]);
    let frames = frames_of(&read_all(&[&init[..], &old].concat()));
    assert_eq!((&frames[0].data[..], &frames[1].data[..]), (&b"frame"[..], &b"sound"[..]));
}

#[test]
fn limits_hold_at_the_limit_and_one_beyond() {
    let (init, segment) = (file("ref_v_init.mp4"), file("ref_v_seg1.m4s"));
    let whole = [&init[..], &segment].concat();
    let end = |change: &dyn Fn(&mut ReadLimits)| {
        let mut limits = ReadLimits::default();
        change(&mut limits);
        read_with(limits, &[&whole]).1
    };
    // Bodies: moov 665 - 8, the longest moof 200 - 8, the longest event 98 - 8, the longest frame.
    for (which, limit) in [("moov", 657), ("moof", 192), ("event", 90), ("frame", 1562)] {
        let set = |limits: &mut ReadLimits, limit: u32| match which {
            "moov" => limits.moov = limit,
            "moof" => limits.moof = limit,
            "event" => limits.event = limit,
            _ => limits.frame = limit,
        };
        assert_eq!(end(&|limits| set(limits, limit)), Ok(()), "{which}");
        let refused = Err(Fmp4Error::Limit { which, limit: u64::from(limit) - 1 });
        assert_eq!(end(&|limits| set(limits, limit - 1)), refused);
    }
    assert_eq!(end(&|limits| limits.tracks = 1), Ok(()));
    assert_eq!(
        end(&|limits| limits.tracks = 0),
        Err(Fmp4Error::Limit { which: "tracks", limit: 0 })
    );
    assert_eq!(end(&|limits| limits.runs = 1), Ok(()));
    assert_eq!(end(&|limits| limits.runs = 0), Err(Fmp4Error::Limit { which: "runs", limit: 0 }));
}

#[test]
fn announced_lengths_allocate_nothing() {
    let init = file("ref_v_init.mp4");
    let moof = moof(&[full(b"trun", 0x201, &[1, 0x60, 16 << 20])]);
    let endless = [&0_u32.to_be_bytes(), &b"mdat"[..]].concat();
    for tail in [
        [&(32_u32 << 20).to_be_bytes(), &b"moov"[..], &[0; 60]].concat(),
        [&(4_u32 << 20).to_be_bytes(), &b"moof"[..], &[0; 60]].concat(),
        [&1_u32.to_be_bytes(), &b"mdat"[..], &[0x7F; 60]].concat(),
        [&moof[..], &endless, &[0; 100_000]].concat(),
    ] {
        let mut input = BytesMut::from(&[&init[..], &tail].concat()[..]);
        let mut reader = Fmp4Reader::new(ReadLimits::default());
        let counted =
            levada_test::allocations(|| while let Ok(Some(_)) = reader.read(&mut input) {});
        let bound = 2 * u64::try_from(init.len() + tail.len()).unwrap() + 8192;
        assert!(counted.peak_bytes < bound, "{counted:?} for {} bytes", tail.len());
    }
}

#[test]
fn a_file_that_ends_anywhere_keeps_what_was_whole() {
    let whole = [file("ref_v_init.mp4"), file("ref_v_seg1.part1.m4s")].concat();
    let all = frames_of(&read_all(&whole));
    let mut most = 0;
    for length in 0..whole.len() {
        let (items, end) = read_pieces(&[&whole[..length]]);
        let frames = frames_of(&items);
        assert_eq!(frames[..], all[..frames.len()]);
        assert!(frames.len() >= most);
        most = frames.len();
        let boundary = [0, 28, 693].contains(&length);
        assert_eq!(end.is_ok(), boundary, "{length}: {end:?}");
    }
    assert_eq!(most, 12);
}

proptest! {
    #[test]
    fn broken_bytes_break_nothing_else(
        which in 0..6_usize, flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut data = match which {
            0 => [file("ref_v_init.mp4"), file("ref_v_seg1.part0.m4s")].concat(),
            1 => [file("ff_hls_init_av.mp4"), file("ff_hls_seg_av0.m4s")].concat(),
            2 => file("zoo_Opus_opus_51.mp4"),
            3 => file("zoo_fLaC.mp4"),
            4 => file("zoo_hev1.mp4"),
            _ => file("ff_cmaf_a.mp4"),
        };
        // Most of what can break stands in front.
        let head = data.len().min(1600);
        for (place, byte) in flips {
            data[place.index(head)] = byte;
        }
        let whole = read_pieces(&[&data]);
        for size in [1, 13, 999] {
            prop_assert_eq!(&read_pieces(&data.chunks(size).collect::<Vec<_>>()), &whole);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(after_init(&data));
        drop(after_init(&moof(&[boxed(b"trun", &data)])));
        drop(read_pieces(&[&boxed(b"moov", &data)]));
    }
}
