//! Recordings and clips as files.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use levada_control::NoPlaylist;

use super::access::{Refused, Subject, check_download};
use super::play;
use super::vod::Title;
use crate::finalise::{self, Form};
use crate::server::Server;

/// The file of a recording or a clip. A token in place of the id is as good, if it allows downloads.
pub async fn media(
    server: &Server,
    from: IpAddr,
    name: &str,
    form: Form,
    request: &Parts,
) -> Response {
    download(server, from, name, form, request).await.unwrap_or_else(play::refuse)
}

async fn download(
    server: &Server,
    from: IpAddr,
    name: &str,
    form: Form,
    request: &Parts,
) -> Result<Response, Refused> {
    let pass = check_download(server, name, from, request)?;
    let title = match pass.subject {
        Subject::Recording(id) => Title::Recording(id),
        Subject::Clip(id) => Title::Clip(id),
        Subject::Input(_) => return Err(NoPlaylist::NoSource.into()),
    };
    let files = title.files(server);
    if title.grows(server) || files.iter().any(|it| !it.is_file()) {
        return Err(NoPlaylist::NotReady.into());
    }
    let made = finalise::made(files, form).await.map_err(|why| {
        tracing::warn!(why = format!("{why:#}"), ?form, "a recording cannot be made into this");
        NoPlaylist::NoSource
    })?;
    let mut response = play::file(&made, request).await?;
    let kind = if form == Form::Flv { "video/x-flv" } else { "video/mp4" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    pass.dress(&mut response);
    Ok(response)
}
