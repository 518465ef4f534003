//! Playlists, segments and parts.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use levada_hls::{Answer, Reply};
use tokio::time::{Instant, timeout_at};

use crate::stream::Stream;

/// Asks the origin, and again whenever something changed, until it has an answer or it took too long.
pub async fn response(stream: &Stream, name: &str, request: &Parts) -> Response {
    if !stream.packaging().hls {
        let why = "there is no HLS of this stream: the server runs with --hls off\n";
        return (StatusCode::NOT_FOUND, why).into_response();
    }
    let mut asked = levada_hls::Request::new(name);
    asked.query = request.uri.query().unwrap_or_default();
    asked.range = request.headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    let mut changed = stream.hls_changed.subscribe();
    let mut answer = stream.packaging().origin.get(&asked);
    let begin = Instant::now();
    let reply = loop {
        let waiter = match answer {
            Answer::Ready(reply) => break reply,
            Answer::Wait(waiter) => waiter,
        };
        match timeout_at(begin + waiter.patience(), changed.changed()).await {
            Ok(Ok(())) => answer = stream.packaging().origin.retry(waiter),
            _ => break stream.packaging().origin.give_up(waiter),
        }
    };
    respond(&reply, request.method == Method::HEAD)
}

/// The text of a playlist, if there is one already.
pub fn text(stream: &Stream, name: &str) -> Option<String> {
    let mut packaging = stream.packaging();
    match packaging.origin.get(&levada_hls::Request::new(name)) {
        Answer::Ready(reply) if reply.status == 200 => {
            String::from_utf8(reply.body.join().to_vec()).ok()
        }
        Answer::Ready(_) => None,
        Answer::Wait(waiter) => {
            packaging.origin.give_up(waiter);
            None
        }
    }
}

fn respond(reply: &Reply, head: bool) -> Response {
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
