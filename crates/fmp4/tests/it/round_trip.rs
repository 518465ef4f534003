//! What is written reads back equal, whatever it is.

use core::num::NonZeroU32;

use bytes::Bytes;
use levada_fmp4::*;
use levada_media::*;
use proptest::prelude::*;

use crate::testdata::{frames_of, read_all};
use crate::write::{AUDIO, VIDEO, audio_track, video_track};

/// Frames of one track: gaps, offsets, sizes, keys.
fn frames(track: TrackId) -> impl Strategy<Value = Vec<Frame>> {
    let start = prop_oneof![Just(0_i64), 0..1_i64 << 33, Just(1_i64 << 61)];
    let frame = (
        prop_oneof![4 => Just(40_u32), 2 => 1..5000_u32, 1 => Just(u32::MAX)],
        prop_oneof![4 => Just(0), 2 => -90_000..90_000, 1 => any::<i32>()],
        prop_oneof![4 => 0..40_usize, 1 => Just(7_usize)],
        any::<(bool, bool)>(),
    );
    (start, proptest::collection::vec(frame, 1..40)).prop_map(move |(start, rows)| {
        let mut dts = start;
        let mut out: Vec<Frame> = Vec::new();
        for (gap, cts, size, (key, disposable)) in rows {
            let mut frame = Frame::new(track, Ticks(dts), vec![0xC3; size].into());
            frame.cts = cts;
            frame.duration = NonZeroU32::new(gap);
            frame.facts.disposable = disposable && track == VIDEO;
            if key || track == AUDIO {
                frame.facts.random_access = RandomAccess::Instant;
            }
            dts += i64::from(gap);
            out.push(frame);
        }
        out
    })
}

fn facts_of_container(
    frames: &[Frame],
    track: TrackId,
) -> Vec<(Ticks, i32, Option<NonZeroU32>, Bytes, bool, bool)> {
    let of_track = frames.iter().filter(|it| it.track == track);
    let key = |it: &Frame| it.is_key() || it.facts.marked_key;
    of_track
        .map(|it| (it.dts, it.cts, it.duration, it.data.clone(), key(it), it.facts.disposable))
        .collect()
}

proptest! {
    #[test]
    fn frames_written_are_frames_read(
        video in frames(VIDEO), audio in frames(AUDIO), cuts in proptest::collection::vec(any::<bool>(), 40)
    ) {
        let init = InitSegment::new(&[video_track(Timescale::MPEG), audio_track()]).unwrap();
        let mut fragmenter = Fragmenter::new(&init);
        let mut file = Pieces::from(init.bytes());
        for (index, cut) in cuts.into_iter().enumerate() {
            for frames in [&video, &audio] {
                if let Some(frame) = frames.get(index) {
                    fragmenter.push(frame.clone()).unwrap();
                }
            }
            if cut {
                file.extend(&fragmenter.cut(&Preface::segment().index()));
            }
        }
        file.extend(&fragmenter.cut(&Preface::default()));
        let read = frames_of(&read_all(&file.join()));
        prop_assert_eq!(facts_of_container(&read, VIDEO), facts_of_container(&video, VIDEO));
        prop_assert_eq!(facts_of_container(&read, AUDIO), facts_of_container(&audio, AUDIO));
    }

    #[test]
    fn event_messages_written_are_read(
        scheme in "[a-z:/]{0,30}", value in "\\PC{0,10}", scale in 1_u32.., at in any::<u64>(), after in any::<Option<u32>>(),
        duration in any::<Option<u32>>(), id in any::<u32>(), data in proptest::collection::vec(any::<u8>(), 0..50)
    ) {
        let time = after.map_or(EventTime::At(at), EventTime::After);
        let mut event = EventMessage::new(&scheme, Timescale::new(scale).unwrap(), time, data.into());
        (event.value, event.duration, event.id) = (value, duration.filter(|it| *it != u32::MAX), id);
        prop_assert_eq!(read_all(&event.encode()), [Fmp4Item::Event(event)]);
    }
}
