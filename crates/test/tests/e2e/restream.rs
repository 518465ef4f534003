//! Publisher → server → player → publisher → server: what comes out at the end is what went in, byte for byte.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use levada_chunk::{MessageStreamId, SharedMessage};
use levada_flv::{Role, TagKind, role};
use levada_relay::{Cursor, Next, Ring, RingLimits};
use levada_session::{ClientEvent, PlayStart, PublishKind, SendError, ServerConfig, ServerEvent};
use levada_test::{Chance, Clock, PairEvent, seeds};

use crate::common::*;
use crate::hub::net;

/// A ring between two connections.
struct Relay {
    ring: Ring<SharedMessage>,
    place: Option<(MessageStreamId, Cursor)>,
    /// Taken from the ring, and refused by the session so far.
    waiting: Option<SharedMessage>,
}

impl Relay {
    fn new() -> Self {
        Self { ring: Ring::new(RingLimits::default()), place: None, waiting: None }
    }

    fn push(&mut self, sent: &Sent) {
        let (message, size) = (sent.shared(chunk_size()), sent.payload.len());
        match role(TagKind::from_id(sent.kind.0), &sent.payload) {
            Role::Header(slot) => self.ring.push_header(slot, message, size).unwrap(),
            Role::Key => self.ring.push(message, size, true),
            Role::Other => self.ring.push(message, size, false),
        }
    }

    /// The receiver is there, and gets everything from now on.
    fn join(&mut self, stream: MessageStreamId) {
        self.place = Some((stream, self.ring.join()));
    }

    /// Hands on what there is, until it is refused.
    fn hand_on(
        &mut self,
        mut send: impl FnMut(MessageStreamId, &SharedMessage) -> Result<(), SendError>,
    ) -> usize {
        let Some((stream, cursor)) = &mut self.place else { return 0 };
        for count in 0.. {
            let next = self.waiting.take().or_else(|| match self.ring.next(cursor) {
                Next::Header(message) | Next::Item(message) => Some(message.clone()),
                Next::Skipped { .. } => panic!("the ring is large enough"),
                Next::Empty => None,
            });
            let Some(message) = next else { return count };
            if let Err(why) = send(*stream, &message) {
                assert_eq!(why, SendError::Full);
                self.waiting = Some(message);
                return count;
            }
        }
        0
    }
}

/// Sends messages through three connections.
fn restream(messages: &[Sent], chance: &mut Chance) -> Vec<Sent> {
    let mut clock = Clock::new();
    let mut server = ServerConfig::default();
    let mut client = client_config();
    // Small budgets, so that `Full` happens.
    (server.limits.send_budget, client.limits.send_budget) = (20_000, 20_000);
    let server = Arc::new(server);
    let mut pairs = [(); 3].map(|()| {
        let mut pair = pair(clock, client.clone(), server.clone());
        (pair.up, pair.down) = net(chance, false);
        pair
    });
    let [ingest, play, egress] = &mut pairs;
    ingest.client.end.publish("a", PublishKind::Live).unwrap();
    play.client.end.play("a", PlayStart::Any, None).unwrap();
    egress.client.end.publish("b", PublishKind::Live).unwrap();
    let [mut source, mut first, mut second] = [Relay::new(), Relay::new(), Relay::new()];
    let mut got = Vec::new();
    // Everybody is there before the first message, so nobody joins late.
    let mut left = messages.iter();
    let mut idle = 0;
    while idle < 50 {
        let mut moved = 0;
        for pair in [&mut *ingest, &mut *play, &mut *egress] {
            pair.clock = clock;
            pair.handle_timeouts();
        }
        moved += ingest.settle(|_, server, event| match event {
            PairEvent::Client(ClientEvent::Publishing(id)) => source.join(id),
            PairEvent::Server(ServerEvent::Connect(it)) => server.accept_connect(it),
            PairEvent::Server(ServerEvent::Publish(it)) => drop(server.accept_publish(it)),
            PairEvent::Server(ServerEvent::Media { message, .. }) => {
                first.push(&Sent::of(&message))
            }
            _ => {}
        });
        moved += play.settle(|_, server, event| match event {
            PairEvent::Server(ServerEvent::Connect(it)) => server.accept_connect(it),
            PairEvent::Server(ServerEvent::Play(it)) => first.join(server.accept_play(it)),
            PairEvent::Client(ClientEvent::Media { message, .. }) => {
                second.push(&Sent::of(&message));
            }
            _ => {}
        });
        moved += egress.settle(|_, server, event| match event {
            PairEvent::Client(ClientEvent::Publishing(id)) => second.join(id),
            PairEvent::Server(ServerEvent::Connect(it)) => server.accept_connect(it),
            PairEvent::Server(ServerEvent::Publish(it)) => drop(server.accept_publish(it)),
            PairEvent::Server(ServerEvent::Media { message, .. }) => got.push(Sent::of(&message)),
            _ => {}
        });
        for error in [&ingest.server.error, &play.client.error, &egress.server.error] {
            assert_eq!(*error, None);
        }
        if source.place.is_some() && first.place.is_some() && second.place.is_some() {
            left.by_ref().take(3).for_each(|it| source.push(it));
        }
        moved += source.hand_on(|to, message| ingest.client.end.send(to, message));
        moved += first.hand_on(|to, message| play.server.end.send(to, message));
        moved += second.hand_on(|to, message| egress.client.end.send(to, message));
        idle = if moved > 0 || left.len() > 0 { 0 } else { idle + 1 };
        clock.advance(Duration::from_millis(20));
    }
    got
}

/// What a ring makes of a stream: of the headers before the first keyframe the newest of each slot.
fn expected(sent: &[Sent]) -> Vec<Sent> {
    let role_of = |it: &Sent| role(TagKind::from_id(it.kind.0), &it.payload);
    let start = sent.iter().position(|it| role_of(it) == Role::Key).unwrap();
    let mut headers = BTreeMap::new();
    for it in &sent[..start] {
        if let Role::Header(slot) = role_of(it) {
            headers.insert(slot, it);
        }
    }
    headers.into_values().chain(&sent[start..]).cloned().collect()
}

fn check(what: &str, sent: &[Sent], got: &[Sent]) {
    let expected = expected(sent);
    assert!(expected.len() + 5 >= sent.len(), "{what}");
    assert_eq!(got.len(), expected.len(), "{what}");
    assert!(got == expected, "{what}");
}

#[test]
fn files_come_through_as_they_were() {
    let files = [
        "media/h264_main_b2_aac48s.flv",
        "media/res_change_newseqhdr.flv",
        "media/ts_cross_ffffff.flv",
        "media/ts_wrap_32bit.flv",
        "media/ts_backwards.flv",
        "real/ffmpeg-9.0.2-multitrack-codecs.flv",
        "real/rtmp-obs-32.2.2-av1-aac.flv",
        "real/ffmpeg-9.0.2-hevc-opus.flv",
    ];
    for seed in seeds(2) {
        let mut chance = Chance::new(seed);
        for file in files {
            let sent = flv(file);
            // What players are not sent: see `ServerSession::send`.
            let sent: Vec<Sent> = sent.into_iter().filter(|it| !it.payload.is_empty()).collect();
            check(&format!("seed {seed}: {file}"), &sent, &restream(&sent, &mut chance));
        }
    }
}

#[test]
fn made_up_streams_come_through_as_they_were() {
    for seed in seeds(6) {
        let mut chance = Chance::new(seed);
        let mut source = Source::new(Chance::new(chance.number()), 40_000);
        let sent: Vec<Sent> = (0..150).flat_map(|_| source.next()).collect();
        check(&format!("seed {seed}"), &sent, &restream(&sent, &mut chance));
    }
}
