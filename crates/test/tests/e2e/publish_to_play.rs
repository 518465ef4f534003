//! Publishers, a hub and players: everybody gets what was sent, or is told what is missing.

use core::time::Duration;

use levada_chunk::MessageType;
use levada_flv::{Role, TagKind, role};
use levada_relay::RingLimits;
use levada_test::{Chance, Pipe, seeds};

use crate::common::*;
use crate::hub::*;

fn limits(bytes: usize) -> RingLimits {
    let mut limits = RingLimits::default();
    limits.bytes = bytes;
    limits
}

fn role_of(sent: &Sent) -> Role {
    role(TagKind::from_id(sent.kind.0), &sent.payload)
}

/// Checks a player against the log of the hub, which knows nothing of rings: each stretch begins with the headers in
/// force that the player does not have, then a keyframe, then everything in its order.
fn check(player: &Player, log: &[Sent], to_the_end: bool) {
    let mut ends: Vec<usize> =
        player.skipped_at.iter().copied().filter(|it| *it <= player.got.len()).collect();
    ends.push(player.got.len());
    let headers: Vec<(usize, u8)> = (0..log.len())
        .filter_map(|at| {
            if let Role::Header(slot) = role_of(&log[at]) { Some((at, slot)) } else { None }
        })
        .collect();
    let newest = |slot: u8, before: usize| {
        headers.iter().rev().find(|it| it.0 < before && it.1 == slot).map(|it| it.0)
    };
    let (mut from, mut next, mut known) = (0, 0, [usize::MAX; 256]);
    for (index, end) in ends.iter().enumerate() {
        let stretch = &player.got[from..*end];
        from = *end;
        if stretch.is_empty() {
            // The end of the recording, or the ring moved on before a single message was handed out.
            continue;
        }
        // Where the first keyframe is in the log.
        let first = stretch.iter().position(|it| role_of(it) == Role::Key).unwrap();
        let (catching_up, rest) = stretch.split_at(first);
        let start = (next..log.len()).find(|at| log[*at] == rest[0]).unwrap();
        let mut slots = Vec::new();
        for header in catching_up {
            let Role::Header(slot) = role_of(header) else {
                panic!("{header:?} before a keyframe")
            };
            let newest = newest(slot, start).unwrap();
            assert_eq!(log[newest], *header, "the newest of its slot");
            assert_ne!(known[usize::from(slot)], newest, "the player has it already");
            slots.push(slot);
            known[usize::from(slot)] = newest;
        }
        assert!(slots.is_sorted(), "{slots:?}");
        for slot in 0..=255 {
            let known = known[usize::from(slot)];
            assert!(newest(slot, start).is_none_or(|it| it == known), "header {slot} is missing");
        }
        if index > 0 && player.lost[index - 1] > 0 {
            assert!(start > next, "it was told to have lost something");
        }
        assert_eq!(log[start..start + rest.len()], *rest);
        for (at, sent) in (start..).zip(rest) {
            if let Role::Header(slot) = role_of(sent) {
                known[usize::from(slot)] = at;
            }
        }
        next = start + rest.len();
    }
    assert!(!to_the_end || next == log.len(), "it has got {next} of {}", log.len());
}

/// What a player was told to have lost is what it does not have.
fn check_losses(player: &Player, log: &[Sent]) {
    let first = player.got.iter().position(|it| role_of(it) == Role::Key).unwrap();
    let start = log.iter().position(|it| *it == player.got[first]).unwrap();
    let missing = log[start..].iter().filter(|it| !player.got.contains(it)).count() as u64;
    let lost: u64 = player.lost.iter().sum();
    // Headers are handed out after a skip: these were lost in their place only.
    let headers = log[start..].iter().filter(|it| matches!(role_of(it), Role::Header(_))).count();
    assert!((missing..=missing + headers as u64).contains(&lost), "{missing} miss, {lost} told");
}

#[test]
fn players_get_everything_from_a_keyframe_on() {
    for seed in seeds(12) {
        let mut chance = Chance::new(seed);
        let mut world = World::new(limits(4 << 20));
        let names: Vec<String> = (0..chance.within(1..4)).map(|it| format!("s{it}")).collect();
        for name in &names {
            let source = Source::new(Chance::new(chance.number()), 30_000);
            let net = net(&mut chance, false);
            world.publisher(name, source, net);
        }
        let mut players = Vec::new();
        for _ in 0..chance.within(2..6) {
            let name = chance.pick(&names).clone();
            let net = net(&mut chance, false);
            players.push((name.clone(), world.player(&name, net)));
            world.publish_for(Duration::from_millis(chance.within(0..1500) as u64));
        }
        world.publish_for(Duration::from_secs(6));
        world.run(Duration::from_secs(4));
        for (line, name) in names.iter().enumerate() {
            let publisher = world.publish_of(line);
            let log = &world.hub.streams[name].log;
            assert!(publisher.sent.len() > 100, "seed {seed}");
            assert!(publisher.sent == *log, "seed {seed}: the hub has what was sent");
        }
        for (name, line) in players {
            let player = world.play_of(line);
            assert_eq!(player.lost, [0; 0], "seed {seed}: nobody is slow");
            check(player, &world.hub.streams[&name].log, true);
        }
    }
}

#[test]
fn slow_players_skip_to_a_keyframe_and_are_told() {
    for seed in seeds(8) {
        let mut chance = Chance::new(seed);
        let mut world = World::new(limits(400_000));
        let source = Source::new(Chance::new(chance.number()), 20_000);
        let up = net(&mut chance, false);
        world.publisher("key", source, up);
        let lines: Vec<usize> = (0..3)
            .map(|it| {
                let net = net(&mut chance, it > 0);
                world.player("key", net)
            })
            .collect();
        world.publish_for(Duration::from_secs(30));
        assert!(world.hub.streams["key"].ring.bytes() <= 400_000);
        world.run(Duration::from_secs(60));
        let log = &world.hub.streams["key"].log;
        for (index, line) in lines.into_iter().enumerate() {
            let player = world.play_of(line);
            assert_eq!(player.lost.is_empty(), index == 0, "seed {seed}: {:?}", player.lost);
            check(player, log, true);
            check_losses(player, log);
        }
    }
}

/// Who pauses gets nothing, and goes on at a keyframe near the present.
#[test]
fn players_pause_and_go_on() {
    for seed in seeds(4) {
        let mut chance = Chance::new(seed);
        let mut world = World::new(limits(*chance.pick(&[300_000, 4 << 20])));
        let source = Source::new(Chance::new(chance.number()), 10_000);
        world.publisher("key", source, (Pipe::new(), Pipe::new()));
        let lines = [(); 3].map(|()| {
            let net = net(&mut chance, false);
            world.player("key", net)
        });
        for _ in 0..10 {
            world.publish_for(Duration::from_millis(chance.within(100..4000) as u64));
            world.toggle(*chance.pick(&lines));
        }
        for line in
            lines.into_iter().filter(|it| world.play_of(*it).is_paused()).collect::<Vec<_>>()
        {
            world.toggle(line);
        }
        world.publish_for(Duration::from_secs(3));
        world.run(Duration::from_secs(4));
        let log = &world.hub.streams["key"].log;
        for line in lines {
            let player = world.play_of(line);
            check(player, log, true);
            check_losses(player, log);
        }
    }
}

/// The connection of a publisher breaks anywhere; another one comes, or the same again.
#[test]
fn a_publisher_breaks_off_at_any_byte_and_comes_back() {
    for seed in seeds(40) {
        let mut chance = Chance::new(seed);
        let mut world = World::new(limits(4 << 20));
        let net_of_player = net(&mut chance, false);
        let player = world.player("key", net_of_player);
        let mut sent = Vec::new();
        for _ in 0..3 {
            let source = Source::new(Chance::new(chance.number()), 10_000);
            let (up, down) = net(&mut chance, false);
            // In the handshake, in the commands, in the media.
            let cut = match chance.within(0..4) {
                0 => chance.within(0..3073),
                1 => chance.within(3073..4000),
                _ => chance.within(4000..100_000),
            };
            let line = world.publisher("key", source, (up.cut_after(cut as u64), down));
            let before = world.hub.streams.get("key").map_or(0, |it| it.log.len());
            world.publish_for(Duration::from_secs(8));
            assert!(world.lines[line].gone, "seed {seed}: cut at {cut}");
            let log = &world.hub.streams["key"].log[before..];
            let publisher = world.publish_of(line);
            assert!(publisher.sent.starts_with(log), "seed {seed}: cut at {cut}");
            assert!(!publisher.refused, "seed {seed}: its name is free");
            sent.extend_from_slice(log);
        }
        world.run(Duration::from_secs(4));
        let log = &world.hub.streams["key"].log;
        assert!(sent == *log);
        let player = world.play_of(player);
        if log.iter().any(|it| role_of(it) == Role::Key) {
            check(player, log, true);
        } else {
            assert_eq!(player.got, []);
        }
    }
}

/// Of two publishers with one name the second is refused, and the first does not notice.
#[test]
fn a_second_publisher_disturbs_nobody() {
    let mut world = World::new(limits(4 << 20));
    let source = || Source::new(Chance::new(1), 10_000);
    let first = world.publisher("key", source(), (Pipe::new(), Pipe::new()));
    world.publish_for(Duration::from_secs(2));
    let player = world.player("key", (Pipe::new(), Pipe::new()));
    let second = world.publisher("key", source(), (Pipe::new(), Pipe::new()));
    world.publish_for(Duration::from_secs(4));
    assert!(world.publish_of(second).refused && world.lines[second].gone);
    assert_eq!(world.publish_of(second).sent, []);
    let log = &world.hub.streams["key"].log;
    assert!(world.publish_of(first).sent == *log);
    assert!(log.iter().filter(|it| it.kind == MessageType::VIDEO).count() > 140);
    check(world.play_of(player), log, true);
}

/// Players that leave in the middle of anything leave the others with everything.
#[test]
fn players_leave_at_any_byte() {
    for seed in seeds(10) {
        let mut chance = Chance::new(seed);
        let mut world = World::new(limits(4 << 20));
        let source = Source::new(Chance::new(chance.number()), 20_000);
        world.publisher("key", source, (Pipe::new(), Pipe::new()));
        let stays = world.player("key", (Pipe::new(), Pipe::new()));
        let mut leave = Vec::new();
        for _ in 0..4 {
            let (up, down) = net(&mut chance, false);
            let cut = chance.within(0..200_000) as u64;
            leave.push(world.player("key", (up, down.cut_after(cut))));
        }
        world.publish_for(Duration::from_secs(10));
        world.run(Duration::from_secs(2));
        let log = &world.hub.streams["key"].log;
        check(world.play_of(stays), log, true);
        for line in leave {
            assert!(world.lines[line].gone, "seed {seed}");
            if world.play_of(line).got.iter().any(|it| role_of(it) == Role::Key) {
                check(world.play_of(line), log, false);
            }
        }
    }
}
