//! What a reader gets over, and what a writer makes.

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_flv::*;
use levada_test::{allocations, hex, same_at_every_cut};

use crate::common::*;

fn item_kinds(items: &[FlvItem]) -> Vec<String> {
    items
        .iter()
        .map(|it| match it {
            FlvItem::Header(_) => "header".into(),
            FlvItem::Tag(tag) => format!("{} at {}", tag.kind.id(), tag.timestamp),
            FlvItem::Finding(finding) => format!("{finding:?}"),
        })
        .collect()
}

#[test]
fn wrong_sizes_behind_tags_are_told() {
    // One is 0, one counts without the head: both are what real writers do.
    let mut file = file_of(&[(8, 0, &[0x2F; 5]), (8, 10, &[0x2F; 5]), (8, 20, &[0x2F; 5])]);
    file[13 + 16..][..4].copy_from_slice(&[0; 4]);
    file[13 + 20 + 16..][..4].copy_from_slice(&[0, 0, 0, 5]);
    let (items, _, end) = read(&[&file]);
    assert_eq!(end, Ok(()));
    assert_eq!(
        item_kinds(&items),
        [
            "header",
            "8 at 0",
            "WrongTagSize { offset: 29, expected: 16, found: 0 }",
            "8 at 10",
            "WrongTagSize { offset: 49, expected: 16, found: 5 }",
            "8 at 20",
        ]
    );
    same_at_every_cut(&file, read);
}

#[test]
fn a_tag_with_a_wrong_size_costs_what_it_covers() {
    let one = tag_of(9, 0, &[0x17; 40]);
    for (size, expected) in [
        // Too short: the rest of the body is no tag.
        (30_u8, ["9 at 0", "9 at 10", "9 at 20"].as_slice()),
        // Too long: the beginning of the next tag is lost with it.
        (60, &["9 at 0", "9 at 20"]),
    ] {
        let mut file = file_of(&[]);
        file.extend(&one);
        file[13 + 3] = size;
        file.extend(tag_of(9, 10, &[0x17; 40]));
        file.extend(tag_of(9, 20, &[0x17; 40]));
        let (items, offset, end) = read(&[&file]);
        assert_eq!((offset, end), (file.len() as u64, Ok(())));
        let kinds = item_kinds(&items);
        let tags: Vec<_> = kinds.iter().filter(|it| it.contains(" at ")).collect();
        assert_eq!(tags, expected);
        assert!(kinds.iter().any(|it| it.starts_with("WrongTagSize")), "{kinds:?}");
        assert!(kinds.iter().any(|it| it.starts_with("Resynchronised")), "{kinds:?}");
        same_at_every_cut(&file, read);
    }
}

#[test]
fn junk_between_tags_is_skipped_and_counted() {
    let mut file = file_of(&[(8, 0, &[0x2F; 5])]);
    let at = file.len() as u64;
    file.extend([0xEE; 100]);
    file.extend(16_u32.to_be_bytes());
    file.extend(tag_of(8, 10, &[0x2F; 5]));
    let (items, _, end) = read(&[&file]);
    assert_eq!(end, Ok(()));
    assert_eq!(
        items[2],
        FlvItem::Finding(FileFinding::Resynchronised { offset: at, skipped: 104 })
    );
    assert_eq!(item_kinds(&items[3..]), ["8 at 10"]);
    same_at_every_cut(&file, read);
}

#[test]
fn tags_of_other_kinds_are_given_out() {
    let file = file_of(&[(7, 0, &[1, 2]), (8, 1, &[0x2F])]);
    let (items, _, _) = read(&[&file]);
    assert_eq!(item_kinds(&items), ["header", "7 at 0", "8 at 1"]);
    let unpacked = unpack(&tags(&file));
    assert!(findings(&unpacked).contains(&FindingKind::UnknownKind(7)));
}

#[test]
fn a_body_at_the_limit() {
    let mut limits = FlvLimits::default();
    limits.max_body = 100;
    for (size, fits) in [(99, true), (100, true), (101, false)] {
        let mut input = BytesMut::from(&file_of(&[(8, 0, &vec![0x2F; size])])[..]);
        let mut reader = FlvReader::with_limits(limits);
        assert!(matches!(reader.read(&mut input), Ok(Some(FlvItem::Header(_)))));
        let limit = FlvError::Limit { offset: 13, which: "tag body", actual: 101, limit: 100 };
        match reader.read(&mut input) {
            Ok(Some(FlvItem::Tag(tag))) => assert_eq!((tag.body.len(), true), (size, fits)),
            other => assert_eq!((other, false), (Err(limit), fits)),
        }
    }
}

#[test]
fn large_bodies_are_shared() {
    let body = Bytes::from(vec![0x17; 5000]);
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    writer.tag(&FlvTag::new(TagKind::Video, 0, body.clone()), &mut out).unwrap();
    let mut slices = [std::io::IoSlice::new(&[]); 4];
    assert_eq!(out.slices(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), body.as_ptr());
}

#[test]
fn a_body_of_16_mib_is_refused_and_nothing_is_written() {
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    let tag = FlvTag::new(TagKind::Video, 0, vec![0; 1 << 24].into());
    assert!(matches!(writer.tag(&tag, &mut out), Err(FlvError::Misuse { .. })));
    assert_eq!((writer.offset(), out.remaining()), (0, 0));
}

#[test]
fn timestamps_have_their_upper_byte_last() {
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::at(500));
    let tag = FlvTag::new(TagKind::Audio, 0x0100_0002, Bytes::from_static(&[0x2F]));
    writer.tag(&tag, &mut out).unwrap();
    let written = out.copy_to_bytes(out.remaining());
    assert_eq!(written, hex("08 000001 000002 01 000000 2f 0000000c"));
    assert_eq!(writer.offset(), 516);
}

#[test]
fn reading_small_tags_allocates_nothing_but_the_block() {
    let file = file_of(&vec![(8, 0, &[0x2F; 400][..]); 100]);
    let mut input = BytesMut::from(&file[..]);
    let mut reader = FlvReader::new();
    let counted = allocations(|| while reader.read(&mut input).unwrap().is_some() {});
    // One for the counter that lets the block be shared.
    assert!(counted.count <= 1, "{counted:?}");
}
