//! `…/webhook`: one hook for everything.

use levada_control::{Error, HookConfig, HookFormat, HookId, KeyRef, Reply, Request, rfc3339};
use serde_json::json;

use crate::api::ApiError;
use crate::api::asked::{Asked, Manage, May};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::store::Extras;
use crate::stream::unix_ms;

/// Where it is kept which hook that is, and since when.
const PLACE: &str = "surface-a/webhook";

fn hook(asked: &Asked) -> Option<HookId> {
    asked.server.control.read(|plane, _, extras| {
        let id: HookId = extras.get(PLACE)?["hook"].as_str()?.parse().ok()?;
        plane.hook(id).map(|it| it.id)
    })
}

fn shown(asked: &Asked) -> Outcome {
    let id = hook(asked).ok_or_else(|| ApiError::not_found("webhook"))?;
    asked.server.control.read(|plane, keys, extras| {
        let hook = plane.hook(id).ok_or_else(|| ApiError::not_found("webhook"))?;
        let modified = extras.get(PLACE).and_then(|it| it["modified"].as_i64());
        Ok(Answer::of(json!({
            "notificationUrl": hook.config.url,
            "modified": rfc3339(modified.unwrap_or(hook.created)),
            "secret": keys.secret(KeyRef::Hook(id)).map(|it| it.reveal()),
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
    let before = hook(&asked);
    let request = match before {
        Some(id) => Request::UpdateHook(id, config),
        None => Request::CreateHook(config),
    };
    let keep = |reply: &Reply, extras: &mut Extras| {
        let made = if let Reply::Hook(id) = reply { Some(*id) } else { before };
        if let Some(id) = made {
            let kept = json!({ "hook": id.to_string(), "modified": unix_ms() });
            extras.insert(PLACE.into(), kept);
        }
    };
    let reply = asked.server.control.request_with(request, |reply, _, extras| keep(reply, extras));
    reply.await.map_err(renamed)?;
    shown(&asked)
}

pub async fn remove(May(asked, _): May<Manage>) -> Outcome {
    let id = hook(&asked).ok_or_else(|| ApiError::not_found("webhook"))?;
    let forget = |extras: &mut Extras| _ = extras.remove(PLACE);
    let request = Request::DeleteHook(id);
    asked.server.control.request_with(request, |_, _, extras| forget(extras)).await?;
    Ok(Answer::of("".into()))
}
