//! Any value, any cut.

use bytes::Bytes;
use levada_amf::amf0::{self, Decoder, TypedObject, Value};
use levada_amf::{AmfError, AmfLimits, AmfString, Fault, Object, amf3};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{encode, encode3};

const LIMITS: AmfLimits =
    AmfLimits { depth: 64, values: 100_000, bytes: 1 << 24, string: 1 << 20, name: 1 << 16 };

fn text() -> impl Strategy<Value = AmfString> {
    prop_oneof![
        4 => "[a-z]{0,3}".prop_map(AmfString::from),
        1 => vec(any::<u8>(), 0..200).prop_map(|it| AmfString::from(Bytes::from(it))),
    ]
}

fn name() -> impl Strategy<Value = AmfString> {
    text().prop_filter("an empty name ends a list of AMF3", |it| !it.is_empty())
}

/// A number that equals itself.
fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("NaN", |it| !it.is_nan())
}

fn amf0_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        number().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::String),
        text().prop_map(Value::LongString),
        text().prop_map(Value::Xml),
        (number(), any::<i16>()).prop_map(|(millis, zone)| Value::Date { millis, zone }),
        Just(Value::Null),
        Just(Value::Undefined),
        Just(Value::Unsupported),
        // Every value stands in an array, which has index 0.
        Just(Value::Reference(0)),
        amf3_value().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let object = vec((text(), inner.clone()), 0..6).prop_map(Object::from_iter).boxed();
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::from),
            object.clone().prop_map(Value::Object),
            (any::<u32>(), object.clone())
                .prop_map(|(count, properties)| Value::EcmaArray { count, properties }),
            (text(), object)
                .prop_map(|(class, properties)| TypedObject { class, properties }.into()),
        ]
    })
}

fn amf3_value() -> impl Strategy<Value = amf3::Value> {
    use amf3::{Array, Dictionary, Externalizable, Object, Value, VectorObject};
    let leaf = prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        (-0x1000_0000..0x1000_0000).prop_map(Value::Integer),
        (-300..300).prop_map(Value::Integer),
        number().prop_map(Value::Double),
        text().prop_map(Value::String),
        text().prop_map(Value::Xml),
        text().prop_map(Value::XmlDocument),
        number().prop_map(Value::Date),
        vec(any::<u8>(), 0..9).prop_map(|it| Value::ByteArray(it.into())),
        (any::<bool>(), vec(any::<i32>(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorInt { items, fixed }),
        (any::<bool>(), vec(any::<u32>(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorUint { items, fixed }),
        (any::<bool>(), vec(number(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorDouble { items, fixed }),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let members = || vec((name(), inner.clone()), 0..4);
        let items = || vec(inner.clone(), 0..4);
        prop_oneof![
            (members(), items()).prop_map(|(members, items)| {
                let array = members
                    .into_iter()
                    .fold(Array::new(), |it, (name, value)| it.with(name, value));
                items.into_iter().fold(array, Array::with_item).into()
            }),
            (text(), vec((text(), inner.clone()), 0..4), members()).prop_map(
                |(class, sealed, dynamic)| {
                    let object = Object::of_class(class);
                    let object = sealed
                        .into_iter()
                        .fold(object, |it, (name, value)| it.with_sealed(name, value));
                    dynamic
                        .into_iter()
                        .fold(object, |it, (name, value)| it.with(name, value))
                        .into()
                }
            ),
            inner.clone().prop_map(|body| Externalizable::array_collection(body).into()),
            (text(), any::<bool>(), items()).prop_map(|(class, fixed, items)| {
                items
                    .into_iter()
                    .fold(VectorObject::new(class, fixed), VectorObject::with_item)
                    .into()
            }),
            (any::<bool>(), vec((inner.clone(), inner.clone()), 0..4)).prop_map(
                |(weak, entries)| {
                    let dictionary = Dictionary::new(weak);
                    entries
                        .into_iter()
                        .fold(dictionary, |it, (key, value)| it.with_entry(key, value))
                        .into()
                }
            ),
        ]
    })
}

/// Values of one message, all of them in the array that references mean.
fn amf0_message() -> impl Strategy<Value = Vec<Value>> {
    vec(vec(amf0_value(), 0..6).prop_map(Value::from), 0..4)
}

/// In AMF3 a reference needs something before it as well.
fn amf3_message() -> impl Strategy<Value = Vec<amf3::Value>> {
    vec(prop_oneof![4 => amf3_value(), 1 => Just(amf3::Value::Reference(0))], 0..6).prop_map(
        |mut it| {
            it.insert(0, amf3::Array::new().into());
            it
        },
    )
}

fn decode_until_error(bytes: Bytes) -> (Vec<Value>, Option<AmfError>) {
    let mut decoder = Decoder::new(bytes, LIMITS);
    let mut values = Vec::new();
    loop {
        match decoder.next_value() {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return (values, None),
            Err(why) => return (values, Some(why)),
        }
    }
}

proptest! {
    #[test]
    fn amf0_comes_back(values in amf0_message()) {
        let bytes = encode(&values).unwrap();
        let again = amf0::decode_all(bytes.clone(), LIMITS).unwrap();
        prop_assert_eq!(&again, &values);
        prop_assert_eq!(encode(&again).unwrap(), bytes);
    }

    #[test]
    fn amf3_comes_back(values in amf3_message()) {
        let bytes = encode3(&values).unwrap();
        let again = amf3::decode_all(bytes.clone(), LIMITS).unwrap();
        prop_assert_eq!(&again, &values);
        prop_assert_eq!(encode3(&again).unwrap(), bytes);
    }

    /// A message that is cut gives the values before the cut, then says that it is cut.
    #[test]
    fn amf0_cut_anywhere(values in amf0_message(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&values).unwrap();
        let cut = bytes.slice(..at.index(bytes.len() + 1));
        let (found, why) = decode_until_error(cut.clone());
        prop_assert_eq!(&found[..], &values[..found.len()]);
        match why {
            Some(why) => {
                let truncated = matches!(why, AmfError::Malformed { what: Fault::Truncated, .. });
                prop_assert!(truncated);
            }
            None => prop_assert_eq!(encode(&found).unwrap(), cut),
        }
    }

    /// One decoder for all values, or one for each: nobody sees a difference but in references and tables.
    #[test]
    fn amf0_value_by_value(values in vec(amf0_value(), 0..4)) {
        let values: Vec<Value> = values.into_iter().map(|it| vec![it].into()).collect();
        let mut bytes = bytes::BytesMut::new();
        for value in &values {
            amf0::encode(value, &mut bytes).unwrap();
        }
        let mut input = bytes.freeze();
        for value in &values {
            prop_assert_eq!(&amf0::decode(&mut input, LIMITS).unwrap(), value);
        }
        prop_assert!(input.is_empty());
    }

    #[test]
    fn any_bytes_end_without_panic(bytes in vec(prop_oneof![0..0x14_u8, any::<u8>()], 0..200)) {
        let bytes = Bytes::from(bytes);
        let (values, _) = decode_until_error(bytes.clone());
        let again = encode(&values).unwrap();
        prop_assert_eq!(&amf0::decode_all(again.clone(), LIMITS).map(|it| encode(&it)), &Ok(Ok(again)));
        let mut lenient = Decoder::lenient(bytes.clone(), LIMITS);
        while let Ok(Some(_)) = lenient.next_value() {}
        let mut position = 0;
        let mut decoder = amf3::Decoder::new(bytes, LIMITS);
        while let Ok(Some(_)) = decoder.next_value() {
            prop_assert!(decoder.position() > position, "a value of no bytes");
            position = decoder.position();
        }
    }

    #[test]
    fn detached_is_equal(values in amf0_message()) {
        let mut copy = values.clone();
        copy.iter_mut().for_each(Value::detach);
        prop_assert_eq!(copy, values);
    }

    #[test]
    fn without_amf3_there_is_no_amf3(values in amf0_message()) {
        for value in values {
            let picture = format!("{:?}", value.into_amf0());
            prop_assert!(!picture.contains("Amf3("), "{}", picture);
        }
    }
}
