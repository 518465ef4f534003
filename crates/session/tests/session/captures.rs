//! Recorded connections of real software, each read to its last byte by the session it was meant for.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::BytesMut;
use levada_buf::Endpoint;
use levada_session::*;
use levada_test::{Clock, Vector, vectors};

use crate::common::*;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../test");

fn captures(ending: &str) -> Vec<(Vector, Vec<u8>)> {
    let list = vectors(CAPTURES, "captures.json");
    let list = list.into_iter().filter(|it| it["name"].as_str().unwrap().ends_with(ending));
    list.map(|it| {
        let path = Path::new(CAPTURES).join("testdata/captures").join(it["name"].as_str().unwrap());
        let bytes = std::fs::read(path).unwrap();
        (it, bytes)
    })
    .collect()
}

/// How many messages of a type the record has.
fn count(capture: &Vector, kind: &str) -> u64 {
    capture["kinds"].get(kind).map_or(0, |it| it[0].as_u64().unwrap())
}

#[test]
fn every_client_is_served_to_its_last_byte() {
    let captures = captures(".c2s");
    assert_eq!(captures.len(), 20);
    for (capture, bytes) in captures {
        let name = capture["name"].as_str().unwrap();
        let mut talk = Server::fresh(ServerConfig::default());
        let (mut kinds, mut words) = (BTreeMap::<u8, u64>::new(), Vec::new());
        for piece in bytes.chunks(1460) {
            talk.raw(piece);
            while let Some(event) = talk.next().unwrap() {
                if let ServerEvent::Media { message, .. } = &event {
                    *kinds.entry(message.kind.0).or_default() += 1;
                } else {
                    words.push(accept(&mut talk.end, event));
                }
            }
        }
        let media = ["8", "9", "18"].map(|it| count(&capture, it));
        let seen = [8, 9, 18].map(|it| kinds.get(&it).copied().unwrap_or_default());
        let publishes = !name.starts_with("play");
        assert_eq!(seen, if publishes { media } else { [0; 3] }, "{name}");
        let opens = |it: &String| it.starts_with("publish live/") || it.starts_with("play live/");
        assert_eq!(words.iter().filter(|it| opens(it)).count(), 1, "{name}: {words:?}");
        let statistics = talk.end.statistics();
        let open = capture["open"].as_bool().unwrap();
        assert!(open || statistics.received_bytes + 3073 == bytes.len() as u64, "{name}");
        assert_eq!((statistics.dropped, talk.input.len()), (0, 0), "{name}");
    }
}

#[test]
fn every_server_is_attended_to_its_last_byte() {
    let captures = captures(".s2c");
    assert_eq!(captures.len(), 20);
    for (capture, bytes) in captures {
        let name = capture["name"].as_str().unwrap();
        let clock = Clock::new();
        let mut client = ClientSession::new(client_config(), entropy(1), clock.now());
        let plays = name.starts_with("play");
        if plays {
            client.play("key", PlayStart::Any, None).unwrap();
        } else {
            client.publish("key", PublishKind::Live).unwrap();
        }
        let (mut input, mut kinds, mut words) =
            (BytesMut::new(), BTreeMap::<u8, u64>::new(), Vec::new());
        for piece in bytes.chunks(1460) {
            input.extend_from_slice(piece);
            while let Some(event) = client.next_event(&mut input, clock.now()).unwrap() {
                match event {
                    ClientEvent::Media { message, .. } => {
                        *kinds.entry(message.kind.0).or_default() += 1;
                    }
                    ClientEvent::Tolerated(_) => {}
                    other => words.push(format!("{other:?}").chars().take(9).collect::<String>()),
                }
            }
        }
        assert_eq!(input.len(), 0, "{name}");
        // rtmp2sink asks for its stream with another transaction than ours does.
        let foreign = name.contains("rtmp2sink") || name.contains("eflvmux");
        let started = if plays { "Playing(M" } else { "Publishin" };
        let expected: &[&str] = if foreign { &["Connected"] } else { &["Connected", started] };
        assert_eq!(words[..expected.len()], *expected, "{name}");
        let media = [8, 9].map(|it| kinds.get(&it).copied().unwrap_or_default());
        assert_eq!(media, ["8", "9"].map(|it| count(&capture, it)), "{name}");
        assert_eq!(kinds.get(&18).copied(), plays.then_some(1), "{name}");
    }
}
