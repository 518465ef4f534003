//! What must be survived, each by its number in the catalogue.

use bytes::{Buf, BytesMut};
use levada_amf::{AmfError, Limit, Object, Value};
use levada_buf::Endpoint;
use levada_chunk::{
    ChunkError, ChunkFault, ChunkLimit, Control, MessageStreamId, MessageType, UserControl,
};
use levada_handshake::HandshakeError;
use levada_session::*;
use levada_test::{PairEvent, Pipe, allocations, hex};

use crate::common::*;

fn server() -> Server {
    Server::publishing(ServerConfig::default())
}

fn is_chunk_fault(why: SessionError, wanted: &ChunkFault) -> bool {
    matches!(why, SessionError::Chunk(ChunkError::Malformed { fault, .. }) if fault == *wanted)
}

// NET, HSK

#[test]
fn net_01_02_hsk_02_the_whole_handshake_has_one_deadline() {
    let mut talk = Server::fresh(ServerConfig::default());
    for byte in &hello()[..9] {
        talk.raw(&[*byte]);
        assert!(talk.next().unwrap().is_none());
        talk.wait(seconds(1));
    }
    talk.wait(seconds(1));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Handshake));
    assert_eq!(talk.end.deadline(), None);
}

#[test]
fn net_04_hsk_02_an_end_after_every_byte_of_the_handshake() {
    for end in 0..1537 {
        let mut talk = Server::fresh(ServerConfig::default());
        talk.raw(&hello()[..end]);
        assert!(talk.next().unwrap().is_none());
        assert!(talk.next().unwrap().is_none(), "no busy loop");
    }
}

#[test]
fn net_06_cli_04_a_peer_that_never_reads() {
    let mut talk = Server::playing(ServerConfig::default());
    let frame = video(0, 1_000_000);
    let sent = (0..100).take_while(|_| talk.end.send(MessageStreamId(1), &frame).is_ok()).count();
    assert_eq!(sent, 8, "8 MiB");
    assert_eq!(talk.end.send(MessageStreamId(1), &frame), Err(SendError::Full));
    // Between 10 and 15 seconds, as the limit says.
    talk.wait(seconds(9));
    assert!(talk.next().unwrap().is_none());
    talk.wait(seconds(6));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Write));

    // A byte now and then is progress.
    let mut talk = Server::playing(ServerConfig::default());
    talk.end.send(MessageStreamId(1), &frame).unwrap();
    for _ in 0..20 {
        talk.wait(seconds(4));
        talk.end.output().advance(1);
        assert!(talk.next().unwrap().is_none());
    }
}

#[test]
fn net_07_08_hsk_01_other_protocols_are_closed_at_the_first_byte() {
    for first in 0..=255_u8 {
        let mut talk = Server::fresh(ServerConfig::default());
        talk.raw(&[first]);
        if first == 3 {
            assert!(talk.next().unwrap().is_none());
            continue;
        }
        let expected = match first {
            0..32 => HandshakeError::UnsupportedVersion { version: first },
            _ => HandshakeError::NotRtmp { first },
        };
        assert_eq!(talk.error(), SessionError::Handshake(expected));
        assert_eq!(talk.end.output().remaining(), 0);
    }
}

#[test]
fn net_15_a_player_that_only_acknowledges() {
    let mut talk = Server::playing(ServerConfig::default());
    for received in 0..10_000 {
        talk.control(&Control::Acknowledgement { received });
    }
    talk.quiet();
    assert_eq!(talk.end.statistics().acknowledged, 9999);
}

#[test]
fn hsk_07_an_eager_client() {
    let mut talk = Server::fresh(ServerConfig::default());
    talk.raw(&hello());
    talk.raw(&[0x55; 1536]);
    talk.command(0, "connect", 1.0, &[connect_object()]);
    assert_eq!(talk.accept_all(), ["Tolerated(WrongEcho)", "connect live"]);
}

#[test]
fn hsk_08_two_hellos() {
    let mut talk = Server::fresh(ServerConfig::default());
    talk.raw(&hello());
    talk.raw(&hello());
    while talk.next().unwrap().is_some() {}
    // The last byte of the second one is the first of the chunk stream.
    assert_eq!(talk.input.len(), 1);
}

#[test]
fn hsk_09_silence_after_the_handshake() {
    let mut talk = Server::greeted(ServerConfig::default());
    talk.wait(seconds(10));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Connect));
}

#[test]
fn hsk_10_a_server_with_a_strange_handshake() {
    let mut talk = Client::over(
        ClientSession::new(client_config(), entropy(1), levada_test::Clock::new().now()),
        levada_test::Clock::new(),
    );
    talk.raw(&[3]);
    talk.raw(&[0; 3072]);
    talk.control(&Control::WindowAckSize(5_000_000));
    assert!(matches!(talk.event(), ClientEvent::Tolerated(Quirk::WrongEcho)));
    talk.quiet();
    let mut talk =
        Client::over(ClientSession::new(client_config(), entropy(1), talk.clock.now()), talk.clock);
    talk.raw(b"H");
    assert!(matches!(talk.error(), SessionError::Handshake(_)));
}

#[test]
fn g5_a_failed_session_stays_failed() {
    let mut talk = server();
    talk.raw(&[0xC9, 1, 2, 3]);
    let why = talk.error();
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    for _ in 0..3 {
        assert_eq!(talk.error(), why);
    }
    assert_eq!(talk.end.deadline(), None);
    assert_eq!(talk.end.output().remaining(), 0);
    assert_eq!(talk.end.send(MessageStreamId(1), &video(0, 1)), Err(SendError::Closed));
}

// CTL

#[test]
fn ctl_01_control_messages_of_every_length() {
    for kind in [3, 4, 5, 6] {
        let needed = match kind {
            4 => 6,
            6 => 5,
            _ => 4,
        };
        for length in 0..9 {
            let mut talk = server();
            talk.media(0, MessageType(kind), 0, &hex("0000 0001 0000 0001 00")[..length]);
            if length >= needed {
                talk.accept_all();
                assert!(talk.next().unwrap().is_none());
            } else {
                let fault = ChunkFault::ShortControl { kind: MessageType(kind), length };
                let why = loop {
                    match talk.next() {
                        Ok(event) => drop(event),
                        Err(why) => break why,
                    }
                };
                assert!(is_chunk_fault(why, &fault), "{kind} {length} {why:?}");
            }
        }
    }
}

#[test]
fn ctl_02_abort_of_what_is_not_there() {
    let mut talk = server();
    for chunk_stream in [0, 1, 7, 65_600, u32::MAX] {
        talk.control(&Control::Abort { chunk_stream });
    }
    talk.quiet();
}

#[test]
fn ctl_04_acknowledgements_of_anything() {
    let mut talk = server();
    for received in [0, 5, u32::MAX, 3, 0x8000_0000, 0] {
        talk.control(&Control::Acknowledgement { received });
        talk.quiet();
        assert_eq!(talk.end.statistics().acknowledged, received);
    }
}

#[test]
fn ctl_06_a_window_without_end() {
    let mut talk = server();
    talk.control(&Control::WindowAckSize(u32::MAX));
    for time in 0..100 {
        talk.media(1, MessageType::VIDEO, time, &[7; 100_000]);
        talk.accept_all();
    }
    assert_eq!(talk.heard(), [""; 0]);
}

#[test]
fn ctl_07_peer_bandwidth_of_all_kinds() {
    let mut talk = server();
    for payload in
        ["00000000 00", "00100000 03", "00200000 ff", "00300000 02", "00300000 00", "00000000 01"]
    {
        talk.media(0, MessageType::SET_PEER_BANDWIDTH, 0, &hex(payload));
    }
    talk.quiet();
    // Whoever asks gets a window like the one he names, once.
    assert_eq!(
        talk.heard(),
        ["WindowAckSize(1048576)", "WindowAckSize(2097152)", "WindowAckSize(3145728)"]
    );
}

#[test]
fn ctl_09_user_control_unknown_cut_and_in_floods() {
    let mut talk = server();
    for event in 0..=300_u16 {
        let payload = [&event.to_be_bytes()[..], &[0; 8]].concat();
        talk.media(0, MessageType::USER_CONTROL, 0, &payload);
    }
    talk.quiet();
    assert_eq!(talk.heard(), ["PingResponse { time: 0 }"]);
    for round in 0..10 {
        for time in 0..1000 {
            talk.control(&ping(time));
        }
        talk.quiet();
        let answered = talk.heard().len();
        assert_eq!(answered, if round == 0 { 9 } else { 10 }, "a second");
        talk.wait(seconds(1));
    }
}

#[test]
fn ctl_11_a_peer_that_never_acknowledges() {
    let mut talk = Server::playing(ServerConfig::default());
    for time in 0..50 {
        talk.end.send(MessageStreamId(1), &video(time, 1_000_000)).unwrap();
        talk.listen();
    }
}

// CMD

#[test]
fn cmd_01_media_where_none_belongs() {
    let mut talk = Server::with_stream(ServerConfig::default());
    for kind in [MessageType::VIDEO, MessageType::AUDIO] {
        for stream in [0, 1, 7, u32::MAX] {
            talk.media(stream, kind, 0, &[7; 10]);
        }
    }
    talk.quiet();
    assert_eq!(talk.end.statistics().dropped, 8);
    talk.publish(1, "key");
    talk.command(0, "deleteStream", 0.0, &[Value::Null, 1.into()]);
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["StreamClosed(MessageStreamId(1))"]);
    // A player's leftovers.
    let mut talk = Server::playing(ServerConfig::default());
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    talk.quiet();
    assert_eq!(talk.end.statistics().dropped, 1);
    // And before connect.
    let mut talk = Server::greeted(ServerConfig::default());
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    talk.media(0, MessageType::DATA_AMF0, 0, b"\x02\0\x01a");
    talk.quiet();
}

#[test]
fn cmd_02_commands_in_the_wrong_order() {
    let mut talk = Server::connected(ServerConfig::default());
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into()]);
    talk.quiet();
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Publish.BadName"]);

    let mut talk = Server::greeted(ServerConfig::default());
    talk.command(0, "createStream", 2.0, &[]);
    let what = Unexpected::CommandBeforeConnect;
    assert!(matches!(talk.error(), SessionError::Unexpected { what: it, .. } if it == what));

    let mut talk = server();
    talk.command(0, "connect", 1.0, &[connect_object()]);
    let what = Unexpected::SecondConnect;
    assert!(matches!(talk.error(), SessionError::Unexpected { what: it, .. } if it == what));

    let mut talk = server();
    talk.command(1, "play", 0.0, &[Value::Null, "key".into()]);
    talk.quiet();
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Play.StreamNotFound"]);
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
    talk.quiet();
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Publish.BadName"]);
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["1: video 0 10"], "the first one goes on");
}

#[test]
fn cmd_03_names_that_are_none() {
    let no_names = [Value::Undefined, Value::Null, 7.into(), Object::new().into(), true.into()];
    for name in no_names {
        let mut talk = Server::with_stream(ServerConfig::default());
        talk.command(1, "publish", 0.0, &[Value::Null, name.clone(), "live".into()]);
        while talk.next().unwrap().is_some() {}
        assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Publish.BadName"], "{name:?}");
    }
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 0.0, &[Value::Null, false.into()]);
    talk.quiet();
}

#[test]
fn cmd_04_06_names_that_mean_something_elsewhere() {
    let deep = "a/".repeat(1000);
    for name in [
        "../../x",
        "..\\x",
        "%2e%2e%2f",
        "a\0",
        "a\r\nb",
        "#EXT-X",
        "$(x)",
        &"a".repeat(300),
        &deep,
    ] {
        for (command, code) in [
            ("publish", "1: onStatus 0 NetStream.Publish.BadName"),
            ("play", "1: onStatus 0 NetStream.Play.StreamNotFound"),
        ] {
            let mut talk = Server::with_stream(ServerConfig::default());
            talk.command(1, command, 0.0, &[Value::Null, name.to_owned().into(), "live".into()]);
            talk.quiet();
            assert_eq!(talk.commands(), [code]);
            talk.wait(seconds(1));
            assert_eq!(talk.event(), ServerEvent::Closed(CloseReason::Refused));
        }
        let mut talk = Server::greeted(ServerConfig::default());
        let object = Object::new().with("app", name.to_owned()).with("tcUrl", "rtmp://h/x");
        talk.command(0, "connect", 1.0, &[object.into()]);
        talk.quiet();
        let said = talk.commands();
        assert_eq!(said[0], "0: _error 1 NetConnection.Connect.InvalidApp");
    }
}

#[test]
fn cmd_07_a_flood_of_commands() {
    let mut talk = server();
    for _ in 0..200 {
        talk.command(0, "other", 0.0, &[]);
    }
    let why = talk.error();
    let limit = SessionLimit::Commands;
    assert!(
        matches!(why, SessionError::Limit { which, limit: 50, .. } if which == limit),
        "{why:?}"
    );
    // At the rate it goes on for ever.
    let mut talk = server();
    for _ in 0..50 {
        for _ in 0..50 {
            talk.command(0, "other", 0.0, &[]);
        }
        talk.media(1, MessageType::VIDEO, 0, &[7]);
        talk.accept_all();
        talk.wait(seconds(1));
    }
    assert!(talk.next().unwrap().is_none());
}

#[test]
fn cmd_07_answers_are_bounded_for_a_peer_that_does_not_read() {
    let mut talk = server();
    let why = 'talk: loop {
        for _ in 0..50 {
            talk.command(0, "other", 7.0, &[]);
        }
        talk.media(1, MessageType::VIDEO, 0, &[7]);
        loop {
            match talk.next() {
                Ok(Some(event)) => drop(accept(&mut talk.end, event)),
                Ok(None) => break,
                Err(why) => break 'talk why,
            }
        }
        assert!(talk.end.output().remaining() < 70 * 1024);
        // It takes a byte now and then, which keeps the write timer quiet.
        talk.end.output().advance(1);
        talk.wait(seconds(1));
    };
    let limit = SessionLimit::Replies;
    assert!(matches!(why, SessionError::Limit { which, .. } if which == limit), "{why:?}");
}

#[test]
fn cmd_08_streams_at_the_limit_and_one_more() {
    let mut talk = Server::connected(ServerConfig::default());
    for transaction in 0..16 {
        talk.command(0, "createStream", transaction.into(), &[]);
        talk.quiet();
    }
    assert_eq!(talk.heard().last().unwrap(), "0: _result 15 16");
    talk.command(0, "createStream", 99.0, &[]);
    let limit = SessionLimit::Streams;
    assert!(matches!(talk.error(), SessionError::Limit { which, limit: 16, .. } if which == limit));
    assert_eq!(talk.heard(), ["0: _error 99 NetStream.Failed"]);
    // Deleted ones do not count.
    let mut talk = Server::connected(ServerConfig::default());
    for id in 1..40_i32 {
        talk.command(0, "createStream", 1.0, &[]);
        talk.command(0, "deleteStream", 0.0, &[Value::Null, id.into()]);
        talk.quiet();
    }
}

#[test]
fn cmd_09_deletions_of_what_is_not_there() {
    let mut talk = server();
    talk.command(0, "createStream", 9.0, &[]);
    for id in [
        Value::Number(f64::NAN),
        (-1).into(),
        77.into(),
        Value::Number(1e300),
        1.5.into(),
        "x".into(),
    ] {
        talk.command(0, "deleteStream", 0.0, &[Value::Null, id]);
    }
    talk.command(9, "closeStream", 0.0, &[Value::Null]);
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["1: video 0 10"]);
}

#[test]
fn cmd_10_announcements_have_no_effect_on_others() {
    let mut talk = Server::connected(ServerConfig::default());
    talk.command(0, "releaseStream", 2.0, &[Value::Null, "other".into()]);
    talk.command(0, "FCPublish", 3.0, &[Value::Null, "other".into()]);
    talk.command(0, "FCUnpublish", 4.0, &[Value::Null, "other".into()]);
    talk.quiet();
}

#[test]
fn cmd_13_21_many_names_leave_nothing_behind() {
    let mut config = ServerConfig::default();
    config.close_after_refusal = false;
    let mut talk = Server::with_stream(config);
    let round = |talk: &mut Server, index: usize| {
        let name = format!("name{index:06}");
        talk.command(1, "play", 0.0, &[Value::Null, name.into()]);
        let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
        talk.end.reject(request, &Rejection::not_found("no such stream"));
        talk.quiet();
        talk.listen();
        talk.wait(core::time::Duration::from_millis(100));
    };
    (0..100).for_each(|index| round(&mut talk, index));
    let held = allocations(|| (100..200).for_each(|index| round(&mut talk, index)));
    let more = allocations(|| (200..1200).for_each(|index| round(&mut talk, index)));
    assert!(more.peak_bytes <= held.peak_bytes + 1024, "{held:?} {more:?}");
}

#[test]
fn cmd_14_numbers_of_all_kinds() {
    for number in [-2.0, -1.0, -7.0, 0.0, f64::NAN, f64::INFINITY, -0.0, 1e12, 1e308] {
        let mut talk = Server::with_stream(ServerConfig::default());
        let number = Value::Number(number);
        let values = [Value::Null, "key".into(), number.clone(), number.clone(), number.clone()];
        talk.command(1, "play", 0.0, &values);
        let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
        talk.end.accept_play(request);
        for command in ["seek", "pause", "receiveVideo", "receiveAudio"] {
            talk.command(1, command, 0.0, &[Value::Null, number.clone(), number.clone()]);
        }
        while talk.next().unwrap().is_some() {}
    }
}

#[test]
fn cmd_15_answers_to_nothing() {
    let mut talk = server();
    for _ in 0..45 {
        talk.command(0, "_result", 4.0, &[Value::Null, 1.into()]);
        talk.command(0, "_error", 9.0, &[Value::Null]);
    }
    talk.quiet();
    let mut talk = Client::connected(|it| it.publish("key", PublishKind::Live).unwrap());
    talk.listen();
    for transaction in [1.0, 4.0, 4.0, 9.0, f64::NAN] {
        talk.command(0, "_result", transaction, &[Value::Null, 1.into()]);
    }
    talk.quiet();
    assert_eq!(talk.commands(), ["1: publish 5 key live"], "once");
}

#[test]
fn cmd_16_arguments_missing_or_of_another_type() {
    for values in [vec![], vec![Value::Null], vec![7.into()], vec!["live".into()]] {
        let mut talk = Server::greeted(ServerConfig::default());
        talk.command(0, "connect", 1.0, &values);
        assert_eq!(talk.accept_all(), ["connect ", "Tolerated(MissingTcUrl)"]);
    }
    let mut talk = server();
    for name in [
        "releaseStream",
        "FCPublish",
        "FCUnpublish",
        "deleteStream",
        "pause",
        "seek",
        "play2",
        "getStreamLength",
    ] {
        talk.command(0, name, 5.0, &[]);
        talk.command(1, name, 5.0, &[]);
    }
    while talk.next().unwrap().is_some() {}
}

#[test]
fn cmd_20_shared_objects() {
    let mut talk = server();
    let body = hex("0004 63686174 00000000 00000000 00000000 01 00000000");
    talk.media(0, MessageType::SHARED_OBJECT_AMF0, 0, &body);
    talk.media(0, MessageType::SHARED_OBJECT_AMF3, 0, &[&[0], &body[..]].concat());
    talk.media(0, MessageType::SHARED_OBJECT_AMF0, 0, &body[..9]);
    talk.quiet();
    assert_eq!(talk.end.statistics().dropped, 3);
    let answers = talk.listen();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|it| it.kind == MessageType::SHARED_OBJECT_AMF0));
}

#[test]
fn am0_01_02_a_command_that_is_a_bomb() {
    let mut talk = server();
    let deep = [&b"\x02\0\x01a"[..], &[0x0A, 0, 0, 0, 1].repeat(5000)].concat();
    talk.media(1, MessageType::COMMAND_AMF0, 0, &deep);
    let why = talk.error();
    let SessionError::Command { why: AmfError::Limit { which, .. }, .. } = why else {
        panic!("{why:?}")
    };
    assert_eq!(which, Limit::Depth);

    let mut talk = server();
    talk.media(1, MessageType::COMMAND_AMF0, 0, b"\x02\0\x01a\x0A\xFF\xFF\xFF\xFF");
    assert_eq!(talk.event(), ServerEvent::Tolerated(Quirk::BytesAfterCommand));
}

#[test]
fn chk_06_messages_before_publish_are_small() {
    let mut talk = Server::connected(ServerConfig::default());
    talk.raw(&[3, 0, 0, 0, 1, 0, 1, 20, 0, 0, 0, 0]);
    let why = talk.error();
    assert!(
        matches!(
            why,
            SessionError::Chunk(ChunkError::Limit {
                which: ChunkLimit::MessageLength,
                limit: 65_536,
                actual: 65_537,
                ..
            })
        ),
        "{why:?}"
    );
    let mut talk = server();
    talk.raw(&[6, 0, 0, 0, 0x7F, 0xFF, 0xFF, 9, 1, 0, 0, 0]);
    talk.quiet();
}

#[test]
fn chk_18_unknown_types_at_the_limit_and_one_more() {
    for kind in [7, 10, 14, 21, 23, 255] {
        let mut talk = server();
        for _ in 0..100 {
            talk.media(1, MessageType(kind), 0, &[7]);
        }
        talk.quiet();
        talk.media(1, MessageType(kind), 0, &[7]);
        let limit = SessionLimit::UnknownMessages;
        assert!(
            matches!(talk.error(), SessionError::Limit { which, limit: 100, .. } if which == limit)
        );
    }
}

#[test]
fn chk_20_a_message_that_never_ends() {
    let mut talk = server();
    talk.raw(&[6, 0, 0, 0, 0, 3, 0, 9, 1, 0, 0, 0]);
    talk.raw(&[7; 128]);
    // What keeps the connection alive does not keep the message alive, nor does another chunk of it.
    let lived = (0..100).take_while(|second| {
        talk.media(1, MessageType::AUDIO, *second, &[7; 10]);
        if second % 20 == 19 {
            talk.raw(&[0xC6]);
            talk.raw(&[7; 128]);
        }
        talk.wait(seconds(1));
        loop {
            match talk.next() {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(_) => break false,
            }
        }
    });
    assert_eq!(lived.count(), 59);
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Partial));
}

// CLI

#[test]
fn cli_01_answers_that_do_not_come_or_make_no_sense() {
    let mut talk = Client::greeted(client_config(), |_| {});
    talk.wait(seconds(10));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Connect));

    let publish = |it: &mut ClientSession| it.publish("key", PublishKind::Live).unwrap();
    let mut talk = Client::connected(publish);
    talk.wait(seconds(15));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Stream));

    for id in [Value::Null, "x".into(), 0.into(), (-1).into(), Value::Number(f64::NAN), 1e10.into()]
    {
        let mut talk = Client::connected(publish);
        talk.command(0, "_result", 4.0, &[Value::Null, id]);
        talk.quiet();
    }
    let mut talk = Client::connected(publish);
    talk.command(0, "_result", 4.0, &[Value::Null, 1.into()]);
    talk.command(1, "onStatus", 0.0, &[Value::Null, status("NetStream.Made.Up")]);
    talk.command(1, "onStatus", 0.0, &[Value::Null, 7.into()]);
    talk.command(1, "onStatus", 0.0, &[]);
    for _ in 0..3 {
        assert!(matches!(talk.event(), ClientEvent::Status { .. }));
    }
    talk.quiet();
    // A createStream that is refused.
    let mut talk = Client::connected(publish);
    talk.command(0, "_error", 2.0, &[Value::Null]); // releaseStream's: nobody cares
    talk.command(0, "_error", 4.0, &[Value::Null, status("NetStream.Failed")]);
    let ClientEvent::Rejected { purpose, stream, info } = talk.event() else { panic!() };
    assert_eq!(
        (purpose, stream, info.status()),
        (Purpose::Publish, None, Some(Status::StreamFailed))
    );
}

#[test]
fn cli_02_a_disconnect_in_the_middle_of_connect_and_again() {
    for cut in [0, 1, 1536, 3073, 3100, 3200] {
        let mut pair = pair();
        pair.up = Pipe::new().cut_after(cut);
        pair.run(seconds(1), |_, _, _: PairEvent<ClientEvent, ServerEvent>| {});
        let mut again = crate::common::pair();
        again.settle(|_, server, event| {
            if let PairEvent::Server(event) = event {
                accept(server, event);
            }
        });
        assert!(again.client.error.is_none());
    }
}

#[test]
fn cli_03_a_server_that_plays_tricks() {
    let mut talk = Client::connected(|_| {});
    talk.listen();
    talk.control(&Control::WindowAckSize(1));
    for received in 0..1000 {
        talk.control(&Control::Acknowledgement { received });
    }
    assert!(matches!(talk.event(), ClientEvent::Tolerated(Quirk::SmallWindow)));
    talk.quiet();
    assert!(talk.heard().len() <= 2);
    talk.raw(&hex("02 000000 000004 01 00000000 00000000"));
    assert!(is_chunk_fault(talk.error(), &ChunkFault::BadChunkSize { size: 0 }));
}

#[test]
fn cli_05_authentication_with_nothing_to_answer() {
    let refusals = [
        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed".to_owned(),
        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&salt=1".to_owned(),
        format!("authmod=adobe ?reason=needauth&salt={}&challenge=2", "s".repeat(65_000)),
    ];
    for description in refusals {
        let url = RtmpUrl::parse("rtmp://u:secret@host.example/live").unwrap();
        let mut talk = Client::greeted(ClientConfig::new(url), |_| {});
        let info = Object::new()
            .with("level", "error")
            .with("code", "NetConnection.Connect.Rejected")
            .with("description", Value::LongString(description.into()));
        talk.command(0, "_error", 1.0, &[Value::Null, info.into()]);
        let event = talk.event();
        let said = format!("{event:?}");
        let ClientEvent::Rejected { info, .. } = event else { panic!("{said}") };
        assert!(info.description.len() <= 1024 && !said.contains("secret"));
    }
    // Without credentials it is a plain refusal.
    let mut talk = Client::greeted(client_config(), |_| {});
    let info = Object::new()
        .with("level", "error")
        .with("description", "code=403 need auth; authmod=adobe");
    talk.command(0, "_error", 1.0, &[Value::Null, info.into()]);
    assert!(matches!(talk.event(), ClientEvent::Rejected { .. }));
}

#[test]
fn cli_05_a_password_that_is_asked_for_again_and_again() {
    let url = RtmpUrl::parse("rtmp://u:secret@host.example/live").unwrap();
    let mut config = ClientConfig::new(url);
    let mut attempts = 0;
    loop {
        let mut talk = Client::greeted(config.clone(), |_| {});
        let info = Object::new()
            .with("level", "error")
            .with("description", "authmod=adobe ?reason=needauth&user=u&salt=s&challenge=c");
        talk.command(0, "_error", 1.0, &[Value::Null, info.into()]);
        match talk.event() {
            ClientEvent::Moved(moved) => config = moved.config,
            ClientEvent::Rejected { .. } => break,
            other => panic!("{other:?}"),
        }
        attempts += 1;
    }
    assert_eq!(attempts, 2);
}

#[test]
fn ert_11_redirects_to_anywhere() {
    let redirect = |config: ClientConfig, target: &'static str| {
        let mut talk = Client::greeted(config, |_| {});
        let ex = Object::new().with("code", 302).with("redirect", target);
        let info = Object::new().with("level", "error").with("ex", ex);
        talk.command(0, "_error", 1.0, &[Value::Null, info.into()]);
        match talk.event() {
            ClientEvent::Moved(moved) => Some(moved.config),
            _ => None,
        }
    };
    for target in ["file:///etc/passwd", "http://h/x", "rtmpe://h/x", "rtmp://", "rtmp://h/a\r\nb"]
    {
        assert!(redirect(client_config(), target).is_none(), "{target}");
    }
    // Not from TLS to none.
    let secure = ClientConfig::new(RtmpUrl::with_key("rtmps://h/live", "").unwrap());
    assert!(redirect(secure.clone(), "rtmp://h/live").is_none());
    assert!(redirect(secure, "rtmps://other/live").is_some());
    // In a circle, five times.
    let mut config = client_config();
    let mut hops = 0;
    while let Some(next) = redirect(config.clone(), "rtmp://h/live") {
        config = next;
        hops += 1;
    }
    assert_eq!(hops, 5);
}

#[test]
fn the_application_that_never_answers() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
    let ServerEvent::Publish(late) = talk.event() else { panic!("no publish") };
    talk.wait(seconds(10));
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Failed"]);
    // Too late: it does nothing.
    talk.end.accept_publish(late);
    assert_eq!(talk.commands(), [""; 0]);
    talk.wait(seconds(1));
    assert_eq!(talk.event(), ServerEvent::Closed(CloseReason::Refused));
}

#[test]
fn a_publisher_that_sends_nothing_and_a_client_that_wants_nothing() {
    let mut talk = server();
    for _ in 0..3 {
        talk.wait(seconds(6));
        talk.control(&ping(1));
        talk.next().unwrap();
    }
    talk.wait(seconds(2));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::FirstMedia));

    let mut talk = Server::with_stream(ServerConfig::default());
    talk.wait(seconds(15));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Stream));
}

#[test]
fn a_client_measures_the_round_trip_when_it_is_asked_to() {
    let mut talk = Client::connected(|it| it.publish("key", PublishKind::Live).unwrap());
    talk.listen();
    let statistics = talk.end.statistics();
    assert_eq!((statistics.round_trip, statistics.window), (None, client_config().window));
    talk.end.ping(talk.clock.now());
    let heard = talk.listen();
    let Ok(Some(Control::User(UserControl::PingRequest { time }))) = Control::parse(&heard[0])
    else {
        panic!("{heard:?}")
    };
    talk.control(&Control::User(UserControl::PingResponse { time }));
    talk.quiet();
    assert!(talk.end.statistics().round_trip.is_some_and(|it| it <= seconds(1)));
}

#[test]
fn a_quiet_player_is_pinged_and_lives_while_it_answers() {
    let mut talk = Server::playing(ServerConfig::default());
    for _ in 0..10 {
        talk.wait(seconds(31));
        let heard = talk.listen();
        assert_eq!(heard.len(), 1);
        let Ok(Some(Control::User(UserControl::PingRequest { time }))) = Control::parse(&heard[0])
        else {
            panic!("{heard:?}")
        };
        talk.control(&Control::User(UserControl::PingResponse { time }));
        talk.quiet();
        assert!(talk.end.statistics().round_trip.is_some_and(|it| it <= seconds(1)));
    }
    for _ in 0..119 {
        talk.wait(seconds(1));
        talk.listen();
    }
    assert!(talk.next().unwrap().is_none());
    talk.wait(seconds(1));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Idle));
}

#[test]
fn steady_state_allocates_nothing_but_the_payloads() {
    let mut talk = server();
    talk.control(&Control::SetChunkSize(levada_chunk::ChunkSize::new(4096).unwrap()));
    talk.accept_all();
    // One-chunk messages are slices, the others are gathered once.
    for (length, allowed) in [(300, 0), (20_000, 1)] {
        let mut wire = BytesMut::new();
        for time in 0..201 {
            talk.media(1, MessageType::VIDEO, time, &vec![7; length]);
        }
        wire.extend_from_slice(&talk.input.split());
        let mut next = |input: &mut BytesMut| {
            let event = talk.end.next_event(input, talk.clock.now()).unwrap();
            assert!(matches!(event, Some(ServerEvent::Media { .. })));
        };
        next(&mut wire);
        let counted = allocations(|| (0..200).for_each(|_| next(&mut wire)));
        assert!(counted.count <= 200 * allowed + 1, "{length}: {counted:?}");
    }
}

#[test]
fn fan_out_shares_one_body() {
    let frame = video(0, 60_000);
    let mut talk = Server::playing(ServerConfig::default());
    talk.end.send(MessageStreamId(1), &frame).unwrap();
    let out = talk.end.output();
    assert_eq!(out.remaining(), 60_012);
    out.advance(60_012);
    let counted = allocations(|| {
        for _ in 0..100 {
            talk.end.send(MessageStreamId(1), &frame).unwrap();
            let out = talk.end.output();
            out.advance(out.remaining());
        }
    });
    assert!(counted.total_bytes < 2000, "{counted:?}");
}
