//! Which pages may call the API.

use axum::http::{HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser remembers the answer.
const REMEMBERED: Duration = Duration::from_secs(600);

/// All pages, when each has to bring a token: they have none unless somebody gave it to them. When nobody needs one,
/// only pages of this machine. Credentials that browsers add by themselves count nowhere.
pub fn layer(open: bool) -> CorsLayer {
    let origins = if open {
        AllowOrigin::predicate(|origin, _| is_of_this_machine(origin))
    } else {
        AllowOrigin::any()
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(REMEMBERED)
}

fn is_of_this_machine(origin: &HeaderValue) -> bool {
    let Some((_, authority)) = origin.to_str().ok().and_then(|it| it.split_once("://")) else {
        return false;
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn htp_10_pages_of_elsewhere_are_none_of_this_machine() {
        let here = |text| is_of_this_machine(&HeaderValue::from_static(text));
        for good in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"] {
            assert!(here(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "http://127.0.0.1.evil.example",
            "http://evil.example:80",
            "http://localhost@evil",
        ] {
            assert!(!here(bad), "{bad}");
        }
    }
}
