//! RTMP URLs as people write them.

use core::fmt;

use thiserror::Error;

/// Where a client connects to and what it asks for there: `rtmp://host:port/app/stream`.
///
/// RTMP has no single rule for where `app` ends and the stream's name begins. [`parse`](Self::parse) follows what
/// FFmpeg does, because that is what most URLs were written for; [`with_key`](Self::with_key) is the form of encoders that ask for a server URL
/// and a stream key in two fields.
///
/// ```
/// use levada_session::RtmpUrl;
///
/// let url = RtmpUrl::parse("rtmp://live.example/app/instance/key?token=1")?;
/// assert_eq!((url.app.as_str(), url.stream.as_str()), ("app/instance", "key?token=1"));
/// assert_eq!(url.tc_url(), "rtmp://live.example:1935/app/instance");
///
/// let url = RtmpUrl::with_key("rtmps://live.example/a/b/c", "key")?;
/// assert_eq!((url.app.as_str(), url.stream.as_str(), url.port), ("a/b/c", "key", 443));
/// # Ok::<(), levada_session::UrlError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct RtmpUrl {
    /// Whether TLS comes first (`rtmps`).
    pub secure: bool,
    /// Host name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, 1935 or (TLS) 443 when the text names none.
    pub port: u16,
    /// The application, with the query if that stands before the stream's name.
    pub app: String,
    /// The stream's name or key, with its query. May be empty.
    pub stream: String,
    /// What stands before `@`, cut at each `:`, percent-decoded. Two of them are a user and a password.
    pub user_info: Vec<String>,
}

/// Why a text is no RTMP URL that we can use. Holds nothing of the text, which may be secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no `://`.
    #[error("the URL has no scheme")]
    NoScheme,
    /// Another scheme than `rtmp` and `rtmps`: tunnelled and encrypted RTMP are not spoken here.
    #[error("the URL's scheme is neither rtmp nor rtmps")]
    UnsupportedScheme,
    /// Nothing stands where the host should be, or its brackets do not match.
    #[error("the URL has no usable host")]
    BadHost,
    /// The port is no number from 1 to 65535.
    #[error("the URL's port is no port")]
    BadPort,
    /// Control characters or spaces inside.
    #[error("the URL holds a control character or a space")]
    BadCharacter,
}

impl RtmpUrl {
    /// Reads a whole URL, the stream's name included.
    ///
    /// - The first path segment is the application, and the second one too if a third follows.
    /// - A `:` in the second segment begins a file name (`mp4:a/b.mp4`): then one segment is the application.
    /// - `ondemand/` is an application of one segment; `?slist=` names the stream inside the query.
    /// - A name that ends with `.mp4` or `.f4v` gets the prefix `mp4:`, the ending `.flv` is cut off.
    /// - A fragment, when there is one, is the stream's name, and the whole path the application
    ///   (RTMP Family URI Schemes §4).
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (mut url, path, fragment) = Self::parse_server(text)?;
        (url.app, url.stream) = match fragment {
            Some(name) => (path, percent_decode(&name)),
            None => split_path(&path),
        };
        Ok(url)
    }

    /// Reads a server URL, all of whose path is the application, and takes the stream's key from its own field.
    pub fn with_key(server: &str, key: &str) -> Result<Self, UrlError> {
        let (mut url, path, _) = Self::parse_server(server)?;
        url.app = path.trim_end_matches('/').to_owned();
        url.stream = key.trim().to_owned();
        Ok(url)
    }

    /// The URL of `connect`: no stream, no user, the port always named, as the common clients send it.
    pub fn tc_url(&self) -> String {
        format!("{}/{}", self.authority(), self.app)
    }

    /// The URL that a reference from the server leads to, with the stream's name of this one (RFC 3986 §5.2,
    /// Enhanced RTMP "Reconnect Request").
    ///
    /// All of the target's path is the application.
    pub fn resolve(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = reference.trim();
        let scheme = if self.secure { "rtmps:" } else { "rtmp:" };
        let target = if reference.contains("://") {
            Self::with_key(reference, "")?
        } else if reference.starts_with("//") {
            Self::with_key(&format!("{scheme}{reference}"), "")?
        } else {
            let (path, _) = split_query(&self.app);
            let app = if reference.is_empty() {
                self.app.clone()
            } else if let Some(absolute) = reference.strip_prefix('/') {
                absolute.to_owned()
            } else if reference.starts_with('?') {
                format!("{path}{reference}")
            } else {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                format!("{parent}/{reference}").trim_start_matches('/').to_owned()
            };
            Self { app, ..self.clone() }
        };
        if target.app.contains(is_unprintable) {
            return Err(UrlError::BadCharacter);
        }
        Ok(Self { stream: self.stream.clone(), user_info: self.user_info.clone(), ..target })
    }

    fn authority(&self) -> String {
        let scheme = if self.secure { "rtmps" } else { "rtmp" };
        if self.host.contains(':') {
            format!("{scheme}://[{}]:{}", self.host, self.port)
        } else {
            format!("{scheme}://{}:{}", self.host, self.port)
        }
    }

    /// Everything up to the path; the path without its slash; the fragment.
    fn parse_server(text: &str) -> Result<(Self, String, Option<String>), UrlError> {
        // Neko sends its tcUrl in apostrophes; people paste URLs with what stood around them.
        let text = text.trim().trim_matches(['\'', '"']).trim();
        if text.contains(is_unprintable) {
            return Err(UrlError::BadCharacter);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => false,
            "rtmps" => true,
            _ => return Err(UrlError::UnsupportedScheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user_info, host_port)) => {
                (user_info.split(':').map(percent_decode).collect(), host_port)
            }
            None => (Vec::new(), authority),
        };
        let (host, port) = split_port(host_port)?;
        let port = match port {
            "" if secure => 443,
            "" => 1935,
            digits => digits.parse().ok().filter(|it| *it > 0).ok_or(UrlError::BadPort)?,
        };
        let (path, fragment) = match path.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment.to_owned())),
            None => (path, None),
        };
        let path = path.trim_start_matches('/').to_owned();
        let host = host.to_owned();
        let url = Self { secure, host, port, app: String::new(), stream: String::new(), user_info };
        Ok((url, path, fragment))
    }
}

/// Never shows the key, the user or the password.
impl fmt::Debug for RtmpUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (app, _) = split_query(&self.app);
        write!(out, "RtmpUrl({}/{app}/…)", self.authority())
    }
}

fn is_unprintable(it: char) -> bool {
    it.is_control() || it == ' '
}

fn split_port(host_port: &str) -> Result<(&str, &str), UrlError> {
    let (host, port) = if let Some(rest) = host_port.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(UrlError::BadHost)?;
        let port = if rest.is_empty() { Some("") } else { rest.strip_prefix(':') };
        (host, port.ok_or(UrlError::BadHost)?)
    } else {
        host_port.split_once(':').unwrap_or((host_port, ""))
    };
    if host.is_empty() { Err(UrlError::BadHost) } else { Ok((host, port)) }
}

/// A text and the query behind its first `?`.
pub(crate) fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn split_path(path: &str) -> (String, String) {
    let (plain, query) = split_query(path);
    if let Some(list) = query.split('&').find_map(|it| it.strip_prefix("slist=")) {
        return (path.to_owned(), list.to_owned());
    }
    let at = match plain.find('/') {
        // The query of `live?x=1/stream` belongs to the application, that of `live/stream?x=1/2` to the stream.
        None => path.find('/'),
        Some(first) if plain.starts_with("ondemand/") => Some(first),
        Some(first) => {
            let rest = plain.get(first + 1..).unwrap_or_default();
            match (rest.find('/'), rest.find(':')) {
                (Some(second), Some(colon)) if colon < second => Some(first),
                (Some(second), _) => Some(first + 1 + second),
                (None, _) => Some(first),
            }
        }
    };
    let (app, name) = at.map_or((path, ""), |at| {
        (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default())
    });
    let name = if let Some(bare) = name.strip_suffix(".flv") {
        bare.to_owned()
    } else if (name.ends_with(".mp4") || name.ends_with(".f4v")) && !name.contains(':') {
        format!("mp4:{name}")
    } else {
        name.to_owned()
    };
    (app.to_owned(), name)
}

/// Percent-decodes what decodes; a lone `%` stays. Bytes that make no text are replaced.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = if byte == b'%' { tail.split_first_chunk() } else { None };
        let escape = digits.and_then(|(digits, tail)| Some((hex_byte(*digits)?, tail)));
        let (byte, tail) = escape.unwrap_or((byte, tail));
        decoded.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_as_ffmpeg_does() {
        let vectors = levada_test::vectors(env!("CARGO_MANIFEST_DIR"), "auth_url.json");
        let mut checked = 0;
        for vector in vectors.iter().filter(|it| it["kind"] == "url_split") {
            let path = vector["path"].as_str().unwrap();
            let url = RtmpUrl::parse(&format!("rtmp://host.example{path}")).unwrap();
            assert_eq!(url.app, vector["expect"]["app"].as_str().unwrap(), "{path}");
            assert_eq!(url.stream, vector["expect"]["stream"].as_str().unwrap(), "{path}");
            checked += 1;
        }
        assert_eq!(checked, 14);
    }

    #[test]
    fn a_slash_in_the_query_of_a_key_does_not_split_it() {
        let url = RtmpUrl::parse("rtmp://h/live/key?token=a/b").unwrap();
        assert_eq!((url.app.as_str(), url.stream.as_str()), ("live", "key?token=a/b"));
    }

    /// RTMP Family URI Schemes §4: the three examples of the text.
    #[test]
    fn generic_uris() {
        let url = RtmpUrl::parse("rtmp://h/three/segment/path#Big%20One").unwrap();
        assert_eq!(url.tc_url(), "rtmp://h:1935/three/segment/path");
        assert_eq!((url.app.as_str(), url.stream.as_str()), ("three/segment/path", "Big One"));
        let url = RtmpUrl::parse("rtmps://a1:a2::a%344@h:1943").unwrap();
        assert_eq!(url.user_info, ["a1", "a2", "", "a44"]);
        assert_eq!((url.tc_url().as_str(), url.secure), ("rtmps://h:1943/", true));
        let url = RtmpUrl::parse("rtmp://[2001:db8:1::2]:19350/x?else").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("2001:db8:1::2", 19350));
        assert_eq!(url.tc_url(), "rtmp://[2001:db8:1::2]:19350/x?else");
    }

    #[test]
    fn quirk_49_apostrophes_and_spaces_around_a_url() {
        assert_eq!(RtmpUrl::parse(" 'rtmp://h/live/key' ").unwrap().stream, "key");
    }

    #[test]
    fn quirk_54_default_ports() {
        assert_eq!(RtmpUrl::parse("rtmps://h/a/b").unwrap().port, 443);
        assert_eq!(RtmpUrl::parse("rtmps://h:1936/a/b").unwrap().port, 1936);
        assert_eq!(RtmpUrl::parse("rtmp://h:/a/b").unwrap().port, 1935);
    }

    #[test]
    fn what_is_no_url_says_why() {
        for (text, why) in [
            ("live.example/app", UrlError::NoScheme),
            ("rtmpe://h/app", UrlError::UnsupportedScheme),
            ("file:///etc/passwd", UrlError::UnsupportedScheme),
            ("rtmp:///app", UrlError::BadHost),
            ("rtmp://[::1/app", UrlError::BadHost),
            ("rtmp://h:0/app", UrlError::BadPort),
            ("rtmp://h:70000/app", UrlError::BadPort),
            ("rtmp://h:x/app", UrlError::BadPort),
            ("rtmp://h/a\r\nb", UrlError::BadCharacter),
            ("rtmp://h/a b", UrlError::BadCharacter),
        ] {
            assert_eq!(RtmpUrl::parse(text), Err(why), "{text:?}");
        }
    }

    /// Enhanced RTMP, "Reconnect Request".
    #[test]
    fn references_resolve() {
        for (current, reference, target) in [
            ("rtmp://a.example:1935/app", "", "rtmp://a.example:1935/app"),
            ("rtmp://a.example/app", "rtmp://b.example/app2", "rtmp://b.example:1935/app2"),
            (
                "rtmp://a.example/app",
                "//192.0.2.0/realtimeapp",
                "rtmp://192.0.2.0:1935/realtimeapp",
            ),
            ("rtmp://a.example:1936/app?x=1", "/other", "rtmp://a.example:1936/other"),
            ("rtmp://a.example/app?x=1", "?y=2", "rtmp://a.example:1935/app?y=2"),
            ("rtmp://a.example/app/one", "two", "rtmp://a.example:1935/app/two"),
            ("rtmp://a.example/app", "two", "rtmp://a.example:1935/two"),
        ] {
            let current = RtmpUrl::with_key(current, "key").unwrap();
            let resolved = current.resolve(reference).unwrap();
            assert_eq!((resolved.tc_url().as_str(), resolved.stream.as_str()), (target, "key"));
        }
        let current = RtmpUrl::with_key("rtmp://a.example/app", "key").unwrap();
        assert_eq!(current.resolve("file:///x"), Err(UrlError::UnsupportedScheme));
        assert_eq!(current.resolve("/a\0b"), Err(UrlError::BadCharacter));
    }

    #[test]
    fn secrets_are_not_shown() {
        let url = RtmpUrl::parse("rtmp://me:secret@h/live?token=1/key").unwrap();
        assert_eq!(format!("{url:?}"), "RtmpUrl(rtmp://h:1935/live/…)");
    }

    #[test]
    fn percent_decoding_leaves_what_is_none() {
        assert_eq!(percent_decode("a%2Fb%zz%4"), "a/b%zz%4");
    }
}
