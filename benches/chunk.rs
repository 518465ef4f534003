//! The chunk stream: 60 s of 6 Mbit/s video and 128 kbit/s audio read and written, at the chunk sizes of the
//! specification (128), of OBS and nginx (4096), and of those who want one chunk a message (65536).
//!
//! ```sh
//! cargo bench -p levada-benches --bench chunk --features peers
//! ```
//!
//! Reading includes the copy into the input that stands for the socket's read. Writing ends at bytes, or slices, ready for the
//! socket; throughput is in payload bytes.

use std::hint::black_box;

use bytes::BytesMut;
use levada_benches::{Case, Work, bench, flush, memcpy, memcpy_case, messages, wire};
use levada_buf::Outbox;
use levada_chunk::{ChunkReader, ChunkSize, ChunkWriter, Control, Message};

const CHUNK_SIZES: [u32; 3] = [128, 4096, 65_536];
const READS: [usize; 3] = [4096, 16 * 1024, 64 * 1024];

fn main() {
    let sizes = || CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap()).into_iter();
    let reads = sizes().flat_map(|size| READS.into_iter().flat_map(move |it| reads(size, it)));
    bench(reads.chain(sizes().flat_map(writes)));
}

/// A reader: what it makes of a chunk stream in chunks of that size, read by so many bytes, in messages.
type Read = fn(ChunkSize, &[u8], usize) -> usize;

fn reads(size: ChunkSize, read: usize) -> Vec<Case> {
    let group = format!("chunk read {} by {read}", size.bytes());
    let case = |(name, messages): (&str, Read)| {
        Case::new(format!("{group}/{name}"), move || {
            let wire = wire(size);
            assert_eq!(messages(size, &wire, read), levada_benches::messages().len());
            Work::on(wire.len(), move || messages(size, &wire, read))
        })
    };
    let mut cases = vec![case(("levada", levada_read))];
    #[cfg(feature = "peers")]
    cases.extend(peers::READERS.map(case));
    cases.push(memcpy_case(&group, read, move || wire(size)));
    cases
}

fn levada_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
    let mut reader = ChunkReader::default();
    // Blocks of a few reads, with room for a chunk, as a driver has them.
    let block = (4 * read).max(chunk_size.bytes() as usize).min(64 * 1024);
    let mut input = BytesMut::with_capacity(block);
    input.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    input.extend_from_slice(&Control::SetChunkSize(chunk_size).message().payload);
    reader.read(&mut input).unwrap();
    let mut messages = 0;
    for bytes in wire.chunks(read) {
        if input.capacity() - input.len() < read {
            input.reserve(block);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = reader.read(&mut input).unwrap() {
            black_box(&message);
            messages += 1;
        }
    }
    messages
}

/// A writer: what it needs, made of the messages, and how it writes all of them.
fn write_case(
    size: ChunkSize,
    name: &str,
    writer: impl FnOnce(Vec<Message>) -> Box<dyn FnMut()> + 'static,
) -> Case {
    Case::new(format!("chunk write {}/{name}", size.bytes()), move || {
        let messages = messages();
        let payload = messages.iter().map(|it| it.payload.len()).sum();
        Work::on(payload, writer(messages))
    })
}

fn writes(size: ChunkSize) -> Vec<Case> {
    let mut cases = vec![write_case(size, "levada", move |messages| {
        let mut out = Outbox::new();
        let mut writer = ChunkWriter::new();
        writer.set_chunk_size(size, &mut out);
        flush(&mut out);
        Box::new(move || {
            for message in &messages {
                writer.write(message, &mut out).unwrap();
                flush(&mut out);
            }
        })
    })];
    #[cfg(feature = "peers")]
    cases.extend(peers::writes(size));
    cases.push(write_case(size, "memcpy", |messages| {
        let mut block = Vec::new();
        Box::new(move || messages.iter().for_each(|it| memcpy(&it.payload, &mut block)))
    }));
    cases
}

#[cfg(feature = "peers")]
mod peers {
    use levada_chunk::{Message, MessageType};

    use super::*;

    pub const READERS: [(&str, Read); 4] = [
        ("rml_rtmp 0.8.0", rml_read),
        ("rtmp-rs 0.6.0", rtmp_rs_read),
        ("rtmp-runtime 0.8.0", rtmp_runtime_read),
        ("scuffle-rtmp 0.2.3", scuffle_read),
    ];

    fn rml_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
        let mut reader = rml_rtmp::chunk_io::ChunkDeserializer::new();
        reader.set_max_chunk_size(chunk_size.bytes() as usize).unwrap();
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            let mut next = reader.get_next_message(bytes).unwrap();
            while let Some(message) = next {
                black_box(&message);
                messages += 1;
                next = reader.get_next_message(&[]).unwrap();
            }
        }
        messages
    }

    fn rtmp_rs_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
        let mut reader = rtmp_rs::protocol::chunk::ChunkDecoder::new();
        reader.set_chunk_size(chunk_size.bytes());
        let mut input = BytesMut::with_capacity(64 * 1024);
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            input.extend_from_slice(bytes);
            // `None` is also the end of a chunk that ends no message.
            loop {
                let before = input.len();
                match reader.decode(&mut input).unwrap() {
                    Some(message) => {
                        black_box(&message);
                        messages += 1;
                    }
                    None if input.len() == before => break,
                    None => {}
                }
            }
        }
        messages
    }

    fn rtmp_runtime_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
        let mut reader =
            rtmp_runtime::chunk::ChunkAssembler::new().with_chunk_size(chunk_size.bytes());
        wire.chunks(read).map(|it| black_box(reader.push(it).unwrap()).len()).sum()
    }

    fn scuffle_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
        let mut reader = scuffle_rtmp::chunk::reader::ChunkReader::default();
        assert!(reader.update_max_chunk_size(chunk_size.bytes() as usize));
        let mut input = BytesMut::with_capacity(64 * 1024);
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            input.extend_from_slice(bytes);
            while let Some(message) = reader.read_chunk(&mut input).unwrap() {
                black_box(&message);
                messages += 1;
            }
        }
        messages
    }

    pub fn writes(size: ChunkSize) -> Vec<Case> {
        type Writer = fn(u32, Vec<Message>) -> Box<dyn FnMut()>;
        let writers: [(&str, Writer); 6] = [
            ("rml_rtmp 0.8.0", rml_write),
            ("rtmp-rs 0.6.0", rtmp_rs_write),
            ("rtmp-runtime 0.8.0", rtmp_runtime_write),
            ("scuffle-rtmp 0.2.3", scuffle_write),
            ("shiguredo_rtmp 2026.1.0-canary.6", shiguredo_write),
            ("oxideav-rtmp 0.0.7", oxideav_write),
        ];
        writers
            .map(|(name, writer)| write_case(size, name, move |it| writer(size.bytes(), it)))
            .into()
    }

    fn rml_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        use rml_rtmp::time::RtmpTimestamp;
        let mut writer = rml_rtmp::chunk_io::ChunkSerializer::new();
        writer.set_max_chunk_size(chunk_size, RtmpTimestamp::new(0)).unwrap();
        let messages: Vec<_> = messages
            .iter()
            .map(|it| rml_rtmp::messages::MessagePayload {
                timestamp: RtmpTimestamp::new(it.timestamp),
                type_id: it.kind.0,
                message_stream_id: it.stream.0,
                data: it.payload.clone(),
            })
            .collect();
        Box::new(move || {
            for message in &messages {
                black_box(writer.serialize(message, false, false).unwrap());
            }
        })
    }

    fn rtmp_rs_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        use rtmp_rs::protocol::chunk::{ChunkEncoder, RtmpChunk};
        let mut writer = ChunkEncoder::new();
        writer.set_chunk_size(chunk_size);
        let messages: Vec<_> = messages
            .iter()
            .map(|it| RtmpChunk {
                csid: it.chunk_stream.number(),
                timestamp: it.timestamp,
                message_type: it.kind.0,
                stream_id: it.stream.0,
                payload: it.payload.clone(),
            })
            .collect();
        let mut out = BytesMut::new();
        Box::new(move || {
            for message in &messages {
                out.clear();
                writer.encode(message, &mut out);
                black_box(&out);
            }
        })
    }

    fn rtmp_runtime_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        let mut writer = rtmp_runtime::chunk::ChunkWriter::new();
        writer.set_chunk_size(chunk_size);
        let messages: Vec<_> = messages
            .iter()
            .map(|it| rtmp_runtime::chunk::Message {
                chunk_stream_id: it.chunk_stream.number(),
                timestamp: it.timestamp,
                message_type_id: it.kind.0,
                message_stream_id: it.stream.0,
                payload: it.payload.to_vec(),
            })
            .collect();
        Box::new(move || {
            for message in &messages {
                black_box(writer.write(message).unwrap());
            }
        })
    }

    fn scuffle_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        use scuffle_rtmp::chunk::Chunk;
        let mut writer = scuffle_rtmp::chunk::writer::ChunkWriter::default();
        writer.set_chunk_size(chunk_size as usize);
        let mut out = Vec::new();
        Box::new(move || {
            for it in &messages {
                out.clear();
                let kind = it.kind.0.into();
                let id = it.chunk_stream.number();
                let chunk = Chunk::new(id, it.timestamp, kind, it.stream.0, it.payload.clone());
                writer.write_chunk(&mut out, chunk).unwrap();
                black_box(&out);
            }
        })
    }

    fn shiguredo_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        use shiguredo_rtmp::tests::{
            RtmpChunk, RtmpChunkEncoder, RtmpChunkSize, RtmpChunkStreamId, RtmpMessageStreamId,
            RtmpMessageType, RtmpTimestamp,
        };
        let mut writer = RtmpChunkEncoder::default();
        writer.set_chunk_size(RtmpChunkSize::new(chunk_size as usize).unwrap());
        let kind = |it: MessageType| match it {
            MessageType::VIDEO => RtmpMessageType::Video,
            _ => RtmpMessageType::Audio,
        };
        let messages: Vec<_> = messages
            .iter()
            .map(|it| RtmpChunk {
                chunk_stream_id: RtmpChunkStreamId::new(it.chunk_stream.number()).unwrap(),
                message_stream_id: RtmpMessageStreamId::FIRST,
                message_type: kind(it.kind),
                timestamp: RtmpTimestamp::from_millis(it.timestamp),
                payload: it.payload.to_vec(),
            })
            .collect();
        let mut out = Vec::new();
        Box::new(move || {
            for message in &messages {
                out.clear();
                writer.encode(&mut out, message);
                black_box(&out);
            }
        })
    }

    fn oxideav_write(chunk_size: u32, messages: Vec<Message>) -> Box<dyn FnMut()> {
        let mut writer = oxideav_rtmp::chunk::ChunkWriter::new(Vec::new());
        writer.set_chunk_size(chunk_size as usize);
        let messages: Vec<_> = messages
            .iter()
            .map(|it| {
                let message = oxideav_rtmp::chunk::Message {
                    msg_type_id: it.kind.0,
                    msg_stream_id: it.stream.0,
                    timestamp: it.timestamp,
                    payload: it.payload.to_vec(),
                };
                (it.chunk_stream.number(), message)
            })
            .collect();
        Box::new(move || {
            for (id, message) in &messages {
                writer.inner_mut().clear();
                writer.write_message(*id, message).unwrap();
                black_box(writer.inner_mut());
            }
        })
    }
}
