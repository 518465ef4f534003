//! Whatever is packed is unpacked as it was, and whatever bodies come, what is made of them comes back.

use bytes::{Buf, Bytes, BytesMut};
use levada_amf::AmfLimits;
use levada_buf::Outbox;
use levada_codec::{audio_params, video_params};
use levada_flv::*;
use levada_media::*;
use levada_test::{cuts, hex};
use proptest::prelude::*;

use crate::common::*;

/// A track of each codec that has a record, and how a frame of it may begin so that nothing is put right in it.
fn codecs() -> Vec<(CodecParams, &'static [u8])> {
    let avc = body(AVC_START).slice(5..);
    let hevc = tags(&data("real/ffmpeg-9.0.2-hevc-opus.flv"));
    let hevc = hevc.iter().find(|it| it.body.starts_with(b"\x90hvc1")).unwrap().body.slice(5..);
    let av1 = tags(&data("real/ffmpeg-9.0.2-av1-flac.flv"));
    let av1 = av1.iter().find(|it| it.body.starts_with(b"\x90av01")).unwrap().body.slice(5..);
    let video =
        |codec, record: &Bytes| CodecParams::Video(video_params(codec, record.clone()).unwrap());
    let audio =
        |codec, record: &str| CodecParams::Audio(audio_params(codec, hex(record).into()).unwrap());
    vec![
        (video(VideoCodec::Avc, &avc), &[1, 0]),
        (video(VideoCodec::Hevc, &hevc), &[1, 0]),
        (video(VideoCodec::Av1, &av1), &[0x12]),
        (video(VideoCodec::Vp9, &hex("000a810101010000").into()), &[0x86]),
        (audio(AudioCodec::Aac, "1190"), &[0x21]),
        (audio(AudioCodec::Opus, "4f707573486561640102380180bb0000000000"), &[0xFC]),
        (
            audio(
                AudioCodec::Flac,
                &format!("80000022 10001000 000000 000000 0ac442f000000000 {}", "00".repeat(16)),
            ),
            &[0xFF, 0xF8],
        ),
    ]
}

prop_compose! {
    fn any_frame()(
        codec in 0_usize..7,
        number in 0_u8..3,
        dts in -1_000_000_i64..1_000_000,
        cts in -0x80_0000_i32..=0x7F_FFFF,
        marked_key in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) -> (usize, u8, i64, i32, bool, Vec<u8>) {
        (codec, number, dts, cts, marked_key, payload)
    }
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were(
        frames in proptest::collection::vec(any_frame(), 1..30),
        legacy in any::<bool>(),
    ) {
        let codecs = codecs();
        let mut config = PackerConfig::default();
        config.legacy = legacy;
        let (mut packer, mut unpacker) = (Packer::new(config), Unpacker::default());
        for (codec, number, dts, cts, marked_key, payload) in frames {
            let (params, begin) = &codecs[codec];
            let id = match params {
                CodecParams::Audio(_) => TrackId::audio(number),
                _ => TrackId::video(number),
            };
            let track = MediaEvent::Track(Track::new(id, Timescale::MILLIS, params.clone()));
            let mut frame = Frame::new(id, Ticks(dts), [begin, &payload[..]].concat().into());
            let has_composition = matches!(params.video(), Some(it) if matches!(it.codec, VideoCodec::Avc | VideoCodec::Hevc));
            frame.cts = if has_composition { cts } else { 0 };
            frame.facts.marked_key = marked_key && params.video().is_some();
            let mut got = Vec::new();
            for event in [&track, &MediaEvent::Frame(frame.clone())] {
                for tag in packer.pack(event).unwrap() {
                    prop_assert_eq!(tag.len(), tag.body().len());
                    unpacker.push_tag(&tag.into());
                }
                got.extend(events(&drain(&mut unpacker)));
            }
            // A repeat of the track's record is nothing. What the frame's own headers say is not of this crate.
            if got.len() > 1 {
                prop_assert_eq!(&got[0], &track);
            }
            let Some(MediaEvent::Frame(back)) = got.last_mut() else { panic!("{got:?}") };
            back.facts = FrameFacts::default();
            back.facts.marked_key = frame.facts.marked_key;
            prop_assert_eq!(&*back, &frame);
        }
    }

    #[test]
    fn any_bodies_give_something_that_comes_back(
        bodies in proptest::collection::vec((any::<bool>(), any_body(), any::<u32>()), 0..20),
    ) {
        let (mut first, mut packer, mut second) = (Unpacker::default(), Packer::default(), Unpacker::default());
        let mut third = Packer::default();
        for (is_video, body, at) in bodies {
            let kind = if is_video { TagKind::Video } else { TagKind::Audio };
            first.push(kind, at, body.into());
            for event in events(&drain(&mut first)) {
                let tags: Vec<FlvTag> = packer.pack(&event).unwrap().map(FlvTag::from).collect();
                for tag in tags {
                    second.push_tag(&tag);
                    let again: Vec<FlvTag> = events(&drain(&mut second))
                        .iter()
                        .flat_map(|it| third.pack(it).unwrap().map(FlvTag::from).collect::<Vec<_>>())
                        .collect();
                    // A repeat is nothing; else it is the same tag.
                    prop_assert!(again.is_empty() || again.last() == Some(&tag), "{:?} → {:?}", tag, again);
                }
            }
        }
    }

    #[test]
    fn files_come_back_however_they_are_cut(
        tags in proptest::collection::vec((0_u8..32, any::<bool>(), any::<u32>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..20),
        cuts in cuts(),
        (audio, video) in any::<(bool, bool)>(),
    ) {
        let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
        let header = FlvHeader::new(audio, video);
        writer.header(&header, &mut out);
        let mut expected = vec![FlvItem::Header(header)];
        for (kind, filtered, timestamp, body) in tags {
            let mut tag = FlvTag::new(TagKind::from_id(kind), timestamp, body.into());
            tag.filtered = filtered;
            writer.tag(&tag, &mut out).unwrap();
            expected.push(FlvItem::Tag(tag));
        }
        let file = out.copy_to_bytes(out.remaining());
        let mut pieces = Vec::new();
        let mut rest = &file[..];
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        let (items, offset, end) = read(&pieces);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(offset, file.len() as u64);
        prop_assert_eq!(items, expected);
    }

    #[test]
    fn any_bytes_are_no_harm_to_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300), as_file in any::<bool>(), cuts in cuts()) {
        let mut file = if as_file { file_of(&[]) } else { Vec::new() };
        file.extend(&bytes);
        let whole = read(&[&file]);
        let pieces: Vec<_> = file.chunks(cuts[0]).collect();
        prop_assert_eq!(read(&pieces), whole);
    }

    #[test]
    fn any_bytes_are_no_harm_to_script_data(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut unpacker = Unpacker::default();
        for kind in [TagKind::Script, TagKind::ScriptAmf3] {
            unpacker.push(kind, 0, bytes.clone().into());
        }
        for unpacked in drain(&mut unpacker) {
            if let Unpacked::Metadata(metadata) = unpacked {
                let again = Metadata::parse(metadata.encode().unwrap(), AmfLimits::default()).unwrap();
                // A number that is none is not equal to itself.
                prop_assert_eq!(format!("{:?}", again), format!("{:?}", Some(*metadata)));
            }
        }
    }
}

/// Bodies that come far into the parser: a likely beginning, then anything.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let begin = prop_oneof![
        Just(hex(AVC_START)),
        Just(hex(AAC_START)),
        Just(hex("1701000000")),
        Just(hex("2701000028")),
        Just(hex("af01")),
        Just(hex("904f707573")),
        Just(hex("914f707573")),
        Just(hex("90617630318100 0c00")),
        Just(hex("9161763031")),
        Just(hex("a1766830 39")),
        Just(hex("95114f707573")),
        Just(hex("961161763031")),
        Just(hex("97020000010161763031")),
        Just(hex("d461763031020009636f6c6f72496e666f03")),
        Just(hex("2ffffb9064")),
        Just(hex("9161632d330b77000010404300")),
        Just(hex("af01fff14c8001 9ffc")),
        Just(Vec::new()),
    ];
    (begin, proptest::collection::vec(any::<u8>(), 0..60))
        .prop_map(|(begin, rest)| [begin, rest].concat())
}

#[test]
fn a_file_of_one_frame_is_written_from_its_parts() {
    let mut packer = Packer::default();
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    writer.header(&FlvHeader::new(true, false), &mut out);
    for event in events(&unpack_bodies(TagKind::Audio, &[AAC_START, AAC_FRAME])) {
        for tag in packer.pack(&event).unwrap() {
            writer.packed(&tag, &mut out).unwrap();
        }
    }
    let file = out.copy_to_bytes(out.remaining());
    let mut expected = b"FLV\x01\x04\0\0\0\x09\0\0\0\0".to_vec();
    expected.extend(tag_of(8, 0, &hex(AAC_START)));
    expected.extend(tag_of(8, 10, &hex(AAC_FRAME)));
    assert_eq!(file, expected);
    assert_eq!(tags(&BytesMut::from(&file[..])).len(), 2);
}
