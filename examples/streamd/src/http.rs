//! Everything over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use levada_hls::{Answer, Reply, Request};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};

use crate::hub::Hub;
use crate::stream::Stream;

/// Serves until the listener fails.
pub async fn listen(listener: TcpListener, hub: Arc<Hub>) -> anyhow::Result<()> {
    let router = Router::new().route("/{*path}", get(serve)).with_state(hub);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn serve(
    State(hub): State<Arc<Hub>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Some((stream, name)) = path.rsplit_once('/') else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(stream) = hub.find(stream) else { return StatusCode::NOT_FOUND.into_response() };
    let mut request = Request::new(name);
    let query = query.unwrap_or_default();
    request.query = &query;
    request.range = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    respond(hls(&stream, &request).await, method == Method::HEAD)
}

/// Asks the origin, and again whenever something changed, until it has an answer or it took too long.
async fn hls(stream: &Stream, request: &Request<'_>) -> Reply {
    let mut changed = stream.watch();
    let mut answer = stream.lock().origin.get(request);
    let begin = Instant::now();
    loop {
        let waiter = match answer {
            Answer::Ready(reply) => return reply,
            Answer::Wait(waiter) => waiter,
        };
        match timeout_at(begin + waiter.patience(), changed.changed()).await {
            Ok(Ok(())) => answer = stream.lock().origin.retry(waiter),
            _ => return stream.lock().origin.give_up(waiter),
        }
    }
}

fn respond(reply: Reply, head: bool) -> Response {
    let mut response =
        Response::builder().status(reply.status).header(header::CONTENT_LENGTH, reply.body.len());
    for (name, value) in reply.headers() {
        response = response.header(name, &*value);
    }
    let pieces: Vec<Bytes> = if head { Vec::new() } else { reply.body.iter().cloned().collect() };
    let body =
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>)));
    response.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
