//! Quirks 63 to 71: what real software sends. What a *session* does about them is tested there.

use levada_amf::amf0::Decoder;
use levada_amf::{AmfLimits, Deviation, Finding, Value};

use crate::{body, decode};

fn lenient(picture: &str) -> (Vec<Value>, Vec<Finding>) {
    let mut decoder = Decoder::lenient(body(picture), AmfLimits::default());
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value().unwrap() {
        values.push(value);
    }
    assert_eq!(decoder.next_value(), Ok(None));
    (values, decoder.findings().to_vec())
}

#[test]
fn quirk_63_strict_arrays_in_commands() {
    let values = decode("0a 00000002 02 0004 61763031 02 0004 68766331").unwrap();
    assert_eq!(values[0].to_strings().collect::<Vec<_>>(), ["av01", "hvc1"]);
    // The same list as an ECMA array, as others send it.
    let values = decode("08 00000002 0001 30 02 0004 61763031 0001 31 02 0004 68766331 000009");
    assert_eq!(values.unwrap()[0].to_strings().collect::<Vec<_>>(), ["av01", "hvc1"]);
}

#[test]
fn quirk_64_undefined_and_unsupported() {
    let values = decode("06 0d 05 11 00 11 01").unwrap();
    assert_eq!(values[..3], [Value::Undefined, Value::Unsupported, Value::Null]);
    assert!(values.iter().all(Value::is_nothing));
    assert!(!Value::Boolean(false).is_nothing());
}

#[test]
fn quirk_65_missing_end_at_the_end_of_script_data() {
    let whole = "08 00000001 0001 78 003ff0000000000000";
    for (end, offset) in [("", 17), ("00", 17), ("0000", 17)] {
        let (values, findings) = lenient(&format!("{whole}{end}"));
        assert_eq!(values[0].as_object().unwrap().number("x"), Some(1.0));
        assert_eq!(findings, [Finding { offset, what: Deviation::MissingEnd }]);
    }
    // Nested: both objects end there.
    let (values, findings) = lenient("03 0001 61 03 0001 62 05");
    assert_eq!(values[0].as_object().unwrap().object("a").unwrap().len(), 1);
    assert_eq!(findings.len(), 2);
    // Not in the middle of a property, and not unless asked for.
    let mut cut = Decoder::lenient(body("03 0001 61 003ff0"), AmfLimits::default());
    assert!(cut.next_value().is_err());
    let mut cut = Decoder::lenient(body("03 0001"), AmfLimits::default());
    assert!(cut.next_value().is_err());
    assert!(decode(whole).is_err());
}

#[test]
fn quirk_65_one_end_marker_too_many() {
    for stray in ["09", "000009"] {
        let (values, findings) = lenient(&format!("05 08 00000000 000009 {stray}"));
        assert_eq!(values.len(), 2);
        assert_eq!(findings, [Finding { offset: 9, what: Deviation::StrayEnd }]);
        assert!(decode(&format!("05 {stray}")).is_err());
    }
}

#[test]
fn quirk_65_a_usual_message_has_no_findings_when_read_leniently() {
    assert_eq!(lenient("02 0001 61 08 00000001 0001 78 05 000009 03 000009").1, []);
}

#[test]
fn quirk_66_ten_thousand_levels() {
    let bytes = [0x03, 0, 1, b'a'].repeat(10_000);
    for mut decoder in [
        Decoder::new(bytes.clone().into(), AmfLimits::default()),
        Decoder::lenient(bytes.clone().into(), AmfLimits::default()),
    ] {
        assert_eq!(
            decoder.next_value().unwrap_err().to_string(),
            "at byte 129: more than 32 levels of nesting"
        );
    }
}

#[test]
fn quirk_67_68_69_the_values_around_set_data_frame_are_all_there() {
    let on_meta_data = "02 000a 6f6e4d65746144617461 08 00000000 000009";
    let values = decode(&format!("00 4000000000000000 {on_meta_data}")).unwrap();
    assert_eq!(values.len(), 3);
    assert_eq!(values[0].as_number(), Some(2.0));
    assert_eq!(values[1].as_str(), Some("onMetaData"));
}

#[test]
fn quirk_70_type_17_with_amf0_inside() {
    let command = "02 000c 63726561746553747265616d 00 4010000000000000 05";
    let open = |picture: &str| Decoder::with_selector(body(picture), AmfLimits::default());
    for (picture, findings) in [(format!("00 {command}"), 0), (command.to_owned(), 1)] {
        let mut decoder = open(&picture).unwrap();
        assert_eq!(decoder.next_value().unwrap().unwrap().as_str(), Some("createStream"));
        assert_eq!(decoder.next_value().unwrap().unwrap().to_u32(), Some(4));
        assert_eq!(decoder.findings().len(), findings);
    }
}

#[test]
fn quirk_71_codec_ids_as_strings_or_numbers() {
    let values = decode("02 0004 61766331 00 401c000000000000 00 41d85d8c0c400000").unwrap();
    assert_eq!((values[0].as_str(), values[0].to_u32()), (Some("avc1"), None));
    assert_eq!((values[1].as_str(), values[1].to_u32()), (None, Some(7)));
    assert_eq!(values[2].to_u32(), Some(u32::from_be_bytes(*b"av01")));
}

#[test]
fn findings_are_bounded() {
    let booleans = [0x01, 0x07].repeat(100);
    let mut decoder = Decoder::new(booleans.into(), AmfLimits::default());
    while let Some(value) = decoder.next_value().unwrap() {
        assert_eq!(value, Value::Boolean(true));
    }
    assert_eq!(decoder.findings().len(), 16);
}
