//! `onMetaData` both ways, and the index of keyframes.

use bytes::BytesMut;
use levada_amf::{AmfLimits, Object};
use levada_flv::*;
use levada_media::{AudioCodec, AudioParams, CodecParams, Timescale, Track, TrackId};
use levada_test::hex;

use crate::common::*;

fn again(metadata: &Metadata) -> Metadata {
    Metadata::parse(metadata.encode().unwrap(), AmfLimits::default()).unwrap().unwrap()
}

#[test]
fn every_field_comes_back() {
    let mut metadata = Metadata::default();
    metadata.duration = Some(12.5);
    metadata.video.codec = Some(CodecId::Legacy(7));
    metadata.video.width = Some(1920.0);
    metadata.video.height = Some(1080.0);
    metadata.video.frame_rate = Some(29.97);
    metadata.video.data_rate = Some(6000.0);
    metadata.audio.codec = Some(CodecId::FourCc(FourCc::OPUS));
    metadata.audio.sample_rate = Some(48_000.0);
    metadata.audio.sample_size = Some(16.0);
    metadata.audio.channels = Some(6.0);
    metadata.audio.stereo = Some(false);
    metadata.audio.data_rate = Some(128.0);
    metadata.encoder = Some("Levada".into());
    metadata.file_size = Some(1e9);
    metadata.keyframes = Some(KeyframeIndex::from_iter([Keyframe { seconds: 0.0, position: 13 }]));
    let mut video = VideoMetadata::default();
    video.codec = Some(CodecId::FourCc(FourCc::AV1));
    video.width = Some(1024.0);
    video.other.push("quality", "low");
    metadata.video_tracks.insert(1, video);
    let mut audio = AudioMetadata::default();
    audio.sample_rate = Some(44_100.0);
    audio.channels = Some(2.0);
    metadata.audio_tracks.insert(255, audio);
    metadata.other.push("title", "a day at the river");
    metadata.other.push("nested", Object::new().with("deep", true));
    assert_eq!(again(&metadata), metadata);
}

/// The example of E-RTMP §Enhancing onMetaData.
#[test]
fn maps_of_tracks() {
    let body = hex("02000a6f6e4d65746144617461 08 00000002 \
         0013766964656f547261636b4964496e666f4d6170 03 \
           000131 03 00057769647468 004090000000000000 000c766964656f636f6465636964 0041d85d8c0c400000 000009 \
         000009 \
         0013617564696f547261636b4964496e666f4d6170 03 \
           000131 03 00086368616e6e656c73 004000000000000000 000a73616d706c6572617465 0040e5888000000000 000009 \
         000009 000009");
    let metadata = Metadata::parse(body.into(), AmfLimits::default()).unwrap().unwrap();
    let video = &metadata.video_tracks[&1];
    assert_eq!((video.width, video.codec), (Some(1024.0), Some(CodecId::FourCc(FourCc::AV1))));
    let audio = &metadata.audio_tracks[&1];
    assert_eq!((audio.channels, audio.sample_rate), (Some(2.0), Some(44_100.0)));
    assert_eq!(again(&metadata), metadata);
}

#[test]
fn a_map_that_is_none_is_kept_as_it_is() {
    let mut metadata = Metadata::default();
    metadata.other.push("videoTrackIdInfoMap", Object::new().with("first", 1));
    metadata.other.push("width", levada_amf::Value::Null);
    metadata.other.push("keyframes", "none");
    assert_eq!(again(&metadata), metadata);
}

#[test]
fn tracks_describe_themselves() {
    let mut audio = AudioParams::new(AudioCodec::Opus, bytes::Bytes::new());
    (audio.sample_rate, audio.channels) = (48_000, 2);
    let tracks = [0, 3].map(|number| {
        Track::new(TrackId::audio(number), Timescale::MILLIS, CodecParams::Audio(audio.clone()))
    });
    let metadata = Metadata::of(&tracks);
    assert_eq!(metadata.audio.codec, Some(CodecId::FourCc(FourCc::OPUS)));
    assert_eq!((metadata.audio.sample_rate, metadata.audio.stereo), (Some(48_000.0), Some(true)));
    assert_eq!(metadata.audio_tracks[&3], metadata.audio);
}

#[test]
fn numbers_can_be_written_over() {
    let mut metadata = Metadata::default();
    metadata.duration = Some(0.0);
    metadata.file_size = Some(0.0);
    let mut body = metadata.encode().unwrap().to_vec();
    for (name, number) in [("duration", 61.5_f64), ("filesize", 123_456.0)] {
        let at = Metadata::number_offset(&body, name).unwrap();
        body[at..at + 8].copy_from_slice(&number.to_be_bytes());
    }
    let read = Metadata::parse(body.into(), AmfLimits::default()).unwrap().unwrap();
    assert_eq!((read.duration, read.file_size), (Some(61.5), Some(123_456.0)));
    assert_eq!(Metadata::number_offset(b"no such", "duration"), None);
    assert_eq!(Metadata::number_offset(b"\0\x08duration\0\0\0", "duration"), None);
}

#[test]
fn an_index_can_be_searched_whatever_is_in_it() {
    let at = |seconds, position| Keyframe { seconds, position };
    let index = KeyframeIndex::from_iter([
        at(0.0, 5),
        at(0.0, 500),
        at(4.0, 900),
        at(2.0, 700),
        at(f64::NAN, 1),
        at(6.0, 990),
    ]);
    assert_eq!(index.len(), 4);
    for (seconds, position) in [(-1.0, 5), (0.0, 500), (3.9, 500), (4.0, 900), (99.0, 990)] {
        assert_eq!(index.before(seconds).unwrap().position, position, "{seconds}");
    }
    assert!(KeyframeIndex::default().before(1.0).is_none());
}

fn indexed(file: &[u8]) -> Vec<u8> {
    let (mut input, mut reader) = (BytesMut::from(file), FlvReader::new());
    let mut indexer = Indexer::new();
    while let Some(item) = reader.read(&mut input).unwrap() {
        if let FlvItem::Tag(tag) = item {
            indexer.observe(&tag, reader.tag_offset());
        }
    }
    let patch = indexer.patch(file.len() as u64).unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    [&file[..at(patch.replace.start)], &patch.tag, &file[at(patch.replace.end)..]].concat()
}

#[test]
fn an_index_leads_to_every_keyframe() {
    // With metadata, and without any.
    for name in ["h264_irregular_gop.flv", "h264_vfr.flv", "cfg_change_same_res.flv"] {
        let old = data(&format!("media/{name}"));
        let new = indexed(&old);
        assert_eq!(indexed(&new), new, "{name}: an index of the same is the same");
        let old_tags = tags(&old);
        let new_tags = tags(&new);
        let media = |tags: &[FlvTag]| -> Vec<FlvTag> {
            tags.iter().filter(|it| it.kind != TagKind::Script).cloned().collect()
        };
        assert_eq!(media(&old_tags), media(&new_tags), "{name}");
        let Unpacked::Metadata(metadata) = &unpack(&new_tags[..1])[0] else { panic!("{name}") };
        assert_eq!(metadata.file_size, Some(new.len() as f64));
        let last = frames(&unpack(&old_tags)).iter().map(|it| it.dts.0).max().unwrap();
        assert_eq!(metadata.duration, Some(last as f64 / 1000.0));
        let keyframes: Vec<_> =
            frames(&unpack(&old_tags)).into_iter().filter(|it| it.facts.marked_key).collect();
        let index = metadata.keyframes.as_ref().unwrap();
        assert_eq!(index.len(), keyframes.len(), "{name}");
        for (entry, keyframe) in index.iter().zip(&keyframes) {
            assert_eq!(entry.seconds, keyframe.dts.0 as f64 / 1000.0, "{name}");
            let position = usize::try_from(entry.position).unwrap();
            let mut input = BytesMut::from(&new[position..]);
            let mut reader = FlvReader::at(entry.position, FlvLimits::default());
            let Ok(Some(FlvItem::Tag(tag))) = reader.read(&mut input) else { panic!("{name}") };
            assert_eq!(i64::from(tag.timestamp), keyframe.dts.0, "{name}");
            assert_eq!(reader.tag_offset(), entry.position);
        }
    }
}

#[test]
fn an_index_of_nothing() {
    let file = indexed(&file_of(&[]));
    let Unpacked::Metadata(metadata) = &unpack(&tags(&file))[0] else { panic!() };
    assert_eq!(metadata.keyframes, Some(KeyframeIndex::default()));
    assert_eq!(metadata.other.bool("hasKeyframes"), Some(false));
}

#[test]
fn of_a_name_that_stands_twice_the_last_sensible_value_counts() {
    let object = Object::new()
        .with("width", 640)
        .with("width", 1920)
        .with("width", "wide")
        .with("stereo", true)
        .with("stereo", "");
    let mut body = BytesMut::new();
    let values = ["onMetaData".into(), levada_amf::Value::ecma_array(object)];
    levada_amf::amf0::encode_all(&values, &mut body).unwrap();
    let metadata = Metadata::parse(body.freeze(), AmfLimits::default()).unwrap().unwrap();
    assert_eq!(metadata.video.width, Some(1920.0));
    assert_eq!(metadata.other.str("width"), Some("wide"));
    assert_eq!(again(&metadata), metadata);
}
