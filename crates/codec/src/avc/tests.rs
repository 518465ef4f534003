use std::format;
use std::vec;
use std::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_media::{CodecParams, FrameFacts, RandomAccess, Slices, VideoCodec, VideoParams};
use levada_test::hex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{CodecError, Defect, Inspector, nal, sei, video_params};

fn json(file: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/h264").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    hex(vector[name].as_str().unwrap())
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// The sequence parameter sets that encoders wrote and those built by hand, with what they mean.
fn sps_vectors() -> Vec<Value> {
    let file = json("h264_sps.json");
    ["corpus", "crafted"].iter().flat_map(|it| file[it].as_array().unwrap().clone()).collect()
}

fn record(units: &[&[u8]]) -> Bytes {
    Config::from_units(units.iter().copied()).unwrap().encode().unwrap()
}

#[test]
fn sps_vectors_field_by_field() {
    for vector in sps_vectors() {
        let (name, expect) = (&vector["name"], &vector["expect_sps"]);
        let sps = Sps::parse(&bytes(&vector, "sps")).unwrap();
        let is = |field: &str, got: i64| {
            let want = &expect[field];
            let want = want.as_i64().unwrap_or_else(|| want.as_bool().unwrap().into());
            assert_eq!(got, want, "{name} {field}");
        };
        is("sps_id", sps.id.into());
        is("profile_idc", sps.profile.into());
        is("constraint_flags", sps.constraints.into());
        is("level_idc", sps.level.into());
        is("chroma_format_idc", sps.chroma_format.into());
        is("separate_colour_plane_flag", sps.separate_planes.into());
        is("bit_depth_luma", sps.bit_depth_luma.into());
        is("bit_depth_chroma", sps.bit_depth_chroma.into());
        is("log2_max_frame_num", sps.frame_num_bits.into());
        is("max_num_ref_frames", sps.max_ref_frames.into());
        is("gaps_in_frame_num_allowed", sps.gaps_allowed.into());
        is("pic_width_in_mbs", sps.width_mbs.into());
        is("pic_height_in_map_units", sps.height_map_units.into());
        is("frame_mbs_only_flag", sps.frames_only.into());
        is("coded_width", (sps.width_mbs * 16).into());
        is("coded_height", (sps.height_mbs() * 16).into());
        is("width", sps.width().into());
        is("height", sps.height().into());
        assert_eq!(expect["crop"], serde_json::json!(sps.crop), "{name}");
        assert_eq!(expect["codec"], sps.rfc6381("avc1"), "{name}");
        match &sps.order {
            OrderType::Bits(bits) => {
                is("poc_type", 0);
                is("log2_max_poc_lsb", (*bits).into());
            }
            OrderType::Cycle { always_zero, non_reference, top_to_bottom, offsets } => {
                is("poc_type", 1);
                is("delta_pic_order_always_zero_flag", (*always_zero).into());
                is("offset_for_non_ref_pic", (*non_reference).into());
                is("offset_for_top_to_bottom_field", (*top_to_bottom).into());
                assert_eq!(expect["offset_for_ref_frame"], serde_json::json!(offsets), "{name}");
            }
            OrderType::Decoding => is("poc_type", 2),
        }
        check_vui(name, &expect["vui"], sps.vui);
        let beyond_level = matches!(name.as_str(), Some("odd_level"));
        assert_eq!(sps.defects.iter().next().is_some(), beyond_level, "{name} {:?}", sps.defects);
    }
}

fn check_vui(name: &Value, expect: &Value, vui: Option<Vui>) {
    let Some(expect) = expect.as_object() else {
        return assert_eq!(vui, None, "{name}");
    };
    let vui = vui.unwrap();
    let of = |field: &str| expect.get(field).map(number);
    let sar = expect.get("sar").map(|it| (number(&it[0]), number(&it[1])));
    assert_eq!(vui.pixel_aspect.map(|(x, y)| (x.into(), y.into())), sar, "{name}");
    let timing =
        vui.timing.map(|it| (it.units_in_tick.into(), it.time_scale.into(), it.fixed.into()));
    let want = of("num_units_in_tick")
        .map(|it| (it, of("time_scale").unwrap(), of("fixed_frame_rate_flag").unwrap()));
    assert_eq!(timing, want, "{name}");
    assert_eq!(Some(i64::from(vui.picture_structure)), of("pic_struct_present_flag"), "{name}");
    let restriction = vui.restriction.map(|it| (it.reorder.into(), it.buffering.into()));
    let want = of("max_num_reorder_frames").map(|it| (it, of("max_dec_frame_buffering").unwrap()));
    assert_eq!(restriction, want, "{name}");
    let full_range = vui.colour.map(|it| it.full_range.into());
    assert_eq!(full_range, of("full_range"), "{name}");
    let primaries = vui.colour.map(|it| i64::from(it.primaries)).filter(|&it| it != 2);
    assert_eq!(primaries, of("colour_primaries"), "{name}");
    if let Some(hrd) = expect.get("nal_hrd") {
        let got = vui.nal_hrd.unwrap();
        assert!(got.bit_rate > 0 && got.buffer_size > 0, "{name} {hrd} {got:?}");
    } else {
        assert_eq!(vui.nal_hrd, None, "{name}");
    }
}

#[test]
fn hrd_of_the_worked_example() {
    // 299,968 bit/s, 300,000 bits, constant; delays of 9 and 7 bits.
    let sps = hex("6764001eacd940a02ff9701100000300010000030032e0200124f000493f920c03e2c5b2c0");
    let hrd = Sps::parse(&sps).unwrap().vui.unwrap().nal_hrd.unwrap();
    assert_eq!((hrd.bit_rate, hrd.buffer_size, hrd.constant_rate), (299_968, 300_000, true));
    assert_eq!((hrd.removal_delay_bits, hrd.output_delay_bits, hrd.time_offset_bits), (9, 7, 0));
}

#[test]
fn facts_agree_with_ffprobe() {
    for vector in json("h264_sps.json")["corpus"].as_array().unwrap() {
        let (sps, pps) = (bytes(vector, "sps"), bytes(vector, "pps"));
        let params = video_params(VideoCodec::Avc, record(&[&sps, &pps])).unwrap();
        let (name, probe) = (&vector["name"], &vector["ffprobe"]);
        assert_eq!(i64::from(params.width), number(&probe["width"]), "{name}");
        assert_eq!(i64::from(params.height), number(&probe["height"]), "{name}");
        let expect = &vector["expect_sps"];
        // ffprobe reads level 1b (11 with constraint_set3_flag) as 9.
        assert_eq!(i64::from(params.level), number(&expect["level_idc"]), "{name}");
        assert_eq!(params.reorder.map(i64::from), Some(number(&probe["has_b_frames"])), "{name}");
        let rate = probe["r_frame_rate"].as_str().unwrap().split_once('/').unwrap();
        let rate = (rate.0.parse().unwrap(), rate.1.parse().unwrap());
        let fixed = number(&expect["vui"]["fixed_frame_rate_flag"]) == 1;
        assert_eq!(params.frame_rate, fixed.then_some(rate), "{name}");
        let aspect = params.pixel_aspect.map(|(x, y)| format!("{x}:{y}"));
        assert_eq!(aspect.as_deref(), probe["sample_aspect_ratio"].as_str(), "{name}");
        let depth = if probe["pix_fmt"].as_str().unwrap().contains("10") { 10 } else { 8 };
        assert_eq!(params.bit_depth, depth, "{name}");
        assert_eq!(params.interlaced, number(&expect["frame_mbs_only_flag"]) == 0, "{name}");
        assert_eq!(expect["codec"], params.rfc6381, "{name}");
    }
}

#[test]
fn malformed_sps_vectors() {
    for vector in json("h264_sps.json")["malformed"].as_array().unwrap() {
        let error = Sps::parse(&bytes(vector, "sps")).unwrap_err();
        let CodecError::Malformed { what, spec, .. } = error else { panic!("{error}") };
        let want = match vector["name"].as_str().unwrap() {
            "truncated_after_level" | "ue_overflow" => "the data ends too early",
            "forbidden_bit" => "forbidden_zero_bit is set",
            "chroma_format_4" => "chroma_format_idc is over 3",
            "crop_exceeds" => "cropping leaves no width",
            "sps_id_32" => "seq_parameter_set_id is over 31",
            other => panic!("{other}"),
        };
        assert_eq!((what, spec), (want, "H.264 §7.3.2.1.1"));
    }
}

#[test]
fn reorder_without_restriction() {
    // Made from no_vui (10 x 6 macroblocks) by its profile, constraints, level and order type.
    let of = |profile: u8, constraints, level, order: OrderType| {
        let mut sps = Sps::parse(&hex("6742c00bd9028df910")).unwrap();
        (sps.profile, sps.constraints, sps.level, sps.order) = (profile, constraints, level, order);
        sps.reorder()
    };
    // MaxDpbMbs / 60 macroblocks, at most 16 (§A.3.1 h).
    assert_eq!(of(66, 0xC0, 11, OrderType::Bits(4)), Some(15));
    assert_eq!(of(66, 0xC0, 10, OrderType::Bits(4)), Some(6));
    assert_eq!(of(66, 0xD0, 11, OrderType::Bits(4)), Some(6), "level 1b");
    assert_eq!(of(100, 0x10, 40, OrderType::Bits(4)), Some(0), "intra only");
    assert_eq!(of(77, 0x10, 40, OrderType::Bits(4)), Some(16), "not a profile with intra only");
    assert_eq!(of(100, 0, 40, OrderType::Decoding), Some(0));
    assert_eq!(of(100, 0, 40, OrderType::Bits(4)), Some(16));
    assert_eq!(of(100, 0, 99, OrderType::Bits(4)), None, "no such level");
}

/// What cameras send, with where it was reported.
#[test]
fn quirk_sps_from_cameras() {
    let check = |sps: &str, size: (u32, u32), defect: Defect| {
        let sps = Sps::parse(&hex(sps)).unwrap();
        assert_eq!((sps.width(), sps.height()), size);
        assert_eq!(sps.defects.iter().collect::<Vec<_>>(), [defect]);
    };
    // Reolink, one byte behind the set (retina #102).
    let reolink = "67640033ac1514a0a03da1000004f6000063380404";
    check(reolink, (640, 480), Defect::JunkAfterParameterSet);
    // The whole access unit in place of the set (retina #68).
    let doorbell = "274d001fe7402802dd80a5050505f0000003001000000302 8b01000 2dc6800022551 7fff028000000001 28ee3c80 00000001 25b82000116ff628f75b";
    check(doorbell, (1280, 720), Defect::StartCodeInParameterSet);
    // V380 Pro, with its start code (retina #108).
    let v380 = "00000001274de0288d680a03da1000000300100000030280f1422a";
    check(v380, (640, 480), Defect::StartCodeInParameterSet);
    check("000001 6742c00bd9028df910", (160, 90), Defect::StartCodeInParameterSet);
    check("6742c00bd9028df910 0000", (160, 90), Defect::ZerosAfterParameterSet);
    check("6742c00bd9028df910 55", (160, 90), Defect::JunkAfterParameterSet);
}

#[test]
fn a_set_cut_anywhere_behind_its_size_keeps_its_size() {
    for vector in sps_vectors() {
        let whole = bytes(&vector, "sps");
        let expect = Sps::parse(&whole).unwrap();
        let mut tolerated = 0;
        for len in 0..whole.len() {
            match Sps::parse(&whole[..len]) {
                Ok(cut) => {
                    assert_eq!((cut.width(), cut.height()), (expect.width(), expect.height()));
                    assert_eq!((&cut.order, cut.crop), (&expect.order, expect.crop));
                    let told = [
                        Defect::CutParameterSet,
                        Defect::JunkAfterParameterSet,
                        Defect::ZerosAfterParameterSet,
                    ];
                    assert!(told.iter().any(|&it| cut.defects.contains(it)), "{vector} {len}");
                    tolerated += 1;
                }
                Err(error) => {
                    assert!(matches!(error, CodecError::Malformed { .. }) && tolerated == 0)
                }
            }
        }
        assert!(expect.vui.is_none() || tolerated > 0, "{}", vector["name"]);
    }
}

/// `h264-reader` and we agree on every set that it accepts.
#[cfg(feature = "avc")]
#[test]
fn sps_beside_h264_reader() {
    use h264_reader::{nal::sps::SeqParameterSet, rbsp};
    for vector in sps_vectors() {
        let unit = bytes(&vector, "sps");
        let ours = Sps::parse(&unit).unwrap();
        let rbsp = rbsp::decode_nal(&unit).unwrap();
        let theirs = SeqParameterSet::from_bits(rbsp::BitReader::new(&rbsp[..])).unwrap();
        let name = &vector["name"];
        assert_eq!(theirs.pixel_dimensions().unwrap(), (ours.width(), ours.height()), "{name}");
        assert_eq!(theirs.id().id(), ours.id);
        assert_eq!(theirs.log2_max_frame_num(), ours.frame_num_bits);
        let vui = theirs.vui_parameters.as_ref();
        let reorder = vui.and_then(|it| it.bitstream_restrictions.as_ref());
        let ours_restriction = ours.vui.and_then(|it| it.restriction);
        assert_eq!(
            reorder.map(|it| it.max_num_reorder_frames),
            ours_restriction.map(|it| it.reorder.into()),
            "{name}"
        );
    }
}

#[cfg(feature = "avc")]
#[test]
fn pps_vectors() {
    for vector in json("h264_sps.json")["corpus"].as_array().unwrap() {
        let sps = Sps::parse(&bytes(vector, "sps")).unwrap();
        let pps = Pps::parse(&bytes(vector, "pps"), &sps).unwrap();
        let (name, expect) = (&vector["name"], &vector["expect_pps"]);
        let is = |field: &str, got: i64| assert_eq!(got, number(&expect[field]), "{name} {field}");
        is("pps_id", pps.id.into());
        is("sps_id", pps.sps_id.into());
        is("cabac", pps.cabac.into());
        is("bottom_field_pic_order", pps.bottom_field_order.into());
        is("weighted_pred", pps.weighted.into());
        is("weighted_bipred", pps.weighted_bipred.into());
        is("pic_init_qp", pps.initial_qp.into());
        is("redundant_pic_cnt_present", pps.redundant_pictures.into());
        is("transform_8x8", pps.transform_8x8.into());
        assert_eq!(expect["num_ref_idx_default"], serde_json::json!(pps.references), "{name}");
    }
}

#[test]
fn config_vectors() {
    for vector in json("h264_avcc.json")["avcC"].as_array().unwrap() {
        let wire = bytes(vector, "avcC");
        let (name, expect) = (&vector["name"], &vector["expect"]);
        let config = Config::parse(&wire).unwrap();
        assert_eq!(i64::from(config.profile), number(&expect["profile"]), "{name}");
        assert_eq!(i64::from(config.constraints), number(&expect["compat"]), "{name}");
        assert_eq!(i64::from(config.level), number(&expect["level"]), "{name}");
        assert_eq!(i64::from(config.length_size), number(&expect["length_size"]), "{name}");
        let pictures = |sets: &[Bytes]| {
            serde_json::json!(sets.iter().map(|it| format!("{it:x}")).collect::<Vec<_>>())
        };
        assert_eq!(expect["sps"], pictures(&config.sps), "{name}");
        assert_eq!(expect["pps"], pictures(&config.pps), "{name}");
        let of = |field: &str| expect.get(field).map(number);
        let extension = config.extension.as_ref();
        assert_eq!(extension.map(|it| it.chroma_format.into()), of("chroma_format"), "{name}");
        assert_eq!(extension.map(|it| it.bit_depth_luma.into()), of("bit_depth_luma"), "{name}");
        assert_eq!(
            extension.map(|it| it.bit_depth_chroma.into()),
            of("bit_depth_chroma"),
            "{name}"
        );
        assert!(config.defects.is_empty(), "{name}");
        assert_eq!(config.encode().unwrap(), wire, "{name}");
        let units = config.sps.iter().chain(&config.pps).map(|it| &it[..]);
        assert_eq!(Config::from_units(units).unwrap().encode().unwrap(), wire, "{name}");
    }
}

const SPS: &str = "6742c00bd9028df910";
const PPS: &str = "68cb83cb20";
const RECORD: &str = "0142c00bffe100096742c00bd9028df91001000568cb83cb20";

#[test]
fn quirk_76_reserved_bits_are_zero() {
    let config =
        Config::parse(&hex("0142c00b0301 00096742c00bd9028df91001000568cb83cb20")).unwrap();
    assert_eq!(config.defects.iter().collect::<Vec<_>>(), [Defect::ReservedBits]);
    assert_eq!(config.encode().unwrap(), hex(RECORD));
}

#[test]
fn quirk_start_codes_in_the_record() {
    let annex_b = hex(&format!("00000001{SPS}000001{PPS}"));
    let params = video_params(VideoCodec::Avc, Bytes::from(annex_b.clone())).unwrap();
    assert_eq!((params.width, params.height), (160, 90));
    assert_eq!(params.config, hex(RECORD), "given on as the format wants it");
    let inspector =
        Inspector::new(&CodecParams::Video(VideoParams::new(VideoCodec::Avc, annex_b.into())));
    assert!(inspector.defects().contains(Defect::StartCodeInConfig));

    // Both sets in the place of the first.
    let record = hex(&format!("0142c00bffe10015 00000001{SPS}000001{PPS} 00"));
    let config = Config::parse(&record[..]).unwrap();
    assert_eq!((config.sps, config.pps), (vec![hex(SPS).into()], vec![hex(PPS).into()]));
    assert!(config.defects.contains(Defect::StartCodeInParameterSet));
}

#[test]
fn quirk_bytes_behind_the_record_and_other_profile_in_it() {
    let config = Config::parse(&hex(&format!("{RECORD}ff"))).unwrap();
    assert_eq!(config.defects.iter().collect::<Vec<_>>(), [Defect::JunkAfterConfig]);
    let config = Config::parse(&hex(&RECORD.replacen("42", "64", 1))).unwrap();
    assert_eq!(
        config.defects.iter().collect::<Vec<_>>(),
        [Defect::ConfigContradictsParameterSet],
        "the extension of high profiles may be missing"
    );
}

#[test]
fn hostile_avc_01_configuration_records() {
    let refused = |wire: &str, offset: usize, what: &str| match Config::parse(&hex(wire)) {
        Err(CodecError::Malformed { offset: at, what: why, .. }) => {
            assert_eq!((at, why), (offset, what), "{wire}");
        }
        other => panic!("{wire}: {other:?}"),
    };
    refused(&RECORD.replacen("01", "00", 1), 0, "configurationVersion is not 1");
    refused(&RECORD.replacen("ffe1", "fee1", 1), 4, "lengths of three bytes");
    refused("0142c00bffe000", 5, "no sequence parameter set");
    refused("0142c00bffe1000000", 5, "no sequence parameter set");
    refused(&RECORD.replacen("e1", "ff", 1), 25, "the record is cut");
    refused(&RECORD.replacen("0009", "ffff", 1), 25, "the record is cut");
    // The extension of a high profile, cut.
    let high =
        "0164001effe1001b6764001eacd940a03dd1197011000003000100000300328f162d9601000668ebe3cb22c0";
    assert!(Config::parse(&hex(high)).unwrap().defects.is_empty());
    for tail in ["fd", "fdf8", "fdf8f8", "fdf8f801", "fdf8f8010002aa"] {
        let wire = format!("{high}{tail}");
        refused(&wire, wire.len() / 2, "the record is cut");
    }
    for len in 0..hex(RECORD).len() {
        assert!(Config::parse(&hex(RECORD)[..len]).is_err(), "{len}");
    }
}

#[test]
fn what_a_record_cannot_hold() {
    let good = Config::parse(&hex(RECORD)).unwrap();
    let check = |change: fn(&mut Config), ok: bool| {
        let mut config = good.clone();
        change(&mut config);
        assert_eq!(config.encode().is_ok(), ok);
        assert!(ok || matches!(config.encode(), Err(CodecError::Misuse { .. })));
    };
    check(|it| it.sps = vec![it.sps[0].clone(); 31], true);
    check(|it| it.sps = vec![it.sps[0].clone(); 32], false);
    check(|it| it.pps = vec![it.pps[0].clone(); 255], true);
    check(|it| it.pps = vec![it.pps[0].clone(); 256], false);
    check(|it| it.pps = vec![Bytes::from(vec![0x68; 65_535])], true);
    check(|it| it.pps = vec![Bytes::from(vec![0x68; 65_536])], false);
    check(|it| it.length_size = 3, false);
}

#[test]
fn hostile_avc_05_sets_of_no_length() {
    for unit in
        ["", "67", "676400", "67640028", "000003000003", "67000003000003", "000001", "00000001"]
    {
        assert!(matches!(Sps::parse(&hex(unit)), Err(CodecError::Malformed { .. })), "{unit}");
        let record = hex(&format!("0142c00bffe1{:04x}{unit}00", unit.len() / 2));
        assert!(video_params(VideoCodec::Avc, record.into()).is_err(), "{unit}");
    }
}

#[test]
fn hostile_avc_06_exp_golomb_of_33_zeros() {
    // Behind the level: 33 zeros, then ones.
    let unit = hex("6742c00b000003 00007fffffff ffffff");
    assert!(matches!(Sps::parse(&unit), Err(CodecError::Malformed { .. })));
}

/// Writes bits, most significant first.
#[derive(Default)]
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

/// A baseline set up to `max_num_ref_frames`, with order type 2.
fn baseline(level: u64) -> Writer {
    Writer::default().u(8, 0x67).u(8, 66).u(8, 0).u(8, level).ues(&[0, 0, 2, 1]).u(1, 0)
}

/// Width and height in macroblocks, less one, and the cropping.
fn sized(width: u64, height: u64, crop: Option<[u64; 4]>) -> Vec<u8> {
    let to = baseline(62).ues(&[width, height]).u(2, 3).u(1, crop.is_some().into());
    to.ues(crop.as_ref().map_or(&[], |it| it)).u(1, 0).unit()
}

#[test]
fn hostile_avc_07_sizes() {
    let limit = CodecError::Limit { which: "macroblocks in a frame", limit: 139_264 };
    for (width, height) in
        [(u64::from(u32::MAX) - 1, 0), (0, u64::from(u32::MAX) - 1), (1055, 0), (0, 1055)]
    {
        assert_eq!(Sps::parse(&sized(width, height, None)), Err(limit), "{width} {height}");
    }
    // 1055 x 132 = 139,260 and 1054 x 132; 1024 x 136 is the limit itself.
    assert!(Sps::parse(&sized(1054, 131, None)).is_ok());
    assert!(Sps::parse(&sized(1023, 135, None)).is_ok());
    assert_eq!(Sps::parse(&sized(1023, 136, None)), Err(limit));
    assert_eq!(Sps::parse(&sized(1054, 132, None)), Err(limit));
}

#[test]
fn hostile_avc_07_larger_than_the_level() {
    // 1280x720 has 3600 macroblocks, the limit of level 3.1; 1296x720 is beyond.
    for (width, beyond) in [(79, false), (80, true)] {
        let unit = baseline(31).ues(&[width, 44]).u(2, 3).u(1, 0).u(1, 0).unit();
        let sps = Sps::parse(&unit).unwrap();
        assert_eq!(sps.defects.contains(Defect::BeyondLevel), beyond);
    }
}

#[test]
fn hostile_avc_08_cropping() {
    let parse = |crop| Sps::parse(&sized(9, 5, Some(crop)));
    // 160 x 96, cropped in steps of 2.
    assert_eq!(parse([40, 39, 24, 23]).map(|it| (it.width(), it.height())), Ok((2, 2)));
    for crop in [
        [40, 40, 0, 0],
        [0, 0, 24, 24],
        [4_294_967_294, 4_294_967_294, 0, 0],
        [0, 0, 0, 2_147_483_647],
    ] {
        assert!(matches!(parse(crop), Err(CodecError::Malformed { .. })), "{crop:?}");
    }
}

#[test]
fn hostile_avc_09_order_cycle() {
    let with = |count: u64, present: usize| {
        let to = Writer::default().u(8, 0x67).u(8, 66).u(8, 0).u(8, 30).ues(&[0, 0, 1]).u(1, 1);
        let to = to.ues(&[0, 0, count]).ues(&vec![2; present]);
        Sps::parse(&to.ue(1).u(1, 0).ues(&[9, 5]).u(2, 3).u(2, 0).unit())
    };
    assert!(
        matches!(with(255, 255).unwrap().order, OrderType::Cycle { offsets, .. } if offsets.len() == 255)
    );
    for count in [256, 300, u64::from(u32::MAX) - 1] {
        let what = "num_ref_frames_in_pic_order_cnt_cycle is over 255";
        assert!(
            matches!(with(count, 300), Err(CodecError::Malformed { what: why, .. }) if why == what)
        );
    }
}

#[test]
fn hostile_avc_10_scaling_lists() {
    let with = |lists: usize, deltas: usize, delta: u64| {
        let format = if lists == 12 { 3 } else { 1 };
        let to = Writer::default().u(8, 0x67).u(8, 244).u(8, 0).u(8, 30).ues(&[0, format]);
        let to = if format == 3 { to.u(1, 0) } else { to };
        let to = (0..lists).fold(to.ues(&[0, 0]).u(2, 1), |to, list| {
            to.u(1, 1).ues(&vec![delta; deltas.min(if list < 6 { 16 } else { 64 })])
        });
        let to = to.ues(&[0, 2, 1]).u(1, 0).ues(&[9, 5]).u(2, 3).u(2, 0);
        Sps::parse(&to.unit()).map(|it| (it.width(), it.height()))
    };
    assert_eq!(with(8, 64, 0), Ok((160, 96)), "all as the one before");
    assert_eq!(with(12, 64, 1), Ok((160, 96)), "twelve lists, each one more than the last");
    assert_eq!(with(12, 1, 16), Ok((160, 96)), "-8: ends the list");
    // Deltas that overflow 32 bits when added up.
    assert_eq!(with(8, 64, u64::from(u32::MAX) - 1), Ok((160, 96)));
}

#[test]
fn hostile_avc_11_usability_information() {
    let with = |tick: u64, scale: u64, buffers: u64| {
        let to = baseline(30).ues(&[9, 5]).u(2, 3).u(1, 0).u(1, 1);
        let to = to.u(4, 0).u(1, 1).u(32, tick).u(32, scale).u(1, 1);
        let to = to.u(1, 1).ue(buffers).u(8, 0);
        let to = (0..=buffers.min(40)).fold(to, |to, _| to.ues(&[1, 1]).u(1, 0));
        Sps::parse(&to.u(20, 0).u(1, 0).u(1, 0).u(2, 0).unit()).unwrap()
    };
    assert_eq!(with(1, 50, 0).frame_rate(), Some((25, 1)));
    assert_eq!(with(0, 50, 0).frame_rate(), None);
    assert_eq!(with(1, 0, 0).frame_rate(), None);
    assert_eq!(with(u64::from(u32::MAX), 1, 0).frame_rate(), None);
    assert!(with(1, 50, 31).defects.is_empty());
    for buffers in [32, u64::from(u32::MAX) - 1] {
        let sps = with(1, 50, buffers);
        assert!(sps.defects.contains(Defect::CutParameterSet) && sps.width() == 160);
    }
}

#[cfg(feature = "avc")]
#[test]
fn hostile_avc_12_picture_parameter_sets() {
    let sps = Sps::parse(&hex(SPS)).unwrap();
    assert!(Pps::parse(&hex(PPS), &sps).is_ok());
    let groups = |size: u64| {
        // Two slice groups, map type 6 with one bit a unit.
        let to = Writer::default().u(8, 0x68).ues(&[0, 0]).u(2, 0).ues(&[1, 6, size]);
        to.u(60, 0).ues(&[0, 0]).u(3, 0).ues(&[0, 0, 0]).u(3, 0).unit()
    };
    assert!(Pps::parse(&groups(59), &sps).is_ok());
    for size in [60, u64::from(u32::MAX) - 1] {
        assert!(Pps::parse(&groups(size), &sps).is_err(), "{size}");
    }
    let with_ids = |pps, sps_id| Writer::default().u(8, 0x68).ues(&[pps, sps_id]).u(40, 0).unit();
    for (pps_id, sps_id) in [(256, 0), (0, 32), (0, 1)] {
        assert!(Pps::parse(&with_ids(pps_id, sps_id), &sps).is_err());
    }
    assert!(matches!(Pps::parse(&[0x68; MAX_PPS + 1], &sps), Err(CodecError::Limit { .. })));
    // One for a sequence parameter set that is missing: its slices stay without order, and this is told.
    let mut inspector = inspector(&[&hex(SPS), &with_ids(0, 1)]);
    let facts = inspector.inspect(&sample(&[&hex("6588840a")]));
    assert_eq!((facts.order, facts.slices), (None, Slices::I));
    assert!(inspector.defects().contains(Defect::MissingParameterSet));
}

#[test]
fn hostile_avc_13_messages_of_a_million_ones() {
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    let mut unit = vec![0xFF; 1_000_000];
    unit[0] = 6;
    let data = sample(&[&unit]);
    let allocations = levada_test::allocations(|| {
        inspector.inspect(&data);
    });
    assert!(inspector.defects().contains(Defect::CutMessage));
    assert_eq!(allocations.count, 0, "{allocations:?}");
}

#[test]
fn hostile_avc_14_units_that_are_none() {
    for unit in [&hex("e588840a")[..], &[0x18, 1, 2], &[0x1F], &[0x78, 1]] {
        let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
        assert_eq!(inspector.inspect(&sample(&[unit])), FrameFacts::default());
        assert!(inspector.defects().contains(Defect::InvalidUnit));
        assert!(inspector.defects().contains(Defect::NoPicture));
    }
}

#[test]
fn hostile_avc_15_the_unit_decides_and_not_the_mark() {
    // What a container marks is not known here; an IDR slice is a key frame whatever came before.
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    assert_eq!(
        inspector.inspect(&sample(&[&hex("6588840a")])).random_access,
        RandomAccess::Instant
    );
    assert_eq!(inspector.inspect(&sample(&[&hex("4188840a")])).random_access, RandomAccess::Intra);
    assert_eq!(inspector.inspect(&sample(&[&hex("419a0210")])).random_access, RandomAccess::No);
}

fn inspector(sets: &[&[u8]]) -> Inspector {
    Inspector::new(&CodecParams::Video(VideoParams::new(VideoCodec::Avc, record(sets))))
}

fn sample(units: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    units.iter().for_each(|it| nal::put_length_prefixed(it, &mut out));
    out.to_vec()
}

#[test]
fn quirk_76_empty_frames_and_empty_units() {
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    assert_eq!(inspector.inspect(&[]), FrameFacts::default());
    assert_eq!(inspector.defects().iter().collect::<Vec<_>>(), [Defect::NoPicture]);
    let facts = inspector.inspect(&hex("00000000 00000004 6588840a 00000000"));
    assert_eq!(facts.random_access, RandomAccess::Instant);
    assert!(inspector.defects().contains(Defect::EmptyUnit));
}

#[test]
fn hostile_avc_04_a_frame_with_start_codes() {
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    let facts = inspector.inspect(&hex("00000001 09f0 00000001 6588840a"));
    assert_eq!(facts.random_access, RandomAccess::Instant);
    assert_eq!(inspector.defects().iter().collect::<Vec<_>>(), [Defect::StartCodeInFrame]);
}

#[test]
fn quirk_76_the_right_sets_come_in_band() {
    let big = hex("6764001facb402802dd80880000003008000001e478c1950");
    let big_pps = hex("68ce0fcb");
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    assert_eq!(inspector.take_config(), None);
    inspector.inspect(&sample(&[&hex(SPS), &hex(PPS), &hex("6588840a")]));
    assert_eq!(inspector.take_config(), None, "the same ones again are no change");
    let facts = inspector.inspect(&sample(&[&big, &big_pps, &hex("6588840a")]));
    assert!(facts.parameter_sets);
    let config = inspector.take_config().unwrap();
    assert_eq!(config, record(&[&big, &big_pps]), "in place of those with the same ids");
    assert_eq!(inspector.take_config(), None, "told once");
    // And a stream that begins without a record.
    let empty = VideoParams::new(VideoCodec::Avc, Bytes::new());
    let mut inspector = Inspector::new(&CodecParams::Video(empty));
    inspector.inspect(&sample(&[&big, &big_pps, &hex("6588840a")]));
    assert_eq!(inspector.take_config(), Some(config));
    assert!(inspector.defects().is_empty());
}

#[test]
fn a_byte_stream_in_place_of_a_set_is_taken_apart() {
    let entry = hex("6764001facb402802dd80880000003008000001e478c1950 00000001 68ce0fcb");
    let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
    inspector.inspect(&sample(&[&entry, &hex("6588840a")]));
    let sets = [&entry[..24], &entry[28..]].map(<[u8]>::to_vec);
    assert_eq!(inspector.take_config().unwrap(), record(&[&sets[0], &sets[1]]));
    assert!(inspector.defects().contains(Defect::StartCodeInParameterSet));
}

/// The units of each access unit of a stream, as the vector counts them.
fn access_units(file: &str, vector: &Value) -> Vec<Vec<Vec<u8>>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/h264").join(file);
    let data = std::fs::read(path).unwrap();
    let mut units = nal::annex_b_units(&data);
    let access_units = vector["access_units"].as_array().unwrap().iter().map(|row| {
        let types = row[1].as_array().unwrap();
        types
            .iter()
            .map(|kind| {
                let unit = units.next().unwrap();
                assert_eq!(i64::from(unit[0] & 0x1F), number(kind));
                unit.to_vec()
            })
            .collect()
    });
    let access_units = access_units.collect();
    assert_eq!(units.next(), None);
    access_units
}

/// Every fact of every access unit of every stream, and the output order.
#[cfg(feature = "avc")]
#[test]
fn stream_vectors() {
    for (name, vector) in json("h264_streams.json")["streams"].as_object().unwrap() {
        let access_units = access_units(vector["file"].as_str().unwrap(), vector);
        let first: Vec<&[u8]> = access_units[0].iter().map(Vec::as_slice).collect();
        let mut inspector = inspector(&first);
        let points = vector["random_access"].as_array().unwrap();
        let mut epoch = 0;
        let mut shown = Vec::new();
        for (index, (units, row)) in
            access_units.iter().zip(vector["access_units"].as_array().unwrap()).enumerate()
        {
            let units: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
            let facts = inspector.inspect(&sample(&units));
            let point = points.iter().find(|it| number(&it["au"]) == i64::try_from(index).unwrap());
            let want = match point.map(|it| it["type"].as_str().unwrap()) {
                Some("IDR") => RandomAccess::Instant,
                Some("RECOVERY") => RandomAccess::Recovery(0),
                Some("GDR") => {
                    let frames = number(&point.unwrap()["recovery_frame_cnt"]);
                    RandomAccess::Recovery(frames.try_into().unwrap())
                }
                Some("I") => RandomAccess::Intra,
                _ => RandomAccess::No,
            };
            assert_eq!(facts.random_access, want, "{name} {index}");
            let kind = match row[3].as_str().unwrap() {
                "I" => Slices::I,
                "P" => Slices::P,
                _ => Slices::B,
            };
            assert_eq!(facts.slices, kind, "{name} {index}");
            assert_eq!(facts.disposable, number(&row[2]) == 0, "{name} {index}");
            assert_eq!(facts.order.map(i64::from), Some(number(&row[6])), "{name} {index}");
            let has_sets = row[1].as_array().unwrap().iter().any(|it| number(it) == 7);
            assert_eq!(facts.parameter_sets, has_sets, "{name} {index}");
            assert_eq!(facts.captions, name == "cea_captions", "{name} {index}");
            epoch += i32::from(want == RandomAccess::Instant);
            shown.push((epoch, facts.order.unwrap(), number(&row[7])));
        }
        shown.sort_unstable();
        assert!(shown.is_sorted_by_key(|it| it.2), "{name}: output order");
        assert!(inspector.defects().is_empty(), "{name} {:?}", inspector.defects());
        assert_eq!(inspector.take_config(), None, "{name}");
    }
}

/// Without `h264-reader` all facts but the order are the same.
#[cfg(not(feature = "avc"))]
#[test]
fn facts_without_picture_parameter_sets() {
    let file = json("h264_streams.json");
    let vector = &file["streams"]["open_gop_high"];
    let access_units = access_units("open_gop_high.h264", vector);
    let first: Vec<&[u8]> = access_units[0].iter().map(Vec::as_slice).collect();
    let mut inspector = inspector(&first);
    let facts: Vec<FrameFacts> = access_units
        .iter()
        .map(|it| inspector.inspect(&sample(&it.iter().map(Vec::as_slice).collect::<Vec<_>>())))
        .collect();
    assert_eq!(facts[0].random_access, RandomAccess::Instant);
    assert_eq!(facts[25].random_access, RandomAccess::Recovery(0));
    assert_eq!((facts[1].slices, facts[2].slices), (Slices::P, Slices::B));
    assert!(facts.iter().all(|it| it.order.is_none()));
    assert!(inspector.defects().is_empty(), "{:?}", inspector.defects());
}

#[test]
fn to_annex_b_and_back() {
    let config = Config::parse(&hex(RECORD)).unwrap();
    let idr = hex("6588840a");
    let mut out = BytesMut::new();
    config.to_annex_b(&sample(&[&idr]), true, &mut out).unwrap();
    let want = format!("0000000109f0 00000001{SPS} 00000001{PPS} 000000016588840a");
    assert_eq!(out, hex(&want));
    // What the frame brings is not brought twice, and a delimiter stands first.
    let mut again = BytesMut::new();
    config.to_annex_b(&sample(&[&hex(SPS), &hex("0910"), &idr]), true, &mut again).unwrap();
    assert_eq!(again, hex(&format!("000000010910 00000001{SPS} 000000016588840a")));
    let mut plain = BytesMut::new();
    config.to_annex_b(&sample(&[&idr]), false, &mut plain).unwrap();
    assert_eq!(plain, hex("0000000109f0 000000016588840a"));
    assert!(config.to_annex_b(&[0, 0, 0, 9, 1], false, &mut plain).is_err());
    assert_eq!(plain.len(), 14, "nothing of a frame that is cut");

    let kept: Vec<&[u8]> = nal::annex_b_units(&out).filter(|it| is_sample_unit(it)).collect();
    assert_eq!(kept, [idr]);
}

#[test]
fn picture_timing_vectors() {
    let file = json("h264_sei.json");
    let stream = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/h264/hrd_pt.h264");
    let data = std::fs::read(stream).unwrap();
    let sps = nal::annex_b_units(&data).find_map(|it| Sps::parse(it).ok()).unwrap();
    let mut seen = 0;
    for vector in file["sei"].as_array().unwrap() {
        let unit = bytes(vector, "nal");
        let rbsp = nal::unescape(&unit[1..]);
        for (message, expect) in sei::messages(&rbsp).zip(vector["messages"].as_array().unwrap()) {
            let message = message.unwrap();
            let decoded = &expect["decoded"];
            if message.kind != sei::PICTURE_TIMING {
                continue;
            }
            seen += 1;
            let timing = PictureTiming::parse(message.payload, &sps).unwrap();
            let want = (&decoded["cpb_removal_delay"], &decoded["dpb_output_delay"]);
            let delays = timing.delays.unwrap();
            assert_eq!(
                (i64::from(delays.0), i64::from(delays.1)),
                (number(want.0), number(want.1))
            );
            assert_eq!(timing.structure.map(i64::from), Some(number(&decoded["pic_struct"])));
            let clocks = decoded["ts"].as_array().unwrap();
            assert_eq!(timing.timestamps.len(), clocks.len());
            for (clock, want) in timing.timestamps.iter().zip(clocks) {
                let of = |field: &str| want.get(field).map(number);
                assert_eq!(Some(i64::from(clock.counting)), of("counting_type"));
                assert_eq!(Some(i64::from(clock.frames)), of("n_frames"));
                assert_eq!(Some(i64::from(clock.dropped)), of("cnt_dropped"));
                assert_eq!(clock.seconds.map(i64::from), of("s"));
                assert_eq!(clock.minutes.map(i64::from), of("m"));
                assert_eq!(clock.hours.map(i64::from), of("h"));
            }
        }
    }
    assert_eq!(seen, 5);
}

proptest! {
    #[test]
    fn configs_round_trip(
        head in any::<[u8; 3]>(),
        size in prop_oneof![Just(1_u8), Just(2), Just(4)],
        sps in proptest::collection::vec(set(0x67), 1..5),
        pps in proptest::collection::vec(set(0x68), 0..5),
        extension in proptest::option::of((0_u8..4, 8_u8..16, 8_u8..16, proptest::collection::vec(set(0x6D), 0..3))),
    ) {
        let extension = extension.map(|(chroma_format, bit_depth_luma, bit_depth_chroma, sps_extensions)| {
            Extension { chroma_format, bit_depth_luma, bit_depth_chroma, sps_extensions }
        });
        let [profile, constraints, level] = head;
        let profile = if extension.is_some() { 100 } else { profile };
        let wire = Config {
            profile, constraints, level, length_size: size, sps, pps, extension, defects: crate::Defects::default(),
        };
        let bytes = wire.encode().unwrap();
        let mut back = Config::parse(&bytes).unwrap();
        back.defects = crate::Defects::default();
        prop_assert_eq!(back.encode().unwrap(), bytes);
    }

    #[test]
    fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Config::parse(&data);
        let _ = Sps::parse(&data);
        let mut unit = hex(SPS);
        unit.extend_from_slice(&data);
        let _ = Sps::parse(&unit);
        let mut inspector = inspector(&[&hex(SPS), &hex(PPS)]);
        inspector.inspect(&data);
    }

    /// Bits turned over anywhere in real streams: no panic, and no fact is claimed twice as hard.
    #[test]
    fn damaged_streams(at in any::<prop::sample::Index>(), mask in 1_u8.., cut in any::<prop::sample::Index>()) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/h264/tff_mbaff.h264");
        let mut data = std::fs::read(path).unwrap();
        *at.get_mut(&mut data) ^= mask;
        data.truncate(cut.index(data.len()) + 1);
        let empty = VideoParams::new(VideoCodec::Avc, Bytes::new());
        let mut inspector = Inspector::new(&CodecParams::Video(empty));
        for unit in nal::annex_b_units(&data) {
            inspector.inspect(&sample(&[unit]));
        }
    }
}

/// A unit of this type without start codes in it.
fn set(header: u8) -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(1_u8.., 0..40).prop_map(move |mut unit| {
        unit.insert(0, header);
        unit.into()
    })
}
