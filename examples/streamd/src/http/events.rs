//! What happens, as server-sent events: one line of JSON each, in the native form of webhooks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use levada_control::{BodyFacts, HookFormat, hook_body};
use tokio::sync::broadcast::error::RecvError;

use crate::server::Server;

/// How often a quiet line shows that it is there.
const ALIVE: Duration = Duration::from_secs(15);

pub async fn events(State(server): State<Arc<Server>>) -> impl IntoResponse {
    let begin = (server.control.notices(), server.clone());
    let events = stream::unfold(begin, |(mut notices, server)| async move {
        let event = loop {
            let notice = tokio::select! {
                notice = notices.recv() => notice,
                () = server.stopping() => return None,
            };
            match notice {
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
        Some((Ok::<_, Infallible>(event), (notices, server)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}
