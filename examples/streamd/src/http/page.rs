//! The page. It is in the binary, and asks nobody else for anything.

use axum::http::header;
use axum::response::IntoResponse;

const PAGE: &str = include_str!("../page/index.html");
const PLAYER: &str = include_str!("../page/watch.html");

/// Scripts and styles of the page itself only: whatever a name or a finding holds, it does nothing.
const POLICY: &str = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; media-src 'self' blob:; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// It does not say where it is: that would be taken for a page that embeds a stream, which its rules may not allow.
pub async fn dashboard() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        PAGE,
    )
}

/// The same page: it looks at its address.
pub async fn watch() -> impl IntoResponse {
    dashboard().await
}

/// The same for the player, which other sites may show in a frame.
const PLAYER_POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; media-src 'self' blob:; frame-ancestors *; base-uri 'none'; form-action 'none'";

/// A player for what stands beside it. It does not say where it is, either.
pub fn player() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, PLAYER_POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        PLAYER,
    )
}
