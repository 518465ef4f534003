use bytes::Bytes;
use levada_chunk::{
    ChunkError, ChunkLimit, ChunkLimits, ChunkQuirk, ChunkWriter, Message, MessageStreamId,
    MessageType, Tolerance,
};
use levada_test::{Vector, hex, vectors};

use super::{id, read_with, write};

fn number(object: &Vector, member: &str) -> u32 {
    object[member].as_u64().unwrap().try_into().unwrap()
}

fn expected(vector: &Vector) -> Vec<Message> {
    let message = |it: &serde_json::Value| {
        let it = it.as_object().unwrap();
        Message {
            chunk_stream: id(number(it, "csid")),
            kind: MessageType(number(it, "type").try_into().unwrap()),
            stream: MessageStreamId(number(it, "msid")),
            timestamp: number(it, "ts"),
            payload: Bytes::from(hex(it["payload"].as_str().unwrap())),
        }
    };
    vector["expect"].as_array().unwrap().iter().map(message).collect()
}

#[test]
fn every_chunk_vector_reads_as_it_says() {
    let all = vectors(env!("CARGO_MANIFEST_DIR"), "chunk.json");
    assert_eq!(all.len(), 57);
    for vector in all {
        let name = vector["name"].as_str().unwrap();
        let mut limits = ChunkLimits::default();
        if vector.contains_key("max_message") {
            limits.max_video = number(&vector, "max_message");
        }
        let wire = hex(vector["hex"].as_str().unwrap());
        let seen = read_with(&wire, limits, Tolerance::default());
        if vector.contains_key("expect_error") {
            assert!(seen.error.is_some(), "{name}");
            continue;
        }
        assert_eq!(seen.error, None, "{name}");
        assert_eq!(seen.messages, expected(&vector), "{name}");
        if vector.contains_key("left") {
            assert_eq!(seen.left as u64, vector["left"].as_u64().unwrap(), "{name}");
        }
        let quirks = match name {
            "first_chunk_type1_tolerated" => vec![ChunkQuirk::OpenedWithDelta],
            "ext_ts_type3_continuation_missing" => vec![ChunkQuirk::ExtendedTimestampOmitted],
            _ => vec![],
        };
        assert_eq!(seen.quirks, quirks, "{name}");
    }
}

/// What a vector means survives our own writer, whatever its form was.
#[test]
fn every_chunk_vector_survives_writing_and_reading() {
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "chunk.json") {
        if vector.contains_key("expect_error") {
            continue;
        }
        for writer in [ChunkWriter::new(), ChunkWriter::new().with_type_3_starts()] {
            let mut writer = writer;
            let wire = write(&mut writer, &expected(&vector));
            assert_eq!(super::messages(&wire), expected(&vector), "{}", vector["name"]);
        }
    }
}

/// These vectors are in the form that we write, byte by byte.
#[test]
fn the_vectors_in_shortest_form_are_what_we_write() {
    let ours = [
        "csid2_one_byte",
        "csid3_one_byte",
        "csid63_one_byte",
        "csid64_two_bytes",
        "csid319_two_bytes",
        "csid320_three_bytes",
        "csid365_three_bytes",
        "csid65599_three_bytes",
        "type0_full",
        "type0_msid_little_endian",
        "type1_delta",
        "type1_changes_type",
        "type2_delta",
        "spec_example_2",
        "zero_length_message",
        "exact_chunk_multiple",
        "ext_ts_type0",
        "ext_ts_exactly_ffffff",
        "fffffe_has_no_ext",
        "ext_ts_max",
        "ext_ts_type3_continuation",
        "ext_flag_cleared_by_type1",
        "timestamp_wraps",
        "set_chunk_size_applies_next_chunk",
        "one_byte_at_a_time",
        "unknown_message_type_passes",
    ];
    let all = vectors(env!("CARGO_MANIFEST_DIR"), "chunk.json");
    for name in ours {
        let vector = all.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
        let wire = write(&mut ChunkWriter::new(), &expected(vector));
        assert_eq!(wire, hex(vector["hex"].as_str().unwrap()), "{name}");
    }
}

#[test]
fn the_vectors_that_repeat_a_step_are_what_we_write_with_type_3_starts() {
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "chunk.json") {
        if vector["name"] == "spec_example_1" {
            let mut writer = ChunkWriter::new().with_type_3_starts();
            let wire = write(&mut writer, &expected(&vector));
            assert_eq!(wire, hex(vector["hex"].as_str().unwrap()));
            return;
        }
    }
    panic!("no such vector");
}

#[test]
fn the_length_is_refused_at_the_header() {
    let mut limits = ChunkLimits::default();
    limits.max_video = 1 << 20;
    let seen = read_with(&hex("04 000000 ffffff 09 01000000"), limits, Tolerance::default());
    let which = ChunkLimit::MessageLength;
    let error = ChunkError::Limit { offset: 0, which, limit: 1 << 20, actual: 0xFF_FFFF };
    assert_eq!(seen.error, Some(error));
    assert_eq!(
        error.to_string(),
        "at byte 0 of the chunk stream: 16777215 is over the limit of 1048576 bytes a message"
    );
}
