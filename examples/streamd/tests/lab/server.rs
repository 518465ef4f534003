//! Servers under test.

use std::net::TcpStream;
use std::time::Duration;

use crate::tool::{Running, free_port, start, until};

/// A server and its ports.
pub struct Server {
    pub process: Running,
    pub rtmp: u16,
    pub http: u16,
}

impl Server {
    pub fn url(&self, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{name}", self.rtmp)
    }

    pub fn hls(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/live/{name}/index.m3u8", self.http)
    }
}

/// `ingest` of the small programs.
pub fn ingest() -> Server {
    let rtmp = free_port();
    let process = start(&format!("ingest --listen 127.0.0.1:{rtmp}"));
    listening(rtmp);
    Server { process, rtmp, http: 0 }
}

/// `streamd`.
pub fn streamd() -> Server {
    let (rtmp, http) = (free_port(), free_port());
    let process = start(&format!("streamd --rtmp 127.0.0.1:{rtmp} --http 127.0.0.1:{http}"));
    listening(rtmp);
    listening(http);
    Server { process, rtmp, http }
}

/// Waits until somebody listens.
pub fn listening(port: u16) {
    until(&format!("somebody listens on port {port}"), Duration::from_secs(20), || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}
