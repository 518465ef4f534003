//! `/v1/events`: what happens, as server-sent events, each in the native form of webhooks. `/v1/journal`: what the
//! control plane is told and decides.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use levada_control::{BodyFacts, HookFormat, InputId, Notice, hook_body};
use tokio::sync::broadcast::error::RecvError;

use super::kind::{Kind, may};
use super::route::{Answer, Call, Route};
use crate::http::journal;
use crate::server::Server;

/// How often a quiet line shows that it is there.
const ALIVE: Duration = Duration::from_secs(15);

pub const ROUTES: &[Route] = &[
    Route::get("/v1/events", |it| Box::pin(events(it)))
        .about("Everything that happens, or what happens to one input, as server-sent events. Browsers read it with fetch, as EventSource sends no token.")
        .asks(&[may("input", Kind::Id(32))])
        .gives_other("text/event-stream"),
    Route::get("/v1/journal", |it| Box::pin(async move { Ok(journal::journal(it.server)) }))
        .about("The control plane as it is, then every step of it from now on, a line of JSON each.")
        .gives_other("application/x-ndjson"),
];

async fn events(call: Call) -> Answer {
    let only = call.query("input").and_then(|it| it.parse::<InputId>().ok());
    Ok(stream_of(call.server, move |notice| {
        only.is_none() || notice.input.as_ref().map(|it| it.id) == only
    }))
}

/// Those notices that are wanted, from now on and as long as the client reads.
pub fn stream_of(
    server: Arc<Server>,
    wanted: impl Fn(&Notice) -> bool + Send + 'static,
) -> Response {
    let begin = (server.control.notices(), server, wanted);
    let events = stream::unfold(begin, |(mut notices, server, wanted)| async move {
        let event = loop {
            let notice = tokio::select! {
                notice = notices.recv() => notice,
                () = server.stopping() => return None,
            };
            match notice {
                Ok(notice) if !wanted(&notice) => {}
                Ok(notice) => {
                    let Some(body) = hook_body(HookFormat::Native, &notice, BodyFacts::default())
                    else {
                        continue;
                    };
                    break Event::default().event(notice.kind.name()).data(body);
                }
                // The client reads too slowly: it is told, so that it looks at everything anew.
                Err(RecvError::Lagged(missed)) => {
                    break Event::default().event("missed").data(missed.to_string());
                }
                Err(RecvError::Closed) => return None,
            }
        };
        Some((Ok::<_, Infallible>(event), (notices, server, wanted)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}
