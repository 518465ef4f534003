//! FLV: a minute of the workload as a file, read and written.
//!
//! ```sh
//! cargo bench -p levada-benches --bench flv --features peers
//! ```
//!
//! - streaming: reads of 64 KiB, each copied into an input buffer as a socket's would be, to tags (`tags`) or to
//!   frames with all that their headers say (`levada`).
//! - whole: the file is in memory; `packets` is what other crates call demuxing, tags and the headers of their bodies.
//! - mux: to buffers for one vectored write or to one buffer, whatever the crate has.

use std::hint::black_box;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};
use levada_benches::{Case, Work, bench, memcpy_case, workload};
use levada_buf::Outbox;
use levada_flv::{
    AudioBody, FlvHeader, FlvItem, FlvReader, FlvTag, FlvWriter, Packer, TagKind, Unpacked,
    Unpacker, VideoBody,
};

/// Bytes of a read.
const READ: usize = 64 * 1024;

fn main() {
    let mut cases = levada();
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    for group in ["demux FLV, streaming", "demux FLV, whole", "mux FLV"] {
        cases.push(memcpy_case(group, READ, file));
    }
    bench(cases);
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

/// A case on something that is made of the file.
fn case<T: 'static>(
    name: &str,
    make: impl Fn(&Bytes) -> T + 'static,
    work: impl Fn(&mut T) + 'static,
) -> Case {
    Case::new(name, || {
        let file = file();
        Work::with(file.len(), move || make(&file), work)
    })
}

fn levada() -> Vec<Case> {
    vec![
        case("demux FLV, streaming/levada, tags", Bytes::clone, |file| {
            streaming(file, |tag| drop(black_box(tag)));
        }),
        case("demux FLV, streaming/levada", Bytes::clone, |file| {
            let mut unpacker = Unpacker::default();
            streaming(file, |tag| unpack(&mut unpacker, tag));
        }),
        case(
            "demux FLV, whole/levada, tags",
            |file| BytesMut::from(&file[..]),
            |input| {
                let mut reader = FlvReader::new();
                while let Some(item) = reader.read(input).unwrap() {
                    black_box(&item);
                }
            },
        ),
        case(
            "demux FLV, whole/levada, packets",
            |file| BytesMut::from(&file[..]),
            |input| {
                let mut reader = FlvReader::new();
                while let Some(item) = reader.read(input).unwrap() {
                    let FlvItem::Tag(tag) = item else { continue };
                    match tag.kind {
                        TagKind::Video => drop(black_box(VideoBody::parse(tag.body))),
                        _ => drop(black_box(AudioBody::parse(tag.body))),
                    }
                }
            },
        ),
        case(
            "demux FLV, whole/levada",
            |file| BytesMut::from(&file[..]),
            |input| {
                let (mut reader, mut unpacker) = (FlvReader::new(), Unpacker::default());
                while let Some(item) = reader.read(input).unwrap() {
                    if let FlvItem::Tag(tag) = item {
                        unpack(&mut unpacker, tag);
                    }
                }
            },
        ),
        Case::new("mux FLV/levada, tags", || {
            let tags = tags();
            Work::with(file().len(), Outbox::new, move |out| {
                let mut writer = FlvWriter::new();
                for tag in &tags {
                    writer.tag(tag, out).unwrap();
                    flush(out, READ);
                }
                flush(out, 0);
            })
        }),
        Case::new("mux FLV/levada", || {
            let events = events();
            Work::with(file().len(), Outbox::new, move |out| {
                let (mut packer, mut writer) = (Packer::default(), FlvWriter::new());
                for event in &events {
                    for tag in packer.pack(event).unwrap() {
                        writer.packed(&tag, out).unwrap();
                    }
                    flush(out, READ);
                }
                flush(out, 0);
            })
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
        black_box(&unpacked);
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

    pub(super) fn cases() -> Vec<Case> {
        vec![
            case("demux FLV, streaming/transmux", Bytes::clone, |file| {
                let mut demux = transmux::StreamingFlvDemux::new();
                for read in file.chunks(READ) {
                    demux.feed(read).unwrap();
                    while let Some(event) = demux.poll_event() {
                        black_box(&event);
                    }
                }
            }),
            case("demux FLV, streaming/flv-core, tags", Bytes::clone, |file| {
                let mut demux = flv_core::Demuxer::new();
                for read in file.chunks(READ) {
                    demux.push_bytes(read);
                    while let Some(tag) = demux.poll_tag().unwrap() {
                        black_box(&tag);
                    }
                }
            }),
            case("demux FLV, whole/flvparse", Bytes::clone, |file| {
                black_box(&flvparse::FlvFile::parse(file).unwrap());
            }),
            case("demux FLV, whole/scuffle-flv", Bytes::clone, |file| {
                let mut reader = Cursor::new(file.clone());
                black_box(&scuffle_flv::file::FlvFile::demux(&mut reader).unwrap());
            }),
            case(
                "demux FLV, whole/xflv, tags",
                |file| xflv::demuxer::FlvDemuxer::new(BytesMut::from(&file[..])),
                |demux| {
                    demux.read_flv_header().unwrap();
                    while let Ok(tag) = demux.read_flv_tag() {
                        black_box(&tag);
                    }
                },
            ),
            Case::new("mux FLV/flv-core, tags", || {
                let tags: Vec<flv_core::Tag> = tags().iter().map(core_tag).collect();
                Work::with(file().len(), Vec::new, move |out| {
                    let mut muxer = flv_core::Muxer::new();
                    muxer.write_header(true, true, out);
                    for tag in &tags {
                        muxer.write_tag(tag, out).unwrap();
                        if out.len() >= READ {
                            black_box(&*out);
                            out.clear();
                        }
                    }
                })
            }),
            Case::new("mux FLV/xflv, tags", || {
                let tags = tags();
                let bodies = move || {
                    tags.iter()
                        .map(|it| (it.clone(), BytesMut::from(&it.body[..])))
                        .collect::<Vec<_>>()
                };
                Work::with(file().len(), bodies, |tags| {
                    let mut muxer = xflv::muxer::FlvMuxer::new();
                    muxer.write_flv_header(true, true).unwrap();
                    for (tag, body) in tags.drain(..) {
                        let size = u32::try_from(body.len()).unwrap();
                        muxer.write_previous_tag_size(size + 11).unwrap();
                        muxer.write_flv_tag_header(tag.kind.id(), size, tag.timestamp).unwrap();
                        muxer.write_flv_tag_body(body).unwrap();
                        if muxer.writer.len() >= READ {
                            black_box(muxer.writer.extract_current_bytes());
                        }
                    }
                })
            }),
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
