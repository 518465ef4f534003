//! What we write is what the vectors hold, byte for byte where they fix it.

use bytes::Bytes;
use levada_fmp4::*;
use levada_media::*;

use crate::testdata::{boxes, bytes_of, file, samples};

fn video(codec: VideoCodec, width: u32, height: u32, config: &[u8]) -> VideoParams {
    let mut params = VideoParams::new(codec, Bytes::copy_from_slice(config));
    (params.width, params.height) = (width, height);
    params
}

fn reference_video() -> Track {
    let config = levada_test::hex(
        "014d400bffe10017674d400beca146fc9808800000030080000019078a14cb01000568ebe0e4b2",
    );
    let mut params = video(VideoCodec::Avc, 160, 90, &config);
    params.pixel_aspect = Some((1, 1));
    params.colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
    Track::new(TrackId::video(0), Timescale::MPEG, CodecParams::Video(params))
}

fn reference_init() -> InitSegment {
    let mut config = InitConfig::default();
    config.brands = [*b"iso6", *b"cmfc", *b"cmf2"].into();
    InitSegment::with_config(&[reference_video()], &config).unwrap()
}

/// The frames of a fragment in a vector.
fn frames(name: &str, nth: usize) -> Vec<Frame> {
    let (data, fragments) = (file(name), samples(&boxes(name)));
    let rows = fragments[nth].iter();
    let frame = |row: &crate::testdata::Row| {
        let data = Bytes::copy_from_slice(&data[row.place.clone()]);
        let mut frame = Frame::new(TrackId::video(0), Ticks(row.dts), data);
        frame.cts = row.cts;
        frame.duration = row.duration.try_into().ok();
        if row.is_sync {
            frame.facts.random_access = RandomAccess::Instant;
        }
        frame
    };
    rows.map(frame).collect()
}

#[test]
fn ref_v_init_is_written_byte_for_byte() {
    assert_eq!(reference_init().bytes(), file("ref_v_init.mp4"));
}

#[test]
fn ref_v_seg1_is_written_byte_for_byte() {
    let name = "ref_v_seg1.m4s";
    let (data, boxes) = (file(name), boxes(name));
    let mut fragmenter = Fragmenter::new(&reference_init());
    let mut fragments = Vec::new();
    for nth in 0..4 {
        for frame in frames(name, nth) {
            fragmenter.push(frame).unwrap();
        }
        fragments.push(fragmenter.cut(&Preface::default()).unwrap());
    }
    let (first, last) = (&fragments[0], Pieces::from_iter(fragments.iter().flatten().cloned()));
    assert_eq!(first.join(), data[310..310 + first.len()]);

    let hex = |index: usize, field: &str| {
        levada_test::hex(boxes[index]["fields"][field].as_str().unwrap())
    };
    let mut id3 =
        EventMessage::id3(Timescale::MPEG, Ticks(45_000), 7, hex(2, "message_data").into());
    id3.duration = None;
    let splice = hex(3, "message_data").into();
    let mut splice = EventMessage::new(SCTE35_SCHEME, Timescale::MPEG, EventTime::After(0), splice);
    (splice.value, splice.duration, splice.id) = ("1001".into(), Some(2_700_000), 42);
    let references = vec![Reference {
        size: last.len().try_into().unwrap(),
        duration: 180_000,
        starts_with: Some(1),
    }];
    let index = SegmentIndex::new(1, Timescale::MPEG, 0, references);

    // The sidx of this segment covers four fragments, so its head is put together by hand.
    let mut fragmenter = Fragmenter::new(&reference_init());
    frames(name, 0).into_iter().for_each(|it| fragmenter.push(it).unwrap());
    let mut preface = Preface::segment();
    let brands = [*b"msdh", *b"msix", *b"cmfs", *b"cmff", *b"cmfl"];
    preface.brands = &brands;
    let events = [id3, splice];
    let time = ProducerTime::new(TrackId::video(0), 0xe9f2_a1c0_8000_0000, 0);
    let segment = fragmenter.cut(&preface.events(&events).producer_time(time)).unwrap();
    let mut whole = segment.slice(0..segment.len() - first.len());
    whole.push(index.encode());
    whole.extend([&last]);
    assert_eq!(whole.join(), data);
}

#[test]
fn sample_entries_equal_the_zoo() {
    let zoo = [
        "zoo_avc1.mp4",
        "zoo_avc3.mp4",
        "zoo_hvc1.mp4",
        "zoo_hev1.mp4",
        "zoo_av01.mp4",
        "zoo_vp09.mp4",
    ];
    for name in zoo {
        let (data, boxes) = (file(name), boxes(name));
        let (codec, entry, record) = match &name[4..8] {
            kind @ ("avc1" | "avc3") => (VideoCodec::Avc, kind, "avcC"),
            kind @ ("hvc1" | "hev1") => (VideoCodec::Hevc, kind, "hvcC"),
            kind @ "av01" => (VideoCodec::Av1, kind, "av1C"),
            kind => (VideoCodec::Vp9, kind, "vpcC"),
        };
        let head = if record == "vpcC" { 12 } else { 8 };
        let fields = &boxes.iter().find(|it| it["type"] == entry).unwrap()["fields"];
        let side = |name: &str| u32::try_from(fields[name].as_u64().unwrap()).unwrap();
        let record = &bytes_of(&data, &boxes, record)[head..];
        let params = video(codec, side("width"), side("height"), record);
        let track = Track::new(TrackId::video(0), Timescale::MPEG, CodecParams::Video(params));
        let mut config = InitConfig::default();
        config.in_band = ["avc3", "hev1"].contains(&entry);
        let init = InitSegment::with_config(&[track], &config).unwrap().bytes();
        let expected = bytes_of(&data, &boxes, entry);
        assert!(init.windows(expected.len()).any(|it| it == expected), "{name}");
    }
    let audio = [
        ("zoo_mp4a_lc.mp4", AudioCodec::Aac, "1190", 48_000, 2, 96_000),
        ("zoo_mp4a_he.mp4", AudioCodec::Aac, "2b920800", 44_100, 2, 96_000),
        ("zoo_mp4a_hev2.mp4", AudioCodec::Aac, "eb8a0800", 44_100, 2, 96_000),
        ("zoo_mp4a_51.mp4", AudioCodec::Aac, "11b0", 48_000, 6, 96_000),
        (
            "zoo_Opus_opus_s.mp4",
            AudioCodec::Opus,
            "4f707573486561640102380180bb0000000000",
            48_000,
            2,
            0,
        ),
        (
            "zoo_Opus_opus_51.mp4",
            AudioCodec::Opus,
            "4f707573486561640106380180bb00000000010402000401020305",
            48_000,
            6,
            0,
        ),
        ("zoo_ac-3.mp4", AudioCodec::Ac3, "103dc0", 48_000, 6, 0),
        ("zoo_ec-3.mp4", AudioCodec::Eac3, "0600200f00", 48_000, 6, 0),
        (
            "zoo_fLaC.mp4",
            AudioCodec::Flac,
            "80000022120012000000c70005110bb802f000002580d9b81de011fef694f3e1d33694c8ae61",
            48_000,
            2,
            0,
        ),
    ];
    for (name, codec, config, rate, channels, bits) in audio {
        let (data, boxes) = (file(name), boxes(name));
        let mut params = AudioParams::new(codec, levada_test::hex(config).into());
        (params.sample_rate, params.channels) = (rate, channels);
        let scale = Timescale::new(rate).unwrap();
        let track = Track::new(TrackId::audio(0), scale, CodecParams::Audio(params));
        let mut config = InitConfig::default();
        if bits > 0 {
            config.bit_rates = vec![(track.id, BitRate { max: bits, average: bits })];
        }
        let init = InitSegment::with_config(&[track], &config).unwrap().bytes();
        let kind = boxes.iter().find(|it| it["depth"] == 6).unwrap()["type"].as_str().unwrap();
        let expected = bytes_of(&data, &boxes, kind);
        assert!(init.windows(expected.len()).any(|it| it == expected), "{name}");
    }
}
