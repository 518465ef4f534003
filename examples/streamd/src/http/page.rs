//! The page. It is in the binary, and asks nobody else for anything.

use axum::http::header;
use axum::response::IntoResponse;

const PAGE: &str = include_str!("../page/index.html");

/// Scripts and styles of the page itself only: whatever a name or a finding holds, it does nothing.
const POLICY: &str = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; media-src 'self' blob:; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub async fn dashboard() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
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
