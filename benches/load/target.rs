//! Where to publish and to play.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, bail};
use levada_handshake::Entropy;
use levada_session::{ClientConfig, ClientSession, PlayStart, PublishKind, RtmpUrl};

/// Where players find a stream.
#[derive(Clone, Debug)]
pub enum Target {
    Rtmp(RtmpUrl),
    /// HTTP-FLV: the host as written, and the path.
    Flv {
        host: String,
        path: String,
    },
}

impl Target {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if let Some(rest) = text.strip_prefix("http://") {
            let (host, path) = rest.split_once('/').context("the URL names no stream")?;
            return Ok(Self::Flv { host: host.to_owned(), path: format!("/{path}") });
        }
        rtmp(text).map(Self::Rtmp)
    }

    /// The same for the publisher with this index: all but the first have a number behind their name.
    pub fn numbered(&self, index: usize) -> Self {
        match self {
            Self::Rtmp(url) => Self::Rtmp(numbered(url, index)),
            Self::Flv { host, path } => {
                Self::Flv { host: host.clone(), path: behind_name(path, index) }
            }
        }
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        match self {
            Self::Rtmp(url) => address(url),
            Self::Flv { host, .. } if host.contains(':') => resolve(host.as_str()),
            Self::Flv { host, .. } => resolve((host.as_str(), 80)),
        }
    }
}

/// An RTMP URL with a stream.
pub fn rtmp(text: &str) -> anyhow::Result<RtmpUrl> {
    let url = RtmpUrl::parse(text)
        .with_context(|| format!("{text} is no URL of RTMP: rtmp://HOST:PORT/APP/NAME"))?;
    if url.secure {
        bail!("rtmps is not measured here: give an rtmp:// URL");
    }
    if url.stream.is_empty() {
        bail!("{text} names no stream: rtmp://HOST:PORT/APP/NAME");
    }
    Ok(url)
}

pub fn numbered(url: &RtmpUrl, index: usize) -> RtmpUrl {
    let mut url = url.clone();
    url.stream = behind_name(&url.stream, index);
    url
}

/// `name.flv?query` becomes `name-2.flv?query`.
fn behind_name(text: &str, index: usize) -> String {
    if index == 0 {
        return text.to_owned();
    }
    let (name, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let (name, ending) = match name.strip_suffix(".flv") {
        Some(name) => (name, ".flv"),
        None => (name, ""),
    };
    format!("{name}-{}{ending}{query}", index + 1)
}

pub fn address(url: &RtmpUrl) -> anyhow::Result<SocketAddr> {
    resolve((url.host.as_str(), url.port))
}

fn resolve(host: impl ToSocketAddrs + std::fmt::Debug) -> anyhow::Result<SocketAddr> {
    let found = host.to_socket_addrs().ok().and_then(|mut it| it.next());
    found.with_context(|| format!("{host:?} is no host that can be found"))
}

pub fn player(url: &RtmpUrl) -> anyhow::Result<ClientSession> {
    let mut session = session(url);
    session.play(&url.stream, PlayStart::Live, None)?;
    Ok(session)
}

pub fn publisher(url: &RtmpUrl) -> anyhow::Result<ClientSession> {
    let mut session = session(url);
    session.publish(&url.stream, PublishKind::Live)?;
    Ok(session)
}

fn session(url: &RtmpUrl) -> ClientSession {
    // Nothing here is worth being random.
    let entropy = Entropy::new([7; 1528]);
    ClientSession::new(ClientConfig::new(url.clone()), entropy, std::time::Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_the_name() {
        assert_eq!(behind_name("load", 0), "load");
        assert_eq!(behind_name("load?key=1", 1), "load-2?key=1");
        assert_eq!(behind_name("/live/load.flv", 9), "/live/load-10.flv");
    }

    #[test]
    fn urls_say_what_is_wrong() {
        let why = |text| Target::parse(text).expect_err("no target").to_string();
        assert!(why("rtmp://127.0.0.1/live").contains("names no stream"));
        assert!(why("127.0.0.1").contains("rtmp://HOST:PORT/APP/NAME"));
        assert!(why("http://127.0.0.1").contains("names no stream"));
    }
}
