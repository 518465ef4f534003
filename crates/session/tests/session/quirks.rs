//! Deviations of real software, each by its number in the catalogue.

use bytes::{Buf, Bytes};
use levada_amf::{Object, Value};
use levada_buf::Endpoint;
use levada_chunk::{
    ChunkSize, ChunkStreamId, Control, Message, MessageStreamId, MessageType, UserControl,
};
use levada_session::*;
use levada_test::hex;

use crate::common::*;

fn server() -> Server {
    Server::publishing(ServerConfig::default())
}

/// What the layers below accept is told like our own quirks, with the message that it came before.
#[test]
fn quirk_06_09_10_13_15_deviations_of_the_layers_below() {
    let mut talk = Server::fresh(ServerConfig::default());
    let mut first = hello();
    first[5..9].copy_from_slice(&[9, 0, 124, 2]);
    talk.raw(&first);
    talk.raw(&[0x55; 1536]);
    assert_eq!(talk.event(), ServerEvent::Tolerated(Quirk::WrongEcho));
    assert_eq!(talk.event(), ServerEvent::Tolerated(Quirk::VersionWithoutDigest));

    let mut config = ServerConfig::default();
    config.tolerance.restarts = true;
    config.tolerance.orphans = true;
    let mut talk = Server::publishing(config);
    talk.raw(&hex("42 000000 000006 04 0006 00000d0f"));
    talk.raw(&hex("0e 000000 000100 09 01000000")); // cut off by
    talk.raw(&[7; 128]);
    talk.raw(&hex("0e 000001 000001 09 01000000 aa"));
    talk.raw(&hex("cf bb"));
    talk.raw(&hex("10 ffffff 000081 09 01000000 01000000"));
    talk.raw(&[8; 128]);
    talk.raw(&hex("d0 cc 10 ffffff 000001 09 01000000 01000001 dd"));
    assert_eq!(
        talk.accept_all(),
        [
            "Tolerated(OpenedWithDelta)",
            "1: video 1 1",
            "Tolerated(MessageCutOff)",
            "1: video 2 1", // a step of 1, as the last header's time was
            "Tolerated(OpenedWithoutHeader)",
            "1: video 16777216 129",
            "Tolerated(ExtendedTimestampOmitted)",
            "1: video 16777217 1",
        ]
    );
}

#[test]
fn quirk_24_chunk_size_between_media() {
    let mut talk = server();
    talk.media(1, MessageType::VIDEO, 0, &[7; 300]);
    talk.control(&Control::SetChunkSize(ChunkSize::new(100_000).unwrap()));
    talk.media(1, MessageType::VIDEO, 40, &[7; 90_000]);
    assert_eq!(talk.accept_all(), ["1: video 0 300", "1: video 40 90000"]);
}

#[test]
fn quirk_25_ctl_10_control_on_other_streams() {
    let mut talk = server();
    let mut message = ping(7).message();
    message.chunk_stream = ChunkStreamId::new(9).unwrap();
    message.stream = MessageStreamId(1);
    talk.message(&message);
    assert_eq!(talk.event(), ServerEvent::Tolerated(Quirk::ControlElsewhere));
    talk.quiet();
    assert_eq!(talk.heard(), ["PingResponse { time: 7 }"]);
}

#[test]
fn quirk_26_large_chunk_stream_numbers() {
    let mut talk = server();
    for id in [64, 319, 320, 65_599] {
        let chunk_stream = ChunkStreamId::new(id).unwrap();
        let (kind, stream) = (MessageType::AUDIO, MessageStreamId(1));
        let payload = Bytes::from(vec![1; 200]);
        talk.message(&Message { chunk_stream, kind, stream, timestamp: id, payload });
    }
    assert_eq!(talk.accept_all().len(), 4);
}

#[test]
fn quirk_27_lengths_announced_on_many_chunk_streams() {
    let mut talk = server();
    // 8 MiB announced on each: the sixteenth would be over what a connection may hold if it came.
    for id in 3..63 {
        talk.raw(&[id, 0, 0, 0, 0x7F, 0xFF, 0xFF, 9, 1, 0, 0, 0]);
        talk.raw(&[0; 128]);
    }
    let counted = levada_test::allocations(|| {
        assert!(talk.next().unwrap().is_none());
    });
    assert!(counted.peak_bytes < 100_000, "{counted:?}");
}

#[test]
fn quirk_28_empty_messages() {
    let mut talk = server();
    for kind in [8, 9, 15, 17, 18, 20, 16, 19] {
        talk.media(1, MessageType(kind), 0, &[]);
    }
    assert_eq!(talk.event(), ServerEvent::Tolerated(Quirk::EmptyMessage));
    talk.quiet();
    assert_eq!(talk.end.statistics().dropped, 8);
}

#[test]
fn quirk_29_aggregates_are_split() {
    let mut talk = server();
    let body = hex(
        "08 000003 000064 00 000000 af01aa 0000000e 09 000006 00006e 00 000000 2701000000bb 00000011",
    );
    talk.media(1, MessageType::AGGREGATE, 5000, &body);
    assert_eq!(talk.accept_all(), ["1: audio 5000 3", "1: video 5010 6"]);
    // What came before a fault counts.
    talk.media(1, MessageType::AGGREGATE, 6000, &body[..body.len() - 8]);
    assert_eq!(talk.accept_all(), ["1: audio 6000 3"]);
    assert_eq!(talk.end.statistics().dropped, 1);
}

#[test]
fn quirk_30_ctl_03_abort_in_the_middle_of_a_message() {
    let mut talk = server();
    talk.raw(&[6, 0, 0, 0, 0, 1, 0, 9, 1, 0, 0, 0]);
    talk.raw(&[1; 128]);
    talk.raw(&hex("02 000000 000004 02 00000000 00000006"));
    talk.raw(&[0x46, 0, 0, 10, 0, 0, 2, 9, 0xAA, 0xBB]);
    assert_eq!(talk.accept_all(), ["1: video 10 2"]);
}

#[test]
fn quirk_31_ctl_05_a_tiny_window_makes_no_storm() {
    for window in [0, 1, 1000] {
        let mut talk = server();
        talk.control(&Control::WindowAckSize(window));
        for time in 0..64 {
            talk.media(1, MessageType::VIDEO, time, &[7; 1000]);
            talk.accept_all();
        }
        let heard = talk.heard();
        // As for the smallest window that is obeyed: 65 KB at 16 KiB each.
        assert_eq!(heard.len(), 3, "{heard:?}");
    }
}

#[test]
fn quirk_33_acknowledged_after_half_the_window() {
    let mut talk = server();
    talk.control(&Control::WindowAckSize(100_000));
    talk.media(1, MessageType::VIDEO, 0, &[7; 48_000]);
    talk.accept_all();
    assert_eq!(talk.heard(), [""; 0]);
    talk.media(1, MessageType::VIDEO, 0, &[7; 2000]);
    talk.accept_all();
    let received = talk.end.statistics().received_bytes;
    assert_eq!(talk.heard(), [format!("Acknowledgement {{ received: {received} }}")]);
}

#[test]
fn quirk_34_a_ping_is_answered_with_its_bytes() {
    let mut talk = server();
    talk.control(&ping(0xDEAD_BEEF));
    talk.quiet();
    assert_eq!(talk.listen()[0].payload[..], [0, 7, 0xDE, 0xAD, 0xBE, 0xEF]);
}

#[test]
fn quirk_35_each_connection_begins_with_small_chunks() {
    let mut talk = Client::connected(|_| {});
    talk.listen(); // chunks of 65,536 from here on
    let mut again = Client::greeted(client_config(), |_| {});
    let length = again.end.output().remaining();
    let connect = again.listen().remove(0);
    let cuts = (connect.payload.len() - 1) / 128;
    assert_eq!((length, cuts), (12 + connect.payload.len() + cuts, 2));
}

#[test]
fn quirk_36_hsk_06_everything_in_one_read() {
    let mut whole = Server::fresh(ServerConfig::default());
    whole.raw(&hello());
    whole.raw(&[0x55; 1536]);
    whole.command(0, "connect", 1.0, &[connect_object()]);
    whole.command(0, "createStream", 2.0, &[Value::Null]);
    whole.command(1, "publish", 3.0, &[Value::Null, "key".into(), "live".into()]);
    whole.media(1, MessageType::VIDEO, 0, &[7; 5000]);
    whole.media(1, MessageType::AUDIO, 0, &[7; 10]);
    let mut said = whole.accept_all();
    said.retain(|it| !it.starts_with("Tolerated"));
    assert_eq!(said, ["connect live", "publish live/key Live", "1: video 0 5000", "1: audio 0 10"]);
    assert_eq!(whole.input.len(), 0);
}

#[test]
fn quirk_37_fmle_commands_are_answered_with_their_transactions() {
    let mut talk = Server::connected(ServerConfig::default());
    talk.command(0, "releaseStream", 2.0, &[Value::Null, "key".into()]);
    talk.command(0, "FCPublish", 3.0, &[Value::Null, "key".into()]);
    talk.command(0, "createStream", 4.0, &[Value::Null]);
    talk.command(1, "publish", 5.0, &[Value::Null, "key".into(), "live".into()]);
    assert_eq!(talk.accept_all(), ["publish live/key Live"]);
    assert_eq!(
        talk.commands(),
        [
            "0: _result 2",
            "0: onFCPublish 0 NetStream.Publish.Start",
            "0: _result 3",
            "0: _result 4 1",
            "1: onStatus 0 NetStream.Publish.Start",
        ]
    );
}

#[test]
fn quirk_38_haivision_announces_after_creating() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(0, "FCPublish", 3.0, &[Value::Null, "key".into()]);
    talk.command(1, "publish", 4.0, &[Value::Null, "key".into(), "live".into()]);
    assert_eq!(talk.accept_all(), ["publish live/key Live"]);
}

#[test]
fn quirk_39_flash_and_larix_just_publish() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
    assert_eq!(talk.accept_all(), ["publish live/key Live"]);
}

#[test]
fn quirk_40_connect_with_another_transaction() {
    let mut talk = Server::greeted(ServerConfig::default());
    talk.command(0, "connect", 7.5, &[connect_object()]);
    assert_eq!(talk.accept_all(), ["connect live", "Tolerated(ConnectTransaction)"]);
    assert_eq!(talk.commands(), ["0: _result 7.5 NetConnection.Connect.Success"]);
}

fn publishing_client() -> Client {
    Client::connected(|it| it.publish("key", PublishKind::Live).unwrap())
}

#[test]
fn quirk_41_answers_without_a_transaction() {
    let mut talk = Client::greeted(client_config(), |it| {
        it.publish("key", PublishKind::Live).unwrap();
    });
    talk.command(0, "_result", 0.0, &[Value::Null, status("NetConnection.Connect.Success")]);
    assert!(matches!(talk.event(), ClientEvent::Connected { .. }));
    assert!(matches!(talk.event(), ClientEvent::Tolerated(Quirk::AnswerWithoutTransaction)));
    talk.command(0, "_result", 0.0, &[Value::Null, 5.into()]);
    talk.quiet();
    assert_eq!(talk.commands().last().unwrap(), "5: publish 5 key live");
}

#[test]
fn quirk_42_noise_before_the_answer() {
    let mut talk = Client::greeted(client_config(), |_| {});
    talk.listen();
    for name in ["onBWDone", "_onbwcheck", "_onbwdone", "onFCPublish", "ping", "other"] {
        talk.command(0, name, 9.0, &[]);
    }
    talk.quiet();
    assert_eq!(talk.commands(), ["0: _checkbw 2", "0: _result 9 0", "0: pong 9"]);
    // The answer to its check of the bandwidth is not that to `connect`.
    talk.command(0, "_result", 2.0, &[Value::Null, Value::Undefined]);
    talk.command(0, "_error", 2.0, &[Value::Null, status("NetConnection.Call.Failed")]);
    talk.quiet();
    talk.command(0, "_result", 1.0, &[Value::Null, status("NetConnection.Connect.Success")]);
    assert!(matches!(talk.event(), ClientEvent::Connected { .. }));
}

#[test]
fn quirk_42_a_publisher_that_checks_the_bandwidth() {
    let mut talk = server();
    talk.command(0, "_checkbw", 5.0, &[Value::Null]);
    talk.quiet();
    assert_eq!(talk.commands(), ["0: _result 5"]);
}

/// 43: YouTube takes the literal "live" only. 44: old FMS wants releaseStream and FCPublish first, with a null before the
/// argument.
#[test]
fn quirk_43_44_what_a_publisher_of_ours_says() {
    let mut talk = publishing_client();
    let payloads: Vec<Bytes> = talk.listen().into_iter().map(|it| it.payload).collect();
    assert_eq!(
        payloads[2][..],
        hex("02 000d 72656c6561736553747265616d 00 4000000000000000 05 02 0003 6b6579")
    );
    assert_eq!(
        payloads[3][..],
        hex("02 0009 46435075626c697368 00 4008000000000000 05 02 0003 6b6579")
    );
    talk.command(0, "_result", 4.0, &[Value::Null, 1.into()]);
    talk.quiet();
    let publish = talk.listen().remove(0).payload;
    assert!(publish.ends_with(&hex("02 0003 6b6579 02 0004 6c697665")));
}

#[test]
fn quirk_45_start_is_a_number_in_thousandths() {
    for (start, number) in [
        (PlayStart::Any, -2000.0),
        (PlayStart::Live, -1000.0),
        (PlayStart::Recording { from_ms: 1500 }, 1500.0),
    ] {
        let mut talk = Client::connected(|it| it.play("key", start, None).unwrap());
        talk.listen();
        talk.command(0, "_result", 2.0, &[Value::Null, 1.into()]);
        talk.quiet();
        let said = talk.heard();
        assert!(said[0].starts_with("SetBufferLength"), "{said:?}");
        assert_eq!(said[1], format!("1: play 3 key {number}"));
    }
}

#[test]
fn quirk_45_60_every_way_to_say_where_to_start() {
    for (start, expected, quirk) in [
        (Value::Undefined, PlayStart::Any, None),
        (Value::Number(-2.0), PlayStart::Any, None),
        (Value::Number(-2000.0), PlayStart::Any, Some(Quirk::StartInThousandths)),
        (Value::Number(-1.0), PlayStart::Live, None),
        (Value::Number(-1000.0), PlayStart::Live, Some(Quirk::StartInThousandths)),
        (Value::Number(0.0), PlayStart::Recording { from_ms: 0 }, Some(Quirk::StartAtZero)),
        (Value::Number(1500.0), PlayStart::Recording { from_ms: 1500 }, None),
    ] {
        let mut talk = Server::with_stream(ServerConfig::default());
        talk.command(1, "play", 0.0, &[Value::Null, "key".into(), start]);
        let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
        assert_eq!(request.start, expected);
        let told = talk.next().unwrap();
        assert_eq!(told, quirk.map(ServerEvent::Tolerated));
        // rtmp2src asks from 0 for what is live: the application may send that all the same.
        talk.end.accept_play(request);
    }
}

#[test]
fn quirk_46_publish_without_a_type() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 5.0, &[Value::Null, "key".into()]);
    let said = talk.accept_all();
    assert_eq!(said, ["publish live/key Live", "Tolerated(PublishWithoutType)"]);
}

/// The application of `connect`, and the name of `publish`.
fn path_of(object: Object, name: &'static str) -> (String, Vec<Quirk>) {
    let mut talk = Server::greeted(ServerConfig::default());
    talk.command(0, "connect", 1.0, &[object.into()]);
    talk.command(0, "createStream", 2.0, &[]);
    talk.command(1, "publish", 3.0, &[Value::Null, name.into(), "live".into()]);
    let (mut path, mut quirks) = (String::new(), Vec::new());
    while let Some(event) = talk.next().unwrap() {
        match event {
            ServerEvent::Tolerated(quirk) => quirks.push(quirk),
            ServerEvent::Publish(request) => {
                path = format!("{}?{}", request.path.path(), request.path.query());
                talk.end.accept_publish(request);
            }
            other => {
                accept(&mut talk.end, other);
            }
        }
    }
    (path, quirks)
}

fn app(app: &'static str, tc_url: &'static str) -> Object {
    Object::new().with("app", app).with("tcUrl", tc_url)
}

#[test]
fn quirk_47_the_application_ends_with_the_name() {
    let (path, quirks) = path_of(app("live/key", "rtmp://h/live/key"), "");
    assert_eq!((path.as_str(), quirks), ("live/key?", vec![Quirk::NameInApp]));
    assert_eq!(path_of(app("key", "rtmp://h/key"), "").0, "key?");
}

#[test]
fn quirk_48_keys_with_queries() {
    assert_eq!(path_of(app("live", "rtmp://h/live"), "key?token=1").0, "live/key?token=1");
    assert_eq!(path_of(app("live/key", "rtmp://h/live/key"), "?token=1").0, "live/key?token=1");
}

#[test]
fn quirk_49_a_quoted_tc_url() {
    let object = Object::new().with("app", "").with("tcUrl", "'rtmp://h/live'");
    let (path, quirks) = path_of(object, "key");
    assert_eq!((path.as_str(), quirks), ("live/key?", vec![Quirk::QuotedTcUrl]));
}

#[test]
fn quirk_50_no_tc_url() {
    let (path, quirks) = path_of(Object::new().with("app", "live"), "key");
    assert_eq!((path.as_str(), quirks), ("live/key?", vec![Quirk::MissingTcUrl]));
}

/// 51: several levels. 52: legacy queries. 53: the scheme of `tcUrl` says nothing.
#[test]
fn quirk_51_52_53_any_tc_url() {
    assert_eq!(path_of(app("a/b/c", "rtmp://h/a/b/c"), "stream").0, "a/b/c/stream?");
    assert_eq!(path_of(app("live?vhost=v", "rtmp://h/live"), "key").0, "live/key?vhost=v");
    assert_eq!(path_of(app("live...vhost...v", "rtmp://h/live"), "key").0, "live/key?vhost=v");
    assert_eq!(path_of(app("live", "rtmps://h/live"), "key").0, "live/key?");
}

#[test]
fn quirk_56_c1_a_refusal_also_closes() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 5.0, &[Value::Null, "key".into(), "live".into()]);
    let ServerEvent::Publish(request) = talk.event() else { panic!("no publish") };
    talk.end.reject(request, &Rejection::in_use("somebody publishes there"));
    talk.quiet();
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Publish.BadName"]);
    // What it sends in the meantime is thrown away, so that the farewell is not destroyed by a reset.
    talk.raw(&[0xFF; 5000]);
    talk.quiet();
    talk.wait(seconds(1));
    assert_eq!(talk.event(), ServerEvent::Closed(CloseReason::Refused));
    assert_eq!(talk.error(), SessionError::Closed);
}

#[test]
fn a_refusal_closes_no_connection_that_another_stream_uses() {
    let mut talk = server();
    talk.command(0, "createStream", 7.0, &[]);
    talk.command(2, "publish", 8.0, &[Value::Null, "other".into(), "live".into()]);
    let ServerEvent::Publish(request) = talk.event() else { panic!("no publish") };
    talk.end.reject(request, &Rejection::denied("not that one"));
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["1: video 0 10"]);
}

#[test]
fn quirk_57_published_again_on_the_same_connection() {
    let mut talk = server();
    for round in 0..3 {
        talk.media(1, MessageType::VIDEO, round, &[7; 10]);
        talk.command(0, "FCUnpublish", 6.0, &[Value::Null, "key".into()]);
        talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
        let said = talk.accept_all();
        let closed = "StreamClosed(MessageStreamId(1))".to_owned();
        assert_eq!(said, [format!("1: video {round} 10"), closed, "publish live/key Live".into()]);
    }
    // While it is live other commands change nothing.
    talk.command(1, "play", 0.0, &[Value::Null, "key".into()]);
    talk.media(1, MessageType::VIDEO, 9, &[7; 10]);
    assert_eq!(talk.accept_all(), ["1: video 9 10"]);
}

#[test]
fn c1_c2_a_publisher_is_replaced() {
    let mut talk = server();
    talk.end.revoke(MessageStreamId(1), &Rejection::in_use("taken over"));
    talk.quiet();
    assert_eq!(talk.commands(), ["1: onStatus 0 NetStream.Publish.BadName"]);
    talk.wait(seconds(1));
    assert_eq!(talk.event(), ServerEvent::Closed(CloseReason::Refused));
}

#[test]
fn quirk_58_c1_a_dead_publisher_is_noticed_by_received_bytes() {
    let mut talk = server();
    talk.media(1, MessageType::VIDEO, 0, &[7; 10]);
    talk.accept_all();
    talk.wait(seconds(14));
    talk.raw(&[6]); // half a header
    talk.quiet_but_one_byte();
    talk.wait(seconds(14));
    assert!(talk.next().unwrap().is_none());
    talk.wait(seconds(2));
    assert_eq!(talk.error(), SessionError::Timeout(Timer::Idle));
    assert_eq!(talk.commands(), ["0: onStatus 0 NetConnection.Connect.IdleTimeout"]);
}

#[test]
fn quirk_61_players_get_no_empty_data() {
    let mut talk = Server::playing(ServerConfig::default());
    talk.end.send(MessageStreamId(1), &message(MessageType::DATA_AMF0, 0, vec![])).unwrap();
    assert_eq!(talk.end.output().remaining(), 0);
}

#[test]
fn quirk_62_the_end_of_a_stream_is_told() {
    let mut talk = Server::playing(ServerConfig::default());
    talk.end.announce_unpublish(MessageStreamId(1));
    let eof = "StreamEof(MessageStreamId(1))";
    assert_eq!(talk.heard(), ["1: onStatus 0 NetStream.Play.UnpublishNotify", eof]);
    talk.end.end_play(MessageStreamId(1));
    assert_eq!(talk.heard(), [eof, "1: onStatus 0 NetStream.Play.Stop"]);
}

#[test]
fn quirk_67_68_69_metadata_in_all_its_forms() {
    let plain = b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09";
    let set = [&b"\x02\0\x0d@setDataFrame"[..], plain].concat();
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.media(0, MessageType::DATA_AMF0, 0, &set);
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
    talk.media(1, MessageType::DATA_AMF0, 5, &set);
    talk.media(1, MessageType::DATA_AMF0, 6, plain);
    talk.media(1, MessageType::DATA_AMF3, 7, &[&[0], &set[..]].concat());
    talk.media(1, MessageType::DATA_AMF0, 8, &[&[0; 18], &set[..]].concat());
    talk.media(0, MessageType::DATA_AMF0, 9, plain);
    assert_eq!(
        talk.accept_all(),
        [
            "publish live/key Live",
            "1: AMF0 data 0 21",
            "Tolerated(MediaOnStreamZero)",
            "Tolerated(EarlyMetadata)",
            "1: AMF0 data 5 21",
            "1: AMF0 data 6 21",
            "1: AMF0 data 7 21",
            "1: AMF0 data 8 21",
            "Tolerated(NumbersBeforeData)",
            "1: AMF0 data 9 21",
        ]
    );
    talk.media(1, MessageType::DATA_AMF0, 9, b"\x02\0\x0f@clearDataFrame\x02\0\x0aonMetaData");
    assert_eq!(talk.event(), ServerEvent::MetadataCleared { stream: MessageStreamId(1) });
}

#[test]
fn quirk_70_amf3_commands() {
    let mut talk = Server::with_stream(ServerConfig::default());
    let mut command = Command::new("publish", 5.0);
    command.values = vec![Value::Null, "key".into(), "live".into()];
    let body = command.encode().unwrap();
    talk.values(1, MessageType::COMMAND_AMF3, [&[0], &body[..]].concat().into());
    assert_eq!(talk.accept_all(), ["publish live/key Live"]);
}

#[test]
fn quirk_74_media_before_the_publish_is_answered() {
    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), "live".into()]);
    talk.media(1, MessageType::VIDEO, 0, &[0x17, 0, 1, 2]);
    let ServerEvent::Publish(request) = talk.event() else { panic!("no publish") };
    assert!(talk.next().unwrap().is_none());
    assert_eq!(talk.input.len(), 16, "it waits in the input");
    talk.end.accept_publish(request);
    assert_eq!(talk.accept_all(), ["1: video 0 4"]);
}

#[test]
fn gstreamer_numbers_nothing_and_deletes_by_name() {
    let mut talk = server();
    talk.command(0, "releaseStream", 0.0, &[Value::Null, "key".into()]);
    talk.command(0, "deleteStream", 0.0, &[Value::Null, "key".into()]);
    assert_eq!(
        talk.accept_all(),
        [
            "Tolerated(ZeroTransaction)",
            "StreamClosed(MessageStreamId(1))",
            "Tolerated(DeleteByName)",
        ]
    );
}

#[test]
fn media_on_stream_0_is_nobodys_with_two_publishers() {
    let mut talk = server();
    talk.media(0, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["1: video 0 10", "Tolerated(MediaOnStreamZero)"]);
    talk.command(0, "createStream", 7.0, &[]);
    talk.quiet();
    talk.publish(2, "other");
    talk.media(0, MessageType::VIDEO, 0, &[7; 10]);
    talk.media(2, MessageType::VIDEO, 0, &[7; 10]);
    assert_eq!(talk.accept_all(), ["2: video 0 10"]);
}

#[test]
fn a_player_that_gets_media_before_the_status() {
    let mut talk = Client::connected(|it| it.play("key", PlayStart::Any, None).unwrap());
    talk.command(0, "_result", 2.0, &[Value::Null, 1.into()]);
    talk.media(1, MessageType::VIDEO, 7, &[7; 10]);
    talk.media(1, MessageType::DATA_AMF0, 8, b"\x02\0\x11|RtmpSampleAccess\x01\x01\x01\x01");
    talk.command(1, "onStatus", 0.0, &[Value::Null, status("NetStream.Play.Start")]);
    assert!(matches!(talk.event(), ClientEvent::Playing(MessageStreamId(1))));
    assert!(matches!(talk.event(), ClientEvent::Tolerated(Quirk::EarlyMedia)));
    assert!(matches!(talk.event(), ClientEvent::Media { message, .. } if message.timestamp == 7));
    assert!(matches!(talk.event(), ClientEvent::Status { .. }));
    talk.quiet();
}

#[test]
fn a_status_on_another_stream() {
    let mut talk = publishing_client();
    talk.command(0, "_result", 4.0, &[Value::Null, 3.into()]);
    talk.command(0, "onStatus", 0.0, &[Value::Null, status("NetStream.Publish.Start")]);
    assert!(matches!(talk.event(), ClientEvent::Publishing(MessageStreamId(3))));
    assert!(matches!(talk.event(), ClientEvent::Tolerated(Quirk::StatusElsewhere)));
}

#[test]
fn a_flash_player_pauses_twice_and_wants_no_video() {
    let mut talk = Server::playing(ServerConfig::default());
    let id = MessageStreamId(1);
    talk.command(1, "pauseRaw", 0.0, &[Value::Null, true.into(), 0.into()]);
    talk.command(1, "pause", 0.0, &[Value::Null, true.into(), 0.into()]);
    assert_eq!(talk.event(), ServerEvent::Flow { stream: id, flow: Flow::Pause });
    talk.quiet();
    assert_eq!(talk.heard(), ["1: onStatus 0 NetStream.Pause.Notify"]);
    talk.end.send(id, &video(0, 10)).unwrap();
    assert_eq!(talk.heard(), [""; 0]);
    talk.command(1, "pause", 0.0, &[Value::Null, false.into(), 0.into()]);
    talk.command(1, "receiveVideo", 0.0, &[Value::Null, false.into()]);
    assert_eq!(talk.event(), ServerEvent::Flow { stream: id, flow: Flow::Resume });
    assert_eq!(talk.event(), ServerEvent::Flow { stream: id, flow: Flow::Video(false) });
    talk.listen();
    talk.end.send(id, &video(0, 10)).unwrap();
    talk.end.send(id, &audio(0, 10)).unwrap();
    assert_eq!(talk.heard(), ["1: audio 0 10"]);
    talk.command(1, "receiveVideo", 0.0, &[Value::Null, true.into()]);
    assert_eq!(talk.event(), ServerEvent::Flow { stream: id, flow: Flow::Video(true) });
    let said = talk.heard();
    assert_eq!(said, ["1: onStatus 0 NetStream.Seek.Notify", "1: onStatus 0 NetStream.Play.Start"]);
}

#[test]
fn seeking_is_for_recordings() {
    let mut live = Server::playing(ServerConfig::default());
    live.command(1, "seek", 0.0, &[Value::Null, 5000.into()]);
    live.quiet();
    assert_eq!(live.heard(), ["1: onStatus 0 NetStream.Seek.Failed"]);

    let mut talk = Server::with_stream(ServerConfig::default());
    talk.command(1, "play", 0.0, &[Value::Null, "key".into(), 0.into(), 60_000.into()]);
    let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
    assert_eq!(request.duration_ms, Some(60_000));
    let id = talk.end.accept_recording(request);
    talk.accept_all();
    let said = talk.heard();
    assert_eq!(
        said[..2],
        ["StreamIsRecorded(MessageStreamId(1))", "StreamBegin(MessageStreamId(1))"]
    );
    talk.command(1, "seek", 0.0, &[Value::Null, 12_500.into()]);
    assert_eq!(talk.event(), ServerEvent::Flow { stream: id, flow: Flow::Seek { to_ms: 12_500 } });
    let said = talk.heard();
    assert_eq!(
        said[3..],
        ["1: onStatus 0 NetStream.Seek.Notify", "1: onStatus 0 NetStream.Play.Start"]
    );
    talk.command(1, "seek", 0.0, &[Value::Null, Value::Number(f64::NAN)]);
    talk.quiet();
    assert_eq!(talk.heard(), ["1: onStatus 0 NetStream.Seek.InvalidTime"]);
    talk.end.end_play(id);
    assert_eq!(
        talk.heard(),
        [
            "1: data onPlayStatus NetStream.Play.Complete",
            "StreamEof(MessageStreamId(1))",
            "1: onStatus 0 NetStream.Play.Stop",
        ]
    );
}

#[test]
fn play2_switches_without_a_break() {
    let mut talk = Server::playing(ServerConfig::default());
    let options = Object::new().with("streamName", "high").with("transition", "switch");
    for accepts in [false, true] {
        talk.command(1, "play2", 0.0, &[Value::Null, options.clone().into()]);
        let ServerEvent::Play(request) = talk.event() else { panic!("no play") };
        assert_eq!((request.switch, request.path.path()), (true, "live/high"));
        if accepts {
            talk.end.accept_play(request);
        } else {
            talk.end.reject(request, &Rejection::not_found("no such quality"));
        }
        talk.quiet();
        // Either way something goes on playing.
        talk.end.send(MessageStreamId(1), &audio(0, 10)).unwrap();
        let expected: &[&str] = if accepts {
            &[
                "1: onStatus 0 NetStream.Play.Transition",
                "1: data onPlayStatus NetStream.Play.TransitionComplete",
                "1: audio 0 10",
            ]
        } else {
            &["1: onStatus 0 NetStream.Play.StreamNotFound", "1: audio 0 10"]
        };
        assert_eq!(talk.heard(), expected);
    }
}

#[test]
fn publishing_for_a_recording() {
    let mut talk = Server::with_stream(ServerConfig::default());
    for (kind, expected) in [("record", PublishKind::Record), ("append", PublishKind::Append)] {
        talk.command(1, "publish", 0.0, &[Value::Null, "key".into(), kind.into()]);
        let ServerEvent::Publish(request) = talk.event() else { panic!("no publish") };
        assert_eq!(request.kind, expected);
        talk.end.accept_publish(request);
        talk.command(1, "closeStream", 0.0, &[Value::Null]);
        assert_eq!(talk.event(), ServerEvent::StreamClosed(MessageStreamId(1)));
        assert_eq!(
            talk.commands(),
            [
                "1: onStatus 0 NetStream.Publish.Start",
                "1: onStatus 0 NetStream.Record.Start",
                "1: onStatus 0 NetStream.Record.Stop",
                "1: onStatus 0 NetStream.Unpublish.Success",
            ]
        );
    }
    talk.publish(1, "key");
    talk.command(1, "publish", 0.0, &[Value::Null, false.into()]);
    assert_eq!(talk.event(), ServerEvent::StreamClosed(MessageStreamId(1)));
}

#[test]
fn bytes_behind_a_command_are_left_out() {
    let mut talk = Server::with_stream(ServerConfig::default());
    let mut command = Command::new("publish", 5.0);
    command.values = vec![Value::Null, "key".into(), "live".into()];
    let body = [&command.encode().unwrap()[..], &[0xFF, 1, 2]].concat();
    talk.values(1, MessageType::COMMAND_AMF0, body.into());
    assert_eq!(talk.accept_all(), ["publish live/key Live", "Tolerated(BytesAfterCommand)"]);
}

#[test]
fn the_other_commands_are_answered() {
    let mut talk = Server::connected(ServerConfig::default());
    talk.command(0, "FCSubscribe", 3.0, &[Value::Null, "key".into()]);
    talk.command(0, "FCUnsubscribe", 4.0, &[Value::Null, "key".into()]);
    talk.command(0, "getStreamLength", 5.0, &[Value::Null, "key".into()]);
    talk.command(0, "set_playlist", 6.0, &[Value::Null]);
    talk.command(0, "set_playlist", 0.0, &[Value::Null]);
    talk.control(&Control::User(UserControl::SwfVerifyRequest));
    talk.quiet();
    assert_eq!(
        talk.commands(),
        [
            "0: onFCSubscribe 0 NetStream.Play.Start",
            "0: _result 3",
            "0: onFCUnsubscribe 0 NetStream.Play.Stop",
            "0: _result 4",
            "0: _result 5 0",
            "0: _error 6 NetConnection.Call.Failed",
        ]
    );
    talk.command(0, "close", 0.0, &[Value::Null]);
    assert_eq!(talk.event(), ServerEvent::Closed(CloseReason::Peer));
}

#[test]
fn what_connect_brings_and_what_it_is_answered() {
    let mut talk = Server::greeted(ServerConfig::default());
    let object = Object::new()
        .with("app", "live?x=1")
        .with("tcUrl", "rtmp://host.example/live?x=1")
        .with("flashVer", "LNX 1,0")
        .with("objectEncoding", 3)
        .with("capsEx", 3)
        .with("fourCcList", vec![Value::from("hvc1")]);
    talk.command(0, "connect", 1.0, &[object.into(), "user".into(), true.into()]);
    let ServerEvent::Connect(request) = talk.event() else { panic!("no connect") };
    assert_eq!((request.app.as_str(), request.query.as_str()), ("live", "x=1"));
    assert_eq!(request.flash_version, "LNX 1,0");
    assert_eq!(request.arguments, ["user".into(), true.into()]);
    assert!(request.capabilities.extensions.has(Extensions::RECONNECT));
    assert_eq!(request.capabilities.video.flags(FourCc(*b"hvc1")), CodecFlags::ALL);
    assert_eq!(request.capabilities.video.flags(FourCc(*b"av01")), CodecFlags::NONE);
    talk.end.accept_connect(request);
    talk.quiet();
    let result = talk.listen().pop().unwrap();
    let values = levada_amf::amf0::decode_all(result.payload, Default::default()).unwrap();
    let (properties, info) = (values[2].as_object().unwrap(), values[3].as_object().unwrap());
    assert_eq!(properties.str("fmsVer"), Some("FMS/3,5,7,7009"));
    assert_eq!(properties.number("capsEx"), Some(15.0));
    assert_eq!(properties.object("videoFourCcInfoMap").unwrap().number("*"), Some(4.0));
    assert_eq!((info.str("level"), info.number("objectEncoding")), (Some("status"), Some(3.0)));
}

#[test]
fn a_client_reads_what_a_server_declares_in_either_object() {
    for first in [true, false] {
        let declared = Object::new().with("capsEx", 3).with("fmsVer", "X");
        let success: Value = status("NetConnection.Connect.Success");
        let mut talk = Client::greeted(client_config(), |_| {});
        let mut info = success.as_object().unwrap().clone();
        if !first {
            info.push("capsEx", 3);
        }
        let properties = if first { declared.into() } else { Value::Null };
        talk.command(0, "_result", 1.0, &[properties, info.into()]);
        let ClientEvent::Connected { capabilities, .. } = talk.event() else { panic!() };
        assert_eq!(capabilities.extensions, Extensions(3));
        assert_eq!(talk.end.server(), &capabilities);
    }
}

#[test]
fn a_clients_connect_says_who_it_is() {
    let mut config =
        ClientConfig::new(RtmpUrl::parse("rtmps://a:b:c@host.example/app/key").unwrap());
    config.capabilities.video = Codecs::default().with(FourCc(*b"hvc1"), CodecFlags::ENCODE);
    let mut talk = Client::greeted(config, |it| it.publish("key", PublishKind::Live).unwrap());
    let connect = talk.listen().remove(0);
    let values = levada_amf::amf0::decode_all(connect.payload, Default::default()).unwrap();
    let object = values[2].as_object().unwrap();
    assert_eq!(object.str("app"), Some("app"));
    assert_eq!(object.str("tcUrl"), Some("rtmps://host.example:443/app"));
    assert_eq!(object.str("flashVer"), Some("FMLE/3.0 (compatible; Levada)"));
    assert_eq!(object.object("videoFourCcInfoMap").unwrap().number("hvc1"), Some(2.0));
    assert_eq!(object.get("fourCcList").unwrap().as_array().unwrap(), ["hvc1".into(), "*".into()]);
    assert_eq!(values[3..], ["a".into(), "b".into(), "c".into()]);
}

#[test]
fn a_client_pauses_seeks_and_hears_the_end() {
    let mut talk = Client::connected(|it| it.play("key", PlayStart::Any, Some(9)).unwrap());
    let id = MessageStreamId(1);
    talk.command(0, "_result", 2.0, &[Value::Null, 1.into()]);
    talk.command(1, "onStatus", 0.0, &[Value::Null, status("NetStream.Play.Start")]);
    assert!(matches!(talk.event(), ClientEvent::Playing(it) if it == id));
    assert_eq!(talk.end.name(id), Some("key"));
    talk.listen();
    talk.end.seek(id, 500).unwrap();
    talk.end.pause(id, true, 70).unwrap();
    assert_eq!(talk.end.pause(id, true, 70), Err(SendError::NoSuchStream));
    talk.end.pause(id, false, 70).unwrap();
    assert_eq!(talk.heard(), ["1: seek 0 500", "1: pause 0 true 70", "1: pause 0 false 70"]);
    talk.values(1, MessageType::DATA_AMF0, {
        let mut body = bytes::BytesMut::new();
        let info = Object::new().with("level", "status").with("code", "NetStream.Play.Complete");
        levada_amf::amf0::encode_all(&["onPlayStatus".into(), info.into()], &mut body).unwrap();
        body.freeze()
    });
    talk.control(&Control::User(UserControl::StreamEof(id)));
    let ClientEvent::Status { info, .. } = talk.event() else { panic!() };
    assert_eq!(info.status(), Some(Status::PlayComplete));
    assert!(matches!(talk.event(), ClientEvent::EndOfStream(it) if it == id));
    talk.end.stop(id);
    assert_eq!(talk.heard(), ["0: deleteStream 4 1"]);
    assert_eq!(talk.end.seek(id, 0), Err(SendError::NoSuchStream));
    talk.end.output().advance(0);
}
