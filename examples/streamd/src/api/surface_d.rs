//! RTMP servers: a listener each, on which everybody publishes and plays under any name.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{delete, get, post};
use levada_control::{
    Error, ListenerConfig, ListenerId, ListenerPolicy, ListenerView, Notice, Reply, Request,
    parse_port, rfc3339,
};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

use super::ApiError;
use super::asked::{Asked, Manage, May, Read, wrong_method};
use super::fields::{Fields, needed};
use super::outcome::{Answer, Outcome, dressed, written};
use crate::doors;
use crate::server::Server;
use crate::store::Extras;

/// The only kind of server.
const RTMP: &str = "SERVER_TYPE_RTMP";

pub fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/api/rtmp-servers/create", post(create))
        .route("/api/rtmp-servers/update", post(update))
        .route("/api/rtmp-servers/start", post(start))
        .route("/api/rtmp-servers/stop", post(stop))
        .route("/api/rtmp-servers/remove", delete(remove))
        .route("/api/rtmp-servers/getAll", get(all).post(all))
        .route("/api/rtmp-servers/getById", get(by_id).post(by_id))
        .route("/api/rtmp-servers/getCount", get(count).post(count))
        .route("/api/ports/getAll", get(ports).post(ports))
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(dress))
}

/// `{"success":false,"error":{…}}`.
async fn dress(response: Response) -> Response {
    dressed(response, |outcome| match outcome {
        Ok(Answer { status, body }) => written(status, &body.unwrap_or_default()),
        Err(why) => {
            let error = json!({ "code": why.code, "field": why.field, "message": why.message });
            written(why.status, &json!({ "success": false, "error": error }))
        }
    })
}

/// Where it is kept whose token made a server. What has no such place was not made here.
pub fn place(id: ListenerId) -> String {
    format!("listener/{id}/surface-d")
}

/// Errors name fields as they are called here.
fn renamed(why: impl Into<ApiError>) -> ApiError {
    let mut why = why.into();
    why.field = why.field.map(|field| match field.as_str() {
        "buffer_s" => "server_buflen".into(),
        ours if ours.starts_with("server_") => field,
        field => format!("server_{field}"),
    });
    why
}

fn shown(it: &ListenerView<'_>, user: Option<&Value>) -> Value {
    let config = it.machine.config();
    let mut server = json!({
        "id": it.id,
        "server_name": config.name,
        "server_type": RTMP,
        "server_buflen": config.buffer_s.to_string(),
        "server_port": config.port.to_string(),
        "server_active": config.active,
        "server_created": rfc3339(it.created),
    });
    if let Some(user) = user {
        server["server_user_id"] = user.clone();
    }
    if let Some(modified) = it.modified {
        server["server_modified"] = rfc3339(modified).into();
    }
    server
}

fn show(server: &Server, id: ListenerId) -> Result<Value, ApiError> {
    server.control.read(|plane, _, extras| {
        let user = extras.get(&place(id));
        let listener = plane.listener(id).filter(|_| user.is_some());
        listener.map(|it| shown(&it, user)).ok_or_else(|| ApiError::not_found("server"))
    })
}

/// What the body makes of a server: what it does not say stays.
fn configured(fields: Fields<'_>, config: ListenerConfig) -> Result<ListenerConfig, ApiError> {
    let mut config = config;
    if let Some(name) = fields.text("server_name")? {
        config.name = name.to_owned();
    }
    if fields.has("server_type") && fields.text("server_type")? != Some(RTMP) {
        return Err(ApiError::invalid("server_type", "must be SERVER_TYPE_RTMP"));
    }
    if let Some(port) = fields.given("server_port").filter(|it| !it.is_null()) {
        let text = port.as_str().map_or_else(|| port.to_string(), str::to_owned);
        config.port = parse_port(&text).map_err(renamed)?;
    }
    if let Some(seconds) = fields.count("server_buflen")? {
        config.buffer_s = seconds;
    }
    if let Some(active) = fields.flag("server_active")? {
        config.active = active;
    }
    Ok(config)
}

fn id_of(asked: &Asked) -> Result<ListenerId, ApiError> {
    let id = match asked.query.get("id") {
        Some(id) => id.as_str(),
        None => needed("id", asked.fields()?.text("id")?)?,
    };
    let id: ListenerId = id.parse()?;
    show(&asked.server, id).map(|_| id)
}

async fn create(May(asked, _): May<Manage>) -> Outcome {
    let fields = asked.fields()?;
    for name in ["server_name", "server_type", "server_port"] {
        needed(name, fields.given(name).filter(|it| !it.is_null()))?;
    }
    let mut config = ListenerConfig::new("", 1);
    // Whoever may reach the server's own port may reach this one.
    config.bind = asked.server.config().rtmp.ip();
    config.policy = ListenerPolicy::Open;
    let config = configured(fields, config)?;
    let (active, user) = (config.active, asked.caller.user.clone());
    let remember = |reply: &Reply, extras: &mut Extras| {
        if let Reply::Listener(id) = reply {
            extras.insert(place(*id), user.into());
        }
    };
    let control = &asked.server.control;
    let mut notices = control.notices();
    let request = Request::CreateListener(config);
    let reply = control.request_with(request, |reply, _, extras| remember(reply, extras)).await;
    let Reply::Listener(id) = reply.map_err(renamed)? else {
        return Err(ApiError::not_found("server"));
    };
    if active && doors::opened(&asked.server, &mut notices, id).await.is_err() {
        control.request(Request::RemoveListener(id)).await?;
        return Err(renamed(Error::Taken { field: "port" }));
    }
    show(&asked.server, id).map(Answer::of)
}

async fn update(May(asked, _): May<Manage>) -> Outcome {
    let (id, fields) = (id_of(&asked)?, asked.fields()?);
    let control = &asked.server.control;
    let mut notices = control.notices();
    let mut active = false;
    let changed = control.change(|plane, _, _| {
        let before = plane.listener(id).ok_or_else(|| ApiError::not_found("server"))?;
        let config = configured(fields, before.machine.config().clone())?;
        active = config.active;
        Ok::<_, ApiError>(Request::UpdateListener(id, config).into())
    });
    changed.await.map_err(renamed)?;
    settled(&asked.server, &mut notices, id, active).await?;
    show(&asked.server, id).map(Answer::of)
}

async fn start(May(asked, _): May<Manage>) -> Outcome {
    let id = id_of(&asked)?;
    let runs = asked.server.control.read(|plane, _, _| doors::is_open(plane, id));
    if !runs {
        let mut notices = asked.server.control.notices();
        asked.server.control.request(Request::StartListener(id)).await.map_err(renamed)?;
        settled(&asked.server, &mut notices, id, true).await?;
    }
    Ok(success())
}

async fn stop(May(asked, _): May<Manage>) -> Outcome {
    let id = id_of(&asked)?;
    let mut notices = asked.server.control.notices();
    asked.server.control.request(Request::StopListener(id)).await.map_err(renamed)?;
    settled(&asked.server, &mut notices, id, false).await?;
    Ok(success())
}

async fn remove(May(asked, _): May<Manage>) -> Outcome {
    asked.server.control.request(Request::RemoveListener(id_of(&asked)?)).await?;
    Ok(success())
}

fn success() -> Answer {
    Answer::of(json!({ "success": true }))
}

/// Returns when the port of a server that was changed is open or closed.
async fn settled(
    server: &Arc<Server>,
    notices: &mut Receiver<Arc<Notice>>,
    id: ListenerId,
    active: bool,
) -> Result<(), ApiError> {
    if active {
        let opened = doors::opened(server, notices, id).await;
        return opened.map_err(|()| renamed(Error::Taken { field: "port" }));
    }
    doors::closed(server, notices, id).await;
    Ok(())
}

async fn all(May(asked, _): May<Read>) -> Outcome {
    let all: Vec<Value> = asked.server.control.read(|plane, _, extras| {
        let ours = plane.listeners().filter(|it| extras.contains_key(&place(it.id)));
        let mut ours: Vec<_> = ours.collect();
        ours.sort_by_key(|it| std::cmp::Reverse(it.created));
        ours.iter().map(|it| shown(it, None)).collect()
    });
    Ok(Answer::of(all.into()))
}

async fn by_id(May(asked, _): May<Read>) -> Outcome {
    let id = id_of(&asked)?;
    show(&asked.server, id).map(Answer::of)
}

async fn count(May(asked, _): May<Read>) -> Outcome {
    let count = asked.server.control.read(|plane, _, extras| {
        plane.listeners().filter(|it| extras.contains_key(&place(it.id))).count()
    });
    Ok(Answer::of(json!({ "count": count })))
}

/// Every port in use, whoever opened it.
async fn ports(May(asked, _): May<Read>) -> Outcome {
    let all: Vec<Value> = asked.server.control.read(|plane, _, _| {
        let used = plane.listeners().filter(|it| {
            let port = it.machine.config().port;
            plane.port_owner(port) == Some(it.id)
        });
        let shown = used.map(|it| {
            let config = it.machine.config();
            json!({
                "port": config.port,
                "protocol": "tcp",
                "module": "rtmp-servers",
                "id": it.id,
                "name": config.name,
            })
        });
        shown.collect()
    });
    Ok(Answer::of(all.into()))
}
