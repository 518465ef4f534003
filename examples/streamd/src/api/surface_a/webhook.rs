//! `…/webhook`: one hook for everything.

use levada_control::{
    Error, HookConfig, HookFormat, HookId, HookView, KeyRef, Plane, Reply, Request, rfc3339,
};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::control::Change;
use crate::store::Extras;
use crate::stream::unix_ms;

/// Where it is kept since when a hook is what it is. The hook that has such a place is this one.
fn place(id: HookId) -> String {
    format!("hook/{id}/surface-a")
}

fn hook<'a>(plane: &'a Plane, extras: &Extras) -> Option<HookView<'a>> {
    plane.hooks().find(|it| extras.contains_key(&place(it.id)))
}

fn shown(asked: &Asked) -> Outcome {
    asked.server.control.read(|plane, keys, extras| {
        let hook = hook(plane, extras).ok_or_else(|| ApiError::not_found("webhook"))?;
        let modified = extras.get(&place(hook.id)).and_then(Value::as_i64);
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
        let before = hook(plane, extras).map(|it| it.id);
        let request = match before {
            Some(id) => Request::UpdateHook(id, config),
            None => Request::CreateHook(config),
        };
        Ok::<_, Error>(Change::from(request).with(move |reply, _, extras| {
            let made = if let Reply::Hook(id) = reply { Some(*id) } else { before };
            if let Some(id) = made {
                extras.insert(place(id), unix_ms().into());
            }
        }))
    });
    change.await.map_err(renamed)?;
    shown(&asked)
}

pub async fn remove(May(asked, _): May<Manage>) -> Outcome {
    let change = asked.server.control.change(|plane, _, extras| {
        let hook = hook(plane, extras).ok_or_else(|| ApiError::not_found("webhook"))?;
        Ok::<_, ApiError>(Request::DeleteHook(hook.id).into())
    });
    change.await?;
    Ok(Answer::of("".into()))
}
