//! Every vector means what it says: headers, tags, bodies.

use crate::common::*;
use bytes::{Buf, Bytes, BytesMut};
use levada_amf::{AmfLimits, amf0};
use levada_buf::Outbox;
use levada_flv::*;
use levada_test::{Vector, hex, vectors};
use serde_json::{Value, json};

fn check(file: &str, kind: &str, check: impl Fn(&Vector, Bytes)) -> usize {
    let all = vectors(env!("CARGO_MANIFEST_DIR"), file);
    let of_kind = all.iter().filter(|it| it["kind"] == kind);
    of_kind.map(|vector| check(vector, hex(vector["hex"].as_str().unwrap()).into())).count()
}

#[test]
fn video_bodies() {
    let run = |vector: &Vector, body: Bytes| {
        let got = VideoBody::parse(body);
        if vector.contains_key("expect_error") {
            assert!(got.is_err(), "{vector:?}: {got:?}");
        } else {
            let got = got.unwrap_or_else(|why| panic!("{vector:?}: {why}"));
            assert_eq!(video_as_json(got), simplified(&vector["expect"]), "{}", vector["name"]);
        }
    };
    assert_eq!(check("flv.json", "video", run), 13);
    assert_eq!(check("ertmp.json", "video", run), 42);
}

#[test]
fn audio_bodies() {
    let run = |vector: &Vector, body: Bytes| {
        let parsed = AudioBody::parse(body).ok().map(audio_as_json);
        match parsed {
            None => assert!(vector.contains_key("expect_error"), "{vector:?}"),
            // What the layout of channels says is parsed where it is used.
            Some(got) if vector.contains_key("expect_error") => {
                assert!(got["tracks"][0]["channel_order"].is_null(), "{vector:?}: {got}");
            }
            Some(got) => {
                assert_eq!(got, simplified(&vector["expect"]), "{}", vector["name"]);
            }
        }
    };
    assert_eq!(check("flv.json", "audio", run), 8);
    assert_eq!(check("ertmp.json", "audio", run), 25);
}

#[test]
fn files() {
    let count = check("flv.json", "flv_file", |vector, file| {
        let (items, end) = whole(&file);
        if vector.contains_key("expect_error") {
            assert!(end.is_err(), "{vector:?}");
            return;
        }
        let expect = &vector["expect"];
        let FlvItem::Header(header) = &items[0] else { panic!("{items:?}") };
        assert_eq!(expect["version"], header.version);
        assert_eq!(expect["audio"], header.audio);
        assert_eq!(expect["video"], header.video);
        assert_eq!(expect["data_offset"], 9 + header.extension.len());
        let tags = expect["tags"].as_array().unwrap();
        let read: Vec<_> = items.iter().filter_map(tag_in).collect();
        assert_eq!(read.len(), tags.len());
        for (tag, expected) in read.iter().zip(tags) {
            assert_eq!(tag_as_json(tag)["timestamp"], expected["timestamp"]);
            assert_eq!(tag_as_json(tag)["type"], expected["type"]);
        }
        // All back pointers are right, or the wrong one is told.
        let wrong = items.iter().filter(|it| matches!(it, FlvItem::Finding(_))).count();
        let expected = tags.iter().filter(|it| it["prev_tag_size_ok"] == false).count();
        assert_eq!(wrong, expected, "{}", vector["name"]);
        if wrong == 0 {
            assert_eq!(written(&items), file, "{}", vector["name"]);
        }
    });
    assert_eq!(count, 7);
}

#[test]
fn tags() {
    let count = check("flv.json", "flv_tag", |vector, tag| {
        // As the only tag of a file.
        let mut file = BytesMut::from(&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..]);
        file.extend_from_slice(&tag);
        let (items, end) = whole(&file);
        end.unwrap();
        let tag = tag_in(&items[1]).unwrap();
        assert_eq!(tag_as_json(tag), simplified(&vector["expect"]), "{}", vector["name"]);
    });
    assert_eq!(count, 9);
}

fn whole(file: &[u8]) -> (Vec<FlvItem>, Result<(), FlvError>) {
    let (items, _, end) = read(&[file]);
    (items, end)
}

fn tag_in(item: &FlvItem) -> Option<&FlvTag> {
    if let FlvItem::Tag(tag) = item { Some(tag) } else { None }
}

fn written(items: &[FlvItem]) -> Bytes {
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    for item in items {
        match item {
            FlvItem::Header(header) => writer.header(header, &mut out),
            FlvItem::Tag(tag) => writer.tag(tag, &mut out).unwrap(),
            FlvItem::Finding(finding) => panic!("{finding:?}"),
        }
    }
    assert_eq!(writer.offset(), out.remaining() as u64);
    out.copy_to_bytes(out.remaining())
}

fn tag_as_json(tag: &FlvTag) -> Value {
    let mut json = json!({
        "filter": tag.filtered,
        "type": tag.kind.id(),
        "timestamp": tag.timestamp.cast_signed(),
        "stream_id": 0,
    });
    let content = match tag.kind {
        _ if tag.filtered => ("encrypted", filtered_as_json(tag)),
        TagKind::Audio => ("audio", audio_as_json(AudioBody::parse(tag.body.clone()).unwrap())),
        TagKind::Video => ("video", video_as_json(VideoBody::parse(tag.body.clone()).unwrap())),
        kind => {
            let script = Script::parse(kind, tag.body.clone(), AmfLimits::default()).unwrap();
            let values = script.values.iter().map(amf_as_json);
            let name = json!(["string", script.name.as_str().unwrap()]);
            ("script", [name].into_iter().chain(values).collect())
        }
    };
    json[content.0] = content.1;
    json
}

fn filtered_as_json(tag: &FlvTag) -> Value {
    let body = FilteredBody::parse(tag.kind, tag.body.clone()).unwrap();
    let (name, params_len) = match (body.filter, body.iv) {
        (Filter::Whole, _) => ("Encryption", 16),
        (Filter::Selective, Some(_)) => ("SE", 17),
        (Filter::Selective, None) => ("SE", 1),
    };
    let mut json = json!({
        "header": picture(&body.header), "num_filters": 1, "filter_name": name,
        "params_len": params_len, "body": picture(&body.data),
    });
    if body.filter == Filter::Selective {
        json["encrypted_au"] = json!(body.iv.is_some());
    }
    if let Some(iv) = body.iv {
        json["iv"] = json!(picture(&iv));
    }
    json
}

fn video_as_json(video: VideoBody) -> Value {
    let frame_type = match video.frame_type {
        FrameType::Key => 1,
        FrameType::Inter => 2,
        FrameType::Disposable => 3,
        FrameType::GeneratedKey => 4,
        FrameType::Command => 5,
        FrameType::Reserved(id) => id,
    };
    let mut json = json!({ "frame_type": frame_type });
    if let Some(nanos) = video.offset_nanos {
        json["nano_offset"] = json!(nanos);
    }
    if let Some(command) = video.command {
        json["command"] = json!(u8::from(command == SeekCommand::End));
    }
    packets_as_json(&mut json, video.packets);
    json
}

fn audio_as_json(audio: AudioBody) -> Value {
    let mut json = json!({});
    if let Some(sound) = audio.sound {
        json = json!({ "rate": sound.rate, "size": u8::from(sound.wide), "channels": u8::from(sound.stereo) });
    }
    if let Some(nanos) = audio.offset_nanos {
        json["nano_offset"] = json!(nanos);
    }
    packets_as_json(&mut json, audio.packets);
    if json == json!({}) {
        json["silence"] = json!(true);
    }
    json
}

fn packets_as_json(json: &mut Value, packets: Packets) {
    let tracks: Vec<Value> = packets.map(|packet| packet_as_json(&packet)).collect();
    if let [legacy] = &tracks[..]
        && let Some(codec) = legacy.get("codec")
    {
        json["codec"] = codec.clone();
        json["kind"] = legacy["kind"].clone();
        json["cts"] = legacy["cts"].clone();
        json["data"] = legacy["data"].clone();
    } else if !tracks.is_empty() {
        json["tracks"] = tracks.into();
    }
}

fn packet_as_json(packet: &Packet) -> Value {
    let mut json = json!({ "track": packet.track, "data": picture(&packet.data), "cts": 0 });
    match packet.codec {
        CodecId::Legacy(id) => json["codec"] = json!(id),
        CodecId::FourCc(name) => json["fourcc"] = json!(name.to_string()),
    }
    json["kind"] = match packet.kind {
        PacketKind::SequenceStart => json!(0),
        PacketKind::Frame { composition } => {
            json["cts"] = json!(composition);
            json!(1)
        }
        PacketKind::SequenceEnd => json!(2),
        PacketKind::Metadata => {
            let values = amf0::decode_all(packet.data.clone(), AmfLimits::default()).unwrap();
            json["data"] = json!("");
            json["metadata"] = values.iter().map(amf_as_json).collect();
            json!(4)
        }
        PacketKind::ChannelLayout => {
            json["data"] = json!("");
            match ChannelLayout::parse(&packet.data) {
                Some(ChannelLayout::Unspecified { channels }) => {
                    (json["channel_order"], json["channels"]) = (json!(0), json!(channels));
                }
                Some(ChannelLayout::Native { mask }) => {
                    json["channel_order"] = json!(1);
                    json["channels"] = json!(mask.count_ones());
                    json["flags"] = json!(mask);
                }
                Some(ChannelLayout::Custom { speakers }) => {
                    json["channel_order"] = json!(2);
                    json["channels"] = json!(speakers.len());
                    json["mapping"] = json!(speakers);
                }
                _ => {}
            }
            if let Some(layout) = ChannelLayout::parse(&packet.data) {
                assert_eq!(layout.encode(), packet.data);
            }
            json!(4)
        }
        PacketKind::TransportSequenceStart => json!(5),
        other => panic!("{other:?}"),
    };
    json
}

/// What a vector expects, in the words of this crate: CodedFramesX are frames with a composition time of 0, legacy
/// and enhanced bodies have the same packets, ModEx units are what they say.
fn simplified(expect: &Value) -> Value {
    let mut json = expect.clone();
    let object = json.as_object_mut().unwrap();
    for gone in ["ex", "multitrack", "prev_tag_size_ok"] {
        object.remove(gone);
    }
    for body in ["audio", "video"] {
        if let Some(inner) = object.get_mut(body).filter(|it| it.is_object()) {
            *inner = simplified(inner);
        }
    }
    let nanos = object.remove("modex").and_then(|units| {
        units.as_array().unwrap().iter().rev().find_map(|it| it.get("nano_offset").cloned())
    });
    if let Some(nanos) = nanos {
        object.insert("nano_offset".into(), nanos);
    }
    let format = object.remove("format");
    let avc = object.remove("avc_packet_type");
    let aac = object.remove("aac_packet_type");
    let enhanced = object.remove("packet_type");
    if object.contains_key("command") {
        // The codec of a command means nothing.
        object.remove("codec");
        object.remove("cts");
    } else if let Some(codec) = object.get("codec").cloned().or(format) {
        object.insert("codec".into(), codec);
        object.insert("kind".into(), avc.or(aac).unwrap_or_else(|| json!(1)));
        object.entry("cts").or_insert(json!(0));
    }
    if let Some(tracks) = object.get_mut("tracks") {
        let kind = enhanced.unwrap();
        for track in tracks.as_array_mut().unwrap() {
            let track = track.as_object_mut().unwrap();
            let number = track.remove("track_id").unwrap_or_else(|| json!(0));
            track.insert("track".into(), number);
            track.insert("kind".into(), if kind == 3 { json!(1) } else { kind.clone() });
            track.entry("cts").or_insert(json!(0));
            track.entry("data").or_insert(json!(""));
        }
    }
    json
}

/// The notation of the vectors.
fn amf_as_json(value: &amf0::Value) -> Value {
    let pairs = |object: &amf0::Object| -> Value {
        object.iter().map(|(name, value)| json!([name.as_str(), amf_as_json(value)])).collect()
    };
    match value {
        amf0::Value::Number(number) if number.fract() == 0.0 => json!(["number", *number as i64]),
        amf0::Value::Number(number) => json!(["number", number]),
        amf0::Value::String(text) => json!(["string", text.as_str()]),
        amf0::Value::Object(object) => json!(["object", pairs(object)]),
        amf0::Value::EcmaArray { count, properties } => {
            json!(["ecma_array", count, pairs(properties)])
        }
        amf0::Value::Undefined => json!(["undefined"]),
        amf0::Value::Amf3(_) => {
            let width = value.clone().into_amf0().as_object().unwrap().number("width");
            json!([
                "avmplus",
                ["object", "", true, [], [["width", ["integer", width.unwrap() as i64]]]]
            ])
        }
        other => panic!("{other:?}"),
    }
}

fn picture(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
