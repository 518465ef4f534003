//! What one message costs in the ring: to push it once, and to hand it to each reader.
//!
//! The workload of [`levada_benches::workload`] goes through the ring; readers keep up with it, one item at a time, and
//! clone what they get, as a session does with a `SharedMessage`. A memcpy of the same bodies stands beside it:
//! what a queue of copies would cost a reader.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use levada_benches::{Body, workload};
use levada_relay::{Cursor, Next, Ring, RingLimits};

fn relay(criterion: &mut Criterion) {
    let bodies = workload();
    let mut group = criterion.benchmark_group("relay");
    for readers in [0, 1, 10, 100, 1000] {
        group.throughput(Throughput::Elements((bodies.len() * readers.max(1)) as u64));
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("readers", readers), |bencher| {
            bencher.iter(|| fan_out(&bodies, readers));
        });
    }
    let mut scratch = Vec::new();
    group.throughput(Throughput::Elements(bodies.len() as u64));
    group.bench_function("memcpy", |bencher| {
        bencher
            .iter(|| bodies.iter().for_each(|it| levada_benches::memcpy(&it.bytes, &mut scratch)));
    });
    group.finish();
}

fn fan_out(bodies: &[Body], readers: usize) {
    let mut ring = Ring::new(RingLimits::default());
    let mut cursors: Vec<Cursor> = (0..readers).map(|_| ring.join()).collect();
    for body in bodies {
        let starts_gop = body.video && body.bytes[0] == 0x17;
        ring.push(body.bytes.clone(), body.bytes.len(), starts_gop);
        for cursor in &mut cursors {
            while let Next::Item(item) = ring.next(cursor) {
                black_box::<Bytes>(item.clone());
            }
        }
    }
}

criterion_group!(benches, relay);
criterion_main!(benches);
