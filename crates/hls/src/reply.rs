use alloc::borrow::Cow;
use alloc::format;
use core::time::Duration;

use levada_fmp4::Pieces;

/// A whole HTTP answer, for any server to send.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// `Content-Type`; empty for errors without a body.
    pub content_type: &'static str,
    /// How long a cache may keep it.
    pub max_age: Duration,
    /// First byte, last byte and length of the whole, for `Content-Range`.
    pub range: Option<(u64, u64, u64)>,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// The body. Its length is the `Content-Length`, also of the answer to a HEAD.
    pub body: Pieces,
}

impl Reply {
    pub(crate) fn new(content_type: &'static str, max_age: Duration, body: Pieces) -> Self {
        Self { status: 200, content_type, max_age, range: None, retry_after: None, body }
    }

    pub(crate) fn error(status: u16, max_age: Duration) -> Self {
        let retry_after = (status == 503).then_some(Duration::from_secs(1));
        Self { status, content_type: "", max_age, range: None, retry_after, body: Pieces::new() }
    }

    /// Header names and values beside `Content-Length`. Any page may read the media: a player on another site is
    /// the normal case.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let cache = if self.max_age.is_zero() {
            Cow::Borrowed("no-store")
        } else {
            Cow::Owned(format!("public, max-age={}", self.max_age.as_secs().max(1)))
        };
        let media = self.status < 300;
        [
            (!self.content_type.is_empty())
                .then_some(("content-type", Cow::Borrowed(self.content_type))),
            Some(("cache-control", cache)),
            Some(("access-control-allow-origin", Cow::Borrowed("*"))),
            Some(("access-control-expose-headers", Cow::Borrowed("age, date, content-range"))),
            Some(("x-content-type-options", Cow::Borrowed("nosniff"))),
            media.then_some(("accept-ranges", Cow::Borrowed("bytes"))),
            self.range.map(|(first, last, len)| {
                let value = if self.status == 416 {
                    format!("bytes */{len}")
                } else {
                    format!("bytes {first}-{last}/{len}")
                };
                ("content-range", Cow::Owned(value))
            }),
            self.retry_after
                .map(|it| ("retry-after", Cow::Owned(format!("{}", it.as_secs().max(1))))),
        ]
        .into_iter()
        .flatten()
    }

    /// Answers the `Range` header of a request (RFC 9110 §14.2): one range, or the whole if it asks for several.
    #[must_use]
    pub(crate) fn ranged(mut self, header: &str) -> Self {
        let len = self.body.len() as u64;
        match parse_range(header, len) {
            Range::Whole => {}
            Range::Unsatisfiable => {
                self = Self { range: Some((0, 0, len)), ..Self::error(416, Duration::ZERO) };
            }
            Range::Part(first, last) => {
                let index = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
                self.body = self.body.slice(index(first)..index(last.saturating_add(1)));
                self.status = 206;
                self.range = Some((first, last, len));
            }
        }
        self
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Range {
    Whole,
    Part(u64, u64),
    Unsatisfiable,
}

/// What a header that cannot be understood asks for is the whole.
fn parse_range(header: &str, len: u64) -> Range {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|it| it.split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |it: &str| it.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Range::Whole,
        (Some(first), _) if first >= len => Range::Unsatisfiable,
        (Some(first), Some(last)) => Range::Part(first, last.min(len - 1)),
        (Some(first), None) if last.trim().is_empty() => Range::Part(first, len - 1),
        (None, Some(0)) if first.trim().is_empty() => Range::Unsatisfiable,
        (None, Some(count)) if first.trim().is_empty() && len > 0 => {
            Range::Part(len.saturating_sub(count), len - 1)
        }
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn ranges() {
        for (header, expected) in [
            ("bytes=0-0", Range::Part(0, 0)),
            ("bytes=2-5", Range::Part(2, 5)),
            ("bytes=2-", Range::Part(2, 9)),
            ("bytes=-3", Range::Part(7, 9)),
            ("bytes=-99", Range::Part(0, 9)),
            ("bytes=8-9007199254740991", Range::Part(8, 9)),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("items=0-1", Range::Whole),
            ("", Range::Whole),
        ] {
            assert_eq!(parse_range(header, 10), expected, "{header}");
        }
    }

    #[test]
    fn a_range_shares_the_body() {
        let body = Bytes::from_static(b"0123456789");
        let reply = Reply::new("video/mp4", Duration::from_secs(9), body.clone().into())
            .ranged("bytes=2-5");
        assert_eq!((reply.status, reply.range), (206, Some((2, 5, 10))));
        assert_eq!(reply.body.iter().next().map(|it| it.as_ptr()), Some(body.slice(2..).as_ptr()));
        let headers: alloc::vec::Vec<_> = reply.headers().collect();
        assert!(headers.contains(&("content-range", "bytes 2-5/10".into())));
        assert!(headers.contains(&("cache-control", "public, max-age=9".into())));
    }
}
