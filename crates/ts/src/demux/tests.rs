use super::*;
use std::println;

extern crate std;

#[test]
fn smoke() {
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|it| it != "ts") {
            continue;
        }
        println!("{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        let mut input = BytesMut::from(&bytes[..]);
        let mut demuxer = TsDemuxer::new(DemuxConfig::default());
        demuxer.end();
        let mut frames = 0;
        let mut n = alloc::collections::BTreeMap::new();
        while let Some(event) = demuxer.next_event(&mut input) {
            match event {
                TsEvent::Media(MediaEvent::Frame(frame)) => {
                    *n.entry(frame.track).or_insert(0) += 1;
                    frames += 1;
                    if frames < 4 {
                        println!(
                            "{:?} {:?} {} {:?} {}",
                            frame.track,
                            frame.dts,
                            frame.cts,
                            frame.facts,
                            frame.data.len()
                        )
                    }
                }
                TsEvent::Media(e) => println!("{e:?}"),
                TsEvent::Found { offset, finding } => println!("{offset} {finding}"),
            }
        }
        println!("{n:?}");
    }
}
