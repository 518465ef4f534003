//! Playback by the id of an input, a recording or a clip, or by a token for one: `/{x}/manifest/video.m3u8` and what
//! stands beside it. A token stays in the path, so that it holds for all that a playlist names.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use levada_control::{Denied, InputId, NoPlaylist, Phase, PlaylistRequest, RecordingId};
use levada_hls::{INDEX, ReadPlaylist, Variables, read_playlist};
use serde_json::json;
use tower_http::services::ServeFile;

use super::access::{Pass, Refused, Subject, check};
use super::ended::{self, Entry, bounds, stretch};
use super::status::answer;
use super::vod::{Resource, Title, resource};
use super::{flv, hls, page};
use crate::hub::LINGER;
use crate::server::Server;
use crate::signing;
use crate::stream::{Stream, unix_ms};

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// What is asked for, and under which name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asked<'a> {
    name: &'a str,
    what: What<'a>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum What<'a> {
    Manifest(&'a str),
    Lifecycle,
    Views,
    Watch,
    Flv,
}

impl<'a> Asked<'a> {
    /// Reads a path without its first slash. `None` if its first part is neither an id nor a token.
    pub fn parse(path: &'a str) -> Option<Self> {
        let (name, rest) = path.split_once('/')?;
        let is_id = name.len() == 32 && name.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_id && !signing::is_token(name) {
            return None;
        }
        let what = match rest {
            "lifecycle" => What::Lifecycle,
            "views" => What::Views,
            "watch" => What::Watch,
            "live.flv" => What::Flv,
            _ => What::Manifest(rest.strip_prefix("manifest/")?),
        };
        Some(Self { name, what })
    }
}

/// Answers a request for playback.
pub async fn respond(
    server: &Arc<Server>,
    asked: Asked<'_>,
    from: IpAddr,
    request: &Parts,
) -> Response {
    let pass = match check(server, asked.name, from, &request.headers, false) {
        Ok(pass) => pass,
        Err(why) => return refuse(why),
    };
    let found = match request.method {
        Method::GET | Method::HEAD => find(server, &pass, asked.what, from, request).await,
        Method::OPTIONS => Ok(preflight()),
        _ => Ok(StatusCode::METHOD_NOT_ALLOWED.into_response()),
    };
    let mut response = found.unwrap_or_else(refuse);
    pass.dress(&mut response);
    response
}

/// A refusal that players on other sites can read, unless it is because of their site.
pub fn refuse(why: Refused) -> Response {
    let by_origin = matches!(why, Refused::Denied(Denied::Origin));
    let mut response = why.into_response();
    if !by_origin {
        super::open(&mut response);
    }
    response
}

/// What browsers ask before they send a range from another site.
fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "range"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn find(
    server: &Arc<Server>,
    pass: &Pass,
    what: What<'_>,
    from: IpAddr,
    request: &Parts,
) -> Result<Response, Refused> {
    match what {
        What::Manifest(name) => manifest(server, pass, name, from, request).await,
        What::Lifecycle => Ok(lifecycle(server, pass.subject)),
        What::Views => Ok(views(server, pass.subject)),
        What::Watch => Ok(page::player().into_response()),
        What::Flv => {
            let stream = live_stream(server, pass.subject)?;
            count(server, &stream, from, request)?;
            Ok(flv::response(&stream, server.clone()))
        }
    }
}

async fn manifest(
    server: &Arc<Server>,
    pass: &Pass,
    name: &str,
    from: IpAddr,
    request: &Parts,
) -> Result<Response, Refused> {
    let query = request.uri.query().unwrap_or_default();
    match name {
        "video.m3u8" | "clip.m3u8" => {
            let wanted = PlaylistRequest::parse(query, name == "clip.m3u8")?;
            return begin(server, pass.subject, wanted, from, request).await;
        }
        _ => {}
    }
    match resource(server, name) {
        Some(Resource::Playlist(title)) => {
            may_have(server, pass.subject, title)?;
            let (entries, grows) = (title.entries(server).await, title.grows(server));
            Ok(playlist(ended::write(&entries, !grows), request))
        }
        Some(Resource::File(title, number)) => {
            may_have(server, pass.subject, title)?;
            let film = title.film(server, number).await.ok_or(NoPlaylist::NotReady)?;
            let mut response = file(&film, request).await?;
            if !title.grows(server) {
                let hour = HeaderValue::from_static("private, max-age=3600");
                response.headers_mut().insert(header::CACHE_CONTROL, hour);
            }
            Ok(response)
        }
        None => {
            let Subject::Input(input) = pass.subject else { return Err(NoPlaylist::BadId.into()) };
            let stream = server.hub.of_input(input).ok_or(NoPlaylist::NotLive)?;
            count(server, &stream, from, request)?;
            let is_clip = query.split('&').any(|it| it.starts_with("time="));
            let wanted = PlaylistRequest::parse(query, is_clip)?;
            if name.ends_with(".m3u8") && is_past(wanted) {
                let entries = live_entries(&stream, name).ok_or(NoPlaylist::NotReady)?;
                return part_of(&entries, Playing::of(server, input), wanted, request);
            }
            Ok(hls::response(&stream, name, request).await)
        }
    }
}

/// The first playlist that a player asks for.
async fn begin(
    server: &Arc<Server>,
    subject: Subject,
    wanted: PlaylistRequest,
    from: IpAddr,
    request: &Parts,
) -> Result<Response, Refused> {
    let title = match subject {
        Subject::Input(input) => {
            return begin_live(server, input, wanted, from, request).await;
        }
        Subject::Recording(id) => Title::Recording(id),
        Subject::Clip(id) => Title::Clip(id),
    };
    let entries = title.entries(server).await;
    if entries.is_empty() {
        return Err(NoPlaylist::NotReady.into());
    }
    if is_past(wanted) {
        let playing = Playing { id: title.id(), live: title.grows(server) };
        return part_of(&entries, playing, wanted, request);
    }
    Ok(playlist(title.multivariant(server, &entries), request))
}

async fn begin_live(
    server: &Arc<Server>,
    input: InputId,
    wanted: PlaylistRequest,
    from: IpAddr,
    request: &Parts,
) -> Result<Response, Refused> {
    let stream = live_stream(server, Subject::Input(input))?;
    count(server, &stream, from, request)?;
    // What is recorded goes back to the beginning, unless the input has a window of its own.
    let windowed = server
        .control
        .read(|plane, _, _| plane.input(input).is_some_and(|it| it.config.dvr_window_s.is_some()));
    let title = match (wanted, running(server, input)) {
        (PlaylistRequest::Live, _) | (_, None) => None,
        (_, Some(id)) => (!windowed).then_some(Title::Recording(id)),
    };
    if let Some(title) = title {
        let entries = title.entries(server).await;
        if !entries.is_empty() && is_past(wanted) {
            return part_of(&entries, Playing::of(server, input), wanted, request);
        }
        if !entries.is_empty() {
            return Ok(playlist(title.multivariant(server, &entries), request));
        }
    }
    if !is_past(wanted) {
        return Ok(hls::response(&stream, INDEX, request).await);
    }
    past_of_live(server, &stream, wanted, request)
}

/// The past of a stream that is not recorded: its playlists, each with the same query.
fn past_of_live(
    server: &Server,
    stream: &Stream,
    wanted: PlaylistRequest,
    request: &Parts,
) -> Result<Response, Refused> {
    let early = match wanted {
        PlaylistRequest::Clip { .. } => NoPlaylist::TooEarly,
        _ => NoPlaylist::NotReady,
    };
    let index = hls::text(stream, INDEX).ok_or(early)?;
    let first = index.lines().find(|it| !it.starts_with('#') && it.ends_with(".m3u8"));
    let entries = first.and_then(|it| live_entries(stream, it)).ok_or(early)?;
    let playing = Playing::of(server, stream.input());
    let mut response = part_of(&entries, playing, wanted, request)?;
    let query = request.uri.query().unwrap_or_default();
    let text = index.replace(".m3u8", &format!(".m3u8?{query}"));
    *response.body_mut() = body(text, request);
    Ok(response)
}

/// The segments of one of a live stream's playlists.
fn live_entries(stream: &Stream, name: &str) -> Option<Vec<Entry>> {
    let text = hls::text(stream, name)?;
    let Ok(ReadPlaylist::Media(read)) = read_playlist(&text, &Variables::default()) else {
        return None;
    };
    Some(ended::of_live(&read, stream.packaging().begun.unwrap_or_else(unix_ms)))
}

/// What a stretch is a part of.
struct Playing {
    id: String,
    live: bool,
}

impl Playing {
    fn of(server: &Server, input: InputId) -> Self {
        let id = running(server, input).map_or_else(|| input.to_string(), |it| it.to_string());
        Self { id, live: true }
    }
}

fn is_past(wanted: PlaylistRequest) -> bool {
    matches!(wanted, PlaylistRequest::Preview { .. } | PlaylistRequest::Clip { .. })
}

/// A stretch of what there is, as a playlist that has ended.
fn part_of(
    entries: &[Entry],
    playing: Playing,
    wanted: PlaylistRequest,
    request: &Parts,
) -> Result<Response, Refused> {
    let (first, last) = bounds(entries);
    let part = stretch(entries, wanted.range(first, last, playing.live)?);
    let Some(begin) = part.first() else { return Err(NoPlaylist::NoSource.into()) };
    let mut response = playlist(ended::write(part, true), request);
    let headers = response.headers_mut();
    let start = format!("{:.3}", begin.start.as_secs_f64());
    for (name, value) in [("preview-start-seconds", start), ("stream-media-id", playing.id)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let exposed = HeaderValue::from_static("preview-start-seconds, stream-media-id");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    Ok(response)
}

/// Whether somebody who may have one thing may have another by the same name in the path.
fn may_have(server: &Server, subject: Subject, title: Title) -> Result<(), Refused> {
    let may = match (subject, title) {
        (Subject::Recording(a), Title::Recording(b)) => a == b,
        (Subject::Clip(a), Title::Clip(b)) => a == b,
        (Subject::Input(input), Title::Recording(id)) => server.control.read(|plane, _, _| {
            let Some(facts) = plane.recording(id).map(levada_control::Recording::facts) else {
                return false;
            };
            // Players may be behind when it ends.
            let linger = i64::try_from(LINGER.as_millis()).unwrap_or(i64::MAX);
            let lately = |ended: i64| unix_ms() - ended < linger;
            facts.input == input && facts.ended.is_none_or(lately)
        }),
        _ => false,
    };
    if may { Ok(()) } else { Err(Denied::TokenWrongSubject.into()) }
}

/// The recording that an input is being recorded into.
fn running(server: &Server, input: InputId) -> Option<RecordingId> {
    server.control.read(|plane, _, _| plane.input(input)?.recorder.state().recording())
}

fn is_live(server: &Server, input: InputId) -> bool {
    server.control.read(|plane, _, _| {
        let phase = plane.input(input).map(|it| it.machine.phase());
        matches!(phase, Some(Phase::Live { .. } | Phase::Suspended { .. }))
    })
}

fn live_stream(server: &Server, subject: Subject) -> Result<Arc<Stream>, NoPlaylist> {
    let Subject::Input(input) = subject else { return Err(NoPlaylist::NoSource) };
    let stream = server.hub.of_input(input).filter(|it| !it.is_over());
    stream.filter(|_| is_live(server, input)).ok_or(NoPlaylist::NotLive)
}

/// Counts a viewer, if there may be one more.
fn count(server: &Server, stream: &Stream, from: IpAddr, request: &Parts) -> Result<(), Denied> {
    let agent = request.headers.get(header::USER_AGENT);
    let most = server.config().max_viewers;
    let counted = stream.viewed((from, agent.map(HeaderValue::as_bytes)), most);
    if counted { Ok(()) } else { Err(Denied::TooManyViewers) }
}

fn lifecycle(server: &Server, subject: Subject) -> Response {
    answer(&match subject {
        Subject::Input(input) => {
            json!({ "isInput": true, "videoUID": running(server, input), "live": is_live(server, input) })
        }
        Subject::Recording(id) => {
            json!({ "isInput": false, "videoUID": id, "live": Title::Recording(id).grows(server) })
        }
        Subject::Clip(id) => json!({ "isInput": false, "videoUID": id, "live": false }),
    })
}

fn views(server: &Server, subject: Subject) -> Response {
    let input = server.control.read(|plane, _, _| match subject {
        Subject::Input(id) => Some(id),
        Subject::Recording(id) => {
            let input = plane.recording(id)?.facts().input;
            (plane.input(input)?.recorder.state().recording() == Some(id)).then_some(input)
        }
        Subject::Clip(_) => None,
    });
    let counts = input.and_then(|it| server.hub.of_input(it)).map(|it| it.counts());
    let viewers = counts.filter(|it| it.live).map_or(0, |it| it.players + it.hls_viewers);
    answer(&json!({ "liveViewers": viewers }))
}

fn playlist(text: String, request: &Parts) -> Response {
    let headers = [(header::CONTENT_TYPE, PLAYLIST), (header::CACHE_CONTROL, "no-store")];
    (headers, body(text, request)).into_response()
}

fn body(text: String, request: &Parts) -> Body {
    if request.method == Method::HEAD { Body::empty() } else { Body::from(text) }
}

/// A file, or the range of it that is asked for.
pub async fn file(path: &std::path::Path, parts: &Parts) -> Result<Response, Refused> {
    let request = Request::from_parts(parts.clone(), Body::empty());
    let response = ServeFile::new(path).try_call(request).await;
    let response = response.map_err(|_| NoPlaylist::NotReady)?;
    Ok(response.map(Body::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ids_or_tokens() {
        let id = "0123456789abcdef0123456789abcdef";
        for name in [id, "eyJ.eyJ.c2ln"] {
            for (rest, what) in [
                ("manifest/video.m3u8", Some(What::Manifest("video.m3u8"))),
                ("lifecycle", Some(What::Lifecycle)),
                ("live.flv", Some(What::Flv)),
                ("index.m3u8", None),
            ] {
                let path = format!("{name}/{rest}");
                let asked = what.map(|what| Asked { name, what });
                assert_eq!(Asked::parse(&path), asked, "{path}");
            }
        }
        for path in ["live/manifest/video.m3u8", "live/a.flv", "watch", "", "a.b/lifecycle"] {
            assert_eq!(Asked::parse(path), None, "{path}");
        }
    }
}
