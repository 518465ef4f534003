//! What every bench is made of: pieces of work that criterion times and callgrind counts.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};

/// A piece of work, by name.
pub struct Case {
    name: String,
    /// Called at most once, so what is not asked for is not prepared.
    prepare: Box<dyn FnOnce() -> Work>,
}

/// Work that can be done: any number of times, each of them the same.
pub struct Work {
    throughput: Throughput,
    time: Box<dyn FnMut(u64) -> Duration>,
}

impl Case {
    /// Cases whose names differ only behind the last `/` stand side by side in one table.
    pub fn new(name: impl Into<String>, prepare: impl FnOnce() -> Work + 'static) -> Self {
        Self { name: name.into(), prepare: Box::new(prepare) }
    }
}

impl Work {
    /// Work on this many bytes. What it returns is dropped within the time measured.
    pub fn on<T>(bytes: usize, mut work: impl FnMut() -> T + 'static) -> Self {
        let time = move |rounds| {
            let begin = processor_time();
            (0..rounds).for_each(|_| measured(&mut work));
            processor_time() - begin
        };
        Self { throughput: Throughput::Bytes(bytes as u64), time: Box::new(time) }
    }

    /// Work on this many bytes that changes something, which is made and dropped outside of the time measured.
    pub fn with<I, T>(
        bytes: usize,
        mut make: impl FnMut() -> I + 'static,
        mut work: impl FnMut(&mut I) -> T + 'static,
    ) -> Self {
        let time = move |rounds| {
            let one = |_| {
                let mut made = make();
                let begin = processor_time();
                measured(|| work(&mut made));
                processor_time() - begin
            };
            (0..rounds).map(one).sum()
        };
        Self { throughput: Throughput::Bytes(bytes as u64), time: Box::new(time) }
    }

    /// The same work, told for each of this many receivers.
    #[must_use]
    pub fn per(self, receivers: usize) -> Self {
        Self { throughput: Throughput::Elements(receivers as u64), ..self }
    }

    /// By what the instructions of one round are to be divided.
    fn divisor(&self) -> u64 {
        match self.throughput {
            Throughput::Elements(count) | Throughput::Bytes(count) => count,
            _ => 1,
        }
    }
}

/// How long this thread had a processor. On a shared machine a clock tells more of the neighbours.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("no time is negative")
}

/// What callgrind looks at.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) {
    black_box(&work());
}

/// A bench: `--list` names its cases, `--one NAME` does the work of one for callgrind and prints by what its count is
/// to be divided, and everything else is criterion's.
pub fn bench(cases: impl IntoIterator<Item = Case>) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list", ..] => cases.into_iter().for_each(|case| println!("{}", case.name)),
        ["--one", name, ..] => {
            let case = cases.into_iter().find(|it| it.name == name);
            println!("{}", count((case.expect("--list knows its name").prepare)()));
        }
        _ => time(cases),
    }
}

fn count(mut work: Work) -> u64 {
    let rounds = (1_000_000 / work.divisor()).clamp(1, 1000);
    (work.time)(1);
    counted(&mut work, rounds);
    rounds * work.divisor()
}

/// What was counted before is forgotten: buffers have grown, functions are linked.
#[inline(never)]
fn counted(work: &mut Work, rounds: u64) {
    black_box((work.time)(rounds));
}

fn time(cases: impl IntoIterator<Item = Case>) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for case in cases {
        let (group, name) = case.name.rsplit_once('/').expect("group/name");
        let mut work = (case.prepare)();
        let mut group = criterion.benchmark_group(group);
        group.throughput(work.throughput);
        group.bench_function(name, |bencher| bencher.iter_custom(&mut work.time));
        group.finish();
    }
    criterion.final_summary();
}
