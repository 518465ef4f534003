//! Recordings and clips as files. Viewers may have them as they may watch, so pages of other sites are let in by their
//! rules and not by those of the API.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::route::{Answer, Call, Route};
use crate::finalise::Form;
use crate::http::download;

pub const ROUTES: &[Route] = &[
    Route::get("/v1/recordings/{recording}/media.mp4", |it| Box::pin(mp4(it, "recording")))
        .about("A recording that is over as plain MP4, in whole or by range.")
        .gives_file("video/mp4"),
    Route::get("/v1/recordings/{recording}/media.flv", |it| Box::pin(flv(it, "recording")))
        .about("A recording that is over as FLV, in whole or by range.")
        .gives_file("video/x-flv"),
    Route::get("/v1/clips/{clip}/media.mp4", |it| Box::pin(mp4(it, "clip")))
        .about("A clip as plain MP4, in whole or by range.")
        .gives_file("video/mp4"),
    Route::get("/v1/clips/{clip}/media.flv", |it| Box::pin(flv(it, "clip")))
        .about("A clip as FLV, in whole or by range.")
        .gives_file("video/x-flv"),
];

async fn mp4(call: Call, word: &str) -> Answer {
    media(call, word, Form::Plain).await
}

async fn flv(call: Call, word: &str) -> Answer {
    media(call, word, Form::Flv).await
}

async fn media(call: Call, word: &str, form: Form) -> Answer {
    let Some(ConnectInfo(peer)) = call.head.extensions.get::<ConnectInfo<SocketAddr>>() else {
        return Err(super::ApiError::not_found(word));
    };
    Ok(download::media(&call.server, peer.ip(), call.word(word), form, &call.head).await)
}
