//! The fields of a body, by name and kind. What is absent and what is null is the same, unless somebody asks.

use serde_json::{Map, Value};

use super::ApiError;
use crate::relay;

/// An object of a body. Fields that nobody asks for mean nothing.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    /// Of the body itself, which has to be an object.
    pub fn of(body: &'a Value) -> Result<Self, ApiError> {
        match body {
            Value::Object(map) => Ok(Self(Some(map))),
            _ => Err(ApiError::invalid("body", "must be an object")),
        }
    }

    /// A field as it is, null included.
    pub fn given(self, name: &str) -> Option<&'a Value> {
        self.0.and_then(|it| it.get(name))
    }

    fn value(self, name: &str) -> Option<&'a Value> {
        self.given(name).filter(|it| !it.is_null())
    }

    fn read<T>(
        self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| ApiError::invalid(name, what))
    }

    pub fn text(self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.read(name, "must be a text", Value::as_str)
    }

    pub fn flag(self, name: &str) -> Result<Option<bool>, ApiError> {
        self.read(name, "must be true or false", Value::as_bool)
    }

    /// A whole number, as a number or as text.
    pub fn whole(self, name: &str) -> Result<Option<i64>, ApiError> {
        self.read(name, "must be a whole number", |it| match it {
            Value::String(text) => text.parse().ok(),
            // Some clients write 30.0.
            it => it.to_string().trim_end_matches(".0").parse().ok(),
        })
    }

    /// A whole number that has to be small and positive, such as seconds.
    pub fn count(self, name: &str) -> Result<Option<u32>, ApiError> {
        let range = || ApiError::invalid(name, "must be a whole number from 0 to 4294967295");
        self.whole(name)?.map(|it| u32::try_from(it).map_err(|_| range())).transpose()
    }

    pub fn texts(self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        self.read(name, "must be a list of texts", |it| {
            it.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect()
        })
    }

    pub fn wholes(self, name: &str) -> Result<Option<Vec<i64>>, ApiError> {
        self.read(name, "must be a list of whole numbers", |it| {
            it.as_array()?.iter().map(Value::as_i64).collect()
        })
    }

    pub fn list(self, name: &str) -> Result<Option<&'a Vec<Value>>, ApiError> {
        self.read(name, "must be a list", Value::as_array)
    }

    /// An object within. One that is absent has no fields.
    pub fn inner(self, name: &str) -> Result<Self, ApiError> {
        self.read(name, "must be an object", Value::as_object).map(Self)
    }

    pub fn has(self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// A name or an alias that callers may give. What the command line makes is told by its name, and may go with it.
pub fn free<'a>(field: &str, name: &'a str) -> Result<&'a str, ApiError> {
    if relay::is_ours(name) {
        let why = "must not begin with `--push ` or `--pull `, as what the command line makes does";
        return Err(ApiError::invalid(field, why));
    }
    Ok(name)
}

/// What has to be there.
pub fn needed<T>(name: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::invalid(name, "is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_05_a_field_of_another_kind_is_refused_by_its_name() {
        let body = serde_json::json!({
            "text": "a", "number": 7.0, "number text": "-8", "flag": true, "null": null, "list": [1, "a"], "object": {"b": 1},
        });
        let fields = Fields::of(&body).unwrap();
        assert_eq!(fields.text("text").unwrap(), Some("a"));
        assert_eq!((fields.text("null").unwrap(), fields.text("absent").unwrap()), (None, None));
        assert_eq!((fields.given("null"), fields.given("absent")), (Some(&Value::Null), None));
        assert_eq!(
            (fields.whole("number").unwrap(), fields.whole("number text").unwrap()),
            (Some(7), Some(-8))
        );
        assert_eq!(fields.flag("flag").unwrap(), Some(true));
        assert_eq!(fields.inner("object").unwrap().whole("b").unwrap(), Some(1));
        assert_eq!(fields.inner("absent").unwrap().whole("b").unwrap(), None);
        let blamed = |why: ApiError| (why.status.as_u16(), why.field.unwrap());
        assert_eq!(blamed(fields.text("number").unwrap_err()), (400, "number".into()));
        assert_eq!(blamed(fields.count("number text").unwrap_err()), (400, "number text".into()));
        assert_eq!(blamed(fields.texts("list").unwrap_err()), (400, "list".into()));
        assert_eq!(blamed(needed::<()>("url", None).unwrap_err()), (400, "url".into()));
        assert_eq!(blamed(Fields::of(&Value::Null).unwrap_err()), (400, "body".into()));
    }
}
