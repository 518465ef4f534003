//! Playlists and segments: how long a playlist of 60 segments, one of low latency and one of a week take to write
//! out, and how many bytes a second become segments. Beside `m3u8-rs` and `quick-m3u8` (feature `peers`).

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use levada_benches::workload;
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_hls::{
    Container, Opening, Output, Playlist, PlaylistConfig, Segment, Segmenter, SegmenterConfig,
    Variables, Window, read_playlist,
};
use levada_media::MediaEvent;

/// A stream of `seconds` with a keyframe every two, packaged: what a playlist is told.
fn outputs(seconds: i64, parts: bool) -> Vec<Output> {
    use levada_media::{
        AudioCodec, AudioParams, CodecParams, Frame, Ticks, Timescale, Track, TrackId,
    };
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(960));
    let mut config = SegmenterConfig::default();
    config.part = config.part.filter(|_| parts);
    config.track_wait = Duration::ZERO;
    let mut segmenter = Segmenter::new(config);
    let track = Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params));
    segmenter.push(MediaEvent::Track(track), 0).unwrap();
    for n in 0..seconds * 50 {
        let frame = Frame::new(TrackId::audio(0), Ticks(n * 20), Bytes::from_static(&[0x21]));
        segmenter.push(MediaEvent::Frame(frame), 0).unwrap();
    }
    std::iter::from_fn(|| segmenter.next_output()).collect()
}

fn playlist(seconds: i64, parts: bool, window: Window) -> Playlist {
    let mut config = PlaylistConfig::new(2, "main");
    config.window = window;
    config.part_target = parts.then_some(Duration::from_millis(500));
    let mut playlist = Playlist::new(config);
    for output in outputs(seconds, parts) {
        tell(&mut playlist, &output);
    }
    playlist
}

fn tell(playlist: &mut Playlist, output: &Output) {
    match output {
        Output::Open(opening) => playlist.open(*opening),
        Output::Part(part) => playlist.push_part(part),
        Output::Segment(segment) => drop(playlist.push_segment(segment)),
        _ => {}
    }
}

fn playlists(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("playlist");
    let sliding = |seconds| Window::Sliding(Duration::from_secs(seconds));
    let plain = playlist(130, false, sliding(120));
    let text = plain.write(false).join();
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write, 60 segments", |it| it.iter(|| black_box(plain.write(false))));
    group.bench_function("write and join, 60 segments", |it| {
        it.iter(|| black_box(plain.write(false).join()))
    });
    let mut scratch = Vec::new();
    group.bench_function("memcpy, 60 segments", |it| {
        it.iter(|| levada_benches::memcpy(&text, &mut scratch))
    });
    let text = String::from_utf8(text.to_vec()).unwrap();
    let variables = Variables::default();
    group.bench_function("read, 60 segments", |it| {
        it.iter(|| black_box(read_playlist(&text, &variables).unwrap()))
    });
    #[cfg(feature = "peers")]
    {
        let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        group.bench_function("m3u8-rs 6.0: write, 60 segments", |it| {
            it.iter(|| {
                let mut out = Vec::with_capacity(8192);
                parsed.write_to(&mut out).unwrap();
                black_box(out)
            });
        });
        group.bench_function("m3u8-rs 6.0: read, 60 segments", |it| {
            it.iter(|| black_box(m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap()));
        });
    }
    let low = playlist(30, true, sliding(20));
    group.bench_function("write, low latency, 10 segments", |it| {
        it.iter(|| black_box(low.write(false).join()))
    });
    let day = playlist(24 * 3600, false, Window::Event);
    group.bench_function("write, event of a day", |it| it.iter(|| black_box(day.write(false))));
    group.finish();
}

/// A segment more, and the playlist written out: what a server does every two seconds.
fn update(criterion: &mut Criterion) {
    let segments: Vec<(Opening, Segment)> = outputs(600, false)
        .into_iter()
        .filter_map(|it| if let Output::Segment(it) = it { Some((it.opening, it)) } else { None })
        .collect();
    let mut group = criterion.benchmark_group("playlist");
    group.bench_function("a segment more, an hour of DVR", |it| {
        let mut playlist = playlist(3600, false, Window::Sliding(Duration::from_secs(3600)));
        let mut next = segments.iter().cycle();
        it.iter(|| {
            let (opening, segment) = next.next().unwrap();
            playlist.open(*opening);
            playlist.push_segment(segment);
            black_box(playlist.write(false))
        });
    });
    group.finish();
}

fn segments(criterion: &mut Criterion) {
    let mut unpacker = Unpacker::default();
    let avcc = b"\x17\x00\0\0\0\x01\x42\xc0\x1e\xff\xe1\0\x08\x67\x42\xc0\x1e\xda\x02\x80\xbf\x01\0\x04\x68\xce\x3c\x80";
    unpacker.push(TagKind::Video, 0, Bytes::from_static(avcc));
    unpacker.push(TagKind::Audio, 0, Bytes::from_static(b"\xaf\x00\x12\x10"));
    let mut events: Vec<MediaEvent> = Vec::new();
    let mut bytes = 0;
    for mut body in workload() {
        if body.video {
            // One NAL unit behind its length, so that MPEG-TS can be made of it.
            let mut payload = body.bytes.to_vec();
            let len = u32::try_from(payload.len() - 9).unwrap();
            payload[5..9].copy_from_slice(&len.to_be_bytes());
            payload[9] = if payload[0] == 0x17 { 0x65 } else { 0x41 };
            body.bytes = Bytes::from(payload);
        }
        bytes += body.bytes.len();
        let kind = if body.video { TagKind::Video } else { TagKind::Audio };
        unpacker.push(kind, body.timestamp, body.bytes);
        while let Some(unpacked) = unpacker.next() {
            if let Unpacked::Event(event) = unpacked {
                events.push(event);
            }
        }
    }
    let mut group = criterion.benchmark_group("segmenter");
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(20);
    for (name, container, part) in [
        ("fMP4", Container::Fmp4, false),
        ("fMP4 with parts", Container::Fmp4, true),
        ("MPEG-TS", Container::Ts, false),
    ] {
        group.bench_function(name, |it| {
            it.iter(|| {
                let mut config = SegmenterConfig::default();
                config.container = container;
                config.part = config.part.filter(|_| part);
                let mut segmenter = Segmenter::new(config);
                for event in &events {
                    let _ = segmenter.push(event.clone(), 0);
                    while let Some(output) = segmenter.next_output() {
                        black_box(output);
                    }
                }
            });
        });
    }
    let (whole, mut scratch) = (vec![7; bytes], Vec::new());
    group.bench_function("memcpy", |it| it.iter(|| levada_benches::memcpy(&whole, &mut scratch)));
    group.finish();
}

criterion_group!(benches, playlists, update, segments);
criterion_main!(benches);
