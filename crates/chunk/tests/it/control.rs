use bytes::Bytes;
use levada_chunk::{
    BandwidthLimit, ChunkError, ChunkFault, ChunkSize, Control, Message, MessageStreamId,
    MessageType, UserControl,
};
use levada_test::{Vector, hex, vectors};

use super::{fault, message, messages, read};

fn parse(kind: MessageType, payload: &[u8]) -> Result<Control, ChunkFault> {
    match Control::parse(&message(2, kind, 0, payload)) {
        Ok(control) => Ok(control.unwrap()),
        Err(ChunkError::Malformed { fault, .. }) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

fn number(vector: &Vector, member: &str) -> u32 {
    vector["expect"][member].as_u64().unwrap().try_into().unwrap()
}

fn user_control(vector: &Vector) -> UserControl {
    let stream = || MessageStreamId(number(vector, "stream_id"));
    let time = || number(vector, "timestamp");
    match vector["expect"]["name"].as_str().unwrap() {
        "StreamBegin" => UserControl::StreamBegin(stream()),
        "StreamEOF" => UserControl::StreamEof(stream()),
        "StreamDry" => UserControl::StreamDry(stream()),
        "SetBufferLength" => {
            UserControl::SetBufferLength { stream: stream(), millis: number(vector, "buffer_ms") }
        }
        "StreamIsRecorded" => UserControl::StreamIsRecorded(stream()),
        "PingRequest" => UserControl::PingRequest { time: time() },
        "PingResponse" => UserControl::PingResponse { time: time() },
        "SwfVerifyRequest" => UserControl::SwfVerifyRequest,
        "BufferEmpty" => UserControl::BufferEmpty(stream()),
        "BufferReady" => UserControl::BufferReady(stream()),
        "unknown" => UserControl::Other(number(vector, "event").try_into().unwrap()),
        other => panic!("{other}"),
    }
}

fn expected(vector: &Vector) -> Option<(MessageType, Control)> {
    let control = match vector["kind"].as_str().unwrap() {
        "set_chunk_size" => {
            Control::SetChunkSize(ChunkSize::new(number(vector, "chunk_size")).unwrap())
        }
        "abort" => Control::Abort { chunk_stream: number(vector, "value") },
        "acknowledgement" => Control::Acknowledgement { received: number(vector, "value") },
        "window_ack_size" => Control::WindowAckSize(number(vector, "value")),
        "set_peer_bandwidth" => Control::SetPeerBandwidth {
            window: number(vector, "window"),
            limit: match vector["expect"]["limit"].as_str().unwrap() {
                "hard" => BandwidthLimit::Hard,
                "soft" => BandwidthLimit::Soft,
                "dynamic" => BandwidthLimit::Dynamic,
                other => panic!("{other}"),
            },
        },
        "user_control" => Control::User(user_control(vector)),
        _ => return None,
    };
    Some((control.kind(), control))
}

fn kind(vector: &Vector) -> Option<MessageType> {
    Some(match vector["kind"].as_str().unwrap() {
        "set_chunk_size" => MessageType::SET_CHUNK_SIZE,
        "user_control" => MessageType::USER_CONTROL,
        _ => return None,
    })
}

#[test]
fn every_control_vector_both_ways() {
    let mut seen = 0;
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "control.json") {
        let name = vector["name"].as_str().unwrap();
        let payload = hex(vector["hex"].as_str().unwrap());
        if vector.contains_key("expect_error") {
            let Some(kind) = kind(&vector) else { continue };
            assert!(parse(kind, &payload).is_err(), "{name}");
        } else if let Some((kind, control)) = expected(&vector) {
            assert_eq!(parse(kind, &payload), Ok(control), "{name}");
            let message = control.message();
            // What nobody knows is ignored, so it is not kept.
            let kept = if name == "unknown_event_ignored" { &payload[..2] } else { &payload[..] };
            assert_eq!(message.payload, kept, "{name}");
            assert_eq!(Control::parse(&message), Ok(Some(control)), "{name}");
        } else {
            continue;
        }
        seen += 1;
    }
    assert_eq!(seen, 27);
}

#[test]
fn other_types_are_no_control() {
    for kind in (0..=255).map(MessageType).filter(|it| !it.is_control()) {
        let message = Message::new(kind, MessageStreamId(0), 0, Bytes::new());
        assert_eq!(Control::parse(&message), Ok(None));
    }
}

#[test]
fn hostile_ctl_01_short_is_an_error_and_long_is_cut() {
    let lengths = [(1, 4), (2, 4), (3, 4), (5, 4), (6, 5)];
    for (kind, length) in lengths.map(|(kind, length)| (MessageType(kind), length)) {
        for short in 0..length {
            let fault = ChunkFault::ShortControl { kind, length: short };
            assert_eq!(parse(kind, &vec![1; short]), Err(fault));
        }
        let exact = parse(kind, &vec![1; length]);
        assert!(exact.is_ok());
        for long in [length + 1, 100] {
            assert_eq!(parse(kind, &vec![1; long]), exact);
        }
    }
    // User control: an event of 2 bytes and what it needs.
    let needs =
        [(0, 6), (1, 6), (2, 6), (3, 10), (4, 6), (6, 6), (7, 6), (26, 2), (31, 6), (32, 6)];
    for (event, length) in needs {
        let payload =
            |length: usize| [0, event].into_iter().chain([9; 20]).take(length).collect::<Vec<u8>>();
        for short in 0..length {
            let fault = ChunkFault::ShortControl { kind: MessageType::USER_CONTROL, length: short };
            assert_eq!(parse(MessageType::USER_CONTROL, &payload(short)), Err(fault), "{event}");
        }
        let exact = parse(MessageType::USER_CONTROL, &payload(length));
        assert!(exact.is_ok());
        assert_eq!(parse(MessageType::USER_CONTROL, &payload(length + 3)), exact);
    }
    // The reader itself meets types 1 and 2.
    for kind in ["01", "02"] {
        let wire = [hex("02 000000 000003"), hex(kind), hex("00000000 000001")].concat();
        let kind = MessageType(hex(kind)[0]);
        assert_eq!(fault(&read(&wire)), Some(ChunkFault::ShortControl { kind, length: 3 }));
    }
}

#[test]
fn hostile_ctl_02_abort_of_what_is_not_there() {
    for target in ["00000009", "00000000", "00010040", "ffffffff"] {
        let wire = [hex("02 000000 000004 02 00000000"), hex(target)].concat();
        assert_eq!(messages(&wire).len(), 1);
    }
}

#[test]
fn hostile_ctl_03_abort_frees_the_bytes_and_the_next_message_is_right() {
    let parts = [
        hex("06 000064 000104 09 01000000"),
        vec![0xA1; 128],
        hex("02 000000 000004 02 00000000 00000006"),
        hex("46 00000a 000081 09"),
        vec![0xB1; 128],
        hex("c6 b2"),
    ];
    let messages = messages(&parts.concat());
    assert_eq!((messages[1].timestamp, messages[1].payload.len()), (110, 129));
    assert_eq!(messages[1].payload[127..], [0xB1, 0xB2]);
}

#[test]
fn hostile_ctl_07_odd_bandwidths() {
    let parse = |payload: &str| parse(MessageType::SET_PEER_BANDWIDTH, &hex(payload));
    let of = |window, limit| Ok(Control::SetPeerBandwidth { window, limit });
    assert_eq!(parse("00000000 00"), of(0, BandwidthLimit::Hard));
    assert_eq!(parse("ffffffff 02"), of(u32::MAX, BandwidthLimit::Dynamic));
    for limit in 3..=255 {
        let control = Control::SetPeerBandwidth { window: 7, limit: BandwidthLimit::Other(limit) };
        assert_eq!(Control::parse(&control.message()), Ok(Some(control)));
    }
}

#[test]
fn hostile_ctl_09_every_event_number_is_survived() {
    for event in 0..=0xFFFF_u16 {
        let payload = [&event.to_be_bytes()[..], &[0; 8]].concat();
        let control = parse(MessageType::USER_CONTROL, &payload).unwrap();
        assert_eq!(Control::parse(&control.message()), Ok(Some(control)));
    }
}

#[test]
fn hostile_ctl_10_control_messages_anywhere() {
    let wire = hex("05 000000 000004 01 07000000 00000001  07 000000 000002 09 01000000 aa c7 bb");
    assert_eq!(messages(&wire)[1].payload[..], [0xAA, 0xBB]);
}
