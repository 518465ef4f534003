//! Fields of bodies that were checked, and forms that all answers share.

use std::fmt::Display;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use levada_control::{KeyRef, Keyring, Now, rfc3339};
use serde_json::{Map, Value};

use super::ApiError;
use super::kind::whole_number;
use super::route::{Answer, Call};

/// An object whose fields have been checked: what is asked for is of its kind, or is not there.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    pub fn flag(self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// A number that was checked to fit.
    pub fn whole<N: TryFrom<i64>>(self, name: &str) -> Option<N> {
        N::try_from(whole_number(self.0.get(name)?)?).ok()
    }

    pub fn object(self, name: &str) -> Option<Fields<'a>> {
        self.0.get(name)?.as_object().map(Fields)
    }

    pub fn texts(self, name: &str) -> Option<Vec<String>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A list of what texts can be parsed to. Null is an empty one.
    pub fn parsed<T: std::str::FromStr>(self, name: &str) -> Option<Vec<T>> {
        let list = self.0.get(name)?.as_array();
        Some(list.into_iter().flatten().filter_map(|it| it.as_str()?.parse().ok()).collect())
    }
}

/// JSON that no browser takes for anything else, and no cache keeps.
pub fn answer(status: StatusCode, value: &Value) -> Answer {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((status, headers, value.to_string()).into_response())
}

pub fn ok(value: &Value) -> Answer {
    answer(StatusCode::OK, value)
}

pub fn made(value: &Value) -> Answer {
    answer(StatusCode::CREATED, value)
}

pub fn nothing() -> Answer {
    Ok(Response::builder()
        .status(StatusCode::NO_CONTENT)
        .body(axum::body::Body::empty())
        .unwrap_or_default())
}

/// A moment of the calendar.
pub fn time(unix_ms: i64) -> Value {
    rfc3339(unix_ms).into()
}

/// A moment of the calendar, or null.
pub fn time_or_null(unix_ms: Option<i64>) -> Value {
    unix_ms.map_or(Value::Null, time)
}

/// A deadline, as the calendar has it.
pub fn deadline(now: Now, at: Option<std::time::Duration>) -> Value {
    time_or_null(at.map(|it| now.unix_at(it)))
}

/// A secret, for those who may see it.
pub fn key(keys: &Keyring, which: KeyRef, reveal: bool) -> Value {
    keys.secret(which).filter(|_| reveal).map_or(Value::Null, |it| it.reveal().into())
}

/// The end of a secret, by which people tell keys apart.
pub fn hint(keys: &Keyring, which: KeyRef) -> Value {
    keys.secret(which).map_or(Value::Null, |it| it.hint().into())
}

/// A page of a list: the newest first, after one that is named, so many. With each goes when it was made, and a number
/// that tells those of one millisecond apart.
pub fn page<I: Copy + Ord + Display>(
    call: &Call,
    all: impl Iterator<Item = (i64, i64, I)>,
) -> Result<Vec<I>, ApiError> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    let begin = match call.query("after") {
        Some(after) => {
            let at = all.iter().position(|it| it.2.to_string() == after);
            let gone = || ApiError {
                field: Some("after".into()),
                ..ApiError::not_found("item in this list")
            };
            at.ok_or_else(gone)? + 1
        }
        None => 0,
    };
    let limit = call.query("limit").and_then(|it| it.parse().ok()).unwrap_or(100);
    Ok(all.into_iter().skip(begin).take(limit).map(|it| it.2).collect())
}
