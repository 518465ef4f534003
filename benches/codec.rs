//! Parameter sets, NAL units and frame facts of H.264 and H.265.
//!
//! ```sh
//! cargo bench -p levada-benches --bench codec --features peers
//! ```
//!
//! To count instructions, run one case under callgrind, as `amf.rs` says; `--list` names the cases.
//!
//! Parameter sets are read to the last promise of their usability information. `arcly-stream` stops before that.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput};
use levada_codec::{Inspector, avc, hevc, nal};
use levada_media::{CodecParams, VideoCodec, VideoParams};

/// How often `--one` runs its case.
const ROUNDS: usize = 100;

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

struct Case {
    name: String,
    bytes: usize,
    run: Box<dyn FnMut()>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut cases = cases();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--list", ..] => cases.iter().for_each(|case| println!("{}", case.name)),
        [_, "--one", name, ..] => {
            let case = cases.iter_mut().find(|case| case.name == name);
            let case = case.unwrap_or_else(|| panic!("--list knows no {name}"));
            (case.run)();
            (0..ROUNDS).for_each(|_| measured(&mut case.run));
            println!("{}: {} bytes", case.name, ROUNDS * case.bytes);
        }
        _ => benchmark(cases),
    }
}

/// What callgrind looks at.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
}

fn benchmark(cases: Vec<Case>) {
    let mut criterion = Criterion::default().configure_from_args();
    for mut case in cases {
        let (group, name) = case.name.split_once('/').unwrap();
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Bytes(case.bytes as u64));
        group.bench_function(name, |bencher| bencher.iter(|| (case.run)()));
        group.finish();
    }
    criterion.final_summary();
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    sps(&mut cases);
    units(&mut cases);
    frames(&mut cases);
    cases
}

fn hex(picture: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&picture[at..at + 2], 16).unwrap();
    (0..picture.len()).step_by(2).map(digit).collect()
}

/// A case that does the same to each of these inputs.
fn each<T: 'static>(
    cases: &mut Vec<Case>,
    name: &str,
    inputs: &[&str],
    make: fn(Vec<u8>) -> T,
    run: fn(&T),
) {
    let bytes = inputs.iter().map(|it| it.len() / 2).sum();
    let inputs: Vec<T> = inputs.iter().map(|it| make(hex(it))).collect();
    let run = Box::new(move || inputs.iter().for_each(|it| run(black_box(it))));
    cases.push(Case { name: name.to_owned(), bytes, run });
}

fn sps(cases: &mut Vec<Case>) {
    each(
        cases,
        "avc_sps/levada",
        &AVC_SPS,
        |it| it,
        |it| {
            black_box(avc::Sps::parse(it).unwrap());
        },
    );
    #[cfg(feature = "peers")]
    each(
        cases,
        "avc_sps/h264-reader",
        &AVC_SPS,
        |it| it,
        |it| {
            use h264_reader::nal::{Nal, RefNal, sps::SeqParameterSet};
            let unit = RefNal::new(it, &[], true);
            black_box(SeqParameterSet::from_bits(unit.rbsp_bits()).unwrap());
        },
    );
    #[cfg(feature = "peers")]
    each(cases, "avc_sps/scuffle-h264", &AVC_SPS, bytes::Bytes::from, |it| {
        let unit = std::io::Cursor::new(it.clone());
        black_box(scuffle_h264::Sps::parse_with_emulation_prevention(unit).unwrap());
    });
    #[cfg(feature = "peers")]
    each(
        cases,
        "avc_sps/arcly-stream",
        &AVC_SPS,
        |it| it,
        |it| {
            black_box(arcly_stream::codec::h264::parse_sps(it).unwrap());
        },
    );
    each(
        cases,
        "hevc_sps/levada",
        &HEVC_SPS,
        |it| it,
        |it| {
            black_box(hevc::Sps::parse(it).unwrap());
        },
    );
    #[cfg(feature = "peers")]
    each(cases, "hevc_sps/scuffle-h265", &HEVC_SPS, bytes::Bytes::from, |it| {
        black_box(scuffle_h265::SpsNALUnit::parse(std::io::Cursor::new(it.clone())).unwrap());
    });
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

fn units(cases: &mut Vec<Case>) {
    let bytes = stream().annex_b.len();
    let mut case = |name: &str, run: Box<dyn FnMut()>| {
        cases.push(Case { name: name.to_owned(), bytes, run });
    };
    let mut scratch = Vec::with_capacity(2 * bytes);
    let Stream { annex_b, .. } = stream();
    case("annex_b_walk/memcpy", Box::new(move || levada_benches::memcpy(&annex_b, &mut scratch)));
    let Stream { annex_b, .. } = stream();
    case(
        "annex_b_walk/levada",
        Box::new(move || {
            nal::annex_b_units(black_box(&annex_b)).for_each(|it| {
                black_box(it);
            })
        }),
    );
    #[cfg(feature = "peers")]
    {
        use h264_reader::annexb::AnnexBReader;
        use h264_reader::nal::RefNal;
        use h264_reader::push::NalInterest;
        let Stream { annex_b, .. } = stream();
        case(
            "annex_b_walk/h264-reader",
            Box::new(move || {
                let mut reader = AnnexBReader::accumulate(|unit: RefNal<'_>| {
                    black_box(unit);
                    NalInterest::Ignore
                });
                reader.push(black_box(&annex_b));
                reader.reset();
            }),
        );
    }
    let Stream { annex_b, .. } = stream();
    let mut out = BytesMut::with_capacity(2 * bytes);
    case(
        "annex_b_to_lengths/levada",
        Box::new(move || {
            out.clear();
            nal::annex_b_to_length_prefixed(black_box(&annex_b), &mut out);
            black_box(&out);
        }),
    );
    #[cfg(feature = "peers")]
    {
        let Stream { annex_b, .. } = stream();
        case(
            "annex_b_to_lengths/arcly-stream",
            Box::new(move || {
                black_box(arcly_stream::codec::h264::annexb_to_avcc(black_box(&annex_b)));
            }),
        );
    }
    let Stream { samples, .. } = stream();
    let mut out = BytesMut::with_capacity(2 * bytes);
    case(
        "lengths_to_annex_b/levada",
        Box::new(move || {
            out.clear();
            for sample in black_box(&samples) {
                nal::length_prefixed_to_annex_b(sample, 4, &mut out).unwrap();
            }
            black_box(&out);
        }),
    );
    #[cfg(feature = "peers")]
    {
        let Stream { samples, .. } = stream();
        case(
            "lengths_to_annex_b/arcly-stream",
            Box::new(move || {
                for sample in black_box(&samples) {
                    black_box(arcly_stream::codec::h264::avcc_to_annexb(sample, 4));
                }
            }),
        );
    }
}

/// The facts of one frame after the other. Its cost does not depend on the size of the frames.
fn frames(cases: &mut Vec<Case>) {
    let Stream { samples, .. } = stream();
    let sets = STREAM_SETS.map(hex);
    let config = avc::Config::from_units(sets.iter().map(Vec::as_slice)).unwrap();
    let params = VideoParams::new(VideoCodec::Avc, config.encode().unwrap());
    let mut inspector = Inspector::new(&CodecParams::Video(params));
    let bytes = samples.iter().map(Vec::len).sum();
    let run = Box::new(move || {
        for sample in black_box(&samples) {
            let facts = inspector.inspect(sample);
            assert!(black_box(facts).order.is_some());
        }
    });
    cases.push(Case { name: "avc_facts/levada".to_owned(), bytes, run });
}
