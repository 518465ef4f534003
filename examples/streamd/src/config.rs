use std::net::SocketAddr;

use clap::Parser;

/// A live server: publish to it over RTMP, watch over RTMP, HTTP-FLV, HLS and Low-Latency HLS.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Where encoders publish and players of RTMP play.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935")]
    pub rtmp: SocketAddr,
    /// Where everybody else watches.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
}
