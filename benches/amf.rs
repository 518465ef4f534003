//! AMF0: the two messages that every publisher sends, `connect` and `onMetaData`, as OBS 32.2.2 sends them.
//!
//! ```sh
//! cargo bench -p levada-benches --bench amf --features peers
//! ```
//!
//! Times on a busy machine are rumours. To count instructions, run one case under callgrind, a hundred times:
//!
//! ```sh
//! export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x7fffffff  # else a copied byte is an instruction
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' \
//!     target/release/deps/amf-HASH --one decode/connect/levada
//! ```
//!
//! and divide what it says was "Collected" by the number of bytes that the program prints. `--list` names the
//! cases.
//!
//! Reading means from the message body to values and to their end (all memory is given back), writing from values
//! to a new buffer.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use levada_amf::{AmfLimits, amf0};

/// How often `--one` runs its case.
const ROUNDS: usize = 100;

struct Case {
    operation: &'static str,
    message: &'static str,
    codec: &'static str,
    bytes: usize,
    run: Box<dyn FnMut()>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut cases = cases();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--list", ..] => cases.iter().for_each(|case| println!("{}", case.name())),
        [_, "--one", name, ..] => {
            let case = cases.iter_mut().find(|case| case.name() == name);
            count(case.unwrap_or_else(|| panic!("--list knows no {name}")));
        }
        _ => benchmark(cases),
    }
}

fn count(case: &mut Case) {
    (case.run)();
    (0..ROUNDS).for_each(|_| measured(&mut case.run));
    println!("{}: {} bytes", case.name(), ROUNDS * case.bytes);
}

/// What callgrind looks at.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
}

fn benchmark(cases: Vec<Case>) {
    let mut criterion = Criterion::default().configure_from_args();
    for mut case in cases {
        let mut group = criterion.benchmark_group(format!("{}/{}", case.operation, case.message));
        group.throughput(Throughput::Bytes(case.bytes as u64));
        group.bench_function(case.codec, |bencher| bencher.iter(|| (case.run)()));
        group.finish();
    }
    criterion.final_summary();
}

impl Case {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.operation, self.message, self.codec)
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (message, body) in [("connect", connect()), ("onMetaData", on_meta_data())] {
        let mut add = |operation, codec, run| {
            cases.push(Case { operation, message, codec, bytes: body.len(), run });
        };
        levada(&body, &mut add);
        #[cfg(feature = "peers")]
        peers::add(&body, &mut add);
        let (copied, mut scratch) = (body.clone(), Vec::new());
        add("copy", "memcpy", Box::new(move || levada_benches::memcpy(&copied, &mut scratch)));
    }
    cases.sort_by_key(|case| (case.operation, case.message));
    cases
}

fn levada(body: &Bytes, add: &mut dyn FnMut(&'static str, &'static str, Box<dyn FnMut()>)) {
    let input = body.clone();
    let decode = move || amf0::decode_all(black_box(&input).clone(), AmfLimits::default()).unwrap();
    let values = decode();
    let encode = move || {
        let mut out = BytesMut::new();
        amf0::encode_all(black_box(&values), &mut out).unwrap();
        out.freeze()
    };
    assert_eq!(encode(), body);
    add("decode", "levada", forget(decode));
    add("encode", "levada", forget(encode));
}

fn forget<T>(work: impl Fn() -> T + 'static) -> Box<dyn FnMut()> {
    Box::new(move || drop(black_box(work())))
}

/// `connect` of OBS 32.2.2.
fn connect() -> Bytes {
    let arguments = amf0::Object::new()
        .with("app", "live")
        .with("type", "nonprivate")
        .with("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)")
        .with("swfUrl", "rtmp://127.0.0.1:19350/live")
        .with("tcUrl", "rtmp://127.0.0.1:19350/live");
    message(&["connect".into(), 1.into(), arguments.into()])
}

/// `onMetaData` of OBS 32.2.2, as its server sends it on.
fn on_meta_data() -> Bytes {
    let properties = amf0::Object::new()
        .with("duration", 0)
        .with("fileSize", 0)
        .with("width", 1280)
        .with("height", 720)
        .with("videocodecid", 7)
        .with("videodatarate", 2500)
        .with("framerate", 30)
        .with("audiocodecid", 10)
        .with("audiodatarate", 160)
        .with("audiosamplerate", 48000)
        .with("audiosamplesize", 16)
        .with("audiochannels", 2)
        .with("stereo", true)
        .with("2.1", false)
        .with("3.1", false)
        .with("4.0", false)
        .with("4.1", false)
        .with("5.1", false)
        .with("7.1", false)
        .with("encoder", "obs-output module (libobs version 32.2.2+ds-1+b2)");
    message(&["onMetaData".into(), amf0::Value::ecma_array(properties)])
}

fn message(values: &[amf0::Value]) -> Bytes {
    let mut body = BytesMut::new();
    amf0::encode_all(values, &mut body).unwrap();
    body.freeze()
}

#[cfg(feature = "peers")]
mod peers {
    use super::{Bytes, black_box, forget};

    type Add<'a> = &'a mut dyn FnMut(&'static str, &'static str, Box<dyn FnMut()>);

    pub fn add(body: &Bytes, add: Add<'_>) {
        rtmp_runtime(body.clone(), add);
        rtmp_rs(body.clone(), add);
        rml(body.clone(), add);
        scuffle(body.clone(), add);
        amf(body.clone(), add);
    }

    fn rtmp_runtime(body: Bytes, add: Add<'_>) {
        use broadcast_common::{Parse, Serialize};
        use rtmp_runtime::amf0::Amf0Value;

        // As its own `Command::parse` and `Command::to_body` do it.
        let decode = move || {
            let (mut rest, mut values) = (&black_box(&body)[..], Vec::new());
            while !rest.is_empty() {
                let value = Amf0Value::parse(rest).unwrap();
                rest = &rest[value.serialized_len()..];
                values.push(value);
            }
            values
        };
        let values = decode();
        let encode = move || {
            let mut out = Vec::new();
            for value in black_box(&values) {
                out.extend(value.try_to_bytes().unwrap());
            }
            out
        };
        add("decode", "rtmp-runtime", forget(decode));
        add("encode", "rtmp-runtime", forget(encode));
    }

    fn rtmp_rs(body: Bytes, add: Add<'_>) {
        use rtmp_rs::amf::amf0;

        let decode = move || {
            let mut input = black_box(&body).clone();
            amf0::Amf0Decoder::new().decode_all(&mut input).unwrap()
        };
        let values = decode();
        let encode = move || amf0::encode_all(black_box(&values));
        add("decode", "rtmp-rs", forget(decode));
        add("encode", "rtmp-rs", forget(encode));
    }

    fn rml(body: Bytes, add: Add<'_>) {
        let decode = move || rml_amf0::deserialize(&mut &black_box(&body)[..]).unwrap();
        let values = decode();
        let encode = move || rml_amf0::serialize(black_box(&values)).unwrap();
        add("decode", "rml_amf0", forget(decode));
        add("encode", "rml_amf0", forget(encode));
    }

    fn scuffle(body: Bytes, add: Add<'_>) {
        use scuffle_amf0::{Amf0Decoder, Amf0Encoder};

        // It cannot read on behind an ECMA array with the usual end: three values are all there are.
        let decode = move || {
            let mut decoder = Amf0Decoder::from_buf(black_box(&body).clone());
            let mut values = Vec::new();
            while values.len() < 3
                && let Ok(true) = decoder.has_remaining()
                && let Ok(value) = decoder.decode_value()
            {
                values.push(value);
            }
            values
        };
        let values = decode();
        let encode = move || {
            let mut out = Vec::new();
            let mut encoder = Amf0Encoder::new(&mut out);
            for value in black_box(&values) {
                value.encode(&mut encoder).unwrap();
            }
            out
        };
        add("decode", "scuffle-amf0", forget(decode));
        add("encode", "scuffle-amf0", forget(encode));
    }

    fn amf(body: Bytes, add: Add<'_>) {
        use amf::amf0::Value;

        let decode = move || {
            let (mut rest, mut values) = (&black_box(&body)[..], Vec::new());
            while !rest.is_empty() {
                values.push(Value::read_from(&mut rest).unwrap());
            }
            values
        };
        let values = decode();
        let encode = move || {
            let mut out = Vec::new();
            for value in black_box(&values) {
                value.write_to(&mut out).unwrap();
            }
            out
        };
        add("decode", "amf", forget(decode));
        add("encode", "amf", forget(encode));
    }
}
