use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use bytes::{Bytes, BytesMut};
use levada_media::{
    CodecParams, Colour, FrameFacts, Hdr, Leading, RandomAccess, Slices, VideoCodec, VideoParams,
};
use levada_test::hex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{CodecError, Defect, Inspector, nal, video_params};

fn streams() -> serde_json::Map<String, Value> {
    let file: Value = serde_json::from_str(include_str!("../../testdata/hevc/hevc.json")).unwrap();
    file["streams"].as_object().unwrap().clone()
}

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    hex(vector[name].as_str().unwrap())
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn stream(vector: &Value) -> Vec<u8> {
    let file = vector["file"].as_str().unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hevc").join(file);
    std::fs::read(path).unwrap()
}

fn inspector(config: &[u8]) -> Inspector {
    let config = Bytes::copy_from_slice(config);
    Inspector::new(&CodecParams::Video(VideoParams::new(VideoCodec::Hevc, config)))
}

fn sample(units: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    units.iter().for_each(|it| nal::put_length_prefixed(it, &mut out));
    out.to_vec()
}

#[test]
fn parameter_set_vectors() {
    for (name, vector) in streams() {
        let sps = Sps::parse(&bytes(&vector, "sps")).unwrap();
        let expect = &vector["expect_sps"];
        let is = |field: &str, got: i64| assert_eq!(got, number(&expect[field]), "{name} {field}");
        is("vps_id", sps.vps_id.into());
        is("max_sub_layers", sps.sub_layers.into());
        is("temporal_id_nesting", sps.nested.into());
        is("sps_id", sps.id.into());
        is("chroma_format_idc", sps.chroma_format.into());
        is("sep", sps.separate_planes.into());
        is("width", sps.width().into());
        is("height", sps.height().into());
        is("bit_depth_luma", sps.bit_depth_luma.into());
        is("bit_depth_chroma", sps.bit_depth_chroma.into());
        is("log2_max_poc_lsb", sps.order_bits.into());
        is("max_dec_pic_buffering", sps.buffering.into());
        is("max_num_reorder", sps.reorder.into());
        is("ctb", sps.block_bits.into());
        assert_eq!(expect["coded"], serde_json::json!([sps.coded.0, sps.coded.1]), "{name}");
        assert_eq!(expect["conf_win"], serde_json::json!(sps.window), "{name}");
        check_profile(&name, &expect["ptl"], sps.profile);
        assert_eq!(expect["codec"], sps.profile.rfc6381("hvc1"), "{name}");
        let rate = &expect["vui"];
        let rate = (number(&rate["time_scale"]), number(&rate["num_units_in_tick"]));
        assert_eq!(sps.frame_rate().map(|(n, d)| (n.into(), d.into())), Some(rate), "{name}");
        let colour = sps.colour().filter(|it| it.primaries != 2);
        let want = expect["vui"].get("colour").map(|it| {
            let of = |index: usize| u8::try_from(number(&it[index])).unwrap();
            Colour { primaries: of(0), transfer: of(1), matrix: of(2), full_range: false }
        });
        assert_eq!(colour, want, "{name}");
        assert!(sps.defects.is_empty(), "{name} {:?}", sps.defects);

        let vps = Vps::parse(&bytes(&vector, "vps")).unwrap();
        let expect = &vector["expect_vps"];
        assert_eq!(expect["vps_id"], vps.id, "{name}");
        assert_eq!(expect["max_sub_layers"], vps.sub_layers, "{name}");
        assert_eq!(number(&expect["temporal_id_nesting"]), i64::from(vps.nested), "{name}");
        check_profile(&name, &expect["ptl"], vps.profile);

        let pps = Pps::parse(&bytes(&vector, "pps")).unwrap();
        let expect = &vector["expect_pps"];
        let is = |field: &str, got: i64| assert_eq!(got, number(&expect[field]), "{name} {field}");
        is("pps_id", pps.id.into());
        is("sps_id", pps.sps_id.into());
        is("dep", pps.dependent_slices.into());
        is("out", pps.output_flag.into());
        is("extra", pps.extra_bits.into());
        is("tiles", pps.tiles.into());
        is("wpp", pps.wavefronts.into());
    }
}

fn check_profile(name: &str, expect: &Value, profile: ProfileTierLevel) {
    assert_eq!(expect["profile_space"], profile.space, "{name}");
    assert_eq!(expect["tier"], u8::from(profile.high_tier), "{name}");
    assert_eq!(expect["profile_idc"], profile.profile, "{name}");
    assert_eq!(expect["compat"], profile.compatibility, "{name}");
    let [a, b, c, d, e, f] = profile.constraints;
    assert_eq!(expect["constraint"], u64::from_be_bytes([0, 0, a, b, c, d, e, f]), "{name}");
    assert_eq!(expect["level_idc"], profile.level, "{name}");
}

#[test]
fn configs_as_ffmpeg_writes_them() {
    for (name, vector) in streams() {
        let wire = bytes(&vector, "hvcC");
        let config = Config::parse(&wire).unwrap();
        assert!(config.defects.is_empty(), "{name} {:?}", config.defects);
        assert_eq!(config.encode().unwrap(), wire, "{name}");
        let (vps, sps, pps) = (bytes(&vector, "vps"), bytes(&vector, "sps"), bytes(&vector, "pps"));
        for units in [[&vps, &sps, &pps], [&pps, &sps, &vps]] {
            let made = Config::from_units(units.map(|it| &it[..])).unwrap();
            assert_eq!(made, config, "{name}");
        }
    }
}

#[test]
fn facts_agree_with_ffprobe() {
    for (name, vector) in streams() {
        let params = video_params(VideoCodec::Hevc, bytes(&vector, "hvcC").into()).unwrap();
        let probe = &vector["ffprobe"];
        assert_eq!(probe["width"], params.width, "{name}");
        assert_eq!(probe["height"], params.height, "{name}");
        assert_eq!(probe["level"], params.level, "{name}");
        assert_eq!(probe["has_b_frames"], params.reorder.unwrap(), "{name}");
        let depth = if probe["pix_fmt"].as_str().unwrap().contains("10") { 10 } else { 8 };
        assert_eq!(params.bit_depth, depth, "{name}");
        assert!(!params.interlaced);
        assert_eq!(vector["codec_hvc1"], params.rfc6381, "{name}");
    }
}

/// Access units: a new one begins with the first unit that is not a slice or a suffix, or with the first slice of a
/// picture.
fn access_units(data: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut list: Vec<Vec<&[u8]>> = vec![vec![]];
    let mut has_picture = false;
    for unit in nal::annex_b_units(data) {
        let kind = unit_type(unit).unwrap();
        let begins = match kind {
            0..=31 => unit[2] & 0x80 != 0,
            32..=35 | 39 => true,
            _ => false,
        };
        if begins && has_picture {
            list.push(vec![]);
            has_picture = false;
        }
        has_picture |= kind < 32;
        list.last_mut().unwrap().push(unit);
    }
    list
}

/// Every fact of every access unit of every stream, and the output order.
#[test]
fn stream_vectors() {
    for (name, vector) in streams() {
        let data = stream(&vector);
        let mut inspector = inspector(&bytes(&vector, "hvcC"));
        let access_units = access_units(&data);
        let rows = vector["access_units"].as_array().unwrap();
        assert_eq!(access_units.len(), rows.len(), "{name}");
        let mut shown = Vec::new();
        let mut epoch = 0;
        for (index, (units, row)) in access_units.iter().zip(rows).enumerate() {
            let facts = inspector.inspect(&sample(units));
            let kind = number(&row[1]);
            let want = match kind {
                16..=20 => RandomAccess::Instant,
                21 => RandomAccess::Recovery(0),
                _ => RandomAccess::No,
            };
            assert_eq!(facts.random_access, want, "{name} {index}");
            let leading = match kind {
                6 | 7 => Leading::Decodable,
                8 | 9 => Leading::Undecodable,
                _ => Leading::No,
            };
            assert_eq!(facts.leading, leading, "{name} {index}");
            let slices = match row[4].as_str().unwrap() {
                "I" => Slices::I,
                "P" => Slices::P,
                _ => Slices::B,
            };
            assert_eq!(facts.slices, slices, "{name} {index}");
            assert_eq!(facts.order.map(i64::from), Some(number(&row[5])), "{name} {index}");
            let layers = number(&vector["expect_sps"]["max_sub_layers"]);
            let disposable = kind < 16 && kind % 2 == 0 && number(&row[3]) + 1 == layers;
            assert_eq!(facts.disposable, disposable, "{name} {index}");
            let has_sets = units.iter().any(|it| unit_type(it) == Some(33));
            assert_eq!(facts.parameter_sets, has_sets, "{name} {index}");
            epoch += i32::from(want == RandomAccess::Instant);
            shown.push((epoch, facts.order.unwrap(), number(&row[6])));
        }
        shown.sort_unstable();
        assert!(shown.is_sorted_by_key(|it| it.2), "{name}: output order");
        assert!(inspector.defects().is_empty(), "{name} {:?}", inspector.defects());
        assert_eq!(inspector.take_config(), None, "{name}");
        assert_eq!(inspector.hdr().is_some(), name == "main10_hdr10");
    }
}

fn hdr10() -> Hdr {
    // x265 --master-display G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) --max-cll 1000,400
    Hdr {
        mastering_primaries: Some([
            (34_000, 16_000),
            (13_250, 34_500),
            (7_500, 3_000),
            (15_635, 16_450),
        ]),
        mastering_luminance: Some((10_000_000, 1)),
        content_light: Some((1000, 400)),
    }
}

#[test]
fn hdr_in_frames_and_in_the_record() {
    let vector = &streams()["main10_hdr10"];
    let data = stream(vector);
    let mut inspector = inspector(&bytes(vector, "hvcC"));
    assert_eq!(inspector.hdr(), None);
    inspector.inspect(&sample(&access_units(&data)[0]));
    assert_eq!(inspector.hdr(), Some(hdr10()));

    let mut config = Config::parse(&bytes(vector, "hvcC")).unwrap();
    let messages = nal::annex_b_units(&data).filter(|it| unit_type(it) == Some(39));
    let units = messages.map(Bytes::copy_from_slice).collect();
    config.arrays.push(Array { complete: false, kind: 39, units });
    let params = video_params(VideoCodec::Hevc, config.encode().unwrap()).unwrap();
    assert_eq!(params.hdr, Some(hdr10()));
}

#[test]
fn a_cra_behind_an_end_of_sequence_stands_behind_all_before_it() {
    let vector = &streams()["open_main"];
    let data = stream(vector);
    let access_units = access_units(&data);
    let mut inspector = inspector(&bytes(vector, "hvcC"));
    let before: Vec<i32> =
        access_units[..25].iter().map(|it| inspector.inspect(&sample(it)).order.unwrap()).collect();
    inspector.inspect(&sample(&[&[0x48, 0x01]])); // end of sequence
    let after: Vec<i32> = access_units[25..52]
        .iter()
        .map(|it| inspector.inspect(&sample(it)).order.unwrap())
        .collect();
    assert!(after.iter().min() > before.iter().max());
    // The RASL pictures behind it are still shown before it.
    assert!(after[1] < after[0] && after[2] < after[0]);
}

#[test]
fn sets_in_band_replace_those_of_the_record() {
    let streams = streams();
    let (small, big) = (&streams["closed_main"], &streams["crop1080"]);
    let mut changed = inspector(&bytes(small, "hvcC"));
    let data = stream(big);
    let first = &access_units(&data)[0];
    let facts = changed.inspect(&sample(first));
    assert!(facts.parameter_sets);
    assert_eq!(changed.take_config().unwrap(), bytes(big, "hvcC"));
    assert_eq!(changed.take_config(), None);

    let mut from_nothing = inspector(&[]);
    assert_eq!(from_nothing.inspect(&sample(first)), facts);
    assert_eq!(from_nothing.take_config().unwrap(), bytes(big, "hvcC"));
    assert!(from_nothing.defects().is_empty());
}

/// Fuzzing found it: the record made of such an entry read back as another one.
#[test]
fn a_byte_stream_in_place_of_a_set_is_taken_apart() {
    let stream = &streams()["closed_main"];
    let [vps, sps, pps] = ["vps", "sps", "pps"].map(|it| bytes(stream, it));
    let entry = [&vps[..], &[0, 0, 1], &sps, &[0, 0, 0, 1], &pps].concat();
    let mut inspector = inspector(&[]);
    inspector.inspect(&sample(&[&entry]));
    assert_eq!(inspector.take_config().unwrap(), bytes(stream, "hvcC"));
    assert!(inspector.defects().contains(Defect::StartCodeInParameterSet));
}

#[test]
fn cut_and_overgrown_sets_keep_their_size() {
    for (name, vector) in streams() {
        let whole = bytes(&vector, "sps");
        let expect = Sps::parse(&whole).unwrap();
        let mut tolerated = 0;
        for len in 0..whole.len() {
            match Sps::parse(&whole[..len]) {
                Ok(cut) => {
                    assert_eq!((cut.width(), cut.height()), (expect.width(), expect.height()));
                    assert_eq!(cut.order_bits, expect.order_bits);
                    assert!(!cut.defects.is_empty(), "{name} {len}");
                    tolerated += 1;
                }
                Err(_) => assert_eq!(tolerated, 0, "{name} {len}"),
            }
        }
        assert!(tolerated > 10, "{name} {tolerated}");
        let grown = |before: &str, after: &str| {
            let unit = [hex(before), whole.clone(), hex(after)].concat();
            let sps = Sps::parse(&unit).unwrap();
            assert_eq!((sps.width(), sps.vui), (expect.width(), expect.vui));
            sps.defects.iter().collect::<Vec<_>>()
        };
        assert_eq!(grown("", "0000"), [Defect::ZerosAfterParameterSet]);
        assert_eq!(grown("", "55aa"), [Defect::JunkAfterParameterSet]);
        assert_eq!(grown("00000001", ""), [Defect::StartCodeInParameterSet]);
        assert_eq!(grown("", "000000014401c172b46240"), [Defect::StartCodeInParameterSet]);
    }
}

#[test]
fn start_codes_in_place_of_the_record() {
    let vector = &streams()["closed_main"];
    let mut annex_b = BytesMut::new();
    ["vps", "sps", "pps"].iter().for_each(|it| nal::put_annex_b(&bytes(vector, it), &mut annex_b));
    let params = video_params(VideoCodec::Hevc, annex_b.freeze()).unwrap();
    assert_eq!(params.config, bytes(vector, "hvcC"));
}

#[test]
fn hostile_hev_01_configuration_records() {
    let wire = bytes(&streams()["closed_main"], "hvcC");
    for len in 0..wire.len() {
        let error = Config::parse(&wire[..len]).unwrap_err();
        assert!(matches!(error, CodecError::Malformed { .. }), "{len} {error}");
    }
    let with = |tail: &[u8]| Config::parse(&[&wire[..22], tail].concat());
    assert!(matches!(with(&[255]), Err(CodecError::Malformed { .. })));
    assert!(matches!(
        with(&[0]),
        Err(CodecError::Malformed { what: "no sequence parameter set", .. })
    ));
    let limit = Err(CodecError::Limit { which: "units in a configuration record", limit: 128 });
    assert_eq!(with(&[1, 0xA1, 0xFF, 0xFF]), limit);
    assert_eq!(with(&[2, 0xA0, 0, 0, 0xA1, 0, 129]), limit);
    let allocations = levada_test::allocations(|| {
        let _ = with(&[255, 0xA1, 0, 128]);
    });
    assert!(allocations.total_bytes < 100, "{allocations:?}");
    // At the limit: 128 sets, all the same.
    let sps = bytes(&streams()["closed_main"], "sps");
    let one = [&u16::try_from(sps.len()).unwrap().to_be_bytes()[..], &sps].concat();
    let full = [&[1, 0xA1, 0, 128][..], &one.repeat(128)].concat();
    assert_eq!(with(&full).unwrap().units(33).count(), 128);

    let mut other = wire.clone();
    other[0] = 0;
    assert!(Config::parse(&other).is_err());
    let mut other = wire.clone();
    other[21] = other[21] & 0xFC | 2;
    assert!(matches!(Config::parse(&other), Err(CodecError::Malformed { offset: 21, .. })));
    let mut other = wire.clone();
    (other[13], other[16]) = (0, 1);
    let defects = Config::parse(&other).unwrap().defects;
    assert_eq!(defects.iter().collect::<Vec<_>>(), [Defect::ReservedBits]);
    let mut other = wire;
    other[12] = 93;
    let defects = Config::parse(&other).unwrap().defects;
    assert_eq!(defects.iter().collect::<Vec<_>>(), [Defect::ConfigContradictsParameterSet]);
}

/// Writes bits, most significant first.
#[derive(Clone, Default)]
struct Writer(Vec<bool>);

impl Writer {
    fn u(mut self, count: u32, value: u64) -> Self {
        self.0.extend((0..count).rev().map(|it| value >> it & 1 == 1));
        self
    }

    fn ue(self, value: u64) -> Self {
        let bits = 63 - (value + 1).leading_zeros();
        self.u(bits, 0).u(bits + 1, value + 1)
    }

    fn ues(self, values: &[u64]) -> Self {
        values.iter().fold(self, |to, &value| to.ue(value))
    }

    fn unit(mut self) -> Vec<u8> {
        self.0.push(true);
        while !self.0.len().is_multiple_of(8) {
            self.0.push(false);
        }
        let bytes =
            self.0.chunks(8).map(|it| it.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit)));
        nal::tests::escape(&bytes.collect::<Vec<_>>())
    }
}

/// Up to `sps_seq_parameter_set_id`.
fn head(sub_layers_minus1: u64) -> Writer {
    let to = Writer::default().u(16, 0x4201).u(4, 0).u(3, sub_layers_minus1).u(1, 1);
    let to = to.u(8, 1).u(32, 0x6000_0000).u(48, 0x9000_0000_0000).u(8, 93);
    if sub_layers_minus1 > 0 { to.u(16, 0) } else { to }.ue(0)
}

/// From the picture size, 64 x 64 unless told, up to the reference picture sets.
fn middle(to: Writer) -> Writer {
    to.ues(&[1, 64, 64])
        .u(1, 0)
        .ues(&[0, 0, 4])
        .u(1, 0)
        .ues(&[4, 2, 0])
        .ues(&[0, 3, 0, 3, 0, 0])
        .u(4, 0)
}

#[test]
fn hostile_hev_02_sub_layers() {
    let with = |layers| Sps::parse(&middle(head(layers)).ue(0).u(4, 0).u(1, 0).unit());
    let sps = with(6).unwrap();
    assert_eq!((sps.sub_layers, sps.defects.is_empty()), (7, true));
    assert!(matches!(
        with(7),
        Err(CodecError::Malformed { what: "max_sub_layers_minus1 is 7", .. })
    ));
    let vps =
        Writer::default().u(16, 0x4001).u(4, 0).u(8, 0).u(3, 7).u(1, 1).u(60, 0).u(60, 0).unit();
    assert!(matches!(
        Vps::parse(&vps),
        Err(CodecError::Malformed { what: "max_sub_layers_minus1 is 7", .. })
    ));
}

#[test]
fn hostile_hev_03_reference_picture_sets() {
    let end = |to: Writer| Sps::parse(&to.u(4, 0).u(1, 0).unit());
    // The first set is written out, the others name nothing of it.
    let sets = |count: u64| {
        let first = middle(head(0)).ue(count).ues(&[1, 0, 0]).u(1, 1);
        end((1..count.min(70)).fold(first, |to, _| to.u(1, 0).ues(&[0, 0])))
    };
    assert!(sets(64).unwrap().defects.is_empty());
    for count in [65, u64::from(u32::MAX) - 1] {
        assert!(matches!(
            sets(count),
            Err(CodecError::Malformed { what: "num_short_term_ref_pic_sets is over 64", .. })
        ));
    }
    // One set with pictures too many, and with differences that go beyond 32 bits.
    let pictures = |earlier: u64, later: u64, step: u64| {
        let to = middle(head(0)).ue(1).ues(&[earlier, later]);
        end((0..(earlier + later).min(20)).fold(to, |to, _| to.ue(step).u(1, 1)))
    };
    assert!(pictures(8, 8, 0).unwrap().defects.is_empty());
    assert!(pictures(8, 8, u64::from(u32::MAX) - 1).unwrap().defects.is_empty());
    for (earlier, later) in [(17, 0), (0, 17), (9, 8), (u64::from(u32::MAX) - 1, 0)] {
        let what = "a reference picture set names more than 16 pictures";
        assert!(
            matches!(pictures(earlier, later, 0), Err(CodecError::Malformed { what: why, .. }) if why == what)
        );
    }
    // Predicted sets, with a difference beyond 32 bits: what follows them must be found.
    let predicted = |step: u64| {
        let to = middle(head(0)).ue(3).ues(&[2, 1]).ue(0).u(1, 1).ue(0).u(1, 1).ue(0).u(1, 1);
        let to = to.u(1, 1).u(1, 1).ue(step).u(4, 0xF); // all four kept
        end(to.u(1, 1).u(1, 0).ue(step).u(5, 0x1F))
    };
    for step in [1, u64::from(u32::MAX) - 1] {
        let _ = predicted(step);
    }
    assert!(predicted(5).unwrap().defects.is_empty());
    let buffers = |count: u64| {
        let to = middle(head(0)).ue(0).u(3, 0).u(1, 1); // usability information
        let to = to.u(8, 0).u(1, 1).u(32, 1).u(32, 25).u(1, 0).u(1, 1).u(2, 0).u(2, 0);
        end(to.u(1, 0).ue(count))
    };
    assert!(matches!(
        buffers(32),
        Err(CodecError::Malformed { what: "cpb_cnt_minus1 is over 31", .. })
    ));
}

#[test]
fn sizes_at_the_limit_and_beyond() {
    let with = |width: u64, height: u64| {
        let to = head(0).ues(&[1, width, height]).u(1, 0).ues(&[0, 0, 4]).u(1, 0).ues(&[4, 2, 0]);
        let to = to.ues(&[0, 3, 0, 3, 0, 0]).u(4, 0).ue(0).u(4, 0).u(1, 0);
        Sps::parse(&to.unit()).map(|it| (it.width(), it.height()))
    };
    let limit = Err(CodecError::Limit { which: "luma samples in a picture", limit: 35_651_584 });
    assert_eq!(with(8192, 4352), Ok((8192, 4352)));
    assert_eq!(with(8192, 4353), limit);
    assert_eq!(with(16_888, 8), Ok((16_888, 8)));
    assert_eq!(with(16_889, 8), limit);
    assert_eq!(with(8, u64::from(u32::MAX) - 1), limit);
    assert!(matches!(with(0, 8), Err(CodecError::Malformed { .. })));
}

#[test]
fn damaged_frames_are_told() {
    let vector = &streams()["closed_main"];
    let data = stream(vector);
    let first = sample(&access_units(&data)[0]);
    let mut inspector = inspector(&bytes(vector, "hvcC"));
    assert_eq!(inspector.inspect(&[0, 0, 0, 2, 0x26]), FrameFacts::default());
    assert!(inspector.defects().contains(Defect::CutFrame));
    assert!(inspector.defects().contains(Defect::NoPicture));
    assert_eq!(inspector.inspect(&first[..first.len() - 1]).random_access, RandomAccess::No);
    // Another layer is none of ours, a set forbidden bit is a defect.
    inspector.inspect(&sample(&[&[0x26, 0x09, 0x80]]));
    assert!(!inspector.defects().contains(Defect::InvalidUnit));
    inspector.inspect(&sample(&[&[0xA6, 0x01, 0x80]]));
    assert!(inspector.defects().contains(Defect::InvalidUnit));
    // Frames with start codes are read all the same.
    let annex_b = data[..4000].to_vec();
    assert_eq!(inspector.inspect(&annex_b).random_access, RandomAccess::Instant);
    assert!(inspector.defects().contains(Defect::StartCodeInFrame));
}

#[test]
fn to_annex_b_and_back() {
    let vector = &streams()["closed_main"];
    let config = Config::parse(&bytes(vector, "hvcC")).unwrap();
    let slice = hex("2801af13");
    let mut out = BytesMut::new();
    config.to_annex_b(&sample(&[&slice]), true, &mut out).unwrap();
    let set = |name: &str| format!("00000001{}", vector[name].as_str().unwrap());
    let want =
        format!("00000001460150 {} {} {} 000000012801af13", set("vps"), set("sps"), set("pps"));
    assert_eq!(out, hex(&want));
    let kept: Vec<&[u8]> = nal::annex_b_units(&out).filter(|it| is_sample_unit(it)).collect();
    assert_eq!(kept, [slice]);
}

#[test]
fn rfc6381_spaces_and_constraints() {
    let mut profile = ProfileTierLevel { profile: 1, level: 93, ..ProfileTierLevel::default() };
    profile.compatibility = 0x6000_0000;
    assert_eq!(profile.rfc6381("hev1"), "hev1.1.6.L93", "no constraints, no bytes");
    profile.constraints = [0xB0, 0, 0, 0, 0, 0];
    assert_eq!(profile.rfc6381("hvc1"), "hvc1.1.6.L93.B0");
    profile.constraints = [0x90, 0, 0x0A, 0, 0, 0];
    (profile.space, profile.high_tier) = (2, true);
    assert_eq!(profile.rfc6381("hvc1"), "hvc1.B1.6.H93.90.0.A");
}

proptest! {
    #[test]
    fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Config::parse(&data);
        for head in ["4001", "4201", "4401", "420101016000000300900000030000030078a003c0801107cb96"] {
            let unit = [hex(head), data.clone()].concat();
            let _ = (Vps::parse(&unit), Sps::parse(&unit), Pps::parse(&unit));
            inspector(&[]).inspect(&sample(&[&unit]));
        }
    }

    #[test]
    fn damaged_streams(at in any::<prop::sample::Index>(), mask in 1_u8.., cut in any::<prop::sample::Index>()) {
        let mut data = stream(&streams()["main444_8"]);
        *at.get_mut(&mut data) ^= mask;
        data.truncate(cut.index(data.len()) + 1);
        let mut inspector = inspector(&[]);
        for unit in nal::annex_b_units(&data) {
            inspector.inspect(&sample(&[unit]));
        }
    }

    #[test]
    fn profiles_round_trip(bytes in any::<[u8; 12]>()) {
        prop_assert_eq!(ProfileTierLevel::from_bytes(bytes).to_bytes(), bytes);
    }
}
