//! Everything over HTTP.

pub mod access;
pub mod download;
mod ended;
mod flv;
mod hls;
pub mod journal;
mod mp4;
mod page;
mod patience;
mod play;
mod recordings;
mod status;
mod vod;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tracing::debug;

use crate::api::{self, cors, surface_a, surface_b, surface_c, surface_d};
use crate::gate;
use crate::server::Server;
use access::{Pass, Refused};
use patience::Patient;
use play::Asked;

pub use mp4::Slot as Mp4Slot;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);

/// Accepts connections until the server stops.
pub async fn listen(listener: TcpListener, server: Arc<Server>) {
    let router = Router::new()
        .route("/", get(page::dashboard))
        .route("/watch/{*path}", get(page::watch))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(status::metrics))
        .route("/v1/streams", get(status::streams))
        .route("/v1/streams/{*path}", get(status::stream))
        .route("/v1/relays", get(status::relays))
        .route("/recordings/{*path}", get(recordings::file))
        .merge(api::downloads())
        .merge(apis(&server))
        .fallback(get(media))
        .with_state(server.clone());
    // Around the routes, not on them: there axum says last which methods they take.
    let router = Router::new().fallback_service(router).layer(map_response(keep_methods));
    while let Some((socket, peer)) = server.accept(&listener).await {
        let config = server.config();
        let Some(pass) = server.let_in(peer.ip()) else { continue };
        server.metrics.connections_http.fetch_add(1, Relaxed);
        let _ = socket.set_nodelay(true);
        let socket = TokioIo::new(Patient::new(socket, config.stall));
        let router = router.clone().layer(axum::Extension(ConnectInfo(peer)));
        server.spawn(serve(socket, peer, router, server.clone(), pass));
    }
}

/// Answers the requests of a connection.
async fn serve(
    socket: TokioIo<Patient>,
    peer: SocketAddr,
    router: Router,
    server: Arc<Server>,
    _pass: gate::Pass,
) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(64 * 1024)
        .serve_connection(socket, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(why) = ended {
        debug!(%peer, %why, "an HTTP connection ended");
    }
}

/// Which methods a path takes is told with 405 alone, which strangers do not get.
async fn keep_methods(mut response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().remove(header::ALLOW);
    }
    response
}

/// The native API, and those of hosted services for programs that were written for them.
fn apis(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .merge(api::router())
        .merge(surface_a::router(server.clone()))
        .merge(surface_b::router())
        .merge(surface_c::router())
        .merge(surface_d::router())
        .layer(cors::layer(server.tokens.is_open()))
}

/// `/live/NAME.flv`, `/live/NAME.mp4`, and `/live/NAME/…` for HLS; playback by ids and tokens.
async fn media(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (request, _) = request.into_parts();
    let path = request.uri.path().trim_start_matches('/');
    if let Some(asked) = Asked::parse(path) {
        return play::respond(&server, asked, peer.ip(), &request).await;
    }
    let find = |path: &str| server.hub.find(path);
    let live = |ending| path.strip_suffix(ending).and_then(find).filter(|it| !it.is_over());
    let below = || path.rsplit_once('/').and_then(|(path, name)| Some((find(path)?, name)));
    let (stream, what) = if let Some(stream) = live(".flv") {
        (stream, Media::Flv)
    } else if let Some(stream) = live(".mp4") {
        (stream, Media::Mp4)
    } else if let Some((stream, name)) = below() {
        (stream, Media::Hls(name))
    } else {
        let why = "there is no such stream, or it is not live\n";
        let mut response = (StatusCode::NOT_FOUND, why).into_response();
        open(&mut response);
        return response;
    };
    let input = stream.input();
    let pass = match access::check_input(&server, input, peer.ip(), &request.headers) {
        Ok(pass) => pass,
        // The plane has forgotten the input, and its media stay for those who are behind.
        Err(Refused::Missing(_)) => Pass::anybody(input),
        Err(why) => return play::refuse(why),
    };
    let mut response = match what {
        Media::Flv => flv::response(&stream, server.clone()),
        Media::Mp4 => mp4::response(&stream),
        Media::Hls(name) => {
            let agent = request.headers.get(header::USER_AGENT);
            let who = (peer.ip(), agent.map(HeaderValue::as_bytes));
            stream.viewed(who, server.config().max_viewers);
            hls::response(&stream, name, &request).await
        }
    };
    pass.dress(&mut response);
    response
}

/// What is wanted of a stream whose name is public.
enum Media<'a> {
    Flv,
    Mp4,
    Hls(&'a str),
}

/// Any page may read the media: a player on another site is the normal case.
fn open(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
