//! A stream's place on a server, made canonical once.

use core::fmt;

use thiserror::Error;

use crate::url::{percent_decode, split_query};

/// What names may look like. Everything else is refused before a file, a playlist or a log line sees it.
///
/// The defaults allow `A–Z a–z 0–9 . _ -`, which every file system, URL and playlist takes as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NameRules {
    /// Characters allowed beside letters and digits of ASCII.
    pub punctuation: String,
    /// The most bytes between two slashes: 128. File systems allow 255, and we add endings.
    pub max_segment: usize,
    /// The most segments, application and stream together: 8.
    pub max_segments: usize,
    /// The most bytes in all: 256.
    pub max_total: usize,
}

impl Default for NameRules {
    fn default() -> Self {
        let punctuation = "._-".to_owned();
        Self { punctuation, max_segment: 128, max_segments: 8, max_total: 256 }
    }
}

/// Why a name was refused. Holds nothing of the name, which may be a key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NameError {
    /// There is none.
    #[error("the stream has no name")]
    Empty,
    /// It is longer, or deeper, than the rules allow.
    #[error("the stream's name is too long")]
    TooLong,
    /// It holds a character that the rules do not allow, or a segment `.` or `..`.
    #[error("the stream's name holds a character that is not allowed")]
    BadCharacter,
}

/// Application and stream name without queries, prefixes and doubled slashes, and the queries apart.
///
/// Clients disagree where the application ends: the same URL comes as `live` + `studio/one`, as `live/studio` + `one`
/// or as `live/studio/one` and no name at all. [`path`](Self::path) is the same for all of them; route and
/// authenticate by it.
///
/// ```
/// use levada_session::{NameRules, StreamPath};
///
/// let rules = NameRules::default();
/// let path = StreamPath::new("live", "studio//one?token=a%2Fb", &rules)?;
/// assert_eq!((path.path(), path.app(), path.name()), ("live/studio/one", "live", "studio/one"));
/// assert_eq!(path.parameter("token").as_deref(), Some("a/b"));
/// assert!(StreamPath::new("live", "../../etc/passwd", &rules).is_err());
/// # Ok::<(), levada_session::NameError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct StreamPath {
    path: String,
    app_len: usize,
    query: String,
}

impl StreamPath {
    /// Joins what `connect` and `publish` or `play` named, and checks it.
    pub fn new(app: &str, name: &str, rules: &NameRules) -> Result<Self, NameError> {
        let (app, app_query) = split_query(app);
        let (app, legacy_query) = split_legacy_query(app);
        let (name, name_query) = split_query(name);
        let segments = |it: &str| -> Vec<String> {
            it.split('/')
                .filter(|it| !it.is_empty())
                .take(rules.max_segments + 1)
                .map(str::to_owned)
                .collect()
        };
        let (mut app, mut name) = (segments(app), segments(strip_file_type(name)));
        // OBS without a key, FFmpeg with an application only: the last segment is the name.
        if name.is_empty() {
            name.extend(app.pop());
        }
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if app.len() + name.len() > rules.max_segments {
            return Err(NameError::TooLong);
        }
        for segment in app.iter().chain(&name) {
            check(segment, rules)?;
        }
        let app = app.join("/");
        let app_len = app.len();
        let path =
            if app.is_empty() { name.join("/") } else { format!("{app}/{}", name.join("/")) };
        if path.len() > rules.max_total {
            return Err(NameError::TooLong);
        }
        let queries = [name_query, app_query, legacy_query.as_str()];
        let query = queries.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("&");
        Ok(Self { path, app_len, query })
    }

    /// The whole: `app/name`, or the name alone if the client named no application.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The application, which may be empty.
    pub fn app(&self) -> &str {
        self.path.get(..self.app_len).unwrap_or_default()
    }

    /// The stream's name within the application. Often it is a secret key.
    pub fn name(&self) -> &str {
        self.path.get(self.app_len..).unwrap_or_default().trim_start_matches('/')
    }

    /// The queries of name and application, joined by `&`, as they came.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// One parameter of the queries, percent-decoded. The name's query goes before the application's.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| percent_decode(value))
        })
    }
}

/// Shows the application only: the rest may be secret.
impl fmt::Debug for StreamPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StreamPath({}/…)", self.app())
    }
}

/// `mp4:`, `flv:` and `mp3:` choose a file type on other servers; FFmpeg adds the first to names that end with `.mp4`.
fn strip_file_type(name: &str) -> &str {
    ["mp4:", "flv:", "mp3:"].into_iter().find_map(|it| name.strip_prefix(it)).unwrap_or(name)
}

/// SRS players of old wrote `app...vhost...name` for `app?vhost=name`.
fn split_legacy_query(app: &str) -> (&str, String) {
    match app.split_once("...vhost...") {
        Some((app, host)) => (app, format!("vhost={host}")),
        None => (app, String::new()),
    }
}

fn check(segment: &str, rules: &NameRules) -> Result<(), NameError> {
    if segment.len() > rules.max_segment {
        return Err(NameError::TooLong);
    }
    let allowed = |it: char| it.is_ascii_alphanumeric() || rules.punctuation.contains(it);
    if segment == "." || segment == ".." || !segment.chars().all(allowed) {
        return Err(NameError::BadCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(app: &str, name: &str) -> Result<StreamPath, NameError> {
        StreamPath::new(app, name, &NameRules::default())
    }

    #[test]
    fn quirk_47_51_every_way_to_cut_a_url_gives_one_path() {
        for (app, name) in
            [("a", "b/c/s"), ("a/b", "c/s"), ("a/b/c", "s"), ("a/b/c/s", ""), ("/a//b/", "/c/s")]
        {
            assert_eq!(path(app, name).unwrap().path(), "a/b/c/s");
        }
        let only = path("name", "").unwrap();
        assert_eq!((only.app(), only.name(), only.path()), ("", "name", "name"));
    }

    #[test]
    fn quirk_48_a_key_with_a_query_and_a_key_that_is_only_a_query() {
        let multitrack = path("app/key", "?clientConfigId=7").unwrap();
        assert_eq!((multitrack.path(), multitrack.query()), ("app/key", "clientConfigId=7"));
        let both = path("live?a=1&b=2", "key?a=3").unwrap();
        assert_eq!(both.parameter("a").as_deref(), Some("3"));
        assert_eq!(both.parameter("b").as_deref(), Some("2"));
        assert_eq!(both.parameter("c"), None);
    }

    #[test]
    fn quirk_52_virtual_hosts_of_old() {
        for app in ["live?vhost=one.example", "live...vhost...one.example"] {
            let path = path(app, "key").unwrap();
            assert_eq!(path.path(), "live/key");
            assert_eq!(path.parameter("vhost").as_deref(), Some("one.example"));
        }
    }

    #[test]
    fn file_types_are_stripped() {
        assert_eq!(path("vod", "mp4:a/b.mp4").unwrap().path(), "vod/a/b.mp4");
    }

    #[test]
    fn cmd_04_names_that_would_mean_something_elsewhere() {
        for name in [
            "../../x",
            "..\\x",
            "%2e%2e%2f",
            "a/./b",
            "a\0b",
            "a\r\nb",
            "a\"b",
            "a,b",
            "#EXT-X-KEY",
            "$(x)",
            "a b",
            "\u{202e}a",
            "a:b",
            "*",
            "é",
        ] {
            assert_eq!(path("live", name), Err(NameError::BadCharacter), "{name:?}");
        }
        assert_eq!(path("", ""), Err(NameError::Empty));
        assert_eq!(path("/", "///"), Err(NameError::Empty));
        assert_eq!(path("live", &"a".repeat(65_535)), Err(NameError::TooLong));
        assert_eq!(path("live", "/abs").unwrap().path(), "live/abs");
    }

    #[test]
    fn cmd_04_lengths_at_their_limits() {
        assert!(path("live", &"a".repeat(128)).is_ok());
        assert_eq!(path("live", &"a".repeat(129)), Err(NameError::TooLong));
        let (long, longer) = ("a".repeat(127), "a".repeat(128));
        assert_eq!(path(&long, &longer).unwrap().path().len(), 256);
        assert_eq!(path(&longer, &longer), Err(NameError::TooLong));
    }

    #[test]
    fn cmd_06_a_thousand_segments() {
        assert!(path("1/2/3/4/5/6/7", "8").is_ok());
        assert_eq!(path("1/2/3/4/5/6/7/8", "9"), Err(NameError::TooLong));
        assert_eq!(path(&"a/".repeat(1000), "b"), Err(NameError::TooLong));
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", path("live", "secret?token=1").unwrap()), "StreamPath(live/…)");
    }
}
