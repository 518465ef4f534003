//! Serves a folder over HTTP, for watching what `package` made.
//!
//! ```sh
//! cargo run -p levada-minimal --bin vod -- film/ --listen 127.0.0.1:8080
//! mpv http://127.0.0.1:8080/index.m3u8
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderValue, header};
use clap::Parser;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

#[derive(Parser)]
struct Args {
    /// The folder.
    folder: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    anyhow::ensure!(args.folder.is_dir(), "{} is no folder", args.folder.display());
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", args.listen)
    })?;
    println!("http://{}/index.m3u8", listener.local_addr()?);
    let any_page = SetResponseHeaderLayer::overriding(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    let router = Router::new().fallback_service(ServeDir::new(args.folder)).layer(any_page);
    Ok(axum::serve(listener, router).await?)
}
