//! What is counted over the whole life of the server, and how it is told.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::server::Server;

/// Why somebody was refused: connections, and the codes of the plane's refusals. A short list, so that it can be a label.
const REFUSED: [&str; 15] = [
    "connections",
    "listener_stopping",
    "unknown_app",
    "empty_name",
    "rate_limited",
    "unknown_key",
    "disabled",
    "input_is_pull",
    "quota",
    "already_publishing",
    "not_found",
    "too_many_players",
    "codec_unsupported",
    "gop_out_of_range",
    "other",
];

/// Counters.
#[derive(Debug, Default)]
pub struct Metrics {
    refused: [AtomicU64; REFUSED.len()],
    pub connections_rtmp: AtomicU64,
    pub connections_http: AtomicU64,
    pub skips: AtomicU64,
    pub recording_errors: AtomicU64,
    pub panics: AtomicU64,
}

impl Metrics {
    pub fn refuse(&self, why: &levada_control::Error) {
        self.count_refusal(why.code());
    }

    /// There are as many connections as may be.
    pub fn refuse_connection(&self) {
        self.count_refusal("connections");
    }

    fn count_refusal(&self, code: &str) {
        let place = REFUSED.iter().position(|it| *it == code).unwrap_or(REFUSED.len() - 1);
        if let Some(count) = self.refused.get(place) {
            count.fetch_add(1, Relaxed);
        }
    }
}

/// Everything in the text format of Prometheus.
pub fn text(server: &Server) -> String {
    let mut out = String::new();
    let metrics = &server.metrics;
    let mut whole = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    let (rtmp, http) =
        (metrics.connections_rtmp.load(Relaxed), metrics.connections_http.load(Relaxed));
    whole("streamd_uptime_seconds", "gauge", "How long it runs.", server.begin.elapsed().as_secs());
    whole("streamd_connections", "gauge", "Connections now.", server.gate.count() as u64);
    whole("streamd_rtmp_connections_total", "counter", "Connections of RTMP and RTMPS.", rtmp);
    whole("streamd_http_connections_total", "counter", "Connections of HTTP.", http);
    whole(
        "streamd_skips_total",
        "counter",
        "Times that a slow player skipped.",
        metrics.skips.load(Relaxed),
    );
    whole(
        "streamd_recording_errors_total",
        "counter",
        "Recordings that ended early.",
        metrics.recording_errors.load(Relaxed),
    );
    whole(
        "streamd_panics_total",
        "counter",
        "Connections that ended by a bug.",
        metrics.panics.load(Relaxed),
    );
    if let Some((resident, cpu)) = process() {
        whole("process_resident_memory_bytes", "gauge", "Resident memory.", resident);
        let _ = writeln!(
            out,
            "# HELP process_cpu_seconds_total User and system time.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {cpu:.2}"
        );
    }
    let _ = writeln!(
        out,
        "# HELP streamd_refused_total Who was refused, and why.\n# TYPE streamd_refused_total counter"
    );
    for (name, count) in REFUSED.iter().zip(&metrics.refused) {
        let _ = writeln!(out, "streamd_refused_total{{reason=\"{name}\"}} {}", count.load(Relaxed));
    }
    streams(server, &mut out);
    out
}

/// Names of streams are labels: they hold nothing but letters, digits, dots, dashes, underscores and slashes, and
/// only streams that were accepted have one.
fn streams(server: &Server, out: &mut String) {
    let facts: Vec<_> =
        server.hub.all().into_iter().map(|it| (it.path().to_owned(), it.counts())).collect();
    let mut family =
        |name: &str, kind: &str, help: &str, value: &dyn Fn(&crate::stream::Counts) -> u64| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (path, counts) in &facts {
                let _ = writeln!(out, "{name}{{stream=\"{path}\"}} {}", value(counts));
            }
        };
    family("streamd_stream_live", "gauge", "Whether somebody publishes.", &|it| u64::from(it.live));
    family("streamd_stream_received_bytes_total", "counter", "Media received.", &|it| it.bytes);
    family("streamd_stream_messages_total", "counter", "Messages received.", &|it| it.messages);
    family("streamd_stream_video_frames_total", "counter", "Video frames received.", &|it| {
        it.frames
    });
    family("streamd_stream_keyframes_total", "counter", "Keyframes received.", &|it| it.keyframes);
    family("streamd_stream_gop_milliseconds", "gauge", "The newest whole GOP.", &|it| it.gop_ms);
    family("streamd_stream_findings_total", "counter", "Oddities of the encoder.", &|it| {
        it.findings
    });
    family(
        "streamd_stream_reconnects_total",
        "counter",
        "Times that the publisher came back.",
        &|it| it.reconnects,
    );
    family("streamd_stream_players", "gauge", "Players of RTMP, HTTP-FLV and MP4.", &|it| {
        it.players
    });
    family("streamd_stream_hls_viewers", "gauge", "Addresses that asked for HLS lately.", &|it| {
        it.hls_viewers
    });
}

/// Resident bytes and seconds of the processor, where the system tells them.
fn process() -> Option<(u64, f64)> {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some((pages * 4096, ticks as f64 / 100.0))
}
