//! Frames found and described: ADTS as a TS demuxer splits it, AV1 and VP9 as every frame of a track is inspected.
//!
//! No payload is looked at, so all of this should be far ahead of memcpy.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use levada_codec::{Inspector, Splitter, aac, adts, video_params};
use levada_media::{CodecParams, VideoCodec};

/// An `av1C`, the temporal unit that goes with it (key frame header first), and a VP9 key frame's beginning.
const AV1_RECORD: &[u8] = b"\x81\x00\x0C\x00\x0A\x0A\x00\x00\x00\x03\xB4\xFD\x93\x6B\xE4\x01";
const VP9_KEY: &[u8] = b"\x82\x49\x83\x42\x00\x09\xF0\x05\x90";

fn codec_frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec frames");
    let adts = adts_stream();
    group.throughput(Throughput::Bytes(adts.len() as u64));
    group.bench_function("ADTS, split", |bencher| {
        bencher.iter(|| {
            let mut splitter = Splitter::<adts::Header>::new();
            let mut rest = black_box(&adts[..]);
            while let Some(frame) = splitter.next(&mut rest) {
                black_box(&frame);
            }
        });
    });
    let mut scratch = Vec::new();
    group.bench_function("ADTS, memcpy", |bencher| {
        bencher.iter(|| levada_benches::memcpy(&adts, &mut scratch));
    });

    let av1 = [&AV1_RECORD[4..], &[0x32, 0xB0, 0xEA, 0x01, 0x10], &[7; 29_999]].concat();
    let vp9 = [VP9_KEY, &[7; 30_000]].concat();
    for (name, codec, record, frame) in
        [("AV1", VideoCodec::Av1, AV1_RECORD, &av1), ("VP9", VideoCodec::Vp9, &[][..], &vp9)]
    {
        let params = video_params(codec, Bytes::copy_from_slice(record)).unwrap();
        let mut inspector = Inspector::new(&CodecParams::Video(params));
        assert!(inspector.inspect(frame).parameter_sets);
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(format!("{name}, inspect"), |bencher| {
            bencher.iter(|| black_box(inspector.inspect(black_box(frame))));
        });
    }
    group.bench_function("30 KB, memcpy", |bencher| {
        bencher.iter(|| levada_benches::memcpy(&vp9, &mut scratch));
    });
    group.finish();
}

/// A minute of AAC at 128 kbit/s and 44.1 kHz.
fn adts_stream() -> Vec<u8> {
    let config = aac::Config::new(2, 44_100, 2).unwrap();
    let mut framer = adts::Framer::new(&config).unwrap();
    let mut stream = Vec::new();
    for _ in 0..2584 {
        stream.extend_from_slice(framer.head(372).unwrap());
        stream.extend_from_slice(&[0x21; 372]);
    }
    stream
}

criterion_group!(benches, codec_frames);
criterion_main!(benches);
