//! Client and server talk to each other.

use levada_chunk::MessageStreamId;
use levada_session::*;
use levada_test::{PairEvent, Pipe, cuts};
use proptest::prelude::*;

use crate::common::*;

fn client_says(event: &ClientEvent) -> String {
    match event {
        ClientEvent::Connected { version, .. } => format!("connected to {version}"),
        ClientEvent::Media { stream, message } => media(*stream, message),
        ClientEvent::Status { stream, info } => format!("{}: {}", stream.0, info.code),
        other => format!("{other:?}"),
    }
}

/// What happens when a client publishes one stream and plays another one, in order at each end.
#[derive(Debug, Default, PartialEq)]
struct Log {
    client: Vec<String>,
    server: Vec<String>,
}

/// Publishes `key` and plays `show` over one connection: three messages each way, then both ends say goodbye.
fn both_ways(pair: &mut Both) -> Log {
    let mut log = Log::default();
    pair.client.end.publish("key", PublishKind::Live).unwrap();
    pair.client.end.play("show", PlayStart::Live, None).unwrap();
    let messages = || [metadata(0), video(0, 100_000), audio(3, 400), video(20_000_000, 70_000)];
    pair.run(seconds(5), |client, server, event| match event {
        PairEvent::Client(event) => {
            if let ClientEvent::Publishing(id) = event {
                messages().iter().for_each(|it| client.send(id, it).unwrap());
            }
            log.client.push(client_says(&event));
        }
        PairEvent::Server(event) => {
            let plays = if let ServerEvent::Play(it) = &event { Some(it.stream) } else { None };
            log.server.push(accept(server, event));
            for it in plays.iter().flat_map(|_| messages()) {
                server.send(plays.unwrap(), &it).unwrap();
            }
        }
    });
    assert!(pair.client.error.is_none() && pair.server.error.is_none());
    let now = pair.clock.now();
    pair.client.end.close(now);
    pair.run(seconds(5), |_, server, event| match event {
        PairEvent::Client(event) => log.client.push(client_says(&event)),
        PairEvent::Server(event) => log.server.push(accept(server, event)),
    });
    log
}

fn expected() -> Log {
    let words = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
    Log {
        client: words(&[
            "connected to FMS/3,5,7,7009",
            "Publishing(MessageStreamId(1))",
            "2: NetStream.Play.Reset",
            "Playing(MessageStreamId(2))",
            "2: AMF0 data 0 21",
            "2: video 0 100000",
            "2: audio 3 400",
            "2: video 20000000 70000",
            "Closed(Local)",
        ]),
        server: words(&[
            "connect live",
            "publish live/key Live",
            "1: AMF0 data 0 21",
            "1: video 0 100000",
            "1: audio 3 400",
            "1: video 20000000 70000",
            "play live/show Live",
            "Tolerated(StartInThousandths)",
            "StreamClosed(MessageStreamId(1))",
            "StreamClosed(MessageStreamId(2))",
        ]),
    }
}

/// Media and the other stream's commands overtake each other, so the server's log is compared stream by stream.
fn sorted(mut log: Log) -> Log {
    log.server.sort();
    log.client.sort();
    log
}

#[test]
fn a_client_publishes_and_plays_over_one_connection() {
    let mut pair = pair();
    let log = both_ways(&mut pair);
    assert_eq!(log.client, expected().client);
    assert_eq!(sorted(log), sorted(expected()));
    assert_eq!((pair.client.input.len(), pair.server.input.len()), (0, 0));
    assert_eq!(pair.server.end.statistics().dropped, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Delay, cuts and small socket buffers change nothing.
    #[test]
    fn any_network_carries_it(
        up in cuts(),
        down in cuts(),
        delays in (0_u64..400, 0_u64..400),
        capacities in (100_usize..100_000, 100_usize..100_000),
    ) {
        let mut pair = pair();
        let millis = core::time::Duration::from_millis;
        // A pipe that carries `capacity` bytes a round trip must be done in time.
        let capacities = (capacities.0.max(60_000), capacities.1.max(60_000));
        pair.up = Pipe::new().with_cuts(&up).with_delay(millis(delays.0)).with_capacity(capacities.0);
        pair.down = Pipe::new().with_cuts(&down).with_delay(millis(delays.1)).with_capacity(capacities.1);
        let log = both_ways(&mut pair);
        prop_assert_eq!(sorted(log), sorted(expected()));
    }
}

#[test]
fn the_reason_of_a_refusal_reaches_the_client() {
    let refusals = [
        ("connect", Rejection::denied("no"), "NetConnection.Connect.Rejected"),
        ("connect", Rejection::not_found("no"), "NetConnection.Connect.InvalidApp"),
        ("connect", Rejection::unavailable("no"), "NetConnection.Connect.Failed"),
        ("connect", Rejection::shutdown("no"), "NetConnection.Connect.AppShutdown"),
        ("publish", Rejection::denied("no"), "NetStream.Publish.Denied"),
        ("publish", Rejection::in_use("no"), "NetStream.Publish.BadName"),
        ("publish", Rejection::unsupported("no"), "NetStream.Publish.Rejected"),
        ("publish", Rejection::unavailable("no"), "NetStream.Failed"),
        ("play", Rejection::not_found("no"), "NetStream.Play.StreamNotFound"),
        ("play", Rejection::denied("no"), "NetStream.Play.Failed"),
        ("play", Rejection::unsupported("no"), "NetStream.Play.NoSupportedTrackFound"),
    ];
    for (what, why, code) in refusals {
        let mut pair = pair();
        if what == "play" {
            pair.client.end.play("key", PlayStart::Any, None).unwrap();
        } else {
            pair.client.end.publish("key", PublishKind::Live).unwrap();
        }
        let mut rejected = None;
        let mut closed = Vec::new();
        pair.run(seconds(3), |_, server, event| match event {
            PairEvent::Client(ClientEvent::Rejected { info, .. }) => rejected = Some(info),
            PairEvent::Client(ClientEvent::Closed(reason)) => closed.push(("client", reason)),
            PairEvent::Server(ServerEvent::Closed(reason)) => closed.push(("server", reason)),
            PairEvent::Server(ServerEvent::Connect(it)) if what == "connect" => {
                server.reject(it, &why);
            }
            PairEvent::Server(ServerEvent::Publish(it)) => server.reject(it, &why),
            PairEvent::Server(ServerEvent::Play(it)) => server.reject(it, &why),
            PairEvent::Server(event) => {
                accept(server, event);
            }
            PairEvent::Client(_) => {}
        });
        let info = rejected.unwrap_or_else(|| panic!("{what} {code}"));
        assert_eq!((info.code.as_str(), info.description.as_str()), (code, "no"));
        assert_eq!(info.level, Level::Error);
        // A refused stream leaves the client's connection to the server, which closes it.
        assert!(closed.contains(&("server", CloseReason::Refused)), "{what} {code} {closed:?}");
        assert_eq!(pair.server.error, Some(SessionError::Closed));
    }
}

/// quirk_59: whether to wait for a stream that is not live yet is the application's choice.
#[test]
fn quirk_59_62_a_player_waits_and_is_told_what_happens() {
    let mut pair = pair();
    pair.client.end.play("key", PlayStart::Any, None).unwrap();
    let mut player = None;
    let mut said = Vec::new();
    let mut step = |pair: &mut Both, player: &mut Option<MessageStreamId>| {
        pair.settle(|_, server, event| match event {
            PairEvent::Server(ServerEvent::Play(request)) => {
                *player = Some(server.accept_play(request));
            }
            PairEvent::Server(event) => {
                accept(server, event);
            }
            PairEvent::Client(event) => said.push(client_says(&event)),
        });
        core::mem::take(&mut said)
    };
    step(&mut pair, &mut player);
    let stream = player.unwrap();
    pair.server.end.announce_publish(stream);
    assert_eq!(step(&mut pair, &mut player), ["1: NetStream.Play.PublishNotify"]);
    pair.server.end.send(stream, &video(0, 10)).unwrap();
    assert_eq!(step(&mut pair, &mut player), ["1: video 0 10"]);
    pair.server.end.announce_unpublish(stream);
    let said = step(&mut pair, &mut player);
    assert_eq!(said, ["1: NetStream.Play.UnpublishNotify", "EndOfStream(MessageStreamId(1))"]);
    pair.server.end.end_play(stream);
    let said = step(&mut pair, &mut player);
    assert_eq!(said, ["EndOfStream(MessageStreamId(1))", "1: NetStream.Play.Stop"]);
    assert_eq!(pair.server.end.send(stream, &video(0, 10)), Err(SendError::NoSuchStream));
}

#[test]
fn a_redirect_is_followed_with_the_same_wish() {
    let mut pair = pair();
    pair.client.end.publish("key", PublishKind::Live).unwrap();
    let mut next = None;
    pair.run(seconds(3), |_, server, event| match event {
        PairEvent::Server(ServerEvent::Connect(request)) => {
            server.reject(request, &Rejection::redirect("rtmp://other.example:1999/edge"));
        }
        PairEvent::Client(ClientEvent::Moved(moved)) => next = Some(moved),
        _ => {}
    });
    let Moved { why, config, .. } = *next.unwrap();
    assert_eq!(why, MoveReason::Redirected);
    assert_eq!(config.url.tc_url(), "rtmp://other.example:1999/edge");
    assert_eq!(pair.client.error, Some(SessionError::Closed));
}

#[test]
fn a_request_to_reconnect_reaches_who_understands_it() {
    let mut plain = client_config();
    plain.capabilities = Capabilities::legacy();
    let mut legacy = pair_with(plain, ServerConfig::default());
    let mut modern = pair();
    let targets =
        [None, Some("rtmp://b.example/app2"), Some("//192.0.2.0/realtimeapp"), Some("/other")];
    let urls = [
        "rtmp://host.example:1935/live",
        "rtmp://b.example:1935/app2",
        "rtmp://192.0.2.0:1935/realtimeapp",
        "rtmp://host.example:1935/other",
    ];
    for pair in [&mut legacy, &mut modern] {
        pair.client.end.publish("key", PublishKind::Live).unwrap();
        pair.settle(|_, server, event| {
            if let PairEvent::Server(event) = event {
                accept(server, event);
            }
        });
    }
    assert_eq!(legacy.server.end.request_reconnect(None, ""), Err(SendError::Unsupported));
    for (target, url) in targets.into_iter().zip(urls) {
        modern.server.end.request_reconnect(target, "maintenance").unwrap();
        let mut moved = None;
        modern.settle(|_, _, event| {
            if let PairEvent::Client(ClientEvent::Moved(it)) = event {
                moved = Some(it);
            }
        });
        let moved = moved.unwrap();
        assert_eq!(moved.why, MoveReason::ReconnectRequest);
        assert_eq!(moved.config.url.tc_url(), url);
        // The old connection goes on until the client leaves it.
        modern.client.end.send(MessageStreamId(1), &video(0, 10)).unwrap();
    }
}

/// The client of each attempt is built from what the one before it was told.
#[test]
fn adobe_authentication_takes_three_connections() {
    let mut config =
        ClientConfig::new(RtmpUrl::parse("rtmp://u:secret@host.example/live").unwrap());
    let mut apps = Vec::new();
    for step in 0..3 {
        let mut pair = pair_with(config.clone(), ServerConfig::default());
        let mut next = None;
        let mut connected = false;
        pair.run(seconds(3), |_, server, event| match event {
            PairEvent::Server(ServerEvent::Connect(request)) => {
                apps.push(format!("{}?{}", request.app, request.query));
                assert!(request.tc_url.ends_with(request.query.as_str()));
                match step {
                    0 => server.reject(request, &Rejection::denied(
                        "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ",
                    )),
                    1 => server.reject(request, &Rejection::denied(
                        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=u&salt=abcd1234&challenge=c0ffee01&opaque=deadbeef",
                    )),
                    _ => server.accept_connect(request),
                }
            }
            PairEvent::Client(ClientEvent::Moved(moved)) => next = Some(moved),
            PairEvent::Client(ClientEvent::Connected { .. }) => connected = true,
            _ => {}
        });
        assert_eq!((next.is_some(), connected), (step < 2, step == 2));
        if let Some(moved) = next {
            assert_eq!(moved.why, MoveReason::Authentication);
            config = moved.config;
        }
    }
    assert_eq!(apps[..2], ["live?", "live?authmod=adobe&user=u"]);
    assert!(apps[2].starts_with("live?authmod=adobe&user=u&challenge="));
    assert!(apps[2].ends_with("==&opaque=deadbeef"));
}

/// Wherever the connection breaks, both ends are told nothing false and keep nothing: what was closed was open.
#[test]
fn cmd_22_a_disconnect_after_every_byte() {
    let mut whole = pair();
    both_ways(&mut whole);
    let length = whole.up.carried();
    assert!(length > 170_000);
    // Every byte of handshake and commands, then every 997th of the media.
    for cut in (0..4600).chain((4600..length).step_by(997)) {
        let mut pair = pair();
        pair.up = Pipe::new().cut_after(cut);
        pair.client.end.publish("key", PublishKind::Live).unwrap();
        let mut open = 0_i32;
        pair.run(seconds(1), |client, server, event| match event {
            PairEvent::Client(ClientEvent::Publishing(id)) => {
                client.send(id, &video(0, 100_000)).unwrap();
                client.stop(id);
            }
            PairEvent::Server(event) => {
                open += i32::from(matches!(event, ServerEvent::Publish(_)));
                open -= i32::from(matches!(event, ServerEvent::StreamClosed(_)));
                accept(server, event);
            }
            PairEvent::Client(_) => {}
        });
        assert!(pair.server.error.is_none(), "{cut}: {:?}", pair.server.error);
        assert!((0..=1).contains(&open), "{cut}");
        // Nobody comes to tell the server: its timers end it.
        pair.run(seconds(200), |_, server, event| {
            if let PairEvent::Server(event) = event {
                accept(server, event);
            }
        });
        assert!(matches!(pair.server.error, Some(SessionError::Timeout(_))), "{cut}");
        assert_eq!(pair.server.end.statistics().dropped, 0);
    }
}
