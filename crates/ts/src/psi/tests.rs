use alloc::vec;

use levada_test::hex;
use proptest::prelude::*;

use super::*;

const PAT_SECTION: &str = "00b00d0001c100000001f0002ab104b2";
const PMT_SECTION: &str = "02b0170001c10000e100f0001be100f0000fe101f0002f44b99b";

fn read(packets: &[(bool, &[u8])]) -> Vec<Vec<u8>> {
    let mut reader = SectionReader::default();
    let mut sections = vec![];
    for (start, payload) in packets {
        reader.push(*start, payload, |section| sections.push(section.to_vec()));
    }
    sections
}

#[test]
fn the_tables_that_ffmpeg_writes() {
    let pat = hex(PAT_SECTION);
    let section = Section::parse(&pat).unwrap();
    assert_eq!((section.table_id, section.id, section.current), (PAT, 1, true));
    assert_eq!(parse_pat(section.body).collect::<Vec<_>>(), [(1, 0x1000)]);
    assert_eq!(encode_section(PAT, 1, 0, &hex("0001f000")), pat);

    let pmt = hex(PMT_SECTION);
    let section = Section::parse(&pmt).unwrap();
    let (pcr_pid, streams) = parse_pmt(section.body).unwrap();
    assert_eq!(pcr_pid, 0x100);
    assert_eq!(
        streams,
        [
            StreamEntry { stream_type: 0x1B, pid: 0x100, descriptors: b"" },
            StreamEntry { stream_type: 0x0F, pid: 0x101, descriptors: b"" },
        ]
    );
    assert_eq!(encode_section(PMT, 1, 0, section.body), pmt);
}

#[test]
fn one_wrong_bit_is_no_section() {
    let pmt = hex(PMT_SECTION);
    for bit in 0..pmt.len() * 8 {
        let mut wrong = pmt.clone();
        wrong[bit / 8] ^= 0x80 >> (bit % 8);
        assert_eq!(Section::parse(&wrong), None, "bit {bit}");
    }
}

#[test]
fn the_version_wraps_at_32() {
    let section = encode_section(PMT, 1, 33, b"");
    assert_eq!(section[5] >> 1 & 0x1F, 1);
}

#[test]
fn descriptors_end_where_one_is_cut() {
    let bytes = hex("0504 41432d33  7f02 8002  0a04 656e67");
    let found: Vec<_> = descriptors(&bytes).collect();
    assert_eq!(found, [(0x05, &b"AC-3"[..]), (0x7F, &[0x80, 2][..])]);
}

#[test]
fn a_stream_that_is_cut_is_left_out() {
    let body = hex("e100 f000 1be100f000 0fe101f005 0102");
    let (_, streams) = parse_pmt(&body).unwrap();
    assert_eq!(streams.len(), 1);
    assert_eq!(parse_pmt(&hex("e100 f00a 00")), None);
}

#[test]
fn a_section_over_several_packets() {
    let body = [7; 400];
    let section = encode_section(PMT, 1, 0, &body);
    let first = [&[0], &section[..183]].concat();
    let last = [&section[367..], &[0xFF; 100]].concat();
    let packets: [(bool, &[u8]); 3] = [(true, &first), (false, &section[183..367]), (false, &last)];
    assert_eq!(read(&packets), [&section[..]]);
    // Without its first packet it is nothing.
    assert!(read(&packets[1..]).is_empty());
}

#[test]
fn the_end_of_one_section_and_the_next_in_one_packet() {
    let (one, two) = (hex(PAT_SECTION), hex(PMT_SECTION));
    let first = [&[0], &one[..10]].concat();
    let second = [&[6], &one[10..], &two, &two, &[0xFF; 9]].concat();
    assert_eq!(read(&[(true, &first), (true, &second)]), [one.clone(), two.clone(), two.clone()]);
    // The pointer skips an end whose beginning was lost.
    assert_eq!(read(&[(true, &second)]), [two.clone(), two]);
}

#[test]
fn lengths_at_the_limits() {
    let longest = encode_section(PMT, 1, 0, &[0; MAX_LENGTH - HEAD - CRC]);
    assert_eq!(longest.len(), 1024);
    assert_eq!(read(&[(true, &[&[0], &longest[..]].concat())]).len(), 1);
    for length in [0_u16, 8, 1022, 0xFFF] {
        let mut bytes = vec![0; 1200];
        bytes[1] = PMT;
        bytes[2..4].copy_from_slice(&(0xB000 | length).to_be_bytes());
        assert!(read(&[(true, &bytes), (false, &bytes)]).is_empty(), "{length}");
    }
}

#[test]
fn a_pointer_behind_the_packet_is_skipped() {
    assert!(read(&[(true, &[200, 0, 0]), (false, &hex(PAT_SECTION)), (true, &[])]).is_empty());
}

proptest! {
    #[test]
    fn sections_come_back_however_they_are_cut(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..5),
        cut in 1_usize..184,
    ) {
        let sections: Vec<_> = bodies.iter().map(|it| encode_section(PMT, 3, 5, it)).collect();
        let mut reader = SectionReader::default();
        let mut got = vec![];
        for section in &sections {
            let bytes = [&[0], &section[..]].concat();
            for (index, piece) in bytes.chunks(cut).enumerate() {
                reader.push(index == 0, piece, |it| got.push(it.to_vec()));
            }
        }
        prop_assert_eq!(&got, &sections);
        for (section, body) in got.iter().zip(&bodies) {
            prop_assert_eq!(Section::parse(section).unwrap().body, &body[..]);
        }
    }

    #[test]
    fn any_bytes_are_read_in_bounded_memory(
        packets in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..184)), 0..40)
    ) {
        let mut reader = SectionReader::default();
        for (start, payload) in packets {
            reader.push(start, &payload, |section| {
                let parsed = Section::parse(section);
                if let Some(section) = parsed {
                    parse_pmt(section.body);
                }
            });
            prop_assert!(reader.bytes.len() <= PREFIX + MAX_LENGTH);
        }
    }
}
