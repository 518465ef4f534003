//! The files of what was recorded, and plain MP4 of them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::access::{self, Refused};
use super::play;
use crate::finalise::{self, Form};
use crate::record;
use crate::server::Server;

/// A recording, or `?as=mp4` a plain MP4 of it, which is made when it is asked for first.
pub async fn file(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let root = server.config().data.join("recordings");
    let Some(mut file) = inside(&root, &path) else { return StatusCode::NOT_FOUND.into_response() };
    let (parts, _) = request.into_parts();
    if let Err(why) = may_have(&server, &root, &file, peer.ip(), &parts) {
        return play::refuse(why);
    }
    if query.as_deref() == Some("as=mp4") && finalise::was_made(&path).is_none() {
        match finalise::made(vec![file], Form::Plain).await {
            Ok(plain) => file = plain,
            Err(why) => {
                tracing::warn!(%why, "cannot make an MP4");
                let why = "this recording cannot be made into an MP4\n";
                return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
            }
        }
    }
    let Ok(mut response) = play::file(&file, &parts).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if file.extension().is_some_and(|it| it == "flv") {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("video/x-flv"));
    }
    super::open(&mut response);
    response
}

/// Lets somebody in to a file: by the rules of the recording that it is of. Other files have none.
fn may_have(
    server: &Server,
    root: &FilePath,
    file: &FilePath,
    from: IpAddr,
    parts: &Parts,
) -> Result<(), Refused> {
    let root = root.canonicalize().unwrap_or_default();
    let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
    let of = finalise::was_made(&name).and_then(|it| name.strip_suffix(it.ending()));
    match record::of_file(server, FilePath::new(of.unwrap_or(&name))) {
        Some(recording) => {
            access::check_download(server, &recording.to_string(), from, parts).map(drop)
        }
        None => Ok(()),
    }
}

/// The file of that name, unless its real place is elsewhere.
fn inside(root: &FilePath, path: &str) -> Option<PathBuf> {
    let known = path.ends_with(".flv") || path.ends_with(".mp4");
    let root = root.canonicalize().ok()?;
    let file = root.join(path.trim_start_matches('/')).canonicalize().ok()?;
    (known && file.starts_with(&root) && file.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn htp_01_out_17_the_root_is_never_left() {
        let base = std::env::temp_dir().join(format!("streamd-inside-{}", std::process::id()));
        let root = base.join("recordings");
        std::fs::create_dir_all(root.join("live/a")).unwrap();
        std::fs::write(root.join("live/a/1.flv"), "x").unwrap();
        std::fs::write(base.join("secret.flv"), "x").unwrap();
        std::os::unix::fs::symlink(base.join("secret.flv"), root.join("live/a/2.flv")).unwrap();
        assert!(inside(&root, "live/a/1.flv").is_some());
        for path in [
            "../secret.flv",
            "live/../../secret.flv",
            "live/a/2.flv",
            "live/a",
            "/etc/passwd",
            "live/a/3.flv",
            "",
        ] {
            assert_eq!(inside(&root, path), None, "{path}");
        }
        std::fs::remove_dir_all(base).unwrap();
    }
}
