use core::time::Duration;

/// One `NAME=VALUE` of an attribute list (rfc8216bis §4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    /// Without its quotes.
    pub(crate) value: &'a str,
    pub(crate) quoted: bool,
}

/// The attributes of a tag, in order. Quotes are honoured before commas; what is no attribute is passed over.
pub(crate) fn attributes(list: &str) -> impl Iterator<Item = Attribute<'_>> {
    let mut rest = list;
    core::iter::from_fn(move || {
        loop {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim().trim_start_matches(',').trim();
            let (value, quoted) = match after.strip_prefix('"') {
                Some(inside) => {
                    let (value, behind) = inside.split_once('"').unwrap_or((inside, ""));
                    rest = behind.split_once(',').map_or("", |(_, next)| next);
                    (value, true)
                }
                None => {
                    let (value, behind) = after.split_once(',').unwrap_or((after, ""));
                    rest = behind;
                    (value.trim(), false)
                }
            };
            if !name.is_empty() {
                return Some(Attribute { name, value, quoted });
            }
        }
    })
}

/// A decimal floating point number as an exact time. Digits behind the ninth are dropped.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let seconds = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = fraction
        .bytes()
        .chain(*b"000000000")
        .take(9)
        .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some(Duration::new(seconds, nanos))
}

/// A decimal-integer: digits only.
pub(crate) fn integer(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || !text.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn quotes_are_honoured_before_commas() {
        let list: Vec<_> =
            attributes(r#"BANDWIDTH=12,CODECS="avc1.64001f,mp4a.40.2", NAME="a=b",X-Y=1.5"#)
                .collect();
        assert_eq!(
            list,
            [
                Attribute { name: "BANDWIDTH", value: "12", quoted: false },
                Attribute { name: "CODECS", value: "avc1.64001f,mp4a.40.2", quoted: true },
                Attribute { name: "NAME", value: "a=b", quoted: true },
                Attribute { name: "X-Y", value: "1.5", quoted: false },
            ]
        );
    }

    #[test]
    fn broken_lists_end() {
        for list in ["", ",", "A", "A=", "=", "A=\"", ",,,=,,", "\"", "A=\"x\"B=2"] {
            assert!(attributes(list).count() <= 2, "{list}");
        }
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(seconds("9.009"), Some(Duration::from_millis(9009)));
        assert_eq!(seconds("4"), Some(Duration::from_secs(4)));
        assert_eq!(seconds(".5"), Some(Duration::from_millis(500)));
        assert_eq!(seconds("0.33333333333"), Some(Duration::from_nanos(333_333_333)));
        for text in ["", ".", "-1", "1e3", "a", "1.2.3", "99999999999999999999"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_digits() {
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "+1", "abc", "18446744073709551616", "1 "] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
