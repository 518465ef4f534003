//! Values in the notation of the vector files, so that what was expected there can be compared.

use levada_amf::{AmfString, Object, Value, amf3};
use serde_json::{Value as Json, json};

/// A value of AMF0.
pub(crate) fn amf0(value: &Value) -> Json {
    match value {
        Value::Number(it) => json!(["number", number(*it)]),
        Value::Boolean(it) => json!(["boolean", it]),
        Value::String(it) => json!(["string", text(it)]),
        Value::Object(it) => json!(["object", properties(it)]),
        Value::Null => json!(["null"]),
        Value::Undefined => json!(["undefined"]),
        Value::Reference(it) => json!(["reference", number((*it).into())]),
        Value::EcmaArray { count, properties: it } => {
            json!(["ecma_array", number((*count).into()), properties(it)])
        }
        Value::StrictArray(it) => json!(["strict_array", it.iter().map(amf0).collect::<Json>()]),
        Value::Date { millis, zone } => json!(["date", number(*millis), number((*zone).into())]),
        Value::LongString(it) => json!(["long_string", text(it)]),
        Value::Unsupported => json!(["unsupported"]),
        Value::Xml(it) => json!(["xml", text(it)]),
        Value::TypedObject(it) => {
            json!(["typed_object", text(&it.class), properties(&it.properties)])
        }
        Value::Amf3(it) => json!(["avmplus", amf3(it)]),
    }
}

/// A value of AMF3.
pub(crate) fn amf3(value: &amf3::Value) -> Json {
    use levada_amf::amf3::Value;
    match value {
        Value::Undefined => json!(["undefined"]),
        Value::Null => json!(["null"]),
        Value::Boolean(it) => json!([it.to_string()]),
        Value::Integer(it) => json!(["integer", number((*it).into())]),
        Value::Double(it) => json!(["double", number(*it)]),
        Value::String(it) => json!(["string", text(it)]),
        Value::XmlDocument(it) => json!(["xmldoc", text(it)]),
        Value::Xml(it) => json!(["xml", text(it)]),
        Value::Date(it) => json!(["date", number(*it)]),
        Value::Array(it) => {
            let members = it.members().iter().map(|(name, value)| (name, value));
            json!(["array", it.items().iter().map(amf3).collect::<Json>(), pairs(members)])
        }
        Value::Object(it) => {
            let (sealed, dynamic) = (pairs(it.sealed()), pairs(it.dynamic()));
            json!(["object", text(it.class()), it.is_dynamic(), sealed, dynamic])
        }
        Value::Externalizable(it) => json!(["externalizable", text(it.class()), amf3(it.body())]),
        Value::ByteArray(it) => {
            json!(["bytearray", it.iter().map(|byte| format!("{byte:02x}")).collect::<String>()])
        }
        Value::VectorInt { items, fixed } => {
            json!([
                "vector_int",
                fixed,
                items.iter().map(|it| number((*it).into())).collect::<Json>()
            ])
        }
        Value::VectorUint { items, fixed } => {
            json!([
                "vector_uint",
                fixed,
                items.iter().map(|it| number((*it).into())).collect::<Json>()
            ])
        }
        Value::VectorDouble { items, fixed } => {
            json!(["vector_double", fixed, items.iter().map(|it| number(*it)).collect::<Json>()])
        }
        Value::VectorObject(it) => {
            let items = it.items().iter().map(amf3).collect::<Json>();
            json!(["vector_object", it.is_fixed(), text(it.class()), items])
        }
        Value::Dictionary(it) => {
            let entries = it.entries().iter().map(|(key, value)| json!([amf3(key), amf3(value)]));
            json!(["dictionary", it.is_weak(), entries.collect::<Json>()])
        }
        Value::Reference(it) => json!(["ref", number((*it).into())]),
    }
}

/// What a vector expects, with all numbers written alike.
pub(crate) fn expected(json: &Json) -> Json {
    match json {
        Json::Number(it) => number(it.as_f64().unwrap()),
        Json::Array(items) => items.iter().map(expected).collect(),
        other => other.clone(),
    }
}

fn number(number: f64) -> Json {
    if number.is_nan() {
        json!("NaN")
    } else if number.is_infinite() {
        json!(if number > 0.0 { "Infinity" } else { "-Infinity" })
    } else if number == 0.0 && number.is_sign_negative() {
        json!("-0")
    } else {
        json!(number)
    }
}

fn text(text: &AmfString) -> &str {
    text.as_str().unwrap()
}

fn properties(properties: &Object) -> Json {
    properties.iter().map(|(name, value)| json!([text(name), amf0(value)])).collect()
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a AmfString, &'a amf3::Value)>) -> Json {
    pairs.map(|(name, value)| json!([text(name), amf3(value)])).collect()
}
