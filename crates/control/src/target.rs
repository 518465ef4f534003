//! Where a server may call: output targets, pull sources, hook endpoints.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::{Error, Secret};

/// How a target is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Scheme {
    /// RTMP over TCP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
    /// HTTP, for FLV, HLS and hooks.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Rtmp => 1935,
            Self::Rtmps | Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Scheme, host and port of a URL, without anything that could be a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Place {
    /// How to speak.
    pub scheme: Scheme,
    /// Name or address, in lower case, IPv6 without brackets.
    pub host: String,
    /// The port, the scheme's own if none was named.
    pub port: u16,
}

impl Place {
    /// Takes a URL apart into its place, what follows (path and query without the first `/`), and user and password.
    fn parse<'a>(
        field: &'static str,
        url: &'a str,
        allowed: &[Scheme],
    ) -> Result<(Self, &'a str, Option<&'a str>), Error> {
        let invalid = |why| Error::Invalid { field, why };
        let forbidden_byte = |it: char| it.is_control() || it.is_whitespace() || it == '\\';
        if url.contains(forbidden_byte) {
            return Err(invalid("must not hold blanks, backslashes or control characters"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("must be a URL"))?;
        let scheme = [Scheme::Rtmp, Scheme::Rtmps, Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(scheme))
            .filter(|it| allowed.contains(it))
            .ok_or_else(|| invalid("has a scheme that is not allowed"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // User and password belong to whoever connects; the place is public.
        let (login, host_and_port) = match authority.rsplit_once('@') {
            Some((login, rest)) => (Some(login), rest),
            None => (None, authority),
        };
        let (host, port) = split_port(host_and_port).ok_or_else(|| invalid("has no valid port"))?;
        if host.is_empty() || host.len() > 253 {
            return Err(invalid("has no valid host"));
        }
        let port = port.unwrap_or_else(|| scheme.default_port());
        let path = path.strip_prefix('/').unwrap_or(path);
        Ok((Self { scheme, host: host.to_ascii_lowercase(), port }, path, login))
    }

    /// Whether the host is one of these, or an address that [`is_private`].
    fn is_forbidden(&self, own: &[Self], private_allowed: bool) -> bool {
        let address = self.host.parse::<IpAddr>().ok();
        let is_local = self.host == "localhost" || self.host.ends_with(".localhost");
        let private = is_local || address.is_some_and(is_private);
        own.iter().any(|it| it.host == self.host && it.port == self.port)
            || (private && !private_allowed)
    }
}

/// Splits `host:port`, `[v6]:port`, `host`. The port must be 1–65535.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<core::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    match port {
        None => Some((host, None)),
        Some(port) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            port.parse().ok().filter(|it| *it > 0).map(|it| (host, Some(it)))
        }
        Some(_) => None,
    }
}

/// Addresses that belong to no stranger: loopback, private, link-local, shared, multicast, unspecified.
///
/// Check the address that is connected to, after the name was resolved: a name can say one thing when it is
/// configured and another when it is used.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            it.is_loopback()
                || it.is_private()
                || it.is_link_local()
                || it.is_multicast()
                || it.is_broadcast()
                || it.is_documentation()
                || a == 0
                || (a == 100 && b & 0xc0 == 64) // RFC 6598
                || (a == 198 && b & 0xfe == 18) // RFC 2544
                || a >= 240
        }
        IpAddr::V6(it) => {
            let first = it.segments()[0];
            // A v4 address in v6 clothes is judged as what it is: ::ffff:0:0/96, 64:ff9b::/96, 2002::/16.
            let [.., a, b, c, d] = it.octets();
            let translated =
                it.to_ipv4_mapped().is_some() || it.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            let inner = translated.then(|| IpAddr::from([a, b, c, d])).or_else(|| {
                let [_, _, a, b, c, d, ..] = it.octets();
                (first == 0x2002).then(|| IpAddr::from([a, b, c, d]))
            });
            it.is_loopback()
                || it.is_unspecified()
                || it.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
                || inner.is_some_and(is_private)
        }
    }
}

/// Which places a plane may call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TargetRules {
    /// Whether private and loopback addresses are fine. Off: this server's network is nobody's playground.
    pub private_allowed: bool,
    /// Our own ingest, so that no output feeds the input that feeds it.
    pub own: Vec<Place>,
    /// Places that whoever runs the server named, wherever they are.
    #[cfg_attr(feature = "serde", serde(default))]
    pub trusted: Vec<Place>,
    /// Whether pulls may use HTTP and HTTPS beside RTMP and RTMPS.
    pub pull_over_http: bool,
}

impl TargetRules {
    pub(crate) fn check(&self, field: &'static str, place: &Place) -> Result<(), Error> {
        if place.is_forbidden(&self.own, self.private_allowed) && !self.trusted.contains(place) {
            return Err(Error::TargetForbidden { field });
        }
        Ok(())
    }

    /// Whether an address that a name resolved to may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.private_allowed || !is_private(address)
    }

    /// The same for an address that this host name resolved to, which may be trusted.
    pub fn allows_at(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let is_it = |it: &Place| it.host.eq_ignore_ascii_case(host) && it.port == port;
        self.trusted.iter().any(is_it) || self.allows(address)
    }

    /// Checks where a hook posts to.
    pub fn hook(&self, url: &str) -> Result<Place, Error> {
        if url.len() > 2048 {
            return Err(Error::Invalid { field: "url", why: "must have at most 2048 characters" });
        }
        let (place, ..) = Place::parse("url", url, &[Scheme::Http, Scheme::Https])?;
        self.check("url", &place)?;
        Ok(place)
    }
}

/// Where an output goes: all of it but the stream's name, which is a secret.
///
/// | url | key | app | name |
/// |---|---|---|---|
/// | `rtmp://h/app` | `k` | `app` | `k` |
/// | `rtmp://h/app/` | `/k` | `app` | `k` |
/// | `rtmp://h/a/b` | `k?x=1&y` | `a/b` | `k?x=1&y` |
/// | `rtmp://h/a/b/k` | – | `a/b` | `k` |
/// | `rtmp://h/a/k?x=/1` | – | `a` | `k?x=/1` |
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Target {
    /// Scheme, host and port.
    pub place: Place,
    /// The application: the path before the name.
    pub app: String,
    /// Whether the secret begins with a user and a password, and an `@`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub login: bool,
}

impl Target {
    /// Joins URL and key with exactly one `/`, and takes the result apart into what may be seen and what may not.
    pub fn parse(
        url: &str,
        key: Option<&str>,
        rules: &TargetRules,
    ) -> Result<(Self, Secret), Error> {
        let invalid = |field, why| Error::Invalid { field, why };
        if url.len() > 2048 {
            return Err(invalid("url", "must have at most 2048 characters"));
        }
        let (place, path, login) = Place::parse("url", url, &[Scheme::Rtmp, Scheme::Rtmps])?;
        rules.check("url", &place)?;
        let (app, name) = match key.filter(|it| !it.is_empty()) {
            Some(key) => (path.trim_end_matches('/'), key.trim_start_matches('/')),
            None => {
                // A slash behind the `?` is part of the name.
                let end = path.find('?').unwrap_or(path.len());
                let slash = path.get(..end).and_then(|it| it.rfind('/'));
                slash
                    .and_then(|at| {
                        Some((path.get(..at)?.trim_end_matches('/'), path.get(at + 1..)?))
                    })
                    .ok_or_else(|| invalid("key", "must be there, in the URL or by itself"))?
            }
        };
        if app.is_empty() {
            return Err(invalid("url", "must name an application"));
        }
        if name.is_empty() || name.len() > 1024 || name.contains(|it: char| it.is_control()) {
            let why = "must have 1 to 1024 characters, none of them control characters";
            return Err(invalid("key", why));
        }
        let secret = match login {
            Some(login) => Secret::new(alloc::format!("{}@{name}", login.replace('@', "%40"))),
            None => Secret::new(name),
        };
        Ok((Self { place, app: app.to_string(), login: login.is_some() }, secret))
    }

    /// The URL without the name, to be shown.
    pub fn url(&self) -> String {
        self.url_with("")
    }

    /// The URL to connect to, and the name to publish.
    pub fn reveal<'a>(&self, secret: &'a Secret) -> (String, &'a str) {
        match secret.reveal().split_once('@') {
            Some((login, name)) if self.login => (self.url_with(&alloc::format!("{login}@")), name),
            _ => (self.url(), secret.reveal()),
        }
    }

    fn url_with(&self, login: &str) -> String {
        let Place { scheme, host, port } = &self.place;
        let brackets = if host.contains(':') { ("[", "]") } else { ("", "") };
        let (open, close) = brackets;
        let port =
            if *port == scheme.default_port() { String::new() } else { alloc::format!(":{port}") };
        alloc::format!("{}://{login}{open}{host}{close}{port}/{}", scheme.as_str(), self.app)
    }
}

/// The most characters of a pull's URL field.
pub const PULL_FIELD: usize = 255;

/// Takes the URL field of a pull apart: URLs with blanks between them, [`PULL_FIELD`] characters in all.
///
/// The places may be shown. The URLs themselves can hold passwords, so they go into a
/// [`Keyring`](crate::Keyring) as [`KeyRef::Pull`](crate::KeyRef::Pull).
pub fn parse_pull_list(field: &str, rules: &TargetRules) -> Result<Vec<Place>, Error> {
    let invalid = |why| Error::Invalid { field: "pull.urls", why };
    if field.len() > PULL_FIELD * 4 || field.chars().count() > PULL_FIELD {
        return Err(invalid("must have at most 255 characters"));
    }
    let all = [Scheme::Rtmp, Scheme::Rtmps, Scheme::Http, Scheme::Https];
    let allowed = if rules.pull_over_http { &all[..] } else { &all[..2] };
    let places = field
        .split(' ')
        .filter(|it| !it.is_empty())
        .map(|url| {
            let (place, ..) = Place::parse("pull.urls", url, allowed)?;
            rules.check("pull.urls", &place)?;
            Ok(place)
        })
        .collect::<Result<Vec<_>, Error>>()?;
    if places.is_empty() {
        return Err(invalid("must hold a URL"));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn s02_url_and_key_are_joined_with_one_slash() {
        for (url, key, app, name) in [
            ("rtmp://h/app", Some("k"), "app", "k"),
            ("rtmp://h/app/", Some("k"), "app", "k"),
            ("rtmp://h/app/", Some("/k"), "app", "k"),
            ("rtmp://h/app", Some("/k"), "app", "k"),
            ("rtmp://h/a/b", Some("live_1-2?x=1&y=2"), "a/b", "live_1-2?x=1&y=2"),
            ("rtmp://h/app/k", None, "app", "k"),
            ("rtmp://h/a/b/k?x=/1&y", None, "a/b", "k?x=/1&y"),
            ("rtmp://h/a//k", None, "a", "k"),
            ("rtmps://h:443/live2", Some("abcd-efgh"), "live2", "abcd-efgh"),
            ("RTMP://H/app", Some(""), "", ""),
        ] {
            let parsed = Target::parse(url, key, &TargetRules::default());
            if app.is_empty() {
                assert_eq!(parsed.err().and_then(|it| it.field()), Some("key"), "{url}");
                continue;
            }
            let (target, secret) = parsed.unwrap();
            assert_eq!((target.app.as_str(), secret.reveal()), (app, name), "{url} {key:?}");
        }
        let (target, _) =
            Target::parse("rtmps://Example.org:443/a", Some("k"), &TargetRules::default()).unwrap();
        assert_eq!(target.url(), "rtmps://example.org/a");
        let (target, _) =
            Target::parse("rtmp://[2a00::1]:1936/a", Some("k"), &TargetRules::default()).unwrap();
        assert_eq!(target.url(), "rtmp://[2a00::1]:1936/a");
    }

    #[test]
    fn targets_that_are_none_name_the_field() {
        let long = format!("rtmp://h/{}", "a".repeat(2048));
        let (key, long_key) = ("a".repeat(1024), "a".repeat(1025));
        assert!(Target::parse("rtmp://h/app", Some(&key), &TargetRules::default()).is_ok());
        let long_name = format!("rtmp://h/app/{long_key}");
        for (url, key, field) in [
            ("", Some("k"), "url"),
            ("h/app", Some("k"), "url"),
            ("file:///etc/passwd", Some("k"), "url"),
            ("http://h/app", Some("k"), "url"),
            ("rtmp://", Some("k"), "url"),
            ("rtmp:///app", Some("k"), "url"),
            ("rtmp://h", Some("k"), "url"),
            ("rtmp://h:0/app", Some("k"), "url"),
            ("rtmp://h:65536/app", Some("k"), "url"),
            ("rtmp://h:+1/app", Some("k"), "url"),
            ("rtmp://h:/app", Some("k"), "url"),
            ("rtmp://[::1/app", Some("k"), "url"),
            ("rtmp://h/a b", Some("k"), "url"),
            ("rtmp://h/a\u{9b}31m", Some("k"), "url"),
            ("rtmp://h/app", Some("/"), "key"),
            ("rtmp://h/app", Some("a\r\nb"), "key"),
            (&long, Some("k"), "url"),
            (&long_name, None, "key"),
            ("rtmp://h/app", Some(&long_key), "key"),
        ] {
            let error = Target::parse(url, key, &TargetRules::default()).unwrap_err();
            assert_eq!((error.code(), error.field()), ("invalid", Some(field)), "{url} {key:?}");
        }
    }

    #[test]
    fn api_09_private_places_and_our_own_ingest_are_no_targets() {
        let own = Place { scheme: Scheme::Rtmp, host: "ingest.example".into(), port: 1935 };
        let rules = TargetRules { own: Vec::from([own]), ..TargetRules::default() };
        for host in [
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "INGEST.example",
            "224.0.0.1",
        ] {
            let refused = Target::parse(&format!("rtmp://{host}/a"), Some("k"), &rules);
            assert_eq!(refused.err(), Some(Error::TargetForbidden { field: "url" }), "{host}");
            let refused = parse_pull_list(&format!("rtmp://{host}/a/k"), &rules);
            assert_eq!(
                refused.err(),
                Some(Error::TargetForbidden { field: "pull.urls" }),
                "{host}"
            );
            let refused = rules.hook(&format!("https://{host}/"));
            // The ingest's port is another one than the hook's.
            assert_eq!(refused.is_ok(), host == "INGEST.example", "{host}");
        }
        for host in ["8.8.8.8", "[2a00::1]", "example.org", "172.32.0.1"] {
            assert!(
                Target::parse(&format!("rtmp://{host}/a"), Some("k"), &rules).is_ok(),
                "{host}"
            );
        }
        let open = TargetRules { private_allowed: true, ..rules };
        assert!(Target::parse("rtmp://127.0.0.1/a", Some("k"), &open).is_ok());
        let looped = Target::parse("rtmp://ingest.example:1935/in", Some("k"), &open);
        assert_eq!(looped.err(), Some(Error::TargetForbidden { field: "url" }), "cli_07: a loop");
    }

    #[test]
    fn a_user_and_a_password_are_secret() {
        let url = "rtmp://me:p@ss@h.example/a/b/k@1";
        let (target, secret) = Target::parse(url, None, &TargetRules::default()).unwrap();
        assert_eq!(
            (target.url().as_str(), target.place.host.as_str()),
            ("rtmp://h.example/a/b", "h.example")
        );
        assert_eq!(target.reveal(&secret), ("rtmp://me:p%40ss@h.example/a/b".into(), "k@1"));
        let (target, secret) =
            Target::parse("rtmp://h/a", Some("k@1"), &TargetRules::default()).unwrap();
        assert_eq!(target.reveal(&secret), ("rtmp://h/a".into(), "k@1"));
    }

    #[test]
    fn a_trusted_place_may_be_private_and_its_neighbour_not() {
        let open = TargetRules { private_allowed: true, ..TargetRules::default() };
        let (trusted, _) = Target::parse("rtmp://10.0.0.1:1936/a", Some("k"), &open).unwrap();
        let rules = TargetRules { trusted: Vec::from([trusted.place]), ..TargetRules::default() };
        let parse = |url| Target::parse(url, Some("k"), &rules);
        assert!(parse("rtmp://10.0.0.1:1936/b").is_ok());
        assert!(
            parse("rtmp://10.0.0.1:1935/a").is_err() && parse("rtmp://10.0.0.2:1936/a").is_err()
        );
        let address = IpAddr::from([10, 0, 0, 1]);
        assert!(rules.allows_at("10.0.0.1", 1936, address));
        assert!(!rules.allows_at("10.0.0.1", 1935, address) && !rules.allows(address));
    }

    #[test]
    fn whk_04_an_address_is_judged_after_the_name_was_resolved() {
        let rules = TargetRules::default();
        assert!(rules.hook("https://rebinding.example/").is_ok());
        assert!(!rules.allows(IpAddr::from([127, 0, 0, 1])));
        assert!(rules.allows(IpAddr::from([8, 8, 8, 8])));
    }

    #[test]
    fn g12_a_pull_field_has_255_characters_and_no_more() {
        let url = |len: usize| format!("rtmp://h/{}", "a".repeat(len - 9));
        let rules = TargetRules::default();
        assert_eq!(parse_pull_list(&url(255), &rules).map(|it| it.len()), Ok(1));
        let error = parse_pull_list(&url(256), &rules).unwrap_err();
        assert_eq!((error.code(), error.field()), ("invalid", Some("pull.urls")));
        let blanks = format!("  rtmp://a/b/c   rtmps://d/e/f {}", " ".repeat(200));
        assert_eq!(parse_pull_list(&blanks, &rules).map(|it| it.len()), Ok(2));
        for bad in ["", "   ", "rtmp://a/b file:///x", "http://a/b"] {
            assert_eq!(
                parse_pull_list(bad, &rules).unwrap_err().field(),
                Some("pull.urls"),
                "{bad}"
            );
        }
        let http = TargetRules { pull_over_http: true, ..rules };
        let places =
            parse_pull_list("http://user:password@a/b https://C:8443/d.m3u8", &http).unwrap();
        assert_eq!((places[0].host.as_str(), places[0].port), ("a", 80));
        assert_eq!((places[1].host.as_str(), places[1].port), ("c", 8443));
    }
}
