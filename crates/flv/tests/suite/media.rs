//! Files that ffmpeg wrote: every tag comes out, the same bytes go in again, and the events are what an independent
//! parser and ffprobe say (`testdata/media/flv.json`).

use crate::common::*;
use bytes::{Buf, Bytes};
use levada_buf::Outbox;
use levada_flv::*;
use levada_media::{CodecParams, MediaEvent, MediaKind, RandomAccess};
use levada_test::{hex, same_at_every_cut};
use serde_json::Value;

fn index() -> Vec<Value> {
    let index: Value = serde_json::from_slice(&data("media/flv.json")).unwrap();
    index["flv"].as_array().unwrap().clone()
}

#[test]
fn what_is_read_is_written_byte_for_byte() {
    for entry in index() {
        let name = entry["file"].as_str().unwrap();
        let file = data(&format!("media/{name}"));
        let (items, offset, end) = read(&[&file]);
        assert_eq!((offset, end), (file.len() as u64, Ok(())), "{name}");
        let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
        for item in &items {
            match item {
                FlvItem::Header(header) => writer.header(header, &mut out),
                FlvItem::Tag(tag) => writer.tag(tag, &mut out).unwrap(),
                FlvItem::Finding(finding) => panic!("{name}: {finding:?}"),
            }
        }
        assert!(out.copy_to_bytes(out.remaining()) == file, "{name}");
    }
}

#[test]
fn any_cut_gives_the_same_items() {
    for name in ["h264_1080p30.flv", "slices4_sei.flv", "mp3_44m_only.flv"] {
        same_at_every_cut(&data(&format!("media/{name}")), read);
    }
}

#[test]
fn events_are_what_others_see() {
    for entry in index() {
        let name = entry["file"].as_str().unwrap();
        let tags = tags(&data(&format!("media/{name}")));
        let unpacked = unpack(&tags);
        for kind in [TagKind::Script, TagKind::Video, TagKind::Audio] {
            let count = tags.iter().filter(|it| it.kind == kind).count();
            let key = ["audio", "video", "script"][match kind {
                TagKind::Audio => 0,
                TagKind::Video => 1,
                _ => 2,
            }];
            assert_eq!(entry["tags"][key], count, "{name} {key}");
        }
        check_track(name, MediaKind::Video, &entry["video"], &unpacked);
        check_track(name, MediaKind::Audio, &entry["audio"], &unpacked);
    }
}

fn check_track(name: &str, kind: MediaKind, expected: &Value, unpacked: &[Unpacked]) {
    let of_kind = unpacked.iter().filter_map(|it| match it {
        Unpacked::Event(event) if event.track().kind == kind => Some(event),
        _ => None,
    });
    let events: Vec<&MediaEvent> = of_kind.collect();
    let frames: Vec<_> = events
        .iter()
        .filter_map(|it| if let MediaEvent::Frame(frame) = it { Some(frame) } else { None })
        .collect();
    let tracks: Vec<_> = events
        .iter()
        .filter_map(|it| if let MediaEvent::Track(track) = it { Some(track) } else { None })
        .collect();
    if expected.is_null() {
        assert!(events.is_empty(), "{name} {kind:?}");
        return;
    }
    assert_eq!(expected["frames"], frames.len(), "{name} {kind:?}");
    // On the wire there are 32 bits.
    let wire = |ticks: i64| u32::try_from(ticks & 0xFFFF_FFFF).unwrap();
    assert_eq!(expected["first_ts"], wire(frames[0].dts.0), "{name} {kind:?}");
    assert_eq!(expected["last_ts"], wire(frames.last().unwrap().dts.0), "{name} {kind:?}");
    match kind {
        MediaKind::Video => {
            assert_eq!(expected["first_pts"], wire(frames[0].pts().0), "{name}");
            let numbers = |of: fn(&levada_media::Frame) -> bool| -> Value {
                let found = frames.iter().enumerate().filter(|(_, frame)| of(frame));
                found.map(|(at, _)| at).collect()
            };
            assert_eq!(expected["flv_keyframe_tags"], numbers(|it| it.facts.marked_key), "{name}");
            let idr = numbers(|it| it.facts.random_access == RandomAccess::Instant);
            assert_eq!(expected["idr_frames"], idr, "{name}");
            let composition =
                |pick: fn(i32, i32) -> i32| frames.iter().map(|it| it.cts).reduce(pick).unwrap();
            assert_eq!(expected["max_cts"], composition(i32::max), "{name}");
            assert_eq!(expected["min_cts"], composition(i32::min), "{name}");
            let records: Vec<Vec<u8>> = expected["sequence_headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| hex(it["avcC"].as_str().unwrap()))
                .collect();
            let got: Vec<_> = tracks.iter().map(|it| it.params.video().unwrap()).collect();
            assert_eq!(got.len(), records.len(), "{name}: one Track for each different record");
            for (params, record) in got.iter().zip(&records) {
                assert_eq!(params.config, record, "{name}");
            }
            let names: Vec<_> = got.iter().map(|it| it.rfc6381.as_str()).collect();
            assert_eq!(expected["codec"], Value::from(names), "{name}");
            let size = expected["sizes"].as_array().unwrap().last().unwrap();
            let last = got.last().unwrap();
            // A change in band is not in the record.
            if !name.starts_with("inband_res") {
                assert_eq!(size, &Value::from(vec![last.width, last.height]), "{name}");
            }
            let sets = numbers(|it| it.facts.parameter_sets);
            assert_eq!(expected["inband_parameter_sets"], sets, "{name}");
        }
        _ => {
            let configs = expected["configs"].as_array();
            let expected_tracks = configs.map_or(1, Vec::len);
            assert_eq!(tracks.len(), expected_tracks, "{name}");
            for (track, config) in tracks.iter().zip(configs.into_iter().flatten()) {
                let audio = track.params.audio().unwrap();
                assert_eq!(audio.config, hex(config["asc"].as_str().unwrap()), "{name}");
                assert_eq!(config["parsed"]["output_rate"], audio.sample_rate, "{name}");
                assert_eq!(config["parsed"]["codec"], audio.rfc6381, "{name}");
            }
            if expected["codec"] == "mp3" {
                let audio = tracks[0].params.audio().unwrap();
                assert_eq!((audio.sample_rate, audio.samples_per_frame), (44_100, Some(1152)));
            }
        }
    }
}

#[test]
fn nothing_is_found_in_them() {
    for entry in index() {
        let name = entry["file"].as_str().unwrap();
        let all = unpack(&tags(&data(&format!("media/{name}"))));
        let findings: Vec<_> = all.iter().filter(|it| matches!(it, Unpacked::Finding(_))).collect();
        assert!(findings.is_empty(), "{name}: {findings:?}");
    }
}

#[test]
fn packing_gives_the_same_tags_again() {
    for entry in index() {
        let name = entry["file"].as_str().unwrap();
        let tags = tags(&data(&format!("media/{name}")));
        let (mut unpacker, mut packer) = (Unpacker::default(), Packer::default());
        for tag in tags.iter().filter(|it| it.kind != TagKind::Script) {
            unpacker.push_tag(tag);
            let mut again = Vec::new();
            while let Some(unpacked) = unpacker.next() {
                let Unpacked::Event(event) = unpacked else { panic!("{name}: {unpacked:?}") };
                again.extend(packer.pack(&event).unwrap().map(FlvTag::from));
            }
            // A configuration record has no time of its own, and MP3 has none at all.
            let [only] = &again[..] else { panic!("{name}: {tag:?} → {again:?}") };
            assert!(only.body == tag.body && only.kind == tag.kind, "{name}: {tag:?} → {only:?}");
            if !matches!(tag.body[1], 0 | 2) {
                assert_eq!(only.timestamp, tag.timestamp, "{name}");
            }
        }
    }
}

#[test]
fn a_frame_is_a_slice_of_its_body() {
    for entry in index() {
        let name = entry["file"].as_str().unwrap();
        let mut unpacker = Unpacker::default();
        for tag in
            tags(&data(&format!("media/{name}"))).iter().filter(|it| it.kind != TagKind::Script)
        {
            unpacker.push_tag(tag);
            while let Some(unpacked) = unpacker.next() {
                if let Unpacked::Event(MediaEvent::Frame(frame)) = unpacked {
                    let body = tag.body.as_ptr_range();
                    let data = frame.data.as_ptr_range();
                    assert!(body.start < data.start && data.end == body.end, "{name}");
                }
            }
        }
    }
}

#[test]
fn configurations_pin_no_input_block() {
    let tags = tags(&data("media/h264_main_b2_aac48s.flv"));
    for unpacked in unpack(&tags) {
        let Unpacked::Event(MediaEvent::Track(track)) = unpacked else { continue };
        let config = match &*track.params {
            CodecParams::Video(video) => video.config.clone(),
            CodecParams::Audio(audio) => audio.config.clone(),
            CodecParams::Data(_) => Bytes::new(),
        };
        for tag in &tags {
            assert!(!tag.body.as_ptr_range().contains(&config.as_ptr()));
        }
    }
}
