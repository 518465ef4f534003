//! Asking values, and changing them.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};
use std::hash::DefaultHasher;

use bytes::BytesMut;
use levada_amf::amf0::{Array, TypedObject};
use levada_amf::{AmfLimits, AmfString, Object, Value, amf0, amf3};

#[test]
fn as_answers_what_is_there() {
    let number = Value::Number(2.5);
    assert_eq!((number.as_number(), number.as_bool(), number.as_str()), (Some(2.5), None, None));
    for text in [
        Value::from("x"),
        Value::LongString("x".into()),
        Value::Xml("x".into()),
        amf3::Value::from("x").into(),
        amf3::Value::Xml("x".into()).into(),
        amf3::Value::XmlDocument("x".into()).into(),
    ] {
        assert_eq!((text.as_str(), text.as_number()), (Some("x"), None));
    }
    for number in [Value::from(3), 3.0.into(), 3_u32.into(), amf3::Value::from(3).into()] {
        assert_eq!((number.as_number(), number.as_str()), (Some(3.0), None));
    }
    for truth in [Value::from(true), amf3::Value::from(true).into()] {
        assert_eq!((truth.as_bool(), truth.as_number()), (Some(true), None));
    }
    let members = Object::new().with("a", 1);
    for object in [
        Value::from(members.clone()),
        Value::ecma_array(members.clone()),
        TypedObject { class: "C".into(), properties: members.clone() }.into(),
    ] {
        assert_eq!(object.as_object(), Some(&members));
        assert_eq!(object.as_array(), None);
    }
    let array = Value::from(vec![Value::Null]);
    assert_eq!((array.as_array(), array.as_object()), (Some(&[Value::Null][..]), None));
}

#[test]
fn to_converts_what_hand_written_software_sends() {
    let numbers = [
        (Value::from("30"), Some(30.0)),
        (" 29.97 ".into(), Some(29.97)),
        ("x".into(), None),
        (true.into(), Some(1.0)),
        (Value::Date { millis: 5.0, zone: 60 }, Some(5.0)),
        (Value::Null, None),
        (Object::new().into(), None),
        (amf3::Value::from("7").into(), Some(7.0)),
    ];
    for (value, number) in numbers {
        assert_eq!(value.to_number(), number, "{value:?}");
    }
    let booleans = [
        (Value::from(0), Some(false)),
        (2.into(), Some(true)),
        ("true".into(), Some(true)),
        ("1".into(), Some(true)),
        ("false".into(), Some(false)),
        (false.into(), Some(false)),
        (Value::Undefined, None),
    ];
    for (value, boolean) in booleans {
        assert_eq!(value.to_bool(), boolean, "{value:?}");
    }
    assert_eq!(Value::from("12").to_u32(), Some(12));
    assert_eq!(Value::Null.to_strings().count(), 0);
    assert_eq!(Value::from(vec![1.into(), "a".into()]).to_strings().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn objects_keep_order_and_all_names() {
    let mut object: Object = [("b", 1), ("a", 2), ("b", 3)].into_iter().collect();
    assert_eq!(object.iter().map(|(name, _)| name.to_string()).collect::<String>(), "bab");
    assert_eq!(object.number("b"), Some(3.0));
    object.extend([("c", Value::from(true))]);
    assert_eq!((object.bool("c"), object.str("c"), object.len()), (Some(true), None, 4));
    object.remove("b");
    assert_eq!(object, Object::new().with("a", 2).with("c", true));
    assert_ne!(object, Object::new().with("c", true).with("a", 2));
    assert!(!object.is_empty());
    assert_eq!(object.into_iter().count(), 2);
    let nested = Object::new().with("info", Object::new().with("level", "status"));
    assert_eq!(nested.object("info").unwrap().str("level"), Some("status"));
    assert_eq!(format!("{nested:?}"), r#"{"info": Object({"level": String("status")})}"#);
}

#[test]
fn what_was_removed_does_not_count() {
    let mut object = Object::new().with("deep", Array::from_iter([Array::new()])).with("a", 1);
    object.remove("deep");
    assert_eq!(object, Object::new().with("a", 1));
}

#[test]
fn strings() {
    let text = AmfString::from(String::from("rtmp"));
    assert_eq!((text.len(), text.is_empty(), text.as_bytes()), (4, false, &b"rtmp"[..]));
    assert_eq!(text, "rtmp");
    assert_eq!(text, *"rtmp");
    assert_ne!(text, "RTMP");
    assert_eq!(format!("{text} {text:?}"), r#"rtmp "rtmp""#);
    assert_eq!(text.clone().into_bytes(), "rtmp");
    assert!(AmfString::default().is_empty());
}

/// In place up to 23 bytes, shared from 24 on: nobody can tell.
#[test]
fn strings_around_the_length_that_is_kept_in_place() {
    for length in [0, 1, 22, 23, 24, 25, 255, 256] {
        let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
        let mut out = BytesMut::new();
        amf0::encode(&Value::from(text.clone()), &mut out).unwrap();
        let mut input = out.freeze();
        let read = amf0::decode(&mut input, AmfLimits::default()).unwrap();
        let string = read.as_string().unwrap().clone();
        assert_eq!((string.len(), string.as_str()), (length, Some(&text[..])));
        assert_eq!(string, AmfString::from(text.clone()));
        assert_eq!(string.cmp(&AmfString::from(text.clone())), Ordering::Equal);
        assert_eq!(string.cmp(&"y".into()), text.as_str().cmp("y"));
        assert_eq!(hash(&string), hash(&AmfString::from(text.clone())));
        let mut copy = string.clone();
        copy.detach();
        assert_eq!(copy, string);
        assert_eq!(string.into_bytes(), text);
    }
}

fn hash(string: &AmfString) -> u64 {
    let mut hasher = DefaultHasher::new();
    string.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn amf3_in_the_words_of_amf0() {
    use amf3::{Dictionary, Externalizable, Value as V, VectorObject};
    let cases: [(V, Value); 16] = [
        (V::Undefined, Value::Undefined),
        (V::Null, Value::Null),
        (7.into(), 7.into()),
        (0.5.into(), 0.5.into()),
        (V::Date(9.0), Value::Date { millis: 9.0, zone: 0 }),
        (V::XmlDocument("x".into()), Value::Xml("x".into())),
        (amf3::Array::from_iter([1, 2]).into(), vec![1.into(), 2.into()].into()),
        (
            amf3::Array::new().with("k", true).with_item("v").into(),
            Value::ecma_array(Object::new().with("k", true).with("0", "v")),
        ),
        (amf3::Object::new().with("a", 1).into(), Object::new().with("a", 1).into()),
        (
            amf3::Object::of_class("P").with_sealed("x", 1).with("y", 2).into(),
            TypedObject { class: "P".into(), properties: Object::new().with("x", 1).with("y", 2) }
                .into(),
        ),
        (
            Externalizable::array_collection(amf3::Array::from_iter(["a"])).into(),
            vec!["a".into()].into(),
        ),
        (V::VectorInt { items: vec![-1], fixed: false }, vec![Value::from(-1)].into()),
        (V::VectorUint { items: vec![u32::MAX], fixed: true }, vec![Value::from(u32::MAX)].into()),
        (V::VectorDouble { items: vec![0.5], fixed: true }, vec![Value::from(0.5)].into()),
        (VectorObject::new("*", false).with_item(V::Null).into(), vec![Value::Null].into()),
        (Dictionary::new(false).into(), Value::Unsupported),
    ];
    for (value, wanted) in cases {
        assert_eq!(Value::from(value).into_amf0(), wanted);
    }
    assert_eq!(V::Reference(0).into_amf0(), Value::Unsupported);
    assert_eq!(V::ByteArray(bytes::Bytes::new()).into_amf0(), Value::Unsupported);
    // Wherever it stands.
    let wrap = |inner: Value| {
        let object = Object::new().with("a", inner);
        let typed = TypedObject { class: "C".into(), properties: object.clone() };
        vec![object.clone().into(), Value::EcmaArray { count: 9, properties: object }, typed.into()]
    };
    assert_eq!(Value::from(wrap(V::from(1).into())).into_amf0(), wrap(1.into()).into());
}

#[test]
fn amf3_answers() {
    use amf3::{Externalizable, Value as V};
    let object = amf3::Object::of_class("P").with_sealed("x", 1).with("x", 2);
    assert_eq!(object.get("x"), Some(&2.into()));
    assert_eq!((object.class(), object.is_dynamic()), (&"P".into(), true));
    assert_eq!(object.sealed().count(), 1);
    assert_eq!(format!("{object:?}"), r#""P" {"x": Integer(1), "x": Integer(2)}"#);
    assert!(!amf3::Object::of_class("P").is_dynamic());
    let array = amf3::Array::from_iter([1]);
    for value in [V::from(array.clone()), Externalizable::array_collection(array.clone()).into()] {
        assert_eq!(value.as_array(), Some(&array));
        assert_eq!(value.as_object(), None);
    }
    assert_eq!(V::from(object.clone()).as_object(), Some(&object));
    assert_eq!((V::Null.as_array(), V::Null.as_number(), V::Null.as_bool()), (None, None, None));
}

#[test]
fn references_are_resolved_in_the_order_in_which_values_begin() {
    let inner = Object::new().with("a", Value::Null);
    let outer: Value =
        vec![inner.clone().into(), Value::ecma_array(Object::new()), "x".into()].into();
    let last = TypedObject { class: "C".into(), properties: Object::new() };
    let message = [Value::from(1), outer.clone(), last.clone().into()];
    assert_eq!(amf0::resolve(&message, 0), Some(&outer));
    assert_eq!(amf0::resolve(&message, 1), Some(&inner.into()));
    assert_eq!(amf0::resolve(&message, 2), Some(&Value::ecma_array(Object::new())));
    assert_eq!(amf0::resolve(&message, 3), Some(&last.into()));
    assert_eq!(amf0::resolve(&message, 4), None);
}

#[test]
fn amf3_references_count_everything_from_xml_on() {
    use amf3::{Array, Dictionary, Externalizable, Value as V, VectorObject};
    let dictionary = Dictionary::new(false).with_entry(V::Date(1.0), V::Xml("x".into()));
    let object = amf3::Object::of_class("P").with_sealed("s", Array::new()).with("d", dictionary);
    let vector =
        VectorObject::new("", false).with_item(V::VectorInt { items: vec![], fixed: true });
    let message = [
        V::from(Array::new().with("m", object.clone()).with_item(vector.clone())),
        "no object".into(),
        Externalizable::array_collection(bytes::Bytes::from_static(b"b")).into(),
    ];
    let found: Vec<_> = (0..11).map(|index| amf3::resolve(&message, index)).collect();
    assert_eq!(found[0], Some(&message[0]));
    assert_eq!(found[1], Some(&object.into()));
    assert_eq!(found[2], Some(&Array::new().into()));
    assert!(matches!(found[3], Some(V::Dictionary(_))));
    assert_eq!(found[4..6], [Some(&V::Date(1.0)), Some(&V::Xml("x".into()))]);
    assert_eq!(found[6], Some(&vector.into()));
    assert!(matches!(found[7], Some(V::VectorInt { .. })));
    assert_eq!(found[8], Some(&message[2]));
    assert!(matches!(found[9], Some(V::ByteArray(_))));
    assert_eq!(found[10], None);
}
