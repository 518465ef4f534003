//! A small live server out of `levada-session` and `levada-relay`, and the world around it: a clock, publishers and
//! players, each behind a network of its own.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use levada_buf::Endpoint;
use levada_chunk::{Message, MessageStreamId, SharedMessage};
use levada_flv::{Role, TagKind, role};
use levada_relay::{Cursor, Next, Ring, RingLimits};
use levada_session::{
    ClientEvent, CloseReason, Flow, PlayStart, PublishKind, Rejection, ServerConfig, ServerEvent,
    ServerSession,
};
use levada_test::{Chance, Clock, PairEvent, Pipe};

use crate::common::*;

/// How much is put into a player's outbox ahead of the network.
const AHEAD: usize = 32 * 1024;

pub(crate) struct Live {
    pub(crate) ring: Ring<SharedMessage>,
    /// What came in, in order.
    pub(crate) log: Vec<Sent>,
    publisher: Option<usize>,
}

/// The application of the server's sessions.
pub(crate) struct Hub {
    pub(crate) limits: RingLimits,
    pub(crate) streams: BTreeMap<String, Live>,
}

impl Hub {
    pub(crate) fn new(limits: RingLimits) -> Self {
        Self { limits, streams: BTreeMap::new() }
    }

    fn live(&mut self, name: &str) -> &mut Live {
        let ring = || Ring::new(self.limits);
        self.streams.entry(name.to_owned()).or_insert_with(|| Live {
            ring: ring(),
            log: Vec::new(),
            publisher: None,
        })
    }

    fn take(&mut self, name: &str, message: &Message) {
        let live = self.live(name);
        live.log.push(Sent::of(message));
        let (kind, size) = (TagKind::from_id(message.kind.0), message.payload.len());
        let role = role(kind, &message.payload);
        let mut message = message.clone();
        if matches!(role, Role::Header(_)) {
            message.payload = Bytes::copy_from_slice(&message.payload);
        }
        let shared = SharedMessage::new(message, chunk_size()).unwrap();
        match role {
            Role::Header(slot) => live.ring.push_header(slot, shared, size).unwrap(),
            Role::Key => live.ring.push(shared, size, true),
            Role::Other => live.ring.push(shared, size, false),
        }
        live.ring.check_invariants();
    }
}

/// One connection, seen from both ends.
pub(crate) struct Line {
    number: usize,
    pub(crate) pair: Both,
    name: String,
    pub(crate) role: Doing,
    /// The driver of the server has seen the end of the connection.
    pub(crate) gone: bool,
}

pub(crate) enum Doing {
    Publish(Publisher),
    Play(Player),
}

pub(crate) struct Publisher {
    source: Source,
    stream: Option<MessageStreamId>,
    accepted: bool,
    /// Made and not sent yet: the network was full.
    waiting: Vec<Sent>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) refused: bool,
}

#[derive(Default)]
pub(crate) struct Player {
    /// The server's side.
    place: Option<(MessageStreamId, Cursor)>,
    rests: bool,
    /// The client's side.
    stream: Option<MessageStreamId>,
    paused: bool,
    /// What the ring said, in order.
    pub(crate) lost: Vec<u64>,
    pub(crate) got: Vec<Sent>,
    /// Where in `got` something is missing before.
    pub(crate) skipped_at: Vec<usize>,
    handed: usize,
}

impl Player {
    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }
}

/// All of it.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    pub(crate) lines: Vec<Line>,
    config: Arc<ServerConfig>,
}

impl World {
    pub(crate) fn new(limits: RingLimits) -> Self {
        Self {
            clock: Clock::new(),
            hub: Hub::new(limits),
            lines: Vec::new(),
            config: Arc::new(ServerConfig::default()),
        }
    }

    pub(crate) fn publisher(&mut self, name: &str, source: Source, net: (Pipe, Pipe)) -> usize {
        let publisher = Publisher {
            source,
            stream: None,
            accepted: false,
            waiting: Vec::new(),
            sent: Vec::new(),
            refused: false,
        };
        self.connect(name, Doing::Publish(publisher), net)
    }

    pub(crate) fn player(&mut self, name: &str, net: (Pipe, Pipe)) -> usize {
        self.connect(name, Doing::Play(Player::default()), net)
    }

    fn connect(&mut self, name: &str, role: Doing, (up, down): (Pipe, Pipe)) -> usize {
        let mut pair = pair(self.clock, client_config(), self.config.clone());
        (pair.up, pair.down) = (up, down);
        let client = &mut pair.client.end;
        match role {
            Doing::Publish(_) => client.publish(name, PublishKind::Live).unwrap(),
            Doing::Play(_) => client.play(name, PlayStart::Live, None).unwrap(),
        }
        let number = self.lines.len();
        self.lines.push(Line { number, pair, name: name.to_owned(), role, gone: false });
        number
    }

    pub(crate) fn play_of(&self, line: usize) -> &Player {
        match &self.lines[line].role {
            Doing::Play(player) => player,
            Doing::Publish(_) => panic!("line {line} publishes"),
        }
    }

    pub(crate) fn publish_of(&self, line: usize) -> &Publisher {
        match &self.lines[line].role {
            Doing::Publish(publisher) => publisher,
            Doing::Play(_) => panic!("line {line} plays"),
        }
    }

    /// A player pauses, or goes on.
    pub(crate) fn toggle(&mut self, line: usize) {
        let line = &mut self.lines[line];
        if let Doing::Play(Player { stream: Some(stream), paused, .. }) = &mut line.role {
            *paused = !*paused;
            line.pair.client.end.pause(*stream, *paused, 0).unwrap();
        }
    }

    /// Publishers make something every 40 ms.
    pub(crate) fn publish_for(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        while self.clock.now() < end {
            for line in &mut self.lines {
                line.make();
            }
            self.run(Duration::from_millis(40));
        }
    }

    /// Nothing new is made.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        loop {
            while self.settle() {}
            let now = self.clock.now();
            let alive = self.lines.iter().filter(|it| !it.gone);
            let next = alive.filter_map(|it| it.pair.next_due()).min().unwrap_or(end).max(now);
            if next > end || now == end {
                self.clock.advance_to(end);
                return;
            }
            self.clock.advance_to(next);
            for line in self.lines.iter_mut().filter(|it| !it.gone) {
                line.pair.clock = self.clock;
                line.pair.handle_timeouts();
            }
        }
    }

    fn settle(&mut self) -> bool {
        let mut moved = false;
        for line in self.lines.iter_mut().filter(|it| !it.gone) {
            line.pair.clock = self.clock;
            moved |= line.settle(&mut self.hub);
        }
        moved
    }
}

impl Line {
    fn make(&mut self) {
        if let Doing::Publish(publisher) = &mut self.role
            && publisher.stream.is_some()
            && !self.gone
        {
            publisher.waiting.extend(publisher.source.next());
        }
    }

    /// True as long as something moves.
    fn settle(&mut self, hub: &mut Hub) -> bool {
        let Self { number, pair, name, role, .. } = self;
        let carried = |pair: &Both| (pair.up.carried(), pair.down.carried());
        let before = carried(pair);
        let events = pair.settle(|client, server, event| match event {
            PairEvent::Client(event) => role.hear(event),
            PairEvent::Server(event) => {
                let _ = client;
                role.serve(hub, *number, name, server, event);
            }
        });
        assert!(pair.client.input.len() <= 64 * 1024 + 70_000, "{}", pair.client.input.len());
        let mut more = self.send();
        more |= self.top_up(hub);
        let over =
            self.pair.up.is_cut() || self.pair.down.is_cut() || self.pair.server.error.is_some();
        if over {
            self.gone = true;
            if let Some(live) = hub.streams.get_mut(&self.name)
                && live.publisher == Some(self.number)
            {
                live.publisher = None;
            }
        }
        more || events > 0 || carried(&self.pair) != before
    }

    fn send(&mut self) -> bool {
        let Doing::Publish(publisher) = &mut self.role else { return false };
        let Some(stream) = publisher.stream else { return false };
        let client = &mut self.pair.client.end;
        let size = chunk_size();
        let count = publisher
            .waiting
            .iter()
            .take_while(|it| client.send(stream, &it.shared(size)).is_ok())
            .count();
        publisher.sent.extend(publisher.waiting.drain(..count));
        count > 0
    }

    fn top_up(&mut self, hub: &Hub) -> bool {
        let Doing::Play(player) = &mut self.role else { return false };
        let Some((stream, cursor)) = player.place.as_mut().filter(|_| !player.rests) else {
            return false;
        };
        let Some(live) = hub.streams.get(&self.name) else { return false };
        let server = &mut self.pair.server.end;
        let before = player.handed;
        while server.output().remaining() < AHEAD {
            match live.ring.next(cursor) {
                Next::Header(message) | Next::Item(message) => {
                    server.send(*stream, message).unwrap();
                    player.handed += 1;
                }
                Next::Skipped { lost, .. } => {
                    player.lost.push(lost);
                    player.skipped_at.push(player.handed);
                }
                Next::Empty => break,
            }
        }
        // Memory: what is put ahead, and the one message that goes over it.
        assert!(server.output().remaining() < AHEAD + 100_000);
        player.handed > before
    }
}

impl Doing {
    fn hear(&mut self, event: ClientEvent) {
        match (self, event) {
            (Self::Publish(it), ClientEvent::Publishing(stream)) => it.stream = Some(stream),
            (Self::Publish(it), ClientEvent::Rejected { .. }) => {
                (it.stream, it.refused) = (None, true);
            }
            (Self::Play(it), ClientEvent::Playing(stream)) => it.stream = Some(stream),
            (Self::Play(it), ClientEvent::Media { message, .. }) => it.got.push(Sent::of(&message)),
            (_, ClientEvent::Tolerated(quirk)) => panic!("the server of this workspace: {quirk:?}"),
            _ => {}
        }
    }

    fn serve(
        &mut self,
        hub: &mut Hub,
        number: usize,
        name: &str,
        server: &mut ServerSession,
        event: ServerEvent,
    ) {
        match (self, event) {
            (_, ServerEvent::Connect(request)) => server.accept_connect(request),
            (Self::Publish(it), ServerEvent::Publish(request)) => {
                let live = hub.live(name);
                if live.publisher.is_some() {
                    server.reject(request, &Rejection::in_use("somebody is here already"));
                    return;
                }
                (live.publisher, it.accepted) = (Some(number), true);
                server.accept_publish(request);
            }
            (Self::Play(it), ServerEvent::Play(request)) => {
                let cursor = hub.live(name).ring.join();
                it.place = Some((server.accept_play(request), cursor));
            }
            (Self::Publish(_), ServerEvent::Media { message, .. }) => hub.take(name, &message),
            (Self::Publish(_), ServerEvent::StreamClosed(_)) => hub.live(name).publisher = None,
            (Self::Play(it), ServerEvent::Flow { flow, .. }) => {
                it.rests = flow == Flow::Pause;
                if let (Flow::Resume, Some((_, cursor))) = (flow, &mut it.place)
                    && let Some(lag) = hub.live(name).ring.skip(cursor)
                {
                    it.lost.push(lag.items);
                    it.skipped_at.push(it.handed);
                }
            }
            (Self::Play(it), ServerEvent::StreamClosed(_)) => it.place = None,
            (_, ServerEvent::Tolerated(quirk)) => {
                use levada_session::Quirk;
                assert_eq!(quirk, Quirk::StartInThousandths);
            }
            (_, ServerEvent::Closed(why)) => assert_eq!(why, CloseReason::Refused),
            (_, event) => panic!("line {number}: {event:?}"),
        }
    }
}

/// A network of chance. `slow`: 20 to 40 kB a second.
pub(crate) fn net(chance: &mut Chance, slow: bool) -> (Pipe, Pipe) {
    let mut pipe = |slow: bool| {
        let delay = Duration::from_millis(chance.within(0..300) as u64);
        let pipe = Pipe::new().with_cuts(&chance.cuts());
        if slow {
            pipe.with_delay(Duration::from_millis(100)).with_capacity(chance.within(2000..4000))
        } else {
            pipe.with_delay(delay).with_capacity(chance.within(300_000..2_000_000))
        }
    };
    (pipe(false), pipe(slow))
}
