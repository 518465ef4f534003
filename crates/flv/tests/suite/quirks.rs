//! What real peers send, by the number of the catalogue.

use levada_flv::*;
use levada_media::{CodecParams, MediaEvent, RandomAccess, VideoCodec};
use levada_test::hex;

use crate::common::*;

fn script(body: &str) -> Vec<Unpacked> {
    unpack_bodies(TagKind::Script, &[body])
}

const ON_METADATA: &str = "02000a6f6e4d65746144617461";
const SET_DATA_FRAME: &str = "02000d40736574446174614672616d65";
/// { width: 1920 }
const WIDTH: &str = "08 00000001 00057769647468 00409e000000000000 000009";

fn width_in(unpacked: &[Unpacked]) -> Option<f64> {
    let [Unpacked::Metadata(metadata)] = unpacked else { panic!("{unpacked:?}") };
    metadata.video.width
}

#[test]
fn quirk_65_missing_end_and_wrong_count() {
    let cut = script(&format!("{ON_METADATA} 08 00000000 00057769647468 00409e000000000000"));
    assert_eq!(width_in(&cut[2..]), Some(1920.0));
    assert!(matches!(
        findings(&cut)[..],
        [FindingKind::ScriptDeviation(_), FindingKind::ScriptDeviation(_)]
    ));
}

#[test]
fn quirk_67_metadata_with_and_without_set_data_frame() {
    assert_eq!(width_in(&script(&format!("{ON_METADATA} {WIDTH}"))), Some(1920.0));
    assert_eq!(width_in(&script(&format!("{SET_DATA_FRAME} {ON_METADATA} {WIDTH}"))), Some(1920.0));
}

#[test]
fn quirk_68_numbers_before_set_data_frame() {
    let number = "00 0000000000000000";
    let body = format!("{number} {number} {SET_DATA_FRAME} {ON_METADATA} {WIDTH}");
    assert_eq!(width_in(&script(&body)), Some(1920.0));
}

#[test]
fn quirk_70_type_15_with_amf0_and_with_amf3() {
    let amf3 = |body: &str| unpack_bodies(TagKind::ScriptAmf3, &[body]);
    assert_eq!(width_in(&amf3(&format!("00 {ON_METADATA} {WIDTH}"))), Some(1920.0));
    assert_eq!(width_in(&amf3(&format!("{ON_METADATA} {WIDTH}"))), Some(1920.0));
    let object = "11 0a0b010b7769647468048f0001";
    assert_eq!(width_in(&amf3(&format!("00 {ON_METADATA} {object}"))), Some(1920.0));
}

#[test]
fn quirk_71_codec_ids_as_text_and_numbers() {
    let codec = |name: &str, value: &str| {
        let body = format!("{ON_METADATA} 03 {name} {value} 000009");
        let [Unpacked::Metadata(metadata)] = &script(&body)[..] else { panic!() };
        metadata.video.codec.or(metadata.audio.codec)
    };
    let (video, audio) = ("000c766964656f636f6465636964", "000c617564696f636f6465636964");
    let fourcc = |name: &[u8; 4]| Some(CodecId::FourCc(FourCc(*name)));
    assert_eq!(codec(video, "00 401c000000000000"), Some(CodecId::Legacy(7)));
    assert_eq!(codec(video, "02 0001 37"), Some(CodecId::Legacy(7)));
    assert_eq!(codec(video, "02 0004 61766331"), fourcc(b"avc1"));
    assert_eq!(codec(audio, "02 0004 6d703461"), fourcc(b"mp4a"));
    assert_eq!(codec(video, "00 41d85d8c0c400000"), fourcc(b"av01"));
    assert_eq!(codec(audio, "02 0004 4f707573"), fourcc(b"Opus"));
    // Neither: it is kept among the others.
    assert_eq!(codec(video, "05"), None);
}

#[test]
fn quirk_72_no_metadata_at_all() {
    let unpacked = unpack_bodies(TagKind::Video, &[AVC_START, AVC_KEY]);
    assert_eq!((tracks(&unpacked).len(), frames(&unpacked).len()), (1, 1));
}

#[test]
fn quirk_75_a_repeat_is_nothing_and_a_change_is_a_track() {
    let other = "af 00 1210";
    let unpacked = unpack_bodies(
        TagKind::Audio,
        &[AAC_START, AAC_FRAME, AAC_START, AAC_FRAME, other, other, AAC_FRAME, AAC_START],
    );
    let rates: Vec<_> =
        tracks(&unpacked).iter().map(|it| it.params.audio().unwrap().sample_rate).collect();
    assert_eq!(rates, [48_000, 44_100, 48_000]);
    assert_eq!(frames(&unpacked).len(), 3);
}

#[test]
fn quirk_76_frames_without_media() {
    let bodies = [
        AVC_START,
        "27 01 000000",
        "27 01 000000 00000000",
        "27 01 000000 0000000000000000",
        AVC_KEY,
    ];
    let unpacked = unpack_bodies(TagKind::Video, &bodies);
    let empty = findings(&unpacked).iter().filter(|it| **it == FindingKind::EmptyFrame).count();
    assert_eq!((empty, frames(&unpacked).len()), (3, 1));
    let unpacked = unpack_bodies(TagKind::Audio, &[AAC_START, "af 01", AAC_FRAME]);
    assert_eq!(findings(&unpacked), [FindingKind::EmptyFrame]);
    assert_eq!(frames(&unpacked).len(), 1);
}

#[test]
fn quirk_76_reserved_bits_of_0_in_a_record() {
    let zeroed = AVC_START.replace("0bffe1", "0b0301");
    let unpacked = unpack_bodies(TagKind::Video, &[&zeroed, AVC_KEY]);
    assert_eq!(tracks(&unpacked)[0].params.video().unwrap().width, 160);
    assert_eq!(frames(&unpacked).len(), 1);
}

#[test]
fn quirk_77_aac_behind_adts_headers() {
    // Two frames in one message: 48 kHz, two channels, five bytes each.
    let adts = "fff14c8001 9ffc 2110049000";
    let unpacked =
        unpack_bodies(TagKind::Audio, &[&format!("af 01 {adts} {adts}"), &format!("af 01 {adts}")]);
    assert_eq!(findings(&unpacked), [FindingKind::Adts]);
    let [track] = &tracks(&unpacked)[..] else { panic!() };
    let audio = track.params.audio().unwrap();
    assert_eq!((&audio.config[..], audio.sample_rate), (&hex("1190")[..], 48_000));
    let got: Vec<_> = frames(&unpacked).iter().map(|it| (it.dts.0, it.data.clone())).collect();
    let raw = body("2110049000");
    assert_eq!(got, [(0, raw.clone()), (21, raw.clone()), (10, raw)]);
}

#[test]
fn quirk_77_an_adts_header_without_a_frame() {
    let unpacked = unpack_bodies(TagKind::Audio, &["af 01 fff14c8000fffc"]);
    assert_eq!(findings(&unpacked), [FindingKind::Adts, FindingKind::EmptyFrame]);
    assert_eq!(frames(&unpacked), []);
}

#[test]
fn quirk_78_hevc_as_codec_12_and_as_codec_7() {
    let file = tags(&data("real/ffmpeg-9.0.2-hevc-opus.flv"));
    let start = file.iter().find(|it| it.body.starts_with(b"\x90hvc1")).unwrap();
    let record: String = start.body[5..].iter().map(|it| format!("{it:02x}")).collect();
    for id in ["c", "7"] {
        let bodies = [
            format!("1{id} 00 000000 {record}"),
            format!("1{id} 01 000000 00000006 2601af09466e"),
            format!("2{id} 01 000028 00000006 0201d00902e1"),
        ];
        let unpacked = unpack_bodies(TagKind::Video, &[&bodies[0], &bodies[1], &bodies[2]]);
        let [track] = &tracks(&unpacked)[..] else { panic!("{unpacked:?}") };
        assert_eq!(track.params.video().unwrap().codec, VideoCodec::Hevc);
        let [key, inter] = &frames(&unpacked)[..] else { panic!() };
        assert_eq!(key.facts.random_access, RandomAccess::Instant, "an IDR of H.265");
        assert_eq!((inter.cts, inter.facts.marked_key), (40, false));
        assert_eq!(findings(&unpacked).contains(&FindingKind::HevcAsAvc), id == "7");
    }
}

#[test]
fn quirk_78_metadata_packets_colour_a_track() {
    // colorInfo: { colorConfig: { colorPrimaries: 9 }, hdrCll: { maxFall: 400, maxCLL: 1000 } }
    let info = "020009636f6c6f72496e666f 03 \
        000b636f6c6f72436f6e666967 03 000e636f6c6f725072696d6172696573 00 4022000000000000 000009 \
        0006686472436c6c 03 00076d617846616c6c 00 4079000000000000 00066d6178434c4c 00 408f400000000000 000009 \
        000009";
    let start = "90 61763031 81000c00";
    for (first, second) in [
        (format!("84 61763031 {info}"), start.to_owned()), // OBS
        (start.to_owned(), format!("d4 61763031 {info}")), // FFmpeg
    ] {
        let unpacked = unpack_bodies(TagKind::Video, &[&first, &second]);
        let CodecParams::Video(video) = &*tracks(&unpacked).last().unwrap().params.clone() else {
            panic!()
        };
        assert_eq!(video.colour.unwrap().primaries, 9);
        assert_eq!(video.hdr.unwrap().content_light, Some((1000, 400)));
    }
    // The same again is nothing, undefined and {} go back to what the record says.
    let said = format!("d4 61763031 {info}");
    for reset in
        ["d4 61763031 020009636f6c6f72496e666f 06", "d4 61763031 020009636f6c6f72496e666f 03000009"]
    {
        let unpacked = unpack_bodies(TagKind::Video, &[start, &said, &said, reset, reset]);
        let light: Vec<_> =
            tracks(&unpacked).iter().map(|it| it.params.video().unwrap().hdr.is_some()).collect();
        assert_eq!(light, [false, true, false]);
    }
    // FFmpeg labels the packets of every track as track 0: those of another codec are not about it.
    let other = said.replace("61763031", "68766331");
    assert_eq!(tracks(&unpack_bodies(TagKind::Video, &[start, &other])).len(), 1);
}

#[test]
fn quirk_78_avc1_has_a_composition_time_and_is_the_same_codec() {
    let start = AVC_START.replace("17 00 000000", "90 61766331");
    let unpacked = unpack_bodies(
        TagKind::Video,
        &[&start, "a1 61766331 000028 00000002 419a", AVC_START, AVC_INTER],
    );
    let got: Vec<_> = frames(&unpacked).iter().map(|it| (it.cts, it.data.len())).collect();
    assert_eq!((tracks(&unpacked).len(), &got[..]), (1, &[(40, 6), (40, 6)][..]));
}

#[test]
fn quirk_78_a_second_audio_track_and_an_unknown_one() {
    let unpacked = unpack_bodies(
        TagKind::Audio,
        &[
            AAC_START,
            "95 00 6d703461 01 1190",
            "95 01 58585858 02 00",
            AAC_FRAME,
            "95 01 6d703461 01 2110",
        ],
    );
    assert_eq!(
        findings(&unpacked),
        [FindingKind::UnsupportedCodec(CodecId::FourCc(FourCc(*b"XXXX")))]
    );
    let numbers: Vec<_> = frames(&unpacked).iter().map(|it| it.track.number).collect();
    assert_eq!(numbers, [0, 1]);
}

#[test]
fn annex_b_in_frames_is_put_right_by_a_copy() {
    let frame = "27 01 000000 00000001 419a2233 000001 419a44";
    let unpacked = unpack_bodies(TagKind::Video, &[AVC_START, frame, frame, AVC_KEY]);
    let annex_b = findings(&unpacked).iter().filter(|it| **it == FindingKind::AnnexB).count();
    assert_eq!(annex_b, 1);
    assert_eq!(frames(&unpacked)[0].data, hex("00000004 419a2233 00000003 419a44"));
}

#[test]
fn an_empty_record_of_opus_is_mono_or_stereo() {
    let channels = |bodies: &[&str]| {
        tracks(&unpack_bodies(TagKind::Audio, bodies))
            .last()
            .unwrap()
            .params
            .audio()
            .unwrap()
            .channels
    };
    assert_eq!(channels(&["90 4f707573"]), 2);
    assert_eq!(channels(&["94 4f707573 00 01", "90 4f707573"]), 1);
    assert_eq!(channels(&["90 4f707573", "94 4f707573 00 01"]), 1);
}

#[test]
fn records_of_flac_in_all_three_forms() {
    let info = format!("10001000 000000 000000 0ac442f000000000 {}", "00".repeat(16));
    let block = format!("80000022{info}");
    for form in [info, block.clone(), format!("664c6143{block}")] {
        let unpacked = unpack_bodies(TagKind::Audio, &[&format!("90 664c6143 {form}")]);
        let audio = tracks(&unpacked)[0].params.audio().unwrap().clone();
        assert_eq!(
            (audio.sample_rate, audio.channels, &audio.config[..]),
            (44_100, 2, &hex(&block)[..])
        );
    }
}

#[test]
fn ac3_without_a_record_and_with_an_empty_one() {
    // 48 kHz, two channels, 96 kbit/s.
    let frame = format!("91 61632d33 0b77 0000 10 40 43 {}", "00".repeat(377));
    for bodies in [vec!["90 61632d33", &frame], vec![&frame[..]]] {
        let unpacked = unpack_bodies(TagKind::Audio, &bodies);
        let [MediaEvent::Track(track), MediaEvent::Frame(_)] = &events(&unpacked)[..] else {
            panic!("{unpacked:?}")
        };
        let audio = track.params.audio().unwrap();
        assert_eq!((audio.sample_rate, audio.channels), (48_000, 2));
        assert_eq!(findings(&unpacked), []);
    }
}
