//! Fifty days in some seconds: every clock and counter of the wire wraps, nothing is lost, and no memory grows.

use core::time::Duration;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{MessageStreamId, MessageType, SharedMessage};
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_handshake::Entropy;
use levada_hls::{Answer, Container, Origin, OriginConfig, Request};
use levada_media::MediaEvent;
use levada_relay::{Cursor, Next, Ring, RingLimits};
use levada_session::{
    ClientEvent, ClientSession, PlayStart, PublishKind, ServerConfig, ServerEvent, ServerSession,
};
use levada_test::{Clock, PairEvent, allocations};

use crate::common::*;

const DAY: u64 = 24 * 3600;
/// Milliseconds wrap after 49.7.
const DAYS: u64 = 50;
/// Sound is that rare, so that it takes seconds.
const STEP: u64 = 30;

/// A connection as short as can be: no pipe, no copy but the one that a socket makes.
struct Wire<C, S> {
    client: C,
    server: S,
    up: BytesMut,
    down: BytesMut,
}

impl<C: Endpoint, S: Endpoint> Wire<C, S> {
    fn new(client: C, server: S) -> Self {
        let block = || BytesMut::with_capacity(256 * 1024);
        Self { client, server, up: block(), down: block() }
    }

    fn carry(&mut self) -> bool {
        let carry = |from: &mut Outbox, to: &mut BytesMut| {
            let count = from.remaining();
            to.reserve(count);
            to.put(from);
            count > 0
        };
        carry(self.client.output(), &mut self.up) | carry(self.server.output(), &mut self.down)
    }

    fn pass_time(&mut self, clock: &Clock) {
        let now = clock.now();
        if self.client.deadline().is_some_and(|it| it <= now) {
            self.client.handle_timeout(now);
        }
        if self.server.deadline().is_some_and(|it| it <= now) {
            self.server.handle_timeout(now);
        }
    }
}

struct System {
    clock: Clock,
    ingest: Wire<ClientSession, ServerSession>,
    play: Wire<ClientSession, ServerSession>,
    ring: Ring<SharedMessage>,
    publishing: Option<MessageStreamId>,
    place: Option<(MessageStreamId, Cursor)>,
    playing: bool,
    unpacker: Unpacker,
    /// What came where, and the sum of its timestamps.
    sent: Tally,
    ingested: Tally,
    played: Tally,
    last_dts: i64,
    headers: [SharedMessage; 2],
    audio: Bytes,
    video: Bytes,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Tally {
    messages: u64,
    bytes: u64,
    timestamps: u64,
}

impl Tally {
    fn add(&mut self, timestamp: u32, size: usize) {
        self.messages += 1;
        self.bytes += size as u64;
        self.timestamps += u64::from(timestamp);
    }
}

impl System {
    fn new() -> Self {
        let clock = Clock::new();
        let client = || ClientSession::new(client_config(), Entropy::new([1; 1528]), clock.now());
        let server = |ping| {
            let mut config = ServerConfig::default();
            (config.timeouts.publisher, config.timeouts.ping) =
                (Duration::from_secs(2 * STEP), ping);
            ServerSession::new(Arc::new(config), Entropy::new([2; 1528]), clock.now())
        };
        // Without pings, whose answers show that a player is there, acknowledgements can be counted.
        let mut ingest = Wire::new(client(), server(Duration::MAX));
        let mut play = Wire::new(client(), server(Duration::from_secs(STEP)));
        ingest.client.publish("key", PublishKind::Live).unwrap();
        play.client.play("key", PlayStart::Live, None).unwrap();
        let header = |kind, payload: &'static [u8]| {
            Sent { kind, timestamp: 0, payload: Bytes::from_static(payload) }.shared(chunk_size())
        };
        let avc = b"\x17\0\0\0\0\x01\x4d\x40\x0b\xff\xe1\0\x17\x67\x4d\x40\x0b\xec\xa1\x46\xfc\x98\x08\x80\0\0\x03\0\x80\0\0\x19\x07\x8a\x14\xcb\x01\0\x05\x68\xeb\xe0\xe4\xb2";
        let mut limits = RingLimits::default();
        limits.bytes = 1 << 20;
        Self {
            clock,
            ingest,
            play,
            ring: Ring::new(limits),
            publishing: None,
            place: None,
            playing: false,
            unpacker: Unpacker::default(),
            sent: Tally::default(),
            ingested: Tally::default(),
            played: Tally::default(),
            last_dts: 0,
            headers: [
                header(MessageType::VIDEO, avc),
                header(MessageType::AUDIO, b"\xaf\0\x11\x90"),
            ],
            audio: Bytes::from_static(b"\xaf\x01\x21\x10\x04\x60"),
            video: [&b"\x17\x01\0\0\0\0\0\xff\xf0\x65\x88\x84\0\x33"[..], &[7; 65_515]]
                .concat()
                .into(),
        }
    }

    /// Until nothing moves.
    fn settle(&mut self) {
        let now = self.clock.now();
        loop {
            let mut moved = self.ingest.carry() | self.play.carry();
            while let Some(event) =
                self.ingest.client.next_event(&mut self.ingest.down, now).unwrap()
            {
                moved = true;
                if let ClientEvent::Publishing(id) = event {
                    self.publishing = Some(id);
                }
            }
            while let Some(event) = self.ingest.server.next_event(&mut self.ingest.up, now).unwrap()
            {
                moved = true;
                match event {
                    ServerEvent::Connect(it) => self.ingest.server.accept_connect(it),
                    ServerEvent::Publish(it) => drop(self.ingest.server.accept_publish(it)),
                    ServerEvent::Media { message, .. } => {
                        self.ingested.add(message.timestamp, message.payload.len());
                        self.observe(message.kind, message.timestamp, &message.payload);
                        let key = message.kind == MessageType::VIDEO;
                        let size = message.payload.len();
                        let message = SharedMessage::new(message, chunk_size()).unwrap();
                        self.ring.push(message, size, key);
                    }
                    other => panic!("{other:?}"),
                }
            }
            while let Some(event) = self.play.server.next_event(&mut self.play.up, now).unwrap() {
                moved = true;
                match event {
                    ServerEvent::Connect(it) => self.play.server.accept_connect(it),
                    ServerEvent::Play(it) => {
                        let cursor = self.ring.join();
                        self.place = Some((self.play.server.accept_play(it), cursor));
                    }
                    ServerEvent::Tolerated(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            if let Some((stream, cursor)) = &mut self.place {
                while let Next::Item(message) = self.ring.next(cursor) {
                    self.play.server.send(*stream, message).unwrap();
                    moved = true;
                }
            }
            while let Some(event) = self.play.client.next_event(&mut self.play.down, now).unwrap() {
                moved = true;
                match event {
                    ClientEvent::Playing(_) => self.playing = true,
                    ClientEvent::Media { message, .. } => {
                        self.played.add(message.timestamp, message.payload.len());
                    }
                    _ => {}
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Times go on over every wrap.
    fn observe(&mut self, kind: MessageType, timestamp: u32, payload: &Bytes) {
        self.unpacker.push(TagKind::from_id(kind.0), timestamp, payload.clone());
        while let Some(unpacked) = self.unpacker.next() {
            match unpacked {
                Unpacked::Event(MediaEvent::Frame(frame)) => {
                    assert_eq!(frame.dts.0 & 0xFFFF_FFFF, i64::from(timestamp));
                    assert!((0..=30_000).contains(&(frame.dts.0 - self.last_dts)));
                    self.last_dts = frame.dts.0;
                }
                Unpacked::Event(MediaEvent::Track(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn send(&mut self, message: &SharedMessage) {
        let stream = self.publishing.unwrap();
        self.ingest.client.send(stream, message).unwrap();
        self.sent.add(message.timestamp(), message.payload().len());
    }

    fn start(&mut self) {
        self.settle();
        assert!(self.playing);
        self.send(&self.headers[0].clone());
        self.send(&self.headers[1].clone());
    }

    /// A picture every minute, sound in between.
    fn run(&mut self, seconds: u64) {
        let end = self.clock.elapsed().as_secs() + seconds;
        while self.clock.elapsed().as_secs() < end {
            let at = self.clock.elapsed();
            let timestamp = u32::try_from(at.as_millis() & 0xFFFF_FFFF).unwrap();
            if at.as_secs().is_multiple_of(60) {
                let payload = self.video.clone();
                let kind = MessageType::VIDEO;
                self.send(&Sent { kind, timestamp, payload }.shared(chunk_size()));
            }
            let payload = self.audio.clone();
            let kind = MessageType::AUDIO;
            self.send(&Sent { kind, timestamp, payload }.shared(chunk_size()));
            self.settle();
            self.clock.advance(Duration::from_secs(STEP));
            self.ingest.pass_time(&self.clock);
            self.play.pass_time(&self.clock);
        }
    }
}

#[test]
fn fifty_days_of_sessions() {
    let mut system = System::new();
    system.start();
    system.run(3600);
    let counted = allocations(|| system.run(DAYS * DAY));
    // What is in flight and in the ring is what was there after the first hour.
    assert!(counted.kept_bytes.abs() < 64 * 1024, "{counted:?}");
    assert!(counted.peak_bytes < 512 * 1024, "{counted:?}");
    assert_eq!(system.ingested, system.sent);
    // Headers are not in the ring, and the player begins with the first picture.
    assert_eq!(system.played.messages, system.sent.messages - 2);
    assert!(system.last_dts > i64::from(u32::MAX), "2^32 ms went by");
    let received = system.ingest.server.statistics().received_bytes;
    assert!(received > u64::from(u32::MAX), "and 2^32 bytes: {received}");
    // Half of the window that the client asks for, and not more often: 16 bytes each, behind handshake and replies.
    let acknowledgements = received / u64::from(client_config().window / 2) + 1;
    let sent = system.ingest.server.statistics().sent_bytes;
    assert!(sent <= 3073 + 2000 + 16 * acknowledgements, "{sent} for {acknowledgements}");
    for (said, really) in [
        (system.ingest.client.statistics().acknowledged, received),
        (
            system.play.server.statistics().acknowledged,
            system.play.client.statistics().received_bytes,
        ),
    ] {
        // A half window of bytes may not be acknowledged yet.
        let behind = u32::try_from(really & 0xFFFF_FFFF).unwrap().wrapping_sub(said);
        assert!(behind < 2_500_000, "{said} {really}");
    }
    for statistics in [system.ingest.server.statistics(), system.play.client.statistics()] {
        assert_eq!(statistics.dropped, 0);
    }
}

/// Fifty days of segments: MPEG-TS wraps every 26.5 hours, FLV once.
#[test]
fn fifty_days_of_segments() {
    for container in [Container::Ts, Container::Fmp4] {
        let mut config = OriginConfig::default();
        config.segmenter.container = container;
        config.segmenter.segment = Duration::from_secs(60);
        config.segmenter.longest = Duration::from_secs(120);
        config.segmenter.jump = Duration::from_secs(60);
        config.segmenter.part = None;
        config.segmenter.track_wait = Duration::ZERO;
        config.window = levada_hls::Window::Sliding(Duration::from_secs(600));
        let mut origin = Origin::new(config);
        let mut unpacker = Unpacker::default();
        let header = b"\x17\0\0\0\0\x01\x4d\x40\x0b\xff\xe1\0\x17\x67\x4d\x40\x0b\xec\xa1\x46\xfc\x98\x08\x80\0\0\x03\0\x80\0\0\x19\x07\x8a\x14\xcb\x01\0\x05\x68\xeb\xe0\xe4\xb2";
        unpacker.push(TagKind::Video, 0, Bytes::from_static(header));
        let mut second = 0;
        let mut run = |origin: &mut Origin, seconds: u64| {
            let end = second + seconds;
            while second < end {
                let millis = second * 1000;
                let timestamp = u32::try_from(millis & 0xFFFF_FFFF).unwrap();
                let body: &[u8] = if second.is_multiple_of(60) {
                    b"\x17\x01\0\0\0\0\0\0\x05\x65\x88\x84\x00\x33"
                } else {
                    b"\x27\x01\0\0\0\0\0\0\x05\x41\x9a\x21\x6c\x42"
                };
                unpacker.push(TagKind::Video, timestamp, Bytes::copy_from_slice(body));
                while let Some(unpacked) = unpacker.next() {
                    if let Unpacked::Event(event) = unpacked {
                        origin.push(event, i64::try_from(millis).unwrap()).unwrap();
                    }
                }
                second += 20;
            }
        };
        run(&mut origin, DAY);
        let counted = allocations(|| run(&mut origin, DAYS * DAY));
        assert!(counted.kept_bytes.abs() < 16 * 1024, "{container:?} {counted:?}");
        let Answer::Ready(reply) = origin.get(&Request::new("main.m3u8")) else { panic!() };
        let text = reply.body.join();
        let text = core::str::from_utf8(&text).unwrap();
        assert!(!text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
        let sequence = text.lines().find_map(|it| it.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        let sequence: u64 = sequence.unwrap().parse().unwrap();
        // One a minute, and those in the window.
        assert!((73_420 - 12..73_440).contains(&sequence), "{sequence}");
        let whole = text.lines().filter(|it| it.starts_with("#EXTINF:60.0")).count();
        assert!(whole >= 9, "{text}");
    }
}

/// Streams begin and end on one connection, all day long: nothing of them stays.
#[test]
fn a_day_of_coming_and_going() {
    let mut pair = pair(Clock::new(), client_config(), Arc::new(ServerConfig::default()));
    let payload = Bytes::from_static(b"\x27\x01\0\0\0\0\0\0\x05\x41\x9a\x21\x6c\x42");
    let message = Sent { kind: MessageType::VIDEO, timestamp: 0, payload }.shared(chunk_size());
    let (mut opened, mut closed, mut carried) = (0_u32, 0_u32, 0_u32);
    let mut run = |cycles: u32| {
        for cycle in 0..cycles {
            let plays = cycle.is_multiple_of(2);
            if plays {
                pair.client.end.play("key", PlayStart::Any, None).unwrap();
            } else {
                pair.client.end.publish("key", PublishKind::Live).unwrap();
            }
            pair.settle(|client, server, event| match event {
                PairEvent::Client(ClientEvent::Publishing(id)) => {
                    client.send(id, &message).unwrap();
                    client.stop(id);
                }
                PairEvent::Client(ClientEvent::Media { stream, .. }) => {
                    carried += 1;
                    client.stop(stream);
                }
                PairEvent::Server(ServerEvent::Connect(it)) => server.accept_connect(it),
                PairEvent::Server(ServerEvent::Publish(it)) => {
                    opened += 1;
                    server.accept_publish(it);
                }
                PairEvent::Server(ServerEvent::Play(it)) => {
                    opened += 1;
                    let stream = server.accept_play(it);
                    server.send(stream, &message).unwrap();
                }
                PairEvent::Server(ServerEvent::Media { .. }) => carried += 1,
                PairEvent::Server(ServerEvent::StreamClosed(_)) => closed += 1,
                _ => {}
            });
            pair.clock.advance(Duration::from_secs(10));
            pair.handle_timeouts();
            assert!(pair.client.error.is_none() && pair.server.error.is_none(), "{cycle}");
        }
    };
    run(100);
    let counted = allocations(|| run(8640));
    assert!(counted.kept_bytes.abs() < 4096, "{counted:?}");
    assert_eq!((opened, closed, carried), (8740, 8740, 8740));
}
