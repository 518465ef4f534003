//! Files and messages of real encoders: nothing is found, and everything can be packed and unpacked again.

use crate::common::*;
use levada_flv::*;
use levada_media::{AudioCodec, CodecParams, MediaEvent, Track, TrackId, VideoCodec};

const FILES: [&str; 14] = [
    "ffmpeg-5.1-h264-aac",
    "ffmpeg-5.1-keyframe-index",
    "ffmpeg-9.0.2-av1-flac",
    "ffmpeg-9.0.2-avc-eac3-51",
    "ffmpeg-9.0.2-hdr-mp3",
    "ffmpeg-9.0.2-hevc-opus",
    "ffmpeg-9.0.2-multitrack-codecs",
    "ffmpeg-9.0.2-vp9-ac3",
    "rtmp-ffmpeg-9.0.2-h264-ac3-ertmp",
    "rtmp-gst-1.22-rtmp2sink",
    "rtmp-gst-1.28.8-eflvmux-avc1-mp4a",
    "rtmp-gst-1.28.8-eflvmux-hevc",
    "rtmp-obs-32.2.2-av1-aac",
    "rtmp-obs-32.2.2-h264-aac",
];

fn real(name: &str) -> Vec<FlvTag> {
    tags(&data(&format!("real/{name}.flv")))
}

#[test]
fn nothing_is_found_in_them() {
    for name in FILES {
        assert_eq!(findings(&unpack(&real(name))), [], "{name}");
    }
}

/// The tracks of a file, as many events as they are.
fn tracks_of(name: &str) -> Vec<(TrackId, String, u32, u32)> {
    let facts = |track: &Track| match &*track.params {
        CodecParams::Video(it) => (track.id, it.rfc6381.clone(), it.width, it.height),
        CodecParams::Audio(it) => {
            (track.id, it.rfc6381.clone(), it.sample_rate, it.channels.into())
        }
        CodecParams::Data(_) => panic!("no data track"),
    };
    tracks(&unpack(&real(name))).iter().map(facts).collect()
}

#[test]
fn tracks_are_announced_once_and_whole() {
    let (video, audio) = (TrackId::video(0), TrackId::audio(0));
    let is = |name: &str, expected: &[(TrackId, &str, u32, u32)]| {
        let expected: Vec<_> =
            expected.iter().map(|it| (it.0, it.1.to_owned(), it.2, it.3)).collect();
        assert_eq!(tracks_of(name), expected, "{name}");
    };
    is("ffmpeg-5.1-h264-aac", &[(video, "avc1.64000a", 64, 36), (audio, "mp4a.40.2", 48_000, 1)]);
    // The second record at the end, with the number of samples, is the same sound.
    is("ffmpeg-9.0.2-av1-flac", &[(video, "av01.0.00M.08", 64, 36), (audio, "fLaC", 48_000, 1)]);
    is("ffmpeg-9.0.2-avc-eac3-51", &[(video, "avc1.64000a", 64, 36), (audio, "ec-3", 48_000, 6)]);
    is("ffmpeg-9.0.2-hevc-opus", &[(video, "hvc1.1.6.L30.90", 64, 36), (audio, "Opus", 48_000, 1)]);
    is(
        "ffmpeg-9.0.2-multitrack-codecs",
        &[
            (video, "avc1.64000a", 64, 36),
            (TrackId::video(1), "hvc1.1.6.L30.90", 64, 36),
            (audio, "mp4a.40.2", 48_000, 1),
            (TrackId::audio(1), "Opus", 48_000, 1),
        ],
    );
    // A record of VP9 has no size: the first keyframe says it.
    is(
        "ffmpeg-9.0.2-vp9-ac3",
        &[
            (video, "vp09.00.10.08", 0, 0),
            (audio, "ac-3", 48_000, 1),
            (video, "vp09.00.10.08", 64, 36),
        ],
    );
    is(
        "rtmp-obs-32.2.2-av1-aac",
        &[(audio, "mp4a.40.2", 48_000, 2), (video, "av01.0.00M.08.0.111.01.01.01.0", 320, 180)],
    );
    is(
        "rtmp-gst-1.28.8-eflvmux-avc1-mp4a",
        &[(video, "avc1.42c00d", 320, 180), (audio, "mp4a.40.2", 48_000, 2)],
    );
}

#[test]
fn a_metadata_packet_colours_the_track() {
    let tracks = tracks(&unpack(&real("ffmpeg-9.0.2-hdr-mp3")));
    let [video, _audio] = &tracks[..] else { panic!("{tracks:?}") };
    let CodecParams::Video(video) = &*video.params else { panic!("no video") };
    assert_eq!((video.codec, video.bit_depth), (VideoCodec::Hevc, 10));
    assert_eq!(video.colour.unwrap().matrix, 9);
}

#[test]
fn channels_are_told() {
    let unpacked = unpack(&real("ffmpeg-9.0.2-avc-eac3-51"));
    let layout = ChannelLayout::Native { mask: 0x3F };
    assert!(unpacked.contains(&Unpacked::Channels { track: TrackId::audio(0), layout }));
}

#[test]
fn metadata_says_what_the_tracks_are() {
    let metadata = |name: &str| {
        unpack(&real(name))
            .into_iter()
            .find_map(
                |it| if let Unpacked::Metadata(metadata) = it { Some(metadata) } else { None },
            )
            .unwrap()
    };
    let obs = metadata("rtmp-obs-32.2.2-av1-aac");
    assert_eq!(obs.video.codec, Some(CodecId::FourCc(FourCc::AV1)));
    assert_eq!((obs.video.width, obs.video.height), (Some(320.0), Some(180.0)));
    assert_eq!((obs.audio.channels, obs.audio.stereo), (Some(2.0), Some(true)));
    assert_eq!(obs.other.bool("7.1"), Some(false), "unknown names are kept");
    // GStreamer writes the characters from back to front.
    let gst = metadata("rtmp-gst-1.28.8-eflvmux-avc1-mp4a");
    assert_eq!(gst.video.codec, Some(CodecId::FourCc(FourCc::AVC)));
    assert_eq!(gst.audio.codec, Some(CodecId::FourCc(FourCc::AAC)));
    let index = metadata("ffmpeg-5.1-keyframe-index").keyframes.unwrap();
    let file = data("real/ffmpeg-5.1-keyframe-index.flv");
    assert_eq!(index.len(), 2);
    for keyframe in index.iter() {
        assert_eq!(
            file[usize::try_from(keyframe.position).unwrap()],
            9,
            "a video tag begins there"
        );
    }
}

#[test]
fn packed_and_unpacked_again_is_the_same() {
    for name in FILES {
        let (mut packer, mut again) = (Packer::default(), Unpacker::default());
        for event in events(&unpack(&real(name))) {
            let mut unpacked = Vec::new();
            for tag in packer.pack(&event).unwrap() {
                again.push_tag(&tag.into());
                unpacked.extend(events(&drain(&mut again)));
            }
            let describes_itself = |track: &Track| {
                track.params.audio().is_some_and(|it| {
                    matches!(it.codec, AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3)
                })
            };
            match &event {
                // These tracks are announced by their first frame.
                MediaEvent::Track(track) if describes_itself(track) => assert_eq!(unpacked, []),
                // The size of VP9 is told by its first keyframe: the same record is no news before it.
                MediaEvent::Track(track) if track.params.rfc6381().starts_with("vp09") => {}
                MediaEvent::Frame(_) => assert_eq!(unpacked.last(), Some(&event), "{name}"),
                _ => assert_eq!(unpacked, [event], "{name}"),
            }
        }
    }
}
