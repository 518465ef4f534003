//! The way from bodies to events: times, tracks, what else can be in a message.

use bytes::Bytes;
use levada_flv::*;
use levada_media::{
    Colour, DataCodec, Frame, Hdr, MediaEvent, Ticks, Timescale, TrackId, VideoCodec, VideoParams,
};
use levada_test::{allocations, hex};

use crate::common::*;

#[test]
fn timestamps_are_unwrapped_for_all_tracks_alike() {
    let mut unpacker = Unpacker::default();
    let mut times = Vec::new();
    for (kind, at, picture) in [
        (TagKind::Video, 0x7FFF_FFF0, AVC_START),
        (TagKind::Video, 0x7FFF_FFF0, AVC_KEY),
        // Beyond the half, but near to the video.
        (TagKind::Audio, 0x8000_0010, AAC_START),
        (TagKind::Audio, 0x8000_0010, AAC_FRAME),
        (TagKind::Video, 0xFFFF_FFF0, AVC_KEY),
        (TagKind::Audio, 0xFFFF_FFF8, AAC_FRAME),
        (TagKind::Video, 0x10, AVC_KEY),
        (TagKind::Audio, 0x20, AAC_FRAME),
    ] {
        unpacker.push(kind, at, body(picture));
        times.extend(frames(&drain(&mut unpacker)).iter().map(|it| it.dts.0));
    }
    let circle = 1_i64 << 32;
    assert_eq!(
        times,
        [0x7FFF_FFF0, 0x8000_0010, 0xFFFF_FFF0, 0xFFFF_FFF8, circle + 0x10, circle + 0x20]
    );
}

#[test]
fn a_negative_start_is_negative() {
    let mut unpacker = Unpacker::default();
    unpacker.push(TagKind::Audio, 0xFFFF_FFEC, body(AAC_START));
    unpacker.push(TagKind::Audio, 0xFFFF_FFEC, body(AAC_FRAME));
    assert_eq!(frames(&drain(&mut unpacker))[0].dts, Ticks(-20));
}

fn precise(kind: TagKind, bodies: &[&str]) -> Vec<Unpacked> {
    let mut config = UnpackerConfig::default();
    config.sub_millisecond = true;
    let mut unpacker = Unpacker::new(config);
    for picture in bodies {
        unpacker.push(kind, 10, body(picture));
    }
    drain(&mut unpacker)
}

#[test]
fn nanoseconds_are_used_on_demand() {
    let unpacked = precise(
        TagKind::Audio,
        &["90 4f707573", "97 02 0f423f 01 4f707573 fc", "97 02 0001f3 01 4f707573 fc"],
    );
    assert_eq!(tracks(&unpacked)[0].timescale, Timescale::MICROS);
    let times: Vec<_> = frames(&unpacked).iter().map(|it| (it.dts.0, it.cts)).collect();
    assert_eq!(times, [(11_000, 0), (10_000, 0)]);
    assert_eq!(findings(&unpacked), []);
    // Frames that are decoded at another time than they are presented at are presented later.
    let unpacked =
        precise(TagKind::Video, &[AVC_START, "a7 02 0186a0 01 61766331 000028 00000002 419a"]);
    let times: Vec<_> = frames(&unpacked).iter().map(|it| (it.dts.0, it.cts)).collect();
    assert_eq!(times, [(10_000, 40_100)]);
}

#[test]
fn nanoseconds_come_back_from_the_packer() {
    let mut config = PackerConfig::default();
    config.nano_offsets = true;
    let mut packer = Packer::new(config);
    let unpacked = precise(TagKind::Audio, &["90 4f707573", "97 02 0186a0 01 4f707573 fc"]);
    let bodies: Vec<_> = events(&unpacked)
        .iter()
        .flat_map(|it| {
            packer.pack(it).unwrap().map(|tag| (tag.timestamp, tag.body())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(bodies[1], (10, body("97 02 0186a0 01 4f707573 fc")));
}

#[test]
fn silence_and_seeks_are_told() {
    let mut unpacker = Unpacker::default();
    unpacker.push(TagKind::Audio, 100, Bytes::new());
    unpacker.push(TagKind::Video, 100, body("57 00"));
    unpacker.push(TagKind::Video, 100, body("d1 01"));
    assert_eq!(
        drain(&mut unpacker),
        [
            Unpacked::Silence(Ticks(100)),
            Unpacked::Seek(SeekCommand::Start),
            Unpacked::Seek(SeekCommand::End),
        ]
    );
}

#[test]
fn other_script_data_is_a_data_track() {
    let text = "02000a6f6e5465787444617461 02 00026869";
    let unpacked = unpack_bodies(
        TagKind::Script,
        &[&format!("02000d40736574446174614672616d65 {text}"), text],
    );
    let [MediaEvent::Track(track), MediaEvent::Frame(first), MediaEvent::Frame(second)] =
        &events(&unpacked)[..]
    else {
        panic!("{unpacked:?}")
    };
    assert_eq!(
        (track.id, &*track.params),
        (TrackId::data(0), &levada_media::CodecParams::Data(DataCodec::Script))
    );
    assert_eq!((&first.data[..], second.dts), (&hex(text)[..], Ticks(10)));
    let mut packer = Packer::default();
    let again: Vec<_> = events(&unpacked)
        .iter()
        .flat_map(|it| {
            packer.pack(it).unwrap().map(|tag| (tag.kind, tag.body())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(again, [(TagKind::Script, body(text)), (TagKind::Script, body(text))]);
}

#[test]
fn every_multitrack_layout_gives_its_frames() {
    let starts = ["90 4f707573", "95 00 4f707573 01", "95 00 6d703461 02 1190"];
    for (message, expected) in [
        ("95 01 4f707573 01 fc", vec![(1, "fc")]),
        ("95 11 4f707573 00 000001 fc 01 000002 fc00", vec![(0, "fc"), (1, "fc00")]),
        ("95 21 4f707573 00 000001 fc 6d703461 02 000002 2110", vec![(0, "fc"), (2, "2110")]),
        ("97 02 000000 05 01 4f707573 01 fc", vec![(1, "fc")]),
    ] {
        let unpacked = unpack_bodies(TagKind::Audio, &[starts[0], starts[1], starts[2], message]);
        let got: Vec<_> =
            frames(&unpacked).iter().map(|it| (it.track.number, it.data.clone())).collect();
        let expected: Vec<_> = expected.iter().map(|it| (it.0, body(it.1))).collect();
        assert_eq!(got, expected, "{message}");
    }
}

#[test]
fn encrypted_tags_are_dropped_and_told() {
    let mut tag = FlvTag::new(TagKind::Audio, 0, body(AAC_FRAME));
    tag.filtered = true;
    assert_eq!(findings(&unpack(&[tag])), [FindingKind::Encrypted]);
}

#[test]
fn a_frame_costs_no_allocation() {
    let mut unpacker = Unpacker::default();
    for (kind, picture) in [(TagKind::Video, AVC_START), (TagKind::Audio, AAC_START)] {
        unpacker.push(kind, 0, body(picture));
        drain(&mut unpacker);
    }
    // A keyframe of a megabyte, shared with whoever else holds the message.
    let mut large = hex("27 01 000000 00100000 419a");
    large.resize(9 + (1 << 20), 0x55);
    let (video, audio) = (Bytes::from(large), body(AAC_FRAME));
    let _other_holder = (video.clone(), audio.clone());
    let counted = allocations(|| {
        for at in 0..100 {
            unpacker.push(TagKind::Video, at, video.clone());
            unpacker.push(TagKind::Audio, at, audio.clone());
            while unpacker.next().is_some() {}
        }
    });
    assert!(counted.total_bytes < 100 * 1024, "media is not copied: {counted:?}");
    let mut packer = Packer::default();
    unpacker.push(TagKind::Video, 0, body("17 02 000000"));
    unpacker.push(TagKind::Video, 0, body(AVC_START));
    for event in events(&drain(&mut unpacker)) {
        packer.pack(&event).unwrap().for_each(drop);
    }
    let frame = Frame::new(TrackId::video(0), Ticks(0), video);
    let event = MediaEvent::Frame(frame);
    let counted = allocations(|| {
        for _ in 0..100 {
            packer.pack(&event).unwrap().for_each(drop);
        }
    });
    assert_eq!(counted.count, 0);
}

#[test]
fn colours_that_the_record_does_not_say_are_packed_beside_it() {
    let record = Bytes::from(hex("81000c00"));
    let base = levada_codec::video_params(VideoCodec::Av1, record).unwrap();
    let mut coloured: VideoParams = base.clone();
    coloured.colour = Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false });
    coloured.hdr = Some(Hdr {
        mastering_primaries: Some([
            (34_000, 16_000),
            (13_250, 34_500),
            (7500, 3000),
            (15_635, 16_450),
        ]),
        mastering_luminance: Some((10_000_000, 50)),
        content_light: Some((1000, 400)),
    });
    for number in [0, 1] {
        let track = |video: &VideoParams| {
            let params = levada_media::CodecParams::Video(video.clone());
            MediaEvent::Track(levada_media::Track::new(
                TrackId::video(number),
                Timescale::MILLIS,
                params,
            ))
        };
        let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
        let mut there_and_back = |event: &MediaEvent| {
            for tag in packer.pack(event).unwrap() {
                unpacker.push_tag(&tag.into());
            }
            events(&drain(&mut unpacker))
        };
        for video in [&base, &coloured, &coloured, &base] {
            let event = track(video);
            let got = there_and_back(&event);
            // The same once more is nothing.
            assert!(got.is_empty() || got == [event.clone()], "{got:?} of {event:?}");
        }
        assert_eq!(there_and_back(&track(&coloured)), [track(&coloured)]);
    }
}

#[test]
fn channel_layouts_are_packed() {
    let mut packer = Packer::default();
    for event in events(&unpack_bodies(TagKind::Audio, &["95 00 4f707573 01"])) {
        packer.pack(&event).unwrap().for_each(drop);
    }
    let layout = ChannelLayout::Custom { speakers: vec![0, 1, 0xFE] };
    let tag = packer.pack_channels(TrackId::audio(1), &layout).unwrap();
    assert_eq!(tag.body(), body("95 04 4f707573 01 02 03 0001fe"));
    assert!(packer.pack_channels(TrackId::audio(2), &layout).is_err());
}

#[test]
fn frames_of_tracks_that_were_not_announced_are_refused() {
    let mut packer = Packer::default();
    let frame =
        MediaEvent::Frame(Frame::new(TrackId::video(0), Ticks(0), Bytes::from_static(b"x")));
    assert!(matches!(packer.pack(&frame).map(Iterator::count), Err(FlvError::Misuse { .. })));
    assert_eq!(packer.pack(&MediaEvent::End(TrackId::video(0))).unwrap().count(), 0);
}
