//! Recordings become plain files, whatever happened to them.

use core::ops::Range;

use bytes::Bytes;
use levada_fmp4::*;
use levada_media::*;

use crate::testdata::{file, frames_of, read_all};
use crate::write::{AUDIO, VIDEO, audio_track, video_track};

fn usize_range(range: &Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
}

/// Drives a finaliser over a recording in memory. Also says what it left out and how much it read.
fn finalise(recording: &[u8]) -> Result<(Vec<u8>, u64, u64), Fmp4Error> {
    let mut out = Vec::new();
    let mut finaliser = Finaliser::new(recording.len() as u64, ReadLimits::default());
    let (mut read, mut last) = (0, 0);
    loop {
        let step = finaliser.next_step()?;
        assert!(read < 100 * 4096 + 100 * recording.len() as u64, "reads without end");
        let Progress { done, total } = finaliser.progress();
        assert!(last <= done && done <= total, "{last} {done} {total}");
        last = done;
        match step {
            Step::Read(range) => {
                assert_eq!(finaliser.next_step(), Ok(Step::Read(range.clone())), "asked again");
                read += range.end - range.start;
                finaliser.supply(Bytes::copy_from_slice(&recording[usize_range(&range)]));
            }
            Step::Write(bytes) => out.extend_from_slice(&bytes),
            Step::Copy(range) => out.extend_from_slice(&recording[usize_range(&range)]),
            Step::Done => {
                assert_eq!((done, finaliser.next_step()), (total, Ok(Step::Done)));
                return Ok((out, finaliser.left_out(), read));
            }
        }
    }
}

fn find(data: &[u8], kind: &[u8; 4]) -> Option<usize> {
    data.windows(4).position(|it| it == kind)
}

#[test]
fn files_hold_the_frames_of_their_recordings() {
    for name in [
        "elst_v.mp4",
        "ff_cmaf_a.mp4",
        "ff_cmaf_v.mp4",
        "ff_global_sidx.mp4",
        "zoo_avc1.mp4",
        "zoo_hev1.mp4",
        "zoo_av01.mp4",
        "zoo_vp09.mp4",
        "zoo_mp4a_he.mp4",
        "zoo_Opus_opus_51.mp4",
        "zoo_fLaC.mp4",
        "zoo_ac-3.mp4",
    ] {
        let recording = file(name);
        let (plain, left_out, _) = finalise(&recording).unwrap();
        assert_eq!(left_out, 0);
        let (before, after) = (read_all(&recording), read_all(&plain));
        assert_eq!(before[0], after[0], "{name}: the track");
        let (before, after) = (frames_of(&before), frames_of(&after));
        assert_eq!(before.len(), after.len(), "{name}");
        // The first picture is at 0 now.
        let start = before.iter().map(|it| it.pts().0).min().unwrap();
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((before.dts.0 - start, before.cts), (after.dts.0, after.cts), "{name}");
            assert_eq!((&before.data, before.duration), (&after.data, after.duration), "{name}");
            assert_eq!(before.facts.marked_key, after.facts.marked_key, "{name}");
        }
        assert!(find(&plain, b"moov").unwrap() < find(&plain, b"mdat").unwrap());
        assert!(find(&plain, b"mvex").is_none() && find(&plain, b"moof").is_none());
    }
}

/// Fragments of two frames each: (track, times, size).
fn recording(fragments: &[&[(TrackId, i64)]], config: &InitConfig) -> Vec<u8> {
    let tracks = [video_track(Timescale::MPEG), audio_track()];
    let init = InitSegment::with_config(&tracks, config).unwrap();
    let mut fragmenter = Fragmenter::new(&init);
    let mut out = Pieces::from(init.bytes());
    for fragment in fragments {
        fragmenter.discontinuity();
        for (index, (track, dts)) in (0_u32..).zip(*fragment) {
            let mut frame =
                Frame::new(*track, Ticks(*dts), vec![index.to_be_bytes()[3]; 10].into());
            if index == 0 {
                frame.facts.random_access = RandomAccess::Instant;
            }
            fragmenter.push(frame).unwrap();
        }
        out.extend(&fragmenter.cut(&Preface::default()));
    }
    out.join().to_vec()
}

fn times(file: &[u8], track: TrackId) -> Vec<(i64, u32)> {
    let frames = frames_of(&read_all(file));
    let of_track = frames.iter().filter(|it| it.track == track);
    of_track.map(|it| (it.dts.0, it.duration.map_or(0, u32::from))).collect()
}

#[test]
fn tracks_keep_their_relation_and_gaps_their_length() {
    let first = [(VIDEO, 900_000), (VIDEO, 903_600), (AUDIO, 480_480), (AUDIO, 481_504)];
    let second = [(VIDEO, 990_000), (AUDIO, 482_528)]; // video pauses for 0.92 s
    let (plain, _, _) = finalise(&recording(&[&first, &second], &InitConfig::default())).unwrap();
    assert_eq!(times(&plain, VIDEO), [(0, 3600), (3600, 86_400), (90_000, 3600)]);
    assert_eq!(times(&plain, AUDIO), [(480, 1024), (1504, 1024), (2528, 1024)]);
}

#[test]
fn empty_frames_between_chunks_are_not_lost() {
    let tracks = [video_track(Timescale::MPEG), audio_track()];
    let init = InitSegment::new(&tracks).unwrap();
    let mut fragmenter = Fragmenter::new(&init);
    let mut recording = Pieces::from(init.bytes());
    for (index, (video, audio)) in (0..).zip([(9, 0), (5, 0), (0, 7), (0, 0), (3, 3)]) {
        fragmenter.push(Frame::new(VIDEO, Ticks(index * 3600), vec![1; video].into())).unwrap();
        fragmenter.push(Frame::new(AUDIO, Ticks(index * 1024), vec![2; audio].into())).unwrap();
        recording.extend(&fragmenter.cut(&Preface::default()));
    }
    let recording = recording.join();
    let (plain, _, _) = finalise(&recording).unwrap();
    for file in [&recording[..], &plain] {
        let frames = frames_of(&read_all(file));
        let sizes =
            |track| frames.iter().filter(move |it| it.track == track).map(|it| it.data.len());
        assert_eq!(sizes(VIDEO).collect::<Vec<_>>(), [9, 5, 0, 0, 3]);
        assert_eq!(sizes(AUDIO).collect::<Vec<_>>(), [0, 0, 7, 0, 3]);
    }
}

#[test]
fn heads_longer_than_one_read_are_read_in_whole() {
    let frames: Vec<_> = (0..3000).map(|it| (VIDEO, it * it)).collect();
    let recording = recording(&[&frames, &[(VIDEO, 8_999_998)]], &InitConfig::default());
    let (plain, _, _) = finalise(&recording).unwrap();
    assert_eq!(frames_of(&read_all(&plain)), frames_of(&read_all(&recording)));
}

#[test]
fn edit_lists_of_the_recording_hold() {
    let mut config = InitConfig::default();
    config.edits =
        vec![(VIDEO, Edit { delay: 100, skip: 0 }), (AUDIO, Edit { delay: 0, skip: 1024 })];
    let first = [(VIDEO, 0), (VIDEO, 3600), (AUDIO, 0), (AUDIO, 1024), (AUDIO, 2048)];
    let recording = recording(&[&first], &config);
    let (plain, _, _) = finalise(&recording).unwrap();
    for track in [VIDEO, AUDIO] {
        assert_eq!(times(&plain, track), times(&recording, track));
    }
    assert_eq!(times(&plain, AUDIO)[0].0, -1024);
    assert_eq!(times(&plain, VIDEO)[0].0, 9000);
}

#[test]
fn out_01_time_that_goes_back_stands_still() {
    let fragments: [&[_]; 3] =
        [&[(VIDEO, 0), (VIDEO, 3600)], &[(VIDEO, 1000), (VIDEO, 4600)], &[(VIDEO, 8200)]];
    let (plain, _, _) = finalise(&recording(&fragments, &InitConfig::default())).unwrap();
    let frames = frames_of(&read_all(&plain));
    let shown: Vec<_> = frames.iter().map(|it| (it.dts.0, it.pts().0)).collect();
    // The third frame is decoded late, and shown when the recording says.
    assert_eq!(shown, [(0, 0), (3600, 3600), (3600, 1000), (4600, 4600), (8200, 8200)]);
}

#[test]
fn out_13_a_recording_that_ends_anywhere_is_readable_up_to_its_last_fragment() {
    let whole = file("ff_cmaf_v.mp4");
    // moov ends at 793, the first fragment at 5,916, the second at 10,913.
    for length in (0..whole.len()).step_by(7).chain([792, 793, 5915, 5916, 10_912, 10_913]) {
        let result = finalise(&whole[..length]);
        let Ok((plain, left_out, _)) = result else {
            assert!(length < 793, "{length}: {result:?}");
            continue;
        };
        assert!(length >= 793, "{length}");
        let (frames, end) = match length {
            0..5916 => (0, 793),
            5916..10_913 => (25, 5916),
            _ => (50, 10_913),
        };
        assert_eq!(frames_of(&read_all(&plain)).len(), frames, "{length}");
        assert_eq!(left_out, length as u64 - end, "{length}");
    }
}

#[test]
fn memory_does_not_grow_with_the_recording() {
    let peak = |fragments: i64| {
        let fragments: Vec<Vec<_>> = (0..fragments)
            .map(|it| (0..60).map(|frame| (VIDEO, (it * 60 + frame) * 3000)).collect())
            .collect();
        let slices: Vec<&[_]> = fragments.iter().map(Vec::as_slice).collect();
        let recording = Bytes::from(recording(&slices, &InitConfig::default()));
        let mut finaliser = Finaliser::new(recording.len() as u64, ReadLimits::default());
        let (mut read, mut copied) = (0, 0);
        let counted = levada_test::allocations(|| {
            loop {
                match finaliser.next_step().unwrap() {
                    Step::Read(range) => {
                        read += range.end - range.start;
                        finaliser.supply(recording.slice(usize_range(&range)));
                    }
                    Step::Write(_) => {}
                    Step::Copy(range) => copied += range.end - range.start,
                    Step::Done => break,
                }
            }
        });
        (counted.peak_bytes, copied)
    };
    let (short, long) = (peak(50), peak(2000));
    assert_eq!((short.1, long.1), (50 * 600, 2000 * 600));
    // Tables are collected up to 64 KiB before they are written, in a buffer that doubles.
    assert!(long.0 < short.0.max(200 * 1024), "{short:?} {long:?}");
}

#[test]
fn more_than_four_gigabytes_have_wide_tables() {
    // Two fragments, each with one frame of 3 GiB that nobody ever reads.
    let head = |index: u64| {
        let tracks = [video_track(Timescale::MPEG)];
        let init = InitSegment::new(&tracks).unwrap();
        let mut fragmenter = Fragmenter::new(&init);
        let dts = Ticks(i64::try_from(index * 90_000).unwrap());
        fragmenter.push(Frame::new(VIDEO, dts, Bytes::from_static(b"x"))).unwrap();
        let mut bytes = fragmenter.cut(&Preface::default()).unwrap().join().to_vec();
        bytes.truncate(bytes.len() - 1 - 8);
        let size = bytes.windows(4).position(|it| it == b"tfhd").unwrap() + 16;
        bytes[size..size + 4].copy_from_slice(&(3_u32 << 30).to_be_bytes());
        let mdat = (3_u32 << 30) + 8;
        (init.bytes(), [&bytes[..], &mdat.to_be_bytes(), b"mdat"].concat())
    };
    let (init, first) = head(0);
    let second = head(1).1;
    let size = 3_u64 << 30;
    let parts = [(0, init.to_vec()), (init.len() as u64, first.clone())];
    let second_start = (init.len() + first.len()) as u64 + size;
    let parts = [&parts[..], &[(second_start, second.clone())]].concat();
    let length = second_start + second.len() as u64 + size;

    let mut finaliser = Finaliser::new(length, ReadLimits::default());
    let (mut out, mut copies) = (Vec::new(), Vec::new());
    loop {
        match finaliser.next_step().unwrap() {
            Step::Read(range) => {
                let byte = |at: u64| {
                    let part = parts
                        .iter()
                        .find(|(start, bytes)| (*start..*start + bytes.len() as u64).contains(&at));
                    part.map_or(0, |(start, bytes)| bytes[usize::try_from(at - start).unwrap()])
                };
                finaliser.supply(range.map(byte).collect());
            }
            Step::Write(bytes) => out.extend_from_slice(&bytes),
            Step::Copy(range) => copies.push(range),
            Step::Done => break,
        }
    }
    let first_media = (init.len() + first.len()) as u64;
    let second_media = second_start + second.len() as u64;
    assert_eq!(copies, [first_media..first_media + size, second_media..second_media + size]);
    let words = |kind: &[u8; 4], count: usize| -> Vec<u32> {
        let at = find(&out, kind).unwrap() + 4;
        out[at..at + 4 * count]
            .chunks(4)
            .map(|it| u32::from_be_bytes(it.try_into().unwrap()))
            .collect()
    };
    assert_eq!(out[out.len() - 16..out.len() - 8], *b"\0\0\0\x01mdat");
    assert_eq!(out[out.len() - 8..], (2 * size + 16).to_be_bytes());
    let start = out.len() as u64;
    assert_eq!(find(&out, b"stco"), None);
    let place = |at: u64| [(at >> 32) as u32, (at & 0xFFFF_FFFF) as u32];
    assert_eq!(words(b"co64", 6), [[0, 2], place(start), place(start + size)].concat());
    assert_eq!(words(b"stsz", 3), [0, 3 << 30, 2]);
}

#[test]
fn what_is_no_recording_is_refused() {
    let what = |recording: &[u8]| match finalise(recording) {
        Err(Fmp4Error::Malformed { what, .. } | Fmp4Error::Unsupported { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(b""), "a recording without a moov");
    assert_eq!(what(&file("ref_v_seg1.m4s")), "a recording without a moov");
    let (plain, _, _) = finalise(&file("ff_cmaf_v.mp4")).unwrap();
    assert_eq!(what(&plain), "a file that is not fragmented");
    let two = [file("ff_cmaf_v.mp4"), file("ff_cmaf_a.mp4")].concat();
    assert_eq!(what(&two), "a recording whose tracks change");
    let twice = [file("zoo_avc1.mp4"), file("zoo_avc1.mp4")].concat();
    assert_eq!(frames_of(&read_all(&finalise(&twice).unwrap().0)).len(), 20);
    // A frame that lies somewhere else.
    let mut broken = file("zoo_avc1.mp4");
    let run = find(&broken, b"trun").unwrap();
    broken[run + 12] = 1;
    assert_eq!(what(&broken), "samples outside the mdat that follows their moof");
}

#[test]
fn a_driver_that_gives_too_little_is_told() {
    let mut finaliser = Finaliser::new(5000, ReadLimits::default());
    let Ok(Step::Read(range)) = finaliser.next_step() else { panic!() };
    assert_eq!(range, 0..4096);
    finaliser.supply(Bytes::from_static(&[0; 4095]));
    let error = finaliser.next_step().unwrap_err();
    assert!(matches!(error, Fmp4Error::Malformed { .. }));
    assert_eq!(finaliser.next_step(), Err(error));
}
