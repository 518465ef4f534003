//! `…/webhook`: one hook for everything.

use levada_control::{
    Error, HookConfig, HookFormat, HookId, KeyRef, Plane, Reply, Request, rfc3339,
};
use serde_json::json;

use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;
use crate::stream::unix_ms;

/// Where it is kept which hook that is, and since when.
const PLACE: &str = "surface-a/webhook";

fn hook(plane: &Plane, extras: &Extras) -> Option<HookId> {
    let id: HookId = extras.get(PLACE)?["hook"].as_str()?.parse().ok()?;
    plane.hook(id).map(|it| it.id)
}

fn shown(asked: &Asked) -> Outcome {
    asked.server.control.read(|plane, keys, extras| {
        let hook = hook(plane, extras).and_then(|it| plane.hook(it));
        let hook = hook.ok_or_else(|| ApiError::not_found("webhook"))?;
        let modified = extras.get(PLACE).and_then(|it| it["modified"].as_i64());
        Ok(Answer::of(json!({
            "notificationUrl": hook.config.url,
            "modified": rfc3339(modified.unwrap_or(hook.created)),
            "secret": keys.secret(KeyRef::Hook(hook.id)).map(|it| it.reveal()),
        })))
    })
}

fn renamed(why: Error) -> ApiError {
    let mut why = ApiError::from(why);
    if why.field.as_deref() == Some("url") {
        why.field = Some("notificationUrl".into());
        why.message = why.message.replacen("url", "notificationUrl", 1);
    }
    why
}

pub async fn show(May(asked, _): May<Manage>) -> Outcome {
    shown(&asked)
}

pub async fn set(May(asked, _): May<Manage>) -> Outcome {
    let fields = asked.fields()?;
    let url = match fields.text("notificationUrl")? {
        // As clients of before call it.
        None => fields.text("notification_url")?,
        url => url,
    };
    let config = HookConfig::new(needed("notificationUrl", url)?, HookFormat::LiveInputs);
    // Under one lock, so that two who set it at once don't make two.
    let change = asked.server.control.change(|plane, _, extras| {
        let before = hook(plane, extras);
        let request = match before {
            Some(id) => Request::UpdateHook(id, config),
            None => Request::CreateHook(config),
        };
        Ok::<_, Error>(Change::from(request).with(move |reply, _, extras| {
            let made = if let Reply::Hook(id) = reply { Some(*id) } else { before };
            if let Some(id) = made {
                let kept = json!({ "hook": id.to_string(), "modified": unix_ms() });
                extras.insert(PLACE.into(), kept);
            }
        }))
    });
    change.await.map_err(renamed)?;
    shown(&asked)
}

pub async fn remove(May(asked, _): May<Manage>) -> Outcome {
    let change = asked.server.control.change(|plane, _, extras| {
        let id = hook(plane, extras).ok_or_else(|| ApiError::not_found("webhook"))?;
        let change = Change::from(Request::DeleteHook(id));
        Ok::<_, ApiError>(change.with(|_, _, extras| _ = extras.remove(PLACE)))
    });
    change.await?;
    Ok(Answer::of("".into()))
}
