//! Servers under test.

use std::net::TcpStream;
use std::time::Duration;

use crate::tool::{Running, free_port, run, start, until, work};

/// A server and its ports.
pub struct Server {
    process: Running,
    line: String,
    pub rtmp: u16,
    pub http: u16,
}

impl Server {
    pub fn url(&self, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{name}", self.rtmp)
    }

    /// Ends it with a signal and starts it again, at the same ports and with the same files.
    pub fn restart(&mut self, signal: &str) {
        self.process.signal(signal);
        self.process.ends(Duration::from_secs(20));
        self.process = start(&self.line);
        listening(self.rtmp);
        listening(self.http);
    }

    /// What it said so far.
    pub fn told(&self) -> String {
        self.process.told()
    }

    pub fn flv(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/live/{name}.flv", self.http)
    }

    pub fn hls(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/live/{name}/index.m3u8", self.http)
    }
}

/// `ingest` of the small programs.
pub fn ingest() -> Server {
    let rtmp = free_port();
    let line = format!("ingest --listen 127.0.0.1:{rtmp}");
    let process = start(&line);
    listening(rtmp);
    Server { process, line, rtmp, http: 0 }
}

/// `streamd`.
pub fn streamd() -> Server {
    streamd_with("")
}

/// `streamd` with more options.
pub fn streamd_with(options: &str) -> Server {
    let (rtmp, http) = (free_port(), free_port());
    let data = work(&format!("streamd-{rtmp}"));
    let line =
        format!("streamd --rtmp 127.0.0.1:{rtmp} --http 127.0.0.1:{http} --data {data} {options}");
    let process = start(&line);
    listening(rtmp);
    listening(http);
    Server { process, line, rtmp, http }
}

/// Waits until somebody listens.
pub fn listening(port: u16) {
    until(&format!("somebody listens on port {port}"), Duration::from_secs(20), || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}

/// A key and a certificate that signs itself, for 127.0.0.1 and localhost: the paths of the certificate and the key.
pub fn certificate(case: &str) -> (String, String) {
    let folder = work(case);
    let (cert, key) = (format!("{folder}/cert.pem"), format!("{folder}/key.pem"));
    let line = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
         -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
         -keyout {key} -out {cert}"
    );
    run(&line, Duration::from_secs(20)).ok();
    (cert, key)
}
