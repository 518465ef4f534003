//! Recorded conversations, damaged by chance, against sessions whose application does all it can: G1, G2, G3, G5 and
//! G6 of the hostile catalogue hold for all of them.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{ChunkReader, ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType};
use levada_handshake::Entropy;
use levada_session::*;
use levada_test::{Chance, Clock, allocations, seeds, vectors};

use crate::common::*;

/// What a driver holds at most.
const BLOCK: usize = 64 * 1024;
/// What a session may allocate whatever it received: replies, the media of `noise`, tables.
const CONSTANT: u64 = 256 * 1024;
/// What an application sends ahead in these tests.
const AHEAD: usize = 64 * 1024;

fn captures(ending: &str) -> Vec<Vec<u8>> {
    let root = env!("CARGO_MANIFEST_DIR");
    let names = vectors(root, "captures.json");
    let names = names.iter().map(|it| it["name"].as_str().unwrap().to_owned());
    let read = |name: String| {
        // Where the media goes on as it began, nothing new is found.
        let mut bytes =
            std::fs::read(Path::new(root).join("testdata/captures").join(name)).unwrap();
        bytes.truncate(60_000);
        bytes
    };
    names.filter(|it| it.ends_with(ending)).map(read).collect()
}

/// Damage: mostly where the commands are.
fn mutate(wire: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) {
    for _ in 0..chance.within(0..9) {
        let area = *chance.pick(&[3073, 3200, 3600, 4200, wire.len()]);
        let at = chance.within(0..area.min(wire.len()));
        let at = if chance.one_in(20) { at } else { at.max(3073).min(wire.len() - 1) };
        let largest = *chance.pick(&[16, 16, 2000]);
        let span = chance.within(1..largest).min(wire.len() - at);
        match chance.within(0..9) {
            0 => wire[at] ^= 1 << chance.within(0..8),
            1 => wire[at] = *chance.pick(&[0, 1, 2, 3, 0x7F, 0x80, 0xFF]),
            2 => wire[at..at + span].fill(*chance.pick(&[0, 0xFF, 0xC3])),
            3 => drop(wire.drain(at..at + span)),
            4 => drop(wire.splice(at..at, chance.bytes(span))),
            5 => {
                let copy = wire[at..at + span].to_vec();
                let times = chance.within(1..40);
                drop(wire.splice(at..at, copy.repeat(times)));
            }
            6 => {
                let other = chance.pick(others);
                let from = chance.within(3073..other.len());
                let piece = other[from..(from + span).min(other.len())].to_vec();
                drop(wire.splice(at..at, piece));
            }
            7 => wire.truncate(at.max(1)),
            _ => {
                // A control message of the protocol's own between two others.
                let value = chance.pick(&[0, 1, 127, 0x7FFF_FFFF, 0xFFFF_FFFF_u32]).to_be_bytes();
                let kind = *chance.pick(&[1, 2, 3, 5, 6, 8, 9, 15, 17, 18, 20, 22, 22]);
                let head = [2, 0, 0, 0, 0, 0, 4, kind, 0, 0, 0, 0];
                drop(wire.splice(at..at, [&head[..], &value].concat()));
            }
        }
        if wire.len() < 3074 {
            return;
        }
    }
}

/// The messages of a conversation, damaged one by one and cut into chunks again: what gets past the chunk reader.
fn rewrite(wire: &[u8], others: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut messages = read(wire);
    for _ in 0..chance.within(1..12) {
        let first = *chance.pick(&[12, 12, 1000]);
        let at = chance.within(0..messages.len().min(first));
        let message = &mut messages[at];
        match chance.within(0..12) {
            0..4 => {
                let mut payload = message.payload.to_vec();
                for _ in 0..chance.within(1..4) {
                    damage(&mut payload, chance);
                }
                message.payload = payload.into();
            }
            4 => {
                message.kind =
                    MessageType(*chance.pick(&[0, 3, 4, 5, 6, 7, 8, 9, 15, 17, 18, 19, 20, 22]))
            }
            5 => message.stream = MessageStreamId(*chance.pick(&[0, 1, 2, 15, 0xFF00_0000])),
            6 => message.timestamp = *chance.pick(&[0, 0x00FF_FFFF, 0x0100_0000, u32::MAX]),
            7 => message.payload = Bytes::new(),
            8 => drop(messages.remove(at)),
            9 => {
                let other: &Vec<u8> = chance.pick(others);
                let other = read(other);
                let other = chance.pick(&other[..other.len().min(15)]).clone();
                messages.insert(at, other);
            }
            10 => {
                let copy = message.clone();
                let times = chance.within(1..130);
                drop(messages.splice(at..at, vec![copy; times]));
            }
            _ => {
                let to = chance.within(0..messages.len());
                messages.swap(at, to);
            }
        }
        if messages.is_empty() {
            break;
        }
    }
    let (mut writer, mut out) = (ChunkWriter::new(), Outbox::new());
    if chance.one_in(2) {
        writer = writer.with_type_3_starts();
    }
    for message in &messages {
        if chance.one_in(20) {
            let size = *chance.pick(&[1, 128, 4096, 65_536, 0x7FFF_FFFF]);
            writer.set_chunk_size(ChunkSize::new(size).unwrap(), &mut out);
        }
        writer.write(message, &mut out).unwrap();
    }
    let mut rewritten = wire[..3073].to_vec();
    rewritten.extend_from_slice(&out.copy_to_bytes(out.remaining()));
    rewritten
}

/// What a conversation says behind its handshake, as far as it was recorded.
fn read(wire: &[u8]) -> Vec<Message> {
    let mut input = BytesMut::from(&wire[3073..]);
    let (mut reader, mut messages) = (ChunkReader::default(), Vec::new());
    while let Some(message) = reader.read(&mut input).unwrap() {
        messages.push(message);
    }
    messages
}

fn damage(payload: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.within(0..payload.len().max(1));
    match chance.within(0..5) {
        _ if payload.is_empty() => payload.push(2),
        0 => payload[at] ^= 1 << chance.within(0..8),
        1 => payload[at] = *chance.pick(&[0, 1, 2, 3, 5, 6, 8, 9, 0x0A, 0x0B, 0x10, 0x11, 0xFF]),
        2 => payload.truncate(at),
        3 => {
            let from = chance.within(0..payload.len());
            let piece = payload[from..].to_vec();
            drop(payload.splice(at..at, piece));
        }
        _ => {
            let count = chance.within(1..9);
            drop(payload.splice(at..at, chance.bytes(count)));
        }
    }
}

/// How a run is driven.
struct Network {
    chance: Chance,
    sizes: Vec<usize>,
    /// Whether the peer reads.
    drains: bool,
    /// Whether time goes by.
    ticks: bool,
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Seen {
    events: Vec<String>,
    error: Option<SessionError>,
    left: usize,
}

/// Feeds a session and checks what holds always. `log` is left out where allocations are counted.
fn drive<E: Endpoint<Error = SessionError>>(
    mut end: E,
    wire: &[u8],
    net: &mut Network,
    log: bool,
    mut on_event: impl FnMut(&mut E, E::Event, Instant),
) -> Seen
where
    E::Event: core::fmt::Debug,
{
    let mut clock = Clock::new();
    let (mut seen, mut rest, mut input) = (Seen::default(), wire, BytesMut::with_capacity(BLOCK));
    let (mut calls, mut step) = (0, 0);
    while !rest.is_empty() {
        let size = net.sizes[step % net.sizes.len()].min(BLOCK - input.len()).min(rest.len());
        // With a full block and nothing used of it, a driver would wait for ever.
        assert!(size > 0, "the input is full");
        step += 1;
        input.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        loop {
            calls += 1;
            match end.next_event(&mut input, clock.now()) {
                Ok(Some(event)) => {
                    if log {
                        seen.events.push(format!("{event:?}"));
                    }
                    on_event(&mut end, event, clock.now());
                }
                Ok(None) => break,
                Err(why) => {
                    // G5.
                    let waiting = end.output().remaining();
                    for _ in 0..3 {
                        input.clear();
                        input.extend_from_slice(&rest[..rest.len().min(5000)]);
                        assert!(end.next_event(&mut input, clock.now()).is_err_and(|it| it == why));
                        end.handle_timeout(clock.now());
                    }
                    assert_eq!(end.output().remaining(), waiting);
                    assert_eq!(end.deadline(), None);
                    seen.error = Some(why);
                    return seen;
                }
            }
        }
        assert!(end.next_event(&mut input, clock.now()).is_ok_and(|it| it.is_none()));
        // Of replies 64 KiB, of media what was sent ahead; and what goes over each.
        assert!(end.output().remaining() <= BLOCK + AHEAD + 30_000);
        if net.drains {
            let out = end.output();
            out.advance(out.remaining());
        }
        if net.ticks && net.chance.one_in(3) {
            clock.advance(Duration::from_millis(net.chance.within(0..4000) as u64));
            if end.deadline().is_some_and(|it| it <= clock.now()) {
                end.handle_timeout(clock.now());
            }
            assert!(end.deadline().is_none_or(|it| it > clock.now()));
        }
    }
    assert!(calls <= 2 * wire.len() + 100, "{calls} calls");
    seen.left = input.len();
    seen
}

/// What applications do, at moments that only depend on the events.
struct Noise {
    chance: Chance,
    streams: Vec<MessageStreamId>,
    media: [Sent; 3],
}

impl Noise {
    fn new(seed: u64) -> Self {
        let media = |kind, size| Sent {
            kind,
            timestamp: 0xFFFF_FF00,
            payload: Bytes::from(vec![0x17; size]),
        };
        Self {
            chance: Chance::new(seed),
            streams: Vec::new(),
            media: [
                media(MessageType::VIDEO, 20_000),
                media(MessageType::AUDIO, 300),
                media(MessageType::DATA_AMF0, 40),
            ],
        }
    }

    fn stream(&mut self) -> MessageStreamId {
        let any = [MessageStreamId(0), MessageStreamId(1), MessageStreamId(7)];
        *self.chance.pick(if self.streams.is_empty() { &any } else { &self.streams })
    }

    fn media(&mut self) -> levada_chunk::SharedMessage {
        let size = if self.chance.one_in(2) { chunk_size() } else { ChunkSize::DEFAULT };
        self.chance.pick(&self.media).shared(size)
    }

    fn serve(&mut self, end: &mut ServerSession, event: ServerEvent, now: Instant) {
        let why = Rejection::denied("no");
        match event {
            ServerEvent::Connect(it) if self.chance.one_in(30) => end.reject(it, &why),
            ServerEvent::Publish(it) if self.chance.one_in(10) => end.reject(it, &why),
            ServerEvent::Play(it) if self.chance.one_in(10) => end.reject(it, &why),
            ServerEvent::Connect(it) => end.accept_connect(it),
            ServerEvent::Publish(it) => self.streams.push(end.accept_publish(it)),
            ServerEvent::Play(it) if self.chance.one_in(2) => {
                self.streams.push(end.accept_recording(it));
            }
            ServerEvent::Play(it) => self.streams.push(end.accept_play(it)),
            _ => {}
        }
        // Drawn in any case: what waits in the outbox depends on the network.
        let (stream, media) = (self.stream(), self.media());
        match self.chance.within(0..60) {
            0 => end.announce_publish(stream),
            1 => end.announce_unpublish(stream),
            2 => end.end_play(stream),
            3 if self.chance.one_in(4) => end.revoke(stream, &why),
            4 => drop(end.request_reconnect(Some("rtmp://b.example/app"), "go")),
            5 if self.chance.one_in(20) => end.close(now),
            6..30 if end.output().remaining() < AHEAD => drop(end.send(stream, &media)),
            _ => {}
        }
    }

    fn attend(&mut self, end: &mut ClientSession, event: &ClientEvent, now: Instant) {
        match event {
            ClientEvent::Publishing(id) | ClientEvent::Playing(id) => self.streams.push(*id),
            _ => {}
        }
        // Drawn in any case: what waits in the outbox depends on the network.
        let (stream, media) = (self.stream(), self.media());
        match self.chance.within(0..60) {
            0 if self.chance.one_in(4) => end.stop(stream),
            1 => drop(end.publish("more", PublishKind::Append)),
            2 => drop(end.play("more", PlayStart::Any, Some(7))),
            3 => drop(end.pause(stream, true, 12)),
            4 => drop(end.seek(stream, u32::MAX)),
            5 if self.chance.one_in(20) => end.close(now),
            6..30 if end.output().remaining() < AHEAD => drop(end.send(stream, &media)),
            _ => {}
        }
    }
}

fn server(wire: &[u8], net: &mut Network, seed: u64, log: bool) -> Seen {
    let clock = Clock::new();
    let config = Arc::new(ServerConfig::default());
    let end = ServerSession::new(config, Entropy::new([7; 1528]), clock.now());
    let mut noise = Noise::new(seed);
    drive(end, wire, net, log, |end, event, now| noise.serve(end, event, now))
}

fn client(wire: &[u8], net: &mut Network, seed: u64, log: bool) -> Seen {
    let clock = Clock::new();
    let mut end = ClientSession::new(client_config(), Entropy::new([7; 1528]), clock.now());
    if !seed.is_multiple_of(3) {
        end.play("key", PlayStart::Any, None).unwrap();
    }
    if seed % 3 != 1 {
        end.publish("key", PublishKind::Live).unwrap();
    }
    let mut noise = Noise::new(seed);
    drive(end, wire, net, log, |end, event, now| noise.attend(end, &event, now))
}

/// Runs one damaged conversation in all ways.
fn check(captures: &[Vec<u8>], seed: u64, run: fn(&[u8], &mut Network, u64, bool) -> Seen) {
    let mut chance = Chance::new(seed);
    let mut wire = chance.pick(captures).clone();
    if !seed.is_multiple_of(3) {
        wire = rewrite(&wire, captures, &mut chance);
    }
    if seed.is_multiple_of(3) || chance.one_in(8) {
        mutate(&mut wire, captures, &mut chance);
    }
    let net = |sizes: Vec<usize>, drains, ticks| Network {
        chance: Chance::new(seed),
        sizes,
        drains,
        ticks,
    };
    // G6.
    let whole = run(&wire, &mut net(vec![BLOCK], true, false), seed, true);
    let cut = run(&wire, &mut net(chance.cuts(), true, false), seed, true);
    if whole != cut {
        let at = whole.events.iter().zip(&cut.events).position(|(one, other)| one != other);
        let at = at.unwrap_or_else(|| whole.events.len().min(cut.events.len()));
        panic!(
            "seed {seed}: event {at} of {} and {}: {:?} and {:?}; {:?} {} and {:?} {}",
            whole.events.len(),
            cut.events.len(),
            whole.events.get(at),
            cut.events.get(at),
            whole.error,
            whole.left,
            cut.error,
            cut.left,
        );
    }
    // G2, with a peer that may not read and time that goes by.
    for drains in [true, false] {
        let mut net = net(vec![chance.within(1..BLOCK)], drains, true);
        let counted = allocations(|| drop(run(&wire, &mut net, seed, false)));
        let limit = 2 * wire.len() as u64 + CONSTANT;
        assert!(counted.peak_bytes <= limit, "seed {seed}: {counted:?} for {}", wire.len());
    }
}

#[test]
fn damaged_clients() {
    let captures = captures(".c2s");
    seeds(400).for_each(|seed| check(&captures, seed, server));
}

#[test]
fn damaged_servers() {
    let captures = captures(".s2c");
    seeds(1500).for_each(|seed| check(&captures, seed, client));
}
