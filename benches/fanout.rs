//! One message to many receivers: prepared and "written" to sinks that count, in time a receiver.
//!
//! ```sh
//! cargo bench -p levada-benches --bench fanout --features peers
//! ```
//!
//! - `shared`: cut once, a small header and a reference count each.
//! - `each its own`: our writer for a single receiver, once for each: shorter headers, nothing shared.
//!
//! None of the published crates shares a cut message, so each of them serialises it for each receiver. The memcpy
//! line copies the payload once for each.

use std::hint::black_box;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use levada_benches::{flush, memcpy};
use levada_buf::Outbox;
use levada_chunk::{ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType, SharedMessage};

const RECEIVERS: [usize; 4] = [1, 10, 100, 1000];
/// Payload and chunk size.
const SHAPES: [(usize, u32); 6] =
    [(400, 4096), (8000, 4096), (30_000, 128), (30_000, 4096), (100_000, 4096), (100_000, 65_536)];

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn fanout(criterion: &mut Criterion) {
    for (length, chunk_size) in SHAPES {
        let chunk_size = ChunkSize::new(chunk_size).unwrap();
        let name = format!("fanout {length} in {}", chunk_size.bytes());
        let mut group: Group<'_> = criterion.benchmark_group(name);
        let payload = Bytes::from(vec![7; length]);
        let message = Message::new(MessageType::VIDEO, MessageStreamId(1), 40, payload);
        for count in RECEIVERS {
            group.throughput(Throughput::Elements(count as u64));
            let mut receivers: Vec<(ChunkWriter, Outbox)> = Vec::new();
            receivers.resize_with(count, || (ChunkWriter::new(), Outbox::new()));
            for (writer, out) in &mut receivers {
                writer.set_chunk_size(chunk_size, out);
                flush(out);
            }
            group.bench_function(BenchmarkId::new("shared", count), |bencher| {
                bencher.iter(|| {
                    let shared = SharedMessage::new(message.clone(), chunk_size).unwrap();
                    for (writer, out) in &mut receivers {
                        writer.write_shared(&shared, MessageStreamId(1), out);
                        flush(out);
                    }
                });
            });
            group.bench_function(BenchmarkId::new("each its own", count), |bencher| {
                bencher.iter(|| {
                    for (writer, out) in &mut receivers {
                        writer.write(&message, out).unwrap();
                        flush(out);
                    }
                });
            });
            #[cfg(feature = "peers")]
            peers::fanout(&mut group, &message, chunk_size.bytes(), count);
            let mut scratch = Vec::new();
            group.bench_function(BenchmarkId::new("memcpy", count), |bencher| {
                bencher.iter(|| {
                    (0..count).for_each(|_| memcpy(black_box(&message.payload), &mut scratch));
                });
            });
        }
        group.finish();
    }
}

#[cfg(feature = "peers")]
mod peers {
    use bytes::BytesMut;

    use super::*;

    pub fn fanout(group: &mut Group<'_>, message: &Message, chunk_size: u32, count: usize) {
        rml(group, message, chunk_size, count);
        rtmp_rs(group, message, chunk_size, count);
    }

    fn rml(group: &mut Group<'_>, message: &Message, chunk_size: u32, count: usize) {
        use rml_rtmp::chunk_io::ChunkSerializer;
        use rml_rtmp::time::RtmpTimestamp;
        let message = rml_rtmp::messages::MessagePayload {
            timestamp: RtmpTimestamp::new(message.timestamp),
            type_id: message.kind.0,
            message_stream_id: message.stream.0,
            data: message.payload.clone(),
        };
        let mut writers: Vec<ChunkSerializer> = Vec::new();
        writers.resize_with(count, ChunkSerializer::new);
        for writer in &mut writers {
            writer.set_max_chunk_size(chunk_size, RtmpTimestamp::new(0)).unwrap();
        }
        group.bench_function(BenchmarkId::new("rml_rtmp 0.8.0", count), |bencher| {
            bencher.iter(|| {
                for writer in &mut writers {
                    black_box(writer.serialize(&message, false, false).unwrap());
                }
            });
        });
    }

    fn rtmp_rs(group: &mut Group<'_>, message: &Message, chunk_size: u32, count: usize) {
        use rtmp_rs::protocol::chunk::{ChunkEncoder, RtmpChunk};
        let message = RtmpChunk {
            csid: message.chunk_stream.number(),
            timestamp: message.timestamp,
            message_type: message.kind.0,
            stream_id: message.stream.0,
            payload: message.payload.clone(),
        };
        let mut writers: Vec<(ChunkEncoder, BytesMut)> = Vec::new();
        writers.resize_with(count, || (ChunkEncoder::new(), BytesMut::new()));
        writers.iter_mut().for_each(|(writer, _)| writer.set_chunk_size(chunk_size));
        group.bench_function(BenchmarkId::new("rtmp-rs 0.6.0", count), |bencher| {
            bencher.iter(|| {
                for (writer, out) in &mut writers {
                    out.clear();
                    writer.encode(&message, out);
                    black_box(out);
                }
            });
        });
    }
}

criterion_group!(benches, fanout);
criterion_main!(benches);
