//! What a server session costs beyond its chunks: 60 s of 6 Mbit/s video and 128 kbit/s audio from a publisher that was
//! let in before, to messages.
//!
//! ```sh
//! cargo bench -p levada-benches --bench session --features peers
//! ```
//!
//! Throughput is in bytes of the chunk stream, and includes the copy into the input that stands for the socket's
//! read. `benches/instructions.sh session` counts instructions.

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use levada_benches::{ingest, memcpy, wire};
use levada_buf::Endpoint;
use levada_chunk::{ChunkReader, ChunkSize, Control};

const CHUNK_SIZES: [u32; 3] = [128, 4096, 65_536];
const READ: usize = 16 * 1024;

fn session_ingest(criterion: &mut Criterion) {
    for chunk_size in CHUNK_SIZES.map(|it| ChunkSize::new(it).unwrap()) {
        let wire = wire(chunk_size);
        let mut group = criterion.benchmark_group("session ingest");
        group.throughput(Throughput::Bytes(wire.len() as u64));
        let id = |name: &str| BenchmarkId::new(name, chunk_size.bytes());
        group.bench_function(id("levada"), |bencher| bencher.iter(|| levada(chunk_size, &wire)));
        group.bench_function(id("levada, chunks only"), |bencher| {
            bencher.iter(|| chunks_only(chunk_size, &wire));
        });
        #[cfg(feature = "peers")]
        peers::ingest(&mut group, chunk_size, &wire);
        let mut block = Vec::with_capacity(64 * 1024);
        group.bench_function(id("memcpy"), |bencher| {
            bencher.iter(|| wire.chunks(READ).for_each(|it| memcpy(it, &mut block)));
        });
        group.finish();
    }
}

/// Feeds reads to `next` until it gives nothing more, and counts what it gave.
fn feed<T>(wire: &[u8], mut next: impl FnMut(&mut BytesMut) -> Option<T>) -> usize {
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut messages = 0;
    for bytes in wire.chunks(READ) {
        if input.capacity() - input.len() < READ {
            input.reserve(64 * 1024);
        }
        input.extend_from_slice(bytes);
        while let Some(message) = next(&mut input) {
            black_box(message);
            messages += 1;
        }
    }
    messages
}

fn levada(chunk_size: ChunkSize, wire: &[u8]) -> usize {
    let mut session = ingest(chunk_size);
    let now = Instant::now();
    feed(wire, |input| session.next_event(input, now).unwrap())
}

fn chunks_only(chunk_size: ChunkSize, wire: &[u8]) -> usize {
    let mut reader = ChunkReader::default();
    let mut announced = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
    announced.extend_from_slice(&Control::SetChunkSize(chunk_size).message().payload);
    reader.read(&mut announced).unwrap();
    feed(wire, |input| reader.read(input).unwrap())
}

criterion_group!(benches, session_ingest);
criterion_main!(benches);
