//! Conversations that real encoders, players and servers had, replayed against ours byte by byte.

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{ChunkStreamId, ChunkWriter, Message, MessageStreamId, MessageType};
use levada_session::*;
use levada_test::{Clock, Vector, hex, same_at_every_cut, vectors};
use serde_json::Value as Json;

use crate::common::*;

fn dialogues(what: &str) -> Vec<Vector> {
    let mut all = vectors(env!("CARGO_MANIFEST_DIR"), "dialogues.json");
    all.retain(|it| it["messages"][0]["from"] == what);
    all
}

fn number(message: &Json, key: &str) -> Option<u32> {
    message[key].as_u64().map(|it| u32::try_from(it).unwrap())
}

/// A recorded message. Long payloads were cut in the record: zeros stand for what is missing.
fn recorded(entry: &Json) -> Message {
    let mut payload = hex(entry["payload"].as_str().unwrap());
    payload.resize(number(entry, "length").map_or(payload.len(), |it| it as usize), 0);
    Message {
        chunk_stream: ChunkStreamId::new(number(entry, "csid").unwrap()).unwrap(),
        kind: MessageType(u8::try_from(number(entry, "type").unwrap()).unwrap()),
        stream: MessageStreamId(number(entry, "msid").unwrap()),
        timestamp: number(entry, "timestamp").unwrap(),
        payload: Bytes::from(payload),
    }
}

/// All that one side said, after a plain handshake.
fn wire(dialogue: &Vector, side: &str) -> Vec<u8> {
    let mut out = Outbox::new();
    out.put(&hello());
    out.put(&[0x55; 1536]);
    let mut writer = ChunkWriter::new();
    for entry in dialogue["messages"].as_array().unwrap().iter().filter(|it| it["from"] == side) {
        writer.write(&recorded(entry), &mut out).unwrap();
    }
    out.copy_to_bytes(out.remaining()).to_vec()
}

/// What a server says about a replayed client: events, answers, error, and what was left of the input.
fn serve(pieces: &[&[u8]]) -> (Vec<String>, Vec<String>, Option<SessionError>, usize) {
    let mut talk = Server::fresh(ServerConfig::default());
    let mut events = Vec::new();
    for piece in pieces {
        talk.raw(piece);
        events.extend(talk.accept_all());
    }
    talk.end.output().advance(3073);
    let answers = talk.heard();
    (events, answers, talk.next().err(), talk.input.len())
}

/// The events that the messages of a record stand for, told from their AMF values alone.
fn expected_events(dialogue: &Vector) -> Vec<String> {
    let mut events = Vec::new();
    let mut closed = false;
    let entries = dialogue["messages"].as_array().unwrap();
    for entry in entries.iter().filter(|it| it["from"] == "client") {
        let text = |index: usize| entry["amf"][index][1].as_str().unwrap_or_default();
        let name = text(3).split('?').next().unwrap();
        let app = if dialogue["name"] == "rtmpdump_vod" { "vod" } else { "live" };
        let message = recorded(entry);
        match (message.kind.0, text(0)) {
            (20, "connect") => events.push(format!("connect {app}")),
            (20, "publish") => events.push(format!("publish {app}/{name} Live")),
            (20, "play") => {
                let start = match entry["amf"][4][1].as_f64().unwrap() {
                    -1000.0 => "Live".to_owned(),
                    0.0 => "Recording { from_ms: 0 }".to_owned(),
                    _ => "Any".to_owned(),
                };
                events.push(format!("play {app}/{name} {start}"));
            }
            (20, "FCUnpublish" | "deleteStream") if !closed => {
                closed = true;
                events.push("StreamClosed(MessageStreamId(1))".to_owned());
            }
            (8 | 9, _) => events.push(media(message.stream, &message)),
            // "@setDataFrame" takes 16 bytes.
            (18, _) => events.push(format!("1: AMF0 data 0 {}", message.payload.len() - 16)),
            _ => {}
        }
    }
    events
}

#[test]
fn clients_get_what_they_ask_for_however_their_bytes_are_cut() {
    let dialogues = dialogues("client");
    assert_eq!(dialogues.len(), 8);
    for dialogue in dialogues {
        let wire = wire(&dialogue, "client");
        let (mut events, _, error, left) = serve(&[&wire]);
        events.retain(|it| !it.starts_with("Tolerated"));
        assert_eq!(events, expected_events(&dialogue), "{}", dialogue["name"]);
        assert_eq!((error, left), (None, 0));
        same_at_every_cut(&wire, serve);
    }
}

/// Every question of the record that the recording server answered is answered by ours, with the same transaction,
/// and every status that it gave is given.
#[test]
fn clients_get_the_answers_that_they_got_before() {
    for dialogue in dialogues("client") {
        let (_, answers, ..) = serve(&[&wire(&dialogue, "client")]);
        let mut wanted = 0;
        for entry in dialogue["messages"].as_array().unwrap() {
            let (Some(amf), true) = (entry["amf"].as_array(), entry["from"] == "test server")
            else {
                continue;
            };
            let name = amf[0][1].as_str().unwrap();
            let answer = match name {
                "_result" if amf[1][1].as_f64() == Some(0.0) => continue,
                "_result" if amf[3][0] == "number" && amf[3][1].as_f64() == Some(10.0) => {
                    format!("0: _result {} 0", amf[1][1].as_f64().unwrap()) // the length of a live stream
                }
                "_result" if amf[3][0] == "number" => {
                    format!(
                        "0: _result {} {}",
                        amf[1][1].as_f64().unwrap(),
                        amf[3][1].as_f64().unwrap()
                    )
                }
                "_result" => format!("0: _result {}", amf[1][1].as_f64().unwrap()),
                "onStatus" => {
                    let info = amf[3][1].as_array().unwrap();
                    let code =
                        info.iter().find(|it| it[0] == "code").unwrap()[1][1].as_str().unwrap();
                    if code == "NetStream.Play.Stop" {
                        continue; // the application's to say
                    }
                    format!("{}: onStatus 0 {code}", number(entry, "msid").unwrap())
                }
                "onFCPublish" => "0: onFCPublish 0 NetStream.Publish.Start".to_owned(),
                "onFCSubscribe" => "0: onFCSubscribe 0 NetStream.Play.Start".to_owned(),
                "|RtmpSampleAccess" => "1: data |RtmpSampleAccess true true".to_owned(),
                _ => continue,
            };
            assert!(
                answers.contains(&answer),
                "{}: {answer} not in {answers:#?}",
                dialogue["name"]
            );
            wanted += 1;
        }
        assert!(wanted >= 3, "{}", dialogue["name"]);
    }
}

/// The conversation with the encoder that most people use, whole.
#[test]
fn what_a_publishing_ffmpeg_hears() {
    let dialogue = &dialogues("client")[0];
    let (_, answers, ..) = serve(&[&wire(dialogue, "client")]);
    assert_eq!(
        answers,
        [
            "WindowAckSize(2500000)",
            "SetPeerBandwidth { window: 2500000, limit: Dynamic }",
            "StreamBegin(MessageStreamId(0))",
            "SetChunkSize(ChunkSize(65536))",
            "0: _result 1 NetConnection.Connect.Success",
            "0: _result 2",
            "0: onFCPublish 0 NetStream.Publish.Start",
            "0: _result 3",
            "0: _result 4 1",
            "0: _result 5",
            "StreamBegin(MessageStreamId(1))",
            "1: onStatus 0 NetStream.Publish.Start",
            "0: onFCUnpublish 0 NetStream.Unpublish.Success",
            "0: _result 7",
            "1: onStatus 0 NetStream.Unpublish.Success",
        ]
    );
}

/// What a client makes of a replayed server.
fn attend(name: &str, pieces: &[&[u8]]) -> (Vec<String>, Vec<String>, Option<SessionError>, usize) {
    let clock = Clock::new();
    let mut config = client_config();
    config.capabilities = Capabilities::legacy();
    let mut client = ClientSession::new(config, entropy(1), clock.now());
    if name.ends_with("play") {
        client.play("stream", PlayStart::Live, None).unwrap();
    } else {
        client.publish("stream", PublishKind::Live).unwrap();
    }
    let mut talk = Client::over(client, clock);
    let mut events = Vec::new();
    for piece in pieces {
        talk.raw(piece);
        while let Ok(Some(event)) = talk.next() {
            events.push(match event {
                ClientEvent::Media { stream, message } => media(stream, &message),
                ClientEvent::Connected { version, .. } => format!("connected to {version}"),
                ClientEvent::Status { stream, info } => format!("{}: {}", stream.0, info.code),
                other => format!("{other:?}"),
            });
        }
    }
    talk.end.output().advance(3073);
    let said = talk.commands();
    (events, said, talk.next().err(), talk.input.len())
}

#[test]
fn servers_are_understood_however_their_bytes_are_cut() {
    let dialogues = dialogues("test client");
    assert_eq!(dialogues.len(), 3);
    for dialogue in dialogues {
        let name = dialogue["name"].as_str().unwrap();
        let mut wire = wire(&dialogue, "server");
        if name.ends_with("play") {
            // The recording client had asked for its stream with transaction 4, ours asks with 2.
            let four = hex("5f726573756c74 004010000000000000");
            let at = wire.windows(four.len()).position(|it| it == four).unwrap();
            wire[at + 8..at + 16].copy_from_slice(&2_f64.to_be_bytes());
        }
        let (mut events, said, error, left) = attend(name, &[&wire]);
        events.retain(|it| !it.starts_with("Tolerated"));
        let (expected, questions): (&[&str], &[&str]) = match name {
            "server_ffmpeg_9_listen" => (
                &["connected to FMS/3,0,1,123", "Publishing(MessageStreamId(1))"],
                &["0: _checkbw 5"],
            ),
            "server_nginx_rtmp_publish" => (
                &[
                    "connected to FMS/3,0,1,123",
                    "Publishing(MessageStreamId(1))",
                    "1: NetStream.Unpublish.Success",
                ],
                &["1: publish 5 stream live"],
            ),
            _ => (
                &[
                    "connected to FMS/3,0,1,123",
                    "1: NetStream.Play.PublishNotify",
                    "Playing(MessageStreamId(1))",
                    "1: AMF0 data 0 387",
                    "1: audio 2090 7",
                    "1: audio 2113 191",
                    "1: audio 2136 227",
                ],
                &["1: play 3 stream -1000"],
            ),
        };
        assert_eq!(events, expected, "{name}");
        assert!(questions.iter().all(|it| said.contains(&(*it).to_owned())), "{name}: {said:?}");
        assert_eq!((error, left), (None, 0), "{name}");
        same_at_every_cut(&wire, |pieces| attend(name, pieces));
    }
}

/// What our client says to a server, whole.
#[test]
fn what_a_publishing_client_says() {
    let mut talk = Client::greeted(client_config(), |it| {
        it.publish("stream", PublishKind::Live).unwrap();
    });
    assert_eq!(talk.heard(), ["0: connect 1"]);
    talk.command(
        0,
        "_result",
        1.0,
        &[levada_amf::Value::Null, status("NetConnection.Connect.Success")],
    );
    assert!(matches!(talk.event(), ClientEvent::Connected { .. }));
    assert_eq!(
        talk.heard(),
        [
            "WindowAckSize(2500000)",
            "SetChunkSize(ChunkSize(65536))",
            "0: releaseStream 2 stream",
            "0: FCPublish 3 stream",
            "0: createStream 4",
        ]
    );
    talk.command(0, "_result", 4.0, &[levada_amf::Value::Null, 1.into()]);
    talk.quiet();
    assert_eq!(talk.heard(), ["1: publish 5 stream live"]);
    talk.command(1, "onStatus", 0.0, &[levada_amf::Value::Null, status("NetStream.Publish.Start")]);
    assert!(matches!(talk.event(), ClientEvent::Publishing(MessageStreamId(1))));
    talk.end.close(talk.clock.now());
    assert_eq!(talk.heard(), ["0: FCUnpublish 6 stream", "0: deleteStream 7 1"]);
    talk.wait(seconds(1));
    assert!(matches!(talk.event(), ClientEvent::Closed(CloseReason::Local)));
    assert_eq!(talk.error(), SessionError::Closed);
}

/// A driver that reads in blocks of one fixed size never needs a larger one.
#[test]
fn a_small_input_block_is_enough() {
    let wire = wire(&dialogues("client")[0], "client");
    let mut talk = Server::fresh(ServerConfig::default());
    let mut block = BytesMut::new();
    for byte in wire {
        block.extend_from_slice(&[byte]);
        while let Ok(Some(event)) = talk.end.next_event(&mut block, talk.clock.now()) {
            accept(&mut talk.end, event);
        }
        assert!(block.len() < 2048, "{}", block.len());
    }
}

/// Wherever three conversations break off: what was opened is closed or ended by a timer, and nothing is left running.
#[test]
fn cmd_22_a_disconnect_after_every_byte_of_three_dialogues() {
    let dialogues = dialogues("client");
    for name in ["ffmpeg_9_publish", "gstreamer_publish", "rtmpdump_live"] {
        let dialogue = dialogues.iter().find(|it| it["name"] == name).unwrap();
        let wire = wire(dialogue, "client");
        let mut last = 0;
        for end in 0..=wire.len() {
            let mut talk = Server::fresh(ServerConfig::default());
            talk.raw(&wire[..end]);
            let events = talk.accept_all();
            assert!(events.len() >= last, "{name} {end}: more bytes, fewer events");
            last = events.len();
            let count = |what: &str| events.iter().filter(|it| it.starts_with(what)).count();
            let opened = count("publish") + count("play");
            assert!(opened <= 1 && count("StreamClosed") <= opened, "{name} {end}");
            // The driver drops it here. One that forgot to would see it end all the same.
            talk.wait(seconds(200));
            assert!(matches!(talk.error(), SessionError::Timeout(_)), "{name} {end}");
            assert_eq!(talk.end.deadline(), None);
        }
    }
}
