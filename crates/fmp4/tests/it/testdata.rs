//! `testdata/`: segments of ffmpeg 5.1 (`ff_*`), and of a small muxer of its own that ffprobe, MP4Box.js and
//! codem-isoboxer have read back (`ref_*`, `zoo_*`, `elst_v.mp4`). `fmp4.json` lists every box of these files.
//! `ff_plain_av.mp4` is a plain file of ffmpeg 5.1, `ff_plain_av.csv` what its ffprobe says of the packets: stream,
//! pts, dts, duration, size, flags.

use core::ops::Range;
use std::fs;
use std::path::Path;

use bytes::BytesMut;
use levada_fmp4::{Fmp4Error, Fmp4Item, Fmp4Reader, ReadLimits};
use levada_media::Frame;
use serde_json::Value;

pub(crate) fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap()
}

/// The boxes of a file as `fmp4.json` lists them.
pub(crate) fn boxes(name: &str) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&file("fmp4.json")).unwrap();
    let files = index["files"].as_array().unwrap();
    files.iter().find(|it| it["file"] == name).unwrap()["boxes"].as_array().unwrap().clone()
}

pub(crate) fn bytes_of<'a>(data: &'a [u8], boxes: &[Value], kind: &str) -> &'a [u8] {
    let found = boxes.iter().find(|it| it["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let at = |field: &str| usize::try_from(found[field].as_u64().unwrap()).unwrap();
    &data[at("offset")..at("offset") + at("size")]
}

/// A sample as a vector lists it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) place: Range<usize>,
    pub(crate) dts: i64,
    pub(crate) duration: u32,
    pub(crate) cts: i32,
    pub(crate) is_sync: bool,
}

/// The samples of a file, by run.
pub(crate) fn samples(boxes: &[Value]) -> Vec<Vec<Row>> {
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let mut runs = Vec::new();
    let (mut moof, mut head, mut time) = (0, Value::Null, 0);
    for it in boxes {
        let fields = &it["fields"];
        match it["type"].as_str().unwrap() {
            "moof" => moof = number(&it["offset"]),
            "tfhd" => head = fields.clone(),
            "tfdt" => time = number(&fields["baseMediaDecodeTime"]),
            "trun" => {
                let mut at = usize::try_from(moof + number(&fields["data_offset"])).unwrap();
                let mut run = Vec::new();
                for (index, row) in fields["samples"].as_array().unwrap().iter().enumerate() {
                    let or = |row: &Value, default: &str| {
                        number(if row.is_null() { &head[default] } else { row })
                    };
                    let size = usize::try_from(or(&row["size"], "default_sample_size")).unwrap();
                    let duration = or(&row["duration"], "default_sample_duration");
                    let first = &fields["first_sample_flags"];
                    let flags = [first, &row["flags"], &head["default_sample_flags"]];
                    let flags = flags.iter().skip(usize::from(index > 0)).find(|it| !it.is_null());
                    let flags = flags.and_then(|it| it.as_str()).unwrap_or("0x0");
                    let flags = u32::from_str_radix(&flags[2..], 16).unwrap();
                    run.push(Row {
                        place: at..at + size,
                        dts: time,
                        duration: u32::try_from(duration).unwrap(),
                        cts: i32::try_from(number(&row["cts"])).unwrap(),
                        is_sync: flags & 0x1_0000 == 0,
                    });
                    (at, time) = (at + size, time + duration);
                }
                runs.push(run);
            }
            _ => {}
        }
    }
    runs
}

/// What a reader makes of pieces of a file: the items, the error, and what is left.
pub(crate) fn read_pieces(pieces: &[&[u8]]) -> (Vec<Fmp4Item>, Result<(), Fmp4Error>) {
    read_with(ReadLimits::default(), pieces)
}

pub(crate) fn read_with(
    limits: ReadLimits,
    pieces: &[&[u8]],
) -> (Vec<Fmp4Item>, Result<(), Fmp4Error>) {
    let mut reader = Fmp4Reader::new(limits);
    let (mut input, mut items) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.read(&mut input), Err(error.clone()), "errors stay");
                    return (items, Err(error));
                }
            }
        }
    }
    (items, reader.finish(&input))
}

/// All items of a good file.
pub(crate) fn read_all(file: &[u8]) -> Vec<Fmp4Item> {
    let (items, end) = read_pieces(&[file]);
    assert_eq!(end, Ok(()));
    items
}

pub(crate) fn frames_of(items: &[Fmp4Item]) -> Vec<Frame> {
    let frame =
        |item: &Fmp4Item| if let Fmp4Item::Frame(it) = item { Some(it.clone()) } else { None };
    items.iter().filter_map(frame).collect()
}
