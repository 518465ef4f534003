//! A complete live server made of the Levada crates: RTMP in; RTMP, HTTP-FLV, HLS and Low-Latency HLS out.
//!
//! ```sh
//! cargo run --release -p streamd
//! ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film
//! open http://127.0.0.1:8080/live/film/index.m3u8
//! ```

mod config;
mod driver;
mod http;
mod hub;
mod rtmp;
mod stream;

use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tracing::info;
use tracing_subscriber::EnvFilter;

use config::Config;
use hub::Hub;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let rtmp = TcpListener::bind(config.rtmp).await.with_context(|| {
        format!(
            "cannot listen on {}: is another server running? Choose another address with --rtmp",
            config.rtmp
        )
    })?;
    let http = TcpListener::bind(config.http).await.with_context(|| {
        format!(
            "cannot listen on {}: is another server running? Choose another address with --http",
            config.http
        )
    })?;
    info!("publish to  rtmp://{}/live/NAME", rtmp.local_addr()?);
    info!("watch at    http://{}/live/NAME/index.m3u8", http.local_addr()?);
    let hub = Arc::new(Hub::default());
    tokio::select! {
        ended = rtmp::listen(rtmp, hub.clone()) => ended?,
        ended = http::listen(http, hub) => ended?,
        signal = tokio::signal::ctrl_c() => signal?,
    }
    Ok(())
}
