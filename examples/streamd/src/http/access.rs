//! Who may watch what: names in paths, tokens, origins.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use levada_control::{
    AccessRules, Claims, ClipId, Denied, InputId, NoPlaylist, Plane, RecordingId, Scope, Token,
    Viewer, decide,
};

use crate::api::ApiError;
use crate::server::Server;
use crate::{clips, signing};

/// What a name in a path stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    Input(InputId),
    Recording(RecordingId),
    Clip(ClipId),
}

impl Subject {
    /// What an id names. Ids of different kinds look alike, and are drawn so that no two are the same.
    pub fn of(plane: &Plane, id: &str) -> Option<Self> {
        let input = id.parse().ok().filter(|it| plane.input(*it).is_some()).map(Self::Input);
        let recording = || {
            let id = id.parse().ok().filter(|it| plane.recording(*it).is_some());
            id.map(Self::Recording)
        };
        let clip = || id.parse().ok().filter(|it| plane.clip(*it).is_some()).map(Self::Clip);
        input.or_else(recording).or_else(clip)
    }

    fn id(self) -> String {
        match self {
            Self::Input(id) => id.to_string(),
            Self::Recording(id) => id.to_string(),
            Self::Clip(id) => id.to_string(),
        }
    }

    /// Its rules, and whose tokens open it.
    fn rules(self, server: &Server) -> Result<(AccessRules, Vec<String>), NoPlaylist> {
        let mut opens = vec![self.id()];
        let rules = server.control.read(|plane, _, extras| match self {
            Self::Input(id) => plane.access_by_input(id).cloned(),
            Self::Recording(id) => plane.access_by_recording(id).map(|(rules, input)| {
                opens.extend(input.map(|it| it.to_string()));
                rules.clone()
            }),
            Self::Clip(id) => clips::access(extras, id).ok_or(NoPlaylist::NotReady),
        })?;
        Ok((rules, opens))
    }
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct Pass {
    pub subject: Subject,
    /// The page that may read the answer, if not all may.
    origin: Option<String>,
    /// Whether the answer depends on who asks.
    varies: bool,
}

/// Why somebody was not.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    Denied(Denied),
    Missing(NoPlaylist),
}

impl From<Denied> for Refused {
    fn from(why: Denied) -> Self {
        Self::Denied(why)
    }
}

impl From<NoPlaylist> for Refused {
    fn from(why: NoPlaylist) -> Self {
        Self::Missing(why)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, message, number) = match self {
            Self::Denied(why) => (why.status(), why.code(), why.to_string(), None),
            Self::Missing(why) => (why.status(), word(why), why.to_string(), why.err_code()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        if status == StatusCode::NO_CONTENT {
            return (status, [(header::CACHE_CONTROL, "no-store")]).into_response();
        }
        let mut response = ApiError::new(status, code, message).into_response();
        if let Some(number) = number {
            let name = HeaderName::from_static("x-err-code");
            response.headers_mut().insert(name, number.into());
        }
        response
    }
}

fn word(why: NoPlaylist) -> &'static str {
    match why {
        NoPlaylist::BadQuery => "bad_query",
        NoPlaylist::BadId => "bad_id",
        NoPlaylist::NotReady => "not_ready",
        NoPlaylist::NoSource => "no_source",
        NoPlaylist::TooEarly => "too_early",
        _ => "not_live",
    }
}

/// Lets a viewer in to what a name stands for: an id, or a token that names one.
pub fn check(
    server: &Server,
    name: &str,
    from: IpAddr,
    headers: &HeaderMap,
    download: bool,
) -> Result<Pass, Refused> {
    let claims = signing::is_token(name).then(|| signing::open(&server.control, name)).transpose();
    let claims = claims?;
    let id = claims.as_ref().map_or(name, |it| it.sub.as_str());
    let subject = server.control.read(|plane, _, _| Subject::of(plane, id));
    let subject = match (subject, &claims) {
        (Some(subject), _) => subject,
        (None, Some(_)) => return Err(Denied::TokenWrongSubject.into()),
        (None, None) => return Err(NoPlaylist::BadId.into()),
    };
    admit(server, subject, claims.as_ref(), from, headers, download)
}

/// Lets a viewer in to something that is known, without a token of its own: what is watched by a public name.
pub fn check_input(
    server: &Server,
    input: InputId,
    from: IpAddr,
    headers: &HeaderMap,
) -> Result<Pass, Refused> {
    admit(server, Subject::Input(input), None, from, headers, false)
}

/// Lets somebody in who wants a file: as a viewer, or as a caller of the API who may read.
pub fn check_download(
    server: &Server,
    name: &str,
    from: IpAddr,
    parts: &Parts,
) -> Result<Pass, Refused> {
    let denied = match check(server, name, from, &parts.headers, true) {
        Err(Refused::Denied(why)) => why,
        other => return other,
    };
    let known = || {
        !server.tokens.is_open()
            && server.tokens.caller(&parts.headers).is_ok_and(|it| it.has(Scope::Read))
    };
    let subject = server.control.read(|plane, _, _| Subject::of(plane, name));
    match subject.filter(|_| known()) {
        Some(subject) => Ok(Pass { subject, origin: None, varies: true }),
        None => Err(denied.into()),
    }
}

fn admit(
    server: &Server,
    subject: Subject,
    claims: Option<&Claims>,
    from: IpAddr,
    headers: &HeaderMap,
    download: bool,
) -> Result<Pass, Refused> {
    let (rules, opens) = subject.rules(server)?;
    let opens: Vec<&str> = opens.iter().map(String::as_str).collect();
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let countries = server.countries();
    let viewer = Viewer {
        address: from,
        country: countries.of(from),
        origin: text(header::ORIGIN),
        referer: text(header::REFERER),
        download,
    };
    let token = claims.map_or(Token::None, Token::Verified);
    let allowed = decide(server.control.now(), &rules, &opens, token, &viewer)?;
    Ok(Pass { subject, origin: allowed.cors_origin, varies: !rules.allowed_origins.is_empty() })
}

impl Pass {
    /// For what has no rules any more.
    pub fn anybody(input: InputId) -> Self {
        Self { subject: Subject::Input(input), origin: None, varies: false }
    }

    /// Tells browsers who may read the answer.
    pub fn dress(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if !self.varies {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return;
        }
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        match self.origin.as_deref().and_then(|it| HeaderValue::from_str(it).ok()) {
            Some(origin) => _ = headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
            None => _ = headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        }
    }
}
