//! Bodies of requests: JSON of a reasonable size and depth.

use std::fmt;

use axum::body::Body;
use axum::http::StatusCode;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::ApiError;

/// Bytes of a body.
const MAX_BODY: usize = 1024 * 1024;
/// Lists and objects within each other.
const MAX_DEPTH: usize = 32;

/// Reads a body of JSON. An empty one is an empty object.
pub async fn json(body: Body) -> Result<Value, ApiError> {
    let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| {
        let message = format!("the body is cut, or longer than {MAX_BODY} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    })?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    if bytes.iter().all(|it| b" \t\r\n".contains(it)) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message);
    if depth(bytes) > MAX_DEPTH {
        return Err(bad(format!("the body is nested deeper than {MAX_DEPTH}")));
    }
    let value: Result<Once, _> = serde_json::from_slice(bytes);
    value.map(|it| it.0).map_err(|why| {
        // The place, but not the text, which may be a key.
        let what = if why.is_data() { "names a field twice" } else { "is not JSON" };
        bad(format!("the body {what}: line {}, column {}", why.line(), why.column()))
    })
}

/// A value in whose objects every field stands once: of two, each reader takes another.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = fields.next_entry::<String, Once>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(object.into())
    }
}

/// How deep brackets are nested, those within strings left out.
fn depth(bytes: &[u8]) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_04_deep_and_broken_bodies_are_refused_by_name() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().code, "invalid_json");
        assert_eq!(parse(br#"{"a":"[[[[\"[["}"#).unwrap()["a"], "[[[[\"[[");
        let why = parse(br#"{"key": canary}"#).unwrap_err();
        assert_eq!(why.message, "the body is not JSON: line 1, column 9");
        let why = parse(br#"{"a": {"b": 1, "c": 2, "b": 3}}"#).unwrap_err();
        assert_eq!(why.message, "the body names a field twice: line 1, column 30");
        for bad in ["NaN", "[1e999]", "{\"a\":Infinity}", "{\"a\":1}x"] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().code, "invalid_json", "{bad}");
        }
        assert_eq!(parse(b" \n").unwrap(), serde_json::json!({}));
    }
}
