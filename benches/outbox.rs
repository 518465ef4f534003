//! Where copying a payload into the outbox stops being cheaper than sharing it: the reason for `SHARE_FROM`.
//!
//! 32 messages of one size, each behind a 12-byte header, go into an outbox and out through vectored writes of up
//! to 64 slices, as a flush to one player does. The sink counts bytes: what the kernel would copy is left out.

use std::hint::black_box;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use levada_buf::Outbox;

const MESSAGES: usize = 32;
const HEADER: [u8; 12] = [0; 12];

fn flush(out: &mut Outbox) {
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = out.slices(&mut slices);
        let written = black_box(&slices[..filled]).iter().map(|it| it.len()).sum();
        out.advance(written);
    }
}

fn outbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outbox");
    for size in [256, 1024, 2047, 2048, 4096, 16 * 1024] {
        let payload = Bytes::from(vec![7; size]);
        group.throughput(Throughput::Bytes((MESSAGES * size) as u64));
        let mut out = Outbox::new();
        group.bench_function(BenchmarkId::new("copied", size), |bencher| {
            bencher.iter(|| {
                for _ in 0..MESSAGES {
                    out.put(&HEADER);
                    out.put(black_box(&payload));
                }
                flush(&mut out);
            });
        });
        group.bench_function(BenchmarkId::new("as share decides", size), |bencher| {
            bencher.iter(|| {
                for _ in 0..MESSAGES {
                    out.put(&HEADER);
                    out.share(black_box(payload.clone()));
                }
                flush(&mut out);
            });
        });
        let mut scratch = Vec::new();
        group.bench_function(BenchmarkId::new("memcpy", size), |bencher| {
            bencher.iter(|| {
                (0..MESSAGES).for_each(|_| levada_benches::memcpy(&payload, &mut scratch))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, outbox);
criterion_main!(benches);
