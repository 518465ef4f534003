//! One live stream: what its players share.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use levada_chunk::{ChunkSize, Message, MessageType, SharedMessage};
use levada_control::{InputConfig, InputId, SessionId};
use levada_flv::{Role, TagKind, role};
use levada_hls::{Origin, OriginConfig, Window};
use levada_media::MediaEvent;
use levada_relay::{Cursor, Ring, RingLimits};
use levada_session::ServerConfig;
use tokio::sync::watch;

use crate::bell::Bell;
use crate::config::{Config, Hls, Join};
use crate::facts::{self, Facts};
use crate::lock::{lock, read, write};
use crate::observer::Observer;
use crate::packager::{Held, Unpacking};
use crate::places::{Kind, Places};
use crate::reader::{BEHIND, Reader};
use crate::room::{Room, Seen};

/// How long an address counts as a viewer after it asked for HLS.
const VIEWER: Duration = Duration::from_secs(15);
/// Milliseconds that are kept for players who are late: a little more than they may be behind.
const KEPT: u32 = BEHIND + 2_000;
/// How long a recording of all of it may be late.
const BEGINNING: Duration = Duration::from_secs(10);

/// A stream, shared by its publisher and its players.
#[derive(Debug)]
pub struct Stream {
    input: InputId,
    path: String,
    begin: Instant,
    join: Join,
    /// What players are told: see `ServerConfig::chunk_size`.
    chunk_size: ChunkSize,
    publication: Mutex<Publication>,
    /// The place before the first message, for a recording of all of it.
    beginning: Mutex<Option<Reader>>,
    /// Whether nobody can come back, and the time of the newest message: beside the lock, for players.
    over: AtomicBool,
    newest: AtomicU32,
    /// Messages for RTMP, HTTP-FLV and everybody else who wants them as they came.
    pub(crate) ring: RwLock<Ring<Item>>,
    pub(crate) changed: Arc<Bell>,
    /// The number of the first keyframe that the plane has yet to speak of: no recording goes beyond it before.
    pub(crate) undecided: watch::Sender<u64>,
    packaging: Mutex<Packaging>,
    pub hls_changed: watch::Sender<()>,
    pub mp4: crate::http::Mp4Slot,
    viewers: Mutex<HashMap<u64, Instant>>,
    /// Readers of the ring: players, and those that record and send on.
    pub(crate) players: AtomicU64,
    pub(crate) readers: AtomicU64,
    pub(crate) places: Places,
    bytes: AtomicU64,
    messages: AtomicU64,
    reconnects: AtomicU64,
}

/// What an input's settings say about its playlists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    low_latency: bool,
    window: Option<Duration>,
}

impl Shape {
    pub fn of(input: &InputConfig) -> Self {
        let window = input.dvr_window_s.map(|it| Duration::from_secs(it.into()));
        Self { low_latency: input.low_latency, window }
    }
}

/// What is in the ring.
#[derive(Clone, Debug)]
pub struct Item {
    pub message: SharedMessage,
    /// What players get in its place that know neither multitrack nor modifiers, if that is something else.
    pub(crate) simple: Option<Option<SharedMessage>>,
    /// Counts from the first.
    pub number: u64,
    pub header: bool,
    pub key: bool,
}

impl Item {
    /// What players get that know neither multitrack nor modifiers.
    pub fn plain(&self) -> Option<&SharedMessage> {
        match &self.simple {
            None => Some(&self.message),
            Some(other) => other.as_ref(),
        }
    }
}

/// Who publishes, and since when.
#[derive(Debug, Default)]
struct Publication {
    rooms: HashMap<SessionId, Room>,
    /// Whose media is the stream's.
    used: Option<SessionId>,
    /// When the newest message came, and its time on the stream's clock.
    newest: Option<(Instant, u32)>,
    /// What is added to the times of the current publisher. `None` before its first message.
    offset: Option<u32>,
    /// The same in milliseconds since the beginning, which do not wrap.
    position: i64,
    has_video: bool,
    pushed: u64,
    /// Keyframes that the plane has yet to speak of, and where a recording would begin there.
    asked: VecDeque<(u64, Cursor)>,
}

/// HLS, and what is known of the media.
#[derive(Debug)]
pub struct Packaging {
    pub origin: Origin,
    unpacker: Unpacking,
    pub facts: Facts,
    observer: Observer,
    /// When the first frame came, in milliseconds since 1970: where playlists begin.
    pub begun: Option<i64>,
    /// Whether there is HLS at all.
    pub hls: bool,
    /// Whether the plane wants this media packaged.
    pub wanted: bool,
    /// Whether there is a playlist, or without HLS a frame.
    playable: bool,
    /// Added to all times, so that every publisher begins a timeline of its own.
    shift: u32,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub live: bool,
    pub bytes: u64,
    pub messages: u64,
    pub frames: u64,
    pub keyframes: u64,
    pub gop_ms: u64,
    pub findings: u64,
    pub reconnects: u64,
    pub players: u64,
    pub hls_viewers: u64,
}

impl Stream {
    /// A stream that nobody publishes yet. HLS goes on with these numbers if there was one before.
    pub fn new(
        input: InputId,
        path: &str,
        config: &Config,
        shape: Shape,
        before: Option<(u64, u64)>,
    ) -> Self {
        let mut hls = OriginConfig::default();
        if !shape.low_latency {
            hls.segmenter.part = None;
        }
        if let Some(window) = shape.window {
            hls.window = Window::Sliding(window);
        }
        let container = config.hls_of(path);
        if container == Hls::Ts {
            hls.segmenter.container = levada_hls::Container::Ts;
            hls.segmenter.part = None;
        }
        if let Some((sequence, discontinuity)) = before {
            hls.segmenter.first_sequence = sequence;
            hls.segmenter.resumed = true;
            hls.first_discontinuity = discontinuity;
        }
        let packaging = Packaging {
            origin: Origin::new(hls),
            unpacker: Unpacking::default(),
            facts: Facts::new(facts::policy(&config.health).unwrap_or_default()),
            observer: Observer::default(),
            begun: None,
            hls: container != Hls::Off,
            wanted: true,
            playable: false,
            shift: 0,
        };
        Self {
            input,
            path: path.to_owned(),
            begin: Instant::now(),
            join: config.join,
            chunk_size: ServerConfig::default().chunk_size,
            publication: Mutex::default(),
            beginning: Mutex::default(),
            over: AtomicBool::new(false),
            newest: AtomicU32::new(0),
            ring: RwLock::new(Ring::new(RingLimits::default())),
            changed: Arc::default(),
            undecided: watch::Sender::new(u64::MAX),
            packaging: Mutex::new(packaging),
            hls_changed: watch::Sender::new(()),
            mp4: crate::http::Mp4Slot::default(),
            viewers: Mutex::default(),
            players: AtomicU64::new(0),
            readers: AtomicU64::new(0),
            places: Places::default(),
            bytes: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
        }
    }

    pub fn input(&self) -> InputId {
        self.input
    }

    /// Whether its name is known to everybody who publishes or plays: others go by the input's id.
    pub fn is_public(&self) -> bool {
        self.path != self.input.to_string()
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn uptime(&self) -> Duration {
        self.begin.elapsed()
    }

    /// HLS and facts. The lock is held for as long as one message takes.
    pub fn packaging(&self) -> MutexGuard<'_, Packaging> {
        lock(&self.packaging)
    }

    pub fn is_live(&self) -> bool {
        lock(&self.publication).used.is_some()
    }

    /// Whose media it is at this moment.
    pub fn used(&self) -> Option<SessionId> {
        lock(&self.publication).used
    }

    /// How long ago its publisher's newest message came. Nothing before the first.
    pub fn idle(&self) -> Option<Duration> {
        lock(&self.publication).newest.map(|it| it.0.elapsed())
    }

    /// Whether nobody can come back to it.
    pub fn is_over(&self) -> bool {
        self.over.load(Acquire)
    }

    /// The time of the newest message.
    pub fn newest(&self) -> u32 {
        self.newest.load(Relaxed)
    }

    /// A place in the stream for a player.
    pub fn player(self: &Arc<Self>) -> Reader {
        Reader::player(self.clone(), self.join)
    }

    /// A place for one that wants everything: it falls behind as far as memory allows, and always begins with a picture.
    pub fn follower(self: &Arc<Self>) -> Reader {
        Reader::follower(self.clone())
    }

    /// Keeps the place before the first message. Called once, when there is none yet.
    pub fn keep_beginning(self: &Arc<Self>) {
        let oldest = read(&self.ring).join_oldest();
        *lock(&self.beginning) = Some(Reader::recorder(self.clone(), 0, oldest));
    }

    /// That place, for the first who wants it.
    pub fn take_beginning(&self) -> Option<Reader> {
        lock(&self.beginning).take()
    }

    /// A place for a recording that the plane wants now: at the keyframe that it speaks of.
    pub fn recorder(self: &Arc<Self>) -> Reader {
        // Under the lock: what the plane speaks of is not forgotten before it has a reader.
        let publication = lock(&self.publication);
        let asked = publication.asked.front().cloned();
        asked.map_or_else(|| self.follower(), |(at, it)| Reader::recorder(self.clone(), at, it))
    }

    /// The number before which a recording ends that the plane wants no more: what came by now, but nothing that the
    /// plane has yet to speak of.
    pub fn recorded_to(&self) -> u64 {
        let publication = lock(&self.publication);
        publication.asked.front().map_or(publication.pushed, |it| it.0)
    }

    /// What the plane wanted at this keyframe is done.
    pub fn decided(&self, number: Option<u64>) {
        let mut publication = lock(&self.publication);
        publication.asked.retain(|it| Some(it.0) != number);
        self.undecided.send_replace(publication.asked.front().map_or(u64::MAX, |it| it.0));
    }

    /// Somebody may publish. What comes waits until it is [used](Self::use_session).
    pub fn enter(&self, session: SessionId) {
        lock(&self.publication).rooms.insert(session, Room::default());
    }

    /// Makes a publisher's media the stream's, from its newest keyframe on. Says what was seen in it.
    pub fn use_session(&self, session: SessionId) -> Seen {
        let mut seen = Seen::default();
        let mut publication = lock(&self.publication);
        if self.is_over() || publication.used == Some(session) {
            return seen;
        }
        let Some(room) = publication.rooms.get_mut(&session) else { return seen };
        let waiting = room.empty();
        publication.used = Some(session);
        if publication.pushed > 0 {
            publication.offset = None;
            self.reconnects.fetch_add(1, Relaxed);
        }
        for message in waiting {
            let role = role_of(&message);
            self.take(&mut publication, message, role, &mut seen);
        }
        seen
    }

    /// Takes a message of a publisher.
    pub fn push(&self, session: SessionId, message: Message) -> Seen {
        let mut publication = lock(&self.publication);
        let used = publication.used == Some(session);
        let Some(room) = publication.rooms.get_mut(&session) else { return Seen::default() };
        let role = role_of(&message);
        let mut seen = room.look(&message, role);
        if !used {
            room.wait(message, role, &seen);
        } else if room.goes_on(role) {
            seen.asked = (seen.keyframe && !seen.begins).then_some(publication.pushed);
            self.take(&mut publication, message, role, &mut seen);
        }
        seen
    }

    /// Makes a message the stream's next one. Says where it is, and what is in it.
    fn take(
        &self,
        publication: &mut Publication,
        mut message: Message,
        role: Role,
        seen: &mut Seen,
    ) {
        let again = publication.rebase(&mut message);
        self.newest.store(message.timestamp, Relaxed);
        self.bytes.fetch_add(message.payload.len() as u64, Relaxed);
        self.messages.fetch_add(1, Relaxed);
        let kind = tag_kind(message.kind);
        let (payload, timestamp) = (message.payload.clone(), message.timestamp);
        publication.has_video |= kind == TagKind::Video;
        let key = match role {
            Role::Key => true,
            Role::Other => seen.asked.is_some() || kind == TagKind::Audio && !publication.has_video,
            Role::Header(_) => false,
        };
        let simple = self.simple(kind, &message);
        if let Ok(shared) = SharedMessage::new(message, self.chunk_size) {
            let header = matches!(role, Role::Header(_));
            let number = publication.pushed;
            let item = Item { message: shared, simple, number, header, key };
            publication.pushed += 1;
            if seen.asked.is_some() && publication.asked.is_empty() {
                self.undecided.send_replace(number);
            }
            let mut ring = write(&self.ring);
            match role {
                // A header that is too large to be kept is passed on to nobody: nothing real is.
                Role::Header(slot) => {
                    let _ = ring.push_header(slot, item, payload.len());
                }
                _ => ring.push(item, payload.len(), key),
            }
            if seen.asked.is_some() {
                let mut here = ring.join_oldest();
                ring.skip(&mut here);
                publication.asked.push_back((number, here));
            }
            if key {
                let asked = publication.asked.front().map_or(u64::MAX, |it| it.0);
                self.forget(&mut ring, asked);
            }
        }
        self.changed.ring();
        seen.position_ms = u64::try_from(publication.position).unwrap_or_default();
        self.package(kind, timestamp, payload, again, seen);
    }

    /// Lets go what everybody has taken, and what is older than any player may be behind, but nothing from `asked` on.
    fn forget(&self, ring: &mut Ring<Item>, asked: u64) {
        if self.begin.elapsed() > BEGINNING {
            drop(self.take_beginning());
        }
        let newest = self.newest();
        let wanted = asked.min(self.places.slowest(Kind::Follower));
        let played = self.places.slowest(Kind::Player);
        ring.expire(|it| {
            let age = newest.wrapping_sub(it.message.timestamp());
            let late = age > KEPT && age < u32::MAX / 2;
            it.number < wanted && (it.number < played || late)
        });
    }

    /// A message for simple players, if it is not the same: nearly always it is.
    fn simple(&self, kind: TagKind, message: &Message) -> Option<Option<SharedMessage>> {
        if !matches!(kind, TagKind::Audio | TagKind::Video) {
            return None;
        }
        let body = levada_flv::plain(kind, &message.payload);
        if body.as_ref().is_some_and(|it| it.as_ptr() == message.payload.as_ptr()) {
            return None;
        }
        let simple = body.map(|it| Message { payload: it, ..message.clone() });
        Some(simple.and_then(|it| SharedMessage::new(it, self.chunk_size).ok()))
    }

    fn package(
        &self,
        kind: TagKind,
        timestamp: u32,
        payload: bytes::Bytes,
        again: bool,
        seen: &mut Seen,
    ) {
        let mut packaging = self.packaging();
        let packaging = &mut *packaging;
        if again {
            // Further than any step that the segmenter takes for one timeline.
            packaging.shift = packaging.shift.wrapping_add(60_000);
            packaging.facts.restart();
            packaging.observer = Observer::default();
        }
        packaging.facts.arrived(payload.len());
        packaging.observer.message(kind, seen.position_ms, &payload, &mut seen.observations);
        let before = packaging.origin.generation();
        packaging.unpacker.push(kind, timestamp.wrapping_add(packaging.shift), payload);
        while let Some(held) = packaging.unpacker.next() {
            match held {
                Held::Event(event) => {
                    packaging.facts.observe(&event);
                    packaging.observer.event(&event, seen.position_ms, &mut seen.observations);
                    if !packaging.wanted {
                        continue;
                    }
                    let now = unix_ms();
                    if matches!(event, MediaEvent::Frame(_)) {
                        packaging.begun.get_or_insert(now);
                    }
                    if !packaging.hls {
                        continue;
                    }
                    if let Err(why) = packaging.origin.push(event, now) {
                        packaging.facts.found(format!("left out of HLS: {why}"));
                    }
                }
                Held::Encoder(encoder) => packaging.facts.made_by(encoder.as_deref()),
                Held::Finding(finding) => packaging.facts.found(finding),
            }
        }
        if packaging.origin.generation() != before {
            self.hls_changed.send_replace(());
        }
        if !packaging.playable {
            packaging.playable = if packaging.hls {
                packaging.origin.resume_at().is_some()
            } else {
                packaging.begun.is_some()
            };
            seen.playable |= packaging.playable;
        }
    }

    /// A publisher is gone.
    pub fn leave(&self, session: SessionId) {
        let mut publication = lock(&self.publication);
        publication.rooms.remove(&session);
        publication.used.take_if(|it| *it == session);
    }

    /// It is over. `false` if it was before.
    pub fn finish(&self) -> bool {
        {
            let _publication = lock(&self.publication);
            if self.over.swap(true, AcqRel) {
                return false;
            }
        }
        drop(self.take_beginning());
        if let Err(why) = self.packaging().origin.finish() {
            tracing::debug!(%why, "the last segment is lost");
        }
        self.changed.ring();
        self.hls_changed.send_replace(());
        true
    }

    /// Resolves when it is over and everybody has read it to its end.
    pub async fn settled(&self) {
        while !self.is_over() || self.readers.load(Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where HLS would go on.
    pub fn resume_at(&self) -> Option<(u64, u64)> {
        self.packaging().origin.resume_at()
    }

    /// Forgets the past of its playlists, as far as players that are on time do not need it.
    pub fn forget_past(&self) {
        self.packaging().origin.trim(Duration::ZERO);
        self.hls_changed.send_replace(());
    }

    /// Somebody asked for HLS. `false` if so many others did lately that there may be no more.
    pub fn viewed(&self, who: impl Hash, most: usize) -> bool {
        let mut hasher = DefaultHasher::new();
        who.hash(&mut hasher);
        let mut viewers = lock(&self.viewers);
        let who = hasher.finish();
        let admitted = viewers.len() < most || viewers.contains_key(&who);
        if admitted {
            viewers.insert(who, Instant::now());
        }
        admitted
    }

    /// Called once a second.
    pub fn measure(&self) {
        lock(&self.viewers).retain(|_, at| at.elapsed() < VIEWER);
        self.packaging().facts.measure();
    }

    pub fn counts(&self) -> Counts {
        let live = self.is_live();
        let hls_viewers = lock(&self.viewers).len() as u64;
        let facts = &self.packaging().facts;
        Counts {
            live,
            bytes: self.bytes.load(Relaxed),
            messages: self.messages.load(Relaxed),
            frames: facts.frames,
            keyframes: facts.keyframes,
            gop_ms: facts.gop_ms,
            findings: facts.finding_count,
            reconnects: self.reconnects.load(Relaxed),
            players: self.players.load(Relaxed),
            hls_viewers,
        }
    }
}

impl Publication {
    /// Puts a message on the stream's clock, which goes on when a publisher comes back. Says whether one just did.
    fn rebase(&mut self, message: &mut Message) -> bool {
        let again = self.offset.is_none() && self.newest.is_some();
        let offset = *self.offset.get_or_insert_with(|| {
            let Some((at, time)) = self.newest else { return 0 };
            let passed = u32::try_from(at.elapsed().as_millis()).unwrap_or(u32::MAX);
            time.wrapping_add(passed.max(1)).wrapping_sub(message.timestamp)
        });
        message.timestamp = message.timestamp.wrapping_add(offset);
        let before = self.newest.map_or(message.timestamp, |(_, time)| time);
        // Steps back are small, too: the difference has a sign.
        self.position += i64::from(message.timestamp.wrapping_sub(before).cast_signed());
        self.newest = Some((Instant::now(), message.timestamp));
        again
    }
}

fn role_of(message: &Message) -> Role {
    role(tag_kind(message.kind), &message.payload)
}

/// What kind of tag a message of RTMP is.
pub fn tag_kind(kind: MessageType) -> TagKind {
    match kind {
        MessageType::AUDIO => TagKind::Audio,
        MessageType::VIDEO => TagKind::Video,
        MessageType::DATA_AMF3 => TagKind::ScriptAmf3,
        _ => TagKind::Script,
    }
}

pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use levada_chunk::MessageStreamId;

    use super::*;

    /// A stream that somebody may publish.
    fn entered() -> (Arc<Stream>, SessionId) {
        let config = Config::parse_from(["streamd"]);
        let input = InputId::from_bytes([1; 16]);
        let stream = Arc::new(Stream::new(input, "live/a", &config, Shape::default(), None));
        let session = SessionId::from_bytes([1; 8]);
        stream.enter(session);
        (stream, session)
    }

    #[test]
    fn recordings_meet_at_the_keyframe_that_the_plane_speaks_of() {
        let (stream, session) = entered();
        let mut time = 0;
        let mut push = |payload: &'static [u8]| {
            time += 40;
            let (kind, payload) = (MessageType::VIDEO, bytes::Bytes::from_static(payload));
            stream.push(session, Message::new(kind, MessageStreamId(1), time, payload)).asked
        };
        let (key, other) = (b"\x17\x01\0\0\0....", b"\x27\x01\0\0\0....");
        let begins = || {
            let first = stream.recorder().read_some(1 << 20).front().map(|it| it.number);
            (first, stream.recorded_to(), *stream.undecided.borrow())
        };
        assert_eq!(push(key), None, "it waits");
        stream.use_session(session);
        assert_eq!((push(other), push(other)), (None, None));
        assert_eq!(begins(), (Some(0), 3, u64::MAX));
        // The plane is late: it speaks of the first of two keyframes that have come.
        assert_eq!((push(key), push(other), push(key)), (Some(3), None, Some(5)));
        assert_eq!(begins(), (Some(3), 3, 3));
        stream.decided(Some(3));
        assert_eq!(begins(), (Some(5), 5, 5));
        stream.decided(Some(5));
        assert_eq!(begins(), (Some(5), 6, u64::MAX));
    }

    #[test]
    fn what_everybody_has_taken_is_let_go_at_a_keyframe() {
        let (stream, session) = entered();
        stream.use_session(session);
        let mut time = 0;
        // A keyframe every two seconds.
        let mut push = |seconds: u32| {
            for _ in 0..seconds * 25 {
                let body: &[u8] =
                    if time % 2000 == 0 { b"\x17\x01\0\0\0...." } else { b"\x27\x01\0\0\0...." };
                let payload = bytes::Bytes::from_static(body);
                let message = Message::new(MessageType::VIDEO, MessageStreamId(1), time, payload);
                let asked = stream.push(session, message).asked;
                stream.decided(asked);
                time += 40;
            }
            read(&stream.ring).len()
        };
        assert_eq!(push(7), 25, "nobody plays: what began with the newest keyframe");
        let (mut player, mut late) = (stream.player(), stream.player());
        let number = |reader: &mut Reader| reader.read_some(usize::MAX).front().map(|it| it.number);
        assert_eq!((number(&mut player), number(&mut late)), (Some(150), Some(150)));
        push(3);
        assert_eq!(number(&mut player), Some(175));
        assert_eq!(push(1), 100, "all that one of them has not taken, and what it is in");
        assert_eq!(push(60), 200 + 25, "eight seconds, and what came after the keyframe");
        assert_eq!(number(&mut player).is_some() as u64 + player.skips, 2);
        drop((player, late));
        let mut follower = stream.follower();
        assert!(number(&mut follower).is_some());
        push(60);
        assert_eq!(follower.read_some(usize::MAX).len(), 60 * 25, "it wants everything");
        assert_eq!(push(2), 50);
    }
}
