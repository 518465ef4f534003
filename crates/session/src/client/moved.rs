//! When a server sends its client elsewhere.

use levada_amf::Value;

use super::{ClientEvent, ClientSession};
use crate::auth::Challenge;
use crate::{ClientConfig, CloseReason, Purpose, RtmpUrl, StatusInfo};

/// How often a client lets itself be sent elsewhere. More is a circle.
const MAX_HOPS: u8 = 5;

/// Where to go on, over a new connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moved {
    /// Why.
    pub why: MoveReason,
    /// For the next session. Its URL names host, port and whether TLS comes first. Whether that host is acceptable
    /// is for the application to say.
    pub config: ClientConfig,
}

/// Why a client has to open another connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MoveReason {
    /// The application is elsewhere. This session closes.
    Redirected,
    /// The server wants to know who we are, or wants it proved. This session closes.
    Authentication,
    /// The server wants us to reconnect at the next keyframe. This session goes on until it is closed. Enhanced RTMP
    /// v2, "Reconnect Request".
    ReconnectRequest,
}

impl ClientSession {
    /// A refused connect: where else to go, or the end.
    pub(super) fn connect_refused(&mut self, info: &Value) -> ClientEvent {
        let status = StatusInfo::parse(info);
        let moved = self.redirected(info).or_else(|| self.challenged(&status.description));
        self.finish(CloseReason::Refused);
        match moved {
            Some(moved) => ClientEvent::Moved(Box::new(moved)),
            None => ClientEvent::Rejected { purpose: Purpose::Connect, stream: None, info: status },
        }
    }

    /// `ex: {code: 302, redirect: url}` of old servers.
    fn redirected(&self, info: &Value) -> Option<Moved> {
        let target = info.as_object()?.object("ex")?.str("redirect")?;
        let config = self.config.moved_to(target)?;
        Some(Moved { why: MoveReason::Redirected, config })
    }

    fn challenged(&self, description: &str) -> Option<Moved> {
        let credentials = self.config.credentials.as_ref()?;
        let challenge = Challenge::parse(description)?;
        let mut config = self.config.clone();
        let app = &self.config.url.app;
        config.url.app = config.auth.answer(&challenge, credentials, app, &self.chance)?;
        Some(Moved { why: MoveReason::Authentication, config })
    }

    /// A request to reconnect. Without a URL it is the one that we are connected to.
    pub(super) fn reconnect_requested(&self, info: &Value) -> Option<ClientEvent> {
        let target = info.as_object().and_then(|it| it.str("tcUrl")).unwrap_or_default();
        let config = self.config.moved_to(target)?;
        let moved = Moved { why: MoveReason::ReconnectRequest, config };
        Some(ClientEvent::Moved(Box::new(moved)))
    }
}

impl ClientConfig {
    /// The same for another URL, unless that is none, or without TLS where this one has it, or one too many.
    fn moved_to(&self, target: &str) -> Option<Self> {
        let url: RtmpUrl = self.url.resolve(target).ok()?;
        let hops = self.hops + 1;
        let safe = url.secure || !self.url.secure;
        (safe && hops <= MAX_HOPS).then(|| Self { url, hops, ..self.clone() })
    }
}
