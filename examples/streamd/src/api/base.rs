//! Where callers find this server: what `--public` says, or else the name that they called it by.

use axum::http::{HeaderMap, header};
use levada_control::Secret;
use serde_json::Value;

use crate::server::Server;

/// The server's addresses as a caller sees them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Base {
    /// `https://live.example.org`, without a slash at its end.
    pub http: String,
    /// The name alone; IPv6 in brackets.
    pub host: String,
    rtmp: u16,
    rtmps: Option<u16>,
}

impl Base {
    /// What the caller of these headers should use.
    pub fn of(server: &Server, headers: &HeaderMap) -> Self {
        let config = server.config();
        let public = config.public.as_deref();
        let asked = || headers.get(header::HOST).and_then(|it| it.to_str().ok());
        let called = || asked().filter(|it| is_authority(it)).map(|it| format!("http://{it}"));
        let http = public.map(str::to_owned).or_else(called);
        let http = http.unwrap_or_else(|| format!("http://{}", config.http));
        let (rtmp, rtmps) = server.ports();
        Self { host: host_of(&http).to_owned(), http, rtmp, rtmps }
    }

    /// The same server as a region calls it, if `--region` names that. Nothing else depends on a region.
    #[must_use]
    pub fn in_region(&self, region: Option<&Value>, hosts: &[(String, String)]) -> Self {
        let region = region.and_then(Value::as_str);
        let host = hosts.iter().find(|it| Some(it.0.as_str()) == region);
        let host = host.map_or(&self.host, |it| &it.1).clone();
        Self { host, ..self.clone() }
    }

    /// `rtmp://host:1935/live`.
    pub fn rtmp(&self, app: &str) -> String {
        with_port("rtmp", &self.host, self.rtmp, 1935, app)
    }

    /// The same behind TLS, if there is that.
    pub fn rtmps(&self, app: &str) -> Option<String> {
        self.rtmps.map(|it| with_port("rtmps", &self.host, it, 443, app))
    }

    /// An input's or a recording's playlist.
    pub fn playlist(&self, id: impl std::fmt::Display) -> String {
        format!("{}/{id}/manifest/video.m3u8", self.http)
    }

    pub fn watch(&self, id: impl std::fmt::Display) -> String {
        format!("{}/{id}/watch", self.http)
    }
}

/// A URL of RTMP whose name needs this key.
pub fn with_key(url: &str, key: Option<&Secret>) -> String {
    format!("{url}?{}", key.map(Secret::reveal).unwrap_or_default())
}

fn with_port(scheme: &str, host: &str, port: u16, usual: u16, app: &str) -> String {
    let port = if port == usual { String::new() } else { format!(":{port}") };
    format!("{scheme}://{host}{port}/{app}")
}

/// The host of `scheme://host:port/…`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind(']') {
        Some(end) => authority.get(..=end).unwrap_or(authority),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether a Host header holds a name, an address and a port, and nothing else: it comes back in answers.
fn is_authority(text: &str) -> bool {
    let known = |it: u8| it.is_ascii_alphanumeric() || b"-._:[]".contains(&it);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_urls() {
        for (url, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("https://live.example.org", "live.example.org"),
            ("https://live.example.org/a:b", "live.example.org"),
            ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ] {
            assert_eq!(host_of(url), host);
        }
        assert!(is_authority("[::1]:8080") && is_authority("a-b.example:1"));
        assert!(!is_authority("") && !is_authority("a/b") && !is_authority("a\"b"));
        assert_eq!(with_port("rtmp", "h", 1935, 1935, "live"), "rtmp://h/live");
        assert_eq!(with_port("rtmps", "h", 1936, 443, "in/7"), "rtmps://h:1936/in/7");
    }
}
