//! What calls may do: a tree of settings for each type, and one of each call laid over it.

use axum::extract::Path;
use levada_control::{BroadcastSettings, Quality};
use serde_json::{Map, Value, json};

use super::calls::nanoseconds;
use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May, Read};
use crate::api::fields::Fields;
use crate::api::outcome::{Answer, Outcome};
use crate::store::Extras;
use crate::stream::unix_ms;

/// Bytes of all settings of a type or a call, as text.
const MAX_SETTINGS: usize = 16 * 1024;

/// Where the settings of a type are kept.
pub fn place(kind: &str) -> String {
    format!("call-type/{kind}")
}

/// A type or an id: what may stand in the name of a call.
pub fn word(text: &str) -> Result<&str, ApiError> {
    let fits = (1..=56).contains(&text.len());
    let plain = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    if fits && plain {
        return Ok(text);
    }
    Err(ApiError::invalid(
        "call",
        "types and ids have 1 to 56 letters, digits, dashes and underscores",
    ))
}

/// One tree over another: what the upper one does not name, or has null for, is as the lower has it.
pub fn laid(upper: &Value, lower: &mut Value) {
    match (upper, lower) {
        (Value::Null, _) => {}
        (Value::Object(upper), Value::Object(lower)) => {
            for (name, value) in upper {
                laid(value, lower.entry(name.as_str()).or_insert(Value::Null));
            }
        }
        (Value::Object(upper), lower) => {
            // Nulls within say nothing either.
            *lower = Value::Object(Map::new());
            for (name, value) in upper.iter().filter(|it| !it.1.is_null()) {
                laid(value, &mut lower[name]);
            }
        }
        (upper, lower) => *lower = upper.clone(),
    }
}

/// Settings that a body gives, over those of before, if they are such as can be.
pub fn changed(given: Fields<'_>, name: &str, before: Value) -> Result<Value, ApiError> {
    given.inner(name)?;
    let mut settings = before;
    laid(given.given(name).unwrap_or(&Value::Null), &mut settings);
    if settings.to_string().len() > MAX_SETTINGS {
        return Err(ApiError::invalid(name, "must have at most 16384 bytes"));
    }
    broadcasting(&settings).map(|_| settings)
}

/// What settings say of broadcasting.
pub fn broadcasting(settings: &Value) -> Result<BroadcastSettings, ApiError> {
    let Value::Object(_) = settings else { return Ok(BroadcastSettings::default()) };
    let all = Fields::of(settings)?.inner("broadcasting")?;
    let (rtmp, hls) = (all.inner("rtmp")?, all.inner("hls")?);
    Ok(BroadcastSettings {
        enabled: all.flag("enabled")?,
        rtmp: rtmp.flag("enabled")?,
        hls: hls.flag("enabled")?,
        quality: rtmp.text("quality")?.map(Quality::parse).transpose()?,
        layout: rtmp.inner("layout")?.text("name")?.map(str::to_owned),
    })
}

/// The settings of a type, as they were set.
pub fn of_type(extras: &Extras, kind: &str) -> Value {
    extras.get(&place(kind)).map_or_else(|| json!({}), |it| it["settings"].clone())
}

/// All settings that hold, with what holds where nobody said anything.
pub fn whole(given: &[&Value]) -> Value {
    let mut settings = json!({
        "broadcasting": {
            "enabled": true,
            "rtmp": { "enabled": true, "quality": null, "layout": { "name": null } },
            "hls": { "enabled": true, "auto_on": false, "quality_tracks": ["source"] },
        },
    });
    given.iter().for_each(|it| laid(it, &mut settings));
    settings
}

fn shown(asked: &Asked, name: &str) -> Value {
    asked.server.control.read(|_, _, extras| {
        let kept = extras.get(&place(name));
        let time = |field: &str| kept.and_then(|it| it[field].as_i64()).map(nanoseconds);
        json!({
            "name": name,
            "created_at": time("created").unwrap_or(0),
            "updated_at": time("updated").unwrap_or(0),
            "grants": {},
            "settings": whole(&[&of_type(extras, name)]),
        })
    })
}

pub async fn show(Path(name): Path<String>, May(asked, _): May<Read>) -> Outcome {
    Ok(Answer::of(shown(&asked, word(&name)?)))
}

pub async fn set(Path(name): Path<String>, May(asked, _): May<Manage>) -> Outcome {
    let name = word(&name)?;
    let fields = asked.fields()?;
    let keep = |extras: &mut Extras| {
        let settings = changed(fields, "settings", of_type(extras, name))?;
        let now = unix_ms();
        let created = extras.get(&place(name)).and_then(|it| it["created"].as_i64());
        let kept =
            json!({ "settings": settings, "created": created.unwrap_or(now), "updated": now });
        extras.insert(place(name), kept);
        Ok::<_, ApiError>(())
    };
    asked.server.control.keep(|_, extras| keep(extras)).await?;
    Ok(Answer::of(shown(&asked, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_what_is_null_or_absent_is_as_it_was_below() {
        let kind = json!({ "broadcasting": { "enabled": true, "rtmp": { "enabled": true, "quality": "720p" } } });
        let mut settings = kind.clone();
        let call = json!({ "audio": { "x": null }, "broadcasting": { "enabled": null, "rtmp": { "enabled": false } } });
        laid(&call, &mut settings);
        let expected = json!({
            "audio": {},
            "broadcasting": { "enabled": true, "rtmp": { "enabled": false, "quality": "720p" } },
        });
        assert_eq!(settings, expected);
        let found = broadcasting(&settings).unwrap();
        assert_eq!((found.enabled, found.rtmp, found.hls), (Some(true), Some(false), None));
        assert_eq!(found.quality, Quality::parse("720p").ok());
        let wrong = json!({ "broadcasting": { "rtmp": { "quality": "huge" } } });
        assert_eq!(broadcasting(&wrong).unwrap_err().field.as_deref(), Some("quality"));
    }
}
