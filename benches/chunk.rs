//! The chunk stream: 60 s of 6 Mbit/s video and 128 kbit/s audio read and written, at the chunk sizes of the
//! specification (128), of OBS and nginx (4096), and of those who want one chunk a message (65536).
//!
//! ```sh
//! cargo bench -p levada-benches --bench chunk --features peers
//! ```
//!
//! Reading includes the copy into the input that stands for the socket's read. Writing ends at bytes, or slices, ready for the
//! socket; throughput is in payload bytes. `benches/instructions.sh chunk` counts instructions.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use levada_benches::{flush, memcpy, messages, wire};
use levada_buf::Outbox;
use levada_chunk::{ChunkReader, ChunkSize, ChunkWriter, Control};

const CHUNK_SIZES: [u32; 3] = [128, 4096, 65_536];
const READS: [usize; 3] = [4096, 16 * 1024, 64 * 1024];

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn read(criterion: &mut Criterion) {
    for chunk_size in CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap()) {
        let wire = wire(chunk_size);
        let name = format!("chunk read {}", chunk_size.bytes());
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(wire.len() as u64));
        for read in READS {
            group.bench_function(BenchmarkId::new("levada", read), |bencher| {
                bencher.iter(|| levada_read(chunk_size, &wire, read));
            });
            #[cfg(feature = "peers")]
            peers::read(&mut group, chunk_size.bytes(), &wire, read);
        }
        let mut block = Vec::with_capacity(64 * 1024);
        group.bench_function("memcpy", |bencher| {
            bencher.iter(|| wire.chunks(64 * 1024).for_each(|it| memcpy(it, &mut block)));
        });
        group.finish();
    }
}

fn levada_read(chunk_size: ChunkSize, wire: &[u8], read: usize) -> usize {
    let mut reader = ChunkReader::default();
    let mut input = BytesMut::with_capacity(64 * 1024);
    input.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    input.extend_from_slice(&Control::SetChunkSize(chunk_size).message().payload);
    let mut messages = 0;
    for bytes in wire.chunks(read) {
        if input.capacity() - input.len() < read {
            input.reserve(64 * 1024);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = reader.read(&mut input).unwrap() {
            black_box(message);
            messages += 1;
        }
    }
    messages
}

fn write(criterion: &mut Criterion) {
    let messages = messages();
    let payload: usize = messages.iter().map(|it| it.payload.len()).sum();
    for chunk_size in CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap()) {
        let name = format!("chunk write {}", chunk_size.bytes());
        let mut group: Group<'_> = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(payload as u64));
        group.bench_function("levada", |bencher| {
            let mut out = Outbox::new();
            let mut writer = ChunkWriter::new();
            writer.set_chunk_size(chunk_size, &mut out);
            bencher.iter(|| {
                for message in &messages {
                    writer.write(message, &mut out).unwrap();
                    flush(&mut out);
                }
            });
        });
        #[cfg(feature = "peers")]
        peers::write(&mut group, chunk_size.bytes(), &messages);
        let mut block = Vec::new();
        group.bench_function("memcpy", |bencher| {
            bencher.iter(|| messages.iter().for_each(|it| memcpy(&it.payload, &mut block)));
        });
        group.finish();
    }
}

#[cfg(feature = "peers")]
mod peers {
    use levada_chunk::{Message, MessageType};

    use super::*;

    pub fn read(group: &mut Group<'_>, chunk_size: u32, wire: &[u8], read: usize) {
        let messages = levada_read(ChunkSize::new(chunk_size).unwrap(), wire, read) - 1;
        let mut run = |name: &str, work: &dyn Fn() -> usize| {
            assert_eq!(work(), messages, "{name}");
            group.bench_function(BenchmarkId::new(name, read), |bencher| bencher.iter(work));
        };
        run("rml_rtmp 0.8.0", &|| rml_read(chunk_size, wire, read));
        run("rtmp-rs 0.6.0", &|| rtmp_rs_read(chunk_size, wire, read));
        run("rtmp-runtime 0.8.0", &|| rtmp_runtime_read(chunk_size, wire, read));
        run("scuffle-rtmp 0.2.3", &|| scuffle_read(chunk_size, wire, read));
    }

    fn rml_read(chunk_size: u32, wire: &[u8], read: usize) -> usize {
        let mut reader = rml_rtmp::chunk_io::ChunkDeserializer::new();
        reader.set_max_chunk_size(chunk_size as usize).unwrap();
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            let mut next = reader.get_next_message(bytes).unwrap();
            while let Some(message) = next {
                black_box(message);
                messages += 1;
                next = reader.get_next_message(&[]).unwrap();
            }
        }
        messages
    }

    fn rtmp_rs_read(chunk_size: u32, wire: &[u8], read: usize) -> usize {
        let mut reader = rtmp_rs::protocol::chunk::ChunkDecoder::new();
        reader.set_chunk_size(chunk_size);
        let mut input = BytesMut::with_capacity(64 * 1024);
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            input.extend_from_slice(bytes);
            // `None` is also the end of a chunk that ends no message.
            loop {
                let before = input.len();
                match reader.decode(&mut input).unwrap() {
                    Some(message) => {
                        black_box(message);
                        messages += 1;
                    }
                    None if input.len() == before => break,
                    None => {}
                }
            }
        }
        messages
    }

    fn rtmp_runtime_read(chunk_size: u32, wire: &[u8], read: usize) -> usize {
        let mut reader = rtmp_runtime::chunk::ChunkAssembler::new().with_chunk_size(chunk_size);
        wire.chunks(read).map(|it| black_box(reader.push(it).unwrap()).len()).sum()
    }

    fn scuffle_read(chunk_size: u32, wire: &[u8], read: usize) -> usize {
        let mut reader = scuffle_rtmp::chunk::reader::ChunkReader::default();
        assert!(reader.update_max_chunk_size(chunk_size as usize));
        let mut input = BytesMut::with_capacity(64 * 1024);
        let mut messages = 0;
        for bytes in wire.chunks(read) {
            input.extend_from_slice(bytes);
            while let Some(message) = reader.read_chunk(&mut input).unwrap() {
                black_box(message);
                messages += 1;
            }
        }
        messages
    }

    pub fn write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
        rml_write(group, chunk_size, messages);
        rtmp_rs_write(group, chunk_size, messages);
        rtmp_runtime_write(group, chunk_size, messages);
        scuffle_write(group, chunk_size, messages);
        shiguredo_write(group, chunk_size, messages);
        oxideav_write(group, chunk_size, messages);
    }

    fn rml_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
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
        group.bench_function("rml_rtmp 0.8.0", |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    black_box(writer.serialize(message, false, false).unwrap());
                }
            });
        });
    }

    fn rtmp_rs_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
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
        group.bench_function("rtmp-rs 0.6.0", |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    out.clear();
                    writer.encode(message, &mut out);
                    black_box(&out);
                }
            });
        });
    }

    fn rtmp_runtime_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
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
        group.bench_function("rtmp-runtime 0.8.0", |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    black_box(writer.write(message).unwrap());
                }
            });
        });
    }

    fn scuffle_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
        use scuffle_rtmp::chunk::Chunk;
        let mut writer = scuffle_rtmp::chunk::writer::ChunkWriter::default();
        writer.set_chunk_size(chunk_size as usize);
        let mut out = Vec::new();
        group.bench_function("scuffle-rtmp 0.2.3", |bencher| {
            bencher.iter(|| {
                for it in messages {
                    out.clear();
                    let kind = it.kind.0.into();
                    let id = it.chunk_stream.number();
                    let chunk = Chunk::new(id, it.timestamp, kind, it.stream.0, it.payload.clone());
                    writer.write_chunk(&mut out, chunk).unwrap();
                    black_box(&out);
                }
            });
        });
    }

    fn shiguredo_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
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
        group.bench_function("shiguredo_rtmp 2026.1.0-canary.6", |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    out.clear();
                    writer.encode(&mut out, message);
                    black_box(&out);
                }
            });
        });
    }

    fn oxideav_write(group: &mut Group<'_>, chunk_size: u32, messages: &[Message]) {
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
        group.bench_function("oxideav-rtmp 0.0.7", |bencher| {
            bencher.iter(|| {
                for (id, message) in &messages {
                    writer.inner_mut().clear();
                    writer.write_message(*id, message).unwrap();
                    black_box(writer.inner_mut());
                }
            });
        });
    }
}

criterion_group!(benches, read, write);
criterion_main!(benches);
