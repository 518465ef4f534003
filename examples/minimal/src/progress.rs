use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// One line that says how far a program is, at most twice a second. On a terminal it is written over itself.
#[derive(Debug)]
pub struct Progress {
    begin: Instant,
    shown: Option<Instant>,
    bytes: u64,
    frames: u64,
}

impl Progress {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { begin: Instant::now(), shown: None, bytes: 0, frames: 0 }
    }

    /// Counts a message or tag at a time of the stream, in milliseconds.
    pub fn count(&mut self, bytes: usize, at_ms: u32) {
        self.bytes += bytes as u64;
        self.frames += 1;
        if self.shown.is_none_or(|it| it.elapsed() >= Duration::from_millis(500)) {
            self.shown = Some(Instant::now());
            self.show(at_ms, if std::io::stderr().is_terminal() { "\r" } else { "\n" });
        }
    }

    /// Shows the last line.
    pub fn finish(&self, at_ms: u32) {
        self.show(at_ms, "\n");
    }

    fn show(&self, at_ms: u32, end: &str) {
        let Self { bytes, frames, begin, .. } = self;
        let seconds = begin.elapsed().as_secs_f64().max(0.001);
        let rate = *bytes as f64 * 8.0 / 1000.0 / seconds;
        let at = f64::from(at_ms) / 1000.0;
        let mut out = std::io::stderr().lock();
        let _ = write!(
            out,
            "{at:8.1} s  {frames:7} messages  {bytes:10} bytes  {rate:7.0} kbit/s{end}"
        );
        let _ = out.flush();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
