//! Where fragments are: against what the reader finds in the same files.

use core::ops::Range;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use levada_fmp4::{Fmp4Item, Fmp4Reader, Index, IndexEntry, IndexStep, ReadLimits};

fn part<'a>(file: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

const FILE: &[u8] = include_bytes!("../../testdata/ff_cmaf_v.mp4");

/// All that is found up to a length.
fn entries(index: &mut Index, file: &[u8], length: usize) -> Vec<IndexEntry> {
    index.grow(length as u64);
    let mut all = Vec::new();
    loop {
        match index.next_step().unwrap() {
            IndexStep::Read(range) => {
                assert!(range.end <= length as u64, "nothing is read beyond the end");
                index.supply(Bytes::copy_from_slice(part(file, &range)));
            }
            IndexStep::Entry(entry) => all.push(entry),
            IndexStep::End => return all,
        }
    }
}

/// The frames of an init section and one fragment.
fn frames(init: &[u8], fragment: &[u8]) -> Vec<levada_media::Frame> {
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    let mut input = BytesMut::from([init, fragment].concat().as_slice());
    let mut all = Vec::new();
    while let Some(item) = reader.read(&mut input).unwrap() {
        if let Fmp4Item::Frame(frame) = item {
            all.push(frame);
        }
    }
    reader.finish(&input).unwrap();
    all
}

#[test]
fn every_fragment_is_found_with_its_time() {
    let mut index = Index::new(ReadLimits::default());
    let all = entries(&mut index, FILE, FILE.len());
    let init = part(FILE, &index.init().unwrap());
    let mut count = 0;
    for (entry, next) in all.iter().zip(all.iter().skip(1).map(Some).chain([None])) {
        let frames = frames(init, part(FILE, &entry.range));
        count += frames.len();
        assert_eq!(entry.independent, frames[0].is_key());
        if let Some(next) = next {
            assert_eq!(entry.start + entry.duration, next.start, "without a hole");
        }
    }
    assert_eq!(count, 50);
    assert_eq!(all.iter().map(|it| it.duration).sum::<Duration>(), Duration::from_secs(2));
}

#[test]
fn a_file_that_grows_gives_the_same_fragments() {
    let whole = entries(&mut Index::new(ReadLimits::default()), FILE, FILE.len());
    for step in [1, 7, 100, 1000, 5000] {
        let mut index = Index::new(ReadLimits::default());
        let lengths = (0..FILE.len()).step_by(step).chain([FILE.len()]);
        let grown: Vec<_> = lengths.flat_map(|it| entries(&mut index, FILE, it)).collect();
        assert_eq!(grown, whole, "{step} bytes at a time");
    }
}

#[test]
fn what_is_no_fragmented_file_has_no_entries() {
    let plain = include_bytes!("../../testdata/ff_plain_av.mp4");
    assert_eq!(entries(&mut Index::new(ReadLimits::default()), plain, plain.len()), []);
    let mut index = Index::new(ReadLimits::default());
    assert_eq!(entries(&mut index, &[], 0), []);
    assert_eq!(index.init(), None);
    index.grow(8);
    let Ok(IndexStep::Read(_)) = index.next_step() else { panic!() };
    index.supply(Bytes::from_static(&[0, 0, 0, 4, b'f', b'r', b'e', b'e']));
    assert!(index.next_step().is_err(), "a box that is shorter than its head");
}
