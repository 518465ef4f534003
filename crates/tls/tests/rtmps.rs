//! RTMP sessions behind TLS talk to each other.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use core::time::Duration;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Endpoint;
use levada_chunk::{ChunkSize, Message, MessageStreamId, MessageType, SharedMessage};
use levada_handshake::Entropy;
use levada_session::{
    ClientConfig, ClientEvent, ClientSession, CloseReason, PlayStart, PublishKind, RtmpUrl,
    ServerConfig, ServerEvent, ServerSession, SessionError, Timer,
};
use levada_test::{Clock, Pair, PairEvent, Pipe, cuts};
use levada_tls::{AHEAD, Tls, TlsError, client_config, rustls, server_config};
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::Acceptor;

type Both = Pair<Tls<ClientSession>, Tls<ServerSession>>;

/// The two configurations around one self-signed certificate for `host.example`.
fn configs(expired: bool) -> (Arc<rustls::ClientConfig>, Arc<rustls::ServerConfig>) {
    let mut params = CertificateParams::new(["host.example".to_owned()]).unwrap();
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (client_config(roots).unwrap(), server_config(vec![certificate], key).unwrap())
}

fn client_session(clock: &Clock) -> ClientSession {
    let url = RtmpUrl::parse("rtmps://host.example/live/key").unwrap();
    let mut client =
        ClientSession::new(ClientConfig::new(url), Entropy::new([1; 1528]), clock.now());
    client.publish("key", PublishKind::Live).unwrap();
    client
}

fn server_session(clock: &Clock) -> ServerSession {
    ServerSession::new(Arc::new(ServerConfig::default()), Entropy::new([2; 1528]), clock.now())
}

fn pair(host: &str, expired: bool) -> Both {
    let clock = Clock::new();
    let (client, server) = configs(expired);
    let client = Tls::client(client, host, client_session(&clock)).unwrap();
    let server = Tls::server(server, server_session(&clock)).unwrap();
    Pair::new(clock, client, server)
}

fn frame(length: usize) -> SharedMessage {
    let payload = (0..length).map(|it| u8::try_from(it % 251).unwrap()).collect::<Bytes>();
    let message = Message::new(MessageType::VIDEO, MessageStreamId(0), 40, payload);
    SharedMessage::new(message, ChunkSize::new(65_536).unwrap()).unwrap()
}

/// Publishes three frames and says goodbye. Returns what the server got of them.
fn publish(pair: &mut Both) -> Vec<usize> {
    let mut got = Vec::new();
    pair.run(Duration::from_secs(5), |client, server, event| match event {
        PairEvent::Client(ClientEvent::Publishing(id)) => {
            for length in [10, 300_000, 5000] {
                client.inner_mut().send(id, &frame(length)).unwrap();
            }
        }
        PairEvent::Server(ServerEvent::Connect(it)) => server.inner_mut().accept_connect(it),
        PairEvent::Server(ServerEvent::Publish(it)) => {
            server.inner_mut().accept_publish(it);
        }
        PairEvent::Server(ServerEvent::Media { message, .. }) => {
            assert_eq!(message.payload, frame(message.payload.len()).payload());
            got.push(message.payload.len());
        }
        _ => {}
    });
    got
}

#[test]
fn a_publisher_behind_tls() {
    let mut pair = pair("host.example", false);
    assert_eq!(publish(&mut pair), [10, 300_000, 5000]);
    assert!(pair.client.error.is_none() && pair.server.error.is_none());
    assert!(pair.up.carried() > 305_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn net_09_any_network_carries_it(up in cuts(), down in cuts(), delay in 0_u64..100) {
        let mut pair = pair("host.example", false);
        let delay = Duration::from_millis(delay);
        pair.up = Pipe::new().with_cuts(&up).with_delay(delay);
        pair.down = Pipe::new().with_cuts(&down).with_delay(delay);
        prop_assert_eq!(publish(&mut pair), [10, 300_000, 5000]);
    }
}

#[test]
fn net_09_cut_into_single_bytes() {
    let mut pair = pair("host.example", false);
    pair.up = Pipe::new().with_cuts(&[1]);
    pair.down = Pipe::new().with_cuts(&[1]);
    assert_eq!(publish(&mut pair), [10, 300_000, 5000]);
}

/// A player over a network that takes little at a time and may break anywhere. Says what it got.
fn play(up: Pipe, down: Pipe) -> (Vec<usize>, Both) {
    let clock = Clock::new();
    let (client, server) = configs(false);
    let url = RtmpUrl::parse("rtmps://host.example/live/key").unwrap();
    let mut player =
        ClientSession::new(ClientConfig::new(url), Entropy::new([1; 1528]), clock.now());
    player.play("key", PlayStart::Live, None).unwrap();
    let client = Tls::client(client, "host.example", player).unwrap();
    let server = Tls::server(server, server_session(&clock)).unwrap();
    let mut pair = Pair::new(clock, client, server);
    (pair.up, pair.down) = (up, down);
    let mut got = Vec::new();
    pair.run(Duration::from_secs(60), |_, server, event| match event {
        PairEvent::Server(ServerEvent::Connect(it)) => server.inner_mut().accept_connect(it),
        PairEvent::Server(ServerEvent::Play(it)) => {
            let stream = server.inner_mut().accept_play(it);
            for length in FRAMES {
                server.inner_mut().send(stream, &frame(length)).unwrap();
            }
        }
        PairEvent::Client(ClientEvent::Media { message, .. }) => {
            assert_eq!(message.payload, frame(message.payload.len()).payload());
            got.push(message.payload.len());
        }
        _ => {}
    });
    (got, pair)
}

/// Some that are copied, some that are shared, one of several chunks.
const FRAMES: [usize; 5] = [10, 5000, 150_000, 16_384, 1];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn a_player_gets_everything_over_any_network(
        up in cuts(),
        down in cuts(),
        delay in 0_u64..100,
        capacity in 5000_usize..50_000,
    ) {
        let delay = Duration::from_millis(delay);
        let up = Pipe::new().with_cuts(&up).with_delay(delay).with_capacity(capacity);
        let down = Pipe::new().with_cuts(&down).with_delay(delay).with_capacity(capacity);
        let (got, pair) = play(up, down);
        prop_assert_eq!(got, FRAMES);
        prop_assert!(pair.client.error.is_none() && pair.server.error.is_none());
    }
}

/// Wherever the connection breaks, what came before is whole, and nobody mistakes it for an end.
#[test]
fn net_10_a_connection_that_breaks_anywhere() {
    let (_, whole) = play(Pipe::new(), Pipe::new());
    let (up, down) = (whole.up.carried(), whole.down.carried());
    for cut in (0..up).step_by(97).chain([up - 1]) {
        let (got, pair) = play(Pipe::new().cut_after(cut), Pipe::new());
        assert!(FRAMES.starts_with(&got), "{cut}");
        assert!(!matches!(pair.server.error, Some(TlsError::Tls(_) | TlsError::Closed)), "{cut}");
    }
    for cut in (0..down).step_by(1999).chain([down - 1]) {
        let (got, pair) = play(Pipe::new(), Pipe::new().cut_after(cut));
        assert!(FRAMES.starts_with(&got), "{cut}");
        assert!(!matches!(pair.client.error, Some(TlsError::Tls(_) | TlsError::Closed)), "{cut}");
    }
}

#[test]
fn the_end_of_the_session_is_told_by_close_notify() {
    let mut pair = pair("host.example", false);
    publish(&mut pair);
    let now = pair.clock.now();
    pair.client.end.inner_mut().close(now);
    let mut closed = Vec::new();
    pair.run(Duration::from_secs(5), |_, _, event| match event {
        PairEvent::Client(ClientEvent::Closed(why)) => closed.push(format!("{why:?}")),
        PairEvent::Server(ServerEvent::StreamClosed(id)) => closed.push(format!("{id:?}")),
        _ => {}
    });
    // The farewell first, then the end.
    assert_eq!(closed, ["MessageStreamId(1)", &format!("{:?}", CloseReason::Local)]);
    assert_eq!(pair.client.error, Some(TlsError::Inner(SessionError::Closed)));
    assert_eq!(pair.server.error, Some(TlsError::Closed));
}

#[test]
fn net_10_nothing_counts_after_close_notify() {
    let mut pair = pair("host.example", false);
    publish(&mut pair);
    let now = pair.clock.now();
    pair.client.end.inner_mut().close(now);
    pair.run(Duration::from_secs(5), |_, _, _| {});
    let mut more = BytesMut::from(&[0x17, 3, 3, 0, 5, 1, 2, 3, 4, 5].repeat(1000)[..]);
    for _ in 0..3 {
        let next = pair.server.end.next_event(&mut more, pair.clock.now());
        assert_eq!(next, Err(TlsError::Closed));
        assert!(more.is_empty());
    }
}

#[test]
fn the_server_is_told_the_name_and_no_protocol() {
    let clock = Clock::new();
    let (config, _) = configs(false);
    let hello = |host: &str| {
        let mut client = Tls::client(config.clone(), host, client_session(&clock)).unwrap();
        let mut acceptor = Acceptor::default();
        let out = client.output();
        let bytes = out.copy_to_bytes(out.remaining());
        acceptor.read_tls(&mut &bytes[..]).unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        let hello = accepted.client_hello();
        (hello.server_name().map(str::to_owned), hello.alpn().is_some())
    };
    assert_eq!(hello("host.example"), (Some("host.example".to_owned()), false));
    assert_eq!(hello("192.0.2.1"), (None, false));
    assert_eq!(hello("2001:db8::1"), (None, false));
    for host in ["", "a b", "../x", &"a".repeat(300)] {
        assert!(Tls::client(config.clone(), host, client_session(&clock)).is_err(), "{host}");
    }
}

#[test]
fn cli_06_certificates_that_are_not_trusted() {
    for (host, expired) in [("other.example", false), ("host.example", true)] {
        let mut pair = pair(host, expired);
        assert_eq!(publish(&mut pair), [0; 0]);
        let error = pair.client.error.unwrap();
        assert!(matches!(error, TlsError::Tls(rustls::Error::InvalidCertificate(_))), "{error:?}");
        // It was told, and stays as it is.
        assert!(matches!(pair.server.error, Some(TlsError::Tls(rustls::Error::AlertReceived(_)))));
        let again = pair.client.end.next_event(&mut BytesMut::new(), pair.clock.now());
        assert_eq!(again.unwrap_err(), error);
    }
}

#[test]
fn net_08_plain_rtmp_on_the_port_of_tls() {
    let clock = Clock::new();
    let (_, config) = configs(false);
    let mut server = Tls::server(config, server_session(&clock)).unwrap();
    let mut input = BytesMut::from(&[3; 1537][..]);
    let next = server.next_event(&mut input, clock.now());
    assert!(matches!(next, Err(TlsError::Tls(_))), "{next:?}");
}

#[test]
fn net_01_the_handshake_has_a_deadline() {
    let mut clock = Clock::new();
    let (_, config) = configs(false);
    let mut server = Tls::server(config, server_session(&clock)).unwrap();
    let now = clock.advance(Duration::from_secs(10));
    assert!(server.deadline().is_some_and(|it| it <= now));
    server.handle_timeout(now);
    let next = server.next_event(&mut BytesMut::new(), now);
    assert_eq!(next, Err(TlsError::Inner(SessionError::Timeout(Timer::Handshake))));
}

#[test]
fn what_waits_is_kept_where_its_budget_is() {
    let mut pair = pair("host.example", false);
    publish(&mut pair);
    // 7 MB of media, and a peer that takes nothing.
    for _ in 0..7 {
        pair.client.end.inner_mut().send(MessageStreamId(1), &frame(1_000_000)).unwrap();
    }
    let waiting = pair.client.end.output().remaining();
    assert!(waiting <= 2 * AHEAD + 1024, "{waiting}");
    assert!(pair.client.end.inner_mut().output().remaining() > 6_800_000);
    // And an application that answers nothing: what is decrypted for it is bounded too.
    let out = pair.client.end.output();
    let mut input = BytesMut::from(&out.copy_to_bytes(out.remaining())[..]);
    while let Ok(Some(_)) = pair.server.end.next_event(&mut input, pair.clock.now()) {}
    assert!(input.len() < AHEAD);
}
