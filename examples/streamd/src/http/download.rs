//! Recordings and clips as files.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use levada_control::NoPlaylist;

use super::access::{Refused, Subject, check_download};
use super::play;
use super::vod::Title;
use crate::finalise::{self, Form};
use crate::server::Server;

/// `/v1/recordings/{id}/media.mp4` and `media.flv`, and the same of clips. A token in place of the id is as good, if it
/// allows downloads.
pub async fn media(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((name, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    download(&server, peer, &name, &file, request).await.unwrap_or_else(play::refuse)
}

async fn download(
    server: &Server,
    peer: SocketAddr,
    name: &str,
    file: &str,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let (form, kind) = match file {
        "media.mp4" => (Form::Plain, "video/mp4"),
        "media.flv" => (Form::Flv, "video/x-flv"),
        _ => return Err(NoPlaylist::NoSource.into()),
    };
    let pass = check_download(server, name, peer.ip(), &parts)?;
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
        tracing::warn!(why = format!("{why:#}"), file, "a recording cannot be made into this");
        NoPlaylist::NoSource
    })?;
    let mut response = play::file(&made, &parts).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    pass.dress(&mut response);
    Ok(response)
}
