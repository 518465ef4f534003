//! Which streams there are: one for each input that is or was live. Who may publish, the plane decides.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use levada_chunk::Message;
use levada_control::{
    Claim, Error, Fact, InputId, Keyring, ListenerId, Loss, Observation, Plane, RecordingMode,
    Refusal, Reply, Second, SessionId, Slot, Use,
};
use levada_session::StreamPath;
use tracing::{info, warn};

use crate::bell::Listener;
use crate::config::CALLS;
use crate::control::Order;
use crate::figures::Stretch;
use crate::lock::lock;
use crate::room::Seen;
use crate::server::Server;
use crate::stream::{Shape, Stream, unix_ms};
use crate::{relay, resume};

/// How long a stream that ended stays, for players of HLS that are behind.
pub const LINGER: Duration = Duration::from_secs(60);
/// How often the plane hears that bytes came.
const REPORT: Duration = Duration::from_secs(1);

/// All streams by their input, and by their path: `live/name`, or the input's id if its name is a key.
#[derive(Debug, Default)]
pub struct Hub {
    streams: Mutex<Streams>,
}

#[derive(Debug, Default)]
struct Streams {
    by_input: HashMap<InputId, Arc<Stream>>,
    by_path: HashMap<String, InputId>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        lock(&self.streams)
    }

    /// A stream that somebody publishes, or did lately.
    pub fn find(&self, path: &str) -> Option<Arc<Stream>> {
        let streams = self.lock();
        streams.by_path.get(path).and_then(|it| streams.by_input.get(it)).cloned()
    }

    /// An input's stream.
    pub fn of_input(&self, input: InputId) -> Option<Arc<Stream>> {
        self.lock().by_input.get(&input).cloned()
    }

    /// All of them, by path.
    pub fn all(&self) -> Vec<Arc<Stream>> {
        let mut all: Vec<_> = self.lock().by_input.values().cloned().collect();
        all.sort_by(|a, b| a.path().cmp(b.path()));
        all
    }

    /// An input's stream, which begins if there is none or it is over.
    fn begin(&self, server: &Arc<Server>, input: InputId, path: &str) -> Arc<Stream> {
        let config = server.config();
        let (wanted, records) = server.control.read(|plane, _, _| {
            let found = plane.input(input).map(|it| it.config);
            let records = found.is_some_and(|it| it.recording.mode == RecordingMode::Automatic);
            (found.map_or_else(Shape::default, Shape::of), records)
        });
        let mut streams = self.lock();
        if let Some(stream) = streams.by_input.get(&input).filter(|it| !it.is_over()) {
            return stream.clone();
        }
        // Another input may have had this path before.
        let before = streams.by_path.get(path).and_then(|it| streams.by_input.get(it));
        let before = before.and_then(|it| it.resume_at());
        let before = before.or_else(|| resume::read(&config.data, path));
        let stream = Arc::new(Stream::new(input, path, &config, wanted, before));
        if records {
            stream.keep_beginning();
        }
        if let Some(old) = streams.by_path.insert(path.to_owned(), input) {
            streams.by_input.remove(&old);
        }
        streams.by_input.insert(input, stream.clone());
        drop(streams);
        info!(path, "a stream begins");
        tokio::spawn(resume::keep(config.data.clone(), stream.clone()));
        stream
    }
}

/// What a client wants to publish or play, and where it came in.
#[derive(Clone, Copy, Debug)]
pub struct Knock<'a> {
    pub listener: ListenerId,
    pub path: &'a StreamPath,
    pub address: IpAddr,
}

impl Knock<'_> {
    /// What its name proves. Queries go behind a `?` each, as the plane reads them. The name of a call has two parts,
    /// of which clients take the first for the application's.
    fn claim(&self, plane: &Plane, used_to: Use, keys: &Keyring) -> Claim {
        let call = self.path.path().split_once('/').filter(|it| it.0 == CALLS);
        let (app, name) = call.unwrap_or((self.path.app(), self.path.name()));
        let query = self.path.query();
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("{name}{mark}{}", query.replace('&', "?"));
        plane.claim(self.listener, used_to, app, &text, keys)
    }

    /// The claim of the name as such, on a listener where names are public: to the input that is pulled there, or
    /// else to whatever is published under it.
    fn open_claim(&self, server: &Server, plane: &Plane) -> Claim {
        let path = server.path_of(self.listener, self.path.path());
        match plane.input_by_alias(&relay::alias(&path)) {
            Some(input) => Claim::Input { input, slot: Slot::Primary, rendition: None },
            None => {
                Claim::Open { app: self.path.app().to_owned(), name: self.path.name().to_owned() }
            }
        }
    }

    /// Whether it brought the key that lets it publish under any name.
    fn has_server_key(&self, server: &Server) -> bool {
        let given = || self.path.parameter("key").unwrap_or_default();
        server.publish_key.as_ref().is_some_and(|it| it.matches(&given()))
    }
}

/// Lets somebody publish, or says why not.
pub fn publish(server: &Arc<Server>, knock: Knock<'_>) -> Result<Publisher, Error> {
    let template = server.open_input(knock.listener, knock.path.path());
    let with_key = knock.has_server_key(server);
    let Knock { listener, address, path } = knock;
    let mut public = false;
    let reply = server.control.claim(|plane, keys| {
        let claim = knock.claim(plane, Use::Publish, keys);
        let proven = matches!(claim, Claim::Input { .. });
        let open = matches!(claim, Claim::Open { .. }) || with_key && !proven;
        let claim = if open { knock.open_claim(server, plane) } else { claim };
        public = matches!(claim, Claim::Open { .. });
        Fact::Publish { listener, claim, address, template: Some(template) }
    })?;
    let Reply::Publishing { session, input, .. } = reply else {
        return Err(Refusal::UnknownKey.into());
    };
    let path = if public { server.path_of(listener, path.path()) } else { input.to_string() };
    let stream = server.hub.begin(server, input, &path);
    Ok(Publisher::new(server, stream, session))
}

/// Publishes what an input pulls, whose source agreed to send.
pub fn publish_pulled(
    server: &Arc<Server>,
    input: InputId,
    attempt: u64,
) -> Result<Publisher, Error> {
    let reply = server.control.fact(Fact::PullConnected { input, attempt })?;
    let Reply::Publishing { session, .. } = reply else {
        return Err(Refusal::AlreadyPublishing.into());
    };
    let alias = server.control.read(|plane, _, _| plane.input(input)?.config.alias.clone());
    let path = alias.as_deref().and_then(relay::pulled_path).map(str::to_owned);
    let stream = server.hub.begin(server, input, &path.unwrap_or_else(|| input.to_string()));
    Ok(Publisher::new(server, stream, session))
}

/// Lets somebody play, or says why not.
pub fn play(server: &Arc<Server>, knock: Knock<'_>) -> Result<(Arc<Stream>, Session), Error> {
    let Knock { listener, address, .. } = knock;
    let reply = server.control.claim(|plane, keys| {
        let claim = knock.claim(plane, Use::Play, keys);
        let proven = matches!(claim, Claim::Input { .. });
        // Names that were published openly are played openly, whoever may publish.
        let claim = if proven { claim } else { knock.open_claim(server, plane) };
        Fact::Play { listener, claim, address }
    })?;
    let Reply::Playing { session, input, .. } = reply else {
        return Err(Refusal::NotFound.into());
    };
    let player = Session::new(server, session);
    // Without media yet there is nothing to play: the player's session ends here.
    let stream = server.hub.of_input(input).filter(|it| !it.is_over());
    stream.map(|it| (it, player)).ok_or_else(|| Refusal::NotFound.into())
}

/// What the plane let in, until it is dropped.
#[derive(Debug)]
pub struct Session {
    server: Arc<Server>,
    id: SessionId,
    orders: Listener,
    /// Why it will have gone.
    loss: Loss,
}

impl Session {
    fn new(server: &Arc<Server>, id: SessionId) -> Self {
        let orders = server.control.orders(id);
        Self { server: server.clone(), id, orders, loss: Loss::Closed }
    }

    /// What the plane told it to do.
    pub fn ordered(&self) -> Option<Order> {
        self.server.control.ordered(self.id)
    }

    /// Ready when it may have been told something else.
    pub fn poll_order(&mut self, context: &Context<'_>) -> Poll<()> {
        self.orders.poll(context)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (session, reason) = (self.id, self.loss);
        let _ = self.server.control.fact(Fact::Gone { session, reason });
        self.server.control.forget(session);
    }
}

/// A publisher, until it is dropped.
#[derive(Debug)]
pub struct Publisher {
    stream: Arc<Stream>,
    session: Session,
    reported: Option<Instant>,
    video: bool,
}

impl Publisher {
    fn new(server: &Arc<Server>, stream: Arc<Stream>, session: SessionId) -> Self {
        stream.enter(session);
        Self { stream, session: Session::new(server, session), reported: None, video: false }
    }

    /// The same as of its session.
    pub fn ordered(&self) -> Option<Order> {
        self.session.ordered()
    }

    pub fn poll_order(&mut self, context: &Context<'_>) -> Poll<()> {
        self.session.poll_order(context)
    }

    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Passes a message on, and reports what the plane has to know of it.
    pub fn push(&mut self, message: Message) {
        let Session { server, id, .. } = &self.session;
        let session = *id;
        let seen = self.stream.push(session, message);
        self.video |= seen.video;
        if self.reported.is_none_or(|it| it.elapsed() >= REPORT) {
            self.reported = Some(Instant::now());
            let video = std::mem::take(&mut self.video);
            let _ = server.control.fact(Fact::Bytes { session, video });
        }
        let Seen { begins, keyframe, video, position_ms, asked, .. } = seen;
        if begins {
            let _ = server.control.fact(Fact::Media { session, position_ms, video });
            // At once: what comes next must not wait behind other work.
            use_chosen(server, self.stream.input());
        } else if keyframe {
            let (fact, stream) = (Fact::Keyframe { session, position_ms }, self.stream.clone());
            server.control.fact_then(fact, move || stream.decided(asked));
        }
        report(server, &self.stream, session, seen);
    }

    /// Goes, and says why. Without that its connection broke.
    pub fn leave(mut self, why: Loss) {
        self.session.loss = why;
    }
}

/// Its session goes after it.
impl Drop for Publisher {
    fn drop(&mut self) {
        let Session { server, id, loss, .. } = &self.session;
        info!(path = self.stream.path(), reason = loss.code(), "the publisher left");
        self.stream.leave(*id);
        let _ = server.control.fact(Fact::Observed(*id, Observation::End));
    }
}

/// Takes an input's media from whom the plane chose.
pub fn use_chosen(server: &Server, input: InputId) {
    let chosen =
        server.control.read(|plane, _, _| plane.input(input).and_then(|it| it.machine.used()));
    if let Some((stream, session)) = server.hub.of_input(input).zip(chosen) {
        let seen = stream.use_session(session);
        report(server, &stream, session, seen);
    }
}

/// Keeps what a second of media was like.
fn count(server: &Server, input: InputId, second: &Second) {
    let looks = server.control.read(|plane, _, _| {
        let figures = plane.input(input)?.health.figures();
        Some((figures.video.map_or(0, |it| it.1.1), figures.gops.last_ms))
    });
    let (height, keyframe_ms) = looks.unwrap_or_default();
    let now = unix_ms().div_euclid(1000);
    server.figures.count(input, Stretch::of(now, second, height, keyframe_ms));
}

/// Tells the plane what was seen in media that is used.
fn report(server: &Server, stream: &Stream, session: SessionId, seen: Seen) {
    let input = stream.input();
    let mut other_codecs = false;
    for observation in seen.observations {
        let is_codec = |it| matches!(it, Observation::Video { .. } | Observation::Audio { .. });
        other_codecs |= is_codec(observation);
        let _ = server.control.fact(Fact::Observed(session, observation));
        if let Observation::Second(second) = observation {
            count(server, input, &second);
        }
    }
    if other_codecs {
        let wanted = server
            .control
            .read(|plane, _, _| plane.input(input).is_none_or(|it| it.health.can_be_packaged()));
        stream.packaging().wanted = wanted;
    }
    if seen.playable {
        let _ = server.control.fact(Fact::SegmentReady(input));
    }
}

/// An input's broadcast is over.
pub fn end(server: &Arc<Server>, input: InputId) {
    let Some(stream) = server.hub.of_input(input) else { return };
    if !stream.finish() {
        return;
    }
    info!(path = stream.path(), "the stream ended");
    let server = server.clone();
    tokio::spawn(async move {
        tokio::time::sleep(LINGER).await;
        let mut streams = server.hub.lock();
        if streams.by_input.get(&input).is_some_and(|it| Arc::ptr_eq(it, &stream)) {
            streams.by_input.remove(&input);
            streams.by_path.retain(|_, it| *it != input);
        }
    });
}

/// Ends all streams: what is recorded is written, what is played gets its end.
pub async fn finish_all(server: &Arc<Server>, patience: Duration) {
    let all = server.hub.all();
    for stream in &all {
        end(server, stream.input());
    }
    let done = async {
        for stream in &all {
            stream.settled().await;
        }
    };
    if tokio::time::timeout(patience, done).await.is_err() {
        warn!("some players or recordings did not end in time");
    }
}
