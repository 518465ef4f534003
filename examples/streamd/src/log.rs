//! Lines of the log, and a limit for each kind of them: no peer fills a disk with what it makes us say.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber, warn};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, Filter, Layer as _, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;
use crate::lock::lock;

/// The most lines of one kind in a second. A kind is a place in the code.
const LINES: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);

/// Begins to log. RUST_LOG says how much.
pub fn begin(form: Log) -> Arc<Quota> {
    let quota = Arc::new(Quota::default());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let log = tracing_subscriber::registry().with(filter);
    match form {
        Log::Json => log.with(lines.json().with_filter(Limit(quota.clone()))).init(),
        Log::Text => log.with(lines.with_filter(Limit(quota.clone()))).init(),
    }
    quota
}

/// How many lines of each kind there were in this second.
#[derive(Debug, Default)]
pub struct Quota(Mutex<HashMap<Identifier, Kind>>);

#[derive(Debug)]
struct Kind {
    begin: Instant,
    lines: u32,
    left_out: u64,
    place: String,
}

impl Quota {
    /// Whether another line may be written.
    fn take(&self, line: &Metadata<'_>, now: Instant) -> bool {
        let mut kinds = lock(&self.0);
        let kind = kinds.entry(line.callsite()).or_insert_with(|| Kind {
            begin: now,
            lines: 0,
            left_out: 0,
            place: format!("{}:{}", line.target(), line.line().unwrap_or(0)),
        });
        if now.saturating_duration_since(kind.begin) >= SECOND {
            (kind.begin, kind.lines) = (now, 0);
        }
        kind.lines = kind.lines.saturating_add(1);
        let may = kind.lines <= LINES;
        kind.left_out += u64::from(!may);
        may
    }

    /// What was left out since the last time.
    fn left_out(&self) -> Vec<(String, u64)> {
        let mut kinds = lock(&self.0);
        let some = kinds.values_mut().filter(|it| it.left_out > 0);
        some.map(|it| (it.place.clone(), std::mem::take(&mut it.left_out))).collect()
    }

    /// Says once a second what was left out. Runs as long as the server.
    pub async fn tell(&self) {
        loop {
            tokio::time::sleep(SECOND).await;
            for (place, lines) in self.left_out() {
                warn!(place, lines, "lines of one kind were left out of the log: too many");
            }
        }
    }
}

struct Limit(Arc<Quota>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Limit {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        self.0.take(event.metadata(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_03_twenty_lines_of_a_kind_in_a_second_and_the_rest_is_counted() {
        let (quota, begin) = (Quota::default(), Instant::now());
        let one = line_of(|| warn!("one"));
        let other = line_of(|| warn!("other"));
        let at = |ms| begin + Duration::from_millis(ms);
        let written = (0..1_000_000).filter(|_| quota.take(one, at(999))).count();
        assert_eq!(written, 20);
        assert!(quota.take(other, at(999)));
        let left_out = quota.left_out();
        assert_eq!(left_out.len(), 1);
        assert_eq!(left_out[0].1, 999_980);
        assert!(left_out[0].0.starts_with("streamd::log::tests:"));
        assert!(!quota.take(one, at(1998)) && quota.take(one, at(1999)));
        assert_eq!(quota.left_out()[0].1, 1);
        assert!(quota.left_out().is_empty());
    }

    /// What tracing knows about the line that something logs.
    fn line_of(log: impl Fn()) -> &'static Metadata<'static> {
        struct Listener(Arc<Mutex<Option<&'static Metadata<'static>>>>);
        impl<S: Subscriber> tracing_subscriber::Layer<S> for Listener {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                *self.0.lock().unwrap() = Some(event.metadata());
            }
        }
        let heard = Arc::new(Mutex::new(None));
        let listener = tracing_subscriber::registry().with(Listener(heard.clone()));
        tracing::subscriber::with_default(listener, log);
        heard.lock().unwrap().unwrap()
    }
}
