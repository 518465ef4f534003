//! From an encoder's connection to what a player reads out of the segments: every frame, every byte, every time.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use levada_codec::nal;
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_hls::{
    Answer, Container, Fetched, INDEX, Origin, OriginConfig, PullEvent, Puller, PullerConfig,
    ReadMedia, ReadPlaylist, Request, Variables, read_playlist,
};
use levada_media::{MediaEvent, MediaKind, Timescale, TrackId, VideoCodec};
use levada_test::{Chance, seeds};
use levada_ts::{DemuxConfig, TsDemuxer, TsEvent};

use crate::common::*;

/// One track's frames, in the order of the stream, with times in seconds.
#[derive(Default)]
struct Lane {
    frames: Vec<Shown>,
    timescale: Option<Timescale>,
    /// H.264 and H.265 change their framing and their parameter sets on the way through MPEG-TS.
    codec: Option<VideoCodec>,
}

struct Shown {
    dts: f64,
    pts: f64,
    key: bool,
    data: Bytes,
}

type Lanes = BTreeMap<MediaKind, Lane>;

fn lanes(events: impl IntoIterator<Item = MediaEvent>) -> Lanes {
    let mut lanes = Lanes::new();
    for event in events {
        match event {
            MediaEvent::Track(track) => {
                let lane = lanes.entry(track.id.kind).or_default();
                lane.timescale = Some(track.timescale);
                lane.codec = track.params.video().map(|it| it.codec);
            }
            MediaEvent::Frame(frame) => {
                let lane = lanes.get_mut(&frame.track.kind).unwrap();
                let scale = lane.timescale.unwrap();
                let (dts, pts) = (scale.seconds(frame.dts), scale.seconds(frame.pts()));
                lane.frames.push(Shown { dts, pts, key: frame.is_key(), data: frame.data });
            }
            _ => {}
        }
    }
    lanes.retain(|_, lane| !lane.frames.is_empty());
    lanes
}

/// What a picture is made of, without what a container may add or take: parameter sets, delimiters, fillers.
fn slices(codec: VideoCodec, data: &[u8]) -> Vec<&[u8]> {
    let is_slice = |unit: &&[u8]| match codec {
        VideoCodec::Avc => matches!(unit[0] & 0x1F, 1..=6),
        _ => !matches!(unit[0] >> 1 & 0x3F, 32..=35 | 38),
    };
    nal::units(data, 4).map(Result::unwrap).filter(is_slice).collect()
}

fn origin(container: Container, parts: bool) -> Origin {
    let mut config = OriginConfig::default();
    config.segmenter.container = container;
    config.segmenter.segment = Duration::from_secs(1);
    config.segmenter.part = config.segmenter.part.filter(|_| parts);
    Origin::new(config)
}

fn body(origin: &mut Origin, name: &str) -> Bytes {
    match origin.get(&Request::new(name)) {
        Answer::Ready(reply) => {
            assert_eq!(reply.status, 200, "{name}");
            reply.body.join()
        }
        Answer::Wait(_) => panic!("{name} is not there yet"),
    }
}

fn playlist(origin: &mut Origin, name: &str) -> ReadMedia {
    let text = body(origin, name);
    let text = core::str::from_utf8(&text).unwrap();
    let ReadPlaylist::Media(list) = read_playlist(text, &Variables::default()).unwrap() else {
        panic!("{text}")
    };
    assert_eq!(list.violations, [], "{text}");
    assert!(list.ended, "{text}");
    list
}

/// Reads all segments as a player of fMP4 does.
fn read_fmp4(origin: &mut Origin, name: &str) -> Vec<MediaEvent> {
    let (mut events, mut map, mut reader) = (Vec::new(), None, None);
    for segment in playlist(origin, name).segments {
        let init = segment.map.unwrap().uri.clone();
        let mut input = BytesMut::new();
        if map.as_ref() != Some(&init) {
            input.extend_from_slice(&body(origin, &init));
            (map, reader) = (Some(init), Some(Fmp4Reader::new(ReadLimits::default())));
        }
        let reader = reader.as_mut().unwrap();
        input.extend_from_slice(&body(origin, &segment.uri));
        while let Some(item) = reader.read(&mut input).unwrap() {
            match item {
                Fmp4Item::Track(track) => events.push(MediaEvent::Track(track)),
                Fmp4Item::Frame(frame) => events.push(MediaEvent::Frame(frame)),
                Fmp4Item::Tolerated(quirk) => panic!("{quirk:?}"),
                _ => {}
            }
        }
        reader.finish(&input).unwrap();
    }
    events
}

/// Reads all segments as a player of MPEG-TS does.
fn read_ts(origin: &mut Origin, name: &str) -> Vec<MediaEvent> {
    let (mut events, mut demuxer) = (Vec::new(), TsDemuxer::new(DemuxConfig::default()));
    let mut discontinuity = 0;
    let mut input = BytesMut::new();
    let mut drain = |demuxer: &mut TsDemuxer, input: &mut BytesMut| {
        while let Some(event) = demuxer.next_event(input) {
            match event {
                TsEvent::Media(event) => events.push(event),
                TsEvent::Found { offset, finding } => panic!("{offset}: {finding}"),
            }
        }
    };
    for segment in playlist(origin, name).segments {
        if segment.discontinuity != discontinuity {
            discontinuity = segment.discontinuity;
            demuxer.mark_discontinuity();
        }
        input.extend_from_slice(&body(origin, &segment.uri));
        drain(&mut demuxer, &mut input);
    }
    demuxer.end();
    drain(&mut demuxer, &mut input);
    events
}

/// Reads all of it as our own puller does, from the index on.
fn pull(origin: &mut Origin) -> Vec<MediaEvent> {
    const BASE: &str = "http://h.example/s/";
    let mut puller = Puller::new(&format!("{BASE}{INDEX}"), PullerConfig::default());
    let (mut events, mut ended) = (Vec::new(), false);
    while let Some(fetch) = puller.next_fetch(Duration::ZERO) {
        let name = fetch.url.strip_prefix(BASE).unwrap().to_owned();
        assert_eq!(fetch.range, None);
        let fetched = Fetched::Body { url: fetch.url, body: body(origin, &name) };
        puller.handle_fetched(fetch.id, fetched, Duration::ZERO);
        while let Some(event) = puller.next_event() {
            match event {
                PullEvent::Media(event) => events.push(event),
                PullEvent::Discontinuity => {}
                PullEvent::Ended => ended = true,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(ended);
    events
}

/// Whether a reader got what the source has, from the first keyframe on, to the millisecond.
fn check(what: &str, source: &Lanes, read: &Lanes) {
    assert!(source.keys().eq(read.keys()), "{what}: {:?}", read.keys());
    let leader = source.values().next_back().unwrap();
    let leader = source.get(&MediaKind::Video).unwrap_or(leader);
    let begin = leader.frames.iter().find(|it| it.key || leader.codec.is_none()).unwrap().dts;
    let zero = {
        let (kind, _) = source.iter().find(|(_, it)| core::ptr::eq(*it, leader)).unwrap();
        read[kind].frames[0].dts
    };
    for (kind, lane) in source {
        // Sound from before the first picture belongs to nobody. What begins within a frame of it may be on either side.
        let wanted: Vec<&Shown> =
            lane.frames.iter().skip_while(|it| it.dts + 0.000_5 < begin).collect();
        let got = &read[kind].frames;
        assert_eq!(got.len(), wanted.len(), "{what} {kind:?}");
        for (index, (got, wanted)) in got.iter().zip(wanted).enumerate() {
            match lane.codec {
                Some(codec @ (VideoCodec::Avc | VideoCodec::Hevc)) => {
                    let same = slices(codec, &got.data) == slices(codec, &wanted.data);
                    assert!(same, "{what} {kind:?} {index}");
                }
                _ => assert!(got.data == wanted.data, "{what} {kind:?} {index}"),
            }
            // Times of pictures are exact. Sound is counted in samples, its source in milliseconds.
            let tolerance = if lane.codec.is_some() { 0.000_02 } else { 0.002 };
            for (got, wanted) in [(got.dts, wanted.dts), (got.pts, wanted.pts)] {
                let off = (got - zero) - (wanted - begin);
                assert!(off.abs() < tolerance, "{what} {kind:?} {index}: {off}");
            }
            if lane.codec.is_some() {
                assert_eq!(got.key, wanted.key, "{what} {kind:?} {index}");
            }
        }
    }
}

const EVERYWHERE: [&str; 36] = [
    "media/h264_baseline_aac44s.flv",
    "media/h264_main_b2_aac48s.flv",
    "media/h264_high_b3pyr_aac48m.flv",
    "media/h264_mp3_44s.flv",
    "media/h264_heaac_v1_explicit.flv",
    "media/h264_heaac_v1_backcompat.flv",
    "media/h264_heaac_v2_explicit.flv",
    "media/h264_noaudio.flv",
    "media/h264_5994_aac.flv",
    "media/h264_1080p30.flv",
    "media/h264_irregular_gop.flv",
    "media/h264_gop12s.flv",
    "media/h264_vfr.flv",
    "media/res_change_newseqhdr.flv",
    "media/slices4_sei.flv",
    "media/starts_mid_gop.flv",
    "media/ts_start_large.flv",
    "media/ts_cross_ffffff.flv",
    "media/ts_cross_7fffffff.flv",
    "media/ts_wrap_32bit.flv",
    "media/aac44m_only.flv",
    "media/mp3_44m_only.flv",
    "media/h264_open_gop_aac44m.flv",
    "media/h264_intra_refresh.flv",
    "media/h264_heaac_v1_implicit.flv",
    "media/h264_heaac_v2_implicit.flv",
    "media/inband_spspps_repeat.flv",
    "media/inband_pps_change_no_seqhdr.flv",
    "media/inband_res_change_no_seqhdr.flv",
    "media/cfg_change_same_res.flv",
    "media/aac_cfg_change.flv",
    "real/rtmp-gst-1.28.8-eflvmux-hevc.flv",
    "real/rtmp-gst-1.28.8-eflvmux-avc1-mp4a.flv",
    "real/rtmp-ffmpeg-9.0.2-h264-ac3-ertmp.flv",
    // Sound that is announced by its first frame, behind pictures.
    "real/ffmpeg-5.1-keyframe-index.flv",
    "real/ffmpeg-9.0.2-avc-eac3-51.flv",
];

const FMP4_ONLY: [&str; 7] = [
    "real/ffmpeg-9.0.2-hevc-opus.flv",
    "real/ffmpeg-9.0.2-vp9-ac3.flv",
    "real/ffmpeg-9.0.2-av1-flac.flv",
    "real/rtmp-obs-32.2.2-av1-aac.flv",
    "real/rtmp-obs-32.2.2-h264-aac.flv",
    "real/ffmpeg-5.1-h264-aac.flv",
    "real/ffmpeg-9.0.2-hdr-mp3.flv",
];

fn run(name: &str, container: Container, chance: &mut Chance) {
    let sent = flv(name);
    let got = publish(&sent, chance);
    assert!(got == sent, "{name}: what the server got is what was sent");
    let source = lanes(unpack(&sent));
    let parts = container == Container::Fmp4 && chance.one_in(2);
    let mut origin = origin(container, parts);
    for event in unpack(&got) {
        origin.push(event, 1_772_366_400_000).unwrap();
    }
    origin.finish().unwrap();
    let what = format!("{name} {container:?}");
    let read = if container == Container::Ts { read_ts } else { read_fmp4 };
    check(&what, &source, &lanes(read(&mut origin, "main.m3u8")));
    check(&format!("{what} pulled"), &source, &lanes(pull(&mut origin)));
}

#[test]
fn what_is_published_is_in_the_fragments() {
    for seed in seeds(1) {
        let mut chance = Chance::new(seed);
        for name in EVERYWHERE.iter().chain(&FMP4_ONLY) {
            run(name, Container::Fmp4, &mut chance);
        }
    }
}

#[test]
fn what_is_published_is_in_the_transport_stream() {
    for seed in seeds(1) {
        let mut chance = Chance::new(seed);
        EVERYWHERE.iter().for_each(|name| run(name, Container::Ts, &mut chance));
    }
}

/// Enhanced RTMP multitrack: each track is a rendition of its own, and they share one timeline.
#[test]
fn every_track_of_several_is_in_its_rendition() {
    let sent = publish(&flv("real/ffmpeg-9.0.2-multitrack-codecs.flv"), &mut Chance::new(1));
    let events = unpack(&sent);
    let mut origin = origin(Container::Fmp4, true);
    for event in events.clone() {
        origin.push(event, 1_772_366_400_000).unwrap();
    }
    origin.finish().unwrap();
    for (id, name) in [
        (TrackId::video(0), "v0.m3u8"),
        (TrackId::video(1), "v1.m3u8"),
        (TrackId::audio(0), "a0.m3u8"),
        (TrackId::audio(1), "a1.m3u8"),
    ] {
        let source = lanes(events.iter().filter(|it| it.track() == id).cloned());
        let read = lanes(read_fmp4(&mut origin, name));
        check(name, &source, &read);
        // The first picture is at 0 in both.
        let (wanted, got) = (source[&id.kind].frames[0].dts, read[&id.kind].frames[0].dts);
        assert!((wanted - got).abs() < 0.001, "{name}: {wanted} {got}");
    }
}
