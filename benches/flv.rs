//! FLV: a minute of the workload as a file, read and written.
//!
//! ```sh
//! cargo bench -p levada-benches --bench flv --features peers
//! ```
//!
//! To count instructions, run one case under callgrind:
//!
//! ```sh
//! export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x7fffffff  # else a copied byte is an instruction
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' \
//!     target/release/deps/flv-HASH --one demux-streaming/levada
//! ```
//!
//! and divide what it says was "Collected" by the number of bytes that the program prints. `--list` names the
//! cases.
//!
//! - demux-streaming: reads of 64 KiB, each copied into an input buffer as a socket's would be, to tags (`tags`) or to
//!   frames with all that their headers say (`levada`).
//! - demux-whole: the file is in memory.
//! - mux: to buffers for one vectored write or to one buffer, whatever the crate has.

use std::hint::black_box;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput};
use levada_benches::workload;
use levada_buf::Outbox;
use levada_flv::{
    FlvHeader, FlvItem, FlvReader, FlvTag, FlvWriter, Packer, TagKind, Unpacked, Unpacker,
};

/// What is done to the file: prepared outside of what is measured, then done once.
struct Case {
    name: &'static str,
    prepare: Box<dyn Fn() -> Box<dyn FnOnce()>>,
}

/// Bytes of a read.
const READ: usize = 64 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let file = file();
    let cases = cases(&file);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--list", ..] => cases.iter().for_each(|case| println!("{}", case.name)),
        [_, "--one", name, ..] => {
            let case = cases.iter().find(|case| case.name == name);
            let work = (case.unwrap_or_else(|| panic!("--list knows no {name}")).prepare)();
            measured(work);
            println!("{name}: {} bytes", file.len());
        }
        _ => benchmark(&cases, file.len()),
    }
}

/// What callgrind looks at.
#[inline(never)]
fn measured(work: Box<dyn FnOnce()>) {
    work();
}

fn benchmark(cases: &[Case], len: usize) {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    for case in cases {
        let (group, name) = case.name.split_once('/').unwrap();
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(&case.prepare, |work| work(), BatchSize::PerIteration);
        });
        group.finish();
    }
    criterion.final_summary();
}

/// The workload as tags. Its frames are noise: here they get the beginning of a NAL unit and of a slice header, so that
/// there is something to be read.
fn tags() -> Vec<FlvTag> {
    let records = [
        (TagKind::Video, &b"\x17\0\0\0\0\x01\x4d\x40\x0b\xff\xe1\x00\x17\x67\x4d\x40\x0b\xec\xa1\x46\xfc\x98\x08\x80\x00\x00\x03\x00\x80\x00\x00\x19\x07\x8a\x14\xcb\x01\x00\x05\x68\xeb\xe0\xe4\xb2"[..]),
        (TagKind::Audio, &b"\xaf\0\x12\x10"[..]),
    ];
    let mut tags: Vec<_> =
        records.map(|(kind, record)| FlvTag::new(kind, 0, Bytes::from_static(record))).into();
    for body in workload() {
        let kind = if body.video { TagKind::Video } else { TagKind::Audio };
        let mut bytes = BytesMut::from(&body.bytes[..]);
        if body.video {
            let len = u32::try_from(bytes.len() - 9).unwrap();
            bytes[5..9].copy_from_slice(&len.to_be_bytes());
            let key = bytes[0] >> 4 == 1;
            bytes[9..12].copy_from_slice(if key { b"\x65\x88\x84" } else { b"\x41\x9a\x42" });
        }
        tags.push(FlvTag::new(kind, body.timestamp, bytes.freeze()));
    }
    tags
}

fn file() -> Bytes {
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    writer.header(&FlvHeader::new(true, true), &mut out);
    tags().iter().for_each(|tag| writer.tag(tag, &mut out).unwrap());
    out.copy_to_bytes(out.remaining())
}

/// A case whose work is done on something that has to be made anew each time.
fn case<T: 'static>(
    name: &'static str,
    prepare: impl Fn() -> T + 'static,
    work: impl Fn(T) + Clone + 'static,
) -> Case {
    let prepare = move || {
        let (prepared, work) = (prepare(), work.clone());
        Box::new(move || work(prepared)) as Box<dyn FnOnce()>
    };
    Case { name, prepare: Box::new(prepare) }
}

fn cases(file: &Bytes) -> Vec<Case> {
    let mut cases = levada(file);
    #[cfg(feature = "peers")]
    cases.extend(peers::cases(file));
    let copied = file.clone();
    cases.push(case(
        "demux-streaming/memcpy",
        || Vec::with_capacity(READ),
        move |mut block| {
            copied.chunks(READ).for_each(|it| levada_benches::memcpy(it, &mut block));
        },
    ));
    cases.sort_by_key(|case| case.name.split_once('/').map(|it| it.0));
    cases
}

fn levada(file: &Bytes) -> Vec<Case> {
    let (tags_in, frames_in, whole, unpacked, shared) =
        (file.clone(), file.clone(), file.clone(), file.clone(), tags());
    let events = events();
    vec![
        case(
            "demux-streaming/levada, tags",
            || (),
            move |()| {
                streaming(&tags_in, |tag| drop(black_box(tag)));
            },
        ),
        case("demux-streaming/levada", Unpacker::default, move |mut unpacker| {
            streaming(&frames_in, |tag| unpack(&mut unpacker, tag));
        }),
        case(
            "demux-whole/levada, tags",
            move || BytesMut::from(&whole[..]),
            |mut input| {
                let mut reader = FlvReader::new();
                while let Some(item) = reader.read(&mut input).unwrap() {
                    black_box(item);
                }
            },
        ),
        case(
            "demux-whole/levada",
            move || BytesMut::from(&unpacked[..]),
            |mut input| {
                let (mut reader, mut unpacker) = (FlvReader::new(), Unpacker::default());
                while let Some(item) = reader.read(&mut input).unwrap() {
                    if let FlvItem::Tag(tag) = item {
                        unpack(&mut unpacker, tag);
                    }
                }
            },
        ),
        case("mux/levada, tags", Outbox::new, move |mut out| {
            let mut writer = FlvWriter::new();
            for tag in &shared {
                writer.tag(tag, &mut out).unwrap();
                flush(&mut out, 64 * 1024);
            }
            flush(&mut out, 0);
        }),
        case("mux/levada", Outbox::new, move |mut out| {
            let (mut packer, mut writer) = (Packer::default(), FlvWriter::new());
            for event in &events {
                for tag in packer.pack(event).unwrap() {
                    writer.packed(&tag, &mut out).unwrap();
                }
                flush(&mut out, 64 * 1024);
            }
            flush(&mut out, 0);
        }),
    ]
}

fn streaming(file: &[u8], mut on_tag: impl FnMut(FlvTag)) {
    let (mut reader, mut input) = (FlvReader::new(), BytesMut::with_capacity(READ));
    for read in file.chunks(READ) {
        input.extend_from_slice(read);
        while let Some(item) = reader.read(&mut input).unwrap() {
            if let FlvItem::Tag(tag) = item {
                on_tag(tag);
            }
        }
    }
}

fn unpack(unpacker: &mut Unpacker, tag: FlvTag) {
    unpacker.push(tag.kind, tag.timestamp, tag.body);
    while let Some(unpacked) = unpacker.next() {
        black_box(unpacked);
    }
}

fn events() -> Vec<levada_media::MediaEvent> {
    let mut unpacker = Unpacker::default();
    let mut events = Vec::new();
    for tag in tags() {
        unpacker.push_tag(&tag);
        while let Some(unpacked) = unpacker.next() {
            if let Unpacked::Event(event) = unpacked {
                events.push(event);
            }
        }
    }
    events
}

/// Stands for the vectored writes to a socket or a file.
fn flush(out: &mut Outbox, from: usize) {
    if out.remaining() < from {
        return;
    }
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = out.slices(&mut slices);
        let written = black_box(&slices[..filled]).iter().map(|it| it.len()).sum();
        out.advance(written);
    }
}

#[cfg(feature = "peers")]
mod peers {
    use std::io::Cursor;

    use super::*;

    pub(super) fn cases(file: &Bytes) -> Vec<Case> {
        let files = [(); 6].map(|()| file.clone());
        let [transmux, flv_core, flvparse, scuffle, xflv, _] = files;
        let tags = tags();
        let core_tags: Vec<flv_core::Tag> = tags.iter().map(core_tag).collect();
        vec![
            case(
                "demux-streaming/transmux",
                || (),
                move |()| {
                    let mut demux = transmux::StreamingFlvDemux::new();
                    for read in transmux.chunks(READ) {
                        demux.feed(read).unwrap();
                        while let Some(event) = demux.poll_event() {
                            black_box(event);
                        }
                    }
                },
            ),
            case(
                "demux-streaming/flv-core, tags",
                || (),
                move |()| {
                    let mut demux = flv_core::Demuxer::new();
                    for read in flv_core.chunks(READ) {
                        demux.push_bytes(read);
                        while let Some(tag) = demux.poll_tag().unwrap() {
                            black_box(tag);
                        }
                    }
                },
            ),
            case(
                "demux-whole/flvparse",
                || (),
                move |()| {
                    black_box(flvparse::FlvFile::parse(&flvparse).unwrap());
                },
            ),
            case(
                "demux-whole/scuffle-flv",
                || (),
                move |()| {
                    let mut reader = Cursor::new(scuffle.clone());
                    black_box(scuffle_flv::file::FlvFile::demux(&mut reader).unwrap());
                },
            ),
            case(
                "demux-whole/xflv, tags",
                move || BytesMut::from(&xflv[..]),
                |input| {
                    let mut demux = xflv::demuxer::FlvDemuxer::new(input);
                    demux.read_flv_header().unwrap();
                    while let Ok(tag) = demux.read_flv_tag() {
                        black_box(tag);
                    }
                },
            ),
            case("mux/flv-core, tags", Vec::new, move |mut out| {
                let mut muxer = flv_core::Muxer::new();
                muxer.write_header(true, true, &mut out);
                for tag in &core_tags {
                    muxer.write_tag(tag, &mut out).unwrap();
                    if out.len() >= 64 * 1024 {
                        black_box(&out);
                        out.clear();
                    }
                }
            }),
            case(
                "mux/xflv, tags",
                move || {
                    tags.iter()
                        .map(|it| (it.clone(), BytesMut::from(&it.body[..])))
                        .collect::<Vec<_>>()
                },
                |tags| {
                    let mut muxer = xflv::muxer::FlvMuxer::new();
                    muxer.write_flv_header(true, true).unwrap();
                    for (tag, body) in tags {
                        let size = u32::try_from(body.len()).unwrap();
                        muxer.write_previous_tag_size(size + 11).unwrap();
                        muxer.write_flv_tag_header(tag.kind.id(), size, tag.timestamp).unwrap();
                        muxer.write_flv_tag_body(body).unwrap();
                        if muxer.writer.len() >= 64 * 1024 {
                            black_box(muxer.writer.extract_current_bytes());
                        }
                    }
                },
            ),
        ]
    }

    fn core_tag(tag: &FlvTag) -> flv_core::Tag {
        flv_core::Tag {
            tag_type: match tag.kind {
                TagKind::Video => flv_core::TagType::Video,
                _ => flv_core::TagType::Audio,
            },
            timestamp_ms: tag.timestamp,
            data: tag.body.clone(),
        }
    }
}
