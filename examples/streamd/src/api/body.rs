//! Bodies of requests: JSON of a reasonable size and depth.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;

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
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message);
    if depth(bytes) > MAX_DEPTH {
        return Err(bad(format!("the body is nested deeper than {MAX_DEPTH}")));
    }
    serde_json::from_slice(bytes).map_err(|why| {
        // The place, but not the text, which may be a key.
        bad(format!("the body is not JSON: line {}, column {}", why.line(), why.column()))
    })
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
        assert_eq!(parse(b" \n").unwrap(), serde_json::json!({}));
    }
}
