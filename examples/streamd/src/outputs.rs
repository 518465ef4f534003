//! Outputs: an input's media, published elsewhere. The plane says when and whether; here it is done.

mod queue;

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use bytes::Buf;
use levada_buf::Endpoint;
use levada_chunk::MessageStreamId;
use levada_control::{Fact, InputId, KeyRef, OutputError, OutputEvent, OutputId, Progress, Secret};
use levada_session::{ClientEvent, ClientSession, PublishKind, Purpose, RtmpUrl, StatusInfo};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep};
use tracing::{debug, info, warn};

use crate::connect::{self, Client, Lost};
use crate::lock::lock;
use crate::reader::{Reader, Taken};
use crate::server::Server;
use queue::Queue;

/// What waits for the network in the outbox, where nothing can be dropped any more.
const AHEAD: usize = 64 * 1024;
/// How often the plane hears how it goes.
const REPORT: Duration = Duration::from_secs(1);
/// The same when what waits is too old.
const LATE_REPORT: Duration = Duration::from_millis(200);
/// How often the round trip is measured.
const PING: Duration = Duration::from_secs(10);
/// How long the rest may take to be sent before the farewell, and all of it.
const REST: Duration = Duration::from_secs(1);
const FAREWELL: Duration = Duration::from_secs(2);

/// The attempts under way: one an output.
#[derive(Debug, Default)]
pub struct Outputs(Mutex<HashMap<OutputId, Attempt>>);

#[derive(Debug)]
struct Attempt {
    number: u64,
    orders: watch::Sender<Orders>,
    task: AbortHandle,
}

/// What an attempt was told so far.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    feed: bool,
    drops: u64,
    close: bool,
}

impl Outputs {
    fn lock(&self) -> MutexGuard<'_, HashMap<OutputId, Attempt>> {
        lock(&self.0)
    }

    fn order(&self, output: OutputId, number: u64, change: impl FnOnce(&mut Orders)) {
        if let Some(attempt) = self.lock().get(&output).filter(|it| it.number == number) {
            attempt.orders.send_modify(change);
        }
    }

    /// Sends media from now on.
    pub fn feed(&self, output: OutputId, number: u64) {
        self.order(output, number, |it| it.feed = true);
    }

    /// Drops video that waits.
    pub fn drop_video(&self, output: OutputId, number: u64) {
        self.order(output, number, |it| it.drops += 1);
    }

    /// Says farewell.
    pub fn close(&self, output: OutputId, number: u64) {
        self.order(output, number, |it| it.close = true);
    }

    /// Ends an attempt at once.
    pub fn abort(&self, output: OutputId, number: u64) {
        if let Some(attempt) = self.take(output, number) {
            attempt.task.abort();
        }
    }

    fn take(&self, output: OutputId, number: u64) -> Option<Attempt> {
        let mut attempts = self.lock();
        attempts.get(&output).filter(|it| it.number == number)?;
        attempts.remove(&output)
    }
}

/// Connects an output, and publishes there.
pub fn connect(server: &Arc<Server>, output: OutputId, number: u64) {
    let found = server.control.read(|plane, keys, _| {
        let it = plane.output(output)?;
        let key = keys.secret(KeyRef::Output(output)).cloned();
        let delay = Duration::from_millis(it.config.max_delay_ms.into());
        let (url, name) = it.config.target.reveal(key.as_ref()?);
        Some((it.input, Secret::new(url), Secret::new(name), delay))
    });
    // Deleted in between: nobody waits for an answer.
    let Some((input, url, key, max_delay)) = found else { return };
    let (orders, told) = watch::channel(Orders::default());
    let target = Target {
        server: server.clone(),
        output,
        attempt: number,
        input,
        key,
        max_delay,
        orders: change(&told),
        told,
        timer: Box::pin(sleep(Duration::ZERO)),
        dropped_before: 0,
        to: None,
        reader: None,
        queue: Queue::default(),
        acknowledged: 0,
        reported: Instant::now(),
        pinged: None,
        closing: None,
    };
    let mut attempts = server.outputs.lock();
    let task = tokio::spawn(run(url, target)).abort_handle();
    attempts.insert(output, Attempt { number, orders, task });
}

async fn run(url: Secret, mut target: Target) {
    let (server, output, attempt) = (target.server.clone(), target.output, target.attempt);
    let told = target.told.clone();
    let ended = match RtmpUrl::with_key(url.reveal(), target.key.reveal()) {
        Ok(url) => {
            debug!(%output, url = url.tc_url(), "connecting an output");
            tokio::select! {
                ended = connect::run(url, &server.tls, &mut target) => ended,
                () = farewell(told) => Ok(()),
            }
        }
        Err(_) => Err(Lost::Dns),
    };
    let event = match ended {
        Ok(()) => {
            info!(%output, "an output ended");
            OutputEvent::Closed { attempt }
        }
        Err(lost) => {
            let (why, remote) = target.reason(&lost);
            warn!(%output, code = why.code(), remote, "an output lost its target");
            OutputEvent::Lost { attempt, why, remote }
        }
    };
    drop(target);
    server.outputs.take(output, attempt);
    // A server that goes down finds its outputs as they were.
    if !server.is_stopping() {
        let _ = server.control.fact(Fact::Output(output, event));
    }
}

/// Resolves when a farewell has taken too long, or there is nobody to say it to.
async fn farewell(mut told: watch::Receiver<Orders>) {
    if told.wait_for(|it| it.close).await.is_err() {
        return std::future::pending().await;
    }
    if told.borrow().feed {
        sleep(FAREWELL).await;
    }
}

/// A connection to an output's target.
struct Target {
    server: Arc<Server>,
    output: OutputId,
    attempt: u64,
    input: InputId,
    key: Secret,
    max_delay: Duration,
    told: watch::Receiver<Orders>,
    orders: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    timer: Pin<Box<Sleep>>,
    /// Orders to drop that were followed.
    dropped_before: u64,
    to: Option<MessageStreamId>,
    reader: Option<Reader>,
    queue: Queue,
    /// What the target says it has. The wire counts modulo 2^32.
    acknowledged: u64,
    reported: Instant,
    pinged: Option<Instant>,
    /// Since when.
    closing: Option<Instant>,
}

impl Target {
    fn report(&self, event: OutputEvent) {
        let _ = self.server.control.fact(Fact::Output(self.output, event));
    }

    fn obey(&mut self) {
        let orders = *self.told.borrow_and_update();
        if orders.feed && self.reader.is_none() && self.closing.is_none() {
            self.reader = self.server.hub.of_input(self.input).map(|it| it.follower());
        }
        if let Some(reader) = &mut self.reader {
            reader.read(|item| {
                self.queue.push(item.clone(), Instant::now());
                Taken::More
            });
        }
        if orders.drops > self.dropped_before {
            self.dropped_before = orders.drops;
            self.queue.drop_to_keyframe();
        }
        let over = self.server.is_stopping() && self.reader.as_ref().is_some_and(Reader::is_at_end);
        if (orders.close || over) && self.closing.is_none() {
            self.closing = Some(Instant::now());
            self.reader = None;
        }
    }

    fn send(&mut self, session: &mut ClientSession, to: MessageStreamId) {
        while session.output().remaining() < AHEAD
            && let Some(item) = self.queue.first()
            && session.send(to, &item.message).is_ok()
        {
            self.queue.remove_first();
        }
        let rest = self.closing.map(|since| since.elapsed() < REST && !self.queue.is_empty());
        if rest == Some(false) {
            session.stop(to);
            session.close(Instant::now());
            self.to = None;
        }
    }

    fn measure(&mut self, session: &mut ClientSession) {
        if self.to.is_none() || Instant::now() < self.next_report() {
            return;
        }
        self.reported = Instant::now();
        if self.pinged.is_none_or(|it| it.elapsed() >= PING) {
            self.pinged = Some(Instant::now());
            session.ping(Instant::now());
        }
        let statistics = session.statistics();
        let news = statistics.acknowledged.wrapping_sub(self.acknowledged as u32);
        self.acknowledged += u64::from(news);
        let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let progress = Progress {
            sent: statistics.sent_bytes,
            acknowledged: self.acknowledged,
            window: statistics.window,
            queue_ms: millis(self.queue.age()),
            dropped_frames: self.queue.dropped,
            rtt_ms: statistics.round_trip.and_then(|it| u32::try_from(it.as_millis()).ok()),
        };
        self.report(OutputEvent::Progress { attempt: self.attempt, progress });
    }

    /// Every second, but at once when what waits becomes too old.
    fn next_report(&self) -> Instant {
        let regular = self.reported + REPORT;
        match self.queue.oldest() {
            Some(at) => regular.min((at + self.max_delay).max(self.reported + LATE_REPORT)),
            None => regular,
        }
    }

    /// What the plane is told, with what the target said.
    fn reason(&self, lost: &Lost) -> (OutputError, Option<String>) {
        let why = match lost {
            Lost::Dns => OutputError::Dns,
            Lost::Forbidden => OutputError::TargetForbidden,
            Lost::Refused => OutputError::ConnectRefused,
            Lost::TooSlow => OutputError::ConnectTimeout,
            Lost::Tls => OutputError::Tls,
            Lost::Handshake => OutputError::Handshake,
            Lost::Stalled => OutputError::Stalled,
            Lost::Rejected(_, info) if is_about_codecs(info) => OutputError::CodecNotAccepted,
            Lost::Rejected(Purpose::Publish, _) if self.to.is_none() => {
                OutputError::PublishRejected
            }
            Lost::Rejected(Purpose::Connect, _) => OutputError::ConnectRejected,
            Lost::Rejected(..) | Lost::Closed | Lost::Own(_) => OutputError::RemoteClosed,
        };
        let remote = match lost {
            Lost::Rejected(_, info) => Some(said(info, self.key.reveal())),
            _ => None,
        };
        (why, remote)
    }
}

fn is_about_codecs(info: &StatusInfo) -> bool {
    let text = format!("{} {}", info.code, info.description).to_ascii_lowercase();
    text.contains("codec") || text.contains("unsupported")
}

/// The target's own words, unless they repeat a part of the key.
fn said(info: &StatusInfo, key: &str) -> String {
    let tells = |text: &str| {
        key.split(['?', '&', '=', '/']).any(|part| part.len() >= 4 && text.contains(part))
    };
    match (info.code.as_str(), info.description.as_str()) {
        (code, _) if tells(code) => "…".to_owned(),
        (code, "") => code.to_owned(),
        (code, text) if tells(text) => code.to_owned(),
        (code, text) => format!("{code}: {text}"),
    }
}

impl Client for Target {
    fn may_call(&self, host: &str, port: u16, address: IpAddr) -> bool {
        self.server.may_call(host, port, address)
    }

    fn resolved(&mut self) {
        self.report(OutputEvent::Resolved { attempt: self.attempt });
    }

    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        (self.acknowledged, self.to) = (0, None);
        Ok(session.publish(self.key.reveal(), PublishKind::Live)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        let attempt = self.attempt;
        match event {
            ClientEvent::Connected { .. } => self.report(OutputEvent::Connected { attempt }),
            ClientEvent::Publishing(to) => {
                self.to = Some(to);
                self.report(OutputEvent::Published { attempt });
            }
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) {
        self.obey();
        if let Some(to) = self.to {
            self.send(session, to);
        }
        self.measure(session);
    }

    fn poll_wake(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        let more = self.reader.as_mut().is_some_and(|it| it.poll_wake(context).is_ready());
        let told = self.orders.as_mut().poll(context).is_ready();
        if told {
            self.orders = change(&self.told);
        }
        let mut due = false;
        if self.to.is_some() {
            let at = self.next_report().into();
            if self.timer.deadline() != at {
                self.timer.as_mut().reset(at);
            }
            due = self.timer.as_mut().poll(context).is_ready();
        }
        if more || told || due { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Resolves when something is told that was not known yet.
fn change(told: &watch::Receiver<Orders>) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
    let mut told = told.clone();
    Box::pin(async move {
        if told.changed().await.is_err() {
            std::future::pending().await
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(code: &str, description: &str) -> StatusInfo {
        let mut info = StatusInfo::default();
        (info.code, info.description) = (code.into(), description.into());
        info
    }

    #[test]
    fn s20_what_a_target_says_never_holds_the_key() {
        let key = "abcd-1234?token=s3cret";
        let said = |code, text| said(&info(code, text), key);
        assert_eq!(
            said("NetStream.Publish.BadName", "in use"),
            "NetStream.Publish.BadName: in use"
        );
        assert_eq!(
            said("NetStream.Publish.BadName", "abcd-1234 is in use"),
            "NetStream.Publish.BadName"
        );
        assert_eq!(said("Bad", "wrong s3cret"), "Bad");
        assert_eq!(said("abcd-1234", ""), "…");
    }
}
