//! Relative references of playlists (RFC 3986 §5.2).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The URL that `reference` means in a document that was had from `base`.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    if has_scheme(reference) {
        return reference.into();
    }
    let (scheme, rest) = base.split_once(':').unwrap_or(("", base));
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}");
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let root =
        if scheme.is_empty() { String::from(authority) } else { format!("{scheme}://{authority}") };
    let cut = reference.find(['?', '#']).unwrap_or(reference.len());
    let (target, tail) = reference.split_at(cut);
    let path = match target {
        "" if tail.starts_with('#') || tail.is_empty() => String::from(path),
        "" => String::from(path),
        _ if target.starts_with('/') => without_dots(target),
        _ => without_dots(&format!(
            "{}/{target}",
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        )),
    };
    format!("{root}{path}{tail}")
}

fn has_scheme(reference: &str) -> bool {
    let name = reference.split(':').next().unwrap_or_default();
    let legal = |it: char| it.is_ascii_alphanumeric() || "+-.".contains(it);
    name.len() < reference.len()
        && name.starts_with(|it: char| it.is_ascii_alphabetic())
        && name.chars().all(legal)
}

/// Removes `.` and `..` from a path that begins with a slash (§5.2.4).
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(out.pop()),
            segment => out.push(segment),
        }
    }
    let end = if open && !out.is_empty() { "/" } else { "" };
    format!("/{}{end}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 3986 §5.4, with an http base.
        for (reference, expected) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p#s"),
            (";x", "http://a/b/c/;x"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ] {
            assert_eq!(resolve("http://a/b/c/d;p?q", reference), expected, "{reference}");
        }
    }

    #[test]
    fn playlists() {
        assert_eq!(resolve("http://h:8080", "x.m3u8"), "http://h:8080/x.m3u8");
        assert_eq!(
            resolve("http://h/live/a/index.m3u8?t=1", "v0-1.m4s"),
            "http://h/live/a/v0-1.m4s"
        );
    }
}
