//! Commands and data messages of real software, byte by byte.

use bytes::Bytes;
use levada_amf::{AmfLimits, Object, Value};
use levada_chunk::MessageType;
use levada_session::*;
use levada_test::{Vector, hex, vectors};
use serde_json::Value as Json;

use crate::common::*;

fn value(json: &Json) -> Value {
    let properties = |json: &Json| -> Object {
        let pairs = json.as_array().unwrap().iter();
        pairs.map(|it| (it[0].as_str().unwrap().to_owned(), value(&it[1]))).collect()
    };
    match json[0].as_str().unwrap() {
        "number" => Value::Number(json[1].as_f64().unwrap()),
        "boolean" => Value::Boolean(json[1].as_bool().unwrap()),
        "string" => json[1].as_str().unwrap().to_owned().into(),
        "object" => properties(&json[1]).into(),
        "ecma_array" => Value::EcmaArray {
            count: u32::try_from(json[1].as_u64().unwrap()).unwrap(),
            properties: properties(&json[2]),
        },
        "strict_array" => json[1].as_array().unwrap().iter().map(value).collect::<Vec<_>>().into(),
        "null" => Value::Null,
        "undefined" => Value::Undefined,
        // The one AMF3 value in these vectors, as it reads in AMF0.
        "avmplus" => Object::new().with("a", 1).into(),
        other => panic!("{other}"),
    }
}

fn of_types(types: &[u64]) -> Vec<Vector> {
    let mut all = vectors(env!("CARGO_MANIFEST_DIR"), "commands.json");
    all.retain(|it| types.contains(&it["message_type"].as_u64().unwrap()));
    all
}

#[test]
fn commands_read_as_they_were_meant_and_are_written_as_they_were() {
    let vectors = of_types(&[17, 20]);
    assert_eq!(vectors.len(), 58);
    for vector in vectors {
        let name = &vector["name"];
        let kind = MessageType(u8::try_from(vector["message_type"].as_u64().unwrap()).unwrap());
        let payload = Bytes::from(hex(vector["hex"].as_str().unwrap()));
        let parsed = Command::parse(kind, payload.clone(), AmfLimits::default());
        let Some(expected) = vector.get("expect") else {
            assert!(parsed.is_err() || parsed.is_ok_and(|it| it.name.is_empty()), "{name}");
            continue;
        };
        let command = parsed.unwrap();
        let expected: Vec<Value> = expected.as_array().unwrap().iter().map(value).collect();
        assert_eq!(Some(&command.name), expected[0].as_string(), "{name}");
        let transaction = expected.get(1).and_then(Value::as_number).unwrap_or_default();
        assert_eq!(command.transaction, transaction, "{name}");
        assert_eq!(command.values, expected.get(2..).unwrap_or_default(), "{name}");
        assert_eq!(command.cut, None, "{name}");
        if kind == MessageType::COMMAND_AMF0 && expected.len() > 1 {
            assert_eq!(command.encode().unwrap(), payload, "{name}");
        }
    }
}

#[test]
fn data_messages_come_out_as_players_get_them() {
    let vectors = of_types(&[18]);
    assert_eq!(vectors.len(), 10);
    for vector in vectors {
        let payload = hex(vector["hex"].as_str().unwrap());
        let mut talk = Server::publishing(ServerConfig::default());
        talk.media(1, MessageType::DATA_AMF0, 0, &payload);
        let event = talk.event();
        let first = vector["expect"][0][1].as_str().unwrap();
        match (first, event) {
            ("@clearDataFrame", event) => {
                assert!(matches!(event, ServerEvent::MetadataCleared { .. }));
            }
            (_, ServerEvent::Media { message, .. }) => {
                let wrapping = if first == "@setDataFrame" { 16 } else { 0 };
                assert_eq!(message.payload, payload[wrapping..], "{}", vector["name"]);
            }
            (_, event) => panic!("{event:?}"),
        }
    }
}

#[test]
fn control_messages_are_taken_as_they_are() {
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "control.json") {
        let kind = match vector["kind"].as_str().unwrap() {
            "acknowledgement" => MessageType::ACKNOWLEDGEMENT,
            "window_ack_size" => MessageType::WINDOW_ACK_SIZE,
            "set_peer_bandwidth" => MessageType::SET_PEER_BANDWIDTH,
            "user_control" => MessageType::USER_CONTROL,
            "set_chunk_size" => MessageType::SET_CHUNK_SIZE,
            "shared_object" => MessageType::SHARED_OBJECT_AMF0,
            _ => continue,
        };
        let mut talk = Server::publishing(ServerConfig::default());
        talk.media(0, kind, 0, &hex(vector["hex"].as_str().unwrap()));
        let result = talk.next();
        assert_eq!(result.is_ok(), vector.contains_key("expect"), "{}", vector["name"]);
    }
}
