//! What JSON may look like. One description serves three: bodies are checked against it, answers are tested against it,
//! and the OpenAPI document is made of it.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::ApiError;

/// The sort of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Flag,
    /// So many characters, the least and the most.
    Text(usize, usize),
    /// A whole number, the least and the most.
    Whole(i64, i64),
    Number,
    /// One of these.
    Word(&'static [&'static str]),
    /// So many lower-case hex digits.
    Id(usize),
    /// An IP address.
    Address,
    /// RFC 3339 in UTC with milliseconds.
    Time,
    /// Any object.
    Map,
    /// That, or null.
    Maybe(&'static Kind),
    /// At most so many of that.
    List(&'static Kind, usize),
    /// These fields and no others.
    Object(&'static [Field]),
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub needed: bool,
}

/// A field that may be left out.
pub const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: false }
}

/// A field that has to be there.
pub const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: true }
}

/// Characters of a name.
pub const NAME: Kind = Kind::Text(1, 128);
/// A count or a size.
pub const COUNT: Kind = Kind::Whole(0, i64::MAX);
pub const MAYBE_COUNT: Kind = Kind::Maybe(&COUNT);
pub const TEXT: Kind = Kind::Text(0, 4096);
pub const MAYBE_TEXT: Kind = Kind::Maybe(&TEXT);
pub const MAYBE_TIME: Kind = Kind::Maybe(&Kind::Time);

impl Kind {
    /// Checks a body, and names the field that is wrong. `whole` is off for changes: what is not there stays.
    pub fn check(&self, value: &Value, whole: bool) -> Result<(), ApiError> {
        self.check_at("", value, whole)
    }

    fn check_at(&self, at: &str, value: &Value, whole: bool) -> Result<(), ApiError> {
        let fits = match self {
            Self::Flag => value.is_boolean(),
            Self::Text(least, most) => {
                value.as_str().is_some_and(|it| (*least..=*most).contains(&it.chars().count()))
            }
            Self::Whole(least, most) => {
                whole_number(value).is_some_and(|it| (*least..=*most).contains(&it))
            }
            Self::Number => value.is_number(),
            Self::Word(words) => value.as_str().is_some_and(|it| words.contains(&it)),
            Self::Id(digits) => value.as_str().is_some_and(|it| is_id(it, *digits)),
            Self::Address => value.as_str().is_some_and(|it| it.parse::<IpAddr>().is_ok()),
            Self::Time => value.as_str().is_some_and(|it| it.len() == 24 && it.ends_with('Z')),
            Self::Map => value.is_object(),
            Self::Maybe(kind) => return maybe(kind, at, value, whole),
            Self::List(kind, most) => return list(kind, *most, at, value),
            Self::Object(fields) => return object(fields, at, value, whole),
        };
        if fits { Ok(()) } else { Err(ApiError::invalid(named(at), &self.asks())) }
    }

    /// What is asked of a value.
    fn asks(&self) -> String {
        match self {
            Self::Flag => "must be true or false".into(),
            Self::Text(least, most) => format!("must be a text of {least} to {most} characters"),
            Self::Whole(least, most) => {
                format!("must be a whole number from {least} to {most}")
            }
            Self::Number => "must be a number".into(),
            Self::Word(words) => format!("must be one of {}", words.join(", ")),
            Self::Id(digits) => format!("must be an id of {digits} lower-case hex digits"),
            Self::Address => "must be an IP address".into(),
            Self::Time => "must be a time such as 2026-01-31T12:00:00.000Z".into(),
            Self::Map | Self::Object(_) => "must be an object".into(),
            Self::Maybe(kind) => format!("{}, or null", kind.asks()),
            Self::List(_, most) => format!("must be a list of at most {most}"),
        }
    }

    /// The JSON Schema of it.
    pub fn schema(&self, whole: bool) -> Value {
        match self {
            Self::Flag => json!({ "type": "boolean" }),
            Self::Text(least, most) => {
                json!({ "type": "string", "minLength": least, "maxLength": most })
            }
            Self::Whole(least, most) => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Self::Number => json!({ "type": "number" }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Id(digits) => {
                json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") })
            }
            Self::Address => {
                json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
            }
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Map => json!({ "type": "object" }),
            Self::Maybe(kind) => json!({ "anyOf": [kind.schema(whole), { "type": "null" }] }),
            Self::List(kind, most) => {
                json!({ "type": "array", "items": kind.schema(true), "maxItems": most })
            }
            Self::Object(fields) => {
                let properties: Map<String, Value> =
                    fields.iter().map(|it| (it.name.into(), it.kind.schema(whole))).collect();
                let needed: Vec<_> =
                    fields.iter().filter(|it| it.needed && whole).map(|it| it.name).collect();
                json!({
                    "type": "object", "properties": properties, "required": needed,
                    "additionalProperties": false,
                })
            }
        }
    }
}

/// A whole number. JSON writes 5 as 5.0, too.
pub fn whole_number(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "has no fraction and is small")]
    let exact = |it: f64| (it.fract() == 0.0 && it.abs() < 9e15).then_some(it as i64);
    value.as_i64().or_else(|| exact(value.as_f64()?))
}

fn is_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// What the body itself is called.
fn named(at: &str) -> &str {
    if at.is_empty() { "body" } else { at }
}

fn maybe(kind: &Kind, at: &str, value: &Value, whole: bool) -> Result<(), ApiError> {
    if value.is_null() { Ok(()) } else { kind.check_at(at, value, whole) }
}

fn list(kind: &Kind, most: usize, at: &str, value: &Value) -> Result<(), ApiError> {
    let items = value.as_array().filter(|it| it.len() <= most);
    let Some(items) = items else {
        return Err(ApiError::invalid(named(at), &format!("must be a list of at most {most}")));
    };
    let mut all = items.iter().enumerate();
    all.try_for_each(|(at_item, it)| kind.check_at(&format!("{at}[{at_item}]"), it, true))
}

fn object(fields: &[Field], at: &str, value: &Value, whole: bool) -> Result<(), ApiError> {
    let Some(object) = value.as_object() else {
        return Err(ApiError::invalid(named(at), "must be an object"));
    };
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for (name, value) in object {
        let Some(field) = fields.iter().find(|it| it.name == name) else {
            // A name of any length comes from the caller.
            let name: String = name.chars().take(64).collect();
            return Err(ApiError::invalid(path(&name), "is not a field here"));
        };
        field.kind.check_at(&path(name), value, whole)?;
    }
    match fields.iter().find(|it| whole && it.needed && !object.contains_key(it.name)) {
        Some(missing) => Err(ApiError::invalid(path(missing.name), "is needed")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        must("name", NAME),
        may("port", Kind::Whole(1, 65_535)),
        may("to", Kind::Object(&[must("at", Kind::Maybe(&Kind::Flag))])),
        may("ids", Kind::List(&Kind::Id(4), 2)),
    ];

    #[test]
    fn api_05_what_is_wrong_is_named_with_its_path() {
        let field = |body: Value, whole| {
            Kind::Object(FIELDS).check(&body, whole).err().map(|it| it.field.unwrap_or_default())
        };
        assert_eq!(field(json!({ "name": "ä".repeat(128), "port": 1 }), true), None);
        assert_eq!(
            field(json!({ "name": "a", "to": { "at": null }, "ids": ["00ff"] }), true),
            None
        );
        assert_eq!(field(json!({ "port": 1.0 }), false), None, "a change leaves the rest");
        for (body, wrong) in [
            (json!({}), "name"),
            (json!([]), "body"),
            (json!({ "name": "ä".repeat(129) }), "name"),
            (json!({ "name": "a", "port": 65_536 }), "port"),
            (json!({ "name": "a", "port": 1.5 }), "port"),
            (json!({ "name": "a", "port": "1" }), "port"),
            (json!({ "name": "a", "prot": 1 }), "prot"),
            (json!({ "name": "a", "to": {} }), "to.at"),
            (json!({ "name": "a", "to": { "at": 1 } }), "to.at"),
            (json!({ "name": "a", "ids": ["00fF"] }), "ids[0]"),
            (json!({ "name": "a", "ids": ["0000", "0000", "0000"] }), "ids"),
        ] {
            assert_eq!(field(body.clone(), true).as_deref(), Some(wrong), "{body}");
        }
    }
}
