//! Parameter sets, NAL units and frame facts of H.264 and H.265.
//!
//! ```sh
//! cargo bench -p levada-benches --bench codec --features peers
//! ```
//!
//! Parameter sets are read to the last promise of their usability information. `arcly-stream` stops before that.

use std::hint::black_box;

use bytes::BytesMut;
use levada_benches::{Case, Work, bench};
use levada_codec::{Inspector, avc, hevc, nal};
use levada_media::{CodecParams, VideoCodec, VideoParams};

/// 1080p at 59.94 Hz, 360p, and 360p with a buffer model, by x264.
const AVC_SPS: [&str; 3] = [
    "6764002aacd940780227e5c04400000fa4000753023c60c658",
    "674d401eeca05017fcb80880000003008000001e478b16cb",
    "6764001eacd940a02ff9701100000300010000030032e0200124f000493f920c03e2c5b2c0",
];

/// Parameter sets of a stream without B frames, and how an IDR and a P slice of it begin, by x264.
const STREAM_SETS: [&str; 2] = ["6742c00bd9028df93011000003000100000300328f142a48", "68cb80c4b2"];
const STREAM_SLICES: [&str; 2] =
    ["65888437f88ab830215bc506926026ff", "419a386e6d860216ee2dc91cfc087d95"];

/// 96p, 1080p, and 180p with HDR10, by x265.
const HEVC_SPS: [&str; 3] = [
    "42010101600000030090000003000003001ea01420616595964932bc04040000030004000003006420",
    "420101016000000300900000030000030078a003c0801107cb965654a4c2f01010000003001000000301e080",
    "42010102200000030090000003000003003ca00a080b9f6d96566924caf016a1220120800001f480002ee004",
];

fn main() {
    let mut cases = Vec::new();
    sps(&mut cases);
    units(&mut cases);
    frames(&mut cases);
    bench(cases);
}

fn hex(picture: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&picture[at..at + 2], 16).unwrap();
    (0..picture.len()).step_by(2).map(digit).collect()
}

/// A case that does the same to each of these inputs.
fn each<T: 'static, Out: 'static>(
    name: &str,
    inputs: &'static [&'static str],
    make: fn(Vec<u8>) -> T,
    run: impl Fn(&T) -> Out + 'static,
) -> Case {
    Case::new(name, move || {
        let bytes = inputs.iter().map(|it| it.len() / 2).sum();
        let inputs: Vec<T> = inputs.iter().map(|it| make(hex(it))).collect();
        Work::on(bytes, move || inputs.iter().for_each(|it| _ = black_box(&run(black_box(it)))))
    })
}

fn sps(cases: &mut Vec<Case>) {
    cases.push(each("sps AVC/levada", &AVC_SPS, |it| it, |it| avc::Sps::parse(it).unwrap()));
    cases.push(each("sps HEVC/levada", &HEVC_SPS, |it| it, |it| hevc::Sps::parse(it).unwrap()));
    #[cfg(feature = "peers")]
    cases.extend(peers::sps());
}

/// Two seconds of the workload, as samples and as a byte stream.
struct Stream {
    samples: Vec<Vec<u8>>,
    annex_b: Vec<u8>,
}

fn stream() -> Stream {
    let mut stream = Stream { samples: Vec::new(), annex_b: Vec::new() };
    let bodies = levada_benches::workload();
    for (index, body) in bodies.iter().filter(|it| it.video).take(60).enumerate() {
        // A slice header, then what is as random as coded pictures.
        let head = hex(STREAM_SLICES[usize::from(index > 0)]);
        let mut unit = escaped(&[&head, &body.bytes[5..]].concat());
        unit.push(0x80);
        stream
            .samples
            .push([&u32::try_from(unit.len()).unwrap().to_be_bytes()[..], &unit].concat());
        stream.annex_b.extend_from_slice(&[0, 0, 0, 1]);
        stream.annex_b.extend_from_slice(&unit);
    }
    stream
}

fn escaped(rbsp: &[u8]) -> Vec<u8> {
    let mut unit = Vec::with_capacity(rbsp.len() + 64);
    let mut zeros = 0;
    for &byte in rbsp {
        if zeros == 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    unit
}

/// A case on the byte stream, or on its samples, which are as long.
fn on_stream(name: &str, run: impl FnOnce(Stream) -> Box<dyn FnMut()> + 'static) -> Case {
    Case::new(name, move || {
        let stream = stream();
        Work::on(stream.annex_b.len(), run(stream))
    })
}

fn units(cases: &mut Vec<Case>) {
    for group in ["Annex B walk", "Annex B to lengths", "lengths to Annex B"] {
        cases.push(on_stream(&format!("{group}/memcpy"), |Stream { annex_b, .. }| {
            let mut scratch = Vec::new();
            Box::new(move || levada_benches::memcpy(&annex_b, &mut scratch))
        }));
    }
    cases.push(on_stream("Annex B walk/levada", |Stream { annex_b, .. }| {
        Box::new(move || {
            nal::annex_b_units(black_box(&annex_b)).for_each(|it| {
                black_box(it);
            })
        })
    }));
    cases.push(on_stream("Annex B to lengths/levada", |Stream { annex_b, .. }| {
        let mut out = BytesMut::new();
        Box::new(move || {
            out.clear();
            nal::annex_b_to_length_prefixed(black_box(&annex_b), &mut out);
            black_box(&out);
        })
    }));
    cases.push(on_stream("lengths to Annex B/levada", |Stream { samples, .. }| {
        let mut out = BytesMut::new();
        Box::new(move || {
            for sample in black_box(&samples) {
                out.clear();
                nal::length_prefixed_to_annex_b(sample, 4, &mut out).unwrap();
                black_box(&out);
            }
        })
    }));
    #[cfg(feature = "peers")]
    cases.extend(peers::units());
}

/// The facts of one frame after the other. Its cost does not depend on the size of the frames.
fn frames(cases: &mut Vec<Case>) {
    cases.push(on_stream("AVC facts/levada", |Stream { samples, .. }| {
        let sets = STREAM_SETS.map(hex);
        let config = avc::Config::from_units(sets.iter().map(Vec::as_slice)).unwrap();
        let params = VideoParams::new(VideoCodec::Avc, config.encode().unwrap());
        let mut inspector = Inspector::new(&CodecParams::Video(params));
        Box::new(move || {
            for sample in black_box(&samples) {
                let facts = inspector.inspect(sample);
                assert!(black_box(facts).order.is_some());
            }
        })
    }));
}

#[cfg(feature = "peers")]
mod peers {
    use std::io::Cursor;

    use bytes::Bytes;

    use super::*;

    pub fn sps() -> [Case; 4] {
        use h264_reader::nal::{Nal, RefNal, sps::SeqParameterSet};

        [
            each(
                "sps AVC/h264-reader",
                &AVC_SPS,
                |it| it,
                |it| {
                    let unit = RefNal::new(it, &[], true);
                    SeqParameterSet::from_bits(unit.rbsp_bits()).unwrap()
                },
            ),
            each("sps AVC/scuffle-h264", &AVC_SPS, Bytes::from, |it| {
                let unit = Cursor::new(it.clone());
                scuffle_h264::Sps::parse_with_emulation_prevention(unit).unwrap()
            }),
            each(
                "sps AVC/arcly-stream, to the VUI",
                &AVC_SPS,
                |it| it,
                |it| arcly_stream::codec::h264::parse_sps(it).unwrap(),
            ),
            each("sps HEVC/scuffle-h265", &HEVC_SPS, Bytes::from, |it| {
                scuffle_h265::SpsNALUnit::parse(Cursor::new(it.clone())).unwrap()
            }),
        ]
    }

    pub fn units() -> [Case; 3] {
        use arcly_stream::codec::h264;

        [
            on_stream("Annex B walk/h264-reader", |Stream { annex_b, .. }| {
                use h264_reader::annexb::AnnexBReader;
                use h264_reader::nal::RefNal;
                use h264_reader::push::NalInterest;

                Box::new(move || {
                    let mut reader = AnnexBReader::accumulate(|unit: RefNal<'_>| {
                        black_box(&unit);
                        NalInterest::Ignore
                    });
                    reader.push(black_box(&annex_b));
                    reader.reset();
                })
            }),
            on_stream("Annex B to lengths/arcly-stream", |Stream { annex_b, .. }| {
                Box::new(move || drop(black_box(h264::annexb_to_avcc(black_box(&annex_b)))))
            }),
            on_stream("lengths to Annex B/arcly-stream", |Stream { samples, .. }| {
                Box::new(move || {
                    for sample in black_box(&samples) {
                        black_box(h264::avcc_to_annexb(sample, 4));
                    }
                })
            }),
        ]
    }
}
