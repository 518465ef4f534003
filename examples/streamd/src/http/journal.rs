//! The journal, from now on and as long as the client reads: the plane as it is, then a line of JSON for each step.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::server::Server;

pub fn journal(server: Arc<Server>) -> Response {
    let Ok((first, lines)) = server.control.journal() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let rest = stream::unfold((lines, server), |(mut lines, server)| async move {
        let line = next(&mut lines, &server).await?;
        Some((line, (lines, server)))
    });
    let all = stream::once(async { Ok(first) }).chain(rest);
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(all)).into_response()
}

async fn next(
    lines: &mut broadcast::Receiver<Bytes>,
    server: &Server,
) -> Option<io::Result<Bytes>> {
    let line = tokio::select! {
        line = lines.recv() => line,
        () = server.stopping() => return None,
    };
    match line {
        Ok(line) => Some(Ok(line)),
        // A journal with a hole is none: the client sees the connection break.
        Err(RecvError::Lagged(_)) => Some(Err(io::Error::other("read too slowly"))),
        Err(RecvError::Closed) => None,
    }
}
