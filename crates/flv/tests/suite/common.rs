//! What several test files need.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use levada_flv::*;
use levada_media::{Frame, MediaEvent, Track};

pub(crate) fn data(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap()
}

/// What can be observed when a file is read in pieces.
pub(crate) fn read(pieces: &[&[u8]]) -> (Vec<FlvItem>, u64, Result<(), FlvError>) {
    let (mut input, mut reader, mut items) = (BytesMut::new(), FlvReader::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(why) => return (items, reader.offset(), Err(why)),
            }
        }
        assert_eq!(reader.read(&mut input), Ok(None), "no new bytes, nothing new");
    }
    (items, reader.offset(), reader.end(&input))
}

/// The tags of a file without fault.
pub(crate) fn tags(file: &[u8]) -> Vec<FlvTag> {
    let (items, _, end) = read(&[file]);
    end.unwrap();
    let tag = |item| if let FlvItem::Tag(tag) = item { Some(tag) } else { None };
    items.into_iter().filter_map(tag).collect()
}

pub(crate) fn drain(unpacker: &mut Unpacker) -> Vec<Unpacked> {
    core::iter::from_fn(|| unpacker.next()).collect()
}

pub(crate) fn unpack(tags: &[FlvTag]) -> Vec<Unpacked> {
    let mut unpacker = Unpacker::default();
    tags.iter()
        .flat_map(|tag| {
            unpacker.push_tag(tag);
            drain(&mut unpacker)
        })
        .collect()
}

/// What a fresh unpacker makes of these bodies, each 10 ms after the one before.
pub(crate) fn unpack_bodies(kind: TagKind, bodies: &[&str]) -> Vec<Unpacked> {
    let tags: Vec<_> = bodies
        .iter()
        .zip(0_u32..)
        .map(|(body, at)| FlvTag::new(kind, at * 10, levada_test::hex(body).into()))
        .collect();
    unpack(&tags)
}

pub(crate) fn findings(unpacked: &[Unpacked]) -> Vec<FindingKind> {
    let finding = |it: &Unpacked| match it {
        Unpacked::Finding(finding) => Some(finding.kind.clone()),
        _ => None,
    };
    unpacked.iter().filter_map(finding).collect()
}

pub(crate) fn events(unpacked: &[Unpacked]) -> Vec<MediaEvent> {
    let event = |it: &Unpacked| match it {
        Unpacked::Event(event) => Some(event.clone()),
        _ => None,
    };
    unpacked.iter().filter_map(event).collect()
}

pub(crate) fn frames(unpacked: &[Unpacked]) -> Vec<Frame> {
    let frame = |it| if let MediaEvent::Frame(frame) = it { Some(frame) } else { None };
    events(unpacked).into_iter().filter_map(frame).collect()
}

pub(crate) fn tracks(unpacked: &[Unpacked]) -> Vec<Track> {
    let track = |it| if let MediaEvent::Track(track) = it { Some(track) } else { None };
    events(unpacked).into_iter().filter_map(track).collect()
}

/// A file of these tags: head, body and size.
pub(crate) fn file_of(tags: &[(u8, u32, &[u8])]) -> Vec<u8> {
    let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    for (kind, timestamp, body) in tags {
        file.extend(tag_of(*kind, *timestamp, body));
    }
    file
}

pub(crate) fn tag_of(kind: u8, timestamp: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap();
    let [t3, t2, t1, t0] = timestamp.to_be_bytes();
    let head = [kind, 0, 0, 0, t2, t1, t0, t3, 0, 0, 0];
    let mut tag = [&head[..], body, &(size + 11).to_be_bytes()].concat();
    tag[1..4].copy_from_slice(&size.to_be_bytes()[1..]);
    tag
}

/// H.264, 160×90: a sequence header and two frames of an encoder, cut to what the tests look at.
pub(crate) const AVC_START: &str =
    "17 00 000000 014d400bffe10017674d400beca146fc9808800000030080000019078a14cb01000568ebe0e4b2";
pub(crate) const AVC_KEY: &str = "17 01 000000 00000002 6588";
pub(crate) const AVC_INTER: &str = "27 01 000028 00000002 419a";
pub(crate) const AAC_START: &str = "af 00 1190";
pub(crate) const AAC_FRAME: &str = "af 01 2110049000";

pub(crate) fn body(picture: &str) -> Bytes {
    levada_test::hex(picture).into()
}
